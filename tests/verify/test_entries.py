"""Exact matrices agree with SymPy's own rational ones."""

from fractions import Fraction
from random import Random

import pytest
import sympy
from sympy import ZZ

from mlpc.verify.entries import Exact, SingularError, drawn, generic, on_a_line, stacked


def sympy_matrix(exact):
    return sympy.Matrix([[sympy.Rational(x.numerator, x.denominator) for x in row] for row in exact.fractions()])


def pair(seed=0):
    return drawn({"A": "n n", "B": "n n", "u": "n 1"}, {"n": 3}, Random(seed)).values()


def test_arithmetic_is_that_of_rational_matrices():
    A, B, u = pair()
    a, b, c = map(sympy_matrix, (A, B, u))
    assert sympy_matrix(A.inv @ B - B.inv) == a.inv() * b - b.inv()
    assert sympy_matrix(A.det * B) == a.det() * b
    assert sympy_matrix((A @ u @ u.T) / (u.T @ u)) == a * c * c.T / (c.T * c)[0]
    assert sympy_matrix(A.inv.trace) == sympy.Matrix([[a.inv().trace()]])
    assert sympy_matrix(Fraction(2, 3) * A.inv + 2 * B) == sympy.Rational(2, 3) * a.inv() + 2 * b
    assert sympy_matrix(A.inv.inv) == a
    assert [sympy_matrix(row) for row in A.rows()] == [a[i, :].T for i in range(3)]


def test_blocks_stand_where_they_are_put():
    A, B, u = pair()
    a, b, c = map(sympy_matrix, (A, B, u))
    whole = sympy_matrix(stacked([[A.inv, u], [u.T, u.zeros(1, 1)]]))
    assert whole == sympy.Matrix(sympy.BlockMatrix([[a.inv(), c], [c.T, sympy.zeros(1, 1)]]))
    assert stacked([[A, B]]).shape == (3, 6)
    assert b != a


def test_a_singular_matrix_has_no_inverse():
    with pytest.raises(SingularError, match=r"\(2, 2\)"):
        _ = Exact.of([[1, 2], [2, 4]], ZZ).inv


def test_other_shapes_are_not_unequal_but_an_error():
    A, _, u = pair()
    with pytest.raises(ValueError, match="shapes"):
        A.equals(u)
    with pytest.raises(ValueError, match="1 × 1"):
        _ = A * u


def test_generic_entries_are_all_different_but_for_symmetry():
    both = generic({"K": "n n symmetric", "L": "k n"}, {"n": 3, "k": 2})
    assert both["K"].equals(both["K"].T)
    entries = [entry for matrix in both.values() for row in matrix.entries.to_list() for entry in row]
    assert len(set(entries)) == 6 + 6


def test_a_line_has_entries_of_degree_one():
    (A,) = on_a_line({"A": "n n"}, {"n": 2}, Random(0)).values()
    assert {entry.degree() for row in A.entries.to_list() for entry in row} == {1}
    assert A.det.entries.to_list()[0][0].degree() == 2
