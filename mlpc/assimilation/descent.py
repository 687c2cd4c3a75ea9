"""Gauss-Newton descent of a batch of costs: full steps where they help, shorter ones where they do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from mlpc.assimilation.backends import Array, namespace, number, whole

HALVINGS = 16  # of a step that raises the cost, before it is given up
ROUNDING = 64  # units in the last place of a cost: a smaller gain cannot be seen


@runtime_checkable
class Problem(Protocol):
    """A cost in nats as a function of a control, and its Gauss-Newton step."""

    def cost(self, control: Array, /) -> Array:
        """Return the cost, of shape (...)."""
        ...

    def newton(self, control: Array, /) -> tuple[Array, Array]:
        """Return the step, like the control, and the gain that it promises in nats, of shape (...)."""
        ...


def refuse_unless_it_ends(asked: str, iterations: int, tolerance: float) -> None:
    """Raise a `ValueError` unless there is at least one iteration, and a tolerance that is not negative."""
    if whole(asked, "iterations", iterations) < 1:
        raise ValueError(f"{asked}(): iterations must be at least 1, but is {iterations}")
    if not number(asked, "tolerance", tolerance) >= 0:
        raise ValueError(f"{asked}(): tolerance must not be negative, but is {tolerance}")


def descend(problem: Problem, control: Array, iterations: int, tolerance: float) -> tuple[Array, Array, Array]:
    """Return a control of least cost, the costs on the way, and which descents converged, by :eq:`eq-gauss-newton`.

    A descent has converged when its last step promised less than the tolerance, or less than rounding. It rests from
    then on, so that each leading index goes its own way. So does one that has not converged, but finds no lower cost
    along its step; and one whose cost is not finite never moves.

    Parameters
    ----------
    problem : Problem
        The cost and its steps.
    control : array of shape (..., m) or (..., T, m)
        Where to begin.
    iterations : int
        The largest number of steps.
    tolerance : float
        In nats.

    Returns
    -------
    control : array
        Where the descents ended.
    history : array of shape (..., steps + 1)
        The costs before, and after each step; they never rise.
    converged : boolean array of shape (...)
        Which descents promised no more gain.

    References
    ----------
    Nocedal and Wright, Numerical Optimization (2006), section 10.3.
    """
    xp = namespace(control)
    cost = problem.cost(control)
    history, moving, converged = [cost], xp.isfinite(cost), xp.zeros_like(cost) > 0
    for _ in range(iterations):
        if not xp.any(moving):
            break
        step, gain = problem.newton(control)
        control, cost, stuck = _lowered(problem.cost, control, cost, step, moving)
        history.append(cost)
        converged = converged | (moving & (gain <= tolerance + ROUNDING * xp.finfo(cost.dtype).eps * cost))
        moving = moving & ~converged & ~stuck
    return control, xp.stack(history, axis=-1), converged


def _lowered(
    cost_of: Callable[[Array], Array], control: Array, cost: Array, step: Array, waiting: Array
) -> tuple[Array, Array, Array]:
    """Return control and cost after the longest of the steps 1, 1/2, ... that does not raise it, and where none is."""
    xp, share = namespace(cost), 1.0
    for _ in range(HALVINGS):
        trial = control + share * step
        reached = cost_of(trial)
        better = waiting & (reached <= cost)
        axes = better[(..., *(None,) * (control.ndim - better.ndim))]
        control, cost = xp.where(axes, trial, control), xp.where(better, reached, cost)
        waiting, share = waiting & ~better, share / 2
        if not xp.any(waiting):
            break
    return control, cost, waiting
