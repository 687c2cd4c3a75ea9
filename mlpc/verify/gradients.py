"""Gradients, Jacobians and derivatives by a scalar, for all sizes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mlpc.verify import arithmetic
from mlpc.verify.arithmetic import Matrix, slope_of
from mlpc.verify.certificate import Certificate
from mlpc.verify.claims import Claim, certify, named
from mlpc.verify.constraints import Draw
from mlpc.verify.differentials import Derivative
from mlpc.verify.evaluation import evaluate
from mlpc.verify.expressions import SCALAR, Expression, Shape, coerce, same_shape, same_size, shaped
from mlpc.verify.polynomials import Atom
from mlpc.verify.printing import latex
from mlpc.verify.reading import Reader
from mlpc.verify.sampling import letters
from mlpc.verify.translation import assumed
from mlpc.verify.words import Letter, Poly

METHOD = "differentials and non-commutative rewriting"


def prove_gradient(
    f: Any,
    x: Any,
    claimed: Any,
    *,
    assumptions: Iterable[Any] | Any = (),
    mutants: Mapping[str, Any] | Sequence[Any] = (),
    uses: Iterable[str] = (),
) -> Certificate:
    """Prove that df = tr(Gᵀ dX) for the claimed G, which has the shape of X.

    The gradient is the unconstrained one, also where X is symmetric. If x is a scalar, f may be a matrix.

    Parameters
    ----------
    f : expression
        A scalar.
    x : expression
        A matrix, vector or scalar letter.
    claimed : expression
        The gradient.
    assumptions, mutants, uses
        As for `prove_equal`; a mutant is a wrong gradient.

    Returns
    -------
    Certificate
        Falsy, with a `residual` that says why, unless the claim is proved and all mutants are refuted.

    Raises
    ------
    ValueError
        If shapes do not fit, x is no letter, or an operation is not understood.

    Examples
    --------
    >>> from mlpc.verify import logdet, matrix, sizes
    >>> X = matrix("X", sizes("n"))
    >>> bool(prove_gradient(logdet(X), X, X.inv.T, mutants={"not transposed": X.inv}))
    True
    """
    value, variable = coerce(f), _letter(x)
    if variable.is_scalar:
        return _proved(_By.scalar, value, variable, value.shape, claimed, assumptions, mutants, uses)
    if not value.is_scalar:
        raise ValueError(f"prove_gradient(): f must be a scalar, but {value} has shape {shaped(value.shape)}")
    return _proved(_By.matrix, value, variable, variable.shape, claimed, assumptions, mutants, uses)


def prove_jacobian(
    f: Any,
    x: Any,
    claimed: Any,
    *,
    assumptions: Iterable[Any] | Any = (),
    mutants: Mapping[str, Any] | Sequence[Any] = (),
    uses: Iterable[str] = (),
) -> Certificate:
    """Prove that df = J dx for columns f and x; the Jacobian of a gradient is the Hessian.

    Parameters and results are those of `prove_gradient`; ``claimed`` has a row for each entry of f.

    Examples
    --------
    >>> from mlpc.verify import matrix, sizes, vector
    >>> n = sizes("n")
    >>> A, x = matrix("A", n), vector("x", n)
    >>> bool(prove_jacobian((A + A.T) @ x, x, A + A.T, mutants={"A only": A}))
    True
    """
    value, variable = coerce(f), _letter(x)
    for name, column in (("f", value), ("x", variable)):
        if not same_size(column.shape[1], SCALAR[1]):
            raise ValueError(
                f"prove_jacobian(): {name} must be a column, but {column} has shape {shaped(column.shape)}"
            )
    shape = (value.shape[0], variable.shape[0])
    return _proved(_By.vector, value, variable, shape, claimed, assumptions, mutants, uses)


class _By:
    """The three kinds of derivative: what the prover computes, and what a direction compares."""

    def __init__(
        self, read: Callable[[Derivative, Poly], Poly], along: Callable[[Matrix, Matrix], Matrix], symbol: str
    ) -> None:
        self.read, self.along, self.symbol = read, along, symbol

    matrix: _By
    vector: _By
    scalar: _By


def _inner(gradient: Matrix, direction: Matrix) -> Matrix:
    return [[arithmetic.trace(arithmetic.multiply(arithmetic.transpose(gradient), direction))]]


_By.matrix = _By(lambda d, f: d.gradient(f.value), _inner, r"\nabla")
_By.vector = _By(Derivative.jacobian, arithmetic.multiply, "D")
_By.scalar = _By(Derivative.along, lambda gradient, direction: arithmetic.scale(direction[0][0], gradient), r"\partial")


def _letter(x: Any) -> Expression:
    variable = coerce(x)
    if variable.op not in ("letter", "symbol"):
        raise ValueError(f"the variable must be a letter, but is {variable}")
    if variable.op == "letter" and variable.data[2]:
        raise ValueError(f"the variable must be a letter without index, but is {variable}")
    return variable


def _proved(
    by: _By,
    value: Expression,
    variable: Expression,
    shape: Shape,
    claimed: Any,
    assumptions: Any,
    mutants: Any,
    uses: Iterable[str],
) -> Certificate:
    started = time.thread_time()
    _refuse_covariance(value, variable)
    gradient = coerce(claimed)
    wrong = {name: coerce(mutant) for name, mutant in named(mutants).items()}
    for candidate in (gradient, *wrong.values()):
        if not same_shape(candidate.shape, shape):
            raise ValueError(
                f"the derivative of {value} by {variable} has shape {shaped(shape)}, "
                f"but {candidate} has {shaped(candidate.shape)}"
            )

    def holds(candidate: Expression) -> Callable[[Draw], bool]:
        return lambda draw: _holds_in(draw, by, value, variable, candidate)

    claim = Claim(
        text=rf"{by.symbol}_{{{latex(variable)}}} {latex(value)} = {latex(gradient)}",
        used=[value, gradient],
        relations=assumed(assumptions),
        goal=lambda reader: _difference(reader, by, value, variable, gradient),
        holds=holds(gradient),
        wrong={name: holds(candidate) for name, candidate in wrong.items()},
        uses=tuple(uses),
        method=METHOD,
        free=variable,
        started=started,
    )
    if variable not in letters(value):
        return claim.refused(f"trivial as read: {variable} does not occur in {value}")
    return certify(claim)


def _refuse_covariance(value: Expression, variable: Expression) -> None:
    """What a covariance inside an expectation is without its symmetry would be a matter of convention."""
    for part in value.subexpressions():
        if part.op == "expectation" and any(variable in letters(covariance) for covariance in part.args[3::3]):
            raise ValueError(f"{variable} stands in the covariance of the expectation {part}: write that out first")


def _holds_in(draw: Draw, by: _By, value: Expression, variable: Expression, gradient: Expression) -> bool:
    """Compare the slope along a random direction, by dual numbers, with the gradient's."""
    rows, columns = draw.shape(variable)
    direction = draw.matrix(rows, columns)
    expected = by.along(evaluate(gradient, draw), direction)
    with draw.moved(variable, direction):
        slopes = [[slope_of(x) for x in row] for row in evaluate(value, draw)]
    return arithmetic.same(slopes, expected)


def _difference(reader: Reader, by: _By, value: Expression, variable: Expression, gradient: Expression) -> list[Poly]:
    """Differentiate before anything is assumed about the variable."""
    derivative = Derivative(reader, _variable(reader, variable), variable.shape)
    read = reader.read(value)
    if read.single is None and by is not _By.scalar:
        raise ValueError(f"{value} is cut into blocks")
    found = read.map(lambda cell: by.read(derivative, cell))
    reader.impose()
    difference = found - reader.read(gradient)
    return [cell for row in difference.cells for cell in row]


def _variable(reader: Reader, variable: Expression) -> Letter | Atom:
    poly = reader.poly(variable)
    if poly.is_scalar:
        (atom,) = poly.value.atoms()
        return atom
    (letter,) = poly.leading()
    return letter
