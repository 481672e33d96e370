"""What was learned of the actions and the claims, as small relations over the bits they mention.

A relation holds the bits that its action reads, now, and the bits that it is known to write, after; nothing
says that the other variables stay as they are, because no operation touches them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from invariants.encoding import Carry, Column, Diagram, Encoding, Field, Substitution, both, minus
from invariants.interrupts import uninterrupted
from invariants.properties import Kind, Property
from model.system import Action, Outcome, Table, Value, assignments

Codes = tuple[int, ...]
UNEVEN = -1


class Footprint:
    """The combinations of values of some fields that were met so far."""

    def __init__(self, encoding: Encoding, fields: Sequence[Field]) -> None:
        self.encoding = encoding
        self.fields = tuple(fields)
        self.known = encoding.false
        self._missing: Diagram | None = None
        self._stamp = -1
        self._others: Diagram | None = None
        self._widenings = 0

    def news(self, states: Diagram) -> list[Codes]:
        """The combinations in `states` that are not known."""
        values = self.encoding.numbers.values
        stamp = sum([len(values[name]) for _, name in self.fields])
        if self._missing is None or self._stamp != stamp:
            self._missing = minus(self.encoding.valid(self.fields), self.known)
            self._stamp = stamp
        if not self._missing.satisfiable():
            return []
        new = states & self._missing
        if not new.satisfiable():
            return []
        return self.encoding.combinations(new.exists(self._rest()), self.fields)

    def learn(self, known: Diagram) -> None:
        """Note what is known now."""
        self.known = known
        self._missing = None

    def cubes(self, combinations: Sequence[Codes]) -> Diagram:
        """The set of these combinations."""
        return self.encoding.union([self.encoding.conjunction(self.literals(c)) for c in combinations])

    def literals(self, codes: Codes) -> list[tuple[Column, str, int]]:
        """The literals that say that the fields have the values of these numbers."""
        return [(*field, code) for field, code in zip(self.fields, codes, strict=True)]

    def widen(self, name: str) -> None:
        """Take note that `name` has one bit more."""
        for f in self.fields:
            if f[1] == name:
                self.known &= self.encoding.absent(f)
                self._missing = None

    def carry(self, over: Carry) -> None:
        """Go on with another manager of diagrams."""
        self.known = over(self.known)
        self._missing = None
        self._others = None

    def _rest(self) -> Diagram:
        if self._others is None or self._widenings != self.encoding.widenings:
            self._others = self.encoding.others(self.fields)
            self._widenings = self.encoding.widenings
        return self._others


class Relation:
    """An action's table as a relation between bits: rows are learned for the sets of states it is asked about.

    `enabled` and `stays` split the known combinations by whether there is an outcome. `written` are the
    variables that some outcome changed. `degree` sorts combinations by how many distinct next states they
    have; those for which that depends on more than the combination are in `uneven`.
    """

    def __init__(self, encoding: Encoding, action: Action, table: Table) -> None:
        self.encoding = encoding
        self.action = action
        self.table = table
        self.reads = tuple(dict.fromkeys(v for _, v in action.reads))
        self.footprint = Footprint(encoding, [(Column.NOW, v) for v in self.reads])
        self.enabled = encoding.false
        self.stays = encoding.false
        self.uneven = encoding.false
        self.degree: dict[int, Diagram] = {}
        self.written: tuple[str, ...] = ()
        self.seconds = 0.0
        self.images = 0
        self._moves = encoding.false
        self._assigned: set[frozenset[tuple[str, int]]] = set()
        self._rows: list[tuple[Codes, list[dict[str, int]]]] = []
        self._forget()

    @property
    def deterministic(self) -> bool:
        """Whether no combination known has more than one outcome."""
        return not self.uneven.satisfiable() and all(d < 2 for d in self.degree)

    def learn(self, states: Diagram) -> None:
        """Learn the rows that `states` needs.

        Raises Outgrown, with nothing learned, if a new value does not fit.
        """
        new = self.footprint.news(states)
        if not new:
            return
        rows = [(codes, self._row(codes)) for codes in new]
        # Everything that can fail for want of memory comes first, so that a row is known whole or not at all.
        written = self._also_written({v for _, row in rows for changes in row for v in changes})
        kept = self.encoding.same(Column.NOW, Column.AFTER, set(written).difference(self.written))
        moves = self.encoding.union([self._move(c, changes, written) for c, row in rows for changes in row])
        moves = self._moves & kept | moves
        degree, uneven = self._counted(rows)
        enabled = self.enabled | self.footprint.cubes([codes for codes, row in rows if row])
        stays = self.stays | self.footprint.cubes([codes for codes, row in rows if not row])
        known = self.footprint.known | self.footprint.cubes(new)
        with uninterrupted():
            self.footprint.learn(known)
            self.enabled, self.stays, self.degree, self.uneven = enabled, stays, degree, uneven
            self._moves, self.written = moves, written
            self._rows += rows
            self._assigned.update(frozenset(changes.items()) for _, row in rows for changes in row)
            self._forget()

    def _row(self, codes: Codes) -> list[dict[str, int]]:
        """The distinct changes that the function answers for these numbers."""
        values = self.encoding.state(codes, self.reads)
        row = self.table[tuple(values[v] for _, v in self.action.reads)]
        return distinct([self._changes(values, o) for o in row])

    def _changes(self, before: Mapping[str, Value], result: Outcome) -> dict[str, int]:
        return {
            name: self.encoding.code(name, value)
            for name, value in assignments(self.action, result).items()
            if name not in before or before[name] != value
        }

    def _counted(self, rows: list[tuple[Codes, list[dict[str, int]]]]) -> tuple[dict[int, Diagram], Diagram]:
        """`degree` and `uneven` with these rows."""
        sorts: dict[int, list[Codes]] = {}
        for codes, row in rows:
            unread = {frozenset(name for name in changes if name not in self.reads) for changes in row}
            sorts.setdefault(len(row) if len(unread) < 2 else UNEVEN, []).append(codes)
        uneven = self.uneven | self.footprint.cubes(sorts.pop(UNEVEN, []))
        sorts.pop(0, None)
        more = {d: self.footprint.cubes(codes) for d, codes in sorts.items()}
        return {**self.degree, **{d: self.degree.get(d, cubes) | cubes for d, cubes in more.items()}}, uneven

    def _move(self, codes: Codes, changes: Mapping[str, int], written: Iterable[str]) -> Diagram:
        now = dict(zip(self.reads, codes, strict=True))
        literals = self.footprint.literals(codes)
        after = {**{v: now[v] for v in written if v in now}, **changes}
        literals += [(Column.AFTER, name, code) for name, code in after.items()]
        move = self.encoding.conjunction(literals)
        unchanged = [v for v in written if v not in after]
        return move & self.encoding.same(Column.NOW, Column.AFTER, unchanged) if unchanged else move

    def _also_written(self, names: set[str]) -> tuple[str, ...]:
        if names <= set(self.written):
            return self.written
        return tuple(sorted({*self.written, *names}, key=self.encoding.position.__getitem__))

    def _forget(self) -> None:
        """Forget what is made of the rest when it is asked for."""
        self._now: Diagram | None = None
        self._after: Diagram | None = None
        self._same: Diagram | None = None
        self._backward: Substitution | None = None
        self._constant: Diagram | None = None
        self._total: Diagram | None = None

    def _relation(self, total: bool) -> Diagram:
        if not total:
            return self._moves
        if self._total is None:
            same = self.encoding.same(Column.NOW, Column.AFTER, self.written)
            self._total = self._moves | (self.stays & same)
        return self._total

    def image(self, states: Diagram, *, total: bool) -> Diagram:
        """The states after the action; with `total`, those where it is not enabled stay as they are.

        Raises Outgrown as `learn` does.
        """
        self.learn(states)
        began = time.perf_counter()
        self.images += 1
        if not self.written:
            result = states if total else states & self.enabled
        elif (put := self._put()) is not None:
            result = both(states, self.enabled, self._now_bits()) & put
            result = result | (states & self.stays) if total else result
        else:
            # Renaming would go through all of the diagram; this goes no deeper than what is written.
            if self._same is None:
                self._same = self.encoding.same(Column.NOW, Column.AFTER, self.written)
            result = both(both(states, self._relation(total), self._now_bits()), self._same, self._after_bits())
        self.seconds += time.perf_counter() - began
        return result

    def _now_bits(self) -> Diagram:
        if self._now is None:
            self._now = self.encoding.cube_of((Column.NOW, v) for v in self.written)
        return self._now

    def _after_bits(self) -> Diagram:
        if self._after is None:
            self._after = self.encoding.cube_of((Column.AFTER, v) for v in self.written)
        return self._after

    def _put(self) -> Diagram | None:
        """What is true after the action, if that is the same whatever the values before; saves a renaming."""
        if len(self._assigned) != 1:
            return None
        if self._constant is None:
            (changes,) = self._assigned
            if {name for name, _ in changes} != set(self.written):
                self._assigned.add(frozenset())
                return None
            self._constant = self.encoding.conjunction((Column.NOW, name, code) for name, code in changes)
        return self._constant

    def preimage(self, states: Diagram, *, total: bool) -> Diagram:
        """The states from which the action, as far as it is known, leads into `states`."""
        if not self.written:
            return states & (self.footprint.known if total else self.enabled)
        if self._backward is None:
            self._backward = self.encoding.renaming(Column.NOW, Column.AFTER, self.written)
        return both(states.substitute(self._backward), self._relation(total), self._after_bits())

    def pairs(self, states: Diagram) -> Diagram:
        """`states` with, in the column after, what the action makes of them."""
        return states & self._moves

    def widen(self, name: str) -> None:
        """Take note that `name` has one bit more."""
        if name not in self.reads and name not in self.written:
            return
        self.footprint.widen(name)
        if name in self.reads:
            absent = self.encoding.absent((Column.NOW, name))
            self.enabled &= absent
            self.stays &= absent
            self.uneven &= absent
            self.degree = {d: cubes & absent for d, cubes in self.degree.items()}
            self._moves &= absent
        if name in self.written and name in self.reads:
            self._moves &= self.encoding.absent((Column.AFTER, name))
        elif name in self.written:
            # Rows that leave the variable alone hold for its new values too; those that set it do not.
            rows = self._rows
            self._moves = self.encoding.union(
                [self._move(c, changes, self.written) for c, row in rows for changes in row]
            )
        self._forget()

    def carry(self, over: Carry) -> None:
        """Go on with another manager of diagrams."""
        self.footprint.carry(over)
        self.enabled, self.stays, self.uneven = over(self.enabled), over(self.stays), over(self.uneven)
        self.degree = {d: over(cubes) for d, cubes in self.degree.items()}
        self._moves = over(self._moves)
        self._forget()


def distinct(row: list[dict[str, int]]) -> list[dict[str, int]]:
    """The changes of `row` without repetitions, in their order."""
    return list({frozenset(changes.items()): changes for changes in row}.values())


class Claim:
    """A property as a set of combinations that it calls false, learned as combinations are met."""

    def __init__(self, encoding: Encoding, claim: Property) -> None:
        self.property = claim
        self.encoding = encoding
        self.before = tuple(dict.fromkeys(v for _, (v, after) in claim.reads if not after))
        self.after = tuple(dict.fromkeys(v for _, (v, after) in claim.reads if after))
        fields = {parameter: self._field(*read) for parameter, read in claim.reads}
        self.footprint = Footprint(encoding, tuple(dict.fromkeys(fields.values())))
        self._at = {parameter: self.footprint.fields.index(f) for parameter, f in fields.items()}
        self.true = encoding.false
        self.false = encoding.false

    def _field(self, name: str, after: bool) -> Field:
        steps = self.property.kind is Kind.EVERY_STEP
        return (Column.BEFORE if steps and not after else Column.NOW, name)

    def learn(self, states: Diagram) -> None:
        """Evaluate the property on the combinations of `states` that are new."""
        new = self.footprint.news(states)
        if new:
            verdicts = [(codes, self._holds(codes)) for codes in new]
            true = self.true | self.footprint.cubes([codes for codes, holds in verdicts if holds])
            false = self.false | self.footprint.cubes([codes for codes, holds in verdicts if not holds])
            with uninterrupted():
                self.footprint.learn(true | false)
                self.true, self.false = true, false

    def _holds(self, codes: Codes) -> bool:
        values = self.encoding.numbers.values
        arguments = {
            parameter: values[name][codes[self._at[parameter]]] for parameter, (name, _) in self.property.reads
        }
        return bool(self.property.function(**arguments, **dict(self.property.constants)))

    def widen(self, name: str) -> None:
        """Take note that `name` has one bit more."""
        self.footprint.widen(name)
        for f in self.footprint.fields:
            if f[1] == name:
                self.true &= self.encoding.absent(f)
                self.false &= self.encoding.absent(f)

    def carry(self, over: Carry) -> None:
        """Go on with another manager of diagrams."""
        self.footprint.carry(over)
        self.true, self.false = over(self.true), over(self.false)
