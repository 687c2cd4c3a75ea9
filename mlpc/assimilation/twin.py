"""Twin experiments: a truth drawn from a system, and what would be seen of it."""

from __future__ import annotations

import numpy as np

from mlpc.assimilation.backends import Array, namespace, whole
from mlpc.assimilation.systems import System


def twin_experiment(
    system: System,
    steps: int,
    rng: np.random.Generator,
    *,
    batch: tuple[int, ...] = (),
    burn_in: int = 0,
    beside: Array | None = None,
) -> tuple[Array, Array]:
    """Return a truth x₀, ..., x_T and its observations y₁, ..., y_T, by :eq:`eq-state-model`.

    Parameters
    ----------
    system : System
        The model, its noise, the observation, and the law of x₀.
    steps : int
        T, the number of cycles.
    rng : numpy.random.Generator
        The source of randomness: the same Generator gives the same experiment.
    batch : tuple of ints
        How many independent experiments, as leading axes.
    burn_in : int
        Cycles before x₀ that are thrown away.
    beside : array
        Whose library, dtype and device the arrays get; NumPy's float64 without it.

    Returns
    -------
    x : array of shape (..., T + 1, n)
        The truth, beginning with x₀.
    y : array of shape (..., T, k)
        The observations; ``y[..., t - 1, :]`` is of ``x[..., t, :]``.

    Raises
    ------
    ValueError
        If a number of cycles is negative or not whole, or the batch is no tuple.
    FloatingPointError
        If the truth leaves the range of numbers.

    Examples
    --------
    >>> from mlpc.assimilation import Linear2D
    >>> x, y = twin_experiment(Linear2D(), 50, np.random.default_rng(0), batch=(3,))
    >>> x.shape, y.shape
    ((3, 51, 2), (3, 50, 2))
    """
    steps, burn_in = whole("twin_experiment", "steps", steps), whole("twin_experiment", "burn_in", burn_in)
    if not isinstance(batch, tuple):
        raise ValueError(f"twin_experiment(): batch must be a tuple of numbers, such as (3,), but is {batch!r}")
    if steps < 0 or burn_in < 0:
        raise ValueError(f"twin_experiment(): steps and burn_in must not be negative, but are {steps} and {burn_in}")
    beside = np.zeros(0) if beside is None else beside
    x = system.draw_start(batch, rng, beside)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(burn_in):
            x = system.perturbed(system.step(x), rng)
        truth = [x]
        for _ in range(steps):
            truth.append(system.perturbed(system.step(truth[-1]), rng))
    xp = namespace(x)
    x = xp.stack(truth, axis=-2)
    if not xp.all(xp.isfinite(x)):
        raise FloatingPointError("twin_experiment(): the truth is not finite; a smaller dt of the model may help")
    return x, system.observation.perturbed(x[..., 1:, :], rng)
