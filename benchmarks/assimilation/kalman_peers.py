"""The other libraries' Kalman filters and smoothers, as one would call them, each behind the same door.

Every function takes a case, a system and observations (series, T, k), and returns beliefs: means (series, T, n) and
covariances, after each observation and, if the case asks for the smoother, given all of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from mlpc.assimilation import LinearSystem

Beliefs = list[tuple[Any, Any]]


def filterpy_run(case: Any, system: LinearSystem, y: np.ndarray) -> Beliefs:
    """filterpy's `batch_filter` and `rts_smoother`, series by series."""
    from filterpy.kalman import KalmanFilter

    found: list[list[np.ndarray]] = []
    for series in y:
        filter = KalmanFilter(system.n, system.observation.k)
        filter.x, filter.P = system.start.mean[:, None], system.start.cov
        filter.F, filter.Q = system.M, system.Q
        filter.H, filter.R = system.observation.H, matrix(system.observation.R)
        seen = [None if np.isnan(one).any() else one[:, None] for one in series]
        mean, cov, _, _ = filter.batch_filter(seen, update_first=False)
        parts = [mean[..., 0], cov]
        if case.smoother:
            mean, cov, _, _ = filter.rts_smoother(mean, cov)
            parts += [mean[..., 0], cov]
        found.append(parts)
    return pairs([np.stack(part) for part in zip(*found, strict=True)])


def pykalman_run(case: Any, system: LinearSystem, y: np.ndarray) -> Beliefs:
    """pykalman's `filter` and `smooth`, series by series."""
    from pykalman import KalmanFilter

    mean, cov = first(system)
    filter = KalmanFilter(
        transition_matrices=system.M,
        observation_matrices=system.observation.H,
        transition_covariance=system.Q,
        observation_covariance=matrix(system.observation.R),
        initial_state_mean=mean,
        initial_state_covariance=cov,
    )
    found = []
    for series in np.ma.masked_invalid(y):
        parts = list(filter.filter(series))
        found.append(parts + (list(filter.smooth(series)) if case.smoother else []))
    return pairs([np.stack(part) for part in zip(*found, strict=True)])


def torch_kf_run(case: Any, system: LinearSystem, y: np.ndarray) -> Beliefs:
    """torch-kf's `filter` and `rts_smooth` on all series at once."""
    import torch
    from torch_kf import GaussianState, KalmanFilter

    M, H, Q, R, mean, cov = (
        torch.tensor(part)
        for part in (system.M, system.observation.H, system.Q, matrix(system.observation.R), *first(system))
    )
    filter = KalmanFilter(M, H, Q, R)
    start = GaussianState(mean[:, None].expand(len(y), -1, 1).clone(), cov.expand(len(y), -1, -1).clone())
    filtered = filter.filter(start, torch.from_numpy(y).movedim(0, 1)[..., None], return_all=True)
    states = [filtered, filter.rts_smooth(filtered)] if case.smoother else [filtered]
    return [(state.mean[..., 0].movedim(0, 1), state.covariance.movedim(0, 1)) for state in states]


def dynamax_run(case: Any, system: LinearSystem, y: np.ndarray) -> Beliefs:
    """dynamax' `lgssm_filter` or `lgssm_smoother`, compiled for all series at once."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of what dynamax imports
        from dynamax.linear_gaussian_ssm import lgssm_filter, lgssm_smoother
        from dynamax.linear_gaussian_ssm.inference import make_lgssm_params

    compiled = _compiled(lgssm_smoother if case.smoother else lgssm_filter)
    parameters = make_lgssm_params(
        *first(system), system.M, system.Q, system.observation.H, matrix(system.observation.R)
    )
    found = compiled(parameters, y)
    parts = [found.filtered_means, found.filtered_covariances]
    if case.smoother:
        parts += [found.smoothed_means, found.smoothed_covariances]
    return pairs([np.asarray(part) for part in parts])


@cache
def _compiled(function: Callable) -> Callable:
    import jax

    return jax.jit(jax.vmap(function, in_axes=(None, 0)))


def cuthbert_run(case: Any, system: LinearSystem, y: np.ndarray) -> Beliefs:
    """cuthbert's square-root `filter` and `smoother`, compiled for all series at once, in sequence over time."""
    import jax.numpy as jnp

    roots = [np.linalg.cholesky(part) for part in (system.start.cov, system.Q, matrix(system.observation.R))]
    parts = _cuthbert(case.smoother)(system.start.mean, system.M, system.observation.H, *map(jnp.asarray, roots), y)
    return pairs([np.asarray(part)[:, 1:] for part in parts])


@cache
def _cuthbert(smoother: bool) -> Callable:
    import jax
    from cuthbert import filter
    from cuthbert import smoother as smooth
    from cuthbert.gaussian import kalman

    def one(mean, M, H, root, Q, R, y):
        def dynamics(seen):
            return M, jax.numpy.zeros(len(M)), Q

        def observation(seen):
            return H, jax.numpy.zeros(len(H)), R, seen

        rule = kalman.build_filter(mean, root, dynamics, observation)
        filtered = filter(rule, y, rule.init_prepare())
        states = [filtered, smooth(kalman.build_smoother(dynamics), filtered)] if smoother else [filtered]
        return [part for state in states for part in (state.mean, state.chol_cov @ state.chol_cov.mT)]

    return jax.jit(jax.vmap(one, in_axes=(None, None, None, None, None, None, 0)))


def first(system: LinearSystem) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the covariance of x_1, where the libraries begin that have no x_0."""
    return system.M @ system.start.mean, system.M @ system.start.cov @ system.M.T + system.Q


def matrix(R: np.ndarray) -> np.ndarray:
    """Return the covariance of the observations' noise as a matrix."""
    return np.diag(R) if R.ndim == 1 else R


def pairs(parts: list[Any]) -> Beliefs:
    """Return means and covariances two by two."""
    return [*zip(parts[::2], parts[1::2], strict=True)]


PEERS: dict[str, tuple[str, bool, Callable[..., Beliefs]]] = {
    "filterpy": ("filterpy", True, filterpy_run),
    "pykalman": ("pykalman", True, pykalman_run),
    "torch-kf": ("torch_kf", True, torch_kf_run),
    "dynamax": ("dynamax", False, dynamax_run),
    "cuthbert": ("cuthbert", False, cuthbert_run),
}
"""Name: the module, whether it takes missing observations, and the function."""
