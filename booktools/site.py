"""What the pages say of where they live: buttons and addresses that are right, or absent (`booktools.address`)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ConfigError, ExtensionError

from booktools.address import Site, read_site
from booktools.notebooks import notebook_path, reader_notebook, running_pages, to_text


def configure(app: Sphinx, config: Any) -> None:
    """Sphinx `config-inited`: the published address, and no button or address of Jupyter Book's own defaults."""
    no_buttons = {f"use_{name}_button": False for name in ("repository", "edit_page", "issues", "source")}
    config.html_theme_options |= {"repository_url": "", "launch_buttons": {}, **no_buttons}
    site = app.config.mlpc_site = _site_of_build()
    config.html_baseurl = site.pages
    if site.pages:
        config.ogp_site_url = site.pages
        config.ogp_site_name = config.html_title
        config.ogp_social_cards = {"enable": False}  # a picture for each page, drawn with a font that is not there
        config.sitemap_url_scheme = "{link}"
        config.sitemap_excludes = ["search.html", "genindex.html", "prf-prf.html", "_modules/*"]


def _site_of_build() -> Site:
    try:
        return read_site()
    except ValueError as error:
        raise ConfigError(str(error)) from None


def add_buttons(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Sphinx `html-page-context`: what can be done with this page where its sources live."""
    site: Site = app.config.mlpc_site
    runs = "kernelspec" in app.env.metadata.get(pagename, {})
    source = app.env.doc2path(pagename, base=False) if doctree else ""
    buttons = {
        "launch-binder": ("Binder", "Run this page on Binder", runs and site.binder(notebook_path(pagename))),
        "source-edit": ("Edit", "Suggest a change of this page", source and site.edit(source)),
        "source-issues": ("Report", "Report a fault of this page", source and site.report(pagename)),
        "source-repository": ("Source", "The repository of the book", site.repository),
    }
    context["header_buttons"] += [
        {"type": "link", "label": label, "text": text, "tooltip": tooltip, "url": url}
        for label, (text, tooltip, url) in buttons.items()
        if url
    ]


def write_notebooks(app: Sphinx, exception: Exception | None) -> None:
    """Sphinx `build-finished`: beside the pages that run, the readers' notebooks of them, to be downloaded."""
    if exception or app.builder.format != "html":
        return
    root, site = Path(app.srcdir), app.config.mlpc_site
    shutil.rmtree(Path(app.outdir, "notebooks"), ignore_errors=True)
    for page in running_pages(root):
        name = page.relative_to(root).with_suffix("").as_posix()
        target = Path(app.outdir) / notebook_path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            notebook = reader_notebook(root, page, site.requirement, site.pages)
        except ValueError as error:
            raise ExtensionError(str(error)) from None
        target.write_text(to_text(notebook), "utf-8")


def write_all(app: Sphinx, *_: Any) -> list[str]:
    """Sphinx `env-get-outdated`: a site map lists the pages that one build writes, so a published build writes all."""
    return sorted(app.env.found_docs) if app.config.mlpc_site.pages else []


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("mlpc_site", Site(), "html")
    if _site_of_build().pages:
        app.setup_extension("sphinxext.opengraph")
        app.setup_extension("sphinx_sitemap")
    app.connect("config-inited", configure)
    app.connect("env-get-outdated", write_all)
    app.connect("html-page-context", add_buttons, priority=502)  # after the theme's own, which start the list
    app.connect("build-finished", write_notebooks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
