"""Citations: every key that a page cites is defined in `references.bib`, and every entry there is cited somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from booktools.lint.book import Book
from booktools.lint.finding import Fault, Finding
from booktools.lint.page import Page

BIB = Path("references.bib")
ROLE = re.compile(r"(?:foot)?cite(?::\w+)?")
IN_DOCSTRING = re.compile(r":(?:foot)?cite(?::\w+)?:`([^`]*)`")


def keys(text: str) -> list[str]:
    """The keys of a citation, without what is written before and after them.

    >>> keys("{see}bishop2006{, section 2.3}, woodbury1950")
    ['bishop2006', 'woodbury1950']
    """
    return [key.strip() for key in re.sub(r"\{[^{}]*\}", "", text).split(",") if key.strip()]


def cited(page: Page) -> Iterator[tuple[str, int]]:
    """The keys that a page cites, with their lines."""
    for block in page.walk():
        for run in block.runs:
            if run.kind == "role" and ROLE.fullmatch(run.name):
                yield from ((key, run.line) for key in keys(run.text))


def check(page: Page, book: Book) -> Iterator[Fault]:
    """Refuse keys that nobody defined."""
    for key, line in cited(page):
        if key not in book.references:
            near = get_close_matches(key, book.references, n=1)
            hint = f"did you mean {near[0]}?" if near else "add its entry there"
            yield line, f"no entry {key!r} in {BIB}; {hint}"


def check_unused(book: Book) -> Iterator[Finding]:
    """Refuse entries that neither a page nor a docstring cites."""
    used = {key for page in book.pages for key, _ in cited(page)}
    used |= {key for text in book.docstrings() for found in IN_DOCSTRING.findall(text) for key in keys(found)}
    for key, line in book.references.items():
        if key not in used:
            yield Finding(BIB, line, "citation", f"the entry {key!r} is cited nowhere; cite it or delete it")
