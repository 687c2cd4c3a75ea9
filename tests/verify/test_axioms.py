"""Each axiom holds explicitly at small sizes, and its check would see a wrong one."""

import pytest
import sympy

from mlpc.verify import axioms
from mlpc.verify.axioms import AXIOMS


@pytest.mark.parametrize(("name", "n"), [(name, n) for name, axiom in AXIOMS.items() for n in axiom.sizes])
def test_an_axiom_holds(name, n):
    assert AXIOMS[name].holds(n)


def test_the_list_is_short_and_each_has_its_words():
    assert len(AXIOMS) <= 8
    for name, axiom in AXIOMS.items():
        assert axiom.name == name
        assert axiom.statement.endswith(".")
        assert axiom.latex
        assert axiom.checked
        assert {1, 2, 3, 4} <= set(axiom.sizes)


def test_the_checks_see_a_wrong_determinant_and_a_wrong_derivative(monkeypatch):
    monkeypatch.setattr(sympy.Matrix, "trace", lambda self: 2 * sum(self[i, i] for i in range(self.rows)))
    assert not AXIOMS["derivative of log det"].holds(2)
    monkeypatch.undo()
    monkeypatch.setattr(axioms, "_linear", lambda matrix: 0 * matrix)
    assert not AXIOMS["derivative of the inverse"].holds(2)
