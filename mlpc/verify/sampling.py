"""Random rational matrices with properties: symmetric, positive definite, orthogonal, diagonal."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import sympy

from mlpc.verify import arithmetic
from mlpc.verify.arithmetic import CONTEXT, Dual, Matrix, Number, Singular
from mlpc.verify.evaluation import evaluate, size
from mlpc.verify.expressions import SCALAR, Expression

LARGEST = 99  # of the integers drawn


class Sample:
    """One choice of all letters, each with its properties, made as they are asked for.

    Parameters
    ----------
    sizes : dict
        Symbol to number.
    source : random.Random
        Of the integers.
    digits : int
        After the decimal point: integers up to 99 for none, else a digit at the last place, such that exponentials stay
        of the order of one.
    """

    def __init__(
        self,
        sizes: dict[sympy.Basic, int],
        source: random.Random,
        digits: int = 0,
    ) -> None:
        self.sizes = sizes
        self._digits = digits
        self.source = source
        self.computed: dict[Any, Any] = {}
        self._letters: dict[tuple[Expression, tuple[int, ...]], Matrix] = {}
        self._symbols: dict[sympy.Basic, Number] = {}
        self._properties: dict[Expression, set[str]] = {}
        self._definitions: dict[Expression, Expression] = {}
        self._moved: dict[Expression, Matrix] = {}

    @property
    def exact(self) -> bool:
        """Whether all that was computed so far is rational."""
        matrices = (value for value in self.computed.values() if isinstance(value, list))
        return all(isinstance(x, Fraction) for matrix in matrices for row in matrix for x in row)

    def number(self) -> Fraction:
        """A random integer, or a random digit at the last place."""
        largest = 9 if self._digits else LARGEST
        return Fraction(self.source.randint(-largest, largest), 10**self._digits)

    def letter(self, letter: Expression, places: tuple[int, ...] = ()) -> Matrix:
        """The matrix that a letter stands for; if it was moved, in dual numbers."""
        value = self._value(letter, places)
        if letter in self._moved:
            slopes = self._moved[letter]
            return [[Dual(x, h) for x, h in zip(*rows, strict=True)] for rows in zip(value, slopes, strict=True)]
        return value

    def _value(self, letter: Expression, places: tuple[int, ...]) -> Matrix:
        key = (base(letter), places)
        if key not in self._letters:
            if key[0] in self._definitions:
                self._letters[key] = evaluate(self._definitions[key[0]], self)
            else:
                self._letters[key] = self._drawn(letter)
        return self._letters[key]

    def symbol(self, symbol: sympy.Basic) -> Number:
        """The number that a scalar stands for."""
        if isinstance(symbol, sympy.NumberSymbol):
            return CONTEXT.mpf(sympy.N(symbol, CONTEXT.dps + 5))
        node = Expression("symbol", (), SCALAR, symbol)
        if node in self._definitions:
            self._symbols[symbol] = evaluate(self._definitions[node], self)[0][0]
        if symbol not in self._symbols:
            number = Fraction(self.source.randint(1, 9 if self._digits else LARGEST), self.source.randint(1, 9))
            self._symbols[symbol] = number if symbol.is_positive or self.source.random() < 0.5 else -number  # type: ignore[attr-defined]
        value = self._symbols[symbol]
        moved = self._moved.get(node)
        return Dual(value, moved[0][0]) if moved else value

    @contextmanager
    def moved(self, letter: Expression, direction: Matrix) -> Iterator[None]:
        """Let a letter be what it is plus ε times a direction; what was defined through it stays."""
        evaluate(letter, self)
        fixed, self._moved, self.computed = self.computed, {letter: direction}, {}
        try:
            yield
        finally:
            self._moved, self.computed = {}, fixed

    def shape(self, expression: Expression) -> tuple[int, int]:
        """The shape in numbers."""
        rows, columns = (size(part, self) for part in expression.shape)
        return rows, columns

    def matrix(self, rows: int, columns: int) -> Matrix:
        """A random matrix."""
        return [[self.number() for _ in range(columns)] for _ in range(rows)]

    def properties(self, letter: Expression) -> set[str]:
        """What a letter is declared to be."""
        return set(letter.data[1]) | self._properties.get(base(letter), set())

    def _drawn(self, letter: Expression) -> Matrix:
        """A random matrix with the properties of a letter."""
        properties = self.properties(letter)
        rows, columns = self.shape(letter)
        square = self.matrix(rows, columns)
        if {"orthogonal", "positive"} <= properties:
            return arithmetic.identity(rows)
        if {"orthogonal", "diagonal"} <= properties:
            return [
                [x if x == 0 else Fraction(self.source.choice((-1, 1))) for x in row]
                for row in arithmetic.identity(rows)
            ]
        if "diagonal" in properties:
            least = 1 if "positive" in properties else -LARGEST
            return arithmetic.multiply(
                arithmetic.identity(rows),
                [
                    [Fraction(self.source.randint(least, LARGEST) or 1) if i == j else Fraction(0) for j in range(rows)]
                    for i in range(rows)
                ],
            )
        if "orthogonal" in properties:
            return self.orthogonal(rows, symmetric="symmetric" in properties)
        if "positive" in properties:
            return arithmetic.add(arithmetic.multiply(square, arithmetic.transpose(square)), arithmetic.identity(rows))
        if "symmetric" in properties:
            return arithmetic.add(square, arithmetic.transpose(square))
        return square

    def orthogonal(self, n: int, symmetric: bool = False) -> Matrix:
        """By Cayley's transform of a skew matrix; a reflection if it must be symmetric. Half of them mirror space."""
        one = arithmetic.identity(n)
        if symmetric:
            v = self.matrix(n, 1)
            square = arithmetic.multiply(arithmetic.transpose(v), v)[0][0]
            if not square:
                raise Singular("the vector of a reflection is zero")
            return arithmetic.add(one, arithmetic.scale(-2 / square, arithmetic.multiply(v, arithmetic.transpose(v))))
        half = [[Fraction(self.source.randint(-9, 9)) for _ in range(n)] for _ in range(n)]
        skew = arithmetic.add(half, arithmetic.scale(Fraction(-1), arithmetic.transpose(half)))
        minus = arithmetic.add(one, arithmetic.scale(Fraction(-1), skew))
        rotation = arithmetic.multiply(minus, arithmetic.inverse(arithmetic.add(one, skew)))
        if self.source.random() < 0.5:
            rotation[0] = [-x for x in rotation[0]]
        return rotation


def base(letter: Expression) -> Expression:
    """A letter without its index."""
    name, declared, places = letter.data
    return Expression("letter", (), letter.shape, (name, declared, ())) if places else letter


def letters(expression: Expression) -> list[Expression]:
    """The letters and scalars in an expression."""
    return list(dict.fromkeys(part for part in expression.subexpressions() if part.op in ("letter", "symbol")))
