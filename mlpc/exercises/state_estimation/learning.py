"""Checkers of the chapter's last exercises: what the tangent leaves out, and the M step of a level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlpc.exercises import Exercise, Expression, Function, Misconception

Array = np.ndarray
Rng = np.random.Generator


# 7 · what the tangent leaves out


def _moments(
    bias: Callable[..., Any] = lambda a, P: a * P, more: Callable[..., Any] = lambda a, P: 2 * a**2 * P**2
) -> Any:
    """Return mean and variance of f(x) as a SymPy column, from what the tangent leaves out of them."""
    import sympy  # the package imports it only where an exercise is symbolic

    a, mu, P = sympy.symbols("a mu P", positive=True)
    return sympy.Matrix([mu + a * mu**2 + bias(a, P), (1 + 2 * a * mu) ** 2 * P + more(a, P)])


TANGENT = Exercise(
    label="state_estimation-7",
    ask="a SymPy column of two expressions in a, mu and P, the mean and the variance of f(x)",
    kind=Expression(),
    solution=_moments,
    misconceptions=(
        Misconception(
            "the tangent's answer",
            "This is what the extended filter says. The square of $x - \\mu$ has a mean, and a variance.",
            lambda: _moments(bias=lambda a, P: 0, more=lambda a, P: 0),
        ),
        Misconception(
            "variance by the tangent",
            "The mean is right. The square of $x - \\mu$ varies, too.",
            lambda: _moments(more=lambda a, P: 0),
        ),
        Misconception(
            "half of the second derivative",
            "The second derivative of $a x^2$ is $2a$, and half of it stands in the bias.",
            lambda: _moments(bias=lambda a, P: a * P / 2),
        ),
        Misconception(
            "fourth moment for variance",
            "$3P^2$ is the mean of $(x - \\mu)^4$. The variance of the square is less, by the square of its mean.",
            lambda: _moments(more=lambda a, P: 3 * a**2 * P**2),
        ),
        Misconception(
            "square of the variance",
            "$P^2$ is the square of the mean of $(x - \\mu)^2$: its variance is the mean fourth power less that.",
            lambda: _moments(more=lambda a, P: a**2 * P**2),
        ),
        Misconception(
            "sign of the bias",
            "The parabola lies above its tangent: is the mean of its values larger or smaller than the tangent's?",
            lambda: _moments(bias=lambda a, P: -a * P),
        ),
    ),
)


# 8 · the M step of a level


def _m_step(
    mean: Array, var: Array, lag_one: Array, y: Array, *, spread: float = 1.0, lag: float = 2.0
) -> tuple[float, float]:
    """Return q and r from the smoothed moments of a level; `spread` and `lag` weigh their terms."""
    jumps = np.diff(mean) ** 2 + spread * (var[1:] + var[:-1]) - spread * lag * lag_one
    return float(np.mean(jumps)), float(np.nanmean((y - mean[1:]) ** 2 + spread * var[1:]))


def _divided_by_all(mean: Array, var: Array, lag_one: Array, y: Array) -> tuple[float, float]:
    q, _ = _m_step(mean, var, lag_one, y)
    return q, float(np.nansum((y - mean[1:]) ** 2 + var[1:]) / len(y))


def _one_time_less(mean: Array, var: Array, lag_one: Array, y: Array) -> tuple[float, float]:
    q, r = _m_step(mean, var, lag_one, y)
    return q * len(lag_one) / (len(lag_one) + 1), r


def _sums(mean: Array, var: Array, lag_one: Array, y: Array) -> tuple[float, float]:
    q, r = _m_step(mean, var, lag_one, y)
    return q * len(lag_one), r * int(np.sum(~np.isnan(y)))


def _noise_without_spread(mean: Array, var: Array, lag_one: Array, y: Array) -> tuple[float, float]:
    return _m_step(mean, var, lag_one, y)[0], float(np.nanmean((y - mean[1:]) ** 2))


def _draw_smoothed(rng: Rng) -> tuple[Array, Array, Array, Array]:
    T = int(rng.integers(6, 10))
    mean, var = rng.normal(size=T + 1), rng.uniform(0.5, 1.0, size=T + 1)
    lag_one = rng.uniform(0.2, 0.8, size=T) * np.sqrt(var[1:] * var[:-1])
    y = mean[1:] + rng.normal(size=T)
    y[rng.choice(T, size=2, replace=False)] = np.nan
    return mean, var, lag_one, y


LEVEL = Exercise(
    label="state_estimation-8",
    ask="a function of (mean, var, lag_one, y) that returns two numbers, q and r",
    kind=Function(_draw_smoothed),
    solution=lambda: _m_step,
    misconceptions=(
        Misconception(
            "the smoothed path taken for the true one",
            "You used the means alone. The smoothed path is smoother than the true one, and the noises would shrink.",
            lambda: lambda *given: _m_step(*given, spread=0.0),
        ),
        Misconception(
            "neighbours taken for independent",
            "Neighbouring states are correlated, also given all observations: the variance of a difference has a "
            "third term.",
            lambda: lambda *given: _m_step(*given, lag=0.0),
        ),
        Misconception(
            "sign of the covariance",
            "In the variance of a *difference* the covariance has a minus.",
            lambda: lambda *given: _m_step(*given, lag=-2.0),
        ),
        Misconception(
            "covariance once",
            "The covariance stands twice in the variance of a difference.",
            lambda: lambda *given: _m_step(*given, lag=1.0),
        ),
        Misconception(
            "not divided",
            "These are the two sums. A variance is a mean: divide each by the number of its terms.",
            lambda: _sums,
        ),
        Misconception(
            "gaps counted",
            "Divide the sum for $r$ by the number of observations that there are.",
            lambda: _divided_by_all,
        ),
        Misconception(
            "states counted",
            "There are $T + 1$ states, but $T$ steps between them.",
            lambda: _one_time_less,
        ),
        Misconception(
            "uncertainty of the state left out of r",
            "The misfit is to the true state, which is only known up to its smoothed variance.",
            lambda: _noise_without_spread,
        ),
    ),
)

EXERCISES = (TANGENT, LEVEL)
