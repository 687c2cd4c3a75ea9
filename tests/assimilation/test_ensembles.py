"""Ensemble filters against dense algebra, Kalman's filter, and the laws of their random parts."""

import math
import re
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
import scipy.stats
import torch

from mlpc.assimilation import (
    ETKF,
    LETKF,
    RTPS,
    Components,
    EnKF,
    Ensemble,
    FiniteSize,
    Geometry,
    KalmanFilter,
    Linear,
    Lorenz63,
    Lorenz96,
    Multiplicative,
    Nonlinear,
    ParticleFilter,
    run,
    scores,
    twin_experiment,
)
from mlpc.assimilation.backends import namespace, numpy
from mlpc.assimilation.ensembles import (
    chi_squared,
    complement,
    plus_identity,
    regression,
    rotation,
    solve_lower,
    symmetric,
    triangular,
    with_covariance,
)
from mlpc.assimilation.systems import Independent
from mlpc.basics import Gaussian
from tests.assimilation.linear import random_system, with_gaps

SIZES = [(5, 3, 2), (5, 3, 8), (5, 9, 5), (2, 1, 1), (9, 4, 4)]  # N, n, k
MAKERS = {
    "EnKF": lambda system, N, **options: EnKF(system, N, **options),
    "ETKF": lambda system, N, **options: ETKF(system, N, **options),
    "rotated ETKF": lambda system, N, **options: ETKF(system, N, rotate=True, **options),
}
EVERY = MAKERS | {
    "finite-size ETKF": lambda system, N: ETKF(system, N, FiniteSize()),
    "LETKF": lambda system, N: LETKF(system, N, 1.0, geometry=places(system)),
    "particle filter": lambda system, N: ParticleFilter(system, N, regularisation=1.0),
}
makers = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def places(system):
    """The first components of a ring are observed."""
    return Geometry(np.arange(system.n)[:, None], np.arange(system.observation.k)[:, None], system.n)


class Table(np.random.Generator):
    """Normal numbers that depend on their place in the last two axes only: all trajectories draw the same."""

    def __init__(self, seed=0):
        super().__init__(np.random.PCG64(seed))
        self.numbers = np.random.default_rng(seed).standard_normal((60, 60))

    def standard_normal(self, size=None):
        if np.ndim(size) == 0:  # of a rotation
            return np.random.default_rng(0).standard_normal(size)
        return np.broadcast_to(self.numbers[: size[-2], : size[-1]], size)


def departures(rng, N, n, k, batch=()):
    """Anomalies with sum zero, what is seen of them, and departures."""
    X, Y = rng.standard_normal((*batch, N, n)), rng.standard_normal((*batch, N, k))
    return X - X.mean(-2, keepdims=True), Y - Y.mean(-2, keepdims=True), rng.standard_normal((*batch, k))


def moments(members):
    return members.mean(-2), np.cov(members.T, ddof=1)


def linear_experiment(rng, n, k, T=12, *, full=False, rank=None, noiseless=False, share=0.0):
    system = random_system(rng, n, k, full=full, rank=rank)
    if noiseless:
        system = replace(system, Q=np.zeros((n, n)))
    _, y = twin_experiment(system, T, rng)
    return system, with_gaps(rng, y, share)


# the algebra of one analysis


@pytest.mark.parametrize(("N", "n", "k"), SIZES)
def test_weights_anomalies_and_determinant_are_those_of_dense_algebra(rng, N, n, k):
    X, Y, d = departures(rng, N, n, k, (4,))
    C, S = np.eye(N) + Y @ Y.mT, np.eye(k) + Y.mT @ Y
    U = complement(N)
    cov = X.mT @ np.linalg.solve(C, X)
    expected = np.linalg.solve(C, Y @ d[..., None])[..., 0]
    for weights, anomalies, logdet in (symmetric(X, Y, d), triangular(U.T @ X, U.T @ Y, d)):
        lifted = weights if weights.shape[-1] == N else weights @ U.T
        np.testing.assert_allclose(lifted, expected, rtol=0, atol=1e-11)
        np.testing.assert_allclose(anomalies.mT @ anomalies, cov, rtol=0, atol=1e-11)
        np.testing.assert_allclose(logdet, np.linalg.slogdet(S)[1], rtol=0, atol=1e-11)
    weights, gain, logdet = regression(X, Y, d)
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-11)
    np.testing.assert_allclose(gain, np.linalg.solve(S, Y.mT @ X), rtol=0, atol=1e-11)
    np.testing.assert_allclose(logdet, np.linalg.slogdet(C)[1], rtol=0, atol=1e-11)
    chi2 = (d[..., None, :] @ np.linalg.solve(S, d[..., None]))[..., 0, 0]
    np.testing.assert_allclose(chi_squared(Y, d, expected), chi2, rtol=1e-10)


@pytest.mark.parametrize(("N", "n", "k"), SIZES)
def test_the_symmetric_transform_is_the_inverse_root_and_keeps_the_mean(rng, N, n, k):
    _, Y, d = departures(rng, N, n, k)
    _, T, _ = symmetric(np.eye(N), Y, d)
    np.testing.assert_allclose(T, T.T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(T @ T.T, np.linalg.inv(np.eye(N) + Y @ Y.T), rtol=0, atol=1e-12)
    np.testing.assert_allclose(T @ np.ones(N), np.ones(N), rtol=0, atol=1e-12)
    assert np.linalg.eigvalsh(T).min() > 0


@pytest.mark.parametrize(("N", "k"), [(6, 3), (6, 9)])
def test_rotated_roots_have_the_law_of_the_rotated_symmetric_one(rng, N, k):
    """Statistics of single members that are no function of the covariance, from many rotations of both roots."""
    X, Y, d = departures(rng, N, 2, k)
    U = complement(N)
    cheap, dear = triangular(U.T @ X, U.T @ Y, d)[1], symmetric(U.T @ X, U.T @ Y, d)[1]
    assert np.abs(cheap - dear).max() > 1e-4  # they are not the same root
    samples = [
        np.array([U @ rotation(N - 1, rng) @ anomalies for _ in range(4000)])  # (draws, members, components)
        for anomalies in (cheap, dear)
    ]
    for statistic in (
        lambda E: E[:, 0, 0],
        lambda E: E[:, 0, 0] * E[:, 1, 1] - 2 * E[:, 2, 0],
        lambda E: np.max(E[..., 0] + E[..., 1] ** 3, axis=-1),
    ):
        assert scipy.stats.ks_2samp(*map(statistic, samples)).pvalue > 1e-5


@pytest.mark.parametrize("m", [1, 2, 5])
def test_rotations_are_orthogonal_and_uniform(rng, m):
    draws = 8_000
    Q = np.array([rotation(m, rng) for _ in range(draws)])
    np.testing.assert_allclose(Q @ Q.mT, np.broadcast_to(np.eye(m), Q.shape), rtol=0, atol=1e-13)
    error = 5 / np.sqrt(draws)
    np.testing.assert_allclose(Q.mean(0), 0, atol=error)
    np.testing.assert_allclose((Q**2).mean(0), 1 / m, atol=error)
    np.testing.assert_allclose((Q**4).mean(0), 3 / (m * (m + 2)), atol=error)
    trace = np.trace(Q, axis1=1, axis2=2)  # E tr Q = 0 and E (tr Q)² = 1 in every dimension
    np.testing.assert_allclose([trace.mean(), (trace**2).mean()], [0, 1], atol=3 * error)
    np.testing.assert_allclose(np.linalg.det(Q).mean(), 0, atol=error)


@pytest.mark.parametrize("N", [2, 3, 40])
def test_the_complement_is_an_orthonormal_basis_of_what_sums_to_zero(N):
    U = complement(N)
    np.testing.assert_allclose(U.T @ U, np.eye(N - 1), rtol=0, atol=1e-14)
    np.testing.assert_allclose(U.sum(0), 0, atol=1e-14)


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_triangular_systems_are_solved_in_their_precision_on_both_sides(rng, batch, dtype):
    F = (np.tril(rng.standard_normal((*batch, 5, 5))) + 4 * np.eye(5)).astype(dtype)
    B = rng.standard_normal((*batch, 5, 2)).astype(dtype)
    tolerance = 100 * np.finfo(dtype).eps
    for transposed, A in ((False, F), (True, F.mT)):
        solved = solve_lower(F, B, transposed)
        assert solved.dtype == dtype
        np.testing.assert_allclose(A @ solved, B, rtol=0, atol=tolerance)
        there = solve_lower(torch.from_numpy(F), torch.from_numpy(B), transposed)
        np.testing.assert_allclose(there, solved, rtol=0, atol=tolerance)


def test_an_enormous_gram_matrix_of_low_rank_has_a_factor(rng):
    """Where the identity is lost in rounding, a plain Cholesky factorisation would fail sooner or later."""
    for scale in 10.0 ** np.arange(0, 14):
        A = scale * rng.standard_normal((50, 30, 3))
        F = plus_identity(A @ A.mT)
        assert np.isfinite(F).all()
        np.testing.assert_allclose(F @ F.mT, np.eye(30) + A @ A.mT, rtol=0, atol=1e-13 * max(1, scale**2) * 900)


def test_anomalies_with_a_new_covariance_are_the_nearest_ones(rng):
    N, n = 7, 3
    X, _, _ = departures(rng, N, n, 1)
    R = rng.standard_normal((n, n))
    new = with_covariance(X, R)
    np.testing.assert_allclose(new.sum(0), 0, atol=1e-13)
    np.testing.assert_allclose(new.T @ new, R.T @ R, rtol=0, atol=1e-12)
    distance = np.linalg.norm(new - X)
    for _ in range(100):
        other = with_covariance(X + rng.standard_normal(X.shape), R)  # of the same covariance, and near something else
        assert np.linalg.norm(other - X) > distance
    np.testing.assert_allclose(with_covariance(X, np.linalg.cholesky(X.T @ X).T), X, rtol=0, atol=1e-12)
    flat = with_covariance(np.zeros((N, n)), R)  # nothing to be near to is no excuse
    np.testing.assert_allclose(flat.T @ flat, R.T @ R, rtol=0, atol=1e-12)


# laws of the filters


@pytest.mark.parametrize("rotate", [False, True])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("n", "k", "rank"), [(3, 2, None), (2, 5, None), (4, 3, 1), (3, 9, None)])
def test_etkf_with_exact_noise_and_more_members_than_components_is_kalmans_filter(rng, n, k, rank, full, rotate):
    system, y = linear_experiment(rng, n, k, full=full, rank=rank, share=0.3)
    exact = run(KalmanFilter(system), y)
    result = run(ETKF(system, n + 4, rotate=rotate, exact=True), y, rng)
    for name in ("mean", "cov", "log_evidence"):
        np.testing.assert_allclose(getattr(result, name), getattr(exact, name), rtol=0, atol=1e-10)
    np.testing.assert_allclose(result.forecast.cov, exact.forecast.cov, rtol=0, atol=1e-10)
    np.testing.assert_allclose(result.update.chi2, exact.update.chi2, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(result.update.count, exact.update.count)


@pytest.mark.parametrize("rotate", [False, True])
def test_etkf_without_noise_is_kalmans_filter_started_from_the_moments_that_were_drawn(rng, rotate):
    system, y = linear_experiment(rng, 3, 2, noiseless=True)
    etkf = ETKF(system, 6, rotate=rotate)
    mean, cov = moments(etkf.init((), np.random.default_rng(5), y).members)
    assert np.abs(cov - system.start.cov).max() > 1e-2
    exact = run(KalmanFilter(replace(system, start=Gaussian(mean, cov))), y)
    result = run(etkf, y, np.random.default_rng(5))
    np.testing.assert_allclose(result.mean, exact.mean, rtol=0, atol=1e-10)
    np.testing.assert_allclose(result.cov, exact.cov, rtol=0, atol=1e-10)
    np.testing.assert_allclose(result.update.log_evidence, exact.update.log_evidence, rtol=0, atol=1e-10)


def test_the_mean_of_the_enkf_obeys_kalmans_rule_exactly_and_its_covariance_does_so_on_average(rng):
    system, y = linear_experiment(rng, 3, 2, T=1)
    exact = run(KalmanFilter(system), y)
    repeats, N = 2000, 8
    result = run(EnKF(system, N, exact=True), np.broadcast_to(y, (repeats, *y.shape)), rng)
    np.testing.assert_allclose(result.mean, np.broadcast_to(exact.mean, result.mean.shape), rtol=0, atol=1e-10)
    error = result.cov.std(axis=0) / np.sqrt(repeats)
    assert (np.abs(result.cov.mean(axis=0) - exact.cov) < 5 * error).all()
    assert result.cov.std(axis=0).min() > 1e-3 * np.abs(exact.cov).max()  # single ones do not


def test_the_enkf_comes_to_kalmans_filter_as_its_members_grow(rng):
    system, y = linear_experiment(rng, 3, 2, T=8, share=0.2)
    exact = run(KalmanFilter(system), y)
    distance = {
        N: np.sqrt(np.mean((run(EnKF(system, N), np.broadcast_to(y, (20, *y.shape)), rng).mean - exact.mean) ** 2))
        for N in (50, 5000)
    }
    assert distance[5000] < 0.2 * distance[50]  # 0.1 but for chance


@pytest.mark.parametrize("rotate", [False, True])
@pytest.mark.parametrize("N", [9, 30])
def test_the_analysis_is_the_exact_bayes_update_of_its_forecast(rng, N, rotate):
    """At every state x, log qᵃ(x) - log qᵇ(x) = log p(y | x) - log p(y), also if the model is wrong."""
    system = Lorenz96(sites=6, sigma_q=0.1, observation=Linear(np.eye(3) + 0.3, rng.standard_normal((3, 6))))
    x, y = twin_experiment(system, 20, rng)
    result = run(ETKF(replace(system, F=7.0), N, inflation=1.1, rotate=rotate), y, rng)
    for t in (0, 7, 19):
        before, after = (Gaussian(q.mean[t], q.cov[t]) for q in (result.forecast, result.analysis))
        at = x[t + 1] + rng.standard_normal((4, 6))
        gain = after.log_density(at) - before.log_density(at)
        likelihood = Gaussian(np.zeros(3), system.observation.R).log_density(y[t] - system.observation(at))
        np.testing.assert_allclose(gain, likelihood - result.update.log_evidence[t], rtol=0, atol=1e-7)


def test_sampled_noise_is_centred_and_has_the_covariance_of_the_model(rng):
    system, y = linear_experiment(rng, 3, 2, rank=2)
    etkf = ETKF(system, 200)
    state = etkf.init((300,), rng, y)
    forecast = etkf.forecast(state, rng)
    np.testing.assert_allclose(forecast.mean, system.step(state.mean), rtol=0, atol=1e-12)
    noise = Ensemble(forecast.members - system.step(state.members)).cov
    np.testing.assert_allclose(noise.mean(0), system.Q, atol=5 * np.abs(noise.std(0)).max() / np.sqrt(300) + 1e-12)


def test_exact_moments_at_the_start_are_those_of_the_law_and_its_members_are_random(rng):
    system, y = linear_experiment(rng, 3, 2)
    state = EnKF(system, 5, exact=True).init((2,), rng, y)
    np.testing.assert_allclose(state.mean, np.broadcast_to(system.start.mean, (2, 3)), rtol=0, atol=1e-12)
    np.testing.assert_allclose(state.cov, np.broadcast_to(system.start.cov, (2, 3, 3)), rtol=0, atol=1e-12)
    assert np.abs(state.members[0] - state.members[1]).max() > 0.1


def test_members_at_the_start_are_a_sample_of_the_law(rng):
    system, y = linear_experiment(rng, 2, 1)
    members = ETKF(system, 5000).init((4,), rng, y).members.reshape(-1, 2)
    whitened = np.linalg.solve(np.linalg.cholesky(system.start.cov), (members - system.start.mean).T)
    for z in whitened:
        assert scipy.stats.kstest(z, "norm").pvalue > 1e-5


# gaps, batches, libraries


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("N", [5, 20])
@makers
def test_a_gap_is_as_if_the_component_had_not_been_there(rng, make, N, full):
    system, y = linear_experiment(rng, 4, 7, T=1, full=full)
    hidden = np.array([1, 4, 5])
    rest = np.setdiff1d(np.arange(7), hidden)
    R = system.observation.R
    fewer = replace(system, observation=Linear(R[np.ix_(rest, rest)] if full else R[rest], system.observation.H[rest]))
    gaps = y.copy()
    gaps[:, hidden] = np.nan

    class Numbers(Table):  # perturbations of what is there are the same in both filters
        def standard_normal(self, size=None):
            drawn = super().standard_normal((N, 7) if np.ndim(size) and size[-1] == len(rest) else size)
            return drawn[:, rest] if np.ndim(size) and size[-1] == len(rest) else drawn

    state = make(system, N).init((), rng, y)
    (after, update), (expected, known) = (
        make(model, N).analyse(state, seen[0], Numbers()) for model, seen in ((system, gaps), (fewer, y[:, rest]))
    )
    np.testing.assert_allclose(after.mean, expected.mean, rtol=0, atol=1e-11)
    same = after.cov if vars(make(system, N)).get("rotate") else after.members
    np.testing.assert_allclose(
        same, expected.cov if same is not after.members else expected.members, rtol=0, atol=1e-11
    )
    np.testing.assert_allclose(update.log_evidence, known.log_evidence, rtol=0, atol=1e-11)
    np.testing.assert_allclose(update.chi2, known.chi2, rtol=0, atol=1e-11)
    assert update.count == known.count == 4
    np.testing.assert_array_equal(np.isnan(update.innovation), np.isin(np.arange(7), hidden))


@makers
def test_nothing_seen_is_a_pure_forecast(rng, make):
    system, y = linear_experiment(rng, 3, 2, T=1)
    chosen = make(system, 6)
    state = chosen.init((), rng, y)
    after, update = chosen.analyse(state, np.full(2, np.nan), rng)
    np.testing.assert_allclose(after.mean, state.mean, rtol=0, atol=1e-12)
    np.testing.assert_allclose(after.cov, state.cov, rtol=0, atol=1e-12)
    assert update.log_evidence == pytest.approx(0, abs=1e-12)
    assert update.chi2 == update.count == 0


@makers
def test_one_trajectory_is_the_slice_of_its_batch_whatever_the_gaps_of_the_others(rng, make):
    system = Lorenz96(sites=8, observation=Components.every(1, 8, 0.5))
    _, y = twin_experiment(system, 6, rng, batch=(2, 3))
    y = with_gaps(rng, y, 0.3)
    chosen = make(system, 6, inflation=1.05)
    state = chosen.init((2, 3), rng, y)
    for at in [(0, 0), (1, 2)]:
        batch, one = state, Ensemble(state.members[at])
        for t in range(6):
            batch, of_batch = chosen.analyse(chosen.forecast(batch, Table(t)), y[..., t, :], Table(t))
            one, of_one = chosen.analyse(chosen.forecast(one, Table(t)), y[at][t], Table(t))
        np.testing.assert_allclose(one.members, batch.members[at], rtol=0, atol=1e-9)
        np.testing.assert_allclose(of_one.log_evidence, of_batch.log_evidence[at], rtol=0, atol=1e-9)


@pytest.mark.parametrize("inflation", [1.05, RTPS(0.3), FiniteSize()])
@makers
def test_torch_and_numpy_give_the_same_numbers(rng, make, inflation):
    system = Lorenz96(sites=8, sigma_q=0.1, observation=Components.every(2, 8, 0.5))
    _, y = twin_experiment(system, 10, rng, batch=(2,))
    y = with_gaps(rng, y, 0.2)
    chosen = make(system, 12, inflation=inflation)
    one = run(chosen, y, np.random.default_rng(1))
    other = run(chosen, torch.from_numpy(y), np.random.default_rng(1))
    assert isinstance(other.mean, torch.Tensor)
    np.testing.assert_allclose(other.ensemble.numpy(), one.ensemble, rtol=0, atol=1e-7)
    np.testing.assert_allclose(other.log_evidence.numpy(), one.log_evidence, rtol=0, atol=1e-7)


@makers
def test_single_precision_stays_single_and_is_close(rng, make):
    system = Lorenz96(sites=8)
    _, y = twin_experiment(system, 5, rng)
    chosen = make(system, 12)
    double, single = (run(chosen, given, np.random.default_rng(1)) for given in (y, y.astype(np.float32)))
    assert single.ensemble.dtype == single.update.log_evidence.dtype == np.float32
    np.testing.assert_allclose(single.mean, double.mean, rtol=0, atol=5e-3)


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("name", [*EVERY, "relaxed", "inflated"])
def test_numbers_of_numpy_do_not_change_the_precision(name):
    options = {"relaxed": [RTPS(np.float64(0.3))], "inflated": [Multiplicative(np.float64(1.1))]}.get(name, [])
    result = run(
        EVERY.get(name, ETKF)(Lorenz96(sites=4), np.int64(6), *options),
        np.ones((3, 4), np.float32),
        np.random.default_rng(0),
    )
    assert result.mean.dtype == result.std.dtype == result.update.log_evidence.dtype == np.float32


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("library", [np.asarray, torch.asarray])
def test_no_observation_at_all_is_a_pure_forecast(name, library):
    system = Lorenz96(sites=4, observation=Components(np.zeros(0), np.zeros(0, int), 4))
    result = run(EVERY[name](system, 6), library(np.zeros((2, 3, 0))), np.random.default_rng(0))
    np.testing.assert_allclose(result.mean, result.forecast.mean, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(result.log_evidence, 0)


@pytest.mark.parametrize("name", ["EnKF", "rotated ETKF"])
@pytest.mark.parametrize("N", [4, 12])
def test_the_evidence_has_gradients_through_the_filter(rng, name, N):
    system = Lorenz96(sites=6)
    _, y = twin_experiment(system, 3, rng)
    chosen = MAKERS[name](system, N)

    def evidence(y):
        state, total = chosen.init((), np.random.default_rng(1), y), 0.0
        for t in range(3):
            state, update = chosen.analyse(chosen.forecast(state, None), y[t], np.random.default_rng(t))
            total = total + update.log_evidence
        return total

    at, direction = torch.from_numpy(y).requires_grad_(), rng.standard_normal(y.shape)
    (slope,) = torch.autograd.grad(evidence(at), at)
    h = 1e-5
    expected = (evidence(y + h * direction) - evidence(y - h * direction)) / (2 * h)
    assert float((slope.numpy() * direction).sum()) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_nonlinear_observations_are_seen_member_by_member(rng):
    """An observation of the squared first component: the gain is the regression of the state on what is seen."""
    system = Lorenz63(observation=Nonlinear([0.5], lambda x: x[..., :1] ** 2))
    etkf = ETKF(system, 50)
    state = etkf.init((), rng, np.zeros(1))
    after, update = etkf.analyse(state, np.array([100.0]), rng)
    joint = np.cov(np.hstack([state.members, state.members[:, :1] ** 2]).T)
    gain = joint[:3, 3] / (joint[3, 3] + 0.5)
    innovation = 100 - (state.members[:, 0] ** 2).mean()
    np.testing.assert_allclose(after.mean, state.mean + gain * innovation, rtol=0, atol=1e-10)
    np.testing.assert_allclose(after.cov, joint[:3, :3] - np.outer(gain, joint[3, :3]), rtol=0, atol=1e-10)
    law = scipy.stats.norm((state.members[:, 0] ** 2).mean(), math.sqrt(joint[3, 3] + 0.5))
    assert update.log_evidence == pytest.approx(law.logpdf(100), abs=1e-10)


# what goes well, and what does not


@pytest.mark.parametrize(
    ("make", "bound"),
    [
        (lambda system: ETKF(system, 28, inflation=1.02, rotate=True), 0.21),
        (lambda system: ETKF(system, 28, inflation=1.02), 0.22),
        (lambda system: EnKF(system, 40, inflation=1.06), 0.26),
    ],
)
def test_lorenz_96_is_followed_within_the_published_accuracy_and_some_chance(seed, make, bound):
    system = Lorenz96()
    x, y = twin_experiment(system, 400, np.random.default_rng(seed), batch=(5,))
    result = run(make(system), y, np.random.default_rng([seed, 1]), keep=False)
    assert result.survived.min() == 400
    assert np.median(scores.rmse(result.mean, x[..., 1:, :])[:, 200:].mean(axis=-1)) < bound


def test_few_members_without_inflation_and_localisation_are_a_failure_that_they_do_not_notice(seed):
    """Fewer members than growing directions: the error is that of a climatology, while the spread says all is well."""
    system = Lorenz96()
    x, y = twin_experiment(system, 300, np.random.default_rng(seed), batch=(3,))
    error = {}
    for name, chosen in {
        "bare": ETKF(system, 10),
        "localised": LETKF(system, 10, radius=7.3, inflation=1.04),
    }.items():
        result = run(chosen, y, np.random.default_rng([seed, 1]), keep=False)
        error[name] = scores.rmse(result.mean, x[..., 1:, :])[:, 200:].mean()
        if name == "bare":
            assert scores.spread(result.std)[:, 200:].mean() < 0.1 * error["bare"]
    assert error["bare"] > 2
    assert error["localised"] < 0.4


@makers
def test_a_run_that_diverges_is_recorded_and_no_error(make, rng):
    stable = Lorenz96(sites=8)
    system = Lorenz96(sites=8, dt=0.5, start=stable.start)  # too long a step
    _, y = twin_experiment(stable, 30, rng, batch=(2,))
    result = run(make(system, 5, inflation=1.5), y, rng)
    assert (result.survived < 30).all()
    for b, survived in enumerate(result.survived):
        assert np.isnan(result.mean[b, survived:]).all()
        assert np.isfinite(result.mean[b, :survived]).all()


def started_from(chosen, members):
    """The filter with these members at the start."""

    class From(type(chosen)):
        def init(self, batch, rng, beside):
            return replace(chosen.init(batch, rng, beside), members=members)

    return From(**{field.name: getattr(chosen, field.name) for field in fields(chosen) if field.init})


@pytest.mark.parametrize("factor", [np.inf, 1e170, 1e150], ids="times {}".format)
@pytest.mark.parametrize("library", [np.asarray, torch.asarray])
@pytest.mark.parametrize(
    ("name", "full"),
    [(name, full) for name in (*EVERY, "two members") for full in (False, True) if (name, full) != ("LETKF", True)],
)
def test_an_operator_that_overflows_ends_its_own_trajectory_and_no_other(name, library, full, factor):
    """What is seen of the second trajectory, or its square, or what is made of that, is no number."""

    def huge(x):
        xp, seen = namespace(x), x[..., :2]
        return xp.where(seen > 20, seen * factor, seen)

    R = [[1.0, 0.5], [0.5, 1.0]] if full else [1.0, 1.0]
    system = Lorenz96(sites=4, dt=1e-4, observation=Nonlinear(R, huge), start=Independent(np.zeros(4), np.ones(4)))
    chosen, y = EVERY.get(name, ETKF)(system, 2 if name == "two members" else 6), library(np.ones((2, 3, 2)))
    members = chosen.init((2,), np.random.default_rng(0), y).members + library(np.array([0.0, 40.0]))[:, None, None]
    result = run(started_from(chosen, members), y, np.random.default_rng(1))
    np.testing.assert_array_equal(result.survived, [3, 0])
    for series in (numpy(result.mean), numpy(result.update.log_evidence)):
        assert np.isfinite(series[0]).all()
        assert np.isnan(series[1]).all()


@dataclass(frozen=True, eq=False)
class Exploding(Lorenz96):
    factor: float = 1.0

    def step(self, x):
        return namespace(x).where(x > 20, x * self.factor, x)


@pytest.mark.parametrize("factor", [np.nan, np.inf, 1e200], ids="times {}".format)
@pytest.mark.parametrize("library", [np.asarray, torch.asarray])
@makers
def test_exact_noise_of_a_forecast_that_diverges_is_no_error(make, library, factor):
    system = Exploding(sites=4, sigma_q=0.1, factor=factor, start=Independent(np.zeros(4), np.ones(4)))
    chosen, y = make(system, 6, exact=True), library(np.ones((2, 3, 4)))
    members = chosen.init((2,), np.random.default_rng(0), y).members + library(np.array([0.0, 40.0]))[:, None, None]
    result = run(started_from(chosen, members), y, np.random.default_rng(1))
    np.testing.assert_array_equal(result.survived, [3, 0])
    alone = run(started_from(chosen, members[1]), y[1], np.random.default_rng(1))
    assert alone.survived == 0


@makers
def test_an_enormous_spread_is_no_error(make, rng):
    system, y = linear_experiment(rng, 4, 4, T=1)
    chosen = make(system, 12)
    direction = rng.standard_normal(4)
    members = system.start.mean + 1e9 * rng.standard_normal((12, 1)) * direction + rng.standard_normal((12, 4))
    after, update = chosen.analyse(Ensemble(members), y[0], rng)
    assert np.isfinite(after.members).all()
    assert np.isfinite(update.log_evidence)
    assert update.chi2 >= 0


# errors


@pytest.mark.parametrize("kind", [EnKF, ETKF])
@pytest.mark.parametrize("N", [1, 0, -3])
def test_one_member_has_no_covariance(kind, N):
    message = rf"{kind.__name__}\(\): N must be at least 2, as one member has no covariance, but is {N}"
    with pytest.raises(ValueError, match=message):
        kind(Lorenz96(), N)


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("N", [10.5, 10.0, "10", None])
def test_members_are_counted(name, N):
    with pytest.raises(ValueError, match=re.escape(f"(): N must be a whole number, but is {N!r}")):
        EVERY[name](Lorenz96(sites=4), N)


def test_exact_moments_need_more_members_than_components():
    with pytest.raises(
        ValueError, match=re.escape("exact moments of n = 40 components need N > n members, but N is 40")
    ):
        ETKF(Lorenz96(), 40, exact=True)
    ETKF(Lorenz96(), 41, exact=True)


@pytest.mark.parametrize("given", ["1.02", None, [1.0]])
def test_inflation_is_a_number_or_a_strategy(given):
    with pytest.raises(TypeError, match=r"ETKF\(\): inflation must be a factor or a strategy such as RTPS"):
        ETKF(Lorenz96(), 10, inflation=given)


@makers
def test_a_filter_that_draws_asks_for_a_generator(make):
    with pytest.raises(ValueError, match=r"pass a numpy\.random\.Generator"):
        run(make(Lorenz96(), 5), np.zeros((3, 40)))
