"""Matrices in blocks: a grid of polynomials, of which most have one cell only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlpc.verify.expressions import Size, same_size, shaped
from mlpc.verify.field import Scalar, scalar_sum
from mlpc.verify.words import Poly

Cells = list[list[Poly]]


class Uncut(Exception):
    """Blocks meet a matrix that is not cut as they are."""


class Blocks:
    """A matrix cut into blocks; what has one block only is a polynomial.

    Identities, zeros and scalar multiples of the identity are cut as their neighbours need it.
    """

    def __init__(self, cells: Cells) -> None:
        self.cells = cells

    @classmethod
    def of(cls, poly: Poly) -> Blocks:
        """A matrix of one block."""
        return cls([[poly]])

    @property
    def single(self) -> Poly | None:
        """The polynomial, if there is one block only."""
        return self.cells[0][0] if len(self.cells) == len(self.cells[0]) == 1 else None

    @property
    def rows(self) -> list[Size]:
        """The heights of the blocks."""
        return [row[0].shape[0] for row in self.cells]

    @property
    def columns(self) -> list[Size]:
        """The widths of the blocks."""
        return [cell.shape[1] for cell in self.cells[0]]

    @property
    def T(self) -> Blocks:
        """The transpose."""
        return Blocks([[cell.T for cell in column] for column in zip(*self.cells, strict=True)])

    def map(self, function: Callable[[Poly], Poly]) -> Blocks:
        """Apply a function to every block."""
        return Blocks([[function(cell) for cell in row] for row in self.cells])

    def __add__(self, other: Blocks) -> Blocks:
        one, two = self.cut_like(other), other.cut_like(self)
        return Blocks(
            [
                [a + b for a, b in zip(left, right, strict=True)]
                for left, right in zip(one.cells, two.cells, strict=True)
            ]
        )

    def __mul__(self, factor: Scalar) -> Blocks:
        return self.map(lambda cell: cell * factor)

    def __sub__(self, other: Blocks) -> Blocks:
        return self + other * Scalar.of(-1)

    def __matmul__(self, other: Blocks) -> Blocks:
        one, two = self._cut(self.rows, other.rows, by="columns"), other._cut(self.columns, other.columns, by="rows")
        if not _fits(one.columns, two.rows):
            raise Uncut(f"blocks with columns {one.columns} do not chain with blocks with rows {two.rows}")
        columns = list(zip(*two.cells, strict=True))
        return Blocks([[_dot(row, column) for column in columns] for row in one.cells])

    def cut_like(self, other: Blocks) -> Blocks:
        """Cut as another matrix is cut, if this one is not cut at all."""
        if _fits(self.rows, other.rows) and _fits(self.columns, other.columns):
            return self
        if len(self.rows) > len(other.rows) or len(self.columns) > len(other.columns):
            return self
        return self._cut(other.rows, other.columns)

    def _cut(self, rows: list[Size], columns: list[Size], by: str = "") -> Blocks:
        """Cut the one cell, where it can be cut, at other places; ``by`` says which side has to change."""
        poly = self.single
        if poly is None or (len(rows) == len(columns) == 1):
            return self
        if by == "columns":
            if _fits(self.columns, columns):
                return self
            rows = columns if poly.is_square else self.rows
        elif by == "rows":
            if _fits(self.rows, rows):
                return self
            columns = rows if poly.is_square else self.columns
        if poly.terms.keys() - {()} or (poly.terms and not _fits(rows, columns)):
            raise Uncut(f"{poly} of shape {shaped(poly.shape)} meets blocks of {rows} × {columns}: write it in blocks")
        return Blocks([[_piece(poly, r, c, i == j) for j, c in enumerate(columns)] for i, r in enumerate(rows)])

    def trace(self) -> Scalar:
        """The sum of the traces of the diagonal blocks."""
        if not _fits(self.rows, self.columns):
            raise Uncut(f"the diagonal blocks are not square: {self.rows} × {self.columns}")
        return scalar_sum(row[i].trace() for i, row in enumerate(self.cells))

    def part(self, rows: slice, columns: slice) -> Blocks:
        """Some of the block rows and columns."""
        return Blocks([row[columns] for row in self.cells[rows]])

    @property
    def is_zero(self) -> bool:
        """Whether all blocks are zero."""
        return all(cell.is_zero for row in self.cells for cell in row)


def assemble(grid: Sequence[Sequence[Blocks]]) -> Blocks:
    """Make one matrix of matrices that may have blocks themselves."""
    heights = [max((cell.rows for cell in row), key=len) for row in grid]
    widths = [max((cell.columns for cell in column), key=len) for column in zip(*grid, strict=True)]
    cells: Cells = []
    for row, height in zip(grid, heights, strict=True):
        parts = [_exactly(cell, height, width) for cell, width in zip(row, widths, strict=True)]
        cells += [[poly for part in parts for poly in part.cells[i]] for i in range(len(height))]
    return Blocks(cells)


def _exactly(cell: Blocks, rows: list[Size], columns: list[Size]) -> Blocks:
    if not (_fits(cell.rows, rows) and _fits(cell.columns, columns)):
        cell = cell._cut(rows, columns)
    if not (_fits(cell.rows, rows) and _fits(cell.columns, columns)):
        raise Uncut(f"a block cut into {cell.rows} × {cell.columns} stands where {rows} × {columns} is needed")
    return cell


def _fits(one: Sequence[Size], other: Sequence[Size]) -> bool:
    return len(one) == len(other) and all(map(same_size, one, other))


def _piece(poly: Poly, rows: Size, columns: Size, diagonal: bool) -> Poly:
    if diagonal and poly.terms:
        return Poly.identity(rows) * poly.terms[()]
    return Poly({}, (rows, columns))


def _dot(row: Sequence[Poly], column: Sequence[Poly]) -> Poly:
    products = [a @ b for a, b in zip(row, column, strict=True)]
    return sum(products[1:], start=products[0])
