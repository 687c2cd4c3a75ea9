"""What is measured is what is meant: turns, processor time, the memory of one process alone."""

import json
import platform
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.measure import SHORTEST, in_turn, machine, own_peak, peak_of_process


class Clock:
    """Time that passes only by work: processor seconds, and as many others."""

    def __init__(self):
        self.processor = self.wall = 0.0

    def work(self, processor, waiting=0.0):
        self.processor += processor
        self.wall += processor + waiting

    def process_time(self):
        return self.processor

    def perf_counter(self):
        return self.wall


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("benchmarks.measure.time", clock)
    return clock


def test_contenders_take_turns(monkeypatch):
    monkeypatch.setattr("benchmarks.measure.SHORTEST", 0)
    done = []
    contenders = {"a": lambda: done.append("a") or "found by a", "b": lambda: done.append("b") or "found by b"}
    seconds, found = in_turn(contenders, repeats=3)
    assert "".join(done) == "abababab"
    assert found == {"a": "found by a", "b": "found by b"}
    assert [len(times) for times in seconds.values()] == [3, 3]


def test_seconds_are_those_of_one_call_also_when_it_is_repeated(clock):
    calls = []
    seconds, _ = in_turn({"work": lambda: calls.append(clock.work(SHORTEST / 4))}, repeats=2)
    assert len(calls) == 1 + 2 * 4
    assert seconds["work"] == pytest.approx([SHORTEST / 4] * 2)


def test_waiting_costs_no_processor_time_and_is_not_repeated(clock):
    calls = []
    seconds, _ = in_turn({"asleep": lambda: calls.append(clock.work(1e-3, waiting=1.0))}, repeats=3)
    assert len(calls) == 4
    assert seconds["asleep"] == pytest.approx([1e-3] * 3)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage")
def test_peak_is_that_of_the_process_alone_and_grows_with_what_it_takes(tmp_path, monkeypatch):
    ballast = np.ones(200 * 2**17)  # 200 MiB here, which no other process shall see
    lines = ("import sys, numpy", "from benchmarks.measure import own_peak", "x = numpy.ones(int(sys.argv[1]) * 2**17)")
    code = "\n".join((*lines, "print(own_peak())"))
    (tmp_path / "allocates.py").write_text(code, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    small, large = (peak_of_process("allocates", size) for size in ("1", "65"))
    assert large - small == pytest.approx(64, abs=8)
    assert own_peak() > 200
    assert small < ballast.nbytes / 2**20


def test_a_process_that_fails_is_an_error():
    with pytest.raises(subprocess.CalledProcessError):
        peak_of_process("benchmarks.mixtures", "no-case", "mlpc")


def test_machine_is_described_without_its_name():
    said = machine(["scikit-learn"])
    assert said["python"] == platform.python_version()
    assert set(said["packages"]) == {"mlpc", "numpy", "scipy", "scikit-learn"}
    assert said["threads"] == 1
    assert said["blas"]
    assert not platform.node() or platform.node() not in json.dumps(said)
