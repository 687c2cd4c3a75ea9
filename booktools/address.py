"""Where this build of the book lives: the repository of its sources, the ref that was built, its published address.

The CI that builds the book says it in its environment (GitHub or GitLab); three variables say it anywhere else and win:
`MLPC_REPOSITORY_URL`, `MLPC_REPOSITORY_REF` (branch or tag) and `MLPC_SITE_URL` (where the site is published). A build
of a pull request links to the branch that the request comes from, which may stand in a fork; it has no address of its
own, because nobody publishes it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

BINDER = "https://mybinder.org/v2"
GITHUB, GITLAB = "github", "gitlab"
GITHUB_RUNS = ("push", "schedule", "workflow_dispatch")  # runs on a branch or tag that stands in the repository


@dataclass(frozen=True)
class Site:
    """The repository of the sources, the ref that was built, the published address; empty where nobody said.

    Attributes
    ----------
    repository : str
        Address of the repository, without a slash at its end.
    provider : str
        `github` or `gitlab`: the form of the addresses below it.
    ref : str
        The branch or tag that was built, as it is called in `repository`.
    branch : bool
        Whether `ref` is a branch, so that its files can be edited.
    pages : str
        Address of the published site, with a slash at its end.
    """

    repository: str = ""
    provider: str = ""
    ref: str = ""
    branch: bool = False
    pages: str = ""

    @property
    def requirement(self) -> str:
        """What pip installs to run a page of this very build: `mlpc[pages] @ git+...@ref`; empty when unknown."""
        return f"mlpc[pages] @ git+{self.repository}@{self.ref}" if self.repository and self.ref else ""

    def binder(self, path: str) -> str:
        """The address that opens a file of the repository in JupyterLab on Binder; empty where Binder cannot reach it.

        Examples
        --------
        >>> Site("https://github.com/ada/course", "github", "main").binder("notebooks/em.ipynb")
        'https://mybinder.org/v2/gh/ada/course/main?urlpath=lab/tree/notebooks/em.ipynb'
        >>> Site("https://git.school.example/ada/course", "gitlab", "main").binder("notebooks/em.ipynb")
        ''
        """
        host, name = urlsplit(self.repository).netloc, urlsplit(self.repository).path.strip("/")
        sources = {"github.com": f"gh/{name}", "gitlab.com": f"gl/{quote(name, safe='')}"}
        if host not in sources or not self.ref:
            return ""
        return f"{BINDER}/{sources[host]}/{quote(self.ref)}?urlpath=lab/tree/{quote(path)}"

    def edit(self, path: str) -> str:
        """The address that opens a file of the repository for editing; empty unless a branch was built.

        Examples
        --------
        >>> Site("https://github.com/ada/course", "github", "main", branch=True).edit("index.md")
        'https://github.com/ada/course/edit/main/index.md'
        """
        if not (self.repository and self.ref and self.branch):
            return ""
        return f"{self._below('edit')}/{quote(self.ref)}/{quote(path)}"

    def report(self, page: str) -> str:
        """The address that starts an issue about a page; empty unless the site is published."""
        if not (self.repository and self.pages):
            return ""
        field = "title" if self.provider == GITHUB else "issue[title]"
        return f"{self._below('issues/new')}?{quote(field)}={quote(f'On the page {page}: ')}"

    def _below(self, what: str) -> str:
        return f"{self.repository}/{what}" if self.provider == GITHUB else f"{self.repository}/-/{what}"


def read_site(environ: Mapping[str, str] = os.environ) -> Site:
    """Read where this build lives from the environment of its CI.

    Raises
    ------
    ValueError
        If one of the project's own variables is not an address; the message names it.
    """
    if environ.get("GITHUB_REPOSITORY"):
        site = _github(environ, _event(environ))
    elif environ.get("CI_PROJECT_URL"):
        site = _gitlab(environ)
    else:
        site = Site()
    return _said(site, environ)


def _event(environ: Mapping[str, str]) -> Any:
    """What started a GitHub run: the payload of its event, if the run has one."""
    file = Path(environ.get("GITHUB_EVENT_PATH") or "no-event")
    return json.loads(file.read_text("utf-8")) if file.is_file() else {}


def _github(environ: Mapping[str, str], event: Any) -> Site:
    server, name = environ.get("GITHUB_SERVER_URL") or "https://github.com", environ["GITHUB_REPOSITORY"]
    if request := event.get("pull_request"):
        head = request["head"]  # its repository is null once a fork is deleted
        return Site(head["repo"]["html_url"], GITHUB, head["ref"], branch=True) if head["repo"] else Site()
    if environ.get("GITHUB_EVENT_NAME", "push") not in GITHUB_RUNS:
        return Site()
    ref, branch = environ.get("GITHUB_REF_NAME", ""), environ.get("GITHUB_REF_TYPE", "branch") == "branch"
    published = branch and ref == event.get("repository", {}).get("default_branch", ref)
    pages = _github_pages(name) if published and server == "https://github.com" else ""
    return Site(f"{server}/{name}", GITHUB, ref, branch, pages)


def _github_pages(name: str) -> str:
    """Where GitHub Pages publishes a repository `owner/name`.

    Examples
    --------
    >>> _github_pages("Ada/Course")
    'https://ada.github.io/Course/'
    >>> _github_pages("Ada/ada.github.io")
    'https://ada.github.io/'
    """
    owner, repository = name.split("/")
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if repository.lower() == host else f"https://{host}/{repository}/"


def _gitlab(environ: Mapping[str, str]) -> Site:
    if environ.get("CI_MERGE_REQUEST_IID"):
        source = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_URL", "")  # unset once a fork is deleted
        return Site(source, GITLAB, environ["CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"], branch=True) if source else Site()
    ref, branch = environ.get("CI_COMMIT_REF_NAME", ""), not environ.get("CI_COMMIT_TAG")
    published = branch and ref == environ.get("CI_DEFAULT_BRANCH", ref)
    pages = environ.get("CI_PAGES_URL", "") if published else ""
    return Site(environ["CI_PROJECT_URL"], GITLAB, ref, branch, pages and pages.rstrip("/") + "/")


def _said(site: Site, environ: Mapping[str, str]) -> Site:
    """Let the project's own variables have the last word."""
    if url := _address(environ, "MLPC_REPOSITORY_URL"):
        named = next((name for name in (GITHUB, GITLAB) if name in urlsplit(url).netloc), site.provider)
        if not named:
            raise ValueError(f"MLPC_REPOSITORY_URL: links are known for GitHub and GitLab only, got {url}")
        site = replace(site, repository=url, provider=named)
    if ref := environ.get("MLPC_REPOSITORY_REF"):
        site = replace(site, ref=ref, branch=True)
    if url := _address(environ, "MLPC_SITE_URL"):
        site = replace(site, pages=url + "/")
    return site


def _address(environ: Mapping[str, str], name: str) -> str:
    url = environ.get(name, "").strip().rstrip("/").removesuffix(".git")
    if url and not re.fullmatch(r"https?://[\w.-]+(:\d+)?(/[\w.~%+-]+)*", url):
        raise ValueError(f"{name}: asked for an address such as https://github.com/owner/name, got {environ[name]!r}")
    return url
