"""Expectation-maximisation: the lower bound L(θ, q) of the log-likelihood, and the loop that climbs it.

A model is anything with three verbs: `e_step(x)` returns what the M step has to know of the posterior q of the latent
variables, `m_step` the model that maximises L(·, q), and `lower_bound` the value of L(θ, q) at the model's own θ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Num

from mlpc.arguments import arrays

FALL = 1e-9  # of max(1, |bound per row|): a bound that falls further is not rounding


@runtime_checkable
class Model(Protocol):
    """What the loop asks of a model; q is whatever its E step returns."""

    def e_step(self, x: Any) -> Any:
        """Return the posterior q of the latent variables under this model, or what the M step needs of it."""
        ...

    def m_step(self, statistics: Any) -> Any:
        """Return the model that maximises the bound for this q."""
        ...

    def lower_bound(self, statistics: Any) -> float:
        """Return L(θ, q) in nats, at this model's θ and the q that is given."""
        ...


AnyModel = TypeVar("AnyModel", bound=Model)


class Collapse(np.linalg.LinAlgError):
    """A component of a model has lost its rows or a variance: the likelihood has no maximum there."""


@dataclass(frozen=True, eq=False)
class History:
    """What happened during a fit.

    Attributes
    ----------
    lower_bounds : array of shape (T,)
        L(θ, q) after the E step of each iteration, in nats per row that holds a number. q is the posterior then, so
        this is the log-likelihood of the parameters with which the iteration began (plus their log-prior, if any).
    converged : bool
        Whether the last change was smaller than the tolerance.
    empty_rows : int
        The number of rows that hold nothing but NaN, and were left out.
    statistics : object
        What the last E step returned.
    restarts : array of shape (R,)
        By `best_fit`, the last bound of each start; NaN for a start that collapsed.
    """

    lower_bounds: np.ndarray
    converged: bool
    empty_rows: int
    statistics: Any = field(repr=False)
    restarts: np.ndarray = field(default_factory=lambda: np.empty(0))


def lower_bound(log_joint: Num[np.ndarray, "n K"], q: Num[np.ndarray, "n K"]) -> float:
    """Return L(θ, q) = Σ_i Σ_k q_ik (log p(x_i, z_i = k | θ) - log q_ik), by equation :eq:`eq-em-lower-bound`.

    Parameters
    ----------
    log_joint : array of shape (n, K)
        Logarithms of the joint densities of each row and each value of its discrete latent variable; may be -inf.
    q : array of shape (n, K)
        Any distributions over the K values, one in each row; 0 log 0 is 0.

    Returns
    -------
    float
        The bound in nats, summed over the rows.

    Raises
    ------
    ValueError
        If a shape does not fit, or a row of q is no distribution.

    Examples
    --------
    The bound is the log-likelihood where q is the posterior, here of two equal densities:

    >>> log_joint = np.log([[0.1, 0.1]])
    >>> round(float(np.exp(lower_bound(log_joint, np.array([[0.5, 0.5]])))), 6)
    0.2
    >>> round(float(np.exp(lower_bound(log_joint, np.array([[1.0, 0.0]])))), 6)
    0.1
    """
    impossible = np.isneginf(log_joint)
    log_joint, q = arrays("lower_bound", log_joint=(np.where(impossible, 0, log_joint), "n K"), q=(q, "n K"))
    off = np.abs(q.sum(axis=-1) - 1)
    if q.min(initial=0) < 0 or off.max(initial=0) > 1e-8:
        worst = int(np.argmax(np.maximum(off, -q.min(axis=-1))))
        raise ValueError(
            f"lower_bound(): row {worst} of q is no distribution: its smallest entry is {q[worst].min():g} and its "
            f"sum {q[worst].sum():g}; entries >= 0 with sum 1 are needed, as in q / q.sum(axis=1, keepdims=True)"
        )
    if (q > 0)[impossible].any():
        return -np.inf
    return float((q * (log_joint - np.log(np.where(q > 0, q, 1)))).sum())  # eq-em-lower-bound


def em_steps(model: AnyModel, x: Any) -> Iterator[tuple[AnyModel, Any]]:
    """Yield each model with what its E step returned, for ever; the next model is that of the M step.

    Parameters
    ----------
    model : Model
        Where to start.
    x : array of shape (n, ...)
        The data.

    Examples
    --------
    >>> from mlpc.basics import GaussianMixture
    >>> start = GaussianMixture(np.array([0.5, 0.5]), np.array([[-1.0], [1.0]]), np.ones((2, 1, 1)))
    >>> x = np.array([[-3.0], [-2.0], [2.0], [3.0]])
    >>> [model.means.ravel().round(2).tolist() for model, _ in islice(em_steps(start, x), 3)]
    [[-1.0, 1.0], [-2.46, 2.46], [-2.5, 2.5]]
    """
    while True:
        statistics = model.e_step(x)
        yield model, statistics
        model = model.m_step(statistics)


def fit_em(model: AnyModel, x: Any, *, tol: float | int = 1e-3, max_iterations: int = 100) -> tuple[AnyModel, History]:
    """Return the model after E and M steps in turn, by algorithm :prf:ref:`alg-em`, and the history of the bound.

    Parameters
    ----------
    model : Model
        Where to start.
    x : array of shape (n, ...)
        The data; what NaN means is the model's business, but rows of NaN alone do not count as rows.
    tol : float
        The fit ends when the bound per row changes by less (scikit-learn's rule); with 0, after `max_iterations`.
    max_iterations : int
        The largest number of E and M steps.

    Returns
    -------
    model : Model
        The model of the last M step: one step further than the last recorded bound.
    history : History
        The bound of every iteration, and whether the changes have become small.

    Raises
    ------
    ValueError
        If the data do not fit the model, or an option is out of range.
    Collapse
        If a component loses its rows or a variance.
    ArithmeticError
        If the bound falls by more than rounding: then E and M step do not belong together.

    References
    ----------
    Dempster, Laird and Rubin, Journal of the Royal Statistical Society B 39 (1977).

    Examples
    --------
    >>> from mlpc.basics import GaussianMixture
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-2, 1, size=(50, 1)), rng.normal(2, 1, size=(50, 1))])
    >>> model, history = fit_em(GaussianMixture.from_data(x, 2, rng), x)
    >>> history.converged, bool(np.all(np.diff(history.lower_bounds) > 0))
    (True, True)
    """
    rows, empty = _count(x)
    _check_options(tol, max_iterations)
    bounds: list[float] = []
    statistics, converged = None, False
    for model, statistics in islice(em_steps(model, x), max_iterations):  # noqa: B020 - the last one stays
        bounds.append(model.lower_bound(statistics) / rows)
        _refuse_fall(model, bounds)
        converged = len(bounds) > 1 and abs(bounds[-1] - bounds[-2]) < tol
        if converged:
            break
    return model.m_step(statistics), History(np.array(bounds), converged, empty, statistics)


def best_fit(
    starts: Iterable[AnyModel], x: Any, *, tol: float | int = 1e-3, max_iterations: int = 100
) -> tuple[AnyModel, History]:
    """Return the fit with the highest last bound among those from several starts, and the bounds of all.

    Parameters
    ----------
    starts : iterable of Model
        As in ``(GaussianMixture.from_data(x, 3, rng) for _ in range(10))``.
    x, tol, max_iterations
        As for :func:`fit_em`.

    Returns
    -------
    model, history
        Those of the best fit; ``history.restarts`` has one bound for each start.

    Raises
    ------
    Collapse
        If every start collapses: the error of the last.
    ValueError
        If there is no start.

    Examples
    --------
    >>> from mlpc.basics import GaussianMixture
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(60, 2)) + 5 * rng.integers(3, size=(60, 1))
    >>> model, history = best_fit((GaussianMixture.from_data(x, 3, rng) for _ in range(4)), x)
    >>> bool(history.restarts.max() == history.lower_bounds[-1]), len(history.restarts)
    (True, 4)
    """
    best, last, error = None, [], ValueError("best_fit(): there is no start in starts; one at least is needed")
    for start in starts:
        try:
            fit = fit_em(start, x, tol=tol, max_iterations=max_iterations)
        except Collapse as collapse:
            last.append(np.nan)
            error = collapse
            continue
        last.append(fit[1].lower_bounds[-1])
        if best is None or last[-1] > best[1].lower_bounds[-1]:
            best = fit
    if best is None:
        raise error
    model, history = best
    return model, History(
        history.lower_bounds, history.converged, history.empty_rows, history.statistics, np.array(last)
    )


def _count(x: Any) -> tuple[int, int]:
    """Return the number of rows that hold a number, and of those that hold none."""
    x = np.asarray(x)
    empty = np.isnan(x).reshape(len(x), -1).all(axis=1).sum() if x.ndim and x.dtype.kind == "f" else 0
    return max(1, (len(x) if x.ndim else 1) - int(empty)), int(empty)


def _check_options(tol: float | int, max_iterations: int) -> None:
    if not tol >= 0:
        raise ValueError(f"fit_em(): tol is {tol}, but a number >= 0 is needed; 0 makes max_iterations steps")
    if max_iterations < 1:
        raise ValueError(f"fit_em(): max_iterations is {max_iterations}, but at least 1 is needed")


def _refuse_fall(model: Model, bounds: list[float]) -> None:
    """Raise if the bound is no number, or lower than before by more than rounding."""
    if not np.isfinite(bounds[-1]):
        raise ArithmeticError(f"fit_em(): the lower bound is {bounds[-1]} in iteration {len(bounds)}")
    if len(bounds) > 1 and bounds[-1] < bounds[-2] - FALL * max(1, abs(bounds[-2])):
        raise ArithmeticError(
            f"fit_em(): the lower bound fell from {bounds[-2]:.12g} to {bounds[-1]:.12g} per row in iteration "
            f"{len(bounds)}; the M step of {type(model).__name__} does not maximise the bound of its E step"
        )
