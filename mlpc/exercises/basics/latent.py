"""Checkers of the sheet's problems on EM and free energies: three states, a lamp, a noise, a score, a gap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlpc.exercises import Exercise, Expression, Function, Misconception, Numbers

Array = np.ndarray


# 15 · three states


def _states(
    entropy: int = 1, merged: Callable[[Array], float] | None = None, swapped: bool = False
) -> tuple[float, ...]:
    """Return the gap of the uniform q, the best bound with q₁ = q₂, and that q₁."""
    f = np.log([1.0, 2.0, 3.0])
    log_z = np.log(np.exp(f).sum())
    gap = log_z - f.mean() - entropy * np.log(3)
    best = np.exp(f - log_z)
    gap = best @ np.log(3 * best) if swapped else gap
    weight = merged(f[:2]) if merged else np.exp(f[:2].mean())
    total = 2 * weight + np.exp(f[2])
    return gap, np.log(total), weight / total


STATES = Exercise(
    label="basics-15",
    ask="a tuple of three numbers",
    kind=Numbers(),
    solution=_states,
    misconceptions=(
        Misconception(
            "sign of the entropy",
            "A bound is raised by entropy. With your sign the gap would be larger than $\\log Z$ itself.",
            lambda: _states(entropy=-1),
        ),
        Misconception(
            "averaged weights",
            "Your second number is $\\log Z$ itself: but no $q$ with $q_1 = q_2$ is the optimal one. What is averaged, "
            "$f$ or $e^f$?",
            lambda: _states(merged=lambda f: float(np.exp(f).mean())),
        ),
        Misconception(
            "divergence turned round",
            "The expectation in the gap is taken under the $q$ that one has, not under the optimal one.",
            lambda: _states(swapped=True),
        ),
    ),
)


# 16 · the lamp that still burns


def _lamp(added: float = 4.0, count: int = 3, rate: float = 1 / 3) -> tuple[float, float, float]:
    """Return one step of EM from the rate one, its fixed point, and the factor of the error near it."""
    failed = 1.0 + 2.0
    return count / (failed + added), 2 / (failed + 3.0), rate


LAMP = Exercise(
    label="basics-16",
    ask="a tuple of three numbers",
    kind=Numbers(),
    solution=_lamp,
    misconceptions=(
        Misconception(
            "the lamp taken as failed",
            "The third lamp has not failed at the end of the test: it will burn on, for a while that has a mean.",
            lambda: _lamp(added=3.0),
        ),
        Misconception(
            "the lamp left out",
            "Those that burn longest would be left out just because they burn long.",
            lambda: _lamp(added=0.0, count=2),
        ),
        Misconception(
            "time before the end forgotten",
            "The expected *remaining* time is not the expected lifetime.",
            lambda: _lamp(added=1.0),
        ),
        Misconception(
            "observed for missing",
            "The first two are right. The more is missing, the slower is EM: your factor says the contrary.",
            lambda: _lamp(rate=2 / 3),
        ),
    ),
)


# 17 · how noisy is the thermometer?


def _noise_step(spread: bool = True, centre: bool = True, repeated: bool = True) -> Callable[..., float]:
    """Return the M-step for the variance of the noise, or what a slip makes of it."""

    def step(u: Array, k: float, s: float) -> float:
        count = len(u) if repeated else 1
        variance = 1 / (1 / k + count / s)
        mean = variance * count * u.mean() / s if centre else u.mean()
        return float(np.mean((u - mean) ** 2) + (variance if spread else 0.0))

    return step


def _draw_noise(rng: np.random.Generator) -> tuple[Array, float, float]:
    return rng.normal(size=int(rng.integers(3, 8))), float(rng.uniform(0.5, 2)), float(rng.uniform(0.5, 2))


NOISE = Exercise(
    label="basics-17",
    ask="a function of (u, k, s) that returns one number",
    kind=Function(_draw_noise),
    solution=_noise_step,
    misconceptions=(
        Misconception(
            "posterior mean for the state",
            "The expectation of a square is more than the square of the expectation: $v$ is not known exactly.",
            lambda: _noise_step(spread=False),
        ),
        Misconception(
            "average for the posterior mean",
            "The prior pulls the posterior mean towards zero; the average of the readings does not know it.",
            lambda: _noise_step(centre=False),
        ),
        Misconception(
            "one reading counted",
            "All readings are of one and the same $v$: their precisions add.",
            lambda: _noise_step(repeated=False),
        ),
    ),
)


# 19 · a score in two ways


def _score(spread: bool = True, missing: bool = True, single: bool = True) -> Any:
    """Return the score, the Fisher information, and the rate of EM."""
    import sympy

    x, t = sympy.Symbol("x", real=True), sympy.Symbol("theta", positive=True)
    a = 1 + t**2
    mean = t * x / a
    score = x * mean - t * (mean**2 + (1 / a if spread else 0))
    information = (2 if single else 4) * t**2 / a**2
    return sympy.Matrix([score, information, 1 - information if missing else information])


SCORE = Exercise(
    label="basics-19",
    ask="a SymPy column of three, score, information and rate, in x and theta",
    kind=Expression(),
    solution=_score,
    misconceptions=(
        Misconception(
            "the mean in place of $z$",
            "Its expectation under the model is not zero, so this is no score. What is the expectation of $z^2$?",
            lambda: _score(spread=False),
        ),
        Misconception(
            "observed for missing",
            "Score and information are right. If everything were observed, would EM need one step, or for ever?",
            lambda: _score(missing=False),
        ),
        Misconception(
            "variance of a square",
            "The score is right. For a standard normal number the variance of its square is not four.",
            lambda: _score(single=False),
        ),
    ),
)


# 22 · one gap in the table


def _gap(
    regress: bool = True, slope: float = 1 / 2, claimed: tuple[float, float] | None = None
) -> tuple[Array, Array, Array]:
    """Return the means after one and two steps of EM, and their limit, or what is claimed to be it."""

    def step(mean: Array) -> Array:
        filled = mean[1] + (slope * (0 - mean[0]) if regress else 0.0)
        return np.array([1.0, (2 + filled) / 2])

    once = step(np.zeros(2))
    limit = step(once)
    for _ in range(60):
        limit = step(limit)
    return once, step(once), np.array(claimed) if claimed else limit


GAP = Exercise(
    label="basics-22",
    ask="a tuple of three 2-vectors",
    kind=Numbers(),
    solution=_gap,
    misconceptions=(
        Misconception(
            "filled with the mean",
            "The first entry of the second row may differ from its mean; being correlated, so does the second.",
            lambda: _gap(regress=False),
        ),
        Misconception(
            "mean of what is there",
            "The steps are right. Put your limit into the step once more: it moves.",
            lambda: _gap(claimed=(1.0, 2.0)),
        ),
        Misconception(
            "the incomplete pair dropped",
            "The steps are right. Your limit forgets an entry that was seen, that of the second pair.",
            lambda: _gap(claimed=(2.0, 2.0)),
        ),
        Misconception(
            "slope one",
            "The slope of the regression is covariance over variance.",
            lambda: _gap(slope=1.0),
        ),
    ),
)

EXERCISES = (STATES, LAMP, NOISE, SCORE, GAP)
