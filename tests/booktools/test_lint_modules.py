"""Front matter is complete, and every module of the package belongs to exactly one page."""

from __future__ import annotations

from pathlib import Path

import pytest

from booktools.lint.book import Book
from booktools.lint.modules import check, check_owners
from booktools.lint.page import read_page

FRONT = """\
---
jupytext: {formats: "md:myst", text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
chapter:
  part: Basics
  modules: [mlpc.basics.rules]
  uses: [basics]
  data: []
  hours: 3
---
# Title
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for file in (
        "__init__",
        "plots",
        "basics/__init__",
        "basics/rules",
        "exercises/__init__",
        "exercises/verdict",
        "exercises/first",
    ):
        path = tmp_path / "mlpc" / f"{file}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def book(root: Path, **pages: str) -> Book:
    names = {"api": "book/appendix/api.md"}
    return Book(root, tuple(read_page(text, Path(names.get(n, f"book/basics/{n}.md"))) for n, text in pages.items()))


API = "```{eval-rst}\n.. automodule:: mlpc.plots\n.. autofunction:: mlpc.exercises.check\n```\n"


def test_a_book_that_owns_every_module_passes(root):
    made = book(root, first=FRONT, api=API)
    assert list(check_owners(made)) == []
    assert [fault for page in made.pages for fault in check(page, made)] == []


@pytest.mark.parametrize(
    ("pages", "says"),
    [
        ({"first": FRONT}, ["mlpc.exercises.verdict belongs to no page", "mlpc.plots belongs to no page"]),
        ({"first": FRONT, "second": FRONT, "api": API}, ["belongs to book/basics/first.md already"]),
        (
            {"first": FRONT.replace("[mlpc.basics.rules]", "[]"), "api": API + "mlpc.basics.rules"},
            ["mlpc.basics.rules belongs to no page"],
        ),
        ({"first": FRONT, "api": API.replace("mlpc.plots", "mlpc.plotsandmore")}, ["mlpc.plots belongs to no page"]),
    ],
)
def test_a_module_without_or_with_two_owners_is_refused(root, pages, says):
    found = [finding.message for finding in check_owners(book(root, **pages))]
    assert len(found) == len(says)
    assert all(any(want in message for message in found) for want in says), found


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: "# Title\n", "a chapter runs"),
        (lambda text: text.replace("hours: 3", "hour: 3"), "chapter.hour: unknown field"),
        (lambda text: text.replace("mlpc.basics.rules", "mlpc.basics.other"), "does not exist"),
    ],
)
def test_front_matter_that_is_wrong_is_refused(root, change, says):
    made = book(root, first=change(FRONT))
    assert [says in message for _, message in check(made.pages[0], made)] == [True]


def test_a_page_of_another_kind_needs_no_front_matter(root):
    assert list(check(read_page("# Title\n", Path("index.md")), Book(root, ()))) == []


def test_the_exercises_of_a_page_may_be_a_package(root):
    (root / "mlpc" / "exercises" / "first.py").unlink()
    package = root / "mlpc" / "exercises" / "first"
    package.mkdir()
    for name in ("__init__", "gradients", "updates"):
        (package / f"{name}.py").touch()
    assert list(check_owners(book(root, first=FRONT, api=API))) == []
    package.rename(package.with_name("second"))
    found = [finding.message for finding in check_owners(book(root, first=FRONT, api=API))]
    assert len(found) == 2
    assert all("belongs to no page" in message for message in found), found
