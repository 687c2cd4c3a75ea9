"""Lorenz' three equations, seen whole with variance 2 every 0.25: a table of methods beside published errors."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.assimilation import methods
from benchmarks.assimilation.experiments import Job, Setting, measure
from benchmarks.assimilation.published import published
from mlpc.assimilation import ETKF, Components, EnKF, ExtendedKalmanFilter, Lorenz63, ParticleFilter

PACKAGES: tuple[str, ...] = ()
PUBLISHED = published("lorenz63")


def system() -> Lorenz63:
    """Return the system: 25 steps of 0.01 between observations, no noise of the model."""
    return Lorenz63(steps=25, sigma_0=2**0.5, observation=Components.every(1, 3, 2.0))


SETTING = Setting(system, experiments=20, length=1500, burn_in=64, seed=630)
FEW = Setting(system, experiments=5, length=1000, burn_in=64, seed=630)  # for what takes long
METHODS: dict[str, Any] = {
    "3D-Var": partial(methods.var3d, share=0.1),
    "EKF": partial(ExtendedKalmanFilter, inflation=180 ** (0.25 / 2)),  # DAPPER's 180 is for the variance, in unit time
    "ETKF N=3": partial(ETKF, N=3, inflation=1.30),
    "ETKF N=10": partial(methods.etkf, N=10, inflation=1.02),
    "EnKF N=10": partial(EnKF, N=10, inflation=1.04),
    "EnKF N=100": partial(EnKF, N=100, inflation=1.01),
    "finite size N=3": partial(methods.finite_size, N=3),
    "finite size N=10": partial(methods.finite_size, N=10),
    "IEnKS N=10": partial(methods.iterative, N=10, inflation=1.02),
    "particle filter N=100": partial(ParticleFilter, N=100, threshold=0.3, regularisation=2.4),
    "particle filter N=800": partial(ParticleFilter, N=800, threshold=0.2, regularisation=0.9),
    "particle filter N=4000": partial(ParticleFilter, N=4000, threshold=0.05, regularisation=0.7),
}
CASES = tuple(
    Job(name, FEW if "4000" in name else SETTING, method, {"method": name, "published": PUBLISHED[name]})
    for name, method in METHODS.items()
)


def run(job: Job, repeats: int) -> dict[str, Any]:
    """Return one row, ready for JSON; its repeats are its experiments."""
    return measure(job)


def settings() -> dict[str, Any]:
    """Return what holds for all rows."""
    return {"kind": "experiments", "published": {"what": PUBLISHED["what"], "source": PUBLISHED["source"]}}
