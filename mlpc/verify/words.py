"""Polynomials in non-commuting letters, with coefficients in a commutative field.

A product that runs through an interface of size 1 splits there: what stands between two such interfaces is a scalar
and moves into the coefficient. So a word never holds a 1 × 1 factor, and a 1 × 1 polynomial has the empty word only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import sympy

from mlpc.verify.expressions import Shape, Size, same_shape, same_size
from mlpc.verify.field import Scalar
from mlpc.verify.polynomials import Atom

Word = tuple["Letter", ...]
Key = tuple[int, tuple[tuple[int, str, bool], ...]]


@dataclass(frozen=True)
class Letter:
    """A matrix that products are made of.

    Attributes
    ----------
    name : str
        For reading; letters are equal when the whole record is.
    rows, columns : sizes
        Its shape.
    kind : str
        "given", "inverse", "total" (a sum over data), "direction" (of a derivative), "unit", "ones", "part" (of the
        inverse of a block matrix).
    of : hashable
        What tells letters of the same name apart: indices, properties, the summand of a total.
    symmetric, transposed : bool
        A symmetric letter is its own transpose; the others have `transposed` turned over.
    rank : int
        Letters of larger rank are larger in the order of words.
    """

    name: str
    rows: Size
    columns: Size
    kind: str = "given"
    of: Any = None
    symmetric: bool = False
    transposed: bool = False
    rank: int = 0

    @cached_property
    def _hash(self) -> int:
        return hash((self.name, self.kind, self.of, self.rows, self.columns, self.transposed))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def T(self) -> Letter:
        """The transpose."""
        if self.symmetric or self.rows == self.columns == 1:
            return self
        return replace(self, rows=self.columns, columns=self.rows, transposed=not self.transposed)

    @cached_property
    def key(self) -> tuple[int, str, bool]:
        """What letters are sorted by."""
        return (self.rank, f"{self.name} {self.kind} {self.of} {self.rows} {self.columns}", self.transposed)

    def __repr__(self) -> str:
        return self.name + ("ᵀ" if self.transposed else "")


def transposed(word: Word) -> Word:
    """The transpose of a word."""
    return tuple(letter.T for letter in reversed(word))


def order(word: Word) -> Key:
    """Longer words are larger; equal lengths compare letter by letter."""
    return (len(word), tuple(letter.key for letter in word))


def split(word: Word) -> tuple[Scalar, Word]:
    """Take the scalars out of a word: what stands between its first and its last interface of size 1."""
    interfaces = [0] if word and word[0].rows == 1 else []
    interfaces += [i for i, letter in enumerate(word, 1) if letter.columns == 1]
    if len(interfaces) < 2:
        return _ONE, word
    coefficient = _ONE
    for start, end in pairwise(interfaces):
        coefficient = coefficient * form(word[start:end])
    return coefficient, word[: interfaces[0]] + word[interfaces[-1] :]


def form(word: Word) -> Scalar:
    """The scalar that a 1 × 1 word is, the same for the word and its transpose."""
    first, last = word[0], word[-1]
    if len(word) == 2 and first.kind == last.kind == "unit":
        difference = sympy.sympify(first.of) - sympy.sympify(last.of)
        if difference.is_number:
            return Scalar.of(int(difference == 0))
    if len(word) == 2 and first.kind == last.kind == "ones":
        return size_scalar(first.columns)
    if len(word) == 2 and {first.kind, last.kind} == {"unit", "ones"}:
        return _ONE
    return Scalar.atom(Atom("form", min(word, transposed(word), key=order)))


def cyclic(word: Word, rows: Size) -> Scalar:
    """The trace of a word, the same for its rotations and their transposes."""
    if not word:
        return size_scalar(rows)
    for i, letter in enumerate(word):
        if letter.rows == 1:
            return split(word[i:] + word[:i])[0]
    return Scalar.atom(Atom("trace", min(rotations(word), key=order)))


def rotations(word: Word) -> list[Word]:
    """The words with the same trace."""
    turned = [word[i:] + word[:i] for i in range(len(word))]
    return [*turned, *(transposed(other) for other in turned)]


def size_scalar(size: Size) -> Scalar:
    """A size as a scalar, such as the trace of an identity."""
    result = Scalar.of(0)
    for monomial, c in sympy.Poly(size, *sorted(size.free_symbols, key=str)).terms() if size.free_symbols else ():
        term = Scalar.of(int(c))
        for symbol, exponent in zip(sorted(size.free_symbols, key=str), monomial, strict=True):
            term = term * Scalar.atom(Atom("symbol", symbol)) ** exponent
        result = result + term
    return result if size.free_symbols else Scalar.of(int(size))


_ONE = Scalar.of(1)


class Poly:
    """A matrix: non-zero coefficients of words that all have the same outer shape.

    Examples
    --------
    >>> from mlpc.verify.expressions import sizes
    >>> n = sizes("n")
    >>> A, B = (Poly.letter(Letter(name, n, n)) for name in "AB")
    >>> (A + B) @ (A - B)
    A A - A B + B A - B B
    """

    __slots__ = ("shape", "terms")

    def __init__(self, terms: Mapping[Word, Scalar], shape: Shape) -> None:
        self.terms = terms
        self.shape = shape

    @classmethod
    def letter(cls, letter: Letter) -> Poly:
        """A letter as a polynomial."""
        return cls.word((letter,), (letter.rows, letter.columns))

    @classmethod
    def word(cls, word: Word, shape: Shape) -> Poly:
        """A word as a polynomial, its scalars taken out."""
        coefficient, rest = split(word)
        return cls({} if coefficient.is_zero else {rest: coefficient}, shape)

    @classmethod
    def identity(cls, n: Size) -> Poly:
        """The identity."""
        return cls({(): _ONE}, (n, n))

    @classmethod
    def scalar(cls, value: Scalar) -> Poly:
        """A scalar as a 1 × 1 polynomial."""
        return cls({} if value.is_zero else {(): value}, (sympy.Integer(1), sympy.Integer(1)))

    @property
    def is_zero(self) -> bool:
        """Whether no word is left."""
        return not self.terms

    @property
    def is_scalar(self) -> bool:
        """Whether the shape is 1 × 1."""
        return self.shape == (1, 1)

    @property
    def is_square(self) -> bool:
        """Whether both sizes are equal."""
        return same_size(*self.shape)

    @property
    def value(self) -> Scalar:
        """The scalar that a 1 × 1 polynomial is."""
        return self.terms.get((), Scalar.of(0))

    def equals(self, other: Poly) -> bool:
        """Whether shapes, words and coefficients are the same."""
        if not same_shape(self.shape, other.shape) or self.terms.keys() != other.terms.keys():
            return False
        return all((c - other.terms[word]).is_zero for word, c in self.terms.items())

    def leading(self) -> Word:
        """The largest word."""
        return max(self.terms, key=order)

    def __add__(self, other: Poly) -> Poly:
        assert same_shape(self.shape, other.shape), (self, other)
        terms = dict(self.terms)
        for word, c in other.terms.items():
            accumulate(terms, word, c)
        return Poly(terms, self.shape)

    def __neg__(self) -> Poly:
        return Poly({word: -c for word, c in self.terms.items()}, self.shape)

    def __sub__(self, other: Poly) -> Poly:
        return self + -other

    def __mul__(self, factor: Scalar) -> Poly:
        if factor.is_zero:
            return Poly({}, self.shape)
        return Poly({word: c * factor for word, c in self.terms.items()}, self.shape)

    def __matmul__(self, other: Poly) -> Poly:
        assert same_size(self.shape[1], other.shape[0]), (self, other)
        terms: dict[Word, Scalar] = {}
        for left, c in self.terms.items():
            for right, d in other.terms.items():
                scalar, word = split(left + right)
                accumulate(terms, word, scalar * c * d)
        return Poly(terms, (self.shape[0], other.shape[1]))

    @property
    def T(self) -> Poly:
        """The transpose."""
        return Poly({transposed(word): c for word, c in self.terms.items()}, (self.shape[1], self.shape[0]))

    def trace(self) -> Scalar:
        """The trace, as a scalar."""
        return sum((c * cyclic(word, self.shape[0]) for word, c in self.terms.items()), start=Scalar.of(0))

    def __repr__(self) -> str:
        if self.is_scalar:
            return repr(self.value)
        texts = []
        for word in sorted(self.terms, key=order):
            c = self.terms[word]
            number = {"1": "", "-1": "-"}.get(repr(c), f"{c!r} " if c.constant else f"({c!r}) ")
            texts.append(number + (" ".join(map(repr, word)) or "1"))
        return " + ".join(texts).replace("+ -", "- ") or "0"


def accumulate(terms: dict[Word, Scalar], word: Word, coefficient: Scalar) -> None:
    """Add to a coefficient; a zero leaves the map."""
    value = terms[word] + coefficient if word in terms else coefficient
    if value.is_zero:
        terms.pop(word, None)
    else:
        terms[word] = value
