"""Inline MyST of a page as Markdown that JupyterLab shows: roles become the words that the built page shows."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from booktools.notebooks.bibliography import Reference
from booktools.notebooks.labels import Book, Label
from booktools.symbols import expand_macros

INLINE = re.compile(
    r"\{(?P<role>[\w:.-]+)\}(?P<tick>`+)(?P<body>.+?)(?P=tick)(?!`)"
    r"|(?P<code>(?P<fence>`+)(?!`).+?(?P=fence)(?!`))"
    r"|(?P<math>(?<![\\$])\$(?!\$|\s)(?P<tex>(?:[^$\\]|\\.)+?)\$)"
    r"|\[(?P<text>[^\]\n]*)\]\((?P<target>[^)\s]*)\)"
    r"|(?P<attributes>(?<=[\])`])\{[.#][^}\n]*\})",
    re.DOTALL,
)
TITLED = re.compile(r"(?P<text>.*?)\s*<(?P<target>[^>]+)>\s*$", re.DOTALL)
LITERAL = ("code", "file", "kbd", "command", "program", "func", "class", "meth", "mod", "attr", "obj", "exc", "data")


@dataclass(frozen=True)
class Inline:
    """Everything that inline text of one page may refer to.

    Attributes
    ----------
    book : Book
        Labels and titles.
    references : mapping
        The bibliography.
    page : str
        Name of the page, `book/basics/sherman_morrison`.
    values : mapping
        The glued values of the page's last run, as text; empty if it was not run.
    site : str
        Where the book is published, with a slash at its end; empty if nobody said.
    cited : list of str
        Keys that were cited, in order; grows while text is read.
    """

    book: Book
    references: Mapping[str, Reference]
    page: str
    values: Mapping[str, str] = field(default_factory=dict)
    site: str = ""
    cited: list[str] = field(default_factory=list)

    def flatten(self, text: str) -> str:
        """Return text without roles, MyST links or macros; code stays as it is.

        Examples
        --------
        >>> from pathlib import Path
        >>> book = Book(Path(), {"eq-a": Label("Equation", "1.4", "", "book/a")})
        >>> Inline(book, {}, "book/a").flatten("By {eq}`eq-a`, the code `{eq}` is kept.")
        'By (1.4), the code `{eq}` is kept.'
        """
        return INLINE.sub(self._replace, text)

    def _replace(self, match: re.Match[str]) -> str:
        if match["role"]:
            return self._role(match["role"], match["body"])
        if match["math"]:
            return f"${expand_macros(match['tex'])}$"
        if match["target"] is not None:
            image = match.string[: match.start()].endswith("!")
            return match[0] if image else self._link(match["text"], match["target"])
        return "" if match["attributes"] else match[0]

    def _role(self, role: str, body: str) -> str:
        titled = TITLED.fullmatch(body)
        text, target = (titled["text"], titled["target"]) if titled else ("", body)
        if role.startswith("cite"):
            return self._cite(role, body)
        if role.startswith("glue"):
            return self._glue(body)
        if role in ("eq", "math:numref", "ref", "numref", "prf:ref", "any"):
            return self._reference(text, target)
        if role == "doc":
            return self._link(text, f"{target}.md")
        if role == "math":
            return f"${expand_macros(body)}$"
        if role.removeprefix("py:") in LITERAL:
            return f"`{text or target.lstrip('~')}`"
        return f"<{role}>{body}</{role}>" if role in ("sub", "sup") else text or body

    def _reference(self, text: str, label: str) -> str:
        found = self.book.labels.get(label)
        if found is None:
            raise ValueError(f"{self.page}: nothing has the label {label!r}")
        name = text.replace("%s", found.number).replace("{number}", found.number).replace("{name}", found.title)
        return self._at(found, name or found.name)

    def _at(self, label: Label, name: str) -> str:
        return self._page(label.page, name) if label.page != self.page else name

    def _page(self, page: str, name: str) -> str:
        return f"[{name}]({self.site}{page}.html)" if self.site else f"*{name}*"

    def _link(self, text: str, target: str) -> str:
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            return f"[{text or target}]({target})"
        label = path or anchor
        if label in self.book.labels:
            return self._reference(self.flatten(text), label)
        page = posixpath.normpath(posixpath.join(posixpath.dirname(self.page), path)).removesuffix(".md")
        return self._page(page, self.flatten(text) or self.book.titles.get(page, page))

    def _cite(self, role: str, body: str) -> str:
        keys = [key.strip() for key in body.split(",")]
        if missing := [key for key in keys if key not in self.references]:
            raise ValueError(f"{self.page}: references.bib has no {', '.join(missing)}")
        self.cited.extend(key for key in keys if key not in self.cited)
        works = [self.references[key] for key in keys]
        if role in ("cite:t", "cite:ts", "cite:ct"):
            return ", ".join(f"{work.who} ({work.year})" for work in works)
        return f"({'; '.join(f'{work.who}, {work.year}' for work in works)})"

    def _glue(self, body: str) -> str:
        name, colon, form = body.rpartition(":") if not body.endswith(":") and "::" not in body else (body, "", "")
        name = name or body
        if name not in self.values:
            return f"`{name}`"
        value = self.values[name]
        return format(float(value), form) if colon and form and form[-1] in "bcdeEfFgGn%" else value.strip("'\"")
