"""The system of the data assimilation networks: Lorenz' ring with noise, seen whole, by half, or at random.

Standard deviations 0.1 of the model's noise and 1 of the observations'; `half` is every second site, `random` is all
sites or none, with equal probability, at each time. The extended filter is nearly optimal here: it is the reference.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.assimilation import methods
from benchmarks.assimilation.dapper_peer import TAPER
from benchmarks.assimilation.experiments import Job, Setting, measure
from benchmarks.assimilation.published import published
from mlpc.assimilation import Components, ExtendedKalmanFilter, Lorenz96

PACKAGES: tuple[str, ...] = ()
PUBLISHED = published("noisy")


def whole() -> Lorenz96:
    """Return the ring, seen at every site."""
    return Lorenz96(sigma_q=0.1)


def half() -> Lorenz96:
    """Return the ring, seen at every second site."""
    return Lorenz96(sigma_q=0.1, observation=Components.every(2, 40, 1.0))


EXPERIMENTS, LENGTH, BURN_IN, SEED = 12, 1500, 200, 95
SETTINGS = {
    "": Setting(whole, EXPERIMENTS, LENGTH, BURN_IN, SEED),
    ", half": Setting(half, EXPERIMENTS, LENGTH, BURN_IN, SEED),
    ", random": Setting(whole, EXPERIMENTS, LENGTH, BURN_IN, SEED, missing=0.5),
}
WHOLE: dict[str, Any] = {
    "EKF": ExtendedKalmanFilter,
    **{
        f"ETKF N={N}": partial(methods.etkf, N=N, inflation=inflation)
        for N, inflation in ((20, 1.10), (30, 1.06), (40, 1.04), (100, 1.02))
    },
    **{
        f"LETKF N={N}": partial(methods.letkf, N=N, inflation=inflation, radius=TAPER * radius)
        for N, radius, inflation in ((5, 2, 1.05), (10, 3, 1.03), (20, 4, 1.02), (30, 6, 1.01), (40, 8, 1.01))
    },
    **{
        f"IEnKS-Q N={N}": partial(methods.iterative, N=N, inflation=inflation)
        for N, inflation in ((20, 1.05), (30, 1.02), (40, 1.0))
    },
}
PARTLY = ("EKF", "ETKF N=40", "ETKF N=100", "LETKF N=20", "LETKF N=40", "IEnKS-Q N=40")


def jobs() -> list[Job]:
    """Return all filters on the system seen whole, and some of them where less is seen."""
    return [
        Job(
            name + suffix,
            setting,
            WHOLE[name],
            {"method": name, "published": PUBLISHED.get(name + suffix)},
            density=name in ("EKF", "ETKF N=100"),
        )
        for suffix, setting in SETTINGS.items()
        for name in (WHOLE if not suffix else PARTLY)
    ]


CASES = tuple(jobs())


def run(job: Job, repeats: int) -> dict[str, Any]:
    """Return one row, ready for JSON; its repeats are its experiments."""
    return measure(job)


def settings() -> dict[str, Any]:
    """Return what holds for all rows."""
    return {"kind": "experiments", "published": {"what": PUBLISHED["what"], "source": PUBLISHED["source"]}}
