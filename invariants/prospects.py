"""Prospects: whether a goal is met from here, who has to help, and how.

The controller, the clock and the world around act *alone*; whoever else there is may help. A goal that is met in
every fair run of what happens alone is only waited for. One that no run at all meets is out of reach.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from invariants.check import check
from invariants.properties import Fairness, Kind, Property
from invariants.trace import Trace, true_of
from invariants.verdicts import Bounds, Report, Verdict
from model.system import ModelError, State, System


class Prospect(Enum):
    """What becomes of a goal."""

    __hash__ = object.__hash__

    MET = "met"  # it is met now
    COMES = "comes"  # what happens alone meets it, in every fair run
    MAY_COME = "may come"  # what happens alone meets it in some runs
    NEEDS_HELP = "needs help"  # nothing that happens alone meets it; with help it can be met
    OUT_OF_REACH = "out of reach"  # no run meets it
    UNKNOWN = "unknown"  # a bound was hit before that was decided


@dataclass(frozen=True)
class Outlook:
    """The prospect of a goal, a shortest run that meets it, and a run alone that never does, if there are any."""

    prospect: Prospect
    way: Trace | None = None
    never: Trace | None = None


def starting_at(system: System, state: State) -> System:
    """The system as it goes on from one state.

    Raises ModelError if the state has no value for a variable.
    """
    if missing := [v.name for v in system.variables if not v.local and v.name not in state]:
        raise ModelError(f"the state has no value for {missing[0]!r}, a variable of {system.name}")
    variables = tuple(v if v.local else replace(v, initial=(state[v.name],)) for v in system.variables)
    return System(system.name, variables, system.actions, system.tables)


def by_actors(system: System, actors: Iterable[str]) -> tuple[str, ...]:
    """The names of the steps of these actors."""
    wanted = set(actors)
    return tuple(step.name for step in system.actions if step.actor in wanted)


def outlook(
    system: System,
    state: State,
    goal: Property,
    *,
    alone: Iterable[str],
    fair: Iterable[Fairness] = (),
    bounds: Bounds | None = None,
) -> Outlook:
    """What becomes of `goal`, a claim about states, from `state` on.

    `alone` names the steps that nobody needs to be asked for; `fair` says which of them happen if they can
    (other steps in it are passed over).
    """
    if true_of(goal, state, state):
        return Outlook(Prospect.MET)
    here = starting_at(system, state)
    free = frozenset(alone)
    by_itself = System(here.name, here.variables, tuple(s for s in here.actions if s.name in free), here.tables)
    sought = replace(goal, kind=Kind.SOMETIMES, name=f"{goal.name} is met")
    due = tuple(replace(f, steps=tuple(name for name in f.steps if name in free)) for f in fair)
    awaited = replace(goal, kind=Kind.EVENTUALLY, name=f"{goal.name} comes", fair=due)
    report = check(by_itself, (sought, awaited), transitions=False, bounds=bounds)
    met, comes = report.judgements
    if comes.verdict is Verdict.HOLDS:
        return Outlook(Prospect.COMES, met.trace)
    if met.verdict is Verdict.HOLDS:
        return Outlook(Prospect.MAY_COME if report.complete else Prospect.UNKNOWN, met.trace, comes.trace)
    if not report.complete:
        return Outlook(Prospect.UNKNOWN)
    return _with_help(check(here, (sought,), transitions=False, stop_when_decided=True, bounds=bounds), comes.trace)


def _with_help(report: Report, never: Trace | None) -> Outlook:
    (met,) = report.judgements
    if met.verdict is Verdict.HOLDS:
        return Outlook(Prospect.NEEDS_HELP, met.trace, never)
    return Outlook(Prospect.UNKNOWN if met.verdict is Verdict.BOUNDED else Prospect.OUT_OF_REACH, None, never)
