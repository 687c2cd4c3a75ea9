"""From a claim to its certificate: draws, proof, and what is said when one of them fails."""

import pytest

from mlpc.verify.claims import METHOD, Claim, certify, named
from mlpc.verify.expressions import equal, matrix, sizes

n = sizes("n")
A, B = matrix("A", n), matrix("B", n)


def claim(goal, holds=lambda draw: True, wrong=(), relations=()):
    return Claim("a = b", [A, B], list(relations), goal, holds, dict(wrong))


def zero(reader):
    return [reader.poly(A @ B - A @ B)]


def difference(reader):
    return [reader.poly(A @ B - B @ A)]


def test_proved():
    certificate = certify(claim(zero, wrong={"never": lambda draw: False}))
    assert certificate
    assert (certificate.grade, certificate.method, certificate.mutants) == ("A", METHOD, ("never",))


def test_a_draw_contradicts():
    certificate = certify(claim(difference, holds=lambda draw: False))
    assert certificate.residual.startswith("false: contradicted by draw 1 at n=3")
    assert "what remained: A B - B A = 0" in certificate.residual


def test_true_in_draws_but_not_proved():
    certificate = certify(claim(difference))
    assert certificate.residual.startswith("not proved: it holds in 10 draws; what remained: A B - B A")
    assert certificate.grade == "C"


def test_draws_and_proof_must_both_agree():
    certificate = certify(claim(zero, holds=lambda draw: False))
    assert not certificate
    assert "the rewriting does not see why" in certificate.residual


def test_a_wrong_variant_that_holds_is_named():
    assert "always" in certify(claim(zero, wrong={"always": lambda draw: True})).residual


def test_hypotheses_that_cannot_be_met():
    certificate = certify(claim(zero, relations=[equal(A, A + B @ B.inv)]))
    assert "no draw satisfies the hypotheses" in certificate.residual


def test_a_claim_without_any_value_is_not_proved():
    def undefined(draw):
        raise ZeroDivisionError

    assert not certify(claim(zero, holds=undefined))


@pytest.mark.parametrize("limit", [0.0])
def test_time_is_up(monkeypatch, limit):
    monkeypatch.setattr("mlpc.verify.claims.LIMIT", limit)
    assert not certify(claim(difference))


def test_mutants_have_names():
    assert named([A, B]) == {"variant 1": A, "variant 2": B}
    assert named({"sign": A}) == {"sign": A}


def test_what_does_not_look_at_the_clock_is_stopped_too(monkeypatch):
    monkeypatch.setattr("mlpc.verify.claims.LIMIT", 0.05)

    def endless(reader):
        while True:
            pass

    assert "time is over" in certify(claim(endless)).residual
