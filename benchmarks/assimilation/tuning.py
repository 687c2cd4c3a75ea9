"""Inflation and localisation radius for every method and every N, on experiments that are used for nothing else.

    python -m benchmarks.assimilation.tuning      writes tuned.json; can be stopped and started again

From the values that were best for the next larger N, the search goes to the best neighbour on the grids below until no
neighbour is better; where that filter has lost the truth, it starts once more with much inflation. What counts is the
mean error over all experiments and cycles, so that a lost experiment costs. The best values often lie beside a cliff:
those of the local filter with up to `LOCAL_AND_MANY` members, which were found on fewer cycles than those of the other
filters, must then lose no run of the experiments of these; with more members it takes too long to ask.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.assimilation.experiments import Job, Setting, measure
from benchmarks.assimilation.methods import letkf, ring
from mlpc.assimilation import ETKF, EnKF

FILE = Path(__file__).resolve().parent / "tuned.json"
SEED = 2100
LONGEST = Setting(ring, experiments=30, length=2000, burn_in=400, seed=SEED)  # losing one in fifty counts
LONG = Setting(ring, experiments=10, length=1000, burn_in=400, seed=SEED)  # for filters that take longer
SHORT = Setting(ring, experiments=6, length=300, burn_in=100, seed=SEED)  # for those that take longest and lose none
SIZES = (50, 40, 30, 25, 20, 18, 16, 14, 12, 10, 8, 7, 6, 5)
INFLATIONS = (
    1.0,
    1.005,
    1.01,
    1.015,
    1.02,
    1.03,
    1.04,
    1.05,
    1.06,
    1.08,
    1.1,
    1.13,
    1.17,
    1.22,
    1.3,
    1.4,
    1.6,
    2.0,
    2.5,
    3.0,
)
RADII = (2.0, 3.0, 4.0, 5.0, 6.0, 7.5, 9.0, 11.0, 13.0, 16.0, 20.0, 25.0, 32.0, 50.0)
Values = dict[str, Any]


GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "ETKF": {"inflation": INFLATIONS, "rotate": (False, True)},
    "EnKF": {"inflation": INFLATIONS},
    "LETKF": {"inflation": INFLATIONS, "radius": RADII},
}
METHODS: dict[str, Callable[..., Any]] = {"ETKF": ETKF, "EnKF": EnKF, "LETKF": letkf}
LOCAL_AND_MANY = 20  # members: beyond it, the local filter is tuned on short runs
LOST, MUCH = {"ETKF": 16, "EnKF": 18, "LETKF": 0}, 1.4  # up to which N filters without localisation lose the truth
STARTS = {
    "ETKF": {"inflation": 1.01, "rotate": True},
    "EnKF": {"inflation": 1.04},
    "LETKF": {"inflation": 1.01, "radius": 20.0},
}


def setting(method: str, N: int) -> Setting:
    """Return the experiments on which a filter is tuned."""
    if method != "LETKF":
        return LONGEST
    return LONG if N <= LOCAL_AND_MANY else SHORT


def error(method: str, N: int, values: Values) -> float:
    """Return the mean error of a filter; infinite if a run is not finite."""
    found = outcome(setting(method, N), method, N, values)["rmse_a"]["mean"]
    return np.inf if found is None else round(found, 4)


def outcome(setting: Setting, method: str, N: int, values: Values) -> dict[str, Any]:
    """Return what a filter makes of the experiments."""
    return measure(Job("", setting, lambda system: METHODS[method](system, N, **values)))


def best_of(method: str, N: int, found: list[Values]) -> Values:
    """Return the values with the least error; of those tuned on `LONG`, the first that the longest does not lose."""
    ordered = sorted(found, key=lambda one: one["rmse_a"])
    for one in ordered if setting(method, N) is LONG else ():
        one["loses"] = outcome(LONGEST, method, N, {name: one[name] for name in GRIDS[method]})["lost"] > 0
        if not one["loses"]:
            break
    best = next((one for one in ordered if not one.get("loses")), ordered[0])
    return {name: best[name] for name in GRIDS[method]}


def neighbours(method: str, values: Values) -> list[Values]:
    """Return the values one step away on the grids, in each direction."""
    found = []
    for name, grid in GRIDS[method].items():
        at = grid.index(values[name])
        found += [{**values, name: grid[i]} for i in (at - 1, at + 1) if 0 <= i < len(grid)]
    return found


def descend(
    starts: list[Values], error: Callable[[Values], float], steps: Callable[[Values], list[Values]]
) -> list[Values]:
    """Return all that was tried, each with its error, until no step from the best values of a descent was better."""
    tried: dict[str, Values] = {}

    def at(values: Values) -> float:
        key = json.dumps(values, sort_keys=True)
        if key not in tried:
            tried[key] = {**values, "rmse_a": error(values)}
        return tried[key]["rmse_a"]

    for best in starts:
        while at(better := min(steps(best), key=at)) < at(best):
            best = better
    return [*tried.values()]


def tune(known: dict[str, Any]) -> None:
    """Find what is not known yet, and write after each N."""
    for method in METHODS:
        values, tried = (known[part].setdefault(method, {}) for part in ("values", "tried"))
        best = STARTS[method]
        for N in SIZES:
            if str(N) not in values:
                starts = [best] if LOST[method] < N else [best, {**best, "inflation": MUCH}]
                found = descend(starts, partial(error, method, N), partial(neighbours, method))
                values[str(N)], tried[str(N)] = best_of(method, N, found), found
                print(method, N, values[str(N)], f"of {len(found)}", flush=True)
                write(known)
            best = values[str(N)]


def how() -> dict[str, dict[str, int]]:
    """Return the experiments of each method, by which it is told who was asked to lose none."""
    asked = {
        "ETKF, EnKF": LONGEST,
        "LETKF": LONG,
        "LETKF, loses": LONGEST,
        f"LETKF, N > {LOCAL_AND_MANY}": SHORT,
    }
    return {
        name: {"experiments": one.experiments, "cycles": one.length, "burn_in": one.burn_in, "seed": one.seed}
        for name, one in asked.items()
    }


def write(known: dict[str, Any]) -> None:
    """Write what was found, whole or not at all."""
    unfinished = FILE.with_suffix(".partial")
    unfinished.write_text(json.dumps(known) + "\n", "utf-8")
    unfinished.replace(FILE)


if __name__ == "__main__":
    fresh = {"how": how(), "values": {}, "tried": {}}
    tune(json.loads(FILE.read_text("utf-8")) if FILE.exists() else fresh)
