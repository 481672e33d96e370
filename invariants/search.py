"""What the symbolic engine finds out about a system and its properties, within bounds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial

from invariants.awaiting import Awaiting
from invariants.counting import transitions
from invariants.encoding import Diagram, Outgrown
from invariants.findings import Findings, Question, StutterMatters, verdict
from invariants.limits import Stop, stopping
from invariants.properties import ABOUT_RUNS, Kind, Property
from invariants.relations import Claim
from invariants.steps import Step
from invariants.symbolic import Symbolic, restarted
from invariants.verdicts import Verdict
from invariants.walk import path

TRACE_EFFORT, TRACE_NODES = 8, 4_000_000
"""After saturation, layers may make so many times the diagram nodes, and so many more, to find a trace.

Counted in nodes rather than in seconds, so that the same traces are found every time.
"""


def search(question: Question) -> Findings:
    """Explore with decision diagrams and judge every property.

    Raises StutterMatters if the slice cannot answer for a claim in `question.stutter`.
    """
    system, checkpoint = question.system, question.checkpoint
    numbers, places = (checkpoint and checkpoint.begin(system)) or (None, None)
    bounds = question.limits.bounds
    engine = Symbolic(
        system,
        question.properties,
        memory=bounds.memory,
        numbers=numbers,
        places=places,
        threads=bounds.threads,
    )
    if checkpoint:
        checkpoint.take_up(engine, question.limits.tick)
    while True:
        try:
            return _Search(question, engine).run()
        except Outgrown:
            engine = restarted(engine)
            if checkpoint:
                checkpoint.start_again()


class _Search:
    """One exploration with one encoding."""

    def __init__(self, question: Question, engine: Symbolic) -> None:
        self.question = question
        self.engine = engine
        self.limits = question.limits
        self.found = Findings()
        self._open: set[Property] = set(question.properties)
        self._awaiting: dict[Property, Awaiting] = {}
        self.checkpoint = question.checkpoint

    def run(self) -> Findings:
        found, engine = self.found, self.engine
        with stopping(found.why):
            if self.question.strategy == "layers":
                engine.run_layers(self._enter, lambda _: self.limits.tick())
            else:
                engine.run_saturation(self._iterate)
        if self.checkpoint and self.question.strategy != "layers":
            self.checkpoint.seen(engine, now=True)
        found.complete = engine.complete
        found.states = engine.size(engine.reach)
        found.levels = len(engine.layers) or None
        if not found.complete:
            found.unseen = self._unseen(found.states)
        with stopping(found.why):
            if self.question.transitions and (found.complete or engine.layers):
                found.transitions = transitions(engine) + engine.size(engine.start)
        self._judge()
        found.images = [(r.table, r.action.name, r.seconds) for r in engine.relations]
        return found

    def _unseen(self, states: int) -> str:
        explored = self.engine.explored
        if explored == self.engine.encoding.false:
            return "steps from the states seen were not all taken"
        left = states - self.engine.size(explored)
        return f"the steps of {left:,} of the {states:,} states seen were not taken"

    def _enter(self, level: int) -> None:
        engine = self.engine
        if self.checkpoint:
            self.checkpoint.level(engine)
        self.limits.report(level, lambda: engine.size(engine.reach), engine.manager_nodes)
        if self.question.stop_when_decided and self._open:
            self._open -= {c for c in self._open if self._bad(engine.claims[c], self._newest)}
            if not self._open:
                raise Stop("every property was decided")
        self.limits.enter(level, lambda: engine.size(engine.reach))

    def _iterate(self, fired: int) -> None:
        engine = self.engine
        if self.checkpoint:
            self.checkpoint.seen(engine)
        self.limits.report(fired, lambda: engine.size(engine.seen()), engine.manager_nodes)
        self.limits.enter(fired, lambda: engine.size(engine.seen()), depths=False)

    def _newest(self) -> Diagram:
        return self.engine.layers[-1]

    def _reached(self) -> Diagram:
        return self.engine.reach

    def _bad(self, claim: Claim, states: Callable[[], Diagram] | None = None) -> bool:
        """Whether the claim is false (a Sometimes: true) of a state in `states`, or of a step from there.

        Without `states`: of any state seen, or of any step taken. They are asked for anew when bits were added.
        """
        engine = self.engine
        if claim.property.kind in ABOUT_RUNS:
            return self._may_never_be_met(claim, states)
        if claim.property.kind is not Kind.EVERY_STEP:
            return engine.violations(claim, states() if states else engine.reach).satisfiable()

        def broken(step: Step) -> Diagram:
            return engine.bad_ends(claim, step, states() if states else engine.taken(step))

        concerned = list(engine.concerned(claim))
        if states is None and not engine.growing(lambda: engine.stutters(claim, engine.reach)):
            # All rows are known now. A step that writes nothing the claim sees is to it as if nothing happened.
            seen = {*claim.before, *claim.after}
            concerned = [step for step in concerned if not seen.isdisjoint(step.written)]
        return any(engine.growing(partial(broken, step)).satisfiable() for step in concerned)

    def _may_never_be_met(self, claim: Claim, states: Callable[[], Diagram] | None) -> bool:
        """Of a claim about runs; nothing is known of it until everything was explored."""
        engine, about = self.engine, claim.property
        if about not in self._awaiting:
            if not self.found.complete:
                return False
            self._awaiting[about] = Awaiting(engine, claim, engine.premises.get(about), self.limits.tick)
        bad = self._awaiting[about].bad()
        if self._awaiting[about].vacuous:
            self.found.vacuous.add(about)
        return (bad & states() if states else bad).satisfiable()

    def _judge(self) -> None:
        found, engine = self.found, self.engine
        bad: list[Property] = []
        for claim in engine.claims.values():
            with stopping(found.why):
                engine.breathe()
                # Stopped because all was decided: the last layer decided it, though its steps were not all taken.
                decided = not self._open and self.question.stop_when_decided
                if self._bad(claim, self._reached if decided else None):
                    bad.append(claim.property)
                elif claim.property in self.question.stutter and engine.stutters(claim, engine.explored):
                    raise StutterMatters
                found.verdicts[claim.property] = (
                    verdict(claim.property, claim.property in bad, found.complete),
                    None,
                )
            found.verdicts.setdefault(claim.property, (Verdict.BOUNDED, None))
        self._find_ways(bad)

    def _find_ways(self, met: Iterable[Property]) -> None:
        found, engine = self.found, self.engine
        wanted: dict[Hashable, list[Property]] = {}
        for claim in met:
            wanted.setdefault(self.question.traced(claim), []).append(claim)
        wanted.pop(None, None)
        if wanted and not engine.layers:
            self._layers_until(wanted)
        for sharing in wanted.values():
            with stopping(found.why):
                way = path(engine, [engine.claims[claim] for claim in sharing], self._awaiting)
                if way:
                    found.verdicts[way[0]] = (found.verdicts[way[0]][0], way[1])

    def _layers_until(self, wanted: Mapping[Hashable, Iterable[Property]]) -> None:
        """After saturation: layers, only until one of each was met, or until they prove to be out of reach."""
        engine, left = self.engine, dict(wanted)
        most = engine.made * TRACE_EFFORT + TRACE_NODES

        def enter(_: int) -> None:
            self.limits.tick()
            for name, sharing in [*left.items()]:
                if any(self._bad(engine.claims[claim], self._newest) for claim in sharing):
                    del left[name]
            if not left:
                raise Stop

        def tick(_: int) -> None:
            self.limits.tick()
            if engine.made > most:
                raise Stop

        with stopping([]):
            engine.run_layers(enter, tick)
