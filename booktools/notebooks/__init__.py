"""The pages of the book as notebooks that plain JupyterLab, or any other notebook program, shows and runs.

    python -m booktools.notebooks --edition reader|student --out DIR

MyST becomes Markdown (boxes, theorems, numbered references, citations), glued numbers become those of the last run, and
the first cell installs `mlpc` where it is missing. Readers get folded solutions; students get none, and exercise cells
that `booktools.grade` finds again.
"""

from __future__ import annotations

from pathlib import Path

import nbformat

from booktools.frontmatter import read_chapter
from booktools.notebooks.edition import Edition, make_notebook, open_page

__all__ = ["Edition", "make_notebook", "notebook_path", "open_page", "reader_notebook", "running_pages", "to_text"]


def notebook_path(docname: str) -> str:
    """Where the notebook of a page is written, relative to the root of the repository and of the site.

    Examples
    --------
    >>> notebook_path("book/basics/sherman_morrison")
    'notebooks/basics/sherman_morrison.ipynb'
    """
    return f"notebooks/{docname.removeprefix('book/')}.ipynb"


def running_pages(root: Path) -> list[Path]:
    """The pages that run, in the order of their paths."""
    return [path for path in sorted((root / "book").rglob("*.md")) if read_chapter(path)]


def reader_notebook(root: Path, path: Path, requirement: str = "", site: str = "") -> nbformat.NotebookNode:
    """Return the notebook that the site offers for download.

    Parameters
    ----------
    root, path : Path
        The checkout, and the MyST page in it.
    requirement : str
        What pip installs to get `mlpc` of this build (``Site.requirement``); empty when unknown.
    site : str
        Where the book is published, for links to its other pages; empty when unknown.
    """
    return make_notebook(open_page(root, path, requirement, site), "reader")


def to_text(notebook: nbformat.NotebookNode) -> str:
    """Return a notebook as the text of its file."""
    return nbformat.writes(notebook) + "\n"
