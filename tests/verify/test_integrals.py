"""Gaussian integrals by normalisation and moments agree with SymPy's own integration and with quadrature."""

import pytest
import scipy.integrate
import sympy
from sympy import Integral, Rational, exp, log, oo, pi, sqrt, symbols

from mlpc.verify.quotients import UnreadableError, quotient
from mlpc.verify.terms import Reading

x, y, m = symbols("x y m", real=True)
s = symbols("s", positive=True)


def value(integrand, *variables):
    return Reading().normal(Integral(integrand, *((variable, -oo, oo) for variable in variables or (x,))))


@pytest.mark.parametrize(
    "integrand",
    [
        exp(-(x**2)),
        x**4 * exp(-(x**2) / 2),
        x * exp(-(x**2) + x),
        (x**3 - 2 * x + 1) * exp(-2 * x**2 + 3 * x - 1),
        exp(-((x - 1) ** 2) / 2) / sqrt(2 * pi),
        (exp(x) + 1) ** 2 * exp(-(x**2)),
    ],
)
def test_a_value_is_that_of_quadrature(integrand):
    quadrature = scipy.integrate.quad(sympy.lambdify(x, integrand), -40, 40, points=[0], epsabs=1e-12)[0]
    assert float(value(integrand)) == pytest.approx(quadrature, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("power", range(7))
def test_moments_are_those_that_sympy_integrates(power):
    density = exp(-((x - m) ** 2) / (2 * s**2)) / sqrt(2 * pi) / s
    expected = sympy.integrate(density * x**power, (x, -oo, oo), conds="none")
    assert quotient(value(density * x**power) - sympy.expand(expected)).is_zero


def test_two_variables():
    joint = exp(-(x**2) - x * y - y**2)
    assert quotient(value(joint, x, y) - 2 * pi / sqrt(3)).is_zero


def test_the_axioms_and_the_sign_are_recorded():
    a = sympy.Symbol("a", real=True)
    reading = Reading()
    reading.normal(Integral(x**2 * exp(-a * x**2), (x, -oo, oo)))
    assert "Gaussian moments" in reading.uses
    assert "a > 0" in reading.assumes


@pytest.mark.parametrize(
    ("integrand", "message"),
    [
        (exp(x**2), "no finite integral"),
        (exp(x), "no finite integral"),
        (x**2, "no finite integral"),
        (exp(-(x**4)), "no Gaussian"),
        (1 / (1 + x**2), "only powers"),
        (log(1 + x**2) * exp(-(x**2)), "only powers"),
        (exp(-(x**2)) / x, "only powers"),
        (sqrt(1 + x**2) * exp(-(x**2)), "only powers"),
    ],
)
def test_other_integrals_are_refused(integrand, message):
    with pytest.raises(UnreadableError, match=message):
        value(integrand)


def test_other_limits_are_refused():
    with pytest.raises(UnreadableError, match="-oo to oo"):
        Reading().normal(Integral(exp(-(x**2)), (x, 0, oo)))
    assert quotient(value(exp(-(x**2) / 3)) - sqrt(3 * pi) + Rational(0)).is_zero
