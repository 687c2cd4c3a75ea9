"""Logarithms, exponentials, powers and roots of scalars, taken apart into those of their factors.

What cannot be taken apart becomes an atom; equal arguments give the same atom. Every logarithm and root takes its
argument to be positive, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from mlpc.verify.field import Root, Scalar
from mlpc.verify.polynomials import UNIT, Atom, Polynomial, factored
from mlpc.verify.words import size_scalar


@dataclass(frozen=True, eq=False)
class Argument:
    """What a function is taken of; for a power, with its exponent."""

    value: Scalar
    exponent: sympy.Expr | None = None

    def __repr__(self) -> str:
        return repr(self.value) if self.exponent is None else f"{self.value!r}, {self.exponent}"


class Functions:
    """The functions met so far, each argument once.

    Examples
    --------
    >>> a, b = (Scalar.atom(Atom("symbol", sympy.Symbol(name))) for name in "ab")
    >>> of = Functions()
    >>> (of.log(a * b) - of.log(a) - of.log(b)).is_zero
    True
    >>> of.exp(2 * of.log(a))
    a^2
    """

    def __init__(self, positive: Callable[[Scalar], None] = lambda _: None) -> None:
        self._met: list[Atom] = []
        self._signs: dict[sympy.Expr, Scalar] = {}
        self._positive = positive

    def _atom(self, kind: str, value: Scalar, exponent: Any = None) -> Scalar:
        for atom in self._met:
            if atom.kind != kind:
                continue
            if kind == "root":
                known = atom.of.radicand, sympy.Integer(atom.of.degree)
            else:
                known = atom.of.value, atom.of.exponent
            if known[1] == exponent and (known[0] - value).is_zero:
                return Scalar.atom(atom)
        of = Root(int(exponent), value) if kind == "root" else Argument(value, exponent)
        atom = Atom(kind, of)
        self._met.append(atom)
        return Scalar.atom(atom)

    def log(self, value: Scalar) -> Scalar:
        """The logarithm, as a sum over factors."""
        result = Scalar.of(0)
        for factor, exponent in self._factors(value):
            result = result + exponent * self._log(factor)
        return result

    def _log(self, factor: Scalar) -> Scalar:
        atom = single(factor)
        if atom is not None and atom.kind == "exp":
            return atom.of.value
        if atom is not None and atom.kind == "root":
            if atom.of.sign:
                self._positive(factor)
            return self.log(atom.of.radicand) * Fraction(1, atom.of.degree)
        if atom is not None and atom.kind == "power":
            return exponent_scalar(atom.of.exponent) * self.log(atom.of.value)
        if factor.constant is None:
            self._positive(factor)
        return self._atom("log", factor)

    def exp(self, value: Scalar) -> Scalar:
        """The exponential, as a product over terms."""
        if value.factors:
            return self._atom("exp", value)
        result = Scalar.of(1)
        for monomial, c in value.terms.items():
            logs = [atom for atom, e in monomial if atom.kind == "log" and e == 1]
            rest = monomial - {(atom, 1) for atom in logs}
            if len(logs) == 1 and all(atom.kind == "symbol" for atom, _ in rest):
                exponent = sympy.Rational(c.numerator, c.denominator)
                exponent *= sympy.Mul(*(atom.of**e for atom, e in rest))
                result = result * self.power(logs[0].of.value, exponent)
            else:
                degree = c.denominator if c.denominator % 2 == 0 else 2 * c.denominator
                part = self._atom("exp", Scalar({monomial: Fraction(1, degree)}))
                result = result * part ** int(c * degree)
        return result

    def power(self, value: Scalar, exponent: sympy.Expr) -> Scalar:
        """A power, with an exponent that is a number or linear in sizes."""
        exponent = sympy.expand(exponent)
        if exponent.is_Integer:
            return value ** int(exponent)
        result = Scalar.of(1)
        for factor, e in self._factors(value):
            for term in sympy.Add.make_args(sympy.expand(exponent * e)):
                number, symbols = term.as_coeff_Mul()
                if not number.is_Rational or (symbols != 1 and not symbols.free_symbols):
                    raise ValueError(f"the exponent {exponent} is neither rational nor linear in sizes")
                result = result * self._power(factor, number, symbols)
        return result

    def _power(self, factor: Scalar, number: Any, symbols: sympy.Expr) -> Scalar:
        """factor ** (number * symbols)"""
        atom = single(factor)
        if symbols == 1 and number.is_Integer:
            return factor ** int(number)
        if atom is not None and atom.kind == "exp":
            return self.exp(atom.of.value * exponent_scalar(number * symbols))
        if atom is not None and atom.kind == "power":
            return self.power(atom.of.value, atom.of.exponent * number * symbols)
        if atom is not None and atom.kind == "root":
            if atom.of.sign:
                self._positive(factor)
            return self.power(atom.of.radicand, number * symbols / atom.of.degree)
        if factor.constant == -1:
            return self._sign(number, symbols)
        if factor.constant is None:
            self._positive(factor)
        if symbols == 1:
            return self._atom("root", factor, sympy.Integer(number.q)) ** int(number.p)
        degree = int(number.q) if number.q % 2 == 0 else 2 * int(number.q)
        return self._atom("power", factor, symbols / degree) ** int(number * degree)

    def _sign(self, number: Any, symbols: sympy.Expr) -> Scalar:
        """(-1) to the power of a size, whose square is 1."""
        if not number.is_Integer or symbols == 1:
            raise ValueError("the root of a negative number")
        if symbols not in self._signs:
            self._signs[symbols] = Scalar.atom(Atom("root", Root(2, Scalar.of(1), f"(-1)^{symbols}")))
        return self._signs[symbols] if number.p % 2 else Scalar.of(1)

    def _factors(self, value: Scalar) -> Iterator[tuple[Scalar, int]]:
        """Primes, atoms and polynomials whose powers make up a scalar."""
        number, factors = factored(value.terms)
        signed = [(dict(f), e) for f, e in factors.items()] + [(dict(f), -e) for f, e in value.factors.items()]
        parts: list[tuple[Scalar, int]] = []
        for polynomial, e in signed:
            content, irreducible = _irreducible(polynomial)
            number *= content**e
            parts += [(part, m * e) for part, m in irreducible]
        if number < 0:
            flipped = next((i for i, (part, e) in enumerate(parts) if e % 2 and len(part.terms) > 1), None)
            if flipped is None:
                yield Scalar.of(-1), 1
            else:
                parts[flipped] = (-parts[flipped][0], parts[flipped][1])
        for integer, sign in ((abs(number.numerator), 1), (number.denominator, -1)):
            yield from ((Scalar.of(int(p)), sign * int(e)) for p, e in sympy.factorint(integer).items())
        yield from parts

    def rebuilt(self, atom: Atom, reduced: Callable[[Scalar], Scalar]) -> Scalar | None:
        """The function of the reduced argument, or None if this is no function, or a sign."""
        if atom.kind == "log":
            return self.log(reduced(atom.of.value))
        if atom.kind == "exp":
            return self.exp(reduced(atom.of.value))
        if atom.kind == "power":
            return self.power(reduced(atom.of.value), atom.of.exponent)
        if atom.kind == "root" and atom.of.radicand.constant is None:
            return self.power(reduced(atom.of.radicand), sympy.Rational(1, atom.of.degree))
        return None


def _irreducible(polynomial: Polynomial) -> tuple[Fraction, list[tuple[Scalar, int]]]:
    """A number and the factors over the rationals, each with a positive constant term if it has one."""
    if len(polynomial) == 1:
        return Fraction(1), [(Scalar(polynomial), 1)]
    atoms = sorted({atom for monomial in polynomial for atom, _ in monomial}, key=lambda atom: atom.key)
    stand_in = dict(zip(atoms, sympy.symbols(f"a:{len(atoms)}"), strict=True))
    whole: Any = sympy.Add(
        *(
            sympy.Rational(c.numerator, c.denominator) * sympy.Mul(*(stand_in[atom] ** e for atom, e in monomial))
            for monomial, c in polynomial.items()
        )
    )
    found: Any = sympy.factor_list(whole)
    content, factors = found
    number, parts = Fraction(str(content)), []
    for factor, exponent in factors:
        terms: Polynomial = {}
        for powers, c in sympy.Poly(factor, *stand_in.values()).terms():
            monomial = frozenset((atom, int(e)) for atom, e in zip(atoms, powers, strict=True) if e)
            terms[monomial] = Fraction(str(c))
        if terms.get(UNIT, Fraction(0)) < 0:
            terms, number = {m: -c for m, c in terms.items()}, number * (-1) ** exponent
        parts.append((Scalar(terms), int(exponent)))
    return number, parts


def single(scalar: Scalar) -> Atom | None:
    """The atom, if the scalar is just one."""
    if scalar.factors or len(scalar.terms) != 1:
        return None
    ((monomial, c),) = scalar.terms.items()
    powers = list(monomial)
    return powers[0][0] if c == 1 and len(powers) == 1 and powers[0][1] == 1 else None


def inner_derivative(atom: Atom) -> tuple[Scalar, Scalar] | None:
    """For f(u) the pair (u, f′(u)), or None if the atom is no function."""
    own = Scalar.atom(atom)
    if atom.kind == "root":
        return atom.of.radicand, own / (atom.of.degree * atom.of.radicand)
    if atom.kind not in ("log", "exp", "power"):
        return None
    argument: Argument = atom.of
    if atom.kind == "log":
        return argument.value, 1 / argument.value
    if atom.kind == "exp":
        return argument.value, own
    assert argument.exponent is not None
    return argument.value, exponent_scalar(argument.exponent) * own / argument.value


def exponent_scalar(exponent: sympy.Expr) -> Scalar:
    """An exponent, with rational coefficients, as a scalar."""
    result = Scalar.of(0)
    for term in sympy.Add.make_args(sympy.expand(exponent)):
        number, symbols = sympy.sympify(term).as_coeff_Mul()
        part = Scalar.of(Fraction(str(number)))
        result = result + part * (size_scalar(symbols) if symbols != 1 else Scalar.of(1))
    return result
