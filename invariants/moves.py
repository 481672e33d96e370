"""Which moves of a lifecycle a system makes, found by going wherever it can go.

What is listened to are single events, not steps: a pass may take a thing through several phases at once.
"""

from __future__ import annotations

from model.lifecycle import Heard, listening
from model.system import ModelError, State, System

MOST = 200_000
"""States that are gone to, if not said otherwise."""


def moves(system: System, *, most: int = MOST) -> Heard:
    """Every move that any lifecycle makes on the way to some state of a system that was never explored before.

    Raises ModelError if there are more than `most` states.
    """
    with listening() as heard:
        explore(system, most)
    return heard


def explore(system: System, most: int) -> int:
    """Go wherever the system can go; how many states there are.

    Raises ModelError if there are more than `most` states.
    """
    names = tuple(v.name for v in system.variables if not v.local)
    waiting: list[State] = list(system.initial_states())
    seen = {tuple(state[n] for n in names) for state in waiting}
    while waiting:
        for step in system.successors(waiting.pop()):
            key = tuple(step.state[n] for n in names)
            if key not in seen:
                if len(seen) >= most:
                    raise ModelError(f"{system.name} has more than {most:,} states")
                seen.add(key)
                waiting.append(step.state)
    return len(seen)
