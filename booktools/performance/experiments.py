"""Long twin experiments: errors with their standard errors, what was published, and how many were lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from docutils import nodes

from booktools.performance.results import Result, listed
from mlpc import plots

CAPTION = (
    "Error of the analyses, averaged over cycles and experiments, with the scatter of the experiments; grey: "
    "published, or run with other software (if there is any). A cross says that experiments were lost."
)
HOW = (
    "A mean has its standard error, which knows that successive cycles depend on each other. An experiment is lost if "
    "its error, averaged over 100 cycles, exceeds half of the climatology's, or is not finite. "
    "Lost experiments stay in the mean; there is none only where an error is not finite."
)


@dataclass(frozen=True, eq=False)
class Score:
    """A mean over cycles and experiments; all None if an experiment is not finite."""

    mean: float | None
    error: float | None
    scatter: float | None

    def __str__(self) -> str:
        if self.mean is None:
            return "not finite"
        digits = places(self.error)
        return f"{self.mean:.{digits}f} ± {self.error:.{digits}f}"


@dataclass(frozen=True, eq=False)
class Row:
    """One filter in one setting, over all of its experiments."""

    name: str
    about: dict[str, Any]
    scores: dict[str, Score]

    @property
    def error(self) -> Score:
        """The error of the analyses."""
        return self.scores["rmse_a"]

    @property
    def published(self) -> float | None:
        """What was published for it."""
        return self.about.get("published")

    @property
    def lost(self) -> int:
        """How many experiments lost the truth."""
        return self.about["lost"]


SCORES = {
    "rmse_a": "Error of the analyses",
    "rmse_b": "of the forecasts",
    "spread_a": "Spread of the analyses",
    "nll_a": "Neg. log density, analyses",
    "nll_b": "forecasts",
}


def places(error: float | None) -> int:
    """Return how many digits after the point a mean with this error deserves."""
    return next((digits for digits in range(4) if error is None or error >= 0.95 * 10.0**-digits), 4)


def parsed(head: dict[str, Any], case: dict[str, Any]) -> list[Row]:
    """Return the row of a case."""
    scores = {name: Score(**case[name]) for name in SCORES if name in case}
    return [Row(case["name"], case, {"rmse_a": scores["rmse_a"], **scores})]


def verdict(result: Result) -> str:
    """Say how many experiments were lost, and how far the errors are from published ones."""
    one = result.cases[0].about
    fewer = [row.name for row in result.cases if row.about["experiments"] < one["experiments"]]
    lost = [f"{row.name} ({row.lost} of {row.about['experiments']:,})" for row in result.cases if row.lost]
    many = f"{one['experiments']:,} experiments of {one['cycles']:,} cycles each"
    many += f" (fewer for {listed(fewer)})" if fewer else ""
    said = f"{many}: {f'lost by {listed(lost)}' if lost else 'none was lost by any filter'}."
    compared = [row for row in result.cases if row.published is not None and row.error.mean is not None]
    if not compared:
        return said
    furthest = max(compared, key=lambda row: abs(row.error.mean - row.published))
    return (
        f"{said} The errors differ from the {len(compared)} reference values by "
        f"{furthest.error.mean - furthest.published:+.3f} at most, for {furthest.name}."
    )


def head(result: Result) -> list[str]:
    """The columns of the table."""
    shown = [title for name, title in SCORES.items() if any(name in row.scores for row in result.cases)]
    published = ["Reference"] if any(row.published is not None for row in result.cases) else []
    return ["Filter", *published, *shown, "Lost"]


def rows(result: Result) -> list[list[str | nodes.Node]]:
    """A row for each filter."""
    shown = [name for name in SCORES if any(name in row.scores for row in result.cases)]
    with_published = "Reference" in head(result)
    return [
        [
            row.name,
            *(["" if row.published is None else f"{row.published:g}"] if with_published else []),
            *(str(row.scores[name]) if name in row.scores else "" for name in shown),
            f"{row.lost} of {row.about['experiments']:,}",
        ]
        for row in result.cases
    ]


def note(result: Result) -> str:
    """Nothing beyond the table."""
    return ""


def drawing(result: Result) -> plots.Drawing:
    """Draw the errors, one line for each filter."""
    fig, ax = plots.figure(height=min(9, 0.9 + 0.26 * len(result.cases)))
    for y, row in enumerate(reversed(result.cases)):
        color = plots.COLORS["failure" if row.lost else "posterior"]
        if row.published is not None:
            ax.plot(row.published, y, "|", color=plots.COLORS["peer"], markersize=11, markeredgewidth=2)
        if row.error.mean is None:
            ax.text(0.99, y, "not finite", transform=ax.get_yaxis_transform(), color=color, ha="right", va="center")
        else:
            low, high = row.error.mean - (row.error.scatter or 0), row.error.mean + (row.error.scatter or 0)
            ax.plot([max(low, row.error.mean / 4), high], [y, y], color=color, linewidth=1.7)
            ax.plot(row.error.mean, y, "x" if row.lost else "o", color=color, markersize=5)
    kept = [row for row in result.cases if row.error.mean is not None]
    best, worst = (which(kept, key=lambda row: row.error.mean) for which in (min, max))
    labelled = "25" if worst.error.mean > 4 * best.error.mean else "23456789"
    ax.set(xscale="log", xlabel="error of the analyses", ylim=(-0.7, len(result.cases) - 0.3))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.xaxis.set_minor_formatter(lambda value, _: f"{value:.1g}" if f"{value:.0e}"[0] in labelled else "")
    ax.set_yticks(range(len(result.cases)), [row.name for row in reversed(result.cases)])
    broken = sum(row.lost > 0 for row in result.cases)
    return plots.draw(
        fig,
        alt=f"Errors of {len(result.cases)} filters: from {best.error.mean:.3f} of {best.name} to "
        f"{worst.error.mean:.3f} of {worst.name}; {broken} of them lost experiments.",
    )
