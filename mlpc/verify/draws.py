"""Draws at small sizes that differ from each other."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, permutations
from typing import Any

import sympy

from mlpc.verify.arithmetic import Singular
from mlpc.verify.constraints import Draw, Impossible
from mlpc.verify.evaluation import evaluate
from mlpc.verify.expressions import Expression, Relation

REDRAWS = 40  # of singular matrices, before the hypotheses count as impossible at these sizes
FEWEST = 3  # draws at each size, also where they are slow
STUBBORN = (10, 20)  # failures in a row, after which smaller numbers are drawn
PATIENCE = 0.1  # seconds for more
SMALL = (3, 2, 4, 5, 6, 7, 8)


def size_symbols(expressions: Iterable[Expression]) -> list[sympy.Basic]:
    """The symbols that are sizes of something, or indices of a family outside a sum, in the order of their names."""
    found: set[Any] = set()
    for expression in expressions:
        for part in expression.subexpressions():
            found |= part.shape[0].free_symbols | part.shape[1].free_symbols
            if part.op == "letter":
                found |= frozenset().union(*(place.free_symbols for place in part.data[2])) & expression.symbols
            if part.op == "total":
                found |= part.data[1].free_symbols
            if part.op == "power":
                found |= sympy.sympify(part.data).free_symbols
    return sorted(found, key=str)


def draws(
    sizes: Sequence[sympy.Basic], relations: Sequence[Relation], used: Sequence[Expression], count: int, seed: int
) -> Iterator[tuple[dict[sympy.Basic, int], Draw]]:
    """Yield draws, at two choices of sizes, in which all the expressions used have a value.

    Raises
    ------
    Impossible
        If none was found at any of the sizes tried.
    """
    exponential = any(part.op == "exp" for expression in used for part in expression.subexpressions())
    found, last = 0, "the hypotheses cannot be met"
    for choice in islice(dict.fromkeys(_choices(len(sizes))), 8):
        assignment = dict(zip(sizes, choice, strict=True))
        source = random.Random(f"{seed} {choice}")
        done, failed, started = 0, 0, time.thread_time()
        digits = int(exponential)
        while done < count and failed < REDRAWS * (done + 1):
            if done >= FEWEST and time.thread_time() > started + PATIENCE:
                break
            try:
                draw = Draw(assignment, relations, source, digits)
                for expression in used:
                    evaluate(expression, draw)
            except (Singular, ZeroDivisionError) as error:
                failed += 1
                last = f"{failed} draws in a row failed: {error}"
                if not done and failed in STUBBORN:
                    digits += 1
                continue
            done += 1
            yield assignment, draw
        found += done > 0
        if found == 2 or (found and not sizes):
            return
    if not found:
        raise Impossible(last)


def _choices(count: int) -> Iterator[tuple[int, ...]]:
    """Different small numbers for the sizes."""
    if count == 0:
        yield ()
        return
    pool = SMALL[: max(count, 3)]
    yield tuple(SMALL[:count])
    yield tuple(reversed(SMALL[:count])) if count > 1 else (2,)
    yield from permutations(pool, count)
