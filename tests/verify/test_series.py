"""Sums of symbolic length are split, shifted and merged, and known ones put in only where they stand."""

import pytest
import sympy
from sympy import IndexedBase, KroneckerDelta, Sum, symbols

from mlpc.verify.quotients import UnreadableError, quotient
from mlpc.verify.series import Rule, canonical
from mlpc.verify.terms import Reading

K, N = symbols("K N", integer=True, positive=True)
i, j, k = symbols("i j k", integer=True, positive=True)
lam = symbols("lambda", positive=True)
q, r, x = IndexedBase("q"), IndexedBase("r"), IndexedBase("x")


def same(one, other, rules=()):
    return quotient(Reading(rules=rules).normal(one - other)).is_zero


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Sum(q[k], (k, 1, K)), Sum(q[j], (j, 1, K))),
        (Sum(q[k] + 1, (k, 1, K)), Sum(q[k], (k, 1, K)) + K),
        (Sum(q[k], (k, 0, K)), q[0] + Sum(q[k], (k, 1, K))),
        (Sum(q[k], (k, 3, K)), Sum(q[k], (k, 1, K)) - q[1] - q[2]),
        (Sum(q[k], (k, 1, K + 2)), Sum(q[k], (k, 1, K)) + q[K + 1] + q[K + 2]),
        (Sum(q[k], (k, 1, K - 1)), Sum(q[k], (k, 1, K)) - q[K]),
        (Sum(q[k] - q[k + 1], (k, 1, 3)), q[1] - q[4]),
        (Sum(q[k], (k, 1, K)) ** 2, Sum(q[k] * q[j], (k, 1, K), (j, 1, K))),
        (Sum(x[i] * r[i, k], (i, 1, N), (k, 1, K)), Sum(x[i] * r[i, k], (k, 1, K), (i, 1, N))),
        (Sum(x[i] * q[k], (i, 1, N), (k, 1, K)), Sum(x[i], (i, 1, N)) * Sum(q[k], (k, 1, K))),
        (Sum(q[k] / (1 + q[k]), (k, 1, K)), K - Sum(1 / (1 + q[k]), (k, 1, K))),
        (Sum(q[k] / Sum(q[j], (j, 1, K)), (k, 1, K)), sympy.Integer(1)),
        (Sum(KroneckerDelta(j, k) * q[k], (k, 1, K)), q[j]),
        (Sum(KroneckerDelta(i, k) * r[i, k], (i, 1, K), (k, 1, K)), Sum(r[k, k], (k, 1, K))),
        (Sum(k**2, (k, 1, N)), N * (N + 1) * (2 * N + 1) / 6),
        (Sum(lam**k, (k, 1, N)), (lam - lam ** (N + 1)) / (1 - lam)),
        (Sum(Sum(q[j], (j, 1, k)), (k, 1, K)), Sum(Sum(q[i], (i, 1, j)), (j, 1, K))),
    ],
)
def test_sums_that_are_the_same(one, other):
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Sum(q[k], (k, 1, K)), Sum(q[k], (k, 1, N))),
        (Sum(q[k] ** 2, (k, 1, K)), Sum(q[k], (k, 1, K)) ** 2),
        (Sum(r[i, k], (k, 1, K)), Sum(r[k, i], (k, 1, K))),
        (Sum(q[k], (k, 1, K)) * q[k], Sum(q[k] ** 2, (k, 1, K))),
        (Sum(Sum(q[j], (j, 1, k)), (k, 1, K)), K * Sum(q[j], (j, 1, K))),
    ],
)
def test_sums_that_are_not(one, other):
    assert not same(one, other)


rows = Rule(Reading().normal(Sum(r[i, k], (k, 1, K))), sympy.Integer(1), (i,))


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (Sum(r[j, k], (k, 1, K)), 1),
        (Sum(r[3, k], (k, 1, K)), 1),
        (Sum(x[i] * r[i, k], (i, 1, N), (k, 1, K)), Sum(x[i], (i, 1, N))),
        (Sum(x[i] * r[i, k], (k, 1, K), (i, 1, N)), Sum(x[i], (i, 1, N))),
        (Sum(sympy.log(Sum(r[i, k], (k, 1, K)) + 1), (i, 1, N)), N * sympy.log(2)),
    ],
)
def test_a_known_sum_is_put_in(expr, value):
    assert same(expr, value, [rows])


@pytest.mark.parametrize("expr", [Sum(r[k, k], (k, 1, K)), Sum(r[k, i], (k, 1, K)), Sum(r[i, k], (k, 1, N))])
def test_another_sum_is_not_taken_for_it(expr):
    assert not same(expr, 1, [rows])


def test_a_delta_that_may_lie_outside_is_refused():
    with pytest.raises(UnreadableError, match="not known to lie"):
        Reading().normal(Sum(Sum(KroneckerDelta(i, k), (k, 1, K)), (i, 1, N)))


def test_a_free_delta_records_its_range():
    reading = Reading()
    reading.normal(Sum(KroneckerDelta(j, k) * q[k], (k, 1, K)))
    assert "1 <= j <= K" in reading.assumes


def test_very_long_sums_are_not_written_out():
    with pytest.raises(UnreadableError, match="at most"):
        Reading().normal(Sum(q[k], (k, 1, 1000)))


def test_the_names_of_indices_do_not_matter():
    one = canonical(q[i] * r[i, k], {i: (1, N), k: (1, K)})
    assert one == canonical(q[j] * r[j, i], {i: (1, K), j: (1, N)})
