"""Matrices of exact entries, integers or polynomials, on which a claim can be tried at a fixed size.

Inverses go through adjugate and determinant, and the determinants stay apart, as factors with exponents, until a sum
multiplies out those that differ: no gcd is ever taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, count
from math import prod
from random import Random
from typing import Any

from sympy import ZZ, symbols
from sympy.polys.matrices import DomainMatrix

LARGEST = 10**6  # of the integers drawn

Sizes = Mapping[str, int]
Side = Callable[..., Any]  # the matrices by name -> one side of a claim, an Exact or a list of them


class SingularError(ArithmeticError):
    """A matrix to be inverted has determinant zero."""


@dataclass(frozen=True, eq=False)
class Exact:
    """The matrix Π xᵉ · entries, for the pairs x: e of `factors`; a scalar is a 1 × 1 matrix.

    Examples
    --------
    >>> A = Exact.of([[1, 2], [3, 4]], ZZ)
    >>> (A.inv @ A).equals(A.one)
    True
    """

    entries: DomainMatrix
    factors: Mapping[Any, int] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]], domain: Any) -> Exact:
        """Return the matrix with these rows, over a domain of SymPy."""
        shape = (len(rows), len(rows[0]))
        return cls(DomainMatrix([[domain.convert(x) for x in row] for row in rows], shape, domain))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.entries.shape

    @property
    def domain(self) -> Any:
        """Where the entries live."""
        return self.entries.domain

    @property
    def T(self) -> Exact:
        """The transpose."""
        return Exact(self.entries.transpose(), self.factors)

    @cached_property
    def inv(self) -> Exact:
        """The inverse; `SingularError` if there is none."""
        adjugate, det = self.entries.adj_det()
        if not det:
            raise SingularError(f"a matrix of shape {self.shape} that the claim inverts is singular")
        return Exact(adjugate, _product({x: -e for x, e in self.factors.items()}, {det: -1}))

    @property
    def det(self) -> Exact:
        """The determinant."""
        determinant = DomainMatrix([[self.entries.adj_det()[1]]], (1, 1), self.domain)
        return Exact(determinant, {x: e * self.shape[0] for x, e in self.factors.items()})

    @property
    def trace(self) -> Exact:
        """The sum of the diagonal."""
        rows = self.entries.to_list()
        total = sum((row[i] for i, row in enumerate(rows)), start=self.domain.zero)
        return Exact(DomainMatrix([[total]], (1, 1), self.domain), self.factors)

    @property
    def one(self) -> Exact:
        """The identity with as many rows."""
        n = self.shape[0]
        return Exact.of([[int(i == j) for j in range(n)] for i in range(n)], self.domain)

    def zeros(self, rows: int, columns: int) -> Exact:
        """Return a zero matrix over the same domain."""
        return Exact.of([[0] * columns] * rows, self.domain)

    def rows(self) -> list[Exact]:
        """Return the rows as columns: the vectors that stand in a data matrix."""
        return [
            Exact(Exact.of([[x] for x in row], self.domain).entries, self.factors) for row in self.entries.to_list()
        ]

    def __add__(self, other: Exact) -> Exact:
        common = self.common_factors(other)
        return Exact(self.entries_over(common) + other.entries_over(common), common)

    def common_factors(self, other: Exact) -> dict[Any, int]:
        """Return what can be taken out of both."""
        f, g = self.factors, other.factors
        return {x: min(f.get(x, 0), g.get(x, 0)) for x in {**f, **g}}

    def entries_over(self, common: Mapping[Any, int]) -> DomainMatrix:
        """Return the entries that are left when these factors are taken out."""
        rest = prod((x ** (self.factors.get(x, 0) - e) for x, e in common.items()), start=self.domain.one)
        return self.entries.scalarmul(rest)

    def __neg__(self) -> Exact:
        return Exact(-self.entries, self.factors)

    def __sub__(self, other: Exact) -> Exact:
        return self + -other

    def __matmul__(self, other: Exact) -> Exact:
        return Exact(self.entries.matmul(other.entries), _product(self.factors, other.factors))

    def __mul__(self, matrix: Exact) -> Exact:
        """Scale a matrix: this one is 1 × 1."""
        if self.shape != (1, 1):
            raise ValueError(f"only a 1 × 1 matrix scales another, not one of shape {self.shape}")
        return Exact(matrix.entries.scalarmul(self.entries.to_list()[0][0]), _product(self.factors, matrix.factors))

    def __rmul__(self, number: int | Fraction) -> Exact:
        scaled = self.entries.scalarmul(self.domain.convert(number.numerator))
        return Exact(scaled, _product(self.factors, {self.domain.convert(number.denominator): -1}))

    def __truediv__(self, scalar: Exact) -> Exact:
        return scalar.inv * self

    def equals(self, other: Exact) -> bool:
        """Whether both are the same matrix; other shapes raise `ValueError`."""
        if self.shape != other.shape:
            raise ValueError(f"the two sides have shapes {self.shape} and {other.shape}")
        return (self - other).entries.is_zero_matrix

    def fractions(self) -> list[list[Fraction]]:
        """Return the numbers themselves, where the domain is that of the integers."""
        scale = prod((Fraction(int(x)) ** e for x, e in self.factors.items()), start=Fraction(1))
        return [[Fraction(int(x)) * scale for x in row] for row in self.entries.to_list()]


def _product(f: Mapping[Any, int], g: Mapping[Any, int]) -> dict[Any, int]:
    return {x: e for x in {**f, **g} if (e := f.get(x, 0) + g.get(x, 0))}


def stacked(rows: Sequence[Sequence[Exact]]) -> Exact:
    """Return the matrix made of these blocks.

    >>> one = Exact.of([[1]], ZZ)
    >>> stacked([[one, -one], [one, one]]).det.fractions()
    [[Fraction(2, 1)]]
    """
    tops = [0, *accumulate(row[0].shape[0] for row in rows)]
    lefts = [0, *accumulate(part.shape[1] for part in rows[0])]
    whole = rows[0][0].zeros(tops[-1], lefts[-1])
    for top, row in zip(tops, rows, strict=False):
        for left, part in zip(lefts, row, strict=False):
            whole = whole + _placed(part, top, left, whole.shape)
    return whole


def _placed(part: Exact, top: int, left: int, shape: tuple[int, int]) -> Exact:
    entries = [[part.domain.zero] * shape[1] for _ in range(shape[0])]
    for i, row in enumerate(part.entries.to_list()):
        entries[top + i][left : left + part.shape[1]] = row
    return Exact(DomainMatrix(entries, shape, part.domain), part.factors)


def generic(shapes: Mapping[str, str], sizes: Sizes) -> dict[str, Exact]:
    """Return matrices whose entries are all different symbols; those declared symmetric are.

    >>> print(generic({"K": "n n symmetric"}, {"n": 2})["K"].entries.to_list())
    [[K_0_0, K_0_1], [K_0_1, K_1_1]]
    """
    names = {name: [f"{name}_{i}_{j}" for i, j in _entries(axes, sizes)] for name, axes in shapes.items()}
    ring = ZZ[symbols([symbol for group in names.values() for symbol in group])]
    return _filled(shapes, sizes, iter(ring.gens), ring)


def drawn(shapes: Mapping[str, str], sizes: Sizes, rng: Random) -> dict[str, Exact]:
    """Return matrices of random integers; those declared symmetric are."""
    return _filled(shapes, sizes, (rng.randint(-LARGEST, LARGEST) for _ in count()), ZZ)


def on_a_line(shapes: Mapping[str, str], sizes: Sizes, rng: Random) -> dict[str, Exact]:
    """Return matrices whose entries are random polynomials of degree one in a single symbol."""
    ring = ZZ[symbols("t")]
    (t,) = ring.gens
    entries = (ring.convert(rng.randint(1, 99)) * t + ring.convert(rng.randint(1, 99)) for _ in count())
    return _filled(shapes, sizes, entries, ring)


def _filled(shapes: Mapping[str, str], sizes: Sizes, values: Iterator[Any], domain: Any) -> dict[str, Exact]:
    return {name: _matrix(axes, sizes, values, domain) for name, axes in shapes.items()}


def _entries(axes: str, sizes: Sizes) -> list[tuple[int, int]]:
    rows, columns, *symmetric = axes.split()
    m, n = (int(axis) if axis.isdigit() else sizes[axis] for axis in (rows, columns))
    return [(i, j) for i in range(m) for j in range(i if symmetric else 0, n)]


def _matrix(axes: str, sizes: Sizes, values: Iterator[Any], domain: Any) -> Exact:
    entries = dict(zip(_entries(axes, sizes), values, strict=False))
    m, n = (1 + max(index) for index in zip(*entries, strict=True))
    return Exact.of([[entries[(i, j) if (i, j) in entries else (j, i)] for j in range(n)] for i in range(m)], domain)
