"""Checkers of the chapter *EM*: five computed exercises, and the mistakes that they name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlpc.exercises import Exercise, Function, Misconception, Numbers

Array = np.ndarray
Rng = np.random.Generator


def _responsibilities(rng: Rng, N: int, K: int) -> Array:
    """Return a random table of responsibilities, none of them near zero."""
    return rng.dirichlet(np.full(K, 2.0), size=N) * 0.97 + 0.03 / K


def _covariance(rng: Rng, d: int) -> Array:
    """Return a random covariance matrix, far from singular and from diagonal."""
    root = np.eye(d) + rng.uniform(-0.6, 0.6, size=(d, d))
    return root @ root.T + np.eye(d) / 4


# 1 · two coins, by hand

HEADS, TOSSES = np.array([2.0, 2.0, 1.0, 0.0]), 2


def _coins(hard: bool = False, share: bool = True) -> tuple[float, float]:
    """Return the two probabilities of heads after one iteration from 2/3 and 1/3, or what a slip makes of them."""
    theta = np.array([2 / 3, 1 / 3])
    joint = theta ** HEADS[:, None] * (1 - theta) ** (TOSSES - HEADS[:, None])
    r = joint / joint.sum(axis=1, keepdims=True)
    r = np.array([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]) if hard else r
    a, b = HEADS @ r / (TOSSES * (r.sum(axis=0) if share else len(HEADS)))
    return a, b


COINS = Exercise(
    label="em-1",
    ask="a pair of numbers, the new probabilities of heads of A and of B",
    kind=Numbers(),
    solution=_coins,
    misconceptions=(
        Misconception(
            "hard decisions",
            "You gave each draw to one coin (the undecided one to both by halves). Which share of a draw with two "
            "heads belongs to A by Bayes' rule?",
            lambda: _coins(hard=True),
        ),
        Misconception(
            "divided by all tosses",
            "The heads of A are divided by the number of all tosses. How many of the eight tosses are A's?",
            lambda: _coins(share=False),
        ),
        Misconception(
            "draws for tosses",
            "A probability above one: each draw has two tosses.",
            lambda: tuple(2 * p for p in _coins()),
        ),
        Misconception(
            "coins exchanged",
            "The coin that started with more heads should keep them: the order of the pair is A, B.",
            lambda: _coins()[::-1],
        ),
    ),
)


# 2 · one q for all


def _shared(r: Array) -> tuple[Array, float]:
    """Return the normalised geometric mean of the rows, and the gap of the bound that it leaves."""
    g = np.exp(np.log(r).mean(axis=0))
    return g / g.sum(), -len(r) * float(np.log(g.sum()))


def _with_gap(q: Array, r: Array) -> tuple[Array, float]:
    """Return q, and the sum of its divergences from the rows."""
    return q, float(np.sum(q * np.log(q / r)))


def _altered(change: Callable[[Array, float, Array], tuple[Array, float]]) -> Callable[[Array], tuple[Array, float]]:
    """Return the solution with its pair changed at the end."""
    return lambda r: change(*_shared(r), r)


SHARED_Q = Exercise(
    label="em-2",
    ask="a function of r that returns the pair (q, gap): K probabilities and one number",
    kind=Function(lambda rng: (_responsibilities(rng, int(rng.integers(4, 8)), 3),)),
    solution=lambda: _shared,
    misconceptions=(
        Misconception(
            "arithmetic mean",
            "Your gap fits your $q$, but another $q$ has a smaller one. In $\\mathrm{KL}(q \\,\\|\\, r_i)$ it is the "
            "logarithm of $r_i$ that is averaged.",
            lambda: lambda r: _with_gap(r.mean(axis=0), r),
        ),
        Misconception(
            "product for geometric mean",
            "That is the $q$ of data that all have the same name. Where has the factor $N$ of the entropy gone?",
            lambda: lambda r: _with_gap(np.prod(r, axis=0) / np.prod(r, axis=0).sum(), r),
        ),
        Misconception(
            "mean for sum",
            "Your $q$ is right; the gap is asked for summed over the data.",
            lambda: _altered(lambda q, gap, r: (q, gap / len(r))),
        ),
        Misconception(
            "sign of the gap",
            "Your $q$ is right. A gap between a function and its lower bound is not negative.",
            lambda: _altered(lambda q, gap, r: (q, -gap)),
        ),
        Misconception(
            "normalisation",
            "The numbers have the right ratios, but do they sum to one?",
            lambda: _altered(lambda q, gap, r: (np.exp(np.log(r).mean(axis=0)), gap)),
        ),
    ),
)


# 3 · one covariance for all


def _scatters(x: Array, r: Array, centre: Array | None = None) -> Array:
    """Return the weighted scatter of each component about its mean, or about a common centre."""
    means = r.T @ x / r.sum(axis=0)[:, None] if centre is None else np.tile(centre, (r.shape[1], 1))
    off = x[:, None, :] - means
    return np.einsum("ik,ikd,ike->kde", r, off, off)


def _draw_tied(rng: Rng) -> tuple[Array, Array]:
    N, K, d = 9, 3, 2
    return rng.normal(size=(N, d)) @ _covariance(rng, d), _responsibilities(rng, N, K)


TIED = Exercise(
    label="em-3",
    ask="a function of (x, r) that returns a d × d matrix",
    kind=Function(_draw_tied),
    solution=lambda: lambda x, r: _scatters(x, r).sum(axis=0) / len(x),
    misconceptions=(
        Misconception(
            "unweighted average",
            "You averaged the $K$ covariances. Should a component that answers for three points count as much as one "
            "that answers for three hundred?",
            lambda: lambda x, r: (_scatters(x, r) / r.sum(axis=0)[:, None, None]).mean(axis=0),
        ),
        Misconception(
            "sum of covariances",
            "You added the covariances of the components. How often does $\\log\\det\\Sigma$ stand in $\\mathcal{Q}$?",
            lambda: lambda x, r: (_scatters(x, r) / r.sum(axis=0)[:, None, None]).sum(axis=0),
        ),
        Misconception(
            "common mean",
            "This is the covariance of all data. The components share $\\Sigma$, not $\\mu$.",
            lambda: lambda x, r: _scatters(x, r, centre=x.mean(axis=0)).sum(axis=0) / len(x),
        ),
        Misconception(
            "not divided",
            "This grows with the number of data: it is a scatter, not a covariance.",
            lambda: lambda x, r: _scatters(x, r).sum(axis=0),
        ),
        Misconception(
            "unbiased",
            "Dividing by $N - K$ takes off a bias; it is not where the gradient of $\\mathcal{Q}$ vanishes.",
            lambda: lambda x, r: _scatters(x, r).sum(axis=0) / (len(x) - r.shape[1]),
        ),
    ),
)


# 4 · an invented latent variable


def _student(
    x: Array, mu: Array, Sigma: Array, nu: float, gain: float | None = None, by_weights: bool = False, old: bool = False
) -> tuple[Array, Array]:
    """Return one iteration of EM for a Student-t density, or what a slip makes of it."""
    off = x - mu
    delta2 = np.sum(off * np.linalg.solve(Sigma, off.T).T, axis=1)
    w = (nu + (x.shape[1] if gain is None else gain)) / (nu + delta2)
    new = w @ x / w.sum()
    off = off if old else x - new
    return new, (w * off.T) @ off / (w.sum() if by_weights else len(x))


def _moments(x: Array, mu: Array, Sigma: Array, nu: float) -> tuple[Array, Array]:
    """Return the maximum likelihood estimate of a Gaussian, which takes no weights."""
    off = x - x.mean(axis=0)
    return x.mean(axis=0), off.T @ off / len(x)


def _student_slip(**slip: Any) -> Callable[..., tuple[Array, Array]]:
    return lambda x, mu, Sigma, nu: _student(x, mu, Sigma, nu, **slip)


def _draw_student(rng: Rng) -> tuple[Array, Array, Array, float]:
    d = int(rng.integers(2, 4))
    return rng.standard_t(2, size=(12, d)), rng.normal(size=d), _covariance(rng, d), float(rng.uniform(2, 6))


STUDENT = Exercise(
    label="em-4",
    ask="a function of (x, mu, Sigma, nu) that returns the pair of the new mu and Sigma",
    kind=Function(_draw_student),
    solution=lambda: _student,
    misconceptions=(
        Misconception(
            "no weights",
            "These are the moments of a Gaussian. What is the expectation of $w$ for a point far away?",
            lambda: _moments,
        ),
        Misconception(
            "dimension forgotten",
            "The Gaussian contributes $w^{d/2}$ to the density of $w$, not $w^{1/2}$.",
            lambda: _student_slip(gain=1.0),
        ),
        Misconception(
            "prior weights",
            "The numerator comes from the shape of the posterior, which has learnt from the data: more than $\\nu$.",
            lambda: _student_slip(gain=0.0),
        ),
        Misconception(
            "divided by the weights",
            "Your $\\mu$ is right. Dividing $\\Sigma$ by $\\sum_i w_i$ is a faster variant of EM, but not its M-step: "
            "how often does $\\log\\det\\Sigma$ stand there?",
            lambda: _student_slip(by_weights=True),
        ),
        Misconception(
            "old mean",
            "The scatter is taken about the old mean. Maximise over $\\mu$ and $\\Sigma$ together.",
            lambda: _student_slip(old=True),
        ),
    ),
)


# 5 · a row with gaps


def _row_moments(row: Array, mu: Array, Sigma: Array, slip: str = "") -> tuple[Array, Array]:
    """Return the conditional mean of a row and its second moment about μ, or what a slip makes of them."""
    m = np.isnan(row)
    o = ~m
    slope = np.linalg.solve(Sigma[np.ix_(o, o)], Sigma[np.ix_(o, m)])
    slope = 0 * slope if slip == "mean" else slope
    filled, unknown = row.copy(), np.zeros_like(Sigma)
    filled[m] = mu[m] + (row[o] - mu[o]) @ slope
    filled[m] += mu[o] @ slope if slip == "raw" else 0
    if slip != "certain":
        unknown[np.ix_(m, m)] = Sigma[np.ix_(m, m)] - (0 if slip == "marginal" else Sigma[np.ix_(m, o)] @ slope)
    off = filled if slip == "zero" else filled - mu
    return filled, unknown if slip == "spread" else np.outer(off, off) + unknown


def _row_slip(slip: str) -> Callable[[Array, Array, Array], tuple[Array, Array]]:
    return lambda row, mu, Sigma: _row_moments(row, mu, Sigma, slip)


def _draw_row(rng: Rng) -> tuple[Array, Array, Array]:
    """Return a row of four with one to four gaps, its mean and its covariance."""
    mu, Sigma = rng.normal(size=4), _covariance(rng, 4)
    row = mu + np.linalg.cholesky(Sigma) @ rng.normal(size=4)
    row[rng.permutation(4)[: int(rng.integers(1, 5))]] = np.nan
    return row, mu, Sigma


ROW_WITH_GAPS = Exercise(
    label="em-5",
    ask="a function of (row, mu, Sigma) that returns the completed row and a d × d matrix",
    kind=Function(_draw_row, draws=8),
    solution=lambda: _row_moments,
    misconceptions=(
        Misconception(
            "filled in as if measured",
            "Your row is right. The matrix takes the guess for a measurement: where is what is not known about it?",
            lambda: _row_slip("certain"),
        ),
        Misconception(
            "mean filled in",
            "The gaps hold the mean of their column. What do the other entries of the row say about them?",
            lambda: _row_slip("mean"),
        ),
        Misconception(
            "marginal covariance",
            "Your row is right. The observed entries also reduce the *uncertainty* of the missing ones.",
            lambda: _row_slip("marginal"),
        ),
        Misconception(
            "covariance alone",
            "Your row is right. A second moment is a covariance plus the square of a mean.",
            lambda: _row_slip("spread"),
        ),
        Misconception(
            "regression not centred",
            "The regression is applied to the observed entries themselves. What should it say for a row at its mean?",
            lambda: _row_slip("raw"),
        ),
        Misconception(
            "about zero",
            "Your row is right. The matrix is the second moment about zero; it is asked for about $\\mu$.",
            lambda: _row_slip("zero"),
        ),
    ),
)


EXERCISES = (COINS, SHARED_Q, TIED, STUDENT, ROW_WITH_GAPS)
