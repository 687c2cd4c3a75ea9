"""Means with errors, Bayes' rule and the two variances against scipy, pandas, brute force and known laws."""

import numpy as np
import pandas as pd
import pytest
import scipy.signal
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from mlpc.basics import bayes_update, monte_carlo_mean, total_variance

# means


def test_standard_error_is_that_of_scipy(rng):
    samples = rng.exponential(size=(50, 3, 2))
    computed = monte_carlo_mean(samples)
    np.testing.assert_allclose(computed.mean, np.mean(samples, axis=0), rtol=1e-14)
    np.testing.assert_allclose(computed.standard_error, scipy.stats.sem(samples), rtol=1e-13)
    np.testing.assert_allclose(computed.effective, 50)


def test_two_standard_errors_cover_the_expectation_as_often_as_the_normal_law_says(rng):
    samples = rng.exponential(size=(400, 5000))
    computed = monte_carlo_mean(samples)
    covered = np.mean(np.abs(computed.mean - 1) < 2 * computed.standard_error)
    normal = scipy.stats.norm.cdf(2) - scipy.stats.norm.cdf(-2)
    assert covered == pytest.approx(normal, abs=0.02)  # 0.003 from the draws, the rest from the skew of the samples


@pytest.mark.parametrize("a", [0.0, 0.8, -0.5])
def test_correlated_error_is_that_of_the_autoregression(rng, a):
    n = 20_000
    noise = rng.normal(size=(n, 64))
    series = scipy.signal.lfilter([1], [1, -a], noise, axis=0)[n // 10 :]
    true = 1 / (1 - a) / np.sqrt(len(series))  # long-run variance of an AR(1) with unit noise
    computed = monte_carlo_mean(series, correlated=True)
    assert computed.standard_error.mean() == pytest.approx(true, rel=0.06)
    assert np.std(computed.mean) == pytest.approx(true, rel=0.35)
    gain = (1 - a) / (1 + a)
    assert np.median(computed.effective) / len(series) == pytest.approx(gain, rel=0.15)


def test_error_of_correlated_samples_taken_as_independent_is_too_small(rng):
    series = scipy.signal.lfilter([1], [1, -0.9], rng.normal(size=(10_000, 16)), axis=0)
    naive, honest = (monte_carlo_mean(series, correlated=known).standard_error for known in (False, True))
    assert (honest > 2.5 * naive).all()


def test_equal_samples_have_no_error_and_no_effective_number():
    computed = monte_carlo_mean(np.full(5, 3.0))
    assert computed.standard_error == 0
    assert np.isnan(computed.effective)


@pytest.mark.parametrize(
    ("samples", "correlated", "message"),
    [
        ([1.0], False, r"samples has shape \(1,\), but 2 or more independent ones are needed"),
        (3.0, False, r"samples has shape \(\), but 2 or more"),
        (np.ones(63), True, r"64 or more correlated ones are needed"),
        ([1.0, np.nan], False, r"samples must hold finite numbers, but samples\[1\] is nan"),
    ],
)
@pytest.mark.usefixtures("production")
def test_a_mean_that_has_no_error_is_refused(samples, correlated, message):
    with pytest.raises(ValueError, match=message):
        monte_carlo_mean(samples, correlated=correlated)


# Bayes' rule


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_posterior_is_the_normalised_column_of_the_joint_table(k, seed):
    rng = np.random.default_rng(seed)
    prior, table = rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(4), size=k)  # p(y | hypothesis), y = 0..3
    joint = prior[:, None] * table
    log_posterior, log_evidence = bayes_update(np.log(prior), np.log(table.T))
    np.testing.assert_allclose(np.exp(log_posterior), (joint / joint.sum(axis=0)).T, rtol=1e-9)
    np.testing.assert_allclose(np.exp(log_evidence), joint.sum(axis=0), rtol=1e-9)


def test_data_one_by_one_are_data_all_at_once(rng):
    prior, likelihoods = np.log(rng.dirichlet(np.ones(50))), rng.normal(size=(300, 50)) * 5
    posterior, evidences = prior, []
    for one in likelihoods:
        posterior, evidence = bayes_update(posterior, one)
        evidences.append(evidence)
    at_once, whole = bayes_update(prior, likelihoods.sum(axis=0))
    np.testing.assert_allclose(posterior, at_once, atol=1e-9)
    assert sum(evidences) == pytest.approx(whole, rel=1e-12)


def test_likelihoods_too_small_for_floating_point_are_no_obstacle():
    posterior, evidence = bayes_update(np.log([0.5, 0.5]), np.array([-1e4, -1e4 + np.log(3)]))
    np.testing.assert_allclose(np.exp(posterior), [0.25, 0.75], rtol=1e-9)
    assert evidence == pytest.approx(-1e4 + np.log(2))


def test_an_excluded_hypothesis_stays_excluded():
    posterior, _ = bayes_update(np.array([-np.inf, 0.0]), np.array([100.0, -100.0]))
    assert np.exp(posterior).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("prior", "likelihood", "message"),
    [
        ([-0.1, -0.1], [0.0, 0.0], r"the prior sums to 1\.80967, not to 1; subtract its logsumexp"),
        ([[0.0, -np.inf], [0.0, 0.0]], [0.0, 0.0], "the prior sums to 2, not to 1"),
        ([0.0, -np.inf], [-np.inf, 0.0], "no hypothesis with a positive prior allows the data"),
        ([0.0, -np.inf], [np.nan, 0.0], "log_likelihood must hold numbers or -inf, but it has NaN"),
        ([np.inf, 0.0], [0.0, 0.0], "log_prior must hold numbers or -inf"),
    ],
)
def test_what_bayes_rule_cannot_use_is_refused(prior, likelihood, message):
    with pytest.raises(ValueError, match=message):
        bayes_update(np.array(prior), np.array(likelihood))


# the two variances


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-100, 100)), min_size=1, max_size=30))
def test_variance_within_and_between_sum_to_the_whole(cases):
    groups, values = map(np.array, zip(*cases, strict=True))
    split = total_variance(values, groups)
    assert split.within + split.between == pytest.approx(values.var(), abs=1e-9, rel=1e-9)
    assert split.within >= 0 <= split.between


def test_groups_are_those_of_pandas(rng):
    groups, values = rng.choice(["a", "b", "c"], size=200), rng.normal(size=(200, 2))
    split = total_variance(values, groups)
    within = pd.DataFrame(values).groupby(groups).transform(lambda group: (group - group.mean()) ** 2).mean()
    np.testing.assert_allclose(split.within, within, rtol=1e-12)


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(("values", "groups"), [([], []), ([1.0, 2.0], [0]), (1.0, [])])
def test_values_without_groups_are_refused(values, groups):
    with pytest.raises(ValueError, match=r"values has shape .* and groups .*, but one group for each"):
        total_variance(values, groups)
