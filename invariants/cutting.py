"""Cutting a set of states in two: what is above a border and, by number, the few sets that are below it.

The diagram of a chain of parts that hardly know of each other is large only because the parts stand one below the
other. Where it is cut, each diagram that hangs below the border gets a number, its *class*. What is above says
which states lead to which class; what is below says what is in each class, and is small.
"""

from __future__ import annotations

from dataclasses import dataclass

from invariants.encoding import Diagram, Encoding, both

Pair = tuple[Diagram, Diagram]


@dataclass(frozen=True, slots=True)
class Cut:
    """What leads to which class; what is in each class; and what of that is closed."""

    above: Diagram
    new: Diagram
    closed: Diagram


def cut(encoding: Encoding, border: int, states: Diagram, closed: Diagram) -> Cut:
    """Cut `states` at the border before the variable of place `border`.

    `closed` is a subset of it. What leads below the border to nothing that is not closed is left out, and so are
    classes for which there is no number.
    """
    cutter = _Cutter(encoding, border)
    above = cutter.above((states, closed))
    classes = cutter.classes.items()
    return Cut(
        above,
        encoding.union([number & states for (states, _), number in classes]),
        encoding.union([number & closed for (_, closed), number in classes]),
    )


def joined(encoding: Encoding, border: int, above: Diagram, below: Diagram) -> Diagram:
    """The states that lead to a class above the border, and are in it below."""
    return both(above, below, encoding.class_bits(border))


class _Cutter:
    """One cut, of a set and a subset at once; a class is a pair of diagrams that hang below the border."""

    def __init__(self, encoding: Encoding, border: int) -> None:
        self.encoding = encoding
        self.border = border
        self.level = encoding.classes[border].start
        self.most = 1 << len(encoding.classes[border])
        self.classes: dict[Pair, Diagram] = {}

    def above(self, whole: Pair) -> Diagram:
        """What leads to which class."""
        done: dict[Pair, Diagram] = {}
        stack = [whole]
        while stack:
            pair = stack[-1]
            if pair in done:
                stack.pop()
            elif pair[0] == pair[1]:
                done[pair] = self.encoding.false
            elif (level := self._level(pair)) >= self.level:
                done[pair] = self._class(pair)
            else:
                high, low = self._children(pair, level)
                if high in done and low in done:
                    done[pair] = self.encoding.manager.var(level).ite(done[high], done[low])
                else:
                    stack += (high, low)
        return done[whole]

    def _level(self, pair: Pair) -> int:
        """The first bit that one of the two looks at. Nothing is reordered, so a bit's number is its level."""
        first, second = (node.node_level() for node in pair)
        return min(self.level if first is None else first, self.level if second is None else second)

    @staticmethod
    def _children(pair: Pair, level: int) -> tuple[Pair, Pair]:
        """What hangs below a bit, where it is set and where not."""
        (a, b), (c, d) = (
            node.cofactors() or (node, node) if node.node_level() == level else (node, node) for node in pair
        )
        return (a, c), (b, d)

    def _class(self, pair: Pair) -> Diagram:
        found = self.classes.get(pair)
        if found is None:
            number = len(self.classes)
            if number == self.most:
                return self.encoding.false
            found = self.classes[pair] = self.encoding.class_cube(self.border, number)
        return found
