"""The benchmark of Kalman's filter in small: all libraries find the same, also with gaps, before anything is timed."""

import numpy as np
import pytest

from benchmarks.assimilation import kalman
from benchmarks.assimilation.kalman import CASES, Case, apart, contenders, data, numpy_run, run
from benchmarks.assimilation.kalman_peers import PEERS

SMALL = [Case("track", 0.0, smoother=True), Case("rotation", 0.0, smoother=False), Case("track", 0.3, smoother=True)]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("benchmarks.measure.SHORTEST", 0)
    monkeypatch.setattr(kalman, "SERIES", 5)
    monkeypatch.setattr(kalman, "STEPS", 12)


def test_names_are_unique_and_a_thousand_series_with_and_without_gaps_are_among_the_cases(monkeypatch):
    assert len({case.name for case in CASES}) == len(CASES)
    assert {(bool(case.gaps), case.smoother) for case in CASES} >= {(False, False), (False, True), (True, True)}
    monkeypatch.undo()
    assert kalman.SERIES == 1000


@pytest.mark.parametrize("peer", ["mlpc on torch", *PEERS])
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_contenders_find_the_same_beliefs(case, peer):
    if peer not in contenders(case):
        pytest.skip(f"{peer} is not installed, or does not take gaps")
    system, y = data(case, 5)
    assert np.isnan(y).any() == (case.gaps > 0)
    ours, theirs = numpy_run(case, system, y), contenders(case)[peer](case, system, y)
    assert len(ours) == len(theirs) == 1 + case.smoother
    assert apart(ours, theirs, 5) < kalman.EQUAL


def test_difference_is_the_largest_of_means_and_covariances_in_standard_deviations():
    mean, cov = np.zeros((1, 2, 2)), np.broadcast_to(4 * np.eye(2), (1, 2, 2, 2))
    assert apart([(mean, cov)], [(mean, cov)], 1) == 0
    assert apart([(mean, cov)], [(mean + np.array([0, 1.0]), cov)], 1) == 0.5
    assert apart([(mean, cov)], [(mean, cov + np.diag([0, 1.0]))], 1) == 0.25


def test_seconds_are_those_of_one_series_and_all_contenders_are_measured():
    case = SMALL[2]
    measured = run(case, 2)
    assert set(measured["seconds"]) == set(contenders(case)) == set(measured["series_of"])
    assert all(len(times) == 2 and min(times) >= 0 for times in measured["seconds"].values())
    assert measured["difference"] < kalman.EQUAL


def test_beliefs_that_differ_are_not_timed(monkeypatch):
    def idle(case, system, y):
        return [(mean + 1, cov) for mean, cov in numpy_run(case, system, y)]

    monkeypatch.setattr(kalman, "torch_run", idle)
    with pytest.raises(ValueError, match="track-complete-smoother: the beliefs differ by"):
        run(SMALL[0], 1)
