"""The checker's yardstick: search with dictionaries, straight from what the words mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from invariants.properties import Kind, Property
from invariants.trace import true_of
from invariants.verdicts import Verdict
from model.system import State, System


@dataclass(frozen=True)
class Truth:
    """Sizes, and per property its verdict and the number of steps of a shortest trace."""

    states: int
    transitions: int
    levels: int
    verdicts: dict[str, tuple[Verdict, int | None]]


def explore(system: System, properties: Iterable[Property] = ()) -> Truth:
    depth: dict[tuple[object, ...], int] = {}
    names = [v.name for v in system.variables if not v.local]
    shortest: dict[str, int] = {}
    claims = tuple(properties)

    def key(state: State) -> tuple[object, ...]:
        return tuple(state[n] for n in names)

    def note(name: str, length: int) -> None:
        shortest[name] = min(length, shortest.get(name, length))

    level: list[State] = []
    for state in system.initial_states():
        if key(state) not in depth:
            depth[key(state)] = 0
            level.append(state)
    edges = set()
    levels = 0
    while level:
        after = []
        for state in level:
            for claim in claims:
                if claim.kind is not Kind.EVERY_STEP and true_of(claim, state, state) is (
                    claim.kind is Kind.SOMETIMES
                ):
                    note(claim.name, levels)
            for step in system.successors(state):
                edges.add((key(state), step.action.name, key(step.state)))
                for claim in claims:
                    mine = claim.kind is Kind.EVERY_STEP and (not claim.by or step.action.name in claim.by)
                    if mine and not true_of(claim, state, {**step.state, **step.record}):
                        note(claim.name, levels + 1)
                if key(step.state) not in depth:
                    depth[key(step.state)] = levels + 1
                    after.append(step.state)
        level = after
        levels += 1
    starts = sum(d == 0 for d in depth.values())
    return Truth(
        len(depth), len(edges) + starts, levels, {c.name: _verdict(c, shortest.get(c.name)) for c in claims}
    )


def _verdict(claim: Property, length: int | None) -> tuple[Verdict, int | None]:
    good = (length is not None) is (claim.kind is Kind.SOMETIMES)
    return (Verdict.HOLDS if good else Verdict.VIOLATED, length)
