"""Exercises: each has a label, a full solution, and a checker that both the stub and the solution call.

The call of `check` is the last line of its cell: the build judges the verdicts that a page displays, and no others.

A written answer (`:class: written`) has no checker; its solution ends in a **Marking** rubric, a list of what is worth
a point.
"""

from __future__ import annotations

import ast
import io
import tokenize
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
        yield from hidden(cell)


def check_registry(book: Book) -> Iterator[Finding]:
    """Refuse checkers that no page asks for."""
    asked = {block.label for page in book.pages for block in page.walk() if block.name == "exercise"}
    for label in sorted(book.checkers - asked):
        chapter = Path("mlpc", "exercises", label.split("-")[0])
        file = chapter / "__init__.py" if (book.root / chapter).is_dir() else chapter.with_suffix(".py")
        message = f"the checker {label!r} belongs to no exercise of the book; delete it or write the exercise"
        yield Finding(file, 1, "exercise", message)


def checks(cell: Block) -> list[tuple[int, str]]:
    """Lines and labels of the calls `check("label", answer)` in a code cell."""
    first = [(line, call.args[0]) for line, call in calls(cell, "check") if call.args]
    return [(line, str(label.value)) for line, label in first if isinstance(label, ast.Constant)]


def hidden(cell: Block) -> Iterator[Fault]:
    """Refuse uses of `check` whose verdict the page does not display, so that the build could not judge it.

    >>> list(hidden(Block("cell", 1, "check('a-1', 5)", text_line=2)))
    []
    >>> [line for line, _ in hidden(Block("cell", 1, "v = check('a-1', 5)\\nv", text_line=2))]
    [2]
    """
    tree = cell.tree()
    body = tree.body if tree else []
    last = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    shown = last.func if isinstance(last, ast.Call) and not _silenced(cell.text) else None
    for node in ast.walk(tree) if tree else ():
        if _names_check(node) and node is not shown:
            line = cell.text_line + getattr(node, "lineno", 1) - 1
            yield (
                line,
                "`check(...)` must be the last line of its cell, by itself and without `;`: its verdict is shown",
            )


def _names_check(node: ast.AST) -> bool:
    """Is `check` used, or given another name or another meaning, here?"""
    match node:
        case ast.Name(id="check") | ast.Attribute(attr="check") | ast.FunctionDef(name="check") | ast.arg(arg="check"):
            return True
        case ast.alias(name=name, asname=other):
            return other not in (None, name) and "check" in (name, other)
    return False


def _silenced(code: str) -> bool:
    """Does the cell end in `;`, which IPython takes as the wish to show nothing?"""
    passed = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER)
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(code).readline) if token.type not in passed]
    return bool(tokens) and tokens[-1].string == ";"


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
