"""When a number changes (of a chapter, an equation, a figure, a theorem), every page that may quote it is written anew.

Sphinx itself rewrites only the pages that were edited, and leaves the old number where another page refers to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def numbers_of(env: BuildEnvironment) -> list[Any]:
    """Every number of the book that a reference can show."""
    equations = env.get_domain("math").data["objects"]
    return [dict(equations), env.toc_secnumbers, env.toc_fignumbers]


def rewrite_when_numbers_change(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Sphinx `env-get-updated`: all pages if any number is another one than in the last build."""
    numbers = repr(numbers_of(env))
    before = getattr(env, "mlpc_numbers", numbers)
    env.mlpc_numbers = numbers  # type: ignore[attr-defined]
    return env.found_docs if numbers != before else []


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("env-get-updated", rewrite_when_numbers_change, priority=900)  # after Sphinx has numbered
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
