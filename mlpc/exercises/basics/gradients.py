"""Checkers of the sheet's problems on gradients: volume, a mistaken derivation, a ring of springs, the best gain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlpc.exercises import Exercise, Expression, Misconception, Numbers


def _letters(gradient: Callable[..., Any], *shapes: str) -> Callable[[], Any]:
    """Return a maker of an expression in matrix letters, declared as ``"X d k"``."""

    def make() -> Any:
        import sympy

        declared = (shape.split() for shape in shapes)
        size = {name: sympy.Symbol(name, integer=True, positive=True) for shape in shapes for name in shape.split()[1:]}
        return gradient(*(sympy.MatrixSymbol(name, size[rows], size[columns]) for name, rows, columns in declared))

    return make


# 3 · the volume that the columns span


def _volume(gradient: Callable[..., Any]) -> Callable[[], Any]:
    return _letters(gradient, "X d k")


VOLUME = Exercise(
    label="basics-3",
    ask="a SymPy expression in X, of the shape of X",
    kind=Expression(),
    solution=_volume(lambda X: 2 * X * (X.T * X).inverse()),
    misconceptions=(
        Misconception(
            "one occurrence only",
            "$X$ stands twice in $X^\\top X$, and both terms of the differential give the same.",
            _volume(lambda X: X * (X.T * X).inverse()),
        ),
        Misconception(
            "transpose",
            "This has the shape of $X^\\top$: it is the matrix before $dX$. Which matrix is the gradient?",
            _volume(lambda X: 2 * (X.T * X).inverse() * X.T),
        ),
        Misconception(
            "inverse forgotten",
            "For one number, $\\log x^2$ has the derivative $2/x$. Yours would be $2x^3$.",
            _volume(lambda X: 2 * X * X.T * X),
        ),
        Misconception(
            "sign",
            "Longer columns span a larger volume: does $f$ grow along your gradient?",
            _volume(lambda X: -2 * X * (X.T * X).inverse()),
        ),
    ),
)


# 4 · a derivation with two mistakes


def _similar(gradient: Callable[..., Any]) -> Callable[[], Any]:
    return _letters(gradient, "X n n", "A n n", "B n n")


SIMILAR = Exercise(
    label="basics-4",
    ask="a SymPy expression in X, A and B, of the shape of X",
    kind=Expression(),
    solution=_similar(lambda X, A, B: (A * X.inverse() * B - X.inverse() * B * X * A * X.inverse()).T),
    misconceptions=(
        Misconception(
            "one mistake left: the transpose",
            "The line with the shuffled trace is mended. Now read the gradient off $df = \\operatorname{tr}(M\\,dX)$.",
            _similar(lambda X, A, B: A * X.inverse() * B - X.inverse() * B * X * A * X.inverse()),
        ),
        Misconception(
            "one mistake left: the shuffle",
            "The transpose is mended. But which of the equalities of traces in the derivation is a rotation?",
            _similar(lambda X, A, B: (A * X.inverse() * B - B * A * X.inverse()).T),
        ),
        Misconception(
            "both mistakes left",
            "This is the result of the derivation that was handed in. It has two mistakes.",
            _similar(lambda X, A, B: A * X.inverse() * B - B * A * X.inverse()),
        ),
        Misconception(
            "sign of the inverse's differential",
            "For $A = I$ the function does not depend on $X$. Your gradient is not zero there.",
            _similar(lambda X, A, B: (A * X.inverse() * B + X.inverse() * B * X * A * X.inverse()).T),
        ),
    ),
)


# 5 · a ring of springs


def _ring(closed: bool = True, stiffness: float = 1.0, zero_mode: bool = False) -> tuple[float, ...]:
    """Return smallest non-zero and largest eigenvalue, the best step, and its factor, for six masses."""
    n = 6
    difference = np.roll(np.eye(n), 1, axis=1) - np.eye(n)
    difference = difference if closed else difference[:-1]
    values = np.linalg.eigvalsh(stiffness * difference.T @ difference)
    small, large = (0.0 if zero_mode else values[1]), values[-1]
    return small, large, 2 / (small + large), (large - small) / (large + small)


def _safe_step() -> tuple[float, ...]:
    small, large, *_ = _ring()
    return small, large, 1 / large, 1 - small / large


RING = Exercise(
    label="basics-5",
    ask="a tuple of four numbers: two eigenvalues, a step, a factor",
    kind=Numbers(),
    solution=_ring,
    misconceptions=(
        Misconception(
            "the ring is open",
            "One spring is missing in your energy: the last mass is tied to the first.",
            lambda: _ring(closed=False),
        ),
        Misconception(
            "the half forgotten",
            "The energy has a factor $\\tfrac{1}{2}$, so the diagonal of its Hessian counts the springs at a mass.",
            lambda: _ring(stiffness=2.0),
        ),
        Misconception(
            "uniform mode not left out",
            "In the direction of equal displacements there is nothing to minimise. Asked are the other modes.",
            lambda: _ring(zero_mode=True),
        ),
        Misconception(
            "a safe step is not the best",
            "This step is stable, and best for the stiffest mode. With which do softest and stiffest shrink alike?",
            _safe_step,
        ),
    ),
)


# 25 · the best gain


def _gain(gradient: Callable[..., Any]) -> Callable[[], Any]:
    return _letters(gradient, "G n k", "K n n", "L k n", "Sigma k k")


def _risk_gradient(G: Any, K: Any, L: Any, Sigma: Any) -> Any:
    import sympy

    return 2 * G * Sigma - 2 * (sympy.Identity(G.rows) - G * L) * K * L.T


def _proved(answer: Any) -> bool:
    """Prove the claimed gradient of tr((I - GL) K (I - GL)ᵀ + G Σ Gᵀ), for symmetric K and Σ of every size."""
    import sympy

    from mlpc.verify import prove_gradient

    G, K, L, Sigma = _gain(lambda *letters: letters)()
    known = {str(symbol): symbol for letter in (G, K, L, Sigma) for symbol in letter.free_symbols | {letter.rows}}
    claimed = answer.subs({s: known[str(s)] for s in answer.free_symbols if s.is_Symbol and str(s) in known})
    claimed = claimed.subs({s: known[str(s)] for s in claimed.free_symbols if str(s) in known})
    left = sympy.Identity(G.rows) - G * L
    risk = sympy.Trace(left * K * left.T + G * Sigma * G.T)
    return bool(prove_gradient(risk, G, claimed, assumptions=[sympy.Q.symmetric(K), sympy.Q.symmetric(Sigma)]))


GAIN = Exercise(
    label="basics-25",
    ask="a SymPy expression in G, K, L and Sigma, of the shape of G",
    kind=Expression(),
    solution=_gain(_risk_gradient),
    misconceptions=(
        Misconception(
            "noise forgotten",
            "With this gradient the best gain would not depend on the noise at all. What does a large $G$ do to it?",
            _gain(lambda G, K, L, Sigma: 2 * G * L * K * L.T - 2 * K * L.T),
        ),
        Misconception(
            "missing factor",
            "It vanishes at the right gain, but it is not the gradient: $G$ stands twice in every quadratic term.",
            _gain(lambda G, K, L, Sigma: G * (L * K * L.T + Sigma) - K * L.T),
        ),
        Misconception(
            "sign of the error",
            "At $G = 0$ a small gain must lower the risk. Which sign has $L$ in the error?",
            _gain(lambda G, K, L, Sigma: 2 * G * (L * K * L.T + Sigma) + 2 * K * L.T),
        ),
        Misconception(
            "transpose",
            "Check the shape: the gradient has that of $G$.",
            _gain(lambda G, K, L, Sigma: (2 * G * (L * K * L.T + Sigma) - 2 * K * L.T).T),
        ),
    ),
    accepts=_proved,
)

EXERCISES = (VOLUME, SIMILAR, RING, GAIN)
