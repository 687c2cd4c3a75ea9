"""How good a belief is: errors, proper scores, calibration, and averages over cycles that know their own error.

Scores are made cycle by cycle, from arrays whose last axes belong to one time; the axes before (batch, time) remain.
The truth of the analyses in a `FilterResult` is ``x[..., 1:, :]``. Where a run has diverged, its scores are NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi, sqrt

import numpy as np
import scipy.special
import scipy.stats
from array_api_compat import is_torch_array

from mlpc.assimilation.backends import Array, drawing, like, namespace, numpy, whole
from mlpc.assimilation.filtering import Update
from mlpc.basics import MonteCarloMean, monte_carlo_mean


def rmse(mean: Array, x: Array) -> Array:
    """Return the root of the mean, over the n components, of the squared error: one number for each cycle.

    A mean of these over cycles is a mean of norms (what DAPPER calls ``rmse.a``), and less than the root of the mean
    square over all cycles, by :eq:`eq-rmse-norms`.

    Parameters
    ----------
    mean : array of shape (..., n)
        The estimates.
    x : array of shape (..., n)
        The truth; axes in front may be missing in one of the two.

    Returns
    -------
    array of shape (...)
        In the units of x.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> rmse(np.zeros((2, 2)), np.array([[3.0, 4.0], [1.0, 1.0]])).round(3)
    array([3.536, 1.   ])
    """
    xp = namespace(mean, x)
    _fitting("rmse", x, mean)
    return xp.sqrt(xp.mean((mean - x) ** 2, axis=-1))


def spread(std: Array) -> Array:
    """Return the root of the mean, over the n components, of the variances: what `rmse` should be, on average squared.

    Parameters
    ----------
    std : array of shape (..., n)
        Standard deviations.

    Examples
    --------
    >>> spread(np.array([1.0, 7.0]))
    np.float64(5.0)
    """
    xp = namespace(std)
    return xp.sqrt(xp.mean(std**2, axis=-1))


def nll(mean: Array, cov: Array, x: Array) -> Array:
    """Return -log N(x; mean, cov) in nats, by :eq:`eq-nll`; of an ensemble, that of its two moments.

    Parameters
    ----------
    mean : array of shape (..., n)
        The means.
    cov : array of shape (..., n, n)
        The covariances; axes in front may be missing. An ensemble of N ≤ n members has none that would do.
    x : array of shape (..., n)
        The truth.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a covariance is not positive definite.

    Examples
    --------
    >>> np.isclose(nll(np.zeros(2), np.eye(2), np.zeros(2)), np.log(2 * np.pi))
    np.True_
    """
    xp = namespace(mean, cov, x)
    d, cov, root = _whitening("nll", mean, cov, x)
    logdet = 2 * xp.sum(xp.log(xp.linalg.diagonal(root)), axis=-1)
    return (x.shape[-1] * log(2 * pi) + logdet + _squared(d, cov)) / 2  # eq-nll


def nees(mean: Array, cov: Array, x: Array) -> Array:
    """Return the normalised estimation error squared dᵀ P⁻¹ d of the errors d = x - mean, by :eq:`eq-nees`.

    Its mean is n if the covariance P is that of the errors; more says overconfident, less says too careful.

    Parameters
    ----------
    mean, cov, x
        As for :func:`nll`.

    Raises
    ------
    ValueError
        As for :func:`nll`.

    Examples
    --------
    >>> float(nees(np.zeros(2), 4 * np.eye(2), np.array([2.0, 0.0])))
    1.0
    """
    d, cov, _ = _whitening("nees", mean, cov, x)
    return _squared(d, cov)


def crps(members: Array, x: Array, *, fair: bool = True) -> Array:
    """Return the continuous ranked probability score of an ensemble, averaged over the components, by :eq:`eq-crps`.

    Parameters
    ----------
    members : array of shape (..., N, n)
        Ensembles.
    x : array of shape (..., n)
        The truth.
    fair : bool
        Whether to score the law that the members were drawn from, without bias for any N (the divisor of the mean
        distance between members is N(N - 1)), or the members' own distribution (the divisor is N²).

    Returns
    -------
    array of shape (...)
        In the units of x; a fair score can be negative.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a fair score of one member is asked for.

    References
    ----------
    Ferro, Quarterly Journal of the Royal Meteorological Society 140 (2014).

    Examples
    --------
    >>> members = np.array([[0.0], [2.0]])
    >>> float(crps(members, np.array([1.0]))), float(crps(members, np.array([1.0]), fair=False))
    (0.0, 0.5)
    """
    xp = namespace(members, x)
    if members.ndim < 2:
        raise ValueError(f"crps(): members has shape {tuple(members.shape)}, but (..., N, n) is needed")
    N = members.shape[-2]
    if fair and N < 2:
        raise ValueError(
            "crps(): a fair score needs 2 members, but N is 1; fair=False gives the distance to the member"
        )
    _fitting("crps", x, members[..., 0, :])
    away = members - x[..., None, :]  # about the truth, so that nothing is lost by a large mean
    order = like(away, 2 * np.arange(1, N + 1) - N - 1)[:, None]
    pairs = xp.sum(order * xp.sort(away, axis=-2), axis=-2)  # the distances of all pairs, each counted once
    score = xp.mean(xp.abs(away), axis=-2) - pairs / (N * (N - 1) if fair else N**2)
    return xp.mean(score, axis=-1)


def crps_gaussian(mean: Array, std: Array, x: Array) -> Array:
    """Return the continuous ranked probability score of N(mean, std²), averaged over the components, in closed form.

    By :eq:`eq-crps-gaussian`; a standard deviation of zero gives the distance to the mean.

    Parameters
    ----------
    mean, std, x : arrays of shape (..., n)
        Means and standard deviations of the components, and the truth.

    Returns
    -------
    array of shape (...)
        In the units of x.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a standard deviation is negative.

    References
    ----------
    Gneiting and Raftery, Journal of the American Statistical Association 102 (2007).

    Examples
    --------
    >>> float(crps_gaussian(np.zeros(1), np.ones(1), np.zeros(1)).round(6))
    0.233695
    """
    xp = namespace(mean, std, x)
    _fitting("crps_gaussian", x, mean)
    _fitting("crps_gaussian", std, mean, "std")
    _fitting("crps_gaussian", x, std)
    if xp.any(std < 0):
        raise ValueError("crps_gaussian(): std must not be negative, but somewhere is")
    certain = std == 0
    z = (x - mean) / xp.where(certain, xp.ones_like(std), std)
    density = xp.exp(-(z**2) / 2) / sqrt(2 * pi)
    score = std * (z * _erf(z / sqrt(2)) + 2 * density - 1 / sqrt(pi))  # eq-crps-gaussian
    return xp.mean(xp.where(certain, xp.abs(x - mean), score), axis=-1)


@dataclass(frozen=True, eq=False)
class Calibration:
    """A test of calibration: a statistic that follows a law known when the belief is right.

    Attributes
    ----------
    ratio : array
        The statistic divided by its expectation: 1 on average if the belief is right.
    p_value : array
        The probability, if it is right and the cases are independent, of a statistic at least as large.
    """

    ratio: np.ndarray
    p_value: np.ndarray


def innovation_chi2(update: Update, burn_in: int = 0) -> Calibration:
    """Return the sum over cycles of the innovations' χ², divided by how many numbers were seen, by :eq:`eq-chi2`.

    The innovations of a filter with the right model are independent: their sum follows a χ² law.

    Parameters
    ----------
    update : Update
        Of a `FilterResult`: chi2 and count of shape (..., T).
    burn_in : int
        Cycles to leave out at the beginning.

    Returns
    -------
    Calibration
        Of shape (...). A ratio above 1: the filter is surprised too often, its P or R is too small; below 1, too
        large. A p-value near 0 or near 1 refutes the filter.

    Raises
    ------
    ValueError
        If no cycle is left.

    Examples
    --------
    >>> from mlpc.assimilation import KalmanFilter, Linear2D, run, twin_experiment
    >>> x, y = twin_experiment(Linear2D(), 1000, np.random.default_rng(0))
    >>> abs(float(innovation_chi2(run(KalmanFilter(Linear2D()), y).update).ratio) - 1) < 0.1
    True
    """
    chi2, count = (_later("innovation_chi2", part, burn_in, 1).sum(axis=-1) for part in (update.chi2, update.count))
    ratio = chi2 / np.where(count > 0, count, np.nan)
    return Calibration(np.asarray(ratio), np.asarray(scipy.stats.chi2.sf(chi2, count)))


@dataclass(frozen=True, eq=False)
class RankHistogram(Calibration):
    """How often the truth had each rank among the members: flat, if it could be one of them.

    Attributes
    ----------
    counts : integer array of shape (N + 1,)
        How often r members were below the truth, for r = 0..N.
    ratio, p_value : array
        χ² of flatness divided by N, and its p-value: for independent cases; cycles that follow each other, and
        neighbouring components, are none, so take every so many.
    """

    counts: np.ndarray


def rank_histogram(members: Array, x: Array, rng: np.random.Generator | None = None) -> RankHistogram:
    """Return how often the truth has each rank among the members, by :eq:`eq-rank-histogram`, over all cases.

    Parameters
    ----------
    members : array of shape (..., N, n)
        Ensembles.
    x : array of shape (..., n)
        The truth.
    rng : numpy.random.Generator
        For the truth that equals members: it gets one of the ranks beside them at random. Not needed without ties.

    Raises
    ------
    ValueError
        If the shapes do not fit, there are ties and no Generator, or a number is not finite: leave out what diverged.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rank_histogram(rng.normal(size=(4000, 3, 1)), rng.normal(size=(4000, 1))).counts
    array([1029,  946, 1027,  998])
    """
    E, x = numpy(members), numpy(x)
    if E.ndim < 2 or not E.size:
        raise ValueError(f"rank_histogram(): members has shape {E.shape}, but (..., N, n) with a case is needed")
    _fitting("rank_histogram", x, E[..., 0, :])
    if not (np.isfinite(E).all() and np.isfinite(x).all()):
        raise ValueError("rank_histogram(): a number is not finite; leave out the cycles of runs that diverged")
    below, equal = (x[..., None, :] > E).sum(axis=-2), (x[..., None, :] == E).sum(axis=-2)
    if equal.any():
        if rng is None:
            raise ValueError("rank_histogram(): the truth equals members; rng must say which rank it gets")
        below = below + drawing(rng).integers(0, equal, endpoint=True)
    N = E.shape[-2]
    counts = np.bincount(below.ravel(), minlength=N + 1)
    flat = counts.sum() / (N + 1)
    chi2 = ((counts - flat) ** 2).sum() / flat
    return RankHistogram(np.asarray(chi2 / N), np.asarray(scipy.stats.chi2.sf(chi2, N)), counts)


def average(values: Array, burn_in: int = 0) -> MonteCarloMean:
    """Return the mean over cycles of a score, with a standard error that knows that cycles depend on each other.

    Parameters
    ----------
    values : array of shape (..., T)
        One number for each cycle.
    burn_in : int
        Cycles to leave out at the beginning.

    Returns
    -------
    MonteCarloMean
        mean, standard_error and effective of shape (...), by :func:`mlpc.basics.monte_carlo_mean` with batch means; all
        NaN where one of the values is: a run that has diverged has no score.

    Raises
    ------
    ValueError
        If fewer than 64 cycles are left.

    Examples
    --------
    >>> steady = np.random.default_rng(0).normal(loc=2.0, size=(2, 500))
    >>> (abs(average(steady, burn_in=100).mean - 2) < 0.2).all()
    np.True_
    """
    series = _later("average", values, burn_in, 64)
    sound = np.asarray(np.isfinite(series).all(axis=-1))
    found = monte_carlo_mean(np.moveaxis(np.where(sound[..., None], series, 0.0), -1, 0), correlated=True)
    parts = (found.mean, found.standard_error, found.effective)
    return MonteCarloMean(*(np.where(sound, part, np.nan) for part in parts))


def climatology(x: Array) -> Array:
    """Return the error of who knows only the long-run mean: the root of the mean variance of the components.

    Parameters
    ----------
    x : array of shape (..., T, n)
        Long truths; all of them are pooled.

    Raises
    ------
    ValueError
        If x has no axis of time.

    Examples
    --------
    >>> climatology(np.array([[0.0, 1.0], [4.0, 1.0]])).round(6)
    np.float64(1.414214)
    """
    if x.ndim < 2:
        raise ValueError(f"climatology(): x has shape {tuple(x.shape)}, but (..., T, n) is needed")
    xp, n = namespace(x), x.shape[-1]
    return xp.sqrt(xp.mean(xp.var(xp.reshape(x, (-1, n)), axis=0)))


def lost(errors: Array, limit: float, window: int = 100) -> np.ndarray:
    """Return which runs have lost the truth: not finite, or on average above a limit for a while.

    A filter can lose the truth and stay finite: its error is then at `climatology`, and its mean says nothing of the
    method. Half of the climatology is a usual limit, and no law: look at the errors of those that are near it.

    Parameters
    ----------
    errors : array of shape (..., T)
        One error for each cycle, from :func:`rmse`, without the burn-in.
    limit : float
        The largest average error that counts as following the truth.
    window : int
        Over how many successive cycles to average; over all, if there are fewer.

    Returns
    -------
    boolean array of shape (...)
        True where the mean over some window exceeds the limit, or an error is not finite.

    Raises
    ------
    ValueError
        If there is no cycle, the window is empty, or the limit is not positive.

    Examples
    --------
    >>> lost(np.array([[0.2] * 300, [0.2] * 100 + [4.0] * 200, [0.2] * 299 + [np.nan]]), limit=1.8)
    array([False,  True,  True])
    """
    errors, window = _later("lost", errors, 0, 1).astype(float), whole("lost", "window", window)
    if window < 1 or not 0 < limit < np.inf:
        raise ValueError(f"lost(): window must be 1 or more and limit positive, but they are {window} and {limit}")
    sound = np.asarray(np.isfinite(errors).all(axis=-1))
    series = np.where(sound[..., None], errors, 0.0)
    sums = np.concatenate([np.zeros((*series.shape[:-1], 1)), np.cumsum(series, axis=-1)], axis=-1)
    window = min(window, series.shape[-1])
    above = ((sums[..., window:] - sums[..., :-window]) / window > limit).any(axis=-1)
    return np.asarray(~sound | above)


def _fitting(asked: str, x: Array, mean: Array, name: str = "x") -> None:
    """Refuse shapes of which neither ends with the other: broadcasting would hide a shift in time."""
    shape, wanted = tuple(x.shape), tuple(mean.shape)
    shared = min(len(shape), len(wanted))
    if shared < 1 or shape[-shared:] != wanted[-shared:]:
        later = (*shape[:-2], shape[-2] - 1, shape[-1]) if len(shape) > 1 else ()
        hint = f"; {name}[..., 1:, :] would fit" if later and later[-shared:] == wanted[-shared:] else ""
        raise ValueError(f"{asked}(): {name} has shape {shape}, but the estimates have {wanted}{hint}")


def _whitening(asked: str, mean: Array, cov: Array, x: Array) -> tuple[Array, Array, Array]:
    """Return the errors, the covariances and their Cholesky factors; NaN gives NaN, what is indefinite is refused."""
    xp, n = namespace(mean, cov, x), x.shape[-1]
    _fitting(asked, x, mean)
    if tuple(cov.shape[-2:]) != (n, n):
        raise ValueError(f"{asked}(): cov has shape {tuple(cov.shape)}, but (..., n, n) = (..., {n}, {n}) is needed")
    if cov.ndim > 2:
        _fitting(asked, cov[..., 0], mean, "cov[..., 0]")
        _fitting(asked, x, cov[..., 0])
    known = xp.all(xp.isfinite(cov), axis=(-2, -1))[..., None, None]
    safe = xp.where(known, cov, like(cov, np.eye(n)))
    try:
        root = xp.linalg.cholesky(safe)
    except (np.linalg.LinAlgError, RuntimeError):  # torch's LinAlgError is a RuntimeError
        root = None
    if root is None or _singular(numpy(safe)):
        raise ValueError(
            f"{asked}(): a covariance is not positive definite; an ensemble needs more than {n} members for that"
        )
    d = x - mean
    d = xp.where(known[..., 0], d, xp.full_like(d, xp.nan))
    return d, safe, root


def _singular(cov: np.ndarray) -> bool:
    """Return whether an eigenvalue at unit variances is nothing but rounding: of that the factor may not know."""
    scale = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
    values = np.linalg.eigvalsh(cov / scale[..., :, None] / scale[..., None, :])
    return bool((values <= 8 * cov.shape[-1] * np.finfo(cov.dtype).eps).any())


def _squared(d: Array, cov: Array) -> Array:
    """Return dᵀ cov⁻¹ d."""
    xp = namespace(d)
    if cov.ndim > d.ndim:  # one truth, many beliefs
        d = xp.broadcast_to(d, cov.shape[:-1])
    shared = xp.reshape(d, (-1, *cov.shape[:-1]))  # all that have their covariance in common are solved for at once
    solved = xp.moveaxis(xp.linalg.solve(cov, xp.moveaxis(shared, 0, -1)), -1, 0)
    return xp.sum(d * xp.reshape(solved, d.shape), axis=-1)


def _erf(z: Array) -> Array:
    return z.erf() if is_torch_array(z) else scipy.special.erf(z)


def _later(asked: str, values: Array, burn_in: int, fewest: int) -> np.ndarray:
    """Return the values (..., T) without a burn-in, as NumPy's."""
    series, burn_in = numpy(values), whole(asked, "burn_in", burn_in)
    cycles = series.shape[-1] - burn_in if series.ndim else 0
    if burn_in < 0 or cycles < fewest:
        raise ValueError(
            f"{asked}(): {fewest} cycles or more are needed after the burn-in, but values of shape {series.shape} with "
            f"burn_in={burn_in} leave {max(cycles, 0) if burn_in >= 0 else 'what is no count'}"
        )
    return series[..., burn_in:]
