"""What a rule says when it refuses something."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Fault = tuple[int, str]
"""What a rule for one page yields: the line, and what is wrong there and what to write instead."""


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is refused: where, under which rule, and the message.

    >>> print(Finding(Path("book/a.md"), 3, "number", "0.5 is typed; glue it"))
    book/a.md:3: number: 0.5 is typed; glue it
    """

    path: Path
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path.as_posix()}:{self.line}: {self.rule}: {self.message}"
