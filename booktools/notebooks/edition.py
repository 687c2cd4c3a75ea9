"""A page of the book as a notebook: for readers with folded solutions, for students without any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from booktools.notebooks.bibliography import read_references
from booktools.notebooks.blocks import Block, Break, Directive, read_blocks
from booktools.notebooks.glued import glued_values, print_instead
from booktools.notebooks.labels import read_book, read_page_blocks
from booktools.notebooks.markdown import Writer, details
from booktools.notebooks.roles import Inline

Edition = Literal["reader", "student"]
GATES = ("exercise-start", "solution-start", "exercise-end", "solution-end")
EXERCISES = ("exercise", "exercise-start")
FOLDED = {"hide-input", "remove-input", "hide-cell", "remove-cell"}
STUB = "exercise-stub"
FOLDED_SOLUTION = "# the solution in code"  # JupyterLab shows the first line of a folded cell
FROM_CLONE = 'python -m pip install -e ".[pages]"'


@dataclass(frozen=True)
class Page:
    """A page that becomes a notebook, with everything that its text refers to.

    Attributes
    ----------
    name : str
        Its Sphinx name, `book/basics/sherman_morrison`.
    blocks : list of Block
        Its source.
    inline : Inline
        Labels, references and values.
    requirement : str
        What pip installs to get the package of this build; empty when unknown.
    """

    name: str
    blocks: list[Block]
    inline: Inline
    requirement: str = ""


def open_page(root: Path, path: Path, requirement: str = "", site: str = "") -> Page:
    """Read a page for a notebook."""
    name = path.relative_to(root).with_suffix("").as_posix()
    inline = Inline(read_book(root), read_references(root / "references.bib"), name, glued_values(root, path), site)
    return Page(name, read_page_blocks(path), inline, requirement)


@dataclass(frozen=True)
class Part:
    """What stands between two code cells: text or one code cell, and the gate (exercise or solution) around it."""

    blocks: tuple[Block, ...]
    gate: Directive | None
    opens: bool = False

    @property
    def code(self) -> Directive | None:
        first = self.blocks[0]
        return first if isinstance(first, Directive) and first.name == "code-cell" else None


def parts(blocks: list[Block]) -> Iterator[Part]:
    """Cut a page where a cell begins: at code, at `+++`, at the gates of exercises and solutions."""
    gate: Directive | None = None
    text: list[Block] = []
    opens = False
    for block in blocks:
        name = block.name if isinstance(block, Directive) else ""
        if text and (name in GATES or name == "code-cell" or isinstance(block, Break)):
            yield Part(tuple(text), gate, opens)
            opens, text = False, []
        if isinstance(block, Directive) and name in GATES:
            opens = name.endswith("-start")
            gate, text = (block, [block]) if opens else (None, [])
        elif name == "code-cell":
            yield Part((block,), gate)
        elif not isinstance(block, Break):
            text.append(block)
    if text:
        yield Part(tuple(text), gate, opens)


def make_notebook(page: Page, edition: Edition) -> nbformat.NotebookNode:
    """Return the notebook of a page, valid, without outputs, with ids that do not change from build to build.

    Parameters
    ----------
    page : Page
        The page.
    edition : {"reader", "student"}
        With folded solutions, or with none and with room for written answers.
    """
    writer = Writer(replace(page.inline, cited=[]), solutions=edition == "reader")
    cells = [*_installation(page.requirement)]
    for part in parts(page.blocks):
        cells += _code(part, writer, edition) if part.code else _markdown(part, writer, edition)
    cells += _references(writer.inline)
    notebook = new_notebook(cells=cells, metadata=_metadata(page, edition))
    for count, cell in enumerate(cells):
        cell.id = f"cell-{count}"
    nbformat.validate(notebook)
    return notebook


def _metadata(page: Page, edition: Edition) -> dict[str, Any]:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"kernelspec": kernel, "language_info": {"name": "python"}, "mlpc": {"page": page.name, "edition": edition}}


def _installation(requirement: str) -> Iterator[nbformat.NotebookNode]:
    """The first cells: how to get `mlpc`, and its installation where it is missing."""
    if requirement:
        words = f"This notebook needs the package `mlpc`; where it is missing, the cell installs `{requirement}`."
        action = f'    %pip install --quiet "{requirement}"'
    else:
        words = (
            f"This notebook needs the package `mlpc`. In a clone of the book's repository, `{FROM_CLONE}` installs it."
        )
        action = f"    raise ModuleNotFoundError('in a clone of the book: {FROM_CLONE}')"
    yield new_markdown_cell(f"> **Before you run it.** {words}")
    code = f'import importlib.util\n\nif importlib.util.find_spec("mlpc") is None:\n{action}'
    yield new_code_cell(code, metadata={"tags": ["installation"]})


def _markdown(part: Part, writer: Writer, edition: Edition) -> Iterator[nbformat.NotebookNode]:
    gate = part.gate
    if gate and gate.name == "solution-start":
        if edition == "reader" and (text := _solution(part, gate, writer)):
            yield new_markdown_cell(text, metadata=_marked(gate))
        return
    if text := writer.write(list(part.blocks)):
        locked = {"editable": False, "deletable": False} if gate and edition == "student" else {}
        yield new_markdown_cell(text, metadata={**locked, **_marked(gate)})
    for block in part.blocks if edition == "student" else ():
        if isinstance(block, Directive) and block.name in EXERCISES and "written" in block.classes:
            yield new_markdown_cell("*Your answer:*", metadata={"deletable": False, "mlpc": {"written": block.label}})


def _solution(part: Part, gate: Directive, writer: Writer) -> str:
    if not part.opens:
        return details("Solution, continued", writer.write(list(part.blocks)))
    return writer.solution(gate, writer.write([*read_blocks(gate.body), *part.blocks[1:]]))


def _marked(gate: Directive | None) -> dict[str, Any]:
    """What a cell says of itself to `booktools.grade`: the exercise, or the solution, that it belongs to."""
    if gate is None:
        return {}
    return {"mlpc": {"exercise": gate.label} if gate.name == "exercise-start" else {"solution": gate.argument}}


def _code(part: Part, writer: Writer, edition: Edition) -> Iterator[nbformat.NotebookNode]:
    cell, gate = part.code, part.gate
    solution = gate is not None and gate.name == "solution-start"
    source = print_instead(cell.body) if cell else ""
    if cell is None or not source.strip() or (solution and edition == "student"):
        return
    tags = list(cell.options.get("tags", ()))
    metadata: dict[str, Any] = {"tags": tags} if tags else {}
    if solution or FOLDED & set(tags):
        metadata["jupyter"] = {"source_hidden": True, **({"outputs_hidden": True} if solution else {})}
    if STUB in tags and edition == "student":
        metadata["deletable"] = False
    source = f"{FOLDED_SOLUTION}\n{source}" if solution else source
    yield new_code_cell(source, metadata={**metadata, **_marked(gate)})
    yield from _caption(cell, writer)


def _caption(cell: Directive, writer: Writer) -> Iterator[nbformat.NotebookNode]:
    """The caption of the figure that a cell draws."""
    figure = (cell.options.get("mystnb") or {}).get("figure") or {}
    if figure.get("caption"):
        label = writer.inline.book.labels.get(figure.get("name", ""))
        caption = writer.inline.flatten(figure["caption"].strip())
        yield new_markdown_cell(f"**{label.name if label else 'Figure'}.** {caption}")


def _references(inline: Inline) -> Iterator[nbformat.NotebookNode]:
    """The last cell: the works that the page cites."""
    if inline.cited:
        works = sorted((inline.references[key] for key in inline.cited), key=lambda work: (work.families, work.year))
        yield new_markdown_cell("#### References\n\n" + "\n".join(f"- {work.line()}" for work in works))
