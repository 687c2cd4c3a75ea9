"""Displays: each is labelled `(eq-...)`, or stands inside a derivation, a proof or a solution.

A label is what the ledger proves, so a display without one may only be a step towards one. The statement of an exercise
or of a theorem is no such step. AMS environments outside `$$` take a number that nothing can refer to: write `$$` with
`aligned`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from booktools.lint.blocks import Block
from booktools.lint.book import Book
from booktools.lint.finding import Fault
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
