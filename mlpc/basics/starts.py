"""Where a mixture's fit can start: rows grouped by k-means, whose first centres k-means++ picks among them."""

import warnings

import numpy as np

from mlpc.basics.missing import Observations


def grouped_rows(data: Observations, K: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the counts and means of the K groups that k-means makes of the rows, and their common covariance.

    Parameters
    ----------
    data : Observations
        Gaps count as column means; empty rows are left out.
    K : int
        The number of groups.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    counts, means, within : arrays of shapes (K,), (K, d) and (d, d)
        The covariance is that of the rows about the mean of their group.

    Raises
    ------
    ValueError
        If K is not between 1 and the number of distinct rows, or a column is constant or empty.

    Examples
    --------
    >>> from mlpc.basics.missing import observations
    >>> x = np.array([[0.0], [2.0], [100.0]])
    >>> counts, means, within = grouped_rows(observations("start", x), 2, np.random.default_rng(0))
    >>> sorted(counts.tolist()), sorted(means.ravel().round(6).tolist()), within.round(3).tolist()
    ([1, 2], [1.0, 100.0], [[0.667]])
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    y, mean, std = _standardised(data)
    if not 1 <= K <= len(y):
        raise ValueError(f"from_data(): K is {K}, but x has {len(y)} rows with numbers; 1 to {len(y)} would work")
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # of fewer distinct rows than K
        # one run, its first centres by k-means++: scikit-learn's defaults
        group = KMeans(K, random_state=int(rng.integers(2**32))).fit_predict(y)
    counts = np.bincount(group, minlength=K)
    if counts.min() == 0:
        distinct = len(np.unique(y, axis=0))
        raise ValueError(f"from_data(): K is {K}, but x has {distinct} distinct rows; 1 to {distinct} would work")
    means = np.stack([y[group == k].mean(axis=0) for k in range(K)])
    y -= means[group]
    return counts, mean + std * means, std[:, None] * (y.T @ y / len(y)) * std


def _standardised(data: Observations) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows with means 0 in their gaps and variances 1, and the means and standard deviations."""
    for j, (low, high) in enumerate(zip(data.low, data.high, strict=True)):
        if not high > low:
            what = "holds only NaN" if np.isnan(low) else f"is constant ({low:g})"
            raise ValueError(f"from_data(): column {j} of x {what}; leave it out, no component has a variance there")
    mean, std = np.nanmean(data.x, axis=0), np.nanstd(data.x, axis=0)
    y = np.delete(data.x, data.empty_rows, axis=0) - mean
    y /= std
    return np.nan_to_num(y, copy=False, nan=0.0), mean, std
