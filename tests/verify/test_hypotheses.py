"""Assumptions are read as definitions, known sums, relations and signs, and refused when they contradict."""

import pytest
from sympy import Eq, Function, IndexedBase, Ne, Q, S, Sum, symbols

from mlpc.verify.hypotheses import hypotheses
from mlpc.verify.quotients import UnreadableError, quotient

K, N = symbols("K N", integer=True, positive=True)
i, j, k = symbols("i j k", integer=True, positive=True)
a, b, t = symbols("a b t", real=True)
s = symbols("s", positive=True)
q, p, r = (IndexedBase(name, positive=True) for name in "qpr")
P = Function("P", positive=True)


def same(given, one, other):
    return quotient(given.reading.normal(given.put_in(one)) - given.reading.normal(given.put_in(other))).is_zero


def test_a_known_sum_is_a_rule_on_either_side():
    for equation in (Eq(Sum(q[k], (k, 1, K)), 1), Eq(1, Sum(q[j], (j, 1, K))), Eq(2 * Sum(q[k], (k, 1, K)), 2)):
        given = hypotheses([equation])
        assert same(given, Sum(3 * q[i], (i, 1, K)), S(3))
        assert not given.relations


def test_a_free_index_means_all():
    given = hypotheses([Eq(Sum(r[i, k], (k, 1, K)), q[i])])
    assert same(given, Sum(r[j, k] * p[j], (k, 1, K), (j, 1, N)), Sum(p[j] * q[j], (j, 1, N)))
    assert given.texts == ("Sum(r[i, k], (k, 1, K)) = q[i] for all i",)


def test_a_function_that_sums_to_one_does_so_for_all_arguments():
    given = hypotheses([Eq(Sum(P(k, t), (k, 1, K)), 1)])
    assert same(given, Sum(P(k, a).diff(a), (k, 1, K)), S(0))
    assert same(given, Sum(P(k, t).diff(t, 2), (k, 1, K)), S(0))


def test_a_definition_is_put_in_with_its_sign():
    given = hypotheses([Eq(s, a - b)])
    assert given.put_in(s**2) == (a - b) ** 2
    assert given.conditions.positive == (a - b,)
    assert given.reading.sign(2 * a - 2 * b) == 1


def test_an_indexed_definition_holds_for_all_indices_and_captures_none():
    given = hypotheses([Eq(r[i, k], q[k] * Sum(p[j], (j, 1, K)))])
    assert same(given, Sum(r[i, j], (j, 1, K)), Sum(q[j], (j, 1, K)) * Sum(p[k], (k, 1, K)))


def test_other_equations_are_relations():
    given = hypotheses([Eq(a**2 + b**2, 1), Eq(a * b, t)])
    assert len(given.relations) == 2
    assert [every for _, every in given.conditions.equations] == [(), ()]


def test_inequalities_and_predicates_are_signs():
    given = hypotheses([a > b, b < 3, Q.positive(t), Q.negative(b), Q.nonzero(a), Ne(t, 1)])
    assert len(given.conditions.positive) == 4
    assert len(given.conditions.nonzero) == 2
    assert "t != 1" in given.texts


@pytest.mark.parametrize(
    "assumptions",
    [
        [S.false],
        [Eq(s, -1)],
        [Eq(Sum(q[k], (k, 1, K)), 1), Eq(Sum(q[k], (k, 1, K)), 2)],
        [Eq(a, b), Ne(a, b)],
        [Eq(a, 1), Eq(a, 2)],
    ],
)
def test_a_contradiction_as_read_is_refused(assumptions):
    with pytest.raises(UnreadableError):
        hypotheses(assumptions)


@pytest.mark.parametrize("wrong", [a >= b, a, "a = b", Q.integer(a)])
def test_what_is_not_understood_is_an_error_that_says_what_is(wrong):
    with pytest.raises(ValueError, match=r"not understood.*sympy\.Eq"):
        hypotheses([wrong])


def test_what_is_true_as_read_is_left_out():
    assert hypotheses([S.true]).texts == ()
