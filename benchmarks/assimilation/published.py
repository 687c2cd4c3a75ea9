"""Errors that others have published, with their sources: what ours are held against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent / "published.json"


def published(table: str) -> dict[str, Any]:
    """Return a table: `lorenz96`, `lorenz63` or `noisy`."""
    return json.loads(FILE.read_text("utf-8"))[table]
