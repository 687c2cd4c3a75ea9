"""Matrices of exact numbers: fractions, numbers to 60 digits where a logarithm or a root stands, and dual numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mpmath.ctx_mp import MPContext

CONTEXT = MPContext()
CONTEXT.dps = 60
CONTEXT.mpf.__rsub__ = lambda x, other: -(x - other)  # this context's own numbers: mpmath's take no fraction here
CONTEXT.mpf.__rtruediv__ = lambda x, other: CONTEXT.convert(other) / x
TOLERANCE = CONTEXT.mpf(10) ** -30

Number = Any  # Fraction, mpf or Dual
Matrix = list[list[Number]]


class Singular(ArithmeticError):
    """A matrix to be inverted has determinant zero, or a logarithm or root is not defined: draw again."""


@dataclass(frozen=True)
class Dual:
    """value + slope ε with ε² = 0: arithmetic with it differentiates.

    >>> x = Dual(Fraction(3), Fraction(1))
    >>> (1 / x).slope
    Fraction(-1, 9)
    """

    value: Number
    slope: Number = Fraction(0)

    def __add__(self, other: Any) -> Dual:
        other = _dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    __radd__ = __add__

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __sub__(self, other: Any) -> Dual:
        return self + -_dual(other)

    def __rsub__(self, other: Any) -> Dual:
        return _dual(other) + -self

    def __mul__(self, other: Any) -> Dual:
        other = _dual(other)
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Dual:
        other = _dual(other)
        quotient = self.value / other.value
        return Dual(quotient, (self.slope - quotient * other.slope) / other.value)

    def __rtruediv__(self, other: Any) -> Dual:
        return _dual(other) / self

    def __bool__(self) -> bool:
        return bool(self.value)


def _dual(x: Any) -> Dual:
    return x if isinstance(x, Dual) else Dual(x)


def value_of(x: Number) -> Number:
    """The number itself, without its slope."""
    return x.value if isinstance(x, Dual) else x


def slope_of(x: Number) -> Number:
    """The slope of a number; zero for one that is not dual."""
    return x.slope if isinstance(x, Dual) else Fraction(0)


def same(one: Matrix, other: Matrix) -> bool:
    """Whether all entries are equal: exactly where they are fractions, else to 30 digits."""
    return all(_equal(a, b) for left, right in zip(one, other, strict=True) for a, b in zip(left, right, strict=True))


def _equal(a: Number, b: Number) -> bool:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a == b
    return bool(abs(a - b) <= TOLERANCE * max(1, abs(CONTEXT.convert(a)), abs(CONTEXT.convert(b))))


def identity(n: int) -> Matrix:
    """The n × n identity."""
    return [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]


def zeros(rows: int, columns: int) -> Matrix:
    """The matrix of zeros."""
    return [[Fraction(0)] * columns for _ in range(rows)]


def transpose(a: Matrix) -> Matrix:
    """The transpose."""
    return [list(column) for column in zip(*a, strict=True)]


def add(a: Matrix, b: Matrix) -> Matrix:
    """The sum."""
    return [[x + y for x, y in zip(left, right, strict=True)] for left, right in zip(a, b, strict=True)]


def scale(c: Number, a: Matrix) -> Matrix:
    """A number times a matrix."""
    return [[c * x for x in row] for row in a]


def multiply(a: Matrix, b: Matrix) -> Matrix:
    """The product."""
    columns = list(zip(*b, strict=True))
    return [[_dot(row, column) for column in columns] for row in a]


_ZERO = Fraction(0)


def _duals(*rows: Sequence[Number]) -> bool:
    return any(isinstance(x, Dual) for row in rows for x in row)


def _dot(row: Sequence[Number], column: Sequence[Number]) -> Number:
    """The sum of products; of fractions with one division by a common divisor, at the end."""
    above, below = 0, 1
    for x, y in zip(row, column, strict=True):
        if type(x) is not Fraction or type(y) is not Fraction:
            return sum((x * y for x, y in zip(row, column, strict=True)), start=_ZERO)
        if x and y:
            divisor = x.denominator * y.denominator
            product = x.numerator * y.numerator
            if divisor == below:
                above += product
            else:
                above, below = above * divisor + product * below, below * divisor
    return Fraction(above, below)


def trace(a: Matrix) -> Number:
    """The trace."""
    return sum((a[i][i] for i in range(len(a))), start=_ZERO)


def inverse(a: Matrix) -> Matrix:
    """By Gauss and Jordan."""
    n = len(a)
    rows = [list(row) + one for row, one in zip(a, identity(n), strict=True)]
    for k in range(n):
        _pivot(rows, k)
        factor = rows[k][k]
        rows[k] = [x / factor for x in rows[k]]
        for i in range(n):
            c = rows[i][k]
            if i != k and (c or isinstance(c, Dual)):
                rows[i] = [x - c * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[n:] for row in rows]


def determinant(a: Matrix) -> Number:
    """By elimination; with dual numbers a singular matrix is drawn again."""
    rows, result = [list(row) for row in a], Fraction(1)
    for k in range(len(a)):
        try:
            swapped = _pivot(rows, k)
        except Singular:
            if _duals(*a):
                raise
            return Fraction(0)
        result = result * (-rows[k][k] if swapped else rows[k][k])
        for i in range(k + 1, len(a)):
            c = rows[i][k] / rows[k][k]
            rows[i] = [x - c * y for x, y in zip(rows[i], rows[k], strict=True)]
    return result


def _pivot(rows: Matrix, k: int) -> bool:
    """Bring a row whose k-th entry is not zero to the k-th place; say whether that was another one."""
    best = next((i for i in range(k, len(rows)) if not _negligible(rows[i][k])), None)
    if best is None:
        raise Singular("a matrix to be inverted is singular")
    rows[k], rows[best] = rows[best], rows[k]
    return best != k


def _negligible(x: Number) -> bool:
    x = value_of(x)
    return x == 0 if isinstance(x, Fraction) else bool(abs(x) <= TOLERANCE)


def ldl(a: Matrix) -> tuple[Matrix, list[Number]]:
    """L and D of a symmetric matrix L D Lᵀ, with L lower triangular and ones on its diagonal."""
    n = len(a)
    lower, diagonal = identity(n), []
    for j in range(n):
        diagonal.append(a[j][j] - sum((lower[j][k] ** 2 * diagonal[k] for k in range(j)), start=_ZERO))
        if not diagonal[j]:
            raise Singular("a covariance is singular")
        for i in range(j + 1, n):
            rest = sum((lower[i][k] * lower[j][k] * diagonal[k] for k in range(j)), start=_ZERO)
            lower[i][j] = (a[i][j] - rest) / diagonal[j]
    return lower, diagonal


def is_positive(a: Matrix) -> bool:
    """Whether a matrix is symmetric and positive definite."""
    try:
        return same(a, transpose(a)) and all(d > 0 for d in ldl(a)[1])
    except Singular:
        return False


def cholesky(a: Matrix) -> Matrix:
    """The lower triangular L with L Lᵀ = a, to 60 digits."""
    if not is_positive(a):
        raise Singular("the root of a matrix that is not positive definite")
    lower, diagonal = ldl(a)
    roots = [power(d, Fraction(1, 2)) for d in diagonal]
    return [[x * root for x, root in zip(row, roots, strict=True)] for row in lower]


def symmetric_root(a: Matrix) -> Matrix:
    """The positive definite S with S S = a, to 60 digits, by the iteration of Denman and Beavers."""
    if not is_positive(a):
        raise Singular("the root of a matrix that is not positive definite")
    half = CONTEXT.mpf(1) / 2
    root, other = [[CONTEXT.convert(x) for x in row] for row in a], identity(len(a))
    for _ in range(60):
        before = root
        root, other = scale(half, add(root, inverse(other))), scale(half, add(other, inverse(root)))
        if same(before, root):
            break
    return scale(half, add(root, inverse(other)))


def function(name: str, x: Number) -> Number:
    """log or exp of a number."""
    if isinstance(x, Dual):
        outer = function(name, x.value)
        return Dual(outer, x.slope / x.value if name == "log" else x.slope * outer)
    if name == "log" and not x > 0:
        raise Singular("the logarithm of a number that is not positive")
    if (name, x) in (("log", 1), ("exp", 0)):
        return Fraction(name == "exp")
    return getattr(CONTEXT, "ln" if name == "log" else "exp")(CONTEXT.convert(x))


def power(x: Number, exponent: Fraction) -> Number:
    """A power of a number, exact for an integer exponent."""
    if isinstance(x, Dual):
        return Dual(power(x.value, exponent), x.slope * exponent * power(x.value, exponent - 1))
    if exponent.denominator == 1:
        if not x and exponent < 0:
            raise Singular("division by zero")
        return x ** int(exponent)
    if not x > 0:
        raise Singular("the root of a number that is not positive")
    return CONTEXT.convert(x) ** CONTEXT.convert(exponent)


def solve(rows: list[list[Fraction]], right: list[Fraction], free: Callable[[], Fraction]) -> list[Fraction] | None:
    """A solution of linear equations, with what is not determined drawn; None if there is none."""
    width = len(rows[0])
    work = [[*row, b] for row, b in zip(rows, right, strict=True)]
    pivots: list[int] = []
    for column in range(width):
        found = next((i for i in range(len(pivots), len(work)) if not _negligible(work[i][column])), None)
        if found is None:
            continue
        k = len(pivots)
        work[k], work[found] = work[found], work[k]
        work[k] = [x / work[k][column] for x in work[k]]
        for i in range(len(work)):
            if i != k and work[i][column]:
                c = work[i][column]
                work[i] = [x - c * y for x, y in zip(work[i], work[k], strict=True)]
        pivots.append(column)
    if not all(_negligible(row[-1]) for row in work[len(pivots) :]):
        return None
    solution = [Fraction(0) if j in pivots else free() for j in range(width)]
    for k, column in enumerate(pivots):
        rest = sum((work[k][j] * solution[j] for j in range(width) if j != column and work[k][j]), start=Fraction(0))
        solution[column] = work[k][-1] - rest
    return solution
