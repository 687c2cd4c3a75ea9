"""Random draws that satisfy the assumptions of a scalar claim."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import sympy
from sympy import Derivative, Indexed, Integer, Integral, KroneckerDelta, Poly, PolynomialError, Product, Sum
from sympy.core.function import AppliedUndef

from mlpc.verify.quotients import Expr
from mlpc.verify.values import Draw, UndefinedError, excludes_zero, is_positive, is_zero, unrolled

TRIES = 100  # draws that may break an assumption before the assumptions count as impossible


class NoDrawError(ValueError):
    """No draw was found that satisfies the assumptions."""


@dataclass(frozen=True)
class Conditions:
    """What each draw must satisfy: equations (expressions that vanish for all values of some indices), and signs."""

    equations: tuple[tuple[Expr, tuple[Any, ...]], ...] = ()
    positive: tuple[Expr, ...] = ()
    nonzero: tuple[Expr, ...] = ()

    @property
    def expressions(self) -> list[Expr]:
        """All expressions in them."""
        return [expr for expr, _ in self.equations] + [*self.positive, *self.nonzero]


def sizes_of(exprs: Iterable[Expr]) -> list[Any]:
    """Return the symbols that stand in the limits of sums, by name."""
    totals = [total for expr in exprs for total in expr.atoms(Sum, Product)]
    bound = {limit[0] for total in totals for limit in total.limits}
    inside = {s for total in totals for _, *ends in total.limits for end in ends for s in end.free_symbols}
    return sorted(inside - bound, key=str)


def trials(exprs: Sequence[Expr], conditions: Conditions, *, seed: int = 0) -> Iterator[Draw]:
    """Go through draws that satisfy the conditions; `NoDrawError` if there seems to be none."""
    every = [*exprs, *conditions.expressions]
    rng = random.Random(seed)
    found = False
    for attempt in range(TRIES):
        draw = Draw(_integers(every, attempt, rng), rng, Fraction(1, 2 ** (attempt % 5)))
        try:
            accepted = _satisfies(draw, conditions)
        except (UndefinedError, ZeroDivisionError, OverflowError):
            continue
        if accepted:
            found = True
            yield draw
    if not found:
        raise NoDrawError(f"none of {TRIES} draws satisfies the assumptions, which may contradict each other")


def _integers(exprs: Sequence[Expr], attempt: int, rng: random.Random) -> dict[Any, Expr]:
    """Draw small sizes, all different where there are up to three, and free indices within them."""
    sizes = {size: Integer(2 + (attempt + n) % 3) for n, size in enumerate(sizes_of(exprs))}
    where: set[Any] = set()
    for expr in exprs:
        for part in expr.atoms(Indexed, KroneckerDelta, AppliedUndef):
            where |= set().union(*(arg.free_symbols for arg in part.args))
    labels = {part.base.label for expr in exprs for part in expr.atoms(Indexed)}
    every = {s for expr in exprs for s in _free(expr) if s.is_Symbol and s.is_integer}
    free = sorted(every - labels - set(sizes), key=str)
    largest = min(map(int, sizes.values()), default=3)
    return {**sizes, **{s: Integer(rng.randint(1, largest if s in where else 5)) for s in free}}


def _free(expr: Expr) -> set[Any]:
    """Return the free symbols, with those in what is differentiated by, which SymPy does not count."""
    variables = {variable for part in expr.atoms(Derivative) for variable in part.variables}
    bound = {limit[0] for total in expr.atoms(Sum, Product) for limit in total.limits}
    return expr.free_symbols | (set().union(*(variable.free_symbols for variable in variables)) - bound)


def _satisfies(draw: Draw, conditions: Conditions) -> bool:
    largest = max((int(size) for size in draw.integers.values()), default=3)
    equations = [equation for pair in conditions.equations for equation in _instances(*pair, largest)]
    known: set[Any] = set()
    found = [_solved_in_numbers(draw, equation, known) for equation in equations]
    if None in found:
        draw.numbers.clear()
        draw.totals.clear()
        for equation in equations:
            _solve(draw, equation)
    return (
        all(_has_its_sign(draw, atom) for atom in (draw.solved if None in found else found))
        and all(is_zero(draw, equation) for equation in equations)
        and all(is_positive(draw.value(expr)) for expr in conditions.positive)
        and all(excludes_zero(draw.value(expr)) for expr in conditions.nonzero)
    )


def _instances(equation: Expr, every: tuple[Any, ...], largest: int) -> Iterator[Expr]:
    indices = [symbol for symbol in every if symbol.is_integer]
    for values in product(range(1, largest + 1), repeat=len(indices)):
        yield equation.xreplace(dict(zip(indices, map(Integer, values), strict=True)))


def _has_its_sign(draw: Draw, atom: Expr) -> bool:
    value = draw.value(atom)
    return (
        (not atom.is_positive or is_positive(value))
        and (not atom.is_negative or is_positive(-value))
        and (not atom.is_nonnegative or is_positive(value) or value == 0)
    )


def _solved_in_numbers(draw: Draw, equation: Expr, known: set[Any]) -> Expr | None:
    """Find the value of an atom that the equations before do not hold, and in which this one is linear, if any is.

    `known` are the atoms that they hold; those of this equation are added.
    """
    if equation.has(AppliedUndef, Derivative, Integral):
        return None
    before = set(draw.numbers)
    draw.value(equation)
    names = {part.base for part in equation.atoms(Indexed)}
    inside = equation.free_symbols | {atom for atom in draw.numbers if isinstance(atom, Indexed) and atom.base in names}
    candidates = sorted((set(draw.numbers) & inside) - known, key=_priority, reverse=True)
    known |= set(draw.numbers) & (inside | (set(draw.numbers) - before))
    for atom in candidates:
        drawn = draw.numbers[atom]
        try:
            at = [_at(draw, equation, atom, n) for n in range(3)]
        except (UndefinedError, ZeroDivisionError):
            at = []
        if at and all(isinstance(n, Fraction) for n in at) and at[2] - 2 * at[1] + at[0] == 0 and at[1] != at[0]:
            draw.choose(atom, -at[0] / (at[1] - at[0]))
            return atom
        draw.choose(atom, drawn)
    return None


def _at(draw: Draw, equation: Expr, atom: Expr, number: int) -> Any:
    draw.choose(atom, Fraction(number))
    return draw.value(equation)


def _solve(draw: Draw, equation: Expr) -> None:
    """Solve an equation for one atom in which it is linear, or else quadratic, if there is one not yet determined."""
    written = unrolled(equation.xreplace(draw.integers))
    for applied in sorted(written.atoms(AppliedUndef), key=str, reverse=True):
        if draw.defines(applied) and (solution := _root(written, applied, 1)) is not None:
            draw.define(applied, solution)
            return
    explicit = draw.explicit(equation).xreplace(draw.solved)
    atoms = sorted(explicit.atoms(Indexed, sympy.Symbol), key=_priority, reverse=True)
    for degree in (1, 2):
        for atom in atoms:
            if atom not in draw.solved and (solution := _root(explicit, atom, degree)) is not None:
                draw.solved[atom] = solution
                draw.numbers.pop(atom, None)
                draw.totals.clear()
                return


def _priority(atom: Expr) -> tuple[bool, str]:
    return isinstance(atom, Indexed), str(atom)


def _root(equation: Expr, atom: Expr, degree: int) -> Expr | None:
    """Return the root of an equation that is a polynomial of this degree in the atom."""
    numerator = sympy.fraction(sympy.together(equation))[0]
    try:
        polynomial = Poly(numerator, atom)
    except PolynomialError:
        return None
    if polynomial.degree() != degree or any(c.has(atom) for c in polynomial.all_coeffs()):
        return None
    *_, b, c = polynomial.all_coeffs()
    if degree == 1:
        return -c / b
    a = polynomial.LC()
    return (-b + sympy.sqrt(b**2 - 4 * a * c)) / (2 * a)
