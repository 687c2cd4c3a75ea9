"""Every label of the book with the name and number that the built page gives it, so that a notebook can say "(1.4)"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import yaml

from booktools.contents import listed
from booktools.frontmatter import split
from booktools.notebooks.blocks import Block, Directive, Display, Target, Text, read_blocks

PROOFS = ("theorem", "lemma", "corollary", "proposition", "definition", "algorithm", "example", "remark", "axiom")
PROOFS = (*PROOFS, "conjecture", "criterion", "observation", "property", "assumption", "notation")
HEADING = re.compile(r"^#{1,6}\s+(?P<title>.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Label:
    """What a label names: `kind` is a word such as Theorem, `number` is empty for a section."""

    kind: str
    number: str
    title: str
    page: str

    @property
    def name(self) -> str:
        """How text calls it: `(1.4)`, `Theorem 1.2`, or the title of a section."""
        if self.kind == "Equation":
            return f"({self.number})"
        return f"{self.kind} {self.number}".strip() if self.kind else self.title


@dataclass(frozen=True)
class Book:
    """The labels and page titles of the whole book."""

    root: Path
    labels: dict[str, Label] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)


def read_book(root: Path) -> Book:
    """Number everything that the book's pages label, in the order of `_toc.yml`."""
    pages = [(root / f"{page}.md", chapter) for page, chapter in _pages(root)]
    return _read_book(
        root, tuple((path, chapter, path.read_text("utf-8")) for path, chapter in pages if path.is_file())
    )


@lru_cache(maxsize=1)
def _read_book(root: Path, pages: tuple[tuple[Path, str, str], ...]) -> Book:
    """The same for the pages' paths, chapter numbers and texts: a book that has not changed is read once."""
    book, counts = Book(root), Counter[tuple[str, str]]()
    for path, chapter, text in pages:
        page, blocks = path.relative_to(root).with_suffix("").as_posix(), _blocks(text, path)
        headings = (HEADING.search(block.text) for block in blocks if isinstance(block, Text))
        book.titles[page] = next((heading["title"] for heading in headings if heading), page)
        for label, found in _labels(blocks, page, chapter, counts):
            book.labels[label] = found
    return book


def read_page_blocks(path: Path) -> list[Block]:
    """The blocks of a page; errors name the page."""
    return _blocks(path.read_text("utf-8"), path)


def _blocks(text: str, path: Path) -> list[Block]:
    body = split(text)[1]
    try:
        return read_blocks(body, 1 + text.count("\n") - body.count("\n"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _pages(root: Path) -> Iterator[tuple[str, str]]:
    """Every page of the table of contents with the number of its chapter, empty outside the numbered parts."""
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    yield toc["root"], ""
    count = 0
    for part in toc.get("parts", [toc]):
        for chapter in part.get("chapters", ()):
            count += bool(part.get("numbered"))
            number = str(count) if part.get("numbered") else ""
            yield from ((page, number) for page in listed(chapter))


def _labels(
    blocks: list[Block], page: str, chapter: str, counts: Counter[tuple[str, str]]
) -> Iterator[tuple[str, Label]]:
    def number(kind: str) -> str:
        counts[kind, chapter] += 1
        return f"{chapter}.{counts[kind, chapter]}" if chapter else str(counts[kind, chapter])

    for i, block in enumerate(blocks):
        if isinstance(block, Target):
            following = next((b.text for b in blocks[i + 1 :] if isinstance(b, Text)), "")
            heading = HEADING.match(following)
            yield block.label, Label("", "", heading["title"] if heading else block.label, page)
        elif isinstance(block, Display) and block.label:
            yield block.label, Label("Equation", number("Equation"), "", page)
        elif isinstance(block, Directive):
            label, kind, title = _named(block)
            if kind:
                yield label, Label(kind, "" if "nonumber" in block.options else number(kind), title, page)
            if block.name != "code-cell":
                yield from _labels(read_blocks(block.body, block.line + 1), page, chapter, counts)


def _named(block: Directive) -> tuple[str, str, str]:
    """Label, kind and title of a directive that is numbered; kind is empty for others."""
    kind = block.name.removeprefix("prf:")
    if block.name.startswith("prf:") and kind in PROOFS:
        return block.label, kind.capitalize(), block.argument
    if block.name in ("exercise", "exercise-start"):
        return block.label, "Exercise", block.argument
    if block.name == "math" and block.label:
        return block.label, "Equation", ""
    if block.name == "code-cell":
        figure = (block.options.get("mystnb") or {}).get("figure") or {}
        return str(figure.get("name", "")), "Fig." if figure.get("caption") else "", ""
    if block.name in ("figure", "table", "list-table") and block.label:
        return block.label, "Fig." if block.name == "figure" else "Table", block.argument
    return "", "", ""
