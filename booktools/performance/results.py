"""What all result files share: who measured what, when, and on what class of machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, eq=False)
class Result:
    """A result file: its head, and its cases as the kind of result understands them."""

    head: dict[str, Any]
    cases: list[Any]


def read(file: Path, kinds: Mapping[str, Any]) -> tuple[Any, Result]:
    """Read a result file, and return the module that can say it, and the result; raises `ValueError` if it is none."""
    try:
        head = json.loads(file.read_text("utf-8"))
        cases = head.pop("cases")
        kind = kinds[head.get("kind", "ratios")]
        parsed = [case for one in cases for case in kind.parsed(head, one)]
        if not parsed:
            raise ValueError("no cases")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{file} is no result of a benchmark ({type(error).__name__}: {error}); run make bench"
        ) from None
    return kind, Result(head, parsed)


def conditions(result: Result, how: str) -> str:
    """Say when it was measured, on what class of machine, and how: a sentence with fields of the head."""
    head, machine = result.head, result.head["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    threads = "one thread" if machine["threads"] == 1 else f"{machine['threads']} threads"
    return (
        f"Measured on {head['date']} on {machine['system']} with {machine['processor']} ({machine['architecture']}), "
        f"{threads}, Python {machine['python']}, {packages}, BLAS: {' and '.join(machine['blas'])}. "
        f"{how.format(**head)}"
    )


def listed(names: list[str]) -> str:
    """Join names as a sentence does.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def digits(number: float) -> str:
    """A number with three digits, and never with an exponent.

    >>> digits(1126.9), digits(0.4129)
    ('1127', '0.413')
    """
    return f"{number:.0f}" if number >= 1000 else f"{number:.3g}"
