"""Blocks of a MyST page as Markdown that plain JupyterLab shows well."""

from __future__ import annotations

import re
from dataclasses import dataclass

from booktools.notebooks.blocks import Block, Code, Directive, Display, Text, read_blocks
from booktools.notebooks.labels import PROOFS
from booktools.notebooks.roles import Inline
from booktools.symbols import expand_macros

ADMONITIONS = ("note", "tip", "hint", "important", "warning", "caution", "attention", "danger", "error", "seealso")
TITLED = ("admonition", "margin", "sidebar", "dropdown", "tab-item", "table", "card", "grid-item-card")
DROPPED = ("index", "contents", "toctree", "tableofcontents", "raw", "exercise-end", "solution-end")
TRANSPARENT = ("div", "container", "grid", "tab-set", "aside", "epigraph", "card-carousel")
NESTED = re.compile(r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.DOTALL)


@dataclass(frozen=True)
class Writer:
    """Writes the Markdown of one page.

    Attributes
    ----------
    inline : Inline
        What the page's text may refer to.
    solutions : bool
        Whether solutions are written; without them nothing of them is.
    """

    inline: Inline
    solutions: bool = True

    def write(self, blocks: list[Block]) -> str:
        """Return the Markdown of some blocks, one blank line between them."""
        parts = (self._block(block) for block in blocks)
        return "\n\n".join(part for part in parts if part)

    def text(self, myst: str) -> str:
        """Return the Markdown of MyST text."""
        return self.write(read_blocks(myst))

    def _block(self, block: Block) -> str:
        if isinstance(block, Text):
            return self.inline.flatten(re.sub(r"^\{[.#][^}\n]*\}\n?", "", block.text, flags=re.MULTILINE))
        if isinstance(block, Display):
            return self._display(block.tex, block.label)
        if isinstance(block, Directive):
            return self._directive(block)
        return block.text if isinstance(block, Code) else ""

    def _display(self, tex: str, label: str) -> str:
        lines = expand_macros(tex).strip()
        flat = NESTED.sub("", lines)
        body = f"\\begin{{aligned}}\n{lines}\n\\end{{aligned}}" if r"\\" in flat or "&" in flat else lines
        tag = f" \\tag{{{self.inline.book.labels[label].number}}}" if label else ""
        return f"$$\n{body}{tag}\n$$"

    def _directive(self, block: Directive) -> str:
        name, kind = block.name, block.name.removeprefix("prf:")
        if name in DROPPED:
            return ""
        if name in TRANSPARENT:
            return self.text(block.body)
        if name == "math":
            return self._display(block.body or block.argument, block.label)
        if name in ("code", "code-block", "sourcecode"):
            return f"```{block.argument}\n{block.body}\n```"
        if name.startswith("prf:") and kind in PROOFS:
            return quote(f"**{self._numbered(block)}**\n\n{self.text(block.body)}")
        if name == "prf:proof":
            return quote(f"*Proof.* {self.text(block.body)}")
        if name in ("exercise", "exercise-start"):
            return f"#### {self._numbered(block)}\n\n{self.text(block.body)}".strip()
        if name == "solution":
            return self.solution(block, self.text(block.body))
        return self._box(block)

    def _box(self, block: Directive) -> str:
        """Boxes: the ones that fold keep folding, the others are quotations under their title."""
        if block.name not in (*ADMONITIONS, *TITLED):
            raise ValueError(f"{self.inline.page}, line {block.line}: no Markdown for the directive {{{block.name}}}")
        own = block.name in TITLED
        word = "See also" if block.name == "seealso" else block.name.capitalize()
        title = self.inline.flatten(block.argument) if own else word
        body = self.text(block.body if own else f"{block.argument}\n{block.body}".strip())
        if block.name == "dropdown" or "dropdown" in block.classes:
            return details(title, body)
        return quote(f"**{title}**\n\n{body}" if title else body)

    def solution(self, block: Directive, body: str) -> str:
        """Return a solution folded under the name of its exercise; nothing in an edition without solutions."""
        if not self.solutions:
            return ""
        label = self.inline.book.labels.get(block.argument)
        if label is None:
            raise ValueError(f"{self.inline.page}, line {block.line}: {block.argument!r} is no exercise, to be solved")
        return details(f"Solution to {label.name}", body)

    def _numbered(self, block: Directive) -> str:
        label = self.inline.book.labels.get(block.label)
        name = label.name if label else block.name.removeprefix("prf:").removesuffix("-start").capitalize()
        return f"{name} ({self.inline.flatten(block.argument)})" if block.argument else name


def quote(markdown: str) -> str:
    """Put Markdown into a quotation, each display on one line: in a second one JupyterLab reads `>` as a relation.

    Examples
    --------
    >>> print(quote("so\\n\\n$$\\na\\n= b\\n$$"))
    > so
    >
    > $$ a = b $$
    """
    flat = re.sub(r"\$\$\n(.*?)\n\$\$", lambda m: f"$$ {' '.join(m[1].split())} $$", markdown, flags=re.DOTALL)
    return "\n".join(f"> {line}".rstrip() for line in flat.strip().split("\n"))


def details(title: str, markdown: str) -> str:
    """Markdown that is folded away under a title until the reader opens it."""
    return f"<details>\n<summary>{title}</summary>\n\n{markdown}\n\n</details>" if markdown else ""
