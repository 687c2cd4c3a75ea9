"""Claims as trees: nothing is cancelled, sorted or multiplied out while an expression is built.

Sizes are SymPy symbols or integers, compared as such. A scalar is a 1 × 1 expression, and a 1 × 1 expression a scalar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

import sympy

Size = sympy.Expr
Shape = tuple[Size, Size]

PROPERTIES = ("symmetric", "positive", "orthogonal", "diagonal", "invertible")
ONE = sympy.Integer(1)
SCALAR: Shape = (ONE, ONE)


@dataclass(frozen=True)
class Expression:
    """A node: what it does (`op`), to what (`args`), the shape of the result, and what else it needs (`data`).

    Made by `matrix`, `vector`, `scalar`, `identity` and the like, and by the operators ``+ - @ * / **`` and the
    properties ``T`` and ``inv``; ``*`` and ``/`` take a scalar on one side.

    Examples
    --------
    >>> n, k = sizes("n k")
    >>> A, U = matrix("A", n), matrix("U", n, k)
    >>> (A @ U).T.shape
    (k, n)
    >>> U @ A
    Traceback (most recent call last):
    ValueError: U @ A: the shapes (n, k) and (n, n) do not chain
    """

    op: str
    args: tuple[Expression, ...]
    shape: Shape
    data: Any = None
    __array_ufunc__ = None  # NumPy leaves the operators to this class

    @cached_property
    def _hash(self) -> int:
        return hash((self.op, self.args, self.shape, self.data))

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        from mlpc.verify.printing import plain

        return plain(self)

    @cached_property
    def symbols(self) -> frozenset[Any]:
        """The symbols that its value depends on besides its letters: indices and scalars."""
        inside = frozenset().union(*(part.symbols for part in self.args))
        if self.op == "total":
            return inside - {self.data[0]}
        if self.op == "letter":
            return inside.union(*(place.free_symbols for place in self.data[2]))
        return inside | self.data.free_symbols if self.op in ("unit", "symbol") else inside

    @property
    def is_scalar(self) -> bool:
        """Whether the shape is 1 × 1."""
        return self.shape == SCALAR

    @property
    def T(self) -> Expression:
        """The transpose."""
        return Expression("transpose", (self,), (self.shape[1], self.shape[0]))

    @property
    def inv(self) -> Expression:
        """The inverse, which assumes that there is one."""
        return Expression("inverse", (_square(self, "an inverse"),), self.shape)

    def __add__(self, other: Any) -> Expression:
        return add(self, other)

    def __radd__(self, other: Any) -> Expression:
        return add(other, self)

    def __neg__(self) -> Expression:
        return scale(number(-1), self)

    def __sub__(self, other: Any) -> Expression:
        return add(self, -coerce(other))

    def __rsub__(self, other: Any) -> Expression:
        return add(other, -self)

    def __matmul__(self, other: Any) -> Expression:
        return product(self, other)

    def __rmatmul__(self, other: Any) -> Expression:
        return product(other, self)

    def __mul__(self, other: Any) -> Expression:
        return scale(self, coerce(other))

    def __rmul__(self, other: Any) -> Expression:
        return scale(coerce(other), self)

    def __truediv__(self, other: Any) -> Expression:
        return scale(power(coerce(other), -1), self)

    def __rtruediv__(self, other: Any) -> Expression:
        return scale(coerce(other), power(self, -1))

    def __pow__(self, exponent: Any) -> Expression:
        return power(self, exponent)

    def subexpressions(self) -> Iterator[Expression]:
        """This expression and all below it, arguments first."""
        for part in self.args:
            yield from part.subexpressions()
        yield self


@dataclass(frozen=True)
class Family:
    """Letters that are told apart by an index, such as the data x_1, …, x_N: ``x[i]``."""

    name: str
    shape: Shape
    properties: frozenset[str] = field(default_factory=frozenset)

    def __getitem__(self, index: Any) -> Expression:
        indices = tuple(sympy.sympify(part) for part in (index if isinstance(index, tuple) else (index,)))
        return Expression("letter", (), self.shape, (self.name, self.properties, indices))


@dataclass(frozen=True)
class Relation:
    """An assumption: two expressions are equal, or one scalar is not zero."""

    kind: str
    args: tuple[Expression, ...]


def sizes(names: str) -> Any:
    """Return symbolic sizes, positive integers: one symbol, or a tuple of them.

    >>> n, k = sizes("n k")
    """
    return sympy.symbols(names, integer=True, positive=True)


def index(name: str) -> sympy.Symbol:
    """Return the symbol that `total` sums over."""
    return sympy.Symbol(name, integer=True, positive=True)


def matrix(name: str, rows: Any, columns: Any = None, *properties: str) -> Expression:
    """Return a letter: a matrix of which nothing is known but its shape and the properties named.

    Parameters
    ----------
    name : str
        As LaTeX has it.
    rows, columns : sizes
        Symbols, integers, or sums of them; a matrix with one size is square.
    *properties : str
        Some of "symmetric", "positive" (definite, hence symmetric), "orthogonal", "diagonal", "invertible".

    Raises
    ------
    ValueError
        If a property is unknown, or the matrix is not square though its properties need that.

    Examples
    --------
    >>> n = sizes("n")
    >>> matrix("P", n, n, "positive").shape
    (n, n)
    """
    shape = (sympy.sympify(rows), sympy.sympify(rows if columns is None else columns))
    return Expression("letter", (), shape, (name, _known(name, shape, properties), ()))


def vector(name: str, rows: Any) -> Expression:
    """Return a letter with one column."""
    return matrix(name, rows, 1)


def scalar(name: str, *properties: str) -> Expression:
    """Return a letter for a number; the one property that it can have is "positive"."""
    if set(properties) - {"positive"}:
        raise ValueError(f'scalar({name!r}): the one property is "positive", but {properties} came')
    return symbol(sympy.Symbol(name, positive=True) if properties else sympy.Symbol(name))


def family(name: str, rows: Any, columns: Any = 1, *properties: str) -> Family:
    """Return letters with an index, vectors unless the columns are given.

    >>> x, i = family("x", sizes("d")), index("i")
    >>> x[i].shape
    (d, 1)
    """
    shape = (sympy.sympify(rows), sympy.sympify(columns))
    return Family(name, shape, _known(name, shape, properties))


def _known(name: str, shape: Shape, properties: Iterable[str]) -> frozenset[str]:
    unknown = sorted(set(properties) - set(PROPERTIES))
    if unknown:
        raise ValueError(f"{name}: the properties are {', '.join(PROPERTIES)}, but {', '.join(unknown)} came")
    if properties and not same_size(*shape):
        raise ValueError(f"{name} has shape {shaped(shape)}, but what is {' and '.join(properties)} is square")
    return frozenset(properties)


def symbol(name: sympy.Expr) -> Expression:
    """Return a scalar by its SymPy symbol."""
    return Expression("symbol", (), SCALAR, name)


def number(value: Any) -> Expression:
    """Return a rational number."""
    return Expression("number", (), SCALAR, Fraction(value))


def identity(n: Any) -> Expression:
    """Return the n × n identity."""
    return Expression("identity", (), (sympy.sympify(n), sympy.sympify(n)))


def zeros(rows: Any, columns: Any = 1) -> Expression:
    """Return the matrix of zeros."""
    return Expression("zeros", (), (sympy.sympify(rows), sympy.sympify(columns)))


def ones(rows: Any) -> Expression:
    """Return the vector of ones."""
    return Expression("ones", (), (sympy.sympify(rows), ONE))


def unit(rows: Any, position: Any) -> Expression:
    """Return the unit vector with its one at this position, counted from 0."""
    return Expression("unit", (), (sympy.sympify(rows), ONE), sympy.sympify(position))


def coerce(value: Any) -> Expression:
    """Return an expression as it is, and numbers and SymPy's expressions as expressions."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, int | Fraction):
        return number(value)
    from mlpc.verify.translation import translate

    return translate(sympy.sympify(value))


def add(*terms: Any) -> Expression:
    """Return a sum; all terms have one shape."""
    parts = tuple(coerce(term) for term in terms)
    for part in parts[1:]:
        if not same_shape(part.shape, parts[0].shape):
            raise ValueError(
                f"{parts[0]} + {part}: the shapes {shaped(parts[0].shape)} and {shaped(part.shape)} differ"
            )
    return Expression("add", parts, parts[0].shape)


def product(*factors: Any) -> Expression:
    """Return a matrix product; the shapes chain."""
    parts = tuple(coerce(factor) for factor in factors)
    for left, right in pairwise(parts):
        if not same_size(left.shape[1], right.shape[0]):
            raise ValueError(
                f"{left} @ {right}: the shapes {shaped(left.shape)} and {shaped(right.shape)} do not chain"
            )
    return Expression("product", parts, (parts[0].shape[0], parts[-1].shape[1]))


def scale(left: Expression, right: Expression) -> Expression:
    """Return a scalar times a matrix; one of the two is 1 × 1."""
    if not (left.is_scalar or right.is_scalar):
        shapes = f"{shaped(left.shape)} and {shaped(right.shape)}"
        raise ValueError(f"{left} * {right}: one of them must be a scalar, but the shapes are {shapes}; @ multiplies")
    return Expression("scale", (left, right), right.shape if left.is_scalar else left.shape)


def power(base: Expression, exponent: Any) -> Expression:
    """Return a power: of a matrix with an integer, of a scalar with a number or a size."""
    exponent = sympy.sympify(exponent)
    if base.is_scalar:
        return Expression("power", (base,), SCALAR, exponent)
    if not exponent.is_Integer:
        raise ValueError(f"{base} ** {exponent}: the power of a matrix must be an integer")
    return Expression("matrix power", (_square(base, "a power"),), base.shape, int(exponent))


def trace(matrix: Any) -> Expression:
    """Return the trace."""
    return Expression("trace", (_square(coerce(matrix), "a trace"),), SCALAR)


def det(matrix: Any) -> Expression:
    """Return the determinant."""
    return Expression("det", (_square(coerce(matrix), "a determinant"),), SCALAR)


def logdet(matrix: Any) -> Expression:
    """Return the logarithm of the determinant, which assumes that this is positive."""
    return log(det(matrix))


def log(value: Any) -> Expression:
    """Return the logarithm of a scalar, which assumes that this is positive."""
    return Expression("log", (_scalar(coerce(value), "log"),), SCALAR)


def exp(value: Any) -> Expression:
    """Return the exponential of a scalar."""
    return Expression("exp", (_scalar(coerce(value), "exp"),), SCALAR)


def sqrt(value: Any) -> Expression:
    """Return the square root of a scalar, which assumes that this is positive."""
    return power(_scalar(coerce(value), "sqrt"), sympy.Rational(1, 2))


def block(rows: Sequence[Sequence[Any]]) -> Expression:
    """Return the matrix made of these blocks.

    >>> n, k = sizes("n k")
    >>> block([[identity(n), zeros(n, k)], [zeros(k, n), identity(k)]]).shape
    (k + n, k + n)
    """
    grid = [[coerce(part) for part in row] for row in rows]
    for row in grid:
        if len(row) != len(grid[0]):
            raise ValueError(f"block(): the rows have {[len(row) for row in grid]} blocks")
        for part, above in zip(row, grid[0], strict=True):
            if not (same_size(part.shape[0], row[0].shape[0]) and same_size(part.shape[1], above.shape[1])):
                wanted = shaped((row[0].shape[0], above.shape[1]))
                raise ValueError(f"block(): {part} has shape {shaped(part.shape)}, but its place has {wanted}")
    height = sum((row[0].shape[0] for row in grid), sympy.Integer(0))
    width = sum((part.shape[1] for part in grid[0]), sympy.Integer(0))
    return Expression("block", tuple(part for row in grid for part in row), (height, width), len(grid))


def total(summand: Any, over: sympy.Symbol, count: Any) -> Expression:
    """Return the sum over ``over`` = 1, …, count.

    >>> x, i, N = family("x", sizes("d")), index("i"), sizes("N")
    >>> total(x[i] @ x[i].T, i, N).shape
    (d, d)
    """
    summand = coerce(summand)
    return Expression("total", (summand,), summand.shape, (over, sympy.sympify(count)))


def expectation(value: Any, moments: Mapping[Expression, tuple[Any, Any]]) -> Expression:
    """Return the mean of a polynomial in random vectors, independent of each other, with these means and covariances.

    Up to degree two the moments are enough; for degrees three and four the vectors are taken to be Gaussian.
    """
    value = coerce(value)
    args = [value]
    for x, (mean, covariance) in moments.items():
        mean, covariance = coerce(mean), coerce(covariance)
        if not (same_shape(mean.shape, x.shape) and same_shape(covariance.shape, (x.shape[0], x.shape[0]))):
            came = f"{shaped(mean.shape)} and {shaped(covariance.shape)}"
            raise ValueError(f"expectation(): {x} has shape {shaped(x.shape)}, its mean and covariance {came}")
        args += [x, mean, covariance]
    return Expression("expectation", tuple(args), value.shape)


def equal(left: Any, right: Any) -> Relation:
    """Return the assumption that two expressions are equal."""
    left, right = coerce(left), coerce(right)
    if not same_shape(left.shape, right.shape):
        raise ValueError(f"equal(): the shapes {shaped(left.shape)} and {shaped(right.shape)} differ")
    return Relation("equal", (left, right))


def nonzero(value: Any) -> Relation:
    """Return the assumption that a scalar is not zero."""
    return Relation("nonzero", (_scalar(coerce(value), "nonzero"),))


def same_size(one: Size, other: Size) -> bool:
    """Whether two sizes are equal as symbols."""
    return one == other or sympy.expand(one - other) == 0


def same_shape(one: Shape, other: Shape) -> bool:
    """Whether two shapes are equal as symbols."""
    return same_size(one[0], other[0]) and same_size(one[1], other[1])


def shaped(shape: Shape) -> str:
    """Return a shape as text."""
    return f"({shape[0]}, {shape[1]})"


def _square(matrix: Expression, asked: str) -> Expression:
    if not same_size(*matrix.shape):
        raise ValueError(f"{matrix} has shape {shaped(matrix.shape)}, but {asked} needs a square matrix")
    return matrix


def _scalar(value: Expression, asked: str) -> Expression:
    if not value.is_scalar:
        raise ValueError(f"{asked}() needs a scalar, but {value} has shape {shaped(value.shape)}")
    return value
