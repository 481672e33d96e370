"""Blocks: steps that write only variables which follow each other in the order.

No step of a block, or of those below it, writes above its border. So a block can be brought to a fixpoint while all
that is above it, but for what its steps read there, is put together in a few classes (`invariants.cutting`).

A border that no step crosses is best. Where there is none for long, as in a ring, steps of the block above cross
one: what they change below it is brought to a fixpoint there again.
"""

from __future__ import annotations

from dataclasses import dataclass

from invariants.writing import declared
from model.system import Action, Sequence, System

STEPS = 8
"""How many steps a block has at least: to cut a diagram costs as much as some images."""

MANY = 100
"""With so many steps a block ends though some cross its border; with fewer that costs more than it saves."""

MOST = 200
"""How many blocks there are at most: each is brought to a fixpoint by a call from inside the one above."""


@dataclass(frozen=True, slots=True)
class Block:
    """The steps of these names; they write no variable whose place is before `first`."""

    first: int
    steps: tuple[str, ...]


def blocks_of(system: System) -> tuple[Block, ...]:
    """The blocks of a system, in the order of its variables, each with `STEPS` steps or more."""
    least = max(STEPS, -(-len(system.actions) // MOST))
    places = {v.name: place for place, v in enumerate(system.variables) if not v.local}
    spans = sorted((*_span(step, places), step.name) for step in system.actions)
    blocks: list[Block] = []
    first, lowest, end, steps = 0, 0, 0, list[str]()
    for low, high, name in spans:
        if (low >= end > first and len(steps) >= least) or (low > lowest and len(steps) >= max(least, MANY)):
            blocks.append(Block(first, tuple(steps)))
            first, steps = min(low, end), []
        lowest, end = low, max(end, high)
        steps.append(name)
    if blocks and len(steps) < least:
        last = blocks.pop()
        first, steps = last.first, [*last.steps, *steps]
    return (*blocks, Block(first, tuple(steps)))


def _span(step: Action | Sequence, places: dict[str, int]) -> tuple[int, int]:
    """The places from the first variable that `step` may write up to, without it, the one after the last."""
    written = [places[v] for v in declared(step) if v in places]
    return (min(written), max(written) + 1) if written else (0, 0)
