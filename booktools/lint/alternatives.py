"""The alternative texts of a page, wherever they stand: Markdown, HTML, directives, and the cells that draw."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

from booktools.lint.blocks import Block
from booktools.lint.page import Page

INLINE = frozenset("a abbr b cite del em font i ins kbd mark q s small span strong sub sup tt u var wbr".split())  # noqa: SIM905
"""HTML elements that do not part the words around them."""


@dataclass(frozen=True)
class Alt:
    """An alternative text: its literal words (None if none can be read), its line, the image's path and caption."""

    text: str | None
    line: int
    path: str = ""
    caption: str = ""


class _Html(HTMLParser):
    """The `<img>` elements and the words of a piece of HTML, each with its line."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.first = line
        self.alts: list[Alt] = []
        self.words: list[tuple[str, int]] = []
        self.apart = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.apart |= tag not in INLINE
        if tag == "img":
            given = dict(attrs)
            self.alts.append(Alt(given.get("alt"), self._line(), given.get("src") or ""))

    def handle_endtag(self, tag: str) -> None:
        self.apart |= tag not in INLINE

    def handle_data(self, data: str) -> None:
        if self.apart:
            self.words.append((data, self._line()))
        else:
            self.words[-1] = (self.words[-1][0] + data, self.words[-1][1])
        self.apart = False

    def _line(self) -> int:
        return self.first + self.getpos()[0] - 1


def read_html(text: str, line: int) -> tuple[list[Alt], list[tuple[str, int]]]:
    """The images of a piece of HTML that begins on `line`, and its words with their lines.

    >>> read_html('<p>a\\n<img src="x.png" alt="why"></p>', 5)[0]
    [Alt(text='why', line=6, path='x.png', caption='')]
    """
    reader = _Html(line)
    reader.feed(text)
    reader.close()
    return reader.alts, reader.words


def alts(page: Page) -> Iterator[Alt]:
    """Every alternative text of a page, also those that are missing."""
    for block in page.walk():
        for run in block.runs:
            if run.kind == "image":
                yield Alt(run.text, run.line, run.name)
            elif run.kind == "html":
                yield from read_html(run.text, run.line)[0]
        if block.kind == "html" or block.name == "raw":
            yield from read_html(block.text, block.text_line)[0]
        elif block.name in ("image", "figure"):
            below = next((child.words for child in block.children if child.kind == "text"), "")
            yield Alt(block.options.get("alt"), block.line, block.argument, below)
    for cell in page.cells:
        for line, call in calls(cell, "plots.show"):
            given = next((keyword.value for keyword in call.keywords if keyword.arg == "alt"), None)
            tree = cell.tree()
            yield Alt(literal(given, tree) if given and tree else None, line, caption=caption(cell))


def figure(cell: Block) -> dict[str, object]:
    """What a cell's options say of its figure: `mystnb: {figure: {name: ..., caption: ...}}`."""
    settings = cell.options.get("mystnb")
    found = settings.get("figure") if isinstance(settings, dict) else None
    return found if isinstance(found, dict) else {}


def caption(cell: Block) -> str:
    """The caption that a cell's options give to its figure."""
    return str(figure(cell).get("caption") or "")


def calls(cell: Block, *names: str) -> list[tuple[int, ast.Call]]:
    """The calls in a code cell of functions that end in one of these dotted names, with their lines.

    >>> [line for line, _ in calls(Block("cell", 1, "x = 1\\nmlpc.plots.show(x)", text_line=2), "plots.show")]
    [3]
    """
    tree = cell.tree()
    every = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree else []
    return [
        (cell.text_line + call.lineno - 1, call)
        for call in every
        if any(f".{ast.unparse(call.func)}".endswith(f".{name}") for name in names)
    ]


def literal(node: ast.expr, tree: ast.Module) -> str | None:
    """The words that stand literally in an expression; None if it has none to read.

    >>> tree = ast.parse('alt = f"slope {slope:.1f}, " + "steep"; show(fig, alt=alt)')
    >>> literal(ast.Name("alt"), tree)
    'slope , steep'
    """
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(value.value) for value in values if isinstance(value, ast.Constant))
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            both = literal(left, tree), literal(right, tree)
            return None if None in both else "".join(filter(None, both))
        case ast.Name(id=name):
            return next((literal(value, tree) for target, value in _assigned(tree) if target == name), None)
    return None


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Assign):
            yield from ((target.id, statement.value) for target in statement.targets if isinstance(target, ast.Name))
