"""Checkers of the book's exercises: one definition serves the page, the downloaded notebook and pytest.

A chapter's module, ``mlpc.exercises.<chapter>``, holds a tuple ``EXERCISES``; a page calls `check`. An exercise knows
its solution and the answers that common misconceptions lead to, each as code that computes it, so that a verdict can
say *which* misconception it sees, without ever printing the answer. That is why this is not otter-grader or nbgrader:
when their checks fail they print the assertion, and with it the answer, and they know no planted wrong answers; each
would also bring about a hundred packages (CONTRIBUTING.md has the measurements).

Importing this package imports neither SymPy nor the chapters.
"""

from mlpc.exercises.answers import Function, Numbers
from mlpc.exercises.exercise import Exercise, Misconception
from mlpc.exercises.registry import chapters, check, find
from mlpc.exercises.symbolic import Expression
from mlpc.exercises.verdict import Verdict

__all__ = [
    "Exercise",
    "Expression",
    "Function",
    "Misconception",
    "Numbers",
    "Verdict",
    "chapters",
    "check",
    "find",
]
