"""Inequalities: an identity with something that is manifestly not negative, and the one lemma log t ≤ t - 1."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from time import perf_counter
from typing import Any

import sympy
from sympy import Add, Integral, Mul, Pow, Sum, latex, log

from mlpc.verify.certificate import Certificate
from mlpc.verify.deadline import OutOfTimeError, time_limit
from mlpc.verify.hypotheses import Hypotheses, hypotheses
from mlpc.verify.quotients import Expr, UnreadableError
from mlpc.verify.scalars import DRAWS, Claim, FalseClaimError, Mutants, agreed, grade_and_scope, scalar
from mlpc.verify.trials import NoDrawError, trials
from mlpc.verify.values import Draw, UndefinedError, is_positive, shown

LEMMA = "log lemma"  # in mlpc.verify.axioms


class log_gap(sympy.Function):
    """The gap t - 1 - log t of the log lemma: not negative for t > 0, and zero only at t = 1."""

    nargs = 1

    def doit(self, **hints: Any) -> Expr:
        """Return it written out."""
        t: Any = self.args[0]
        return t - 1 - log(t)

    def _latex(self, printer: Any) -> str:
        t = printer._print(self.args[0])
        return rf"\left({t} - 1 - \log {t}\right)"


def prove_nonnegative(
    expr: Any, witness: Any, *, assumptions: Iterable[Any] = (), mutants: Mutants = (), uses: Iterable[str] = ()
) -> Certificate:
    """Prove that an expression is never negative, because it equals a witness that manifestly is not.

    Parameters
    ----------
    expr : Expr
        What is not negative.
    witness : Expr
        The same, made of squares, symbols and weights that are not negative, `log_gap`, and their sums, products and
        integrals.
    assumptions, uses
        As in `prove_zero`.
    mutants : mapping
        What is wrong to the expression that is wrong so: a draw must show that it is negative somewhere.

    Returns
    -------
    Certificate
        Its claim says when there is equality, read off the witness.

    Examples
    --------
    >>> a, b = sympy.symbols("a b", real=True)
    >>> certificate = prove_nonnegative(a**2 + b**2 - 2 * a * b, (a - b) ** 2, mutants={"3ab": a**2 + b**2 - 3 * a * b})
    >>> print(certificate.claim)
    a^{2} - 2 a b + b^{2} \\ge 0 \\text{ with equality if and only if } a - b = 0
    """
    start = perf_counter()
    left, right = scalar(expr), scalar(witness)
    wrong = {name: scalar(mutant) for name, mutant in dict(mutants).items()}
    claim = Claim(left - _written_out(right), "", wrong, tuple(assumptions), tuple(uses))
    grade, scope = grade_and_scope(claim)
    written, found = rf"{latex(left)} \ge 0", {}
    try:
        with time_limit():
            written, found = _proved(left, right, claim)
    except (UnreadableError, NoDrawError, OutOfTimeError) as error:
        found = {"residual": str(error)}
    method = "identity with what is not negative"
    return Certificate(written, method, grade, scope, **{"uses": tuple(uses), **found}, seconds=perf_counter() - start)


def _proved(left: Expr, witness: Expr, claim: Claim) -> tuple[str, dict[str, Any]]:
    given = hypotheses(claim.assumptions)
    zero = given.put_in(claim.zero)
    opinion = agreed(zero, given) if zero != 0 else ""
    given.reading.normal(given.put_in(_written_out(witness)))  # whose limits must be such as are read
    equality = vanishing(given.put_in(witness), given)
    for name, mutant in claim.mutants.items():
        _refute(name, given.put_in(mutant), given)
    found = {
        "assumes": tuple(dict.fromkeys((*given.texts, *given.reading.assumes))),
        "uses": (*claim.uses, *given.reading.uses, *([LEMMA] if witness.has(log_gap) else [])),
        "mutants": tuple(claim.mutants),
        "second_opinion": "; ".join(filter(None, (opinion, _never_negative(given.put_in(left), given)))),
    }
    when = rf"\text{{ with equality if and only if }} {equality}" if equality else r"\text{, and never equal}"
    return rf"{latex(left)} \ge 0 {when}", found


def vanishing(witness: Any, given: Hypotheses) -> str:
    """Return, as LaTeX, when something that is manifestly not negative vanishes; empty if it never does.

    Raises `UnreadableError` where it is not manifest that it is not negative.
    """
    if witness.is_positive or given.reading.sign(given.reading.normal(_written_out(witness))) > 0:
        return ""
    if isinstance(witness, log_gap):
        argument = given.reading.normal(witness.args[0])
        if not given.reading.sign(argument):
            given.reading.assume(f"{argument} > 0")
        return f"{latex(witness.args[0])} = 1"
    if isinstance(witness, Add):
        return r" \text{ and } ".join(dict.fromkeys(_vanishing_terms(witness, given)))
    if isinstance(witness, Mul):
        return r" \text{ or } ".join(dict.fromkeys(filter(None, (vanishing(factor, given) for factor in witness.args))))
    if isinstance(witness, Pow) and witness.exp.is_Integer and witness.exp % 2 == 0 and witness.exp > 0:
        return f"{latex(witness.base)} = 0"
    if isinstance(witness, Pow) and (witness.exp.is_positive or witness.exp.is_negative):
        inside = vanishing(witness.base, given)
        return inside if witness.exp.is_positive else ""
    if isinstance(witness, Sum | Integral):
        return _vanishing_everywhere(witness, given)
    if witness.is_nonnegative:
        return f"{latex(witness)} = 0"
    raise UnreadableError(f"it is not manifest that {witness} is not negative")


def _vanishing_terms(witness: Expr, given: Hypotheses) -> list[str]:
    """Return the conditions of all terms of a sum; a sum with a positive term never vanishes."""
    conditions = [vanishing(term, given) for term in witness.args]
    return conditions if all(conditions) else [""]


def _vanishing_everywhere(witness: Any, given: Hypotheses) -> str:
    every = ", ".join(latex(limit[0]) for limit in witness.limits)
    almost = "almost " if isinstance(witness, Integral) else ""
    inside = vanishing(witness.function, given)
    return rf"{inside} \text{{ for {almost}all }} {every}" if inside else ""


def _written_out(witness: Expr) -> Expr:
    return witness.replace(lambda part: isinstance(part, log_gap), lambda part: part.doit())


def _values(expr: Expr, given: Hypotheses, count: int) -> Iterable[tuple[Draw, Any]]:
    closed = given.reading.normal(expr) if expr.has(Integral) else expr
    for draw in islice(trials([closed], given.conditions), count):
        try:
            yield draw, draw.value(closed)
        except (UndefinedError, ZeroDivisionError, OverflowError):
            continue


def _never_negative(expr: Expr, given: Hypotheses) -> str:
    count = 0
    for draw, value in _values(expr, given, DRAWS):
        if is_positive(-value):
            raise FalseClaimError(f"false: it is {shown(value)} at {draw}")
        count += 1
    if not count:
        raise UnreadableError("no draw was found at which the expression has a value")
    return f"not negative at {count} draws"


def _refute(name: str, mutant: Expr, given: Hypotheses) -> None:
    if not any(is_positive(-value) for _, value in _values(mutant, given, 6 * DRAWS)):
        raise UnreadableError(f"the wrong variant {name!r} is not negative at any draw: it may be true")
