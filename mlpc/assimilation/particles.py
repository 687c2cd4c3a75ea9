"""The bootstrap particle filter: Bayes' rule for weights, without Gaussians; and what keeps it from one particle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from array_api_compat import device

from mlpc.assimilation.backends import Array, drawing, like, namespace, number, standard_normal, whole
from mlpc.assimilation.ensembles import ROOM, bounded, chi_squared, regression
from mlpc.assimilation.filtering import Update
from mlpc.assimilation.systems import System


@dataclass(frozen=True, eq=False)
class Particles:
    """A belief told by weighted states: `members` (..., N, n) and `log_weights` (..., N), normalised."""

    members: Array
    log_weights: Array

    @property
    def weights(self) -> Array:
        """The weights, of shape (..., N)."""
        return namespace(self.log_weights).exp(self.log_weights)

    @cached_property
    def mean(self) -> Array:
        """The weighted mean, of shape (..., n)."""
        return (self.weights[..., None, :] @ self.members)[..., 0, :]

    @property
    def anomalies(self) -> Array:
        """X (..., N, n) with Xᵀ X = cov."""
        return _anomalies(self.members, self.mean, self.weights)

    @property
    def cov(self) -> Array:
        """The weighted covariance, of shape (..., n, n), divided by 1 - Σ w²: unbiased for independent members."""
        X = self.anomalies
        return X.mT @ X

    @cached_property
    def std(self) -> Array:
        """Weighted standard deviations, of shape (..., n); zero if one particle has all the weight."""
        return namespace(self.members).linalg.vector_norm(self.anomalies, axis=-2)

    @property
    def effective(self) -> Array:
        """The effective number of particles 1/Σ w², by :eq:`eq-effective-size`: N if equal, 1 if one has it all."""
        return 1 / namespace(self.members).sum(self.weights**2, axis=-1)


@dataclass(frozen=True, eq=False)
class Weighing(Update):
    """What a particle filter learned from an observation.

    Attributes
    ----------
    effective : array of shape (...)
        The effective number of particles after the observation and before any resampling. Once it was near 1, the
        filter has collapsed: all later particles descend from one, and neither their mean nor their spread can be
        believed. Their weights may be even again, as copies fit equally badly; `chi2` far above `count` tells it then.
    """

    effective: Array


@dataclass(frozen=True, eq=False)
class ParticleFilter:
    """The bootstrap filter: particles follow the model; the likelihood weights them, by :eq:`eq-particle-weights`.

    Where the effective number of particles falls below a share of N, a trajectory's particles are resampled
    (systematically: one uniform number each) and the copies beyond a particle's first are disturbed by Gaussian noise.
    Its covariance is that of the weighted particles times the square of regularisation x N^(-1/(n + 4)). A model with
    noise needs none of that; without noise, copies would stay copies. The evidence is the weighted mean of the
    likelihood: unbiased, unless there is regularisation. `chi2` is that of the Gaussian with the particles' moments.
    A particle at which h overflows has likelihood zero, and no part in those moments.

    Parameters
    ----------
    system : System
        The model, its noise, the observation, and the law of x₀.
    N : int
        How many particles; at least 2.
    threshold : float
        The share of N below which the effective number leads to resampling: 0 never does, 1 always.
    regularisation : float
        The width of the disturbance in units of the classical bandwidth for n components.

    Raises
    ------
    ValueError
        If there are fewer than two particles, the threshold is no share, or the regularisation is negative or not
        finite; from `run`, if there is no Generator.

    References
    ----------
    Gordon, Salmond and Smith, IEE Proceedings F 140 (1993); Musso, Oudjane and Le Gland, in: Sequential Monte Carlo
    Methods in Practice (2001), for the regularisation.

    Examples
    --------
    >>> from mlpc.assimilation import Linear2D, run, twin_experiment
    >>> rng = np.random.default_rng(0)
    >>> x, y = twin_experiment(Linear2D(), 20, rng)
    >>> result = run(ParticleFilter(Linear2D(), N=500), y, rng)
    >>> result.mean.shape, bool((result.update.effective > 1).all())
    ((20, 2), True)
    """

    system: System
    N: int
    threshold: float = 0.5
    regularisation: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "N", whole("ParticleFilter", "N", self.N))
        for name in ("threshold", "regularisation"):
            object.__setattr__(self, name, number("ParticleFilter", name, getattr(self, name)))
        if self.N < 2:
            raise ValueError(f"ParticleFilter(): N must be at least 2, as one particle has no spread, but is {self.N}")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"ParticleFilter(): threshold must be a share of N, from 0 to 1, but is {self.threshold}")
        if not 0 <= self.regularisation < np.inf:
            raise ValueError(
                f"ParticleFilter(): regularisation must be finite and not negative, but is {self.regularisation}"
            )

    def init(self, batch: tuple[int, ...], rng: np.random.Generator | None, beside: Array) -> Particles:
        """Return particles drawn from the law of x₀, of equal weights."""
        members = self.system.draw_start((*batch, self.N), rng, beside)
        return Particles(members, namespace(members).zeros_like(members[..., 0]) - math.log(self.N))

    def forecast(self, state: Particles, rng: np.random.Generator | None) -> Particles:
        """Return the particles one cycle later, each with its own noise."""
        members = self.system.step(state.members)
        return Particles(self.system.perturbed(members, drawing(rng)), state.log_weights)

    def analyse(self, state: Particles, y: Array, rng: np.random.Generator | None) -> tuple[Particles, Weighing]:
        """Return the particles given the observation, weighted or resampled, and what was learned."""
        xp, observation = namespace(y), self.system.observation
        seen, h, weights = ~xp.isnan(y), observation(state.members), state.weights
        D = observation.whitened(y[..., None, :] - h, seen[..., None, :])
        squared = xp.linalg.vecdot(D, D)
        fits = squared < ROOM * xp.finfo(y.dtype).max  # False for NaN
        if not xp.all(fits):  # such particles are impossible, and no product may meet them
            squared = xp.where(fits, squared, xp.full_like(squared, xp.inf))
            h, D = (xp.where(fits[..., None], one, xp.zeros_like(one)) for one in (h, D))
            weights = xp.where(fits, weights, xp.zeros_like(weights))
            weights = weights / xp.sum(weights, axis=-1, keepdims=True)
        seen_mean = (weights[..., None, :] @ h)[..., 0, :]
        joint = state.log_weights - (squared + observation.log_volume(y, seen)[..., None]) / 2
        highest = xp.max(joint, axis=-1, keepdims=True)
        log_evidence = highest + xp.log(xp.sum(xp.exp(joint - highest), axis=-1, keepdims=True))
        weighted = Particles(state.members, joint - log_evidence)  # eq-particle-weights
        d = observation.whitened(y - seen_mean, seen)
        Y, d = bounded(_anomalies(d[..., None, :] - D, xp.zeros_like(d), weights), d)
        chi2 = chi_squared(Y, d, regression(Y[..., :0], Y, d)[0])
        count, effective = xp.sum(xp.astype(seen, y.dtype), axis=-1), weighted.effective
        update = Weighing(log_evidence[..., 0], y - seen_mean, chi2, count, effective)
        return self._resampled(weighted, effective < self.threshold * self.N, drawing(rng)), update

    def _resampled(self, state: Particles, poor: Array, rng: np.random.Generator) -> Particles:
        """Return equally weighted particles where they were poor, and the given ones elsewhere."""
        xp, members = namespace(state.members), state.members
        u = like(members, rng.random(tuple(members.shape[:-2])))
        if not xp.any(poor):
            return state
        parents = systematic(xp.where(poor[..., None], state.weights, xp.full_like(state.weights, 1 / self.N)), u)
        new = xp.take_along_axis(members, parents[..., None], axis=-2)
        if self.regularisation:
            new = new + self._disturbance(state, parents, rng)
        equal = xp.zeros_like(state.log_weights) - math.log(self.N)
        log_weights = xp.where(poor[..., None], equal, state.log_weights)
        return Particles(xp.where(poor[..., None, None], new, members), log_weights)

    def _disturbance(self, state: Particles, parents: Array, rng: np.random.Generator) -> Array:
        """Return noise with the particles' covariance times h², for all copies but the first of each parent."""
        xp, n = namespace(state.members), self.system.n
        h = self.regularisation * self.N ** (-1 / (n + 4))
        R = xp.linalg.qr(state.anomalies)[1]  # cov = Rᵀ R; the signs of its rows may be of rounding
        signs = xp.linalg.diagonal(R)[..., None]
        R = xp.where(signs < 0, -R, R)
        Z = standard_normal(rng, (*parents.shape, R.shape[-2]), state.members)
        copies = xp.concat(
            [xp.zeros_like(parents[..., :1], dtype=bool), parents[..., 1:] == parents[..., :-1]], axis=-1
        )
        return xp.where(copies[..., None], h * (Z @ R), xp.zeros_like(state.members))


def systematic(weights: Array, u: Array) -> Array:
    """Return the parents (..., N) that systematic resampling chooses, in ascending order.

    Particle j is copied as often as there are numbers (i + u)/N, i = 0, ..., N - 1, in its stretch of the cumulative
    weights: N wⱼ times on average, and never a whole copy more or less.

    Parameters
    ----------
    weights : array of shape (..., N)
        Not negative, with sum 1.
    u : array of shape (...)
        Uniform in [0, 1).

    Examples
    --------
    >>> systematic(np.array([0.5, 0.1, 0.4]), np.array(0.25))
    array([0, 0, 2])
    """
    xp, N = namespace(weights), weights.shape[-1]
    total = xp.cumulative_sum(weights, axis=-1, dtype=xp.float64)
    below = xp.ceil(N * (total / total[..., -1:])[..., :-1] - u[..., None])  # how many numbers lie below
    below = xp.clip(below, 0, N)
    first, last = xp.zeros_like(total[..., :1]), xp.zeros_like(total[..., :1]) + N
    copies = xp.concat([below, last], axis=-1) - xp.concat([first, below], axis=-1)
    every = xp.broadcast_to(xp.arange(N, device=device(weights)), weights.shape)
    return xp.reshape(
        xp.repeat(xp.reshape(every, (-1,)), xp.reshape(xp.astype(copies, xp.int64), (-1,))), weights.shape
    )


def _anomalies(members: Array, mean: Array, weights: Array) -> Array:
    """Return the particles' weighted distances from their mean, whose squares add up to the covariance."""
    xp = namespace(members)
    share = 1 - xp.sum(weights**2, axis=-1, keepdims=True)
    share = xp.where(share > 0, share, xp.ones_like(share))
    return xp.sqrt(weights / share)[..., None] * (members - mean[..., None, :])
