"""Symbolic answers: two SymPy expressions are the same if they agree on exact rational draws of their symbols."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from mlpc.exercises.answers import Unanswered, Unreadable, is_stub

DIGITS = 30
SIZES = (3, 2, 4, 5)  # what symbolic dimensions become, in alphabetical order


@dataclass(frozen=True)
class Expression:
    """A SymPy expression: scalar, explicit matrix or matrix expression.

    Symbols are known by their names, so that the reader may make them with or without assumptions; those of the
    solution (positive, integer) are kept by the draws. A matrix symbol becomes a matrix of small integers, invertible
    if it is square; with symbolic dimensions n × k, the sizes are different.

    Attributes
    ----------
    draws : int
        Number of draws; agreement on all of them is agreement.
    seed : int
        Seed of the draws.

    Examples
    --------
    >>> import sympy
    >>> a, b = sympy.symbols("a b")
    >>> kind, solution = Expression(), a**2 + 2 * a * b + b**2
    >>> kind.agree(kind.read((a + b) ** 2, solution), solution)
    True
    """

    draws: int = 4
    seed: int = 20240117

    def read(self, answer: Any, solution: Any) -> Any:
        """Return the answer as a SymPy object whose symbols are among those of the solution."""
        import sympy

        if is_stub(answer):
            raise Unanswered
        if isinstance(answer, str):
            raise Unreadable("asked for a SymPy expression, got text; make the symbols with sympy.symbols(...)")
        try:
            read = sympy.sympify(answer)
        except (sympy.SympifyError, TypeError, AttributeError):
            raise Unreadable(f"asked for a SymPy expression, got one {type(answer).__name__}") from None
        if not isinstance(read, sympy.Expr | sympy.MatrixBase | sympy.MatrixExpr):
            raise Unreadable(f"asked for a SymPy expression, got one {type(answer).__name__}")
        if read.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
            raise Unreadable("the expression is not finite")
        _same_symbols(read, sympy.sympify(solution))
        return read

    def agree(self, answer: Any, other: Any) -> bool:
        """Whether both take the same values on every draw."""
        import sympy

        other = sympy.sympify(other)
        if _shape(answer) != _shape(other):
            return False
        symbols = {str(symbol): symbol for symbol in (*answer.free_symbols, *other.free_symbols)}
        rng = random.Random(self.seed)
        for _ in range(self.draws):
            values = _draw(symbols, rng)
            if not _equal(_value(answer, values), _value(other, values)):
                return False
        return True

    def explain(self, answer: Any, solution: Any) -> None:
        """Say which shape came if it is not that of the solution."""
        import sympy

        wanted, came = _shape(sympy.sympify(solution)), _shape(answer)
        if wanted != came:
            raise Unreadable(f"asked for {_words(wanted)}, got {_words(came)}")


def _same_symbols(answer: Any, solution: Any) -> None:
    """Raise `Unreadable` if the answer holds a symbol that the solution has not, or has in another shape."""
    sizes = {size for symbol in solution.free_symbols for size in getattr(symbol, "shape", ())}
    symbols = solution.free_symbols | {size for size in sizes if size.is_Symbol}  # the answer may hold Identity(n)
    known = {str(symbol): _shape(symbol) for symbol in symbols}
    strange = sorted({str(symbol) for symbol in answer.free_symbols} - set(known))
    if strange:
        raise Unreadable(f"the symbols are {', '.join(sorted(known))}, but the answer holds {', '.join(strange)}")
    for symbol in sorted(answer.free_symbols, key=str):
        if _shape(symbol) != (wanted := known[str(symbol)]):
            raise Unreadable(f"{symbol} is {_words(wanted)}, but {_words(_shape(symbol))} in the answer")


def _shape(expression: Any) -> tuple[str, ...]:
    """Return the shape with its dimensions as text: symbols are known by their names."""
    return tuple(str(size) for size in getattr(expression, "shape", ()))


def _words(shape: tuple[str, ...]) -> str:
    return f"a {' × '.join(shape)} matrix" if shape else "a scalar expression"


def _draw(symbols: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Draw a value for each name: dimensions first, then scalars, then matrices of those dimensions."""
    import sympy

    matrices = {name: symbol for name, symbol in symbols.items() if isinstance(symbol, sympy.MatrixSymbol)}
    dimensions = sorted({str(size) for symbol in matrices.values() for size in symbol.shape if size.is_Symbol})
    values: dict[str, Any] = {name: sympy.Integer(SIZES[i % len(SIZES)]) for i, name in enumerate(dimensions)}
    for name in sorted(set(symbols) - set(matrices) - set(dimensions)):
        value = sympy.Rational(rng.randint(3, 97), rng.choice((7, 11, 13)))
        value = sympy.ceiling(value) if symbols[name].is_integer else value
        values[name] = value if symbols[name].is_nonnegative or rng.random() < 0.5 else -value
    for name in sorted(matrices):
        rows, columns = (int(values.get(str(size), size)) for size in matrices[name].shape)
        entries = [[sympy.Integer(rng.randint(-3, 3)) for _ in range(columns)] for _ in range(rows)]
        dominant = sympy.eye(rows, columns) * 11 if rows == columns else sympy.zeros(rows, columns)
        values[name] = sympy.Matrix(entries) + dominant
    return values


def _value(expression: Any, values: dict[str, Any]) -> Any:
    import sympy

    by_name = {symbol: values[str(symbol)] for symbol in expression.free_symbols}
    dimensions = {symbol: value for symbol, value in by_name.items() if not isinstance(value, sympy.MatrixBase)}
    sized = expression.subs(dimensions)
    matrices = {symbol: values[str(symbol)] for symbol in sized.free_symbols}
    explicit = sized.subs(matrices).replace(lambda part: isinstance(part, sympy.Identity), sympy.Identity.as_explicit)
    value = explicit.doit()
    return value.as_explicit() if isinstance(value, sympy.MatrixExpr) else value


def _equal(value: Any, other: Any) -> bool:
    import sympy

    difference = sympy.Matrix([value - other])
    size = sympy.Matrix([other]).norm()
    gap, scale = (abs(norm.evalf(DIGITS)) for norm in (difference.norm(), size))  # 1 + 0.e-39 i is no real number
    return bool(gap.is_number and gap.is_finite and gap <= sympy.Float(10) ** (-DIGITS // 2) * (1 + scale))
