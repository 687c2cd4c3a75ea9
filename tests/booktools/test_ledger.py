"""The ledger takes only what is proved, follows lemmas, and sees every change that makes a certificate stale."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from booktools.ledger.acceptance import Refused, accept
from booktools.ledger.certificates import (
    Entry,
    file_of,
    folder_of,
    forget,
    inputs_of,
    keep,
    read_entries,
    read_entry,
    sources,
)
from booktools.ledger.equations import Equation, book_equations, labelled_equations, plain
from booktools.ledger.grades import GRADES, PHRASES, Standing, standings, summary, tally
from booktools.ledger.proving import settle, stale_tests
from mlpc.verify.certificate import GRADES as GRADES_OF_PROOFS
from mlpc.verify.certificate import Certificate

PAGE = """
$$
a = b
$$ (eq-one)

$$
c = d
$$

Inline $x$ and a display on several lines:

$$
e &= f \\\\
  &= g
$$ (eq-two-lines)
"""
PROVED = Certificate("a = b", "rewriting", "A", "all sizes", assumes=("A invertible",), mutants=("sign",), seconds=0.5)
ONE = Equation("eq-one", "book/basics/one", "a = b")
KNOWN = {"labels": {"eq-one", "eq-two"}, "axioms": {"product rule"}}


def entry(label: str = "eq-one", **changes) -> Entry:
    made = accept(replace(ONE, label=label), ONE.latex, [PROVED], (), False, labels=(), axioms=())
    return replace(made, **changes)


# equations


def test_labelled_displays_are_found_and_others_are_not():
    assert labelled_equations(PAGE) == {"eq-one": "a = b", "eq-two-lines": "e &= f \\\\\n  &= g"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A book of two pages, whose tests import from the package."""
    files = {
        "book/basics/one.md": "$$\na = b\n$$ (eq-one)\n",
        "book/invariance/two.md": "$$\nx\n$$ (eq-two)\n\n$$\ny\n$$ (eq-three)\n",
        "tests/conftest.py": "import tests.shared\n",
        "tests/shared.py": "",
        "tests/equations/test_one.py": "from mlpc.basics.em import model\n",
        "tests/equations/test_two.py": "def late():\n    from tests.equations import exact\n",
        "tests/equations/exact.py": "",
        "mlpc/__init__.py": "",
        "mlpc/basics/__init__.py": "",
        "mlpc/basics/em.py": "import mlpc.deep, numpy\n",
        "mlpc/deep.py": "",
        "mlpc/other.py": "",
        "mlpc/verify/words.py": "",
        "requirements.lock": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_all_pages_of_the_book_are_read(root):
    assert [(e.label, e.page, e.chapter) for e in book_equations(root).values()] == [
        ("eq-one", "book/basics/one", "one"),
        ("eq-two", "book/invariance/two", "two"),
        ("eq-three", "book/invariance/two", "two"),
    ]


def test_a_label_that_stands_on_two_pages_is_refused(root):
    (root / "book/basics/again.md").write_text("$$\nz\n$$ (eq-two)\n", "utf-8")
    with pytest.raises(ValueError, match=r"two\.md: the label eq-two is taken by book/basics/again\.md"):
        book_equations(root)


# what is accepted


def test_a_proof_is_taken_with_all_that_it_rests_on():
    other = replace(PROVED, grade="B", scope="n=3", mutants=("factor",), uses=("product rule",))
    whole = accept(ONE, "\n   a  =\n b ", [PROVED, other], ["eq-two"], False, **KNOWN)
    assert (whole.label, whole.page, whole.latex, whole.grade) == ("eq-one", "book/basics/one", "a = b", "B")
    assert (whole.uses, whole.axioms, whole.mutants) == (("eq-two",), ("product rule",), ("sign", "factor"))
    assert whole.versions[0].startswith("Python 3.")


STATED = Certificate("a = b", "stated", "E", "definition", reason="this is how a is defined")
FALSE = replace(PROVED, residual="2 a")
BARE = replace(PROVED, mutants=())


@pytest.mark.parametrize(
    ("docstring", "certificates", "uses", "slide", "says"),
    [
        (
            "a = c",
            [PROVED],
            (),
            False,
            r'the formula of book/basics/one\.md(.|\n)*"""\n    a = b',
        ),
        (None, [PROVED], (), False, "docstring"),
        ("a = b", [], (), False, "without a certificate"),
        ("a = b", [FALSE], (), False, r"not proved\n  claim:    a = b\n  residual: 2 a"),
        ("a = b", [PROVED, FALSE], (), False, "not proved"),
        ("a = b", [BARE], (), False, "no wrong variant was refuted"),
        ("a = b", [PROVED, BARE], (), False, "no wrong variant was refuted"),
        ("a = b", [PROVED, PROVED], (), True, "3 wrong variants must be refuted, but these are all: sign"),
        ("a = b", [PROVED], ("eq-none",), False, "uses 'eq-none', which is neither a label of the book nor an axiom"),
        ("a = b", [replace(PROVED, uses=("eq-none",))], (), False, "'eq-none'"),
        ("a = b", [PROVED], ("eq-one",), False, "uses itself"),
    ],
)
def test_what_is_not_proved_is_refused_with_the_reason(docstring, certificates, uses, slide, says):
    with pytest.raises(Refused, match=says):
        accept(ONE, docstring, certificates, uses, slide, **KNOWN)


def test_a_definition_needs_no_wrong_variants_also_when_it_is_on_a_slide():
    assert accept(ONE, "a = b", [STATED], (), True, **KNOWN).grade == "E"


def test_a_formula_of_the_slides_is_taken_with_three_wrong_variants():
    assert accept(ONE, "a = b", [replace(PROVED, mutants=("sign", "order", "factor"))], (), True, **KNOWN).slide


# files


def test_an_entry_comes_back_as_it_was_kept(tmp_path):
    kept = entry(uses=("eq-two",))
    keep(tmp_path, kept)
    assert read_entries(tmp_path, ["eq-one", "eq-two"]) == {"eq-one": kept}
    assert [file.name for file in folder_of(tmp_path).iterdir()] == ["eq-one.json"]
    forget(tmp_path, "eq-one")
    forget(tmp_path, "eq-one")
    assert read_entries(tmp_path, ["eq-one"]) == {}


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"label": "eq-one"}', '{"a": 1}'])
def test_a_damaged_entry_is_as_good_as_none(tmp_path, damage):
    keep(tmp_path, entry())
    file_of(tmp_path, "eq-one").write_text(damage, "utf-8")
    assert read_entry(file_of(tmp_path, "eq-one")) is None


def test_an_entry_of_another_version_is_as_good_as_none(tmp_path):
    keep(tmp_path, entry())
    file = file_of(tmp_path, "eq-one")
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), "colour": "red"}), "utf-8")
    assert read_entry(file) is None


# what a proof depends on


def test_sources_are_followed_through_imports_at_any_depth(root):
    def names(test: str) -> set[str]:
        found = sources(root, root / "tests/equations" / test)
        return {file.relative_to(root).as_posix() for file in found}

    assert names("test_one.py") == {
        "tests/equations/test_one.py",
        "tests/conftest.py",
        "tests/shared.py",
        "mlpc/__init__.py",
        "mlpc/basics/__init__.py",
        "mlpc/basics/em.py",
        "mlpc/deep.py",
    }
    assert "tests/equations/exact.py" in names("test_two.py")


@pytest.mark.parametrize(
    ("changed", "one", "two"),
    [
        ("tests/equations/test_one.py", True, False),
        ("mlpc/deep.py", True, False),
        ("mlpc/verify/words.py", True, True),
        ("requirements.lock", True, True),
        ("tests/equations/exact.py", False, True),
        ("mlpc/other.py", False, False),
        ("book/basics/one.md", False, False),
    ],
)
def test_a_change_reaches_the_proofs_that_depend_on_it_and_no_others(root, changed, one, two):
    tests = [root / "tests/equations" / name for name in ("test_one.py", "test_two.py")]
    before = [inputs_of(root, test) for test in tests]
    file = root / changed
    file.write_text(file.read_text("utf-8") + "\n# changed\n", "utf-8")
    assert [inputs_of(root, test) != old for test, old in zip(tests, before, strict=True)] == [one, two]


@pytest.fixture
def proved(root) -> Path:
    """The same book when every equation has its certificate."""
    for equation in book_equations(root).values():
        inputs = inputs_of(root, root / f"tests/equations/test_{equation.chapter}.py")
        made = entry(equation.label, page=equation.page, latex=equation.latex, inputs=inputs)
        keep(root, made)
    return root


def stale(root: Path) -> list[str]:
    return [file.name for file in stale_tests(root)]


def test_nothing_is_proved_again_when_nothing_changed(proved):
    assert stale(proved) == []
    assert settle(proved) == []


def test_prose_may_change_and_formulas_may_be_laid_out_anew(proved):
    page = proved / "book/basics/one.md"
    page.write_text("New words.\n\n" + page.read_text("utf-8").replace("a = b", "  a =\n  b"), "utf-8")
    assert stale(proved) == []


def test_an_edited_formula_is_proved_again_with_its_page_and_no_other(proved):
    page = proved / "book/invariance/two.md"
    page.write_text(page.read_text("utf-8").replace("y\n", "-y\n"), "utf-8")
    assert stale(proved) == ["test_two.py"]
    [fault] = settle(proved)
    assert "eq-three has no certificate for its present formula" in fault
    assert "tests/equations/test_two.py::test_eq_three" in fault


def test_a_formula_that_moved_to_another_page_is_proved_there(proved):
    (proved / "book/basics/one.md").rename(proved / "book/basics/moved.md")
    assert settle(proved)


def test_a_changed_engine_or_a_lost_certificate_is_proved_again(proved):
    forget(proved, "eq-one")
    assert stale(proved) == ["test_one.py"]
    (proved / "mlpc/verify/words.py").write_text("x = 1\n", "utf-8")
    assert stale(proved) == ["test_one.py", "test_two.py"]


def test_certificates_of_labels_that_are_gone_are_dropped(proved):
    (proved / "book/basics/one.md").write_text("No formula.\n", "utf-8")
    (folder_of(proved) / "eq-one.99.partial").touch()
    assert settle(proved) == []
    assert sorted(file.name for file in folder_of(proved).iterdir()) == ["eq-three.json", "eq-two.json"]


def test_proofs_in_a_circle_are_a_fault_of_the_ledger(proved):
    for label, lemma in (("eq-two", "eq-three"), ("eq-three", "eq-two")):
        [found] = read_entries(proved, [label]).values()
        keep(proved, replace(found, uses=(lemma,)))
    [fault] = settle(proved)
    assert fault.startswith("a proof in a circle: eq-")


# grades


def test_every_grade_of_a_proof_has_its_words():
    assert list(GRADES) == list(PHRASES) == list(GRADES_OF_PROOFS)


def test_a_grade_is_the_weakest_of_all_lemmas_below():
    entries = {
        "eq-a": entry("eq-a", uses=("eq-b", "eq-d")),
        "eq-b": entry("eq-b", uses=("eq-c",)),
        "eq-c": entry("eq-c", grade="C"),
        "eq-d": entry("eq-d", grade="B", axioms=("log lemma",)),
        "eq-e": entry("eq-e", grade="E", uses=("eq-c",)),
    }
    assert standings(entries) == {
        "eq-a": Standing("C", "eq-b"),
        "eq-b": Standing("C", "eq-c"),
        "eq-c": Standing("C"),
        "eq-d": Standing("B"),
        "eq-e": Standing("E"),
    }


def test_a_cited_theorem_lowers_what_leans_on_it_and_a_definition_does_not():
    entries = {
        "eq-word": entry("eq-word", grade="E", method="definition"),
        "eq-theorem": entry("eq-theorem", grade="E", method="cited theorem"),
        "eq-a": entry("eq-a", uses=("eq-word",)),
        "eq-b": entry("eq-b", uses=("eq-word", "eq-theorem")),
    }
    assert standings(entries)["eq-a"] == Standing("A")
    assert standings(entries)["eq-b"] == Standing("E", "eq-theorem")


@pytest.mark.parametrize("way", [("eq-a",), ("eq-b", "eq-a")])
def test_a_circle_is_told_label_by_label(way):
    entries = {label: entry(label) for label in ("eq-a", "eq-b")}
    for label, lemma in zip(("eq-a", "eq-b"), way, strict=False):
        entries[label] = replace(entries[label], uses=(lemma,))
    with pytest.raises(ValueError, match=" uses ".join(["circle: eq-a", *way])):
        standings(entries)


def test_a_lemma_without_certificate_is_told():
    with pytest.raises(ValueError, match="eq-a uses eq-none, which has no certificate"):
        standings({"eq-a": entry("eq-a", uses=("eq-none",))})


def test_grades_are_counted_and_said_in_words():
    assert tally("EAA") == {"A": 2, "E": 1}
    assert summary("EAAE") == "2 proved for all sizes, 2 definitions or cited theorems"


def test_white_space_does_not_make_another_formula():
    assert plain("a\n = b") == plain("a = b ") != plain("a = c")
