"""Ensemble filters on Lorenz' ring of 40 sites beside DAPPER: a cycle of one experiment, and of a thousand at once.

Both see the same truth, the same observations and the same law of x₀; members are drawn by each, so that the results
are equal in law only: the errors over the run must agree before anything is timed. Seconds are those of one cycle of
one experiment.

    python -m benchmarks.assimilation.ensembles CASE CONTENDER EXPERIMENTS      the peak memory of one run, in MiB
"""

from __future__ import annotations

import cProfile
import pstats
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.assimilation import dapper_peer, statistics
from benchmarks.measure import in_turn, installed, own_peak, peak_of_process
from mlpc.assimilation import ETKF, LETKF, EnKF, Lorenz96, cycles, scores, twin_experiment
from mlpc.assimilation import run as run_filter

PACKAGES = ("torch", "dapper")
SEED, MANY, ONE_BY_ONE = 5, 1000, 20
CLOSE = 0.03  # of the mean error: two filters that differ by more do not do the same work
DECOMPOSITIONS = ("eigh", "svd", "cholesky", "solve", "qr", "inv")


@dataclass(frozen=True)
class Case:
    """A filter, what is made of its ensembles, and of how many experiments at once."""

    method: str
    N: int
    inflation: float
    made: str
    radius: float | None = None
    experiments: int = 1

    @property
    def options(self) -> dict[str, Any]:
        """What this package's class is given beside N and the inflation."""
        return {"ETKF": {"rotate": True}, "EnKF": {}, "LETKF": {"radius": self.radius}}[self.method]

    @property
    def name(self) -> str:
        """What the command line calls the case."""
        return f"{self.method}-{self.N}-{self.made}-{self.experiments}"

    @property
    def label(self) -> str:
        """What a reader calls it."""
        many = f"{self.experiments:,} experiments, " if self.experiments > 1 else ""
        return f"{self.method}, N = {self.N}, {many}{MADE[self.made]}"

    @property
    def steps(self) -> int:
        """How many cycles are run."""
        return 400 if self.experiments == 1 else 20

    @property
    def spun_up(self) -> int:
        """How many of them do not count for the agreement."""
        return self.steps // 2


MADE = {"statistics": "all statistics", "errors": "errors", "bare": "nothing else"}
METHODS = {"ETKF": ETKF, "EnKF": EnKF, "LETKF": LETKF}
CASES = (
    *(Case("ETKF", 40, 1.02, made) for made in MADE),
    *(Case("EnKF", 40, 1.06, made) for made in MADE),
    *(Case("LETKF", 7, 1.04, made, radius=7.28) for made in MADE),
    *(Case("ETKF", 40, 1.02, made, experiments=MANY) for made in MADE),
)


def data(case: Case) -> tuple[Lorenz96, np.ndarray, np.ndarray]:
    """Return the system, the truths (experiments, T + 1, n), and their observations (experiments, T, k)."""
    system = Lorenz96(sigma_0=0.3)
    x, y = twin_experiment(system, case.steps, np.random.default_rng(SEED), batch=(case.experiments,))
    return system, x, y


def ours(case: Case, system: Lorenz96, x: np.ndarray, y: Any) -> np.ndarray:
    """Run all experiments of a case by this package, and return the errors (experiments, T) that it makes."""
    filter, rng = (
        METHODS[case.method](system, case.N, inflation=case.inflation, **case.options),
        np.random.default_rng(SEED + 1),
    )
    if case.made == "bare":
        for cycle in cycles(filter, y, rng):
            last = cycle
        return scores.rmse(np.asarray(last.analysis.mean), x[:, -1])[:, None]
    if case.made == "errors":
        return scores.rmse(np.asarray(run_filter(filter, y, rng, keep=False).mean), x[:, 1:])
    if case.experiments == 1:
        result = run_filter(filter, y[0], rng)
        for state in (result.forecast, result.analysis):
            found = statistics.of_series(np.asarray(state.members), x[0, 1:])
        return found["err.rms"][None]
    errors = []
    for t, cycle in enumerate(cycles(filter, y, rng), start=1):
        for state in (cycle.forecast, cycle.analysis):
            found = statistics.of_series(np.asarray(state.members), x[:, t])
        errors.append(found["err.rms"])
    return np.stack(errors, axis=-1)


def on_torch(case: Case, system: Lorenz96, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Do the same with torch's arrays."""
    import torch

    return ours(case, system, x, torch.from_numpy(y))


def dapper(case: Case, system: Lorenz96, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Run the experiments one by one by DAPPER."""
    model = dapper_peer.model(system, case.steps)
    options = {"radius": case.radius} if case.radius else {}
    filter = dapper_peer.method(case.method, case.N, case.inflation, **options)
    return np.stack([dapper_peer.RUNS[case.made](filter, model, *one) for one in zip(x, y, strict=True)])


def contenders(case: Case) -> dict[str, Callable[..., np.ndarray]]:
    """Return those that are installed, this package first."""
    many = {"mlpc on torch": on_torch} if case.experiments > 1 else {}
    return {"mlpc": ours, **many, **({"DAPPER": dapper} if installed("dapper") else {})}


def run(case: Case, repeats: int) -> dict[str, Any]:
    """Return the measurements of one case, ready for JSON.

    Raises
    ------
    ValueError
        If the contenders do not make the same errors.
    """
    system, x, y = data(case)
    counts = {
        name: min(ONE_BY_ONE, case.experiments) if name == "DAPPER" else case.experiments for name in contenders(case)
    }
    works = {
        name: partial(work, case, system, x[: counts[name]], y[: counts[name]])
        for name, work in contenders(case).items()
    }
    seconds, found = in_turn(works, repeats)
    fewest = min(counts.values())
    errors = {name: float(one[:fewest, -case.spun_up :].mean()) for name, one in found.items()}
    difference = max(errors.values()) - min(errors.values())
    if case.made != "bare" and not difference < CLOSE:
        raise ValueError(f"{case.name}: the errors are not the same: {errors}")
    return {
        "label": case.label,
        **asdict(case),
        "steps": case.steps,
        "experiments_of": counts,
        "errors": errors,
        "difference": difference,
        "seconds": {who: [one / counts[who] / case.steps for one in times] for who, times in seconds.items()},
        "mebibytes": {} if case.experiments == 1 else {who: peak(case, who) for who in works if who != "DAPPER"},
        "shares": {who: share(works[who]) for who in works},
    }


def peak(case: Case, contender: str) -> float:
    """Return the peak memory, in MiB, of a contender's work on all experiments beyond that on one of them."""
    module = "benchmarks.assimilation.ensembles"
    many, one = (peak_of_process(module, case.name, contender, str(number)) for number in (case.experiments, 1))
    return many - one


def share(work: Callable[[], Any]) -> float:
    """Return which share of its time a function spends in decompositions and solutions of linear systems."""
    profile = cProfile.Profile()
    profile.runcall(work)
    times = {name: row[2] for (_, _, name), row in pstats.Stats(profile).stats.items()}  # type: ignore[attr-defined]
    inside = [time for name, time in times.items() if any(one in name for one in DECOMPOSITIONS)]
    return sum(inside) / sum(times.values())


def settings() -> dict[str, Any]:
    """Return what holds for all cases: `ours` is this package, and `variants` are its other forms."""
    return {"kind": "ratios", "ours": "mlpc", "variants": ["mlpc on torch"], "close": CLOSE}


def main(name: str, contender: str, experiments: str) -> None:
    """Print the peak memory of this process after a contender's work on so many experiments."""
    [case] = (case for case in CASES if case.name == name)
    system, x, y = data(case)
    few = slice(int(experiments))
    contenders(case)[contender](case, system, x[few], y[few])
    print(own_peak())


if __name__ == "__main__":
    main(*sys.argv[1:])
