"""The assumptions of a scalar claim: definitions to put in, sums that are known, relations, and signs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Derivative, Eq, Indexed, Ne, Q, S, Sum
from sympy.assumptions.assume import AppliedPredicate
from sympy.core.function import AppliedUndef
from sympy.core.relational import GreaterThan, LessThan, StrictGreaterThan, StrictLessThan

from mlpc.verify.quotients import Expr, UnreadableError, quotient
from mlpc.verify.series import Rule
from mlpc.verify.terms import Reading, renamed
from mlpc.verify.trials import Conditions, sizes_of

PREDICATES: dict[Any, Callable[[Any], tuple[str, Expr]]] = {
    Q.positive: lambda x: ("positive", x),
    Q.negative: lambda x: ("positive", -x),
    Q.nonzero: lambda x: ("nonzero", x),
}


@dataclass(frozen=True)
class Hypotheses:
    """What the author assumes, read once for the proof and once for the draws.

    Attributes
    ----------
    reading : Reading
        Knows the rules and signs; has the normal form.
    relations : tuple of Expr
        Normal forms that vanish.
    conditions : Conditions
        The same for the draws.
    definitions : tuple of Eq
        What was put in everywhere.
    texts : tuple of str
        The assumptions for the certificate.
    """

    reading: Reading
    relations: tuple[Expr, ...]
    conditions: Conditions
    definitions: tuple[Any, ...]
    texts: tuple[str, ...]

    def put_in(self, expr: Expr) -> Expr:
        """Replace what is defined by its definition."""
        return _put_in(self.definitions, expr)


def hypotheses(assumptions: Iterable[Any]) -> Hypotheses:
    """Read assumptions; those that contradict each other as read raise `UnreadableError`.

    >>> k, K = sympy.symbols("k K", integer=True, positive=True)
    >>> q = sympy.IndexedBase("q", positive=True)
    >>> hypotheses([Eq(Sum(q[k], (k, 1, K)), 1)]).reading.normal(Sum(2 * q[k], (k, 1, K)))
    2
    """
    given = [_understood(assumption) for assumption in assumptions if assumption is not S.true]
    definitions, signs = _definitions([expr for kind, expr in given if kind == "equation"])
    rest = [(kind, expr) for kind, expr in given if expr not in definitions] + signs
    read = [(kind, expr.func(*(_put_in(definitions, side) for side in expr.args))) for kind, expr in rest]
    if S.false in [expr for _, expr in read]:
        raise UnreadableError("the assumptions contradict each other once the definitions are put in")
    kept = [(kind, expr) for kind, expr in read if expr is not S.true]
    positive = [expr.lhs - expr.rhs for kind, expr in kept if kind == "positive"]
    nonzero = [expr.lhs - expr.rhs for kind, expr in kept if kind == "nonzero"]
    equations = [expr for kind, expr in kept if kind == "equation"]
    reading = Reading()
    reading.positive = tuple(reading.normal(expr) for expr in positive)
    relations = [left for equation in equations for left in _taken_in(reading, equation)]
    reading.assumes.clear()
    drawn = tuple((equation.lhs - equation.rhs, _every(equation)) for equation in equations)
    texts = tuple(_text(kind, expr) for kind, expr in given)
    return Hypotheses(
        reading, tuple(relations), Conditions(drawn, tuple(positive), tuple(nonzero)), tuple(definitions), texts
    )


def _understood(assumption: Any) -> tuple[str, Any]:
    """Return the kind of an assumption and it as a relation, positive and non-zero ones against zero."""
    if assumption is S.false or assumption is False:
        raise UnreadableError("an assumption is false as it is read")
    if isinstance(assumption, Eq):
        return "equation", assumption
    if isinstance(assumption, StrictGreaterThan | StrictLessThan):
        greater: Any = assumption.gts
        return "positive", sympy.Gt(greater - assumption.lts, 0, evaluate=False)
    if isinstance(assumption, Ne):
        return "nonzero", assumption
    if isinstance(assumption, AppliedPredicate):
        known = PREDICATES.get(assumption.function)
        if known is not None:
            kind, expr = known(assumption.arguments[0])
            return kind, (sympy.Gt if kind == "positive" else Ne)(expr, 0, evaluate=False)
    weak = " (for the weak inequality take the strict one)" if isinstance(assumption, GreaterThan | LessThan) else ""
    raise ValueError(
        f"the assumption {assumption} is not understood{weak}: "
        "give sympy.Eq(...), a > b, sympy.Ne(...) or Q.positive(...)"
    )


def _definitions(equations: list[Any]) -> tuple[list[Any], list[tuple[str, Any]]]:
    """Return the equations that define a symbol, or an indexed one for all indices, and the signs these must have."""
    found: list[Any] = []
    signs: list[tuple[str, Any]] = []
    for equation in equations:
        name = equation.lhs
        indexed = isinstance(name, Indexed) and all(i.is_Symbol for i in name.indices)
        if not (name.is_Symbol or indexed) or _occurs(name, equation.rhs) or any(_same(name, e.lhs) for e in found):
            continue
        if any(_occurs(e.lhs, equation.rhs) or _occurs(name, e.rhs) for e in found) or name in sizes_of([equation.rhs]):
            continue
        found.append(equation)
        if name.is_positive or name.is_negative:
            signs.append(("positive", sympy.Gt(equation.rhs * (1 if name.is_positive else -1), 0, evaluate=False)))
    return found, [(kind, sign) for kind, sign in signs if sign is not S.true]


def _same(name: Any, other: Any) -> bool:
    return name == other or (isinstance(name, Indexed) and isinstance(other, Indexed) and name.base == other.base)


def _occurs(name: Any, expr: Expr) -> bool:
    return any(_same(name, atom) for atom in expr.atoms(type(name)))


def _put_in(definitions: Iterable[Any], expr: Expr) -> Expr:
    """Replace what is defined; new names for the indices of all sums keep the free ones from being captured."""
    expr = renamed(expr)
    for equation in definitions:
        name, value = equation.args
        if name.is_Symbol:
            expr = expr.xreplace({name: value})
        else:

            def defined(part: Any, name: Any = name, value: Expr = value) -> Expr:
                return renamed(value).xreplace(dict(zip(name.indices, part.indices, strict=True)))

            expr = expr.replace(lambda part, name=name: isinstance(part, Indexed) and _same(name, part), defined)
    return expr


def _every(equation: Any) -> tuple[Any, ...]:
    """Return the symbols for all values of which an equation holds: free indices, and arguments of functions."""
    inside: set[Any] = set()
    for part in equation.atoms(Indexed, AppliedUndef):
        inside |= set().union(*(arg.free_symbols for arg in part.args[1 if isinstance(part, Indexed) else 0 :]))
    free = equation.lhs.free_symbols | equation.rhs.free_symbols
    return tuple(sorted((inside & free) - set(sizes_of([equation.lhs, equation.rhs])), key=str))


def _taken_in(reading: Reading, equation: Any) -> list[Expr]:
    """Make a rule of an equation that gives the value of one sum; return what else it says must vanish."""
    every = _every(equation)
    lhs, rhs = reading.normal(equation.lhs), reading.normal(equation.rhs)
    for left, right in ((lhs, rhs), (rhs, lhs)):
        number, total = left.as_coeff_Mul()
        if isinstance(total, Sum):
            reading.rules.append(Rule(total, right / number, every))
            return [e for t in every if not t.is_integer for e in _derivative(reading, equation, t)]
    rest = quotient(lhs - rhs)
    if rest.numer and rest.numer.is_ground:
        raise UnreadableError(f"the assumption {equation.lhs} = {equation.rhs} contradicts the others, or itself")
    return [lhs - rhs] if rest.numer else []


def _derivative(reading: Reading, equation: Any, parameter: Any) -> list[Expr]:
    """Take in what the first two derivatives of an equation that holds for all values of a parameter say."""
    found = []
    for order in (1, 2):
        value = reading.normal(Derivative(equation.rhs, (parameter, order)).doit())
        total = reading.normal(Derivative(equation.lhs, (parameter, order)))
        number, total = total.as_coeff_Mul()
        if isinstance(total, Sum):
            reading.rules.append(Rule(total, value / number, _every(equation)))
        elif total - value != 0:
            found.append(total * number - value)
    return found


def _text(kind: str, relation: Any) -> str:
    if kind != "equation":
        return f"{relation.lhs} {'>' if kind == 'positive' else '!='} {relation.rhs}"
    every = ", ".join(map(str, _every(relation)))
    return f"{relation.lhs} = {relation.rhs}" + (f" for all {every}" if every else "")
