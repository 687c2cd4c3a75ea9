"""Inequalities follow from squares and from one lemma, with their case of equality; false ones do not."""

import pytest
import sympy
from sympy import Derivative, Eq, Function, IndexedBase, Integral, Rational, Sum, exp, log, oo, pi, sqrt, symbols

from mlpc.verify.inequalities import log_gap, prove_nonnegative

K = symbols("K", integer=True, positive=True)
i, j, k, l = symbols("i j k l", integer=True, positive=True)  # noqa: E741
p, q, T = (IndexedBase(name, positive=True) for name in "pqT")
f, u = IndexedBase("f", real=True), IndexedBase("u", real=True)
P = Function("P", positive=True)
a, b, m, mu, t, y = symbols("a b m mu t y", real=True)
n = symbols("n", nonnegative=True)
s, v = symbols("s v", positive=True)

q_sums_to_one = Eq(Sum(q[k], (k, 1, K)), 1)
p_sums_to_one = Eq(Sum(p[k], (k, 1, K)), 1)


def over(expr, index=k):
    return Sum(expr, (index, 1, K))


def density(y, mean, deviation):
    return exp(-((y - mean) ** 2) / (2 * deviation**2)) / sqrt(2 * pi * deviation**2)


mean_T = over(q[j] * T[j], j)
kl = over(q[k] * log(q[k] / p[k]))
gaussian_kl = log(v / s) + (s**2 + (m - mu) ** 2) / (2 * v**2) - Rational(1, 2)
Z = over(exp(f[j]), j)
variational = log(Z) - over(q[k] * f[k]) + over(q[k] * log(q[k]))
centred = f[k] - over(q[j] * f[j], j)
schwarz = over(q[k] * f[k] ** 2) * over(q[k] * u[k] ** 2) - over(q[k] * f[k] * u[k]) ** 2

mean_f = over(f[j] * P(j, t), j)
variance = over(P(k, t) * (f[k] - mean_f) ** 2)
score = Derivative(log(P(k, t)), t)
information = over(P(j, t) * Derivative(log(P(j, t)), t) ** 2, j)
slope = Derivative(mean_f, t)

w = IndexedBase("w", real=True)
Z_pairs = Sum(exp(w[i, l]), (i, 1, K), (l, 1, K))


def pairs(expr):
    return Sum(expr, (j, 1, K), (k, 1, K))


PROVED = {  # what is not negative, the witness, assumptions, {what is wrong: what is negative somewhere}, equality
    "Gibbs": (
        kl,
        over(q[k] * log_gap(p[k] / q[k])),
        [q_sums_to_one, p_sums_to_one],
        {"sign": -kl},
        r"\frac{{p}_{k}}{{q}_{k}} = 1 \text{ for all } k",
    ),
    "Jensen for the logarithm": (
        log(mean_T) - over(q[k] * log(T[k])),
        over(q[k] * log_gap(T[k] / mean_T)),
        [q_sums_to_one],
        {"sign": over(q[k] * log(T[k])) - log(mean_T)},
        r"\text{ for all } k",
    ),
    "KL of Gaussians": (
        gaussian_kl,
        log_gap(s**2 / v**2) / 2 + (m - mu) ** 2 / (2 * v**2),
        [],
        {"1 for 1/2": gaussian_kl - Rational(1, 2)},
        r"\frac{s^{2}}{v^{2}} = 1 \text{ and } m - \mu = 0",
    ),
    "KL of Gaussians from the integral": (
        Integral(density(y, m, s) * log(density(y, m, s) / density(y, mu, v)), (y, -oo, oo)),
        Integral(density(y, m, s) * log_gap(density(y, mu, v) / density(y, m, s)), (y, -oo, oo)),
        [],
        {"less": gaussian_kl - (m - mu) ** 2 / v**2},
        "for almost all",
    ),
    "variational principle": (
        variational,
        over(q[k] * log_gap(exp(f[k]) / Z / q[k])),
        [q_sums_to_one],
        {"sign": -variational},
        "= 1",
    ),
    "entropy of K states": (
        log(K) + over(q[k] * log(q[k])),
        over(q[k] * log_gap(1 / (K * q[k]))),
        [q_sums_to_one],
        {"smaller": log(K) / 2 + over(q[k] * log(q[k]))},
        r"\frac{1}{K {q}_{k}} = 1",
    ),
    "variance": (
        over(q[k] * f[k] ** 2) - over(q[k] * f[k]) ** 2,
        over(q[k] * centred**2),
        [q_sums_to_one],
        {"twice": over(q[k] * f[k] ** 2) - 2 * over(q[k] * f[k]) ** 2},
        "= 0",
    ),
    "Cauchy–Schwarz": (
        schwarz,
        over(over(q[k] * q[j] * (f[k] * u[j] - f[j] * u[k]) ** 2, j)) / 2,
        [],
        {"sign": -schwarz},
        "for all",
    ),
    "Cramér–Rao": (
        variance * information - slope**2,
        over(P(k, t) * (information * (f[k] - mean_f) - slope * score) ** 2) / information,
        [Eq(over(P(k, t)), 1)],
        {"sign": slope**2 - variance * information},
        "= 0",
    ),
    "Gibbs–Bogoliubov": (
        log(Z) - over(q[k] * f[k] + q[k] * u[k]) - log(over(exp(u[j]), j)) + over(q[k] * u[k]) * 2,
        over(q[k] * log_gap(exp(f[k]) / Z / q[k])),
        [Eq(q[k], exp(u[k]) / over(exp(u[j]), j))],
        {"sign": -log(Z) + over(q[k] * f[k]) + log(over(exp(u[j]), j)) - over(q[k] * u[k])},
        "= 1",
    ),
    "mean field": (
        log(Z_pairs) - pairs(p[j] * q[k] * w[j, k]) + over(p[k] * log(p[k])) + over(q[k] * log(q[k])),
        pairs(p[j] * q[k] * log_gap(exp(w[j, k]) / Z_pairs / (p[j] * q[k]))),
        [p_sums_to_one, q_sums_to_one],
        {"sign": -log(Z_pairs) + pairs(p[j] * q[k] * w[j, k]) - over(p[k] * log(p[k])) - over(q[k] * log(q[k]))},
        "for all",
    ),
    "a weight that may vanish": (n * a**2 + n, n * (a**2 + 1), [], {"minus": n * a**2 - n}, "n = 0"),
    "a sum with a positive term": (a**2 + 2 * a + 2, (a + 1) ** 2 + 1, [], {"less": a**2 + 2 * a}, "never equal"),
}


@pytest.mark.parametrize("name", PROVED)
def test_an_inequality_is_proved_with_its_case_of_equality(name):
    expr, witness, assumptions, mutants, equality = PROVED[name]
    certificate = prove_nonnegative(expr, witness, assumptions=assumptions, mutants=mutants)
    assert certificate, certificate.residual
    assert certificate.grade == "A"
    assert equality in certificate.claim
    assert certificate.mutants == tuple(mutants)
    assert ("log lemma" in certificate.uses) == witness.has(log_gap)


REFUSED = {
    "not normalised": (kl, over(q[k] * log_gap(p[k] / q[k])), [q_sums_to_one]),
    "another witness": (kl, over(2 * q[k] * log_gap(p[k] / q[k])), [q_sums_to_one, p_sums_to_one]),
    "a negative witness": (-((a - b) ** 2), -((a - b) ** 2), []),
    "a witness of unknown sign": (a * b, a * b, []),
    "a difference": (a**2 - b**2, a**2 - b**2, []),
    "an odd power": (a**3, a**3, []),
    "the gap of what may be negative": (a - 1 - log(a) - 1, log_gap(a) - 1, []),
    "an integral backwards": (Integral(y**2, (y, 1, 0)), Integral(y**2, (y, 1, 0)), []),
    "a sum backwards": (Sum(q[k], (k, 5, 1)), Sum(q[k], (k, 5, 1)), []),
    "from a contradiction": (-(s**2), s**2 - 2 * s**2, [Eq(s + v, 0)]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_manifest_is_refused(name):
    expr, witness, assumptions = REFUSED[name]
    certificate = prove_nonnegative(expr, witness, assumptions=assumptions)
    assert not certificate
    assert certificate.residual


def test_a_wrong_variant_that_is_true_is_reported():
    sum_of_squares = a**2 + b**2
    certificate = prove_nonnegative(sum_of_squares, sum_of_squares, mutants={"half": sum_of_squares / 2})
    assert not certificate
    assert "'half'" in certificate.residual


def test_the_gap_is_written_out_and_printed():
    assert log_gap(s).doit() == s - 1 - log(s)
    assert sympy.latex(log_gap(s)) == r"\left(s - 1 - \log s\right)"
