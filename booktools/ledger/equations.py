"""The labelled equations of the book, as its pages write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

DISPLAY = re.compile(r"^\$\$[ \t]*$\n(.*?)^\$\$[ \t]*(?:\((eq-[\w-]+)\))?[ \t]*$", re.MULTILINE | re.DOTALL)


def plain(latex: str) -> str:
    r"""LaTeX with every run of white space made one blank, as certificates compare it.

    >>> plain("a\n   = b ")
    'a = b'
    """
    return " ".join(latex.split())


@dataclass(frozen=True)
class Equation:
    """A labelled display: its label, the Sphinx name of its page (`book/basics/em`), its LaTeX."""

    label: str
    page: str
    latex: str

    @property
    def chapter(self) -> str:
        """The name of the page's file, which its tests have too."""
        return self.page.rpartition("/")[2]


@lru_cache(maxsize=256)
def _displays(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((label, latex.strip()) for latex, label in DISPLAY.findall(text) if label)


def labelled_equations(text: str) -> dict[str, str]:
    """The labelled displays of a MyST page: label -> LaTeX.

    >>> labelled_equations("$$\\na = b\\n$$ (eq-same)\\n")
    {'eq-same': 'a = b'}
    """
    return dict(_displays(text))


def book_equations(root: Path) -> dict[str, Equation]:
    """The labelled displays of all pages of the book by their labels.

    Raises
    ------
    ValueError
        If two displays have the same label.
    """
    found: dict[str, Equation] = {}
    for path in sorted((root / "book").rglob("*.md")):
        page = path.relative_to(root).with_suffix("").as_posix()
        for label, latex in _displays(path.read_text("utf-8-sig")):
            if label in found:
                raise ValueError(f"{page}.md: the label {label} is taken by {found[label].page}.md")
            found[label] = Equation(label, page, latex)
    return found
