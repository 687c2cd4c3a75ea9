"""The conversions between NumPy and torch."""

import numpy as np
import pytest
import torch
from array_api_compat import array_namespace
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from mlpc.assimilation.backends import apply, drawing, like, namespace, number, numpy, standard_normal, whole


@pytest.mark.parametrize("x", [np.zeros(2), np.float64(1), torch.zeros(2)], ids=["array", "number", "tensor"])
def test_the_short_way_for_numpy_gives_the_same_functions(x):
    assert namespace(x) is array_namespace(x)
    assert namespace(x, x) is array_namespace(x, x)


def test_arrays_of_two_libraries_do_not_mix():
    with pytest.raises(TypeError, match="Multiple namespaces"):
        namespace(np.zeros(2), torch.zeros(2))


@pytest.mark.parametrize("given", [[1, 2], np.array([1, 2]), np.array([1.0, 2.0], np.float32)], ids=type)
@pytest.mark.parametrize("x", [np.zeros(1, np.float32), torch.zeros(1), torch.zeros(1, dtype=torch.float64)])
def test_numbers_become_like_the_array_beside_them(x, given):
    made = like(x, given)
    assert type(made) is type(x)
    assert made.dtype == x.dtype
    assert made.tolist() == [1, 2]


def test_arrays_that_are_read_only_become_tensors_without_a_warning_and_stay_what_they_were():
    a = np.arange(3.0)
    a.setflags(write=False)
    like(torch.zeros(1), a)[0] = 7
    assert a[0] == 0


def test_gradients_pass_through_a_conversion():
    F = torch.tensor(8.0, requires_grad=True)
    like(torch.zeros(1, dtype=torch.float64), F).backward()
    assert F.grad == 1


def test_a_generator_gives_the_same_numbers_in_every_library(seed):
    drawn = [standard_normal(np.random.default_rng(seed), (3, 2), x) for x in (np.zeros(1), torch.zeros(1).double())]
    np.testing.assert_array_equal(*map(numpy, drawn))
    single = standard_normal(np.random.default_rng(seed), (3, 2), torch.zeros(1))
    np.testing.assert_array_equal(numpy(single), drawn[0].astype(np.float32))


@pytest.mark.parametrize("rng", [None, 0, np.random.RandomState(0)], ids=lambda rng: type(rng).__name__)
@pytest.mark.usefixtures("production")
def test_what_is_no_generator_is_refused_with_what_would_do(rng):
    with pytest.raises(
        ValueError, match=r"numpy\.random\.Generator, such as np\.random\.default_rng\(0\), as rng, not"
    ):
        drawing(rng)


def test_numbers_become_pythons_and_others_are_refused_by_their_name():
    assert [type(whole("f", "N", three)) for three in (3, np.int64(3), np.array(3))] == [int] * 3
    assert [type(number("f", "c", three)) for three in (3, np.float32(3), np.int64(3))] == [float] * 3
    for wrong in (3.0, "3", None):
        with pytest.raises(ValueError, match=rf"f\(\): N must be a whole number, but is {wrong!r}"):
            whole("f", "N", wrong)
    for wrong in ("3", None, True):
        with pytest.raises(ValueError, match=rf"f\(\): c must be a number, but is {wrong!r}"):
            number("f", "c", wrong)


@given(array_shapes(min_dims=0, max_dims=3, max_side=3), st.booleans(), st.integers(0, 2**32 - 1))
def test_matrices_are_applied_to_each_vector_of_a_batch(batch, shared, seed):
    rng = np.random.default_rng(seed)
    A, x = rng.normal(size=(*(() if shared else batch), 2, 3)), rng.normal(size=(*batch, 3))
    expected = np.einsum("...ij,...j->...i", A, x)
    np.testing.assert_allclose(apply(A, x), expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(numpy(apply(torch.from_numpy(A), torch.from_numpy(x))), expected, rtol=0, atol=1e-14)


def test_numbers_can_be_read_from_a_tensor_with_gradients():
    assert numpy(torch.ones(1, requires_grad=True)).tolist() == [1]
