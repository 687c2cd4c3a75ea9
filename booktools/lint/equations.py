"""Displays: each is labelled `(eq-...)`, or stands inside a derivation, a proof or a solution.

A label is what the ledger proves, so a display without one may only be a step towards one. The statement of an exercise
or of a theorem is no such step. AMS environments outside `$$` take a number that nothing can refer to: write `$$` with
`aligned`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from booktools.ledger.certificates import PROOFS
from booktools.ledger.equations import labelled_equations
from booktools.lint.blocks import Block
from booktools.lint.book import Book
from booktools.lint.finding import Fault, Finding
from booktools.lint.page import Page

STEPS = frozenset({"prf:proof", "solution"})
"""Directives inside which a display may go without a label; so may it in any block of class `derivation`."""

ASK = "label it, `$$ (eq-name)`, or put it into a derivation (class derivation), a {prf:proof} or a solution"


def check(page: Page, _book: Book) -> Iterator[Fault]:
    """Refuse displays that are neither labelled nor a step, and labels that `{eq}` or the ledger cannot find."""
    for block, around in page.inside():
        step = any(outer.name in STEPS or "derivation" in outer.classes for outer in around)
        if block.kind == "display":
            yield from _display(block, step)
        for run in block.runs:
            if run.kind == "display":
                yield run.line, "a display inside a paragraph is not set as one; put a blank line before and after $$"


def check_ledger(book: Book) -> Iterator[Finding]:
    """Refuse labels that the ledger does not read, that two displays share or that no test proves, and vain tests."""
    functions = dict(_functions(book.root))
    proved: dict[str, Path] = {}
    for page in book.pages:
        file = book.root / page.path
        read = labelled_equations(file.read_text("utf-8-sig")) if file.is_file() else {}
        for block in (block for block in page.walk() if block.kind == "display" and block.label):
            name = f"test_{block.label.replace('-', '_')}"
            test = PROOFS / f"test_{page.path.stem}.py"
            if name in proved:
                yield Finding(page.path, block.line, "ledger", f"{block.label} stands in {proved[name].as_posix()} too")
            elif block.label not in read:
                message = f"the ledger does not see {block.label}; write $$ and $$ (label) on lines of their own"
                yield Finding(page.path, block.line, "ledger", message)
            elif (test, name) not in functions:
                message = f"{block.label} has no test: write {name} in {test.as_posix()}"
                yield Finding(page.path, block.line, "ledger", message)
            proved.setdefault(name, page.path)
    for (test, name), line in functions.items():
        if name not in proved:
            yield Finding(test, line, "ledger", f"{name} is about no equation of the book; rename it or delete it")


def _functions(root: Path) -> Iterator[tuple[tuple[Path, str], int]]:
    """The functions that prove an equation: file and name, and the line."""
    for file in sorted((root / PROOFS).glob("test_*.py")):
        for line, text in enumerate(file.read_text("utf-8").splitlines(), 1):
            if found := re.match(r"def (test_eq_\w+)\(", text):
                yield (file.relative_to(root), found[1]), line


def _display(block: Block, step: bool) -> Iterator[Fault]:
    if block.name and not block.name.endswith("*"):
        yield (
            block.line,
            f"{{eq}} cannot refer to the number of \\begin{{{block.name}}}; write $$ \\begin{{aligned}} ... $$",
        )
    elif not block.label and not step:
        yield block.line, f"a display without a label; {ASK}"
    if block.label and not re.fullmatch(r"eq-[a-z0-9]+(-[a-z0-9]+)*", block.label):
        yield block.line, f"the label {block.label!r} of a display; write eq- and lower-case words joined by -"
