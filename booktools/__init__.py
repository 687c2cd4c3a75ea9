"""The book's own Sphinx extension and the build's tools: one room for each thing that the build promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

UNFINISHED = "unfinished"  # in `_build`: a build began and has not ended well; the next one starts from nothing
ROOMS = (
    "booktools.site",
    "booktools.execution",
    "booktools.status",
    "booktools.performance",
    "booktools.numbering",
    "booktools.notation",
    "booktools.chapter",
    "booktools.ledger.badges",
    "booktools.ledger.appendix",
    "booktools.figures",
    "booktools.theme",
    "booktools.offline",
)


def setup(app: Any) -> dict[str, Any]:
    """Switch on every room; a change of their sources makes Sphinx read every page again."""
    from booktools.fingerprint import digest

    here = Path(__file__).resolve().parent
    sources = [file for file in here.rglob("*.*") if "__pycache__" not in file.parts]
    app.add_config_value("booktools_sources", digest(here, sources), "env")
    for room in ROOMS:
        app.setup_extension(room)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
