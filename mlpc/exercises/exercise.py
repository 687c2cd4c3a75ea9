"""One exercise: what it asks, its solution, and the wrong answers that it can name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlpc.exercises.answers import Kind, Unanswered, Unreadable, raised
from mlpc.exercises.verdict import Verdict

LABEL = re.compile(r"[a-z][a-z0-9_]*-[a-z0-9_]+")


@dataclass(frozen=True)
class Misconception:
    """A mistake that readers make, with the answer that it leads to.

    Attributes
    ----------
    name : str
        Two or three words, shown with the verdict: ``"sign of the correction"``.
    hint : str
        One or two sentences that help without giving the answer; may hold ``$...$``.
    wrong : callable
        Called without arguments, returns the wrong answer (for a `Function` exercise: the wrong function).
    """

    name: str
    hint: str
    wrong: Callable[[], Any]


@dataclass(frozen=True)
class Exercise:
    """An exercise with a computed, symbolic or programmed answer.

    Attributes
    ----------
    label : str
        The label on the page, ``<chapter>-<number>``; ``<chapter>`` is the module that defines it.
    ask : str
        What an answer is, shown when it cannot be read: ``"a 3 × 3 array, the inverse of A + u vᵀ"``.
    kind : Kind
        How two answers are compared: `Numbers`, `Expression` or `Function`.
    solution : callable
        Called without arguments, returns the answer (for a `Function` exercise: the function). It computes; it is no
        literal.
    misconceptions : tuple of Misconception
        The wrong answers that the verdict names; at least three.
    accepts : callable or None
        For an answer that is not unique: ``accepts(answer) -> bool`` decides in place of the comparison with the
        solution. Misconceptions are looked for first.

    Raises
    ------
    ValueError
        If the label is not of this form, or two misconceptions have one name.

    Examples
    --------
    >>> from mlpc.exercises import Numbers
    >>> sign = Misconception("sign", "Look at the sign in front of the product.", lambda: 1 + 2 * 3)
    >>> exercise = Exercise("arithmetic-1", "one number", Numbers(), lambda: 1 - 2 * 3, (sign,))
    >>> exercise.judge(-5).correct, exercise.judge(7).misconception, exercise.judge(...).state
    (True, 'sign', 'unanswered')
    """

    label: str
    ask: str
    kind: Kind
    solution: Callable[[], Any]
    misconceptions: tuple[Misconception, ...]
    accepts: Callable[[Any], bool] | None = None

    def __post_init__(self) -> None:
        if not LABEL.fullmatch(self.label):
            raise ValueError(f"Exercise: asked for a label <chapter>-<number>, got {self.label!r}")
        names = [misconception.name for misconception in self.misconceptions]
        if len(set(names)) < len(names):
            raise ValueError(f"Exercise {self.label}: asked for misconceptions of different names, got {names}")

    @property
    def chapter(self) -> str:
        """Name of the chapter's module."""
        return self.label.split("-")[0]

    def judge(self, answer: Any) -> Verdict:
        """Judge an answer; whatever it is, the reader gets a verdict and no traceback.

        Parameters
        ----------
        answer : object
            What the reader wrote; `...`, None and a function that raises `NotImplementedError` are unanswered.

        Returns
        -------
        Verdict
        """
        solution = self.solution()
        try:
            return self._compare(self.kind.read(answer, solution))
        except Unanswered as stub:
            return Verdict(self.label, "unanswered", f"Asked for: {self.ask}{f'; {stub}' if str(stub) else ''}.")
        except Unreadable as problem:
            return Verdict(self.label, "unreadable", f"Asked for: {self.ask}; {problem}.")
        except (Exception, SystemExit) as error:
            message = f"Asked for: {self.ask}; this answer cannot be compared with it: {raised(error)}."
            return Verdict(self.label, "unreadable", message)

    def _compare(self, answer: Any) -> Verdict:
        for misconception in self.misconceptions:
            if self.kind.agree(answer, misconception.wrong()):
                return Verdict(self.label, "wrong", misconception.hint, misconception.name)
        if self._right(answer):
            return Verdict(self.label, "right")
        if self.accepts is None:
            self.kind.explain(answer, self.solution())
        return Verdict(self.label, "wrong", "This is not the answer, and no mistake that is known here.")

    def _right(self, answer: Any) -> bool:
        if self.accepts is None:
            return self.kind.agree(answer, self.solution())
        try:
            return bool(self.accepts(answer))
        except (Exception, SystemExit) as error:
            raise Unreadable(f"a further test of it raised {raised(error)}") from None
