"""Sums over data."""

import pytest

from mlpc.verify.expressions import exp, family, index, matrix, sizes, total, trace, vector
from mlpc.verify.reading import Reader
from mlpc.verify.sums import poly_indices

n, N = sizes("n N")
A, a, b = matrix("A", n), vector("a", n), vector("b", n)
x, y, w = family("x", n), family("y", n), family("w", 1)
i, j = index("i"), index("j")


def over(summand, index=i):
    return total(summand, index, N)


EQUAL = {
    "constant": (over(A), N * A),
    "linear": (over(2 * x[i] - y[i]), 2 * over(x[i]) - over(y[i])),
    "pulled out": (over(A @ x[i] @ y[i].T @ A.T), A @ over(x[i] @ y[i].T) @ A.T),
    "another name": (over(x[i]), over(x[j], j)),
    "transposed": (over(x[i] @ y[i].T).T, over(y[i] @ x[i].T)),
    "form": (over(x[i].T @ A @ x[i]), trace(A @ over(x[i] @ x[i].T))),
    "bilinear": (over((a.T @ x[i]) * (y[i].T @ b)), a.T @ over(x[i] @ y[i].T) @ b),
    "square": (over((a.T @ x[i]) ** 2), a.T @ over(x[i] @ x[i].T) @ a),
    "linear form": (over((x[i].T @ a) * y[i]), over(y[i] @ x[i].T) @ a),
    "weights": (over(w[i] * (x[i].T @ a) * x[i]), over(w[i] * x[i] @ x[i].T) @ a),
    "double": (over(over(x[i] @ x[j].T, j)), over(x[i]) @ over(x[j], j).T),
    "fraction": (over(exp(w[i]) / (1 + exp(w[i])) * x[i]), over(x[i]) - over(x[i] / (1 + exp(w[i])))),
}


@pytest.mark.parametrize(("left", "right"), EQUAL.values(), ids=EQUAL.keys())
def test_equal_sums_have_one_form(left, right):
    reader = Reader([])
    assert reader.rules.reduce(reader.poly(left) - reader.poly(right)).is_zero


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (over(x[i] @ x[i].T), over(x[i]) @ over(x[i]).T),
        (over(w[i] * x[i]), over(w[i]) * over(x[i])),
        (over(x[i]), over(y[i])),
        (over(A), A),
        (over(w[i] ** 2), over(w[i]) ** 2),
        (over(x[i] @ y[i].T), over(y[i] @ x[i].T)),
    ],
)
def test_different_sums_stay_different(left, right):
    reader = Reader([])
    assert not reader.rules.reduce(reader.poly(left) - reader.poly(right)).is_zero


def test_a_sum_is_free_of_its_index():
    reader = Reader([])
    assert poly_indices(reader.poly(x[i] @ x[j].T)) == {i, j}
    assert poly_indices(reader.poly(over(x[i] @ x[j].T))) == {j}
