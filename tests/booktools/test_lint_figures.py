"""Alternative texts that say nothing are refused, and so are drawings without words, name or caption."""

from __future__ import annotations

from pathlib import Path

import pytest

from booktools.lint.book import Book
from booktools.lint.figures import SHORTEST, check_alts, check_cells
from booktools.lint.page import read_page

GOOD = "Seconds against n on log axes: the update is a line of slope two."
BOOK = Book.of({})


def alt_faults(text: str) -> list[tuple[int, str]]:
    return list(check_alts(read_page(text, Path("index.md")), BOOK))


def cell(code: str, figure: str = "{name: fig-cost, caption: The cost.}") -> str:
    return f"```{{code-cell}} python\n:mystnb: {{figure: {figure}}}\n\n{code}\n```\n"


def cell_faults(text: str) -> list[tuple[int, str]]:
    return list(check_cells(read_page(text, Path("index.md")), BOOK))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("![](x.png)", "missing"),
        ("![x.png](x.png)", "path"),
        ("![a/b/a_rather_long_name_of_a_picture_file.png](a/b/a_rather_long_name_of_a_picture_file.png)", "path"),
        ("![a_rather_long_name_of_a_picture_file](a/a_rather_long_name_of_a_picture_file.png)", "path"),
        ("![Figure 12](x.png)", "fits any figure"),
        ("![Picture of the plot showing the results of the example data](x.png)", "fits any figure"),
        (f"![{'x ' * 40}](x.png)", "0 different words"),
        (f"![{'plot line ' * 8}](x.png)", "2 different words"),
        (f"![{'One line rises steeply. ' * 3}](x.png)", "4 different words"),
        (cell(f"plots.show(fig, alt='{'x ' * 40}')"), "0 different words"),
        (f"![{GOOD[: SHORTEST - 1]}](x.png)", f"{SHORTEST - 1} characters"),
        ("```{image} x.png\n```", "missing"),
        ("```{image} x.png\n:alt: short\n```", "characters"),
        ("```{figure} x.png\n\nA caption.\n```", "missing"),
        (f"```{{figure}} x.png\n:alt: {GOOD}\n\n{GOOD.upper()}\n```", "caption"),
        ('<img src="x.png">', "missing"),
        ('words <img src="x.png" alt=""> words', "missing"),
        (cell("plots.show(fig)"), "missing"),
        (cell("plots.show(fig, alt=make())"), "missing"),
        (cell("plots.show(fig, alt=f'{a} and {b}')"), "characters"),
        (cell("plots.show(fig, alt=f'{description_of_the_figure_that_nobody_has_judged:>40}')"), "missing"),
        (cell("alt = 'short'\nplots.show(fig, alt=alt)"), "characters"),
        (cell(f"plots.show(fig, alt='{GOOD}')", f"{{name: fig-a, caption: '{GOOD}'}}"), "caption"),
    ],
)
def test_an_alternative_text_that_says_nothing_is_refused(text, says):
    [(_, message)] = alt_faults(text)
    assert says in message


@pytest.mark.parametrize(
    "text",
    [
        f"![{GOOD}](x.png)",
        f"```{{image}} x.png\n:alt: {GOOD}\n```",
        f"```{{figure}} x.png\n:alt: {GOOD}\n\nThe cost.\n```",
        f'<img src="x.png" alt="{GOOD}">',
        cell(f"plots.show(fig, alt='{GOOD}')"),
        cell(f"plots.show(fig, alt=f'{GOOD} It takes {{x:.1f}} s.')"),
        cell(f"alt = (f'{GOOD} '\n       f'{{x}}')\nmlpc.plots.show(fig, alt=alt)"),
        cell("plots.show(fig, alt='Seconds against n on log axes, ' + 'both lines are straight')"),
        "```python\nplots.show(fig)\n```",
        "no picture at all",
    ],
)
def test_an_alternative_text_that_says_what_is_to_be_seen_passes(text):
    assert alt_faults(text) == []


SHOW = f"plots.show(fig, alt='{GOOD}')"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (cell("fig, ax = plots.figure()\nax.plot(x)"), 4, "does not end in"),
        (cell("x = 1\nplt.subplots()"), 5, "does not end in"),
        (cell(f"{SHOW}\nx = 1"), 4, "last line"),
        (cell(f"if x:\n    {SHOW}"), 5, "last line"),
        (cell(f"{SHOW}\n{SHOW}"), 5, "second plots.show"),
        (cell(SHOW, "{caption: The cost.}"), 1, "no name"),
        (cell(SHOW, "{name: cost, caption: The cost.}"), 1, "no name"),
        (cell(SHOW, "{name: fig-cost}"), 1, "no caption"),
        (f"```{{code-cell}} python\n:mystnb: {{image: {{alt: x}}}}\n\n{SHOW}\n```", 1, "no name"),
    ],
)
def test_a_drawing_without_words_name_or_caption_is_refused(text, line, says):
    faults = cell_faults(text)
    assert (line, True) in [(where, says in message) for where, message in faults], faults


@pytest.mark.parametrize(
    "text",
    [
        cell(f"fig, ax = plots.figure()\n{SHOW}"),
        cell(f"{SHOW}  # the last line"),
        "```{code-cell} python\nx = figure(3)\nplots.line(ax, x)\n```",
        "```{code-cell} python\nfrom mlpc import plots\n```",
    ],
)
def test_a_drawing_with_all_of_them_passes(text):
    assert cell_faults(text) == []
