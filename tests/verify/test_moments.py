"""Expectations, against moments known in closed form."""

import pytest

from mlpc.verify.expressions import exp, expectation, matrix, scalar, sizes, trace, vector, zeros
from mlpc.verify.reading import Reader

n, k = sizes("n k")
A, B, P = matrix("A", n), matrix("B", n), matrix("P", n, n, "positive")
x, a, mu, y = vector("x", n), vector("a", n), vector("mu", n), vector("y", k)
R, G = matrix("R", k, k, "positive"), matrix("G", n, k)


def mean(value, center=mu):
    return expectation(value, {x: (center, P)})


EQUAL = {
    "constant": (mean(A), A),
    "linear": (mean(A @ x + a), A @ mu + a),
    "second moment": (mean(x @ x.T), P + mu @ mu.T),
    "form": (mean(x.T @ A @ x), trace(A @ P) + mu.T @ A @ mu),
    "two forms, scalar": (mean((a.T @ x) ** 2), a.T @ P @ a + (a.T @ mu) ** 2),
    "third": (mean((a.T @ x) ** 3, zeros(n)), 0 * (a.T @ a)),
    "third, shifted": (mean((a.T @ x) ** 3), (a.T @ mu) ** 3 + 3 * (a.T @ mu) * (a.T @ P @ a)),
    "fourth": (mean((a.T @ x) ** 4, zeros(n)), 3 * (a.T @ P @ a) ** 2),
    "quartic matrix": (mean(x @ x.T @ x @ x.T, zeros(n)), 2 * P @ P + trace(P) * P),
    "quartic form": (
        mean((x.T @ A @ x) * (x.T @ B @ x), zeros(n)),
        trace(A @ P) * trace(B @ P) + trace(A @ P @ (B + B.T) @ P),
    ),
    "trace": (mean(trace(A @ x @ x.T)), trace(A @ (P + mu @ mu.T))),
    "independent": (
        expectation((x + G @ y) @ (x + G @ y).T, {x: (zeros(n), P), y: (zeros(k), R)}),
        P + G @ R @ G.T,
    ),
}


@pytest.mark.parametrize(("left", "right"), EQUAL.values(), ids=EQUAL.keys())
def test_moments(left, right):
    reader = Reader([])
    assert reader.rules.reduce(reader.poly(left) - reader.poly(right)).is_zero


def test_degrees_above_two_suppose_a_gaussian():
    second, fourth = Reader([]), Reader([])
    second.read(mean(x @ x.T))
    fourth.read(mean((a.T @ x) ** 4))
    assert not any("Gaussian" in hypothesis for hypothesis in second.hypotheses)
    assert any("Gaussian" in hypothesis for hypothesis in fourth.hypotheses)


@pytest.mark.parametrize(
    "value",
    [exp(a.T @ x), 1 / (1 + x.T @ x), (P + x @ x.T).inv, (a.T @ x) ** 6],
)
def test_what_is_no_polynomial_of_low_degree_is_refused(value):
    with pytest.raises(ValueError, match="expectation"):
        Reader([]).read(mean(value))


def test_a_random_vector_is_a_letter():
    with pytest.raises(ValueError, match="not a vector letter"):
        Reader([]).read(expectation(A @ x, {A @ x: (mu, P)}))
    assert scalar("c").is_scalar
