"""Determinants taken apart by theorems, and brought to the least of their equal forms.

det(AB) = det A · det B for square factors, det(cA) = cⁿ det A, det A⁻¹ = 1/det A, det Aᵀ = det A, and Sylvester's
det(c I_n + UV) = cⁿ⁻ᵏ det(c I_k + VU).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlpc.verify.expressions import Size, same_size
from mlpc.verify.field import Scalar
from mlpc.verify.words import Letter, Poly, order, split

if TYPE_CHECKING:
    from mlpc.verify.inverses import Inverses

FORMS = 60  # equal forms that are looked at


def determinant(known: Inverses, poly: Poly) -> Scalar:
    """The determinant of a square polynomial."""
    if poly.is_scalar:
        return poly.value
    if poly.is_zero:
        return Scalar.of(0)
    known.lean("multiplicative determinant")
    lead = poly.leading()
    content = poly.terms[lead]
    if content.constant != 1:
        factor = known.functions.power(content, poly.shape[0])
        return factor * determinant(known, poly * (1 / content))
    if not lead:
        return Scalar.of(1)
    if len(poly.terms) == 1 and len(lead) == 1:
        return _of_letter(known, lead[0])
    return _without_edges(known, poly) or _least(known, poly)


def _of_letter(known: Inverses, letter: Letter) -> Scalar:
    own = Poly.letter(letter)
    if letter.kind == "inverse":
        inverted = next(matrix for matrix, inverse in known.inverses if inverse.equals(own) or inverse.T.equals(own))
        return 1 / determinant(known, inverted)
    return known.determinant_atom(own)


def _without_edges(known: Inverses, poly: Poly) -> Scalar | None:
    """Take off a square letter with which all words begin, or end."""
    for end, rest in ((0, slice(1, None)), (-1, slice(None, -1))):
        first = next(iter(poly.terms))
        if all(word and word[end] == first[end] for word in poly.terms) and same_size(
            first[end].rows, first[end].columns
        ):
            inner = Poly({word[rest]: c for word, c in poly.terms.items()}, poly.shape)
            return _of_letter(known, first[end]) * determinant(known, inner)
    return None


def _least(known: Inverses, poly: Poly) -> Scalar:
    """Look at the equal forms, nearest first; take the least of them."""
    found: list[tuple[Scalar, Poly]] = [(Scalar.of(1), poly)]
    place = 0
    while place < len(found) < FORMS:
        factor, here = found[place]
        place += 1
        for more, there in _moves(known, here):
            if not any(there.equals(p) for _, p in found):
                found.append((factor * more, there))
    factor, least = min(found, key=lambda pair: _size(pair[1]))
    if least.is_scalar or not least.leading():
        return factor * determinant(known, least)
    if len(least.terms) == 1 and len(least.leading()) == 1:
        return factor * _of_letter(known, least.leading()[0])
    return factor * (_without_edges(known, least) or known.determinant_atom(least))


def _moves(known: Inverses, poly: Poly) -> Iterator[tuple[Scalar, Poly]]:
    """Pairs of a factor and a polynomial whose determinants multiply to that of the one given."""
    yield Scalar.of(1), poly.T
    reach = _size(poly)[2] + 4
    for edge, left in _edges(poly):
        inverse = known.known_inverse(Poly.letter(edge))
        if inverse is not None:
            moved = known.rules.reduce(inverse @ poly if left else poly @ inverse)
            if not moved.is_zero and _size(moved)[2] <= reach:
                factor = _of_letter(known, edge)
                yield _monic(known, factor, moved)
    one = poly.terms.get(())
    others = {word: c for word, c in poly.terms.items() if word}
    if one is not None and others:
        for end in (0, -1):
            first = next(iter(others))
            if all(word[end] == first[end] for word in others):
                yield _monic(known, *_sylvester(known, poly, one, end))


def _edges(poly: Poly) -> list[tuple[Letter, bool]]:
    return list(dict.fromkeys(pair for word in poly.terms if word for pair in ((word[0], True), (word[-1], False))))


def _sylvester(known: Inverses, poly: Poly, one: Scalar, end: int) -> tuple[Scalar, Poly]:
    """Bring the letter that is common to all words from one end to the other."""
    moved: dict = {}
    size: Size = poly.shape[0]
    for word, c in poly.terms.items():
        if word:
            turned = (*word[1:], word[0]) if end == 0 else (word[-1], *word[:-1])
            size = turned[0].rows
            scalar, rest = split(turned)
            moved[rest] = moved.get(rest, Scalar.of(0)) + c * scalar
    factor = known.functions.power(one, poly.shape[0] - size)
    moved[()] = moved.get((), Scalar.of(0)) + one
    return factor, Poly({word: c for word, c in moved.items() if not c.is_zero}, (size, size))


def _monic(known: Inverses, factor: Scalar, poly: Poly) -> tuple[Scalar, Poly]:
    if poly.is_scalar:
        return factor * poly.value, Poly.identity(poly.shape[0])
    content = poly.terms[poly.leading()]
    if content.constant == 1:
        return factor, poly
    return factor * known.functions.power(content, poly.shape[0]), poly * (1 / content)


def _size(poly: Poly) -> tuple:
    words = sorted(map(order, poly.terms), reverse=True)
    return (not poly.is_scalar, len(words), sum(length for length, _ in words), str(poly.shape), words, repr(poly))
