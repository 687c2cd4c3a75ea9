"""Reading expressions under assumptions."""

import pytest

from mlpc.verify.expressions import Relation, block, det, equal, identity, log, matrix, nonzero, scalar, sizes, vector
from mlpc.verify.reading import Reader

n, k = sizes("n k")
A, B, U = matrix("A", n), matrix("B", n), matrix("U", n, k)
x, c = vector("x", n), scalar("c")


def zero(reader, expression):
    return reader.rules.reduce(reader.poly(expression)).is_zero


def test_properties_hold_whether_declared_or_assumed():
    declared = matrix("P", n, n, "symmetric")
    assert zero(Reader([]), declared - declared.T)
    assert zero(Reader([Relation("symmetric", (A,))]), A - A.T)
    assert not zero(Reader([]), A - A.T)
    W = matrix("W", n, n, "orthogonal")
    assert zero(Reader([]), W.T @ W - identity(n))
    assert zero(Reader([]), W.inv - W.T)


def test_assumptions_about_expressions():
    reader = Reader([Relation("symmetric", (A @ B,))])
    assert zero(reader, A @ B - B.T @ A.T)
    assert any("symmetric" in hypothesis for hypothesis in reader.hypotheses)
    assert zero(Reader([equal(A @ A, A)]), A**3 - A)


def test_diagonal_letters_commute_with_each_other_only():
    D, E = matrix("D", n, n, "diagonal"), matrix("E", n, n, "diagonal")
    reader = Reader([])
    assert zero(reader, D @ E - E @ D)
    assert not zero(reader, D @ A - A @ D)


def test_hypotheses_are_collected():
    reader = Reader([nonzero(c)])
    reader.read(log(det(A)) * A.inv / (x.T @ x))
    assert {"c ≠ 0", "A invertible", "det(A) > 0", "x^T @ x ≠ 0"} <= set(reader.hypotheses)


def test_what_is_assumed_about_the_free_letter_waits():
    P = matrix("P", n, n, "symmetric")
    reader = Reader([], free=P)
    before = reader.poly(P - P.T)
    assert not reader.rules.reduce(before).is_zero
    reader.impose()
    assert reader.rules.reduce(before).is_zero


def test_powers():
    reader = Reader([])
    assert zero(reader, A**3 - A @ A @ A)
    assert zero(reader, A**-2 @ A**2 - identity(n))
    assert zero(reader, A**0 - identity(n))


def test_division_by_zero():
    with pytest.raises(ZeroDivisionError):
        Reader([]).read(A / (c - c))
    with pytest.raises(ZeroDivisionError):
        Reader([]).read((A - A).inv)


def test_blocks_are_no_polynomial():
    with pytest.raises(ValueError, match="cut into blocks"):
        Reader([]).poly(block([[A, U]]))
