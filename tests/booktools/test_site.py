"""Where a build lives: read from the CI's environment, shown in the pages, absent when unknown."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup

from booktools.site import Site, read_site

ROOT = Path(__file__).resolve().parents[2]
PUSH = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "Ada/Course",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_REF_NAME": "main",
    "GITHUB_REF_TYPE": "branch",
}
PULL = {**PUSH, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF_NAME": "7/merge"}
GITLAB = {
    "CI_PROJECT_URL": "https://gitlab.com/school/group/course",
    "CI_COMMIT_REF_NAME": "main",
    "CI_DEFAULT_BRANCH": "main",
    "CI_PAGES_URL": "https://school.gitlab.io/group/course",
}
MERGE = {
    **GITLAB,
    "CI_MERGE_REQUEST_IID": "3",
    "CI_COMMIT_REF_NAME": "refs/merge-requests/3/head",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_URL": "https://gitlab.com/student/course",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "typo",
}


def event(tmp_path: Path, **payload: object) -> dict[str, str]:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(payload), "utf-8")
    return {"GITHUB_EVENT_PATH": str(file)}


def request_from(repository: str | None, branch: str = "fix") -> dict[str, object]:
    head = {"ref": branch, "repo": repository and {"html_url": f"https://github.com/{repository}"}}
    return {"pull_request": {"head": head}}


def test_without_ci_nothing_is_known():
    assert read_site({}) == Site()
    assert (Site().requirement, Site().binder("x.ipynb"), Site().edit("x.md"), Site().report("x")) == ("", "", "", "")


def test_push_to_github_names_repository_branch_and_pages():
    site = read_site(PUSH)
    assert site == Site("https://github.com/Ada/Course", "github", "main", True, "https://ada.github.io/Course/")
    assert site.requirement == "mlpc[pages] @ git+https://github.com/Ada/Course@main"


def test_only_the_default_branch_is_published(tmp_path):
    topic = {**PUSH, **event(tmp_path, repository={"default_branch": "main"}), "GITHUB_REF_NAME": "topic"}
    assert read_site(topic) == Site("https://github.com/Ada/Course", "github", "topic", True)
    assert read_site({**topic, "GITHUB_REF_NAME": "main"}).pages == "https://ada.github.io/Course/"


def test_a_tag_can_be_launched_but_not_edited():
    site = read_site({**PUSH, "GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"})
    assert "/Ada/Course/v1?" in site.binder("notebooks/em.ipynb")
    assert (site.edit("index.md"), site.pages) == ("", "")


def test_pull_request_from_a_fork_links_to_the_branch_of_the_fork(tmp_path):
    site = read_site({**PULL, **event(tmp_path, **request_from("Bob/Course", "fix/sign"))})
    assert site == Site("https://github.com/Bob/Course", "github", "fix/sign", branch=True)
    assert site.edit("index.md") == "https://github.com/Bob/Course/edit/fix/sign/index.md"
    assert site.report("index") == ""


@pytest.mark.parametrize("payload", [request_from(None), {}], ids=["fork deleted", "no payload"])
def test_pull_request_of_unknown_origin_links_nowhere(tmp_path, payload):
    assert read_site({**PULL, **event(tmp_path, **payload)}) == Site()


def test_merge_queue_has_a_passing_ref_and_links_nowhere():
    assert read_site({**PUSH, "GITHUB_EVENT_NAME": "merge_group"}) == Site()


def test_github_of_a_school_has_neither_binder_nor_known_pages():
    site = read_site({**PUSH, "GITHUB_SERVER_URL": "https://git.school.example"})
    assert (site.binder("a.ipynb"), site.pages) == ("", "")
    assert site.edit("index.md") == "https://git.school.example/Ada/Course/edit/main/index.md"


def test_gitlab_in_a_subgroup():
    site = read_site(GITLAB)
    assert site.pages == "https://school.gitlab.io/group/course/"
    assert site.binder("a.ipynb").startswith("https://mybinder.org/v2/gl/school%2Fgroup%2Fcourse/main?")
    assert site.edit("index.md") == "https://gitlab.com/school/group/course/-/edit/main/index.md"
    assert site.report("index").startswith("https://gitlab.com/school/group/course/-/issues/new?issue%5Btitle%5D=")


def test_gitlab_merge_request_links_to_its_source():
    assert read_site(MERGE) == Site("https://gitlab.com/student/course", "gitlab", "typo", branch=True)
    assert read_site({**MERGE, "CI_MERGE_REQUEST_SOURCE_PROJECT_URL": ""}) == Site()


def test_gitlab_tag_and_other_branch_are_not_published():
    assert read_site({**GITLAB, "CI_COMMIT_TAG": "v1", "CI_COMMIT_REF_NAME": "v1"}).pages == ""
    assert read_site({**GITLAB, "CI_COMMIT_REF_NAME": "topic"}).pages == ""


def test_the_projects_own_variables_win():
    said = {
        "MLPC_REPOSITORY_URL": "https://github.com/Eve/Mirror.git",
        "MLPC_REPOSITORY_REF": "2027",
        "MLPC_SITE_URL": "https://course.example/book",
    }
    mirror = Site("https://github.com/Eve/Mirror", "github", "2027", True, "https://course.example/book/")
    assert read_site(said) == mirror
    assert read_site({**PUSH, **said}) == mirror
    assert read_site({**PUSH, **dict.fromkeys(said, "")}) == read_site(PUSH)


@pytest.mark.parametrize(
    "url", ["github.com/ada/course", "https://x/a b", "javascript:alert(1)", "https://u:p@example.org/a"]
)
@pytest.mark.parametrize("name", ["MLPC_REPOSITORY_URL", "MLPC_SITE_URL"])
def test_what_is_no_address_is_refused_by_name(name, url):
    with pytest.raises(ValueError, match=f"{name}: asked for an address such as https://github.com/owner/name, got"):
        read_site({name: url})


def test_repository_of_an_unknown_host_is_refused():
    with pytest.raises(ValueError, match=r"GitHub and GitLab only, got https://forge\.example/a/b"):
        read_site({"MLPC_REPOSITORY_URL": "https://forge.example/a/b"})


CONFIG = """
title: A book
author: Ada
execute: {execute_notebooks: "off"}
parse: {myst_enable_extensions: []}
sphinx:
  local_extensions: {booktools.site: %s}
  config: {suppress_warnings: [myst.domains]}
"""
PAGE = """---
jupytext: {formats: "md:myst", text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
chapter: {part: Basics, modules: [], uses: [basics], data: [], hours: 1}
---
# A page that runs
"""
PAGES = ("index", "book/basics/em")


FILES = {
    "_config.yml": CONFIG % json.dumps(str(ROOT)),
    "_toc.yml": "{format: jb-book, root: index, chapters: [{file: book/basics/em}]}",
    "index.md": "# Welcome\n\nA book.\n",
    "book/basics/em.md": PAGE,
    "mlpc/basics/em.py": "x = 1\n",
    "requirements.lock": "",
}


def build(folder: Path, environment: dict[str, str]) -> Path:
    """Build a book of two pages with Jupyter Book's own command; return the folder of its HTML."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_", "MLPC_"))}
    start = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", start, "build", str(folder), "-n", "-W", "--keep-going"]
    variables = {**clean, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "_build" / "html"


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    return build(tmp_path_factory.mktemp("local"), {})


@pytest.fixture(scope="module")
def pushed(tmp_path_factory):
    return build(tmp_path_factory.mktemp("pushed"), PUSH)


def read(site: Path, page: str) -> BeautifulSoup:
    return BeautifulSoup((site / f"{page}.html").read_text("utf-8"), "html.parser")


def link(soup: BeautifulSoup, label: str) -> str | None:
    button = soup.select_one(f"a.btn-{label}")
    return button and str(button["href"])


def test_local_build_has_no_button_no_address_and_no_placeholder(local):
    assert all((local / f"{page}.html").is_file() for page in PAGES)
    for file in local.rglob("*.html"):
        text = file.read_text("utf-8")
        for wrong in ("executablebooks/jupyter-book", "mybinder", "github.com/", 'rel="canonical"', "og:url"):
            assert wrong not in text, f"{file.name} has {wrong}"
    assert not (local / "sitemap.xml").exists()


def test_build_in_ci_changes_all_the_places(pushed):
    chapter, repository, base = "book/basics/em", "https://github.com/Ada/Course", "https://ada.github.io/Course/"
    soup = read(pushed, chapter)
    binder = "https://mybinder.org/v2/gh/Ada/Course/main?urlpath=lab/tree/notebooks/"
    assert str(link(soup, "launch-binder")).startswith(binder)
    assert link(soup, "source-repository") == repository
    assert link(soup, "source-edit") == f"{repository}/edit/main/{chapter}.md"
    assert str(link(soup, "source-issues")).startswith(f"{repository}/issues/new?title=")
    assert soup.select_one('link[rel="canonical"]')["href"] == f"{base}{chapter}.html"
    assert soup.select_one('meta[property="og:url"]')["content"] == f"{base}{chapter}.html"
    locations = {
        element.text for element in ElementTree.parse(pushed / "sitemap.xml").iter() if element.tag.endswith("loc")
    }
    assert locations == {f"{base}{page}.html" for page in PAGES}
    assert "executablebooks" not in soup.decode()


def test_notebook_to_download_is_there_and_says_where_the_package_comes_from(local, pushed):
    here, there = (json.loads((site / "notebooks/basics/em.ipynb").read_text("utf-8")) for site in (local, pushed))
    assert "github" not in json.dumps(here)
    assert "mlpc[pages] @ git+https://github.com/Ada/Course@main" in json.dumps(there["cells"][:2])


def test_only_pages_that_run_can_be_launched(pushed):
    soup = read(pushed, "index")
    assert link(soup, "launch-binder") is None
    assert link(soup, "source-edit") == "https://github.com/Ada/Course/edit/main/index.md"


def test_wrong_address_stops_the_build_in_one_line(tmp_path):
    with pytest.raises(AssertionError) as caught:
        build(tmp_path, {"MLPC_SITE_URL": "course.example"})
    assert "MLPC_SITE_URL: asked for an address" in str(caught.value)


def test_the_book_itself_shows_what_this_build_knows():
    site, index = read_site(), (ROOT / "_build" / "html" / "index.html").read_text("utf-8")
    assert ('rel="canonical"' in index) == bool(site.pages)
    assert ("btn-source-repository" in index) == bool(site.repository)
    assert "executablebooks/jupyter-book" not in index
