"""Mixtures of Gaussians, fitted by expectation-maximisation; NaN in the data is a gap, and gaps are treated exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.special import logsumexp

from mlpc.arguments import arrays, keep
from mlpc.basics.components import LOG_2PI, Components, FullComponents, diagonal_components
from mlpc.basics.covariances import cholesky, covariance, solve_lower, spectrum
from mlpc.basics.em import Collapse
from mlpc.basics.missing import Observations, observations
from mlpc.basics.starts import grouped_rows

RANK = 2.0**-40  # of a component's variance: a smaller conditional variance makes its covariance singular
POINT = 2.0**-80  # of the variance of all data: a component with a smaller one is a point
EMPTY = 1e-100  # rows: a component that holds fewer has no mean


@dataclass(frozen=True, eq=False)
class MixtureStatistics:
    """What the M step has to know of the posterior q: its expected sufficient statistics.

    Attributes
    ----------
    counts : array of shape (K,)
        N_k, the rows that each component holds.
    means : array of shape (K, d)
        The mean of the rows of each component, with conditional means in the gaps.
    scatters : array of shape (K, d, d), or (K, d) if diagonal
        S_k, the sum of squared deviations from that mean, with conditional covariances in the gaps.
    log_likelihood : float
        Of the model whose E step this is, in nats, summed over the rows.
    entropy : float
        Of q, in nats: its responsibilities and what it says of missing entries.
    """

    counts: np.ndarray
    means: np.ndarray
    scatters: np.ndarray
    log_likelihood: float
    entropy: float


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """The density Σ_k π_k N(x | μ_k, Σ_k), by equation :eq:`eq-em-mixture`.

    Parameters
    ----------
    weights : array of shape (K,)
        The π_k, positive, with sum 1.
    means : array of shape (K, d)
        The μ_k.
    covariances : array of shape (K, d, d), or (K, d) for diagonal ones
        The Σ_k, positive definite; the shape decides which kind the M step looks for.
    regularisation : float
        s, in squared units of the data: the log-prior -s/2 Σ_k tr Σ_k⁻¹, an inverse-Wishart law without its
        determinant. It adds s / N_k to the diagonal of each covariance, which `added_variance` reports.

    Raises
    ------
    ValueError
        If a shape does not fit, an entry is not a finite number, weights are no distribution, a covariance is not
        symmetric or indefinite, or the regularisation is negative.
    numpy.linalg.LinAlgError
        If a covariance is singular.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning (2006), section 9.2.

    Examples
    --------
    >>> model = GaussianMixture(np.array([0.5, 0.5]), np.array([[-2.0], [2.0]]), np.ones((2, 1, 1)))
    >>> model.responsibilities(np.array([[0.0], [2.0], [np.nan]])).round(3)
    array([[0.5, 0.5],
           [0. , 1. ],
           [0.5, 0.5]])
    """

    weights: Num[np.ndarray, " K"]
    means: Num[np.ndarray, "K d"]
    covariances: Num[np.ndarray, "K d d"] | Num[np.ndarray, "K d"]
    regularisation: float | int = 0.0
    roots: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        asked, axes = "GaussianMixture", "K d" if np.ndim(self.covariances) == 2 else "K d d"
        given = {"weights": (self.weights, "K"), "means": (self.means, "K d"), "covariances": (self.covariances, axes)}
        weights, means, covariances = (array.astype(np.float64) for array in arrays(asked, **given))
        if weights.ndim != 1 or min(means.shape, default=0) < 1:
            raise ValueError(f"{asked}(): means has shape {means.shape}, but (K, d) is needed, without other axes")
        if weights.min() <= 0 or abs(weights.sum() - 1) > 1e-9:
            raise ValueError(f"{asked}(): weights must be positive with sum 1, but they are {weights}")
        if not 0 <= self.regularisation < np.inf:
            raise ValueError(f"{asked}(): regularisation is {self.regularisation}, but a number >= 0 is needed")
        roots = _roots(asked, covariances)
        keep(self, weights=weights, means=means, covariances=covariances, roots=roots)

    @classmethod
    def from_data(
        cls,
        x: Num[np.ndarray, "n d"],
        K: int,
        rng: np.random.Generator,
        *,
        diagonal: bool = False,
        regularisation: float | int = 0.0,
    ) -> GaussianMixture:
        """Return a start for `fit_em`: the K groups that k-means makes, its first centres chosen by k-means++.

        Weights and means are those of the groups; all covariances are that of the rows about their group's mean. The
        columns are standardised first, so that units do not matter; gaps are filled by column means, here only.

        Parameters
        ----------
        x : array of shape (n, d)
            The data; NaN is a gap.
        K : int
            The number of components.
        rng : numpy.random.Generator
            The source of randomness: another draw is another start.
        diagonal : bool
            Whether the covariances shall be diagonal.
        regularisation : float
            As for the model.

        Raises
        ------
        ValueError
            If x is no data, K is not between 1 and the number of distinct rows, a column is constant, or the rows are
            too few for full covariances.

        References
        ----------
        Arthur and Vassilvitskii, k-means++: the advantages of careful seeding (2007).

        Examples
        --------
        >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [10.0, 11.0], [11.0, 9.0]])
        >>> np.sort(GaussianMixture.from_data(x, 2, np.random.default_rng(0), diagonal=True).means[:, 0])
        array([ 0.5, 10.5])
        """
        counts, means, within = grouped_rows(observations("from_data", x), K, rng)
        within[np.diag_indices(len(within))] += regularisation * K / counts.sum()
        try:
            covariances = np.diagonal(within) if diagonal else covariance("from_data", within=(within, "d d"))
            return cls(counts / counts.sum(), means, np.repeat(covariances[None], K, axis=0), regularisation)
        except np.linalg.LinAlgError:
            d = means.shape[1]
            raise ValueError(
                f"from_data(): {counts.sum()} rows about {K} centres give no full covariance of {d} columns, of which "
                "some determine others; a smaller K, diagonal=True, fewer columns, or regularisation > 0 would work"
            ) from None

    def e_step(self, x: Num[np.ndarray, "n d"]) -> MixtureStatistics:
        """Return the statistics of the posterior q of labels and gaps, by :eq:`eq-em-responsibilities`.

        Parameters
        ----------
        x : array of shape (n, d)
            The data; NaN is a gap. Rows of NaN alone are left out.

        Raises
        ------
        ValueError
            If x is no data of d columns, or infinite.
        """
        log_likelihood, totals = 0.0, [np.zeros_like(X) for X in (self.weights, self.means, self.covariances)]
        for components in self._seen_in(observations("e_step", x, self.means.shape[1])):
            sums = components.zero_moments()
            for _, rows in components.pattern.blocks(components.block):
                z = components.coordinates(rows)
                r, log_density = self._posterior(components, z)
                log_likelihood += float(log_density.sum())
                for total, moment in zip(sums, components.moments(r, z), strict=True):
                    total += moment
            for total, deviation in zip(totals, components.deviations(sums), strict=True):
                total += deviation
        return self._statistics(*totals, log_likelihood=log_likelihood)

    def m_step(self, statistics: MixtureStatistics) -> GaussianMixture:
        """Return the mixture that maximises the lower bound, by :eq:`eq-em-mixture-weights` and its neighbours.

        Parameters
        ----------
        statistics : MixtureStatistics
            From an E step.

        Raises
        ------
        Collapse
            If a component holds no row, or its covariance is singular.
        ValueError
            If there are fewer rows than components.
        """
        N, mu = statistics.counts, statistics.means  # eq-em-mixture-means
        weights = N / N.sum()  # eq-em-mixture-weights
        _refuse_empty(N)
        if self.diagonal:
            Sigma = (statistics.scatters + self.regularisation) / N[:, None]  # eq-em-mixture-covariances
        else:
            s = self.regularisation * np.eye(mu.shape[1])
            Sigma = (statistics.scatters + s) / N[:, None, None]  # eq-em-mixture-covariances
        _refuse_singular(weights, mu, Sigma, N)
        return GaussianMixture(weights, mu, Sigma, self.regularisation)

    def lower_bound(self, statistics: MixtureStatistics) -> float:
        """Return L(θ, q) in nats for this model's θ and any q, with its log-prior if there is regularisation.

        Parameters
        ----------
        statistics : MixtureStatistics
            From the E step of any mixture of the same sizes: where it was this one, L is the log-likelihood.
        """
        return self._expected_log_joint(statistics) + statistics.entropy + self._log_prior()

    def added_variance(self, statistics: MixtureStatistics) -> Float[np.ndarray, " K"]:
        """Return what the M step adds to the diagonal of each covariance: s / N_k, zeros without regularisation."""
        return self.regularisation / statistics.counts

    def log_joint(self, x: Num[np.ndarray, "n d"]) -> Float[np.ndarray, "n K"]:
        """Return log π_k + log N(x_i | μ_k, Σ_k), for the entries that are there; log π_k in a row without any."""
        data = observations("log_joint", x, self.means.shape[1])
        joint = np.tile(np.log(self.weights), (len(data.x), 1))
        for components in self._seen_in(data):
            for at, rows in components.pattern.blocks(components.block):
                joint[at] += components.log_densities(components.coordinates(rows)).T
        return joint

    def log_density(self, x: Num[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """Return log p(x_i) in nats, for the entries that are there; 0 in a row without any."""
        return np.asarray(logsumexp(self.log_joint(x), axis=1))

    def log_likelihood(self, x: Num[np.ndarray, "n d"]) -> float:
        """Return Σ_i log p(x_i), in nats."""
        return float(self.log_density(x).sum())

    def score(self, x: Num[np.ndarray, "n d"]) -> float:
        """Return the log-likelihood per row that holds a number, in nats."""
        data = observations("score", x, self.means.shape[1])
        return self.log_likelihood(data.x) / (len(data.x) - len(data.empty_rows))

    def responsibilities(self, x: Num[np.ndarray, "n d"]) -> Float[np.ndarray, "n K"]:
        """Return r_ik = p(z_i = k | x_i), by :eq:`eq-em-responsibilities`; the weights for a row without numbers."""
        joint = self.log_joint(x)
        return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))  # eq-em-responsibilities

    def predict(self, x: Num[np.ndarray, "n d"]) -> Int[np.ndarray, " n"]:
        """Return the most probable component of each row."""
        return self.log_joint(x).argmax(axis=1)

    def fill(self, x: Num[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Return the data with conditional means E[x_i | what is there] in the gaps.

        >>> model = GaussianMixture(np.ones(1), np.zeros((1, 2)), np.array([[[1.0, 0.5], [0.5, 1.0]]]))
        >>> model.fill(np.array([[2.0, np.nan], [np.nan, np.nan]]))
        array([[2., 1.],
               [0., 0.]])
        """
        data = observations("fill", x, self.means.shape[1])
        filled = data.x.copy()
        filled[data.empty_rows] = self.weights @ self.means
        for components in self._seen_in(data):
            for at, rows in components.pattern.blocks(components.block):
                z = components.coordinates(rows)
                r, _ = self._posterior(components, z)
                gaps = np.einsum("kc,kcm->cm", r, components.completed(z))
                filled[np.ix_(at, components.pattern.gaps)] = gaps
        return filled

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, " n"]]:
        """Return n independent rows x and their components z.

        >>> x, z = GaussianMixture(np.ones(1), np.zeros((1, 2)), np.ones((1, 2))).sample(np.random.default_rng(0), 5)
        >>> x.shape, z.tolist()
        ((5, 2), [0, 0, 0, 0, 0])
        """
        z = rng.choice(len(self.weights), size=n, p=self.weights)
        x = rng.standard_normal((n, self.means.shape[1]))
        for k, root in enumerate(self.roots):
            x[z == k] = self.means[k] + (x[z == k] * root if self.diagonal else x[z == k] @ root.T)
        return x, z

    @property
    def diagonal(self) -> bool:
        """Whether the covariances are diagonal."""
        return self.covariances.ndim == 2

    def _seen_in(self, data: Observations) -> Iterator[Components]:
        """Yield the components as each pattern of missing entries shows them."""
        for pattern in data.patterns:
            if self.diagonal:
                yield diagonal_components(pattern, self.means, self.covariances, data.low, data.high)
            else:
                yield FullComponents.seen_in(pattern, self.means, self.covariances)

    def _posterior(self, components: Components, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return responsibilities, of shape (K, c), and log p(x), of shape (c,)."""
        r = components.log_densities(z)
        r += np.log(self.weights)[:, None]  # log π_k + log N(x | μ_k, Σ_k)
        top = r.max(axis=0)
        r -= top
        np.exp(r, out=r)
        total = r.sum(axis=0)
        r /= total  # eq-em-responsibilities
        return r, np.log(total) + top

    def _statistics(
        self, counts: np.ndarray, first: np.ndarray, second: np.ndarray, *, log_likelihood: float
    ) -> MixtureStatistics:
        """Return the statistics about the new means, from sums of deviations from the old ones."""
        shift = first / np.maximum(counts, EMPTY)[:, None]
        squares = first * shift if self.diagonal else first[:, :, None] * shift[:, None, :]
        scatters = second - squares  # eq-em-missing-update
        if not self.diagonal:
            scatters = (scatters + scatters.mT) / 2  # what rounding makes of a difference is not symmetric
        statistics = MixtureStatistics(counts, self.means + shift, scatters, log_likelihood, 0.0)
        return replace(statistics, entropy=log_likelihood - self._expected_log_joint(statistics))

    def _expected_log_joint(self, statistics: MixtureStatistics) -> float:
        """Return E log p(x, z | θ) under q: Σ_k N_k (log π_k - log det(2πΣ_k) / 2) - tr Σ_k⁻¹ A_k / 2."""
        N, shift = statistics.counts, statistics.means - self.means
        if self.diagonal:
            logs, squares = 2 * np.log(self.roots), (statistics.scatters + N[:, None] * shift**2) / self.covariances
        else:
            A = statistics.scatters + N[:, None, None] * shift[:, :, None] * shift[:, None, :]
            logs = 2 * np.log(np.diagonal(self.roots, axis1=1, axis2=2))
            squares = np.diagonal(solve_lower(self.roots, solve_lower(self.roots, A).mT), axis1=1, axis2=2)
        return float(N @ np.log(self.weights) - (N @ (logs + LOG_2PI).sum(axis=1) + squares.sum()) / 2)

    def _log_prior(self) -> float:
        if not self.regularisation:
            return 0.0
        inverse = 1 / self.roots if self.diagonal else solve_lower(self.roots, np.eye(self.means.shape[1])[None])
        return float(-self.regularisation / 2 * (inverse**2).sum())


def _roots(asked: str, covariances: np.ndarray) -> np.ndarray:
    """Return the Cholesky factors of covariances, or the standard deviations of diagonal ones."""
    if covariances.ndim == 3:
        return cholesky(asked, "covariances", covariance(asked, covariances=(covariances, "d d")))
    if covariances.min() <= 0:
        k, j = map(int, np.argwhere(covariances <= 0)[0])
        raise ValueError(f"{asked}(): covariances[{k}, {j}] is {covariances[k, j]}, but a variance is positive")
    return np.sqrt(covariances)


def _refuse_empty(counts: np.ndarray) -> None:
    """Raise if components outnumber the rows, or one has none."""
    K, rows, k = len(counts), counts.sum(), int(np.argmin(counts))
    if rows < K - 0.5:
        raise ValueError(
            f"m_step(): x has {rows:.0f} rows for {K} components; at most {rows:.0f} components would work"
        )
    if counts[k] < EMPTY:
        raise Collapse(
            f"m_step(): component {k} has lost its rows: it holds {counts[k]:.3g} of {rows:.0f}; fewer components than "
            f"{K}, or a start with every mean among the rows, such as GaussianMixture.from_data makes, would work"
        )


def _refuse_singular(weights: np.ndarray, means: np.ndarray, Sigma: np.ndarray, counts: np.ndarray) -> None:
    """Raise if a covariance is singular, by itself or beside the spread of all data."""
    full = Sigma if Sigma.ndim == 3 else Sigma[:, :, None] * np.eye(means.shape[1])
    variances = np.diagonal(full, axis1=1, axis2=2)
    of_all = weights @ (variances + (means - weights @ means) ** 2)
    point = (variances <= POINT * of_all).any(axis=1)
    if not point.any() and (Sigma.ndim == 2 or _regular(Sigma, variances)):
        return
    k = int(np.argmin(np.where(point, -np.inf, spectrum(full)[0].min(axis=1))))
    constant = np.flatnonzero(of_all <= POINT * (weights @ means) ** 2)
    cures = [f"leaving out column {j} of x, which is constant" for j in constant[:1]]
    cures += [f"fewer components than {len(counts)}", "another start"] * (len(counts) > 1 and not cures)
    raise Collapse(
        f"m_step(): component {k} has collapsed: it holds {counts[k]:.4g} of {counts.sum():.0f} rows, and the smallest "
        f"eigenvalue of its covariance is {np.linalg.eigvalsh(full[k]).min():.3g}; {', '.join(cures)}"
        f"{' or ' if cures else ''}regularisation={of_all.mean() / 100:.1g} would work"
    )


def _regular(Sigma: np.ndarray, variances: np.ndarray) -> bool:
    """Return whether all conditional variances, the squared pivots, are more than rounding."""
    try:
        pivots = np.diagonal(np.linalg.cholesky(Sigma), axis1=1, axis2=2) ** 2
    except np.linalg.LinAlgError:
        return False
    return bool((pivots > RANK * variances).all())
