"""Formulas speak LaTeX that MathJax and JupyterLab know, plus the macros of `book/notation.yml`, and nothing else.

And the notation file is true: a symbol with a first chapter occurs on that page, a symbol without one occurs nowhere in
its part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from booktools.frontmatter import FOLDER_OF_PART
from booktools.lint.alternatives import caption
from booktools.lint.book import Book
from booktools.lint.finding import Fault, Finding
from booktools.lint.mathjax import known
from booktools.lint.page import Page
from booktools.lint.tokens import inline
from booktools.symbols import NOTATION, Symbol, expand_macros, latex_tokens

DEFINES = frozenset({"def", "newcommand", "renewcommand", "let", "DeclareMathOperator", "newenvironment", "require"})


def formulas(page: Page) -> Iterator[tuple[str, int]]:
    """Every formula of a page, with the line where it begins."""
    for block in page.walk():
        if block.kind == "display":
            yield block.text, block.line
        yield from ((run.text, run.line) for run in block.runs if run.kind in ("math", "display"))
    for cell in page.cells:
        yield from ((run.text, run.line) for run in inline(caption(cell), cell.line) if run.kind == "math")


def check(page: Page, book: Book) -> Iterator[Fault]:
    """Refuse macros and environments that MathJax and the notation file do not know, and definitions in a page."""
    own = frozenset(symbol.macro.removeprefix("\\") for symbol in book.symbols if symbol.macro)
    for latex, line in formulas(page):
        for offset, fault in unknown(latex, own):
            yield line + latex.count("\n", 0, offset), fault


def unknown(latex: str, own: frozenset[str] = frozenset()) -> Iterator[tuple[int, str]]:
    r"""Offsets and faults of what a formula may not use; `own` are the macros of the notation file.

    >>> list(unknown(r"\alpha + \R"))
    [(9, '\\R is known neither to MathJax nor to book/notation.yml; write it out, or define it there')]
    """
    macros, environments = known()
    for found in re.finditer(r"\\([a-zA-Z]+|.)", latex, re.DOTALL):
        name = found[1]
        if name in DEFINES:
            yield found.start(), f"\\{name} inside a page; macros are defined in {NOTATION.as_posix()} alone"
        elif name not in macros | own and not name.isspace():
            file = NOTATION.as_posix()
            yield found.start(), f"\\{name} is known neither to MathJax nor to {file}; write it out, or define it there"
    for found in re.finditer(r"\\begin\s*\{([^}]*)\}", latex):
        if found[1] not in environments:
            yield found.start(), f"\\begin{{{found[1]}}}: MathJax has {', '.join(sorted(environments))}"


def check_symbols(book: Book) -> Iterator[Finding]:
    """Refuse symbols that their chapter does not use, symbols in use without a chapter, and macros that MathJax has."""
    for symbol in book.symbols:
        for fault in _faults(symbol, book):
            yield Finding(NOTATION, symbol.line, "notation", fault)


def _faults(symbol: Symbol, book: Book) -> Iterator[str]:
    folder = FOLDER_OF_PART[symbol.part]
    pages = [page.path.stem for page in book.pages if page.path.parent.name == folder and uses(page, symbol, book)]
    same = [other for other in book.symbols if (other.latex, other.part) == (symbol.latex, symbol.part)]
    free = [page for page in pages if page not in {other.chapter for other in same if other.scope == "chapter"}]
    if symbol.chapter and symbol.chapter not in pages:
        yield f"{symbol.latex} does not occur in book/{folder}/{symbol.chapter}.md; correct or drop its chapter"
    elif not symbol.chapter and free:
        yield (
            f"{symbol.latex} occurs in book/{folder}/{free[0]}.md; if it means {symbol.meaning!r} there, say chapter: "
            f"{free[0]}; if not, choose another letter there, or give it an entry with scope: chapter"
        )
    if symbol.macro.removeprefix("\\") in known()[0]:
        yield f"{symbol.macro} means something else in MathJax already; choose another name"


def uses(page: Page, symbol: Symbol, book: Book) -> bool:
    """Does a formula of this page hold the symbol?"""
    wanted = latex_tokens(symbol.latex)
    return any(_holds(latex_tokens(expand_macros(latex, book.symbols)), wanted) for latex, _ in formulas(page))


def _holds(formula: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return any(formula[i : i + len(wanted)] == wanted for i in range(len(formula) - len(wanted) + 1))
