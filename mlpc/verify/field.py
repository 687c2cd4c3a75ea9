"""The commutative field that coefficients live in: rational functions of atoms, with denominators kept in factors.

An atom is a scalar letter, a trace, a 1 × 1 word, a determinant, a logarithm, a power, …; distinct atoms count as
independent, but for a root, whose power is known. No gcd is taken: a number is zero when its numerator is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mlpc.verify.polynomials import UNIT, Atom, Polynomial, add, derived, divided, factored, text, times


class Scalar:
    """A rational function of atoms: a polynomial over a product of powers of polynomials.

    Examples
    --------
    >>> a, b = Scalar.atom(Atom("symbol", "a")), Scalar.atom(Atom("symbol", "b"))
    >>> (a / (a + b) + b / (a + b) - 1).is_zero
    True
    """

    __slots__ = ("factors", "terms")

    def __init__(self, terms: Polynomial, factors: Mapping[frozenset[Any], int] | None = None) -> None:
        self.terms = terms
        self.factors = dict(factors or {})

    @classmethod
    def of(cls, value: Any) -> Scalar:
        """A number as a scalar."""
        if isinstance(value, Scalar):
            return value
        return cls({UNIT: Fraction(value)} if value else {})

    @classmethod
    def atom(cls, atom: Atom) -> Scalar:
        """An atom as a scalar."""
        return cls({frozenset(((atom, 1),)): Fraction(1)})

    @property
    def is_zero(self) -> bool:
        """Whether it is zero: no term is left above."""
        return not self.terms

    @property
    def constant(self) -> Fraction | None:
        """The number that it is, if it has no atoms."""
        if self.factors or self.terms.keys() - {UNIT}:
            return None
        return self.terms.get(UNIT, Fraction(0))

    def atoms(self) -> set[Atom]:
        """The atoms above and below."""
        polynomials = [self.terms, *self.factors]
        monomials = [m if isinstance(p, dict) else m[0] for p in polynomials for m in p]
        return {atom for monomial in monomials for atom, _ in monomial}

    def __add__(self, other: Any) -> Scalar:
        other = Scalar.of(other)
        if self.factors == other.factors:
            return _settled(add(self.terms, other.terms), self.factors)
        common = {f: max(self.factors.get(f, 0), other.factors.get(f, 0)) for f in {**self.factors, **other.factors}}
        return _settled(add(self._over(common), other._over(common)), common)

    __radd__ = __add__

    def _over(self, common: Mapping[frozenset[Any], int]) -> Polynomial:
        terms = self.terms
        for factor, exponent in common.items():
            for _ in range(exponent - self.factors.get(factor, 0)):
                terms = times(terms, dict(factor))
        return terms

    def __neg__(self) -> Scalar:
        return Scalar({m: -c for m, c in self.terms.items()}, self.factors)

    def __sub__(self, other: Any) -> Scalar:
        return self + -Scalar.of(other)

    def __rsub__(self, other: Any) -> Scalar:
        return Scalar.of(other) + -self

    def __mul__(self, other: Any) -> Scalar:
        if not isinstance(other, Scalar):
            other = Scalar.of(other)
        if not self.factors and not other.factors:
            return _settled(times(self.terms, other.terms), {})
        factors = {f: self.factors.get(f, 0) + other.factors.get(f, 0) for f in {**self.factors, **other.factors}}
        return _settled(times(self.terms, other.terms), factors)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Scalar:
        return self * Scalar.of(other).inverse()

    def __rtruediv__(self, other: Any) -> Scalar:
        return Scalar.of(other) * self.inverse()

    def __pow__(self, exponent: int) -> Scalar:
        base = self if exponent >= 0 else self.inverse()
        result = Scalar.of(1)
        for _ in range(abs(exponent)):
            result = result * base
        return result

    def inverse(self) -> Scalar:
        """One over it."""
        if self.is_zero:
            raise ZeroDivisionError("division by a scalar that is zero")
        numerator: Polynomial = {UNIT: Fraction(1)}
        for factor, exponent in self.factors.items():
            for _ in range(exponent):
                numerator = times(numerator, dict(factor))
        number, factors = factored(self.terms)
        return _settled({m: c / number for m, c in numerator.items()}, factors)

    def substitute(self, values: Mapping[Atom, Scalar]) -> Scalar:
        """Put other scalars in the place of atoms."""
        result = _substituted(self.terms, values)
        for factor, exponent in self.factors.items():
            result = result / _substituted(dict(factor), values) ** exponent
        return result

    def derivative(self, atom: Atom) -> Scalar:
        """The partial derivative, all other atoms held fixed."""
        result = Scalar(derived(self.terms, atom), self.factors)
        for factor, exponent in self.factors.items():
            inner = derived(dict(factor), atom)
            if inner:
                result = result - exponent * self * Scalar(inner) / Scalar(dict(factor))
        return _settled(result.terms, result.factors)

    def __repr__(self) -> str:
        above = text(self.terms)
        below = " ".join(f"({text(dict(f))})" + (f"^{e}" if e > 1 else "") for f, e in self.factors.items())
        return f"({above})/{below}" if below else above


def scalar_sum(parts: Iterable[Scalar]) -> Scalar:
    """The sum of scalars."""
    return sum(parts, start=Scalar.of(0))


def _settled(terms: Polynomial, factors: Mapping[frozenset[Any], int]) -> Scalar:
    """Reduce the powers of roots, and cancel the factors of the denominator that divide the numerator."""
    if any(atom.kind == "root" for monomial in terms for atom, _ in monomial):
        reduced = _roots_reduced(terms)
        if reduced is not None:
            return reduced / Scalar.of(1) if not factors else reduced * Scalar({UNIT: Fraction(1)}, factors)
    kept = {}
    for factor, exponent in factors.items():
        while terms and exponent and (quotient := divided(terms, dict(factor))) is not None:
            terms, exponent = quotient, exponent - 1
        if terms and exponent:
            kept[factor] = exponent
    return Scalar(terms, kept)


def _roots_reduced(terms: Polynomial) -> Scalar | None:
    """Put u for the q-th power of the root with (q, u), or return None if no such power occurs."""
    if not any(atom.kind == "root" and e >= atom.of.degree for m in terms for atom, e in m):
        return None
    result = Scalar.of(0)
    for monomial, c in terms.items():
        kept, outside = [], Scalar.of(c)
        for atom, e in monomial:
            if atom.kind == "root":
                outside = outside * atom.of.radicand ** (e // atom.of.degree)
                e = e % atom.of.degree
            if e:
                kept.append((atom, e))
        result = result + outside * Scalar({frozenset(kept): Fraction(1)})
    return result


@dataclass(frozen=True, eq=False)
class Root:
    """What a root is of: its power of this degree is the radicand; a sign is a square root of 1 with a name."""

    degree: int
    radicand: Scalar
    sign: str = ""

    def __repr__(self) -> str:
        return self.sign or f"{self.radicand}, 1/{self.degree}"


def _substituted(p: Polynomial, values: Mapping[Atom, Scalar]) -> Scalar:
    result = Scalar.of(0)
    for monomial, c in p.items():
        term = Scalar({frozenset((atom, e) for atom, e in monomial if atom not in values): c})
        for atom, e in monomial:
            if atom in values:
                term = term * values[atom] ** e
        result = result + term
    return result
