"""The value of an expression for given matrices: an interpreter that shares nothing with the prover."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product
from typing import Any, Protocol, runtime_checkable

import sympy

from mlpc.verify import arithmetic
from mlpc.verify.arithmetic import Matrix, Number
from mlpc.verify.expressions import Expression

Index = dict[sympy.Basic, int]


@runtime_checkable
class Values(Protocol):
    """Where the values of letters, scalars and sizes come from, and the place for what was computed from them."""

    sizes: dict[sympy.Basic, int]
    computed: dict[Any, Any]

    def letter(self, letter: Expression, places: tuple[int, ...]) -> Matrix:
        """The matrix that a letter stands for."""
        ...

    def symbol(self, symbol: sympy.Basic) -> Number:
        """The number that a scalar stands for."""
        ...


def evaluate(expression: Expression, values: Values, index: Index | None = None) -> Matrix:
    """Return the matrix of numbers that an expression is."""
    index = {over: place for over, place in index.items() if over in expression.symbols} if index else {}
    key = (expression, *sorted((str(over), place) for over, place in index.items()))
    if key not in values.computed:
        values.computed[key] = EVALUATORS[expression.op](expression, values, index)
    return values.computed[key]


def size(of: sympy.Basic, values: Values) -> int:
    """The number that a size stands for."""
    if of not in values.computed:
        number: Any = sympy.sympify(of).subs(list(values.sizes.items()))
        values.computed[of] = int(number)
    return values.computed[of]


def _letter(e: Expression, values: Values, index: Index) -> Matrix:
    places = tuple(int(place.subs(index).subs(values.sizes)) for place in e.data[2])
    return values.letter(e, places)


def _symbol(e: Expression, values: Values, index: Index) -> Matrix:
    if e.data in index:
        return [[Fraction(index[e.data])]]
    if e.data in values.sizes:
        return [[Fraction(values.sizes[e.data])]]
    return [[values.symbol(e.data)]]


def _unit(e: Expression, values: Values, index: Index) -> Matrix:
    n, place = size(e.shape[0], values), int(e.data.subs(index).subs(values.sizes))
    if not 0 <= place < n:
        raise arithmetic.Singular(f"there is no entry {place} among {n}")
    return [[Fraction(int(i == place))] for i in range(n)]


def _parts(combine: Callable[..., Matrix]) -> Callable[[Expression, Values, Index], Matrix]:
    return lambda e, values, index: combine(*(evaluate(part, values, index) for part in e.args))


def _folded(combine: Callable[[Matrix, Matrix], Matrix]) -> Callable[..., Matrix]:
    def fold(first: Matrix, *others: Matrix) -> Matrix:
        for other in others:
            first = combine(first, other)
        return first

    return fold


def _scaled(e: Expression, values: Values, index: Index) -> Matrix:
    left, right = (evaluate(part, values, index) for part in e.args)
    return arithmetic.scale(left[0][0], right) if e.args[0].is_scalar else arithmetic.scale(right[0][0], left)


def _matrix_power(e: Expression, values: Values, index: Index) -> Matrix:
    base = evaluate(e.args[0], values, index)
    if e.data < 0:
        base = arithmetic.inverse(base)
    result = arithmetic.identity(len(base))
    for _ in range(abs(e.data)):
        result = arithmetic.multiply(result, base)
    return result


def _power(e: Expression, values: Values, index: Index) -> Matrix:
    exponent = sympy.sympify(e.data).subs(values.sizes)
    if not exponent.is_Rational:
        raise ValueError(f"the exponent {e.data} is neither rational nor made of sizes")
    return [[arithmetic.power(evaluate(e.args[0], values, index)[0][0], Fraction(int(exponent.p), int(exponent.q)))]]


def _function(e: Expression, values: Values, index: Index) -> Matrix:
    return [[arithmetic.function(e.op, evaluate(e.args[0], values, index)[0][0])]]


def _block(e: Expression, values: Values, index: Index) -> Matrix:
    parts = [evaluate(part, values, index) for part in e.args]
    width = len(parts) // e.data
    rows = [parts[i : i + width] for i in range(0, len(parts), width)]
    return [[x for part in row for x in part[i]] for row in rows for i in range(len(row[0]))]


def _total(e: Expression, values: Values, index: Index) -> Matrix:
    over, count = e.data
    result = arithmetic.zeros(*(size(part, values) for part in e.shape))
    for i in range(1, size(count, values) + 1):
        result = arithmetic.add(result, evaluate(e.args[0], values, {**index, over: i}))
    return result


class _Given:
    """Values in which one letter has its own."""

    def __init__(self, values: Values, letter: Expression, matrix: Matrix) -> None:
        self.sizes = values.sizes
        self.computed: dict[Any, Any] = {}
        self._values, self._letter, self._matrix = values, letter, matrix

    def letter(self, letter: Expression, places: tuple[int, ...]) -> Matrix:
        return self._matrix if letter == self._letter else self._values.letter(letter, places)

    def symbol(self, symbol: sympy.Basic) -> Number:
        return self._values.symbol(symbol)


def _expectation(e: Expression, values: Values, index: Index) -> Matrix:
    """By a cubature that has the moments of a Gaussian: up to degree three, or up to degree five."""
    value, *laws = e.args
    x, mean, covariance = laws[:3]
    rest = Expression(e.op, (value, *laws[3:]), e.shape) if laws[3:] else value
    center = evaluate(mean, values, index)
    lower, diagonal = arithmetic.ldl(evaluate(covariance, values, index))
    result = arithmetic.zeros(*(size(part, values) for part in e.shape))
    for weight, point in (_three if _degree(value, x) <= 3 else _five)(diagonal):
        step = arithmetic.multiply(lower, [[Fraction(z)] for z in point])
        at = _Given(values, x, arithmetic.add(center, step))
        result = arithmetic.add(result, arithmetic.scale(weight, evaluate(rest, at, index)))
    return result


def _degree(e: Expression, x: Expression) -> int:
    """An upper bound of the degree in x of a polynomial."""
    degrees = [_degree(part, x) for part in e.args]
    if e.op in ("product", "scale"):
        return sum(degrees)
    highest = max([int(e == x), *degrees])
    return highest if e.op in ("letter", "add", "transpose", "trace", "block", "total") else 99 * highest


def _three(variances: list[Number]) -> Iterator[tuple[Number, tuple[int, ...]]]:
    """Two points on each axis, and the center."""
    n = len(variances)
    for axis, d in enumerate(variances):
        for z in (-1, 1):
            yield d / 2, tuple(z if i == axis else 0 for i in range(n))
    yield 1 - sum(variances, start=Fraction(0)), (0,) * n


def _five(variances: list[Number]) -> Iterator[tuple[Number, tuple[int, ...]]]:
    """A product of five points on each axis, with the moments 2 and 4 of a Gaussian."""
    axes = []
    for d in variances:
        outer = (3 * d * d - d) / 24
        inner = (d - 8 * outer) / 2
        axes.append({-2: outer, -1: inner, 0: 1 - 2 * inner - 2 * outer, 1: inner, 2: outer})
    for point in product((-2, -1, 0, 1, 2), repeat=len(axes)):
        weight = Fraction(1)
        for z, weights in zip(point, axes, strict=True):
            weight = weight * weights[z]
        yield weight, point


def _shaped(make: Callable[..., Matrix], sides: int) -> Callable[[Expression, Values, Index], Matrix]:
    return lambda e, values, index: make(*(size(part, values) for part in e.shape[:sides]))


def _scalar(compute: Callable[[Matrix], Any]) -> Callable[..., Matrix]:
    return lambda matrix: [[compute(matrix)]]


EVALUATORS: dict[str, Callable[[Expression, Values, Index], Matrix]] = {
    "letter": _letter,
    "symbol": _symbol,
    "number": lambda e, values, index: [[e.data]],
    "identity": _shaped(arithmetic.identity, 1),
    "zeros": _shaped(arithmetic.zeros, 2),
    "ones": _shaped(lambda n: [[Fraction(1)]] * n, 1),
    "unit": _unit,
    "add": _parts(_folded(arithmetic.add)),
    "product": _parts(_folded(arithmetic.multiply)),
    "scale": _scaled,
    "transpose": _parts(arithmetic.transpose),
    "inverse": _parts(arithmetic.inverse),
    "matrix power": _matrix_power,
    "power": _power,
    "trace": _parts(_scalar(arithmetic.trace)),
    "det": _parts(_scalar(arithmetic.determinant)),
    "log": _function,
    "exp": _function,
    "block": _block,
    "entries": _block,
    "total": _total,
    "expectation": _expectation,
}
