"""Expressions as LaTeX and as text."""

import pytest

from mlpc.verify.expressions import (
    block,
    det,
    expectation,
    family,
    identity,
    index,
    log,
    matrix,
    ones,
    scalar,
    sizes,
    total,
    trace,
    vector,
    zeros,
)
from mlpc.verify.printing import latex, plain

n, k, N = sizes("n k N")
A, B, x, c = matrix("A", n), matrix("B", n), vector("x", n), scalar("c")
data, i = family("x", n), index("i")


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        ((A + B).inv @ A, r"\left(A + B\right)^{-1} A"),
        (A - B, "A - B"),
        (A.inv.T, r"\left(A^{-1}\right)^{\top}"),
        (-x.T @ A @ x / 2, r"-\frac{x^{\top} A x}{2}"),
        (A / c, r"\frac{1}{c} A"),
        (trace(A @ B), r"\operatorname{tr}\left(A B\right)"),
        (log(det(A)), r"\log\left(\det\left(A\right)\right)"),
        (total(data[i], i, N), r"\sum_{i=1}^{N} x_{i}"),
        (block([[A, zeros(n, k)]]), r"\begin{pmatrix}A & 0\end{pmatrix}"),
        (expectation(x, {x: (x, A)}), r"\mathbb{E}\left[x\right]"),
        (ones(n).T @ identity(n), r"\mathbf{1}_{n}^{\top} I_{n}"),
        (c**n * A**3, r"c^{n} \, A^{3}"),
    ],
)
def test_latex(expression, written):
    assert latex(expression) == written


def test_a_sum_inside_a_product_is_wrapped():
    assert plain((A + B) @ A) == "(A + B) @ A"
    assert plain((x.T @ x) * A) == "(x^T @ x) * A"
    assert plain((A - B) @ x) == "(A - B) @ x"
