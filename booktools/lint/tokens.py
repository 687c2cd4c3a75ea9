"""From MyST-Parser's tokens to blocks: what is nested is parsed again, and lines are counted from the file's top."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from docutils.parsers.rst import Directive
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.directives import parse_directive_text
from myst_parser.parsers.mdit import create_md_parser

from booktools.lint.blocks import DIRECTIVE, Block, Run

EXTENSIONS = frozenset(
    """
    amsmath attrs_block attrs_inline colon_fence deflist dollarmath fieldlist smartquotes substitution
    """.split()  # noqa: SIM905
)
"""MyST extensions of the book; a test holds this against `_config.yml`."""

CELLS = frozenset({"code-cell"})
VERBATIM = frozenset(
    """
    code code-block sourcecode literalinclude parsed-literal raw eval-rst math toctree tableofcontents bibliography
    include image mermaid nb-exec-table autofunction autoclass automodule doctest testcode
    """.split()  # noqa: SIM905
)
"""Directives whose body is not Markdown. What is not named here is read as Markdown."""

ARGUMENT_IS_NO_PROSE = frozenset(
    """
    figure figure-md image solution solution-start glue:figure grid glue
    """.split()  # noqa: SIM905
)
PLAIN = {"math_inline": "math", "math_inline_double": "display", "code_inline": "code", "html_inline": "html"}
ENCLOSING = {
    "list_item": "list",
    "table": "table",
    "blockquote": "quote",
    "dd": "list",
    "footnote_reference": "footnote",
}


class _AnyOptions(dict):
    """Accept every option as it stands: which options a directive knows is Sphinx's to say."""

    def __missing__(self, _name: str) -> Any:
        return lambda value: value or ""


class _AnyDirective(Directive):
    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = _AnyOptions({"class": lambda value: value or ""})


@cache
def parser() -> MarkdownIt:
    """The book's Markdown parser, but with quotes left as they are typed, and `$$` found inside paragraphs too."""
    config = MdParserConfig(enable_extensions=set(EXTENSIONS), dmath_double_inline=True)
    return create_md_parser(config, RendererHTML).disable("smartquotes")


def blocks_of(text: str) -> tuple[Block, ...]:
    """The blocks of a page's text, nested directives read through."""
    return tuple(_blocks(parser().parse(text), 1, nested=False))


def _blocks(tokens: Sequence[Token], first: int, nested: bool) -> Iterator[Block]:
    """Blocks of a token stream whose line 0 is line `first` of the file."""
    around: list[str] = []
    level = 0
    line = first
    for token in tokens:
        line = token.map[0] + first if token.map else line
        stem, _, side = token.type.rpartition("_")
        if side == "open":
            around.append(stem)
            level = int(token.tag[1]) if stem == "heading" else level
        elif side == "close":
            around.pop()
        else:
            yield from _block(
                token,
                line,
                next((ENCLOSING[a] for a in reversed(around) if a in ENCLOSING), ""),
                level if "heading" in around else 0,
                nested or bool(around),
            )


def _block(token: Token, line: int, inside: str, level: int, nested: bool) -> Iterator[Block]:
    match token.type:
        case "inline":
            runs = tuple(_runs(token.children or [], line))
            yield Block(
                "heading" if level else "text", line, token.content, line, inside=inside, level=level, runs=runs
            )
        case "math_block" | "math_block_label" | "amsmath":
            name = "".join(token.meta.get(part, "") for part in ("environment", "numbered"))
            yield Block("display", line, token.content, line, name=name, label=token.info, inside=inside)
        case "fence" | "colon_fence" if found := re.match(r"\{([^\s}]+)\}[ \t]*(.*)", token.info.strip()):
            yield _directive(found[1], found[2].strip(), token.content, line, inside, nested)
        case "fence" | "colon_fence" | "code_block":
            yield Block("code", line, token.content, line + 1, name=token.info.strip(), inside=inside)
        case "html_block":
            yield Block("html", line, token.content, line, inside=inside)
        case "myst_target":
            yield Block("target", line, label=token.content)


def _directive(name: str, argument: str, content: str, line: int, inside: str, nested: bool) -> Block:
    """A fence with a name in braces; `content` begins on the line after `line`."""
    cell = name in CELLS
    parsed = parse_directive_text(_AnyDirective, argument, content, line=line, validate_options=not cell)
    text = "\n".join(parsed.body)
    # MyST counts the body from the end, so an option block of `---` lines is right too
    start = line + 1 + len(content.splitlines()) - len(parsed.body)
    if cell:
        return Block("cell", line, text, start, name, argument, parsed.options, inside=inside, nested=nested)
    if name == "math":
        return Block("display", line, "\n".join([argument, text]), line, label=str(parsed.options.get("label", "")))
    label = str(parsed.options.get("label") or parsed.options.get("name") or "")
    body = () if name in VERBATIM else tuple(_blocks(parser().parse(text), start, nested=True))
    runs = () if name in VERBATIM | ARGUMENT_IS_NO_PROSE else tuple(inline(argument, line))
    return Block(DIRECTIVE, line, text, start, name, argument, parsed.options, label, inside, 0, runs, body, nested)


def inline(text: str, line: int) -> Iterator[Run]:
    """The runs of a text that stands on one line outside the page's flow: a title, a caption, an alternative text."""
    for token in parser().parseInline(text):
        yield from _runs(token.children or [], line)


def _runs(tokens: Sequence[Token], line: int) -> Iterator[Run]:
    """Words that follow one another are one run, also over the end of a line and through bold type."""
    held: Run | None = None
    for run in _pieces(tokens, line):
        if held and held.kind == run.kind == "words" and held.name == run.name:
            held = replace(held, text=held.text + run.text)
            continue
        if held:
            yield held
        held = run
    if held:
        yield held


def _pieces(tokens: Sequence[Token], line: int) -> Iterator[Run]:
    link = ""
    for token in tokens:
        match token.type:
            case "softbreak" | "hardbreak":
                yield Run("words", "\n", line, link)
                line += 1
            case "link_open" | "link_close":
                link = str(token.attrs.get("href", ""))
            case "text":
                yield Run("words", token.content, line, link)
            case "image":
                yield Run("image", token.content, line, str(token.attrs.get("src", "")))
            case "myst_role" if token.meta["name"] == "math":
                yield Run("math", token.content, line)
            case "myst_role":
                yield Run("role", token.content, line, token.meta["name"])
            case kind if kind in PLAIN:
                yield Run(PLAIN[kind], token.content, line)
        line += token.content.count("\n")
