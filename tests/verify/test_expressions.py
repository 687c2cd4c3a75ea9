"""Expressions keep what was written, and refuse shapes that do not fit."""

from fractions import Fraction

import pytest
import sympy

from mlpc.verify.expressions import (
    block,
    coerce,
    det,
    equal,
    expectation,
    family,
    identity,
    index,
    log,
    matrix,
    nonzero,
    scalar,
    sizes,
    total,
    trace,
    vector,
    zeros,
)

n, k, N = sizes("n k N")
A, U, x = matrix("A", n), matrix("U", n, k), vector("x", n)


def test_nothing_cancels_while_an_expression_is_built():
    assert (A @ A.inv) != identity(n)
    assert A.T.T != A
    assert (A - A).op == "add"
    assert zeros(n, n) != (0 * A)


def test_equal_trees_are_equal_and_hash_alike():
    assert matrix("A", n) == A
    assert hash(matrix("A", n) @ x) == hash(A @ x)
    assert matrix("A", n, n, "symmetric") != A
    assert matrix("A", k) != A


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: U @ A, r"\(n, k\) and \(n, n\) do not chain"),
        (lambda: U + A, r"\(n, k\) and \(n, n\) differ"),
        (lambda: U * A, "must be a scalar"),
        (lambda: U.inv, "square"),
        (lambda: trace(U), "square"),
        (lambda: det(U), "square"),
        (lambda: U**2, "square"),
        (lambda: A ** Fraction(1, 2), "integer"),
        (lambda: log(A), "needs a scalar"),
        (lambda: nonzero(A), "needs a scalar"),
        (lambda: equal(A, U), "differ"),
        (lambda: matrix("P", n, k, "symmetric"), "square"),
        (lambda: matrix("P", n, n, "lucky"), "lucky"),
        (lambda: scalar("c", "negative"), "positive"),
        (lambda: block([[A, U], [U.T]]), "rows have"),
        (lambda: block([[A, U], [U.T, A]]), "its place has"),
        (lambda: expectation(x, {x: (x, U)}), "mean and covariance"),
    ],
)
def test_what_does_not_fit_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_shapes_of_results():
    assert (A @ U).T.shape == (k, n)
    assert block([[A, U], [U.T, identity(k)]]).shape == (n + k, n + k)
    assert (x.T @ A @ x).is_scalar
    assert ((x.T @ x) * U).shape == (n, k)
    assert (U / (x.T @ x)).shape == (n, k)


def test_numbers_and_sympy_scalars_become_expressions():
    assert coerce(2).data == 2
    assert coerce(Fraction(1, 3)).data == Fraction(1, 3)
    assert (n / 2 * log(scalar("c"))).is_scalar
    assert coerce(sympy.Rational(1, 3)) == coerce(Fraction(1, 3))


def test_the_symbols_that_a_value_depends_on():
    data, i, j = family("x", n), index("i"), index("j")
    assert (data[i] @ data[j].T).symbols == {i, j}
    assert total(data[i] @ data[j].T, i, N).symbols == {j}
