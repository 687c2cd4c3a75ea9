"""The lint of the book: prose that cannot drift from what the pages compute, cite and define.

Each module is one idea: `page` and `tokens` read a page with MyST's own parser, `numerals` knows a typed number;
`numbers`, `figures`, `exercises`, `frame`, `modules`, `contents`, `equations`, `citations`, `macros` and `words` are
rules. `python -m booktools.lint` prints what they refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from booktools.lint import citations, contents, equations, exercises, figures, frame, macros, modules, numbers, words
from booktools.lint.book import Book
from booktools.lint.finding import Fault, Finding
from booktools.lint.page import Page

PAGE_RULES = {
    "number": numbers.check,
    "alt": figures.check_alts,
    "figure": figures.check_cells,
    "exercise": exercises.check,
    "frame": frame.check,
    "front matter": modules.check,
    "equation": equations.check,
    "citation": citations.check,
    "macro": macros.check,
}
BOOK_RULES = (
    contents.check,
    exercises.check_registry,
    modules.check_owners,
    citations.check_unused,
    macros.check_symbols,
    equations.check_ledger,
)


def lint(root: Path, paths: Iterable[Path] = ()) -> list[Finding]:
    """Everything that the rules refuse, in the order of files and lines.

    Parameters
    ----------
    root : Path
        The repository.
    paths : iterable of Path
        Files or folders below the root to which the answer is limited; none means all.
    """
    book = Book.read(root)
    found = [finding for page in book.pages for finding in check_page(page, book)]
    found += [finding for rule in BOOK_RULES for finding in rule(book)]
    found += [finding for file in words.tracked(root) for finding in words.check(file, root)]
    chosen = [(root / path).resolve() for path in paths]
    return sorted(
        f for f in set(found) if not chosen or any((root / f.path).resolve().is_relative_to(path) for path in chosen)
    )


def check_page(page: Page, book: Book) -> Iterator[Finding]:
    """What the rules refuse on one page."""
    for line, fault in (*page.faults, *cells(page)):
        yield Finding(page.path, line, "structure", fault)
    for name, rule in PAGE_RULES.items():
        for line, fault in rule(page, book):
            yield Finding(page.path, line, name, fault)


def cells(page: Page) -> Iterator[Fault]:
    """Code cells that MyST-NB would not run, or that are not Python."""
    for block in page.walk():
        if block.kind == "cell" and block.nested:
            yield block.line, "a code cell inside a directive or a list is never executed; move it out of there"
        elif block.kind == "cell" and block.tree() is None:
            yield block.text_line, "this code cell is not Python"
