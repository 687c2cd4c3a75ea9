"""DAPPER's ensemble filters on this package's twin experiments, one experiment at a time, as DAPPER does it."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from mlpc.assimilation import Lorenz96

TAPER = 1.82  # DAPPER's radius of localisation is smaller than the half-width of the taper by this factor


def quietly(module: str) -> Any:
    """Return a module of DAPPER, without what it has to say while it is imported."""
    with warnings.catch_warnings(action="ignore"):
        return importlib.import_module(module)


def model(system: Lorenz96, T: int) -> Any:
    """Return Lorenz' ring, observed T times as this system is, with DAPPER's own code for the model."""
    modelling, ring, n = quietly("dapper.mods"), quietly("dapper.mods.Lorenz96"), system.n
    localisation = quietly("dapper.tools.localization")
    observation = modelling.partial_Id_Obs(n, np.arange(n))
    observation["noise"] = modelling.GaussRV(C=system.observation.R, M=n)  # variances
    observation["localizer"] = localisation.nd_Id_localization((n,), (2,))  # pairs of sites, as DAPPER has it
    dynamics = {"M": n, "model": ring.step, "linear": ring.dstep_dx, "noise": 0}
    start = modelling.GaussRV(mu=system.start.mean, C=system.sigma_0**2)
    times = modelling.Chronology(system.dt, dko=1, Ko=T - 1, BurnIn=0)
    return modelling.HiddenMarkovModel(dynamics, observation, times, start)


def method(name: str, N: int, inflation: float, **options: Any) -> Any:
    """Return DAPPER's filter of a name."""
    methods = quietly("dapper.da_methods")
    if name == "LETKF":
        return methods.LETKF(N=N, infl=inflation, loc_rad=options["radius"] / TAPER)
    kinds = {"ETKF": {"upd_a": "Sqrt", "rot": True}, "EnKF": {"upd_a": "PertObs"}}
    return methods.EnKF(N=N, infl=inflation, **kinds[name])


@contextmanager
def settings(**switches: bool) -> Iterator[None]:
    """Run DAPPER without bars, plots and warnings, with its diagnostics switched on or off."""
    bars, rc = quietly("dapper.tools.progressbar"), quietly("dapper.dpr_config").rc
    with warnings.catch_warnings(action="ignore"):
        bars.disable_progbar = True
        before, rc.liveplotting = dict(rc.comps), False
        rc.comps.update(switches)
        try:
            yield
        finally:
            rc.comps.update(before)


def assimilate(filter: Any, model: Any, x: np.ndarray, y: np.ndarray, error_only: bool) -> np.ndarray:
    """Return the errors (T,) of the analyses by `assimilate`, with all of DAPPER's statistics or just the errors."""
    with settings(error_only=error_only):
        filter.assimilate(model, x, y)
    return np.array(filter.stats.err.rms.a)


def bare(filter: Any, model: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the error (1,) of the last analysis: DAPPER's forecasts and analyses, with nothing around them."""
    analyse = local if hasattr(filter, "loc_rad") else globally
    with settings():
        E = model.X0.sample(filter.N)
        for _, ko, t, dt in model.tseq.ticker:
            E = model.Dyn(E, t - dt, dt)
            E = analyse(filter, model.Obs(ko), E, y[ko])
    return np.sqrt(((E.mean(axis=0) - x[-1]) ** 2).mean(keepdims=True))


def globally(filter: Any, observation: Any, E: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the members after DAPPER's analysis with all observations at once."""
    by = quietly("dapper.da_methods.ensemble")
    E = by.EnKF_analysis(E, observation(E), observation.noise, y, filter.upd_a)
    return by.post_process(E, filter.infl, filter.rot)


def local(filter: Any, observation: Any, E: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the members after DAPPER's local analyses."""
    by = quietly("dapper.da_methods.ensemble")
    batch, taper = observation.localizer(filter.loc_rad, "x2y", filter.taper)
    E, _ = by.local_analyses(E, observation(E), observation.noise.C, y, batch, taper)
    return by.post_process(E, filter.infl, filter.rot)


RUNS: dict[str, Callable[..., np.ndarray]] = {
    "statistics": lambda *run: assimilate(*run, error_only=False),
    "errors": lambda *run: assimilate(*run, error_only=True),
    "bare": bare,
}
"""How much is made of the ensembles: all of DAPPER's statistics, the errors, or nothing."""
