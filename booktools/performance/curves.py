"""Errors against the number of members, method by method, beside a published curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from docutils import nodes

from booktools.performance.experiments import HOW, Row, note, parsed
from booktools.performance.results import Result, listed
from mlpc import plots

__all__ = ["CAPTION", "HOW", "drawing", "head", "note", "parsed", "rows", "verdict"]

CAPTION = (
    "Error of the analyses against the number of members: green, with the scatter of the experiments, this package; "
    "grey, the published curve."
)
CLOSE, SMALL = 0.01, 0.25  # what counts as agreement, and below which published error it is asked for


def methods(result: Result) -> dict[str, dict[int, Row]]:
    """Return the rows of each method that is a curve, by number of members."""
    found: dict[str, dict[int, Row]] = {}
    for row in result.cases:
        if "N" in row.about:
            found.setdefault(row.about["method"], {})[row.about["N"]] = row
    return {method: by_size for method, by_size in found.items() if len(by_size) > 1}


def others(result: Result) -> list[Row]:
    """Return the rows that are no point of a curve."""
    points = [row for by_size in methods(result).values() for row in by_size.values()]
    return [row for row in result.cases if row not in points]


def apart(row: Row) -> float:
    """Return our error minus the published one."""
    return np.inf if row.error.mean is None or row.published is None else row.error.mean - row.published


def verdict(result: Result) -> str:
    """Say where the errors agree with the published ones, and where they do not."""
    asked = [row for row in result.cases if row.published is not None and row.published < SMALL]
    far = [row for row in asked if not abs(apart(row)) <= CLOSE]
    worse = [f"{row.name} ({apart(row):+.3f})" for row in far]
    beyond = [row for row in result.cases if row.published is not None and row.published >= SMALL]
    spread = [row for row in beyond if row.error.scatter is not None and abs(apart(row)) <= 2 * row.error.scatter]
    flat = "; ".join(f"{row.name}: {row.error}, published {row.published:g}" for row in others(result))
    ours, theirs = result.cases[0].about["climatology"], result.head["published"]["climatology"]
    lost = [f"{row.name} ({row.lost} of {row.about['experiments']})" for row in result.cases if row.lost]
    one = result.cases[0].about
    many = f"up to {one['experiments']} experiments of {one['cycles']:,} cycles each"
    but = f"; not so {listed(worse)}" if worse else ""
    fewest = f"lost: {listed(lost)}" if lost else "none lost"
    return (
        f"For each point {many}; {fewest}. Of the {len(asked)} points with a published error below {SMALL:g}, "
        f"{len(asked) - len(far)} are within {CLOSE:g} of it{but}. Of the {len(beyond)} others, where most "
        f"filters lose the truth, {len(spread)} are within two standard deviations of the experiments. {flat}. "
        f"Climatology: {ours:.3f}, published {theirs:g}."
    )


def head(result: Result) -> list[str]:
    """The columns of the table."""
    return ["N", *(title for method in methods(result) for title in (method, "published"))]


def rows(result: Result) -> list[list[str | nodes.Node]]:
    """A row for each number of members."""
    found = methods(result)
    sizes = sorted({N for by_size in found.values() for N in by_size})
    return [[f"{N}", *(cell for by_size in found.values() for cell in cells(by_size.get(N)))] for N in sizes]


def cells(row: Row | None) -> list[str]:
    """Our error with its standard error, and the published one."""
    return ["", ""] if row is None else [str(row.error), f"{row.published:g}"]


def drawing(result: Result) -> plots.Drawing:
    """Draw a panel for each method."""
    found = methods(result)
    fig, panels = plots.figure(height=1.9 * ((len(found) + 1) // 2), columns=2, rows=(len(found) + 1) // 2)
    for ax, (method, by_size) in zip(np.ravel(panels), found.items(), strict=False):
        sizes = sorted(by_size)
        curve(ax, sizes, [by_size[N] for N in sizes])
        ax.text(0.97, 0.92, method, transform=ax.transAxes, ha="right", va="top", color=plots.COLORS["text"])
    low = {
        method: min(row.error.mean for row in by_size.values() if row.error.mean) for method, by_size in found.items()
    }
    said = ", ".join(f"{method} {error:.3f}" for method, error in low.items())
    return plots.draw(
        fig, alt=f"Error of the analyses against the number of members, {len(found)} panels; the least are {said}."
    )


def curve(ax: Any, sizes: list[int], points: list[Row]) -> None:
    """Draw one method: what was published, and our means with the scatter of the experiments."""
    ax.plot(
        sizes, [row.published for row in points], color=plots.COLORS["peer"], marker="|", markersize=7, linewidth=0.9
    )
    mean = np.array([np.nan if row.error.mean is None else row.error.mean for row in points])
    scatter = np.array([row.error.scatter or 0.0 for row in points])
    plots.band(ax, sizes, np.maximum(mean - scatter, mean / 2), mean + scatter, "posterior")
    plots.line(ax, sizes, mean, "posterior")
    ax.set(xscale="log", yscale="log", ylim=(0.15, 6), xlabel="N, members", ylabel="error")
    ax.set_xticks([5, 10, 20, 50], ["5", "10", "20", "50"])
    ax.set_yticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    ax.minorticks_off()
