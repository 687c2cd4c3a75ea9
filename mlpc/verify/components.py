"""Polynomials entry by entry, where all sizes are numbers: a sum over unit vectors is put between the letters."""

from __future__ import annotations

from itertools import product

import sympy

from mlpc.verify.arithmetic import multiply
from mlpc.verify.field import Scalar
from mlpc.verify.polynomials import Atom
from mlpc.verify.words import Letter, Poly, Word, form, size_scalar

Entries = list[list[Scalar]]

MANY = 20_000  # multiplications


def components(poly: Poly) -> list[Scalar] | None:
    """The entries of a polynomial as polynomials in those of its letters; None if a size is a symbol, or too large.

    >>> from mlpc.verify.expressions import sizes
    >>> A = Poly.letter(Letter("A", sympy.Integer(2), sympy.Integer(2)))
    >>> components(A - A.T)[1]
    (unit0ᵀ A unit1) - (unit0ᵀ Aᵀ unit1)
    """
    words = [*poly.terms, *(word for c in poly.terms.values() for atom in c.atoms() for word in _words(atom))]
    if any(not (letter.rows.is_Integer and letter.columns.is_Integer) for word in words for letter in word):
        return None
    if not all(part.is_Integer for part in poly.shape) or sum(map(_cost, words)) > MANY:
        return None
    rows, columns = (int(part) for part in poly.shape)
    result = [[Scalar.of(0)] * columns for _ in range(rows)]
    for word, c in poly.terms.items():
        factor = c.substitute({atom: _atom(atom) for atom in c.atoms() if _words(atom)})
        entries = _entries(word, rows)
        for i, j in product(range(rows), range(columns)):
            result[i][j] = result[i][j] + factor * entries[i][j]
    return [x for row in result for x in row]


def _words(atom: Atom) -> list[Word]:
    if atom.kind == "det":
        inside = (word for c in atom.of.poly.terms.values() for other in c.atoms() for word in _words(other))
        return [*atom.of.poly.terms, *inside]
    return [atom.of] if atom.kind in ("form", "trace") else []


def _cost(word: Word) -> int:
    return sum(int(word[0].rows) * int(letter.rows) * int(letter.columns) for letter in word) if word else 1


def _entries(word: Word, rows: int) -> Entries:
    if not word:
        return [[Scalar.of(int(i == j)) for j in range(rows)] for i in range(rows)]
    result = _letter(word[0])
    for letter in word[1:]:
        result = multiply(result, _letter(letter))
    return result


def _letter(letter: Letter) -> Entries:
    rows, columns = int(letter.rows), int(letter.columns)
    if letter.kind == "ones":
        return [[Scalar.of(1)] * columns for _ in range(rows)]
    return [
        [form((*_unit(rows, i, True), letter, *_unit(columns, j, False))) for j in range(columns)] for i in range(rows)
    ]


def _unit(n: int, place: int, row: bool) -> Word:
    """A unit vector as a row or as a column; none for a side of size 1."""
    if n == 1:
        return ()
    letter = Letter(f"unit{place}", sympy.Integer(n), sympy.Integer(1), kind="unit", of=sympy.Integer(place))
    return (letter.T if row else letter,)


def _atom(atom: Atom) -> Scalar:
    if atom.kind == "det":
        n = int(atom.of.poly.shape[0])
        entries = components(atom.of.poly) or []
        return _determinant([entries[i : i + n] for i in range(0, n * n, n)])
    word: Word = atom.of
    entries = _entries(word, int(word[0].rows))
    return sum((Scalar.of(0) + entries[i][i] for i in range(len(entries))), start=size_scalar(sympy.Integer(0)))


def _determinant(rows: Entries) -> Scalar:
    """By the first row."""
    if not rows:
        return Scalar.of(1)
    result = Scalar.of(0)
    for j, x in enumerate(rows[0]):
        result = result + (-1) ** j * x * _determinant([row[:j] + row[j + 1 :] for row in rows[1:]])
    return result
