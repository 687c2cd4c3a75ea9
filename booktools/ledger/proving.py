"""Prove again what changed, page by page: a page's equations are proved when one of them, or what their tests import,
is not what their certificates were made from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from booktools.ledger.certificates import Entry, file_of, folder_of, inputs_of, read_entries, test_of
from booktools.ledger.equations import Equation, book_equations, plain
from booktools.ledger.grades import standings


def is_current(equation: Equation, entry: Entry | None, inputs: str | None = None) -> bool:
    """Whether an entry is for the formula as its page writes it now, and (if given) was made from these inputs."""
    same = entry is not None and entry.page == equation.page and plain(entry.latex) == plain(equation.latex)
    return same and inputs in (None, entry.inputs)  # type: ignore[union-attr]


def by_test(root: Path, equations: Mapping[str, Equation]) -> dict[Path, list[Equation]]:
    """The equations by the file that proves them."""
    found: dict[Path, list[Equation]] = defaultdict(list)
    for equation in equations.values():
        found[test_of(root, equation.chapter)].append(equation)
    return found


def stale_tests(root: Path) -> list[Path]:
    """The test files that must run, because an equation of theirs has no current certificate."""
    equations = book_equations(root)
    entries = read_entries(root, equations)
    stale = []
    for test, proved in by_test(root, equations).items():
        if test.is_file():
            inputs = inputs_of(root, test)
            if not all(is_current(one, entries.get(one.label), inputs) for one in proved):
                stale.append(test)
    return stale


def settle(root: Path) -> list[str]:
    """Drop the certificates of labels that are no more; return what is still wrong with the ledger, one line each."""
    equations = book_equations(root)
    kept = {file_of(root, label) for label in equations}
    for file in folder_of(root).glob("*"):
        if file not in kept:
            file.unlink()
    entries = read_entries(root, equations)
    wrong = [missing(equation) for label, equation in equations.items() if not is_current(equation, entries.get(label))]
    try:
        standings({} if wrong else entries)
    except ValueError as error:
        wrong.append(str(error))
    return wrong


def missing(equation: Equation) -> str:
    """What to do for an equation without a current certificate."""
    test = f"tests/equations/test_{equation.chapter}.py::test_{equation.label.replace('-', '_')}"
    return f"{equation.label} has no certificate for its present formula: see to {test}, then run: make book"
