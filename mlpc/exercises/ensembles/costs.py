"""Checkers of the exercises on costs and scores: a gradient run backward, an iterated analysis, a score."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlpc.exercises import Exercise, Function, Misconception
from mlpc.exercises.ensembles.draws import members

Array = np.ndarray
Rng = np.random.Generator
Model = Callable[[Array], Array]


# 8 · a gradient, backward


def _gradient(
    x: Array, mu: Array, B: Array, M: Array, H: Array, R: Array, y: Array, back: Array | None = None, sign: float = 1.0
) -> Array:
    """Return the gradient of the 4D-Var cost of a window of linear cycles, by one pass forward and one backward."""
    states = [M @ x]
    while len(states) < len(y):
        states.append(M @ states[-1])
    carried, back = np.zeros(len(x)), M.T if back is None else back
    for state, seen in zip(states[::-1], y[::-1], strict=True):
        carried = back @ (carried + H.T @ np.linalg.solve(R, seen - H @ state))
    return np.linalg.solve(B, x - mu) - sign * carried


def _one_step_each(x: Array, mu: Array, B: Array, M: Array, H: Array, R: Array, y: Array) -> Array:
    """Return the gradient as if every departure were one cycle away from the start."""
    total, state = np.zeros(len(x)), x
    for seen in y:
        state = M @ state
        total = total + M.T @ H.T @ np.linalg.solve(R, seen - H @ state)
    return np.linalg.solve(B, x - mu) - total


def _draw_window(rng: Rng) -> tuple[Array, ...]:
    n, k, L = int(rng.integers(2, 4)), 2, int(rng.integers(2, 5))
    F, G = np.eye(n) + rng.uniform(-0.4, 0.4, (n, n)), np.eye(k) + rng.uniform(-0.4, 0.4, (k, k))
    M, H = np.eye(n) + rng.uniform(-0.5, 0.5, (n, n)), rng.normal(size=(k, n))
    return rng.normal(size=n), rng.normal(size=n), F @ F.T, M, H, G @ G.T, rng.normal(size=(L, k))


BACKWARD = Exercise(
    label="ensembles-8",
    ask="a function of (x, mu, B, M, H, R, y) that returns a vector of n numbers",
    kind=Function(_draw_window),
    solution=lambda: _gradient,
    misconceptions=(
        Misconception(
            "not transposed",
            "Sensitivities run backward in time: what carries them is the *transpose* of the tangent.",
            lambda: lambda x, mu, B, M, H, R, y: _gradient(x, mu, B, M, H, R, y, back=M),
        ),
        Misconception(
            "one cycle for all",
            "The departure of time $t$ has to be carried back over $t$ cycles.",
            lambda: _one_step_each,
        ),
        Misconception(
            "sign of the departures",
            "If the state is too low everywhere, which way must it go to lower the cost?",
            lambda: lambda x, mu, B, M, H, R, y: _gradient(x, mu, B, M, H, R, y, sign=-1.0),
        ),
        Misconception(
            "background forgotten",
            "The first term of the cost depends on the start, too.",
            lambda: lambda x, mu, B, M, H, R, y: _gradient(x, x, B, M, H, R, y),
        ),
        Misconception(
            "covariance for precision",
            "In the cost stands the inverse of $B$: multiply by it, not by $B$.",
            lambda: (
                lambda x, mu, B, M, H, R, y: B @ (x - mu) + _gradient(x, mu, B, M, H, R, y) - np.linalg.solve(B, x - mu)
            ),
        ),
    ),
)


# 9 · iterate an analysis


def _iterated(
    mu: Array,
    B: Array,
    h: Model,
    tangent: Model,
    R: Array,
    y: Array,
    steps: int,
    moved: bool = True,
    relit: bool = True,
) -> Array:
    """Return the state after some Gauss-Newton steps from μ."""
    x = mu
    for _ in range(steps):
        H = tangent(x if relit else mu)
        d = y - h(x) + (H @ (x - mu) if moved else 0)
        x = mu + B @ H.T @ np.linalg.solve(H @ B @ H.T + R, d)
    return x


def _restarted(mu: Array, B: Array, h: Model, tangent: Model, R: Array, y: Array, steps: int) -> Array:
    """Return the state after some extended Kalman updates in a row, as if the observation were new each time."""
    for _ in range(steps):
        H = tangent(mu)
        mu = mu + B @ H.T @ np.linalg.solve(H @ B @ H.T + R, y - h(mu))
    return mu


def _draw_bent(rng: Rng) -> tuple[Array, Array, Model, Model, Array, Array, int]:
    mu, F = rng.uniform(0.5, 1.5, size=3), np.eye(3) + rng.uniform(-0.4, 0.4, (3, 3))
    y = np.array([1.3, 1.1]) * np.array([mu[0] * mu[1], np.exp(mu[2] / 2)])

    def h(x: Array) -> Array:
        return np.array([x[0] * x[1], np.exp(x[2] / 2)])

    def tangent(x: Array) -> Array:
        return np.array([[x[1], x[0], 0.0], [0.0, 0.0, np.exp(x[2] / 2) / 2]])

    return mu, 0.2 * F @ F.T, h, tangent, np.diag([0.1, 0.2]), y, 2 + int(rng.integers(0, 2))


ITERATE = Exercise(
    label="ensembles-9",
    ask="a function of (mu, B, h, tangent, R, y, steps) that returns a vector of n numbers",
    kind=Function(_draw_bent),
    solution=lambda: _iterated,
    misconceptions=(
        Misconception(
            "stopped after one step",
            "This is the extended Kalman filter: the first of the steps that were asked for.",
            lambda: lambda mu, B, h, tangent, R, y, steps: _iterated(mu, B, h, tangent, R, y, 1),
        ),
        Misconception(
            "observation used again and again",
            "Your steps start from the last result as if it were the background: the observation counts several times.",
            lambda: _restarted,
        ),
        Misconception(
            "departure not moved back",
            "The tangent was taken at $x^j$, the background is $\\mu^b$: what does the linear model see there?",
            lambda: lambda mu, B, h, tangent, R, y, steps: _iterated(mu, B, h, tangent, R, y, steps, moved=False),
        ),
        Misconception(
            "tangent not renewed",
            "The tangent belongs to the point where one is: compute it again in each step.",
            lambda: lambda mu, B, h, tangent, R, y, steps: _iterated(mu, B, h, tangent, R, y, steps, relit=False),
        ),
    ),
)


# 10 · a score


def _score(E: Array, x: Array, pairs: float = 0.5, fair: bool = False) -> Array:
    """Return the CRPS of members (N, n) at the truth (n,), component by component."""
    N = len(E)
    between = np.abs(E[:, None] - E[None]).sum(axis=(0, 1)) / (N * (N - 1) if fair else N**2)
    return np.abs(E - x).mean(axis=0) - pairs * between


def _gaussian_score(E: Array, x: Array) -> Array:
    """Return the CRPS of the Gaussian with the members' mean and standard deviation."""
    from scipy import stats

    sigma = E.std(axis=0, ddof=1)
    z = (x - E.mean(axis=0)) / sigma
    return sigma * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))


def _draw_outcome(rng: Rng) -> tuple[Array, Array]:
    E = members(rng)
    return E, E.mean(axis=0) + rng.normal(size=E.shape[1])


SCORE = Exercise(
    label="ensembles-10",
    ask="a function of (E, x) that returns a vector of n numbers",
    kind=Function(_draw_outcome),
    solution=lambda: _score,
    misconceptions=(
        Misconception(
            "no credit for spread",
            "This is the mean absolute error of the members: it would be lowest for an ensemble without spread.",
            lambda: lambda E, x: _score(E, x, pairs=0.0),
        ),
        Misconception(
            "half left out",
            "Look at the factor before the second mean.",
            lambda: lambda E, x: _score(E, x, pairs=1.0),
        ),
        Misconception(
            "pairs without themselves",
            "This is the *fair* score, corrected for the ensemble's size. Both draws run over all members.",
            lambda: lambda E, x: _score(E, x, fair=True),
        ),
        Misconception(
            "a Gaussian put in between",
            "The members are the forecast; no Gaussian has to be fitted to them.",
            lambda: _gaussian_score,
        ),
        Misconception(
            "error of the mean",
            "This judges the ensemble's mean alone.",
            lambda: lambda E, x: np.abs(E.mean(axis=0) - x),
        ),
    ),
)

EXERCISES = (BACKWARD, ITERATE, SCORE)
