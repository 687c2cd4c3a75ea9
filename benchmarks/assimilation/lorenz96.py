"""Accuracy against the number of members on Lorenz' ring, the standard set-up, beside a published curve.

40 sites, all observed with variance 1 in every cycle of 0.05, a perfect model. Inflation and radius are those of
`tuned.json`, which were tuned on other experiments than those reported here.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from benchmarks.assimilation import methods
from benchmarks.assimilation.experiments import Job, Setting, measure
from benchmarks.assimilation.published import published
from benchmarks.assimilation.tuning import FILE as TUNED_FILE
from benchmarks.assimilation.tuning import METHODS

PACKAGES: tuple[str, ...] = ()
PUBLISHED = published("lorenz96")
TUNED = json.loads(TUNED_FILE.read_text("utf-8"))["values"]
SETTING = Setting(methods.ring, experiments=10, length=1000, burn_in=400, seed=960)
FEW = Setting(methods.ring, experiments=5, length=1000, burn_in=400, seed=960)
MANY_LOCAL = 30  # members: from here on the local filter takes so long that few experiments must do


def jobs() -> list[Job]:
    """Return the points of the curves, and the flat lines."""
    points = [
        Job(
            f"{method} N={N}",
            FEW if method == "LETKF" and N >= MANY_LOCAL else SETTING,
            partial(METHODS[method], N=N, **TUNED[method][str(N)]),
            {"method": method, "N": N, **TUNED[method][str(N)], "published": published},
        )
        for method in METHODS
        for N, published in zip(PUBLISHED["N"], PUBLISHED[method], strict=True)
    ]
    points += [
        Job(
            f"finite size N={N}",
            SETTING,
            partial(methods.finite_size, N=N),
            {"method": "finite size", "N": N, "published": at},
        )
        for N, at in zip(PUBLISHED["N"], PUBLISHED["finite size"], strict=True)
    ]
    flat = {"method": "3D-Var", "share": 0.02, "published": PUBLISHED["3D-Var"]}
    best = {"method": "IEnKS", "N": 40, "inflation": 1.01, "published": PUBLISHED["IEnKS"]}
    return [
        *points,
        Job("3D-Var", SETTING, partial(methods.var3d, share=0.02), flat),
        Job("IEnKS N=40", SETTING, partial(methods.iterative, N=40, inflation=1.01), best),
    ]


CASES = tuple(jobs())


def run(job: Job, repeats: int) -> dict[str, Any]:
    """Return one point, ready for JSON; its repeats are its experiments."""
    return measure(job)


def settings() -> dict[str, Any]:
    """Return what holds for all points."""
    return {"kind": "curves", "published": {name: PUBLISHED[name] for name in ("what", "source", "climatology")}}
