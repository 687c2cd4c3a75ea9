"""EM for linear systems: statsmodels on the Nile, the dense law of whole paths, and what every EM must obey."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm

from mlpc.assimilation import Components, Linear, Linear2D, LinearGaussianModel, LinearSystem, Lorenz63, twin_experiment
from mlpc.basics import Collapse, Gaussian, em_steps, fit_em
from tests.assimilation.linear import path_law, random_system, smoothed_law, spd, with_gaps

SUBSETS = [("M",), ("Q",), ("R",), ("start",), ("M", "Q", "R", "start")]


def random_problem(rng, *, full=False, share=0.3, series=(5,), T=8):
    system = random_system(rng, 2, 3, full=full)
    return system, with_gaps(rng, twin_experiment(system, T, rng, batch=series)[1], share)


def other_system(rng, system):
    """Another start for the same observations: everything is wrong but H."""
    observation = replace(system.observation, R=2 * system.observation.R)
    return LinearSystem(
        observation, Gaussian(system.start.mean + 1, spd(rng, system.n)), 0.8 * system.M, spd(rng, system.n)
    )


# the Nile


def local_level(level, noise, y):
    """A wandering level of unknown height, seen with noise."""
    observation, start = Linear([noise], [[1.0]]), Gaussian(np.array([np.mean(y)]), np.array([[1e7]]))
    return LinearSystem(observation, start, M=[[1.0]], Q=[[level]])


@pytest.fixture(scope="module")
def nile():
    return sm.datasets.nile.load_pandas().data["volume"].to_numpy(dtype=float)


def peer(nile):
    """statsmodels' local level with our law of the first level."""
    model = sm.tsa.UnobservedComponents(nile, "local level")
    model.ssm.loglikelihood_burn = 0
    return model


def peer_log_likelihood(model, noise, level):
    model.ssm.initialize_known(np.array([np.mean(model.endog)]), np.array([[1e7 + level]]))
    return model.loglike([noise, level])


def test_log_likelihood_of_the_nile_is_statsmodels(nile):
    for noise, level in ((15000.0, 1500.0), (5000.0, 9000.0)):
        ours = LinearGaussianModel(local_level(level, noise, nile)).log_likelihood(nile[:, None])
        np.testing.assert_allclose(ours, peer_log_likelihood(peer(nile), noise, level), rtol=1e-10)


def test_em_finds_the_variances_of_the_nile_that_statsmodels_finds(production, nile):
    model, history = fit_em(
        LinearGaussianModel(local_level(5000.0, 5000.0, nile)), nile[:, None], tol=1e-9, max_iterations=300
    )
    assert history.converged
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels tells of its optimiser's tolerance
        theirs = sm.tsa.UnobservedComponents(nile, "local level").fit(disp=0, method="bfgs", gtol=1e-9, maxiter=500)
    noise, level = theirs.params
    np.testing.assert_allclose(model.system.observation.R, noise, rtol=2e-3)
    np.testing.assert_allclose(model.system.Q, level, rtol=1e-2)  # EM comes nearer and nearer, ever more slowly
    ours = peer_log_likelihood(peer(nile), float(model.system.observation.R[0]), float(model.system.Q[0, 0]))
    assert ours > peer_log_likelihood(peer(nile), noise, level) - 1e-5


# what the E step returns


@pytest.mark.parametrize("full", [False, True])
def test_statistics_are_the_moments_of_the_dense_posterior(rng, full):
    system, y = random_problem(rng, full=full, series=(2,), T=4)
    s = LinearGaussianModel(system, ("R",)).e_step(y)
    n, k, T, M, H = 2, 3, 4, system.M, system.observation.H
    R = system.observation.covariance(M)
    xx, wx, ww, starts, errors, counts = np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, n)), [], np.zeros((k, k)), 0.0
    for one in y:
        law = smoothed_law(system, one)
        second = law.cov + np.outer(law.mean, law.mean)
        block = second.reshape(T + 1, n, T + 1, n)
        starts.append((law.mean[:n], law.cov[:n, :n]))
        for t in range(1, T + 1):
            xx += block[t - 1, :, t - 1]
            cross = block[t, :, t - 1] - M @ block[t - 1, :, t - 1]
            wx += cross
            ww += block[t, :, t] - M @ block[t - 1, :, t] - cross @ M.T
            o = np.flatnonzero(~np.isnan(one[t - 1]))
            if full and len(o):
                fill = R[:, o] @ np.linalg.inv(R[np.ix_(o, o)])
                x, P = law.mean[t * n : (t + 1) * n], law.cov.reshape(T + 1, n, T + 1, n)[t, :, t]
                r = one[t - 1, o] - H[o] @ x
                errors += fill @ (np.outer(r, r) + H[o] @ P @ H[o].T) @ fill.T + R - fill @ R[o]
                counts += 1
            elif not full:
                x, P = law.mean[t * n : (t + 1) * n], law.cov.reshape(T + 1, n, T + 1, n)[t, :, t]
                r = one[t - 1, o] - H[o] @ x
                errors[o, o] += r**2 + np.diag(H[o] @ P @ H[o].T)
                counts = counts + ~np.isnan(one[t - 1])
    for found, expected in ((s.xx, xx), (s.wx, wx), (s.ww, ww), (s.counts, counts)):
        np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_allclose(s.errors, errors if full else np.diag(errors), atol=1e-9)
    mean = np.mean([m for m, _ in starts], axis=0)
    np.testing.assert_allclose(s.start_mean, mean, atol=1e-10)
    scatter = sum(P + np.outer(m - mean, m - mean) for m, P in starts)
    np.testing.assert_allclose(s.start_scatter, scatter, atol=1e-9)


def test_statistics_of_series_together_are_sums_over_the_series(rng):
    system, y = random_problem(rng, series=(2, 3))
    model = LinearGaussianModel(system, ("M", "Q", "R"))
    together, alone = model.e_step(y), [model.e_step(one) for one in y.reshape(-1, *y.shape[2:])]
    for name in ("series", "steps", "xx", "wx", "ww", "counts", "errors", "log_likelihood", "entropy"):
        np.testing.assert_allclose(getattr(together, name), sum(getattr(one, name) for one in alone), atol=1e-8)


# the bound


@pytest.mark.parametrize("learns", SUBSETS, ids="+".join)
@pytest.mark.parametrize("full", [False, True])
def test_bound_touches_the_log_likelihood_and_is_below_it_elsewhere(rng, learns, full):
    system, y = random_problem(rng, full=full)
    model = LinearGaussianModel(system, learns)
    statistics = model.e_step(y)
    T, k = y.shape[-2:]
    size = (T + 1) * system.n
    dense = path_law(system, T).marginal(slice(size, size + T * k)).log_density(y.reshape(-1, T * k)).sum()
    np.testing.assert_allclose(model.lower_bound(statistics), dense, rtol=1e-10)
    np.testing.assert_allclose(model.log_likelihood(y), dense, rtol=1e-10)
    new = other_system(rng, system)
    start = new.start if "start" in learns else system.start
    M, Q = (getattr(new if name in learns else system, name) for name in ("M", "Q"))
    observation = new.observation if "R" in learns else system.observation
    other = LinearGaussianModel(LinearSystem(observation, start, M, Q), learns)
    assert other.lower_bound(statistics) < other.log_likelihood(y) - 1e-6


@pytest.mark.parametrize("learns", SUBSETS, ids="+".join)
@pytest.mark.parametrize("full", [False, True])
def test_m_step_maximises_the_bound_over_what_is_learned(rng, learns, full):
    system, y = random_problem(rng, full=full)
    model = LinearGaussianModel(system, learns)
    statistics = model.e_step(y)
    best = model.m_step(statistics)
    top, s = best.lower_bound(statistics), best.system
    for scale in (1e-2, -1e-2):
        shifts = {
            "M": {"M": s.M + scale * rng.normal(size=s.M.shape)},
            "Q": {"Q": s.Q + scale * (lambda A: A + A.T)(rng.normal(size=s.Q.shape)) * np.trace(s.Q) / 8},
            "R": {"observation": replace(s.observation, R=s.observation.R * (1 + scale))},
            "start": {"start": Gaussian(s.start.mean + scale * rng.normal(size=2), s.start.cov * (1 + scale))},
        }
        for name in learns:
            assert replace(best, system=replace(s, **shifts[name])).lower_bound(statistics) < top
    kept = {"M", "Q", "R", "start"} - set(learns)
    same = {"M": (s.M, system.M), "Q": (s.Q, system.Q), "R": (s.observation.R, system.observation.R)}
    for name in kept - {"start"}:
        np.testing.assert_array_equal(*same[name])
    assert "start" in learns or s.start is system.start


@pytest.mark.parametrize("learns", SUBSETS, ids="+".join)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_log_likelihood_never_falls(rng, learns, full, share):
    truth, y = random_problem(rng, full=full, share=share)
    system = other_system(rng, truth)
    _, history = fit_em(LinearGaussianModel(system, learns), y, tol=0, max_iterations=25)
    bounds = history.lower_bounds
    assert (np.diff(bounds) > -1e-9 * np.maximum(1, abs(bounds[1:]))).all()
    assert bounds[-1] > bounds[0]


# where it ends


def test_bound_and_log_likelihood_have_one_gradient_which_is_zero_where_em_ends(production, rng):
    system, y = random_problem(rng, share=0.2, series=(60,))
    model = LinearGaussianModel(system, ("Q", "R"))
    statistics = model.e_step(y)
    began = gradient(model, lambda other: other.log_likelihood(y))
    np.testing.assert_allclose(
        gradient(model, lambda other: other.lower_bound(statistics)), began, rtol=1e-5, atol=3e-4
    )
    last, _ = fit_em(model, y, tol=0, max_iterations=1500)
    assert np.abs(gradient(last, lambda other: other.log_likelihood(y))).max() < 1e-2 * max(1, np.abs(began).max())


def gradient(model, value):
    """By the logarithms of the variances of R and of the eigenvalues of Q."""
    s, slopes = model.system, []
    values, vectors = np.linalg.eigh(s.Q)

    def at(logs):
        R, q = s.observation.R * np.exp(logs[:3]), values * np.exp(logs[3:])
        system = LinearSystem(replace(s.observation, R=R), s.start, s.M, vectors * q @ vectors.T)
        return value(replace(model, system=system))

    for step in 1e-4 * np.eye(5):
        slopes.append((at(step) - at(-step)) / 2e-4)
    return np.array(slopes)


def test_everything_is_learned_from_many_series(production, rng):
    truth = Linear2D(sigma_q=0.3, sigma_r=0.5, sigma_0=1.0)
    _, y = twin_experiment(truth, 20, rng, batch=(400,))
    start = LinearSystem(
        replace(truth.observation, R=np.ones(2)), Gaussian(np.zeros(2), 9 * np.eye(2)), np.eye(2), np.eye(2)
    )
    model, _ = fit_em(LinearGaussianModel(start, ("M", "Q", "R", "start")), y, tol=1e-6, max_iterations=300)
    found = model.system
    assert isinstance(found.observation, Components)
    np.testing.assert_allclose(found.M, truth.M, atol=0.02)
    np.testing.assert_allclose(found.Q, truth.Q, atol=0.02)
    np.testing.assert_allclose(found.observation.R, truth.observation.R, atol=0.03)
    np.testing.assert_allclose(found.start.mean, truth.start.mean, atol=0.25)
    np.testing.assert_allclose(found.start.cov, truth.start.cov, atol=0.4)
    truths = LinearGaussianModel(truth).log_likelihood(y)
    assert model.log_likelihood(y) > truths  # nothing fits the data better than what was fitted to them


def test_an_offset_of_the_data_costs_no_digits(production, rng):
    y = np.cumsum(rng.normal(size=(20, 1)), axis=0) + rng.normal(size=(20, 1))
    near, far = (
        [step for step, _ in zip(em_steps(model, y + offset), range(30), strict=False)][-1][0].system
        for offset in (0.0, 1e6)
        for model in [
            LinearGaussianModel(
                LinearSystem(Linear([3.0], [[1.0]]), Gaussian(np.array([offset]), np.array([[4.0]])), [[1.0]], [[3.0]])
            )
        ]
    )
    np.testing.assert_allclose(far.Q, near.Q, rtol=1e-8)
    np.testing.assert_allclose(far.observation.R, near.observation.R, rtol=1e-8)


def test_diagonal_noise_stays_diagonal_and_dependent_noise_is_found(rng):
    truth, y = random_problem(rng, full=True, share=0.2, series=(200,), T=12)
    independent = replace(truth, observation=replace(truth.observation, R=np.diag(truth.observation.R)))
    diagonal, _ = fit_em(LinearGaussianModel(independent, ("R",)), y, max_iterations=20)
    dependent = replace(truth, observation=replace(truth.observation, R=np.diag(np.diag(truth.observation.R))))
    full, _ = fit_em(LinearGaussianModel(dependent, ("R",)), y, tol=1e-9, max_iterations=300)
    assert diagonal.system.observation.R.shape == (3,)
    best, at_truth = full.log_likelihood(y), LinearGaussianModel(truth, ("R",)).log_likelihood(y)
    assert 0 < 2 * (best - at_truth) < scipy.stats.chi2(6).isf(1e-5)  # Wilks: R has six entries
    assert best > diagonal.log_likelihood(y)


def test_what_was_never_seen_teaches_nothing(rng):
    system, y = random_problem(rng)
    y[..., 1] = np.nan
    model = LinearGaussianModel(system, ("R",))
    learned = model.m_step(model.e_step(y)).system.observation.R
    assert learned[1] == system.observation.R[1]
    assert (learned[[0, 2]] != system.observation.R[[0, 2]]).all()


def test_a_single_series_is_a_batch_of_one(rng):
    system, y = random_problem(rng, series=(1,))
    model = LinearGaussianModel(system, ("M", "Q", "R", "start"))
    one, batch = model.m_step(model.e_step(y[0])).system, model.m_step(model.e_step(y)).system
    np.testing.assert_allclose(one.M, batch.M, atol=1e-12)
    np.testing.assert_allclose(one.start.cov, batch.start.cov, atol=1e-12)


# what cannot be done is said


@pytest.mark.parametrize("learns", [(), ("H",), ("Q", "r")])
def test_there_must_be_something_to_learn(learns):
    with pytest.raises(ValueError, match=r"learns must name some of \('M', 'Q', 'R', 'start'\)"):
        LinearGaussianModel(Linear2D(), learns)


def test_singular_noise_cannot_be_learned():
    with pytest.raises(np.linalg.LinAlgError, match=r"Q must be positive definite"):
        LinearGaussianModel(Linear2D(sigma_q=0.0), ("M",))
    with pytest.raises(np.linalg.LinAlgError, match=r"start.cov must be positive definite"):
        LinearGaussianModel(Linear2D(sigma_0=0.0), ("start",))
    assert LinearGaussianModel(Linear2D(sigma_q=0.0), ("R",)).learns == ("R",)


def test_noise_of_the_observations_is_learned_without_noise_of_the_model(rng):
    truth = Linear2D(sigma_q=0.0)
    _, y = twin_experiment(truth, 50, rng, batch=(20,))
    model, _ = fit_em(LinearGaussianModel(Linear2D(sigma_q=0.0, sigma_r=1.0), ("R",)), y, tol=1e-9)
    np.testing.assert_allclose(np.sqrt(model.system.observation.R), truth.sigma_r, rtol=0.1)


def test_a_nonlinear_system_is_refused(production):
    with pytest.raises(TypeError, match=r"a LinearSystem is needed, but the system is a Lorenz63"):
        LinearGaussianModel(Lorenz63(), ("R",))


def test_observations_that_do_not_fit_are_refused(rng):
    model = LinearGaussianModel(Linear2D())
    with pytest.raises(ValueError, match=r"y has shape \(5, 3\)"):
        model.e_step(np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"all entries of x are NaN"):
        model.e_step(np.full((5, 2), np.nan))
    with pytest.raises(ValueError, match=r"infinity"):
        model.e_step(np.array([[0.0, np.inf]]))


def test_data_in_units_beyond_those_of_a_run_are_refused():
    model = LinearGaussianModel(local_level(1e18, 1e20, np.zeros(1)))
    with pytest.raises(ValueError, match=r"e_step\(\): the filter has diverged after 2 of 30 cycles; .* below 1e10"):
        fit_em(model, np.full((30, 1), 3e11))


def test_a_model_is_not_learned_from_states_without_spread():
    start = Gaussian(np.ones(2), np.zeros((2, 2)))
    system = LinearSystem(Linear([1.0], [[1.0, 0.0]]), start, M=0.9 * np.eye(2), Q=np.eye(2))
    model = LinearGaussianModel(system, ("M",))
    with pytest.raises(Collapse, match="M cannot be learned, as the states from which a step is made do not span"):
        model.m_step(model.e_step(np.ones((1, 1))))


def test_a_covariance_that_vanishes_is_a_collapse(rng):
    """Constant data leave no noise: R shrinks by a factor in each step, until it is nothing."""
    system = LinearSystem(Linear([1.0], [[1.0]]), Gaussian(np.zeros(1), np.zeros((1, 1))), M=[[1.0]], Q=[[0.0]])
    with pytest.raises(Collapse, match=r"R has become singular"):
        fit_em(LinearGaussianModel(system, ("R",)), np.zeros((10, 1)))
