"""Marking: answers are judged again outside the notebook, and whatever is handed in, the others are marked."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from booktools.grade import Mark, Report, mark_notebook, write_marks
from booktools.grade.answers import find_calls
from booktools.grade.judge import judge
from booktools.notebooks import make_notebook, open_page

ROOT = Path(__file__).resolve().parents[2]
CHECKERS = """
from mlpc.exercises import Exercise, Function, Misconception, Numbers


def plant(name, wrong):
    return Misconception(name, "Think again.", wrong)


EXERCISES = (
    Exercise("sums-1", "a number", Numbers(), lambda: 2 + 3, (plant("product", lambda: 2 * 3),)),
    Exercise(
        "sums-2", "a function", Function(lambda rng: (rng.normal(),)), lambda: (lambda x: x + 1),
        (plant("sign", lambda: (lambda x: x - 1)),),
    ),
)
"""
PAGE = """\
---
jupytext: {formats: "md:myst", text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
chapter: {part: Basics, modules: [], uses: [], data: [], hours: 1}
---
# Sums

```{code-cell} ipython3
from mlpc.exercises import check
```

```{exercise-start} Number
:label: sums-1
```
```{code-cell} ipython3
:tags: [exercise-stub]
number = ...
check("sums-1", number)
```
```{exercise-end}
```

```{exercise-start} Function
:label: sums-2
```
```{code-cell} ipython3
:tags: [exercise-stub]
def successor(x):
    raise NotImplementedError

check("sums-2", successor)
```
```{exercise-end}
```

```{exercise-start} Words
:label: sums-3
:class: written
```
Why?
```{exercise-end}
```
"""
NUMBER, FUNCTION = 'number = 5\ncheck("sums-1", number)', 'check("sums-2", lambda x: x + 1)'


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A course of one page, with the checkers of this checkout and two exercises of its own."""
    root = tmp_path_factory.mktemp("course")
    (root / "mlpc").mkdir()
    shutil.copy(ROOT / "mlpc" / "__init__.py", root / "mlpc")
    ignored = shutil.ignore_patterns("sherman_morrison.py", "__pycache__")
    shutil.copytree(ROOT / "mlpc" / "exercises", root / "mlpc" / "exercises", ignore=ignored)
    shutil.copytree(ROOT / "booktools", root / "booktools", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "mlpc" / "exercises" / "sums.py").write_text(CHECKERS, "utf-8")
    (root / "book" / "basics").mkdir(parents=True)
    (root / "book" / "basics" / "sums.md").write_text(PAGE, "utf-8")
    (root / "_toc.yml").write_text("root: index\nchapters: [{file: book/basics/sums}]\n", "utf-8")
    (root / "requirements.lock").touch()
    return root


@pytest.fixture
def hand_in(course, tmp_path):
    """Mark the student edition with some cells replaced: by the place of the stub, 0 or 1."""

    def mark(number: str | None = NUMBER, function: str | None = FUNCTION, *, words="", more=(), seconds=20) -> Report:
        notebook = make_notebook(open_page(course, course / "book/basics/sums.md"), "student")
        stubs = [cell for cell in notebook.cells if "exercise-stub" in cell.metadata.get("tags", ())]
        for cell, source in zip(stubs, (number, function), strict=True):
            cell.source = source or ""
        next(cell for cell in notebook.cells if "written" in cell.metadata.get("mlpc", {})).source = words
        notebook.cells += [nbformat.v4.new_code_cell(source) for source in more]
        file = tmp_path / "ada.ipynb"
        nbformat.write(notebook, file)
        return mark_notebook(file, course, seconds)

    return mark


def states(report: Report) -> dict[str, str]:
    return {mark.label: mark.state for mark in report.marks}


def marks(report: Report) -> dict[str, Mark]:
    return {mark.label: mark for mark in report.marks}


def test_right_answers_are_right_and_written_ones_are_left_to_a_person(hand_in):
    report = hand_in(words="Because.")
    assert states(report) == {"sums-1": "right", "sums-2": "right", "sums-3": "written"}
    assert [mark.mark for mark in report.marks] == [1, 1, None]
    assert marks(report)["sums-3"].note == "Because."
    assert report.faults == ()


def test_the_empty_stub_and_a_known_mistake_are_told_apart(hand_in):
    report = hand_in('number = ...\ncheck("sums-1", number)', 'check("sums-2", lambda x: x - 1)')
    assert states(report) == {"sums-1": "unanswered", "sums-2": "wrong", "sums-3": "written"}
    assert marks(report)["sums-2"].misconception == "sign"
    assert marks(report)["sums-2"].mark == 0


def test_a_check_that_always_says_right_gains_nothing(hand_in):
    mime = "application/vnd.mlpc.verdict+json"
    forged = f"""
class Right:
    def _repr_mimebundle_(self, **_): return {{"{mime}": {{"label": "sums-1", "correct": True}}, "text/plain": "yes"}}
check = lambda label, answer: Right()
number = 6
check("sums-1", number)"""
    mark = marks(hand_in(forged))["sums-1"]
    assert (mark.state, mark.misconception) == ("wrong", "product")
    assert mark.note == "the notebook shows another verdict than its answer deserves"


def test_a_replaced_package_gains_nothing(hand_in):
    spoil = "import mlpc.exercises.answers as a\na.Numbers.agree = lambda *_: True\nnumber = 4\n"
    report = hand_in(spoil + 'from mlpc.exercises import check\ncheck("sums-1", number)')
    assert marks(report)["sums-1"].state == "wrong"
    assert any("mentions mlpc.exercises.answers" in fault for fault in report.faults)


def test_a_deleted_exercise_is_missing_and_the_other_is_marked(hand_in):
    report = hand_in(number=None)
    assert states(report) == {"sums-1": "missing", "sums-2": "right", "sums-3": "written"}


def test_a_cell_that_fails_is_named_and_the_other_is_marked(hand_in):
    report = hand_in('number = 1 / 0\ncheck("sums-1", number)')
    assert states(report) == {"sums-1": "failed", "sums-2": "right", "sums-3": "written"}
    assert "NameError" in marks(report)["sums-1"].note
    assert any(fault.endswith("ZeroDivisionError: division by zero") for fault in report.faults)


def test_a_cell_that_never_ends_is_interrupted_and_the_other_is_marked(hand_in):
    report = hand_in('while True:\n    pass\ncheck("sums-1", 5)', seconds=3)
    assert states(report)["sums-2"] == "right"
    assert any("it ran too long and was interrupted" in fault for fault in report.faults)


def test_a_function_that_never_ends_is_given_up(hand_in):
    forever = "import sys\ndef forever(x):\n    while 'ipykernel' not in sys.modules: pass\n    return x + 1\n"
    mark = marks(hand_in(function=forever + 'check("sums-2", forever)', seconds=3))["sums-2"]
    assert (mark.state, mark.note) == ("failed", "judging it took longer than 3 s")


def test_a_kernel_that_dies_keeps_the_answers_before_it(hand_in):
    report = hand_in(function='import os\nos._exit(1)\ncheck("sums-2", abs)')
    assert states(report) == {"sums-1": "right", "sums-2": "failed", "sums-3": "written"}
    assert "died" in marks(report)["sums-2"].note.lower()


def test_the_last_call_counts_and_magics_do_not_disturb(hand_in):
    report = hand_in(more=["%%time\nx = 1", "%matplotlib inline", "this is no python", 'check("sums-1", 6)'])
    assert marks(report)["sums-1"].misconception == "product"
    assert any("SyntaxError" in fault for fault in report.faults)


def test_calls_are_found_wherever_they_stand():
    sources = [
        "if True:\n    v = mlpc.exercises.check('a-1', f(x))",
        "check(label, 1); check('a-2')",
        "%magic\ncheck('a-3', 2)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    assert {label: (call.cell, call.answer) for label, call in find_calls(notebook).items()} == {
        "a-1": (0, "f(x)"), "a-3": (2, "2"),
    }  # fmt: skip


@pytest.mark.parametrize("pickled", [b"", b"nonsense", b"cos\n_exit\n(I0\ntR."])
def test_an_answer_that_cannot_be_read_is_said_in_one_line(course, pickled):
    said = judge("sums-1", pickled, course, 20)
    assert isinstance(said, str)
    assert said.startswith("the answer cannot be judged: ")
    assert "\n" not in said


@pytest.mark.parametrize("text", ["", "{", '{"cells": []}', json.dumps(nbformat.v4.new_notebook())])
def test_what_is_no_notebook_of_the_book_is_reported(course, tmp_path, text):
    file = tmp_path / "bob.ipynb"
    file.write_text(text, "utf-8")
    report = mark_notebook(file, course)
    assert report.marks == ()
    assert report.faults[0].startswith("is no notebook of this book: ")


@pytest.mark.parametrize("page", ["book/basics/none", "../../etc/passwd", 7])
def test_the_page_of_a_notebook_is_one_of_the_book(course, tmp_path, page):
    file = tmp_path / "bob.ipynb"
    nbformat.write(nbformat.v4.new_notebook(metadata={"mlpc": {"page": page}}), file)
    assert "its metadata name the page" in mark_notebook(file, course).faults[0]


def test_marks_are_written_at_once_as_json_and_csv(tmp_path):
    reports = [
        Report(
            "ada.ipynb", "p", (Mark("a-1", "right"), Mark("a-2", "written", note='so, "why"?\nbecause')), ("cell 1: x",)
        ),
        Report("bob.ipynb", "", faults=("is no notebook",)),
    ]
    everything, table = write_marks(reports, tmp_path / "out")
    assert [[mark["mark"] for mark in r["marks"]] for r in json.loads(everything.read_text("utf-8"))] == [[1, None], []]
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["notebook"], row["mark"], row["state"]) for row in rows] == [
        ("ada.ipynb", "1", "right"), ("ada.ipynb", "", "written"), ("bob.ipynb", "", "failed"),
    ]  # fmt: skip
    assert rows[1]["note"] == 'so, "why"?\nbecause'
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["marks.csv", "marks.json"]


@pytest.mark.parametrize("arguments", [["nowhere.ipynb"], ["."]])
def test_nothing_to_mark_is_one_line(tmp_path, arguments):
    command = [sys.executable, "-m", "booktools.grade", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 1
    assert done.stderr.startswith("mlpc: no ")
    assert done.stderr.count("\n") == 1


def test_the_command_marks_a_folder(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bob.ipynb").write_text("{", "utf-8")
    command = [sys.executable, "-m", "booktools.grade", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "0 of 0 right, 0 to be marked by hand; 1 remark(s)" in done.stdout
    assert (tmp_path / "out" / "marks.csv").exists()
