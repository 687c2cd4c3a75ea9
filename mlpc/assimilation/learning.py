"""What a linear system is, learned from observations alone: expectation-maximisation over its hidden states.

All numbers are NumPy's: the M step has a closed form, so that nothing has to be differentiated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlpc.assimilation.filtering import run
from mlpc.assimilation.kalman import KalmanFilter, sandwich
from mlpc.assimilation.smoothing import Smoothed, rts_smoother
from mlpc.assimilation.systems import LinearSystem
from mlpc.basics import Collapse, Gaussian
from mlpc.basics.covariances import cholesky
from mlpc.basics.missing import observations

LEARNABLE = ("M", "Q", "R", "start")
LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class PathStatistics:
    """What the M step has to know of the posterior q of the hidden paths: sums over N series and T times.

    With the M of the model whose E step this is, w_t = x_t - M x_{t-1} and ε_t = y_t - H x_t:

    Attributes
    ----------
    M : array of shape (n, n)
        That of the model.
    series : int
        N.
    start_mean, start_scatter : arrays of shapes (n,) and (n, n)
        The mean of E[x₀] over the series, and Σ E[(x₀ - mean)(x₀ - mean)ᵀ].
    steps : int
        N T.
    xx, wx, ww : arrays of shape (n, n)
        Σ E[x_{t-1} x_{t-1}ᵀ], Σ E[w_t x_{t-1}ᵀ] and Σ E[w_t w_tᵀ].
    counts : array of shape (k,), or () if R is a matrix
        How many entries of ε were seen, or how many times at least one was.
    errors : array of shape (k,), or (k, k)
        Σ E[ε²] over those entries, or Σ E[ε εᵀ] over those times, unseen entries as the seen ones let expect them.
    log_likelihood, entropy : float
        Of that model, and of q, in nats; of q up to what no model that is learned can change.
    """

    M: np.ndarray
    series: int
    start_mean: np.ndarray
    start_scatter: np.ndarray
    steps: int
    xx: np.ndarray
    wx: np.ndarray
    ww: np.ndarray
    counts: np.ndarray
    errors: np.ndarray
    log_likelihood: float
    entropy: float


@dataclass(frozen=True, eq=False)
class LinearGaussianModel:
    """A linear system whose M, Q, R or start are to be learned by :func:`mlpc.basics.fit_em`.

    H stays what it is: without it no data could tell one basis of the hidden state from another.

    Parameters
    ----------
    system : LinearSystem
        Where to start. Where R is a vector of variances, the errors stay independent.
    learns : tuple of names
        Those of "M", "Q", "R" and "start" (the mean and covariance of x₀) that are learned; the others stay. The
        covariance of x₀ can be learned from several series only: with one it shrinks to nothing.

    Raises
    ------
    TypeError
        If the system is not linear.
    ValueError
        If there is nothing to learn, or no such thing.
    numpy.linalg.LinAlgError
        If Q is singular while M or Q is learned, or the covariance of x₀ while the start is.

    References
    ----------
    Shumway and Stoffer, Journal of Time Series Analysis 3 (1982).

    Examples
    --------
    >>> from mlpc.assimilation import Linear2D, twin_experiment
    >>> from mlpc.basics import fit_em
    >>> x, y = twin_experiment(Linear2D(), 40, np.random.default_rng(0), batch=(20,))
    >>> model, history = fit_em(LinearGaussianModel(Linear2D(sigma_r=0.5), learns=("R",)), y, tol=1e-6)
    >>> bool(np.allclose(np.sqrt(model.system.observation.R), 0.1, rtol=0.1))
    True
    """

    system: LinearSystem
    learns: tuple[str, ...] = ("Q", "R")

    def __post_init__(self) -> None:
        if not self.learns or not set(self.learns) <= set(LEARNABLE):
            raise ValueError(f"LinearGaussianModel(): learns must name some of {LEARNABLE}, but is {self.learns!r}")
        KalmanFilter(self.system)  # refuses a nonlinear system
        if {"M", "Q"} & set(self.learns):
            cholesky("LinearGaussianModel", "Q", self.system.Q)
        if "start" in self.learns:
            cholesky("LinearGaussianModel", "start.cov", self.system.start.cov)

    def e_step(self, y: Any) -> PathStatistics:
        """Return the statistics of the posterior q of the hidden paths, from filter and smoother.

        Parameters
        ----------
        y : array of shape (..., T, k)
            The observations of times 1, ..., T of each series; NaN is a gap.

        Raises
        ------
        ValueError
            If y does not fit the system, holds an infinity, or nothing but gaps, or the filter diverges.
        """
        y = np.asarray(y)
        filtered = run(KalmanFilter(self.system), y)
        if not np.isfinite(filtered.log_evidence).all():
            raise ValueError(
                f"e_step(): the filter has diverged after {filtered.survived.min()} of {y.shape[-2]} cycles; another "
                "system to begin with would work, or units in which the states are far below 1e10"
            )
        smoothed = _flat(rts_smoother(self.system, filtered))
        counts, errors = self._errors(y.reshape(-1, *y.shape[-2:]), smoothed)
        start, steps = _start(smoothed), _steps(self.system.M, smoothed)
        evidence = float(np.sum(filtered.log_evidence))
        statistics = PathStatistics(self.system.M, *start, *steps, counts, errors, evidence, 0.0)
        return replace(statistics, entropy=evidence - self._expected_log_joint(statistics))

    def m_step(self, statistics: PathStatistics) -> LinearGaussianModel:
        """Return the model that maximises the lower bound, by :eq:`eq-ssm-m-step-model` to :eq:`eq-ssm-m-step-r`.

        Parameters
        ----------
        statistics : PathStatistics
            From an E step.

        Raises
        ------
        Collapse
            If a covariance that is learned becomes singular, or M is to be learned from states that leave parts of the
            space out.
        """
        s, system, start = statistics, self.system, self.system.start
        M, Q, observation = system.M, system.Q, system.observation
        if "M" in self.learns:
            M = s.M + _solved(s.xx, s.wx.T).T  # eq-ssm-m-step-model
        if "Q" in self.learns:
            Q = _definite("Q", _noise_scatter(s, M) / s.steps)  # eq-ssm-m-step-q
        if "R" in self.learns:
            R = s.errors / np.maximum(s.counts, 1)  # eq-ssm-m-step-r
            R = np.where(s.counts > 0, R, observation.R)  # of what was never seen, nothing is learned
            observation = replace(observation, R=_definite("R", R))
        if "start" in self.learns:
            start = Gaussian(s.start_mean, _definite("the covariance of the start", s.start_scatter / s.series))
        return replace(self, system=LinearSystem(observation, start, M=M, Q=Q))

    def lower_bound(self, statistics: PathStatistics) -> float:
        """Return L(θ, q) in nats for this model's θ and any q.

        Parameters
        ----------
        statistics : PathStatistics
            From the E step of this model, where L is the log-likelihood, or of one that differs in what is learned.
        """
        return self._expected_log_joint(statistics) + statistics.entropy

    def log_likelihood(self, y: Any) -> float:
        """Return log p(y) of all series together, in nats."""
        return float(np.sum(run(KalmanFilter(self.system), np.asarray(y), keep=False).log_evidence))

    def _expected_log_joint(self, statistics: PathStatistics) -> float:
        """Return those terms of E log p(x, y | θ) under q that learning can change."""
        s, system, total = statistics, self.system, 0.0
        if "start" in self.learns:
            shift = s.start_mean - system.start.mean
            total += _log_densities(s.series, system.start.cov, s.start_scatter + s.series * np.outer(shift, shift))
        if {"M", "Q"} & set(self.learns):
            total += _log_densities(s.steps, system.Q, _noise_scatter(s, system.M))
        if "R" in self.learns and s.errors.ndim == 1:
            R = system.observation.R
            total -= float((s.counts * (LOG_2PI + np.log(R)) + s.errors / R).sum()) / 2
        elif "R" in self.learns:
            total += _log_densities(float(s.counts), system.observation.R, s.errors)
        return total

    def _errors(self, y: np.ndarray, smoothed: Smoothed) -> tuple[np.ndarray, np.ndarray]:
        """Return counts and errors for the observations (N, T, k)."""
        H, R, k = self.system.observation.H, self.system.observation.R, y.shape[-1]
        rows = observations("e_step", y.reshape(-1, k), k)
        if R.ndim == 1:
            seen = ~np.isnan(y)
            squares = np.where(seen, y - smoothed.mean[:, 1:] @ H.T, 0) ** 2
            spread = np.where(seen, ((H @ smoothed.cov[..., 1:, :, :]) * H).sum(axis=-1), 0)
            return seen.sum(axis=(0, 1)), (squares + spread).sum(axis=(0, 1))
        errors = np.zeros((k, k))
        for pattern in rows.patterns:
            o, here = pattern.columns, np.zeros(len(rows.x), bool)
            here[pattern.rows] = True
            here = here.reshape(y.shape[:2])
            r = y[here][:, o] - smoothed.mean[:, 1:][here] @ H[o].T
            weights = here if smoothed.cov.ndim > 3 else here.sum(axis=0)
            P = np.tensordot(weights, smoothed.cov[..., 1:, :, :], axes=weights.ndim)
            fill = np.linalg.solve(R[np.ix_(o, o)], R[o]).T  # E[ε | ε_o] = fill ε_o
            errors += sandwich(fill, r.T @ r + H[o] @ P @ H[o].T) + len(r) * (R - fill @ R[o])
        return np.array(len(rows.x) - len(rows.empty_rows)), errors


def _flat(smoothed: Smoothed) -> Smoothed:
    """Return the laws of all series along one leading axis; covariances that serve all of them have none."""
    covs = (P.reshape(-1, *P.shape[-3:]) if P.ndim > 3 else P for P in (smoothed.cov, smoothed.gain))
    return Smoothed(smoothed.mean.reshape(-1, *smoothed.mean.shape[-2:]), *covs)


def _start(smoothed: Smoothed) -> tuple[int, np.ndarray, np.ndarray]:
    """Return the number of series, and mean and scatter of x₀."""
    x = smoothed.mean[:, 0]
    mean = x.mean(axis=0)
    return len(x), mean, (x - mean).T @ (x - mean) + _total(smoothed.cov[..., :1, :, :], len(x))


def _steps(M: np.ndarray, smoothed: Smoothed) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """Return the number of steps, and Σ E[x xᵀ], Σ E[w xᵀ] and Σ E[w wᵀ] for w = x_t - M x_{t-1} and x = x_{t-1}.

    The noise's own moments are summed, not differences of those of the states: an offset of these costs no digits.
    """
    N, n = len(smoothed.mean), M.shape[0]
    x, w = (a.reshape(-1, n) for a in (smoothed.mean[:, :-1], smoothed.mean[:, 1:] - smoothed.mean[:, :-1] @ M.T))
    P, after = (_total(covs, N) for covs in (smoothed.cov[..., :-1, :, :], smoothed.cov[..., 1:, :, :]))
    lag = _total(smoothed.lag_one, N)
    cross = lag - M @ P  # Σ cov(w, x)
    xx, wx = x.T @ x + P, w.T @ x + cross
    ww = w.T @ w + after - lag @ M.T - M @ lag.T + M @ P @ M.T
    return len(x), xx, wx, ww


def _total(covs: np.ndarray, series: int) -> np.ndarray:
    """Return the sum of covariances (N, T, n, n), or (T, n, n) for all series, over series and times."""
    return covs.sum(axis=tuple(range(covs.ndim - 2))) * (series if covs.ndim == 3 else 1)


def _noise_scatter(s: PathStatistics, M: np.ndarray) -> np.ndarray:
    """Return Σ E[(x_t - M x_{t-1})(x_t - M x_{t-1})ᵀ] for another M."""
    D = M - s.M
    scatter = s.ww - D @ s.wx.T - s.wx @ D.T + D @ s.xx @ D.T
    return (scatter + scatter.T) / 2


def _log_densities(count: float | int, cov: np.ndarray, scatter: np.ndarray) -> float:
    """Return Σ log N(0, cov) over `count` vectors with that scatter."""
    log_det = np.linalg.slogdet(cov)[1]
    return float(-(count * (len(cov) * LOG_2PI + log_det) + np.trace(np.linalg.solve(cov, scatter))) / 2)


def _solved(xx: np.ndarray, xw: np.ndarray) -> np.ndarray:
    """Return xx⁻¹ xw, if the states span the space."""
    try:
        return np.linalg.solve(xx, xw)
    except np.linalg.LinAlgError as error:
        raise Collapse(
            "LinearGaussianModel: M cannot be learned, as the states from which a step is made do not span the space; "
            "longer series would work, or a start of which less is known"
        ) from error


def _definite(name: str, cov: np.ndarray) -> np.ndarray:
    """Return a covariance, or variances, if all is well."""
    cov = (cov + cov.T) / 2
    try:
        cholesky("LinearGaussianModel", name, np.diag(cov) if cov.ndim == 1 else cov)
    except (ValueError, np.linalg.LinAlgError) as error:
        raise Collapse(
            f"LinearGaussianModel: {name} has become singular, so that the likelihood has no maximum or only one at "
            f"the border; fewer things to learn would work, or more data"
        ) from error
    return cov
