"""The traps of SymPy that the prover goes round: each test says what ought to hold, and fails as long as it does not.

They are strict: an upgrade that mends a trap turns its test red, and the detour can be thought over.
"""

import pytest
import sympy
from sympy import (
    Determinant,
    Function,
    I,
    IndexedBase,
    Inverse,
    MatrixSymbol,
    Sum,
    Symbol,
    Trace,
    ZeroMatrix,
    exp,
    expand,
    log,
    pi,
    symbols,
)

n, m, K = symbols("n m K", integer=True, positive=True)
k = symbols("k", integer=True)
A, B, X = (MatrixSymbol(name, n, n) for name in "ABX")
U, x = MatrixSymbol("U", n, m), MatrixSymbol("x", n, 1)
q = IndexedBase("q")
t = Symbol("t")

trap = pytest.mark.xfail(strict=True, raises=AssertionError, reason="a trap of SymPy that the prover avoids")


@pytest.mark.parametrize(
    ("scalar", "variable"),
    [
        pytest.param(log(Determinant(X)), X, id="log det"),
        pytest.param(3 * log(Determinant(X)) - Trace(A * X), X, id="log det and trace"),
        pytest.param(Trace(X) + 1, X, id="trace and constant"),
        pytest.param(Trace(X) + Trace(A * X), X, id="sum of traces"),
        pytest.param(Trace(A * X) - Trace(X), X, id="difference of traces"),
        pytest.param(sympy.sin(Trace(X)), X, id="function of a trace"),
        pytest.param(exp(Trace(X)), X, id="exponential of a trace"),
        pytest.param((x.T * A * x)[0, 0], x, id="quadratic form"),
        pytest.param(exp((x.T * A * x)[0, 0]), x, id="exponential of a quadratic form"),
    ],
)
@trap
def test_the_gradient_of_a_scalar_is_not_zero(scalar, variable):
    assert scalar.diff(variable) not in (0, ZeroMatrix(*variable.shape))


@trap
def test_the_derivative_of_a_determinant_is_carried_out():
    assert not Determinant(X).diff(X).has(sympy.Derivative)


@pytest.mark.xfail(strict=True, raises=TypeError, reason="SymPy refuses the mixture of matrix and scalar")
def test_an_inverse_is_differentiated_along_a_line():
    assert Inverse(X + t * A).diff(t) is not None


@trap
def test_equal_sums_of_matrices_are_equal():
    assert (A + A.T) * x == A * x + A.T * x


@trap
def test_a_zero_matrix_is_zero():
    assert ZeroMatrix(n, n) == 0


@trap
def test_products_of_sums_are_simplified():
    assert sympy.simplify((A + B) * x - A * x - B * x) == ZeroMatrix(n, 1)


@pytest.mark.parametrize("matrix", [pytest.param(A, id="any"), pytest.param(x * x.T, id="of rank one")])
@trap
def test_an_inverse_is_not_cancelled_before_it_exists(matrix):
    assert matrix * matrix.I != sympy.Identity(n)


@trap
def test_a_rectangular_matrix_has_no_inverse():
    try:
        Inverse(U)
    except sympy.matrices.exceptions.NonSquareMatrixError:
        return
    raise AssertionError("the inverse of an n × m matrix was accepted")


@trap
def test_the_inverse_of_a_product_stays_what_was_written():
    assert isinstance((A * B).I, Inverse)


@trap
def test_the_determinant_of_blocks_is_found():
    assert not sympy.BlockMatrix([[A, B], [B.T, X]]).det().has(Determinant)


@trap
def test_the_index_of_a_sum_is_not_captured_by_a_derivative():
    assert Sum(q[k] ** 2, (k, 1, K)).diff(q[k]) != Sum(2 * q[k], (k, 1, K))


@trap
def test_the_last_term_of_a_sum_is_split_off():
    assert sympy.simplify(Sum(q[k], (k, 1, K)) - Sum(q[k], (k, 1, K - 1)) - q[K]) == 0


@trap
def test_the_logarithm_of_a_weight_that_is_left_over_splits():
    p = symbols("p", positive=True)
    assert sympy.expand_log(log(1 / (1 - p))) == -log(1 - p)


@trap
def test_the_derivative_of_an_unknown_function_has_no_dummies():
    assert not Function("f")(2 * t).diff(t).has(sympy.Subs)


@pytest.mark.parametrize("size", [6, 8])
@trap
def test_the_convolution_theorem_expands_to_zero_with_a_numerical_root(size):
    root = exp(-2 * pi * I / size)
    a, b = symbols(f"a:{size}"), symbols(f"b:{size}")
    convolved = [sum(a[i] * b[(j - i) % size] for i in range(size)) for j in range(size)]
    transforms = [[sum(v[i] * root ** (i * j) for i in range(size)) for j in range(size)] for v in (convolved, a, b)]
    assert all(expand(c - f * g) == 0 for c, f, g in zip(*transforms, strict=True))
