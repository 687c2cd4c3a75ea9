"""What the site makes of `book/notation.yml`: the macros of MathJax and the tables of the notation page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from booktools.frontmatter import FOLDER_OF_PART
from booktools.symbols import NOTATION, Symbol, read_notation


def add_macros(app: Sphinx, config: Any) -> None:
    """Sphinx `config-inited`: give MathJax the macros, beside those that `_config.yml` may have."""
    file = Path(app.srcdir) / NOTATION
    if not file.is_file():
        return
    try:
        symbols = read_notation(file)
    except ValueError as error:
        raise ExtensionError(str(error)) from None
    macros = {symbol.macro[1:]: symbol.latex for symbol in symbols if symbol.macro}
    if macros:
        settings = dict(config.mathjax3_config or {})
        tex = dict(settings.get("tex", {}))
        config.mathjax3_config = {**settings, "tex": {**tex, "macros": {**tex.get("macros", {}), **macros}}}


class NotationTable(SphinxDirective):
    """`{notation-table} Basics`: the symbols of a part of the course, in the order of the file."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        part = self.arguments[0]
        if part not in FOLDER_OF_PART:
            raise self.error(f"notation-table: no part {part!r}; known are {', '.join(FOLDER_OF_PART)}")
        symbols = [symbol for symbol in self.symbols() if symbol.part == part]
        bridge = any(symbol.basics for symbol in symbols)
        head = ["Symbol", *(["In Basics"] if bridge else []), "Meaning", "In the code", "Shape", "First used"]
        return [table(head, [self.row(symbol, bridge) for symbol in symbols])]

    def symbols(self) -> tuple[Symbol, ...]:
        file = Path(self.env.srcdir) / NOTATION
        self.env.note_dependency(str(file))
        return read_notation(file)

    def row(self, symbol: Symbol, bridge: bool) -> list[nodes.Node]:
        return [
            math(symbol.macro or symbol.latex),
            *([math(symbol.basics)] if bridge else []),
            nodes.Text(symbol.meaning),
            nodes.literal("", symbol.code) if symbol.code else nodes.Text("–"),
            math(symbol.shape),
            self.first(symbol),
        ]

    def first(self, symbol: Symbol) -> nodes.Node:
        """A link to the page that uses the symbol first, or only; it is called by its title up to a colon."""
        if not symbol.chapter:
            return nodes.Text("–")
        page = f"book/{FOLDER_OF_PART[symbol.part]}/{symbol.chapter}"
        source = Path(self.env.srcdir, f"{page}.md")
        if not source.is_file():
            raise self.error(f"{NOTATION.as_posix()}:{symbol.line}: there is no page {page}.md")
        self.env.note_dependency(str(source))
        title = re.search(r"^# ([^:\n]+)", source.read_text(encoding="utf-8"), re.MULTILINE)
        name = nodes.inline("", title[1].strip() if title else symbol.chapter)
        place = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{page}", "refdoc": self.env.docname}
        link = addnodes.pending_xref("", name, refexplicit=True, refwarn=True, **place)
        return nodes.inline("", "", link, nodes.Text(" only" if symbol.scope == "chapter" else ""))


class NotationClashes(NotationTable):
    """`{notation-clashes}`: the symbols with more than one meaning, and where they have which."""

    required_arguments = 0

    def run(self) -> list[nodes.Node]:
        symbols = self.symbols()
        rows = []
        for latex in dict.fromkeys(symbol.latex for symbol in symbols):
            same = [symbol for symbol in symbols if symbol.latex == latex]
            if len(same) > 1:
                rows += [[math(latex), nodes.Text(symbol.meaning), self.where(symbol)] for symbol in same]
        return [table(["Symbol", "Meaning", "In"], rows)] if rows else []

    def where(self, symbol: Symbol) -> nodes.Node:
        return self.first(symbol) if symbol.scope == "chapter" else nodes.Text(symbol.part)


def math(latex: str) -> nodes.Node:
    """An inline formula, or a dash where there is none."""
    return nodes.math(latex, latex) if latex else nodes.Text("–")


def table(head: list[str], rows: list[list[nodes.Node]]) -> nodes.table:
    """A table of class `notation`, one row a list of cells."""
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in head), cols=len(head))

    def line(cells: list[nodes.Node]) -> nodes.row:
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))

    group += nodes.thead("", line([nodes.Text(name) for name in head]))
    group += nodes.tbody("", *(line(row) for row in rows))
    return nodes.table("", group, classes=["notation"])


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", add_macros)
    app.add_directive("notation-table", NotationTable)
    app.add_directive("notation-clashes", NotationClashes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
