"""Checkers of the chapter's exercises on estimates: a clock that is stopped, and an honest regression."""

from __future__ import annotations

import numpy as np

from mlpc.exercises import Exercise, Function, Misconception

Array = np.ndarray
Rng = np.random.Generator


# 4 · a stopped clock


def _censored_rate(times: Array, c: float) -> float:
    return float(np.sum(times < c) / np.sum(times))


def _draw_lamps(rng: Rng) -> tuple[Array, float]:
    c = float(rng.uniform(1, 2))
    times = np.concatenate([rng.uniform(0.1, 0.9, size=5), 5 * rng.uniform(size=8)])
    return np.append(np.minimum(times, c), c), c  # some lamps fail, some burn on


CENSORED = Exercise(
    label="likelihood-4",
    ask="a function of (times, c) that returns one number, the estimated rate",
    kind=Function(_draw_lamps),
    solution=lambda: _censored_rate,
    misconceptions=(
        Misconception(
            "survivors left out",
            "The lamps that still burn are evidence, too: what is the probability of seeing what was seen of them?",
            lambda: lambda times, c: np.sum(times < c) / np.sum(times[times < c]),
        ),
        Misconception(
            "survivors counted as failures",
            "A lamp that burns at time $c$ has not failed at $c$: it contributes a probability, not a density.",
            lambda: lambda times, c: len(times) / np.sum(times),
        ),
        Misconception(
            "all burned to the end",
            "The lamps that failed did not burn until $c$: divide by the hours that were really burned.",
            lambda: lambda times, c: np.sum(times < c) / (len(times) * c),
        ),
        Misconception(
            "times thrown away",
            "This uses only *whether* each lamp failed. When it failed is known, too, and belongs into the likelihood.",
            lambda: lambda times, c: -np.log(np.mean(times >= c)) / c,
        ),
        Misconception(
            "reciprocal",
            "This is a time, the mean until failure. Asked for is the rate.",
            lambda: lambda times, c: 1 / _censored_rate(times, c),
        ),
    ),
)


# 5 · an honest regression


def _least_squares(Phi: Array, y: Array) -> tuple[Array, Array]:
    """Return the residuals, and the inverse of ΦᵀΦ."""
    bread = np.linalg.inv(Phi.T @ Phi)
    return y - Phi @ (bread @ (Phi.T @ y)), bread


def _honest_covariance(Phi: Array, y: Array, factor: float = 1.0) -> Array:
    residuals, bread = _least_squares(Phi, y)
    scores = residuals[:, None] * Phi
    return factor * bread @ (scores.T @ scores) @ bread


def _freedom(Phi: Array) -> float:
    """Return N / (N - p), by which estimates are raised that count degrees of freedom."""
    return len(Phi) / (len(Phi) - Phi.shape[1])


def _classical_covariance(Phi: Array, y: Array, factor: float = 1.0) -> Array:
    residuals, bread = _least_squares(Phi, y)
    return factor * np.mean(residuals**2) * bread


def _one_slice(Phi: Array, y: Array) -> Array:
    residuals, bread = _least_squares(Phi, y)
    scores = residuals[:, None] * Phi
    return bread @ (scores.T @ scores)


def _inverse_meat(Phi: Array, y: Array) -> Array:
    scores = _least_squares(Phi, y)[0][:, None] * Phi
    return np.linalg.inv(scores.T @ scores)


def _draw_regression(rng: Rng) -> tuple[Array, Array]:
    rows, n = int(rng.integers(8, 14)), int(rng.integers(2, 4))
    Phi = rng.normal(size=(rows, n))
    return Phi, Phi.sum(axis=1) + np.abs(Phi[:, 0]) * rng.normal(size=rows)


HONEST = Exercise(
    label="likelihood-5",
    ask="a function of (Phi, y) that returns a square array, the covariance of the weights",
    kind=Function(_draw_regression),
    solution=lambda: _honest_covariance,
    misconceptions=(
        Misconception(
            "one variance for all",
            "This is the classical formula: it replaces each squared residual by their mean.",
            lambda: _classical_covariance,
        ),
        Misconception(
            "one variance for all, unbiased",
            "This is the classical formula with $N - p$: it, too, takes one variance for all households.",
            lambda: lambda Phi, y: _classical_covariance(Phi, y, factor=_freedom(Phi)),
        ),
        Misconception(
            "degrees of freedom",
            "This is the sandwich times $N/(N-p)$, a useful correction; asked for is the plain one.",
            lambda: lambda Phi, y: _honest_covariance(Phi, y, factor=_freedom(Phi)),
        ),
        Misconception(
            "mean for sum",
            "Count the factors $1/N$: this is smaller than the covariance by one of them.",
            lambda: lambda Phi, y: _honest_covariance(Phi, y, factor=1 / len(y)),
        ),
        Misconception(
            "covariance of one household",
            "This is $N$ times the covariance of the estimate. Where do the means over the data leave their $1/N$?",
            lambda: lambda Phi, y: _honest_covariance(Phi, y, factor=float(len(y))),
        ),
        Misconception(
            "one slice of bread missing",
            "It must be symmetric: the error $\\hat w - w$ stands in it twice; so $(\\Phi^\\top \\Phi)^{-1}$ does.",
            lambda: _one_slice,
        ),
        Misconception(
            "inverse of the meat",
            "$B^{-1}$ alone would do if $A = B$. The model is wrong, so they differ.",
            lambda: _inverse_meat,
        ),
    ),
)

EXERCISES = (CENSORED, HONEST)
