"""Checkers of the sheet's problems on updated inverses: shared errors, a measurement removed, gaps, an ensemble."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlpc.exercises import Exercise, Expression, Function, Misconception, Numbers

Array = np.ndarray
Rng = np.random.Generator


# 7 · errors that are shared


def _shared(sign: int = -1, count: bool = True, power: int = -1) -> Any:
    """Return a, b and the determinant, for (1 - c) I + c 1 1ᵀ with N rows."""
    import sympy

    c, N = sympy.Symbol("c", real=True), sympy.Symbol("N", integer=True, positive=True)
    capacitance = 1 + (N if count else 1) * c / (1 - c)
    b = sign * c / (1 - c) ** 2 / capacitance
    return sympy.Matrix([1 / (1 - c), b, (1 - c) ** (N + power) * (1 - c) * capacitance])


SHARED = Exercise(
    label="basics-7",
    ask="a SymPy column of three, a, b and the determinant, in c and N",
    kind=Expression(),
    solution=_shared,
    misconceptions=(
        Misconception(
            "sign of the correction",
            "Multiply your inverse by the matrix: for positive $c$ the entries off the diagonal do not cancel.",
            lambda: _shared(sign=1),
        ),
        Misconception(
            "$N$ forgotten",
            "The capacitance holds the number $\\mathbf{1}^\\top \\mathbf{1}$. What is it?",
            lambda: _shared(count=False),
        ),
        Misconception(
            "one power too many",
            "Inverse right. For $N = 1$ the matrix is the number one, and so is its determinant: is yours?",
            lambda: _shared(power=0),
        ),
    ),
)


# 10 · a measurement that is taken away


def _downdate(P: Array, phi: Array, sign: int = 1, inside: int = -1) -> Array:
    column = P @ phi
    return P + sign * np.outer(column, column) / (1 + inside * phi @ column)


def _removed(sign: int = 1, inside: int = -1, restart: bool = False) -> tuple[Array, Array]:
    """Return the inverse after removing (1, 0) once and twice from A with rows (2, -1) and (-1, 2)."""
    P, phi = np.array([[2.0, 1.0], [1.0, 2.0]]) / 3, np.array([1.0, 0.0])
    once = _downdate(P, phi, sign, inside)
    return once, _downdate(P if restart else once, phi, sign, inside)


REMOVED = Exercise(
    label="basics-10",
    ask="a tuple of two 2 × 2 arrays",
    kind=Numbers(),
    solution=_removed,
    misconceptions=(
        Misconception(
            "added instead of removed",
            "A covariance cannot shrink when a measurement is lost. Whose formula is this?",
            lambda: _removed(sign=-1, inside=1),
        ),
        Misconception(
            "sign of the denominator",
            "The update is $-\\varphi\\varphi^\\top$: put $u = -\\varphi$ into the denominator as well.",
            lambda: _removed(inside=1),
        ),
        Misconception(
            "sign of the correction",
            "With $u = -\\varphi$ the correction changes its sign twice or once? Test with a single number.",
            lambda: _removed(sign=-1),
        ),
        Misconception(
            "the second step starts at the beginning",
            "The first answer is right. The second removal must start from it.",
            lambda: _removed(restart=True),
        ),
    ),
)


# 11 · one number at a time, with gaps


def _serial(
    skip: bool = True, power: float = 1.0, fresh: bool = True, both: bool = True, surprised: bool = True
) -> Callable[..., Any]:
    """Return the update by one reading after the other, or what a slip makes of it."""

    def assimilate(mean: Array, cov: Array, L: Array, noise: Array, u: Array) -> tuple[Array, Array]:
        expected, prior = mean, cov
        for row, variance, reading in zip(L, noise, u, strict=True):
            if skip and np.isnan(reading):
                continue
            used = cov if fresh else prior
            gain = used @ row / (row @ used @ row + variance**power)
            mean = mean + gain * (np.nan_to_num(reading) - row @ (mean if surprised else expected))
            cov = cov - np.outer(gain, row @ cov) if both else cov
        return mean, cov

    return assimilate


def _draw_readings(rng: Rng) -> tuple[Array, ...]:
    n, k = int(rng.integers(2, 5)), 5
    root = rng.normal(size=(n, n))
    u = rng.normal(size=k)
    u[rng.integers(0, k)] = np.nan
    return rng.normal(size=n), root @ root.T + np.eye(n), rng.normal(size=(k, n)), rng.uniform(0.2, 2, size=k), u


SERIAL = Exercise(
    label="basics-11",
    ask="a function of (mean, cov, L, noise, u) that returns the pair (mean, cov)",
    kind=Function(_draw_readings),
    solution=_serial,
    misconceptions=(
        Misconception(
            "a gap is not a zero",
            "A missing reading says nothing. Yours says that the instrument showed zero, and sharpens the posterior.",
            lambda: _serial(skip=False),
        ),
        Misconception(
            "variance squared",
            "`noise` holds variances, not standard deviations.",
            lambda: _serial(power=2.0),
        ),
        Misconception(
            "gains from the prior",
            "The second reading meets a belief that the first has changed: the gain needs the covariance of *now*.",
            lambda: _serial(fresh=False),
        ),
        Misconception(
            "surprise against the prior mean",
            "The second reading is compared with what is expected *after* the first one: the forecast has moved.",
            lambda: _serial(surprised=False),
        ),
        Misconception(
            "covariance not updated",
            "After five readings you know more than before, but the covariance that you return is the prior's.",
            lambda: _serial(both=False),
        ),
    ),
)


# 24 · the posterior of an ensemble


def _ensemble(transform: Callable[..., Any]) -> Callable[[], Any]:
    """Return a maker of an expression in I, X, Y = L X and Σ."""

    def make() -> Any:
        import sympy

        n, N, k = sympy.symbols("n N k", integer=True, positive=True)
        X, L = sympy.MatrixSymbol("X", n, N), sympy.MatrixSymbol("L", k, n)
        return transform(sympy.Identity(N), X, L * X, sympy.MatrixSymbol("Sigma", k, k))

    return make


ENSEMBLE = Exercise(
    label="basics-24",
    ask="a SymPy expression in X, L and Sigma, an N × N matrix",
    kind=Expression(),
    solution=_ensemble(lambda one, X, Y, Sigma: (one + Y.T * Sigma.inverse() * Y).inverse()),
    misconceptions=(
        Misconception(
            "a precision",
            "This matrix grows with every observation. A covariance shrinks.",
            _ensemble(lambda one, X, Y, Sigma: one + Y.T * Sigma.inverse() * Y),
        ),
        Misconception(
            "noise not inverted",
            "The noisier the instruments, the less the ensemble should shrink: does it?",
            _ensemble(lambda one, X, Y, Sigma: (one + Y.T * Sigma * Y).inverse()),
        ),
        Misconception(
            "sign",
            "With precise observations your matrix is not positive definite any more.",
            _ensemble(lambda one, X, Y, Sigma: (one - Y.T * Sigma.inverse() * Y).inverse()),
        ),
        Misconception(
            "the covariance itself",
            "This is $n \\times n$, the posterior covariance of the state. Asked is the small matrix in its middle.",
            _ensemble(lambda one, X, Y, Sigma: X * (one + Y.T * Sigma.inverse() * Y).inverse() * X.T),
        ),
    ),
)

EXERCISES = (SHARED, REMOVED, SERIAL, ENSEMBLE)
