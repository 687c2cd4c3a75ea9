"""Proofs that scalar expressions vanish: with logarithms, exponentials, and sums of symbolic length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter
from typing import Any

import sympy
from sympy import Derivative, Eq, Indexed, Integral, KroneckerDelta, Product, S, Sum, latex
from sympy.polys.groebnertools import groebner

from mlpc.verify.certificate import Certificate
from mlpc.verify.deadline import OutOfTimeError, time_limit
from mlpc.verify.hypotheses import Hypotheses, hypotheses
from mlpc.verify.quotients import Expr, UnreadableError, quotients
from mlpc.verify.trials import NoDrawError, sizes_of, trials
from mlpc.verify.values import Draw, UndefinedError, is_zero, shown

DRAWS = 8  # by which a wrong variant, or an inequality, is tried
ENOUGH = 5  # confirmations of the second opinion
FEW_DRAWS = 3  # where each takes long: derivatives are carried out anew
METHOD = "normal form of scalar expressions"
Mutants = Mapping[str, Any] | Iterable[tuple[str, Any]]


def prove_zero(
    expr: Any,
    *,
    assumptions: Iterable[Any] = (),
    mutants: Mutants = (),
    uses: Iterable[str] = (),
    sizes: Mapping[str, int] | None = None,
) -> Certificate:
    """Prove that a scalar SymPy expression vanishes wherever it is defined.

    Parameters
    ----------
    expr : Expr or Eq
        What vanishes, or an equation between scalars (made with ``evaluate=False``). Sums may have symbolic limits.
    assumptions : iterable
        Equations, which hold for all values of their free indices and of the arguments of their functions; strict
        inequalities; ``Q.positive(x)``; ``Ne(x, 0)``. An equation for a symbol alone is a definition.
    mutants : mapping
        What is wrong to the expression, or equation, that is wrong so. Each must be refuted by a draw.
    uses : iterable of str
        Labels of lemmas for the certificate.
    sizes : mapping, optional
        Names of sizes to the numbers for which the claim is written out, as in ``{"K": 3}``: the grade is B then.

    Returns
    -------
    Certificate
        Of grade A where sizes are symbols or there are none, else B; falsy, saying why, if not proved.

    Raises
    ------
    ValueError
        If an assumption is none that is understood, or an argument is not scalar.

    Examples
    --------
    >>> k, K = sympy.symbols("k K", integer=True, positive=True)
    >>> p, q = sympy.IndexedBase("p", positive=True), sympy.IndexedBase("q", positive=True)
    >>> split = Sum(q[k] * (sympy.log(p[k]) - sympy.log(q[k])), (k, 1, K))
    >>> certificate = prove_zero(
    ...     Sum(q[k] * sympy.log(p[k] / q[k]), (k, 1, K)) - split, mutants={"q/p": Sum(q[k], (k, 1, K)) - split}
    ... )
    >>> bool(certificate), certificate.grade, certificate.scope
    (True, 'A', 'all K')
    """
    from mlpc.verify.matrices import about_matrices, prove_vanishing

    if about_matrices(expr):
        return prove_vanishing(expr, assumptions=assumptions, mutants=dict(mutants), uses=uses)
    wrong = {name: scalar(mutant) for name, mutant in dict(mutants).items()}
    claim = Claim(scalar(expr), _latex(expr), wrong, tuple(assumptions), tuple(uses), dict(sizes or {}))
    return prove(claim)


def prove_same(
    lhs: Any, rhs: Any, *, assumptions: Iterable[Any] = (), mutants: Mutants = (), uses: Iterable[str] = ()
) -> Certificate:
    """Prove that two scalar expressions are equal; `mutants` are wrong right-hand sides."""
    left, right = scalar(lhs), scalar(rhs)
    wrong = {name: left - scalar(mutant) for name, mutant in dict(mutants).items()}
    trivial = left == right
    written = f"{latex(left)} = {latex(right)}"
    return prove(Claim(left - right, written, wrong, tuple(assumptions), tuple(uses), {}, trivial=trivial))


class FalseClaimError(UnreadableError):
    """A draw contradicts the claim."""


@dataclass(frozen=True)
class Claim:
    """An expression that should vanish, with all that is said about it."""

    zero: Expr
    written: str
    mutants: Mapping[str, Expr]
    assumptions: tuple[Any, ...]
    uses: tuple[str, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)
    trivial: bool | None = None


def prove(claim: Claim) -> Certificate:
    """Return the certificate of a claim."""
    start = perf_counter()
    found: dict[str, Any] = {}
    try:
        with time_limit():
            found = _proved(claim)
    except (UnreadableError, NoDrawError, OutOfTimeError) as error:
        found = {"residual": str(error)}
    grade, scope = grade_and_scope(claim)
    return Certificate(
        claim.written, METHOD, grade, scope, **{"uses": claim.uses, **found}, seconds=perf_counter() - start
    )


def _proved(claim: Claim) -> dict[str, Any]:
    if claim.zero == 0 if claim.trivial is None else claim.trivial:
        raise UnreadableError("trivial as read: SymPy has made both sides the same while they were built")
    given = hypotheses(claim.assumptions)
    zero = given.put_in(claim.zero)
    opinion = agreed(zero, given)
    refuted = [name for name, mutant in claim.mutants.items() if _refute(name, given.put_in(mutant), given)]
    return {
        "assumes": tuple(dict.fromkeys((*given.texts, *given.reading.assumes))),
        "uses": (*claim.uses, *given.reading.uses),
        "mutants": tuple(refuted),
        "second_opinion": opinion,
    }


def agreed(zero: Expr, given: Hypotheses) -> str:
    """Prove that an expression vanishes, and return the second opinion; the reason why it is not proved is raised."""
    try:
        rest = remainder(zero, given)
    except UnreadableError as error:
        try:
            second_opinion(zero, given)
        except FalseClaimError:
            raise
        except (UnreadableError, NoDrawError):
            pass
        raise error from None
    opinion = second_opinion(zero, given)
    if rest is not None:
        raise UnreadableError(f"not proved, though no draw contradicts it; what remains: {rest}")
    return opinion


def remainder(expr: Expr, given: Hypotheses) -> Expr | None:
    """Return what is left of an expression in normal form, or None if it vanishes."""
    form = given.reading.normal(given.reading.normal(expr))  # twice: a logarithm that was read tells a sign
    for delta in sorted(form.atoms(KroneckerDelta), key=str):
        apart = form.xreplace({delta: S.Zero})
        together = form.xreplace({delta: S.One}).xreplace({delta.args[1]: delta.args[0]})
        return next((rest for case in (apart, together) if (rest := remainder(case, given)) is not None), None)
    circles = [sympy.sin(f.args[0]) ** 2 + sympy.cos(f.args[0]) ** 2 - 1 for f in form.atoms(sympy.sin, sympy.cos)]
    split, *relations = quotients([form, *given.relations, *circles])
    if split.is_zero:
        return None
    ideal = [relation.numer for relation in relations if relation.numer] + list(split.relations)
    basis = groebner(ideal, split.numer.ring) if relations else []
    if any(element.is_ground for element in basis):
        raise UnreadableError("the assumptions contradict each other")
    rest = split.numer.rem(basis) if basis else split.numer
    if basis and not split.denom.rem(basis):
        raise UnreadableError("a denominator vanishes under the assumptions")
    return split.expression(rest) / split.expression(split.denom) if rest else None


def second_opinion(zero: Expr, given: Hypotheses) -> str:
    """Say how many draws confirm that an expression vanishes; the first one that does not raises."""
    count = 1 if zero.has(Integral) else FEW_DRAWS if zero.has(Derivative) else ENOUGH
    confirmed = 0
    for draw in islice(trials([zero], given.conditions), 3 * count):
        verdict = _verdict(draw, zero)
        if verdict is False:
            raise FalseClaimError(f"false: it is {shown(draw.value(zero))} at {draw}")
        confirmed += verdict is True
        if confirmed == count:
            break
    if not confirmed:
        raise UnreadableError("no draw was found at which the expression has a value that could be compared with zero")
    how = "by quadrature" if zero.has(Integral) else "in exact rationals and rigorous intervals"
    return f"{confirmed} draw{'s' if confirmed > 1 else ''} {how} (seed 0), 0 failures"


def _verdict(draw: Draw, expr: Expr) -> bool | None:
    try:
        return is_zero(draw, expr)
    except (UndefinedError, ZeroDivisionError, OverflowError):
        return None


def _refute(name: str, mutant: Expr, given: Hypotheses) -> bool:
    """Whether a draw shows that an expression does not vanish; raises if none does."""
    closed = given.reading.normal(mutant) if mutant.has(Integral) else mutant
    for draw in islice(trials([closed], given.conditions), 3 * DRAWS):
        if _verdict(draw, closed) is False:
            return True
    raise UnreadableError(f"the wrong variant {name!r} is not refuted by any draw: it may be true")


def scalar(expr: Any) -> Expr:
    """Return an expression as one that should vanish; what is no scalar raises `ValueError`."""
    read = sympy.sympify(expr)
    if read in (S.true, S.false) or isinstance(read, bool):
        raise ValueError(
            f"SymPy has decided that the equation is {read}: make it with sympy.Eq(lhs, rhs, evaluate=False)"
        )
    if isinstance(read, Eq):
        return scalar(read.lhs) - scalar(read.rhs)
    if not isinstance(read, sympy.Expr) or getattr(read, "is_Matrix", False) or read.has(sympy.MatrixSymbol):
        raise ValueError(f"{expr} is no scalar expression: matrices are for prove_equal and prove_gradient")
    if read.has(sympy.nan, sympy.zoo) or read.is_infinite:
        raise ValueError(f"{expr} is not finite")
    return read


def _latex(expr: Any) -> str:
    if isinstance(expr, Eq):
        return f"{latex(expr.lhs)} = {latex(expr.rhs)}"
    return f"{latex(sympy.sympify(expr))} = 0"


def grade_and_scope(claim: Claim) -> tuple[str, str]:
    """Return grade and scope: at a fixed size, for all sizes, or for all values."""
    if claim.sizes:
        return "B", ", ".join(f"{name}={size}" for name, size in claim.sizes.items())
    sizes = sizes_of([claim.zero])
    if sizes:
        return "A", "all " + ", ".join(map(str, sizes))
    fixed = any(index.is_Integer for part in claim.zero.atoms(Indexed) for index in part.indices)
    fixed = fixed or claim.zero.has(Sum, Product)
    return ("B", "the size written out") if fixed else ("A", "all values")
