"""The filters that are judged, each made from a system and what was tuned for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpc.assimilation import ETKF, LETKF, FiniteSize, IEnKS, Lorenz96, Var3D, climatology

SEED = 7  # of the long run that 3D-Var's covariance comes from


def ring() -> Lorenz96:
    """Return Lorenz' ring as it is usually set up: 40 sites, seen with variance 1 every 0.05; x₀ has variance 0.001."""
    return Lorenz96(sigma_0=0.001**0.5)


def etkf(system: Any, N: int, inflation: float) -> ETKF:
    """Return the transform filter with random rotations."""
    return ETKF(system, N, inflation, rotate=True)


def letkf(system: Any, N: int, inflation: float, radius: float) -> LETKF:
    """Return the local transform filter with random rotations."""
    return LETKF(system, N, radius, inflation, rotate=True)


def finite_size(system: Any, N: int) -> ETKF:
    """Return the transform filter with the finite-size inflation, which has nothing to tune."""
    return ETKF(system, N, FiniteSize(), rotate=True)


def iterative(system: Any, N: int, inflation: float, lag: int = 1) -> IEnKS:
    """Return the iterative smoother, used as a filter, with random rotations."""
    return IEnKS(system, N, inflation=inflation, rotate=True, lag=lag)


def var3d(system: Any, share: float) -> Var3D:
    """Return the filter whose background covariance is always this share of the climatology's."""
    return Var3D(system, share * climatology(system, 1000, np.random.default_rng(SEED)).cov)
