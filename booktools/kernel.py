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
    # sockets in the page's own folder rather than on the network, where the system has them
    address = {} if os.name == "nt" else {"transport": "ipc", "ip": str(folder / "socket")}
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


def run(notebook: nbformat.NotebookNode, page: Path, root: Path, seconds: float) -> dict[str, object]:
    """Execute every cell in the page's folder; the result is JSON-ready and holds `failure` when a cell raised."""
    # the environment of the kernel: the sources of this checkout win over an installed `mlpc`
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    os.environ.update({**THREADS, "PYTHONHASHSEED": "0", "PYTHONPATH": path})
    with tempfile.TemporaryDirectory(prefix="mlpc-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        kernel = kernel_manager(folder, root)
        client = NotebookClient(
            notebook,
            km=kernel,
            timeout=max(1, round(2 * seconds)),
            record_timing=False,  # it would enter the cells' metadata, and so the cache's key
            resources={"metadata": {"path": str(page.parent)}},
        )
        client.on_cell_execute = lambda cell, cell_index: cell.metadata.__setitem__("execution_started", True)
        failed, started = None, time.perf_counter()
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            failed = failure(notebook, error)
        elapsed = time.perf_counter() - started
        if kernel.has_kernel:
            run_sync(kernel.shutdown_kernel)()
        for cell in notebook.cells:
            cell.metadata.pop("execution_started", None)
        lines = {} if failed else executed_lines(folder, root)
    megabytes = peak_megabytes()
    return {"notebook": notebook, "seconds": elapsed, "megabytes": megabytes, "lines": lines, "failure": failed}


if __name__ == "__main__":
    page, root, limit = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    json.dump(run(nbformat.reads(sys.stdin.read(), as_version=4), page, root, limit), sys.stdout)
