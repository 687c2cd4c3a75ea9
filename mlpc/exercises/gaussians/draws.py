"""Covariances on which the chapter's checkers try a function."""

from __future__ import annotations

import numpy as np

Array = np.ndarray
Rng = np.random.Generator


def covariance(rng: Rng, n: int) -> Array:
    """Return a random covariance of moderate condition, with unequal variances."""
    F = np.eye(n) + rng.uniform(-0.5, 0.5, size=(n, n))
    scale = rng.uniform(0.5, 2, size=n)
    return scale[:, None] * (F @ F.T) * scale
