"""Tangent-linear models against finite differences, exact derivatives, and derivatives of derivatives."""

import numpy as np
import pytest
import torch

from mlpc.assimilation import Linear2D, Lorenz63, Lorenz96, Nonlinear
from mlpc.assimilation.backends import namespace
from mlpc.assimilation.tangents import tangent
from mlpc.basics import finite_difference_jacobian


def polar(x):
    xp = namespace(x)
    return xp.stack([xp.sqrt(x[..., 0] ** 2 + x[..., 1] ** 2), xp.atan2(x[..., 1], x[..., 0])], axis=-1)


OPERATORS = {
    "distance and angle": Nonlinear([0.1, 0.1], polar),
    "squares": Nonlinear([1.0] * 3, lambda x: x**2),
    "one number": Nonlinear([1.0], lambda x: namespace(x).exp(-x[..., :1] * x[..., 1:2])),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_tangents_of_nonlinear_observations_are_finite_differences(name, rng):
    h = OPERATORS[name]
    for x in rng.uniform(0.5, 2, size=(4, 3)):
        value, H = h.tangent(x)
        np.testing.assert_allclose(value, h(x), rtol=1e-14)
        np.testing.assert_allclose(H, finite_difference_jacobian(h, x), rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    "system", [Lorenz63(), Lorenz96(sites=7), Linear2D()], ids=lambda system: type(system).__name__
)
def test_tangents_of_models_are_finite_differences(system, rng):
    x = system.start.mean + rng.normal(size=system.n)
    value, M = tangent(system.step, x)
    np.testing.assert_allclose(value, system.step(x), rtol=1e-12)
    np.testing.assert_allclose(M, finite_difference_jacobian(system.step, x), rtol=0, atol=1e-6 * np.abs(M).max())


def test_each_slice_of_a_batch_has_its_own_tangent(rng):
    x = rng.normal(size=(2, 3, 4))
    _, J = tangent(lambda x: x**3, x)
    np.testing.assert_allclose(J, 3 * x[..., None] ** 2 * np.eye(4), rtol=1e-14)
    np.testing.assert_array_equal(tangent(lambda x: x**3, x[1, 2])[1], J[1, 2])


def test_more_and_fewer_values_than_directions(rng):
    x = rng.normal(size=3)
    A = rng.normal(size=(5, 3))
    np.testing.assert_allclose(tangent(lambda x: x @ torch.from_numpy(A).mT, x)[1], A, rtol=1e-14)
    np.testing.assert_allclose(tangent(lambda x: x.sum(-1, keepdim=True), x)[1], np.ones((1, 3)))


def test_what_does_not_depend_on_the_state_has_tangent_zero():
    value, J = tangent(lambda x: torch.ones(*x.shape[:-1], 2, dtype=x.dtype), np.zeros((4, 3)))
    np.testing.assert_array_equal(value, np.ones((4, 2)))
    np.testing.assert_array_equal(J, np.zeros((4, 2, 3)))
    w = torch.ones(2, requires_grad=True)
    assert not tangent(lambda x: torch.zeros_like(x[..., :2]) + w, torch.zeros(3))[1].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_library_and_the_precision_that_come_in_go_out(dtype):
    x = np.ones(3, dtype)
    for one in tangent(lambda x: x**2, x):
        assert isinstance(one, np.ndarray)
        assert one.dtype == dtype
    for one in tangent(lambda x: x**2, torch.from_numpy(x)):
        assert isinstance(one, torch.Tensor)
        assert one.dtype == torch.from_numpy(x).dtype


def test_gradients_pass_through_a_tangent_and_no_graph_is_kept_where_nobody_asked_for_one():
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    _, J = tangent(lambda x: x**3, x)
    J.sum().backward()
    np.testing.assert_allclose(x.grad, 6 * x.detach())
    assert not any(one.requires_grad for one in tangent(lambda x: x**3, x.detach()))


def test_gradients_reach_the_parameters_of_the_model():
    a = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    _, J = tangent(lambda x: a * x**2, torch.tensor([3.0], dtype=torch.float64))
    J.sum().backward()
    assert a.grad == 6


def test_a_tangent_can_be_had_where_gradients_are_off_and_leaves_the_argument_alone():
    x = torch.tensor([3.0])
    with torch.no_grad():
        _, J = tangent(lambda x: x**2, x)
    assert J.item() == 6
    assert not J.requires_grad
    assert not x.requires_grad
    given = np.array([3.0])
    tangent(lambda x: x**2, given)
    assert given[0] == 3


@pytest.mark.parametrize("kind", [np.asarray, torch.asarray])
def test_integers_have_no_tangent(kind):
    with pytest.raises(ValueError, match=r"tangent\(\): x has dtype .*int64, but floats are needed"):
        tangent(lambda x: x**2, kind(np.arange(3)))
