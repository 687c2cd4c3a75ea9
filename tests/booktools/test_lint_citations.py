"""Every cited key is defined, and every defined key is cited."""

from __future__ import annotations

from pathlib import Path

import pytest

from booktools.lint.book import Book
from booktools.lint.citations import check, check_unused
from booktools.lint.page import read_page

BIB = """\
@comment{not_an_entry, x}
@book{bishop2006,
  title = {A book of 2006},
}
@Article { woodbury1950,
  title = {Inverting},
}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "references.bib").write_text(BIB, "utf-8")
    (tmp_path / "mlpc").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "{cite:p}`bishop2006`",
        "{cite:t}`bishop2006,woodbury1950`",
        "{cite}`bishop2006, woodbury1950`",
        "{cite:p}`{see}bishop2006{, section 2.3}`",
        "`{cite:p}` and `bishop2007`",
        "```\n{cite:p}`nobody`\n```",
    ],
)
def test_defined_keys_pass(root, text):
    assert list(check(read_page(text), Book(root, ()))) == []


@pytest.mark.parametrize(
    "text", ["a\n{cite:p}`bishop2007`", "a\n# {cite:t}`woodbury1950, bishop2007`", "a\n- {footcite:p}`bishop2007`"]
)
def test_a_key_that_nobody_defined_is_refused(root, text):
    [(line, message)] = check(read_page(text), Book(root, ()))
    assert (line, "'bishop2007'" in message, "did you mean bishop2006?" in message) == (2, True, True)


def test_an_entry_that_nobody_cites_is_refused_where_it_stands(root):
    book = Book(root, (read_page("{cite:p}`bishop2006`"),))
    [finding] = check_unused(book)
    assert str(finding).startswith("references.bib:5: citation: the entry 'woodbury1950'")


def test_a_citation_in_a_docstring_counts_and_one_in_a_comment_does_not(root):
    book = Book(root, (read_page("{cite:p}`bishop2006`"),))
    (root / "mlpc" / "a.py").write_text("# :cite:p:`woodbury1950`\n", "utf-8")
    assert len(list(check_unused(book))) == 1
    (root / "mlpc" / "a.py").write_text('def f():\n    """See :cite:p:`woodbury1950`."""\n', "utf-8")
    assert list(check_unused(book)) == []
