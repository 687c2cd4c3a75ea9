"""The Fourier identities hold for roots of unity kept as letters, at the n and under the hypothesis stated."""

import pytest
import sympy

from mlpc.verify.roots import prove_roots


def letters(name, n):
    return sympy.symbols(f"{name}:{n}")


def transform(values, w):
    n = len(values)
    return [sum(values[j] * w ** (j * k) for j in range(n)) for k in range(n)]


def x_hat(n, w):
    return transform(letters("x", n), w)


def shifted(n, w):
    x = letters("x", n)
    return transform([x[(j - 1) % n] for j in range(n)], w)


def convolved(n, w):
    x, y = letters("x", n), letters("y", n)
    return transform([sum(x[j] * y[(k - j) % n] for j in range(n)) for k in range(n)], w)


def product(n, w):
    return [a * b for a, b in zip(x_hat(n, w), transform(letters("y", n), w), strict=True)]


def energy_of_the_transform(n, w):
    return sum(a * b for a, b in zip(x_hat(n, w), x_hat(n, w**-1), strict=True))


def energy(n, w):
    return n * sum(a**2 for a in letters("x", n))


def fourier(n, w):
    return sympy.Matrix(n, n, lambda j, k: w ** (j * k))


def circulant(n):
    x = letters("x", n)
    return sympy.Matrix(n, n, lambda i, j: x[(i - j) % n])


PROVED = {
    "shift": (
        shifted,
        lambda n, w: [w**k * value for k, value in enumerate(x_hat(n, w))],
        {"the other way": lambda n, w: [w**-k * value for k, value in enumerate(x_hat(n, w))]},
    ),
    "convolution": (convolved, product, {"divided by n": lambda n, w: [value / n for value in product(n, w)]}),
    "circulant matrices": (
        lambda n, w: fourier(n, w) * circulant(n),
        lambda n, w: sympy.diag(*x_hat(n, w)) * fourier(n, w),
        {"conjugate": lambda n, w: sympy.diag(*x_hat(n, w**-1)) * fourier(n, w)},
    ),
}


@pytest.mark.parametrize("name", PROVED)
def test_what_needs_no_primitive_root_is_proved_for_all_roots(name):
    left, right, mutants = PROVED[name]
    certificate = prove_roots(left, right, sizes=(4, 5, 6, 8), primitive=False, mutants=mutants)
    assert certificate, certificate.residual
    assert certificate.grade == "B"
    assert certificate.scope == "n=4, 5, 6, 8"
    assert certificate.mutants == tuple(mutants)


def test_parseval_needs_a_primitive_root():
    mutants = {"n left out": lambda n, w: energy(n, w) / n}
    assert prove_roots(energy_of_the_transform, energy, sizes=(4, 5, 6, 8), mutants=mutants)
    certificate = prove_roots(energy_of_the_transform, energy, sizes=(4, 5, 6, 8), primitive=False)
    assert not certificate
    assert "at n=4 there remains" in certificate.residual


def test_the_wrong_is_refused():
    certificate = prove_roots(shifted, x_hat)
    assert not certificate
    assert certificate.residual
    certificate = prove_roots(shifted, PROVED["shift"][1], mutants={"the same": PROVED["shift"][1]})
    assert "the same" in certificate.residual


def test_what_is_no_polynomial_in_w_is_refused():
    certificate = prove_roots(lambda n, w: 1 / (1 - w), lambda n, w: w)
    assert not certificate
    assert "no polynomial" in certificate.residual


def test_what_is_trivial_as_read_is_refused():
    assert "trivial" in prove_roots(x_hat, x_hat).residual


def test_sides_of_other_lengths_are_an_error():
    with pytest.raises(ValueError, match="4 and 1"):
        prove_roots(x_hat, lambda n, w: w)
