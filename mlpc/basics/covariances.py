"""Covariance matrices: what they must be, a square root of them, and a repair that says what it did.

Everything is judged at unit variances, that is, for cov[i, j] / √(cov[i, i] cov[j, j]): no answer depends on the units
in which components that vary are measured. Arrays broadcast on their leading axes and are float64.
"""

import numpy as np
from jaxtyping import Float, Num
from scipy.linalg import solve_triangular

from mlpc.arguments import arrays

ROUNDING = 2.0**-40  # relative errors up to this are taken for rounding
SINGULAR = 8 * np.finfo(float).eps  # times n: a smaller eigenvalue at unit variances is nothing
SAFE = 1e-6  # squared pivots of a Cholesky factor that exceed this share of their variances need no eigenvalues


def covariance(asked: str, **given: tuple[object, str]) -> np.ndarray:
    """Return an argument as a float64 covariance matrix that is finite and symmetric; `root` sees its definiteness.

    Parameters
    ----------
    asked : str
        Name of the function, for the messages.
    **given : pair of an array and the names of its last axes
        As for :func:`mlpc.arguments.arrays`; the covariance is the last one.

    Returns
    -------
    array of shape (..., n, n)
        Asymmetry up to rounding stays; what reads the matrix afterwards reads its lower triangle.

    Raises
    ------
    ValueError
        If a shape does not fit, an entry is complex or no finite number, or the matrix is not symmetric.

    Examples
    --------
    >>> covariance("filter", Q=([[1, 0.5], [0.2, 1]], "n n"))
    Traceback (most recent call last):
    ValueError: filter(): Q must be symmetric, but Q[0, 1] = 0.5 and Q[1, 0] = 0.2 differ by 0.3; (Q + Q.mT) / 2 would
    be
    """
    name = list(given)[-1]
    cov = real(asked, name, arrays(asked, **given)[-1])
    scale = np.sqrt(np.abs(np.diagonal(cov, axis1=-2, axis2=-1)))
    skew = np.abs(cov - cov.mT) > ROUNDING * scale[..., :, None] * scale[..., None, :]
    if skew.any():
        *at, i, j = map(int, np.argwhere(skew)[0])
        upper, lower = cov[(*at, i, j)], cov[(*at, j, i)]
        raise ValueError(
            f"{asked}(): {name} must be symmetric, but {name}{[*at, i, j]} = {upper:.6g} and {name}{[*at, j, i]} = "
            f"{lower:.6g} differ by {abs(upper - lower):.1g}; ({name} + {name}.mT) / 2 would be"
        )
    return cov


def real(asked: str, name: str, array: np.ndarray) -> np.ndarray:
    """Return a checked array as float64, or raise a ValueError if it is complex.

    >>> real("filter", "Q", np.ones(2, np.float32)).dtype
    dtype('float64')
    """
    if np.iscomplexobj(array):
        raise ValueError(
            f"{asked}(): {name} has dtype {array.dtype}, but Gaussians here are real; {name}.real would be"
        )
    return array.astype(np.float64)


def root(asked: str, name: str, cov: Float[np.ndarray, "*batch n n"]) -> tuple[Float[np.ndarray, "*batch n n"], bool]:
    """Return F with F Fᵀ = cov, and whether it is a Cholesky factor: then all of cov is positive definite.

    A semidefinite matrix gets a root from its eigenvectors; eigenvalues that are nothing but rounding are zero in it.

    Parameters
    ----------
    asked, name : str
        Names of the function and of its argument, for the messages.
    cov : array of shape (..., n, n)
        Symmetric and finite, as `covariance` returns it.

    Returns
    -------
    F : array of shape (..., n, n)
        Lower triangular if all matrices are definite, else none of the roots is.
    definite : bool
        Whether, at unit variances, all eigenvalues exceed rounding.

    Raises
    ------
    ValueError
        If a matrix is indefinite; the message says at which leading index, and its smallest eigenvalue.

    Examples
    --------
    >>> root("filter", "Q", np.array([[4.0, 2.0], [2.0, 2.0]]))
    (array([[2., 0.],
           [1., 1.]]), True)
    >>> F, definite = root("filter", "Q", np.ones((2, 2)))
    >>> bool(np.allclose(F @ F.T, 1)), definite
    (True, False)
    """
    variances, nothing = np.diagonal(cov, axis1=-2, axis2=-1), cov.shape[-1] * SINGULAR
    try:
        F = np.linalg.cholesky(cov)
        least = np.min(np.diagonal(F, axis1=-2, axis2=-1) ** 2 / variances, initial=1)
    except np.linalg.LinAlgError:  # a pivot is zero or negative
        F, least = cov, 0
    if least > SAFE:
        return F, True
    values, vectors, scale = spectrum(cov)  # rounding may have made a small pivot of one that is zero
    if least > 0 and values.min(initial=1) > nothing:
        return F, True
    if values.min(initial=0) < -cov.shape[-1] * ROUNDING or variances.min(initial=0) < 0:
        raise ValueError(f"{asked}(): {_indefinite(name, variances, values)}")
    return scale[..., :, None] * vectors * np.sqrt(np.where(values > nothing, values, 0))[..., None, :], False


def spectrum(cov: Float[np.ndarray, "*batch n n"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return eigenvalues (ascending), eigenvectors and standard deviations of a matrix scaled to unit variances.

    A component without variance is left at its scale.

    >>> values, vectors, scale = spectrum(np.array([[4.0, 1.0], [1.0, 1.0]]))
    >>> values, scale
    (array([0.5, 1.5]), array([2., 1.]))
    """
    variances = np.abs(np.diagonal(cov, axis1=-2, axis2=-1))
    scale = np.sqrt(np.where(variances > 0, variances, 1))
    values, vectors = np.linalg.eigh(cov / scale[..., :, None] / scale[..., None, :])
    return values, vectors, scale


def _indefinite(name: str, variances: np.ndarray, values: np.ndarray) -> str:
    if variances.min(initial=0) < 0:
        *at, i = map(int, np.argwhere(variances < 0)[0])
        return f"{name}{[*at, i, i]} is {variances[(*at, i)]:.6g}, but a variance is not negative"
    smallest = values.min(axis=-1)
    worst = np.unravel_index(np.argmin(smallest), smallest.shape)
    at = f" at leading index {tuple(map(int, worst))}" if worst else ""
    return (
        f"{name} must be positive semidefinite, but{at} its smallest eigenvalue at unit variances is "
        f"{smallest[worst]:.3g}; a product F @ F.mT would do, and jittered({name}) repairs what rounding did"
    )


def jittered(
    cov: Num[np.ndarray, "*batch n n"], largest: float = 1e-8
) -> tuple[Float[np.ndarray, "*batch n n"], Float[np.ndarray, "*batch n"]]:
    """Return a positive definite covariance, and what was added to each variance to make it so.

    Nothing is added to a matrix that is definite already. Else every variance grows by the same share, the smallest
    power of ten below `largest` that is enough, or `largest`; a component without variance gets that share of the mean
    of the others.

    Parameters
    ----------
    cov : array of shape (..., n, n)
        Symmetric; indefinite no further than the largest share can mend.
    largest : float
        The largest share to add, positive.

    Returns
    -------
    cov : array of shape (..., n, n)
        The matrix with a larger diagonal.
    added : array of shape (..., n)
        What was added to the diagonal, in the units of the variances.

    Raises
    ------
    ValueError
        If a matrix is not symmetric, or the largest share not positive or not enough: the message says how much would
        be.

    Examples
    --------
    >>> cov, added = jittered(np.ones((2, 2)))
    >>> added
    array([1.e-14, 1.e-14])
    """
    if not 0 < largest < np.inf:
        raise ValueError(f"jittered(): largest must be a positive share of the variances, but is {largest:g}")
    cov = covariance("jittered", cov=(cov, "n n"))
    repaired, added = cov.copy(), np.zeros(cov.shape[:-1])
    for at in np.ndindex(cov.shape[:-2]):
        added[at] = _least(cov[at], largest, f" at leading index {at}" if at else "")
        repaired[at] += np.diag(added[at])
    return repaired, added


def _least(cov: np.ndarray, largest: float, at: str) -> np.ndarray:
    """Return what has to be added to the variances of one matrix."""
    variances = np.diagonal(cov)
    unit = np.where(variances > 0, variances, np.abs(variances).sum() / max(1, len(cov)))
    for share in (0, *10.0 ** np.arange(-15, np.log10(largest)), largest):
        try:
            if root("jittered", "cov", cov + np.diag(share * unit))[1]:
                return share * unit
        except ValueError:  # still indefinite
            continue
    if not unit.all():
        raise ValueError(f"jittered(): all variances of cov{at} are zero, and so is every share of them")
    smallest = spectrum(cov)[0].min()
    enough = 10 * max(-smallest, len(cov) * SINGULAR)
    raise ValueError(
        f"jittered(): shares up to largest = {largest:g} of the variances do not make cov{at} definite: its smallest "
        f"eigenvalue at unit variances is {smallest:.3g}; largest = {enough:.0e} would do, but it may be wiser to ask "
        "how cov was computed"
    )


def cholesky(asked: str, name: str, cov: Float[np.ndarray, "*batch n n"]) -> Float[np.ndarray, "*batch n n"]:
    """Return the Cholesky factors of covariance matrices that have to be definite.

    Raises
    ------
    numpy.linalg.LinAlgError
        If one of them is singular; the message says at which leading index, and its rank.

    Examples
    --------
    >>> cholesky("filter", "Q", np.ones((2, 2)))
    Traceback (most recent call last):
    numpy.linalg.LinAlgError: filter(): Q must be positive definite, but its rank is 1 of 2; leave out components that
    the others determine, or add noise, as jittered() does
    """
    F, definite = root(asked, name, cov)
    if not definite:
        raise singular(asked, name, cov)
    return F


def singular(asked: str, name: str, cov: Float[np.ndarray, "*batch n n"]) -> np.linalg.LinAlgError:
    """Return the error that says which of these matrices is singular, and its rank.

    >>> print(singular("filter", "Q", np.zeros((1, 1))))
    filter(): Q must be positive definite, but its rank is 0 of 1; leave out components that the others determine, or
    add noise, as jittered() does
    """
    n = cov.shape[-1]
    values = spectrum(cov)[0] / np.maximum(1, n)
    ranks = np.count_nonzero(values > SINGULAR, axis=-1)
    worst = np.unravel_index(np.argmin(ranks), ranks.shape)
    at = f" at leading index {tuple(map(int, worst))}" if worst else ""
    rank = min(int(ranks[worst]), n - 1)
    return np.linalg.LinAlgError(
        f"{asked}(): {name} must be positive definite, but{at} its rank is {rank} of {n}; leave out components that "
        f"the others determine, or add noise, as jittered() does"
    )


def solve_lower(
    F: Float[np.ndarray, "*#batch n n"], B: Float[np.ndarray, "*#batch n c"], transposed: bool = False
) -> Float[np.ndarray, "*#batch n c"]:
    """Return F⁻¹B, or F⁻ᵀB, for lower triangular F; one factor serves any number of leading axes of B.

    >>> solve_lower(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([[2.0], [4.0]]))
    array([[1.],
           [3.]])
    """
    if F.ndim > 2 or not F.size:
        return np.linalg.solve(F.mT if transposed else F, B)
    rows = np.moveaxis(B, -2, 0)
    flat = rows.reshape(len(F), -1)
    solved = solve_triangular(F, flat, trans=int(transposed), lower=True, check_finite=False)
    return np.moveaxis(solved.reshape(rows.shape), 0, -2)
