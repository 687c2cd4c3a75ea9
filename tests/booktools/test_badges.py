"""A site with badges: beside each equation, refreshed when a certificate changes; none without a certificate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from booktools.ledger.certificates import forget, keep, read_entries
from booktools.ledger.equations import book_equations
from tests.booktools.test_ledger import entry

CONFIGURATION = """
from booktools.address import Site
extensions = ["myst_parser", "sphinx.ext.mathjax", "booktools.chapter", "booktools.theme"]
extensions += ["booktools.ledger.badges", "booktools.ledger.appendix"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
html_theme = "sphinx_book_theme"
numfig = math_numfig = True
templates_path = []  # the theme appends to the list that it finds
def setup(app):
    app.add_config_value("mlpc_site", Site(), "html")
"""
ONE = """# One: a page

$$
a = b
$$ (eq-one)

$$
b = c
$$ (eq-two)
"""
LEDGER = "# Ledger\n" + "".join(
    f"\n## {part}\n\n```{{equation-ledger}} {part}\n```\n"
    for part in ("progress", "certificates", "weaker", "axioms", "lesson")
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A book of one page with two equations and their certificates, and of the ledger's page."""
    files = {
        "conf.py": CONFIGURATION,
        "index.md": "# Book\n```{toctree}\nbook/basics/one\nbook/appendix/equations\n```\n",
        "_toc.yml": "{root: index, chapters: [{file: book/basics/one}, {file: book/appendix/equations}]}",
        "book/basics/one.md": ONE,
        "book/appendix/equations.md": LEDGER,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    for equation in book_equations(tmp_path).values():
        keep(tmp_path, entry(equation.label, page=equation.page, latex=equation.latex))
    return tmp_path


def change(source: Path, label: str, **changes) -> None:
    keep(source, replace(read_entries(source, [label])[label], **changes))


def read(source: Path, page: str) -> BeautifulSoup:
    return BeautifulSoup((source / f"_build/html/{page}.html").read_text("utf-8"), "html.parser")


def badge(source: Path, label: str = "eq-one"):
    return read(source, "book/basics/one").find(id=f"equation-{label}").select_one("details.equation-badge")


def rows(element) -> dict[str, str]:
    terms = element.find_all("dt")
    return {term.get_text(): " ".join(term.find_next_sibling("dd").get_text().split()) for term in terms}


def test_a_badge_says_how_far_and_opens_to_say_the_rest(source, build):
    build(source)
    shown = badge(source)
    assert " ".join(shown.summary.get_text().split()) == "✓A all sizes, certificate of this equation"
    assert rows(shown) == {
        "Method": "rewriting",
        "Scope": "all sizes",
        "Assumes": "A invertible",
        "Wrong variants refuted": "1: sign",
        "Time": "0.50 s",
    }
    assert shown.find("a", string="Entry in the ledger")["href"] == "../appendix/equations.html#certificate-eq-one"


def test_what_a_certificate_says_is_text_and_no_markup(source, build):
    change(source, "eq-one", method="<script>a & b</script>")
    build(source)
    assert badge(source).script is None
    assert rows(badge(source))["Method"] == "<script>a & b</script>"


def test_a_weak_lemma_pulls_the_grade_down_and_is_named(source, build):
    change(source, "eq-one", uses=("eq-two",))
    change(source, "eq-two", grade="D", reason="no closed form")
    build(source)
    assert badge(source).select_one(".grade").get_text() == "D"
    assert rows(badge(source))["Grade"] == "D only, because it uses (2)"
    assert rows(badge(source))["Uses"] == "(2)"


@pytest.mark.parametrize("fault", ["lost", "another formula", "leaning on what was lost"])
def test_an_equation_without_a_current_certificate_fails_the_build(source, build, fault):
    if fault == "another formula":
        (source / "book/basics/one.md").write_text(ONE.replace("b = c", "b = -c"), "utf-8")
    else:
        forget(source, "eq-two")
        change(source, "eq-one", uses=("eq-two",) if "leaning" in fault else ())
    with pytest.raises(Exception, match=r"has no certificate for its present formula.*run: make book"):
        build(source)


def test_proofs_in_a_circle_fail_the_build(source, build):
    change(source, "eq-one", uses=("eq-two",))
    change(source, "eq-two", uses=("eq-one",))
    with pytest.raises(Exception, match="a proof in a circle"):
        build(source)


def test_a_changed_certificate_refreshes_its_page_and_the_ledger_and_nothing_else_does(source, build):
    build(source)
    assert build(source).written == []
    change(source, "eq-two", grade="C", method="exact draws")
    assert {"book/basics/one", "book/appendix/equations"} <= set(build(source).written)
    assert badge(source, "eq-two").select_one(".grade").get_text() == "C"
    assert "exact draws" in read(source, "book/appendix/equations").get_text()


def test_the_ledger_counts_lists_and_gives_reasons(source, build):
    change(source, "eq-two", grade="E", reason="this is how c is defined")
    build(source)
    page = read(source, "book/appendix/equations")
    assert "The whole book: 1 A, 1 E" in page.get_text()
    assert [bar["aria-label"] for bar in page.select(".ledger-bar")] == ["1 A, 1 E"] * 2
    assert [one["id"] for one in page.select(".ledger-entry[id]")] == ["certificate-eq-one", "certificate-eq-two"]
    assert page.select_one("#certificate-eq-one a")["href"] == "../basics/one.html#equation-eq-one"
    assert "1 of 2, 50%" in page.get_text()
    assert "this is how c is defined" in page.get_text()
    assert "log lemma" in page.get_text()
    assert "false: contradicted" in page.get_text()


def test_an_unknown_part_of_the_ledger_is_an_error(source, build):
    (source / "book/appendix/equations.md").write_text("# L\n```{equation-ledger} nothing\n```\n", "utf-8")
    with pytest.raises(Exception, match="no part 'nothing'; known are progress"):
        build(source)
