"""Zero is decided in a field: of quotients, with exponentials and roots counted once for all their powers."""

import pytest
from sympy import E, S, exp, sqrt, symbols

from mlpc.verify.quotients import UnreadableError, atoms_of, quotient, quotients

a, b = symbols("a b", real=True)
s, v = symbols("s v", positive=True)


@pytest.mark.parametrize(
    "zero",
    [
        a / (1 + a) + 1 / (1 + a) - 1,
        (a**2 - b**2) / (a - b) - a - b,
        exp(a) * exp(a / 2) - exp(3 * a / 2) + 0 * b,
        (exp(a) - exp(-a)) / (exp(a) + exp(-a)) - (exp(2 * a) - 1) / (exp(2 * a) + 1),
        (sqrt(s) + 1) * (sqrt(s) - 1) - s + 1,
        (sqrt(1 + s) - 1) * (sqrt(1 + s) + 1) - s,
        1 / (sqrt(2) + sqrt(3)) - sqrt(3) + sqrt(2),
        (s ** (S(1) / 3) - 1) * (s ** (S(2) / 3) + s ** (S(1) / 3) + 1) - s + 1,
        exp(a**2 / s) * exp(-(a**2) / (s + v)) - exp(a**2 * v / (s * (s + v))),
        E * (E + 1) - exp(2) - exp(1),
    ],
)
def test_zero_is_seen(zero):
    assert quotient(zero).is_zero


@pytest.mark.parametrize("other", [a / (1 + a) + 1 / (1 + a), sqrt(1 + s) - 1 - s, exp(a) - a, sqrt(6) - sqrt(5), S(1)])
def test_what_is_not_zero_is_not(other):
    assert not quotient(other).is_zero


@pytest.mark.parametrize("wrong", [1 / (sqrt(1 + s) ** 2 - (1 + s) + (a - a)), 1 / ((a - b) - (a - b) * s / s)])
def test_division_by_what_sympy_sees_is_zero_never_arrives_here(wrong):
    assert wrong.has(S.ComplexInfinity)


def test_division_by_zero_is_an_error():
    hidden = a / (1 + a) + 1 / (1 + a) - 1
    with pytest.raises(UnreadableError, match="division by zero"):
        quotient(1 / hidden)
    with pytest.raises(UnreadableError, match="division by zero"):
        quotient(1 / ((sqrt(1 + s) - 1) * (sqrt(1 + s) + 1) - s))


def test_several_expressions_share_their_generators():
    one, other = quotients([a + s, sqrt(s) * b])
    assert one.atoms == other.atoms
    assert (one.numer * other.numer).ring == one.numer.ring


def test_an_expression_comes_back():
    split = quotient((a + 2 * b) / (s + 1) / 3)
    assert (split.expression(split.numer) / split.expression(split.denom) - (a + 2 * b) / (3 * s + 3)).simplify() == 0
    assert set(atoms_of(a * exp(b) / (s + sqrt(v)) ** 2 + 1)) == {a, exp(b), s, sqrt(v)}
