"""Derivatives with respect to vectors and matrices, measured by differences, to hold a derivation against.

The layout is that of the chapter: a gradient has the shape of its variable, a Jacobian the axes of the value followed
by those of the variable. Functions are called with arrays of the shape and dtype of X, each call with one of its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Inexact, Num

from mlpc.arguments import arrays

Map = Callable[[np.ndarray], np.ndarray | np.generic | float]

COMPLEX_STEP = 2.0**-200  # so small that its square is lost beside any number, and far from underflow


@dataclass(frozen=True)
class GradientCheck:
    """What differences say of a claimed gradient; true if and only if they agree.

    Attributes
    ----------
    agrees : bool
        Whether no entry is off by more than is allowed: ``tolerance`` times the largest measured entry, and what the
        differences themselves may be off.
    where : tuple of int
        The entry in which claim and measurement differ most, beyond what is allowed if there is such an entry.
    error : float
        By how much they differ there.
    claimed, measured : float
        The two numbers there.
    uncertainty : float
        What the differences may be off there.
    step : float
        The step there.
    would_agree : str or None
        A slip of the pen that explains the disagreement: ``"its transpose"``.

    Examples
    --------
    >>> A, x = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([3.0, 5.0])
    >>> print(gradient_check(lambda x: x @ A @ x, lambda x: 2 * A @ x, x))
    disagrees at [0]: claimed 26, measured 16 (uncertain by 4e-09, step 1.5e-05)
    """

    agrees: bool
    where: tuple[int, ...]
    error: float
    claimed: float
    measured: float
    uncertainty: float
    step: float
    would_agree: str | None = None

    def __bool__(self) -> bool:
        return self.agrees

    def __str__(self) -> str:
        hint = f"; {self.would_agree} would agree" if self.would_agree else ""
        numbers = f"claimed {self.claimed:.10g}, measured {self.measured:.10g}"
        sharpness = f"uncertain by {self.uncertainty:.0e}, step {self.step:.1e}"
        return f"{'agrees' if self else 'disagrees'} at {list(self.where)}: {numbers} ({sharpness}){hint}"


def directional_derivative(
    F: Map, X: Num[np.ndarray, "..."], H: Num[np.ndarray, "..."], step: float | None = None
) -> Inexact[np.ndarray | np.generic, "..."]:
    """Return how fast F changes at X along H, by central differences, equation :eq:`eq-central-difference`.

    Parameters
    ----------
    F : callable
        Maps an array of the shape of X to a number or an array.
    X, H : arrays of one shape
        The point and the direction.
    step : float, optional
        The h of X ± hH. By default a power of two near ε^(1/3) max(1, x) / max(H), where x is the largest entry of X
        that H moves: the order of the best step, :eq:`eq-best-step`, for a function of moderate third derivative.

    Returns
    -------
    array of the shape of F(X)
        The derivative; its error is of the order of step² and of ε F / step.

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not a finite number, also in what F returns, or H is zero.

    Examples
    --------
    >>> X, H = np.eye(2), np.array([[0.0, 1.0], [0.0, 5.0]])
    >>> round(float(directional_derivative(np.linalg.det, X, H)), 8)
    5.0
    """
    asked = "directional_derivative"
    X, H = _real(asked, X=X, H=H)
    if X.shape != H.shape:
        raise ValueError(f"{asked}(): H has shape {H.shape}, but a direction has the shape of X, {X.shape}")
    if not H.any():
        raise ValueError(f"{asked}(): H is zero, but a direction needs an entry that is not")
    return _central(asked, F, X, H, _step(X, H) if step is None else _positive(asked, step))


def finite_difference_gradient(
    f: Map, X: Num[np.ndarray, "*shape"], step: float | None = None
) -> Inexact[np.ndarray, "*shape"]:
    """Return the gradient of a scalar function, entry by entry, by central differences.

    Parameters
    ----------
    f : callable
        Maps an array of the shape of X to one number; called twice for each entry.
    X : array
        The point, of any shape.
    step : float, optional
        The same step for every entry; by default each has its own, see `directional_derivative`.

    Returns
    -------
    array of the shape of X
        G with df = tr(Gᵀ dX), equation :eq:`eq-gradient-layout`.

    Raises
    ------
    ValueError
        If f returns anything but one finite real number, X holds anything but finite real ones, or the step is not
        positive.

    Examples
    --------
    >>> A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> finite_difference_gradient(lambda X: np.trace(X.T @ A), np.zeros((2, 3))).round(8)
    array([[1., 2., 3.],
           [4., 5., 6.]])
    """
    asked = "finite_difference_gradient"
    (X,) = _real(asked, X=X)
    return _differences(asked, _scalar(asked, f), X, step)


def finite_difference_jacobian(
    F: Map, X: Num[np.ndarray, "*shape"], step: float | None = None
) -> Inexact[np.ndarray, "..."]:
    """Return all derivatives of an array-valued function by central differences, equation :eq:`eq-jacobian-layout`.

    The Jacobian of a gradient is the Hessian.

    Parameters
    ----------
    F : callable
        Maps an array of the shape of X to an array; called twice for each entry.
    X : array
        The point, of any shape.
    step : float, optional
        The same step for every entry; by default each has its own, see `directional_derivative`.

    Returns
    -------
    array of the shape of F(X), followed by that of X
        For vectors J[i, j] = ∂Fᵢ/∂xⱼ.

    Raises
    ------
    ValueError
        If an entry is not a finite real number, also in what F returns, or the step is not positive.

    Examples
    --------
    >>> finite_difference_jacobian(lambda x: np.array([x[0] * x[1], x[2]]), np.array([2.0, 3.0, 5.0])).round(8)
    array([[3., 2., 0.],
           [0., 0., 1.]])
    """
    asked = "finite_difference_jacobian"
    (X,) = _real(asked, X=X)
    return _differences(asked, F, X, step)


def complex_step_gradient(f: Map, X: Num[np.ndarray, "*shape"]) -> Inexact[np.ndarray, "*shape"]:
    """Return the gradient of a scalar function to full precision, by one imaginary step for each entry.

    Equation :eq:`eq-complex-step`: nothing is subtracted, so nothing cancels. The function must be analytic and
    computed by operations that know complex numbers: transposes without conjugation, no ``abs``, no comparison.

    Parameters
    ----------
    f : callable
        Maps a complex array of the shape of X to one number.
    X : array
        The point, real.

    Returns
    -------
    array of the shape of X

    Raises
    ------
    ValueError
        If f returns a real number: then the imaginary step was lost on the way.

    References
    ----------
    :cite:t:`squire1998`

    Examples
    --------
    >>> complex_step_gradient(lambda x: np.exp(x) @ x, np.array([0.0, 1.0])) - np.array([1.0, 2 * np.e])
    array([0., 0.])
    """
    asked = "complex_step_gradient"
    (X,) = _real(asked, X=X)
    G = np.empty(X.shape)
    for index in np.ndindex(X.shape):
        Z = X.astype(complex)
        Z[index] += 1j * COMPLEX_STEP
        (value,) = arrays(asked, **{"f(X + i h E)": (f(Z), "")})
        if value.shape != () or not np.iscomplexobj(value):
            lost = "np.abs, np.real, .conj() or a comparison loses the imaginary part"
            raise ValueError(f"{asked}(): f must return one complex number, but it returned {_kind(value)}; {lost}")
        G[index] = np.imag(value) / COMPLEX_STEP  # eq-complex-step
    return G


def gradient_check(
    f: Map,
    gradient: Map,
    X: Num[np.ndarray, "*shape"],
    tolerance: float = 1e-6,
) -> GradientCheck:
    """Hold a claimed gradient against central differences, and say where it is wrong.

    Every entry is measured with two steps, h and 2h. What they disagree by, and the rounding error of f over the step,
    is what the measurement may be off.

    Parameters
    ----------
    f : callable
        Maps an array of the shape of X to one number.
    gradient : callable
        Maps the same array to the claimed gradient, of the shape of X.
    X : array
        The point. Take a *general* one: at a symmetric matrix a wrong transpose does not show.
    tolerance : float
        What may be wrong, relative to the largest measured entry, besides what the differences may be off.

    Returns
    -------
    GradientCheck
        True if the two agree.

    Raises
    ------
    ValueError
        If the claimed gradient has not the shape of X, or a number is not real and finite.

    Examples
    --------
    >>> A, X = np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones((2, 2))
    >>> check = gradient_check(lambda X: np.trace(X.T @ A), lambda X: A.T, X)
    >>> bool(check), check.where, check.would_agree
    (False, (0, 1), 'its transpose')
    """
    asked = "gradient_check"
    (X,) = _real(asked, X=X)
    (G,) = _real(asked, **{"gradient(X)": gradient(X.copy())})
    if G.shape != X.shape:
        fits = "; gradient(X).T would fit" if G.T.shape == X.shape else ""
        raise ValueError(f"{asked}(): gradient(X) has shape {G.shape}, but a gradient has that of X, {X.shape}{fits}")
    f = _scalar(asked, f)
    steps = np.reshape([_step(X, E) for E in _units(X)], X.shape)
    fine, coarse = (_differences(asked, f, X, None, widen) for widen in (1, 2))
    rounding = 4 * np.finfo(X.dtype).eps * np.abs(np.asarray(f(X.copy()))) / steps
    uncertainty = np.abs(fine - coarse) + rounding
    allowed = tolerance * np.abs(fine).max(initial=0) + uncertainty
    error = np.abs(G - fine)
    agrees = bool(np.all(error <= allowed))
    worst = np.argmax(error if agrees else error - allowed)
    where = tuple(map(int, np.unravel_index(worst, X.shape)))
    would = (name for name, slip in _slips(G) if not agrees and np.all(np.abs(slip - fine) <= allowed))
    off, claimed, measured, unsure, step = (float(array[where]) for array in (error, G, fine, uncertainty, steps))
    return GradientCheck(agrees, where, off, claimed, measured, unsure, step, next(would, None))


def _slips(G: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The gradients that G would be after the commonest slips."""
    yield from {"its negative": -G, "twice it": 2 * G, "half of it": G / 2}.items()
    if G.ndim == 2 and G.shape[0] == G.shape[1]:
        yield from {"its transpose": G.T, "its symmetric part": (G + G.T) / 2, "it plus its transpose": G + G.T}.items()


def _real(asked: str, **given: object) -> list[np.ndarray]:
    """Return the arguments as arrays of finite real numbers."""
    checked = [arrays(asked, **{name: (array, "")})[0] for name, array in given.items()]
    for name, array in zip(given, checked, strict=True):
        if np.iscomplexobj(array):
            raise ValueError(f"{asked}(): {name} must be real, but it has dtype {array.dtype}; pass {name}.real")
        if array.size == 0:
            raise ValueError(f"{asked}(): {name} has shape {array.shape}, but there must be an entry to vary")
    return checked


def _scalar(asked: str, f: Map) -> Map:
    """The function f, seen to return one number."""

    def one_number(X: np.ndarray) -> np.ndarray:
        value = np.asarray(f(X))
        if value.shape != ():
            repair = (
                "; f(X).item() would fit" if value.size == 1 else "; finite_difference_jacobian takes such functions"
            )
            raise ValueError(f"{asked}(): f must return one number, but it returned {_kind(value)}{repair}")
        return value

    return one_number


def _kind(value: np.ndarray) -> str:
    return f"an array of shape {value.shape}" if value.shape else f"the number {value} of dtype {value.dtype}"


def _positive(asked: str, step: float) -> float:
    if not 0 < step < np.inf:
        raise ValueError(f"{asked}(): step must be a positive number, but is {step}; leave it out for the usual one")
    return step


def _step(X: np.ndarray, H: np.ndarray) -> float:
    """A power of two near ε^(1/3) max(1, |X|) / max|H|, so that dividing by it rounds nothing."""
    eps = float(np.finfo(X.dtype).eps)
    size = max(1.0, float(np.abs(X[H != 0]).max())) / float(np.abs(H).max())
    return 2.0 ** round(np.log2(eps ** (1 / 3) * size))


def _units(X: np.ndarray) -> Iterator[np.ndarray]:
    """The directions E that move one entry each."""
    for index in np.ndindex(X.shape):
        E = np.zeros_like(X)
        E[index] = 1
        yield E


def _central(asked: str, F: Map, X: np.ndarray, H: np.ndarray, h: float) -> np.ndarray | np.generic:
    above, below = _real(asked, **{"F(X + h H)": F(X + h * H), "F(X - h H)": F(X - h * H)})
    return (above - below) / (2 * h)  # eq-central-difference


def _differences(asked: str, F: Map, X: np.ndarray, step: float | None, widen: int = 1) -> np.ndarray:
    """All central differences, the axes of the value first, those of X last."""
    chosen = None if step is None else _positive(asked, step)
    columns = [_central(asked, F, X, E, widen * (chosen or _step(X, E))) for E in _units(X)]
    return np.stack(columns, axis=-1).reshape(*columns[0].shape, *X.shape)
