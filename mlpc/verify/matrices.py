"""Equality of matrix expressions and of scalars made of them, for all sizes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import sympy

from mlpc.verify.arithmetic import same
from mlpc.verify.blocks import Blocks
from mlpc.verify.certificate import Certificate
from mlpc.verify.claims import Claim, certify, named
from mlpc.verify.constraints import Draw
from mlpc.verify.evaluation import evaluate
from mlpc.verify.expressions import Expression, coerce, same_shape, shaped, zeros
from mlpc.verify.printing import latex
from mlpc.verify.reading import Reader
from mlpc.verify.translation import assumed
from mlpc.verify.words import Poly


def prove_equal(
    lhs: Any,
    rhs: Any,
    *,
    assumptions: Iterable[Any] | Any = (),
    mutants: Mapping[str, Any] | Sequence[Any] = (),
    uses: Iterable[str] = (),
) -> Certificate:
    """Prove that two expressions are equal for all matrices of all sizes under the assumptions.

    Parameters
    ----------
    lhs, rhs : expressions
        Of this package or of SymPy: matrices, or scalars such as traces, log-determinants and 1 × 1 products.
    assumptions : iterable
        ``Q.symmetric(P)`` and the like, ``Eq``, ``Ne``, or `equal` and `nonzero`. What is inverted is taken to be
        invertible, what stands under a logarithm or a root to be positive; the certificate says so.
    mutants : mapping or sequence
        What is wrong to the right side that has it wrong; each is refuted by an exact draw.
    uses : iterable of str
        Labels of the equations and axioms that the claim leans on.

    Returns
    -------
    Certificate
        Falsy, with a `residual` that says why, unless the claim is proved and all mutants are refuted.

    Raises
    ------
    ValueError
        If shapes do not fit, or an operation is not understood.

    Examples
    --------
    >>> from mlpc.verify import identity, matrix, sizes
    >>> n, k = sizes("n k")
    >>> U, V = matrix("U", n, k), matrix("V", k, n)
    >>> push = prove_equal(
    ...     (identity(n) + U @ V).inv @ U,
    ...     U @ (identity(k) + V @ U).inv,
    ...     mutants={"U V for V U": U @ (identity(k) + V @ U @ V @ U).inv},
    ... )
    >>> push.grade, push.mutants
    ('A', ('U V for V U',))
    """
    if not any(about_matrices(side) for side in (lhs, rhs, *named(mutants).values())):
        from mlpc.verify.scalars import prove_same

        return prove_same(lhs, rhs, assumptions=assumptions, mutants=named(mutants), uses=uses)
    started = time.thread_time()
    left, right = coerce(lhs), coerce(rhs)
    wrong = {name: coerce(mutant) for name, mutant in named(mutants).items()}
    for side in (right, *wrong.values()):
        if not same_shape(left.shape, side.shape):
            raise ValueError(f"{left} has shape {shaped(left.shape)}, but {side} has {shaped(side.shape)}")
    relations = assumed(assumptions)
    claim = Claim(
        text=f"{latex(left)} = {latex(right)}",
        used=[left, right],
        relations=relations,
        goal=partial(_differences, left=left, right=right),
        holds=partial(_equal_in, left=left, right=right),
        wrong={name: partial(_equal_in, left=left, right=mutant) for name, mutant in wrong.items()},
        uses=tuple(uses),
        started=started,
    )
    if left == right:
        return claim.refused("trivial as read: both sides are the same expression" + _cancelled(lhs, rhs))
    return certify(claim)


def prove_vanishing(
    expr: Any, *, assumptions: Iterable[Any] | Any = (), mutants: Mapping[str, Any] | Sequence[Any] = (), uses: Any = ()
) -> Certificate:
    """Prove that an expression of matrices is zero; a mutant is a wrong variant of it, which must not be."""
    value = coerce(expr)
    wrong = {name: value - coerce(mutant) for name, mutant in named(mutants).items()}
    return prove_equal(value, zeros(*value.shape), assumptions=assumptions, mutants=wrong, uses=uses)


def about_matrices(side: Any) -> bool:
    """Whether an expression is this package's own, or holds a matrix of SymPy's."""
    if isinstance(side, Expression | sympy.MatrixBase):
        return True
    return isinstance(side, sympy.Basic) and any(
        isinstance(p, sympy.MatrixExpr) for p in sympy.preorder_traversal(side)
    )


def _cancelled(*sides: Any) -> str:
    if any(isinstance(side, Expression) for side in sides):
        return ", so there is nothing to prove"
    return " once SymPy has evaluated them; state the claim in mlpc.verify's own letters, which nothing is done to"


def _equal_in(draw: Draw, left: Expression, right: Expression) -> bool:
    return same(evaluate(left, draw), evaluate(right, draw))


def _differences(reader: Reader, left: Expression, right: Expression) -> list[Poly]:
    sides: tuple[Blocks, Blocks] = reader.read(left), reader.read(right)
    difference = sides[0] - sides[1]
    return [cell for row in difference.cells for cell in row]
