"""Claims about runs on the symbolic engine: where a goal may be awaited for ever.

Once everything that can be reached is known, the states between a premise and its goal are searched for a run that
never gets there: one that stops where no fair step is due, or one that goes on for ever and is fair. The latter are
found as Kesten, Pnueli and Raviv (1998) do: what cannot be part of a fair run is taken away until nothing changes.
What is left, the *hull*, has the end of such a run in it if there is one, and is empty otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from invariants.encoding import Diagram, minus
from invariants.lassos import Moves, Need, round_trip
from invariants.properties import Fairness, Kind
from invariants.relations import Claim
from invariants.steps import Step
from invariants.symbolic import Symbolic
from invariants.walk import way_back
from model.system import State

Codes = tuple[int, ...]
Pause = Callable[[], None]
"""Called before every image; may raise to stop."""


@dataclass
class Group:
    """A fairness with the steps that it is about and, in `sets`, the name of where one of them is enabled."""

    fairness: Fairness
    steps: tuple[Step, ...]
    enabled: str


@dataclass
class Awaiting:
    """The states of a complete exploration where a claim about runs awaits its goal.

    `sets` holds sets of states by name, so that they can be carried from one manager of diagrams to another;
    variables that do not matter are left open in them: `starts`, where the premise is true and the goal is not;
    `within`, where the goal is awaited; `stops`, where a run may stop; `hull`, where one may go on for ever;
    `doomed`, from where a run may never meet the goal. It is `vacuous` if nothing that was reached meets the
    premise.
    """

    engine: Symbolic
    claim: Claim
    premise: Claim | None
    pause: Pause
    steps: tuple[Step, ...] = ()
    groups: tuple[Group, ...] = ()
    vacuous: bool = False
    sets: dict[str, Diagram] = field(default_factory=dict)

    def __post_init__(self) -> None:
        about = self.claim.property
        self.steps = tuple(s for s in self.engine.steps if not about.by or s.source.name in about.by)
        self.groups = tuple(
            Group(fairness, tuple(s for s in self.steps if s.source.name in fairness.steps), f"enabled {k}")
            for k, fairness in enumerate(about.fair)
        )
        self.engine.moving.append(self.sets)

    def close(self) -> None:
        """Let go of the sets."""
        self.engine.moving.remove(self.sets)

    def bad(self) -> Diagram:
        """The states where the premise is true and from which the goal may never be met."""
        if "doomed" not in self.sets:
            self._begin()
            if self.claim.property.kind is Kind.STAYS_POSSIBLE:
                self._find_hopeless()
            else:
                self._find_doomed()
        return self.sets["starts"] & self.sets["doomed"]

    def _begin(self) -> None:
        engine, sets, about = self.engine, self.sets, self.claim.property
        # No step that may be taken reads or writes the other variables, and nobody asks for them.
        touched = {*about.variables, *(name for step in self.steps for name in step.reads)}
        self._set("reach", lambda: engine.onto(touched, engine.reach))
        self._set("goal", lambda: self._true(self.claim, sets["reach"]))
        sets["waits"] = minus(sets["reach"], sets["goal"])
        premise = self.premise
        if premise is None:
            first = about.kind is Kind.EVENTUALLY
            sets["starts"] = sets["waits"] & engine.onto(touched, engine.start) if first else sets["waits"]
        else:
            self._set("starts", lambda: self._true(premise, sets["reach"]))
            self.vacuous = not sets["starts"].satisfiable()
            sets["starts"] = sets["starts"] & sets["waits"]

    def _true(self, claim: Claim, states: Diagram) -> Diagram:
        claim.learn(states)
        return states & claim.true

    def _find_hopeless(self) -> None:
        """Where the goal cannot be met any more."""
        sets = self.sets
        sets["within"], sets["doomed"] = sets["reach"], sets["goal"]
        self._close_backwards("doomed", "within")
        sets["doomed"] = minus(sets["within"], sets["doomed"])

    def _find_doomed(self) -> None:
        """Where a fair run may begin that never meets the goal."""
        sets = self.sets
        sets["within"] = sets["starts"]
        if sets["starts"] != sets["waits"]:
            self._close_forwards("within", "waits")
        sets["stops"] = sets["within"]
        for group in self.groups:
            sets[group.enabled] = self.engine.encoding.false
            for step in group.steps:
                self._add_before(group.enabled, step, "reach", "within")
            sets["stops"] = minus(sets["stops"], sets[group.enabled])
        sets["hull"] = self.engine.encoding.false
        if not sets["stops"].satisfiable():
            sets["hull"] = sets["within"]
            self._shrink_hull()
        sets["doomed"] = sets["hull"] | sets["stops"]
        self._close_backwards("doomed", "within")

    def _shrink_hull(self) -> None:
        """Take away what no fair run that goes on for ever inside can visit."""
        sets = self.sets
        sets["before"] = self.engine.encoding.false
        while sets["before"] != sets["hull"] and sets["hull"].satisfiable():
            sets["before"] = sets["hull"]
            for group in self.groups:
                self._add_all_before("target", group.steps)
                if group.fairness.strong:
                    self._close_backwards("target", "hull")
                    sets["hull"] = minus(sets["hull"], sets[group.enabled]) | sets["target"]
                else:
                    sets["target"] = sets["target"] | minus(sets["hull"], sets[group.enabled])
                    self._close_backwards("target", "hull")
                    sets["hull"] = sets["target"]
            self._add_all_before("target", self.steps)
            sets["hull"] = sets["target"]

    def _add_all_before(self, name: str, steps: Iterable[Step]) -> None:
        """Let a set be the states of the hull from which one of these steps stays in the hull."""
        self.sets[name] = self.engine.encoding.false
        for step in steps:
            self._add_before(name, step, "hull", "hull")

    # Sets

    def _set(self, name: str, compute: Callable[[], Diagram]) -> None:
        self.pause()
        self.engine.breathe()
        self.sets[name] = self.engine.growing(compute)

    def _add_before(self, name: str, step: Step, ends: str, inside: str) -> None:
        """Add to the set called `name` the states of `inside` from which the step may lead into `ends`."""
        sets, engine = self.sets, self.engine

        def states() -> Diagram:
            before = engine.stepper.preimage(step, sets[ends])
            return sets[name] | (before & sets[inside])

        self._set(name, states)

    def _close_backwards(self, name: str, inside: str) -> None:
        """Add all states of `inside` from which one can get, inside, to the set called `name`."""
        self._close(name, lambda step, of: self.engine.stepper.preimage(step, of) & self.sets[inside])

    def _close_forwards(self, name: str, inside: str) -> None:
        """Add all states of `inside` to which one can get, inside, from the set called `name`."""
        self._close(name, lambda step, of: self.engine.stepper.image(step, of) & self.sets[inside])

    def _close(self, name: str, more: Callable[[Step, Diagram], Diagram]) -> None:
        sets, steps = self.sets, self.steps
        done = [f"{name} {k}" for k in range(len(steps))]
        sets.update(dict.fromkeys(done, self.engine.encoding.false))
        news = True
        while news:
            news = False
            for step, taken in zip(steps, done, strict=True):
                if sets[taken] == sets[name]:
                    continue
                self._set("more", partial(self._more, more, step, name, taken))
                sets[taken] = sets[name]
                if sets["more"] != sets[name]:
                    sets[name] = sets["more"]
                    news = True
            news = news or any(sets[taken] != sets[name] for taken in done)
        for taken in done:
            del sets[taken]
        sets.pop("more", None)

    def _more(self, more: Callable[[Step, Diagram], Diagram], step: Step, name: str, taken: str) -> Diagram:
        return self.sets[name] | more(step, minus(self.sets[name], self.sets[taken]))

    # Ways

    def lasso(self, start: Codes) -> tuple[Moves[State], int | None]:
        """The moves from a state in `bad` on that never meet the goal, and to which of its states the run returns.

        States are counted from 0, the start. A number as great as that of the moves says that it stops at the end;
        None that nothing of what follows matters, because the goal cannot be met.
        """
        if self.claim.property.kind is Kind.STAYS_POSSIBLE:
            return [], None
        sets = self.sets
        moves = self._way(start, sets["stops"] | sets["hull"], sets["within"])
        here = moves[-1][1] if moves else start
        if (self._cube(here) & sets["stops"]).satisfiable():
            return self._states(moves), len(moves)
        component = self._component(here)
        more = self._way(here, component.states, sets["hull"])
        moves += more
        here = moves[-1][1] if moves else start
        loop = round_trip(component, here, [group.fairness for group in self.groups])
        return self._states([*moves, *loop]), len(moves)

    def _states(self, moves: Moves[Codes]) -> Moves[State]:
        engine = self.engine
        return [(name, engine.encoding.state(codes, engine.names)) for name, codes in moves]

    def _cube(self, codes: Codes) -> Diagram:
        return self.engine.cube(codes)

    def _way(self, start: Codes, targets: Diagram, inside: Diagram, *, moving: bool = False) -> Moves[Codes]:
        """A shortest way inside, with one step at least if `moving`; there has to be one."""
        engine = self.engine
        layers = [self._cube(start)]
        seen = engine.encoding.false if moving else layers[0]
        while moving or not (layers[-1] & targets).satisfiable():
            moving = False
            after = engine.encoding.false
            for step in self.steps:
                self.pause()
                after = after | (engine.stepper.image(step, layers[-1]) & inside)
            layers.append(minus(after, seen))
            seen = seen | after
        return way_back(engine, layers[:-1], engine.pick(layers[-1] & targets), self.steps)[1]

    def _component(self, here: Codes) -> Component:
        """A strongly connected part of the hull that some fair run never leaves, as near as can be."""
        sets = self.sets
        while True:
            sets["after"] = self._cube(here)
            self._close_forwards("after", "hull")
            sets["before"] = self._cube(here)
            self._close_backwards("before", "after")
            left = minus(sets["after"], sets["before"])
            component = Component(self, sets["before"])
            if not left.satisfiable() or component.is_fair(here):
                del sets["after"], sets["before"]
                return component
            here = self._way(here, left, sets["after"])[-1][1]


class Component:
    """A strongly connected set of states, and ways inside it."""

    def __init__(self, awaiting: Awaiting, states: Diagram) -> None:
        self.awaiting = awaiting
        self.states = states

    def is_fair(self, here: Codes) -> bool:
        """Whether a run can stay here for ever, and be fair."""
        groups = self.awaiting.groups
        return self._before(self.awaiting.steps).satisfiable() and all(
            self.need(k) is not Need.TAKEN or self._before(group.steps).satisfiable()
            for k, group in enumerate(groups)
        )

    def need(self, number: int) -> Need:
        """What the fairness of that number wants of a run that visits all of these states again and again."""
        group = self.awaiting.groups[number]
        enabled = self.awaiting.sets[group.enabled]
        if group.fairness.strong:
            return Need.TAKEN if (self.states & enabled).satisfiable() else Need.NOTHING
        return Need.DISABLED if minus(self.states, enabled).satisfiable() else Need.TAKEN

    def disabled(self, number: int, state: Codes) -> bool:
        """Whether the steps of that fairness are all disabled in a state."""
        enabled = self.awaiting.sets[self.awaiting.groups[number].enabled]
        return not (self.awaiting.engine.cube(state) & enabled).satisfiable()

    def to_disabled(self, here: Codes, number: int) -> Moves[Codes]:
        """A way to a state where the steps of that fairness are all disabled."""
        enabled = self.awaiting.sets[self.awaiting.groups[number].enabled]
        return self.awaiting._way(here, minus(self.states, enabled), self.states)

    def to_taken(self, here: Codes, number: int) -> Moves[Codes]:
        """A way whose last step is one of that fairness."""
        awaiting, engine = self.awaiting, self.awaiting.engine
        steps = awaiting.groups[number].steps
        moves = awaiting._way(here, self._before(steps), self.states)
        here = moves[-1][1] if moves else here
        for step in steps:
            ends = engine.stepper.image(step, engine.cube(here)) & self.states
            if ends.satisfiable():
                return [*moves, (step.source.name, engine.pick(ends))]
        raise AssertionError("a step that may be taken inside is not")

    def back(self, here: Codes, home: Codes, *, moving: bool) -> Moves[Codes]:
        """A way from here to home, with one step at least if `moving`."""
        return self.awaiting._way(here, self.awaiting.engine.cube(home), self.states, moving=moving)

    def _before(self, steps: Iterable[Step]) -> Diagram:
        """The states from which one of the steps stays inside."""
        found = self.awaiting.engine.encoding.false
        for step in steps:
            found = found | (self.awaiting.engine.stepper.preimage(step, self.states) & self.states)
        return found
