"""The front matter of a page is read exactly, and what is wrong in it is named: page and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from booktools.frontmatter import Chapter, read_chapter, split

FRONT = """\
---
jupytext: {formats: "md:myst", text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
chapter:
  part: Basics
  modules: [mlpc.basics.rules, mlpc.plots]
  uses: [basics]
  data: [data/a.csv]
  hours: 3
  budget: {seconds: 30}
---
# Title

---

below a rule
"""


@pytest.fixture
def page(tmp_path: Path):
    def write(text: str, folder: str = "basics") -> Path:
        path = tmp_path / "book" / folder / "rules.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    return write


def test_a_complete_front_matter_is_read(page):
    assert read_chapter(page(FRONT)) == Chapter(
        part="Basics",
        modules=("mlpc.basics.rules", "mlpc.plots"),
        uses=("basics",),
        data=("data/a.csv",),
        hours=3,
        seconds=30,
        megabytes=1500,
    )


@pytest.mark.parametrize("text", ["# Title\n", "---\ntitle: x\n---\n# Title\n", "", "a\n\n---\nchapter: 1\n---\n"])
def test_a_page_that_does_not_run_has_no_chapter(page, text):
    assert read_chapter(page(text)) is None


def test_a_rule_in_the_text_does_not_end_the_page():
    assert split(FRONT)[1] == "# Title\n\n---\n\nbelow a rule\n"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("---\n# Title\n\n---\n", "# Title\n", "front matter: the block opened by --- is not closed"),
        ("part: Basics", "part: [", "not YAML"),
        ("part: Basics", "part: Basic", "chapter.part: asked for one of Basics, Assimilation"),
        ("part: Basics", "part: Invariance", "chapter.part: Invariance belongs in book/invariance, not basics"),
        ("  part: Basics\n", "", "chapter.part: missing"),
        ("hours: 3", "hour: 3", "chapter.hour: unknown field; known are part, modules, uses, data, hours, budget"),
        ("hours: 3", "hour: 3", "did you mean hours?"),
        ("hours: 3", "hours: three", "chapter.hours: asked for a number greater than 0, got 'three'"),
        ("hours: 3", "hours: 0", "chapter.hours"),
        ("hours: 3", "hours: true", "chapter.hours"),
        ("hours: 3", "hours: .inf", "chapter.hours"),
        ("[data/a.csv]", "data/a.csv", "chapter.data: asked for a list of names"),
        ("[data/a.csv]", "[1]", "chapter.data"),
        ("[data/a.csv]", "[a, a]", "chapter.data: asked for each name once"),
        ("uses: [basics]", "uses: [physics]", "chapter.uses: asked for wings among basics"),
        ("uses: [basics]", "uses: []", "chapter.uses: mlpc.basics.rules is taught here, so uses must name basics"),
        ("mlpc.basics.rules", "numpy.linalg", "chapter.modules: asked for modules of mlpc, got 'numpy.linalg'"),
        ("mlpc.basics.rules", "mlpc.basics.", "chapter.modules"),
        ("{seconds: 30}", "{second: 30}", "chapter.budget.second: unknown field; known are seconds, megabytes"),
        ("{seconds: 30}", "30", "chapter.budget: asked for `field: value` lines, got 30"),
        ("{seconds: 30}", "{seconds: -1}", "chapter.budget.seconds"),
        ('"md:myst"', '"ipynb,md"', "jupytext.formats"),
        ("format_name: myst", "format_name: light", "jupytext.text_representation"),
        ("name: python3", "name: ir", "kernelspec.name: asked for python3, got 'ir'"),
        ("kernelspec:", "kernel:", "kernelspec: a page that runs needs jupytext, kernelspec and chapter"),
        ("jupytext:", "jupy:", "jupytext: a page that runs needs"),
        ("chapter:\n  part", "chapters:\n  part", "chapter: a page that runs needs"),
    ],
)
def test_what_is_wrong_is_named_with_its_page(page, old, new, says):
    assert old in FRONT
    path = page(FRONT.replace(old, new, 1))
    with pytest.raises(ValueError, match=r"rules\.md") as error:
        read_chapter(path)
    assert str(error.value).startswith(f"{path}: ")
    assert says in str(error.value)


def test_pages_outside_the_parts_may_name_any_part(page):
    assert read_chapter(page(FRONT, folder="drafts")) is not None


def test_a_byte_order_mark_does_not_hide_the_front_matter(page):
    assert read_chapter(page("\ufeff" + FRONT)) == read_chapter(page(FRONT))
    assert split("\ufeff" + FRONT) == split(FRONT)
