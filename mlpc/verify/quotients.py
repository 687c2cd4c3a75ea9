"""Scalar expressions as quotients of polynomials in their atoms: the field in which zero is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING, Any, TypeAlias

import sympy
from sympy import QQ, Add, Mul, Pow, Rational, S, exp, factorint
from sympy.polys.orderings import lex
from sympy.polys.rings import ring

if TYPE_CHECKING:
    Expr: TypeAlias = Any  # SymPy's own annotations are too partial to be checked against
else:
    from sympy import Expr


class UnreadableError(ValueError):
    """An expression holds something that the prover does not know, or divides by zero."""


@dataclass(frozen=True)
class Quotient:
    """The quotient of two polynomials over the rationals whose generators stand for the expressions `atoms`.

    Attributes
    ----------
    numer, denom : PolyElement
        Without common factor.
    atoms : tuple of Expr
        What each generator stands for: eᵐ and roots count only once for all powers of them that occur.
    relations : tuple of PolyElement
        Polynomials that vanish: y² - (1 + x) where y stands for the root of 1 + x.
    """

    numer: Any
    denom: Any
    atoms: tuple[Expr, ...]
    relations: tuple[Any, ...] = ()

    def expression(self, polynomial: Any) -> Expr:
        """Return a polynomial of this ring as an expression."""
        return Add(*(self.monomial(powers, coefficient) for powers, coefficient in polynomial.terms()))

    def monomial(self, powers: tuple[int, ...], coefficient: Any = 1) -> Expr:
        """Return coefficient · Π atomᵖ."""
        return Mul(
            Rational(str(coefficient)), *(atom**power for atom, power in zip(self.atoms, powers, strict=False) if power)
        )

    @property
    def is_zero(self) -> bool:
        """Whether the numerator vanishes modulo the relations."""
        numer = self.numer
        return not (numer.rem(list(self.relations)) if numer and self.relations else numer)


def quotient(expr: Expr, first: Callable[[Expr], bool] = lambda atom: False) -> Quotient:
    """Return an expression as a quotient; atoms for which `first` holds come first in the lexicographic order.

    >>> x = sympy.Symbol("x")
    >>> quotient(x / (1 + x) + 1 / (1 + x) - 1).is_zero
    True
    """
    return quotients([expr], first)[0]


def quotients(exprs: Sequence[Expr], first: Callable[[Expr], bool] = lambda atom: False) -> list[Quotient]:
    """Return several expressions as quotients of polynomials in the same generators."""
    exprs = _with_common_denominators(exprs)
    steps = _steps(exprs)
    roots = {key[1] for key in steps if key[0] == "root"}
    keys = sorted(
        (key for key in steps if not (key[0] == "atom" and key[1] in roots)),
        key=lambda key: (not first(_meaning(key, 1)), key[0] != "root", str(key[1])),
    )
    atoms = tuple(_meaning(key, steps[key]) for key in keys)
    alphabet = _Alphabet(keys, steps)
    return [Quotient(*alphabet.value(expr), atoms, tuple(alphabet.relations)) for expr in exprs]


def _with_common_denominators(exprs: Sequence[Expr]) -> list[Expr]:
    """Write exponents whose denominators are sums over one denominator, so that what they share is seen."""
    exponents = sorted({e for expr in exprs for e in atoms_of(expr) if isinstance(e, exp)}, key=str)
    if not any(map(_has_sum_below, exponents)):
        return list(exprs)
    marks = [sympy.Dummy() for _ in exponents]
    split = quotient(Add(*(mark * e.args[0] for mark, e in zip(marks, exponents, strict=True))), marks.__contains__)
    number, parts = split.denom.factor_list()
    below = Mul(*(split.expression(part) ** power for part, power in parts))
    terms = [(split.monomial(powers, c / number), powers) for powers, c in split.numer.terms()]
    where = [split.atoms.index(mark) for mark in marks]
    written = {
        e: exp(Add(*(term / mark / below for term, powers in terms if powers[at])))
        for e, mark, at in zip(exponents, marks, where, strict=True)
    }
    return [expr.xreplace(written) for expr in exprs]


def _has_sum_below(expr: Expr) -> bool:
    return any(isinstance(part.base, Add) and part.exp.is_negative for part in expr.atoms(Pow))


def atoms_of(expr: Expr) -> Iterator[Expr]:
    """Go through what is left of an expression when sums, products and integer powers are taken apart."""
    if isinstance(expr, Add | Mul):
        for part in expr.args:
            yield from atoms_of(part)
    elif isinstance(expr, Pow) and expr.exp.is_Integer:
        yield from atoms_of(expr.base)
    elif not expr.is_Rational:
        yield expr


def _is_atom(expr: Expr) -> bool:
    return not (expr.is_Rational or isinstance(expr, Add | Mul | Pow))


def _meaning(key: tuple[str, Expr], step: int) -> Expr:
    kind, of = key
    return exp(of / step) if kind == "exp" else of ** Rational(1, step) if kind == "root" else of


def _pieces(atom: Any) -> Iterator[tuple[tuple[str, Expr], Any]]:
    """Take an atom apart into powers: exp(2m) is the second power of exp(m), √6 that of √2 times that of √3."""
    if atom is S.Exp1 or isinstance(atom, exp):
        exponent: Any = S.One if atom is S.Exp1 else atom.args[0]
        for term in Add.make_args(exponent):
            coefficient, rest = term.as_coeff_Mul()
            yield ("exp", rest), coefficient
    elif isinstance(atom, Pow) and atom.exp.is_Rational:
        if atom.base.is_Integer and atom.base > 0:
            for prime, power in factorint(int(atom.base)).items():
                yield ("root", S(prime)), power * atom.exp
        else:
            yield ("root", atom.base), atom.exp
    else:
        yield ("atom", atom), S.One


def _steps(exprs: Sequence[Expr]) -> dict[tuple[str, Expr], int]:
    """For each generator, the least common denominator of the powers in which it occurs."""
    steps: dict[tuple[str, Expr], int] = {}
    waiting = [atom for expr in exprs for atom in atoms_of(expr)]
    while waiting:
        for key, power in _pieces(waiting.pop()):
            if key not in steps and key[0] == "root":
                waiting.extend(atoms_of(key[1]))
            steps[key] = lcm(steps.get(key, 1), int(power.q))
    return steps


class _Alphabet:
    """The ring of polynomials in the generators, and what each power of an atom is in it."""

    def __init__(self, keys: list[tuple[str, Expr]], steps: dict[tuple[str, Expr], int]) -> None:
        self.ring = ring([f"g{i}" for i in range(len(keys))] or ["g"], QQ, lex)[0]
        self.generators = {key: (g, steps[key]) for key, g in zip(keys, self.ring.gens, strict=False)}
        self.relations: list[Any] = []
        composite = [key for key in keys if key[0] == "root" and not _is_atom(key[1])]
        for key in sorted(composite, key=lambda key: key[1].count_ops()):
            numer, denom = self.value(key[1])
            generator, step = self.generators[key]
            self.relations.append(generator**step * denom - numer)

    def value(self, expr: Expr) -> tuple[Any, Any]:
        """Return numerator and denominator, without common factor."""
        if expr.is_Rational:
            return self.ring(int(expr.p)), self.ring(int(expr.q))
        if isinstance(expr, Add | Mul):
            parts = [self.value(part) for part in expr.args]
            return self._sum(parts) if isinstance(expr, Add) else self._product(parts)
        if isinstance(expr, Pow) and expr.exp.is_Integer:
            return self._power(self.value(expr.base), int(expr.exp))
        return self._product([self._generator(key, power) for key, power in _pieces(expr)])

    def _generator(self, key: tuple[str, Expr], power: Rational) -> tuple[Any, Any]:
        if key[0] == "atom" and ("root", key[1]) in self.generators:
            key = ("root", key[1])
        generator, step = self.generators[key]
        return self._power((generator, self.ring.one), int(power * step))

    def _power(self, value: tuple[Any, Any], power: int) -> tuple[Any, Any]:
        numer, denom = value
        if power >= 0:
            return numer**power, denom**power
        if not (numer.rem(self.relations) if numer and self.relations else numer):
            raise UnreadableError("division by zero")
        return denom**-power, numer**-power

    def _product(self, parts: list[tuple[Any, Any]]) -> tuple[Any, Any]:
        numer, denom = self.ring.one, self.ring.one
        for n, d in parts:
            (n, other), (top, d) = n.cancel(denom), numer.cancel(d)
            numer, denom = top * n, d * other
        return numer, denom

    def _sum(self, parts: list[tuple[Any, Any]]) -> tuple[Any, Any]:
        by_denominator: dict[Any, Any] = {}
        for n, d in parts:
            by_denominator[d] = by_denominator.get(d, self.ring.zero) + n
        numer, denom = self.ring.zero, self.ring.one
        for d, n in by_denominator.items():
            common = d.gcd(denom)
            left, right = denom.quo(common), d.quo(common)
            numer, denom = numer * right + n * left, denom * right
        return numer.cancel(denom)
