"""Words and polynomials in letters."""

import sympy

from mlpc.verify.expressions import sizes
from mlpc.verify.field import Scalar
from mlpc.verify.words import Letter, Poly, cyclic, form, order, rotations, size_scalar, split, transposed

n, k = sizes("n k")
one = sympy.Integer(1)
A, B, U = Letter("A", n, n), Letter("B", n, n), Letter("U", n, k)
P = Letter("P", n, n, symmetric=True)
x, y = Letter("x", n, one), Letter("y", n, one)


def test_letters_are_equal_when_the_whole_record_is():
    assert Letter("A", n, n) == A
    assert Letter("A", k, k) != A
    assert Letter("A", n, n, symmetric=True) != A
    assert Letter("Aᵀ", n, n) != A.T
    assert A.T.T == A
    assert P.T == P
    assert U.T.columns == n


def test_the_order_is_compatible_with_products():
    words = [(A,), (B,), (A, B), (B, A), (A, A, B)]
    for v in words:
        for w in words:
            if order(v) < order(w):
                assert order((A, *v, B)) < order((A, *w, B))


def test_scalars_leave_a_word():
    scalar, rest = split((A, x, x.T, B, y, y.T))
    assert rest == (A, x, y.T)
    assert (scalar - form((x.T, B, y))).is_zero
    assert split((A, B)) == (split((A,))[0], (A, B))


def test_forms_and_traces_do_not_depend_on_how_they_are_written():
    assert (form((x.T, A, y)) - form((y.T, A.T, x))).is_zero
    assert (cyclic((A, B), n) - cyclic((B.T, A.T), n)).is_zero
    assert (cyclic((U, U.T), n) - cyclic((U.T, U), k)).is_zero
    assert (cyclic((x, y.T, A), n) - form((y.T, A, x))).is_zero
    assert not (cyclic((A, B, P), n) - cyclic((A, P, B), n)).is_zero
    assert len(rotations((A, B, P))) == 6


def test_polynomials_multiply_without_commuting():
    a, b = Poly.letter(A), Poly.letter(B)
    assert not (a @ b).equals(b @ a)
    assert ((a + b) @ (a - b)).equals(a @ a - a @ b + b @ a - b @ b)
    assert (a - a).is_zero
    assert (a @ b).T.equals(b.T @ a.T)
    assert transposed((A, B)) == (B.T, A.T)


def test_polynomials_of_different_shape_differ():
    assert not Poly.letter(Letter("U", n, k)).equals(Poly.letter(Letter("U", n, n)))
    assert not Poly({}, (n, k)).equals(Poly({}, (k, n)))


def test_sizes_as_scalars():
    assert (size_scalar(n + 2 * k) - size_scalar(n) - 2 * size_scalar(k)).is_zero
    assert size_scalar(sympy.Integer(3)).constant == 3
    assert (Poly.identity(n).trace() - size_scalar(n)).is_zero


def test_the_trace_is_linear():
    a, b = Poly.letter(A), Poly.letter(B)
    assert ((a * Scalar.of(2) - b).trace() - 2 * a.trace() + b.trace()).is_zero


def test_text():
    assert repr(Poly.letter(A) @ Poly.letter(B) - Poly.identity(n) * Scalar.of(2)) == "-2 1 + A B"
