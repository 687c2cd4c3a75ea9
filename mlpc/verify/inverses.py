"""Letters that relations define: inverses, of blocks too, and what is known about determinants."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from mlpc.verify.blocks import Blocks, assemble
from mlpc.verify.determinants import determinant
from mlpc.verify.expressions import Size
from mlpc.verify.field import Root, Scalar
from mlpc.verify.functions import Functions
from mlpc.verify.polynomials import Atom
from mlpc.verify.rewriting import Rewriter
from mlpc.verify.sums import poly_indices
from mlpc.verify.words import Letter, Poly


class Inverses:
    """The letters for inverses, with the relations and hypotheses that they bring.

    Parameters
    ----------
    deadline : float
        For the rewriter.
    rank : int
        Of inverse letters among the letters of a word: 1 makes them the largest, -1 the smallest, 0 neither.

    Attributes
    ----------
    rules : Rewriter
        Knows what every letter here satisfies.
    inverses : list of pairs
        A polynomial and its inverse.
    hypotheses : dict
        What was taken for granted on the way, as keys.
    axioms : dict
        The facts of `mlpc.verify.axioms` that were used, as keys.

    Examples
    --------
    >>> from mlpc.verify.expressions import sizes
    >>> n = sizes("n")
    >>> A, B = (Poly.letter(Letter(name, n, n)) for name in "AB")
    >>> known = Inverses()
    >>> known.inverse(A @ B)
    B⁻¹ A⁻¹
    >>> list(known.hypotheses)
    ['A invertible', 'B invertible']
    """

    def __init__(self, deadline: float = float("inf"), rank: int = 1) -> None:
        self.hypotheses: dict[str, None] = {}
        self.axioms: dict[str, None] = {}
        self.functions = Functions(lambda value: self.suppose(f"{value} > 0"))
        self.rules = Rewriter(deadline, self._rebuilt)
        self.inverses: list[tuple[Poly, Poly]] = []
        self._determinants: list[tuple[Poly, Scalar]] = []
        self._equations: list[tuple[Poly, Poly]] = []
        self._parts: dict[int, tuple[Blocks, Blocks]] = {}
        self._names = count(1)
        self._rank = rank

    def suppose(self, hypothesis: str) -> None:
        """Record a hypothesis."""
        self.hypotheses[hypothesis] = None

    def lean(self, axiom: str) -> None:
        """Record that an axiom was used."""
        self.axioms[axiom] = None

    def learn(self, relations: Iterable[Poly]) -> None:
        """Take in relations with their transposes."""
        every = [part for poly in relations for part in (poly, poly.T)]
        self.rules.learn(every)

    def relate(self, left: Blocks, right: Blocks) -> None:
        """Take in that two block matrices are equal."""
        self.learn(cell for row in (left - right).cells for cell in row)
        one, other = left.single, right.single
        if one is not None and other is not None and one.is_square:
            self._equations += [(one, other), (other, one)]

    def orthogonal(self, poly: Poly) -> None:
        """Take in that a matrix is orthogonal: its transpose is its inverse, and its determinant squares to 1."""
        if any(known.equals(poly) for known, _ in self.inverses):
            return
        one = Poly.identity(poly.shape[0])
        self.learn([poly @ poly.T - one, poly.T @ poly - one])
        self.inverses += [(poly, poly.T)]
        sign = Scalar.atom(Atom("root", Root(2, Scalar.of(1), f"det({poly})")))
        self._determinants.append((poly, sign))

    def inverse(self, poly: Poly, name: str = "") -> Poly:
        """The inverse of a polynomial: a letter, unless it can be taken apart."""
        poly = self.rules.reduce(poly)
        if poly.is_zero:
            raise ZeroDivisionError(f"the inverse of {name or poly}, which is zero")
        if poly.is_scalar:
            if poly.value.constant is None:
                self.suppose(f"{name or poly.value} ≠ 0")
            return Poly.scalar(1 / poly.value)
        lead = poly.leading()
        if not lead:
            return Poly.identity(poly.shape[0]) * (1 / poly.terms[lead])
        content = poly.terms[lead]
        if content.constant != 1:
            if content.constant is None:
                self.suppose(f"{content} ≠ 0")
            return self.inverse(poly * (1 / content)) * (1 / content)
        return self.known_inverse(poly) or self._taken_apart(poly) or self._new_inverse(poly, name)

    def known_inverse(self, poly: Poly) -> Poly | None:
        """The inverse of a polynomial, or of its transpose, if it was met before."""
        for known, inverse in self.inverses:
            for matrix, other in ((known, inverse), (inverse, known)):
                if matrix.equals(poly):
                    return other
                if matrix.T.equals(poly):
                    return other.T
        return None

    def _taken_apart(self, poly: Poly) -> Poly | None:
        """(A M)⁻¹ = M⁻¹ A⁻¹ for a square letter A with which every word begins; likewise at the end."""
        words = list(poly.terms)
        if poly.terms.keys() == {words[0]} and len(words[0]) == 1:
            return None
        for end, rest in ((0, slice(1, None)), (-1, slice(None, -1))):
            if (
                all(word and word[end] == words[0][end] for word in words)
                and words[0][end].rows == words[0][end].columns
            ):
                edge = self.inverse(Poly.letter(words[0][end]))
                inner = self.inverse(Poly({word[rest]: c for word, c in poly.terms.items()}, poly.shape))
                return inner @ edge if end == 0 else edge @ inner
        return None

    def _new_inverse(self, poly: Poly, name: str) -> Poly:
        self.suppose(f"{name or poly} invertible")
        own = poly.leading() if len(poly.terms) == 1 else ()
        label = f"{own[0]}⁻¹" if len(own) == 1 else f"({poly})⁻¹"
        symmetric = (poly - poly.T).is_zero
        number = next(self._names)
        rank = self._rank * number
        inverse = Poly.letter(
            Letter(label, *poly.shape, kind="inverse", of=(number, poly_indices(poly)), symmetric=symmetric, rank=rank)
        )
        self.inverses.append((poly, inverse))
        one = Poly.identity(poly.shape[0])
        self.learn([inverse @ poly - one, poly @ inverse - one])
        return inverse

    def is_invertible(self, poly: Poly) -> bool:
        """Whether an inverse is known already."""
        return not poly.is_zero and (not poly.leading() or self.known_inverse(poly) is not None)

    def block_inverse(self, blocks: Blocks) -> Blocks:
        """By a Schur complement where a diagonal block has a known inverse; else by letters defined to be it."""
        poly = blocks.single
        if poly is not None:
            return Blocks.of(self.inverse(poly))
        last = len(blocks.cells) - 1
        if self.is_invertible(blocks.cells[last][last]):
            return self._eliminated(blocks, slice(last, None), slice(None, last))
        if self.is_invertible(blocks.cells[0][0]) or _triangular(blocks):
            return self._eliminated(blocks, slice(None, 1), slice(1, None))
        return self._inverse_letters(blocks)

    def _eliminated(self, blocks: Blocks, pivot: slice, rest: slice) -> Blocks:
        """The inverse through that of a pivot block and of its Schur complement."""
        inner = self.block_inverse(blocks.part(pivot, pivot))
        right, below = inner @ blocks.part(pivot, rest), blocks.part(rest, pivot) @ inner
        schur = self.block_inverse(blocks.part(rest, rest) - blocks.part(rest, pivot) @ right)
        minus = Scalar.of(-1)
        corner = inner + right @ schur @ below
        rows = [[corner, right @ schur * minus], [schur @ below * minus, schur]]
        if pivot.start is not None:
            rows = [row[::-1] for row in rows[::-1]]
        return assemble(rows)

    def _inverse_letters(self, blocks: Blocks) -> Blocks:
        number = next(self._names)
        self.suppose("the block matrix invertible")
        symmetric = (blocks - blocks.T).is_zero

        def part(i: int, j: int, rows: Size, columns: Size) -> Poly:
            if symmetric and i > j:
                return part(j, i, columns, rows).T
            letter = Letter(
                f"N{number}_{i}{j}",
                rows,
                columns,
                kind="part",
                of=(number, i, j),
                symmetric=symmetric and i == j,
                rank=number,
            )
            return Poly.letter(letter)

        cells = [[part(i, j, r, c) for j, c in enumerate(blocks.rows)] for i, r in enumerate(blocks.columns)]
        inverse = Blocks(cells)
        self._parts[number] = (blocks, inverse)
        one = Blocks(
            [
                [Poly.identity(r) if i == j else Poly({}, (r, c)) for j, c in enumerate(blocks.rows)]
                for i, r in enumerate(blocks.rows)
            ]
        )
        self.relate(blocks @ inverse, one)
        self.relate(inverse @ blocks, one)
        return inverse

    def part(self, letter: Letter) -> tuple[Blocks, Blocks, int, int]:
        """The block matrix, its inverse, and the place in it where a letter (or its transpose) stands."""
        number, i, j = letter.of
        matrix, inverse = self._parts[number]
        return (matrix.T, inverse.T, j, i) if letter.transposed else (matrix, inverse, i, j)

    # scalars

    def determinant(self, blocks: Blocks) -> Scalar:
        """By Schur complements, down to polynomials."""
        poly = blocks.single
        if poly is not None:
            return self.determinant_of(poly)
        last = len(blocks.cells) - 1
        if not self.is_invertible(blocks.cells[0][0]) and self.is_invertible(blocks.cells[last][last]):
            pivot, rest = slice(last, None), slice(None, last)
        else:
            pivot, rest = slice(None, 1), slice(1, None)
        block = blocks.part(pivot, pivot)
        complement = blocks.part(rest, rest)
        if not (blocks.part(pivot, rest).is_zero or blocks.part(rest, pivot).is_zero):
            complement -= blocks.part(rest, pivot) @ self.block_inverse(block) @ blocks.part(pivot, rest)
        return self.determinant(block) * self.determinant(complement)

    def determinant_of(self, poly: Poly) -> Scalar:
        """The determinant of a polynomial."""
        return determinant(self, self.rules.reduce(poly))

    def determinant_atom(self, poly: Poly) -> Scalar:
        """The determinant of what cannot be taken apart, the same for equal polynomials and their transposes."""
        for known, value in self._determinants:
            if known.equals(poly) or known.T.equals(poly):
                return value
        atom, place = Atom("det", Determinant(poly)), len(self._determinants)
        value = Scalar.atom(atom)
        self._determinants.append((poly, value))
        for known, equal in self._equations:
            if known.equals(poly) and not equal.is_zero:
                other = determinant(self, equal)
                if atom not in other.atoms():
                    self._determinants[place] = (poly, other)
                    return other
        return value

    def _rebuilt(self, atom: Atom, rules: Rewriter) -> Scalar | None:
        if isinstance(atom.of, Determinant):
            return determinant(self, rules.reduce(atom.of.poly))
        return self.functions.rebuilt(atom, rules.value)


class Determinant:
    """What a determinant is of."""

    def __init__(self, poly: Poly) -> None:
        self.poly = poly

    def __repr__(self) -> str:
        return repr(self.poly)


def _triangular(blocks: Blocks) -> bool:
    """Whether the first block row or column is zero but for its diagonal block, which must then be invertible."""
    first = slice(None, 1)
    square = blocks.cells[0][0].is_square
    return square and (blocks.part(first, slice(1, None)).is_zero or blocks.part(slice(1, None), first).is_zero)
