"""Variational assimilation: the likeliest state, or path, is the minimum of a cost, found by Gauss-Newton steps.

Nothing here filters or smooths: a cost is written down and descended. In a linear system its minimum is the mean that
Kalman's filter or the smoother returns, and that equality tests both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlpc.arguments import keep
from mlpc.assimilation.backends import Array, like, namespace, numpy
from mlpc.assimilation.descent import descend, refuse_unless_it_ends
from mlpc.assimilation.filtering import Moments, Update, observations
from mlpc.assimilation.systems import System
from mlpc.assimilation.twin import twin_experiment
from mlpc.assimilation.windows import Still, StrongWindow, WeakWindow
from mlpc.basics import Gaussian
from mlpc.basics.covariances import covariance, root


@dataclass(frozen=True, eq=False)
class Trajectory(Moments):
    """The minimum of a window's cost: the likeliest path x₀, ..., x_T, and a Gaussian about it.

    Attributes
    ----------
    mean : array of shape (..., T + 1, n)
        The path.
    cov : array of shape (..., T + 1, n, n)
        The covariance of each of its states: blocks of the inverse of the cost's Gauss-Newton matrix. Exact for a
        linear system, where one matrix may serve the whole batch.
    cost : array of shape (...)
        The cost of the path, in nats. Of the mean m/2 if m numbers were observed and the model is right.
    history : array of shape (..., iterations + 1)
        The cost of the first guess, and after each iteration on the whole window; it never rises.
    converged : boolean array of shape (...)
        Whether the last step promised less than the tolerance.
    log_evidence : array of shape (...)
        log p(y₁, ..., y_T) in nats by Laplace's method; exact for a linear system.
    """

    cost: Array
    history: Array
    converged: Array
    log_evidence: Array


def var4d(
    system: System,
    y: Array,
    *,
    weak: bool | None = None,
    background: Any = None,
    guess: Array | None = None,
    grow: int | None = None,
    iterations: int = 50,
    tolerance: float = 1e-9,
) -> Trajectory:
    """Return the likeliest path given all observations of a window, by :eq:`eq-gauss-newton`.

    The strong constraint, :eq:`eq-4dvar-strong`, believes the model: x₀ determines the path. The weak one,
    :eq:`eq-4dvar-weak`, lets each state differ from the model's by noise of covariance Q, and all of the path is free;
    its normal equations are block tridiagonal, so its work grows like T n³.

    Parameters
    ----------
    system : System
        The model, its noise and the observation; tangents are those of the system.
    y : array of shape (..., T, k)
        Observations of x₁, ..., x_T; NaN is a gap. NumPy or torch; all is computed in its precision.
    weak : bool
        Whether the model may err; without it, if the system has noise.
    background : Gaussian or Moments
        The law of x₀, with means of shape (..., n); the system's start without it.
    guess : array of shape (..., t + 1, n)
        Where to begin: the first states of a path, with any t <= T; the background's mean without it. The rest of the
        path is the model's.
    grow : int
        Begin with a window of so many observations, and let it grow by so many, each minimum being the next guess.
        Where the model is chaotic, the cost of a long window has many minima, and this follows the lowest.
    iterations : int
        The largest number of Gauss-Newton steps for each window.
    tolerance : float
        Stop when a step promises to lower the cost by less than this, in nats, or by less than rounding.

    Returns
    -------
    Trajectory
        With the path in `mean`, its covariances, and whether the descent converged.

    Raises
    ------
    TypeError
        If y is no array.
    ValueError
        If a shape does not fit, y or the guess is infinite, a covariance is indefinite, there is no iteration, the
        tolerance is negative, or the weak constraint is asked for a system without noise.
    numpy.linalg.LinAlgError
        If the weak constraint is asked where Q or the background's covariance is singular.
    FloatingPointError
        If the model leaves the range of numbers from the first guess.

    References
    ----------
    Courtier, Thépaut and Hollingsworth, Quarterly Journal of the Royal Meteorological Society 120 (1994) for the
    Gauss-Newton steps; Trémolet, ibid. 132 (2006) for the weak constraint; Pires, Vautard and Talagrand, Tellus A 48
    (1996) for the growing window.

    Examples
    --------
    >>> from mlpc.assimilation import Linear2D, twin_experiment
    >>> x, y = twin_experiment(Linear2D(), 20, np.random.default_rng(0))
    >>> path = var4d(Linear2D(), y)
    >>> path.mean.shape, bool(path.converged), len(path.history)
    ((21, 2), True, 3)
    """
    refuse_unless_it_ends("var4d", iterations, tolerance)
    weak = system.noisy if weak is None else weak
    if weak and not system.noisy:
        raise ValueError("var4d(): the weak constraint needs noise in the model, but Q is zero; weak=False would do")
    mean, cov = _background(system, y, background)
    guess, kind = _guess(system, y, mean, guess), WeakWindow if weak else StrongWindow
    for end in _shorter(y.shape[-2], grow):
        window = kind.of(system, y[..., :end, :], mean, cov)
        control, *_ = _minimum(window, guess, iterations, tolerance)
        guess = window.path(control)
    window = kind.of(system, y, mean, cov)
    control, history, converged = _minimum(window, guess, iterations, tolerance)
    path, cov, log_evidence = window.belief(control)
    return Trajectory(path, cov, history[..., -1], history, converged, log_evidence)


@dataclass(frozen=True, eq=False)
class Fixed(Moments):
    """A belief whose forecast covariance was given, not made by the model: nothing can be smoothed by it."""


@dataclass(frozen=True, eq=False)
class Var3D:
    """The filter whose background covariance never changes: in each cycle the minimum of :eq:`eq-3dvar`.

    Parameters
    ----------
    system : System
        The model and the observation; for a nonlinear h the minimum is found by Gauss-Newton steps.
    B : array of shape (n, n)
        The covariance of every forecast; a share of the climatology's, say.
    iterations : int
        The largest number of Gauss-Newton steps in each cycle.
    tolerance : float
        Stop when a step promises to lower the cost by less than this, in nats.

    Raises
    ------
    ValueError
        If B has the wrong shape or is no covariance, there is no iteration, or the tolerance is negative.

    References
    ----------
    Lorenc, Quarterly Journal of the Royal Meteorological Society 112 (1986).

    Examples
    --------
    >>> from mlpc.assimilation import Lorenz96, run, twin_experiment
    >>> system, rng = Lorenz96(), np.random.default_rng(0)
    >>> x, y = twin_experiment(system, 200, rng)
    >>> result = run(Var3D(system, 0.02 * climatology(system, 500, rng).cov), y)
    >>> bool(np.mean((result.mean[100:] - x[101:]) ** 2) < 0.3)
    True
    """

    system: System
    B: Any
    iterations: int = 20
    tolerance: float = 1e-9

    def __post_init__(self) -> None:
        B = covariance("Var3D", start=(self.system.start.mean, "n"), B=(self.B, "n n"))
        if B.ndim > 2:
            raise ValueError(f"Var3D(): one B serves all cycles and the whole batch, but its shape is {B.shape}")
        refuse_unless_it_ends("Var3D", self.iterations, self.tolerance)
        F, _ = root("Var3D", "B", B)
        keep(self, B=np.array(B), _root=np.array(F))

    def init(self, batch: tuple[int, ...], rng: np.random.Generator | None, beside: Array) -> Fixed:
        """Return the law of x₀."""
        mean = like(beside, self.system.start.mean)
        return Fixed(namespace(beside).broadcast_to(mean, (*batch, *mean.shape)), like(beside, self.system.start.cov))

    def forecast(self, state: Moments, rng: np.random.Generator | None = None) -> Fixed:
        """Return the model's state, with covariance B."""
        return Fixed(self.system.step(state.mean), like(state.mean, self.B))

    def analyse(self, state: Moments, y: Array, rng: np.random.Generator | None = None) -> tuple[Fixed, Update]:
        """Return the minimum of the cost, and a covariance about it; NaN if the cost of the forecast is not finite."""
        xp, observation = namespace(y), self.system.observation
        F = like(y, self._root)  # type: ignore[attr-defined]
        window = StrongWindow(Still(), observation, y[..., None, :], state.mean, F)
        control, history, _ = descend(window, xp.zeros_like(state.mean), self.iterations, self.tolerance)
        path, cov, log_evidence = window.belief(control)
        mean = xp.where(xp.isfinite(history[..., :1]), path[..., -1, :], like(y, np.nan))
        count = xp.sum(xp.astype(~xp.isnan(y), y.dtype), axis=-1)
        update = Update(log_evidence, y - observation(state.mean), 2 * history[..., -1], count)
        return Fixed(mean, cov[..., -1, :, :]), update


def climatology(
    system: System, steps: int, rng: np.random.Generator, *, runs: int = 20, burn_in: int = 200
) -> Gaussian:
    """Return the Gaussian with the mean and covariance that the states of a system have over a long time.

    Parameters
    ----------
    system : System
        The model with its noise.
    steps : int
        How many cycles of each run to average over.
    rng : numpy.random.Generator
        The source of randomness.
    runs : int
        How many runs from independent starts.
    burn_in : int
        Cycles of each run before the first that counts.

    Raises
    ------
    ValueError
        If fewer than two states are left to average over.

    Examples
    --------
    >>> from mlpc.assimilation import Lorenz96
    >>> law = climatology(Lorenz96(), 500, np.random.default_rng(0))
    >>> bool(abs(np.sqrt(law.cov.diagonal().mean()) - 3.64) < 0.2)
    True
    """
    if steps < 1 or runs < 1:
        raise ValueError(f"climatology(): steps and runs must be at least 1, but are {steps} and {runs}")
    x, _ = twin_experiment(system, steps, rng, batch=(runs,), burn_in=burn_in)
    states = x.reshape(-1, system.n)
    return Gaussian(states.mean(axis=0), np.cov(states, rowvar=False).reshape(system.n, system.n))


def _background(system: System, y: Array, background: Any) -> tuple[Array, Array]:
    """Return mean (..., n) and covariance of x₀, checked, like the observations, which are checked, too."""
    y = observations("var4d", system, y)
    if y.shape[-2] == 0:
        raise ValueError("var4d(): y holds no time at all, but at least one is needed")
    law = system.start if background is None else background
    mean, cov = np.asarray(numpy(law.mean)), np.asarray(numpy(law.cov))
    covariance(
        "var4d", start=(system.start.mean, "n"), **{"background.mean": (mean, "n"), "background.cov": (cov, "n n")}
    )
    return _for_all("background.mean", like(y, law.mean), y, 1), like(y, law.cov)


def _guess(system: System, y: Array, mean: Array, guess: Array | None) -> Array:
    """Return the first states (..., t + 1, n) of a path, checked."""
    if guess is None:
        return mean[..., None, :]
    xp, n, T, states = namespace(y), system.n, y.shape[-2], like(y, guess)
    if states.ndim < 2 or states.shape[-1] != n or not 1 <= states.shape[-2] <= T + 1:
        raise ValueError(
            f"var4d(): guess has shape {tuple(states.shape)}, but (..., t + 1, n) = (..., t + 1, {n}) with t <= {T} is "
            "needed"
        )
    if not xp.all(xp.isfinite(states)):
        raise ValueError("var4d(): guess must hold finite numbers")
    return _for_all("guess", states, y, 2)


def _for_all(name: str, x: Array, y: Array, core: int) -> Array:
    """Return an array with the leading axes of y."""
    batch, shape = tuple(y.shape[:-2]), tuple(x.shape)
    try:
        return namespace(x).broadcast_to(x, (*batch, *shape[-core:]))
    except (ValueError, RuntimeError):  # torch's error is a RuntimeError
        raise ValueError(
            f"var4d(): {name} has shape {shape}, but its leading axes must broadcast to those of y, {batch}"
        ) from None


def _shorter(T: int, grow: int | None) -> range:
    """Return the lengths of the windows before the whole one."""
    if grow is None:
        return range(0)
    if grow < 1:
        raise ValueError(f"var4d(): grow must be a number of observations, at least 1, but is {grow}")
    return range(grow, T, grow)


def _minimum(
    window: StrongWindow | WeakWindow, guess: Array, iterations: int, tolerance: float
) -> tuple[Array, Array, Array]:
    """Return control, history and convergence of a descent, seen to begin at a finite cost."""
    control = window.control(guess)
    if not np.isfinite(numpy(window.cost(control))).all():
        raise FloatingPointError(
            f"var4d(): the model diverges from the first guess in a window of {window.y.shape[-2]} cycles; a shorter "
            "window, one that grows, or a guess nearer to the truth would do"
        )
    return descend(window, control, iterations, tolerance)
