"""The prover that each equation's test is given."""

from collections.abc import Callable
from functools import partial

import pytest

from tests.equations.exact import prove as prove_with


@pytest.fixture
def prove(seeds: tuple[int, ...]) -> Callable[..., None]:
    """`exact.prove` with the seeds of this test run."""
    return partial(prove_with, seeds=seeds)
