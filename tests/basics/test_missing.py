"""Rows grouped by their gaps, against a plain loop over the rows."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpc.basics.missing import observations


def random_data(seed):
    rng = np.random.default_rng(seed)
    n, d = rng.integers(1, 30), rng.integers(1, 12)
    x = rng.normal(size=(n, d))
    x[rng.random(x.shape) < rng.choice([0, 0.2, 0.8])] = np.nan
    x[0, 0] = 1.0
    return x, rng


@given(st.integers(0, 2**32 - 1))
def test_every_row_with_a_number_is_in_one_pattern_which_holds_its_numbers(seed):
    x, rng = random_data(seed)
    data, found = observations("fit", x), {}
    for pattern in data.patterns:
        for rows, block in pattern.blocks(int(rng.integers(1, 5))):
            for row, numbers in zip(rows, block, strict=True):
                assert row not in found
                found[row] = (pattern.columns, pattern.gaps, numbers)
    assert set(found) | set(data.empty_rows) == set(range(len(x)))
    assert set(found) & set(data.empty_rows) == set()
    for row, (columns, gaps, numbers) in found.items():
        np.testing.assert_array_equal(columns, np.flatnonzero(~np.isnan(x[row])))
        np.testing.assert_array_equal(gaps, np.flatnonzero(np.isnan(x[row])))
        np.testing.assert_array_equal(numbers, x[row][~np.isnan(x[row])])
    assert np.isnan(x[data.empty_rows]).all()


@given(st.integers(0, 2**32 - 1))
def test_rows_with_the_same_gaps_share_a_pattern_and_a_column_knows_its_range(seed):
    x, _ = random_data(seed)
    data = observations("fit", x)
    kinds = {tuple(row) for row in np.isnan(x).tolist()} - {(True,) * x.shape[1]}
    assert len(data.patterns) == len(kinds)
    for j in range(x.shape[1]):
        numbers = x[~np.isnan(x[:, j]), j]
        expected = (numbers.min(), numbers.max()) if len(numbers) else (np.nan, np.nan)
        np.testing.assert_equal((data.low[j], data.high[j]), expected)


def test_data_without_gaps_are_read_in_place(rng):
    x = rng.normal(size=(10, 3))
    [pattern] = observations("fit", x).patterns
    blocks = list(pattern.blocks(4))
    assert [len(rows) for rows, _ in blocks] == [4, 4, 2]
    assert all(np.shares_memory(block, x) for _, block in blocks)
    np.testing.assert_array_equal(np.concatenate([rows for rows, _ in blocks]), np.arange(10))


def test_more_columns_than_bits_of_a_byte_are_told_apart():
    x = np.zeros((18, 17))
    x[np.arange(17), np.arange(17)] = np.nan
    assert len(observations("fit", x).patterns) == 18


@pytest.mark.parametrize(
    ("x", "d", "said"),
    [
        (np.zeros(3), None, "fit(): x has shape (3,), but (n, d) is needed; x[:, None] would fit"),
        (np.zeros(3), 1, "fit(): x has shape (3,), but (n, 1) is needed; x[:, None] would fit"),
        (np.zeros(3), 3, "fit(): x has shape (3,), but (n, 3) is needed"),
        (np.zeros((3, 2, 1)), None, "fit(): x has shape (3, 2, 1), but (n, d) is needed"),
        (np.zeros((5, 4)), 5, "fit(): x has shape (5, 4), but (n, 5) is needed; x.T would fit"),
        (np.zeros((4, 0)), None, "fit(): x has shape (4, 0), but at least one row and one column are needed"),
        (np.array([[1.0, -np.inf]]), None, "fit(): x[0, 1] is -inf, but an entry is a finite number, or NaN for a gap"),
        (np.array([[np.nan, np.inf]]), None, "fit(): x[0, 1] is inf"),
        (np.full((2, 2), np.nan), None, "fit(): all entries of x are NaN"),
        (np.array([[None, 1.0]]), None, "fit(): x has dtype object, but real numbers are needed"),
        (np.ma.masked_invalid([[np.nan, 1.0]]), None, "fit(): x is a masked array; x.filled(np.nan) marks its gaps"),
    ],
)
def test_what_is_no_data_is_refused(x, d, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        observations("fit", x, d)
