"""Rational functions: zero is recognised, roots are reduced."""

import random

import pytest
import sympy

from mlpc.verify.field import Root, Scalar, scalar_sum
from mlpc.verify.polynomials import Atom

a, b, c = (Scalar.atom(Atom("symbol", name)) for name in "abc")


def test_a_zero_is_seen_however_it_is_written():
    assert (a / (1 + a) + 1 / (1 + a) - 1).is_zero
    assert (1 / (a - b) + 1 / (b - a)).is_zero
    assert ((a**2 - b**2) / (a - b) - a - b).is_zero
    assert (1 / (a * b) - 1 / a * (1 / b)).is_zero
    assert not (1 / (a + b) - 1 / a - 1 / b).is_zero


@pytest.mark.parametrize("seed", range(5))
def test_arithmetic_is_that_of_sympy(seed):
    source = random.Random(seed)
    x, y, z = sympy.symbols("a b c")
    ours, theirs = [a, b, c], [x, y, z]
    for _ in range(6):
        i, j = source.randrange(len(ours)), source.randrange(len(ours))
        operation = source.choice(["+", "-", "*", "/"])
        if operation == "/" and ours[j].is_zero:
            continue
        ours.append(eval(f"p {operation} q", {"p": ours[i], "q": ours[j]}))
        theirs.append(eval(f"p {operation} q", {"p": theirs[i], "q": theirs[j]}))
    values = {x: sympy.Rational(3, 7), y: sympy.Rational(-5, 2), z: sympy.Rational(11, 3)}
    at = {Atom("symbol", str(s)): Scalar.of(value) / 1 for s, value in ((s, int(v * 42)) for s, v in values.items())}
    integers = {s: int(v * 42) for s, v in values.items()}
    for one, other in zip(ours, theirs, strict=True):
        assert one.substitute(at).constant == sympy.Rational(other.subs(integers))


def test_derivatives():
    atom = Atom("symbol", "a")
    assert ((a / (1 + a)).derivative(atom) - 1 / (1 + a) ** 2).is_zero
    assert (b * a**3).derivative(atom).is_zero is False
    assert b.derivative(atom).is_zero


def test_roots_are_reduced():
    root = Scalar.atom(Atom("root", Root(2, a)))
    assert (root * root - a).is_zero
    assert (root**3 - a * root).is_zero
    assert (1 / root - root / a).is_zero


def test_division_by_zero():
    with pytest.raises(ZeroDivisionError):
        1 / (a - a)


def test_sums():
    assert (scalar_sum([a, b, -a]) - b).is_zero
    assert Scalar.of(3).constant == 3
    assert (a / a).constant == 1
