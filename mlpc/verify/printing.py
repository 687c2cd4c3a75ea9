"""Expressions as LaTeX, and as plain text for messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy

from mlpc.verify.expressions import Expression

SUM, PRODUCT, ATOM = 0, 1, 2  # how tightly the outermost operation binds
Written = tuple[str, int]


def latex(expression: Expression) -> str:
    r"""Return the LaTeX of an expression.

    >>> from mlpc.verify.expressions import matrix, sizes
    >>> A = matrix("A", sizes("n"))
    >>> latex((A + A.T).inv @ A)
    '\\left(A + A^{\\top}\\right)^{-1} A'
    """
    return LATEX.write(expression)[0]


def plain(expression: Expression) -> str:
    """Return an expression as it would be typed."""
    return PLAIN.write(expression)[0]


class Printer:
    """Writes expressions, operation by operation.

    Parameters
    ----------
    form : dict
        How each operation looks.
    symbol : callable
        Writes SymPy's symbols and numbers.
    """

    def __init__(self, form: dict[str, str], symbol: Callable[[Any], str]) -> None:
        self._form = form
        self._symbol = symbol

    def write(self, e: Expression) -> Written:
        """Return the text of an expression, and how tightly its outermost operation binds."""
        parts = [self.write(part) for part in e.args]
        if e.op in ("letter", "symbol", "number", "identity", "zeros", "ones", "unit"):
            return self._atom(e)
        if e.op in ("transpose", "inverse", "matrix power", "power"):
            return self._raised(e, *parts)
        if e.op in ("trace", "det", "log", "exp"):
            return self._form["call"].format(self._form[e.op], parts[0][0]), ATOM
        if e.op == "expectation":
            return self._form["expectation"].format(parts[0][0]), ATOM
        others = {"add": self._sum, "product": self._product, "scale": self._product, "total": self._total}
        return others.get(e.op, self._block)(e, *parts)

    def _inside(self, part: Written, level: int) -> str:
        return part[0] if part[1] >= level else f"{self._form['(']}{part[0]}{self._form[')']}"

    def _atom(self, e: Expression) -> Written:
        if e.op == "letter":
            name, _, indices = e.data
            return name + (self._form["index"].format(", ".join(map(self._symbol, indices))) if indices else ""), ATOM
        if e.op == "number":
            value = sympy.Rational(e.data.numerator, e.data.denominator)
            return self._symbol(value), ATOM if e.data.denominator == 1 and e.data >= 0 else SUM
        if e.op == "symbol":
            return self._symbol(e.data), ATOM
        return self._form[e.op].format(self._symbol(e.data if e.op == "unit" else e.shape[0])), ATOM

    def _sum(self, _: Expression, *terms: Written) -> Written:
        text = terms[0][0]
        for term in terms[1:]:
            text += f" - {term[0][1:].lstrip()}" if term[0].startswith("-") else f" + {term[0]}"
        return text, SUM

    def _product(self, e: Expression, *factors: Written) -> Written:
        args = e.args
        if e.op == "scale" and not args[0].is_scalar:
            args, factors = args[::-1], factors[::-1]
        if e.op == "scale" and factors[0][0] == "-1":
            return "-" + self._inside(factors[1], PRODUCT), SUM
        if factors[0][0].startswith("-") and args[0].op != "add":
            rest = self._product(e, *((factors[0][0][1:], PRODUCT), *factors[1:])[:: 1 if args == e.args else -1])
            return "-" + rest[0], SUM
        if e.op == "scale" and args[0].op == "power" and args[0].data == -1:
            return self._quotient(self.write(args[0].args[0]), factors[1], args[1].is_scalar)
        joint = self._form["@"] if e.op == "product" else self._form["*"]
        level = ATOM if e.op == "scale" and args[0].op == "product" else PRODUCT
        return joint.join([self._inside(factors[0], level), *(self._inside(f, PRODUCT) for f in factors[1:])]), PRODUCT

    def _quotient(self, below: Written, above: Written, scalar: bool) -> Written:
        if above[0].startswith("-"):
            return "-" + self._quotient(below, (above[0][1:], PRODUCT), scalar)[0], SUM
        if "fraction" not in self._form:
            return f"{self._inside(above, PRODUCT)} / {self._inside(below, ATOM)}", PRODUCT
        if scalar:
            return self._form["fraction"].format(above[0], below[0]), ATOM
        return self._form["fraction"].format(1, below[0]) + " " + self._inside(above, PRODUCT), PRODUCT

    def _raised(self, e: Expression, base: Written) -> Written:
        exponents = {"transpose": self._form["T"], "inverse": "-1"}
        exponent = exponents[e.op] if e.op in exponents else self._symbol(sympy.sympify(e.data))
        return self._form["^"].format(self._inside(base, ATOM + ("^" in base[0])), exponent), ATOM

    def _block(self, e: Expression, *parts: Written) -> Written:
        width = len(parts) // e.data
        rows = [[text for text, _ in parts[i : i + width]] for i in range(0, len(parts), width)]
        text = self._form["row"].join(self._form["column"].join(row) for row in rows)
        return self._form["block"].replace("#", text), ATOM

    def _total(self, e: Expression, summand: Written) -> Written:
        over, count = map(self._symbol, e.data)
        text = self._form["total"].replace("#i", over).replace("#N", count)
        return text.replace("#x", self._inside(summand, PRODUCT)), SUM


LATEX = Printer(
    {
        "(": r"\left(",
        ")": r"\right)",
        "@": " ",
        "*": r" \, ",
        "^": "{0}^{{{1}}}",
        "T": r"\top",
        "index": "_{{{0}}}",
        "identity": "I_{{{0}}}",
        "zeros": "0",
        "ones": r"\mathbf{{1}}_{{{0}}}",
        "unit": "e_{{{0}}}",
        "trace": r"\operatorname{tr}",
        "det": r"\det",
        "log": r"\log",
        "exp": r"\exp",
        "call": r"{0}\left({1}\right)",
        "fraction": r"\frac{{{0}}}{{{1}}}",
        "block": r"\begin{pmatrix}#\end{pmatrix}",
        "row": r" \\ ",
        "column": " & ",
        "total": r"\sum_{#i=1}^{#N} #x",
        "expectation": r"\mathbb{{E}}\left[{0}\right]",
    },
    sympy.latex,
)
PLAIN = Printer(
    {
        "(": "(",
        ")": ")",
        "@": " @ ",
        "*": " * ",
        "^": "{0}^{1}",
        "T": "T",
        "index": "[{0}]",
        "identity": "I({0})",
        "zeros": "0",
        "ones": "ones({0})",
        "unit": "unit({0})",
        "trace": "tr",
        "det": "det",
        "log": "log",
        "exp": "exp",
        "call": "{0}({1})",
        "block": "[#]",
        "row": "; ",
        "column": ", ",
        "total": "total(#x, #i, #N)",
        "expectation": "E[{0}]",
    },
    sympy.sstr,
)
