"""The explicit engine: states in machine words, whole breadth-first levels at a time.

It is the cross-check of the symbolic engine: it shares the numbering of values and the tables with it, and
nothing else. Each level is a sorted array; counterexamples are found by taking the steps of earlier levels
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from invariants.encoding import Numbers, bits
from invariants.gather import Judge, Rules, combine, starting_widths
from invariants.packing import Keys, Layout, Seen, Words, join, split, unique
from invariants.properties import Property
from model.system import Action, Part, Sequence, State, System

CHUNK = 1 << 16
"""States advanced at a time: small enough for the caches, large enough for NumPy."""

COMPACT = 1 << 21
"""Candidates collected before their repetitions are removed."""

Source = NDArray[np.int64]


class Explicit:
    """A system in arrays, and what was reached of it: `layers` of keys in breadth-first order."""

    def __init__(self, system: System, claims: Iterable[Property], numbers: Numbers) -> None:
        self.system = system
        self.numbers = numbers
        self.claims = tuple(claims)
        self.lasting = tuple(v.name for v in system.variables if not v.local)
        self.locals = tuple(v for v in system.variables if v.local)
        self.rules: dict[object, Rules] = {}
        self.layout = Layout(starting_widths(numbers), self.lasting)
        self._rebuild()
        self.layers: list[Keys] = [unique(join(self._initial()))]
        self.seen = Seen(self.layers)

    def _rebuild(self) -> None:
        """Make what depends on the layout; tables and numbers stay."""
        for rules in self.rules.values():
            rules.lay_out(self.layout)
        self.judges = {c: Judge(c, self.layout, self.numbers) for c in self.claims}
        columns = {v.name: np.array([self.numbers.code(v.name, v.initial[0])], np.uint64) for v in self.locals}
        filled = {n: np.zeros(1, np.uint64) for n in self.lasting}
        self._fresh = self.layout.pack({**filled, **columns}, 1)[self.layout.lasting_words :] if columns else []

    def _initial(self) -> Words:
        choices = [
            [self.numbers.code(v.name, value) for value in v.initial] for v in self.system.variables if not v.local
        ]
        starts = list(product(*choices))
        table = np.array(starts, np.uint64).reshape(len(starts), len(self.lasting))
        return self.layout.pack({n: table[:, i].copy() for i, n in enumerate(self.lasting)}, len(table))

    def rules_of(self, of: Action) -> Rules:
        """The rules of an action, shared by every place where it stands."""
        key = (of.function, of.constants, of.reads, of.writes, of.ignored)
        found = self.rules.get(key)
        if found is None:
            found = self.rules[key] = Rules(of, self.system.tables.table(of), self.layout, self.numbers)
        return found

    def widen(self, name: str) -> None:
        """Give `name` as many bits as its values need, everywhere."""
        old = self.layout
        need = max(old.widths[name] + 1, bits(len(self.numbers.values[name])))
        self.layout = Layout({**old.widths, name: need}, self.lasting)
        self._rebuild()
        self.layers = [join(self.layout.repack(split(keys, old.lasting_words), old)) for keys in self.layers]
        self.seen = Seen(self.layers)

    def states(self, keys: Keys) -> Words:
        """The words of states given by keys."""
        return split(keys, self.layout.lasting_words)

    def chunks(self, keys: Keys) -> Iterator[Words]:
        """The states of a layer, some at a time."""
        for at in range(0, len(keys), CHUNK):
            yield self.states(keys[at : at + CHUNK])

    def advance(self, step: Action | Sequence, states: Words) -> tuple[Words, Source]:
        """Every state after `step`, locals included, with the index of the state before it."""
        length = len(states[0])
        words = [*states, *(np.repeat(w, length) for w in self._fresh)]
        source = np.arange(length)
        if isinstance(step, Action):
            return self.rules_of(step).apply(words, source, total=False)
        return self._through(step, words, source)

    def _through(self, steps: Sequence, words: Words, source: Source) -> tuple[Words, Source]:
        for part in steps.parts:
            if not len(source):
                break
            words, source = self._part(part, words, source)
        return words, source

    def _part(self, part: Part, words: Words, source: Source) -> tuple[Words, Source]:
        if not part.when:
            return self._body(part, words, source)
        runs = self._where(part, words)
        inside = self._body(part, [w[runs] for w in words], source[runs])
        if part.required:
            return inside
        stays = ~runs
        return combine([inside, ([w[stays] for w in words], source[stays])], len(words))

    def _body(self, part: Part, words: Words, source: Source) -> tuple[Words, Source]:
        if isinstance(part.body, Sequence):
            return self._through(part.body, words, source)
        return self.rules_of(part.body).apply(words, source, total=not part.required)

    def _where(self, part: Part, words: Words) -> NDArray[np.bool_]:
        runs = np.ones(len(words[0]), np.bool_)
        for name, values in part.when:
            codes = [c for v in values if (c := self.numbers.codes[name].get(v)) is not None]
            runs &= np.isin(self.layout.column(words, name), np.array(codes, np.uint64))
        return runs

    def distinct(self, step: Action | Sequence, after: Words, source: Source) -> int:
        """How many different pairs of a state and the state after it there are."""
        if not self._doubles(step):
            return len(source)
        columns: Words = [source.astype(np.uint64), *after[: self.layout.lasting_words]]
        return len(unique(join(columns)))

    def _doubles(self, step: Action | Sequence) -> bool:
        """Whether two ways through `step` may lead to one state."""
        if isinstance(step, Action):
            rules = self.rules_of(step)
            return rules.most > 1 and (rules.uneven or bool(self.locals))
        return any(self._several(p.body) for p in step.parts)

    def _several(self, body: Action | Sequence) -> bool:
        if isinstance(body, Sequence):
            return any(self._several(p.body) for p in body.parts)
        return self.rules_of(body).most > 1

    def state(self, key: Keys) -> State:
        """The state of the one key in `key`."""
        codes = self.layout.codes(self.states(key), 0)
        return {n: self.numbers.values[n][c] for n, c in codes.items()}

    def key(self, state: State) -> Keys:
        """The key of a state, as an array of one."""
        columns = {n: np.array([self.numbers.code(n, state[n])], np.uint64) for n in self.lasting}
        return join(self.layout.pack(columns, 1))

    @property
    def nbytes(self) -> int:
        """Bytes of memory for the states seen."""
        return self.seen.nbytes + sum(layer.nbytes for layer in self.layers)


@dataclass
class Candidates:
    """States after a level, repetitions removed now and then."""

    parts: list[Keys]
    pending: int = 0

    def add(self, keys: Keys) -> None:
        """Add states, in any order."""
        self.parts.append(keys)
        self.pending += len(keys)
        if self.pending > COMPACT:
            self.parts = [unique(np.concatenate(self.parts))]
            self.pending = 0

    def all(self, empty: Keys) -> Keys:
        """Every state added, sorted; `empty` is the type of them."""
        return unique(np.concatenate([empty[:0], *self.parts]))


Visit = Callable[[Action | Sequence, Words, Words, Source], None]
"""Called with a step, the states before, the states after, and where each of these came from."""


def expand(engine: Explicit, keys: Keys, visit: Visit, pause: Callable[[int], None]) -> Keys:
    """The states one step after those in `keys`; `pause` is told the bytes in use and may raise to stop."""
    found = Candidates([])
    for states in engine.chunks(keys):
        for step in engine.system.actions:
            after, source = engine.advance(step, states)
            visit(step, states, after, source)
            lasting = after[: engine.layout.lasting_words]
            if len(source):
                found.add(unique(join(lasting)) if len(lasting) > 1 else lasting[0])
        pause(sum(part.nbytes for part in found.parts))
    return found.all(keys)
