"""Checkers of the chapter *Sherman–Morrison*: six computed exercises, and the mistakes that they name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlpc.exercises import Exercise, Function, Misconception, Numbers

Array = np.ndarray
Rng = np.random.Generator


def _invertible(rng: Rng, n: int) -> Array:
    """Return a random n × n matrix, neither symmetric nor near a singular one."""
    return n * np.eye(n) + rng.uniform(-1, 1, size=(n, n))


# 1 · two by two, by hand


def _rank_one(sign: int = -1, denominator: float = 3.0, transposed: bool = False) -> Array:
    """Return the inverse of diag(2, 1) + (2, 1)(1, 1)ᵀ, or what a slip makes of it."""
    A_inv, u, v = np.diag([1 / 2, 1.0]), np.array([2.0, 1.0]), np.array([1.0, 1.0])
    correction = np.outer(A_inv @ u, v @ A_inv) / denominator
    return A_inv + sign * (correction.T if transposed else correction)


BY_HAND = Exercise(
    label="sherman_morrison-1",
    ask="a 2 × 2 array, the inverse of A + u vᵀ",
    kind=Numbers(),
    solution=_rank_one,
    misconceptions=(
        Misconception(
            "sign of the correction",
            "Try numbers: with positive $a$, $u$, $v$, is $1 / (a + u v)$ larger or smaller than $1 / a$?",
            lambda: _rank_one(sign=+1),
        ),
        Misconception(
            "$u$ and $v$ exchanged",
            "This inverts $A + v u^\\top$. Which vector does $A^{-1}$ multiply from the left?",
            lambda: _rank_one(transposed=True),
        ),
        Misconception(
            "missing denominator",
            "Multiply your matrix by $A + u v^\\top$: the product is not the identity. What divides the correction?",
            lambda: _rank_one(denominator=1.0),
        ),
        Misconception(
            "denominator without its 1",
            "The capacitance is $I + V A^{-1} U$, not $V A^{-1} U$.",
            lambda: _rank_one(denominator=2.0),
        ),
    ),
)


# 2 · the step that makes the matrix singular


def _breaking_step(A: Array, u: Array, v: Array) -> tuple[float, Array]:
    """Return β and x with (A - β u vᵀ) x = 0 and vᵀx = 1."""
    x = np.linalg.solve(A, u)
    beta = 1 / (v @ x)
    return float(beta), beta * x


def _slip(change: Callable[[float, Array], tuple[float, Array]]) -> Callable[..., tuple[float, Array]]:
    """Return the solution with the pair (β, x) changed at the end."""
    return lambda A, u, v: change(*_breaking_step(A, u, v))


def _draw_step(rng: Rng) -> tuple[Array, Array, Array]:
    n = int(rng.integers(3, 6))
    return _invertible(rng, n), rng.uniform(1, 2, size=n), rng.uniform(1, 2, size=n)


BREAKING_STEP = Exercise(
    label="sherman_morrison-2",
    ask="a function of (A, u, v) that returns the pair (beta, x)",
    kind=Function(_draw_step),
    solution=lambda: _breaking_step,
    misconceptions=(
        Misconception(
            "sign of the step",
            "The update here is $-\\beta u v^\\top$: put $U = -\\beta u$ into the capacitance.",
            lambda: _slip(lambda beta, x: (-beta, x)),
        ),
        Misconception(
            "missing inverse",
            "This is right for $A = I$ only. Which matrix stands between $v^\\top$ and $u$ in the capacitance?",
            lambda: lambda A, u, v: _breaking_step(np.eye(len(u)), u, v),
        ),
        Misconception(
            "reciprocal",
            "Solve the capacitance for $\\beta$ once more: is it $v^\\top A^{-1} u$ or one over it?",
            lambda: _slip(lambda beta, x: (1 / beta, x)),
        ),
        Misconception(
            "scale of the null vector",
            "Your $\\beta$ is right and $x$ is a null vector, but is $v^\\top x = 1$?",
            lambda: _slip(lambda beta, x: (beta, x / beta)),
        ),
        Misconception(
            "unit length",
            "Your $\\beta$ is right and $x$ is a null vector, but of length 1. Is $v^\\top x = 1$?",
            lambda: _slip(lambda beta, x: (beta, x / np.linalg.norm(x))),
        ),
        Misconception(
            "transpose",
            "This is a null vector from the left. Which of $u$ and $v$ spans the range of the update?",
            lambda: lambda A, u, v: _breaking_step(A.T, v, u),
        ),
    ),
)


# 3 · one more row and column


def _append(A_inv: Array, b: Array, c: Array, d: float, sign: int = -1, divide: bool = True, block: int = 1) -> Array:
    """Return the inverse of [[A, b], [cᵀ, d]] from that of A, by the Schur complement s = d - cᵀA⁻¹b."""
    left, right = A_inv @ b, c @ A_inv
    s = d + sign * (c @ left) if divide else 1.0
    top = np.column_stack([A_inv + block * np.outer(left, right) / s, -left / s])
    return np.vstack([top, np.append(-right / s, 1 / s)])


def _append_symmetric(A_inv: Array, b: Array, c: Array, d: float) -> Array:
    """Return what a symmetric matrix would have: A⁻¹b and its transpose in the place of cᵀA⁻¹."""
    whole, n = _append(A_inv, b, c, d), len(b)
    whole[:n, :n], whole[n, :n] = A_inv + whole[n, n] * np.outer(A_inv @ b, A_inv @ b), whole[:n, n]
    return whole


def _draw_append(rng: Rng) -> tuple[Array, Array, Array, float]:
    n = int(rng.integers(2, 6))
    A_inv = np.linalg.inv(_invertible(rng, n))
    return A_inv, rng.uniform(-1, 1, size=n), rng.uniform(-1, 1, size=n), float(rng.uniform(3, 4))


APPEND = Exercise(
    label="sherman_morrison-3",
    ask="a function of (A_inv, b, c, d) that returns an array with one row and one column more than A_inv",
    kind=Function(_draw_append),
    solution=lambda: _append,
    misconceptions=(
        Misconception(
            "sign of the Schur complement",
            "Eliminate the first block: what is left of $d$ is smaller or larger than $d$ by $c^\\top A^{-1} b$?",
            lambda: lambda A_inv, b, c, d: _append(A_inv, b, c, d, sign=+1),
        ),
        Misconception(
            "missing division by the Schur complement",
            "The last entry of the inverse is the inverse of the Schur complement, and the other blocks carry it too.",
            lambda: lambda A_inv, b, c, d: _append(A_inv, b, c, d, divide=False),
        ),
        Misconception(
            "row and column exchanged",
            "The matrix is not symmetric: $b$ is the new column, $c^\\top$ the new row.",
            lambda: lambda A_inv, b, c, d: _append(A_inv, c, b, d),
        ),
        Misconception(
            "transpose",
            "This inverts the transposed matrix: $A^{-1}$ acts on $b$ from the left and on $c^\\top$ from the right.",
            lambda: lambda A_inv, b, c, d: _append(A_inv, b, c, d).T,
        ),
        Misconception(
            "symmetry assumed",
            "Nothing is symmetric: did you use $A^{-1} b$ where $c^\\top A^{-1}$ belongs?",
            lambda: _append_symmetric,
        ),
        Misconception(
            "sign of the block",
            "Two signs meet in the large block. Multiply by the bordered matrix: is the product the identity?",
            lambda: lambda A_inv, b, c, d: _append(A_inv, b, c, d, block=-1),
        ),
    ),
)


# 4 · leave one out


def _leave_one_out(Phi: Array, y: Array, alpha: float, sign: int = -1, power: int = -1) -> Array:
    """Return rᵢ / (1 - hᵢ), with the ridge fit's residuals rᵢ and leverages hᵢ = φᵢᵀ (αI + ΦᵀΦ)⁻¹ φᵢ."""
    P_Phi = np.linalg.solve(alpha * np.eye(Phi.shape[1]) + Phi.T @ Phi, Phi.T)
    return (y - Phi @ (P_Phi @ y)) * (1 + sign * np.einsum("ij,ji->i", Phi, P_Phi)) ** power


def _draw_ridge(rng: Rng) -> tuple[Array, Array, float]:
    rows, n = int(rng.integers(6, 9)), int(rng.integers(2, 4))
    return rng.normal(size=(rows, n)), rng.normal(size=rows), float(rng.uniform(0.5, 2))


LEAVE_ONE_OUT = Exercise(
    label="sherman_morrison-4",
    ask="a function of (Phi, y, alpha) that returns one residual for each row of Phi",
    kind=Function(_draw_ridge),
    solution=lambda: _leave_one_out,
    misconceptions=(
        Misconception(
            "sign of the downdate",
            "A row is taken away: put $u = -\\varphi_i$, $v = \\varphi_i$ into the formula: what divides?",
            lambda: lambda Phi, y, alpha: _leave_one_out(Phi, y, alpha, sign=+1),
        ),
        Misconception(
            "missing factor",
            "These are the residuals of the fit that has seen every row. Leaving a row out makes its residual larger.",
            lambda: lambda Phi, y, alpha: _leave_one_out(Phi, y, alpha, power=0),
        ),
        Misconception(
            "reciprocal",
            "This is smaller than the residual of the full fit. A row left out is predicted worse, not better.",
            lambda: lambda Phi, y, alpha: _leave_one_out(Phi, y, alpha, power=1),
        ),
        Misconception(
            "prior left out",
            "The leverage is taken with the inverse of $\\alpha I + \\Phi^\\top \\Phi$, and so is the fit.",
            lambda: lambda Phi, y, alpha: _leave_one_out(Phi, y, 0.0),
        ),
    ),
)


# 5 · small noise


def _small_noise(U: Array, c: Array, delta: float) -> Array:
    """Return (δI + U Uᵀ)⁻¹ U c by the push-through identity: no two large numbers are subtracted."""
    return U @ np.linalg.solve(delta * np.eye(U.shape[1]) + U.T @ U, c)


def _small_noise_woodbury(U: Array, c: Array, delta: float) -> Array:
    """Return the same by Woodbury's formula: the difference of two vectors that are larger than it by 1/δ."""
    y, Y = U @ c / delta, U / delta
    return y - Y @ np.linalg.solve(np.eye(U.shape[1]) + U.T @ Y, U.T @ y)


def _draw_noise(rng: Rng) -> tuple[Array, Array, float]:
    """Return a tame case, or one in which rounding takes everything and every operation is exact otherwise."""
    if rng.uniform() < 0.5:
        return rng.normal(size=(6, 2)), rng.normal(size=2), float(rng.uniform(0.5, 2))
    signs = np.array([[1.0, 1.0], [1.0, -1.0]])
    columns = np.kron(signs, np.kron(signs, signs))[:, rng.permutation(8)[:2]]  # orthogonal, of entries ±1
    return columns * 2.0 ** rng.integers(0, 3, size=2), rng.choice([-2.0, 1.0, 4.0], size=2), 2.0**-70


SMALL_NOISE = Exercise(
    label="sherman_morrison-5",
    ask="a function of (U, c, delta) that returns a vector of n entries, also if rounding makes δI + UUᵀ singular",
    kind=Function(_draw_noise, draws=8),
    solution=lambda: _small_noise,
    misconceptions=(
        Misconception(
            "cancellation",
            "Right in exact arithmetic, but two nearly equal vectors are subtracted. Which identity has no difference?",
            lambda: _small_noise_woodbury,
        ),
        Misconception(
            "missing noise",
            "This is the limit $\\delta \\to 0$. Where does $\\delta$ stand in the $k \\times k$ matrix?",
            lambda: lambda U, c, delta: _small_noise(U, c, 0.0),
        ),
        Misconception(
            "missing factor",
            "Compare with $k = 1$: as $\\delta$ grows the answer must vanish like $U c / \\delta$.",
            lambda: lambda U, c, delta: delta * _small_noise(U, c, delta),
        ),
    ),
)


# 6 · a rank-two update


def _bfgs(H: Array, s: Array, y: Array, step: int = 1, swap: bool = False) -> Array:
    """Return the inverse of B - B s sᵀB / sᵀB s + y yᵀ / yᵀs, where B is the inverse of H."""
    rho = 1 / (y @ s)
    left = np.eye(len(s)) - rho * (np.outer(y, s) if swap else np.outer(s, y))
    return left @ H @ left.T + step * rho * np.outer(s, s)


def _draw_bfgs(rng: Rng) -> tuple[Array, Array, Array]:
    n = int(rng.integers(3, 6))
    root = _invertible(rng, n)
    s = rng.normal(size=n)
    return root @ root.T / n**2, s, s + 0.2 * rng.uniform(-1, 1, size=n)


BFGS = Exercise(
    label="sherman_morrison-6",
    ask="a function of (H, s, y) that returns a matrix of the size of H",
    kind=Function(_draw_bfgs),
    solution=lambda: _bfgs,
    misconceptions=(
        Misconception(
            "step and gradient exchanged",
            "The secant equation is $H_+ y = s$: your matrix maps $s$ to $y$.",
            lambda: lambda H, s, y: _bfgs(H, y, s),
        ),
        Misconception(
            "missing term",
            "Your matrix maps $y$ to zero. Which term gives $H_+ y = s$?",
            lambda: lambda H, s, y: _bfgs(H, s, y, step=0),
        ),
        Misconception(
            "factors exchanged",
            "The two factors beside $H$ are exchanged. Which of $s$, $y$ must $H_+$ send to which?",
            lambda: lambda H, s, y: _bfgs(H, s, y, swap=True),
        ),
        Misconception(
            "another update",
            "Your matrix maps $y$ to $s$, but so do many. Multiply it by $B_+$: the product is not the identity.",
            lambda: lambda H, s, y: H - np.outer(H @ y, H @ y) / (y @ H @ y) + np.outer(s, s) / (y @ s),
        ),
        Misconception(
            "inverse forgotten",
            "This is the update of the matrix itself, with $H$ in the place of $B$. Asked for is its inverse.",
            lambda: lambda H, s, y: H - np.outer(H @ s, H @ s) / (s @ H @ s) + np.outer(y, y) / (y @ s),
        ),
    ),
)


EXERCISES = (BY_HAND, BREAKING_STEP, APPEND, LEAVE_ONE_OUT, SMALL_NOISE, BFGS)
