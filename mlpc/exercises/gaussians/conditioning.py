"""Checkers of the chapter's first exercises: a slice by hand, several opinions, and a bridge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlpc.exercises import Exercise, Expression, Function, Misconception, Numbers
from mlpc.exercises.gaussians.draws import covariance

Array = np.ndarray
Rng = np.random.Generator


# 1 · a slice, by hand


def _slice(gain: float = 2 / 3, surprise: float = 3.0, kept: float = 4 - 4 / 3) -> tuple[float, float]:
    """Return mean and variance of v₁ ~ N(1, 4) given v₂ = 2, where v₂ ~ N(-1, 3) and cov(v₁, v₂) = 2."""
    return 1 + gain * surprise, kept


SLICE = Exercise(
    label="gaussians-1",
    ask="a pair of numbers, the mean and the variance of the first component",
    kind=Numbers(),
    solution=_slice,
    misconceptions=(
        Misconception(
            "divided by the wrong variance",
            "The gain is $C_{vu} C_{uu}^{-1}$: the variance of the component that was *seen* divides.",
            lambda: _slice(gain=2 / 4, kept=4 - 4 / 4),
        ),
        Misconception(
            "variance not reduced",
            "The mean is right. What has the observation done to the variance?",
            lambda: _slice(kept=4.0),
        ),
        Misconception(
            "prior mean of the observation forgotten",
            "The surprise is what was seen *minus what was expected*, and the second component had a mean.",
            lambda: _slice(surprise=2.0),
        ),
        Misconception(
            "sign of the correction",
            "The covariance is positive and the observation came out high: does the first component go up or down?",
            lambda: _slice(gain=-2 / 3),
        ),
        Misconception(
            "variance enlarged",
            "An observation never adds variance: the Schur complement is a difference.",
            lambda: _slice(kept=4 + 4 / 3),
        ),
    ),
)


# 2 · several opinions


def _fuse(b: Array, B: Array) -> tuple[Array, Array]:
    """Return the average weighted with the precisions, and the inverse of their sum."""
    precisions = np.linalg.inv(B)
    C = np.linalg.inv(precisions.sum(axis=0))
    return C @ np.einsum("iab,ib->a", precisions, b), C


def _fuse_entries(b: Array, B: Array) -> tuple[Array, Array]:
    """Return what each entry for itself would be, as if all covariances were diagonal."""
    return _fuse(b, np.stack([np.diag(np.diag(one)) for one in B]))


def _draw_opinions(rng: Rng) -> tuple[Array, Array]:
    N, n = int(rng.integers(2, 5)), int(rng.integers(2, 4))
    return rng.normal(size=(N, n)), np.stack([covariance(rng, n) for _ in range(N)])


FUSE = Exercise(
    label="gaussians-2",
    ask="a function of (b, B) that returns a vector of n entries and an n × n matrix",
    kind=Function(_draw_opinions),
    solution=lambda: _fuse,
    misconceptions=(
        Misconception(
            "plain average",
            "Your mean gives every instrument the same weight, however large its errors are.",
            lambda: lambda b, B: (b.mean(axis=0), B.sum(axis=0) / len(b) ** 2),
        ),
        Misconception(
            "covariances added",
            "Which quantity adds up when independent opinions are multiplied: the covariance, or its inverse?",
            lambda: lambda b, B: (_fuse(b, B)[0], B.sum(axis=0)),
        ),
        Misconception(
            "weighted with the covariances",
            "Your weights are largest for the worst instrument.",
            lambda: lambda b, B: _fuse(b, np.linalg.inv(B)),
        ),
        Misconception(
            "precision for covariance",
            "Your mean is right. What adds up is the precision of the result: its covariance is the inverse.",
            lambda: lambda b, B: (_fuse(b, B)[0], np.linalg.inv(_fuse(b, B)[1])),
        ),
        Misconception(
            "entry by entry",
            "The errors of one instrument are correlated: its weight is a matrix, not a number for each entry.",
            lambda: _fuse_entries,
        ),
        Misconception(
            "covariance of the average",
            "Your mean is right. Its covariance is the inverse of the sum of the precisions, nothing else.",
            lambda: lambda b, B: (_fuse(b, B)[0], len(b) * _fuse(b, B)[1]),
        ),
    ),
)


# 3 · a bridge


def _bridge(
    mean: Callable[..., Any] = lambda v1, v3, q1, q2: (q2 * v1 + q1 * v3) / (q1 + q2),
    variance: Callable[..., Any] = lambda v1, v3, q1, q2: q1 * q2 / (q1 + q2),
) -> Any:
    """Return mean and variance of v₂ between v₁ and v₃ as a SymPy column."""
    import sympy  # the package imports it only where an exercise is symbolic

    symbols = sympy.symbols("v1 v3 q1 q2")
    return sympy.Matrix([mean(*symbols), variance(*symbols)])


BRIDGE = Exercise(
    label="gaussians-3",
    ask="a SymPy column of two expressions in v1, v3, q1 and q2, the mean and the variance",
    kind=Expression(),
    solution=_bridge,
    misconceptions=(
        Misconception(
            "weights exchanged",
            "If $q_1$ is tiny, $v_2$ has hardly drifted from $v_1$: which end does your mean lie at?",
            lambda: _bridge(mean=lambda v1, v3, q1, q2: (q1 * v1 + q2 * v3) / (q1 + q2)),
        ),
        Misconception(
            "variances added",
            "$q_1 + q_2$ is the variance of $v_3$ before it is seen. Add the precisions of the two sides instead.",
            lambda: _bridge(variance=lambda v1, v3, q1, q2: q1 + q2),
        ),
        Misconception(
            "the middle",
            "Half way is right for $q_1 = q_2$ only.",
            lambda: _bridge(mean=lambda v1, v3, q1, q2: (v1 + v3) / 2),
        ),
        Misconception(
            "precision for variance",
            "You added the precisions, and stopped there: the variance is the inverse of the sum.",
            lambda: _bridge(variance=lambda v1, v3, q1, q2: 1 / q1 + 1 / q2),
        ),
        Misconception(
            "the future ignored",
            "This is what is known of $v_2$ before $v_3$ is observed.",
            lambda: _bridge(mean=lambda v1, v3, q1, q2: v1, variance=lambda v1, v3, q1, q2: q1),
        ),
    ),
)

EXERCISES = (SLICE, FUSE, BRIDGE)
