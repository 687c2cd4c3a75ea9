"""mlpc.arguments: what fits comes back as arrays, what does not is refused with what would fit."""

import re

import numpy as np
import pytest

from mlpc.arguments import arrays


def test_what_fits_comes_back_in_order_and_uncopied():
    A, b = np.eye(3), np.ones((5, 3), np.complex64)
    assert [X is Y for X, Y in zip(arrays("f", A=(A, "n n"), b=(b, "n")), (A, b), strict=True)] == [True, True]


@pytest.mark.parametrize("given", [[[1, 2], [3, 4]], np.array([[1, 2], [3, 4]], np.uint8), np.array([[True]])])
def test_lists_and_integers_become_float64(given):
    (array,) = arrays("f", A=(given, "n n"))
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, given)


def test_a_number_in_the_pattern_is_that_size():
    arrays("f", x=(np.ones((4, 3)), "4 3"))
    with pytest.raises(ValueError, match=r"x has shape \(4, 3\), but \(\.\.\., 4, 2\) is needed"):
        arrays("f", x=(np.ones((4, 3)), "4 2"))


def test_an_empty_pattern_is_a_number_for_each_leading_index():
    arrays("f", s=(np.ones(4), ""), A=(np.ones((4, 2, 2)), "n n"))
    with pytest.raises(ValueError, match=r"they are \(3,\) of s, \(4,\) of A"):
        arrays("f", s=(np.ones(3), ""), A=(np.ones((4, 2, 2)), "n n"))


@pytest.mark.parametrize(
    ("shape", "axes", "says"),
    [
        ((3,), "n k", "(..., n, k) = (..., 2, k) is needed"),
        ((2,), "n k", "x[..., None] would fit"),
        ((2,), "k n", "x[..., None, :] would fit"),
        ((3, 2), "n k", "(..., n, k) = (..., 2, k) is needed; x.mT or x[..., None] would fit"),
        ((2, 1), "n", "(..., 2) is needed; x[..., 0] would fit"),
        ((), "n", "(), but (..., n) = (..., 2) is needed"),
    ],
)
def test_a_repair_is_offered_only_where_it_fits(shape, axes, says):
    with pytest.raises(ValueError, match=rf"^f\(\): x has shape .*{re.escape(says)}"):
        arrays("f", known=(np.eye(2), "n n"), x=(np.ones(shape), axes))


@pytest.mark.parametrize("axes", ["n", "n k", "k n"])
@pytest.mark.parametrize("shape", [(), (2,), (3,), (2, 3), (3, 2), (2, 1), (4, 2), (5, 4, 3), (5, 3, 2, 1)])
def test_every_repair_that_is_offered_does_fit(shape, axes):
    x = np.ones(shape)
    try:
        arrays("f", known=(np.eye(2), "n n"), x=(x, axes))
    except ValueError as refusal:
        _, _, offers = str(refusal).partition("; ")
        for offer in offers.removesuffix(" would fit").split(" or ") if offers else []:
            arrays("f", known=(np.eye(2), "n n"), x=(eval(offer, {"x": x}), axes))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (np.nan, "x must hold finite numbers, but it is nan"),
        ([0.0, -np.inf], r"x must hold finite numbers, but x\[1\] is -inf$"),
        ([[0.0, 1.0], [np.nan, np.inf]], r"x\[1, 0\] is nan, and 1 more"),
        ([complex(0, np.nan)], r"x\[0\] is nanj|x\[0\] is .*nan"),
    ],
)
def test_entries_that_are_no_finite_numbers_are_named(given, says):
    with pytest.raises(ValueError, match=says):
        arrays("f", x=(given, ""))


@pytest.mark.parametrize("given", ["text", [None], np.ones(2, np.float16), [{}]])
def test_what_linear_algebra_cannot_compute_with_is_refused_by_its_dtype(given):
    with pytest.raises(ValueError, match=r"f\(\): x has dtype .*, but linear algebra needs float32, float64"):
        arrays("f", x=(given, ""))
