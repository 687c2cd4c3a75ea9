"""The symbols of the course, read from `book/notation.yml` and checked.

One symbol, one meaning, within a part of the course; where a chapter must differ, its entry says `scope: chapter`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from booktools.frontmatter import FOLDER_OF_PART

NOTATION = Path("book/notation.yml")
ROOT = Path(__file__).resolve().parent.parent
TOKEN = re.compile(
    r"(?P<no_symbol>\\(?:text|textrm|begin|end|tag|label)\s*\{[^{}]*\})"
    r"|\\(?:operatorname\*?|mathrm|mathsf)\s*\{[^{}]*\}|\\[a-zA-Z]+|\\.|[^\s{}]"
)


@dataclass(frozen=True)
class Symbol:
    """An entry of the notation file.

    Attributes
    ----------
    latex : str
        The symbol as a page writes it, or what `macro` stands for.
    meaning : str
        What it is, in words.
    part : str
        The part of the course in which it means this.
    code : str
        Its name in the package and in the pages' code.
    shape : str
        Its size, as LaTeX.
    chapter : str
        The page of the part that uses it first; empty if it is decided, but not used yet.
    scope : str
        "part", or "chapter" if it means this in that one chapter only.
    basics : str
        What Basics writes for the same thing, as LaTeX, where another part writes it differently.
    macro : str
        A macro such as ``\\R``, defined for the site by this entry; it takes no arguments.
    line : int
        The line of the file on which the entry begins.
    """

    latex: str
    meaning: str
    part: str
    code: str = ""
    shape: str = ""
    chapter: str = ""
    scope: str = "part"
    basics: str = ""
    macro: str = ""
    line: int = 0


FIELDS = tuple(field.name for field in fields(Symbol) if field.name != "line")
REQUIRED = ("latex", "meaning", "part")


def read_notation(path: Path) -> tuple[Symbol, ...]:
    """Read and check the notation file.

    Raises
    ------
    ValueError
        If an entry has an unknown or a missing field, or a symbol two meanings in one part; the message names the line.
    """
    text = path.read_text(encoding="utf-8")
    root = yaml.compose(text, yaml.SafeLoader)
    entries = yaml.safe_load(text)
    if not isinstance(entries, list) or not isinstance(root, yaml.SequenceNode):
        raise ValueError(f"{path}: asked for a list of entries, `- latex: ...`, got {type(entries).__name__}")
    lines = [node.start_mark.line + 1 for node in root.value]
    symbols = tuple(_symbol(entry, line, path) for entry, line in zip(entries, lines, strict=True))
    for fault in _faults(symbols):
        raise ValueError(f"{path}:{fault}")
    return symbols


def _symbol(entry: Any, line: int, path: Path) -> Symbol:
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise ValueError(f"{path}:{line}: asked for fields that are texts (quote numbers), got {entry!r}")
    if unknown := sorted(set(entry) - set(FIELDS)):
        raise ValueError(f"{path}:{line}: unknown field {unknown[0]!r}; known are {', '.join(FIELDS)}")
    if missing := [name for name in REQUIRED if not entry.get(name)]:
        raise ValueError(f"{path}:{line}: the field {missing[0]!r} is missing")
    return Symbol(**entry, line=line)


def _faults(symbols: Sequence[Symbol]) -> Iterator[str]:
    """What is wrong with single entries and with entries that contradict each other."""
    meanings: dict[tuple[str, ...], Symbol] = {}
    macros: dict[str, Symbol] = {}
    for symbol in symbols:
        yield from (f"{symbol.line}: {fault}" for fault in _faults_of(symbol))
        place = (symbol.latex, symbol.part, symbol.chapter if symbol.scope == "chapter" else "")
        same = meanings.setdefault(place, symbol)
        if same is not symbol:
            yield (
                f"{symbol.line}: {symbol.latex} has the meaning {same.meaning!r} in {symbol.part} already "
                f"(line {same.line}); choose another letter, or say scope: chapter"
            )
        if symbol.macro and (first := macros.setdefault(symbol.macro, symbol)) is not symbol:
            yield f"{symbol.line}: {symbol.macro} is defined on line {first.line} already"
    for symbol in symbols:
        if any(re.search(re.escape(name) + r"(?![A-Za-z])", symbol.latex) for name in macros):
            yield f"{symbol.line}: latex {symbol.latex!r} uses a macro of this file; write it out"


def _faults_of(symbol: Symbol) -> Iterator[str]:
    if symbol.part not in FOLDER_OF_PART:
        yield f"part {symbol.part!r}; known are {', '.join(FOLDER_OF_PART)}"
    if symbol.scope not in ("part", "chapter") or (symbol.scope == "chapter" and not symbol.chapter):
        yield f"scope {symbol.scope!r}; asked for part, or for chapter together with a chapter"
    if symbol.macro and (not re.fullmatch(r"\\[A-Za-z]+", symbol.macro) or "#" in symbol.latex):
        yield f"macro {symbol.macro!r}; asked for a backslash and letters, without arguments"


@cache
def _of_the_book() -> tuple[Symbol, ...]:
    return read_notation(ROOT / NOTATION)


def expand_macros(latex: str, symbols: Sequence[Symbol] | None = None) -> str:
    r"""Write the book's macros out, for readers such as JupyterLab that do not know them.

    Parameters
    ----------
    latex : str
        A formula, or a whole text with formulas in it.
    symbols : sequence of Symbol, optional
        The notation; the book's own if left out.

    Examples
    --------
    >>> reals = Symbol(r"\mathbb{R}", "the reals", "Basics", macro=r"\R")
    >>> expand_macros(r"x \in \R^n, \; 2^\R, \Re z", [reals])
    'x \\in \\mathbb{R}^n, \\; 2^{\\mathbb{R}}, \\Re z'
    """
    for symbol in _of_the_book() if symbols is None else symbols:
        if symbol.macro:
            name = re.escape(symbol.macro) + r"(?![A-Za-z])"
            latex = re.sub(rf"([_^]\s*){name}", lambda found, s=symbol: f"{found[1]}{{{s.latex}}}", latex)
            latex = re.sub(name, lambda _, s=symbol: s.latex, latex)
    return latex


def latex_tokens(latex: str) -> tuple[str, ...]:
    r"""The symbols of a formula one by one, without braces, spaces and words.

    >>> latex_tokens(r"\operatorname{tr} A_{0} \text{ for all } n")
    ('\\operatorname{tr}', 'A', '_', '0', 'n')
    """
    return tuple(found[0] for found in TOKEN.finditer(latex) if not found["no_symbol"])
