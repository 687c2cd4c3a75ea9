"""Factor analysis and probabilistic PCA against dense Gaussians, scikit-learn, and the closed form."""

import re
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
import sklearn.datasets
import sklearn.decomposition
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal

from mlpc.basics import Collapse, FactorAnalysis, best_fit, em_steps, fit_em
from mlpc.basics import factor_analysis as module

KINDS = pytest.mark.parametrize("isotropic", [False, True], ids=["diagonal", "isotropic"])
WINE = sklearn.datasets.load_wine().data


def random_model(rng, d, r, isotropic=False, regularisation=0.0):
    noise = rng.uniform(0.3, 2) if isotropic else rng.uniform(0.3, 2, size=d)
    return FactorAnalysis(rng.normal(size=d), rng.normal(size=(d, r)), noise, regularisation)


def clear_model(rng, r, isotropic=False):
    """A law of 6 columns of which each follows one factor clearly: no noise variance is near zero, and EM is quick."""
    loadings = np.kron(np.eye(r), np.ones((6 // r, 1))) * rng.uniform(1, 1.5, size=(6, 1)) * rng.choice([-1, 1], (6, 1))
    return FactorAnalysis(rng.normal(size=6), loadings, 1.0 if isotropic else rng.uniform(0.6, 1.5, size=6))


def with_gaps(rng, x, share=0.3):
    """The data with random entries hidden; the first row stays whole, so that no column is empty."""
    hidden = rng.random(x.shape) < share
    hidden[0] = False
    return np.where(hidden, np.nan, x)


def brute_log_density(mean, covariance, x):
    seen = ~np.isnan(x)
    return np.array(
        [
            multivariate_normal(mean[o], covariance[np.ix_(o, o)]).logpdf(row[o]) if o.any() else 0
            for o, row in zip(seen, x, strict=True)
        ]
    )


def brute_posterior(model, row):
    """Mean and covariance of z given what is there of a row, by conditioning the dense joint law of (z, x)."""
    o, W, r = ~np.isnan(row), model.loadings, model.loadings.shape[1]
    gain = W[o].T @ np.linalg.inv(model.covariance[np.ix_(o, o)])
    return gain @ (row[o] - model.mean[o]), np.eye(r) - gain @ W[o]


@dataclass(frozen=True)
class Problem:
    """A model, data of any small size that it might have made, with gaps, and a Generator."""

    seed: int
    d: int
    r: int
    isotropic: bool
    share: float
    regularisation: float

    def make(self):
        rng = np.random.default_rng(self.seed)
        model = random_model(rng, self.d, self.r, self.isotropic, self.regularisation)
        return model, with_gaps(rng, model.sample(rng, 30)[0], self.share), rng


PROBLEMS = st.builds(
    Problem,
    seed=st.integers(0, 2**32 - 1),
    d=st.integers(3, 5),
    r=st.integers(1, 2),
    isotropic=st.booleans(),
    share=st.sampled_from([0.0, 0.2, 0.5]),
    regularisation=st.sampled_from([0.0, 2.0]),
)


# the law


@given(PROBLEMS)
def test_density_is_that_of_the_dense_gaussian_for_the_entries_that_are_there(problem):
    model, x, _ = problem.make()
    np.testing.assert_allclose(
        model.log_density(x), brute_log_density(model.mean, model.covariance, x), rtol=1e-9, atol=1e-9
    )
    rows = (~np.isnan(x).all(axis=1)).sum()
    assert model.score(x) == pytest.approx(model.log_likelihood(x) / rows)


@given(PROBLEMS)
def test_posterior_is_the_conditional_law_of_the_dense_joint(problem):
    model, x, _ = problem.make()
    law = model.posterior(x)
    for i, row in enumerate(x):
        mean, cov = brute_posterior(model, row)
        np.testing.assert_allclose(law.mean[i], mean, rtol=0, atol=1e-9)
        np.testing.assert_allclose(law.cov[i], cov, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(model.predict(x), law.mean)


@given(PROBLEMS)
def test_fill_is_the_conditional_mean(problem):
    model, x, _ = problem.make()
    filled = model.fill(x)
    np.testing.assert_array_equal(filled[~np.isnan(x)], x[~np.isnan(x)])
    for row, whole in zip(x, filled, strict=True):
        o = ~np.isnan(row)
        gain = model.covariance[:, o] @ np.linalg.inv(model.covariance[np.ix_(o, o)])
        np.testing.assert_allclose(whole, model.mean + gain @ (row[o] - model.mean[o]), rtol=0, atol=1e-8)


@KINDS
def test_samples_have_the_moments_of_the_law(rng, isotropic):
    model, n = random_model(rng, 3, 2, isotropic), 40_000
    x, z = model.sample(rng, n)
    largest = model.covariance.max()
    np.testing.assert_allclose(x.mean(axis=0), model.mean, atol=5 * np.sqrt(largest / n))
    np.testing.assert_allclose(np.cov(x.T), model.covariance, atol=8 * largest / np.sqrt(n))
    np.testing.assert_allclose(np.cov(z.T), np.eye(2), atol=8 / np.sqrt(n))
    cross = (x - model.mean).T @ z / n
    np.testing.assert_allclose(cross, model.loadings, atol=8 * np.sqrt(largest / n))


def test_a_row_of_gaps_has_the_prior(rng):
    model, x = random_model(rng, 3, 2), np.full((2, 3), np.nan)
    x[1, 0] = 1.0
    law = model.posterior(x)
    np.testing.assert_array_equal(law.mean[0], 0)
    np.testing.assert_array_equal(law.cov[0], np.eye(2))
    assert model.log_density(x)[0] == 0
    np.testing.assert_array_equal(model.fill(x)[0], model.mean)


def test_a_huge_noise_ratio_costs_no_digits():
    """ψ from 1e-10 to 1e10: the density is that of exact rational arithmetic."""
    from fractions import Fraction

    w, psi, y = [3, 1], [Fraction(1, 2**33), Fraction(2**33)], [Fraction(3), Fraction(5)]
    model = FactorAnalysis(np.zeros(2), np.array([[3.0], [1.0]]), np.array([float(v) for v in psi]))
    a, b, c = w[0] ** 2 + psi[0], Fraction(w[0] * w[1]), w[1] ** 2 + psi[1]
    square = (c * y[0] ** 2 - 2 * b * y[0] * y[1] + a * y[1] ** 2) / (a * c - b**2)
    expected = -(2 * np.log(2 * np.pi) + np.log(float(a * c - b**2)) + float(square)) / 2
    assert model.log_density(np.array([[3.0, 5.0]]))[0] == pytest.approx(expected, rel=1e-9)


# the steps


@given(PROBLEMS)
@settings(max_examples=50)
def test_statistics_are_those_of_brute_force(problem):
    model, x, _ = problem.make()
    s, (d, r) = model.e_step(x), model.loadings.shape
    zz, yz, yy, prior, entropy = np.zeros((d, r + 1, r + 1)), np.zeros((d, r + 1)), np.zeros(d), 0.0, 0.0
    for row in x[~np.isnan(x).all(axis=1)]:
        mean, cov = brute_posterior(model, row)
        one = np.append(mean, 1)
        second = np.outer(one, one)
        second[:r, :r] += cov
        prior += np.trace(second[:r, :r])
        entropy += np.linalg.slogdet(2 * np.pi * np.e * cov)[1] / 2
        for j in np.flatnonzero(~np.isnan(row)):
            y = row[j] - model.mean[j]
            zz[j], yz[j], yy[j] = zz[j] + second, yz[j] + y * one, yy[j] + y**2
    np.testing.assert_allclose(s.zz, zz, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(s.yz, yz, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(s.yy, yy, rtol=1e-10)
    np.testing.assert_array_equal(s.counts, (~np.isnan(x)).sum(axis=0))
    assert s.prior == pytest.approx(prior)
    assert s.entropy == pytest.approx(entropy, abs=1e-7)
    assert s.log_likelihood == pytest.approx(model.log_likelihood(x), rel=1e-12)


@given(PROBLEMS, st.integers(0, 2**32 - 1))
def test_m_step_is_the_highest_bound(problem, seed):
    model, x, _ = problem.make()
    statistics, rng = model.e_step(x), np.random.default_rng(seed)
    best = model.m_step(statistics)
    other = FactorAnalysis(
        best.mean + 0.02 * rng.normal(size=best.mean.shape),
        best.loadings + 0.02 * rng.normal(size=best.loadings.shape),
        best.noise * np.exp(0.02 * rng.normal(size=best.noise.shape)),
        model.regularisation,
    )
    assert best.lower_bound(statistics) > other.lower_bound(statistics)
    assert best.lower_bound(statistics) >= model.lower_bound(statistics) - 1e-9


@given(PROBLEMS)
def test_bound_touches_the_likelihood_of_its_own_parameters_and_lies_below_that_of_others(problem):
    model, x, rng = problem.make()
    other = random_model(rng, *model.loadings.shape, problem.isotropic, model.regularisation)
    statistics = model.e_step(x)

    def log_prior(one):
        return -one.regularisation / 2 * (1 / np.broadcast_to(one.noise, one.mean.shape)).sum()

    assert model.lower_bound(statistics) == pytest.approx(model.log_likelihood(x) + log_prior(model), rel=1e-10)
    assert other.lower_bound(statistics) <= other.log_likelihood(x) + log_prior(other) + 1e-8


@given(PROBLEMS)
def test_likelihood_never_falls(problem):
    """With its log-prior; every step, relative to the bound, to 1e-9."""
    model, x, _ = problem.make()
    bounds = np.array([one.lower_bound(q) for one, q in islice(em_steps(model, x), 15)])
    assert np.all(np.diff(bounds) >= -1e-9 * np.maximum(1, np.abs(bounds[:-1])))


@KINDS
@pytest.mark.parametrize("regularisation", [0, 2.0])
def test_where_em_stops_with_gaps_the_likelihood_of_what_is_there_has_no_slope(rng, isotropic, regularisation):
    x = with_gaps(rng, clear_model(rng, 1, isotropic).sample(rng, 100)[0], 0.2)
    start = FactorAnalysis.from_data(x, 1, rng, isotropic=isotropic, regularisation=regularisation)
    model, history = fit_em(start, x, tol=1e-10, max_iterations=2000)
    assert history.converged

    def objective(theta):
        mean, loadings, noise = theta[:6], theta[6:12, None], np.broadcast_to(np.exp(theta[12:]), 6)
        prior = regularisation / 2 * (1 / noise).sum()
        return brute_log_density(mean, loadings @ loadings.T + np.diag(noise), x).sum() - prior

    def slope(one):
        theta = np.concatenate([one.mean, one.loadings.ravel(), np.log(np.atleast_1d(one.noise))])
        return np.abs(approx_fprime(theta, objective, 1e-6)).max()

    assert slope(model) < 2e-2 < 1 < slope(start)


def test_statistics_do_not_depend_on_the_size_of_blocks(rng, monkeypatch):
    model = random_model(rng, 5, 2)
    x = with_gaps(rng, model.sample(rng, 500)[0])
    whole = model.e_step(x)
    monkeypatch.setattr(module, "BLOCK", 1)
    blocked = model.e_step(x)
    for name in ("counts", "zz", "yz", "yy", "prior", "log_likelihood"):
        np.testing.assert_allclose(getattr(blocked, name), getattr(whole, name), rtol=1e-10, atol=1e-10)


# optima


@KINDS
@pytest.mark.parametrize("r", [1, 2])
def test_fit_reaches_the_likelihood_of_scikit_learn(rng, isotropic, r):
    x = clear_model(rng, r, isotropic).sample(rng, 300)[0]
    model, history = fit_em(
        FactorAnalysis.from_data(x, r, rng, isotropic=isotropic), x, tol=1e-12, max_iterations=20_000
    )
    assert history.converged
    np.testing.assert_allclose(model.mean, x.mean(axis=0), atol=1e-6)
    if isotropic:
        peer = sklearn.decomposition.PCA(r).fit(x)
        covariance = peer.get_covariance() * (len(x) - 1) / len(x)  # scikit-learn divides by n - 1
        expected = multivariate_normal(peer.mean_, covariance).logpdf(x).mean()
    else:
        peer = sklearn.decomposition.FactorAnalysis(r, tol=1e-10, max_iter=20_000, svd_method="lapack").fit(x)
        covariance, expected = peer.get_covariance(), peer.score(x)
    assert model.score(x) == pytest.approx(expected, abs=1e-7)
    np.testing.assert_allclose(model.covariance, covariance, atol=2e-3 * covariance.max())


def test_closed_form_is_that_of_scikit_learn_and_em_cannot_climb_from_it(rng):
    y = WINE / WINE.std(axis=0)
    for r in (1, 4, 12):
        model = FactorAnalysis.principal_components(y, r)
        peer = sklearn.decomposition.PCA(r).fit(y)
        np.testing.assert_allclose(model.covariance, peer.get_covariance() * (len(y) - 1) / len(y), rtol=0, atol=1e-10)
        better, history = fit_em(model, y, tol=0, max_iterations=5)
        np.testing.assert_allclose(history.lower_bounds, model.score(y), rtol=1e-12)
        np.testing.assert_allclose(better.covariance, model.covariance, rtol=0, atol=1e-9)
    start = FactorAnalysis.from_data(y, 4, rng, isotropic=True)
    fitted, _ = fit_em(start, y, tol=1e-13, max_iterations=20_000)
    assert fitted.score(y) == pytest.approx(FactorAnalysis.principal_components(y, 4).score(y), abs=1e-7)


@KINDS
def test_the_law_that_made_many_data_with_gaps_is_found_again(rng, isotropic):
    true = clear_model(rng, 1, isotropic)
    x = with_gaps(rng, true.sample(rng, 1000)[0], 0.2)
    starts = (FactorAnalysis.from_data(x, 1, rng, isotropic=isotropic) for _ in range(2))
    model, _ = best_fit(starts, x, tol=1e-6, max_iterations=200)
    np.testing.assert_allclose(model.covariance, true.covariance, atol=0.25 * true.covariance.max())
    np.testing.assert_allclose(model.mean, true.mean, atol=6 * np.sqrt(true.covariance.max() / 700))


# invariance


@KINDS
def test_turning_the_latent_space_changes_nothing_that_can_be_seen(rng, isotropic):
    model = random_model(rng, 4, 2, isotropic)
    x = with_gaps(rng, model.sample(rng, 50)[0])
    turn = np.linalg.qr(rng.normal(size=(2, 2)))[0]
    turned = FactorAnalysis(model.mean, model.loadings @ turn, model.noise)
    one, other = model.m_step(model.e_step(x)), turned.m_step(turned.e_step(x))
    np.testing.assert_allclose(other.covariance, one.covariance, atol=1e-10)
    np.testing.assert_allclose(other.loadings, one.loadings @ turn, atol=1e-9)


def test_units_do_not_matter_to_factor_analysis(rng):
    x, units, seed = with_gaps(rng, WINE[:, :5]), 10.0 ** np.arange(-4, 6, 2), int(rng.integers(1000))
    one, other = (
        fit_em(FactorAnalysis.from_data(y, 2, np.random.default_rng(seed)), y, tol=0, max_iterations=30)[0]
        for y in (x, x * units)
    )
    np.testing.assert_allclose(other.loadings, one.loadings * units[:, None], rtol=1e-6, atol=1e-9 * units.min())
    np.testing.assert_allclose(other.noise, one.noise * units**2, rtol=1e-6)


@KINDS
def test_rows_of_gaps_are_counted_and_change_nothing(rng, isotropic):
    x = with_gaps(rng, WINE[:60, :4], 0.2)
    empty = np.insert(x, [0, 30, 60], np.nan, axis=0)
    rows = int(np.isnan(x).all(axis=1).sum())
    start = FactorAnalysis.from_data(x, 1, rng, isotropic=isotropic)
    (model, history), (again, counted) = fit_em(start, x), fit_em(start, empty)
    assert (history.empty_rows, counted.empty_rows) == (rows, rows + 3)
    np.testing.assert_allclose(counted.lower_bounds, history.lower_bounds, rtol=1e-12)
    np.testing.assert_allclose(again.covariance, model.covariance, rtol=1e-10)
    assert again.score(empty) == pytest.approx(model.score(x), rel=1e-12)


def test_a_column_of_gaps_keeps_its_parameters(rng):
    model = random_model(rng, 4, 1)
    x = model.sample(rng, 40)[0]
    x[:, 2] = np.nan
    fitted, _ = fit_em(model, x)
    assert (fitted.mean[2], fitted.loadings[2, 0], fitted.noise[2]) == (
        model.mean[2],
        model.loadings[2, 0],
        model.noise[2],
    )
    rest = [0, 1, 3]
    alone, _ = fit_em(FactorAnalysis(model.mean[rest], model.loadings[rest], model.noise[rest]), x[:, rest])
    np.testing.assert_allclose(fitted.covariance[np.ix_(rest, rest)], alone.covariance, rtol=1e-10, atol=1e-12)


# collapse, and its cure


def heywood(rng):
    """Data of which one column is the latent variable itself."""
    z = rng.normal(size=(40, 1))
    return np.column_stack([z, z + rng.normal(size=(40, 1)), z + rng.normal(size=(40, 1))])


def test_regularisation_adds_what_it_says_and_keeps_the_noise_away_from_zero(rng):
    x = heywood(rng)
    loadings, noise = np.array([[1.0], [1.0], [1.0]]), np.array([1e-4, 1.0, 1.0])
    model, history = fit_em(FactorAnalysis(np.zeros(3), loadings, noise, regularisation=0.4), x, max_iterations=500)
    added = model.added_variance(history.statistics)
    np.testing.assert_allclose(added, np.full(3, 0.01), rtol=1e-14)
    plain = FactorAnalysis(np.zeros(3), loadings, noise).m_step(history.statistics)
    np.testing.assert_allclose(model.noise - plain.noise, added, rtol=1e-9)
    assert model.noise.min() >= 0.01 * (1 - 1e-9)


@KINDS
def test_noise_that_vanishes_is_an_error_that_names_the_column(rng, isotropic):
    z = rng.normal(size=(40, 1))
    x = z @ np.array([[1.0, 2.0, -1.0]])
    start = FactorAnalysis(np.zeros(3), np.array([[1.0], [2.0], [-1.0]]), 1e-6 if isotropic else np.full(3, 1e-6))
    where = "" if isotropic else r"of column \d "
    with pytest.raises(Collapse, match=rf"the noise variance {where}has vanished: .* or regularisation > 0 would work"):
        fit_em(start, x, tol=0, max_iterations=5000)
    if isotropic:
        with pytest.raises(Collapse, match="the noise variance has vanished"):
            FactorAnalysis.principal_components(x, 1)


# bad input


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((np.zeros(3), np.zeros((2, 1)), 1.0), "loadings has shape (2, 1), but (..., d, r) = (..., 3, r) is needed"),
        (
            (np.zeros(3), np.zeros(3), 1.0),
            "loadings has shape (3,), but (..., d, r) = (..., 3, r) is needed; loadings[..., None]",
        ),
        ((np.zeros(3), np.zeros((3, 1)), np.ones(2)), "noise has shape (2,), but (..., d) = (..., 3) is needed"),
        ((np.zeros((2, 3)), np.zeros((3, 1)), 1.0), "mean has shape (2, 3) and loadings (3, 1), but (d,) and (d, r)"),
        ((np.zeros(2), np.zeros((2, 1)), np.array([1.0, 0.0])), "noise must be positive, but its smallest entry is 0"),
        ((np.zeros(2), np.zeros((2, 1)), -1.0), "noise must be positive, but its smallest entry is -1"),
        ((np.array([np.nan, 0]), np.zeros((2, 1)), 1.0), "mean must hold finite numbers"),
        ((np.zeros(2), np.zeros((2, 1)), 1.0, np.nan), "regularisation is nan, but a number >= 0 is needed"),
    ],
)
@pytest.mark.usefixtures("production")
def test_parameters_that_are_no_model_are_refused(arguments, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        FactorAnalysis(*arguments)


@pytest.mark.parametrize(
    ("x", "r", "said"),
    [
        (WINE[:, :3], 3, "r is 3, but x has 3 columns; 1 to 2 latent variables would work"),
        (WINE[:, :3], 0, "r is 0, but x has 3 columns"),
        (WINE[:, :1], 1, "r is 1, but x has 1 column; factor analysis needs 2 at least"),
        (np.zeros((0, 3)), 1, "x has shape (0, 3), but at least one row"),
        (np.array([[1.0, 2.0, np.inf]]), 1, "x[0, 2] is inf"),
    ],
)
def test_data_that_do_not_fit_are_refused(rng, x, r, said):
    for make in (lambda: FactorAnalysis.from_data(x, r, rng), lambda: FactorAnalysis.principal_components(x, r)):
        with pytest.raises(ValueError, match=re.escape(said)):
            make()


def test_constant_and_empty_columns_and_gaps_where_none_may_be_are_named(rng):
    x = WINE[:20, :3].copy()
    x[:, 1] = 2.5
    with pytest.raises(ValueError, match=re.escape("column 1 of x is constant (2.5)")):
        FactorAnalysis.from_data(x, 1, rng)
    x[:, 1] = np.nan
    with pytest.raises(ValueError, match="column 1 of x holds only NaN"):
        FactorAnalysis.from_data(x, 1, rng)
    with pytest.raises(ValueError, match=re.escape("x must hold finite numbers, but x[0, 1] is nan")):
        FactorAnalysis.principal_components(x, 1)


@pytest.mark.usefixtures("production")
def test_data_of_another_width_are_refused(rng):
    model = random_model(rng, 3, 1)
    for ask in (model.e_step, model.log_density, model.score, model.posterior, model.fill):
        with pytest.raises(ValueError, match=re.escape("x has shape (3, 4), but (n, 3) is needed; x.T would fit")):
            ask(np.zeros((3, 4)))
