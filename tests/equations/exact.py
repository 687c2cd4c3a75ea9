"""Exact matrices, and proofs of claims about them: with symbols, with integers, and against wrong variants.

Entries are integers or polynomials with integer coefficients. Inverses go through adjugate and determinant, and the
determinants stay apart, as factors with exponents, until a sum multiplies out those that differ: no gcd is ever taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import count
from math import prod
from typing import Any

import numpy as np
from sympy import ZZ, symbols
from sympy.polys.matrices import DomainMatrix

LARGEST = 10**6  # of the integers drawn
DRAWS = 5  # for each size and seed
REDRAWS = 20  # of singular matrices, before the hypotheses count as impossible

Side = Callable[..., Any]  # the matrices by name -> one side of the claim, an Exact or a list of them
Sizes = Mapping[str, int]


class SingularError(ArithmeticError):
    """A matrix to be inverted has determinant zero."""


@dataclass(frozen=True, eq=False)
class Exact:
    """The matrix Π xᵉ · entries, for the pairs x: e of `factors`; a scalar is a 1 × 1 matrix."""

    entries: DomainMatrix
    factors: Mapping[Any, int] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]], domain: Any) -> Exact:
        shape = (len(rows), len(rows[0]))
        return cls(DomainMatrix([[domain.convert(x) for x in row] for row in rows], shape, domain))

    @property
    def shape(self) -> tuple[int, int]:
        return self.entries.shape

    @property
    def domain(self) -> Any:
        return self.entries.domain

    @property
    def T(self) -> Exact:
        return Exact(self.entries.transpose(), self.factors)

    @cached_property
    def inv(self) -> Exact:
        adjugate, det = self.entries.adj_det()
        if not det:
            raise SingularError(f"a matrix of shape {self.shape} that the claim inverts is singular")
        return Exact(adjugate, _product({x: -e for x, e in self.factors.items()}, {det: -1}))

    @property
    def det(self) -> Exact:
        determinant = DomainMatrix([[self.entries.adj_det()[1]]], (1, 1), self.domain)
        return Exact(determinant, {x: e * self.shape[0] for x, e in self.factors.items()})

    @property
    def one(self) -> Exact:
        """The identity with as many rows."""
        n = self.shape[0]
        return Exact.of([[int(i == j) for j in range(n)] for i in range(n)], self.domain)

    def zeros(self, rows: int, columns: int) -> Exact:
        return Exact.of([[0] * columns] * rows, self.domain)

    def rows(self) -> list[Exact]:
        """The rows as columns: the vectors that stand in a data matrix."""
        return [
            Exact(Exact.of([[x] for x in row], self.domain).entries, self.factors) for row in self.entries.to_list()
        ]

    def __add__(self, other: Exact) -> Exact:
        f, g = self.factors, other.factors
        common = {x: min(f.get(x, 0), g.get(x, 0)) for x in {**f, **g}}
        return Exact(self._entries_over(common) + other._entries_over(common), common)

    def _entries_over(self, common: Mapping[Any, int]) -> DomainMatrix:
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

    def __truediv__(self, scalar: Exact) -> Exact:
        return scalar.inv * self

    def equals(self, other: Exact) -> bool:
        if self.shape != other.shape:
            raise ValueError(f"the two sides have shapes {self.shape} and {other.shape}")
        return (self - other).entries.is_zero_matrix

    def fractions(self) -> np.ndarray:
        """The numbers themselves, where the domain is that of the integers."""
        scale = prod((Fraction(int(x)) ** e for x, e in self.factors.items()), start=Fraction(1))
        return np.array([[Fraction(int(x)) * scale for x in row] for row in self.entries.to_list()])


def _product(f: Mapping[Any, int], g: Mapping[Any, int]) -> dict[Any, int]:
    return {x: e for x in {**f, **g} if (e := f.get(x, 0) + g.get(x, 0))}


def block(rows: Sequence[Sequence[Exact]]) -> Exact:
    """The matrix made of these blocks."""
    tops = np.cumsum([0, *(row[0].shape[0] for row in rows)]).tolist()
    lefts = np.cumsum([0, *(part.shape[1] for part in rows[0])]).tolist()
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
    """Matrices whose entries are all different symbols; those declared symmetric are."""
    names = {name: [f"{name}_{i}_{j}" for i, j in _entries(axes, sizes)] for name, axes in shapes.items()}
    ring = ZZ[symbols([symbol for group in names.values() for symbol in group])]
    symbol = iter(ring.gens)
    return {name: _matrix(axes, sizes, symbol, ring) for name, axes in shapes.items()}


def drawn(shapes: Mapping[str, str], sizes: Sizes, rng: np.random.Generator) -> dict[str, Exact]:
    """Matrices of random integers; those declared symmetric are."""
    integers = (int(rng.integers(-LARGEST, LARGEST + 1)) for _ in count())
    return {name: _matrix(axes, sizes, integers, ZZ) for name, axes in shapes.items()}


def _entries(axes: str, sizes: Sizes) -> list[tuple[int, int]]:
    rows, columns, *symmetric = axes.split()
    m, n = (int(axis) if axis.isdigit() else sizes[axis] for axis in (rows, columns))
    return [(i, j) for i in range(m) for j in range(i if symmetric else 0, n)]


def _matrix(axes: str, sizes: Sizes, values: Iterator[Any], domain: Any) -> Exact:
    entries = dict(zip(_entries(axes, sizes), values, strict=False))
    m, n = (1 + max(index) for index in zip(*entries, strict=True))
    return Exact.of([[entries[(i, j) if (i, j) in entries else (j, i)] for j in range(n)] for i in range(m)], domain)


def holds(left: Side, right: Side, matrices: Mapping[str, Exact]) -> bool:
    sides = left(**matrices), right(**matrices)
    lefts, rights = ([side] if isinstance(side, Exact) else side for side in sides)
    return all(one.equals(other) for one, other in zip(lefts, rights, strict=True))


def prove(
    shapes: Mapping[str, str],
    left: Side,
    right: Side,
    *,
    wrong: Mapping[str, Side],
    symbolic: Sequence[Sizes],
    draws: Sequence[Sizes],
    seeds: Sequence[int],
) -> None:
    """Fail unless left equals right with symbols and in all draws, and in each draw differs from every wrong right.

    Parameters
    ----------
    shapes : mapping
        Name of each matrix to its two axes, as in ``{"A": "n n", "K": "n n symmetric", "u": "n 1"}``.
    left, right : callables
        Take the matrices by name, return a matrix or a list of matrices.
    wrong : mapping
        What is wrong to the right side that has it wrong.
    symbolic, draws : sequences of sizes
        As in ``[{"n": 3, "k": 2}]``. With symbols, the claim is proved at that size; N draws accept a false claim with
        probability at most (degree / 2·10⁶)ᴺ (Schwartz and Zippel, denominators multiplied out).
    seeds : sequence of int
        Of the draws.
    """
    for sizes in symbolic:
        assert holds(left, right, generic(shapes, sizes)), f"false with symbols at {dict(sizes)}"
    for sizes in draws:
        for seed in seeds:
            rng = np.random.default_rng(seed)
            for _ in range(DRAWS):
                true = _verdicts(left, {"the claim": right, **wrong}, shapes, sizes, rng)
                assert true == ["the claim"], f"in a draw at {dict(sizes)}, seed {seed}, these hold: {true}"


def _verdicts(
    left: Side, rights: Mapping[str, Side], shapes: Mapping[str, str], sizes: Sizes, rng: np.random.Generator
) -> list[str]:
    """Return the names of the right sides that hold in a draw in which all inverses exist."""
    for _ in range(REDRAWS):
        matrices = drawn(shapes, sizes, rng)
        try:
            return [name for name, right in rights.items() if holds(left, right, matrices)]
        except SingularError:
            continue
    raise SingularError(f"{REDRAWS} draws in a row had a singular matrix to invert: the hypotheses cannot be met")
