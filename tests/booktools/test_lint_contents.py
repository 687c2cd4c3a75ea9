"""Every page stands in the table of contents, and what it names is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from booktools.lint.book import Book
from booktools.lint.contents import check

TOC = """\
format: jb-book
root: index
parts:
  - caption: One
    chapters:
      - file: book/basics/a
        sections:
          - file: book/basics/b.md
"""
RUNS = "---\nkernelspec: {name: python3}\n---\n# T\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "book/basics").mkdir(parents=True)
    (tmp_path / "_toc.yml").write_text(TOC, "utf-8")
    for name in ("index.md", "README.md", "book/basics/a.md", "book/basics/b.md"):
        (tmp_path / name).write_text("# T\n", "utf-8")
    return tmp_path


def found(root: Path) -> list[str]:
    return [str(finding) for finding in check(Book(root, ()))]


def test_a_complete_table_of_contents_passes(root):
    assert found(root) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("book/basics/secret.md", RUNS),
        ("book/basics/words.md", "# T\n"),
        ("book/_draft.md", RUNS),
        ("book/broken.md", "---\nkernelspec: [\n---\n"),
        ("beside.md", "\ufeff" + RUNS),
    ],
)
def test_a_page_that_the_contents_do_not_name_is_refused(root, name, text):
    (root / name).write_text(text, "utf-8")
    assert found(root) == [f"{name}:1: contents: {name} stands nowhere in _toc.yml; name it there, or delete it"]


def test_a_name_without_a_page_is_refused_on_its_line(root):
    (root / "book/basics/a.md").unlink()
    assert found(root) == ["_toc.yml:6: contents: book/basics/a: there is no book/basics/a.md"]


def test_without_a_table_of_contents_no_page_is_named(root):
    (root / "_toc.yml").unlink()
    assert len(found(root)) == 3


def test_a_table_of_contents_that_is_not_yaml_is_told(root):
    (root / "_toc.yml").write_text("root: [", "utf-8")
    [message] = found(root)
    assert message.startswith("_toc.yml:1: contents: not YAML")
