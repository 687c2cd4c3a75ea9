"""The command line of `booktools.grade`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from booktools.grade.report import Report, mark_notebook, write_marks

ROOT = Path(__file__).resolve().parent.parent.parent


def notebooks(paths: list[Path]) -> list[Path]:
    """The notebooks that are named, or stand below the folders that are."""
    found = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*.ipynb")))]
    kept = [file for file in found if ".ipynb_checkpoints" not in file.parts]
    if missing := [str(path) for path in paths if not path.exists()]:
        sys.exit(f"mlpc: no such file or folder: {', '.join(missing)}")
    return kept or sys.exit(f"mlpc: no notebook below {', '.join(map(str, paths))}")


def line(report: Report) -> str:
    right = sum(mark.mark or 0 for mark in report.marks)
    by_hand = sum(mark.mark is None for mark in report.marks)
    faults = f"; {len(report.faults)} remark(s)" if report.faults else ""
    return f"{report.notebook}: {right} of {len(report.marks) - by_hand} right, {by_hand} to be marked by hand{faults}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="booktools.grade", description="mark handed-in student notebooks")
    parser.add_argument("paths", type=Path, nargs="+", help="notebooks, or folders of notebooks")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for marks.json and marks.csv (default: here)")
    parser.add_argument("--seconds", type=float, default=60, help="how long one cell may take (default: %(default)g)")
    options = parser.parse_args()
    reports = list[Report]()
    for path in notebooks(options.paths):
        reports.append(mark_notebook(path, ROOT, options.seconds))
        print(line(reports[-1]), flush=True)
    print("\n".join(map(str, write_marks(reports, options.out))))


if __name__ == "__main__":
    main()
