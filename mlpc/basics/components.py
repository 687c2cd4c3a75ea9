"""The K Gaussians of a mixture as its E step needs them: seen in the columns that hold a number, in blocks of rows.

Three kinds with the same verbs. `coordinates` brings a block of c rows into the coordinates in which a density is a sum
of squares, or a linear map; `log_densities` and `moments` read only those; `deviations` and `completed` lead back to
all d columns, with the conditional mean and covariance in the place of what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from mlpc.basics.missing import Pattern

LOG_2PI = np.log(2 * np.pi)
EXPANSION_ERROR = 1e-10  # of a log-density: squares are expanded only where rounding stays below
BLOCK = 2**16  # numbers in a block of coordinates: about what a core's cache holds
Moments = tuple[np.ndarray, ...]


@runtime_checkable
class Components(Protocol):
    """What the E step asks of the components, seen in o of d columns."""

    @property
    def pattern(self) -> Pattern:
        """The rows, and the columns in which they hold a number."""
        ...

    @property
    def block(self) -> int:
        """How many rows to take at a time."""
        ...

    def coordinates(self, rows: np.ndarray) -> np.ndarray:
        """Return the coordinates of rows of shape (c, o)."""
        ...

    def log_densities(self, z: np.ndarray) -> np.ndarray:
        """Return log N(x_o | mu_k, Sigma_k), of shape (K, c)."""
        ...

    def zero_moments(self) -> Moments:
        """Return the moments of no rows."""
        ...

    def moments(self, r: np.ndarray, z: np.ndarray) -> Moments:
        """Return the sums over the rows, weighted by the responsibilities r of shape (K, c)."""
        ...

    def deviations(self, moments: Moments) -> Moments:
        """Return the sums of r, of r E[x - mu_k] and of r E[(x - mu_k)(x - mu_k)ᵀ], in all d columns."""
        ...

    def completed(self, z: np.ndarray) -> np.ndarray:
        """Return the conditional means of the missing entries given the rest, of shape (K, c, d - o)."""
        ...


@dataclass(frozen=True, eq=False)
class FullComponents:
    """Full covariances: z = L⁻¹(x_o - μ_o) with Σ_oo = L Lᵀ.

    Attributes
    ----------
    means : array of shape (K, d)
        The means in all columns.
    whitening : array of shape (K, o, o)
        L⁻ᵀ, by one triangular solve a component; after that a block costs matrix products only.
    logs : array of shape (K,)
        The logarithms of the densities at the means.
    back : array of shape (K, o, d)
        L⁻¹Σ_od: z times this is the conditional mean of x - μ in all columns.
    spread : array of shape (K, d, d)
        The conditional covariance of the missing entries, zero elsewhere.
    """

    pattern: Pattern
    means: np.ndarray
    whitening: np.ndarray
    logs: np.ndarray
    back: np.ndarray
    spread: np.ndarray
    block: int

    @classmethod
    def seen_in(cls, pattern: Pattern, means: np.ndarray, covariances: np.ndarray) -> FullComponents:
        """Return the components as the columns of a pattern show them."""
        o, m, K, d = pattern.columns, pattern.gaps, *means.shape
        L = np.linalg.cholesky(covariances[:, o[:, None], o])
        L_inv = np.linalg.solve(L, np.broadcast_to(np.eye(len(o)), L.shape))
        back, spread = np.zeros((K, len(o), d)), np.zeros((K, d, d))
        back[:, :, o], back[:, :, m] = L.mT, L_inv @ covariances[:, o[:, None], m]
        spread[:, m[:, None], m] = covariances[:, m[:, None], m] - back[:, :, m].mT @ back[:, :, m]
        logs = -np.log(np.diagonal(L, axis1=1, axis2=2)).sum(axis=1) - len(o) * LOG_2PI / 2
        return cls(pattern, means, L_inv.mT.copy(), logs, back, spread, max(64, BLOCK // (K * len(o))))

    def coordinates(self, rows: np.ndarray) -> np.ndarray:
        """Return the whitened deviations from the means, of shape (K, c, o)."""
        return (rows - self.means[:, None, self.pattern.columns]) @ self.whitening

    def log_densities(self, z: np.ndarray) -> np.ndarray:
        """Return log N(x_o | mu_k, Sigma_k), of shape (K, c)."""
        squares = np.einsum("kcj,kcj->kc", z, z)
        squares *= -0.5
        squares += self.logs[:, None]
        return squares

    def zero_moments(self) -> Moments:
        """Return the moments of no rows."""
        K, o = len(self.means), len(self.pattern.columns)
        return np.zeros(K), np.zeros((K, o)), np.zeros((K, o, o))

    def moments(self, r: np.ndarray, z: np.ndarray) -> Moments:
        """Return Σ r, Σ r z and Σ r z zᵀ over the block."""
        weighted = np.sqrt(r)[:, :, None] * z  # the product of a matrix with its own transpose costs half
        return r.sum(axis=1), (r[:, None] @ z)[:, 0], weighted.mT @ weighted

    def deviations(self, moments: Moments) -> Moments:
        """Return Σ r, Σ r E[x - μ] and Σ r E[(x - μ)(x - μ)ᵀ] from the moments of z."""
        counts, first, second = moments
        first = (first[:, None, :] @ self.back)[:, 0]
        second = self.back.mT @ second @ self.back + counts[:, None, None] * self.spread  # eq-em-missing-moments
        return counts, first, second

    def completed(self, z: np.ndarray) -> np.ndarray:
        """Return μ_m + Σ_mo Σ_oo⁻¹ (x_o - μ_o), of shape (K, c, d - o)."""
        m = self.pattern.gaps
        return self.means[:, None, m] + z @ self.back[:, :, m]


@dataclass(frozen=True, eq=False)
class DiagonalComponents:
    """Diagonal covariances: z = (x_o - μ_o) / σ_o. Nothing cancels, at the cost of K numbers for each entry of x."""

    pattern: Pattern
    means: np.ndarray
    variances: np.ndarray
    block: int

    @classmethod
    def seen_in(cls, pattern: Pattern, means: np.ndarray, variances: np.ndarray) -> DiagonalComponents:
        """Return the components as the columns of a pattern show them."""
        return cls(pattern, means, variances, max(64, BLOCK // means[:, pattern.columns].size))

    def coordinates(self, rows: np.ndarray) -> np.ndarray:
        """Return the deviations from the means in standard deviations, of shape (K, c, o)."""
        o = self.pattern.columns
        z = rows - self.means[:, None, o]
        z /= np.sqrt(self.variances[:, None, o])
        return z

    def log_densities(self, z: np.ndarray) -> np.ndarray:
        """Return log N(x_o | mu_k, Sigma_k), of shape (K, c)."""
        logs = np.log(self.variances[:, self.pattern.columns]).sum(axis=1) + z.shape[2] * LOG_2PI
        return -(np.einsum("kcj,kcj->kc", z, z) + logs[:, None]) / 2

    def zero_moments(self) -> Moments:
        """Return the moments of no rows."""
        K, o = len(self.means), len(self.pattern.columns)
        return np.zeros(K), np.zeros((K, o)), np.zeros((K, o))

    def moments(self, r: np.ndarray, z: np.ndarray) -> Moments:
        """Return Σ r, Σ r z and Σ r z² over the block."""
        return r.sum(axis=1), (r[:, None] @ z)[:, 0], (r[:, None] @ z**2)[:, 0]

    def deviations(self, moments: Moments) -> Moments:
        """Return Σ r, Σ r E[x - μ] and the diagonals of Σ r E[(x - μ)(x - μ)ᵀ]."""
        counts, first, second = moments
        variances = self.variances[:, self.pattern.columns]
        return _in_all_columns(self.pattern, self.variances, counts, np.sqrt(variances) * first, variances * second)

    def completed(self, z: np.ndarray) -> np.ndarray:
        """Return μ_m, as nothing else is known of it, of shape (K, c, d - o)."""
        return np.broadcast_to(self.means[:, None, self.pattern.gaps], (*z.shape[:2], len(self.pattern.gaps)))


@dataclass(frozen=True, eq=False)
class ExpandedComponents:
    """Diagonal covariances, with (x - μ)² expanded about a centre of the data: log-densities are linear in (y², y).

    Everything is one product of matrices, but squares cancel: their rounding is eps (reach / σ)², where the reach is
    the distance of the farthest row from the centre.
    """

    pattern: Pattern
    means: np.ndarray
    variances: np.ndarray
    centre: np.ndarray
    block: int

    @classmethod
    def seen_in(
        cls, pattern: Pattern, means: np.ndarray, variances: np.ndarray, centre: np.ndarray
    ) -> ExpandedComponents:
        """Return the components as the columns of a pattern show them."""
        o = pattern.columns
        return cls(pattern, means, variances, centre[o], max(64, BLOCK // (len(means) + 2 * len(o))))

    def coordinates(self, rows: np.ndarray) -> np.ndarray:
        """Return y² and y side by side for y = x - centre, of shape (c, 2 o)."""
        c, o = rows.shape
        z = np.empty((c, 2 * o))
        y = np.subtract(rows, self.centre, out=z[:, o:])
        np.multiply(y, y, out=z[:, :o])
        return z

    def log_densities(self, z: np.ndarray) -> np.ndarray:
        """Return log N(x_o | mu_k, Sigma_k), of shape (K, c)."""
        m, variances = self._offsets(), self.variances[:, self.pattern.columns]
        logs = -(np.log(variances) + m**2 / variances + LOG_2PI).sum(axis=1) / 2
        densities = np.hstack([-0.5 / variances, m / variances]) @ z.T
        densities += logs[:, None]
        return densities

    def zero_moments(self) -> Moments:
        """Return the moments of no rows."""
        K, o = len(self.means), len(self.pattern.columns)
        return np.zeros(K), np.zeros((K, 2 * o))

    def moments(self, r: np.ndarray, z: np.ndarray) -> Moments:
        """Return Σ r, and Σ r y² and Σ r y side by side."""
        return r.sum(axis=1), r @ z

    def deviations(self, moments: Moments) -> Moments:
        """Return Σ r, Σ r E[x - μ] and the diagonals of Σ r E[(x - μ)(x - μ)ᵀ]."""
        counts, both = moments
        second, first = np.hsplit(both, 2)
        m, N = self._offsets(), counts[:, None]
        second = second - 2 * m * first + N * m**2
        return _in_all_columns(self.pattern, self.variances, counts, first - N * m, second)

    def completed(self, z: np.ndarray) -> np.ndarray:
        """Return μ_m, as nothing else is known of it, of shape (K, c, d - o)."""
        K, m = len(self.means), len(self.pattern.gaps)
        return np.broadcast_to(self.means[:, None, self.pattern.gaps], (K, len(z), m))

    def _offsets(self) -> np.ndarray:
        return self.means[:, self.pattern.columns] - self.centre


def diagonal_components(
    pattern: Pattern, means: np.ndarray, variances: np.ndarray, low: np.ndarray, high: np.ndarray
) -> Components:
    """Return diagonal components for data between low and high: expanded if that loses no digit that counts.

    Parameters
    ----------
    pattern : Pattern
        The rows.
    means, variances : arrays of shape (K, d)
        Those of the components.
    low, high : arrays of shape (d,)
        The range of each column.

    Examples
    --------
    >>> pattern = Pattern(np.empty((0, 1)), np.array([0]), np.arange(0), slice(None))
    >>> for sigma in (1.0, 1e-6):
    ...     low, high, means = np.array([-1.0]), np.array([1.0]), np.zeros((1, 1))
    ...     print(type(diagonal_components(pattern, means, np.full((1, 1), sigma**2), low, high)).__name__)
    ExpandedComponents
    DiagonalComponents
    """
    o, centre = pattern.columns, (low + high) / 2
    reach = np.maximum(np.abs(means - centre), (high - low) / 2)[:, o]
    rounding = np.finfo(float).eps * (reach**2 / variances[:, o]).sum(axis=1).max()
    if rounding < EXPANSION_ERROR:
        return ExpandedComponents.seen_in(pattern, means, variances, centre)
    return DiagonalComponents.seen_in(pattern, means, variances)


def _in_all_columns(
    pattern: Pattern, variances: np.ndarray, counts: np.ndarray, first: np.ndarray, second: np.ndarray
) -> Moments:
    """Return sums over the columns seen as sums over all; a missing entry has mean μ and variance σ²."""
    all_first, all_second = np.zeros_like(variances), counts[:, None] * variances
    all_first[:, pattern.columns], all_second[:, pattern.columns] = first, second
    return counts, all_first, all_second
