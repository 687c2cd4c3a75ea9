"""Exact matrices, against SymPy and NumPy."""

import random
from fractions import Fraction

import numpy as np
import pytest
import sympy

from mlpc.verify import arithmetic
from mlpc.verify.arithmetic import Dual, Singular

P = [[Fraction(4), Fraction(2)], [Fraction(2), Fraction(3)]]


def matrix(n, seed, of=lambda x: x):
    source = random.Random(seed)
    return [[of(Fraction(source.randint(-9, 9))) for _ in range(n)] for _ in range(n)]


def of_sympy(a):
    return sympy.Matrix(len(a), len(a[0]), lambda i, j: sympy.Rational(str(a[i][j])))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_inverse_and_determinant_are_exact(n):
    a = matrix(n, seed=n)
    assert of_sympy(arithmetic.inverse(a)) == of_sympy(a).inv()
    assert sympy.Rational(str(arithmetic.determinant(a))) == of_sympy(a).det()
    assert arithmetic.multiply(a, arithmetic.inverse(a)) == arithmetic.identity(n)


def test_pivots_are_looked_for():
    a = [[Fraction(0), Fraction(1)], [Fraction(1), Fraction(0)]]
    assert arithmetic.inverse(a) == a
    assert arithmetic.determinant(a) == -1


def test_a_singular_matrix_is_noticed():
    singular = [[Fraction(1), Fraction(2)], [Fraction(2), Fraction(4)]]
    assert arithmetic.determinant(singular) == 0
    with pytest.raises(Singular):
        arithmetic.inverse(singular)


def test_dual_numbers_differentiate():
    step = 1e-6
    value, slope = matrix(3, seed=1), matrix(3, seed=2)
    dual = [[Dual(x, h) for x, h in zip(*rows, strict=True)] for rows in zip(value, slope, strict=True)]
    x, h = (np.array(a, dtype=float) for a in (value, slope))
    central = (np.linalg.inv(x + step * h) - np.linalg.inv(x - step * h)) / (2 * step)
    found = [[float(entry.slope) for entry in row] for row in arithmetic.inverse(dual)]
    np.testing.assert_allclose(found, central, rtol=1e-5, atol=1e-7)
    expected = np.linalg.det(x) * np.trace(np.linalg.inv(x) @ h)
    assert float(arithmetic.determinant(dual).slope) == pytest.approx(expected)


def test_functions_of_dual_numbers():
    x = Dual(Fraction(4), Fraction(1))
    assert arithmetic.function("log", x).slope == Fraction(1, 4)
    assert arithmetic.function("exp", x).slope == arithmetic.function("exp", x).value
    assert float(arithmetic.power(x, Fraction(1, 2)).slope) == pytest.approx(0.25)
    assert arithmetic.power(x, Fraction(-2)).slope == Fraction(-2, 64)


def test_functions_are_refused_where_they_are_not_defined():
    with pytest.raises(Singular):
        arithmetic.function("log", Fraction(-1))
    with pytest.raises(Singular):
        arithmetic.power(Fraction(-1), Fraction(1, 2))
    with pytest.raises(Singular):
        arithmetic.power(Fraction(0), Fraction(-1))


def test_fractions_are_compared_exactly_and_others_to_thirty_digits():
    third = [[Fraction(1, 3)]]
    assert not arithmetic.same(third, [[Fraction(1, 3) + Fraction(1, 10**40)]])
    logarithm = arithmetic.function("log", Fraction(2))
    assert arithmetic.same([[2 * logarithm]], [[arithmetic.function("log", Fraction(4))]])
    assert not arithmetic.same([[logarithm]], [[arithmetic.function("log", Fraction(3))]])


def test_linear_equations():
    rows = [[Fraction(1), Fraction(1), Fraction(0)], [Fraction(0), Fraction(1), Fraction(1)]]
    solution = arithmetic.solve(rows, [Fraction(3), Fraction(5)], lambda: Fraction(7))
    assert solution[0] + solution[1] == 3
    assert solution[1] + solution[2] == 5
    assert arithmetic.solve([[Fraction(0)]], [Fraction(1)], lambda: Fraction(0)) is None


def test_roots_of_a_positive_definite_matrix():
    lower, root = arithmetic.cholesky(P), arithmetic.symmetric_root(P)
    assert lower[0][1] == 0
    assert arithmetic.same(arithmetic.multiply(lower, arithmetic.transpose(lower)), P)
    assert arithmetic.same(arithmetic.multiply(root, root), P)
    assert arithmetic.same(root, arithmetic.transpose(root))


@pytest.mark.parametrize("root", [arithmetic.cholesky, arithmetic.symmetric_root])
@pytest.mark.parametrize("entries", [[[1, 2], [2, 1]], [[1, 1], [1, 1]], [[1, 2], [0, 1]]])
def test_other_matrices_have_no_root(root, entries):
    with pytest.raises(Singular):
        root([[Fraction(x) for x in row] for row in entries])


def test_ldl():
    lower, diagonal = arithmetic.ldl(P)
    assert diagonal == [4, 2]
    assert lower == [[1, 0], [Fraction(1, 2), 1]]


def test_fractions_mix_with_rounded_numbers():
    x = arithmetic.CONTEXT.mpf(1) / 4
    assert Fraction(1) - x == Fraction(3, 4)
    assert Fraction(1) / x == 4
