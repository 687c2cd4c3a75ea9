"""The labelled equations of the chapter on ensembles, one function each."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import sympy
from sympy import Derivative, Eq, IndexedBase, Integral, Rational, Sum, oo, pi, symbols

from mlpc.assimilation import Lorenz96
from mlpc.verify import (
    check_float,
    equal,
    expectation,
    identity,
    log,
    logdet,
    matrix,
    nonzero,
    ones,
    prove_equal,
    prove_gradient,
    prove_zero,
    scalar,
    sizes,
    sqrt,
    stated,
    vector,
    zeros,
)

N, n, k = sizes("N n k")
half = Fraction(1, 2)
E, X, Y, H = matrix("E", N, n), matrix("X", N, n), matrix("Y", N, k), matrix("H", k, n)
P, R, B, Q = (matrix(name, size, size, "positive") for name, size in (("P", n), ("R", k), ("B", n), ("Q", n)))
M, U = matrix("M", n), matrix("U", N, N, "orthogonal")
x, mu, ebar, w = vector("x", n), vector("mu", n), vector("ebar", n), vector("w", N)
y, d, eps = vector("y", k), vector("d", k), vector("epsilon", k)
lam, alpha = scalar("lambda"), scalar("alpha")
all_ones, one = ones(N), identity(n)
Omega = identity(N) + Y @ R.inv @ Y.T
centred = [equal(Y.T @ all_ones, zeros(k, 1)), equal(X.T @ all_ones, zeros(n, 1))]
linear = [equal(Y, X @ H.T)]


def squared(v, C):
    """The squared length of v in the metric of the covariance C."""
    return v.T @ C.inv @ v


def gain_of(P, R):
    return P @ H.T @ (H @ P @ H.T + R).inv


# growth of errors


def tendency(x, F, advected=lambda x: (np.roll(x, -1) - np.roll(x, 2)) * np.roll(x, 1)):
    return advected(x) - x + F


def test_eq_lorenz96(certify):
    r"""
    \frac{d x_i}{dt} = (x_{i+1} - x_{i-2}) \, x_{i-1} - x_i + F, \qquad i = 1, \ldots, n, \quad x_{i \pm n} = x_i
    """
    as_the_package_has_it = check_float(
        lambda x: Lorenz96(sites=len(x)).tendency(x),
        lambda x: tendency(x, 8.0),
        lambda rng: {"x": rng.normal(size=rng.integers(5, 9))},
        tolerance=1e-13,
        reason="a definition; it is what the package computes",
        mutants={
            "upwind of one neighbour": lambda x: tendency(x, 8.0, lambda x: (np.roll(x, -1) - x) * np.roll(x, 1)),
            "the other way round": lambda x: tendency(
                x, 8.0, lambda x: (np.roll(x, 1) - np.roll(x, -2)) * np.roll(x, -1)
            ),
            "growth for damping": lambda x: tendency(x, 8.0) + 2 * x,
        },
    )
    certify(
        stated(
            "Lorenz' ring of n sites",
            reason="a definition; the package's tendency is the same",
            computed=as_the_package_has_it,
        )
    )


def test_eq_lorenz96_energy(certify):
    r"""
    \frac{d}{dt} \, \tfrac{1}{2} \sum_i x_i^2 = - \sum_i x_i^2 + F \sum_i x_i
    """

    def balance(size, forced=1, damped=1):
        z, F = symbols(f"x1:{size + 1}", real=True), symbols("F", real=True)
        rates = [(z[(i + 1) % size] - z[i - 2]) * z[i - 1] - z[i] + F for i in range(size)]
        gained = sum(z[i] * rates[i] for i in range(size))
        return gained + damped * sum(one**2 for one in z) - forced * F * sum(z)

    parts = [
        prove_zero(
            balance(size),
            mutants={"no forcing": balance(size, forced=0), "half the damping": balance(size, damped=half)},
        )
        for size in (4, 5, 6, 7)
    ]
    certify(*[replace(part, grade="B", scope="n = 4, 5, 6, 7") for part in parts], uses=("eq-lorenz96",))


def test_eq_lyapunov(certify):
    r"""
    \begin{aligned}
    M_t Q_{t-1} = Q_t R_t \quad\Longrightarrow\quad M_t \cdots M_1 Q_0 &= Q_t \, (R_t \cdots R_1), \\
    \gamma_i &= \lim_{t \to \infty} \frac{1}{t \Delta} \sum_{s=1}^{t} \log (R_s)_{ii}
    \end{aligned}
    """
    names = ("M_t", "M_{t-1}", "Q_t", "Q_{t-1}", "Q_0", "R_t", "R_{t-1}")
    Mt, before, Qt, Qb, Q0, Rt, Rb = (matrix(name, n) for name in names)  # M_{t-1}, R_{t-1}: the products so far

    def carried(rng):
        F = rng.normal(size=(3, 3))
        return {"M": np.eye(3) + 0.3 * (F + F.T)}

    def exponents(M, cycles=3000):
        Q, total = np.eye(3), np.zeros(3)
        for _ in range(cycles):
            Q, r = np.linalg.qr(M @ Q)
            total += np.log(np.abs(np.diag(r)))
        return np.sort(total / cycles)

    constant = check_float(
        exponents,
        lambda M: np.sort(np.log(np.abs(np.linalg.eigvalsh(M)))),
        carried,
        tolerance=5e-3,
        reason="a limit; of a constant symmetric model it is the logarithm of the eigenvalues' magnitudes",
        mutants={"eigenvalues": lambda M: np.sort(np.abs(np.linalg.eigvalsh(M)))},
        draws=5,
    )
    certify(
        prove_equal(
            Mt @ before @ Q0,
            Qt @ Rt @ Rb,
            assumptions=[equal(Mt @ Qb, Qt @ Rt), equal(before @ Q0, Qb @ Rb)],
            mutants={"factors in the other order": Qt @ Rb @ Rt, "last factor left out": Qt @ Rb},
        ),
        stated(
            "the Lyapunov exponents are mean logarithms of the diagonal of R",
            reason="a definition by a limit, which exists by Oseledets' theorem, cited",
            reference="Eckmann and Ruelle (1985)",
            computed=constant,
        ),
    )


def test_eq_kaplan_yorke(certify):
    r"""
    D_{\mathrm{KY}} = j + \frac{\gamma_1 + \ldots + \gamma_j}{\lvert \gamma_{j+1} \rvert}
    """
    j, s, g, D = (scalar(name) for name in ("j", "s", "gamma", "D"))  # g < 0: its magnitude is -g
    dimension = [equal(D, j + s / -g), nonzero(g)]
    interpolation = prove_equal(  # the sum, drawn as a line from j to j + 1, is zero there
        s + (D - j) * g,
        zeros(1, 1),
        assumptions=dimension,
        mutants={"the last exponent with a sum above zero": s + (D - j) * s, "from j + 1 on": s + (D - j - 1) * g},
    )
    certify(
        stated(
            "Kaplan and Yorke's dimension",
            reason="a definition: the place where the sum of exponents, drawn as a line between integers, is zero",
            computed=interpolation,
        ),
        uses=("eq-lyapunov",),
    )


# ensembles


def test_eq_ensemble_moments(certify):
    r"""
    \bar{e} = \tfrac{1}{N} E^\top \mathbf{1}, \qquad X = \frac{1}{\sqrt{N-1}} \big( E - \mathbf{1} \bar{e}^\top \big), \qquad P = X^\top X
    """
    mean = E.T @ all_ones / N
    scatter = (E - all_ones @ mean.T).T @ (E - all_ones @ mean.T)
    certify(
        prove_equal(
            scatter / (N - 1),
            (E.T @ E - N * (mean @ mean.T)) / (N - 1),
            mutants={"mean not subtracted": E.T @ E / (N - 1), "divisor": (E.T @ E - N * (mean @ mean.T)) / N},
        ),
        prove_equal(
            (E - all_ones @ mean.T).T @ all_ones,
            zeros(n, 1),
            mutants={"sum of the members": E.T @ all_ones},
        ),
        uses=("eq-sample-variance",),
    )


def test_eq_enkf_update(certify):
    r"""
    \begin{aligned}
    e_i^a &= e_i^b + K \big( y + \varepsilon_i - h(e_i^b) \big), \qquad \varepsilon_i \sim \mathcal{N}(0, R), \\
    K &= X^\top Y \big( Y^\top Y + R \big)^{-1} = P H^\top \big( H P H^\top + R \big)^{-1}
    \end{aligned}
    """
    certify(
        prove_equal(
            X.T @ Y @ (Y.T @ Y + R).inv,
            gain_of(X.T @ X, R),
            assumptions=linear,
            mutants={
                "noise left out of S": X.T @ Y @ (Y.T @ Y + R).inv @ R,
                "noise alone": X.T @ Y @ R.inv,
                "noise twice": gain_of(X.T @ X, 2 * R),
            },
        ),
        uses=("eq-posterior-gain",),
    )


def test_eq_enkf_perturbed(certify):
    r"""
    \begin{aligned}
    \mathbb{E}[e^a] &= \mu^b + K (y - H \mu^b), \\
    \operatorname{cov}(e^a) &= (I - KH) P (I - KH)^\top + K R K^\top = P - K H P
    \end{aligned}
    """
    e, K = vector("e", n), matrix("K", n, k)
    drawn = {e: (mu, P), eps: (zeros(k, 1), R)}
    moved = e + K @ (y + eps - H @ e)
    mean = mu + K @ (y - H @ mu)
    rest = one - K @ H
    best = gain_of(P, R)
    certify(
        prove_equal(expectation(moved, drawn), mean, mutants={"not moved": mu, "other sign": mu - K @ (y - H @ mu)}),
        prove_equal(
            expectation((moved - mean) @ (moved - mean).T, drawn),
            rest @ P @ rest.T + K @ R @ K.T,
            mutants={"no drawn error": rest @ P @ rest.T, "noise subtracted": rest @ P @ rest.T - K @ R @ K.T},
        ),
        prove_equal(
            (one - best @ H) @ P @ (one - best @ H).T + best @ R @ best.T,
            P - best @ H @ P,
            mutants={"no drawn error": (one - best @ H) @ P @ (one - best @ H).T, "added": P + best @ H @ P},
        ),
        uses=("eq-enkf-update", "eq-residual"),
    )


def test_eq_etkf_weights(certify):
    r"""
    w^a = \Omega^{-1} Y R^{-1} d, \qquad \operatorname{cov}(w) = \Omega^{-1}, \qquad \Omega = I_N + Y R^{-1} Y^\top
    """
    cost = half * (w.T @ w) + half * squared(d - Y.T @ w, R)
    posterior = identity(N) - Y @ (Y.T @ Y + R).inv @ Y.T  # eq-posterior-covariance with K = I, L = Y'
    certify(
        prove_gradient(
            cost,
            w,
            Omega @ w - Y @ R.inv @ d,
            mutants={"prior left out": Y @ R.inv @ (Y.T @ w - d), "sign of d": Omega @ w + Y @ R.inv @ d},
        ),
        prove_equal(
            Omega @ posterior, identity(N), mutants={"the prior": Omega, "added": Omega @ (2 * identity(N) - posterior)}
        ),
        uses=("eq-posterior-precision", "eq-posterior-information", "eq-posterior-covariance"),
    )


def test_eq_etkf_cov(certify):
    r"""
    P^a = X^\top \Omega^{-1} X = P - K H P
    """
    certify(
        prove_equal(
            X.T @ Omega.inv @ X,
            X.T @ X - gain_of(X.T @ X, R) @ H @ X.T @ X,
            assumptions=linear,
            mutants={
                "the forecast's": X.T @ X,
                "added": X.T @ X + gain_of(X.T @ X, R) @ H @ X.T @ X,
                "noise alone": X.T @ X - X.T @ X @ H.T @ R.inv @ H @ X.T @ X,
            },
        ),
        uses=("eq-woodbury", "eq-etkf-weights"),
    )


def test_eq_etkf_mean(certify):
    r"""
    \mu^a = \bar{e} + X^\top w^a = \bar{e} + K d
    """
    certify(
        prove_equal(
            ebar + X.T @ Omega.inv @ Y @ R.inv @ d,
            ebar + X.T @ Y @ (Y.T @ Y + R).inv @ d,
            mutants={
                "noise twice": ebar + X.T @ Y @ (Y.T @ Y + 2 * R).inv @ d,
                "noise alone": ebar + X.T @ Y @ R.inv @ d,
                "sign": ebar - X.T @ Y @ (Y.T @ Y + R).inv @ d,
            },
        ),
        uses=("eq-push-through", "eq-etkf-weights"),
    )


def test_eq_etkf_transform(certify):
    r"""
    X^a = T X, \quad T = \Omega^{-1/2} \quad\Longrightarrow\quad (X^a)^\top X^a = P^a, \quad T \mathbf{1} = \mathbf{1}, \quad \mathbf{1}^\top X^a = 0
    """
    T, C, A = matrix("T", N, N, "positive"), matrix("Omega", N, N, "positive"), matrix("Omega", N)
    root = [equal(C, (T @ T).inv)]
    certify(
        prove_equal(
            (T @ X).T @ (T @ X),
            X.T @ C.inv @ X,
            assumptions=root,
            mutants={"no root": X.T @ C.inv @ C.inv @ X, "forecast": X.T @ X},
        ),
        prove_equal(Omega @ all_ones, all_ones, assumptions=centred, mutants={"twice": 2 * all_ones}),
        prove_equal(  # and so for its inverse, which is T²
            A.inv @ all_ones, all_ones, assumptions=[equal(A @ all_ones, all_ones)], mutants={"twice": 2 * all_ones}
        ),
        prove_equal(  # (T + I)(T - I)1 = 0, and T + I is positive definite, hence invertible: T1 = 1
            (T + identity(N)).inv @ (T @ T - identity(N)) @ all_ones,
            T @ all_ones - all_ones,
            mutants={"plus": T @ all_ones + all_ones},
        ),
        prove_equal(
            X.T @ matrix("T", N).T @ all_ones,
            zeros(n, 1),
            assumptions=[equal(matrix("T", N).T @ all_ones, all_ones), *centred],
            mutants={"weighted sum": X.T @ matrix("T", N).T @ w},
        ),
        uses=("eq-etkf-cov",),
    )


def test_eq_etkf_rotation(certify):
    r"""
    \begin{aligned}
    X^a = U T X, \quad U^\top U = I_N, \quad U \mathbf{1} = \mathbf{1} &\ \Longrightarrow\ (X^a)^\top X^a = P^a, \ \ \mathbf{1}^\top X^a = 0, \\
    \Omega = F F^\top &\ \Longrightarrow\ F^{-1} = V \, \Omega^{-1/2}, \ \ V^\top V = I_N
    \end{aligned}
    """
    T, plain, symmetric = matrix("T", N, N, "positive"), matrix("U", N), matrix("T", N, N, "symmetric")
    kept = [equal(plain.T @ all_ones, all_ones), equal(symmetric @ all_ones, all_ones), *centred]
    F, C = matrix("F", N), matrix("Omega", N, N, "positive")
    V = F.inv @ T.inv
    certify(
        prove_equal(
            (U @ T @ X).T @ (U @ T @ X),
            (T @ X).T @ (T @ X),
            mutants={
                "rotated twice on one side": (U @ U @ T @ X).T @ (U @ T @ X),
                "from the right": (T @ U @ X).T @ (T @ U @ X),
            },
        ),
        prove_equal(U.T @ (U @ all_ones), all_ones, mutants={"U twice": U @ (U @ all_ones)}),  # so U'1 = 1 if U1 = 1
        prove_equal(
            (plain @ symmetric @ X).T @ all_ones,
            zeros(n, 1),
            assumptions=kept,
            mutants={"weighted sum": (plain @ symmetric @ X).T @ w},
        ),
        prove_equal(
            V.T @ V,
            T.inv @ C.inv @ T.inv,
            assumptions=[equal(C, F @ F.T)],
            mutants={"T for its inverse": T @ C.inv @ T},
        ),
        prove_equal(
            T.inv @ C.inv @ T.inv,
            identity(N),
            assumptions=[equal(C, (T @ T).inv)],
            mutants={"T once": C.inv @ T.inv},
        ),
        uses=("eq-etkf-transform",),
    )


def test_eq_ensemble_evidence(certify):
    r"""
    \begin{aligned}
    \log p(y) &= -\tfrac{1}{2} \big( k \log 2\pi + \log\det S + d^\top S^{-1} d \big), \\
    \log\det S &= \log\det R + \log\det \Omega, \qquad d^\top S^{-1} d = d^\top R^{-1} d - (w^a)^\top \Omega \, w^a
    \end{aligned}
    """
    S, wa = Y.T @ Y + R, Omega.inv @ Y @ R.inv @ d
    constant = k * log(2 * pi)
    quadratic = d.T @ R.inv @ d - wa.T @ Omega @ wa
    certify(
        prove_equal(
            logdet(S),
            logdet(R) + logdet(Omega),
            mutants={"R left out": logdet(Omega), "minus": logdet(R) - logdet(Omega)},
        ),
        prove_equal(
            squared(d, S),
            quadratic,
            mutants={"R alone": d.T @ R.inv @ d, "without Ω": d.T @ R.inv @ d - wa.T @ wa},
        ),
        prove_equal(
            -half * (constant + logdet(S) + squared(d, S)),
            -half * (constant + logdet(R) + logdet(Omega) + quadratic),
            mutants={"plus": half * (constant + logdet(R) + logdet(Omega) + quadratic)},
        ),
        uses=("eq-gaussian-density", "eq-determinant-lemma", "eq-woodbury", "eq-etkf-weights"),
    )


# what a small ensemble gets wrong


def test_eq_sampling_error(certify):
    r"""
    \operatorname{var}(P_{ij}) = \frac{\Pi_{ii} \Pi_{jj} + \Pi_{ij}^2}{N - 1}, \qquad
    \Pi_{ij} = 0 \ \Longrightarrow\ \mathbb{E}\Big[ \frac{P_{ij}^2}{P_{ii} P_{jj}} \Big] = \frac{1}{N - 1}
    """
    m = sizes("m")  # N - 1
    a, i, j = vector("a", n), vector("i", n), vector("j", n)  # i and j pick components
    Pi = matrix("Pi", n, n, "symmetric")
    drawn = {a: (zeros(n, 1), Pi)}
    product = (i.T @ a) * (j.T @ a)
    cov = i.T @ Pi @ j
    u = vector("u", m)
    isotropic = {u: (zeros(m, 1), identity(m) / m)}  # of a unit vector: all components alike
    certify(
        prove_equal(expectation(product, drawn), cov, mutants={"variance": i.T @ Pi @ i}),
        prove_equal(
            expectation((product - cov) ** 2, drawn),
            (i.T @ Pi @ i) * (j.T @ Pi @ j) + cov * cov,
            mutants={
                "product of the variances alone": (i.T @ Pi @ i) * (j.T @ Pi @ j),
                "the square twice": (i.T @ Pi @ i) * (j.T @ Pi @ j) + 2 * cov * cov,
            },
        ),
        prove_equal(expectation(u.T @ u, isotropic), 1 * (m / m), mutants={"not of unit length": m * (m / m)}),
        prove_equal(
            expectation((vector("v", m).T @ u) ** 2, isotropic),
            (vector("v", m).T @ vector("v", m)) / m,
            mutants={"one over the root": (vector("v", m).T @ vector("v", m)) / (m * m)},
        ),
        uses=("eq-variance-of-mean", "eq-ensemble-moments"),
    )


def test_eq_inbreeding(certify):
    r"""
    \frac{d^2}{dp^2} \, \frac{p \, r}{p + r} = - \frac{2 r^2}{(p + r)^3} < 0 \quad\Longrightarrow\quad
    \mathbb{E}\Big[ \frac{P \, r}{P + r} \Big] \le \frac{p \, r}{p + r} \quad\text{if } \mathbb{E}[P] = p
    """
    p, r = scalar("p"), scalar("r")
    nowhere = [nonzero(p + r)]
    slope = r * r / ((p + r) * (p + r))
    certify(
        prove_gradient(p * r / (p + r), p, slope, assumptions=nowhere, mutants={"r missing": r / ((p + r) * (p + r))}),
        prove_gradient(
            slope,
            p,
            -2 * r * r / ((p + r) * (p + r) * (p + r)),
            assumptions=nowhere,
            mutants={
                "convex": 2 * r * r / ((p + r) * (p + r) * (p + r)),
                "no 2": -(r * r) / ((p + r) * (p + r) * (p + r)),
            },
        ),
        uses=("eq-jensen",),
    )


def test_eq_inflation(certify):
    r"""
    X^b \leftarrow \lambda X^b, \qquad P^b \leftarrow \lambda^2 P^b, \qquad \lambda \ge 1
    """
    certify(
        prove_equal(
            (lam * X).T @ (lam * X),
            lam * lam * (X.T @ X),
            mutants={"not squared": lam * (X.T @ X), "unchanged": X.T @ X},
        ),
        uses=("eq-ensemble-moments",),
    )


def test_eq_rtps(certify):
    r"""
    X^a_{:j} \leftarrow X^a_{:j} \Big( 1 + \alpha \, \frac{\sigma^b_j - \sigma^a_j}{\sigma^a_j} \Big) \quad\Longrightarrow\quad
    \sigma^a_j \leftarrow (1 - \alpha) \, \sigma^a_j + \alpha \, \sigma^b_j
    """
    sigma_a, sigma_b, column = scalar("sigma_a"), scalar("sigma_b"), vector("X_j", N)
    factor = 1 + alpha * (sigma_b - sigma_a) / sigma_a
    relaxed = (1 - alpha) * sigma_a + alpha * sigma_b
    certify(
        prove_equal(
            (factor * column).T @ (factor * column),
            relaxed * relaxed,
            assumptions=[equal(column.T @ column, sigma_a * sigma_a), nonzero(sigma_a)],
            mutants={
                "shares exchanged": (alpha * sigma_a + (1 - alpha) * sigma_b) ** 2,
                "variances mixed": (1 - alpha) * sigma_a * sigma_a + alpha * sigma_b * sigma_b,
            },
        )
    )


def test_eq_finite_size(certify):
    r"""
    \begin{aligned}
    \mathcal{J}(w) &= \tfrac{1}{2} (d - Y^\top w)^\top R^{-1} (d - Y^\top w) + \tfrac{N + 1}{2} \log\Big( 1 + \frac{\lVert w \rVert^2}{N + 1} \Big), \\
    \nabla \mathcal{J}(w) &= \frac{w}{\lambda^2} - Y R^{-1} (d - Y^\top w), \qquad
    \lambda^2 = 1 + \frac{\lVert w \rVert^2}{N + 1}
    \end{aligned}
    """
    inside = 1 + (w.T @ w) / (N + 1)
    cost = half * squared(d - Y.T @ w, R) + half * (N + 1) * log(inside)
    pull = Y @ R.inv @ (d - Y.T @ w)
    wa, factor = vector("w_a", N), scalar("lambda")
    stationary = [equal(wa / (factor * factor), Y @ R.inv @ (d - Y.T @ wa)), nonzero(factor)]
    inflated = factor * Y
    certify(
        prove_gradient(
            cost,
            w,
            w / inside - pull,
            mutants={
                "inflation turned over": inside * w - pull,
                "no inflation": w - pull,
                "sign of the data": w / inside + pull,
            },
        ),
        prove_equal(  # where the gradient is zero, w/λ has no gradient in the cost of the inflated ensemble
            wa / factor,
            inflated @ R.inv @ (d - inflated.T @ (wa / factor)),
            assumptions=stationary,
            mutants={"w for w/λ": inflated @ R.inv @ (d - inflated.T @ wa)},
        ),
        uses=("eq-etkf-weights",),
    )


def taper(z):
    """The two pieces of the taper."""
    return (
        1 - Rational(5, 3) * z**2 + Rational(5, 8) * z**3 + z**4 / 2 - z**5 / 4,
        4 - 5 * z + Rational(5, 3) * z**2 + Rational(5, 8) * z**3 - z**4 / 2 + z**5 / 12 - Rational(2, 3) / z,
    )


def test_eq_gaspari_cohn(certify):
    r"""
    \rho(z) = \begin{cases}
    1 - \tfrac{5}{3} z^2 + \tfrac{5}{8} z^3 + \tfrac{1}{2} z^4 - \tfrac{1}{4} z^5, & 0 \le z \le 1, \\
    4 - 5 z + \tfrac{5}{3} z^2 + \tfrac{5}{8} z^3 - \tfrac{1}{2} z^4 + \tfrac{1}{12} z^5 - \tfrac{2}{3 z}, & 1 \le z \le 2, \\
    0, & 2 \le z
    \end{cases}
    """
    r, s, u = symbols("r s u", positive=True)
    hat = Rational(1, 2)

    def shell(low, high):  # of the cone 1 - 2u
        return sympy.integrate(u * (1 - 2 * u), (u, low, high))

    def convolved(*pieces):
        return 2 * pi / r * sum(sympy.integrate(s * (1 - 2 * s) * inner, (s, low, high)) for low, high, inner in pieces)

    near = convolved(  # r < 1/4
        (0, r, shell(r - s, r + s)), (r, hat - r, shell(s - r, r + s)), (hat - r, hat, shell(s - r, hat))
    )
    middle = convolved((0, hat - r, shell(r - s, r + s)), (hat - r, r, shell(r - s, hat)), (r, hat, shell(s - r, hat)))
    far = convolved((r - hat, hat, shell(r - s, hat)))
    at_zero = 4 * pi * sympy.integrate(s**2 * (1 - 2 * s) ** 2, (s, 0, hat))
    inner, outer = taper(2 * r)
    z = symbols("z", positive=True)
    first, second = taper(z)
    contact = (z - 1) ** 5 * (z + 2) / (3 * z)
    end = (z - 2) ** 4 * (2 * z**2 + 4 * z - 1) / (24 * z)
    certify(
        prove_zero(near - at_zero * inner, mutants={"the outer piece": near - at_zero * outer}),
        prove_zero(middle - at_zero * inner, mutants={"the outer piece": middle - at_zero * outer}),
        prove_zero(far - at_zero * outer, mutants={"the inner piece": far - at_zero * inner}),
        prove_zero(first - second + contact, mutants={"the other sign": first - second - contact}),
        prove_zero(second - end, mutants={"the inner piece": first - end}),
    )


def test_eq_letkf(certify):
    r"""
    \begin{aligned}
    \Omega_j = I_N + Y R_j^{-1} Y^\top, \qquad R_j^{-1} &= R^{-1/2} \operatorname{diag}\big( \rho(z_{j1}), \ldots, \rho(z_{jk}) \big) R^{-1/2}, \\
    E^a_{:j} &= \mathbf{1} \big( \bar{e}_j + X_{:j}^\top w_j \big) + \sqrt{N - 1} \; \Omega_j^{-1/2} X_{:j}
    \end{aligned}
    """
    D, root = matrix("D", k, k, "diagonal"), matrix("R_h", k, k, "positive")
    T, pick = matrix("T", N, N, "symmetric"), vector("j", n)
    scale = sqrt(scalar("c"))  # the root of N - 1
    whole = all_ones @ (ebar + X.T @ w).T + scale * (T @ X)
    local = all_ones @ (pick.T @ ebar + (X @ pick).T @ w) + scale * (T @ (X @ pick))
    certify(
        prove_equal(
            whole @ pick,
            local,
            mutants={
                "mean left out": scale * (T @ (X @ pick)),
                "weights left out": local - all_ones @ ((X @ pick).T @ w),
            },
        ),
        prove_equal(  # with the taper one everywhere it is the global filter
            Y @ (root.inv @ D @ root.inv) @ Y.T + identity(N),
            Omega,
            assumptions=[equal(D, identity(k)), equal(R, root @ root)],
            mutants={"precision not tapered on both sides": Y @ (root.inv @ D) @ Y.T + identity(N)},
        ),
        uses=("eq-etkf-weights", "eq-etkf-transform", "eq-etkf-mean"),
    )


# particles


def test_eq_particle_weights(certify):
    r"""
    \omega_t^i = \frac{\omega_{t-1}^i \, p(y_t \mid e_t^i)}{\sum_{j=1}^N \omega_{t-1}^j \, p(y_t \mid e_t^j)}
    """
    i, j, count = symbols("i j N", integer=True, positive=True)
    before, likelihood = IndexedBase("omega", positive=True), IndexedBase("p", positive=True)
    evidence = Sum(before[j] * likelihood[j], (j, 1, count))
    bayes = prove_zero(
        Sum(before[i] * likelihood[i] / evidence, (i, 1, count)) - 1,
        mutants={"not normalised": Sum(before[i] * likelihood[i], (i, 1, count)) - 1},
    )
    certify(bayes, uses=("eq-bayes",))


def test_eq_effective_size(certify):
    r"""
    N_{\text{eff}} = \frac{1}{\sum_{i=1}^N (\omega^i)^2} = \frac{N}{1 + N^2 \operatorname{var}(\omega)}, \qquad 1 \le N_{\text{eff}} \le N
    """
    i, count = symbols("i N", integer=True, positive=True)
    weight = IndexedBase("omega", positive=True)
    squares = Sum(weight[i] ** 2, (i, 1, count))
    variance = Sum((weight[i] - 1 / count) ** 2, (i, 1, count)) / count
    unit = [Eq(Sum(weight[i], (i, 1, count)), 1)]
    certify(
        prove_zero(
            squares - (1 + count**2 * variance) / count,
            assumptions=unit,
            mutants={
                "N for its square": squares - (1 + count * variance) / count,
                "equal weights": squares - 1 / count,
            },
        ),
        prove_zero(  # so 1/N_eff - 1/N is a sum of squares, N_eff <= N; and 1 - 1/N_eff is a sum of ω(1 - ω)
            1 - squares - Sum(weight[i] * (1 - weight[i]), (i, 1, count)),
            assumptions=unit,
            mutants={"without the weight": 1 - squares - Sum(1 - weight[i], (i, 1, count))},
        ),
    )


def test_eq_weight_collapse(certify):
    r"""
    \begin{aligned}
    \frac{\mathbb{E}[g]^2}{\mathbb{E}[g^2]} &= \frac{\sqrt{r (r + 2p)}}{r + p} \, \exp\Big( - \frac{p \, y^2}{(r + p)(r + 2p)} \Big), \\
    g(x) &= e^{-(y - x)^2/(2r)}, \qquad x \sim \mathcal{N}(0, p)
    \end{aligned}
    """
    z, seen = symbols("z y", real=True)
    p, r = symbols("p r", positive=True)
    density = sympy.exp(-(z**2) / (2 * p)) / sympy.sqrt(2 * pi * p)

    def moment(power):
        return Integral(density * sympy.exp(-power * (seen - z) ** 2 / (2 * r)), (z, -oo, oo))

    def first(spread=p + r):
        return sympy.sqrt(r / (p + r)) * sympy.exp(-(seen**2) / (2 * spread))

    def second(spread=r + 2 * p):
        return sympy.sqrt(r / (r + 2 * p)) * sympy.exp(-(seen**2) / spread)

    ratio = sympy.sqrt(r * (r + 2 * p)) / (r + p) * sympy.exp(-p * seen**2 / ((r + p) * (r + 2 * p)))
    certify(
        prove_zero(moment(1) - first(), mutants={"noise alone": moment(1) - first(r)}),
        prove_zero(moment(2) - second(), mutants={"p once": moment(2) - second(r + p)}),
        prove_zero(
            sympy.log(first() ** 2) - sympy.log(second()) - sympy.log(ratio),
            mutants={
                "without the exponential": sympy.log(first() ** 2)
                - sympy.log(second())
                - sympy.log(ratio.subs(seen, 0))
            },
        ),
    )


# one cost


def analysis(P):
    S = H @ P @ H.T + R
    K = P @ H.T @ S.inv
    return S, K, P - K @ H @ P


def test_eq_3dvar(certify):
    r"""
    \mathcal{J}(x) = \tfrac{1}{2} \lVert x - \mu^b \rVert_B^2 + \tfrac{1}{2} \lVert y - h(x) \rVert_R^2
    """
    S, K, _ = analysis(B)
    precision = B.inv + H.T @ R.inv @ H
    best = mu + K @ (y - H @ mu)
    cost = half * squared(x - mu, B) + half * squared(y - H @ x, R)
    square = prove_equal(
        cost,
        half * ((x - best).T @ precision @ (x - best)) + half * squared(y - H @ mu, S),
        mutants={
            "background for its minimum": half * ((x - mu).T @ precision @ (x - mu)) + half * squared(y - H @ mu, S),
            "noise for S": half * ((x - best).T @ precision @ (x - best)) + half * squared(y - H @ mu, R),
        },
    )
    certify(
        stated(
            "the cost of 3D-Var",
            reason="a definition; for a linear h it is proved that its minimum is the Kalman analysis with P = B",
            computed=square,
        ),
        uses=("eq-posterior-mean", "eq-posterior-precision"),
    )


def test_eq_4dvar_strong(certify):
    r"""
    \begin{aligned}
    \mathcal{J}(x_0) &= \tfrac{1}{2} \lVert x_0 - \mu_0 \rVert_{P_0}^2 + \tfrac{1}{2} \sum_{t=1}^L \lVert y_t - h(x_t) \rVert_R^2, \qquad x_t = f(x_{t-1}), \\
    \nabla \mathcal{J}(x_0) &= P_0^{-1} (x_0 - \mu_0) - \sum_{t=1}^L M_1^\top \cdots M_t^\top H_t^\top R^{-1} \big( y_t - h(x_t) \big)
    \end{aligned}
    """
    before, M1, M2 = matrix("M_{t-1}...M_1", n), matrix("M_1", n), matrix("M_2", n)
    H1, H2 = matrix("H_1", k, n), matrix("H_2", k, n)
    y1, y2 = vector("y_1", k), vector("y_2", k)
    d1, d2 = y1 - H1 @ M1 @ x, y2 - H2 @ M2 @ M1 @ x

    def gradient(first, second):
        return P.inv @ (x - mu) - first @ R.inv @ d1 - second @ R.inv @ d2

    def late(back):  # of one observation, after any number of cycles
        return -(back @ H.T @ R.inv @ (y - H @ M @ before @ x))

    two_cycles = prove_gradient(
        half * squared(x - mu, P) + half * squared(d1, R) + half * squared(d2, R),
        x,
        gradient(M1.T @ H1.T, M1.T @ M2.T @ H2.T),
        mutants={
            "one cycle for all": gradient(M1.T @ H1.T, M1.T @ H2.T),
            "order of the tangents": gradient(M1.T @ H1.T, M2.T @ M1.T @ H2.T),
            "sign": gradient(-(M1.T @ H1.T), -(M1.T @ M2.T @ H2.T)),
        },
    )
    one_more = prove_gradient(  # the step from t - 1 cycles to t: the last transpose comes last
        half * squared(y - H @ M @ before @ x, R),
        x,
        late(before.T @ M.T),
        mutants={"the last tangent first": late(M.T @ before.T), "its transpose left out": late(before.T)},
    )
    parts = [replace(part, scope="all sizes; linear model and observation") for part in (two_cycles, one_more)]
    certify(*parts, uses=("eq-chain-rule",))


def test_eq_4dvar_weak(certify):
    r"""
    \begin{aligned}
    2 \mathcal{J}(x_0, \ldots, x_L) &= \lVert x_0 - \mu_0 \rVert_{P_0}^2 + \sum_{t=1}^L \Big( \lVert x_t - f(x_{t-1}) \rVert_Q^2 + \lVert y_t - h(x_t) \rVert_R^2 \Big), \\
    \nabla_{x_t} \mathcal{J} &= Q^{-1} \big( x_t - f(x_{t-1}) \big) - M_{t+1}^\top Q^{-1} \big( x_{t+1} - f(x_t) \big) \\
    &\quad - H_t^\top R^{-1} \big( y_t - h(x_t) \big), \qquad 0 < t < L
    \end{aligned}
    """
    behind, ahead, M2 = vector("x_{t-1}", n), vector("x_{t+1}", n), matrix("M_{t+1}", n)

    def gradient(first=1, second=1, third=1):
        return (
            first * (Q.inv @ (x - M @ behind))
            - second * (M2.T @ Q.inv @ (ahead - M2 @ x))
            - third * (H.T @ R.inv @ (y - H @ x))
        )

    certify(
        prove_gradient(
            half * squared(x - M @ behind, Q) + half * squared(ahead - M2 @ x, Q) + half * squared(y - H @ x, R),
            x,
            gradient(),
            mutants={
                "future ignored": gradient(second=0),
                "sign of the future": gradient(second=-1),
                "sign of the observation": gradient(third=-1),
            },
        ),
        uses=("eq-chain-rule", "eq-gaussian-density"),
    )


def test_eq_4dvar_smoother(certify):
    r"""
    \begin{aligned}
    \lVert x_{t-1} - \mu_{t-1}^a \rVert_{P_{t-1}^a}^2 + \lVert x_t - M x_{t-1} \rVert_Q^2 = \lVert x_t - \mu_t^b \rVert_{P_t^b}^2 &+ \lVert r_{t-1} \rVert_{C_{t-1}}^2, \\
    r_{t-1} = x_{t-1} - \mu_{t-1}^a - G_{t-1} (x_t &- \mu_t^b), \\
    \lVert x_t - \mu_t^b \rVert_{P_t^b}^2 + \lVert y_t - H x_t \rVert_R^2 = \lVert x_t - \mu_t^a \rVert_{P_t^a}^2 &+ \lVert d_t \rVert_{S_t}^2
    \end{aligned}
    """
    behind, mean = vector("x_{t-1}", n), vector("mu_{t-1}", n)
    ahead = M @ P @ M.T + Q
    G = P @ M.T @ ahead.inv
    C = P - G @ ahead @ G.T
    departure = behind - mean - G @ (x - M @ mean)
    S, K, Pa = analysis(P)
    best = mu + K @ (y - H @ mu)
    certify(
        prove_equal(C @ (P.inv + M.T @ Q.inv @ M), one, mutants={"prior": P @ (P.inv + M.T @ Q.inv @ M)}),
        prove_equal(
            squared(behind - mean, P) + squared(x - M @ behind, Q),
            squared(x - M @ mean, ahead) + departure.T @ (P.inv + M.T @ Q.inv @ M) @ departure,
            mutants={
                "future ignored": squared(x - M @ mean, ahead)
                + (behind - mean).T @ (P.inv + M.T @ Q.inv @ M) @ (behind - mean),
                "Q for the forecast's covariance": squared(x - M @ mean, Q)
                + departure.T @ (P.inv + M.T @ Q.inv @ M) @ departure,
            },
        ),
        prove_equal(Pa @ (P.inv + H.T @ R.inv @ H), one, mutants={"prior": P @ (P.inv + H.T @ R.inv @ H)}),
        prove_equal(
            squared(x - mu, P) + squared(y - H @ x, R),
            (x - best).T @ (P.inv + H.T @ R.inv @ H) @ (x - best) + squared(y - H @ mu, S),
            mutants={
                "innovation in units of the noise": (x - best).T @ (P.inv + H.T @ R.inv @ H) @ (x - best)
                + squared(y - H @ mu, R),
            },
        ),
        uses=("eq-joint-inverse",),
    )


def test_eq_gauss_newton(certify):
    r"""
    \begin{aligned}
    x^{j+1} &= x^j - \big( B^{-1} + H_j^\top R^{-1} H_j \big)^{-1} \nabla \mathcal{J}(x^j) \\
    &= \mu^b + B H_j^\top \big( H_j B H_j^\top + R \big)^{-1} \big( y - h(x^j) + H_j (x^j - \mu^b) \big)
    \end{aligned}
    """
    seen = vector("h", k)  # h(x^j)
    gradient = B.inv @ (x - mu) - H.T @ R.inv @ (y - seen)

    def moved(back):
        return mu + gain_of(B, R) @ (y - seen + back)

    certify(
        prove_equal(
            x - (B.inv + H.T @ R.inv @ H).inv @ gradient,
            moved(H @ (x - mu)),
            mutants={"not moved back": moved(zeros(k, 1)), "moved the other way": moved(-(H @ (x - mu)))},
        ),
        prove_gradient(  # for a linear h the gradient that is used
            half * squared(x - mu, B) + half * squared(y - H @ x, R),
            x,
            B.inv @ (x - mu) - H.T @ R.inv @ (y - H @ x),
            mutants={"sign": B.inv @ (x - mu) + H.T @ R.inv @ (y - H @ x)},
        ),
        uses=("eq-3dvar", "eq-posterior-gain"),
    )


c = vector("c", k)  # what is seen of the mean


def window_gradient(w, sign=1):
    """The gradient in w of a cost whose observations are seen as c + Yᵀ w.

    All observations of a window stand in one vector y, with the sensitivities side by side in Y = (Y₁, ..., Y_L) and the
    blocks R on the diagonal of one R: the sums over t are products of these. So k stands for kL.
    """
    return w - sign * (Y @ R.inv @ (y - c - Y.T @ w))


def test_eq_ienks_cost(certify):
    r"""
    \mathcal{J}(w) = \tfrac{1}{2} \lVert w \rVert^2 + \tfrac{1}{2} \sum_{t=1}^L \lVert y_t - h_t(w) \rVert_R^2, \qquad h_t(w) = h\big( f^t( \bar{e}_0 + X_0^\top w ) \big)
    """
    G = matrix("G", k, n)  # of a linear window: all that is seen of x_0, G = (H M; H M²; ...)
    start = ebar + X.T @ w
    linear_window = [equal(c, G @ ebar), equal(Y, X @ G.T)]
    cost = half * (w.T @ w) + half * squared(y - c - Y.T @ w, R)
    of_linear_window = prove_gradient(
        cost,
        w,
        window_gradient(w),
        mutants={"sign of the departures": window_gradient(w, -1), "no prior": window_gradient(w) - w},
    )
    certify(
        stated(
            "the cost of a window in the weights of the members",
            reason="a definition; of a linear model the gradient is proved",
            computed=of_linear_window,
        ),
        prove_equal(
            half * (w.T @ w) + half * squared(y - G @ start, R),
            cost,
            assumptions=linear_window,
            mutants={"prior left out": half * squared(y - c - Y.T @ w, R)},
        ),
        uses=("eq-4dvar-strong", "eq-etkf-weights"),
    )


def test_eq_ienks_step(certify):
    r"""
    w^{j+1} = w^j - \Big( I_N + \sum_{t=1}^L Y_t R^{-1} Y_t^\top \Big)^{-1} \Big( w^j - \sum_{t=1}^L Y_t R^{-1} \big( y_t - h_t(w^j) \big) \Big)
    """
    best = Omega.inv @ Y @ R.inv @ (y - c)
    certify(
        prove_equal(  # in a linear window one step from anywhere is the minimum
            w - Omega.inv @ window_gradient(w),
            best,
            mutants={
                "prior left out": w - Omega.inv @ (window_gradient(w) - w),
                "uphill": w + Omega.inv @ window_gradient(w),
                "half a step": w - half * (Omega.inv @ window_gradient(w)),
            },
        ),
        prove_equal(
            window_gradient(best),
            zeros(N, 1),
            mutants={"of twice the weights": window_gradient(2 * best)},
        ),
        uses=("eq-ienks-cost", "eq-gauss-newton"),
    )


# scores


def test_eq_crps(certify):
    r"""
    \operatorname{crps}(\Psi, x) = \int \big( \Psi(z) - \mathbf{1}\{x \le z\} \big)^2 dz = \mathbb{E} \lvert \xi - x \rvert - \tfrac{1}{2} \, \mathbb{E} \lvert \xi - \xi' \rvert
    """
    F = scalar("Psi")  # at one z: the forecast's distribution function
    pairs = 2 * F - 2 * F * F
    certify(
        *[
            prove_equal(
                (F - step) * (F - step),
                (F + step - 2 * step * F) - half * pairs,
                mutants={
                    "no half": (F + step - 2 * step * F) - pairs,
                    "added": (F + step - 2 * step * F) + half * pairs,
                },
            )
            for step in (0, 1)  # before and after what came
        ]
    )


def test_eq_crps_gaussian(certify):
    r"""
    \operatorname{crps}\big( \mathcal{N}(\mu, \sigma^2), x \big) = \sigma \Big( z \big( 2 \Phi(z) - 1 \big) + 2 \varphi(z) - \frac{1}{\sqrt{\pi}} \Big), \qquad z = \frac{x - \mu}{\sigma}
    """
    z = symbols("z", real=True)
    phi = sympy.exp(-(z**2) / 2) / sympy.sqrt(2 * pi)
    Phi = symbols("Phi", real=True)  # at one z; its derivative is φ

    def rate(function):
        return Derivative(function, z)

    certify(
        prove_zero(  # z(2Φ - 1) + 2φ grows at the rate 2Φ - 1, as E|ξ - z| does: the rest of the product rule
            2 * z * phi + rate(2 * phi), mutants={"φ once": 2 * z * phi + rate(phi)}
        ),
        prove_zero(  # at z = 0: E|ξ| = 2φ(0), as -φ is an antiderivative of zφ
            rate(-phi) - z * phi, mutants={"plus": rate(phi) - z * phi}
        ),
        prove_zero(  # E|ξ - ξ'| is the mean of E|ξ - z|: by parts, with -φ(2Φ - 1), four times the integral of φ²
            -rate(phi) * (2 * Phi - 1) - z * phi * (2 * Phi - 1),
            mutants={"other sign": rate(phi) * (2 * Phi - 1) - z * phi * (2 * Phi - 1)},
        ),
        prove_zero(
            4 * Integral(phi**2, (z, -oo, oo)) - 2 / sympy.sqrt(pi),
            mutants={"variance one": 4 * Integral(phi**2, (z, -oo, oo)) - sympy.sqrt(2 / pi)},
        ),
        uses=("eq-crps", "product rule"),
    )


def test_eq_rank_histogram(certify):
    r"""
    P(\text{exactly } r \text{ members are below the truth}) = \frac{N!}{(N + 1)!} = \frac{1}{N + 1}
    """
    count, r = symbols("N r", integer=True, positive=True)
    orders = scalar("N!")
    certify(
        prove_equal(
            orders / ((N + 1) * orders),
            1 / (N + 1),
            assumptions=[nonzero(orders)],
            mutants={"as many places as members": 1 / (N * 1)},
        ),
        prove_zero(
            Sum(1 / (count + 1), (r, 0, count)) - 1,
            mutants={"as many places as members": Sum(1 / count, (r, 0, count)) - 1},
        ),
    )
