"""Identities of the Matrix Cookbook and of Kalman's theory, each with wrong variants, and the guards of the prover."""

from fractions import Fraction

import pytest
import sympy
from sympy import (
    BlockDiagMatrix,
    BlockMatrix,
    Determinant,
    Eq,
    HadamardProduct,
    Identity,
    MatPow,
    MatrixSymbol,
    Ne,
    OneMatrix,
    Q,
    Trace,
    ZeroMatrix,
    pi,
)

from mlpc.verify import (
    block,
    det,
    equal,
    exp,
    expectation,
    family,
    identity,
    index,
    log,
    logdet,
    matrix,
    nonzero,
    ones,
    prove_equal,
    prove_zero,
    scalar,
    sizes,
    sqrt,
    total,
    trace,
    vector,
    zeros,
)
from mlpc.verify.expressions import coerce

n, k, m, N = sizes("n k m N")
I_n, I_k = identity(n), identity(k)
A, B, C = (matrix(name, n) for name in "ABC")
D, E = (matrix(name, k) for name in "DE")
U, V = matrix("U", n, k), matrix("V", k, n)
P, R = matrix("P", n, n, "positive"), matrix("R", k, k, "positive")
M = matrix("M", n, n, "symmetric")
H = matrix("H", k, n)
W, Z = matrix("W", n, n, "orthogonal"), matrix("Z", n, n, "orthogonal")
L1, L2 = matrix("L_1", n, n, "diagonal"), matrix("L_2", n, n, "diagonal")
a, b, u, v, x, y, mu = (vector(name, n) for name in ("a", "b", "u", "v", "x", "y", r"\mu"))
z = vector("z", k)
A2, A3 = matrix("A", 2), matrix("A", 3)
c, t = scalar("c"), scalar("t")
s = scalar("s", "positive")
X, i, j = family("x", n), index("i"), index("j")
w = family("w", 1)


def gain(P=P, H=H, R=R):
    return P @ H.T @ (H @ P @ H.T + R).inv


K = gain()
information = P.inv + H.T @ R.inv @ H
G = matrix("G", n, k)  # any gain
F, T = matrix("F", n), matrix("Q", n, n, "positive")
ahead = F @ P @ F.T + T
smoother = P @ F.T @ ahead.inv
P_s = matrix("P_s", n, n, "symmetric")
mean = total(X[i], i, N) / N
S1, S2 = matrix("S_1", n, n, "positive"), matrix("S_2", n, n, "positive")
product_covariance = (S1.inv + S2.inv).inv

INVERSES = {
    "woodbury": ((A + U @ V).inv, A.inv - A.inv @ U @ (I_k + V @ A.inv @ U).inv @ V @ A.inv),
    "woodbury with a middle": ((A + U @ D @ V).inv, A.inv - A.inv @ U @ (D.inv + V @ A.inv @ U).inv @ V @ A.inv),
    "woodbury, symmetric": (
        (P.inv + H.T @ R.inv @ H).inv,
        P - P @ H.T @ (R + H @ P @ H.T).inv @ H @ P,
    ),
    "woodbury, D singular": ((A + U @ D @ V).inv, A.inv - A.inv @ U @ (I_k + D @ V @ A.inv @ U).inv @ D @ V @ A.inv),
    "sherman-morrison": ((A + u @ v.T).inv, A.inv - (A.inv @ u @ v.T @ A.inv) / (1 + v.T @ A.inv @ u)),
    "downdate": ((A - u @ v.T).inv, A.inv + (A.inv @ u @ v.T @ A.inv) / (1 - v.T @ A.inv @ u)),
    "rank one of I_n": ((I_n + u @ v.T).inv, I_n - (u @ v.T) / (1 + v.T @ u)),
    "update times column": ((A + u @ v.T).inv @ u, A.inv @ u / (1 + v.T @ A.inv @ u)),
    "push through": ((I_n + U @ V).inv @ U, U @ (I_k + V @ U).inv),
    "push through, form": ((c * I_n + U @ V).inv @ U, U @ (c * I_k + V @ U).inv),
    "ridge, dual": ((U.T @ U + c * I_k).inv @ U.T, U.T @ (U @ U.T + c * I_n).inv),
    "searle 1": ((I_n + A.inv).inv, A @ (A + I_n).inv),
    "searle 2": ((A + B @ B.T).inv @ B, A.inv @ B @ (I_n + B.T @ A.inv @ B).inv),
    "searle 3": ((A.inv + B.inv).inv, A @ (A + B).inv @ B),
    "searle 3'": ((A.inv + B.inv).inv, B @ (A + B).inv @ A),
    "searle 4": (A - A @ (A + B).inv @ A, B - B @ (A + B).inv @ B),
    "searle 5": (A.inv + B.inv, A.inv @ (A + B) @ B.inv),
    "searle 6": ((I_n + A @ B).inv, I_n - A @ (I_n + B @ A).inv @ B),
    "searle 7": ((I_n + A @ B).inv @ A, A @ (I_n + B @ A).inv),
    "hua": ((A + B).inv, A.inv - A.inv @ (B.inv + A.inv).inv @ A.inv),
    "difference of inverses": (A.inv - B.inv, A.inv @ (B - A) @ B.inv),
    "inverse of a product": ((A @ B @ C).inv, C.inv @ B.inv @ A.inv),
    "inverse of a scaled product": ((c * A @ B).inv, B.inv @ A.inv / c),
    "inverse of a transpose": ((A.T @ B).inv, B.inv @ A.inv.T),
    "inverse of an inverse": ((A.inv + B).inv, (I_n + A @ B).inv @ A),
    "second power": ((A @ B) ** -2, B.inv @ A.inv @ B.inv @ A.inv),
    "cayley": ((I_n - A) @ (I_n + A).inv, (I_n + A).inv @ (I_n - A)),
    "resolvent": (
        (A - c * I_n).inv - (A - t * I_n).inv,
        (c - t) * (A - c * I_n).inv @ (A - t * I_n).inv,
    ),
    "block inverse, left": (
        block([[A, U], [V, D]]).inv,
        block(
            [
                [A.inv + A.inv @ U @ (D - V @ A.inv @ U).inv @ V @ A.inv, -A.inv @ U @ (D - V @ A.inv @ U).inv],
                [-(D - V @ A.inv @ U).inv @ V @ A.inv, (D - V @ A.inv @ U).inv],
            ]
        ),
    ),
    "block inverse, right": (
        block([[A, U], [V, D]]).inv,
        block(
            [
                [(A - U @ D.inv @ V).inv, -(A - U @ D.inv @ V).inv @ U @ D.inv],
                [-D.inv @ V @ (A - U @ D.inv @ V).inv, D.inv + D.inv @ V @ (A - U @ D.inv @ V).inv @ U @ D.inv],
            ]
        ),
    ),
    "block inverse, mixed": (
        block([[A, U], [V, D]]).inv,
        block(
            [
                [(A - U @ D.inv @ V).inv, -A.inv @ U @ (D - V @ A.inv @ U).inv],
                [-D.inv @ V @ (A - U @ D.inv @ V).inv, (D - V @ A.inv @ U).inv],
            ]
        ),
    ),
    "schur complements": (
        (A - U @ D.inv @ V).inv,
        A.inv + A.inv @ U @ (D - V @ A.inv @ U).inv @ V @ A.inv,
    ),
    "block triangular inverse": (
        block([[A, zeros(n, k)], [V, D]]).inv,
        block([[A.inv, zeros(n, k)], [-D.inv @ V @ A.inv, D.inv]]),
    ),
    "block diagonal inverse": (
        block([[A, zeros(n, k)], [zeros(k, n), D]]).inv,
        block([[A.inv, zeros(n, k)], [zeros(k, n), D.inv]]),
    ),
    "block LDU": (
        block([[A, U], [V, D]]),
        block([[I_n, zeros(n, k)], [V @ A.inv, I_k]])
        @ block([[A, zeros(n, k)], [zeros(k, n), D - V @ A.inv @ U]])
        @ block([[I_n, A.inv @ U], [zeros(k, n), I_k]]),
    ),
    "block UDL": (
        block([[A, U], [V, D]]),
        block([[I_n, U @ D.inv], [zeros(k, n), I_k]])
        @ block([[A - U @ D.inv @ V, zeros(n, k)], [zeros(k, n), D]])
        @ block([[I_n, zeros(n, k)], [D.inv @ V, I_k]]),
    ),
    "joint precision": (
        block([[P, P @ H.T], [H @ P, H @ P @ H.T + R]]).inv,
        block([[information, -H.T @ R.inv], [-R.inv @ H, R.inv]]),
    ),
    "orthogonal conjugation": ((W @ A @ W.T).inv, W @ A.inv @ W.T),
    "orthogonal product": (W @ Z @ (W @ Z).T, I_n),
    "orthogonal inverse": ((W @ Z).inv, Z.T @ W.T),
    "reflection": ((I_n - (2 * (u @ u.T)) / (u.T @ u)) @ (I_n - (2 * (u @ u.T)) / (u.T @ u)), I_n),
    "projection": (
        U @ (U.T @ U).inv @ U.T @ U @ (U.T @ U).inv @ U.T,
        U @ (U.T @ U).inv @ U.T,
    ),
    "complement of a projection": ((I_n - U @ (U.T @ U).inv @ U.T) @ U, zeros(n, k)),
    "diagonals commute": (L1 @ L2 @ L1, L2 @ L1 @ L1),
    "pseudo-inverse": (U @ ((U.T @ U).inv @ U.T) @ U, U),
    "powers": (A**2 @ A**-1 @ A**3, A**4),
    "centring": (
        (I_n - (ones(n) @ ones(n).T) / n) @ (I_n - (ones(n) @ ones(n).T) / n),
        I_n - (ones(n) @ ones(n).T) / n,
    ),
}

KALMAN = {
    "two gains": (K, information.inv @ H.T @ R.inv),
    "covariance, information form": ((I_n - K @ H) @ P, information.inv),
    "joseph": ((I_n - K @ H) @ P @ (I_n - K @ H).T + K @ R @ K.T, (I_n - K @ H) @ P),
    "joseph, any gain": (
        (I_n - G @ H) @ P @ (I_n - G @ H).T + G @ R @ G.T,
        information.inv + (G - K) @ (H @ P @ H.T + R) @ (G - K).T,
    ),
    "covariance, with innovation": (P - K @ (H @ P @ H.T + R) @ K.T, information.inv),
    "gain after": (information.inv @ H.T @ R.inv @ (H @ P @ H.T + R), P @ H.T),
    "residual": (z - H @ (x + K @ (z - H @ x)), R @ (H @ P @ H.T + R).inv @ (z - H @ x)),
    "mean, information form": (x + K @ (z - H @ x), information.inv @ (P.inv @ x + H.T @ R.inv @ z)),
    "innovation form": (R.inv - R.inv @ H @ information.inv @ H.T @ R.inv, (H @ P @ H.T + R).inv),
    "information prediction": (
        ahead.inv,
        T.inv - T.inv @ F @ (P.inv + F.T @ T.inv @ F).inv @ F.T @ T.inv,
    ),
    "rts gain, information form": (smoother, (P.inv + F.T @ T.inv @ F).inv @ F.T @ T.inv),
    "rts covariance": (
        P + smoother @ (P_s - ahead) @ smoother.T,
        (P.inv + F.T @ T.inv @ F).inv + smoother @ P_s @ smoother.T,
    ),
    "cost of the update": (
        (x - mu).T @ P.inv @ (x - mu) + (z - H @ x).T @ R.inv @ (z - H @ x),
        (x - mu - K @ (z - H @ mu)).T @ information @ (x - mu - K @ (z - H @ mu))
        + (z - H @ mu).T @ (H @ P @ H.T + R).inv @ (z - H @ mu),
    ),
    "etkf": (
        (I_k + (H @ U).T @ R.inv @ (H @ U)).inv,
        I_k - (H @ U).T @ ((H @ U) @ (H @ U).T + R).inv @ (H @ U),
    ),
    "riccati": (
        F @ (P - P @ H.T @ (H @ P @ H.T + R).inv @ H @ P) @ F.T,
        F @ (I_n + P @ H.T @ R.inv @ H).inv @ P @ F.T,
    ),
    "product of gaussians, covariance": (product_covariance, S1 - S1 @ (S1 + S2).inv @ S1),
    "product of gaussians, mean": (
        product_covariance @ (S1.inv @ a + S2.inv @ b),
        a + S1 @ (S1 + S2).inv @ (b - a),
    ),
    "product of gaussians, exponent": (
        (x - a).T @ S1.inv @ (x - a) + (x - b).T @ S2.inv @ (x - b),
        (x - product_covariance @ (S1.inv @ a + S2.inv @ b)).T
        @ product_covariance.inv
        @ (x - product_covariance @ (S1.inv @ a + S2.inv @ b))
        + (a - b).T @ (S1 + S2).inv @ (a - b),
    ),
    "completing the square": (
        x.T @ M @ x / 2 - b.T @ x,
        (x - M.inv @ b).T @ M @ (x - M.inv @ b) / 2 - b.T @ M.inv @ b / 2,
    ),
    "two steps are one": (
        (information + G @ G.T).inv,
        (P.inv + block([[H], [G.T]]).T @ block([[R, zeros(k, k)], [zeros(k, k), I_k]]).inv @ block([[H], [G.T]])).inv,
    ),
}

SCALARS = {
    "cyclic": (trace(A @ B @ C), trace(C @ A @ B)),
    "transposed trace": (trace(A @ B.T), trace(A.T @ B)),
    "rectangular trace": (trace(U @ V), trace(V @ U)),
    "trace is linear": (trace(2 * A - c * B), 2 * trace(A) - c * trace(B)),
    "similar": (trace(A @ B @ A.inv), trace(B)),
    "trace of I_n": (trace(c * I_n), c * n),
    "trace of a projection": (trace(U @ (U.T @ U).inv @ U.T), k),
    "form is a trace": (x.T @ A @ y, trace(A @ y @ x.T)),
    "form transposed": (x.T @ A @ y, y.T @ A.T @ x),
    "form, symmetric part": (x.T @ A @ x, x.T @ (A + A.T) @ x / 2),
    "frobenius": (trace((A - B).T @ (A - B)), trace(A.T @ A) - 2 * trace(A.T @ B) + trace(B.T @ B)),
    "orthogonal frobenius": (trace((W @ A).T @ (W @ A)), trace(A.T @ A)),
    "outer products": (trace(a @ b.T @ u @ v.T), (b.T @ u) * (v.T @ a)),
    "block trace": (trace(block([[A, U], [V, D]])), trace(A) + trace(D)),
    "det of a product": (det(A @ B), det(A) * det(B)),
    "det of a product, swapped": (det(A @ B), det(B @ A)),
    "det of an inverse": (det(A.inv), 1 / det(A)),
    "det of a transpose": (det(A.T @ B), det(A) * det(B)),
    "det of a multiple": (det(c * A), c**n * det(A)),
    "det of minus": (det(-A) ** 2, det(A) ** 2),
    "det of a power": (det(A**3), det(A) ** 3),
    "det of an orthogonal matrix": (det(W) ** 2, 1),
    "det of a similar matrix": (det(A @ B @ A.inv), det(B)),
    "det, rotated": (det(W @ A @ W.T), det(A)),
    "det of rank one": (det(I_n + u @ v.T), 1 + u.T @ v),
    "determinant lemma": (det(A + u @ v.T), det(A) * (1 + v.T @ A.inv @ u)),
    "determinant lemma, rank k": (det(A + U @ V), det(A) * det(I_k + V @ A.inv @ U)),
    "determinant lemma, middle": (det(A + U @ D @ V), det(A) * det(D) * det(D.inv + V @ A.inv @ U)),
    "sylvester": (det(I_n + U @ V), det(I_k + V @ U)),
    "sylvester with a scalar": (c**k * det(c * I_n + U @ V), c**n * det(c * I_k + V @ U)),
    "det of blocks": (det(block([[A, U], [V, D]])), det(A) * det(D - V @ A.inv @ U)),
    "det of blocks, other": (det(block([[A, U], [V, D]])), det(D) * det(A - U @ D.inv @ V)),
    "det of triangular blocks": (det(block([[A, U], [zeros(k, n), D]])), det(A) * det(D)),
    "det of the joint": (det(block([[P, P @ H.T], [H @ P, H @ P @ H.T + R]])), det(P) * det(R)),
    "det of a sum": (det(A + B), det(A) * det(I_n + A.inv @ B)),
    "det of common factor": (det(A @ B + A @ C), det(A) * det(B + C)),
    "log det of a product": (logdet(P @ S1), logdet(P) + logdet(S1)),
    "log det of an inverse": (logdet(P.inv), -logdet(P)),
    "log det of a multiple": (logdet(s * P), n * log(s) + logdet(P)),
    "log det lemma": (logdet(H @ P @ H.T + R), logdet(R) + logdet(P) + logdet(information)),
    "root of det": (sqrt(det(P) ** 2), det(P)),
    "normaliser": (
        log((2 * pi) ** (-n / 2) * det(P) ** Fraction(-1, 2)),
        -n / 2 * log(2 * pi) - logdet(P) / 2,
    ),
    "exp of log det": (exp(-logdet(P) / 2), 1 / sqrt(det(P))),
    "exp of a sum": (exp(a.T @ x + b.T @ x), exp((a + b).T @ x)),
    "powers of sizes": (s ** (n + k) * s ** (-k), s**n),
    "fractions": (c / (1 + c) + 1 / (1 + c), 1),
    "relative entropy": (
        (trace(S2.inv @ S1) - n + logdet(S2) - logdet(S1)) / 2,
        (trace(S2.inv @ S1 - I_n) - logdet(S2.inv @ S1)) / 2,
    ),
    "blocks in a form": (
        block([[x], [z]]).T @ block([[A, U], [U.T, D]]) @ block([[x], [z]]),
        x.T @ A @ x + 2 * (x.T @ U @ z) + z.T @ D @ z,
    ),
}

STATISTICS = {
    "scatter": (
        total((X[i] - mean) @ (X[i] - mean).T, i, N),
        total(X[i] @ X[i].T, i, N) - N * (mean @ mean.T),
    ),
    "deviations sum to zero": (total(X[i] - mean, i, N), zeros(n)),
    "log-likelihood through the scatter": (
        total((X[i] - mu).T @ P @ (X[i] - mu), i, N),
        trace(P @ total((X[i] - mean) @ (X[i] - mean).T, i, N)) + N * ((mean - mu).T @ P @ (mean - mu)),
    ),
    "weights pulled together": (total((X[i].T @ u) * X[i], i, N), total(X[i] @ X[i].T, i, N) @ u),
    "weighted": (
        total(w[i] * ((X[i] - mu).T @ A @ (X[i] - mu)), i, N),
        trace(A @ total(w[i] * (X[i] - mu) @ (X[i] - mu).T, i, N)),
    ),
    "pairs": (
        total(total((X[i] - X[j]) @ (X[i] - X[j]).T, j, N), i, N),
        2 * N * total((X[i] - mean) @ (X[i] - mean).T, i, N),
    ),
    "another index": (total(A @ X[i], i, N), A @ total(X[j], j, N)),
    "norms": (total(X[i].T @ X[i], i, N), trace(total(X[i] @ X[i].T, i, N))),
    "constants": (total(A, i, N), N * A),
    "mean of a linear map": (expectation(A @ x + b, {x: (mu, P)}), A @ mu + b),
    "covariance of a linear map": (
        expectation((A @ (x - mu)) @ (A @ (x - mu)).T, {x: (mu, P)}),
        A @ P @ A.T,
    ),
    "mean of a form": (expectation(x.T @ A @ x, {x: (mu, P)}), trace(A @ P) + mu.T @ A @ mu),
    "second moment": (expectation(x @ x.T, {x: (mu, P)}), P + mu @ mu.T),
    "product of affine maps": (
        expectation((A @ x + a) @ (B @ x + b).T, {x: (mu, P)}),
        A @ P @ B.T + (A @ mu + a) @ (B @ mu + b).T,
    ),
    "form of a difference": (
        expectation((x - a).T @ A @ (x - a), {x: (mu, P)}),
        (mu - a).T @ A @ (mu - a) + trace(A @ P),
    ),
    "cubic": (
        expectation(x @ x.T @ x, {x: (mu, P)}),
        2 * P @ mu + (trace(P) + mu.T @ mu) * mu,
    ),
    "quartic": (
        expectation((x.T @ A @ x) * (x.T @ M @ x), {x: (zeros(n), P)}),
        trace(A @ P) * trace(M @ P) + 2 * trace(A @ P @ M @ P),
    ),
    "two vectors": (
        expectation((x + y) @ (x + y).T, {x: (mu, P), y: (zeros(n), S1)}),
        P + S1 + mu @ mu.T,
    ),
    "total variance": (
        expectation((A @ x + y) @ (A @ x + y).T, {x: (mu, P), y: (zeros(n), S1)}) - (A @ mu) @ (A @ mu).T,
        A @ P @ A.T + S1,
    ),
}

TRUE = {**INVERSES, **KALMAN, **SCALARS, **STATISTICS}


@pytest.mark.parametrize(("left", "right"), TRUE.values(), ids=TRUE.keys())
def test_what_is_true_is_proved_for_all_sizes(left, right):
    certificate = prove_equal(left, right, mutants=slips(coerce(right)))
    assert certificate, certificate.residual
    assert certificate.grade == "A"
    assert set(certificate.mutants) == set(slips(coerce(right)))
    assert "0 failures" in certificate.second_opinion
    assert certificate.seconds < 3


def slips(right):
    """Wrong right sides: something too much, and a sign."""
    extra = 1 if right.is_scalar else matrix("Z", *right.shape)
    sign = {} if right.op == "zeros" else {"minus": -right}
    return {"something too much": right + extra, **sign}


S_k = I_k + V @ A.inv @ U
WRONG = {
    "woodbury, sign": ((A + U @ V).inv, A.inv + A.inv @ U @ S_k.inv @ V @ A.inv),
    "woodbury, transposed": ((A + U @ V).inv, A.inv - A.inv @ U @ S_k.inv.T @ V @ A.inv),
    "woodbury, inverse missing": ((A + U @ V).inv, A.inv - A.inv @ U @ S_k @ V @ A.inv),
    "woodbury, last factor missing": ((A + U @ V).inv, A.inv - A.inv @ U @ S_k.inv @ V),
    "woodbury, D for its inverse": ((A + U @ D @ V).inv, A.inv - A.inv @ U @ (D + V @ A.inv @ U).inv @ V @ A.inv),
    "sherman-morrison, sign below": ((A + u @ v.T).inv, A.inv - (A.inv @ u @ v.T @ A.inv) / (1 - v.T @ A.inv @ u)),
    "sherman-morrison, u and v": ((A + u @ v.T).inv, A.inv - (A.inv @ v @ u.T @ A.inv) / (1 + v.T @ A.inv @ u)),
    "push through, order": ((I_n + U @ V).inv @ U, U @ (I_k + V @ U @ V @ U).inv),
    "inverse of a sum": ((A + B).inv, A.inv + B.inv),
    "inverse of a product, order": ((A @ B).inv, A.inv @ B.inv),
    "transpose of a product, order": ((A @ B).T, A.T @ B.T),
    "searle 3, order": ((A.inv + B.inv).inv, A @ (A + B).inv @ A),
    "searle 6, order": ((I_n + A @ B).inv, I_n - A @ (I_n + A @ B).inv @ B),
    "hua, sign": ((A + B).inv, A.inv + A.inv @ (B.inv + A.inv).inv @ A.inv),
    "block inverse, sign": (
        block([[A, U], [V, D]]).inv,
        block(
            [
                [(A - U @ D.inv @ V).inv, (A - U @ D.inv @ V).inv @ U @ D.inv],
                [-D.inv @ V @ (A - U @ D.inv @ V).inv, D.inv + D.inv @ V @ (A - U @ D.inv @ V).inv @ U @ D.inv],
            ]
        ),
    ),
    "block transpose": (block([[A, U], [V, D]]).T, block([[A.T, U], [V, D.T]])),
    "block by block inverse": (block([[A, U], [U.T, D]]).inv, block([[A.inv, U], [U.T, D.inv]])),
    "orthogonal, transpose missing": ((W @ A @ W.T).inv, W.T @ A.inv @ W),
    "reflection, factor missing": ((I_n - (u @ u.T) / (u.T @ u)) @ (I_n - (u @ u.T) / (u.T @ u)), I_n),
    "projection, inverse missing": (U @ (U.T @ U).inv @ U.T, U @ U.T),
    "square of a sum": ((A + B) ** 2, A**2 + 2 * A @ B + B**2),
    "symmetric matrices commute": (M @ P, P @ M),
    "letters commute": (A @ B, B @ A),
    "gain, P for its inverse": (K.T, (H @ P @ H.T + R).inv @ H @ P.inv),
    "gain, R for its inverse": (K, information.inv @ H.T @ R),
    "gain, sign": (K, P @ H.T @ (H @ P @ H.T - R).inv),
    "joseph, noise missing": ((I_n - K @ H) @ P @ (I_n - K @ H).T, (I_n - K @ H) @ P),
    "joseph, any gain": ((I_n - G @ H) @ P @ (I_n - G @ H).T + G @ R @ G.T, (I_n - G @ H) @ P),
    "covariance, plus": (P + K @ (H @ P @ H.T + R) @ K.T, information.inv),
    "mean, prior missing": (x + K @ (z - H @ x), information.inv @ (H.T @ R.inv @ z)),
    "rts, sign": (
        P + smoother @ (ahead - P_s) @ smoother.T,
        (P.inv + F.T @ T.inv @ F).inv + smoother @ P_s @ smoother.T,
    ),
    "rts, transposed gain": (smoother.T, (P.inv + F.T @ T.inv @ F).inv @ F.T @ T.inv),
    "product of gaussians, sum": (product_covariance, S1 + S2),
    "product of gaussians, mean": (product_covariance @ (S1.inv @ a + S2.inv @ b), (a + b) / 2),
    "completing the square, half missing": (
        x.T @ M @ x / 2 - b.T @ x,
        (x - M.inv @ b).T @ M @ (x - M.inv @ b) / 2 - b.T @ M.inv @ b,
    ),
    "completing the square, not symmetric": (
        x.T @ A @ x / 2 - b.T @ x,
        (x - A.inv @ b).T @ A @ (x - A.inv @ b) / 2 - b.T @ A.inv @ b / 2,
    ),
    "trace, order": (trace(A @ B @ C), trace(A @ C @ B)),
    "trace of a product": (trace(A @ B), trace(A) * trace(B)),
    "trace of I_n": (trace(I_n), 1),
    "trace of a projection": (trace(U @ (U.T @ U).inv @ U.T), n),
    "form, transposed": (x.T @ A @ y, y.T @ A @ x),
    "det of a sum": (det(A + B), det(A) + det(B)),
    "det of a multiple": (det(c * A), c * det(A)),
    "det of minus": (det(-A), -det(A)),
    "det of an orthogonal matrix": (det(W), 1),
    "determinant lemma, transposed": (det(A + u @ v.T), det(A) * (1 + u.T @ A.inv @ v)),
    "determinant lemma, det missing": (det(A + U @ D @ V), det(A) * det(D.inv + V @ A.inv @ U)),
    "sylvester with a scalar": (det(c * I_n + U @ V), det(c * I_k + V @ U)),
    "det of blocks": (det(block([[A, U], [V, D]])), det(A) * det(D) - det(U @ V)),
    "log det of a multiple": (logdet(s * P), log(s) + logdet(P)),
    "normaliser, n missing": (log((2 * pi) ** (-n / 2) * det(P)), -log(2 * pi) / 2 + logdet(P)),
    "scatter, N missing": (
        total((X[i] - mean) @ (X[i] - mean).T, i, N),
        total(X[i] @ X[i].T, i, N) - mean @ mean.T,
    ),
    "norm of a sum": (total(X[i], i, N).T @ total(X[i], i, N), total(X[i].T @ X[i], i, N)),
    "constants": (total(A, i, N), A),
    "mean of a form, trace missing": (expectation(x.T @ A @ x, {x: (mu, P)}), mu.T @ A @ mu),
    "second moment, mean missing": (expectation(x @ x.T, {x: (mu, P)}), P),
    "quartic, pairing missing": (
        expectation((x.T @ A @ x) * (x.T @ M @ x), {x: (zeros(n), P)}),
        trace(A @ P) * trace(M @ P) + trace(A @ P @ M @ P),
    ),
    "relative entropy, sign": (
        (trace(S2.inv @ S1) - n + logdet(S2) - logdet(S1)) / 2,
        (trace(S2.inv @ S1 - I_n) + logdet(S2.inv @ S1)) / 2,
    ),
}


@pytest.mark.parametrize(("left", "right"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_contradicted_by_a_draw(left, right):
    certificate = prove_equal(left, right)
    assert not certificate
    assert certificate.residual.startswith("false: contradicted by draw")


# SymPy's expressions and assumptions

r, q = sympy.symbols("r q")
sA, sB, sC = (MatrixSymbol(name, r, r) for name in "ABC")
sU, sV, sD = MatrixSymbol("U", r, q), MatrixSymbol("V", q, r), MatrixSymbol("D", q, q)
su, sv = MatrixSymbol("u", r, 1), MatrixSymbol("v", r, 1)
sI = Identity(r)
SYMPY = {
    "woodbury": ((sA + sU * sV).I, sA.I - sA.I * sU * (Identity(q) + sV * sA.I * sU).I * sV * sA.I, ()),
    "sherman-morrison, element": (
        (sA + su * sv.T).I,
        sA.I - sA.I * su * sv.T * sA.I / (1 + (sv.T * sA.I * su)[0, 0]),
        (),
    ),
    "sherman-morrison, trace": ((sA + su * sv.T).I, sA.I - sA.I * su * sv.T * sA.I / (1 + Trace(sv.T * sA.I * su)), ()),
    "sherman-morrison, 1 × 1": (
        (sA + su * sv.T).I,
        sA.I - sA.I * su * (Identity(1) + sv.T * sA.I * su).I * sv.T * sA.I,
        (),
    ),
    "orthogonal": (sC * sA * sC.T * sC * sB * sC.T, sC * sA * sB * sC.T, Q.orthogonal(sC)),
    "symmetric": ((sA * sB).T, sB * sA, Q.symmetric(sA) & Q.symmetric(sB)),
    "symmetric product": (sA * sB, sB * sA, [Q.symmetric(sA), Q.symmetric(sB), Q.symmetric(sA * sB)]),
    "three symmetric": (Trace(sA * sB * sC), Trace(sA * sC * sB), [Q.symmetric(s) for s in (sA, sB, sC)]),
    "form of a symmetric matrix": ((su.T * sA * sv)[0, 0], (sv.T * sA * su)[0, 0], [Q.symmetric(sA)]),
    "diagonal": (sA * sB, sB * sA, [Q.diagonal(sA), Q.diagonal(sB)]),
    "idempotent": ((sI - sA) * (sI - sA), sI - sA, [Eq(sA * sA, sA)]),
    "commuting": (sA * sB.I, sB.I * sA, [Eq(sA * sB, sB * sA)]),
    "orthonormal columns": ((sU * sU.T) ** 2, sU * sU.T, [Eq(sU.T * sU, Identity(q))]),
    "woodbury, orthonormal": (
        (r * sI + sU * sU.T).I,
        (sI - sU * sU.T / (1 + r)) / r,
        [Eq(sU.T * sU, Identity(q)), Ne(r, 0)],
    ),
    "cayley is orthogonal": (((sI - sA) * (sI + sA).I).T * (sI - sA) * (sI + sA).I, sI, [Eq(sA.T, -sA)]),
    "solution": (su, sA.I * sv, [Eq(sA * su, sv)]),
    "unit vector": (((sI - 2 * su * su.T) ** 2), sI, [Eq((su.T * su)[0, 0], 1)]),
    "no divisors of zero": (sB, ZeroMatrix(r, r), [Eq(sA * sB, ZeroMatrix(r, r)), Q.invertible(sA)]),
    "lyapunov": (sB - sA * sB * sA.T, sC, [Eq(sB, sA * sB * sA.T + sC)]),
    "determinant": (Determinant(sA * sB * sA.I), Determinant(sB), ()),
    "determinant lemma": (Determinant(sA + su * sv.T), Determinant(sA) * (1 + (sv.T * sA.I * su)[0, 0]), ()),
    "log det": (sympy.log(Determinant(sA.I)), -sympy.log(Determinant(sA)), ()),
    "blocks": (BlockMatrix([[sA, sU]]) * BlockMatrix([[sB], [sV]]), sA * sB + sU * sV, ()),
    "block determinant": (
        Determinant(BlockMatrix([[sA, sU], [sV, sD]])),
        Determinant(sA) * Determinant(sD - sV * sA.I * sU),
        (),
    ),
    "block diagonal": (BlockDiagMatrix(sA, sD) * BlockDiagMatrix(sB, sD), BlockDiagMatrix(sA * sB, sD * sD), ()),
    "negative powers": (MatPow(sA * sB, -2), sB.I * sA.I * sB.I * sA.I, ()),
    "ones": (Trace(OneMatrix(r, r) * sA * OneMatrix(r, r)), r * Trace(OneMatrix(r, r) * sA), ()),
    "distributive": (sA * (sB + sC), sA * sB + sA * sC, ()),
}


@pytest.mark.parametrize(("left", "right", "assumptions"), SYMPY.values(), ids=SYMPY.keys())
def test_claims_of_sympy_are_read(left, right, assumptions):
    certificate = prove_equal(left, right, assumptions=assumptions)
    assert certificate, certificate.residual
    assert certificate.grade == "A"


NEEDED = [name for name, (_, _, assumptions) in SYMPY.items() if assumptions]


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_assumption_is_noticed(name):
    left, right, _ = SYMPY[name]
    assert not prove_equal(left, right)


# guards: the holes that a prover of this kind can have


def test_letters_are_told_apart_by_their_shape_and_not_by_what_their_name_looks_like():
    wide, wider = matrix("U", n, k), matrix("U", n, m)
    assert not prove_equal(wide @ wide.T, wider @ wider.T)
    assert not prove_equal(matrix("A'", n), A.T)
    assert not prove_equal(matrix("A⁻¹", n) @ A, I_n)


def test_a_zero_among_rational_functions_is_seen():
    zero = s / (1 + s) + 1 / (1 + s) - 1
    assert prove_equal(zero * A, zeros(n, n))
    assert not prove_equal(A, zeros(n, n), assumptions=[equal(zero * A, zeros(n, n))])


def test_what_is_not_square_has_no_inverse():
    with pytest.raises(ValueError, match=r"U has shape \(n, k\)"):
        U.inv  # noqa: B018
    with pytest.raises(ValueError, match=r"\(r, q\)"):
        prove_equal(sU.I + sU.T, sU.T)


def test_an_inverse_that_cannot_be_is_refused():
    singular = u @ v.T
    certificate = prove_equal(singular.inv @ singular @ A, A)
    assert not certificate
    assert "no draw satisfies the hypotheses" in certificate.residual


@pytest.mark.parametrize(
    "relations",
    [
        [equal(A @ B, I_n), equal(A @ B, 2 * I_n)],
        [equal(A, A + I_n)],
        [equal(A @ B, zeros(n, n)), equal(A @ C, I_n), equal(C @ A, I_n), nonzero(trace(B)), equal(B, I_n)],
        [equal(U @ U.T, I_n), equal(U.T @ U, I_k)],
    ],
)
def test_contradictory_assumptions_prove_nothing(relations):
    assert not prove_equal(M @ P, P @ M, assumptions=relations)


def test_a_claim_that_is_trivial_as_read_is_refused():
    assert "trivial" in prove_equal(A @ B, A @ B).residual
    assert "trivial" in prove_equal(sA * sB.I * sB, sA).residual  # SymPy cancelled while it built


def test_shapes_are_compared_and_both_are_named():
    with pytest.raises(ValueError, match=r"\(n, k\).*\(k, n\)"):
        prove_equal(U, V)
    with pytest.raises(ValueError, match=r"\(n, n\).*\(k, n\)"):
        prove_equal(A @ B, A @ B, mutants={"wrong shape": V})


def test_what_is_not_understood_is_refused_by_its_name():
    with pytest.raises(ValueError, match="HadamardProduct"):
        prove_equal(HadamardProduct(sA, sB), sA)
    with pytest.raises(ValueError, match=r"Q\.normal|normal"):
        prove_equal(sA * sA.T, sA.T * sA, assumptions=[Q.normal(sA)])


def test_a_mutant_that_is_true_is_a_finding():
    certificate = prove_equal(M @ A, (A.T @ M).T, mutants={"not transposed": M.T @ A})
    assert not certificate
    assert "not transposed" in certificate.residual


def test_hypotheses_are_recorded():
    certificate = prove_equal((A + u @ v.T).inv, A.inv - (A.inv @ u @ v.T @ A.inv) / (1 + v.T @ A.inv @ u))
    assert {"A invertible", "A + u vᵀ invertible"} <= set(certificate.assumes)
    assert any("≠ 0" in hypothesis for hypothesis in certificate.assumes)
    assert "P positive definite" in prove_equal(logdet(P.inv), -logdet(P)).assumes


def test_at_sizes_that_are_numbers_entries_are_compared():
    x3, A3 = MatrixSymbol("x", 3, 1), MatrixSymbol("A", 3, 3)
    certificate = prove_equal((x3.T * A3 * x3)[0, 0], Trace(A3 * x3 * x3.T))
    assert (bool(certificate), certificate.grade) == (True, "B")
    assert not prove_equal((x3.T * A3 * x3)[0, 0], Trace(A3 * A3 * x3 * x3.T))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (A2 @ A2 - trace(A2) * A2 + det(A2) * identity(2), zeros(2, 2)),
        ((A2 - A2.T) @ (A2 - A2.T), -det(A2 - A2.T) * identity(2)),
        (det(A3 - A3.T), scalar("c") - scalar("c")),
    ],
)
def test_at_sizes_that_are_numbers_determinants_are_expanded(left, right):
    certificate = prove_equal(left, right)
    assert (bool(certificate), certificate.grade) == (True, "B"), certificate.residual


def test_what_holds_at_one_size_only_is_not_proved_for_all():
    assert not prove_equal(A @ A - trace(A) * A + det(A) * I_n, zeros(n, n))
    assert not prove_equal(det(A - A.T), scalar("c") - scalar("c"))
    one, other = matrix("A", 1), matrix("B", 1)
    assert prove_equal(one @ other, other @ one)
    assert not prove_equal(A @ B, B @ A)


def test_what_is_true_but_not_proved_says_what_remained():
    certificate = prove_equal(A @ P @ A.T, I_n, assumptions=[equal(A.T @ A, P.inv)])
    assert not certificate
    assert "holds in" in certificate.residual
    assert "what remained: -1 + A P Aᵀ" in certificate.residual


ROOTS = {
    "Cholesky whitens": (A.inv @ P @ A.inv.T, I_n, [equal(A @ A.T, P)]),
    "log det by Cholesky": (logdet(P), 2 * log(det(A)), [equal(A @ A.T, P)]),
    "log det by its own name": (logdet(P), 2 * log(det(A)), [equal(P, A @ A.T)]),
    "log det by eigenvalues": (logdet(P), logdet(L1), [equal(P, W @ L1 @ W.T)]),
    "symmetric root": (M @ P @ M, I_n, [equal(M @ M, P.inv)]),
}


@pytest.mark.parametrize(("left", "right", "assumptions"), ROOTS.values(), ids=ROOTS.keys())
def test_square_roots_are_drawn_and_determinants_follow_from_equations(left, right, assumptions):
    certificate = prove_equal(left, right, assumptions=assumptions, mutants={"twice": 2 * right})
    assert certificate, certificate.residual
    assert not prove_equal(left, right)


@pytest.mark.parametrize(
    ("left", "right", "assumption"),
    [
        (det(A), det(A) ** 2, equal(A @ A, A)),
        (det(A), 1 / det(A), equal(A @ A, I_n)),
        (det(A), 0 * det(A), equal(A, -A.T)),
    ],
)
def test_an_equation_of_a_letter_with_itself_is_not_followed_for_ever(left, right, assumption):
    assert prove_equal(left, right, assumptions=[assumption]).seconds < 1


def test_the_second_opinion_says_where_numbers_are_rounded():
    rounded = prove_equal(*ROOTS["Cholesky whitens"][:2], assumptions=ROOTS["Cholesky whitens"][2])
    assert "draws to 60 digits" in rounded.second_opinion
    assert "rational draws" in prove_equal((A @ B).inv, B.inv @ A.inv).second_opinion


def test_a_sign_under_a_logarithm_is_a_hypothesis():
    certificate = prove_equal(logdet(-(U.T @ U)), logdet(U.T @ U))
    assert "(-1)^k > 0" in certificate.assumes
    assert "det(W) > 0" in prove_equal(logdet(W @ P), logdet(P)).assumes


def test_an_index_outside_a_sum_is_any_index():
    X, i, j = family("x", n), index("i"), index("j")
    assert prove_equal((X[i] @ X[j].T).T, X[j] @ X[i].T)
    assert prove_equal(total(X[i], i, N) - X[j], total(X[i] - X[j] / N, i, N))
    assert not prove_equal(X[i], X[j])


def test_an_orthogonal_positive_definite_matrix_is_the_identity():
    assert prove_equal(matrix("Q", n, n, "orthogonal", "positive"), I_n)
    assert not prove_equal(matrix("Q", n, n, "orthogonal", "symmetric"), I_n)


def test_what_is_positive_definite_is_drawn_so_under_equations():
    Q_, F = matrix("Q", n, n, "positive"), matrix("F", n)
    certificate = prove_equal(P - Q_, F @ P @ F.T, assumptions=[equal(P, F @ P @ F.T + Q_)])
    assert certificate, certificate.residual
    assert "no draw" in prove_equal(P @ A, -A, assumptions=[equal(P, -I_n)]).residual


def test_a_scalar_may_be_defined():
    c, d = scalar("c"), scalar("d")
    assert prove_equal(c * A, 2 * d * A, assumptions=[equal(c, 2 * d)])
    assert not prove_equal(c * A, d * A, assumptions=[equal(c, 2 * d)])
    assert "no draw" in prove_equal(A / (c - d), B / (c - d), assumptions=[equal(c, d)]).residual
    assert "no draw" in prove_equal(A, B, assumptions=[equal(c, 0), nonzero(c)]).residual


def test_exact_floating_point_numbers_are_read():
    assert prove_equal(0.5 * A + 0.25 * A, Fraction(3, 4) * A)
    with pytest.raises(ValueError, match="rounded"):
        prove_equal(0.1 * A, A)


def test_prove_zero_takes_matrices_too():
    assert prove_zero(
        Trace(sA * sB) - Trace(sB.T * sA.T), mutants={"not transposed": Trace(sA * sB) - Trace(sB.T * sA)}
    )
    assert not prove_zero(Trace(sA * sB) - Trace(sA) * Trace(sB))


def test_what_sympy_has_evaluated_is_told_so():
    assert "once SymPy has evaluated them" in prove_equal((sA * sB).T, sB.T * sA.T).residual


def test_time_is_limited(monkeypatch):
    monkeypatch.setattr("mlpc.verify.claims.LIMIT", 0.0)
    certificate = prove_equal(*INVERSES["woodbury"])
    assert not certificate
    assert "time" in certificate.residual
