"""Side-by-side timings: the peers' processor time over ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from docutils import nodes

from booktools.performance.results import Result, digits, listed
from mlpc import plots

RESOLUTION = 1.0  # MiB: the peaks of two processes that do the same differ by as much
FEW = 2  # peers: the table of more has no place for ranges and memory
WIDE = 20  # ratios that differ by more than this factor are drawn on a logarithmic axis
CAPTION = "Ratio of processor times, each with its range: right of 1 this package is faster."
HOW = (
    "Each was run {repeats} times, in turn, in one process; seconds are medians of processor time, and a ratio is the "
    "median over the pairs of runs."
)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What was measured of one case by us and by one peer: ratios are theirs over ours, so more than 1 is for us.

    A `variant` is no peer but this package with arrays of another library.
    """

    label: str
    peer: str
    variant: bool
    ours: list[float]
    theirs: list[float]
    memory: tuple[float | None, float | None]
    difference: float
    shares: tuple[float, float] | None  # of our time and of theirs that goes into decompositions

    @property
    def ratios(self) -> np.ndarray:
        """The peer's seconds over ours, in the order in which they were measured."""
        return np.array(self.theirs) / np.array(self.ours)

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return float(np.median(self.ratios))


def parsed(head: dict[str, Any], case: dict[str, Any]) -> list[Comparison]:
    """Return the comparisons of a case: with each of the others in turn."""
    ours, seconds, memory = head["ours"], case["seconds"], case.get("mebibytes", {})
    return [
        Comparison(
            case["label"],
            who,
            who in head.get("variants", ()),
            seconds[ours],
            theirs,
            (memory.get(ours), memory.get(who)),
            case["difference"],
            None if "shares" not in case else (case["shares"][ours], case["shares"][who]),
        )
        for who, theirs in seconds.items()
        if who != ours
    ]


def verdict(result: Result) -> str:
    """Say who is faster where, also when it is a peer."""
    ours, said = result.head["ours"], []
    for peer in columns(result):
        cases = [case for case in result.cases if case.peer == peer]
        ratios = [case.ratio for case in cases]
        lost = [case.label for case in cases if case.ratio < 1]
        which = "; ".join(lost) if len(lost) < len(cases) or len(cases) == 1 else "all of them"
        behind = f"; {peer} is the faster one for {which}" if lost else ""
        need = f"between {digits(min(ratios))} and {digits(max(ratios))}" if len(cases) > 1 else digits(ratios[0])
        said.append(f"{peer} needs {need} times the processor time of {ours}{behind}.")
    return " ".join([*said, *heavier(result)])


def heavier(result: Result) -> list[str]:
    """Say where we take more memory than a peer, if anywhere."""
    found: dict[str, list[str]] = {}
    for case in result.cases:
        ours, theirs = case.memory
        if ours is not None and theirs is not None and not case.variant and ours > theirs + RESOLUTION:
            found.setdefault(case.peer, []).append(case.label)
    return [
        f"{result.head['ours']} takes more memory than {peer} for {'; '.join(labels)}."
        for peer, labels in found.items()
    ]


def head(result: Result) -> list[str]:
    """The columns of the table: a ratio for each peer; memory and shares where they were measured."""
    (_, unit), ours = unit_of(result), result.head["ours"]
    if len(columns(result)) > FEW:
        return ["Case", f"{ours}, {unit}", *columns(result), "Difference"]
    others = [f"{peer} (range)" for peer in columns(result)]
    return ["Case", f"{ours}, {unit}", *others, *(title for title, _ in further(result)), "Difference"]


def rows(result: Result) -> list[list[str | nodes.Node]]:
    """A row for each case: our time, the peers' ratios, the largest difference; more, where there are few peers."""
    scale, _ = unit_of(result)
    few = len(columns(result)) <= FEW
    table: list[list[str | nodes.Node]] = []
    for label, case in by_case(result).items():
        any_one = next(iter(case.values()))
        ours = f"{np.median(any_one.ours) * scale:.3g}"
        ratios = [said(case[peer], few) if peer in case else "" for peer in columns(result)]
        more = [cell(case) for _, cell in further(result)] if few else []
        table.append([label, ours, *ratios, *more, f"{any_one.difference:.0e}"])
    return table


def note(result: Result) -> str:
    """What does not fit into the table of many peers."""
    if len(columns(result)) <= FEW:
        return ""
    cases = by_case(result).items()
    return " ".join(
        f"{title}: {'; '.join(f'{label}: {cell(case)}' for label, case in cases if cell(case))}."
        for title, cell in further(result)
    )


def said(case: Comparison, with_range: bool) -> str:
    """A ratio, with its range where there is place for it."""
    whole = f"{digits(case.ratio)} ({digits(case.ratios.min())} to {digits(case.ratios.max())})"
    return whole if with_range else digits(case.ratio)


def by_case(result: Result) -> dict[str, dict[str, Comparison]]:
    """Return the comparisons of each case, by peer."""
    found: dict[str, dict[str, Comparison]] = {}
    for case in result.cases:
        found.setdefault(case.label, {})[case.peer] = case
    return found


def columns(result: Result) -> list[str]:
    """Return all that have a column: the peers, then our own other forms."""
    return [*peers(result), *peers(result, variants=True)]


def further(result: Result) -> list[tuple[str, Callable[[dict[str, Comparison]], str]]]:
    """Return the titles of further columns, and what makes a cell of a case."""
    ours, found = result.head["ours"], []

    def memory(case: dict[str, Comparison]) -> str:
        first = next(iter(case.values())).memory[0]
        parts = {ours: first, **{peer: one.memory[1] for peer, one in case.items()}}
        return ", ".join(f"{who} {max(0, size):.0f}" for who, size in parts.items() if size is not None)

    def shares(case: dict[str, Comparison]) -> str:
        first = next(iter(case.values())).shares or (0.0, 0.0)
        parts = {ours: first[0], **{peer: one.shares[1] for peer, one in case.items() if one.shares}}
        return ", ".join(f"{who} {share:.0%}" for who, share in parts.items())

    if any(size is not None for case in result.cases for size in case.memory):
        found.append(("Memory, MiB", memory))
    if any(case.shares for case in result.cases):
        found.append(("Decompositions", shares))
    return found


def peers(result: Result, variants: bool = False) -> list[str]:
    """Return whom we were measured with, in the order of the file; or our own other forms."""
    return [*dict.fromkeys(case.peer for case in result.cases if case.variant == variants)]


def unit_of(result: Result) -> tuple[float, str]:
    """Return the factor from seconds to the unit of the table, and its name."""
    return (1e6, "µs") if max(np.median(case.ours) for case in result.cases) < 1e-2 else (1.0, "s")


def drawing(result: Result) -> plots.Drawing:
    """Draw the ratios, one line for each comparison, with the line at 1 beyond which the peer is slower."""
    lines, ours, others = listing(result), result.head["ours"], peers(result)
    fig, ax = plots.figure(height=min(9, 0.8 + (0.32 if len(lines) < 13 else 0.19) * len(lines)))
    for y, (_, case) in enumerate(reversed(lines)):
        if case is not None:
            won = case.ratio >= 1 or case.variant
            color = plots.COLORS["posterior" if won else "failure"]
            ax.plot([case.ratios.min(), case.ratios.max()], [y, y], color=color, linewidth=1.7)
            ax.plot(case.ratio, y, "o" if won else "x", color=color, markersize=5.5)
    ax.axvline(1, color=plots.COLORS["peer"], linewidth=0.9)
    ratios = sorted(case.ratio for case in result.cases if not case.variant)
    if ratios[-1] > WIDE * ratios[0]:
        ax.set(xscale="log")
        ax.xaxis.set_major_formatter(lambda ratio, _: f"{ratio:g}")
    else:
        ax.set(xlim=(0, None))
    whose = others[0] if len(columns(result)) == 1 else "the other"
    ax.set(xlabel=f"processor time of {whose} over that of {ours}", ylim=(-0.7, len(lines) - 0.3))
    ax.set_yticks(range(len(lines)), [label for label, _ in reversed(lines)])
    for tick, (_, case) in zip(ax.get_yticklabels(), reversed(lines), strict=True):
        tick.set_fontweight("normal" if case else "bold")
    return plots.draw(
        fig,
        alt=f"Ratios of processor time, {listed(others)} over {ours}, for {len(ratios)} pairs: from "
        f"{ratios[0]:.1f} to {ratios[-1]:.1f}, {sum(ratio >= 1 for ratio in ratios)} of them at least 1.",
    )


def listing(result: Result) -> list[tuple[str, Comparison | None]]:
    """Return the lines of the figure: each case as a heading over its peers, or alone where there is just one peer."""
    if len(columns(result)) == 1:
        return [(case.label, case) for case in result.cases]
    lines: list[tuple[str, Comparison | None]] = []
    for label, case in by_case(result).items():
        if len(case) == 1:
            lines += [(f"{label}: {peer}", one) for peer, one in case.items()]
        else:
            lines += [(label, None), *((peer, case[peer]) for peer in columns(result) if peer in case)]
    return lines
