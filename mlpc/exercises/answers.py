"""How answers are read and compared: numbers and arrays, functions on seeded draws, SymPy expressions."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np


class Unanswered(Exception):
    """The answer is still the stub."""


class Unreadable(Exception):
    """The answer has the wrong type or shape; the message says what came."""


@runtime_checkable
class Kind(Protocol):
    """How the answers of one kind are read and compared."""

    def read(self, answer: Any, solution: Any) -> Any:
        """Return the answer in the form that is compared; raise `Unanswered` or `Unreadable`."""

    def agree(self, answer: Any, other: Any) -> bool:
        """Whether an answer that was read is the same as another one."""
        ...

    def explain(self, answer: Any, solution: Any) -> None:
        """Raise `Unreadable` if a wrong answer differs from the solution in shape."""


def is_stub(answer: Any) -> bool:
    """Whether an answer, or a part of it, was left as ``...``, None or NotImplemented."""
    if isinstance(answer, tuple | list):
        return len(answer) == 0 or any(is_stub(part) for part in answer)
    return answer is ... or answer is None or answer is NotImplemented


def raised(error: BaseException) -> str:
    """Return the name and the message of an error on one line of at most 200 characters.

    >>> raised(ValueError("so\\nit is"))
    'ValueError: so it is'
    """
    line = " ".join(str(error).split())
    return f"{type(error).__name__}: {line}"[:200] if line else type(error).__name__


def _array(answer: Any) -> np.ndarray:
    try:
        array = np.asarray(answer)
        array = array.astype(float) if array.dtype == object else array
    except Exception:
        raise Unreadable(f"this {type(answer).__name__} does not turn into an array of numbers") from None
    if array.dtype.kind not in "biufc":
        raise Unreadable(f"this {type(answer).__name__} holds no numbers")
    return array


def _shape(parts: Any) -> str:
    if isinstance(parts, tuple):
        return f"{len(parts)} parts of shapes " + ", ".join(str(part.shape) for part in parts)
    return f"an array of shape {parts.shape}" if parts.shape else "one number"


@dataclass(frozen=True)
class Numbers:
    """A number, an array, or a tuple of them; equal within a tolerance.

    Attributes
    ----------
    rtol, atol : float
        Two arrays a, b agree if max|a - b| <= atol + rtol max|b|.

    Examples
    --------
    >>> Numbers(rtol=1e-3).agree(np.array([1.0, 2.0]), [1.0, 2.001])
    True
    """

    rtol: float = 1e-8
    atol: float = 1e-12

    def read(self, answer: Any, solution: Any) -> np.ndarray | tuple[np.ndarray, ...]:
        """Return an array, or a tuple of arrays if the solution is a tuple."""
        if is_stub(answer):
            raise Unanswered
        if not isinstance(solution, tuple):
            return self._finite(_array(answer))
        if not isinstance(answer, tuple | list) or len(answer) != len(solution):
            raise Unreadable(f"asked for a tuple of {len(solution)} parts, got {_what(answer)}")
        return tuple(self._finite(_array(part)) for part in answer)

    def agree(self, answer: Any, other: Any) -> bool:
        """Whether the shapes are the same and the entries equal within the tolerance."""
        if isinstance(answer, tuple):
            parts = other if isinstance(other, tuple) else (other,)
            return len(answer) == len(parts) and all(self.agree(a, b) for a, b in zip(answer, parts, strict=True))
        reference = np.asarray(other)
        if answer.shape != reference.shape:
            return False
        if answer.size == 0:
            return True
        return bool(np.max(np.abs(answer - reference)) <= self.atol + self.rtol * np.max(np.abs(reference)))

    def explain(self, answer: Any, solution: Any) -> None:
        """Say which shape came if it is not that of the solution."""
        wanted = tuple(np.asarray(p) for p in solution) if isinstance(solution, tuple) else np.asarray(solution)
        if _shape(answer) != _shape(wanted):
            raise Unreadable(f"asked for {_shape(wanted)}, got {_shape(answer)}")

    @staticmethod
    def _finite(array: np.ndarray) -> np.ndarray:
        if array.dtype.kind != "b" and not np.all(np.isfinite(array)):
            raise Unreadable("the answer holds NaN or infinity")
        return array.astype(float) if array.dtype.kind in "biu" else array


def _what(answer: Any) -> str:
    return f"{len(answer)} parts" if isinstance(answer, tuple | list) else f"one {type(answer).__name__}"


@dataclass(frozen=True)
class Function:
    """A function that the reader writes, called on seeded random arguments.

    Attributes
    ----------
    draw : callable
        ``draw(rng) -> tuple`` of positional arguments.
    values : Kind
        How the returned values are compared.
    draws : int
        Number of draws.
    seed : int
        Seed of the generator that makes them.

    Examples
    --------
    >>> kind = Function(lambda rng: (rng.normal(size=3),))
    >>> kind.agree(kind.read(lambda v: v @ v, np.sum), lambda v: np.sum(v**2))
    True
    """

    draw: Callable[[np.random.Generator], tuple[Any, ...]]
    values: Kind = Numbers()
    draws: int = 5
    seed: int = 20240117

    def arguments(self) -> list[tuple[Any, ...]]:
        """Return the arguments of each draw."""
        rng = np.random.default_rng(self.seed)
        return [self.draw(rng) for _ in range(self.draws)]

    def read(self, answer: Any, solution: Callable[..., Any]) -> Callable[..., Any]:
        """Call the function once on each draw, so that whatever it does wrong is said in one sentence."""
        if is_stub(answer):
            raise Unanswered
        if not callable(answer) or inspect.isclass(answer):
            raise Unreadable(f"asked for a function, got one {type(answer).__name__}")
        values = [self._value(answer, arguments, solution) for arguments in self.arguments()]
        return _Tabulated(answer, tuple(values))

    def agree(self, answer: Any, other: Callable[..., Any]) -> bool:
        """Whether both functions return the same values on every draw."""
        references = (other(*copy.deepcopy(arguments)) for arguments in self.arguments())
        return all(self.values.agree(value, ref) for value, ref in zip(answer.values, references, strict=True))

    def explain(self, answer: Any, solution: Callable[..., Any]) -> None:
        """Say which shape was returned if it is not that of the solution."""
        for value, arguments in zip(answer.values, self.arguments(), strict=True):
            self.values.explain(value, solution(*copy.deepcopy(arguments)))

    def _value(self, answer: Callable[..., Any], arguments: tuple[Any, ...], solution: Callable[..., Any]) -> Any:
        try:
            value = answer(*copy.deepcopy(arguments))
        except NotImplementedError:
            raise Unanswered from None
        except (Exception, SystemExit) as error:
            shapes = ", ".join(str(np.shape(a)) if not callable(a) else "a function" for a in arguments)
            raise Unreadable(f"on arguments of shapes {shapes} it raised {raised(error)}") from None
        if is_stub(value):
            raise Unanswered(f"the function returns {value}")
        return self.values.read(value, solution(*copy.deepcopy(arguments)))


@dataclass(frozen=True)
class _Tabulated:
    """A function with the values that it took on the draws; can be called like the function."""

    function: Callable[..., Any]
    values: tuple[Any, ...]

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)
