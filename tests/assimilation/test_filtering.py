"""The loop of all filters: what it hands on, what it records, and what becomes of runs that diverge."""

import re
from dataclasses import dataclass, fields

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mlpc.assimilation import (
    Components,
    Ensemble,
    KalmanFilter,
    Linear2D,
    LinearSystem,
    Lorenz63,
    Moments,
    cycles,
    hidden,
    run,
    twin_experiment,
)
from mlpc.assimilation.backends import like, namespace, numpy, standard_normal
from mlpc.assimilation.filtering import CORE, LARGEST, SquareRoot, Update
from mlpc.assimilation.systems import Independent, System

SYSTEM = Linear2D()
FILTER = KalmanFilter(SYSTEM)


def experiment(seed, batch=(), steps=12, share=0.0):
    rng = np.random.default_rng(seed)
    x, y = twin_experiment(SYSTEM, steps, rng, batch=batch)
    return x, hidden(y, rng, share)


@dataclass(frozen=True, eq=False)
class Squaring(System):
    """x -> x²: what starts inside the unit interval stays there, the rest explodes."""

    observation = Components.every(1, 1, 1.0)
    start = Independent(np.zeros(1), np.ones(1))
    Q = np.zeros((1, 1))

    def step(self, x):
        return x**2


@dataclass(frozen=True, eq=False)
class Drifting:
    """Ensembles that move by the model with a little noise, and see nothing."""

    system: System
    members: np.ndarray  # (..., N, n)
    noise: float = 0.0

    def init(self, batch, rng, beside):
        return Ensemble(like(beside, np.broadcast_to(self.members, (*batch, *self.members.shape[-2:]))))

    def forecast(self, state, rng):
        E = self.system.step(state.members)
        return Ensemble(E + self.noise * standard_normal(rng, tuple(E.shape), E) if self.noise else E)

    def analyse(self, state, y, rng):
        xp = namespace(y)
        zero = xp.zeros_like(y[..., 0])
        return state, Update(zero, y - state.mean[..., :1], zero, zero)


# states


@given(st.integers(2, 6), st.integers(1, 4), st.sampled_from([(), (3,), (2, 0)]), st.integers(0, 2**32 - 1))
def test_an_ensemble_has_the_moments_of_its_members(N, n, batch, seed):
    E = 1e3 + np.random.default_rng(seed).normal(size=(*batch, N, n))
    for made in (E, torch.from_numpy(E)):
        ensemble = Ensemble(made)
        np.testing.assert_allclose(ensemble.mean, E.mean(axis=-2), rtol=1e-14)
        np.testing.assert_allclose(ensemble.std, E.std(axis=-2, ddof=1), rtol=1e-10)
        np.testing.assert_allclose(ensemble.anomalies.mT @ ensemble.anomalies, ensemble.cov, rtol=0, atol=1e-12)
        for at in np.ndindex(batch):
            np.testing.assert_allclose(ensemble.cov[at], np.cov(E[at].T).reshape(n, n), rtol=0, atol=1e-10)


@given(st.sampled_from([(), (3,)]), st.booleans(), st.integers(0, 2**32 - 1))
def test_gaussian_beliefs_have_the_standard_deviations_of_their_covariance(batch, shared, seed):
    rng = np.random.default_rng(seed)
    mean, F = rng.normal(size=(*batch, 4)), rng.normal(size=(*(() if shared else batch), 4, 4))
    for belief in (Moments(mean, F @ F.mT), SquareRoot(mean, F), SquareRoot(*map(torch.from_numpy, (mean, F)))):
        assert tuple(belief.std.shape) == mean.shape
        np.testing.assert_allclose(belief.cov, F @ F.mT, rtol=1e-12)
        np.testing.assert_allclose(belief.std, np.sqrt(np.broadcast_to(((F**2).sum(-1)), mean.shape)), rtol=1e-12)


def test_one_member_has_no_covariance():
    for name in ("cov", "std", "anomalies"):
        with pytest.raises(ValueError, match=r"Ensemble\(\): 1 member has no spread, but at least 2 are needed"):
            getattr(Ensemble(np.ones((1, 3))), name)


# the record


@pytest.mark.parametrize("batch", [(), (4,), (2, 3)], ids=str)
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_a_result_holds_what_the_cycles_yield_in_their_order(batch, share, seed):
    _, y = experiment(seed, batch, share=share)
    result, each = run(FILTER, y), list(cycles(FILTER, y))
    assert len(each) == 12
    for t, cycle in enumerate(each):
        for name in ("forecast", "analysis"):
            np.testing.assert_array_equal(getattr(result, name).mean[..., t, :], getattr(cycle, name).mean)
            found = getattr(result, name).cov[..., t, :, :]
            np.testing.assert_array_equal(found, np.broadcast_to(getattr(cycle, name).cov, found.shape))
        for name in ("log_evidence", "chi2", "count"):
            np.testing.assert_array_equal(getattr(result.update, name)[..., t], getattr(cycle.update, name))
        np.testing.assert_array_equal(result.update.innovation[..., t, :], cycle.update.innovation)
        assert cycle.alive.all()
    assert result.mean.shape == result.std.shape == (*batch, 12, 2)
    np.testing.assert_array_equal(result.survived, np.full(batch, 12))
    np.testing.assert_allclose(result.log_evidence, result.update.log_evidence.sum(-1), rtol=1e-14)
    np.testing.assert_array_equal(result.mean, result.analysis.mean)
    np.testing.assert_allclose(result.std, np.sqrt(np.diagonal(result.cov, 0, -2, -1)) + 0 * result.mean, rtol=1e-14)


def test_a_summary_has_the_same_means_and_standard_deviations(seed):
    _, y = experiment(seed, (3,))
    whole, summary = run(FILTER, y), run(FILTER, y, keep=False)
    for name in ("analysis", "forecast"):
        for part in ("mean", "std"):
            np.testing.assert_array_equal(getattr(getattr(summary, name), part), getattr(getattr(whole, name), part))
    np.testing.assert_array_equal(summary.log_evidence, whole.log_evidence)
    with pytest.raises(AttributeError, match="keep=True"):
        _ = summary.cov
    with pytest.raises(AttributeError, match="keep=True"):
        _ = summary.ensemble


def test_an_ensemble_filter_leaves_its_members(rng):
    members = rng.normal(size=(5, 2))
    result = run(Drifting(SYSTEM, members), np.zeros((3, 2, 2)))
    assert result.ensemble.shape == (3, 2, 5, 2)
    np.testing.assert_allclose(result.ensemble[1, 1], SYSTEM.step(SYSTEM.step(members)), rtol=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_numpy_and_torch_agree(share, seed):
    _, y = experiment(seed, (3,), share=share)
    of_numpy = run(FILTER, y)
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-4)):
        of_torch = run(FILTER, torch.from_numpy(y).to(dtype))
        assert of_torch.mean.dtype == dtype
        for name in ("mean", "std", "cov"):
            np.testing.assert_allclose(getattr(of_torch, name), getattr(of_numpy, name), rtol=0, atol=tolerance)
        np.testing.assert_allclose(of_torch.log_evidence, of_numpy.log_evidence, rtol=100 * tolerance)


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_a_batch_of_one_is_the_slice(share, seed):
    _, y = experiment(seed, (4,), share=share)
    batch = run(FILTER, y)
    for one in (run(FILTER, y[2]), run(FILTER, y[2:3])):
        np.testing.assert_allclose(one.mean.reshape(12, 2), batch.mean[2], rtol=0, atol=1e-13)
        np.testing.assert_allclose(one.cov.reshape(12, 2, 2), batch.cov[2] if share else batch.cov, rtol=0, atol=1e-15)


def test_one_generator_gives_one_run(seed):
    filter = Drifting(Lorenz63(), np.ones((5, 3)), noise=1.0)
    y = np.zeros((2, 4, 3))
    first, again, other = (run(filter, y, np.random.default_rng(number)) for number in (seed, seed, seed + 1))
    np.testing.assert_array_equal(first.ensemble, again.ensemble)
    assert (first.ensemble != other.ensemble).any()
    tensor = run(filter, torch.from_numpy(y), np.random.default_rng(seed))
    np.testing.assert_allclose(tensor.ensemble, first.ensemble, rtol=1e-9)


def test_cycles_go_on_after_the_last_one_of_a_run_that_was_stopped(seed):
    _, y = experiment(seed, (3,), share=0.3)
    each = list(cycles(FILTER, y))
    later = list(cycles(FILTER, y[:, 5:], after=each[4]))
    for one, other in zip(later, each[5:], strict=True):
        np.testing.assert_array_equal(one.analysis.mean, other.analysis.mean)


def test_a_bar_is_shown_if_asked_for(capsys):
    _, y = experiment(0)
    run(FILTER, y)
    assert capsys.readouterr().err == ""
    run(FILTER, y, progress=True)
    assert "12/12" in capsys.readouterr().err


def test_gradients_reach_the_observations():
    y = torch.zeros((12, 2), dtype=torch.float64, requires_grad=True)
    run(FILTER, y).log_evidence.backward()
    assert y.grad.isfinite().all()
    assert y.grad.any()


# divergence

STARTS = np.array([0.5, 1.5, 0.9, 1.1, 0.0, -3.0])  # three inside and three outside the unit interval


def exploding(which, noise=0.0):
    members = STARTS[which, None, None] * np.ones((1, 4, 1)) + np.linspace(0, 1e-3, 4)[:, None]
    return Drifting(Squaring(), members, noise)


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_what_diverges_is_recorded_nan_from_then_on_and_does_not_harm_the_others(library):
    inside = np.abs(STARTS) < 1
    everything = run(exploding(np.arange(6)), library(np.zeros((6, 9, 1))))
    sound = run(exploding(np.flatnonzero(inside)), library(np.zeros((3, 9, 1))))
    expected = [
        np.sum(np.abs(STARTS[i] + 1e-3) ** 2.0 ** np.arange(1, 10) < LARGEST) if not inside[i] else 9 for i in range(6)
    ]
    np.testing.assert_array_equal(everything.survived, expected)
    for name, state in (("analysis", everything.analysis), ("forecast", everything.forecast)):
        for i in range(6):
            lived = everything.survived[i]
            for part in (state.members, state.mean, state.std):
                assert np.isnan(numpy(part)[i, lived:]).all()
                assert np.isfinite(numpy(part)[i, :lived]).all()
        np.testing.assert_array_equal(numpy(state.members)[inside], getattr(sound, name).members)
    for field in fields(Update):
        part = numpy(getattr(everything.update, field.name))
        for i in range(6):
            assert np.isnan(part[i, everything.survived[i] :]).all()
        np.testing.assert_array_equal(part[inside], getattr(sound.update, field.name))
    np.testing.assert_array_equal(np.isnan(numpy(everything.log_evidence)), ~inside)


def test_what_has_diverged_keeps_its_place_in_the_stream_of_random_numbers(seed):
    """The others draw the same numbers, whether their neighbour lives or not."""
    y = np.zeros((2, 9, 1))
    both, calm = (
        run(exploding(np.array(which), noise=1e-3), y, np.random.default_rng(seed)).ensemble
        for which in ([0, 5], [0, 4])
    )
    assert np.isnan(both[1]).any()
    np.testing.assert_array_equal(both[0], calm[0])


def test_a_covariance_that_all_share_stays_shared_when_a_mean_diverges(seed):
    _, y = experiment(seed, (4,))
    wild = y.copy()
    wild[1, 5] = 1e13
    calm, result = run(FILTER, y), run(FILTER, wild)
    np.testing.assert_array_equal(result.survived, [12, 5, 12, 12])
    for i in (0, 2, 3):
        np.testing.assert_array_equal(result.mean[i], calm.mean[i])
        np.testing.assert_array_equal(result.cov[i], calm.cov)
        np.testing.assert_array_equal(result.update.log_evidence[i], calm.update.log_evidence[i])
    assert np.isnan(result.mean[1, 5:]).all()
    assert np.isnan(result.std[1, 5:]).all()
    assert np.isnan(result.cov[1, 5:]).all()
    np.testing.assert_array_equal(result.mean[1, :5], calm.mean[1, :5])


def test_a_variance_that_explodes_is_a_divergence_of_all_that_share_it():
    growing = LinearSystem(Components.every(1, 1, 1.0), Independent(np.zeros(1), np.ones(1)), [[1e3]], [[1.0]])
    result = run(KalmanFilter(growing), np.full((3, 9, 1), np.nan))
    assert (result.survived == 3).all()  # standard deviations 1e3, 1e6, 1e9, 1e12
    assert np.isnan(result.mean[:, 3:]).all()
    assert np.isnan(result.std[..., 3:, :]).all()
    assert np.isfinite(result.std[..., :3, :]).all()


def test_a_single_run_that_diverges_has_its_own_number():
    result = run(Drifting(Squaring(), STARTS[1] + np.array([[0.0], [1e-3]])), np.zeros((9, 1)))
    assert result.survived.shape == ()
    assert 0 < result.survived < 9


# fields of states


def test_every_field_of_every_state_and_update_has_its_number_of_axes():
    one_time = {
        Moments(np.zeros(3), np.zeros((3, 3))),
        SquareRoot(np.zeros(3), np.zeros((3, 3))),
        Ensemble(np.zeros((7, 3))),
        Update(np.float64(0), np.zeros(2), np.float64(0), np.float64(0)),
    }
    for part in one_time:
        for field in fields(part):
            assert CORE.get(field.name, 0) == np.ndim(getattr(part, field.name))


# errors

WRONG = {
    "one axis": (np.zeros(2), "run(): y has shape (2,), but (..., T, k) = (..., T, 2) is needed"),
    "another k": (np.zeros((5, 3)), "run(): y has shape (5, 3), but (..., T, k) = (..., T, 2) is needed"),
    "integers": (np.zeros((5, 2), int), "run(): y has dtype int64, but float32 or float64 is needed"),
    "half precision": (np.zeros((5, 2), np.float16), "run(): y has dtype float16, but float32 or float64"),
    "no run": (np.zeros((0, 5, 2)), "run(): y has shape (0, 5, 2): a batch of no run at all"),
    "an infinity": (np.array([[np.inf, 0.0]]), "run(): y holds an infinity; a missing observation is NaN"),
    "no time": (np.zeros((3, 0, 2)), "run(): y holds no time at all"),
    "a tensor of integers": (torch.zeros((5, 2), dtype=torch.int64), "but float32 or float64 is needed"),
}


@pytest.mark.parametrize("case", WRONG)
def test_observations_that_do_not_fit_are_refused_with_what_came(case):
    y, message = WRONG[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        run(FILTER, y)


def test_observations_that_are_no_array_are_refused():
    with pytest.raises(TypeError, match=r"run\(\): y must be an array of NumPy or torch, but is a list"):
        run(FILTER, [[1.0, 2.0]])


@pytest.mark.parametrize("batch", [(), (2,), (3, 1)], ids=str)
def test_a_cycle_of_another_batch_is_refused(batch):
    last = list(cycles(FILTER, experiment(0, (3,))[1]))[-1]
    with pytest.raises(ValueError, match=re.escape(f"after is of a batch of shape (3,), but that of y is {batch}")):
        next(cycles(FILTER, experiment(0, batch)[1], after=last))


@pytest.mark.usefixtures("production")
def test_a_filter_that_draws_asks_for_a_generator():
    with pytest.raises(ValueError, match="this draws random numbers"):
        run(Drifting(SYSTEM, np.ones((3, 2)), noise=1.0), np.zeros((4, 2)))
