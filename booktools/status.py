"""The status page: what the executed run took, on what it ran, and how much of the package it exercised."""

from __future__ import annotations

import platform
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from booktools.pages import Page, read_pages

SHOWN = ("numpy", "scipy", "torch", "sympy", "scikit-learn", "statsmodels", "matplotlib", "jupyter-book", "myst-nb")


def table(head: list[str], rows: list[list[str | nodes.Node]]) -> nodes.table:
    """A docutils table; the first column is a header, the others are numbers."""
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]

    def line(cells: list[str | nodes.Node]) -> nodes.row:
        entries = [cell if isinstance(cell, nodes.Node) else nodes.Text(cell) for cell in cells]
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", entry)) for entry in entries))

    group += nodes.thead("", line(list(head)))
    group += nodes.tbody("", *(line(row) for row in rows))
    return nodes.table("", group, classes=["status-table"])


def run_rows(pages: list[Page]) -> list[list[str | nodes.Node]]:
    rows: list[list[str | nodes.Node]] = []
    for page in pages:
        record = page.record() or {}
        memory = record["megabytes"]
        rows.append(
            [
                nodes.literal("", page.name.removeprefix("book/")),
                f"{record['seconds']:.1f} of {page.chapter.seconds:g} s",
                "not measured" if memory is None else f"{memory:.0f} of {page.chapter.megabytes:g} MB",
                f"{record['python']}",
                nodes.literal("", record["commit"]),
                nodes.literal("", record["package"]),
            ]
        )
    return rows


def coverage_rows(root: Path, pages: list[Page]) -> list[list[str | nodes.Node]]:
    """Of each module of `mlpc`: the share of statements that at least one page executes."""
    executed: dict[str, set[int]] = defaultdict(set)
    statements: dict[str, set[int]] = defaultdict(set)
    for page in pages:
        for file, lines in (page.record() or {}).get("lines", {}).items():
            executed[file] |= set(lines["executed"])
            statements[file] |= set(lines["statements"])
    rows: list[list[str | nodes.Node]] = []
    for source in sorted((root / "mlpc").rglob("*.py")):
        file = source.relative_to(root).as_posix()
        whole, done = len(statements[file]), len(executed[file])
        share = f"{done / whole:.0%} of {whole}" if whole else "nothing to execute"
        rows.append([nodes.literal("", file), share])
    total, done = sum(map(len, statements.values())), sum(map(len, executed.values()))
    return [*rows, ["the whole package", f"{done / max(total, 1):.0%} of {total}"]]


class Status(SphinxDirective):
    """`{book-status}`: the three tables of the status page."""

    def run(self) -> list[nodes.Node]:
        root = Path(self.env.srcdir)
        pages = read_pages(root)
        for page in pages:
            self.env.note_dependency(str(page.record_file))
        versions = [["Python", platform.python_version()], ["system", f"{platform.system()} {platform.machine()}"]]
        versions += [[name, version(name)] for name in SHOWN]
        parts = (
            ("Runs", table(["Page", "Time", "Peak memory", "Python", "Commit", "Package hash"], run_rows(pages))),
            (
                "Coverage of the package by the pages",
                table(["Module", "Statements executed"], coverage_rows(root, pages)),
            ),
            ("Versions", table(["Component", "Version"], [list(row) for row in versions])),
        )
        sections = []
        for title, content in parts:
            section = nodes.section("", nodes.title(title, title), content, ids=[nodes.make_id(title)])
            sections.append(section)
        return sections


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("book-status", Status)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
