"""Runs that are stopped in the middle and go on: the same bits, and no file that is believed blindly."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import types
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pytest
import torch

from mlpc.assimilation import (
    Ensemble,
    KalmanFilter,
    Linear2D,
    Lorenz96,
    Nonlinear,
    checkpoints,
    filtering,
    hidden,
    run,
    twin_experiment,
)
from mlpc.assimilation.checkpoints import Checkpoint, identity
from mlpc.assimilation.filtering import FilterResult, Moments, Update

ROOT = Path(__file__).parents[2]


class Stopped(Exception):
    pass


@dataclass(frozen=True, eq=False)
class Noisy:
    """A filter that draws in each of its verbs: members around what is seen."""

    system: Linear2D
    width: float = 0.5

    def init(self, batch, rng, beside):
        return Ensemble(self.system.draw_start((*batch, 3), rng, beside))

    def forecast(self, state, rng):
        return Ensemble(self.system.perturbed(state.members, rng))

    def analyse(self, state, y, rng):
        d = self.system.observation.perturbed(state.members, rng) - state.members
        zero = 0 * state.mean[..., 0]
        return Ensemble(state.members + self.width * d), Update(zero, y - state.mean, zero, zero + 2)


@contextmanager
def stopping(monkeypatch, at):
    """Something fails after this analysis, with a filter of the same identity, and nothing else goes wrong."""
    count, settled = [0], filtering._settled

    def stop(*arguments):
        count[0] += 1
        if count[0] == 2 * at:  # it looks at each forecast and each analysis
            raise Stopped
        return settled(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(filtering, "_settled", stop)
        with pytest.raises(Stopped):
            yield


def observations(seed, batch=(2,), steps=15, share=0.3):
    rng = np.random.default_rng(seed)
    return hidden(twin_experiment(Linear2D(), steps, rng, batch=batch)[1], rng, share)


def leaves(result: FilterResult):
    parts = [result.analysis, result.forecast, result.update]
    return [np.asarray(value) for part in parts for value in vars(part).values()] + [result.survived]


def assert_same(one, other):
    for a, b in zip(leaves(one), leaves(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


FILTERS = {"exact": KalmanFilter(Linear2D()), "drawing": Noisy(Linear2D())}


# stop and go on


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("stops", [(1,), (9,), (15,), (4, 9, 13), (3, 3)], ids=str)
def test_a_run_that_failed_goes_on_as_if_nothing_had_been(name, keep, stops, seed, tmp_path, monkeypatch):
    filter, y, file = FILTERS[name], observations(seed), tmp_path / "run.npz"
    expected_rng = np.random.default_rng(seed)
    expected = run(filter, y, expected_rng, keep=keep)
    rng, done = np.random.default_rng(seed), 0
    for stop in stops:
        with stopping(monkeypatch, stop - done):
            run(filter, y, rng, keep=keep, checkpoint=file)
        assert rng.bit_generator.state == np.random.default_rng(seed).bit_generator.state  # where it was at the start
        assert file.exists() == (stop > 1)
        done = stop - 1
    result = run(filter, y, rng, keep=keep, checkpoint=file)
    assert_same(result, expected)
    assert rng.bit_generator.state == expected_rng.bit_generator.state
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_was_done_is_done_again(tmp_path, monkeypatch):
    filter, y, calls = FILTERS["exact"], observations(0), []
    with stopping(monkeypatch, 11):
        run(filter, y, checkpoint=tmp_path / "run.npz")
    analyse = KalmanFilter.analyse
    monkeypatch.setattr(KalmanFilter, "analyse", lambda *arguments: (calls.append(1), analyse(*arguments))[1])
    run(filter, y, checkpoint=tmp_path / "run.npz")
    assert len(calls) == 5


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_every_kind_of_generator_is_put_back(kind, tmp_path, monkeypatch):
    filter, y = FILTERS["drawing"], observations(0)
    expected = run(filter, y, np.random.Generator(kind(5)))
    rng = np.random.Generator(kind(5))
    with stopping(monkeypatch, 8):
        run(filter, y, rng, checkpoint=tmp_path / "run.npz")
    assert_same(run(filter, y, rng, checkpoint=tmp_path / "run.npz"), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_come_back_as_tensors(dtype, tmp_path, monkeypatch):
    filter, y = FILTERS["exact"], torch.from_numpy(observations(0)).to(dtype)
    with stopping(monkeypatch, 8):
        run(filter, y, checkpoint=tmp_path / "run.npz")
    result = run(filter, y, checkpoint=tmp_path / "run.npz")
    assert result.mean.dtype == dtype
    assert_same(result, run(filter, y))


def test_runs_that_have_diverged_before_the_stop_stay_what_they_were(tmp_path, monkeypatch):
    filter, y = FILTERS["exact"], observations(0, (3,), share=0.0)
    y[1, 4] = 1e13
    with stopping(monkeypatch, 9):
        run(filter, y, checkpoint=tmp_path / "run.npz")
    result = run(filter, y, checkpoint=tmp_path / "run.npz")
    assert_same(result, run(filter, y))
    assert result.survived.tolist() == [15, 4, 15]


SCRIPT = """
import signal, sys, time
import numpy as np
from mlpc.assimilation import Linear2D, filtering, run
from tests.assimilation.test_checkpoints import Noisy, observations

signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent in the background hands on that it is ignored
settled, count = filtering._settled, 0

def slowly(*arguments):
    global count
    count += 1
    print(count // 2, flush=True)  # forecasts and analyses
    time.sleep(0.01)
    return settled(*arguments)

filtering._settled = slowly
run(Noisy(Linear2D()), observations(0, steps=500), np.random.default_rng(7), checkpoint=sys.argv[1])
"""


def started(file):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(file)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:  # until it is in the middle
        if int(line) >= 20:
            return process
    raise AssertionError(process.stderr.read())


def test_a_process_that_is_interrupted_leaves_all_it_knows_and_another_one_goes_on(tmp_path):
    file = tmp_path / "run.npz"
    process = started(file)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]
    cycles = Checkpoint(file, {}, np.zeros(0)).read()["alive"].shape[-1]
    assert 19 <= cycles < 500
    filter, y = Noisy(Linear2D()), observations(0, steps=500)
    assert_same(run(filter, y, np.random.default_rng(7), checkpoint=file), run(filter, y, np.random.default_rng(7)))


def test_a_process_that_is_killed_leaves_the_last_whole_file(tmp_path):
    file = tmp_path / "run.npz"
    process = started(file)
    process.kill()
    process.communicate(timeout=60)
    filter, y = Noisy(Linear2D()), observations(0, steps=500)
    assert_same(run(filter, y, np.random.default_rng(7), checkpoint=file), run(filter, y, np.random.default_rng(7)))


# when it is written


def test_the_file_is_written_at_once_and_then_after_each_interval(tmp_path, monkeypatch):
    clock, written = [0.0], []
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: clock[0])
    write = Checkpoint.write

    def noted(self, content):
        written.append(content["alive"].shape[-1])
        write(self, content)

    monkeypatch.setattr(Checkpoint, "write", noted)
    analyse = KalmanFilter.analyse

    def ten_seconds(self, *arguments):
        clock[0] += 10
        return analyse(self, *arguments)

    monkeypatch.setattr(KalmanFilter, "analyse", ten_seconds)
    run(FILTERS["exact"], observations(0), checkpoint=tmp_path / "run.npz")
    assert written == [1, 7, 13]


def test_a_file_that_takes_long_to_write_is_written_less_often(tmp_path, monkeypatch):
    clock = iter([0.0, 30.0, 629.0, 631.0])  # begun, done, and two questions
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: next(clock))
    file = Checkpoint(tmp_path / "run.npz", {}, np.zeros(0))
    file.write({})
    assert not file.due
    assert file.due


@pytest.mark.parametrize("at", ["savez", "fsync", "replace"])
def test_a_writing_that_fails_leaves_the_file_before(at, tmp_path, monkeypatch):
    file = Checkpoint(tmp_path / "run.npz", {}, np.zeros(0))
    file.write({"mean": np.ones(3)})

    def full(*arguments, **more):
        raise OSError("no space left on the device")

    monkeypatch.setattr(np if at == "savez" else os, at, full)
    with pytest.raises(OSError, match="no space"):
        file.write({"mean": np.zeros(3)})
    assert file.read()["mean"].tolist() == [1, 1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


# damaged and foreign files


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """A file of a run that was stopped, and a call that goes on."""
    filter, y, file = FILTERS["drawing"], observations(0), tmp_path / "run.npz"
    with stopping(monkeypatch, 9):
        run(filter, y, np.random.default_rng(3), checkpoint=file)
    return file, partial(run, filter, y, np.random.default_rng(3), checkpoint=file)


def refused(file, call, match):
    before = file.read_bytes()
    with pytest.raises(ValueError, match=match):
        call()
    assert file.read_bytes() == before


WHOLE = r"run\(\): .* is no whole checkpoint of this package; it was left as it is"


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_file_that_was_cut_is_refused_and_left(stopped, share):
    file, call = stopped
    data = file.read_bytes()
    file.write_bytes(data[: int(share * len(data))])
    refused(file, call, WHOLE)


def test_a_file_in_which_one_bit_has_changed_is_refused_and_left_or_the_bit_meant_nothing(stopped, rng):
    file, _ = stopped
    data = file.read_bytes()
    content, seen = Checkpoint(file, {}, np.zeros(0)).read(), set()
    for at in rng.integers(len(data), size=60):
        changed = bytearray(data)
        changed[at] ^= 1 << int(rng.integers(8))
        file.write_bytes(changed)
        try:
            again = Checkpoint(file, {}, np.zeros(0)).read()
        except ValueError as error:
            seen.add(re.match(WHOLE, str(error)) is not None)
        else:  # a time or an attribute in the archive's directory
            seen.add(identity(again) == identity(content))
    assert seen == {True}


def test_arrays_exchanged_inside_a_sound_archive_are_refused(stopped):
    file, call = stopped
    arrays = dict(np.load(file))
    arrays["array0"] = arrays["array0"] + 1
    np.savez(file, **arrays)
    refused(file, call, WHOLE)


@pytest.mark.parametrize("content", [b"", b"x,y\n1,2\n", b"PK\x03\x04 no archive"], ids=["empty", "table", "archive"])
def test_a_file_of_another_kind_is_refused_and_left(stopped, content):
    file, call = stopped
    file.write_bytes(content)
    refused(file, call, WHOLE)


def test_an_archive_of_somebody_else_is_refused_and_left(stopped):
    file, call = stopped
    np.savez(file, mean=np.zeros(3))
    refused(file, call, WHOLE)


class Trap:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def test_nothing_in_a_file_is_executed(stopped, monkeypatch):
    file, call = stopped
    monkeypatch.chdir(file.parent)
    arrays = dict(np.load(file))
    np.savez(file, **{**arrays, "array0": np.array([Trap()], dtype=object)})
    refused(file, call, WHOLE)
    assert not Path("executed").exists()


@pytest.mark.parametrize("name", ["os:environ", "subprocess:Popen", "mlpc.assimilation.filtering:run"])
def test_only_dataclasses_of_the_package_are_made(stopped, name):
    """Even in a file whose hash is right."""
    file, call = stopped
    arrays = dict(np.load(file))
    header = json.loads(arrays["text"].tobytes())
    header["content"]["items"]["state"]["class"] = name
    del arrays["text"], arrays["sha256"]
    with file.open("wb") as opened:
        np.savez(opened, **checkpoints._sealed(arrays, json.dumps(header)))
    refused(file, call, "only dataclasses of mlpc.assimilation are made")


OTHERS = {
    "filter": ({"filter": Noisy(Linear2D(), width=0.25)}, "filter differ"),
    "system": ({"filter": Noisy(Linear2D(sigma_q=0.02))}, "filter differ"),
    "kind of filter": ({"filter": KalmanFilter(Linear2D())}, "filter differ"),
    "observations": ({"y": observations(1)}, "observations differ"),
    "library": ({"y": torch.from_numpy(observations(0))}, "observations differ"),
    "precision": ({"y": observations(0).astype(np.float32)}, "observations differ"),
    "length": ({"y": observations(0)[:, :14]}, "observations differ"),
    "Generator": ({"rng": np.random.default_rng(4)}, "Generator differ"),
    "kind of Generator": ({"rng": np.random.Generator(np.random.Philox(3))}, "Generator differ"),
    "no Generator": ({"rng": None}, "Generator differ"),
    "keep": ({"keep": False}, "keep differ"),
    "all": (
        {"filter": FILTERS["exact"], "y": observations(1), "rng": None, "keep": False},
        "filter and observations and",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_the_file_of_another_run_is_refused_and_left(stopped, case):
    file, call = stopped
    change, message = OTHERS[case]
    mine = {"filter": FILTERS["drawing"], "y": observations(0), "rng": np.random.default_rng(3), "keep": True}
    refused(file, partial(run, **{**mine, **change}, checkpoint=file), rf"belongs to another run \({message}")
    assert call().survived.tolist() == [15, 15]  # and its own run goes on


def test_a_copy_of_the_file_elsewhere_is_as_good(stopped, tmp_path):
    file, _ = stopped
    shutil.move(file, tmp_path / "moved.npz")
    result = run(FILTERS["drawing"], observations(0), np.random.default_rng(3), checkpoint=str(tmp_path / "moved.npz"))
    assert_same(result, run(FILTERS["drawing"], observations(0), np.random.default_rng(3)))


def test_a_folder_that_is_not_there_is_known_at_once(tmp_path):
    with pytest.raises(ValueError, match=r"run\(\): checkpoint is '.*run\.npz', but there is no folder .*missing"):
        run(FILTERS["exact"], observations(0), checkpoint=tmp_path / "missing" / "run.npz")


@dataclass(frozen=True, eq=False)
class Foreign(Moments):
    """A state of somebody else."""


@dataclass(frozen=True, eq=False)
class WithForeignState(KalmanFilter):
    def init(self, batch, rng, beside):
        return Foreign(**vars(super().init(batch, rng, beside)))

    def forecast(self, state, rng=None):
        return Foreign(**vars(super().forecast(state, rng)))

    def analyse(self, state, y, rng=None):
        state, update = super().analyse(state, y, rng)
        return Foreign(state.mean, state.cov), update


def test_a_state_that_could_not_be_made_again_is_known_at_once(tmp_path):
    with pytest.raises(
        ValueError, match=r"a checkpoint holds states of mlpc\.assimilation only, but Foreign is another's"
    ):
        run(WithForeignState(Linear2D()), observations(0, share=0.0), checkpoint=tmp_path / "run.npz")
    assert not list(tmp_path.iterdir())


def test_objects_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="holds arrays of numbers, but a field of the state holds objects"):
        Checkpoint(tmp_path / "run.npz", {}, np.zeros(0)).write({"mean": np.array([object()])})


# identity


def power(exponent):
    return lambda x: x**exponent


def network(weight=1.0):
    made = torch.nn.Linear(2, 2)
    for parameter in made.parameters():
        torch.nn.init.constant_(parameter, weight)
    return made


def own(step, rate=1.0):
    """A class as a cell of a notebook defines it."""
    code = f"""
class Own(Linear2D):
    rate = {rate}

    def step(self, x):
        return super().step({step})

    @cached_property
    def noisy(self):
        return {step!r} == "2 * x"
"""
    names = {"__name__": "__main__", "Linear2D": Linear2D, "cached_property": cached_property}
    exec(code, names)
    return names["Own"]


def inherited(step):
    return type("Heir", (own(step),), {"__module__": "__main__"})


SAME = {
    "numbers": lambda: (1, 2.0, "three", b"four", None, True, 1j, float("nan")),
    "arrays": lambda: [np.arange(6).reshape(2, 3), np.float32(1), torch.ones(3)],
    "dictionaries and sets": lambda: {"a": {1, 2, 3}, "b": frozenset("xyz")},
    "systems": lambda: Lorenz96(sites=5, observation=Nonlinear([1.0] * 5, power(2))),
    "functions": lambda: power(3),
    "partial functions": lambda: partial(np.clip, min=0),
    "methods": lambda: Linear2D().step,
    "functions of libraries": lambda: [np.sin, len, torch.sin, np.linalg.solve],
    "networks": network,
    "own classes": lambda: [own("x + 1")(), own("x + 1"), own("x + 1")().step, own("x", (1, 2)), own("x", {1: 2})],
    "methods of builtins": lambda: [np.eye(2).dot, {1: 2}.get],
    "generators": lambda: np.random.default_rng(5),
    "types": lambda: [Linear2D, dict],
}


@pytest.mark.parametrize("case", SAME)
def test_what_is_made_in_the_same_way_has_the_same_identity(case):
    assert identity(SAME[case]()) == identity(SAME[case]())


def test_what_differs_has_another_identity():
    different = [
        *(0, 0.0, "0", b"0", None, False, 1, True, [], (), {}, [[]], [0, 0], (0, 0)),
        *(
            np.zeros(2),
            np.zeros(3),
            np.zeros((2, 1)),
            np.zeros(2, np.float32),
            np.zeros(2, int),
            torch.zeros(2).double(),
        ),
        *({"a": 1}, {"a": 2}, {"b": 1}, {1, 2}, {1, 3}, ["ab", "c"], ["a", "bc"]),
        *(power(2), power(3), lambda x: x + 2, lambda x: x - 2, lambda x, y=1: x, lambda x, y=2: x),
        *(np.sin, np.cos, len, partial(np.clip, min=0), partial(np.clip, min=1), Linear2D().step, Linear2D().tangent),
        *(
            Linear2D(),
            Linear2D(angle=0.1),
            KalmanFilter(Linear2D()),
            Linear2D,
            KalmanFilter,
            Lorenz96(),
            Lorenz96(F=9.0),
        ),
        *(np.random.default_rng(0), np.random.default_rng(1), Lorenz96(observation=Nonlinear([1.0] * 40, power(2)))),
        *(Lorenz96(observation=Nonlinear([1.0] * 40, power(3))), network(1.0), network(2.0)),
        *(own("x")(), own("x + 1")(), own("x", rate=2.0)(), own("2 * x")(), own("x"), own("x + 1"), own("x")().step),
        *(own("x + 1")().step, inherited("x")(), inherited("x + 1")(), KalmanFilter(own("x")())),
        *(own("x", rate)() for rate in ([1.0], [2.0], {"a": [1.0]}, {"a": [2.0]})),
        *(KalmanFilter(own("x + 1")()), np.eye(2).dot, np.ones((2, 2)).dot, {1: 2}.get, {1: 3}.get),
        *(lambda x: x[..., 0], lambda x: x[..., 1], lambda x: x[:1]),
        *(types.MethodType(function, 0) for function in (power(2), power(3))),
    ]
    assert len({identity(value) for value in different}) == len(different)


def test_an_identity_does_not_change_when_the_value_is_used():
    system = Linear2D()
    before = identity(system)
    system.perturbed(np.zeros(2), np.random.default_rng(0))
    run(KalmanFilter(system), observations(0))
    assert identity(system) == before
    assert identity(replace(KalmanFilter(system))) == identity(KalmanFilter(system))


def test_what_contains_itself_has_an_identity():
    def knot():
        ring = [1]
        ring.append(ring)
        return ring

    assert identity(knot()) == identity(knot())
    assert identity(knot()) != identity([1, [1]])


def test_an_identity_is_the_same_in_another_process():
    code = textwrap.dedent("""
        from mlpc.assimilation import KalmanFilter, Linear2D
        from mlpc.assimilation.checkpoints import identity
        print(identity([KalmanFilter(Linear2D()), {"a", "b", "c"}]))
    """)
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    other = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == identity([KalmanFilter(Linear2D()), {"a", "b", "c"}])


def test_a_class_that_was_edited_does_not_go_on(tmp_path, monkeypatch):
    y, file = observations(0, share=0.0), tmp_path / "run.npz"
    with stopping(monkeypatch, 9):
        run(KalmanFilter(own("x")()), y, checkpoint=file)
    refused(file, partial(run, KalmanFilter(own("x + 1")()), y, checkpoint=file), r"another run \(filter differ")
    assert_same(run(KalmanFilter(own("x")()), y, checkpoint=file), run(KalmanFilter(own("x")()), y))


def test_a_seed_is_no_generator(production, tmp_path):
    with pytest.raises(ValueError, match=r"pass a numpy\.random\.Generator"):
        run(FILTERS["exact"], observations(0), 0, checkpoint=tmp_path / "run.npz")


@pytest.mark.parametrize("value", [iter([1, 2]), np.frompyfunc(lambda x: x + 1, 1, 1)], ids=["iterator", "compiled"])
def test_what_has_no_description_is_refused(value):
    with pytest.raises(ValueError, match=r"cannot tell what .* is made of"):
        identity(value)
