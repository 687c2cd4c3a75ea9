"""The labelled equations of the chapter on matrix calculus, one function each."""

import sympy

from mlpc.verify import (
    equal,
    identity,
    logdet,
    matrix,
    prove_equal,
    prove_gradient,
    prove_jacobian,
    prove_nonnegative,
    prove_zero,
    scalar,
    sizes,
    stated,
    trace,
    vector,
)

m, n, k, p = sizes("m n k p")
t = scalar("t")
x, w, y = vector("x", n), vector("w", n), vector("y", m)
H = matrix("H", n)


def polynomial(degree=6):
    """A polynomial with symbolic coefficients, as function of a SymPy expression, and its derivatives at x."""
    coefficients, at = sympy.symbols(f"c:{degree + 1}", real=True), sympy.Symbol("x", real=True)

    def f(z):
        return sum(c * z**power for power, c in enumerate(coefficients))

    return f, at, [sympy.diff(f(at), at, order) for order in range(degree + 1)]


def entries(name, rows, columns, symmetric=False):
    """An explicit matrix of real symbols."""
    return sympy.Matrix(
        rows,
        columns,
        lambda i, j: sympy.Symbol(f"{name}_{min(i, j)}_{max(i, j)}" if symmetric else f"{name}_{i}_{j}", real=True),
    )


def test_eq_gradient_layout(certify):
    r"""
    f(X + H) = f(X) + \operatorname{tr}(G^\top H) + o(\lVert H \rVert),
    \qquad G = \nabla f(X) = \frac{\partial f}{\partial X}
    """
    A, X, D = matrix("A", m), matrix("X", m, n), matrix("D", m, n)
    G = (A + A.T) @ X
    remainder = trace((X + D).T @ A @ (X + D)) - trace(X.T @ A @ X) - trace(G.T @ D)
    second_order = prove_equal(remainder, trace(D.T @ A @ D), mutants={"G is not this one": trace(D.T @ A.T @ X)})
    certify(
        stated(
            r"f(X + H) = f(X) + \operatorname{tr}(G^\top H) + o(\lVert H \rVert)",
            reason="definition of the gradient; for a quadratic function the remainder is proved to be of second order",
            computed=second_order,
        )
    )


def test_eq_trace_is_sum(certify):
    r"""
    \operatorname{tr}(G^\top H) = \sum_{i=1}^{m} \sum_{j=1}^{n} G_{ij} H_{ij}
    """
    rows, columns, i, j = sympy.symbols("m n i j", integer=True, positive=True)
    G, H = sympy.IndexedBase("G"), sympy.IndexedBase("H")
    left = sympy.Sum(sympy.Sum(G[i, j] * H[i, j], (i, 1, rows)), (j, 1, columns))  # tr: the diagonal of GᵀH, summed
    right = sympy.Sum(sympy.Sum(G[i, j] * H[i, j], (j, 1, columns)), (i, 1, rows))
    only = sympy.Sum(G[i, i] * H[i, i], (i, 1, rows))
    certify(prove_zero(left - right, mutants={"only the diagonal": left - only, "counted twice": left - 2 * right}))


def test_eq_jacobian_layout(certify):
    r"""
    F(x + h) = F(x) + J h + o(\lVert h \rVert), \qquad
    J_{ij} = \frac{\partial F_i}{\partial x_j}, \quad J \in \mathbb{R}^{k \times n}
    """
    a, h = vector("a", n), vector("h", n)
    F, J = x @ x.T @ a, x.T @ a * identity(n) + x @ a.T
    remainder = (x + h) @ (x + h).T @ a - F - J @ h
    second_order = prove_equal(
        remainder, h @ h.T @ a, mutants={"J transposed": h @ h.T @ a + a @ x.T @ h - x @ a.T @ h}
    )
    certify(
        stated(
            r"F(x + h) = F(x) + J h + o(\lVert h \rVert)",
            reason="definition of the Jacobian; for a quadratic map the remainder is proved to be of second order",
            computed=second_order,
        )
    )


def test_eq_product_rule(certify):
    r"""
    d(XY) = (dX)\,Y + X\,(dY)
    """
    X, Y, D, E = matrix("X", m, n), matrix("Y", n, k), matrix("D", m, n), matrix("E", n, k)
    increment = prove_equal(
        (X + D) @ (Y + E) - X @ Y,
        D @ Y + X @ E + D @ E,
        mutants={"only one factor moves": D @ Y + D @ E, "product of the differentials": X @ Y + D @ E},
    )
    along_lines = prove_gradient(
        (X + t * D) @ (Y + t * E),
        t,
        D @ (Y + t * E) + (X + t * D) @ E,
        mutants={"product of the differentials": D @ E, "minus": D @ (Y + t * E) - (X + t * D) @ E},
    )
    certify(increment, along_lines)


def test_eq_inverse_differential(certify):
    r"""
    d(X^{-1}) = -X^{-1}\,(dX)\,X^{-1}
    """
    X = matrix("X", n, n, "invertible")
    inverse, moved = X.inv, (X + H).inv
    increment = prove_equal(
        moved,
        inverse - inverse @ H @ inverse + inverse @ H @ moved @ H @ inverse,
        mutants={
            "sign": inverse + inverse @ H @ inverse + inverse @ H @ moved @ H @ inverse,
            "first order only": inverse - inverse @ H @ inverse,
        },
    )
    line = (X + t * H).inv
    along_lines = prove_gradient(
        line, t, -line @ H @ line, mutants={"sign": line @ H @ line, "like a number": -H @ line @ line}
    )
    certify(increment, along_lines)


def test_eq_logdet_differential(certify):
    r"""
    d \log \lvert \det X \rvert = \operatorname{tr}(X^{-1}\,dX)
    """
    X = matrix("X", n)
    line = X + t * H
    slips = {"not inverted": trace(line @ H), "transposed": trace(line.inv.T @ H), "sign": -trace(line.inv @ H)}
    along_lines = prove_gradient(logdet(line), t, trace(line.inv @ H), mutants=slips)

    # the rule itself, which the proof for all sizes takes as known: d det X = tr(adj X dX), and adj X = det X · X⁻¹
    Y, E, step = entries("x", 3, 3), entries("h", 3, 3), sympy.Symbol("t", real=True)
    adjugate = Y.adjugate()
    slope = (Y + step * E).det(method="berkowitz").expand().coeff(step, 1)
    of_the_determinant = prove_zero(
        slope - (adjugate * E).trace(),
        mutants={"transposed": slope - (adjugate.T * E).trace(), "not multiplied": slope - E.trace()},
        sizes={"n": 3},
    )
    inverse = Y * adjugate
    multiples = (
        prove_zero(
            inverse[i, j] - (Y.det() if i == j else 0),
            mutants={"transposed": (Y * adjugate.T)[i, j] - (Y.det() if i == j else 0)},
            sizes={"n": 3},
        )
        for i in range(3)
        for j in range(3)
    )
    certify(along_lines, of_the_determinant, *multiples)


def test_eq_trace_rotation(certify):
    r"""
    \operatorname{tr}(ABC) = \operatorname{tr}(BCA) = \operatorname{tr}(CAB),
    \qquad \operatorname{tr}(ABC) = \operatorname{tr}(C^\top B^\top A^\top)
    """
    A, B, C = matrix("A", m, n), matrix("B", n, k), matrix("C", k, m)
    P, Q, R = matrix("P", n), matrix("Q", n), matrix("R", n)
    certify(
        prove_equal(trace(A @ B @ C), trace(B @ C @ A), mutants={"twice": 2 * trace(B @ C @ A)}),
        prove_equal(trace(P @ Q @ R), trace(R @ P @ Q), mutants={"shuffled": trace(Q @ P @ R)}),
        prove_equal(trace(P @ Q @ R), trace(R.T @ Q.T @ P.T), mutants={"order kept": trace(P.T @ Q.T @ R.T)}),
    )


def test_eq_quadratic_gradient(certify):
    r"""
    \frac{\partial\, x^\top A x}{\partial x} = (A + A^\top)\,x
    """
    A = matrix("A", n)
    slips = {"symmetry assumed": 2 * A @ x, "one occurrence": A @ x, "the other one": A.T @ x, "minus": (A - A.T) @ x}
    certify(prove_gradient(x.T @ A @ x, x, (A + A.T) @ x, mutants=slips), slide=True)


def test_eq_quadratic_gradient_symmetric(certify):
    r"""
    \frac{\partial\, x^\top A x}{\partial x} = 2 A x \qquad \text{if } A = A^\top
    """
    A = matrix("A", n, n, "symmetric")
    slips = {"one occurrence": A @ x, "sign": -2 * A @ x, "a square too many": 2 * A @ A @ x}
    certify(prove_gradient(x.T @ A @ x, x, 2 * A @ x, mutants=slips), slide=True)


def test_eq_trace_gradient(certify):
    r"""
    \frac{\partial \operatorname{tr}(X^\top A)}{\partial X} = A
    """
    X, A = matrix("X", m, n), matrix("A", m, n)
    Y, B = matrix("Y", n), matrix("B", n)
    wide = prove_gradient(trace(X.T @ A), X, A, mutants={"sign": -A, "twice": 2 * A, "the variable": X})
    square = prove_gradient(trace(Y.T @ B), Y, B, mutants={"transposed": B.T, "symmetric part": (B + B.T) / 2})
    certify(wide, square, slide=True)


def test_eq_inverse_gradient(certify):
    r"""
    \frac{\partial\, a^\top X^{-1} b}{\partial X} = -X^{-\top} a\, b^\top X^{-\top}
    """
    X, a, b = matrix("X", n), vector("a", n), vector("b", n)
    slips = {
        "sign": X.inv.T @ a @ b.T @ X.inv.T,
        "transposed": -X.inv @ b @ a.T @ X.inv,
        "inverses not transposed": -X.inv @ a @ b.T @ X.inv,
        "one inverse": -X.inv.T @ a @ b.T,
    }
    certify(prove_gradient(a.T @ X.inv @ b, X, -X.inv.T @ a @ b.T @ X.inv.T, mutants=slips))


def test_eq_logdet_gradient(certify):
    r"""
    \frac{\partial \log \lvert \det X \rvert}{\partial X} = X^{-\top}
    """
    X = matrix("X", n)
    slips = {"not transposed": X.inv, "not inverted": X, "sign": -X.inv.T}
    certify(prove_gradient(logdet(X), X, X.inv.T, mutants=slips), uses=("eq-logdet-differential",))


def test_eq_residual_gradient(certify):
    r"""
    \frac{\partial \lVert AXB - C \rVert^2}{\partial X} = 2 A^\top (AXB - C)\, B^\top
    """
    X, A, B, C = matrix("X", m, n), matrix("A", k, m), matrix("B", n, p), matrix("C", k, p)
    R = A @ X @ B - C
    slips = {"missing factor": A.T @ R @ B.T, "sign": -2 * A.T @ R @ B.T, "target forgotten": 2 * A.T @ A @ X @ B @ B.T}
    certify(prove_gradient(trace(R.T @ R), X, 2 * A.T @ R @ B.T, mutants=slips))


def test_eq_covariance_gradient(certify):
    r"""
    \frac{\partial}{\partial X} \left( \log \det X + \operatorname{tr}(X^{-1} S) \right)
    = X^{-\top} - X^{-\top} S^\top X^{-\top}
    """
    X, S = matrix("X", n), matrix("S", n)
    gradient = X.inv.T - X.inv.T @ S.T @ X.inv.T
    slips = {
        "S not transposed": X.inv.T - X.inv.T @ S @ X.inv.T,
        "nothing transposed": X.inv - X.inv @ S @ X.inv,
        "sign": X.inv.T + X.inv.T @ S.T @ X.inv.T,
    }
    certify(prove_gradient(logdet(X) + trace(X.inv @ S), X, gradient, mutants=slips))


def test_eq_central_difference(certify):
    r"""
    \frac{f(x + h) - f(x - h)}{2h} = f'(x) + \frac{h^2}{6} f'''(x) + O(h^4)
    """
    f, at, d = polynomial()
    h = sympy.Symbol("h", positive=True)
    quotient = (f(at + h) - f(at - h)) / (2 * h)
    rest = h**4 / 120 * d[5]  # what O(h⁴) is, for a polynomial of degree 6
    slips = {
        "one-sided": quotient - d[1] - h / 2 * d[2] - rest,
        "half of the third derivative": quotient - d[1] - h**2 / 2 * d[3] - rest,
        "sign": quotient - d[1] + h**2 / 6 * d[3] - rest,
    }
    certify(prove_zero(quotient - d[1] - h**2 / 6 * d[3] - rest, mutants=slips, sizes={"degree": 6}))


def test_eq_best_step(certify):
    r"""
    \begin{aligned}
    t(h) &= \frac{h^2}{6} \lvert f''' \rvert + \frac{\varepsilon \lvert f \rvert}{h} \ \ge\ t(h_*) = \frac{h_*^2}{2} \lvert f''' \rvert \\
    h_* &= \left( \frac{3\, \varepsilon \lvert f \rvert}{\lvert f''' \rvert} \right)^{1/3}
    \end{aligned}
    """
    eps, F, M, h, s = sympy.symbols("epsilon F M h s", positive=True)
    best = sympy.Symbol("h_best", positive=True)
    definition = [sympy.Eq(best, sympy.cbrt(3 * eps * F / M))]

    def error(h):
        return h**2 / 6 * M + eps * F / h

    slope = sympy.diff(error(h), h)
    stationary = prove_zero(
        slope.subs(h, best), assumptions=definition, mutants={"twice the step": slope.subs(h, 2 * best)}
    )
    value = prove_zero(
        error(best) - best**2 / 2 * M,
        assumptions=definition,
        mutants={"truncation alone": error(best) - best**2 / 6 * M, "rounding alone": error(best) - best**2 / 3 * M},
    )
    excess = M * best**2 / 6 * (s**2 + 2 / s - 3)  # of a step s times as long
    elsewhere = prove_zero(
        error(s * best) - error(best) - excess,
        assumptions=definition,
        mutants={"sign": error(s * best) - error(best) + excess},
    )
    smallest = prove_nonnegative(
        excess, M * best**2 / 6 * (s - 1) ** 2 * (s + 2) / s, mutants={"beyond the minimum": excess - M * best**2 / 6}
    )
    certify(stationary, value, elsewhere, smallest)


def test_eq_complex_step(certify):
    r"""
    \frac{\operatorname{Im} f(x + \mathrm{i} h)}{h} = f'(x) - \frac{h^2}{6} f'''(x) + O(h^4)
    """
    f, at, d = polynomial()
    h = sympy.Symbol("h", positive=True)
    sideways = sympy.im(sympy.expand(f(at + sympy.I * h))) / h
    rest = h**4 / 120 * d[5]
    slips = {
        "sign of the truncation": sideways - d[1] - h**2 / 6 * d[3] - rest,
        "real part": sympy.re(sympy.expand(f(at + sympy.I * h))) / h - d[1] + h**2 / 6 * d[3] - rest,
        "no truncation": sideways - d[1] - rest,
    }
    certify(prove_zero(sideways - d[1] + h**2 / 6 * d[3] - rest, mutants=slips, sizes={"degree": 6}))


def test_eq_chain_rule(certify):
    r"""
    \nabla (g \circ F)(x) = J(x)^\top\, \nabla g(F(x))
    """
    J, slope, h = matrix("J", k, n), vector("g", k), vector("h", n)
    backwards = prove_equal(slope.T @ (J @ h), (J.T @ slope).T @ h, mutants={"twice": 2 * (J.T @ slope).T @ h})
    a, B = vector("a", n), matrix("B", n)
    F = x @ x.T @ a  # a map that is not linear, and a quadratic function of its value
    jacobian = prove_jacobian(
        F, x, x.T @ a * identity(n) + x @ a.T, mutants={"transposed": x.T @ a * identity(n) + a @ x.T}
    )
    composed = prove_gradient(
        F.T @ B @ F,
        x,
        (x.T @ a * identity(n) + a @ x.T) @ (B + B.T) @ F,
        mutants={"Jacobian not transposed": (x.T @ a * identity(n) + x @ a.T) @ (B + B.T) @ F},
    )
    certify(backwards, jacobian, composed)


def test_eq_layer_gradient(certify):
    r"""
    \nabla_W\, g(\sigma(WX)) = \left( D \odot \sigma'(Z) \right) X^\top, \qquad Z = WX, \quad D = \nabla g(\sigma(Z))
    """
    W, X, C = entries("w", 2, 2), entries("x", 2, 3), entries("c", 2, 3)
    z, b = sympy.Symbol("z", real=True), sympy.symbols("b:4", real=True)
    sigma = sum(c * z**power for power, c in enumerate(b))  # any cubic, in the place of any function

    def applied(function, Z):
        return Z.applyfunc(lambda entry: function.subs(z, entry))

    Z = W * X
    outputs, slopes = applied(sigma, Z), applied(sympy.diff(sigma, z), Z)
    loss = sum(C.multiply_elementwise(outputs.multiply_elementwise(outputs))) / 2
    D = C.multiply_elementwise(outputs)  # its gradient with respect to the outputs
    claimed = D.multiply_elementwise(slopes) * X.T
    slip, late = D * X.T, D.multiply_elementwise(slopes)[:, :2]
    size = {"W": "2 x 2", "X": "2 x 3"}

    rows, columns, inputs, i, j, k = sympy.symbols("m N n i j k", integer=True, positive=True)
    G, s, E, x = (sympy.IndexedBase(name) for name in "GsEx")  # gradient, slopes, dW, inputs, of any size
    along = sympy.Sum(
        sympy.Sum(G[i, j] * s[i, j] * sympy.Sum(E[i, k] * x[k, j], (k, 1, inputs)), (j, 1, columns)), (i, 1, rows)
    )

    def read_off(product):
        return sympy.Sum(sympy.Sum(E[i, k] * sympy.Sum(product, (j, 1, columns)), (k, 1, inputs)), (i, 1, rows))

    rotation = prove_zero(
        along - read_off(G[i, j] * s[i, j] * x[k, j]),
        mutants={"slopes forgotten": along - read_off(G[i, j] * x[k, j])},
    )
    certify(
        rotation,
        *(
            prove_zero(
                loss.diff(W[i, j]) - claimed[i, j],
                mutants={
                    "activation not differentiated": loss.diff(W[i, j]) - slip[i, j],
                    "inputs forgotten": loss.diff(W[i, j]) - late[i, j],
                },
                sizes=size,
            )
            for i in range(2)
            for j in range(2)
        ),
    )


def test_eq_quadratic_hessian(certify):
    r"""
    \nabla^2 (x^\top A x) = A + A^\top
    """
    A = matrix("A", n)
    slips = {"symmetry assumed": 2 * A, "one occurrence": A, "antisymmetric part": A - A.T}
    certify(prove_jacobian((A + A.T) @ x, x, A + A.T, mutants=slips), uses=("eq-quadratic-gradient",))


def test_eq_logdet_second(certify):
    r"""
    d^2 \log \lvert \det X \rvert = -\operatorname{tr}(X^{-1}\,dX\,X^{-1}\,dX)
    """
    X = matrix("X", n)
    line = X + t * H
    second = -trace(line.inv @ H @ line.inv @ H)
    slips = {
        "sign": trace(line.inv @ H @ line.inv @ H),
        "one transposed": -trace(line.inv @ H @ line.inv.T @ H),
        "square of the first": -(trace(line.inv @ H) ** 2),
    }
    certify(prove_gradient(trace(line.inv @ H), t, second, mutants=slips), uses=("eq-logdet-differential",))


def test_eq_logdet_concave(certify):
    r"""
    \operatorname{tr}(X^{-1} H X^{-1} H) = \lVert R^{-1} H R^{-\top} \rVert^2 \qquad \text{if } X = RR^\top,\ H = H^\top
    """
    R, D = matrix("R", n, n, "invertible"), matrix("D", n, n, "symmetric")
    X, root = R @ R.T, R.inv @ D @ R.inv.T
    slips = {
        "roots in the wrong order": trace((R.inv.T @ D @ R.inv).T @ (R.inv.T @ D @ R.inv)),
        "root in the place of its inverse": trace((R.T @ D @ R).T @ (R.T @ D @ R)),
    }
    certify(prove_equal(trace(X.inv @ D @ X.inv @ D), trace(root.T @ root), mutants=slips))


def test_eq_symmetric_gradient(certify):
    r"""
    \operatorname{tr}(G^\top H) = \operatorname{tr}(G_s^\top H) \quad \text{for all } H = H^\top, \qquad
    G_s = \frac{G + G^\top}{2}
    """
    G, D = matrix("G", n), matrix("D", n, n, "symmetric")
    slips = {"not halved": trace((G + G.T).T @ D), "antisymmetric part": trace((G - G.T).T @ D) / 2}
    certify(prove_equal(trace(G.T @ D), trace(((G + G.T) / 2).T @ D), mutants=slips))


def test_eq_independent_entries(certify):
    r"""
    \operatorname{tr}(G^\top H) = \sum_{i \le j} P_{ij} H_{ij} \ \ \text{for all } H = H^\top, \quad
    P = G + G^\top - \operatorname{diag}(G)
    """
    size, i, j = sympy.symbols("n i j", integer=True, positive=True)
    G, S = sympy.IndexedBase("G"), sympy.IndexedBase("S")
    last = size + 1

    def H(i, j):
        return S[i, j] + S[j, i]  # any symmetric matrix

    def trace_of(n):
        return sympy.Sum(sympy.Sum(G[i, j] * H(i, j), (j, 1, n)), (i, 1, n))

    def column(above, corner):
        """What the sum over i ≤ j gains with j = n + 1, if P has these entries above the diagonal and on it."""
        return sympy.Sum(above(i, last) * H(i, last), (i, 1, size)) + corner * H(last, last)

    def both(i, j):
        return G[i, j] + G[j, i]

    corner = G[last, last]
    gain = trace_of(last) - trace_of(size)
    slips = {
        "all entries": gain - column(both, corner) - sympy.Sum(both(i, last) * H(i, last), (i, 1, size)),
        "diagonal twice": gain - column(both, 2 * corner),
        "symmetric part": gain - column(lambda i, j: both(i, j) / 2, corner),
        "one triangle of G": gain - column(lambda i, j: G[i, j], corner),
    }
    # by induction: for n = 1 both sides are G₁₁ H₁₁, and from n to n + 1 they gain the same
    certify(prove_zero(gain - column(both, both(last, last) - corner), mutants=slips))


def test_eq_double_counting(certify):
    r"""
    \operatorname{tr}(P^\top H) = 2 \operatorname{tr}(G^\top H) - \sum_{i} G_{ii} H_{ii} \qquad \text{if } H = H^\top
    """
    size, i, j = sympy.symbols("n i j", integer=True, positive=True)
    G, S = sympy.IndexedBase("G"), sympy.IndexedBase("S")

    def product(left):
        """The trace of leftᵀ H, for the symmetric H = S + Sᵀ."""
        return sympy.Sum(sympy.Sum(left * (S[i, j] + S[j, i]), (j, 1, size)), (i, 1, size))

    diagonal = sympy.Sum(G[i, i] * (S[i, i] + S[i, i]), (i, 1, size))
    doubled, slope = product(G[i, j] + G[j, i]) - diagonal, product(G[i, j])
    slips = {
        "the slope itself": doubled - slope,
        "twice the slope": doubled - 2 * slope,
        "diagonal added": doubled - 2 * slope - diagonal,
    }
    certify(prove_zero(doubled - 2 * slope + diagonal, mutants=slips))


def test_eq_doubled_step(certify):
    r"""
    X_{ij} - C_{ij} \ \longmapsto\
    \begin{cases}
    (1 - \eta)\,(X_{ij} - C_{ij}) & \text{for } i = j \\
    (1 - 2\eta)\,(X_{ij} - C_{ij}) & \text{for } i \neq j
    \end{cases}
    """
    X_ij, C_ij, eta = sympy.symbols("X_ij C_ij eta", real=True)
    error = X_ij - C_ij  # the gradient at (i, j) and, by symmetry, at (j, i)
    on, off = error - eta * (error + error - error), error - eta * (error + error)
    certify(
        prove_zero(on - (1 - eta) * error, mutants={"doubled": on - (1 - 2 * eta) * error}),
        prove_zero(off - (1 - 2 * eta) * error, mutants={"not doubled": off - (1 - eta) * error}),
    )


def test_eq_ridge_gradient(certify):
    r"""
    \nabla f(w) = 2 \Phi^\top (\Phi w - y) + 2 \alpha w, \qquad \nabla^2 f = 2\,(\Phi^\top \Phi + \alpha I)
    """
    Phi, alpha = matrix("Phi", m, n), scalar("alpha")
    r = Phi @ w - y
    gradient = 2 * Phi.T @ r + 2 * alpha * w
    first = prove_gradient(
        r.T @ r + alpha * w.T @ w,
        w,
        gradient,
        mutants={
            "sign of the residual": -2 * Phi.T @ r + 2 * alpha * w,
            "ridge without its factor": 2 * Phi.T @ r + alpha * w,
            "ridge forgotten": 2 * Phi.T @ r,
        },
    )
    second = prove_jacobian(
        gradient,
        w,
        2 * (Phi.T @ Phi + alpha * identity(n)),
        mutants={"missing factor": Phi.T @ Phi + alpha * identity(n), "ridge forgotten": 2 * Phi.T @ Phi},
    )
    certify(first, second)


def test_eq_normal_equations(certify):
    r"""
    \begin{aligned}
    &(\Phi^\top \Phi + \alpha I)\, \hat w = \Phi^\top y \\
    &\quad \Longrightarrow\ f(w) = f(\hat w) + (w - \hat w)^\top (\Phi^\top \Phi + \alpha I)\, (w - \hat w)
    \end{aligned}
    """
    Phi, alpha, best = matrix("Phi", m, n), scalar("alpha"), vector("w_hat", n)
    r, d = Phi @ w - y, w - best
    Q, c, rest = matrix("Q", n, n, "symmetric"), vector("c", n), scalar("s")

    def parabola(w, Q, c, rest):
        return w.T @ Q @ w - 2 * w.T @ c + rest

    Gram, Phi_y, y_y = Phi.T @ Phi + alpha * identity(n), Phi.T @ y, y.T @ y
    is_parabola = prove_equal(
        r.T @ r + alpha * w.T @ w,
        parabola(w, Gram, Phi_y, y_y),
        mutants={
            "linear term once": parabola(w, Gram, Phi_y / 2, y_y),
            "ridge forgotten": parabola(w, Phi.T @ Phi, Phi_y, y_y),
        },
    )
    around_its_minimum = prove_equal(
        parabola(w, Q, c, rest),
        parabola(best, Q, c, rest) + d.T @ Q @ d,
        assumptions=[equal(c, Q @ best)],  # the normal equations
        mutants={
            "half": parabola(best, Q, c, rest) + d.T @ Q @ d / 2,
            "sign": parabola(best, Q, c, rest) - d.T @ Q @ d,
        },
    )
    certify(is_parabola, around_its_minimum, uses=("eq-ridge-gradient",))


def test_eq_descent_error(certify):
    r"""
    w_{t+1} - \hat w = \left( I - 2\eta\,(\Phi^\top \Phi + \alpha I) \right) (w_t - \hat w)
    """
    Phi, alpha, eta, best = matrix("Phi", m, n), scalar("alpha"), scalar("eta"), vector("w_hat", n)
    Q, c = matrix("Q", n, n, "symmetric"), vector("c", n)
    gradient = 2 * Phi.T @ (Phi @ w - y) + 2 * alpha * w
    Gram = Phi.T @ Phi + alpha * identity(n)
    affine = prove_equal(gradient, 2 * (Gram @ w - Phi.T @ y), mutants={"missing factor": Gram @ w - Phi.T @ y})
    step = prove_equal(
        w - eta * 2 * (Q @ w - c) - best,
        (identity(n) - 2 * eta * Q) @ (w - best),
        assumptions=[equal(c, Q @ best)],  # the normal equations
        mutants={
            "missing factor": (identity(n) - eta * Q) @ (w - best),
            "sign": (identity(n) + 2 * eta * Q) @ (w - best),
        },
    )
    certify(affine, step, uses=("eq-ridge-gradient", "eq-normal-equations"))


def test_eq_descent_rate(certify):
    r"""
    \begin{aligned}
    \eta = \frac{2}{\lambda_{\min} + \lambda_{\max}}
    &\ \Longrightarrow\ 1 - \eta \lambda_{\min} = -(1 - \eta \lambda_{\max}) = \frac{\kappa - 1}{\kappa + 1} \\
    &\ \text{where}\quad \kappa = \frac{\lambda_{\max}}{\lambda_{\min}}
    \end{aligned}
    """
    least, largest = sympy.symbols("lambda_min lambda_max", positive=True)
    eta, kappa = 2 / (least + largest), largest / least
    rate = (kappa - 1) / (kappa + 1)
    certify(
        prove_zero(1 - eta * least - rate, mutants={"half of the step": 1 - eta / 2 * least - rate}),
        prove_zero(-(1 - eta * largest) - rate, mutants={"sign": 1 - eta * largest - rate, "1/κ": 1 / kappa - rate}),
    )
