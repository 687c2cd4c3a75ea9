"""Random matrices that satisfy relations: definitions, idempotents, orthonormal columns, roots, linear equations."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import sympy

from mlpc.verify import arithmetic
from mlpc.verify.arithmetic import Matrix, Number, Singular
from mlpc.verify.evaluation import evaluate
from mlpc.verify.expressions import Expression, Relation, number
from mlpc.verify.sampling import Sample, base, letters


class Impossible(ValueError):
    """No matrices could be drawn that satisfy the assumptions."""


class Root(NamedTuple):
    """A letter X, and what X X, X X' or X' X (its form) is."""

    letter: Expression
    value: Expression
    form: str


class Draw(Sample):
    """One choice of all letters that satisfies the assumptions.

    Parameters
    ----------
    sizes, source, digits
        As for `Sample`.
    relations : sequence of Relation
        The assumptions.

    Raises
    ------
    Impossible
        If no way is known to satisfy them.
    Singular
        If this choice of random numbers cannot satisfy them: draw again.
    """

    def __init__(
        self,
        sizes: dict[sympy.Basic, int],
        relations: Sequence[Relation],
        source: random.Random,
        digits: int = 0,
    ) -> None:
        super().__init__(sizes, source, digits)
        self._fixed: set[Expression] = set()
        self._irregular = False
        self._constrain(list(relations))

    def _constrain(self, relations: list[Relation]) -> None:
        open_relations = []
        for relation in relations:
            if relation.kind in ("equal", "nonzero"):
                open_relations += [relation] if relation.kind == "equal" else []
            elif relation.args[0].op == "letter":
                self._properties.setdefault(base(relation.args[0]), set()).add(relation.kind)
            elif relation.kind in ("symmetric", "positive", "diagonal"):
                open_relations.append(Relation("equal", (relation.args[0], relation.args[0].T)))
            elif relation.kind == "orthogonal":
                whole = relation.args[0] @ relation.args[0].T
                open_relations.append(Relation("equal", (whole, Expression("identity", (), whole.shape))))
        rest = [relation for relation in open_relations if not self._defines(relation)]
        rest = [relation for relation in rest if not self._special(relation)]
        self._solve(self._without_roots(rest))
        if not all(self.satisfies(relation) for relation in open_relations):
            raise Impossible("no matrices are known that satisfy the assumptions together")
        self._check_signs(relations)

    def _check_signs(self, relations: list[Relation]) -> None:
        """Draw again where what is not to be zero is, or where what is defined has not its declared sign."""
        for relation in relations:
            if relation.kind == "nonzero" and not evaluate(relation.args[0], self)[0][0]:
                raise Singular(f"{relation.args[0]} is zero")
        for letter in self._definitions:
            if letter.op == "symbol" and letter.data.is_positive and not evaluate(letter, self)[0][0] > 0:
                raise Singular(f"{letter} is not positive")

    def satisfies(self, relation: Relation) -> bool:
        """Whether a relation holds in this draw."""
        left, right = (evaluate(side, self) for side in relation.args)
        return arithmetic.same(left, right)

    def _defines(self, relation: Relation) -> bool:
        """Take a relation between a letter and an expression without it as the definition of the letter."""
        for letter, value in (relation.args, relation.args[::-1]):
            plain = letter.op in ("letter", "symbol") and not self._bound(letter)
            if plain and letter not in self._reached(value):
                self._definitions[letter] = value
                return True
        return False

    def _bound(self, letter: Expression, squared: bool = False) -> bool:
        if letter.op == "symbol":
            return letter in self._definitions or letter.data in self.sizes or letter.data.is_number
        return (
            letter in self._definitions
            or (letter, ()) in self._letters
            or bool(letter.data[2])
            or bool(self.properties(letter) - ({"symmetric", "positive", "invertible"} if squared else set()))
        )

    def _reached(self, expression: Expression) -> set[Expression]:
        """The letters that an expression is made of, also through definitions."""
        found = set(letters(expression))
        for letter in list(found):
            if letter in self._definitions:
                found |= self._reached(self._definitions[letter])
        return found

    def _special(self, relation: Relation) -> bool:
        """Draw what is idempotent, an involution, or has orthonormal rows or columns."""
        for left, right in (relation.args, relation.args[::-1]):
            form, letter = _square(left)
            unit = right.op == "identity" or right == number(1)
            if form == "X X" and letter == right:
                return self._place(letter, self._projector(letter))
            if form == "X X" and unit:
                projector = self._projector(letter)
                minus = arithmetic.scale(Fraction(-1), arithmetic.identity(len(projector)))
                return self._place(letter, arithmetic.add(arithmetic.scale(Fraction(2), projector), minus))
            if form and unit:
                return self._place(letter, self._orthonormal(letter, rows=form == "X X'"))
        return False

    def _place(self, letter: Expression, matrix: Matrix) -> bool:
        self._letters.setdefault((base(letter), ()), matrix)
        self._fixed.add(letter)
        return True

    def _without_roots(self, relations: list[Relation]) -> list[Relation]:
        """Place the square roots, in an order in which what they are roots of is known; return the other relations."""
        roots = {relation: root for relation in relations if (root := self._root(relation, relations))}
        others = [relation for relation in relations if relation not in roots]
        while roots:
            needed = {relation: self._needed(root, others) for relation, root in roots.items()}
            taken = {root.letter for root in roots.values()}
            free = [relation for relation in roots if not self._letters_of(needed[relation]) & taken]
            relation = (free or list(roots))[0]
            root = roots.pop(relation)
            self._solve(needed[relation])
            others = [other for other in others if other not in needed[relation]]
            self._place(root.letter, self._square_root(root))
            self._fixed |= self._reached(root.value)
        return others

    def _root(self, relation: Relation, every: list[Relation]) -> Root | None:
        """What a relation says about a square root: of its letters the one that fewest relations hold."""
        found = []
        for left, right in (relation.args, relation.args[::-1]):
            terms = left.args if left.op == "add" else (left,)
            for place, term in enumerate(terms):
                form, letter = _square(term)
                if not form or self._bound(letter, squared=True):
                    continue
                value = right
                for other in (*terms[:place], *terms[place + 1 :]):
                    value = value - other
                symmetric = bool(self.properties(letter) & {"symmetric", "positive"})
                if letter not in self._reached(value) and (symmetric or form != "X X"):
                    count = sum(letter in self._letters_of([other]) for other in every)
                    found.append((count, len(found), Root(letter, value, form)))
        return min(found)[2] if found else None

    def _letters_of(self, relations: list[Relation]) -> set[Expression]:
        return set().union(*(self._reached(side) for relation in relations for side in relation.args))

    def _needed(self, root: Root, others: list[Relation]) -> list[Relation]:
        """The relations that what stands under a root has to satisfy first."""
        under = self._reached(root.value) - self._fixed
        shared = [relation for relation in others if self._letters_of([relation]) & under]
        return [relation for relation in shared if root.letter not in self._letters_of([relation])]

    def _square_root(self, root: Root) -> Matrix:
        """The symmetric root of a positive definite matrix, or Cholesky's with a random rotation."""
        value = evaluate(root.value, self)
        if self.properties(root.letter) & {"symmetric", "positive"}:
            return arithmetic.symmetric_root(value)
        rows, columns = self.shape(root.letter)[:: -1 if root.form == "X' X" else 1]
        if columns < rows:
            raise Singular("what has fewer columns than rows is the root of a singular matrix")
        wide = [row + [Fraction(0)] * (columns - rows) for row in arithmetic.cholesky(value)]
        found = arithmetic.multiply(wide, self.orthogonal(columns))
        return arithmetic.transpose(found) if root.form == "X' X" else found

    def _projector(self, letter: Expression) -> Matrix:
        n, _ = self.shape(letter)
        basis = self.matrix(n, max(1, n - 1))
        other = basis if self.properties(letter) & {"symmetric"} else self.matrix(n, max(1, n - 1))
        gram = arithmetic.inverse(arithmetic.multiply(arithmetic.transpose(other), basis))
        return arithmetic.multiply(arithmetic.multiply(basis, gram), arithmetic.transpose(other))

    def _orthonormal(self, letter: Expression, rows: bool) -> Matrix:
        m, n = self.shape(letter)
        if (m > n) if rows else (n > m):
            raise Singular("there are not so many orthonormal vectors")
        whole = self.orthogonal(max(m, n))
        return [row[:n] for row in whole[:m]]

    def _solve(self, relations: list[Relation]) -> None:
        """Find letters in which relations are linear, and solve for them."""
        while relations := [relation for relation in relations if not self.satisfies(relation)]:
            self._irregular = False
            if not any(self._solved(letter, relations) for letter in self._candidates(relations)):
                equations = ", ".join(f"{r.args[0]} = {r.args[1]}" for r in relations)
                if self._irregular:
                    raise Singular(f"the solution of {equations} has not the properties that were declared")
                raise Impossible(f"no matrices are known that satisfy {equations}")

    def _candidates(self, relations: list[Relation]) -> list[Expression]:
        found = [letter for r in relations for side in r.args for letter in self._reached(side)]
        known = {*self._definitions, *self._fixed}
        free = [e for e in dict.fromkeys(found) if e.op == "letter" and not e.data[2] and e not in known]
        special = {"positive", "orthogonal", "diagonal"}
        free.sort(key=lambda e: (bool(self.properties(e) & special), -found.count(e), str(e)))
        return free

    def _solved(self, letter: Expression, relations: list[Relation]) -> bool:
        """Solve all relations with this letter for its entries, as if they were linear in them."""
        mine = [r for r in relations if any(letter in self._reached(side) for side in r.args)]
        for relation in mine:
            self.satisfies(relation)  # draws the other letters
        before = dict(self._letters)
        patterns = list(self._patterns(letter))
        try:
            rest = self._residual(letter, arithmetic.zeros(*self.shape(letter)), mine)
            columns = [[a - b for a, b in zip(self._residual(letter, p, mine), rest, strict=True)] for p in patterns]
            rows = [list(row) for row in zip(*columns, strict=True)]
            solution = arithmetic.solve(rows, [-x for x in rest], self.number)
        except Singular:
            solution = None
        self._letters, self.computed = before, {}
        if solution is None:
            return False
        whole = arithmetic.zeros(*self.shape(letter))
        for x, pattern in zip(solution, patterns, strict=True):
            whole = arithmetic.add(whole, arithmetic.scale(x, pattern))
        self._forget_but(letter, whole)
        if all(self.satisfies(relation) for relation in mine):
            if self._regular(letter):
                return True
            self._irregular = True
        self._letters, self.computed = before, {}
        return False

    def _regular(self, letter: Expression) -> bool:
        """Whether a letter has the properties that its entries were not chosen by."""
        properties, matrix = self.properties(letter), self._value(letter, ())
        if "orthogonal" in properties:
            square = arithmetic.multiply(matrix, arithmetic.transpose(matrix))
            return arithmetic.same(square, arithmetic.identity(len(matrix)))
        if "positive" in properties:
            return arithmetic.is_positive(matrix)
        return "invertible" not in properties or arithmetic.determinant(matrix) != 0

    def _forget_but(self, letter: Expression, matrix: Matrix) -> None:
        self.computed = {}
        self._letters = {key: value for key, value in self._letters.items() if key[0] not in self._definitions}
        self._letters[(letter, ())] = matrix

    def _residual(self, letter: Expression, matrix: Matrix, relations: list[Relation]) -> list[Number]:
        self._forget_but(letter, matrix)
        sides = [(evaluate(r.args[0], self), evaluate(r.args[1], self)) for r in relations]
        return [
            a - b for left, right in sides for x, y in zip(left, right, strict=True) for a, b in zip(x, y, strict=True)
        ]

    def _patterns(self, letter: Expression) -> Iterator[Matrix]:
        """A basis of the matrices that a letter can be."""
        rows, columns = self.shape(letter)
        symmetric = bool(self.properties(letter) & {"symmetric", "positive", "diagonal"})
        for i in range(rows):
            for j in range(i if symmetric else 0, columns):
                if "diagonal" in self.properties(letter) and i != j:
                    continue
                pattern = arithmetic.zeros(rows, columns)
                pattern[i][j] = Fraction(1)
                if symmetric:
                    pattern[j][i] = Fraction(1)
                yield pattern


def _square(term: Expression) -> tuple[str, Expression]:
    """The form "X X", "X X'" or "X' X" of a product, with the letter X; no form for any other term."""
    factors = term.args * 2 if term.op == "matrix power" and term.data == 2 else term.args
    if len(factors) != 2 or term.op not in ("product", "matrix power"):
        return "", term
    one, two = factors
    letter = two if one.op == "transpose" else one
    form = {(letter, letter): "X X", (letter, letter.T): "X X'", (letter.T, letter): "X' X"}.get((one, two), "")
    return (form, letter) if letter.op == "letter" else ("", term)
