"""Checkers of the chapter's exercises on records: each entry from all others, and amounts of which nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlpc.exercises import Exercise, Function, Misconception
from mlpc.exercises.gaussians.draws import covariance

Array = np.ndarray
Rng = np.random.Generator


# 4 · each entry from all others


def _from_all_others(mu: Array, K: Array, x: Array) -> tuple[Array, Array]:
    """Return means and variances of each component given the others, from the precision matrix."""
    Lambda = np.linalg.inv(K)
    variances = 1 / np.diag(Lambda)
    return x - variances * (Lambda @ (x - mu)), variances


def _with_sign(mu: Array, K: Array, x: Array) -> tuple[Array, Array]:
    """Return the means reflected about those of the prior."""
    means, variances = _from_all_others(mu, K, x)
    return 2 * mu - means, variances


def _draw_record(rng: Rng) -> tuple[Array, Array, Array]:
    n = int(rng.integers(3, 6))
    return rng.normal(size=n), covariance(rng, n), rng.normal(size=n)


FROM_ALL_OTHERS = Exercise(
    label="gaussians-4",
    ask="a function of (mu, K, x) that returns two vectors of n entries, means and variances",
    kind=Function(_draw_record),
    solution=lambda: _from_all_others,
    misconceptions=(
        Misconception(
            "sign of the precision",
            "Entries of a precision enter with a minus: two components with $\\Lambda_{ij} < 0$ go together.",
            lambda: _with_sign,
        ),
        Misconception(
            "variance of the marginal",
            "$K_{ii}$ is the variance if *nothing* else is known.",
            lambda: lambda mu, K, x: (_from_all_others(mu, K, x)[0], np.diag(K)),
        ),
        Misconception(
            "precision for variance",
            "The diagonal of $\\Lambda$ holds precisions: the variance is one over it.",
            lambda: lambda mu, K, x: (_from_all_others(mu, K, x)[0], np.diag(np.linalg.inv(K))),
        ),
        Misconception(
            "the entry itself included",
            "The sum runs over $j \\neq i$: the entry must not be used to predict itself.",
            lambda: (
                lambda mu, K, x: (
                    mu - (np.linalg.inv(K) @ (x - mu)) / np.diag(np.linalg.inv(K)),
                    1 / np.diag(np.linalg.inv(K)),
                )
            ),
        ),
        Misconception(
            "prior mean forgotten",
            "What counts are the deviations $x - \\mu$, not $x$.",
            lambda: lambda mu, K, x: _from_all_others(0 * mu, K, x),
        ),
    ),
)


# 5 · nothing is lost


def _conserve(mu: Array, K: Array, c: float) -> tuple[Array, Array]:
    """Return the posterior after the noise-free observation that the entries add up to c."""
    spread = K.sum(axis=1)
    return mu + spread * (c - mu.sum()) / spread.sum(), K - np.outer(spread, spread) / spread.sum()


def _share(weights: Callable[[Array, Array], Array]) -> Callable[..., tuple[Array, Array]]:
    """Return a function that spreads the missing amount by other weights, which add up to one."""

    def shared(mu: Array, K: Array, c: float) -> tuple[Array, Array]:
        w = weights(mu, K)
        return mu + w / w.sum() * (c - mu.sum()), _conserve(mu, K, c)[1]

    return shared


def _draw_amounts(rng: Rng) -> tuple[Array, Array, float]:
    n = int(rng.integers(3, 6))
    return rng.uniform(1, 3, size=n), covariance(rng, n), float(rng.uniform(4, 12))


CONSERVE = Exercise(
    label="gaussians-5",
    ask="a function of (mu, K, c) that returns a vector of n entries and an n × n matrix",
    kind=Function(_draw_amounts),
    solution=lambda: _conserve,
    misconceptions=(
        Misconception(
            "shared out equally",
            "The law holds, but an amount that was measured well is corrected like one that was measured badly.",
            lambda: _share(lambda mu, K: np.ones(len(mu))),
        ),
        Misconception(
            "scaled in proportion",
            "To scale all amounts by one factor corrects the large ones most. What should decide is their uncertainty.",
            lambda: _share(lambda mu, K: mu),
        ),
        Misconception(
            "correlations ignored",
            "Your weights are the variances: the estimates are correlated, so take the row sums of $K$.",
            lambda: _share(lambda mu, K: np.diag(K)),
        ),
        Misconception(
            "covariance unchanged",
            "After the law is imposed the sum has no variance any more: the rows of $K_+$ add up to zero.",
            lambda: lambda mu, K, c: (_conserve(mu, K, c)[0], K),
        ),
        Misconception(
            "sign of the correction",
            "Add your amounts up: is the sum $c$?",
            lambda: lambda mu, K, c: (2 * mu - _conserve(mu, K, c)[0], _conserve(mu, K, c)[1]),
        ),
    ),
)

EXERCISES = (FROM_ALL_OTHERS, CONSERVE)
