"""What is kept of the proofs: one file for each label in `_build/certificates`, and from which inputs it was made."""

from __future__ import annotations

import ast
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from booktools.fingerprint import LOCK, digest

PROOFS = Path("tests/equations")
ENGINE = Path("mlpc/verify")
OWN = ("booktools", "mlpc", "tests")


@dataclass(frozen=True)
class Entry:
    """An entry of the ledger: the fields of `mlpc.verify`'s `Certificate`, and what it was given for.

    Attributes
    ----------
    label, page : str
        The equation and the Sphinx name of its page.
    latex : str
        The formula, as the page writes it.
    axioms : tuple of str
        Of what the certificate uses: the axioms; `uses` has the labels of equations alone.
    slide : bool
        Whether the formula is one of the course's slides.
    inputs : str
        Hash of the test, of the engine, of all else of the project that the test imports, and of the lock.
    versions : tuple of str
        Python, SymPy, `mlpc`.
    """

    label: str
    page: str
    latex: str
    claim: str
    method: str
    grade: str
    scope: str
    assumes: tuple[str, ...]
    uses: tuple[str, ...]
    axioms: tuple[str, ...]
    mutants: tuple[str, ...]
    second_opinion: str
    reason: str
    seconds: float
    slide: bool
    inputs: str
    versions: tuple[str, ...]


def folder_of(root: Path) -> Path:
    """Where the certificates are."""
    return root / "_build" / "certificates"


def file_of(root: Path, label: str) -> Path:
    return folder_of(root) / f"{label}.json"


def keep(root: Path, entry: Entry) -> None:
    """Write an entry at once, so that no reader and no other worker ever sees half of one."""
    target = file_of(root, entry.label)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(json.dumps(asdict(entry), ensure_ascii=False, indent=1) + "\n", "utf-8")
    partial.replace(target)


def forget(root: Path, label: str) -> None:
    """Drop the certificate of a label, if there is one."""
    file_of(root, label).unlink(missing_ok=True)


def read_entry(file: Path) -> Entry | None:
    """Read one entry; None if there is none, or one that this version did not write or that was damaged."""
    try:
        data = json.loads(file.read_text("utf-8"))
        lists = {name: tuple(value) for name, value in data.items() if isinstance(value, list)}
        return Entry(**{**data, **lists})
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def read_entries(root: Path, labels: Iterable[str]) -> dict[str, Entry]:
    """The entries of those labels that have one."""
    found = ((label, read_entry(file_of(root, label))) for label in labels)
    return {label: entry for label, entry in found if entry}


def test_of(root: Path, chapter: str) -> Path:
    """The file that proves the equations of the pages of this name."""
    return root / PROOFS / f"test_{chapter}.py"


def inputs_of(root: Path, test: Path) -> str:
    """The hash of everything that the outcome of a test file depends on, its pages' formulas apart."""
    files = {*sources(root, test), *(root / ENGINE).rglob("*.py")}
    return digest(root, [*files, root / LOCK], sys.version)


def sources(root: Path, test: Path) -> set[Path]:
    """A test file, the `conftest.py` beside and above it, and what they import of the project, at any depth."""
    above = [folder / "conftest.py" for folder in test.parents if folder.is_relative_to(root)]
    found, ahead = set[Path](), [test, *(file for file in above if file.is_file())]
    while ahead:
        file = ahead.pop()
        if file not in found:
            found.add(file)
            ahead += _files(root, _imports(file.read_text("utf-8")))
    return found


def _files(root: Path, modules: Iterable[str]) -> Iterator[Path]:
    """The files that an import of each name executes: every package on the way, and the module."""
    for module in modules:
        parts = module.split(".")
        for depth in range(1, len(parts) + 1):
            path = root.joinpath(*parts[:depth])
            yield from (file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file())


@lru_cache(maxsize=512)
def _imports(source: str) -> tuple[str, ...]:
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(name for name in names if name.split(".")[0] in OWN)
