"""Numbers in prose: a decimal, a percentage or a power of ten with a factor is computed and glued, never typed.

Judged is everything that is read as text: paragraphs, headings, lists, tables, titles, captions, alternative texts, and
inline formulas that are nothing but numbers (`$0.5$`, `$\\approx 10\\,\\%$`, `$0.5 \\pm 0.1$`). Not judged: code,
displays, formulas with a letter in them (`$\\lambda = 0.99$`), bare powers of ten (`$10^{-10}$`), and

- versions: `v1.2`, three parts (`3.11.2`, and so dates like 12.05.2026), or right after the name of a tool that
  `pyproject.toml` depends on, after "Python" or after "version";
- numbers of sections, equations, figures, pages of a cited work: right after such a word ("section 2.3", "eq. (3.2)"),
  in a sentence that holds a citation, or inside the citation itself;
- `{fact}` with a citation in its sentence: a number that is somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from booktools.lint.alternatives import alts, caption, read_html
from booktools.lint.blocks import Run
from booktools.lint.book import Book
from booktools.lint.finding import Fault
from booktools.lint.page import Page
from booktools.lint.sentences import Paragraph
from booktools.lint.tokens import inline

TYPED = re.compile(
    r"""(?<![\w.])(?:
        [-+−]?\d+(?:[.,]\d+)?\s*(?:[%‰]|per\s?cent\b|percentage\s+points?\b)     # 10 %, 0.5 per cent
      | [-+−]?\d+(?:\.\d+)?[eE][-+−]?\d+\b                                       # 1e-10
      | \d+(?:\.\d+)?\s*[×·]\s*10(?:\^|[⁻⁰¹²³⁴⁵⁶⁷⁸⁹])\S*                          # 3 × 10⁻⁴
      | [-+−]?\d*\.\d+(?!\d|\.\d)                                                # 0.5, .5, but not 1.2.3
    )""",
    re.VERBOSE,
)
PERCENT_AFTER_FORMULA = re.compile(r"\s*(?:[%‰]|per\s?cent\b|percentage\s+points?\b)")
NUMBERS = r"\d+\.\d+(?:\.\d+)*(?:\s*(?:,|–|-|/|to|and|or)\s*\d+\.\d+(?:\.\d+)*)*"
LOCATOR = re.compile(
    r"(?:§+|\b(?:sections?|secs?\.|chapters?|chap\.|parts?|equations?|eqs?\.|formulas?|theorems?|thm\.|lemmas?"
    r"|propositions?|algorithms?|figures?|figs?\.|tables?|exercises?|pages?|pp?\.|appendix))\s*"
    r"\(?[A-Z]?\d+(?:\.\d+)*\)?(?:\s*(?:,|–|-|to|and|or)\s*\(?[A-Z]?\d+(?:\.\d+)*\)?)*",
    re.IGNORECASE,
)
VERBATIM_ROLES = frozenset("cite footcite glue eval code kbd file samp py math eq fact index".split())  # noqa: SIM905

ADVICE = (
    'compute it, glue("name", value, display=False), and write {glue:text}`name:.2f`; '
    "a fact from elsewhere is {fact}`NUMBER`, with its source cited in the same sentence"
)

SPACE = re.compile(
    r"\\[,;:! ]|\\(?:quad|qquad|enspace|thinspace|displaystyle|textstyle|left|right)(?![a-zA-Z])|~|\s|[{}]"
)
UNIT = re.compile(r"\\(?:mathrm|text|textrm|mathsf|operatorname)\s*\{[^{}]*\}")
RELATION = re.compile(r"^(?:\\(?:approx|sim|simeq|leq?|geq?|ll|gg|lesssim|gtrsim|pm|mp)(?![a-zA-Z])|[<>=+\-−±≈≤≥])+")
NUMBER = r"[-+−]?(?:\d+(?:\.\d+)?|\.\d+)(?:(?:\\times|\\cdot)10\^-?\d+)?(?:\\%|%)?"
ALONE = re.compile(rf"[(\[]?{NUMBER}(?:(?:\\pm|±|,|;|\\ldots|\\dots)+{NUMBER})*[)\]]?")


def alone(latex: str) -> bool:
    r"""Is an inline formula nothing but typed decimals or percentages, with signs and units?

    >>> [alone(x) for x in (r"0.5", r"\approx 10\,\%", r"2.5\,\mathrm{s}", r"\lambda = 0.99", r"10", r"10^{-10}")]
    [True, True, True, False, False, False]
    """
    bare = RELATION.sub("", _tight(latex), count=1)
    return bool(ALONE.fullmatch(bare)) and bool(re.search(r"\.\d|%|\\times|\\cdot", bare))


def _tight(latex: str) -> str:
    return SPACE.sub("", UNIT.sub("", latex))


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
    for alt in alts(page):
        yield from _in_runs([Run("words", alt.text or "", alt.line)], book)


def _in_runs(runs: Sequence[Run], book: Book) -> Iterator[tuple[str, int]]:
    paragraph = Paragraph.of(runs)
    for index, run in enumerate(runs):
        if run.kind == "words" and not run.name.endswith(run.text.strip() or " "):
            yield from _in_words(run, index, paragraph, book)
        elif run.kind == "role" and run.name.split(":")[0] not in VERBATIM_ROLES:
            yield from ((found[0], run.line) for found in TYPED.finditer(run.text.split("<")[0]))
        elif run.kind == "math" and alone(run.text):
            yield f"${run.text}$", run.line
        elif run.kind == "math" and re.fullmatch(r"[\d.]+", _tight(run.text)) and index + 1 < len(runs):
            follows = runs[index + 1]
            if follows.kind == "words" and (sign := PERCENT_AFTER_FORMULA.match(follows.text)):
                yield f"${run.text}${sign[0]}", run.line


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
