"""Measured derivatives against closed forms, automatic differentiation and the error that Taylor's formula predicts."""

import re
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mlpc.basics import (
    complex_step_gradient,
    directional_derivative,
    finite_difference_gradient,
    finite_difference_jacobian,
    gradient_check,
)

EPS = np.finfo(float).eps


def regular(rng, n):
    """A matrix with a positive determinant, neither symmetric nor near a singular one."""
    return n * np.eye(n) + rng.uniform(-1, 1, size=(n, n))


def catalogue(rng):
    """The page's functions with their gradients: what f is, f for NumPy or torch, claimed gradient, a general point."""
    n, m, k = 4, 5, 3
    A, S = rng.normal(size=(2, n, n))
    a, b = rng.normal(size=(2, n))
    L, R, C, M = (rng.normal(size=shape) for shape in ((m, n), (n, k), (m, k), (n, k)))
    X, x, wide = regular(rng, n), rng.normal(size=n), rng.normal(size=(n, k))
    X_inv = np.linalg.inv(X)
    return {
        "quadratic form": (lambda x, lib, c: x @ c(A) @ x, (A + A.T) @ x, x),
        "trace": (lambda X, lib, c: (X.T @ c(M)).trace(), M, wide),
        "inverse": (lambda X, lib, c: c(a) @ lib.linalg.inv(X) @ c(b), -np.outer(X_inv.T @ a, X_inv @ b), X),
        "log det": (lambda X, lib, c: lib.linalg.slogdet(X)[1], X_inv.T, X),
        "residual": (lambda X, lib, c: ((c(L) @ X @ c(R) - c(C)) ** 2).sum(), 2 * L.T @ (L @ X @ R - C) @ R.T, X),
        "covariance": (
            lambda X, lib, c: lib.linalg.slogdet(X)[1] + (lib.linalg.inv(X) @ c(S)).trace(),
            X_inv.T - X_inv.T @ S.T @ X_inv.T,
            X,
        ),
    }


NAMES = list(catalogue(np.random.default_rng(0)))


@pytest.mark.parametrize("name", NAMES)
def test_differences_autograd_and_closed_form_agree(name, rng):
    f, gradient, X = catalogue(rng)[name]
    measured = finite_difference_gradient(lambda X: f(X, np, np.asarray), X)
    exact = torch.func.grad(lambda X: f(X, torch, torch.as_tensor))(torch.as_tensor(X)).numpy()
    size = max(1, np.abs(gradient).max(), abs(f(X, np, np.asarray)))
    np.testing.assert_allclose(exact, gradient, rtol=0, atol=1e-12 * size)
    np.testing.assert_allclose(measured, gradient, rtol=0, atol=1e-8 * size)
    assert measured.shape == X.shape


@pytest.mark.parametrize("name", NAMES)
def test_the_check_accepts_the_gradient_and_no_other_matrix_of_its_shape(name, rng):
    f, gradient, X = catalogue(rng)[name]
    off = np.zeros_like(gradient)
    off[(-1,) * off.ndim] = 1e-4 * np.abs(gradient).max()
    assert gradient_check(lambda X: f(X, np, np.asarray), lambda X: gradient, X)
    report = gradient_check(lambda X: f(X, np, np.asarray), lambda X: gradient + off, X)
    assert not report
    assert report.where == tuple(size - 1 for size in X.shape)
    assert report.error == pytest.approx(off.max(), rel=1e-2)
    assert report.claimed - report.measured == pytest.approx(off.max(), rel=1e-2)


# layout


def test_a_jacobian_has_the_axes_of_the_value_first_and_those_of_the_variable_last(rng):
    """∂(XB)ᵢⱼ / ∂Xₖₗ = δᵢₖ Bₗⱼ."""
    X, B = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    J = finite_difference_jacobian(lambda X: X @ B, X)
    np.testing.assert_allclose(J, np.einsum("ik,lj->ijkl", np.eye(2), B), rtol=0, atol=1e-9)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_the_jacobian_of_a_map_between_vectors_is_that_of_autograd(n, k, seed):
    rng = np.random.default_rng(seed)
    B, x = rng.normal(size=(k, n)), rng.normal(size=n)
    J = finite_difference_jacobian(lambda x: np.tanh(B @ x), x)
    exact = torch.func.jacrev(lambda x: torch.tanh(torch.as_tensor(B) @ x))(torch.as_tensor(x)).numpy()
    assert J.shape == (k, n)
    np.testing.assert_allclose(J, exact, rtol=0, atol=1e-8)


def test_the_jacobian_of_a_scalar_is_its_gradient_and_that_of_the_gradient_the_hessian(rng):
    A, x = rng.normal(size=(4, 4)), rng.normal(size=4)

    def f(x):
        return np.log(np.cosh(A @ x)).sum()

    def gradient(x):
        return A.T @ np.tanh(A @ x)

    np.testing.assert_array_equal(finite_difference_jacobian(f, x), finite_difference_gradient(f, x))
    first = torch.func.grad(lambda x: torch.log(torch.cosh(torch.as_tensor(A) @ x)).sum())
    exact = torch.func.jacrev(first)(torch.as_tensor(x))
    np.testing.assert_allclose(finite_difference_jacobian(gradient, x), exact.numpy(), rtol=0, atol=1e-8)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_slope_along_a_direction_is_the_trace_of_gradient_and_direction(m, n, seed):
    rng = np.random.default_rng(seed)
    X, H, C = rng.normal(size=(3, m, n))

    def f(X):
        return np.sin(X * C).sum()

    slope = directional_derivative(f, X, H)
    assert slope == pytest.approx(np.sum(C * np.cos(X * C) * H), abs=1e-7)
    assert slope == pytest.approx(np.sum(finite_difference_gradient(f, X) * H), abs=1e-7)


# errors of the differences


def test_the_error_of_a_central_difference_is_that_of_the_third_derivative():
    """For a cubic it is exactly h²/6 f''' = h²."""
    for exponent in (2, 5, 9):
        h = 2.0**-exponent
        slope = directional_derivative(lambda x: x[0] ** 3, np.array([1.0]), np.array([1.0]), step=h)
        assert slope - 3 == pytest.approx(h**2, rel=1e-6)


def test_the_usual_step_is_within_a_factor_of_the_best_one(rng):
    X = rng.uniform(0.5, 1.5, size=20)
    usual, best = 0.0, 0.0
    for f, derivative in ((np.exp, np.exp), (np.sin, np.cos), (np.log, lambda x: 1 / x)):
        for x in X:
            one = np.array([x])
            errors = [
                abs(directional_derivative(lambda x, f=f: f(x[0]), one, np.ones(1), step=h) - derivative(x))
                for h in np.geomspace(1e-9, 1e-2, 60)
            ]
            best += np.median(sorted(errors)[:10])
            usual += abs(directional_derivative(lambda x, f=f: f(x[0]), one, np.ones(1)) - derivative(x))
    assert usual < 20 * best


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e8])
def test_steps_grow_with_the_entries_that_they_move(scale, rng):
    x = scale * rng.uniform(1, 2, size=3)
    G = finite_difference_gradient(lambda x: np.sum((x / scale) ** 3), x)
    np.testing.assert_allclose(G, 3 * (x / scale) ** 2 / scale, rtol=1e-8)


def test_a_function_of_small_numbers_needs_a_step_of_its_own_and_the_check_knows(rng):
    x, scale = 1e-3 * rng.uniform(1, 2, size=3), 1e-3
    exact = 3 * (x / scale) ** 2 / scale
    usual = np.abs(finite_difference_gradient(lambda x: np.sum((x / scale) ** 3), x) - exact).max()
    better = np.abs(finite_difference_gradient(lambda x: np.sum((x / scale) ** 3), x, step=1e-8) - exact).max()
    report = gradient_check(lambda x: np.sum((x / scale) ** 3), lambda x: exact, x)
    assert report
    assert better < usual / 100 < report.uncertainty / 100


def test_single_precision_has_steps_of_its_own(rng):
    x = rng.uniform(1, 2, size=4).astype(np.float32)
    G = finite_difference_gradient(lambda x: np.log(x).sum(), x)
    assert G.dtype == np.float32
    np.testing.assert_allclose(G, 1 / x, rtol=1e-3)
    assert gradient_check(lambda x: np.log(x).sum(), lambda x: 1 / x, x)
    assert not gradient_check(lambda x: np.log(x).sum(), lambda x: 1.01 / x, x)


@pytest.mark.parametrize("name", NAMES)
def test_the_complex_step_has_no_error_but_rounding(name, rng):
    f, gradient, X = catalogue(rng)[name]

    def analytic(X):
        if name in ("log det", "covariance"):  # slogdet gives the magnitude: its sign holds the imaginary part
            sign, _ = np.linalg.slogdet(X)
            return np.log(sign) + f(X, np, np.asarray)
        return f(X, np, np.asarray)

    G = complex_step_gradient(analytic, X)
    np.testing.assert_allclose(G, gradient, rtol=0, atol=1e3 * EPS * max(1, np.abs(gradient).max()))


def test_a_large_constant_spoils_differences_and_not_the_complex_step():
    x = np.array([0.3, 0.7])

    def lifted(x):
        return np.exp(x).sum() + 1e10

    assert np.abs(finite_difference_gradient(lifted, x) - np.exp(x)).max() > 1e-3
    np.testing.assert_allclose(complex_step_gradient(lifted, x), np.exp(x), rtol=4 * EPS)
    report = gradient_check(lifted, np.exp, x)
    assert report, "differences that know nothing refute nothing"
    assert report.uncertainty > 0.1, "and the report says so"


# the check


A = np.array([[1.0, 2.0], [-3.0, 5.0]])
SLIPS = {
    "its negative": -A,
    "twice it": A / 2,
    "half of it": 2 * A,
    "its transpose": A.T,
    None: A + np.array([[0, 0], [0, 1.0]]),
}


@pytest.mark.parametrize("name", SLIPS, ids=str)
def test_the_check_names_the_slip_that_would_repair_a_claim(name):
    report = gradient_check(lambda X: np.trace(X.T @ A), lambda X: SLIPS[name], np.eye(2) + A)
    assert not report
    assert report.would_agree == name


def test_symmetrised_claims_are_named_at_a_function_of_the_symmetric_part():
    """f reads only X + Xᵀ, so that its unconstrained gradient is symmetric."""
    X, symmetric = np.array([[1.0, 2.0], [4.0, 7.0]]), A + A.T

    def f(X):
        return np.trace((X + X.T) @ A) / 2

    assert gradient_check(f, lambda X: A, X).would_agree == "its symmetric part"
    assert gradient_check(f, lambda X: A / 2, X).would_agree == "it plus its transpose"
    assert gradient_check(f, lambda X: symmetric / 2, X)


def test_symmetric_points_hide_a_transpose_that_general_ones_show():
    def f(X):
        return np.trace(X @ X)

    assert gradient_check(f, lambda X: 2 * X, A + A.T)
    assert gradient_check(f, lambda X: 2 * X, A).would_agree == "its transpose"
    assert gradient_check(f, lambda X: 2 * X.T, A)


def test_a_stationary_point_is_no_special_case():
    assert gradient_check(lambda x: x @ x, lambda x: 2 * x, np.zeros(3))
    assert not gradient_check(lambda x: x @ x, lambda x: 2 * x + 1e-6, np.zeros(3))


def test_the_report_shows_the_entry_that_is_wrong_and_not_one_that_is_only_uncertain():
    """The first entry is measured to a few digits only; its claim is off by more than the second, but within these."""
    x = np.array([1e-3, 1.0])

    def f(x):
        return np.sin(x[0] / 1e-4) + x[1] ** 2

    right = np.array([np.cos(x[0] / 1e-4) / 1e-4, 2.0])
    exact = gradient_check(f, lambda x: right, x)
    assert exact
    assert exact.where == (0,)
    assert 0.06 < exact.error < exact.uncertainty
    report = gradient_check(f, lambda x: right + np.array([0, 0.05]), x)
    assert not report
    assert report.where == (1,)
    assert report.uncertainty < 1e-6


def test_the_tolerance_is_relative_to_the_largest_entry():
    x = np.array([1.0, 1e-9])
    assert gradient_check(lambda x: x @ x, lambda x: 2 * x + 1e-7, x)
    assert not gradient_check(lambda x: x @ x, lambda x: 2 * x + 1e-7, x, tolerance=1e-9)


def test_a_report_is_frozen_and_says_what_it_saw_on_one_line():
    report = gradient_check(lambda x: x @ x, lambda x: -2 * x, np.array([3.0]))
    with pytest.raises(FrozenInstanceError):
        report.agrees = True  # type: ignore[misc]
    assert re.fullmatch(
        r"disagrees at \[0\]: claimed -6, measured 6(\.0+\d)? \(.*\); its negative would agree", str(report)
    )
    assert str(gradient_check(lambda x: x @ x, lambda x: 2 * x, np.array([3.0]))).startswith("agrees at [0]: claimed 6")


def test_functions_may_write_into_their_argument():
    def greedy(X):
        X *= 2
        return X.sum()

    X = np.ones((2, 2))
    np.testing.assert_allclose(finite_difference_gradient(greedy, X), 2 * X, rtol=1e-9)
    assert gradient_check(greedy, lambda X: np.full_like(X, 2), X)
    np.testing.assert_array_equal(X, np.ones((2, 2)))


def test_integers_are_points_too():
    np.testing.assert_allclose(finite_difference_gradient(lambda x: x @ x, np.array([1, 2])), [2, 4], rtol=1e-9)


# errors

x3, X23 = np.ones(3), np.ones((2, 3))
REFUSED = {
    "direction of another shape": (directional_derivative, (np.sum, X23, x3), "H has shape (3,), but a direction has"),
    "no direction": (directional_derivative, (np.sum, x3, 0 * x3), "H is zero, but a direction needs"),
    "a step of zero": (directional_derivative, (np.sum, x3, x3, 0.0), "step must be a positive number, but is 0.0"),
    "a negative step": (finite_difference_gradient, (np.sum, x3, -1.0), "step must be a positive number, but is -1.0"),
    "an infinite step": (
        finite_difference_jacobian,
        (np.sum, x3, np.inf),
        "step must be a positive number, but is inf",
    ),
    "NaN in X": (finite_difference_gradient, (np.sum, x3 * np.nan), "X[0] is nan, and 2 more"),
    "complex X": (finite_difference_gradient, (np.sum, x3 * 1j), "X must be real, but it has dtype complex128"),
    "no entries": (finite_difference_jacobian, (np.sum, np.ones((0, 3))), "X has shape (0, 3), but there must be"),
    "an array for a number": (
        finite_difference_gradient,
        (lambda x: x, x3),
        "f must return one number, but it returned an array of shape (3,); finite_difference_jacobian takes",
    ),
    "a list for a number": (
        gradient_check,
        (lambda x: x[:1], lambda x: x, x3),
        "it returned an array of shape (1,); f(X).item() would fit",
    ),
    "a complex value": (
        finite_difference_gradient,
        (lambda x: 1j * x.sum(), x3),
        "F(X + h H) must be real, but it has",
    ),
    "infinity on the way": (
        finite_difference_gradient,
        (lambda x: np.inf if x[0] > 1 else 0.0, x3),
        "F(X + h H) must hold finite numbers, but it is inf",
    ),
    "the other layout": (
        gradient_check,
        (np.sum, lambda X: X.T, X23),
        "gradient(X) has shape (3, 2), but a gradient has that of X, (2, 3); gradient(X).T would fit",
    ),
    "a gradient of another shape": (gradient_check, (np.sum, lambda X: x3, X23), "has shape (3,), but a gradient has"),
    "a claim of NaN": (gradient_check, (np.sum, lambda x: x * np.nan, x3), "gradient(X)[0] is nan"),
    "the imaginary step lost": (
        complex_step_gradient,
        (lambda x: np.abs(x).sum(), x3),
        "f must return one complex number, but it returned the number 3.0 of dtype float64; np.abs, np.real",
    ),
    "a complex array": (complex_step_gradient, (lambda x: x, x3), "but it returned an array of shape (3,)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_measured_is_refused_with_what_was_asked_what_came_and_what_would_fit(case):
    function, arguments, message = REFUSED[case]
    with pytest.raises(ValueError, match=rf"^{function.__name__}\(\): .*{re.escape(message)}"):
        function(*arguments)
