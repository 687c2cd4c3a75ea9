"""Inflation: what each strategy does to spread, and the finite-size dual against its primal cost."""

import re

import numpy as np
import pytest
import scipy.optimize
import torch

from mlpc.assimilation import (
    ETKF,
    RTPS,
    EnKF,
    Ensemble,
    FiniteSize,
    Lorenz63,
    Lorenz96,
    Multiplicative,
    inflation,
    run,
    scores,
    twin_experiment,
)
from mlpc.assimilation.inflation import Inflation, strategy
from mlpc.assimilation.systems import Independent
from tests.assimilation.linear import random_system, with_gaps


def departures(rng, N, n, k, batch=(), scale=1.0):
    X, Y = rng.standard_normal((*batch, N, n)), rng.standard_normal((*batch, N, k))
    return X - X.mean(-2, keepdims=True), Y - Y.mean(-2, keepdims=True), scale * rng.standard_normal((*batch, k))


# multiplication


def test_a_factor_multiplies_standard_deviations_and_keeps_the_mean(rng):
    members = rng.standard_normal((4, 7, 3)) + 5
    inflated = Ensemble(Multiplicative(1.3).forecast(members))
    np.testing.assert_allclose(inflated.mean, members.mean(-2), rtol=0, atol=1e-13)
    np.testing.assert_allclose(inflated.cov, 1.3**2 * Ensemble(members).cov, rtol=0, atol=1e-12)
    assert Multiplicative(1.0).forecast(members) is members


def test_a_number_is_a_factor(rng):
    _, y = twin_experiment(Lorenz96(sites=6), 5, rng)
    results = [
        run(ETKF(Lorenz96(sites=6), 5, inflation=inflation), y, np.random.default_rng(1)).ensemble
        for inflation in (1.1, Multiplicative(1.1))
    ]
    np.testing.assert_array_equal(*results)
    assert strategy("ETKF", 2) == Multiplicative(2.0)
    assert strategy("ETKF", np.float32(2)) == Multiplicative(2.0)


def test_the_inflated_forecast_is_what_is_recorded_and_updated(rng):
    """The forecast's covariance is that of the members that moved, times the factor's square."""
    system, y = Lorenz96(sites=6), np.zeros(6)
    etkf = ETKF(system, 5, inflation=1.2)
    state = etkf.init((), rng, y)
    forecast = etkf.forecast(state, rng)
    np.testing.assert_allclose(forecast.cov, 1.44 * Ensemble(system.step(state.members)).cov, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("given", ["1.1", None, True, [1.0]])
def test_factors_and_shares_are_numbers(given):
    for kind, name in ((Multiplicative, "factor"), (RTPS, "alpha")):
        with pytest.raises(
            ValueError, match=re.escape(f"{kind.__name__}(): {name} must be a number, but is {given!r}")
        ):
            kind(given)


@pytest.mark.parametrize("factor", [0.0, -1.0, np.inf, np.nan])
def test_factors_are_positive_and_finite(factor):
    with pytest.raises(ValueError, match=r"Multiplicative\(\): factor must be positive and finite, but is"):
        Multiplicative(factor)


# relaxation


@pytest.mark.parametrize("make", [ETKF, EnKF])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_relaxed_standard_deviations_lie_between_those_of_analysis_and_forecast(rng, make, alpha):
    system = random_system(rng, 4, 3)
    _, y = twin_experiment(system, 1, rng)
    state = make(system, 9).init((), rng, y)
    plain, relaxed = (
        make(system, 9, inflation=inflation).analyse(state, y[0], np.random.default_rng(1))[0]
        for inflation in (1.0, RTPS(alpha))
    )
    np.testing.assert_allclose(relaxed.mean, plain.mean, rtol=0, atol=1e-12)
    np.testing.assert_allclose(relaxed.std, (1 - alpha) * plain.std + alpha * state.std, rtol=0, atol=1e-12)
    correlations = [np.corrcoef(q.members.T) for q in (relaxed, plain)]
    np.testing.assert_allclose(*correlations, rtol=0, atol=1e-12)


def test_a_component_without_spread_stays_without(rng):
    X = rng.standard_normal((5, 2)) * [1, 0]
    np.testing.assert_array_equal(RTPS(0.5).analysis(X, X / 2)[:, 1], 0)
    np.testing.assert_allclose(RTPS(0.5).analysis(X, X / 2), 0.75 * X)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, np.nan])
def test_relaxation_is_a_share(alpha):
    with pytest.raises(ValueError, match=re.escape(f"RTPS(): alpha must be in [0, 1], but is {alpha}")):
        RTPS(alpha)


# finite size


BOUND = 10**-6.1


def primal(w, Y, d):
    N = len(Y)
    return (N + 1) / 2 * np.log1p(w @ w / (N + 1)) + np.sum((d - Y.T @ w) ** 2) / 2


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0, 30.0])
@pytest.mark.parametrize(("N", "k"), [(4, 2), (4, 4), (4, 9), (2, 1)])
def test_the_dual_minimum_gives_the_weights_that_minimise_the_primal_cost(rng, N, k, scale):
    for _ in range(5):
        _, Y, d = departures(rng, N, 1, k, scale=scale)
        Y = Y * rng.uniform(0.05, 2)
        zeta = FiniteSize().zeta(Y, d)
        w = np.linalg.solve(zeta * np.eye(N) + Y @ Y.T, Y @ d)
        if np.isclose(zeta, BOUND, rtol=1e-6):  # the weights that would be best are out of reach
            continue
        slope = (N + 1) * w / (N + 1 + w @ w) - Y @ (d - Y.T @ w)
        np.testing.assert_allclose(slope, 0, atol=1e-8 * max(1, np.abs(Y @ d).max()))
        starts = [w, np.zeros(N), np.linalg.pinv(Y.T) @ d, *rng.standard_normal((5, N)) * scale]
        near = [scipy.optimize.minimize(primal, start, (Y, d), tol=1e-10) for start in starts]
        within = [one.fun for one in near if (N + 1) / (N + 1 + one.x @ one.x) > BOUND]
        assert primal(w, Y, d) <= min(within) + 1e-9 * max(1, *within)


@pytest.mark.parametrize("N", [3, 12])
@pytest.mark.parametrize("k", [2, 12, 30])
def test_the_dual_minimum_is_the_lowest_of_a_fine_grid(rng, N, k):
    _, Y, d = departures(rng, N, 1, k, (200,), scale=3.0)
    Y = Y * 10.0 ** rng.uniform(-2, 1, (200, 1, 1))
    zeta = FiniteSize().zeta(Y, d)
    assert ((zeta > 0) & (zeta <= 1)).all()

    def dual(zeta):
        S = np.eye(k) + Y.mT @ Y / zeta[:, None, None]
        chi2 = (d[:, None, :] @ np.linalg.solve(S, d[..., None]))[:, 0, 0]
        return (chi2 + (N + 1) * (zeta - np.log(zeta))) / 2

    lowest = dual(zeta)
    for grid in 10.0 ** np.linspace(-5, 0, 120):
        assert (lowest <= dual(np.full(200, grid)) * (1 + 1e-9) + 1e-9).all()
    at_end = np.isclose(zeta, BOUND, rtol=1e-6)
    for nudge in (1 - 1e-4, 1 + 1e-4):  # and it is a minimum, unless it is the end
        assert (at_end | (lowest <= dual(zeta * nudge) + 1e-12 * np.abs(lowest))).all()


def test_without_news_nothing_is_inflated(rng):
    X, Y, d = departures(rng, 5, 3, 4)
    assert FiniteSize().zeta(Y, 0 * d) == pytest.approx(1, abs=1e-12)
    assert FiniteSize().zeta(0 * Y, d) == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(FiniteSize().prior(X, Y, 0 * d)[0], X, rtol=1e-12)


def test_surprise_inflates_and_members_make_it_needless(rng):
    _, Y, d = departures(rng, 6, 1, 4)
    zetas = [float(FiniteSize().zeta(Y, s * d)) for s in (0.0, 1.0, 3.0, 10.0)]
    assert zetas == sorted(zetas, reverse=True)
    many = np.concatenate([Y] * 100) / 10  # the same covariance from more members
    assert float(FiniteSize().zeta(many, d)) > float(FiniteSize().zeta(Y, d))


def test_an_ensemble_far_too_narrow_is_inflated_a_thousandfold_at_most(monkeypatch):
    """Where the dual cost is least beyond the bound: at the bound, or at another minimum within it."""
    Y = np.array([[1.0], [-0.5], [-0.5]])
    for spread, departure, expected in ((1e-2, 1e3, BOUND), (1e-3, 1e2, BOUND), (1e-4, 10.0, 1.0), (1e-5, 20.0, 1.0)):
        zeta = FiniteSize().zeta(spread * Y, np.array([departure]))
        assert zeta == pytest.approx(expected, rel=1e-4)
    monkeypatch.setattr(inflation, "STEPS", 400)
    assert FiniteSize().zeta(1e-2 * Y, np.array([1e3])) < 1e-3 * BOUND


def test_the_bound_lets_a_narrow_ensemble_that_is_far_off_recover(monkeypatch):
    truth = Lorenz63()
    x, y = twin_experiment(truth, 30, np.random.default_rng(3))
    believed = Lorenz63(start=Independent(truth.start.mean + np.array([30.0, 0.0, 0.0]), np.full(3, 1e-3)))
    filter = ETKF(believed, 3, inflation=FiniteSize())
    result = run(filter, y, np.random.default_rng(1))
    assert scores.rmse(result.mean, x[1:])[5:].mean() < 1
    monkeypatch.setattr(inflation, "STEPS", 400)
    assert run(filter, y, np.random.default_rng(1)).survived < 5


def test_the_analysis_is_that_of_inflated_anomalies(rng):
    system = random_system(rng, 5, 3)
    _, y = twin_experiment(system, 1, rng)
    y = with_gaps(rng, y + 5, 0.2)
    state = ETKF(system, 4).init((), rng, y)
    after, update = ETKF(system, 4, inflation=FiniteSize()).analyse(state, y[0], rng)
    seen = ~np.isnan(y)
    R = np.sqrt(system.observation.R)
    Y = np.where(seen, (state.anomalies @ system.observation.H.T) / R, 0.0)
    d = np.where(seen, (y - system.observation(state.mean)) / R, 0.0)
    factor = float(FiniteSize().zeta(Y, d[0])) ** -0.5
    inflated = Ensemble(Multiplicative(factor).forecast(state.members))
    expected, known = ETKF(system, 4).analyse(inflated, y[0], rng)
    np.testing.assert_allclose(after.members, expected.members, rtol=0, atol=1e-10 * abs(expected.members).max())
    np.testing.assert_allclose(update.log_evidence, known.log_evidence, rtol=1e-10)


def test_a_batch_is_minimised_slice_by_slice_in_every_library(rng):
    _, Y, d = departures(rng, 5, 1, 7, (3, 2), scale=5.0)
    zeta = FiniteSize().zeta(Y, d)
    for at in np.ndindex(3, 2):
        assert FiniteSize().zeta(Y[at], d[at]) == pytest.approx(zeta[at], rel=1e-10)
    np.testing.assert_allclose(FiniteSize().zeta(torch.from_numpy(Y), torch.from_numpy(d)), zeta, rtol=1e-10)


def test_three_members_follow_lorenz_63_without_tuning_where_bare_ones_fail(seed):
    system = Lorenz63()
    x, y = twin_experiment(system, 250, np.random.default_rng(seed), batch=(24,))
    rmse = {
        type(inflation).__name__: scores.rmse(
            run(ETKF(system, 3, inflation=inflation), y, np.random.default_rng([seed, 1]), keep=False).mean,
            x[..., 1:, :],
        )[:, 50:].mean()
        for inflation in (FiniteSize(), Multiplicative())
    }
    assert rmse["FiniteSize"] < 0.8
    assert rmse["Multiplicative"] > 2


def test_a_strategy_of_ones_own_refines_the_base(rng):
    class Additive(Inflation):
        def forecast(self, members):
            return members + np.arange(members.shape[-2])[:, None]

    X, Y, d = departures(rng, 5, 3, 4)
    additive = Additive()
    assert strategy("EnKF", additive) is additive
    assert additive.prior(X, Y, d) == (X, Y)
    assert additive.analysis(X, Y) is Y
