"""Checkers of the chapter *Matrix calculus*: six computed exercises, and the mistakes that they name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlpc.exercises import Exercise, Expression, Function, Misconception, Numbers

Array = np.ndarray
Rng = np.random.Generator


# 1 · two terms, by hand


def _two_terms(sign: int = -1, log_transposed: bool = True, both_inverses: bool = True) -> Array:
    """Return the gradient of log det X + aᵀX⁻¹b at X = [[2, 1], [0, 1]], or what a slip makes of it."""
    X_inv = np.linalg.inv(np.array([[2.0, 1.0], [0.0, 1.0]]))
    a, b = np.array([1.0, 3.0]), np.array([1.0, 2.0])
    right = X_inv @ b if both_inverses else b
    return (X_inv.T if log_transposed else X_inv) + sign * np.outer(X_inv.T @ a, right)


TWO_TERMS = Exercise(
    label="matrix_calculus-1",
    ask="a 2 × 2 array, the gradient at this X",
    kind=Numbers(),
    solution=_two_terms,
    misconceptions=(
        Misconception(
            "sign of the inverse's differential",
            "Try numbers: does $1 / x$ grow or fall when $x$ grows?",
            lambda: _two_terms(sign=+1),
        ),
        Misconception(
            "transpose",
            "This is the matrix before $dX$ in $\\operatorname{tr}(M\\,dX)$. Which matrix is the gradient?",
            lambda: _two_terms().T,
        ),
        Misconception(
            "log det not transposed",
            "The second term is right. In the first, read the gradient off $\\operatorname{tr}(X^{-1} dX)$ once more.",
            lambda: _two_terms(log_transposed=False),
        ),
        Misconception(
            "one inverse is missing",
            "The differential of $X^{-1}$ has an inverse on each side of $dX$.",
            lambda: _two_terms(both_inverses=False),
        ),
    ),
)


# 2 · twice in one trace


def _twice(gradient: Callable[..., Any]) -> Callable[[], Any]:
    """Return a maker of the expression in the letters of the page."""

    def make() -> Any:
        import sympy

        n, k, p = sympy.symbols("n k p", integer=True, positive=True)
        X, A = sympy.MatrixSymbol("X", n, k), sympy.MatrixSymbol("A", p, n)
        return gradient(X, A, sympy.MatrixSymbol("B", k, k), sympy.MatrixSymbol("C", n, p))

    return make


TWICE = Exercise(
    label="matrix_calculus-2",
    ask="a SymPy expression in X, A, B, C, of the shape of X",
    kind=Expression(),
    solution=_twice(lambda X, A, B, C: C * A * X * B + A.T * C.T * X * B.T),
    misconceptions=(
        Misconception(
            "one occurrence only",
            "$X$ stands twice in the trace, and the differential has one term for each.",
            _twice(lambda X, A, B, C: C * A * X * B),
        ),
        Misconception(
            "the other occurrence only",
            "One term of the differential holds $dX$, the other its transpose. You have read off the first one only.",
            _twice(lambda X, A, B, C: A.T * C.T * X * B.T),
        ),
        Misconception(
            "symmetry assumed",
            "This is right if $CA$ and $B$ are symmetric. Nobody said so.",
            _twice(lambda X, A, B, C: 2 * C * A * X * B),
        ),
        Misconception(
            "$CA$ not transposed",
            "One term keeps $CA$ as it stands before $dX$. Transpose all that stands there.",
            _twice(lambda X, A, B, C: C * A * X * B + C * A * X * B.T),
        ),
        Misconception(
            "$B$ not transposed",
            "Both terms must be read off $\\operatorname{tr}(M\\,dX)$ as $M^\\top$: every letter of $M$ is transposed.",
            _twice(lambda X, A, B, C: C * A * X * B + A.T * C.T * X * B),
        ),
    ),
)


# 3 · weights that are not symmetric


def _weighted(Phi: Array, y: Array, both: Array, w: Array, sign: int = -1) -> tuple[Array, Array]:
    """Return gradient and Hessian of the weighted residual, where `both` stands for W + Wᵀ."""
    return sign * Phi.T @ both @ (y - Phi @ w), Phi.T @ both @ Phi


def _draw_weighted(rng: Rng) -> tuple[Array, ...]:
    rows, columns = int(rng.integers(5, 8)), int(rng.integers(2, 5))
    triangular = np.triu(rng.uniform(1, 2, size=(rows, rows)))
    return rng.normal(size=(rows, columns)), rng.normal(size=rows), triangular, rng.normal(size=columns)


WEIGHTED = Exercise(
    label="matrix_calculus-3",
    ask="a function of (Phi, y, W, w) that returns the pair (gradient, hessian)",
    kind=Function(_draw_weighted),
    solution=lambda: lambda Phi, y, W, w: _weighted(Phi, y, W + W.T, w),
    misconceptions=(
        Misconception(
            "symmetry assumed",
            "This is right for a symmetric $W$. A triangular one is not: which formula holds for every matrix?",
            lambda: lambda Phi, y, W, w: _weighted(Phi, y, 2 * W, w),
        ),
        Misconception(
            "sign of the gradient",
            "The residual is $y - \\Phi w$: its Jacobian with respect to $w$ has a sign.",
            lambda: lambda Phi, y, W, w: _weighted(Phi, y, W + W.T, w, sign=+1),
        ),
        Misconception(
            "missing factor",
            "Take $W = I$ and one weight: the derivative of a square has a factor.",
            lambda: lambda Phi, y, W, w: _weighted(Phi, y, (W + W.T) / 2, w),
        ),
    ),
)


# 4 · softmax regression


def _softmax(W: Array, examples: Array, classes: Array, normalise: bool = True, right: int = 1) -> Array:
    """Return Σᵢ (pᵢ - e_{cᵢ}) xᵢᵀ."""
    scores = examples @ W.T
    p = np.exp(scores - scores.max(axis=1, keepdims=True)) if normalise else np.exp(scores)
    p = p / p.sum(axis=1, keepdims=True) if normalise else p
    return (p - right * np.eye(len(W))[classes]).T @ examples


def _draw_softmax(rng: Rng) -> tuple[Array, Array, Array]:
    """Return as many classes as features, so that a transposed answer has the right shape."""
    K, N = int(rng.integers(3, 5)), int(rng.integers(6, 9))
    return rng.normal(size=(K, K)), rng.normal(size=(N, K)), rng.integers(0, K, size=N)


SOFTMAX = Exercise(
    label="matrix_calculus-4",
    ask="a function of (W, examples, classes) that returns an array of the shape of W",
    kind=Function(_draw_softmax),
    solution=lambda: _softmax,
    misconceptions=(
        Misconception(
            "sign",
            "In this direction the right classes grow more probable. Does the cost grow along its gradient, or fall?",
            lambda: lambda *draw: -_softmax(*draw),
        ),
        Misconception(
            "transpose",
            "The shape fits by accident. Each row of the gradient belongs to one class.",
            lambda: lambda *draw: _softmax(*draw).T,
        ),
        Misconception(
            "not normalised",
            "The derivative of a logarithm divides: by what?",
            lambda: lambda *draw: _softmax(*draw, normalise=False),
        ),
        Misconception(
            "mean in the place of the sum",
            "The cost is a sum over the examples. Nothing is divided by their number.",
            lambda: lambda W, examples, classes: _softmax(W, examples, classes) / len(examples),
        ),
        Misconception(
            "right class forgotten",
            "This is the gradient of the first term only. The score of the right class is subtracted.",
            lambda: lambda *draw: _softmax(*draw, right=0),
        ),
    ),
)


# 5 · how a sensor should look


def _information(L: Array, K: Array, Sigma: Array) -> Array:
    """Return 2 (L K Lᵀ + Σ)⁻¹ L K."""
    return 2 * np.linalg.solve(L @ K @ L.T + Sigma, L @ K)


def _draw_information(rng: Rng) -> tuple[Array, Array, Array]:
    """Return square matrices, so that factors in the wrong order still multiply."""
    n = int(rng.integers(2, 5))
    L, *roots = rng.normal(size=(3, n, n))
    K, Sigma = (np.eye(n) + root @ root.T for root in roots)
    return L, K, Sigma


INFORMATION = Exercise(
    label="matrix_calculus-5",
    ask="a function of (L, K, Sigma) that returns an array of the shape of L",
    kind=Function(_draw_information),
    solution=lambda: _information,
    misconceptions=(
        Misconception(
            "missing factor",
            "$L$ stands twice in $L K L^\\top$, and both places contribute the same.",
            lambda: lambda L, K, Sigma: _information(L, K, Sigma) / 2,
        ),
        Misconception(
            "transpose",
            "This is the matrix before $dL$. The gradient has the shape of $L$, also if $L$ is wide.",
            lambda: lambda L, K, Sigma: _information(L, K, Sigma).T,
        ),
        Misconception(
            "$K$ forgotten",
            "What does $dL$ multiply in $d(L K L^\\top)$?",
            lambda: lambda L, K, Sigma: 2 * np.linalg.solve(L @ K @ L.T + Sigma, L),
        ),
        Misconception(
            "inverse forgotten",
            "This is the gradient of the trace of $L K L^\\top$. The logarithm of a determinant brings an inverse.",
            lambda: lambda L, K, Sigma: 2 * L @ K,
        ),
        Misconception(
            "order of the factors",
            "Check the shapes for a wide $L$: on which side can the inverse of a $k \\times k$ matrix stand?",
            lambda: lambda L, K, Sigma: 2 * L @ K @ np.linalg.inv(L @ K @ L.T + Sigma),
        ),
    ),
)


# 6 · a Hessian that is never written down


def _hessian_times(gradient: Callable[[Array], Array], x: Array, v: Array) -> Array:
    """Return the derivative of the gradient along v, by a complex step."""
    h = 2.0**-200
    return np.imag(gradient(x + 1j * h * v)) / h


def _one_sided(gradient: Callable[[Array], Array], x: Array, v: Array, h: float = 1e-8) -> Array:
    return (gradient(x + h * v) - gradient(x)) / h


def _draw_gradient(rng: Rng) -> tuple[Any, Array, Array]:
    """Return the gradient of Σ log cosh (Bx)ᵢ, which is analytic."""
    B = rng.normal(size=(5, 3))
    return (lambda x: B.T @ np.tanh(B @ x)), rng.normal(size=3), rng.normal(size=3)


HESSIAN_TIMES = Exercise(
    label="matrix_calculus-6",
    ask="a function of (gradient, x, v) that returns a vector like v, good to twelve digits",
    kind=Function(_draw_gradient, values=Numbers(rtol=1e-12)),
    solution=lambda: _hessian_times,
    misconceptions=(
        Misconception(
            "one-sided difference",
            "Right in exact arithmetic, but two nearly equal vectors are subtracted, and half of the digits are gone.",
            lambda: _one_sided,
        ),
        Misconception(
            "central difference",
            "Better than one-sided, but still a subtraction: about two thirds of the digits, and two calls.",
            lambda: lambda g, x, v: (g(x + 1e-5 * v) - g(x - 1e-5 * v)) / 2e-5,
        ),
        Misconception(
            "real part",
            "The real part of the gradient at a point beside $x$ is the gradient at $x$. Where does the change stand?",
            lambda: lambda g, x, v: np.real(g(x + 1j * 2.0**-200 * v)),
        ),
    ),
)


EXERCISES = (TWO_TERMS, TWICE, WEIGHTED, SOFTMAX, INFORMATION, HESSIAN_TIMES)
