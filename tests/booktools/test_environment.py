"""Making `.venv`: every failure is one clear line, and leaves nothing half-made."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_FIND_LINKS": "",
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_NO_CACHE_DIR": "1",
}


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "booktools").mkdir()
    shutil.copy(ROOT / "booktools" / "environment.py", tmp_path / "booktools")
    (tmp_path / "requirements.lock").write_text("six==1.16.0 --hash=sha256:" + "0" * 64 + "\n")
    return tmp_path


def load(checkout):
    spec = importlib.util.spec_from_file_location("environment", checkout / "booktools" / "environment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make(checkout, **variables):
    command = [sys.executable, str(checkout / "booktools" / "environment.py")]
    environment = {**os.environ, **NOWHERE, **variables}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def assert_one_line(done, *words):
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("mlpc: ")
    for word in words:
        assert word in done.stderr


def test_no_network_is_one_line_and_leaves_no_venv(checkout):
    assert_one_line(make(checkout), "cannot reach the package index")
    assert not (checkout / ".venv").exists()


def test_a_half_made_venv_is_made_again(checkout):
    (checkout / ".venv" / "bin").mkdir(parents=True)
    done = make(checkout)
    assert "stale or unfinished: making it again" in done.stdout
    assert not (checkout / ".venv").exists()


def test_an_interrupted_installation_is_made_again(checkout):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(checkout / ".venv")], check=True)
    (checkout / ".venv" / "mlpc-environment").write_text("unfinished")
    assert "making it again" in make(checkout).stdout


def test_a_venv_of_somebody_else_is_left_alone(checkout):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(checkout / ".venv")], check=True)
    assert_one_line(make(checkout), "made by something else", "move it away or delete it")
    assert (checkout / ".venv" / "pyvenv.cfg").exists()


def test_a_finished_venv_returns_at_once(checkout):
    environment = load(checkout)
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "mlpc-environment").write_text(environment.stamp(environment.LOCK))
    done = make(checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_changed_lock_makes_the_venv_stale(checkout):
    environment = load(checkout)
    before = environment.stamp(environment.LOCK)
    with environment.LOCK.open("a") as lock:
        lock.write("torch==2.13.0\n")
    assert environment.stamp(environment.LOCK) != before


@pytest.mark.parametrize("version", [(2, 7), (3, 8), (3, 10), (3, 14)])
def test_a_wrong_python_names_the_right_ones(checkout, monkeypatch, version):
    environment = load(checkout)
    monkeypatch.setattr(environment.sys, "version_info", (*version, 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11, 3\.12 or 3\.13, but .* is {}\.{};".format(*version)):
        environment.check_python()


def test_a_read_only_checkout_is_refused(checkout, monkeypatch):
    environment = load(checkout)

    def refuse(dir):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(environment.tempfile, "TemporaryFile", refuse)
    with pytest.raises(SystemExit, match=r"cannot write into .* \(Read-only file system\)"):
        environment.ensure_venv()
    assert not (checkout / ".venv").exists()


def test_an_old_python_can_read_the_file_that_refuses_it():
    ast.parse((ROOT / "booktools" / "environment.py").read_text("utf-8"), feature_version=(3, 5))


def test_torch_stands_in_the_lock_without_a_hash():
    for lock in (ROOT / "requirements.lock", ROOT / "binder" / "requirements.lock"):
        lines = lock.read_text().splitlines()
        assert lines[-1].startswith("torch==")
        assert sum("==" in line for line in lines) > 50
        assert all(line.endswith("\\") for line in lines if "==" in line and not line.startswith("torch=="))
