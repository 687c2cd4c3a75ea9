"""Twin experiments: reproducible, shifted by one, and of the law that the system states."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from mlpc.assimilation import Linear2D, Lorenz63, Lorenz96, twin_experiment
from mlpc.assimilation.systems import Lorenz, System

SYSTEMS = [Linear2D(), Lorenz63(), Lorenz96(sites=5, sigma_q=0.1)]
every = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: type(system).__name__)


@every
def test_one_generator_gives_one_experiment_in_every_library(system, seed):
    x, y = twin_experiment(system, 6, np.random.default_rng(seed), batch=(2, 3), burn_in=2)
    again = twin_experiment(system, 6, np.random.default_rng(seed), batch=(2, 3), burn_in=2)
    tensors = twin_experiment(
        system, 6, np.random.default_rng(seed), batch=(2, 3), burn_in=2, beside=torch.zeros(0, dtype=torch.float64)
    )
    assert x.shape == (2, 3, 7, system.n)
    assert y.shape == (2, 3, 6, system.observation.k)
    for one, other, tensor in zip((x, y), again, tensors, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(tensor, one, rtol=0, atol=1e-10)
        assert isinstance(tensor, torch.Tensor)
    assert (twin_experiment(system, 6, np.random.default_rng(seed + 1))[0] != x[0, 0]).any()


def test_arrays_get_the_precision_that_is_asked_for(rng):
    x, y = twin_experiment(Lorenz96(), 3, rng, beside=np.zeros(0, np.float32))
    assert x.dtype == y.dtype == np.float32


@every
def test_a_truth_without_noise_is_the_model_and_its_first_state_the_start(system, seed):
    perfect = Lorenz96(sites=5) if isinstance(system, Lorenz96) else system
    x, _ = twin_experiment(perfect, 4, np.random.default_rng(seed), batch=(3,))
    start = perfect.draw_start((3,), np.random.default_rng(seed), np.zeros(0))
    np.testing.assert_array_equal(x[:, 0], start)
    if not perfect.noisy:
        np.testing.assert_array_equal(x[:, 1:], perfect.step(x[:, :-1]))


def test_noise_enters_each_transition_and_each_observation_as_the_system_states(rng):
    system = Linear2D()
    x, y = twin_experiment(system, 100, rng, batch=(400,))
    model, seen = x[:, 1:] - system.step(x[:, :-1]), y - x[:, 1:]
    for noise, cov in ((model, system.Q), (seen, np.diag(system.observation.R))):
        np.testing.assert_allclose(np.cov(noise.reshape(-1, 2).T), cov, rtol=0, atol=0.04 * cov.max())
        along = (noise[:, 1:] * noise[:, :-1]).mean() / cov.max()  # from one time to the next
        np.testing.assert_allclose(along, 0, atol=0.03)
    np.testing.assert_allclose(
        (model * seen).mean() / np.sqrt(system.Q.max() * system.observation.R.max()), 0, atol=0.03
    )


def test_a_burn_in_is_thrown_away(seed):
    system = Lorenz63()
    x, _ = twin_experiment(system, 5, np.random.default_rng(seed), burn_in=3)
    longer, _ = twin_experiment(system, 8, np.random.default_rng(seed))
    np.testing.assert_array_equal(x, longer[3:])


def test_no_cycles_leave_the_start(rng):
    x, y = twin_experiment(Linear2D(), 0, rng)
    assert x.shape == (1, 2)
    assert y.shape == (0, 2)


@pytest.mark.parametrize("count", [{"steps": -1}, {"steps": 1, "burn_in": -2}], ids=str)
def test_negative_numbers_of_cycles_are_refused(count, rng):
    with pytest.raises(ValueError, match=r"steps and burn_in must not be negative, but are"):
        twin_experiment(Linear2D(), rng=rng, **count)


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 2.5}, "steps must be a whole number, but is 2.5"),
        ({"steps": 2, "burn_in": 2.5}, "burn_in must be a whole number, but is 2.5"),
        ({"steps": 2, "batch": 3}, "batch must be a tuple of numbers, such as (3,), but is 3"),
    ],
    ids=str,
)
def test_cycles_are_counted_and_a_batch_has_axes(options, message, rng):
    with pytest.raises(ValueError, match=re.escape(f"twin_experiment(): {message}")):
        twin_experiment(Linear2D(), rng=rng, **options)


@pytest.mark.usefixtures("production")
def test_a_generator_is_asked_for():
    with pytest.raises(ValueError, match="this draws random numbers"):
        twin_experiment(Linear2D(), 1, 0)


@dataclass(frozen=True, eq=False)
class Doubling(System):
    """A truth that grows beyond all numbers."""

    like: Lorenz

    @property
    def observation(self):
        return self.like.observation

    @property
    def start(self):
        return self.like.start

    Q = np.zeros((3, 3))

    def step(self, x):
        return x * 1e200


def test_a_truth_that_leaves_the_range_of_numbers_is_an_error(rng):
    with pytest.raises(FloatingPointError, match=r"the truth is not finite; a smaller dt"):
        twin_experiment(Doubling(Lorenz63()), 3, rng)
