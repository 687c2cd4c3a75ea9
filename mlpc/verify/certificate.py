"""What a proof leaves behind: the claim, how far it was proved, and what that rests on."""

from __future__ import annotations

from dataclasses import dataclass, replace

GRADES = {
    "A": "proved for all sizes",
    "B": "proved with symbols at a fixed size",
    "C": "exact rational draws",
    "D": "floating-point draws",
    "E": "definition or cited theorem",
}
"""The grades, best first."""


@dataclass(frozen=True)
class Certificate:
    """The outcome of a proof: falsy, with a readable `residual`, when the claim was not proved.

    Attributes
    ----------
    claim : str
        LaTeX, made from the very objects that were checked.
    method : str
        How, in a few words: "non-commutative rewriting".
    grade : str
        One of `GRADES`.
    scope : str
        For which sizes: "all sizes", "n=3, k=2".
    assumes : tuple of str
        Hypotheses: what is invertible, symmetric, non-zero, positive.
    uses : tuple of str
        Labels of other equations, and axioms, that the proof leans on.
    mutants : tuple of str
        What is wrong in each wrong variant that was refuted.
    second_opinion : str
        An independent check: "20 rational draws at n=3, k=2 (seed 0), 0 failures".
    reason : str
        Why there is no better grade; never empty for D and E.
    residual : str
        Why it is not proved: what remained, or the draw that contradicts it; empty when proved.
    seconds : float
        What the proof took.

    Examples
    --------
    >>> bool(Certificate("a = b", "by hand", "A", "all sizes", residual="a - b"))
    False
    """

    claim: str
    method: str
    grade: str
    scope: str
    assumes: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    mutants: tuple[str, ...] = ()
    second_opinion: str = ""
    reason: str = ""
    residual: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.grade not in GRADES:
            raise ValueError(f"Certificate: grade must be one of {', '.join(GRADES)}, but is {self.grade!r}")
        if self.grade in "DE" and not self.reason:
            raise ValueError(f"Certificate: grade {self.grade} needs a reason why there is no better one")

    def __bool__(self) -> bool:
        return not self.residual

    def __str__(self) -> str:
        """The claim, and in two lines how far it is proved and what that rests on, or why it is not."""
        if self.residual:
            return f"{self.claim}\nnot proved: {self.residual.removeprefix('not proved: ')}"
        lines = [self.claim, f"grade {self.grade} ({GRADES[self.grade]}), {self.scope}: {self.method}"]
        rests = {"assumes": self.assumes, "uses": self.uses, "refuted": self.mutants}
        lines += ["; ".join(f"{name} {', '.join(texts)}" for name, texts in rests.items() if texts)]
        lines += [". ".join(filter(None, (self.second_opinion, self.reason)))]
        return "\n".join(filter(None, lines))


def together(first: Certificate, *others: Certificate) -> Certificate:
    """Return the certificate of a claim whose parts have these certificates: its grade is the weakest of theirs.

    >>> a = Certificate("a = b", "rewriting", "A", "all sizes")
    >>> together(a, replace(a, claim="c = d", grade="B", scope="n=3")).grade
    'B'
    """
    every = (first, *others)
    weakest = max(every, key=lambda part: part.grade)

    def joined(field: str, separator: str = "; ") -> str:
        return separator.join(dict.fromkeys(text for part in every if (text := getattr(part, field))))

    def merged(field: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for part in every for text in getattr(part, field)))

    return replace(
        weakest,
        claim=joined("claim", r",\quad "),
        method=joined("method"),
        scope=joined("scope"),
        second_opinion=joined("second_opinion"),
        reason=joined("reason"),
        residual=joined("residual"),
        assumes=merged("assumes"),
        uses=merged("uses"),
        mutants=merged("mutants"),
        seconds=sum(part.seconds for part in every),
    )
