"""Whether a system would be explored just as another one was that differs from it in constants only.

An exploration asks rules for rows and for nothing else. If another system starts in the same states, and has the
same rules, but for constants, and these answer the same to everything that was asked, then by induction it is the
same exploration, step for step. Answering again costs little beside exploring again.
"""

from __future__ import annotations

from dataclasses import replace

from model.system import Action, Part, Sequence, System


def alike(explored: System, other: System) -> bool:
    """Whether `other` goes the way that `explored` went, as far as that was explored."""
    if explored.variables != other.variables or len(explored.actions) != len(other.actions):
        return False
    steps = zip(explored.actions, other.actions, strict=True)
    return all(_same(explored, other, a, b) for a, b in steps)


def _same(explored: System, other: System, one: Action | Sequence, two: Action | Sequence) -> bool:
    if isinstance(one, Action) and isinstance(two, Action):
        if one == two:
            return True
        if one != replace(two, constants=one.constants) or not _same_names(one, two):
            return False
        table = other.tables.table(two)
        return all(table[arguments] == row for arguments, row in explored.tables.table(one).rows.items())
    if isinstance(one, Sequence) and isinstance(two, Sequence):
        if (one.name, one.actor, len(one.parts)) != (two.name, two.actor, len(two.parts)):
            return False
        pairs = zip(one.parts, two.parts, strict=True)
        return all(_same_part(p, q) and _same(explored, other, p.body, q.body) for p, q in pairs)
    return False


def _same_names(one: Action, two: Action) -> bool:
    return [name for name, _ in one.constants] == [name for name, _ in two.constants]


def _same_part(one: Part, two: Part) -> bool:
    return (one.when, one.required) == (two.when, two.required)
