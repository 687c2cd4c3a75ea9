"""The marks of one handed-in notebook, and the files that hold those of all."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat

from booktools.grade.answers import Run, run_notebook
from booktools.grade.judge import judge
from booktools.notebooks import make_notebook, open_page
from booktools.notebooks.edition import STUB
from mlpc.exercises import Verdict

COLUMNS = ("notebook", "label", "mark", "state", "misconception", "note")
INSIDE = re.compile(r"mlpc\.exercises\.\w+|\bEXERCISES\b|\.solution\(|misconceptions")


@dataclass(frozen=True)
class Mark:
    """The mark of one exercise.

    Attributes
    ----------
    label : str
        The exercise.
    state : str
        That of a verdict (right, wrong, unanswered, unreadable), or `missing` (no call of `check` is left), `failed`
        (no answer was reached), `written` (to be marked by hand).
    misconception : str
        The known mistake that the answer shows, or empty.
    note : str
        What whoever marks should know, or the written answer.
    """

    label: str
    state: str
    misconception: str = ""
    note: str = ""

    @property
    def mark(self) -> int | None:
        """One for a right answer, zero for any other, None where a person has to decide."""
        return None if self.state == "written" else int(self.state == "right")


@dataclass(frozen=True)
class Report:
    """Everything that is known of one notebook; `faults` are its cells that failed and what looks odd."""

    notebook: str
    page: str
    marks: tuple[Mark, ...] = ()
    faults: tuple[str, ...] = ()


def mark_notebook(path: Path, root: Path, seconds: float = 60) -> Report:
    """Run and mark one notebook; whatever is wrong with it is in the report.

    Parameters
    ----------
    path : Path
        The notebook that was handed in.
    root : Path
        The checkout with the pages and the checkers.
    seconds : float
        How long one cell, and the judging of one answer, may take.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        page = str(notebook.metadata.get("mlpc", {}).get("page", ""))
        expected = _expected(root, page)
    except Exception as error:  # whatever was handed in must not stop the marking of the others
        return Report(str(path), "", faults=(f"is no notebook of this book: {' '.join(str(error).split())[:200]}",))
    run = run_notebook(notebook, root, seconds)
    marks = tuple(_marks(expected, notebook, run, root, seconds))
    return Report(str(path), page, marks, (*run.faults, *_looks_inside(notebook)))


def _expected(root: Path, page: str) -> dict[str, str]:
    """The exercises of a page by label: `check` or `written`."""
    path = (root / f"{page}.md").resolve()
    if not page or not path.is_file() or not path.is_relative_to(root.resolve()):
        raise ValueError(f"its metadata name the page {page!r}")
    pristine = make_notebook(open_page(root, path), "student")
    found: dict[str, str] = {}
    for cell in pristine.cells:
        belongs = cell.metadata.get("mlpc", {})
        if STUB in cell.metadata.get("tags", ()):
            found[belongs["exercise"]] = "check"
        if "written" in belongs:
            found[belongs["written"]] = "written"
    return found


def _marks(
    expected: dict[str, str], notebook: nbformat.NotebookNode, run: Run, root: Path, seconds: float
) -> Iterator[Mark]:
    for label, kind in expected.items():
        if kind == "written":
            yield _written(label, notebook)
        elif label in run.failed:
            yield Mark(label, "failed", note=run.failed[label])
        elif label not in run.pickles:
            yield Mark(label, "missing", note="the notebook has no check of this exercise")
        else:
            yield _judged(judge(label, run.pickles[label], root, seconds), label, run.shown.get(label))


def _judged(verdict: Verdict | str, label: str, shown: bool | None) -> Mark:
    if isinstance(verdict, str):
        return Mark(label, "failed", note=verdict)
    notes = [verdict.message] if verdict.state == "unreadable" else []
    if shown is None:
        notes.append("the notebook shows no verdict")
    elif shown != verdict.correct:
        notes.append("the notebook shows another verdict than its answer deserves")
    return Mark(label, verdict.state, verdict.misconception or "", "; ".join(notes))


def _written(label: str, notebook: nbformat.NotebookNode) -> Mark:
    cells = [cell.source for cell in notebook.cells if cell.metadata.get("mlpc", {}).get("written") == label]
    return Mark(label, "written", note="\n\n".join(cells)) if cells else Mark(label, "missing", note="the cell is gone")


def _looks_inside(notebook: nbformat.NotebookNode) -> Iterator[str]:
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and (found := INSIDE.search(cell.source)):
            yield f"cell {index + 1}: mentions {found[0]}, the inside of a checker"


def write_marks(reports: list[Report], folder: Path) -> tuple[Path, Path]:
    """Write `marks.json` (everything) and `marks.csv` (one line for each exercise), each at once, and return them."""
    folder.mkdir(parents=True, exist_ok=True)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for report in reports:
        rows = [(m.label, "" if m.mark is None else m.mark, m.state, m.misconception, m.note) for m in report.marks]
        writer.writerows((report.notebook, *row) for row in rows or [("", "", "failed", "", "; ".join(report.faults))])
    everything = [{**asdict(r), "marks": [{**asdict(m), "mark": m.mark} for m in r.marks]} for r in reports]
    texts = {"marks.json": json.dumps(everything, indent=1, ensure_ascii=False) + "\n", "marks.csv": table.getvalue()}
    for name, text in texts.items():
        partial = folder / f"{name}.partial"
        partial.write_text(text, "utf-8")
        partial.replace(folder / name)
    return folder / "marks.json", folder / "marks.csv"
