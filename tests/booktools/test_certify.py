"""The fixture `certify`, in a run of pytest of its own: what it keeps, what it refuses, what a failure takes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from booktools.ledger.certificates import folder_of

ROOT = Path(__file__).resolve().parents[2]
TESTS = '''
from mlpc.verify.certificate import Certificate

PROVED = Certificate("a = b", "rewriting", "A", "all sizes", mutants=("sign",))


def test_eq_kept(certify):
    """a   = b"""
    certify(PROVED, uses=("eq-fails-later",))


def test_eq_fails_later(certify):
    """a = b"""
    certify(PROVED)
    assert not certify


def test_eq_forgotten(certify):
    """a = b"""


def test_eq_twice(certify):
    """a = b"""
    certify(PROVED)
    certify(PROVED)


def test_eq_edited(certify):
    """a = c"""
    certify(PROVED)


def test_eq_nowhere(certify):
    """a = b"""
    certify(PROVED)


def test_eq_elsewhere(certify):
    """a = b"""
    certify(PROVED)
'''
LABELS = ("kept", "fails-later", "forgotten", "twice", "edited")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory) -> tuple[str, set[str]]:
    """What pytest printed, and the certificates that were there afterwards; one was there before for each test."""
    root: Path = tmp_path_factory.mktemp("certify")
    (root / "book").mkdir()
    (root / "book/one.md").write_text("".join(f"$$\na = b\n$$ (eq-{label})\n\n" for label in LABELS), "utf-8")
    (root / "book/two.md").write_text("$$\na = b\n$$ (eq-elsewhere)\n", "utf-8")
    (root / "tests/equations").mkdir(parents=True)
    shutil.copy(ROOT / "tests/equations/conftest.py", root / "tests/equations")
    (root / "tests/equations/test_one.py").write_text(TESTS, "utf-8")
    (root / "requirements.lock").touch()
    folder_of(root).mkdir(parents=True)
    for label in LABELS:
        (folder_of(root) / f"eq-{label}.json").write_text("old", "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:jaxtyping", "tests"]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True)
    return done.stdout, {file.name for file in folder_of(root).iterdir()}


def test_only_a_test_that_passes_leaves_a_certificate(outcome):
    assert outcome[1] == {"eq-kept.json"}


@pytest.mark.parametrize(
    "says",
    [
        "the test of eq-forgotten never called certify()",
        "eq-twice: certify() is called once, with all parts of the claim",
        "eq-edited: the docstring of the test is not the formula of book/one.md",
        "test_eq_nowhere: no page of the book has the label eq-nowhere",
        "eq-elsewhere stands on book/two.md: move the test to test_two.py",
    ],
)
def test_each_refusal_says_what_to_do(outcome, says):
    assert says in outcome[0]


def test_each_fault_is_told_once(outcome):
    assert "3 failed, 2 passed, 3 errors" in outcome[0]  # the error after test_eq_forgotten comes beside its pass
