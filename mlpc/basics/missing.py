"""Data with gaps: rows grouped by which of their columns hold a number, so that each group is a matrix without gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

Numbers = "biuf"  # the kinds of dtype that stand for real numbers


@dataclass(frozen=True, eq=False)
class Pattern:
    """The rows of x in which the same columns hold a number.

    Attributes
    ----------
    x : array of shape (n, d)
        All data.
    columns, gaps : arrays of shapes (o,) and (d - o,)
        The columns that hold a number in these rows, and those that do not.
    rows : slice or array of indices
        Where the rows are.
    """

    x: np.ndarray
    columns: np.ndarray
    gaps: np.ndarray
    rows: slice | np.ndarray

    def blocks(self, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the indices of at most `size` rows, and the numbers that these hold, until all have come.

        >>> [pattern] = observations("fit", np.arange(6.0).reshape(3, 2), 2).patterns
        >>> [block.tolist() for _, block in pattern.blocks(2)]
        [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0]]]
        """
        if isinstance(self.rows, slice):  # no gaps: views, no copies
            for start in range(0, len(self.x), size):
                block = self.x[start : start + size]
                yield np.arange(start, start + len(block)), block
            return
        for start in range(0, len(self.rows), size):
            rows = self.rows[start : start + size]
            yield rows, self.x[rows[:, None], self.columns]


@dataclass(frozen=True, eq=False)
class Observations:
    """Data whose NaN entries are missing.

    Attributes
    ----------
    x : array of shape (n, d)
        Finite numbers and NaN.
    patterns : tuple of Pattern
        The rows that hold a number; each is in one pattern.
    empty_rows : array of indices
        The rows that hold none, and are in no pattern.
    low, high : arrays of shape (d,)
        The smallest and the largest number of each column, NaN where it holds none.
    """

    x: np.ndarray
    patterns: tuple[Pattern, ...]
    empty_rows: np.ndarray
    low: np.ndarray
    high: np.ndarray


def observations(asked: str, x: object, d: int | None = None) -> Observations:
    """Return data as float64, grouped by missing pattern.

    Parameters
    ----------
    asked : str
        Name of the function, for the messages.
    x : array of shape (n, d)
        One observation a row; NaN is a gap.
    d : int, optional
        The number of columns that the model describes.

    Raises
    ------
    ValueError
        If x is no matrix of real numbers, is empty, has another number of columns, holds an infinity, or gaps only.

    Examples
    --------
    >>> data = observations("fit", np.array([[1.0, np.nan], [2.0, 3.0], [np.nan, np.nan], [4.0, np.nan]]))
    >>> [(pattern.columns.tolist(), pattern.rows.tolist()) for pattern in data.patterns]
    [([0, 1], [1]), ([0], [0, 3])]
    >>> data.empty_rows
    array([2])
    """
    x = _matrix(asked, x, d)
    low, high = x.min(axis=0), x.max(axis=0)
    if np.isinf(low).any() or np.isinf(high).any() or np.isnan(low).any():
        if np.isinf(x).any():
            i, j = map(int, np.argwhere(np.isinf(x))[0])
            raise ValueError(f"{asked}(): x[{i}, {j}] is {x[i, j]}, but an entry is a finite number, or NaN for a gap")
        patterns, empty = _patterns(x)
        if not patterns:
            raise ValueError(f"{asked}(): all entries of x are NaN, so there is nothing to learn from")
        return Observations(x, patterns, empty, np.fmin.reduce(x), np.fmax.reduce(x))
    whole = Pattern(x, np.arange(x.shape[1]), np.arange(0), slice(None))
    return Observations(x, (whole,), np.arange(0), low, high)


def _matrix(asked: str, x: object, d: int | None) -> np.ndarray:
    if isinstance(x, np.ma.MaskedArray):
        raise ValueError(f"{asked}(): x is a masked array; x.filled(np.nan) marks its gaps as NaN")
    array = np.asarray(x)
    if array.dtype.kind not in Numbers:
        raise ValueError(f"{asked}(): x has dtype {array.dtype}, but real numbers are needed")
    wanted = "(n, d)" if d is None else f"(n, {d})"
    if array.ndim != 2 or (d is not None and array.shape[1] != d):
        repair = "; x[:, None] would fit" if array.ndim == 1 and d in (None, 1) else ""
        repair = "; x.T would fit" if array.ndim == 2 and array.shape[0] == d else repair
        raise ValueError(f"{asked}(): x has shape {array.shape}, but {wanted} is needed{repair}")
    if not array.size:
        raise ValueError(f"{asked}(): x has shape {array.shape}, but at least one row and one column are needed")
    return array.astype(np.float64, copy=False)


def _patterns(x: np.ndarray) -> tuple[tuple[Pattern, ...], np.ndarray]:
    """Return the patterns of the rows that hold a number, and the indices of those that hold none."""
    missing = np.isnan(x)
    _, first, which = np.unique(np.packbits(missing, axis=1), axis=0, return_index=True, return_inverse=True)
    which = which.ravel()
    groups = np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1])
    patterns, empty = [], np.arange(0)
    for i, rows in zip(first, groups, strict=True):
        if missing[i].all():
            empty = rows
        else:
            patterns.append(Pattern(x, np.flatnonzero(~missing[i]), np.flatnonzero(missing[i]), rows))
    return tuple(patterns), empty
