"""Systems against an independent integrator, their symmetries and conservation laws, and their own tangents."""

import re
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from mlpc.assimilation import Components, Linear, Linear2D, LinearSystem, Lorenz63, Lorenz96, Nonlinear
from mlpc.assimilation.systems import BLOCK, Independent, rk4
from mlpc.assimilation.tangents import tangent
from mlpc.basics import Gaussian

SYSTEMS = [Linear2D(), Lorenz63(), Lorenz96(), Lorenz96(sites=4, steps=3)]
LORENZ = SYSTEMS[1:]
WALK = LinearSystem(Linear([1.0], [[1.0, 0.0]]), Gaussian(np.zeros(2), np.eye(2)), np.eye(2), np.diag([1.0, 0.0]))


def named(system):
    return f"{type(system).__name__}{system.n}"


def states(system, rng, batch=()):
    return system.start.mean + rng.normal(size=(*batch, system.n))


# the equations


@pytest.mark.parametrize("system", LORENZ, ids=named)
def test_a_cycle_is_the_solution_of_the_differential_equation(system, rng):
    x, time = states(system, rng), system.dt * system.steps
    system = replace(system, dt=system.dt / 8, steps=system.steps * 8)
    exact = solve_ivp(lambda _, x: system.tendency(x), (0, time), x, method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
    np.testing.assert_allclose(system.step(x), exact, rtol=0, atol=1e-4)


@pytest.mark.parametrize("system", LORENZ, ids=named)
def test_the_error_of_the_runge_kutta_method_is_of_order_four(system, rng):
    x, time = system.start.mean, 0.2
    exact = solve_ivp(lambda _, x: system.tendency(x), (0, time), x, method="DOP853", rtol=1e-13, atol=1e-13).y[:, -1]
    errors = []
    for steps in (16, 32, 64):
        moved = x
        for _ in range(steps):
            moved = rk4(system.tendency, moved, time / steps)
        errors.append(np.linalg.norm(moved - exact))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(orders, 4, atol=0.35)


def test_lorenz96_by_its_sites_one_by_one(rng):
    x, n, F = rng.normal(size=9), 9, 5.0
    by_hand = [(x[(i + 1) % n] - x[i - 2]) * x[i - 1] - x[i] + F for i in range(n)]
    np.testing.assert_allclose(Lorenz96(sites=n, F=F).tendency(x), by_hand, rtol=1e-13)


@given(st.integers(4, 30), st.integers(0, 2**32 - 1))
def test_the_advection_of_lorenz96_conserves_energy(n, seed):
    x = 5 * np.random.default_rng(seed).normal(size=n)
    system = Lorenz96(sites=n, start=Independent(np.zeros(n), np.ones(n)))
    advection = system.tendency(x) + x - system.F
    np.testing.assert_allclose(x @ advection, 0, atol=1e-11)


def test_lorenz96_looks_the_same_from_every_site(rng):
    system = Lorenz96(sites=11)
    x = states(system, rng)
    np.testing.assert_array_equal(system.step(np.roll(x, 3)), np.roll(system.step(x), 3))


def test_lorenz96_rests_where_all_sites_are_the_forcing():
    np.testing.assert_array_equal(Lorenz96(sites=6, F=3.0).step(np.full(6, 3.0)), np.full(6, 3.0))


def test_lorenz63_rests_in_its_three_fixed_points():
    system = Lorenz63()
    r = np.sqrt(system.beta * (system.rho - 1))
    for point in ([0, 0, 0], [r, r, system.rho - 1], [-r, -r, system.rho - 1]):
        np.testing.assert_allclose(system.tendency(np.array(point, float)), 0, atol=1e-13)


def test_lorenz63_has_its_symmetry_and_contracts_volumes_at_its_rate(rng):
    system = Lorenz63()
    x = states(system, rng)
    flip = np.array([-1.0, -1.0, 1.0])
    np.testing.assert_array_equal(system.step(flip * x), flip * system.step(x))
    trace = np.trace(system.variation(x[None], np.eye(3)).T)
    np.testing.assert_allclose(trace, -(system.sigma + 1 + system.beta), rtol=1e-13)
    volume = np.linalg.det(system.tangent(x)[1])
    np.testing.assert_allclose(np.log(volume), trace * system.dt * system.steps, rtol=1e-3)


def test_linear2d_turns_by_its_angle_and_keeps_lengths(rng):
    system = Linear2D(angle=0.3)
    x = rng.normal(size=(5, 2))
    turned = (x[:, 0] + 1j * x[:, 1]) * np.exp(-0.3j)
    np.testing.assert_allclose(system.step(x), np.stack([turned.real, turned.imag], -1), rtol=1e-13)
    np.testing.assert_allclose(np.linalg.det(system.M), 1, rtol=1e-14)


def test_linear2d_has_the_numbers_of_the_course():
    system = Linear2D()
    assert system.angle == np.pi / 100
    np.testing.assert_allclose(system.Q, 1e-4 * np.eye(2), rtol=1e-14)
    np.testing.assert_allclose(system.observation.R, [1e-2, 1e-2], rtol=1e-14)
    np.testing.assert_allclose(system.start.mean, [3, 3])
    np.testing.assert_allclose(system.start.cov, 1e-4 * np.eye(2), rtol=1e-14)


def test_a_step_of_runge_kutta_is_the_polynomial_of_degree_four():
    """For dx/dt = x one step of length h multiplies by 1 + h + h²/2 + h³/6 + h⁴/24."""
    h = 0.5
    expected = 1 + h + h**2 / 2 + h**3 / 6 + h**4 / 24
    np.testing.assert_allclose(rk4(lambda x: x, np.array([1.0]), h), expected, rtol=1e-15)


# tangents


@pytest.mark.parametrize("system", LORENZ, ids=named)
def test_the_equation_of_variations_gives_the_derivative_of_the_steps_to_rounding(system, rng):
    x = states(system, rng, (3,))
    (value, M), (_, automatic) = system.tangent(x), tangent(system.step, x)
    np.testing.assert_array_equal(value, system.step(x))
    np.testing.assert_allclose(M, automatic, rtol=0, atol=1e-11 * np.abs(M).max())


@pytest.mark.parametrize("system", SYSTEMS, ids=named)
def test_tangents_are_the_same_in_torch_and_let_gradients_pass(system, rng):
    x = states(system, rng, (2,))
    t = torch.from_numpy(x).requires_grad_()
    (value, M), (of_torch, M_torch) = system.tangent(x), system.tangent(t)
    np.testing.assert_allclose(of_torch.detach(), value, rtol=1e-12)
    np.testing.assert_allclose(M_torch.detach(), M, rtol=0, atol=1e-12 * np.abs(M).max())
    of_torch.sum().backward()
    np.testing.assert_allclose(
        t.grad, np.broadcast_to(M, (2, system.n, system.n)).sum(-2), rtol=0, atol=1e-11 * np.abs(M).max()
    )


# libraries, batches, precision


@pytest.mark.parametrize("system", SYSTEMS, ids=named)
def test_numpy_and_torch_agree(system, rng):
    x = states(system, rng, (2, 3))
    np.testing.assert_allclose(system.step(torch.from_numpy(x)), system.step(x), rtol=1e-12)
    single = system.step(torch.from_numpy(x).float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, system.step(x), rtol=0, atol=2e-4 * np.abs(x).max())
    assert system.step(x.astype(np.float32)).dtype == np.float32


def test_numbers_of_numpy_do_not_change_the_precision():
    x = np.ones((2, 40), np.float32)
    system = Lorenz96(F=np.float64(8), dt=np.float64(0.05), sigma_q=np.sqrt(0.01))
    assert system.step(x).dtype == system.perturbed(x, np.random.default_rng(0)).dtype == np.float32
    assert system.tangent(x)[1].dtype == np.float32


@pytest.mark.parametrize("system", LORENZ, ids=named)
def test_a_batch_of_one_is_the_slice_bit_for_bit(system, rng):
    x = states(system, rng, (4, 5))
    moved, (_, M) = system.step(x), system.tangent(x)
    np.testing.assert_array_equal(system.step(x[2, 3]), moved[2, 3])
    np.testing.assert_array_equal(system.step(x[2:3, 3:4]), moved[2:3, 3:4])
    np.testing.assert_array_equal(system.tangent(x[2, 3])[1], M[2, 3])


@pytest.mark.parametrize("batch", [(BLOCK // 40 + 1,), (3, BLOCK // 40, 2), (2, 0, 5)], ids=str)
def test_blocks_change_no_bit(batch, rng):
    system = Lorenz96(steps=2)
    x = states(system, rng, batch)
    whole = rk4(system.tendency, rk4(system.tendency, x, system.dt), system.dt)
    np.testing.assert_array_equal(system.step(x), whole)
    np.testing.assert_array_equal(
        system.step(torch.from_numpy(x)),
        rk4(system.tendency, rk4(system.tendency, torch.from_numpy(x), system.dt), system.dt),
    )


def test_gradients_pass_through_blocks(rng):
    system = Lorenz96(sites=5)
    x = torch.from_numpy(states(system, rng, (BLOCK // 5 + 3,))).requires_grad_()
    system.step(x).sum().backward()
    _, M = system.tangent(x[-1].detach())
    np.testing.assert_allclose(x.grad[-1], M.sum(-2), rtol=1e-12)


def test_nothing_of_n_squared_numbers_is_made_for_long_rings(rng):
    n = 20_000
    tracemalloc.start()
    try:
        system = Lorenz96(sites=n, sigma_q=0.1)
        x = system.draw_start((2,), rng, np.zeros(1))
        y = system.observation(system.perturbed(system.step(x), rng))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert y.shape == (2, n)
    assert peak < 100 * n * x.itemsize < n * n


@pytest.mark.parametrize("system", LORENZ, ids=named)
def test_the_start_lies_on_the_attractor_and_is_always_the_same(system):
    again = type(system)(
        **{name: getattr(system, name) for name in ("dt", "steps")} | ({"sites": system.n} if system.n != 3 else {})
    )
    np.testing.assert_array_equal(again.start.mean, system.start.mean)
    x, seen = system.start.mean, []
    for _ in range(400):
        x = system.step(x)
        seen.append(x)
    mean, std = np.mean(seen, axis=0), np.std(seen, axis=0)
    assert (np.abs(system.start.mean - mean) < 5 * std + 1e-9).all()


# noise and start


@pytest.mark.parametrize(
    "system", [Linear2D(), Lorenz96(sites=4, sigma_q=0.5), WALK], ids=["rotation", "ring", "singular Q"]
)
def test_the_noise_has_covariance_q(system, rng):
    noise = system.perturbed(np.zeros((40_000, system.n)), rng)
    scale = np.sqrt(np.diag(system.Q))
    np.testing.assert_allclose(noise.T @ noise / len(noise), system.Q, rtol=0, atol=0.05 * scale.max() ** 2)
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=6 * scale.max() / 200)


def test_correlated_noise_has_covariance_q(rng):
    Q = np.array([[2.0, 0.5, 0], [0.5, 1.0, -0.3], [0, -0.3, 0.5]])
    system = LinearSystem(Linear([1.0], np.ones((1, 3))), Gaussian(np.zeros(3), np.eye(3)), np.eye(3), Q)
    noise = system.perturbed(np.zeros((40_000, 3)), rng)
    np.testing.assert_allclose(noise.T @ noise / len(noise), Q, rtol=0, atol=0.1)


def test_a_perfect_model_draws_nothing(rng):
    before = rng.bit_generator.state
    silent = LinearSystem(Linear([1.0], [[1.0]]), Gaussian(np.zeros(1), np.eye(1)), [[1.0]], [[0.0]])
    for system in (Lorenz96(), silent):
        x = np.ones((2, system.n))
        assert system.perturbed(x, None) is x
        assert not system.noisy
    assert rng.bit_generator.state == before
    assert Linear2D().noisy
    assert Lorenz63(sigma_q=0.1).noisy


@pytest.mark.parametrize("system", [Linear2D(), Lorenz63(sigma_0=2.0)], ids=named)
def test_starts_follow_their_law_and_one_generator_gives_the_same_in_every_library(system, seed):
    drawn = system.draw_start((200, 100), np.random.default_rng(seed), np.zeros(1))
    flat = drawn.reshape(-1, system.n)
    scale = system.start.std.max()
    np.testing.assert_allclose(flat.mean(axis=0), system.start.mean, rtol=0, atol=6 * scale / np.sqrt(len(flat)))
    np.testing.assert_allclose(np.cov(flat.T), system.start.cov, rtol=0, atol=0.06 * scale**2)
    np.testing.assert_allclose(system.start.root @ system.start.root.T, system.start.cov, rtol=1e-14)
    tensor = system.draw_start((200, 100), np.random.default_rng(seed), torch.zeros(1).double())
    np.testing.assert_array_equal(tensor, drawn)
    assert system.draw_start((), np.random.default_rng(seed), torch.zeros(1)).shape == (system.n,)


def test_a_start_of_ones_own_is_kept():
    start = Gaussian(np.ones(3), np.diag([1.0, 2.0, 3.0]))
    system = Lorenz63(start=start)
    assert system.start is start
    assert system.draw_start((4,), np.random.default_rng(0), np.zeros(1)).shape == (4, 3)


# errors

ONE = Gaussian(np.zeros(1), np.eye(1))
SEVERAL = Gaussian(np.zeros(3), np.ones((5, 1, 1)) * np.eye(3))
WRONG = {
    "negative noise": (lambda: Lorenz96(sigma_q=-1), "Lorenz96(): sigma_q must be a standard deviation"),
    "infinite spread": (lambda: Lorenz63(sigma_0=np.inf), "Lorenz63(): sigma_0 must be a standard deviation"),
    "noise NaN": (lambda: Linear2D(sigma_r=np.nan), "Linear2D(): sigma_r must be a standard deviation"),
    "no time": (lambda: Lorenz96(dt=0), "Lorenz96(): dt must be positive"),
    "no steps": (lambda: Lorenz63(steps=0), "Lorenz63(): dt must be positive and steps at least 1"),
    "half a step": (lambda: Lorenz63(steps=1.5), "Lorenz63(): steps must be a whole number, but is 1.5"),
    "half a site": (lambda: Lorenz96(sites=40.5), "Lorenz96(): sites must be a whole number, but is 40.5"),
    "a batch of starts": (
        lambda: Lorenz63(start=SEVERAL),
        "Lorenz63(): there is one start for the whole batch, but its covariance has axes in front",
    ),
    "a batch of starts of a linear model": (
        lambda: LinearSystem(Linear([1.0], np.ones((1, 3))), SEVERAL, np.eye(3), np.eye(3)),
        "LinearSystem(): there is one model for the whole batch, but start",
    ),
    "a short ring": (lambda: Lorenz96(sites=3), "Lorenz96(): a ring needs at least 4 sites, but sites is 3"),
    "NaN in the model": (lambda: Lorenz96(F=np.nan), "Lorenz96(): F must hold finite numbers"),
    "infinity in the model": (lambda: Lorenz63(rho=np.inf), "Lorenz63(): rho must hold finite numbers"),
    "steps too long": (lambda: Lorenz96(dt=1.0), "Lorenz96(): with dt = 1 the method of Runge and Kutta overflows"),
    "start of another length": (lambda: Lorenz96(start=ONE), "Lorenz96(): start must be the law of 40 components"),
    "observation of another length": (
        lambda: Lorenz96(observation=Components.every(2, 30, 1.0)),
        "Lorenz96(): observation must be of 40 components, but is of 30",
    ),
    "matrix of another length": (
        lambda: Lorenz63(observation=Linear([1.0], [[1.0, 0.0]])),
        "Lorenz63(): observation must be of 3 components, but is of 2",
    ),
    "NaN in M": (lambda: LinearSystem(Linear([1.0], [[1.0]]), ONE, [[np.nan]], [[1.0]]), "LinearSystem(): M must hold"),
    "H of another length": (
        lambda: LinearSystem(Linear([1.0], [[1.0, 1.0]]), ONE, [[1.0]], [[1.0]]),
        "LinearSystem(): H has shape (1, 2), but (..., k, n) = (..., k, 1) is needed",
    ),
    "Q of another shape": (
        lambda: LinearSystem(Linear([1.0], [[1.0]]), ONE, [[1.0]], np.eye(2)),
        "LinearSystem(): Q has shape (2, 2), but (..., n, n) = (..., 1, 1) is needed",
    ),
    "asymmetric Q": (
        lambda: LinearSystem(
            Linear([1.0], np.ones((1, 2))), Gaussian(np.zeros(2), np.eye(2)), np.eye(2), [[1, 1], [0, 1]]
        ),
        "LinearSystem(): Q must be symmetric",
    ),
    "indefinite Q": (
        lambda: LinearSystem(Linear([1.0], [[1.0]]), ONE, [[1.0]], [[-1.0]]),
        "LinearSystem(): Q[0, 0] is -1, but a variance is not negative",
    ),
    "a batch of models": (
        lambda: LinearSystem(Linear([1.0], [[1.0]]), ONE, np.ones((5, 1, 1)), [[1.0]]),
        "LinearSystem(): there is one model for the whole batch",
    ),
    "observation that is not linear": (
        lambda: LinearSystem(Nonlinear([1.0], lambda x: x**2), ONE, [[1.0]], [[1.0]]),
        "LinearSystem(): observation must be linear, with a matrix H",
    ),
    "negative standard deviation": (lambda: Independent(np.zeros(1), [-1.0]), "Independent(): mean and std must be"),
    "a matrix for standard deviations": (lambda: Independent(np.zeros(2), np.eye(2)), "Independent(): mean and std"),
    "NaN in a mean": (lambda: Independent([np.nan], [1.0]), "Independent(): mean must hold finite numbers"),
    "lengths that differ": (lambda: Independent(np.zeros(2), np.ones(3)), "Independent(): std has shape (3,)"),
    "no Generator": (lambda: Linear2D().perturbed(np.zeros(2), None), "this draws random numbers"),
    "no Generator for a start": (lambda: Lorenz63().draw_start((), None, np.zeros(1)), "this draws random numbers"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.usefixtures("production")
def test_what_is_no_system_is_refused_with_what_came(case):
    build, message = WRONG[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        build()


def test_what_was_checked_cannot_change():
    system = Linear2D()
    for array in (system.M, system.Q, system.observation.R, Lorenz63().start.mean):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = np.nan
