"""The TD sheet *Basics*: its table, its titles, its parts and its rubrics say the same, and cover the chapters."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from booktools.frontmatter import read_chapter
from mlpc.exercises.basics import EXERCISES

ROOT = Path(__file__).parents[2]
SHEET = ROOT / "book" / "exercises" / "basics.md"
CHAPTERS = {"probability", "matrix-calculus", "sherman-morrison", "gaussians", "likelihood", "em", "why-em"}
MARK = re.compile(r"^(?:- )?(?:\((?P<part>[a-z])\) )?\[(?P<marks>\d+)\] ", re.MULTILINE)
REFERENCE = re.compile(r"\{ref\}`(?:[^`<]*<)?([\w-]+)>?`")


@dataclass(frozen=True)
class Problem:
    """A problem as the page has it: title, statement, solution without and with its rubric."""

    label: str
    title: str
    statement: str
    rubric: str
    written: bool

    @property
    def name(self) -> str:
        return self.title.partition(" · ")[0]

    @property
    def marks(self) -> int:
        return int(re.fullmatch(r".+ · (\d+) marks", self.title)[1])

    @property
    def chapters(self) -> set[str]:
        leans = re.search(r"^Leans on (.+)", self.statement, re.MULTILINE)[1]
        return set(REFERENCE.findall(leans))


@dataclass(frozen=True)
class Row:
    """A row of the table at the top."""

    name: str
    chapters: set[str]
    marks: int
    minutes: int
    level: int


def problems() -> list[Problem]:
    text = SHEET.read_text(encoding="utf-8")
    gates = re.findall(r"^```\{exercise-start\} (.+?)\n(.+?)^```\{exercise-end\}", text, re.MULTILINE | re.DOTALL)
    found = []
    for title, statement in gates:
        label = re.search(r":label: (\S+)", statement)[1]
        solution = re.search(rf"\{{solution-start\}} {label}\n(.+?)\{{solution-end\}}", text, re.DOTALL)[1]
        rubric = solution.partition("**Marking**")[2]
        found.append(Problem(label, title, statement, rubric, ":class: written" in statement))
    return found


def table() -> list[list[Row]]:
    """The rows of each sheet, then its sum as the last one; at last the sum of all."""
    sheets: list[list[Row]] = [[]]
    for line in SHEET.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().strip("*") for cell in line.strip().strip("|").split("|")]
        if not line.startswith("| {ref}") and not line.startswith("| **"):
            continue
        name, leans, marks, minutes = cells[:4]
        row = Row(name, set(REFERENCE.findall(leans)), int(marks), int(minutes), int(cells[4] or 0))
        sheets[-1].append(row)
        if line.startswith("| **"):
            sheets.append([])
    return sheets[:-1]


def points(text: str) -> Counter[str]:
    """The marks of each part, by its letter."""
    counted: Counter[str] = Counter()
    for found in MARK.finditer(text):
        counted[found["part"] or ""] += int(found["marks"])
    return counted


PROBLEMS = problems()
ROWS = [row for sheet in table()[:-1] for row in sheet[:-1]]


def test_the_sheet_has_at_least_24_problems_and_two_thirds_are_checked():
    assert len(PROBLEMS) >= 24
    assert 3 * sum(not problem.written for problem in PROBLEMS) >= 2 * len(PROBLEMS)
    assert [e.label for e in EXERCISES] == [problem.label for problem in PROBLEMS if not problem.written]


@pytest.mark.parametrize("problem", PROBLEMS, ids=[problem.label for problem in PROBLEMS])
def test_parts_rubric_and_title_add_up(problem):
    assert points(problem.statement) == points(problem.rubric)
    assert points(problem.statement).total() == problem.marks


@pytest.mark.parametrize(("problem", "row"), list(zip(PROBLEMS, ROWS, strict=True)), ids=[p.label for p in PROBLEMS])
def test_the_table_says_what_the_problem_says(problem, row):
    assert row.name == f"{{ref}}`{problem.name} <{problem.label}>`"
    assert (row.marks, row.chapters) == (problem.marks, problem.chapters)
    assert row.chapters <= CHAPTERS


def test_each_sheet_and_all_of_them_are_summed():
    *sheets, total = table()
    assert [rows[-1].name for rows in sheets] == ["Sheet A", "Sheet B", "Sheet C", "Sheet D"]
    for rows in sheets:
        assert rows[-1].marks == sum(row.marks for row in rows[:-1])
        assert rows[-1].minutes == sum(row.minutes for row in rows[:-1])
    assert total[0].marks == sum(row.marks for row in ROWS) == 100
    assert total[0].minutes == sum(row.minutes for row in ROWS)
    assert round(total[0].minutes / 60) == read_chapter(SHEET).hours


def test_problems_grow_harder_within_a_sheet():
    for rows in table()[:-1]:
        levels = [row.level for row in rows[:-1]]
        assert levels == sorted(levels)
        assert set(levels) == {1, 2, 3}


def test_every_chapter_is_asked_about_three_times():
    asked = Counter(chapter for problem in PROBLEMS for chapter in problem.chapters)
    assert set(asked) == CHAPTERS
    assert min(asked.values()) >= 3
    assert sum(len(problem.chapters) > 1 for problem in PROBLEMS) >= 6


def test_a_change_of_one_mark_is_noticed():
    assert points("(a) [2] x\n\n(b) [1] y") == {"a": 2, "b": 1} != points("- (a) [1] x\n- (a) [1] z\n- (b) [2] y")
