"""Observations: their operators, the law of their noise, and what is left of both when there are gaps."""

import re

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from mlpc.assimilation import Components, Linear, Nonlinear, hidden
from mlpc.assimilation.backends import namespace, numpy

FULL = np.array([[2.0, 0.6, 0.1], [0.6, 1.0, -0.3], [0.1, -0.3, 0.5]])
H = np.arange(12.0).reshape(3, 4)
SQUARES = Nonlinear(FULL, lambda x: x[..., :3] ** 2)
OBSERVATIONS = {
    "matrix, independent errors": Linear([1.0, 2.0, 0.5], H),
    "matrix, dependent errors": Linear(FULL, H),
    "components, independent errors": Components([1.0, 2.0, 0.5], [3, 0, 1], 4),
    "components, dependent errors": Components(FULL, [3, 0, 1], 4),
    "squares, dependent errors": SQUARES,
}
every = pytest.mark.parametrize("name", OBSERVATIONS)


def covariance(observation):
    return np.diag(observation.R) if observation.R.ndim == 1 else observation.R


# operators


def test_operators_are_what_they_say(rng):
    x = rng.normal(size=(2, 5, 4))
    np.testing.assert_allclose(
        OBSERVATIONS["matrix, dependent errors"](x), np.einsum("kn,...n->...k", H, x), rtol=1e-12
    )
    np.testing.assert_array_equal(OBSERVATIONS["components, dependent errors"](x), x[..., [3, 0, 1]])
    np.testing.assert_array_equal(SQUARES(x), x[..., :3] ** 2)
    np.testing.assert_array_equal(Components.every(2, 4, 1.0)(x), x[..., ::2])
    np.testing.assert_array_equal(Components.every(1, 4, 1.0)(x), x)
    np.testing.assert_array_equal(Components([1.0] * 4, [3, 2, 1, 0], 4)(x), x[..., ::-1])


@every
def test_operators_and_tangents_are_the_same_in_torch(name, rng):
    observation, x = OBSERVATIONS[name], rng.normal(size=(2, 4))
    (value, J), (of_torch, J_torch) = observation.tangent(x), observation.tangent(torch.from_numpy(x))
    np.testing.assert_allclose(value, observation(x), rtol=1e-14)
    np.testing.assert_allclose(of_torch, value, rtol=1e-12)
    np.testing.assert_allclose(J_torch, J, rtol=1e-12)
    np.testing.assert_allclose(observation(torch.from_numpy(x)), value, rtol=1e-12)
    if name.startswith(("matrix", "components")):
        np.testing.assert_array_equal(J, observation.H)
        np.testing.assert_allclose(x @ observation.H.T, value, rtol=1e-12)


@every
def test_a_batch_of_one_is_the_slice(name, rng):
    observation, x = OBSERVATIONS[name], rng.normal(size=(5, 4))
    np.testing.assert_allclose(observation(x[3]), observation(x)[3], rtol=0, atol=1e-13)


def test_the_precision_of_the_state_is_that_of_the_observation():
    for observation in OBSERVATIONS.values():
        x = np.ones((2, 4), np.float32)
        assert observation(x).dtype == observation.covariance(x).dtype == np.float32
        assert observation.perturbed(x, np.random.default_rng(0)).dtype == np.float32
        assert observation.whitened(observation(x), np.ones((2, 3), bool)).dtype == np.float32
        assert observation.log_volume(x, np.ones((2, 3), bool)).dtype == np.float32
        assert observation.log_volume(x, np.array([True, False, True])).dtype == np.float32
    for dtype in ("float32", "float64", "int64"):
        of_its_own = Nonlinear(np.ones(4), lambda x, dtype=dtype: namespace(x).astype(x, getattr(namespace(x), dtype)))
        for kind in (np.asarray, torch.asarray):
            assert "float32" in str(of_its_own(kind(np.ones((2, 4), np.float32))).dtype)


# noise


@every
def test_the_noise_has_covariance_r_and_one_generator_gives_the_same_in_every_library(name, seed):
    observation, x = OBSERVATIONS[name], np.zeros((200, 200, 4))
    y = observation.perturbed(x, np.random.default_rng(seed)) - observation(x)
    np.testing.assert_allclose(np.cov(y.reshape(-1, 3).T), covariance(observation), rtol=0, atol=0.06)
    np.testing.assert_allclose(y.mean(axis=(0, 1)), 0, atol=0.04)
    tensor = observation.perturbed(torch.from_numpy(x), np.random.default_rng(seed))
    np.testing.assert_allclose(tensor, y, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(observation.covariance(x), covariance(observation))


@st.composite
def gaps(draw):
    """(an observation, departures (..., 3) with NaN in gaps, which were seen)."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    batch = draw(st.sampled_from([(), (4,), (2, 3)]))
    seen = rng.random((*batch, 3)) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    return OBSERVATIONS[draw(st.sampled_from(sorted(OBSERVATIONS)))], rng.normal(size=(*batch, 3)), seen


@given(gaps(), st.booleans())
def test_whitened_departures_and_log_volume_give_the_density_of_what_was_seen(case, in_torch):
    observation, d, seen = case
    with_gaps, mask = np.where(seen, d, np.nan), seen
    if in_torch:
        with_gaps, mask = torch.from_numpy(np.array(with_gaps)), torch.from_numpy(np.array(seen))
    z, volume = numpy(observation.whitened(with_gaps, mask)), numpy(observation.log_volume(with_gaps, mask))
    assert volume.shape == d.shape[:-1]
    for at in np.ndindex(d.shape[:-1]):
        i = np.flatnonzero(seen[at])
        np.testing.assert_array_equal(np.delete(z[at], i), 0)
        R = covariance(observation)[np.ix_(i, i)]
        expected = scipy.stats.multivariate_normal(np.zeros(len(i)), R).logpdf(d[at][i]) if len(i) else 0
        np.testing.assert_allclose(-(volume[at] + z[at] @ z[at]) / 2, expected, rtol=0, atol=1e-11)


@given(gaps())
def test_one_pattern_of_gaps_serves_many_departures(case):
    observation, d, seen = case
    many = np.stack([d, 2 * d, -d, d + 1], axis=-2)  # (..., N, k)
    shared = observation.whitened(many, seen[..., None, :])
    apart = observation.whitened(many, np.broadcast_to(seen[..., None, :], many.shape))
    np.testing.assert_allclose(shared, apart, rtol=0, atol=1e-12)
    np.testing.assert_allclose(observation.whitened(many[..., 0, :], seen), shared[..., 0, :], rtol=0, atol=1e-12)


def test_one_pattern_of_gaps_serves_the_whole_batch(rng):
    seen = np.array([True, False, True])
    for observation in OBSERVATIONS.values():
        d = rng.normal(size=(5, 3))
        apart = observation.whitened(d, np.broadcast_to(seen, d.shape))
        np.testing.assert_allclose(observation.whitened(d, seen), apart, rtol=0, atol=1e-13)


def test_a_factor_of_r_is_made_once_for_all_members(monkeypatch, rng):
    sizes = []
    cholesky = np.linalg.cholesky
    monkeypatch.setattr(np.linalg, "cholesky", lambda R, **more: (sizes.append(R.shape), cholesky(R, **more))[1])
    observation, d = Linear(FULL, H), rng.normal(size=(6, 50, 3))
    seen = rng.random((6, 1, 3)) < 0.5
    observation.whitened(d, seen)
    assert all(np.prod(shape[:-2]) <= 6 for shape in sizes)


def test_gradients_pass_through_whitening_with_gaps():
    d = torch.tensor([1.0, np.nan, 2.0], dtype=torch.float64, requires_grad=True)
    for observation in OBSERVATIONS.values():
        (gradient,) = torch.autograd.grad((observation.whitened(d, ~d.isnan()) ** 2).sum(), d)
        assert gradient.isfinite().all()
        assert gradient[1] == 0


# gaps


def test_gaps_come_with_their_share_one_by_one_or_all_together(rng):
    y = rng.normal(size=(50, 200, 4))
    apart, together = hidden(y, rng, 0.3), hidden(y, rng, 0.3, together=True)
    for lost in (np.isnan(apart), np.isnan(together)):
        np.testing.assert_allclose(lost.mean(), 0.3, atol=0.03)
    lost = np.isnan(together)
    np.testing.assert_array_equal(lost, lost[..., :1] & np.ones(4, bool))
    assert (np.isnan(apart) != np.isnan(apart)[..., :1]).any()
    np.testing.assert_array_equal(apart[~np.isnan(apart)], y[~np.isnan(apart)])
    assert not np.isnan(hidden(y, rng, 0.0)).any()
    assert np.isnan(hidden(y, rng, 1.0)).all()


def test_gaps_are_the_same_in_every_library_and_leave_the_argument_alone(seed):
    y = np.zeros((7, 3))
    gaps = hidden(y, np.random.default_rng(seed), 0.5)
    tensor = hidden(torch.from_numpy(y).float(), np.random.default_rng(seed), 0.5)
    np.testing.assert_array_equal(np.isnan(gaps), tensor.isnan())
    assert tensor.dtype == torch.float32
    assert not y.any()


# errors

WRONG = {
    "a variance of zero": (lambda: Linear([1.0, 0.0], np.eye(2)), "Linear(): R must be k variances, all positive"),
    "a negative variance": (lambda: Components([-1.0], [0], 1), "Components(): R must be k variances, all positive"),
    "NaN in R": (lambda: Nonlinear([np.nan], lambda x: x), "Nonlinear(): R must hold finite numbers"),
    "an infinity in R": (lambda: Linear([np.inf], [[1.0]]), "Linear(): R must hold finite numbers"),
    "an indefinite R": (lambda: Linear([[1.0, 2.0], [2.0, 1.0]], np.eye(2)), "R must be positive semidefinite"),
    "a singular R": (lambda: Linear(np.ones((2, 2)), np.eye(2)), "R must be positive definite"),
    "an asymmetric R": (lambda: Linear([[1.0, 0.5], [0.0, 1.0]], np.eye(2)), "Linear(): R must be symmetric"),
    "an R that is no square": (lambda: Linear(np.ones((2, 3)), np.eye(2)), "Linear(): R has shape (2, 3)"),
    "a number for R": (lambda: Linear(1.0, [[1.0]]), "Linear(): R has shape (), but (..., k) is needed"),
    "a batch of R": (lambda: Linear(np.ones((5, 2, 2)), np.eye(2)), "Linear(): R must be k variances"),
    "a complex R": (lambda: Linear([1j], [[1.0]]), "Linear(): R"),
    "a complex H": (lambda: Linear([1.0], [[1j]]), "Linear(): H has dtype complex128"),
    "H of another length": (lambda: Linear([1.0], np.eye(2)), "Linear(): H has shape (2, 2), but (..., k, n)"),
    "NaN in H": (lambda: Linear([1.0], [[np.nan]]), "Linear(): H must hold finite numbers"),
    "a batch of H": (lambda: Linear([1.0], np.ones((3, 1, 2))), "Linear(): H has shape (3, 1, 2), but there is one"),
    "a component twice": (
        lambda: Components([1.0, 1.0], [0, 0], 3),
        "chosen must be 2 different components of range(3)",
    ),
    "a component too far": (lambda: Components([1.0], [3], 3), "chosen must be 1 different components of range(3)"),
    "a negative component": (lambda: Components([1.0], [-1], 3), "chosen must be 1 different components of range(3)"),
    "half a component": (lambda: Components([1.0], [0.5], 3), "chosen must be 1 different components of range(3)"),
    "a mask": (lambda: Components([1.0, 1.0], [True, False], 2), "chosen must be 2 different components of range(2)"),
    "every no component": (lambda: Components.every(0, 4, 1.0), "Components(): step must be at least 1, but is 0"),
    "components backwards": (lambda: Components.every(-1, 4, 1.0), "Components(): step must be at least 1, but is -1"),
    "every half component": (lambda: Components.every(0.5, 4, 1.0), "Components(): step must be a whole number"),
    "gaps in integers": (
        lambda: hidden(np.zeros((3, 1), int), np.random.default_rng(0), 0.5),
        "hidden(): y has dtype int64, but a gap is NaN, which only floats have",
    ),
    "too few components": (lambda: Components([1.0, 1.0], [0], 3), "one for each entry of R, but is [0]"),
    "states of another length": (
        lambda: Components.every(2, 4, 1.0)(np.zeros(5)),
        "Components(): the states have shape (5,), but (..., n) = (..., 4)",
    ),
    "a function of another length": (
        lambda: Nonlinear([1.0], lambda x: x)(np.zeros((7, 2))),
        "Nonlinear(): the function returned shape (7, 2) for states of shape (7, 2), but R asks for (7, 1)",
    ),
    "a function that loses the batch": (
        lambda: Nonlinear([1.0], lambda x: x.sum()[None])(np.zeros((7, 2))),
        "Nonlinear(): the function returned shape (1,) for states of shape (7, 2)",
    ),
    "no share": (lambda: hidden(np.zeros((3, 1)), np.random.default_rng(0), 1.5), "hidden(): share must be a probab"),
    "a share that is NaN": (lambda: hidden(np.zeros((3, 1)), np.random.default_rng(0), np.nan), "but is nan"),
    "gaps without a Generator": (lambda: hidden(np.zeros((3, 1)), None, 0.5), "this draws random numbers"),
    "noise without a Generator": (lambda: SQUARES.perturbed(np.zeros(4), None), "this draws random numbers"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.usefixtures("production")
def test_what_is_no_observation_is_refused_with_what_came(case):
    build, message = WRONG[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        build()


def test_what_was_checked_cannot_change():
    R = np.ones(3)
    observation = Linear(R, H)
    R[0] = -1
    assert (observation.R == 1).all()
    for array in (observation.R, observation.H, OBSERVATIONS["components, dependent errors"].chosen):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 2
