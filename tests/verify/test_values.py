"""Values at draws are exact or lie in their intervals, and are those of SymPy's own evaluation."""

import random
from fractions import Fraction

import mpmath
import pytest
import sympy
from sympy import (
    Derivative,
    Function,
    IndexedBase,
    Integer,
    Integral,
    KroneckerDelta,
    Sum,
    exp,
    log,
    oo,
    pi,
    sqrt,
    symbols,
)

from mlpc.verify.values import (
    Draw,
    UndefinedError,
    combined,
    excludes_zero,
    interval,
    is_positive,
    is_zero,
    power,
    shown,
    unrolled,
)

K = symbols("K", integer=True, positive=True)
j, k = symbols("j k", integer=True, positive=True)
a, t = symbols("a t", real=True)
s = symbols("s", positive=True)
q = IndexedBase("q", positive=True)
P = Function("P", positive=True)


@pytest.fixture
def draw():
    return Draw({K: Integer(3)}, random.Random(1))


def test_rational_expressions_have_exact_values(draw):
    value = draw.value((a + 1) ** 3 / (s + 2) - a / 3)
    x, y = draw.numbers[a], draw.numbers[s]
    assert value == (x + 1) ** 3 / (y + 2) - x / 3
    assert y > 0


@pytest.mark.parametrize(
    "expr", [log(s) + pi, exp(-(a**2)), sqrt(s + 1) ** 3, s**a, sympy.cos(a) * sympy.tanh(a), exp(1) * s]
)
def test_other_values_lie_in_narrow_intervals(draw, expr):
    value = draw.value(expr)
    there = expr.subs({atom: sympy.Rational(str(draw.numbers[atom])) for atom in expr.free_symbols}).evalf(50)
    width = mpmath.mpf(value.delta.b)
    assert width < mpmath.mpf(10) ** -50
    with mpmath.workdps(50):
        assert abs(mpmath.mpf(value.mid) - mpmath.mpf(str(there))) < mpmath.mpf(10) ** -45


def test_sums_and_indices_run_over_their_range(draw):
    total = draw.value(Sum(q[k] * Sum(q[j], (j, 1, k)), (k, 1, K)))
    one, two, three = (draw.numbers[q[n]] for n in (1, 2, 3))
    assert total == one * one + two * (one + two) + three * (one + two + three)
    assert draw.value(Sum(KroneckerDelta(k, 2) * q[k], (k, 1, K))) == two
    assert draw.value(sympy.Product(q[k], (k, 1, K))) == one * two * three


def test_a_sum_may_use_the_name_of_a_free_index():
    draw = Draw({K: Integer(3), k: Integer(2)}, random.Random(1))
    assert draw.value(Sum(q[k], (k, 1, K)) * q[k]) == draw.value(Sum(q[j], (j, 1, K)) * q[2])


def test_written_out_or_not_a_value_is_the_same(draw):
    expr = Sum(P(k, t) * q[k] ** 2, (k, 1, K)) / Sum(P(k, a), (k, 1, K))
    assert draw.value(expr) == draw.number(draw.explicit(expr))


def test_derivatives_are_those_of_the_functions_drawn(draw):
    slope = draw.value(Derivative(P(1, t) ** 2, t))
    assert slope == 2 * draw.value(P(1, t)) * draw.value(Derivative(P(1, t), t))
    assert draw.value(Derivative(Sum(q[k] ** 2, (k, 1, K)), q[2])) == 2 * draw.value(q[2])


def test_integrals_are_by_quadrature(draw):
    assert is_zero(draw, Integral(exp(-(t**2) * s), (t, -oo, oo)) - sqrt(pi / s))
    assert is_zero(draw, Integral(exp(-(t**2) * s), (t, -oo, oo)) - sqrt(pi / s) - s / 100) is False
    with pytest.raises(UndefinedError):
        draw.value(Integral(exp(-t), (t, 0, oo)))


@pytest.mark.parametrize("expr", [log(-s), sqrt(-1 - a**2), log(-(a**2)), (-s) ** a, sympy.I * a, 1 / (q[1] - q[k])])
def test_what_has_no_value_is_undefined(draw, expr):
    draw.integers[k] = Integer(1)
    with pytest.raises(UndefinedError):
        draw.value(expr)


def test_zero_certainly_not_or_unknown(draw):
    assert is_zero(draw, s - s * a / a)  # SymPy's zero
    assert is_zero(draw, log(s**2) - 2 * log(s) + 0 * a)
    assert is_zero(draw, (s + 1) ** 2 - s**2 - 2 * s - 1)
    assert is_zero(draw, log(s + 1) - log(s) - log(1 + 1 / s))
    assert is_zero(draw, log(s + 1) - log(s)) is False
    assert is_zero(draw, exp(-(10**4) * s)) is False


def test_intervals_know_what_they_exclude():
    third = interval(Fraction(1, 3))
    assert third.a < third.b
    assert is_positive(third)
    assert excludes_zero(third)
    assert not excludes_zero(third - third)
    assert combined([Fraction(1, 2), Fraction(1, 3)], added=True) == Fraction(5, 6)
    assert combined([Fraction(1, 2), Fraction(1, 3)], added=False) == Fraction(1, 6)
    assert power(Fraction(2, 3), Fraction(-2)) == Fraction(9, 4)
    with pytest.raises(UndefinedError, match="zero"):
        power(Fraction(0), Fraction(-1))
    assert shown(Fraction(1, 3)) == "1/3"
    assert shown(third).startswith("0.3333")


def test_sums_are_written_out():
    assert unrolled(Sum(q[k] ** 2, (k, 1, 3))) == q[1] ** 2 + q[2] ** 2 + q[3] ** 2
    assert unrolled(sympy.Product(Sum(q[j], (j, 1, k)), (k, 1, 2))) == q[1] * (q[1] + q[2])
