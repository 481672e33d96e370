"""What the explicit engine finds out about a system and its properties, within bounds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from invariants.encoding import Outgrown, numbers_of
from invariants.explicit import Explicit, expand
from invariants.explicit_runs import Runs, graph_of
from invariants.findings import Findings, Question, StutterMatters, verdict
from invariants.limits import Stop, stopping
from invariants.packing import Keys, Words, join
from invariants.properties import ABOUT_RUNS, Kind, Property
from invariants.trace import Path
from model.system import Action, Sequence, State

T = TypeVar("T")
Body = Action | Sequence
Met = tuple[int, State, tuple[str, State] | None]
"""The level and the state where a property was decided, and by which step if it is about steps."""


def explicit_search(question: Question) -> Findings:
    """Explore with arrays of states and judge every property.

    Raises StutterMatters if the slice cannot answer for a claim in `question.stutter`.
    """
    return _Search(question).run()


class _Search:
    """One exploration; `met` has the properties decided so far."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.limits = question.limits
        self.engine = Explicit(question.system, question.properties, numbers_of(question.system))
        self.found = Findings()
        self.met: dict[Property, Met] = {}
        self.expanded = 0
        self._transitions = 0
        self._runs: dict[Property, tuple[Runs, int]] = {}
        self._steps = [c for c in question.properties if c.kind is Kind.EVERY_STEP]

    def run(self) -> Findings:
        found, engine = self.found, self.engine
        with stopping(found.why):
            self._explore()
            found.complete = True
        sizes = [len(layer) for layer in engine.layers]
        found.states, found.levels = sum(sizes), len(sizes)
        if self.question.transitions:
            found.transitions = self._transitions + sizes[0]
        if not found.complete:
            left = sum(sizes[self.expanded :])
            found.unseen = f"the steps of {left:,} of the {found.states:,} states seen were not taken"
        with stopping(found.why):
            self._judge_runs()
        for claim in self.question.properties:
            known = found.complete and (claim.kind not in ABOUT_RUNS or claim in self._runs)
            found.verdicts[claim] = (verdict(claim, claim in self.met, known), None)
        for claim in self._traced():
            with stopping(found.why):
                found.verdicts[claim] = (found.verdicts[claim][0], self._path(claim))
        found.images = [(r.table, r.action.name, r.seconds) for r in engine.rules.values()]
        return found

    def _judge_runs(self) -> None:
        """Judge the claims about runs, of which nothing is known until everything was explored."""
        asked = [c for c in self.question.properties if c.kind in ABOUT_RUNS]
        if not self.found.complete or not asked:
            return
        engine = self.engine
        graph = graph_of(engine, self._pause)
        levels = [np.searchsorted(graph.keys, layer) for layer in engine.layers]
        for claim in asked:
            self.limits.tick()
            runs = Runs(graph, claim)
            bad = runs.bad()
            if runs.vacuous:
                self.found.vacuous.add(claim)
            first = next(((level, nodes) for level, nodes in enumerate(levels) if bad[nodes].any()), None)
            self._runs[claim] = (runs, -1)
            if first is not None:
                level, nodes = first
                start = int(nodes[bad[nodes]][0])
                self._runs[claim] = (runs, start)
                self.met[claim] = (level, engine.state(graph.keys[start : start + 1]), None)

    def _traced(self) -> Iterator[Property]:
        """Of the properties that share a way, that which was met first."""
        named: set[Hashable] = {None}
        for claim in sorted(self.met, key=lambda met: self.met[met][0]):
            name = self.question.traced(claim)
            if name not in named:
                named.add(name)
                yield claim

    def _explore(self) -> None:
        engine = self.engine
        while len(engine.layers[-1]):
            self._enter()
            new, transitions, met = self._growing(self._level)
            self._transitions += transitions
            self.met.update(met)
            self.expanded += 1
            if not len(new):
                break
            engine.layers.append(new)
            engine.seen.add(new)

    def _growing(self, compute: Callable[[], T]) -> T:
        while True:
            try:
                return compute()
            except Outgrown as need:
                self.engine.widen(need.variable)

    def _enter(self) -> None:
        engine, level = self.engine, len(self.engine.layers)

        def states() -> int:
            return sum(len(layer) for layer in engine.layers)

        self.limits.report(level, states, lambda: None)
        words = engine.states(engine.layers[-1])
        for claim, judge in engine.judges.items():
            if claim in self.met or claim.kind in ABOUT_RUNS:
                continue
            if claim.kind is not Kind.EVERY_STEP:
                bad = judge.bad(words)
                if len(bad):
                    self.met[claim] = (level - 1, engine.state(engine.layers[-1][bad[:1]]), None)
            elif claim in self.question.stutter and self._stutters(claim, words):
                raise StutterMatters
        if self.question.stop_when_decided and self.met.keys() >= set(self.question.properties):
            raise Stop("every property was decided") if self.question.properties else Stop("nothing was asked")
        self.limits.enter(level, states)

    def _stutters(self, claim: Property, words: Words) -> bool:
        ends, _ = self.engine.advance(Sequence("nothing", ()), words)
        return bool(len(self.engine.judges[claim].bad(ends, words)))

    def _level(self) -> tuple[Keys, int, dict[Property, Met]]:
        """What is new after the last layer, the transitions from it, and the claims about steps it breaks."""
        engine, level = self.engine, len(self.engine.layers) - 1
        met: dict[Property, Met] = {}
        count = 0
        count_too = self.question.transitions

        def visit(step: Body, before: Words, after: Words, source: NDArray[np.int64]) -> None:
            nonlocal count
            if count_too:
                count += engine.distinct(step, after, source)
            for claim in self._steps:
                if claim not in self.met and claim not in met and (not claim.by or step.name in claim.by):
                    bad = engine.judges[claim].bad(after, [w[source] for w in before])
                    if len(bad):
                        at = int(source[bad].min())
                        end = int(bad[source[bad] == at].min())
                        last = [w[end : end + 1] for w in after[: engine.layout.lasting_words]]
                        way = (step.name, engine.state(join(last)))
                        met[claim] = (level, engine.state(join([w[at : at + 1] for w in before])), way)

        after = expand(engine, engine.layers[-1], visit, self._pause)
        return engine.seen.new(after), count, met

    def _pause(self, used: int) -> None:
        self.limits.tick()
        if used + self.engine.nbytes > self.limits.bounds.memory:
            raise Stop("the bound of memory was hit")

    def _path(self, claim: Property) -> Path:
        """A shortest way to what decided the claim, by taking the steps of earlier layers again."""
        level, state, last = self.met[claim]
        key = self.engine.key(state)
        moves: list[tuple[str, State]] = [] if last is None else [last]
        for earlier in reversed(self.engine.layers[:level]):
            before, name = self._step_to(earlier, key)
            moves.insert(0, (name, self.engine.state(key)))
            key = before
        way = Path(self.engine.state(key), tuple(moves))
        return self._going_on(claim, way) if claim in self._runs else way

    def _going_on(self, claim: Property, way: Path) -> Path:
        """A way to where a claim about runs is violated, with what happens from there on."""
        runs, start = self._runs[claim]
        moves, loop = runs.lasso(start)
        states = [(name, self.engine.state(runs.graph.keys[at : at + 1])) for name, at in moves]
        return Path(way.start, (*way.moves, *states), None if loop is None else len(way.moves) + loop)

    def _step_to(self, layer: Keys, key: Keys) -> tuple[Keys, str]:
        """A state of `layer` and the name of a step that leads from it to `key`."""
        for states in self.engine.chunks(layer):
            for step in self.question.system.actions:
                after, source = self.engine.advance(step, states)
                ends = join(after[: self.engine.layout.lasting_words])
                at = np.flatnonzero(ends == key[0])
                if len(at):
                    chosen = int(source[at].min())
                    return join([w[chosen : chosen + 1] for w in states]), step.name
            self.limits.tick()
        raise AssertionError("a layer is not reached from the one before it")
