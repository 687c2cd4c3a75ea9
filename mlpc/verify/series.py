"""Finite sums with a symbolic number of terms: split, constants pulled out, known sums put in, indices renamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, permutations, product
from typing import TYPE_CHECKING, Any

import sympy
from sympy import Add, Dummy, Indexed, KroneckerDelta, Mul, S, Sum, exp
from sympy.core.function import AppliedUndef

from mlpc.verify.quotients import Expr, Quotient, UnreadableError, atoms_of, quotient

if TYPE_CHECKING:
    from mlpc.verify.terms import Reading

LONGEST = 64  # terms of a sum of fixed length
Limits = Mapping[Any, tuple[Expr, Expr]]  # index -> its first and last value

_NAMES: list[Any] = [Dummy(f"k{n}", integer=True, positive=True) for n in range(20)]


@dataclass(frozen=True)
class Rule:
    """A sum in normal form whose value is known, for every value of the symbols `every`."""

    total: Expr
    value: Expr
    every: tuple[Expr, ...] = ()

    def applied(self, candidate: Expr) -> Expr | None:
        """Return the value of a sum in normal form if it is this one."""
        choices = [sorted(_stands_for(symbol, self.total, candidate), key=str) for symbol in self.every]
        for choice in product(*choices):
            symbols = dict(zip(self.every, choice, strict=True))
            if self.total.xreplace(symbols) == candidate:
                return self.value.xreplace(symbols)
        return None


def _stands_for(symbol: Any, pattern: Expr, candidate: Expr) -> set[Expr]:
    """What stands in the candidate where the pattern has the symbol; the indices of its sums do not count."""
    kinds = (Indexed, AppliedUndef)
    bound = {limit[0] for total in candidate.atoms(Sum) for limit in total.limits}
    return {
        there
        for mine in pattern.atoms(*kinds)
        for other in candidate.atoms(*kinds)
        if mine.func == other.func and len(mine.args) == len(other.args)
        for here, there in zip(mine.args, other.args, strict=True)
        if here == symbol and not there.free_symbols & bound
    }


def normal_sum(reading: Reading, total: Any) -> Expr:
    """Return the normal form of a sum: a combination of sums of monomials, independent indices apart."""
    *inner, (index, low, high) = total.limits
    function = Sum(total.function, *inner) if inner else total.function
    low, high = sympy.expand(low), sympy.expand(high)
    if (high - low).is_Integer:
        return _term_by_term(reading, function, index, low, int(high - low) + 1)
    fresh = Dummy(str(index), integer=True, positive=True)
    offset, size = high.as_coeff_Add()
    whole = low.is_Integer and offset.is_Integer and size.is_Symbol and max(abs(low), abs(offset)) <= LONGEST
    reading.ranges[fresh] = (S.One, size) if whole else (low, high)
    body = reading.normal(function.xreplace({index: fresh}))
    if not whole:
        return _combination(reading, body, fresh)
    ends = [body.xreplace({fresh: S(n)}) for n in range(int(low), 1)]
    ends += [-body.xreplace({fresh: S(n)}) for n in range(1, int(low))]
    ends += [body.xreplace({fresh: size + n}) for n in range(1, int(offset) + 1)]
    ends += [-body.xreplace({fresh: size + n}) for n in range(int(offset) + 1, 1)]
    return _combination(reading, body, fresh) + Add(*map(reading.normal, ends))


def _term_by_term(reading: Reading, function: Expr, index: Any, low: Expr, count: int) -> Expr:
    if not 0 <= count <= LONGEST:
        raise UnreadableError(f"a sum of {count} terms: at most {LONGEST} are added one by one")
    return Add(*(reading.normal(function.xreplace({index: low + n})) for n in range(count)))


def _combination(reading: Reading, body: Expr, index: Any) -> Expr:
    """Return the sum of a normal form over an index, as a combination of sums of monomials."""
    for delta in atoms_of(body):
        if isinstance(delta, KroneckerDelta) and delta.has(index):
            rest = body.xreplace({delta: S.Zero})
            jump = body.xreplace({delta: S.One}) - rest
            where = _where(reading, delta, index)
            return _combination(reading, reading.normal(rest), index) + reading.normal(jump.xreplace({index: where}))
    split = quotient(body, first=lambda atom: atom.has(index))
    result = S.Zero
    for coefficient, monomial in _monomials(split, index):
        result += coefficient * _sum_of_monomial(reading, monomial, index)
    return result


def _where(reading: Reading, delta: Any, index: Any) -> Expr:
    """Return the value of the index at which a delta is one, which must lie in the index's range."""
    difference = sympy.expand(delta.args[0] - delta.args[1])
    slope = difference.coeff(index)
    where = sympy.expand(index - difference / slope) if slope in (1, -1) else index
    limits = reading.ranges[index]
    if where in reading.ranges and reading.ranges[where] == limits:
        return where
    if where.has(index) or where.free_symbols & set(reading.ranges):
        raise UnreadableError(f"{delta}: where it is one is not known to lie between {limits[0]} and {limits[1]}")
    reading.assume(f"{limits[0]} <= {where} <= {limits[1]}")
    return where


def _monomials(split: Quotient, index: Any) -> Iterator[tuple[Expr, Expr]]:
    """Write a quotient as a sum of (coefficient free of the index, monomial or monomial over a polynomial)."""
    ring = split.numer.ring
    mine = [atom.has(index) for atom in split.atoms]
    number, parts = split.denom.factor_list()
    below, outside = ring.one, ring(number)
    for part, power in parts:
        if any(n for powers in part.itermonoms() for n, own in zip(powers, mine, strict=False) if own):
            below *= part**power
        else:
            outside *= part**power
    numer = split.numer.rem(list(split.relations)) if split.relations else split.numer
    (over,), rest = numer.div([below]) if below != 1 else ([numer], ring.zero)
    for polynomial, under in ((over, S.One), (rest, split.expression(below))):
        groups: dict[tuple[int, ...], Expr] = {}
        for powers, coefficient in polynomial.terms():
            own = tuple(n if is_mine else 0 for n, is_mine in zip(powers, mine, strict=False))
            other = tuple(0 if is_mine else n for n, is_mine in zip(powers, mine, strict=False))
            groups[own] = groups.get(own, S.Zero) + split.monomial(other, coefficient)
        for own, coefficient in groups.items():
            yield coefficient / split.expression(outside), split.monomial(own) / under


def _sum_of_monomial(reading: Reading, body: Expr, index: Any) -> Expr:
    low, high = reading.ranges[index]
    if not body.has(index):
        return body * (high - low + 1)
    base, power = body.as_base_exp()
    if base == index and power.is_Integer and power > 0:
        n = int(power) + 1  # Faulhaber's formula
        return sympy.expand((sympy.bernoulli(n, high + 1) - sympy.bernoulli(n, low)) / n)
    if isinstance(body, exp) and not (step := sympy.expand(body.args[0] / index)).has(index):
        ratio = reading.exponential(step)
        reading.assume(f"{ratio} != 1")
        ends = [reading.exponential(sympy.expand(step * n)) for n in (low, high + 1)]
        return (ends[0] - ends[1]) / (1 - ratio)
    return _of_many_indices(reading, *_flattened(reading, body, index))


def _flattened(reading: Reading, body: Expr, index: Any) -> tuple[list[Expr], Limits]:
    """Draw the factors of inner sums out of them, so that one sum runs over all indices."""
    found: list[Expr] = []
    limits = {index: reading.ranges[index]}
    for factor in Mul.make_args(body):
        base, power = factor.as_base_exp()
        inner: Any = base
        separate = isinstance(base, Sum) and not any(part.has(index) for limit in inner.limits for part in limit[1:])
        if not (separate and power.is_Integer and 0 < power <= 3):
            found.append(factor)
            continue
        for _ in range(int(power)):
            names = {k: Dummy("k", integer=True, positive=True) for k, _, _ in inner.limits}
            limits |= {names[k]: (low, high) for k, low, high in inner.limits}
            found += Mul.make_args(inner.function.xreplace(names))
    reading.ranges.update(limits)
    return found, limits


def _of_many_indices(reading: Reading, found: list[Expr], limits: Limits) -> Expr:
    """Return the sum of a product as a product of sums over indices that share no factor; known sums are put in."""
    result = Mul(*(factor for factor in found if not factor.free_symbols & set(limits)))
    indices = set(limits)
    while indices:
        group = {indices.pop()}
        while more := {k for f in found if f.free_symbols & group for k in f.free_symbols & indices}:
            group |= more
            indices -= more
        factors = [factor for factor in found if factor.free_symbols & group]
        result *= _connected(reading, factors, {k: limits[k] for k in group})
    return result


def _connected(reading: Reading, found: list[Expr], limits: Limits) -> Expr:
    for count in range(1, len(limits) + 1):
        for some in combinations(sorted(limits, key=str), count):
            mine = [factor for factor in found if factor.free_symbols & set(some)]
            rest = Mul(*(factor for factor in found if not factor.free_symbols & set(some)))
            candidate = canonical(Mul(*mine), {k: limits[k] for k in some})
            known = next((v for rule in reading.rules if (v := rule.applied(candidate)) is not None), None)
            if known is not None:
                others = [(k, *limits[k]) for k in limits if k not in some]
                return reading.normal(Sum(rest * known, *others) if others else rest * known)
    return canonical(Mul(*found), limits)


def canonical(function: Expr, limits: Limits) -> Expr:
    """Return a sum whose indices have the names, and stand in the order, that come first in the alphabet."""
    used = [_NAMES.index(k) for total in function.atoms(Sum) for k, *_ in total.limits if k in _NAMES]
    names = _NAMES[max(used, default=-1) + 1 :][: len(limits)]
    sums = []
    for order in permutations(limits):
        named = dict(zip(order, names, strict=True))
        sums.append(Sum(function.xreplace(named), *((named[k], *limits[k]) for k in order)))
    return min(sums, key=str)
