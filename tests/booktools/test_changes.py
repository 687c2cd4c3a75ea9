"""The list of changed chapters, on a scratch repository with two commits and a site built from each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

from booktools.changes import Change, changes, differing, listed, outputs

ROOT = Path(__file__).resolve().parents[2]
FRONT = """---
jupytext: {formats: "md:myst", text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
chapter: {part: Basics, modules: [%s], uses: [basics], data: [], hours: 1}
---
"""
TOC = "{format: jb-book, root: index, chapters: [%s]}"


def commit(root: Path, files: dict[str, str | None]) -> None:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text, "utf-8")
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    for command in (["add", "--all"], ["commit", "--quiet", "--message", "change"]):
        subprocess.run(["git", "-C", str(root), *identity, *command], check=True)


def toc(*pages: str) -> str:
    return TOC % ", ".join(f"{{file: book/basics/{page}}}" for page in pages)


def page(site: Path, name: str, title: str, *blocks: str) -> None:
    file = site / f"{name}.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    cells = "".join(f'<div class="cell_output docutils container">{block}</div>' for block in blocks)
    heading = f'<h1>{title}<a class="headerlink" href="#x">#</a></h1>'
    file.write_text(f"<html><body><article>{heading}{cells}</article></body></html>", "utf-8")


@pytest.fixture
def project(tmp_path):
    """A repository whose second commit edits a page, a module and a tool, adds one page and removes one."""
    root = tmp_path / "project"
    root.mkdir()
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    first = {
        "_toc.yml": toc("kept", "edited", "taught", "rerun", "dropped"),
        "index.md": "# Welcome\n",
        **{f"book/basics/{name}.md": FRONT % "" + f"# {name}\n" for name in ("kept", "edited", "rerun", "dropped")},
        "book/basics/taught.md": FRONT % "mlpc.basics.taught" + "# taught\n",
        "mlpc/basics/taught.py": "x = 1\n",
        "Makefile": "all:\n",
    }
    commit(root, first)
    second = {
        "_toc.yml": toc("kept", "edited", "taught", "rerun", "added"),
        "book/basics/edited.md": FRONT % "" + "# edited, and how\n",
        "book/basics/added.md": FRONT % "" + "# added\n",
        "book/basics/dropped.md": None,
        "mlpc/basics/taught.py": "x = 2\n",
        "Makefile": "all: book\n",
    }
    commit(root, second)
    return root


@pytest.fixture
def sites(tmp_path):
    """The site built from each of the two commits: the outputs of `taught` and `rerun` differ."""
    before, after = tmp_path / "old-site", tmp_path / "new-site"
    for site in (before, after):
        page(site, "index", "Welcome")
        for name in ("kept", "edited"):
            page(site, f"book/basics/{name}", name.title(), "<p>1</p>")
        page(site, "book/basics/taught", "Taught &amp; learned", "<p>same</p>", f"<p>x = {1 + (site == after)}</p>")
        page(site, "book/basics/rerun", "Rerun", '<img src="../../_images/a.svg">', "<p>same</p>")
        (site / "_images").mkdir()
        (site / "_images" / "a.svg").write_text(f"<svg><!-- {site.name} --></svg>", "utf-8")
    page(before, "book/basics/dropped", "Dropped", "<p>1</p>")
    page(after, "book/basics/added", "Added", "<p>1</p>")
    return before, after


EXPECTED = [
    Change("book/basics/edited", "changed", ("book/basics/edited.md",), 0, 1),
    Change("book/basics/taught", "changed", ("mlpc/basics/taught.py",), 1, 2),
    Change("book/basics/rerun", "rerun", (), 1, 2),
    Change("book/basics/added", "new", ("book/basics/added.md",)),
    Change("book/basics/dropped", "removed", ("book/basics/dropped.md",)),
]


def test_each_kind_of_change_is_found_with_its_files_and_outputs(project, sites):
    before, after = sites
    assert changes(project, "HEAD^1", after, before) == (EXPECTED, ["Makefile", "_toc.yml"])


def test_without_an_earlier_site_only_sources_are_compared(project, sites):
    found, _ = changes(project, "HEAD^1", sites[1])
    assert [change.page for change in found] == [change.page for change in EXPECTED if change.kind != "rerun"]
    assert all(change.differing is None for change in found)


def test_nothing_changed_nothing_listed(project, sites):
    assert changes(project, "HEAD", sites[1], sites[1]) == ([], [])


def test_unknown_commit_is_one_line(project, sites):
    with pytest.raises(SystemExit, match=r"^mlpc: git diff .* failed: fatal: bad revision .no-such-commit.$"):
        changes(project, "no-such-commit", sites[1])


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [([], [], 0), (["a"], [], 1), ([], ["a", "b"], 2), (["a", "b", "c"], ["b", "c"], 1), (["a", "b"], ["c", "d"], 2)],
)
def test_differing_counts_outputs_without_an_equal(before, after, count):
    assert differing(before, after) == differing(after, before) == count


def test_an_output_is_its_words_and_the_bytes_of_its_pictures(tmp_path):
    page(tmp_path, "a/p", "P", "<p>one\n two</p>", '<img src="x.svg">')
    page(tmp_path, "b/p", "P", "<pre>one   two</pre>", '<img src="x.svg">')
    for folder in "ab":
        (tmp_path / folder / "x.svg").write_text(f"<svg>{folder}</svg>", "utf-8")
    a, b = outputs(tmp_path / "a" / "p.html"), outputs(tmp_path / "b" / "p.html")
    assert a[0] == b[0]
    assert a[1] != b[1]


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as CI does, on the scratch project."""
    code = (
        "import sys; import booktools.changes as c; from pathlib import Path; c.ROOT = Path(sys.argv.pop(1)); c.main()"
    )
    command = [sys.executable, "-c", code, str(project), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_command_makes_a_preview_whose_links_all_lead_somewhere(project, sites, tmp_path):
    into, summary = tmp_path / "preview", tmp_path / "summary.md"
    options = ["--base", "HEAD^1", "--site", str(sites[1]), "--before", str(sites[0]), "--into", str(into)]
    done = run(project, *options, "--summary", str(summary))
    assert done.returncode == 0, done.stderr
    soup = BeautifulSoup((into / "index.html").read_text("utf-8"), "html.parser")
    links = [str(link["href"]) for link in soup.select("a[href]")]
    assert len(links) == 1 + 3 * 2 + 2
    assert all((into / link).is_file() for link in links)
    assert "Taught & learned" in soup.get_text()
    assert "1 of 2 outputs differ" in soup.get_text()
    assert "- `book/basics/rerun`: same sources; 1 of 2 outputs differ" in summary.read_text("utf-8").splitlines()


def test_command_without_an_earlier_site_says_so(project, sites, tmp_path):
    into = tmp_path / "preview"
    missing = str(tmp_path / "missing")
    done = run(project, "--base", "HEAD^1", "--site", str(sites[1]), "--before", missing, "--into", str(into))
    assert done.returncode == 0, done.stderr
    assert "Outputs were not compared" in (into / "index.html").read_text("utf-8")
    assert not (into / "before").exists()


def test_command_without_a_site_says_what_to_run(project, tmp_path):
    done = run(project, "--base", "HEAD^1", "--site", str(tmp_path), "--into", str(tmp_path / "preview"))
    assert done.returncode == 1
    assert done.stderr == f"mlpc: {tmp_path} holds no site; run: make book\n"
    assert not (tmp_path / "preview").exists()


def test_outputs_of_the_real_book_are_recognised():
    built = ROOT / "_build" / "html"
    assert len(outputs(built / "book" / "basics" / "sherman_morrison.html")) >= 5
    assert "book/basics/sherman_morrison" in listed(yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8")))
