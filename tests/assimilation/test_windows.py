"""The costs of windows: written out, and differentiated by others."""

import numpy as np
import pytest
import torch

from mlpc.assimilation import Components, LinearSystem, Lorenz63, twin_experiment
from mlpc.assimilation.windows import StrongWindow, WeakWindow, extended
from mlpc.basics import Gaussian, finite_difference_gradient

T = 3


@pytest.fixture(params=[StrongWindow, WeakWindow])
def window(request, rng):
    """A window of Lorenz' butterfly, two components seen, with gaps, and a control near its truth."""
    system = Lorenz63(steps=5, sigma_q=0.3, observation=Components(np.array([0.5, 2.0]), [0, 2], 3))
    x, y = twin_experiment(system, T, rng)
    y[1, 0], y[2] = np.nan, np.nan
    made = request.param.of(system, y, x[0] + 0.5, np.diag([1.0, 2.0, 3.0]))
    return made, made.control(x[:1] + rng.normal(size=(1, 3)))


def written_out(window, path):
    """The cost of a path, term by term."""
    system, y = window.model, window.y
    total = np.sum((path[0] - window.mean) ** 2 / np.array([1.0, 2.0, 3.0]))
    if isinstance(window, WeakWindow):
        total += sum(np.sum((path[t] - system.step(path[t - 1])) ** 2) / 0.3**2 for t in range(1, T + 1))
    for t in range(1, T + 1):
        total += np.nansum((y[t - 1] - path[t, [0, 2]]) ** 2 / np.array([0.5, 2.0]))
    return total / 2


def test_cost_is_the_sum_of_its_terms(window):
    made, control = window
    np.testing.assert_allclose(made.cost(control), written_out(made, made.path(control)), rtol=1e-10)


def test_strong_path_is_the_model_s_and_a_weak_one_is_free(window, rng):
    made, control = window
    path = made.path(control + 0.1 * rng.normal(size=control.shape))
    off = np.abs(path[1:] - made.model.step(path[:-1])).max()
    assert (off < 1e-12) == isinstance(made, StrongWindow)


def test_newton_s_step_falls_along_the_gradient_and_promises_half_of_it(window):
    """With A the Gauss-Newton matrix, step = -A⁻¹ ∇: so -∇ᵀ step / 2 is the gain of the quadratic model."""
    made, control = window

    def cost(flat):
        return float(made.cost(flat.reshape(control.shape)))

    gradient = finite_difference_gradient(cost, control.ravel())
    step, gain = made.newton(control)
    assert gain > 0
    np.testing.assert_allclose(gain, -gradient @ step.ravel() / 2, rtol=1e-5)
    assert cost(control.ravel() + 1e-3 * step.ravel()) < cost(control.ravel())


def test_belief_has_the_path_and_a_covariance_for_each_of_its_times(window):
    made, control = window
    path, cov, log_evidence = made.belief(control)
    np.testing.assert_allclose(path, made.path(control))
    assert cov.shape == (T + 1, 3, 3)
    assert np.linalg.eigvalsh(cov).min() > 0
    assert np.isfinite(log_evidence)


@pytest.mark.parametrize(("dtype", "scales"), [(np.float64, (1e9, 1.0, 1e-9)), (np.float32, (1e3, 1.0, 1e-5))])
@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_control_of_a_strong_path_is_what_made_it_in_all_units(dtype, scales, library):
    start = Gaussian(np.zeros(3), np.diag(np.square(scales)))
    system = LinearSystem(Components.every(1, 3, 1.0), start, M=np.eye(3), Q=np.zeros((3, 3)))
    y, w = library(np.zeros((1, 3), dtype)), library(np.ones(3, dtype))
    window = StrongWindow.of(system, y, y[0], start.cov)
    np.testing.assert_allclose(window.control(window.path(w)), w, rtol=1e-5)


def test_guess_is_extended_by_the_model_and_cut_where_it_is_too_long(window):
    made, _ = window
    long = made.model.step(np.ones((T + 3, 3)))
    assert extended(made.model, long, T).shape == (T + 1, 3)
    short = extended(made.model, long[:2], T)
    np.testing.assert_allclose(short[2:], made.model.step(short[1:-1]))
