"""The iterative ensemble Kalman smoother: 4D-Var in the space of an ensemble, which tells the tangents, too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from mlpc.assimilation.backends import Array, apply, drawing, like, namespace, numpy, whole
from mlpc.assimilation.descent import refuse_unless_it_ends
from mlpc.assimilation.ensembles import (
    ETKF,
    complement,
    plus_identity,
    rotation,
    solve_lower,
    symmetric,
    triangular,
)
from mlpc.assimilation.filtering import LARGEST, Ensemble, Update
from mlpc.assimilation.inflation import Inflation
from mlpc.assimilation.systems import System
from mlpc.basics.covariances import root


@dataclass(frozen=True, eq=False)
class Lagged(Ensemble):
    """An ensemble with memory: `members` (..., N, n) of now, and `window` (..., L, N, n) of the L times before.

    After an analysis the window is smoothed by it; times before x₀ are NaN.
    """

    window: Array


class Solution(NamedTuple):
    """The minimum of a linearised cost ‖u‖² + ‖d - Zᵀ u‖², for Z (..., m, k) and d (..., k), with I + Z Zᵀ = F Fᵀ."""

    Z: Array
    d: Array
    F: Array
    u: Array

    @classmethod
    def of(cls, Z: Array, d: Array) -> Solution:
        """Return the minimum."""
        F = plus_identity(Z @ Z.mT)
        u = solve_lower(F, solve_lower(F, apply(Z, d)[..., None]), transposed=True)
        return cls(Z, d, F, u[..., 0])

    @property
    def cost(self) -> Array:
        """Twice the least cost, of shape (...)."""
        xp = namespace(self.u)
        return xp.sum((self.d - apply(self.Z.mT, self.u)) ** 2, axis=-1) + xp.sum(self.u**2, axis=-1)

    @property
    def logdet(self) -> Array:
        """log det (I + Z Zᵀ), of shape (...)."""
        return 2 * namespace(self.F).sum(namespace(self.F).log(namespace(self.F).linalg.diagonal(self.F)), axis=-1)


@dataclass(frozen=True, eq=False)
class IEnKS(ETKF):
    """The iterative ensemble Kalman smoother, with the model's noise in the control: IEnKS-Q.

    It is the ETKF with two things more: a window that begins before the observation, and iterations.

    At time t the window reaches back to x_{t-L}. Its members span the controls w, which have the prior N(0, I), and the
    noise of the last step has a control of its own, v, in units of Q. Gauss-Newton steps minimise

        (‖w‖² + ‖v‖² + ‖R⁻¹ᐟ² (y_t - h(x_t(w, v)))‖²) / 2,

    by :eq:`eq-ienks-cost`; in each, the ensemble, drawn together to the spread that the last step found, is pushed
    through the model again and tells the tangents, by :eq:`eq-ienks-step`. Each observation is used once. With Q = 0
    the control v is empty and this is the IEnKS; that is why one class serves both. With a lag of 0 there is no model
    in the window: noise is drawn in the forecast, as in the ETKF, and iterations serve a nonlinear h. A step is halved
    only where the members leave the range of numbers: the ensemble's cost is too rough to be a judge of steps.

    With noise, the posterior has more directions than the ensemble: the N - 1 largest principal ones of x_{t-L+1}, ...,
    x_t are kept.

    Parameters
    ----------
    system, N, rotate, exact
        As for :class:`ETKF`.
    inflation : float or Inflation
        A factor for the anomalies of the window's controls before each forecast, or a strategy; one that looks at the
        departures does so at the first step.
    lag : int
        L, the number of cycles that the window reaches back.
    iterations : int
        The largest number of steps.
    tolerance : float
        Stop when the root mean square of a step's change of the controls is below this.

    Raises
    ------
    ValueError
        If there are fewer than two members, too few for exact moments, or not at least one iteration, or the lag or the
        tolerance is negative; from `run`, if there is no Generator.
    TypeError
        If the inflation is neither a number nor a strategy.

    References
    ----------
    Sakov, Oliver and Bertino, Monthly Weather Review 140 (2012), with a lag of 1; Bocquet and Sakov, Quarterly Journal
    of the Royal Meteorological Society 140 (2014); with noise Sakov, Haussaire and Bocquet, ibid. 144 (2018), and
    Fillion, Bocquet, Gratton, Gürol and Sakov, SIAM/ASA Journal on Uncertainty Quantification 8 (2020).

    Examples
    --------
    >>> from mlpc.assimilation import Lorenz96, run, twin_experiment
    >>> rng = np.random.default_rng(0)
    >>> x, y = twin_experiment(Lorenz96(), 100, rng)
    >>> result = run(IEnKS(Lorenz96(), N=30, inflation=1.02, rotate=True), y, rng)
    >>> result.ensemble.shape, result.analysis.window.shape
    ((100, 30, 40), (100, 1, 30, 40))
    >>> bool(np.mean((result.mean[50:] - x[51:]) ** 2) < 0.07)
    True
    """

    lag: int = 1
    iterations: int = 10
    tolerance: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        if whole("IEnKS", "lag", self.lag) < 0:
            raise ValueError(f"IEnKS(): lag must not be negative, but is {self.lag}")
        refuse_unless_it_ends("IEnKS", self.iterations, self.tolerance)

    def init(self, batch: tuple[int, ...], rng: np.random.Generator | None, beside: Array) -> Lagged:
        """Return members drawn from the law of x₀, and an empty memory."""
        members = super().init(batch, rng, beside).members
        memory = np.full((*batch, self.lag, self.N, self.system.n), np.nan)
        return Lagged(members, like(members, memory))

    def forecast(self, state: Lagged, rng: np.random.Generator | None) -> Lagged:  # type: ignore[override]
        """Return the members one cycle later, and the window before them, inflated."""
        xp = namespace(state.members)
        if self.lag == 0:
            return Lagged(super().forecast(state, rng).members, state.window)
        past = xp.concat([state.window[..., 1:, :, :], state.members[..., None, :, :]], axis=-3)
        lost, steps = _split(past)
        controls = self._controls(steps)
        inflated = self.inflation.forecast(controls)
        if inflated is not controls:
            path = _path(self.system, inflated, steps.shape[-3] - 1)
            past = xp.concat([lost, xp.stack(path, axis=-3)], axis=-3)
        members = self.system.step(past[..., -1, :, :])
        return Lagged(self._noisy(members, drawing(rng)) if self.system.noisy else members, past)

    def analyse(  # type: ignore[override]
        self, state: Lagged, y: Array, rng: np.random.Generator | None
    ) -> tuple[Lagged, Update]:
        """Return the window given the observation, and its evidence by Laplace's method."""
        xp, observation = namespace(y), self.system.observation
        window, path = self._window(state, y)
        window, solution, sound = window.minimum(path, self.inflation, self.iterations, self.tolerance)
        turn = like(y, rotation(self.N - 1, drawing(rng))) if self.rotate else None
        *past, members = window.posterior(solution, path, turn, self.inflation)
        members = _where(sound, members, xp.full_like(members, xp.nan))
        lost, _ = _split(state.window)
        past = xp.concat([lost, xp.stack(past, axis=-3)], axis=-3) if past else lost
        evidence = -(observation.log_volume(y, ~xp.isnan(y)) + solution.logdet + solution.cost) / 2
        count = xp.sum(xp.astype(~xp.isnan(y), y.dtype), axis=-1)
        innovation = y - xp.mean(observation(state.members), axis=-2)
        return Lagged(members, past), Update(evidence, innovation, solution.cost, count)

    def _window(self, state: Lagged, y: Array) -> tuple[_Window, list[Array]]:
        """Return the window before the observation, and the members' path through it, without the last noise."""
        noisy, (_, past) = self.system.noisy and self.lag > 0, _split(state.window)
        path, controls = [past[..., t, :, :] for t in range(past.shape[-3])], state.members
        G = root("IEnKS", "Q", self.system.Q)[0].T if noisy else np.zeros((0, self.system.n))
        path.append(self.system.step(path[-1]) if noisy else state.members)
        if self.lag > 0:
            controls = self._controls(past)
        mean, U = namespace(y).mean(controls, axis=-2), like(y, complement(self.N))
        A = U.mT @ controls / (self.N - 1) ** 0.5
        return _Window(self.system, y, len(path) - 1, mean, A, like(y, G), U), path

    def _controls(self, past: Array) -> Array:
        """Return what determines the states of each member (..., l, N, n): the first, and the noise of the others."""
        xp, parts = namespace(past), [past[..., 0, :, :]]
        if self.system.noisy and past.shape[-3] > 1:
            noise = past[..., 1:, :, :] - self.system.step(past[..., :-1, :, :])
            parts += [noise[..., t, :, :] for t in range(noise.shape[-3])]
        return xp.concat(parts, axis=-1)


@dataclass(frozen=True, eq=False)
class _Window:
    """What an analysis minimises over: v, the last step's noise, and w, the weights of the members' controls.

    The controls of a window of `steps` cycles have the mean (..., c) and, in the complement U (N, N - 1) of the ones,
    the anomalies A (..., N - 1, c); their first n components are x_{t-L}, the others noise. The last noise is vᵀ G.
    """

    system: System
    y: Array
    steps: int
    mean: Array
    A: Array
    G: Array
    U: Array

    @property
    def q(self) -> int:
        """The length of v; in u = (v, w) it comes first, so that the last block of F is that of w alone."""
        return self.G.shape[-2]

    @property
    def scale(self) -> float:
        """√(N - 1)."""
        return self.U.shape[-1] ** 0.5

    def minimum(
        self, path: list[Array], inflation: Inflation, iterations: int, tolerance: float
    ) -> tuple[_Window, Solution, Array]:
        """Return the window with its anomalies inflated, the last step's solution, and which runs stayed finite."""
        xp = namespace(self.y)
        Z, d, sound = self.linearised(path[-1], None)
        window, Z = self.inflated(inflation, Z, d)
        solution, resting = Solution.of(Z, d), ~sound
        base = xp.zeros_like(solution.u)
        for _ in range(iterations - 1):
            *_, last = window.path(solution, window.drawn(solution))
            Z, d, finite = window.linearised(last, solution)
            back = solution._replace(u=(base + solution.u) / 2)
            new = Solution(*(_where(finite, *pair) for pair in zip(Solution.of(Z, d), back, strict=True)))
            moved = xp.mean((new.u - solution.u) ** 2, axis=-1) ** 0.5
            base = _where(finite, solution.u, base)
            solution = Solution(*(_where(resting, *pair) for pair in zip(solution, new, strict=True)))
            resting = resting | (moved <= tolerance)
            if xp.all(resting):
                break
        return window, solution, sound

    def inflated(self, inflation: Inflation, Z: Array, d: Array) -> tuple[_Window, Array]:
        """Return the window and Z after inflation in view of the departures, whose covariance the noise is part of."""
        if type(inflation).prior is Inflation.prior:
            return self, Z
        noise, Y = Z[..., : self.q, :], self.U @ Z[..., self.q :, :]
        L = plus_identity(noise.mT @ noise)
        whitened = solve_lower(L, namespace(Z).concat([Y.mT, d[..., None]], axis=-1))
        X, Y = inflation.prior(self.U @ self.A, whitened[..., :-1].mT, whitened[..., -1])
        Z = namespace(Z).concat([noise, self.U.mT @ Y @ L.mT], axis=-2)
        return replace(self, A=self.U.mT @ X), Z

    def drawn(self, solution: Solution) -> Array:
        """Return the controls' anomalies after the analysis, by a root of their covariance that is triangular."""
        return solve_lower(solution.F[..., self.q :, self.q :], self.A)

    def path(self, solution: Solution, anomalies: Array) -> list[Array]:
        """Return the members' states from the window's first time to its last, for these anomalies of the controls."""
        v, w = solution.u[..., : self.q], solution.u[..., self.q :]
        controls = (self.mean + apply(self.A.mT, w))[..., None, :] + self.scale * (self.U @ anomalies)
        *states, last = _path(self.system, controls, self.steps)
        return [*states, last + apply(self.G.mT, v)[..., None, :] if self.q else last]

    def linearised(self, last: Array, about: Solution | None) -> tuple[Array, Array, Array]:
        """Return Z and d by the members at the last time, that a solution leads to, and which of them are finite."""
        xp, observation = namespace(last), self.system.observation
        seen, h = ~xp.isnan(self.y), observation(last)
        mean = xp.mean(h, axis=-2)
        d = observation.whitened(self.y - mean, seen)
        Z = self.U.mT @ observation.whitened(h - mean[..., None, :], seen[..., None, :]) / self.scale
        Z = Z if about is None else about.F[..., self.q :, self.q :] @ Z
        if self.q:
            _, H = observation.tangent(xp.mean(last, axis=-2))
            noise = observation.whitened(self.G @ H.mT, seen[..., None, :])
            Z = xp.concat([xp.broadcast_to(noise, (*Z.shape[:-2], *noise.shape[-2:])), Z], axis=-2)
        d = d if about is None else d + apply(Z.mT, about.u)
        sound = xp.all(xp.abs(Z) < LARGEST, axis=(-2, -1)) & xp.all(xp.abs(d) < LARGEST, axis=-1)
        return _where(sound, Z, xp.zeros_like(Z)), _where(sound, d, xp.zeros_like(d)), sound

    def posterior(
        self, solution: Solution, prior: list[Array], turn: Array | None, inflation: Inflation
    ) -> list[Array]:
        """Return the members of the analysis at each time of the window."""
        if self.q == 0:
            change = (symmetric if turn is None else triangular)(self.A, solution.Z, solution.d)
            after = inflation.analysis(self.A, change[1])
            return self.path(solution, after if turn is None else turn @ after)
        n, path = self.system.n, _joined(self.path(solution, self.drawn(solution)))
        before, mean = _joined(prior), namespace(path).mean(path, axis=-2, keepdims=True)
        modes = solve_lower(solution.F, self.modes(path, solution.F[..., self.q :, self.q :]))
        after = _principal(modes, n, self.U.mT @ before, turn)
        path = mean + self.scale * (self.U @ inflation.analysis(self.modes(before, None), after))
        return [path[..., t * n : (t + 1) * n] for t in range(self.steps + 1)]

    def modes(self, path: Array, F: Array | None) -> Array:
        """Return the anomalies of the states, all times side by side: of v, which moves the last one, and of w."""
        xp = namespace(path)
        of_w = self.U.mT @ path / self.scale
        of_w = of_w if F is None else F @ of_w
        of_v = np.zeros((*of_w.shape[:-2], self.q, of_w.shape[-1]))
        of_v = like(path, of_v) + xp.concat([xp.zeros_like(self.G)] * self.steps + [self.G], axis=-1)
        return xp.concat([of_v, of_w], axis=-2)


def _principal(modes: Array, n: int, toward: Array, turn: Array | None) -> Array:
    """Return as many anomalies as there are `toward`, with most of the covariance of the modes (..., m, c).

    The largest principal directions of all but the first n components come first, then those of what they leave in the
    first n, the state that no forecast will start from. They are mixed by the orthogonal matrix `turn`, or by the one
    that brings them nearest to the anomalies `toward`.
    """
    xp, count = namespace(modes), toward.shape[-2]
    rank = min(modes.shape[-2], modes.shape[-1] - n)
    left, _, _ = xp.linalg.svd(modes[..., n:], full_matrices=rank < count)
    kept = left[..., : min(rank, count)].mT @ modes
    if rank < count:
        rest = left[..., rank:].mT @ modes
        left, _, _ = xp.linalg.svd(rest[..., :n], full_matrices=False)
        kept = xp.concat([kept, left[..., : count - rank].mT @ rest], axis=-2)
    if turn is not None:
        return turn[:, : kept.shape[-2]] @ kept
    P, _, Vt = xp.linalg.svd(toward @ kept.mT, full_matrices=False)
    return P @ (Vt @ kept)


def _path(system: System, controls: Array, steps: int) -> list[Array]:
    """Return the states that controls (..., c) lead to: the first n components, and noise after steps that have it."""
    n = system.n
    states = [controls[..., :n]]
    for t in range(1, steps + 1):
        x = system.step(states[-1])
        states.append(x + controls[..., t * n : (t + 1) * n] if t * n < controls.shape[-1] else x)
    return states


def _joined(path: list[Array]) -> Array:
    """Return the states of all times side by side; zeros for a run that is not finite."""
    xp = namespace(path[0])
    joined = xp.concat(path, axis=-1)
    return _where(xp.all(xp.isfinite(joined), axis=(-2, -1)), joined, xp.zeros_like(joined))


def _split(past: Array) -> tuple[Array, Array]:
    """Return the part of a memory (..., L, N, n) that is before x₀ for all runs, and the rest."""
    xp = namespace(past)
    known = numpy(~xp.isnan(past[..., 0, 0]))
    lost = int((~known.any(axis=tuple(range(known.ndim - 1)))).sum())
    return past[..., :lost, :, :], past[..., lost:, :, :]


def _where(runs: Array, here: Array, there: Array) -> Array:
    """Return one array for the runs (...) that are chosen, the other elsewhere."""
    return namespace(here).where(runs[(..., *(None,) * (here.ndim - runs.ndim))], here, there)
