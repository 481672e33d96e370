"""Where each outcome of each step leads: found by taking every pass there can be, with a few surprises in it.

A step that does not simply succeed is a surprise, and a Promotion has room for two: what a third one would show,
two have shown. What cannot be decided goes both ways. Nobody aborts, and no work is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from typing import Any, NamedTuple

from model.kargo import planning, promotion
from model.kargo.phases import PromotionPhase, StepStatus
from model.kargo.plan import Plan, after_failure, did, stored
from model.kargo.planning import Planner
from model.kargo.runner_results import everything
from model.kargo.step_engine import Entry, StepRules, Turn
from model.kargo.step_kinds import StepKind
from model.kargo.templates import StepSpec
from model.kargo.worlds import Alphabet
from model.system import Action, Outcomes, Part, Sequence, System, Tables, action, outcome, run, variable

SURPRISES = 2
MOST_PASSES, MOST_WAYS = 4_000, 3_000
"""So many passes are taken, and so many ways are followed within one."""

ODD = "odd steps"
"""The variable that holds which steps have surprised."""


class Came(Enum):
    """What came of a step in a pass."""

    __hash__ = object.__hash__

    DONE = "done"
    NOTHING = "nothing to do"
    PASSED_OVER = "passed over"  # by its own condition
    FAILED = "failed"
    GIVEN_UP = "given up"  # skipped by the engine although it was begun
    WAITS = "not done yet"
    RETRIED = "will be retried"


class Way(NamedTuple):
    """One way to go on: from a step (None: the beginning), as it came out, to a step, an end, or the same again.

    `late` says that a step before it had failed that counts, `swallowed` that this one failed and does not count.
    """

    source: int | None
    came: Came | None
    target: int | PromotionPhase | None
    late: bool = False
    swallowed: bool = False


@dataclass(frozen=True)
class Ways:
    """Every way that was found; `complete` says that there are no others with so few surprises."""

    ways: frozenset[Way]
    complete: bool


def ways(planner: Planner) -> Ways:
    """Where each outcome of each step of a template leads in a release."""
    return _Search(planning.plan(planner, _surprising(planner))).ways()


def _surprising(planner: Planner) -> planning.Attempts:
    numbers = {step.alias: number for number, step in enumerate(planner.steps)}

    def attempt(step: StepSpec, rules: StepRules, kind: StepKind | None) -> Action:
        fixed = {"alphabet": everything(step, rules, kind), "number": numbers[step.alias]}
        return action(attempted, f"run {step.alias}", constants=fixed, odd=ODD, writes=("turn", "attempt"))

    return attempt


def attempted(now: int, odd: tuple[int, ...], *, alphabet: Alphabet, number: int) -> Outcomes:
    """The step succeeds if it can; if there is room for a surprise, it does anything else that it can."""
    usual = [choice for choice in alphabet if choice.attempt.status == StepStatus.SUCCEEDED.value]
    may_surprise = number in odd or len(odd) < SURPRISES
    return tuple(
        outcome(
            choice.label,
            turn=Turn.RAN,
            attempt=choice.attempt,
            now=now + choice.attempt.takes_ms,
            odd=odd if choice in usual or number in odd else tuple(sorted((*odd, number))),
        )
        for choice in (alphabet if may_surprise or not usual else usual)
    )


_SAID = ("message", "new_message", "worst_text", "engine_error")
"""Variables that no expression reads."""


@dataclass
class _Going:
    """A pass on its way: every variable, and the step that the way comes from."""

    scope: dict[str, Any]
    source: int | None
    came: Came | None
    swallowed: bool = False


@dataclass
class _Search:
    plan: Plan
    found: set[Way] = field(default_factory=set)
    complete: bool = True

    def __post_init__(self) -> None:
        variables = promotion.variables(self.plan, running_clock=False, start=PromotionPhase.NEW)
        clock = [promotion.run_out_of_time(self.plan, a) for a in self.plan.aliases if self.plan.horizon_ms(a)]
        pass_ = promotion.reconcile(self.plan)
        self.system = System("ways", (*variables, variable(ODD, ())), (pass_, *clock))
        self.parts = pass_.parts
        self.of_step = {f"step {i}": i for i in range(len(self.plan.steps))}
        self.tables = Tables()
        self.locals = {v.name: v.initial[0] for v in self.system.variables if v.local}
        read = [v.name for v in self.system.variables if v.name not in _SAID]
        self._within = itemgetter(*read)
        self._between = itemgetter(*(name for name in read if name not in self.locals))

    def ways(self) -> Ways:
        """Take every pass from every state there is after a pass."""
        waiting = [dict(state) for state in self.system.initial_states()]
        seen = {self._between(state) for state in waiting}
        while waiting:
            state = waiting.pop()
            for after in self._after(state):
                if (key := self._between(after)) in seen:
                    continue
                if len(seen) >= MOST_PASSES:
                    self.complete = False
                    continue
                seen.add(key)
                waiting.append(after)
        return Ways(frozenset(self.found), self.complete)

    def _after(self, state: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for step in self.system.actions[1:]:
            yield from (dict(successor.state) for successor in self.system.perform(step, state))
        yield from self._pass(state)

    def _pass(self, state: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Take a pass part by part, and where two ways have become alike, follow one."""
        first = state["phase"] is PromotionPhase.NEW
        going = [_Going({**state, **self.locals}, None if first else -1, None)]
        for part in self.parts:
            number = self.of_step.get(getattr(part.body, "name", ""))
            further = [after for g in going for after in self._one(part, g, number, state)]
            distinct = {(self._within(g.scope), g.source, g.came): g for g in further}
            going = list(distinct.values())[:MOST_WAYS]
            self.complete &= len(distinct) <= MOST_WAYS
        for g in going:
            yield self._end(g)

    def _one(self, part: Part, g: _Going, number: int | None, state: dict[str, Any]) -> Iterator[_Going]:
        body = Sequence("part", (part,))
        for _, scope in run(body, dict(g.scope), self.tables):
            after = _Going(scope, g.source, g.came, g.swallowed)
            if number is not None:
                self._note(after, number, state)
            yield after

    def _note(self, g: _Going, number: int, state: dict[str, Any]) -> None:
        """Remember how a step came out, and where the one before it has led."""
        alias = self.plan.steps[number].rules.alias
        came = _came(g.scope[did(number, alias)], state[stored("entry", alias)])
        if came is None:
            return
        late = bool(g.scope[after_failure(number, alias)])
        if g.source != -1:
            self.found.add(Way(g.source, g.came, number, late, g.swallowed))
        g.source, g.came = number, came
        g.swallowed = came is Came.FAILED and self.plan.continue_on_error[alias]
        for name in (did(number, alias), after_failure(number, alias)):
            g.scope[name] = self.locals[name]

    def _end(self, g: _Going) -> dict[str, Any]:
        phase = g.scope["phase"]
        if g.source not in (None, -1):
            target = phase if phase.terminal else None
            late = phase in (PromotionPhase.FAILED, PromotionPhase.ERRORED)
            self.found.add(Way(g.source, g.came, target, late and g.came is not Came.FAILED, g.swallowed))
        return {name: value for name, value in g.scope.items() if name not in self.locals}


_ENDS: dict[Turn, Came] = {
    Turn.SUCCEEDED: Came.DONE,
    Turn.SKIPPED_ITSELF: Came.NOTHING,
    Turn.SKIPPED_BY_IF: Came.PASSED_OVER,
    Turn.WAITS: Came.WAITS,
    Turn.WILL_BE_RETRIED: Came.RETRIED,
}


def _came(turn: Turn, entry: Entry | None) -> Came | None:
    """What a turn comes to; None for a step that was not reached, or skipped because others have failed."""
    begun = entry is not None and entry.started_at is not None and not entry.phase.over
    if turn is Turn.NOT_REACHED:
        return None
    if turn is Turn.SKIPPED_AFTER_FAILURE or (turn is Turn.SKIPPED_BY_IF and begun):
        return Came.GIVEN_UP if begun else None
    return _ENDS.get(turn, Came.FAILED)


def steps_after(found: Iterable[Way]) -> frozenset[int]:
    """The steps that are run although one before them failed that counts."""
    return frozenset(w.target for w in found if w.late and isinstance(w.target, int))
