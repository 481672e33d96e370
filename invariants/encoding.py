"""How values become bits: numbering, places in the order, sets of states as decision diagrams.

Every variable owns consecutive places in the order of the diagrams. A place has three columns: the bit *now*,
the bit *after* an action (it exists only while an image is computed), and the bit *before* the step (it exists
only while pairs of states are looked at). A place that no set mentions costs nothing, so variables without a
known domain reserve more places than they use and start with as few as their values need: when a value comes
that does not fit, one more place is taken, and every diagram that holds the variable gets one literal more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum

from oxidd.bdd import BDDFunction as Diagram
from oxidd.bdd import BDDManager as Manager
from oxidd.bdd import BDDSubstitution as Substitution
from oxidd.util import BooleanOperator, DDMemoryError

from model.system import Action, ModelError, Part, System, Value, Variable

__all__ = ["Column", "DDMemoryError", "Diagram", "Encoding", "Field", "Outgrown", "Substitution", "both", "minus"]

RESERVED = 8
"""Places reserved for a variable without a domain: 256 values; one that needs more has the engine start again."""

CLASSES = 12
"""Places reserved at a border between blocks: for 4,096 classes."""

BYTES_PER_RESULT = 20
"""Of a remembered result of an operation; measured, rounded up."""

BYTES_PER_NODE = 24
"""Of the diagrams, with their share of the tables that find a node again; measured, rounded up."""


class Column(IntEnum):
    """Which bit of a place."""

    NOW = 0
    AFTER = 1
    BEFORE = 2


Field = tuple[Column, str]
Carry = Callable[[Diagram], Diagram]
"""Takes a diagram from one manager to another."""


class Outgrown(Exception):  # noqa: N818  (a signal between the parts of an engine, not an error)
    """A value of `variable` needs one bit more than it has."""

    def __init__(self, variable: str) -> None:
        super().__init__(variable)
        self.variable = variable


def both(left: Diagram, right: Diagram, forget: Diagram) -> Diagram:
    """The conjunction of `left` and `right`, with the bits in `forget` quantified away."""
    return left.apply_exists(BooleanOperator.AND, right, forget)


def minus(left: Diagram, right: Diagram) -> Diagram:
    """What is in `left` and not in `right`."""
    return right.imp_strict(left)


class Numbers:
    """The numbering of every variable's values; it survives the diagrams made with it."""

    def __init__(self, variables: Iterable[Variable]) -> None:
        self.variables = {v.name: v for v in variables}
        self.values: dict[str, list[Value]] = {}
        self.codes: dict[str, dict[Value, int]] = {}
        self._texts: dict[str, list[str]] = {}
        for v in self.variables.values():
            self.values[v.name] = []
            self.codes[v.name] = {}
            for value in v.domain or v.initial:
                self.code(v.name, value)

    def in_order(self, name: str) -> list[int]:
        """The numbers of the values known of a variable, in an order that does not depend on when they were met."""
        if self.variables[name].domain:
            return [*range(len(self.values[name]))]
        texts = self._texts.setdefault(name, [])
        texts += [_text(value) for value in self.values[name][len(texts) :]]
        return sorted(range(len(texts)), key=texts.__getitem__)

    def code(self, name: str, value: Value) -> int:
        """The number of `value`, given at its first appearance.

        Raises ModelError if the variable's domain is known and does not have it.
        """
        codes = self.codes[name]
        code = codes.get(value)
        if code is None:
            domain = self.variables[name].domain
            if len(codes) >= len(domain) > 0:
                raise ModelError(f"{name} becomes {value!r}, which is not in its domain: {domain}")
            code = codes[value] = len(codes)
            self.values[name].append(value)
        return code


class Encoding:
    """Bits for every variable, in one manager of decision diagrams.

    `capacity` is the greatest number of diagram nodes; past it operations raise DDMemoryError. `cache` is the
    number of remembered results of operations: memory for them is taken at once. `places` says how many each
    variable has, where that is known from before.
    """

    def __init__(
        self,
        numbers: Numbers,
        *,
        capacity: int,
        cache: int,
        reserved: int = RESERVED,
        borders: Iterable[int] = (),
        places: Mapping[str, int] | None = None,
        threads: int = 1,
    ) -> None:
        self.numbers = numbers
        self.capacity = capacity
        self.threads = threads
        self.position = {name: i for i, name in enumerate(numbers.variables)}
        self.width: dict[str, int] = {}
        self._first: dict[str, int] = {}
        self.places: dict[str, int] = {}
        self.classes: dict[int, range] = {}
        self.widenings = 0
        total = 0
        for name, v in numbers.variables.items():
            if self.position[name] in borders:
                self.classes[self.position[name]] = range(total, total + CLASSES)
                total += CLASSES
            need = bits(len(numbers.values[name]))
            self.width[name] = need
            self.places[name] = places[name] if places else need if v.domain else max(reserved, need)
            self._first[name] = total
            total += 3 * self.places[name]
        self.total = total
        self._manage(cache)

    def _manage(self, cache: int) -> None:
        self.cache = cache
        self.manager = Manager(self.capacity, cache, self.threads)
        if self.total:
            self.manager.add_vars(self.total)
        self.true = self.manager.true()
        self.false = self.manager.false()
        self._cubes: dict[tuple[Column, str, int], Diagram] = {}
        self._valid: dict[Field, tuple[int, Diagram]] = {}
        self._every: Diagram | None = None

    def renew(self, cache: int) -> Carry:
        """Start a new manager that remembers more; the answer carries a diagram of the old one over."""
        carried: dict[Diagram, Diagram] = {}
        old = (self.true, self.false)
        self._manage(cache)
        carried.update(zip(old, (self.true, self.false), strict=True))

        def carry(diagram: Diagram) -> Diagram:
            stack = [diagram]
            while stack:
                node = stack[-1]
                children = None if node in carried else node.cofactors()
                if children is None:
                    stack.pop()
                    continue
                waiting = [child for child in children if child not in carried]
                stack += waiting
                if not waiting:
                    bit = node.node_var()
                    assert bit is not None
                    high, low = children
                    carried[node] = self.manager.var(bit).ite(carried[high], carried[low])
            return carried[diagram]

        return carry

    def bit(self, field: Field, index: int) -> int:
        """The diagram's number of bit `index` of `field`."""
        return self._first[field[1]] + 3 * index + field[0]

    def bits(self, fields: Iterable[Field]) -> list[int]:
        """The diagram's numbers of all bits of `fields` that are in use."""
        return [self.bit(f, i) for f in fields for i in range(self.width[f[1]])]

    def code(self, name: str, value: Value) -> int:
        """The number of `value`. Raises Outgrown if it needs more bits than `name` has, ModelError as above."""
        code = self.numbers.code(name, value)
        if code >> self.width[name]:
            raise Outgrown(name)
        return code

    def widen(self, name: str) -> None:
        """Take one more place for `name`; diagrams made before need `absent` to stay what they were.

        Raises Outgrown if none is left.
        """
        if self.width[name] == self.places[name]:
            raise Outgrown(name)
        self.width[name] += 1
        self.widenings += 1
        self._every = None
        self._valid.pop((Column.NOW, name), None)
        self._valid.pop((Column.BEFORE, name), None)
        self._cubes = {key: cube for key, cube in self._cubes.items() if key[1] != name}

    def absent(self, field: Field) -> Diagram:
        """That the newest bit of `field` is not set."""
        return self.manager.not_var(self.bit(field, self.width[field[1]] - 1))

    def cube(self, column: Column, name: str, code: int) -> Diagram:
        """That the variable has the value of this number."""
        key = (column, name, code)
        found = self._cubes.get(key)
        if found is None:
            found = self.true
            for index in reversed(range(self.width[name])):
                bit = self.bit((column, name), index)
                literal = self.manager.var(bit) if code >> index & 1 else self.manager.not_var(bit)
                found = literal & found
            self._cubes[key] = found
        return found

    def conjunction(self, literals: Iterable[tuple[Column, str, int]]) -> Diagram:
        """That every variable named has the value given by its number."""
        result = self.true
        for column, name, code in sorted(literals, key=self._depth, reverse=True):
            result = self.cube(column, name, code) & result
        return result

    def _depth(self, literal: tuple[Column, str, int]) -> int:
        return self.position[literal[1]]

    def any_of(self, column: Column, name: str, codes: Iterable[int]) -> Diagram:
        """That the variable has one of the values of these numbers."""
        return self.union([self.cube(column, name, code) for code in codes])

    def union(self, parts: Sequence[Diagram]) -> Diagram:
        """The union of sets, in halves so that no operand grows before it must."""
        if len(parts) < 2:
            return parts[0] if parts else self.false
        middle = len(parts) // 2
        return self.union(parts[:middle]) | self.union(parts[middle:])

    def valid(self, fields: Iterable[Field]) -> Diagram:
        """That every field has a value that was numbered."""
        result = self.true
        for column, name in sorted(fields, key=lambda f: self.position[f[1]], reverse=True):
            if len(self.numbers.values[name]) < 1 << self.width[name]:
                result = self._numbered((column, name)) & result
        return result

    def _numbered(self, field: Field) -> Diagram:
        """That the field has a value that was numbered; grows with them."""
        column, name = field
        known, found = self._valid.get(field, (0, self.false))
        count = len(self.numbers.values[name])
        if known < count:
            found = found | self.any_of(column, name, range(known, count))
            self._valid[field] = (count, found)
        return found

    def same(self, left: Column, right: Column, names: Iterable[str]) -> Diagram:
        """That every variable named has the same value in both columns."""
        result = self.true
        for name in sorted(names, key=self.position.__getitem__, reverse=True):
            for index in reversed(range(self.width[name])):
                pair = (self.bit((left, name), index), self.bit((right, name), index))
                result = self.manager.var(pair[0]).equiv(self.manager.var(pair[1])) & result
        return result

    def cube_of(self, fields: Iterable[Field]) -> Diagram:
        """The bits of `fields`, as the operations that quantify want them."""
        return self._cube_of(self.bits(fields))

    def _cube_of(self, bits: Iterable[int]) -> Diagram:
        result = self.true
        for bit in sorted(bits, reverse=True):
            result = self.manager.var(bit) & result
        return result

    def others(self, fields: Iterable[Field]) -> Diagram:
        """The bits of everything that a set of states, or of pairs of states, can mention, but `fields`."""
        if self._every is None:
            every = [(column, n) for n in self.width for column in (Column.NOW, Column.BEFORE)]
            classes = (bit for places in self.classes.values() for bit in places)
            self._every = self._cube_of((*classes, *self.bits(every)))
        return self._every.exists(self.cube_of(fields))

    def class_cube(self, border: int, number: int) -> Diagram:
        """That what is below the border is of the class of this number."""
        result = self.true
        for index, bit in reversed(tuple(enumerate(self.classes[border]))):
            result = (self.manager.var(bit) if number >> index & 1 else self.manager.not_var(bit)) & result
        return result

    def class_bits(self, border: int) -> Diagram:
        """The bits of the classes of what is below the border, as the operations that quantify want them."""
        return self._cube_of(self.classes[border])

    def above(self, border: int, names: Iterable[str]) -> Diagram:
        """The bits of everything above a border that a set of states can mention, but those of `names`."""
        mine = set(names)
        fields = ((Column.NOW, n) for n, place in self.position.items() if place < border and n not in mine)
        classes = (bit for earlier, places in self.classes.items() if earlier < border for bit in places)
        return self._cube_of((*classes, *self.bits(fields)))

    def renaming(self, source: Column, target: Column, names: Iterable[str]) -> Substitution:
        """What renames the bits of these variables in column `source` to column `target`."""
        pairs = [
            (self.bit((source, name), i), self.manager.var(self.bit((target, name), i)))
            for name in names
            for i in range(self.width[name])
        ]
        return self.true.make_substitution(pairs)

    def count(self, states: Diagram, fields: Iterable[Field]) -> int:
        """How many combinations of values of `fields` are in `states`, which constrains nothing else."""
        return states.sat_count(self.total) >> (self.total - len(self.bits(fields)))

    def combinations(self, states: Diagram, fields: Sequence[Field]) -> list[tuple[int, ...]]:
        """The combinations of numbers of `fields` in `states`, which constrains nothing else; in a fixed order."""
        order = sorted(
            (self.bit(field, index), at, 1 << index)
            for at, field in enumerate(fields)
            for index in range(self.width[field[1]])
        )
        found: list[tuple[int, ...]] = []
        if not states.satisfiable():
            return found
        stack: list[tuple[Diagram, int, list[int]]] = [(states, 0, [0] * len(fields))]
        while stack:
            node, depth, codes = stack.pop()
            if depth == len(order):
                found.append(tuple(codes))
                continue
            bit, at, weight = order[depth]
            more = [*codes]
            more[at] += weight
            high = low = node
            # Nothing is reordered, so a bit's number is its level.
            if node.node_level() == bit and (children := node.cofactors()) is not None:
                high, low = children
            if high.satisfiable():
                stack.append((high, depth + 1, more))
            if low.satisfiable():
                stack.append((low, depth + 1, codes))
        return found

    def state(self, codes: Iterable[int], names: Iterable[str]) -> dict[str, Value]:
        """The values of these numbers, by name."""
        return {n: self.numbers.values[n][c] for n, c in zip(names, codes, strict=True)}


def _text(value: Value) -> str:
    """The same text for the same value, whenever the program runs: the order in sets changes from run to run."""
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(_text, value)))}}}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))})"
    return repr(value)


def bits(values: int) -> int:
    """How many bits number so many values."""
    return max(values - 1, 0).bit_length()


def restart_reserve(numbers: Numbers) -> int:
    """The places that an encoding made anew should reserve: room for every variable to double twice."""
    return max(bits(len(values)) for values in numbers.values.values()) + 2


def initial(encoding: Encoding, variables: Iterable[Variable]) -> Diagram:
    """The states in which every one of `variables` has one of its initial values."""
    result = encoding.true
    for v in reversed(tuple(variables)):
        codes = [encoding.code(v.name, value) for value in v.initial]
        result = encoding.any_of(Column.NOW, v.name, codes) & result
    return result


def assignment(encoding: Encoding, column: Column, state: Mapping[str, Value]) -> Diagram:
    """The set of states with these values."""
    return encoding.conjunction((column, n, encoding.code(n, v)) for n, v in state.items())


def numbers_of(system: System) -> Numbers:
    """The numbering that a system starts with: initial values, domains, and values asked for."""
    numbers = Numbers(system.variables)

    def visit(parts: Iterable[Part]) -> None:
        for p in parts:
            for name, values in p.when:
                for value in values:
                    if not numbers.variables[name].domain:
                        numbers.code(name, value)
            if not isinstance(p.body, Action):
                visit(p.body.parts)

    for step in system.actions:
        if not isinstance(step, Action):
            visit(step.parts)
    return numbers
