"""Every exercise of the book: its checker accepts the solution, rejects the stub, and names each planted mistake."""

import re

import numpy as np
import pytest

from mlpc.exercises import Exercise, Function, Numbers, chapters, check
from mlpc.exercises.registry import exercises

EXERCISES = [exercise for chapter in chapters() for exercise in exercises(chapter)]
PLANTED = [(exercise, misconception) for exercise in EXERCISES for misconception in exercise.misconceptions]


def by_label(exercise: Exercise) -> str:
    return exercise.label


def numbers(answer) -> list[str]:
    """The entries of a numerical answer to four digits, those that have as many."""
    parts = answer if isinstance(answer, tuple) else (answer,)
    entries = (f"{abs(entry):.4g}" for part in parts for entry in np.ravel(np.asarray(part, dtype=float)))
    return [entry for entry in entries if len(re.sub(r"e.*|\D", "", entry).lstrip("0")) == 4]


def test_the_book_has_exercises():
    assert EXERCISES


@pytest.mark.parametrize("exercise", EXERCISES, ids=by_label)
def test_the_solution_is_accepted(exercise):
    verdict = check(exercise.label, exercise.solution())
    assert verdict.state == "right", str(verdict)


def unfinished(*_):
    raise NotImplementedError


@pytest.mark.parametrize("exercise", EXERCISES, ids=by_label)
@pytest.mark.parametrize("stub", [..., None, NotImplemented, unfinished, lambda *_: None, lambda *_: ...])
def test_the_stub_is_unanswered(exercise, stub):
    if callable(stub) and not isinstance(exercise.kind, Function):
        assert check(exercise.label, stub).state == "unreadable"
    else:
        assert check(exercise.label, stub).state == "unanswered"


@pytest.mark.parametrize(("exercise", "planted"), PLANTED, ids=[f"{e.label}: {m.name}" for e, m in PLANTED])
def test_a_planted_mistake_is_named(exercise, planted):
    verdict = check(exercise.label, planted.wrong())
    assert (verdict.state, verdict.misconception) == ("wrong", planted.name)
    assert verdict.message == planted.hint


@pytest.mark.parametrize("exercise", EXERCISES, ids=by_label)
def test_at_least_three_mistakes_are_planted_and_none_is_another(exercise):
    assert len(exercise.misconceptions) >= 3
    answers = [planted.wrong() for planted in exercise.misconceptions]
    for i, answer in enumerate(answers):
        read = exercise.kind.read(answer, exercise.solution())
        same = [j for j, other in enumerate(answers) if exercise.kind.agree(read, other)]
        assert same == [i], f"{exercise.misconceptions[i].name} is also {same}"


@pytest.mark.parametrize("exercise", EXERCISES, ids=by_label)
@pytest.mark.parametrize("strange", ["text", object(), {"a": 1}, {1, 2}, [[1], [2, 3]], float("nan"), max, int])
def test_a_strange_answer_gets_a_verdict_and_no_traceback(exercise, strange):
    verdict = check(exercise.label, strange)
    assert not verdict
    assert exercise.ask in verdict.message


@pytest.mark.parametrize("exercise", EXERCISES, ids=by_label)
def test_no_verdict_tells_the_answer(exercise):
    if not isinstance(exercise.kind, Numbers):
        return
    said = " ".join([exercise.ask, *(planted.hint for planted in exercise.misconceptions)])
    assert not [value for value in numbers(exercise.solution()) if value in said]


def test_the_answers_are_looked_for_in_four_digits():
    assert numbers(np.array([[1 / 6, 0.5], [1234.56, -2e-7 / 3]])) == ["0.1667", "1235", "6.667e-08"]
