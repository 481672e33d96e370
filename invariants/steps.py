"""Actions and sequences as chains of relations: images and pre-images of sets of states.

A local variable has bits in a set only between the first part that mentions it and the last one: it enters
with its initial value and is quantified away after, so outside it costs nothing. Where only the ends of a step are
looked at, and only some variables there, the same goes for the others after the last part that mentions them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from invariants.encoding import Column, Diagram, Encoding, initial, minus
from invariants.mentions import mentioned
from invariants.relations import Relation
from invariants.writing import declared
from model.system import Action, Part, Sequence, Variable, parts_of

Relations = Callable[[Action], Relation]


@dataclass(frozen=True, slots=True)
class Link:
    """One part of a step: what it runs, where, the local variables that live from it, and variables until it."""

    body: Relation | tuple[Link, ...]
    when: tuple[tuple[str, tuple[int, ...]], ...] = ()
    required: bool = False
    enter: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """An action or sequence that the system lists, ready to compute with.

    `reads` are the variables of the state that it reads, may write, or is conditional on.
    """

    source: Action | Sequence
    links: tuple[Link, ...]
    reads: frozenset[str]
    relations: tuple[Relation, ...]

    @property
    def written(self) -> frozenset[str]:
        """The variables that the step is known to write."""
        return frozenset(v for r in self.relations for v in r.written)

    @property
    def changes(self) -> frozenset[str]:
        """The variables of the state that the step is known to write."""
        return self.written & self.reads


def build(encoding: Encoding, step: Action | Sequence, relations: Relations) -> Step:
    """The step of an action or sequence of the system."""
    return _build(encoding, step, relations, lambda name: encoding.numbers.variables[name].local)


def deciding(encoding: Encoding, step: Action | Sequence, relations: Relations, wanted: frozenset[str]) -> Step:
    """The step without what decides nothing about `wanted`, the variables that matter at its end.

    What is left can be taken from the same states and leaves `wanted` the same. It forgets the other variables as
    it goes; local variables in `wanted` are there from before it begins until after it ends.
    """
    if isinstance(step, Sequence):
        step = replace(step, parts=_deciding(step.parts, set(wanted)))
    return _build(encoding, step, relations, lambda name: name not in wanted)


def _deciding(parts: tuple[Part, ...], needed: set[str]) -> tuple[Part, ...]:
    """The parts that decide about `needed`, which grows by what decides about them in turn."""
    found: list[Part] = []
    for p in reversed(parts):
        if isinstance(p.body, Action):
            if not p.required and needed.isdisjoint(declared(p.body)):
                continue
            needed.update(v for _, v in p.body.reads)
        else:
            inner = _deciding(p.body.parts, needed)
            if not inner:
                continue
            p = replace(p, body=replace(p.body, parts=inner))
        needed.update(name for name, _ in p.when)
        found.insert(0, p)
    return tuple(found)


def _build(
    encoding: Encoding, step: Action | Sequence, relations: Relations, passing: Callable[[str], bool]
) -> Step:
    parts = (Part(step, required=True),) if isinstance(step, Action) else step.parts
    used = set(mentioned(parts))
    links = _links(encoding, parts, relations, set(filter(passing, used)))
    unique = tuple({id(r): r for r in map(relations, parts_of(step))}.values())
    return Step(step, links, frozenset(n for n in used if not encoding.numbers.variables[n].local), unique)


def _links(
    encoding: Encoding, parts: tuple[Part, ...], relations: Relations, fleeting: set[str]
) -> tuple[Link, ...]:
    """The parts, each with the variables of `fleeting` that it is the last to mention, or, if local, the first."""
    uses = [fleeting & set(mentioned((p,))) for p in parts]
    enter: list[set[str]] = [set() for _ in parts]
    leave: list[set[str]] = [set() for _ in parts]
    inner: list[set[str]] = [set() for _ in parts]
    for name in fleeting:
        at = [i for i, names in enumerate(uses) if name in names]
        first = parts[at[0]] if at else None
        if first is None:
            continue
        if len(at) == 1 and isinstance(first.body, Sequence) and name not in dict(first.when):
            inner[at[0]].add(name)
        else:
            leave[at[-1]].add(name)
            if encoding.numbers.variables[name].local:
                enter[at[0]].add(name)
    return tuple(
        Link(
            relations(p.body)
            if isinstance(p.body, Action)
            else _links(encoding, p.body.parts, relations, inner[i]),
            tuple((n, _codes(encoding, n, values)) for n, values in p.when),
            p.required,
            tuple(sorted(enter[i])),
            tuple(sorted(leave[i])),
        )
        for i, p in enumerate(parts)
    )


def _codes(encoding: Encoding, name: str, values: tuple[object, ...]) -> tuple[int, ...]:
    domain = encoding.numbers.variables[name].domain
    return tuple(encoding.code(name, v) for v in values if not domain or v in domain)


class Stepper:
    """Images and pre-images of sets of states through steps.

    The cubes that say where a part runs and where a local variable starts are kept until `forget`.
    """

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self._variables: Mapping[str, Variable] = encoding.numbers.variables
        self._cubes: dict[object, Diagram] = {}

    def image(self, step: Step, states: Diagram) -> Diagram:
        """The states after `step` from `states`.

        Raises Outgrown if a new value does not fit; nothing is lost, so the call can be repeated.
        """
        return self._through(step.links, states)

    def preimage(self, step: Step, states: Diagram) -> Diagram:
        """The states from which `step` may lead into `states`, as far as its rows are known."""
        return self._back(step.links, states)

    def admitted(self, link: Link, states: Diagram) -> Diagram:
        """The states that a required part lets through, where it writes nothing."""
        return self._pass(link, states)

    def start(self, names: tuple[str, ...], states: Diagram) -> Diagram:
        """`states` with these local variables at their initial values."""
        return states & self._initial(names) if names else states

    def begin(self, names: tuple[str, ...], states: Diagram) -> Diagram:
        """The states that, with these local variables at their initial values, are in `states`."""
        return self._start(names, states) if names else states

    def forget(self) -> None:
        """Forget what was computed with other widths or another manager."""
        self._cubes.clear()

    def _through(self, links: tuple[Link, ...], states: Diagram) -> Diagram:
        for link in links:
            if not states.satisfiable():
                break
            states = self._pass(link, states)
        return states

    def _pass(self, link: Link, states: Diagram) -> Diagram:
        if link.enter:
            states = states & self._initial(link.enter)
        inside, outside = states, None
        if link.when:
            where = self._where(link.when)
            inside = states & where
            outside = None if link.required else minus(states, where)
        if outside is not None and not inside.satisfiable():
            after, outside = states, None
        elif isinstance(link.body, Relation):
            after = link.body.image(inside, total=not link.required)
        else:
            after = self._through(link.body, inside)
        if outside is not None:
            after = after | outside
        return after.exists(self._bits(link.leave)) if link.leave else after

    def _back(self, links: tuple[Link, ...], states: Diagram) -> Diagram:
        for link in reversed(links):
            states = self._pass_back(link, states)
        return states

    def _pass_back(self, link: Link, states: Diagram) -> Diagram:
        if isinstance(link.body, Relation):
            before = link.body.preimage(states, total=not link.required)
        else:
            before = self._back(link.body, states)
        if link.when:
            where = self._where(link.when)
            before = before & where
            if not link.required:
                before = before | minus(states, where)
        return self._start(link.enter, before) if link.enter else before

    def _start(self, names: tuple[str, ...], states: Diagram) -> Diagram:
        return (states & self._initial(names)).exists(self._bits(names))

    def _initial(self, names: tuple[str, ...]) -> Diagram:
        return self._cube(("initial", names), lambda: initial(self.encoding, (self._variables[n] for n in names)))

    def _bits(self, names: tuple[str, ...]) -> Diagram:
        return self._cube(("bits", names), lambda: self.encoding.cube_of((Column.NOW, n) for n in names))

    def _where(self, when: tuple[tuple[str, tuple[int, ...]], ...]) -> Diagram:
        return self._cube(when, lambda: self._condition(when))

    def _condition(self, when: tuple[tuple[str, tuple[int, ...]], ...]) -> Diagram:
        result = self.encoding.true
        for name, codes in when:
            result = result & self.encoding.any_of(Column.NOW, name, codes)
        return result

    def _cube(self, key: object, make: Callable[[], Diagram]) -> Diagram:
        found = self._cubes.get(key)
        if found is None:
            found = self._cubes[key] = make()
        return found
