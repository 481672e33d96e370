"""Runs of a user's own template: pass by pass, what Kargo would write and why each step did what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from model.kargo.attempts import Attempt
from model.kargo.durations import format_duration
from model.kargo.phases import PromotionPhase, StepStatus
from model.kargo.plan import Plan, stored
from model.kargo.planning import EPOCH
from model.kargo.saving_rules import BACKOFF
from model.kargo.step_engine import INCOMPLETE, Entry, Turn, has_failed
from model.system import State
from simulations.kargo import passes
from simulations.kargo.passes import Passed


@dataclass(frozen=True)
class StepAccount:
    """What a pass did with a step: the turn it took, and the reason in a sentence."""

    alias: str
    turn: Turn
    why: str


@dataclass(frozen=True)
class PassAccount:
    """A pass: when it began, what it did with each step, and the status as Kargo writes it.

    `wake_ms` is when the next pass comes by itself; `backs_off` whether it is the queue's backoff that brings it.
    `before` and `after` are the states of the model around it.
    """

    number: int
    at_ms: int
    steps: tuple[StepAccount, ...]
    status: dict[str, object]
    wake_ms: int | None
    backs_off: bool
    before: State
    after: State


@dataclass(frozen=True)
class Run:
    """Passes until the Promotion ended, nothing would wake it, or the limit was reached."""

    passes: tuple[PassAccount, ...]
    phase: PromotionPhase
    ended: str
    """How the run ended, in words."""

    @property
    def undone(self) -> tuple[StepAccount, ...]:
        """Steps that the last pass skipped although they had been begun: work that nobody did."""
        begun = {s.alias for p in self.passes[:-1] for s in p.steps if s.turn in INCOMPLETE}
        last = self.passes[-1].steps if self.passes else ()
        return tuple(s for s in last if s.alias in begun and s.turn in _SKIPPED)


_SKIPPED = frozenset({Turn.SKIPPED_AFTER_FAILURE, Turn.SKIPPED_BY_IF})


def run(plan: Plan, *, limit: int, after_ms: int | None = None) -> Run:
    """Reconcile up to `limit` times: every `after_ms`, or if None whenever the controller would by itself."""
    system = passes.run_system(plan)
    state = passes.begin(system)
    accounts: list[PassAccount] = []
    errors, wait = 0, 0
    while len(accounts) < limit:
        passed = passes.pass_over(system, state, wait)
        errors = errors + 1 if passed.state["requeue"] == BACKOFF else 0
        wake = passes.wake_after(passed.state, errors)
        accounts.append(account(plan, len(accounts) + 1, state, passed, wake))
        state = passed.state
        phase = phase_of(state)
        if phase.terminal:
            return Run(tuple(accounts), phase, f"the Promotion ended {phase.value}")
        if wake is None and after_ms is None:
            return Run(tuple(accounts), phase, "nothing wakes the Promotion again")
        # A timer fires a little late; without that millisecond a timeout would be met exactly, and not be over.
        wait = after_ms if after_ms is not None else (wake or 0) + 1
    return Run(tuple(accounts), phase_of(state), f"stopped after {limit} passes")


def phase_of(state: State) -> PromotionPhase:
    """The phase of the Promotion."""
    phase = state["phase"]
    assert isinstance(phase, PromotionPhase)
    return phase


def account(plan: Plan, number: int, before: State, passed: Passed, wake_ms: int | None) -> PassAccount:
    """What happened in a pass."""
    done = passes.turns(plan, passed)
    steps = [StepAccount(alias, turn, _why(plan, i, turn, said, before, passed)) for i, alias, turn, said in done]
    if not phase_of(passed.state).terminal and done:
        last, waiting_for = done[-1][0], done[-1][1]
        steps += [
            StepAccount(s.rules.alias, Turn.NOT_REACHED, f"not reached: {waiting_for} is not done")
            for s in plan.steps[last + 1 :]
        ]
    status = status_of(plan, passed.state)
    backs_off = passed.state["requeue"] == BACKOFF
    return PassAccount(number, passed.at_ms, tuple(steps), status, wake_ms, backs_off, before, passed.state)


def status_of(plan: Plan, state: State) -> dict[str, object]:
    """The Promotion's status as Kargo writes it, empty fields left out."""
    outputs = {key: state[stored("output", key)] for key in plan.output_keys}
    status: dict[str, object] = {
        "phase": phase_of(state).value,
        "message": state["message"],
        "currentStep": state["current_step"],
        "stepExecutionMetadata": [
            metadata for alias in plan.aliases if (metadata := _metadata(plan, alias, state)) is not None
        ],
        "state": passes.shared_state(outputs),
    }
    return {key: value for key, value in status.items() if value not in ("", [])}


def _metadata(plan: Plan, alias: str, state: State) -> dict[str, object] | None:
    entry = passes.entry_of(state, stored("entry", alias))
    if entry is None:
        return None
    fields: dict[str, object] = {
        "alias": alias,
        "continueOnError": plan.continue_on_error[alias],
        "errorCount": entry.error_count,
        "finishedAt": _time(entry.finished_at),
        "message": state[stored("text", alias)],
        "startedAt": _time(entry.started_at),
        "status": entry.status.value,
    }
    return {key: value for key, value in fields.items() if value}


def _time(instant: int | None) -> str | None:
    if instant is None:
        return None
    try:
        return (EPOCH + timedelta(milliseconds=instant)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return f"{EPOCH.year}-01-01T00:00:00Z + {instant // 1000} s"


# Why a step did what it did


def _why(plan: Plan, index: int, turn: Turn, said: Attempt | None, before: State, passed: Passed) -> str:
    step = plan.steps[index]
    alias = step.rules.alias
    entry = passes.entry_of(passed.record, plan.working("entry", alias))
    text = passed.record[plan.working("text", alias)]
    errors = f"error {entry.error_count if entry else 0} of {step.rules.error_threshold}"
    came_back = str(said) if said else ""
    reasons: dict[Turn, Callable[[], str]] = {
        Turn.SKIPPED_AFTER_FAILURE: lambda: (
            f"skipped: it has no `if`, and {_failures(plan, index, before, passed)}"
        ),
        Turn.SKIPPED_BY_IF: lambda: "skipped: its `if` is false",
        Turn.IF_FAILED: lambda: f"errored, not run: {text}",
        Turn.UNKNOWN_KIND: lambda: f"errored, not run: there is no runner for {step.rules.kind!r}",
        Turn.CONTEXT_FAILED: lambda: f"errored, not run: {text}",
        Turn.INVALID_STATUS: lambda: f"ran: {text}",
        Turn.SUCCEEDED: lambda: "ran: Succeeded",
        Turn.SKIPPED_ITSELF: lambda: "ran: found nothing to do, Skipped",
        Turn.FAILED_FOR_GOOD: lambda: f"ran: {came_back}; that is not retried",
        Turn.THRESHOLD_MET: lambda: f"ran: {came_back}; {errors}, so it is over",
        Turn.TIMED_OUT: lambda: f"ran: {came_back}; its {format_duration(step.rules.timeout_ms)} are over",
        Turn.WILL_BE_RETRIED: lambda: f"ran: {came_back}; {errors}, so it will be retried",
        Turn.WAITS: lambda: _waits(said),
    }
    return reasons[turn]() if turn in reasons else turn.value


def _waits(said: Attempt | None) -> str:
    if said is not None and said.status != StepStatus.RUNNING.value:
        return f"ran: {said.status} without an error, which counts as not done; it will be polled"
    return "ran: Running; it will be polled"


def _failures(plan: Plan, index: int, before: State, passed: Passed) -> str:
    alias = plan.steps[index].rules.alias
    coe = plan.continue_on_error
    own = passes.entry_of(before, stored("entry", alias))
    if has_failed(own, coe[alias]) and own is not None and own.started_at is not None:
        return f"its own last attempt left it {own.status.value}"
    failed = [a for a in plan.aliases if a != alias and has_failed(_entry(plan, a, passed), coe[a])]
    return f"{failed[0]} failed before it" if failed else "a step failed before it"


def _entry(plan: Plan, alias: str, passed: Passed) -> Entry | None:
    return passes.entry_of(passed.record, plan.working("entry", alias))
