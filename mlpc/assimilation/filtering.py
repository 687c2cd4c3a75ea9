"""The loop that every filter shares: forecast, look, analyse; and what it leaves behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from typing import Any, Protocol, runtime_checkable

import numpy as np
from array_api_compat import device
from tqdm import tqdm

from mlpc.assimilation.backends import Array, drawing, namespace, numpy
from mlpc.assimilation.checkpoints import Checkpoint, identity
from mlpc.assimilation.systems import System

LARGEST = 1e10  # in the units of the state: a mean or standard deviation beyond this has left every attractor


@runtime_checkable
class State(Protocol):
    """What a filter believes of the hidden state: a frozen dataclass of arrays with the batch as leading axes.

    `mean` and `std` have shape (..., n); a state that knows more has also `cov` (..., n, n) or `members` (..., N, n),
    and `scale`, if the standard deviations are the same for the whole batch.
    """

    @property
    def mean(self) -> Array:
        """The expectation of the state."""
        ...

    @property
    def std(self) -> Array:
        """The standard deviations of its components."""
        ...


@dataclass(frozen=True, eq=False)
class Moments:
    """A Gaussian belief: mean (..., n) and covariance (..., n, n), which may serve the whole batch."""

    mean: Array
    cov: Array

    @cached_property
    def scale(self) -> Array:
        """Standard deviations of the components, without the axes of a batch that shares them."""
        xp = namespace(self.cov)
        return xp.sqrt(xp.linalg.diagonal(self.cov))

    @property
    def std(self) -> Array:
        """Standard deviations of the components, of the mean's shape."""
        return namespace(self.mean).broadcast_to(self.scale, self.mean.shape)


@dataclass(frozen=True, eq=False)
class SquareRoot:
    """A Gaussian belief: mean (..., n) and a root F (..., n, n) of the covariance F Fᵀ."""

    mean: Array
    root: Array

    @property
    def cov(self) -> Array:
        """F Fᵀ."""
        return self.root @ self.root.mT

    @cached_property
    def scale(self) -> Array:
        """Standard deviations of the components, without the axes of a batch that shares them."""
        return namespace(self.root).linalg.vector_norm(self.root, axis=-1)

    @property
    def std(self) -> Array:
        """Standard deviations of the components, of the mean's shape."""
        return namespace(self.mean).broadcast_to(self.scale, self.mean.shape)


@dataclass(frozen=True, eq=False)
class Ensemble:
    """A belief told by N equally likely states, `members` (..., N, n)."""

    members: Array

    @cached_property
    def mean(self) -> Array:
        """The members' mean, of shape (..., n)."""
        return namespace(self.members).mean(self.members, axis=-2)

    @property
    def anomalies(self) -> Array:
        """The members without their mean, divided by √(N - 1): X (..., N, n) with Xᵀ X = cov."""
        N = self.members.shape[-2]
        if N < 2:
            raise ValueError(f"Ensemble(): {N} member has no spread, but at least 2 are needed for a covariance")
        return (self.members - self.mean[..., None, :]) / (N - 1) ** 0.5  # eq-ensemble-moments

    @property
    def cov(self) -> Array:
        """The members' covariance, of shape (..., n, n), with divisor N - 1."""
        X = self.anomalies
        return X.mT @ X

    @cached_property
    def std(self) -> Array:
        """The members' standard deviations, of shape (..., n), with divisor N - 1."""
        xp = namespace(self.members)
        return xp.sqrt(xp.sum(self.anomalies**2, axis=-2))


@dataclass(frozen=True, eq=False)
class Summary:
    """What is kept of a belief in a long run: its mean and standard deviations (..., n)."""

    mean: Array
    std: Array


@dataclass(frozen=True, eq=False)
class Update:
    """What one analysis learned from its observation.

    Attributes
    ----------
    log_evidence : array of shape (...)
        log p(y_t | y_1, ..., y_{t-1}) in nats, under the filter's forecast; 0 if nothing was seen.
    innovation : array of shape (..., k)
        y_t minus its forecast; NaN in the gaps.
    chi2 : array of shape (...)
        dᵀ S⁻¹ d for the innovation d and its covariance S: of mean `count`, if forecast and noise are right.
    count : array of shape (...)
        How many components were seen.
    """

    log_evidence: Array
    innovation: Array
    chi2: Array
    count: Array


@runtime_checkable
class Filter(Protocol):
    """A filter is told by three verbs."""

    @property
    def system(self) -> System:
        """The model that the filter believes in."""
        ...

    def init(self, batch: tuple[int, ...], rng: np.random.Generator | None, beside: Array) -> Any:
        """Return the belief about x₀ for a batch, as arrays like `beside`."""
        ...

    def forecast(self, state: Any, rng: np.random.Generator | None) -> Any:
        """Return the belief one cycle later, before the observation."""
        ...

    def analyse(self, state: Any, y: Array, rng: np.random.Generator | None) -> tuple[Any, Update]:
        """Return the belief after the observation y (..., k), in which NaN is a gap, and what was learned."""
        ...


@dataclass(frozen=True, eq=False)
class Cycle:
    """One forecast and one analysis.

    Attributes
    ----------
    forecast, analysis : State
        The belief before and after the observation.
    update : Update
        What the analysis learned.
    alive : boolean array of shape (...)
        Which runs of the batch have not diverged; the others go on from their last sound state, and mean nothing.
    """

    forecast: Any
    analysis: Any
    update: Update
    alive: np.ndarray


def cycles(
    filter: Filter, y: Array, rng: np.random.Generator | None = None, *, after: Cycle | None = None
) -> Iterator[Cycle]:
    """Yield the forecast and the analysis of each observation in turn, by algorithm :prf:ref:`alg-filter`.

    Parameters
    ----------
    filter : Filter
        What to run.
    y : array of shape (..., T, k)
        The observations; NaN is a gap, and a time of gaps alone is a pure forecast. NumPy or torch.
    rng : numpy.random.Generator
        The source of randomness, for filters that draw. From the seed of the truth, members would repeat it.
    after : Cycle
        The last cycle of a run that was stopped: go on from there with the observations that are left.

    Raises
    ------
    TypeError
        If y is no array.
    ValueError
        If y does not fit the system or holds an infinity, `after` is of another batch, or the filter draws and has no
        Generator.
    """
    y = observations("run", filter.system, y)
    batch = tuple(y.shape[:-2])
    if after is not None and after.alive.shape != batch:
        raise ValueError(f"cycles(): after is of a batch of shape {after.alive.shape}, but that of y is {batch}")
    if after is None:
        state, alive = filter.init(batch, rng, y), np.ones(batch, bool)
    else:
        state, alive = after.analysis, after.alive
    times = namespace(y).stack([y[..., t, :] for t in range(y.shape[-2])]) if y.shape[-2] else []
    for seen in times:  # each of them in one piece of memory
        with np.errstate(over="ignore", invalid="ignore"):  # what diverges is recorded, not warned of
            forecast, alive = _settled(filter.forecast(state, rng), state, alive)
            analysis, update = filter.analyse(forecast, seen, rng)
            state, alive = _settled(analysis, forecast, alive)
        yield Cycle(forecast, state, update, alive)


@dataclass(frozen=True, eq=False)
class FilterResult:
    """What a filter believed, cycle by cycle; the time axis comes before the last axes of each array.

    A run has diverged where a mean or a standard deviation is NaN or beyond 1e10, in whatever units the state has. It
    is NaN from that cycle on: no score can be made of it by accident.

    Attributes
    ----------
    analysis, forecast : State
        The beliefs after and before each observation: mean and std (..., T, n), and what else was kept of them.
    update : Update
        log_evidence (..., T), innovation (..., T, k), chi2 (..., T) and count (..., T).
    survived : array of shape (...)
        The number of cycles before the run diverged: T if it did not.
    """

    analysis: Any
    forecast: Any
    update: Update
    survived: np.ndarray

    @property
    def mean(self) -> Array:
        """The analysis means, of shape (..., T, n)."""
        return self.analysis.mean

    @property
    def std(self) -> Array:
        """The standard deviations of the analyses, of shape (..., T, n)."""
        return self.analysis.std

    @property
    def cov(self) -> Array:
        """The covariances of the analyses, of shape (..., T, n, n), if the states were kept."""
        return self._whole("cov")

    @property
    def ensemble(self) -> Array:
        """The analysis members, of shape (..., T, N, n), if the states were kept and are ensembles."""
        return self._whole("members")

    def _whole(self, name: str) -> Array:
        if isinstance(self.analysis, Summary):
            raise AttributeError(
                f"only means and standard deviations were kept; run() with keep=True keeps {name}, too"
            )
        return getattr(self.analysis, name)

    @property
    def log_evidence(self) -> Array:
        """log p(y₁, ..., y_T) of each run, of shape (...), under the filter's forecasts."""
        return namespace(self.update.log_evidence).sum(self.update.log_evidence, axis=-1)


def run(
    filter: Filter,
    y: Array,
    rng: np.random.Generator | None = None,
    *,
    keep: bool = True,
    progress: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> FilterResult:
    """Run a filter through all observations.

    The units should be such that states stay far below 1e10: what is beyond is taken for diverged.

    Parameters
    ----------
    filter, y, rng
        As for :func:`cycles`; at least one time.
    keep : bool
        Whether to keep whole beliefs (covariances, ensembles), or only means and standard deviations: long runs of
        ensembles need a lot of memory otherwise.
    progress : bool
        Whether to show a bar.
    checkpoint : path
        A file that holds what is known so far. It is written about once a minute, and when the run is interrupted
        or fails; then the Generator is put back to where it was at the start. The same call goes on from there, and
        returns bit for bit what it would have returned. When the run is complete, the file is removed. It keeps
        numbers, not gradients.

    Raises
    ------
    TypeError
        If y is no array.
    ValueError
        If y does not fit the system or holds an infinity, the filter draws and has no Generator, or the checkpoint
        is damaged or belongs to another run: another filter, other observations, another Generator or `keep`.

    Examples
    --------
    >>> from mlpc.assimilation import KalmanFilter, Linear2D, twin_experiment
    >>> x, y = twin_experiment(Linear2D(), 50, np.random.default_rng(0))
    >>> result = run(KalmanFilter(Linear2D()), y)
    >>> result.mean.shape, result.cov.shape, int(result.survived)
    ((50, 2), (50, 2, 2), 50)
    """
    y = observations("run", filter.system, y)
    if y.shape[-2] == 0:
        raise ValueError("run(): y holds no time at all, but at least one is needed")
    bar = partial(tqdm, total=y.shape[-2], disable=not progress, unit="cycle")
    if checkpoint is None:
        return _result([_kept(cycle, keep) for cycle in bar(cycles(filter, y, rng))])
    parts = {"filter": filter, "observations": y, "Generator": rng if rng is None else drawing(rng), "keep": keep}
    file = Checkpoint(checkpoint, {name: identity(part) for name, part in parts.items()}, y)
    result = _result(_recorded(file, filter, y, rng, keep, bar))
    file.remove()
    return result


def _recorded(file: Checkpoint, filter: Filter, y: Array, rng: Any, keep: bool, bar: Any) -> list[Cycle]:
    """Return all cycles, those in the file and those to come; whatever happens, the file holds the complete ones."""
    at_start, known = _position(rng), None
    kept, last = _restored(file, rng)
    try:
        for cycle in bar(cycles(filter, y[..., len(kept) :, :], rng, after=last), initial=len(kept)):
            kept.append(_kept(cycle, keep))
            known = (len(kept), cycle, _position(rng))  # one assignment: an interruption finds the old one or the new
            if file.due:
                file.write(_content(kept, *known))
    except BaseException:
        try:
            if known is not None:
                file.write(_content(kept, *known))
        finally:
            if rng is not None:
                rng.bit_generator.state = at_start
        raise
    return kept


def _position(rng: np.random.Generator | None) -> Any:
    return None if rng is None else rng.bit_generator.state


def _content(kept: list[Cycle], count: int, last: Cycle, generator: Any) -> dict[str, Any]:
    """Return what a run needs to go on after some of its cycles."""
    series = {name: _stacked([getattr(cycle, name) for cycle in kept[:count]]) for name in PARTS}
    alive = np.stack([cycle.alive for cycle in kept[:count]], axis=-1)
    return {**series, "alive": alive, "state": last.analysis, "generator": generator}


def _restored(file: Checkpoint, rng: np.random.Generator | None) -> tuple[list[Cycle], Cycle | None]:
    """Return the cycles in a file, and the last one with its whole belief; put the Generator to where it was then."""
    content = file.read()
    if content is None:
        return [], None
    if rng is not None:
        rng.bit_generator.state = content["generator"]
    alive = content["alive"]
    kept = [
        Cycle(**{name: _at(content[name], t) for name in PARTS}, alive=alive[..., t]) for t in range(alive.shape[-1])
    ]
    return kept, replace(kept[-1], analysis=content["state"])


CORE = {"mean": 1, "std": 1, "cov": 2, "root": 2, "members": 2, "window": 3, "log_weights": 1, "innovation": 1}
"""How many last axes of a field belong to one time; the others are of the batch. Those not named here are numbers."""

PARTS = ("forecast", "analysis", "update")


def _result(kept: list[Cycle]) -> FilterResult:
    """Return the cycles as arrays over time; what came after a divergence becomes NaN."""
    alive = np.stack([cycle.alive for cycle in kept], axis=-1)
    parts = {name: _stacked([getattr(cycle, name) for cycle in kept]) for name in PARTS}
    if not alive.all():
        parts = {name: _mapped(partial(_masked, alive), part) for name, part in parts.items()}
    return FilterResult(**parts, survived=np.asarray(alive.sum(axis=-1)))


def _stacked(series: list[Any]) -> Any:
    """Return one dataclass of arrays with a time axis, from a list of such without."""
    return _mapped(lambda core, *values: _over_time(values, core), *series)


def _over_time(values: Sequence[Array], core: int) -> Array:
    xp, shape = namespace(values[0]), max((value.shape for value in values), key=len)
    full = [value if value.shape == shape else xp.broadcast_to(value, shape) for value in values]
    return xp.moveaxis(xp.stack(full), 0, -core - 1)  # written in the order of time, which is fast, and seen in ours


def _at(series: Any, t: int) -> Any:
    """Return the dataclass of one time, from one of arrays with a time axis."""
    return _mapped(lambda core, values: values[(..., t, *(slice(None),) * core)], series)


def _mapped(function: Callable[..., Array], first: Any, *others: Any) -> Any:
    """Return a dataclass whose fields are the function's values for the number of core axes and these dataclasses'."""
    names = [field.name for field in fields(first)]
    return replace(
        first,
        **{name: function(CORE.get(name, 0), *(getattr(one, name) for one in (first, *others))) for name in names},
    )


def _masked(living: np.ndarray, core: int, value: Array, other: Array | None = None) -> Array:
    """Return the value where runs live, else the other, or NaN."""
    xp = namespace(value)
    mask = xp.asarray(living.reshape(*living.shape, *(1,) * core), device=device(value))
    return xp.where(mask, value, xp.full_like(value, xp.nan) if other is None else other)


def _kept(cycle: Cycle, whole: bool) -> Cycle:
    """Return what is kept of a cycle."""
    if whole:
        return cycle
    forecast, analysis = (Summary(state.mean, state.std) for state in (cycle.forecast, cycle.analysis))
    return replace(cycle, forecast=forecast, analysis=analysis)


def _settled(new: Any, old: Any, alive: np.ndarray) -> tuple[Any, np.ndarray]:
    """Return the new state and which runs are alive; those that have diverged keep the old state, and go on from it."""
    xp = namespace(new.mean)
    size, scale = xp.abs(new.mean), new.scale if hasattr(new, "scale") else new.std
    if xp.max(size) < LARGEST and xp.max(scale) < LARGEST:  # False for NaN
        return new, alive
    sound = np.asarray(numpy(xp.all((size < LARGEST) & (scale < LARGEST), axis=-1)) & alive)
    return _mapped(partial(_frozen, sound), new, old), sound


def _frozen(sound: np.ndarray, core: int, value: Array, before: Array) -> Array:
    """Return the value where it is sound, else the one before; what the whole batch shares stays shared."""
    if value.ndim == before.ndim == core < core + sound.ndim:
        return value if sound.any() else before
    return _masked(sound, core, value, before)


def observations(asked: str, system: System, y: Array) -> Array:
    """Return the observations (..., T, k) of a system, checked, or raise a `TypeError` or a `ValueError`.

    >>> from mlpc.assimilation import Linear2D
    >>> observations("run", Linear2D(), np.zeros(2))
    Traceback (most recent call last):
    ValueError: run(): y has shape (2,), but (..., T, k) = (..., T, 2) is needed: one row for each time
    """
    try:
        xp, k = namespace(y), system.observation.k
    except TypeError:
        raise TypeError(f"{asked}(): y must be an array of NumPy or torch, but is a {type(y).__name__}") from None
    if y.ndim < 2 or y.shape[-1] != k:
        raise ValueError(
            f"{asked}(): y has shape {tuple(y.shape)}, but (..., T, k) = (..., T, {k}) is needed: one row for each time"
        )
    if 0 in y.shape[:-2]:
        raise ValueError(f"{asked}(): y has shape {tuple(y.shape)}: a batch of no run at all")
    if y.dtype not in (xp.float32, xp.float64):
        raise ValueError(f"{asked}(): y has dtype {y.dtype}, but float32 or float64 is needed; NaN is a gap")
    if xp.any(xp.isinf(y)):
        raise ValueError(f"{asked}(): y holds an infinity; a missing observation is NaN")
    return y
