"""Ensembles and observations on which the chapter's checkers try a function."""

from __future__ import annotations

import numpy as np

Array = np.ndarray
Rng = np.random.Generator


def members(rng: Rng, least: int = 4) -> Array:
    """Return a few members (N, n) with correlated components and a mean that is not zero."""
    N, n = int(rng.integers(least, least + 3)), int(rng.integers(3, 6))
    return rng.normal(size=n) + rng.normal(size=(N, n)) @ (np.eye(n) + rng.uniform(-0.5, 0.5, size=(n, n)))


def anomalies(E: Array) -> Array:
    """Return the members without their mean, divided by the root of N - 1."""
    return (E - E.mean(axis=0)) / np.sqrt(len(E) - 1)
