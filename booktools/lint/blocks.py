"""The pieces of a page: blocks (headings, text, displays, code cells, directives) and the runs inside a text."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

DIRECTIVE = "directive"
"""Kinds of block: heading, text, display, cell, code, html, target, directive."""


@dataclass(frozen=True)
class Run:
    """A piece of a paragraph: `kind` is words, math, display, code, role, image or html; `line` is where it begins.

    `name` is a role's name, the path of an image, or the address of the link around words.
    """

    kind: str
    text: str
    line: int
    name: str = ""


@dataclass(frozen=True)
class Block:
    """A piece of a page, with the line where it begins (from 1) and the line where its text begins."""

    kind: str
    line: int
    text: str = ""
    text_line: int = 0
    name: str = ""
    argument: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    inside: str = ""
    level: int = 0
    runs: tuple[Run, ...] = ()
    children: tuple[Block, ...] = ()
    nested: bool = False

    @property
    def classes(self) -> frozenset[str]:
        return frozenset(str(self.options.get("class") or "").split())

    @property
    def words(self) -> str:
        """The text as it is read: words, code, and the texts of roles, without formulas."""
        return "".join(run.text for run in self.runs if run.kind in ("words", "code", "role")).strip()

    @property
    def title(self) -> str:
        """What stands on a directive's first line, or a heading's words."""
        return self.argument if self.kind == DIRECTIVE else self.words

    def walk(self) -> Iterator[Block]:
        """This block, then everything inside it, in the order of the page."""
        yield self
        for child in self.children:
            yield from child.walk()

    def tree(self) -> ast.Module | None:
        """The syntax tree of a code cell; None if it is not Python."""
        try:
            return ast.parse(self.text)
        except SyntaxError:
            return None
