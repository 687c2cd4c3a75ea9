"""The labelled equations of the chapter on low-rank updates, one function each."""

from functools import reduce
from operator import add
from pathlib import Path

import sympy

from booktools.ledger import labelled_equations
from mlpc.basics import sherman_morrison
from tests.equations.exact import block, drawn

PAGE = Path(__file__).parents[2] / "book" / "basics" / "sherman_morrison.md"

A_U_V = {"A": "n n", "U": "n k", "V": "k n"}
RANK_K = {
    "symbolic": [{"n": 2, "k": 1}, {"n": 2, "k": 2}, {"n": 3, "k": 2}],
    "draws": [{"n": 3, "k": 2}, {"n": 2, "k": 3}, {"n": 4, "k": 2}],
}
A_u_v = {"A": "n n", "u": "n 1", "v": "n 1"}
RANK_ONE = {"symbolic": [{"n": 2}, {"n": 3}], "draws": [{"n": 2}, {"n": 3}, {"n": 5}]}
STREAM = {"A0": "d d symmetric", "w0": "d 1", "Phi": "t d", "y": "t 1"}
STREAMS = {"symbolic": [{"d": 1, "t": 2}, {"d": 2, "t": 2}], "draws": [{"d": 2, "t": 3}, {"d": 3, "t": 4}]}


def test_each_labelled_equation_has_one_function_and_each_function_its_equation():
    labels = labelled_equations(PAGE.read_text("utf-8"))
    functions = {name for name in globals() if name.startswith("test_eq_")}
    assert functions == {f"test_{label.replace('-', '_')}" for label in labels}


def capacitance(A, U, V):
    return V.one + V @ A.inv @ U


def s_of(A, u, v):
    return capacitance(A, u, v.T)


# S and the two eliminations


def test_eq_capacitance(rng):
    """A definition; the package computes just this, exactly when its entries are fractions."""
    for n, k in [(2, 2), (3, 2), (2, 3)]:
        draw = drawn(A_U_V, {"n": n, "k": k}, rng)
        A, U, V = draw.values()
        computed = sherman_morrison._capacitance(V.fractions(), (A.inv @ U).fractions())
        wrong = [
            V.one - V @ A.inv @ U,
            V @ A.inv @ U,
            V.one + V @ A @ U,
            capacitance(**draw).T,
            capacitance(**draw).inv,
        ]
        assert (computed == capacitance(A, U, V).fractions()).all()
        assert not any((computed == slip.fractions()).all() for slip in wrong)


def augmented(A, U, V):
    return block([[A, -U], [V, V.one]])


def test_eq_augmented_system(prove):
    """Its residual is an invertible matrix times that of (A + UV) x = b, z = -Vx: both vanish, or neither."""

    def residual(A, U, V, x, z, b):
        return augmented(A, U, V) @ block([[x], [z]]) - block([[b], [b.zeros(z.shape[0], 1)]])

    def of_the_small_systems(sign):
        def combined(A, U, V, x, z, b):
            triangular = block([[A.one, -U], [A.zeros(*V.shape), V.one]])
            return triangular @ block([[(A + U @ V) @ x - b], [z + V @ x if sign > 0 else z - V @ x]])

        return combined

    shapes = {**A_U_V, "x": "n 1", "z": "k 1", "b": "n 1"}
    prove(shapes, residual, of_the_small_systems(1), wrong={"z = Vx": of_the_small_systems(-1)}, **RANK_K)


def test_eq_block_elimination(prove):
    def factors(A, U, V, S, sign=1):
        lower = block([[A.one, A.zeros(*U.shape)], [V @ A.inv if sign > 0 else -V @ A.inv, V.one]])
        middle = block([[A, A.zeros(*U.shape)], [A.zeros(*V.shape), S]])
        upper = block([[A.one, -A.inv @ U], [A.zeros(*V.shape), V.one]])
        return lower @ middle @ upper

    prove(
        A_U_V,
        augmented,
        lambda A, U, V: factors(A, U, V, capacitance(A, U, V)),
        wrong={
            "I - VA⁻¹U in the middle": lambda A, U, V: factors(A, U, V, V.one - V @ A.inv @ U),
            "I in the middle": lambda A, U, V: factors(A, U, V, V.one),
            "-VA⁻¹ below": lambda A, U, V: factors(A, U, V, capacitance(A, U, V), sign=-1),
        },
        **RANK_K,
    )


def test_eq_block_elimination_reversed(prove):
    def factors(A, U, V, middle):
        upper = block([[A.one, -U], [A.zeros(*V.shape), V.one]])
        lower = block([[A.one, A.zeros(*U.shape)], [V, V.one]])
        return upper @ block([[middle, A.zeros(*U.shape)], [A.zeros(*V.shape), V.one]]) @ lower

    prove(
        A_U_V,
        augmented,
        lambda A, U, V: factors(A, U, V, A + U @ V),
        wrong={
            "A - UV": lambda A, U, V: factors(A, U, V, A - U @ V),
            "A alone": lambda A, U, V: factors(A, U, V, A),
        },
        **RANK_K,
    )


# the formulas


def test_eq_woodbury(prove):
    S = capacitance
    prove(
        A_U_V,
        lambda A, U, V: (A + U @ V).inv,
        lambda A, U, V: A.inv - A.inv @ U @ S(A, U, V).inv @ V @ A.inv,
        wrong={
            "plus": lambda A, U, V: A.inv + A.inv @ U @ S(A, U, V).inv @ V @ A.inv,
            "I - VA⁻¹U": lambda A, U, V: A.inv - A.inv @ U @ S(A, -U, V).inv @ V @ A.inv,
            "S not inverted": lambda A, U, V: A.inv - A.inv @ U @ S(A, U, V) @ V @ A.inv,
            "S left out": lambda A, U, V: A.inv - A.inv @ U @ V @ A.inv,
            "S transposed": lambda A, U, V: A.inv - A.inv @ U @ S(A, U, V).inv.T @ V @ A.inv,
            "U and V exchanged": lambda A, U, V: A.inv - A.inv @ V.T @ S(A, U, V).inv @ U.T @ A.inv,
            "last A⁻¹ left out": lambda A, U, V: A.inv - A.inv @ U @ S(A, U, V).inv @ V,
            "A⁻¹ left out of S": lambda A, U, V: A.inv - A.inv @ U @ (V.one + V @ U).inv @ V @ A.inv,
        },
        **RANK_K,
    )


def test_eq_determinant_lemma(prove):
    prove(
        A_U_V,
        lambda A, U, V: (A + U @ V).det,
        lambda A, U, V: A.det * capacitance(A, U, V).det,
        wrong={
            "det A divided": lambda A, U, V: capacitance(A, U, V).det / A.det,
            "det A left out": lambda A, U, V: capacitance(A, U, V).det,
            "I - VA⁻¹U": lambda A, U, V: A.det * capacitance(A, -U, V).det,
            "A⁻¹ left out of S": lambda A, U, V: A.det * (V.one + V @ U).det,
        },
        **RANK_K,
    )


def test_eq_sherman_morrison(prove):
    prove(
        A_u_v,
        lambda A, u, v: (A + u @ v.T).inv,
        lambda A, u, v: A.inv - (A.inv @ u @ v.T @ A.inv) / s_of(A, u, v),
        wrong={
            "plus": lambda A, u, v: A.inv + (A.inv @ u @ v.T @ A.inv) / s_of(A, u, v),
            "1 - vᵀA⁻¹u": lambda A, u, v: A.inv - (A.inv @ u @ v.T @ A.inv) / s_of(A, -u, v),
            "uᵀA⁻¹v": lambda A, u, v: A.inv - (A.inv @ u @ v.T @ A.inv) / s_of(A, v, u),
            "v uᵀ": lambda A, u, v: A.inv - (A.inv @ v @ u.T @ A.inv) / s_of(A, u, v),
            "no denominator": lambda A, u, v: A.inv - A.inv @ u @ v.T @ A.inv,
        },
        **RANK_ONE,
    )


def test_eq_push_through(prove):
    prove(
        A_U_V,
        lambda A, U, V: (A + U @ V).inv @ U,
        lambda A, U, V: A.inv @ U @ capacitance(A, U, V).inv,
        wrong={
            "S left out": lambda A, U, V: A.inv @ U,
            "S not inverted": lambda A, U, V: A.inv @ U @ capacitance(A, U, V),
            "S transposed": lambda A, U, V: A.inv @ U @ capacitance(A, U, V).inv.T,
        },
        **RANK_K,
    )


def test_eq_singular_vector(prove):
    S = capacitance
    prove(
        {**A_U_V, "z": "k 1", "x": "n 1"},
        lambda A, U, V, z, x: [(A + U @ V) @ A.inv @ U @ z, V @ A.inv @ (A + U @ V) @ x],
        lambda A, U, V, z, x: [U @ S(A, U, V) @ z, S(A, U, V) @ V @ x],
        wrong={
            "S left out": lambda A, U, V, z, x: [U @ z, V @ x],
            "S transposed": lambda A, U, V, z, x: [U @ S(A, U, V).T @ z, S(A, U, V).T @ V @ x],
            "right in the first only": lambda A, U, V, z, x: [U @ S(A, U, V) @ z, -S(A, U, V) @ V @ x],
        },
        **RANK_K,
    )


def test_eq_woodbury_solve(prove):
    def solution(A, U, V, b):
        y, Y = A.inv @ b, A.inv @ U
        return y - Y @ (V.one + V @ Y).inv @ V @ y

    prove(
        {**A_U_V, "b": "n 1"},
        lambda A, U, V, b: (A + U @ V).inv @ b,
        solution,
        wrong={
            "UV for -UV": lambda A, U, V, b: solution(A, -U, V, b),
            "correction left out": lambda A, U, V, b: A.inv @ b,
            "V b for V y": lambda A, U, V, b: A.inv @ b - A.inv @ U @ capacitance(A, U, V).inv @ V @ b,
        },
        symbolic=[{"n": 2, "k": 2}, {"n": 3, "k": 1}],
        draws=RANK_K["draws"],
    )


# least squares over a stream


def total(terms):
    return reduce(add, terms)


def objective(w, A0, w0, Phi, y, lam=None):
    """The regularised sum of squares; with lam, each step forgets the earlier ones by that factor."""
    J = (w - w0).T @ A0 @ (w - w0)
    for phi, value in zip(Phi.rows(), y.rows(), strict=True):
        J = (J if lam is None else lam @ J) + (value - phi.T @ w) @ (value - phi.T @ w)
    return J


def completed_square(w, minimiser, A, at_minimum):
    """What the objective is for every w if `minimiser` is one and A is half its Hessian."""
    return at_minimum + (w - minimiser).T @ A @ (w - minimiser)


def normal_equations(A0, w0, Phi, y):
    phis = Phi.rows()
    A = A0 + total([phi @ phi.T for phi in phis])
    return A, A0 @ w0 + total([value * phi for phi, value in zip(phis, y.rows(), strict=True)])


def ridge(**stream):
    A, c = normal_equations(**stream)
    return A.inv @ c


def test_eq_ridge(prove):
    """J(w) = J(w_t) + (w - w_t)ᵀ A_t (w - w_t) for every w, so that w_t is the minimiser where A_t > 0."""

    def square_about(minimiser):
        def completed(w, **stream):
            w_t, A_t = minimiser(**stream), normal_equations(**stream)[0]
            return completed_square(w, w_t, A_t, objective(w_t, **stream))

        return completed

    def without_prior_matrix(A0, w0, Phi, y):
        A, c = normal_equations(A0, w0, Phi, y)
        return (A - A0 + A0.one).inv @ c

    prove(
        {**STREAM, "w": "d 1"},
        objective,
        square_about(ridge),
        wrong={
            "w₀ left out": square_about(lambda A0, w0, Phi, y: ridge(A0=A0, w0=w0 - w0, Phi=Phi, y=y)),
            "-w₀": square_about(lambda A0, w0, Phi, y: ridge(A0=A0, w0=-w0, Phi=Phi, y=y)),
            "I for A₀": square_about(without_prior_matrix),
        },
        **STREAMS,
    )


RECURSION = {"A": "d d symmetric", "phi": "d 1"}
RECURSIONS = {"symbolic": [{"d": 1}, {"d": 2}, {"d": 3}], "draws": [{"d": 2}, {"d": 4}]}


def gain(A, phi, lam=None):
    variance = phi.T @ A.inv @ phi
    return (A.inv @ phi) / ((variance.one if lam is None else lam) + variance)


def test_eq_rls_covariance(prove):
    prove(
        RECURSION,
        lambda A, phi: (A + phi @ phi.T).inv,
        lambda A, phi: A.inv - gain(A, phi) @ phi.T @ A.inv,
        wrong={
            "plus": lambda A, phi: A.inv + gain(A, phi) @ phi.T @ A.inv,
            "last P left out": lambda A, phi: A.inv - gain(A, phi) @ phi.T,
            "g gᵀ": lambda A, phi: A.inv - gain(A, phi) @ gain(A, phi).T,
        },
        **RECURSIONS,
    )


def test_eq_rls_gain(prove):
    prove(
        RECURSION,
        gain,
        lambda A, phi: (A + phi @ phi.T).inv @ phi,
        wrong={
            "P before for P after": lambda A, phi: A.inv @ phi,
            "A - φφᵀ": lambda A, phi: (A - phi @ phi.T).inv @ phi,
        },
        **RECURSIONS,
    )


def test_eq_rls_mean(prove):
    """From the data: the ridge solution of t observations out of that of t - 1."""

    def step(innovation, gain=gain):
        def updated(A0, w0, Phi, y):
            *seen, phi = Phi.rows()
            *values, value = y.rows()
            A, c = A0, A0 @ w0
            for row, number in zip(seen, values, strict=True):
                A, c = A + row @ row.T, c + number * row
            before = A.inv @ c
            return before + gain(A, phi) @ innovation(value, phi, before)

        return updated

    prove(
        STREAM,
        ridge,
        step(lambda value, phi, w: value - phi.T @ w),
        wrong={
            "innovation of the other sign": step(lambda value, phi, w: phi.T @ w - value),
            "prediction left out": step(lambda value, phi, w: value),
            "gain without denominator": step(lambda value, phi, w: value - phi.T @ w, lambda A, phi: A.inv @ phi),
        },
        **STREAMS,
    )


def test_eq_forgetting(prove):
    """The square again: the recursion for A_t gives half the Hessian of the discounted objective."""

    def square_with(recursion):
        def completed(w, A0, w0, Phi, y, lam):
            A, c, slip = A0, A0 @ w0, A0
            for phi, value in zip(Phi.rows(), y.rows(), strict=True):
                A, c = lam * A + phi @ phi.T, lam * c + value * phi
                slip = recursion(slip, phi, lam)
            w_t = A.inv @ c
            return completed_square(w, w_t, slip, objective(w_t, A0, w0, Phi, y, lam))

        return completed

    prove(
        {**STREAM, "w": "d 1", "lam": "1 1"},
        objective,
        square_with(lambda A, phi, lam: lam * A + phi @ phi.T),
        wrong={
            "nothing forgotten": square_with(lambda A, phi, lam: A + phi @ phi.T),
            "the new forgotten": square_with(lambda A, phi, lam: A + lam * (phi @ phi.T)),
            "both forgotten": square_with(lambda A, phi, lam: lam * (A + phi @ phi.T)),
        },
        **STREAMS,
    )


def test_eq_forgetting_update(prove):
    """P_t inverts λA + φφᵀ, and the gain is the one that moves the minimiser."""

    def updated(denominator, factor):
        def P_and_w(A, phi, w, y, lam):
            g = gain(A, phi, denominator(lam))
            P = A.inv - g @ phi.T @ A.inv
            return [factor(lam) * P, w + g @ (y - phi.T @ w)]

        return P_and_w

    def batch(A, phi, w, y, lam):
        P = (lam * A + phi @ phi.T).inv
        return [P, P @ (lam * (A @ w) + y * phi)]

    prove(
        {**RECURSION, "w": "d 1", "y": "1 1", "lam": "1 1"},
        batch,
        updated(lambda lam: lam, lambda lam: lam.inv),
        wrong={
            "1 for λ in the gain": updated(lambda lam: lam.one, lambda lam: lam.inv),
            "no division by λ": updated(lambda lam: lam, lambda lam: lam.one),
            "λ for 1/λ": updated(lambda lam: lam, lambda lam: lam),
        },
        **RECURSIONS,
    )


def test_eq_memory():
    """The partial sums by induction over a symbolic N; λ to the N vanishes for λ = 1/(1 + r), r > 0; λ = 0 is apart."""
    lam, N, r = sympy.symbols("lambda N r", positive=True)
    partial = (1 - lam**N) / (1 - lam)
    assert partial.subs(N, 0) == 0
    assert sympy.simplify(partial.subs(N, N + 1) - partial - lam**N) == 0
    assert sympy.limit((1 + r) ** -N, N, sympy.oo) == 0
    limit = partial.subs(lam**N, 0)
    assert sympy.simplify(limit - 1 / (1 - lam)) == 0
    assert (1 / (1 - lam)).subs(lam, 0) == 1
    for wrong in (1 / (1 + lam), lam / (1 - lam), 1 / (1 - lam) ** 2, 1 - lam):
        assert sympy.simplify(limit - wrong) != 0


# rounding


def test_eq_error_persists(prove):
    def updated(B, u, v):
        return B - (B @ u @ v.T @ B) / (v.T @ B @ u + (v.T @ B @ u).one)

    prove(
        {**A_u_v, "D": "n n"},
        lambda A, u, v, D: updated((A + D).inv, u, v),
        lambda A, u, v, D: (A + u @ v.T + D).inv,
        wrong={
            "the error is gone": lambda A, u, v, D: (A + u @ v.T).inv,
            "the error turns its sign": lambda A, u, v, D: (A + u @ v.T - D).inv,
            "the update is gone": lambda A, u, v, D: (A + D).inv,
        },
        **RANK_ONE,
    )


def test_eq_inverse_error(prove):
    prove(
        {"A": "n n", "D": "n n"},
        lambda A, D: (A + D).inv - A.inv,
        lambda A, D: -(A + D).inv @ D @ A.inv,
        wrong={
            "plus": lambda A, D: (A + D).inv @ D @ A.inv,
            "first order only": lambda A, D: -A.inv @ D @ A.inv,
            "A⁻¹ left out": lambda A, D: -(A + D).inv @ D,
        },
        **RANK_ONE,
    )


def test_eq_qr_update(prove):
    """Q is a Cayley transform (I - K)(I + K)⁻¹ with K skew; R need not be triangular for the identity."""

    def split(R, C):
        K = C - C.T
        Q = (K.one - K) @ (K + K.one).inv
        *before, phi = (Q @ block([[R], [R.zeros(1, R.shape[1])]])).rows()
        return Q, block([[row.T] for row in before]), phi

    def gram_after(R, C):
        Q = split(R, C)[0]
        return [R.T @ R, Q.T @ Q]

    def gram_before(new_row):
        def gram(R, C):
            Q, before, phi = split(R, C)
            return [before.T @ before + new_row(phi), Q.one]

        return gram

    prove(
        {"R": "d d", "C": "m m"},
        gram_after,
        gram_before(lambda phi: phi @ phi.T),
        wrong={
            "minus": gram_before(lambda phi: -phi @ phi.T),
            "the row left out": gram_before(lambda phi: phi @ phi.T - phi @ phi.T),
            "φᵀφ I": gram_before(lambda phi: (phi.T @ phi) * phi.one),
        },
        symbolic=[{"d": 1, "m": 2}, {"d": 2, "m": 3}],
        draws=[{"d": 2, "m": 3}, {"d": 3, "m": 4}],
    )
