"""A Promotion in two releases at once: both run the same template, and the world answers both in the same way.

A pass is one step of both. What a step's attempt comes back with is chosen by the first of them that runs it, and
is the same for the other. So whatever differs afterwards, the releases have made it differ.

The variables of the second one have a mark behind their names.
"""

from __future__ import annotations

from dataclasses import replace

from model.kargo import planning, promotion, worlds
from model.kargo.attempts import Attempt
from model.kargo.phases import PromotionPhase
from model.kargo.plan import Plan
from model.kargo.releases import Behaviours
from model.kargo.runner_results import poll_ms, results
from model.kargo.step_engine import StepRules, Turn
from model.kargo.step_kinds import Result, StepKind
from model.kargo.templates import StepSpec, Template
from model.kargo.worlds import Alphabet
from model.system import Action, Outcomes, Part, Sequence, System, action, local, outcome, rename

SECOND = " (then)"
"""The mark behind the names of the second one's variables."""


def second(name: str) -> str:
    """What the variable is called in the second release."""
    return name + SECOND


def answer(world: str | None, now: int, cancelled: bool, *, alphabet: Alphabet, alias: str) -> Outcomes:
    """What the world answers to a run of a step: anything, unless it has answered the other release."""
    return tuple(
        outcome(
            f"{alias}: {label}" if world is None else "",
            turn=Turn.RAN,
            attempt=attempt,
            world=label,
            now=now + attempt.takes_ms,
            cancelled=cancelled or attempt.cancels,
        )
        for label, attempt in alphabet
        if world in (None, label)
    )


def shared_results(template: Template, one: Behaviours, other: Behaviours) -> dict[str, frozenset[Result]]:
    """By alias, what the runner of a step can come back with in both releases."""
    found = {}
    for step in template.steps:
        kinds = [planning.planner_of(template, b).kinds(step.kind) for b in (one, other)]
        each = [frozenset(results(step, kind)) if kind else frozenset(Result) for kind in kinds]
        found[step.alias] = each[0] & each[1]
    return found


def plan_of(template: Template, behaviours: Behaviours, allowed: dict[str, frozenset[Result]]) -> Plan:
    """The plan of a template in one release, in a world that it shares with another."""
    planner = planning.planner_of(template, behaviours)

    def shared(step: StepSpec, rules: StepRules, kind: StepKind | None) -> Action:
        overruns = rules.timeout_ms + 1000 if rules.timeout_ms > 0 else 0
        every = tuple(r for r in kind.results if r in allowed[step.alias]) if kind else ()
        alphabet = _polled(worlds.alphabet(every, overruns_ms=overruns), step, behaviours)
        return action(
            answer,
            f"run {step.alias}",
            constants={"alphabet": alphabet, "alias": step.alias},
            writes=("turn", "attempt"),
            world=world_of(step.alias),
        )

    return planning.plan(planner, shared)


def _polled(alphabet: Alphabet, step: StepSpec, behaviours: Behaviours) -> Alphabet:
    """The same, a step that waits asking to be looked at again as its kind does in the release."""
    poll = poll_ms(step, behaviours)
    return tuple(
        choice._replace(attempt=choice.attempt._replace(retry_after_ms=poll)) if _waits(choice.attempt) else choice
        for choice in alphabet
    )


def _waits(attempt: Attempt) -> bool:
    return attempt.status == "Running" and attempt.error is None


def world_of(alias: str) -> str:
    """The local variable that holds what the world has answered to a run of a step in this pass."""
    return f"world[{alias}]"


def side_by_side(first: Plan, then: Plan) -> System:
    """Both releases, step by step: passes, time that runs out, and the loss of the work directory."""
    shared = dict.fromkeys(map(world_of, (*first.aliases, *then.aliases)))
    mine, theirs = (promotion.variables(p, running_clock=False, start=PromotionPhase.NEW) for p in (first, then))
    names = {v.name: second(v.name) for v in theirs}
    variables = (
        *(local(name, None) for name in shared),
        *mine,
        *(replace(v, name=second(v.name)) for v in theirs),
    )
    others = {step.name: rename(step, names) for step in _steps(then)}
    steps = [_both(step, others.pop(step.name)) if step.name in others else step for step in _steps(first)]
    return System("two releases", variables, (*steps, *others.values()))


def _steps(plan: Plan) -> list[Action | Sequence]:
    clocks = (promotion.run_out_of_time(plan, alias) for alias in plan.aliases if plan.horizon_ms(alias))
    return [promotion.reconcile(plan), *clocks, promotion.lose_work_dir()]


def _both(one: Action | Sequence, other: Action | Sequence) -> Sequence:
    parts = [p for step in (one, other) for p in (step.parts if isinstance(step, Sequence) else (Part(step),))]
    return Sequence(one.name, tuple(parts), one.actor)
