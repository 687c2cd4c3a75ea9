"""Numbers in prose: a decimal, a percentage or a power of ten with a factor is computed and glued, never typed.

Judged is everything that is read as text: paragraphs, headings, lists, tables, titles, captions, alternative texts, and
inline formulas that are nothing but numbers (`$0.5$`, `$\\approx 10\\,\\%$`, `$0.5 \\pm 0.1$`), and so is a literal
that a cell glues (`glue("x", 0.5)`). Not judged: code, displays, formulas with a letter in them (`$\\lambda = 0.99$`),
bare powers of ten (`$10^{-10}$`), and

- versions: `v1.2`, three parts (`3.11.2`, and so dates like 12.05.2026), or right after the name of a tool that
  `pyproject.toml` depends on, after "Python" or after "version";
- numbers of sections, equations, figures, pages of a cited work: right after such a word ("section 2.3", "eq. (3.2)"),
  in a sentence that holds a citation, or inside the citation itself;
- `{fact}` with a citation in its sentence: a number that is somebody else's.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from booktools.lint.alternatives import INLINE, alts, calls, caption, read_html
from booktools.lint.blocks import Block, Run
from booktools.lint.book import Book
from booktools.lint.finding import Fault
from booktools.lint.numerals import TYPED, alone, plain, tight
from booktools.lint.page import Page
from booktools.lint.sentences import Paragraph
from booktools.lint.tokens import inline

NUMBERS = r"\d+\.\d+(?:\.\d+)*(?:\s*(?:,|–|-|/|to|and|or)\s*\d+\.\d+(?:\.\d+)*)*"
LOCATOR = re.compile(
    r"(?:§+|\b(?:sections?|secs?\.|chapters?|chap\.|parts?|equations?|eqs?\.|formulas?|theorems?|thm\.|lemmas?"
    r"|propositions?|algorithms?|figures?|figs?\.|tables?|exercises?|pages?|pp?\.|appendix))\s*"
    r"\(?[A-Z]?\d+(?:\.\d+)*\)?(?:\s*(?:,|–|-|to|and|or)\s*\(?[A-Z]?\d+(?:\.\d+)*\)?)*",
    re.IGNORECASE,
)
VERBATIM_ROLES = frozenset("cite footcite glue eval code py math eq fact".split())  # noqa: SIM905

ADVICE = (
    'compute it, glue("name", value, display=False), and write {glue:text}`name:.2f`; '
    "a fact from elsewhere is {fact}`NUMBER`, with its source cited in the same sentence"
)


def check(page: Page, book: Book) -> Iterator[Fault]:
    """Refuse typed numbers, and facts without a citation."""
    yield from ((line, f"{number} is typed; {ADVICE.replace('NUMBER', number)}") for number, line in typed(page, book))
    for block in page.walk():
        paragraph = Paragraph.of(block.runs)
        for index, run in enumerate(block.runs):
            if run.kind == "role" and run.name == "fact" and not paragraph.cited(index):
                yield run.line, f"{{fact}}`{run.text}` has no source; add {{cite:t}} or {{cite:p}} in the same sentence"


def typed(page: Page, book: Book) -> Iterator[tuple[str, int]]:
    """Every typed number of a page, with its line."""
    for block in page.walk():
        yield from _in_runs(block.runs, book)
        if block.kind == "html" or block.name == "raw":
            for words, line in read_html(block.text, block.text_line)[1]:
                yield from _in_runs([Run("words", words, line)], book)
    for cell in page.cells:
        yield from _in_runs(tuple(inline(caption(cell), cell.line)), book)
        yield from glued_literals(cell)
    for alt in alts(page):
        yield from _in_runs([Run("words", alt.text or "", alt.line)], book)


def glued_literals(cell: Block) -> Iterator[tuple[str, int]]:
    """What a cell glues although nothing computed it: an expression without a name but those of builtins.

    >>> list(glued_literals(Block("cell", 1, "glue('x', 0.5); glue('y', y)", text_line=2)))
    [('0.5', 2)]
    """
    for line, call in calls(cell, "glue"):
        given = [keyword.value for keyword in call.keywords if keyword.arg == "variable"]
        for value in (*call.args[1:2], *given):
            names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
            if all(hasattr(builtins, name) for name in names):
                yield ast.unparse(value), line


def joined(runs: Sequence[Run]) -> list[Run]:
    """The runs as a reader sees them: words in plain characters, not parted by typefaces, links or `$2$`.

    >>> joined([Run("words", "0.", 1), Run("html", "<b>", 1), Run("words", "37", 1), Run("html", "</b>", 1)])
    [Run(kind='words', text='0.37', line=1, name='')]
    """
    seen: list[Run] = []
    for run in runs:
        if run.kind == "html" and re.match(rf"<(?:!--|/?(?:{'|'.join(INLINE)})\b)", run.text, re.IGNORECASE):
            continue
        number = run.kind == "math" and tight(run.text).isdecimal()
        text = plain(tight(run.text) if number else run.text)
        if not number and (run.kind != "words" or _is_address(run)):
            seen.append(replace(run, text=text))
        elif seen and seen[-1].kind == "words" and not _is_address(seen[-1]):
            seen[-1] = replace(seen[-1], text=seen[-1].text + text)
        else:
            seen.append(Run("words", text, run.line))
    return seen


def _is_address(run: Run) -> bool:
    """Are the words the address that they lead to?"""
    text = run.text.strip()
    return bool(re.search("[/@]", text)) and run.name.endswith(text)


def _in_runs(given: Sequence[Run], book: Book) -> Iterator[tuple[str, int]]:
    runs = joined(given)
    paragraph = Paragraph.of(runs)
    for index, run in enumerate(runs):
        if run.kind == "words" and not _is_address(run):
            yield from _in_words(run, index, paragraph, book)
        elif run.kind == "role" and run.name.split(":")[0] not in VERBATIM_ROLES:
            yield from ((found[0], run.line) for found in TYPED.finditer(run.text.split("<")[0]))
        elif run.kind == "math" and alone(run.text):
            yield f"${run.text}$", run.line


def _in_words(run: Run, index: int, paragraph: Paragraph, book: Book) -> Iterator[tuple[str, int]]:
    allowed = [found.span() for found in versions(book.tools).finditer(run.text)]
    allowed += [found.span() for found in LOCATOR.finditer(run.text) if paragraph.cited(index, found.start())]
    for found in TYPED.finditer(run.text):
        if not any(start <= found.start() and found.end() <= end for start, end in allowed):
            yield " ".join(found[0].split()), run.line + run.text.count("\n", 0, found.start())


@cache
def versions(tools: frozenset[str]) -> re.Pattern[str]:
    """What a version looks like: the name of a tool, then numbers, "NumPy 2.0 or 2.1"."""
    names = "|".join(re.escape(name).replace(r"\-", "[- ]") for name in sorted(tools))
    return re.compile(rf"\b(?:{names})\s+{NUMBERS}", re.IGNORECASE)
