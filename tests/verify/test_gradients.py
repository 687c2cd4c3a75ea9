"""Gradients, Jacobians and derivatives of the Matrix Cookbook and of Kalman's theory, each with wrong variants."""

import pytest
import sympy
from sympy import BlockMatrix, Determinant, Identity, MatrixSymbol, Q, Trace, ZeroMatrix

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
    prove_gradient,
    prove_jacobian,
    scalar,
    sizes,
    sqrt,
    total,
    trace,
    vector,
    zeros,
)
from mlpc.verify.axioms import AXIOMS

n, k, m, N = sizes("n k m N")
I_n = identity(n)
A, B, C, X = (matrix(name, n) for name in ("A", "B", "C", "X"))
D = matrix("D", k)
Y = matrix("Y", n, k)
M = matrix("M", n, n, "symmetric")
P, R = matrix("P", n, n, "positive"), matrix("R", k, k, "positive")
H, G, V = matrix("H", k, n), matrix("G", n, k), matrix("V", k, n)
S = matrix("S", n, n, "symmetric")
a, b, x, mu, w = (vector(name, n) for name in ("a", "b", "x", r"\mu", "w"))
z = vector("z", k)
t = scalar("t")
data, label, i = family("x", n), family("y", 1), index("i")
YAY = Y.T @ A @ Y
residuals = total((data[i] - mu) @ (data[i] - mu).T, i, N)
likelihood = -N / 2 * logdet(P) - total((data[i] - mu).T @ P.inv @ (data[i] - mu), i, N) / 2
precision = N / 2 * logdet(P) - total((data[i] - mu).T @ P @ (data[i] - mu), i, N) / 2
chance = exp(w.T @ data[i]) / (1 + exp(w.T @ data[i]))

# name: (f, x, gradient, wrong gradient)
GRADIENTS = {
    "linear": (a.T @ x, x, a, -a),
    "quadratic": (x.T @ A @ x, x, (A + A.T) @ x, 2 * A @ x),
    "quadratic, symmetric": (x.T @ M @ x, x, 2 * M @ x, M @ x),
    "shifted quadratic": ((x - a).T @ M @ (x - a), x, 2 * M @ (x - a), 2 * M @ x),
    "shifted quadratic, by the shift": ((x - a).T @ M @ (x - a), a, -2 * M @ (x - a), 2 * M @ (x - a)),
    "least squares": ((Y @ z - b).T @ (Y @ z - b), z, 2 * Y.T @ (Y @ z - b), Y.T @ (Y @ z - b)),
    "weighted least squares": ((Y @ z - b).T @ M @ (Y @ z - b), z, 2 * Y.T @ M @ (Y @ z - b), 2 * Y.T @ (Y @ z - b)),
    "weighted least squares, by the matrix": (
        (Y @ z - b).T @ M @ (Y @ z - b),
        Y,
        2 * M @ (Y @ z - b) @ z.T,
        2 * (Y @ z - b) @ z.T,
    ),
    "bilinear": (a.T @ X @ b, X, a @ b.T, b @ a.T),
    "bilinear, transposed": (a.T @ X.T @ b, X, b @ a.T, a @ b.T),
    "a'X'Xb": (a.T @ X.T @ X @ b, X, X @ (a @ b.T + b @ a.T), X @ a @ b.T),
    "a'X'AXb": (a.T @ X.T @ A @ X @ b, X, A.T @ X @ a @ b.T + A @ X @ b @ a.T, A @ X @ (a @ b.T + b @ a.T)),
    "trace": (trace(X), X, I_n, X),
    "tr(XA)": (trace(X @ A), X, A.T, A),
    "tr(X'A)": (trace(X.T @ A), X, A, A.T),
    "tr(AXB)": (trace(A @ X @ B), X, A.T @ B.T, B @ A),
    "tr(AX'B)": (trace(A @ X.T @ B), X, B @ A, A @ B),
    "tr(X²)": (trace(X**2), X, 2 * X.T, 2 * X),
    "tr(X⁴)": (trace(X**4), X, 4 * (X**3).T, 4 * X**3),
    "tr(X²B)": (trace(X**2 @ B), X, (X @ B + B @ X).T, 2 * (X @ B).T),
    "tr(X'BX)": (trace(X.T @ B @ X), X, B @ X + B.T @ X, 2 * B @ X),
    "tr(XBX')": (trace(X @ B @ X.T), X, X @ B + X @ B.T, 2 * X @ B),
    "tr(AXBXC)": (
        trace(A @ X @ B @ X @ C),
        X,
        A.T @ C.T @ X.T @ B.T + B.T @ X.T @ A.T @ C.T,
        2 * A.T @ C.T @ X.T @ B.T,
    ),
    "tr(AXBX'C)": (trace(A @ X @ B @ X.T @ C), X, A.T @ C.T @ X @ B.T + C @ A @ X @ B, 2 * C @ A @ X @ B),
    "frobenius": (trace((A @ X @ B - C).T @ (A @ X @ B - C)), X, 2 * A.T @ (A @ X @ B - C) @ B.T, 2 * (A @ X @ B - C)),
    "tr(X⁻¹)": (trace(X.inv), X, -(X.inv @ X.inv).T, (X.inv @ X.inv).T),
    "tr(AX⁻¹B)": (trace(A @ X.inv @ B), X, -(X.inv @ B @ A @ X.inv).T, -X.inv @ B @ A @ X.inv),
    "a'X⁻¹b": (a.T @ X.inv @ b, X, -X.inv.T @ a @ b.T @ X.inv.T, -X.inv @ a @ b.T @ X.inv),
    "tr((X + A)⁻¹)": (trace((X + A).inv), X, -((X + A).inv @ (X + A).inv).T, -((X + A).inv @ (X + A).inv)),
    "tr((Y'CY)⁻¹D)": (
        trace((Y.T @ M @ Y).inv @ R),
        Y,
        -2 * M @ Y @ (Y.T @ M @ Y).inv @ R @ (Y.T @ M @ Y).inv,
        -2 * M @ Y @ (Y.T @ M @ Y).inv @ (Y.T @ M @ Y).inv,
    ),
    "tr((Y'CY)⁻¹(Y'BY))": (
        trace((Y.T @ P @ Y).inv @ (Y.T @ M @ Y)),
        Y,
        -2 * P @ Y @ (Y.T @ P @ Y).inv @ Y.T @ M @ Y @ (Y.T @ P @ Y).inv + 2 * M @ Y @ (Y.T @ P @ Y).inv,
        2 * M @ Y @ (Y.T @ P @ Y).inv,
    ),
    "det": (det(X), X, det(X) * X.inv.T, det(X) * X.inv),
    "det(AXB)": (det(A @ X @ B), X, det(A @ X @ B) * X.inv.T, det(X) * X.inv.T),
    "det(Y'AY)": (
        det(YAY),
        Y,
        det(YAY) * (A @ Y @ YAY.inv + A.T @ Y @ YAY.inv.T),
        2 * det(YAY) * A @ Y @ YAY.inv,
    ),
    "det(Y'MY)": (
        det(Y.T @ M @ Y),
        Y,
        2 * det(Y.T @ M @ Y) * M @ Y @ (Y.T @ M @ Y).inv,
        det(Y.T @ M @ Y) * M @ Y @ (Y.T @ M @ Y).inv,
    ),
    "det to a power": (det(X) ** 3, X, 3 * det(X) ** 3 * X.inv.T, 3 * det(X) ** 2 * X.inv.T),
    "log det": (logdet(X), X, X.inv.T, X.inv),
    "log det, symmetric": (logdet(S), S, S.inv, 2 * S.inv),
    "log det of Y'Y": (logdet(Y.T @ Y), Y, 2 * Y @ (Y.T @ Y).inv, Y @ (Y.T @ Y).inv),
    "log det of a sum": (
        logdet(A + X @ X.T),
        X,
        ((A + X @ X.T).inv + (A + X @ X.T).inv.T) @ X,
        2 * (A + X @ X.T).inv @ X,
    ),
    "log det of blocks": (logdet(block([[X, Y], [V, D]])), X, (X - Y @ D.inv @ V).inv.T, X.inv.T),
    "block inverse": (
        trace(block([[X, Y], [V, D]]).inv @ block([[A, zeros(n, k)], [zeros(k, n), zeros(k, k)]])),
        X,
        -((X - Y @ D.inv @ V).inv @ A @ (X - Y @ D.inv @ V).inv).T,
        -(X - Y @ D.inv @ V).inv @ A @ (X - Y @ D.inv @ V).inv,
    ),
    "a scalar in front": (det(X) * trace(A @ X), X, det(X) * (trace(A @ X) * X.inv.T + A.T), det(X) * A.T),
    "quotient": (
        x.T @ M @ x / (x.T @ x),
        x,
        2 * (M @ x) / (x.T @ x) - 2 * (x.T @ M @ x) * x / (x.T @ x) ** 2,
        2 * (M @ x) / (x.T @ x),
    ),
    "norm": (sqrt((x - a).T @ (x - a)), x, (x - a) / sqrt((x - a).T @ (x - a)), x - a),
    "exponential": (exp(-x.T @ P @ x / 2), x, -exp(-x.T @ P @ x / 2) * (P @ x), exp(-x.T @ P @ x / 2) * (P @ x)),
    "logarithm": (log(trace(X.T @ X)), X, 2 * X / trace(X.T @ X), X / trace(X.T @ X)),
    "log of a sum": (
        log(exp(a.T @ x) + exp(b.T @ x)),
        x,
        (exp(a.T @ x) * a + exp(b.T @ x) * b) / (exp(a.T @ x) + exp(b.T @ x)),
        a + b,
    ),
    "gain": (
        trace((I_n - G @ H) @ P @ (I_n - G @ H).T + G @ R @ G.T),
        G,
        2 * (G @ (H @ P @ H.T + R) - P @ H.T),
        2 * (G @ (H @ P @ H.T + R) + P @ H.T),
    ),
    "4D-Var": (
        (x - a).T @ P.inv @ (x - a) / 2 + (z - H @ x).T @ R.inv @ (z - H @ x) / 2,
        x,
        P.inv @ (x - a) - H.T @ R.inv @ (z - H @ x),
        P.inv @ (x - a) + H.T @ R.inv @ (z - H @ x),
    ),
    "score of the mean": (likelihood, mu, P.inv @ total(data[i] - mu, i, N), P @ total(data[i] - mu, i, N)),
    "score of the covariance": (
        likelihood,
        P,
        -N / 2 * P.inv + P.inv @ residuals @ P.inv / 2,
        -N / 2 * P.inv - P.inv @ residuals @ P.inv / 2,
    ),
    "score of the precision": (precision, P, N / 2 * P.inv - residuals / 2, N / 2 * P - residuals / 2),
    "regression": (
        total((label[i] - w.T @ data[i]) ** 2, i, N),
        w,
        -2 * total((label[i] - w.T @ data[i]) * data[i], i, N),
        2 * total((label[i] - w.T @ data[i]) * data[i], i, N),
    ),
    "logistic regression": (
        total(label[i] * (w.T @ data[i]) - log(1 + exp(w.T @ data[i])), i, N),
        w,
        total((label[i] - chance) * data[i], i, N),
        total(label[i] * data[i], i, N),
    ),
    "matrix between data": (total(data[i].T @ X @ data[i], i, N), X, total(data[i] @ data[i].T, i, N), N * X),
    "inverse between data": (
        total(data[i].T @ X.inv @ data[i], i, N),
        X,
        -X.inv.T @ total(data[i] @ data[i].T, i, N) @ X.inv.T,
        -X.inv @ total(data[i] @ data[i].T, i, N) @ X.inv,
    ),
    "factor analysis": (
        total((data[i] - Y @ z).T @ P.inv @ (data[i] - Y @ z), i, N),
        Y,
        -2 * P.inv @ total(data[i] - Y @ z, i, N) @ z.T,
        -2 * total(data[i] - Y @ z, i, N) @ z.T,
    ),
    "expected form": (expectation(x.T @ A @ x, {x: (mu, P)}), mu, (A + A.T) @ mu, 2 * A @ mu),
    "by a scalar": (logdet(A + t * B), t, trace((A + t * B).inv @ B), trace(A.inv @ B)),
    "inverse by a scalar": (
        (A + t * B).inv,
        t,
        -(A + t * B).inv @ B @ (A + t * B).inv,
        -(A + t * B).inv @ (A + t * B).inv @ B,
    ),
    "product by a scalar": ((A + t * B) @ (A + t * B), t, A @ B + B @ A + 2 * t * B @ B, 2 * (A + t * B) @ B),
    "relative entropy": (
        (trace(P.inv @ S) + (a - mu).T @ P.inv @ (a - mu) + logdet(P)) / 2,
        P,
        (P.inv - P.inv @ (S + (a - mu) @ (a - mu).T) @ P.inv) / 2,
        (P.inv - P.inv @ S @ P.inv) / 2,
    ),
    "along a gradient": (a.T @ (A + A.T) @ x, x, (A + A.T) @ a, A @ a),
}

# name: (f, x, Jacobian, wrong Jacobian)
JACOBIANS = {
    "linear": (H @ x, x, H, -H),
    "Hessian of a form": ((A + A.T) @ x, x, A + A.T, 2 * A),
    "Hessian of a quotient's log": (
        x / (x.T @ x),
        x,
        I_n / (x.T @ x) - 2 * (x @ x.T) / (x.T @ x) ** 2,
        I_n / (x.T @ x),
    ),
    "Hessian of a Gaussian": (
        -exp(-x.T @ P @ x / 2) * (P @ x),
        x,
        exp(-x.T @ P @ x / 2) * (P @ x @ x.T @ P - P),
        -exp(-x.T @ P @ x / 2) * P,
    ),
    "Hessian of the likelihood": (P.inv @ total(data[i] - mu, i, N), mu, -N * P.inv, -P.inv),
    "Hessian of logistic regression": (
        total((label[i] - chance) * data[i], i, N),
        w,
        -total(chance * (1 - chance) * data[i] @ data[i].T, i, N),
        -total(chance * data[i] @ data[i].T, i, N),
    ),
    "inverse": (
        (A + x @ b.T).inv @ a,
        x,
        -(b.T @ (A + x @ b.T).inv @ a) * (A + x @ b.T).inv,
        -(A + x @ b.T).inv @ a @ b.T,
    ),
    "transposed": ((x.T @ A).T, x, A.T, A),
    "update": (x + G @ (z - H @ x), x, I_n - G @ H, I_n + G @ H),
}


@pytest.mark.parametrize(("f", "variable", "gradient", "wrong"), GRADIENTS.values(), ids=GRADIENTS.keys())
def test_gradients_are_proved_and_wrong_ones_refuted(f, variable, gradient, wrong):
    certificate = prove_gradient(f, variable, gradient, mutants={"slip": wrong, "sign": -gradient})
    assert certificate, certificate.residual
    assert (certificate.grade, certificate.scope) == ("A", "all sizes")
    assert certificate.mutants == ("slip", "sign")
    assert certificate.seconds < 3
    contradicted = prove_gradient(f, variable, wrong)
    assert not contradicted
    assert contradicted.residual.startswith("false: contradicted by draw")


@pytest.mark.parametrize(("f", "variable", "jacobian", "wrong"), JACOBIANS.values(), ids=JACOBIANS.keys())
def test_jacobians_are_proved_and_wrong_ones_refuted(f, variable, jacobian, wrong):
    certificate = prove_jacobian(f, variable, jacobian, mutants=[wrong])
    assert certificate, certificate.residual
    assert certificate.grade == "A"
    assert not prove_jacobian(f, variable, wrong)


# SymPy's expressions

r = sympy.symbols("r")
sA, sX, sP = (MatrixSymbol(name, r, r) for name in "AXP")
sx, sa = MatrixSymbol("x", r, 1), MatrixSymbol("a", r, 1)
density = -sympy.log(Determinant(sP)) / 2 - ((sx - sa).T * sP.I * (sx - sa))[0, 0] / 2
SYMPY = {
    "form as an element": ((sx.T * sA * sx)[0, 0], sx, (sA + sA.T) * sx, ()),
    "form as a matrix": (sx.T * sA * sx, sx, (sA + sA.T) * sx, ()),
    "symmetric form": ((sx.T * sA * sx)[0, 0], sx, 2 * sA * sx, [Q.symmetric(sA)]),
    "nested sums": (((sA * sx - sa).T * (sA * sx - sa))[0, 0], sx, 2 * sA.T * (sA * sx - sa), ()),
    "log det": (sympy.log(Determinant(sX)), sX, sX.I.T, ()),
    "log det, symmetric": (sympy.log(Determinant(sX)), sX, sX.I, [Q.symmetric(sX)]),
    "Gaussian by its mean": (density, sa, sP.I * (sx - sa), [Q.symmetric(sP)]),
    "Gaussian by its covariance": (
        density,
        sP,
        (sP.I * (sx - sa) * (sx - sa).T * sP.I - sP.I) / 2,
        Q.positive_definite(sP),
    ),
    "norm": (sympy.sqrt((sx.T * sx)[0, 0]), sx, sx / sympy.sqrt((sx.T * sx)[0, 0]), ()),
    "orthogonal": (Trace(sX.T * sX), sX, 2 * sX, [Q.orthogonal(sX)]),
    "element": (sX[0, 1] ** 2 * Trace(sX), sX, sX[0, 1] ** 2 * Identity(r), None),
    "blocks": (Trace(BlockMatrix([[sX, sA], [sA, sP]]) ** 2), sX, 2 * sX.T, ()),
}


@pytest.mark.parametrize("name", [name for name, claim in SYMPY.items() if claim[3] is not None])
def test_claims_of_sympy_are_read(name):
    f, variable, gradient, assumptions = SYMPY[name]
    certificate = prove_gradient(f, variable, gradient, assumptions=assumptions)
    assert certificate, certificate.residual


@pytest.mark.parametrize("name", ["symmetric form", "log det, symmetric", "Gaussian by its mean"])
def test_a_missing_assumption_is_noticed(name):
    f, variable, gradient, _ = SYMPY[name]
    assert not prove_gradient(f, variable, gradient)


# guards: the holes that a prover of this kind can have


@pytest.mark.parametrize("factor", [Determinant(sX), sX[0, 0], sympy.exp(Trace(sX)), 1 / Trace(sX)])
def test_a_factor_that_depends_on_the_variable_is_no_constant(factor):
    assert not prove_gradient(factor * Trace(sA * sX), sX, factor * sA.T)


def test_the_gradient_at_a_symmetric_matrix_is_the_unconstrained_one():
    assert prove_gradient(a.T @ S @ b, S, a @ b.T)
    assert not prove_gradient(a.T @ S @ b, S, b @ a.T)
    assert not prove_gradient(a.T @ S @ b, S, (a @ b.T + b @ a.T) / 2)


def test_what_is_assumed_about_the_variable_does_not_make_it_constant():
    assert not prove_gradient(Trace(sX.T * sX), sX, ZeroMatrix(r, r), assumptions=[Q.orthogonal(sX)])
    idempotent = equal(X @ X, X)
    assert prove_gradient(trace(X @ X), X, 2 * X.T, assumptions=[idempotent])
    assert not prove_gradient(trace(X @ X), X, I_n, assumptions=[idempotent])


def test_what_does_not_occur_is_trivial():
    assert "does not occur" in prove_gradient(trace(A), X, zeros(n, n)).residual


def test_shapes_are_compared_and_both_are_named():
    with pytest.raises(ValueError, match=r"\(n, k\).*\(k, n\)"):
        prove_gradient(trace(Y.T @ Y), Y, 2 * Y.T)
    with pytest.raises(ValueError, match="must be a scalar"):
        prove_gradient(A @ x, x, A)
    with pytest.raises(ValueError, match="must be a column"):
        prove_jacobian(X @ X, x, A)


def test_the_variable_must_be_a_letter():
    with pytest.raises(ValueError, match="must be a letter"):
        prove_gradient(trace(X @ A), X @ A, I_n)
    with pytest.raises(ValueError, match="index"):
        prove_gradient(total(data[i].T @ data[i], i, N), data[i], 2 * data[i])


def test_a_covariance_inside_an_expectation_is_no_variable():
    with pytest.raises(ValueError, match="expectation"):
        prove_gradient(expectation(x.T @ A @ x, {x: (mu, P)}), P, A.T)


def test_silent_zeros_of_sympy_are_not_believed():
    """SymPy's own derivative of these is zero."""
    for f in (sympy.log(Determinant(sX)), Trace(sX) + 1, Trace(sX) - Trace(sA)):
        assert not prove_gradient(f, sX, ZeroMatrix(r, r))


def test_axioms_are_named():
    uses = set(prove_gradient(logdet(X) + trace(X.inv), X, X.inv.T - (X.inv @ X.inv).T, uses=["eq-other"]).uses)
    assert uses == {"eq-other", "product rule", "derivative of the inverse", "derivative of log det"} | (
        {"multiplicative determinant"} & uses
    )
    assert uses - {"eq-other"} <= set(AXIOMS)
