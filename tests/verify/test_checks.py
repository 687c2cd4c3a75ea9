"""Checks on exact and floating-point draws refuse what is false, and say what they rest on."""

import numpy as np
import pytest

from mlpc.verify.certificate import Certificate
from mlpc.verify.checks import check_exact, check_float, stated
from mlpc.verify.entries import stacked

SHAPES = {"A": "n n", "U": "n k", "V": "k n"}
SIZES = [{"n": 3, "k": 2}, {"n": 2, "k": 3}]


def inverse(A, U, V):
    return (A + U @ V).inv


def woodbury(A, U, V, sign=1):
    S = V.one + V @ A.inv @ U
    step = A.inv @ U @ S.inv @ V @ A.inv
    return A.inv - step if sign > 0 else A.inv + step


def plus(A, U, V):
    return woodbury(A, U, V, sign=-1)


def test_exact_draws_have_grade_c_and_a_bound():
    certificate = check_exact(inverse, woodbury, SHAPES, sizes=SIZES, mutants={"plus": plus}, seeds=(0, 7))
    assert certificate
    assert certificate.grade == "C"
    assert certificate.scope == "n=3, k=2; n=2, k=3"
    assert "20 draws of integers up to 1000000 (seed 0, 7), 0 failures" in certificate.second_opinion
    assert "degree" in certificate.second_opinion
    assert certificate.mutants == ("plus",)


def test_the_degree_is_that_of_the_polynomials_compared():
    certificate = check_exact(
        lambda A, B: (A @ B).det,
        lambda A, B: A.det * B.det,
        {"A": "n n", "B": "n n"},
        sizes=[{"n": 3}],
        mutants={"sum": lambda A, B: A.det + B.det},
    )
    assert "degree 6" in certificate.second_opinion
    assert "below 1e-27" in certificate.second_opinion  # (6 / 2000001)**5


def test_symbols_for_all_entries_give_grade_b():
    certificate = check_exact(
        inverse, woodbury, SHAPES, sizes=SIZES, symbolic=[{"n": 2, "k": 1}], mutants={"plus": plus}, claim="W"
    )
    assert certificate
    assert (certificate.grade, certificate.scope, certificate.claim) == ("B", "n=2, k=1", "W")


def test_what_is_false_is_refused_by_draws_and_by_symbols():
    for symbolic in ([], [{"n": 2, "k": 1}]):
        certificate = check_exact(inverse, plus, SHAPES, sizes=SIZES, symbolic=symbolic, mutants={})
        assert not certificate
        assert certificate.mutants == ()
        assert "false" in certificate.residual


def test_a_wrong_variant_that_is_true_is_named():
    certificate = check_exact(inverse, woodbury, SHAPES, sizes=SIZES, mutants={"the same": woodbury, "plus": plus})
    assert not certificate
    assert "the same" in certificate.residual
    assert "plus" not in certificate.residual


def test_an_inverse_that_cannot_exist_is_refused():
    certificate = check_exact(lambda u: (u @ u.T).inv, lambda u: u @ u.T, {"u": "n 1"}, sizes=[{"n": 2}], mutants={})
    assert not certificate
    assert "hypotheses cannot be met" in certificate.residual


def test_a_symmetric_matrix_is_one():
    certificate = check_exact(
        lambda K: K.T, lambda K: K, {"K": "n n symmetric"}, sizes=[{"n": 3}], mutants={"-K": lambda K: -K}
    )
    assert certificate
    assert not check_exact(lambda K: K.T, lambda K: K, {"K": "n n"}, sizes=[{"n": 3}], mutants={})


def test_several_parts_and_other_shapes():
    certificate = check_exact(
        lambda A: [A.T, stacked([[A], [A]]).T @ stacked([[A], [A]])],
        lambda A: [A.T, 2 * (A.T @ A)],
        {"A": "n k"},
        sizes=[{"n": 3, "k": 2}],
        mutants={"no 2": lambda A: [A.T, A.T @ A]},
    )
    assert certificate
    with pytest.raises(ValueError, match="shapes"):
        check_exact(lambda A: A, lambda A: A.T, {"A": "n k"}, sizes=[{"n": 3, "k": 2}], mutants={})


def numbers(rng):
    return {"x": rng.normal(size=4)}


def test_floating_point_draws_have_grade_d_and_say_how_near():
    certificate = check_float(
        lambda x: np.cos(x) ** 2 + np.sin(x) ** 2,
        lambda x: np.ones_like(x),
        numbers,
        tolerance=1e-12,
        reason="an example",
        mutants={"difference": lambda x: np.cos(x) ** 2 - np.sin(x) ** 2},
        seeds=(0, 1),
    )
    assert certificate
    assert certificate.grade == "D"
    assert "40 draws (seed 0, 1): largest error" in certificate.scope
    assert certificate.reason == "an example"


@pytest.mark.parametrize("wrong", [lambda x: x + 1e-6, lambda x: np.full_like(x, np.nan), lambda x: x * np.inf])
def test_an_error_above_the_tolerance_is_refused(wrong):
    certificate = check_float(lambda x: x, wrong, numbers, tolerance=1e-9, reason="an example", mutants={})
    assert not certificate
    assert "above 1e-09" in certificate.residual


def test_a_wrong_variant_within_the_tolerance_is_named():
    certificate = check_float(
        lambda x: x, lambda x: x, numbers, tolerance=1e-3, reason="an example", mutants={"near": lambda x: x + 1e-3}
    )
    assert not certificate
    assert "near" in certificate.residual


def test_sides_of_other_shapes_are_an_error():
    with pytest.raises(ValueError, match=r"\(4,\) and \(\)"):
        check_float(lambda x: x, lambda x: x.sum(), numbers, tolerance=1, reason="an example", mutants={})


def test_a_statement_has_grade_e_and_a_reason():
    definition, theorem = stated("a := b", reason="a definition"), stated("c", reason="deep", reference="Feller, VII.7")
    assert (definition.grade, definition.method) == ("E", "definition")
    assert (theorem.method, theorem.reason) == ("cited theorem", "deep (Feller, VII.7)")
    with pytest.raises(ValueError, match="reason"):
        stated("a", reason="")


def test_a_definition_stands_or_falls_with_its_computation():
    assert stated("a", reason="a definition", computed=lambda: True).second_opinion
    assert not stated("a", reason="a definition", computed=lambda: False)
    proof = Certificate("b", "m", "C", "n=2", mutants=("wrong",), second_opinion="5 draws")
    certificate = stated("a", reason="a definition", computed=proof)
    assert (certificate.grade, certificate.mutants) == ("E", ("wrong",))
    assert not stated("a", reason="a definition", computed=Certificate("b", "m", "C", "n=2", residual="no"))
