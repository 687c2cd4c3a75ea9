"""Tangent-linear models by automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlpc.assimilation.backends import Array, numpy


def tangent(f: Callable[[Array], Array], x: Array) -> tuple[Array, Array]:
    """Return f(x) and the Jacobian of f at x, by :eq:`eq-tangent-model`.

    As many copies of x as f has components pass through f at once, and one sweep backwards gives each component's row.

    Parameters
    ----------
    f : callable
        From arrays of shape (..., n) to arrays of shape (..., m), each leading index by itself, written for the array
        API (torch tensors pass through it).
    x : array of shape (..., n)
        Where to differentiate; NumPy or torch.

    Returns
    -------
    value : array of shape (..., m)
        f(x).
    jacobian : array of shape (..., m, n)
        Entry i, j is ∂fᵢ/∂xⱼ.

    Raises
    ------
    ValueError
        If x holds no floats.

    Examples
    --------
    >>> value, J = tangent(lambda x: x**2, np.array([1.0, 3.0]))
    >>> J
    array([[2., 0.],
           [0., 6.]])
    """
    import torch

    point = x if isinstance(x, torch.Tensor) else torch.from_numpy(np.array(x))
    if not point.is_floating_point():
        raise ValueError(f"tangent(): x has dtype {x.dtype}, but floats are needed")
    value = f(point)
    m, shape = value.shape[-1], point.shape
    copies = point[..., None, :].expand(*shape[:-1], m, shape[-1]).clone()
    with torch.enable_grad():
        copies = copies if copies.requires_grad else copies.requires_grad_()
        seen = f(copies).diagonal(dim1=-2, dim2=-1).sum()
        rows = [None]
        if seen.requires_grad:  # else nothing depends on x
            rows = torch.autograd.grad(seen, copies, create_graph=value.requires_grad, allow_unused=True)
    jacobian = torch.zeros_like(copies, requires_grad=False) if rows[0] is None else rows[0]
    return (value, jacobian) if isinstance(x, torch.Tensor) else (numpy(value), numpy(jacobian))
