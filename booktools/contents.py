"""The table of contents as data: which pages `_toc.yml` names, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def listed(toc: Any) -> Iterator[str]:
    """The pages that a table of contents, or a part of one, names, in its order.

    Examples
    --------
    >>> list(listed({"root": "index", "parts": [{"chapters": [{"file": "book/basics/em"}]}]}))
    ['index', 'book/basics/em']
    """
    for key, value in toc.items() if isinstance(toc, dict) else ():
        if key in ("root", "file"):
            yield str(value)
        for entry in value if isinstance(value, list) else ():
            yield from listed(entry)
