"""Why EM works: Fisher's identity, the Gibbs distribution and its bounds on a log-partition function, mean field.

In the letters of physics f = -E/T, and the free energy is F = -T log Z; here T = 1 and the bound on log Z is maximised.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import entr, logsumexp

from mlpc.arguments import arrays

Scalars = Float[np.ndarray | np.generic, "*batch"]


def gibbs(f: Float[np.ndarray, "*batch k"]) -> tuple[Float[np.ndarray, "*batch k"], Scalars]:
    """Return the Gibbs distribution e^f / Z and log Z over k states, by :eq:`eq-gibbs-density`.

    Parameters
    ----------
    f : array of shape (..., k)
        One finite number for each state: minus its energy over the temperature, or a log-joint density.

    Returns
    -------
    q : array of shape (..., k)
        The probabilities of the states.
    log_z : array of shape (...)
        The log-partition function.

    Raises
    ------
    ValueError
        If an entry is not a finite number, or there is no state.

    Examples
    --------
    >>> q, log_z = gibbs(np.log([1.0, 3.0]))
    >>> q, np.exp(log_z).round(12).item()
    (array([0.25, 0.75]), 4.0)
    """
    (f,) = arrays("gibbs", f=(f, "k"))
    if f.shape[-1] == 0:
        raise ValueError(f"gibbs(): f has shape {f.shape}, but one state or more is needed on the last axis")
    log_z = np.asarray(logsumexp(f, axis=-1))
    return np.exp(f - log_z[..., None]), log_z  # eq-gibbs-density


def log_partition_bound(f: Float[np.ndarray, "*#batch k"], q: Float[np.ndarray, "*#batch k"]) -> Scalars:
    """Return the lower bound ⟨f⟩ + H(q) on log Z that a distribution q gives, by :eq:`eq-gibbs-variational`.

    Parameters
    ----------
    f : array of shape (..., k)
        One finite number for each state.
    q : array of shape (..., k)
        Probabilities of the states; zeros are allowed, and count nothing.

    Returns
    -------
    array of shape (...)
        Never above ``gibbs(f)[1]``, and equal to it for ``gibbs(f)[0]`` only.

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not finite, or q is no probability distribution.

    Examples
    --------
    >>> log_partition_bound(np.zeros(4), np.full(4, 1 / 4)).round(12) == np.log(4).round(12)
    np.True_
    """
    f, q = arrays("log_partition_bound", f=(f, "k"), q=(q, "k"))
    if (q < 0).any() or not np.allclose(q.sum(axis=-1), 1, rtol=0, atol=1e-9):
        raise ValueError(
            f"log_partition_bound(): q must be >= 0 and sum to 1 over the last axis, but its smallest entry is "
            f"{q.min():.3g} and its sums lie between {q.sum(axis=-1).min():.9g} and {q.sum(axis=-1).max():.9g}"
        )
    return np.sum(q * f + entr(q), axis=-1)  # eq-gibbs-variational


def fisher_identity(
    log_joint: Float[np.ndarray, "*#batch k"], gradients: Float[np.ndarray, "*#batch k p"]
) -> Float[np.ndarray, "*batch p"]:
    """Return the gradient of log p(x) from those of log p(x, z), by :eq:`eq-fisher-identity`.

    Parameters
    ----------
    log_joint : array of shape (..., k)
        log p(x, z) for the k values of a latent z.
    gradients : array of shape (..., k, p)
        Its gradient in p parameters, for each z.

    Returns
    -------
    array of shape (..., p)
        Their mean under the posterior of z.

    Raises
    ------
    ValueError
        If shapes do not fit or an entry is not finite.

    Examples
    --------
    >>> fisher_identity(np.log([0.1, 0.3]), np.array([[4.0], [8.0]]))
    array([7.])
    """
    log_joint, gradients = arrays("fisher_identity", log_joint=(log_joint, "k"), gradients=(gradients, "k p"))
    posterior, _ = gibbs(log_joint)
    return (posterior[..., None, :] @ gradients)[..., 0, :]  # eq-fisher-identity


@dataclass(frozen=True)
class IsingLattice:
    """Spins ±1 on a rectangle whose opposite edges are joined, with f(s) = J Σ s_i s_j + b Σ s_i, :eq:`eq-ising`.

    The first sum runs over pairs of neighbours; along a side of length 2 each pair is joined twice, as on the torus.

    Attributes
    ----------
    rows, columns : int
        Size of the rectangle, at least 2 each.
    coupling : float
        J, positive where neighbours like to agree.
    field : float
        b, positive where spins like to point up.

    Examples
    --------
    >>> free = IsingLattice(3, 4, coupling=0.0)
    >>> round(float(np.exp(free.log_partition() / 12)), 12)
    2.0
    """

    rows: int
    columns: int
    coupling: float
    field: float = 0.0

    def __post_init__(self) -> None:
        if min(self.rows, self.columns) < 2:
            raise ValueError(
                f"IsingLattice: sides of 2 or more are needed, but they are {self.rows} and {self.columns}"
            )
        if not np.isfinite([self.coupling, self.field]).all():
            raise ValueError(f"IsingLattice: coupling {self.coupling} and field {self.field} must be finite")

    def score(self, spins: Float[np.ndarray, "*batch rows columns"]) -> Scalars:
        """Return f of each configuration, an array of shape (..., rows, columns) of ±1."""
        bonds = spins * (np.roll(spins, 1, axis=-1) + np.roll(spins, 1, axis=-2))
        return np.sum(self.coupling * bonds + self.field * spins, axis=(-2, -1))  # eq-ising

    def log_partition(self) -> float:
        """Return log Z exactly, as the trace of a power of the transfer matrix, :eq:`eq-transfer-matrix`.

        Raises
        ------
        ValueError
            If the shorter side is longer than 12: the matrix has a row for each of its 2^side configurations.
        """
        side, power = sorted((self.rows, self.columns))
        if side > 12:
            raise ValueError(f"log_partition(): the shorter side is {side}, but at most 12 can be summed exactly")
        row = 1.0 - 2.0 * ((np.arange(2**side)[:, None] >> np.arange(side)) & 1)
        inside = np.sum(self.coupling * row * np.roll(row, 1, axis=1) + self.field * row, axis=1)
        exponent = self.coupling * row @ row.T + (inside[:, None] + inside) / 2
        eigenvalues = np.linalg.eigvalsh(np.exp(exponent - exponent.max()))  # eq-transfer-matrix
        largest = np.abs(eigenvalues).max()
        return float(power * (exponent.max() + np.log(largest)) + np.log(np.sum((eigenvalues / largest) ** power)))

    def mean_field_bound(self, m: Float[np.ndarray, "rows columns"]) -> float:
        """Return the bound on log Z of independent spins with means m in [-1, 1], :eq:`eq-mean-field-bound`."""
        up = (1 + m) / 2
        return float(self.score(m) + np.sum(entr(up) + entr(1 - up)))

    def mean_field(
        self, start: Float[np.ndarray, "rows columns"], tol: float = 1e-10, most: int = 10_000
    ) -> tuple[Float[np.ndarray, "rows columns"], list[float]]:
        """Raise the bound one spin at a time, by :eq:`eq-mean-field`, until a sweep gains less than `tol`.

        Parameters
        ----------
        start : array of shape (rows, columns)
            Means to begin with, in [-1, 1].
        tol : float
            Gain of a sweep below which to stop.
        most : int
            Largest number of sweeps.

        Returns
        -------
        m : array of shape (rows, columns)
            Means at which no single spin can raise the bound: a local maximum, unless the start lies on a ridge (as all
            zeros do without a field, whatever the coupling).
        history : list of float
            The bound at the start and after each sweep; it never decreases.

        Raises
        ------
        ValueError
            If `start` has another shape or leaves [-1, 1].
        RuntimeError
            If `most` sweeps were not enough.
        """
        m = np.array(start, dtype=float)
        if m.shape != (self.rows, self.columns) or not (np.abs(m) <= 1).all():
            raise ValueError(
                f"mean_field(): start must have shape {(self.rows, self.columns)} and entries in [-1, 1], but has "
                f"shape {m.shape} and entries from {m.min():.3g} to {m.max():.3g}"
            )
        history = [self.mean_field_bound(m)]
        for _ in range(most):
            for i, j in np.ndindex(m.shape):
                around = m[i - 1, j] + m[(i + 1) % self.rows, j] + m[i, j - 1] + m[i, (j + 1) % self.columns]
                m[i, j] = np.tanh(self.coupling * around + self.field)  # eq-mean-field
            history.append(self.mean_field_bound(m))
            if history[-1] - history[-2] < tol:
                return m, history
        raise RuntimeError(
            f"mean_field(): the last of {most} sweeps still gained {np.diff(history)[-1]:.3g}; raise `most`"
        )
