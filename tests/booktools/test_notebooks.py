"""Pages as notebooks: what MyST becomes in plain JupyterLab, what students do not get, and that every notebook runs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient

from booktools.kernel import THREADS
from booktools.notebooks import make_notebook, notebook_path, open_page, reader_notebook, running_pages, to_text
from booktools.notebooks.bibliography import read_references
from booktools.notebooks.blocks import Directive, Display, Text, read_blocks
from booktools.notebooks.edition import parts
from booktools.notebooks.glued import print_instead, read_values
from booktools.notebooks.labels import read_book, read_page_blocks
from mlpc.exercises.verdict import MIME

ROOT = Path(__file__).resolve().parents[2]
PAGES = running_pages(ROOT)
EDITIONS = ("reader", "student")

TOC = """\
format: jb-book
root: index
parts:
  - caption: Basics
    numbered: true
    chapters: [{file: book/basics/first, sections: [{file: book/basics/inner}]}, {file: book/basics/sums}]
  - caption: Appendix
    chapters: [{file: book/appendix/more}]
"""
BIB = r"""
@article{gauss1809, author = {Gau{\ss}, Carl Friedrich}, year = 1809, title = "Theoria {M}otus"}
@book{trio, author = {B{\'e}la Alpha and Beta, Ben and Gamma, Cy}, year = {1999}, title = {Three},
  publisher = {P}, doi = {10.1/x}}
"""
FRONT = """\
---
jupytext: {formats: "md:myst", text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
chapter: {part: Basics, modules: [], uses: [], data: [], hours: 1}
---
"""
PAGE = r"""
(sums)=
# Sums

% a comment
See {eq}`eq-sum`, {prf:ref}`thm-sum`, {numref}`fig-sum`, {numref}`Figure %s <fig-sum>`, {ref}`sums-1`, {ref}`first`,
{ref}`there <first>`, [](../appendix/more.md), {cite:t}`gauss1809` and {cite:p}`trio,gauss1809`; `{eq}` stays.
The sum is {glue:text}`total:.2f`; <!-- hidden --> a link to [text](https://example.org/a).

$$
s = \sum_i x_i \\
  = 1
$$ (eq-sum)

:::{prf:theorem} Sums
:label: thm-sum

For all $x$

$$
s > 0
$$
:::

:::{seealso}
A note with {eq}`eq-first`.
:::

:::{admonition} Answer
:class: dropdown
Folded.
:::

```{code-cell} ipython3
---
mystnb:
  figure: {name: fig-sum, caption: "A sum, by {eq}`eq-sum`."}
tags: [hide-input]
---
from myst_nb import glue
total = 1 + 1
glue("total", total, display=False)
```

```{exercise-start} Add
:label: sums-1
```
Add *three* numbers.

```{code-cell} ipython3
:tags: [exercise-stub]
answer = ...
```
```{exercise-end}
```

```{solution-start} sums-1
:label: sums-1-solution
:class: dropdown
```
The secret is addition.

```{code-cell} ipython3
answer = 6
```
And that was it.
```{solution-end}
```

````{exercise} Explain
:label: sums-2
:class: written

Why?
````

```{solution} sums-2
The secret is association.
```
"""


@pytest.fixture
def root(tmp_path):
    pages = {
        "index": "# Book\n",
        "book/basics/first": "(first)=\n# The first\n\n$$\na\n$$ (eq-first)\n",
        "book/basics/inner": "# Inner\n\n$$\nb\n$$ (eq-inner)\n",
        "book/basics/sums": FRONT + PAGE,
        "book/appendix/more": "# More\n\n$$\nc\n$$ (eq-more)\n",
    }
    for name, text in pages.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.md").write_text(text, "utf-8")
    (tmp_path / "mlpc").mkdir()
    (tmp_path / "mlpc" / "__init__.py").touch()
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "_toc.yml").write_text(TOC, "utf-8")
    (tmp_path / "references.bib").write_text(BIB, "utf-8")
    return tmp_path


def cells(root, edition="reader", **site):
    page = open_page(root, root / "book/basics/sums.md", **site)
    return make_notebook(page, edition).cells


def text_of(notebook_cells) -> str:
    return "\n\n".join(cell.source for cell in notebook_cells if cell.cell_type == "markdown")


# blocks


@pytest.mark.parametrize("fence", ["```", "~~~~", ":::", "::::"])
def test_a_fence_ends_at_one_as_long(fence):
    inner = fence[0] * (len(fence) - 1) if len(fence) > 3 else "text"
    (block,) = read_blocks(f"{fence}{{note}}\n{inner}\n{fence}")
    assert (block.name, block.body) == ("note", inner)


def test_directives_keep_argument_options_and_body_apart():
    (block,) = read_blocks(":::{prf:theorem} A title\n:label: thm-a\n:nonumber:\n\nBody: here.\n:::")
    assert block == Directive("prf:theorem", "A title", {"label": "thm-a", "nonumber": ""}, "Body: here.", 1)


@pytest.mark.parametrize("text", ["$$ a $$ (eq-a)", "$$\na\n$$ (eq-a)", "$$\na\n$$(eq-a)  "])
def test_displays_are_read_with_their_labels(text):
    assert read_blocks(f"x\n\n{text}\n\ny") == [Text("x"), Display("a", "eq-a"), Text("y")]


@pytest.mark.parametrize(("text", "line"), [("a\n```{note}\nb", 2), ("a\nb\n$$\nc", 3)])
def test_what_is_not_closed_is_named_with_its_line(text, line):
    with pytest.raises(ValueError, match=f"line {line}: .* is not closed"):
        read_blocks(text)


def test_the_line_counts_from_the_top_of_the_page(root):
    page = root / "book/basics/sums.md"
    page.write_text(page.read_text("utf-8") + "\n```{note}\n", "utf-8")
    lines = page.read_text("utf-8").splitlines()
    with pytest.raises(ValueError, match=rf"sums.md: line {lines.index('```{note}') + 1}: the fence"):
        read_page_blocks(page)


# references


def test_everything_is_numbered_by_chapter_across_parts_and_sections(root):
    labels = {label: found.name for label, found in read_book(root).labels.items()}
    assert labels == {
        "first": "The first", "eq-first": "(1.1)", "eq-inner": "(1.2)", "sums": "Sums", "eq-sum": "(2.1)",
        "thm-sum": "Theorem 2.1", "fig-sum": "Fig. 2.1", "sums-1": "Exercise 2.1", "sums-2": "Exercise 2.2",
        "eq-more": "(1)",
    }  # fmt: skip


def test_references_become_the_words_that_the_page_shows(root):
    text = text_of(cells(root))
    assert "See (2.1), Theorem 2.1, Fig. 2.1, Figure 2.1, Exercise 2.1, *The first*," in text
    assert "*there*, *More*, Gauß (1809) and (Alpha *et al.*, 1999; Gauß, 1809); `{eq}` stays." in text
    assert "a link to [text](https://example.org/a)" in text
    assert "comment" not in text
    assert "hidden" not in text


def test_other_pages_are_linked_when_the_address_of_the_book_is_known(root):
    text = text_of(cells(root, site="https://example.org/"))
    assert "[The first](https://example.org/book/basics/first.html)" in text
    assert "[More](https://example.org/book/appendix/more.html)" in text


def test_the_last_cell_lists_what_is_cited(root):
    assert cells(root)[-1].source == (
        "#### References\n\n- Béla Alpha, Ben Beta, Cy Gamma (1999). Three. *P*. [doi:10.1/x](https://doi.org/10.1/x)\n"
        "- Carl Friedrich Gauß (1809). Theoria Motus."
    )
    assert read_references(root / "nothing.bib") == {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("{eq}`eq-none`", "'eq-none'"), ("{cite:t}`none`", "no none"), (":::{mermaid}\n:::", "directive {mermaid}")],
)
def test_what_leads_nowhere_is_an_error_that_names_the_page(root, wrong, said):
    page = root / "book/basics/sums.md"
    page.write_text(page.read_text("utf-8") + "\n" + wrong, "utf-8")
    with pytest.raises(ValueError, match=f"book/basics/sums.*{said}"):
        cells(root)


# what JupyterLab shows


def test_displays_carry_their_numbers_and_several_lines_are_aligned(root):
    assert "$$\n\\begin{aligned}\ns = \\sum_i x_i \\\\\n  = 1\n\\end{aligned} \\tag{2.1}\n$$" in text_of(cells(root))


def test_boxes_become_quotations_with_displays_on_one_line(root):
    text = text_of(cells(root))
    assert "> **Theorem 2.1 (Sums)**\n>\n> For all $x$\n>\n> $$ s > 0 $$" in text
    assert "> **See also**\n>\n> A note with [(1.1)]" in text.replace("*(1.1)*", "[(1.1)]")
    assert "<details>\n<summary>Answer</summary>\n\nFolded.\n\n</details>" in text


def test_code_is_folded_and_figures_keep_their_captions(root):
    notebook = cells(root)
    code = next(cell for cell in notebook if "total = 1 + 1" in cell.source)
    assert code.metadata == {"jupyter": {"source_hidden": True}, "tags": ["hide-input"]}
    assert notebook[notebook.index(code) + 1].source == "**Fig. 2.1.** A sum, by (2.1)."


def test_a_number_that_was_not_computed_yet_is_called_by_its_name(root):
    assert "The sum is `total`;" in text_of(cells(root))


def test_glued_values_are_read_from_outputs_and_printed_in_notebooks():
    def output(name, text):
        data = {"application/papermill.record/text/plain": text}
        return {"metadata": {"scrapbook": {"name": name}}, "data": data, "output_type": "display_data"}

    cell = {"outputs": [output("a", "2.5"), output("b", "np.float64(1e-09)"), {"output_type": "stream"}]}
    assert read_values(nbformat.from_dict({"cells": [cell]})) == {"a": "2.5", "b": "1e-09"}
    source = (
        "from myst_nb import glue\n\nfor é, v in {'ß': 1}.items():\n    glue(é, v, display=False); glue(f'{é}2', -v)\n"
    )
    printed = print_instead(source)
    assert printed == "\nfor é, v in {'ß': 1}.items():\n    print(é, \"=\", v); print(f'{é}2', \"=\", -v)".strip("\n")
    assert print_instead("%matplotlib inline\nglue(1") == "%matplotlib inline\nglue(1"


def test_the_first_cell_installs_the_package_of_this_build_where_it_is_missing(root):
    known = cells(root, requirement="mlpc[pages] @ git+https://example.org/ada/course@main")
    assert "needs the package `mlpc`" in known[0].source
    assert '%pip install --quiet "mlpc[pages] @ git+https://example.org/ada/course@main"' in known[1].source
    assert 'find_spec("mlpc") is None' in known[1].source
    unknown = cells(root)
    assert "In a clone of the book's repository" in unknown[0].source
    assert "%pip" not in unknown[1].source


# editions


def test_readers_get_folded_solutions(root):
    notebook = cells(root)
    text = text_of(notebook)
    assert "<summary>Solution to Exercise 2.1</summary>\n\nThe secret is addition." in text
    assert "<summary>Solution, continued</summary>\n\nAnd that was it." in text
    assert "<summary>Solution to Exercise 2.2</summary>\n\nThe secret is association." in text
    code = next(cell for cell in notebook if cell.source.endswith("\nanswer = 6"))
    assert code.metadata["jupyter"] == {"source_hidden": True, "outputs_hidden": True}


def test_students_get_stubs_room_for_written_answers_and_no_solution(root):
    notebook = cells(root, "student")
    assert "secret" not in json.dumps(notebook)
    assert "answer = 6" not in json.dumps(notebook)
    assert [cell.metadata["mlpc"] for cell in notebook if "mlpc" in cell.metadata] == [
        {"exercise": "sums-1"}, {"exercise": "sums-1"}, {"written": "sums-2"},
    ]  # fmt: skip
    stub = next(cell for cell in notebook if "exercise-stub" in cell.metadata.get("tags", ()))
    assert (stub.source, stub.metadata["deletable"]) == ("answer = ...", False)


def test_the_same_page_gives_the_same_bytes(root):
    once, again = (to_text(reader_notebook(root, root / "book/basics/sums.md")) for _ in range(2))
    assert once == again
    nbformat.validate(json.loads(once))


def test_a_page_that_cannot_be_written_out_is_one_line_and_leaves_the_others(tmp_path):
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "booktools.notebooks", "--out", str(tmp_path / "file" / "folder")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("mlpc: ")
    assert done.stderr.count("\n") == 1


# the book's own pages


def test_the_book_has_pages_that_run():
    assert PAGES


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
@pytest.mark.parametrize("edition", EDITIONS)
def test_no_myst_is_left(path, edition):
    for cell in make_notebook(open_page(ROOT, path), edition).cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"```.*?```|`[^`\n]*`", "", cell.source, flags=re.DOTALL)
            assert not re.search(
                r"\{[\w:]+\}`|^\s*:::|^\([\w-]+\)=$|\$\$[ \t]*\(\S+\)|\]\(\)|\(eq-", prose, re.MULTILINE
            ), cell.source
        else:
            assert "myst_nb" not in cell.source


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_numbers_are_those_of_the_built_page(path):
    name = path.relative_to(ROOT).with_suffix("")
    html = BeautifulSoup((ROOT / "_build" / "html" / f"{name}.html").read_text("utf-8"), "html.parser")
    labels = read_book(ROOT).labels
    mine = {label: found for label, found in labels.items() if found.page == name.as_posix()}
    for label, found in mine.items():
        if found.kind == "Equation":
            number = html.find(id=f"equation-{label}").select_one(".eqno").get_text()
            assert number.startswith(found.name), label
        elif found.kind:
            shown = html.find(id=label)
            caption = shown.select_one(".admonition-title, .caption-number").get_text().strip()
            assert caption.split("(")[0].strip() == found.name, label


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_site_offers_the_notebook_with_the_numbers_of_the_run(path):
    glued = set(re.findall(r"\{glue:text\}`([^`:]+)", path.read_text("utf-8")))
    name = path.relative_to(ROOT).with_suffix("").as_posix()
    offered = nbformat.read(ROOT / "_build" / "html" / notebook_path(name), as_version=4)
    assert [value for value in glued if f"`{value}`" in text_of(offered.cells)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_line_of_a_solution_is_in_the_student_edition(path):
    page = open_page(ROOT, path)
    solved, open_ = set[str](), set[str]()
    for part in parts(page.blocks):
        lines = solved if part.gate and part.gate.name == "solution-start" else open_
        for block in part.blocks:
            text = getattr(block, "text", getattr(block, "tex", getattr(block, "body", "")))
            hidden = isinstance(block, Directive) and block.name == "solution"
            (solved if hidden else lines).update(line.strip() for line in text.splitlines())
    secret = {line for line in solved - open_ if len(line) > 20}
    assert secret or not solved
    student = "\n".join(cell.source for cell in make_notebook(page, "student").cells)
    assert "Solution" not in student
    assert [line for line in secret if line in student] == []


def run(path: Path, edition: str, folder: Path) -> list[dict]:
    """Run a notebook from an empty folder and return its verdicts; a failing cell raises."""
    notebook = make_notebook(open_page(ROOT, path), edition)
    environment = {**os.environ, **THREADS, "PYTHONPATH": str(ROOT)}
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute(env=environment)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [o for o in outputs if o["output_type"] == "stream" and o["name"] == "stderr"]
    return [output["data"][MIME] for output in outputs if MIME in output.get("data", {})]


def test_no_open_cell_needs_a_name_that_only_a_solution_defines(tmp_path):
    for path in PAGES:
        notebook = make_notebook(open_page(ROOT, path), "student")
        (tmp_path / f"{path.parent.name}-{path.stem}.ipynb").write_text(to_text(notebook), "utf-8")
    ruff = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--select=F821",
        "--output-format=concise",
    ]
    done = subprocess.run([*ruff, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    notebook.cells.append(nbformat.v4.new_code_cell("planted"))
    (tmp_path / "planted.ipynb").write_text(to_text(notebook), "utf-8")
    assert "planted" in subprocess.run([*ruff, str(tmp_path)], capture_output=True, text=True).stdout


# the pages' own run has executed what both editions hold, but for the numbers that they print: one page stands for all
RUNNING = [
    pytest.param(path, marks=[] if path.stem == "sherman_morrison" else pytest.mark.slow, id=path.stem)
    for path in PAGES
]


@pytest.mark.parametrize("path", RUNNING)
def test_the_student_edition_runs_and_every_check_is_unanswered(path, tmp_path):
    assert {verdict["state"] for verdict in run(path, "student", tmp_path)} <= {"unanswered"}


@pytest.mark.parametrize("path", RUNNING)
def test_the_reader_edition_runs_and_every_solution_is_right(path, tmp_path):
    states: dict[str, list[str]] = {}
    for verdict in run(path, "reader", tmp_path):
        states.setdefault(verdict["label"], []).append(verdict["state"])
    assert set(map(tuple, states.values())) <= {("unanswered", "right")}


def test_notebooks_stand_beside_one_another_as_pages_do():
    assert [notebook_path(path.relative_to(ROOT).with_suffix("").as_posix()) for path in PAGES] == [
        f"notebooks/{path.parent.name}/{path.stem}.ipynb" for path in PAGES
    ]
