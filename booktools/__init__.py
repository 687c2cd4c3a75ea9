"""The book's own Sphinx extension and the build's tools: one room for each thing that the build promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOMS = (
    "booktools.site",
    "booktools.execution",
    "booktools.status",
    "booktools.notation",
    "booktools.chapter",
    "booktools.figures",
    "booktools.theme",
    "booktools.offline",
)


def setup(app: Any) -> dict[str, Any]:
    """Switch on every room; a change of their sources makes Sphinx read every page again."""
    from booktools.fingerprint import digest

    here = Path(__file__).resolve().parent
    app.add_config_value("booktools_sources", digest(here, here.rglob("*.*")), "env")
    for room in ROOMS:
        app.setup_extension(room)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
