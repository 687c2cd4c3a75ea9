"""Draws satisfy relations between letters."""

import random

import pytest

from mlpc.verify import arithmetic
from mlpc.verify.arithmetic import Singular
from mlpc.verify.constraints import Draw, Impossible
from mlpc.verify.expressions import Relation, equal, identity, matrix, scalar, sizes, trace, vector, zeros

n, k = sizes("n k")
A, B, C, P = matrix("A", n), matrix("B", n), matrix("C", n), matrix("P", n, n, "positive")
M, U = matrix("M", n, n, "symmetric"), matrix("U", n, k)
x, b, c = vector("x", n), vector("b", n), scalar("c")

RELATIONS = {
    "definition": [equal(C, A @ B + B)],
    "chain of definitions": [equal(C, A @ B), equal(B, P @ A)],
    "scalar definition": [equal(c, trace(A))],
    "commuting": [equal(A @ B, B @ A)],
    "commuting and symmetric": [equal(M @ P, P @ M)],
    "projector": [equal(A @ A, A)],
    "power": [equal(A**2, A)],
    "symmetric projector": [equal(M @ M, M)],
    "involution": [equal(A @ A, identity(n))],
    "orthonormal columns": [equal(U.T @ U, identity(k))],
    "unit vector": [equal(x.T @ x, 1)],
    "skew": [equal(A.T, -A)],
    "linear system": [equal(A @ x, b)],
    "lyapunov": [equal(M, A @ M @ A.T + C)],
    "eigenvector": [equal(A @ x, c * x)],
    "symmetric product": [Relation("symmetric", (A @ B,))],
    "no divisors": [equal(A @ B, zeros(n, n)), Relation("invertible", (A,))],
    "two equations for one letter": [equal(A @ x, b), equal(A @ b, x)],
    "traceless": [equal(trace(A), 0)],
    "Cholesky": [equal(A @ A.T, P)],
    "Gram matrix": [equal(A.T @ A, P)],
    "symmetric root": [equal(M @ M, P)],
    "root, and what it is used for": [equal(A @ A.T, P), equal(B @ A.T, C)],
    "scalar": [equal(c, 2 * scalar("d"))],
}


@pytest.mark.parametrize("relations", RELATIONS.values(), ids=RELATIONS.keys())
@pytest.mark.parametrize("seed", range(3))
def test_relations_hold_in_every_draw(relations, seed):
    draw = Draw({n: 3, k: 2}, relations, random.Random(seed))
    assert all(draw.satisfies(relation) for relation in relations if relation.kind == "equal")


POSITIVE = {
    "root of a difference": [equal(A @ A.T + B @ B.T, P), equal(B @ x, 0 * x)],
    "both sides": [equal(P, A @ P @ A.T + matrix("Q", n, n, "positive"))],
}


@pytest.mark.parametrize("relations", POSITIVE.values(), ids=POSITIVE.keys())
def test_small_numbers_leave_differences_positive(relations):
    draw = Draw({n: 3}, relations, random.Random(0), digits=2)
    assert all(draw.satisfies(relation) for relation in relations)
    assert arithmetic.is_positive(draw.letter(P))


def test_signs_are_checked():
    with pytest.raises(Singular, match="zero"):
        Draw({}, [equal(c, 0), Relation("nonzero", (c,))], random.Random(0))
    with pytest.raises(Singular, match="positive"):
        Draw({}, [equal(scalar("e", "positive"), -1)], random.Random(0))
    with pytest.raises(Singular, match="declared"):
        Draw({n: 2}, [equal(P, -identity(n))], random.Random(0))


def test_solutions_are_not_special():
    draw = Draw({n: 3}, [equal(A @ B, B @ A)], random.Random(0))
    both = [draw.letter(letter) for letter in (A, B)]
    for matrix_ in both:
        assert arithmetic.determinant(matrix_) != 0
        assert matrix_ != arithmetic.scale(matrix_[0][0], arithmetic.identity(3))


def test_what_is_declared_invertible_is():
    draw = Draw({n: 2}, RELATIONS["no divisors"], random.Random(0))
    assert arithmetic.determinant(draw.letter(A)) != 0
    assert draw.letter(B) == arithmetic.zeros(2, 2)


@pytest.mark.parametrize(
    "relations",
    [
        [equal(A, A + identity(n))],
        [equal(A @ B, identity(n)), equal(A @ B, 2 * identity(n))],
        [equal(U @ U.T, identity(n)), equal(U.T @ U, identity(k))],
    ],
)
def test_what_contradicts_itself_is_impossible(relations):
    with pytest.raises((Impossible, Singular)):
        Draw({n: 3, k: 2}, relations, random.Random(0))
