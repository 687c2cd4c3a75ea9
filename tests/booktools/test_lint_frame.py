"""The frame of a chapter: each station is missed when it is taken away, or comes too early."""

from __future__ import annotations

from pathlib import Path

import pytest

from booktools.lint.book import Book
from booktools.lint.frame import STATIONS, check
from booktools.lint.page import read_page

CHAPTER = Path("book/basics/chapter.md")
PARTS = {
    "label": "(chapter)=\n",
    "title": "# Title\n",
    "card": ":::{admonition} Before you start\n:class: chapter-card\nYou will be able to.\n:::\n",
    "picture": "## Why\n```{code-cell} python\nprint(1)\n```\n",
    "derivation": ":::{admonition} Derivation\n:class: derivation\nBecause.\n:::\n",
    "by hand": "```{code-cell} python\ndef by_hand(A):\n    return A\n```\n",
    "import": "```{code-cell} python\nfrom mlpc.basics import woodbury_inverse\n```\n",
    "assert": "```{code-cell} python\nassert by_hand(A) == woodbury_inverse(A)\n```\n",
    "predict": ":::{admonition} Before you run\n:class: predict\nWhat?\n:::\n\n:::{admonition} Predict\nAgain?\n:::\n",
    "exercises": "".join(f"```{{exercise}} E\n:label: chapter-{n}\n```\n" for n in (1, 2, 3)),
    "take-away": "## Take-away\nThis.\n",
    "next": "## Where it is used next\nThere.\n",
    "reading": "## Further reading\n",
    "citation": "{cite:t}`key`\n",
}


def chapter(parts: dict[str, str]) -> str:
    return "\n".join(parts.values())


def faults(text: str, path: Path = CHAPTER) -> list[str]:
    return [message for _, message in check(read_page(text, path), Book.of({}))]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"derivation": ":::{prf:proof}\nBecause.\n:::\n"},
        {"picture": "![words](x.png)\n"},
        {
            "by hand": "",
            "import": "",
            "assert": "```{code-cell} python\ndef f(): 0\nfrom mlpc.basics.a import g\nassert f() == g()\n```\n",
        },
        {"assert": "```{code-cell} python\nnp.testing.assert_allclose(a, b)\n```\n"},
        {"take-away": ":::{admonition} Take-away\nThis.\n:::\n"},
        {"label": "<!-- a comment -->\n\n(chapter)=\n"},
    ],
)
def test_a_chapter_with_its_frame_passes(change):
    assert faults(chapter({**PARTS, **change})) == []


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_the_frame_is_missed(part):
    assert faults(chapter({**PARTS, part: ""})), f"nobody misses the {part}"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"card": "", "picture": PARTS["picture"] + PARTS["card"]}, "stands below the section of line"),
        ({"title": "words\n\n# Title\n"}, "begins with its label and its title"),
        ({"title": "## Title\n"}, "no title; write"),
        ({"picture": ""}, "comes before the picture or failure"),
        ({"by hand": PARTS["import"], "import": PARTS["by hand"]}, "comes before the code by hand of line"),
        (
            {"import": "```{code-cell} python\nfrom mlpc import plots\nfrom mlpc.exercises import check\n```\n"},
            "mlpc.<wing>",
        ),
        ({"import": "```python\nfrom mlpc.basics import a\n```\n"}, "mlpc.<wing>"),
        ({"assert": PARTS["exercises"], "exercises": PARTS["assert"]}, "the exercises of line"),
        (
            {
                "exercises": PARTS["exercises"]
                .replace("chapter-3", "chapter-3\n:nonumber:")
                .replace("```{exercise} E\n:label: chapter-1\n```\n", "")
            },
            "2 of at least 3 exercises",
        ),
        ({"predict": ":::{admonition} Predict\nA?\n:::\n"}, "1 of at least 2 predict"),
        ({"derivation": ":::{admonition} Derivation\nBecause.\n:::\n"}, "no derivation; write"),
        ({"reading": "{cite:t}`key`\n", "citation": "## Further reading\nNothing.\n"}, "the citation of line"),
    ],
)
def test_a_part_that_is_wrong_or_out_of_order_is_refused(change, says):
    found = faults(chapter({**PARTS, **change}))
    assert any(says in message for message in found), found


@pytest.mark.parametrize("path", ["index.md", "book/appendix/notation.md", "book/project/challenge.md"])
def test_other_pages_have_no_frame(path):
    assert faults("# Title\n", Path(path)) == []


def test_every_station_says_what_to_write():
    assert all(len(station.write) > 20 for station in STATIONS)
