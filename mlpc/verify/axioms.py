"""The few facts that proofs lean on without proving them, each checked explicitly at small sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SIZES = (1, 2, 3, 4)


@dataclass(frozen=True)
class Axiom:
    """A fact that proofs lean on.

    Attributes
    ----------
    name : str
        What stands in `Certificate.uses`.
    statement : str
        One sentence.
    latex : str
        The formula.
    checked : str
        How and where it is checked.
    holds : callable
        Takes a size and checks it there.
    sizes : tuple of int
        The sizes of the check.
    """

    name: str
    statement: str
    latex: str
    checked: str
    holds: Callable[[int], bool]
    sizes: tuple[int, ...] = SIZES


def _letters(name: str, n: int) -> Any:
    """Return an n × n matrix of polynomials of degree one in t with symbols for coefficients."""
    import sympy

    t = sympy.Symbol("t")
    return sympy.Matrix(n, n, lambda i, j: sympy.Symbol(f"{name}{i}{j}") + t * sympy.Symbol(f"d{name}{i}{j}"))


def _at_zero(matrix: Any, derivative: bool = False) -> Any:
    import sympy

    t = sympy.Symbol("t")
    return (matrix.diff(t) if derivative else matrix).subs(t, 0)


def _numbers(n: int, seed: int) -> Any:
    """Return an invertible n × n matrix of small integers."""
    import random

    import sympy

    rng = random.Random(seed)
    entries = sympy.Matrix(n, n, lambda i, j: rng.randint(-9, 9))
    return entries if entries.det() else _numbers(n, seed + 1)


def _product_rule(n: int) -> bool:
    A, B = _letters("a", n), _letters("b", n)
    whole = _at_zero(A * B, derivative=True)
    return (whole - _at_zero(A, True) * _at_zero(B) - _at_zero(A) * _at_zero(B, True)).expand().is_zero_matrix


def _derivative_of_the_inverse(n: int) -> bool:
    """Compare the linear term of (A + tD)⁻¹ by the adjugate with -A⁻¹DA⁻¹; the direction D is made of symbols."""
    import sympy

    t = sympy.Symbol("t")
    A, D = _numbers(n, 0), _at_zero(_letters("d", n))
    det, adjugate = (A + t * D).det(method="berkowitz"), (A + t * D).adjugate()
    linear = (_linear(adjugate) * A.det() - _at_zero(adjugate) * _linear(sympy.Matrix([[det]]))[0]) / A.det() ** 2
    return (linear + A.inv() * D * A.inv()).expand().is_zero_matrix


def _linear(matrix: Any) -> Any:
    """Return the coefficients of t."""
    import sympy

    return matrix.applyfunc(lambda entry: sympy.expand(entry).coeff(sympy.Symbol("t"), 1))


def _derivative_of_log_det(n: int) -> bool:
    import sympy

    t = sympy.Symbol("t")
    A, D = _at_zero(_letters("a", n)), _at_zero(_letters("d", n))
    if n == 4:
        A = _numbers(n, 0)
    linear = _linear(sympy.Matrix([[(A + t * D).det(method="berkowitz")]]))[0]
    return sympy.expand(linear - (A.adjugate() * D).trace()) == 0


def _multiplicative_determinant(n: int) -> bool:
    import sympy

    A, B = _at_zero(_letters("a", n)), _at_zero(_letters("b", n))
    if n == 4:
        B = _numbers(n, 0)
    return sympy.expand((A * B).det(method="berkowitz") - A.det(method="berkowitz") * B.det(method="berkowitz")) == 0


def _gaussian_integral(P: Any) -> Any:
    """Return the square of the integral of exp(-xᵀPx/2), taken over one variable after the other."""
    import sympy

    variables = sympy.Matrix(sympy.symbols(f"x:{P.rows}"))
    exponent, constant = -(variables.T * P * variables)[0] / 2, sympy.Integer(1)
    for x in variables:
        a, b, c = (-sympy.expand(exponent).coeff(x, 2), *(sympy.expand(exponent).coeff(x, power) for power in (1, 0)))
        u = sympy.Symbol("u", real=True)
        constant *= sympy.integrate(sympy.exp(-a * u**2), (u, -sympy.oo, sympy.oo))
        exponent = sympy.expand(c + b**2 / (4 * a))
    return constant**2 * sympy.exp(exponent)  # the exponent is zero by now


def _gaussian_normalisation(n: int) -> bool:
    import sympy

    P = _numbers(n, 0) * _numbers(n, 0).T
    return sympy.simplify(_gaussian_integral(P) - (2 * sympy.pi) ** n / P.det()) == 0


def _linear_substitution(n: int) -> bool:
    """Integrate exp(-|x|²/2) over x, and over z with x = Fz for an integer matrix F."""
    import sympy

    F = _numbers(n, 1)
    return sympy.simplify(_gaussian_integral(sympy.eye(n)) - F.det() ** 2 * _gaussian_integral(F.T * F)) == 0


def _gaussian_moments(n: int) -> bool:
    """Compare the moment of order n of the standard Gaussian, by integration, with (n - 1)!! or 0."""
    import sympy

    u = sympy.Symbol("u", real=True)
    density = sympy.exp(-(u**2) / 2) / sympy.sqrt(2 * sympy.pi)
    moment = sympy.integrate(u**n * density, (u, -sympy.oo, sympy.oo))
    return sympy.simplify(moment - (0 if n % 2 else sympy.factorial2(n - 1))) == 0


def _log_lemma(n: int) -> bool:
    """The gap has the derivative 1 - 1/t: negative below 1, positive above, and the gap is 0 at 1."""
    import sympy

    t, r = sympy.symbols("t r", positive=True)
    gap = t - 1 - sympy.log(t)
    slope = sympy.diff(gap, t)
    above, below = (sympy.factor(slope.subs(t, point)) for point in (1 + r, 1 / (1 + r)))
    return bool(gap.subs(t, 1) == 0 and above.is_positive and below.is_negative and gap.subs(t, n + 1).evalf(30) > 0)


_SYMBOLS = "with symbols for the entries, n = 1 to 4"
_DIRECTIONS = "with symbols for the direction, n = 1 to 4"

AXIOMS: Mapping[str, Axiom] = {
    axiom.name: axiom
    for axiom in (
        Axiom(
            "product rule",
            "The differential of a product is the sum over its factors, each differentiated in its place.",
            r"\mathrm{d}(AB) = \mathrm{d}A \, B + A \, \mathrm{d}B",
            _SYMBOLS,
            _product_rule,
        ),
        Axiom(
            "derivative of the inverse",
            "The differential of an inverse is minus the inverse times the differential times the inverse.",
            r"\mathrm{d}A^{-1} = -A^{-1} \, \mathrm{d}A \, A^{-1}",
            _DIRECTIONS,
            _derivative_of_the_inverse,
        ),
        Axiom(
            "derivative of log det",
            "The differential of the logarithm of a determinant is the trace of the inverse times the differential.",
            r"\mathrm{d} \log \det A = \operatorname{tr}(A^{-1} \, \mathrm{d}A)",
            "with symbols for the entries, n = 1 to 3, and for the direction, n = 4",
            _derivative_of_log_det,
        ),
        Axiom(
            "multiplicative determinant",
            "The determinant of a product is the product of the determinants.",
            r"\det(AB) = \det(A) \, \det(B)",
            "with symbols for the entries, n = 1 to 3, and for those of one factor, n = 4",
            _multiplicative_determinant,
        ),
        Axiom(
            "Gaussian normalisation",
            "A Gaussian integrates to one: that is what its constant is for.",
            r"\int e^{-\frac{1}{2} x^\top P x} \, \mathrm{d}x = (2\pi)^{n/2} \det(P)^{-1/2}",
            "by integration, one variable after the other, for an integer matrix, n = 1 to 4",
            _gaussian_normalisation,
        ),
        Axiom(
            "linear substitution",
            "An invertible linear change of variables multiplies an integral by the magnitude of its determinant.",
            r"\int f(x) \, \mathrm{d}x = \int f(Fz) \, |\det F| \, \mathrm{d}z",
            "by integration of a Gaussian, for an integer matrix, n = 1 to 4",
            _linear_substitution,
        ),
        Axiom(
            "Gaussian moments",
            "The moments of a standard Gaussian variable are zero for odd order, double factorials for even order.",
            r"\mathbb{E}[u^{2m}] = (2m - 1)!!, \qquad \mathbb{E}[u^{2m + 1}] = 0",
            "by integration, orders 1 to 8",
            _gaussian_moments,
            tuple(range(1, 9)),
        ),
        Axiom(
            "log lemma",
            "The logarithm lies below its tangent at one, and touches it only there.",
            r"\log t \le t - 1 \quad (t > 0), \qquad \text{with equality only at } t = 1",
            "by the sign of the derivative on both sides of 1",
            _log_lemma,
        ),
    )
}
"""The axioms by name."""
