"""The labelled equations of the chapter on probability, one function each.

Where the text has densities, the proofs have finite sums with any number of terms; the rules of the integral that they use
are those of the sum: linearity and the order of two of them.
"""

import numpy as np
import scipy.integrate
import scipy.stats
import sympy
from sympy import Eq, IndexedBase, Integer, Ne, Rational, Sum, symbols

from mlpc.verify import (
    check_float,
    exp,
    expectation,
    identity,
    log_gap,
    logdet,
    ones,
    prove_equal,
    prove_nonnegative,
    prove_zero,
    scalar,
    sizes,
    stated,
    together,
    vector,
    zeros,
)
from mlpc.verify import matrix as letter

K, J = symbols("K J", integer=True, positive=True)  # numbers of values of v and of u
N = symbols("N", integer=True, positive=True)
j, k, i, l = symbols("j k i l", integer=True)  # noqa: E741
p = IndexedBase("p", positive=True)  # p[k]: probability of the value number k
f = IndexedBase("f", positive=True)  # f[j, k]: probability of the value j of u, given the value k of v
joint = IndexedBase("P", positive=True)  # joint[j, k]: probability of both
y, a = symbols("y a", real=True)
h = symbols("h", positive=True)
n, m = sizes("n m")


def over_k(term, index=k):
    return Sum(term, (index, 1, K))


def over_j(term):
    return Sum(term, (j, 1, J))


LAWS = [Eq(over_k(p[k]), 1), Eq(over_j(f[j, k]), 1)]


# densities


def test_eq_lighthouse(certify):
    r"""
    y = a + h \tan\varphi
    """
    certify(stated(r"y = a + h \tan\varphi", reason="a definition: the geometry of the example"))


def test_eq_marginal_density(certify):
    r"""
    p(v) = \int p(v, u)\, du
    """
    marginal = over_j(p[k] * f[j, k])
    given = prove_zero(marginal - p[k], assumptions=LAWS, mutants={"over v instead": over_k(p[k] * f[j, k], k) - p[k]})
    reason = "a definition; that it gives p(v) back from p(u | v) p(v) is proved"
    certify(stated(r"p(v) = \int p(v, u)\, du", reason=reason, computed=given))


def test_eq_conditional_density(certify):
    r"""
    p(v \mid u) = \frac{p(v, u)}{p(u)}
    """
    factor = symbols("c", positive=True)  # that scales the slice of the joint at the value j of u
    scaled = factor * joint[j, k]
    certify(
        prove_zero(
            scaled - joint[j, k] / over_k(joint[j, i], i),
            assumptions=[Eq(over_k(factor * joint[j, i], i), 1)],
            mutants={
                "not scaled": scaled - joint[j, k],
                "divided by p(v)": scaled - joint[j, k] / Sum(joint[i, k], (i, 1, J)),
                "divided by the whole": scaled - joint[j, k] / over_k(Sum(joint[l, i], (l, 1, J)), i),
            },
        )
    )


def test_eq_change_of_variables(certify, seeds):
    r"""
    p_y(y) = p_x\big(g^{-1}(y)\big) \, \left\lvert \det \frac{\partial g^{-1}(y)}{\partial y} \right\rvert
    """
    map_, offset, centre, of_x, at = (
        letter("A", n, n, "invertible"),
        vector("b", n),
        vector("mu", n),
        cov,
        vector("y", n),
    )

    def log_density(at, mean, cov):
        """Of a Gaussian, up to a constant."""
        return -logdet(cov) / 2 - (at - mean).T @ cov.inv @ (at - mean) / 2

    back, stretch = map_.inv @ (at - offset), logdet(map_ @ map_.T) / 2  # the logarithm of |det A|
    affine = prove_equal(
        log_density(at, map_ @ centre + offset, map_ @ of_x @ map_.T),  # a Gaussian with the moments of y = A x + b
        log_density(back, centre, of_x) - stretch,
        mutants={
            "Jacobian left out": log_density(back, centre, of_x),
            "Jacobian of the map": log_density(back, centre, of_x) + stretch,
        },
        uses=("eq-affine-moments",),
    )
    normal = scipy.stats.norm

    def probability(low, width, jacobian=lambda y: 1 / y):
        """Of an interval of y = exp(x), for a standard Gaussian x."""
        density = scipy.integrate.quad(lambda y: normal.pdf(np.log(y)) * jacobian(y), low, low + width)
        return density[0]

    log_normal = check_float(
        lambda low, width: normal.cdf(np.log(low + width)) - normal.cdf(np.log(low)),
        probability,
        lambda rng: tuple(rng.uniform(0.2, 2, size=2)),
        tolerance=1e-7,
        reason="one map that is not affine, by quadrature",
        seeds=seeds,
        mutants={
            "Jacobian left out": lambda low, width: probability(low, width, lambda y: 1),
            "Jacobian of the map": lambda low, width: probability(low, width, lambda y: y),
        },
    )
    certify(
        stated(
            r"p_y(y) = p_x(g^{-1}(y)) \, |\det \partial g^{-1} / \partial y|",
            reason="the substitution rule for integrals, a theorem of analysis; for affine maps of a Gaussian in any "
            "dimension it is proved, for y = exp(x) computed",
            reference="Rudin, Real and Complex Analysis, chapter 7",
            computed=together(affine, log_normal),
        )
    )


def cauchy(scale=h):
    return scale / (sympy.pi * (h**2 + (y - a) ** 2))


def test_eq_cauchy_density(certify):
    r"""
    p(y \mid a) = \frac{1}{\pi} \, \frac{d}{dy} \arctan\frac{y - a}{h} = \frac{1}{\pi} \, \frac{h}{h^2 + (y - a)^2}
    """
    derivative = sympy.diff(sympy.atan((y - a) / h), y) / sympy.pi
    certify(
        prove_zero(
            derivative - cauchy(),
            mutants={"without h": derivative - cauchy(1), "derivative of the tangent": derivative - cauchy(1 / h)},
        )
    )


# Bayes' rule


def test_eq_bayes(certify):
    r"""
    p(v \mid u) = \frac{p(u \mid v)\, p(v)}{\int p(u \mid v')\, p(v')\, dv'}
    """
    slice_of_u = joint[j, k] / over_k(joint[j, i], i)
    prior = Sum(joint[l, k], (l, 1, J))
    both = f[j, k] * p[k]
    certify(
        prove_zero(
            slice_of_u - both / over_k(f[j, i] * p[i], i),
            assumptions=[Eq(f[j, k], joint[j, k] / prior), Eq(p[k], prior)],  # conditional and marginal of the table
            mutants={
                "no prior": slice_of_u - f[j, k] / over_k(f[j, i], i),
                "not scaled": slice_of_u - both,
                "scaled by the prior's sum": slice_of_u - both / over_k(p[i], i),
            },
        ),
        uses=("eq-conditional-density", "eq-marginal-density"),
    )


def test_eq_sequential_bayes(certify):
    r"""
    \begin{aligned}
    p(v \mid u_1, \ldots, u_t) &= \frac{p(u_t \mid v)\, p(v \mid u_1, \ldots, u_{t-1})}{p(u_t \mid u_1, \ldots, u_{t-1})} \\
    &= \frac{p(v) \prod_{s=1}^{t} p(u_s \mid v)}{p(u_1, \ldots, u_t)}
    \end{aligned}
    """
    past, now = IndexedBase("past", positive=True), IndexedBase("now", positive=True)  # likelihoods of v = k
    yesterday = p[k] * past[k] / over_k(p[i] * past[i], i)
    today = now[k] * yesterday / over_k(now[k] * yesterday)
    at_once = p[k] * past[k] * now[k] / over_k(p[i] * past[i] * now[i], i)
    prior_again = p[k] * now[k] * yesterday / over_k(p[k] * now[k] * yesterday)
    certify(
        prove_zero(
            today - at_once,
            mutants={"prior used twice": prior_again - at_once, "past forgotten": p[k] * now[k] - at_once},
        ),
        uses=("eq-bayes",),
    )


# moments

v, e = vector("v", n), vector("e", m)
mu, shift = vector("mu", n), vector("m", m)
cov, noise = letter("K", n, n, "symmetric"), letter("Sigma", m, m, "symmetric")
L = letter("L", m, n)


def mean(expr):
    return expectation(expr, {v: (mu, cov), e: (zeros(m, 1), noise)})


def test_eq_covariance(certify):
    r"""
    K = \operatorname{cov}(v) = \mathbb{E}\big[ (v - \mu)(v - \mu)^\top \big] = \mathbb{E}\big[ v v^\top \big] - \mu\mu^\top
    """
    certify(
        prove_equal(
            mean((v - mu) @ (v - mu).T),
            mean(v @ v.T) - mu @ mu.T,
            mutants={"mean added": mean(v @ v.T) + mu @ mu.T, "not centred": mean(v @ v.T)},
        )
    )


def test_eq_affine_moments(certify):
    r"""
    \mathbb{E}[Lv + m] = L\mu + m, \qquad \operatorname{cov}(Lv + m) = L K L^\top
    """
    u = L @ v + shift
    certify(
        prove_equal(mean(u), L @ mu + shift, mutants={"offset lost": L @ mu}),
        prove_equal(
            mean((u - (L @ mu + shift)) @ (u - (L @ mu + shift)).T),
            L @ cov @ L.T,
            mutants={"offset counted": L @ cov @ L.T + shift @ shift.T, "one factor": L @ cov @ cov @ L.T},
        ),
    )


def test_eq_total_expectation(certify):
    r"""
    \mathbb{E}[u] = \mathbb{E}\big[\, \mathbb{E}[u \mid v] \,\big]
    """
    u = IndexedBase("u", real=True)
    whole = over_k(over_j(p[k] * f[j, k] * u[j]))
    staged = over_k(p[k] * over_j(f[j, k] * u[j]))
    certify(
        prove_zero(whole - staged, mutants={"not weighted by p(v)": whole - over_k(over_j(f[j, k] * u[j]))}),
    )


def test_eq_total_variance(certify):
    r"""
    \operatorname{var}(u) = \underbrace{\mathbb{E}\big[ \operatorname{var}(u \mid v) \big]}_{\text{within}} + \underbrace{\operatorname{var}\big( \mathbb{E}[u \mid v] \big)}_{\text{between}}
    """
    c, s = IndexedBase("c", real=True), IndexedBase("s", real=True)  # first two moments of u, given the value k of v
    mean_u = over_k(p[i] * c[i], i)
    whole = over_k(p[k] * s[k]) - mean_u**2
    within = over_k(p[k] * (s[k] - c[k] ** 2))
    between = over_k(p[k] * (c[k] - mean_u) ** 2)
    certify(
        prove_zero(
            whole - within - between,
            assumptions=[Eq(over_k(p[k]), 1)],
            mutants={"within only": whole - within, "between only": whole - between, "minus": whole - within + between},
        ),
        uses=("eq-total-expectation",),
    )


def test_eq_total_covariance(certify):
    r"""
    u = Lv + m + \text{noise}: \quad
    \operatorname{cov}(u) = \Sigma + L K L^\top, \quad \operatorname{cov}(v, u) = K L^\top
    """
    u = L @ v + shift + e
    centred = u - (L @ mu + shift)
    certify(
        prove_equal(
            mean(centred @ centred.T),
            noise + L @ cov @ L.T,
            mutants={"noise forgotten": L @ cov @ L.T, "map forgotten": noise + L @ L.T},
        ),
        prove_equal(mean((v - mu) @ centred.T), cov @ L.T, mutants={"covariance forgotten": L.T}),
    )


# averages

(size,) = (sizes("N"),)
one = ones(n)
mean_of_one, variance = scalar("mu"), scalar("s")
samples = vector("x", n)


def over_samples(expr):
    """Expectation over n independent samples of a law with this mean and variance."""
    return expectation(expr, {samples: (mean_of_one * one, variance * identity(n))})


def test_eq_variance_of_mean(certify):
    r"""
    \operatorname{var}(\bar{x}) = \frac{1}{N^2} \sum_{i=1}^{N} \operatorname{var}(x_i) = \frac{\sigma^2}{N}
    """
    average = one.T @ samples / n
    error = average - mean_of_one
    certify(
        prove_equal(
            over_samples(error * error),
            variance / n,
            mutants={"as of one sample": variance, "divided twice": variance / n**2},
        )
    )


def test_eq_chebyshev(certify):
    r"""
    \Pr\big( \lvert \bar{x} - \mu \rvert \ge \varepsilon \big) \le \frac{\mathbb{E}\big[ (\bar{x} - \mu)^2 \big]}{\varepsilon^2} = \frac{\sigma^2}{N \varepsilon^2}
    """
    far, near = (IndexedBase(name, positive=True) for name in ("far", "near"))  # probabilities of the two events
    beyond, x = IndexedBase("beyond", positive=True), IndexedBase("x", real=True)
    eps = symbols("eps", positive=True)
    square = over_k(far[k] * (eps**2 + beyond[k])) + over_j(near[j] * x[j] ** 2)  # mean square, events apart
    certify(
        prove_nonnegative(
            square / eps**2 - over_k(far[k]),
            over_k(far[k] * beyond[k]) / eps**2 + over_j(near[j] * x[j] ** 2) / eps**2,
            mutants={"all of it": square / eps**2 - over_k(far[k]) - over_j(near[j])},
        ),
        uses=("eq-variance-of-mean",),
    )


def test_eq_sample_variance(certify):
    r"""
    s^2 = \frac{1}{N - 1} \sum_{i=1}^{N} (x_i - \bar{x})^2, \qquad \mathbb{E}\big[ s^2 \big] = \sigma^2
    """
    deviations = samples - one @ one.T @ samples / n
    certify(
        prove_equal(
            over_samples(deviations.T @ deviations) / (n - 1),
            variance,
            mutants={"divisor N": variance * (n - 1) / n, "one degree too many": variance * n / (n - 1)},
        )
    )


def test_eq_standard_error(certify):
    r"""
    \mathrm{se}(\bar{x}) = \frac{s}{\sqrt{N}}
    """
    deviations = samples - one @ one.T @ samples / n
    unbiased = prove_equal(
        over_samples(deviations.T @ deviations) / (n - 1) / n,
        variance / n,
        mutants={"of one sample": variance, "as if samples were exact": variance / (n - 1)},
    )
    reason = "a definition; that its square has the variance of the mean as its expectation is proved"
    certify(
        stated(r"\mathrm{se}(\bar{x}) = s / \sqrt{N}", reason=reason, computed=unbiased),
        uses=("eq-sample-variance", "eq-variance-of-mean"),
    )


def test_eq_central_limit(certify, seeds):
    r"""
    z_N = \frac{\bar{x} - \mu}{\sigma / \sqrt{N}}, \qquad
    \mathbb{E}\big[ e^{i \omega z_N} \big] \xrightarrow[N \to \infty]{} e^{-\omega^2/2}
    """

    def of_waiting_times(omega, count=10**6):
        """Characteristic function of the standardised mean of `count` exponential numbers."""
        t = 1j * omega / np.sqrt(count)
        return (np.exp(-t) / (1 - t)) ** count

    near = check_float(
        of_waiting_times,
        lambda omega: np.exp(-(omega**2) / 2),
        lambda rng: (rng.uniform(-3, 3, size=20),),
        tolerance=1e-3,  # more than twice the largest value of |omega|^3 exp(-omega^2/2) / (3 sqrt(count)), the next term
        reason="one law of samples, at N = 10^6",
        seeds=seeds,
        mutants={
            "variance 2": lambda omega: np.exp(-(omega**2)),
            "not divided by the root": lambda omega: of_waiting_times(omega * 10**3),
        },
    )
    certify(
        stated(
            r"\mathbb{E}[e^{i \omega z_N}] \to e^{-\omega^2/2}",
            reason="a limit theorem, computed for waiting times; the derivation beside it leans on Taylor's formula with "
            "remainder",
            reference="van der Vaart, Asymptotic Statistics, chapter 2",
            computed=near,
        )
    )


def test_eq_mean_of_cauchy(certify, seeds):
    r"""
    \mathbb{E}\big[ e^{i \omega \bar{y}} \big] = \Big( e^{i a \omega / N - h \lvert \omega / N \rvert} \Big)^{N} = e^{i a \omega - h \lvert \omega \rvert}
    """
    unit, place, scale, omega, magnitude = (scalar(name) for name in ("i", "a", "h", "omega", "w"))  # w = |omega|
    of_all = unit * place * omega - scale * magnitude
    of_each = unit * place * (omega / size) - scale * (magnitude / size)
    average = prove_equal(
        exp(of_each) ** size,
        exp(of_all),
        mutants={"one factor": exp(of_each), "narrower by the root": exp(of_all / 2)},
    )

    def by_quadrature(omega, scale):
        half = scipy.integrate.quad(lambda t: scale / (np.pi * (scale**2 + t**2)), 0, np.inf, weight="cos", wvar=omega)
        return 2 * half[0]

    of_one = check_float(
        by_quadrature,
        lambda omega, scale: np.exp(-scale * np.abs(omega)),
        lambda rng: tuple(rng.uniform(0.3, 2, size=2)),
        tolerance=1e-7,
        reason="the characteristic function of the Cauchy density is a contour integral; here it is done by quadrature",
        seeds=seeds,
        draws=5,
        mutants={"Gaussian": lambda omega, scale: np.exp(-((scale * omega) ** 2))},
    )
    certify(average, of_one, uses=("eq-cauchy-density",))


def test_eq_correlated_mean(certify):
    r"""
    \begin{aligned}
    \operatorname{var}(\bar{x}) &= \frac{\sigma^2}{N^2} \sum_{i=1}^{N} \sum_{j=1}^{N} \rho^{\lvert i - j \rvert} \\
    &= \frac{\sigma^2}{N} \left( \frac{1 + \rho}{1 - \rho} - \frac{2 \rho \, (1 - \rho^N)}{N (1 - \rho)^2} \right)
    \end{aligned}
    """
    rho, power = symbols("rho power", positive=True)  # power stands for rho**N

    def total(number, power):
        return number * (1 + rho) / (1 - rho) - 2 * rho * (1 - power) / (1 - rho) ** 2

    row = 1 + 2 * rho * (1 - power) / (1 - rho)  # what row and column N + 1 add to the double sum
    certify(
        prove_zero(
            total(N + 1, rho * power) - total(N, power) - row,
            assumptions=[Ne(rho, 1)],
            mutants={"each pair once": total(N + 1, rho * power) - total(N, power) - (1 + row) / 2},
        ),
        prove_zero(
            total(Integer(1), rho) - 1, assumptions=[Ne(rho, 1)], mutants={"N = 2": total(Integer(2), rho**2) - 1}
        ),
    )


# Jensen


def test_eq_jensen(certify):
    r"""
    \mathbb{E}[f(t)] \ge f\big( \mathbb{E}[t] \big)
    """
    t, slack = IndexedBase("t", real=True), IndexedBase("slack", nonnegative=True)
    value, slope = symbols("value slope", real=True)  # of the function at the mean, and of its tangent there
    centre = over_k(p[i] * t[i], i)
    at_t = value + slope * (t[k] - centre) + slack[k]  # convex: never below its tangent
    certify(
        prove_nonnegative(
            over_k(p[k] * at_t) - value,
            over_k(p[k] * slack[k]),
            assumptions=[Eq(over_k(p[k]), 1)],
            mutants={"concave": over_k(p[k] * (at_t - 2 * slack[k])) - value},
        )
    )


def test_eq_log_lemma(certify):
    r"""
    \log t \le t - 1 \quad \text{for } t > 0, \text{ with equality only at } t = 1
    """
    t = symbols("t", positive=True)
    certify(
        prove_nonnegative(
            t - 1 - sympy.log(t),
            log_gap(t),
            mutants={"without the 1": t - 2 - sympy.log(t), "a multiple": Rational(1, 2) * (t - 1) - sympy.log(t)},
        ),
        uses=("log lemma",),
    )


def test_eq_jensen_log(certify):
    r"""
    \mathbb{E}[\log x] \le \log \mathbb{E}[x]
    """
    x = IndexedBase("x", positive=True)
    centre = over_k(p[i] * x[i], i)
    certify(
        prove_nonnegative(
            sympy.log(centre) - over_k(p[k] * sympy.log(x[k])),
            over_k(p[k] * log_gap(x[k] / centre)),
            assumptions=[Eq(over_k(p[k]), 1)],
            mutants={"other direction": over_k(p[k] * sympy.log(x[k])) - sympy.log(centre)},
        ),
        uses=("eq-log-lemma",),
    )
