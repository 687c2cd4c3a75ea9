"""The chapter card: under what its author wrote, what a page declares of itself and what its run measured.

The rows come from the front matter (`booktools.frontmatter`), the record of the executed run, Sphinx's own lists of
modules and equations, and the place where the site lives. The ledger may say more about the equations: it answers the
event `chapter-grades` (one argument, the page's name) with a text such as "19 proved for all sizes, 2 definitions".

Here also lives the role `fact`, for a number that is somebody else's: ``{fact}`37 %` of ... {cite:p}`key```.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst.states import Inliner
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.nodes import make_refnode
from sphinx.util.osutil import relative_uri

from booktools.address import Site
from booktools.notebooks import notebook_path
from booktools.pages import read_page

CARD = "chapter-card"


@dataclass(frozen=True)
class Item:
    """A piece of a row: a text, perhaps a link: `href` from the site's root or to elsewhere, or `page` and `anchor`."""

    text: str
    href: str = ""
    page: str = ""
    anchor: str = ""
    code: bool = False


@dataclass(frozen=True)
class Row:
    """A line of the card."""

    term: str
    items: tuple[Item, ...]


def rows(app: Sphinx, docname: str) -> tuple[Row, ...]:
    """The rows of a page's card; none for a page that does not run.

    Raises
    ------
    ExtensionError
        If the page's front matter is wrong; the message names page and field.
    """
    try:
        page = read_page(Path(app.srcdir), Path(app.env.doc2path(docname)))
    except ValueError as error:
        raise ExtensionError(str(error)) from None
    if page is None:
        return ()
    given = [
        Row("Part", (Item(page.chapter.part),)),
        Row("Modules", tuple(_module(app.env, name) for name in page.chapter.modules)),
        Row("Time", (Item(f"about {_hours(page.chapter.hours)} of reading and exercises"),)),
        Row("Equations", (Item(_equations(app, docname)),)),
        Row("This page runs in", (Item(_run(page.record())),)),
        Row("Your own copy", _copies(app.config.mlpc_site, docname)),
    ]
    return tuple(row for row in given if any(item.text for item in row.items))


def _module(env: BuildEnvironment, name: str) -> Item:
    entry = env.get_domain("py").data["modules"].get(name)
    return Item(name, code=True) if entry is None else Item(name, page=entry.docname, anchor=entry.node_id, code=True)


def _hours(hours: float) -> str:
    return "one hour" if hours == 1 else f"{hours:g} hours"


def _equations(app: Sphinx, docname: str) -> str:
    """How many labelled equations the page has, and what the ledger says of them."""
    equations = app.env.get_domain("math").data["objects"].values()
    count = sum(where == docname for where, _ in equations)
    grades = [text for text in app.emit("chapter-grades", docname) if text]
    return ": ".join([f"{count} labelled", *grades]) if count else ""


def _run(record: dict[str, Any] | None) -> str:
    if record is None:
        return ""
    memory = "" if record["megabytes"] is None else f" and {record['megabytes']:.0f} MB of memory"
    return f"{record['seconds']:.0f} s{memory}, on one thread"


def _copies(site: Site, docname: str) -> tuple[Item, ...]:
    notebook = notebook_path(docname)
    launch = site.binder(notebook)
    return (Item("download the notebook", href=notebook), *([Item("run it on Binder", href=launch)] if launch else []))


def update(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Sphinx `env-updated`: pages whose card would say something new are written again."""
    before = getattr(env, "mlpc_cards", {})
    running = [name for name in sorted(env.found_docs) if "kernelspec" in env.metadata.get(name, {})]
    env.mlpc_cards = {name: rows(app, name) for name in running}  # type: ignore[attr-defined]
    return [name for name in running if env.mlpc_cards[name] != before.get(name)]  # type: ignore[attr-defined]


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Sphinx `doctree-resolved`: append the rows to the page's card."""
    given = getattr(app.env, "mlpc_cards", {}).get(docname, ())
    for card in doctree.findall(nodes.Element):
        if given and isinstance(card, nodes.Admonition) and CARD in card.get("classes", []):
            card += nodes.definition_list("", *(_entry(app, row, docname) for row in given))


def _entry(app: Sphinx, row: Row, docname: str) -> nodes.definition_list_item:
    text = nodes.paragraph()
    for number, item in enumerate(row.items):
        text += [nodes.Text(", ")] if number else []
        text += _node(app, item, docname)
    return nodes.definition_list_item("", nodes.term("", row.term), nodes.definition("", text))


def _node(app: Sphinx, item: Item, docname: str) -> nodes.Node:
    label = nodes.literal("", item.text) if item.code else nodes.Text(item.text)
    if item.page:
        return make_refnode(app.builder, docname, item.page, item.anchor, [label])
    if not item.href or app.builder.format != "html":
        return label
    local = "://" not in item.href
    href = relative_uri(app.builder.get_target_uri(docname), item.href) if local else item.href
    return nodes.reference("", "", label, refuri=href, internal=local)


def fact(
    name: str, rawtext: str, text: str, line: int, inliner: Inliner, options: Any = None, content: Any = None
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """The role `fact`: a number from elsewhere, whose sentence cites its source (the lint sees to that)."""
    return [nodes.inline(rawtext, text, classes=["fact"])], []


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_event("chapter-grades")
    app.add_role("fact", fact)
    app.connect("env-updated", update)
    app.connect("doctree-resolved", fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
