"""Run the pages whose inputs changed, side by side, before the site is built; refuse what failed or cost too much.

A page's run is kept under a key (`fingerprint`), so a change of the package, the lock or the data runs it again. As a
Sphinx extension this happens at the start of every build, so that no way of building can show a stale number;
`python -m booktools.execution` does it alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import nbformat
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging

from booktools import UNFINISHED
from booktools.fingerprint import sources
from booktools.pages import VERDICT, Page, forget, forget_deleted, read_pages, store


def faults(page: Page, result: dict[str, Any]) -> Iterator[str]:
    """What makes a finished run unfit for the site, each fault in one line."""
    if failed := result["failure"]:
        yield f"{page.where(failed['cell'])}: {' '.join(failed['reason'].split())}"
        return
    for index, cell in enumerate(result["notebook"]["cells"]):
        stub = "exercise-stub" in cell["metadata"].get("tags", ())
        for output in cell.get("outputs", ()):
            for fault in output_faults(output, "unanswered" if stub else "right"):
                yield f"{page.where(index)}: {fault}"
    allowed = {file.relative_to(page.root).as_posix() for file in sources(page.root, page.chapter)}
    for file, lines in result["lines"].items():
        if lines["executed"] and file not in allowed:
            yield f"{page.name}.md: imports {file}, whose wing chapter.uses does not name"
    yield from over_budget(page, result)


def output_faults(output: dict[str, Any], wanted: str) -> Iterator[str]:
    """What is wrong with one output of a cell: text on the error stream, a verdict that should be another one."""
    if output["output_type"] == "stream" and output["name"] == "stderr":
        yield f"wrote to stderr: {(output['text'].strip().splitlines() or ['(blank)'])[-1]}"
    verdict = output.get("data", {}).get(VERDICT)
    if verdict and verdict["state"] != wanted:
        yield f"{verdict['label']} is {verdict['state']} here, should be {wanted}"


def over_budget(page: Page, measured: dict[str, Any]) -> Iterator[str]:
    """The measures of a run that go over what the page declares."""
    for measure, unit in (("seconds", "s"), ("megabytes", "MB")):
        used, budget = measured[measure], getattr(page.chapter, measure)
        if used is not None and used > budget:
            yield f"{page.name}.md: took {used:.0f} {unit}, its budget is {budget:g} {unit}"


def execute(page: Page) -> dict[str, Any]:
    """Run a page in a process of its own (`booktools.kernel`) and return its result."""
    command = [sys.executable, "-m", "booktools.kernel", str(page.path), str(page.root), str(page.chapter.seconds)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    source = nbformat.writes(page.notebook)
    done = subprocess.run(command, input=source, capture_output=True, text=True, encoding="utf-8", env=environment)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return {"failure": {"cell": 0, "reason": f"the kernel could not be run: {last}", "traceback": done.stderr}}
    return json.loads(done.stdout)


def run_stale(root: Path, say: Callable[[str], object] = print) -> list[str]:
    """Run every page whose inputs changed; return all faults, one line each (empty when the book is fit to build)."""
    pages = read_pages(root)
    forget_deleted(root, pages)
    records = {page: page.record() for page in pages}
    if None in records.values():  # that look may have removed a damaged cache, and with it every page's outputs
        records = {page: page.record() for page in pages}
    found = [fault for page, record in records.items() if record for fault in over_budget(page, record)]
    stale = [page for page, record in records.items() if record is None]
    if not stale:
        say(f"{len(pages)} page(s) up to date, none executed")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {pool.submit(execute, page): page for page in stale}
        for count, job in enumerate(as_completed(jobs), start=1):
            found += settle(jobs[job], job.result(), f"[{count}/{len(stale)}]", say)
    return sorted(found)


def settle(page: Page, result: dict[str, Any], count: str, say: Callable[[str], object]) -> list[str]:
    """Keep a run that is fit for the site, forget one that is not; return its faults."""
    wrong = list(faults(page, result))
    forget(page, result["failure"]["traceback"] if result["failure"] else "")
    if not wrong:
        store(page, result)
    time = f" in {result['seconds']:.1f} s" if "seconds" in result else ""
    memory = f", {result['megabytes']:.0f} MB" if result.get("megabytes") else ""
    say(f"{count} {page.name} {'failed' if wrong else 'ran'}{time}{memory}")
    return wrong


def before_build(app: Sphinx) -> None:
    """Sphinx `builder-inited`: no page is read before every stale one has run."""
    unfinished = Path(app.srcdir, "_build", UNFINISHED)
    unfinished.parent.mkdir(exist_ok=True)
    unfinished.touch()
    try:
        wrong = run_stale(Path(app.srcdir), say=logging.getLogger(__name__).info)
    except ValueError as error:
        raise ExtensionError(str(error)) from None
    if wrong:
        raise ExtensionError("the book cannot be built:\n  " + "\n  ".join(wrong))


def outdated(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Sphinx `env-get-outdated`: pages whose run is not the one they were last built from; deleted ones go."""
    for name in removed:
        Path(app.outdir, f"{name}.html").unlink(missing_ok=True)
    runs = {page.name: (page.record() or {}).get("outputs") for page in read_pages(Path(app.srcdir))}
    before = getattr(env, "mlpc_runs", {})
    env.mlpc_runs = runs  # type: ignore[attr-defined]
    changed_runs = [name for name in runs if runs[name] != before.get(name)]
    status = [app.config.booktools_status] if runs != before else []
    return [name for name in [*changed_runs, *status] if name in env.found_docs]


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
