"""The labelled equations of the chapter on EM, one function each.

A latent variable with K values stands for any: `p[k]` is its posterior, `m` the density of x, `p[k] m` their joint
density. Sums over data have a symbolic N. Where the page writes the derivation of an M step, the gradient is proved
first, and then that it vanishes at the step.
"""

import sympy
from sympy import Eq, IndexedBase, Integral, Rational, Sum, cosh, exp, log, oo, pi, sqrt, symbols, tanh

from mlpc.verify import (
    block,
    equal,
    expectation,
    family,
    identity,
    index,
    log_gap,
    logdet,
    matrix,
    prove_equal,
    prove_gradient,
    prove_nonnegative,
    prove_zero,
    sizes,
    total,
    trace,
    vector,
    zeros,
)
from mlpc.verify import scalar as number

K, N, i, j, k = symbols("K N i j k", integer=True, positive=True)
m, m_new = symbols("m m'", positive=True)
p, p_new, q = (IndexedBase(name, positive=True) for name in ("p", "p'", "q"))
m_i = IndexedBase("m", positive=True)
HALF = Rational(1, 2)


def over(term, last=K, letter=k):
    """The sum over k = 1, ..., K."""
    return Sum(term, (letter, 1, last))


def one(weights):
    """The assumption that the weights are probabilities."""
    return Eq(over(weights[k]), 1)


def bound(joint, of=q):
    """L(θ, q) as the page defines it."""
    return over(of[k] * log(joint / of[k]))


def divergence(left, right):
    return over(left * log(left / right))


# the bound


def test_eq_em_latent(certify):
    r"""
    \max_{\theta} \, \log p(x \mid \theta), \qquad \log p(x \mid \theta) = \log \int p(x, z \mid \theta) \, dz
    """
    x, z = symbols("x z", real=True)
    w, s = symbols("w s", positive=True)

    def normal(at, mean, variance):
        return exp(-((at - mean) ** 2) / (2 * variance)) / sqrt(2 * pi * variance)

    summed = prove_zero(
        Eq(log(m), log(over(p[k] * m)), evaluate=False),
        assumptions=[one(p)],
        mutants={
            "the logarithm inside the sum": log(m) - over(p[k] * log(p[k] * m)),
            "averaged over z": log(m) - log(over(p[k] * m) / K),
            "the conditional density for the joint one": log(m) - log(over(p[k])),
        },
    )
    joint = normal(z, 0, 1) * normal(x, w * z, s)
    integrated = prove_zero(
        Eq(Integral(joint, (z, -oo, oo)), normal(x, 0, w**2 + s), evaluate=False),
        sizes={"x": 1, "z": 1},
        mutants={"the variance of z left out": Integral(joint, (z, -oo, oo)) - normal(x, 0, s)},
    )
    certify(summed, integrated, slide=True)


def test_eq_em_lower_bound(certify):
    r"""
    \mathcal{L}(\theta, q) = \int \log \frac{p(x, z \mid \theta)}{q(z)} \, q(z) \, dz
    """
    # A definition: what it defines is the log-likelihood for the posterior, and misses it by the divergence for any q.
    certify(
        prove_zero(
            Eq(bound(p[k] * m, p), log(m), evaluate=False),
            assumptions=[one(p)],
            mutants={
                "upside down": over(p[k] * log(p[k] / (p[k] * m))) - log(m),
                "q left out below": over(p[k] * log(p[k] * m)) - log(m),
                "weights left out": over(log(p[k] * m / p[k])) - log(m),
            },
        ),
        prove_zero(
            Eq(bound(p[k] * m), log(m) - divergence(q[k], p[k]), evaluate=False),
            assumptions=[one(q), one(p)],
            mutants={
                "the weights of the posterior": over(p[k] * log(p[k] * m / q[k])) - log(m) + divergence(q[k], p[k])
            },
        ),
        slide=True,
    )


def test_eq_em_equality(certify):
    r"""
    \begin{aligned}
    \log p(x \mid \theta)
    &= \int \log \frac{p(x, z \mid \theta)}{q(z)} \, q(z) \, dz - \int \log \frac{p(z \mid x, \theta)}{q(z)} \, q(z) \, dz \\
    &= \mathcal{L}(\theta, q) + \mathrm{KL}\big( q \,\|\, p(\cdot \mid x, \theta) \big)
    \end{aligned}
    """
    to_posterior = over(q[k] * log(p[k] / q[k]))
    certify(
        prove_zero(
            Eq(log(m), bound(p[k] * m) - to_posterior, evaluate=False),
            assumptions=[one(q), one(p)],
            mutants={
                "plus": log(m) - bound(p[k] * m) - to_posterior,
                "the prior for the posterior": log(m) - bound(p[k] * m) + over(q[k] * log(p[k] * m / q[k])),
                "second term left out": log(m) - bound(p[k] * m),
                "weights of the posterior": log(m) - bound(p[k] * m) + over(p[k] * log(p[k] / q[k])),
            },
        ),
        prove_zero(
            Eq(log(m), bound(p[k] * m) + divergence(q[k], p[k]), evaluate=False),
            assumptions=[one(q), one(p)],
            mutants={
                "KL of the other direction": log(m) - bound(p[k] * m) - divergence(p[k], q[k]),
                "minus KL": log(m) - bound(p[k] * m) + divergence(q[k], p[k]),
            },
        ),
        slide=True,
    )


def test_eq_em_entropy(certify):
    r"""
    \mathcal{L}(\theta, q) = \mathbb{E}_{q}\big[ \log p(x, z \mid \theta) \big] + \mathcal{H}(q)
    """
    expected, entropy = over(q[k] * log(p[k] * m)), -over(q[k] * log(q[k]))
    certify(
        prove_zero(
            Eq(bound(p[k] * m), expected + entropy, evaluate=False),
            mutants={"entropy left out": bound(p[k] * m) - expected, "minus": bound(p[k] * m) - expected + entropy},
        )
    )


def test_eq_em_steps(certify):
    r"""
    \begin{aligned}
    \text{E-step:} \quad & q_t = \operatorname*{arg\,max}_{q} \, \mathcal{L}(\theta_t, q) = p(\cdot \mid x, \theta_t) \\
    \text{M-step:} \quad & \theta_{t+1} = \operatorname*{arg\,max}_{\theta} \, \mathcal{L}(\theta, q_t)
    = \operatorname*{arg\,max}_{\theta} \, \mathbb{E}_{q_t}\big[ \log p(x, z \mid \theta) \big]
    \end{aligned}
    """
    joint, joint_new = IndexedBase("g", positive=True), IndexedBase("g'", positive=True)
    e_step = prove_nonnegative(
        bound(p[k] * m, p) - bound(p[k] * m),
        over(q[k] * log_gap(p[k] / q[k])),
        assumptions=[one(p), one(q)],
        mutants={
            "q beats the posterior": bound(p[k] * m) - bound(p[k] * m, p),
            "the square of the posterior": over(p[k] ** 2 * log(m)) - bound(p[k] * m),
        },
    )
    gain = bound(joint_new[k]) - bound(joint[k])
    m_step = prove_zero(
        Eq(gain, over(q[k] * log(joint_new[k])) - over(q[k] * log(joint[k])), evaluate=False),
        mutants={
            "the logarithm outside": gain - log(over(q[k] * joint_new[k])) + log(over(q[k] * joint[k])),
            "without weights": gain - over(log(joint_new[k])) + over(log(joint[k])),
        },
    )
    certify(e_step, m_step, slide=True)


def test_eq_em_ascent(certify):
    r"""
    \begin{aligned}
    \log p(x \mid \theta') - \log p(x \mid \theta)
    &= \big[ \mathcal{L}(\theta', q) - \mathcal{L}(\theta, q) \big] + \mathrm{KL}\big( q \,\|\, p(\cdot \mid x, \theta') \big) \\
    &\text{with } q = p(\cdot \mid x, \theta), \text{ for every } \theta'
    \end{aligned}
    """
    rise = log(m_new) - log(m)
    climbed = bound(p_new[k] * m_new, p) - bound(p[k] * m, p)
    certify(
        prove_zero(
            Eq(rise, climbed + divergence(p[k], p_new[k]), evaluate=False),
            assumptions=[one(p), one(p_new)],
            mutants={
                "minus KL": rise - climbed + divergence(p[k], p_new[k]),
                "KL of the other direction": rise - climbed - divergence(p_new[k], p[k]),
                "KL left out": rise - climbed,
            },
        )
    )


def test_eq_em_data(certify):
    r"""
    \begin{aligned}
    \frac{1}{N} \sum_{i=1}^{N} \log p(x_i \mid \theta)
    &= \frac{1}{N} \sum_{i=1}^{N} \sum_{z} q_i(z) \log \frac{p(x_i, z \mid \theta)}{q_i(z)} \\
    &\quad + \frac{1}{N} \sum_{i=1}^{N} \mathrm{KL}\big( q_i \,\|\, p(\cdot \mid x_i, \theta) \big)
    \end{aligned}
    """
    mean = over(log(m_i[i]), N, i) / N
    all_bounds = over(over(q[i, k] * log(p[i, k] * m_i[i] / q[i, k])), N, i) / N
    gaps = over(over(q[i, k] * log(q[i, k] / p[i, k])), N, i) / N
    shared = over(over(q[1, k] * log(p[i, k] * m_i[i] / q[1, k])), N, i) / N
    certify(
        prove_zero(
            Eq(mean, all_bounds + gaps, evaluate=False),
            assumptions=[Eq(over(q[i, k]), 1), Eq(over(p[i, k]), 1)],
            mutants={
                "minus": mean - all_bounds + gaps,
                "the sum for the mean": mean - N * (all_bounds + gaps),
                "one q for all in the bound": mean - shared - gaps,
            },
        )
    )


def test_eq_em_joint_divergence(certify):
    r"""
    \begin{aligned}
    \mathrm{KL}\big( p_{\mathrm{data}}(x) \, q(z \mid x) \,\|\, p(x, z \mid \theta) \big)
    &= \mathrm{KL}\big( p_{\mathrm{data}} \,\|\, p(\cdot \mid \theta) \big) \\
    &\quad + \mathbb{E}_{x \sim p_{\mathrm{data}}} \, \mathrm{KL}\big( q(\cdot \mid x) \,\|\, p(\cdot \mid x, \theta) \big)
    \end{aligned}
    """
    # x has the values 1, ..., N with the probabilities d[i]; the model gives it m[i], and z the posterior p[i, k].
    d = IndexedBase("d", positive=True)
    joint = over(over(d[i] * q[i, k] * log(d[i] * q[i, k] / (m_i[i] * p[i, k]))), N, i)
    marginal = over(d[i] * log(d[i] / m_i[i]), N, i)
    gaps = over(d[i] * over(q[i, k] * log(q[i, k] / p[i, k])), N, i)
    unweighted = over(over(q[i, k] * log(q[i, k] / p[i, k])), N, i)
    certify(
        prove_zero(
            Eq(joint, marginal + gaps, evaluate=False),
            assumptions=[
                Eq(over(q[i, k]), 1),
                Eq(over(p[i, k]), 1),
                Eq(over(d[i], N, i), 1),
                Eq(over(m_i[i], N, i), 1),
            ],
            mutants={
                "minus": joint - marginal + gaps,
                "the gaps not averaged": joint - marginal - unweighted,
                "the marginal term left out": joint - gaps,
                "averaged under the model": joint
                - marginal
                - over(m_i[i] * over(q[i, k] * log(q[i, k] / p[i, k])), N, i),
            },
        )
    )


def test_eq_em_labellings(certify):
    r"""
    \prod_{i=1}^{N} \sum_{k=1}^{K} p(x_i, k \mid \theta)
    = \sum_{z \in \{1, \ldots, K\}^N} \ \prod_{i=1}^{N} p(x_i, z_i \mid \theta)
    """

    def sides(data, values):
        density = [[symbols(f"p_{row}{value}", positive=True) for value in range(values)] for row in range(data)]
        product = sympy.prod(sum(row) for row in density)
        labellings = sympy.utilities.iterables.product(range(values), repeat=data)
        return product, [sympy.prod(density[row][z] for row, z in enumerate(labels)) for labels in labellings]

    proofs = []
    for data, values in ((3, 2), (2, 3), (4, 2)):
        product, terms = sides(data, values)
        proofs.append(
            prove_zero(
                Eq(product, sum(terms), evaluate=False),
                sizes={"N": data, "K": values},
                mutants={"equal labels only": product - terms[0] - terms[-1], "one left out": product - sum(terms[1:])},
            )
        )
    certify(*proofs)


# two hills

x = IndexedBase("x", real=True)
theta, theta_t = symbols("theta theta_t", real=True)


def hill(z, at=theta, of=x[i]):
    """log N(x; zθ, 1)."""
    return -((of - z * at) ** 2) / 2 - log(2 * pi) / 2


def belief(z):
    """q_i(z) under θ_t."""
    return 1 / (1 + exp(-2 * z * theta_t * x[i]))


VERTEX = over(x[i] * tanh(theta_t * x[i]), N, i) / N


def test_eq_two_hills(certify):
    r"""
    \begin{aligned}
    \ell(\theta) &= \sum_{i=1}^{N} \log \frac{\mathcal{N}(x_i; -\theta, 1) + \mathcal{N}(x_i; \theta, 1)}{2} \\
    &= \sum_{i=1}^{N} \Big( \log \cosh(\theta x_i) - \frac{\theta^2 + x_i^2 + \log 2\pi}{2} \Big)
    \end{aligned}
    """
    mixed = over(log((exp(hill(-1)) + exp(hill(1))) / 2), N, i)
    short = over(log(cosh(theta * x[i])) - (theta**2 + x[i] ** 2 + log(2 * pi)) / 2, N, i)
    certify(
        prove_zero(
            Eq(mixed, short, evaluate=False),
            mutants={
                "half forgotten": over(log(exp(hill(-1)) + exp(hill(1))), N, i) - short,
                "one hill": over(hill(1), N, i) - short,
                "θ for θ²": mixed - short - N * (theta**2 - theta) / 2,
            },
        )
    )


def parabola(at):
    """L(θ, q_t) without the entropy, which does not depend on θ."""
    return over(sum(belief(z) * (hill(z, at) - log(2)) for z in (1, -1)), N, i)


def test_eq_two_hills_bound(certify):
    r"""
    \mathcal{L}(\theta, q_t) = \mathcal{L}(\theta_{t+1}, q_t) - \frac{N}{2} \big( \theta - \theta_{t+1} \big)^2
    """
    drop = parabola(theta) - parabola(VERTEX)
    certify(
        prove_zero(
            Eq(drop, -N * (theta - VERTEX) ** 2 / 2, evaluate=False),
            mutants={
                "curvature one": drop + (theta - VERTEX) ** 2 / 2,
                "no half": drop + N * (theta - VERTEX) ** 2,
                "upwards": drop - N * (theta - VERTEX) ** 2 / 2,
            },
        )
    )


def test_eq_two_hills_step(certify):
    r"""
    \theta_{t+1} = \frac{1}{N} \sum_{i=1}^{N} x_i \tanh(\theta_t x_i)
    """
    slope = parabola(theta).diff(theta)
    mean_name = prove_zero(
        Eq(belief(1) - belief(-1), tanh(theta_t * x[i]), evaluate=False),
        mutants={"twice the argument": belief(1) - belief(-1) - tanh(2 * theta_t * x[i])},
    )
    certify(
        mean_name,
        prove_zero(
            slope.subs(theta, VERTEX),
            mutants={
                "not divided by N": slope.subs(theta, N * VERTEX),
                "the names left out": slope.subs(theta, over(x[i], N, i) / N),
                "sign": slope.subs(theta, -VERTEX),
                "half the argument": slope.subs(theta, over(x[i] * tanh(theta_t * x[i] / 2), N, i) / N),
            },
        ),
    )


# mixtures of Gaussians

weight, density = IndexedBase(r"\pi", positive=True), IndexedBase("n", positive=True)


def test_eq_em_mixture(certify):
    r"""
    p(x \mid \theta) = \sum_{k=1}^{K} \pi_k \, \mathcal{N}(x; \mu_k, \Sigma_k), \qquad \theta = (\pi_k, \mu_k, \Sigma_k)_{k=1}^{K}
    """
    # For d = 1: what it defines is a density, with the mean that the law of total expectation asks for.
    at = symbols("x", real=True)
    mean, deviation = IndexedBase(r"\mu", real=True), IndexedBase("s", positive=True)
    component = exp(-((at - mean[k]) ** 2) / (2 * deviation[k] ** 2)) / (sqrt(2 * pi) * deviation[k])
    mass, first = (over(weight[k] * Integral(at**power * component, (at, -oo, oo))) for power in (0, 1))
    certify(
        prove_zero(
            Eq(mass, 1, evaluate=False),
            assumptions=[one(weight)],
            sizes={"d": 1},
            mutants={"the weights squared": over(weight[k] ** 2 * Integral(component, (at, -oo, oo))) - 1},
        ),
        prove_zero(
            Eq(first, over(weight[k] * mean[k]), evaluate=False),
            assumptions=[one(weight)],
            sizes={"d": 1},
            mutants={"weights left out": first - over(mean[k])},
        ),
    )


def test_eq_em_responsibilities(certify):
    r"""
    r_{ik} = \frac{\pi_k \, \mathcal{N}(x_i; \mu_k, \Sigma_k)}{\sum_{j=1}^{K} \pi_j \, \mathcal{N}(x_i; \mu_j, \Sigma_j)}
    """
    # With π_k N_k(x) = p_k m, the product rule: what the formula makes of it is p_k.
    share = p[k] * m / over(p[j] * m, K, j)
    unweighted = (p[k] * m / weight[k]) / over(p[j] * m / weight[j], K, j)
    certify(
        prove_zero(
            Eq(share, p[k], evaluate=False),
            assumptions=[Eq(over(p[i], K, i), 1)],
            mutants={
                "weights left out": unweighted - p[k],
                "not normalised": p[k] * m - p[k],
                "upside down": 1 / share - p[k],
            },
        )
    )


def test_eq_em_mixture_complete(certify):
    r"""
    \begin{aligned}
    \mathcal{Q}(\theta) &= \sum_{i=1}^{N} \sum_{k=1}^{K} r_{ik} \log \big( \pi_k \, \mathcal{N}(x_i; \mu_k, \Sigma_k) \big) \\
    &= \sum_{k=1}^{K} N_k \log \pi_k \\
    &\quad - \frac{1}{2} \sum_{k=1}^{K} \sum_{i=1}^{N} r_{ik}
    \Big( \log \det (2\pi\Sigma_k) + (x_i - \mu_k)^\top \Sigma_k^{-1} (x_i - \mu_k) \Big)
    \end{aligned}
    """
    r, square = IndexedBase("r", positive=True), IndexedBase(r"\delta", real=True)
    volume = IndexedBase("v", real=True)
    logs = over(over(r[i, k] * log(weight[k] * exp(-(volume[k] + square[i, k]) / 2))), N, i)
    counts = over(over(r[i, k], N, i) * log(weight[k]))
    squares = over(over(r[i, k] * (volume[k] + square[i, k]), N, i))
    certify(
        prove_zero(
            Eq(logs, counts - squares / 2, evaluate=False),
            mutants={
                "plus": logs - counts - squares / 2,
                "no half": logs - counts + squares,
                "weights not counted": logs - over(log(weight[k])) + squares / 2,
            },
        )
    )


def test_eq_em_mixture_weights(certify):
    r"""
    \pi_k' = \frac{N_k}{N}
    """
    count = IndexedBase("N", positive=True)
    whole = over(count[k])
    best = over(count[k] * log(count[k] / over(count[j], K, j)))
    given = over(count[k] * log(weight[k]))
    certify(
        prove_nonnegative(
            best - given,
            over(count[k] * log_gap(weight[k] * over(count[j], K, j) / count[k])),
            assumptions=[one(weight)],
            mutants={
                "equal weights": over(count[k] * log(1 / K)) - given,
                "counts inverted": over(count[k] * log(1 / (count[k] * over(1 / count[j], K, j)))) - given,
            },
        ),
        prove_zero(over(count[k] / whole) - 1, mutants={"not divided": whole - 1}),
    )


n_, d_, r_ = sizes("N d r")
row = index("i")
DATA, WEIGHTS = family("x", d_), family("w", 1)
P = matrix("P", d_, d_, "positive")
mu = vector("mu", d_)


def weighted(term):
    """The sum over the data, weighted with the responsibilities of one component."""
    return total(WEIGHTS[row] * term, row, n_)


COUNT = total(WEIGHTS[row], row, n_)
CENTRE = weighted(DATA[row]) / COUNT


def test_eq_em_mixture_means(certify):
    r"""
    \mu_k' = \frac{1}{N_k} \sum_{i=1}^{N} r_{ik} \, x_i
    """

    def objective(at):
        off = DATA[row] - at
        return -(weighted(off.T @ P @ off)) / 2

    slope = P @ weighted(DATA[row] - mu)
    drop = objective(mu) - objective(CENTRE)
    off = mu - CENTRE
    certify(
        prove_gradient(
            objective(mu),
            mu,
            slope,
            mutants={"sign": -slope, "P left out": weighted(DATA[row] - mu), "twice": 2 * slope},
        ),
        prove_equal(
            drop,
            -COUNT * (off.T @ P @ off) / 2,
            mutants={"upwards": COUNT * (off.T @ P @ off) / 2, "counted once": -(off.T @ P @ off) / 2},
        ),
    )


def scatter(at=mu):
    off = DATA[row] - at
    return weighted(off @ off.T)


def precision_objective(extra=0):
    off = DATA[row] - mu
    return COUNT * logdet(P) / 2 - weighted(off.T @ P @ off) / 2 - extra


def test_eq_em_mixture_covariances(certify):
    r"""
    \Sigma_k' = \frac{1}{N_k} \sum_{i=1}^{N} r_{ik} \, (x_i - \mu_k') (x_i - \mu_k')^\top
    """
    slope = COUNT * P.inv / 2 - scatter() / 2
    step = scatter() / COUNT
    certify(
        prove_gradient(
            precision_objective(),
            P,
            slope,
            mutants={"P for its inverse": COUNT * P / 2 - scatter() / 2, "no count": P.inv / 2 - scatter() / 2},
        ),
        prove_equal(
            COUNT * step,
            scatter(),
            mutants={"divided by N": COUNT * (scatter() / n_), "unweighted": scatter() * COUNT},
        ),
    )


def test_eq_em_regularised(certify):
    r"""
    \Sigma_k' = \frac{1}{N_k} \Big( s I + \sum_{i=1}^{N} r_{ik} \, (x_i - \mu_k')(x_i - \mu_k')^\top \Big)
    """
    s = number("s")
    slope = COUNT * P.inv / 2 - scatter() / 2 - s * identity(d_) / 2
    step = (s * identity(d_) + scatter()) / COUNT
    certify(
        prove_gradient(
            precision_objective(s * trace(P) / 2),
            P,
            slope,
            mutants={"penalty left out": COUNT * P.inv / 2 - scatter() / 2, "penalty added": slope + s * identity(d_)},
        ),
        prove_equal(
            COUNT * step,
            s * identity(d_) + scatter(),
            mutants={
                "penalty left out": scatter(),
                "penalty N times": COUNT * s * identity(d_) + scatter(),
                "subtracted": scatter() - s * identity(d_),
            },
        ),
    )


def test_eq_em_soft_minimum(certify):
    r"""
    -2\sigma^2 \log \sum_{k=1}^{K} \frac{1}{K} \exp\Big( -\frac{d_{ik}^2}{2\sigma^2} \Big) = d_{ij}^2 + 2\sigma^2 \log \big( K r_{ij} \big)
    """
    d, s = IndexedBase("d", real=True), symbols("sigma", positive=True)
    mass = over(exp(-(d[k] ** 2) / (2 * s**2)))
    soft = -2 * s**2 * log(mass / K)
    share = exp(-(d[j] ** 2) / (2 * s**2)) / mass
    certify(
        prove_zero(
            Eq(soft, d[j] ** 2 + 2 * s**2 * log(K * share), evaluate=False),
            mutants={
                "minus": soft - d[j] ** 2 + 2 * s**2 * log(K * share),
                "K left out": soft - d[j] ** 2 - 2 * s**2 * log(share),
                "σ² for 2σ²": soft - d[j] ** 2 - s**2 * log(K * share),
            },
        )
    )


def test_eq_em_kmeans(certify):
    r"""
    \lim_{\sigma \to 0} \, \Big[ -2\sigma^2 \sum_{i=1}^{N} \log \sum_{k=1}^{K} \frac{1}{K} \exp\Big( -\frac{d_{ik}^2}{2\sigma^2} \Big) \Big]
    = \sum_{i=1}^{N} \min_{k} \, \lVert x_i - \mu_k \rVert^2
    """
    # Per data point, soft minimum minus minimum lies between 0 and 2σ² log K, which tends to 0. Besides the nearest centre
    # there are M = K - 1 others; their exponentials, between 0 and 1, are written 1 / (1 + g); a tie is the limit g = 0.
    M = symbols("M", integer=True, positive=True)
    s, g = symbols("sigma", positive=True), IndexedBase("g", positive=True)
    others = over(1 / (1 + g[k]), M)
    above = -2 * s**2 * log((1 + others) / (M + 1))
    below = 2 * s**2 * log(M + 1) - above
    certify(
        prove_nonnegative(
            above,
            2 * s**2 * (log_gap((1 + others) / (M + 1)) + over(g[k] / (1 + g[k]), M) / (M + 1)),
            mutants={"not divided by K": -2 * s**2 * log(1 + others)},
        ),
        prove_nonnegative(
            below,
            2 * s**2 * (log_gap(1 / (1 + others)) + others / (1 + others)),
            mutants={"half of it": s**2 * log(M + 1) - above},
        ),
        uses=("eq-em-soft-minimum",),
    )


def test_eq_em_collapse(certify):
    r"""
    \begin{aligned}
    \sum_{i=1}^{N} \log \sum_{k=1}^{2} \pi_k \, \mathcal{N}(x_i; \mu_k, \Sigma_k)
    &\ge \log \pi_1 - \frac{d}{2} \log (2\pi\sigma^2) \\
    &\quad + \sum_{i=2}^{N} \log \big( \pi_2 \, \mathcal{N}(x_i; \mu_2, \Sigma_2) \big)
    \end{aligned}
    """
    # a_i and b_i are the densities of the two components at x_i, a_1 that of the first at its own mean; M = N - 1.
    a, b = IndexedBase("a", positive=True), IndexedBase("b", positive=True)
    M, d = symbols("M d", integer=True, positive=True)
    w1, w2, s, b1 = symbols("pi_1 pi_2 sigma b_1", positive=True)
    peak = (2 * pi * s**2) ** (-d / 2)
    rest = over(log(w1 * a[i] + w2 * b[i]), M, i)
    right = log(w1) - d * log(2 * pi * s**2) / 2 + over(log(w2 * b[i]), M, i)
    first = w1 * peak / (w1 * peak + w2 * b1)
    others = w2 * b[i] / (w1 * a[i] + w2 * b[i])
    certify(
        prove_nonnegative(
            log(w1 * peak + w2 * b1) + rest - right,
            log_gap(first)
            + w2 * b1 / (w1 * peak + w2 * b1)
            + over(log_gap(others) + w1 * a[i] / (w1 * a[i] + w2 * b[i]), M, i),
            mutants={"the other way": right - rest - log(w1 * peak + w2 * b1)},
        )
    )


# factor analysis

r = r_
W, Psi = matrix("W", d_, r), matrix("Psi", d_, d_, "positive")
S, beta = matrix("S", d_, d_, "symmetric"), matrix("beta", r, d_)
G = (identity(r) + W.T @ Psi.inv @ W).inv
C = W @ W.T + Psi


def test_eq_em_factor_model(certify):
    r"""
    \begin{aligned}
    z \sim \mathcal{N}(0, I_r), \quad x \mid z &\sim \mathcal{N}(Wz + \mu, \Psi) \\
    \Longrightarrow\quad x &\sim \mathcal{N}\big( \mu, \, W W^\top + \Psi \big)
    \end{aligned}
    """
    z, e = vector("z", r), vector("e", d_)
    row_of = W @ z + mu + e
    law = {z: (zeros(r, 1), identity(r)), e: (zeros(d_, 1), Psi)}
    certify(
        prove_equal(expectation(row_of, law), mu, mutants={"no mean": zeros(d_, 1)}),
        prove_equal(
            expectation((row_of - mu) @ (row_of - mu).T, law),
            C,
            mutants={"noise subtracted": W @ W.T - Psi, "noise left out": W @ W.T, "noise alone": Psi},
        ),
    )


def test_eq_em_factor_posterior(certify):
    r"""
    \begin{aligned}
    \mathbb{E}[z \mid x] &= G \, W^\top \Psi^{-1} (x - \mu) = W^\top (W W^\top + \Psi)^{-1} (x - \mu) \\
    \operatorname{cov}(z \mid x) &= G = \big( I_r + W^\top \Psi^{-1} W \big)^{-1} = I_r - W^\top (W W^\top + \Psi)^{-1} W
    \end{aligned}
    """
    # Completing the square in the joint density shows mean and covariance; then the two forms of each.
    z, y = vector("z", r), vector("y", d_)
    mean = G @ W.T @ Psi.inv @ y
    joint = z.T @ z + (y - W @ z).T @ Psi.inv @ (y - W @ z)
    off, bare = z - mean, z - W.T @ Psi.inv @ y
    certify(
        prove_equal(
            joint,
            off.T @ G.inv @ off + y.T @ C.inv @ y,
            mutants={
                "G left out of the mean": bare.T @ G.inv @ bare + y.T @ C.inv @ y,
                "identity for its covariance": off.T @ off + y.T @ C.inv @ y,
            },
        ),
        prove_equal(
            G @ W.T @ Psi.inv,
            W.T @ C.inv,
            mutants={"noise left out": G @ W.T, "noise alone inverted": W.T @ Psi.inv},
        ),
        prove_equal(
            G,
            identity(r) - W.T @ C.inv @ W,
            mutants={"plus": identity(r) + W.T @ C.inv @ W, "noise alone inverted": identity(r) - W.T @ Psi.inv @ W},
        ),
    )


def test_eq_em_factor_moments(certify):
    r"""
    \frac{1}{N} \sum_{i=1}^{N} \mathbb{E}\big[ z_i z_i^\top \mid x_i \big] = G + \beta S \beta^\top
    """
    y, z = DATA[row], vector("z", r)
    Gs = matrix("G", r, r, "symmetric")
    second = expectation(z @ z.T, {z: (beta @ y, Gs)})
    moments = Gs + beta @ (total(y @ y.T, row, n_) / n_) @ beta.T
    certify(
        prove_equal(
            total(second, row, n_) / n_,
            moments,
            mutants={
                "G left out": moments - Gs,
                "G counted N times": moments + (n_ - 1) * Gs,
                "minus": moments - 2 * Gs,
            },
        )
    )


MOMENTS = matrix("M", r, r, "positive")
STEP = S @ beta.T @ MOMENTS.inv


def test_eq_em_factor_loadings(certify):
    r"""
    W' = S \beta^\top \big( G + \beta S \beta^\top \big)^{-1}
    """
    objective = -trace(Psi.inv @ (S - 2 * (W @ beta @ S) + W @ MOMENTS @ W.T)) / 2
    slope = Psi.inv @ (S @ beta.T - W @ MOMENTS)
    y, z = vector("y", d_), vector("z", r)
    residual = (y - W @ z) @ (y - W @ z).T
    cross, square = y @ (beta @ y).T, matrix("G", r, r, "symmetric") + beta @ y @ y.T @ beta.T
    certify(
        prove_equal(
            expectation(residual, {z: (beta @ y, matrix("G", r, r, "symmetric"))}),
            y @ y.T - cross @ W.T - W @ cross.T + W @ square @ W.T,
            mutants={
                "covariance of z left out": y @ y.T - cross @ W.T - W @ cross.T + W @ beta @ y @ y.T @ beta.T @ W.T
            },
        ),
        prove_gradient(
            objective,
            W,
            slope,
            mutants={"sign": -slope, "noise left out": S @ beta.T - W @ MOMENTS, "half": slope / 2},
        ),
        prove_equal(STEP @ MOMENTS, S @ beta.T, mutants={"transposed": beta.T @ MOMENTS, "not inverted": STEP}),
    )


def test_eq_em_factor_noise(certify):
    r"""
    \Psi' = \operatorname{diag}\big( S - W' \beta S \big)
    """
    # The bracket of the objective at W' is S - W'βS but for a skew matrix, whose diagonal is zero; then each ψ by itself.
    fitted = STEP @ beta @ S
    bracket = S - 2 * fitted + STEP @ MOMENTS @ STEP.T
    psi, a = symbols("psi a", positive=True)
    certify(
        prove_equal(
            bracket,
            S - fitted - (fitted - fitted.T),
            mutants={"plus": S + fitted, "nothing explained": S, "explained twice": S - 2 * fitted},
        ),
        prove_nonnegative(
            log(psi) + a / psi - log(a) - 1, log_gap(a / psi), mutants={"constant left out": log(psi) - log(a) - 1}
        ),
    )


def test_eq_em_ppca_optimum(certify):
    r"""
    \hat\sigma^2 = \frac{1}{d - r} \sum_{j=r+1}^{d} \lambda_j, \qquad \hat W = U_r \big( \Lambda_r - \hat\sigma^2 I_r \big)^{1/2} R, \quad R^\top R = I_r
    """
    # The score in W, its root, and the best σ²; that the first eigenvectors are best is the cited theorem.
    # Λ is written D² + σ²I, and S as UΛUᵀ beside anything symmetric on the complement: so S U = UΛ.
    s = number("s")
    U, R, D = matrix("U", d_, r), matrix("R", r, r, "orthogonal"), matrix("D", r, r, "diagonal")
    Lam, beside = D @ D + s * identity(r), identity(d_) - U @ U.T
    scattered = U @ Lam @ U.T + beside @ S @ beside
    best = U @ D @ R
    cov = best @ best.T + s * identity(d_)
    given = [equal(U.T @ U, identity(r))]
    general = W @ W.T + s * identity(d_)
    score = general.inv @ S @ general.inv @ W - general.inv @ W
    variance, spare, a = symbols("sigma2 n a", positive=True)
    certify(
        prove_gradient(
            -logdet(general) / 2 - trace(general.inv @ S) / 2,
            W,
            score,
            mutants={"sign": -score, "half": score / 2, "log det left out": score + general.inv @ W},
        ),
        prove_equal(
            cov.inv @ U,
            U @ Lam.inv,
            assumptions=given,
            mutants={"noise left out": U @ (D @ D).inv, "not inverted": U @ Lam},
        ),
        prove_equal(
            scattered @ U @ Lam.inv @ D @ R,
            best,
            assumptions=given,
            mutants={"noise not subtracted": U @ Lam @ R, "C not inverted": scattered @ best},
        ),
        prove_nonnegative(
            spare * log(variance) + a / variance - spare * log(a / spare) - spare,
            spare * log_gap(a / (spare * variance)),
            mutants={"the sum for the mean": spare * log(variance) + a / variance - spare * log(a) - spare},
        ),
    )


# gaps


def test_eq_em_missing_moments(certify):
    r"""
    \hat x_{i,m} = \mu_m + \Sigma_{mo} \Sigma_{oo}^{-1} (x_{i,o} - \mu_o), \qquad
    C_i = \Sigma_{mm} - \Sigma_{mo} \Sigma_{oo}^{-1} \Sigma_{om}
    """
    # x_m minus its regression on x_o is uncorrelated with x_o, hence independent of it, and has the covariance C.
    o, g = sizes("o g")
    oo_, mm = matrix("Soo", o, o, "positive"), matrix("Smm", g, g, "symmetric")
    mo = matrix("Smo", g, o)
    cov = block([[oo_, mo.T], [mo, mm]])
    slope = mo @ oo_.inv
    rest = block([[-slope, identity(g)]])
    see = block([[identity(o), zeros(o, g)]])
    certify(
        prove_equal(
            rest @ cov @ see.T,
            zeros(g, o),
            mutants={"not regressed": mo, "the other sign": 2 * mo},
        ),
        prove_equal(
            rest @ cov @ rest.T,
            mm - mo @ oo_.inv @ mo.T,
            mutants={"plus": mm + mo @ oo_.inv @ mo.T, "marginal": mm, "not inverted": mm - mo @ oo_ @ mo.T},
        ),
    )


def test_eq_em_missing_update(certify):
    r"""
    \mu' = \frac{1}{N} \sum_{i=1}^{N} \hat x_i, \qquad
    \Sigma' = \frac{1}{N} \sum_{i=1}^{N} \Big( (\hat x_i - \mu')(\hat x_i - \mu')^\top + C_i \Big)
    """
    FILLED, UNKNOWN = family("x", d_), family("C", d_, d_)
    y, xhat, Ci = vector("y", d_), vector("xhat", d_), matrix("C", d_, d_, "symmetric")
    off = FILLED[row] - mu
    spread = total(off @ off.T + UNKNOWN[row], row, n_)
    objective = n_ * logdet(P) / 2 - total(off.T @ P @ off + trace(P @ UNKNOWN[row]), row, n_) / 2
    guess = total(FILLED[row], row, n_) / n_
    certify(
        prove_equal(
            expectation((y - mu).T @ P @ (y - mu), {y: (xhat, Ci)}),
            (xhat - mu).T @ P @ (xhat - mu) + trace(P @ Ci),
            mutants={"covariance left out": (xhat - mu).T @ P @ (xhat - mu)},
        ),
        prove_gradient(
            objective,
            mu,
            P @ total(off, row, n_),
            mutants={"sign": -P @ total(off, row, n_), "P left out": total(off, row, n_)},
        ),
        prove_equal(total(FILLED[row] - guess, row, n_), zeros(d_, 1), mutants={"not divided": guess}),
        prove_gradient(
            objective,
            P,
            n_ * P.inv / 2 - (total(off @ off.T, row, n_) + total(UNKNOWN[row].T, row, n_)) / 2,
            mutants={
                "C left out": n_ * P.inv / 2 - total(off @ off.T, row, n_) / 2,
                "sign": spread / 2 - n_ * P.inv / 2,
            },
        ),
    )


def test_eq_em_ignorable(certify):
    r"""
    \int p(x_o, x_m \mid \theta) \, g(\text{gaps} \mid x_o) \, dx_m = g(\text{gaps} \mid x_o) \; p(x_o \mid \theta)
    """
    hidden, lost = IndexedBase("p", positive=True), symbols("g", positive=True)
    deciding = IndexedBase("g", positive=True)
    certify(
        prove_zero(
            Eq(over(hidden[k] * lost), lost * over(hidden[k]), evaluate=False),
            mutants={
                "the hidden value decides": over(hidden[k] * deciding[k]) - deciding[1] * over(hidden[k]),
                "g left out": over(hidden[k] * lost) - over(hidden[k]),
            },
        )
    )
