"""Checkers of the chapter's first exercises: two cycles by hand, a steady state, and an analysis with gaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlpc.exercises import Exercise, Expression, Function, Misconception, Numbers

Array = np.ndarray
Rng = np.random.Generator


# 1 · two cycles, by hand


def _two_cycles(
    noise: float = 1.0,
    gain: Callable[[float], float] = lambda p: p / (p + 4.0),
    start: float = 10.0,
    kept: Callable[[float, float], float] = lambda p, K: (1 - K) * p,
) -> tuple[float, float]:
    """Return mean and variance after the observations 14 and 6 of a level, or what a slip makes of them."""
    mean, variance = start, 3.0
    for seen in (14.0, 6.0):
        p = variance + noise
        K = gain(p)
        mean, variance = mean + K * (seen - mean), kept(p, K)
    return mean, variance


TWO_CYCLES = Exercise(
    label="state_estimation-1",
    ask="a pair of numbers, the mean and the variance of the level after the second observation",
    kind=Numbers(),
    solution=_two_cycles,
    misconceptions=(
        Misconception(
            "no forecast",
            "Before each observation the level has moved: what does that do to its variance?",
            lambda: _two_cycles(noise=0.0),
        ),
        Misconception(
            "weights exchanged",
            "With a forecast that is certain, the gain is zero. Yours is one.",
            lambda: _two_cycles(gain=lambda p: 4 / (p + 4), kept=lambda p, K: K * p),
        ),
        Misconception(
            "variance not reduced",
            "An observation takes the share $K$ of the variance away, whatever it says.",
            lambda: _two_cycles(kept=lambda p, K: p),
        ),
        Misconception(
            "the noise in the variance",
            "$(1 - K) P$ is the variance after the observation; its noise is in the gain already.",
            lambda: _two_cycles(kept=lambda p, K: (1 - K) * p + K * K * 4),
        ),
        Misconception(
            "averaged with equal weights",
            "The mean is not half way each time: the gain says how far, and it falls.",
            lambda: _two_cycles(gain=lambda p: 0.5),
        ),
    ),
)


# 2 · an unstable system, tamed


def _steady(form: Callable[..., Any]) -> Any:
    """Return an expression in a, q, r, given as a function of them and of SymPy's root."""
    import sympy  # the package imports it only where an exercise is symbolic

    return form(*sympy.symbols("a q r", positive=True), sympy.sqrt)


def _root(a: Any, q: Any, r: Any, sqrt: Any, sign: int = 1) -> Any:
    """Return a solution p of p = a p r / (p + r) + q, where a is the factor of the variance."""
    b = q + (a - 1) * r
    return (b + sign * sqrt(b**2 + 4 * q * r)) / 2


STEADY = Exercise(
    label="state_estimation-2",
    ask="a SymPy expression in a, q and r, the steady variance of the forecast",
    kind=Expression(),
    solution=lambda: _steady(lambda a, q, r, sqrt: _root(a**2, q, r, sqrt)),
    misconceptions=(
        Misconception(
            "factor not squared",
            "The state is multiplied by $a$; what is its variance multiplied by?",
            lambda: _steady(lambda a, q, r, sqrt: _root(a, q, r, sqrt)),
        ),
        Misconception(
            "no growth",
            "This is the steady state for $a = 1$. Where does $a$ enter the forecast?",
            lambda: _steady(lambda a, q, r, sqrt: _root(1, q, r, sqrt)),
        ),
        Misconception(
            "variance after the observation",
            "This is the steady variance of the analysis: asked for is that of the forecast.",
            lambda: _steady(lambda a, q, r, sqrt: (_root(a**2, q, r, sqrt) - q) / a**2),
        ),
        Misconception(
            "the other root",
            "The quadratic equation has two solutions, but a variance is not negative.",
            lambda: _steady(lambda a, q, r, sqrt: _root(a**2, q, r, sqrt, sign=-1)),
        ),
        Misconception(
            "no observation",
            "This is where the variance ends without any observation, and only if $\\lvert a \\rvert < 1$.",
            lambda: _steady(lambda a, q, r, sqrt: q / (1 - a**2)),
        ),
    ),
)


# 3 · an analysis with gaps


def _analyse(mean: Array, cov: Array, H: Array, R: Array, y: Array) -> tuple[Array, Array]:
    """Return the analysis from the entries of y that were seen."""
    seen = ~np.isnan(y)
    return _update(mean, cov, H[seen], R[np.ix_(seen, seen)], y[seen])


def _update(mean: Array, cov: Array, H: Array, R: Array, y: Array) -> tuple[Array, Array]:
    K = np.linalg.solve(H @ cov @ H.T + R, H @ cov).T
    return mean + K @ (y - H @ mean), cov - K @ H @ cov


def _zeros_in(mean: Array, cov: Array, H: Array, R: Array, y: Array) -> tuple[Array, Array]:
    return _update(mean, cov, H, R, np.nan_to_num(y))


def _forecast_in(mean: Array, cov: Array, H: Array, R: Array, y: Array) -> tuple[Array, Array]:
    return _update(mean, cov, H, R, np.where(np.isnan(y), H @ mean, y))


def _uncorrelated(mean: Array, cov: Array, H: Array, R: Array, y: Array) -> tuple[Array, Array]:
    return _analyse(mean, cov, H, np.diag(np.diag(R)), y)


def _precision_struck_out(mean: Array, cov: Array, H: Array, R: Array, y: Array) -> tuple[Array, Array]:
    seen = ~np.isnan(y)
    given = np.linalg.inv(np.linalg.inv(R)[np.ix_(seen, seen)])
    return _update(mean, cov, H[seen], given, y[seen])


def _nothing(mean: Array, cov: Array, H: Array, R: Array, y: Array) -> tuple[Array, Array]:
    return mean, cov


def _draw_analysis(rng: Rng) -> tuple[Array, Array, Array, Array, Array]:
    n, k = int(rng.integers(2, 4)), 3
    roots = [np.eye(m) + rng.uniform(-0.6, 0.6, size=(m, m)) for m in (n, k)]
    y = rng.normal(loc=1.0, size=k)
    y[rng.integers(k)] = np.nan
    return rng.normal(size=n), roots[0] @ roots[0].T, rng.normal(size=(k, n)), roots[1] @ roots[1].T, y


GAPS = Exercise(
    label="state_estimation-3",
    ask="a function of (mean, cov, H, R, y) that returns a vector of n entries and an n × n matrix",
    kind=Function(_draw_analysis),
    solution=lambda: _analyse,
    misconceptions=(
        Misconception(
            "zeros observed",
            "A gap is not the observation of a zero: your mean is drawn towards states with $Hx = 0$.",
            lambda: _zeros_in,
        ),
        Misconception(
            "the forecast observed",
            "The forecast in the gap does not move that entry, but you have counted it as an observation: the "
            "covariance shrinks for nothing.",
            lambda: _forecast_in,
        ),
        Misconception(
            "correlated errors ignored",
            "$R$ is a full matrix: of the entries that were seen its off-diagonal counts, too.",
            lambda: _uncorrelated,
        ),
        Misconception(
            "precision struck out",
            "To strike out rows and columns of $R^{-1}$ is to *fix* the missing error at zero; average over it.",
            lambda: _precision_struck_out,
        ),
        Misconception(
            "all thrown away",
            "One entry is missing, the others were seen: use them.",
            lambda: _nothing,
        ),
    ),
)

EXERCISES = (TWO_CYCLES, STEADY, GAPS)
