"""The four functions of low-rank updates against dense algebra, other algorithms and exact rationals."""

import re
import tracemalloc

import jaxtyping
import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
import sympy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from mlpc.basics import determinant_lemma, sherman_morrison_update, woodbury_inverse, woodbury_solve

EPS = np.finfo(float).eps


def regular(rng, n, batch=(), dtype=float, largest=2.0):
    """A matrix with singular values between 1 and `largest`."""
    left, right = (np.linalg.qr(normal(rng, (*batch, n, n), dtype))[0] for _ in range(2))
    return (left * np.geomspace(1, largest, n)) @ right


def normal(rng, shape, dtype=float):
    real = rng.normal(size=shape)
    return real + 1j * rng.normal(size=shape) if np.issubdtype(dtype, complex) else real


def small_update(rng, n, k, batch=(), other=(), dtype=float):
    """U and V with |V A⁻¹ U| <= 1/2 for every A with singular values >= 1, so that S is far from singular."""
    U, V = normal(rng, (*batch, n, k), dtype), normal(rng, (*other, k, n), dtype)
    return (X / np.sqrt(2) / max(1, np.linalg.norm(X, axis=(-2, -1)).max(initial=0)) for X in (U, V))


@st.composite
def updates(draw, dtypes=(float, complex)):
    """(A, U, V, rng) of any small size, with leading axes that broadcast."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, k, dtype = draw(st.integers(1, 6)), draw(st.integers(0, 7)), draw(st.sampled_from(dtypes))
    a, u, v = draw(
        mutually_broadcastable_shapes(num_shapes=3, min_dims=0, max_dims=2, min_side=0, max_side=3)
    ).input_shapes
    return regular(rng, n, a, dtype), *small_update(rng, n, k, u, v, dtype), rng


def solver(A):
    return lambda B: np.linalg.solve(A, B)


# the inverse


@given(updates())
def test_woodbury_inverse_is_the_inverse_of_the_dense_sum(update):
    A, U, V, _ = update
    np.testing.assert_allclose(woodbury_inverse(np.linalg.inv(A), U, V), np.linalg.inv(A + U @ V), rtol=0, atol=1e-11)


@given(updates())
def test_rank_one_update_is_the_inverse_of_the_dense_sum(update):
    A, U, V, rng = update
    n = A.shape[-1]
    u, v = small_update(rng, n, 1, U.shape[:-2], V.shape[:-2], A.dtype.type)
    u, v = u[..., 0], v[..., 0, :]
    dense = np.linalg.inv(A + np.einsum("...i,...j->...ij", u, v))
    np.testing.assert_allclose(sherman_morrison_update(np.linalg.inv(A), u, v), dense, rtol=0, atol=1e-11)


@given(updates())
def test_an_update_is_undone_by_its_opposite(update):
    A, U, V, _ = update
    A_inv = np.linalg.inv(A)
    there = woodbury_inverse(A_inv, U, V)
    np.testing.assert_allclose(woodbury_inverse(there, -U, V), np.broadcast_to(A_inv, there.shape), rtol=0, atol=1e-10)


@given(updates())
def test_rank_one_updates_in_a_row_are_one_of_rank_k(update):
    A, U, V, _ = update
    at_once = one_by_one = woodbury_inverse(np.linalg.inv(A), U, V)
    one_by_one = np.broadcast_to(np.linalg.inv(A), at_once.shape)
    for j in reversed(range(U.shape[-1])):  # in any order
        one_by_one = sherman_morrison_update(one_by_one, U[..., :, j], V[..., j, :])
    np.testing.assert_allclose(one_by_one, at_once, rtol=0, atol=1e-8)


def test_the_inverse_of_rational_matrices_is_met_to_rounding(rng):
    for n, k in [(1, 1), (3, 2), (4, 4), (5, 1), (2, 5)]:
        A, U, V = exact_update(rng, n, k)
        expected = floats((A + U * V).inv())
        computed = woodbury_inverse(floats(A.inv()), floats(U), floats(V))
        np.testing.assert_allclose(computed, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


def test_symmetric_updates_agree_with_the_cholesky_factor_of_the_sum(rng):
    n, k = 30, 4
    root = rng.normal(size=(n, n))
    A, U = np.eye(n) + root @ root.T, rng.normal(size=(n, k))
    factor = scipy.linalg.cho_factor(A + U @ U.T)
    updated = woodbury_inverse(scipy.linalg.cho_solve(scipy.linalg.cho_factor(A), np.eye(n)), U, U.T)
    np.testing.assert_allclose(updated, scipy.linalg.cho_solve(factor, np.eye(n)), rtol=0, atol=1e-11)
    np.testing.assert_allclose(updated, updated.T, rtol=0, atol=1e-12)


def test_ill_conditioned_matrices_lose_no_more_digits_than_the_condition_number_says(rng):
    """The error bound is eps times the condition of A + UV; the Hilbert matrices have exact integer inverses."""
    for n in (4, 6, 8):
        u, v = rng.integers(1, 4, size=(2, n))
        exact = (
            sympy.Matrix(n, n, lambda i, j: sympy.Rational(1, i + j + 1)) + rational(u[:, None]) * rational(v[None, :])
        ).inv()
        computed = sherman_morrison_update(scipy.linalg.invhilbert(n), u, v)
        bound = 10 * n * EPS * np.linalg.cond(scipy.linalg.hilbert(n)) * (1 + np.linalg.norm(u) * np.linalg.norm(v))
        assert np.linalg.norm(computed - floats(exact)) <= bound * np.linalg.norm(scipy.linalg.invhilbert(n))


# the solution


@given(updates(), st.integers(1, 3), st.booleans())
def test_woodbury_solve_is_the_solution_of_the_dense_system(update, m, stacked):
    A, U, V, rng = update
    b = normal(rng, (*(A.shape[:-2] if stacked else ()), A.shape[-1], m), A.dtype.type)
    expected = np.linalg.solve(A + U @ V, b)
    np.testing.assert_allclose(woodbury_solve(solver(A), U, V, b), expected, rtol=0, atol=1e-10)


@given(updates())
def test_one_axis_of_b_is_a_vector_whatever_the_leading_axes_of_the_update(update):
    A, U, V, rng = update
    b = rng.normal(size=A.shape[-1])
    x = woodbury_solve(solver(A), U, V, b)
    assert x.shape == np.broadcast_shapes(A.shape[:-2], U.shape[:-2], V.shape[:-2]) + b.shape
    np.testing.assert_allclose(x, np.linalg.solve(A + U @ V, b), rtol=0, atol=1e-10)


def test_two_axes_of_b_are_a_matrix_even_where_they_could_be_a_stack_of_vectors(rng):
    n = 3
    A, b = regular(rng, n), rng.normal(size=(n, n))
    U, V = small_update(rng, n, 1)
    as_matrix = woodbury_solve(solver(A), U, V, b)
    as_stack = woodbury_solve(solver(A), U, V, b[..., None])[..., 0]
    np.testing.assert_allclose((A + U @ V) @ as_matrix, b, rtol=0, atol=1e-12)
    np.testing.assert_allclose(as_stack @ (A + U @ V).T, b, rtol=0, atol=1e-12)


def solvers(rng, n):
    """Name, dense A, and A⁻¹B by a method that knows the structure of A."""
    dense = regular(rng, n)
    spd = dense @ dense.T
    banded = np.diag(np.full(n, 4.0)) + np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1)
    first = np.r_[3.0, rng.uniform(-1, 1, size=n - 1) / n]
    lu, cholesky = scipy.linalg.lu_factor(dense), scipy.linalg.cho_factor(spd)
    sparse = scipy.sparse.linalg.splu(scipy.sparse.csc_array(banded))
    yield "LU", dense, lambda B: scipy.linalg.lu_solve(lu, B)
    yield "Cholesky", spd, lambda B: scipy.linalg.cho_solve(cholesky, B)
    yield "sparse LU", banded, sparse.solve
    yield "Fourier", scipy.linalg.circulant(first), lambda B: scipy.linalg.solve_circulant(first, B)


def test_any_solver_of_a_will_do(rng):
    n, k = 12, 3
    U, V, b = 0.3 * rng.normal(size=(n, k)), 0.3 * rng.normal(size=(k, n)), rng.normal(size=n)
    for name, A, solve_A in solvers(rng, n):
        expected = np.linalg.solve(A + U @ V, b)
        np.testing.assert_allclose(woodbury_solve(solve_A, U, V, b), expected, rtol=1e-9, err_msg=name)
        expected = np.linalg.slogdet(A + U @ V)
        np.testing.assert_allclose(
            determinant_lemma(np.linalg.slogdet(A), solve_A, U, V), expected, rtol=1e-9, err_msg=name
        )


def test_the_solver_is_asked_for_u_and_b_and_for_no_inverse(rng, monkeypatch):
    n, k = 5, 2
    A, b = regular(rng, n), rng.normal(size=n)
    U, V = small_update(rng, n, k)
    expected = np.linalg.solve(A + U @ V, b)
    asked = []

    def solve_A(B):
        asked.append(B.copy())
        return np.linalg.lstsq(A, B)[0]

    def refuse(*_):
        raise AssertionError("an inverse was formed")

    for module in (np.linalg, scipy.linalg):
        for name in ("inv", "pinv"):
            monkeypatch.setattr(module, name, refuse)
    np.testing.assert_allclose(woodbury_solve(solve_A, U, V, b), expected, rtol=1e-10)
    determinant_lemma(np.linalg.slogdet(A), solve_A, U, V)
    assert [B.shape for B in asked] == [(n, k), (n, 1), (n, k)]
    np.testing.assert_array_equal(asked[0], U)
    np.testing.assert_array_equal(asked[1], b[:, None])


def test_no_array_of_n_squared_entries_is_made_for_a_solution_or_a_determinant(rng):
    n, k = 20_000, 3
    d = rng.uniform(1, 2, size=n)
    (U, V), b = small_update(rng, n, k), rng.normal(size=n)
    tracemalloc.start()
    try:
        x = woodbury_solve(lambda B: B / d[:, None], U, V, b)
        determinant_lemma((np.float64(1), np.log(d).sum()), lambda B: B / d[:, None], U, V)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 50 * n * k * b.itemsize < n * n
    np.testing.assert_allclose(d * x + U @ (V @ x), b, rtol=0, atol=1e-12)


# the determinant


@given(updates())
def test_determinant_lemma_is_sign_and_logarithm_of_the_dense_determinant(update):
    A, U, V, _ = update
    sign, logabsdet = determinant_lemma(np.linalg.slogdet(A), solver(A), U, V)
    expected = np.linalg.slogdet(A + U @ V)
    np.testing.assert_allclose(sign, expected.sign, rtol=0, atol=1e-10)
    np.testing.assert_allclose(logabsdet, expected.logabsdet, rtol=0, atol=1e-10)


def test_determinants_of_rational_matrices_come_with_their_sign(rng):
    for n, k in [(1, 1), (2, 3), (3, 2), (4, 1), (5, 2)]:
        A, U, V = exact_update(rng, n, k)
        for flip in (1, -1):  # the first row of A + UV changes sign, and so does the determinant
            flipped = sympy.diag(flip, sympy.eye(n - 1))
            exact = (flipped * (A + U * V)).det()
            A_float, U_float = floats(flipped * A), floats(flipped * U)
            lemma = determinant_lemma(np.linalg.slogdet(A_float), solver(A_float), U_float, floats(V))
            expected = (int(sympy.sign(exact)), float(sympy.log(abs(exact)).evalf()))
            np.testing.assert_allclose(lemma, expected, rtol=0, atol=1e-9)


def test_a_determinant_too_large_for_a_float_has_a_logarithm(rng):
    n = 400
    u, v = rng.uniform(size=(2, n))
    sign, logabsdet = determinant_lemma(
        (np.float64(1), np.float64(n * np.log(1e3))), lambda B: B / 1e3, u[:, None], v[None, :]
    )
    np.testing.assert_allclose(logabsdet, n * np.log(1e3) + np.log1p(v @ u / 1e3), rtol=1e-13)
    assert sign == 1
    assert logabsdet > np.log(np.finfo(float).max)


def test_the_determinant_of_a_singular_sum_is_zero_and_no_error():
    U, V = np.array([[1.0], [0.0]]), np.array([[-1.0, 5.0]])
    assert determinant_lemma(np.linalg.slogdet(np.eye(2)), lambda B: B, U, V) == (0, -np.inf)


# batches, sizes, dtypes


@given(updates())
def test_each_slice_of_a_batch_is_the_update_of_that_slice(update):
    A, U, V, rng = update
    batch = np.broadcast_shapes(A.shape[:-2], U.shape[:-2], V.shape[:-2])
    A, U, V = (np.broadcast_to(X, batch + X.shape[-2:]) for X in (A, U, V))
    b = rng.normal(size=(*batch, A.shape[-1], 2))
    inverses, solutions = woodbury_inverse(np.linalg.inv(A), U, V), woodbury_solve(solver(A), U, V, b)
    signs, logarithms = determinant_lemma(np.linalg.slogdet(A), solver(A), U, V)
    assert inverses.shape == A.shape
    assert solutions.shape == b.shape
    assert np.shape(signs) == np.shape(logarithms) == batch
    for i in np.ndindex(batch):
        np.testing.assert_allclose(woodbury_inverse(np.linalg.inv(A[i]), U[i], V[i]), inverses[i], rtol=0, atol=1e-12)
        np.testing.assert_allclose(woodbury_solve(solver(A[i]), U[i], V[i], b[i]), solutions[i], rtol=0, atol=1e-12)
        one = determinant_lemma(np.linalg.slogdet(A[i]), solver(A[i]), U[i], V[i])
        np.testing.assert_allclose(one, (np.asarray(signs)[i], np.asarray(logarithms)[i]), rtol=0, atol=1e-12)


def test_one_inverse_broadcasts_against_batched_factors(rng):
    A = regular(rng, 3)
    U, V = small_update(rng, 3, 2, (5,), (4, 1))
    assert woodbury_inverse(np.linalg.inv(A), U, V).shape == (4, 5, 3, 3)
    assert sherman_morrison_update(np.linalg.inv(A), U[..., 0], V[..., 0, :]).shape == (4, 5, 3, 3)
    assert woodbury_solve(solver(A), U, V, np.ones((1, 1, 1, 3, 7))).shape == (1, 4, 5, 3, 7)


def test_an_update_of_rank_zero_changes_nothing(rng):
    A, b = regular(rng, 3), rng.normal(size=3)
    U, V = np.empty((3, 0)), np.empty((0, 3))
    np.testing.assert_array_equal(woodbury_inverse(A, U, V), A)
    np.testing.assert_array_equal(woodbury_solve(solver(A), U, V, b), np.linalg.solve(A, b[:, None])[:, 0])
    assert determinant_lemma(np.linalg.slogdet(A), solver(A), U, V) == tuple(np.linalg.slogdet(A))


def test_numbers_are_matrices_of_size_one():
    """1 / (4 + 3 · 2) = 1/10."""
    one = np.ones((1, 1))
    np.testing.assert_allclose(woodbury_inverse(one / 4, 3 * one, 2 * one), one / 10, rtol=1e-15)
    np.testing.assert_allclose(sherman_morrison_update(one / 4, 3 * one[0], 2 * one[0]), one / 10, rtol=1e-15)
    np.testing.assert_allclose(woodbury_solve(lambda B: B / 4, 3 * one, 2 * one, 5 * one[0]), [0.5], rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_the_precision_that_comes_in_goes_out(dtype):
    A, U, V = np.eye(3, dtype=dtype), np.ones((3, 1), dtype), np.ones((1, 3), dtype)
    assert woodbury_inverse(A, U, V).dtype == dtype
    assert sherman_morrison_update(A, U[:, 0], V[0]).dtype == dtype
    assert woodbury_solve(lambda B: B, U, V, V[0]).dtype == dtype
    sign, logabsdet = determinant_lemma(np.linalg.slogdet(A), lambda B: B, U, V)
    assert sign.dtype == dtype
    assert logabsdet.dtype == np.empty(0, dtype).real.dtype


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64])
def test_integers_are_computed_in_float64_and_never_overflow(dtype):
    U = np.full((200, 1), 1, dtype)
    expected = np.eye(200) - 1 / 201
    np.testing.assert_allclose(woodbury_inverse(np.eye(200, dtype=dtype), U, U.T), expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(
        sherman_morrison_update(np.eye(200, dtype=dtype), U[:, 0], U[:, 0]), expected, atol=1e-14
    )
    np.testing.assert_allclose(woodbury_solve(lambda B: B, U, U.T, U[:, 0]), 1 / 201, rtol=1e-13)


def test_complex_factors_are_transposed_and_not_conjugated():
    """A = 1, u = v = i: 1 + i · i = 0 is singular, while the conjugate would give 2."""
    i = np.array([1j])
    with pytest.raises(np.linalg.LinAlgError):
        sherman_morrison_update(np.eye(1), i, i)
    np.testing.assert_allclose(sherman_morrison_update(np.eye(1), i, i.conj()), [[0.5]], rtol=1e-15)


def test_arguments_are_left_as_they_came(rng):
    A, b = regular(rng, 4), rng.normal(size=4)
    U, V = small_update(rng, 4, 2)
    before = [X.copy() for X in (A, U, V, b)]
    woodbury_inverse(A, U, V)
    sherman_morrison_update(A, U[:, 0], V[0])
    woodbury_solve(solver(A), U, V, b)
    determinant_lemma(np.linalg.slogdet(A), solver(A), U, V)
    for X, copy in zip((A, U, V, b), before, strict=True):
        np.testing.assert_array_equal(X, copy)


# errors

I3, U3, V3, ONE = np.eye(3), np.ones((3, 2)), np.ones((2, 3)), np.float64(1)
WRONG_SHAPES = {
    "an inverse is square": (
        woodbury_inverse,
        (np.ones((3, 4)), U3, V3),
        r"A_inv has shape (3, 4), but (..., n, n) is",
    ),
    "rows of U": (
        woodbury_inverse,
        (I3, V3, V3),
        r"U has shape (2, 3), but (..., n, k) = (..., 3, k) is needed; U.mT or",
    ),
    "columns of V": (
        woodbury_inverse,
        (I3, U3, U3),
        r"V has shape (3, 2), but (..., k, n) = (..., 2, 3) is needed; V.mT would",
    ),
    "a vector for U": (woodbury_inverse, (I3, np.ones(3), V3), "U has shape (3,), but"),
    "ranks differ": (woodbury_inverse, (I3, U3, np.ones((4, 3))), r"V has shape (4, 3), but (..., k, n) = (..., 2, 3)"),
    "leading axes": (
        woodbury_inverse,
        (np.ones((4, 3, 3)), np.ones((5, 3, 2)), V3),
        "(4,) of A_inv, (5,) of U, () of V",
    ),
    "a column for u": (sherman_morrison_update, (I3, np.ones((3, 1)), np.ones(3)), "u[..., 0] would fit"),
    "v too long": (sherman_morrison_update, (I3, np.ones(3), np.ones(4)), r"v has shape (4,), but (..., n) = (..., 3)"),
    "a number for A_inv": (sherman_morrison_update, (ONE, np.ones(3), np.ones(3)), "A_inv has shape ()"),
    "a stack of vectors b": (woodbury_solve, (lambda B: B, U3, V3, np.ones((7, 3))), "b[..., None] would fit"),
    "b too short": (woodbury_solve, (lambda B: B, U3, V3, np.ones(2)), r"b has shape (2,), but (..., n) = (..., 3)"),
    "solver drops an axis": (woodbury_solve, (lambda B: B[:, 0], U3, V3, np.ones(3)), r"solve_A(U) has shape (3,)"),
    "solver transposes": (determinant_lemma, ((ONE, ONE), lambda B: B.T, U3, V3), "solve_A(U).mT would fit"),
    "solver adds an axis": (
        woodbury_solve,
        (lambda B: np.stack([B, B]), U3, np.ones((3, 2, 3)), np.ones(3)),
        "(3,) of V, (2,) of solve_A(U)",
    ),
    "determinants of another batch": (
        determinant_lemma,
        ((np.ones(4), np.ones(4)), lambda B: B, np.ones((5, 3, 2)), V3),
        "(4,) of slogdet_A[0], (4,) of slogdet_A[1], (5,) of U",
    ),
}
NAN, INF = np.array([[0.0, np.nan, 1.0]] * 3), np.array([[np.inf, 0, 0]] * 3)
WRONG_ENTRIES = {
    "NaN in A_inv": (woodbury_inverse, (NAN, U3, V3), "A_inv[0, 1] is nan, and 2 more"),
    "infinity in U": (woodbury_inverse, (I3, INF, I3), "U[0, 0] is inf"),
    "NaN in V": (woodbury_inverse, (I3, I3, NAN), "V[0, 1] is nan"),
    "NaN where u is zero": (sherman_morrison_update, (NAN, np.zeros(3), np.zeros(3)), "A_inv[0, 1] is nan"),
    "infinity in v": (sherman_morrison_update, (I3, np.ones(3), INF[0]), "v[0] is inf"),
    "NaN in b": (woodbury_solve, (lambda B: B, U3, V3, NAN[0]), "b[1] is nan"),
    "solver divides by zero": (woodbury_solve, (lambda B: B * np.inf, U3, V3, np.ones(3)), "solve_A(U)[0, 0] is inf"),
    "solver fails at b": (
        woodbury_solve,
        (lambda B: B * (np.nan if B.shape == (3, 1) else 1), U3, V3, np.ones(3)),
        "solve_A(b)[0, 0] is nan",
    ),
    "determinant zero": (
        determinant_lemma,
        ((0 * ONE, -INF[0, 0]), lambda B: B, U3, V3),
        "slogdet_A[1] must hold finite",
    ),
    "sign zero": (determinant_lemma, ((0 * ONE, ONE), lambda B: B, U3, V3), "sign of det A != 0, but it is 0.0"),
    "a determinant for its sign": (determinant_lemma, ((5 * ONE, ONE), lambda B: B, U3, V3), "but it is 5.0"),
    "half precision": (
        woodbury_inverse,
        (I3.astype(np.float16), U3, V3),
        "A_inv has dtype float16, but linear algebra",
    ),
}


@pytest.mark.parametrize("case", [*WRONG_SHAPES, *WRONG_ENTRIES])
@pytest.mark.usefixtures("production")
def test_what_cannot_be_computed_is_refused_with_what_was_asked_what_came_and_what_would_fit(case):
    function, arguments, message = {**WRONG_SHAPES, **WRONG_ENTRIES}[case]
    with pytest.raises(ValueError, match=rf"^{function.__name__}\(\): .*{re.escape(message)}"):
        function(*arguments)


@pytest.mark.parametrize("case", [case for case in WRONG_SHAPES if "solver" not in case])
def test_annotations_refuse_the_same_shapes(case):
    function, arguments, _ = WRONG_SHAPES[case]
    with pytest.raises(jaxtyping.TypeCheckError):
        function(*arguments)


def singular_update(rng, n, k):
    """A⁻¹, U, V and a z with S z = 0 up to rounding: V sends A⁻¹ U z to -z."""
    A_inv, U, V = regular(rng, n), rng.normal(size=(n, k)), rng.normal(size=(k, n))
    z = rng.normal(size=k)
    y = A_inv @ U @ z
    return A_inv, U, V - np.outer(z + V @ y, y / (y @ y))


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 1), (3, 2), (10, 1), (10, 3), (50, 5), (200, 1)])
def test_singular_sums_are_refused_with_the_condition_number_even_when_rounding_hides_them(rng, n, k):
    for _ in range(20):
        A_inv, U, V = singular_update(rng, n, k)
        with pytest.raises(np.linalg.LinAlgError, match=r"woodbury_inverse\(\).* condition number (inf|\d.\de\+\d\d)"):
            woodbury_inverse(A_inv, U, V)
        with pytest.raises(np.linalg.LinAlgError, match=r"woodbury_solve\(\).* condition number"):
            woodbury_solve(A_inv.__matmul__, U, V, np.ones(n))
        if k == 1:
            with pytest.raises(np.linalg.LinAlgError, match=r"sherman_morrison_update\(\).* condition number"):
                sherman_morrison_update(A_inv, U[:, 0], V[0])


def test_a_zero_pivot_has_an_infinite_condition_number_in_the_precision_of_the_arguments():
    u = np.array([1, 0], np.float32)
    for update in (
        lambda: sherman_morrison_update(np.eye(2, dtype=np.float32), u, -u),
        lambda: woodbury_inverse(np.eye(2, dtype=np.float32), u[:, None], -u[None, :]),
    ):
        with pytest.raises(np.linalg.LinAlgError, match=r"condition number inf, and float32 .* below 8\.4e\+05"):
            update()


def test_the_condition_number_is_that_of_the_cancellation_in_one_plus_vay():
    """With A = 1, u = 1 and v = -1 + δ, S = δ has the condition number (1 + |v|) / δ."""
    for exponent in (-10, -46):
        delta = 2.0**exponent
        updated = sherman_morrison_update(np.eye(1), np.ones(1), np.array([delta - 1]))
        np.testing.assert_allclose(updated, [[1 / delta]], rtol=1e-12)
    with pytest.raises(np.linalg.LinAlgError, match=r"condition number 9\.0e\+15"):
        sherman_morrison_update(np.eye(1), np.ones(1), np.array([2.0**-52 - 1]))


def test_the_singular_slice_of_a_batch_is_named(rng):
    u = np.zeros((2, 3, 2))
    u[1, 2] = [1, 0]
    v = np.array([-1.0, 7.0])
    for update in (
        lambda: sherman_morrison_update(np.eye(2), u, v),
        lambda: woodbury_inverse(np.eye(2), u[..., None], v[None, :]),
        lambda: woodbury_solve(lambda B: B, u[..., None], v[None, :], np.ones(2)),
    ):
        with pytest.raises(np.linalg.LinAlgError, match=r"at leading index \(1, 2\): S = I \+ V A\^-1 U"):
            update()


def test_badly_scaled_but_regular_updates_are_not_refused():
    """S = diag(1 + 1e20, 1 + 1e-20) has the usual condition number 1e20, and loses no digit."""
    U = np.diag([1e10, 1e-10])
    assert np.linalg.cond(np.eye(2) + U @ U) > 1 / EPS
    np.testing.assert_allclose(woodbury_inverse(np.eye(2), U, U), np.diag([1e-20, 1.0]), rtol=0, atol=2 * EPS)


def test_overflow_is_not_passed_off_as_a_result():
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(np.linalg.LinAlgError, match="condition number"):
        woodbury_inverse(np.eye(2), np.full((2, 1), 1e200), np.full((1, 2), 1e200))


# exact arithmetic


def rational(array):
    return sympy.Matrix(*np.shape(array), [sympy.Integer(int(x)) for x in np.ravel(array)])


def floats(matrix):
    return np.array(matrix.evalf(30), dtype=float).reshape(matrix.shape)


def exact_update(rng, n, k):
    """Integer A, U, V with A and A + UV invertible."""
    while True:
        A, U, V = (rational(rng.integers(-3, 4, size=shape)) for shape in ((n, n), (n, k), (k, n)))
        if A.det() != 0 and (A + U * V).det() != 0:
            return A, U, V
