"""Variational assimilation against the dense law of whole paths, the smoother, scipy's minima, and derivatives."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpc.assimilation import (
    Components,
    KalmanFilter,
    Linear2D,
    Lorenz63,
    Lorenz96,
    Moments,
    Nonlinear,
    Var3D,
    climatology,
    rts_smoother,
    run,
    scores,
    twin_experiment,
    var4d,
)
from mlpc.assimilation.backends import namespace
from mlpc.basics import Gaussian, finite_difference_gradient
from tests.assimilation.linear import path_law, random_system, smoothed_law, spd, with_gaps

T = 5


@st.composite
def problems(draw):
    """A function that makes a linear system, with noise or without, and observations of it with gaps."""
    seed, n, k = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    full, noisy, share = draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from([0.0, 0.4, 1.0]))
    batch = draw(st.sampled_from([(), (3,), (2, 2)]))

    def made():
        rng = np.random.default_rng(seed)
        system = random_system(rng, n, k, full=full, rank=None if noisy else 0)
        _, y = twin_experiment(system, T, rng, batch=batch)
        return system, with_gaps(rng, y, share)

    return made


def seen_law(system, y):
    """The log density of the observations that are no gaps."""
    law, size = path_law(system, y.shape[-2]), (y.shape[-2] + 1) * system.n
    seen = np.flatnonzero(~np.isnan(y.ravel()))
    return law.marginal(size + seen).log_density(y.ravel()[seen]) if seen.size else 0.0


def cost(system, y, path, weak):
    """Twice the cost of a path (T + 1, n), by its definition; torch or NumPy."""
    lib = torch if isinstance(path, torch.Tensor) else np
    as_like = (lambda a: torch.from_numpy(np.array(a))) if lib is torch else np.asarray
    h, seen = system.observation, ~np.isnan(y)

    def square(e, C):
        return e @ lib.linalg.solve(as_like(C), e)

    total = square(path[0] - as_like(system.start.mean), system.start.cov)
    for t in range(1, len(path)):
        if weak:
            total = total + square(path[t] - system.step(path[t - 1]), system.Q)
        at = seen[t - 1]
        if at.any():
            total = total + square((as_like(y[t - 1]) - h(path[t]))[at], h.covariance(y)[np.ix_(at, at)])
    return total


def strong_path(system, x0, steps):
    path = [x0]
    for _ in range(steps):
        path.append(system.step(path[-1]))
    return torch.stack(path) if isinstance(x0, torch.Tensor) else np.stack(path)


def storm(rng, steps=6, sigma_q=0.0, batch=()):
    """Lorenz-63, of which the distance from the origin and one component are seen, with gaps."""
    radius = Nonlinear(np.array([1.0, 2.0]), lambda x: _beside((x**2).sum(-1) ** 0.5, x[..., 0]))
    system = Lorenz63(dt=0.025, steps=4, sigma_q=sigma_q, observation=radius)
    x, y = twin_experiment(system, steps, rng, batch=batch)
    y[..., 2, 1] = np.nan
    y[..., 4, :] = np.nan
    return system, x, y


def _beside(a, b):
    return torch.stack([a, b], -1) if isinstance(a, torch.Tensor) else np.stack([a, b], -1)


# the linear case


@settings(max_examples=40)
@given(problem=problems())
def test_minimum_is_the_conditional_law_of_the_dense_joint(problem):
    system, y = problem()
    found = var4d(system, y)
    assert found.converged.all()
    cov = np.broadcast_to(found.cov, (*y.shape[:-2], *found.cov.shape[-3:]))
    for at in np.ndindex(y.shape[:-2]):
        seen = np.flatnonzero(~np.isnan(y[at].ravel()))
        law, n, size = path_law(system, T), system.n, (T + 1) * system.n
        if seen.size:
            keep = np.concatenate([np.arange(size), size + seen])
            law = law.marginal(keep).condition(slice(size, size + seen.size), y[at].ravel()[seen])
        np.testing.assert_allclose(found.mean[at].ravel(), law.mean[:size], rtol=0, atol=1e-10 * np.abs(law.mean).max())
        for t in range(T + 1):
            block = law.cov[t * n : (t + 1) * n, t * n : (t + 1) * n]
            np.testing.assert_allclose(cov[(*at, t)], block, rtol=0, atol=1e-10 * np.abs(law.cov).max())
        np.testing.assert_allclose(found.log_evidence[at], seen_law(system, y[at]), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("noise", [None, 0], ids=["weak", "strong"])
def test_minimum_is_the_smoother_s_mean(noise, rng):
    system = random_system(rng, 3, 2, full=True, rank=noise)
    _, y = twin_experiment(system, 15, rng, batch=(2,))
    y = with_gaps(rng, y, 0.2)
    smoothed, found = rts_smoother(system, run(KalmanFilter(system), y)), var4d(system, y)
    np.testing.assert_allclose(found.mean, smoothed.mean, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.cov, smoothed.cov, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.log_evidence, run(KalmanFilter(system), y).log_evidence, rtol=1e-11)


def test_dense_smoothed_law_is_that_of_the_course_s_system(rng):
    system = Linear2D()
    _, y = twin_experiment(system, 10, rng)
    law = smoothed_law(system, y)
    np.testing.assert_allclose(var4d(system, y).mean.ravel(), law.mean, rtol=0, atol=1e-10)


def test_strong_constraint_on_a_noisy_system_is_that_of_the_same_system_without_noise(rng):
    system = random_system(rng, 3, 2)
    _, y = twin_experiment(system, T, rng)
    strong, calm = var4d(system, y, weak=False), var4d(replace(system, Q=np.zeros((3, 3))), y)
    np.testing.assert_array_equal(strong.mean, calm.mean)
    assert strong.cost > var4d(system, y, weak=True).cost


def test_background_may_be_singular_under_the_strong_constraint(rng):
    system = random_system(rng, 3, 2, rank=0)
    flat = Gaussian(system.start.mean, np.diag([1.0, 0.5, 0.0]))
    _, y = twin_experiment(system, T, rng)
    found = var4d(system, y, background=flat)
    np.testing.assert_allclose(found.mean.ravel(), smoothed_law(replace(system, start=flat), y).mean, atol=1e-10)
    assert found.mean[0, 2] == flat.mean[2]


def test_each_trajectory_may_have_its_own_background(rng):
    system = random_system(rng, 2, 1)
    _, y = twin_experiment(system, T, rng, batch=(2,))
    mean, cov = rng.normal(size=(2, 2)), np.stack([spd(rng, 2), spd(rng, 2)])
    found = var4d(system, y, background=Moments(mean, cov))
    for b in range(2):
        alone = var4d(system, y[b], background=Gaussian(mean[b], cov[b]))
        np.testing.assert_allclose(found.mean[b], alone.mean, rtol=1e-12, atol=1e-12)


def test_expected_cost_is_half_the_number_of_observations(rng):
    system = Linear2D()
    _, y = twin_experiment(system, 20, rng, batch=(400,))
    assert abs(var4d(system, y).cost.mean() - 20) < 5 * np.sqrt(20 / 400)


# nonlinear models


@pytest.mark.parametrize("weak", [True, False])
def test_gradient_of_the_cost_is_zero_at_the_minimum(weak, rng):
    system, _, y = storm(rng, sigma_q=0.1)
    found = var4d(system, y, weak=weak, tolerance=1e-14)
    assert found.converged
    control = found.mean if weak else found.mean[0]

    def half(control):
        path = control if weak else strong_path(system, control, y.shape[0])
        return cost(system, y, path, weak) / 2

    z = torch.tensor(control, requires_grad=True)
    half(z).backward()
    std = found.std if weak else found.std[0]  # in nats for a step of one standard deviation
    assert np.abs(std * z.grad.numpy()).max() < 1e-4
    assert np.abs(std * finite_difference_gradient(half, control)).max() < 1e-3
    assert np.abs(std * finite_difference_gradient(half, control + std)).max() > 0.1
    np.testing.assert_allclose(found.cost, half(control), rtol=1e-10)


@pytest.mark.parametrize("weak", [True, False])
def test_scipy_finds_no_lower_cost_nearby(weak, rng):
    system, _, y = storm(rng, sigma_q=0.1)
    found = var4d(system, y, weak=weak)
    control = found.mean if weak else found.mean[0]

    def value(flat):
        z = torch.tensor(flat.reshape(control.shape), requires_grad=True)
        half = cost(system, y, z if weak else strong_path(system, z, y.shape[0]), weak) / 2
        half.backward()
        return half.item(), z.grad.numpy().ravel()

    start = (control + 0.01 * rng.normal(size=control.shape)).ravel()
    best = scipy.optimize.minimize(value, start, jac=True, method="BFGS", options={"gtol": 1e-8, "maxiter": 2000})
    np.testing.assert_allclose(best.fun, found.cost, rtol=1e-8)
    np.testing.assert_allclose(best.x.reshape(control.shape), control, atol=1e-4)


@pytest.mark.parametrize("weak", [True, False])
def test_cost_never_rises_and_convergence_is_told(weak, rng):
    system, _, y = storm(rng, steps=12, sigma_q=0.3, batch=(6,))
    guess = system.start.sample(rng, 6)[:, None, :] + 3 * rng.normal(size=(6, 1, 3))
    found = var4d(system, y, weak=weak, guess=guess)
    assert (np.diff(found.history, axis=-1) <= 0).all()
    np.testing.assert_array_equal(found.cost, found.history[..., -1])
    stopped = var4d(system, y, weak=weak, guess=guess, iterations=1)
    assert stopped.history.shape == (6, 2)
    assert not stopped.converged.any()


def test_growing_window_follows_the_truth_where_the_whole_one_is_lost(seed):
    rng = np.random.default_rng(seed)
    system = Lorenz63(dt=0.02, steps=5, sigma_0=2.0)
    x, y = twin_experiment(system, 32, rng, batch=(40,))
    at_once, growing = (var4d(system, y, grow=grow, iterations=20) for grow in (None, 4))
    assert growing.converged.all()
    assert (growing.cost <= at_once.cost + 1e-6).mean() > 0.9
    assert (at_once.cost > 10 * growing.cost).any()
    lost, followed = (np.sqrt(np.mean((found.mean - x) ** 2, axis=(-2, -1))) for found in (at_once, growing))
    assert followed.mean() < 1 < lost.max()


def test_no_single_state_of_a_batch_depends_on_the_others(rng):
    system, _, y = storm(rng, sigma_q=0.1, batch=(3,))
    for weak in (True, False):
        together = var4d(system, y, weak=weak)
        for b in range(3):
            alone = var4d(system, y[b], weak=weak)
            np.testing.assert_allclose(alone.mean, together.mean[b], rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(alone.cov, together.cov[b], rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(alone.log_evidence, together.log_evidence[b], rtol=1e-10)


@pytest.mark.parametrize("weak", [True, False])
def test_torch_gives_the_same_numbers(weak, rng):
    system, _, y = storm(rng, sigma_q=0.1, batch=(2,))
    ours, theirs = var4d(system, y, weak=weak), var4d(system, torch.from_numpy(y), weak=weak)
    np.testing.assert_allclose(theirs.mean.numpy(), ours.mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(theirs.cov.numpy(), ours.cov, rtol=1e-7, atol=1e-9)
    single = var4d(Linear2D(), np.float32(y), weak=weak)
    assert single.mean.dtype == single.cov.dtype == np.float32
    assert single.converged.all()


# 3D-Var


def test_3dvar_with_a_linear_observation_is_the_gaussian_rule_with_a_fixed_prior(rng):
    system, B = random_system(rng, 3, 2, full=True), spd(rng, 3)
    _, y = twin_experiment(system, 6, rng)
    y[1, 0] = np.nan
    y[2] = np.nan
    result, mean = run(Var3D(system, B), y), system.start.mean
    for t in range(6):
        prior, seen = Gaussian(system.M @ mean, B), ~np.isnan(y[t])
        H, R = system.observation.H[seen], system.observation.covariance(y)[np.ix_(seen, seen)]
        law = prior.posterior(H, np.zeros(len(H)), R, y[t, seen]) if seen.any() else prior
        np.testing.assert_allclose(result.mean[t], law.mean, atol=1e-10)
        np.testing.assert_allclose(result.cov[t], law.cov, atol=1e-10)
        evidence = prior.affine(H, np.zeros(len(H)), R).log_density(y[t, seen]) if seen.any() else 0.0
        np.testing.assert_allclose(result.update.log_evidence[t], evidence, atol=1e-10)
        assert result.update.count[t] == seen.sum()
        mean = law.mean


def test_3dvar_gains_what_the_observation_tells_whatever_b_is(rng):
    """log qᵃ(x) - log qᵇ(x) = log p(y|x) - log p(y) at every x: the update is Bayes' rule, even for a wrong B."""
    system = Lorenz96(sites=6, observation=Components.every(2, 6, 0.5))
    x, y = twin_experiment(system, 5, rng)
    result = run(Var3D(system, spd(rng, 6)), y)
    for t in range(5):
        gain = Gaussian(result.mean[t], result.cov[t]).log_density(x[t + 1])
        gain -= Gaussian(result.forecast.mean[t], result.forecast.cov[t]).log_density(x[t + 1])
        seen = Gaussian(x[t + 1, ::2], 0.5 * np.eye(3)).log_density(y[t])
        np.testing.assert_allclose(gain, seen - result.update.log_evidence[t], atol=1e-9)


def test_3dvar_with_a_nonlinear_observation_is_the_minimum_that_scipy_finds(rng):
    system, _, y = storm(rng)
    B = spd(rng, 3, 0.5)
    filter = Var3D(system, B)
    forecast = filter.forecast(filter.init((), None, y))
    analysis, update = filter.analyse(forecast, y[0])

    def half(x):
        d, e = (y[0] - system.observation(x)) / np.sqrt([1.0, 2.0]), x - forecast.mean
        return (d @ d + e @ np.linalg.solve(B, e)) / 2

    best = scipy.optimize.minimize(half, forecast.mean, method="BFGS", options={"gtol": 1e-8})
    np.testing.assert_allclose(analysis.mean, best.x, atol=1e-5)
    np.testing.assert_allclose(update.chi2, 2 * best.fun, rtol=1e-9)


def test_3dvar_of_a_batch_is_that_of_its_slices_in_both_libraries(rng):
    system = Lorenz96(sites=6, observation=Components.every(2, 6, 0.5))
    _, y = twin_experiment(system, 8, rng, batch=(3,))
    y = with_gaps(rng, y, 0.2)
    filter = Var3D(system, 0.5 * np.eye(6))
    together, theirs = run(filter, y), run(filter, torch.from_numpy(y))
    np.testing.assert_allclose(theirs.mean.numpy(), together.mean, atol=1e-10)
    np.testing.assert_allclose(theirs.cov.numpy(), together.cov, atol=1e-10)
    for b in range(3):
        np.testing.assert_allclose(run(filter, y[b]).mean, together.mean[b], atol=1e-10)


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_3dvar_diverges_where_what_is_seen_of_its_forecast_is_no_number(library):
    """In one run the logarithm of a negative number, in another a square that overflows; the third is sound."""
    system = Lorenz96(sites=4, observation=Nonlinear([0.01], lambda x: namespace(x).log(x[..., :1])))
    filter, mean, y = Var3D(system, np.eye(4)), np.ones((3, 4)), np.zeros((3, 1))
    mean[0, 0], y[1] = -5.0, 1e160
    state = filter.init((3,), None, library(y))
    with np.errstate(all="ignore"):  # as run() does
        analysis, _ = filter.analyse(replace(state, mean=library(mean)), library(y))
        alone, _ = filter.analyse(replace(state, mean=library(mean[2])), library(y[2]))
    np.testing.assert_array_equal(np.isnan(np.asarray(analysis.mean)).all(axis=-1), [True, True, False])
    np.testing.assert_allclose(analysis.mean[2], alone.mean, rtol=1e-12)
    astray = replace(system, start=Gaussian(mean[0], np.eye(4)))
    assert run(Var3D(astray, np.eye(4)), library(np.zeros((2, 1)))).survived == 0


def test_3dvar_reaches_its_published_error_on_lorenz_96(seed):
    rng, system = np.random.default_rng(seed), Lorenz96()
    x, y = twin_experiment(system, 350, rng, batch=(8,))
    result = run(Var3D(system, 0.02 * climatology(system, 300, rng).cov), y, keep=False)
    assert abs(scores.rmse(result.mean, x[:, 1:])[:, 50:].mean() - 0.41) < 0.02


def test_climatology_has_the_moments_of_long_runs(rng):
    system = Lorenz96(sites=6)
    law = climatology(system, 300, rng, runs=200)
    x, _ = twin_experiment(system, 4000, rng, batch=(20,), burn_in=100)
    np.testing.assert_allclose(law.mean, x.mean(), atol=0.6)
    np.testing.assert_allclose(law.mean.mean(), x.mean(), atol=0.1)
    np.testing.assert_allclose(np.sqrt(law.cov.diagonal().mean()), x.std(), rtol=0.05)


# bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.zeros((5, 3))}, r"y has shape \(5, 3\), but \(..., T, k\) = \(..., T, 2\)"),
        ({"y": np.zeros((0, 2))}, "y holds no time at all"),
        ({"y": np.zeros((5, 2), int)}, "has dtype int64"),
        ({"y": np.zeros((5, 2), np.float16)}, "has dtype float16"),
        ({"y": np.full((5, 2), np.inf)}, "infinity"),
        ({"background": Moments(np.zeros(3), np.eye(3))}, r"background.mean has shape \(3,\)"),
        ({"background": Moments(np.zeros(2), np.diag([1.0, -1.0]))}, "not negative"),
        ({"background": Moments(np.array([np.nan, 0]), np.eye(2))}, "finite"),
        ({"guess": np.zeros((7, 2))}, "with t <= 5 is needed"),
        ({"guess": np.zeros((2, 3))}, r"guess has shape \(2, 3\)"),
        ({"guess": np.full((1, 2), np.nan)}, "guess must hold finite numbers"),
        (
            {"guess": np.zeros((3, 1, 2))},
            r"guess has shape \(3, 1, 2\), but its leading axes must broadcast to .* \(\)",
        ),
        ({"background": Moments(np.zeros((3, 2)), np.eye(2))}, r"background.mean has shape \(3, 2\), but its leading"),
        ({"grow": 0}, "at least 1, but is 0"),
    ],
)
def test_bad_windows_are_refused(change, message, production):
    given = {"y": np.zeros((5, 2))} | change
    with pytest.raises(ValueError, match=message):
        var4d(Linear2D(), **given)


STOPPING = [
    ({"iterations": 0}, "iterations must be at least 1, but is 0"),
    ({"iterations": -3}, "iterations must be at least 1, but is -3"),
    ({"iterations": 2.5}, "iterations must be a whole number, but is 2.5"),
    ({"tolerance": np.nan}, "tolerance must not be negative, but is nan"),
    ({"tolerance": -1.0}, "tolerance must not be negative, but is -1.0"),
]


@pytest.mark.parametrize(("change", "message"), STOPPING)
def test_a_descent_needs_a_step_and_an_end(change, message, production):
    with pytest.raises(ValueError, match=rf"var4d\(\): {message}"):
        var4d(Linear2D(), np.zeros((5, 2)), **change)
    with pytest.raises(ValueError, match=rf"Var3D\(\): {message}"):
        Var3D(Linear2D(), np.eye(2), **change)


def test_observations_that_are_no_array_are_refused():
    with pytest.raises(TypeError, match=r"var4d\(\): y must be an array of NumPy or torch, but is a list"):
        var4d(Linear2D(), [[1.0, 2.0]])


@pytest.mark.parametrize("y", [np.zeros((3, 2)), np.zeros((3, 2), np.float32), torch.zeros((3, 2))], ids=repr)
@pytest.mark.parametrize("guess", [[[1.0, 2.0]], np.array([[1.0, 2.0]]), torch.tensor([[1.0, 2.0]])], ids=repr)
def test_any_guess_is_used_in_the_library_and_precision_of_the_observations(y, guess):
    found = var4d(Linear2D(), y, guess=guess)
    assert type(found.mean) is type(y)
    assert found.mean.dtype == y.dtype


def test_weak_constraint_needs_definite_noise(rng, production):
    system = random_system(rng, 2, 1, rank=0)
    with pytest.raises(ValueError, match="Q is zero; weak=False would do"):
        var4d(system, np.zeros((3, 1)), weak=True)
    with pytest.raises(np.linalg.LinAlgError, match="Q must be positive definite, but its rank is 1 of 2"):
        var4d(replace(system, Q=np.diag([1.0, 0.0])), np.zeros((3, 1)))
    flat = Moments(np.zeros(2), np.diag([1.0, 0.0]))
    with pytest.raises(np.linalg.LinAlgError, match=r"background.cov must be positive definite"):
        var4d(replace(system, Q=np.eye(2)), np.zeros((3, 1)), background=flat)


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize("weak", [True, False])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_model_that_diverges_from_the_guess_is_an_error(library, weak, batch, production):
    """Also in one run of a batch alone."""
    system, guess = Lorenz63(sigma_q=0.1), np.zeros((*batch, 1, 3))
    guess.reshape(-1, 3)[-1] = 1e6
    with pytest.raises(FloatingPointError, match="a window of 20 cycles; a shorter"), np.errstate(all="ignore"):
        var4d(system, library(np.zeros((*batch, 20, 3))), guess=library(guess), weak=weak)


@pytest.mark.parametrize(
    ("B", "message"),
    [
        (np.eye(3), r"B has shape \(3, 3\), but \(..., n, n\) = \(..., 2, 2\)"),
        ([[1.0, 0.5], [0.0, 1.0]], "must be symmetric"),
        (np.diag([1.0, -1.0]), "not negative"),
        (np.diag([1.0, np.nan]), "finite"),
        (np.stack([np.eye(2)] * 5), r"one B serves all cycles and the whole batch, but its shape is \(5, 2, 2\)"),
    ],
)
def test_3dvar_refuses_what_is_no_covariance(B, message, production):
    with pytest.raises(ValueError, match=message):
        Var3D(Linear2D(), B)


def test_climatology_needs_something_to_average(rng, production):
    with pytest.raises(ValueError, match="at least 1, but are 0 and 20"):
        climatology(Linear2D(), 0, rng)
