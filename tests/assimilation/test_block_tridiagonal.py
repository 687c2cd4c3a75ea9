"""Block tridiagonal systems against dense algebra."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpc.assimilation import block_tridiagonal


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 4), steps=st.integers(0, 5), batch=st.sampled_from([(), (2,)]))
def test_block_tridiagonal_factor_is_dense_algebra(seed, n, steps, batch):
    rng = np.random.default_rng(seed)
    size = (steps + 1) * n
    root = np.zeros((*batch, size, size))
    for t in range(steps + 1):
        own = slice(t * n, (t + 1) * n)
        root[..., own, own] = np.tril(rng.normal(size=(*batch, n, n)), -1) + np.diag(rng.uniform(1, 2, size=n))
        if t:
            root[..., own, (t - 1) * n : t * n] = rng.normal(size=(*batch, n, n))
    A, b = root @ root.mT, rng.normal(size=(*batch, steps + 1, n))
    cut = [slice(t * n, (t + 1) * n) for t in range(steps + 1)]
    diagonal = np.stack([A[..., c, c] for c in cut], axis=-3)
    below = np.stack([A[..., c, d] for c, d in zip(cut[1:], cut, strict=False)] or [A[..., :n, :n]], axis=-3)
    factored = block_tridiagonal.factor(diagonal, below[..., :steps, :, :])
    inverse = np.linalg.inv(A)
    scale = np.abs(inverse).max()
    found = block_tridiagonal.solve(factored, b).reshape(*batch, size, 1)
    np.testing.assert_allclose(found, inverse @ b.reshape(*batch, size, 1), rtol=0, atol=1e-9 * scale * size)
    blocks = np.stack([inverse[..., c, c] for c in cut], axis=-3)
    np.testing.assert_allclose(block_tridiagonal.inverse_diagonal(factored), blocks, rtol=0, atol=1e-9 * scale)
    np.testing.assert_allclose(block_tridiagonal.log_determinant(factored), np.linalg.slogdet(A)[1], atol=1e-9)
