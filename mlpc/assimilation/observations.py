"""What is seen of a state, and how well: observation operators with Gaussian noise; NaN in an observation is a gap."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log, pi
from typing import Any

import numpy as np
from array_api_compat import device
from scipy.linalg import solve_triangular

from mlpc.arguments import arrays, keep
from mlpc.assimilation.backends import Array, apply, drawing, like, namespace, standard_normal, whole
from mlpc.assimilation.tangents import tangent
from mlpc.basics.covariances import cholesky, covariance, real


@dataclass(frozen=True, eq=False)
class Observation(ABC):
    """The law y = h(x) + ε with ε ~ N(0, R), by :eq:`eq-observation-model`.

    Parameters
    ----------
    R : array of shape (k,) or (k, k)
        The variances of independent errors, or the covariance of dependent ones; positive definite.
    """

    R: Any

    def __post_init__(self) -> None:
        keep(self, R=_noise(type(self).__name__, self.R))

    @property
    def k(self) -> int:
        """The number of components that are observed."""
        return self.R.shape[-1]

    @abstractmethod
    def __call__(self, x: Array) -> Array:
        """Return h(x), of shape (..., k), for states of shape (..., n)."""

    def tangent(self, x: Array) -> tuple[Array, Array]:
        """Return h(x) and its Jacobian H at x, of shapes (..., k) and (..., k, n)."""
        return tangent(self, x)

    def covariance(self, x: Array) -> Array:
        """Return R as a matrix, like x."""
        return like(x, np.diag(self.R) if self.R.ndim == 1 else self.R)

    def perturbed(self, x: Array, rng: np.random.Generator | None) -> Array:
        """Return h(x) + ε for states x of shape (..., n): independent noise for each of them."""
        seen = self(x)
        return seen + self.noise(seen.shape[:-1], rng, x)

    def noise(self, shape: tuple[int, ...], rng: np.random.Generator | None, x: Array) -> Array:
        """Return independent errors ε ~ N(0, R), of shape ``(*shape, k)``, like x."""
        z = standard_normal(rng, (*shape, self.k), x)
        return z * like(x, self._root) if self.R.ndim == 1 else apply(like(x, self._root), z)

    def whitened(self, d: Array, seen: Array) -> Array:
        """Return R⁻¹ᐟ² d for what was seen: its errors are independent with variance 1; gaps become zero.

        Parameters
        ----------
        d : array of shape (..., k)
            Departures, in the units of y; whatever stands in a gap is ignored.
        seen : boolean array of shape (..., k)
            False in the gaps, as in ``~xp.isnan(y)``; broadcasts with d. Of shape (..., 1, k), it serves N departures
            (..., N, k) at the cost of one.
        """
        xp = namespace(d)
        complete = xp.all(seen)
        d = d if complete else xp.where(seen, d, xp.zeros_like(d))
        if self.R.ndim == 1:
            return d / like(d, self._root)
        if complete:
            return apply(like(d, self._whitener), d)
        roots = self._roots(d, seen)
        if roots.ndim > 2 and roots.shape[-3] == 1 and d.ndim > 1:
            return xp.linalg.solve(roots[..., 0, :, :], d.mT).mT
        return xp.linalg.solve(roots, d[..., None])[..., 0]

    def log_volume(self, x: Array, seen: Array) -> Array:
        """Return log det(2π R) of what was seen, of the shape of `seen` without its last axis, like x."""
        xp = namespace(x)
        if xp.all(seen):
            return xp.broadcast_to(like(x, self._volumes.sum()), tuple(seen.shape[:-1]))
        if self.R.ndim == 1:
            logs = xp.broadcast_to(like(x, self._volumes), tuple(seen.shape))
        else:
            logs = 2 * xp.log(xp.linalg.diagonal(self._roots(x, seen))) + log(2 * pi)
        return xp.sum(xp.where(seen, logs, xp.zeros_like(logs)), axis=-1)

    @cached_property
    def _volumes(self) -> np.ndarray:
        """log 2π r of the components' variances r, each given those before it; their sum is log det(2π R)."""
        return np.log(2 * np.pi * (self.R if self.R.ndim == 1 else np.diagonal(self._root) ** 2))

    @cached_property
    def _root(self) -> np.ndarray:
        """Standard deviations of independent errors, or the Cholesky factor of R."""
        return np.sqrt(self.R) if self.R.ndim == 1 else np.linalg.cholesky(self.R)

    @cached_property
    def _whitener(self) -> np.ndarray:
        """The inverse of the Cholesky factor of R: it serves every cycle and every member."""
        return solve_triangular(self._root, np.eye(self.k), lower=True)

    def _roots(self, x: Array, seen: Array) -> Array:
        """Return Cholesky factors of R in which a gap has variance 1 and no covariance."""
        xp = namespace(x)
        both = seen[..., :, None] & seen[..., None, :]
        return xp.linalg.cholesky(xp.where(both, like(x, self.R), like(x, np.eye(self.k))))


@dataclass(frozen=True, eq=False)
class Linear(Observation):
    """y = H x + ε.

    Parameters
    ----------
    H : array of shape (k, n)
        What is seen of each state.

    Examples
    --------
    >>> sum_of_two = Linear(R=[0.1], H=[[1.0, 1.0]])
    >>> sum_of_two(np.array([2.0, 3.0]))
    array([5.])
    """

    H: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        _, H = arrays("Linear", R=(self.R, "k"), H=(self.H, "k n"))
        if H.ndim != 2:
            raise ValueError(f"Linear(): H has shape {H.shape}, but there is one (k, n) for the whole batch")
        keep(self, H=np.array(real("Linear", "H", H)))

    @property
    def n(self) -> int:
        """The number of components of a state."""
        return self.H.shape[-1]

    def __call__(self, x: Array) -> Array:
        """Return H x."""
        return apply(like(x, self.H), x)

    def tangent(self, x: Array) -> tuple[Array, Array]:
        """Return H x and H."""
        return self(x), like(x, self.H)


@dataclass(frozen=True, eq=False)
class Components(Observation):
    """y holds some components of the state, each with noise.

    Parameters
    ----------
    chosen : sequence of k ints
        Which components, from 0.
    n : int
        Length of the state.

    Examples
    --------
    >>> Components.every(2, n=4, variance=1.0)(np.arange(4.0))
    array([0., 2.])
    """

    chosen: Any
    n: int

    def __post_init__(self) -> None:
        super().__post_init__()
        chosen = np.array(self.chosen)
        different = set(chosen.ravel().tolist())
        fits = chosen.shape == (self.k,) and len(different) == self.k and different <= {*range(self.n)}
        if not fits or chosen.dtype == bool:
            raise ValueError(
                f"Components(): chosen must be {self.k} different components of range({self.n}), one for each entry of "
                f"R, but is {self.chosen!r}"
            )
        keep(self, chosen=chosen.astype(np.intp))

    @property
    def H(self) -> np.ndarray:
        """The rows of the identity that choose the components, of shape (k, n)."""
        return np.eye(self.n)[self.chosen]

    @classmethod
    def every(cls, step: int, n: int, variance: float) -> Components:
        """Return an observation of the components 0, step, 2 step, ...: with step = 1 of all."""
        if whole("Components", "step", step) < 1:
            raise ValueError(f"Components(): step must be at least 1, but is {step}")
        chosen = np.arange(0, n, step)
        return cls(np.full(len(chosen), float(variance)), chosen, n)

    @cached_property
    def _all(self) -> bool:
        """Whether it chooses all components in their order."""
        return np.array_equal(self.chosen, range(self.n))

    def __call__(self, x: Array) -> Array:
        """Return the chosen components of x."""
        if x.shape[-1] != self.n:
            raise ValueError(f"Components(): the states have shape {tuple(x.shape)}, but (..., n) = (..., {self.n})")
        if self._all:
            return x
        xp = namespace(x)
        return xp.take(x, xp.asarray(np.array(self.chosen), device=device(x)), axis=-1)

    def tangent(self, x: Array) -> tuple[Array, Array]:
        """Return the chosen components of x, and the rows of the identity that choose them."""
        return self(x), like(x, self.H)


@dataclass(frozen=True, eq=False)
class Nonlinear(Observation):
    """y = function(x) + ε.

    Parameters
    ----------
    function : callable
        From arrays of shape (..., n) to arrays of shape (..., k), written for the array API.

    Examples
    --------
    >>> distance = Nonlinear(R=[0.01], function=lambda x: (x**2).sum(-1)[..., None] ** 0.5)
    >>> distance.tangent(np.array([3.0, 4.0]))
    (array([5.]), array([[0.6, 0.8]]))
    """

    function: Callable[[Array], Array]

    def __call__(self, x: Array) -> Array:
        """Return the function's value, checked for its length, in the precision of x."""
        seen = self.function(x)
        if tuple(seen.shape) != (*x.shape[:-1], self.k):
            raise ValueError(
                f"Nonlinear(): the function returned shape {tuple(seen.shape)} for states of shape {tuple(x.shape)}, "
                f"but R asks for {(*x.shape[:-1], self.k)}"
            )
        return namespace(x, seen).astype(seen, x.dtype, copy=False)


def hidden(y: Array, rng: np.random.Generator, share: float, together: bool = False) -> Array:
    """Return observations with gaps at random.

    Parameters
    ----------
    y : array of shape (..., T, k)
        Observations.
    rng : numpy.random.Generator
        The source of randomness.
    share : float
        The probability that an entry is lost.
    together : bool
        Whether all components of one time are lost or kept together.

    Returns
    -------
    array of shape (..., T, k)
        With NaN where an entry was lost.

    Raises
    ------
    ValueError
        If the share is no probability, or y has a dtype without NaN.

    Examples
    --------
    >>> hidden(np.zeros((3, 2)), np.random.default_rng(1), share=0.5, together=True)
    array([[ 0.,  0.],
           [ 0.,  0.],
           [nan, nan]])
    """
    if not 0 <= share <= 1:
        raise ValueError(f"hidden(): share must be a probability, but is {share:g}")
    xp = namespace(y)
    if not xp.isdtype(y.dtype, "real floating"):
        raise ValueError(f"hidden(): y has dtype {y.dtype}, but a gap is NaN, which only floats have")
    lost = drawing(rng).random((*y.shape[:-1], 1 if together else y.shape[-1])) < share
    return y + xp.where(like(y, lost) > 0, like(y, np.nan), like(y, 0.0))


def _noise(asked: str, R: object | Sequence[float]) -> np.ndarray:
    """Return variances (k,) or a covariance (k, k), checked: positive and finite."""
    if np.ndim(np.asarray(R)) != 2:
        (R,) = arrays(asked, R=(R, "k"))
        if R.ndim != 1 or not (R > 0).all():
            raise ValueError(
                f"{asked}(): R must be k variances, all positive, or a k x k covariance, but is {np.asarray(R)!r}"
            )
        return np.array(real(asked, "R", R))
    checked = covariance(asked, R=(R, "k k"))
    cholesky(asked, "R", checked)
    return np.array(checked)
