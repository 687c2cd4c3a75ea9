"""The value of an expression for given matrices, against NumPy."""

import random
from fractions import Fraction

import numpy as np
import pytest
from sympy import pi

from mlpc.verify.arithmetic import Singular
from mlpc.verify.evaluation import evaluate, size
from mlpc.verify.expressions import (
    block,
    det,
    exp,
    expectation,
    family,
    identity,
    index,
    log,
    matrix,
    ones,
    scalar,
    sizes,
    sqrt,
    total,
    trace,
    unit,
    vector,
    zeros,
)
from mlpc.verify.sampling import Sample

n, k, N = sizes("n k N")
A, U, x, c = matrix("A", n), matrix("U", n, k), vector("x", n), scalar("c", "positive")
P = matrix("P", n, n, "positive")
data, weight, i, j = family("x", n), family("w", 1), index("i"), index("j")


@pytest.fixture
def sample():
    return Sample({n: 3, k: 2, N: 4}, random.Random(0))


def number(expression, sample):
    return np.array([[float(entry) for entry in row] for row in evaluate(expression, sample)])


def test_matrices(sample):
    a, u, v = (number(letter, sample) for letter in (A, U, x))
    cases = {
        A @ U: a @ u,
        A - 2 * A.T: a - 2 * a.T,
        A.inv: np.linalg.inv(a),
        A**-2: np.linalg.matrix_power(a, -2),
        A**0: np.eye(3),
        U / (x.T @ x): u / (v.T @ v),
        block([[A, U], [U.T, identity(k)]]): np.block([[a, u], [u.T, np.eye(2)]]),
        ones(n) @ unit(k, 1).T: np.ones((3, 1)) @ np.array([[0.0, 1.0]]),
        zeros(n, k): np.zeros((3, 2)),
    }
    for expression, expected in cases.items():
        np.testing.assert_allclose(number(expression, sample), expected, rtol=1e-10, err_msg=str(expression))


def test_scalars(sample):
    a, p, s = number(A, sample), number(P, sample), number(c, sample).item()
    cases = {
        trace(A): np.trace(a),
        det(A): np.linalg.det(a),
        log(det(P)): np.linalg.slogdet(p)[1],
        sqrt(c): s**0.5,
        exp(-c): np.exp(-s),
        c**n: s**3,
        (2 * pi) ** (-n / 2) * c: (2 * np.pi) ** -1.5 * s,
        n * c: 3 * s,
    }
    for expression, expected in cases.items():
        assert number(expression, sample).item() == pytest.approx(expected), expression


def test_sums_run_over_the_data(sample):
    columns = [sample.letter(data[i], (place,)) for place in range(1, 5)]
    stacked = np.array([[float(row[0]) for row in column] for column in columns])
    np.testing.assert_allclose(number(total(data[i] @ data[i].T, i, N), sample), stacked.T @ stacked)
    double = total(total((data[i] - data[j]).T @ (data[i] - data[j]), j, N), i, N)
    expected = sum(((one - other) ** 2).sum() for one in stacked for other in stacked)
    assert number(double, sample).item() == pytest.approx(expected)
    assert len({tuple(map(tuple, column)) for column in columns}) == 4


def test_an_expectation_has_the_moments_of_a_gaussian(sample):
    p, mu, a = number(P, sample), number(x, sample), number(A, sample)
    y = vector("y", n)

    def mean(value, center=x):
        return number(expectation(value, {y: (center, P)}), sample)

    np.testing.assert_allclose(mean(y), mu)
    np.testing.assert_allclose(mean(y @ y.T), p + mu @ mu.T)
    np.testing.assert_allclose(mean(y.T @ A @ y), np.trace(a @ p) + mu.T @ a @ mu)
    np.testing.assert_allclose(mean(y @ y.T @ y, zeros(n)), 0, atol=1e-9)
    form = mean((y.T @ A @ y) ** 2, zeros(n))
    np.testing.assert_allclose(form, np.trace(a @ p) ** 2 + np.trace(a @ p @ (a + a.T) @ p))


def test_what_has_no_value_is_drawn_again(sample):
    with pytest.raises(Singular):
        evaluate((x @ x.T).inv, sample)
    with pytest.raises(Singular):
        evaluate(unit(n, 5), sample)


def test_sizes(sample):
    assert size(n + 2 * k, sample) == 7
    assert evaluate(scalar("c", "positive") * 0, sample) == [[Fraction(0)]]
