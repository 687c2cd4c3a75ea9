"""How answers are read and compared: what counts as the same, what is said of an answer that cannot be read."""

import sys

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mlpc.exercises import Exercise, Expression, Function, Misconception, Numbers
from mlpc.exercises.answers import Unanswered, Unreadable

FINITE = st.floats(-1e6, 1e6, allow_subnormal=False)


def judge(kind, solution, answer, *planted, accepts=None):
    wrong = tuple(Misconception(name, f"hint about {name}", value) for name, value in planted)
    return Exercise("test-1", "an answer", kind, lambda: solution, wrong, accepts).judge(answer)


@given(arrays(float, array_shapes(max_dims=3), elements=FINITE))
def test_an_array_agrees_with_itself_as_nested_lists(array):
    assert judge(Numbers(), array, array.tolist())


@given(arrays(float, (3,), elements=st.floats(1, 10)), st.floats(-1, 1))
def test_agreement_ends_at_the_tolerance(array, share):
    kind, shift = Numbers(rtol=1e-3, atol=0.0), 1e-3 * np.array([np.max(array), 0, 0])
    assert judge(kind, array, array + 0.99 * share * shift)
    assert not judge(kind, array, array + 1.01 * shift)


@pytest.mark.parametrize(
    "answer", [np.float32(2), sympy.Integer(2), True + 1, 2 + 0j, np.array(2), sympy.Rational(4, 2)]
)
def test_a_number_is_a_number_whatever_its_type(answer):
    assert judge(Numbers(), 2.0, answer)


def test_a_tuple_is_compared_part_by_part():
    solution = (1.0, np.array([1.0, 2.0]))
    assert judge(Numbers(), solution, [1, (1, 2)])
    assert not judge(Numbers(), solution, (1.0, [2.0, 1.0]))
    assert "tuple of 2 parts, got 3 parts" in judge(Numbers(), solution, (1, 2, 3)).message
    assert "got one float" in judge(Numbers(), solution, 1.0).message
    assert judge(Numbers(), solution, (1.0, ...)).state == "unanswered"


def test_shapes_are_told_apart_and_named():
    verdict = judge(Numbers(), np.ones((2, 3)), np.ones((3, 2)))
    assert verdict.state == "unreadable"
    assert "an array of shape (2, 3), got an array of shape (3, 2)" in verdict.message


def test_a_planted_answer_of_another_shape_is_still_named():
    verdict = judge(Numbers(), np.ones((2, 3)), np.ones((3, 2)), ("transpose", lambda: np.ones((3, 2))))
    assert verdict.misconception == "transpose"


def test_a_column_is_not_broadcast_into_agreement():
    assert not judge(Numbers(), np.ones(3), 1.0)
    assert not judge(Numbers(), np.ones((3, 1)), np.ones(3))


@pytest.mark.parametrize("answer", [np.nan, np.inf, [1.0, np.nan]])
def test_an_answer_that_is_not_finite_is_refused(answer):
    assert "NaN or infinity" in judge(Numbers(), 1.0, answer).message


# functions


def draw(rng):
    return rng.normal(size=(3, 3)), rng.normal(size=3)


def test_a_function_is_compared_on_every_draw():
    kind = Function(draw, draws=6)
    assert judge(kind, lambda A, b: A @ b, lambda A, b: np.einsum("ij,j", A, b))
    first = kind.arguments()[0][1]
    assert not judge(kind, lambda A, b: A @ b, lambda A, b: A @ b if np.array_equal(b, first) else b)


def test_the_draws_are_the_same_every_time():
    for one, other in zip(Function(draw).arguments(), Function(draw).arguments(), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_function_that_spoils_its_arguments_does_not_spoil_the_comparison():
    def spoils(A, b):
        A[:] = 0
        return b

    assert judge(Function(draw), lambda A, b: A @ b, spoils).state == "wrong"


def raises(A, b):
    raise ValueError("so\nit is")


def test_what_a_function_does_wrong_is_said_in_one_line():
    solution = lambda A, b: A @ b  # noqa: E731
    assert "it raised ValueError: so it is" in judge(Function(draw), solution, raises).message
    assert "shapes (3, 3), (3,)" in judge(Function(draw), solution, raises).message
    assert "TypeError" in judge(Function(draw), solution, lambda A: A).message
    assert "shape (3,), got an array of shape (3, 3)" in judge(Function(draw), solution, lambda A, b: A).message
    assert "got one int" in judge(Function(draw), solution, 3).message
    assert "returns None" in judge(Function(draw), solution, lambda A, b: None).message
    assert judge(Function(draw), solution, lambda A, b: None).state == "unanswered"


def test_an_answer_that_is_not_unique_is_accepted_by_its_property():
    def factor(root):
        return all(np.allclose(root(A) @ root(A).T, A @ A.T) for A in np.random.default_rng(0).normal(size=(3, 2, 2)))

    def judged(answer):
        square = lambda rng: (rng.normal(size=(2, 2)),)  # noqa: E731
        return judge(Function(square), lambda A: A, answer, ("transpose", lambda: lambda A: A.T), accepts=factor)

    assert judged(lambda A: -A)
    assert judged(lambda A: A.T).misconception == "transpose"
    assert judged(lambda A: 2 * A).state == "wrong"


def test_a_function_that_fails_in_a_further_test_gets_a_verdict():
    square = Function(lambda rng: (rng.normal(size=(2, 2)),))
    verdict = judge(square, np.linalg.inv, np.linalg.inv, accepts=lambda inverse: inverse(np.ones((1, 2))).any())
    assert verdict.state == "unreadable"
    assert "a further test of it raised LinAlgError" in verdict.message


# symbols


def woodbury(sign=1):
    n, k = sympy.symbols("n k", integer=True, positive=True)
    A, U, V = sympy.MatrixSymbol("A", n, n), sympy.MatrixSymbol("U", n, k), sympy.MatrixSymbol("V", k, n)
    inner = (sympy.Identity(k) + V * A.I * U).I
    return (A + U * V).I, A.I - sign * A.I * U * inner * V * A.I, U, V


def test_a_matrix_expression_with_symbolic_sizes_is_compared_by_its_values():
    inverse, formula, U, V = woodbury()
    wrong = ("sign", lambda: woodbury(sign=-1)[1])
    assert judge(Expression(), formula, inverse, wrong)
    assert judge(Expression(), formula, woodbury(sign=-1)[1], wrong).misconception == "sign"
    assert judge(Expression(), formula, U * V, wrong).state == "wrong"
    assert "n × n matrix, got a k × n matrix" in judge(Expression(), formula, V, wrong).message


def test_the_unit_matrix_is_readable_where_the_solution_has_none():
    n, k = sympy.symbols("n k", integer=True, positive=True)
    _, _, U, V = woodbury()
    A, one = sympy.MatrixSymbol("A", n, n), sympy.Identity(n)
    assert judge(Expression(), A + U * V, (one + U * V * A.I) * A)
    assert judge(Expression(), A + U * V, A * one + U * sympy.Identity(k) * V)
    assert judge(Expression(), U * V, one).state == "wrong"
    assert judge(Expression(), A.I * A, one)
    verdict = judge(Expression(), A + U * V, sympy.Symbol("m") * (A + U * V))
    assert "the answer holds m" in verdict.message


def test_a_wrong_answer_that_is_not_real_is_wrong_and_not_unreadable():
    c, N = sympy.symbols("c N", positive=True)
    powers = sympy.Matrix([(1 - c) ** (N - 1), c])
    assert judge(Expression(), powers, sympy.Matrix([(1 - c) ** N / (1 - c), c]))
    assert judge(Expression(), powers, sympy.Matrix([1 - c, c])).state == "wrong"


def test_symbols_are_known_by_name_and_the_assumptions_of_the_solution_hold():
    x = sympy.Symbol("x", positive=True)
    assert judge(Expression(), sympy.sqrt(x**2), sympy.Symbol("x"))
    assert judge(Expression(), sympy.log(x * 2), sympy.log(sympy.Symbol("x")) + sympy.log(2))
    assert not judge(Expression(), sympy.sqrt(sympy.Symbol("y") ** 2), sympy.Symbol("y"))


def test_integer_symbols_are_drawn_as_integers():
    m = sympy.Symbol("m", integer=True)
    assert judge(Expression(), sympy.Integer(0) * m + sympy.sin(sympy.pi * m) + m, m)


@pytest.mark.parametrize("difference", [sympy.Rational(1, 10**9), sympy.Symbol("x") * sympy.Rational(1, 10**9)])
def test_a_small_difference_is_a_difference(difference):
    x = sympy.Symbol("x")
    assert not judge(Expression(), sympy.exp(x), sympy.exp(x) + difference)


def test_explicit_matrices_are_compared_entry_by_entry():
    a, b = sympy.symbols("a b")
    solution = sympy.Matrix([[a + b, (a + b) ** 2], [0, 1]])
    assert judge(Expression(), solution, solution.expand())
    assert not judge(Expression(), solution, solution.T)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("x**2", "got text"),
        (sympy.Symbol("z"), "the symbols are x, but the answer holds z"),
        (object(), "got one object"),
        (sympy.true, "SymPy expression"),
        (sympy.zoo, "not finite"),
        (sympy.Symbol("x") > 1, "SymPy expression"),
    ],
)
def test_what_is_no_expression_is_refused(answer, said):
    verdict = judge(Expression(), sympy.Symbol("x") ** 2, answer)
    assert (verdict.state, said in verdict.message) == ("unreadable", True), str(verdict)


def test_the_stub_of_an_expression_is_unanswered():
    with pytest.raises(Unanswered):
        Expression().read(..., sympy.Symbol("x"))
    with pytest.raises(Unreadable):
        Expression().read({}, sympy.Symbol("x"))


# whatever it is, no traceback


def contains_itself() -> list:
    loop: list = [1.0]
    loop.append(loop)
    return loop


class Hostile:
    def __array__(self, *_, **__):
        raise SystemExit(3)


@pytest.mark.parametrize(
    ("kind", "solution", "answer", "said"),
    [
        (Numbers(), 1.0, contains_itself(), "cannot be compared with it: RecursionError"),
        (Numbers(), 1.0, Hostile(), "SystemExit: 3"),
        (Function(draw), lambda A, b: A @ b, lambda A, b: sys.exit("bye"), "it raised SystemExit: bye"),
        (Function(draw), lambda A, b: A @ b, lambda A, b: sys.exit(), "it raised SystemExit"),
        (Function(draw), lambda A, b: A @ b, lambda A, b: contains_itself(), "RecursionError"),
    ],
)
def test_what_an_answer_does_to_the_comparison_becomes_a_verdict(kind, solution, answer, said):
    verdict = judge(kind, solution, answer)
    assert (verdict.state, said in verdict.message) == ("unreadable", True), str(verdict)


def test_a_further_test_that_leaves_becomes_a_verdict():
    verdict = judge(Numbers(), 1.0, 1.0, accepts=lambda _: sys.exit(1))
    assert "a further test of it raised SystemExit: 1" in verdict.message


def test_a_symbol_of_another_shape_is_named():
    n, k = sympy.symbols("n k", integer=True, positive=True)
    _, formula, _, V = woodbury()
    verdict = judge(Expression(), formula, sympy.MatrixSymbol("A", n, k) * V)
    assert verdict.state == "unreadable"
    assert "A is a n × n matrix, but a n × k matrix in the answer" in verdict.message
    assert "A is a n × n matrix, but a scalar" in judge(Expression(), formula, sympy.Symbol("A")).message


def test_the_reader_can_still_interrupt():
    def interrupted(A, b):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(Function(draw), lambda A, b: A @ b, interrupted)


def test_a_fault_of_the_exercise_itself_is_not_the_readers():
    with pytest.raises(ZeroDivisionError):
        Exercise("test-1", "", Numbers(), lambda: 1 / 0, ()).judge(1.0)
