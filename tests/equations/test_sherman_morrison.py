"""The labelled equations of the chapter on low-rank updates, one function each."""

from fractions import Fraction

import numpy as np
import sympy

from mlpc.basics import sherman_morrison
from mlpc.verify import (
    block,
    det,
    family,
    identity,
    index,
    matrix,
    prove_equal,
    prove_nonnegative,
    prove_zero,
    scalar,
    sizes,
    total,
    vector,
    zeros,
)

n, k, d, m, N = sizes("n k d m N")
A, U, V = matrix("A", n), matrix("U", n, k), matrix("V", k, n)
u, v = vector("u", n), vector("v", n)
I_n, I_k = identity(n), identity(k)
one = identity(1)


def capacitance(A, U, V):
    return identity(V.shape[0]) + V @ A.inv @ U


S = capacitance(A, U, V)
augmented = block([[A, -U], [V, I_k]])


# S and the two eliminations


def test_eq_capacitance(certify, rng):
    r"""
    S = I_k + V A^{-1} U \in \mathbb{R}^{k \times k}
    """  # it is what the elimination leaves in the corner; the package computes just this, exactly for fractions
    elimination = block([[I_n, zeros(n, k)], [-V @ A.inv, I_k]])

    def left(corner):
        return block([[A, -U], [zeros(k, n), corner]])

    certify(
        prove_equal(
            elimination @ augmented,
            left(S),
            mutants={
                "minus": left(I_k - V @ A.inv @ U),
                "I left out": left(V @ A.inv @ U),
                "A not inverted": left(I_k + V @ A @ U),
                "transposed": left(S.T),
                "inverted": left(S.inv),
            },
        )
    )
    entries = np.vectorize(lambda integer: Fraction(int(integer)), otypes=[object])
    for rows, columns in [(2, 2), (3, 2), (2, 3)]:
        X, W = (entries(rng.integers(-99, 100, size=shape)) for shape in [(rows, columns), (columns, rows)])
        assert (sherman_morrison._capacitance(W, X) == entries(np.eye(columns)) + W @ X).all()


def test_eq_augmented_system(certify):
    r"""
    \begin{pmatrix} A & -U \\ V & I_k \end{pmatrix} \begin{pmatrix} x \\ z \end{pmatrix} = \begin{pmatrix} b \\ 0 \end{pmatrix}
    \quad\Longleftrightarrow\quad
    (A + UV)\,x = b \ \text{ and }\ z = -Vx
    """  # one residual is an invertible matrix times the other: both vanish, or neither
    x, z, b = vector("x", n), vector("z", k), vector("b", n)
    triangular, inverse = (block([[I_n, corner], [zeros(k, n), I_k]]) for corner in (-U, U))

    def residuals(sign, product=U @ V):
        return triangular @ block([[(A + product) @ x - b], [z + sign * V @ x]])

    certify(
        prove_equal(
            augmented @ block([[x], [z]]) - block([[b], [zeros(k, 1)]]),
            residuals(1),
            mutants={"z = Vx": residuals(-1), "A - UV": residuals(1, -U @ V)},
        ),
        prove_equal(
            triangular @ inverse,
            block([[I_n, zeros(n, k)], [zeros(k, n), I_k]]),
            mutants={"2U": block([[I_n, 2 * U], [zeros(k, n), I_k]])},
        ),
    )


def test_eq_block_elimination(certify):
    r"""
    \begin{pmatrix} A & -U \\ V & I_k \end{pmatrix}
    = \begin{pmatrix} I_n & 0 \\ V A^{-1} & I_k \end{pmatrix}
      \begin{pmatrix} A & 0 \\ 0 & S \end{pmatrix}
      \begin{pmatrix} I_n & -A^{-1} U \\ 0 & I_k \end{pmatrix}
    """

    def factors(corner, sign=1):
        lower = block([[I_n, zeros(n, k)], [sign * V @ A.inv, I_k]])
        upper = block([[I_n, -A.inv @ U], [zeros(k, n), I_k]])
        return lower @ block([[A, zeros(n, k)], [zeros(k, n), corner]]) @ upper

    certify(
        prove_equal(
            augmented,
            factors(S),
            mutants={
                "I - VA⁻¹U in the middle": factors(I_k - V @ A.inv @ U),
                "I in the middle": factors(I_k),
                "-VA⁻¹ below": factors(S, sign=-1),
            },
        )
    )


def test_eq_block_elimination_reversed(certify):
    r"""
    \begin{pmatrix} A & -U \\ V & I_k \end{pmatrix}
    = \begin{pmatrix} I_n & -U \\ 0 & I_k \end{pmatrix}
      \begin{pmatrix} A + UV & 0 \\ 0 & I_k \end{pmatrix}
      \begin{pmatrix} I_n & 0 \\ V & I_k \end{pmatrix}
    """

    def factors(corner):
        upper, lower = block([[I_n, -U], [zeros(k, n), I_k]]), block([[I_n, zeros(n, k)], [V, I_k]])
        return upper @ block([[corner, zeros(n, k)], [zeros(k, n), I_k]]) @ lower

    certify(prove_equal(augmented, factors(A + U @ V), mutants={"A - UV": factors(A - U @ V), "A alone": factors(A)}))


# the formulas


def test_eq_woodbury(certify):
    r"""
    (A + UV)^{-1} = A^{-1} - A^{-1} U \, S^{-1} \, V A^{-1}
    """
    certify(
        prove_equal(
            (A + U @ V).inv,
            A.inv - A.inv @ U @ S.inv @ V @ A.inv,
            mutants={
                "plus": A.inv + A.inv @ U @ S.inv @ V @ A.inv,
                "I - VA⁻¹U": A.inv - A.inv @ U @ (I_k - V @ A.inv @ U).inv @ V @ A.inv,
                "S not inverted": A.inv - A.inv @ U @ S @ V @ A.inv,
                "S left out": A.inv - A.inv @ U @ V @ A.inv,
                "S transposed": A.inv - A.inv @ U @ S.T.inv @ V @ A.inv,
                "U and V exchanged": A.inv - A.inv @ V.T @ S.inv @ U.T @ A.inv,
                "A left for the last A⁻¹": A.inv - A.inv @ U @ S.inv @ V @ A,
                "A⁻¹ left out of S": A.inv - A.inv @ U @ (I_k + V @ U).inv @ V @ A.inv,
            },
        ),
        slide=True,
    )


def test_eq_determinant_lemma(certify):
    r"""
    \det(A + UV) = \det(A) \, \det(S)
    """
    certify(
        prove_equal(
            det(A + U @ V),
            det(A) * det(S),
            mutants={
                "det A divided": det(S) / det(A),
                "det A left out": det(S),
                "I - VA⁻¹U": det(A) * det(I_k - V @ A.inv @ U),
                "A⁻¹ left out of S": det(A) * det(I_k + V @ U),
            },
        )
    )


def rank_one(B, u, v):
    """The right-hand side of the formula of Sherman and Morrison, for an inverse B."""
    return B - (B @ u @ v.T @ B) / (1 + v.T @ B @ u)


def test_eq_sherman_morrison(certify):
    r"""
    (A + u v^\top)^{-1} = A^{-1} - \frac{A^{-1} u \, v^\top A^{-1}}{1 + v^\top A^{-1} u}
    """
    numerator, s = A.inv @ u @ v.T @ A.inv, 1 + v.T @ A.inv @ u
    certify(
        prove_equal(
            (A + u @ v.T).inv,
            rank_one(A.inv, u, v),
            mutants={
                "plus": A.inv + numerator / s,
                "1 - vᵀA⁻¹u": A.inv - numerator / (1 - v.T @ A.inv @ u),
                "uᵀA⁻¹v": A.inv - numerator / (1 + u.T @ A.inv @ v),
                "v uᵀ": A.inv - (A.inv @ v @ u.T @ A.inv) / s,
                "no denominator": A.inv - numerator,
            },
        )
    )


def test_eq_push_through(certify):
    r"""
    (A + UV)^{-1} U = A^{-1} U \, S^{-1}
    """
    certify(
        prove_equal(
            (A + U @ V).inv @ U,
            A.inv @ U @ S.inv,
            mutants={
                "S left out": A.inv @ U,
                "S not inverted": A.inv @ U @ S,
                "S transposed": A.inv @ U @ S.T.inv,
            },
        )
    )


def test_eq_singular_vector(certify):
    r"""
    (A + UV) \, A^{-1} U z = U \, S z
    \qquad\text{and}\qquad
    V A^{-1} \, (A + UV) \, x = S \, V x
    """
    x, z = vector("x", n), vector("z", k)
    certify(
        prove_equal(
            (A + U @ V) @ A.inv @ U @ z,
            U @ S @ z,
            mutants={"S left out": U @ z, "S transposed": U @ S.T @ z, "minus": -U @ S @ z},
        ),
        prove_equal(
            V @ A.inv @ (A + U @ V) @ x,
            S @ V @ x,
            mutants={"S left out": V @ x, "S transposed": S.T @ V @ x, "minus": -S @ V @ x},
        ),
    )


def test_eq_woodbury_solve(certify):
    r"""
    \begin{aligned}
    A y = b, \quad A Y = U, \quad x &= y - Y \, (I_k + V Y)^{-1} \, V y \\
    &\Longrightarrow\quad (A + UV) \, x = b
    \end{aligned}
    """
    b = vector("b", n)
    y, Y = A.inv @ b, A.inv @ U
    certify(
        prove_equal(
            (A + U @ V).inv @ b,
            y - Y @ (I_k + V @ Y).inv @ V @ y,
            mutants={
                "UV for -UV": y + Y @ (I_k - V @ Y).inv @ V @ y,
                "correction left out": y,
                "V b for V y": y - Y @ (I_k + V @ Y).inv @ V @ b,
            },
        )
    )


# least squares over a stream of N observations

s = index("s")
phis, ys = family("phi", d), family("y", 1)
A_0, w_0, w = matrix("A_0", d, d, "symmetric"), vector("w_0", d), vector("w", d)
A_N = A_0 + total(phis[s] @ phis[s].T, s, N)
c_N = A_0 @ w_0 + total(ys[s] * phis[s], s, N)


def objective(w):
    return (w - w_0).T @ A_0 @ (w - w_0) + total((ys[s] - phis[s].T @ w) ** 2, s, N)


def test_eq_ridge(certify):
    r"""
    \begin{aligned}
    w_t &= \operatorname*{arg\,min}_{w} \Big\{ (w - w_0)^\top A_0 (w - w_0) + \sum_{s=1}^{t} (y_s - \varphi_s^\top w)^2 \Big\} \\
    &= \Big( A_0 + \sum_{s=1}^{t} \varphi_s \varphi_s^\top \Big)^{-1} \Big( A_0 w_0 + \sum_{s=1}^{t} \varphi_s y_s \Big)
    \end{aligned}
    """  # J(w) = J(w_t) + (w - w_t)ᵀ A_t (w - w_t) for every w, so that w_t is the minimiser where A_t > 0

    def square_about(minimiser):
        return objective(minimiser) + (w - minimiser).T @ A_N @ (w - minimiser)

    certify(
        prove_equal(
            objective(w),
            square_about(A_N.inv @ c_N),
            mutants={
                "w₀ left out": square_about(A_N.inv @ (c_N - A_0 @ w_0)),
                "-w₀": square_about(A_N.inv @ (c_N - 2 * A_0 @ w_0)),
                "I for A₀": square_about((A_N - A_0 + identity(d)).inv @ c_N),
            },
        )
    )


B, phi, y = matrix("A", d, d, "symmetric"), vector("varphi", d), scalar("y")  # B = A_{t-1}, with the inverse P_{t-1}
P = B.inv
gain = (P @ phi) / (1 + phi.T @ P @ phi)


def test_eq_rls_covariance(certify):
    r"""
    P_t = P_{t-1} - g_t \, \varphi_t^\top P_{t-1}
    \qquad\text{where } P_t = A_t^{-1},\ A_t = A_{t-1} + \varphi_t \varphi_t^\top
    """
    certify(
        prove_equal(
            (B + phi @ phi.T).inv,
            P - gain @ phi.T @ P,
            mutants={
                "plus": P + gain @ phi.T @ P,
                "last P left out": P - gain @ phi.T,
                "g gᵀ": P - gain @ gain.T,
            },
        )
    )


def test_eq_rls_gain(certify):
    r"""
    g_t = \frac{P_{t-1} \varphi_t}{1 + \varphi_t^\top P_{t-1} \varphi_t} = P_t \, \varphi_t
    """
    certify(
        prove_equal(
            gain,
            (B + phi @ phi.T).inv @ phi,
            mutants={"P before for P after": P @ phi, "A - φφᵀ": (B - phi @ phi.T).inv @ phi},
        )
    )


def test_eq_rls_mean(certify):
    r"""
    w_t = w_{t-1} + g_t \, (y_t - \varphi_t^\top w_{t-1})
    """  # from the data: the ridge solution of N + 1 observations out of that of N
    before = A_N.inv @ c_N
    g = (A_N.inv @ phi) / (1 + phi.T @ A_N.inv @ phi)

    def step(innovation, gain=g):
        return before + gain * innovation

    certify(
        prove_equal(
            (A_N + phi @ phi.T).inv @ (c_N + y * phi),
            step(y - phi.T @ before),
            mutants={
                "innovation of the other sign": step(phi.T @ before - y),
                "prediction left out": step(y),
                "gain without denominator": step(y - phi.T @ before, A_N.inv @ phi),
            },
        )
    )


lam = scalar("lambda")


def test_eq_forgetting(certify):
    r"""
    \begin{aligned}
    w_t &= \operatorname*{arg\,min}_{w} \Big\{ \lambda^t (w - w_0)^\top A_0 (w - w_0) + \sum_{s=1}^{t} \lambda^{t-s} (y_s - \varphi_s^\top w)^2 \Big\} \\
    A_t &= \lambda A_{t-1} + \varphi_t \varphi_t^\top
    \end{aligned}
    """  # by induction: the braces are λ times those before plus a square; if those are a square about w_{t-1}, so are these
    before, constant = vector("w_{t-1}", d), scalar("c")

    def braces(w):
        return lam * (constant + (w - before).T @ B @ (w - before)) + (y - phi.T @ w) ** 2

    after = (lam * B + phi @ phi.T).inv @ (lam * B @ before + y * phi)

    def square_with(half_hessian):
        return braces(after) + (w - after).T @ half_hessian @ (w - after)

    certify(
        forgetting_of_squares(),
        prove_equal(
            braces(w),
            square_with(lam * B + phi @ phi.T),
            mutants={
                "nothing forgotten": square_with(B + phi @ phi.T),
                "the new forgotten": square_with(B + lam * phi @ phi.T),
                "both forgotten": square_with(lam * (B + phi @ phi.T)),
            },
        ),
    )


def forgetting_of_squares():
    """The braces of t out of those of t - 1, for squared residuals e_s² and the prior's term a."""
    t, j = sympy.symbols("t s", integer=True, positive=True)
    factor, a = sympy.Symbol("lambda", positive=True), sympy.Symbol("a", positive=True)
    e = sympy.IndexedBase("e", real=True)

    def braces(t):
        return factor**t * a + sympy.Sum(factor ** (t - j) * e[j] ** 2, (j, 1, t))

    return prove_zero(
        sympy.Eq(braces(t), factor * braces(t - 1) + e[t] ** 2, evaluate=False),
        mutants={
            "the new forgotten": braces(t) - factor * (braces(t - 1) + e[t] ** 2),
            "nothing forgotten": braces(t) - braces(t - 1) - e[t] ** 2,
        },
    )


def test_eq_forgetting_update(certify):
    r"""
    g_t = \frac{P_{t-1} \varphi_t}{\lambda + \varphi_t^\top P_{t-1} \varphi_t}, \qquad
    P_t = \frac{1}{\lambda} \big( P_{t-1} - g_t \, \varphi_t^\top P_{t-1} \big)
    """  # P_t inverts λA + φφᵀ, and the gain is the one that moves the minimiser
    P_t, before = (lam * B + phi @ phi.T).inv, vector("w_{t-1}", d)

    def g(denominator):
        return (P @ phi) / (denominator + phi.T @ P @ phi)

    certify(
        prove_equal(
            P_t,
            (P - g(lam) @ phi.T @ P) / lam,
            mutants={
                "1 for λ in the gain": (P - g(1) @ phi.T @ P) / lam,
                "no division by λ": P - g(lam) @ phi.T @ P,
                "λ for 1/λ": lam * (P - g(lam) @ phi.T @ P),
            },
        ),
        prove_equal(
            P_t @ (lam * B @ before + y * phi),
            before + g(lam) * (y - phi.T @ before),
            mutants={"1 for λ in the gain": before + g(1) * (y - phi.T @ before)},
        ),
    )


def test_eq_memory(certify):
    r"""
    \sum_{j=0}^{\infty} \lambda^j = \frac{1}{1 - \lambda}, \qquad 0 \le \lambda < 1
    """  # N terms leave λᴺ/(1 - λ), and for λ = 1/(1 + r), r > 0, Bernoulli's inequality by induction: λᴺ ≤ 1/(1 + Nr) → 0
    terms, j = sympy.symbols("N j", integer=True, positive=True)
    factor, r = sympy.symbols("lambda r", positive=True)
    partial = sympy.Sum(factor**j, (j, 0, terms - 1))
    rest = factor**terms / (1 - factor)
    bernoulli = (1 + r) * (1 + terms * r) - (1 + (terms + 1) * r)
    certify(
        prove_zero(
            sympy.Eq(1 / (1 - factor) - partial, rest, evaluate=False),
            mutants={
                "1/(1 + λ)": 1 / (1 + factor) - partial - rest,
                "λ/(1 - λ)": factor / (1 - factor) - partial - rest,
                "1/(1 - λ)²": 1 / (1 - factor) ** 2 - partial - rest,
                "1 - λ": 1 - factor - partial - rest,
            },
        ),
        prove_nonnegative(bernoulli, terms * r**2, mutants={"2r": bernoulli - 2 * terms * r}),
    )
    assert sympy.limit((1 + r) ** -terms, terms, sympy.oo) == 0
    assert (1 / (1 - factor)).subs(factor, 0) == 1


# rounding

D = matrix("Delta", n)


def test_eq_error_persists(certify):
    r"""
    (A + \Delta)^{-1} - \frac{(A + \Delta)^{-1} u \, v^\top (A + \Delta)^{-1}}{1 + v^\top (A + \Delta)^{-1} u}
    = (A + u v^\top + \Delta)^{-1}
    """
    certify(
        prove_equal(
            rank_one((A + D).inv, u, v),
            (A + u @ v.T + D).inv,
            mutants={
                "the error is gone": (A + u @ v.T).inv,
                "the error turns its sign": (A + u @ v.T - D).inv,
                "the update is gone": (A + D).inv,
            },
        )
    )


def test_eq_inverse_error(certify):
    r"""
    (A + \Delta)^{-1} - A^{-1} = -(A + \Delta)^{-1} \Delta \, A^{-1}
    """
    certify(
        prove_equal(
            (A + D).inv - A.inv,
            -(A + D).inv @ D @ A.inv,
            mutants={
                "plus": (A + D).inv @ D @ A.inv,
                "first order only": -A.inv @ D @ A.inv,
                "A⁻¹ left out": -(A + D).inv @ D,
            },
        )
    )


def test_eq_qr_update(certify):
    r"""
    \begin{pmatrix} R_{t-1} \\ \varphi_t^\top \end{pmatrix} = Q \begin{pmatrix} R_t \\ 0 \end{pmatrix}, \ Q^\top Q = I
    \ \Longrightarrow\ R_t^\top R_t = R_{t-1}^\top R_{t-1} + \varphi_t \varphi_t^\top
    """  # three products XᵀX: of Q T and of T, of the rows on the left, and of those on the right; R need not be triangular
    Q, T = matrix("Q", m, m, "orthogonal"), matrix("T", m, d)
    R = matrix("R", d)
    left, right = block([[R], [phi.T]]), block([[R], [zeros(1, d)]])
    outer = phi @ phi.T
    certify(
        prove_equal((Q @ T).T @ (Q @ T), T.T @ T, mutants={"Q Q": T.T @ Q @ Q @ T}),
        prove_equal(
            left.T @ left,
            R.T @ R + outer,
            mutants={
                "minus": R.T @ R - outer,
                "the row left out": R.T @ R,
                "φᵀφ I": R.T @ R + (phi.T @ phi) * identity(d),
            },
        ),
        prove_equal(right.T @ right, R.T @ R, mutants={"R Rᵀ": R @ R.T}),
    )
