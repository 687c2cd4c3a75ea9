"""The labelled equations of the chapter on why EM works, one function each.

A latent z takes the values 1 to K, with the joint probability or density P(k, t) for the parameter t; a system has the
states 1 to K. Integrals over densities obey the same rules.
"""

import itertools
from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np
import sympy
from sympy import Derivative, Eq, Function, IndexedBase, Integral, Rational, Sum, exp, log, oo, pi, sqrt, symbols, tanh

from mlpc.basics import IsingLattice
from mlpc.verify import (
    block,
    equal,
    family,
    identity,
    index,
    log_gap,
    matrix,
    prove_equal,
    prove_gradient,
    prove_nonnegative,
    prove_zero,
    scalar,
    sizes,
    stated,
    total,
    trace,
    vector,
)

K, N = symbols("K N", integer=True, positive=True)
i, j, k = symbols("i j k", integer=True, positive=True)
s, t = symbols("s t", real=True)
P = Function("P", positive=True)
q = IndexedBase("q", positive=True)
f = IndexedBase("f", real=True)


def over(expr, index=k):
    return Sum(expr, (index, 1, K))


SUMS_TO_ONE = [Eq(over(q[k]), 1)]
mixture = over(P(j, t), j)  # p(x | t)
posterior = P(k, t) / mixture
score = Derivative(log(P(k, t)), t)


# Fisher's identity


def test_eq_fisher_identity(certify):
    r"""
    \nabla_\theta \log p(x \mid \theta) \Big|_{\theta = \theta_0} = \int \nabla_\theta \log p(x, z \mid \theta) \Big|_{\theta = \theta_0} \, p(z \mid x, \theta_0)\, dz
    """
    left = Derivative(log(mixture), t)
    certify(
        prove_zero(
            left - over(posterior * score),
            mutants={
                "joint for posterior": left - over(P(k, t) * score),
                "unweighted": left - over(score) / K,
                "gradient of the joint": left - over(posterior * Derivative(P(k, t), t)),
            },
        ),
        slide=True,
    )


def test_eq_bound_gradient(certify):
    r"""
    \nabla_\theta \mathcal{L}(\theta, q_0) \Big|_{\theta = \theta_0} = \nabla_\theta \log p(x \mid \theta) \Big|_{\theta = \theta_0}
    """
    bound = over(q[k] * log(P(k, t) / q[k]))  # q does not move with t
    certify(
        prove_zero(
            Derivative(bound, t) - over(q[k] * score),
            mutants={"gradient of the joint": Derivative(bound, t) - over(q[k] * Derivative(P(k, t), t))},
        ),
        uses=("eq-fisher-identity",),
    )


def test_eq_moving_support(certify):
    r"""
    \frac{d}{d\theta} \log \left( \frac{1}{\theta} \int_0^\theta p(x \mid z)\, dz \right) = -\frac{1}{\theta} + \frac{p(x \mid z = \theta)}{\theta \, p(x \mid \theta)}
    """
    G = Function("G", positive=True)  # the integral of p(x | z) over z from 0 to theta: its derivative is its integrand
    theta = symbols("theta", positive=True)
    slope, density = Derivative(log(G(theta) / theta), theta), G(theta) / theta
    edge = Derivative(G(theta), theta) / (theta * density)
    certify(
        prove_zero(
            slope + 1 / theta - edge,
            mutants={"no boundary term": slope + 1 / theta, "boundary only": slope - edge},
        )
    )


# EM as gradient ascent


def test_eq_em_step_means(certify):
    r"""
    \mu_k^{\mathrm{new}} - \mu_k = \frac{1}{N_k} \sum_{i=1}^{N} r_{ik}\, (x_i - \mu_k) = \frac{\Sigma_k}{N_k}\, \nabla_{\mu_k} \ell(\theta)
    """
    d, n = sizes("d N")
    point, mu, cov = index("i"), vector("mu", d), matrix("Sigma", d, d, "positive")
    x, r = family("x", d), family("r", 1)
    error = x[point] - mu
    complete = total(-r[point] * (error.T @ cov.inv @ error) / 2, point, n)  # with the responsibilities kept fixed
    gradient = total(r[point] * (cov.inv @ error), point, n)
    count = total(r[point], point, n)
    certify(
        prove_gradient(
            complete, mu, gradient, mutants={"covariance for precision": total(r[point] * (cov @ error), point, n)}
        ),
        prove_equal(
            total(r[point] * x[point], point, n) / count - mu,
            cov @ gradient / count,
            mutants={"no covariance": gradient / count, "no count": cov @ gradient},
        ),
        uses=("eq-fisher-identity",),
    )


def test_eq_em_step_weights(certify):
    r"""
    \pi^{\mathrm{new}} - \pi = \frac{1}{N} \big( \operatorname{diag}(\pi) - \pi\pi^\top \big) \nabla_\pi \ell(\theta)
    """
    p, density = IndexedBase("p", positive=True), IndexedBase("f", positive=True)  # weights; of datum i in component k
    counts = IndexedBase("c", positive=True)
    likelihood = Sum(log(over(p[k] * density[i, k])), (i, 1, N))
    responsibility = p[j] * density[i, j] / over(p[k] * density[i, k])
    step = counts[j] / N - p[j]
    ahead = (p[j] * (counts[j] / p[j]) - p[j] * over(p[k] * (counts[k] / p[k]))) / N
    certify(
        prove_zero(
            Derivative(likelihood, p[j]) - Sum(responsibility, (i, 1, N)) / p[j],
            mutants={"weight not divided out": Derivative(likelihood, p[j]) - Sum(responsibility, (i, 1, N))},
        ),
        prove_zero(
            step - ahead,
            assumptions=[Eq(over(counts[k]), N)],
            mutants={"without pi pi'": step - counts[j] / N, "not divided by N": step - N * ahead},
        ),
    )


# the rate


def test_eq_missing_information(certify):
    r"""
    \mathcal{I}_{\mathrm{obs}} = \mathcal{I}_{\mathrm{com}} - \mathcal{I}_{\mathrm{mis}}, \qquad
    \mathcal{I}_{\mathrm{mis}} = \operatorname{cov}_{z \mid x, \theta}\big( \nabla_\theta \log p(x, z \mid \theta) \big)
    """
    # t runs along any line through theta: symmetric matrices with the same quadratic form are the same
    observed = -Derivative(log(mixture), t, t)
    complete = -over(posterior * Derivative(log(P(k, t)), t, t))
    missing = over(posterior * score**2) - over(posterior * score) ** 2
    certify(
        prove_zero(
            observed - (complete - missing),
            mutants={
                "sum": observed - (complete + missing),
                "nothing missing": observed - complete,
                "not centred": observed - (complete - over(posterior * score**2)),
            },
        ),
        uses=("eq-fisher-identity",),
    )


def test_eq_rate_of_em(certify):
    r"""
    M'(\hat\theta) = \mathcal{I}_{\mathrm{com}}^{-1}\, \mathcal{I}_{\mathrm{mis}} = I - \mathcal{I}_{\mathrm{com}}^{-1}\, \mathcal{I}_{\mathrm{obs}}
    """
    d = sizes("d")
    complete, missing = (matrix(name, d, d, "symmetric") for name in ("C", "M"))
    observed, rate = matrix("O", d, d, "symmetric"), matrix("D", d)
    g = IndexedBase("g", real=True)  # a component of the complete-data gradient at the first argument
    weight = P(k, t) / over(P(j, t), j)
    moved = Derivative(over(weight * g[k]), t)
    covariance = over(weight * score * g[k]) - over(weight * score) * over(weight * g[k])
    certify(
        prove_zero(moved - covariance, mutants={"not centred": moved - over(weight * score * g[k])}),
        prove_equal(
            rate,
            complete.inv @ missing,
            assumptions=[equal(complete @ rate, missing)],
            mutants={"wrong order": missing @ complete.inv},
        ),
        prove_equal(
            complete.inv @ missing,
            identity(d) - complete.inv @ observed,
            assumptions=[equal(observed, complete - missing)],
            mutants={"observed alone": complete.inv @ observed, "wrong order": identity(d) - observed @ complete.inv},
        ),
        uses=("eq-missing-information",),
    )


def test_eq_mixture_rate(certify):
    r"""
    M'(\hat\pi) = \frac{1}{N} \sum_{i=1}^{N} \frac{r_i \, (1 - r_i)}{\hat\pi \, (1 - \hat\pi)}
    """
    first, second = IndexedBase("a", positive=True), IndexedBase("b", positive=True)  # the two densities at datum i
    share = symbols("p", positive=True)
    r = share * second[i] / (share * second[i] + (1 - share) * first[i])
    rate = Derivative(Sum(r, (i, 1, N)) / N, share)
    certify(
        prove_zero(
            rate - Sum(r * (1 - r), (i, 1, N)) / (N * share * (1 - share)),
            assumptions=[share < 1],
            mutants={
                "variance of the label": rate - Sum(r * (1 - r), (i, 1, N)) / N,
                "second moment": rate - Sum(r**2, (i, 1, N)) / (N * share * (1 - share)),
            },
        )
    )


# the log-partition function

Z = over(exp(f[j]), j)
log_q = over(q[k] * log(q[k]))
gap = log(Z) - over(q[k] * f[k]) + log_q


def test_eq_log_partition(certify):
    r"""
    \log Z = \log \int e^{f(x)}\, dx
    """
    certify(stated(r"\log Z = \log \int e^{f(x)}\, dx", reason="the definition of Z"))


def missed(weight):
    """What the bound misses for the distribution proportional to this weight of state k."""
    of_state = weight / over(weight.subs(k, j), j)
    return log(Z) - over(of_state * f[k]) + over(of_state * log(of_state))


def test_eq_gibbs_variational(certify):
    r"""
    \log Z = \max_{q} \left\{ \int f(x)\, q(x)\, dx - \int q(x) \log q(x)\, dx \right\}
    """
    certify(
        prove_nonnegative(
            gap,
            over(q[k] * log_gap(exp(f[k]) / (Z * q[k]))),
            assumptions=SUMS_TO_ONE,
            mutants={
                "entropy twice": gap + log_q,
                "other direction": -gap,
                "f counted twice": gap - over(q[k] * f[k]),
            },
        ),
        prove_zero(missed(exp(f[k])), mutants={"attained at the wrong sign": missed(exp(-f[k]))}),
        uses=("log lemma",),
        slide=True,
    )


def test_eq_gibbs_density(certify):
    r"""
    q^\star(x) = \frac{e^{f(x)}}{Z}
    """
    certify(
        prove_zero(over(exp(f[k]) / Z) - 1, mutants={"not divided by Z": over(exp(f[k])) - 1}),
        prove_zero(
            missed(exp(f[k])),
            mutants={
                "sign of f": missed(exp(-f[k])),
                "colder": missed(exp(2 * f[k])),
                "uniform": log(Z) - over(f[k]) / K - log(K),
            },
        ),
        uses=("eq-gibbs-variational",),
        slide=True,
    )


def test_eq_free_energy_gap(certify):
    r"""
    \log Z - \big( \langle f \rangle_q + \mathcal{H}(q) \big) = \mathrm{KL}(q \,\|\, q^\star) \ge 0
    """
    divergence = over(q[k] * log(q[k] * Z / exp(f[k])))
    certify(
        prove_zero(
            gap - divergence,
            assumptions=SUMS_TO_ONE,
            mutants={"not normalised": gap - over(q[k] * log(q[k] / exp(f[k]))), "sign": gap + divergence},
        ),
        prove_nonnegative(
            divergence,
            over(q[k] * log_gap(exp(f[k]) / (Z * q[k]))),
            assumptions=SUMS_TO_ONE,
            mutants={"sign": -divergence},
        ),
        uses=("log lemma",),
    )


def test_eq_log_partition_derivatives(certify):
    r"""
    \frac{\partial \log Z}{\partial \lambda_j} = \langle t_j \rangle_{q^\star}, \qquad
    \frac{\partial^2 \log Z}{\partial \lambda_j\, \partial \lambda_l} = \operatorname{cov}_{q^\star}(t_j, t_l)
    """
    x, y = IndexedBase("x", real=True), IndexedBase("y", real=True)  # the statistics at state k
    weight = exp(s * x[k] + t * y[k])
    z = over(weight)

    def mean(value):
        return over(value * weight) / z

    mixed = Derivative(log(z), s, t)
    certify(
        prove_zero(Derivative(log(z), s) - mean(x[k]), mutants={"sum": Derivative(log(z), s) - over(x[k] * weight)}),
        prove_zero(
            mixed - (mean(x[k] * y[k]) - mean(x[k]) * mean(y[k])),
            mutants={
                "not centred": mixed - mean(x[k] * y[k]),
                "sign": mixed + mean(x[k] * y[k]) - mean(x[k]) * mean(y[k]),
            },
        ),
    )


# physics

E = IndexedBase("E", real=True)
T = symbols("T", positive=True)


def log_z(energy):
    return log(over(exp(-energy[j] / T), j))


def test_eq_free_energy_sign(certify):
    r"""
    F = \min_q \big\{ \langle E \rangle_q - T\, \mathcal{H}(q) \big\}
    """
    above = over(q[k] * E[k]) + T * log_q + T * log_z(E)  # <E> - T H - F
    certify(
        prove_nonnegative(
            above,
            T * over(q[k] * log_gap(exp(-E[k] / T) / (over(exp(-E[j] / T), j) * q[k]))),
            assumptions=SUMS_TO_ONE,
            mutants={
                "sign of F": over(q[k] * E[k]) + T * log_q - T * log_z(E),
                "entropy twice": over(q[k] * E[k]) + 2 * T * log_q + T * log_z(E),
            },
        ),
        uses=("log lemma", "eq-gibbs-variational"),
    )


def test_eq_gibbs_bogoliubov(certify):
    r"""
    F \le F_0 + \langle E - E_0 \rangle_{q}, \qquad q = e^{-E_0/T} / Z_0
    """
    E0 = IndexedBase("E0", real=True)
    z, z0 = over(exp(-E[j] / T), j), over(exp(-E0[j] / T), j)
    weight = exp(-E0[k] / T) / z0
    above = -T * log(z0) + over(weight * (E[k] - E0[k])) + T * log(z)
    averaged = -T * log(z0) + over(exp(-E[k] / T) / z * (E[k] - E0[k])) + T * log(z)
    certify(
        prove_nonnegative(
            above,
            T * over(weight * log_gap(exp((E0[k] - E[k]) / T) * z0 / z)),
            mutants={"average over the true system": averaged},
        ),
        uses=("log lemma", "eq-free-energy-sign"),
    )


# the lattice


def spins(number):
    return itertools.product((-1, 1), repeat=number)


def test_eq_ising(certify):
    r"""
    f(s) = J \sum_{\langle i j \rangle} s_i s_j + b \sum_{i} s_i
    """

    def bonds_counted_one_by_one():
        rng = np.random.default_rng(0)
        rows, columns = 3, 4
        s = rng.choice([-1.0, 1.0], size=(rows, columns))
        sites = list(np.ndindex(rows, columns))
        bonds = {frozenset([(a, b), near]) for a, b in sites for near in (((a + 1) % rows, b), (a, (b + 1) % columns))}
        by_hand = 0.3 * sum(s[one] * s[other] for one, other in map(tuple, bonds)) - 0.2 * s.sum()
        return np.isclose(IsingLattice(rows, columns, 0.3, -0.2).score(s), by_hand)

    certify(
        stated(
            r"f(s) = J \sum_{\langle i j \rangle} s_i s_j + b \sum_i s_i",
            reason="the definition of the model",
            computed=bonds_counted_one_by_one,
        )
    )


def test_eq_transfer_matrix(certify):
    r"""
    Z = \operatorname{tr}\big( A^{r} \big), \qquad
    A_{s s'} = \exp\Big( J \sum_{j} s_j s'_j + \tfrac{1}{2} \big( g(s) + g(s') \big) \Big)
    """
    x, y = scalar("x"), scalar("y")  # e^J and e^(b/2)

    def inside(row):
        return x ** sum(one * other for one, other in zip(row, (*row[1:], row[0]), strict=True)) * y ** (2 * sum(row))

    def half_inside(row):
        return x ** Fraction(row[0] * row[1]) * y ** sum(row)  # of two spins, which are joined twice

    def between(row, other):
        return x ** sum(one * two for one, two in zip(row, other, strict=True))

    states = list(spins(2))
    A = block([[half_inside(a) * between(a, c) * half_inside(c) for c in states] for a in states])

    def summed(rows, weight=inside):
        return sum(
            prod(weight(one) * between(one, other) for one, other in zip(every, (*every[1:], every[0]), strict=True))
            for every in itertools.product(states, repeat=rows)
        )

    proofs = [
        prove_equal(trace(A @ A), summed(2), mutants={"rows counted by half": summed(2, half_inside)}),
        prove_equal(trace(A @ A @ A), summed(3), mutants={"rows counted by half": summed(3, half_inside)}),
    ]
    certify(*(replace(proof, grade="B", scope="2 and 3 rows of 2 spins") for proof in proofs))


def entropy(p):
    return -p * log(p) - (1 - p) * log(1 - p)


def test_eq_mean_field_bound(certify):
    r"""
    \mathcal{L}(m) = J \sum_{\langle i j \rangle} m_i m_j + b \sum_i m_i + \sum_i h\Big( \frac{1 + m_i}{2} \Big) \le \log Z
    """
    # One spin after another: the spins before have K configurations with the probabilities q; rest is their f - log q,
    # around the sum of the new spin's neighbours among them. Without any spin both sides are zero.
    J, b, m = symbols("J b m", real=True)
    rest, around = IndexedBase("rest", real=True), IndexedBase("around", real=True)

    def with_a_spin(spin):
        chance = (1 + spin * m) / 2
        return over(q[k] * chance * (rest[k] + spin * (J * around[k] + b) - log(chance)))

    exact = with_a_spin(1) + with_a_spin(-1)
    energy = over(q[k] * rest[k]) + m * (J * over(q[k] * around[k]) + b)
    new = entropy((1 + m) / 2)
    certify(
        prove_zero(
            exact - energy - new,
            assumptions=[*SUMS_TO_ONE, m > -1, m < 1],
            mutants={"entropy subtracted": exact - energy + new, "no entropy": exact - energy},
        ),
        uses=("eq-gibbs-variational",),
    )


def test_eq_mean_field(certify):
    r"""
    m_i = \tanh\Big( J \sum_{j \sim i} m_j + b \Big)
    """
    m, around = symbols("m a", real=True)  # a stands for J times the neighbours' sum, plus b
    slope = Derivative(around * m + entropy((1 + m) / 2), m)
    closed = around - log((1 + m) / (1 - m)) / 2
    certify(
        prove_zero(
            slope - closed, assumptions=[m > -1, m < 1], mutants={"no half": slope - around + log((1 + m) / (1 - m))}
        ),
        prove_zero(
            around - log((1 + tanh(around)) / (1 - tanh(around))) / 2,
            mutants={"twice the field": around - log((1 + tanh(2 * around)) / (1 - tanh(2 * around))) / 2},
        ),
        uses=("eq-mean-field-bound",),
    )


# the oscillator

g, variance = symbols("g s", positive=True)


def oscillator_bound(moment=3, size=variance):
    return -size / 2 - moment * g * size**2 + log(2 * pi * size) / 2 + Rational(1, 2)


def test_eq_oscillator(certify):
    r"""
    Z(g) = \int_{-\infty}^{\infty} \exp\Big( -\frac{x^2}{2} - g x^4 \Big)\, dx
    """
    certify(stated(r"Z(g) = \int \exp(-x^2/2 - g x^4)\, dx", reason="the definition of the example"))


def test_eq_oscillator_bound(certify):
    r"""
    \log Z(g) \ge -\frac{s}{2} - 3 g s^2 + \frac{1}{2} \log(2 \pi e s)
    """
    x = symbols("x", real=True)
    normal = exp(-(x**2) / (2 * variance)) / sqrt(2 * pi * variance)
    mean = Integral(normal * (-(x**2) / 2 - g * x**4 - log(normal)), (x, -oo, oo))
    certify(
        prove_zero(
            mean - oscillator_bound(),
            mutants={
                "fourth moment s^2": mean - oscillator_bound(moment=1),
                "no 1/2": mean - oscillator_bound() + Rational(1, 2),
            },
        ),
        uses=("eq-gibbs-variational",),
    )


def test_eq_oscillator_variance(certify):
    r"""
    s^\star = \frac{\sqrt{1 + 48 g} - 1}{24 g} = \frac{2}{1 + \sqrt{1 + 48 g}}
    """
    slope = sympy.diff(oscillator_bound(), variance)
    root = sqrt(1 + 48 * g)
    best, other = (root - 1) / (24 * g), 2 / (1 + root)
    certify(
        prove_zero(
            slope.subs(variance, other),
            mutants={
                "other root": slope.subs(variance, (-root - 1) / (24 * g)) - 1,
                "harmonic": slope.subs(variance, 1),
            },
        ),
        prove_zero(best - other, mutants={"half": best - other / 2}),
        prove_nonnegative(  # concave, so that the slope vanishes at a maximum
            -Derivative(oscillator_bound(), variance, variance),
            6 * g + 1 / (2 * variance**2),
            mutants={"convex": Derivative(oscillator_bound(), variance, variance)},
        ),
        uses=("eq-oscillator-bound",),
    )
