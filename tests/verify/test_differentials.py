"""Differentials of letters that are made of the variable."""

from mlpc.verify.differentials import Derivative
from mlpc.verify.expressions import block, family, index, matrix, scalar, sizes, total, trace, vector, zeros
from mlpc.verify.polynomials import Atom
from mlpc.verify.reading import Reader

n, k, N = sizes("n k N")
A, X, Y, D = matrix("A", n), matrix("X", n), matrix("Y", n, k), matrix("D", k)
a, x = vector("a", n), vector("x", n)
data, i = family("x", n), index("i")


def by(reader, variable):
    (letter,) = reader.poly(variable).leading()
    return Derivative(reader, letter, variable.shape)


def agrees(reader, poly, expression):
    return reader.rules.reduce(poly - reader.poly(expression)).is_zero


def test_every_occurrence_counts_once():
    reader = Reader([])
    assert len(list(by(reader, X).occurrences(reader.poly(X @ A @ X.T @ X)))) == 3
    assert not list(by(reader, X).occurrences(reader.poly(A @ A.T)))


def test_the_coefficient_is_differentiated_too():
    reader = Reader([])
    gradient = by(reader, X).gradient(reader.scalar(trace(X) * trace(A @ X)))
    assert agrees(reader, gradient, trace(X) * A.T + trace(A @ X) * matrix("X", n) @ X.inv)


def test_the_blocks_of_an_inverse():
    reader = Reader([])
    whole = block([[X, Y], [Y.T, D]])
    inverse = whole.inv
    picked = block([[A, zeros(n, k)], [zeros(k, n), zeros(k, k)]])
    gradient = by(reader, X).gradient(reader.scalar(trace(picked @ inverse)))
    corner = reader.read(inverse).cells[0][0]
    expected = -(corner @ reader.poly(A) @ corner).T
    reader.rules.complete()
    assert reader.rules.reduce(gradient - expected).is_zero


def test_sums_over_data():
    reader = Reader([])
    gradient = by(reader, X).gradient(reader.scalar(total(data[i].T @ X.inv @ data[i], i, N)))
    assert agrees(reader, gradient, -X.inv.T @ total(data[i] @ data[i].T, i, N) @ X.inv.T)


def test_along_a_scalar():
    reader = Reader([])
    t = scalar("t")
    derivative = Derivative(reader, Atom("symbol", t.data), t.shape)
    inverse = (A + t * X).inv
    assert agrees(reader, derivative.along(reader.poly(inverse)), -inverse @ X @ inverse)


def test_jacobians():
    reader = Reader([])
    jacobian = by(reader, x).jacobian(reader.poly((x.T @ A @ x) * x))
    assert agrees(reader, jacobian, (x.T @ A @ x) * A @ A.inv + x @ x.T @ (A + A.T))
