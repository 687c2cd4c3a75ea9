"""The notation file gives MathJax its macros and the notation page its tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx.errors import ExtensionError, SphinxError

from booktools.symbols import NOTATION

GOOD = r"""
- {latex: '\mathbb{R}', macro: \R, part: Basics, meaning: the reals}
- {latex: A, part: Basics, meaning: a matrix, code: A, shape: n \times n, chapter: first}
- {latex: u, part: Basics, scope: chapter, meaning: a column, chapter: first}
- {latex: u, part: Basics, meaning: what is observed}
- {latex: A, part: Assimilation, meaning: an operator, basics: L}
"""


INDEX = "# Book\n```{toctree}\nbook/basics/first\nbook/appendix/notation\n```\n"
PAGE = """\
# Notation

```{notation-table} Basics
```

```{notation-table} Assimilation
```

```{notation-clashes}
```
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A book of one chapter and the notation page, in plain Sphinx."""
    for folder in ("basics", "appendix"):
        (tmp_path / "book" / folder).mkdir(parents=True)
    extensions = "['myst_parser', 'sphinx.ext.mathjax', 'booktools.notation']"
    (tmp_path / NOTATION).write_text(GOOD, "utf-8")
    (tmp_path / "conf.py").write_text(f"extensions = {extensions}\n", "utf-8")
    (tmp_path / "index.md").write_text(INDEX, "utf-8")
    (tmp_path / "book/basics/first.md").write_text("# The first chapter: a title\n{math}`\\R`\n", "utf-8")
    (tmp_path / "book/appendix/notation.md").write_text(PAGE, "utf-8")
    return tmp_path


def rows(source: Path) -> list[list[list[str]]]:
    page = BeautifulSoup((source / "_build/html/book/appendix/notation.html").read_text("utf-8"), "html.parser")
    tables = page.find_all("table", class_="notation")
    return [[_texts(row) for row in table.find_all("tr")] for table in tables]


def _texts(row) -> list[str]:
    return [cell.get_text().strip() for cell in row.find_all(["th", "td"])]


def test_the_page_shows_every_symbol_and_every_clash(source, build):
    build(source)
    basics, assimilation, clashes = rows(source)
    assert basics == [
        ["Symbol", "Meaning", "In the code", "Shape", "First used"],
        ["\\(\\R\\)", "the reals", "–", "–", "–"],
        ["\\(A\\)", "a matrix", "A", "\\(n \\times n\\)", "The first chapter"],
        ["\\(u\\)", "a column", "–", "–", "The first chapter only"],
        ["\\(u\\)", "what is observed", "–", "–", "–"],
    ]
    assert assimilation[0][:3] == ["Symbol", "In Basics", "Meaning"]
    assert assimilation[1][:3] == ["\\(A\\)", "\\(L\\)", "an operator"]
    assert clashes == [
        ["Symbol", "Meaning", "In"],
        ["\\(A\\)", "a matrix", "Basics"],
        ["\\(A\\)", "an operator", "Assimilation"],
        ["\\(u\\)", "a column", "The first chapter only"],
        ["\\(u\\)", "what is observed", "Basics"],
    ]


def test_the_macros_reach_mathjax_beside_those_of_the_configuration(source, build):
    given = {"tex": {"macros": {"E": "\\mathbb{E}"}, "tags": "ams"}, "options": {"a": 1}}
    assert build(source, mathjax3_config=given).config.mathjax3_config == {
        "tex": {"macros": {"E": "\\mathbb{E}", "R": "\\mathbb{R}"}, "tags": "ams"},
        "options": {"a": 1},
    }
    assert "mathbb{R}" in (source / "_build/html/book/basics/first.html").read_text("utf-8")
    assert given["tex"]["macros"] == {"E": "\\mathbb{E}"}


def test_an_edit_of_the_notation_renews_the_page(source, build):
    build(source)
    (source / NOTATION).write_text(GOOD.replace("a matrix", "another matrix"), "utf-8")
    build(source)
    assert rows(source)[0][2][1] == "another matrix"


def test_a_chapter_that_is_no_page_stops_the_build(source, build):
    (source / NOTATION).write_text(GOOD.replace("chapter: first}", "chapter: second}", 1), "utf-8")
    with pytest.raises(SphinxError, match=r"notation\.yml:3: there is no page book/basics/second\.md"):
        build(source)


def test_a_wrong_notation_stops_the_build(source, build):
    (source / NOTATION).write_text(GOOD.replace("scope: chapter, ", ""), "utf-8")
    with pytest.raises(ExtensionError, match="u has the meaning 'a column' in Basics already"):
        build(source)
