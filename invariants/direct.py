"""Small systems explored without diagrams or arrays: where there are many of them, making those costs most.

A whole layer of states goes through the parts of a step together. What nobody looks at any more is forgotten on the
way, so that what differed only there is one from then on: a local variable after the last part, or claim, that
mentions it. Values that make no difference to anybody can be taken for one another: who explores says which.

A way is remembered by the choices on it, so that it can be taken in the system as it is. Sizes are not those of the
other engines, which tell apart what is one here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from invariants.direct_programs import Alike, Codes, Judge, Layer, Links, Origin, Program, Slots
from invariants.limits import Limits, stopping
from invariants.properties import ABOUT_RUNS, Kind, Property
from invariants.slicing import sliced
from invariants.towards import Choices, chosen
from invariants.trace import Path, Taken, Trace, agree, retrace, true_of
from invariants.verdicts import Bounds
from model.system import ModelError, State, System


@dataclass(frozen=True)
class Way:
    """A shortest way to what decides a claim: by name the steps taken, with the choices that matter in each.

    The state that it begins in may lack variables that do not matter.
    """

    start: State
    moves: tuple[tuple[str, Choices], ...]


@dataclass
class Seen:
    """What was seen: how many states, whether that is all of them, and the ways to what decides claims.

    A claim that has no way was not violated; if it is about a situation, that did not arise. `why` says what
    stopped the exploration before its end, if not that every claim was decided. `looked_at` is the part of the
    system that was explored.
    """

    states: int = 0
    complete: bool = False
    why: list[str] = field(default_factory=list)
    ways: dict[Property, Way] = field(default_factory=dict)
    looked_at: System | None = None


def explore(
    system: System, claims: Iterable[Property], *, alike: Alike | None = None, bounds: Bounds | None = None
) -> Seen:
    """Explore `system`, breadth first, until every claim is decided or everything was seen.

    The claims are about states, situations, or steps; the latter say of which steps. Raises ModelError if they
    do not, or are about runs.
    """
    asked = tuple(claims)
    limits = Limits(bounds or Bounds())
    if wrong := [c.name for c in asked if c.kind in ABOUT_RUNS or (c.kind is Kind.EVERY_STEP and not c.by)]:
        raise ModelError(f"{wrong[0]} is about all steps, or about runs; that is not looked at here")
    part = sliced(system, asked)
    try:
        return _Exploration(part.system, asked, alike or {}, limits).run()
    except ModelError:
        if not part.dropped:
            raise
        # A function may write under a name that its code does not show; then only the whole system is exact.
        return _Exploration(system, asked, alike or {}, limits).run()


def taken(system: System, seen: Seen, claim: Property) -> Trace | None:
    """The way to what decides a claim, taken in the system as it is; None if the claim was not decided.

    Raises ModelError if the way cannot be taken, or does not decide it: then values were taken for one another
    that make a difference.
    """
    if claim not in seen.ways:
        return None
    way = seen.ways[claim]
    found = taken_by_choices(system, way)
    if found is None and seen.looked_at:
        # What was left out has choices of its own, which are made as it comes.
        part = taken_by_choices(seen.looked_at, way)
        path = Path(part.start, tuple((step.action, step.after) for step in part.steps)) if part else None
        found = retrace(system, path, claim) if path else None
    if found is None or not decides(claim, found):
        raise ModelError(f"{claim.name}: the way to what decides it cannot be taken again")
    return found


def taken_by_choices(system: System, way: Way) -> Trace | None:
    """The way taken by its choices; None if there are other choices to make."""
    listed = {step.name: step for step in system.actions}
    start = state = next(s for s in system.initial_states() if agree(s, way.start))
    steps: list[Taken] = []
    for name, made in way.moves:
        found = chosen(system, listed[name], state, made, begun=True) if name in listed else None
        if found is None:
            return None
        steps.append(Taken(name, found.action.actor, found.label, state, found.state, found.record))
        state = found.state
    return Trace(start, tuple(steps))


def decides(claim: Property, run: Trace) -> bool:
    """Whether a run ends with a step, or a state, of which a claim is false (if about a situation: true)."""
    if claim.kind is Kind.EVERY_STEP:
        return any(not true_of(claim, step.before, {**step.after, **step.record}) for step in run.steps[-1:])
    return true_of(claim, run.end, run.end) is (claim.kind is Kind.SOMETIMES)


class _Exploration:
    """One exploration, layer by layer: where each state comes from, and what decided claims so far."""

    def __init__(self, system: System, claims: tuple[Property, ...], alike: Alike, limits: Limits) -> None:
        self.system = system
        self.slots = slots = Slots(system, alike)
        self.limits = limits
        self.steps = [c for c in claims if c.kind is Kind.EVERY_STEP]
        self.judges = [Judge(c, slots, {}) for c in claims if c.kind is not Kind.EVERY_STEP]
        self.programs = [
            Program(step, system, slots, [c for c in self.steps if step.name in c.by]) for step in system.actions
        ]
        self.origins: list[tuple[int, str, Links] | None] = []
        self.numbers: dict[Codes, int] = {}
        self.met: dict[Property, tuple[str, Origin] | int] = {}
        self.asked = len(claims)
        first = [tuple(slots.code(n, state[n]) for n in slots.lasting) for state in system.initial_states()]
        self.layer: Layer = {state: (k, None) for k, state in enumerate(dict.fromkeys(first))}
        self.numbers = {state: k for k, state in enumerate(self.layer)}
        self.origins = [None] * len(self.layer)

    def run(self) -> Seen:
        """Explore until there is nothing new, or nothing to decide."""
        found = Seen(looked_at=self.system)
        with stopping(found.why):
            level = 1
            while self.layer and not self._decided():
                self.limits.enter(level, lambda: len(self.numbers))
                self.layer = self._next()
                level += 1
            found.complete = True
        found.states = len(self.numbers)
        found.ways = {claim: self._way(met) for claim, met in self.met.items()}
        return found

    def _decided(self) -> bool:
        """Judge the states of the layer; whether every claim is decided."""
        for judge in self.judges:
            if judge.claim not in self.met:
                at = next((o[0] for state, o in self.layer.items() if judge.decides(judge.key(state))), None)
                if at is not None:
                    self.met[judge.claim] = at
        return len(self.met) == self.asked

    def _next(self) -> Layer:
        """The states that are new after the layer, each with its own number."""
        found: Layer = {}
        for program in self.programs:

            def judged(claim: Property, origin: Origin, name: str = program.name) -> None:
                self.met.setdefault(claim, (name, origin))

            for state, (before, links) in program.run(self.layer, judged).items():
                if state not in self.numbers:
                    self.numbers[state] = len(self.origins)
                    found[state] = (len(self.origins), None)
                    self.origins.append((before, program.name, links))
            self.limits.tick()
        return found

    def _way(self, met: tuple[str, Origin] | int) -> Way:
        moves: list[tuple[str, Choices]] = []
        at = met
        if not isinstance(at, int):
            name, (at, links) = at
            moves.append((name, _choices(links)))
        while (origin := self.origins[at]) is not None:
            at, name, links = origin
            moves.insert(0, (name, _choices(links)))
        start = next(state for state, number in self.numbers.items() if number == at)
        names = zip(self.slots.lasting, start, strict=True)
        return Way({n: self.slots.values[self.slots.places[n]][c] for n, c in names}, tuple(moves))


def _choices(links: Links) -> Choices:
    found: list[tuple[int, int]] = []
    while links is not None:
        links, made = links
        found[:0] = made
    return tuple(found)
