"""Checkers of the chapter's exercises on errors of estimates: those of any gain, and an honest band."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from mlpc.exercises import Exercise, Expression, Function, Misconception
from mlpc.exercises.gaussians.draws import covariance

Array = np.ndarray
Rng = np.random.Generator


# 6 · the gain that one has


def _error_covariance(form: Callable[..., Any]) -> Any:
    """Return a matrix expression in K, L, Σ and G, given as a function of them and of the identity."""
    import sympy  # the package imports it only where an exercise is symbolic

    n, k = sympy.symbols("n k", integer=True, positive=True)
    K, Sigma = sympy.MatrixSymbol("K", n, n), sympy.MatrixSymbol("Sigma", k, k)
    L, G = sympy.MatrixSymbol("L", k, n), sympy.MatrixSymbol("G", n, k)
    return form(K, L, Sigma, G, sympy.Identity(n))


def _both(K: Any, H: Any) -> Any:
    """Return (I + H) K (I + H)ᵀ multiplied out: SymPy is slow to add an identity to a matrix of numbers."""
    return K + H * K + K * H.T + H * K * H.T


ANY_GAIN = Exercise(
    label="gaussians-6",
    ask="a SymPy matrix expression in the symbols K, L, Sigma and G",
    kind=Expression(draws=2),
    solution=lambda: _error_covariance(lambda K, L, S, G, one: (one - G * L) * K * (one - G * L).T + G * S * G.T),
    misconceptions=(
        Misconception(
            "the best gain assumed",
            "$K - GLK$ is right for one gain only. Write the error as two independent parts, for any $G$.",
            lambda: _error_covariance(lambda K, L, S, G, one: K - G * L * K),
        ),
        Misconception(
            "one factor left out",
            "The covariance of $Ax$ is $A \\operatorname{cov}(x) A^\\top$: the factor stands on both sides.",
            lambda: _error_covariance(lambda K, L, S, G, one: K - G * L * K + G * S * G.T),
        ),
        Misconception(
            "noise forgotten",
            "The noise of the observation enters the estimate through $G$, and so the error.",
            lambda: _error_covariance(lambda K, L, S, G, one: _both(K, -G * L)),
        ),
        Misconception(
            "sign of the noise",
            "The noise is independent of $v$: whatever its sign in the error, its covariance is added.",
            lambda: _error_covariance(lambda K, L, S, G, one: _both(K, -G * L) - G * S * G.T),
        ),
        Misconception(
            "sign of the gain",
            "The error is $v - Gu$: what multiplies $v$ in it?",
            lambda: _error_covariance(lambda K, L, S, G, one: _both(K, G * L) + G * S * G.T),
        ),
        Misconception(
            "covariance of the estimate",
            "This is the covariance of $Gu$, not that of what it misses.",
            lambda: _error_covariance(lambda K, L, S, G, one: G * (L * K * L.T + S) * G.T),
        ),
    ),
)


# 7 · an honest band


def _half_widths(
    past: Array, x: Array, level: float, student: bool = True, loss: int = 1, mean: bool = True, own: float = 1.0
) -> Array:
    """Return t σ̂ √(1 + h) for each month after those in x."""
    N, k = len(past), len(x)
    A = np.column_stack([np.ones(N), past[:, :k]])
    residuals = past[:, k:] - A @ np.linalg.lstsq(A, past[:, k:])[0]
    sigma = np.sqrt(np.sum(residuals**2, axis=0) / (N - 1 - loss * k))
    a = np.append(1, x)
    h = a @ np.linalg.solve(A.T @ A, a) if mean else 0.0
    law = stats.t(N - k - 1) if student else stats.norm
    return law.ppf((1 + level) / 2) * sigma * np.sqrt(own + h)


def _draw_years(rng: Rng) -> tuple[Array, Array, float]:
    n, N = int(rng.integers(4, 7)), int(rng.integers(10, 14))
    F = covariance(rng, n)
    return 20 + rng.normal(size=(N, n)) @ F, (20 + rng.normal(size=n) @ F)[:2], float(rng.uniform(0.8, 0.95))


HONEST_BAND = Exercise(
    label="gaussians-7",
    ask="a function of (past, x, level) that returns one half-width for each column of past after the first len(x)",
    kind=Function(_draw_years),
    solution=lambda: _half_widths,
    misconceptions=(
        Misconception(
            "the band of the figure",
            "This is the band that was too narrow: it takes the estimated moments for the true ones.",
            lambda: lambda past, x, level: _half_widths(past, x, level, student=False, loss=0, mean=False),
        ),
        Misconception(
            "normal quantile",
            "The variance is estimated, too: which law has the heavier tails that this calls for?",
            lambda: lambda past, x, level: _half_widths(past, x, level, student=False),
        ),
        Misconception(
            "certain mean",
            "Your band forgets that the regression line itself is uncertain: where is the leverage $h$?",
            lambda: lambda past, x, level: _half_widths(past, x, level, mean=False),
        ),
        Misconception(
            "band of the mean",
            "This is how far off the regression line may be. A new year lies off the line itself, too.",
            lambda: lambda past, x, level: _half_widths(past, x, level, own=0.0),
        ),
        Misconception(
            "degrees of freedom",
            "The fit has used up one degree of freedom for the constant and one for *each* known month.",
            lambda: lambda past, x, level: _half_widths(past, x, level, loss=0),
        ),
        Misconception(
            "one-sided quantile",
            "A band of the level $0.9$ leaves $0.05$ on each side.",
            lambda: lambda past, x, level: _half_widths(past, x, 2 * level - 1),
        ),
    ),
)

EXERCISES = (ANY_GAIN, HONEST_BAND)
