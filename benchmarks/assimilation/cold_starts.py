"""Whether filters find the truth at all: a thousand short experiments, each from a start that is hardly known."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.assimilation import methods
from benchmarks.assimilation.experiments import Job, Setting, measure
from mlpc.assimilation import ETKF, LETKF, EnKF, Lorenz96

PACKAGES: tuple[str, ...] = ()
COLD = Setting(Lorenz96, experiments=1000, length=100, burn_in=300, seed=20_000)
METHODS: dict[str, Any] = {
    "ETKF N=24, 1.04": partial(ETKF, N=24, inflation=1.04),
    "ETKF N=24, 1.04, rotated": partial(methods.etkf, N=24, inflation=1.04),
    "ETKF N=28, 1.02, rotated": partial(methods.etkf, N=28, inflation=1.02),
    "ETKF N=40, 1.02, rotated": partial(methods.etkf, N=40, inflation=1.02),
    "finite size N=40": partial(methods.finite_size, N=40),
    "EnKF N=40, 1.06": partial(EnKF, N=40, inflation=1.06),
    "LETKF N=7, c=4, 1.04": partial(LETKF, N=7, radius=4.0, inflation=1.04),
    "LETKF N=7, c=7.5, 1.04, rotated": partial(methods.letkf, N=7, radius=7.5, inflation=1.04),
    "IEnKS N=40, 1.01": partial(methods.iterative, N=40, inflation=1.01),
}
CASES = tuple(Job(name, COLD, method, {"method": name}) for name, method in METHODS.items())


def run(job: Job, repeats: int) -> dict[str, Any]:
    """Return one row, ready for JSON; its repeats are its experiments."""
    return measure(job)


def settings() -> dict[str, Any]:
    """Return what holds for all rows."""
    return {"kind": "experiments"}
