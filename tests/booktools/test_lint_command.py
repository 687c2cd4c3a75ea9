"""`python -m booktools.lint` on the project itself, and on a copy with one fault of each kind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from booktools.lint import lint
from booktools.lint.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "book/basics/sherman_morrison.md"


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """What the lint reads of the project, to plant faults in."""
    root = tmp_path_factory.mktemp("project")
    for folder in ("book", "mlpc", "tests/equations"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("index.md", "references.bib", "pyproject.toml", "_toc.yml"):
        shutil.copy(ROOT / file, root / file)
    return root


def test_nothing_in_the_project_is_refused():
    assert "\n".join(map(str, lint(ROOT))) == ""


def test_the_copy_is_as_clean_as_the_project(copy):
    assert lint(copy) == []


FAULTS = {
    "number": (CHAPTER, "\n## Take-away\n", "\n## Take-away\n\nThe error is 0.5 here.\n"),
    "alt": (CHAPTER, "\n## Take-away\n", "\n## Take-away\n\n![short](x.png)\n"),
    "figure": (CHAPTER, "plots.show(fig, alt=f", "plots.draw(fig, alt=f"),
    "exercise": (CHAPTER, "```{solution-start} sherman_morrison-1\n", "```{solution-start} sherman_morrison-9\n"),
    "frame": (CHAPTER, "\n## Take-away\n", "\n## In short\n"),
    "front matter": (CHAPTER, "\n  part: Basics\n", "\n  parts: Basics\n"),
    "equation": (CHAPTER, "$$ (eq-woodbury)\n", "$$\n"),
    "citation": (CHAPTER, "{cite:t}`woodbury1950`", "{cite:t}`woodbury1951`"),
    "macro": (CHAPTER, "\\mathbb{R}^{n \\times n}$ be", "\\Reals^{n \\times n}$ be"),
    "structure": (CHAPTER, "```{solution-end}\n```\n", "\n"),
    "contents": ("_toc.yml", "file: book/appendix/api\n", "file: book/appendix/apis\n"),
    "notation": ("book/notation.yml", "{latex: S,", "{latex: \\Theta,"),
    "host": ("index.md", "\n\n", "\n\n<https:/" + "/somewhere.dev>\n\n"),
    "path": ("mlpc/__init__.py", "\n", "\n# /" + "home/ada\n"),
    "leftover": ("mlpc/__init__.py", "\n", "\n# TO" + "DO\n"),
}


MARKS = {
    "number": "0.5",
    "alt": "![short]",
    "citation": "woodbury1951",
    "macro": "\\Reals",
    "contents": "apis",
    "notation": "\\Theta",
    "host": "somewhere",
    "path": "ada",
    "leftover": "DO",
}


ALONE = ("frame", "front matter", "structure")  # after these the rest of the page is not read as it was


@pytest.fixture(scope="module")
def refused(copy) -> dict[str, list[tuple[str, str]]]:
    """By rule, where the planted faults were found: the file, and the line as it stood there."""
    found: dict[str, list[tuple[str, str]]] = {}
    for rules in ([rule for rule in FAULTS if rule not in ALONE], *([rule] for rule in ALONE)):
        texts = {name: (copy / name).read_text("utf-8") for name in {FAULTS[rule][0] for rule in rules}}
        try:
            for name, old, new in map(FAULTS.get, rules):
                text = (copy / name).read_text("utf-8")
                assert old in text
                (copy / name).write_text(text.replace(old, new, 1), "utf-8")
            for finding in lint(copy):
                lines = (copy / finding.path).read_text("utf-8").splitlines()
                found.setdefault(finding.rule, []).append((finding.path.as_posix(), lines[finding.line - 1]))
        finally:
            for name, text in texts.items():
                (copy / name).write_text(text, "utf-8")
    return found


@pytest.mark.parametrize("rule", FAULTS)
def test_a_planted_fault_is_refused_where_it_stands(refused, rule):
    places = [line for name, line in refused.get(rule, ()) if name == FAULTS[rule][0]]
    assert any(MARKS.get(rule, "") in line for line in places), refused.get(rule)


def test_the_command_prints_one_line_each_and_exits_with_1(copy):
    page = copy / "index.md"
    text = page.read_text("utf-8")
    try:
        page.write_text(text + "\nThe error is 0.5 here.\n", "utf-8")
        command = [sys.executable, "-W", "error", "-m", "booktools.lint", "--root", str(copy), str(page)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    finally:
        page.write_text(text, "utf-8")
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
    assert done.stdout.startswith(f"index.md:{text.count(chr(10)) + 2}: number: 0.5 is typed")
    assert done.stderr.startswith("1 refused in ")


def test_the_answer_can_be_limited_to_files_and_folders(copy, capsys):
    (copy / "book/appendix/extra.md").write_text("The error is 0.5 here.\n", "utf-8")
    try:
        assert main(["--root", str(copy), str(copy / "book/basics")]) == 0
        assert main(["--root", str(copy), str(copy / "book")]) == 1
        assert main(["--root", str(copy), str(copy / "book/appendix/extra.md"), str(copy / "index.md")]) == 1
    finally:
        (copy / "book/appendix/extra.md").unlink()
    assert capsys.readouterr().err.count("nothing refused") == 1


def test_a_path_that_is_not_there_is_told(copy, capsys):
    with pytest.raises(SystemExit):
        main(["--root", str(copy), str(copy / "nowhere.md")])
    assert "no such file or folder" in capsys.readouterr().err


def test_a_notation_that_cannot_be_read_is_told_in_one_line(copy, capsys):
    file = copy / "book/notation.yml"
    text = file.read_text("utf-8")
    try:
        file.write_text("- {latex: A}\n", "utf-8")
        assert main(["--root", str(copy)]) == 1
    finally:
        file.write_text(text, "utf-8")
    error = capsys.readouterr().err
    assert (error.count("\n"), "notation.yml:1: the field 'meaning' is missing" in error) == (1, True)
