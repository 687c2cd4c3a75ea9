"""The front page of a pull request's preview: which chapters are new, changed or gone, and whose outputs differ.

    python -m booktools.changes --base HEAD^1 --into preview [--before FOLDER] [--summary FILE]

compares the checkout with a commit, and the built site with the one built from it, if `--before` has that. The folder
`preview` gets an `index.html` that lists the changes, the site under `after`, and the older one under `before`.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import html
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml
from bs4 import BeautifulSoup, Tag

from booktools.contents import listed
from booktools.frontmatter import read_chapter

ROOT = Path(__file__).resolve().parent.parent
OUTPUTS = ".cell_output, .pasted-text"  # what MyST-NB makes of a cell's output, and of a number in the text
STYLE = ":root{color-scheme:light dark}body{font:17px/1.6 sans-serif;max-width:46em;margin:auto;padding:1rem}"


@dataclass(frozen=True)
class Change:
    """What happened to one page: `kind` is new, removed, changed (its sources) or rerun (only its outputs).

    Attributes
    ----------
    page : str
        The Sphinx name of the page.
    kind : str
        `new`, `removed`, `changed` or `rerun`.
    files : tuple of str
        The changed files that belong to the page: itself and the modules that it teaches.
    differing, outputs : int or None
        How many outputs differ, out of how many; None when there is nothing to compare with.
    """

    page: str
    kind: str
    files: tuple[str, ...] = ()
    differing: int | None = None
    outputs: int | None = None

    @property
    def line(self) -> str:
        """What happened, in words, without the page's name."""
        said = {"new": "new", "removed": "removed", "changed": "text or code changed", "rerun": "same sources"}[
            self.kind
        ]
        if self.differing is None:
            return said
        return f"{said}; {self.differing} of {self.outputs} outputs differ"


def git(root: Path, *arguments: str) -> str:
    """The output of a git command; one line and exit status 1 if it fails."""
    done = subprocess.run(
        ["git", "-C", str(root), "-c", "core.quotePath=off", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if done.returncode:
        raise SystemExit(f"mlpc: git {' '.join(arguments)} failed: {done.stderr.splitlines()[0]}")
    return done.stdout


def sources(root: Path, page: str) -> set[str]:
    """The files that a page is made of: its text, and the modules that it teaches."""
    path = root / f"{page}.md"
    chapter = read_chapter(path) if path.is_file() else None
    modules = chapter.modules if chapter else ()
    files = (Path(*module.split(".")) for module in modules)
    return {f"{page}.md"} | {f"{file.as_posix()}{end}" for file in files for end in (".py", "/__init__.py")}


def outputs(page: Path) -> list[str]:
    """One hash for each output that a built page shows: its words, and the bytes of its pictures."""
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    return [_hash(block, page.parent) for block in soup.select(OUTPUTS) if not block.find_parent(class_="cell_output")]


def _hash(block: Tag, folder: Path) -> str:
    total = hashlib.sha256(" ".join(block.get_text(" ").split()).encode())
    for image in block.select("img[src]"):
        picture = folder / str(image["src"])
        total.update(picture.read_bytes() if picture.is_file() else str(image["src"]).encode())
    return total.hexdigest()


def differing(before: list[str], after: list[str]) -> int:
    """How many of the outputs, of the longer list, have no equal at their place in the other.

    Examples
    --------
    >>> differing(["a", "b", "c"], ["a", "x", "c"]), differing(["a", "b"], ["a", "b", "c"])
    (1, 1)
    """
    same = sum(
        block.size for block in difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    )
    return max(len(before), len(after)) - same


def changes(root: Path, base: str, after: Path, before: Path | None = None) -> tuple[list[Change], list[str]]:
    """Compare a checkout and its site with a commit and, if given, with the site built from it.

    Parameters
    ----------
    root : Path
        The checkout.
    base : str
        What git calls the commit to compare with.
    after, before : Path
        The built sites.

    Returns
    -------
    list of Change, list of str
        The pages that changed, in the order of the book, the removed ones last; the changed files of no page.
    """
    edited = set(git(root, "diff", "--name-only", "--no-renames", base, "--").splitlines())
    old = list(listed(yaml.safe_load(git(root, "show", f"{base}:_toc.yml"))))
    new = list(listed(yaml.safe_load((root / "_toc.yml").read_text("utf-8"))))
    found = []
    for page in [*new, *(page for page in old if page not in new)]:
        files = tuple(sorted(sources(root, page) & edited))
        numbers = _compare(page, before, after)
        kind = "new" if page not in old else "removed" if page not in new else "changed" if files else "rerun"
        if kind != "rerun" or numbers[0]:
            found.append(Change(page, kind, files, *numbers))
    return found, sorted(edited - {file for change in found for file in change.files})


def _compare(page: str, before: Path | None, after: Path) -> tuple[int, int] | tuple[None, None]:
    built = [site / f"{page}.html" for site in (before, after) if site]
    if len(built) < 2 or not all(file.is_file() for file in built):
        return None, None
    old, new = map(outputs, built)
    return differing(old, new), max(len(old), len(new))


def page_title(site: Path, page: str) -> str:
    """The heading of a built page; its name if it has none."""
    heading = BeautifulSoup((site / f"{page}.html").read_text("utf-8"), "html.parser").select_one("article h1, h1")
    for mark in heading.select(".headerlink") if heading else ():
        mark.decompose()
    return heading.get_text(" ", strip=True) if heading else page


def render(found: list[Change], others: list[str], folder: Path) -> str:
    """The list as a page of HTML, with links to the sites in `folder`."""
    entries = "".join(f"<li>{_entry(change, folder)}</li>\n" for change in found)
    rest = "".join(f"<li><code>{html.escape(file)}</code></li>\n" for file in others)
    compared = "Outputs were not compared: no earlier site was at hand."
    if (folder / "before").exists():
        compared = "Outputs that measure time differ whenever a page has run again."
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Changed chapters</title><style>{STYLE}</style>
<h1>Changed chapters</h1>
<p><a href="after/index.html">The whole book as this change makes it</a></p>
{f"<ul>{entries}</ul>" if found else "<p>No chapter changed.</p>"}
<p>{compared}</p>
{f"<h2>Other changed files</h2><ul>{rest}</ul>" if others else ""}
</html>
"""


def _entry(change: Change, folder: Path) -> str:
    built = [site for site in ("after", "before") if (folder / site / f"{change.page}.html").is_file()]
    name = page_title(folder / built[0], change.page) if built else change.page
    links = ", ".join(f'<a href="{site}/{html.escape(change.page)}.html">{site}</a>' for site in built)
    files = "".join(f" <code>{html.escape(file)}</code>" for file in change.files)
    return f"<b>{html.escape(name)}</b> ({links or 'in neither site'}): {change.line}{files}"


def summary(found: list[Change], others: list[str]) -> str:
    """The list as Markdown, for the summary of a CI run."""
    lines = [f"- `{change.page}`: {change.line}" for change in found] or ["No chapter changed."]
    return "\n".join(["## Changed chapters", "", *lines, "", f"Other changed files: {len(others)}", ""])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="booktools.changes", description="list the changed chapters of a pull request"
    )
    parser.add_argument("--base", required=True, help="the commit to compare with")
    parser.add_argument("--into", required=True, type=Path, help="the folder to make")
    parser.add_argument(
        "--site", type=Path, default=ROOT / "_build" / "html", help="the built site (default: %(default)s)"
    )
    parser.add_argument("--before", type=Path, help="the site as built before the change")
    parser.add_argument("--summary", type=Path, help="a file to which the list is added as Markdown")
    options = parser.parse_args()
    if not (options.site / "index.html").is_file():
        raise SystemExit(f"mlpc: {options.site} holds no site; run: make book")
    before = options.before if options.before and (options.before / "index.html").is_file() else None
    found, others = changes(ROOT, options.base, options.site, before)
    for name, site in (("after", options.site), ("before", before)):
        if site:
            shutil.copytree(site, options.into / name)
    (options.into / "index.html").write_text(render(found, others, options.into), "utf-8")
    if options.summary:
        with options.summary.open("a", encoding="utf-8") as file:
            file.write(summary(found, others))
    print(summary(found, others), end="")


if __name__ == "__main__":
    main()
