"""Front matter and package: fields are right, modules exist, and every module belongs to exactly one page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from booktools.frontmatter import WINGS, chapter_of
from booktools.lint.book import Book
from booktools.lint.finding import Fault, Finding
from booktools.lint.frame import is_chapter
from booktools.lint.page import Page

API = Path("book/appendix/api.md")


def check(page: Page, book: Book) -> Iterator[Fault]:
    """Refuse front matter that is incomplete, and modules that are not there."""
    try:
        chapter = chapter_of(page.front, book.root / page.path)
    except ValueError as error:
        yield 1, str(error)
        return
    if chapter is None and is_chapter(page):
        yield 1, "a chapter runs: its front matter needs jupytext, kernelspec and chapter, see CONTRIBUTING.md"
    for module in chapter.modules if chapter else ():
        if module not in modules(book.root):
            yield 1, f"chapter.modules: {module} does not exist below mlpc/"


def modules(root: Path) -> dict[str, Path]:
    """The public modules of the package and their files below the root; a package's own `__init__` is not one."""
    files = (path.relative_to(root) for path in sorted((root / "mlpc").rglob("*.py")))
    return {".".join(file.with_suffix("").parts): file for file in files if not file.stem.startswith("_")}


def check_owners(book: Book) -> Iterator[Finding]:
    """Refuse modules that no chapter teaches and no API page documents, and modules that two chapters claim."""
    owned = owners(book)
    for module, file in modules(book.root).items():
        pages = owned.get(module, [])
        wing = module.split(".")[1] in WINGS
        if len(pages) > 1:
            message = f"chapter.modules: {module} belongs to {pages[0].as_posix()} already"
            yield Finding(pages[1], 1, "front matter", message)
        elif not pages and (wing or not documented(module, book)):
            other = "" if wing else f", or document it in {API.as_posix()}"
            message = f"{module} belongs to no page; name it in one chapter's chapter.modules{other}"
            yield Finding(file, 1, "front matter", message)


def owners(book: Book) -> dict[str, list[Path]]:
    """The pages that claim each module; the exercises of a chapter, a module or a package, go with its page."""
    found: dict[str, list[Path]] = {}
    for page in book.pages:
        try:
            chapter = chapter_of(page.front, book.root / page.path)
        except ValueError:  # told by `check`
            continue
        for module in (*chapter.modules, *checkers(page, book)) if chapter else ():
            found.setdefault(module, []).append(page.path)
    return found


def checkers(page: Page, book: Book) -> list[str]:
    """The modules with the exercises of a page: `mlpc.exercises.<page>`, or those inside the package of that name."""
    name = f"mlpc.exercises.{page.path.stem}"
    return [module for module in modules(book.root) if module == name or module.startswith(f"{name}.")]


def documented(module: str, book: Book) -> bool:
    """Does the API page name the module, or the package that it is a part of?"""
    package = module.rpartition(".")[0]
    names = [module] if package == "mlpc" else [module, package]
    texts = [block.text for page in book.pages if page.path == API for block in page.walk()]
    return any(re.search(rf"\b{re.escape(name)}\b", text) for name in names for text in texts)
