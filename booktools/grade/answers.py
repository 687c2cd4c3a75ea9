"""Run a handed-in notebook and take the answers of its exercises out of the kernel."""

from __future__ import annotations

import ast
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from booktools.kernel import THREADS
from mlpc.exercises.verdict import MIME

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
CAPTURE = """import cloudpickle as _cloudpickle, pathlib as _pathlib
_pathlib.Path({file!r}).write_bytes(_cloudpickle.dumps({expression}))
del _cloudpickle, _pathlib"""


@dataclass(frozen=True)
class Call:
    """A call of `check` in a notebook: the cell it stands in, and the source of the answer."""

    cell: int
    answer: str


@dataclass(frozen=True)
class Run:
    """What a run left behind, by label: pickled answers, the verdicts that the notebook showed, and failures."""

    pickles: dict[str, bytes] = field(default_factory=dict)
    shown: dict[str, bool] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def find_calls(notebook: nbformat.NotebookNode) -> dict[str, Call]:
    """Return the last call ``check("<label>", answer)`` of each label; cells that are no Python hold none."""
    calls: dict[str, Call] = {}
    for index, cell in enumerate(notebook.cells):
        for node in ast.walk(_tree(cell.source) if cell.cell_type == "code" else ast.Module([], [])):
            if isinstance(node, ast.Call) and _names_check(node.func) and len(node.args) == 2:
                label, answer = node.args
                if isinstance(label, ast.Constant) and isinstance(label.value, str):
                    calls[label.value] = Call(index, ast.unparse(answer))
    return calls


def _tree(source: str) -> ast.AST:
    try:
        return ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _names_check(function: ast.expr) -> bool:
    return getattr(function, "id", getattr(function, "attr", "")) == "check"


def run_notebook(notebook: nbformat.NotebookNode, root: Path, seconds: float) -> Run:
    """Run every cell in a fresh kernel in an empty folder, with `mlpc` of this checkout.

    Parameters
    ----------
    notebook : NotebookNode
        What was handed in.
    root : Path
        The checkout whose `mlpc` the kernel imports.
    seconds : float
        How long one cell may take; the whole notebook may take ten times as long.
    """
    calls = find_calls(notebook)
    with TemporaryDirectory(prefix="mlpc-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        prepared = _prepared(notebook, calls, folder)
        died = _execute(prepared, root, folder, seconds)
        pickles = {label: file.read_bytes() for label in calls if (file := folder / f"{label}.pickle").exists()}
    failed = {}
    for cell in prepared.cells:
        if label := cell.metadata.get("captures"):
            failed[label] = _error(cell) or died or "the kernel did not get there"
    failed = {label: reason for label, reason in failed.items() if label not in pickles}
    faults = (*_faults(prepared), *([died] if died else []))
    return Run(pickles, dict(_shown(prepared)), failed, faults)


def _prepared(notebook: nbformat.NotebookNode, calls: dict[str, Call], folder: Path) -> nbformat.NotebookNode:
    """The notebook without outputs, with a cell behind each call that saves the answer."""
    cells = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        cells.append(nbformat.v4.new_code_cell(cell.source, metadata={"handed_in": index}))
        for label, call in calls.items():
            if call.cell == index:
                source = CAPTURE.format(file=str(folder / f"{label}.pickle"), expression=call.answer)
                cells.append(nbformat.v4.new_code_cell(source, metadata={"captures": label}))
    return nbformat.v4.new_notebook(cells=cells)


def _execute(notebook: nbformat.NotebookNode, root: Path, folder: Path, seconds: float) -> str:
    """Run the cells, whatever they raise; return why the kernel died, empty if it lived."""
    work, end = folder / "work", time.monotonic() + 10 * seconds
    work.mkdir()
    address = {} if os.name == "nt" else {"transport": "ipc", "ip": str(folder / "socket")}
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_name="python3", connection_file=str(folder / "connection.json"), **address),
        timeout_func=lambda _: max(1, int(min(seconds, end - time.monotonic()))),
        interrupt_on_timeout=True,
        allow_errors=True,
        record_timing=False,
        resources={"metadata": {"path": str(work)}},
    )
    environment = {**os.environ, **THREADS, "PYTHONPATH": str(root), "IPYTHONDIR": str(folder / "ipython")}
    try:
        client.execute(env=environment, cleanup_kc=True)
    except (DeadKernelError, CellTimeoutError) as error:
        return str(error).strip().splitlines()[0]
    return ""


def _error(cell: Any) -> str:
    """Why a cell failed, in one line; empty if it did not."""
    raised = [output for output in cell.get("outputs", ()) if output["output_type"] == "error"]
    if raised and raised[0]["ename"] == "KeyboardInterrupt":
        return "it ran too long and was interrupted"
    return next((COLOURS.sub("", f"{o['ename']}: {' '.join(o['evalue'].split())}"[:300]) for o in raised), "")


def _faults(notebook: nbformat.NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        if "handed_in" in cell.metadata and (error := _error(cell)):
            yield f"cell {cell.metadata['handed_in'] + 1}: {error}"


def _shown(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, bool]]:
    """The verdicts that the notebook itself displays."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if record := output.get("data", {}).get(MIME):
                yield str(record.get("label")), bool(record.get("correct"))
