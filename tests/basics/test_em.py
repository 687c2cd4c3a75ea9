"""The loop of expectation-maximisation and its bound, against brute force and a model with a closed form."""

import re
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from mlpc.basics import Collapse, GaussianMixture, best_fit, em_steps, fit_em, lower_bound


@dataclass(frozen=True)
class Coins:
    """Each row of x: heads in 10 tosses of coin A or coin B, with equal chance; the coins' biases are sought."""

    a: float
    b: float

    def log_joint(self, x):
        return np.log(0.5) + np.stack([x * np.log(p) + (10 - x) * np.log(1 - p) for p in (self.a, self.b)], axis=1)

    def e_step(self, x):
        joint = self.log_joint(x)
        return x, np.exp(joint - logsumexp(joint, axis=1, keepdims=True))

    def m_step(self, statistics):
        x, q = statistics
        return Coins(*(x @ q / (10 * q.sum(axis=0))))

    def lower_bound(self, statistics):
        x, q = statistics
        return lower_bound(self.log_joint(x), q)


class WrongCoins(Coins):
    def m_step(self, statistics):
        better = super().m_step(statistics)
        return WrongCoins(1 - better.a, 1 - better.b)


HEADS = np.array([5, 9, 8, 4, 7], dtype=float)


def random_problem(seed):
    rng = np.random.default_rng(seed)
    n, K = rng.integers(1, 6, size=2)
    return rng.normal(size=(n, K)) * 3, rng.dirichlet(np.ones(K), size=n)


# the bound


@given(st.integers(0, 2**32 - 1))
def test_bound_is_log_likelihood_minus_kl_to_the_posterior(seed):
    log_joint, q = random_problem(seed)
    posterior = np.exp(log_joint - logsumexp(log_joint, axis=1, keepdims=True))
    kl = (q * np.log(q / posterior)).sum()
    assert lower_bound(log_joint, q) == pytest.approx(logsumexp(log_joint, axis=1).sum() - kl, abs=1e-9)
    assert lower_bound(log_joint, posterior) == pytest.approx(logsumexp(log_joint, axis=1).sum(), abs=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_bound_is_highest_at_the_posterior(seed):
    log_joint, q = random_problem(seed)
    posterior = np.exp(log_joint - logsumexp(log_joint, axis=1, keepdims=True))
    values = [lower_bound(log_joint, (1 - t) * posterior + t * q) for t in (0, 0.3, 0.6, 1)]
    assert all(before >= after - 1e-10 for before, after in pairwise(values))


def test_bound_of_a_certain_q_is_the_log_joint_density_and_zero_log_zero_is_zero():
    log_joint = np.log([[0.2, 0.3], [0.4, 0.1]])
    assert lower_bound(log_joint, np.array([[1, 0], [0, 1]])) == pytest.approx(np.log(0.2 * 0.1))


def test_bound_is_minus_infinity_where_q_believes_what_cannot_be():
    log_joint = np.array([[0.0, -np.inf]])
    assert lower_bound(log_joint, np.array([[0.5, 0.5]])) == -np.inf
    assert lower_bound(log_joint, np.array([[1.0, 0.0]])) == 0


@pytest.mark.parametrize(
    ("q", "said"),
    [
        ([[0.5, 0.5], [0.5, 0.4]], "row 1 of q is no distribution: its smallest entry is 0.4 and its sum 0.9"),
        ([[1.5, -0.5], [0.5, 0.5]], "row 0 of q is no distribution: its smallest entry is -0.5"),
        ([[0.5, 0.5]], "q has shape (1, 2), but (..., n, K) = (..., 2, 2) is needed"),
        ([[np.nan, 1], [0.5, 0.5]], "q must hold finite numbers, but q[0, 0] is nan"),
    ],
)
@pytest.mark.usefixtures("production")
def test_bound_refuses_what_is_no_distribution(q, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        lower_bound(np.zeros((2, 2)), np.array(q))


# the loop


def test_steps_of_two_coins_are_those_worked_out_by_hand():
    """Do and Batzoglou's example, Nature Biotechnology 26 (2008): from (0.6, 0.5) ten steps lead to (0.80, 0.52)."""
    models = [model for model, _ in islice(em_steps(Coins(0.6, 0.5), HEADS), 11)]
    assert (round(models[1].a, 2), round(models[1].b, 2)) == (0.71, 0.58)
    assert (round(models[10].a, 2), round(models[10].b, 2)) == (0.80, 0.52)


def test_fit_ends_where_the_likelihood_has_no_slope():
    model, history = fit_em(Coins(0.6, 0.5), HEADS, tol=1e-14, max_iterations=1000)
    assert history.converged

    def log_likelihood(a, b):
        return logsumexp(Coins(a, b).log_joint(HEADS), axis=1).sum()

    step = 1e-5
    for da, db in ((step, 0), (0, step)):
        slope = log_likelihood(model.a + da, model.b + db) - log_likelihood(model.a - da, model.b - db)
        assert abs(slope / (2 * step)) < 1e-4


def test_history_holds_the_bound_of_every_iteration_and_the_model_is_one_step_further():
    model, history = fit_em(Coins(0.6, 0.5), HEADS, tol=0, max_iterations=7)
    steps = list(islice(em_steps(Coins(0.6, 0.5), HEADS), 8))
    expected = [logsumexp(one.log_joint(HEADS), axis=1).mean() for one, _ in steps[:7]]
    np.testing.assert_allclose(history.lower_bounds, expected, rtol=1e-13)
    assert model == steps[7][0]
    assert not history.converged
    assert np.array_equal(history.statistics[1], steps[6][1][1])
    assert history.restarts.shape == (0,)


@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-8])
def test_fit_stops_at_the_first_change_below_the_tolerance(tol):
    _, history = fit_em(Coins(0.6, 0.5), HEADS, tol=tol, max_iterations=1000)
    changes = np.abs(np.diff(history.lower_bounds))
    assert history.converged
    assert changes[-1] < tol
    assert np.all(changes[:-1] >= tol)


@given(st.integers(0, 2**32 - 1))
def test_bound_never_falls(seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 10, size=6).astype(float)
    bounds = [model.lower_bound(q) for model, q in islice(em_steps(Coins(*rng.uniform(0.05, 0.95, size=2)), x), 12)]
    assert np.all(np.diff(bounds) >= -1e-9 * np.abs(bounds[:-1]))


def test_an_m_step_that_lowers_the_bound_is_noticed():
    with pytest.raises(ArithmeticError, match=r"the lower bound fell from .* in iteration 2; the M step of WrongCoins"):
        fit_em(WrongCoins(0.6, 0.5), HEADS)


def test_a_bound_that_is_no_number_is_noticed():
    class Endless(Coins):
        def lower_bound(self, statistics):
            return np.inf

    with pytest.raises(ArithmeticError, match="the lower bound is inf in iteration 1"):
        fit_em(Endless(0.6, 0.5), HEADS)


def test_options_out_of_range_are_refused():
    for options, said in [
        ({"tol": -1.0}, "tol is -1"),
        ({"tol": np.nan}, "tol"),
        ({"max_iterations": 0}, "at least 1"),
    ]:
        with pytest.raises(ValueError, match=said):
            fit_em(Coins(0.6, 0.5), HEADS, **options)


# restarts


def test_best_fit_keeps_the_highest_of_all_bounds(rng):
    x = rng.normal(size=(80, 2)) + 6 * rng.integers(4, size=(80, 1))
    starts = [GaussianMixture.from_data(x, 4, rng) for _ in range(6)]
    model, history = best_fit(starts, x)
    fits = [fit_em(start, x) for start in starts]
    last = [one.lower_bounds[-1] for _, one in fits]
    np.testing.assert_array_equal(history.restarts, last)
    assert np.array_equal(model.means, fits[int(np.argmax(last))][0].means)
    assert history.lower_bounds[-1] == max(last)


def collapsing(x):
    return GaussianMixture(np.full(2, 0.5), x[:2], np.array([[1e-12], [1.0]]))


def test_best_fit_passes_over_starts_that_collapse(rng):
    x = rng.normal(size=(50, 1))
    good = GaussianMixture.from_data(x, 1, rng, diagonal=True)
    model, history = best_fit([collapsing(x), good], x)
    assert np.isnan(history.restarts[0])
    assert len(model.weights) == 1


def test_best_fit_says_so_when_every_start_collapses_or_there_is_none(rng):
    x = rng.normal(size=(50, 1))
    with pytest.raises(Collapse, match="component 0 has collapsed"):
        best_fit([collapsing(x)] * 2, x)
    with pytest.raises(ValueError, match="there is no start"):
        best_fit([], x)
