"""What one can look for a way to: what violates a claim, a situation, or a variable that has a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from diagrams.pages.playbacks import name as spoken
from diagrams.pictures import shortened
from diagrams.reports import called
from diagrams.values import show
from invariants.properties import ABOUT_RUNS, Kind, Property
from invariants.subjects import Subject
from model.phase import phase_of
from model.system import Value, Variable
from simulations import exploring
from simulations.exploring import Option, Walk

LONGEST = 100
"""A value is shown with so many characters at most."""


@dataclass(frozen=True)
class Goal:
    """Something to look for: its name in a form, how it is called, under which heading, and what it is."""

    key: str
    says: str
    heading: str
    property: Property


Seen = Mapping[str, Sequence[Value]]
"""Values that variables are known to have somewhere."""


def goals(
    subject: Subject, walk: Walk, options: Iterable[Option], glimpsed: Seen, told: Iterable[str] = ()
) -> Iterator[Goal]:
    """Everything that can be looked for from where a walk has come to; variables that are `told` of come first."""
    for claim in subject.properties:
        if claim.kind is not Kind.SOMETIMES and claim.kind not in ABOUT_RUNS:
            yield Goal(f"claim {claim.name}", called(claim), "A claim is violated", claim)
    for claim in subject.properties:
        if claim.kind is Kind.SOMETIMES:
            yield Goal(f"claim {claim.name}", called(claim), "A situation arises", claim)
    speaking = set(told)
    seen = [walk.state, *(s.before for s in walk.trace.steps), *(o.taken.after for o in options)]
    variables = [v for v in walk.system.variables if not v.local]
    for variable in sorted(variables, key=lambda v: v.name not in speaking):
        yield from _of_variable(
            variable, walk, [*(state[variable.name] for state in seen), *glimpsed.get(variable.name, ())]
        )


def _of_variable(variable: Variable, walk: Walk, seen: Iterable[Value]) -> Iterator[Goal]:
    """A goal for each value that the variable may have, as far as that is known, but for the one it has."""
    values = dict.fromkeys((*variable.domain, *variable.initial, *seen))
    now = walk.state[variable.name]
    field, owner = spoken(variable.name)
    heading = f"{owner}: {field}" if owner else field
    phases = dict.fromkeys(type(phase) for v in values if (phase := phase_of(v)) is not None)
    for kind in phases:
        for phase in kind:
            if phase is not phase_of(now):
                found = exploring.in_phase(variable.name, phase)
                yield Goal(f"phase {variable.name} {phase.name}", f"is {show(phase)}", heading, found)
    if phases and not any(isinstance(v, Enum) for v in values if v is not None):
        values = {v: None for v in values if phase_of(v) is None}
    elif phases:
        return
    for value in (*values, *(v for v in (False, True) if isinstance(now, bool) and v not in values)):
        if value != now:
            said = show(value)
            found = exploring.with_value(variable.name, value)
            yield Goal(f"value {variable.name} {said}", f"= {shortened(said, LONGEST)}", heading, found)
