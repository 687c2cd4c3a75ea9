"""The frame: what every chapter has, and in which order. `STATIONS` is the frame; the code only walks along it.

A chapter is a page under `book/basics`, `book/assimilation` or `book/invariance`. Each station must be found after the
one before it (the same line will do); what stands in `ANYWHERE` must be found often enough.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from booktools.lint.blocks import DIRECTIVE, Block
from booktools.lint.book import Book
from booktools.lint.finding import Fault
from booktools.lint.page import Page

CHAPTERS = frozenset({"basics", "assimilation", "invariance"})
Finder = Callable[[Block], int | None]
"""Gives the line on which a block is the station, or None."""


@dataclass(frozen=True)
class Station:
    """A part of the frame: its name, how to find it, what to write where it is missing, how many there must be."""

    name: str
    find: Finder
    write: str
    least: int = 1


def _kind(kind: str, level: int = 0) -> Finder:
    return lambda block: block.line if block.kind == kind and block.level == level else None


def _class(*names: str) -> Finder:
    return lambda block: block.line if block.kind == DIRECTIVE and block.classes & set(names) else None


def _titled(pattern: str) -> Finder:
    """A heading or an admonition whose title matches."""
    title = re.compile(pattern, re.IGNORECASE)
    return lambda block: block.line if block.kind in ("heading", DIRECTIVE) and title.search(block.title) else None


def _any(*finders: Finder) -> Finder:
    return lambda block: next((line for find in finders if (line := find(block)) is not None), None)


def _directive(*names: str) -> Finder:
    return lambda block: block.line if block.kind == DIRECTIVE and block.name in names else None


def _code(test: Callable[[ast.AST], bool]) -> Finder:
    """The line in a code cell of the first statement that passes."""

    def find(block: Block) -> int | None:
        tree = block.tree() if block.kind == "cell" and not block.nested else None
        lines = [getattr(node, "lineno", 1) for node in ast.walk(tree) if test(node)] if tree else []
        return block.text_line + min(lines) - 1 if lines else None

    return find


def _defines(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef)


def _imports(node: ast.AST) -> bool:
    """An import from a wing of the package, not from `mlpc.plots` or `mlpc.exercises`."""
    if isinstance(node, ast.ImportFrom):
        return bool(re.match(r"mlpc\.(basics|assimilation|invariance|molecules)\b", node.module or ""))
    return False


def _asserts(node: ast.AST) -> bool:
    called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    return isinstance(node, ast.Assert) or called.split(".")[-1].startswith("assert_")


def _picture(block: Block) -> int | None:
    drawn = block.kind == "cell" and not block.nested
    shown = block.kind == DIRECTIVE and block.name in ("figure", "image")
    return block.line if drawn or shown or any(run.kind == "image" for run in block.runs) else None


def _cites(block: Block) -> int | None:
    return next((run.line for run in block.runs if run.kind == "role" and run.name.startswith("cite")), None)


STATIONS = (
    Station("label", _kind("target"), "`(name-of-the-page)=` on the line above the title"),
    Station("title", _kind("heading", 1), "`# Title` below the label"),
    Station(
        "chapter card",
        _class("chapter-card"),
        ":::{admonition} Before you start, `:class: chapter-card`: what one will be able to do, and prerequisites",
    ),
    Station("picture or failure", _picture, "a picture, or a cell that shows a failure, before the first derivation"),
    Station(
        "derivation",
        _any(_directive("prf:proof"), _class("derivation")),
        ":::{prf:proof}, or :::{admonition} with `:class: derivation`",
    ),
    Station("code by hand", _code(_defines), "a code cell with a function of about ten lines, before `from mlpc`"),
    Station("import", _code(_imports), "`from mlpc.<wing> import ...`, after the code by hand"),
    Station("assertion", _code(_asserts), "an assertion that the code by hand and the package agree"),
    Station("exercises", _directive("exercise"), "{exercise-start} ... {exercise-end}, after the assertion", least=3),
    Station("take-away", _titled(r"^take-?away"), "a heading or admonition `Take-away`"),
    Station("outlook", _titled(r"used next"), "a heading or admonition `Where it is used next`"),
    Station("further reading", _titled(r"^further reading"), "a heading or admonition `Further reading`"),
    Station("citation", _cites, "a citation, {cite:t}`key`, under `Further reading`"),
)
ANYWHERE = (
    Station(
        "predict-before-you-run questions",
        _any(_class("predict"), _titled(r"^predict\b")),
        ":::{admonition} Predict before you run, `:class: predict`",
        least=2,
    ),
)


def is_chapter(page: Page) -> bool:
    """Is this page a chapter, so that it must have the frame?"""
    return len(page.path.parts) == 3 and page.path.parts[0] == "book" and page.path.parts[1] in CHAPTERS


def check(page: Page, _book: Book) -> Iterator[Fault]:
    """Refuse chapters that lack a station of the frame, or have it too early."""
    if not is_chapter(page):
        return
    blocks = list(page.walk())
    yield from _opening(blocks)
    before, after = "", 1
    for station in STATIONS:
        lines = _lines(station, blocks)
        later = [line for line in lines if line >= after]
        if lines and not later:
            yield after, f"the {station.name} of line {lines[0]} comes before the {before} of line {after}"
        elif len(later) < station.least:
            yield after, _missing(station, len(later))
        if later:
            before, after = station.name, later[0]
    for station in ANYWHERE:
        if (count := len(_lines(station, blocks))) < station.least:
            yield 1, _missing(station, count)


def _lines(station: Station, blocks: list[Block]) -> list[int]:
    return [line for block in blocks if (line := station.find(block)) is not None]


def _opening(blocks: list[Block]) -> Iterator[Fault]:
    """The label comes first, the title second, the card before the first section."""
    seen = [block for block in blocks if block.kind != "html"][:2]
    if [block.kind for block in seen] != ["target", "heading"]:
        yield seen[0].line if seen else 1, "a chapter begins with its label and its title, nothing before them"
    card = next((block.line for block in blocks if "chapter-card" in block.classes), 0)
    section = next((block.line for block in blocks if block.kind == "heading" and block.level == 2), card)
    if card > section:
        yield card, f"the chapter card stands below the section of line {section}; put it under the title"


def _missing(station: Station, count: int) -> str:
    have = f"{count} of at least {station.least} {station.name}" if station.least > 1 else f"no {station.name}"
    return f"{have}; write {station.write}"
