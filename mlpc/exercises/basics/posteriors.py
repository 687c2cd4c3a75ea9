"""Checkers of the sheet's problems on Gaussians: a chain of stations, one cycle of a filter, a field on a ring."""

from __future__ import annotations

import numpy as np

from mlpc.exercises import Exercise, Misconception, Numbers

Array = np.ndarray


# 8 · three stations in a row


def _stations(correlated: bool = True, conditional: bool = True, summed: bool = True) -> tuple[Array | float, ...]:
    """Return a correlation, mean and variance of the middle given the ends, and the precision of the ends."""
    precision = np.array([[2.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 2.0]])
    cov, ends = np.linalg.inv(precision), [0, 2]
    correlation = cov[0, 2] / cov[0, 0] if correlated else 0.0
    weights = -precision[1, ends] / precision[1, 1]
    variance = 1 / precision[1, 1] if conditional else cov[1, 1]
    marginal = np.linalg.inv(cov[np.ix_(ends, ends)]) if summed else precision[np.ix_(ends, ends)]
    return correlation, weights @ np.array([1.0, 3.0]), variance, marginal


STATIONS = Exercise(
    label="basics-8",
    ask="a tuple: three numbers and a 2 × 2 array",
    kind=Numbers(),
    solution=_stations,
    misconceptions=(
        Misconception(
            "a zero of the precision",
            "The zero says that the ends are independent *given the middle*. Nobody has told you the middle.",
            lambda: _stations(correlated=False),
        ),
        Misconception(
            "variance without knowing the ends",
            "Whoever knows both neighbours is more certain than the marginal variance says.",
            lambda: _stations(conditional=False),
        ),
        Misconception(
            "a block of the precision",
            "Not to ask for a variable means to cross out rows of the *covariance*. What of the precision?",
            lambda: _stations(summed=False),
        ),
    ),
)


# 9 · one cycle of a filter, by hand


def _cycle(
    observed_only: bool = False, noise: float = 2.0, two_sided: bool = True, kick: float = 1 / 4, early: float = 0.0
) -> tuple[Array, ...]:
    """Return mean and covariance after the observation, then mean and covariance of the forecast."""
    mean, cov, F = np.array([0.0, 1.0]), np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[1.0, 1.0], [0.0, 1.0]])
    gain = cov[:, 0] / (cov[0, 0] + noise)
    gain = gain * np.array([1.0, 0.0]) if observed_only else gain
    after = mean + gain * (3 - mean[0])
    cov = cov - np.outer(gain, cov[0])
    moving = cov + np.diag([0.0, early])
    forecast = F @ moving @ (F.T if two_sided else np.eye(2))
    return after, cov, F @ after, forecast + np.diag([0.0, kick])


CYCLE = Exercise(
    label="basics-9",
    ask="a tuple of a 2-vector, a 2 × 2 array, a 2-vector, a 2 × 2 array",
    kind=Numbers(),
    solution=_cycle,
    misconceptions=(
        Misconception(
            "only what is seen learns",
            "Position and velocity are correlated: a surprise in one is news of the other.",
            lambda: _cycle(observed_only=True),
        ),
        Misconception(
            "noise of the observation forgotten",
            "Your posterior knows the position exactly. The instrument does not.",
            lambda: _cycle(noise=0.0),
        ),
        Misconception(
            "one side only",
            "Your forecast covariance is not symmetric: a linear map acts on both sides of a covariance.",
            lambda: _cycle(two_sided=False),
        ),
        Misconception(
            "noise of the motion forgotten",
            "The velocity changes at random between two observations, and nothing has been seen yet.",
            lambda: _cycle(kick=0.0),
        ),
        Misconception(
            "kick before the motion",
            "The kick comes when the body has moved already: it cannot have changed the position yet.",
            lambda: _cycle(kick=0.0, early=1 / 4),
        ),
    ),
)


# 23 · a field on a ring


def _field(numerator: bool = True, doubled: float = 1.0, half: float = 0.5, scaled: bool = True) -> tuple[Array, float]:
    """Return the posterior mean of a field on four points, and the information gained, in nats."""
    spectrum = np.fft.fft([2.0, 1.0, 0.0, 1.0]).real * doubled
    gain = (spectrum if numerator else 1.0) / (spectrum + 1)
    mean = np.fft.ifft(gain * np.fft.fft([1.0, 0.0, 0.0, 0.0])).real
    return mean if scaled else 4 * mean, half * float(np.log(spectrum + 1).sum())


FIELD = Exercise(
    label="basics-23",
    ask="a tuple of a 4-vector and a number",
    kind=Numbers(),
    solution=_field,
    misconceptions=(
        Misconception(
            "the share of the noise",
            "Where the field has no variance your filter believes the observation. It should not.",
            lambda: _field(numerator=False),
        ),
        Misconception(
            "inverse transform without its factor",
            "Your mean is larger than the reading itself: a Fourier transform there and back needs a factor.",
            lambda: _field(scaled=False),
        ),
        Misconception(
            "factor of the information",
            "The mean is right. The entropy of a Gaussian holds the logarithm of the determinant with a factor.",
            lambda: _field(half=1.0),
        ),
        Misconception(
            "modes counted as two-sided",
            "The eigenvalues add up to the trace of the covariance. Do yours?",
            lambda: _field(doubled=2.0),
        ),
    ),
)

EXERCISES = (STATIONS, CYCLE, FIELD)
