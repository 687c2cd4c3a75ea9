"""The badge beside each labelled equation, and the ledger's word on the chapter cards.

A labelled equation whose certificate is missing, or is for another formula than the page shows, is a warning of type
`ledger`, and so fails the build. Pages whose certificates changed are written again.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging

from booktools.ledger.certificates import Entry, read_entries
from booktools.ledger.equations import Equation
from booktools.ledger.grades import PHRASES, Standing, standings, summary
from booktools.ledger.proving import is_current, missing

LOGGER = logging.getLogger(__name__)
PAGE = "book/appendix/equations"
SHORT = {"A": "all sizes", "B": "fixed size", "C": "exact draws", "D": "float draws", "E": "stated"}
SIGN = {"A": "✓", "B": "✓", "C": "✓", "D": "≈", "E": ""}  # a definition is not proved


@dataclass(frozen=True)
class Certified:
    """What the site shows of an equation."""

    entry: Entry
    standing: Standing


@dataclass(frozen=True)
class Reference:
    """An equation that a text refers to by its label."""

    label: str


def certified(root: Path, equations: dict[str, Equation]) -> dict[str, Certified]:
    """The equations among these that have a certificate for their present formula, with their standing.

    Raises
    ------
    ValueError
        If proofs go in a circle or lean on what has no certificate.
    """
    entries = read_entries(root, equations)
    current = {label: entry for label, entry in entries.items() if is_current(equations[label], entry)}
    while leaning := [label for label, entry in current.items() if not set(entry.uses) <= set(current)]:
        for label in leaning:  # on an equation that has no certificate
            del current[label]
    found = standings(current)
    return {label: Certified(current[label], found[label]) for label in current}


def note_displays(app: Sphinx, doctree: nodes.document) -> None:
    """Sphinx `doctree-read`: keep the labelled displays of a page, as it will show them."""
    page = app.env.docname
    labelled = [node for node in doctree.findall(nodes.math_block) if node.get("label")]
    displays = getattr(app.env, "mlpc_displays", {})
    displays[page] = [(Equation(node["label"], page, node.astext()), node.line) for node in labelled]
    app.env.mlpc_displays = displays  # type: ignore[attr-defined]


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Sphinx `env-purge-doc`."""
    getattr(env, "mlpc_displays", {}).pop(docname, None)


def update(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Sphinx `env-updated`: look at every certificate; pages that would show something new are written again."""
    displays = getattr(env, "mlpc_displays", {})
    equations = {one.label: one for page in displays.values() for one, _ in page}
    try:
        found = certified(Path(app.srcdir), equations)
    except ValueError as error:
        raise ExtensionError(f"the ledger: {error}") from None
    for page in displays.values():
        for equation, line in page:
            if equation.label not in found:
                LOGGER.warning(missing(equation), type="ledger", location=(equation.page, line))
    before = getattr(env, "mlpc_certified", {})
    env.mlpc_certified = found  # type: ignore[attr-defined]
    return sorted({e.page for label, e in equations.items() if found.get(label) != before.get(label)})


def grades_of_page(app: Sphinx, docname: str) -> str:
    """The event `chapter-grades`: how many equations of a page are at which grade."""
    found: dict[str, Certified] = getattr(app.env, "mlpc_certified", {})
    return summary(one.standing.grade for one in found.values() if one.entry.page == docname)


def attach(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Sphinx `doctree-resolved`: give each labelled display the HTML of its badge."""
    found: dict[str, Certified] = getattr(app.env, "mlpc_certified", {})
    if app.builder.format != "html":
        return
    for node in doctree.findall(nodes.math_block):
        if node.get("label") in found:
            node["badge"] = badge(app, docname, found[node["label"]])


def equation_number(env: BuildEnvironment, label: str) -> str:
    """The number of an equation, as a reference to it shows it."""
    docname, number = env.get_domain("math").data["objects"].get(label, ("", ""))
    if not (env.config.math_numfig and env.config.numfig):
        return str(number)
    numbers = env.toc_fignumbers.get(docname, {}).get("displaymath", {}).get(nodes.make_id(f"equation-{label}"), ())
    return ".".join(map(str, numbers))


def link_to(app: Sphinx, docname: str, label: str) -> str:
    """HTML: the number of an equation as a link to it."""
    target, _ = app.env.get_domain("math").data["objects"].get(label, (docname, 0))
    href = f"{app.builder.get_relative_uri(docname, target)}#{nodes.make_id(f'equation-{label}')}"
    return f'<a class="reference internal" href="{href}">({equation_number(app.env, label)})</a>'


def short_scope(one: Certified) -> str:
    """A word or two on how far: the sizes themselves where they are short."""
    entry, grade = one.entry, one.standing.grade
    own = grade == entry.grade == "B" and len(entry.scope) <= len("n=3, k=2, d=1")
    return entry.scope if own else SHORT[grade]


def facts(one: Certified) -> list[tuple[str, tuple[str | Reference, ...]]]:
    """The rows of a certificate: a term, then words and references to equations. Empty rows are left out."""
    entry, standing = one.entry, one.standing
    because = (f"{standing.grade} only, because it uses ", Reference(standing.because)) if standing.because else ("",)
    rows: list[tuple[str, tuple[str | Reference, ...]]] = [
        ("Grade", because),
        ("Method", (entry.method,)),
        ("Scope", (entry.scope,)),
        ("Assumes", ("; ".join(entry.assumes),)),
        ("Uses", listing([*map(Reference, entry.uses), *entry.axioms])),
        ("Wrong variants refuted", (f"{len(entry.mutants)}: {'; '.join(entry.mutants)}" if entry.mutants else "",)),
        ("Second opinion", (entry.second_opinion,)),
        ("Why no better grade", (entry.reason,)),
        ("Time", (f"{entry.seconds:.2f} s",)),
    ]
    return [(term, content) for term, content in rows if any(content)]


def listing(items: list[str | Reference]) -> tuple[str | Reference, ...]:
    """The items with commas between them."""
    return tuple(piece for item in items for piece in (", ", item))[1:]


def badge(app: Sphinx, docname: str, one: Certified) -> str:
    """The badge: a native folding block, which needs no script; `book.js` opens it on hover and focus too."""

    def html(content: tuple[str | Reference, ...]) -> str:
        return "".join(escape(one) if isinstance(one, str) else link_to(app, docname, one.label) for one in content)

    grade = one.standing.grade
    sign = f'<span class="sign" aria-hidden="true">{SIGN[grade]}</span>' if SIGN[grade] else ""
    rows = "".join(f"<dt>{term}</dt><dd>{html(content)}</dd>" for term, content in facts(one))
    entry = f"{app.builder.get_relative_uri(docname, PAGE)}#{anchor(one.entry.label)}"
    has_page = PAGE in app.env.found_docs
    ledger = f'<p><a class="reference internal" href="{entry}">Entry in the ledger</a></p>' if has_page else ""
    return (
        f'<details class="equation-badge grade-{grade.lower()}" name="certificate"><summary>{sign}'
        f'<span class="grade">{grade}</span> <span class="scope">{escape(short_scope(one))}</span>'
        f'<span class="visually-hidden">, certificate of this equation</span></summary>'
        f'<div class="certificate"><p class="verdict">{PHRASES[grade][0].capitalize()}</p><dl>{rows}</dl>{ledger}</div>'
        f"</details>"
    )


def anchor(label: str) -> str:
    """Where the ledger lists an equation."""
    return f"certificate-{label}"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", note_displays)
    app.connect("env-purge-doc", purge)
    app.connect("env-updated", update, priority=400)  # before the cards, which ask for the grades
    app.connect("chapter-grades", grades_of_page)
    app.connect("doctree-resolved", attach)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
