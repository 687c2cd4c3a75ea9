"""Derivatives by differentials: every occurrence of the variable in a letter, a word or a scalar, one after the other.

d(S) = -S dM S for the inverse S of M, d tr(W) = tr(dW), d det M = det M · tr(M⁻¹ dM), the product rule for the letters
of a word and for its coefficient, and the chain rule through functions of scalars.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import sympy

from mlpc.verify.expressions import Shape, Size
from mlpc.verify.field import Scalar
from mlpc.verify.functions import inner_derivative
from mlpc.verify.polynomials import Atom
from mlpc.verify.reading import Reader
from mlpc.verify.sums import Summand, summed
from mlpc.verify.words import Letter, Poly, Word, split

Sums = tuple[tuple[sympy.Basic, Size], ...]


@dataclass(frozen=True)
class Occurrence:
    """A term of a differential: the sum of left · dX · right, or left · dXᵀ · right; or left · ds for a scalar s."""

    left: Poly
    right: Poly
    flipped: bool = False
    slope: Poly | None = None
    sums: Sums = ()


class Derivative:
    """Differentiation with respect to one letter, or one scalar.

    Parameters
    ----------
    reader : Reader
        Where the inverses are known.
    variable : Letter or Atom
        A matrix, or a scalar.
    shape : pair of sizes
        Of the variable.
    """

    def __init__(self, reader: Reader, variable: Letter | Atom, shape: Shape) -> None:
        self._reader = reader
        reader.lean("product rule")
        self._variable = variable
        self._shape = shape

    def gradient(self, scalar: Scalar) -> Poly:
        """The G of ds = tr(Gᵀ dX)."""
        result = Poly({}, self._shape)
        for atom in sorted(scalar.atoms(), key=lambda atom: atom.key):
            inner = self._of_atom(atom)
            if inner is not None and not inner.is_zero:
                result = result + inner * scalar.derivative(atom)
        return result

    def _of_atom(self, atom: Atom) -> Poly | None:
        if atom == self._variable:
            return Poly.scalar(Scalar.of(1))
        if atom.kind in ("form", "trace"):
            return self._of_trace(atom.of)
        if atom.kind == "sum":
            of: Summand = atom.of
            return summed(self.gradient(_weight(of)), of.over, of.number)
        if atom.kind == "det":
            self._reader.lean("derivative of log det")
            inverse = self._reader.inverse(atom.of.poly)
            return self._traced(atom.of.poly, inverse) * Scalar.atom(atom)
        function = inner_derivative(atom)
        if function is None:
            return None
        argument, slope = function
        return self.gradient(argument) * slope

    def _of_trace(self, word: Word) -> Poly:
        result = Poly({}, self._shape)
        for i, letter in enumerate(word):
            around = _joined(word[i + 1 :] + word[:i], (letter.columns, letter.rows))
            result = result + self._traced(Poly({(letter,): Scalar.of(1)}, (letter.rows, letter.columns)), around)
        return result

    def _traced(self, poly: Poly, around: Poly) -> Poly:
        """The gradient of tr(P R) where only P moves."""
        result = Poly({}, self._shape)
        for term in self.occurrences(poly):
            if term.slope is not None:
                part = term.slope * (term.left @ around).trace()
            else:
                part = term.right @ around @ term.left
                part = part if term.flipped else part.T
            result = result + _summed(part, term.sums)
        return result

    def jacobian(self, poly: Poly) -> Poly:
        """The J of df = J dx for columns f and x."""
        result = Poly({}, (poly.shape[0], self._shape[0]))
        for term in self.occurrences(poly):
            if term.slope is not None:
                part = term.left @ term.slope.T
            else:
                part = term.left @ term.right.T if term.flipped else term.left * term.right.value
            result = result + _summed(part, term.sums)
        return result

    def along(self, poly: Poly) -> Poly:
        """The derivative of a matrix by a scalar."""
        result = Poly({}, poly.shape)
        for term in self.occurrences(poly):
            assert term.slope is not None
            result = result + _summed(term.left * term.slope.value, term.sums)
        return result

    def occurrences(self, poly: Poly) -> Iterator[Occurrence]:
        """The terms of the differential of a polynomial."""
        for word, c in poly.terms.items():
            slope = self.gradient(c)
            if not slope.is_zero:
                yield Occurrence(Poly({word: Scalar.of(1)}, poly.shape), _unit(poly.shape[1]), slope=slope)
            for i, letter in enumerate(word):
                left = _joined(word[:i], (poly.shape[0], letter.rows)) * c
                right = _joined(word[i + 1 :], (letter.columns, poly.shape[1]))
                for term in self._of_letter(letter):
                    yield _between(left, term, right)

    def _of_letter(self, letter: Letter) -> Iterator[Occurrence]:
        if letter == self._variable:
            yield Occurrence(_unit(letter.rows), _unit(letter.columns))
        elif isinstance(self._variable, Letter) and letter == self._variable.T:
            yield Occurrence(_unit(letter.rows), _unit(letter.columns), flipped=True)
        elif letter.kind == "inverse":
            yield from self._of_inverse(letter)
        elif letter.kind == "part":
            yield from self._of_part(letter)
        elif letter.kind == "total":
            yield from self._of_total(letter)

    def _of_inverse(self, letter: Letter) -> Iterator[Occurrence]:
        own = Poly.letter(letter)
        matrix = self._reader.known_inverse(own)
        self._reader.lean("derivative of the inverse")
        assert matrix is not None
        for term in self.occurrences(matrix):
            yield _between(-own, term, own)

    def _of_part(self, letter: Letter) -> Iterator[Occurrence]:
        """A block of the inverse N of a block matrix M: dN = -N dM N."""
        matrix, inverse, i, j = self._reader.part(letter)
        self._reader.lean("derivative of the inverse")
        for a, row in enumerate(matrix.cells):
            for b, cell in enumerate(row):
                for term in self.occurrences(cell):
                    yield _between(-inverse.cells[i][a], term, inverse.cells[b][j])

    def _of_total(self, letter: Letter) -> Iterator[Occurrence]:
        of: Summand = letter.of
        if letter.transposed:
            for term in self._of_total(letter.T):
                yield _turned(term)
            return
        body = Poly({of.word: _weight(of)}, (letter.rows, letter.columns))
        for term in self.occurrences(body):
            yield replace(term, sums=((of.over, of.number), *term.sums))


def _weight(of: Summand) -> Scalar:
    return of.factor


def _between(left: Poly, term: Occurrence, right: Poly) -> Occurrence:
    if term.slope is not None:
        return replace(term, left=left @ term.left @ right, right=_unit(right.shape[1]))
    return replace(term, left=left @ term.left, right=term.right @ right)


def _turned(term: Occurrence) -> Occurrence:
    if term.slope is not None:
        return replace(term, left=term.left.T, right=_unit(term.left.shape[0]))
    return replace(term, left=term.right.T, right=term.left.T, flipped=not term.flipped)


def _summed(poly: Poly, sums: Sums) -> Poly:
    for over, count in reversed(sums):
        poly = summed(poly, over, count)
    return poly


def _unit(n: Size) -> Poly:
    return Poly.identity(n)


def _joined(word: Word, shape: Shape) -> Poly:
    if not word:
        return Poly.identity(shape[0])
    scalar, rest = split(word)
    return Poly({} if scalar.is_zero else {rest: scalar}, shape)
