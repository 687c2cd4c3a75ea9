"""Expectation-maximisation for Gaussian mixtures: `mlpc.basics.fit_em` beside scikit-learn's `GaussianMixture`.

Both begin with the same parameters, stop by the same rule, add nothing to the covariances, and assign every row to a
component at the end, as scikit-learn's `fit` always does. What they find must be equal before it is timed.

    python -m benchmarks.mixtures CASE CONTENDER      the peak memory of one fit, in MiB
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import sklearn.mixture
from sklearn.exceptions import ConvergenceWarning

from benchmarks.measure import in_turn, own_peak, peak_of_process
from mlpc.basics import GaussianMixture, fit_em

PACKAGES = ("scikit-learn",)
TOLERANCE, MOST_ITERATIONS = 1e-5, 10  # far fewer would measure the start and the end, not the steps
EQUAL = 1e-8  # nats per row: two fits that differ by more are not the same fit
SEEN_BY_START = 5000  # rows; the start shall not need more memory than the fit


@dataclass(frozen=True)
class Case:
    """Data of n rows and d columns from a mixture of K Gaussians, fitted with this kind of covariances."""

    n: int
    d: int
    K: int
    diagonal: bool

    @property
    def name(self) -> str:
        """What the command line calls the case."""
        return f"{self.n}-{self.d}-{self.K}-{'diagonal' if self.diagonal else 'full'}"

    @property
    def label(self) -> str:
        """What a reader calls it."""
        return f"n = {self.n:,}, d = {self.d}, K = {self.K}, {'diagonal' if self.diagonal else 'full'}"

    @classmethod
    def named(cls, name: str) -> Case:
        """Return the case of a name: `Case.named("100-2-3-full")` has 100 rows."""
        n, d, K, kind = name.split("-")
        return cls(int(n), int(d), int(K), kind == "diagonal")


@dataclass(frozen=True)
class Fit:
    """What a contender found: the model, the log-likelihood per row after each E step, the component of each row."""

    model: Any
    lower_bounds: np.ndarray
    labels: np.ndarray


SHAPES = ((100_000, 16, 16), (20_000, 64, 8), (1_000_000, 2, 4), (1_000, 4, 3))
CASES = tuple(Case(*shape, diagonal) for shape in SHAPES for diagonal in (False, True))


def data(case: Case) -> tuple[np.ndarray, GaussianMixture]:
    """Return the rows of a case and a start, made with hardly more memory than the rows need."""
    rng = np.random.default_rng(0)
    means = rng.normal(size=(case.K, case.d)) * 1.5 / case.d**0.25  # the groups overlap
    x = rng.standard_normal((case.n, case.d))
    for rows in np.array_split(x, max(1, case.n // SEEN_BY_START)):  # views of x
        rows += means[rng.integers(case.K, size=len(rows))]
    return x, GaussianMixture.from_data(x[:SEEN_BY_START], case.K, rng, diagonal=case.diagonal)


def fit_mlpc(x: np.ndarray, start: GaussianMixture) -> Fit:
    """Fit by this package."""
    model, history = fit_em(start, x, tol=TOLERANCE, max_iterations=MOST_ITERATIONS)
    return Fit(model, history.lower_bounds, model.predict(x))


def fit_sklearn(x: np.ndarray, start: GaussianMixture) -> Fit:
    """Fit by scikit-learn."""
    precisions = 1 / start.covariances if start.diagonal else np.linalg.inv(start.covariances)
    model = sklearn.mixture.GaussianMixture(
        len(start.weights),
        covariance_type="diag" if start.diagonal else "full",
        tol=TOLERANCE,
        max_iter=MOST_ITERATIONS,
        reg_covar=0,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=precisions,
        init_params="random_from_data",  # costs nothing; what it finds gives way to the start
    )
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        labels = model.fit_predict(x)
    return Fit(model, np.array(model.lower_bounds_), labels)


CONTENDERS: dict[str, Callable[[np.ndarray, GaussianMixture], Fit]] = {
    "mlpc": fit_mlpc,
    "scikit-learn": fit_sklearn,
}


def run(case: Case, repeats: int) -> dict[str, Any]:
    """Return the measurements of one case, ready for JSON.

    Raises
    ------
    ValueError
        If the contenders do not find the same.
    """
    x, start = data(case)
    seconds, fits = in_turn({name: partial(fit, x, start) for name, fit in CONTENDERS.items()}, repeats)
    scores = {name: fit.model.score(x) for name, fit in fits.items()}
    ours, theirs = (fits[name] for name in CONTENDERS)
    if len(ours.lower_bounds) != len(theirs.lower_bounds) or (ours.labels != theirs.labels).mean() > EQUAL:
        raise ValueError(f"{case.name}: the fits are not the same: {ours}, {theirs}")
    difference = float(np.abs(np.append(ours.lower_bounds - theirs.lower_bounds, np.diff([*scores.values()]))).max())
    if not difference < EQUAL:
        raise ValueError(f"{case.name}: the log-likelihoods differ by {difference:g} per row")
    peaks = {who: peak_of_process("benchmarks.mixtures", case.name, who) for who in ("nobody", *CONTENDERS)}
    return {
        "label": case.label,
        **asdict(case),
        "iterations": len(ours.lower_bounds),
        "log_likelihood": scores["mlpc"],
        "difference": difference,
        "seconds": seconds,
        "mebibytes": {name: peaks[name] - peaks["nobody"] for name in CONTENDERS},
        "mebibytes_of_data": x.nbytes / 2**20,
    }


def settings() -> dict[str, Any]:
    """Return what holds for all cases; `ours` names the contender that is this package."""
    return {"ours": "mlpc", "tolerance": TOLERANCE, "most_iterations": MOST_ITERATIONS, "equal": EQUAL}


def main(name: str, contender: str) -> None:
    """Print the peak memory of this process after one fit, or with the contender `nobody` after none."""
    x, start = data(Case.named(name))
    if contender in CONTENDERS:
        CONTENDERS[contender](x, start)
    print(own_peak())


if __name__ == "__main__":
    main(*sys.argv[1:])
