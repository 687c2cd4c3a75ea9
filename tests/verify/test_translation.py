"""SymPy's expressions as our own."""

import pytest
import sympy
from sympy import (
    BlockDiagMatrix,
    BlockMatrix,
    Determinant,
    Eq,
    HadamardProduct,
    Identity,
    KroneckerProduct,
    MatrixSymbol,
    Ne,
    Q,
    Trace,
    ZeroMatrix,
)

from mlpc.verify.translation import assumed, translate

n, k, c = sympy.symbols("n k c")
A, B = MatrixSymbol("A", n, n), MatrixSymbol("B", n, n)
U, x, y = MatrixSymbol("U", n, k), MatrixSymbol("x", n, 1), MatrixSymbol("y", n, 1)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (A * B.T, "A @ B^T"),
        ((A + B).I, "(A + B)^-1"),
        (c * A, "c * A"),
        (A**-3, "A^-3"),
        (Trace(A * B), "tr(A @ B)"),
        (sympy.log(Determinant(A)), "log(det(A))"),
        ((x.T * A * x)[0, 0], "x^T @ A @ x"),
        (((A * x).T * (A * x))[0, 0], "x^T @ A^T @ A @ x"),
        (A[0, 1], "unit(0)^T @ A @ unit(1)"),
        (BlockMatrix([[A, U]]), "[A, U]"),
        (BlockDiagMatrix(A, Identity(k)), "[A, 0; 0, I(k)]"),
        (Identity(n) - ZeroMatrix(n, n) + A, "I(n) + A"),
        (sympy.Matrix([[1, c]]), "[1, c]"),
    ],
)
def test_expressions(given, text):
    assert str(translate(given)) == text


def test_sums_over_entries_become_products_of_matrices():
    i, j = sympy.symbols("i j")
    over = (i, 0, n - 1), (j, 0, n - 1)
    assert str(translate(sympy.Sum(A[i, j] * B[j, i], *over))) == "tr(A @ B)"
    assert str(translate(sympy.Sum(A[i, j] * x[i, 0] * y[j, 0], *over))) in ("x^T @ A @ y", "y^T @ A^T @ x")
    with pytest.raises(ValueError, match="product of matrices"):
        translate(sympy.Sum(A[i, i] * B[i, i], (i, 0, n - 1)))


@pytest.mark.parametrize("given", [HadamardProduct(A, B), KroneckerProduct(A, B), sympy.sin(c)])
def test_what_is_not_understood_is_refused_by_its_name(given):
    with pytest.raises(ValueError, match=type(given).__name__):
        translate(given)


def test_assumptions():
    kinds = [relation.kind for relation in assumed(Q.symmetric(A) & Q.invertible(B))]
    assert sorted(kinds) == ["invertible", "symmetric"]
    assert [relation.kind for relation in assumed([Q.positive_definite(A), Eq(A * B, B * A), Ne(c, 0)])] == [
        "positive",
        "equal",
        "nonzero",
    ]


@pytest.mark.parametrize("given", [Q.normal(A), True, sympy.false, Q.symmetric(U), "A = B"])
def test_assumptions_that_say_nothing_or_cannot_be_are_refused(given):
    with pytest.raises(ValueError, match=r"assumption|square"):
        assumed([given])
