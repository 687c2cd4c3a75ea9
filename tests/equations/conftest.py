"""The fixture by which the test of an equation hands its certificates to the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from booktools.ledger.acceptance import Refused, accept
from booktools.ledger.certificates import file_of, forget, inputs_of, keep
from booktools.ledger.equations import Equation, book_equations
from mlpc.verify.axioms import AXIOMS

ROOT = Path(__file__).resolve().parents[2]


def equation_of(function: str, chapter: str) -> Equation:
    """The equation that a test is about, by the test's name; it must stand on a page of the test file's name."""
    label = function.removeprefix("test_").replace("_", "-")
    equation = book_equations(ROOT).get(label)
    if equation is None:
        pytest.fail(f"{function}: no page of the book has the label {label}", pytrace=False)
    if equation.chapter != chapter:
        pytest.fail(f"{label} stands on {equation.page}.md: move the test to test_{equation.chapter}.py", pytrace=False)
    return equation


@cache
def inputs(test: Path) -> str:
    return inputs_of(ROOT, test)


@pytest.fixture
def certify(request: pytest.FixtureRequest) -> Iterator[Callable[..., None]]:
    """Call it once with the certificates of the claim: what is wrong with them fails the test, else they are kept."""
    test = request.path
    equation = equation_of(request.function.__name__, test.stem.removeprefix("test_"))
    forget(ROOT, equation.label)
    started = time.process_time()

    def certify(*certificates, uses: tuple[str, ...] = (), slide: bool = False) -> None:
        seconds = time.process_time() - started
        known = {"labels": book_equations(ROOT), "axioms": AXIOMS}
        if file_of(ROOT, equation.label).exists():
            pytest.fail(f"{equation.label}: certify() is called once, with all parts of the claim", pytrace=False)
        try:
            entry = accept(equation, request.function.__doc__, certificates, uses, slide, **known)
        except Refused as refused:
            pytest.fail(str(refused), pytrace=False)
        keep(ROOT, replace(entry, inputs=inputs(test), seconds=seconds))

    yield certify
    if not file_of(ROOT, equation.label).exists() and not request.node.stash.get(FAILED, False):
        pytest.fail(f"the test of {equation.label} never called certify()", pytrace=False)


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Whatever fails in a test after its call of `certify` takes the certificate back."""
    report = yield
    if report.failed and "certify" in getattr(item, "fixturenames", ()):
        item.stash[FAILED] = True
        forget(ROOT, item.name.removeprefix("test_").replace("_", "-"))
    return report
