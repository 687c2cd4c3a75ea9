"""Factor analysis and probabilistic PCA, x = W z + μ + noise, fitted by expectation-maximisation with gaps in x."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Num
from scipy.linalg import cho_solve

from mlpc.arguments import arrays, keep
from mlpc.basics.em import Collapse
from mlpc.basics.gaussians import Gaussian
from mlpc.basics.missing import observations

BLOCK = 2**16  # numbers in a block of rows: about what a core's cache holds
SMALLEST_NOISE = 2.0**-40  # of a column's variance: a smaller noise variance has vanished
LOG_2PI = np.log(2 * np.pi)


@dataclass(frozen=True, eq=False)
class FactorStatistics:
    """What the M step has to know of the posterior q(z): sums over the rows in which a column holds a number.

    With y = x - centre and z̃ = (z, 1), for each column j:

    Attributes
    ----------
    centre : array of shape (d,)
        The mean of the model whose E step this is.
    counts : array of shape (d,)
        The number of rows.
    zz : array of shape (d, r + 1, r + 1)
        Σ E[z̃ z̃ᵀ].
    yz : array of shape (d, r + 1)
        Σ y_j E[z̃].
    yy : array of shape (d,)
        Σ y_j².
    prior : float
        Σ E[zᵀz] over all rows that hold a number.
    rows : int
        The number of those.
    log_likelihood, entropy : float
        Of that model, and of q, in nats, summed over the rows.
    """

    centre: np.ndarray
    counts: np.ndarray
    zz: np.ndarray
    yz: np.ndarray
    yy: np.ndarray
    prior: float
    rows: int
    log_likelihood: float
    entropy: float


@dataclass(frozen=True, eq=False)
class FactorAnalysis:
    """The law of x = W z + μ + ε with z ~ N(0, I) and ε ~ N(0, Ψ), by equation :eq:`eq-em-factor-model`.

    Parameters
    ----------
    mean : array of shape (d,)
        μ.
    loadings : array of shape (d, r)
        W.
    noise : array of shape (d,), or a number
        The diagonal of Ψ, positive. A number σ² stands for Ψ = σ² I, that is, probabilistic PCA, and stays one.
    regularisation : float
        s, in squared units of the data: the log-prior -s/2 Σ_j 1/ψ_j, which keeps noise variances away from zero. It
        adds s / N_j to each, for N_j rows that hold a number in column j; `added_variance` reports it.

    Raises
    ------
    ValueError
        If a shape does not fit, an entry is not a finite number, or a noise variance is not positive.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning (2006), sections 12.2 and 12.4.

    Examples
    --------
    >>> model = FactorAnalysis(np.zeros(2), np.array([[1.0], [2.0]]), np.array([0.5, 0.5]))
    >>> model.covariance
    array([[1.5, 2. ],
           [2. , 4.5]])
    """

    mean: Num[np.ndarray, " d"]
    loadings: Num[np.ndarray, "d r"]
    noise: Num[np.ndarray, " d"] | Num[np.ndarray, ""] | float | int
    regularisation: float | int = 0.0

    def __post_init__(self) -> None:
        asked, axes = "FactorAnalysis", "d" if np.ndim(self.noise) else ""
        given = {"mean": (self.mean, "d"), "loadings": (self.loadings, "d r"), "noise": (self.noise, axes)}
        mean, loadings, noise = (array.astype(np.float64) for array in arrays(asked, **given))
        if mean.ndim != 1 or loadings.ndim != 2:
            came = f"mean has shape {mean.shape} and loadings {loadings.shape}"
            raise ValueError(f"{asked}(): {came}, but (d,) and (d, r) are needed, without other axes")
        if noise.min(initial=np.inf) <= 0:
            raise ValueError(f"{asked}(): noise must be positive, but its smallest entry is {noise.min():g}")
        if not 0 <= self.regularisation < np.inf:
            raise ValueError(f"{asked}(): regularisation is {self.regularisation}, but a number >= 0 is needed")
        keep(self, mean=mean, loadings=loadings, noise=noise)

    @classmethod
    def from_data(
        cls,
        x: Num[np.ndarray, "n d"],
        r: int,
        rng: np.random.Generator,
        *,
        isotropic: bool = False,
        regularisation: float | int = 0.0,
    ) -> FactorAnalysis:
        """Return a start for `fit_em`: random loadings and the noise share the variance of each column equally.

        Parameters
        ----------
        x : array of shape (n, d)
            The data; NaN is a gap.
        r : int
            The number of latent variables, below d.
        rng : numpy.random.Generator
            The source of randomness: another draw is another start.
        isotropic : bool
            Whether all noise variances shall be one: probabilistic PCA.
        regularisation : float
            As for the model.

        Raises
        ------
        ValueError
            If x is no data, r is not between 1 and d - 1, or a column is constant or empty.

        Examples
        --------
        >>> x = np.random.default_rng(0).normal(size=(9, 3))
        >>> FactorAnalysis.from_data(x, 1, np.random.default_rng(0), isotropic=True).noise.shape
        ()
        """
        data = observations("from_data", x)
        d = data.x.shape[1]
        _refuse_rank(r, d)
        for j in range(d):
            if not data.high[j] > data.low[j]:
                what = "holds only NaN" if np.isnan(data.low[j]) else f"is constant ({data.low[j]:g})"
                raise ValueError(f"from_data(): column {j} of x {what}; leave it out, it has no noise variance")
        variances = np.nanvar(data.x, axis=0)
        loadings = rng.standard_normal((d, r)) * np.sqrt(variances / (2 * r))[:, None]
        noise = variances.mean() / 2 if isotropic else variances / 2
        return cls(np.nanmean(data.x, axis=0), loadings, noise, regularisation)

    @classmethod
    def principal_components(cls, x: Num[np.ndarray, "n d"], r: int) -> FactorAnalysis:
        """Return the maximum of the likelihood with isotropic noise, by equation :eq:`eq-em-ppca-optimum`.

        Parameters
        ----------
        x : array of shape (n, d)
            Data without gaps.
        r : int
            The number of latent variables, below d.

        Raises
        ------
        ValueError
            If x is no data or has gaps, or r is not between 1 and d - 1.
        Collapse
            If the data lie in r dimensions, so that no noise is left.

        References
        ----------
        Tipping and Bishop, Journal of the Royal Statistical Society B 61 (1999).

        Examples
        --------
        >>> x = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> model = FactorAnalysis.principal_components(x, 1)
        >>> np.abs(model.loadings), model.noise
        (array([[2.],
               [0.]]), array(0.5))
        """
        (x,) = arrays("principal_components", x=(observations("principal_components", x).x, "n d"))
        _refuse_rank(r, x.shape[1])
        mean = x.mean(axis=0)
        _, singular_values, axes = np.linalg.svd(x - mean, full_matrices=False)
        values = np.zeros(x.shape[1])
        values[: len(singular_values)] = singular_values**2 / len(x)
        noise = values[r:].mean()
        _refuse_vanished(np.array(noise), values.sum() / x.shape[1])
        loadings = axes[:r].T * np.sqrt(values[:r] - noise)  # eq-em-ppca-optimum
        return cls(mean, loadings, noise)

    @property
    def covariance(self) -> Float[np.ndarray, "d d"]:
        """W Wᵀ + Ψ, the covariance of x."""
        return self.loadings @ self.loadings.T + np.diag(np.broadcast_to(self.noise, self.mean.shape))

    def e_step(self, x: Num[np.ndarray, "n d"]) -> FactorStatistics:
        """Return the statistics of the posterior q(z), by :eq:`eq-em-factor-posterior`.

        Parameters
        ----------
        x : array of shape (n, d)
            The data; NaN is a gap. Rows of NaN alone are left out.

        Raises
        ------
        ValueError
            If x is no data of d columns, or infinite.
        """
        d, r = self.loadings.shape
        zz, yz, yy = np.zeros((d, r + 1, r + 1)), np.zeros((d, r + 1)), np.zeros(d)
        prior, rows, log_likelihood = 0.0, 0, 0.0
        for pattern in observations("e_step", x, d).patterns:
            o, seen = pattern.columns, _Seen(self, pattern.columns)
            sums = np.zeros((r + 1, r + 1))
            for _, block in pattern.blocks(max(64, BLOCK // len(o))):
                y = block - self.mean[o]
                z = np.column_stack([y @ seen.gain.T, np.ones(len(y))])  # E[z̃ | x_o]
                log_likelihood += seen.log_densities(y, z[:, :r]).sum()
                sums += z.T @ z
                yz[o] += y.T @ z
                yy[o] += np.einsum("ij,ij->j", y, y)
            sums[:r, :r] += sums[r, r] * seen.posterior  # Σ E[z̃ z̃ᵀ]
            zz[o] += sums
            prior, rows = prior + np.trace(sums[:r, :r]), rows + round(float(sums[r, r]))
        statistics = FactorStatistics(self.mean, zz[:, r, r], zz, yz, yy, prior, rows, float(log_likelihood), 0.0)
        return replace(statistics, entropy=statistics.log_likelihood - self._expected_log_joint(statistics))

    def m_step(self, statistics: FactorStatistics) -> FactorAnalysis:
        """Return the model that maximises the lower bound, by :eq:`eq-em-factor-loadings` and :eq:`eq-em-factor-noise`.

        Each column is regressed on z and a constant, over the rows in which it holds a number.

        Parameters
        ----------
        statistics : FactorStatistics
            From an E step.

        Raises
        ------
        Collapse
            If a noise variance vanishes.
        """
        s, r = statistics, self.loadings.shape[1]
        known = s.counts > 0  # a column without any number keeps its row of W, its mean and its noise
        W = np.column_stack([self.loadings, self.mean - s.centre])
        W[known] = np.linalg.solve(s.zz[known], s.yz[known][:, :, None])[:, :, 0]  # eq-em-factor-loadings
        squares = s.yy - np.einsum("ja,ja->j", W, s.yz) + self.regularisation
        noise = np.array(np.broadcast_to(self.noise, s.yy.shape))
        noise[known] = squares[known] / s.counts[known]  # eq-em-factor-noise
        if np.ndim(self.noise) == 0:
            noise = np.array(squares[known].sum() / s.counts.sum())
        _refuse_vanished(noise, (s.yy[known] / s.counts[known]).mean() if noise.ndim == 0 else _variances(s))
        return FactorAnalysis(s.centre + W[:, r], W[:, :r], noise, self.regularisation)

    def lower_bound(self, statistics: FactorStatistics) -> float:
        """Return L(θ, q) in nats for this model's θ and any q, with its log-prior if there is regularisation.

        Parameters
        ----------
        statistics : FactorStatistics
            From the E step of any model of the same sizes: where it was this one, L is the log-likelihood.
        """
        noise = np.broadcast_to(self.noise, self.mean.shape)
        log_prior = -self.regularisation / 2 * float((1 / noise).sum())
        return self._expected_log_joint(statistics) + statistics.entropy + log_prior

    def added_variance(self, statistics: FactorStatistics) -> Float[np.ndarray, " d"] | Float[np.ndarray, ""]:
        """Return what the M step adds to the noise variances by regularisation: s / N_j, or their mean if isotropic."""
        if np.ndim(self.noise):
            return self.regularisation / np.maximum(statistics.counts, 1)
        return np.array(len(self.mean) * self.regularisation / statistics.counts.sum())

    def posterior(self, x: Num[np.ndarray, "n d"]) -> Gaussian:
        """Return the laws of z given what is there of each row, by equation :eq:`eq-em-factor-posterior`.

        Parameters
        ----------
        x : array of shape (n, d)
            The data; NaN is a gap. A row without numbers has the prior N(0, I).

        Returns
        -------
        Gaussian
            One law for each row: mean of shape (n, r), cov of shape (n, r, r).

        Examples
        --------
        >>> model = FactorAnalysis(np.zeros(2), np.array([[1.0], [1.0]]), 1.0)
        >>> model.posterior(np.array([[3.0, 3.0], [3.0, np.nan]]))
        Gaussian(mean=array([[2. ],
               [1.5]]), cov=array([[[0.33333333]],
        <BLANKLINE>
               [[0.5       ]]]))
        """
        data = observations("posterior", x, len(self.mean))
        n, r = len(data.x), self.loadings.shape[1]
        means, covs = np.zeros((n, r)), np.tile(np.eye(r), (n, 1, 1))
        for pattern in data.patterns:
            o, seen = pattern.columns, _Seen(self, pattern.columns)
            for at, block in pattern.blocks(BLOCK):
                means[at] = (block - self.mean[o]) @ seen.gain.T
                covs[at] = seen.posterior
        return Gaussian(means, covs)

    def log_density(self, x: Num[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """Return log p(x_i) in nats, for the entries that are there; 0 in a row without any."""
        data = observations("log_density", x, len(self.mean))
        densities = np.zeros(len(data.x))
        for pattern in data.patterns:
            o, seen = pattern.columns, _Seen(self, pattern.columns)
            for at, block in pattern.blocks(BLOCK):
                y = block - self.mean[o]
                densities[at] = seen.log_densities(y, y @ seen.gain.T)
        return densities

    def log_likelihood(self, x: Num[np.ndarray, "n d"]) -> float:
        """Return Σ_i log p(x_i), in nats."""
        return float(self.log_density(x).sum())

    def score(self, x: Num[np.ndarray, "n d"]) -> float:
        """Return the log-likelihood per row that holds a number, in nats."""
        data = observations("score", x, len(self.mean))
        return self.log_likelihood(data.x) / (len(data.x) - len(data.empty_rows))

    def predict(self, x: Num[np.ndarray, "n d"]) -> Float[np.ndarray, "n r"]:
        """Return E[z_i | x_i], the means of `posterior`."""
        return self.posterior(x).mean

    def fill(self, x: Num[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Return the data with conditional means E[x_i | what is there] in the gaps.

        >>> FactorAnalysis(np.zeros(2), np.array([[1.0], [1.0]]), 1.0).fill(np.array([[3.0, np.nan]]))
        array([[3. , 1.5]])
        """
        data = observations("fill", x, len(self.mean))
        return np.where(np.isnan(data.x), self.predict(data.x) @ self.loadings.T + self.mean, data.x)

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n r"]]:
        """Return n independent rows x and the latent z of each.

        >>> x, z = FactorAnalysis(np.zeros(3), np.ones((3, 1)), 0.1).sample(np.random.default_rng(0), 5)
        >>> x.shape, z.shape
        ((5, 3), (5, 1))
        """
        d, r = self.loadings.shape
        z = rng.standard_normal((n, r))
        return z @ self.loadings.T + self.mean + np.sqrt(self.noise) * rng.standard_normal((n, d)), z

    def _expected_log_joint(self, statistics: FactorStatistics) -> float:
        """Return E log p(x, z | θ) under q: that of x given z, column by column, and that of z."""
        s, r = statistics, self.loadings.shape[1]
        W = np.column_stack([self.loadings, self.mean - s.centre])
        squares = s.yy - 2 * np.einsum("ja,ja->j", W, s.yz) + np.einsum("ja,jab,jb->j", W, s.zz, W)
        of_x = -(s.counts * (LOG_2PI + np.log(self.noise)) + squares / self.noise).sum() / 2
        return float(of_x - (s.rows * r * LOG_2PI + s.prior) / 2)


class _Seen:
    """The model as the columns o show it: posterior covariance G, the gain that makes E[z | x_o], and densities."""

    def __init__(self, model: FactorAnalysis, o: np.ndarray) -> None:
        r = model.loadings.shape[1]
        self.W = model.loadings[o]
        self.noise = np.broadcast_to(model.noise, model.mean.shape)[o]
        scaled = self.W.T / self.noise  # Wᵀ Ψ⁻¹
        root = np.linalg.cholesky(np.eye(r) + scaled @ self.W)
        self.posterior = cho_solve((root, True), np.eye(r))  # G = (I + Wᵀ Ψ⁻¹ W)⁻¹
        self.gain = cho_solve((root, True), scaled)  # eq-em-factor-posterior
        self.logs = -np.log(np.diagonal(root)).sum() - (np.log(self.noise) + LOG_2PI).sum() / 2

    def log_densities(self, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return log N(y | 0, W Wᵀ + Ψ); the exponent is a sum of squares at z = E[z | y], so nothing cancels."""
        residual = y - z @ self.W.T
        residual *= residual
        return self.logs - (residual @ (1 / self.noise) + np.einsum("ij,ij->i", z, z)) / 2


def _variances(statistics: FactorStatistics) -> np.ndarray:
    """Return the variance of each column, over the rows in which it holds a number."""
    N = np.maximum(statistics.counts, 1)
    return statistics.yy / N - (statistics.yz[:, -1] / N) ** 2


def _refuse_rank(r: int, d: int) -> None:
    if d < 2:
        raise ValueError(f"FactorAnalysis: r is {r}, but x has {d} column; factor analysis needs 2 at least")
    if not 1 <= r < d:
        raise ValueError(f"FactorAnalysis: r is {r}, but x has {d} columns; 1 to {d - 1} latent variables would work")


def _refuse_vanished(noise: np.ndarray, variances: np.ndarray | float) -> None:
    """Raise if a noise variance is nothing beside the variance of its column."""
    vanished = ~(noise > SMALLEST_NOISE * np.asarray(variances))
    if vanished.any():
        j = int(np.argmax(vanished))
        where = f"of column {j} " if noise.ndim else ""
        raise Collapse(
            f"FactorAnalysis: the noise variance {where}has vanished: it is {noise.flat[j]:.3g}, and the variance of x "
            f"there is {np.broadcast_to(variances, noise.shape).flat[j]:.3g}; fewer latent variables, leaving out "
            f"columns that others determine or that are constant, or regularisation > 0 would work"
        )
