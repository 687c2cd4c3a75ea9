"""Rules and their completion."""

import time

import pytest

from mlpc.verify.expressions import sizes
from mlpc.verify.field import Scalar
from mlpc.verify.polynomials import Atom
from mlpc.verify.rewriting import Rewriter, TimeOut
from mlpc.verify.words import Letter, Poly

n, k = sizes("n k")
A, B, S, T = (Poly.letter(Letter(name, n, n)) for name in "ABST")
one = Poly.identity(n)


def test_rules_reduce_words_and_the_scalars_around_them():
    rules = Rewriter()
    rules.learn([S @ A - one, A @ S - one])
    assert rules.reduce(S @ A @ B).equals(B)
    assert (rules.reduce(B * (S @ A @ B).trace()) - B * B.trace()).is_zero


def test_a_trace_is_reduced_around_the_corner():
    rules = Rewriter()
    rules.learn([S @ A - one])
    assert (rules.value((A @ B @ S).trace()) - B.trace()).is_zero


def test_completion_finds_that_inverses_are_unique():
    rules = Rewriter()
    rules.learn([S @ A - one, A @ T - one])
    assert rules.complete()
    assert rules.reduce(S - T).is_zero


def test_interreduction_leaves_no_rule_inside_another():
    rules = Rewriter()
    rules.learn([A @ B @ S - T, A @ B - one])
    lefts = [left for left, _ in rules.rules]
    assert not any(a != b and any(a[i : i + len(b)] == b for i in range(len(a))) for a in lefts for b in lefts)
    assert rules.reduce(S - T).is_zero


def test_a_contradiction_is_noticed():
    rules = Rewriter()
    rules.learn([A @ B - one, A @ B - one * Scalar.of(2)])
    assert rules.contradiction


def test_scalar_relations_are_solved():
    rules = Rewriter()
    c = Scalar.atom(Atom("symbol", "c"))
    rules.learn([Poly.scalar(A.trace() * c - 1)])
    assert (rules.value(A.trace()) - 1 / c).is_zero
    assert rules.pivots


def test_what_is_divided_by_is_remembered():
    rules = Rewriter()
    c = Scalar.atom(Atom("symbol", "c"))
    rules.learn([A - B * c])
    assert rules.pivots


def test_the_deadline_stops_it():
    rules = Rewriter(deadline=time.thread_time() - 1)
    with pytest.raises(TimeOut):
        rules.reduce(A)
