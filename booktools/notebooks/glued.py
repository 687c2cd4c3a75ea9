"""The numbers that a page glues into its prose: read from its last run, and printed where a notebook computes them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat

PREFIX = "application/papermill.record/"
NUMPY_SCALAR = re.compile(r"np\.\w+\((?P<value>.*)\)")


def glued_values(root: Path, path: Path) -> dict[str, str]:
    """Return the glued values of a page as text; empty if its last run is not that of the present sources."""
    from booktools.pages import cache_of, read_page

    page = read_page(root, path)
    if page is None or page.record() is None:
        return {}
    return read_values(cache_of(root).merge_match_into_notebook(page.notebook)[1])


def read_values(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Return the glued values that the outputs of a notebook hold."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    return {name: text for output in outputs if (name := _name(output)) and (text := _text(output)) is not None}


def _name(output: Any) -> str:
    return output.get("metadata", {}).get("scrapbook", {}).get("name", "")


def _text(output: Any) -> str | None:
    data = output.get("data", {})
    text = data.get(PREFIX + "text/plain", data.get("text/plain"))
    scalar = NUMPY_SCALAR.fullmatch(text) if text is not None else None
    return scalar["value"] if scalar else text


def print_instead(source: str) -> str:
    """Return code in which `glue(name, value)` prints the value, so that it runs without the book's tools.

    Examples
    --------
    >>> print_instead("from myst_nb import glue\\nx = 2\\nglue('twice', 2 * x, display=False)")
    "x = 2\\nprint('twice =', 2 * x)"
    """
    if "glue" not in source:
        return source
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source  # IPython magics: such a cell does not glue
    edits: list[tuple[ast.AST, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "myst_nb":
            edits.append((node, ""))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "glue":
            edits.append((node, _print(source, node)))
    return _edited(source, edits)


def _print(source: str, call: ast.Call) -> str:
    name, value = call.args[0], ast.get_source_segment(source, call.args[1])
    if isinstance(name, ast.Constant):
        return f"print({f'{name.value} ='!r}, {value})"
    return f'print({ast.get_source_segment(source, name)}, "=", {value})'


def _edited(source: str, edits: list[tuple[ast.AST, str]]) -> str:
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    text = source.encode()
    for node, new in sorted(edits, key=lambda edit: -starts[edit[0].lineno - 1] - edit[0].col_offset):  # type: ignore[attr-defined]
        start = starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        end = starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
        end += not new and text[end : end + 1] == b"\n"
        text = text[:start] + new.encode() + text[end:]
    return text.decode().strip("\n")
