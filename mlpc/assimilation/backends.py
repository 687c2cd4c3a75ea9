"""One formula for NumPy and torch arrays: the array API standard, and the few conversions that it leaves to us."""

from __future__ import annotations

import operator
from numbers import Real
from typing import Any

import array_api_compat.numpy
import numpy as np
from array_api_compat import array_namespace, is_torch_array

Array = Any
"""A NumPy array or a torch tensor."""


def namespace(*given: Array) -> Any:
    """Return the array API's functions for these arrays; raise `TypeError` if they come from different libraries.

    >>> namespace(np.zeros(2)).sum(np.ones(2))
    np.float64(2.0)
    """
    if all(type(x) is np.ndarray for x in given):  # the same, sooner
        return array_api_compat.numpy
    return array_namespace(*given)


def like(x: Array, given: Any) -> Array:
    """Return numbers as an array of the library, dtype and device of x; gradients pass through.

    >>> like(np.zeros(2, np.float32), [1, 2]).dtype
    dtype('float32')
    """
    if is_torch_array(x):  # a copy of what is not a tensor, since torch warns of arrays that are read-only
        return given.to(x) if is_torch_array(given) else array_namespace(x).asarray(np.array(given)).to(x)
    return np.asarray(given, dtype=x.dtype)


def drawing(rng: np.random.Generator | None) -> np.random.Generator:
    """Return the Generator, or raise a `ValueError` that asks for one.

    >>> drawing(None)
    Traceback (most recent call last):
    ValueError: this draws random numbers: pass a numpy.random.Generator, such as np.random.default_rng(0), as rng, not
    None
    """
    if isinstance(rng, np.random.Generator):
        return rng
    raise ValueError(
        "this draws random numbers: pass a numpy.random.Generator, such as np.random.default_rng(0), as rng, not "
        f"{rng!r}"
    )


def whole(asked: str, name: str, given: Any) -> int:
    """Return a whole number as Python's, or raise a `ValueError` that names it: NumPy's would make float32 float64.

    >>> whole("ETKF", "N", np.int64(7))
    7
    """
    try:
        return operator.index(given)
    except TypeError:
        raise ValueError(f"{asked}(): {name} must be a whole number, but is {given!r}") from None


def number(asked: str, name: str, given: Any) -> float:
    """Return a real number as Python's, or raise a `ValueError` that names it: NumPy's would make float32 float64.

    >>> number("RTPS", "alpha", np.float64(0.5))
    0.5
    """
    if isinstance(given, Real) and not isinstance(given, bool):
        return float(given)
    raise ValueError(f"{asked}(): {name} must be a number, but is {given!r}")


def standard_normal(rng: np.random.Generator | None, shape: tuple[int, ...], x: Array) -> Array:
    """Return independent standard normal numbers, like x; one Generator gives the same numbers in every library.

    >>> standard_normal(np.random.default_rng(0), (2,), np.zeros(3)).shape
    (2,)
    """
    return like(x, drawing(rng).standard_normal(shape))


def apply(A: Array, x: Array) -> Array:
    """Return A x for matrices (..., m, n) and vectors (..., n).

    >>> apply(np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[2., 2.],
           [4., 6.]])
    """
    return x @ A.mT if A.ndim == 2 and x.ndim > 1 else (A @ x[..., None])[..., 0]


def numpy(x: Array) -> np.ndarray:
    """Return the numbers of an array of any library as a NumPy array, for code that only reads them.

    >>> numpy(np.ones(1))
    array([1.])
    """
    return x.detach().cpu().numpy() if is_torch_array(x) else np.asarray(x)
