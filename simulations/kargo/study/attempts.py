"""A pass of the model as a tree: the rules of a Promotion's pass, run once for each situation that runs come to.

The pass is `model.kargo.promotion.reconcile`, what a policy adds to it comes from `model.kargo.loop.responses`, and
when the next pass comes is `simulations.kargo.passes.wake_after`. Instants are left unknown, so the rules say what
has to be compared; attempts may come back with whatever the world of the study allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

from model.kargo import planning, promotion, promotion_rules, worlds
from model.kargo.attempts import Attempt
from model.kargo.failure_policies import FailurePolicy, Hint, Response
from model.kargo.loop import responses
from model.kargo.loop.values import of
from model.kargo.phases import PromotionPhase, StepStatus
from model.kargo.plan import Plan, did
from model.kargo.planning import Planner
from model.kargo.promotion import Surroundings
from model.kargo.saving_rules import BACKOFF
from model.kargo.step_engine import Entry, StepRules, Turn
from model.kargo.step_kinds import Result, StepKind
from model.kargo.templates import StepSpec
from model.kargo.worlds import Choice
from model.system import Action, ModelError, State, System, Variable, action, local, part
from simulations.kargo import passes
from simulations.kargo.study.study import Study
from simulations.stochastic import forking
from simulations.stochastic.forking import CHANCE, PATH, Sum, Unknown, sum_of, unknown
from simulations.stochastic.trees import Tree, tree_of

NOW = "now"
SLOT = "promotion"
"""What a policy's rules call the Promotion."""

INSTANTS = ("started_at", "finished_at")
"""The instants in the metadata of a step."""

ATTEMPT, HEED = "attempt ", "heed_hint"
LATE_MS = 1
"""How much later than asked a timer fires at least, as in `simulations.kargo.runs`."""


def takes(step: int) -> str:
    """The column with the time that the latest attempt of a step took."""
    return f"takes[{step}]"


@dataclass(frozen=True)
class Situation:
    """Where a Promotion is between two passes: its state, instants aside, and how many passes in a row failed."""

    values: tuple[Any, ...]
    errors: int
    begins: frozenset[int]
    """The steps whose next attempt is the first."""


@dataclass(frozen=True)
class Left:
    """What a pass leaves: the next situation, the instants in it, what it did with each step, and the next pass.

    `wake` is how long after the pass the next one comes by itself, None if none does. `waits_for` is the step that
    is not done. `fresh` says that the pass began anew, so that what was done before has to be done again; `cut`
    says that the controller was shut down during it.
    """

    next: Situation
    instants: tuple[tuple[str, Sum], ...]
    now: Sum
    turns: tuple[tuple[int, Turn], ...]
    phase: PromotionPhase
    hint: Hint | None
    wake: Sum | None
    waits_for: int | None
    fresh: bool
    starts_again: bool
    cut: bool


class Passes:
    """The passes of a Promotion of a study, each tabulated when a run first needs it."""

    def __init__(self, study: Study) -> None:
        planner = planning.planner_of(study.template, study.behaviours)
        self.plan = _plan(planner, study)
        self.system = _system(self.plan, study.policy)
        self.names = tuple(v.name for v in self.system.variables if not v.local)
        self.first = self._situation(passes.begin(self.system), 0)[0]
        self._trees: dict[Situation, Tree[Left]] = {}

    @property
    def instants(self) -> Iterator[str]:
        """The columns that hold instants between passes."""
        for alias in self.plan.aliases:
            yield from (f"entry[{alias}].{field}" for field in INSTANTS)

    def tree(self, situation: Situation) -> Tree[Left]:
        """Everything that the next pass can come to."""
        found = self._trees.get(situation)
        if found is None:
            found = self._trees[situation] = tree_of(self._ways(situation))
        return found

    def __len__(self) -> int:
        return len(self._trees)

    def changed(self, situation: Situation, **values: bool) -> Situation:
        """The situation with some variables set by somebody else, and the queue's memory of errors as it is.

        Without its work directory, a Promotion is that of a controller that has just been started.
        """
        errors = 0 if values.get("work_dir") is False else situation.errors
        state = dict(zip(self.names, situation.values, strict=True))
        return self._situation({**state, **values}, errors)[0]

    def _ways(self, situation: Situation) -> Iterator[tuple[forking.Way, Left]]:
        before = dict(zip(self.names, situation.values, strict=True))
        [step] = self.system.actions
        after = self.system.perform(step, before)
        if not after:
            raise ModelError("a pass came to a Promotion that has nothing to do")
        for each in after:
            way = each.record[PATH]
            backs_off = each.state["requeue"] == BACKOFF
            errors = _settled(situation.errors + 1) if backs_off else 0
            for met, wake in forking.ways(partial(passes.wake_after, each.state, errors), way):
                yield (*way, *met), self._left(before, each.state, each.record, errors, wake)

    def _left(self, before: State, state: State, record: State, errors: int, wake: int | None) -> Left:
        situation, instants = self._situation(state, errors)
        turns = tuple(
            (k, turn)
            for k, step in enumerate(self.plan.steps)
            if (turn := record[did(k, step.rules.alias)]) is not Turn.NOT_REACHED
        )
        anew = _starts(state) > _starts(before)
        again = anew and not state["work_dir"]
        return Left(
            situation,
            tuple(instants.items()),
            sum_of(state[NOW]),
            turns,
            state["phase"],
            state.get(of("hint", SLOT)),
            None if wake is None else sum_of(wake),
            turns[-1][0] if turns and not state["phase"].terminal else None,
            bool(record["fresh"]),
            again,
            bool(record["cancelled"]),
        )

    def _situation(self, state: State, errors: int) -> tuple[Situation, dict[str, Sum]]:
        """The situation, and the instants that were taken out of it."""
        instants: dict[str, Sum] = {}
        values = {**state, "message": "", "requeue": None, NOW: unknown(NOW)}
        for alias in self.plan.aliases:
            entry: Entry | None = state[f"entry[{alias}]"]
            if entry is not None:
                values[f"entry[{alias}]"] = self._unknown(alias, entry, instants)
        begins = frozenset(
            k
            for k, s in enumerate(self.plan.steps)
            if _unbegun(values[f"entry[{s.rules.alias}]"], state["work_dir"])
        )
        return Situation(tuple(values[n] for n in self.names), errors, begins), instants

    def _unknown(self, alias: str, entry: Entry, instants: dict[str, Sum]) -> Entry:
        if entry.phase.over and not self.plan.shared_later(alias):
            # The rule itself says that nobody reads its instants any more.
            [kept] = promotion_rules.rebase(entry, 0, horizon_ms=self.plan.horizon_ms(alias), read_again=False)
            found = kept.changes["entry"]
            assert isinstance(found, Entry)
            entry = found
        for field in INSTANTS:
            value = getattr(entry, field)
            if isinstance(value, Unknown):
                name = f"entry[{alias}].{field}"
                instants[name] = value.value
                entry = _with(entry, field, unknown(name))
        return entry


def _with(entry: Entry, field: str, instant: int) -> Entry:
    return entry._replace(started_at=instant) if field == INSTANTS[0] else entry._replace(finished_at=instant)


def _unbegun(entry: Entry | None, work_dir: bool) -> bool:
    return entry is None or entry.started_at is None or not work_dir


def _starts(state: State) -> int:
    found: int = state.get(of("starts", SLOT), 0)
    return found


def _settled(errors: int) -> int:
    """The number of failed passes in a row, as far as the next wait depends on it."""
    while errors > 1 and _backoff(errors) == _backoff(errors - 1):
        errors -= 1
    return errors


def _backoff(errors: int) -> int | None:
    return passes.wake_after({"requeue": BACKOFF}, errors)


# The system


def _plan(planner: Planner, study: Study) -> Plan:
    numbers = count()

    def attempt(step: StepSpec, _rules: StepRules, _kind: StepKind | None) -> Action:
        number = next(numbers)
        alphabet = tuple(_choices(study, number))
        return replace(worlds.free(step.alias, alphabet), name=f"{ATTEMPT}{number}", actor=CHANCE)

    # A controller that shuts down cannot write what its last pass did.
    return planning.plan(planner, attempt, writes_can_fail=study.disturbances.restarts is not None)


def _choices(study: Study, number: int) -> Iterator[Choice]:
    world = study.steps[number]
    for result in world.possible:
        [choice] = worlds.alphabet((result,))
        poll = world.poll_ms if result is Result.RUNNING else None
        lasting = choice.attempt._replace(takes_ms=unknown(takes(number)), retry_after_ms=poll)
        yield Choice(result.name, lasting)
    if study.disturbances.restarts is not None:
        cut = Attempt(
            StepStatus.ERRORED.value, error="context canceled", takes_ms=unknown(takes(number)), cancels=True
        )
        yield Choice("CUT_OFF", cut)


def _system(plan: Plan, policy: FailurePolicy) -> System:
    within = policy.response in (Response.RESTART, Response.HINTS)
    around = _surroundings(plan, policy) if within else promotion.ALONE
    body = forking.forking(promotion.reconcile(plan, running_clock=True, surroundings=around))
    variables = promotion.variables(plan, running_clock=True, start=PromotionPhase.NEW)
    more = tuple(_variables(policy)) if within else ()
    return System("study", (*variables, *more, local(PATH, ())), (body,))


def _variables(policy: FailurePolicy) -> Iterator[Variable]:
    wanted = {of(field, SLOT) for field in ("starts", "begun", "hint")}
    yield from (v for v in responses.slot_variables(policy, SLOT) if v.name in wanted)
    yield from (v for v in responses.pass_variables() if v.name in ("anew", "kept_on"))


def _surroundings(plan: Plan, policy: FailurePolicy) -> Surroundings:
    """What a policy adds to the pass."""
    ending = [action(responses.begin_anew, writes=("work_dir", "requeue"))]
    for alias in plan.aliases:
        fixed = {"continue_on_error": plan.continue_on_error[alias]}
        ending.append(action(responses.forget_failure, constants=fixed, entry=f"entry[{alias}]"))
    return Surroundings(
        # A pass during which the controller is shut down comes to nothing: it does not count as a new beginning.
        conclude=tuple(part(a, cancelled=False) for a in responses.concluding(policy, SLOT)),
        end=(ending[0], *(part(a, kept_on=True) for a in ending[1:])),
    )
