"""Inverse, solution and determinant of A + UV from those of A, when the update UV has small rank k.

Everything goes through the capacitance matrix S = I + V A⁻¹ U, which is k × k. Arrays broadcast on their leading axes;
float32 stays float32, integers become float64; V is never conjugated, so complex matrices obey the same formulas.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Inexact, Num

from mlpc.arguments import arrays

Solver = Callable[[np.ndarray], np.ndarray]
Scalars = Inexact[np.ndarray | np.generic, "*#batch"]

LARGEST_ERROR = 0.1  # of S⁻¹, relative: an update that keeps less than one digit counts as singular


def woodbury_inverse(
    A_inv: Num[np.ndarray, "*#batch n n"],
    U: Num[np.ndarray, "*#batch n k"],
    V: Num[np.ndarray, "*#batch k n"],
) -> Inexact[np.ndarray, "*#batch n n"]:
    """Return (A + UV)⁻¹ from A⁻¹ in O(n²k) operations, by equation :eq:`eq-woodbury`.

    Parameters
    ----------
    A_inv : array of shape (..., n, n)
        The inverse of A.
    U, V : arrays of shapes (..., n, k) and (..., k, n)
        The factors of the update; with k = 0 there is none.

    Returns
    -------
    array of shape (..., n, n)
        The inverse of A + UV.

    Raises
    ------
    ValueError
        If a shape does not fit, or an entry is not a finite number.
    numpy.linalg.LinAlgError
        If A + UV is singular to working precision; the message holds the condition number of S.

    References
    ----------
    The Matrix Cookbook (2012), equation 159.

    Examples
    --------
    >>> woodbury_inverse(np.eye(2), U=np.array([[1.0], [2.0]]), V=np.array([[3.0, 0.0]]))
    array([[ 0.25,  0.  ],
           [-1.5 ,  1.  ]])
    """
    A_inv, U, V = arrays("woodbury_inverse", A_inv=(A_inv, "n n"), U=(U, "n k"), V=(V, "k n"))
    Y = A_inv @ U  # Y = A⁻¹ U
    return A_inv - Y @ _solve_capacitance("woodbury_inverse", V, Y, V @ A_inv)  # eq-woodbury


def woodbury_solve(
    solve_A: Solver,
    U: Num[np.ndarray, "*#batch n k"],
    V: Num[np.ndarray, "*#batch k n"],
    b: Num[np.ndarray, " n"] | Num[np.ndarray, "*#batch n m"],
) -> Inexact[np.ndarray, "*#batch n"] | Inexact[np.ndarray, "*#batch n m"]:
    """Return the x of (A + UV) x = b from a solver for A, by :eq:`eq-woodbury-solve`; no inverse is formed.

    Parameters
    ----------
    solve_A : callable
        Maps an array B of shape (..., n, m) to A⁻¹B; called with U and with the columns of b.
    U, V : arrays of shapes (..., n, k) and (..., k, n)
        The factors of the update.
    b : array of shape (n,) or (..., n, m)
        One axis is a vector, more are matrices, as in ``numpy.linalg.solve``: a stack of vectors is ``b[..., None]``.

    Returns
    -------
    array of shape (..., n) if b is a vector, else (..., n, m)
        The solution, for all leading axes of U, V, b and of what ``solve_A`` returns.

    Raises
    ------
    ValueError
        If a shape does not fit, or an entry is not a finite number, also in what ``solve_A`` returns.
    numpy.linalg.LinAlgError
        If A + UV is singular to working precision; the message holds the condition number of S.

    References
    ----------
    Hager, Updating the inverse of a matrix, SIAM Review 31 (1989).

    Examples
    --------
    A diagonal A is never written as a matrix, and A + UV neither:

    >>> d, u, v = np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0])
    >>> x = woodbury_solve(lambda B: B / d[:, None], u[:, None], v[None, :], b=np.array([1.0, 2.0, 5.0]))
    >>> d * x + u * (v @ x)
    array([1., 2., 5.])
    """
    U, V, b = arrays("woodbury_solve", U=(U, "n k"), V=(V, "k n"), b=(b, "n" if np.ndim(b) == 1 else "n m"))
    columns = b[:, None] if b.ndim == 1 else b
    Y = _solved("woodbury_solve", solve_A, V, U=U)  # A Y = U
    y = _solved("woodbury_solve", solve_A, V, b=columns)  # A y = b
    x = y - Y @ _solve_capacitance("woodbury_solve", V, Y, V @ y)  # eq-woodbury-solve
    return x[..., 0] if b.ndim == 1 else x


def sherman_morrison_update(
    A_inv: Num[np.ndarray, "*#batch n n"],
    u: Num[np.ndarray, "*#batch n"],
    v: Num[np.ndarray, "*#batch n"],
) -> Inexact[np.ndarray, "*#batch n n"]:
    """Return (A + u vᵀ)⁻¹ from A⁻¹ in O(n²) operations, by equation :eq:`eq-sherman-morrison`.

    Parameters
    ----------
    A_inv : array of shape (..., n, n)
        The inverse of A.
    u, v : arrays of shape (..., n)
        The column and the row of the update.

    Returns
    -------
    array of shape (..., n, n)
        The inverse of A + u vᵀ.

    Raises
    ------
    ValueError
        If a shape does not fit, or an entry is not a finite number.
    numpy.linalg.LinAlgError
        If A + u vᵀ is singular to working precision; the message holds the condition number of 1 + vᵀA⁻¹u.

    References
    ----------
    Sherman and Morrison, Annals of Mathematical Statistics 21 (1950); the Matrix Cookbook (2012), equation 160.

    Examples
    --------
    >>> sherman_morrison_update(np.eye(2), u=np.array([1.0, 2.0]), v=np.array([3.0, 0.0]))
    array([[ 0.25,  0.  ],
           [-1.5 ,  1.  ]])
    """
    A_inv, u, v = arrays("sherman_morrison_update", A_inv=(A_inv, "n n"), u=(u, "n"), v=(v, "n"))
    column, row = u[..., :, None], v[..., None, :]
    y = A_inv @ column  # y = A⁻¹ u
    s = 1 + row @ y  # s = 1 + vᵀ A⁻¹ u
    with np.errstate(divide="ignore"):  # s = 0 has the condition number inf
        _refuse_singular("sherman_morrison_update", (1 + np.abs(row) @ np.abs(y)) / np.abs(s))
    return A_inv - y * ((row @ A_inv) / s)  # eq-sherman-morrison; column times row


def determinant_lemma(
    slogdet_A: tuple[Scalars, Scalars],
    solve_A: Solver,
    U: Num[np.ndarray, "*#batch n k"],
    V: Num[np.ndarray, "*#batch k n"],
) -> tuple[Scalars, Scalars]:
    """Return sign and logarithm of det (A + UV) from those of det A, by equation :eq:`eq-determinant-lemma`.

    Parameters
    ----------
    slogdet_A : pair of arrays of shape (...)
        Sign (of modulus 1 if complex) and ``log |det A|``, as ``numpy.linalg.slogdet(A)`` gives them.
    solve_A : callable
        Maps an array B of shape (..., n, m) to A⁻¹B; called with U.
    U, V : arrays of shapes (..., n, k) and (..., k, n)
        The factors of the update.

    Returns
    -------
    pair of arrays of shape (...)
        Sign and ``log |det (A + UV)|``; a singular A + UV is no error here, it has sign 0 and logarithm -inf.

    Raises
    ------
    ValueError
        If a shape does not fit, an entry is not a finite number, or ``slogdet_A`` is not that of an invertible A.

    References
    ----------
    The Matrix Cookbook (2012), equation 24, is the case A = I, k = 1.

    Examples
    --------
    >>> A, U, V = np.diag([2.0, 1.0]), np.array([[1.0], [2.0]]), np.array([[3.0, 0.0]])
    >>> sign, logabsdet = determinant_lemma(np.linalg.slogdet(A), lambda B: np.linalg.solve(A, B), U, V)
    >>> print(sign, np.exp(logabsdet).round(12))
    1.0 5.0
    """
    sign_A, log_A = slogdet_A
    slogdet = {"slogdet_A[0]": (sign_A, ""), "slogdet_A[1]": (log_A, "")}
    sign_A, log_A, U, V = arrays("determinant_lemma", **slogdet, U=(U, "n k"), V=(V, "k n"))
    if not np.all(np.abs(np.abs(sign_A) - 1) < LARGEST_ERROR):
        raise ValueError(f"determinant_lemma(): slogdet_A[0] must be the sign of det A != 0, but it is {sign_A}")
    Y = _solved("determinant_lemma", solve_A, V, U=U)  # A Y = U
    sign_S, log_S = np.linalg.slogdet(_capacitance(V, Y))
    return sign_A * sign_S, log_A + log_S  # eq-determinant-lemma


def _solved(asked: str, solve_A: Solver, V: np.ndarray, **right: np.ndarray) -> np.ndarray:
    """Return what the solver makes of the right-hand side, seen to fit it and V."""
    ((name, B),) = right.items()
    returned = (solve_A(B), f"{B.shape[-2]} {B.shape[-1]}")
    return arrays(asked, V=(V, "k n"), **{f"solve_A({name})": returned})[1]


def _capacitance(V: np.ndarray, Y: np.ndarray) -> np.ndarray:
    return np.eye(V.shape[-2], dtype=Y.dtype) + V @ Y  # eq-capacitance


def _solve_capacitance(asked: str, V: np.ndarray, Y: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return S⁻¹ times the right-hand sides, or raise when rounding leaves nothing of S⁻¹."""
    S = _capacitance(V, Y)
    try:
        S_inv = np.linalg.solve(S, np.eye(S.shape[-1], dtype=S.dtype))  # k × k, for its condition number alone
    except np.linalg.LinAlgError:  # a pivot is zero, and so is the sign of that determinant
        zero = np.linalg.slogdet(S).sign[..., None, None] == 0
        _refuse_singular(asked, np.where(zero, np.inf, 1).astype(np.abs(S).dtype))
        raise
    _refuse_singular(asked, np.abs(S_inv) @ (1 + np.abs(V) @ np.abs(Y).sum(axis=-1, keepdims=True)))
    return np.linalg.solve(S, right)


def _refuse_singular(asked: str, row_sums: np.ndarray) -> None:
    """Raise if S is too ill-conditioned, given the row sums of |S⁻¹| (I + |V| |A⁻¹U|), of shape (..., k, 1).

    The largest is the condition number of S for rounding in its entries. The usual ‖S‖ ‖S⁻¹‖ would not do: S is a sum
    that may cancel, and where 1 + vᵀA⁻¹u loses all its digits, it is still 1.
    """
    eps = np.finfo(row_sums.dtype).eps
    if np.all(row_sums < LARGEST_ERROR / eps):  # false for NaN, too
        return
    condition = row_sums.max(axis=(-2, -1))
    worst = np.unravel_index(np.argmax(condition), condition.shape)
    at = f" at leading index {tuple(map(int, worst))}" if worst else ""
    raise np.linalg.LinAlgError(
        f"{asked}(): the update makes A + UV singular to working precision{at}: S = I + V A^-1 U has condition number "
        f"{condition[worst]:.1e}, and {row_sums.dtype} leaves a correct digit only below {LARGEST_ERROR / eps:.1e}; "
        "leave out the columns of U that do it, or factorise A + UV itself"
    )
