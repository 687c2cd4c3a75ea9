"""Localisation: each site is corrected by what was observed near it; far correlations, which are noise, do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
from array_api_compat import device
from scipy.spatial import KDTree

from mlpc.arguments import arrays, keep
from mlpc.assimilation.backends import Array, drawing, like, namespace, number
from mlpc.assimilation.ensembles import (
    Change,
    EnsembleFilter,
    chi_squared,
    complement,
    regression,
    rotation,
    symmetric,
)
from mlpc.assimilation.observations import Components
from mlpc.assimilation.systems import System

AT_ONCE = 2**20  # numbers that are gathered for a chunk of sites


def gaspari_cohn(distance: Any, c: float) -> np.ndarray:
    """Return the taper of Gaspari and Cohn by :eq:`eq-gaspari-cohn`: 1 at distance 0, and 0 from 2c on.

    It has two pieces, and is a correlation function in up to three dimensions. Near zero it is like a Gaussian of
    standard deviation c √(3/10).

    Parameters
    ----------
    distance : array of any shape
        Its sign does not count.
    c : float
        Half of the width; infinity makes no taper.

    Returns
    -------
    array of the same shape
        Between 0 and 1.

    Raises
    ------
    ValueError
        If c is not positive.

    References
    ----------
    Gaspari and Cohn, Quarterly Journal of the Royal Meteorological Society 125 (1999), equation 4.10.

    Examples
    --------
    >>> gaspari_cohn(np.array([0.0, 1.0, 2.0, 3.0]), c=1.0).round(4)
    array([1.    , 0.2083, 0.    , 0.    ])
    """
    if not c > 0:
        raise ValueError(f"gaspari_cohn(): c must be positive, but is {c}")
    away = np.abs(np.asarray(distance, dtype=float))
    z = np.minimum(away / c, 2.0) if c < np.inf else np.zeros_like(away)
    near = 1 + z**2 * (-5 / 3 + z * (5 / 8 + z * (1 / 2 - z / 4)))
    safe = np.where(z > 0, z, 1.0)
    far = 4 + z * (-5 + z * (5 / 3 + z * (5 / 8 + z * (-1 / 2 + z / 12)))) - 2 / (3 * safe)
    return np.where(z <= 1, near, np.maximum(far, 0.0))  # rounding at z = 2 has a sign


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the components of the state and the observations are.

    Parameters
    ----------
    sites : array of shape (n, m)
        Coordinates of the components in m dimensions.
    observed : array of shape (k, m)
        Coordinates of the observations.
    period : float or array of shape (m,)
        The circumference in each dimension; infinity if it is open.

    Raises
    ------
    ValueError
        If a shape does not fit, an entry is not finite, or a period is not positive.

    Examples
    --------
    >>> Geometry(sites=[[0.0], [1.0], [2.0]], observed=[[0.0]], period=3.0).near(1.5)[1].ravel()
    array([0., 1., 1.])
    """

    sites: Any
    observed: Any
    period: Any = np.inf

    def __post_init__(self) -> None:
        sites, observed = arrays("Geometry", sites=(self.sites, "n m"), observed=(self.observed, "k m"))
        if sites.ndim != 2 or observed.ndim != 2:
            raise ValueError(
                f"Geometry(): sites and observed must be of shapes (n, m) and (k, m), but are of {sites.shape} and "
                f"{observed.shape}"
            )
        period = np.asarray(self.period, dtype=float)
        if period.shape not in ((), (sites.shape[-1],)):
            raise ValueError(
                f"Geometry(): period must be one number, or one for each of {sites.shape[-1]} dimensions, but is "
                f"{self.period}"
            )
        period = np.broadcast_to(period, sites.shape[-1]).copy()
        if not (period > 0).all():
            raise ValueError(f"Geometry(): period must be positive, or infinite for an open line, but is {self.period}")
        keep(self, sites=np.array(sites, float), observed=np.array(observed, float), period=period)

    @classmethod
    def line(cls, system: System, period: float = np.inf) -> Geometry:
        """Return the geometry of components in a row, one unit apart, some of which are observed."""
        observation = system.observation
        if not isinstance(observation, Components):
            raise ValueError(
                f"Geometry(): where does {type(observation).__name__} observe? geometry=Geometry(sites, observed, "
                "period) would say it; only Components lie at the sites that they choose"
            )
        sites = np.arange(system.n, dtype=float)[:, None]
        return cls(sites, sites[observation.chosen], period)

    @classmethod
    def ring(cls, system: System) -> Geometry:
        """Return the geometry of components in a ring, one unit apart, as those of Lorenz-96."""
        return cls.line(system, period=float(system.n))

    def near(self, radius: float) -> tuple[np.ndarray, np.ndarray]:
        """Return for each site the observations nearer than `radius`, and their distances.

        Returns
        -------
        index : array of ints, of shape (n, L)
            L is the largest number that a site has; rows that have less are filled up with observation 0.
        distance : array of shape (n, L)
            Infinite in what is filled up.
        """
        closed = np.isfinite(self.period)
        box = np.where(closed, self.period, 0.0)  # SciPy's word for an open dimension
        size = np.where(closed, box, 1.0)  # twice, as -1e-17 % 3.0 is 3.0
        sites, observed = (np.where(closed, at % size % size, at) for at in (self.sites, self.observed))
        pairs = KDTree(sites, boxsize=box).sparse_distance_matrix(
            KDTree(observed, boxsize=box), np.minimum(radius, np.finfo(float).max), output_type="ndarray"
        )
        pairs = pairs[pairs["v"] < radius]
        pairs = pairs[np.lexsort((pairs["j"], pairs["i"]))]
        counts = np.bincount(pairs["i"], minlength=len(sites))
        column = np.arange(len(pairs)) - np.repeat(np.cumsum(counts) - counts, counts)
        index = np.zeros((len(sites), int(counts.max(initial=0))), np.intp)
        distance = np.full(index.shape, np.inf)
        index[pairs["i"], column], distance[pairs["i"], column] = pairs["j"], pairs["v"]
        return index, distance


@dataclass(frozen=True, eq=False)
class LETKF(EnsembleFilter):
    """The local ensemble transform filter: for each site a transform of its own, by :eq:`eq-letkf`.

    The inverse variances of the observations are multiplied by the taper of their distance from the site. Only those
    nearer than 2c count; so the cost is linear in the number of sites, and no array is larger than the ensemble and the
    list of neighbours. The observations' errors must be independent: what is left of dependent ones, once they are
    whitened, belongs to no single place. The transforms are symmetric roots: these change from site to site as little
    as the observations near them do. With `rotate`, all sites, and all trajectories of the batch, share one rotation.
    There is no one covariance that the local analyses come from: log-evidence and chi2 are those of the ensemble's own,
    without taper. A `FiniteSize` inflation is found for each site by itself.

    Parameters
    ----------
    system, N, inflation, exact
        As for :class:`mlpc.assimilation.ensembles.EnsembleFilter`.
    radius : float
        c of :func:`gaspari_cohn`, in the units of the coordinates.
    rotate : bool
        Whether to rotate.
    geometry : Geometry, optional
        Where components and observations are; without it, components lie on a ring, one unit apart.

    Raises
    ------
    ValueError
        If there are fewer than two members, the radius is not positive, the geometry does not fit, or R has entries off
        its diagonal; from `run`, if there is no Generator.
    TypeError
        If the inflation is neither a number nor a strategy.

    References
    ----------
    Hunt, Kostelich and Szunyogh, Physica D 230 (2007).

    Examples
    --------
    >>> from mlpc.assimilation import Lorenz96, run, scores, twin_experiment
    >>> rng = np.random.default_rng(0)
    >>> x, y = twin_experiment(Lorenz96(), 200, rng)
    >>> result = run(LETKF(Lorenz96(), N=10, radius=8.0, inflation=1.03), y, rng)
    >>> bool(scores.rmse(result.mean, x[1:])[50:].mean() < 0.4)
    True
    """

    system: System
    N: int
    radius: float
    inflation: Any = 1.0
    rotate: bool = False
    _: KW_ONLY
    geometry: Geometry | None = None
    exact: bool = False
    _index: np.ndarray = field(init=False, repr=False)
    _root_taper: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "radius", number("LETKF", "radius", self.radius))
        if not self.radius > 0:
            raise ValueError(f"LETKF(): radius must be positive, but is {self.radius}")
        R = self.system.observation.R
        if R.ndim == 2 and (np.diag(np.diagonal(R)) != R).any():
            raise ValueError(
                "LETKF(): R must be that of independent errors, such as variances (k,), as dependent errors belong to "
                "no single place; ETKF() takes any R"
            )
        geometry = Geometry.ring(self.system) if self.geometry is None else self.geometry
        shape, fitting = (len(geometry.sites), len(geometry.observed)), (self.system.n, self.system.observation.k)
        if shape != fitting:
            raise ValueError(
                f"LETKF(): geometry has {shape[0]} sites and {shape[1]} observations, but the system has {fitting[0]} "
                f"components and observes {fitting[1]}"
            )
        index, distance = geometry.near(2 * self.radius)
        taper = np.where(distance < np.inf, gaspari_cohn(distance, self.radius), 0.0)
        keep(self, _index=index, _root_taper=np.sqrt(taper))
        object.__setattr__(self, "geometry", geometry)

    def change(self, X: Array, Y: Array, d: Array, rng: np.random.Generator | None) -> Change:
        """Return the local changes."""
        xp = namespace(X)
        parts = [self._local(X[..., sites], Y, d, sites) for sites in self._chunks(X)]
        shift, anomalies = (xp.concat(part, axis=-1) for part in zip(*parts, strict=True))
        if self.rotate:
            U = like(X, complement(self.N))
            anomalies = U @ like(X, rotation(self.N - 1, drawing(rng))) @ (U.mT @ anomalies)
        w, _, logdet = regression(X[..., :0], Y, d)
        return Change(shift, anomalies, logdet, chi_squared(Y, d, w))

    def _chunks(self, X: Array) -> Iterator[slice]:
        each = self._index.shape[1] * int(np.prod(X.shape[:-1]))
        size = max(1, AT_ONCE // max(1, each))
        return (slice(first, min(first + size, self.system.n)) for first in range(0, self.system.n, size))

    def _local(self, X: Array, Y: Array, d: Array, sites: slice) -> tuple[Array, Array]:
        """Return shifts (..., m) and anomalies (..., N, m) of m sites."""
        xp, index = namespace(X), self._index[sites]
        taper = like(X, self._root_taper[sites])  # of the errors' standard deviations, so its root
        flat = xp.asarray(index.flatten(), device=device(X))  # a copy, which torch may hold
        near = xp.reshape(xp.take(Y.mT, flat, axis=-2), (*Y.shape[:-2], *index.shape, self.N))
        near = (near * taper[..., None]).mT  # (..., m, N, L)
        d = xp.reshape(xp.take(d, flat, axis=-1), (*d.shape[:-1], *index.shape)) * taper
        X, near = self.inflation.prior(X.mT[..., None], near, d)  # (..., m, N, 1)
        w, anomalies, _ = symmetric(X, near, d)
        return xp.linalg.vecdot(X[..., 0], w), anomalies[..., 0].mT
