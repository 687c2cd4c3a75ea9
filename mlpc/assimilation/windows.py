"""The costs of variational assimilation: a window of observations, and a control that determines a path through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlpc.assimilation import block_tridiagonal
from mlpc.assimilation.backends import Array, apply, like, namespace, numpy
from mlpc.assimilation.observations import Observation
from mlpc.basics.covariances import cholesky, root


@dataclass(frozen=True, eq=False)
class Still:
    """The model of a window in which nothing moves: that of 3D-Var."""

    def step(self, x: Array) -> Array:
        """Return x."""
        return x

    def tangent(self, x: Array) -> tuple[Array, Array]:
        """Return x and the identity."""
        return x, like(x, np.eye(x.shape[-1]))


@dataclass(frozen=True, eq=False)
class StrongWindow:
    """A window whose path is the model's, by :eq:`eq-4dvar-strong`; the control is w in x₀ = mean + F w.

    The background of w is N(0, I), so that F Fᵀ may be singular.

    Attributes
    ----------
    model : System
        Its steps and tangents are used, its noise is not.
    observation : Observation
        What is seen of x₁, ..., x_T.
    y : array of shape (..., T, k)
        The observations, with NaN in the gaps.
    mean, F : arrays of shapes (..., n) and (..., n, n)
        The background of x₀.
    """

    model: Any
    observation: Observation
    y: Array
    mean: Array
    F: Array

    @classmethod
    def of(cls, system: Any, y: Array, mean: Array, cov: Array) -> StrongWindow:
        """Return the window of a system, with the background of x₀."""
        F, _ = root("var4d", "background.cov", numpy(cov))
        return cls(system, system.observation, y, mean, like(y, F))

    def control(self, guess: Array) -> Array:
        """Return the w of the path's first state."""
        xp = namespace(guess)
        std = xp.linalg.vector_norm(self.F, axis=-1)
        std = xp.where(std > 0, std, xp.ones_like(std))  # the units must not decide what is taken for singular
        return apply(xp.linalg.pinv(self.F / std[..., None]), (guess[..., 0, :] - self.mean) / std)

    def path(self, w: Array) -> Array:
        """Return x₀, ..., x_T."""
        return extended(self.model, (self.mean + apply(self.F, w))[..., None, :], self.y.shape[-2])

    def cost(self, w: Array) -> Array:
        """Return ‖w‖²/2 and half the squares of the whitened departures, summed."""
        return _half_square(w, 1) + _half_square(_departures(self, self.path(w))[0], 2)

    def newton(self, w: Array) -> tuple[Array, Array]:
        """Return the step -A⁻¹ ∇, and half its squared length in the metric A."""
        xp = namespace(w)
        d, _, ZT, A = self._linearised(self.path(w))
        gradient = w - xp.sum(apply(ZT, d), axis=-2)
        step = -apply(xp.linalg.inv(A), gradient)
        return step, -xp.sum(gradient * step, axis=-1) / 2

    def belief(self, w: Array) -> tuple[Array, Array, Array]:
        """Return the path, its covariances by the tangents, and log p(y) by Laplace's method."""
        xp, path = namespace(w), self.path(w)
        _, D, _, A = self._linearised(path)
        log_evidence = -self.cost(w) - (xp.linalg.slogdet(A)[1] + _log_volume(self)) / 2
        return path, D @ xp.linalg.inv(A)[..., None, :, :] @ D.mT, log_evidence

    def _linearised(self, path: Array) -> tuple[Array, Array, Array, Array]:
        """Return whitened departures, D_t = dx_t/dw, the whitened (H_t D_t)ᵀ, and A = I + Σ Dᵀ Hᵀ R⁻¹ H D."""
        xp, T = namespace(path), self.y.shape[-2]
        M = _over_time(self.model.tangent(path[..., :-1, :])[1], T)
        D = [self.F]
        for t in range(T):
            D.append(M[..., t, :, :] @ D[-1])
        D = xp.stack([xp.broadcast_to(one, D[-1].shape) for one in D], axis=-3)
        d, H = _departures(self, path)
        ZT = _whitened(self, (H @ D[..., 1:, :, :]).mT)
        return d, D, ZT, like(path, np.eye(path.shape[-1])) + xp.sum(ZT @ ZT.mT, axis=-3)


@dataclass(frozen=True, eq=False)
class WeakWindow:
    """A window whose model errs by N(0, L Lᵀ) in each cycle, by :eq:`eq-4dvar-weak`; the control is the whole path.

    Attributes
    ----------
    model, observation, y, mean
        As for a strong window.
    L0, L : arrays of shape (..., n, n) and (n, n)
        Cholesky factors of the covariance of x₀, and of Q.
    """

    model: Any
    observation: Observation
    y: Array
    mean: Array
    L0: Array
    L: Array

    @classmethod
    def of(cls, system: Any, y: Array, mean: Array, cov: Array) -> WeakWindow:
        """Return the window of a system, with the background of x₀."""
        L0 = cholesky("var4d", "background.cov", numpy(cov))
        L = cholesky("var4d", "Q", np.array(system.Q))
        return cls(system, system.observation, y, mean, like(y, L0), like(y, L))

    def control(self, guess: Array) -> Array:
        """Return the path that the guess begins."""
        return extended(self.model, guess, self.y.shape[-2])

    def path(self, x: Array) -> Array:
        """Return the control: it is the path."""
        return x

    def cost(self, x: Array) -> Array:
        """Return half the squares of what x₀, the model and the observations make of the path, summed."""
        e0, e = self._residuals(x, self.model.step(x[..., :-1, :]))
        return _half_square(e0, 1) + _half_square(e, 2) + _half_square(_departures(self, x)[0], 2)

    def newton(self, x: Array) -> tuple[Array, Array]:
        """Return the step -A⁻¹ ∇, and half its squared length in the metric A."""
        diagonal, below, gradient = self._linearised(x)
        step = -block_tridiagonal.solve(block_tridiagonal.factor(diagonal, below), gradient)
        return step, -namespace(x).sum(gradient * step, axis=(-2, -1)) / 2

    def belief(self, x: Array) -> tuple[Array, Array, Array]:
        """Return the path, the diagonal blocks of A⁻¹, and log p(y) by Laplace's method."""
        diagonal, below, _ = self._linearised(x)
        A = block_tridiagonal.factor(diagonal, below)
        priors = _log_det(self.L0) + below.shape[-3] * _log_det(self.L)
        log_evidence = -self.cost(x) - (block_tridiagonal.log_determinant(A) + priors + _log_volume(self)) / 2
        return x, block_tridiagonal.inverse_diagonal(A), log_evidence

    def _residuals(self, x: Array, f: Array) -> tuple[Array, Array]:
        """Return L0⁻¹ (x₀ - mean) and L⁻¹ (x_t - f(x_{t-1}))."""
        solve = namespace(x).linalg.solve
        first = solve(self.L0, (x[..., 0, :] - self.mean)[..., None])[..., 0]
        return first, solve(self.L, (x[..., 1:, :] - f).mT).mT

    def _linearised(self, x: Array) -> tuple[Array, Array, Array]:
        """Return the blocks of the Gauss-Newton matrix A, on and below its diagonal, and the gradient."""
        xp, T = namespace(x), self.y.shape[-2]
        f, M = self.model.tangent(x[..., :-1, :])
        e0, e = self._residuals(x, f)
        L0_inv, L_inv = xp.linalg.inv(self.L0), xp.linalg.inv(self.L)
        B = _over_time(L_inv @ M, T)  # L⁻¹ M_t
        d, H = _departures(self, x)
        ZT = _over_time(_whitened(self, H.mT), T)
        own = _joined(L0_inv.mT @ L0_inv, L_inv.mT @ L_inv + ZT @ ZT.mT, axes=2)
        gradient = _joined(apply(L0_inv.mT, e0), apply(L_inv.mT, e) - apply(ZT, d), axes=1)
        diagonal = own + _joined(xp.zeros_like(L_inv), B.mT @ B, axes=2, last=True)
        gradient = gradient - _joined(xp.zeros_like(e0), apply(B.mT, e), axes=1, last=True)
        return diagonal, -L_inv.mT @ B, gradient


def extended(model: Any, path: Array, T: int) -> Array:
    """Return the first T + 1 states of a path; those that it lacks are the model's.

    >>> extended(Still(), np.zeros((1, 2)), 3).shape
    (4, 2)
    """
    states = [path[..., t, :] for t in range(min(path.shape[-2], T + 1))]
    while len(states) <= T:
        states.append(model.step(states[-1]))
    return namespace(path).stack(states, axis=-2)


def _departures(window: StrongWindow | WeakWindow, path: Array) -> tuple[Array, Array]:
    """Return R⁻¹ᐟ² (y_t - h(x_t)), zero in gaps, of shape (..., T, k), and the tangents H."""
    h, H = window.observation.tangent(path[..., 1:, :])
    return window.observation.whitened(window.y - h, _seen(window.y)), H


def _whitened(window: StrongWindow | WeakWindow, HT: Array) -> Array:
    """Return (R⁻¹ᐟ² H)ᵀ without what was not seen."""
    return window.observation.whitened(HT, _seen(window.y)[..., None, :])


def _seen(y: Array) -> Array:
    """Return what was seen, of shape (..., T, k); of shape (k,) if that is everything, so that batches share work."""
    seen = ~namespace(y).isnan(y)
    return seen[(0,) * (y.ndim - 1)] if namespace(y).all(seen) else seen


def _log_volume(window: StrongWindow | WeakWindow) -> Array:
    """Return log det(2π R) of what was seen in the window."""
    xp, y = namespace(window.y), window.y
    return xp.sum(window.observation.log_volume(y, ~xp.isnan(y)), axis=-1)


def _log_det(L: Array) -> Array:
    """Return log det(L Lᵀ)."""
    return namespace(L).linalg.slogdet(L)[1] * 2


def _half_square(x: Array, axes: int) -> Array:
    return namespace(x).sum(x**2, axis=tuple(range(-axes, 0))) / 2


def _over_time(A: Array, T: int) -> Array:
    """Return matrices with a time axis, (..., T, m, n), also of one that serves all times."""
    return namespace(A).broadcast_to(A, (T, *A.shape)) if A.ndim == 2 else A


def _joined(one: Array, series: Array, axes: int, last: bool = False) -> Array:
    """Return a series with one more in front of it, or behind; their last axes are as many, the others broadcast."""
    xp, one = namespace(series), one[(..., None, *(slice(None),) * axes)]
    lead = np.broadcast_shapes(one.shape[: -axes - 1], series.shape[: -axes - 1])
    parts = [xp.broadcast_to(part, (*lead, *part.shape[-axes - 1 :])) for part in (one, series)]
    return xp.concat(parts[::-1] if last else parts, axis=-axes - 1)
