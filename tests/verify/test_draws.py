"""Choices of sizes, and draws until all expressions have a value."""

from itertools import islice

import pytest

from mlpc.verify.constraints import Impossible
from mlpc.verify.draws import draws, size_symbols
from mlpc.verify.expressions import det, exp, family, index, log, matrix, scalar, sizes, total, vector

n, k, N = sizes("n k N")
A, U, u = matrix("A", n), matrix("U", n, k), vector("u", n)


def test_sizes_are_found_everywhere():
    data, i, c = family("x", n + 1), index("i"), scalar("c")
    assert size_symbols([U]) == [k, n]
    assert size_symbols([total(data[i], i, N)]) == [N, n]
    assert size_symbols([c**n]) == [n]
    assert size_symbols([matrix("A", 3)]) == []


def test_two_choices_of_different_sizes():
    chosen = [sizes for sizes, _ in draws([k, n], [], [U], count=2, seed=0)]
    assert len(chosen) == 4
    assert chosen[0] != chosen[-1]
    assert all(len(set(choice.values())) == 2 for choice in chosen)


def test_sizes_at_which_nothing_works_are_left_out():
    chosen = [sizes for sizes, _ in draws([k, n], [], [(U.T @ U).inv], count=1, seed=0)]
    assert chosen
    assert all(choice[n] >= choice[k] for choice in chosen)


def test_sizes_differ_from_draw_to_draw():
    found = {tuple(sizes.values()) for sizes, _ in draws([n], [], [(A - A.T).inv], 3, 0)}
    assert found == {(2,), (4,)}


def test_draws_are_repeated_until_all_is_defined():
    for _, draw in islice(draws([n], [], [log(det(A))], count=5, seed=0), 5):
        from mlpc.verify.evaluation import evaluate

        assert evaluate(det(A), draw)[0][0] > 0


def test_what_is_never_defined_is_impossible():
    with pytest.raises(Impossible, match="in a row"):
        list(draws([n], [], [(u @ u.T).inv], count=1, seed=0))


def test_the_seed_decides():
    def first(seed):
        return next(draws([n], [], [A], count=1, seed=seed))[1].letter(A)

    assert first(0) == first(0)
    assert first(0) != first(1)


def test_exponentials_are_drawn_fine():
    _, draw = next(draws([n], [], [exp(u.T @ u)], count=1, seed=0))
    assert max(abs(row[0]) for row in draw.letter(u)) < 1
