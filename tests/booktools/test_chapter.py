"""The chapter card says what the page declares and what its run measured, and is renewed when that changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from booktools.pages import Page

FRONT = """\
---
jupytext: {formats: "md:myst", text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
chapter: {part: Basics, modules: [mlpc.basics.rules, mlpc.basics.more], uses: [basics], data: [], hours: 1.5}
---
"""
CHAPTER = (
    FRONT
    + """\
# The rules

:::{admonition} Before you start
:class: chapter-card
You will be able to do it.
:::

$$
a = b
$$ (eq-a)

$$
b = c
$$ (eq-b)

About {fact}`37 %` of them.
"""
)
API = "# API\n```{eval-rst}\n.. py:module:: mlpc.basics.rules\n```\n"
CONFIGURATION = """
from booktools.address import Site
extensions = ["myst_parser", "sphinx.ext.mathjax", "booktools.chapter"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
suppress_warnings = ["myst.xref_missing"]
def setup(app):
    app.add_config_value("mlpc_site", Site(), "html")
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    files = {
        "conf.py": CONFIGURATION,
        "index.md": "# Book\n```{toctree}\nbook/basics/rules\nbook/appendix/api\n```\n",
        "book/basics/rules.md": CHAPTER,
        "book/appendix/api.md": API,
        "mlpc/basics/rules.py": "",
        "requirements.lock": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def measured(monkeypatch):
    """What the record of the run says; a test may change it between two builds."""
    record = {"seconds": 12.34, "megabytes": 456.7}
    monkeypatch.setattr(Page, "record", lambda self: record or None)
    return record


def card(source: Path):
    page = BeautifulSoup((source / "_build/html/book/basics/rules.html").read_text("utf-8"), "html.parser")
    return page.find(class_="chapter-card")


def rows(source: Path) -> dict[str, str]:
    terms = card(source).find_all("dt")
    return {term.get_text(): " ".join(term.find_next_sibling("dd").get_text().split()) for term in terms}


def test_the_card_says_what_is_declared_and_measured(source, measured, build):
    build(source)
    assert "You will be able to do it." in card(source).get_text()
    assert rows(source) == {
        "Part": "Basics",
        "Modules": "mlpc.basics.rules, mlpc.basics.more",
        "Time": "about 1.5 hours of reading and exercises",
        "Equations": "2 labelled",
        "This page runs in": "12 s and 457 MB of memory, on one thread",
        "Your own copy": "download the notebook",
    }


def test_modules_link_to_where_they_are_documented_and_the_notebook_to_its_place(source, measured, build):
    build(source)
    links = {link.get_text(): link["href"] for link in card(source).find_all("a", href=re.compile("api|ipynb"))}
    assert links == {
        "mlpc.basics.rules": "../appendix/api.html#module-mlpc.basics.rules",
        "download the notebook": "../../notebooks/basics/rules.ipynb",
    }


def test_binder_is_offered_only_where_the_repository_is_known(source, measured, build):
    conf = CONFIGURATION.replace("Site()", 'Site("https://github.com/ada/course", "github", "main")')
    (source / "conf.py").write_text(conf, "utf-8")
    build(source)
    [launch] = card(source).find_all("a", string="run it on Binder")
    assert launch["href"].endswith("gh/ada/course/main?urlpath=lab/tree/notebooks/basics/rules.ipynb")


def test_the_ledger_may_say_more_about_the_equations(source, measured, build):
    listen = "    app.connect('chapter-grades', lambda app, page: f'all of {page} proved')\n"
    (source / "conf.py").write_text(CONFIGURATION + listen, "utf-8")
    build(source)
    assert rows(source)["Equations"] == "2 labelled: all of book/basics/rules proved"


def test_a_page_that_was_not_run_says_nothing_of_its_run(source, measured, build):
    measured.clear()
    build(source)
    assert "This page runs in" not in rows(source)


def test_memory_that_could_not_be_measured_is_left_out(source, measured, build):
    measured["megabytes"] = None
    build(source)
    assert rows(source)["This page runs in"] == "12 s, on one thread"


def test_a_new_measurement_renews_the_card_and_nothing_else_does(source, measured, build):
    build(source)
    assert build(source).written == []
    measured["seconds"] = 99.0
    assert build(source).written == ["book/basics/rules", "index"]  # the page, and the one whose toctree lists it
    assert rows(source)["This page runs in"].startswith("99 s")


def test_a_module_that_becomes_documented_is_linked(source, measured, build):
    build(source)
    (source / "book/appendix/api.md").write_text(API + API.replace("# API\n", "").replace("rules", "more"), "utf-8")
    assert "book/basics/rules" in build(source).written
    assert card(source).find("a", href="../appendix/api.html#module-mlpc.basics.more")


def test_pages_that_do_not_run_keep_their_cards_as_they_are(source, measured, build):
    (source / "book/basics/rules.md").write_text(CHAPTER.removeprefix(FRONT), "utf-8")
    build(source)
    assert card(source).find("dl") is None


def test_wrong_front_matter_stops_the_build_with_page_and_field(source, measured, build):
    (source / "book/basics/rules.md").write_text(CHAPTER.replace("hours: 1.5", "hours: x"), "utf-8")
    with pytest.raises(Exception, match=r"rules\.md: chapter\.hours: asked for a number"):
        build(source)


def test_a_fact_is_shown_as_it_is_written(source, measured, build):
    build(source)
    page = BeautifulSoup((source / "_build/html/book/basics/rules.html").read_text("utf-8"), "html.parser")
    assert [fact.get_text() for fact in page.find_all(class_="fact")] == ["37 %"]
