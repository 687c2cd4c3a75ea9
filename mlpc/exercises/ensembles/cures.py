"""Checkers of the exercises on what a small ensemble gets wrong: relaxed spread, tapered gain, weights of particles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlpc.exercises import Exercise, Function, Misconception
from mlpc.exercises.ensembles.draws import anomalies, members

Array = np.ndarray
Rng = np.random.Generator


# 5 · relaxed spread


def _relaxed(before: Array, after: Array, alpha: float) -> Array:
    """Return the members after the analysis with the share α of the lost standard deviation given back."""
    mean = after.mean(axis=0)
    lost = before.std(axis=0, ddof=1) / after.std(axis=0, ddof=1) - 1
    return mean + (after - mean) * (1 + alpha * lost)


def _relaxed_variances(before: Array, after: Array, alpha: float) -> Array:
    """Return members whose variances, not standard deviations, are relaxed."""
    mean = after.mean(axis=0)
    return mean + (after - mean) * np.sqrt(1 + alpha * (before.var(axis=0) / after.var(axis=0) - 1))


def _relaxed_anomalies(before: Array, after: Array, alpha: float) -> Array:
    """Return members whose anomalies are a mixture of those before and after."""
    mean = after.mean(axis=0)
    return mean + (1 - alpha) * (after - mean) + alpha * (before - before.mean(axis=0))


def _relaxed_together(before: Array, after: Array, alpha: float) -> Array:
    """Return members that are all scaled by one number, that of the total spread."""
    mean = after.mean(axis=0)
    lost = np.sqrt(before.var(axis=0).mean() / after.var(axis=0).mean()) - 1
    return mean + (after - mean) * (1 + alpha * lost)


def _about_zero(before: Array, after: Array, alpha: float) -> Array:
    """Return members that were scaled together with their mean."""
    return after * (1 + alpha * (before.std(axis=0, ddof=1) / after.std(axis=0, ddof=1) - 1))


def _draw_before_after(rng: Rng) -> tuple[Array, Array, float]:
    before = members(rng)
    shrunk = before.mean(axis=0) + (before - before.mean(axis=0)) @ np.diag(rng.uniform(0.3, 0.9, before.shape[1]))
    return before, shrunk + 0.1 * rng.normal(size=before.shape), float(rng.uniform(0.2, 0.8))


RELAX = Exercise(
    label="ensembles-5",
    ask="a function of (before, after, alpha) that returns an array of the shape of after",
    kind=Function(_draw_before_after),
    solution=lambda: _relaxed,
    misconceptions=(
        Misconception(
            "variances relaxed",
            "It is the standard deviations that are averaged, not the variances.",
            lambda: _relaxed_variances,
        ),
        Misconception(
            "anomalies mixed",
            "This is relaxation to the prior *perturbations*. Here the analysis anomalies are only scaled.",
            lambda: _relaxed_anomalies,
        ),
        Misconception(
            "one factor for all",
            "Each component gets its own factor: where nothing was observed, nothing is to be given back.",
            lambda: _relaxed_together,
        ),
        Misconception(
            "mean scaled, too",
            "Only the anomalies are stretched; the mean of the analysis stays.",
            lambda: _about_zero,
        ),
        Misconception(
            "share exchanged",
            "With $\\alpha = 0$ nothing should happen.",
            lambda: lambda before, after, alpha: _relaxed(before, after, 1 - alpha),
        ),
    ),
)


# 6 · a tapered gain


def _distances(n: int) -> Array:
    """Return the distances of all pairs of sites on a ring."""
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    return np.minimum(apart, n - apart)


def _taper(distance: Array, c: float) -> Array:
    """Return the taper of Gaspari and Cohn with the half-width c."""
    z = np.abs(distance) / c
    near = 1 - 5 / 3 * z**2 + 5 / 8 * z**3 + z**4 / 2 - z**5 / 4
    safe = np.maximum(z, 1)
    far = 4 - 5 * safe + 5 / 3 * safe**2 + 5 / 8 * safe**3 - safe**4 / 2 + safe**5 / 12 - 2 / (3 * safe)
    return np.where(z <= 1, near, np.where(z <= 2, far, 0.0))


def _tapered_gain(
    E: Array, seen: Array, r: float, c: float, distance: Callable[[int], Array] = _distances, both: bool = True
) -> Array:
    """Return the gain of the covariance that was multiplied by the taper entry by entry."""
    X = anomalies(E)
    raw = X.T @ X
    P = raw * _taper(distance(E.shape[1]), c)
    S = (P if both else raw)[np.ix_(seen, seen)] + r * np.eye(len(seen))
    return np.linalg.solve(S, P[seen]).T


def _gain_then_taper(E: Array, seen: Array, r: float, c: float) -> Array:
    """Return the gain of the raw covariance, tapered afterwards."""
    X = anomalies(E)
    P = X.T @ X
    gain = np.linalg.solve(P[np.ix_(seen, seen)] + r * np.eye(len(seen)), P[seen]).T
    return gain * _taper(_distances(E.shape[1]), c)[:, seen]


def _draw_ring(rng: Rng) -> tuple[Array, Array, float, float]:
    n = int(rng.integers(8, 12))
    E = rng.normal(size=(5, n)) @ (np.eye(n) + 0.6 * np.roll(np.eye(n), 1, axis=1))
    return E, np.sort(rng.choice(n, 4, replace=False)), float(rng.uniform(0.3, 1)), float(rng.uniform(1.2, 2.2))


TAPER = Exercise(
    label="ensembles-6",
    ask="a function of (E, seen, r, c) that returns an n × k matrix, k the number of sites in seen",
    kind=Function(_draw_ring),
    solution=lambda: _tapered_gain,
    misconceptions=(
        Misconception(
            "not tapered",
            "Your gain moves sites at the other end of the ring.",
            lambda: lambda E, seen, r, c: _tapered_gain(E, seen, r, 1e9),
        ),
        Misconception(
            "gain tapered instead",
            "Taper the covariance *before* the gain is made of it: spurious correlations stand in $S$, too.",
            lambda: _gain_then_taper,
        ),
        Misconception(
            "only one of the two",
            "You tapered $PH^\\top$ but not $HPH^\\top$: then the gain is of no covariance at all.",
            lambda: lambda E, seen, r, c: _tapered_gain(E, seen, r, c, both=False),
        ),
        Misconception(
            "a line, not a ring",
            "The last site is the first one's neighbour: distances go round the shorter way.",
            lambda: (
                lambda E, seen, r, c: _tapered_gain(
                    E, seen, r, c, lambda n: np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
                )
            ),
        ),
        Misconception(
            "half-width for the whole",
            "The taper reaches zero at the distance $2c$, not $c$.",
            lambda: lambda E, seen, r, c: _tapered_gain(E, seen, r, c / 2),
        ),
    ),
)


# 7 · weights of particles


def _weights(logs: Array) -> tuple[Array, float]:
    """Return normalised weights and their effective number, from unnormalised logarithms."""
    weights = np.exp(logs - logs.max())
    weights = weights / weights.sum()
    return weights, float(1 / np.sum(weights**2))


def _draw_logs(rng: Rng) -> tuple[Array]:
    return (-2000 + 3 * rng.normal(size=int(rng.integers(5, 9))),)


WEIGHTS = Exercise(
    label="ensembles-7",
    ask="a function of (logs) that returns a vector of N weights and one number",
    kind=Function(_draw_logs),
    solution=lambda: _weights,
    misconceptions=(
        Misconception(
            "not normalised",
            "Your weights do not add up to one.",
            lambda: lambda logs: (np.exp(logs - logs.max()), 1 / np.sum(np.exp(2 * (logs - logs.max())))),
        ),
        Misconception(
            "sum of squares",
            "This is nearly one when a single particle has all the weight: how many count is its inverse.",
            lambda: lambda logs: (_weights(logs)[0], 1 / _weights(logs)[1]),
        ),
        Misconception(
            "share for number",
            "Asked for is a number between $1$ and $N$, not the share of it.",
            lambda: lambda logs: (_weights(logs)[0], _weights(logs)[1] / len(logs)),
        ),
        Misconception(
            "perplexity",
            "The exponential of the entropy is another measure; the effective size comes from the variance of a mean.",
            lambda: lambda logs: (_weights(logs)[0], np.exp(-np.sum(_weights(logs)[0] * np.log(_weights(logs)[0])))),
        ),
        Misconception(
            "logarithms normalised",
            "The weights are proportional to the *exponentials* of what is given.",
            lambda: lambda logs: (logs / logs.sum(), 1 / np.sum((logs / logs.sum()) ** 2)),
        ),
    ),
)

EXERCISES = (RELAX, TAPER, WEIGHTS)
