"""Gaussian laws: marginals, affine images, conditioning on a noisy linear observation, and how two of them differ.

Methods work with square roots F, F Fᵀ = cov, never with inverses or differences of covariances: what they return is a
product X Xᵀ, positive semidefinite up to the last rounding. Laws are batched on leading axes; NaN in data is a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Num

from mlpc.arguments import arrays, keep
from mlpc.basics.covariances import SINGULAR, cholesky, covariance, real, root, singular, solve_lower

Components = int | slice | Sequence[int] | np.ndarray
Scalars = Float[np.ndarray | np.generic, "*batch"]


@dataclass(frozen=True, eq=False)
class Gaussian:
    """The law N(mean, cov) of a random vector, or one law for each leading index.

    Parameters
    ----------
    mean : array of shape (..., n)
        The expectation.
    cov : array of shape (..., n, n)
        The covariance matrix, symmetric and positive semidefinite; its leading axes broadcast with those of the mean.

    Attributes
    ----------
    root : array of shape (..., n, n)
        F with F Fᵀ = cov, by which samples are made; the Cholesky factor if the covariance is definite.
    definite : bool
        Whether all covariances are positive definite to working precision. If not, the law has no density.

    Raises
    ------
    ValueError
        If a shape does not fit, an entry is not a finite real number, or the covariance is not symmetric or indefinite.

    Examples
    --------
    >>> v = Gaussian(np.zeros(2), np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> v.condition(0, 1.0)
    Gaussian(mean=array([0.5]), cov=array([[1.5]]))
    """

    mean: Num[np.ndarray, "*#batch n"]
    cov: Num[np.ndarray, "*#batch n n"]
    root: Float[np.ndarray, "*#batch n n"] = field(init=False, repr=False)
    definite: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        cov = covariance("Gaussian", mean=(self.mean, "n"), cov=(self.cov, "n n"))
        mean = real("Gaussian", "mean", np.asarray(self.mean))
        F, definite = root("Gaussian", "cov", cov)
        keep(self, mean=mean, cov=cov, root=F)
        object.__setattr__(self, "definite", definite)

    @property
    def std(self) -> Float[np.ndarray, "*batch n"]:
        """The standard deviations of the components, of shape (..., n).

        >>> Gaussian(np.zeros(2), np.diag([4.0, 9.0])).std
        array([2., 3.])
        """
        return np.sqrt(np.diagonal(self.cov, axis1=-2, axis2=-1))

    def marginal(self, i: Components) -> Gaussian:
        """Return the law of some components, by :eq:`eq-gaussian-marginal`: their means and covariances, nothing else.

        Parameters
        ----------
        i : int, slice, or sequence of ints
            The components, in the order wanted; an int gives the law of a vector of length 1.

        Raises
        ------
        IndexError
            If there is no such component.

        Examples
        --------
        >>> Gaussian(np.arange(3.0), np.diag([1.0, 2.0, 3.0])).marginal([2, 0])
        Gaussian(mean=array([2., 0.]), cov=array([[3., 0.],
               [0., 1.]]))
        """
        chosen = np.atleast_1d(_components("marginal", self.mean.shape[-1], i))
        return Gaussian(self.mean[..., chosen], self.cov[..., chosen[:, None], chosen])

    def condition(self, i: Components, value: np.ndarray | float | int) -> Gaussian:
        """Return the law of the other components, given those named by i, by :eq:`eq-gaussian-conditional`.

        Parameters
        ----------
        i : int, slice, or sequence of ints
            The components that are observed without noise.
        value : array of shape (..., k), or (...) if i is an int
            What they are, like ``x[..., i]``. NaN is a gap: that component is neither observed nor returned.

        Returns
        -------
        Gaussian
            Of the components that i does not name, in their old order.

        Raises
        ------
        ValueError, IndexError
            If i names a component twice or one that is not there, or the shape of `value` does not fit.
        numpy.linalg.LinAlgError
            If the observed components have a singular covariance.

        Examples
        --------
        >>> v = Gaussian(np.zeros(2), np.array([[2.0, 1.0], [1.0, 2.0]]))
        >>> v.condition(0, np.nan).cov
        array([[2.]])
        """
        n, chosen = self.mean.shape[-1], _components("condition", self.mean.shape[-1], i)
        value, chosen = np.asanyarray(value)[..., None] if chosen.ndim == 0 else value, np.atleast_1d(chosen)
        if len(set(chosen.tolist())) < len(chosen):
            raise ValueError(f"condition(): i = {i!r} names a component twice")
        k = len(chosen)
        given = _observe("condition", self, np.eye(n)[chosen], np.zeros(k), np.zeros((k, k)), value, "value")
        return given.marginal(np.setdiff1d(np.arange(n), chosen))

    def affine(
        self, L: Num[np.ndarray, "*#batch k n"], m: Num[np.ndarray, "*#batch k"], Sigma: Num[np.ndarray, "*#batch k k"]
    ) -> Gaussian:
        """Return the law of u = L v + m + noise with noise N(0, Σ), by :eq:`eq-gaussian-affine`.

        Parameters
        ----------
        L, m, Sigma : arrays of shapes (..., k, n), (..., k) and (..., k, k)
            The map, the offset, and the covariance of the noise, which may be zero.

        Raises
        ------
        ValueError
            If a shape does not fit, an entry is not a finite number, or Sigma is no covariance.

        Examples
        --------
        >>> v = Gaussian(np.zeros(2), np.eye(2))
        >>> v.affine(np.array([[1.0, 1.0]]), m=np.array([3.0]), Sigma=np.array([[0.5]]))
        Gaussian(mean=array([3.]), cov=array([[2.5]]))
        """
        L, m, T = _observation("affine", self, L, m, Sigma)
        X = _beside(L @ self.root, T)
        return Gaussian(_apply(L, self.mean) + m, X @ X.mT)  # eq-gaussian-affine

    def posterior(
        self,
        L: Num[np.ndarray, "*#batch k n"],
        m: Num[np.ndarray, "*#batch k"],
        Sigma: Num[np.ndarray, "*#batch k k"],
        u: Num[np.ndarray, "*#batch k"],
    ) -> Gaussian:
        """Return the law of v given u = L v + m + noise, by :eq:`eq-posterior-mean` and :eq:`eq-posterior-root`.

        Parameters
        ----------
        L, m, Sigma : arrays of shapes (..., k, n), (..., k) and (..., k, k)
            The map, the offset, and the covariance of the noise, which may be zero.
        u : array of shape (..., k)
            The observation. NaN is a gap: that component is left out; if all are gaps, the law stays as it was.

        Returns
        -------
        Gaussian
            Of v. Only where there are gaps has its covariance the leading axes of u: else what was seen is not in it.

        Raises
        ------
        ValueError
            If a shape does not fit, an entry of L, m or Sigma is not finite, u is infinite, or Sigma is no covariance.
        numpy.linalg.LinAlgError
            If the covariance L K Lᵀ + Σ of the observed components is singular.

        References
        ----------
        Bishop, Pattern Recognition and Machine Learning (2006), section 2.3.3.

        Examples
        --------
        >>> v = Gaussian(np.array([0.0]), np.array([[1.0]]))
        >>> v.posterior(L=np.array([[1.0]]), m=np.array([0.0]), Sigma=np.array([[1.0]]), u=np.array([3.0]))
        Gaussian(mean=array([1.5]), cov=array([[0.5]]))
        """
        return _observe("posterior", self, L, m, Sigma, u, "u")

    def kl(self, other: Gaussian) -> Scalars:
        """Return KL(self ‖ other) in nats, of shape (...), by :eq:`eq-gaussian-kl`; no summand is ever negative.

        Raises
        ------
        ValueError
            If the laws are of vectors of different lengths, or their leading axes do not broadcast.
        numpy.linalg.LinAlgError
            If one of the covariances is singular.

        Examples
        --------
        >>> p, q = Gaussian(np.zeros(1), np.eye(1)), Gaussian(np.ones(1), np.eye(1))
        >>> print(p.kl(p), p.kl(q))
        0.0 0.5
        """
        arrays("kl", **{"self.mean": (self.mean, "n"), "other.mean": (other.mean, "n")})
        F, G = self._factor("kl", "self.cov"), other._factor("kl", "other.cov")
        M = solve_lower(G, F)  # lower triangular
        t = np.diagonal(M, axis1=-2, axis2=-1)
        excess = (t - 1) * (t + 1)  # t² - 1
        moved = solve_lower(G, (self.mean - other.mean)[..., None])
        summands = (excess - np.log1p(excess)).sum(axis=-1) + (np.tril(M, -1) ** 2).sum(axis=(-2, -1))
        return (summands + (moved**2).sum(axis=(-2, -1))) / 2  # eq-gaussian-kl

    def entropy(self) -> Scalars:
        """Return the differential entropy in nats, of shape (...), by :eq:`eq-gaussian-entropy`.

        Raises
        ------
        numpy.linalg.LinAlgError
            If the covariance is singular.

        Examples
        --------
        >>> print(Gaussian(np.zeros(2), np.eye(2)).entropy().round(6))  # 1 + log 2π
        2.837877
        """
        F, (*_, n) = self._factor("entropy", "cov"), self.mean.shape
        batch = np.broadcast_shapes(self.mean.shape[:-1], self.cov.shape[:-2])
        logs = np.log(np.diagonal(F, axis1=-2, axis2=-1)).sum(axis=-1)
        return (n * (1 + np.log(2 * np.pi)) / 2 + logs) + np.zeros(batch)  # eq-gaussian-entropy

    def log_density(self, x: Num[np.ndarray, "*#batch n"]) -> Scalars:
        """Return the logarithm of the density at x, of shape (...), by :eq:`eq-gaussian-density`.

        Parameters
        ----------
        x : array of shape (..., n)
            NaN is a gap: what is returned is the density of the components that were seen, 1 if none was.

        Raises
        ------
        ValueError
            If the shape of x does not fit, or x is infinite.
        numpy.linalg.LinAlgError
            If the covariance is singular: then there is no density.

        Examples
        --------
        >>> print(Gaussian(np.zeros(1), np.eye(1)).log_density(np.array([[0.0], [np.nan]])).round(6))
        [-0.918939  0.      ]
        """
        x, gap = _gaps("log_density", "x", x)
        mean, x = arrays("log_density", mean=(self.mean, "n"), x=(x, "n"))
        F, y, seen = self._factor("log_density", "cov"), real("log_density", "x", x) - mean, ~gap
        if gap.any():
            seen = np.broadcast_to(seen, y.shape)
            F = cholesky("log_density", "cov", _without(self.cov, seen))
            y = np.where(seen, y, 0)
        squares = (solve_lower(F, y[..., None]) ** 2).sum(axis=(-2, -1))
        logs = np.log(1 / np.diagonal(F, axis1=-2, axis2=-1)).sum(axis=-1)
        return logs - (seen.sum(axis=-1) * np.log(2 * np.pi) + squares) / 2  # eq-gaussian-density

    def sample(self, rng: np.random.Generator, n: int) -> Float[np.ndarray, "n *batch d"]:
        """Return n independent samples μ + F z with standard normal z, by :eq:`eq-gaussian-sample`.

        Parameters
        ----------
        rng : numpy.random.Generator
            The source of randomness.
        n : int
            How many.

        Returns
        -------
        array of shape (n, batch..., d)
            For vectors of length d; a singular law gives samples on its support.

        Examples
        --------
        >>> Gaussian(np.zeros(2), np.ones((2, 2))).sample(np.random.default_rng(0), 1000).shape
        (1000, 2)
        """
        batch = np.broadcast_shapes(self.mean.shape[:-1], self.cov.shape[:-2])
        z = rng.standard_normal((n, *batch, self.mean.shape[-1]))
        return self.mean + _apply(self.root, z)  # eq-gaussian-sample

    def _factor(self, asked: str, name: str) -> np.ndarray:
        """Return the Cholesky factor, or raise: a singular law has no density."""
        if not self.definite:
            raise singular(asked, name, self.cov)
        return self.root


def joint(
    v: Gaussian,
    L: Num[np.ndarray, "*#batch k n"],
    m: Num[np.ndarray, "*#batch k"],
    Sigma: Num[np.ndarray, "*#batch k k"],
) -> Gaussian:
    """Return the law of the stacked vector (v, u) with u = L v + m + noise, by :eq:`eq-joint-gaussian`.

    Parameters
    ----------
    v : Gaussian
        The law of the hidden vector, of length n.
    L, m, Sigma : arrays of shapes (..., k, n), (..., k) and (..., k, k)
        The map, the offset, and the covariance of the noise.

    Returns
    -------
    Gaussian
        Of a vector of length n + k, the hidden components first.

    Raises
    ------
    ValueError
        If a shape does not fit, an entry is not a finite number, or Sigma is no covariance.

    Examples
    --------
    >>> v = Gaussian(np.array([1.0]), np.array([[4.0]]))
    >>> joint(v, L=np.array([[2.0]]), m=np.array([3.0]), Sigma=np.array([[1.0]]))
    Gaussian(mean=array([1., 5.]), cov=array([[ 4.,  8.],
           [ 8., 17.]]))
    """
    L, m, T = _observation("joint", v, L, m, Sigma)
    above, below = _beside(v.root, np.zeros((v.mean.shape[-1], L.shape[-2]))), _beside(L @ v.root, T)
    batch = np.broadcast_shapes(above.shape[:-2], below.shape[:-2])
    X = np.concatenate([np.broadcast_to(rows, batch + rows.shape[-2:]) for rows in (above, below)], axis=-2)
    image = _apply(L, v.mean) + m
    mean = np.concatenate([np.broadcast_to(v.mean, image.shape[:-1] + v.mean.shape[-1:]), image], axis=-1)
    return Gaussian(mean, X @ X.mT)  # eq-joint-gaussian


def _observe(asked: str, v: Gaussian, L: object, m: object, Sigma: object, u: object, name: str) -> Gaussian:
    """Return the law of v given u, for `posterior` and `condition`."""
    u, gap = _gaps(asked, name, u)
    L, m, T, u = _observation(asked, v, L, m, Sigma, **{name: (u, "k")})
    gap = gap if gap.any() else np.False_  # without gaps one covariance serves all observations
    seen = ~np.broadcast_to(gap, np.broadcast_shapes(gap.shape, L.shape[:-1]))[..., None]
    L = np.where(seen, L, 0)
    Y = np.where(seen, _significant(_beside(L @ v.root, T), _apply(np.abs(L), v.std)), 0)
    S = Y @ Y.mT + np.where(seen, 0, np.eye(L.shape[-2]))  # eq-evidence; a gap has variance 1 and no covariance
    C = cholesky(asked, "the covariance S of the observation", S)
    G = solve_lower(C, solve_lower(C, L @ v.root @ v.root.mT), transposed=True).mT  # eq-posterior-gain
    surprise = np.where(seen[..., 0], u - _apply(L, v.mean) - m, 0)
    X = _significant(_beside(v.root - G @ (L @ v.root), G @ T), v.std)  # eq-posterior-root
    return Gaussian(v.mean + _apply(G, surprise), X @ X.mT)  # eq-posterior-mean


def _observation(
    asked: str, v: Gaussian, L: object, m: object, Sigma: object, **u: tuple[object, str]
) -> list[np.ndarray]:
    """Return L, m, a root of Sigma, and u if given, checked against the law of v."""
    given = {"L": (L, "k n"), "m": (m, "k"), "Sigma": (Sigma, "k k"), **u}
    checked = arrays(asked, mean=(v.mean, "n"), **given)[1:]
    L, m, Sigma, *u_ = (real(asked, name, array) for name, array in zip(given, checked, strict=True))
    return [L, m, root(asked, "Sigma", covariance(asked, Sigma=(Sigma, "k k")))[0], *u_]


def _components(asked: str, n: int, i: Components) -> np.ndarray:
    """Return the indices that i names, 0-dimensional for an int."""
    try:
        chosen = np.arange(n)[i if isinstance(i, slice) else np.asarray(i, dtype=None if np.size(i) else int)]
    except IndexError:
        chosen = None
    if chosen is None or np.ndim(chosen) > 1:
        raise IndexError(f"{asked}(): i = {i!r} names no components of a vector with {n}, which are 0 to {n - 1}")
    return np.asarray(chosen)


def _gaps(asked: str, name: str, x: object) -> tuple[np.ndarray, np.ndarray]:
    """Return data with zeros in their gaps, and where these are; what holds no numbers is left to `arrays`."""
    if np.ma.is_masked(x):
        raise ValueError(f"{asked}(): {name} is a masked array; {name}.filled(np.nan) marks its gaps as NaN")
    x = np.asarray(x)
    gap = np.isnan(x) if x.dtype.kind in "fc" else np.zeros(x.shape, bool)
    return np.where(gap, 0, x) if gap.any() else x, gap


def _significant(X: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return X with zeros in the rows that are nothing but rounding, next to the numbers that cancelled in them."""
    length = np.linalg.norm(X, axis=-1)
    return np.where((length > X.shape[-1] * SINGULAR * scale)[..., None], X, 0)


def _without(cov: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return covariances in which components not seen have variance 1 and no covariance."""
    return np.where(seen[..., :, None] & seen[..., None, :], cov, np.eye(cov.shape[-1]))


def _apply(A: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return A x for matrices and vectors on the last axes."""
    return x @ A.T if A.ndim == 2 else (A @ x[..., None])[..., 0]


def _beside(*blocks: np.ndarray) -> np.ndarray:
    """Return blocks with equally many rows side by side, their leading axes broadcast."""
    batch = np.broadcast_shapes(*(block.shape[:-2] for block in blocks))
    return np.concatenate([np.broadcast_to(block, batch + block.shape[-2:]) for block in blocks], axis=-1)
