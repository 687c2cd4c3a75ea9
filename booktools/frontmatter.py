"""What a page says of itself in the YAML block at its top: does it run, what does it teach, what may it cost."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

FOLDER_OF_PART = {
    "Basics": "basics",
    "Assimilation": "assimilation",
    "Invariance": "invariance",
    "Labs": "labs",
    "Exercises": "exercises",
    "Project": "project",
    "Appendix": "appendix",
}
WINGS = ("basics", "assimilation", "invariance", "molecules")
REQUIRED = ("part", "modules", "uses", "data", "hours")
BUDGET = {"seconds": 60.0, "megabytes": 1500.0}
RUNS_AS = {"extension": ".md", "format_name": "myst"}

T = TypeVar("T")


@dataclass(frozen=True)
class Chapter:
    """The ``chapter`` block of a page that runs: what it teaches, what it reads, what it may cost.

    Attributes
    ----------
    part : str
        Part of the course, a key of ``FOLDER_OF_PART``.
    modules : tuple of str
        Modules of ``mlpc`` that the page teaches; every module belongs to exactly one page.
    uses : tuple of str
        Wings of ``mlpc`` whose sources the run may import.
    data : tuple of str
        Files or package data that the run reads.
    hours : float
        Hours of reading and exercises.
    seconds, megabytes : float
        What the run may take: wall-clock seconds and peak memory.
    """

    part: str
    modules: tuple[str, ...]
    uses: tuple[str, ...]
    data: tuple[str, ...]
    hours: float
    seconds: float = BUDGET["seconds"]
    megabytes: float = BUDGET["megabytes"]


def split(text: str) -> tuple[dict[str, Any], str]:
    """Return the front matter of a page as a mapping (empty if there is none) and the text below it.

    Raises
    ------
    ValueError
        If the block is not closed, not YAML, or not a mapping.

    Examples
    --------
    >>> split("---\\nhours: 3\\n---\\n# Title\\n")
    ({'hours': 3}, '# Title\\n')
    """
    text = text.removeprefix("\ufeff")  # the mark that some editors put before the first character
    if not re.match(r"---[ \t]*\n", text):
        return {}, text
    parts = re.split(r"^---[ \t]*$\n?", text, maxsplit=2, flags=re.MULTILINE)
    if len(parts) < 3:
        raise ValueError("front matter: the block opened by --- is not closed by a second ---")
    try:
        block = yaml.safe_load(parts[1])
    except yaml.YAMLError as error:
        raise ValueError(f"front matter: not YAML: {' '.join(str(error).split())}") from None
    if block is None:
        return {}, parts[2]
    if not isinstance(block, dict):
        raise ValueError(f"front matter: asked for `field: value` lines, got {type(block).__name__}")
    return block, parts[2]


def read_chapter(path: Path) -> Chapter | None:
    """Read what a page says of itself; None for a page that does not run.

    Parameters
    ----------
    path : Path
        A MyST page.

    Returns
    -------
    Chapter or None
        None if the page has neither ``jupytext`` nor ``kernelspec`` nor ``chapter`` in its front matter.

    Raises
    ------
    ValueError
        If one of the three is missing or wrong; the message names the page and the field.
    """
    try:
        return chapter_of(split(path.read_text(encoding="utf-8-sig"))[0], path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def chapter_of(block: Mapping[str, Any], path: Path) -> Chapter | None:
    """Read the front matter of the page at `path`; like `read_chapter`, but the messages name only the field."""
    present = [name for name in ("jupytext", "kernelspec", "chapter") if name in block]
    if not present:
        return None
    for name in ("jupytext", "kernelspec", "chapter"):
        if not isinstance(block.get(name), dict):
            raise ValueError(f"{name}: a page that runs needs jupytext, kernelspec and chapter; it has {present}")
    _runs(block)
    chapter = _known("chapter", block["chapter"], (*REQUIRED, "budget"))
    budget = _known("chapter.budget", chapter.get("budget", {}), tuple(BUDGET))
    read = Chapter(
        part=_field(chapter, "part", _part),
        modules=_field(chapter, "modules", _names),
        uses=_field(chapter, "uses", _wings),
        data=_field(chapter, "data", _names),
        hours=_field(chapter, "hours", _positive),
        **{name: _field({**BUDGET, **budget}, name, _positive, "chapter.budget") for name in BUDGET},
    )
    _agree(read, path)
    return read


def _runs(block: Mapping[str, Any]) -> None:
    representation = block["jupytext"].get("text_representation")
    if not isinstance(representation, dict) or any(representation.get(k) != v for k, v in RUNS_AS.items()):
        raise ValueError(f"jupytext.text_representation: asked for {RUNS_AS}, got {representation}")
    if block["jupytext"].get("formats") != "md:myst":
        raise ValueError(f'jupytext.formats: asked for "md:myst", got {block["jupytext"].get("formats")!r}')
    if block["kernelspec"].get("name") != "python3":
        raise ValueError(f"kernelspec.name: asked for python3, got {block['kernelspec'].get('name')!r}")


def _known(where: str, block: Any, fields: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(block, dict):
        raise ValueError(f"{where}: asked for `field: value` lines, got {block!r}")
    for name in block:
        if name not in fields:
            near = difflib.get_close_matches(str(name), fields, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{where}.{name}: unknown field; known are {', '.join(fields)}{hint}")
    return block


def _field(block: Mapping[str, Any], name: str, convert: Callable[[Any], T], where: str = "chapter") -> T:
    if name not in block:
        raise ValueError(f"{where}.{name}: missing")
    try:
        return convert(block[name])
    except ValueError as error:
        raise ValueError(f"{where}.{name}: asked for {error}, got {block[name]!r}") from None


def _part(value: Any) -> str:
    if value not in FOLDER_OF_PART:
        raise ValueError(f"one of {', '.join(FOLDER_OF_PART)}")
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ValueError("a list of names ([] if there are none)")
    if len(set(value)) < len(value):
        raise ValueError("each name once")
    return tuple(value)


def _wings(value: Any) -> tuple[str, ...]:
    if set(names := _names(value)) - set(WINGS):
        raise ValueError(f"wings among {', '.join(WINGS)}")
    return names


def _positive(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError("a number greater than 0")
    return value


def _agree(chapter: Chapter, path: Path) -> None:
    folder = path.resolve().parent.name
    if folder in FOLDER_OF_PART.values() and FOLDER_OF_PART[chapter.part] != folder:
        raise ValueError(f"chapter.part: {chapter.part} belongs in book/{FOLDER_OF_PART[chapter.part]}, not {folder}")
    for module in chapter.modules:
        if not re.fullmatch(r"mlpc(\.[a-z]\w*)+", module):
            raise ValueError(f"chapter.modules: asked for modules of mlpc, got {module!r}")
        wing = module.split(".")[1]
        if wing in WINGS and wing not in chapter.uses:
            raise ValueError(f"chapter.uses: {module} is taught here, so uses must name {wing}")
