"""Expressions read as polynomials in letters: each inverse a letter of its own, with the relations that define it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mlpc.verify.blocks import Blocks, assemble
from mlpc.verify.expressions import Expression, Relation, unit
from mlpc.verify.field import Scalar
from mlpc.verify.inverses import Inverses
from mlpc.verify.moments import expected
from mlpc.verify.polynomials import Atom
from mlpc.verify.sums import summed
from mlpc.verify.words import Letter, Poly

SYMMETRIC = {"symmetric", "positive", "diagonal"}
INVERTIBLE = {"invertible", "positive", "orthogonal"}


class Reader(Inverses):
    """Reads expressions under assumptions, and collects the relations and hypotheses that it meets.

    Parameters
    ----------
    assumptions : iterable of Relation
        What is taken for granted.
    deadline : float
        For the rewriter.
    rank : int
        Of inverse letters among the letters of a word: 1 makes them the largest, -1 the smallest, 0 neither.
    free : Expression, optional
        A letter to differentiate by: what is assumed about it waits until `impose`.

    Examples
    --------
    >>> from mlpc.verify.expressions import matrix, sizes
    >>> n = sizes("n")
    >>> A, P = matrix("A", n), matrix("P", n, n, "symmetric")
    >>> reader = Reader([])
    >>> reader.poly((A @ P).T)
    P Aᵀ
    >>> reader.rules.reduce(reader.poly((A + P) @ (A + P).inv))
    1
    """

    def __init__(
        self,
        assumptions: Iterable[Relation],
        deadline: float = float("inf"),
        rank: int = 1,
        free: Expression | None = None,
    ) -> None:
        super().__init__(deadline, rank)
        self._memo: dict[Expression, Blocks] = {}
        self._properties: dict[Expression, set[str]] = {}
        self._diagonal: list[Poly] = []
        self._free = free
        mine, others = [], []
        for relation in assumptions:
            (mine if free in {part for side in relation.args for part in side.subexpressions()} else others).append(
                relation
            )
        self._waiting: list[Relation] = mine
        self._assume(others)

    def impose(self) -> None:
        """Take in what is assumed about the free letter: everything read before was read without."""
        free, self._free = self._free, None
        if free is not None and free.op == "letter":
            del self._memo[free]
            kinds = set(free.data[1]) | {r.kind for r in self._waiting if r.args == (free,)}
            poly = Poly.letter(Letter(free.data[0], *free.shape, of=(free.data[2], free.data[1])))
            self._memo[free] = Blocks.of(poly)
            for kind in sorted(kinds):
                self.suppose(f"{free} {kind}")
            if kinds & SYMMETRIC:
                self.learn([poly - poly.T])
            if "orthogonal" in kinds:
                self.orthogonal(poly)
            if "diagonal" in kinds:
                self._commute(poly)
        self._assume([relation for relation in self._waiting if relation.args != (free,)])

    def poly(self, expression: Expression) -> Poly:
        """Read a matrix that has one block only."""
        poly = self.read(expression).single
        if poly is None:
            raise ValueError(f"{expression} is cut into blocks: only one block can stand here")
        return poly

    def scalar(self, expression: Expression) -> Scalar:
        """Read a scalar."""
        return self.poly(expression).value

    def read(self, expression: Expression) -> Blocks:
        """Read an expression, its parts first."""
        if expression not in self._memo:
            if expression.op == "expectation":
                self._memo[expression] = expected(self, expression)
            else:
                parts = [self.read(part) for part in expression.args]
                self._memo[expression] = READERS[expression.op](self, expression, *parts)
        return self._memo[expression]

    # assumptions

    def _assume(self, assumptions: list[Relation]) -> None:
        for relation in assumptions:
            if relation.kind in SYMMETRIC | INVERTIBLE and relation.args[0].op == "letter":
                self._properties.setdefault(relation.args[0], set()).add(relation.kind)
        for relation in assumptions:
            if relation.kind == "nonzero":
                self.suppose(f"{relation.args[0]} ≠ 0")
            elif relation.kind == "equal":
                left, right = (self.read(side) for side in relation.args)
                self.suppose(f"{relation.args[0]} = {relation.args[1]}")
                self.relate(left, right)
            elif relation.args[0].op != "letter":
                self._assume_of_expression(relation)

    def _assume_of_expression(self, relation: Relation) -> None:
        (argument,) = relation.args
        matrix = self.read(argument)
        self.suppose(f"{argument} {relation.kind}")
        if relation.kind in SYMMETRIC:
            self.relate(matrix, matrix.T)
        if relation.kind == "orthogonal":
            self.relate(matrix @ matrix.T, Blocks.of(Poly.identity(argument.shape[0])))
            self.relate(matrix.T @ matrix, Blocks.of(Poly.identity(argument.shape[0])))

    # letters

    def letter(self, expression: Expression) -> Poly:
        """The polynomial of a letter, with what is known about it."""
        name, declared, indices = expression.data
        properties = set(declared) | self._properties.get(expression, set())
        if expression == self._free:
            properties = {"invertible"} if properties & INVERTIBLE else set()
        symmetric = bool(properties & SYMMETRIC)
        letter = Letter(name, *expression.shape, of=(indices, declared), symmetric=symmetric)
        for each in sorted(properties - {"invertible"}):
            self.suppose(f"{expression} {each}" + (" definite" if each == "positive" else ""))
        poly = Poly.letter(letter)
        if {"orthogonal", "positive"} <= properties:
            self.learn([poly - Poly.identity(expression.shape[0])])
        elif "orthogonal" in properties and not poly.is_scalar:
            self.orthogonal(poly)
        if properties & INVERTIBLE and "orthogonal" not in properties:
            self.inverse(poly, str(expression))
        if "diagonal" in properties:
            self._commute(poly)
        return poly

    def _commute(self, poly: Poly) -> None:
        for other in self._diagonal:
            if other.shape == poly.shape:
                self.learn([poly @ other - other @ poly])
        self._diagonal.append(poly)


def _product(reader: Reader, _: Expression, *factors: Blocks) -> Blocks:
    result = factors[0]
    for factor in factors[1:]:
        result = result @ factor
    return result


def _sum(reader: Reader, _: Expression, *terms: Blocks) -> Blocks:
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


def _scaled(reader: Reader, expression: Expression, left: Blocks, right: Blocks) -> Blocks:
    if not expression.args[0].is_scalar:
        left, right = right, left
    return right * _value(left)


def _value(blocks: Blocks) -> Scalar:
    assert blocks.single is not None
    return blocks.single.value


def _matrix_power(reader: Reader, expression: Expression, base: Blocks) -> Blocks:
    if expression.data < 0:
        base = reader.block_inverse(base)
    result = Blocks.of(Poly.identity(expression.shape[0]))
    for _ in range(abs(expression.data)):
        result = base @ result if result.single is not None else result @ base
    return result


def _power(reader: Reader, expression: Expression, base: Blocks) -> Blocks:
    value = reader.rules.value(_value(base))
    if expression.data.is_negative and value.is_zero:
        raise ZeroDivisionError(f"{expression}: division by zero")
    if expression.data.is_negative and value.constant is None:
        reader.suppose(f"{expression.args[0]} ≠ 0")
    return _of(reader.functions.power(value, expression.data))


def _block(reader: Reader, expression: Expression, *parts: Blocks) -> Blocks:
    width = len(parts) // expression.data
    return assemble([parts[i : i + width] for i in range(0, len(parts), width)])


def _entries(reader: Reader, expression: Expression, *entries: Blocks) -> Blocks:
    """A matrix of numbers: its entries times products of unit vectors."""
    rows, columns = expression.shape
    result = Poly({}, expression.shape)
    for place, entry in enumerate(entries):
        row, column = divmod(place, int(columns))
        left, right = (reader.poly(unit(size, at)) for size, at in ((rows, row), (columns, column)))
        result = result + left @ right.T * _value(entry)
    return Blocks.of(result)


def _total(reader: Reader, expression: Expression, summand: Blocks) -> Blocks:
    return summand.map(lambda poly: summed(poly, *expression.data))


def _symbol(reader: Reader, expression: Expression) -> Blocks:
    return _of(Scalar.atom(Atom("symbol", expression.data)))


def _of(value: Scalar) -> Blocks:
    return Blocks.of(Poly.scalar(value))


def _constant(kind: str) -> Callable[[Reader, Expression], Blocks]:
    def read(_: Reader, expression: Expression) -> Blocks:
        if expression.is_scalar:
            return _of(Scalar.of(1))
        place = "" if expression.data is None else str(expression.data)
        return Blocks.of(Poly.letter(Letter(kind + place, *expression.shape, kind=kind, of=expression.data)))

    return read


READERS: dict[str, Callable[..., Blocks]] = {
    "letter": lambda reader, e: Blocks.of(reader.letter(e)),
    "symbol": _symbol,
    "number": lambda reader, e: _of(Scalar.of(e.data)),
    "identity": lambda reader, e: Blocks.of(Poly.identity(e.shape[0])),
    "zeros": lambda reader, e: Blocks.of(Poly({}, e.shape)),
    "ones": _constant("ones"),
    "unit": _constant("unit"),
    "add": _sum,
    "product": _product,
    "scale": _scaled,
    "transpose": lambda reader, e, part: part.T,
    "inverse": lambda reader, e, part: reader.block_inverse(part),
    "matrix power": _matrix_power,
    "power": _power,
    "trace": lambda reader, e, part: _of(part.trace()),
    "det": lambda reader, e, part: _of(reader.determinant(part)),
    "log": lambda reader, e, part: _of(reader.functions.log(reader.rules.value(_value(part)))),
    "exp": lambda reader, e, part: _of(reader.functions.exp(reader.rules.value(_value(part)))),
    "block": _block,
    "entries": _entries,
    "total": _total,
}
