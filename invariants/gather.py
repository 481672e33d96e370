"""Actions and claims as arrays, indexed by the numbers of the values they read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from invariants.encoding import Numbers, Outgrown, bits
from invariants.packing import BITS, Layout, Word, Words
from invariants.properties import Kind, Property
from model.system import Action, Table, assignments

SMALL = 10
"""Footprints of up to so many bits index an array from the beginning."""

DENSE = 20
"""Footprints of up to so many bits index an array (of 4 MB at most) once many states are looked up at a time."""

MANY = 1 << 11
"""States looked up at a time for which such an array is worth its making; fewer are sorted and looked up."""

Codes = tuple[int, ...]
Rows = NDArray[np.int64]


class Lookup:
    """The row of each combination of numbers; `learn` makes rows for combinations that are new."""

    def __init__(self, widths: Sequence[int], learn: Callable[[list[Codes]], list[int]]) -> None:
        self.widths = tuple(widths)
        self.learn = learn
        self._total = sum(widths)
        self._dense = np.full(1 << self._total, -1, np.int32) if self._total <= SMALL else None
        self._sparse: dict[int, int] = {}
        self._wide: dict[Codes, int] = {}

    def rows(self, columns: Sequence[Word], length: int) -> Rows:
        """The row of every state, from the columns of what is read."""
        if self._total > BITS:
            return self._look_up_wide(columns)
        key = self._key(columns, length)
        if self._dense is None and self._total <= DENSE and length >= MANY:
            self._dense = np.full(1 << self._total, -1, np.int32)
            self._dense[np.fromiter(self._sparse, np.uint64)] = np.fromiter(self._sparse.values(), np.int32)
        if self._dense is None:
            return self._look_up(key)
        found = self._dense[key].astype(np.int64)
        unknown = found < 0
        if unknown.any():
            new = np.unique(key[unknown])
            self._dense[new] = self.learn([self._codes(k) for k in new.tolist()])
            found = self._dense[key].astype(np.int64)
        return found

    def _key(self, columns: Sequence[Word], length: int) -> NDArray[np.uint64]:
        key = np.zeros(length, np.uint64)
        shift = 0
        for column, width in zip(columns, self.widths, strict=True):
            key |= column << np.uint64(shift) if shift else column
            shift += width
        return key

    def _codes(self, key: int) -> Codes:
        codes = []
        for width in self.widths:
            codes.append(key & ((1 << width) - 1))
            key >>= width
        return tuple(codes)

    def _look_up(self, key: NDArray[np.uint64]) -> Rows:
        distinct, inverse = np.unique(key, return_inverse=True)
        met, known = distinct.tolist(), self._sparse
        new = [k for k in met if k not in known]
        if new:
            known.update(zip(new, self.learn([self._codes(k) for k in new]), strict=True))
        return np.array([known[k] for k in met], np.int64)[inverse.ravel()]

    def _look_up_wide(self, columns: Sequence[Word]) -> Rows:
        distinct, inverse = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
        met = [tuple(row) for row in distinct.tolist()]
        new = [codes for codes in met if codes not in self._wide]
        if new:
            self._wide.update(zip(new, self.learn(new), strict=True))
        return np.array([self._wide[codes] for codes in met], np.int64)[inverse.ravel()]


class Rules:
    """An action's table over packed states: per row and outcome, the bits kept and the bits set in each word."""

    def __init__(self, action: Action, table: Table, layout: Layout, numbers: Numbers) -> None:
        self.action = action
        self.table = table
        self.numbers = numbers
        self.reads = tuple(dict.fromkeys(v for _, v in action.reads))
        self.written: set[str] = set()
        self.most = 0
        self.uneven = False
        self.seconds = 0.0
        self._rows: list[list[dict[str, int]]] = []
        self._known: dict[Codes, int] = {}
        self.lay_out(layout)

    def lay_out(self, layout: Layout) -> None:
        """Pack states like this from now on; the rows stay."""
        self.layout = layout
        self.lookup = Lookup([layout.widths[v] for v in self.reads], self._learn)
        self._degree = np.zeros(0, np.int64)
        self._arrays: list[list[tuple[int, Word, Word]]] = []
        self._stale = bool(self._rows)

    def _learn(self, new: list[Codes]) -> list[int]:
        return [self._known[codes] if codes in self._known else self._add(codes) for codes in new]

    def _add(self, codes: Codes) -> int:
        row = self._row(codes)
        self.written |= {n for changes in row for n in changes}
        self.most = max(self.most, len(row))
        if len(row) > 1 and not self.uneven:
            unread = {frozenset(n for n in changes if n not in self.reads) for changes in row}
            self.uneven = len(unread) > 1
        self._known[codes] = len(self._rows)
        self._rows.append(row)
        self._stale = True
        return self._known[codes]

    def _row(self, codes: Codes) -> list[dict[str, int]]:
        before = {n: self.numbers.values[n][c] for n, c in zip(self.reads, codes, strict=True)}
        row = []
        for result in self.table[tuple(before[v] for _, v in self.action.reads)]:
            changes = assignments(self.action, result)
            row.append({n: self._code(n, v) for n, v in changes.items() if n not in before or before[n] != v})
        return list({frozenset(changes.items()): changes for changes in row}.values())

    def _code(self, name: str, value: object) -> int:
        code = self.numbers.code(name, value)
        if code >> self.layout.widths[name]:
            raise Outgrown(name)
        return code

    def _refresh(self) -> None:
        self._degree = np.array([len(row) for row in self._rows], np.int64)
        words = sorted({self.layout.places[n].word for n in self.written})
        self._arrays = [[(word, *self._bits(word, outcome)) for word in words] for outcome in range(self.most)]
        self._stale = False

    def _bits(self, word: int, outcome: int) -> tuple[Word, Word]:
        keep, put = [], []
        for row in self._rows:
            clear = value = 0
            for name, code in row[outcome].items() if outcome < len(row) else ():
                place = self.layout.places[name]
                if place.word == word:
                    clear |= place.mask
                    value |= code << place.shift
            keep.append(~clear & (2**64 - 1))
            put.append(value)
        return np.array(keep, np.uint64), np.array(put, np.uint64)

    def apply(self, words: Words, source: NDArray[np.int64], *, total: bool) -> tuple[Words, NDArray[np.int64]]:
        """Every state after the action, with where it came from; with `total`, also where it is not enabled."""
        columns = [self.layout.column(words, n) for n in self.reads]
        rows = self.lookup.rows(columns, len(source))
        began = time.perf_counter()
        if self._stale:
            self._refresh()
        degree = self._degree[rows]
        ends: list[tuple[Words, NDArray[np.int64]]] = []
        if total and (stays := np.flatnonzero(degree == 0)).size:
            ends.append(([w[stays] for w in words], source[stays]))
        for outcome, arrays in enumerate(self._arrays):
            at = np.flatnonzero(degree > outcome)
            if at.size:
                ends.append((self._set(words, rows[at], at, arrays), source[at]))
        result = combine(ends, len(words))
        self.seconds += time.perf_counter() - began
        return result

    def _set(self, words: Words, rows: Rows, at: Rows, arrays: list[tuple[int, Word, Word]]) -> Words:
        after = [w[at] for w in words]
        for word, keep, put in arrays:
            after[word] &= keep[rows]
            after[word] |= put[rows]
        return after


def combine(ends: list[tuple[Words, NDArray[np.int64]]], count: int) -> tuple[Words, NDArray[np.int64]]:
    """Several arrays of states, with where they came from, as one."""
    if len(ends) == 1:
        return ends[0]
    if not ends:
        return [np.zeros(0, np.uint64) for _ in range(count)], np.zeros(0, np.int64)
    words = [np.concatenate([e[0][i] for e in ends]) for i in range(count)]
    return words, np.concatenate([e[1] for e in ends])


class Judge:
    """A property over packed states, evaluated once per combination."""

    def __init__(self, claim: Property, layout: Layout, numbers: Numbers) -> None:
        self.property = claim
        self.layout = layout
        self.numbers = numbers
        steps = claim.kind is Kind.EVERY_STEP
        fields = {p: (v, after or not steps) for p, (v, after) in claim.reads}
        self.fields = tuple(dict.fromkeys(fields.values()))
        self._at = {p: self.fields.index(f) for p, f in fields.items()}
        self.lookup = Lookup([layout.widths[v] for v, _ in self.fields], self._learn)
        self._false = claim.kind is not Kind.SOMETIMES

    def _learn(self, new: list[Codes]) -> list[int]:
        return [int(self._holds(codes) is not self._false) for codes in new]

    def _holds(self, codes: Codes) -> bool:
        arguments = {p: self.numbers.values[v][codes[self._at[p]]] for p, (v, _) in self.property.reads}
        return bool(self.property.function(**arguments, **dict(self.property.constants)))

    def bad(self, after: Words, before: Words | None = None) -> Rows:
        """Where the claim is false (of a Sometimes: true); `before` are the states before each step."""
        columns = [self.layout.column(after if late or before is None else before, v) for v, late in self.fields]
        return np.flatnonzero(self.lookup.rows(columns, len(after[0])))


def starting_widths(numbers: Numbers) -> dict[str, int]:
    """Bits for every variable: as its domain needs, or a little more than the values known."""
    return {
        n: bits(len(numbers.values[n])) if v.domain else max(2, bits(len(numbers.values[n])))
        for n, v in numbers.variables.items()
    }
