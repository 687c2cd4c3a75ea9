"""Ensemble filters: a belief told by N members, and updated in the space that they span.

Anomalies X (N x n) are the members' distances from their mean, divided by √(N - 1); Y (N x k) are those of what is seen
of them, and d (k) is the observation's departure from its forecast. Both are whitened: in units of the observation's
errors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import is_torch_array
from scipy.linalg import get_blas_funcs, get_lapack_funcs

from mlpc.assimilation.backends import Array, apply, drawing, like, namespace, standard_normal, whole
from mlpc.assimilation.filtering import Ensemble, Update
from mlpc.assimilation.inflation import strategy
from mlpc.assimilation.systems import System
from mlpc.basics.covariances import root

ROOM = 1e-10  # the share of the largest number that squares may fill: what is made of them needs the rest


class Change(NamedTuple):
    """What an analysis does: it moves the mean by `shift` (..., n) and replaces the `anomalies` (..., N, n).

    `logdet` and `chi2` (...) are log det S and dᵀ S⁻¹ d with the whitened covariance S = I + Yᵀ Y of what is seen.
    """

    shift: Array
    anomalies: Array
    logdet: Array
    chi2: Array


class EnsembleFilter(ABC):
    """What ensemble filters share: members are drawn, pushed through the model, and corrected by their own moments.

    The model's noise is drawn for each member and centred: the covariance of an ensemble does not feel the mean of what
    was added, so centring takes nothing from it, and spares the mean an error of covariance Q/N in every cycle.

    Attributes
    ----------
    system : System
        The model, its noise, the observation, and the law of x₀.
    N : int
        How many members; at least 2.
    inflation : float or Inflation
        A factor for the forecast's anomalies, or a strategy.
    exact : bool
        Whether the ensemble at the start has exactly the moments of the law of x₀, and Q is added exactly to its
        covariance: for N > n, where Kalman's filter is to be met. Its other moments are drawn.
    """

    system: System
    N: int
    inflation: Any
    exact: bool

    def __post_init__(self) -> None:
        asked = type(self).__name__
        object.__setattr__(self, "N", whole(asked, "N", self.N))
        if self.N < 2:
            raise ValueError(f"{asked}(): N must be at least 2, as one member has no covariance, but is {self.N}")
        if self.exact and self.system.n >= self.N:
            raise ValueError(
                f"{asked}(): exact moments of n = {self.system.n} components need N > n members, but N is {self.N}"
            )
        object.__setattr__(self, "inflation", strategy(asked, self.inflation))

    def init(self, batch: tuple[int, ...], rng: np.random.Generator | None, beside: Array) -> Ensemble:
        """Return members drawn from the law of x₀: for each trajectory its own."""
        members, start = self.system.draw_start((*batch, self.N), rng, beside), self.system.start
        if self.exact:
            F, _ = root("init", "start", start.cov)
            members = like(beside, start.mean) + (self.N - 1) ** 0.5 * with_covariance(members, like(beside, F.T))
        return Ensemble(members)

    def forecast(self, state: Ensemble, rng: np.random.Generator | None) -> Ensemble:
        """Return the members one cycle later, with the model's noise, inflated."""
        members = self.system.step(state.members)
        if self.system.noisy:
            members = self._noisy(members, drawing(rng))
        return Ensemble(self.inflation.forecast(members))

    def analyse(self, state: Ensemble, y: Array, rng: np.random.Generator | None) -> tuple[Ensemble, Update]:
        """Return the members given the observation, and its evidence under the ensemble's Gaussian forecast."""
        xp, observation, scale = namespace(y), self.system.observation, (self.N - 1) ** 0.5
        mean, seen, seen_members = state.mean, ~xp.isnan(y), observation(state.members)
        h = mean if seen_members is state.members else xp.mean(seen_members, axis=-2)
        innovation = y - h
        X = (state.members - mean[..., None, :]) / scale
        Y = observation.whitened(seen_members - h[..., None, :], seen[..., None, :]) / scale
        change = self.change(X, *bounded(Y, observation.whitened(innovation, seen)), rng)
        anomalies = self.inflation.analysis(X, change.anomalies)
        members = (mean + change.shift)[..., None, :] + scale * anomalies
        evidence = -(observation.log_volume(y, seen) + change.logdet + change.chi2) / 2  # eq-ensemble-evidence
        count = xp.sum(xp.astype(seen, y.dtype), axis=-1)
        return Ensemble(members), Update(evidence, innovation, change.chi2, count)

    @abstractmethod
    def change(self, X: Array, Y: Array, d: Array, rng: np.random.Generator | None) -> Change:
        """Return what the observation does to mean and anomalies X, given what is seen of them and the departures."""

    def _noisy(self, members: Array, rng: np.random.Generator) -> Array:
        """Return the members with the model's noise."""
        xp = namespace(members)
        if not self.exact:
            noise = self.system.perturbed(xp.zeros_like(members), rng)
            return members + (noise - xp.mean(noise, axis=-2, keepdims=True))
        mean, scale = xp.mean(members, axis=-2, keepdims=True), (self.N - 1) ** 0.5
        X, (F, _) = (members - mean) / scale, root("forecast", "Q", self.system.Q)
        sound = fitting(X)[..., None, None]  # what diverged stays what it is
        X = xp.where(sound, X, xp.zeros_like(X))
        noise = xp.broadcast_to(like(X, F.T), (*X.shape[:-2], *F.shape))
        noisy = mean + scale * with_covariance(X, xp.linalg.qr(xp.concat([X, noise], axis=-2))[1])
        return xp.where(sound, noisy, members)


@dataclass(frozen=True, eq=False)
class EnKF(EnsembleFilter):
    """The stochastic ensemble filter: each member sees its own perturbed observation, by :eq:`eq-enkf-update`.

    The perturbations are centred: their mean moves no member, so the mean is corrected by the very innovation.

    Parameters
    ----------
    system, N, inflation, exact
        As for :class:`EnsembleFilter`.

    Raises
    ------
    ValueError
        If there are fewer than two members, or too few for exact moments; from `run`, if there is no Generator.
    TypeError
        If the inflation is neither a number nor a strategy.

    References
    ----------
    Evensen, Journal of Geophysical Research 99 (1994); Burgers, van Leeuwen and Evensen, Monthly Weather Review 126
    (1998).

    Examples
    --------
    >>> from mlpc.assimilation import Lorenz96, run, twin_experiment
    >>> rng = np.random.default_rng(0)
    >>> x, y = twin_experiment(Lorenz96(), 20, rng)
    >>> run(EnKF(Lorenz96(), N=40, inflation=1.06), y, rng).ensemble.shape
    (20, 40, 40)
    """

    system: System
    N: int
    inflation: Any = 1.0
    _: KW_ONLY
    exact: bool = False

    def change(self, X: Array, Y: Array, d: Array, rng: np.random.Generator | None) -> Change:
        """Return the change by perturbed observations."""
        X, Y = self.inflation.prior(X, Y, d)
        Z = standard_normal(rng, tuple(Y.shape), Y) / (self.N - 1) ** 0.5  # whitened perturbations
        Z = Z - namespace(Z).mean(Z, axis=-2, keepdims=True)
        w, gain, logdet = regression(X, Y, d)
        return _change(X, Y, d, w, X + (Z - Y) @ gain, logdet)  # eq-enkf-perturbed


@dataclass(frozen=True, eq=False)
class ETKF(EnsembleFilter):
    """The ensemble transform filter: anomalies T X with T Tᵀ = (I + Y Yᵀ)⁻¹, by :eq:`eq-etkf-transform`; no draws.

    With `rotate`, the new anomalies are mixed by a random rotation that leaves their mean alone, by
    :eq:`eq-etkf-rotation`. All square roots of the transform have the same law then, as they differ by a rotation; so
    the symmetric one, which needs eigenvectors, is replaced by one that needs a Cholesky factor only. All trajectories
    of a batch share the rotation of a cycle: the law of each is unchanged, and a batch costs one rotation. Gradients
    ask for `rotate`, too: eigenvectors have none where eigenvalues coincide.

    Parameters
    ----------
    system, N, inflation, exact
        As for :class:`EnsembleFilter`.
    rotate : bool
        Whether to rotate.

    Raises
    ------
    ValueError
        If there are fewer than two members, or too few for exact moments; from `run`, if there is no Generator.
    TypeError
        If the inflation is neither a number nor a strategy.

    References
    ----------
    Bishop, Etherton and Majumdar, Monthly Weather Review 129 (2001); Sakov and Oke, Monthly Weather Review 136 (2008).

    Examples
    --------
    >>> from mlpc.assimilation import Lorenz96, run, scores, twin_experiment
    >>> rng = np.random.default_rng(0)
    >>> x, y = twin_experiment(Lorenz96(), 200, rng)
    >>> result = run(ETKF(Lorenz96(), N=28, inflation=1.02, rotate=True), y, rng)
    >>> bool(scores.rmse(result.mean, x[1:])[50:].mean() < 0.3)
    True
    """

    system: System
    N: int
    inflation: Any = 1.0
    rotate: bool = False
    _: KW_ONLY
    exact: bool = False

    def change(self, X: Array, Y: Array, d: Array, rng: np.random.Generator | None) -> Change:
        """Return the change by a square root of the transform."""
        X, Y = self.inflation.prior(X, Y, d)
        if not self.rotate:
            w, anomalies, logdet = symmetric(X, Y, d)
            return _change(X, Y, d, w, anomalies, logdet)
        U = like(X, complement(self.N))
        A, B = U.mT @ X, U.mT @ Y  # coordinates of the anomalies: their sum is no longer a constraint
        w, anomalies, logdet = triangular(A, B, d)
        rotated = U @ like(X, rotation(self.N - 1, drawing(rng)))
        return _change(A, B, d, w, rotated @ anomalies, logdet)  # eq-etkf-rotation


def _change(X: Array, Y: Array, d: Array, w: Array, anomalies: Array, logdet: Array) -> Change:
    """Return the change that moves the mean by Xᵀ w."""
    return Change(apply(X.mT, w), anomalies, logdet, chi_squared(Y, d, w))  # eq-etkf-mean


def fitting(A: Array) -> Array:
    """Return which of the matrices A (..., m, n) can be multiplied with each other: not those with NaN or overflow."""
    xp = namespace(A)
    return xp.sum(A * A, axis=(-2, -1)) < ROOM * xp.finfo(A.dtype).max  # False for NaN


def bounded(Y: Array, d: Array) -> tuple[Array, Array]:
    """Return Y and d, but zeros and NaN where Y overflows: no matrix may meet it, and the trajectory ends in NaN."""
    xp, flat = namespace(Y), Y.reshape(-1)
    if flat @ flat < ROOM * xp.finfo(Y.dtype).max:  # the whole batch at once, which is sooner
        return Y, d
    fits = fitting(Y)
    return xp.where(fits[..., None, None], Y, xp.zeros_like(Y)), xp.where(fits[..., None], d, xp.full_like(d, xp.nan))


def chi_squared(Y: Array, d: Array, w: Array) -> Array:
    """Return dᵀ S⁻¹ d, which is the least ‖d - Yᵀ w‖² + ‖w‖², from the w that makes it so: nothing cancels."""
    xp = namespace(Y)
    misfit = d - apply(Y.mT, w)
    return xp.linalg.vecdot(misfit, misfit) + xp.linalg.vecdot(w, w)


def symmetric(X: Array, Y: Array, d: Array) -> tuple[Array, Array, Array]:
    """Return weights w = (I + Y Yᵀ)⁻¹ Y d, anomalies (I + Y Yᵀ)⁻¹ᐟ² X and log det (I + Y Yᵀ), by eigenvectors.

    They are those of Y Yᵀ (N x N) or of Yᵀ Y (k x k), whichever is smaller. In the latter, the root is
    I - Y V diag(1 / (s (s + 1))) Vᵀ Yᵀ with s² = 1 + λ: nothing is divided by an eigenvalue λ that may be zero.

    Parameters
    ----------
    X, Y, d : arrays of shapes (..., N, n), (..., N, k) and (..., k)
        Anomalies, what is seen of them, and departures; whitened.

    Returns
    -------
    w, anomalies, logdet : arrays of shapes (..., N), (..., N, n) and (...)
        By :eq:`eq-etkf-weights` and :eq:`eq-etkf-transform`.
    """
    xp, small = namespace(X), Y.shape[-1] < Y.shape[-2]
    values, V = xp.linalg.eigh(Y.mT @ Y if small else Y @ Y.mT)
    s = xp.sqrt(1 + xp.where(values > 0, values, xp.zeros_like(values)))
    logdet = 2 * xp.sum(xp.log(s), axis=-1)
    if small:
        YV = Y @ V
        return apply(YV, apply(V.mT, d) / s**2), X - YV @ ((YV.mT @ X) / (s * (s + 1))[..., None]), logdet
    w = apply(V, apply(V.mT, apply(Y, d)) / s**2)  # eq-etkf-weights
    return w, V @ ((V.mT @ X) / s[..., None]), logdet  # eq-etkf-transform


def triangular(X: Array, Y: Array, d: Array) -> tuple[Array, Array, Array]:
    """Return what :func:`symmetric` does, but with a root that is not symmetric and needs a Cholesky factor F only.

    Of C = I + Y Yᵀ = F Fᵀ if there are no more members than observations: F⁻¹ X has the covariance Xᵀ C⁻¹ X, too. Else
    of S = I + Yᵀ Y = F Fᵀ: then T = I - Y (F + I)⁻ᵀ F⁻¹ Yᵀ has Tᵀ T = C⁻¹. The first does not keep the sum of the
    anomalies, so they must be coordinates in the complement of the ones.

    References
    ----------
    Andrews, AIAA Journal 6 (1968), for the second root.
    """
    xp = namespace(X)
    if Y.shape[-1] < Y.shape[-2]:
        F = plus_identity(Y.mT @ Y)
        solved = solve_lower(F, xp.concat([Y.mT @ X, d[..., None]], axis=-1))
        half, e = solved[..., :-1], solved[..., -1:]
        anomalies = X - Y @ solve_lower(F + like(X, np.eye(Y.shape[-1])), half, transposed=True)
        w = apply(Y, solve_lower(F, e, transposed=True)[..., 0])
    else:
        F = plus_identity(Y @ Y.mT)
        solved = solve_lower(F, xp.concat([X, apply(Y, d)[..., None]], axis=-1))
        anomalies, e = solved[..., :-1], solved[..., -1:]
        w = solve_lower(F, e, transposed=True)[..., 0]
    return w, anomalies, 2 * xp.sum(xp.log(xp.linalg.diagonal(F)), axis=-1)


def regression(X: Array, Y: Array, d: Array) -> tuple[Array, Array, Array]:
    """Return weights w = (I + Y Yᵀ)⁻¹ Y d, the whitened gain Kᵀ = (I + Yᵀ Y)⁻¹ Yᵀ X (..., k, n), and log det.

    The system that is solved is of the size of observations or members, whichever is smaller.
    """
    xp, small = namespace(X), Y.shape[-1] < Y.shape[-2]
    F = plus_identity(Y.mT @ Y if small else Y @ Y.mT)
    right = xp.concat([Y.mT @ X, d[..., None]] if small else [X, apply(Y, d)[..., None]], axis=-1)
    solved = solve_lower(F, solve_lower(F, right), transposed=True)
    logdet = 2 * xp.sum(xp.log(xp.linalg.diagonal(F)), axis=-1)
    if small:
        return apply(Y, solved[..., -1]), solved[..., :-1], logdet
    return solved[..., -1], Y.mT @ solved[..., :-1], logdet


def plus_identity(gram: Array) -> Array:
    """Return the Cholesky factor of I + G for a Gram matrix G (..., m, m) = A Aᵀ.

    Rounding could make the sum indefinite where G is enormous: a share of the trace that is of rounding's size prevents
    it, so that an ensemble that is about to diverge is no error here.
    """
    xp, m = namespace(gram), gram.shape[-1]
    rounding = 4 * xp.finfo(gram.dtype).eps * xp.linalg.trace(gram)
    C = gram + (1 + rounding)[..., None, None] * like(gram, np.eye(m))
    if isinstance(C, np.ndarray) and C.ndim == 2:  # half of the time of NumPy's own goes into its checks
        return _lapack("potrf", C.dtype)(C.T, lower=0)[0].T
    return xp.linalg.cholesky(C)


def solve_lower(F: Array, B: Array, transposed: bool = False) -> Array:
    """Return F⁻¹ B, or F⁻ᵀ B, for lower triangular F (..., m, m) and B (..., m, c) with the same leading axes.

    The array API has no such solver, and NumPy's general one is several times slower than BLAS' own.
    """
    if is_torch_array(F):
        import torch

        return torch.linalg.solve_triangular(F.mT if transposed else F, B, upper=transposed)
    trsm = _blas("trsm", F.dtype)  # for arrays in Fortran's order: solves Xᵀ op(Fᵀ) = Bᵀ
    if F.ndim == 2:
        return trsm(1.0, F.T, B.T, side=1, lower=0, trans_a=transposed).T
    solved = np.empty(B.shape, B.dtype)
    for at in np.ndindex(F.shape[:-2]):
        solved[at] = trsm(1.0, F[at].T, B[at].T, side=1, lower=0, trans_a=transposed).T
    return solved


@cache
def complement(N: int) -> np.ndarray:
    """Return orthonormal columns U (N, N - 1) that sum to zero: all but the first of the reflection of e₁ to the ones.

    >>> complement(2).round(3)
    array([[-0.707],
           [ 0.707]])
    """
    U = np.eye(N)[:, 1:] - 1 / (N + N**0.5)
    U[0] = -(N**-0.5)
    U.setflags(write=False)
    return U


def rotation(m: int, rng: np.random.Generator) -> np.ndarray:
    """Return an orthogonal matrix (m, m) from the uniform (Haar) law: a product of reflections.

    The j-th one takes a Gaussian vector of length m - j to a multiple of the first unit vector, as it would when the
    columns of a Gaussian matrix are made orthogonal; the signs make the law invariant.

    References
    ----------
    Stewart, SIAM Journal on Numerical Analysis 17 (1980).
    """
    V = np.zeros((m, m))
    V[_lower(m)] = rng.standard_normal(m * (m + 1) // 2)
    head = np.diagonal(V)
    a = np.copysign(np.sqrt(np.sum(V * V, axis=0)), head)
    return _lapack("orgqr", V.dtype)(V / (head + a), 1 + head / a)[0] * -np.sign(a)


@cache
def _lower(m: int) -> tuple[np.ndarray, np.ndarray]:
    return np.tril_indices(m)


@cache
def _blas(name: str, dtype: np.dtype) -> Any:
    return get_blas_funcs(name, dtype=dtype)


@cache
def _lapack(name: str, dtype: np.dtype) -> Any:
    return get_lapack_funcs(name, dtype=dtype)


def with_covariance(X: Array, R: Array) -> Array:
    """Return anomalies with sum zero and covariance Rᵀ R, for R (..., n, n): those nearest to X (..., N, n), N > n.

    With Uᵀ X = V S, coordinates in the complement of the ones and their QR factors, they are U V W R; the orthogonal W
    that is nearest to S Rᵀ makes the distance least (Procrustes' problem), W = A Bᵀ from S Rᵀ = A D Bᵀ.
    """
    xp = namespace(X)
    U = like(X, complement(X.shape[-2]))
    V, S = xp.linalg.qr(U.mT @ X)
    A, _, Bt = xp.linalg.svd(S @ R.mT)
    return U @ (V @ (A @ Bt @ R))
