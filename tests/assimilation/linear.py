"""Linear systems at random, the dense law of whole paths as an oracle, and a system that strains single precision."""

import numpy as np

from mlpc.assimilation import Linear, LinearSystem
from mlpc.basics import Gaussian


def spd(rng, n, scale=1.0):
    """A covariance of condition at most 16."""
    turn = np.linalg.qr(rng.normal(size=(n, n)))[0]
    root = scale * turn * rng.uniform(0.5, 2, size=n)
    return root @ root.T


def random_system(rng, n, k, *, full=False, rank=None):
    """A system whose states neither vanish nor explode; R is a matrix if full, and Q has the rank given."""
    M = 0.95 * np.linalg.qr(rng.normal(size=(n, n)))[0] + 0.1 * rng.normal(size=(n, n))
    R = spd(rng, k, 0.5) if full else rng.uniform(0.1, 1, size=k)
    root = rng.normal(size=(n, n if rank is None else rank))
    Q = spd(rng, n, 0.7) if rank is None else root @ root.T
    return LinearSystem(Linear(R, rng.normal(size=(k, n))), Gaussian(rng.normal(size=n), spd(rng, n)), M=M, Q=Q)


def with_gaps(rng, y, share=0.4):
    return np.where(rng.random(y.shape) < share, np.nan, y)


def path_law(system, T):
    """The law of (x_0, ..., x_T, y_1, ..., y_T) as one vector, from its independent sources."""
    n, k = system.n, system.observation.k
    M, H, R = system.M, system.observation.H, system.observation.covariance(system.M)
    power = [np.linalg.matrix_power(M, t) for t in range(T + 1)]
    zero = np.zeros((n, n))
    X = np.block([[power[t - s] if s <= t else zero for s in range(T + 1)] for t in range(T + 1)])
    sources = np.zeros(((T + 1) * n, (T + 1) * n))
    for t in range(T + 1):
        sources[t * n : (t + 1) * n, t * n : (t + 1) * n] = system.Q if t else system.start.cov
    P, see = X @ sources @ X.T, np.kron(np.eye(T + 1)[1:], H)
    mean = np.concatenate([power[t] @ system.start.mean for t in range(T + 1)])
    noise = np.kron(np.eye(T), R).reshape(T * k, T * k)
    cov = np.block([[P, P @ see.T], [see @ P, see @ P @ see.T + noise]])
    return Gaussian(np.concatenate([mean, see @ mean]), (cov + cov.T) / 2)


def smoothed_law(system, y):
    """The law of (x_0, ..., x_T) given all observations y (T, k): the dense joint, conditioned."""
    T, k = y.shape
    size = (T + 1) * system.n
    return path_law(system, T).condition(slice(size, size + T * k), y.ravel())


def nearly_equal_instruments(delta):
    """Two quantities that wander, and two precise instruments that see their sum, and hardly their difference.

    R ≪ P, and the direction (1, -1) is nearly unobserved: an instrument shows only delta times the second quantity more
    than the other. With delta = 1e-2 the form P - K H P loses definiteness in single precision at once, while Joseph's
    form is well; with delta = 1e-4 the two rows of S are equal up to rounding, and only the square root survives.
    """
    observation = Linear(np.full(2, 1e-8), [[1.0, 1.0], [1.0, 1.0 + delta]])
    return LinearSystem(observation, Gaussian(np.zeros(2), np.eye(2)), M=np.eye(2), Q=1e-6 * np.eye(2))
