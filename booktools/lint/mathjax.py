"""The macros and environments that the site's MathJax knows, read out of the very file that the site serves.

MathJax keeps them in tables, `new x.CommandMap("AMSmath-macros", {mathring: [...], ...})`; their keys are known.
Macros that MathJax fetches from a further file when it meets them (`\\boldsymbol`, `\\cancel`) are not in these tables.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path

TABLE = re.compile(r'new \w+\.(Command|Character|Delimiter|Environment)Map\("([^"]+)",(?:[\w.]+,)?(?=\{)')
PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]():,]|[^"{}\[\]():,]+')
NOT_MACROS = frozenset({"remap", "not_remap"})


def keys(javascript: str, start: int) -> list[str]:
    r"""The keys of the object literal that begins at `start`.

    >>> keys('{a:["x",{b:1}],"\\\\c":2}', 0)
    ['a', '\\c']
    """
    found: list[str] = []
    depth, before = 0, ""
    for piece in PIECE.finditer(javascript, start):
        text = piece[0]
        if text in "{[(":
            depth += 1
        elif text in "}])":
            depth -= 1
            if depth == 0:
                break
        elif text == ":" and depth == 1:
            found.append(ast.literal_eval(before) if before.startswith('"') else before)
        before = text
    return found


def tables(javascript: str) -> tuple[frozenset[str], frozenset[str]]:
    """Names of macros (without backslash) and of environments in MathJax's source.

    Raises
    ------
    ValueError
        If the source has none of the tables, which means that MathJax's format has changed.
    """
    macros: set[str] = set()
    environments: set[str] = set()
    for table in TABLE.finditer(javascript):
        names = keys(javascript, table.end())
        if table[1] == "Environment":
            environments.update(names)
        elif table[1] == "Delimiter":
            macros.update(name[1:] for name in names if name.startswith("\\"))
        elif table[2] not in NOT_MACROS:
            macros.update(names)
    if not macros or not environments:
        raise ValueError("no table of macros in MathJax's source: its format has changed, adapt booktools.lint.mathjax")
    return frozenset(macros), frozenset(environments)


def source() -> Path:
    """The MathJax file that the site serves, in the locked package `sphinx-mathjax-offline`."""
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    if package is None or package.origin is None:
        raise FileNotFoundError("sphinx-mathjax-offline is not installed; run `make book` once, it makes .venv")
    return Path(package.origin).parent / "static" / "mathjax" / "tex-mml-chtml.js"


@cache
def known() -> tuple[frozenset[str], frozenset[str]]:
    """Macros and environments known to the MathJax of the site."""
    return tables(source().read_text(encoding="utf-8"))
