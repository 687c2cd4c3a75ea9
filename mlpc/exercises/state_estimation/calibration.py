"""Checkers of the chapter's exercises on wrong filters and blind ones: claim and fact, symptoms, what is never seen."""

from __future__ import annotations

import numpy as np

from mlpc.exercises import Exercise, Function, Misconception

Array = np.ndarray
Rng = np.random.Generator


# 4 · what it claims and what it does


def _gain(q: float, r: float) -> float:
    p = (q + np.sqrt(q**2 + 4 * q * r)) / 2
    return p / (p + r)


def _errors(q: float, r: float, K: float) -> float:
    """Return the steady variance after an observation, for any gain."""
    return ((1 - K) ** 2 * q + K**2 * r) / (1 - (1 - K) ** 2)


def _claim_and_fact(q: float, r: float, q_believed: float, r_believed: float) -> tuple[float, float]:
    """Return the steady variance of the analysis that a filter claims, and that of its errors."""
    K = _gain(q_believed, r_believed)
    return K * r_believed, _errors(q, r, K)


def _believes_itself(q: float, r: float, q_believed: float, r_believed: float) -> tuple[float, float]:
    claim, _ = _claim_and_fact(q, r, q_believed, r_believed)
    return claim, claim


def _the_best_filter(q: float, r: float, q_believed: float, r_believed: float) -> tuple[float, float]:
    return _gain(q_believed, r_believed) * r_believed, _gain(q, r) * r


def _before_it(q: float, r: float, q_believed: float, r_believed: float) -> tuple[float, float]:
    claim, fact = _claim_and_fact(q, r, q_believed, r_believed)
    return claim + q_believed, fact + q


def _one_cycle(q: float, r: float, q_believed: float, r_believed: float) -> tuple[float, float]:
    """Return the fact after one cycle from the claimed forecast, not the steady one."""
    K = _gain(q_believed, r_believed)
    p = K * r_believed + q_believed
    return K * r_believed, (1 - K) ** 2 * p + K**2 * r


def _short_form(q: float, r: float, q_believed: float, r_believed: float) -> tuple[float, float]:
    """Return the fact by (1 - K) c, which holds for the best gain only: c = (1 - K)(c + q)."""
    K = _gain(q_believed, r_believed)
    return K * r_believed, (1 - K) * q / K


def _as_deviations(q: float, r: float, q_believed: float, r_believed: float) -> tuple[float, float]:
    claim, fact = _claim_and_fact(q, r, q_believed, r_believed)
    return float(np.sqrt(claim)), float(np.sqrt(fact))


def _exchanged(q: float, r: float, q_believed: float, r_believed: float) -> tuple[float, float]:
    claim, fact = _claim_and_fact(q, r, q_believed, r_believed)
    return fact, claim


def _draw_beliefs(rng: Rng) -> tuple[float, float, float, float]:
    q, r = rng.uniform(0.1, 1.0), rng.uniform(0.5, 3.0)
    return float(q), float(r), float(q * rng.uniform(0.1, 0.5)), float(r * rng.uniform(1.5, 4.0))


CLAIM = Exercise(
    label="state_estimation-4",
    ask="a function of (q, r, q_believed, r_believed) that returns two numbers, what is claimed and what is",
    kind=Function(_draw_beliefs),
    solution=lambda: _claim_and_fact,
    misconceptions=(
        Misconception(
            "the filter believed",
            "Both your numbers are what the filter says of itself. The errors are made by the true noises.",
            lambda: _believes_itself,
        ),
        Misconception(
            "errors of the best filter",
            "Your second number is what the right filter would achieve. This one uses another gain.",
            lambda: _the_best_filter,
        ),
        Misconception(
            "before the observation",
            "These are the variances of the forecast; asked for are those of the analysis.",
            lambda: _before_it,
        ),
        Misconception(
            "one cycle only",
            "You let the errors begin at what the filter claims. Where do they end?",
            lambda: _one_cycle,
        ),
        Misconception(
            "short form for a wrong gain",
            "$(1 - K) c$ is the variance for the best gain only. Which form holds for any?",
            lambda: _short_form,
        ),
        Misconception("order of the pair", "First the claim, then the fact.", lambda: _exchanged),
        Misconception("standard deviations", "Asked for are the variances, not their roots.", lambda: _as_deviations),
    ),
)


# 5 · a doctor for filters


def _size(z: Array, spread: float = 2.0) -> float:
    seen = ~np.isnan(z)
    return float((np.sum(z[seen] ** 2) - seen.sum()) / np.sqrt(spread * seen.sum()))


def _memory(z: Array) -> float:
    products = z[1:] * z[:-1]
    pairs = ~np.isnan(products)
    return float(products[pairs].sum() / np.sqrt(pairs.sum()))


def _symptoms(d: Array, S: Array) -> tuple[float, float]:
    """Return the standard scores of the size and of the memory of innovations."""
    z = d / np.sqrt(S)
    return _size(z), _memory(z)


def _zeros_in_gaps(d: Array, S: Array) -> tuple[float, float]:
    return _symptoms(np.nan_to_num(d), S)


def _gaps_counted(d: Array, S: Array) -> tuple[float, float]:
    z = d / np.sqrt(S)
    return float((np.nansum(z**2) - len(z)) / np.sqrt(2 * len(z))), _memory(z)


def _closed_up(d: Array, S: Array) -> tuple[float, float]:
    z = d / np.sqrt(S)
    return _size(z), _memory(z[~np.isnan(z)])


def _average_variance(d: Array, S: Array) -> tuple[float, float]:
    return _symptoms(d, np.full_like(S, np.mean(S)))


def _draw_innovations(rng: Rng) -> tuple[Array, Array]:
    T = int(rng.integers(30, 50))
    S = rng.uniform(0.5, 3.0, size=T)
    d = rng.normal(size=T) * np.sqrt(S) * 1.3
    d[rng.choice(T, size=6, replace=False)] = np.nan
    return d, S


SYMPTOMS = Exercise(
    label="state_estimation-5",
    ask="a function of (d, S), vectors of T entries, that returns two numbers, for size and memory",
    kind=Function(_draw_innovations),
    solution=lambda: _symptoms,
    misconceptions=(
        Misconception(
            "gaps as zeros",
            "A gap is no innovation of zero: it must not count, neither in the sums nor in how many there are.",
            lambda: _zeros_in_gaps,
        ),
        Misconception(
            "gaps counted",
            "The gaps are not in your sum of squares, but in the number of terms that you compare it with.",
            lambda: _gaps_counted,
        ),
        Misconception(
            "gaps closed up",
            "You removed the gaps first: now days on both sides of a gap pass for neighbours.",
            lambda: _closed_up,
        ),
        Misconception(
            "divided by S",
            "$S_t$ is a variance: an innovation is standardised by its root.",
            lambda: lambda d, S: _symptoms(d, S**2),
        ),
        Misconception(
            "variance of a square",
            "The square of a standard normal number has the variance $2$, not $1$.",
            lambda: lambda d, S: (_size(d / np.sqrt(S), spread=1.0), _memory(d / np.sqrt(S))),
        ),
        Misconception(
            "one variance for all",
            "Each innovation has a variance of its own, which the filter said beforehand.",
            lambda: _average_variance,
        ),
    ),
)


# 6 · the blind spot


def _rows(M: Array, H: Array, first: int = 1, count: int | None = None) -> Array:
    count = len(M) if count is None else count
    return np.concatenate([H @ np.linalg.matrix_power(M, t) for t in range(first, first + count)])


def _null_projector(rows: Array) -> Array:
    """Return the orthogonal projector onto the null space."""
    _, values, Vt = np.linalg.svd(rows)
    values = np.append(values, np.zeros(len(Vt) - len(values)))
    unseen = Vt[values < 1e-8 * values[0]]
    return unseen.T @ unseen


def _blind_spot(M: Array, H: Array) -> Array:
    """Return the projector onto the directions that no observation sees."""
    return _null_projector(_rows(M, H))


def _draw_system(rng: Rng) -> tuple[Array, Array]:
    """Return M and H of four components in a random basis, of which one or two are never seen."""
    unseen = int(rng.integers(1, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    M = np.diag(rng.permutation([0.6, 0.9, 1.1, 1.4])) + np.triu(rng.uniform(-0.5, 0.5, size=(4, 4)), 1)
    M[unseen:, :unseen] = 0  # what is seen is not moved by what is not: the first components stay unseen
    H = np.concatenate([np.zeros(unseen), rng.uniform(0.5, 1.0, size=4 - unseen)])[None]
    return turn @ M @ turn.T, H @ turn.T


BLIND = Exercise(
    label="state_estimation-6",
    ask="a function of (M, H) that returns an n × n matrix, the projector onto the unseen directions",
    kind=Function(_draw_system),
    solution=lambda: _blind_spot,
    misconceptions=(
        Misconception(
            "one observation",
            "These directions are unseen at one time. The model may turn them into what is seen later.",
            lambda: lambda M, H: _null_projector(H),
        ),
        Misconception(
            "what is seen",
            "This is the projector onto the directions that are seen; asked for is its complement.",
            lambda: lambda M, H: np.eye(len(M)) - _blind_spot(M, H),
        ),
        Misconception(
            "model transposed",
            "The observation at time $t$ is $H M^t x_0$: check the order, and whether $M$ should be transposed.",
            lambda: lambda M, H: _null_projector(_rows(M.T, H)),
        ),
        Misconception(
            "too few observations",
            "Two observations are not enough for a state of more components. How many always are?",
            lambda: lambda M, H: _null_projector(_rows(M, H, count=2)),
        ),
    ),
)

EXERCISES = (CLAIM, SYMPTOMS, BLIND)
