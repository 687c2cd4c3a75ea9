"""Kalman's filter in three forms: the Gaussian rules of the Basics, applied once in each cycle.

A covariance serves the whole batch, and is updated once for all, until gaps or a nonlinear model make it differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.linalg

from mlpc.arguments import keep
from mlpc.assimilation.backends import Array, apply, like, namespace, number, numpy
from mlpc.assimilation.filtering import Moments, SquareRoot, Update
from mlpc.assimilation.systems import LinearSystem, System
from mlpc.basics.covariances import root

LOG_2PI = float(np.log(2 * np.pi))
MANY, SMALL = 16, 1000  # covariances for each component of y, and k n²: with more of the former and no more of the
# latter, a batch is updated sooner by one component after the other than by all at once (measured)
SETTLED = 1e-5  # a filter that forgets less than this share of an error in each cycle never settles, as far as one sees
NO_STEADY_STATE = (
    "steady_state(): the Riccati equation has no stabilising solution: a part of the state that does not decay is "
    "either not seen, even through other parts, or moved by no noise, so that its variance falls for ever"
)


@dataclass(frozen=True, eq=False)
class _Kalman:
    """What the exact and the extended filter share: moments, moved by the tangents at the mean.

    Large batches of small systems are updated by one component after the other, the others by all at once: the same
    numbers up to rounding. Where rounding is all that there is, in single precision, that may decide what survives.
    """

    system: System

    def init(self, batch: tuple[int, ...], rng: np.random.Generator | None, beside: Array) -> Moments:
        """Return the law of x₀."""
        mean, cov = (like(beside, given) for given in (self.system.start.mean, self.system.start.cov))
        return Moments(namespace(beside).broadcast_to(mean, (*batch, *mean.shape)), cov)

    def forecast(self, state: Moments, rng: np.random.Generator | None = None) -> Moments:
        """Return the law of the next state, by :eq:`eq-kf-forecast`."""
        mean, M = self.system.tangent(state.mean)
        return Moments(mean, sandwich(M, state.cov) + like(mean, self.system.Q))  # eq-kf-forecast

    def analyse(self, state: Moments, y: Array, rng: np.random.Generator | None = None) -> tuple[Moments, Update]:
        """Return the law given the observation y (..., k), and what was learned; NaN is a gap."""
        h, H = self.system.observation.tangent(state.mean)
        d, P, R = y - h, state.cov, self.system.observation.R  # eq-kf-innovation
        seen, known = _seen(y, d)
        (k, n), differ = H.shape[-2:], P.ndim > 2 or (seen is not None and seen.ndim > 1)
        many = differ and math.prod(d.shape[:-1]) > MANY * k and k * n**2 <= SMALL
        if many and H.ndim == 2 and R.ndim == 1:
            shift, cov, chi2, log_det = _one_by_one(P, known, H, R, seen)
        else:
            shift, cov, chi2, log_det = _at_once(P, known, H, self.system.observation.covariance(y), seen)
        return Moments(state.mean + shift, cov), _update(d, seen, chi2, log_det)


@dataclass(frozen=True, eq=False)
class KalmanFilter(_Kalman):
    """The exact filter of a linear system, with the covariance in Joseph's form, :eq:`eq-kf-joseph`.

    Parameters
    ----------
    system : LinearSystem
        The model that the filter believes in.

    Raises
    ------
    TypeError
        If the system is not linear.

    References
    ----------
    Kalman, Journal of Basic Engineering 82 (1960).

    Examples
    --------
    >>> from mlpc.assimilation import Linear2D, run
    >>> result = run(KalmanFilter(Linear2D()), np.array([[3.1, 2.9], [np.nan, np.nan]]))
    >>> result.std.round(4)  # the second observation is a gap
    array([[0.014 , 0.014 ],
           [0.0172, 0.0172]])
    """

    def __post_init__(self) -> None:
        _refuse_nonlinear("KalmanFilter", self.system)


@dataclass(frozen=True, eq=False)
class ExtendedKalmanFilter(_Kalman):
    """Kalman's filter with model and observation replaced by their tangents at the mean, by :eq:`eq-ekf`.

    Parameters
    ----------
    system : System
        The model that the filter believes in; on a linear system this is Kalman's filter.
    inflation : float
        λ, which multiplies the standard deviations of each forecast, that is, its covariance by λ². What the tangents
        leave out makes the filter too sure of itself; where the model has no noise it may not survive with λ = 1.

    Raises
    ------
    ValueError
        If the inflation is no number, or not positive and finite.

    Examples
    --------
    >>> from mlpc.assimilation import Lorenz63, run, twin_experiment
    >>> x, y = twin_experiment(Lorenz63(steps=10), 100, np.random.default_rng(0))
    >>> result = run(ExtendedKalmanFilter(Lorenz63(steps=10), inflation=1.1), y)
    >>> bool(np.sqrt(np.mean((result.mean - x[1:]) ** 2)) < 1)
    True
    """

    inflation: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "inflation", number("ExtendedKalmanFilter", "inflation", self.inflation))
        if not 0 < self.inflation < np.inf:
            raise ValueError(
                f"ExtendedKalmanFilter(): inflation multiplies standard deviations; it must be positive and finite, "
                f"but is {self.inflation}"
            )

    def forecast(self, state: Moments, rng: np.random.Generator | None = None) -> Moments:
        """Return the law of the next state, to first order, inflated."""
        forecast = super().forecast(state, rng)
        return Moments(forecast.mean, self.inflation**2 * forecast.cov)  # eq-inflation


@dataclass(frozen=True, eq=False)
class SquareRootKalmanFilter:
    """The exact filter of a linear system, for a root F of the covariance F Fᵀ, by orthogonal transformations alone.

    No covariance is ever formed, so none can become indefinite, and half of the digits are enough.

    Parameters
    ----------
    system : LinearSystem
        The model that the filter believes in.

    Attributes
    ----------
    noise : array of shape (n, n)
        A root of Q.

    Raises
    ------
    TypeError
        If the system is not linear.

    Examples
    --------
    >>> from mlpc.assimilation import Linear2D, run
    >>> y = np.array([[3.1, 2.9]])
    >>> both = run(SquareRootKalmanFilter(Linear2D()), y), run(KalmanFilter(Linear2D()), y)
    >>> bool(np.allclose(both[0].cov, both[1].cov, rtol=1e-12))
    True
    """

    system: System
    noise: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _refuse_nonlinear("SquareRootKalmanFilter", self.system)
        keep(self, noise=root("SquareRootKalmanFilter", "Q", self.system.Q)[0])

    def init(self, batch: tuple[int, ...], rng: np.random.Generator | None, beside: Array) -> SquareRoot:
        """Return the law of x₀."""
        mean, F = (like(beside, given) for given in (self.system.start.mean, self.system.start.root))
        return SquareRoot(namespace(beside).broadcast_to(mean, (*batch, *mean.shape)), F)

    def forecast(self, state: SquareRoot, rng: np.random.Generator | None = None) -> SquareRoot:
        """Return the law of the next state, by :eq:`eq-kf-root-forecast`."""
        mean, M = self.system.tangent(state.mean)
        F = M @ state.root
        if self.system.noisy:
            F = _triangular(_rows(F.mT, like(F, self.noise).mT)).mT  # eq-kf-root-forecast
        return SquareRoot(mean, F)

    def analyse(self, state: SquareRoot, y: Array, rng: np.random.Generator | None = None) -> tuple[SquareRoot, Update]:
        """Return the law given the observation y (..., k), by :eq:`eq-kf-root-analysis`; NaN is a gap."""
        xp, k = namespace(y), y.shape[-1]
        h, H = self.system.observation.tangent(state.mean)
        d = y - h
        seen, known = _seen(y, d)
        R = self.system.observation.covariance(self.system.Q)
        if seen is not None:
            H, R = _seen_rows(H, seen), _without_gaps(R, numpy(seen))
        noise, FH = like(y, np.linalg.cholesky(R)).mT, state.root.mT @ H.mT  # in double precision, rounded afterwards
        nothing = xp.zeros((k, state.root.shape[-1]), dtype=y.dtype, device=y.device)
        whole = _triangular(_rows(_columns(noise, nothing), _columns(FH, state.root.mT))).mT  # eq-kf-root-analysis
        inverse = xp.linalg.solve(whole[..., :k, :k], like(y, np.eye(k)))
        e = apply(inverse, known)
        log_det = -2 * xp.sum(xp.log(xp.abs(xp.linalg.diagonal(inverse))), axis=-1)
        mean = state.mean + apply(whole[..., k:, :k], e)
        return SquareRoot(mean, whole[..., k:, k:]), _update(d, seen, xp.linalg.vecdot(e, e), log_det)


@dataclass(frozen=True, eq=False)
class SteadyState:
    """Where the covariances of Kalman's filter end, from any start in which no direction is known exactly.

    Attributes
    ----------
    forecast, analysis : arrays of shape (n, n)
        The covariances before and after an observation.
    gain : array of shape (n, k)
        K.
    """

    forecast: Any
    analysis: Any
    gain: Any

    def __post_init__(self) -> None:
        keep(self, forecast=self.forecast, analysis=self.analysis, gain=self.gain)


def steady_state(system: LinearSystem) -> SteadyState:
    """Return the fixed point of the filter's covariances, by :eq:`eq-riccati`, from SciPy's solver of that equation.

    What it returns is seen to be a fixed point, and the filter to forget its errors there: the eigenvalues of
    (I - K H) M are below 1 - 1e-5. Other numbers cannot be told from those of a system without a fixed point.

    Parameters
    ----------
    system : LinearSystem
        Whose parts that do not decay are seen, and moved by noise.

    Raises
    ------
    TypeError
        If the system is not linear.
    numpy.linalg.LinAlgError
        If there is no such fixed point, or the filter would need more than about a hundred thousand cycles to settle.

    Examples
    --------
    >>> from mlpc.assimilation import Linear2D
    >>> steady_state(Linear2D()).gain.diagonal().round(4)
    array([0.0951, 0.0951])
    """
    _refuse_nonlinear("steady_state", system)
    R, variances = system.observation.covariance(system.Q), np.diagonal(system.Q) + np.diagonal(system.start.cov)
    unit = np.sqrt(np.where(variances > 0, variances, 1))[:, None]  # in units of its own, no component loses digits
    error, units = np.sqrt(np.diagonal(R))[:, None], unit * unit.T
    M, Q = system.M * unit.T / unit, system.Q / units
    H, R = system.observation.H * unit.T / error, R / (error * error.T)
    try:
        P = symmetric(scipy.linalg.solve_discrete_are(M.T, H.T, Q, R))  # eq-riccati
        K = np.linalg.solve(H @ P @ H.T + R, H @ P).T  # eq-kf-gain
        left = np.abs(np.linalg.eigvals(M - K @ H @ M)).max()
    except (np.linalg.LinAlgError, ValueError) as error:  # what SciPy raises depends on where it gets stuck
        raise np.linalg.LinAlgError(NO_STEADY_STATE) from error
    analysis = joseph(P, H, R, K)
    off = np.abs(sandwich(M, analysis) + Q - P).max()
    if not (left < 1 - SETTLED and off <= 1e-6 * max(1, np.abs(P).max())):
        raise np.linalg.LinAlgError(NO_STEADY_STATE)
    return SteadyState(P * units, analysis * units, K * unit / error.T)


def joseph(P: Array, H: Array, R: Array, K: Array) -> Array:
    """Return the error covariance (..., n, n) after an analysis with any gain K, by :eq:`eq-kf-joseph`.

    A sum of two positive semidefinite matrices, in which an error of the gain counts only squared.

    Parameters
    ----------
    P, H, R, K : arrays of shapes (..., n, n), (..., k, n), (..., k, k) and (..., n, k)
        Forecast covariance, what is seen, the covariance of its noise, and the gain.

    Examples
    --------
    >>> joseph(np.eye(1), np.eye(1), np.eye(1), K=np.array([[0.5]]))  # Kalman's gain
    array([[0.5]])
    >>> joseph(np.eye(1), np.eye(1), np.eye(1), K=np.array([[0.6]]))
    array([[0.52]])
    """
    A = like(P, np.eye(P.shape[-1])) - K @ H
    return symmetric(A @ P @ A.mT + K @ R @ K.mT)  # eq-kf-joseph


def sandwich(M: Array, P: Array) -> Array:
    """Return M P Mᵀ for symmetric P; one matrix M serves any number of P in two products of large matrices.

    >>> sandwich(np.array([[1.0, 1.0]]), np.array([[2.0, 1.0], [1.0, 3.0]]))
    array([[7.]])
    """
    if M.ndim > 2 or P.ndim == 2:
        return M @ P @ M.mT
    xp, (m, n) = namespace(P), M.shape
    PM = xp.reshape(M @ xp.reshape(_batch_last(P), (n, -1)), (m, n, -1))
    return _batch_first(M @ PM, P.shape[:-2])


def _batch_last(P: Array) -> Array:
    """Return covariances (..., n, n) as (n, n, N): an operation on all of them is one sweep."""
    xp, n = namespace(P), P.shape[-1]
    return xp.permute_dims(xp.reshape(P, (-1, n, n)), (1, 2, 0))


def _batch_first(P: Array, batch: tuple[int, ...]) -> Array:
    """Return (m, m, N) as (..., m, m): another view of the same memory, so that the way back costs nothing."""
    xp = namespace(P)
    return xp.reshape(xp.permute_dims(P, (2, 0, 1)), (*batch, *P.shape[:2]))


def _at_once(P: Array, d: Array, H: Array, R: Array, seen: Array | None) -> tuple[Array, Array, Array, Array]:
    """Return the shift of the mean, the analysis covariance, dᵀ S⁻¹ d and log det S, from all components of d at once.

    The innovation is zero in the gaps.
    """
    xp = namespace(d)
    if seen is not None:
        H, R = _seen_rows(H, seen), _without_gaps(R, seen)
    HP = H @ P
    inverse = _inverse_root(HP @ H.mT + R)
    W, e = (inverse @ HP).mT, apply(inverse, d)  # P Hᵀ S⁻¹ᐟ² and S⁻¹ᐟ² d
    log_det = -2 * xp.sum(xp.log(xp.linalg.diagonal(inverse)), axis=-1)
    return apply(W, e), joseph(P, H, R, W @ inverse), xp.linalg.vecdot(e, e), log_det  # eq-kf-mean


def _one_by_one(P: Array, d: Array, H: Array, r: np.ndarray, seen: Array | None) -> tuple[Array, Array, Array, Array]:
    """Return the same as `_at_once`, from one independent component of d after the other: no S has to be factorised."""
    xp, batch, (k, n) = namespace(d), d.shape[:-1], H.shape
    P = _batch_last(xp.broadcast_to(P, (*batch, n, n)))
    seen = None if seen is None else xp.reshape(xp.broadcast_to(seen, d.shape), (-1, k)).mT
    d = xp.reshape(d, (-1, k)).mT
    shift, chi2, log_det = xp.zeros_like(P[0, ...]), xp.zeros_like(d[0, :]), xp.zeros_like(d[0, :])
    for i in range(k):
        h, Ph = H[i, :], H[i, :] @ P
        s, e = h @ Ph + float(r[i]), d[i, :] - h @ shift
        s = xp.where(s > 0, s, like(s, np.nan))  # rounding made P indefinite: the run counts as diverged
        K = Ph / s
        if seen is not None:
            K, s, e = (xp.where(seen[i, :], now, like(d, never)) for now, never in ((K, 0.0), (s, 1.0), (e, 0.0)))
        X = P - K[:, None, :] * Ph[None, :, :]  # (I - K h) P
        P = X + (float(r[i]) * K - h @ X)[:, None, :] * K[None, :, :]  # eq-kf-joseph
        shift, chi2, log_det = shift + K * e, chi2 + e**2 / s, log_det + xp.log(s)
    P = (P + xp.permute_dims(P, (1, 0, 2))) / 2
    shift, chi2, log_det = xp.reshape(shift.mT, (*batch, n)), xp.reshape(chi2, batch), xp.reshape(log_det, batch)
    return shift, _batch_first(P, batch), chi2, log_det


def _seen(y: Array, d: Array) -> tuple[Array | None, Array]:
    """Return which components were seen, and the innovation with zeros in its gaps.

    None stands for all of them, (k,) for the same ones in the whole batch, else the shape is that of y.
    """
    xp = namespace(y)
    gap = xp.isnan(y)
    if not xp.any(gap):
        return None, d
    seen = ~gap
    first = xp.reshape(seen, (-1, y.shape[-1]))[0, :]
    return first if xp.all(seen == first) else seen, xp.where(seen, d, xp.zeros_like(d))


def _seen_rows(H: Array, seen: Array) -> Array:
    """Return H with zeros in the rows of the gaps."""
    return namespace(H).where(seen[..., None], H, namespace(H).zeros_like(H))


def _without_gaps(R: Array, seen: Array) -> Array:
    """Return R for which a gap has variance 1 and nothing to do with the rest."""
    both = seen[..., :, None] & seen[..., None, :]
    return namespace(R).where(both, R, like(R, np.eye(R.shape[-1])))


def _update(d: Array, seen: Array | None, chi2: Array, log_det: Array) -> Update:
    """Return what was learned from an innovation d, by :eq:`eq-kf-evidence`."""
    xp = namespace(d)
    if seen is None:
        count = xp.full(d.shape[:-1], d.shape[-1], dtype=d.dtype, device=d.device)
    else:
        ones = xp.astype(xp.broadcast_to(seen, d.shape), d.dtype)
        count = xp.linalg.vecdot(ones, ones)
    return Update(-(count * LOG_2PI + log_det + chi2) / 2, d, chi2, count)


def _inverse_root(S: Array) -> Array:
    """Return C⁻¹ for the Cholesky factor C of S; NaN where S is not definite, so that the run counts as diverged."""
    xp, k = namespace(S), S.shape[-1]
    try:
        C = xp.linalg.cholesky(S)
    except (np.linalg.LinAlgError, RuntimeError) as error:  # torch's error is a RuntimeError, as many others are
        if "LinAlgError" not in type(error).__name__:
            raise
        if S.ndim == 2:
            return xp.full_like(S, xp.nan)
        inverses = [_inverse_root(one) for one in xp.reshape(S, (-1, k, k))]
        return xp.reshape(xp.stack(inverses), S.shape)
    return xp.linalg.inv(C)


def _triangular(X: Array) -> Array:
    """Return the triangular factor of X: square, with the same Xᵀ X."""
    return namespace(X).linalg.qr(X, mode="reduced")[1]


def _rows(above: Array, below: Array) -> Array:
    """Return two matrices above each other, their leading axes broadcast."""
    return _columns(above.mT, below.mT).mT


def _columns(left: Array, right: Array) -> Array:
    """Return two matrices beside each other, their leading axes broadcast."""
    xp = namespace(left)
    batch = max(left.shape[:-2], right.shape[:-2], key=len)
    return xp.concat([xp.broadcast_to(X, (*batch, *X.shape[-2:])) for X in (left, right)], axis=-1)


def symmetric(P: Array) -> Array:
    """Return P without the asymmetry that rounding leaves."""
    return (P + P.mT) / 2


def _refuse_nonlinear(asked: str, system: object) -> None:
    if not isinstance(system, LinearSystem):
        raise TypeError(
            f"{asked}(): a LinearSystem is needed, but the system is a {type(system).__name__}; ExtendedKalmanFilter "
            "takes any system, and its tangents"
        )
