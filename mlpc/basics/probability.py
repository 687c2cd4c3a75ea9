"""Means with their error, Bayes' rule on a list of hypotheses, and variance within and between groups."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num, Shaped
from scipy.special import logsumexp

from mlpc.arguments import arrays

FEWEST_BATCHES = 8  # of a correlated series: below, their scatter says too little


@dataclass(frozen=True)
class MonteCarloMean:
    """A mean over samples and how far it may be from the expectation; each field has the shape of one sample.

    Attributes
    ----------
    mean : array
        The average.
    standard_error : array
        Estimated standard deviation of the average.
    effective : array
        Number of independent samples that would give the same error; NaN where all samples are equal.
    """

    mean: np.ndarray
    standard_error: np.ndarray
    effective: np.ndarray


def monte_carlo_mean(samples: Num[np.ndarray, "n ..."], *, correlated: bool = False) -> MonteCarloMean:
    """Return the mean of samples with its standard error, by :eq:`eq-standard-error`.

    Parameters
    ----------
    samples : array of shape (n, ...)
        Samples on the first axis, all from one distribution, whose variance must be finite for the error to mean
        anything.
    correlated : bool
        Whether neighbours depend on each other, as in a time series. Then √n successive batches of about √n samples
        are averaged, and the scatter of those averages, which hardly depend on each other, gives the error.

    Returns
    -------
    MonteCarloMean

    Raises
    ------
    ValueError
        If there are fewer than 2 samples (64 if they are correlated), or a sample is not a finite number.

    References
    ----------
    Batch means: Flegal and Jones (2010).

    Examples
    --------
    >>> monte_carlo_mean(np.array([1.0, 3.0])).standard_error.item()
    1.0
    """
    (x,) = arrays("monte_carlo_mean", samples=(samples, ""))
    fewest = FEWEST_BATCHES**2 if correlated else 2
    if x.ndim == 0 or len(x) < fewest:
        kind = "correlated" if correlated else "independent"
        raise ValueError(
            f"monte_carlo_mean(): samples has shape {x.shape}, but {fewest} or more {kind} ones are needed"
        )
    variance = x.var(axis=0, ddof=1)  # eq-sample-variance
    squared_error = _batched(x) if correlated else variance / len(x)  # eq-standard-error
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.where(variance > 0, variance / squared_error, np.nan)
    return MonteCarloMean(*map(np.asarray, (x.mean(axis=0), np.sqrt(squared_error), effective)))


def _batched(x: np.ndarray) -> np.ndarray:
    """Return the squared error of the mean, from the averages of successive batches."""
    batches = int(np.sqrt(len(x)))
    length = len(x) // batches
    averages = x[: batches * length].reshape(batches, length, *x.shape[1:]).mean(axis=1)
    return np.asarray(averages.var(axis=0, ddof=1) / batches)


def bayes_update(
    log_prior: Float[np.ndarray, "*#batch k"], log_likelihood: Float[np.ndarray, "*#batch k"]
) -> tuple[Float[np.ndarray, "*batch k"], Float[np.ndarray | np.generic, "*batch"]]:
    """Return the logarithms of the posterior of k hypotheses and of the evidence, by :eq:`eq-bayes`.

    Parameters
    ----------
    log_prior : array of shape (..., k)
        Logarithms of the prior probabilities; -inf for a hypothesis that is excluded.
    log_likelihood : array of shape (..., k)
        Logarithm of the probability, or of the density, of the data under each hypothesis; -inf where impossible.

    Returns
    -------
    log_posterior : array of shape (..., k)
        Logarithms of the posterior probabilities, which sum to one.
    log_evidence : array of shape (...)
        Logarithm of the probability, or of the density, of the data.

    Raises
    ------
    ValueError
        If an entry is NaN or +inf, the prior does not sum to one, or no hypothesis allows the data.

    Examples
    --------
    >>> posterior, evidence = bayes_update(np.log([0.5, 0.5]), np.log([0.1, 0.3]))
    >>> np.exp(posterior).round(12), np.exp(evidence).round(12).item()
    (array([0.25, 0.75]), 0.2)
    """
    for name, given in (("log_prior", log_prior), ("log_likelihood", log_likelihood)):
        if np.isnan(given).any() or np.isposinf(given).any():
            raise ValueError(f"bayes_update(): {name} must hold numbers or -inf, but it has NaN or +inf")
    total = np.exp(logsumexp(log_prior, axis=-1))
    if not np.allclose(total, 1):
        worst = np.ravel(total)[np.argmax(np.abs(np.ravel(total) - 1))]
        raise ValueError(
            f"bayes_update(): the prior sums to {worst:.6g}, not to 1; subtract its logsumexp from log_prior"
        )
    log_joint = np.asarray(log_prior) + log_likelihood
    log_evidence = logsumexp(log_joint, axis=-1)
    if np.isneginf(log_evidence).any():
        raise ValueError("bayes_update(): no hypothesis with a positive prior allows the data: the evidence is zero")
    return log_joint - log_evidence[..., None], log_evidence  # eq-bayes


@dataclass(frozen=True)
class TotalVariance:
    """The two terms of the law of total variance, :eq:`eq-total-variance`, each of the shape of one value.

    Attributes
    ----------
    within : array
        The mean over the groups of the variance in a group.
    between : array
        The variance over the groups of the mean of a group.
    """

    within: np.ndarray
    between: np.ndarray


def total_variance(values: Num[np.ndarray, "n ..."], groups: Shaped[np.ndarray, " n"]) -> TotalVariance:
    """Split the variance of values into the part within groups and the part between them, :eq:`eq-total-variance`.

    Each of the n values counts 1/n, so the two parts sum to ``values.var(axis=0)``, whatever the sizes of the groups.

    Parameters
    ----------
    values : array of shape (n, ...)
        One value, or an array of them, for each case.
    groups : array of shape (n,)
        The group of each case, of any type that can be sorted.

    Returns
    -------
    TotalVariance

    Raises
    ------
    ValueError
        If there is no value, one is not a finite number, or `groups` has another length.

    Examples
    --------
    >>> total_variance(np.array([1.0, 3.0, 6.0, 6.0]), np.array(["a", "a", "b", "b"]))
    TotalVariance(within=array(0.5), between=array(4.))
    """
    (x,) = arrays("total_variance", values=(values, ""))
    labels = np.asarray(groups)
    if x.ndim == 0 or len(x) == 0 or labels.shape != x.shape[:1]:
        raise ValueError(
            f"total_variance(): values has shape {x.shape} and groups {labels.shape}, but one group for each of one or "
            "more values is needed"
        )
    names, member = np.unique(labels, return_inverse=True)
    share = np.bincount(member) / len(x)  # probability of each group
    means, variances = (
        np.stack([moment(x[member == group], axis=0) for group in range(len(names))]) for moment in (np.mean, np.var)
    )
    centred = means - x.mean(axis=0)  # the mean is the mean of the groups' means, eq-total-expectation
    return TotalVariance(*(np.asarray(np.tensordot(share, part, 1)) for part in (variances, centred**2)))
