"""Symmetric block tridiagonal systems: what couples each time with the one before it, factorised in time T n³.

A factor is a pair of lists: the Cholesky factors C_t of the pivots, t = 0, ..., T, and W_t = C_{t-1}⁻¹ A_{t,t-1}ᵀ for
t = 1, ..., T. Blocks may have leading axes.
"""

from __future__ import annotations

import numpy as np

from mlpc.assimilation.backends import Array, like, namespace

Factor = tuple[list[Array], list[Array]]


def factor(diagonal: Array, below: Array) -> Factor:
    """Return the block Cholesky factor of a positive definite matrix.

    Parameters
    ----------
    diagonal : array of shape (..., T + 1, n, n)
        The blocks A_tt.
    below : array of shape (..., T, n, n)
        The blocks A_{t,t-1}.

    References
    ----------
    Golub and Van Loan, Matrix Computations (2013), section 4.5.

    Examples
    --------
    >>> C, W = factor(np.array([[[4.0]], [[2.0]]]), np.array([[[2.0]]]))
    >>> [float(one[0, 0]) for one in (*C, *W)]
    [2.0, 1.0, 1.0]
    """
    xp = namespace(diagonal)
    C, W = [xp.linalg.cholesky(diagonal[..., 0, :, :])], []
    for t in range(below.shape[-3]):
        W.append(xp.linalg.solve(C[-1], below[..., t, :, :].mT))
        C.append(xp.linalg.cholesky(diagonal[..., t + 1, :, :] - W[-1].mT @ W[-1]))
    return C, W


def solve(factored: Factor, b: Array) -> Array:
    """Return the solution for right-hand sides b of shape (..., T + 1, n).

    >>> solve(factor(np.array([[[4.0]], [[2.0]]]), np.array([[[2.0]]])), np.array([[6.0], [4.0]]))
    array([[1.],
           [1.]])
    """
    xp, (C, W) = namespace(b), factored
    u = [xp.linalg.solve(C[0], b[..., 0, :, None])]
    for t in range(len(W)):
        u.append(xp.linalg.solve(C[t + 1], b[..., t + 1, :, None] - W[t].mT @ u[-1]))
    s = [xp.linalg.solve(C[-1].mT, u[-1])]
    for t in reversed(range(len(W))):
        s.append(xp.linalg.solve(C[t].mT, u[t] - W[t] @ s[-1]))
    return xp.stack([one[..., 0] for one in reversed(s)], axis=-2)


def inverse_diagonal(factored: Factor) -> Array:
    """Return the diagonal blocks of the inverse, of shape (..., T + 1, n, n).

    >>> inverse_diagonal(factor(np.array([[[4.0]], [[2.0]]]), np.array([[[2.0]]])))[:, 0, 0]
    array([0.5, 1. ])
    """
    C, W = factored
    xp = namespace(C[0])
    eye = like(C[0], np.eye(C[0].shape[-1]))
    inverse = [xp.linalg.inv(one) for one in C]
    blocks = [inverse[-1].mT @ inverse[-1]]
    for own, beside in zip(reversed(inverse[:-1]), reversed(W), strict=True):
        blocks.append(own.mT @ (eye + beside @ blocks[-1] @ beside.mT) @ own)
    return xp.stack(blocks[::-1], axis=-3)


def log_determinant(factored: Factor) -> Array:
    """Return log det A, of shape (...).

    >>> float(np.exp(log_determinant(factor(np.array([[[4.0]], [[2.0]]]), np.array([[[2.0]]])))).round(12))
    4.0
    """
    xp = namespace(factored[0][0])
    return sum(2 * xp.sum(xp.log(xp.linalg.diagonal(one)), axis=-1) for one in factored[0])
