"""The performance page: what `benchmarks` measured, as a sentence, a figure and a table.

The results are data of the checkout (`benchmarks/results/*.json`): a build draws them, and measures nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from booktools.status import table
from mlpc import plots

DRAWINGS = Path("_build/performance")
RESOLUTION = 1.0  # MiB: the peaks of two processes that do the same differ by as much


@dataclass(frozen=True, eq=False)
class Case:
    """What was measured of one case by us and by the peer: ratios are theirs over ours, so more than 1 is for us."""

    label: str
    ours: list[float]
    theirs: list[float]
    memory: tuple[float, float]
    difference: float

    @property
    def ratios(self) -> np.ndarray:
        """The peer's seconds over ours, in the order in which they were measured."""
        return np.array(self.theirs) / np.array(self.ours)

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return float(np.median(self.ratios))


@dataclass(frozen=True, eq=False)
class Result:
    """A result file: whom we were measured with, on what, and the cases."""

    ours: str
    peer: str
    head: dict[str, Any]
    cases: list[Case]


def read_result(file: Path) -> Result:
    """Read a result file; raises `ValueError` if it is none."""
    try:
        head = json.loads(file.read_text("utf-8"))
        cases = head.pop("cases")
        ours = head["ours"]
        [peer] = set(cases[0]["seconds"]) - {ours}
        read = [
            Case(
                one["label"],
                one["seconds"][ours],
                one["seconds"][peer],
                (one["mebibytes"][ours], one["mebibytes"][peer]),
                one["difference"],
            )
            for one in cases
        ]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ValueError(
            f"{file} is no result of a benchmark ({type(error).__name__}: {error}); run make bench"
        ) from None
    return Result(ours, peer, head, read)


def conditions(result: Result) -> str:
    """Say what was measured, when, and on what class of machine."""
    machine = result.head["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    threads = "one thread" if machine["threads"] == 1 else f"{machine['threads']} threads"
    return (
        f"Measured on {result.head['date']} on {machine['system']} with {machine['processor']} "
        f"({machine['architecture']}), {threads}, Python {machine['python']}, {packages}, BLAS: "
        f"{' and '.join(machine['blas'])}. Each was run {result.head['repeats']} times, in turn, in one process; "
        "seconds are medians of processor time, and a ratio is the median over the pairs of runs."
    )


def verdict(result: Result) -> str:
    """Say who is faster where, also when it is the peer."""
    lost = [case.label for case in result.cases if case.ratio < 1]
    ratios = [case.ratio for case in result.cases]
    heavier = [case.label for case in result.cases if case.memory[0] > case.memory[1] + RESOLUTION]
    faster = (
        f"{result.peer} needs between {min(ratios):.2f} and {max(ratios):.2f} times the processor time of {result.ours}"
    )
    said = f"{faster}; {result.peer} is the faster one for {'; '.join(lost)}." if lost else f"{faster}."
    return said + (f" {result.ours} takes more memory for {'; '.join(heavier)}." if heavier else "")


def rows(result: Result) -> list[list[str | nodes.Node]]:
    """A row for each case: seconds, ratios with their range, memory beyond the data, the largest difference."""
    return [
        [
            case.label,
            f"{np.median(case.ours):.3g}",
            f"{np.median(case.theirs):.3g}",
            f"{case.ratio:.2f} ({case.ratios.min():.2f} to {case.ratios.max():.2f})",
            f"{max(0, case.memory[0]):.0f}",
            f"{max(0, case.memory[1]):.0f}",
            f"{case.difference:.0e}",
        ]
        for case in result.cases
    ]


def drawing(result: Result) -> plots.Drawing:
    """Draw the ratios, one line for each case, with the line at 1 beyond which the peer is slower."""
    fig, ax = plots.figure(height=0.8 + 0.32 * len(result.cases))
    for y, case in enumerate(reversed(result.cases)):
        color = plots.COLORS["posterior" if case.ratio >= 1 else "failure"]
        ax.plot([case.ratios.min(), case.ratios.max()], [y, y], color=color, linewidth=1.7)
        ax.plot(case.ratio, y, "o" if case.ratio >= 1 else "x", color=color, markersize=5.5)
    ax.axvline(1, color=plots.COLORS["peer"], linewidth=0.9)
    ax.set(xlim=(0, None), xlabel=f"processor time of {result.peer} over that of {result.ours}")
    ax.set_yticks(range(len(result.cases)), [case.label for case in reversed(result.cases)])
    ratios = sorted(case.ratio for case in result.cases)
    return plots.draw(
        fig,
        alt=f"Ratios of processor time, {result.peer} over {result.ours}, for {len(ratios)} cases: from "
        f"{ratios[0]:.1f} to {ratios[-1]:.1f}, {sum(ratio >= 1 for ratio in ratios)} of them at least 1.",
    )


class Benchmark(SphinxDirective):
    """`{benchmark} mixtures`: what `benchmarks/results/mixtures.json` holds."""

    required_arguments = 1
    option_spec: ClassVar = {"name": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        root, name = Path(self.env.srcdir), self.arguments[0]
        file = root / "benchmarks" / "results" / f"{name}.json"
        self.env.note_dependency(str(file))
        try:
            result = read_result(file)
        except ValueError as error:
            raise self.error(str(error)) from None
        head = ["Case", f"{result.ours}, s", f"{result.peer}, s", "Ratio (range)"]
        head += [f"{result.ours}, MiB", f"{result.peer}, MiB", "Difference"]
        return [
            nodes.paragraph("", conditions(result)),
            nodes.paragraph("", "", nodes.strong("", verdict(result))),
            self.figure(root, name, drawing(result)),
            table(head, rows(result)),
        ]

    def figure(self, root: Path, name: str, drawn: plots.Drawing) -> nodes.figure:
        """Leave the drawing where Sphinx finds it, as a named figure."""
        file = root / DRAWINGS / f"{name}.svg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(drawn.svg, "utf-8")
        figure = nodes.figure("", nodes.image(uri=f"/{file.relative_to(root).as_posix()}", alt=drawn.alt))
        figure += nodes.caption("", "Ratio of processor times, each with its range: right of 1 this package is faster.")
        self.add_name(figure)
        return figure


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("benchmark", Benchmark)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
