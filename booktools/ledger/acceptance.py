"""What makes a proof fit for the ledger; `tests/equations/conftest.py` asks here."""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Collection
from dataclasses import replace
from importlib.metadata import version

from booktools.ledger.certificates import Entry
from booktools.ledger.equations import Equation, plain
from mlpc.verify.certificate import Certificate, together

REJECTED = 1  # wrong variants that a certificate of grade A to D has refuted
REJECTED_SLIDE = 3  # the same for a formula of the course's slides


class Refused(AssertionError):
    """A proof that the ledger does not take, with the reason and what to do."""


def accept(
    equation: Equation,
    docstring: str | None,
    certificates: Collection[Certificate],
    uses: Collection[str],
    slide: bool,
    *,
    labels: Collection[str],
    axioms: Collection[str],
) -> Entry:
    """The entry of an equation that these certificates prove together; `inputs` and `seconds` are left to be filled in.

    Parameters
    ----------
    equation : Equation
        As it stands on its page.
    docstring : str or None
        Of the test: the LaTeX that its author has looked at.
    certificates : collection of Certificate
        One for each part of the claim.
    uses : collection of str
        What the proof leans on beyond what its certificates say: labels, names of axioms.
    slide : bool
        Whether the formula is one of the course's slides.
    labels, axioms : collections of str
        Those that exist.

    Raises
    ------
    Refused
        If the docstring is not the page's formula, a part is not proved, too few wrong variants were refuted, or
        something is used that does not exist.
    """
    _same_formula(equation, docstring)
    if not certificates:
        raise Refused(f"{equation.label}: certify() was called without a certificate")
    for part in certificates:
        _proved(equation.label, part)
    whole = together(*certificates)
    if slide and whole.grade != "E" and sum(len(part.mutants) for part in certificates) < REJECTED_SLIDE:
        raise Refused(
            f"{equation.label} is a formula of the slides: {REJECTED_SLIDE} wrong variants must be refuted, "
            f"but these are all: {'; '.join(whole.mutants)}"
        )
    used = tuple(dict.fromkeys([*whole.uses, *uses]))
    if unknown := [name for name in used if name not in labels and name not in axioms]:
        raise Refused(f"{equation.label} uses {unknown[0]!r}, which is neither a label of the book nor an axiom")
    if equation.label in used:
        raise Refused(f"{equation.label} uses itself")
    return _entry(equation, whole, [name for name in used if name in labels], [n for n in used if n in axioms], slide)


def _same_formula(equation: Equation, docstring: str | None) -> None:
    if plain(docstring or "") != plain(equation.latex):
        formula = textwrap.indent(f'r"""\n{equation.latex}\n"""', "    ")
        raise Refused(
            f"{equation.label}: the docstring of the test is not the formula of {equation.page}.md. "
            f"Look at the proof again: is it still this that it proves? Then paste:\n\n{formula}\n"
        )


def _proved(label: str, part: Certificate) -> None:
    if not part:
        raise Refused(f"{label}: not proved\n  claim:    {part.claim}\n  residual: {part.residual}")
    if part.grade != "E" and len(part.mutants) < REJECTED:
        raise Refused(f"{label}: no wrong variant was refuted; give mutants=, one small edit away from: {part.claim}")


def _entry(equation: Equation, whole: Certificate, uses: list[str], axioms: list[str], slide: bool) -> Entry:
    versions = (f"Python {platform.python_version()}", f"SymPy {version('sympy')}", f"mlpc {version('mlpc')}")
    whole = replace(whole, uses=tuple(uses))
    proved = {name: getattr(whole, name) for name in Certificate.__dataclass_fields__ if name != "residual"}
    given = {"label": equation.label, "page": equation.page, "latex": equation.latex}
    return Entry(**given, **proved, axioms=tuple(axioms), slide=slide, inputs="", versions=versions)
