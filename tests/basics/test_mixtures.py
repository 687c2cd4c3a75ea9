"""Gaussian mixtures against scipy, scikit-learn, row-by-row brute force, and the laws of expectation-maximisation."""

import re
import tracemalloc
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
import sklearn.datasets
import sklearn.mixture
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from mlpc.basics import Collapse, GaussianMixture, best_fit, em_steps, fit_em, lower_bound
from mlpc.basics import components as component_kinds

KINDS = pytest.mark.parametrize("diagonal", [False, True], ids=["full", "diagonal"])
IRIS = sklearn.datasets.load_iris().data


def random_mixture(rng, K, d, diagonal=False, regularisation=0.0):
    roots = np.eye(d) + 0.5 * rng.normal(size=(K, d, d))
    covariances = rng.uniform(0.3, 2, size=(K, d)) if diagonal else roots @ roots.mT + 0.1 * np.eye(d)
    return GaussianMixture(rng.dirichlet(np.full(K, 5)), 2 * rng.normal(size=(K, d)), covariances, regularisation)


def with_gaps(rng, x, share=0.3):
    """The data with random entries hidden; the first row stays whole, so that no column is empty."""
    hidden = rng.random(x.shape) < share
    hidden[0] = False
    return np.where(hidden, np.nan, x)


def dense(model):
    return np.stack([np.diag(v) for v in model.covariances]) if model.diagonal else model.covariances


def brute_log_joint(model, x):
    """log π_k + log N(x_o | μ_o, Σ_oo), one row and one component at a time, by scipy."""
    joint = np.tile(np.log(model.weights), (len(x), 1))
    for i, row in enumerate(x):
        o = ~np.isnan(row)
        for k, (mean, cov) in enumerate(zip(model.means, dense(model), strict=True)):
            if o.any():
                joint[i, k] += multivariate_normal(mean[o], cov[np.ix_(o, o)]).logpdf(row[o])
    return joint


def brute_conditional(mean, cov, row):
    """Mean and covariance of a whole row given what is there of it."""
    o = ~np.isnan(row)
    gain = cov[:, o] @ np.linalg.inv(cov[np.ix_(o, o)])
    return mean + gain @ (row[o] - mean[o]), cov - gain @ cov[o], o


def brute_statistics(model, x):
    """Counts, means, scatters and the entropy of q, one row and one component at a time."""
    x = x[~np.isnan(x).all(axis=1)]
    joint = brute_log_joint(model, x)
    r = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    K, d = model.means.shape
    entropy, filled, spread = 0.0, np.zeros((len(x), K, d)), np.zeros((K, d, d))
    for i, row in enumerate(x):
        for k in range(K):
            filled[i, k], cov, o = brute_conditional(model.means[k], dense(model)[k], row)
            spread[k] += r[i, k] * cov
            log_det = np.linalg.slogdet(2 * np.pi * np.e * cov[np.ix_(~o, ~o)])[1] if not o.all() else 0
            entropy += r[i, k] * (log_det / 2 - np.log(r[i, k])) if r[i, k] > 0 else 0
    counts = r.sum(axis=0)
    means = np.einsum("ik,ikd->kd", r, filled) / counts[:, None]
    y = filled - means
    scatters = np.einsum("ik,ikd,ike->kde", r, y, y) + spread
    return counts, means, np.einsum("kdd->kd", scatters) if model.diagonal else scatters, entropy


def sklearn_from(start, **options):
    """scikit-learn's mixture with the same start and without its jitter."""
    precisions = 1 / start.covariances if start.diagonal else np.linalg.inv(start.covariances)
    return sklearn.mixture.GaussianMixture(
        len(start.weights),
        covariance_type="diag" if start.diagonal else "full",
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=precisions,
        reg_covar=0,
        init_params="random_from_data",
        **options,
    )


@dataclass(frozen=True)
class Problem:
    """A mixture, data of any small size that it might have made, with gaps, and a Generator."""

    seed: int
    K: int
    d: int
    n: int
    diagonal: bool
    share: float
    regularisation: float

    def make(self):
        rng = np.random.default_rng(self.seed)
        model = random_mixture(rng, self.K, self.d, self.diagonal, self.regularisation)
        return model, with_gaps(rng, model.sample(rng, self.n)[0], self.share), rng


def problems(regularised=False):
    regularisation = st.sampled_from([0.5, 3.0]) if regularised else st.just(0.0)
    sizes = (st.integers(1, 3), st.integers(1, 4), st.integers(25, 40))
    return st.builds(
        Problem, st.integers(0, 2**32 - 1), *sizes, st.booleans(), st.sampled_from([0.0, 0.2, 0.5]), regularisation
    )


# densities


@given(problems())
def test_log_joint_is_that_of_scipy_for_the_entries_that_are_there(problem):
    model, x, _ = problem.make()
    np.testing.assert_allclose(model.log_joint(x), brute_log_joint(model, x), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(
        model.log_density(x), logsumexp(brute_log_joint(model, x), axis=1), rtol=1e-10, atol=1e-9
    )
    assert model.log_likelihood(x) == pytest.approx(model.log_density(x).sum())


@KINDS
def test_density_integrates_to_one(rng, diagonal):
    model = random_mixture(rng, 3, 2, diagonal)
    axis = np.linspace(-15, 15, 401)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    assert np.exp(model.log_density(grid)).sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=1e-6)


@KINDS
def test_marginal_of_a_gap_is_the_integral_over_it(rng, diagonal):
    model = random_mixture(rng, 3, 2, diagonal)
    axis = np.linspace(-25, 25, 2001)
    line = np.column_stack([np.full(len(axis), 0.7), axis])
    integral = np.exp(model.log_density(line)).sum() * (axis[1] - axis[0])
    assert np.exp(model.log_density(np.array([[0.7, np.nan]])))[0] == pytest.approx(integral, rel=1e-8)


@given(problems())
def test_responsibilities_are_bayes_rule_and_predict_is_their_mode(problem):
    model, x, _ = problem.make()
    joint = np.exp(brute_log_joint(model, x))
    r = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.responsibilities(x), r, rtol=0, atol=1e-9)
    assert (model.responsibilities(x)[np.arange(len(x)), model.predict(x)] >= r.max(axis=1) - 1e-9).all()


def test_a_row_of_gaps_has_density_one_and_the_weights_as_responsibilities(rng):
    model, x = random_mixture(rng, 3, 2), np.array([[np.nan, np.nan], [1.0, 2.0]])
    assert model.log_density(x)[0] == pytest.approx(0, abs=1e-14)
    np.testing.assert_allclose(model.responsibilities(x)[0], model.weights, rtol=1e-14)
    np.testing.assert_allclose(model.fill(x)[0], model.weights @ model.means, rtol=1e-14)
    assert model.score(x) == pytest.approx(model.log_density(x)[1], rel=1e-14)


def test_far_from_everything_densities_underflow_and_responsibilities_do_not(rng):
    model = random_mixture(rng, 3, 2)
    far = np.array([[1e4, -1e4]])
    assert model.responsibilities(far).sum() == pytest.approx(1)
    assert np.isfinite(model.log_density(far)).all()
    assert model.e_step(np.vstack([far, model.means])).counts.sum() == pytest.approx(4)


@given(problems())
def test_fill_is_the_conditional_mean(problem):
    model, x, _ = problem.make()
    r = model.responsibilities(x)
    expected = [
        sum(r[i, k] * brute_conditional(model.means[k], dense(model)[k], row)[0] for k in range(len(model.weights)))
        if not np.isnan(row).all()
        else model.weights @ model.means
        for i, row in enumerate(x)
    ]
    np.testing.assert_allclose(model.fill(x), expected, rtol=0, atol=1e-8)
    np.testing.assert_array_equal(model.fill(x)[~np.isnan(x)], x[~np.isnan(x)])


@KINDS
def test_samples_have_the_moments_of_the_mixture(rng, diagonal):
    model, n = random_mixture(rng, 3, 2, diagonal), 40_000
    x, z = model.sample(rng, n)
    np.testing.assert_allclose(np.bincount(z, minlength=3) / n, model.weights, atol=5 * np.sqrt(0.25 / n))
    for k in range(3):
        mine = x[z == k]
        np.testing.assert_allclose(
            mine.mean(axis=0), model.means[k], atol=5 * np.sqrt(dense(model)[k].max() / len(mine))
        )
        np.testing.assert_allclose(np.cov(mine.T), dense(model)[k], atol=8 * dense(model)[k].max() / np.sqrt(len(mine)))


# the E step


@given(problems())
@settings(max_examples=50)
def test_statistics_are_those_of_brute_force(problem):
    model, x, _ = problem.make()
    statistics = model.e_step(x)
    counts, means, scatters, entropy = brute_statistics(model, x)
    np.testing.assert_allclose(statistics.counts, counts, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(statistics.means * counts[:, None], means * counts[:, None], rtol=0, atol=1e-7)
    np.testing.assert_allclose(statistics.scatters, scatters, rtol=0, atol=1e-6 * np.abs(scatters).max())
    assert statistics.entropy == pytest.approx(entropy, abs=1e-6)
    assert statistics.log_likelihood == pytest.approx(model.log_likelihood(x), rel=1e-11, abs=1e-9)


@KINDS
@pytest.mark.parametrize("share", [0, 0.3])
def test_statistics_do_not_depend_on_the_size_of_blocks(rng, monkeypatch, diagonal, share):
    model = random_mixture(rng, 3, 4, diagonal)
    x = with_gaps(rng, model.sample(rng, 1000)[0], share)
    whole = model.e_step(x)
    monkeypatch.setattr(component_kinds, "BLOCK", 1)  # 64 rows at a time
    blocked = model.e_step(x)
    for name in ("counts", "means", "scatters", "log_likelihood"):
        np.testing.assert_allclose(getattr(blocked, name), getattr(whole, name), rtol=1e-11)


def test_three_kinds_of_components_agree(rng, monkeypatch):
    """Diagonal covariances by expanded squares, by deviations, and as full matrices."""
    model = random_mixture(rng, 3, 4, diagonal=True)
    x = with_gaps(rng, model.sample(rng, 200)[0])
    expanded = model.e_step(x)
    full = GaussianMixture(model.weights, model.means, dense(model)).e_step(x)
    monkeypatch.setattr(component_kinds, "EXPANSION_ERROR", 0)
    monkeypatch.setattr(component_kinds, "ExpandedComponents", None)  # nothing asks for it now
    by_deviations = model.e_step(x)
    for one in (by_deviations, full):
        np.testing.assert_allclose(one.counts, expanded.counts, rtol=1e-11)
        np.testing.assert_allclose(one.means, expanded.means, rtol=1e-10, atol=1e-12)
        assert one.log_likelihood == pytest.approx(expanded.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(by_deviations.scatters, expanded.scatters, rtol=1e-10)
    np.testing.assert_allclose(np.einsum("kdd->kd", full.scatters), expanded.scatters, rtol=1e-10)


@KINDS
@pytest.mark.parametrize("offset", [0, 1e6])
def test_narrow_components_far_from_each_other_and_from_zero_lose_no_digits(rng, diagonal, offset):
    """Two groups of width 1e-4, 1000 apart, all in exact binary fractions: the answer is that of each alone."""
    width = 2.0**-13
    groups = width * rng.integers(-8, 9, size=(2, 50, 2))
    centres = np.array([[0.0, 0.0], [1000.0, -500.0]]) + offset
    x = np.concatenate([centres[0] + groups[0], centres[1] + groups[1]])
    covariance = (width * 4) ** 2 * (np.ones((2, 2)) if diagonal else np.stack([np.eye(2)] * 2))
    model = GaussianMixture(np.full(2, 0.5), centres, covariance).m_step(
        GaussianMixture(np.full(2, 0.5), centres, covariance).e_step(x)
    )
    for k in range(2):
        np.testing.assert_allclose(
            model.means[k] - centres[k], groups[k].mean(axis=0), rtol=0, atol=1e-9 * (1 + offset / 1e3)
        )
        np.testing.assert_allclose(
            dense(model)[k], np.cov(groups[k].T, bias=True) * (np.eye(2) if diagonal else 1), rtol=1e-6, atol=1e-16
        )


# the M step and the bound


@given(problems(regularised=True), st.integers(0, 2**32 - 1))
def test_m_step_is_the_highest_bound(problem, seed):
    model, x, _ = problem.make()
    statistics = model.e_step(x)
    best = model.m_step(statistics)
    rng = np.random.default_rng(seed)
    shift, turn = (
        0.03 * rng.normal(size=best.means.shape),
        np.eye(x.shape[1]) + 0.03 * rng.normal(size=(x.shape[1],) * 2),
    )
    weights = best.weights * np.exp(0.03 * rng.normal(size=best.weights.shape))
    covariances = best.covariances * np.exp(0.03 * rng.normal(size=best.covariances.shape))
    covariances = covariances if best.diagonal else turn @ best.covariances @ turn.T
    other = GaussianMixture(weights / weights.sum(), best.means + shift, covariances, model.regularisation)
    assert best.lower_bound(statistics) >= other.lower_bound(statistics) - 1e-9
    assert best.lower_bound(statistics) >= model.lower_bound(statistics) - 1e-9


@KINDS
def test_bound_of_any_other_parameters_is_the_sum_over_labels(rng, diagonal):
    """On whole rows, L(θ', q) from the statistics of q is L(θ', q) from its responsibilities."""
    model, other = random_mixture(rng, 3, 2, diagonal), random_mixture(rng, 3, 2, diagonal)
    x = model.sample(rng, 60)[0]
    statistics, q = model.e_step(x), model.responsibilities(x)
    assert other.lower_bound(statistics) == pytest.approx(lower_bound(other.log_joint(x), q), rel=1e-11)
    assert model.lower_bound(statistics) == pytest.approx(model.log_likelihood(x), rel=1e-13)
    kl = (q * np.log(q / other.responsibilities(x))).sum()
    assert other.log_likelihood(x) - other.lower_bound(statistics) == pytest.approx(kl, rel=1e-7, abs=1e-8)


@given(problems())
def test_bound_lies_below_the_likelihood_of_any_parameters(problem):
    model, x, rng = problem.make()
    other = random_mixture(rng, *model.means.shape, model.diagonal)
    assert other.lower_bound(model.e_step(x)) <= other.log_likelihood(x) + 1e-8
    assert model.lower_bound(model.e_step(x)) == pytest.approx(model.log_likelihood(x), abs=1e-8)


@given(problems(regularised=True))
@settings(max_examples=60)
def test_likelihood_never_falls(problem):
    """With its log-prior; every step, relative to the bound, to 1e-9."""
    model, x, _ = problem.make()
    bounds = []
    with suppress(Collapse):  # a component that made none of the rows is refused, not fitted
        for one, q in islice(em_steps(model, x), 15):
            bounds.append(one.lower_bound(q))
    bounds = np.array(bounds)
    assert np.all(np.diff(bounds) >= -1e-9 * np.maximum(1, np.abs(bounds[:-1])))


@KINDS
def test_one_step_on_whole_data_with_one_component_is_the_closed_form(rng, diagonal):
    x = rng.normal(size=(30, 3)) @ rng.normal(size=(3, 3)) + 5
    start = GaussianMixture(np.ones(1), np.zeros((1, 3)), np.ones((1, 3)) if diagonal else np.eye(3)[None])
    model, history = fit_em(start, x, tol=1e-12)
    np.testing.assert_allclose(model.means[0], x.mean(axis=0), rtol=1e-12)
    expected = np.cov(x.T, bias=True)
    np.testing.assert_allclose(
        model.covariances[0], np.diag(expected) if diagonal else expected, rtol=1e-10, atol=1e-12
    )
    assert len(history.lower_bounds) == 3
    assert history.lower_bounds[1] == pytest.approx(history.lower_bounds[2], rel=1e-12)


def free_parameters(model):
    """Unconstrained numbers for a mixture, and the mixture of such numbers."""
    K, d = model.means.shape
    lower = np.tril_indices(d)

    def unpack(theta):
        logits, means, rest = np.split(theta, [K, K + K * d])
        weights = np.exp(logits - logsumexp(logits))
        if model.diagonal:
            covariances = np.exp(rest.reshape(K, d))
        else:
            roots = np.zeros((K, d, d))
            roots[:, *lower] = rest.reshape(K, -1)
            covariances = roots @ roots.mT
        return GaussianMixture(weights, means.reshape(K, d), covariances, model.regularisation)

    rest = np.log(model.covariances) if model.diagonal else model.roots[:, *lower]
    return np.concatenate([np.log(model.weights), model.means.ravel(), rest.ravel()]), unpack


@KINDS
@pytest.mark.parametrize("regularisation", [0, 2.0])
def test_where_em_stops_with_gaps_the_likelihood_of_what_is_there_has_no_slope(rng, diagonal, regularisation):
    true = GaussianMixture(
        np.array([0.4, 0.6]), np.array([[-3.0, 0.0], [3.0, 1.0]]), np.stack([np.eye(2), [[1, 0.7], [0.7, 2]]])
    )
    x = with_gaps(rng, true.sample(rng, 120)[0], 0.25)
    start = GaussianMixture.from_data(x, 2, rng, diagonal=diagonal, regularisation=regularisation)
    model, history = fit_em(start, x, tol=1e-13, max_iterations=3000)
    assert history.converged

    def objective(theta):
        one = unpack(theta)
        return brute_objective(one, x)

    theta, unpack = free_parameters(model)
    start_slope = np.abs(approx_fprime(free_parameters(start)[0], objective, 1e-6)).max()
    assert np.abs(approx_fprime(theta, objective, 1e-6)).max() < 2e-2 < start_slope


def brute_objective(model, x):
    prior = sum(np.trace(np.linalg.inv(cov)) for cov in dense(model)) * model.regularisation / 2
    return logsumexp(brute_log_joint(model, x), axis=1).sum() - prior


# against scikit-learn


@KINDS
@pytest.mark.parametrize(("n", "d", "K"), [(300, 2, 3), (500, 5, 4), (80, 1, 2)])
def test_fit_is_that_of_scikit_learn_from_the_same_start(rng, diagonal, n, d, K):
    x = random_mixture(rng, K, d).sample(rng, n)[0]
    start = GaussianMixture.from_data(x, K, rng, diagonal=diagonal)
    peer = sklearn_from(start, tol=1e-5, max_iter=300).fit(x)
    model, history = fit_em(start, x, tol=1e-5, max_iterations=300)
    np.testing.assert_allclose(history.lower_bounds, peer.lower_bounds_, rtol=0, atol=1e-8)
    assert history.converged == peer.converged_
    assert model.score(x) == pytest.approx(peer.score(x), abs=1e-8)
    np.testing.assert_allclose(model.weights, peer.weights_, atol=1e-8)
    np.testing.assert_allclose(model.means, peer.means_, atol=1e-7)
    np.testing.assert_allclose(model.covariances, peer.covariances_, atol=1e-7)
    np.testing.assert_allclose(model.responsibilities(x), peer.predict_proba(x), atol=1e-7)
    assert (model.predict(x) == peer.predict(x)).mean() > 0.99


@KINDS
def test_no_more_memory_than_scikit_learn(rng, diagonal):
    x = random_mixture(rng, 8, 8).sample(rng, 20_000)[0]
    start = GaussianMixture.from_data(x, 8, rng, diagonal=diagonal)

    def peak(fit):
        tracemalloc.start()
        try:
            fit()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    ours = peak(lambda: fit_em(start, x, tol=0, max_iterations=2))
    with pytest.warns(sklearn.exceptions.ConvergenceWarning):
        theirs = peak(lambda: sklearn_from(start, tol=0, max_iter=2).fit(x))
    assert ours < 0.8 * theirs


# invariance


@given(problems())
def test_order_of_rows_columns_and_components_does_not_matter(problem):
    model, x, rng = problem.make()
    rows, columns, labels = (rng.permutation(size) for size in (*x.shape, len(model.weights)))
    covariances = model.covariances[labels][..., columns]
    shuffled = GaussianMixture(
        model.weights[labels],
        model.means[labels][:, columns],
        covariances if model.diagonal else covariances[:, columns],
    )
    one, other = model.e_step(x), shuffled.e_step(x[rows][:, columns])
    np.testing.assert_allclose(other.counts, one.counts[labels], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(other.means, one.means[labels][:, columns], rtol=1e-6, atol=1e-8)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-10, abs=1e-9)


@KINDS
def test_units_do_not_matter(rng, diagonal):
    x = with_gaps(rng, IRIS[:100], 0.1)
    units, seed = np.array([1e3, 1e-3, 1.0, 1e6]), int(rng.integers(1000))
    fits = [
        fit_em(GaussianMixture.from_data(y, 2, np.random.default_rng(seed), diagonal=diagonal), y, tol=1e-8)
        for y in (x, x * units)
    ]
    np.testing.assert_allclose(fits[1][0].means, fits[0][0].means * units, rtol=1e-6)
    entries = (~np.isnan(x)).sum(axis=0) @ np.log(units) / (~np.isnan(x)).any(axis=1).sum()
    np.testing.assert_allclose(fits[1][1].lower_bounds, fits[0][1].lower_bounds - entries, rtol=0, atol=1e-8)


@KINDS
def test_rows_of_gaps_are_counted_and_change_nothing(rng, diagonal):
    x = with_gaps(rng, IRIS, 0.2)
    empty = np.insert(x, [0, 70, 150, 150], np.nan, axis=0)
    rows = np.isnan(x).all(axis=1).sum()
    start = GaussianMixture.from_data(x, 2, rng, diagonal=diagonal)
    model, history = fit_em(start, x)
    again, counted = fit_em(start, empty)
    assert (history.empty_rows, counted.empty_rows) == (rows, rows + 4)
    np.testing.assert_allclose(counted.lower_bounds, history.lower_bounds, rtol=1e-12)
    np.testing.assert_allclose(again.covariances, model.covariances, rtol=1e-10, atol=1e-12)
    assert again.score(empty) == pytest.approx(model.score(x), rel=1e-12)
    seed = int(rng.integers(1000))
    starts = [GaussianMixture.from_data(y, 2, np.random.default_rng(seed)).means for y in (x, empty)]
    np.testing.assert_allclose(*starts, rtol=1e-12)


def test_gaps_are_filled_better_by_correlated_columns_than_by_their_means(rng):
    whole = random_mixture(rng, 1, 3).sample(rng, 400)[0]
    whole[:, 2] = whole[:, 0] - whole[:, 1] + 0.1 * rng.normal(size=400)
    x = with_gaps(rng, whole, 0.2)
    model, _ = fit_em(GaussianMixture.from_data(x, 1, rng), x, tol=1e-6, max_iterations=500)
    hidden = np.isnan(x)
    error = model.fill(x)[hidden] - whole[hidden]
    plain = np.where(hidden, np.nanmean(x, axis=0), x)[hidden] - whole[hidden]
    assert np.mean(error**2) < 0.7 * np.mean(plain**2)
    np.testing.assert_allclose(model.covariances[0], np.cov(whole.T), atol=0.35 * np.cov(whole.T).max())


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, bool])
@pytest.mark.usefixtures("production")
def test_any_real_dtype_is_computed_in_float64(dtype):
    x = np.array([[0, 1], [1, 0], [1, 1], [0, 0], [1, 0]]).astype(dtype)
    start = GaussianMixture(np.ones(1), np.zeros((1, 2)), np.ones((1, 2)))
    model, _ = fit_em(start, x)
    np.testing.assert_allclose(model.means[0], x.astype(float).mean(axis=0), rtol=1e-14)
    assert model.means.dtype == np.float64


def test_arguments_are_left_as_they_came_and_fields_cannot_be_written(rng):
    x, (weights, means, covariances) = with_gaps(rng, IRIS), (np.ones(1), IRIS[:1].copy(), np.ones((1, 4)))
    copies = [one.copy() for one in (x, weights, means, covariances)]
    model = GaussianMixture(weights, means, covariances)
    fit_em(model, x)
    model.fill(x)
    for one, copy in zip((x, weights, means, covariances), copies, strict=True):
        np.testing.assert_array_equal(one, copy)
    means[:] = 7
    np.testing.assert_array_equal(model.means, copies[2])
    with pytest.raises(ValueError, match="read-only"):
        model.means[0] = 0


# collapse, and its cures


@KINDS
def test_a_component_on_one_flower_collapses_and_the_error_names_it(rng, diagonal):
    start = GaussianMixture.from_data(IRIS, 3, rng, diagonal=diagonal)
    covariances, means = start.covariances.copy(), start.means.copy()
    covariances[1], means[1] = 1e-8 * (np.ones(4) if diagonal else np.eye(4)), IRIS[41]
    with pytest.raises(Collapse) as raised:
        fit_em(GaussianMixture(start.weights, means, covariances), IRIS)
    assert re.search(
        r"component 1 has collapsed: it holds 1 of 150 rows, and the smallest eigenvalue of its covariance is -?\S+; "
        r"fewer components than 3, another start or regularisation=0.0\d would work",
        str(raised.value),
    )
    cure = float(re.search(r"regularisation=(\S+)", str(raised.value))[1])
    model, history = fit_em(GaussianMixture(start.weights, means, covariances, cure), IRIS, max_iterations=500)
    assert history.converged
    added = model.added_variance(history.statistics)
    np.testing.assert_allclose(added, cure / history.statistics.counts, rtol=1e-14)
    variances = np.linalg.eigvalsh(dense(model)).min(axis=1)
    assert np.all(variances >= added * (1 - 1e-9))


@KINDS
def test_many_components_for_few_flowers_end_in_a_mixture_or_in_a_collapse_that_is_told(rng, diagonal):
    """Columns rounded to a millimetre make covariances singular step by step; no other error may come of it."""
    told = []
    for K in np.repeat([3, 7, 20], 8).tolist():
        try:
            model, history = fit_em(GaussianMixture.from_data(IRIS, K, rng, diagonal=diagonal), IRIS, max_iterations=60)
        except Collapse as error:
            told.append(str(error))
            continue
        scaled = dense(model) / IRIS.std(axis=0) / IRIS.std(axis=0)[:, None]
        assert np.linalg.eigvalsh(scaled).min() > 0
        assert np.all(np.diff(history.lower_bounds) > -1e-9)
    assert told
    assert all(re.search(r"component \d+ has collapsed: it holds \S+ of 150 rows", one) for one in told)


def test_regularisation_is_what_the_covariances_have_more_than_the_scatters(rng):
    model = random_mixture(rng, 3, 2, regularisation=0.7)
    x = model.sample(rng, 100)[0]
    statistics = model.e_step(x)
    plain = GaussianMixture(model.weights, model.means, model.covariances).m_step(statistics).covariances
    added = model.m_step(statistics).covariances - plain
    np.testing.assert_allclose(added, model.added_variance(statistics)[:, None, None] * np.eye(2), atol=1e-12)
    assert not GaussianMixture(model.weights, model.means, model.covariances).added_variance(statistics).any()


@pytest.mark.parametrize("rank", [0, 1])
def test_a_component_whose_rows_lie_on_a_line_or_a_point_collapses(rng, rank):
    line = rng.normal(size=(40, rank)) @ rng.normal(size=(rank, 2)) + 100
    x = np.concatenate([rng.normal(size=(40, 2)), line])
    means = np.stack([x[:40].mean(axis=0), line.mean(axis=0)])
    start = GaussianMixture(np.full(2, 0.5), means, np.stack([np.eye(2)] * 2))
    with pytest.raises(Collapse, match="component 1 has collapsed: it holds 40 of 80 rows"):
        fit_em(start, x)


@KINDS
def test_a_constant_column_is_named(rng, diagonal):
    x = np.column_stack([rng.normal(size=20), np.full(20, 3.7)])
    start = GaussianMixture(np.full(2, 0.5), x[:2], np.ones((2, 2)) if diagonal else np.stack([np.eye(2)] * 2))
    with pytest.raises(Collapse, match="leaving out column 1 of x, which is constant"):
        fit_em(start, x, max_iterations=500)


def test_a_component_that_holds_nothing_is_named(rng):
    start = GaussianMixture(np.full(2, 0.5), np.array([[0.0], [1e6]]), np.ones((2, 1)))
    with pytest.raises(Collapse, match="component 1 has lost its rows: it holds 0 of 30"):
        fit_em(start, rng.normal(size=(30, 1)))


def test_more_components_than_rows_are_refused(rng):
    start = random_mixture(rng, 5, 2, diagonal=True)
    with pytest.raises(ValueError, match="x has 3 rows for 5 components; at most 3 components would work"):
        fit_em(start, rng.normal(size=(3, 2)))


def test_too_few_rows_for_a_full_covariance_are_no_collapse_of_a_diagonal_one(rng):
    x = rng.normal(size=(4, 6))
    with pytest.raises(ValueError, match="4 rows about 1 centres give no full covariance of 6 columns"):
        GaussianMixture.from_data(x, 1, rng)
    model, _ = fit_em(GaussianMixture.from_data(x, 1, rng, diagonal=True), x)
    np.testing.assert_allclose(model.covariances[0], x.var(axis=0), rtol=1e-10)
    assert fit_em(GaussianMixture.from_data(x, 1, rng, regularisation=1.0), x)[1].converged


# starts and restarts


@KINDS
def test_restarts_find_the_groups_that_are_there(rng, diagonal):
    centres = 12 * np.array([[0, 0], [1, 0], [0, 1], [1, 1], [2, 2]])
    labels = rng.integers(5, size=400)
    x = centres[labels] + rng.normal(size=(400, 2))
    starts = (GaussianMixture.from_data(x, 5, rng, diagonal=diagonal) for _ in range(10))
    model, history = best_fit(starts, x, tol=1e-6)
    found = model.means[np.lexsort(np.round(model.means / 12).T)]
    np.testing.assert_allclose(found, centres[np.lexsort(centres.T)], atol=0.6)
    assert np.nanmax(history.restarts) == history.lower_bounds[-1]


def test_a_start_is_made_by_the_generator_alone():
    def means(seed):
        return GaussianMixture.from_data(IRIS, 3, np.random.default_rng(seed)).means

    np.testing.assert_array_equal(means(5), means(5))
    assert len({means(seed).tobytes() for seed in range(8)}) > 1


# bad input


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.zeros(3), "x has shape (3,), but (n, 2) is needed"),
        (np.zeros((2, 3)), "x has shape (2, 3), but (n, 2) is needed; x.T would fit"),
        (np.zeros((0, 2)), "x has shape (0, 2), but at least one row"),
        (np.array([[0, np.inf], [0, 0]]), "x[0, 1] is inf"),
        (np.full((3, 2), np.nan), "all entries of x are NaN"),
        (np.array([["a", "b"]]), "x has dtype <U1"),
        (np.zeros((2, 2), complex), "x has dtype complex128"),
        (np.ma.masked_array(np.zeros((2, 2))), "x.filled(np.nan)"),
    ],
)
@pytest.mark.usefixtures("production")
def test_data_that_do_not_fit_are_refused(rng, x, said):
    model = random_mixture(rng, 2, 2)
    for ask in (model.e_step, model.log_joint, model.score, model.predict, model.fill):
        with pytest.raises(ValueError, match=re.escape(said)):
            ask(x)


ONE, TWO = np.ones(1), np.full(2, 0.5)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((TWO, np.zeros((3, 2)), np.ones((3, 2))), ValueError, "means has shape (3, 2), but (..., K, d) = (..., 2, d)"),
        ((ONE, np.zeros((1, 2)), np.ones((1, 3))), ValueError, "covariances has shape (1, 3)"),
        ((ONE, np.zeros((1, 2)), np.ones((1, 3, 3))), ValueError, "covariances has shape (1, 3, 3)"),
        ((ONE, np.zeros((1, 0)), np.ones((1, 0))), ValueError, "means has shape (1, 0)"),
        ((ONE, np.array([[np.nan]]), np.ones((1, 1))), ValueError, "means must hold finite numbers"),
        ((np.array([0.5, 0.6]), np.zeros((2, 1)), np.ones((2, 1))), ValueError, "weights must be positive with sum 1"),
        ((np.array([1.0, 0.0]), np.zeros((2, 1)), np.ones((2, 1))), ValueError, "weights must be positive with sum 1"),
        ((ONE, np.zeros((1, 1)), np.zeros((1, 1))), ValueError, "covariances[0, 0] is 0.0, but a variance is positive"),
        ((ONE, np.zeros((1, 2)), np.array([[[1, 0.5], [0, 1]]])), ValueError, "covariances must be symmetric"),
        (
            (ONE, np.zeros((1, 2)), np.array([[[1, 2], [2, 1]]])),
            ValueError,
            "covariances must be positive semidefinite",
        ),
        ((ONE, np.zeros((1, 2)), np.ones((1, 2, 2))), np.linalg.LinAlgError, "its rank is 1 of 2"),
        ((ONE, np.zeros((1, 1)), np.ones((1, 1)), -1.0), ValueError, "regularisation is -1.0, but a number >= 0"),
    ],
)
@pytest.mark.usefixtures("production")
def test_parameters_that_are_no_mixture_are_refused(arguments, error, said):
    with pytest.raises(error, match=re.escape(said)):
        GaussianMixture(*arguments)


@pytest.mark.parametrize(
    ("x", "K", "said"),
    [
        (IRIS, 0, "K is 0, but x has 150 rows with numbers; 1 to 150 would work"),
        (IRIS[::40], 5, "K is 5, but x has 4 rows with numbers; 1 to 4 would work"),
        (np.tile([[0.0], [1.0]], (5, 1)), 3, "K is 3, but x has 2 distinct rows; 1 to 2 would work"),
        (np.column_stack([IRIS, np.ones(150)]), 2, "column 4 of x is constant (1)"),
        (np.column_stack([IRIS, np.full(150, np.nan)]), 2, "column 4 of x holds only NaN"),
    ],
)
def test_starts_that_cannot_be_made_are_refused(rng, x, K, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        GaussianMixture.from_data(x, K, rng)
