"""The symbolic engine: sets of states as decision diagrams, by layers or by saturation.

*Layers* is breadth-first search and gives depths and shortest counterexamples. *Saturation*
(`invariants.saturation`) brings parts of the system to a fixpoint, one inside the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import TypeVar

from invariants.blocks import blocks_of
from invariants.encoding import (
    BYTES_PER_NODE,
    BYTES_PER_RESULT,
    RESERVED,
    Column,
    DDMemoryError,
    Diagram,
    Encoding,
    Field,
    Numbers,
    Outgrown,
    initial,
    minus,
    numbers_of,
    restart_reserve,
)
from invariants.interrupts import uninterrupted
from invariants.properties import Kind, Property
from invariants.relations import Claim, Relation
from invariants.saturation import Saturation
from invariants.steps import Step, Stepper, build, deciding
from model.system import Action, System

CACHE = 1 << 17
"""Remembered results of diagram operations at first: a large memory for them would take long to set up."""

CACHE_PER_VARIABLE = 1 << 6
"""At least so many for each variable: to go on with more costs as much as making every diagram anew."""

MORE_CACHE = 1 << 2
"""How many times more are remembered once the diagrams have outgrown the memory: too few is fatal to speed."""

T = TypeVar("T")
Tick = Callable[[int], None]
"""Called before every image with the level, or with how many images there were; raises to stop."""


class Symbolic:
    """A system in diagrams, and what was reached of it.

    `layers` are disjoint, in breadth-first order; `reach` is everything reached; `explored` the states of it whose
    every step was taken; `made` how many diagram nodes it took. With saturation, `layers` is empty until
    `run_layers`. Saturation begins with `seed`: the initial states, and what else is known to be reached. `moving`
    are sets of others, which have to go along when the manager of diagrams changes.
    """

    def __init__(
        self,
        system: System,
        claims: Iterable[Property] = (),
        *,
        memory: int = 2 << 30,
        numbers: Numbers | None = None,
        reserved: int | None = None,
        places: Mapping[str, int] | None = None,
        threads: int = 1,
    ) -> None:
        self.system = system
        self.numbers = numbers or numbers_of(system)
        self.memory = memory
        self.capacity = max(memory // BYTES_PER_NODE, 1024)
        blocks = blocks_of(system)
        self.encoding = Encoding(
            self.numbers,
            capacity=self.capacity,
            cache=max(CACHE, 1 << (CACHE_PER_VARIABLE * len(self.numbers.variables)).bit_length()),
            reserved=reserved or RESERVED,
            borders=[block.first for block in blocks[1:]],
            places=places,
            threads=threads,
        )
        self.names = tuple(v.name for v in system.variables if not v.local)
        self.stepper = Stepper(self.encoding)
        self.claims = {c: Claim(self.encoding, c) for c in claims}
        self.premises = {c: Claim(self.encoding, c.premise) for c in self.claims if c.premise is not None}
        self._relations: dict[object, Relation] = {}
        self.steps = tuple(build(self.encoding, a, self._relation) for a in system.actions)
        self._saturation = Saturation(self.encoding, blocks, self.steps)
        self.start: Diagram = initial(self.encoding, (v for v in system.variables if not v.local))
        self.reach = self.seed = self.start
        self.layers: list[Diagram] = []
        self.explored = self.encoding.false
        self.complete = False
        self._next = self.encoding.false
        self.made = 0
        self._resumed = False
        self._nodes = 0
        self._parts: dict[tuple[int, frozenset[str]], Step] = {}
        self._ends: dict[tuple[Diagram, int, frozenset[str], frozenset[str]], Diagram] = {}
        self.moving: list[dict[str, Diagram]] = []

    def _relation(self, of: Action) -> Relation:
        key = (of.function, of.constants, of.reads, of.writes, of.ignored)
        found = self._relations.get(key)
        if found is None:
            found = self._relations[key] = Relation(self.encoding, of, self.system.tables.table(of))
        return found

    @property
    def relations(self) -> tuple[Relation, ...]:
        """Every relation, in the order of their first appearance."""
        return tuple(self._relations.values())

    def fields(self, column: Column = Column.NOW) -> list[Field]:
        """The fields that make up a state."""
        return [(column, n) for n in self.names]

    def size(self, states: Diagram) -> int:
        """How many states are in a set."""
        return self.encoding.count(states, self.fields())

    def growing(self, compute: Callable[[], T]) -> T:
        """What `compute` answers, after as many widenings as it takes, and with the garbage collected if need be.

        Raises DDMemoryError if there is no garbage to speak of.
        """
        while True:
            try:
                return compute()
            except Outgrown as need:
                self.widen(need.variable)
            except DDMemoryError:
                if self.encoding.manager.gc() < self.capacity // 8:
                    raise

    def widen(self, name: str) -> None:
        """Give `name` one bit more, in everything that mentions it.

        Raises Outgrown if no place is reserved for it.
        """
        with uninterrupted():
            self._widen(name)

    def _widen(self, name: str) -> None:
        self.encoding.widen(name)
        self.stepper.forget()
        self._ends = {}
        for relation in self._relations.values():
            relation.widen(name)
        for claim in (*self.claims.values(), *self.premises.values()):
            claim.widen(name)
        if name in self.names:
            absent = self.encoding.absent((Column.NOW, name))
            self.start = self.start & absent
            self.seed = self.seed & absent
            self.reach = self.reach & absent
            self.explored = self.explored & absent
            self._next = self._next & absent
            self._saturation.each(lambda states: states & absent)
            self.layers = [layer & absent for layer in self.layers]

    def breathe(self) -> None:
        """Let the memory for results of operations keep up with the diagrams; call when no diagram is in hand."""
        encoding = self.encoding
        nodes = self.manager_nodes()
        self.made += max(nodes - self._nodes, 0)
        self._nodes = nodes
        most = self.capacity * BYTES_PER_NODE // BYTES_PER_RESULT // 4
        if nodes > 2 * encoding.cache < most:
            with uninterrupted():
                self._move(min(encoding.cache * MORE_CACHE, most))
            self._nodes = self.manager_nodes()

    def _move(self, cache: int) -> None:
        encoding = self.encoding
        over = encoding.renew(cache)
        for relation in self._relations.values():
            relation.carry(over)
        for claim in (*self.claims.values(), *self.premises.values()):
            claim.carry(over)
        self.start, self.seed = over(self.start), over(self.seed)
        self.reach, self.explored = over(self.reach), over(self.explored)
        self._next, self._ends = over(self._next), {}
        self.layers = [over(layer) for layer in self.layers]
        for sets in self.moving:
            sets.update({name: over(states) for name, states in sets.items()})
        self._saturation.carry(over)
        self.stepper.forget()

    def run_layers(self, enter: Tick, tick: Tick) -> None:
        """Explore breadth first until nothing is new.

        `enter` is called when a level is complete, `tick` before every image; both may raise to stop.
        """
        self._saturation.forget()
        if not self._resumed:
            self.layers = [self.start]
            self.reach = self.start
            self.explored = self.encoding.false
        self._resumed = self.complete = False
        while True:
            enter(len(self.layers))
            self._next = self.encoding.false
            for step in self.steps:
                tick(len(self.layers))
                self.breathe()
                after = self.growing(partial(self._image_of_last_layer, step))
                self._next = self._next | after
            self.explored = self.reach
            new = minus(self._next, self.reach)
            if not new.satisfiable():
                break
            self.reach = self.reach | new
            self.layers.append(new)
        self.complete = True

    def resume_layers(self, layers: Sequence[Diagram], tick: Callable[[], None]) -> bool:
        """Have `run_layers` go on after these; whether the steps from all but the last do not lead out of them.

        The steps are taken once from all states together, which learns what was known about them.
        """
        self.layers = list(layers)
        self.reach = self.encoding.union(self.layers)
        self.explored = self.encoding.union(self.layers[:-1])
        self._resumed = True
        for step in self.steps:
            tick()
            self.breathe()
            after = self.growing(partial(self._image_of_explored, step))
            if minus(after, self.reach).satisfiable():
                return False
        return True

    def run_saturation(self, tick: Tick) -> None:
        """Explore by local fixpoints; `tick` is called before every image and may raise to stop."""
        images = count(1)

        def image(step: Step, states: Callable[[], Diagram]) -> Diagram:
            tick(next(images))
            self.breathe()
            return self.growing(lambda: self.stepper.image(step, states()))

        try:
            self.reach = self.explored = self._saturation.run(self.seed, image)
            self.complete = True
        finally:
            with suppress(DDMemoryError):
                self.reach = self.growing(self.seen)

    def _image_of_explored(self, step: Step) -> Diagram:
        return self.stepper.image(step, self.explored)

    def _image_of_last_layer(self, step: Step) -> Diagram:
        return self.stepper.image(step, self.layers[-1])

    def onto(self, names: Iterable[str], states: Diagram) -> Diagram:
        """The values of `names` in `states`: the other variables of the state are quantified away."""
        kept = {*names}
        if kept.issuperset(self.names):
            return states
        return states.exists(self.encoding.cube_of((Column.NOW, n) for n in self.names if n not in kept))

    def seen(self) -> Diagram:
        """Everything reached until now; while saturation is at work, it has to be put together."""
        return self._saturation.reach() if self._saturation.begun else self.reach

    def taken(self, step: Step) -> Diagram:
        """The states from which `step` was taken."""
        return self._saturation.taken(step) if self._saturation.begun else self.explored

    def violations(self, claim: Claim, states: Diagram) -> Diagram:
        """The states of `states` that the claim calls false (of a Sometimes: true)."""
        claim.learn(states)
        return states & (claim.true if claim.property.kind is Kind.SOMETIMES else claim.false)

    def concerned(self, claim: Claim) -> Iterator[Step]:
        """The steps that a claim about steps is about."""
        for step in self.steps:
            if not claim.property.by or step.source.name in claim.property.by:
                yield step

    def step_ends(self, claim: Claim, step: Step, states: Diagram) -> Diagram:
        """What the claim sees of the ends of `step` from `states`: values before and after, locals as it left them.

        Variables that decide nothing about that are quantified away.
        """
        seen = frozenset((*claim.before, *claim.after))
        after = frozenset(claim.after)
        key = (states, id(step), frozenset(claim.before), after)
        if key not in self._ends:
            part = self.deciding(step, after)
            begin = self.onto(part.reads | seen, self.onto(step.reads | seen, states))
            begin = self.stepper.start(self._locals(after), begin)
            begin = begin & self.encoding.same(Column.NOW, Column.BEFORE, claim.before)
            self._ends[key] = self.stepper.image(part, begin)
        return self._ends[key]

    def bad_ends(self, claim: Claim, step: Step, states: Diagram) -> Diagram:
        """The ends of `step` from `states` that the claim calls false."""
        ends = self.step_ends(claim, step, states)
        claim.learn(ends)
        return ends & claim.false

    def stutters(self, claim: Claim, states: Diagram) -> bool:
        """Whether the claim calls a step false that begins in `states` and changes nothing."""
        same = self.onto((*claim.before, *claim.after), states)
        same = self.stepper.start(self._locals(claim.after), same)
        same = same & self.encoding.same(Column.NOW, Column.BEFORE, claim.before)
        claim.learn(same)
        return (same & claim.false).satisfiable()

    def deciding(self, step: Step, wanted: frozenset[str]) -> Step:
        """The step as far as it decides about `wanted`; local variables of that are there before and after it."""
        key = (id(step), wanted)
        if key not in self._parts:
            self._parts[key] = deciding(self.encoding, step.source, self._relation, wanted)
        return self._parts[key]

    def preimage_of_ends(self, claim: Claim, step: Step, ends: Diagram) -> Diagram:
        """The states from which `step` may end in `ends`, a set of values of what the claim sees after it."""
        part = self.deciding(step, frozenset(claim.after))
        return self.stepper.begin(self._locals(claim.after), self.stepper.preimage(part, ends))

    def _locals(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(n for n in names if self.numbers.variables[n].local))

    def manager_nodes(self) -> int:
        """How many diagram nodes there are."""
        return self.encoding.manager.approx_num_inner_nodes()

    def cube(self, codes: Sequence[int]) -> Diagram:
        """The set of the one state of these numbers."""
        return self.encoding.conjunction((Column.NOW, n, c) for n, c in zip(self.names, codes, strict=True))

    def pick(self, states: Diagram, fields: Sequence[Field] | None = None) -> tuple[int, ...]:
        """One combination of a set that is not empty: always the same, in whatever order values were met."""
        wanted = self.fields() if fields is None else fields
        rest = states.exists(self.encoding.others(wanted))
        for column, name in sorted(wanted, key=lambda field: field[1]):
            for code in self.encoding.numbers.in_order(name):
                narrowed = rest & self.encoding.cube(column, name, code)
                if narrowed.satisfiable():
                    rest = narrowed
                    break
        return self.encoding.combinations(rest, wanted)[0]


def restarted(old: Symbolic) -> Symbolic:
    """The same system with more places reserved; what was learned of functions and values is kept."""
    return Symbolic(
        old.system,
        old.claims,
        memory=old.memory,
        numbers=old.numbers,
        reserved=restart_reserve(old.numbers),
        threads=old.encoding.threads,
    )
