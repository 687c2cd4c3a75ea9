"""The performance page: what `benchmarks` measured, as a sentence, a figure and a table.

The results are data of the checkout (`benchmarks/results/*.json`): a build draws them, and measures nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from booktools.performance import costs, curves, experiments, ratios
from booktools.performance.results import conditions, read
from booktools.status import table
from mlpc import plots

DRAWINGS = Path("_build/performance")
KINDS = {"ratios": ratios, "costs": costs, "curves": curves, "experiments": experiments}
"""What a result file may hold: its kind, and the module that says it."""


class Benchmark(SphinxDirective):
    """`{benchmark} mixtures`: what `benchmarks/results/mixtures.json` holds."""

    required_arguments = 1
    option_spec: ClassVar = {"name": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        root, name = Path(self.env.srcdir), self.arguments[0]
        file = root / "benchmarks" / "results" / f"{name}.json"
        self.env.note_dependency(str(file))
        try:
            kind, result = read(file, KINDS)
        except ValueError as error:
            raise self.error(str(error)) from None
        return [
            nodes.paragraph("", conditions(result, kind.HOW)),
            nodes.paragraph("", "", nodes.strong("", kind.verdict(result))),
            self.figure(root, name, kind.drawing(result), kind.CAPTION),
            table(kind.head(result), kind.rows(result)),
            *([nodes.paragraph("", kind.note(result))] if kind.note(result) else []),
        ]

    def figure(self, root: Path, name: str, drawn: plots.Drawing, caption: str) -> nodes.figure:
        """Leave the drawing where Sphinx finds it, as a named figure."""
        file = root / DRAWINGS / f"{name}.svg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(drawn.svg, "utf-8")
        figure = nodes.figure("", nodes.image(uri=f"/{file.relative_to(root).as_posix()}", alt=drawn.alt))
        figure += nodes.caption("", caption)
        self.add_name(figure)
        return figure


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("benchmark", Benchmark)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
