"""The command of the benchmarks: what it refuses, and that a run which is stopped goes on where it was."""

import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import __main__ as command

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def benchmark(monkeypatch):
    """A benchmark of three cases that takes no time and remembers what was run."""
    done = []

    def run(case, repeats):
        done.append(case.name)
        return {"seconds": {"mlpc": [0.5] * repeats}}

    cases = [SimpleNamespace(name=name) for name in "abc"]
    made = SimpleNamespace(CASES=cases, PACKAGES=(), run=run, settings=lambda: {"kind": "ratios"}, done=done)
    monkeypatch.setattr(command.importlib, "import_module", lambda name: made)
    return made


def test_a_run_that_was_stopped_goes_on_with_the_next_case(benchmark, tmp_path, capsys):
    file, run = tmp_path / "one.json", benchmark.run

    def stopped(case, repeats):
        if case.name == "c":
            raise KeyboardInterrupt
        return run(case, repeats)

    benchmark.run = stopped
    with pytest.raises(KeyboardInterrupt):
        command.write(file, "mixtures", 2)
    assert not file.exists()
    benchmark.run = run
    command.write(file, "mixtures", 2)
    assert benchmark.done == ["a", "b", "c"]
    assert len(json.loads(file.read_text("utf-8"))["cases"]) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]


@pytest.mark.parametrize("change", ["code", "repeats", "broken"])
def test_what_another_code_measured_is_measured_again(benchmark, tmp_path, monkeypatch, change):
    file = tmp_path / "one.json"
    stamp = {
        "benchmark": "mixtures",
        "repeats": 2,
        "code": command.code(),
        "results": {"a": {"seconds": {"mlpc": [9.0]}}},
    }
    stamp |= {"code": {"code": "other"}, "repeats": {"repeats": 3}, "broken": {}}[change]
    file.with_suffix(".partial").write_text(json.dumps(stamp)[: -1 if change == "broken" else None], "utf-8")
    command.write(file, "mixtures", 2)
    assert benchmark.done == ["a", "b", "c"]


def test_unknown_benchmarks_are_refused(monkeypatch, capsys):
    for arguments in (["mixture"], ["mixtures", "--repeats", "0"]):
        monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
        with pytest.raises(SystemExit):
            command.main()
        assert "known benchmarks are mixtures" in capsys.readouterr().err


def test_without_names_the_speed_is_measured(benchmark, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--out", str(tmp_path)])
    command.main()
    assert {path.stem for path in tmp_path.iterdir()} == set(command.SPEED)


def test_pins_of_the_benchmarks_are_those_of_the_lock_and_of_what_is_installed():
    text = (ROOT / "benchmarks" / "requirements.txt").read_text("utf-8")
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE))
    assert set(pins) == {line.split("=")[0] for line in text.splitlines() if line and not line.startswith("#")}
    assert {"scikit-learn", "dapper", "filterpy", "pykalman", "torch-kf", "torch"} <= set(pins)
    lines = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    locked = {name: {pin for one, pin in lines if one == name} for name, _ in lines}  # one for each Python
    assert all(pin in locked.get(name, {pin}) for name, pin in pins.items())
    for name in set(pins) & set(locked):
        assert version(name).split("+")[0] in locked[name]
