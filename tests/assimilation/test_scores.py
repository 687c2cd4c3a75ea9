"""Scores against scipy, brute force and the integrals that define them; averages that know their error; lost runs."""

import re

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from mlpc.assimilation import FilterResult, KalmanFilter, Linear2D, Lorenz96, hidden, run, scores, twin_experiment
from mlpc.assimilation.filtering import Update
from mlpc.basics import Gaussian, monte_carlo_mean

SYSTEM = Linear2D()


def covariances(rng, batch, n):
    F = rng.normal(size=(*batch, n, n))
    return F @ F.mT + np.eye(n)


@st.composite
def beliefs(draw):
    """mean, cov and truth with any leading axes; the covariance may be shared."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    batch, n = draw(st.sampled_from([(), (3,), (2, 4)])), draw(st.integers(1, 4))
    shared = draw(st.integers(0, len(batch)))
    return rng.normal(size=(*batch, n)), covariances(rng, batch[shared:], n), rng.normal(size=(*batch, n))


# errors and spread


def test_rmse_is_of_each_cycle_and_its_mean_is_below_the_root_of_the_mean_square(rng):
    mean, x = rng.normal(size=(2, 5, 50, 3))
    errors = scores.rmse(mean, x)
    assert errors.shape == (5, 50)
    np.testing.assert_allclose(errors, np.linalg.norm(mean - x, axis=-1) / np.sqrt(3), rtol=1e-13)
    assert (errors.mean(axis=-1) < np.sqrt(((mean - x) ** 2).mean(axis=(-2, -1)))).all()


@pytest.mark.parametrize(("n", "factor"), [(1, np.sqrt(2 / np.pi)), (2, np.sqrt(np.pi) / 2)])
def test_the_two_means_differ_by_a_known_factor_for_isotropic_gaussian_errors(n, factor, rng):
    errors = scores.rmse(np.zeros((200_000, n)), rng.normal(size=(200_000, n)))
    np.testing.assert_allclose(errors.mean() / np.sqrt((errors**2).mean()), factor, rtol=5e-3)


def test_spread_is_the_rmse_to_be_expected(rng):
    std = rng.uniform(0.5, 2, size=(4, 3))
    x = std * rng.normal(size=(100_000, 4, 3))
    np.testing.assert_allclose(
        np.sqrt((scores.rmse(np.zeros((4, 3)), x) ** 2).mean(axis=0)), scores.spread(std), rtol=2e-2
    )
    np.testing.assert_allclose(scores.spread(std), np.sqrt((std**2).mean(axis=-1)), rtol=1e-13)


def test_climatology_is_the_error_of_the_mean_of_all(rng):
    x = rng.normal(size=(3, 200, 4)) * [1, 2, 3, 4] + 7
    flat = x.reshape(-1, 4)
    expected = np.sqrt((scores.rmse(flat.mean(axis=0), flat) ** 2).mean())
    np.testing.assert_allclose(scores.climatology(x), expected, rtol=1e-12)


# likelihood and NEES


@given(beliefs())
def test_nll_is_scipys_and_nees_its_quadratic_form(belief):
    mean, cov, x = belief
    of_cov = np.broadcast_to(cov, (*mean.shape, mean.shape[-1]))
    for kind in (np.asarray, torch.from_numpy):
        found, squared = scores.nll(*map(kind, belief)), scores.nees(*map(kind, belief))
        assert tuple(found.shape) == tuple(squared.shape) == mean.shape[:-1]
        for at in np.ndindex(mean.shape[:-1]):
            expected = -scipy.stats.multivariate_normal(mean[at], of_cov[at]).logpdf(x[at])
            np.testing.assert_allclose(found[at], expected, rtol=1e-10)
            d = x[at] - mean[at]
            np.testing.assert_allclose(squared[at], d @ np.linalg.inv(of_cov[at]) @ d, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [np.asarray, torch.asarray])
def test_no_ensemble_of_as_many_members_as_components_has_a_likelihood(rng, kind, dtype):
    """Rounding lets every third of their covariances have a Cholesky factor; in which units, does not matter."""
    for n in (2, 3, 8):
        for E in rng.normal(size=(30, n, n)) * 10.0 ** rng.uniform(-3, 3, (30, 1, n)):
            mean, cov = (kind(one.astype(dtype)) for one in (E.mean(0), np.cov(E.T)))
            for score in (scores.nll, scores.nees):
                with pytest.raises(ValueError, match=f"more than {n} members"):
                    score(mean, cov, mean)


def test_nll_is_least_for_the_right_moments(rng):
    law = Gaussian(np.array([1.0, 2.0]), np.array([[2.0, 0.5], [0.5, 1.0]]))
    x = law.sample(rng, 100_000)
    right = scores.nll(law.mean, law.cov, x).mean()
    np.testing.assert_allclose(right, law.entropy(), rtol=1e-2)
    for mean, cov in ((law.mean + 0.2, law.cov), (law.mean, 1.5 * law.cov), (law.mean, np.diag(np.diag(law.cov)))):
        assert scores.nll(mean, cov, x).mean() > right
    np.testing.assert_allclose(scores.nees(law.mean, law.cov, x).mean(), 2, rtol=2e-2)


def test_one_truth_can_be_scored_by_many_beliefs_and_many_truths_by_one(rng):
    mean, cov, x = rng.normal(size=(5, 2)), covariances(rng, (5,), 2), rng.normal(size=(7, 5, 2))
    np.testing.assert_allclose(
        scores.nll(mean, cov, x), scores.nll(*np.broadcast_arrays(mean, x)[:1], cov, x), rtol=1e-12
    )
    many, one = rng.normal(size=(7, 5, 2)), x[0]
    found = scores.nll(many, covariances(rng, (7, 5), 2), one)
    assert found.shape == (7, 5)
    assert scores.rmse(many, one).shape == (7, 5)
    several = covariances(rng, (7, 5), 2)
    alone = np.stack([scores.nll(mean, several[i], one) for i in range(7)])
    np.testing.assert_allclose(scores.nll(mean, several, one), alone, rtol=1e-12)


def test_gradients_pass_through_the_likelihood(rng):
    mean, cov, x = (
        torch.from_numpy(part) for part in (rng.normal(size=(4, 2)), covariances(rng, (4,), 2), rng.normal(size=(4, 2)))
    )
    mean.requires_grad_()
    scores.nll(mean, cov, x).sum().backward()
    np.testing.assert_allclose(mean.grad, torch.linalg.solve(cov, (mean - x).detach()[..., None])[..., 0], rtol=1e-10)


# CRPS


def crps_by_integration(cdf, x):
    """∫ (F(z) - 1[z >= x])² dz."""
    left = quad(lambda z: cdf(z) ** 2, -np.inf, x, limit=500)[0]
    return left + quad(lambda z: (1 - cdf(z)) ** 2, x, np.inf, limit=500)[0]


@pytest.mark.parametrize(("mean", "std", "x"), [(0.0, 1.0, 0.0), (1.0, 2.0, -3.0), (-2.0, 0.5, -1.9), (0.0, 1.0, 6.0)])
def test_crps_of_a_gaussian_is_the_integral_that_defines_it(mean, std, x):
    expected = crps_by_integration(scipy.stats.norm(mean, std).cdf, x)
    for kind in (np.array, torch.tensor):
        found = scores.crps_gaussian(kind([mean]), kind([std]), kind([x]))
        np.testing.assert_allclose(float(found), expected, rtol=1e-5)


def test_crps_of_certainty_is_the_distance_and_gradients_stay_finite():
    std = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
    mean, x = torch.tensor([1.0, 0.0]).double(), torch.tensor([3.0, 0.0]).double()
    score = scores.crps_gaussian(mean, std, x)
    np.testing.assert_allclose(score.item(), (2 + (np.sqrt(2) - 1) / np.sqrt(np.pi)) / 2, rtol=1e-12)
    score.backward()
    assert std.grad.isfinite().all()


@given(
    st.integers(1, 8), st.integers(1, 3), st.sampled_from([(), (4,), (2, 3)]), st.booleans(), st.integers(0, 2**32 - 1)
)
def test_crps_of_an_ensemble_is_the_mean_over_all_pairs(N, n, batch, ties, seed):
    rng = np.random.default_rng(seed)
    E, x = rng.normal(size=(*batch, N, n)), rng.normal(size=(*batch, n))
    if ties:
        E, x = E.round(), x.round()
    away = np.abs(E - x[..., None, :]).mean(axis=-2)
    pairs = np.abs(E[..., :, None, :] - E[..., None, :, :]).sum(axis=(-3, -2))
    for kind in (np.asarray, torch.from_numpy):
        plain = scores.crps(kind(E), kind(x), fair=False)
        np.testing.assert_allclose(plain, (away - pairs / (2 * N**2)).mean(-1), rtol=0, atol=1e-13)
        if N > 1:
            fair = scores.crps(kind(E), kind(x))
            np.testing.assert_allclose(fair, (away - pairs / (2 * N * (N - 1))).mean(-1), rtol=0, atol=1e-13)


def test_crps_of_the_members_themselves_is_the_integral_over_their_steps(rng):
    E, x = np.sort(rng.normal(size=5)), 0.3
    edges = np.sort(np.append(E, x))
    middles, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    F = (E[None, :] <= middles[:, None]).mean(axis=1)
    expected = (widths * (F - (middles >= x)) ** 2).sum()
    np.testing.assert_allclose(scores.crps(E[:, None], np.array([x]), fair=False), expected, rtol=1e-12)


def test_the_fair_score_has_no_bias_and_the_other_has_that_of_the_number_of_members(rng):
    N, draws = 4, 200_000
    E, x = rng.normal(size=(draws, N, 1)), rng.normal(size=(draws, 1))
    law = scores.crps_gaussian(np.zeros((draws, 1)), np.ones((draws, 1)), x)
    difference = monte_carlo_mean(scores.crps(E, x) - law)
    assert abs(difference.mean) < 5 * difference.standard_error
    bias = monte_carlo_mean(scores.crps(E, x, fair=False) - law)
    assert abs(bias.mean - 1 / (np.sqrt(np.pi) * N)) < 5 * bias.standard_error  # E|e - e'| / (2 N), e - e' ~ N(0, 2)


def test_crps_is_not_harmed_by_a_large_mean(rng):
    E, x = rng.normal(size=(20, 3)), rng.normal(size=3)
    shift = 2.0**30
    np.testing.assert_allclose(scores.crps(E + shift, x + shift), scores.crps(E, x), rtol=1e-5)


def test_crps_of_many_members_takes_no_square_of_their_number(rng):
    E, x = rng.normal(size=(300_000, 1)), np.zeros(1)
    np.testing.assert_allclose(scores.crps(E, x), (np.sqrt(2) - 1) / np.sqrt(np.pi), rtol=2e-2)


# ranks


def test_ranks_are_counted_as_they_are():
    E = np.array([[[0.0], [1.0], [2.0]]] * 4)
    found = scores.rank_histogram(E, np.array([[-1.0], [0.5], [0.7], [9.0]]))
    assert found.counts.tolist() == [1, 2, 0, 1]
    np.testing.assert_allclose(found.ratio * 3, scipy.stats.chisquare([1, 2, 0, 1]).statistic, rtol=1e-12)
    np.testing.assert_allclose(found.p_value, scipy.stats.chisquare([1, 2, 0, 1]).pvalue, rtol=1e-12)


def test_the_histogram_of_a_truth_among_its_equals_is_flat_and_p_values_are_uniform(rng):
    found = [scores.rank_histogram(rng.normal(size=(400, 5, 2)), rng.normal(size=(400, 2))).p_value for _ in range(200)]
    assert scipy.stats.kstest(found, "uniform").pvalue > 1e-4


def test_overconfidence_makes_a_bowl_and_bias_a_slope(rng):
    x = rng.normal(size=(4000, 1))
    bowl = scores.rank_histogram(0.5 * rng.normal(size=(4000, 9, 1)), x)
    slope = scores.rank_histogram(rng.normal(size=(4000, 9, 1)) - 0.5, x)
    assert bowl.counts[[0, -1]].min() > 2 * bowl.counts[4:6].max()
    assert slope.counts[-1] > 3 * slope.counts[0]
    assert max(bowl.p_value, slope.p_value) < 1e-6
    assert min(bowl.ratio, slope.ratio) > 2


def test_ties_get_each_of_their_ranks_as_often_and_are_made_again_from_the_generator(rng):
    E, x = np.zeros((30_000, 4, 1)), np.zeros((30_000, 1))
    E[:, 3] = 1.0  # three members equal the truth: ranks 0..3
    counts = scores.rank_histogram(E, x, rng).counts
    assert counts[4] == 0
    np.testing.assert_allclose(counts[:4], 7500, rtol=0.05)
    again = (scores.rank_histogram(E, x, np.random.default_rng(5)).counts for _ in range(2))
    np.testing.assert_array_equal(*again)


def test_rain_that_does_not_fall_has_a_flat_histogram(rng):
    """Members and truth of one law with an atom at zero."""
    E, x = (np.maximum(rng.normal(size=shape), 0) for shape in ((20_000, 5, 1), (20_000, 1)))
    assert scores.rank_histogram(E, x, rng).p_value > 1e-4
    assert scores.rank_histogram(torch.from_numpy(E), torch.from_numpy(x), rng).p_value > 1e-4


# innovations


def test_the_innovations_of_the_right_filter_are_uniform_in_their_p_value_and_of_a_wrong_one_are_not(seed):
    _, y = twin_experiment(SYSTEM, 150, np.random.default_rng(seed), batch=(300,))
    y = hidden(y, np.random.default_rng(seed + 1), 0.3)
    right = scores.innovation_chi2(run(KalmanFilter(SYSTEM), y).update, burn_in=10)
    assert right.ratio.shape == (300,)
    assert scipy.stats.kstest(right.p_value, "uniform").pvalue > 1e-4
    np.testing.assert_allclose(right.ratio.mean(), 1, atol=0.03)
    bold = scores.innovation_chi2(run(KalmanFilter(Linear2D(sigma_r=0.05)), y).update)
    shy = scores.innovation_chi2(run(KalmanFilter(Linear2D(sigma_r=0.2)), y).update)
    assert bold.ratio.min() > 1.5 > 0.7 > shy.ratio.max()
    assert bold.p_value.max() < 1e-4
    assert shy.p_value.min() > 1 - 1e-4


def test_nothing_seen_says_nothing_and_what_diverged_stays_nan():
    update = Update(
        np.zeros((3, 2)),
        np.zeros((3, 2, 1)),
        np.array([[0, 0], [1, 1], [1, np.nan]]),
        np.array([[0, 0], [1, 1], [1, np.nan]]),
    )
    found = scores.innovation_chi2(update)
    np.testing.assert_array_equal(np.isnan(found.ratio), [True, False, True])
    assert np.isnan(found.p_value[2])


# averages


def test_an_average_knows_that_cycles_depend_on_each_other(rng):
    """An autoregression of coefficient a has an error larger by √((1 + a) / (1 - a)) than independent cycles."""
    a, T = 0.8, 4000
    z = np.zeros((300, T))
    for t in range(1, T):
        z[:, t] = a * z[:, t - 1] + rng.normal(size=300)
    found = scores.average(3 + z, burn_in=100)
    assert found.mean.shape == found.standard_error.shape == (300,)
    np.testing.assert_allclose(found.mean, 3 + z[:, 100:].mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(np.sqrt((found.standard_error**2).mean()), found.mean.std(), rtol=0.25)
    naive = monte_carlo_mean(z[0, 100:])
    np.testing.assert_allclose(
        found.standard_error.mean() / naive.standard_error, np.sqrt((1 + a) / (1 - a)), rtol=0.25
    )


def test_the_average_of_a_run_that_diverged_is_nan_and_the_others_are_what_they_were(rng):
    values = rng.normal(size=(3, 2, 100))
    broken = values.copy()
    broken[1, 0, 50:] = np.nan
    broken[2, 1, 3] = np.inf
    whole, partly = scores.average(values), scores.average(torch.from_numpy(broken))
    dead = np.zeros((3, 2), bool)
    dead[1, 0] = dead[2, 1] = True
    for name in ("mean", "standard_error", "effective"):
        np.testing.assert_array_equal(np.isnan(getattr(partly, name)), dead)
        np.testing.assert_array_equal(getattr(partly, name)[~dead], getattr(whole, name)[~dead])
    assert scores.average(values[0, 0]).mean.shape == ()
    np.testing.assert_array_equal(scores.average(broken[2], burn_in=10).mean[1], values[2, 1, 10:].mean())


# runs that are lost


def test_a_filter_that_has_lost_the_truth_is_named(rng):
    """A free run of the same model ends at an error of the climatology or more, though it stays finite."""
    system = Lorenz96()
    x, _ = twin_experiment(system, 600, rng, batch=(2,))
    followed = x + 0.2 * rng.normal(size=x.shape)
    errors = np.stack([scores.rmse(followed, x)[:, 200:], scores.rmse(x[::-1], x)[:, 200:]])
    limit = scores.climatology(x) / 2
    assert 1.5 < limit < 2.1
    np.testing.assert_array_equal(scores.lost(errors, limit), [[False, False], [True, True]])
    assert scores.lost(torch.from_numpy(errors), float(limit)).tolist() == [[False, False], [True, True]]


def test_a_truth_that_is_lost_for_a_while_only_is_lost_and_one_bad_cycle_is_not():
    errors = np.full((5, 1000), 0.2)
    errors[1, 300:420] = 4
    errors[2, 500] = 50
    errors[3, 7] = np.nan
    errors[4, 7] = np.inf
    np.testing.assert_array_equal(scores.lost(errors, 1.8), [False, True, False, True, True])
    np.testing.assert_array_equal(scores.lost(errors, 1.8, window=1), [False, True, True, True, True])
    np.testing.assert_array_equal(scores.lost(errors, 1.8, window=10_000), [False, False, False, True, True])
    assert scores.lost(errors[0], 1.8).shape == ()


def test_long_series_in_single_precision_are_summed_in_double():
    assert not scores.lost(np.full(2_000_000, 1.79, np.float32), 1.8)


# NaN


def test_no_score_of_what_is_not_known_looks_like_a_number(rng):
    mean, cov, x = rng.normal(size=(4, 2)), covariances(rng, (4,), 2), rng.normal(size=(4, 2))
    E = rng.normal(size=(4, 5, 2))
    mean[1, 0] = cov[2, 0, 1] = E[1, 3, 0] = np.nan
    std = np.sqrt(np.diagonal(cov, 0, -2, -1)).copy()
    std[3, 1] = np.nan
    for kind in (np.asarray, torch.from_numpy):
        m, c, s, e, t = map(kind, (mean, cov, std, E, x))
        assert np.isnan(np.asarray(scores.rmse(m, t))).tolist() == [False, True, False, False]
        assert np.isnan(np.asarray(scores.spread(s))).tolist() == [False, False, False, True]
        assert np.isnan(np.asarray(scores.nll(m, c, t))).tolist() == [False, True, True, False]
        assert np.isnan(np.asarray(scores.nees(m, c, t))).tolist() == [False, True, True, False]
        assert np.isnan(np.asarray(scores.crps(e, t))).tolist() == [False, True, False, False]
        assert np.isnan(np.asarray(scores.crps_gaussian(m, s, t))).tolist() == [False, True, False, True]


def test_scores_of_a_run_that_diverged_are_nan(seed):
    x, y = twin_experiment(SYSTEM, 100, np.random.default_rng(seed), batch=(2,))
    y[1, 60] = 1e13
    result: FilterResult = run(KalmanFilter(SYSTEM), y)
    truth = x[:, 1:]
    for series in (
        scores.rmse(result.mean, truth),
        scores.spread(result.std),
        scores.nll(result.mean, result.cov, truth),
        scores.nees(result.mean, result.cov, truth),
        scores.crps_gaussian(result.mean, result.std, truth),
    ):
        assert np.isnan(series[1, 60:]).all()
        assert np.isfinite(series[:, :60]).all()
        assert np.isnan(scores.average(series).mean).tolist() == [False, True]
    assert scores.lost(scores.rmse(result.mean, truth), 1.0).tolist() == [False, True]
    assert np.isnan(scores.innovation_chi2(result.update).ratio).tolist() == [False, True]


# libraries


def test_numpy_and_torch_agree_in_both_precisions(rng):
    mean, cov, x, E = (
        rng.normal(size=(6, 3)),
        covariances(rng, (6,), 3),
        rng.normal(size=(6, 3)),
        rng.normal(size=(6, 9, 3)),
    )
    std = np.sqrt(np.diagonal(cov, 0, -2, -1)).copy()
    functions = [
        (scores.rmse, (mean, x)),
        (scores.spread, (std,)),
        (scores.nll, (mean, cov, x)),
        (scores.nees, (mean, cov, x)),
        (scores.crps, (E, x)),
        (scores.crps_gaussian, (mean, std, x)),
        (scores.climatology, (E,)),
    ]
    for function, arguments in functions:
        expected = function(*arguments)
        np.testing.assert_allclose(function(*map(torch.from_numpy, arguments)), expected, rtol=1e-12, atol=1e-14)
        for kind in (torch.from_numpy, np.asarray):
            single = function(*(kind(one.astype(np.float32)) for one in arguments))
            assert "float32" in str(single.dtype)
            np.testing.assert_allclose(single, expected, rtol=0, atol=1e-4)
        if function is not scores.climatology:
            np.testing.assert_allclose(function(*(one[2] for one in arguments)), expected[2], rtol=1e-12)


# errors

TWO, E = np.zeros((5, 2)), np.zeros((5, 3, 2))
SERIES = Update(np.zeros(9), np.zeros((9, 1)), np.zeros(9), np.zeros(9))
WRONG = {
    "a truth with x_0": (
        lambda: scores.rmse(TWO, np.zeros((6, 2))),
        "rmse(): x has shape (6, 2), but the estimates have (5, 2); x[..., 1:, :] would fit",
    ),
    "a batch with x_0": (lambda: scores.rmse(np.zeros((3, 5, 2)), np.zeros((3, 6, 2))), "x[..., 1:, :] would fit"),
    "another n": (
        lambda: scores.rmse(TWO, np.zeros((5, 3))),
        "rmse(): x has shape (5, 3), but the estimates have (5, 2)",
    ),
    "one time for all": (lambda: scores.rmse(TWO, np.zeros((1, 2))), "rmse(): x has shape (1, 2)"),
    "a number": (lambda: scores.rmse(np.zeros(()), np.zeros(())), "rmse(): x has shape ()"),
    "a covariance of another n": (
        lambda: scores.nll(TWO, np.eye(3), TWO),
        "nll(): cov has shape (3, 3), but (..., n, n) = (..., 2, 2)",
    ),
    "a covariance for another time": (
        lambda: scores.nees(TWO, np.stack([np.eye(2)] * 4), TWO),
        "nees(): cov[..., 0] has shape (4, 2)",
    ),
    "a singular covariance": (
        lambda: scores.nll(TWO, np.ones((2, 2)), TWO),
        "nll(): a covariance is not positive definite; an ensemble needs more than 2 members",
    ),
    "a singular covariance of tensors": (
        lambda: scores.nll(*map(torch.from_numpy, (TWO, np.zeros((2, 2)), TWO))),
        "nll(): a covariance is not positive definite",
    ),
    "an indefinite covariance": (
        lambda: scores.nees(TWO, np.diag([1.0, -1.0]), TWO),
        "nees(): a covariance is not positive definite",
    ),
    "a truth for one time of the covariances": (
        lambda: scores.nll(TWO[0], np.stack([np.eye(2)] * 4), TWO),
        "nll(): x has shape (5, 2), but the estimates have (4, 2); x[..., 1:, :] would fit",
    ),
    "one time for all covariances": (
        lambda: scores.nees(TWO[0], np.stack([np.eye(2)] * 4), TWO[:1]),
        "nees(): x has shape (1, 2), but the estimates have (4, 2)",
    ),
    "members without axes": (
        lambda: scores.crps(np.zeros(3), np.zeros(1)),
        "crps(): members has shape (3,), but (..., N, n) is needed",
    ),
    "a truth for other members": (
        lambda: scores.crps(E, np.zeros((6, 2))),
        "crps(): x has shape (6, 2), but the estimates have (5, 2); x[..., 1:",
    ),
    "a fair score of one": (
        lambda: scores.crps(E[:, :1], TWO),
        "crps(): a fair score needs 2 members, but N is 1; fair=False",
    ),
    "standard deviations of another n": (
        lambda: scores.crps_gaussian(TWO, np.ones((5, 3)), TWO),
        "crps_gaussian(): std has shape (5, 3)",
    ),
    "a truth for one time of the standard deviations": (
        lambda: scores.crps_gaussian(TWO[0], np.ones((4, 2)), TWO),
        "crps_gaussian(): x has shape (5, 2), but the estimates have (4, 2)",
    ),
    "a negative standard deviation": (
        lambda: scores.crps_gaussian(TWO, -np.ones(2), TWO),
        "crps_gaussian(): std must not be negative",
    ),
    "ranks of nobody": (
        lambda: scores.rank_histogram(E[:0], TWO[:0]),
        "rank_histogram(): members has shape (0, 3, 2), but (..., N, n) with a case is needed",
    ),
    "ties for a seed": (lambda: scores.rank_histogram(E, TWO, 0), "pass a numpy.random.Generator"),
    "a climatology of one time": (
        lambda: scores.climatology(np.ones(3)),
        "climatology(): x has shape (3,), but (..., T, n) is needed",
    ),
    "ranks of vectors": (
        lambda: scores.rank_histogram(np.zeros(3), np.zeros(1)),
        "rank_histogram(): members has shape (3,)",
    ),
    "ranks of another truth": (
        lambda: scores.rank_histogram(E, np.zeros((5, 1))),
        "rank_histogram(): x has shape (5, 1)",
    ),
    "ties": (
        lambda: scores.rank_histogram(E, TWO),
        "rank_histogram(): the truth equals members; rng must say which rank it gets",
    ),
    "ranks of NaN": (
        lambda: scores.rank_histogram(E * np.nan, TWO),
        "rank_histogram(): a number is not finite; leave out the cycles of runs",
    ),
    "ranks of a truth NaN": (
        lambda: scores.rank_histogram(E, TWO + np.inf),
        "rank_histogram(): a number is not finite",
    ),
    "few cycles": (
        lambda: scores.average(np.zeros(63)),
        "average(): 64 cycles or more are needed after the burn-in, but values of shape (63,) with burn_in=0 leave 63",
    ),
    "a long burn-in": (lambda: scores.average(np.zeros((2, 100)), burn_in=200), "with burn_in=200 leave 0"),
    "half a cycle of burn-in": (
        lambda: scores.average(np.zeros(100), burn_in=2.5),
        "average(): burn_in must be a whole number, but is 2.5",
    ),
    "half a cycle of window": (
        lambda: scores.lost(np.zeros(9), 1.0, window=2.5),
        "lost(): window must be a whole number, but is 2.5",
    ),
    "a negative burn-in": (lambda: scores.average(np.zeros(100), burn_in=-1), "average(): 64 cycles or more"),
    "a number for a series": (lambda: scores.average(np.zeros(())), "average(): 64 cycles or more"),
    "innovations without cycles": (
        lambda: scores.innovation_chi2(SERIES, burn_in=9),
        "innovation_chi2(): 1 cycles or more",
    ),
    "a limit of zero": (lambda: scores.lost(np.zeros(9), 0.0), "lost(): window must be 1 or more and limit positive"),
    "a limit NaN": (lambda: scores.lost(np.zeros(9), np.nan), "lost(): window must be 1 or more and limit positive"),
    "an empty window": (lambda: scores.lost(np.zeros(9), 1.0, window=0), "lost(): window must be 1 or more"),
    "no errors": (lambda: scores.lost(np.zeros((3, 0)), 1.0), "lost(): 1 cycles or more are needed"),
}


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_scored_is_refused_with_what_came(case):
    call, message = WRONG[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
