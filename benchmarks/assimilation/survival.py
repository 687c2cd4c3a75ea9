"""Whether filters still follow the truth after 10,000 cycles: those that the book recommends, and fragile ones."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.assimilation import lorenz63, methods, noisy
from benchmarks.assimilation.experiments import Job, Setting, measure
from mlpc.assimilation import ETKF, LETKF, EnKF, ExtendedKalmanFilter

PACKAGES: tuple[str, ...] = ()
EXPERIMENTS, LENGTH, BURN_IN, SEED = 20, 10_000, 400, 10_000
RING = Setting(methods.ring, EXPERIMENTS, LENGTH, BURN_IN, SEED)
THREE = Setting(lorenz63.system, EXPERIMENTS, LENGTH, BURN_IN, SEED)
NOISY = Setting(noisy.whole, EXPERIMENTS, LENGTH, BURN_IN, SEED)
RECOMMENDED: dict[str, tuple[Setting, Any]] = {
    "ring: 3D-Var": (RING, partial(methods.var3d, share=0.02)),
    "ring: EnKF N=36, 1.08": (RING, partial(EnKF, N=36, inflation=1.08)),
    "ring: EnKF N=40, 1.06": (RING, partial(EnKF, N=40, inflation=1.06)),
    "ring: ETKF N=24, 1.04, rotated": (RING, partial(methods.etkf, N=24, inflation=1.04)),
    "ring: ETKF N=24, 1.04": (RING, partial(ETKF, N=24, inflation=1.04)),
    "ring: ETKF N=28, 1.02, rotated": (RING, partial(methods.etkf, N=28, inflation=1.02)),
    "ring: ETKF N=40, 1.02, rotated": (RING, partial(methods.etkf, N=40, inflation=1.02)),
    "ring: finite size N=40": (RING, partial(methods.finite_size, N=40)),
    "ring: LETKF N=7, c=4, 1.04": (RING, partial(LETKF, N=7, radius=4.0, inflation=1.04)),
    "ring: LETKF N=10, c=4, 1.04": (RING, partial(LETKF, N=10, radius=4.0, inflation=1.04)),
    "ring: LETKF N=10, c=11, 1.03, rotated": (RING, partial(methods.letkf, N=10, radius=11.0, inflation=1.03)),
    "ring: IEnKS N=24, lag 4, 1.02": (RING, partial(methods.iterative, N=24, inflation=1.02, lag=4)),
    "ring: IEnKS N=40, 1.01": (RING, partial(methods.iterative, N=40, inflation=1.01)),
    "noisy ring: EKF": (NOISY, ExtendedKalmanFilter),
    "noisy ring: ETKF N=40, 1.04, rotated": (NOISY, noisy.WHOLE["ETKF N=40"]),
    "noisy ring: LETKF N=10": (NOISY, noisy.WHOLE["LETKF N=10"]),
    "Lorenz-63: EnKF N=100, 1.01": (THREE, lorenz63.METHODS["EnKF N=100"]),
    "Lorenz-63: finite size N=10": (THREE, lorenz63.METHODS["finite size N=10"]),
    "Lorenz-63: IEnKS N=10, 1.02": (THREE, lorenz63.METHODS["IEnKS N=10"]),
}
FRAGILE: dict[str, tuple[Setting, Any]] = {
    "ring: EKF, 1.04": (RING, partial(ExtendedKalmanFilter, inflation=1.04)),
    "ring: EKF, no inflation": (RING, ExtendedKalmanFilter),
    "ring: ETKF N=24, 1.013, rotated": (RING, partial(methods.etkf, N=24, inflation=1.013)),
    "ring: ETKF N=40, no inflation, rotated": (RING, partial(methods.etkf, N=40, inflation=1.0)),
    "ring: ETKF N=16, 1.02, rotated": (RING, partial(methods.etkf, N=16, inflation=1.02)),
    "ring: ETKF N=16, 1.1, rotated": (RING, partial(methods.etkf, N=16, inflation=1.1)),
    "Lorenz-63: ETKF N=10, 1.02, rotated": (THREE, lorenz63.METHODS["ETKF N=10"]),
}
CASES = tuple(
    Job(name, setting, method, {"method": name, "recommended": name in RECOMMENDED})
    for name, (setting, method) in (RECOMMENDED | FRAGILE).items()
)


def run(job: Job, repeats: int) -> dict[str, Any]:
    """Return one row, ready for JSON; its repeats are its experiments."""
    return measure(job)


def settings() -> dict[str, Any]:
    """Return what holds for all rows."""
    return {"kind": "experiments"}
