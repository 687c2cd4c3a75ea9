"""The ledger of the built book: whole, within its time, and shown."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from booktools.ledger.certificates import Entry, read_entries
from booktools.ledger.equations import book_equations
from booktools.ledger.grades import standings

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
LONGEST = (
    40  # seconds of one processor for all proofs of the Basics: 20 are wanted, and a slower machine may double them
)


@pytest.fixture(scope="module")
def entries() -> dict[str, Entry]:
    return read_entries(ROOT, book_equations(ROOT))


def test_every_labelled_equation_has_a_certificate(entries):
    assert entries.keys() == book_equations(ROOT).keys()


def test_all_proofs_together_are_quick(entries):
    basics = [entry.seconds for entry in entries.values() if entry.page.startswith("book/basics/")]
    assert 0 < sum(basics) <= LONGEST


def test_grades_without_proof_say_why(entries):
    assert not [label for label, entry in entries.items() if entry.grade in "DE" and not entry.reason]


def test_each_page_shows_the_grade_of_each_of_its_equations(entries):
    grades = standings(entries)
    for name in {entry.page for entry in entries.values()}:
        page = BeautifulSoup((SITE / f"{name}.html").read_text("utf-8"), "html.parser")
        shown = {
            display["id"].removeprefix("equation-"): display.select_one(".equation-badge .grade").get_text()
            for display in page.select("div.math[id^=equation-eq-]")
        }
        assert shown == {label: grades[label].grade for label, entry in entries.items() if entry.page == name}


def test_the_ledger_lists_every_certificate(entries):
    page = BeautifulSoup((SITE / "book/appendix/equations.html").read_text("utf-8"), "html.parser")
    listed = {entry["id"].removeprefix("certificate-") for entry in page.select(".ledger-entry[id]")}
    assert listed == entries.keys()
