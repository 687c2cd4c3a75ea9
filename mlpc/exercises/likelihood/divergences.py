"""Checkers of the chapter's exercises on divergences: two coins both ways, and two waiting times."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpc.exercises import Exercise, Expression, Misconception, Numbers

Array = np.ndarray


# 1 · two coins, both ways


def _divergence(q: Array, p: Array) -> float:
    return float(np.sum(q * np.log(q / p)))


def _both_ways(unit: float = 1.0) -> tuple[float, float]:
    """Return KL(q || p) and KL(p || q) of the two coins in nats, or in another unit."""
    q, p = np.array([1 / 2, 1 / 2]), np.array([1 / 4, 3 / 4])
    return _divergence(q, p) / unit, _divergence(p, q) / unit


def _entropies_apart() -> tuple[float, float]:
    """Return the differences of the entropies, which take each mean under a distribution of its own."""
    q, p = np.array([1 / 2, 1 / 2]), np.array([1 / 4, 3 / 4])
    gap = float(np.sum(q * np.log(q)) - np.sum(p * np.log(p)))
    return gap, -gap


BOTH_WAYS = Exercise(
    label="likelihood-1",
    ask="a pair of numbers in nats, KL(q || p) and KL(p || q)",
    kind=Numbers(rtol=2e-3),  # three digits are enough on paper
    solution=_both_ways,
    misconceptions=(
        Misconception(
            "directions exchanged",
            "The mean is taken under the first argument: in $\\mathrm{KL}(q \\,\\|\\, p)$ the fair coin is tossed.",
            lambda: _both_ways()[::-1],
        ),
        Misconception(
            "bits for nats",
            "These are bits. Which logarithm makes the unit a nat?",
            lambda: _both_ways(unit=np.log(2)),
        ),
        Misconception(
            "sign",
            "A divergence is never negative. Which density stands in the numerator?",
            lambda: _both_ways(unit=-1.0),
        ),
        Misconception(
            "difference of entropies",
            "Both logarithms are averaged under the *same* coin; here each is averaged under its own.",
            _entropies_apart,
        ),
    ),
)


# 2 · two waiting times


def _waiting(constant: int = -1, swap: bool = False, mean: bool = True, sign: int = 1) -> Any:
    """Return log(a/b) + b/a - 1, or what a slip makes of it."""
    import sympy

    a, b = sympy.symbols("a b", positive=True)
    a, b = (b, a) if swap else (a, b)
    return sign * sympy.log(a / b) + (b / a if mean else b) + constant


def _only_cross_entropy() -> Any:
    import sympy

    a, b = sympy.symbols("a b", positive=True)
    return b / a - sympy.log(b)


WAITING = Exercise(
    label="likelihood-2",
    ask="a SymPy expression in a and b",
    kind=Expression(),
    solution=_waiting,
    misconceptions=(
        Misconception(
            "directions exchanged",
            "This is $\\mathrm{KL}(p \\,\\|\\, q)$, or one with means in the place of rates. The mean of $x$ is $1/a$.",
            lambda: _waiting(swap=True),
        ),
        Misconception(
            "missing constant",
            "Put $a = b$: the divergence of a density from itself is zero.",
            lambda: _waiting(constant=0),
        ),
        Misconception(
            "sign of the logarithm",
            "Let $b$ go to zero: $p$ spreads over long times, and the divergence must grow. Does yours?",
            lambda: _waiting(sign=-1),
        ),
        Misconception(
            "mean of x forgotten",
            "The log-ratio is linear in $x$. What is the mean of $x$ under $q$?",
            lambda: _waiting(mean=False, constant=0) - _rate_of_q(),
        ),
        Misconception(
            "cross-entropy",
            "This is the cross-entropy. Subtract the entropy of $q$.",
            _only_cross_entropy,
        ),
    ),
)


def _rate_of_q() -> Any:
    import sympy

    return sympy.Symbol("a", positive=True)


EXERCISES = (BOTH_WAYS, WAITING)
