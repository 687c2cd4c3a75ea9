"""Values of scalar expressions at random draws that keep to the assumptions: exact rationals, or rigorous intervals."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from operator import add, mul
from typing import Any

import mpmath
import sympy
from mpmath.ctx_iv import MPIntervalContext
from sympy import Add, Derivative, Indexed, Integer, Integral, Mul, Pow, Product, S, Sum
from sympy.core.function import AppliedUndef

from mlpc.verify.quotients import Expr
from mlpc.verify.terms import renamed

DIGITS = 60  # of the intervals
NEGLIGIBLE = 25  # a value below 10 to the minus this, relative to the terms it is the sum of, counts as zero
QUADRATURE = 9  # and this where an integral is in it, which is the accuracy that quadrature is trusted with

iv: Any = MPIntervalContext()
iv.dps = DIGITS
Number = Any  # a Fraction, or an interval


class UndefinedError(ArithmeticError):
    """A draw at which an expression has no real value."""


@dataclass
class Draw:
    """One choice of sizes, functions and numbers; numbers are drawn when they are first met.

    Attributes
    ----------
    integers : dict
        Sizes and free indices.
    solved : dict
        Atoms that the assumptions determine, with the expressions for them.
    scale : Fraction
        Of what is drawn.
    """

    integers: dict[Any, Expr]
    rng: random.Random
    scale: Fraction = Fraction(1)
    solved: dict[Expr, Expr] = field(default_factory=dict)
    numbers: dict[Expr, Number] = field(default_factory=dict)
    functions: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    bound: dict[Any, Number] = field(default_factory=dict)
    totals: dict[tuple[Any, ...], Number] = field(default_factory=dict)

    def __str__(self) -> str:
        sizes = {str(size): str(value) for size, value in self.integers.items()}
        numbers = {str(atom): str(value) for atom, value in self.numbers.items() if isinstance(value, Fraction)}
        return ", ".join(f"{name} = {value}" for name, value in {**sizes, **numbers}.items())

    def choose(self, atom: Expr, number: Number) -> None:
        """Give an atom this value, whatever was drawn."""
        self.numbers[atom] = number
        self.totals.clear()

    def explicit(self, expr: Expr) -> Expr:
        """Return an expression with sums written out and derivatives carried out."""
        written = unrolled(renamed(expr).xreplace(self.integers))
        if not written.has(Integral):
            for applied in sorted(written.atoms(AppliedUndef), key=str):
                self._applied(applied)  # which sees to its sign
        return _differentiated(self._with_functions(written))

    def value(self, expr: Expr) -> Number:
        """Return the value of an expression; `UndefinedError` where it has none."""
        return self.number(self.explicit(expr) if expr.has(Derivative, Integral) else expr)

    def _with_functions(self, expr: Expr) -> Expr:
        return expr.replace(lambda part: isinstance(part, AppliedUndef), self._function)

    def defines(self, applied: Any) -> bool:
        """Whether the function is still free, and can be defined by what it is at these arguments."""
        key, arguments = _key(applied)
        symbols = [arg for arg in arguments if arg.is_Symbol]
        return key not in self.functions and len(set(symbols)) == len(arguments)

    def define(self, applied: Any, expr: Expr) -> None:
        """Make an expression the function's value."""
        key, arguments = _key(applied)
        self.functions[key] = arguments, self._with_functions(expr)

    def _function(self, applied: Any) -> Expr:
        """Return the polynomial that stands for a function; values at different integers are different functions."""
        key, arguments = _key(applied)
        if key not in self.functions:
            names = [sympy.Dummy() for _ in arguments]
            terms = [self._rational() * (name - self._rational() * self.rng.choice((-1, 1))) ** 2 for name in names]
            slope = Add(*(self._rational() * name for name in names)) if not applied.is_positive else 0
            self.functions[key] = names, Add(self._rational(), slope, *terms)
        names, polynomial = self.functions[key]
        return polynomial.xreplace(dict(zip(names, arguments, strict=True)))

    def _rational(self) -> Any:
        """Return a positive rational of the size of one."""
        return S(self.rng.randint(3, 29)) / self.rng.choice((7, 9, 11, 13)) * sympy.Rational(str(self.scale))

    def _number(self, atom: Any) -> Number:
        if atom in self.bound or atom in self.integers:
            return self.bound[atom] if atom in self.bound else Fraction(int(self.integers[atom]))
        if isinstance(atom, Indexed) and not all(index.is_Integer for index in atom.indices):
            atom = _indexed(atom.base, *(int(self.number(index)) for index in atom.indices))
        if atom not in self.numbers:
            if atom in self.solved:
                self.numbers[atom] = self.number(self.solved[atom])
            else:
                size = Fraction(self.rng.randint(1, 6)) if atom.is_integer else Fraction(str(self._rational()))
                negative = atom.is_negative or (not atom.is_nonnegative and self.rng.random() < 0.5)
                self.numbers[atom] = -size if negative else size
        return self.numbers[atom]

    def _integer(self, expr: Expr) -> Integer:
        return Integer(int(self.number(expr)))

    def number(self, expr: Any) -> Number:
        """Return the value of an expression without derivatives; indices of sums and arguments are kept in `bound`."""
        if expr.is_Rational:
            return Fraction(int(expr.p), int(expr.q))
        if expr.is_Symbol or isinstance(expr, Indexed):
            return self._number(expr)
        if isinstance(expr, Integral):
            return self._quadrature(expr)
        if isinstance(expr, Sum | Product):
            key = (expr, *(self.bound.get(symbol) for symbol in _free_symbols(expr)))
            if key not in self.totals:
                parts = self._terms(expr.function, list(expr.limits))
                self.totals[key] = combined(parts, isinstance(expr, Sum))
            return self.totals[key]
        if isinstance(expr, Add | Mul):
            return combined([self.number(part) for part in expr.args], isinstance(expr, Add))
        if expr is S.Pi or expr is S.Exp1:
            return +iv.pi if expr is S.Pi else iv.exp(iv.mpf(1))
        if isinstance(expr, AppliedUndef):
            return self._applied(expr)
        if isinstance(expr, Pow):
            return power(self.number(expr.base), self.number(expr.exp))
        return _applied(expr, [self.number(arg) for arg in expr.args])

    def _terms(self, function: Expr, limits: list[Any]) -> list[Number]:
        """Return the values of the terms of a sum; its last limits are the outermost."""
        if not limits:
            return [self.number(function)]
        *inner, (index, low, high) = limits
        first, last = (int(self.number(end)) for end in (low, high))
        before, found = self.bound.get(index), []
        try:
            for n in range(first, last + 1):
                self.bound[index] = Fraction(n)
                found += self._terms(function, inner)
        finally:
            self.bound.pop(index, None)
            if before is not None:
                self.bound[index] = before
        return found

    def _applied(self, applied: Any) -> Number:
        """Return the value of a function that is not further known."""
        fixed = [self._integer(arg) if arg.is_integer else arg for arg in applied.args]
        values = [self.number(arg) for arg in fixed if not arg.is_Integer]
        names = [sympy.Dummy() for _ in values]
        places = iter(names)
        polynomial = self._function(applied.func(*(arg if arg.is_Integer else next(places) for arg in fixed)))
        value = Draw(self.integers, self.rng, bound=dict(zip(names, values, strict=True))).number(polynomial)
        if applied.is_positive and not is_positive(value):
            raise UndefinedError(f"{applied} is not positive at this draw")
        return value

    def _quadrature(self, integral: Any) -> Number:
        """Return an integral over the real line by quadrature, as an interval as wide as its accuracy."""
        variables = [limit[0] for limit in integral.limits]
        if any(tuple(limit[1:]) != (-sympy.oo, sympy.oo) for limit in integral.limits):
            raise UndefinedError("only integrals from -oo to oo have a value here")
        numbers = {
            atom: sympy.Float(str(mpmath.mpf(interval(self._number(atom)).mid)), 20)
            for atom in integral.function.atoms(sympy.Symbol, Indexed) - set(variables)
            if isinstance(atom, Indexed) or atom in integral.free_symbols
        }
        with mpmath.workdps(20):
            integrand = sympy.lambdify(variables, integral.function.xreplace(numbers), "mpmath")
            result = mpmath.quad(integrand, *([-mpmath.inf, 0, mpmath.inf] for _ in variables), maxdegree=7)
        margin = iv.mpf([-1, 1]) * iv.mpf(10) ** -QUADRATURE
        return iv.mpf(str(result)) + margin * (1 + abs(iv.mpf(str(result))))


@cache
def _indexed(base: Any, *indices: int) -> Expr:
    return Indexed(base, *indices)


@cache
def _free_symbols(expr: Expr) -> tuple[Any, ...]:
    return tuple(sorted((symbol for symbol in expr.free_symbols if symbol.is_Symbol), key=str))


def _key(applied: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """Return what tells a function from others, its integer arguments included, and the other arguments."""
    key = (applied.func, *(arg if arg.is_Integer else None for arg in applied.args))
    return key, [arg for arg in applied.args if not arg.is_Integer]


def combined(values: list[Number], added: bool) -> Number:
    """Return the sum of values, or else their product."""
    result: Number = Fraction(0 if added else 1)
    for value in values:
        result = _both(result, value, add if added else mul)
    return result


def interval(value: Number) -> Any:
    """Return an exact rational as an interval, and an interval as it is."""
    return iv.mpf(value.numerator) / iv.mpf(value.denominator) if isinstance(value, Fraction) else value


def shown(value: Number) -> str:
    """Return a value for a message: a fraction, or the first digits of an interval."""
    return str(value) if isinstance(value, Fraction) else f"{float(mpmath.mpf(value.mid)):.8g}"


def _both(one: Number, other: Number, operation: Callable[[Any, Any], Any]) -> Number:
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return operation(one, other)
    return operation(interval(one), interval(other))


def power(base: Number, exponent: Number) -> Number:
    """Return a power: exact for integers, by logarithms else."""
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        if exponent < 0 and not excludes_zero(base):
            raise UndefinedError("division by zero")
        return base ** int(exponent)
    if not is_positive(base):
        raise UndefinedError("a root or real power of what is not positive")
    return iv.exp(interval(exponent) * iv.log(interval(base)))


def _applied(expr: Any, values: list[Number]) -> Number:
    if not values:
        raise UndefinedError(f"{expr} is no real number")
    if isinstance(expr, sympy.log):
        if not is_positive(values[0]):
            raise UndefinedError("the logarithm of what is not positive")
        return Fraction(0) if values[0] == 1 else iv.log(interval(values[0]))
    if isinstance(expr, sympy.factorial | sympy.KroneckerDelta):
        return Fraction(str(expr.func(*(sympy.Rational(str(value)) for value in values))))
    name = type(expr).__name__
    if isinstance(expr, sympy.exp | sympy.sin | sympy.cos | sympy.gamma):
        return Fraction(1) if name == "exp" and values[0] == 0 else getattr(iv, name)(interval(values[0]))
    if isinstance(expr, sympy.loggamma):
        return iv.log(iv.gamma(interval(values[0])))
    argument = sympy.Dummy()
    rewritten = expr.func(argument).rewrite(sympy.log if name.startswith("a") else sympy.exp)
    if rewritten == expr.func(argument):
        raise UndefinedError(f"{name} has no value here")
    return Draw({}, random.Random(0), numbers={argument: values[0]}).number(rewritten)


def excludes_zero(value: Number) -> bool:
    """Whether a value is certainly not zero."""
    return value != 0 if isinstance(value, Fraction) else not (value.a <= 0 <= value.b)


def is_positive(value: Number) -> bool:
    """Whether a value is certainly positive."""
    return value > 0 if isinstance(value, Fraction) else value.a > 0


def is_zero(draw: Draw, expr: Expr) -> bool | None:
    """Whether a value is zero: exactly, or by an interval about zero that is negligible beside the terms of the sum.

    False means certainly not zero, and None that the interval is too wide to tell.
    """
    terms = [draw.value(term) for term in Add.make_args(expr)]
    value = combined(terms, added=True)
    if excludes_zero(value):
        return False
    if isinstance(value, Fraction):
        return True
    largest = max(1, *(mpmath.mpf(abs(interval(term)).b) for term in terms))
    digits = QUADRATURE - 2 if expr.has(Integral) else NEGLIGIBLE
    return True if mpmath.mpf(value.delta.b) < largest * mpmath.mpf(10) ** -digits else None


def unrolled(expr: Any) -> Any:
    """Return an expression whose sums and products of fixed length are written out."""
    if isinstance(expr, Sum | Product):
        *inner, (index, low, high) = expr.limits
        function = expr.func(expr.function, *inner) if inner else expr.function
        low, high = (int(unrolled(limit)) for limit in (low, high))
        kind = Add if isinstance(expr, Sum) else Mul
        return kind(*(unrolled(function.xreplace({index: Integer(n)})) for n in range(low, high + 1)))
    if not expr.args or not expr.has(Sum, Product):
        return expr
    return expr.func(*map(unrolled, expr.args))


def _differentiated(expr: Any) -> Any:
    if isinstance(expr, Derivative):
        return sympy.diff(_differentiated(expr.expr), *expr.variables)
    return expr.func(*map(_differentiated, expr.args)) if expr.has(Derivative) else expr
