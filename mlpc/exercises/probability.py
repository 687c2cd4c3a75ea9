"""Checkers of the chapter *Probability*: six computed exercises, and the mistakes that they name."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpc.exercises import Exercise, Expression, Function, Misconception, Numbers

Array = np.ndarray
Rng = np.random.Generator

# 1 · Bayes' rule twice

FAILS, RINGS, RINGS_BY_MISTAKE = 1 / 1000, 99 / 100, 2 / 100


def _alarms(fails: float = FAILS, mistake: float = RINGS_BY_MISTAKE) -> tuple[float, float]:
    """Return the probabilities of a failure after one alarm and after two."""
    joint = [(fails * RINGS**n, (1 - fails) * mistake**n) for n in (1, 2)]
    return tuple(failed / (failed + works) for failed, works in joint)  # type: ignore[return-value]


ALARM = Exercise(
    label="probability-1",
    ask="two probabilities: of a failure after one alarm, and after two",
    kind=Numbers(rtol=5e-3),
    solution=_alarms,
    misconceptions=(
        Misconception(
            "base rate left out",
            "This would be right if failing and working were equally probable beforehand. How rare is a failure?",
            lambda: _alarms(fails=1 / 2),
        ),
        Misconception(
            "conditional probability turned around",
            "This is the probability of alarms when the pump has failed. The question is the other way round.",
            lambda: (RINGS, RINGS**2),
        ),
        Misconception(
            "not normalised",
            "These are joint probabilities of a failure and its alarms. Divide by the probability of the alarms.",
            lambda: (FAILS * RINGS, FAILS * RINGS**2),
        ),
        Misconception(
            "odds instead of a probability",
            "These are odds, failed against works. A probability is odds / (1 + odds).",
            lambda: tuple(p / (1 - p) for p in _alarms()),
        ),
    ),
)

# 2 · change of variables


def _energy(branches: int = 2, jacobian: int = -1) -> Any:
    """Return the density of x²/2 for a standard Gaussian x, or what a slip makes of it."""
    import sympy

    e = sympy.Symbol("e", positive=True)
    return branches * sympy.exp(-e) / sympy.sqrt(2 * sympy.pi) * sympy.sqrt(2 * e) ** jacobian


ENERGY = Exercise(
    label="probability-2",
    ask="a SymPy expression in e, the density of the energy",
    kind=Expression(),
    solution=_energy,
    misconceptions=(
        Misconception(
            "Jacobian left out",
            "A density is probability per unit of its variable. How long is $dx$ for a given $de$?",
            lambda: _energy(jacobian=0),
        ),
        Misconception(
            "Jacobian of the map, not of its inverse",
            "Where a small step in $x$ makes a large step in $e$, the density of $e$ must be small.",
            lambda: _energy(jacobian=1),
        ),
        Misconception(
            "one velocity instead of two",
            "The integral of this is one half: $-x$ has the same energy as $x$.",
            lambda: _energy(branches=1),
        ),
    ),
)

# 3 · the law of total variance


def _draw_modes(rng: Rng) -> tuple[Array, Array, Array]:
    return rng.dirichlet(np.ones(3)), rng.normal(size=3), rng.uniform(0.5, 2, size=3)


def _moments(w: Array, m: Array, s: Array) -> tuple[Any, Any]:
    mean = w @ m
    return mean, w @ s**2 + w @ (m - mean) ** 2


MIXTURE = Exercise(
    label="probability-3",
    ask="a function (w, m, s) that returns mean and variance",
    kind=Function(_draw_modes),
    solution=lambda: _moments,
    misconceptions=(
        Misconception(
            "only the variance within",
            "Let all $s_k$ be zero: the detector still jumps between its modes.",
            lambda: lambda w, m, s: (w @ m, w @ s**2),
        ),
        Misconception(
            "only the variance between",
            "With a single mode this would be zero, whatever its scatter.",
            lambda: lambda w, m, s: (w @ m, w @ (m - w @ m) ** 2),
        ),
        Misconception(
            "mean square instead of variance",
            "This is $\\mathbb{E}[x^2]$. With a single mode that does not scatter it would be $m^2$ instead of zero.",
            lambda: lambda w, m, s: (w @ m, w @ (s**2 + m**2)),
        ),
        Misconception(
            "sum of random numbers instead of a choice",
            "This is the variance of $\\sum_k w_k x_k$. The detector is in one mode at a time and adds nothing up.",
            lambda: lambda w, m, s: (w @ m, w**2 @ s**2),
        ),
        Misconception(
            "standard deviations averaged",
            "Variances may be averaged over the modes; standard deviations may not.",
            lambda: lambda w, m, s: (w @ m, (w @ s) ** 2 + w @ (m - w @ m) ** 2),
        ),
    ),
)

# 4 · the standard error


def _draw_pilot(rng: Rng) -> tuple[Array, float]:
    return rng.exponential(size=12), float(rng.uniform(0.01, 0.03))


def _needed(power: int = 2, ddof: int = 1, shrink: int = 1) -> Any:
    """Return a function that says how many samples are needed, or what a slip makes of it."""
    return lambda pilot, epsilon: np.ceil((np.std(pilot, ddof=ddof) / epsilon) ** power / len(pilot) ** (1 - shrink))


SAMPLES = Exercise(
    label="probability-4",
    ask="a function (pilot, epsilon) that returns a whole number",
    kind=Function(_draw_pilot),
    solution=_needed,
    misconceptions=(
        Misconception(
            "error taken as falling like 1/N",
            "The standard error falls like $1/\\sqrt{N}$: half the error costs four times the samples.",
            lambda: _needed(power=1),
        ),
        Misconception(
            "biased variance",
            "The squares around the samples' own mean sum to too little. By what should one divide?",
            lambda: _needed(ddof=0),
        ),
        Misconception(
            "variance of the pilot's mean",
            "You divided by the size of the pilot run as well: $s^2$ is the variance of one sample.",
            lambda: _needed(shrink=0),
        ),
        Misconception(
            "rounded down",
            "With this many samples the standard error is still a little too large: round up.",
            lambda: lambda pilot, epsilon: np.floor(np.var(pilot, ddof=1) / epsilon**2),
        ),
        Misconception(
            "not rounded",
            "The formula is right, but samples come whole: round up.",
            lambda: lambda pilot, epsilon: np.var(pilot, ddof=1) / epsilon**2,
        ),
    ),
)

# 5 · correlated samples


def _shared(correlation: Any = None, terms: Any = None) -> Any:
    """Return the variance of the mean of N samples with equal correlations, or what a slip makes of it."""
    import sympy

    s, c, N = sympy.symbols("s c N", positive=True)
    pairs = N * (N - 1) if terms is None else terms(N)
    return (N * s**2 + pairs * (c if correlation is None else correlation(c)) * s**2) / N**2


CORRELATED = Exercise(
    label="probability-5",
    ask="a SymPy expression in s, c and N",
    kind=Expression(),
    solution=_shared,
    misconceptions=(
        Misconception(
            "taken as independent",
            "For $c = 1$ all forecasts are equal, and so is their mean: its variance must then be $s^2$.",
            lambda: _shared(correlation=lambda c: 0 * c),
        ),
        Misconception(
            "each pair counted once",
            "In the double sum the pair $(i, j)$ comes again as $(j, i)$.",
            lambda: _shared(terms=lambda N: N * (N - 1) / 2),
        ),
        Misconception(
            "only neighbours are correlated",
            "You counted the neighbours in a series. Here every pair has the correlation $c$.",
            lambda: _shared(terms=lambda N: 2 * (N - 1)),
        ),
    ),
)

# 6 · two unknowns


def _draw_hits(rng: Rng) -> tuple[Array, Array, Array]:
    hits = rng.uniform(-1, 1) + rng.uniform(0.5, 1.5) * np.tan(rng.uniform(-1.5, 1.5, size=20))
    return hits, np.linspace(-3, 3, 31), np.linspace(0.25, 3, 23)


def _locate(hits: Array, positions: Array, distances: Array, *, scale: bool = True, heed: bool = True) -> Any:
    a, b = np.meshgrid(positions, distances, indexing="ij")
    y = np.reshape(hits if heed else hits[-1:], (-1, 1, 1))
    log_likelihood = np.sum((np.log(b) if scale else 0 * b) - np.log(b**2 + (y - a) ** 2), axis=0)
    weight = np.exp(log_likelihood - log_likelihood.max())
    return np.array([np.sum(weight * a), np.sum(weight * b)]) / weight.sum()


def _peak(hits: Array, positions: Array, distances: Array) -> Array:
    a, b = np.meshgrid(positions, distances, indexing="ij")
    y = np.reshape(hits, (-1, 1, 1))
    best = np.argmax(np.sum(np.log(b) - np.log(b**2 + (y - a) ** 2), axis=0))
    return np.array([a.flat[best], b.flat[best]])


LOCATE = Exercise(
    label="probability-6",
    ask="a function (hits, positions, distances) that returns two means",
    kind=Function(_draw_hits, values=Numbers(rtol=1e-6)),
    solution=lambda: lambda *arguments: tuple(_locate(*arguments)),
    misconceptions=(
        Misconception(
            "$h$ left out of the numerator",
            "As a function of the hit, the density must integrate to one for every $h$. Which factor sees to that?",
            lambda: lambda *arguments: tuple(_locate(*arguments, scale=False)),
        ),
        Misconception(
            "only the last hit",
            "What was learnt from the hits before must be kept: likelihoods multiply.",
            lambda: lambda *arguments: tuple(_locate(*arguments, heed=False)),
        ),
        Misconception(
            "the most probable pair",
            "This is where the posterior is largest. Asked for are means: average over the whole table.",
            lambda: lambda *arguments: tuple(_peak(*arguments)),
        ),
    ),
)

EXERCISES = (ALARM, ENERGY, MIXTURE, SAMPLES, CORRELATED, LOCATE)
