"""The notation file is checked entry by entry, and its macros can be written out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booktools.symbols import NOTATION, ROOT, Symbol, expand_macros, latex_tokens, read_notation

GOOD = r"""
- {latex: '\mathbb{R}', macro: \R, part: Basics, meaning: the reals}
- {latex: A, part: Basics, meaning: a matrix, code: A, shape: n \times n, chapter: first}
- {latex: u, part: Basics, scope: chapter, meaning: a column, chapter: first}
- {latex: u, part: Basics, meaning: what is observed}
- {latex: A, part: Assimilation, meaning: an operator, basics: L}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("code: A", "cod: A", 3, "unknown field 'cod'; known are latex, meaning"),
        ("meaning: a matrix, ", "", 3, "the field 'meaning' is missing"),
        ("meaning: a matrix", "meaning: 3", 3, "quote numbers"),
        ("part: Assimilation", "part: Weather", 6, "part 'Weather'; known are Basics"),
        ("part: Assimilation", "part: Basics", 6, "A has the meaning 'a matrix' in Basics already (line 3)"),
        ("scope: chapter, ", "", 5, "u has the meaning 'a column' in Basics already (line 4)"),
        ("scope: chapter", "scope: page", 4, "scope 'page'"),
        ("a column, chapter: first", "a column", 4, "scope 'chapter'; asked for part, or for chapter together with"),
        ("macro: \\R", "macro: R", 2, "macro 'R'; asked for a backslash and letters"),
        ("'\\mathbb{R}'", "'\\mathbb{#1}'", 2, "without arguments"),
        ("latex: A, part: Basics", "latex: \\R^n, part: Basics", 3, "uses a macro of this file"),
        ("basics: L", "macro: \\R", 6, "\\R is defined on line 2 already"),
    ],
)
def test_an_entry_that_is_wrong_is_named_with_its_line(tmp_path, old, new, line, says):
    assert old in GOOD
    path = tmp_path / "notation.yml"
    path.write_text(GOOD.replace(old, new, 1), "utf-8")
    with pytest.raises(ValueError, match=f"notation.yml:{line}: ") as error:
        read_notation(path)
    assert says in str(error.value)


def test_a_file_that_is_no_list_is_refused(tmp_path):
    path = tmp_path / "notation.yml"
    path.write_text("A: a matrix\n", "utf-8")
    with pytest.raises(ValueError, match="asked for a list"):
        read_notation(path)


REALS = Symbol(r"\mathbb{R}", "the reals", "Basics", macro=r"\R")
TRACE = Symbol(r"\operatorname{tr}", "the trace", "Basics", macro=r"\tr")


@pytest.mark.parametrize(
    ("latex", "written_out"),
    [
        (r"x \in \R", r"x \in \mathbb{R}"),
        (r"\R^{n}", r"\mathbb{R}^{n}"),
        (r"2^\R", r"2^{\mathbb{R}}"),
        (r"a_ \R", r"a_ {\mathbb{R}}"),
        (r"\Re \Rightarrow \top \tr A", r"\Re \Rightarrow \top \operatorname{tr} A"),
        (r"\tr(A)\tr(B)", r"\operatorname{tr}(A)\operatorname{tr}(B)"),
    ],
)
def test_macros_are_written_out(latex, written_out):
    assert expand_macros(latex, [REALS, TRACE]) == written_out


@given(st.text(alphabet="ab\\{}_^R tr$"))
def test_writing_out_leaves_no_macro_and_changes_nothing_the_second_time(latex):
    once = expand_macros(latex, [REALS, TRACE])
    assert expand_macros(once, [REALS, TRACE]) == once
    assert len(once) >= len(latex)


def test_words_are_no_symbols():
    assert "K" not in latex_tokens(r"\text{K} \begin{pmatrix} \tag{K}")
    assert latex_tokens(r"\mathrm{KL}") == (r"\mathrm{KL}",)


def test_the_notation_of_the_book_is_sound():
    symbols = read_notation(ROOT / NOTATION)
    assert {"A", "U", "V", "S"} <= {symbol.latex for symbol in symbols if symbol.part == "Basics" and symbol.chapter}
