"""Rules that replace the largest word of a relation by smaller ones, and their completion with inter-reduction.

Every rule is a consequence of the relations it was learnt from, so a polynomial that reduces to zero is zero under them
for matrices of every size; that one does not reduce to zero proves nothing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from mlpc.verify.field import Scalar
from mlpc.verify.polynomials import Atom
from mlpc.verify.words import Poly, Word, accumulate, form, order, rotations, split, transposed

LONGEST = 12  # letters in the joined word of a critical pair
MANY = 400  # rules


class TimeOut(Exception):
    """The time that a proof may take is over."""


Rebuild = Callable[[Atom, "Rewriter"], Scalar | None]


class Rewriter:
    """A set of rules, which grows by `learn` and `complete`.

    Parameters
    ----------
    deadline : float
        In the time of ``time.thread_time``; past it every step raises `TimeOut`.
    rebuild : callable, optional
        Gives the value, under the rules, of an atom that is no word: of a logarithm, a determinant.

    Examples
    --------
    >>> from mlpc.verify.expressions import sizes
    >>> from mlpc.verify.words import Letter
    >>> n = sizes("n")
    >>> A, S = (Poly.letter(Letter(name, n, n)) for name in "AS")
    >>> rules = Rewriter()
    >>> rules.learn([S @ A - Poly.identity(n)])
    True
    >>> rules.reduce(A @ S @ A)
    A
    """

    def __init__(self, deadline: float = float("inf"), rebuild: Rebuild | None = None) -> None:
        self.rules: list[tuple[Word, Poly]] = []
        self.scalars: dict[Atom, Scalar] = {}
        self.pivots: list[Scalar] = []
        self.contradiction = False
        self._deadline = deadline
        self._rebuild = rebuild
        self._memo: dict[Atom, Scalar] = {}
        self._first: dict[object, list[tuple[Word, Poly]]] = {}
        self._treated: set[tuple[Word, Word, int]] = set()

    def reduce(self, poly: Poly) -> Poly:
        """Apply the rules until none applies, to the words and inside the coefficients."""
        self.watch()
        terms, done = dict(poly.terms), {}
        while terms:
            word = max(terms, key=order)
            c = terms.pop(word)
            rewritten = self._rewritten(word)
            if rewritten is None:
                accumulate(done, word, c)
            else:
                for other, d in rewritten.items():
                    accumulate(terms, other, c * d)
        reduced: dict[Word, Scalar] = {}
        for word, c in done.items():
            accumulate(reduced, word, self.value(c))
        return Poly(reduced, poly.shape)

    def _rewritten(self, word: Word) -> dict[Word, Scalar] | None:
        for start, letter in enumerate(word):
            for left, right in self._first.get(letter, ()):
                if word[start : start + len(left)] == left:
                    result: dict[Word, Scalar] = {}
                    for middle, c in right.terms.items():
                        scalar, joined = split(word[:start] + middle + word[start + len(left) :])
                        accumulate(result, joined, c * scalar)
                    return result
        return None

    def value(self, scalar: Scalar) -> Scalar:
        """Reduce the words inside a scalar."""
        if scalar.constant is not None:
            return scalar
        for _ in range(50):
            values = {atom: value for atom in scalar.atoms() if (value := self._atom_value(atom)) is not None}
            if not values:
                return scalar
            scalar = scalar.substitute(values)
        return scalar

    def _atom_value(self, atom: Atom) -> Scalar | None:
        """What an atom reduces to, or None if it stays as it is."""
        if atom in self.scalars:
            return self.scalars[atom]
        if atom not in self._memo:
            self.watch()
            own = Scalar.atom(atom)
            self._memo[atom] = own
            if atom.kind in ("form", "trace"):
                self._memo[atom] = self._word_value(atom)
            elif self._rebuild:
                self._memo[atom] = self._rebuild(atom, self) or own
        value = self._memo[atom]
        return None if value.terms == Scalar.atom(atom).terms and not value.factors else value

    def _word_value(self, atom: Atom) -> Scalar:
        word: Word = atom.of
        turned = [word, transposed(word)] if atom.kind == "form" else rotations(word)
        for candidate in turned:
            rewritten = self._rewritten(candidate)
            if rewritten is None:
                continue
            shape = (candidate[0].rows, candidate[-1].columns)
            value = Poly(rewritten, shape).trace()
            if all(_below(other, atom) for other in value.atoms()):
                return value
        return Scalar.atom(atom)

    def learn(self, relations: Iterable[Poly]) -> bool:
        """Take in what is zero; say whether that was new."""
        queue, new = deque(relations), False
        while queue:
            poly = self.reduce(queue.popleft())
            if poly.is_zero:
                continue
            new = True
            word = poly.leading()
            if not word:
                self._learn_scalar(poly.terms[word])
                continue
            left, right = word, self._solved(poly, word)
            queue.extend(self._displaced(left))
            self.rules.append((left, right))
            if len(self.rules) > MANY:
                raise TimeOut(f"more than {MANY} rules")
            self._forget()
        return new

    def _solved(self, poly: Poly, word: Word) -> Poly:
        c = poly.terms[word]
        if c.constant is None:
            self.pivots.append(c)
        rest = Poly({w: d for w, d in poly.terms.items() if w != word}, poly.shape)
        return rest * (-1 / c)

    def _displaced(self, left: Word) -> list[Poly]:
        """Take out the rules whose left side contains this one."""
        out = [rule for rule in self.rules if _contains(rule[0], left)]
        self.rules = [rule for rule in self.rules if rule not in out]
        return [Poly({word: Scalar.of(1)}, right.shape) - right for word, right in out]

    def _learn_scalar(self, zero: Scalar) -> None:
        """Solve for an atom that occurs linearly, the largest such."""
        numerator = Scalar(zero.terms)
        if numerator.constant is not None:
            self.contradiction = True
            return
        for atom in sorted(numerator.atoms(), key=_atom_order, reverse=True):
            slope = numerator.derivative(atom)
            if atom not in slope.atoms() and atom.kind in ("form", "trace", "symbol"):
                if slope.constant is None:
                    self.pivots.append(slope)
                value = Scalar.atom(atom) - numerator / slope
                self.scalars = {a: v.substitute({atom: value}) for a, v in self.scalars.items()} | {atom: value}
                self._forget()
                return

    def _forget(self) -> None:
        self._memo = {}
        self._first = {}
        for rule in self.rules:
            self._first.setdefault(rule[0][0], []).append(rule)

    def complete(self, forms: Iterable[Atom] = ()) -> bool:
        """Learn the consequences of one round of critical pairs; say whether there was any news."""
        scalars = self._scalar_rules(forms)
        consequences = [p for one in self.rules for other in self.rules for p in self._pairs(one, other)]
        for one in self.rules:
            for other in scalars:
                consequences += [*self._pairs(one, other), *self._pairs(other, one)]
        consequences.sort(key=lambda p: order(p.leading())[0] if p.terms else 0)
        new = False
        for consequence in consequences:
            new |= self.learn([consequence])
        return new

    def _scalar_rules(self, forms: Iterable[Atom]) -> list[tuple[Word, Poly]]:
        """1 × 1 words, both ways round, and the scalars that they are."""
        inside = {a for _, right in self.rules for c in right.terms.values() for a in c.atoms()} | set(forms)
        words = {word for atom in inside if atom.kind == "form" for word in (atom.of, transposed(atom.of))}
        return [(word, Poly.scalar(form(word))) for word in sorted(words, key=order)]

    def _pairs(self, one: tuple[Word, Poly], other: tuple[Word, Poly]) -> Iterator[Poly]:
        """The two ways to rewrite each word that starts with one left side and ends with the other."""
        (left, r1), (right, r2) = one, other
        for overlap in range(1, min(len(left), len(right))):
            joined = len(left) + len(right) - overlap
            if left[-overlap:] != right[:overlap] or joined > LONGEST:
                continue
            if (left, right, overlap) in self._treated:
                continue
            self._treated.add((left, right, overlap))
            self.watch()
            head, tail = left[:-overlap], right[overlap:]
            after, before = _through(r1, (), tail), _through(r2, head, ())
            shape = (left[0].rows, right[-1].columns)
            yield Poly(after, shape) - Poly(before, shape)

    def watch(self) -> None:
        """Raise `TimeOut` past the deadline."""
        if time.thread_time() > self._deadline:
            raise TimeOut("the time is over")


def _through(poly: Poly, head: Word, tail: Word) -> dict[Word, Scalar]:
    result: dict[Word, Scalar] = {}
    for word, c in poly.terms.items():
        scalar, joined = split(head + word + tail)
        accumulate(result, joined, c * scalar)
    return result


def _contains(word: Word, part: Word) -> bool:
    return any(word[i : i + len(part)] == part for i in range(len(word) - len(part) + 1))


def _atom_order(atom: Atom) -> tuple[bool, int, tuple[str, str]]:
    words = atom.kind in ("form", "trace")
    return (words, len(atom.of) if words else 0, atom.key)


def _below(other: Atom, atom: Atom) -> bool:
    """Whether an atom counts as smaller: not a word, or a smaller word."""
    if other.kind not in ("form", "trace"):
        return True
    return order(other.of) < order(atom.of)
