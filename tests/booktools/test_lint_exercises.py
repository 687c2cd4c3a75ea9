"""An exercise without label, full solution, checker or rubric is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from booktools.lint.book import Book
from booktools.lint.exercises import check, check_registry
from booktools.lint.page import read_page

LABEL = "sherman_morrison-1"
PAGE = f"""\
```{{exercise-start}} Invert
:label: {LABEL}
```
Invert it.

```{{code-cell}} python
:tags: [exercise-stub]
answer = ...
check("{LABEL}", answer)
```

```{{exercise-end}}
```

```{{solution-start}} {LABEL}
:class: dropdown
```
By the formula, which we read from right to left, the change has rank one, so that the inverse changes by rank one.

```{{code-cell}} python
answer = 1
check("{LABEL}", answer)
```

```{{solution-end}}
```
"""
WRITTEN = f"""\
```{{exercise}} Explain
:label: {LABEL}
:class: written

Why?
```

```{{solution}} {LABEL}
:class: dropdown

Because the change has rank one, so that the inverse changes by a matrix of rank one, and no more than that.

**Marking**

- one point for the rank
- one point for the reason
```
"""


@dataclasses.dataclass(frozen=True)
class Stocked(Book):
    """A book whose package knows one checker."""

    checkers = frozenset({LABEL})


BOOK = Stocked(Path(), ())


def faults(text: str, book: Book = BOOK) -> list[tuple[int, str]]:
    return list(check(read_page(text), book))


@pytest.mark.parametrize("text", [PAGE, WRITTEN, "# No exercise here\n"])
def test_a_complete_exercise_passes(text):
    assert faults(text) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (f":label: {LABEL}\n", "", "without `:label:`"),
        (f"solution-start}} {LABEL}", "solution-start} other-1", "no solution"),
        (f"solution-start}} {LABEL}", "solution-start} other-1", "no exercise of this page has that label"),
        (
            "which we read from right to left, the change has rank one, so that the inverse changes by rank one.",
            "",
            "in full",
        ),
        (":tags: [exercise-stub]\n", "", "no code cell tagged"),
        (f'answer = ...\ncheck("{LABEL}", answer)', "answer = ...", "no code cell tagged"),
        (f'answer = 1\ncheck("{LABEL}", answer)', "answer = 1", "solution of"),
        (f'answer = 1\ncheck("{LABEL}", answer)', f'answer = 1\ncheck("{LABEL}0", answer)', "no exercise of this page"),
        (f'answer = 1\ncheck("{LABEL}", answer)', "check(LABEL, answer)", "solution of"),
        ("```{code-cell} python\nanswer = 1", ":::{note}\n```{code-cell} python\nanswer = 1", "solution of"),
    ],
)
def test_an_incomplete_exercise_is_refused(old, new, says):
    assert old in PAGE
    text = PAGE.replace(old, new)
    text = (
        text.replace("answer)\n```\n\n```{solution-end}", "answer)\n```\n:::\n\n```{solution-end}")
        if ":::" in new
        else text
    )
    assert any(says in message for _, message in faults(text)), faults(text)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("**Marking**", "**Remarks**"),
        lambda text: text.replace("- one point for the reason\n", ""),
        lambda text: text.replace("- one point for the rank\n- one point for the reason\n", "Two points."),
    ],
)
def test_a_written_exercise_needs_a_rubric(change):
    [(line, message)] = faults(change(WRITTEN))
    assert (line, "**Marking**" in message) == (8, True)


def test_an_exercise_needs_a_checker_unless_it_is_written():
    unknown = PAGE.replace(LABEL, "no_such_chapter-1")
    assert any("no checker in mlpc.exercises" in message for _, message in faults(unknown))
    assert faults(WRITTEN.replace(LABEL, "no_such_chapter-1")) == []


def test_a_checker_that_no_page_asks_for_is_refused():
    asked = Stocked(Path(), (read_page(PAGE),))
    assert list(check_registry(asked)) == []
    [finding] = check_registry(Stocked(Path(), (read_page("# T\n"),)))
    assert (finding.path.as_posix(), LABEL in finding.message) == ("mlpc/exercises/sherman_morrison.py", True)


def test_a_checker_in_a_package_is_reported_at_a_file_that_exists(tmp_path):
    (tmp_path / "mlpc" / "exercises" / "sherman_morrison").mkdir(parents=True)
    [finding] = check_registry(Stocked(tmp_path, (read_page("# T\n"),)))
    assert finding.path.as_posix() == "mlpc/exercises/sherman_morrison/__init__.py"


def test_the_checkers_are_those_of_the_package():
    from mlpc.exercises import chapters, find

    known = Book(Path(), ()).checkers
    assert {label.split("-")[0] for label in known} == set(chapters())
    assert all(find(label).label == label for label in known)


@pytest.mark.parametrize(
    "code",
    [
        'v = check("LABEL", 5)',
        'check("LABEL", 5);',
        'check("LABEL", 5);  # quiet',
        'check("LABEL", 5)\nx = 1',
        'for x in (1, 2):\n    check("LABEL", x)',
        'if True:\n    check("LABEL", 5)',
        'print(check("LABEL", 5))',
        'check("LABEL", 5).correct',
        'check("LABEL", 5), check("LABEL", 1)',
        'assert check("LABEL", 1)',
        'from mlpc import exercises\nexercises.check("LABEL", 5)\nNone',
        "judge = check",
        "from mlpc.exercises import check as judge",
        "def check(label, answer):\n    return True",
        "check = print",
    ],
)
def test_a_verdict_that_the_page_does_not_display_is_refused(code):
    cell = "```{code-cell} python\n" + code.replace("LABEL", LABEL) + "\n```\n\n"
    found = faults(PAGE.replace("```{solution-end}", cell + "```{solution-end}"))
    assert found
    assert all("must be the last line of its cell" in message for _, message in found), found


@pytest.mark.parametrize("code", ["", "from mlpc.exercises import check\n", "x = 1; "])
def test_a_verdict_that_is_displayed_passes(code):
    assert (
        faults(PAGE.replace("answer = 1\n", f"answer = 1\n{code}").replace("answer)\n```", "answer)  # ;\n```")) == []
    )
