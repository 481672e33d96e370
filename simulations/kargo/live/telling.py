"""Verdicts, actions and changes in the words of a recording.

Source: the format of the recordings of moments, as their README describes it
"""

from __future__ import annotations

from typing import Any

from simulations.kargo.live.actions import Action
from simulations.kargo.live.changes import Change
from simulations.kargo.live.verdicts import Verdict

Json = dict[str, Any]

Told = list[Any]
"""A change as a recording has it: when, in seconds; which Stage; what; and to what."""


def told(change: Change) -> Told:
    """A change in the words of a recording."""
    value = change.value
    if change.what == "history":
        value = {f"Warehouse/{warehouse}": freight for warehouse, freight in value.items()}
    elif isinstance(value, tuple):
        value = list(value)
    return [change.at / 1000, change.stage, change.what, value]


def truth_of(verdict: Verdict) -> Json:
    """A verdict in the words of a recording."""
    found: Json = {"now": verdict.now.value}
    if verdict.waits_for:
        found["for"] = list(verdict.waits_for)
    if verdict.at is not None:
        found["at"] = seconds(verdict.at)
    if verdict.unmet:
        found["unmet"] = list(verdict.unmet)
    if verdict.later:
        found |= {"later": "needs-someone" if verdict.somebody_can else "stuck", "unmetLater": list(verdict.later)}
    lists = {"helps": verdict.helps, "helpsPartly": verdict.helps_partly, "givesUp": verdict.gives_up}
    found |= {name: [told_action(a) for a in actions] for name, actions in lists.items() if actions}
    if verdict.restart_moves is not None:
        found["restartMoves"] = seconds(verdict.restart_moves)
    return found


def told_action(action: Action) -> Json:
    """An action as a recording has it."""
    return {name: value for name, value in action._asdict().items() if value}


def seconds(milliseconds: int | None) -> float | None:
    """Seconds, a whole number if they are."""
    if milliseconds is None:
        return None
    whole, rest = divmod(milliseconds, 1000)
    return whole if rest == 0 else milliseconds / 1000
