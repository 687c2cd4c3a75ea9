"""Inflation: what makes up for the spread that small ensembles lose.

A strategy may act at three moments of a cycle: on the forecast, before anything was observed; on the anomalies that
the analysis starts from, in view of the observation; and on those that it ends with. What it does not override is left
alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np

from mlpc.assimilation.backends import Array, apply, like, namespace, number

STEPS = 61  # of the first look for the dual minimum, from an inflation of 1 to one of 10 ** (STEPS / 20)
NEWTON = 30  # refinements of it at most; the bracket is narrow, and convergence quadratic
CLOSE = 1e-9  # a step this small in log ζ was the last: its square is beyond rounding


class Inflation:
    """No inflation; what every strategy refines."""

    def forecast(self, members: Array) -> Array:
        """Return the members (..., N, n) of the forecast, inflated."""
        return members

    def prior(self, X: Array, Y: Array, d: Array) -> tuple[Array, Array]:
        """Return the anomalies (..., N, n) and what is seen of them (..., N, k), inflated in view of the departures.

        Y and the departures d (..., k) from the mean are in units of the observation's errors.
        """
        return X, Y

    def analysis(self, before: Array, after: Array) -> Array:
        """Return the anomalies (..., N, n) of the analysis, inflated in view of those before it."""
        return after


@dataclass(frozen=True)
class Multiplicative(Inflation):
    """The forecast's anomalies times a factor, by :eq:`eq-inflation`; so its variances grow by the factor's square.

    Parameters
    ----------
    factor : float
        1 changes nothing.

    Raises
    ------
    ValueError
        If the factor is not positive and finite.

    Examples
    --------
    >>> import numpy as np
    >>> Multiplicative(1.5).forecast(np.array([[1.0], [3.0]]))
    array([[0.5],
           [3.5]])
    """

    factor: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", number("Multiplicative", "factor", self.factor))
        if not 0 < self.factor < float("inf"):
            raise ValueError(f"Multiplicative(): factor must be positive and finite, but is {self.factor}")

    def forecast(self, members: Array) -> Array:
        """Return the members, their distances from the mean multiplied."""
        if self.factor == 1:
            return members
        mean = namespace(members).mean(members, axis=-2, keepdims=True)
        return self.factor * members + (1 - self.factor) * mean


@dataclass(frozen=True)
class RTPS(Inflation):
    """Relaxation to prior spread: standard deviations (1 - α) σᵃ + α σᵇ for each component, by :eq:`eq-rtps`.

    Parameters
    ----------
    alpha : float
        0 leaves the analysis alone, 1 gives it the forecast's standard deviations.

    Raises
    ------
    ValueError
        If alpha is not in [0, 1].

    References
    ----------
    Whitaker and Hamill, Monthly Weather Review 140 (2012).
    """

    alpha: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", number("RTPS", "alpha", self.alpha))
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"RTPS(): alpha must be in [0, 1], but is {self.alpha}")

    def analysis(self, before: Array, after: Array) -> Array:
        """Return the anomalies, relaxed; a component that has lost all its spread keeps none."""
        xp = namespace(after)
        sigma_b = xp.linalg.vector_norm(before, axis=-2, keepdims=True)
        sigma_a = xp.linalg.vector_norm(after, axis=-2, keepdims=True)
        ratio = xp.where(sigma_a > 0, sigma_b, xp.ones_like(sigma_a)) / xp.where(
            sigma_a > 0, sigma_a, xp.ones_like(sigma_a)
        )
        return after * (1 - self.alpha + self.alpha * ratio)  # eq-rtps


@dataclass(frozen=True)
class FiniteSize(Inflation):
    """The finite-size ensemble filter, EnKF-N: inflation that each observation asks for, by :eq:`eq-finite-size`.

    Mean and covariance of the forecast are known from N members only. With Jeffreys' prior for both, the weights w of
    the anomalies have a heavy-tailed prior, a power of β + ‖w‖², instead of a Gaussian one; the analysis minimises

        (N + 1)/2 log(1 + ‖w‖²/(N + 1)) + ‖d - Yᵀ w‖²/2,

    where β was chosen such that the curvature at w = 0 is 1: without news, nothing is inflated. The first term is the
    least of ζ (N + 1 + ‖w‖²)/2 - (N + 1)/2 log ζ over ζ, up to a constant. For given ζ the rest is an ordinary analysis
    with anomalies multiplied by 1/√ζ >= 1; what is left is to minimise over one number. It is sought in [10^-6.1, 1]:
    anomalies grow about a thousandfold at most. An ensemble far narrower than that is inflated too little, or not at
    all, and needs several cycles to recover; without the bound, one cycle could throw its members off the attractor.

    As the factor depends on the observation, it is no part of the recorded forecast; the evidence counts it, but that
    of the LETKF, where each site has its own. The analysis covariance is that for given ζ: the term of rank one by
    which the Hessian of the logarithm differs is left out.

    References
    ----------
    Bocquet, Nonlinear Processes in Geophysics 18 (2011); Bocquet, Raanes and Hannart, the same 22 (2015).
    """

    def prior(self, X: Array, Y: Array, d: Array) -> tuple[Array, Array]:
        """Return both kinds of anomalies, multiplied by 1/√ζ."""
        factor = (self.zeta(Y, d) ** -0.5)[..., None, None]
        return X * factor, Y * factor

    def zeta(self, Y: Array, d: Array) -> Array:
        """Return the ζ (...) in [10^-6.1, 1] with the least dual cost, for anomalies (..., N, k), departures (..., k).

        The dual cost may have several minima: the two lowest on a grid in log ζ are refined by Newton's method, or by
        bisection where that would leave the bracket; the lower one is returned.
        """
        xp, N, small = namespace(Y), Y.shape[-2], Y.shape[-1] < Y.shape[-2]
        values, vectors = xp.linalg.eigh(Y.mT @ Y if small else Y @ Y.mT)
        values = xp.where(values > 0, values, xp.zeros_like(values))
        b = apply(vectors.mT, d if small else apply(Y, d)) ** 2  # ‖w(ζ)‖² = Σ b / (ζ + λ)²
        b = b * values if small else b
        return _dual_minimum(values, b, N + 1.0)


def _dual_minimum(values: Array, b: Array, c: float) -> Array:
    """Return the ζ in [10^-6.1, 1] with the least 2D(ζ) = c (ζ - log ζ) - Σ b/(ζ + λ), for λ and b (..., m)."""
    xp, step = namespace(b), math.log(10) / 10
    values, b = values[..., None, :], b[..., None, :]

    def dual(zeta: Array) -> Array:
        return c * (zeta - xp.log(zeta)) - xp.sum(b / (zeta[..., None] + values), axis=-1)

    grid = like(b, -step * np.arange(STEPS))
    t = _lowest_minima(grid, dual(xp.exp(grid)))
    low, high = t - step, xp.minimum(t + step, xp.zeros_like(t))
    for _ in range(NEWTON):
        zeta = xp.exp(t)
        terms = b * zeta[..., None] / (zeta[..., None] + values) ** 2
        slope = c * (zeta - 1) + xp.sum(terms, axis=-1)  # of 2D in t = log ζ
        bend = (values - zeta[..., None]) / (values + zeta[..., None])
        curve = c * zeta + xp.sum(terms * bend, axis=-1)
        high, low = xp.where(slope > 0, t, high), xp.where(slope > 0, low, t)
        newton = t - slope / xp.where(curve > 0, curve, xp.ones_like(curve))
        new = xp.where((curve > 0) & (newton >= low) & (newton <= high), newton, (low + high) / 2)
        moved, t = xp.abs(new - t), new
        if not xp.any(moved > CLOSE):  # also when a departure is NaN
            break
    zeta = xp.exp(t)
    cost = dual(zeta)
    return xp.where(cost[..., 1] < cost[..., 0], zeta[..., 1], zeta[..., 0])


def _lowest_minima(grid: Array, cost: Array) -> Array:
    """Return the two points (..., 2) of a grid (m,) where the costs (..., m) have their lowest minima."""
    xp = namespace(cost)
    beyond = xp.full_like(cost[..., :1], xp.inf)
    before, after = xp.concat([beyond, cost[..., :-1]], axis=-1), xp.concat([cost[..., 1:], beyond], axis=-1)
    minima = xp.where((cost <= before) & (cost <= after), cost, xp.full_like(cost, xp.inf))
    two = xp.argsort(minima, axis=-1)[..., :2]  # where there is but one, any other point comes second: it costs more
    return xp.reshape(xp.take(grid, xp.reshape(two, (-1,)), axis=0), two.shape)


def strategy(asked: str, given: object) -> Inflation:
    """Return an inflation strategy: the given one, or a multiplicative one for a number.

    Raises
    ------
    TypeError
        If it is neither.

    Examples
    --------
    >>> strategy("ETKF", 1.02)
    Multiplicative(factor=1.02)
    """
    if isinstance(given, Real):
        return Multiplicative(number(asked, "inflation", given))
    if isinstance(given, Inflation):
        return given
    raise TypeError(
        f"{asked}(): inflation must be a factor or a strategy such as RTPS(0.5) or FiniteSize(), but is {given!r}"
    )
