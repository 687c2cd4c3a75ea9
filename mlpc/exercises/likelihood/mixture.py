"""Checker of the chapter's exercise on the logarithm of a mixture's density, far away from all its means."""

from __future__ import annotations

import numpy as np

from mlpc.exercises import Exercise, Function, Misconception

Array = np.ndarray
Rng = np.random.Generator


# 3 · a mixture, far away


def _terms(x: Array, log_weights: Array, means: Array, deviations: Array) -> Array:
    """Return the logarithm of each term of the mixture, of shape (N, K)."""
    z = (x[:, None] - means) / deviations
    return log_weights - z**2 / 2 - np.log(deviations) - np.log(2 * np.pi) / 2


def _log_mixture(x: Array, log_weights: Array, means: Array, deviations: Array) -> Array:
    a = _terms(x, log_weights, means, deviations)
    return np.logaddexp.reduce(a, axis=1)


def _without_height(x: Array, log_weights: Array, means: Array, deviations: Array) -> Array:
    return _log_mixture(x, log_weights + np.log(deviations), means, deviations)


def _draw_mixture(rng: Rng) -> tuple[Array, Array, Array, Array]:
    weights = rng.dirichlet(np.full(3, 4.0))
    x = np.concatenate([rng.normal(size=4), rng.uniform(100, 1000, size=2) * rng.choice([-1, 1], size=2)])
    return x, np.log(weights), rng.uniform(-2, 2, size=3), rng.uniform(0.8, 1.6, size=3)


MIXTURE = Exercise(
    label="likelihood-3",
    ask="a function of (x, log_weights, means, deviations) that returns one finite logarithm for each entry of x",
    kind=Function(_draw_mixture),
    solution=lambda: _log_mixture,
    misconceptions=(
        Misconception(
            "a floor under the logarithm",
            "Right near the means, but all far points get one and the same value. Which term can be pulled out first?",
            lambda: lambda *mixture: np.log(np.maximum(np.exp(_terms(*mixture)).sum(axis=1), 1e-300)),
        ),
        Misconception(
            "largest term alone",
            "Far away one term is enough, but not between the means: add the others, relative to it.",
            lambda: lambda *mixture: _terms(*mixture).max(axis=1),
        ),
        Misconception(
            "logarithm inside the mean",
            "This averages the logarithms. By Jensen's inequality it is smaller than the logarithm of the mean.",
            lambda: (
                lambda x, log_weights, means, deviations: (
                    _terms(x, np.zeros(3), means, deviations) @ np.exp(log_weights)
                )
            ),
        ),
        Misconception(
            "weights forgotten",
            "The sum of the densities without their weights integrates to the number of components.",
            lambda: lambda x, log_weights, means, deviations: _log_mixture(x, 0 * log_weights, means, deviations),
        ),
        Misconception(
            "constant left out",
            "Each density has the constant $1 / \\sqrt{2 \\pi}$, which moves no maximum, but belongs to the value.",
            lambda: lambda *mixture: _log_mixture(*mixture) + np.log(2 * np.pi) / 2,
        ),
        Misconception(
            "height forgotten",
            "A narrow Gaussian is a high one: what does each integrate to, without its factor $1/\\sigma_k$?",
            lambda: _without_height,
        ),
        Misconception(
            "deviation for variance",
            "The density divides the squared distance by $\\sigma^2$, and its height by $\\sigma$.",
            lambda: lambda x, log_weights, means, deviations: _log_mixture(x, log_weights, means, np.sqrt(deviations)),
        ),
    ),
)

EXERCISES = (MIXTURE,)
