"""A site that asks nothing of the network: what a page needs is served from the site, the rest is not loaded.

MathJax comes out of a locked package at build time. The parts of Jupyter Book that would reach out (remote kernels,
comment services) and those that the book does not use are silenced, and the build warns of every address that a written
page would load from elsewhere.
"""

from __future__ import annotations

import re
import shutil
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
SILENCED = {"sphinx_thebe", "sphinx_comments", "sphinx_togglebutton"}
MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/fonts/woff-v2")
MATHJAX_HOME = "vendor/mathjax"
UNUSED_FILES = ("proof.css", "sphinx-thebe")
LOADS = re.compile(
    r"<(script|img|iframe|source|video|audio|object|embed|link)\b[^>]*?\b(src|href|data)=\"((?:https?:)?//[^\"]+)\""
)
NOT_LOADED = re.compile(r"<link\b[^>]*\brel=\"(canonical|license|author|alternate)\"")


def mathjax_folder() -> Path:
    """Where the locked package `sphinx-mathjax-offline` keeps MathJax.

    >>> (mathjax_folder() / "tex-chtml.js").exists()
    True
    """
    return (
        Path(str(distribution("sphinx-mathjax-offline").locate_file("sphinx-mathjax-offline"))) / "static" / "mathjax"
    )


def loads_from_elsewhere(page: str) -> list[str]:
    """List the addresses that a browser would fetch from other sites while it shows this HTML (links are not fetched).

    >>> loads_from_elsewhere('<a href="https://example.org">x</a><script defer src="https://example.org/a.js"></script>')
    ['https://example.org/a.js']
    """
    return [found[3] for found in LOADS.finditer(page) if not NOT_LOADED.match(found[0])]


def silence(app: Sphinx) -> None:
    """Take out what the silenced extensions have registered, so that they add no script, style or node to any page."""
    for event, listeners in app.events.listeners.items():
        app.events.listeners[event] = [one for one in listeners if one.handler.__module__ not in SILENCED]
    app.registry.css_files = [
        one for one in app.registry.css_files if one[0] not in ("sphinx-thebe.css", "togglebutton.css")
    ]


def configure(app: Sphinx, config: Any) -> None:
    """Sphinx `config-inited`: formulas are typeset by the site's own MathJax, without menus that need more of it.

    An unknown macro is an error in place of red letters, so that the tests see it.
    """
    config.mathjax_path = f"{MATHJAX_HOME}/{MATHJAX_PARTS[0]}"
    mathjax = {**(config.mathjax3_config or {})}
    mathjax["options"] = {**mathjax.get("options", {}), "enableMenu": False}
    mathjax["tex"] = {"packages": {"[-]": ["noundefined"]}, **mathjax.get("tex", {})}
    config.mathjax3_config = mathjax


def drop_unused(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Sphinx `html-page-context`: a page loads only what it uses."""
    unused = [*UNUSED_FILES]
    if 'class="sd-' not in context.get("body", ""):
        unused += ["sphinx-design", "design-tabs.js"]
    for kind in ("css_files", "script_files"):
        files = context.get(kind, [])
        context[kind] = [one for one in files if not any(part in str(getattr(one, "filename", one)) for part in unused)]


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Sphinx `build-finished`: put MathJax into the site and look for foreign addresses."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for part in MATHJAX_PARTS:
        source, target = mathjax_folder() / part, static / MATHJAX_HOME / part
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
    for page in sorted(Path(app.outdir).rglob("*.html")):
        text = page.read_text("utf-8")
        for address in loads_from_elsewhere(text):
            LOGGER.warning("%s loads %s; serve it from the site or leave it out", page.name, address, type="offline")


def setup(app: Sphinx) -> dict[str, Any]:
    silence(app)
    app.connect("config-inited", configure)
    app.connect("html-page-context", drop_unused, priority=900)
    app.connect("build-finished", finish, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
