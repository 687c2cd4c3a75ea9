"""The table of contents: every page of the book stands in `_toc.yml`, and every file that it names is there.

A page that runs but stands in no table of contents would be executed, and shown on the status page, yet nobody would
find it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from booktools.contents import listed
from booktools.frontmatter import split
from booktools.lint.book import Book
from booktools.lint.finding import Finding

TOC = Path("_toc.yml")


def check(book: Book) -> Iterator[Finding]:
    """Refuse pages that the table of contents does not name, and names in it without a page."""
    file = book.root / TOC
    text = file.read_text("utf-8-sig") if file.is_file() else ""
    try:
        named = [name.removesuffix(".md") for name in listed(yaml.safe_load(text))]
    except yaml.YAMLError as error:
        yield Finding(TOC, 1, "contents", f"not YAML: {' '.join(str(error).split())}")
        return
    for page in pages(book.root):
        if page.with_suffix("").as_posix() not in named:
            yield Finding(
                page, 1, "contents", f"{page.as_posix()} stands nowhere in {TOC}; name it there, or delete it"
            )
    for name in named:
        if not (book.root / f"{name}.md").is_file():
            line = next((n for n, words in enumerate(text.splitlines(), 1) if name in words.split("#")[0]), 1)
            yield Finding(TOC, line, "contents", f"{name}: there is no {name}.md")


def pages(root: Path) -> list[Path]:
    """What Sphinx would build: every Markdown file below `book/`, and those beside it that run."""
    beside = [path for path in sorted(root.glob("*.md")) if path.name == "index.md" or _runs(path)]
    found = [path.relative_to(root) for path in (*beside, *sorted((root / "book").rglob("*.md")))]
    return [path for path in found if not any(part.startswith(".") for part in path.parts)]


def _runs(path: Path) -> bool:
    try:
        return "kernelspec" in split(path.read_text("utf-8-sig"))[0]
    except ValueError:  # its front matter cannot be read; the rules for pages tell so
        return False
