"""The labelled equations of the chapter on Gaussians, one function each."""

from fractions import Fraction

import sympy

from mlpc.verify import (
    block,
    det,
    exp,
    expectation,
    identity,
    log,
    logdet,
    matrix,
    nonzero,
    prove_equal,
    prove_gradient,
    prove_jacobian,
    prove_zero,
    scalar,
    sizes,
    stated,
    vector,
    zeros,
)

n, k, d = sizes("n k d")
v, mu, z, a = vector("v", n), vector("mu", n), vector("z", d), vector("a", n)
u, m, eta, b = vector("u", k), vector("m", k), vector("eta", k), vector("b", k)
K, Sigma = matrix("K", n, n, "positive"), matrix("Sigma", k, k, "positive")
K0, Sigma0 = matrix("K", n, n, "symmetric"), matrix("Sigma", k, k, "symmetric")  # perhaps singular
L, F, T = matrix("L", k, n), matrix("F", n, d), matrix("T", k, k)
one, half = identity(n), Fraction(1, 2)
normal = {z: (zeros(d, 1), identity(d))}
hidden = {v: (mu, K0), eta: (zeros(k, 1), Sigma0)}

S = L @ K0 @ L.T + Sigma0
gain = K0 @ L.T @ S.inv
surprise = u - L @ mu - m
posterior_mean = mu + gain @ surprise
posterior_cov = K0 - gain @ L @ K0
information = K.inv + L.T @ Sigma.inv @ L


def gain_of(K, Sigma):
    return K @ L.T @ (L @ K @ L.T + Sigma).inv


def posterior_of(K, Sigma):
    return K - gain_of(K, Sigma) @ L @ K


# the law


def test_eq_gaussian_sample(certify):
    r"""
    v = \mu + F z, \qquad \mathbb{E}[v] = \mu, \qquad \operatorname{cov}(v) = F F^\top = K
    """
    image = mu + F @ z
    certify(
        prove_equal(expectation(image, normal), mu, mutants={"F z has a mean": 2 * mu}),
        prove_equal(
            expectation((image - mu) @ (image - mu).T, normal),
            F @ F.T,
            mutants={"twice": 2 * (F @ F.T), "minus": -(F @ F.T), "not centred": F @ F.T + mu @ mu.T},
        ),
    )


def test_eq_gaussian_characteristic(certify):
    r"""
    \mathbb{E}\big[ e^{i \omega^\top v} \big] = \exp\Big( i \omega^\top \mu - \tfrac{1}{2} \omega^\top K \omega \Big), \qquad \omega \in \mathbb{R}^n
    """
    beta, x = sympy.symbols("beta x", real=True)
    omega = vector("omega", n)
    weight = sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi)
    of_one_component = sympy.Integral(weight * sympy.exp(beta * x), (x, -sympy.oo, sympy.oo))  # entire in beta = iα
    certify(
        prove_zero(
            of_one_component - sympy.exp(beta**2 / 2),
            mutants={
                "half left out": of_one_component - sympy.exp(beta**2),
                "minus": of_one_component - sympy.exp(-(beta**2) / 2),
            },
        ),
        prove_equal(
            (F.T @ omega).T @ (F.T @ omega),
            omega.T @ (F @ F.T) @ omega,
            mutants={"halved": half * (omega.T @ (F @ F.T) @ omega)},
        ),
        uses=("eq-gaussian-sample",),
    )


def test_eq_gaussian_density(certify):
    r"""
    p(v) = (2\pi)^{-n/2} \det(K)^{-1/2} \exp\Big( -\tfrac{1}{2} (v - \mu)^\top K^{-1} (v - \mu) \Big)
    """
    square = matrix("F", n)
    w = square.inv @ (v - mu)
    D2 = (v - mu).T @ (square @ square.T).inv @ (v - mu)
    constant = -half * n * log(2 * sympy.pi)
    certify(
        prove_equal(
            constant - half * (w.T @ w) - half * logdet(square.T @ square),
            constant - half * logdet(square @ square.T) - half * D2,
            mutants={
                "no square root of the determinant": constant - logdet(square @ square.T) - half * D2,
                "no half in the exponent": constant - half * logdet(square @ square.T) - D2,
                "determinant above": constant + half * logdet(square @ square.T) - half * D2,
            },
        ),
        uses=("eq-gaussian-sample", "linear substitution", "Gaussian normalisation"),
    )


def test_eq_mahalanobis(certify):
    r"""
    D^2(v) = (v - \mu)^\top K^{-1} (v - \mu) = \lVert F^{-1} (v - \mu) \rVert^2, \qquad \mathbb{E}\big[ D^2(v) \big] = n
    """
    square = matrix("F", n)
    w = square.inv @ (v - mu)
    certify(
        prove_equal(
            (v - mu).T @ (square @ square.T).inv @ (v - mu),
            w.T @ w,
            mutants={"F for its inverse": (square @ (v - mu)).T @ (square @ (v - mu))},
        ),
        prove_equal(
            expectation((v - mu).T @ K.inv @ (v - mu), {v: (mu, K)}), n * 1, mutants={"one": 1 * (n / n), "2n": 2 * n}
        ),
    )


def test_eq_ellipse_mass(certify):
    r"""
    P(D \le r) = \int_0^r \rho \, e^{-\rho^2/2} \, d\rho = 1 - e^{-r^2/2}, \qquad n = 2
    """
    t, x = sympy.Symbol("t", positive=True), sympy.Symbol("x", real=True)
    weight = sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi)
    of_one_component = sympy.Integral(weight * sympy.exp(-t * x**2), (x, -sympy.oo, sympy.oo))
    r, s = scalar("r"), scalar("t")
    held = 1 - exp(-half * r * r)  # it is zero at r = 0, and its derivative is the integrand
    weighted = -exp(-half * (1 + 2 * s) * r * r) / (1 + 2 * s)  # from 0 to infinity it rises by 1 / (1 + 2t)
    certify(
        prove_zero(  # E[exp(-t D²)] determines the law of D; here for the two components of a standard normal vector
            of_one_component**2 - 1 / (1 + 2 * t),
            mutants={"one component": of_one_component - 1 / (1 + 2 * t)},
        ),
        prove_gradient(  # the same for the density of D that the integral has
            weighted,
            r,
            r * exp(-half * r * r) * exp(-s * r * r),
            assumptions=[nonzero(1 + 2 * s)],
            mutants={"no Jacobian": exp(-half * r * r) * exp(-s * r * r)},
        ),
        prove_gradient(
            held,
            r,
            r * exp(-half * r * r),
            mutants={"half left out": r * exp(-r * r), "outside": -r * exp(-half * r * r)},
        ),
        uses=("eq-mahalanobis",),
    )


def test_eq_gaussian_entropy(certify):
    r"""
    \mathcal{H}(v) = \mathbb{E}[-\log p(v)] = \tfrac{n}{2} \big( 1 + \log 2\pi \big) + \tfrac{1}{2} \log \det K
    """
    minus_log = half * n * log(2 * sympy.pi) + half * logdet(K) + half * ((v - mu).T @ K.inv @ (v - mu))
    certify(
        prove_equal(
            expectation(minus_log, {v: (mu, K)}),
            half * n * (1 + log(2 * sympy.pi)) + half * logdet(K),
            mutants={
                "the 1 left out": half * n * log(2 * sympy.pi) + half * logdet(K),
                "no half before log det": half * n * (1 + log(2 * sympy.pi)) + logdet(K),
            },
        ),
        uses=("eq-gaussian-density", "eq-mahalanobis"),
    )


def test_eq_gaussian_affine(certify):
    r"""
    u = L v + m + \eta \sim \mathcal{N}\big( L\mu + m, \ L K L^\top + \Sigma \big)
    """
    image = L @ v + m + eta
    centred = image - (L @ mu + m)
    certify(
        prove_equal(expectation(image, hidden), L @ mu + m, mutants={"offset left out": L @ mu}),
        prove_equal(
            expectation(centred @ centred.T, hidden),
            L @ K0 @ L.T + Sigma0,
            mutants={"noise left out": L @ K0 @ L.T, "noise subtracted": L @ K0 @ L.T - Sigma0},
        ),
        uses=("eq-gaussian-sample",),
    )


# the joint law


def test_eq_linear_observation(certify):
    r"""
    v \sim \mathcal{N}(\mu, K), \qquad u \mid v \sim \mathcal{N}(L v + m, \Sigma)
    """
    noise = {eta: (zeros(k, 1), Sigma0)}
    additive = prove_equal(
        expectation(block([[L @ v + m + eta], [eta]]), noise),
        block([[L @ v + m], [zeros(k, 1)]]),
        mutants={"offset left out": block([[L @ v], [zeros(k, 1)]])},
    )
    certify(
        stated(
            r"v \sim \mathcal{N}(\mu, K), \qquad u \mid v \sim \mathcal{N}(L v + m, \Sigma)",
            reason="the model, an assumption; given v, additive noise is proved to have the mean that it asks for",
            computed=additive,
        ),
        uses=("eq-gaussian-sample",),
    )


def joint_cov(K, Sigma):
    return block([[K, (L @ K).T], [L @ K, Sigma + L @ K @ L.T]])


def test_eq_joint_gaussian(certify):
    r"""
    \begin{pmatrix} v \\ u \end{pmatrix} \sim \mathcal{N} \left( \begin{pmatrix} \mu \\ L\mu + m \end{pmatrix}, \
    \begin{pmatrix} K & (LK)^\top \\ LK & \Sigma + LKL^\top \end{pmatrix} \right)
    """
    stacked = block([[v], [L @ v + m + eta]])
    centre = block([[mu], [L @ mu + m]])

    def cov(cross=L @ K0, corner=Sigma0 + L @ K0 @ L.T):
        return block([[K0, cross.T], [cross, corner]])

    certify(
        prove_equal(expectation(stacked, hidden), centre, mutants={"offset left out": block([[mu], [L @ mu]])}),
        prove_equal(
            expectation((stacked - centre) @ (stacked - centre).T, hidden),
            cov(),
            mutants={
                "the noise alone in the corner": cov(corner=Sigma0),
                "noise left out": cov(corner=L @ K0 @ L.T),
                "sign of the covariance": cov(cross=-(L @ K0)),
                "K left out": cov(cross=L),
                "Schur complement in the corner": cov(corner=Sigma0 - L @ K0 @ L.T),
            },
        ),
        uses=("eq-gaussian-sample",),
        slide=True,
    )


def joint_precision(K, Sigma):
    return block([[K.inv + L.T @ Sigma.inv @ L, -(L.T @ Sigma.inv)], [-(Sigma.inv @ L), Sigma.inv]])


def test_eq_joint_precision(certify):
    r"""
    \begin{aligned}
    a^\top K^{-1} a + (b - La)^\top \Sigma^{-1} (b - La) &= \begin{pmatrix} a \\ b \end{pmatrix}^\top \Lambda \begin{pmatrix} a \\ b \end{pmatrix} \\
    \Lambda &= \begin{pmatrix} K^{-1} + L^\top \Sigma^{-1} L & -L^\top \Sigma^{-1} \\ -\Sigma^{-1} L & \Sigma^{-1} \end{pmatrix}
    \end{aligned}
    """
    ab, cross = block([[a], [b]]), Sigma.inv @ L
    wrong = block([[K.inv + L.T @ cross, cross.T], [cross, Sigma.inv]])
    short = block([[K.inv, -(cross.T)], [-cross, Sigma.inv]])
    certify(
        prove_equal(
            a.T @ K.inv @ a + (b - L @ a).T @ Sigma.inv @ (b - L @ a),
            ab.T @ joint_precision(K, Sigma) @ ab,
            mutants={"sign of the mixed terms": ab.T @ wrong @ ab, "corner without L": ab.T @ short @ ab},
        )
    )


def test_eq_joint_inverse(certify):
    r"""
    \begin{aligned}
    \begin{pmatrix} K & (LK)^\top \\ LK & \Sigma + LKL^\top \end{pmatrix}^{-1} &= \Lambda \\
    \det \begin{pmatrix} K & (LK)^\top \\ LK & \Sigma + LKL^\top \end{pmatrix} &= \det(K) \, \det(\Sigma)
    \end{aligned}
    """
    C, Lambda = joint_cov(K, Sigma), joint_precision(K, Sigma)
    units = block([[identity(n), zeros(n, k)], [zeros(k, n), identity(k)]])
    flipped = block([[one, zeros(n, k)], [zeros(k, n), -identity(k)]])
    certify(
        prove_equal(C @ Lambda, units, mutants={"twice": 2 * units, "sign of a block": flipped}),
        prove_equal(
            det(C),
            det(K) * det(Sigma),
            mutants={"with S": det(K) * det(Sigma + L @ K @ L.T), "inverse": det(Sigma) / det(K)},
        ),
        uses=("eq-joint-precision",),
    )


# marginal and conditional

P, Cuu = matrix("P", n, n, "positive"), matrix("C_uu", k, k, "positive")
Cvv, Cvu = matrix("C_vv", n, n, "symmetric"), matrix("C_vu", n, k)
whole = block([[Cvv, Cvu], [Cvu.T, Cuu]])
mu_v, mu_u = vector("mu_v", n), vector("mu_u", k)
schur = Cvv - Cvu @ Cuu.inv @ Cvu.T


def test_eq_gaussian_marginal(certify):
    r"""
    \begin{pmatrix} v \\ u \end{pmatrix} \sim \mathcal{N}\left( \begin{pmatrix} \mu_v \\ \mu_u \end{pmatrix}, \
    \begin{pmatrix} C_{vv} & C_{vu} \\ C_{uv} & C_{uu} \end{pmatrix} \right)
    \quad\Longrightarrow\quad v \sim \mathcal{N}(\mu_v, C_{vv})
    """
    first = block([[one, zeros(n, k)]])
    certify(
        prove_equal(first @ block([[mu_v], [mu_u]]), mu_v, mutants={"moved by u": mu_v + Cvu @ mu_u}),
        prove_equal(first @ whole @ first.T, Cvv, mutants={"the conditional covariance": schur, "twice": 2 * Cvv}),
        uses=("eq-gaussian-affine",),
    )


def test_eq_residual(certify):
    r"""
    \begin{aligned}
    r = v - C_{vu} C_{uu}^{-1} u \quad\text{has}\quad \operatorname{cov}(r, u) &= 0, \\
    \operatorname{cov}(r) &= C_{vv} - C_{vu} C_{uu}^{-1} C_{uv}
    \end{aligned}
    """
    minus = block([[one, -(Cvu @ Cuu.inv)]])
    last = block([[zeros(k, n), identity(k)]])
    certify(
        prove_equal(minus @ whole @ last.T, zeros(n, k), mutants={"still correlated": Cvu, "minus": -Cvu}),
        prove_equal(
            minus @ whole @ minus.T,
            schur,
            mutants={"not reduced": Cvv, "enlarged": Cvv + Cvu @ Cuu.inv @ Cvu.T},
        ),
        uses=("eq-gaussian-affine",),
    )


def test_eq_gaussian_conditional(certify):
    r"""
    v \mid u \sim \mathcal{N}\big( \mu_v + C_{vu} C_{uu}^{-1} (u - \mu_u), \ C_{vv} - C_{vu} C_{uu}^{-1} C_{uv} \big)
    """
    B = matrix("B", n, k)
    C = block(
        [[P + B @ Cuu @ B.T, B @ Cuu], [Cuu @ B.T, Cuu]]
    )  # any definite matrix: B = C_vu C_uu⁻¹, P its Schur complement
    precision = block([[P.inv, -(P.inv @ B)], [-(B.T @ P.inv), Cuu.inv + B.T @ P.inv @ B]])
    units = block([[one, zeros(n, k)], [zeros(k, n), identity(k)]])
    ab, left = block([[a], [b]]), a - B @ b
    carried = Cvu @ Cuu.inv
    certify(
        prove_equal(  # the mean of the residual, moved by the known vector: for any C_vv, singular or not
            (mu_v - carried @ mu_u) + carried @ u,
            mu_v + carried @ (u - mu_u),
            mutants={"prior mean of u left out": mu_v + carried @ u, "minus": mu_v - carried @ (u - mu_u)},
        ),
        prove_equal(C @ precision, units, mutants={"twice": 2 * units}),
        prove_equal(
            ab.T @ precision @ ab - b.T @ Cuu.inv @ b,
            left.T @ P.inv @ left,
            mutants={
                "mean not moved": a.T @ P.inv @ a,
                "moved the other way": (a + B @ b).T @ P.inv @ (a + B @ b),
                "covariance not reduced": left.T @ (P + B @ Cuu @ B.T).inv @ left,
            },
        ),
        prove_equal(
            (P + B @ Cuu @ B.T) - (B @ Cuu) @ Cuu.inv @ (Cuu @ B.T), P, mutants={"not reduced": P + B @ Cuu @ B.T}
        ),
        prove_equal(det(C) / det(Cuu), det(P), mutants={"not reduced": det(P + B @ Cuu @ B.T)}),
        uses=("eq-residual", "eq-gaussian-density", "eq-conditional-density"),
    )


# the posterior


def test_eq_evidence(certify):
    r"""
    S = L K L^\top + \Sigma, \qquad u \sim \mathcal{N}(L\mu + m, S)
    """
    last = block([[zeros(k, n), identity(k)]])
    certify(
        prove_equal(
            last @ joint_cov(K0, Sigma0) @ last.T,
            L @ K0 @ L.T + Sigma0,
            mutants={"noise left out": L @ K0 @ L.T, "the noise alone": Sigma0},
        ),
        prove_equal(last @ block([[mu], [L @ mu + m]]), L @ mu + m, mutants={"offset left out": L @ mu}),
        uses=("eq-joint-gaussian", "eq-gaussian-marginal"),
    )


def test_eq_posterior_gain(certify):
    r"""
    G = K L^\top S^{-1} = \big( K^{-1} + L^\top \Sigma^{-1} L \big)^{-1} L^\top \Sigma^{-1}
    """
    certify(
        prove_equal(
            gain_of(K, Sigma),
            information.inv @ L.T @ Sigma.inv,
            mutants={
                "prior precision left out": (one + L.T @ Sigma.inv @ L).inv @ L.T @ Sigma.inv,
                "noise not inverted": information.inv @ L.T @ Sigma,
                "minus": (K.inv - L.T @ Sigma.inv @ L).inv @ L.T @ Sigma.inv,
                "prior covariance in front": K @ L.T @ Sigma.inv,
            },
        ),
        uses=("eq-push-through",),
    )


def test_eq_posterior_mean(certify):
    r"""
    \mu_+ = \mu + G \, (u - L\mu - m)
    """
    mean = mu + gain_of(K, Sigma) @ surprise
    first, last = block([[one, zeros(n, k)]]), block([[zeros(k, n), identity(k)]])
    C = joint_cov(K0, Sigma0)
    certify(
        prove_equal(
            mu + (first @ C @ last.T) @ (last @ C @ last.T).inv @ surprise,
            posterior_mean,
            mutants={"minus": mu - gain @ surprise, "no gain": mu + K0 @ L.T @ surprise},
        ),
        prove_equal(
            K.inv @ (mean - mu),
            L.T @ Sigma.inv @ (u - L @ mean - m),
            mutants={
                "not the peak of the joint density": L.T @ Sigma.inv @ (u - L @ mu - m),
                "offset added": L.T @ Sigma.inv @ (u - L @ mean + m),
            },
        ),
        uses=("eq-gaussian-conditional", "eq-joint-gaussian"),
    )


def test_eq_posterior_covariance(certify):
    r"""
    K_+ = K - G L K = K - K L^\top \big( L K L^\top + \Sigma \big)^{-1} L K
    """
    first, last = block([[one, zeros(n, k)]]), block([[zeros(k, n), identity(k)]])
    C = joint_cov(K0, Sigma0)
    cross = first @ C @ last.T
    certify(
        prove_equal(
            first @ C @ first.T - cross @ (last @ C @ last.T).inv @ cross.T,
            posterior_cov,
            mutants={
                "plus": K0 + gain @ L @ K0,
                "K left out": K0 - gain @ L,
                "noise left out of the gain": K0 - K0 @ L.T @ (L @ K0 @ L.T).inv @ L @ K0,
            },
        ),
        uses=("eq-gaussian-conditional", "eq-joint-gaussian"),
    )


def exponent():
    """Half of the square that stands, with a minus, in the exponent of the joint density."""
    residual = u - L @ v - m
    return half * ((v - mu).T @ K.inv @ (v - mu)) + half * (residual.T @ Sigma.inv @ residual)


def test_eq_posterior_precision(certify):
    r"""
    K_+^{-1} = K^{-1} + L^\top \Sigma^{-1} L
    """
    slope = K.inv @ (v - mu) - L.T @ Sigma.inv @ (u - L @ v - m)
    certify(
        prove_gradient(exponent(), v, slope, mutants={"sign": K.inv @ (v - mu) + L.T @ Sigma.inv @ (u - L @ v - m)}),
        prove_jacobian(slope, v, information, mutants={"minus": K.inv - L.T @ Sigma.inv @ L, "prior alone": K.inv}),
        prove_equal(
            posterior_of(K, Sigma).inv,
            information,
            mutants={
                "noise not inverted": K.inv + L.T @ Sigma @ L,
                "prior not inverted": K + L.T @ Sigma.inv @ L,
                "minus": K.inv - L.T @ Sigma.inv @ L,
            },
        ),
        uses=("eq-joint-precision", "eq-woodbury"),
    )


def test_eq_posterior_information(certify):
    r"""
    K_+^{-1} \mu_+ = K^{-1} \mu + L^\top \Sigma^{-1} (u - m)
    """
    certify(
        prove_equal(
            information @ (mu + gain_of(K, Sigma) @ surprise),
            K.inv @ mu + L.T @ Sigma.inv @ (u - m),
            mutants={
                "offset left out": K.inv @ mu + L.T @ Sigma.inv @ u,
                "the surprise": K.inv @ mu + L.T @ Sigma.inv @ surprise,
                "prior mean as it is": mu + L.T @ Sigma.inv @ (u - m),
            },
        ),
        uses=("eq-posterior-mean", "eq-posterior-precision"),
    )


def test_eq_posterior_joseph(certify):
    r"""
    K_+ = (I - GL) \, K \, (I - GL)^\top + G \, \Sigma \, G^\top
    """
    kept = one - gain @ L
    G = matrix("G", n, k)
    error = (one - G @ L) @ (v - mu) - G @ eta
    certify(
        prove_equal(
            posterior_cov,
            kept @ K0 @ kept.T + gain @ Sigma0 @ gain.T,
            mutants={
                "noise left out": kept @ K0 @ kept.T,
                "noise subtracted": kept @ K0 @ kept.T - gain @ Sigma0 @ gain.T,
                "one factor": kept @ K0 + gain @ Sigma0 @ gain.T,
            },
        ),
        prove_equal(  # of the error, for any gain
            expectation(error @ error.T, hidden),
            (one - G @ L) @ K0 @ (one - G @ L).T + G @ Sigma0 @ G.T,
            mutants={"the best gain only": K0 - G @ L @ K0},
        ),
        uses=("eq-posterior-covariance",),
    )


def test_eq_variance_split(certify):
    r"""
    K = K_+ + G S G^\top, \qquad \operatorname{cov}(\mu_+) = G S G^\top
    """
    moved = gain @ (L @ (v - mu) + eta)
    certify(
        prove_equal(K0, posterior_cov + gain @ S @ gain.T, mutants={"minus": posterior_cov - gain @ S @ gain.T}),
        prove_equal(
            expectation(moved @ moved.T, hidden),
            gain @ S @ gain.T,
            mutants={"noise left out": gain @ (L @ K0 @ L.T) @ gain.T},
        ),
        uses=("eq-posterior-mean", "eq-posterior-covariance"),
    )


def test_eq_information_gain(certify):
    r"""
    \mathcal{H}(v) - \mathcal{H}(v \mid u) = \tfrac{1}{2} \log \frac{\det K}{\det K_+} = \tfrac{1}{2} \log \frac{\det S}{\det \Sigma}
    """
    before = half * n * (1 + log(2 * sympy.pi)) + half * logdet(K)
    after = half * n * (1 + log(2 * sympy.pi)) + half * logdet(posterior_of(K, Sigma))
    evidence = half * logdet(L @ K @ L.T + Sigma)
    certify(
        prove_equal(
            before - after,
            evidence - half * logdet(Sigma),
            mutants={"no half": 2 * evidence - logdet(Sigma), "noise added": evidence + half * logdet(Sigma)},
        ),
        uses=("eq-gaussian-entropy", "eq-posterior-covariance"),
    )


def test_eq_gaussian_product(certify):
    r"""
    \begin{aligned}
    \mathcal{N}(v; a, A) \, \mathcal{N}(v; b, B) &= \mathcal{N}(a; b, A + B) \, \mathcal{N}(v; c, C) \\
    C &= \big( A^{-1} + B^{-1} \big)^{-1}, \quad c = C \big( A^{-1} a + B^{-1} b \big)
    \end{aligned}
    """
    A, B, e = matrix("A", n, n, "positive"), matrix("B", n, n, "positive"), vector("b", n)
    C = (A.inv + B.inv).inv
    c = C @ (A.inv @ a + B.inv @ e)

    def agreement(spread):
        return (a - e).T @ spread.inv @ (a - e) + (v - c).T @ (A.inv + B.inv) @ (v - c)

    swapped = C @ (B.inv @ a + A.inv @ e)
    certify(
        prove_equal(
            (v - a).T @ A.inv @ (v - a) + (v - e).T @ B.inv @ (v - e),
            agreement(A + B),
            mutants={
                "C for A + B": agreement(C),
                "A for A + B": agreement(A),
                "weights exchanged": (a - e).T @ (A + B).inv @ (a - e)
                + (v - swapped).T @ (A.inv + B.inv) @ (v - swapped),
            },
        ),
        prove_equal(logdet(A) + logdet(B), logdet(A + B) + logdet(C), mutants={"inverse": logdet(A + B) - logdet(C)}),
        uses=("eq-gaussian-density",),
    )


def test_eq_sequential_gaussian(certify):
    r"""
    \begin{aligned}
    K_t^{-1} &= K^{-1} + \sum_{s=1}^{t} L_s^\top \Sigma_s^{-1} L_s, \\
    K_t^{-1} \mu_t &= K^{-1} \mu + \sum_{s=1}^{t} L_s^\top \Sigma_s^{-1} (u_s - m_s)
    \end{aligned}
    """
    j = sizes("j")  # the step from t - 1 observations, stacked to L, to t: M of j rows comes last
    M, R = matrix("M", j, n), matrix("R", j, j, "positive")
    w, h = vector("w", j), vector("h", j)
    stacked = block([[L], [M]])
    noise = block([[Sigma, zeros(k, j)], [zeros(j, k), R]])
    seen = block([[u - m], [w - h]])
    step = M.T @ R.inv @ M
    certify(
        prove_equal(
            (K - K @ stacked.T @ (stacked @ K @ stacked.T + noise).inv @ stacked @ K).inv,
            information + step,
            mutants={"the last only": K.inv + step, "minus": information - step},
        ),
        prove_equal(
            K.inv @ mu + stacked.T @ noise.inv @ seen,
            K.inv @ mu + L.T @ Sigma.inv @ (u - m) + M.T @ R.inv @ (w - h),
            mutants={"offset of the last": K.inv @ mu + L.T @ Sigma.inv @ (u - m) + M.T @ R.inv @ w},
        ),
        uses=("eq-posterior-precision", "eq-posterior-information", "eq-sequential-bayes"),
    )


# the precision


def test_eq_conditional_precision(certify):
    r"""
    \operatorname{cov}(a \mid b) = C_{aa} - C_{ab} C_{bb}^{-1} C_{ba} = \big( \Lambda_{aa} \big)^{-1}, \qquad \Lambda = C^{-1}
    """
    Laa, Lbb, Lab = matrix("Lambda_aa", n, n, "positive"), matrix("T", k, k, "positive"), matrix("Lambda_ab", n, k)
    rest = Lbb + Lab.T @ Laa.inv @ Lab  # any definite precision: T is the Schur complement of its first block
    Lambda = block([[Laa, Lab], [Lab.T, rest]])
    Cab = -(Laa.inv @ Lab @ Lbb.inv)
    Caa = Laa.inv + Laa.inv @ Lab @ Lbb.inv @ Lab.T @ Laa.inv
    C = block([[Caa, Cab], [Cab.T, Lbb.inv]])
    units = block([[one, zeros(n, k)], [zeros(k, n), identity(k)]])
    certify(
        prove_equal(C @ Lambda, units, mutants={"twice": 2 * units}),
        prove_equal(
            Caa - Cab @ Lbb.inv.inv @ Cab.T,
            Laa.inv,
            mutants={"not inverted": Laa, "the marginal": Caa},
        ),
        uses=("eq-gaussian-conditional",),
    )


def test_eq_partial_correlation(certify):
    r"""
    \rho_{ij \mid \text{rest}} = \frac{-\Lambda_{ij}}{\sqrt{\Lambda_{ii} \, \Lambda_{jj}}}
    """
    p, q, s = scalar("Lambda_ii"), scalar("Lambda_jj"), scalar("Lambda_ij")
    Lambda, minors = block([[p, s], [s, q]]), block([[q, -s], [-s, p]])
    determinant = p * q - s * s
    cov = {"ii": q / determinant, "jj": p / determinant, "ij": -s / determinant}
    units = block([[identity(1), zeros(1, 1)], [zeros(1, 1), identity(1)]])
    squared = cov["ij"] * cov["ij"] / (cov["ii"] * cov["jj"])
    certify(
        prove_equal(
            Lambda @ (minors / determinant),
            units,
            assumptions=[nonzero(determinant)],
            mutants={"the sign of the precision": Lambda @ (block([[q, s], [s, p]]) / determinant)},
        ),
        prove_equal(
            squared,
            s * s / (p * q),
            assumptions=[nonzero(determinant)],
            mutants={"no root": s * s / (p * p * q * q), "not squared": s / (p * q)},
        ),
        uses=("eq-conditional-precision",),
    )


# singular, and in floating point


def test_eq_noise_free(certify):
    r"""
    \Sigma = 0, \ S = L K L^\top \ \text{invertible} \quad\Longrightarrow\quad L \mu_+ + m = u, \qquad L K_+ = 0
    """
    exact_gain = K0 @ L.T @ (L @ K0 @ L.T).inv
    certify(
        prove_equal(L @ (mu + exact_gain @ surprise) + m, u, mutants={"offset forgotten": u - m, "half way": half * u}),
        prove_equal(L @ (K0 - exact_gain @ L @ K0), zeros(k, n), mutants={"not reduced": L @ K0}),
        uses=("eq-posterior-mean", "eq-posterior-covariance"),
    )


def test_eq_posterior_root(certify):
    r"""
    K_+ = X X^\top, \qquad X = \big( (I - GL) F, \ G T \big)
    """
    FF, TT = F @ F.T, T @ T.T
    G = FF @ L.T @ (L @ FF @ L.T + TT).inv
    X, wrong = block([[(one - G @ L) @ F, G @ T]]), block([[F, G @ T]])
    certify(
        prove_equal(
            X @ X.T,
            FF - G @ L @ FF,
            mutants={"plus": FF + G @ L @ FF, "not reduced": FF, "root of the prior": wrong @ wrong.T},
        ),
        uses=("eq-posterior-joseph",),
    )
