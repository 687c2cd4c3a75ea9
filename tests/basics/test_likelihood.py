"""Divergences, fitted Gaussians and errors of estimates against SciPy, scikit-learn, statsmodels and brute force."""

import itertools
import re

import numpy as np
import pytest
import scipy.stats
import sklearn.covariance
import statsmodels.api
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.datasets import load_digits, load_wine

from mlpc.basics import (
    Gaussian,
    cross_entropy,
    entropy,
    fisher_information,
    fit_gaussian,
    kl_divergence,
    sandwich_covariance,
    shrinkage_weight,
)


@st.composite
def pairs(draw):
    """Two stacks of distributions whose leading axes broadcast, with zeros that agree."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    k, batch = draw(st.integers(1, 6)), draw(st.sampled_from([(), (3,), (2, 3)]))
    weights = rng.gamma(draw(st.sampled_from([0.05, 1.0, 20.0])), size=(2, *batch, k)) + 1e-12
    seen = rng.uniform(size=k) < 0.8
    seen[0] = True
    q, p = weights * seen / (weights * seen).sum(axis=-1, keepdims=True)
    return q, p[0] if batch else p


# discrete distributions


@given(pairs())
def test_entropy_and_divergence_are_those_of_scipy(pair):
    q, p = pair
    p_everywhere = np.broadcast_to(p, q.shape)
    np.testing.assert_allclose(entropy(q), scipy.stats.entropy(q, axis=-1), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        kl_divergence(q, p), scipy.stats.entropy(q, p_everywhere, axis=-1), rtol=1e-9, atol=1e-12
    )


@given(pairs())
def test_cross_entropy_is_entropy_plus_divergence(pair):
    q, p = pair
    np.testing.assert_allclose(cross_entropy(q, p), entropy(q) + kl_divergence(q, p), rtol=1e-9, atol=1e-12)


@given(pairs())
def test_divergence_is_never_negative_and_zero_between_equals(pair):
    q, p = pair
    assert np.all(kl_divergence(q, p) >= 0)
    np.testing.assert_array_equal(kl_divergence(q, q), np.zeros(q.shape[:-1]))


@given(pairs(), st.integers(0, 2**32 - 1))
def test_a_channel_never_increases_a_divergence(pair, seed):
    """Data processing: whatever is done to the outcomes, they do not become easier to tell apart."""
    q, p = pair
    channel = np.random.default_rng(seed).dirichlet(np.ones(4), size=q.shape[-1])
    assert np.all(kl_divergence(q @ channel, p @ channel) <= kl_divergence(q, p) + 1e-12)


def test_divergence_agrees_with_fifty_digits_near_and_far():
    """Near zero the definition loses everything; far out p / q is smaller than the unit roundoff."""
    for exponent in (-3, -9, -30, -100):
        q = [sympy.Rational(1, 4), sympy.Rational(3, 4)]
        step = sympy.Rational(2) ** exponent
        for p in ([q[0] + step / 2, q[1] - step / 2], [step, 1 - step]):
            exact = sum(a * sympy.log(a / b) for a, b in zip(q, p, strict=True)).evalf(50)
            floats = np.array(p, dtype=float)
            rounded = sum(a * sympy.log(a / sympy.Rational(float(b))) for a, b in zip(q, p, strict=True)).evalf(50)
            computed = kl_divergence(np.array(q, dtype=float), floats)
            slack = 1e-15 * float(step) + 1e-9 * float(abs(rounded))
            assert abs(computed - float(rounded)) <= slack, (exponent, computed, exact)


def test_a_probability_at_the_edge_of_underflow_costs_nothing():
    """p / q overflows there, but its weight is nil."""
    almost_never = np.finfo(float).smallest_subnormal
    divergence = kl_divergence(np.array([almost_never, 1.0]), np.array([0.5, 0.5]))
    np.testing.assert_allclose(divergence, np.log(2), rtol=1e-15)


def test_excluded_outcomes_cost_infinity_or_nothing():
    q, p = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    assert kl_divergence(p, q) == cross_entropy(p, q) == np.inf
    np.testing.assert_allclose(kl_divergence(q, p), np.log(2), rtol=1e-15)
    assert entropy(q) == 0
    assert not np.signbit(entropy(q))


def test_single_precision_is_precise_enough_to_be_a_distribution(rng):
    q, p = rng.dirichlet(np.ones(300), size=2)
    single = kl_divergence(q.astype(np.float32), p.astype(np.float32))
    np.testing.assert_allclose(single, kl_divergence(q, p), rtol=1e-4)


def test_divergence_between_bins_tends_to_that_between_densities():
    """Quadrature: finely binned Gaussians against the closed form of `Gaussian.kl`."""
    edges = np.linspace(-15, 15, 6001)
    q, p = (np.diff(scipy.stats.norm.cdf(edges, *law)) for law in ((0.3, 1.1), (-0.5, 1.9)))
    closed = Gaussian(np.array([0.3]), np.array([[1.1**2]])).kl(Gaussian(np.array([-0.5]), np.array([[1.9**2]])))
    np.testing.assert_allclose(kl_divergence(q / q.sum(), p / p.sum()), closed, rtol=1e-5)


# the fitted Gaussian


@pytest.fixture
def points(rng):
    return rng.normal(size=(40, 3)) @ rng.normal(size=(3, 3)) + rng.normal(size=3)


def test_fit_is_that_of_scipy_and_of_numpy(points):
    fitted = fit_gaussian(points)
    mean, cov = scipy.stats.multivariate_normal.fit(points)
    np.testing.assert_allclose(fitted.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(fitted.cov, cov, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(fit_gaussian(points, unbiased=True).cov, np.cov(points.T), rtol=1e-10, atol=1e-13)


def test_no_other_gaussian_is_more_likely(points, rng):
    """An optimiser that knows nothing of the formula climbs to the same place, and the deficit is N times KL."""
    d, N = points.shape[1], len(points)
    lower = np.tril_indices(d)

    def gaussian(parameters):
        F = np.zeros((d, d))
        F[lower] = parameters[d:]
        return Gaussian(parameters[:d], F @ F.T)

    start = np.concatenate([points[0], np.diag(3 * np.ones(d))[lower]])
    for _ in range(3):  # a line search that fails is begun anew
        found = minimize(lambda parameters: -gaussian(parameters).log_density(points).mean(), start, method="BFGS")
        start = found.x
    fitted = fit_gaussian(points)
    best = fitted.log_density(points).sum()
    assert -1e-9 <= best + N * found.fun <= 1e-4
    for _ in range(5):
        other = gaussian(start + rng.normal(size=start.size) / 2)
        np.testing.assert_allclose(best - other.log_density(points).sum(), N * fitted.kl(other), rtol=1e-9)


def test_fit_follows_every_affine_map(points, rng):
    A, b = rng.normal(size=(3, 3)), rng.normal(size=3)
    there, back = fit_gaussian(points @ A.T + b), fit_gaussian(points)
    np.testing.assert_allclose(there.mean, A @ back.mean + b, rtol=1e-10)
    np.testing.assert_allclose(there.cov, A @ back.cov @ A.T, rtol=1e-9, atol=1e-12)


def test_the_mean_over_all_samples_of_an_urn_has_exactly_the_bias_of_the_text():
    """Every sample of three with replacement; where all three are equal the variance is zero, and the fit refused."""
    urn, N = np.array([-1.0, 0.5, 4.0]), 3
    samples = [np.array(sample)[:, None] for sample in itertools.product(urn, repeat=N)]
    fits = [fit_gaussian(x).cov.item() if np.ptp(x) else 0.0 for x in samples]
    np.testing.assert_allclose(np.mean(fits), (1 - 1 / N) * urn.var(), rtol=1e-13)
    corrected = [fit_gaussian(x, unbiased=True).cov.item() if np.ptp(x) else 0.0 for x in samples]
    np.testing.assert_allclose(np.mean(corrected), urn.var(), rtol=1e-13)


@pytest.mark.parametrize("rows", [5, 12, 60, 178])
def test_shrinkage_is_that_of_ledoit_and_wolf_in_scikit_learn(rows, rng):
    wine = load_wine().data
    x = (wine / wine.std(axis=0))[rng.permutation(len(wine))[:rows]]
    cov, weight = sklearn.covariance.ledoit_wolf(x)
    assert np.isclose(shrinkage_weight(x), weight, rtol=1e-10)
    np.testing.assert_allclose(fit_gaussian(x, shrinkage=weight).cov, cov, rtol=1e-10, atol=1e-13)


def test_a_full_weight_leaves_a_round_gaussian_of_the_same_trace(points):
    fitted, round_one = fit_gaussian(points), fit_gaussian(points, shrinkage=1.0)
    np.testing.assert_allclose(round_one.cov, np.trace(fitted.cov) / 3 * np.eye(3), rtol=1e-12)


def test_shrinkage_of_one_column_or_of_equal_points_is_nothing():
    assert shrinkage_weight(np.array([[1.0], [2.0], [4.0]])) == 0
    assert shrinkage_weight(np.ones((3, 2))) == 0


def test_the_weight_is_never_negative_and_always_one_that_the_fit_accepts(rng):
    """Points at equal distance from their mean have no noise to show: rounding alone decides on the sign of the sum."""
    for _ in range(50):
        corners = rng.normal() * np.kron(np.eye(4), [[1.0], [-1.0]])[:, :4]
        weight = shrinkage_weight(corners @ np.linalg.qr(rng.normal(size=(4, 4)))[0])
        assert 0 <= weight <= 1
        line = np.outer([-1.0, 1.0, -1.0, 1.0], rng.normal(size=4))
        assert 0 <= shrinkage_weight(line) < 1e-12


def test_constant_pixels_of_real_images_are_named_and_shrinkage_mends_them():
    x = load_digits().data
    constant = np.flatnonzero(np.ptp(x, axis=0) == 0)
    with pytest.raises(ValueError, match=re.escape(f"constant in columns {constant.tolist()}; leave them out")):
        fit_gaussian(x)
    assert np.isfinite(fit_gaussian(x, shrinkage=shrinkage_weight(x)).log_density(x)).all()


# how exactly parameters are known


def test_information_of_gaussian_draws_is_the_inverse_covariance(rng):
    cov = np.array([[2.0, 0.5], [0.5, 1.0]])
    draws = Gaussian(np.zeros(2), cov).sample(rng, 200_000)
    scores = np.linalg.solve(cov, draws.T).T
    np.testing.assert_allclose(fisher_information(scores), np.linalg.inv(cov), atol=0.02)


def test_information_of_a_discrete_model_is_exact_when_its_outcomes_are_listed():
    """Binomial with three tosses: information 3 / (θ (1 - θ)); each outcome as often as its probability says."""
    theta, outcomes = 0.25, np.repeat([0, 1, 2, 3], [27, 27, 9, 1])  # 64 draws
    scores = outcomes / theta - (3 - outcomes) / (1 - theta)
    np.testing.assert_allclose(fisher_information(scores[:, None]), [[3 / (theta * (1 - theta))]], rtol=1e-13)


def test_sandwich_of_least_squares_is_that_of_statsmodels(rng):
    Phi = np.column_stack([np.ones(50), rng.normal(size=(50, 2))])
    y = Phi @ [1.0, 2.0, 3.0] + Phi[:, 1] * rng.normal(size=50)
    residuals = y - Phi @ np.linalg.lstsq(Phi, y)[0]
    sandwich = sandwich_covariance(residuals[:, None] * Phi, -Phi.T @ Phi / 50)
    expected = statsmodels.api.OLS(y, Phi).fit(cov_type="HC0").cov_params()
    np.testing.assert_allclose(sandwich, expected, rtol=1e-9)


def test_sandwich_of_a_right_model_is_one_over_n_times_the_information(rng):
    x = rng.poisson(3.0, size=100_000)
    scores, hessian = x[:, None] / 3 - 1, np.array([[-x.mean() / 9]])
    np.testing.assert_allclose(sandwich_covariance(scores, hessian), [[3 / 1e5]], rtol=0.05)


def test_each_slice_of_a_batch_is_computed_alone(rng):
    scores, hessian = rng.normal(size=(4, 9, 2)), rng.normal(size=(4, 2, 2)) + 5 * np.eye(2)
    together = sandwich_covariance(scores, hessian)
    for i in range(4):
        np.testing.assert_allclose(together[i], sandwich_covariance(scores[i], hessian[i]), rtol=1e-12)
        np.testing.assert_allclose(fisher_information(scores)[i], fisher_information(scores[i]), rtol=1e-12)


def test_a_hessian_that_determines_nothing_is_refused():
    with pytest.raises(np.linalg.LinAlgError):
        sandwich_covariance(np.ones((3, 2)), np.zeros((2, 2)))


# errors

HALF = np.array([0.5, 0.5])
TIED = np.array([[0.0, 0.0, 1.0], [1.0, 2.0, 0.0], [2.0, 4.0, 3.0], [3.0, 6.0, 1.0]])
REFUSED = {
    "a negative probability": (
        kl_divergence,
        (HALF, np.array([1.5, -0.5])),
        {},
        "p must hold probabilities, but",
    ),
    "counts": (
        entropy,
        (np.array([3.0, 1.0]),),
        {},
        "q must sum to one along the last axis, but sums to 4.0; q /",
    ),
    "lengths differ": (
        cross_entropy,
        (HALF, np.ones(3) / 3),
        {},
        "p has shape (3,), but (..., k) = (..., 2) is needed",
    ),
    "NaN": (entropy, (np.array([np.nan, 1.0]),), {}, "q[0] is nan"),
    "complex probabilities": (
        entropy,
        (HALF + 0j,),
        {},
        "q has dtype complex128, but it must be real; q.real would be",
    ),
    "complex points": (fit_gaussian, (1j * np.eye(3, 2),), {}, "x has dtype complex128, but it must be real"),
    "no points": (fit_gaussian, (np.empty((0, 2)),), {}, "x has shape (0, 2), but (N, d) with at least one point"),
    "no columns": (shrinkage_weight, (np.empty((3, 0)),), {}, "x has shape (3, 0), but"),
    "a vector": (fit_gaussian, (np.ones(3),), {}, "x has shape (3,), but (..., N, d) is needed; x[..., None] or"),
    "a gap": (fit_gaussian, (np.array([[1.0], [np.nan]]),), {}, "x[1, 0] is nan"),
    "as many rows as columns": (fit_gaussian, (np.eye(3),), {}, "x has 3 rows for 3 columns, which leaves the covar"),
    "a constant column": (fit_gaussian, (TIED * [1, 0, 1] + 0.1,), {}, "x is constant in columns [1]; leave them out"),
    "columns that are tied": (
        fit_gaussian,
        (TIED,),
        {},
        "columns [0, 1] of x depend on each other linearly; leave",
    ),
    "a weight above one": (fit_gaussian, (TIED,), {"shrinkage": 1.5}, "shrinkage must lie between 0 and 1, but is 1.5"),
    "a weight that is NaN": (
        fit_gaussian,
        (TIED,),
        {"shrinkage": np.nan},
        "shrinkage must lie between 0 and 1, but",
    ),
    "one row without bias": (fit_gaussian, (np.ones((1, 2)),), {"unbiased": True}, "divides by N - 1, but x has N = 1"),
    "equal rows": (
        fit_gaussian,
        (np.full((3, 2), 0.1),),
        {"shrinkage": 0.5},
        "all rows of x are the same (3 of them), which leaves no scale; two rows must differ",
    ),
    "two rows": (
        fit_gaussian,
        (np.array([[0.0, 1.0], [2.0, 5.0]]),),
        {},
        "x has 2 rows for 2 columns, which leaves the covariance singular and the likelihood without a maximum; 3 rows "
        "are the fewest, or use a shrinkage above 0",
    ),
    "two rows for a weight": (
        shrinkage_weight,
        (np.array([[0.0, 1.0], [2.0, 5.0]]),),
        {},
        "x has shape (2, 2), but the noise of a covariance shows only from three rows on; choose a weight above 0",
    ),
    "no draws": (fisher_information, (np.empty((0, 2)),), {}, "scores has shape (0, 2), but at least one draw"),
    "a Hessian of another size": (
        sandwich_covariance,
        (np.ones((3, 2)), np.eye(3)),
        {},
        "hessian has shape (3, 3), but (..., p, p) = (..., 2, 2) is needed",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.usefixtures("production")
def test_what_cannot_be_computed_is_refused_with_what_was_asked_what_came_and_what_would_fit(case):
    function, arguments, named, message = REFUSED[case]
    with pytest.raises(ValueError, match=rf"^{function.__name__}\(\): .*{re.escape(message)}"):
        function(*arguments, **named)


def test_arguments_are_left_as_they_came(points):
    q, p = np.array([0.2, 0.8]), np.array([0.5, 0.5])
    before = [x.copy() for x in (points, q, p)]
    fit_gaussian(points, shrinkage=shrinkage_weight(points))
    kl_divergence(q, p)
    for x, copy in zip((points, q, p), before, strict=True):
        np.testing.assert_array_equal(x, copy)
