"""The checker's yardstick: search with dictionaries, straight from what the words mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from invariants.properties import Kind, Property
from invariants.trace import true_of
from invariants.verdicts import Verdict
from model.system import State, Successor, System


@dataclass(frozen=True)
class Truth:
    """Sizes, and per property its verdict and the number of steps of a shortest trace."""

    states: int
    transitions: int
    levels: int
    verdicts: dict[str, tuple[Verdict, int | None]]


def explore(system: System, properties: Iterable[Property] = ()) -> Truth:
    names = [v.name for v in system.variables if not v.local]
    claims = tuple(properties)
    shortest: dict[str, int] = {}

    def key(state: State) -> tuple[object, ...]:
        return tuple(state[n] for n in names)

    level = {key(s): s for s in system.initial_states()}
    starts = len(level)
    seen = dict(level)
    edges = set()
    levels = 0
    while level:
        after = {}
        for here, state in level.items():
            for claim in claims:
                if decided_by_state(claim, state):
                    shortest.setdefault(claim.name, levels)
            for step in system.successors(state):
                there = key(step.state)
                edges.add((here, step.action.name, there))
                for claim in claims:
                    if broken_by_step(claim, state, step):
                        shortest.setdefault(claim.name, levels + 1)
                if there not in seen:
                    after[there] = seen[there] = step.state
        level = after
        levels += 1
    verdicts = {c.name: verdict(c, shortest.get(c.name)) for c in claims}
    return Truth(len(seen), len(edges) + starts, levels, verdicts)


def decided_by_state(claim: Property, state: State) -> bool:
    return claim.kind is not Kind.EVERY_STEP and true_of(claim, state, state) is (claim.kind is Kind.SOMETIMES)


def broken_by_step(claim: Property, state: State, step: Successor) -> bool:
    mine = claim.kind is Kind.EVERY_STEP and (not claim.by or step.action.name in claim.by)
    return mine and not true_of(claim, state, {**step.state, **step.record})


def verdict(claim: Property, length: int | None) -> tuple[Verdict, int | None]:
    good = (length is not None) is (claim.kind is Kind.SOMETIMES)
    return (Verdict.HOLDS if good else Verdict.VIOLATED, length)
