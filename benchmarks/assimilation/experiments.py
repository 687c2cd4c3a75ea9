"""Long twin experiments, many at once: how accurate a filter is, how sure that is, and whether it survives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from mlpc.assimilation import cycles, hidden, scores, twin_experiment


@dataclass(frozen=True)
class Setting:
    """Twin experiments: a system, how many, how long, and what of the observations is lost.

    Parameters
    ----------
    system : Callable
        Makes the system.
    experiments, length, burn_in : int
        How many independent experiments; cycles that count; cycles before them, which do not.
    seed : int
        Of the truths and the observations; the filter draws with the next one.
    missing : float
        The probability that nothing is seen at a time.
    """

    system: Callable[[], Any]
    experiments: int
    length: int
    burn_in: int
    seed: int
    missing: float = 0.0


@dataclass(frozen=True)
class Job:
    """One filter in one setting: a row of a table or a point of a curve.

    Parameters
    ----------
    name : str
        Unique in its benchmark.
    setting : Setting
        The experiments.
    filter : callable
        Makes the filter of a system.
    about : dict
        What a reader shall know of it, ready for JSON: method, N, inflation, radius, the published error.
    density : bool
        Whether the density of the truth under the belief is asked for: only where the covariance has an inverse.
    """

    name: str
    setting: Setting
    filter: Callable[[Any], Any]
    about: dict[str, Any] = field(default_factory=dict)
    density: bool = False


@lru_cache(maxsize=1)
def data(setting: Setting) -> tuple[Any, np.ndarray, np.ndarray, float]:
    """Return the system, the truths (experiments, T + 1, n), their observations, and the error of climatology."""
    system, rng = setting.system(), np.random.default_rng(setting.seed)
    steps = setting.burn_in + setting.length
    x, y = twin_experiment(system, steps, rng, batch=(setting.experiments,))
    y = hidden(y, rng, share=setting.missing, together=True) if setting.missing else y
    return system, x, y, float(scores.climatology(x[:, setting.burn_in :]))


def measure(job: Job) -> dict[str, Any]:
    """Run all experiments of a job as one batch, and return its errors and its survival, ready for JSON."""
    started = time.process_time()
    system, x, y, climatology = data(job.setting)
    series = follow(job, system, x, y)
    later = {name: values[:, job.setting.burn_in :] for name, values in series.items()}
    lost = scores.lost(later["rmse_a"], limit=climatology / 2)
    return {
        "name": job.name,
        **job.about,
        "experiments": job.setting.experiments,
        "cycles": job.setting.length,
        "burn_in": job.setting.burn_in,
        "seed": job.setting.seed,
        "climatology": climatology,
        **{name: pooled(values) for name, values in later.items()},
        "lost": int(lost.sum()),
        "diverged": int((~np.isfinite(later["rmse_a"]).all(axis=-1)).sum()),
        "processor_seconds": time.process_time() - started,
    }


def follow(job: Job, system: Any, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Run the filter, and return its scores cycle by cycle, each of shape (experiments, T); NaN after a divergence."""
    found: dict[str, list[np.ndarray]] = {}
    for t, cycle in enumerate(cycles(job.filter(system), y, np.random.default_rng(job.setting.seed + 1)), start=1):
        for suffix, state in (("a", cycle.analysis), ("b", cycle.forecast)):
            parts = {f"rmse_{suffix}": scores.rmse(state.mean, x[:, t]), f"spread_{suffix}": scores.spread(state.std)}
            if job.density:
                parts[f"nll_{suffix}"] = scores.nll(state.mean, state.cov, x[:, t])
            for name, values in parts.items():
                found.setdefault(name, []).append(np.where(cycle.alive, values, np.nan))
    return {name: np.stack(values, axis=-1) for name, values in found.items()}


def pooled(values: np.ndarray) -> dict[str, Any]:
    """Return the mean of scores (experiments, T), its standard error, and the scatter of the experiments.

    The error is made of those of the experiments, each of which knows that successive cycles depend on each other. An
    experiment that is not finite has no score: then there is none at all.
    """
    each = scores.average(values)
    if not np.isfinite(each.mean).all():
        return {"mean": None, "error": None, "scatter": None}
    scatter = float(each.mean.std(ddof=1)) if len(values) > 1 else None
    error = float(np.sqrt((each.standard_error**2).sum()) / len(values))
    return {"mean": float(each.mean.mean()), "error": error, "scatter": scatter}
