"""From a label to its exercise: ``sherman_morrison-3`` is defined in ``mlpc.exercises.sherman_morrison``."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
from typing import Any

import mlpc
from mlpc.exercises.exercise import Exercise
from mlpc.exercises.verdict import Verdict

FRAMEWORK = {"answers", "exercise", "registry", "symbolic", "verdict"}


def chapters() -> tuple[str, ...]:
    """Return the names of the chapters that have exercises, without importing them."""
    folders = [f"{folder}/exercises" for folder in mlpc.__path__]
    names = {module.name for module in pkgutil.iter_modules(folders)}
    return tuple(sorted(names - FRAMEWORK))


def exercises(chapter: str) -> tuple[Exercise, ...]:
    """Return the exercises of a chapter, in the order of the page.

    Raises
    ------
    ValueError
        If a label stands twice or does not carry the chapter's name.
    """
    defined: tuple[Exercise, ...] = importlib.import_module(f"mlpc.exercises.{chapter}").EXERCISES
    labels = [exercise.label for exercise in defined]
    if len(set(labels)) < len(labels) or any(exercise.chapter != chapter for exercise in defined):
        raise ValueError(f"mlpc.exercises.{chapter}: asked for different labels {chapter}-<number>, got {labels}")
    return defined


def find(label: str) -> Exercise:
    """Return the exercise that a label names.

    Raises
    ------
    LookupError
        If there is none; the message lists the labels that are near.
    """
    chapter = str(label).split("-")[0]
    known = {exercise.label: exercise for exercise in exercises(chapter)} if chapter in chapters() else {}
    if label in known:
        return known[label]
    near = difflib.get_close_matches(str(label), known, n=4, cutoff=0.3)
    near = near or [f"{name}-1" for name in difflib.get_close_matches(chapter, chapters(), n=4, cutoff=0.3)]
    hint = f"near it are {', '.join(near)}" if near else f"chapters with exercises: {', '.join(chapters()) or 'none'}"
    raise LookupError(f"check({label!r}): no exercise has this label; {hint}")


def check(label: str, answer: Any) -> Verdict:
    """Judge the answer to an exercise of the book.

    Parameters
    ----------
    label : str
        The exercise's label on the page, such as ``"sherman_morrison-3"``.
    answer : object
        A number, an array, a tuple of them, a SymPy expression or a function, as the exercise asks.

    Returns
    -------
    Verdict
        True if the answer is right; otherwise says what it sees. Put the call on the last line of a cell.

    Raises
    ------
    LookupError
        If no exercise has this label.
    """
    return find(label).judge(answer)
