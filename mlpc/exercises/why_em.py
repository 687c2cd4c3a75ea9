"""Checkers of the chapter *Why EM works*: five computed exercises, and the mistakes that they name."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpc.exercises import Exercise, Expression, Function, Misconception

Array = np.ndarray
Rng = np.random.Generator

# 1 · Fisher's identity


def _draw_counts(rng: Rng) -> tuple[Array, float, float]:
    return rng.poisson(1.5, size=12) * (rng.random(12) < 0.6), float(rng.uniform(0.2, 0.6)), float(rng.uniform(1, 3))


def _score(counts: Array, w: float, lam: float, awake_at_zero: Any = None) -> tuple[float, float]:
    """Return the two derivatives, with the posterior probability that a zero comes from a detector that is awake."""
    silent = (1 - w) * np.exp(-lam)
    at_zero = silent / (w + silent) if awake_at_zero is None else awake_at_zero(w, lam)
    awake = np.where(counts > 0, 1.0, at_zero)
    return np.sum((1 - awake) / w - awake / (1 - w)), np.sum(awake * (counts / lam - 1))


SCORE = Exercise(
    label="why_em-1",
    ask="a function (counts, w, lam) that returns two derivatives",
    kind=Function(_draw_counts),
    solution=lambda: _score,
    misconceptions=(
        Misconception(
            "prior in place of the posterior",
            "You averaged with the probabilities before the count was seen. The identity asks for those after it.",
            lambda: lambda counts, w, lam: _score(counts, w, lam, lambda w, lam: 1 - w),
        ),
        Misconception(
            "every zero is a detector asleep",
            "A Poisson number can be zero, too: with which probability?",
            lambda: lambda counts, w, lam: _score(counts, w, lam, lambda w, lam: 0.0),
        ),
        Misconception(
            "every detector awake",
            "You left the latent state out for the zeros: a detector that is asleep says nothing about $\\lambda$.",
            lambda: lambda counts, w, lam: _score(counts, w, lam, lambda w, lam: 1.0),
        ),
        Misconception(
            "likelihood not weighted by the prior",
            "By Bayes' rule each case counts with its prior probability as well.",
            lambda: lambda counts, w, lam: _score(counts, w, lam, lambda w, lam: np.exp(-lam) / (1 + np.exp(-lam))),
        ),
        Misconception(
            "mean instead of sum",
            "The log-likelihood of all counts is a sum over them.",
            lambda: lambda counts, w, lam: tuple(part / len(counts) for part in _score(counts, w, lam)),
        ),
    ),
)

# 2 · the rate


def _rate(missing: bool = True, of_observed: bool = False) -> Any:
    import sympy

    n, m = sympy.symbols("n m", positive=True)
    return (m if missing else n) / (n if of_observed else n + m)


RATE = Exercise(
    label="why_em-2",
    ask="a SymPy expression in n and m",
    kind=Expression(),
    solution=_rate,
    misconceptions=(
        Misconception(
            "fraction that is observed",
            "With nothing lost, one step must reach the optimum: the factor is then zero.",
            lambda: _rate(missing=False),
        ),
        Misconception(
            "lost over observed",
            "For $m > n$ this exceeds one, and EM would diverge. What is the information of the complete data?",
            lambda: _rate(of_observed=True),
        ),
        Misconception(
            "what is gained, squared",
            "Variances go like squares, errors do not: look at $M(\\mu) - \\bar{x}$ itself.",
            lambda: _rate() ** 2,
        ),
    ),
)

# 3 · Aitken


def _draw_path(rng: Rng) -> tuple[float, float, float]:
    limit, start, rate = rng.normal(), rng.uniform(0.5, 1.5), rng.uniform(0.3, 0.9)
    return limit + start, limit + start * rate, limit + start * rate**2


def _extrapolate(
    first: float, second: float, third: float, sign: int = 1, start: int = 2, power: int = 1
) -> tuple[float, float]:
    rho = (third - second) / (second - first)
    return (second if start == 1 else third) + sign * (third - second) * rho**power / (1 - rho), rho


AITKEN = Exercise(
    label="why_em-3",
    ask="a function of three iterates that returns the limit and the factor",
    kind=Function(_draw_path),
    solution=lambda: _extrapolate,
    misconceptions=(
        Misconception(
            "one term of the series too many",
            "The step to the third iterate has been taken already: the next one is $\\rho$ times as long.",
            lambda: lambda *path: _extrapolate(*path, power=0),
        ),
        Misconception(
            "extrapolated backwards",
            "The iterates move towards the limit: go on in their direction.",
            lambda: lambda *path: _extrapolate(*path, sign=-1),
        ),
        Misconception(
            "added to the wrong iterate",
            "The remaining series $\\rho + \\rho^2 + \\ldots$ starts behind the third iterate.",
            lambda: lambda *path: _extrapolate(*path, start=1),
        ),
    ),
)

# 4 · two spins


def _draw_couplings(rng: Rng) -> tuple[float, float]:
    return float(rng.uniform(0.2, 1)), float(rng.uniform(0.1, 0.6))


def _two_spins(J: float, b: float, *, states: int = 4, connected: bool = True, sign: int = 1) -> tuple[Any, ...]:
    s1, s2 = np.array([1, 1, -1, -1]), np.array([1, -1, 1, -1])
    f = sign * (J * s1 * s2 + b * (s1 + s2))
    weight = np.exp(f)
    q = weight / weight.sum()
    mean = q @ s1
    return np.log(weight.sum() / (4 / states)), mean, q @ (s1 * s2) - connected * mean * (q @ s2)


SPINS = Exercise(
    label="why_em-4",
    ask="a function (J, b) that returns log Z, a mean and a correlation",
    kind=Function(_draw_couplings),
    solution=lambda: _two_spins,
    misconceptions=(
        Misconception(
            "energy with the sign of physics",
            "Here the weight of a state is $e^{f}$: neighbours that agree make $f$ large, and are probable.",
            lambda: lambda J, b: _two_spins(J, b, sign=-1),
        ),
        Misconception(
            "product of the means not subtracted",
            "This is $\\langle s_1 s_2 \\rangle$, which does not vanish for independent spins in a field.",
            lambda: lambda J, b: _two_spins(J, b, connected=False),
        ),
        Misconception(
            "correlation taken as zero",
            "That is what mean field assumes. The exact spins influence each other through $J$.",
            lambda: lambda J, b: (*_two_spins(J, b)[:2], 0.0),
        ),
        Misconception(
            "average over the states instead of their sum",
            "$Z$ is the sum of $e^f$ over the four states: at $J = b = 0$ it is four.",
            lambda: lambda J, b: _two_spins(J, b, states=1),
        ),
    ),
)

# 5 · the quartic well


def _variance(moment: int = 3, entropy: int = 2, power: int = 2) -> Any:
    import sympy

    g = sympy.Symbol("g", positive=True)
    return (1 / (2 * entropy * moment * g)) ** sympy.Rational(1, power)


WELL = Exercise(
    label="why_em-5",
    ask="a SymPy expression in g, the variance",
    kind=Expression(),
    solution=_variance,
    misconceptions=(
        Misconception(
            "fourth moment taken for the square of the second",
            "For a Gaussian $\\langle x^4 \\rangle$ is $3s^2$, not $s^2$.",
            lambda: _variance(moment=1),
        ),
        Misconception(
            "entropy without its one half",
            "The entropy of a Gaussian in one dimension is $\\tfrac{1}{2}\\log(2\\pi e s)$.",
            lambda: _variance(entropy=1),
        ),
        Misconception(
            "standard deviation instead of variance",
            "This is $\\sqrt{s}$.",
            lambda: _variance(power=4),
        ),
    ),
)

EXERCISES = (SCORE, RATE, AITKEN, SPINS, WELL)
