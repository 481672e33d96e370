"""Traces: the way into a state, step by step, taken again by the model itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from invariants.properties import Kind, Property
from invariants.towards import Good, towards
from model.system import ModelError, State, System, Value


@dataclass(frozen=True, slots=True)
class Taken:
    """One step of a trace: who did what, how it went, the states around it.

    `record` holds the local variables as the step left them: what happened inside it.
    """

    action: str
    actor: str
    label: str
    before: State
    after: State
    record: State

    @property
    def changes(self) -> dict[str, tuple[Value, Value]]:
        """The variables that changed, with the value before and after."""
        return {n: (v, self.after[n]) for n, v in self.before.items() if self.after[n] != v}


@dataclass(frozen=True, slots=True)
class Trace:
    """A run of a system from an initial state.

    With `loop` it never ends: after the last step everything of interest is as it was in the state of that number
    (0 is the start), and so on for ever. A `loop` as great as the number of steps says that nothing more happens.
    """

    start: State
    steps: tuple[Taken, ...] = ()
    loop: int | None = None

    @property
    def end(self) -> State:
        """The state that it leads to."""
        return self.steps[-1].after if self.steps else self.start

    @property
    def states(self) -> tuple[State, ...]:
        """Every state on the way, the initial one first."""
        return (self.start, *(s.after for s in self.steps))


@dataclass(frozen=True, slots=True)
class Path:
    """What an engine knows of a way: where it begins, and the actions with the state each leads to.

    A state here may lack variables: those that were sliced away, and after the last action of a way to what a
    claim about steps calls false, all but some that the claim speaks of, local variables among them. `loop` is that
    of the trace.
    """

    start: State
    moves: tuple[tuple[str, State], ...] = ()
    loop: int | None = None


def retrace(system: System, path: Path, claim: Property | None = None) -> Trace:
    """Take `path` again in `system`, which may have more variables than the engine looked at.

    With `claim`, a claim about steps, the last step is one that it calls false. Raises ModelError if the path
    cannot be taken: then the engine and the model disagree, which is a bug of the engine or an action that
    is not a function of its arguments.
    """
    listed = {step.name: step for step in system.actions}
    state = next((s for s in system.initial_states() if agree(s, path.start)), None)
    if state is None:
        raise ModelError(f"{system.name}: no initial state is {dict(path.start)}")
    start = state
    steps: list[Taken] = []
    for at, (name, target) in enumerate(path.moves):
        last = claim if at == len(path.moves) - 1 else None
        found = towards(system, listed[name], state, target, _broken(last, state))
        if found is None:
            raise ModelError(f"{system.name}: {name} does not lead from {dict(state)} to {target}")
        steps.append(Taken(name, found.action.actor, found.label, state, found.state, found.record))
        state = found.state
    return Trace(start, tuple(steps), path.loop)


def agree(state: State, part: State) -> bool:
    """Whether `state` has the values that `part` lists."""
    return all(state[n] == v for n, v in part.items())


def _broken(claim: Property | None, before: State) -> Good:
    """Whether a step from `before` to a state is one that `claim`, if it is about steps, calls false."""
    if claim is None or claim.kind is not Kind.EVERY_STEP:
        return lambda after: True
    return lambda after: not true_of(claim, before, after)


def true_of(claim: Property, before: Mapping[str, Value], after: Mapping[str, Value]) -> bool:
    """Whether `claim` is true of a step (of a state: of `before`)."""
    arguments = {parameter: (after if late else before)[name] for parameter, (name, late) in claim.reads}
    return bool(claim.function(**arguments, **dict(claim.constants)))
