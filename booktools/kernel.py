"""Run one notebook in a fresh kernel and measure it: time, peak memory, lines of `mlpc` executed.

    python -m booktools.kernel PAGE ROOT SECONDS < notebook.ipynb > result.json

A process of its own for each page, so that the peak memory of its only child is the page's. One BLAS and torch thread,
so that pages run side by side without slowing one another.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

try:
    import resource
except ImportError:  # Windows has no such account: memory is then reported as unknown
    resource = None

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")


LONGEST_SOCKET = 90  # characters: systems allow about a hundred, and a suffix is added


def peak_megabytes() -> float | None:
    """Peak resident memory of the largest child that has ended, in MB (10^6 bytes)."""
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def kernel_manager(folder: Path, root: Path) -> AsyncKernelManager:
    """A manager for a kernel that runs under coverage, from the sources of this checkout."""
    settings = folder / "coveragerc"
    settings.write_text(f"[run]\nsource = {root / 'mlpc'}\ndata_file = {folder / 'coverage'}\n", "utf-8")
    command = [sys.executable, "-Xfrozen_modules=off", "-m", "coverage", "run", f"--rcfile={settings}"]
    command += ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = folder / "page" / "kernel.json"
    spec.parent.mkdir()
    spec.write_text(json.dumps({"argv": command, "display_name": "page", "language": "python"}), "utf-8")
    # sockets in the page's own folder rather than on the network, where the system has them and their path is short
    address: dict[str, Any] = {"transport": "ipc", "ip": str(folder / "socket")}
    if os.name == "nt" or len(address["ip"]) > LONGEST_SOCKET:
        address = {}
    return AsyncKernelManager(
        kernel_name="page",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(folder)]),
        connection_file=str(folder / "connection.json"),
        **address,
    )


def executed_lines(folder: Path, root: Path) -> dict[str, dict[str, list[int]]]:
    """By module of `mlpc` that the page imported: the statements it has, and those that ran."""
    from coverage import Coverage

    run = Coverage(data_file=str(folder / "coverage"), config_file=str(folder / "coveragerc"))
    run.load()
    lines = {}
    for file in sorted(run.get_data().measured_files()):
        _, statements, _, missing, _ = run.analysis2(file)
        name = Path(file).resolve().relative_to(root).as_posix()
        lines[name] = {"statements": statements, "executed": sorted(set(statements) - set(missing))}
    return lines


def failure(notebook: nbformat.NotebookNode, error: Exception) -> dict[str, object]:
    """Which code cell failed (counted from 0 over all cells), and why, in one line and in full."""
    begun = [
        i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and "execution_started" in cell.metadata
    ]
    if isinstance(error, CellExecutionError):
        reason = f"{error.ename}: {error.evalue}"
    else:
        reason = str(error).strip().splitlines()[0]
    return {"cell": begun[-1] if begun else 0, "reason": reason, "traceback": str(error)}


def execute(notebook: nbformat.NotebookNode, kernel: AsyncKernelManager, folder: Path, seconds: float) -> Any:
    """Execute every cell in the folder, then end the kernel; return the failure, or None."""
    client = NotebookClient(
        notebook,
        km=kernel,
        timeout=max(1, round(2 * seconds)),
        record_timing=False,  # it would enter the cells' metadata, and so the cache's key
        resources={"metadata": {"path": str(folder)}},
    )
    client.on_cell_execute = lambda cell, cell_index: cell.metadata.__setitem__("execution_started", True)
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return failure(notebook, error)
    finally:
        for cell in notebook.cells:
            cell.metadata.pop("execution_started", None)
        if kernel.has_kernel:
            run_sync(kernel.shutdown_kernel)()


def run(notebook: nbformat.NotebookNode, page: Path, root: Path, seconds: float) -> dict[str, object]:
    """Execute a page's notebook; the result is JSON-ready and holds `failure` when a cell raised."""
    # the environment of the kernel: the sources of this checkout win over an installed `mlpc`
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    os.environ.update({**THREADS, "PYTHONHASHSEED": "0", "PYTHONPATH": path})
    with tempfile.TemporaryDirectory(prefix="mlpc-", ignore_cleanup_errors=True) as name:
        started = time.perf_counter()
        failed = execute(notebook, kernel_manager(Path(name), root), page.parent, seconds)
        elapsed = time.perf_counter() - started
        lines = {} if failed else executed_lines(Path(name), root)
    megabytes = peak_megabytes()
    return {"notebook": notebook, "seconds": elapsed, "megabytes": megabytes, "lines": lines, "failure": failed}


if __name__ == "__main__":
    page, root, limit = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    source = sys.stdin.read()
    with os.fdopen(os.dup(1), "w") as answer:
        os.dup2(2, 1)  # what a cell's own subprocess prints must not get into the answer
        json.dump(run(nbformat.reads(source, as_version=4), page, root, limit), answer)
