"""What all observations say of each state: the backward pass of Rauch, Tung and Striebel over a filter's beliefs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlpc.assimilation.backends import Array, apply, like, namespace
from mlpc.assimilation.filtering import FilterResult, Moments, SquareRoot
from mlpc.assimilation.kalman import symmetric
from mlpc.assimilation.systems import System

DEFINITE = 1e3  # times the rounding error of the forecast's variances: noise that is larger makes these definite
SMALL = 4  # components: up to here, rows of a whole batch are eliminated sooner than one matrix after the other


@dataclass(frozen=True, eq=False)
class Smoothed(Moments):
    """The laws of x₀, ..., x_T given all observations: mean (..., T + 1, n) and covariance (..., T + 1, n, n).

    Attributes
    ----------
    gain : array of shape (..., T, n, n)
        G_t for t = 0, ..., T - 1, by which what is learned of x_{t+1} is passed back to x_t.
    """

    gain: Array

    @property
    def lag_one(self) -> Array:
        """cov(x_t, x_{t-1} | y₁, ..., y_T) for t = 1, ..., T, of shape (..., T, n, n), by :eq:`eq-rts-lag-one`."""
        return self.cov[..., 1:, :, :] @ self.gain.mT  # eq-rts-lag-one


def rts_smoother(system: System, result: FilterResult) -> Smoothed:
    """Return the law of each state given all observations, by :eq:`eq-rts-mean` and :eq:`eq-rts-cov`.

    Parameters
    ----------
    system : System
        In which the filter believed; of a nonlinear one the tangents at the analysis means are used.
    result : FilterResult
        What `run` returned for one of Kalman's filters, with whole beliefs (``keep=True``).

    Returns
    -------
    Smoothed
        Means (..., T + 1, n) and covariances of x₀, ..., x_T; the covariances serve the whole batch, as the filter's
        do, where no gaps make them differ. A run that diverged is NaN.

    Raises
    ------
    ValueError
        If the result holds no beliefs of one of Kalman's filters, or those of another system.

    References
    ----------
    Rauch, Tung and Striebel, AIAA Journal 3 (1965).

    Examples
    --------
    >>> from mlpc.assimilation import KalmanFilter, Linear2D, run, twin_experiment
    >>> x, y = twin_experiment(Linear2D(), 50, np.random.default_rng(0))
    >>> filtered = run(KalmanFilter(Linear2D()), y)
    >>> smoothed = rts_smoother(Linear2D(), filtered)
    >>> smoothed.mean.shape, bool((smoothed.std[1:] <= filtered.std + 1e-12).all())
    ((51, 2), True)
    """
    forecast, analysis = result.forecast, result.analysis
    if type(forecast) not in (Moments, SquareRoot):
        raise ValueError(
            f"rts_smoother(): beliefs of one of Kalman's filters are needed, with keep=True, but the result holds "
            f"{type(forecast).__name__}"
        )
    if analysis.mean.shape[-1] != system.n:
        raise ValueError(
            f"rts_smoother(): the system has {system.n} components, but the result's states {analysis.mean.shape[-1]}"
        )
    means, covs = _by_time(analysis.mean, 1), _by_time(analysis.cov, 2)
    mean, cov, gains = [means.pop()], [covs.pop()], []
    before = [_like(mean[0], system.start.mean), *means], [_like(cov[0], system.start.cov), *covs]
    forecasts = _like(analysis.cov, forecast.cov)  # they lack the batch's axes if its first difference is the last gap
    after, definite = (_by_time(forecast.mean, 1), _by_time(forecasts, 2)), _definite(system, forecasts)
    for m, P, m_next, P_next in reversed(list(zip(*before, *after, strict=True))):
        with np.errstate(over="ignore", invalid="ignore"):  # next to a divergence, which the result has recorded
            _, M = system.tangent(m)
        G, transposed = _gain(P_next, M @ P, definite)  # eq-rts-gain
        mean.append(m + apply(G, mean[-1] - m_next))  # eq-rts-mean
        cov.append(symmetric(P + G @ (cov[-1] - P_next) @ transposed))  # eq-rts-cov
        gains.append(G)
    return Smoothed(_over_time(mean, 1), _over_time(cov, 2), _over_time(gains, 2))


def _by_time(series: Array, core: int) -> list[Array]:
    """Return an array with a time axis as a list over time."""
    return list(namespace(series).unstack(series, axis=-core - 1))


def _over_time(backwards: list[Array], core: int) -> Array:
    """Return a list that goes back in time as one array with a time axis."""
    xp = namespace(backwards[0])
    return xp.moveaxis(xp.stack(backwards[::-1], axis=0), 0, -core - 1)


def _like(x: Array, given: Array) -> Array:
    """Return an array like x, and of its shape."""
    return namespace(x).broadcast_to(like(x, given), x.shape)


def _definite(system: System, forecast: Array) -> bool:
    """Return whether the noise makes all forecast covariances definite, beyond what rounding could hide."""
    xp = namespace(forecast)
    rounding = float(xp.finfo(forecast.dtype).eps) * system.n * float(xp.max(forecast))
    return bool(np.linalg.eigvalsh(system.Q)[0] > DEFINITE * rounding)


def _gain(P: Array, MP: Array, definite: bool) -> tuple[Array, Array]:
    """Return G = P_a Mᵀ P⁻¹ and its transpose, for the forecast covariance P and M P_a."""
    xp = namespace(P)
    if definite and (P.ndim == 2 or P.shape[-1] > SMALL):
        transposed = xp.linalg.solve(P, MP)
        return transposed.mT, transposed
    rows = _eliminated(P, MP)
    return xp.stack(rows, axis=-1), xp.stack(rows, axis=-2)


def _eliminated(P: Array, B: Array) -> list[Array]:
    """Return the rows of X with P X = B, for positive semidefinite P and B in its range, by elimination.

    A component whose variance is nothing but rounding, once those before it are known, gets a row of zeros.
    """
    xp, n = namespace(P), P.shape[-1]
    nothing = 8 * n * float(xp.finfo(P.dtype).eps)
    rows = [xp.concat([P[..., i, :], B[..., i, :]], axis=-1) for i in range(n)]
    for j in range(n):
        pivot, variance = rows[j][..., j, None], P[..., j, j, None]
        known = pivot <= nothing * variance
        row = xp.where(known, xp.zeros_like(rows[j]), rows[j] / xp.where(known, xp.ones_like(pivot), pivot))
        rows = [row if i == j else rows[i] - rows[i][..., j, None] * row for i in range(n)]
    return [row[..., n:] for row in rows]
