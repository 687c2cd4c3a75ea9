"""What a reader is told about an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MIME = "application/vnd.mlpc.verdict+json"
HEADS = {"right": "Right.", "wrong": "Not yet.", "unanswered": "Not answered yet.", "unreadable": "Cannot be read."}


@dataclass(frozen=True)
class Verdict:
    """The judgement of one answer; true if and only if the answer is right.

    Attributes
    ----------
    label : str
        Label of the exercise.
    state : {"right", "wrong", "unanswered", "unreadable"}
        An unanswered exercise still holds its stub; an unreadable answer has the wrong type or shape.
    message : str
        What to say to the reader, without the answer.
    misconception : str or None
        Name of the misconception that the answer shows, if it is a known one.

    Examples
    --------
    >>> verdict = Verdict("sherman_morrison-1", "wrong", "The sign of the correction is that of ...", "sign")
    >>> bool(verdict), verdict.misconception
    (False, 'sign')
    >>> print(verdict)
    sherman_morrison-1: Not yet. The sign of the correction is that of ... [sign]
    """

    label: str
    state: Literal["right", "wrong", "unanswered", "unreadable"]
    message: str = ""
    misconception: str | None = None

    @property
    def correct(self) -> bool:
        """Whether the answer is right."""
        return self.state == "right"

    def __bool__(self) -> bool:
        return self.correct

    def __str__(self) -> str:
        words = [f"{self.label}:", HEADS[self.state], self.message]
        return " ".join(word for word in words if word) + (f" [{self.misconception}]" if self.misconception else "")

    def record(self) -> dict[str, str | bool | None]:
        """Return what a machine reads: label, correct, misconception, state."""
        fields = {"label": self.label, "correct": self.correct, "misconception": self.misconception}
        return {**fields, "state": self.state}

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {"text/plain": str(self), "text/markdown": self._repr_markdown_(), MIME: self.record()}

    def _repr_markdown_(self) -> str:
        seen = f" (*{self.misconception}*)" if self.misconception else ""
        return f"**{HEADS[self.state]}** {self.message}{seen}".strip()
