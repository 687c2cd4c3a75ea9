"""Inverses, of polynomials and of blocks."""

import pytest

from mlpc.verify.blocks import Blocks, assemble
from mlpc.verify.expressions import sizes
from mlpc.verify.inverses import Inverses
from mlpc.verify.words import Letter, Poly

n, k = sizes("n k")
A, B, P = (Poly.letter(Letter(name, n, n, symmetric=name == "P")) for name in "ABP")
D, U, V = (Poly.letter(Letter(*entry)) for entry in (("D", k, k), ("U", n, k), ("V", k, n)))
one = Poly.identity(n)


def test_an_inverse_is_defined_by_its_relations():
    known = Inverses()
    for poly in (A, A + B, A @ B, A @ B + A @ A, A.T, U @ D @ V + A):
        inverse = known.inverse(poly)
        assert known.rules.reduce(inverse @ poly - one).is_zero
        assert known.rules.reduce(poly @ inverse - one).is_zero


def test_equal_polynomials_have_one_inverse():
    known = Inverses()
    assert known.inverse(A + B).equals(known.inverse(B + A))
    assert known.inverse((A + B).T).equals(known.inverse(A + B).T)
    assert known.inverse(known.inverse(A)).equals(A)
    assert known.inverse(P).T.equals(known.inverse(P))
    assert not known.inverse(A).equals(known.inverse(B))


def test_inverses_of_letters_that_look_alike_differ():
    known = Inverses(rank=0)
    first, second = (Poly.letter(Letter("A", n, n, of=((), mark))) for mark in "12")
    assert not known.inverse(first).equals(known.inverse(second))


@pytest.mark.parametrize("invertible", [(), (D,), (A,), (A, D)])
def test_the_inverse_of_blocks(invertible):
    known = Inverses()
    for poly in invertible:
        known.inverse(poly)
    blocks = assemble([[Blocks.of(A), Blocks.of(U)], [Blocks.of(V), Blocks.of(D)]])
    product = blocks @ known.block_inverse(blocks)
    whole = Blocks.of(Poly.identity(n + k))
    assert (product - whole).map(known.rules.reduce).is_zero


def test_determinants_of_blocks():
    known = Inverses()
    zero = Blocks.of(Poly({}, (k, n)))
    triangular = assemble([[Blocks.of(A), Blocks.of(U)], [zero, Blocks.of(D)]])
    assert (known.determinant(triangular) - known.determinant_of(A) * known.determinant_of(D)).is_zero


def test_nothing_inverts_zero():
    with pytest.raises(ZeroDivisionError):
        Inverses().inverse(A - A)
