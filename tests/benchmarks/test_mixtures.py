"""The benchmark of mixtures in small: equal work, equal results, and a result file that says so."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import mixtures
from benchmarks.mixtures import CONTENDERS, Case, data, fit_mlpc, fit_sklearn, run
from booktools.performance import KINDS
from booktools.performance.ratios import RESOLUTION, rows
from booktools.performance.results import read

ROOT = Path(__file__).resolve().parents[2]
SMALL = [Case(300, 3, 2, diagonal) for diagonal in (False, True)]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("benchmarks.measure.SHORTEST", 0)
    monkeypatch.setattr(mixtures, "CASES", tuple(SMALL))


def test_a_case_is_called_by_its_name():
    assert all(Case.named(case.name) == case for case in (*mixtures.CASES, *SMALL))
    assert Case(100, 2, 3, False).name == "100-2-3-full"


def test_the_cases_are_those_that_were_asked_for():
    shapes = {(case.n, case.d, case.K) for case in mixtures.CASES}
    assert (100_000, 16, 16) in shapes
    assert len(shapes) >= 4
    assert {(*shape, diagonal) for shape in shapes for diagonal in (False, True)} == {
        (case.n, case.d, case.K, case.diagonal) for case in mixtures.CASES
    }


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_contenders_do_the_same_steps(case):
    x, start = data(case)
    ours, theirs = fit_mlpc(x, start), fit_sklearn(x, start)
    np.testing.assert_allclose(ours.lower_bounds, theirs.lower_bounds, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(ours.labels, theirs.labels)
    assert len(ours.lower_bounds) > 2
    again, _ = data(case)
    np.testing.assert_array_equal(x, again)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage")
def test_command_writes_a_result_that_the_page_can_draw(quick, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "mixtures", "--repeats", "2", "--out", str(tmp_path)])
    command.main()
    assert [path.name for path in tmp_path.iterdir()] == ["mixtures.json"]
    _, found = read(tmp_path / "mixtures.json", KINDS)
    assert [len(case.ours) for case in found.cases] == [2, 2]
    assert [row[0] for row in rows(found)] == [case.label for case in SMALL]
    assert all(case.difference < mixtures.EQUAL for case in found.cases)
    assert [case.peer for case in found.cases] == ["scikit-learn"] * 2
    assert SMALL[0].name in capsys.readouterr().out


def test_fits_that_differ_are_not_timed(quick, monkeypatch):
    def idle(x, start):
        return mixtures.Fit(start, np.zeros(1), start.predict(x))

    monkeypatch.setitem(CONTENDERS, "mlpc", idle)
    with pytest.raises(ValueError, match="300-3-2-full: the fits are not the same"):
        run(SMALL[0], 1)


def test_committed_result_is_of_the_present_cases_and_not_behind():
    file = ROOT / "benchmarks" / "results" / "mixtures.json"
    (_, found), raw = read(file, KINDS), json.loads(file.read_text("utf-8"))
    assert [case.label for case in found.cases] == [case.label for case in mixtures.CASES]
    assert {name: raw[name] for name in mixtures.settings()} == mixtures.settings()
    for case in found.cases:
        assert case.ratio >= 1, case.label
        assert case.memory[0] <= case.memory[1] + RESOLUTION, case.label
        assert case.difference < mixtures.EQUAL
