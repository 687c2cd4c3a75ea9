"""Polynomials entry by entry."""

import sympy

from mlpc.verify.components import components
from mlpc.verify.expressions import det, identity, matrix, sizes, trace, vector
from mlpc.verify.reading import Reader

A, B, x = matrix("A", 2), matrix("B", 2), vector("x", 2)


def entries(expression):
    return components(Reader([]).poly(expression))


def test_entries_are_those_of_sympy():
    a, b = (sympy.Matrix(2, 2, sympy.symbols(f"{name}:2:2")) for name in "ab")
    product = a * b - b * a
    assert sum(len(entry.terms) for entry in entries(A @ B - B @ A)) == sum(
        len(sympy.expand(entry).args) for entry in product
    )


def test_what_is_zero_entry_by_entry():
    assert all(entry.is_zero for entry in entries((x.T @ A @ x) - trace(A @ x @ x.T)))
    assert not all(entry.is_zero for entry in entries(A @ B - B @ A))


def test_determinants_are_expanded():
    assert all(entry.is_zero for entry in entries(det(A @ B) - det(B @ A)))
    assert all(entry.is_zero for entry in entries(A @ A - trace(A) * A + det(A) * identity(2)))
    assert not all(entry.is_zero for entry in entries(det(A + B) - det(A) - det(B)))


def test_symbolic_sizes_have_no_entries():
    assert entries(matrix("A", sizes("n"))) is None
    assert entries(det(A)) is not None
