"""Claims that are not proved for all sizes: with generic entries, on exact or floating-point draws, or only stated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import floor, log10
from random import Random
from time import perf_counter
from typing import Any

import numpy as np

from mlpc.verify.certificate import Certificate
from mlpc.verify.deadline import OutOfTimeError, time_limit
from mlpc.verify.entries import LARGEST, Exact, Side, SingularError, Sizes, drawn, generic, on_a_line

REDRAWS = 20  # of singular matrices, before the hypotheses count as impossible


class RefusedError(ValueError):
    """A check that does not come out as claimed."""


def check_exact(
    left: Side,
    right: Side,
    shapes: Mapping[str, str],
    *,
    sizes: Sequence[Sizes],
    mutants: Mapping[str, Side],
    symbolic: Sequence[Sizes] = (),
    seeds: Sequence[int] = (0,),
    draws: int = 5,
    claim: str = "",
    assumes: Iterable[str] = (),
    uses: Iterable[str] = (),
) -> Certificate:
    """Check that two sides agree on random exact matrices and, where asked, with symbols for all entries.

    Parameters
    ----------
    left, right : callables
        Take the matrices by name and return an `Exact` or a list of them.
    shapes : mapping
        Name of each matrix to its two axes, as in ``{"A": "n n", "K": "n n symmetric", "u": "n 1"}``.
    sizes : sequence of mappings
        Of the draws, as in ``[{"n": 3, "k": 2}]``: integers up to 10⁶ in magnitude, `draws` times for each seed.
    mutants : mapping
        What is wrong to the right side that has it wrong: each must differ in a draw.
    symbolic : sequence of mappings
        Sizes at which the claim is also proved with symbols for all entries.
    claim : str
        LaTeX for the certificate.
    assumes, uses
        For the certificate.

    Returns
    -------
    Certificate
        Of grade B if there are symbolic sizes, else C with the bound of Schwartz and Zippel.

    Examples
    --------
    >>> shapes, sizes = {"A": "n n", "B": "n n"}, [{"n": 2}, {"n": 3}]
    >>> certificate = check_exact(
    ...     lambda A, B: (A @ B).det, lambda A, B: A.det * B.det, shapes, sizes=sizes, mutants={"A": lambda A, B: A.det}
    ... )
    >>> certificate.grade, certificate.scope
    ('C', 'n=2; n=3')
    """
    start = perf_counter()
    at = "; ".join(", ".join(f"{name}={size}" for name, size in one.items()) for one in (symbolic or sizes))
    residual, opinion = "", ""
    try:
        with time_limit():
            for one in symbolic:
                if not _holds(left, right, generic(shapes, one)):
                    raise RefusedError(f"false with symbols at {dict(one)}")
            opinion = _drawn(left, right, shapes, sizes, mutants, [(seed, draws) for seed in seeds])
    except (RefusedError, SingularError, OutOfTimeError) as error:
        residual = str(error)
    return Certificate(
        claim or f"{_name(left)} = {_name(right)}",
        "symbols for all entries" if symbolic else "exact draws",
        "B" if symbolic else "C",
        at,
        assumes=(*assumes, "what is inverted is invertible"),
        uses=tuple(uses),
        mutants=() if residual else tuple(mutants),
        second_opinion=opinion,
        residual=residual,
        seconds=perf_counter() - start,
    )


def _drawn(
    left: Side,
    right: Side,
    shapes: Mapping[str, str],
    sizes: Sequence[Sizes],
    mutants: Mapping[str, Side],
    rounds: Sequence[tuple[int, int]],
) -> str:
    """Try a claim on draws, and say on how many; `RefusedError` if one contradicts it, or none a mutant."""
    standing = set(mutants)
    for one in sizes:
        for seed, draws in rounds:
            rng = Random(seed)
            for _ in range(draws):
                matrices, true = _invertible(left, right, shapes, one, rng)
                if not true:
                    raise RefusedError(f"false in a draw at {dict(one)}, seed {seed}")
                standing -= {name for name in standing if _differs(left, mutants[name], matrices)}
    if standing:
        raise RefusedError(f"these wrong variants are refuted by no draw: {', '.join(sorted(standing))}")
    number = len(sizes) * sum(draws for _, draws in rounds)
    degree = max(_degree(left, right, shapes, one) for one in sizes)
    below = floor(number * log10(max(degree, 1) / (2 * LARGEST + 1))) + 1
    seeds = ", ".join(str(seed) for seed, _ in rounds)
    return (
        f"{number} draws of integers up to {LARGEST} (seed {seeds}), 0 failures; were it false, as a polynomial of "
        f"degree {degree}, all would pass with probability below 1e{below}"
    )


def _holds(left: Side, right: Side, matrices: Mapping[str, Exact]) -> bool:
    sides = left(**matrices), right(**matrices)
    lefts, rights = ([side] if isinstance(side, Exact) else list(side) for side in sides)
    return all(one.equals(other) for one, other in zip(lefts, rights, strict=True))


def _differs(left: Side, mutant: Side, matrices: Mapping[str, Exact]) -> bool:
    try:
        return not _holds(left, mutant, matrices)
    except SingularError:
        return False


def _invertible(
    left: Side, right: Side, shapes: Mapping[str, str], sizes: Sizes, rng: Random
) -> tuple[dict[str, Exact], bool]:
    """Return a draw in which all inverses of the claim exist, and whether the claim holds in it."""
    for _ in range(REDRAWS):
        matrices = drawn(shapes, sizes, rng)
        try:
            return matrices, _holds(left, right, matrices)
        except SingularError:
            continue
    raise SingularError(f"{REDRAWS} draws in a row had a singular matrix to invert: the hypotheses cannot be met")


def _degree(left: Side, right: Side, shapes: Mapping[str, str], sizes: Sizes) -> int:
    """Return the degree of the polynomials compared, denominators multiplied out, as seen along a random line."""
    matrices = on_a_line(shapes, sizes, Random(0))
    sides = [[side] if isinstance(side, Exact) else list(side) for side in (left(**matrices), right(**matrices))]
    found = 0
    for one, other in zip(*sides, strict=True):
        common = one.common_factors(other)
        for side in (one, other):
            entries = [entry for row in side.entries_over(common).to_list() for entry in row]
            found = max([found, *(entry.degree() for entry in entries if entry)])
    return found


def check_float(
    left: Callable[..., Any],
    right: Callable[..., Any],
    draw: Callable[[np.random.Generator], Any],
    *,
    tolerance: float,
    reason: str,
    mutants: Mapping[str, Callable[..., Any]],
    seeds: Sequence[int] = (0,),
    draws: int = 20,
    claim: str = "",
    uses: Iterable[str] = (),
) -> Certificate:
    """Check that two sides agree on random arguments in floating point.

    Parameters
    ----------
    left, right : callables
        Take a draw and return arrays of equal shapes.
    draw : callable
        Takes a Generator; returns the arguments as a mapping or a tuple.
    tolerance : float
        Largest error allowed: magnitude of the difference over the largest magnitude on the right, if that exceeds 1.
    reason : str
        Why there is no better grade.
    mutants : mapping
        What is wrong to the right side that has it wrong: each must err by ten times the tolerance in some draw.

    Returns
    -------
    Certificate
        Of grade D, with number of draws, seeds, largest error and tolerance.

    Examples
    --------
    >>> certificate = check_float(
    ...     lambda x: np.sin(2 * x), lambda x: 2 * np.sin(x) * np.cos(x), lambda rng: (rng.normal(size=3),),
    ...     tolerance=1e-12, reason="an example", mutants={"no 2": lambda x: np.sin(x) * np.cos(x)},
    ... )
    >>> bool(certificate), certificate.grade
    (True, 'D')
    """
    start = perf_counter()
    arguments = [draw(rng) for rng in map(np.random.default_rng, seeds) for _ in range(draws)]
    largest = _largest_error(left, right, arguments)
    standing = [name for name, side in mutants.items() if _largest_error(left, side, arguments) <= 10 * tolerance]
    residual = f"the largest error is {largest:.2g}, above {tolerance:g}" if largest > tolerance else ""
    if standing and not residual:
        residual = f"these wrong variants err by less than ten times the tolerance: {', '.join(standing)}"
    number = draws * len(seeds)
    found = f"{number} draws (seed {', '.join(map(str, seeds))}): largest error {largest:.1e}, tolerance {tolerance:g}"
    return Certificate(
        claim or f"{_name(left)} = {_name(right)}",
        "floating-point draws",
        "D",
        found,
        uses=tuple(uses),
        mutants=() if residual else tuple(mutants),
        reason=reason,
        residual=residual,
        seconds=perf_counter() - start,
    )


def _largest_error(left: Callable[..., Any], right: Callable[..., Any], arguments: Sequence[Any]) -> float:
    return max(_error(_called(left, one), _called(right, one)) for one in arguments)


def _called(side: Callable[..., Any], arguments: Any) -> np.ndarray:
    value = side(**arguments) if isinstance(arguments, Mapping) else side(*arguments)
    return np.asarray(value, dtype=np.result_type(np.asarray(value).dtype, np.float64))


def _error(one: np.ndarray, other: np.ndarray) -> float:
    """Return the relative error; infinite where something is not finite."""
    if one.shape != other.shape:
        raise ValueError(f"check_float(): the two sides have shapes {one.shape} and {other.shape}")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return float("inf")
    return float(np.max(np.abs(one - other), initial=0.0) / max(1.0, np.max(np.abs(other), initial=0.0)))


def stated(
    claim: str,
    *,
    reason: str,
    reference: str = "",
    uses: Iterable[str] = (),
    computed: Certificate | Callable[[], bool] | None = None,
) -> Certificate:
    """Certify what is not proved: a definition, or a theorem that is cited.

    Parameters
    ----------
    claim : str
        LaTeX.
    reason : str
        Why there is nothing to prove, or why it is not proved.
    reference : str
        Where the theorem is proved; none for a definition.
    computed : Certificate or callable, optional
        A check of the definition against an independent computation; where it fails, this is no certificate.

    Returns
    -------
    Certificate
        Of grade E.

    Examples
    --------
    >>> stated("S = I + V A^{-1} U", reason="a definition").grade
    'E'
    """
    where = f" ({reference})" if reference else ""
    certificate = Certificate(
        claim, "cited theorem" if reference else "definition", "E", "as stated", uses=tuple(uses), reason=reason + where
    )
    if computed is None:
        return certificate
    if isinstance(computed, Certificate):
        return replace(
            certificate,
            mutants=computed.mutants,
            residual=computed.residual,
            seconds=computed.seconds,
            second_opinion=f"computed: {computed.scope}; {computed.second_opinion}".rstrip("; "),
        )
    holds = bool(computed())
    return replace(
        certificate,
        second_opinion="computed independently: the same",
        residual="" if holds else "an independent computation gives something else",
    )


def _name(side: Callable[..., Any]) -> str:
    return getattr(side, "__name__", "side").replace("_", " ")
