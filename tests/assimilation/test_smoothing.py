"""The smoother against the dense law of whole paths, conditioned; statsmodels; and the laws it must obey."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.statespace.kalman_smoother import KalmanSmoother

from mlpc.assimilation import (
    ETKF,
    Components,
    ExtendedKalmanFilter,
    KalmanFilter,
    Linear2D,
    LinearSystem,
    Lorenz63,
    Nonlinear,
    SquareRootKalmanFilter,
    Var3D,
    rts_smoother,
    run,
    twin_experiment,
)
from mlpc.basics import Gaussian
from tests.assimilation.linear import random_system, smoothed_law, with_gaps


def smoothed(system, y, filter=KalmanFilter):
    return rts_smoother(system, run(filter(system), y))


def assert_is_the_conditioned_joint(result, system, y, atol=1e-10):
    """Means, covariances and lag-one covariances of one series."""
    n, T = system.n, len(y)
    law = smoothed_law(system, y)
    blocks = law.cov.reshape(T + 1, n, T + 1, n)
    np.testing.assert_allclose(result.mean, law.mean.reshape(T + 1, n), atol=atol)
    np.testing.assert_allclose(result.cov, [blocks[t, :, t] for t in range(T + 1)], atol=atol)
    np.testing.assert_allclose(result.lag_one, [blocks[t, :, t - 1] for t in range(1, T + 1)], atol=atol)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 4),
    k=st.integers(1, 3),
    full=st.booleans(),
    share=st.sampled_from([0.0, 0.5]),
    singular=st.booleans(),
)
def test_smoother_is_the_dense_joint_conditioned(seed, n, k, full, share, singular):
    rng = np.random.default_rng(seed)
    system = random_system(rng, n, k, full=full, rank=n - 1 if singular else None)
    y = with_gaps(rng, twin_experiment(system, 6, rng)[1], share)
    for filter in (KalmanFilter, SquareRootKalmanFilter, ExtendedKalmanFilter):
        assert_is_the_conditioned_joint(smoothed(system, y, filter), system, y)


@pytest.mark.parametrize("full", [False, True])
def test_smoother_agrees_with_statsmodels(rng, full):
    system = random_system(rng, 3, 2, full=full)
    y = with_gaps(rng, twin_experiment(system, 40, rng)[1], 0.3)
    first = system.start.affine(system.M, np.zeros(3), system.Q)
    peer = KalmanSmoother(k_endog=2, k_states=3)
    peer.bind(y.copy())
    peer["design"], peer["obs_cov"] = system.observation.H, system.observation.covariance(system.M)
    peer["transition"], peer["selection"], peer["state_cov"] = system.M, np.eye(3), system.Q
    peer.initialize_known(first.mean, first.cov)
    theirs, ours = peer.smooth(), smoothed(system, y)
    np.testing.assert_allclose(ours.mean[1:], theirs.smoothed_state.T, atol=1e-8)
    np.testing.assert_allclose(ours.cov[1:], np.moveaxis(theirs.smoothed_state_cov, -1, 0), atol=1e-8)
    lag_one = np.moveaxis(theirs.smoothed_state_autocov, -1, 0)[:-1]  # of x_{t+1} and x_t, for t = 1, ..., T - 1
    np.testing.assert_allclose(ours.lag_one[1:], lag_one, atol=1e-8)


# models without noise, and states that are known


@pytest.mark.parametrize("sigma_0", [0.01, 0.0])
def test_a_path_without_noise_is_its_last_state_led_back(rng, sigma_0):
    system = Linear2D(sigma_q=0.0, sigma_0=sigma_0)
    _, y = twin_experiment(system, 30, rng)
    result = smoothed(system, y)
    back = [np.linalg.matrix_power(system.M.T, 30 - t) for t in range(31)]
    np.testing.assert_allclose(result.mean, [turn @ result.mean[-1] for turn in back], atol=1e-10)
    np.testing.assert_allclose(result.cov, [turn @ result.cov[-1] @ turn.T for turn in back], atol=1e-12)


def test_known_components_pass_nothing_back(rng):
    """A constant that is known exactly, beside a wandering state: forecast covariances are singular throughout."""
    rough = random_system(rng, 3, 2)
    start = Gaussian(rough.start.mean, np.diag([0.0, 1.0, 2.0]))
    M = np.array([[1.0, 0.0, 0.0], [0.3, 0.9, 0.1], [0.0, 0.2, 0.8]])
    system = LinearSystem(rough.observation, start, M=M, Q=np.diag([0.0, 0.1, 0.0]))
    y = with_gaps(rng, twin_experiment(system, 8, rng, batch=(80,))[1], 0.3)
    result = smoothed(system, y)
    np.testing.assert_allclose(result.mean[..., 0], start.mean[0], atol=1e-12)
    assert np.abs(result.cov[..., 0, :]).max() < 1e-12
    for i in (0, 79):
        one = replace(result, mean=result.mean[i], cov=result.cov[i], gain=result.gain[i])
        assert_is_the_conditioned_joint(one, system, y[i], atol=1e-9)


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_units_of_the_components_do_not_matter(rng, scale):
    system = random_system(rng, 3, 2, rank=2)
    units = np.diag([1.0, scale, 1.0])
    H, back = system.observation.H, np.linalg.inv(units)
    start = Gaussian(units @ system.start.mean, units @ system.start.cov @ units)
    other = LinearSystem(
        replace(system.observation, H=H @ back), start, units @ system.M @ back, units @ system.Q @ units
    )
    _, y = twin_experiment(system, 8, rng)
    np.testing.assert_allclose(smoothed(other, y).mean @ back, smoothed(system, y).mean, atol=1e-8)


# tangents


def test_smoother_of_a_nonlinear_system_is_that_of_its_tangents(rng):
    system = Lorenz63(sigma_q=0.3, steps=4, observation=Nonlinear([0.5, 0.5], lambda x: x[..., :2] ** 2 / 10))
    _, y = twin_experiment(system, 5, rng)
    filtered = run(ExtendedKalmanFilter(system), y)
    result = rts_smoother(system, filtered)
    means, n, T = np.concatenate([system.start.mean[None], filtered.mean]), 3, 5
    law = Gaussian(system.start.mean, system.start.cov)
    for t in range(T):  # the joint law grows by one state and one observation in each cycle
        value, M = system.tangent(means[t])
        size = law.mean.size
        L = np.vstack([np.eye(size), np.hstack([np.zeros((n, size - n)), M])])
        m = np.concatenate([np.zeros(size), value - M @ means[t]])
        noise = np.zeros((size + n, size + n))
        noise[size:, size:] = system.Q
        law = law.affine(L, m, noise)
        h, H = system.observation.tangent(filtered.forecast.mean[t])
        see = np.hstack([np.zeros((2, size)), H])
        law = law.posterior(see, h - H @ filtered.forecast.mean[t], np.diag(system.observation.R), y[t])
    np.testing.assert_allclose(result.mean, law.mean.reshape(T + 1, n), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(
        result.cov, [law.cov[3 * t : 3 * t + 3, 3 * t : 3 * t + 3] for t in range(T + 1)], rtol=1e-6, atol=1e-9
    )


# batches, libraries


@pytest.mark.parametrize("share", [0.0, 0.4])
@pytest.mark.parametrize(("n", "rank"), [(2, None), (2, 1), (6, None), (6, 3)])
def test_a_batch_of_one_is_the_slice_of_the_batch(rng, share, n, rank):
    system = random_system(rng, n, 2, rank=rank)
    y = with_gaps(rng, twin_experiment(system, 6, rng, batch=(4, 5))[1], share)
    whole, single = smoothed(system, y), smoothed(system, y[2, 3])
    assert whole.mean.shape == (4, 5, 7, n)
    assert whole.cov.shape == ((4, 5, 7, n, n) if share else (7, n, n))
    at = (2, 3) if share else ()
    np.testing.assert_allclose(whole.mean[2, 3], single.mean, atol=1e-10)
    np.testing.assert_allclose(whole.cov[at], single.cov, atol=1e-10)
    np.testing.assert_allclose(whole.lag_one[at], single.lag_one, atol=1e-10)


@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize(("n", "rank"), [(3, None), (6, None), (3, 2), (6, 3), (2, 0)])
@pytest.mark.parametrize("filter", [KalmanFilter, SquareRootKalmanFilter])
def test_runs_may_differ_at_the_last_time_alone(rng, steps, n, rank, filter):
    """Covariances of forecasts then serve the batch, those of analyses do not."""
    system = random_system(rng, n, 2, rank=rank)
    y = twin_experiment(system, steps, rng, batch=(4,))[1]
    y[0, -1, 0] = np.nan
    whole = smoothed(system, y, filter)
    for i in range(2):
        single = smoothed(system, y[i], filter)
        np.testing.assert_allclose(whole.mean[i], single.mean, atol=1e-10)
        np.testing.assert_allclose(whole.cov[i], single.cov, atol=1e-10)
        np.testing.assert_allclose(whole.gain[i], single.gain, atol=1e-10)


@pytest.mark.parametrize("rank", [None, 1])
@pytest.mark.parametrize("batch", [(), (20,)])
def test_numpy_and_torch_agree_and_gradients_pass(rng, rank, batch):
    system = random_system(rng, 2, 2, rank=rank)
    y = with_gaps(rng, twin_experiment(system, 6, rng, batch=batch)[1], 0.3)
    tensor = torch.from_numpy(y).requires_grad_()
    ours, theirs = smoothed(system, y), smoothed(system, tensor)
    np.testing.assert_allclose(ours.mean, theirs.mean.detach().numpy(), atol=1e-10)
    np.testing.assert_allclose(ours.cov, theirs.cov.detach().numpy(), atol=1e-10)
    (theirs.mean**2).sum().backward()
    step = 1e-5 * rng.normal(size=y.shape)
    up, down = ((smoothed(system, y + sign * step).mean ** 2).sum() for sign in (1, -1))
    np.testing.assert_allclose(np.nansum(tensor.grad.numpy() * step), (up - down) / 2, rtol=1e-5, atol=1e-9)


def test_smoothing_never_loses_and_ends_where_the_filter_does(rng):
    system = random_system(rng, 3, 2, full=True)
    y = with_gaps(rng, twin_experiment(system, 20, rng, batch=(30,))[1], 0.3)
    filtered = run(KalmanFilter(system), y)
    result = rts_smoother(system, filtered)
    np.testing.assert_array_equal(result.mean[:, -1], filtered.mean[:, -1])
    np.testing.assert_array_equal(result.cov[:, -1], filtered.cov[:, -1])
    assert np.linalg.eigvalsh(filtered.cov - result.cov[:, 1:]).min() > -1e-12
    assert np.linalg.eigvalsh(result.cov).min() > 0
    assert (result.cov == result.cov.mT).all()


def test_smoothed_paths_are_nearer_to_the_truth(rng):
    x, y = twin_experiment(Linear2D(), 40, rng, batch=(500,))
    filtered = run(KalmanFilter(Linear2D()), y)
    gain = ((filtered.mean - x[:, 1:]) ** 2 - (rts_smoother(Linear2D(), filtered).mean[:, 1:] - x[:, 1:]) ** 2).mean(
        axis=(1, 2)
    )
    assert gain.mean() > 4 * gain.std() / np.sqrt(len(gain))


# what cannot be done is said


def test_a_run_that_diverged_has_no_smoothed_path(rng):
    system = Lorenz63(steps=10, observation=Components.every(1, 3, 1.0))
    y = twin_experiment(system, 5, rng, batch=(2,))[1]
    y[0, 2] = 1e8  # what no step of the model survives
    filtered = run(ExtendedKalmanFilter(system), y)
    assert filtered.survived.tolist() == [3, 5]
    result = rts_smoother(system, filtered)
    assert np.isnan(result.mean[0]).all()
    assert np.isnan(result.cov[0, :-1]).all()
    np.testing.assert_allclose(result.mean[1], smoothed(system, y[1], ExtendedKalmanFilter).mean, atol=1e-8)


@pytest.mark.parametrize(
    ("filter", "keep", "kind"),
    [
        (KalmanFilter(Linear2D()), False, "Summary"),
        (Var3D(Linear2D(), np.eye(2)), True, "Fixed"),
        (ETKF(Linear2D(), 5), True, "Ensemble"),
    ],
)
def test_a_result_without_beliefs_of_kalman_s_filters_is_refused(rng, filter, keep, kind):
    _, y = twin_experiment(Linear2D(), 3, rng)
    with pytest.raises(
        ValueError, match=rf"of Kalman's filters are needed, with keep=True, but the result holds {kind}"
    ):
        rts_smoother(Linear2D(), run(filter, y, rng, keep=keep))


def test_the_result_of_another_system_is_refused():
    result = run(ExtendedKalmanFilter(Lorenz63()), np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"the system has 2 components, but the result's states 3"):
        rts_smoother(Linear2D(), result)
