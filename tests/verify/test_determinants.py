"""Determinants, against numbers."""

import pytest

from mlpc.verify.expressions import det, identity, matrix, scalar, sizes, vector
from mlpc.verify.reading import Reader

n, k = sizes("n k")
A, B, D, U, V = matrix("A", n), matrix("B", n), matrix("D", k), matrix("U", n, k), matrix("V", k, n)
u, v, c = vector("u", n), vector("v", n), scalar("c")
W = matrix("W", n, n, "orthogonal")

EQUAL = {
    "product": (det(A @ B), det(A) * det(B)),
    "inverse": (det(A.inv) * det(A), 1 + 0 * det(A)),
    "transpose": (det(A.T), det(A)),
    "scaled": (det(c * A @ B), c**n * det(A) * det(B)),
    "lemma": (det(A + u @ v.T), det(A) * (1 + v.T @ A.inv @ u)),
    "lemma, rank k": (det(A + U @ V), det(A) * det(identity(k) + V @ A.inv @ U)),
    "sylvester": (det(identity(n) - U @ V), det(identity(k) - V @ U)),
    "common factor": (det(A @ B + A @ A), det(A) * det(A + B)),
    "orthogonal": (det(W @ A @ W.T), det(A)),
    "sum": (det(A + B), det(B) * det(identity(n) + A @ B.inv)),
}


@pytest.mark.parametrize(("left", "right"), EQUAL.values(), ids=EQUAL.keys())
def test_equal_determinants_have_one_form(left, right):
    reader = Reader([])
    difference = reader.scalar(left) - reader.scalar(right)
    assert reader.rules.value(difference).is_zero


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (det(A + B), det(A) + det(B)),
        (det(W), 1 + 0 * det(A)),
        (det(c * A), c * det(A)),
        (det(identity(n) + U @ V), det(identity(k) - V @ U)),
        (det(A @ B + B @ A), det(A) * det(B) * 2**n),
    ],
)
def test_different_determinants_stay_different(left, right):
    reader = Reader([])
    assert not reader.rules.value(reader.scalar(left) - reader.scalar(right)).is_zero
