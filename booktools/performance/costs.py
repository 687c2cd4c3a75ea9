"""What a cycle costs against the size of the state: seconds and memory, with the slope of a power law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from docutils import nodes

from booktools.performance.results import Result, digits
from mlpc import plots

CAPTION = "Processor time of a cycle against the number of components, with the power laws fitted to the measurements."
HOW = "Each was run {repeats} times, in turn, in one process; seconds are medians of processor time."


@dataclass(frozen=True, eq=False)
class Point:
    """What one contender needed for a state of n components."""

    who: str
    n: int
    seconds: list[float]
    mebibytes: float

    @property
    def time(self) -> float:
        """The median of the seconds."""
        return float(np.median(self.seconds))


def parsed(head: dict[str, Any], case: dict[str, Any]) -> list[Point]:
    """Return a point for each contender of a case."""
    return [Point(who, case["n"], times, case["mebibytes"][who]) for who, times in case["seconds"].items()]


def curves(result: Result) -> dict[str, list[Point]]:
    """Return the points of each contender, from small to large."""
    names = dict.fromkeys(point.who for point in result.cases)
    return {who: sorted((p for p in result.cases if p.who == who), key=lambda point: point.n) for who in names}


def slope(points: list[Point]) -> float:
    """Return s of the law c n^s that fits best, by least squares in the logarithms."""
    return float(np.polyfit(np.log([p.n for p in points]), np.log([p.time for p in points]), 1)[0])


def verdict(result: Result) -> str:
    """Say how the cost grows, and how much the largest state takes."""
    said = []
    for who, points in curves(result).items():
        last = points[-1]
        said.append(
            f"{who}: the time of a cycle grows like n to the power {slope(points):.2f} from n = {points[0].n:,} to "
            f"{last.n:,}, where it is {last.time:.2g} s and takes {last.mebibytes:.0f} MiB."
        )
    return " ".join(said)


def head(result: Result) -> list[str]:
    """The columns of the table."""
    return ["n", "Library", "Time of a cycle, ms (range)", "Per component, µs", "Memory, MiB"]


def rows(result: Result) -> list[list[str | nodes.Node]]:
    """A row for each point."""
    return [
        [
            f"{point.n:,}",
            point.who,
            f"{digits(1e3 * point.time)} ({' to '.join(digits(1e3 * of(point.seconds)) for of in (min, max))})",
            digits(1e6 * point.time / point.n),
            f"{max(0, point.mebibytes):.0f}",
        ]
        for point in sorted(result.cases, key=lambda point: (point.n, point.who != result.head["ours"]))
    ]


def note(result: Result) -> str:
    """Nothing beyond the table."""
    return ""


def drawing(result: Result) -> plots.Drawing:
    """Draw time against n on logarithmic axes."""
    fig, ax = plots.figure(height=3.2)
    found = curves(result)
    for who, points in found.items():
        meaning = "posterior" if who == result.head["ours"] else "peer"
        plots.power_law(ax, [p.n for p in points], [p.time for p in points], meaning, who)
    ax.set(xlabel="n, number of components", ylabel="processor time of a cycle, s")
    said = "; ".join(f"{who} slope {slope(points):.2f} up to n = {points[-1].n:,}" for who, points in found.items())
    return plots.draw(fig, alt=f"Time of a cycle against the number of components, on logarithmic axes: {said}.")
