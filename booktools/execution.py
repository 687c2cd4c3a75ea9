"""Run the pages whose inputs changed, side by side, before the site is built; refuse what failed or cost too much.

A page's run is kept under a key (`fingerprint`), so a change of the package, the lock or the data runs it again. The
outputs go into the Jupyter cache that MyST-NB reads; beside them a record of the run (time, memory, coverage, versions)
goes into `_build/execution`. As a Sphinx extension this happens at the start of every build, so that no way of building
can show a stale number; `python -m booktools.execution` does it alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from myst_nb.core.read import read_myst_markdown_notebook
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from booktools.fingerprint import package_hash, page_key
from booktools.frontmatter import Chapter, read_chapter

VERDICT = "application/vnd.mlpc.verdict+json"


def cache_of(root: Path) -> JupyterCacheAbstract:
    """The cache that MyST-NB reads."""
    return get_cache(str(root / "_build" / ".jupyter_cache"))


@dataclass(frozen=True)
class Page:
    """A page that runs: its path, what it declares, its notebook, and the key of its inputs."""

    root: Path
    path: Path
    chapter: Chapter
    notebook: nbformat.NotebookNode
    key: str

    @property
    def name(self) -> str:
        """The Sphinx name of the page: `book/basics/sherman_morrison`."""
        return self.path.relative_to(self.root).with_suffix("").as_posix()

    @property
    def record_file(self) -> Path:
        return self.root / "_build" / "execution" / f"{self.name}.json"

    def record(self) -> dict[str, Any] | None:
        """The record of the last run, if its inputs are the present ones and the cache holds its outputs."""
        if not self.record_file.is_file():
            return None
        record = json.loads(self.record_file.read_text("utf-8"))
        try:
            cached = cache_of(self.root).match_cache_notebook(self.notebook)
        except KeyError:
            return None
        return record if (record["key"], record["outputs"]) == (self.key, cached.data.get("outputs")) else None

    def where(self, cell: int) -> str:
        """`book/basics/x.md:120, code cell 7`, for messages."""
        line = self.notebook.metadata["source_map"][cell] + 1
        count = sum(c.cell_type == "code" for c in self.notebook.cells[: cell + 1])
        return f"{self.name}.md:{line}, code cell {count}"


def read_page(root: Path, path: Path) -> Page | None:
    """Read a MyST page; None if it does not run. Raises `ValueError` naming the page and the field that is wrong."""
    chapter = read_chapter(path)
    if chapter is None:
        return None
    notebook = read_myst_markdown_notebook(path.read_text("utf-8"), add_source_map=True)
    cells = json.dumps([[c.source, c.metadata] for c in notebook.cells if c.cell_type == "code"], sort_keys=True)
    return Page(root, path, chapter, notebook, page_key(root, path, chapter, cells))


def read_pages(root: Path) -> list[Page]:
    """Every page of the book that runs, in the order of their paths."""
    pages = (read_page(root, path) for path in sorted((root / "book").rglob("*.md")))
    return [page for page in pages if page is not None]


def faults(page: Page, result: dict[str, Any]) -> Iterator[str]:
    """What makes a finished run unfit for the site, each fault in one line."""
    if failed := result["failure"]:
        yield f"{page.where(failed['cell'])}: {failed['reason']}"
        return
    for index, cell in enumerate(result["notebook"]["cells"]):
        for output in cell.get("outputs", ()):
            if output["output_type"] == "stream" and output["name"] == "stderr":
                yield f"{page.where(index)}: wrote to stderr: {output['text'].strip().splitlines()[-1]}"
            verdict = output.get("data", {}).get(VERDICT)
            wanted = "unanswered" if "exercise-stub" in cell["metadata"].get("tags", ()) else "right"
            if verdict and verdict["state"] != wanted:
                yield f"{page.where(index)}: {verdict['label']} is {verdict['state']} here, should be {wanted}"
    for measure, unit in (("seconds", "s"), ("megabytes", "MB")):
        used, budget = result[measure], getattr(page.chapter, measure)
        if used is not None and used > budget:
            yield f"{page.name}.md: took {used:.0f} {unit}, its budget is {budget:g} {unit}"


def execute(page: Page) -> dict[str, Any]:
    """Run a page in a process of its own (`booktools.kernel`) and return its result."""
    command = [sys.executable, "-m", "booktools.kernel", str(page.path), str(page.root), str(page.chapter.seconds)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    source = nbformat.writes(page.notebook)
    done = subprocess.run(command, input=source, capture_output=True, text=True, encoding="utf-8", env=environment)
    if done.returncode:
        raise ExtensionError(f"{page.name}.md: the kernel could not be run: {done.stderr.strip()}")
    return json.loads(done.stdout)


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
    for cell in result["notebook"]["cells"]:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(VERDICT, None)  # judged by `faults`; nothing that a page shows
    outputs = hashlib.sha256(json.dumps(result["notebook"]["cells"]).encode()).hexdigest()[:16]
    bundle = CacheBundleIn(
        nb=nbformat.from_dict(result["notebook"]),
        uri=str(page.path),
        data={"execution_seconds": result["seconds"], "outputs": outputs},
    )
    cache_of(page.root).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    record = {
        "key": page.key,
        "outputs": outputs,
        "seconds": result["seconds"],
        "megabytes": result["megabytes"],
        "lines": result["lines"],
        "python": sys.version.split()[0],
        "commit": commit(page.root),
        "package": package_hash(page.root),
    }
    page.record_file.parent.mkdir(parents=True, exist_ok=True)
    partial = page.record_file.with_suffix(".partial")
    partial.write_text(json.dumps(record), "utf-8")
    partial.replace(page.record_file)


def forget(page: Page, result: dict[str, Any] | None = None) -> None:
    """Drop the record of a page, and leave the traceback of a failed run in `_build/reports`."""
    page.record_file.unlink(missing_ok=True)
    report = page.root / "_build" / "reports" / f"{page.name}.log"
    report.unlink(missing_ok=True)
    if result and result["failure"]:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(result["failure"]["traceback"], "utf-8")


def run_stale(root: Path, workers: int | None = None, say: Any = print) -> list[str]:
    """Run every page whose inputs changed; return all faults, one line each (empty when the book is fit to build)."""
    pages = read_pages(root)
    stale = [page for page in pages if page.record() is None]
    if not stale:
        say(f"{len(pages)} page(s) up to date, none executed")
        return []
    found: list[str] = []
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        jobs = {pool.submit(execute, page): page for page in stale}
        for count, job in enumerate(as_completed(jobs), start=1):
            page, result = jobs[job], job.result()
            wrong = list(faults(page, result))
            found += wrong
            forget(page, result)
            if not wrong:
                store(page, result)
            memory = "" if result["megabytes"] is None else f", {result['megabytes']:.0f} MB"
            state = "failed after" if wrong else "ran in"
            say(f"[{count}/{len(stale)}] {page.name} {state} {result['seconds']:.1f} s{memory}")
    return sorted(found)


def before_build(app: Sphinx) -> None:
    """Sphinx `builder-inited`: no page is read before every stale one has run."""
    from sphinx.util import logging

    try:
        wrong = run_stale(Path(app.srcdir), say=logging.getLogger(__name__).info)
    except ValueError as error:
        raise ExtensionError(str(error)) from None
    if wrong:
        raise ExtensionError("the book cannot be built:\n  " + "\n  ".join(wrong))


def outdated(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Sphinx `env-get-outdated`: pages whose run is not the one they were last built from."""
    runs = {page.name: (page.record() or {}).get("outputs") for page in read_pages(Path(app.srcdir))}
    before = getattr(env, "mlpc_runs", {})
    env.mlpc_runs = runs  # type: ignore[attr-defined]
    changed_runs = [name for name in runs if runs[name] != before.get(name) and name in env.found_docs]
    return [*changed_runs, *([app.config.booktools_status] if changed_runs else [])]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("booktools_status", "book/appendix/status", "env")
    app.connect("builder-inited", before_build, priority=100)
    app.connect("env-get-outdated", outdated)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    try:
        problems = run_stale(Path(__file__).resolve().parent.parent)
    except ValueError as error:
        problems = [str(error)]
    sys.exit("\n".join(problems) or 0)
