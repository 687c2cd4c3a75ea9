"""From labels to exercises, and what a verdict shows and emits."""

import dataclasses
import subprocess
import sys

import pytest
from IPython.core.formatters import DisplayFormatter

from booktools.pages import VERDICT
from mlpc.exercises import Exercise, Misconception, Numbers, Verdict, chapters, check, find
from mlpc.exercises.registry import FRAMEWORK, exercises
from mlpc.exercises.verdict import MIME


def test_an_unknown_label_is_answered_with_its_neighbours():
    with pytest.raises(LookupError, match=r"no exercise has this label; near it are .*sherman_morrison-1"):
        find("sherman_morrison-11")
    with pytest.raises(LookupError, match="near it are sherman_morrison-1"):
        find("sherman_morison-1")
    with pytest.raises(LookupError, match=r"chapters with exercises: .*sherman_morrison"):
        find("7")


@pytest.mark.parametrize("chapter", sorted(FRAMEWORK))
def test_the_framework_is_no_chapter(chapter):
    assert chapter not in chapters()
    with pytest.raises(LookupError):
        check(f"{chapter}-1", 0)


def test_labels_carry_their_chapter_and_stand_once(monkeypatch):
    module = pytest.importorskip("mlpc.exercises.sherman_morrison")
    monkeypatch.setattr(module, "EXERCISES", (*module.EXERCISES, module.EXERCISES[0]))
    with pytest.raises(ValueError, match="different labels sherman_morrison-<number>"):
        exercises("sherman_morrison")


def test_a_malformed_exercise_is_refused_when_it_is_written():
    with pytest.raises(ValueError, match="<chapter>-<number>"):
        Exercise("Sherman 1", "", Numbers(), lambda: 1, ())
    twin = Misconception("sign", "", lambda: 2)
    with pytest.raises(ValueError, match="different names"):
        Exercise("a-1", "", Numbers(), lambda: 1, (twin, twin))


def test_a_verdict_is_frozen_and_true_only_if_right():
    states = {state: bool(Verdict("a-1", state)) for state in ("right", "wrong", "unanswered", "unreadable")}
    assert states == {"right": True, "wrong": False, "unanswered": False, "unreadable": False}
    with pytest.raises(dataclasses.FrozenInstanceError):
        Verdict("a-1", "wrong").state = "right"


def test_a_notebook_shows_a_verdict_as_text_and_markdown_and_gives_machines_a_record():
    verdict = Verdict("a-1", "wrong", "Look at the sign.", "sign")
    data, _ = DisplayFormatter().format(verdict)
    assert data["text/plain"] == "a-1: Not yet. Look at the sign. [sign]"
    assert data["text/markdown"] == "**Not yet.** Look at the sign. (*sign*)"
    assert data[MIME] == {"label": "a-1", "correct": False, "misconception": "sign", "state": "wrong"}


def test_importing_the_checkers_imports_neither_sympy_nor_a_chapter():
    code = "import sys, mlpc.exercises; print([m for m in sys.modules if m.split('.')[0] in ('sympy', 'scipy')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_build_looks_for_the_verdicts_that_checkers_show():
    assert VERDICT == MIME
