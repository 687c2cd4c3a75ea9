"""Dynamical systems, seen through noise: x_t = f(x_{t-1}) + η_t and y_t = h(x_t) + ε_t."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import is_torch_array

from mlpc.arguments import arrays, keep
from mlpc.assimilation.backends import Array, apply, drawing, like, namespace, standard_normal, whole
from mlpc.assimilation.observations import Components
from mlpc.assimilation.tangents import tangent
from mlpc.basics import Gaussian
from mlpc.basics.covariances import covariance, real, root

SPIN_UP = 20.0  # units of time from a disturbed state of rest to the attractor
BLOCK = 2**14  # numbers; so many, and their few copies, stay in the processor's cache from one operation to the next


class System(ABC):
    """A state that moves by a model with additive Gaussian noise, and what is seen of it, by :eq:`eq-state-model`.

    Attributes
    ----------
    observation : Observation
        h and R.
    start : Gaussian
        The law of x₀: of the truth, and of what a filter believes at first.
    Q : array of shape (n, n)
        The covariance of the model's noise over one cycle; may be singular or zero.
    """

    observation: Any
    start: Any
    Q: Any

    @property
    def n(self) -> int:
        """The number of components of a state."""
        return self.start.mean.shape[-1]

    @cached_property
    def noisy(self) -> bool:
        """Whether Q is not zero."""
        return bool(np.any(self.Q))

    @cached_property
    def _root(self) -> np.ndarray:
        """F with F Fᵀ = Q."""
        return root(type(self).__name__, "Q", self.Q)[0]

    @abstractmethod
    def step(self, x: Array) -> Array:
        """Return f(x): the states (..., n) one cycle later, without noise."""

    def tangent(self, x: Array) -> tuple[Array, Array]:
        """Return f(x) and its Jacobian M at x, of shapes (..., n) and (..., n, n)."""
        return tangent(self.step, x)

    def perturbed(self, x: Array, rng: np.random.Generator | None) -> Array:
        """Return x + η with independent noise η ~ N(0, Q) for each of the states (..., n)."""
        return x + apply(like(x, self._root), standard_normal(rng, tuple(x.shape), x)) if self.noisy else x

    def draw_start(self, shape: tuple[int, ...], rng: np.random.Generator | None, beside: Array) -> Array:
        """Return independent draws of x₀, of shape ``(*shape, n)``, as an array like `beside`."""
        drawn = self.start.sample(drawing(rng), int(np.prod(shape, dtype=int)))
        return like(beside, drawn.reshape(*shape, self.n))


@dataclass(frozen=True, eq=False)
class Independent:
    """The law of independent Gaussian components, for states so long that a covariance matrix would not fit.

    Parameters
    ----------
    mean, std : arrays of shape (n,)
        Expectations and standard deviations.

    Raises
    ------
    ValueError
        If a shape does not fit, an entry is not finite, or a standard deviation is negative.

    Examples
    --------
    >>> Independent(np.zeros(2), np.array([1.0, 2.0])).cov
    array([[1., 0.],
           [0., 4.]])
    """

    mean: Any
    std: Any

    def __post_init__(self) -> None:
        mean, std = arrays("Independent", mean=(self.mean, "n"), std=(self.std, "n"))
        if mean.ndim != 1 or std.ndim != 1 or (std < 0).any():
            raise ValueError(f"Independent(): mean and std must be vectors, and std not negative, but it is {std!r}")
        keep(self, mean=np.array(mean), std=np.array(std))

    @property
    def cov(self) -> np.ndarray:
        """The covariance matrix, made when it is asked for."""
        return np.diag(self.std**2)

    @property
    def root(self) -> np.ndarray:
        """F with F Fᵀ = cov, made when it is asked for."""
        return np.diag(self.std)

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n draws, of shape (n, len(mean))."""
        return self.mean + self.std * rng.standard_normal((n, len(self.mean)))


@dataclass(frozen=True, eq=False)
class LinearSystem(System):
    """x_t = M x_{t-1} + η_t, y_t = H x_t + ε_t: where Kalman's filter is exact.

    Parameters
    ----------
    observation : Linear or Components
        H and R.
    start : Gaussian or Independent
        The law of x₀.
    M, Q : arrays of shape (n, n)
        The model, and the covariance of its noise.

    Raises
    ------
    ValueError
        If a shape does not fit, an entry is not finite, or Q is no covariance.

    Examples
    --------
    >>> from mlpc.assimilation import Linear
    >>> walk = LinearSystem(Linear([1.0], [[1.0]]), Gaussian(np.zeros(1), np.eye(1)), M=[[1.0]], Q=[[0.1]])
    >>> walk.step(np.array([2.0]))
    array([2.])
    """

    observation: Any
    start: Any
    M: Any
    Q: Any

    def __post_init__(self) -> None:
        asked = type(self).__name__
        if not hasattr(self.observation, "H"):
            raise ValueError(f"{asked}(): observation must be linear, with a matrix H, but is {self.observation!r}")
        given = (self.start.mean, "n"), (self.observation.H, "k n"), (self.M, "n n"), (self.Q, "n n")
        _, _, M, Q = arrays(asked, **dict(zip(("start", "H", "M", "Q"), given, strict=True)))
        if max(np.ndim(self.start.mean) - 1, np.ndim(self.start.cov) - 2, M.ndim - 2, Q.ndim - 2) > 0:
            raise ValueError(f"{asked}(): there is one model for the whole batch, but start, M or Q has axes in front")
        keep(self, M=np.array(real(asked, "M", M)), Q=np.array(covariance(asked, Q=(Q, "n n"))))
        _ = self._root  # refuses an indefinite Q

    def step(self, x: Array) -> Array:
        """Return M x."""
        return apply(like(x, self.M), x)

    def tangent(self, x: Array) -> tuple[Array, Array]:
        """Return M x and M."""
        return self.step(x), like(x, self.M)


@dataclass(frozen=True, eq=False)
class Linear2D(LinearSystem):
    """The course's rotation in the plane, by :eq:`eq-linear2d`: seen whole, with noise ten times the model's.

    Parameters
    ----------
    angle : float
        The angle of one cycle, in radians.
    sigma_q, sigma_r, sigma_0 : float
        Standard deviations of the model's noise, of the observation's, and of each component of x₀.

    Examples
    --------
    >>> Linear2D().step(np.array([1.0, 0.0])).round(4)
    array([ 0.9995, -0.0314])
    """

    angle: float = np.pi / 100
    sigma_q: float = 0.01
    sigma_r: float = 0.1
    sigma_0: float = 0.01
    observation: Any = field(init=False, repr=False)
    start: Any = field(init=False, repr=False)
    M: Any = field(init=False, repr=False)
    Q: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _scales("Linear2D", sigma_q=self.sigma_q, sigma_r=self.sigma_r, sigma_0=self.sigma_0)
        c, s = np.cos(self.angle), np.sin(self.angle)
        set_ = object.__setattr__
        set_(self, "observation", Components.every(1, 2, self.sigma_r**2))
        set_(self, "start", Gaussian(np.full(2, 3.0), self.sigma_0**2 * np.eye(2)))
        set_(self, "M", np.array([[c, s], [-s, c]]))
        set_(self, "Q", self.sigma_q**2 * np.eye(2))
        super().__post_init__()


@dataclass(frozen=True, eq=False)
class Lorenz(System):
    """A chaotic system of ordinary differential equations by Lorenz, with what all of them share.

    Parameters
    ----------
    dt : float
        The length of one step of the Runge-Kutta method of order 4.
    steps : int
        Steps in one cycle, from one observation to the next.
    sigma_q : float
        Standard deviation of the model's noise, added once in a cycle to every component; 0 is a perfect model.
    sigma_0 : float
        Standard deviation of each component of x₀ about a state on the attractor; without a `start` of one's own.
    observation : Observation, optional
        h and R; all components with variance 1, if not given.
    start : Gaussian or Independent, optional
        The law of x₀.

    Raises
    ------
    ValueError
        If a number is out of its range, or the observation or the start is of another number of components.
    """

    dt: float
    steps: int = 1
    sigma_q: float = 0.0
    sigma_0: float = 1.0
    observation: Any = None
    start: Any = None

    def __post_init__(self) -> None:
        asked = type(self).__name__
        for name in (one.name for one in fields(self) if isinstance(getattr(self, one.name), np.generic)):
            object.__setattr__(self, name, getattr(self, name).item())  # NumPy's numbers would make float32 float64
        _scales(asked, sigma_q=self.sigma_q, sigma_0=self.sigma_0, dt=self.dt, steps=self.steps)
        n, at = len(self.rest()), self._attractor if self.start is None else np.asarray(self.start.mean)
        observation = Components.every(1, n, 1.0) if self.observation is None else self.observation
        if at.shape != (n,):
            raise ValueError(f"{asked}(): start must be the law of {n} components, but its mean has shape {at.shape}")
        if isinstance(self.start, Gaussian) and np.ndim(self.start.cov) > 2:
            raise ValueError(f"{asked}(): there is one start for the whole batch, but its covariance has axes in front")
        if getattr(observation, "n", n) != n:
            raise ValueError(f"{asked}(): observation must be of {n} components, but is of {observation.n}")
        object.__setattr__(self, "observation", observation)
        if self.start is None:
            object.__setattr__(self, "start", Independent(at, np.full(n, self.sigma_0)))

    @abstractmethod
    def tendency(self, x: Array) -> Array:
        """Return dx/dt at the states (..., n)."""

    @abstractmethod
    def variation(self, x: Array, v: Array) -> Array:
        """Return the derivative of the tendency at the states x (..., n) in the directions v (..., n)."""

    @abstractmethod
    def rest(self) -> np.ndarray:
        """Return a disturbed state of rest, from which the attractor is reached."""

    @property
    def Q(self) -> np.ndarray:  # type: ignore[override]
        """The covariance of the model's noise, σ² times the identity."""
        return self.sigma_q**2 * np.eye(self.n)

    @cached_property
    def noisy(self) -> bool:
        """Whether the model has noise."""
        return self.sigma_q > 0

    def step(self, x: Array) -> Array:
        """Return the states (..., n) one cycle later, by `steps` Runge-Kutta steps."""
        return _in_blocks(lambda x: self._cycle(self.tendency, x), x, core=1)

    def tangent(self, x: Array) -> tuple[Array, Array]:
        """Return f(x) and its Jacobian M at x, of shapes (..., n) and (..., n, n).

        The same Runge-Kutta steps move the state and n directions beside it, by the equation of variations: exactly the
        derivative of `step`, in a small part of the time that automatic differentiation takes.
        """
        xp = namespace(x)
        directions = xp.broadcast_to(like(x, np.eye(self.n)), (*x.shape, self.n))
        beside = xp.concat([x[..., None, :], directions], axis=-2)
        moved = _in_blocks(lambda both: self._cycle(self._both, both), beside, core=2)
        return moved[..., 0, :], moved[..., 1:, :].mT

    def perturbed(self, x: Array, rng: np.random.Generator | None) -> Array:
        """Return x + η."""
        return x + self.sigma_q * standard_normal(rng, tuple(x.shape), x) if self.noisy else x

    def _cycle(self, tendency: Callable[[Array], Array], x: Array) -> Array:
        for _ in range(self.steps):
            x = rk4(tendency, x, self.dt)
        return x

    def _both(self, both: Array) -> Array:
        """Return the tendency of the first row and, at it, the variations of the others."""
        x, v = both[..., :1, :], both[..., 1:, :]
        return namespace(both).concat([self.tendency(x), self.variation(x, v)], axis=-2)

    @property
    def _attractor(self) -> np.ndarray:
        """A state on the attractor."""
        x = self.rest()
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(round(SPIN_UP / self.dt)):
                x = rk4(self.tendency, x, self.dt)
        if np.isfinite(x).all():
            return x
        raise ValueError(
            f"{type(self).__name__}(): with dt = {self.dt:g} the method of Runge and Kutta overflows; "
            "a smaller dt and more steps would do"
        )


@dataclass(frozen=True, eq=False)
class Lorenz63(Lorenz):
    """Lorenz' three equations for convection, by :eq:`eq-lorenz63`.

    Parameters
    ----------
    sigma, rho, beta : float
        Prandtl number, relative Rayleigh number, and aspect ratio.

    References
    ----------
    Lorenz, Journal of the Atmospheric Sciences 20 (1963).

    Examples
    --------
    >>> Lorenz63().tendency(np.array([1.0, 1.0, 1.0])).round(3)
    array([ 0.   , 26.   , -1.667])
    """

    dt: float = 0.01
    steps: int = 25
    sigma: float = 10.0
    rho: float = 28.0
    beta: float = 8 / 3

    def __post_init__(self) -> None:
        arrays("Lorenz63", sigma=(self.sigma, ""), rho=(self.rho, ""), beta=(self.beta, ""))
        super().__post_init__()

    def tendency(self, x: Array) -> Array:
        """Return dx/dt."""
        a, b, c = x[..., 0], x[..., 1], x[..., 2]
        return namespace(x).stack([self.sigma * (b - a), a * (self.rho - c) - b, a * b - self.beta * c], axis=-1)

    def variation(self, x: Array, v: Array) -> Array:
        """Return the derivative of the tendency at x in the directions v."""
        (a, b, c), (da, db, dc) = ((y[..., 0], y[..., 1], y[..., 2]) for y in (x, v))
        rows = [self.sigma * (db - da), da * (self.rho - c) - a * dc - db, da * b + a * db - self.beta * dc]
        return namespace(x).stack(rows, axis=-1)

    def rest(self) -> np.ndarray:
        """Return a state near the origin, where the fluid is at rest."""
        return np.array([1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Lorenz96(Lorenz):
    """Lorenz' ring of n sites, by :eq:`eq-lorenz96`: advection, damping, and the forcing F.

    Parameters
    ----------
    sites : int
        n, the number of sites; at least 4.
    F : float
        The forcing; with 8 the system is chaotic.

    References
    ----------
    Lorenz and Emanuel, Journal of the Atmospheric Sciences 55 (1998).

    Examples
    --------
    >>> Lorenz96(sites=5).tendency(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    array([-3.,  4., 11., 13., -5.])
    """

    dt: float = 0.05
    sites: int = 40
    F: float = 8.0

    def __post_init__(self) -> None:
        if whole("Lorenz96", "sites", self.sites) < 4:
            raise ValueError(f"Lorenz96(): a ring needs at least 4 sites, but sites is {self.sites}")
        arrays("Lorenz96", F=(self.F, ""))
        super().__post_init__()

    def tendency(self, x: Array) -> Array:
        """Return dx/dt."""
        ring = _ring(x)
        return (ring[..., 3:] - ring[..., :-3]) * ring[..., 1:-2] - x + self.F

    def variation(self, x: Array, v: Array) -> Array:
        """Return the derivative of the tendency at x in the directions v."""
        ring, moved = _ring(x), _ring(v)
        return (
            (moved[..., 3:] - moved[..., :-3]) * ring[..., 1:-2]
            + (ring[..., 3:] - ring[..., :-3]) * moved[..., 1:-2]
            - v
        )

    def rest(self) -> np.ndarray:
        """Return the state in which all sites are F, disturbed everywhere: always in the same way."""
        return self.F + np.random.default_rng(0).standard_normal(self.sites)


def _ring(x: Array) -> Array:
    """Return the sites -2, -1, 0, ..., n - 1, n."""
    return namespace(x).concat([x[..., -2:], x, x[..., :1]], axis=-1)


def rk4(tendency: Callable[[Array], Array], x: Array, dt: float) -> Array:
    """Return the states after one step of the classical Runge-Kutta method of order 4, by :eq:`eq-rk4`.

    Parameters
    ----------
    tendency : callable
        dx/dt as a function of the states.
    x : array of shape (..., n)
        The states.
    dt : float
        The length of the step.

    Examples
    --------
    >>> float(rk4(lambda x: x, np.array([1.0]), 0.1)[0] - np.exp(0.1)) < 1e-7
    True
    """
    a = tendency(x)
    b = tendency(x + dt / 2 * a)
    c = tendency(x + dt / 2 * b)
    d = tendency(x + dt * c)
    return x + dt / 6 * (a + 2 * (b + c) + d)  # eq-rk4


def _in_blocks(f: Callable[[Array], Array], x: Array, core: int) -> Array:
    """Return f(x) for an f that keeps shapes, one cache full of states at a time; on a GPU, all at once."""
    states, shape = int(np.prod(x.shape[-core:])), tuple(x.shape)
    rows = max(1, BLOCK // states)
    if np.prod(shape[:-core], dtype=int) <= rows or (is_torch_array(x) and x.device.type != "cpu"):
        return _side_by_side(f, x)
    xp = namespace(x)
    flat = xp.reshape(x, (-1, *shape[-core:]))
    blocks = [_side_by_side(f, flat[i : i + rows]) for i in range(0, flat.shape[0], rows)]
    return xp.reshape(xp.concat(blocks, axis=0), shape)


def _side_by_side(f: Callable[[Array], Array], x: Array) -> Array:
    """Return f(x), worked out where the same component of all states lies side by side: NumPy's loops are long then."""
    return f(x) if is_torch_array(x) else np.ascontiguousarray(f(np.ascontiguousarray(x.T).T))


def _scales(asked: str, dt: float = 1.0, steps: int = 1, **sigmas: float) -> None:
    for name, value in sigmas.items():
        if not 0 <= value < np.inf:
            raise ValueError(f"{asked}(): {name} must be a standard deviation, finite and not negative, but is {value}")
    if not 0 < dt < np.inf or whole(asked, "steps", steps) < 1:
        raise ValueError(f"{asked}(): dt must be positive and steps at least 1, but they are {dt} and {steps}")
