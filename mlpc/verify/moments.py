"""Expectations of polynomials in random vectors, from means and covariances: by pairs, as for a Gaussian."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from mlpc.verify.blocks import Blocks
from mlpc.verify.expressions import Expression
from mlpc.verify.field import Scalar
from mlpc.verify.polynomials import Atom
from mlpc.verify.sums import Summand
from mlpc.verify.words import Letter, Poly, Word, accumulate, cyclic, form, split, transposed

if TYPE_CHECKING:
    from mlpc.verify.reading import Reader


class Product(NamedTuple):
    """A term as columns: 1 × 1 words, and the two halves that meet at an interface of size 1, or one whole word."""

    forms: tuple[Word, ...]
    halves: tuple[Word | None, Word | None]
    whole: Word
    coefficient: Scalar


class Law(NamedTuple):
    """The letters that stand for a random vector, its mean, its deviation and its covariance."""

    x: Letter
    mean: Letter
    deviation: Letter
    covariance: Letter


def expected(reader: Reader, expression: Expression) -> Blocks:
    """Take the expectation over one vector after the other."""
    value, *laws = expression.args
    result = reader.read(value)
    for x, mean, covariance in zip(laws[::3], laws[1::3], laws[2::3], strict=True):
        (word,) = reader.poly(x).terms or ((),)
        if x.op != "letter" or len(word) != 1 or x.shape[0] == 1:
            raise ValueError(f"expectation(): {x} is not a vector letter")
        law = _law(word[0])
        moments = {law.mean: reader.poly(mean), law.covariance: reader.poly(covariance)}
        reader.suppose(f"{x} has mean {mean} and covariance {covariance}")
        result = result.map(lambda poly, law=law, moments=moments: substituted(_averaged(reader, poly, law), moments))
    return result


def _law(x: Letter) -> Law:
    n = x.rows
    return Law(
        x,
        Letter(f"mean {x.name}", n, x.columns, kind="mean", of=x),
        Letter(f"deviation {x.name}", n, x.columns, kind="deviation", of=x),
        Letter(f"covariance {x.name}", n, n, kind="covariance", of=x, symmetric=True),
    )


def _averaged(reader: Reader, poly: Poly, law: Law) -> Poly:
    result = Poly({}, poly.shape)
    for word, c in poly.terms.items():
        for factor in c.factors:
            if any(_occurs(atom, law.x) for monomial, _ in factor for atom, _ in monomial):
                raise ValueError(f"expectation(): {law.x} occurs in a denominator")
        for monomial, number in c.terms.items():
            forms = tuple(
                atom.of for atom, e in monomial for _ in range(e) if atom.kind == "form" and _occurs(atom, law.x)
            )
            rest = frozenset((atom, e) for atom, e in monomial if not (atom.kind == "form" and _occurs(atom, law.x)))
            if any(_occurs(atom, law.x) for atom, _ in rest) or any(_hidden(letter, law.x) for letter in word):
                raise ValueError(f"expectation(): the value is no polynomial in {law.x}")
            term = Product(forms, *_halves(word), Scalar({rest: number}, c.factors))
            result = result + _mean(reader, term, law, poly)
    return result


def _occurs(atom: Atom, x: Letter) -> bool:
    if atom.kind in ("form", "trace"):
        return any(letter in (x, x.T) or _hidden(letter, x) for letter in atom.of)
    if atom.kind == "symbol":
        return False
    if atom.kind == "sum":
        return _summand_has(atom.of, x)
    if atom.kind == "det":
        poly = atom.of.poly
        return any(letter in (x, x.T) or _hidden(letter, x) for word in poly.terms for letter in word)
    inner = atom.of.radicand if atom.kind == "root" else atom.of.value
    return any(_occurs(other, x) for other in inner.atoms())


def _hidden(letter: Letter, x: Letter) -> bool:
    """Whether a letter is made of the random vector in a way that is not followed."""
    if letter.kind == "total":
        return _summand_has(letter.of, x)
    return letter.kind in ("inverse", "part") and x.name in letter.name


def _summand_has(of: Summand, x: Letter) -> bool:
    inside = any(letter in (x, x.T) or _hidden(letter, x) for letter in of.word)
    return inside or any(_occurs(atom, x) for atom, _ in of.weight)


def _halves(word: Word) -> tuple[tuple[Word | None, Word | None], Word]:
    """Cut a word where its interface has size 1, both parts written as columns."""
    if word and word[0].rows == 1:
        return (None, transposed(word)), ()
    for i, letter in enumerate(word, 1):
        if letter.columns == 1:
            return (word[:i], transposed(word[i:]) or None), ()
    return (None, None), word


def _mean(reader: Reader, term: Product, law: Law, poly: Poly) -> Poly:
    """Put mean + deviation for the vector, and pair off the deviations."""
    result = Poly({}, poly.shape)
    words = [*term.forms, *(half for half in term.halves if half)]
    places = [(i, j) for i, word in enumerate(words) for j, letter in enumerate(word) if letter in (law.x, law.x.T)]
    for choice in product((law.mean, law.deviation), repeat=len(places)):
        degree = choice.count(law.deviation)
        if degree % 2:
            continue
        if degree > 4:
            raise ValueError("expectation(): only polynomials up to degree 4 are understood")
        if degree == 4 or len(places) > 2:
            reader.suppose(f"{law.x} Gaussian")
            reader.lean("Gaussian moments")
        changed = [list(word) for word in words]
        for (i, j), letter in zip(places, choice, strict=True):
            changed[i][j] = letter.T if changed[i][j].rows == 1 else letter
        filled = [tuple(word) for word in changed]
        halves = iter(filled[len(term.forms) :])
        placed = tuple(next(halves) if half else None for half in term.halves)
        forms = tuple(filled[: len(term.forms)])
        result = result + _paired(term._replace(forms=forms, halves=placed), law, poly)
    return result


def _paired(term: Product, law: Law, poly: Poly) -> Poly:
    """Sum over the ways to pair the first deviation with another one."""
    ends = [
        (i, end)
        for i, word in enumerate(term.forms)
        for end in (0, -1)
        if word[end] in (law.deviation, law.deviation.T)
    ]
    tips = [i for i, half in enumerate(term.halves) if half and half[-1] == law.deviation]
    if not ends and not tips:
        return _closed(term, poly)
    result = Poly({}, poly.shape)
    if not ends:
        left, right = term.halves
        assert left
        assert right
        whole = (*left[:-1], law.covariance, *transposed(right[:-1]))
        return _closed(term._replace(halves=(None, None), whole=whole), poly)
    (i, end), *others = ends
    forms = [word for k, word in enumerate(term.forms) if k != i]
    first = term.forms[i] if end == -1 else transposed(term.forms[i])
    if first[0] == law.deviation.T:
        inner = cyclic((*first[1:-1], law.covariance), law.covariance.rows)
        result += _paired(term._replace(forms=tuple(forms), coefficient=term.coefficient * inner), law, poly)
    for j, other in others:
        if j != i:
            second = term.forms[j] if other == -1 else transposed(term.forms[j])
            joined = (*first[:-1], law.covariance, *transposed(second[:-1]))
            rest = [word for k, word in enumerate(term.forms) if k not in (i, j)]
            result += _paired(term._replace(forms=(*rest, joined)), law, poly)
    for j in tips:
        half = term.halves[j]
        assert half
        grown = (*half[:-1], law.covariance, *transposed(first[:-1]))
        halves = tuple(grown if k == j else h for k, h in enumerate(term.halves))
        result += _paired(term._replace(forms=tuple(forms), halves=halves), law, poly)
    return result


def _closed(term: Product, poly: Poly) -> Poly:
    coefficient = term.coefficient
    for word in term.forms:
        coefficient = coefficient * form(word)
    left, right = term.halves
    scalar, word = split((left or ()) + transposed(right or ()) or term.whole)
    return Poly({word: coefficient * scalar}, poly.shape) if not coefficient.is_zero else Poly({}, poly.shape)


def substituted(poly: Poly, values: dict[Letter, Poly]) -> Poly:
    """Put polynomials in the place of letters, in words and in scalars."""
    result: dict[Word, Scalar] = {}
    for word, c in poly.terms.items():
        atoms = {atom: _atom_value(atom, values) for atom in c.atoms() if atom.kind in ("form", "trace")}
        factor = c.substitute({atom: value for atom, value in atoms.items() if value is not None})
        for other, d in _word_value(word, values, poly).terms.items():
            accumulate(result, other, d * factor)
    return Poly(result, poly.shape)


def _word_value(word: Word, values: dict[Letter, Poly], poly: Poly) -> Poly:
    if not word:
        return Poly({(): Scalar.of(1)}, poly.shape)
    result = None
    for letter in word:
        part = values[letter] if letter in values else values[letter.T].T if letter.T in values else Poly.letter(letter)
        result = part if result is None else result @ part
    assert result is not None
    return result


def _atom_value(atom: Atom, values: dict[Letter, Poly]) -> Scalar | None:
    word: Word = atom.of
    if not any(letter in values or letter.T in values for letter in word):
        return None
    return _word_value(word, values, Poly({}, (word[0].rows, word[-1].columns))).trace()
