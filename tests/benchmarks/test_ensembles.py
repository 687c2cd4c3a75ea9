"""The benchmarks of ensemble filters in small: the same errors as DAPPER's, and the same statistics."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.assimilation import dapper_peer, ensembles, localisation, statistics
from benchmarks.assimilation.ensembles import CASES, Case, contenders, data, run
from benchmarks.measure import installed
from mlpc.assimilation import scores

needs_dapper = pytest.mark.skipif(not installed("dapper"), reason="DAPPER is not installed")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("benchmarks.measure.SHORTEST", 0)
    monkeypatch.setattr(Case, "steps", property(lambda case: 60 if case.experiments == 1 else 8))
    monkeypatch.setattr(ensembles, "ONE_BY_ONE", 2)
    monkeypatch.setattr(ensembles, "CLOSE", 0.15)  # of so few cycles
    monkeypatch.setattr(ensembles, "peak", lambda case, contender: 0.0)  # a process of its own, at full size


def members(rng, N, n=40):
    """Members around a truth."""
    return rng.normal(size=(3, N, n)), rng.normal(size=(3, n))


def test_names_are_unique_and_what_was_asked_for_is_among_the_cases():
    assert len({case.name for case in CASES}) == len(CASES)
    assert {(case.method, case.N, case.made, case.experiments) for case in CASES} >= {
        ("ETKF", 40, made, many) for made in ("statistics", "bare") for many in (1, 1000)
    }


@pytest.mark.parametrize("N", [7, 40, 50])
def test_statistics_are_those_of_their_definitions(N):
    E, x = members(np.random.default_rng(N), N)
    found = statistics.of_ensembles(E, x)
    np.testing.assert_allclose(found["err.rms"], scores.rmse(E.mean(axis=1), x))
    np.testing.assert_allclose(found["spread.rms"], scores.spread(E.std(axis=1, ddof=1)))
    np.testing.assert_allclose(found["crps.m"], scores.crps(E, x, fair=False))
    assert (np.bincount(found["rh"].ravel(), minlength=N + 1) == scores.rank_histogram(E, x).counts).all()
    np.testing.assert_allclose((found["svals"] ** 2).sum(axis=-1), E.var(axis=1, ddof=1).sum(axis=-1))
    if N > 40:
        np.testing.assert_allclose((found["umisf"] ** 2).sum(axis=-1), (found["err"] ** 2).sum(axis=-1))
    blocks = statistics.of_series(E, x)
    for name, values in found.items():
        np.testing.assert_allclose(blocks[name], values)


@needs_dapper
@pytest.mark.parametrize("N", [7, 40])
def test_statistics_are_those_of_dapper(N):
    stats_of = dapper_peer.quietly("dapper.stats")
    E, x = members(np.random.default_rng(N), N)
    model = dapper_peer.model(data(CASES[0])[0], 3)
    found = statistics.of_ensembles(E, x)
    for t in range(3):
        with dapper_peer.settings(error_only=False):
            stats = stats_of.Stats(SimpleNamespace(N=N), model, np.zeros((4, 40)), np.zeros((3, 40)))
            now = stats_of.Avrgs()
            stats.assess_ens(now, x[t], E[t], None)
            stats.derivative_stats(now)
            stats.summarize_marginals(now)
        assert set(now) == set(found)
        for name, values in now.items():
            ours, theirs = found[name][t], np.asarray(values)
            if name in ("svals", "umisf"):  # the last direction is arbitrary, and so are all signs
                ours, theirs = np.abs(ours[: N - 1]), np.abs(theirs[: N - 1])
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", [one for one in CASES if one.made == "errors"], ids=lambda case: case.name)
def test_contenders_make_errors_of_the_same_size(case, quick):
    small = Case(**{**vars(case), "experiments": min(case.experiments, 3)})
    measured = run(small, 1)
    assert set(measured["seconds"]) == set(contenders(small))
    assert 0.1 < measured["errors"]["mlpc"] < 0.35
    assert measured["difference"] < 0.1


def test_a_process_of_its_own_prints_its_peak(capsys):
    ensembles.main("ETKF-40-bare-1000", "mlpc", "2")
    assert float(capsys.readouterr().out) > 0


@pytest.mark.parametrize("made", ["statistics", "bare"])
def test_the_other_kinds_of_work_are_done_by_all(made, quick):
    for case in (Case("ETKF", 20, 1.02, made), Case("ETKF", 20, 1.02, made, experiments=2)):
        measured = run(case, 1)
        assert set(measured["seconds"]) == set(contenders(case))
        assert all(0 <= share < 1 for share in measured["shares"].values())


def test_errors_that_differ_are_not_timed(quick, monkeypatch):
    monkeypatch.setattr(ensembles, "on_torch", lambda case, system, x, y: np.ones(y.shape[:2]))
    with pytest.raises(ValueError, match="ETKF-20-errors-2: the errors are not the same"):
        run(Case("ETKF", 20, 1.02, "errors", experiments=2), 1)


def test_local_filter_is_measured_up_to_a_hundred_thousand_sites(monkeypatch):
    monkeypatch.setattr("benchmarks.measure.SHORTEST", 0)
    assert max(case.n for case in localisation.CASES) == 100_000
    measured = localisation.run(localisation.Case(40), 2)
    assert [len(times) for times in measured["seconds"].values()] == [2] * len(localisation.able(40))
    assert set(measured["mebibytes"]) == set(measured["seconds"])
    assert localisation.able(localisation.LARGEST_OF_DAPPER + 1) == ["mlpc"]
