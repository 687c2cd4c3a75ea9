"""The labelled equations of the chapter on state estimation, one function each.

Of one cycle all that matters is in a few independent vectors: the error e of the state before the observation, the
noise η of the model and ε of the observation. Means and covariances are expectations over them.
"""

from fractions import Fraction

import sympy
from sympy import Eq, IndexedBase, Integral, Sum, oo, sqrt, symbols

from mlpc.verify import (
    block,
    expectation,
    identity,
    log,
    logdet,
    matrix,
    prove_equal,
    prove_gradient,
    prove_jacobian,
    prove_zero,
    scalar,
    sizes,
    stated,
    together,
    trace,
    vector,
    zeros,
)

n, k, T = sizes("n k T")
half, one = Fraction(1, 2), identity(n)
x, mu, e, eta = vector("x", n), vector("mu", n), vector("e", n), vector("eta", n)
y, eps, eps_next = vector("y", k), vector("epsilon", k), vector("epsilon'", k)
M, H = matrix("M", n), matrix("H", k, n)
P, R = matrix("P", n, n, "positive"), matrix("R", k, k, "positive")
P0, Q0, R0 = matrix("P", n, n, "symmetric"), matrix("Q", n, n, "symmetric"), matrix("R", k, k, "symmetric")
SEEN = {e: (zeros(n, 1), P0), eps: (zeros(k, 1), R0)}  # laws of what is random: before and at an observation,
MOVED = {e: (zeros(n, 1), P0), eta: (zeros(n, 1), Q0)}  # in a step of the model,
BOTH = {**SEEN, **MOVED, eps_next: (zeros(k, 1), R0)}  # and from one observation to the next


def gain_of(P, R=R):
    return P @ H.T @ (H @ P @ H.T + R).inv


def analysis_of(P, R=R):
    return P - gain_of(P, R) @ H @ P


def cov(left, right=None, law=SEEN):
    """E[left rightᵀ] of vectors without mean."""
    return expectation(left @ (left if right is None else right).T, law)


# the models


def test_eq_state_model(certify):
    r"""
    x_t = f(x_{t-1}) + \eta_t, \qquad \eta_t \sim \mathcal{N}(0, Q), \qquad x_0 \sim \mathcal{N}(\mu_0^a, P_0^a)
    """
    image = M @ x  # for a linear f: what the model says of x_t, given x_{t-1}
    given = together(
        prove_equal(
            expectation(image + eta, {eta: (zeros(n, 1), Q0)}), image, mutants={"the noise has a mean": image + eta}
        ),
        prove_equal(
            expectation((image + eta - image) @ (image + eta - image).T, {eta: (zeros(n, 1), Q0)}),
            Q0,
            mutants={"twice": 2 * Q0},
        ),
    )
    certify(
        stated(
            r"x_t = f(x_{t-1}) + \eta_t",
            reason="the model, an assumption; mean and covariance of a step, given the state before, are proved",
            computed=given,
        )
    )


def test_eq_observation_model(certify):
    r"""
    y_t = h(x_t) + \varepsilon_t, \qquad \varepsilon_t \sim \mathcal{N}(0, R)
    """
    seen, law = H @ x + eps, {eps: (zeros(k, 1), R0)}
    given = together(
        prove_equal(expectation(seen, law), H @ x, mutants={"the noise has a mean": H @ x + eps}),
        prove_equal(expectation((seen - H @ x) @ (seen - H @ x).T, law), R0, mutants={"twice": 2 * R0}),
    )
    certify(
        stated(
            r"y_t = h(x_t) + \varepsilon_t",
            reason="the model, an assumption; mean and covariance of what is seen, given the state, are proved",
            computed=given,
        ),
        uses=("eq-linear-observation",),
    )


def test_eq_linear2d(certify):
    r"""
    x_t = M x_{t-1} + \eta_t, \qquad y_t = x_t + \varepsilon_t, \qquad
    M = \begin{pmatrix} \cos\theta & \sin\theta \\ -\sin\theta & \cos\theta \end{pmatrix}, \qquad \theta = \frac{\pi}{100}
    """
    angle = sympy.Symbol("theta", real=True)
    turn = sympy.Matrix([[sympy.cos(angle), sympy.sin(angle)], [-sympy.sin(angle), sympy.cos(angle)]])
    product = turn * turn.T
    rotation = together(
        prove_zero(Eq(product[0, 0], 1, evaluate=False), mutants={"twice": product[0, 0] - 2}),
        prove_zero(Eq(turn.det(), 1, evaluate=False), mutants={"a reflection": turn.det() + 1}),
    )
    certify(
        stated(
            "a rotation in the plane, with noise",
            reason="the course's example, a definition; that M keeps all lengths is proved",
            computed=rotation,
        ),
        uses=("eq-state-model", "eq-observation-model"),
        slide=True,
    )


def test_eq_filtering(certify):
    r"""
    \begin{aligned}
    q_t^b(x_t) &= \int p(x_t \mid x_{t-1}) \, q_{t-1}^a(x_{t-1}) \, dx_{t-1} \\
    q_t^a(x_t) &= \frac{p(y_t \mid x_t) \, q_t^b(x_t)}{\int p(y_t \mid x) \, q_t^b(x) \, dx}
    \end{aligned}
    """
    # A state with K values: a[j] after the last observation, f[i, j] the model, g[i] the probability of what is seen.
    K, i, j, l = symbols("K i j l", integer=True, positive=True)  # noqa: E741
    a, f, g = (IndexedBase(name, positive=True) for name in "afg")

    def over(term, letter):
        return Sum(term, (letter, 1, K))

    forecast = over(f[i, j] * a[j], j)
    of_pairs = over(g[i] * f[i, j] * a[j], j) / over(over(g[l] * f[l, j] * a[j], j), l)
    update = g[i] * forecast / over(g[l] * over(f[l, j] * a[j], j), l)
    certify(
        prove_zero(
            Eq(over(forecast, i), 1, evaluate=False),
            assumptions=[Eq(over(a[j], j), 1), Eq(over(f[i, j], i), 1)],
            mutants={"unweighted": over(over(f[i, j], j), i) - 1},
        ),
        prove_zero(
            Eq(of_pairs, update, evaluate=False),
            mutants={
                "not normalised": of_pairs - g[i] * forecast,
                "the observation not used": of_pairs - forecast / over(over(f[l, j] * a[j], j), l),
                "the model not used": of_pairs - g[i] * a[i] / over(g[l] * a[l], l),
            },
        ),
        uses=("eq-marginal-density", "eq-conditional-density", "eq-bayes", "eq-state-model", "eq-observation-model"),
    )


# Kalman's filter


def test_eq_kf_forecast(certify):
    r"""
    \mu_t^b = M \mu_{t-1}^a, \qquad P_t^b = M P_{t-1}^a M^\top + Q
    """
    certify(
        prove_equal(expectation(M @ (mu + e) + eta, MOVED), M @ mu, mutants={"not moved": mu, "back": M.T @ mu}),
        prove_equal(
            cov(M @ e + eta, law=MOVED),
            M @ P0 @ M.T + Q0,
            mutants={
                "noise left out": M @ P0 @ M.T,
                "transposed": M.T @ P0 @ M + Q0,
                "noise moved, too": M @ (P0 + Q0) @ M.T,
            },
        ),
        uses=("eq-gaussian-affine", "eq-state-model"),
    )


def test_eq_kf_innovation(certify):
    r"""
    d_t = y_t - H \mu_t^b, \qquad S_t = H P_t^b H^\top + R = \operatorname{cov}(d_t)
    """
    d = H @ (mu + e) + eps - H @ mu
    certify(
        prove_equal(expectation(d, SEEN), zeros(k, 1), mutants={"it has a mean": H @ mu}),
        prove_equal(
            cov(d),
            H @ P0 @ H.T + R0,
            mutants={"noise alone": R0, "noise left out": H @ P0 @ H.T, "minus": R0 - H @ P0 @ H.T},
        ),
        uses=("eq-evidence",),
    )


def test_eq_kf_gain(certify):
    r"""
    K_t = P_t^b H^\top S_t^{-1} = \operatorname*{arg\,min}_{K} \, \operatorname{tr} \operatorname{cov}\big( x_t - \mu_t^b - K d_t \big)
    """
    K, step = matrix("K", n, k), matrix("D", n, k)
    error = e - K @ (H @ e + eps)
    S = H @ P0 @ H.T + R0
    variance = trace((one - K @ H) @ P0 @ (one - K @ H).T + K @ R0 @ K.T)

    def after(gain):
        return trace((one - gain @ H) @ P @ (one - gain @ H).T + gain @ R @ gain.T)

    best = gain_of(P)
    certify(
        prove_equal(trace(cov(error)), variance, mutants={"noise left out": trace(P0 - K @ H @ P0)}),
        prove_gradient(
            variance, K, 2 * (K @ S - P0 @ H.T), mutants={"sign": 2 * (K @ S + P0 @ H.T), "half": K @ S - P0 @ H.T}
        ),
        prove_equal(
            after(best + step) - after(best),  # zero for no step, and positive for any other
            trace(step @ (H @ P @ H.T + R) @ step.T),
            mutants={
                "noise only": trace(step @ R @ step.T),
                "a maximum": -trace(step @ (H @ P @ H.T + R) @ step.T),
                "not the best": after(P @ H.T @ R.inv + step) - after(P @ H.T @ R.inv),
            },
        ),
        uses=("eq-posterior-gain", "eq-kf-innovation"),
    )


def test_eq_kf_gain_information(certify):
    r"""
    K_t = \big( (P_t^b)^{-1} + H^\top R^{-1} H \big)^{-1} H^\top R^{-1} = P_t^a H^\top R^{-1}
    """
    information = P.inv + H.T @ R.inv @ H
    certify(
        prove_equal(
            gain_of(P),
            information.inv @ H.T @ R.inv,
            mutants={
                "prior left out": (one + H.T @ R.inv @ H).inv @ H.T @ R.inv,
                "noise not inverted": information.inv @ H.T @ R,
                "minus": (P.inv - H.T @ R.inv @ H).inv @ H.T @ R.inv,
            },
        ),
        prove_equal(gain_of(P), analysis_of(P) @ H.T @ R.inv, mutants={"covariance of the forecast": P @ H.T @ R.inv}),
        uses=("eq-posterior-gain", "eq-push-through"),
    )


def test_eq_kf_mean(certify):
    r"""
    \mu_t^a = \mu_t^b + K_t d_t
    """
    d = H @ e + eps
    K = P0 @ H.T @ (H @ P0 @ H.T + R0).inv
    certify(
        prove_equal(expectation(mu + e - (mu + K @ d), SEEN), zeros(n, 1), mutants={"biased": mu}),
        prove_equal(  # what is left has nothing to do with what was seen: the mean is that of the conditional law
            cov(e - K @ d, d),
            zeros(n, k),
            mutants={
                "twice the gain": cov(e - 2 * (K @ d), d),
                "no gain": cov(e, d),
                "sign": cov(e + K @ d, d),
            },
        ),
        uses=("eq-posterior-mean", "eq-residual", "eq-kf-gain"),
    )


def test_eq_kf_cov(certify):
    r"""
    P_t^a = (I - K_t H) \, P_t^b = P_t^b - K_t S_t K_t^\top
    """
    S = H @ P0 @ H.T + R0
    K = P0 @ H.T @ S.inv
    certify(
        prove_equal(
            cov(e - K @ (H @ e + eps)),
            (one - K @ H) @ P0,
            mutants={"plus": (one + K @ H) @ P0, "noise added": (one - K @ H) @ P0 + K @ R0 @ K.T},
        ),
        prove_equal(
            (one - K @ H) @ P0,
            P0 - K @ S @ K.T,
            mutants={"noise for S": P0 - K @ R0 @ K.T, "plus": P0 + K @ S @ K.T},
        ),
        uses=("eq-posterior-covariance", "eq-variance-split"),
    )


def test_eq_kf_joseph(certify):
    r"""
    P_t^a = (I - K_t H) \, P_t^b \, (I - K_t H)^\top + K_t R K_t^\top
    """
    any_gain, best = matrix("K", n, k), P0 @ H.T @ (H @ P0 @ H.T + R0).inv

    def joseph(K, R=R0):
        return (one - K @ H) @ P0 @ (one - K @ H).T + K @ R @ K.T

    certify(
        prove_equal(
            cov(e - any_gain @ (H @ e + eps)),
            joseph(any_gain),
            mutants={"the short form, for any gain": (one - any_gain @ H) @ P0, "sign": joseph(any_gain, -R0)},
        ),
        prove_equal(
            (one - best @ H) @ P0,
            joseph(best),
            mutants={
                "noise left out": (one - best @ H) @ P0 @ (one - best @ H).T,
                "one factor": (one - best @ H) @ P0 + best @ R0 @ best.T,
            },
        ),
        uses=("eq-posterior-joseph", "eq-kf-cov"),
    )


def test_eq_kf_information(certify):
    r"""
    \begin{aligned}
    (P_t^a)^{-1} &= (P_t^b)^{-1} + H^\top R^{-1} H \\
    (P_t^a)^{-1} \mu_t^a &= (P_t^b)^{-1} \mu_t^b + H^\top R^{-1} y_t
    \end{aligned}
    """
    information = P.inv + H.T @ R.inv @ H
    mean = mu + gain_of(P) @ (y - H @ mu)
    certify(
        prove_equal(
            analysis_of(P).inv,
            information,
            mutants={
                "minus": P.inv - H.T @ R.inv @ H,
                "noise not inverted": P.inv + H.T @ R @ H,
                "no map": P.inv + H.T @ H,
            },
        ),
        prove_equal(
            information @ mean,
            P.inv @ mu + H.T @ R.inv @ y,
            mutants={"the innovation": P.inv @ mu + H.T @ R.inv @ (y - H @ mu), "prior mean as it is": mu},
        ),
        uses=("eq-posterior-precision", "eq-posterior-information"),
    )


def log_density(at, mean, cov, size):
    return -half * (size * log(2 * sympy.pi) + logdet(cov) + (at - mean).T @ cov.inv @ (at - mean))


S = H @ P @ H.T + R
mu_a = mu + gain_of(P) @ (y - H @ mu)
log_prior, log_noise = log_density(x, mu, P, n), log_density(y, H @ x, R, k)
log_seen = log_density(y, H @ mu, S, k)
information = P.inv + H.T @ R.inv @ H
log_after = -half * (
    n * log(2 * sympy.pi) + logdet(analysis_of(P)) + (x - mu_a).T @ information @ (x - mu_a)
)  # by eq-kf-information


def test_eq_kf_evidence(certify):
    r"""
    \begin{aligned}
    \log p(y_1, \ldots, y_T) &= \sum_{t=1}^{T} \log p(y_t \mid y_1, \ldots, y_{t-1}) \\
    &= -\frac{1}{2} \sum_{t=1}^{T} \big( d_t^\top S_t^{-1} d_t + \log \det S_t + k \log 2\pi \big)
    \end{aligned}
    """
    d = y - H @ mu
    certify(
        prove_equal(  # Bayes' rule at any x: prior times likelihood over posterior
            log_prior + log_noise - log_after,
            -half * (d.T @ S.inv @ d + logdet(S) + k * log(2 * sympy.pi)),
            mutants={
                "noise for S": log_density(y, H @ mu, R, k),
                "determinant with the other sign": -half * (d.T @ S.inv @ d - logdet(S) + k * log(2 * sympy.pi)),
                "size of the state": -half * (d.T @ S.inv @ d + logdet(S) + n * log(2 * sympy.pi)),
            },
        ),
        uses=("eq-conditional-density", "eq-bayes", "eq-kf-information", "eq-gaussian-density"),
    )


# roots


def test_eq_kf_root_forecast(certify):
    r"""
    \begin{pmatrix} M F_{t-1}^a & Q^{1/2} \end{pmatrix} \Theta = \begin{pmatrix} F_t^b & 0 \end{pmatrix}
    \quad\Longrightarrow\quad F_t^b (F_t^b)^\top = P_t^b
    """
    F, root, short = matrix("F", n), matrix("Q^½", n), matrix("F^b", n)
    width = sizes("m")
    any_block, turn = matrix("X", n, width), matrix("Theta", width, width, "orthogonal")
    whole, left = block([[M @ F, root]]), block([[short, zeros(n, n)]])
    certify(
        prove_equal(
            (any_block @ turn) @ (any_block @ turn).T,
            any_block @ any_block.T,
            mutants={"not turned back": any_block @ turn @ any_block.T, "twice": 2 * (any_block @ any_block.T)},
        ),
        prove_equal(
            whole @ whole.T,
            M @ (F @ F.T) @ M.T + root @ root.T,
            mutants={"roots added": (M @ F + root) @ (M @ F + root).T, "noise left out": M @ (F @ F.T) @ M.T},
        ),
        prove_equal(left @ left.T, short @ short.T, mutants={"transposed": short.T @ short}),
        uses=("eq-kf-forecast",),
    )


def test_eq_kf_root_analysis(certify):
    r"""
    \begin{pmatrix} R^{1/2} & H F_t^b \\ 0 & F_t^b \end{pmatrix} \Theta = \begin{pmatrix} S_t^{1/2} & 0 \\ B & F_t^a \end{pmatrix}
    \quad\Longrightarrow\quad K_t = B \, S_t^{-1/2}, \quad F_t^a (F_t^a)^\top = P_t^a
    """
    F, root = matrix("F", n), matrix("R^½", k)
    left = block([[root, H @ F], [zeros(n, k), F]])
    FF = F @ F.T
    A, B, after = matrix("S^½", k, k, "invertible"), matrix("B", n, k), matrix("F^a", n)
    right = block([[A, zeros(k, n)], [B, after]])
    P_b, cross, spread = B @ B.T + after @ after.T, B @ A.T, A @ A.T  # the blocks of right rightᵀ: P, P Hᵀ and S
    gain = cross @ spread.inv
    certify(
        prove_equal(
            left @ left.T,
            block([[H @ FF @ H.T + root @ root.T, H @ FF], [FF @ H.T, FF]]),
            mutants={"noise left out": block([[H @ FF @ H.T, H @ FF], [FF @ H.T, FF]])},
        ),
        prove_equal(
            right @ right.T,
            block([[spread, cross.T], [cross, P_b]]),
            mutants={"B left out of the corner": block([[spread, cross.T], [cross, after @ after.T]])},
        ),
        prove_equal(gain, B @ A.inv, mutants={"not divided": B, "transposed": B @ A.inv.T}),
        prove_equal(P_b - gain @ spread @ gain.T, after @ after.T, mutants={"not reduced": P_b, "B alone": B @ B.T}),
        uses=("eq-kf-gain", "eq-kf-cov", "eq-posterior-root"),
    )


# the steady state


def riccati(P, R=R):
    return M @ (P - P @ H.T @ (H @ P @ H.T + R).inv @ H @ P) @ M.T + Q0


def test_eq_riccati(certify):
    r"""
    P_{t+1}^b = M \big( P_t^b - P_t^b H^\top ( H P_t^b H^\top + R )^{-1} H P_t^b \big) M^\top + Q
    """
    K = gain_of(P)
    joseph = (one - K @ H) @ P @ (one - K @ H).T + K @ R @ K.T
    certify(
        prove_equal(
            M @ joseph @ M.T + Q0,
            riccati(P),
            mutants={"noise left out": riccati(P) - Q0, "no observation": M @ P @ M.T + Q0},
        ),
        prove_equal(
            M @ (P.inv + H.T @ R.inv @ H).inv @ M.T + Q0,
            riccati(P),
            mutants={"minus": M @ (P.inv - H.T @ R.inv @ H).inv @ M.T + Q0},
        ),
        uses=("eq-kf-forecast", "eq-kf-cov", "eq-kf-joseph", "eq-kf-information"),
    )


def test_eq_riccati_linear2d(certify):
    r"""
    p_*^b = \frac{p_*^b \, r}{p_*^b + r} + q = \frac{q + \sqrt{q^2 + 4qr}}{2}
    """
    q, r = symbols("q r", positive=True)
    p = (q + sqrt(q**2 + 4 * q * r)) / 2
    turn, a, b, c = matrix("M", n, n, "orthogonal"), scalar("p"), scalar("r"), scalar("q")
    wide = turn @ (a * one - (a * one) @ (a * one + b * one).inv @ (a * one)) @ turn.T + c * one
    certify(
        prove_equal(
            wide,
            (a * b / (a + b) + c) * one,
            mutants={"noise left out": (a * b / (a + b)) * one, "no observation": (a + c) * one},
        ),
        prove_zero(
            Eq(p, p * r / (p + r) + q, evaluate=False),
            mutants={
                "the analysis": p - q - p * r / (p + r) - q,
                "q for q²": (q + sqrt(q + 4 * q * r)) / 2 - p,
                "no factor 4": (q + sqrt(q**2 + q * r)) / 2 - p,
            },
        ),
        uses=("eq-riccati", "eq-linear2d"),
    )


def test_eq_riccati_contraction(certify):
    r"""
    \begin{aligned}
    \Phi(P) - \Phi(P') &= M (I - K H) \, (P - P') \, (I - K' H)^\top M^\top \\
    p_{t+1}^b - p_*^b &= (1 - K_t)(1 - K_*) \, (p_t^b - p_*^b)
    \end{aligned}
    """
    other = matrix("P'", n, n, "positive")
    keep, keep_other = one - gain_of(P) @ H, one - gain_of(other) @ H
    p, s, r = symbols("p s r", positive=True)
    scalar_step = p * r / (p + r) - s * r / (s + r)
    certify(
        prove_equal(
            riccati(P) - riccati(other),
            M @ keep @ (P - other) @ keep_other.T @ M.T,
            mutants={
                "no contraction": M @ (P - other) @ M.T,
                "one factor": M @ keep @ (P - other) @ M.T,
                "sign": M @ keep @ (other - P) @ keep_other.T @ M.T,
            },
        ),
        prove_zero(
            Eq(scalar_step, (1 - p / (p + r)) * (1 - s / (s + r)) * (p - s), evaluate=False),
            mutants={
                "to first order only": scalar_step - (1 - s / (s + r)) ** 2 * (p - s),
                "the gains themselves": scalar_step - p / (p + r) * s / (s + r) * (p - s),
            },
        ),
        uses=("eq-riccati", "eq-riccati-linear2d"),
    )


def test_eq_observability(certify):
    r"""
    \mathcal{O}_T = \sum_{t=1}^{T} (M^t)^\top H^\top R^{-1} H M^t, \qquad
    \operatorname{cov}(x_0 \mid y_1, \ldots, y_T)^{-1} = (P_0^a)^{-1} + \mathcal{O}_T \quad (Q = 0)
    """
    j = sizes("j")  # the step from the first observations, stacked to G with the noise W, to one more
    before, spread, power = matrix("G", j, n), matrix("W", j, j, "positive"), matrix("A", n)  # A stands for M^T
    stacked = block([[before], [H @ power]])
    joint = block([[spread, zeros(j, k)], [zeros(k, j), R]])
    gramian = before.T @ spread.inv @ before + power.T @ H.T @ R.inv @ H @ power
    certify(
        prove_equal(
            (P - P @ stacked.T @ (stacked @ P @ stacked.T + joint).inv @ stacked @ P).inv,
            P.inv + gramian,
            mutants={
                "the last only": P.inv + power.T @ H.T @ R.inv @ H @ power,
                "minus": P.inv - gramian,
                "noise not inverted": P.inv + before.T @ spread.inv @ before + power.T @ H.T @ R @ H @ power,
            },
        ),
        uses=("eq-sequential-gaussian", "eq-kf-information"),
    )


# scores


def test_eq_rmse_norms(certify):
    r"""
    \mathbb{E}\Big[ \frac{\lVert e \rVert}{\sqrt{2}} \Big] = \frac{\sqrt{\pi}}{2} \, \sigma, \qquad
    \sqrt{ \mathbb{E}\Big[ \frac{\lVert e \rVert^2}{2} \Big] } = \sigma, \qquad e \sim \mathcal{N}(0, \sigma^2 I_2)
    """
    rho, s = sympy.Symbol("rho", real=True), sympy.Symbol("sigma", positive=True)
    # ‖e‖ / σ has the density ρ exp(-ρ²/2) on the positive half of the line, and its moments are half of the whole
    norm = s * Integral(rho**2 * sympy.exp(-(rho**2) / 2), (rho, -oo, oo)) / 2
    scale = scalar("sigma")
    certify(
        prove_zero(
            Eq(norm / sqrt(2), sqrt(sympy.pi) / 2 * s, evaluate=False),
            mutants={
                "the root mean square": norm / sqrt(2) - s,
                "the sum of the components": norm - sqrt(sympy.pi) / 2 * s,
            },
        ),
        prove_equal(
            expectation(e.T @ e, {e: (zeros(n, 1), scale * scale * one)}),
            n * scale * scale,
            mutants={"of one component": scale * scale, "not squared": n * scale},
        ),
        uses=("eq-ellipse-mass",),
    )


def test_eq_chi2(certify):
    r"""
    \mathbb{E}\big[ d_t^\top S_t^{-1} d_t \big] = k, \qquad \operatorname{var}\big( d_t^\top S_t^{-1} d_t \big) = 2k
    """
    d, spread = vector("d", k), matrix("S", k, k, "positive")
    square = d.T @ spread.inv @ d
    law = {d: (zeros(k, 1), spread)}
    certify(
        prove_equal(expectation(square, law), k * 1, mutants={"one": identity(1), "twice": 2 * k}),
        prove_equal(
            expectation(square * square, law) - k * k,
            2 * k,
            mutants={"k": k * 1, "squared": 2 * k * k},
        ),
        uses=("eq-kf-innovation", "eq-mahalanobis"),
    )


def test_eq_nees(certify):
    r"""
    \mathbb{E}\big[ (x_t - \mu_t^a)^\top (P_t^a)^{-1} (x_t - \mu_t^a) \big] = \operatorname{tr}\big( (P_t^a)^{-1} C_t^a \big),
    \qquad C_t^a = \operatorname{cov}(x_t - \mu_t^a)
    """
    actual = matrix("C", n, n, "symmetric")
    certify(
        prove_equal(
            expectation(e.T @ P.inv @ e, {e: (zeros(n, 1), actual)}),
            trace(P.inv @ actual),
            mutants={"always n": n * 1, "not inverted": trace(P @ actual)},
        ),
        prove_equal(trace(P.inv @ P), n * 1, mutants={"one": identity(1)}),
        uses=("eq-mahalanobis",),
    )


def test_eq_nll(certify):
    r"""
    \mathbb{E}\big[ -\log q(x) \big] = \tfrac{n}{2} \log 2\pi + \tfrac{1}{2} \log \det P
    + \tfrac{1}{2} \mathbb{E}\big[ (x - \mu)^\top P^{-1} (x - \mu) \big] = \mathcal{H}(p) + \mathrm{KL}(p \,\|\, q)
    """
    m, C = vector("m", n), matrix("C", n, n, "positive")
    law = {x: (m, C)}  # a Gaussian p; for any other the last step is eq-cross-entropy
    entropy = half * n * (1 + log(2 * sympy.pi)) + half * logdet(C)
    divergence = half * (trace(P.inv @ C) - n + (m - mu).T @ P.inv @ (m - mu) + logdet(P) - logdet(C))
    certify(
        prove_equal(
            half * n * log(2 * sympy.pi) + half * logdet(P) + half * expectation((x - mu).T @ P.inv @ (x - mu), law),
            entropy + divergence,
            mutants={
                "no divergence": entropy,
                "minus": entropy - divergence,
                "the entropy of q": half * n * (1 + log(2 * sympy.pi)) + half * logdet(P) + divergence,
            },
        ),
        uses=("eq-gaussian-density", "eq-gaussian-entropy", "eq-gaussian-kl", "eq-cross-entropy"),
    )


def test_eq_nll_identity(certify):
    r"""
    \begin{aligned}
    -\log q_t^b(x_t) + \log q_t^a(x_t) &= -\log p(y_t \mid y_1, \ldots, y_{t-1}) + \log p(y_t \mid x_t) \\
    \mathbb{E}\big[ -\log p(y_t \mid x_t) \big] &= \tfrac{k}{2} ( 1 + \log 2\pi ) + \tfrac{1}{2} \log \det R
    \end{aligned}
    """
    certify(
        prove_equal(
            -log_prior + log_after,
            -log_seen + log_noise,
            mutants={
                "without the noise": -log_seen,
                "signs": log_seen - log_noise,
                "the noise of the forecast": -log_seen + log_seen * 0,
            },
        ),
        prove_equal(
            expectation(half * (k * log(2 * sympy.pi) + logdet(R) + eps.T @ R.inv @ eps), {eps: (zeros(k, 1), R)}),
            half * k * (1 + log(2 * sympy.pi)) + half * logdet(R),
            mutants={"the 1 left out": half * k * log(2 * sympy.pi) + half * logdet(R)},
        ),
        uses=("eq-kf-evidence", "eq-bayes", "eq-gaussian-entropy"),
    )


def test_eq_wrong_gain(certify):
    r"""
    \begin{aligned}
    C_t^a &= (I - K_t H) \, C_t^b \, (I - K_t H)^\top + K_t R K_t^\top, \qquad C_{t+1}^b = M C_t^a M^\top + Q \\
    \mathbb{E}\big[ d_{t+1} d_t^\top \big] &= H M \big( C_t^b H^\top - K_t ( H C_t^b H^\top + R ) \big)
    \end{aligned}
    """
    K = matrix("K", n, k)
    d = H @ e + eps
    after = e - K @ d
    later = M @ after + eta
    best = gain_of(P)
    certify(
        prove_equal(
            cov(after),
            (one - K @ H) @ P0 @ (one - K @ H).T + K @ R0 @ K.T,
            mutants={"what the filter claims": (one - K @ H) @ P0},
        ),
        prove_equal(
            cov(later, law=BOTH),
            M @ ((one - K @ H) @ P0 @ (one - K @ H).T + K @ R0 @ K.T) @ M.T + Q0,
            mutants={"noise left out": M @ ((one - K @ H) @ P0 @ (one - K @ H).T + K @ R0 @ K.T) @ M.T},
        ),
        prove_equal(
            cov(H @ later + eps_next, d, law=BOTH),
            H @ M @ (P0 @ H.T - K @ (H @ P0 @ H.T + R0)),
            mutants={
                "always white": zeros(k, k),
                "sign": H @ M @ (P0 @ H.T + K @ (H @ P0 @ H.T + R0)),
                "noise left out": H @ M @ (P0 @ H.T - K @ (H @ P0 @ H.T)),
            },
        ),
        prove_equal(  # white for the best gain
            P @ H.T - best @ (H @ P @ H.T + R), zeros(n, k), mutants={"no gain": P @ H.T}
        ),
        uses=("eq-kf-joseph", "eq-kf-forecast", "eq-kf-innovation"),
    )


# smoothing

P_s, mu_s, mu_b = matrix("P^s", n, n, "symmetric"), vector("mu^s", n), vector("mu^b", n)
P_b = M @ P0 @ M.T + Q0
G = P0 @ M.T @ P_b.inv
next_state, rest = vector("x'", n), vector("r", n)
carry = matrix("G", n)
smoothed = {next_state: (mu_s, P_s), rest: (mu - carry @ mu_b, P0 - carry @ matrix("P^b", n, n, "symmetric") @ carry.T)}


def test_eq_rts_gain(certify):
    r"""
    G_t = P_t^a M^\top (P_{t+1}^b)^{-1}
    """
    later = M @ e + eta
    certify(
        prove_equal(  # what x_t has beyond G x_{t+1} is independent of x_{t+1}
            cov(e - G @ later, later, law=MOVED),
            zeros(n, n),
            mutants={
                "M left out": cov(e - P0 @ P_b.inv @ later, later, law=MOVED),
                "not transposed": cov(e - P0 @ M @ P_b.inv @ later, later, law=MOVED),
                "no gain": cov(e, later, law=MOVED),
            },
        ),
        prove_equal(
            cov(e - G @ later, law=MOVED),
            P0 - G @ P_b @ G.T,
            mutants={"not reduced": P0, "plus": P0 + G @ P_b @ G.T},
        ),
        uses=("eq-residual", "eq-gaussian-conditional", "eq-kf-forecast"),
    )


def test_eq_rts_mean(certify):
    r"""
    \mu_t^s = \mu_t^a + G_t ( \mu_{t+1}^s - \mu_{t+1}^b )
    """
    certify(
        prove_equal(
            expectation(carry @ next_state + rest, smoothed),
            mu + carry @ (mu_s - mu_b),
            mutants={
                "sign": mu - carry @ (mu_s - mu_b),
                "forecast left out": mu + carry @ mu_s,
                "no gain": mu + mu_s - mu_b,
            },
        ),
        uses=("eq-rts-gain", "eq-total-expectation"),
    )


def test_eq_rts_cov(certify):
    r"""
    P_t^s = P_t^a + G_t ( P_{t+1}^s - P_{t+1}^b ) G_t^\top
    """
    forecast = matrix("P^b", n, n, "symmetric")
    centred = carry @ (next_state - mu_s) + rest - (mu - carry @ mu_b)
    certify(
        prove_equal(
            expectation(centred @ centred.T, smoothed),
            P0 + carry @ (P_s - forecast) @ carry.T,
            mutants={
                "forecast left out": P0 + carry @ P_s @ carry.T,
                "sign": P0 - carry @ (P_s - forecast) @ carry.T,
                "not transposed": P0 + carry @ (P_s - forecast) @ carry,
            },
        ),
        uses=("eq-rts-gain", "eq-total-covariance"),
    )


def test_eq_rts_lag_one(certify):
    r"""
    \operatorname{cov}(x_{t+1}, x_t \mid y_1, \ldots, y_T) = P_{t+1}^s G_t^\top
    """
    centred = carry @ (next_state - mu_s) + rest - (mu - carry @ mu_b)
    certify(
        prove_equal(
            expectation((next_state - mu_s) @ centred.T, smoothed),
            P_s @ carry.T,
            mutants={"transposed": carry @ P_s, "of the filter": P0 @ carry.T, "no gain": P_s},
        ),
        uses=("eq-rts-gain",),
    )


# learning


def test_eq_ssm_complete(certify):
    r"""
    \begin{aligned}
    \log p(x_{0:T}, y_{1:T}) = \log q_0^a(x_0)
    &- \tfrac{1}{2} \sum_{t=1}^{T} \big( \lVert x_t - M x_{t-1} \rVert_{Q}^2 + \log \det 2\pi Q \big) \\
    &- \tfrac{1}{2} \sum_{t=1}^{T} \big( \lVert y_t - H x_t \rVert_{R}^2 + \log \det 2\pi R \big)
    \end{aligned}
    """
    # One step: the density of the pair (x_{t-1}, x_t) by its joint covariance is the product of the two factors.
    Q = matrix("Q", n, n, "positive")
    a, b = vector("a", n), vector("b", n)
    pair = block([[a], [b]])
    joint = block([[P, P @ M.T], [M @ P, M @ P @ M.T + Q]])
    precision = block([[P.inv + M.T @ Q.inv @ M, -(M.T @ Q.inv)], [-(Q.inv @ M), Q.inv]])
    units = block([[one, zeros(n, n)], [zeros(n, n), one]])
    certify(
        prove_equal(joint @ precision, units, mutants={"twice": 2 * units}),
        prove_equal(
            pair.T @ precision @ pair,
            a.T @ P.inv @ a + (b - M @ a).T @ Q.inv @ (b - M @ a),
            mutants={
                "sign": a.T @ P.inv @ a + (b + M @ a).T @ Q.inv @ (b + M @ a),
                "noise not inverted": a.T @ P.inv @ a + (b - M @ a).T @ Q @ (b - M @ a),
            },
        ),
        prove_equal(logdet(joint), logdet(P) + logdet(Q), mutants={"noise left out": 2 * logdet(P)}),
        uses=("eq-state-model", "eq-observation-model", "eq-joint-precision", "eq-joint-inverse"),
    )


A, B, C = (
    matrix("A", n, n, "symmetric"),
    matrix("B", n),
    matrix("C", n, n, "positive"),
)  # ΣE[x x'], ΣE[x x₋'], ΣE[x₋ x₋']


def test_eq_ssm_m_step_model(certify):
    r"""
    M = \Big( \sum_{t=1}^{T} \mathbb{E}\big[ x_t x_{t-1}^\top \big] \Big) \Big( \sum_{t=1}^{T} \mathbb{E}\big[ x_{t-1} x_{t-1}^\top \big] \Big)^{-1}
    """
    Q = matrix("Q", n, n, "positive")
    expected = -half * trace(Q.inv @ (A - B @ M.T - M @ B.T + M @ C @ M.T))
    certify(
        prove_gradient(
            expected,
            M,
            Q.inv @ (B - M @ C),
            mutants={"sign": Q.inv @ (B + M @ C), "transposed": Q.inv @ (B.T - M @ C)},
        ),
        prove_equal(
            Q.inv @ (B - (B @ C.inv) @ C),
            zeros(n, n),
            mutants={"transposed": Q.inv @ (B - (B.T @ C.inv) @ C), "the other sum": Q.inv @ (B - (B @ A) @ C)},
        ),
        uses=("eq-ssm-complete", "eq-em-steps"),
    )


def test_eq_ssm_m_step_q(certify):
    r"""
    Q = \frac{1}{T} \sum_{t=1}^{T} \mathbb{E}\big[ (x_t - M x_{t-1}) (x_t - M x_{t-1})^\top \big]
    """
    spread, W = matrix("Q", n, n, "positive"), matrix("W", n, n, "positive")  # W is the sum
    expected = -half * T * logdet(spread) - half * trace(spread.inv @ W)

    def slope(at):
        return -half * T * at.inv + half * (at.inv @ W @ at.inv)

    certify(
        prove_gradient(expected, spread, slope(spread), mutants={"sign": -half * T * spread.inv}),
        prove_equal(
            slope(W / T),
            zeros(n, n),
            mutants={"not divided by T": slope(W), "one time too many": slope(W / (T + 1))},
        ),
        uses=("eq-ssm-complete", "eq-em-steps", "eq-gaussian-mle"),
    )


def test_eq_ssm_m_step_r(certify):
    r"""
    R = \frac{1}{T} \sum_{t=1}^{T} \big( (y_t - H \mu_t^s) (y_t - H \mu_t^s)^\top + H P_t^s H^\top \big)
    """
    spread, W = matrix("R", k, k, "positive"), matrix("W", k, k, "positive")
    expected = -half * T * logdet(spread) - half * trace(spread.inv @ W)

    def slope(at):
        return -half * T * at.inv + half * (at.inv @ W @ at.inv)

    misfit = y - H @ x
    certify(
        prove_equal(
            expectation(misfit @ misfit.T, {x: (mu_s, P_s)}),
            (y - H @ mu_s) @ (y - H @ mu_s).T + H @ P_s @ H.T,
            mutants={"the mean only": (y - H @ mu_s) @ (y - H @ mu_s).T, "minus": -(H @ P_s @ H.T)},
        ),
        prove_gradient(expected, spread, slope(spread), mutants={"sign": -half * T * spread.inv}),
        prove_equal(slope(W / T), zeros(k, k), mutants={"not divided by T": slope(W)}),
        uses=("eq-ssm-complete", "eq-em-steps", "eq-gaussian-mle"),
    )


# models that are not linear


def test_eq_lorenz63(certify):
    r"""
    \dot{x}_1 = \sigma (x_2 - x_1), \qquad \dot{x}_2 = x_1 (\rho - x_3) - x_2, \qquad \dot{x}_3 = x_1 x_2 - \beta x_3
    """
    sigma, rho, beta = symbols("sigma rho beta", positive=True)
    a, b, c = symbols("x_1 x_2 x_3", real=True)
    field = (sigma * (b - a), a * (rho - c) - b, a * b - beta * c)
    power = a * field[0] + b * field[1] + (c - rho - sigma) * field[2]  # of ‖x - (0, 0, ρ + σ)‖² / 2
    bounded = prove_zero(
        Eq(power, beta * (rho + sigma) * c - sigma * a**2 - b**2 - beta * c**2, evaluate=False),
        mutants={
            "about zero": a * field[0]
            + b * field[1]
            + c * field[2]
            + sigma * a**2
            + b**2
            + beta * c**2
            - beta * (rho + sigma) * c,
            "without damping": power - beta * (rho + sigma) * c,
        },
    )
    certify(
        stated(
            "the equations of Lorenz",
            reason="a definition; that far away everything moves inwards, because the cubic terms cancel, is proved",
            reference="Lorenz (1963)",
            computed=bounded,
        )
    )


def test_eq_rk4(certify):
    r"""
    \begin{aligned}
    a &= F(x), \qquad b = F(x + \tfrac{\Delta}{2} a), \qquad c = F(x + \tfrac{\Delta}{2} b), \qquad d = F(x + \Delta c) \\
    x(t + \Delta) &= x + \tfrac{\Delta}{6} ( a + 2b + 2c + d ) + O(\Delta^5)
    \end{aligned}
    """
    field, h = matrix("A", n), scalar("Delta")
    a = field @ x
    b = field @ (x + half * h * a)
    c = field @ (x + half * h * b)
    d = field @ (x + h * c)
    step = x + h / 6 * (a + 2 * b + 2 * c + d)
    series = [x]
    for order in range(1, 5):
        series.append(h / order * (field @ series[-1]))
    exponential = sum(series[1:], series[0])
    linear = prove_equal(step, exponential, mutants={"order 3": exponential - series[-1], "Euler": x + h * (field @ x)})
    certify(
        stated(
            "the classical Runge-Kutta method has order four",
            reason="the order conditions for vector fields are a theorem, cited; for linear fields of any size it is "
            "proved, for any smooth field of one variable, too",
            reference="Hairer, Norsett and Wanner, section II.1",
            computed=together(linear, of_one_variable()),
        )
    )


def of_one_variable():
    """For any smooth F of one variable: the step up to Δ⁴, against the series of the solution."""
    h, u = symbols("Delta u")
    slopes = symbols("F_0:4")  # F and its derivatives at x

    def field(at):
        return sum(slope * at**power / sympy.factorial(power) for power, slope in enumerate(slopes))

    def short(polynomial):
        expanded = sympy.expand(polynomial)
        return sum(expanded.coeff(h, order) * h**order for order in range(5))

    a = slopes[0]
    b = short(field(h / 2 * a))
    c = short(field(h / 2 * b))
    d = short(field(h * c))
    step = sympy.factor(short(h / 6 * (a + 2 * b + 2 * c + d)))
    series, derivative = 0, field(u)
    for order in range(1, 5):
        series += derivative.subs(u, 0) * h**order / sympy.factorial(order)
        derivative = sympy.expand(derivative.diff(u) * field(u))
    return prove_zero(
        Eq(step, sympy.expand(series), evaluate=False),
        mutants={"Euler": step - h * slopes[0], "the last slope twice": step + h * d / 6 - series},
    )


def test_eq_tangent_model(certify):
    r"""
    f(x) = f(\mu) + M_t \, (x - \mu) + O\big( \lVert x - \mu \rVert^2 \big), \qquad (M_t)_{ij} = \frac{\partial f_i}{\partial x_j}(\mu)
    """
    linear, left = matrix("A", n), vector("b", n)

    def f(at):
        return linear @ at + (left.T @ at) * at

    tangent = linear + (left.T @ mu) * one + mu @ left.T
    second_order = prove_equal(
        f(mu + e) - f(mu) - tangent @ e,
        (left.T @ e) * e,
        mutants={"no remainder": zeros(n, 1), "half of it": half * (left.T @ e) * e},
    )
    derivative = prove_jacobian(f(x), x, linear + (left.T @ x) * one + x @ left.T, mutants={"transposed": linear.T})
    certify(
        stated(
            "the tangent model",
            reason="definition of the Jacobian; for a quadratic map the remainder is proved to be of second order",
            computed=together(second_order, derivative),
        )
    )


def test_eq_ekf(certify):
    r"""
    \begin{aligned}
    \mu_t^b &= f(\mu_{t-1}^a), & P_t^b &= M_t P_{t-1}^a M_t^\top + Q, \\
    d_t &= y_t - h(\mu_t^b), & S_t &= H_t P_t^b H_t^\top + R
    \end{aligned}
    """
    offset, shift = vector("a", n), vector("b", k)

    def f(at):
        return M @ at + offset

    def h(at):
        return H @ at + shift

    exact = together(
        prove_equal(expectation(f(mu + e) + eta, MOVED), f(mu), mutants={"offset left out": M @ mu}),
        prove_equal(
            cov(f(mu + e) + eta - f(mu), law=MOVED),
            M @ P0 @ M.T + Q0,
            mutants={"noise left out": M @ P0 @ M.T, "not moved": P0},
        ),
        prove_equal(
            cov(h(mu + e) + eps - h(mu)), H @ P0 @ H.T + R0, mutants={"noise left out": H @ P0 @ H.T, "noise alone": R0}
        ),
    )
    certify(
        stated(
            "the extended Kalman filter",
            reason="a definition; that it is exact for affine models is proved",
            computed=exact,
        ),
        uses=("eq-kf-forecast", "eq-kf-innovation", "eq-tangent-model"),
    )


def test_eq_ekf_bias(certify):
    r"""
    \mathbb{E}\big[ f_i(x) \big] = f_i(\mu) + \tfrac{1}{2} \operatorname{tr}\big( P \, \nabla^2 f_i \big)
    """
    curvature, slope, constant = matrix("B", n, n, "symmetric"), vector("b", n), scalar("a")

    def f(at):
        return constant + slope.T @ at + half * (at.T @ curvature @ at)

    certify(
        prove_jacobian(slope + curvature @ x, x, curvature, mutants={"twice": 2 * curvature}),
        prove_equal(
            expectation(f(mu + e), {e: MOVED[e]}),
            f(mu) + half * trace(P0 @ curvature),
            mutants={"no bias": f(mu), "not halved": f(mu) + trace(P0 @ curvature)},
        ),
        uses=("eq-tangent-model",),
    )
