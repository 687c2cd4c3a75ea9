"""A display is labelled or is a step of a derivation, a proof or a solution."""

from __future__ import annotations

import pytest

from booktools.lint.book import Book
from booktools.lint.equations import check
from booktools.lint.page import read_page


def faults(text: str) -> list[tuple[int, str]]:
    return list(check(read_page(text), Book.of({})))


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("words\n\n$$\nx\n$$\n", 3, "without a label"),
        ("words\n\n$$ x $$\n", 3, "without a label"),
        ("words\nand $$x$$ inside", 2, "inside a paragraph"),
        (":::{prf:proof}\nwords\n$$x$$\n:::\n", 3, "inside a paragraph"),
        ("```{math}\nx\n```", 1, "without a label"),
        ("- a\n\n  $$\n  x\n  $$\n", 3, "without a label"),
        (":::{note} T\n\n$$\nx\n$$\n:::\n", 3, "without a label"),
        ("```{prf:theorem} T\n$$\nx\n$$\n```\n", 2, "without a label"),
        ("```{exercise-start}\n:label: a\n```\n$$\nx\n$$\n```{exercise-end}\n```\n", 4, "without a label"),
        ("\\begin{align*}\nx\n\\end{align*}\n", 1, "without a label"),
        ("\\begin{align}\nx\n\\end{align}\n", 1, "cannot refer"),
        (":::{prf:proof}\n\\begin{equation}\n\\label{eq-a}\nx\n\\end{equation}\n:::\n", 2, "cannot refer"),
        ("$$\nx\n$$ (sherman)\n", 1, "the label 'sherman'"),
        ("$$\nx\n$$ (eq-Big_one)\n", 1, "the label"),
        (":::{prf:proof}\n```{math}\n:label: x\ny\n```\n:::\n", 2, "the label"),
    ],
)
def test_a_display_that_nothing_proves_is_refused(text, line, says):
    [(where, message)] = faults(text)
    assert (where, says in message) == (line, True)


@pytest.mark.parametrize(
    "text",
    [
        "$$\nx\n$$ (eq-a)\n",
        "```{math}\n:label: eq-a-2\nx\n```\n",
        ":::{prf:proof}\n$$\nx\n$$\n:::\n",
        ":::{admonition} Derivation\n:class: derivation dropdown\n\n$$\nx\n$$\n\n- a\n\n  $$ y $$\n:::\n",
        "::::{admonition} Derivation\n:class: derivation\n\n:::{note}\n$$\nx\n$$\n:::\n::::\n",
        ":::{prf:proof}\n\\begin{align*}\nx\n\\end{align*}\n:::\n",
        "```{solution-start} a\n```\n$$\nx\n$$\n```{solution-end}\n```\n",
        "```{solution} a\n$$\nx\n$$\n```\n",
        "`$$ x $$` and $x$ and \\$\\$5\n",
        "```latex\n$$\nx\n$$\n```\n",
    ],
)
def test_a_labelled_display_or_a_step_passes(text):
    assert faults(text) == []
