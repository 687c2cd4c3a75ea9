"""The labelled equations of the book: the list that `tests/equations` proves.

Beside each one's number the theme leaves an empty, hidden `<span class="equation-badge" data-equation="eq-...">`.
"""

from __future__ import annotations

import re
from pathlib import Path

DISPLAY = re.compile(r"^\$\$[ \t]*$\n(.*?)^\$\$[ \t]*(?:\((eq-[\w-]+)\))?[ \t]*$", re.MULTILINE | re.DOTALL)


def labelled_equations(text: str) -> dict[str, str]:
    """The labelled displays of a MyST page: label -> LaTeX.

    >>> labelled_equations("$$\\na = b\\n$$ (eq-same)\\n")
    {'eq-same': 'a = b'}
    """
    return {label: latex.strip() for latex, label in DISPLAY.findall(text) if label}


def book_equations(root: Path) -> dict[str, str]:
    """The labelled displays of all pages of the book."""
    found: dict[str, str] = {}
    for page in sorted((root / "book").rglob("*.md")):
        found.update(labelled_equations(page.read_text("utf-8")))
    return found
