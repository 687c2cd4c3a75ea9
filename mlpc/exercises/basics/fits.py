"""Checkers of the sheet's problems on likelihood: error bars that are too small, two directions of a fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlpc.exercises import Exercise, Function, Misconception, Numbers

# 14 · error bars that are too small


def _inflation(power: float = 1.0, spent: int = 0, inflated: bool = True) -> tuple[float, float, float]:
    """Return the common mean, the factor on the variances, and the bound on the variance of the mean."""
    x, variances = np.array([1.0, 2.0, 6.0]), np.array([1.0, 1.0, 4.0])
    weights = 1 / variances**power
    mean = weights @ x / weights.sum()
    factor = np.sum((x - mean) ** 2 / variances) / (len(x) - spent)
    return mean, factor, (factor if inflated else 1.0) / np.sum(1 / variances)


INFLATION = Exercise(
    label="basics-14",
    ask="a tuple of three numbers",
    kind=Numbers(),
    solution=_inflation,
    misconceptions=(
        Misconception(
            "plain mean",
            "The third instrument claims less than the others. The factor changes nothing in their proportions.",
            lambda: _inflation(power=0.0),
        ),
        Misconception(
            "weights by standard deviations",
            "The exponent holds squares divided by *variances*.",
            lambda: _inflation(power=0.5),
        ),
        Misconception(
            "not the maximum of the likelihood",
            "This factor is free of bias, for the reason that the chapter gives. Asked is the MLE.",
            lambda: _inflation(spent=1),
        ),
        Misconception(
            "bound at the claimed accuracy",
            "The Fisher information of $\\mu$ holds the variances that the readings have, not those that are claimed.",
            lambda: _inflation(inflated=False),
        ),
    ),
)


# 18 · two directions of a fit

Fit = tuple[float, float, float, float]


def _directions(rho: float) -> Fit:
    """Return the variance and the divergence of the best fit, in both directions."""
    gap = -0.5 * float(np.log(1 - rho**2))
    return 1.0, gap, 1 - rho**2, gap


def _slip(change: Callable[[float, Fit], Fit]) -> Callable[[], Callable[[float], Fit]]:
    return lambda: lambda rho: change(rho, _directions(rho))


DIRECTIONS = Exercise(
    label="basics-18",
    ask="a function of rho that returns four numbers",
    kind=Function(lambda rng: (float(rng.uniform(0.2, 0.95)),)),
    solution=lambda: _directions,
    misconceptions=(
        Misconception(
            "directions exchanged",
            "Which density is the expectation taken under? The one that must not put mass where the other has none.",
            _slip(lambda rho, fit: (fit[2], fit[3], fit[0], fit[1])),
        ),
        Misconception(
            "one fit for both",
            "The first fit is right. The second one minimises another function: its trace holds $\\Sigma^{-1}$.",
            _slip(lambda rho, fit: (fit[0], fit[1], 1.0, rho**2 / (1 - rho**2) - fit[1])),
        ),
        Misconception(
            "standard deviation for variance",
            "Both divergences are right; in the second fit you give the square root of what is asked.",
            _slip(lambda rho, fit: (fit[0], fit[1], fit[2] ** 0.5, fit[3])),
        ),
        Misconception(
            "the half of the divergence",
            "The variances are right. The divergence of Gaussians has a factor in front of its bracket.",
            _slip(lambda rho, fit: (fit[0], 2 * fit[1], fit[2], 2 * fit[3])),
        ),
    ),
)

EXERCISES = (INFLATION, DIRECTIONS)
