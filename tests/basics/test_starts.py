"""The groups in which a fit starts."""

import re

import numpy as np
import pytest

from mlpc.basics.missing import observations
from mlpc.basics.starts import grouped_rows


def test_groups_that_are_far_apart_are_found_with_their_means_and_common_covariance(rng):
    labels = np.repeat([0, 1, 2], [20, 30, 50])
    noise = rng.normal(size=(100, 2)) @ np.array([[1.0, 0.5], [0.0, 2.0]])
    x = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 1000.0]])[labels] + noise
    counts, means, within = grouped_rows(observations("start", x), 3, rng)
    order = np.argsort(counts)
    np.testing.assert_array_equal(counts[order], [20, 30, 50])
    expected = np.stack([x[labels == k].mean(axis=0) for k in range(3)])
    np.testing.assert_allclose(means[order], expected, rtol=1e-9, atol=1e-9)
    y = x - expected[labels]
    np.testing.assert_allclose(within, y.T @ y / 100, rtol=1e-9)


def test_one_group_is_the_data(rng):
    x = rng.normal(size=(30, 3)) * [1, 10, 100] + 7
    counts, [mean], within = grouped_rows(observations("start", x), 1, rng)
    assert counts.tolist() == [30]
    np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(within, np.cov(x.T, bias=True), rtol=1e-9)


def test_units_do_not_change_the_groups(rng):
    x, units, seed = rng.normal(size=(60, 2)), np.array([1e-6, 1e6]), int(rng.integers(1000))
    small, large = (grouped_rows(observations("start", y), 4, np.random.default_rng(seed)) for y in (x, x * units))
    np.testing.assert_array_equal(small[0], large[0])
    np.testing.assert_allclose(small[1] * units, large[1], rtol=1e-9)


def test_gaps_count_as_column_means_and_empty_rows_not_at_all(rng):
    x = rng.normal(size=(40, 2))
    x[:5, 0] = np.nan
    filled = np.where(np.isnan(x), np.nanmean(x, axis=0), x)
    empty = np.insert(x, [3, 40], np.nan, axis=0)
    one, other = (grouped_rows(observations("start", y), 1, np.random.default_rng(0)) for y in (x, empty))
    np.testing.assert_allclose(one[1][0], filled.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(one[2], np.cov(filled.T, bias=True), atol=1e-12)
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("x", "K", "said"),
    [
        ([[0.0], [1.0]], 3, "K is 3, but x has 2 rows with numbers; 1 to 2 would work"),
        ([[0.0], [1.0], [np.nan]], 3, "K is 3, but x has 2 rows with numbers; 1 to 2 would work"),
        ([[0.0], [1.0], [1.0]], 3, "K is 3, but x has 2 distinct rows; 1 to 2 would work"),
        ([[0.0], [1.0]], 0, "K is 0"),
        ([[2.5], [2.5], [np.nan]], 1, "column 0 of x is constant (2.5); leave it out"),
        ([[0.0, np.nan], [1.0, np.nan]], 1, "column 1 of x holds only NaN; leave it out"),
    ],
)
def test_groups_that_cannot_be_made_are_refused(rng, x, K, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        grouped_rows(observations("start", np.array(x)), K, rng)
