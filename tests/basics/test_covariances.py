"""What counts as a covariance, its square root, and the repair that reports what it added."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpc.basics import jittered
from mlpc.basics.covariances import cholesky, covariance, root, solve_lower, spectrum

UNITS = 10.0 ** np.array([0, 8, -8, 3])


def semidefinite(rng, n, rank, batch=()):
    F = rng.normal(size=(*batch, n, rank))
    return F @ F.mT


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(0, 6), st.sampled_from([(), (3,), (2, 2)]))
def test_a_root_squared_is_the_matrix_and_definite_means_full_rank(seed, n, rank, batch):
    cov = semidefinite(np.random.default_rng(seed), n, rank, batch)
    F, definite = root("test", "cov", cov)
    np.testing.assert_allclose(F @ F.mT, cov, rtol=0, atol=1e-12 * max(1, np.abs(cov).max()))
    assert definite == (rank >= n)
    assert not definite or np.all(np.triu(F, 1) == 0)


def test_a_rank_that_is_lost_behind_an_ill_conditioned_block_is_seen():
    told = []
    for seed in range(2000):  # Cholesky's last pivot alone takes about one in a hundred of these for definite
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 7))
        told.append(root("test", "cov", semidefinite(rng, n, int(rng.integers(1, n))))[1])
    assert not any(told)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_the_answer_does_not_depend_on_the_units(rng, rank):
    cov = semidefinite(rng, 4, rank)
    in_units = UNITS[:, None] * cov * UNITS
    (F, definite), (G, same) = root("test", "cov", cov), root("test", "cov", in_units)
    assert definite == same == (rank == 4)
    np.testing.assert_allclose(G @ G.T / UNITS[:, None] / UNITS, F @ F.T, rtol=0, atol=1e-13 * np.abs(cov).max())
    np.testing.assert_allclose(spectrum(in_units)[0], spectrum(cov)[0], rtol=0, atol=1e-13)


def test_a_small_indefinite_block_is_seen_beside_a_large_variance():
    block = np.array([[1e-6, 2e-6], [2e-6, 1e-6]])
    with pytest.raises(ValueError, match="its smallest eigenvalue at unit variances is -1;"):
        root("test", "cov", scipy.linalg.block_diag([[1e10]], block))


def test_a_small_asymmetry_is_seen_beside_a_large_variance():
    block = np.array([[1e-6, 2e-7], [3e-7, 1e-6]])
    with pytest.raises(ValueError, match=r"cov\[1, 2\] = 2e-07 and cov\[2, 1\] = 3e-07"):
        covariance("test", cov=(scipy.linalg.block_diag([[1e10]], block), "n n"))


def test_an_asymmetry_of_single_precision_is_seen_and_its_size_named():
    cov = np.array([[1, 0.1], [0.1 + 1e-8, 1]], dtype=np.float32)
    with pytest.raises(
        ValueError, match=r"cov\[0, 1\] = 0.1 and cov\[1, 0\] = 0.1 differ by 7e-09; \(cov \+ cov.mT\) / 2"
    ):
        covariance("test", cov=(cov, "n n"))


def test_asymmetry_of_the_size_of_rounding_is_no_asymmetry(rng):
    cov, noise = semidefinite(rng, 5, 5), rng.normal(size=(5, 5))
    np.testing.assert_array_equal(covariance("test", cov=(cov * (1 + 1e-15 * noise), "n n")), cov * (1 + 1e-15 * noise))


def test_indefinite_by_rounding_counts_as_singular_and_by_more_as_wrong():
    for below, verdict in [(1e-14, "singular"), (1e-9, "indefinite")]:
        cov = np.array([[1, 1 + below], [1 + below, 1]])
        if verdict == "singular":
            F, definite = root("test", "cov", cov)
            assert not definite
            np.testing.assert_allclose(F @ F.T, 1, rtol=1e-13)
        else:
            with pytest.raises(ValueError, match="positive semidefinite, but its smallest eigenvalue"):
                root("test", "cov", cov)


def test_components_without_variance_have_a_root():
    cov = np.diag([0.0, 4.0, 0.0])
    F, definite = root("test", "cov", cov)
    assert not definite
    np.testing.assert_array_equal(F @ F.T, cov)
    with pytest.raises(ValueError, match="smallest eigenvalue"):
        root("test", "cov", np.array([[0.0, 1.0], [1.0, 1.0]]))


def test_cholesky_factors_are_those_of_scipy(rng):
    cov = semidefinite(rng, 4, 6)
    np.testing.assert_allclose(cholesky("test", "cov", cov), scipy.linalg.cholesky(cov, lower=True), rtol=1e-12)


def test_the_singular_matrix_of_a_batch_is_named_with_its_rank(rng):
    cov = np.stack([np.eye(3), semidefinite(rng, 3, 2), semidefinite(rng, 3, 1)])
    with pytest.raises(np.linalg.LinAlgError, match=r"test\(\): Q must .* at leading index \(2,\) its rank is 1 of 3"):
        cholesky("test", "Q", cov)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("batch", [(), (3,)])
def test_triangular_systems_are_solved_for_any_leading_axes(rng, transposed, batch):
    F = np.tril(rng.normal(size=(*batch, 4, 4))) + 4 * np.eye(4)
    B = rng.normal(size=(5, 3, 4, 2))
    expected = np.linalg.solve(F.mT if transposed else F, B)
    np.testing.assert_allclose(solve_lower(F, B, transposed), expected, rtol=1e-11, atol=1e-13)
    assert solve_lower(np.empty((0, 0)), np.empty((0, 2)), transposed).shape == (0, 2)


# the repair


def test_a_definite_matrix_is_left_alone(rng):
    cov = semidefinite(rng, 4, 6)
    repaired, added = jittered(cov)
    np.testing.assert_array_equal(repaired, cov)
    np.testing.assert_array_equal(added, 0)


@pytest.mark.parametrize("rank", [1, 3])
def test_what_was_added_is_reported_is_enough_and_is_the_least_power_of_ten(rng, rank):
    cov = UNITS[:, None] * semidefinite(rng, 4, rank) * UNITS
    repaired, added = jittered(cov)
    np.testing.assert_array_equal(repaired, cov + np.diag(added))
    assert root("test", "cov", repaired)[1]
    share = added / np.diagonal(cov)
    assert np.ptp(share) < 1e-12 * share[0]
    assert 0 < share[0] < 1e-12
    try:
        enough = root("test", "cov", cov + np.diag(added) / 10)[1]
    except ValueError:
        enough = False
    assert not enough


def test_an_indefinite_matrix_is_repaired_if_the_share_is_named():
    cov = np.array([[1, 1.001], [1.001, 1]])
    with pytest.raises(
        ValueError, match=r"largest = 1e-08 .* eigenvalue at unit variances is -0\.001; largest = 1e-02 would"
    ):
        jittered(cov)
    repaired, added = jittered(cov, largest=1e-2)
    np.testing.assert_allclose(added, 1e-2, rtol=1e-12)
    assert np.linalg.eigvalsh(repaired)[0] > 0


def test_a_constant_component_gets_a_share_of_the_mean_variance():
    repaired, added = jittered(np.diag([0.0, 2.0]))
    np.testing.assert_allclose(added[0] / added[1], 1 / 2, rtol=1e-12)
    assert root("test", "cov", repaired)[1]


def test_each_leading_index_is_repaired_by_itself():
    repaired, added = jittered(np.stack([np.eye(2), np.ones((2, 2))])[None])
    assert (repaired.shape, added.shape) == ((1, 2, 2, 2), (1, 2, 2))
    np.testing.assert_array_equal(added[0, 0], 0)
    assert np.all(added[0, 1] > 0)


def test_the_largest_share_itself_is_tried_and_what_the_message_says_would_do_does():
    cov = np.array([[1, 1 + 2e-9], [1 + 2e-9, 1]])
    np.testing.assert_array_equal(jittered(cov, largest=3e-9)[1], 3e-9)
    for matrix in (cov, np.ones((3, 3)), np.array([[1.0, 2], [2, 1]]), np.diag([-1.0, 1])):
        with pytest.raises(ValueError, match=r"largest = \S+ would do") as caught:
            jittered(matrix, largest=1e-20)
        named = float(str(caught.value).split("largest = ")[-1].split()[0])
        assert root("test", "cov", jittered(matrix, largest=named)[0])[1]


def test_the_matrix_of_a_batch_that_no_share_mends_is_named():
    cov = np.stack([np.eye(2), np.array([[1, 1.5], [1.5, 1]])])
    with pytest.raises(ValueError, match=r"do not make cov at leading index \(1,\) definite"):
        jittered(cov)


@pytest.mark.parametrize("shape", [(0, 0), (0, 2, 2), (3, 0, 0)])
def test_nothing_is_added_to_nothing(shape):
    repaired, added = jittered(np.zeros(shape))
    assert (repaired.shape, added.shape) == (shape, shape[:-1])


def test_a_covariance_of_zeros_has_no_share_to_add():
    with pytest.raises(ValueError, match="all variances of cov are zero"):
        jittered(np.zeros((2, 2)))


@pytest.mark.parametrize("largest", [0.0, -1e-8, np.nan, np.inf])
def test_a_share_is_positive(largest):
    with pytest.raises(ValueError, match="largest must be a positive share of the variances, but is"):
        jittered(np.ones((2, 2)), largest)


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    "cov", [np.array([[1, 0.2], [0.3, 1]]), np.array([[1.0, np.nan], [np.nan, 1.0]]), np.ones((2, 3))]
)
def test_what_no_jitter_mends_is_refused(cov):
    with pytest.raises(ValueError, match=r"jittered\(\): cov"):
        jittered(cov)
