"""The Matrix Cookbook and Kalman theory in SymPy's notation: each claim with wrong variants, for all sizes."""

from functools import partial

import pytest
from sympy import (
    BlockDiagMatrix,
    BlockMatrix,
    Determinant,
    Eq,
    Identity,
    Inverse,
    MatrixSymbol,
    OneMatrix,
    Q,
    Sum,
    Trace,
    Transpose,
    ZeroMatrix,
    exp,
    log,
    sqrt,
    symbols,
    sympify,
)

from mlpc.verify import prove_equal, prove_gradient, prove_jacobian

CLAIMS, UNFOUNDED = {}, {}


def equation(name, left, right, *wrong, given=()):
    assert name not in CLAIMS
    CLAIMS[name] = partial(prove_equal, left, right, mutants=wrong, assumptions=given), len(wrong)


def gradient(name, f, x, claimed, *wrong, given=()):
    assert name not in CLAIMS
    CLAIMS[name] = partial(prove_gradient, f, x, claimed, mutants=wrong, assumptions=given), len(wrong)


def unfounded(name, left, right, given=()):
    """A claim of which an assumption is missing."""
    assert name not in UNFOUNDED
    UNFOUNDED[name] = partial(prove_equal, left, right, assumptions=given)


n, k, m, p, N = symbols("n k m p N", integer=True, positive=True)
s, t = symbols("s t")
i, j = symbols("i j", integer=True)
lam, s2 = symbols("lambda sigma2", positive=True)
A, B, C, D, F, P, Pb, Ps, Q_, S, S11, W, X = (
    MatrixSymbol(name, n, n) for name in ("A", "B", "C", "D", "F", "P", "P_b", "P_s", "Q", "S", "S_1", "W", "X")
)
U, Y, V, R = MatrixSymbol("U", n, k), MatrixSymbol("Y", n, k), MatrixSymbol("V", k, n), MatrixSymbol("R", k, k)
H, K, Bk, bb, dd = (
    MatrixSymbol("H", k, n),
    MatrixSymbol("K", n, k),
    MatrixSymbol("B", k, k),
    MatrixSymbol("b", n, 1),
    MatrixSymbol("d", m, 1),
)
Cm, Bp, Dp, xx = MatrixSymbol("C", n, m), MatrixSymbol("B", n, p), MatrixSymbol("D", m, p), MatrixSymbol("x", p, 1)
Al, Bq, Cr, Bs, Cs = (
    MatrixSymbol("A", m, n),
    MatrixSymbol("B", k, k),
    MatrixSymbol("C", n, m),
    MatrixSymbol("B", k, p),
    MatrixSymbol("C", m, p),
)
a, b, c, u, v, x, y, mu, xb = (MatrixSymbol(name, n, 1) for name in ("a", "b", "c", "u", "v", "x", "y", "mu", "x_b"))
I_n, I_k, I_m, I_N = Identity(n), Identity(k), Identity(m), Identity(N)
A11, A12, A21, A22 = (
    MatrixSymbol("A_11", n, n),
    MatrixSymbol("A_12", n, k),
    MatrixSymbol("A_21", k, n),
    MatrixSymbol("A_22", k, k),
)
blocks = BlockMatrix([[A11, A12], [A21, A22]])
C1, C2 = A11 - A12 * A22.I * A21, A22 - A21 * A11.I * A12

equation("inverse of a product", Inverse(A * B), B.I * A.I, A.I * B.I)
equation("trace is cyclic", Trace(A * B * C), Trace(B * C * A), Trace(B * A * C), Trace(C * B * A))
equation("trace of the transpose", Trace(A.T * B), Trace(B.T * A), Trace(B * A))
equation("trace of a rectangular product", Trace(U * V), Trace(V * U), Trace(U * V * U * V))
equation("length as a trace", a.T * a, Trace(a * a.T), Trace(a * a.T * a * a.T))
equation(
    "determinant of a product",
    Determinant(A * B),
    Determinant(B) * Determinant(A),
    Determinant(A) + Determinant(B),
    Determinant(A),
)
equation("determinant of a multiple", Determinant(s * A), s**n * Determinant(A), s * Determinant(A))
equation("determinant of the transpose", Determinant(A.T * B), Determinant(B.T * A), -Determinant(B.T * A))
equation("determinant of the inverse", Determinant(Inverse(A)), 1 / Determinant(A), Determinant(A))
equation(
    "determinant, rank one", Determinant(I_n + u * v.T), 1 + (v.T * u)[0, 0], 1 - (v.T * u)[0, 0], 1 + (u.T * u)[0, 0]
)
equation("Sylvester", Determinant(I_n + U * V), Determinant(I_k + V * U), Determinant(I_k - V * U))
equation(
    "determinant lemma",
    Determinant(A + U * V),
    Determinant(A) * Determinant(I_k + V * A.I * U),
    Determinant(I_k + V * A.I * U),
    Determinant(A) * Determinant(I_k - V * A.I * U),
)
equation(
    "trace of a square",
    Trace((A + B) ** 2),
    Trace(A**2) + 2 * Trace(A * B) + Trace(B**2),
    Trace(A**2) + Trace(A * B) + Trace(B**2),
)
equation(
    "trace of a cube",
    Trace((A + B) ** 3),
    Trace(A**3) + 3 * Trace(A**2 * B) + 3 * Trace(A * B**2) + Trace(B**3),
    Trace(A**3) + 3 * Trace(A * B) + 3 * Trace(A * B**2) + Trace(B**3),
)
equation("trace of the square of a product", Trace((A * B) ** 2), Trace((B * A) ** 2), Trace(A**2 * B**2))
gradient("det X", Determinant(X), X, Determinant(X) * X.I.T, Determinant(X) * X.I, X.I.T)
gradient("det AXB", Determinant(A * X * B), X, Determinant(A * X * B) * X.I.T, Determinant(X) * X.I.T)
gradient(
    "det X'AX, square",
    Determinant(X.T * A * X),
    X,
    2 * Determinant(X.T * A * X) * X.I.T,
    Determinant(X.T * A * X) * X.I.T,
)
gradient(
    "det Y'PY, symmetric",
    Determinant(Y.T * P * Y),
    Y,
    2 * Determinant(Y.T * P * Y) * P * Y * Inverse(Y.T * P * Y),
    Determinant(Y.T * P * Y) * P * Y * Inverse(Y.T * P * Y),
    2 * P * Y * Inverse(Y.T * P * Y),
    given=[Q.symmetric(P)],
)
gradient(
    "det Y'AY",
    Determinant(Y.T * A * Y),
    Y,
    Determinant(Y.T * A * Y) * (A * Y * Inverse(Y.T * A * Y) + A.T * Y * Inverse(Y.T * A.T * Y)),
    2 * Determinant(Y.T * A * Y) * A * Y * Inverse(Y.T * A * Y),
)
gradient("log det Y'Y", log(Determinant(Y.T * Y)), Y, 2 * Y * Inverse(Y.T * Y), Y * Inverse(Y.T * Y))
gradient("log det X", log(Determinant(X)), X, X.I.T, X.I, -X.I.T)
gradient("det X^3", Determinant(X**3), X, 3 * Determinant(X**3) * X.I.T, 3 * Determinant(X**2) * X.I.T)
gradient("log det XX'", log(Determinant(X * X.T)), X, 2 * X.I.T, X.I.T, 2 * X.I)
gradient("a'X^-1 b", a.T * X.I * b, X, -X.I.T * a * b.T * X.I.T, X.I.T * a * b.T * X.I.T, -X.I * a * b.T * X.I)
gradient("det X^-1", Determinant(X.I), X, -Determinant(X.I) * X.I.T, Determinant(X.I) * X.I.T)
gradient(
    "tr AX^-1 B",
    Trace(A * X.I * B),
    X,
    -(X.I * B * A * X.I).T,
    (X.I * B * A * X.I).T,
    -X.I * B * A * X.I,
    -(X.I * A * B * X.I).T,
)
gradient(
    "tr (X+A)^-1",
    Trace(Inverse(X + A)),
    X,
    -(Inverse(X + A) * Inverse(X + A)).T,
    -Inverse(X + A) * Inverse(X + A),
    -(Inverse(X + A)).T,
)
gradient("x'a", x.T * a, x, a, 2 * a)
gradient("a'Xb", a.T * X * b, X, a * b.T, b * a.T)
gradient("a'X'b", a.T * X.T * b, X, b * a.T, a * b.T)
gradient("a'Xa", a.T * X * a, X, a * a.T, 2 * a * a.T)
gradient("b'X'Xc", b.T * X.T * X * c, X, X * (b * c.T + c * b.T), 2 * X * b * c.T, X * b * c.T)
gradient(
    "(Bx+b)'C(Dx+d)",
    (Bp * xx + bb).T * Cm * (Dp * xx + dd),
    xx,
    Bp.T * Cm * (Dp * xx + dd) + Dp.T * Cm.T * (Bp * xx + bb),
    Bp.T * Cm * (Dp * xx + dd),
    Bp.T * Cm * (Dp * xx + dd) - Dp.T * Cm.T * (Bp * xx + bb),
)
gradient(
    "b'X'DXc",
    b.T * X.T * D * X * c,
    X,
    D.T * X * b * c.T + D * X * c * b.T,
    2 * D * X * b * c.T,
    D * X * b * c.T + D * X * c * b.T,
)
gradient(
    "(Xb+c)'D(Xb+c)",
    (X * b + c).T * D * (X * b + c),
    X,
    (D + D.T) * (X * b + c) * b.T,
    2 * D * (X * b + c) * b.T,
    (D + D.T) * (X * b + c) * c.T,
)
gradient("x'Bx", x.T * B * x, x, (B + B.T) * x, 2 * B * x, (B + B.T) * x + x)
gradient("x'Px", x.T * P * x, x, 2 * P * x, P * x, given=[Q.symmetric(P)])
gradient(
    "(x-Ay)'P(x-Ay) by y",
    (x - A * y).T * P * (x - A * y),
    y,
    -2 * A.T * P * (x - A * y),
    2 * A.T * P * (x - A * y),
    -2 * P * A * (x - A * y),
    given=[Q.symmetric(P)],
)
gradient(
    "(x-Ay)'P(x-Ay) by A",
    (x - A * y).T * P * (x - A * y),
    A,
    -2 * P * (x - A * y) * y.T,
    2 * P * (x - A * y) * y.T,
    -2 * (x - A * y) * y.T * P,
    given=[Q.symmetric(P)],
)
gradient(
    "(x-Ay)'P(x-Ay) by A, P not symmetric",
    (x - A * y).T * P * (x - A * y),
    A,
    -(P + P.T) * (x - A * y) * y.T,
    -2 * P * (x - A * y) * y.T,
)
gradient("a'X^3b", a.T * X**3 * b, X, a * b.T * X.T**2 + X.T * a * b.T * X.T + X.T**2 * a * b.T, 3 * X.T**2 * a * b.T)
gradient(
    "a'X'X'XXb",
    a.T * (X**2).T * X**2 * b,
    X,
    X * X * a * b.T * X.T + X.T * X * X * a * b.T + X * X * b * a.T * X.T + X.T * X * X * b * a.T,
    2 * X * X * a * b.T,
)
gradient("tr X", Trace(X), X, I_n, 2 * I_n, X)
gradient("tr XA", Trace(X * A), X, A.T, A)
gradient("tr AXB", Trace(A * X * B), X, A.T * B.T, B * A, A * B)
gradient("tr AX'B", Trace(A * X.T * B), X, B * A, A.T * B.T)
gradient("tr X^2", Trace(X**2), X, 2 * X.T, 2 * X)
gradient("tr X^2 B", Trace(X**2 * B), X, (X * B + B * X).T, X * B + B * X, 2 * (X * B).T)
gradient("tr X'BX", Trace(X.T * B * X), X, B * X + B.T * X, 2 * B * X)
gradient("tr BXX'", Trace(B * X * X.T), X, B * X + B.T * X, 2 * B * X, X * B + X * B.T)
gradient("tr XBX'", Trace(X * B * X.T), X, X * B.T + X * B, 2 * X * B, B * X + B.T * X)
gradient(
    "tr AXBX", Trace(A * X * B * X), X, A.T * X.T * B.T + B.T * X.T * A.T, 2 * A.T * X.T * B.T, A * X * B + B * X * A
)
gradient("tr X'X", Trace(X.T * X), X, 2 * X, X, 2 * X.T)
gradient("tr B'X'CXB", Trace(B.T * X.T * C * X * B), X, C.T * X * B * B.T + C * X * B * B.T, 2 * C * X * B * B.T)
gradient("tr X'BXC", Trace(X.T * B * X * C), X, B * X * C + B.T * X * C.T, 2 * B * X * C, B * X * C + B.T * X * C)
gradient(
    "tr AYBY'C, rectangular",
    Trace(Al * Y * Bq * Y.T * Cr),
    Y,
    Al.T * Cr.T * Y * Bq.T + Cr * Al * Y * Bq,
    2 * Cr * Al * Y * Bq,
)
gradient(
    "tr (AYB+C)(AYB+C)'",
    Trace((Al * Y * Bs + Cs) * (Al * Y * Bs + Cs).T),
    Y,
    2 * Al.T * (Al * Y * Bs + Cs) * Bs.T,
    Al.T * (Al * Y * Bs + Cs) * Bs.T,
)
gradient("tr X^4", Trace(X**4), X, 4 * (X**3).T, 4 * X**3, 3 * (X**3).T)
gradient("tr AX^3", Trace(A * X**3), X, X.T**2 * A.T + X.T * A.T * X.T + A.T * X.T**2, 3 * A.T * X.T**2)
gradient("tr AX^-1 B, two words", Trace(A * X.I * B), X, -X.I.T * A.T * B.T * X.I.T, -X.I.T * B.T * A.T * X.I.T)
gradient(
    "tr (Y'PY)^-1 B",
    Trace(Inverse(Y.T * P * Y) * Bk),
    Y,
    -P * Y * Inverse(Y.T * P * Y) * (Bk + Bk.T) * Inverse(Y.T * P * Y),
    -2 * P * Y * Inverse(Y.T * P * Y) * Bk * Inverse(Y.T * P * Y),
    P * Y * Inverse(Y.T * P * Y) * (Bk + Bk.T) * Inverse(Y.T * P * Y),
    given=[Q.symmetric(P)],
)
gradient(
    "tr (Y'PY)^-1 Y'SY",
    Trace(Inverse(Y.T * P * Y) * (Y.T * S * Y)),
    Y,
    -2 * P * Y * Inverse(Y.T * P * Y) * Y.T * S * Y * Inverse(Y.T * P * Y) + 2 * S * Y * Inverse(Y.T * P * Y),
    2 * S * Y * Inverse(Y.T * P * Y),
    -2 * P * Y * Inverse(Y.T * P * Y) * Y.T * S * Y * Inverse(Y.T * P * Y) - 2 * S * Y * Inverse(Y.T * P * Y),
    given=[Q.symmetric(P), Q.symmetric(S)],
)
gradient("Frobenius norm of X-A", Trace((X - A).T * (X - A)), X, 2 * (X - A), X - A, 2 * (X + A))
gradient(
    "length of x-a",
    sqrt(((x - a).T * (x - a))[0, 0]),
    x,
    (x - a) / sqrt(((x - a).T * (x - a))[0, 0]),
    (x - a),
    2 * (x - a) / sqrt(((x - a).T * (x - a))[0, 0]),
)
gradient(
    "product of two scalars",
    (a.T * x)[0, 0] * (x.T * B * x)[0, 0],
    x,
    a * (x.T * B * x)[0, 0] + (a.T * x)[0, 0] * (B + B.T) * x,
    a * (x.T * B * x)[0, 0],
    (a.T * x)[0, 0] * (B + B.T) * x,
)
gradient(
    "Rayleigh quotient",
    (x.T * P * x)[0, 0] / (x.T * x)[0, 0],
    x,
    2 * P * x / (x.T * x)[0, 0] - 2 * (x.T * P * x)[0, 0] * x / (x.T * x)[0, 0] ** 2,
    2 * P * x / (x.T * x)[0, 0],
    given=[Q.symmetric(P)],
)
gradient(
    "det X tr AX",
    Determinant(X) * Trace(A * X),
    X,
    Determinant(X) * X.I.T * Trace(A * X) + Determinant(X) * A.T,
    Determinant(X) * A.T,
)
gradient(
    "exponential of a quadratic form",
    exp(-(x.T * P * x)[0, 0] / 2),
    x,
    -exp(-(x.T * P * x)[0, 0] / 2) * P * x,
    exp(-(x.T * P * x)[0, 0] / 2) * P * x,
    given=[Q.symmetric(P)],
)
gradient(
    "inverse by a scalar",
    Inverse(A + t * B),
    t,
    -Inverse(A + t * B) * B * Inverse(A + t * B),
    Inverse(A + t * B) * B * Inverse(A + t * B),
)
gradient(
    "log det by a scalar",
    log(Determinant(A + t * B)),
    t,
    Trace(Inverse(A + t * B) * B),
    -Trace(Inverse(A + t * B) * B),
    Trace(B),
)
gradient(
    "log density by the mean",
    -(x - a).T * Inverse(S) * (x - a) / 2,
    a,
    Inverse(S) * (x - a),
    -Inverse(S) * (x - a),
    given=[Q.symmetric(S)],
)
gradient(
    "log density by the covariance",
    -log(Determinant(S)) / 2 - Trace(Inverse(S) * (x - a) * (x - a).T) / 2,
    S,
    -Inverse(S) / 2 + Inverse(S) * (x - a) * (x - a).T * Inverse(S) / 2,
    -Inverse(S) / 2,
    Inverse(S) / 2 - Inverse(S) * (x - a) * (x - a).T * Inverse(S) / 2,
    given=[Q.symmetric(S)],
)
equation(
    "Woodbury",
    Inverse(A + U * V),
    A.I - A.I * U * Inverse(I_k + V * A.I * U) * V * A.I,
    A.I + A.I * U * Inverse(I_k + V * A.I * U) * V * A.I,
    A.I - A.I * U * Inverse(I_k - V * A.I * U) * V * A.I,
    A.I - A.I * U * V * A.I,
)
equation(
    "Woodbury with a middle",
    Inverse(A + U * R * V),
    A.I - A.I * U * Inverse(R.I + V * A.I * U) * V * A.I,
    A.I - A.I * U * Inverse(R + V * A.I * U) * V * A.I,
    A.I - A.I * U * Inverse(R.I - V * A.I * U) * V * A.I,
)
equation(
    "two gains",
    Inverse(Inverse(P) + H.T * Inverse(R) * H) * H.T * Inverse(R),
    P * H.T * Inverse(H * P * H.T + R),
    P * H.T * Inverse(H * P * H.T - R),
    P.T * H.T * Inverse(H * P * H.T + R),
    H.T * Inverse(H * P * H.T + R),
)
equation(
    "Sherman-Morrison",
    Inverse(A + u * v.T),
    A.I - A.I * u * v.T * A.I / (1 + (v.T * A.I * u)[0, 0]),
    A.I + A.I * u * v.T * A.I / (1 + (v.T * A.I * u)[0, 0]),
    A.I - A.I * u * v.T * A.I / (1 - (v.T * A.I * u)[0, 0]),
    A.I - A.I * v * u.T * A.I / (1 + (v.T * A.I * u)[0, 0]),
)
equation("Searle's first", Inverse(I_n + A.I), A * Inverse(A + I_n), Inverse(A + I_n), A.I * Inverse(A + I_n))
equation(
    "push-through with A",
    Inverse(A + U * U.T) * U,
    A.I * U * Inverse(I_k + U.T * A.I * U),
    A.I * U * Inverse(I_k - U.T * A.I * U),
    U * Inverse(I_k + U.T * A.I * U),
)
equation(
    "parallel sum",
    Inverse(A.I + B.I),
    A * Inverse(A + B) * B,
    A * Inverse(A + B) * A,
    Inverse(A + B),
    A * B * Inverse(A + B),
)
equation("parallel sum is symmetric", A * Inverse(A + B) * B, B * Inverse(A + B) * A, A * Inverse(A + B) * A)
equation("A less its shorted part", A - A * Inverse(A + B) * A, B - B * Inverse(A + B) * B, B - A * Inverse(A + B) * B)
equation("sum of inverses", A.I + B.I, A.I * (A + B) * B.I, B.I * (A - B) * A.I, A.I * (A + B) * A.I)
equation(
    "Woodbury, identity",
    Inverse(I_n + A * B),
    I_n - A * Inverse(I_n + B * A) * B,
    I_n - A * Inverse(I_n + A * B) * B,
    I_n + A * Inverse(I_n + B * A) * B,
)
equation("push-through", Inverse(I_n + A * B) * A, A * Inverse(I_n + B * A), A * Inverse(I_n + A * B))
equation("difference of inverses", A.I - B.I, A.I * (B - A) * B.I, A.I * (A - B) * B.I, A.I * (B - A) * A.I)
equation("inverses that add up", Inverse(A + A * B.I * A) + Inverse(A + B), A.I, B.I)
equation(
    "reflection twice",
    (I_n - 2 * u * u.T / (u.T * u)[0, 0]) * (I_n - 2 * u * u.T / (u.T * u)[0, 0]),
    I_n,
    I_n - u * u.T,
    -I_n,
)
equation(
    "Cayley transform commutes",
    (I_n - A) * Inverse(I_n + A),
    Inverse(I_n + A) * (I_n - A),
    Inverse(I_n + A) * (I_n + A) * 2 - I_n,
    Inverse(I_n - A) * (I_n + A),
)
equation("inverse of orthogonal", Inverse(W), W.T, W, -W.T, given=[Q.orthogonal(W)])
unfounded("inverse, not orthogonal", Inverse(W), W.T)
equation(
    "inverse of a rotated matrix",
    Inverse(W * A * W.T),
    W * A.I * W.T,
    W.T * A.I * W,
    W * A * W.T,
    given=[Q.orthogonal(W)],
)
equation("trace of a rotated matrix", Trace(W * A * W.T), Trace(A), -Trace(A), Trace(W * A), given=[Q.orthogonal(W)])
unfounded("trace, not orthogonal", Trace(W * A * W.T), Trace(A))
equation(
    "determinant of a rotated matrix",
    Determinant(W * A * W.T),
    Determinant(A),
    -Determinant(A),
    given=[Q.orthogonal(W)],
)
equation("determinant of orthogonal, squared", Determinant(W) ** 2, sympify(1), sympify(2), given=[Q.orthogonal(W)])
equation(
    "square of a sum, commuting", (A + B) ** 2, A**2 + 2 * A * B + B**2, A**2 + A * B + B**2, given=[Eq(A * B, B * A)]
)
unfounded("square of a sum, not commuting", (A + B) ** 2, A**2 + 2 * A * B + B**2)
equation("inverse of symmetric", Inverse(P).T, Inverse(P), -Inverse(P), given=[Q.symmetric(P)])
unfounded("inverse, not symmetric", Inverse(P).T, Inverse(P))
equation(
    "product of Gaussians, mean",
    Inverse(A.I + B.I) * (A.I * a + B.I * b),
    B * Inverse(A + B) * a + A * Inverse(A + B) * b,
    A * Inverse(A + B) * a + B * Inverse(A + B) * b,
    given=[Q.positive_definite(A), Q.positive_definite(B)],
)
equation(
    "sum of two quadratic forms",
    (x - a).T * A * (x - a) + (x - b).T * B * (x - b),
    (x - Inverse(A + B) * (A * a + B * b)).T * (A + B) * (x - Inverse(A + B) * (A * a + B * b))
    + (a - b).T * Inverse(A.I + B.I) * (a - b),
    (x - Inverse(A + B) * (A * a + B * b)).T * (A + B) * (x - Inverse(A + B) * (A * a + B * b))
    - (a - b).T * Inverse(A.I + B.I) * (a - b),
    (x - Inverse(A + B) * (A * b + B * a)).T * (A + B) * (x - Inverse(A + B) * (A * a + B * b))
    + (a - b).T * Inverse(A.I + B.I) * (a - b),
    given=[Q.positive_definite(A), Q.positive_definite(B)],
)
unfounded(
    "sum of two quadratic forms, not symmetric",
    (x - a).T * A * (x - a) + (x - b).T * B * (x - b),
    (x - Inverse(A + B) * (A * a + B * b)).T * (A + B) * (x - Inverse(A + B) * (A * a + B * b))
    + (a - b).T * Inverse(A.I + B.I) * (a - b),
)
equation(
    "completing the square",
    x.T * A * x + 2 * b.T * x,
    (x + A.I * b).T * A * (x + A.I * b) - b.T * A.I * b,
    (x + A.I * b).T * A * (x + A.I * b) + b.T * A.I * b,
    (x - A.I * b).T * A * (x - A.I * b) - b.T * A.I * b,
    given=[Q.symmetric(A)],
)
equation("bilinear form turned round", x.T * A * y, y.T * A.T * x, y.T * A * x)
equation(
    "bilinear form and a 1 x 1 identity", x.T * A * y + s * Identity(1), s * Identity(1) + y.T * A.T * x, y.T * A.T * x
)
equation("1 x 1 products commute", (x.T * y) * (x.T * y), y.T * x * y.T * x, x.T * x * y.T * y)
equation("1 x 1 factor scales", x * (y.T * A * x), (x.T * A.T * y)[0, 0] * x, (x.T * A * y)[0, 0] * x)
equation(
    "determinant by the first Schur complement",
    Determinant(blocks),
    Determinant(A22) * Determinant(C1),
    Determinant(A11) * Determinant(C1),
    Determinant(A22) * Determinant(A11 + A12 * A22.I * A21),
)
equation(
    "determinant by the second Schur complement",
    Determinant(blocks),
    Determinant(A11) * Determinant(C2),
    -Determinant(A11) * Determinant(C2),
)
equation(
    "block inverse by Schur complements",
    Inverse(blocks),
    BlockMatrix([[C1.I, -A11.I * A12 * C2.I], [-C2.I * A21 * A11.I, C2.I]]),
    BlockMatrix([[C1.I, A11.I * A12 * C2.I], [-C2.I * A21 * A11.I, C2.I]]),
    BlockMatrix([[C1.I, -A11.I * A12 * C2.I], [-C2.I * A12.T * A11.I, C2.I]]),
)
equation(
    "block inverse, expanded",
    Inverse(blocks),
    BlockMatrix(
        [
            [A11.I + A11.I * A12 * C2.I * A21 * A11.I, -C1.I * A12 * A22.I],
            [-A22.I * A21 * C1.I, A22.I + A22.I * A21 * C1.I * A12 * A22.I],
        ]
    ),
    BlockMatrix(
        [
            [A11.I - A11.I * A12 * C2.I * A21 * A11.I, -C1.I * A12 * A22.I],
            [-A22.I * A21 * C1.I, A22.I + A22.I * A21 * C1.I * A12 * A22.I],
        ]
    ),
)
equation(
    "inverse of block diagonal", Inverse(BlockDiagMatrix(A, R)), BlockDiagMatrix(A.I, R.I), BlockDiagMatrix(A.I, R)
)
equation(
    "transpose of blocks",
    Transpose(blocks),
    BlockMatrix([[A11.T, A21.T], [A12.T, A22.T]]),
    BlockMatrix([[A11.T, A12], [A21, A22.T]]),
)
equation("trace of blocks", Trace(blocks), Trace(A11) + Trace(A22), Trace(A11) - Trace(A22))
equation(
    "product of blocks",
    blocks * blocks,
    BlockMatrix([[A11 * A11 + A12 * A21, A11 * A12 + A12 * A22], [A21 * A11 + A22 * A21, A21 * A12 + A22 * A22]]),
    BlockMatrix([[A11 * A11 + A12 * A21, A11 * A12 + A12 * A22], [A21 * A11 + A22 * A21, A12.T * A12 + A22 * A22]]),
)
equation(
    "block LDU",
    BlockMatrix([[I_n, ZeroMatrix(n, k)], [A21 * A11.I, I_k]])
    * BlockDiagMatrix(A11, C2)
    * BlockMatrix([[I_n, A11.I * A12], [ZeroMatrix(k, n), I_k]]),
    blocks,
    BlockMatrix([[A11, A12], [A12.T, A22]]),
)
equation(
    "inverse of block triangular",
    Inverse(BlockMatrix([[A11, A12], [ZeroMatrix(k, n), A22]])),
    BlockMatrix([[A11.I, -A11.I * A12 * A22.I], [ZeroMatrix(k, n), A22.I]]),
    BlockMatrix([[A11.I, A11.I * A12 * A22.I], [ZeroMatrix(k, n), A22.I]]),
    BlockMatrix([[A11.I, -A11.I * A12], [ZeroMatrix(k, n), A22.I]]),
)
equation(
    "determinant of block triangular",
    Determinant(BlockMatrix([[A11, A12], [ZeroMatrix(k, n), A22]])),
    Determinant(A11) * Determinant(A22),
    Determinant(A11) - Determinant(A22),
)
equation(
    "determinant of a saddle matrix",
    Determinant(BlockMatrix([[I_n, -U], [V, I_k]])),
    Determinant(I_n + U * V),
    Determinant(I_n - U * V),
)

R2, Tm, Om, Lr = (
    MatrixSymbol("R_2", m, m),
    MatrixSymbol("T", m, m),
    MatrixSymbol("Omega", m, m),
    MatrixSymbol("L_r", k, k),
)
z, z1, z2 = MatrixSymbol("z", k, 1), MatrixSymbol("z_1", k, 1), MatrixSymbol("z_2", k, 1)
G, J = P * H.T * Inverse(H * P * H.T + R), I_n - K * H
S_ = H * P * H.T + R
E, Ye = MatrixSymbol("E", n, m), MatrixSymbol("Y", k, m)
ones, definite = OneMatrix(m, 1), [Q.positive_definite(P), Q.positive_definite(R)]
L, F2, H1, H2 = MatrixSymbol("L", n, n), MatrixSymbol("F_2", n, n), MatrixSymbol("H_1", k, n), MatrixSymbol("H_2", m, n)
Pp = F * P * F.T + Q_
G_s = P * F.T * Inverse(Pp)
P1 = P - P * H1.T * Inverse(H1 * P * H1.T + R) * H1 * P
pre, joint = BlockMatrix([[Lr, H * L], [ZeroMatrix(n, k), L]]), BlockMatrix([[P, P * H.T], [H * P, S_]])
Sr, Kb, La = MatrixSymbol("S_r", k, k), MatrixSymbol("K_b", n, k), MatrixSymbol("L_a", n, n)
Hb, Rb = BlockMatrix([[H1], [H2]]), BlockDiagMatrix(R, R2)
Xd, yd, w = MatrixSymbol("X", N, n), MatrixSymbol("y", N, 1), MatrixSymbol("w", n, 1)
Wf, S12, S22 = MatrixSymbol("W", n, k), MatrixSymbol("S_12", n, k), MatrixSymbol("S_2", k, k)
misfit = (x - mu).T * P.I * (x - mu) / 2
cost = misfit + (z - H * x).T * R.I * (z - H * x) / 2
cost4 = (
    misfit + (z1 - H * F * x).T * R.I * (z1 - H * F * x) / 2 + (z2 - H * F2 * F * x).T * R.I * (z2 - H * F2 * F * x) / 2
)

equation(
    "two gains again",
    G,
    Inverse(P.I + H.T * R.I * H) * H.T * R.I,
    Inverse(P.I - H.T * R.I * H) * H.T * R.I,
    Inverse(P.I + H.T * R.I * H) * H.T,
    P * H.T * R.I,
    given=definite,
)
equation(
    "two gains, not symmetric", G, Inverse(P.I + H.T * R.I * H) * H.T * R.I, -Inverse(P.I + H.T * R.I * H) * H.T * R.I
)
equation("gain from the posterior", (P - G * H * P) * H.T * R.I, G, G * R, given=definite)
equation(
    "two covariances",
    P - P * H.T * S_.I * H * P,
    Inverse(P.I + H.T * R.I * H),
    Inverse(P.I - H.T * R.I * H),
    P + P * H.T * S_.I * H * P,
    given=definite,
)
equation(
    "Joseph form, optimal gain",
    (I_n - G * H) * P * (I_n - G * H).T + G * R * G.T,
    (I_n - G * H) * P,
    (I_n + G * H) * P,
    P,
    given=definite,
)
equation(
    "Joseph form, any gain",
    J * P * J.T + K * R * K.T,
    P - K * H * P - P * H.T * K.T + K * S_ * K.T,
    P - K * H * P + K * S_ * K.T,
    P - K * H * P - P * H.T * K.T + K * R * K.T,
    given=definite,
)
unfounded("short form, any gain", J * P * J.T + K * R * K.T, J * P, given=definite)
equation(
    "excess of any gain over the optimal",
    J * P * J.T + K * R * K.T,
    P - G * H * P + (K - G) * S_ * (K - G).T,
    P - G * H * P - (K - G) * S_ * (K - G).T,
    P - G * H * P + (K + G) * S_ * (K + G).T,
    given=definite,
)
gradient(
    "gradient of the trace by the gain",
    Trace(J * P * J.T + K * R * K.T),
    K,
    2 * K * S_ - 2 * P * H.T,
    K * S_ - P * H.T,
    2 * K * S_ + 2 * P * H.T,
    given=[Q.symmetric(P), Q.symmetric(R)],
)
gradient(
    "gradient of the trace by the gain, not symmetric",
    Trace(J * P * J.T + K * R * K.T),
    K,
    -J * (P + P.T) * H.T + K * (R + R.T),
    2 * K * S_ - 2 * P * H.T,
)
equation(
    "information form of the mean",
    Inverse(P.I + H.T * R.I * H) * (P.I * mu + H.T * R.I * z),
    mu + G * (z - H * mu),
    mu - G * (z - H * mu),
    mu + G * z,
    G * (z - H * mu),
    given=definite,
)
equation(
    "predicted information",
    Inverse(F * P * F.T + Q_),
    Q_.I - Q_.I * F * Inverse(P.I + F.T * Q_.I * F) * F.T * Q_.I,
    Q_.I + Q_.I * F * Inverse(P.I + F.T * Q_.I * F) * F.T * Q_.I,
    Q_.I - Q_.I * F.T * Inverse(P.I + F.T * Q_.I * F) * F * Q_.I,
    given=[Q.positive_definite(P), Q.positive_definite(Q_)],
)
equation("residual as a share of the innovation", I_k - H * G, R * S_.I, S_.I * R, H * P * H.T * S_.I, given=definite)
equation("covariance of the residual", (I_k - H * G) * S_ * (I_k - H * G).T, R * S_.I * R, R, S_, given=definite)
equation(
    "analysis in observation space",
    H * (P - G * H * P) * H.T,
    R - R * S_.I * R,
    R + R * S_.I * R,
    R * S_.I * R,
    given=definite,
)
equation("posterior times H transposed", (P - G * H * P) * H.T, G * R, G, G * S_, given=definite)
equation(
    "RTS gain info",
    G_s,
    Inverse(P.I + F.T * Q_.I * F) * F.T * Q_.I,
    Inverse(P.I + F.T * Q_.I * F) * F * Q_.I,
    P * F * Pp.I,
    given=[Q.positive_definite(P), Q.positive_definite(Q_)],
)
equation(
    "RTS cov",
    P + G_s * (Ps - Pp) * G_s.T,
    P - G_s * F * P + G_s * Ps * G_s.T,
    P + G_s * F * P + G_s * Ps * G_s.T,
    P - G_s * F * P + G_s.T * Ps * G_s,
    given=[Q.positive_definite(P), Q.positive_definite(Q_), Q.symmetric(Ps)],
)
equation(
    "RTS cov 2",
    P - G_s * Pp * G_s.T,
    Inverse(P.I + F.T * Q_.I * F),
    Inverse(P.I - F.T * Q_.I * F),
    given=[Q.positive_definite(P), Q.positive_definite(Q_)],
)
equation(
    "RTS Joseph",
    (I_n - G_s * F) * P * (I_n - G_s * F).T + G_s * (Ps + Q_) * G_s.T,
    P + G_s * (Ps - Pp) * G_s.T,
    P + G_s * (Ps + Pp) * G_s.T,
    P + G_s * (Ps - Pp) * G_s,
    given=[Q.positive_definite(P), Q.positive_definite(Q_), Q.symmetric(Ps)],
)
equation(
    "ensemble transform",
    Inverse(I_m + Ye.T * R.I * Ye),
    I_m - Ye.T * Inverse(Ye * Ye.T + R) * Ye,
    I_m + Ye.T * Inverse(Ye * Ye.T + R) * Ye,
    I_m - Ye.T * Inverse(Ye * Ye.T - R) * Ye,
    given=[Q.positive_definite(R)],
)
equation(
    "ensemble transform, scaled",
    Inverse((N - 1) * I_m + Ye.T * R.I * Ye),
    (I_m - Ye.T * Inverse(Ye * Ye.T + (N - 1) * R) * Ye) / (N - 1),
    (I_m - Ye.T * Inverse(Ye * Ye.T + N * R) * Ye) / (N - 1),
    (I_m - Ye.T * Inverse(Ye * Ye.T + (N - 1) * R) * Ye),
    given=[Q.positive_definite(R)],
)
equation(
    "ETKF gain",
    E * Inverse(I_m + Ye.T * R.I * Ye) * Ye.T * R.I,
    E * Ye.T * Inverse(Ye * Ye.T + R),
    E * Ye.T * Inverse(Ye * Ye.T - R),
    given=[Q.positive_definite(R)],
)
equation(
    "ETKF is KF",
    E * Inverse(I_m + (H * E).T * R.I * (H * E)) * E.T,
    E * E.T - E * E.T * H.T * Inverse(H * E * E.T * H.T + R) * H * E * E.T,
    E * E.T + E * E.T * H.T * Inverse(H * E * E.T * H.T + R) * H * E * E.T,
    given=[Q.positive_definite(R)],
)
equation(
    "ensemble square root",
    (E * Tm * Om) * (E * Tm * Om).T,
    E * Inverse(I_m + Ye.T * R.I * Ye) * E.T,
    E * (I_m + Ye.T * R.I * Ye) * E.T,
    given=[Q.positive_definite(R), Q.symmetric(Tm), Q.orthogonal(Om), Eq(Tm * Tm, Inverse(I_m + Ye.T * R.I * Ye))],
)
unfounded(
    "ensemble square root, not orthogonal",
    (E * Tm * Om) * (E * Tm * Om).T,
    E * Inverse(I_m + Ye.T * R.I * Ye) * E.T,
    given=[Q.positive_definite(R), Q.symmetric(Tm), Eq(Tm * Tm, Inverse(I_m + Ye.T * R.I * Ye))],
)
equation(
    "ensemble transform keeps the mean",
    Inverse(I_m + Ye.T * R.I * Ye) * ones,
    ones,
    -ones,
    2 * ones,
    given=[Q.positive_definite(R), Eq(Ye * ones, ZeroMatrix(k, 1))],
)
unfounded(
    "ensemble transform without centring", Inverse(I_m + Ye.T * R.I * Ye) * ones, ones, given=[Q.positive_definite(R)]
)
equation(
    "centring twice",
    (I_m - ones * ones.T / m) * (I_m - ones * ones.T / m),
    I_m - ones * ones.T / m,
    I_m,
    I_m - ones * ones.T,
)
equation("centring the ones", (I_m - ones * ones.T / m) * ones, ZeroMatrix(m, 1), ones)
equation(
    "square-root form",
    L * (I_n - L.T * H.T * S_.I * H * L) * L.T,
    P - P * H.T * S_.I * H * P,
    P + P * H.T * S_.I * H * P,
    given=[Q.positive_definite(R), Eq(P, L * L.T)],
)
equation(
    "square-root array",
    pre * Transpose(pre),
    BlockMatrix([[Lr * Lr.T + H * L * L.T * H.T, H * L * L.T], [L * L.T * H.T, L * L.T]]),
    BlockMatrix([[Lr * Lr.T - H * L * L.T * H.T, H * L * L.T], [L * L.T * H.T, L * L.T]]),
    BlockMatrix([[Lr * Lr.T + H * L * L.T * H.T, H * L], [L.T * H.T, L * L.T]]),
)
equation(
    "square-root array, posterior",
    La * La.T,
    L * L.T - L * L.T * H.T * Inverse(H * L * L.T * H.T + Lr * Lr.T) * H * L * L.T,
    L * L.T + L * L.T * H.T * Inverse(H * L * L.T * H.T + Lr * Lr.T) * H * L * L.T,
    given=[
        Eq(Sr * Sr.T, H * L * L.T * H.T + Lr * Lr.T),
        Eq(Kb * Sr.T, L * L.T * H.T),
        Eq(Kb * Kb.T + La * La.T, L * L.T),
    ],
)
equation(
    "Riccati step in information form",
    F * (P - P * H.T * S_.I * H * P) * F.T + Q_,
    F * Inverse(P.I + H.T * R.I * H) * F.T + Q_,
    F * Inverse(P.I + H.T * R.I * H) * F + Q_,
    given=[Q.positive_definite(P), Q.positive_definite(R), Q.symmetric(Q_)],
)
equation(
    "Riccati fixed point",
    P,
    F * P * F.T - F * P * H.T * S_.I * H * P * F.T + Q_,
    F * P * F.T + Q_,
    given=[Q.positive_definite(P), Q.positive_definite(R), Eq(Q_, P - F * P * F.T + F * P * H.T * S_.I * H * P * F.T)],
)
equation(
    "difference of two covariances",
    (F - F * G * H) * (P - D) * (F - F * K * H).T,
    (F - F * G * H) * P * (F - F * K * H).T - (F - F * G * H) * D * (F - F * K * H).T,
    (F - F * G * H) * P * (F - F * K * H).T,
    given=[Q.positive_definite(P), Q.positive_definite(R)],
)
equation(
    "Lyapunov",
    P,
    F * P * F.T + Q_,
    F * P * F.T - Q_,
    F.T * P * F + Q_,
    given=[Q.symmetric(P), Eq(F * P * F.T - P, -Q_)],
)
equation(
    "innovation form",
    F * (x + G * (z - H * x)),
    (F - F * G * H) * x + F * G * z,
    (F + F * G * H) * x + F * G * z,
    given=definite,
)
equation(
    "two filter",
    Inverse(P.I + Pb.I) * (P.I * mu + Pb.I * xb),
    mu + P * Inverse(P + Pb) * (xb - mu),
    mu + Pb * Inverse(P + Pb) * (xb - mu),
    mu - P * Inverse(P + Pb) * (xb - mu),
    given=[Q.positive_definite(P), Q.positive_definite(Pb)],
)
equation(
    "two filter cov",
    Inverse(P.I + Pb.I),
    P - P * Inverse(P + Pb) * P,
    Pb - P * Inverse(P + Pb) * P,
    given=[Q.positive_definite(P), Q.positive_definite(Pb)],
)
equation(
    "two filter info",
    Inverse(I_n + P * Pb.I) * P,
    Inverse(P.I + Pb.I),
    Inverse(P + Pb),
    given=[Q.positive_definite(P), Q.positive_definite(Pb)],
)
gradient(
    "3D-Var gradient",
    cost,
    x,
    P.I * (x - mu) - H.T * R.I * (z - H * x),
    P.I * (x - mu) + H.T * R.I * (z - H * x),
    P.I * (x - mu) - H.T * (z - H * x),
    P * (x - mu) - H.T * R.I * (z - H * x),
    given=definite,
)
gradient(
    "3D-Var gradient, not symmetric",
    cost,
    x,
    (P.I + P.I.T) * (x - mu) / 2 - H.T * (R.I + R.I.T) * (z - H * x) / 2,
    P.I * (x - mu) - H.T * R.I * (z - H * x),
)
equation(
    "3D-Var minimum is the Kalman mean",
    P.I * ((mu + G * (z - H * mu)) - mu) - H.T * R.I * (z - H * (mu + G * (z - H * mu))),
    ZeroMatrix(n, 1),
    mu,
    given=definite,
)
equation(
    "3D-Var minimum value",
    (G * (z - H * mu)).T * P.I * (G * (z - H * mu))
    + (z - H * mu - H * G * (z - H * mu)).T * R.I * (z - H * mu - H * G * (z - H * mu)),
    (z - H * mu).T * S_.I * (z - H * mu),
    (z - H * mu).T * R.I * (z - H * mu),
    given=definite,
)
gradient(
    "4D-Var gradient",
    cost4,
    x,
    P.I * (x - mu) - F.T * H.T * R.I * (z1 - H * F * x) - F.T * F2.T * H.T * R.I * (z2 - H * F2 * F * x),
    P.I * (x - mu) - F.T * H.T * R.I * (z1 - H * F * x) - F2.T * F.T * H.T * R.I * (z2 - H * F2 * F * x),
    P.I * (x - mu) - F * H.T * R.I * (z1 - H * F * x) - F.T * F2.T * H.T * R.I * (z2 - H * F2 * F * x),
    given=definite,
)
equation(
    "joint precision",
    Inverse(joint),
    BlockMatrix([[P.I + H.T * R.I * H, -H.T * R.I], [-R.I * H, R.I]]),
    BlockMatrix([[P.I + H.T * R.I * H, H.T * R.I], [R.I * H, R.I]]),
    BlockMatrix([[P.I, -H.T * R.I], [-R.I * H, R.I]]),
    given=definite,
)
equation(
    "joint det", Determinant(joint), Determinant(P) * Determinant(R), Determinant(P) * Determinant(S_), given=definite
)
equation(
    "log det innov",
    log(Determinant(S_)),
    log(Determinant(R)) + log(Determinant(P)) - log(Determinant(P - G * H * P)),
    log(Determinant(R)) + log(Determinant(P)) + log(Determinant(P - G * H * P)),
    log(Determinant(P)),
    given=definite,
)
equation(
    "evidence split",
    (x - mu).T * P.I * (x - mu) + (z - H * x).T * R.I * (z - H * x),
    (z - H * mu).T * S_.I * (z - H * mu)
    + (x - mu - G * (z - H * mu)).T * (P.I + H.T * R.I * H) * (x - mu - G * (z - H * mu)),
    (z - H * mu).T * S_.I * (z - H * mu)
    + (x - mu - G * (z - H * mu)).T * (P.I - H.T * R.I * H) * (x - mu - G * (z - H * mu)),
    (z - H * mu).T * R.I * (z - H * mu)
    + (x - mu - G * (z - H * mu)).T * (P.I + H.T * R.I * H) * (x - mu - G * (z - H * mu)),
    given=definite,
)
gradient(
    "loglik R",
    -log(Determinant(R)) / 2 - ((z - H * x).T * R.I * (z - H * x))[0, 0] / 2,
    R,
    -R.I / 2 + R.I * (z - H * x) * (z - H * x).T * R.I / 2,
    -R.I / 2,
    R.I / 2 - R.I * (z - H * x) * (z - H * x).T * R.I / 2,
    given=[Q.symmetric(R)],
)
gradient(
    "loglik F",
    -(x - F * mu).T * Q_.I * (x - F * mu) / 2,
    F,
    Q_.I * (x - F * mu) * mu.T,
    Q_.I * mu * (x - F * mu).T,
    -Q_.I * (x - F * mu) * mu.T,
    given=[Q.positive_definite(Q_)],
)
equation(
    "sequential",
    P1 - P1 * H2.T * Inverse(H2 * P1 * H2.T + R2) * H2 * P1,
    Inverse(P.I + H1.T * R.I * H1 + H2.T * R2.I * H2),
    Inverse(P.I + H1.T * R.I * H1 - H2.T * R2.I * H2),
    given=[Q.positive_definite(P), Q.positive_definite(R), Q.positive_definite(R2)],
)
equation(
    "batch stack",
    P - P * Transpose(Hb) * Inverse(Hb * P * Transpose(Hb) + Rb) * Hb * P,
    Inverse(P.I + H1.T * R.I * H1 + H2.T * R2.I * H2),
    Inverse(P.I + H1.T * R.I * H1 - H2.T * R2.I * H2),
    given=[Q.positive_definite(P), Q.positive_definite(R), Q.positive_definite(R2)],
)
equation(
    "probabilistic PCA, inverse",
    Inverse(Wf * Wf.T + s2 * I_n),
    (I_n - Wf * Inverse(Wf.T * Wf + s2 * I_k) * Wf.T) / s2,
    (I_n - Wf * Inverse(Wf.T * Wf - s2 * I_k) * Wf.T) / s2,
    I_n - Wf * Inverse(Wf.T * Wf + s2 * I_k) * Wf.T,
)
equation(
    "probabilistic PCA, log det",
    log(Determinant(Wf * Wf.T + s2 * I_n)),
    log(Determinant(Wf.T * Wf + s2 * I_k)) + (n - k) * log(s2),
    log(Determinant(Wf.T * Wf + s2 * I_k)) + n * log(s2),
    log(Determinant(Wf.T * Wf + s2 * I_k)) + (k - n) * log(s2),
)
equation(
    "ridge dual",
    Inverse(Xd.T * Xd + lam * I_n) * Xd.T * yd,
    Xd.T * Inverse(Xd * Xd.T + lam * Identity(N)) * yd,
    Xd.T * Inverse(Xd * Xd.T - lam * Identity(N)) * yd,
)
gradient(
    "ridge",
    ((yd - Xd * w).T * (yd - Xd * w))[0, 0] + lam * (w.T * w)[0, 0],
    w,
    -2 * Xd.T * (yd - Xd * w) + 2 * lam * w,
    2 * Xd.T * (yd - Xd * w) + 2 * lam * w,
    -2 * Xd.T * (yd - Xd * w) + lam * w,
)
equation("trace of the hat matrix", Trace(Xd * Inverse(Xd.T * Xd) * Xd.T), Trace(I_n), n + 1, Trace(Identity(N)))
equation("trace of the hat matrix, a number", Trace(Xd * Inverse(Xd.T * Xd) * Xd.T), n, N)
equation(
    "rank-one downdate",
    Inverse(A - x * x.T),
    A.I + A.I * x * x.T * A.I / (1 - (x.T * A.I * x)[0, 0]),
    A.I - A.I * x * x.T * A.I / (1 - (x.T * A.I * x)[0, 0]),
    A.I + A.I * x * x.T * A.I / (1 + (x.T * A.I * x)[0, 0]),
)
equation(
    "cond cov=inv precision block",
    Inverse(S11 - S12 * S22.I * S12.T),
    S11.I + S11.I * S12 * Inverse(S22 - S12.T * S11.I * S12) * S12.T * S11.I,
    S11.I - S11.I * S12 * Inverse(S22 - S12.T * S11.I * S12) * S12.T * S11.I,
    given=[Q.positive_definite(S11), Q.positive_definite(S22)],
)
equation(
    "KL gaussian trace",
    Trace(P.I * (Q_ + (x - mu) * (x - mu).T)),
    Trace(P.I * Q_) + ((x - mu).T * P.I * (x - mu))[0, 0],
    Trace(P.I * Q_) - ((x - mu).T * P.I * (x - mu))[0, 0],
    given=[Q.positive_definite(P)],
)
equation(
    "bm.I",
    BlockMatrix([[A, U], [H, R]]).I * BlockMatrix([[A, U], [H, R]]),
    BlockDiagMatrix(I_n, I_k),
    BlockDiagMatrix(I_n, 2 * I_k),
)
equation("sum frob", Sum(A[i, j] ** 2, (i, 0, n - 1), (j, 0, n - 1)), Trace(A.T * A), Trace(A * A))


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_proved_for_all_sizes_and_its_wrong_variants_are_refuted(name):
    prove, wrong = CLAIMS[name]
    certificate = prove()
    assert certificate, certificate.residual
    assert certificate.grade == "A"
    assert len(certificate.mutants) == wrong > 0


@pytest.mark.parametrize("name", UNFOUNDED)
def test_without_an_assumption_that_it_needs_a_claim_is_contradicted(name):
    assert UNFOUNDED[name]().residual.startswith("false: contradicted by draw")


def test_the_hessian_of_3d_var_is_the_posterior_precision():
    slope, hessian = P.I * (x - mu) - H.T * R.I * (z - H * x), P.I + H.T * R.I * H
    wrong = {"minus": P.I - H.T * R.I * H, "covariance for precision": P + H.T * R.I * H}
    certificate = prove_jacobian(slope, x, hessian, assumptions=definite, mutants=wrong)
    assert certificate, certificate.residual
