"""A normal form of scalar expressions: logarithms split, exponents apart, finite sums pulled out and merged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sympy
from sympy import Add, Derivative, Dummy, Indexed, Integral, KroneckerDelta, Mul, Pow, Product, S, Sum, exp, log
from sympy.core.function import AppliedUndef

from mlpc.verify.integrals import gaussian_integral
from mlpc.verify.quotients import Expr, Quotient, UnreadableError, quotient
from mlpc.verify.series import Rule, normal_sum

HYPERBOLIC = (sympy.sinh, sympy.cosh, sympy.tanh, sympy.coth, sympy.sech, sympy.csch, sympy.atanh)
OPAQUE = (sympy.sin, sympy.cos, sympy.gamma, sympy.loggamma, sympy.factorial)


class Reading:
    """Brings expressions into normal form, and remembers what that rested on.

    Attributes
    ----------
    positive : tuple of Expr
        Normal forms that the author says are positive.
    rules : list of Rule
        Sums that are known, as Σ_k r[i, k] = 1 for every i.
    assumes : dict
        The hypotheses that were needed, in order.
    uses : dict
        The axioms that were needed.

    Examples
    --------
    >>> a, b = sympy.symbols("a b", positive=True)
    >>> Reading().normal(log(a**2 / (2 * b)))
    2*log(a) - log(b) - log(2)
    """

    def __init__(self, positive: Iterable[Expr] = (), rules: Iterable[Rule] = ()) -> None:
        self.positive = tuple(positive)
        self.rules = list(rules)
        self.ranges: dict[Expr, tuple[Expr, Expr]] = {}
        self.assumes: dict[str, None] = {}
        self.uses: dict[str, None] = {}

    def assume(self, hypothesis: str) -> None:
        """Record a hypothesis."""
        self.assumes[hypothesis] = None

    def normal(self, expr: Expr) -> Expr:
        """Return the normal form; an expression that is no finite real scalar raises `UnreadableError`."""
        if expr.is_Rational or expr.is_Symbol or expr is S.Exp1 or expr is S.Pi:
            return expr
        for kinds, method in self._methods():
            if isinstance(expr, kinds):
                return method(expr)
        raise UnreadableError(f"{expr} is of the kind {type(expr).__name__}, which the scalar prover does not read")

    def _methods(self) -> tuple[tuple[Any, Callable[[Any], Expr]], ...]:
        return (
            ((Add, Mul), lambda e: e.func(*map(self.normal, e.args))),
            (Pow, lambda e: self._power(self.normal(e.base), e.exp)),
            (exp, lambda e: self.exponential(self.normal(e.args[0]))),
            (log, lambda e: self.logarithm(self.normal(e.args[0]))),
            (Sum, lambda e: normal_sum(self, e)),
            (Product, lambda e: self.normal(exp(Sum(log(e.function), *e.limits)))),
            (Indexed, lambda e: Indexed(e.base, *map(sympy.expand, e.indices))),
            (KroneckerDelta, lambda e: KroneckerDelta(*map(sympy.expand, e.args))),
            ((AppliedUndef, *OPAQUE), lambda e: e.func(*map(self.normal, e.args))),
            (HYPERBOLIC, lambda e: self.normal(e.rewrite(log if isinstance(e, sympy.atanh) else exp))),
            (Derivative, self._derivative),
            (Integral, self._integral),
        )

    def _derivative(self, expr: Any) -> Expr:
        if isinstance(expr.expr, AppliedUndef) and set(expr.variables) <= set(expr.expr.args):
            return Derivative(self.normal(expr.expr), *expr.variables)
        return self.normal(derived(expr))

    def _integral(self, expr: Any) -> Expr:
        variable, low, high = expr.limits[0] if len(expr.limits[0]) == 3 else (None, None, None)
        if len(expr.limits) > 1:
            inner = Integral(expr.function, *expr.limits[:-1])
            return self.normal(Integral(self.normal(inner), expr.limits[-1]))
        if (low, high) != (-sympy.oo, sympy.oo):
            raise UnreadableError(f"{expr}: only integrals from -oo to oo are read")
        bound = Dummy(str(variable), real=True)
        return self.normal(gaussian_integral(self, self.normal(expr.function.xreplace({variable: bound})), bound))

    # logarithms and powers

    def sign(self, expr: Expr) -> int:
        """Return 1 or -1 if that is the sign of an expression under the assumptions, or 0 if it is not known."""
        if expr.is_positive or expr.is_negative:
            return 1 if expr.is_positive else -1
        for known in self.positive:
            ratio = quotient(expr / known)
            if ratio.numer.is_ground and ratio.denom.is_ground and ratio.numer:
                return 1 if ratio.numer.LC / ratio.denom.LC > 0 else -1
        return 0

    def logarithm(self, argument: Expr) -> Expr:
        """Return the logarithm of a normal form as a sum over its factors; its argument is a hypothesis: positive."""
        if argument.is_nonpositive:
            raise UnreadableError(f"the logarithm of {argument}, which is not positive")
        if not self.sign(argument):
            self.assume(f"{argument} > 0")
        total, undecided = S.Zero, []
        for factor, power in factors(quotient(argument)):
            if factor.is_Rational and factor > 0:
                total += Add(*(e * log(p) for p, e in factor.factors().items()))
            elif self.sign(factor) > 0:
                total += power * self._log_of_factor(factor)
            else:
                undecided.append((factor, power))
        return total + self._log_of_undecided(undecided)

    def _log_of_factor(self, factor: Expr) -> Expr:
        """Return log of eᵐ or of a root without the logarithm around it."""
        if factor is S.Exp1 or isinstance(factor, exp):
            return S.One if factor is S.Exp1 else factor.args[0]
        if isinstance(factor, Pow) and factor.exp.is_Rational:
            return factor.exp * self.logarithm(factor.base)
        if factor.is_Symbol or isinstance(factor, Indexed | AppliedUndef):
            self.assume(f"{factor.base if isinstance(factor, Indexed) else factor.func if factor.args else factor} > 0")
        return log(factor)

    def _log_of_undecided(self, undecided: list[tuple[Expr, int]]) -> Expr:
        """Split off even powers and known signs; of one factor left, the sign follows from that of the argument."""
        sense, odd, total = 1, [], S.Zero
        for factor, power in undecided:
            if self.sign(factor) < 0:
                sense *= (-1) ** power
                total += power * log(-factor) if factor != -1 else 0
            elif power % 2:
                odd.append((factor, power))
            else:
                total += S(power) / 2 * log(sympy.expand_multinomial(factor**2, deep=False))
        if len(odd) == 1:
            argument = sense * odd[0][0]
            self.positive += (argument,)  # where this logarithm is defined, so that the others may be split
            return total + odd[0][1] * log(argument)
        rest = Mul(sense, *(factor**power for factor, power in odd))
        if rest == -1:
            raise UnreadableError("the logarithm of something negative")
        return total + log(rest)

    def exponential(self, exponent: Expr) -> Expr:
        """Return e to a normal form as a product over the terms of the exponent."""
        split = quotient(exponent)
        leading = split.denom.LC
        below = Mul(*(factor**power for factor, power in factors(Quotient(split.denom, leading, split.atoms))))
        result = S.One
        for powers, coefficient in split.numer.terms():
            term, number = split.monomial(powers) / below, sympy.Rational(str(coefficient / leading))
            result *= term.args[0] ** number if isinstance(term, log) else exp(number * term)
        return result

    def _power(self, base: Expr, exponent: Expr) -> Expr:
        if exponent.is_Integer:
            if exponent < 0 and not (base.is_nonzero or self.sign(base)):
                self.assume(f"{base} != 0")
            return base**exponent
        if exponent.is_Rational or self.sign(base) > 0:
            return self.exponential(self.normal(exponent) * self.logarithm(base))
        whole, rest = sympy.expand(exponent).as_coeff_Add()
        if not (rest.is_integer and whole.is_Integer):
            raise UnreadableError(f"{base}**({exponent}): the sign of the base is not known")
        if whole < 0:
            self.assume(f"{base} != 0")
        return base**whole * Pow(base, rest)


def factors(split: Quotient) -> list[tuple[Expr, int]]:
    """Return the irreducible factors of a quotient, each with its power; numbers come as one factor of power 1."""
    if not split.numer:
        raise UnreadableError("zero where a logarithm or a root is taken, or in a denominator")
    found: list[tuple[Expr, int]] = []
    number = S.One
    for polynomial, sense in ((split.numer, 1), (split.denom, -1)):
        if polynomial in (1,) or not hasattr(polynomial, "factor_list"):
            number *= sympy.Rational(str(polynomial)) ** sense
            continue
        coefficient, parts = polynomial.factor_list()
        number *= sympy.Rational(str(coefficient)) ** sense
        found += [(split.expression(part), sense * power) for part, power in parts]
    return ([(abs(number), 1)] if abs(number) != 1 else []) + ([(S.NegativeOne, 1)] if number < 0 else []) + found


def derived(expr: Any) -> Expr:
    """Return a derivative carried out, with the indices of all sums renamed before: none can be captured."""
    done = sympy.diff(renamed(expr.expr), *expr.variables)
    if done.has(sympy.Subs) or (isinstance(done, Derivative) and not isinstance(done.expr, AppliedUndef)):
        raise UnreadableError(f"{expr}: this derivative could not be carried out")
    return done


def renamed(expr: Any) -> Any:
    """Return an expression with new symbols for the indices of all its sums and products."""
    return expr.replace(lambda part: isinstance(part, Sum | Product), apart)


def apart(total: Any) -> Any:
    """Return a sum or product whose indices are new symbols."""
    fresh = {limit[0]: Dummy(str(limit[0]), integer=True, positive=True) for limit in total.limits}
    limits = [tuple(part.xreplace(fresh) for part in limit) for limit in total.limits]
    return total.func(total.function.xreplace(fresh), *limits)
