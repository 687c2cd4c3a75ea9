"""Checkers of the sheet's problems on probability: a valve, and a concentration with a Gaussian logarithm."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpc.exercises import Exercise, Expression, Misconception, Numbers

Array = np.ndarray


# 1 · a valve, two evenings


def _valve(
    moves: bool = True, transposed: bool = False, evidence: bool = True, later: bool = True, night: bool = True
) -> tuple[float, ...]:
    """Return the probabilities that the valve is open: analysis, forecast, analysis, smoothing."""
    to_from = np.array([[1 / 2, 1 / 4], [1 / 2, 3 / 4]])
    to_from = to_from.T if transposed else to_from
    reading = np.array([1 / 5, 4 / 5])  # probability of "open", if closed and if open
    first = reading / reading.sum()
    forecast = to_from @ first if moves else first
    joint = reading * forecast
    second = joint / joint.sum() if evidence else joint
    smoothed = first * (to_from.T @ reading if night else reading)
    smoothed = smoothed / smoothed.sum() if later else first
    return first[1], forecast[1], second[1], smoothed[1]


VALVE = Exercise(
    label="basics-1",
    ask="a tuple of four probabilities",
    kind=Numbers(),
    solution=_valve,
    misconceptions=(
        Misconception(
            "no forecast",
            "Between the readings there is a night: the posterior of one evening is not the prior of the next.",
            lambda: _valve(moves=False),
        ),
        Misconception(
            "transition transposed",
            "Compute the forecast of *closed* alike: the two do not add up to one. Over which state is the sum?",
            lambda: _valve(transposed=True),
        ),
        Misconception(
            "evidence forgotten",
            "The third number is a joint probability, of the state *and* of the reading. Scale it.",
            lambda: _valve(evidence=False),
        ),
        Misconception(
            "the later reading unused",
            "The last question knows both readings. The second one says something about the first evening, too.",
            lambda: _valve(later=False),
        ),
        Misconception(
            "no night before the second reading",
            "Your last number uses the second reading as if it had been taken on the first evening.",
            lambda: _valve(night=False),
        ),
    ),
)


# 2 · a concentration whose logarithm is Gaussian


def _concentration(jacobian: bool = True, mode: int = -1, mean: Any = 1) -> Any:
    """Return density, mode and mean; `mode` and `mean` multiply the variance in the two exponents."""
    import sympy

    x, s = sympy.symbols("x s", positive=True)
    m = sympy.Symbol("m", real=True)
    gauss = sympy.exp(-((sympy.log(x) - m) ** 2) / (2 * s**2)) / (sympy.sqrt(2 * sympy.pi) * s)
    density = gauss / x if jacobian else gauss
    return sympy.Matrix([density, sympy.exp(m + mode * s**2), sympy.exp(m + mean * s**2 / 2)])


CONCENTRATION = Exercise(
    label="basics-2",
    ask="a SymPy column of three: density, mode and mean, in x, m and s",
    kind=Expression(),
    solution=_concentration,
    misconceptions=(
        Misconception(
            "Jacobian forgotten",
            "Your density does not integrate to one over $x > 0$: a step in $w$ and one in $x$ have different lengths.",
            lambda: _concentration(jacobian=False, mode=0),
        ),
        Misconception(
            "mode carried over",
            "The median passes through the exponential function, the maximum of the density does not: differentiate.",
            lambda: _concentration(mode=0),
        ),
        Misconception(
            "Jensen's gap forgotten",
            "The exponential function is convex: is the mean of $e^w$ larger or smaller than $e$ to the mean?",
            lambda: _concentration(mean=0),
        ),
        Misconception(
            "sign of the Jacobian",
            "The mode lies beyond the median only if the Jacobian grows with $x$. Which derivative is it?",
            lambda: _concentration(mode=1),
        ),
    ),
)

EXERCISES = (VALVE, CONCENTRATION)
