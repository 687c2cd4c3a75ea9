"""Polynomials in atoms, against SymPy."""

import sympy

from mlpc.verify.polynomials import UNIT, Atom, add, derived, divided, factored, quotient_and_rest, text, times

a, b = (frozenset({(Atom("symbol", name), 1)}) for name in "ab")
a2 = frozenset({(Atom("symbol", "a"), 2)})
plus = {a: sympy.Rational(1), b: sympy.Rational(1)}
minus = {a: sympy.Rational(1), b: sympy.Rational(-1)}


def of_sympy(p):
    return sum(
        (c * sympy.prod([sympy.Symbol(atom.of) ** e for atom, e in monomial]) for monomial, c in p.items()), sympy.S(0)
    )


def test_sums_and_products_are_those_of_sympy():
    x, y = of_sympy(plus), of_sympy(minus)
    assert of_sympy(add(plus, minus)) == sympy.expand(x + y)
    assert of_sympy(times(plus, minus)) == sympy.expand(x * y)
    assert not add(plus, {m: -c for m, c in plus.items()})
    assert of_sympy(derived(times(plus, plus), Atom("symbol", "a"))) == sympy.expand(sympy.diff((x) ** 2, "a"))


def test_division_is_exact_or_none():
    assert divided(times(plus, minus), plus) == minus
    assert divided(add(times(plus, minus), {UNIT: sympy.Rational(1)}), plus) is None
    assert divided({a2: sympy.Rational(3)}, {a: sympy.Rational(1)}) == {a: 3}


def test_division_with_a_rest():
    quotient, rest = quotient_and_rest(add(times(plus, minus), {b: sympy.Rational(5)}), plus)
    assert add(times(quotient, plus), rest) == add(times(plus, minus), {b: 5})


def test_common_factors_are_taken_out():
    number, factors = factored(times({a: sympy.Rational(6)}, plus))
    assert abs(number) == 6
    assert len(factors) == 2


def test_text():
    assert text({a2: 1, UNIT: -2}) in ("-2 + a^2", "a^2 - 2")
    assert text({}) == "0"
