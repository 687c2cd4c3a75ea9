"""Read a MyST page as blocks: directives, displays, targets, fenced code, text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

FENCE = re.compile(r"(?P<indent> *)(?P<fence>`{3,}|~{3,}|:{3,})(?P<info>.*)$")
DIRECTIVE = re.compile(r"\{(?P<name>[\w:.-]+)\}\s*(?P<argument>.*)$")
DISPLAY = re.compile(r"\$\$(?P<tex>.*?)\$\$[ \t]*(?:\((?P<label>[^()\s]+)\))?[ \t]*$", re.DOTALL)
OPTION = re.compile(r":(?P<key>[\w-]+):(?:\s+(?P<value>.*))?$")
TARGET = re.compile(r"\((?P<label>[^()\s]+)\)=\s*$")
COMMENT = re.compile(r"<!--(?:.|\n)*?-->|^%.*\n?", re.MULTILINE)


@dataclass(frozen=True)
class Text:
    """Running text: paragraphs, headings, lists, tables."""

    text: str


@dataclass(frozen=True)
class Code:
    """A fenced block without a directive, kept as it stands."""

    text: str


@dataclass(frozen=True)
class Display:
    """A displayed formula and its label (empty if it has none)."""

    tex: str
    label: str


@dataclass(frozen=True)
class Target:
    """A label for the heading that follows."""

    label: str


@dataclass(frozen=True)
class Break:
    """`+++`: where a new cell begins."""


@dataclass(frozen=True)
class Directive:
    """A fenced directive; its body is the text below its options."""

    name: str
    argument: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    body: str = ""
    line: int = 0

    @property
    def label(self) -> str:
        return str(self.options.get("label") or self.options.get("name") or "")

    @property
    def classes(self) -> list[str]:
        return str(self.options.get("class", "")).split()


Block = Text | Code | Display | Target | Break | Directive


def read_blocks(text: str, first_line: int = 1) -> list[Block]:
    """Split MyST text into blocks.

    Parameters
    ----------
    text : str
        MyST without front matter.
    first_line : int
        Line of the page on which it begins, for messages.

    Raises
    ------
    ValueError
        If a fence or a display is not closed; the message names the line.

    Examples
    --------
    >>> read_blocks("See:\\n$$ a = b $$ (eq-a)\\n```{note}\\nHello\\n```")[1:]
    [Display(tex='a = b', label='eq-a'), Directive(name='note', argument='', options={}, body='Hello', line=3)]
    """
    return [block for block in _scan(text.splitlines(), first_line) if not (isinstance(block, Text) and not block.text)]


def _scan(lines: list[str], first: int) -> Iterator[Block]:
    start = at = 0
    while at < len(lines):
        end, block = _block_at(lines, at, first)
        if block is not None:
            yield _text(lines[start:at])
            yield block
            start = end
        at = end
    yield _text(lines[start:])


def _block_at(lines: list[str], at: int, first: int) -> tuple[int, Block | None]:
    line = lines[at]
    if fence := FENCE.match(line):
        return _fenced(lines, at, fence, first)
    if line.startswith("$$"):
        return _display(lines, at, first)
    if target := TARGET.match(line):
        return at + 1, Target(target["label"])
    if line.rstrip() == "+++" or line.startswith("+++ "):
        return at + 1, Break()
    return at + 1, None


def _text(lines: list[str]) -> Text:
    return Text(COMMENT.sub("", "\n".join(lines) + "\n").strip("\n"))


def _fenced(lines: list[str], at: int, fence: re.Match[str], first: int) -> tuple[int, Block]:
    mark, depth = fence["fence"], len(fence["indent"])
    closing = re.compile(rf"\s*{re.escape(mark[0])}{{{len(mark)},}}\s*$")
    end = next((i for i in range(at + 1, len(lines)) if closing.match(lines[i])), None)
    if end is None:
        raise ValueError(f"line {first + at}: the fence {mark}{fence['info']} is not closed")
    inside = [line[depth:] if line[:depth].isspace() else line for line in lines[at + 1 : end]]
    directive = DIRECTIVE.match(fence["info"].strip())
    if directive is None:
        return end + 1, Code("\n".join(lines[at : end + 1]))
    options, body = _options(inside, yaml_values=directive["name"] == "code-cell")
    return end + 1, Directive(directive["name"], directive["argument"].strip(), options, "\n".join(body), first + at)


def _options(lines: list[str], yaml_values: bool) -> tuple[dict[str, Any], list[str]]:
    if lines and lines[0].rstrip() == "---":
        end = lines.index("---", 1)
        return yaml.safe_load("\n".join(lines[1:end])) or {}, lines[end + 1 :]
    options: dict[str, Any] = {}
    for count, line in enumerate(lines):
        option = OPTION.match(line)
        if option is None:
            return options, lines[count + (bool(options) and not line.strip()) :]
        value = option["value"] or ""
        options[option["key"]] = yaml.safe_load(value) if yaml_values else value.strip()
    return options, []


def _display(lines: list[str], at: int, first: int) -> tuple[int, Block]:
    for end in range(at, len(lines)):
        text = "\n".join(lines[at : end + 1])
        if display := DISPLAY.fullmatch(text):
            return end + 1, Display(display["tex"].strip(), display["label"] or "")
    raise ValueError(f"line {first + at}: the display opened by $$ is not closed")
