"""Likelihood: the divergence of distributions, Gaussians fitted to data, and how exactly parameters are known.

Entropies and divergences are in nats and run along the last axis; data have one point per row.
"""

import numpy as np
from jaxtyping import Float, Num
from scipy.special import xlogy

from mlpc.arguments import arrays
from mlpc.basics.gaussians import Gaussian

Probabilities = Num[np.ndarray, "*#batch k"]
Nats = Float[np.ndarray | np.generic, "*batch"]


def entropy(q: Num[np.ndarray, "*batch k"]) -> Nats:
    """Return the entropy of discrete distributions in nats, by equation :eq:`eq-entropy`.

    Parameters
    ----------
    q : array of shape (..., k)
        Probabilities, which sum to one along the last axis; zeros are allowed.

    Returns
    -------
    array of shape (...)

    Raises
    ------
    ValueError
        If an entry is negative or no finite number, or a distribution does not sum to one.

    Examples
    --------
    A fair coin, in bits:

    >>> print(entropy(np.array([0.5, 0.5])) / np.log(2))
    1.0
    """
    (q,) = _distributions("entropy", q=q)
    return -xlogy(q, q).sum(axis=-1) + 0.0  # eq-entropy; no -0.0


def cross_entropy(q: Probabilities, p: Probabilities) -> Nats:
    """Return minus the mean of log p under q, in nats, by equation :eq:`eq-cross-entropy`.

    Parameters
    ----------
    q, p : arrays of shape (..., k)
        Probabilities along the last axis: those that weigh, and those whose logarithm is averaged.

    Returns
    -------
    array of shape (...)
        Infinite where p excludes what q allows.

    Raises
    ------
    ValueError
        If an entry is negative or no finite number, a distribution does not sum to one, or the shapes do not fit.

    Examples
    --------
    >>> q, p = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    >>> print(np.round(cross_entropy(q, p) - entropy(q) - kl_divergence(q, p), 12))
    0.0
    """
    q, p = _distributions("cross_entropy", q=q, p=p)
    return -xlogy(q, p).sum(axis=-1) + 0.0  # eq-cross-entropy; no -0.0


def kl_divergence(q: Probabilities, p: Probabilities) -> Nats:
    """Return KL(q || p) of discrete distributions in nats, by equation :eq:`eq-kl-as-gap`.

    None of its terms is negative, so that the result is not, and distributions that are close lose no digits.

    Parameters
    ----------
    q, p : arrays of shape (..., k)
        Probabilities along the last axis; the mean is taken under the first.

    Returns
    -------
    array of shape (...)
        At least zero; infinite where p excludes what q allows.

    Raises
    ------
    ValueError
        If an entry is negative or no finite number, a distribution does not sum to one, or the shapes do not fit.

    References
    ----------
    Kullback and Leibler, Annals of Mathematical Statistics 22 (1951).

    Examples
    --------
    >>> q, p = np.array([0.5, 0.5]), np.array([0.0, 1.0])
    >>> kl_divergence(p, q).round(6).item(), kl_divergence(q, p).item()
    (0.693147, inf)
    """
    q, p = _distributions("kl_divergence", q=q, p=p)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        excess = (p - q) / q  # p/q - 1
        near = q * (excess - np.log1p(excess))
        far = p - q - q * (np.log(p) - np.log(q))  # where p/q may overflow
    gap = np.where(np.abs(excess) < 1 / 2, near, far)  # eq-kl-as-gap
    return np.where(q > 0, gap, p).sum(axis=-1)


def fit_gaussian(x: Num[np.ndarray, "N d"], *, unbiased: bool = False, shrinkage: float = 0.0) -> Gaussian:
    """Return the Gaussian of maximal likelihood, by :eq:`eq-gaussian-mle`, or with a covariance corrected by name.

    Parameters
    ----------
    x : array of shape (N, d)
        One point per row.
    unbiased : bool
        Whether to divide by N - 1 instead of N, as :eq:`eq-covariance-bias` suggests.
    shrinkage : float
        Weight w in [0, 1] of a multiple of the identity in the covariance, as in :eq:`eq-shrinkage`; see
        `shrinkage_weight`.

    Returns
    -------
    Gaussian

    Raises
    ------
    ValueError
        If there is no point, an entry is not a finite number, the weight is not in [0, 1], or the covariance comes
        out singular: then the likelihood has no maximum. The message names the columns that are to blame.

    References
    ----------
    Bishop (2006), section 2.3.4.

    Examples
    --------
    >>> x = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]])
    >>> fit_gaussian(x).cov
    array([[1., 0.],
           [0., 4.]])
    >>> fit_gaussian(x, shrinkage=0.5).cov
    array([[1.75, 0.  ],
           [0.  , 3.25]])
    """
    x, centred = _centred("fit_gaussian", x)
    (N, d), w = x.shape, shrinkage
    if not 0 <= w <= 1:
        raise ValueError(f"fit_gaussian(): shrinkage must lie between 0 and 1, but is {w}")
    if unbiased and N == 1:
        raise ValueError("fit_gaussian(): unbiased=True divides by N - 1, but x has N = 1 row")
    if not np.ptp(centred, axis=0).any():
        raise ValueError(
            f"fit_gaussian(): all rows of x are the same ({N} of them), which leaves no scale; two rows must differ"
        )
    if w == 0:
        _refuse_singular(centred)
    S = centred.T @ centred / (N - 1 if unbiased else N)  # eq-gaussian-mle
    scale = np.trace(S) / d
    return Gaussian(x.mean(axis=0), (1 - w) * S + w * scale * np.eye(d))  # eq-shrinkage


def shrinkage_weight(x: Num[np.ndarray, "N d"]) -> float:
    """Return the weight of Ledoit and Wolf for `fit_gaussian`, by equation :eq:`eq-ledoit-wolf`.

    It estimates from the data the weight that makes the expected squared error of the covariance smallest. Columns
    should have comparable scales, because the target is a multiple of the identity.

    Parameters
    ----------
    x : array of shape (N, d)
        One point per row.

    Returns
    -------
    float
        Between 0, where N is large, and 1, where nothing but the scale is to be believed.

    Raises
    ------
    ValueError
        If there are fewer than three points (both of two lie equally far from their mean, so that nothing shows the
        noise), or an entry is not a finite number.

    References
    ----------
    Ledoit and Wolf, Journal of Multivariate Analysis 88 (2004).

    Examples
    --------
    Five points in ten dimensions say little about a covariance, a thousand say it:

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(1000, 10)) * np.arange(1, 11)
    >>> shrinkage_weight(x[:5]) > 0.1 > 0.02 > shrinkage_weight(x)
    True
    """
    x, centred = _centred("shrinkage_weight", x)
    N, d = x.shape
    if N < 3:
        raise ValueError(
            f"shrinkage_weight(): x has shape {x.shape}, but the noise of a covariance shows only from three rows on; "
            "choose a weight above 0"
        )
    S = centred.T @ centred / N
    distance = np.sum(S**2) - np.trace(S) ** 2 / d  # squared norm of S - m I
    scatter = (np.mean(np.sum(centred**2, axis=1) ** 2) - np.sum(S**2)) / N  # of the mean of the xᵢ xᵢᵀ
    return float(np.clip(scatter / distance, 0, 1)) if distance > 0 else 0.0  # eq-ledoit-wolf


def fisher_information(scores: Num[np.ndarray, "*batch N p"]) -> Float[np.ndarray, "*batch p p"]:
    """Return the mean of s sᵀ over scores s: the Fisher information of one draw, by :eq:`eq-fisher-information`.

    Parameters
    ----------
    scores : array of shape (..., N, p)
        Gradient of log p(x | θ) in the p parameters at each of N draws. Draws of the model give an estimate of the
        information; those of another law give the matrix B of :eq:`eq-sandwich`.

    Returns
    -------
    array of shape (..., p, p)

    Raises
    ------
    ValueError
        If there is no draw, or an entry is not a finite number.

    Examples
    --------
    The scores of a fair coin are ±2, and each toss brings the information 4:

    >>> fisher_information(np.array([[2.0], [-2.0]]))
    array([[4.]])
    """
    (s,) = _real("fisher_information", scores=(scores, "N p"))
    if s.shape[-2] == 0:
        raise ValueError(f"fisher_information(): scores has shape {s.shape}, but at least one draw is needed")
    return s.mT @ s / s.shape[-2]  # eq-fisher-information


def sandwich_covariance(
    scores: Num[np.ndarray, "*#batch N p"], hessian: Num[np.ndarray, "*#batch p p"]
) -> Float[np.ndarray, "*batch p p"]:
    """Return the covariance of a maximum-likelihood estimate when the model may be wrong, by :eq:`eq-sandwich`.

    Parameters
    ----------
    scores : array of shape (..., N, p)
        Gradient of log p(x | θ) at each data point, at the estimate.
    hessian : array of shape (..., p, p)
        Mean over the data of the Hessian of log p(x | θ), at the estimate.

    Returns
    -------
    array of shape (..., p, p)
        Covariance of the estimate (that of one draw is N times it).

    Raises
    ------
    ValueError
        If the shapes do not fit, there is no draw, or an entry is not a finite number.
    numpy.linalg.LinAlgError
        If the Hessian is singular: the data do not determine the parameters.

    References
    ----------
    White, Econometrica 50 (1982).

    Examples
    --------
    The mean of N numbers, fitted with a Gaussian of variance one, which is wrong: the sandwich finds var(x) / N.

    >>> x = np.array([-3.0, 1.0, 2.0])
    >>> sandwich_covariance((x - x.mean())[:, None], hessian=np.array([[-1.0]]))
    array([[1.55555556]])
    """
    s, H = _real("sandwich_covariance", scores=(scores, "N p"), hessian=(hessian, "p p"))
    half = np.linalg.solve(H, fisher_information(s))  # -A⁻¹ B
    return np.linalg.solve(H, half.mT).mT / s.shape[-2]  # eq-sandwich


def _real(asked: str, **given: tuple[object, str]) -> list[np.ndarray]:
    """Return the arguments as arrays of fitting shapes, none of them complex."""
    checked = arrays(asked, **given)
    for name, array in zip(given, checked, strict=True):
        if np.iscomplexobj(array):
            raise ValueError(f"{asked}(): {name} has dtype {array.dtype}, but it must be real; {name}.real would be")
    return checked


def _distributions(asked: str, **given: np.ndarray) -> list[np.ndarray]:
    """Return the arguments as arrays, seen to be probabilities along the last axis."""
    checked = _real(asked, **{name: (array, "k") for name, array in given.items()})
    for name, array in zip(given, checked, strict=True):
        if np.any(array < 0):
            raise ValueError(f"{asked}(): {name} must hold probabilities, but the smallest entry is {array.min()}")
        total = array.sum(axis=-1)
        if not np.allclose(total, 1, rtol=0, atol=np.sqrt(np.finfo(array.dtype).eps)):  # half of the digits
            worst = np.ravel(total)[np.argmax(np.abs(total - 1))]
            raise ValueError(
                f"{asked}(): {name} must sum to one along the last axis, but sums to {worst}; {name} / {name}.sum"
                "(axis=-1, keepdims=True) would"
            )
    return checked


def _centred(asked: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points, and the points minus their mean, of which there must be some."""
    (x,) = _real(asked, x=(x, "N d"))
    if x.ndim != 2 or x.size == 0:
        raise ValueError(f"{asked}(): x has shape {x.shape}, but (N, d) with at least one point is needed")
    return x, x - x.mean(axis=0)


def _refuse_singular(centred: np.ndarray) -> None:
    """Raise if the covariance of the points is singular to working precision, and say which columns do it."""
    N, d = centred.shape
    cure = "use shrinkage=shrinkage_weight(x)" if N > 2 else "use a shrinkage above 0"
    eps = np.finfo(centred.dtype).eps
    if d >= N:
        raise ValueError(
            f"fit_gaussian(): x has {N} rows for {d} columns, which leaves the covariance singular and the likelihood "
            f"without a maximum; {d + 1} rows are the fewest, or {cure}"
        )
    if (constant := np.flatnonzero(np.ptp(centred, axis=0) == 0)).size:
        raise ValueError(f"fit_gaussian(): x is constant in columns {constant.tolist()}; leave them out, or {cure}")
    deviation = np.sqrt(np.mean(centred**2, axis=0))
    values, directions = np.linalg.svd(centred / deviation, full_matrices=False)[1:]
    if values[-1] <= max(N, d) * eps * values[0]:
        tied = np.flatnonzero(np.abs(directions[-1]) > np.sqrt(eps)).tolist()
        raise ValueError(f"fit_gaussian(): columns {tied} of x depend on each other linearly; leave one out, or {cure}")
