"""The ledger's own page: `{equation-ledger} PART` shows one part of it, for the parts below.

progress      bars by chapter and grade
certificates  every certificate, in a folding block for each chapter
weaker        the share of grades D and E of each chapter, with their reasons
axioms        what is not proved, and where it was checked
lesson        what remains of a wrong formula when the prover is done with it
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from booktools.contents import listed
from booktools.fingerprint import digest
from booktools.ledger.badges import PAGE, Certified, Reference, anchor, certified, facts, listing
from booktools.ledger.certificates import folder_of
from booktools.ledger.equations import book_equations
from booktools.ledger.grades import PHRASES, tally

WEAK = "DE"  # grades that carry a reason
Chapters = dict[str, list[Certified]]


def chapters(root: Path) -> Chapters:
    """The certified equations of each page, in the order of the table of contents and of the page."""
    equations = book_equations(root)
    found = certified(root, equations)
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    pages = {page: [one for one in equations.values() if one.page == page] for page in listed(toc)}
    return {page: [found[one.label] for one in own if one.label in found] for page, own in pages.items() if own}


class Ledger(SphinxDirective):
    """`{equation-ledger} PART`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        parts = {"progress": self.progress, "certificates": self.certificates, "weaker": self.weaker}
        parts |= {"axioms": self.axioms, "lesson": self.lesson}
        if self.arguments[0] not in parts:
            raise self.error(f"equation-ledger: no part {self.arguments[0]!r}; known are {', '.join(parts)}")
        root = Path(self.env.srcdir)
        try:
            return list(parts[self.arguments[0]](chapters(root)))
        except ValueError as error:
            raise self.error(f"the ledger: {error}") from None

    def progress(self, book: Chapters) -> Iterator[nodes.Node]:
        every = [one for chapter in book.values() for one in chapter]
        seconds = sum(one.entry.seconds for one in every)
        yield paragraph(nodes.strong("", "The whole book"), nodes.Text(f": {counts(every)}"))
        yield bar(every)
        for page, chapter in book.items():
            yield paragraph(self.chapter(page), nodes.Text(f": {counts(chapter)}"))
            yield bar(chapter)
        yield paragraph(nodes.Text(f"All proofs together took {seconds:.1f} s of one processor."))

    def certificates(self, book: Chapters) -> Iterator[nodes.Node]:
        for page, chapter in book.items():
            title = nodes.title("", "", nodes.Text(f"{self.title(page)}: {counts(chapter)}"))
            entries = [self.entry(one) for one in chapter]
            yield nodes.admonition("", title, *entries, classes=["dropdown", "ledger"])

    def entry(self, one: Certified) -> nodes.Node:
        """A certificate: number and grade, the formula as its page writes it, and the rows of the badge."""
        grade, entry = one.standing.grade, one.entry
        head = paragraph(self.number(entry.label), nodes.Text(" "), mark(grade), nodes.Text(f" {PHRASES[grade][0]}"))
        if entry.slide:
            head += nodes.Text(", a formula of the course's slides")
        rows = [self.row(term, content) for term, content in facts(one)]
        rows.append(self.row("Made with", (", ".join(entry.versions),)))
        listed = nodes.definition_list("", *rows)
        return nodes.container(
            "", head, display(entry.latex), listed, ids=[anchor(entry.label)], classes=["ledger-entry"]
        )

    def row(self, term: str, content: tuple[str | Reference, ...]) -> nodes.Node:
        said = [nodes.Text(one) if isinstance(one, str) else self.number(one.label) for one in content]
        return nodes.definition_list_item("", nodes.term("", term), nodes.definition("", paragraph(*said)))

    def weaker(self, book: Chapters) -> Iterator[nodes.Node]:
        for page, chapter in book.items():
            weak = [one for one in chapter if one.standing.grade in WEAK]
            share = f": {len(weak)} of {len(chapter)}, {len(weak) / max(len(chapter), 1):.0%}"
            yield paragraph(self.chapter(page), nodes.Text(share))
            if weak:
                yield nodes.bullet_list("", *(nodes.list_item("", self.reason(one)) for one in weak))

    def reason(self, one: Certified) -> nodes.Node:
        head = [self.number(one.entry.label), nodes.Text(" "), mark(one.standing.grade), nodes.Text(" ")]
        if one.standing.because:
            return paragraph(*head, nodes.Text("uses "), self.number(one.standing.because))
        return paragraph(*head, nodes.Text(one.entry.reason))

    def chapter(self, page: str) -> nodes.Node:
        place = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{page}", "refdoc": self.env.docname}
        return addnodes.pending_xref("", nodes.inline("", self.title(page)), refexplicit=True, refwarn=True, **place)

    def title(self, page: str) -> str:
        """The title of a page up to a colon."""
        source = Path(self.env.srcdir, f"{page}.md")
        title = re.search(r"^# ([^:\n]+)", source.read_text("utf-8-sig"), re.MULTILINE)
        return title[1].strip() if title else page

    def number(self, label: str) -> nodes.Node:
        place = {"refdomain": "math", "reftype": "numref", "reftarget": label, "refdoc": self.env.docname}
        return addnodes.pending_xref("", nodes.literal("", label), refexplicit=False, refwarn=True, **place)

    def axioms(self, book: Chapters) -> Iterator[nodes.Node]:
        from mlpc.verify.axioms import AXIOMS

        every = [one.entry for chapter in book.values() for one in chapter]
        for name, axiom in AXIOMS.items():
            users = [Reference(entry.label) for entry in every if name in entry.axioms]
            rows = [
                self.row("Checked", (axiom.checked,)),
                self.row("Used by", listing([*users]) or ("nothing yet",)),
            ]
            head = paragraph(nodes.strong("", name), nodes.Text(f": {axiom.statement}"))
            yield nodes.container(
                "", head, display(axiom.latex), nodes.definition_list("", *rows), classes=["ledger-entry"]
            )

    def lesson(self, book: Chapters) -> Iterator[nodes.Node]:
        """Woodbury's formula with one sign turned, given to the prover while the page is built."""
        from mlpc.verify import identity, matrix, prove_equal, sizes

        n, k = sizes("n k")
        A, U, V = matrix("A", n), matrix("U", n, k), matrix("V", k, n)
        S = identity(k) + V @ A.inv @ U
        refused = prove_equal((A + U @ V).inv, A.inv + A.inv @ U @ S.inv @ V @ A.inv)
        if refused:
            raise ValueError("the prover takes Woodbury's formula with the wrong sign")
        yield display(refused.claim)
        yield nodes.literal_block(refused.residual, refused.residual, language="text")


def counts(chapter: list[Certified]) -> str:
    """How many at which grade, as text: "19 A, 1 E"."""
    found = tally(one.standing.grade for one in chapter)
    return ", ".join(f"{count} {grade}" for grade, count in found.items()) or "none yet"


def bar(chapter: list[Certified]) -> nodes.Node:
    """A bar whose pieces are the grades; its text alternative has the numbers."""
    found = tally(one.standing.grade for one in chapter)
    pieces = "".join(f'<span class="grade-{g.lower()}" style="flex-grow: {n}">{g}</span>' for g, n in found.items())
    html = f'<div class="ledger-bar" role="img" aria-label="{escape(counts(chapter))}">{pieces}</div>'
    return nodes.raw("", html, format="html")


def display(latex: str) -> nodes.Node:
    """A formula without a number."""
    return nodes.math_block(latex, latex, label=None, number=None, nowrap=False)


def mark(grade: str) -> nodes.Node:
    """The letter of a grade in its own form."""
    return nodes.inline("", grade, classes=["grade", f"grade-{grade.lower()}"])


def paragraph(*content: nodes.Node) -> nodes.paragraph:
    return nodes.paragraph("", "", *content)


def outdated(app: Sphinx, env: BuildEnvironment, *_: Any) -> list[str]:
    """Sphinx `env-get-outdated`: the page is read again when a certificate or the table of contents is another one."""
    root = Path(app.srcdir)
    state = digest(root, [*folder_of(root).glob("*.json"), root / "_toc.yml"])
    before = getattr(env, "mlpc_ledger", "")
    env.mlpc_ledger = state  # type: ignore[attr-defined]
    return [PAGE] if state != before and PAGE in env.found_docs else []


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("equation-ledger", Ledger)
    app.connect("env-get-outdated", outdated)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
