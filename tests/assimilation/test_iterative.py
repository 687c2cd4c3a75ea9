"""The iterative smoother against Kalman's filter, 4D-Var, the ETKF, and published errors."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpc.assimilation import (
    ETKF,
    RTPS,
    Components,
    Ensemble,
    FiniteSize,
    IEnKS,
    KalmanFilter,
    Linear,
    Linear2D,
    Lorenz63,
    Lorenz96,
    Nonlinear,
    run,
    scores,
    twin_experiment,
    var4d,
)
from mlpc.basics import Gaussian
from tests.assimilation.linear import random_system, with_gaps

T = 6


def log_densities(moments, x):
    """log q_t(x_t) for each t."""
    return np.array([Gaussian(moments.mean[t], moments.cov[t]).log_density(x[t]) for t in range(len(x))])


def beside(a, b):
    return torch.stack([a, b], -1) if isinstance(a, torch.Tensor) else np.stack([a, b], -1)


def bent(sites=4, sigma_q=0.0):
    """Lorenz-96 of which the mean energy and a bent first component are seen."""
    observation = Nonlinear(
        np.array([0.2, 0.1]), lambda x: beside((x**2).sum(-1) / sites, x[..., 0] + x[..., 0] ** 2 / 20)
    )
    return Lorenz96(sites=sites, sigma_q=sigma_q, sigma_0=0.5, observation=observation)


# linear systems: Kalman's filter, and smoothing over the lag


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    lag=st.integers(0, 3),
    rank=st.sampled_from([None, 0, 1]),
    rotate=st.booleans(),
    share=st.sampled_from([0.0, 0.4]),
    batch=st.sampled_from([(), (2,), (3, 2)]),
)
def test_with_members_enough_it_is_kalman_s_filter(seed, lag, rank, rotate, share, batch):
    rng = np.random.default_rng(seed)
    system = random_system(rng, 2, 2, full=True, rank=rank)
    _, y = twin_experiment(system, T, rng, batch=batch)
    y = with_gaps(rng, y, share)
    kalman = run(KalmanFilter(system), y)
    ours = run(IEnKS(system, N=2 * max(1, lag) + 2, lag=lag, rotate=rotate, exact=True, iterations=3), y, rng)
    for name in ("forecast", "analysis"):
        theirs, found = getattr(kalman, name), getattr(ours, name)
        np.testing.assert_allclose(found.mean, theirs.mean, atol=1e-10)
        np.testing.assert_allclose(found.cov, np.broadcast_to(theirs.cov, found.cov.shape), atol=1e-10)
    np.testing.assert_allclose(ours.update.log_evidence, kalman.update.log_evidence, atol=1e-10)
    np.testing.assert_allclose(ours.update.chi2, kalman.update.chi2, atol=1e-10)
    np.testing.assert_allclose(ours.update.innovation, kalman.update.innovation, atol=1e-10)
    np.testing.assert_array_equal(ours.update.count, kalman.update.count)


@pytest.mark.parametrize("rank", [None, 0], ids=["noise", "perfect model"])
@pytest.mark.parametrize("rotate", [False, True])
def test_its_window_is_the_smoothed_path(rank, rotate, rng):
    system, lag = random_system(rng, 2, 1, rank=rank), 3
    _, y = twin_experiment(system, T, rng, batch=(2,))
    window = run(IEnKS(system, N=9, lag=lag, rotate=rotate, exact=True), y, rng).analysis.window
    for t in range(1, T + 1):
        found, back = var4d(system, y[:, :t]), min(lag, t)
        members = Ensemble(window[:, t - 1, lag - back :])
        expected = found.cov[..., t - back : t, :, :]
        np.testing.assert_allclose(members.mean, found.mean[:, t - back : t], atol=1e-10)
        np.testing.assert_allclose(members.cov, np.broadcast_to(expected, members.cov.shape), atol=1e-10)
        assert np.isnan(window[:, t - 1, : lag - back]).all()


@pytest.mark.parametrize("rotate", [False, True])
@pytest.mark.parametrize("inflation", [1.03, RTPS(0.3), FiniteSize()])
def test_without_lag_and_iterations_it_is_the_etkf(rotate, inflation, rng, seed):
    system = Lorenz96(sites=8, sigma_q=0.2, observation=Components.every(2, 8, 0.5))
    _, y = twin_experiment(system, 20, rng, batch=(2,))
    y = with_gaps(rng, y, 0.2)
    options = {"N": 6, "inflation": inflation, "rotate": rotate}
    theirs = run(ETKF(system, **options), y, np.random.default_rng(seed))
    ours = run(IEnKS(system, lag=0, iterations=1, **options), y, np.random.default_rng(seed))
    np.testing.assert_allclose(ours.ensemble, theirs.ensemble, atol=1e-8)
    np.testing.assert_allclose(ours.update.log_evidence, theirs.update.log_evidence, atol=1e-8)


@pytest.mark.parametrize("rotate", [False, True])
@pytest.mark.parametrize("inflation", [1.05, FiniteSize()])
def test_in_a_linear_system_without_noise_every_lag_is_the_etkf(rotate, inflation, rng, seed):
    system = random_system(rng, 4, 2, rank=0)
    _, y = twin_experiment(system, 8, rng)
    options = {"N": 4, "inflation": inflation, "rotate": rotate}
    theirs = run(ETKF(system, **options), y, np.random.default_rng(seed))
    for lag in (1, 3):
        ours = run(IEnKS(system, lag=lag, **options), y, np.random.default_rng(seed))
        np.testing.assert_allclose(ours.ensemble, theirs.ensemble, atol=1e-8)


def test_finite_size_strategy_counts_the_noise_as_error_of_the_observation(rng, seed):
    """What y tells of the state before is the same if the noise that follows is the model's or the observation's."""
    noisy = random_system(rng, 3, 2, full=True)
    H, R = noisy.observation.H, noisy.observation.covariance(noisy.M)
    calm = replace(noisy, Q=np.zeros((3, 3)), observation=Linear(R + H @ noisy.Q @ H.T, H))
    y = 5 * rng.normal(size=(1, 2))
    before = []
    for system in (noisy, calm):
        result = run(IEnKS(system, N=4, inflation=FiniteSize()), y, np.random.default_rng(seed))
        before.append(Ensemble(result.analysis.window[0, 0]))
    np.testing.assert_allclose(before[0].mean, before[1].mean, atol=1e-9)


def test_relaxation_keeps_a_share_of_the_spread_that_the_forecast_had(rng, seed):
    system = random_system(rng, 2, 2)
    _, y = twin_experiment(system, 1, rng)
    kept, gone = (
        run(IEnKS(system, N=8, exact=True, inflation=RTPS(alpha)), y, np.random.default_rng(seed))
        for alpha in (1.0, 0.0)
    )
    kalman = run(KalmanFilter(system), y)
    np.testing.assert_allclose(kept.std, kalman.forecast.std, atol=1e-10)
    np.testing.assert_allclose(gone.std, kalman.std, atol=1e-10)


def test_gain_of_an_analysis_is_what_the_observation_tells(rng):
    """log qᵃ(x) - log qᵇ(x) = log p(y|x) - log p(y) at every x, as the update is Bayes' rule."""
    system = Lorenz96(sites=5, observation=Components.every(2, 5, 0.5))
    x, y = twin_experiment(system, 10, rng)
    result = run(IEnKS(system, N=9, lag=0, inflation=1.1), y, rng)
    gain = log_densities(result.analysis, x[1:]) - log_densities(result.forecast, x[1:])
    seen = np.array([Gaussian(x[t + 1, ::2], 0.5 * np.eye(3)).log_density(y[t]) for t in range(10)])
    np.testing.assert_allclose(gain, seen - result.update.log_evidence, atol=1e-8)


# nonlinear systems


@pytest.mark.parametrize("noisy", [False, True])
def test_small_spread_makes_it_4dvar_in_the_ensemble_s_space(noisy, rng):
    """With N > n and a small spread, the ensemble's tangents are the model's: one cycle finds the minimum of 4D-Var."""
    system = bent(sigma_q=0.01 if noisy else 0.0)
    start = Gaussian(system.start.mean, 0.02**2 * np.eye(4))
    system = Lorenz96(sites=4, sigma_q=system.sigma_q, observation=system.observation, start=start)
    _, y = twin_experiment(system, 1, rng)
    ours, theirs = run(IEnKS(system, N=12, exact=True, tolerance=1e-8), y, rng), var4d(system, y)
    path = np.stack([Ensemble(ours.analysis.window[0, 0]).mean, ours.mean[0]])
    std = np.sqrt(np.diagonal(theirs.cov, axis1=-2, axis2=-1))
    np.testing.assert_allclose((path - theirs.mean) / std, 0, atol=0.02)
    np.testing.assert_allclose(ours.cov[0], theirs.cov[1], atol=0.02 * std[1].max() ** 2)
    np.testing.assert_allclose(ours.log_evidence, theirs.log_evidence, atol=0.01)


def test_iterations_find_the_minimum_of_a_nonlinear_observation(rng):
    """The control of least cost in the ensemble's space, by scipy, where one step is far from it."""
    from scipy.optimize import minimize

    members = np.array([1.0, 2.0, 3.0])[:, None] / 10 + 1.5
    system = Lorenz96(sites=4, observation=Nonlinear(np.array([0.01]), lambda x: x[..., :1] ** 3))
    E = np.concatenate([members, np.zeros((3, 3))], axis=-1)
    filter = IEnKS(system, N=3, lag=0, iterations=60, tolerance=1e-10)
    state = filter.init((), rng, E)
    y = np.array([8.5])
    analysis, _ = filter.analyse(type(state)(E, state.window), y, rng)
    x = analysis.members[:, 0]

    def half(z):  # the mean of h over the members is what the ensemble compares with y
        shift = x - x.mean()
        h = ((z[0] + shift) ** 3).mean()
        return ((y[0] - h) ** 2 / 0.01 + (z[0] - members.mean()) ** 2 / members.var(ddof=1)) / 2

    best = minimize(half, [1.9], method="BFGS", options={"gtol": 1e-10})
    once, _ = IEnKS(system, N=3, lag=0, iterations=1).analyse(type(state)(E, state.window), y, rng)
    assert abs(x.mean() - best.x[0]) < 0.002 < 0.01 < abs(once.mean[0] - best.x[0])


def test_step_that_leaves_the_range_of_numbers_is_halved_until_it_stays(rng):
    """A tangent at 5 leads to log(1/2) where there is no logarithm."""
    system = Lorenz96(sites=4, observation=Nonlinear(np.array([1e-4]), lambda x: np.log(x[..., :1])))
    filter = IEnKS(system, N=5, lag=0, iterations=30, tolerance=1e-9)
    state = filter.init((), rng, np.zeros(1))
    members = np.linspace(-0.5, 0.5, 5)[:, None] * [1, 0, 0, 0] + 5
    with np.errstate(invalid="ignore"):  # as run() does
        analysis, _ = filter.analyse(replace(state, members=members), np.log([0.5]), rng)
    assert abs(analysis.mean[0] - 0.5) < 0.02


def test_noise_in_the_control_goes_over_into_none(rng, seed):
    calm, faint = (
        Lorenz96(sites=6, sigma_q=sigma_q, observation=Components.every(1, 6, 0.05)) for sigma_q in (0.0, 1e-6)
    )
    _, y = twin_experiment(calm, 5, rng)
    for lag in (1, 2):
        ours, theirs = (run(IEnKS(one, N=9, lag=lag), y, np.random.default_rng(seed)) for one in (calm, faint))
        np.testing.assert_allclose(ours.mean, theirs.mean, atol=0.02)
        np.testing.assert_allclose(ours.std, theirs.std, rtol=0.05)


def test_run_of_a_batch_is_that_of_its_slices_and_both_libraries_agree(rng, seed):
    for system in (bent(), bent(sigma_q=0.1)):
        _, y = twin_experiment(system, 6, rng, batch=(3,))
        y = with_gaps(rng, y, 0.2)
        filter = IEnKS(system, N=6, lag=2, inflation=1.02)
        state = filter.init((3,), np.random.default_rng(seed), y)
        together, theirs = (analysed(filter, state, y, library) for library in (np.asarray, torch.from_numpy))
        for ours, other in zip(together, theirs, strict=True):
            np.testing.assert_allclose(other.members.numpy(), ours.members, atol=1e-7)
        for b in range(3):
            alone = analysed(filter, type(state)(state.members[b], state.window[b]), y[b], np.asarray)
            for ours, other in zip(together, alone, strict=True):
                np.testing.assert_allclose(other.members, ours.members[b], atol=1e-7)


def analysed(filter, state, y, library):
    """Three cycles whose forecasts draw nothing."""
    state, states = type(state)(library(state.members), library(state.window)), []
    for t in range(3):
        state = type(state)(filter.system.step(state.members), filter.forecast(state, np.random.default_rng(t)).window)
        state, _ = filter.analyse(state, library(np.ascontiguousarray(y[..., t, :])), None)
        states.append(state)
    return states


def test_single_precision_stays_single(rng):
    system = bent(sigma_q=0.1)
    _, y = twin_experiment(system, 4, rng)
    result = run(IEnKS(system, N=6, lag=2, rotate=True, inflation=FiniteSize()), np.float32(y), rng)
    assert result.ensemble.dtype == result.update.log_evidence.dtype == np.float32
    assert np.isfinite(result.ensemble).all()


def test_run_that_leaves_the_range_of_numbers_is_recorded_and_harms_no_other(rng):
    system = Lorenz63(steps=25, observation=Components.every(1, 3, 1e-8))
    _, y = twin_experiment(system, 4, rng, batch=(2,))
    y[1, 2] = 1e8
    result = run(IEnKS(system, N=4, lag=1), y, rng)
    assert result.survived[0] == 4
    assert result.survived[1] in (2, 3)
    assert np.isnan(result.mean[1, 3]).all()
    assert np.isfinite(result.mean[0]).all()


# published errors


def error(filter, seed, steps, batch, skip=50):
    rng = np.random.default_rng(seed)
    x, y = twin_experiment(filter.system, steps, rng, batch=(batch,))
    result = run(filter, y, rng, keep=False)
    assert (result.survived == steps).all()
    return np.median(scores.rmse(result.mean, x[:, 1:])[:, skip:].mean(axis=-1))  # a late start of one counts little


def test_published_error_on_lorenz_96(seed):
    assert abs(error(IEnKS(Lorenz96(), N=40, inflation=1.01, rotate=True), seed, 250, 16) - 0.169) < 0.012


def test_published_error_on_lorenz_96_with_noise_in_the_control(seed):
    filter = IEnKS(Lorenz96(sigma_q=0.1), N=40, rotate=True)
    assert 0.315 < error(filter, seed, 250, 8) < 0.345


@pytest.mark.slow
def test_published_error_on_lorenz_63(seed):
    system = Lorenz63(observation=Components.every(1, 3, 2.0))
    assert abs(error(IEnKS(system, N=10, inflation=1.02, rotate=True), seed, 400, 30) - 0.31) < 0.03


# bad input


@pytest.mark.parametrize(
    ("options", "error_type", "message"),
    [
        ({"N": 1}, ValueError, "N must be at least 2"),
        ({"lag": -1}, ValueError, "lag must not be negative, but is -1"),
        ({"lag": 1.5}, ValueError, "lag must be a whole number, but is 1.5"),
        ({"iterations": 0}, ValueError, "iterations must be at least 1, but is 0"),
        ({"tolerance": -1.0}, ValueError, "tolerance must not be negative"),
        ({"inflation": 0.0}, ValueError, "factor must be positive"),
        ({"inflation": "adaptive"}, TypeError, "inflation must be a factor or a strategy"),
        ({"N": 2, "exact": True}, ValueError, "need N > n members"),
    ],
)
def test_bad_options_are_refused(options, error_type, message, production):
    with pytest.raises(error_type, match=message):
        IEnKS(**{"system": Linear2D(), "N": 5} | options)


def test_it_asks_for_a_generator(production):
    with pytest.raises(ValueError, match=r"numpy.random.Generator"):
        run(IEnKS(Linear2D(), N=5), np.zeros((3, 2)))
