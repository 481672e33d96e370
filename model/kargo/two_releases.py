"""Two releases at once: the same happens to both, and the world answers both in the same way.

A step of one is a step of both. What an attempt of a Promotion's step comes back with is chosen by the first that
runs it, and is the same for the other. So whatever differs afterwards, the releases have made it differ.

The variables of the second one have a mark behind their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest

from model.kargo import planning, runner_results, worlds
from model.kargo.plan import Plan
from model.kargo.releases import Behaviours
from model.kargo.step_engine import StepRules, Turn
from model.kargo.step_kinds import Result, StepKind
from model.kargo.templates import StepSpec, Template
from model.kargo.worlds import Alphabet
from model.system import Action, Outcomes, Part, Sequence, System, local, outcome, parts_of, rename

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


def side_by_side(one: System, other: System) -> System:
    """Both systems, step by step. What only one of them can do, it does alone.

    Both know the same answers of the world, by their labels.
    """
    names = {v.name: second(v.name) for v in other.variables}
    asked = dict.fromkeys(_asks(step) for system in (one, other) for a in system.actions for step in parts_of(a))
    variables = (
        *(local(name, None) for name in asked if name),
        *one.variables,
        *(replace(v, name=second(v.name)) for v in other.variables),
    )
    others = {step.name: _shared(rename(step, names)) for step in other.actions}
    steps = [
        _both(_shared(step), others.pop(step.name)) if step.name in others else _shared(step)
        for step in one.actions
    ]
    return System(f"{one.name}, twice", variables, (*steps, *others.values()))


def _asks(step: Action) -> str:
    """The local variable that holds what the world has answered in this step, where it is asked at all."""
    return f"world[{step.name}]" if step.function is worlds.choose else ""


def _shared(step: Action | Sequence) -> Action | Sequence:
    """The same step, asking a world that it shares."""
    if isinstance(step, Sequence):
        return replace(step, parts=tuple(replace(p, body=_shared(p.body)) for p in step.parts))
    world = _asks(step)
    if not world:
        return step
    pair = ("world", world)
    return replace(step, function=answer, reads=(pair, *step.reads), writes=(pair, *step.writes))


def _both(one: Action | Sequence, other: Action | Sequence) -> Sequence:
    """One step of both, part by part: neither sees what the other does. A bare action is a guard of its own."""
    here, then = (
        step.parts if isinstance(step, Sequence) else (Part(step, required=True),) for step in (one, other)
    )
    pairs = zip_longest(here, then)
    return Sequence(one.name, tuple(part for pair in pairs for part in pair if part), one.actor)


def plan_of(
    template: Template,
    behaviours: Behaviours,
    allowed: Mapping[str, frozenset[Result]],
    polls: Mapping[str, int | None],
) -> Plan:
    """The plan of a template in one release: by alias, what its runners can do, and how soon they want more."""

    def anything(step: StepSpec, rules: StepRules, kind: StepKind | None) -> Action:
        every = tuple(r for r in kind.results if r in allowed[step.alias]) if kind else ()
        choices = runner_results.alphabet(step, every, rules)
        return worlds.free(step.alias, tuple(_polled(choices, polls.get(step.alias))))

    return planning.plan(planning.planner_of(template, behaviours), anything)


def _polled(alphabet: Alphabet, poll_ms: int | None) -> Iterator[worlds.Choice]:
    """The same, a step that waits asking for its next look."""
    for choice in alphabet:
        waits = choice.attempt.status == "Running" and choice.attempt.error is None
        yield choice._replace(attempt=choice.attempt._replace(retry_after_ms=poll_ms)) if waits else choice
