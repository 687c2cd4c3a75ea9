r"""What a typed number looks like, in words and in formulas, however its characters are dressed up.

A decimal (`0.5`, `0,5`, `0·5`), a percentage, a number with an exponent (`1e-10`) or a power of ten with a factor. Not
thousands (`1,000`), pairs (`(1,2)`), locants (`1,2-dichloroethane`), versions of three parts and bare powers of ten.
"""

from __future__ import annotations

import re
import unicodedata

TYPED = re.compile(
    r"""(?<![\w.])(?:
        [-+−]?\d+(?:[.,·]\d+)?\s*(?:[%‰]|per\s?cent\b|percentage\s+points?\b)    # 10 %, 0.5 per cent
      | [-+−]?\d+(?:\.\d+)?[eE][-+−]?\d+\b                                       # 1e-10
      | \d+(?:\.\d+)?\s*[x×·⋅∙]\s*10(?:\^|[⁻⁰¹²³⁴⁵⁶⁷⁸⁹])\S*                       # 3 × 10⁻⁴
      | [-+−]?\d*\.\d+(?!\d|\.\d)                                                # 0.5, .5, but not 1.2.3
      | [-+−]?(?:0[·⋅∙‧•]\d+|\d+[·⋅∙‧•](?!10)\d{2,})                             # 0·37
      | (?<![(\[,])[-+−]?(?:0,\d+|\d{1,3},(?!\d{3}\b)\d+)(?![\w,]|-[a-z])        # 0,37
      | (?<=[(\[])[-+−]?(?:0,\d+|\d{1,3},(?!\d{3}\b)\d+)(?![\w,)\]]|-[a-z])      # (0,37 s), but not (0,1)
    )""",
    re.VERBOSE,
)
ELSEWHERE = str.maketrans({"٫": ".", "٪": "%", "﹪": "%"})
KEPT = ("<super>", "<sub>", "<fraction>")
"""Characters that stay what they are: 10⁻⁴ is not 10-4."""

SPACE = re.compile(
    r"\\[,;:! ]|\\(?:quad|qquad|enspace|thinspace|displaystyle|textstyle|left|right)(?![a-zA-Z])|~|\s|[{}]"
)
UPRIGHT = r"\\(?:mathrm|text|textrm|textnormal|mathsf|operatorname|mbox|hbox)"
UNIT = re.compile(UPRIGHT + r"\s*\{[^{}\d]*\}")
TEXT = re.compile(UPRIGHT + r"\s*\{([^{}]*)\}")
DRESS = re.compile(UPRIGHT + r"(?![a-zA-Z])|\\(?:mathbf|mathit|mathtt|textbf|textit|boldsymbol|bm|boxed)(?![a-zA-Z])")
OPERATOR = re.compile(
    r"\\(?:approx|sim|simeq|leq?|geq?|ll|gg|lesssim|gtrsim|pm|mp|times|cdot|div|frac|[dt]frac|sqrt|ldots|dots|cdots|circ)"
    r"(?![a-zA-Z])|\\%"
)
VALUE = re.compile(r"\.\d|%|\d\\(?:times|cdot)10\^|\b0,\d{2}")
COMMA = re.compile(r"(\d)\{,\}(?=\d)")


def plain(text: str) -> str:
    """The text in its simplest characters: NFKC but for raised and lowered digits, nothing of no width.

    >>> plain("０．３７ and 0.\\u200b37％, 10⁻⁴")
    '0.37 and 0.37%, 10⁻⁴'
    """
    return "".join(
        character if unicodedata.decomposition(character).startswith(KEPT) else unicodedata.normalize("NFKC", character)
        for character in text
        if unicodedata.category(character) != "Cf"
    ).translate(ELSEWHERE)


def alone(latex: str) -> bool:
    r"""Is an inline formula nothing but numbers, operators and units, and is one of its numbers a typed one?

    >>> [alone(x) for x in (r"0.5", r"\approx 10\,\%", r"2.5\,\mathrm{s}", r"0.37/2", r"\text{0.37}", r"1e-3")]
    [True, True, True, True, True, True]
    >>> [alone(x) for x in (r"\lambda = 0.99", r"10", r"10^{-10}", r"2 \cdot 3 = 6", r"1/2", r"(1,2)")]
    [False, False, False, False, False, False]
    """
    if any(TYPED.search(words) for words in TEXT.findall(latex)):
        return True
    bare = tight(COMMA.sub(r"\1.", latex))
    if re.search(r"[^\W\d_]|\\", OPERATOR.sub(" ", bare)):
        return bool(re.fullmatch(r"[-+−]?[\d.]+[eE][-+−]?\d+", bare))
    return bool(VALUE.search(bare))


def tight(latex: str) -> str:
    """A formula without spaces, braces, units and typefaces."""
    return SPACE.sub("", DRESS.sub("", UNIT.sub("", latex)))
