"""What all proofs of matrix claims have in common: draws first, then the proof, then the certificate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy

from mlpc.verify.arithmetic import CONTEXT, Singular
from mlpc.verify.blocks import Uncut
from mlpc.verify.certificate import Certificate
from mlpc.verify.components import components
from mlpc.verify.constraints import Draw, Impossible
from mlpc.verify.deadline import OutOfTimeError, time_limit
from mlpc.verify.draws import draws, size_symbols
from mlpc.verify.expressions import Expression, Relation
from mlpc.verify.reading import Reader
from mlpc.verify.rewriting import TimeOut
from mlpc.verify.words import Poly

LIMIT = 5.0  # seconds of this thread's time
LESSON = 0.5  # seconds to find what remains of a false claim
DRAWS = 5  # at each of two sizes
SEED = 20
LONGEST = 400  # characters of what remained
METHOD = "non-commutative rewriting"


@dataclass
class Claim:
    """A claim with all that is needed to try and to prove it.

    Attributes
    ----------
    text : str
        LaTeX.
    used : list of Expression
        What occurs in it.
    relations : list of Relation
        What is assumed.
    goal : callable
        Gives, for a reader, the polynomials that must vanish.
    holds : callable
        Whether the claim is true in a draw.
    wrong : mapping
        What is wrong, and whether that variant is true in a draw.
    free : Expression, optional
        The letter to differentiate by.
    """

    text: str
    used: list[Expression]
    relations: list[Relation]
    goal: Callable[[Reader], list[Poly]]
    holds: Callable[[Draw], bool]
    wrong: Mapping[str, Callable[[Draw], bool]]
    uses: tuple[str, ...] = ()
    method: str = METHOD
    free: Expression | None = None
    started: float = field(default_factory=time.thread_time)

    def refused(self, why: str) -> Certificate:
        """The certificate of a claim that is not proved, with the reason."""
        return self.certificate("C", "", residual=why)

    def certificate(self, grade: str, scope: str, axioms: Iterable[str] = (), **rest: Any) -> Certificate:
        """The certificate of this claim."""
        uses = tuple(dict.fromkeys((*self.uses, *axioms)))
        seconds = time.thread_time() - self.started
        return Certificate(self.text, self.method, grade, scope, uses=uses, seconds=seconds, **rest)


@dataclass
class Opinion:
    """What the draws said."""

    count: int = 0
    exact: bool = True
    sizes: list[str] = field(default_factory=list)
    refuted: dict[str, None] = field(default_factory=dict)
    contradiction: str = ""
    impossible: str = ""

    def __str__(self) -> str:
        numbers = "rational draws" if self.exact else f"draws to {CONTEXT.dps} digits"
        return f"{self.count} {numbers} at {' and '.join(self.sizes)} (seed {SEED}), 0 failures"


def tried(claim: Claim, deadline: float) -> Opinion:
    """Try a claim and its wrong variants in exact draws."""
    opinion = Opinion()
    every = [*claim.used, *(side for relation in claim.relations for side in relation.args)]
    try:
        for sizes, draw in draws(size_symbols(every), claim.relations, claim.used, DRAWS, SEED):
            _try_once(claim, opinion, _named(sizes), draw)
            if opinion.contradiction or time.thread_time() > deadline:
                break
    except Impossible as error:
        opinion.impossible = str(error)
    return opinion


def _try_once(claim: Claim, opinion: Opinion, sizes: str, draw: Draw) -> None:
    try:
        true = claim.holds(draw)
    except (Singular, ZeroDivisionError):
        return
    opinion.count += 1
    opinion.exact = opinion.exact and draw.exact
    opinion.sizes += [] if sizes in opinion.sizes else [sizes]
    if not true:
        opinion.contradiction = f"false: contradicted by draw {opinion.count} at {sizes} (seed {SEED})"
    for name, variant in claim.wrong.items():
        if name not in opinion.refuted:
            try:
                refuted = not variant(draw)
            except (Singular, ZeroDivisionError):
                refuted = False
            if refuted:
                opinion.refuted[name] = None


def _named(sizes: Mapping[sympy.Basic, int]) -> str:
    return ", ".join(f"{symbol}={number}" for symbol, number in sizes.items()) or "the sizes given"


def certify(claim: Claim) -> Certificate:
    """Return the certificate of a claim, in limited time: proved for all sizes, refuted, or neither."""
    try:
        with time_limit(2 * LIMIT):
            return _certified(claim)
    except OutOfTimeError as error:
        return claim.refused(f"not proved: the time is over ({error})")


def _certified(claim: Claim) -> Certificate:
    deadline = claim.started + LIMIT
    opinion = tried(claim, claim.started + LIMIT / 2)
    if opinion.contradiction:
        _, remained = _proved(claim, time.thread_time() + LESSON)
        return claim.refused(f"{opinion.contradiction}; {remained or 'the rewriting does not see why'}")
    if opinion.impossible or not opinion.count:
        return claim.refused(f"not proved: no draw satisfies the hypotheses ({opinion.impossible or 'singular'})")
    left = [name for name in claim.wrong if name not in opinion.refuted]
    if left:
        return claim.refused(f"these wrong variants hold in all draws, look at the hypotheses: {'; '.join(left)}")
    reader, remained = _proved(claim, deadline)
    grade = "A"
    if reader is None and not size_symbols(claim.used):
        grade, reader = "B", _by_entries(claim, deadline)
    if reader is None:
        return claim.refused(f"not proved: it holds in {opinion.count} draws; {remained}")
    scope = "all sizes" if size_symbols(claim.used) else "the sizes given"
    assumes = (*reader.hypotheses, *dict.fromkeys(f"{pivot} ≠ 0" for pivot in reader.rules.pivots))
    return claim.certificate(
        grade,
        scope,
        reader.axioms,
        assumes=assumes,
        mutants=tuple(opinion.refuted),
        second_opinion=str(opinion),
    )


def _proved(claim: Claim, deadline: float) -> tuple[Reader | None, str]:
    """Try one order of the letters after the other; on success return the reader."""
    remained = ""
    for rank in (1, -1, 0):
        try:
            reader = Reader(claim.relations, deadline, rank, claim.free)
            goals = claim.goal(reader)
            rest = _remainder(reader, goals)
        except TimeOut as error:
            return None, remained or f"{error} ({LIMIT:g} s)"
        except (Uncut, ZeroDivisionError) as error:
            return None, str(error)
        if reader.rules.contradiction:
            return None, "the assumptions contradict each other: 1 reduces to 0"
        if not rest:
            return reader, ""
        remained = remained or f"what remained: {_shown(rest)} = 0"
    return None, remained


def _by_entries(claim: Claim, deadline: float) -> Reader | None:
    """Compare entry by entry, where all sizes are numbers."""
    try:
        reader = Reader(claim.relations, deadline, free=claim.free)
        goals = [components(rest) for rest in _remainder(reader, claim.goal(reader))]
    except (TimeOut, Uncut, ZeroDivisionError):
        return None
    proved = all(goal is not None and all(x.is_zero for x in goal) for goal in goals)
    return reader if proved and not reader.rules.contradiction else None


def _shown(rest: Sequence[Poly]) -> str:
    text = "; ".join(map(repr, rest[:2]))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _remainder(reader: Reader, goals: Sequence[Poly]) -> list[Poly]:
    rules = reader.rules
    for _ in range(3):
        goals = [rest for goal in goals if not (rest := rules.reduce(goal)).is_zero and not _cleared(reader, rest)]
        if not goals or rules.contradiction:
            return list(goals)
        forms = {atom for goal in goals for c in goal.terms.values() for atom in c.atoms()}
        if not rules.complete(forms):
            break
    return [rest for goal in goals if not (rest := rules.reduce(goal)).is_zero and not _cleared(reader, rest)]


def _cleared(reader: Reader, poly: Poly, depth: int = 3) -> bool:
    """Whether a product with invertible matrices, which removes inverses at the ends of words, is zero."""
    reader.rules.watch()
    if poly.is_zero:
        return True
    if depth == 0 or len(poly.terms) > 12:
        return False
    return any(_cleared(reader, reader.rules.reduce(product), depth - 1) for product in _multiplied(reader, poly))


def _multiplied(reader: Reader, poly: Poly) -> Iterable[Poly]:
    for known, inverse in reader.inverses:
        for matrix, letter in ((known, inverse), (known.T, inverse.T)):
            if len(letter.terms) != 1 or len(letter.leading()) != 1:
                continue
            (edge,) = letter.leading()
            if any(word and word[0] == edge for word in poly.terms):
                yield matrix @ poly
            if any(word and word[-1] == edge for word in poly.terms):
                yield poly @ matrix


def named(mutants: Mapping[str, Any] | Sequence[Any]) -> dict[str, Any]:
    """Mutants by what is wrong in them; a sequence is numbered."""
    if isinstance(mutants, Mapping):
        return dict(mutants)
    return {f"variant {i}": mutant for i, mutant in enumerate(mutants, 1)}
