"""Exercises: each has a label, a full solution, and a checker that both the stub and the solution call.

A written answer (`:class: written`) has no checker; its solution ends in a **Marking** rubric, a list of what is worth
a point.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from booktools.lint.alternatives import calls
from booktools.lint.blocks import Block
from booktools.lint.book import Book
from booktools.lint.finding import Fault, Finding
from booktools.lint.page import Page

STUB = "exercise-stub"
SHORTEST_SOLUTION = 80
"""Characters of prose and formulas below which a solution is an answer, not a solution."""


def check(page: Page, book: Book) -> Iterator[Fault]:
    """Refuse exercises without label, solution, checker or rubric, and whatever names an exercise that is not there."""
    exercises = [block for block in page.walk() if block.name == "exercise"]
    solutions = {block.argument: block for block in page.walk() if block.name == "solution"}
    labels = {exercise.label for exercise in exercises}
    for exercise in exercises:
        yield from _exercise(exercise, solutions.get(exercise.label), book)
    for label, solution in solutions.items():
        if label not in labels:
            yield solution.line, f"a solution to {label!r}, but no exercise of this page has that label"
    for cell in page.cells:
        for line, label in checks(cell):
            if label not in labels:
                yield line, f"check({label!r}): no exercise of this page has that label"


def check_registry(book: Book) -> Iterator[Finding]:
    """Refuse checkers that no page asks for."""
    asked = {block.label for page in book.pages for block in page.walk() if block.name == "exercise"}
    for label in sorted(book.checkers - asked):
        file = Path("mlpc", "exercises", f"{label.split('-')[0]}.py")
        message = f"the checker {label!r} belongs to no exercise of the book; delete it or write the exercise"
        yield Finding(file, 1, "exercise", message)


def checks(cell: Block) -> list[tuple[int, str]]:
    """Lines and labels of the calls `check("label", answer)` in a code cell."""
    first = [(line, call.args[0]) for line, call in calls(cell, "check") if call.args]
    return [(line, str(label.value)) for line, label in first if isinstance(label, ast.Constant)]


def _exercise(exercise: Block, solution: Block | None, book: Book) -> Iterator[Fault]:
    label = exercise.label
    if not label:
        yield exercise.line, "an exercise without `:label:`; its checker and its solution are found by it"
        return
    if solution is None:
        yield exercise.line, f"{label} has no solution; write {{solution-start}} {label} ... {{solution-end}} below it"
    elif (length := _length(solution)) < SHORTEST_SOLUTION:
        yield solution.line, f"the solution of {label} has {length} characters of text and formulas; write it in full"
    yield from (_written if "written" in exercise.classes else _checked)(exercise, solution, book)


def _written(exercise: Block, solution: Block | None, _book: Book) -> Iterator[Fault]:
    if solution and not _rubric(solution):
        yield solution.line, f"{exercise.label} is written: add **Marking** and a list of what is worth a point"


def _checked(exercise: Block, solution: Block | None, book: Book) -> Iterator[Fault]:
    label = exercise.label
    if label not in book.checkers:
        yield exercise.line, f"{label} has no checker in mlpc.exercises; define one, or say `:class: written`"
    if not any(stub and label in labels for stub, labels in map(_calls, _cells(exercise))):
        yield exercise.line, f"{label} has no code cell tagged {STUB} that calls check({label!r}, ...)"
    if solution and not any(not stub and label in labels for stub, labels in map(_calls, _cells(solution))):
        yield solution.line, f"the solution of {label} has no code cell that calls check({label!r}, ...)"


def _cells(block: Block) -> list[Block]:
    return [inner for inner in block.walk() if inner.kind == "cell" and not inner.nested]


def _calls(cell: Block) -> tuple[bool, list[str]]:
    """Is the cell a stub, and whose checkers does it call?"""
    return STUB in (cell.options.get("tags") or ()), [label for _, label in checks(cell)]


def _length(solution: Block) -> int:
    return sum(len(inner.text.strip()) for inner in solution.walk() if inner.kind in ("text", "display"))


def _rubric(solution: Block) -> bool:
    """Is there, after the word Marking, a list of at least two items?"""
    blocks = list(solution.walk())
    titles = (block.title if block.kind == "directive" else block.words for block in blocks)
    start = next((place for place, title in enumerate(titles) if title.startswith("Marking")), len(blocks))
    return sum(block.inside == "list" for block in blocks[start:]) >= 2
