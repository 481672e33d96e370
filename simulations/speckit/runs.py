"""Runs of a workflow: what the engine did until it returned, and what it had then saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.speckit import run as engine
from model.speckit.engine_rules import Verdict
from model.speckit.inputs import resolved
from model.speckit.plan import Plan, call_counts, scripted
from model.speckit.releases import Behaviours
from model.speckit.seeing import of_step, view
from model.speckit.statuses import RunStatus
from model.speckit.values import EMPTY, Answer, Happening, Record, Result, from_text, to_text
from model.speckit.workflow import Workflow
from model.system import Sequence, State, Successor, System

__all__ = ["Look", "Move", "begin", "follow", "plan_of"]

MOST_MOVES = 100_000
"""A run that has not ended after so many moves is cut off; only nested loops come near."""


@dataclass(frozen=True)
class Move:
    """One move: who made it, what it was, and for a step, what ran and how it came back; the states around it."""

    actor: str
    name: str
    label: str
    events: tuple[Happening, ...]
    result: Result
    verdict: Verdict
    before: State
    after: State


@dataclass(frozen=True)
class Look:
    """What can be seen once the engine has returned.

    `moves` are those since it was called last, `records` all that are saved, as `state.json` has them. `raised` is
    the text of the error that came out of it, if one did.
    """

    status: RunStatus
    index: int
    current: str
    error: str | None
    inputs: Mapping[str, Any]
    records: Mapping[str, Mapping[str, Any]]
    moves: tuple[Move, ...]
    raised: str | None
    state: State

    @property
    def log(self) -> tuple[Happening, ...]:
        """The lines of the log since the engine was called last."""
        return tuple(line for move in self.moves for line in move.events)


def plan_of(
    workflow: Workflow,
    behaviours: Behaviours,
    scripts: Mapping[str, tuple[Answer, ...]],
    inputs: Mapping[str, Any],
) -> Plan:
    """The plan of a run in which every step does what its script says.

    Raises ValueError, with the engine's message, if the inputs do not fit.
    """
    values = to_text(resolved(workflow.inputs, inputs))
    return Plan(workflow, behaviours, scripted(scripts), values, call_counts(workflow))


def begin(plan: Plan) -> tuple[System, Look]:
    """Execute: the run from its first step until the engine returns."""
    system = engine.system(plan)
    [state] = system.initial_states()
    return system, _driven(plan, system, state, engine.begin(plan))


def follow(plan: Plan, system: System, last: Look, given: Mapping[str, Any]) -> Look:
    """Resume, with new values of inputs, until the engine returns. A run that may not be resumed stays as it is."""
    return _driven(plan, system, last.state, engine.resume(plan, to_text(given) if given else EMPTY))


def _driven(plan: Plan, system: System, state: State, first: Sequence) -> Look:
    taken = system.perform(first, state)
    if not taken:
        refusal = f"Cannot resume run 'run' with status {str(state['status'])!r}."
        return look(plan, state, (), refusal)
    moves: list[Move] = []
    while taken:
        [way] = taken
        moves.append(_move(way, state))
        state = way.state
        if way.record["refusal"]:
            return look(plan, state, tuple(moves), str(way.record["refusal"]))
        if not state["alive"]:
            break
        taken = _next(system, state) if len(moves) < MOST_MOVES else []
    raised = moves[-1].verdict is Verdict.RAISE
    return look(plan, state, tuple(moves), state["error"] if raised else None)


def _next(system: System, state: State) -> list[Successor]:
    for step in system.actions:
        if getattr(step, "actor", "") == engine.ENGINE and (found := system.perform(step, state)):
            return found
    return []


def _move(way: Successor, before: State) -> Move:
    record = way.record
    said = (record["events"], record["result"], record["verdict"])
    return Move(way.action.actor, way.action.name, way.label, *said, before, way.state)


def look(plan: Plan, state: State, moves: tuple[Move, ...], raised: str | None) -> Look:
    """What can be seen in a state."""
    records = {name: view(r, plan.workflow, plan.behaviours) for name, r in records_in(plan, state).items()}
    return Look(
        status=state["status"],
        index=state["index"],
        current=state["current"],
        error=state["error"],
        inputs=from_text(state["inputs"]),
        records=records,
        moves=moves,
        raised=raised,
        state=state,
    )


def records_in(plan: Plan, state: State) -> dict[str, Record]:
    """The run's own records, by the name they are saved under."""
    found: dict[str, Record] = {}
    for name in plan.names:
        record = state[of_step("record", name)]
        if record is not None:
            found[name] = record
    for name in plan.repeated:
        found.update(dict(state[of_step("passes", name)]))
    return found
