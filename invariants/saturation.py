"""Saturation by blocks: local fixpoints from the last variables upward.

The states are brought to a fixpoint under the steps of the first block. Then they are cut at the border of the next
(`invariants.cutting`), the classes below it are brought to a fixpoint under the steps of the blocks there, and what
comes of it is put under what is above. That is repeated until nothing is new. So an image costs what its own block
is worth, whatever the size of what is above. Ciardo, Luettgen and Siminiceanu (2001) do the same for every node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from invariants.blocks import Block
from invariants.cutting import cut, joined
from invariants.encoding import Carry, Diagram, Encoding, minus
from invariants.steps import Step

Image = Callable[[Step, Callable[[], Diagram]], Diagram]
"""The states after a step; those before it are asked for anew when bits were added. Raises to stop."""


class Saturation:
    """One exploration. From its begin to its end some blocks are at work, each inside the one before.

    It has not ended if it was stopped.
    """

    def __init__(self, encoding: Encoding, blocks: Iterable[Block], steps: Iterable[Step]) -> None:
        self.encoding = encoding
        by_name = {step.source.name: step for step in steps}
        self.blocks = [_Ready(encoding, b.first, [by_name[name] for name in b.steps]) for b in blocks]
        touched: frozenset[str] = frozenset()
        for block in reversed(self.blocks):
            touched |= block.touched
            block.looked_at = touched
        self._at_work: list[_Work] = []
        self._image: Image

    @property
    def begun(self) -> bool:
        """Whether it began, and did not end."""
        return bool(self._at_work)

    def run(self, start: Diagram, image: Image) -> Diagram:
        """Everything that can be reached from `start`."""
        nothing = self.encoding.false
        self._at_work = [_Work(self.encoding.true, start, nothing, nothing)]
        self._image = image
        try:
            self._saturate(0)
        finally:
            del self._image  # it knows who runs this, who would never be freed
        return self._at_work.pop().reach

    def reach(self) -> Diagram:
        """What was reached until now."""
        return self._whole(len(self._at_work) - 1, self._at_work[-1].reach, lambda work: work.reach)

    def taken(self, step: Step) -> Diagram:
        """The states from which `step` was taken until now."""
        number = next(k for k, block in enumerate(self.blocks) if step in block.steps)
        deepest = len(self._at_work) - 1
        if number > deepest:
            return self._whole(deepest, self._at_work[-1].closed, lambda work: work.closed)
        work = self._at_work[number]
        return self._whole(number, work.taken.get(step.source.name, work.settled), lambda work: work.closed)

    def forget(self) -> None:
        """Have nothing at work."""
        self._at_work.clear()

    def each(self, change: Carry) -> None:
        """Change every set of states."""
        for work in self._at_work:
            work.reach, work.closed, work.settled = map(change, (work.reach, work.closed, work.settled))
            work.taken = {name: change(states) for name, states in work.taken.items()}

    def carry(self, over: Carry) -> None:
        """Go on with another manager of diagrams."""
        self.each(over)
        for work in self._at_work:
            work.above = over(work.above)

    def _whole(self, number: int, states: Diagram, also: Callable[[_Work], Diagram]) -> Diagram:
        """`states` of the block at work of this number under what is above them, and what the blocks above add."""
        for k in range(number, 0, -1):
            states = joined(self.encoding, self.blocks[k].first, self._at_work[k].above, states)
            states = states | also(self._at_work[k - 1])
        return states

    def _saturate(self, number: int) -> None:
        """Bring what is at work to a fixpoint under the steps of its block and of those below."""
        block, work = self.blocks[number], self._at_work[number]
        below = self.blocks[number + 1 :]
        dirty = set(range(len(block.steps)))
        while True:
            while dirty:
                at = min(dirty)
                dirty.discard(at)
                step = block.steps[at]
                new = self._take(step, work)
                changes = block.learn(at)
                if new:
                    dirty.update(block.concerned(changes, step.reads))
            work.settled = work.reach
            work.taken.clear()
            if not below or work.closed == work.reach:
                return
            if self._descend(number):
                for lower in below:
                    dirty.update(block.concerned(lower.changes, lower.touched))

    def _take(self, step: Step, work: _Work) -> bool:
        """Take a step from where it was not taken; whether anything is new."""
        name = step.source.name

        def rest() -> Diagram:
            return minus(work.reach, work.taken.get(name, work.settled))

        after = self._image(step, rest)
        before = work.taken[name] = work.reach
        work.reach = before | after
        return work.reach != before

    def _descend(self, number: int) -> bool:
        """Saturate, in the blocks below, what is new there; whether anything is new after that."""
        encoding, work, lower = self.encoding, self._at_work[number], self.blocks[number + 1]
        part = cut(encoding, lower.first, work.reach, work.closed)
        lead = part.above.exists(encoding.above(lower.first, lower.looked_at))
        new, closed = part.new & lead, part.closed & lead
        self._at_work.append(_Work(part.above, new, closed, closed))
        self._saturate(number + 1)
        done = self._at_work.pop()
        more = joined(encoding, lower.first, done.above, done.reach)
        before = work.reach
        work.reach, work.closed = before | more, work.closed | more
        return work.reach != before


class _Ready:
    """A block with its steps, those that touch only the last variables first.

    Of those that begin at the same variable, the ones that go further down come first: what looks only at the top
    waits until all below has settled.

    `looked_at` are the variables that its steps, and those of the blocks below, touch.
    """

    def __init__(self, encoding: Encoding, first: int, steps: Sequence[Step]) -> None:
        def span(step: Step) -> tuple[int, int]:
            places = [encoding.position[n] for n in step.reads] or [len(encoding.position)]
            return min(places), max(places)

        self.first = first
        self.steps = sorted(steps, key=span, reverse=True)
        self.touched = frozenset(n for step in steps for n in step.reads)
        self.looked_at = self.touched
        self._readers: dict[str, list[int]] = {}
        self._changers: dict[str, list[int]] = {}
        self._changes: list[frozenset[str]] = [frozenset()] * len(self.steps)
        self._concerned: dict[tuple[frozenset[str], frozenset[str]], frozenset[int]] = {}
        for at, step in enumerate(self.steps):
            for name in step.reads:
                self._readers.setdefault(name, []).append(at)

    def learn(self, at: int) -> frozenset[str]:
        """Take note of what a step is known to write now that it was taken; the answer is that."""
        changes = self.steps[at].changes
        if more := changes - self._changes[at]:
            self._changes[at] = changes
            self._concerned.clear()
            for name in more:
                self._changers.setdefault(name, []).append(at)
        return changes

    @property
    def changes(self) -> frozenset[str]:
        """The variables of the state that the steps are known to write."""
        return frozenset(n for step in self.steps for n in step.changes)

    def concerned(self, changes: frozenset[str], touched: frozenset[str]) -> frozenset[int]:
        """The steps to take again when others, which change and touch these variables, have added to a set.

        A set closed under a step stays so when another adds to it, unless one of the two changes what the other
        touches: otherwise they can change places.
        """
        key = (changes, touched)
        found = self._concerned.get(key)
        if found is None:
            found = self._concerned[key] = frozenset(
                (
                    *(at for name in changes for at in self._readers.get(name, ())),
                    *(at for name in touched for at in self._changers.get(name, ())),
                )
            )
        return found


@dataclass
class _Work:
    """A block at work: on what was reached of the states that lead, by `above`, to one of its classes.

    `closed` is the part of `reach` that is closed under the steps of the blocks below, `settled` the part that is
    closed under those of its own; `taken` is, by step, the larger part that the step was taken from since.
    """

    above: Diagram
    reach: Diagram
    closed: Diagram
    settled: Diagram
    taken: dict[str, Diagram] = field(default_factory=dict)
