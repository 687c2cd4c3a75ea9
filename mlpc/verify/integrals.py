"""Integrals over the real line of polynomials times Gaussians, by normalisation and moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sympy import Add, Mul, Rational, S, binomial, exp, factorial2, pi, sqrt

from mlpc.verify.quotients import Expr, UnreadableError, quotient

if TYPE_CHECKING:
    from mlpc.verify.terms import Reading


def gaussian_integral(reading: Reading, integrand: Expr, x: Any) -> Expr:
    """Return the integral of a normal form over x from -oo to oo.

    Each term must be a power of x times the exponential of a quadratic c + b x - a x² with a > 0: that is
    √(π/a) · exp(c + b²/4a) times a moment of the Gaussian with mean b/2a and variance 1/2a.
    """
    split = quotient(integrand, first=lambda atom: atom.has(x))
    below = split.expression(split.denom)
    total = S.Zero
    for powers, coefficient in split.numer.terms():
        outside, power, exponent = _taken_apart(split.monomial(powers, coefficient) / below, x)
        total += outside * _moment(reading, power, exponent, x)
    return total


def _taken_apart(term: Expr, x: Any) -> tuple[Expr, int, Expr]:
    """Return what is free of x, the power of x, and the exponent of a term."""
    outside: Any = S.One
    exponent: Any = S.Zero
    power = 0
    factor: Any
    for factor in Mul.make_args(term):
        base, times = factor.as_base_exp()
        if not factor.has(x):
            outside *= factor
        elif base == x and times.is_Integer and times > 0:
            power = int(times)
        elif isinstance(factor, exp):
            exponent += factor.args[0]
        elif isinstance(base, exp) or base is S.Exp1:
            exponent += times * (base.args[0] if base is not S.Exp1 else 1)
        else:
            raise UnreadableError(f"{term}: only powers of {x} times exponentials of quadratics are integrated")
    return outside, power, exponent


def _moment(reading: Reading, power: int, exponent: Expr, x: Any) -> Expr:
    c, b, minus_a = _quadratic(exponent, x)
    if reading.sign(-minus_a) < 0 or minus_a == 0:
        raise UnreadableError(f"exp({exponent}) has no finite integral over {x}")
    if reading.sign(-minus_a) == 0:
        reading.assume(f"{-minus_a} > 0")
    reading.uses["Gaussian moments" if power else "Gaussian normalisation"] = None
    a = -minus_a
    mean, variance = b / (2 * a), 1 / (2 * a)
    moments = [
        binomial(power, j) * mean ** (power - j) * variance ** Rational(j, 2) * factorial2(j - 1)
        for j in range(0, power + 1, 2)
    ]
    return sqrt(pi / a) * exp(c + b**2 / (4 * a)) * Add(*moments)


def _quadratic(exponent: Expr, x: Any) -> tuple[Expr, Expr, Expr]:
    """Return the three coefficients of a quadratic."""
    split = quotient(exponent, first=lambda atom: atom.has(x))
    below = split.expression(split.denom)
    coefficients = [S.Zero, S.Zero, S.Zero]
    for powers, coefficient in split.numer.terms():
        outside, power, inside = _taken_apart(split.monomial(powers, coefficient) / below, x)
        if power > 2 or inside != 0:
            raise UnreadableError(f"exp({exponent}) is no Gaussian in {x}")
        coefficients[power] += outside
    return coefficients[0], coefficients[1], coefficients[2]
