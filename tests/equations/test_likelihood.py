"""The labelled equations of the chapter on likelihood: sums over K outcomes stand for the integrals, K being any number."""

import numpy as np
import scipy.stats
import sklearn.covariance
from sympy import (
    Derivative,
    Eq,
    Function,
    IndexedBase,
    Integral,
    Product,
    Rational,
    Sum,
    exp,
    log,
    oo,
    pi,
    sqrt,
    symbols,
)

from mlpc import verify
from mlpc.basics import entropy, fit_gaussian, shrinkage_weight
from mlpc.verify import log_gap, prove_equal, prove_gradient, prove_nonnegative, prove_zero, stated

K, N, k, i, j = symbols("K N k i j", integer=True, positive=True)
q, p, r = (IndexedBase(name, positive=True) for name in "qpr")


def over(term, index=k, size=K):
    return Sum(term, (index, 1, size))


NORMALISED = [Eq(over(q[k]), 1), Eq(over(p[k]), 1)]
H = -over(q[k] * log(q[k]))


def kl(q, p):
    return over(q[k] * log(q[k] / p[k]))


def cross(q, p):
    return -over(q[k] * log(p[k]))


# the logarithm


def test_eq_log_likelihood(certify):
    r"""
    \ell(\theta) = \log \prod_{i=1}^{N} p(x_i|\theta) = \sum_{i=1}^{N} \log p(x_i|\theta)
    """
    likelihoods = IndexedBase("p", positive=True)
    certify(
        prove_zero(
            log(Product(likelihoods[i], (i, 1, N))) - over(log(likelihoods[i]), i, N),
            mutants={
                "mean for sum": log(Product(likelihoods[i], (i, 1, N))) - over(log(likelihoods[i]), i, N) / N,
                "logarithm of the sum": log(Product(likelihoods[i], (i, 1, N))) - log(over(likelihoods[i], i, N)),
                "sign": log(Product(likelihoods[i], (i, 1, N))) + over(log(likelihoods[i]), i, N),
            },
        )
    )


def test_eq_poisson_mle(certify):
    r"""
    \hat\lambda = \frac{1}{N} \sum_{i=1}^{N} x_i, \qquad
    \ell(\hat\lambda) - \ell(\lambda)
    = N \hat\lambda \left( \frac{\lambda}{\hat\lambda} - 1 - \log \frac{\lambda}{\hat\lambda} \right)
    """
    x, c = IndexedBase("x", real=True), IndexedBase("c", real=True)  # counts, some of them zero; c holds the log x!
    rate, best = symbols("lambda m", positive=True)
    mean = Eq(best, over(x[i], i, N) / N)

    def ell(rate):
        return over(x[i] * log(rate) - rate - c[i], i, N)

    loss = ell(best) - ell(rate)
    certify(
        prove_zero(
            loss - N * best * (rate / best - 1 - log(rate / best)),
            assumptions=[mean],
            mutants={
                "rates exchanged": loss - N * best * (best / rate - 1 - log(best / rate)),
                "N left out": loss - best * (rate / best - 1 - log(rate / best)),
                "mean left out": loss - N * (rate / best - 1 - log(rate / best)),
            },
        ),
        prove_nonnegative(
            loss,
            N * best * log_gap(rate / best),
            assumptions=[mean],
            mutants={"gain": -loss},
        ),
    )


def test_eq_log_sum_exp(certify):
    r"""
    \log \sum_{k=1}^{K} e^{a_k} = a_* + \log \sum_{k=1}^{K} e^{a_k - a_*}
    \qquad\text{with } a_* = \max_k a_k
    """
    a, top = IndexedBase("a", real=True), symbols("a_star", real=True)
    naive = log(over(exp(a[k])))
    certify(
        prove_zero(
            naive - top - log(over(exp(a[k] - top))),
            mutants={
                "not added again": naive - log(over(exp(a[k] - top))),
                "added inside": naive - top - log(over(exp(a[k] + top))),
                "K times": naive - K * top - log(over(exp(a[k] - top))),
            },
        )
    )


# entropy and divergence


def test_eq_entropy(certify):
    r"""
    \mathcal{H}(q) = -\int q(x) \log q(x) \, dx
    """

    def as_scipy():
        laws = np.random.default_rng(0).dirichlet(np.ones(5), size=20)
        return bool(np.allclose(entropy(laws), scipy.stats.entropy(laws, axis=-1), rtol=1e-12))

    uniform = prove_zero(-over(log(1 / K) / K) - log(K), mutants={"sign": over(log(1 / K) / K) - log(K)})
    assert uniform
    certify(stated("H(q) = -sum q log q", reason="a definition; the package's entropy is SciPy's", computed=as_scipy))


def test_eq_kl(certify):
    r"""
    \mathrm{KL}(q \,\|\, p) = \int \log \frac{q(z)}{p(z)} \, q(z) \, dz
    """
    z, a, b = symbols("z a b", real=True)
    s, u = symbols("s u", positive=True)

    def density(mean, deviation):
        return exp(-((z - mean) ** 2) / (2 * deviation**2)) / (deviation * sqrt(2 * pi))

    def log_density(mean, deviation):
        return -((z - mean) ** 2) / (2 * deviation**2) - log(deviation) - log(2 * pi) / 2

    divergence = Integral((log_density(a, s) - log_density(b, u)) * density(a, s), (z, -oo, oo))
    closed = log(u / s) + (s**2 + (a - b) ** 2) / (2 * u**2) - Rational(1, 2)
    gaussian = prove_zero(
        divergence - closed,
        mutants={
            "mean under p": Integral((log_density(a, s) - log_density(b, u)) * density(b, u), (z, -oo, oo)) - closed,
            "ratio turned over": -divergence - closed,
            "cross-entropy": Integral(-log_density(b, u) * density(a, s), (z, -oo, oo)) - closed,
        },
    )
    certify(
        stated(
            "KL(q || p) = E_q log(q / p)",
            reason="a definition; for two Gaussians the integral is the closed form that information theory gives",
            computed=gaussian,
        ),
        slide=True,
    )


def test_eq_mle_kl(certify):
    r"""
    \int \log p(x|\theta) \, q(x) \, dx
    = -\mathcal{H}(q) - \int \log \frac{q(x)}{p(x|\theta)} \, q(x) \, dx
    """
    expected = over(q[k] * log(p[k]))
    certify(
        prove_zero(
            expected + H + kl(q, p),
            mutants={
                "sign of the entropy": expected - H + kl(q, p),
                "sign of the divergence": expected + H - kl(q, p),
                "directions exchanged": expected + H + kl(p, q),
                "entropy of p": expected - over(p[k] * log(p[k])) + kl(q, p),
            },
        ),
        slide=True,
    )


def test_eq_mle_minimum_kl(certify):
    r"""
    \operatorname*{arg\,max}_{\theta} \int \log p(x|\theta) \, q(x) \, dx
    = \operatorname*{arg\,min}_{\theta} \int \log \frac{q(x)}{p(x|\theta)} \, q(x) \, dx
    """
    # Two parameters, two members p and r of the model: what one objective gains, the other loses.
    gain = over(q[k] * log(p[k])) - over(q[k] * log(r[k]))
    certify(
        prove_zero(
            gain + kl(q, p) - kl(q, r),
            mutants={
                "maximum for minimum": gain - kl(q, p) + kl(q, r),
                "directions exchanged": gain + kl(p, q) - kl(r, q),
                "means under the model": gain + kl(p, r) - kl(r, p),
            },
        ),
        uses=("eq-mle-kl",),
        slide=True,
    )


def test_eq_cross_entropy(certify):
    r"""
    -\int q(x) \log p(x) \, dx = \mathcal{H}(q) + \mathrm{KL}(q \,\|\, p)
    """
    certify(
        prove_zero(
            cross(q, p) - H - kl(q, p),
            mutants={
                "arguments exchanged": cross(p, q) - H - kl(q, p),
                "sign": cross(q, p) - H + kl(q, p),
                "entropy left out": cross(q, p) - kl(q, p),
            },
        )
    )


# positivity


def gaps(q, p, sign=1):
    return over(p[k] - q[k] - sign * q[k] * log(p[k] / q[k]))


def test_eq_kl_as_gap(certify):
    r"""
    \mathrm{KL}(q \,\|\, p) = \int \left( p(z) - q(z) - q(z) \log \frac{p(z)}{q(z)} \right) dz
    """
    certify(
        prove_zero(
            kl(q, p) - gaps(q, p),
            assumptions=NORMALISED,
            mutants={
                "directions exchanged": kl(q, p) - gaps(p, q),
                "sign of the logarithm": kl(q, p) - gaps(q, p, sign=-1),
                "logarithm without its weight": kl(q, p) - over(p[k] - q[k] - log(p[k] / q[k])),
            },
        )
    )


def test_eq_kl_positive(certify):
    r"""
    \begin{aligned}
    \mathrm{KL}(q \,\|\, p) &\ge 0, \\
    \mathrm{KL}(q \,\|\, p) &= 0 \iff p(z) = q(z) \text{ for almost every } z
    \end{aligned}
    """
    certify(
        prove_nonnegative(
            kl(q, p),
            over(q[k] * log_gap(p[k] / q[k])),
            assumptions=NORMALISED,
            mutants={
                "sign": -kl(q, p),
                "difference of entropies": over(q[k] * log(q[k])) - over(p[k] * log(p[k])),
                "one log-ratio without its mean": over(log(q[k] / p[k])),
            },
        ),
        uses=("eq-kl-as-gap",),
        slide=True,
    )


def test_eq_kl_asymmetry(certify):
    r"""
    \mathrm{KL}(q \,\|\, p) \ne \mathrm{KL}(p \,\|\, q)
    """
    # A fair coin and one with heads in one of four tosses; 256 is not 243.
    fair, biased = (Rational(1, 2), Rational(1, 2)), (Rational(1, 4), Rational(3, 4))

    def coins(q, p):
        return sum(a * log(a / b) for a, b in zip(q, p, strict=True))

    difference = coins(fair, biased) - coins(biased, fair)
    certify(
        prove_zero(
            difference - log(Rational(256, 243)) / 4,
            sizes={"K": 2},
            mutants={
                "symmetric": difference,
                "antisymmetric": coins(fair, biased) + coins(biased, fair),
                "sign": difference + log(Rational(256, 243)) / 4,
            },
        ),
        slide=True,
    )


# the Gaussian

n, d = verify.sizes("N d")
X, point = verify.family("x", d), verify.index("i")
mu, Sigma = verify.vector("mu", d), verify.matrix("Sigma", d, d, "positive")
BAR = verify.total(X[point], point, n) / n
LOG_2_PI = verify.log(2 * pi)


def spread(about):
    return verify.total((X[point] - about) @ (X[point] - about).T, point, n) / n


def of_sums(bar, S, mu, Sigma, quadratic=1, half=2):
    """The log-likelihood through the mean and the scatter of the data."""
    form = (bar - mu).T @ Sigma.inv @ (bar - mu)
    return -n / half * (d * LOG_2_PI + verify.logdet(Sigma) + verify.trace(Sigma.inv @ S) + quadratic * form)


def of_points(mu, Sigma):
    square = (X[point] - mu).T @ Sigma.inv @ (X[point] - mu)
    return verify.total(-(d * LOG_2_PI + verify.logdet(Sigma) + square) / 2, point, n)


def test_eq_gaussian_log_likelihood(certify):
    r"""
    \begin{aligned}
    \ell(\mu, \Sigma) = -\frac{N}{2} \big( & d \log 2\pi + \log \det \Sigma \\
    &+ \operatorname{tr}(\Sigma^{-1} S) + (\bar{x} - \mu)^\top \Sigma^{-1} (\bar{x} - \mu) \big)
    \end{aligned}
    """
    S = spread(BAR)
    certify(
        prove_equal(
            of_points(mu, Sigma),
            of_sums(BAR, S, mu, Sigma),
            mutants={
                "distance of the means left out": of_sums(BAR, S, mu, Sigma, quadratic=0),
                "distance twice": of_sums(BAR, S, mu, Sigma, quadratic=2),
                "half left out": of_sums(BAR, S, mu, Sigma, half=1),
            },
        )
    )


def test_eq_score_mean(certify):
    r"""
    \nabla_{\mu} \, \ell = N \, \Sigma^{-1} (\bar{x} - \mu)
    """
    certify(
        prove_gradient(
            of_points(mu, Sigma),
            mu,
            n * Sigma.inv @ (BAR - mu),
            mutants={
                "sign": n * Sigma.inv @ (mu - BAR),
                "N left out": Sigma.inv @ (BAR - mu),
                "covariance for its inverse": n * Sigma @ (BAR - mu),
            },
        )
    )


def score_covariance(Sigma, S, sign=1):
    return n / 2 * (Sigma.inv @ (S - sign * Sigma) @ Sigma.inv)


def test_eq_score_covariance(certify):
    r"""
    \nabla_{\Sigma} \, \ell = \frac{N}{2} \, \Sigma^{-1} \left( S + (\bar{x} - \mu)(\bar{x} - \mu)^\top - \Sigma \right) \Sigma^{-1}
    """
    S = spread(BAR) + (BAR - mu) @ (BAR - mu).T
    certify(
        prove_gradient(
            of_points(mu, Sigma),
            Sigma,
            score_covariance(Sigma, S),
            mutants={
                "plus": score_covariance(Sigma, S, sign=-1),
                "distance of the means left out": score_covariance(Sigma, spread(BAR)),
                "gradient in the inverse": n / 2 * (Sigma - S),
            },
        )
    )


def test_eq_gaussian_mle(certify):
    r"""
    \hat\mu = \bar{x} = \frac{1}{N} \sum_{i=1}^{N} x_i, \qquad
    \hat\Sigma = S = \frac{1}{N} \sum_{i=1}^{N} (x_i - \bar{x})(x_i - \bar{x})^\top
    """
    # The scores of the two lemmas vanish there and, being products with invertible factors, nowhere else.
    S = verify.matrix("S", d, d, "symmetric")
    bar = verify.vector("b", d)
    certify(
        prove_equal(
            Sigma @ (n * Sigma.inv @ (bar - mu)) / n,
            bar - mu,
            mutants={"sign": mu - bar},
        ),
        prove_equal(
            2 / n * (Sigma @ score_covariance(Sigma, S) @ Sigma),
            S - Sigma,
            mutants={"sign": Sigma - S, "N - 1 for N": n / (n - 1) * S - Sigma},
        ),
        uses=("eq-score-mean", "eq-score-covariance", "eq-likelihood-gap"),
    )


def log_density(x, mu, Sigma):
    return -(d * LOG_2_PI + verify.logdet(Sigma) + (x - mu).T @ Sigma.inv @ (x - mu)) / 2


def gaussian_kl(mu_q, Sigma_q, mu_p, Sigma_p, dimension=d, quadratic=1):
    ratio, step = Sigma_p.inv @ Sigma_q, mu_q - mu_p
    form = step.T @ Sigma_p.inv @ step
    return (verify.trace(ratio) - dimension - verify.logdet(ratio) + quadratic * form) / 2


def test_eq_gaussian_kl(certify):
    r"""
    \begin{aligned}
    \mathrm{KL}(q \,\|\, p) = \tfrac{1}{2} \Big( & \operatorname{tr}(\Sigma_p^{-1} \Sigma_q) - d - \log \det (\Sigma_p^{-1} \Sigma_q) \\
    & + (\mu_q - \mu_p)^\top \Sigma_p^{-1} (\mu_q - \mu_p) \Big)
    \end{aligned}
    """
    x = verify.vector("x", d)
    mu_q, mu_p = verify.vector("mu_q", d), verify.vector("mu_p", d)
    Sigma_q, Sigma_p = (verify.matrix(name, d, d, "positive") for name in ("Sigma_q", "Sigma_p"))
    log_ratio = log_density(x, mu_q, Sigma_q) - log_density(x, mu_p, Sigma_p)
    laws = mu_q, Sigma_q, mu_p, Sigma_p
    certify(
        prove_equal(
            verify.expectation(log_ratio, {x: (mu_q, Sigma_q)}),
            gaussian_kl(*laws),
            mutants={
                "directions exchanged": gaussian_kl(mu_p, Sigma_p, mu_q, Sigma_q),
                "dimension left out": gaussian_kl(*laws, dimension=0 * d),
                "distance of the means left out": gaussian_kl(*laws, quadratic=0),
                "half left out": 2 * gaussian_kl(*laws),
            },
        )
    )


def test_eq_likelihood_gap(certify):
    r"""
    \ell(\hat\mu, \hat\Sigma) - \ell(\mu, \Sigma) = N \, \mathrm{KL}(\hat p \,\|\, p)
    """
    bar, S = verify.vector("b", d), verify.matrix("S", d, d, "positive")
    gap = of_sums(bar, S, bar, S) - of_sums(bar, S, mu, Sigma)
    certify(
        prove_equal(
            gap,
            n * gaussian_kl(bar, S, mu, Sigma),
            mutants={
                "directions exchanged": n * gaussian_kl(mu, Sigma, bar, S),
                "N left out": gaussian_kl(bar, S, mu, Sigma),
                "sign": -n * gaussian_kl(bar, S, mu, Sigma),
            },
        ),
        uses=("eq-gaussian-log-likelihood", "eq-gaussian-kl"),
    )


def test_eq_kl_eigenvalues(certify):
    r"""
    \operatorname{tr}(\Sigma_p^{-1} \Sigma_q) - d - \log\det(\Sigma_p^{-1} \Sigma_q)
    = \sum_{j=1}^{d} \left( \lambda_j - 1 - \log \lambda_j \right) \ge 0
    """
    # With R R = Σp the symmetric matrix has the trace and determinant of the ratio. It is Q D Qᵀ: those of D, in turn.
    root, other = verify.matrix("R", d, d, "positive"), verify.matrix("Sigma_q", d, d, "positive")
    ratio, symmetric = (root @ root).inv @ other, root.inv @ other @ root.inv
    eigenvalue, D = IndexedBase("lambda", positive=True), verify.matrix("D", d, d, "diagonal", "positive")
    Q = verify.matrix("Q", d, d, "orthogonal")
    excess = over(eigenvalue[j], j) - K - log(Product(eigenvalue[j], (j, 1, K)))
    certify(
        prove_equal(
            verify.trace(ratio) - verify.logdet(ratio),
            verify.trace(symmetric) - verify.logdet(symmetric),
            mutants={"root once": verify.trace(root.inv @ other) - verify.logdet(root.inv @ other)},
        ),
        prove_equal(
            verify.trace(Q @ D @ Q.T) - verify.logdet(Q @ D @ Q.T),
            verify.trace(D) - verify.logdet(D),
            mutants={"sign of the logarithm": verify.trace(D) + verify.logdet(D), "no trace": -verify.logdet(D)},
        ),
        prove_nonnegative(
            excess,
            over(log_gap(eigenvalue[j]), j),
            mutants={"sign": -excess, "dimension twice": excess - K},
        ),
    )


# what the covariance is worth


def test_eq_covariance_bias(certify):
    r"""
    \mathbb{E} \, \hat\Sigma = \left( 1 - \frac{1}{N} \right) \Sigma
    """
    # One point x and the sum o of the M = N - 1 others are independent; N (x minus the mean of all) is M x - o.
    M = verify.sizes("M")
    x, others = verify.vector("x", d), verify.vector("o", d)
    step = M * x - others
    certify(
        prove_equal(
            verify.expectation(step @ step.T, {x: (mu, Sigma), others: (M * mu, M * Sigma)}),
            (M + 1) ** 2 * (M / (M + 1)) * Sigma,
            mutants={
                "unbiased": (M + 1) ** 2 * Sigma,
                "turned over": (M + 1) ** 2 * ((M + 1) / M) * Sigma,
                "biased twice": (M + 1) ** 2 * ((M - 1) / (M + 1)) * Sigma,
            },
        )
    )


def test_eq_shrinkage(certify):
    r"""
    \Sigma_w = (1 - w) \, S + w \, m \, I, \qquad m = \frac{\operatorname{tr} S}{d}, \quad 0 \le w \le 1
    """

    def as_the_package_has_it():
        x = np.random.default_rng(0).normal(size=(9, 4))
        S = np.cov(x.T, bias=True)
        return all(
            np.allclose(fit_gaussian(x, shrinkage=w).cov, (1 - w) * S + w * np.trace(S) / 4 * np.eye(4))
            for w in (0.1, 0.5, 1.0)
        )

    certify(
        stated(
            "a mixture of the scatter and of a multiple of the identity",
            reason="a definition; it is what the package computes",
            computed=as_the_package_has_it,
        )
    )


def test_eq_shrinkage_best(certify):
    r"""
    \begin{aligned}
    \mathbb{E} \lVert \Sigma_w - \Sigma \rVert^2 &= (1 - w)^2 \beta^2 + w^2 \alpha^2, \qquad w_* = \frac{\beta^2}{\alpha^2 + \beta^2} \\
    \text{where } \beta^2 &= \mathbb{E} \lVert S - \Sigma \rVert^2, \quad \alpha^2 = \lVert m I - \Sigma \rVert^2
    \end{aligned}
    """
    # The mixed trace is linear in S - Σ, so that its expectation is zero; then the parabola and its minimum.
    S, T = (verify.matrix(name, d, d, "symmetric") for name in ("S", "T"))
    w_, m = verify.scalar("w"), verify.scalar("m")

    def square(A):
        return verify.trace(A.T @ A)

    noise, bias = S - T, m * verify.identity(d) - T
    mixture = (1 - w_) * S + w_ * m * verify.identity(d)
    mixed = verify.trace(noise.T @ bias)
    expanded = (1 - w_) ** 2 * square(noise) + w_**2 * square(bias) + 2 * w_ * (1 - w_) * mixed
    alpha, beta = symbols("alpha beta", positive=True)
    w = symbols("w", real=True)
    best = beta**2 / (alpha**2 + beta**2)

    def risk(w):
        return (1 - w) ** 2 * beta**2 + w**2 * alpha**2

    certify(
        prove_equal(
            square(mixture - T),
            expanded,
            mutants={
                "weights exchanged": w_**2 * square(noise) + (1 - w_) ** 2 * square(bias) + 2 * w_ * (1 - w_) * mixed,
                "mixed term once": expanded - w_ * (1 - w_) * mixed,
            },
        ),
        prove_nonnegative(
            risk(w) - risk(best),
            (alpha**2 + beta**2) * (w - best) ** 2,
            mutants={
                "alpha and beta exchanged": risk(w) - risk(1 - best),
            },
        ),
    )


def test_eq_shrinkage_moments(certify):
    r"""
    \mathbb{E} \, \frac{1}{N^2} \sum_{i=1}^{N} \lVert Y_i - S \rVert^2 = \left( 1 - \frac{1}{N} \right) \beta^2, \qquad
    \mathbb{E} \lVert S - m I \rVert^2 = \alpha^2 + \beta^2
    """
    # As vectors of e entries: one Y = y, the sum o of the M = N - 1 others, and S = (y + o) / N; all Y have the same law.
    e, M = verify.sizes("e M")
    y, others, S, target = (verify.vector(name, e) for name in ("y", "o", "S", "t"))
    mean, C = verify.vector("mu", e), verify.matrix("C", e, e, "positive")
    laws = {y: (mean, C), others: (M * mean, M * C)}

    def square(v):
        return v.T @ v

    scatter = verify.expectation(square((M * y - others) / (M + 1)), laws) / (M + 1)
    beta2 = verify.expectation(square((y + others) / (M + 1) - mean), laws)
    alpha2, noise = square(target - mean), verify.expectation(square(S - mean), {S: (mean, C)})
    certify(
        prove_equal(
            scatter,
            M / (M + 1) * beta2,
            mutants={
                "unbiased": beta2,
                "turned over": (M + 1) / M * beta2,
                "noise of one": M * beta2,
            },
        ),
        prove_equal(
            verify.expectation(square(S - target), {S: (mean, C)}),
            alpha2 + noise,
            mutants={"difference": alpha2 - noise, "noise left out": alpha2},
        ),
    )


def test_eq_ledoit_wolf(certify):
    r"""
    \hat{w} = \min\left( 1, \; \frac{\frac{1}{N^2} \sum_{i=1}^{N} \lVert (x_i - \bar{x})(x_i - \bar{x})^\top - S \rVert^2}{\lVert S - m I \rVert^2} \right)
    """

    # The mean of the points is subtracted beforehand. The right-hand sides are what the package computes.
    def square(A):
        return verify.trace(A.T @ A)

    S, scatter = verify.matrix("S", d, d, "symmetric"), verify.total(X[point] @ X[point].T, point, n) / n
    scale = verify.trace(S) / d
    fourth = verify.total((X[point].T @ X[point]) ** 2, point, n) / n
    deviations = verify.total(square(X[point] @ X[point].T - scatter), point, n) / n**2

    sample = np.random.default_rng(0).normal(size=(7, 4)) * [1.0, 2.0, 3.0, 4.0] + 5
    assert np.isclose(shrinkage_weight(sample), sklearn.covariance.ledoit_wolf_shrinkage(sample), rtol=1e-10)
    certify(
        prove_equal(
            deviations,
            (fourth - square(scatter)) / n,
            mutants={
                "1/N for 1/N²": fourth - square(scatter),
                "plus": (fourth + square(scatter)) / n,
                "scatter twice": (fourth - 2 * square(scatter)) / n,
            },
        ),
        prove_equal(
            square(S - scale * verify.identity(d)),
            square(S) - verify.trace(S) ** 2 / d,
            mutants={
                "the identity itself as target": square(S - verify.identity(d)),
                "dimension left out": square(S) - verify.trace(S) ** 2,
            },
        ),
        uses=("eq-shrinkage-best", "eq-shrinkage-moments"),
    )


# how exactly a parameter can be known

u = symbols("u", real=True)
tau = symbols("tau", real=True)
P = Function("p", positive=True)
law = P(k, tau, u)
STAYS_ONE = Eq(over(Derivative(law, tau)), 0)
score, score_u = log(law).diff(tau), log(law).diff(u)


def test_eq_score_zero(certify):
    r"""
    \mathbb{E} \, \nabla_{\theta} \log p(x|\theta) = \int \nabla_{\theta} \, p(x|\theta) \, dx = 0
    """
    certify(
        prove_zero(
            over(law * score),
            assumptions=[STAYS_ONE],
            mutants={
                "without the weight": over(score),
                "second derivative": over(law * log(law).diff(tau, 2)),
            },
        )
    )


def test_eq_fisher_information(certify):
    r"""
    \mathcal{I}(\theta) = \mathbb{E} \, s(x, \theta) \, s(x, \theta)^\top = -\mathbb{E} \, \nabla_{\theta}^2 \log p(x|\theta)
    """
    curvature = Derivative(law, tau, u)
    certify(
        prove_zero(
            over(law * score * score_u) + over(law * log(law).diff(tau, u)),
            assumptions=[Eq(over(curvature), 0)],
            mutants={
                "sign": over(law * score * score_u) - over(law * log(law).diff(tau, u)),
                "Hessian of p for that of log p": over(law * score * score_u) + over(curvature),
                "half": over(law * score * score_u) / 2 + over(law * log(law).diff(tau, u)),
            },
        )
    )


def test_eq_kl_curvature(certify):
    r"""
    \mathrm{KL}\big( p(\cdot|\theta) \,\big\|\, p(\cdot|\theta + h) \big) = \tfrac{1}{2} \, h^\top \mathcal{I}(\theta) \, h + o(\lVert h \rVert^2)
    """
    # Along a line of parameters: the slope is minus a mean score, the curvature minus a mean Hessian, each at zero.
    near, there = Function("p", positive=True)(k, tau), Function("p", positive=True)(k, u)
    divergence, hessian = over(near * log(near / there)), over(near * log(there).diff(u, 2))
    certify(
        prove_zero(
            Derivative(divergence, u) + over(near * log(there).diff(u)),
            mutants={"sign": Derivative(divergence, u) - over(near * log(there).diff(u))},
        ),
        prove_zero(
            Derivative(divergence, u, u) + hessian,
            mutants={
                "sign": Derivative(divergence, u, u) - hessian,
                "half": Derivative(divergence, u, u) + hessian / 2,
            },
        ),
        uses=("eq-score-zero", "eq-fisher-information"),
    )


def test_eq_cramer_rao(certify):
    r"""
    \operatorname{var}(T) \ge \frac{b'(\theta)^2}{N \, \mathcal{I}(\theta)}
    """
    # Whole samples k of probability p and score s, T minus its mean; a variance is a parabola in c, lowest at c = C / J.
    T, s = IndexedBase("T", real=True), IndexedBase("s", real=True)
    V, C, c = symbols("V C c", real=True)
    J = symbols("J", positive=True)
    variance, slope, information = over(p[k] * T[k] ** 2), over(p[k] * T[k] * s[k]), over(p[k] * s[k] ** 2)
    of_difference, parabola = variance - 2 * c * slope + c**2 * information, V - 2 * c * C + c**2 * J
    one, rest, zero = verify.vector("s", d), verify.vector("r", d), verify.zeros(d, 1)
    M, of_one = verify.sizes("M"), verify.matrix("I", d, d, "positive")
    certify(
        prove_nonnegative(
            of_difference,
            over(p[k] * (T[k] - c * s[k]) ** 2),
            mutants={
                "mixed term twice": of_difference - 2 * c * slope,
                "square subtracted": variance - c**2 * information,
            },
        ),
        prove_zero(
            parabola - (V - C**2 / J) - J * (c - C / J) ** 2,
            mutants={
                "information turned over": parabola - (V - C**2 * J) - J * (c - C / J) ** 2,
                "slope not squared": parabola - (V - C / J) - J * (c - C / J) ** 2,
                "twice": parabola - (V - 2 * C**2 / J) - J * (c - C / J) ** 2,
            },
        ),
        prove_zero(
            Derivative(over(law * T[k]), tau) - over(law * T[k] * score),
            mutants={"sign": Derivative(over(law * T[k]), tau) + over(law * T[k] * score)},
        ),
        prove_equal(
            verify.expectation((one + rest) @ (one + rest).T, {one: (zero, of_one), rest: (zero, M * of_one)}),
            (M + 1) * of_one,
            mutants={"not added up": of_one, "squared": (M + 1) ** 2 * of_one},
        ),
        uses=("eq-score-zero",),
    )


def test_eq_asymptotic_normality(certify):
    r"""
    \sqrt{N} \, (\hat\theta - \theta) \;\longrightarrow\; \mathcal{N}\big( 0, \; \mathcal{I}(\theta)^{-1} \big)
    \qquad\text{in distribution, as } N \to \infty
    """

    def as_waiting_times_have_it(rate=2.0):
        """The exact law of the estimated rate, N over a sum with a Gamma law, tends to the one claimed like 1/√N."""
        at = np.linspace(-3, 3, 61)  # in units of the claimed deviation, which is the rate itself

        def distance(N):
            exact = scipy.stats.gamma.sf(N / (rate + rate * at / np.sqrt(N)), N, scale=1 / rate)
            return np.abs(exact - scipy.stats.norm.cdf(at)).max()

        return distance(10**6) < 1e-3 and np.isclose(distance(10**4) / distance(10**6), 10, rtol=0.05)

    certify(
        stated(
            "the MLE of a regular model is asymptotically normal with the inverse information",
            reason="a theorem about limits in distribution, cited; one model, whose law is known, is computed",
            reference="van der Vaart (1998), chapter 5",
            computed=as_waiting_times_have_it,
        )
    )


# when the model is wrong


def test_eq_kl_projection(certify):
    r"""
    \theta_* = \operatorname*{arg\,min}_{\theta} \, \mathrm{KL}\big( q \,\|\, p(\cdot|\theta) \big)
    \quad\Longrightarrow\quad
    \mathbb{E}_{x \sim q} \, \nabla_{\theta} \log p(x|\theta_*) = 0
    """
    divergence = over(q[k] * log(q[k] / law))
    certify(
        prove_zero(
            Derivative(divergence, tau) + over(q[k] * score),
            mutants={
                "sign": Derivative(divergence, tau) - over(q[k] * score),
                "mean under the model": Derivative(divergence, tau) + over(law * score),
                "not a mean": Derivative(divergence, tau) + over(score),
            },
        )
    )


def test_eq_sandwich(certify):
    r"""
    \begin{aligned}
    \operatorname{cov}(\hat\theta) &\approx \frac{1}{N} \, A^{-1} B \, A^{-1} \\
    \text{where } A &= -\mathbb{E}_q \nabla_{\theta}^2 \log p(x|\theta_*), \quad
    B = \mathbb{E}_q \, s(x, \theta_*) \, s(x, \theta_*)^\top
    \end{aligned}
    """
    # To first order the error is A⁻¹ times the mean score; its covariance is exact.
    A, B = verify.matrix("A", d, d, "symmetric", "invertible"), verify.matrix("B", d, d, "positive")
    mean_score = verify.vector("s", d)
    error = A.inv @ mean_score
    certify(
        prove_equal(
            verify.expectation(error @ error.T, {mean_score: (verify.zeros(d, 1), B / n)}),
            A.inv @ B @ A.inv / n,
            mutants={
                "the model trusted": A.inv / n,
                "bread and meat exchanged": B.inv @ A @ B.inv / n,
                "one slice": A.inv @ B / n,
                "N left out": A.inv @ B @ A.inv,
            },
        ),
        uses=("eq-kl-projection",),
    )
