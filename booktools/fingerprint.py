"""Which inputs a page's numbers depend on, as one hash: when it changes, the page is run again."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from booktools.frontmatter import WINGS, Chapter

LOCK = "requirements.lock"


def digest(root: Path, files: Iterable[Path], *texts: str) -> str:
    """SHA-256 over the texts, then over relative path and bytes of each file in sorted order; 16 hex digits."""
    total = hashlib.sha256("\0".join(texts).encode())
    for file in sorted(set(files)):
        total.update(f"\0{file.relative_to(root).as_posix()}\0".encode() + file.read_bytes())
    return total.hexdigest()[:16]


def sources(root: Path, chapter: Chapter) -> list[Path]:
    """The files of `mlpc` that a page may import: its own wings, and all that belongs to no wing (plots, exercises)."""
    foreign = [root / "mlpc" / wing for wing in WINGS if wing not in chapter.uses]
    found = [file for file in (root / "mlpc").rglob("*.py") if not any(folder in file.parents for folder in foreign)]
    if not found:
        raise ValueError(f"{root / 'mlpc'}: no sources found, so a page's key would never change")
    return found


def data_files(root: Path, page: Path, chapter: Chapter) -> list[Path]:
    """The data files that a page names in its front matter; `package:` entries are held by the lock."""
    named = [root / name for name in chapter.data if not name.startswith("package:")]
    for file in named:
        if not file.is_file():
            raise ValueError(f"{page}: chapter.data: {file.relative_to(root)} is not a file of the checkout")
    return named


def page_key(root: Path, page: Path, chapter: Chapter, cells: str) -> str:
    """The key of a page's run: its code, the wings it may use, the lock, its data, the Python version."""
    files = [*sources(root, chapter), root / LOCK, *data_files(root, page, chapter)]
    return digest(root, files, cells, sys.version, page.relative_to(root).as_posix())


def package_hash(root: Path) -> str:
    """The hash of all of `mlpc`, shown on the status page."""
    return digest(root, (root / "mlpc").rglob("*.py"))
