"""Kalman's filters against the Gaussian rules, the dense law of whole paths, statsmodels, and the laws they obey."""

from dataclasses import replace

import array_api_compat.torch
import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.statespace.kalman_smoother import KalmanSmoother

from mlpc.assimilation import (
    ExtendedKalmanFilter,
    KalmanFilter,
    Linear,
    Linear2D,
    LinearSystem,
    Lorenz63,
    Lorenz96,
    Nonlinear,
    SquareRootKalmanFilter,
    run,
    steady_state,
    twin_experiment,
)
from mlpc.assimilation.kalman import joseph, sandwich
from mlpc.basics import Gaussian
from tests.assimilation.linear import nearly_equal_instruments, path_law, random_system, spd, with_gaps

FILTERS = [KalmanFilter, SquareRootKalmanFilter, ExtendedKalmanFilter]


@st.composite
def problems(draw):
    """A function that makes a system, observations of it with gaps, and a Generator."""
    seed, n, k = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    full, share = draw(st.booleans()), draw(st.sampled_from([0.0, 0.4]))
    batch, rank = draw(st.sampled_from([(), (3,), (2, 2), (80,)])), draw(st.sampled_from([None, n - 1]))

    def made():
        rng = np.random.default_rng(seed)
        system = random_system(rng, n, k, full=full, rank=rank)
        x, y = twin_experiment(system, 5, rng, batch=batch)
        return system, x, with_gaps(rng, y, share), rng

    return made


def assert_same(found, expected, atol=1e-9):
    """One covariance may stand for those of a whole batch."""
    np.testing.assert_allclose(*np.broadcast_arrays(found, expected), rtol=1e-7, atol=atol)


def log_density(mean, cov, x):
    return Gaussian(mean, cov).log_density(x)


# what the filter is


@pytest.mark.parametrize("filter", FILTERS)
@settings(max_examples=25)
@given(problem=problems())
def test_each_cycle_is_the_gaussian_rules_of_the_basics_in_turn(filter, problem):
    system, _, y, _ = problem()
    H, R, n = system.observation.H, system.observation.covariance(system.M), system.n
    result, law = run(filter(system), y), system.start
    for t in range(y.shape[-2]):
        law = law.affine(system.M, np.zeros(n), system.Q)
        assert_same(result.forecast.mean[..., t, :], law.mean)
        assert_same(result.forecast.cov[..., t, :, :], law.cov)
        law = law.posterior(H, np.zeros(len(H)), R, y[..., t, :])
        assert_same(result.mean[..., t, :], law.mean)
        assert_same(result.cov[..., t, :, :], law.cov)


@pytest.mark.parametrize("filter", FILTERS)
@settings(max_examples=25)
@given(problem=problems())
def test_log_evidence_is_the_dense_log_density_of_all_observations(filter, problem):
    system, _, y, _ = problem()
    T, k = y.shape[-2:]
    size = (T + 1) * system.n
    dense = path_law(system, T).marginal(slice(size, size + T * k)).log_density(y.reshape(*y.shape[:-2], T * k))
    np.testing.assert_allclose(run(filter(system), y).log_evidence, dense, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("full", [False, True])
def test_filter_agrees_with_statsmodels(rng, full):
    system = random_system(rng, 3, 2, full=full)
    _, y = twin_experiment(system, 30, rng)
    y = with_gaps(rng, y, 0.3)
    first = system.start.affine(system.M, np.zeros(3), system.Q)
    peer = KalmanSmoother(k_endog=2, k_states=3)
    peer.bind(y.copy())
    peer["design"], peer["obs_cov"], peer["transition"] = (
        system.observation.H,
        system.observation.covariance(system.M),
        system.M,
    )
    peer["selection"], peer["state_cov"] = np.eye(3), system.Q
    peer.initialize_known(first.mean, first.cov)
    theirs, ours = peer.filter(), run(KalmanFilter(system), y)
    np.testing.assert_allclose(ours.mean, theirs.filtered_state.T, atol=1e-8)
    np.testing.assert_allclose(ours.cov, np.moveaxis(theirs.filtered_state_cov, -1, 0), atol=1e-8)
    np.testing.assert_allclose(ours.update.log_evidence, theirs.llf_obs, atol=1e-7)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 5))
def test_joseph_textbook_information_and_square_root_forms_agree(seed, n, k):
    rng = np.random.default_rng(seed)
    system = random_system(rng, n, k, full=True)
    P, H, R = system.start.cov, system.observation.H, system.observation.R
    inv = np.linalg.inv
    K = P @ H.T @ inv(H @ P @ H.T + R)
    forms = [joseph(P, H, R, K), P - K @ H @ P, inv(inv(P) + H.T @ inv(R) @ H)]
    for filter in FILTERS:
        state, _ = filter(system).analyse(filter(system).init((), None, P), H @ system.start.mean)
        forms.append(state.cov)
    for form in forms:
        np.testing.assert_allclose(form, forms[0], atol=1e-11)
    np.testing.assert_allclose(K, forms[0] @ H.T @ inv(R), atol=1e-10)  # eq-kf-gain-information


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 5))
def test_any_other_gain_adds_its_squared_difference_to_the_error_covariance(seed, n, k):
    rng = np.random.default_rng(seed)
    P, R, H, other = spd(rng, n), spd(rng, k), rng.normal(size=(k, n)), rng.normal(size=(n, k))
    S = H @ P @ H.T + R
    K = np.linalg.solve(S, H @ P).T
    np.testing.assert_allclose(joseph(P, H, R, other), joseph(P, H, R, K) + (other - K) @ S @ (other - K).T, atol=1e-10)


@settings(max_examples=25)
@given(problem=problems())
def test_analysis_covariances_are_symmetric_semidefinite_and_below_the_forecast(problem):
    system, _, y, _ = problem()
    result = run(KalmanFilter(system), y)
    assert (result.cov == result.cov.mT).all()
    assert np.linalg.eigvalsh(result.cov).min() > -1e-13
    assert np.linalg.eigvalsh(result.forecast.cov - result.cov).min() > -1e-12


def test_sandwich_of_many_is_each_sandwich(rng):
    M, P = rng.normal(size=(2, 3)), np.stack([spd(rng, 3) for _ in range(4)])
    np.testing.assert_allclose(sandwich(M, P), [M @ one @ M.T for one in P], atol=1e-13)
    several = rng.normal(size=(4, 2, 3))
    np.testing.assert_allclose(
        sandwich(several, P), [one @ p @ one.T for one, p in zip(several, P, strict=True)], atol=1e-13
    )


# batches, gaps, libraries, precision


@pytest.mark.parametrize("filter", FILTERS)
@settings(max_examples=25)
@given(problem=problems())
def test_a_batch_of_one_is_the_slice_of_the_batch(filter, problem):
    system, _, y, _ = problem()
    whole = run(filter(system), y)
    alone = y.reshape(-1, *y.shape[-2:])[-1]
    single = run(filter(system), alone)
    batch, last = y.shape[:-2], (-1,) * (y.ndim - 2)
    covs = np.broadcast_to(whole.cov, (*batch, *whole.cov.shape[-3:]))
    np.testing.assert_allclose(whole.mean[last], single.mean, atol=1e-10)
    np.testing.assert_allclose(covs[last], single.cov, atol=1e-10)
    np.testing.assert_allclose(whole.log_evidence[last], single.log_evidence, atol=1e-9)
    np.testing.assert_allclose(whole.update.chi2[last], single.update.chi2, atol=1e-9)
    np.testing.assert_array_equal(whole.update.count[last], single.update.count)


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("batch", [(), (3,), (80,)])
def test_numpy_and_torch_agree(rng, filter, batch):
    system = random_system(rng, 3, 2)
    y = with_gaps(rng, twin_experiment(system, 6, rng, batch=batch)[1])
    ours, theirs = run(filter(system), y), run(filter(system), torch.from_numpy(y))
    assert isinstance(theirs.mean, torch.Tensor)
    for mine, other in (
        (ours.mean, theirs.mean),
        (ours.cov, theirs.cov),
        (ours.forecast.cov, theirs.forecast.cov),
        (ours.log_evidence, theirs.log_evidence),
        (ours.update.chi2, theirs.update.chi2),
    ):
        np.testing.assert_allclose(mine, other.numpy(), atol=1e-10)


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("beside", [np.zeros(0, np.float32), torch.zeros(0)])
def test_single_precision_stays_single(rng, filter, beside):
    system = random_system(rng, 2, 2)
    _, y = twin_experiment(system, 3, rng, beside=beside)
    result = run(filter(system), y)
    assert {result.mean.dtype, result.cov.dtype, result.log_evidence.dtype} == {beside.dtype}


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("batch", [(), (80,)])
def test_gradients_of_the_log_evidence_reach_the_observations(rng, filter, batch):
    system = random_system(rng, 2, 2)
    y = with_gaps(rng, twin_experiment(system, 4, rng, batch=batch)[1], 0.2)
    tensor = torch.from_numpy(y).requires_grad_()
    run(filter(system), tensor).log_evidence.sum().backward()
    step = 1e-5 * rng.normal(size=y.shape)
    up, down = (run(filter(system), y + sign * step).log_evidence.sum() for sign in (1, -1))
    np.testing.assert_allclose(np.nansum(tensor.grad.numpy() * step), (up - down) / 2, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("filter", FILTERS)
def test_a_time_of_gaps_alone_is_a_pure_forecast(rng, filter):
    system = random_system(rng, 3, 2)
    _, y = twin_experiment(system, 4, rng, batch=(20,))
    y[:, 1], y[:7, 2] = np.nan, np.nan
    result = run(filter(system), y)
    np.testing.assert_allclose(result.mean[:, 1], result.forecast.mean[:, 1], atol=1e-13)
    np.testing.assert_allclose(result.cov[:7, 2], result.forecast.cov[:7, 2], atol=1e-13)
    assert not result.update.log_evidence[:, 1].any()
    assert not result.update.chi2[:7, 2].any()
    assert (
        result.update.count == np.array([2, 0, 2, 2]) * (1 - (np.arange(4) == 2) * (np.arange(20) < 7)[:, None])
    ).all()
    assert np.isnan(result.update.innovation[:, 1]).all()


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("full", [False, True])
def test_a_component_that_is_never_seen_might_as_well_not_be_there(rng, filter, full):
    system = random_system(rng, 3, 3, full=full)
    o, kept = system.observation, np.array([0, 2])
    fewer = replace(system, observation=Linear(o.R[np.ix_(kept, kept)] if full else o.R[kept], o.H[kept]))
    _, y = twin_experiment(system, 5, rng, batch=(20,))
    y[..., 1] = np.nan
    y[:3, 2, 0] = np.nan
    with_gap, without = run(filter(system), y), run(filter(fewer), y[..., kept])
    np.testing.assert_allclose(with_gap.mean, without.mean, atol=1e-10)
    np.testing.assert_allclose(with_gap.cov, without.cov, atol=1e-10)
    np.testing.assert_allclose(with_gap.log_evidence, without.log_evidence, atol=1e-9)


@pytest.mark.parametrize("filter", FILTERS)
def test_one_covariance_serves_the_batch_until_gaps_make_them_differ(rng, filter):
    system = random_system(rng, 2, 2)
    _, y = twin_experiment(system, 4, rng, batch=(20,))
    y[:, 1, 0] = np.nan  # the same gap in all of them
    assert run(filter(system), y).cov.shape == (4, 2, 2)
    y[3, 2, 0] = np.nan
    assert run(filter(system), y).cov.shape == (20, 4, 2, 2)


# what the filter is good for


WRONG = {
    "Q too large": lambda s: replace(s, Q=2 * s.Q),
    "Q too small": lambda s: replace(s, Q=s.Q / 2),
    "R too large": lambda s: replace(s, observation=replace(s.observation, R=2 * s.observation.R)),
    "R too small": lambda s: replace(s, observation=replace(s.observation, R=s.observation.R / 2)),
    "M too small": lambda s: replace(s, M=0.9 * s.M),
    "H too large": lambda s: replace(s, observation=replace(s.observation, H=1.1 * s.observation.H)),
    "start too sure": lambda s: replace(s, start=Gaussian(s.start.mean + 0.3, s.start.cov / 4)),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_kalmans_filter_minimises_both_losses_on_linear_gaussian_systems(rng, wrong):
    system = random_system(rng, 2, 2)
    x, y = twin_experiment(system, 8, rng, batch=(40_000,))
    right, other = run(KalmanFilter(system), y), run(KalmanFilter(wrong(system)), y)
    for mine, theirs in ((right.forecast, other.forecast), (right.analysis, other.analysis)):
        for loss in (negative_log_density, squared_error):
            gap = (loss(theirs, x[:, 1:]) - loss(mine, x[:, 1:])).mean(axis=1)  # paired: over the same truths
            assert gap.mean() > 4 * gap.std() / np.sqrt(len(gap))


def negative_log_density(state, x):
    return -log_density(state.mean, state.cov, x)


def squared_error(state, x):
    return ((state.mean - x) ** 2).sum(axis=-1)


@settings(max_examples=25)
@given(problem=problems(), factor=st.sampled_from([1.0, 0.2, 5.0]))
def test_what_an_analysis_gains_is_what_its_observation_told_right_model_or_wrong(problem, factor):
    """log q_a(x) - log q_b(x) = log N(y; H x, R) - log p(y): NLL_b - NLL_a is the observation's NLL less the noise."""
    system, x, y, _ = problem()
    believed = replace(system, Q=factor * spd(np.random.default_rng(1), system.n))
    result, x = run(KalmanFilter(believed), y), x[..., 1:, :]
    gained = log_density(result.mean, result.cov, x) - log_density(result.forecast.mean, result.forecast.cov, x)
    noise = log_density(np.zeros(y.shape[-1]), system.observation.covariance(x), y - system.observation(x))
    np.testing.assert_allclose(gained, noise - result.update.log_evidence, atol=1e-8)


def test_chi2_is_calibrated(rng):
    system = random_system(rng, 3, 2, full=True)
    _, y = twin_experiment(system, 10, rng, batch=(4000,))
    y = with_gaps(rng, y, 0.2)
    update = run(KalmanFilter(system), y).update
    surplus = (update.chi2 - update.count).sum(axis=1)
    assert abs(surplus.mean()) < 4 * surplus.std() / np.sqrt(len(surplus))
    np.testing.assert_allclose(surplus.var(), 2 * update.count.sum(axis=1).mean(), rtol=0.2)  # that of chi-square


# the course's rotation, in closed form


def riccati_linear2d(q, r):
    """eq-riccati-linear2d."""
    forecast = (q + np.sqrt(q**2 + 4 * q * r)) / 2
    return forecast, forecast * r / (forecast + r), forecast / (forecast + r)


def test_steady_state_of_linear2d_is_its_closed_form_to_twelve_digits():
    system = Linear2D()
    forecast, analysis, gain = riccati_linear2d(1e-4, 1e-2)
    steady = steady_state(system)
    for found, expected in ((steady.forecast, forecast), (steady.analysis, analysis), (steady.gain, gain)):
        np.testing.assert_allclose(found, expected * np.eye(2), rtol=1e-12, atol=1e-12 * expected)
    result = run(KalmanFilter(system), np.zeros((400, 2)))
    np.testing.assert_allclose(result.cov[-1], analysis * np.eye(2), rtol=1e-12, atol=1e-12 * analysis)


def test_two_covariances_approach_each_other_by_the_product_of_what_their_gains_leave():
    q, r, (steady, _, gain) = 1e-4, 1e-2, riccati_linear2d(1e-4, 1e-2)
    laws = [replace_start(sigma) for sigma in (0.01, 0.04)]
    p, other = (run(KalmanFilter(law), np.zeros((30, 2))).forecast.cov[:, 0, 0] for law in laws)
    left = (r / (p + r)) * (r / (other + r))  # (1 - K)(1 - K')
    np.testing.assert_allclose(np.diff(p - other) + (p - other)[:-1], left[:-1] * (p - other)[:-1], rtol=1e-9)
    near = run(KalmanFilter(replace_start(np.sqrt(steady - q) * 1.001)), np.zeros((5, 2))).forecast.cov[:, 0, 0]
    np.testing.assert_allclose((near[1:] - steady) / (near[:-1] - steady), (1 - gain) ** 2, rtol=1e-3)


def replace_start(sigma):
    return Linear2D(sigma_0=float(sigma))


def test_course_optimum_is_what_the_filter_reaches():
    """The table of the course's linear problem: covariances by the filter, scores by the scalar recursion."""
    q, r, T = 1e-4, 1e-2, 50
    p, forecast, analysis = 1e-4, [], []
    for _ in range(T):
        forecast.append(p + q)
        p = forecast[-1] * r / (forecast[-1] + r)
        analysis.append(p)
    result = run(KalmanFilter(Linear2D()), np.zeros((T, 2)))
    np.testing.assert_allclose(
        result.forecast.cov, np.eye(2) * np.array(forecast)[:, None, None], rtol=1e-12, atol=1e-16
    )
    np.testing.assert_allclose(result.cov, np.eye(2) * np.array(analysis)[:, None, None], rtol=1e-12, atol=1e-16)

    def nll(variances):  # the entropy of N(0, p I) in the plane
        return np.log(2 * np.pi * np.e * np.asarray(variances))

    def rmse(variances):  # E ‖e‖ / √2
        return np.sqrt(np.pi * np.asarray(variances)) / 2

    steady_b, steady_a, gain = riccati_linear2d(q, r)
    start = Linear2D().start.entropy()
    table = {
        "steady p_b": (steady_b, 1.0512492e-3),
        "steady p_a": (steady_a, 9.512492e-4),
        "steady gain": (gain, 0.09512492),
        "steady std b": (np.sqrt(steady_b), 0.0324230),
        "steady std a": (np.sqrt(steady_a), 0.0308423),
        "steady rmse b": (rmse(steady_b), 0.0287341),
        "steady rmse a": (rmse(steady_a), 0.0273333),
        "steady sum": (nll(steady_b) + nll(steady_a), -8.139756),
        "mean NLL_a": (nll(result.cov[:, 0, 0]).mean(), -4.273454),
        "mean NLL_b": (nll(result.forecast.cov[:, 0, 0]).mean(), -4.184566),
        "L_0": (start, -6.372463),
        "total": (start + nll(analysis).mean() + nll(forecast).mean(), -14.830484),
        "mean rmse a": (rmse(analysis).mean(), 0.0256004),
        "mean rmse b": (rmse(forecast).mean(), 0.0267991),
        "observation": (np.log(2 * np.pi * np.e * (steady_b + r)), -1.667335),
    }
    for name, (found, digits) in table.items():
        assert found == pytest.approx(digits, abs=6e-7), name


# the steady state of any system


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_steady_state_is_a_fixed_point_of_the_filter(seed, n, k, full):
    system = random_system(np.random.default_rng(seed), n, k, full=full)
    steady, filter = steady_state(system), KalmanFilter(system)
    began = replace(system, start=Gaussian(np.zeros(n), steady.analysis))
    forecast = filter.forecast(KalmanFilter(began).init((), None, np.zeros(0)))
    analysis, _ = filter.analyse(forecast, np.zeros(k))
    np.testing.assert_allclose(forecast.cov, steady.forecast, atol=1e-9)
    np.testing.assert_allclose(analysis.cov, steady.analysis, atol=1e-9)
    assert np.abs(scipy.linalg.eigvals((np.eye(n) - steady.gain @ system.observation.H) @ system.M)).max() < 1


def test_filter_settles_where_riccatis_equation_says(rng):
    system = random_system(rng, 3, 2)
    steady, result = steady_state(system), run(KalmanFilter(system), np.zeros((400, 2)))
    np.testing.assert_allclose(result.forecast.cov[-1], steady.forecast, atol=1e-10)
    np.testing.assert_allclose(result.cov[-1], steady.analysis, atol=1e-10)


def planar(M, H, Q=1.0):
    return LinearSystem(Linear(np.ones(len(H)), H), Gaussian(np.zeros(2), np.eye(2)), M=M, Q=Q * np.eye(2))


UNSETTLED = {
    "grows in an unseen component": planar(1.1 * np.eye(2), [[1.0, 0.0]]),
    "wanders in an unseen direction": planar([[0.5, 1 / 3], [0.0, 1.0]], [[0.3, -0.2]]),
    "grows in an unseen direction": planar([[0.5, 1.0], [0.0, 2.0]], [[1 / 3, -2 / 9]]),
    "rests": planar(np.eye(2), np.eye(2), Q=0.0),
    "rotates without noise": Linear2D(sigma_q=0.0),
}


@pytest.mark.parametrize("name", UNSETTLED)
def test_no_steady_state_is_said(name):
    with pytest.raises(np.linalg.LinAlgError, match=r"steady_state\(\): the Riccati equation has no stabilising"):
        steady_state(UNSETTLED[name])


@pytest.mark.parametrize("first", [1.0, -1.0, 1.05, 2.0])
@pytest.mark.parametrize("seen", [True, False])
def test_steady_state_needs_what_does_not_decay_to_be_seen_and_moved(rng, first, seen):
    """Systems made of modes, the first of which does not decay and is not seen; or seen, but moved by no noise."""
    for n in (2, 3, 4):
        modes = np.linalg.qr(rng.normal(size=(n, n)))[0] + 0.2 * rng.normal(size=(n, n))
        inverse, rest = np.linalg.inv(modes), np.arange(n) > 0
        M = modes * np.where(rest, rng.uniform(-0.9, 0.9, size=n), first) @ inverse
        H = rng.normal(size=(n, n)) * (rest | seen) @ inverse
        Q = modes * (rest | (not seen)) @ modes.T
        made = LinearSystem(Linear(np.ones(n), H), Gaussian(np.zeros(n), np.eye(n)), M=M, Q=(Q + Q.T) / 2)
        if seen and abs(first) > 1:  # without noise, but never forgotten: what is seen of it keeps it known
            assert np.linalg.eigvalsh(steady_state(made).forecast).min() > 0
            continue
        with pytest.raises(np.linalg.LinAlgError, match="no stabilising solution"):
            steady_state(made)


def test_steady_state_of_what_decays_without_noise_is_certainty(rng):
    for n in (1, 2, 3, 4):
        modes = np.linalg.qr(rng.normal(size=(n, n)))[0] + 0.2 * rng.normal(size=(n, n))
        M = modes * rng.uniform(-0.9, 0.9, size=n) @ np.linalg.inv(modes)
        start = Gaussian(np.zeros(n), np.eye(n))
        steady = steady_state(LinearSystem(Linear(np.ones(n), rng.normal(size=(n, n))), start, M=M, Q=np.zeros((n, n))))
        np.testing.assert_allclose(steady.forecast, 0, atol=1e-9)


@pytest.mark.parametrize("ratio", [1e8, 1e16])
def test_steady_state_keeps_its_digits_in_all_units(ratio):
    units, M = np.diag([ratio**-0.5, ratio**0.5]), np.array([[0.9, 0.1], [0.1, 0.8]])
    start, back = Gaussian(np.zeros(2), units**2), np.linalg.inv(units)
    system = LinearSystem(Linear(np.diag(units) ** 2, np.eye(2)), start, M=units @ M @ back, Q=units**2)
    steady, same = steady_state(system), steady_state(planar(M, np.eye(2)))
    np.testing.assert_allclose(back @ steady.forecast @ back, same.forecast, atol=1e-11)
    np.testing.assert_allclose(back @ steady.gain @ units, same.gain, atol=1e-11)


# single precision


def textbook(system, steps):
    """Yield the smallest eigenvalues of P - K H P in single precision."""
    one = np.float32
    M, Q, H, P = (a.astype(one) for a in (system.M, system.Q, system.observation.H, system.start.cov))
    R = system.observation.covariance(P)
    for _ in range(steps):
        P = M @ P @ M.T + Q
        P = P - np.linalg.solve(H @ P @ H.T + R, H @ P).T @ H @ P
        yield np.linalg.eigvalsh((P + P.T).astype(float) / 2)[0]


@pytest.mark.parametrize("delta", [1e-2, 1e-4])
def test_textbook_form_loses_definiteness_in_single_precision(delta):
    assert min(textbook(nearly_equal_instruments(delta), 10)) < 0


def test_josephs_form_withstands_what_the_textbook_does_not_but_not_everything():
    y = np.zeros((300, 2), np.float32)
    well, lost = (run(KalmanFilter(nearly_equal_instruments(delta)), y) for delta in (1e-2, 1e-4))
    assert well.survived == 300
    assert np.linalg.eigvalsh(well.cov.astype(float)).min() > 0
    assert lost.survived < 10  # a named outcome, not a number that looks like one
    assert np.isnan(lost.mean[-1]).all()


@pytest.mark.parametrize(
    ("delta", "steps"), [(1e-2, 2_000), (1e-4, 2_000), pytest.param(1e-4, 100_000, marks=pytest.mark.slow)]
)
def test_square_root_stays_definite_and_right_in_single_precision(production, delta, steps):
    filter = SquareRootKalmanFilter(nearly_equal_instruments(delta))
    ys = np.zeros(2, np.float32), np.zeros(2)
    single, double = (filter.init((), None, y) for y in ys)
    for _ in range(steps):
        (single, _), (double, _) = (
            filter.analyse(filter.forecast(state), y) for state, y in zip((single, double), ys, strict=True)
        )
        assert np.abs(np.diagonal(single.root)).min() > 0  # of a triangular matrix: its determinant's factors
    assert single.root.dtype == np.float32
    shares = scipy.linalg.eigh(single.root.astype(float) @ single.root.T.astype(float), double.cov, eigvals_only=True)
    np.testing.assert_allclose(shares, 1, atol=1e-3)


@pytest.mark.parametrize("gap", [False, True])
@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_square_root_takes_an_r_that_is_definite_in_double_precision_only(rng, gap, library):
    R = [[1.0, 1 - 1e-8, 0.5], [1 - 1e-8, 1.0, 0.5], [0.5, 0.5, 1.0]]
    system = LinearSystem(Linear(R, np.eye(3)), Gaussian(np.zeros(3), np.eye(3)), M=np.eye(3), Q=np.eye(3))
    y = rng.normal(size=(4, 3))
    y[1:3, 2] = np.nan if gap else 0
    single = run(SquareRootKalmanFilter(system), library(y.astype(np.float32)))
    double = run(SquareRootKalmanFilter(system), y)
    np.testing.assert_allclose(single.mean, double.mean, atol=1e-2)
    np.testing.assert_allclose(single.cov, double.cov, atol=1e-3)


# the extended filter


def test_inflation_of_any_kind_of_number_keeps_the_precision():
    filter = ExtendedKalmanFilter(Lorenz63(), inflation=np.float64(1.1))
    assert run(filter, np.zeros((3, 3), np.float32)).cov.dtype == np.float32


def test_extended_filter_takes_the_tangents_at_the_mean(rng):
    system = Lorenz63(sigma_q=0.1, observation=Nonlinear([0.5, 0.5], lambda x: x[..., :2] ** 2 / 10))
    filter = ExtendedKalmanFilter(system, inflation=1.2)
    x, y = twin_experiment(system, 1, rng, batch=(3,))
    start = filter.init((3,), None, y)
    start = replace(start, mean=x[:, 0] + 0.1)
    forecast, (analysis, _) = filter.forecast(start), filter.analyse(filter.forecast(start), y[:, 0])
    for i in range(3):
        mean, M = system.tangent(start.mean[i])
        P = 1.44 * (M @ system.start.cov @ M.T + system.Q)
        law = Gaussian(forecast.mean[i], (P + P.T) / 2)
        np.testing.assert_allclose(forecast.cov[i], P, rtol=1e-10)
        h, H = system.observation.tangent(mean)
        law = law.posterior(H, h - H @ mean, np.diag(system.observation.R), y[i, 0])
        np.testing.assert_allclose(analysis.mean[i], law.mean, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(analysis.cov[i], law.cov, rtol=1e-7, atol=1e-9)


def test_extended_filter_is_near_optimal_on_the_noisy_ring(rng):
    system = Lorenz96(sigma_q=0.1)
    x, y = twin_experiment(system, 250, rng, batch=(3,))
    result = run(ExtendedKalmanFilter(system), y)
    rmse = np.sqrt(((result.mean - x[:, 1:]) ** 2).mean(axis=-1))[:, 50:].mean()
    assert 0.30 < rmse < 0.36  # the book's benchmark has the digits
    assert (result.survived == 250).all()


def test_extended_filter_that_diverges_returns_no_number():
    system = Lorenz63(steps=10)
    y = np.zeros((2, 5, 3))
    y[0, 2] = 1e8  # what no step of the model survives
    result = run(ExtendedKalmanFilter(system), y)
    assert result.survived.tolist() == [3, 5]
    assert np.isnan(result.mean[0, 3:]).all()
    assert np.isnan(result.log_evidence).tolist() == [True, False]


@pytest.mark.parametrize("runs", [3, 80])
@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_covariance_of_an_innovation_that_rounding_made_indefinite_counts_as_divergence(rng, runs, library):
    system = random_system(rng, 2, 2)
    filter, others = KalmanFilter(system), np.arange(runs) != 1
    bad = np.where(others[:, None, None], system.start.cov, -1e3 * np.eye(2))
    y = library(np.zeros((runs, 2)))
    state = filter.init((runs,), None, y)
    analysis, update = filter.analyse(replace(state, cov=library(bad)), y)
    np.testing.assert_array_equal(np.isnan(np.asarray(analysis.mean)).any(axis=-1), ~others)
    np.testing.assert_array_equal(np.isnan(np.asarray(update.log_evidence)), ~others)
    good, _ = filter.analyse(state, y)
    np.testing.assert_allclose(analysis.mean[others], good.mean[others], atol=1e-12)


def test_an_error_that_is_no_lack_of_definiteness_is_no_divergence(monkeypatch):
    def full(S):
        raise torch.OutOfMemoryError("no memory is left")

    monkeypatch.setattr(array_api_compat.torch.linalg, "cholesky", full)
    with pytest.raises(torch.OutOfMemoryError, match="no memory is left"):
        run(KalmanFilter(Linear2D()), torch.zeros((3, 2), dtype=torch.float64))


# what cannot be done is said


@pytest.mark.parametrize("exact", [KalmanFilter, SquareRootKalmanFilter, steady_state])
def test_a_nonlinear_system_is_sent_to_the_extended_filter(production, exact):
    with pytest.raises(
        TypeError, match=r"a LinearSystem is needed, but the system is a Lorenz63; ExtendedKalmanFilter"
    ):
        exact(Lorenz63())


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("batch", [(), (80,)])
def test_where_nothing_can_be_seen_there_are_forecasts_alone(rng, filter, batch):
    system = random_system(rng, 2, 1)
    blind = replace(system, observation=Linear([], np.zeros((0, 2))))
    result = run(filter(blind), np.zeros((*batch, 3, 0)))
    np.testing.assert_allclose(result.mean, run(filter(system), np.full((*batch, 3, 1), np.nan)).mean, atol=1e-12)
    np.testing.assert_array_equal(result.update.log_evidence, np.zeros((*batch, 3)))


@pytest.mark.parametrize(
    ("inflation", "message"),
    [
        *((value, "it must be positive and finite, but is") for value in (0.0, -1.0, np.inf, np.nan)),
        *((value, "inflation must be a number, but is") for value in ("1.1", None, np.ones(2))),
    ],
)
def test_inflation_must_be_a_factor(inflation, message, production):
    with pytest.raises(ValueError, match=message):
        ExtendedKalmanFilter(Lorenz63(), inflation=inflation)
