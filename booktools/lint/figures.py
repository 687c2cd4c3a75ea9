"""Figures: each says in words what is to be seen, and what a cell draws has a name and a caption.

A cell that draws ends in `plots.show(fig, alt=...)` and has `:mystnb: {figure: {name: fig-..., caption: ...}}`. Of an
f-string the literal parts are judged, because the numbers between them come from the run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from booktools.lint.alternatives import Alt, alts, calls, caption, figure
from booktools.lint.blocks import Block
from booktools.lint.book import Book
from booktools.lint.finding import Fault
from booktools.lint.page import Page

SHORTEST = 40
GENERIC = frozenset(
    """
    a an the of and in with for from to this that our image picture figure fig photo graphic graph plot chart
    diagram drawing illustration screenshot alt text caption description showing shows show result results data
    example output left right
    """.split()  # noqa: SIM905
)
DRAWS = ("plots.figure", "plt.figure", "plt.subplots", "plt.subplot_mosaic", "plt.show")
FEWEST_WORDS = 5
ASK = f"say in {SHORTEST} to 250 characters what is to be seen"
OPTIONS = "add `:mystnb: {figure: {name: fig-..., caption: ...}}` to the cell"


def check_alts(page: Page, _book: Book) -> Iterator[Fault]:
    """Refuse alternative texts that say nothing."""
    yield from ((alt.line, f"{fault}; {ASK}") for alt in alts(page) if (fault := fault_of(alt)))


def fault_of(alt: Alt) -> str:
    """What is wrong with an alternative text, or "".

    >>> fault_of(Alt("plot.svg", 1, "img/plot.svg"))
    'the alternative text is the path of the image'
    """
    text = " ".join((alt.text or "").split())
    if not text:
        return "the alternative text is missing, or is no text that stands here"
    if text in {alt.path, PurePosixPath(alt.path).name, PurePosixPath(alt.path).stem}:
        return "the alternative text is the path of the image"
    if _bare(text) == _bare(alt.caption):
        return "the alternative text repeats the caption"
    if not set(_bare(text).split()) - GENERIC:
        return f"the alternative text {text!r} fits any figure"
    if len(text) < SHORTEST:
        return f"the alternative text {text!r} has {len(text)} characters, computed numbers not counted"
    if (count := len({word for word in _bare(text).split() if len(word) > 1})) < FEWEST_WORDS:
        return f"the alternative text {text!r} has {count} different words of two letters or more"
    return ""


def check_cells(page: Page, _book: Book) -> Iterator[Fault]:
    """Refuse cells that draw without `plots.show`, name or caption."""
    for cell in page.cells:
        shown = calls(cell, "plots.show")
        if shown:
            yield from _shown(cell, shown)
        elif drawn := calls(cell, *DRAWS):
            yield drawn[0][0], "this cell draws, but does not end in `plots.show(fig, alt=...)`"


def _shown(cell: Block, shown: list[tuple[int, ast.Call]]) -> Iterator[Fault]:
    tree = cell.tree()
    last = tree.body[-1] if tree else None
    line, call = shown[-1]
    if len(shown) > 1:
        yield line, "a second plots.show in one cell; a name and a caption belong to one figure"
    if not isinstance(last, ast.Expr) or ast.dump(last.value) != ast.dump(call):
        yield line, "`plots.show(fig, alt=...)` must be the last line of its cell"
    if not re.fullmatch(r"fig-[a-z0-9]+(-[a-z0-9]+)*", str(figure(cell).get("name"))):
        yield cell.line, f"the figure has no name fig-...; {OPTIONS}"
    if not caption(cell).strip():
        yield cell.line, f"the figure has no caption; {OPTIONS}"


def _bare(text: str) -> str:
    return re.sub(r"[\W\d_]+", " ", text).strip().lower()
