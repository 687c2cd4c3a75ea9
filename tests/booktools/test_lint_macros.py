"""Formulas use LaTeX that MathJax knows and the macros of the notation file; the notation file is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from booktools.lint import mathjax
from booktools.lint.book import Book
from booktools.lint.macros import check, check_symbols
from booktools.lint.page import read_page

NOTATION = r"""
- {latex: \mathbb{R}, macro: \R, part: Basics, meaning: the reals}
- {latex: A, part: Basics, meaning: a matrix, chapter: first}
- {latex: K, part: Basics, meaning: a covariance}
- {latex: K, part: Assimilation, meaning: a gain}
- {latex: u, part: Basics, scope: chapter, meaning: a column, chapter: first}
- {latex: u, part: Basics, meaning: what is observed}
""".replace(r"\mathbb{R},", r"'\mathbb{R}',")
FIRST = Path("book/basics/first.md")


@pytest.fixture
def book(tmp_path: Path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "notation.yml").write_text(NOTATION, "utf-8")

    def make(first: str, second: str = "") -> Book:
        return Book(tmp_path, (read_page(first, FIRST), read_page(second, Path("book/basics/second.md"))))

    return make


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a $\\reals$", 1, "\\reals is known neither"),
        ("a\n\n$$\nx \\\\\n\\tr A\n$$ (eq-a)", 5, "\\tr is known neither"),
        ("a\nb $\\Rn$", 1, "\\Rn"),
        ("$\\boldsymbol{x}$", 1, "\\boldsymbol"),
        ("$\\newcommand{\\a}{b}$", 1, "macros are defined in"),
        ("$$\n\\begin{bbmatrix} a \\end{bbmatrix}\n$$ (eq-a)", 2, "bbmatrix"),
        ("\\begin{align*}\n\\foo\n\\end{align*}", 2, "\\foo"),
        ("# Title $\\foo$", 1, "\\foo"),
        (":::{prf:theorem} on $\\foo$\n:::", 1, "\\foo"),
        ("```{code-cell} python\n:mystnb: {figure: {caption: '$\\foo$'}}\nx\n```", 1, "\\foo"),
        ("{math}`\\foo`", 1, "\\foo"),
    ],
)
def test_a_macro_that_nobody_knows_is_refused(book, text, line, says):
    faults = list(check(read_page(text), book("$A$")))
    assert any(says in message for _, message in faults), faults
    assert faults[0][0] == line or text.startswith("a\nb")


@pytest.mark.parametrize(
    "text",
    [
        "$x \\in \\R^n$ and $\\mathbb{R}$",
        "$$\n\\begin{pmatrix} A & -U \\\\ V & I_k \\end{pmatrix} \\, \\Big\\{ x\n$$ (eq-a)",
        "$\\operatorname*{arg\\,min}_{w} \\sum_{i=1}^n$",
        "$\\{ \\lVert x \\rVert \\mid \\left\\langle x, y \\right\\rangle \\}\\; \\% \\# \\quad\\text{ and }\\ \\top$",
        "$\\varphi \\Longleftrightarrow \\xrightarrow{a} \\widehat{x} \\overset{!}{=} \\mathcal{N}$",
        "`\\foo` and \\\\foo",
        "```{code-cell} python\nprint('\\foo')\n```",
    ],
)
def test_latex_that_mathjax_knows_passes(book, text):
    assert list(check(read_page(text), book("$A$"))) == []


def notation_faults(book: Book) -> list[tuple[int, str]]:
    return [(finding.line, finding.message) for finding in check_symbols(book)]


def test_a_true_notation_passes(book):
    assert notation_faults(book("$A^{-1} u$ and $\\text{in words: K}$, $\\begin{pmatrix} u \\end{pmatrix}$")) == []


@pytest.mark.parametrize(
    ("first", "second", "line", "says"),
    [
        ("$u$", "$A$", 3, "A does not occur in book/basics/first.md"),
        ("$u$ `A`", "", 3, "A does not occur"),
        ("$A u K_t$", "", 4, "K occurs in book/basics/first.md"),
        ("$A u$", "$u$", 7, "u occurs in book/basics/second.md"),
        ("$A u \\R$", "", 2, "chapter: first"),
    ],
)
def test_a_notation_that_the_pages_contradict_is_refused(book, first, second, line, says):
    assert [(where, says in message) for where, message in notation_faults(book(first, second))] == [(line, True)]


def test_a_macro_that_mathjax_has_already_is_refused(book):
    made = book("$A u$")
    file = made.root / "book" / "notation.yml"
    file.write_text(NOTATION.replace("macro: \\R", "macro: \\Re"), "utf-8")
    assert [("\\Re means something else" in message) for _, message in notation_faults(made)] == [True]


def test_mathjax_is_the_one_that_is_served_and_its_tables_are_read():
    macros, environments = mathjax.known()
    assert {"alpha", "mathbb", "operatorname", "frac", ",", "\\", "{", "lVert", "xrightarrow", "dfrac", "top"} <= macros
    assert {"aligned", "pmatrix", "cases", "align*"} <= environments
    assert not {"remap", "R", "boldsymbol", "cancel", "Macro", "Accent"} & macros


def test_a_mathjax_in_another_format_is_told():
    with pytest.raises(ValueError, match="format has changed"):
        mathjax.tables("export const maps = {}")
