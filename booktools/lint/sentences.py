"""Which runs of a paragraph belong to one sentence, so that a rule can ask whether the sentence carries a citation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from booktools.lint.blocks import Run

HELD = "\ue000"
"""Stands for a run that is not words, so that a sentence may begin with a formula."""

END = re.compile(
    r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bcf\.)(?<!\b[Ee]q\.)(?<!\b[Ee]qs\.)(?<!\b[Ff]ig\.)(?<!\b[Ss]ec\.)(?<!\bal\.)"
    rf"(?<!\bp\.)(?<!\bpp\.)(?<!\bvs\.)[\"')\]]*\s+(?=[^a-z\s]|{HELD})"
)


@dataclass(frozen=True)
class Paragraph:
    """The runs of one piece of text, laid out on one line of characters."""

    runs: tuple[Run, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Paragraph:
        flat, starts = "", []
        for run in runs:
            starts.append(len(flat))
            flat += run.text if run.kind == "words" else HELD
        return cls(tuple(runs), tuple(starts), tuple(found.end() for found in END.finditer(flat)))

    def sentence(self, index: int, offset: int = 0) -> int:
        """The number of the sentence in which character `offset` of run `index` stands.

        >>> words = Paragraph.of([Run("words", "See e.g. Bishop. Then", 1)])
        >>> words.sentence(0, 10), words.sentence(0, 17)
        (0, 1)
        """
        place = self.starts[index] + (offset if self.runs[index].kind == "words" else 0)
        return sum(end <= place for end in self.ends)

    def cited(self, index: int, offset: int = 0) -> bool:
        """Does the sentence of this place hold a citation?"""
        return any(
            run.kind == "role" and run.name.startswith("cite") and self.sentence(i) == self.sentence(index, offset)
            for i, run in enumerate(self.runs)
        )
