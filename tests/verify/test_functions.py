"""Logarithms, exponentials and powers of scalars, against numbers."""

from fractions import Fraction

import pytest
import sympy

from mlpc.verify.field import Scalar
from mlpc.verify.functions import Functions, exponent_scalar, inner_derivative
from mlpc.verify.polynomials import Atom

a, b = (Scalar.atom(Atom("symbol", sympy.Symbol(name))) for name in "ab")
n, k = sympy.symbols("n k")
half = sympy.Rational(1, 2)


@pytest.fixture
def of():
    return Functions()


def test_laws(of):
    assert (of.log(a * b**2 / (a + b)) - of.log(a) - 2 * of.log(b) + of.log(a + b)).is_zero
    assert (of.log(6 * a) - of.log(Scalar.of(2)) - of.log(Scalar.of(3)) - of.log(a)).is_zero
    assert (of.exp(a + 2 * b) - of.exp(a) * of.exp(b) ** 2).is_zero
    assert (of.exp(of.log(a) / 2) ** 2 - a).is_zero
    assert (of.log(of.exp(a * b)) - a * b).is_zero
    assert (of.power(a, half) ** 2 - a).is_zero
    assert (of.power(a * b, half) - of.power(a, half) * of.power(b, half)).is_zero
    assert (of.power(a, n + 1) - a * of.power(a, n)).is_zero
    assert (of.power(a, n - k) * of.power(a, k) - of.power(a, n)).is_zero
    assert (of.power(of.power(a, n / 2), sympy.Integer(2)) - of.power(a, n)).is_zero
    assert (of.power(Scalar.of(-1), 2 * n) - 1).is_zero


def test_what_is_no_law(of):
    assert not (of.log(a + b) - of.log(a) - of.log(b)).is_zero
    assert not (of.exp(a * b) - of.exp(a) * of.exp(b)).is_zero
    assert not (of.power(a + b, half) - of.power(a, half) - of.power(b, half)).is_zero
    assert not (of.power(Scalar.of(-1), n) - 1).is_zero


def test_equal_arguments_give_the_same_atom(of):
    assert (of.log(1 / (1 + a)) - of.log((1 - a) / (1 - a * a))).is_zero
    assert (of.log((1 + a) * (1 - b)) - of.log(1 + a) - of.log(1 - b)).is_zero


def test_positivity_is_reported():
    seen = []
    Functions(lambda value: seen.append(repr(value))).log(a + b)
    assert seen == ["a + b"]


def test_roots_of_negative_numbers_and_strange_exponents_are_refused(of):
    with pytest.raises(ValueError, match="negative"):
        of.power(Scalar.of(-4), half)
    with pytest.raises(ValueError, match="exponent"):
        of.power(a, sympy.sqrt(2))


def test_derivatives_of_functions(of):
    def slope(scalar):
        (atom,) = scalar.atoms()
        inner, outer = inner_derivative(atom)
        (variable,) = a.atoms()
        return outer * inner.derivative(variable)

    assert (slope(of.log(a)) - 1 / a).is_zero
    assert (slope(of.power(a, half)) - of.power(a, -half) / 2).is_zero
    assert (slope(of.power(a, n / 2)) - exponent_scalar(n / 2) * of.power(a, n / 2) / a).is_zero
    assert inner_derivative(Atom("symbol", "a")) is None
    assert exponent_scalar(sympy.Rational(3, 4)).constant == Fraction(3, 4)
