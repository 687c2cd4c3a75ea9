"""The three kinds of components against scipy and plain sums, and the choice between the two diagonal ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from mlpc.basics.components import (
    EXPANSION_ERROR,
    DiagonalComponents,
    ExpandedComponents,
    FullComponents,
    diagonal_components,
)
from mlpc.basics.missing import Pattern


def case(kind, seed):
    """Components seen in some of their columns, their parameters, rows and responsibilities."""
    rng = np.random.default_rng(seed)
    K, d, n = 3, int(rng.integers(1, 5)), 20
    seen = rng.random(d) < 0.6
    seen[rng.integers(d)] = True
    x = rng.normal(size=(n, d))
    pattern = Pattern(x, np.flatnonzero(seen), np.flatnonzero(~seen), np.arange(n))
    means, roots = rng.normal(size=(K, d)), rng.normal(size=(K, d, d))
    covariances = roots @ roots.mT + np.eye(d)
    if kind is FullComponents:
        return kind.seen_in(pattern, means, covariances), means, covariances, x, rng.dirichlet(np.ones(K), size=n).T
    variances = np.einsum("kdd->kd", covariances)
    centre = (x.mean(axis=0),) if kind is ExpandedComponents else ()
    components = kind.seen_in(pattern, means, variances, *centre)
    return components, means, variances[:, :, None] * np.eye(d), x, rng.dirichlet(np.ones(K), size=n).T


KINDS = pytest.mark.parametrize("kind", [FullComponents, DiagonalComponents, ExpandedComponents])
SEEDS = st.integers(0, 2**32 - 1)


@KINDS
@given(seed=SEEDS)
def test_densities_are_the_marginal_ones_of_scipy(kind, seed):
    components, means, covariances, x, _ = case(kind, seed)
    o = components.pattern.columns
    expected = [
        multivariate_normal(mean[o], cov[np.ix_(o, o)]).logpdf(x[:, o])
        for mean, cov in zip(means, covariances, strict=True)
    ]
    found = components.log_densities(components.coordinates(x[:, o]))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@KINDS
@given(seed=SEEDS)
def test_deviations_are_sums_of_conditional_moments_row_by_row(kind, seed):
    components, means, covariances, x, r = case(kind, seed)
    o, K, d = components.pattern.columns, *means.shape
    totals = components.zero_moments()
    for _, block in components.pattern.blocks(7):  # in pieces, as the E step does
        at = slice(int(totals[0].sum().round()), int(totals[0].sum().round()) + len(block))
        totals = tuple(map(np.add, totals, components.moments(r[:, at], components.coordinates(block))))
    counts, first, second = components.deviations(totals)
    expected_first, expected_second = np.zeros((K, d)), np.zeros((K, d, d))
    for k in range(K):
        gain = covariances[k][:, o] @ np.linalg.inv(covariances[k][np.ix_(o, o)])
        for i, row in enumerate(x):
            deviation = gain @ (row[o] - means[k][o])
            expected_first[k] += r[k, i] * deviation
            expected_second[k] += r[k, i] * (np.outer(deviation, deviation) + covariances[k] - gain @ covariances[k][o])
    if second.ndim == 2:
        expected_second = np.einsum("kdd->kd", expected_second)
    np.testing.assert_allclose(counts, r.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(first, expected_first, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(second, expected_second, rtol=1e-7, atol=1e-8)


@KINDS
@given(seed=SEEDS)
def test_gaps_are_completed_by_conditional_means(kind, seed):
    components, means, covariances, x, _ = case(kind, seed)
    o, m = components.pattern.columns, components.pattern.gaps
    expected = [
        mean[m] + (x[:, o] - mean[o]) @ np.linalg.solve(cov[np.ix_(o, o)], cov[np.ix_(o, m)])
        for mean, cov in zip(means, covariances, strict=True)
    ]
    np.testing.assert_allclose(components.completed(components.coordinates(x[:, o])), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("width", 10.0 ** np.arange(-7, 1))
def test_squares_are_expanded_only_while_the_densities_keep_their_digits(rng, width):
    """The error that is allowed is kept, whichever kind is chosen; the other one would break it where it matters."""
    x = np.concatenate([rng.uniform(-1, 1, size=(200, 1)), 0.5 + width * rng.normal(size=(50, 1))])
    pattern = Pattern(x, np.array([0]), np.arange(0), slice(None))
    means, variances = np.array([[0.5]]), np.array([[width**2]])
    components = diagonal_components(pattern, means, variances, x.min(axis=0), x.max(axis=0))
    near = x[200:]
    exact = multivariate_normal(0.5, width**2).logpdf(near)
    errors = {
        kind: np.abs(one.log_densities(one.coordinates(near))[0] - exact).max()
        for kind, one in {
            "chosen": components,
            "expanded": ExpandedComponents.seen_in(pattern, means, variances, (x.min(axis=0) + x.max(axis=0)) / 2),
        }.items()
    }
    assert errors["chosen"] < 10 * EXPANSION_ERROR
    if width <= 1e-6:
        assert isinstance(components, DiagonalComponents)
        assert errors["expanded"] > 10 * EXPANSION_ERROR
    if width >= 1e-2:
        assert isinstance(components, ExpandedComponents)
