"""Typed numbers are refused wherever a reader would read them; what only looks like one passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from booktools.lint.book import Book
from booktools.lint.numbers import check
from booktools.lint.page import read_page

ROOT = Path(__file__).resolve().parents[2]


def faults(text: str) -> list[tuple[int, str]]:
    return list(check(read_page(text, Path("index.md")), Book(ROOT, ())))


FAULTS = [
    "the error is 0.5 here",
    "the error is .5 here",
    "the error is -0.5",
    "it is 2.5x faster",
    "(0.25)",
    "between 1-0.5",
    "10 % of the runs",
    "10% of the runs",
    "10\\% of the runs",
    "12,5 % of the runs",
    "100 % sure",
    "ten and 10 percent",
    "10 per cent",
    "a gain of 3 percentage points",
    "it fails at 1e-10",
    "it takes 3 × 10⁻⁴ s",
    "**0.5**",
    "*a [link of 0.5](index.md)*",
    "$0.5$",
    "${-0.5}$",
    "$10\\,\\%$",
    "$\\approx 0.5$",
    "$< 10^{-3} \\cdot 1$ and $2.5\\,\\mathrm{s}$",
    "$3\\times 10^{-4}$",
    "$0.5 \\pm 0.1$",
    "$[0.1, 0.9]$",
    "{math}`0.5`",
    "$10$ % of the runs",
    "# A title of 0.5",
    "- an item of 0.5",
    "> a quote of 0.5",
    "Term\n: worth 0.5",
    "| a |\n|---|\n| 0.5 |",
    "| 0.5 |\n|---|\n| a |",
    "[^1]\n\n[^1]: a note of 0.5",
    "<p>0.5</p>",
    "a <b>0.5</b>",
    "{abbr}`RMSE 0.5`",
    "{ref}`the 0.5 case <label>`",
    "{term}`the 0.5 case`",
    ":::{admonition} Title of 0.5\nbody\n:::",
    ":::{note}\nbody of 0.5\n:::",
    "```{prf:theorem} with 0.5\nbody\n```",
    "```{exercise-start} with 0.5\n:label: a\n```\n\n```{exercise-end}\n```",
    "```{figure} x.png\n:alt: words\n\nA caption of 0.5\n```",
    "```{figure} x.png\n:alt: words and 0.5\n\nA caption\n```",
    "```{list-table} with 0.5\n* - a\n```",
    "```{list-table}\n* - 0.5\n```",
    "```{csv-table}\na, 0.5\n```",
    "![words and 0.5](x.png)",
    '<img src="x.png" alt="words and 0.5">',
    "```{code-cell} python\n:mystnb: {figure: {name: fig-a, caption: worth 0.5}}\nplots.show(fig, alt='words')\n```",
    "```{code-cell} python\nplots.show(fig, alt=f'words and 0.5 {x:.1f}')\n```",
    "see section 2.3",
    "Bishop, eq. (3.2). {cite:p}`bishop`",
    "{fact}`37 %` of the runs.",
    "{fact}`37 %` of the runs. {cite:p}`key` says so.",
    "the error is ０.３７",
    "the error is 0\u200b.\u00ad37",
    "about 37\u2060％ of it",
    "the error is 0,37 here",
    "the error is 12,5 here",
    "it takes (0,37 s)",
    "the error (of 0,37)",
    "the error is 0·37",
    "the error is 1⋅37",
    "the error is 0&#46;37",
    "the error is 0.<b>37</b>",
    "about 37<sup>%</sup>",
    "the error is 0.<!-- -->37",
    "<p>the error is 0.<b>37</b></p>",
    "the error is 0.[37](index.md)",
    "the error is [0.37](page/0.37)",
    "the error is $0$.$37$",
    "$\\text{0.37}$",
    "$\\text{an error of 0.37}$",
    "$\\mathbf{0.37}$",
    "$0.37/2$",
    "$0.1 + 0.27$",
    "$\\frac{0.37}{2}$",
    "$0{,}37$",
    "$1e-3$",
    "$０.37$",
    "{kbd}`0.37`",
    "{index}`0.37`",
    "{guilabel}`0.37`",
    "{abbr}`０.37`",
    "it takes 3 x 10^-4 s",
    "```{code-cell} python\nglue('x', 0.37, display=False)\n```",
    "```{code-cell} python\nglue('x', -0.37 / 2)\n```",
    "```{code-cell} python\nglue('x', variable='0.37')\n```",
    "```{code-cell} python\nglue('x', round(float('0.37'), 2))\n```",
]


@pytest.mark.parametrize("text", FAULTS)
def test_a_typed_number_is_refused(text):
    assert len(faults(text)) == 1, faults(text)


PASSES = [
    "10 runs in 2024, 3 of them in May",
    "12.05.2026 and 2026-05-12",
    "version 1.2 and v1.2",
    "Python 3.11, and Python 3.11 to 3.13",
    "SciPy 1.16 or NumPy 2.0, and scikit-learn 1.6",
    "release 3.11.2",
    "127.0.0.1",
    "the 2.3.1 release",
    "`0.5` and {code}`10 %`",
    "```\n0.5\n```",
    "```{code-cell} python\nx = 0.5  # 10 %\n```",
    "$\\lambda = 0.99$",
    "$x^{0.5}$ and $0.5\\,x$",
    "$10^{-10}$ and $n = 10$ and $10$",
    "$1/2$",
    "$$\nx = 0.5\n$$ (eq-x)",
    "$$0.5$$",
    "```{math}\n0.5\n```",
    "{glue:text}`error:.2f` and {eval}`0.5`",
    "{eq}`eq-0.5` and {numref}`fig-a`",
    "eq. (156) is an integer",
    "{cite:t}`cookbook` has it as eq. (3.2)",
    "See section 2.3.1, or sections 2.3 and 4.5, of {cite:t}`bishop`.",
    "Eq. (3.2) in {cite:p}`bishop`; p. 3.4",
    "{cite:p}`{see}bishop{, section 2.3}`",
    "{fact}`37 %` of the runs {cite:p}`key`.",
    "By {cite:t}`key`, e.g. {fact}`37 %`, i.e. {fact}`0.5` of them.",
    "a list 1. 2. 3.",
    "e.g.5 or Fig.5",
    "% a comment of 0.5",
    "<!-- 0.5 -->",
    "![a picture of $x$](fig-0.5.png)",
    "<https://doi.org/10.1000/0.5>",
    "[text](https://doi.org/10.1000/0.5)",
    "```{code-cell} python\nplots.show(fig, alt=f'words and {x:.1f} and {100 * y:.0f} %')\n```",
    "a % sign, 5 \\$, and the operator %",
    "a 3 x 3 matrix, 1:2, 16:9",
    "1,000 runs of 1,000,000 steps, and 10,000",
    "the labels 1, 2, 3 and the pair (1,2) in [0,1]",
    "1,2-dichloroethane",
    "n·m, 2·3 and 2·10",
    "a<br>b, 10<sup>-10</sup>",
    "about 10<sup>3</sup> runs. 5 of them",
    "$2 \\cdot 3 = 6$ and $(1, 2)$ and $[0,1]$ and $2^{-53}$",
    "$\\text{version}$ and $x_{\\text{max}} = 0.5$ and $0.5\\,\\mathbf{x}$",
    "{kbd}`Ctrl+C` and {file}`a.md`",
    "```{code-cell} python\nglue('x', x); glue('y', float(np.max(y)) / 2)\n```",
    "in $2$ steps, $3$. Then",
]


@pytest.mark.parametrize("text", PASSES)
def test_what_is_no_typed_result_passes(text):
    assert faults(text) == []


def test_the_message_says_what_to_write_instead():
    [(line, message)] = faults("a\n\nb\nthe error\nis 0.5 here")
    assert line == 5
    assert "0.5 is typed" in message
    assert "{glue:text}`name:.2f`" in message
    assert "{fact}`0.5`" in message


def test_a_percentage_broken_over_two_lines_is_still_a_percentage():
    assert [line for line, _ in faults("words\nabout 10\npercent of the runs")] == [2]
