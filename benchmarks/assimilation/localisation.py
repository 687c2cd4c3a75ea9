"""What a cycle of the local ensemble filter costs on a ring of n sites, in time and in memory.

python -m benchmarks.assimilation.localisation N CONTENDER      the peak memory of one cycle, in MiB
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.assimilation import dapper_peer
from benchmarks.measure import in_turn, installed, own_peak, peak_of_process
from mlpc.assimilation import LETKF, Lorenz96, twin_experiment

PACKAGES = ("dapper",)
MODULE = "benchmarks.assimilation.localisation"
MEMBERS, RADIUS, INFLATION, SEED = 10, 7.28, 1.02, 8
LARGEST_OF_DAPPER = 3_000  # it makes all pairs of distances: an array of n x n


@dataclass(frozen=True)
class Case:
    """A ring of n sites."""

    n: int

    @property
    def name(self) -> str:
        """What the command line calls the case."""
        return str(self.n)


CASES = tuple(map(Case, (300, 1_000, 3_000, 10_000, 30_000, 100_000)))


def ours(n: int) -> Callable[[], Any]:
    """Return one forecast and one analysis by this package."""
    system, rng = Lorenz96(sites=n), np.random.default_rng(SEED)
    _, y = twin_experiment(system, 1, rng)
    filter = LETKF(system, MEMBERS, RADIUS, INFLATION)
    start = filter.init((), rng, y)
    return lambda: filter.analyse(filter.forecast(start, rng), y[0], rng)


def dapper(n: int) -> Callable[[], Any]:
    """Return the same by DAPPER, without anything around it."""
    system, rng = Lorenz96(sites=n), np.random.default_rng(SEED)
    _, y = twin_experiment(system, 1, rng)
    model = dapper_peer.model(system, 2)
    filter = dapper_peer.method("LETKF", MEMBERS, INFLATION, radius=RADIUS)
    start = model.X0.sample(MEMBERS)
    return lambda: dapper_peer.local(filter, model.Obs(0), model.Dyn(start, 0.0, system.dt), y[0])


CONTENDERS = {"mlpc": ours, "DAPPER": dapper}


def able(n: int) -> list[str]:
    """Return those that can do n sites and are installed, this package first."""
    return ["mlpc", *(["DAPPER"] if installed("dapper") and n <= LARGEST_OF_DAPPER else [])]


def run(case: Case, repeats: int) -> dict[str, Any]:
    """Return the measurements of one ring, ready for JSON."""
    works = {who: CONTENDERS[who](case.n) for who in able(case.n)}
    seconds, _ = in_turn(works, repeats)
    peaks = {who: peak_of_process(MODULE, case.name, who) for who in works}
    nothing = {who: peak_of_process(MODULE, CASES[0].name, who) for who in works}
    return {"n": case.n, "seconds": seconds, "mebibytes": {who: peaks[who] - nothing[who] for who in works}}


def settings() -> dict[str, Any]:
    """Return what holds for all rings."""
    return {"kind": "costs", "ours": "mlpc", "members": MEMBERS, "radius": RADIUS}


def main(n: str, contender: str) -> None:
    """Print the peak memory of this process after one cycle."""
    CONTENDERS[contender](int(n))()
    print(own_peak())


if __name__ == "__main__":
    main(*sys.argv[1:])
