"""Draws satisfy the assumptions exactly, at different sizes, or there are none."""

from fractions import Fraction
from itertools import islice

import pytest
from sympy import Derivative, Function, IndexedBase, Sum, log, symbols

from mlpc.verify.trials import Conditions, NoDrawError, sizes_of, trials
from mlpc.verify.values import UndefinedError, is_zero

K, N = symbols("K N", integer=True, positive=True)
i, j, k = symbols("i j k", integer=True, positive=True)
a, b, t = symbols("a b t", real=True)
s, v = symbols("s v", positive=True)
q, r = IndexedBase("q", positive=True), IndexedBase("r", positive=True)
counts = IndexedBase("n", integer=True, positive=True)
F, P = Function("F", real=True), Function("P", positive=True)


def some(expr, count=6, **conditions):
    return list(islice(trials([expr], Conditions(**conditions)), count))


def test_sizes_are_the_symbols_in_limits():
    assert sizes_of([Sum(q[k], (k, 1, K)) + Sum(r[i, k], (i, 1, N - 1), (k, 1, i)), a]) == [K, N]


def test_sizes_differ_and_indices_lie_within():
    draws = some(Sum(r[i, k] * q[j], (i, 1, N), (k, 1, K)))
    assert all(draw.integers[K] != draw.integers[N] for draw in draws)
    assert all(1 <= draw.integers[j] <= min(draw.integers[K], draw.integers[N]) for draw in draws)
    assert len({draw.integers[K] for draw in draws}) > 1


def test_weights_sum_to_one():
    total = Sum(q[k], (k, 1, K))
    for draw in some(total, equations=((total - 1, ()),)):
        assert draw.value(total) == 1
        assert all(draw.value(q[n]) > 0 for n in range(1, int(draw.integers[K]) + 1))


def test_rows_sum_to_one():
    rows = Sum(r[i, k], (k, 1, K))
    total = Sum(r[i, k], (k, 1, K), (i, 1, N))
    draws = some(total, equations=((rows - 1, (i,)),))
    assert draws
    assert all(draw.value(total) == draw.integers[N] for draw in draws)


def test_functions_sum_to_one_for_all_arguments():
    total = Sum(F(k, t), (k, 1, K))
    for draw in some(total, equations=((total - 1, (t,)),)):
        assert draw.value(total) == 1
        assert draw.value(total.xreplace({t: a})) == 1
        assert draw.value(Sum(Derivative(F(k, t), t), (k, 1, K))) == 0


def test_a_positive_function_is_positive_or_the_draw_does_not_count():
    total = Sum(P(k, t), (k, 1, K))
    signs = set()
    for draw in some(total, count=40, equations=((total - 1, (t,)),)):
        try:
            signs |= {draw.value(P(n, t)) > 0 for n in range(1, int(draw.integers[K]) + 1)}
            assert draw.value(Derivative(P(k, t).subs(k, 1), t) + P(2, t)) is not None
        except UndefinedError:
            continue
    assert signs == {True}


def test_equations_that_share_unknowns_hold_together():
    equations = ((a + b + t - 3, ()), (a - b, ()), (a * t - s, ()))
    draws = some(a + b + t + s, equations=equations)
    assert draws
    for draw in draws:
        assert all(is_zero(draw, equation) for equation, _ in equations)


def test_quadratic_equations_are_solved_by_roots():
    draws = some(a + b, equations=((a**2 + b**2 - 1, ()),))
    assert draws
    assert all(is_zero(draw, a**2 + b**2 - 1) for draw in draws)


def test_signs_hold():
    for draw in some(a + b, positive=(a - b, b), nonzero=(a - 1,)):
        assert draw.value(a) > draw.value(b) > 0


def test_counts_are_whole_numbers():
    (draw, *_) = some(Sum(counts[k] * log(2), (k, 1, K)))
    draw.value(Sum(counts[k], (k, 1, K)))
    assert all(Fraction(value).denominator == 1 for value in draw.numbers.values())


@pytest.mark.parametrize(
    "conditions",
    [
        {"equations": ((Sum(q[k], (k, 1, K)) - 1, ()), (Sum(q[k], (k, 1, K)) - 2, ()))},
        {"equations": ((s + v + 1, ()),)},
        {"positive": (a - b, b - a)},
        {"equations": ((a * b, ()),), "nonzero": (a, b)},
        {"equations": ((a**2 + 1, ()),)},
    ],
)
def test_what_cannot_be_met_has_no_draws(conditions):
    with pytest.raises(NoDrawError, match="contradict"):
        some(a + b + s + v, **conditions)


def test_the_draws_can_be_repeated():
    one, other = (some(a * s, count=3) for _ in range(2))
    assert [draw.value(a * s) for draw in one] == [draw.value(a * s) for draw in other]
