"""Polynomials in atoms with rational coefficients: sums, products, common factors and division."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

Monomial = frozenset[tuple["Atom", int]]
Polynomial = dict[Monomial, Fraction]

UNIT: Monomial = frozenset()


@dataclass(frozen=True)
class Atom:
    """A scalar that nothing more is known about: what kind of scalar, and of what."""

    kind: str
    of: Any

    @cached_property
    def _hash(self) -> int:
        return hash((self.kind, self.of))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def key(self) -> tuple[str, str]:
        """What atoms are sorted by."""
        return (self.kind, repr(self))

    def __repr__(self) -> str:
        if self.kind == "symbol":
            return str(self.of)
        if self.kind in ("form", "trace"):
            text = " ".join(map(repr, self.of))
            return f"tr({text})" if self.kind == "trace" else f"({text})"
        if self.kind == "root" and self.of.sign:
            return self.of.sign
        return f"{self.kind}({self.of!r})"


def add(p: Polynomial, q: Polynomial) -> Polynomial:
    """The sum."""
    result = dict(p)
    for monomial, c in q.items():
        value = result.get(monomial, 0) + c
        if value:
            result[monomial] = value
        else:
            del result[monomial]
    return result


def _joined(m: Monomial, n: Monomial) -> Monomial:
    if not m or not n:
        return m or n
    exponents = dict(m)
    for atom, e in n:
        exponents[atom] = exponents.get(atom, 0) + e
    return frozenset(exponents.items())


def times(p: Polynomial, q: Polynomial) -> Polynomial:
    """The product."""
    result: Polynomial = {}
    for m, c in p.items():
        for n, d in q.items():
            monomial = _joined(m, n)
            result[monomial] = result.get(monomial, Fraction(0)) + c * d
    return {m: c for m, c in result.items() if c}


def factored(p: Polynomial) -> tuple[Fraction, dict[frozenset[Any], int]]:
    """A polynomial as a number times powers of atoms times a polynomial whose leading coefficient is 1."""
    common = dict(min(p, key=len))
    for monomial in p:
        here = dict(monomial)
        common = {atom: min(e, here[atom]) for atom, e in common.items() if atom in here}
    rest = {_without(monomial, common): c for monomial, c in p.items()}
    number = rest[max(rest, key=_order)]
    factors = {_frozen_atom(atom): e for atom, e in common.items()}
    if len(rest) > 1:
        factors[frozenset((m, c / number) for m, c in rest.items())] = 1
    return number, factors


def _frozen_atom(atom: Atom) -> frozenset[Any]:
    return frozenset({(frozenset({(atom, 1)}), Fraction(1))})


def _without(monomial: Monomial, divisor: Mapping[Atom, int]) -> Monomial:
    return frozenset((atom, rest) for atom, e in monomial if (rest := e - divisor.get(atom, 0)))


def _order(monomial: Monomial) -> list[tuple[tuple[str, str], int]]:
    return sorted(((atom.key, e) for atom, e in monomial), reverse=True)


def divided(p: Polynomial, q: Polynomial) -> Polynomial | None:
    """The exact quotient, or None if there is none."""
    if len(q) == 1:
        ((divisor, c),) = q.items()
        powers = dict(divisor)
        if all(dict(m).get(atom, 0) >= e for m in p for atom, e in powers.items()):
            return {_without(m, powers): d / c for m, d in p.items()}
        return None
    atoms = sorted({atom for m in q for atom, _ in m}, key=lambda atom: atom.key)
    present = {atom for m in p for atom, _ in m}
    if not present.issuperset(atoms):
        return None
    return _long_division(p, q, sorted(present, key=lambda atom: atom.key))


def _long_division(p: Polynomial, q: Polynomial, atoms: list[Atom]) -> Polynomial | None:
    """The quotient, or None as soon as a rest is left."""
    quotient: Polynomial = {}
    for part, c, divides in _steps(p, q, atoms):
        if not divides:
            return None
        quotient[part] = c
    return quotient


def _steps(p: Polynomial, q: Polynomial, atoms: list[Atom]) -> Iterator[tuple[Monomial, Fraction, bool]]:
    """The terms of the quotient (True) and of the rest (False), in the order of division."""

    def exponents(monomial: Monomial) -> tuple[int, ...]:
        powers = dict(monomial)
        return tuple(powers.get(atom, 0) for atom in atoms)

    lead = max(q, key=exponents)
    powers, work = dict(lead), dict(p)
    while work:
        top = max(work, key=exponents)
        have = dict(top)
        if any(have.get(atom, 0) < e for atom, e in powers.items()):
            yield top, work.pop(top), False
            continue
        part, c = _without(top, powers), work[top] / q[lead]
        yield part, c, True
        work = add(work, times({part: -c}, q))


def quotient_and_rest(p: Polynomial, q: Polynomial) -> tuple[Polynomial, Polynomial]:
    """Divide with a rest that holds no multiple of the leading monomial of q."""
    atoms = sorted({atom for polynomial in (p, q) for m in polynomial for atom, _ in m}, key=lambda atom: atom.key)
    results: tuple[Polynomial, Polynomial] = ({}, {})
    for part, c, divides in _steps(p, q, atoms):
        results[0 if divides else 1][part] = c
    return results


def derived(p: Polynomial, atom: Atom) -> Polynomial:
    """The partial derivative."""
    result: Polynomial = {}
    for monomial, c in p.items():
        exponent = dict(monomial).get(atom, 0)
        if exponent:
            rest = _without(monomial, {atom: 1})
            result[rest] = result.get(rest, Fraction(0)) + c * exponent
    return result


def text(p: Polynomial) -> str:
    """A polynomial as text."""

    def term(monomial: Monomial, c: Fraction) -> str:
        powers = [f"{atom!r}" + (f"^{e}" if e > 1 else "") for atom, e in sorted(monomial, key=lambda x: x[0].key)]
        if not powers:
            return str(c)
        return {"1": "", "-1": "-"}.get(str(c), f"{c} ") + " ".join(powers)

    if not p:
        return "0"
    texts = [term(m, p[m]) for m in sorted(p, key=_order)]
    return texts[0] + "".join(f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in texts[1:])
