"""Kalman's filter and the smoother on many series at once, beside the libraries that one would use instead.

All start from the same law, see the same observations and return every mean and every covariance, after each
observation and (with the smoother) given all of them. These must be equal before they are timed. Libraries that take
one series at a time are given a few of them, and their time is that of a series.

    python -m benchmarks.assimilation.kalman CASE CONTENDER SERIES      the peak memory of one run, in MiB
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.assimilation import kalman_peers
from benchmarks.measure import in_turn, installed, own_peak, peak_of_process
from mlpc.assimilation import KalmanFilter, Linear, Linear2D, LinearSystem, hidden, rts_smoother, twin_experiment
from mlpc.assimilation import run as run_filter
from mlpc.basics import Gaussian

PACKAGES = ("torch", "filterpy", "pykalman", "torch-kf", "dynamax", "cuthbert", "jax")
SERIES, STEPS, ONE_BY_ONE, SEED = 1000, 100, 20, 4
EQUAL = 1e-4  # standard deviations: beliefs that differ by more are not the same; dynamax adds 1e-9 to variances
FOR_EACH = ("filterpy", "pykalman")  # these take one series at a time


@dataclass(frozen=True)
class Case:
    """Series from one system, complete or with this share of the times missing, filtered or smoothed too."""

    system: str
    gaps: float
    smoother: bool
    weighed: bool = False  # whether memory is measured, too

    @property
    def name(self) -> str:
        """What the command line calls the case."""
        return f"{self.system}-{'gaps' if self.gaps else 'complete'}-{'smoother' if self.smoother else 'filter'}"

    @property
    def label(self) -> str:
        """What a reader calls it."""
        work = "filter and smoother" if self.smoother else "filter"
        return f"{LABELS[self.system]}, {f'{self.gaps:.0%} missing, ' if self.gaps else ''}{work}"


LABELS = {"rotation": "n = k = 2", "track": "n = 4, k = 2", "walks": "n = k = 10"}
CASES = (
    Case("rotation", 0.0, smoother=False),
    Case("rotation", 0.0, smoother=True),
    Case("track", 0.0, smoother=True, weighed=True),
    Case("walks", 0.0, smoother=True, weighed=True),
    Case("track", 0.1, smoother=True, weighed=True),
)


def system(name: str) -> LinearSystem:
    """Return the course's rotation, a point in the plane with a velocity, or ten coupled random walks."""
    if name == "rotation":
        return Linear2D()
    if name == "track":
        dt, one = 0.1, np.eye(2)
        M = np.block([[one, dt * one], [0 * one, one]])
        Q = 0.3 * np.kron([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]], one)
        H = np.hstack([one, 0 * one])
        return LinearSystem(Linear(0.25 * one, H), Gaussian(np.zeros(4), np.eye(4)), M=M, Q=Q)
    M = 0.9 * np.eye(10) + 0.05 * np.eye(10, k=1) + 0.05 * np.eye(10, k=-1)
    return LinearSystem(
        Linear(0.5 * np.eye(10), np.eye(10)), Gaussian(np.zeros(10), np.eye(10)), M=M, Q=0.1 * np.eye(10)
    )


def data(case: Case, series: int) -> tuple[LinearSystem, np.ndarray]:
    """Return the system of a case, and the observations of so many series, of shape (series, STEPS, k)."""
    rng, chosen = np.random.default_rng(SEED), system(case.system)
    _, y = twin_experiment(chosen, STEPS, rng, batch=(series,))
    return chosen, hidden(y, rng, share=case.gaps, together=True)


def numpy_run(case: Case, system: LinearSystem, y: Any) -> kalman_peers.Beliefs:
    """Filter (and smooth) all series by this package."""
    result = run_filter(KalmanFilter(system), y)
    found = [(result.mean, result.cov)]
    if case.smoother:
        smoothed = rts_smoother(system, result)
        found.append((smoothed.mean[..., 1:, :], smoothed.cov[..., 1:, :, :]))
    return found


def torch_run(case: Case, system: LinearSystem, y: np.ndarray) -> kalman_peers.Beliefs:
    """Do the same with torch's arrays."""
    import torch

    return numpy_run(case, system, torch.from_numpy(y))


def contenders(case: Case) -> dict[str, Callable[..., kalman_peers.Beliefs]]:
    """Return those that can do a case and are installed, this package first."""
    peers = {
        name: function
        for name, (module, with_gaps, function) in kalman_peers.PEERS.items()
        if installed(module) and (with_gaps or not case.gaps)
    }
    return {"mlpc": numpy_run, "mlpc on torch": torch_run, **peers}


def run(case: Case, repeats: int) -> dict[str, Any]:
    """Return the measurements of one case, ready for JSON.

    Raises
    ------
    ValueError
        If the contenders do not find the same.
    """
    chosen, y = data(case, SERIES)
    counts = {name: min(ONE_BY_ONE, SERIES) if name in FOR_EACH else SERIES for name in contenders(case)}
    works = {name: partial(work, case, chosen, y[: counts[name]]) for name, work in contenders(case).items()}
    seconds, found = in_turn(works, repeats)
    difference = max(apart(found["mlpc"], found[name], counts[name]) for name in works)
    if not difference < EQUAL:
        raise ValueError(f"{case.name}: the beliefs differ by {difference:g} standard deviations")
    weighed = [who for who in works if case.weighed and who not in FOR_EACH]
    return {
        "label": case.label,
        "series": SERIES,
        "steps": STEPS,
        "series_of": counts,
        "difference": difference,
        "seconds": {name: [one / counts[name] for one in times] for name, times in seconds.items()},
        "mebibytes": {who: peak(case, who, SERIES) - peak(case, who, 1) for who in weighed},
    }


def peak(case: Case, contender: str, series: int) -> float:
    """Return the peak memory, in MiB, of a process in which a contender works on so many series."""
    return peak_of_process("benchmarks.assimilation.kalman", case.name, contender, str(series))


def apart(ours: kalman_peers.Beliefs, theirs: kalman_peers.Beliefs, series: int) -> float:
    """Return the largest difference of two sets of beliefs, in standard deviations, over the first series."""
    largest = 0.0
    for (mean, cov), (other_mean, other_cov) in zip(ours, theirs, strict=True):
        mean, other_mean, cov, other_cov = (np.asarray(part) for part in (mean, other_mean, cov, other_cov))
        cov, other_cov = (
            np.broadcast_to(part, (*m.shape, m.shape[-1])) for part, m in ((cov, mean), (other_cov, other_mean))
        )
        cov = cov[:series]
        std = np.sqrt(np.einsum("...ii->...i", cov))
        largest = max(
            largest,
            float((np.abs(mean[:series] - other_mean) / std).max()),
            float((np.abs(cov - other_cov) / (std[..., None] * std[..., None, :])).max()),
        )
    return largest


def settings() -> dict[str, Any]:
    """Return what holds for all cases: `ours` is this package, and `variants` are its other forms."""
    return {"kind": "ratios", "ours": "mlpc", "variants": ["mlpc on torch"], "equal": EQUAL}


def main(name: str, contender: str, series: str) -> None:
    """Print the peak memory of this process after a contender's work on so many series."""
    [case] = (case for case in CASES if case.name == name)
    contenders(case)[contender](case, *data(case, int(series)))
    print(own_peak())


if __name__ == "__main__":
    main(*sys.argv[1:])
