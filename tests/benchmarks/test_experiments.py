"""The benchmarks of accuracy in small: scores of the right cycles, survival, standard errors, and tuning elsewhere."""

import importlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from benchmarks.__main__ import ACCURACY, RESULTS
from benchmarks.assimilation import experiments, tuning
from benchmarks.assimilation.experiments import Job, Setting, follow, measure, pooled
from mlpc.assimilation import ExtendedKalmanFilter, KalmanFilter, Linear2D, Lorenz96, Moments, scores, twin_experiment
from mlpc.assimilation.filtering import Update

PLANE = Setting(Linear2D, experiments=4, length=300, burn_in=20, seed=3)


@dataclass(frozen=True)
class Blind:
    """A filter that believes in zero, and diverges in one experiment after some cycles."""

    system: Any
    diverges: int | None = None

    def init(self, batch, rng, beside):
        return Moments(np.zeros((*batch, 2)), np.eye(2))

    def forecast(self, state, rng):
        return state

    def analyse(self, state, y, rng):
        mean = state.mean + (0 if self.diverges is None else 1e11 / self.diverges * (np.arange(len(y)) == 1)[:, None])
        nothing = np.zeros(len(y))
        return Moments(mean, np.eye(2)), Update(nothing, y, nothing, nothing)


def test_scores_are_those_of_the_result():
    system, x, y, _ = experiments.data(PLANE)
    series = follow(Job("", PLANE, KalmanFilter, density=True), system, x, y)
    assert {values.shape for values in series.values()} == {(4, 320)}
    found = measure(Job("plane", PLANE, KalmanFilter, {"N": 7}, density=True))
    assert found["rmse_a"]["mean"] == pytest.approx(series["rmse_a"][:, 20:].mean())
    assert found["N"] == 7
    assert found["lost"] == found["diverged"] == 0
    assert found["climatology"] == pytest.approx(scores.climatology(x[:, 20:]))
    assert found["nll_a"]["mean"] < found["nll_b"]["mean"]
    assert 0.020 < found["rmse_a"]["mean"] < 0.035
    assert json.loads(json.dumps(found)) == found


def test_a_filter_that_is_wrong_all_the_time_has_lost_all_and_has_still_an_error():
    found = measure(Job("blind", PLANE, Blind))
    assert found["lost"] == 4
    assert found["diverged"] == 0
    assert found["rmse_a"]["mean"] > found["climatology"] / 2


def test_an_experiment_that_diverged_leaves_no_mean():
    found = measure(Job("broken", PLANE, lambda system: Blind(system, diverges=30)))
    assert found["diverged"] == 1
    assert found["rmse_a"] == {"mean": None, "error": None, "scatter": None}


def test_standard_error_of_independent_numbers_is_that_of_their_mean():
    values = np.random.default_rng(0).normal(size=(30, 2000))
    found = pooled(values)
    assert found["error"] == pytest.approx((30 * 2000) ** -0.5, rel=0.15)
    assert found["scatter"] == pytest.approx(2000**-0.5, rel=0.4)
    assert pooled(values[:1])["scatter"] is None


def test_missing_observations_are_missing_and_the_same_seed_gives_the_same_data():
    setting = Setting(Lorenz96, 2, 50, 10, seed=1, missing=0.5)
    _, x, y, _ = experiments.data(setting)
    assert 0.3 < np.isnan(y).all(axis=-1).mean() < 0.7
    experiments.data.cache_clear()
    np.testing.assert_array_equal(experiments.data(setting)[1], x)


@pytest.mark.parametrize("name", ACCURACY)
def test_jobs_are_well_formed_and_their_results_are_of_the_present_ones(name):
    benchmark = importlib.import_module(ACCURACY[name])
    names = [job.name for job in benchmark.CASES]
    assert len(set(names)) == len(names)
    assert all(job.setting.seed != tuning.SEED for job in benchmark.CASES)
    committed = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    assert [case["name"] for case in committed["cases"]] == names
    for job, case in zip(benchmark.CASES, committed["cases"], strict=True):
        assert {key: case[key] for key in job.about} == job.about
        assert (case["experiments"], case["cycles"], case["seed"]) == (
            job.setting.experiments,
            job.setting.length,
            job.setting.seed,
        )


@pytest.mark.parametrize("name", ACCURACY)
def test_one_job_of_each_benchmark_runs(name, monkeypatch):
    benchmark = importlib.import_module(ACCURACY[name])
    job = benchmark.CASES[0]
    small = Setting(job.setting.system, 2, 64, 5, job.setting.seed, job.setting.missing)
    found = benchmark.run(Job(job.name, small, job.filter, job.about, job.density), 1)
    assert found["cycles"] == 64
    assert np.isfinite(found["rmse_a"]["mean"])


def test_recommended_filters_all_survived_and_fragile_ones_did_not():
    committed = json.loads((RESULTS / "survival.json").read_text("utf-8"))
    assert all(case["experiments"] >= 20 and case["cycles"] >= 10_000 for case in committed["cases"])
    assert [case["name"] for case in committed["cases"] if case["recommended"] and case["lost"]] == []
    assert [case["name"] for case in committed["cases"] if not case["recommended"] and not case["lost"]] == []


def test_tuning_finds_the_best_of_a_grid_and_keeps_what_it_tried():
    grid = range(10)

    def steps(values):
        return [{"a": a} for a in (values["a"] - 1, values["a"] + 1) if a in grid]

    tried = tuning.descend([{"a": 1}], lambda values: (values["a"] - 6) ** 2, steps)
    assert min(tried, key=lambda one: one["rmse_a"]) == {"a": 6, "rmse_a": 0}
    assert len(tried) == 8
    two = tuning.descend([{"a": 1}, {"a": 9}], lambda values: min(values["a"] + 3, 11 - values["a"]), steps)
    assert min(one["rmse_a"] for one in two) == 2


def test_every_tuned_value_is_the_best_of_those_tried_and_of_local_filters_one_that_loses_no_run():
    known = json.loads(tuning.FILE.read_text("utf-8"))
    for method, sizes in known["tried"].items():
        assert set(sizes) == {str(N) for N in tuning.SIZES}
        for N, tried in sizes.items():
            best = min((one for one in tried if not one.get("loses")), key=lambda one: one["rmse_a"])
            assert tuning.setting(method, int(N)) is not tuning.LONG or best["loses"] is False
            assert known["values"][method][N] == {name: best[name] for name in tuning.GRIDS[method]}


def test_values_that_lose_a_long_run_are_passed_over_and_noted(monkeypatch):
    monkeypatch.setattr(tuning, "outcome", lambda *_: {"lost": next(lost)})
    found = [{"inflation": 1.0 + one, "radius": 5.0, "rmse_a": one} for one in (0.3, 0.1, 0.2)]
    lost = iter([2, 0])
    assert tuning.best_of("LETKF", 14, found) == {"inflation": 1.2, "radius": 5.0}
    assert [one.get("loses") for one in found] == [None, True, False]
    lost = iter([2, 1, 1])
    assert tuning.best_of("LETKF", 14, found) == {"inflation": 1.1, "radius": 5.0}


def test_tuning_goes_on_where_it_was_stopped(monkeypatch, tmp_path):
    monkeypatch.setattr(tuning, "FILE", tmp_path / "tuned.json")
    monkeypatch.setattr(tuning, "SIZES", (40, 30))
    monkeypatch.setattr(tuning, "METHODS", {"ETKF": None})
    done = []
    monkeypatch.setattr(tuning, "error", lambda method, N, values: done.append(N) or abs(values["inflation"] - 1.02))
    known = {"values": {"ETKF": {"40": {"inflation": 1.02, "rotate": True}}}, "tried": {"ETKF": {"40": []}}}
    tuning.tune(known)
    assert set(done) == {30}
    assert json.loads(tuning.FILE.read_text("utf-8"))["values"]["ETKF"]["30"]["inflation"] == 1.02


def test_filter_with_the_tangent_is_nearly_optimal_on_the_noisy_ring():
    system, rng = Lorenz96(sigma_q=0.1, sigma_0=0.3), np.random.default_rng(2)
    setting = Setting(lambda: system, 3, 100, 40, seed=4)
    x, _ = twin_experiment(system, 2, rng)
    assert x.shape == (3, 40)
    assert 0.29 < measure(Job("", setting, ExtendedKalmanFilter))["rmse_a"]["mean"] < 0.37
