"""SymPy's matrix expressions, scalars and assumptions, as our own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

import sympy
from sympy.assumptions import AppliedPredicate
from sympy.matrices import expressions as sympy_matrices

from mlpc.verify import expressions as tree
from mlpc.verify.expressions import Expression, Relation

Dummies = dict[Any, Any]  # summed index -> how many values it has

NOTHING_NEW = ("real", "real_elements", "square")  # predicates that hold anyway, or that the shape tells

FINEST = 1024  # of the denominators of floating-point numbers that are taken to be meant exactly

PREDICATES = {
    "symmetric": "symmetric",
    "orthogonal": "orthogonal",
    "unitary": "orthogonal",
    "positive_definite": "positive",
    "diagonal": "diagonal",
    "invertible": "invertible",
    "fullrank": "invertible",
}
"""SymPy's predicates of matrices and our properties; the letters are real."""


def translate(given: Any) -> Expression:
    """Return what SymPy's expression says, node by node; what is not understood is refused by its name.

    >>> from sympy import Identity, MatrixSymbol, Trace, symbols
    >>> A = MatrixSymbol("A", *symbols("n n"))
    >>> translate(2 * Trace(A.T * A))
    2 * tr(A^T @ A)
    """
    if isinstance(given, sympy.MatrixBase):
        return _explicit(given)
    for kind in type(given).__mro__:
        if kind in TRANSLATIONS:
            return TRANSLATIONS[kind](given)
    raise ValueError(f"{type(given).__name__} is not among the operations that can be proved about: {given}")


def _number(given: sympy.Expr) -> Expression:
    return tree.number(Fraction(int(given.p), int(given.q)))  # type: ignore[attr-defined]


def _float(given: Any) -> Expression:
    """0.5 is exact, 0.1 is not."""
    value = Fraction(float(given))
    if value.denominator > FINEST:
        raise ValueError(f"{given} is rounded: write it as a fraction, such as Fraction(1, 10)")
    return tree.number(value)


def _product(given: sympy.Expr) -> Expression:
    """Scalars first, in one factor each; neighbouring matrices in one product."""
    parts = [translate(part) for part in given.args]
    scalars = [part for part, arg in zip(parts, given.args, strict=True) if not getattr(arg, "is_Matrix", False)]
    matrices = [part for part, arg in zip(parts, given.args, strict=True) if getattr(arg, "is_Matrix", False)]
    result = _chained(matrices) if matrices else scalars.pop()
    for factor in reversed(scalars):
        result = tree.scale(factor, result)
    return result


def _chained(matrices: list[Expression]) -> Expression:
    """A product; a 1 × 1 factor scales where it does not chain, as SymPy lets it."""
    result = matrices[0]
    for factor in matrices[1:]:
        chains = tree.same_size(result.shape[1], factor.shape[0])
        if not chains and (result.is_scalar or factor.is_scalar):
            result = tree.scale(result, factor)
        elif result.op == "product":
            result = tree.product(*result.args, factor)
        else:
            result = tree.product(result, factor)
    return result


def _power(given: Any) -> Expression:
    base, exponent = translate(given.base), given.exp
    if given.base == sympy.E and not base.data.is_number:
        raise ValueError(f"{given} is not understood")
    return tree.power(base, exponent)


def _blocks(given: Any) -> Expression:
    blocks = given.blocks
    return tree.block([[translate(blocks[i, j]) for j in range(blocks.cols)] for i in range(blocks.rows)])


def _explicit(given: Any) -> Expression:
    rows, columns = given.shape
    entries = tuple(translate(given[i, j]) for i in range(rows) for j in range(columns))
    return Expression("entries", entries, (sympy.Integer(rows), sympy.Integer(columns)), rows)


def _element(given: Any) -> Expression:
    base, row, column = given.args
    return _entry(translate(base), row, column)


def _entry(matrix: Expression, row: Any, column: Any) -> Expression:
    """e_iᵀ M e_j, with no unit vector for a side of size 1."""
    factors = [matrix]
    if matrix.shape[0] != 1:
        factors.insert(0, tree.unit(matrix.shape[0], row).T)
    if matrix.shape[1] != 1:
        factors.append(tree.unit(matrix.shape[1], column))
    return factors[0] if len(factors) == 1 else tree.product(*factors)


def _sum(given: Any) -> Expression:
    """A sum over all entries: SymPy's way to write the element of a product."""
    summand, limits = given.args[0], given.args[1:]
    dummies = {}
    for over, first, last in limits:
        if first != 0:
            raise ValueError(f"{given}: only sums over the entries of matrices are understood; use verify.total")
        dummies[over] = sympy.expand(last + 1)
    flat = [inner for term in sympy.Add.make_args(_expanded(summand)) for inner in _flattened(term, dummies)]
    terms = [_contraction(term, over) for term, over in flat]
    return terms[0] if len(terms) == 1 else tree.add(*terms)


def _flattened(term: Any, dummies: Dummies) -> list[tuple[sympy.Expr, Dummies]]:
    """Draw the sums inside a product out of it, each with indices of its own."""
    for factor in sympy.Mul.make_args(term):
        base, exponent = factor.as_base_exp()
        if isinstance(base, sympy.Sum) and not base.free_symbols.isdisjoint(dummies) and exponent.is_Integer:
            limits: Any = base.args[1:]
            fresh = {over: sympy.Dummy() for over, *_ in limits}
            more = {fresh[over]: sympy.expand(last + 1) for over, _, last in limits}
            inside = base.args[0].subs(fresh) * base ** (exponent - 1) * (term / factor)
            parts = sympy.Add.make_args(_expanded(inside))
            return [inner for part in parts for inner in _flattened(part, dummies | more)]
    return [(term, dummies)]


def _expanded(summand: sympy.Expr) -> sympy.Expr:
    return sympy.expand(summand, power_base=False, power_exp=False, log=False, func=False)


def _contraction(term: sympy.Expr, dummies: Dummies) -> Expression:
    """One product of entries, each index in two of them: chains and cycles of matrices."""
    constants, edges = [], []
    for factor in sympy.Mul.make_args(term):
        base, exponent = factor.as_base_exp()
        if base.free_symbols.isdisjoint(dummies):
            constants.append(translate(factor))
        elif isinstance(base, sympy_matrices.matexpr.MatrixElement) and exponent.is_Integer and exponent > 0:
            edges += [base.args] * int(exponent)
        else:
            raise ValueError(f"{factor} is not an entry of a matrix")
    factors = [*constants, *_chains(edges, dummies)]
    result = factors.pop() if factors else tree.number(1)
    for factor in reversed(factors):
        result = tree.scale(factor, result)
    return result


def _chains(edges: list[Any], dummies: Dummies) -> list[Expression]:
    places: dict[Any, int] = defaultdict(int)
    for _, row, column in edges:
        places[row] += 1
        places[column] += 1
    odd = {over for over in dummies if places[over] not in (0, 2)}
    if odd:
        raise ValueError(f"the indices {odd} do not belong to a product of matrices")
    found = [tree.symbol(size) for over, size in dummies.items() if not places[over]]
    edges = [(translate(base), row, column) for base, row, column in edges]
    while edges:
        start = next((e for e in edges if e[1] not in dummies), None)
        start = start or next(((m.T, c, r) for m, r, c in edges if c not in dummies), edges[0])
        found.append(_followed(start, edges, dummies))
    return found


def _followed(start: Any, edges: list[Any], dummies: Dummies) -> Expression:
    """Take a chain out of the edges, from its start to its end or back to its start."""
    _remove(start, edges)
    matrices, first, last = [start[0]], start[1], start[2]
    while last in dummies and last != first:
        matrix, row, column = next(e for e in edges if last in e[1:])
        _remove((matrix, row, column), edges)
        matrices.append(matrix if row == last else matrix.T)
        last = column if row == last else row
    whole = matrices[0] if len(matrices) == 1 else tree.product(*matrices)
    if last in dummies:
        return tree.trace(whole)
    return _entry(whole, first, last)


def _remove(edge: Any, edges: list[Any]) -> None:
    matrix, row, column = edge
    other = (matrix.args[0], column, row) if matrix.op == "transpose" else None
    edges.remove(edge if edge in edges else other)


def _of(make: Callable[..., Expression]) -> Callable[[Any], Expression]:
    return lambda given: make(*(translate(part) for part in given.args))


def _zeros(given: Any) -> Expression:
    return tree.zeros(*given.shape)


def _all_ones(given: Any) -> Expression:
    return tree.product(tree.ones(given.shape[0]), tree.ones(given.shape[1]).T)


TRANSLATIONS: dict[type, Callable[[Any], Expression]] = {
    sympy.Rational: _number,
    sympy.Float: _float,
    sympy.Symbol: tree.symbol,
    sympy.NumberSymbol: tree.symbol,
    sympy.Add: _of(tree.add),
    sympy.Mul: _product,
    sympy.Pow: _power,
    sympy.exp: _of(tree.exp),
    sympy.log: _of(tree.log),
    sympy.Sum: _sum,
    sympy.MatrixSymbol: lambda given: tree.matrix(given.name, *given.shape),
    sympy.Identity: lambda given: tree.identity(given.shape[0]),
    sympy.ZeroMatrix: _zeros,
    sympy.OneMatrix: _all_ones,
    sympy.MatAdd: _of(tree.add),
    sympy.MatMul: _product,
    sympy.MatPow: _power,
    sympy.Inverse: lambda given: translate(given.arg).inv,
    sympy.Transpose: lambda given: translate(given.arg).T,
    sympy.Adjoint: lambda given: translate(given.arg).T,
    sympy.BlockMatrix: _blocks,
    sympy.Trace: _of(tree.trace),
    sympy.Determinant: _of(tree.det),
    sympy_matrices.matexpr.MatrixElement: _element,
}


def assumed(given: Iterable[Any] | Any) -> list[Relation]:
    """Return assumptions, SymPy's or our own, as relations: properties of matrices, equations, what is not zero."""
    if isinstance(given, sympy.Basic | Relation):
        given = (given,)
    return [relation for assumption in given for relation in _relations(assumption)]


def _relations(given: Any) -> list[Relation]:
    if isinstance(given, Relation):
        return [given]
    if given is True or given == sympy.true:
        raise ValueError("an assumption was evaluated to True before it could be read: it says nothing, or use equal()")
    if given is False or given == sympy.false:
        raise ValueError("an assumption was evaluated to False before it could be read: use equal() or nonzero()")
    if isinstance(given, sympy.And):
        return [relation for part in given.args for relation in _relations(part)]
    if isinstance(given, sympy.Eq):
        return [tree.equal(*(translate(side) for side in given.args))]
    if isinstance(given, sympy.Ne | sympy.StrictGreaterThan):
        left, right = (translate(side) for side in given.args)
        return [tree.nonzero(left - right)]
    if isinstance(given, AppliedPredicate):
        return _predicate(given)
    raise ValueError(f"the assumption {given} is not understood: use Q.symmetric and the like, Eq, Ne, equal, nonzero")


def _predicate(given: AppliedPredicate) -> list[Relation]:
    predicate: Any = given.function
    name, (argument,) = str(predicate.name), given.arguments
    if name in NOTHING_NEW:
        return []
    if name in ("nonzero", "positive", "negative"):
        return [tree.nonzero(translate(argument))]
    if name not in PREDICATES:
        raise ValueError(f"the assumption Q.{name} is not understood: {', '.join(PREDICATES)} are")
    matrix = translate(argument)
    if not tree.same_size(*matrix.shape):
        raise ValueError(f"Q.{name} needs a square matrix, but {matrix} has shape {tree.shaped(matrix.shape)}")
    return [Relation(PREDICATES[name], (matrix,))]
