"""A page is read as Sphinx will read it, and every line number is the file's."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from booktools.lint import check_page
from booktools.lint.book import Book
from booktools.lint.page import read_page
from booktools.lint.tokens import EXTENSIONS

ROOT = Path(__file__).resolve().parents[2]

PAGE = """\
---
title: x
---
(label)=
# A title with $x$

Words {cite:p}`key` over
two lines $a$.

- item
  ```{note} Heading
  :class: wide
  :name: named

  inside
  ```

````{admonition} Outer
---
class: derivation
---

```{exercise} Inner title
:label: ex-1

deep $z$
```
````

| a | b |
|---|---|
| c | $d$ |

```{code-cell} ipython3
:tags: [hide-input]
:mystnb:
:  figure:
:    caption: two words

x = 1
```

$$
x
$$ (eq-x)

```{math}
:label: eq-y
y
```
"""


def find(page, **wanted):
    return next(b for b in page.walk() if all(getattr(b, name) == value for name, value in wanted.items()))


def test_every_line_is_the_files_own():
    page = read_page(PAGE)
    lines = PAGE.splitlines()
    for block in page.walk():
        for run in block.runs:
            if run.kind in ("words", "math", "role"):
                assert run.text.strip().split("\n")[0] in lines[run.line - 1], (run, lines[run.line - 1])
        if block.kind == "cell":
            assert lines[block.text_line - 1] == "x = 1"
    assert lines[find(page, label="eq-x").line - 1] == "$$"
    assert lines[find(page, name="note").line - 1].strip().startswith("```{note}")
    assert lines[find(page, name="exercise").line - 1].startswith("```{exercise}")


def test_directives_are_read_through_with_their_options():
    page = read_page(PAGE)
    exercise = find(page, name="exercise")
    around = next(around for block, around in page.inside() if block is exercise)
    assert [block.name for block in around] == ["admonition"]
    assert around[0].classes == {"derivation"}
    assert (exercise.label, exercise.argument) == ("ex-1", "Inner title")
    assert find(page, name="note").inside == "list"
    assert find(page, kind="cell").options["mystnb"] == {"figure": {"caption": "two words"}}
    assert [b.label for b in page.walk() if b.kind == "display"] == ["eq-x", "eq-y"]


@given(st.integers(0, 5), st.integers(0, 4), st.booleans(), st.booleans())
def test_a_number_is_found_on_its_line_however_deep_it_stands(above, depth, options, yaml_options):
    """The line of a planted fault inside `depth` nested directives is the file's line."""
    text = "\n".join(["planted 0.5 here"])
    for level in range(depth):
        fence = ":" * (3 + level)
        head = "---\nclass: a\n---\n" if yaml_options else ":class: a\n\n"
        text = f"{fence}{{admonition}} Title\n{head if options else ''}{text}\n{fence}"
    page = read_page("# T\n\n" + "words\n\n" * above + text + "\n", Path("index.md"))
    [fault] = [f for f in check_page(page, Book.of({})) if f.rule == "number"]
    source = ("# T\n\n" + "words\n\n" * above + text).splitlines()
    assert "planted" in source[fault.line - 1]


GATED = """\
```{exercise-start} Invert
:label: ex-1
```

text

```{code-cell} python
:tags: [exercise-stub]
answer = ...
```

```{exercise-end}
```

```{solution-start} ex-1
:class: dropdown
```

solved

```{solution-end}
```
"""


def test_gated_exercises_are_folded_and_their_cells_still_run():
    page = read_page(GATED)
    assert [(b.name, b.label, b.argument) for b in page.blocks] == [
        ("exercise", "ex-1", "Invert"),
        ("solution", "", "ex-1"),
    ]
    assert [child.kind for child in page.blocks[0].children] == ["text", "cell"]
    assert not page.faults
    assert len(page.cells) == 1


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (lambda text: text.replace("```{exercise-end}\n```\n", ""), 13, "stands inside"),
        (lambda text: text.replace("```{exercise-start} Invert", "```{note} Invert"), 12, "closes nothing"),
        (lambda text: text.replace("```{solution-end}\n```\n", ""), 15, "never closed"),
    ],
)
def test_gates_that_do_not_close_are_told(change, line, says):
    faults = read_page(change(GATED)).faults
    assert (faults[0][0], says in faults[0][1]) == (line, True)


def test_a_byte_order_mark_does_not_hide_the_front_matter(tmp_path):
    (tmp_path / "index.md").write_text("\ufeff---\na: 1\n---\n# T\n", "utf-8")
    [page] = Book.read(tmp_path).pages
    assert (page.front, [(block.kind, block.line) for block in page.blocks]) == ({"a": 1}, [("heading", 4)])


def test_front_matter_that_is_not_closed_is_told():
    assert "not closed" in read_page("---\na: 1\n# Title\n").faults[0][1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (":::{note}\n```{code-cell} python\nx = 1\n```\n:::\n", "never executed"),
        ("- a\n  ```{code-cell} python\n  x = 1\n  ```\n", "never executed"),
        ("```{code-cell} python\nx = = 1\n```\n", "not Python"),
    ],
)
def test_cells_that_would_not_run_are_refused(text, says):
    [fault] = [f for f in check_page(read_page(text), Book.of({})) if f.rule == "structure"]
    assert says in fault.message


def test_markdown_is_read_with_the_extensions_that_the_book_is_built_with():
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    assert set(config["parse"]["myst_enable_extensions"]) == EXTENSIONS


def test_code_and_verbatim_directives_are_not_read_as_words():
    page = read_page(
        textwrap.dedent("""
        ```python
        x = 0.5
        ```

        ```{code-block} python
        x = 0.5
        ```

            indented 0.5

        % a comment 0.5
        """)
    )
    assert not any(run.kind == "words" for block in page.walk() for run in block.runs)
