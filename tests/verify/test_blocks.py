"""Block matrices."""

import pytest

from mlpc.verify.blocks import Blocks, Uncut, assemble
from mlpc.verify.expressions import sizes
from mlpc.verify.words import Letter, Poly

n, k = sizes("n k")
A, B = (Blocks.of(Poly.letter(Letter(name, n, n))) for name in "AB")
D = Blocks.of(Poly.letter(Letter("D", k, k)))
U = Blocks.of(Poly.letter(Letter("U", n, k)))
M = assemble([[A, U], [U.T, D]])
one = Blocks.of(Poly.identity(n + k))


def equal(left, right):
    return (left - right).is_zero


def test_products_go_block_by_block():
    square = M @ M
    assert square.cells[0][0].equals((A @ A + U @ U.T).single)
    assert square.cells[0][1].equals((A @ U + U @ D).single)
    assert equal(M.T.T, M)


def test_an_identity_is_cut_as_its_neighbour():
    assert equal(M @ one, M)
    assert equal(one @ M, M)
    assert equal((M + one) - one, M)


def test_what_cannot_be_cut_is_refused():
    whole = Blocks.of(Poly.letter(Letter("W", n + k, n + k)))
    with pytest.raises(Uncut, match="write it in blocks"):
        M @ whole


def test_blocks_of_blocks_are_flattened():
    nested = assemble([[M, assemble([[U], [D]])]])
    assert len(nested.columns) == 3
    assert nested.cells[1][2].equals(D.single)


def test_the_trace_is_that_of_the_diagonal():
    assert (M.trace() - A.trace() - D.trace()).is_zero
    with pytest.raises(Uncut):
        assemble([[U, A]]).trace()
