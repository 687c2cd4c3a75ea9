"""Sums over data: linear, with what does not depend on the index pulled out, and the rest kept as a letter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

import sympy

from mlpc.verify.expressions import Size
from mlpc.verify.field import Scalar
from mlpc.verify.polynomials import Atom, Monomial, quotient_and_rest
from mlpc.verify.words import Letter, Poly, Word, cyclic, form, order, size_scalar, split, transposed


class Summand(NamedTuple):
    """What a letter or an atom is the sum of: a word times a weight, over an index up to a size."""

    word: Word
    weight: Monomial
    below: frozenset[Any]
    over: sympy.Basic
    number: Size

    def __repr__(self) -> str:
        parts = [repr(Scalar({self.weight: Fraction(1)}, dict(self.below)))] if self.weight or self.below else []
        return f"Σ_{self.over}≤{self.number} " + " ".join([*parts, *map(repr, self.word)])

    @property
    def factor(self) -> Scalar:
        """The weight as a scalar."""
        return Scalar({self.weight: Fraction(1)}, dict(self.below))


def summed(poly: Poly, over: sympy.Basic, count: Size) -> Poly:
    """Sum a polynomial over an index that its letters and coefficients may carry."""
    result = Poly({}, poly.shape)
    for word, monomial, number, factors in _proper_terms(poly, over):
        outside, weight, below = _parted(monomial, factors, over)
        result = result + _summed_word(word, Summand((), weight, below, over, count), poly) * (outside * number)
    return result


def _proper_terms(poly: Poly, over: sympy.Basic) -> Iterator[tuple[Word, Monomial, Fraction, dict[Any, int]]]:
    """The terms, once what depends on the index is divided out: y e / (1 + e) is y - y / (1 + e)."""
    for word, c in poly.terms.items():
        work = [c]
        while work:
            terms, factors = (part := work.pop()).terms, part.factors
            bound = [f for f in factors if any(over in indices(atom) for m, _ in f for atom, _ in m)]
            quotient, rest = quotient_and_rest(terms, dict(bound[0])) if len(bound) == 1 else ({}, terms)
            if quotient:
                lower = {f: e - (f == bound[0]) for f, e in factors.items() if e - (f == bound[0])}
                work.append(Scalar(quotient, lower))
            yield from ((word, monomial, number, factors) for monomial, number in rest.items())


def _parted(monomial: Monomial, factors: dict[Any, int], over: sympy.Basic) -> tuple[Scalar, Monomial, frozenset[Any]]:
    """Part a term of a coefficient: what is free of the index, and what depends on it."""
    weight = frozenset((atom, e) for atom, e in monomial if over in indices(atom))
    below = frozenset((f, e) for f, e in factors.items() if any(over in indices(atom) for m, _ in f for atom, _ in m))
    outside = Scalar({monomial - weight: Fraction(1)}, {f: e for f, e in factors.items() if (f, e) not in below})
    return outside, weight, below


def _summed_word(word: Word, of: Summand, poly: Poly) -> Poly:
    start, end = 0, len(word)
    while start < end and of.over not in letter_indices(word[start]):
        start += 1
    while end > start and of.over not in letter_indices(word[end - 1]):
        end -= 1
    core = word[start:end]
    if not core:
        return Poly({word: _summed_scalar(of)}, poly.shape)
    head, core, tail, of = _with_linear_form(word[:start], core, word[end:], of)
    coefficient, joined = split((*head, _letter(of._replace(word=core)), *tail))
    return Poly({joined: coefficient}, poly.shape)


def _with_linear_form(head: Word, core: Word, tail: Word, of: Summand) -> tuple[Word, Word, Word, Summand]:
    """Move one linear form of the weight next to a core that is a vector: Σ (xᵀa) x = (Σ x xᵀ) a."""
    for atom, e in sorted(of.weight, key=lambda pair: pair[0].key):
        if atom.kind != "form" or e != 1:
            continue
        for candidate in (atom.of, transposed(atom.of)):
            dependent = [i for i, letter in enumerate(candidate) if of.over in letter_indices(letter)]
            rest = of._replace(weight=of.weight - {(atom, e)})
            if core[-1].columns == 1 and not tail and dependent[0] == 0 and dependent[-1] < len(candidate) - 1:
                cut = dependent[-1] + 1
                return head, core + candidate[:cut], candidate[cut:], rest
            if core[0].rows == 1 and not head and dependent[-1] == len(candidate) - 1 and dependent[0] > 0:
                cut = dependent[0]
                return candidate[:cut], candidate[cut:] + core, tail, rest
    return head, core, tail, of


def _summed_scalar(of: Summand) -> Scalar:
    """Sum the weight alone: through the matrix in its quadratic or bilinear form, if it has one."""
    if not of.weight and not of.below:
        return size_scalar(of.number)
    forms = [atom for atom, e in of.weight for _ in range(e) if atom.kind in ("form", "trace") and len(atom.of) > 1]
    rest = frozenset((atom, e) for atom, e in of.weight if atom not in forms)
    if len(forms) == 1:
        return _through_trace(forms[0], of._replace(weight=rest)) or _plain(of)
    if len(forms) == 2:
        return _bilinear(forms, of._replace(weight=rest)) or _plain(of)
    return _plain(of)


def _plain(of: Summand) -> Scalar:
    return Scalar.atom(Atom("sum", _canonical(of)))


def _through_trace(atom: Atom, of: Summand) -> Scalar | None:
    """Σ xᵀAx = tr(A Σ x xᵀ), where the letters that depend on the index follow each other."""
    word: Word = atom.of
    for candidate in (word, transposed(word)):
        for i in range(len(candidate)):
            turned = candidate[i:] + candidate[:i]
            depends = [of.over in letter_indices(letter) for letter in turned]
            first = depends.index(False) if False in depends else len(turned)
            closed = atom.kind == "trace" or i > 0 or first < len(turned)
            if all(depends[:first]) and not any(depends[first:]) and closed:
                letter = _letter(of._replace(word=turned[:first]))
                return cyclic((letter, *turned[first:]), letter.rows)
    return None


def _bilinear(forms: list[Atom], of: Summand) -> Scalar | None:
    """Σ (aᵀx)(yᵀb) = aᵀ (Σ x yᵀ) b."""
    pieces = []
    for atom in forms:
        for candidate in (atom.of, transposed(atom.of)):
            depends = [of.over in letter_indices(letter) for letter in candidate]
            cut = depends.index(True) if True in depends else 0
            if cut and all(depends[cut:]):
                pieces.append((candidate[:cut], candidate[cut:]))
                break
    if len(pieces) < 2:
        return None
    (left, x), (right, y) = pieces
    return form((*left, _letter(of._replace(word=x + transposed(y))), *transposed(right)))


def _letter(of: Summand) -> Letter:
    """The letter of a sum, one for a summand and its transpose."""
    of = _canonical(of)
    turned = transposed(of.word)
    flipped = order(turned) < order(of.word)
    least = of._replace(word=min(of.word, turned, key=order))
    letter = Letter(
        f"({least!r})",
        least.word[0].rows,
        least.word[-1].columns,
        kind="total",
        of=least,
        symmetric=of.word == turned,
    )
    return letter.T if flipped else letter


def _canonical(of: Summand) -> Summand:
    """Give the index the name that every sum of this depth has, unless a function of it stands in the weight."""
    atoms = [atom for atom, _ in of.weight] + [atom for f, _ in of.below for m, _ in f for atom, _ in m]
    if any(atom.kind not in ("form", "trace", "symbol", "sum") for atom in atoms):
        return of
    depth = 1 + max([0, *(_depth(letter) for letter in of.word), *(_depth_of(atom) for atom in atoms)])
    name = sympy.Symbol(f"#{depth}")
    return Summand(
        tuple(renamed(letter, of.over, name) for letter in of.word),
        _renamed_monomial(of.weight, of.over, name),
        frozenset((frozenset((_renamed_monomial(m, of.over, name), c) for m, c in f), e) for f, e in of.below),
        name,
        of.number,
    )


def _renamed_monomial(monomial: Monomial, over: sympy.Basic, name: sympy.Basic) -> Monomial:
    return frozenset((_renamed_atom(atom, over, name), e) for atom, e in monomial)


def _renamed_atom(atom: Atom, over: sympy.Basic, name: sympy.Basic) -> Atom:
    if over not in indices(atom):
        return atom
    if atom.kind == "symbol":
        return Atom("symbol", name)
    if atom.kind == "sum":
        return Atom("sum", _renamed_summand(atom.of, over, name))
    word = tuple(renamed(letter, over, name) for letter in atom.of)
    value = form(word) if atom.kind == "form" else cyclic(word, word[0].rows)
    return next(iter(value.atoms()))


def renamed(letter: Letter, over: sympy.Basic, name: sympy.Basic) -> Letter:
    """The letter with another index."""
    if over not in letter_indices(letter):
        return letter
    if letter.kind == "given":
        places, declared = letter.of
        return replace(letter, of=(tuple(place.subs(over, name) for place in places), declared))
    if letter.kind == "total":
        return replace(letter, of=_renamed_summand(letter.of, over, name))
    return letter


def _renamed_summand(of: Summand, over: sympy.Basic, name: sympy.Basic) -> Summand:
    return of._replace(
        word=tuple(renamed(letter, over, name) for letter in of.word),
        weight=_renamed_monomial(of.weight, over, name),
    )


def letter_indices(letter: Letter) -> frozenset[Any]:
    """The indices that a letter depends on."""
    if letter.kind == "given":
        places = letter.of[0] if letter.of else ()
        return frozenset(symbol for place in places for symbol in place.free_symbols)
    if letter.kind == "total":
        return _summand_indices(letter.of)
    return letter.of[1] if letter.kind == "inverse" else frozenset()


def indices(atom: Atom) -> frozenset[Any]:
    """The indices, and the scalar letters, that an atom depends on."""
    if atom.kind == "symbol":
        return frozenset((atom.of,))
    if atom.kind in ("form", "trace"):
        return frozenset().union(*map(letter_indices, atom.of))
    if atom.kind == "sum":
        return _summand_indices(atom.of)
    if atom.kind == "det":
        return poly_indices(atom.of.poly)
    inner = atom.of.radicand if atom.kind == "root" else atom.of.value
    return frozenset().union(*map(indices, inner.atoms()))


def _summand_indices(of: Summand) -> frozenset[Any]:
    atoms = [atom for atom, _ in of.weight] + [atom for f, _ in of.below for m, _ in f for atom, _ in m]
    return frozenset().union(*map(letter_indices, of.word), *map(indices, atoms)) - {of.over}


def poly_indices(poly: Poly) -> frozenset[Any]:
    """The indices that a polynomial depends on."""
    letters = frozenset().union(*(letter_indices(letter) for word in poly.terms for letter in word))
    return letters.union(*(indices(atom) for c in poly.terms.values() for atom in c.atoms()))


def _depth(letter: Letter) -> int:
    return _name_depth(letter.of.over) if letter.kind == "total" else 0


def _depth_of(atom: Atom) -> int:
    if atom.kind == "sum":
        return _name_depth(atom.of.over)
    return max([0, *map(_depth, atom.of)]) if atom.kind in ("form", "trace") else 0


def _name_depth(name: sympy.Basic) -> int:
    return int(str(name)[1:]) if str(name).startswith("#") else 0
