"""Identities in a root of unity w, which stays a letter: reduced modulo wⁿ - 1, or modulo the cyclotomic polynomial."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from time import perf_counter
from typing import Any

import mpmath
import sympy
from sympy import Poly, Pow, Symbol, cyclotomic_poly, latex

from mlpc.verify.certificate import Certificate
from mlpc.verify.deadline import OutOfTimeError, time_limit
from mlpc.verify.quotients import Expr

W = Symbol("w")
DRAWS = 3
DIGITS = 40

Side = Callable[[int, Symbol], Any]  # n and w -> an expression, or a list or matrix of them


class NotPolynomialError(ValueError):
    """A side is no polynomial in w and its inverse."""


def prove_roots(
    left: Side,
    right: Side,
    *,
    sizes: Sequence[int] = (4, 6, 8),
    primitive: bool = True,
    mutants: Mapping[str, Side] | Iterable[tuple[str, Side]] = (),
    uses: Iterable[str] = (),
    claim: str = "",
) -> Certificate:
    """Prove that two sides agree for the n-th roots of unity.

    Parameters
    ----------
    left, right : callables
        Take n and the letter w, whose n-th power is one; return an expression, or a list or matrix of them. The
        complex conjugate of w is ``w**-1``.
    sizes : sequence of int
        The n for which it is proved.
    primitive : bool
        Whether w is a *primitive* root: then the residues modulo the cyclotomic polynomial decide, else those modulo
        wⁿ - 1, and the claim holds for every n-th root, 1 among them.
    mutants : mapping
        What is wrong to the right side that has it wrong: its residue must differ, which disproves it.

    Returns
    -------
    Certificate
        Of grade B; the second opinion puts complex numbers in.

    Examples
    --------
    >>> certificate = prove_roots(
    ...     lambda n, w: sum(w**j for j in range(n)), lambda n, w: 0, mutants={"n": lambda n, w: n}
    ... )
    >>> bool(certificate), certificate.scope
    (True, 'n=4, 6, 8')
    >>> bool(prove_roots(lambda n, w: sum(w**j for j in range(n)), lambda n, w: 0, primitive=False))
    False
    """
    start = perf_counter()
    wrong, residual, opinion = dict(mutants), "", ""
    try:
        with time_limit():
            if all(_listed(left(n, W)) == _listed(right(n, W)) for n in sizes):
                raise NotPolynomialError("trivial as read: SymPy has made both sides the same while they were built")
            residual = next(filter(None, (_differs(left, right, n, primitive) for n in sizes)), "")
            opinion = "" if residual else _second_opinion(left, right, sizes)
            standing = [
                name for name, side in wrong.items() if not any(_differs(left, side, n, primitive) for n in sizes)
            ]
            if standing and not residual:
                residual = f"these wrong variants hold: {', '.join(standing)}"
    except (NotPolynomialError, OutOfTimeError) as error:
        residual = str(error)
    return Certificate(
        claim or _written(left, right, sizes[0]),
        "polynomials in a root of unity, modulo " + ("the cyclotomic polynomial" if primitive else "wⁿ - 1"),
        "B",
        "n=" + ", ".join(map(str, sizes)),
        assumes=("w is a primitive n-th root of unity" if primitive else "w is an n-th root of unity",),
        uses=tuple(uses),
        mutants=() if residual else tuple(wrong),
        second_opinion=opinion,
        residual=residual,
        seconds=perf_counter() - start,
    )


def _differs(left: Side, right: Side, n: int, primitive: bool) -> str:
    """Return what is left of the difference at this size; empty if both sides agree."""
    ones, others = _listed(left(n, W)), _listed(right(n, W))
    if len(ones) != len(others):
        raise ValueError(f"prove_roots(): at n={n} the two sides have {len(ones)} and {len(others)} entries")
    modulus = Poly(cyclotomic_poly(n, W) if primitive else W**n - 1, W)
    residues = (_residue(one - other, n, modulus) for one, other in zip(ones, others, strict=True))
    return next((f"at n={n} there remains {residue}" for residue in residues if residue != 0), "")


def _listed(value: Any) -> list[Expr]:
    if isinstance(value, sympy.MatrixBase):
        return list(value.flat())
    if isinstance(value, list | tuple):
        return list(chain.from_iterable(map(_listed, value)))
    return [sympy.sympify(value)]


def _residue(expr: Expr, n: int, modulus: Poly) -> Expr:
    """Return the remainder of an expression in which powers of w are taken modulo n."""
    small = expr.replace(
        lambda part: isinstance(part, Pow) and part.base == W and part.exp.is_Integer, lambda part: W ** (part.exp % n)
    )
    try:
        return Poly(sympy.expand(small), W).rem(modulus).as_expr()
    except sympy.PolynomialError as error:
        raise NotPolynomialError(f"a side is no polynomial in w and its inverse: {error}") from None


def _second_opinion(left: Side, right: Side, sizes: Sequence[int]) -> str:
    """Compare both sides at complex numbers, and say so; a difference raises."""
    rng = random.Random(0)
    with mpmath.workdps(DIGITS):
        for n in sizes:
            pairs = list(zip(_listed(left(n, W)), _listed(right(n, W)), strict=True))
            symbols = sorted({s for pair in pairs for side in pair for s in side.free_symbols} - {W}, key=str)
            power = next(m for m in range(n - 1, 0, -1) if sympy.gcd(m, n) == 1) if n > 1 else 1
            compare = sympy.lambdify([W, *symbols], [one - other for one, other in pairs], "mpmath")
            for _ in range(DRAWS):
                values = [mpmath.mpf(rng.randint(-99, 99)) / 7 for _ in symbols]
                found = compare(mpmath.expjpi(mpmath.mpf(2 * power) / n), *values)
                if max(map(abs, found)) > mpmath.mpf(10) ** (-DIGITS // 2):
                    raise NotPolynomialError(f"false: at n={n} complex numbers contradict it")
    return f"{DRAWS} draws for each n with w = exp(-2πi/n) to {DIGITS} digits (seed 0), 0 failures"


def _written(left: Side, right: Side, n: int) -> str:
    sides = [", ".join(latex(part) for part in _listed(side(n, W))) for side in (left, right)]
    return rf"{sides[0]} = {sides[1]} \quad (n = {n})"
