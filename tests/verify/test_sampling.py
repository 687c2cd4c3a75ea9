"""Random matrices have the properties that they are drawn for."""

import random

import pytest

from mlpc.verify import arithmetic
from mlpc.verify.arithmetic import identity, multiply, transpose
from mlpc.verify.expressions import family, matrix, scalar, sizes
from mlpc.verify.sampling import Sample, base, letters

n = sizes("n")


@pytest.fixture(params=range(5))
def sample(request):
    return Sample({n: 3}, random.Random(request.param))


def test_symmetric_and_positive(sample):
    symmetric, positive = (sample.letter(matrix(name, n, n, name)) for name in ("symmetric", "positive"))
    assert symmetric == transpose(symmetric)
    assert positive == transpose(positive)
    assert all(arithmetic.determinant([row[:k] for row in positive[:k]]) > 0 for k in (1, 2, 3))


def test_orthogonal(sample):
    for properties in (("orthogonal",), ("orthogonal", "symmetric"), ("orthogonal", "diagonal")):
        drawn = sample.letter(matrix("W", n, n, *properties))
        assert multiply(drawn, transpose(drawn)) == identity(3)
        assert len(properties) == 1 or drawn == transpose(drawn)


def test_some_orthogonal_matrices_mirror_space():
    signs = {
        arithmetic.determinant(Sample({n: 3}, random.Random(seed)).letter(matrix("W", n, n, "orthogonal")))
        for seed in range(20)
    }
    assert signs == {1, -1}


def test_diagonal(sample):
    drawn = sample.letter(matrix("D", n, n, "diagonal", "positive"))
    assert all((drawn[i][j] > 0) == (i == j) for i in range(3) for j in range(3))


def test_a_letter_is_drawn_once_and_each_of_a_family_apart(sample):
    A, x = matrix("A", n), family("x", n)
    assert sample.letter(A) is sample.letter(matrix("A", n))
    assert sample.letter(x[1], (1,)) != sample.letter(x[2], (2,))
    assert sample.letter(x[1], (1,)) == sample.letter(x[1], (1,))
    assert base(x[1]) == base(x[2])


def test_positive_scalars_are_positive():
    drawn = [Sample({}, random.Random(seed)).symbol(scalar("c", "positive").data) for seed in range(20)]
    assert min(drawn) > 0
    free = [Sample({}, random.Random(seed)).symbol(scalar("c").data) for seed in range(20)]
    assert min(free) < 0 < max(free)


def test_fine_numbers_are_small():
    fine = Sample({n: 3}, random.Random(0), digits=1).letter(matrix("A", n))
    assert max(abs(x) for row in fine for x in row) < 1


def test_a_letter_can_move(sample):
    A = matrix("A", n)
    still = sample.letter(A)
    with sample.moved(A, identity(3)):
        moved = sample.letter(A)
    assert [[x.value for x in row] for row in moved] == still == sample.letter(A)
    assert [[x.slope for x in row] for row in moved] == identity(3)


def test_letters_of_an_expression():
    A, c = matrix("A", n), scalar("c")
    assert letters(c * A @ A.T) == [c, A]
