"""Checkers of the chapter's first exercises: growth of errors, the gain of an ensemble, and its transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlpc.exercises import Exercise, Expression, Function, Misconception
from mlpc.exercises.ensembles.draws import anomalies, members

Array = np.ndarray
Rng = np.random.Generator


# 1 · exponents of a product


def _exponents(tangents: Array, dt: float) -> Array:
    """Return the Lyapunov exponents, largest first, of the product of the tangents (T, n, n)."""
    Q, total = np.eye(tangents.shape[-1]), np.zeros(tangents.shape[-1])
    for M in tangents:
        Q, R = np.linalg.qr(M @ Q)
        total += np.log(np.abs(np.diag(R)))
    return total / (len(tangents) * dt)


def _each_for_itself(tangents: Array, dt: float) -> Array:
    """Return the mean logarithms of the diagonals of R, each tangent factorised by itself."""
    R = np.linalg.qr(tangents)[1]
    return np.log(np.abs(np.diagonal(R, axis1=-2, axis2=-1))).mean(axis=0) / dt


def _eigenvalues(tangents: Array, dt: float) -> Array:
    """Return the mean logarithms of the absolute eigenvalues of each tangent."""
    return np.sort(np.log(np.abs(np.linalg.eigvals(tangents))), axis=-1)[:, ::-1].mean(axis=0) / dt


def _stretches(tangents: Array, dt: float) -> Array:
    """Return the mean logarithms of the singular values of each tangent."""
    return np.log(np.linalg.svd(tangents, compute_uv=False)).mean(axis=0) / dt


def _draw_tangents(rng: Rng) -> tuple[Array, float]:
    n, T = int(rng.integers(2, 4)), int(rng.integers(5, 9))
    return np.eye(n) + rng.uniform(-0.6, 0.6, size=(T, n, n)), float(rng.uniform(0.05, 0.3))


GROWTH = Exercise(
    label="ensembles-1",
    ask="a function of (tangents, dt) that returns a vector of n numbers",
    kind=Function(_draw_tangents),
    solution=lambda: _exponents,
    misconceptions=(
        Misconception(
            "each tangent for itself",
            "The directions must be carried along: factorise $M_t Q_{t-1}$, not $M_t$.",
            lambda: _each_for_itself,
        ),
        Misconception(
            "eigenvalues averaged",
            "The eigenvectors of one tangent are not those of the next: their growth does not add up.",
            lambda: _eigenvalues,
        ),
        Misconception(
            "best stretch of each cycle",
            "Singular values are for the disturbance that one cycle stretches most; the next cycle starts elsewhere.",
            lambda: _stretches,
        ),
        Misconception(
            "not per unit of time",
            "An exponent is a rate: the logarithms are to be divided by the time that has passed.",
            lambda: lambda tangents, dt: _exponents(tangents, 1.0),
        ),
        Misconception(
            "sum instead of rate",
            "These are the logarithms of the total growth; divide by the time of all cycles.",
            lambda: lambda tangents, dt: _exponents(tangents, 1 / len(tangents)),
        ),
    ),
)


# 2 · the gain of an ensemble


def _gain(E: Array, HE: Array, R: Array, loss: int = 1) -> Array:
    """Return the gain (n, k) from members, from what they would see, and from the noise's covariance."""
    X, Y = E - E.mean(axis=0), HE - HE.mean(axis=0)
    return np.linalg.solve(Y.T @ Y / (len(E) - loss) + R, Y.T @ X / (len(E) - loss)).T


def _draw_views(rng: Rng) -> tuple[Array, Array, Array]:
    E = members(rng)
    H, F = rng.normal(size=(2, E.shape[1])), np.eye(2) + rng.uniform(-0.5, 0.5, size=(2, 2))
    return E, E @ H.T, F @ F.T


GAIN = Exercise(
    label="ensembles-2",
    ask="a function of (E, HE, R) that returns an n × k matrix",
    kind=Function(_draw_views),
    solution=lambda: _gain,
    misconceptions=(
        Misconception(
            "divided by N",
            "The mean was estimated from the same members: the divisor is $N - 1$.",
            lambda: lambda E, HE, R: _gain(E, HE, R, loss=0),
        ),
        Misconception(
            "not divided at all",
            "Your sums grow with the number of members, and $R$ does not: a factor is missing.",
            lambda: lambda E, HE, R: _gain(E, HE, R, loss=len(E) - 1),
        ),
        Misconception(
            "mean left in",
            "A covariance is made of anomalies: subtract the mean of the members first, also from what they see.",
            lambda: lambda E, HE, R: np.linalg.solve(HE.T @ HE / (len(E) - 1) + R, HE.T @ E / (len(E) - 1)).T,
        ),
        Misconception(
            "noise forgotten",
            "Such a gain believes the observation entirely. What stands beside the members' covariance in $S$?",
            lambda: lambda E, HE, R: _gain(E, HE, 0 * R),
        ),
        Misconception(
            "noise alone below",
            "$R^{-1}$ alone stands in the gain if what precedes it is the covariance *after* the observation.",
            lambda: lambda E, HE, R: anomalies(E).T @ anomalies(HE) @ np.linalg.inv(R),
        ),
    ),
)


# 3 · half the gain


def _half_gain(form: Callable[..., Any]) -> Any:
    """Return a matrix expression in P, H and K, given as a function of them and of the identity."""
    import sympy  # the package imports it only where an exercise is symbolic

    n, k = sympy.symbols("n k", integer=True, positive=True)
    P, H, K = sympy.MatrixSymbol("P", n, n), sympy.MatrixSymbol("H", k, n), sympy.MatrixSymbol("K", n, k)
    return form(P, H, K, sympy.Identity(n))


HALF_GAIN = Exercise(
    label="ensembles-3",
    ask="a SymPy matrix expression in the symbols P, H and K",
    kind=Expression(draws=2),
    solution=lambda: _half_gain(lambda P, H, K, one: (one - K * H / 2) * P * (one - K * H / 2).T),
    misconceptions=(
        Misconception(
            "the whole gain",
            "The anomalies move with half the gain, the mean alone with the whole.",
            lambda: _half_gain(lambda P, H, K, one: (one - K * H) * P * (one - K * H).T),
        ),
        Misconception(
            "the analysis assumed",
            "$P - KHP$ is what is aimed at. What comes out for anomalies that are multiplied by a matrix?",
            lambda: _half_gain(lambda P, H, K, one: P - K * H * P),
        ),
        Misconception(
            "one side only",
            "The covariance of $Ax$ is $A P A^\\top$: the factor stands on both sides.",
            lambda: _half_gain(lambda P, H, K, one: P - K * H * P / 2),
        ),
        Misconception(
            "the square dropped",
            "Without its last term the product is not the covariance of anything: multiply out both factors.",
            lambda: _half_gain(lambda P, H, K, one: P - K * H * P / 2 - (K * H * P.T).T / 2),
        ),
        Misconception(
            "symmetry used",
            "True for a covariance. The checker draws any $P$: write $PH^\\top K^\\top$ where you have $(KHP)^\\top$.",
            lambda: _half_gain(lambda P, H, K, one: P - K * H * P / 2 - (K * H * P).T / 2 + K * H * P * H.T * K.T / 4),
        ),
    ),
)


# 4 · two roots of one covariance


def _transform(
    E: Array, HE: Array, y: Array, R: Array, root: str = "symmetric", scale: float = 1.0, sign: float = 1.0
) -> Array:
    """Return the members after the observation, by the transform with one of several roots."""
    X, Y, d = anomalies(E), anomalies(HE), y - HE.mean(axis=0)
    values, U = np.linalg.eigh(np.eye(len(E)) + Y / R @ Y.T)
    w = U @ (U.T @ (Y @ (d / R)) / values)
    T = {
        "symmetric": U / np.sqrt(values) @ U.T,
        "cholesky": np.linalg.cholesky(U / values @ U.T).T,
        "none": U / values @ U.T,
    }[root]
    return E.mean(axis=0) + sign * w @ X + scale * np.sqrt(len(E) - 1) * T @ X


def _draw_departure(rng: Rng) -> tuple[Array, Array, Array, Array]:
    E, HE, _ = _draw_views(rng)
    return E, HE, rng.normal(size=2), rng.uniform(0.3, 1.5, size=2)


TRANSFORM = Exercise(
    label="ensembles-4",
    ask="a function of (E, HE, y, R) that returns an array of the shape of E",
    kind=Function(_draw_departure),
    solution=lambda: _transform,
    misconceptions=(
        Misconception(
            "a root that moves the mean",
            "Right covariance, but the members have another mean: which root leaves $\\mathbf{1}$ alone?",
            lambda: lambda E, HE, y, R: _transform(E, HE, y, R, root="cholesky"),
        ),
        Misconception(
            "no root",
            "Anomalies need the *root* of $\\Omega^{-1}$. Yours are those of an EnKF without drawn errors.",
            lambda: lambda E, HE, y, R: _transform(E, HE, y, R, root="none"),
        ),
        Misconception(
            "anomalies for members",
            "Anomalies carry the factor $1/\\sqrt{N - 1}$: undo it when you make members.",
            lambda: lambda E, HE, y, R: _transform(E, HE, y, R, scale=1 / np.sqrt(len(E) - 1)),
        ),
        Misconception(
            "sign of the innovation",
            "Your mean moves away from the observation.",
            lambda: lambda E, HE, y, R: _transform(E, HE, y, R, sign=-1.0),
        ),
        Misconception(
            "variances taken for deviations",
            "`R` holds variances: divide by them, not by their squares.",
            lambda: lambda E, HE, y, R: _transform(E, HE, y, R**2),
        ),
    ),
)

EXERCISES = (GROWTH, GAIN, HALF_GAIN, TRANSFORM)
