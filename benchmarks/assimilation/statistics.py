"""The statistics that DAPPER makes of every ensemble, here of all cycles at once: so that equal work is compared.

Of each component: the mean's error, the spread, the logarithmic score of a Gaussian, the continuous ranked probability
score, the rank of the truth; over all components: mean absolute deviation, skewness, kurtosis, the singular values of
the anomalies, and the error along the singular vectors.
"""

from __future__ import annotations

import numpy as np
import torch

AT_ONCE = 2**17  # numbers: ensembles that fit into a core's cache are faster than all at once


def of_series(members: np.ndarray, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the statistics of T ensembles (T, N, n) with their truths (T, n), each with the axis T in front."""
    block = max(1, AT_ONCE // members[0].size)
    parts = [of_ensembles(members[t : t + block], x[t : t + block]) for t in range(0, len(x), block)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def of_ensembles(E: np.ndarray, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the statistics of ensembles (..., N, n) with the truths (..., n)."""
    N = E.shape[-2]
    mean = E.mean(axis=-2)
    error, A = mean - x, E - mean[..., None, :]
    squares = A * A
    variance = squares.sum(axis=-2) / (N - 1)
    spread = np.sqrt(variance)
    cubes = squares * A
    fields = {
        "mu": mean,
        "err": error,
        "spread": spread,
        "gscore": 2 * np.log(spread) + (error / spread) ** 2,
        "crps": crps(E, x),
    }
    values, along = spectrum(A / (N - 1) ** 0.5, error)
    return {
        **fields,
        **{f"{name}.{kind}": mean_of(field) for name, field in fields.items() for kind, mean_of in FIELD_MEANS.items()},
        "mad": np.abs(A).mean(axis=(-2, -1)),
        "skew": (cubes.mean(axis=-2) / (variance * spread)).mean(axis=-1),
        "kurt": ((cubes * A).mean(axis=-2) / variance**2 - 3).mean(axis=-1),
        "rh": (x[..., None, :] > E).sum(axis=-2),
        "svals": values,
        "umisf": along,
    }


FIELD_MEANS = {
    "m": lambda field: field.mean(axis=-1),
    "rms": lambda field: np.sqrt((field**2).mean(axis=-1)),
    "ma": lambda field: np.abs(field).mean(axis=-1),
}


def crps(E: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score of the members' own distribution, component by component."""
    N = E.shape[-2]
    ordered = np.sort(np.ascontiguousarray(E.mT), axis=-1)
    pairs = ordered @ (2.0 * np.arange(1, N + 1) - N - 1)
    return np.abs(E - x[..., None, :]).mean(axis=-2) - pairs / N**2


def spectrum(X: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the singular values of the anomalies X, largest first, and the error along their directions."""
    N, n = X.shape[-2:]
    if n < 2 * N:  # the eigenvectors of the covariance are cheaper
        squares, U = (part.numpy() for part in torch.linalg.eigh(torch.from_numpy(X.mT @ X)))  # sooner than NumPy's
        values, directions = np.sqrt(np.maximum(squares, 0))[..., ::-1], U.mT[..., ::-1, :]
    else:
        _, values, directions = np.linalg.svd(X, full_matrices=False)
    kept = min(N, n)
    return values[..., :kept], (directions[..., :kept, :] @ error[..., None])[..., 0]
