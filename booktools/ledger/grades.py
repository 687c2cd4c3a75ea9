"""The grade that the book shows: the weakest of a certificate's own and of those of the equations that it leans on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from booktools.ledger.certificates import Entry

GRADES = "ABCDE"
DEFINITION = "definition"  # the method of a certificate that says what a word means: to use the word costs no grade
PHRASES = {
    "A": ("proved for all sizes", "proved for all sizes"),
    "B": ("proved at fixed sizes", "proved at fixed sizes"),
    "C": ("checked by exact draws", "checked by exact draws"),
    "D": ("checked in floating point", "checked in floating point"),
    "E": ("definition or cited theorem", "definitions or cited theorems"),
}
"""What an equation is, and what several are, at each grade."""


@dataclass(frozen=True)
class Standing:
    """The grade of an equation, and the equation that pulls it down (empty if it is the certificate's own)."""

    grade: str
    because: str = ""


def standings(entries: Mapping[str, Entry]) -> dict[str, Standing]:
    """The standing of each entry.

    Raises
    ------
    ValueError
        If an entry uses, by whatever way, itself, or a label that has no certificate.
    """
    found: dict[str, Standing] = {}
    for label in entries:
        _settle(label, entries, found, ())
    return found


def _settle(label: str, entries: Mapping[str, Entry], found: dict[str, Standing], way: tuple[str, ...]) -> Standing:
    if label in way:
        circle = " uses ".join([*way[way.index(label) :], label])
        raise ValueError(f"a proof in a circle: {circle}")
    if label not in entries:
        raise ValueError(f"{way[-1]} uses {label}, which has no certificate")
    if label not in found:
        standing = Standing(entries[label].grade)
        for lemma in entries[label].uses:
            grade = _settle(lemma, entries, found, (*way, label)).grade
            if grade > standing.grade and entries[lemma].method != DEFINITION:
                standing = Standing(grade, lemma)
        found[label] = standing
    return found[label]


def tally(grades: Iterable[str]) -> dict[str, int]:
    """How many there are of each grade, best first; grades that do not occur are left out.

    >>> tally("AEA")
    {'A': 2, 'E': 1}
    """
    counts = Counter(grades)
    return {grade: counts[grade] for grade in GRADES if counts[grade]}


def summary(grades: Iterable[str]) -> str:
    """What a chapter's card says of its equations.

    >>> summary("AAE")
    '2 proved for all sizes, 1 definition or cited theorem'
    """
    return ", ".join(f"{count} {PHRASES[grade][count > 1]}" for grade, count in tally(grades).items())
