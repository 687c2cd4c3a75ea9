"""What a certificate says of itself, and how those of several parts are joined."""

from dataclasses import FrozenInstanceError, replace

import pytest

from mlpc.verify import GRADES, Certificate, identity, matrix, prove_equal, sizes, together

n, k = sizes("n k")
U, V = matrix("U", n, k), matrix("V", k, n)
PROVED = Certificate(
    "a = b",
    "rewriting",
    "A",
    "all sizes",
    assumes=("A invertible",),
    uses=("product rule",),
    mutants=("sign",),
    second_opinion="10 rational draws at n=3 and n=2 (seed 20), 0 failures",
    seconds=1.0,
)


def test_it_is_false_exactly_when_something_remains():
    assert PROVED
    assert not replace(PROVED, residual="a - b")


def test_it_is_frozen():
    with pytest.raises(FrozenInstanceError):
        PROVED.grade = "B"


def test_an_unknown_grade_is_refused():
    with pytest.raises(ValueError, match="A, B, C, D, E, but is 'F'"):
        replace(PROVED, grade="F")


@pytest.mark.parametrize("grade", "DE")
def test_a_weak_grade_needs_a_reason(grade):
    with pytest.raises(ValueError, match="needs a reason"):
        replace(PROVED, grade=grade)
    assert replace(PROVED, grade=grade, reason="an integral")


def test_as_text_it_has_a_line_each_for_claim_grade_grounds_and_second_opinion():
    assert str(PROVED).splitlines() == [
        "a = b",
        f"grade A ({GRADES['A']}), all sizes: rewriting",
        "assumes A invertible; uses product rule; refuted sign",
        PROVED.second_opinion,
    ]


def test_as_text_it_leaves_out_what_is_empty():
    bare = replace(PROVED, assumes=(), uses=(), mutants=(), second_opinion="", grade="E", reason="a definition")
    assert str(bare).splitlines()[1:] == [f"grade E ({GRADES['E']}), all sizes: rewriting", "a definition"]


@pytest.mark.parametrize("residual", ["a - b", "not proved: a - b"])
def test_as_text_a_failure_says_why(residual):
    assert str(replace(PROVED, residual=residual)) == "a = b\nnot proved: a - b"


def test_a_wrong_sign_is_told_with_the_draw_and_with_what_remained():
    wrong = prove_equal((identity(n) + U @ V).inv @ U, U @ (identity(k) - V @ U).inv)
    assert not wrong
    assert "contradicted by draw 1 at k=3, n=2" in str(wrong)
    assert "what remained: " in str(wrong)


def test_parts_together_have_the_weakest_grade_and_all_that_they_rest_on():
    other = replace(PROVED, claim="c = d", grade="B", scope="n=3", assumes=("B invertible",), mutants=("order",))
    joint = together(PROVED, other)
    assert (joint.grade, joint.claim) == ("B", r"a = b,\quad c = d")
    assert joint.assumes == ("A invertible", "B invertible")
    assert joint.mutants == ("sign", "order")
    assert joint.seconds == 2.0
    assert joint


def test_one_part_that_is_not_proved_makes_the_whole_so():
    assert not together(PROVED, replace(PROVED, residual="a - b"))
