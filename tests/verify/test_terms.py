"""The normal form splits logarithms only where that is right, and records on what it rests."""

import pytest
import sympy
from sympy import Derivative, E, Function, IndexedBase, Sum, cosh, exp, log, sqrt, symbols, tanh

from mlpc.verify.quotients import UnreadableError, quotient
from mlpc.verify.terms import Reading, apart, derived, renamed

K = symbols("K", integer=True, positive=True)
j, k = symbols("j k", integer=True, positive=True)
a, b, c, t = symbols("a b c t", real=True)
s, v = symbols("s v", positive=True)
negative = symbols("negative", negative=True)
q = IndexedBase("q", positive=True)
f, P = Function("f"), Function("P", positive=True)


def normal(expr, **known):
    return Reading(**known).normal(expr)


@pytest.mark.parametrize(
    ("expr", "form"),
    [
        (log(s**2 / (6 * v)), 2 * log(s) - log(v) - log(2) - log(3)),
        (log(exp(a) * s), a + log(s)),
        (log(sqrt(s) * E), log(s) / 2 + 1),
        (log(1 / (s + v)), -log(s + v)),
        (exp(a + log(s)), s * exp(a)),
        (exp(log(s) / 2 - log(v)), sqrt(s) / v),
        (s**a * s, s * exp(a * log(s))),
        (log(s * a), log(s) + log(a)),
        (log(-a), log(-a)),
        (log(negative * a), log(-negative) + log(-a)),
        (log(negative**2), 2 * log(-negative)),
        (log(q[k] / q[j]), log(q[k]) - log(q[j])),
        (Sum(2 * s * q[k] + 1, (k, 1, K)) - K, 2 * s * Sum(q[k], (k, 1, K))),
    ],
)
def test_normal_forms(expr, form):
    assert quotient(normal(expr) - normal(form)).is_zero


@pytest.mark.parametrize("expr", [log(a * b), log(a**2), log((a - b) / (b - c)), log(-a * b / c)])
def test_a_logarithm_of_unknown_signs_is_not_split(expr):
    assert quotient(normal(expr) - expr).is_zero or len(normal(expr).atoms(log)) == 1


def test_even_powers_of_unknown_sign_stay_even():
    assert normal(log(a**2 * s)) == log(a**2) + log(s)
    assert quotient(normal(log(a**4)) - 2 * log(a**2)).is_zero


def test_a_known_sign_splits():
    known = (a - b, b - c)
    assert quotient(normal(log((a - b) / (b - c)), positive=known) - log(a - b) + log(b - c)).is_zero
    assert quotient(normal(log((b - a) / (c - b)), positive=known) - log(a - b) + log(b - c)).is_zero


def test_hypotheses_are_recorded():
    reading = Reading()
    reading.normal(log(a / s) + 1 / (b - c) + Sum(exp(-t * k), (k, 1, K)) + log(q[j]))
    assert {"s > 0", "a/s > 0", "b - c != 0", "q > 0"} <= set(reading.assumes)
    assert any("!= 1" in hypothesis for hypothesis in reading.assumes)


def test_hyperbolic_functions_are_exponentials():
    assert quotient(normal(tanh(a) * cosh(a)) - normal(sympy.sinh(a))).is_zero


@pytest.mark.parametrize(
    ("expr", "word"),
    [
        (sympy.Abs(a), "Abs"),
        (sympy.Max(a, b), "Max"),
        (sympy.Piecewise((a, a > 0), (b, True)), "Piecewise"),
        (sympy.I * a, "ImaginaryUnit"),
        (a**b, "sign of the base"),
        (log(-s), "not positive"),
        (Derivative(f(a**2), a), "derivative"),
    ],
)
def test_what_is_not_read_is_refused_by_name(expr, word):
    with pytest.raises(UnreadableError, match=word):
        normal(expr)


def test_the_logarithm_of_zero_is_refused():
    with pytest.raises(UnreadableError, match="the logarithm of 0"):
        normal(log(Sum(q[k], (k, 1, K)) - Sum(q[j], (j, 1, K))))


def test_derivatives_do_not_capture_indices():
    total = Sum(q[k] ** 2, (k, 1, K))
    assert normal(Derivative(total, q[k])) == 2 * q[k]
    assert normal(Derivative(total, q[j])) == 2 * q[j]
    assert derived(Derivative(s * t**2, t)) == 2 * s * t


def test_indices_are_renamed():
    total = Sum(q[k] * Sum(q[j], (j, 1, k)), (k, 1, K))
    assert not {j, k} & renamed(total).atoms(sympy.Symbol)
    assert apart(total).limits[0][0] != k
    assert apart(total).subs(K, 3).doit() == total.subs(K, 3).doit()


def test_functions_keep_their_arguments():
    assert normal(P(k, t) * exp(0 * t)) == P(k, t)
    assert normal(Derivative(log(P(k, t)), t)) == Derivative(P(k, t), t) / P(k, t)
