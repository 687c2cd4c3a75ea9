"""The pages that run, and what is kept of their last run: outputs in the Jupyter cache, a record beside it.

A record counts only if it was made from the present inputs (`fingerprint`) and the cache still holds its outputs;
a record or a cache that was damaged is as good as none, and the page runs again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.db import NbCacheRecord
from jupyter_cache.cache.main import JupyterCacheBase
from myst_nb.core.read import read_myst_markdown_notebook

from booktools.fingerprint import package_hash, page_key
from booktools.frontmatter import Chapter, read_chapter

VERDICT = "application/vnd.mlpc.verdict+json"
RECORD = {"key": str, "outputs": str, "seconds": float, "megabytes": (float, type(None)), "lines": dict}
RECORD |= {"python": str, "commit": str, "package": str}


def cache_of(root: Path) -> JupyterCacheBase:
    """The cache that MyST-NB reads."""
    return get_cache(str(root / "_build" / ".jupyter_cache"))


def records_of(root: Path) -> Path:
    """The folder of the records."""
    return root / "_build" / "execution"


@dataclass(frozen=True, eq=False)
class Page:
    """A page that runs: its path, what it declares, its notebook, and the keys of its outputs and of its inputs."""

    root: Path
    path: Path
    chapter: Chapter
    notebook: nbformat.NotebookNode
    code: str
    outputs_key: str
    key: str

    @property
    def name(self) -> str:
        """The Sphinx name of the page: `book/basics/sherman_morrison`."""
        return self.path.relative_to(self.root).with_suffix("").as_posix()

    @property
    def record_file(self) -> Path:
        return records_of(self.root) / f"{self.name}.json"

    def record(self) -> dict[str, Any] | None:
        """The record of the last run, if its inputs are the present ones and the cache holds its outputs."""
        try:
            record = json.loads(self.record_file.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        whole = isinstance(record, dict) and all(isinstance(record.get(name), kind) for name, kind in RECORD.items())
        if not whole or record["key"] != self.key or record["outputs"] != self.cached_outputs():
            return None
        return record

    def cached_outputs(self) -> str | None:
        """The hash of the outputs in the cache; a cache that cannot be read is removed."""
        try:
            cache = cache_of(self.root)
            found = NbCacheRecord.record_from_hashkey(self.outputs_key, cache.db)
            file = cache.path / "executed" / self.outputs_key / "base.ipynb"
            _cells(file, file.stat().st_mtime_ns, file.stat().st_size)
        except (KeyError, FileNotFoundError):
            return None
        except Exception:  # whatever a damaged database or notebook raises
            shutil.rmtree(self.root / "_build" / ".jupyter_cache", ignore_errors=True)
            return None
        return found.data.get("outputs")

    def where(self, cell: int) -> str:
        """`book/basics/x.md:120, code cell 7`, for messages."""
        line = self.notebook.metadata["source_map"][cell] + 1
        count = sum(c.cell_type == "code" for c in self.notebook.cells[: cell + 1])
        return f"{self.name}.md:{line}, code cell {count}"


@lru_cache(maxsize=256)
def _cells(file: Path, changed: int, size: int) -> int:
    """How many cells a cached notebook has; it is looked at once for each change of the file."""
    return len(json.loads(file.read_text("utf-8"))["cells"])


@lru_cache(maxsize=64)
def _read(text: str) -> tuple[nbformat.NotebookNode, str, str]:
    """The notebook of a page, its code, and the key under which the Jupyter cache has its outputs."""
    notebook = read_myst_markdown_notebook(text, add_source_map=True)
    code = json.dumps([[c.source, c.metadata] for c in notebook.cells if c.cell_type == "code"], sort_keys=True)
    return notebook, code, JupyterCacheBase("").create_hashed_notebook(notebook)[1]


def read_page(root: Path, path: Path) -> Page | None:
    """Read a MyST page; None if it does not run. Raises `ValueError` naming the page and the field that is wrong."""
    chapter = read_chapter(path)
    if chapter is None:
        return None
    notebook, code, outputs_key = _read(path.read_text("utf-8-sig"))
    return Page(root, path, chapter, notebook, code, outputs_key, page_key(root, path, chapter, code))


def read_pages(root: Path) -> list[Page]:
    """Every page of the book that runs, in the order of their paths.

    Raises `ValueError` for two pages with the same code, which the cache could not tell apart.
    """
    pages = [page for path in sorted((root / "book").rglob("*.md")) if (page := read_page(root, path))]
    by_code: dict[str, Page] = {}
    for page in pages:
        other = by_code.setdefault(page.code, page)
        if other is not page and page.code != "[]":
            raise ValueError(f"{page.name}.md and {other.name}.md hold the same code: make them one page, or differ")
    return pages


def commit(root: Path) -> str:
    """The short commit of the checkout, with `+` if it has uncommitted changes; `unknown` outside a repository."""
    command = ["git", "-C", str(root), "describe", "--always", "--exclude=*", "--dirty=+"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def store(page: Page, result: dict[str, Any]) -> None:
    """Put the outputs into the Jupyter cache, then the record beside it; the record is written last, and atomically."""
    cells = [cell for cell in result["notebook"]["cells"] if cell["cell_type"] == "code"]
    for output in (output for cell in cells for output in cell["outputs"]):
        output.get("data", {}).pop(VERDICT, None)  # judged by now, and nothing that a page shows
    outputs = hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:16]
    bundle = CacheBundleIn(
        nb=nbformat.from_dict(result["notebook"]),
        uri=str(page.path),
        data={"execution_seconds": result["seconds"], "outputs": outputs},
    )
    cache_of(page.root).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    measured = {name: result[name] for name in ("seconds", "megabytes", "lines")}
    where = {"python": sys.version.split()[0], "commit": commit(page.root), "package": package_hash(page.root)}
    page.record_file.parent.mkdir(parents=True, exist_ok=True)
    partial = page.record_file.with_suffix(".partial")
    partial.write_text(json.dumps({"key": page.key, "outputs": outputs, **measured, **where}), "utf-8")
    partial.replace(page.record_file)


def forget(page: Page, traceback: str = "") -> None:
    """Drop the record of a page, and leave the traceback of a failed run in `_build/reports`."""
    page.record_file.unlink(missing_ok=True)
    report = page.root / "_build" / "reports" / f"{page.name}.log"
    report.unlink(missing_ok=True)
    if traceback:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(traceback, "utf-8")


def forget_deleted(root: Path, pages: list[Page]) -> None:
    """Drop the records of pages that are no more."""
    kept = {page.record_file for page in pages}
    for file in records_of(root).rglob("*.json"):
        if file not in kept:
            file.unlink()
