"""Reading a page: the tokens of MyST's own parser as a tree of blocks whose line numbers are those of the file.

A block is a heading, a piece of text, a display, a code cell or a directive with the blocks inside it; a piece of text
holds runs: words, inline formulas, roles, images. Gated exercises and solutions (`exercise-start` to `exercise-end`)
are folded into one directive `exercise` or `solution`, as the reader sees them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from booktools.frontmatter import split
from booktools.lint.blocks import DIRECTIVE, Block
from booktools.lint.tokens import blocks_of


@dataclass(frozen=True)
class Page:
    """A page of the book: its path below the root, its front matter, its blocks, and faults of its structure."""

    path: Path
    front: Mapping[str, Any]
    blocks: tuple[Block, ...]
    faults: tuple[tuple[int, str], ...] = ()

    def walk(self) -> Iterator[Block]:
        for block in self.blocks:
            yield from block.walk()

    def inside(self) -> Iterator[tuple[Block, tuple[Block, ...]]]:
        """Every block with the directives around it, outermost first."""

        def down(blocks: tuple[Block, ...], around: tuple[Block, ...]) -> Iterator[tuple[Block, tuple[Block, ...]]]:
            for block in blocks:
                yield block, around
                yield from down(block.children, (*around, block))

        yield from down(self.blocks, ())

    @cached_property
    def cells(self) -> tuple[Block, ...]:
        """The code cells that are executed, in their order."""
        return tuple(block for block in self.walk() if block.kind == "cell" and not block.nested)


def read_page(text: str, path: Path = Path("page.md")) -> Page:
    """Read a MyST page.

    Parameters
    ----------
    text : str
        The whole source, front matter included.
    path : Path
        What the findings shall call it.

    Examples
    --------
    >>> page = read_page("# Title\\n\\nA line,\\nthen $x$.\\n")
    >>> [(run.kind, run.text, run.line) for run in page.blocks[1].runs]
    [('words', 'A line,\\nthen ', 3), ('math', 'x', 4), ('words', '.', 4)]
    """
    try:
        front, fault = split(text)[0], ()
    except ValueError as error:
        front, fault = {}, ((1, str(error)),)
    blocks, gates = fold(blocks_of(text))
    return Page(path, front, blocks, (*fault, *gates))


def fold(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[tuple[int, str], ...]]:
    """Put what stands between `...-start` and `...-end` into one directive; tell of gates that do not close."""
    folded: list[Block] = []
    faults: list[tuple[int, str]] = []
    gate: Block | None = None
    held: list[Block] = []
    for block in blocks:
        name, _, side = block.name.rpartition("-")
        if block.kind != DIRECTIVE or name not in ("exercise", "solution") or side not in ("start", "end"):
            (folded if gate is None else held).append(block)
            continue
        if side == "start" and gate is None:
            gate = block
        elif side == "end" and gate is not None and gate.name == f"{name}-start":
            folded.append(replace(gate, name=name, children=(*gate.children, *held)))
            gate, held = None, []
        else:
            faults.append((block.line, _gate(block, gate)))
    if gate is not None:
        faults.append((gate.line, f"{{{gate.name}}} is never closed; write {{{gate.name.removesuffix('start')}end}}"))
        folded += [gate, *held]
    return tuple(folded), tuple(faults)


def _gate(block: Block, gate: Block | None) -> str:
    if gate is None:
        return f"{{{block.name}}} closes nothing; write {{{block.name.removesuffix('end')}start}} before it"
    return f"{{{block.name}}} stands inside the {{{gate.name}}} of line {gate.line}; close that one first"
