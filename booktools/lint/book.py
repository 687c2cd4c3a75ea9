"""The book as the rules see it: its pages, its references, and what the project says about itself."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from booktools.lint.page import Page, read_page
from booktools.symbols import NOTATION, Symbol, read_notation

ALSO_TOOLS = frozenset({"python", "version", "versions", "release", "releases"})


@dataclass(frozen=True)
class Book:
    """The pages below `root`, and lazily what is checked against them.

    >>> Book.of({"index.md": "# Title\\n"}).pages[0].path
    PosixPath('index.md')
    """

    root: Path
    pages: tuple[Page, ...] = field(repr=False)

    @classmethod
    def read(cls, root: Path) -> Book:
        """Read `index.md` and every page below `book/`."""
        paths = [root / "index.md", *sorted((root / "book").rglob("*.md"))]
        names = [path.relative_to(root) for path in paths if path.is_file()]
        shown = [name for name in names if not any(part.startswith((".", "_")) for part in name.parts)]
        return cls(root, tuple(read_page((root / name).read_text("utf-8-sig"), name) for name in shown))

    @classmethod
    def of(cls, pages: dict[str, str], root: Path = Path("no-such-folder")) -> Book:
        """A book made of texts, for tests and examples."""
        return cls(root, tuple(read_page(text, Path(name)) for name, text in pages.items()))

    @cached_property
    def tools(self) -> frozenset[str]:
        """Names whose versions may stand in prose: Python and what `pyproject.toml` depends on."""
        file = self.root / "pyproject.toml"
        project = tomllib.loads(file.read_text("utf-8")).get("project", {}) if file.is_file() else {}
        lists = [project.get("dependencies", []), *project.get("optional-dependencies", {}).values()]
        return ALSO_TOOLS | {re.split(r"[^\w.-]", need, maxsplit=1)[0].lower() for needs in lists for need in needs}

    @cached_property
    def references(self) -> dict[str, int]:
        """Keys of `references.bib` and the lines that define them."""
        file = self.root / "references.bib"
        lines = file.read_text("utf-8").splitlines() if file.is_file() else []
        entries = (
            (re.match(r"\s*@(?!comment|string|preamble)\w+\s*\{\s*([^,\s]+)", line, re.I), n)
            for n, line in enumerate(lines, 1)
        )
        return {found[1]: number for found, number in entries if found}

    @cached_property
    def checkers(self) -> frozenset[str]:
        """Labels of the exercises that `mlpc.exercises` can check."""
        from mlpc.exercises import registry

        return frozenset(exercise.label for chapter in registry.chapters() for exercise in registry.exercises(chapter))

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """The notation file; empty if there is none."""
        file = self.root / NOTATION
        return read_notation(file) if file.is_file() else ()

    def docstrings(self) -> Iterator[str]:
        """The docstrings of the package, which the API page shows."""
        for source in sorted((self.root / "mlpc").rglob("*.py")):
            for node in ast.walk(ast.parse(source.read_text("utf-8"))):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    yield ast.get_docstring(node) or ""
