"""What a run of a made-up release comes to in the real ones.

A behaviour is looked for by putting it alone into a release, which makes one that nobody has. What is told of a run
has to be true of releases that people have, or else to say what it is true of.
"""

from __future__ import annotations

from enum import Enum

from invariants.towards import towards
from invariants.trace import Taken, Trace
from model.kargo.two_releases import SECOND
from model.system import System


class Half(Enum):
    """One of two releases that are explored side by side."""

    __hash__ = object.__hash__

    HERE = "the first"
    THEN = "the second"

    @property
    def other(self) -> Half:
        """The other one."""
        return Half.THEN if self is Half.HERE else Half.HERE

    def has(self, name: str) -> bool:
        """Whether a variable is one of this release, or what the world answers, which is one for both."""
        return name.startswith("world[") or name.endswith(SECOND) is (self is Half.THEN)


def taken_really(both: System, run: Trace, real: Half) -> Trace | None:
    """The same run in two `real` releases side by side: one of them is that of the run, and goes as it did there.

    What the world answers is the same, too. None if there is no such run.
    """
    listed = {step.name: step for step in both.actions}
    start = {n: v for n, v in run.start.items() if real.has(n)}
    first = next((s for s in both.initial_states() if all(s[n] == v for n, v in start.items())), None)
    if first is None:
        return None
    state, steps = first, list[Taken]()
    for step in run.steps:
        target = {
            name: value
            for name, value in (*step.record.items(), *step.after.items())
            if real.has(name) and not (name.startswith("world[") and value is None)
        }
        found = towards(both, listed[step.action], state, target, lambda _: True) if step.action in listed else None
        if found is None:
            return None
        steps.append(Taken(step.action, found.action.actor, found.label, state, found.state, found.record))
        state = found.state
    return Trace(first, tuple(steps))
