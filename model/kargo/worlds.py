"""The world around a Promotion: what the runs of its steps come back with.

A *script* says what the n-th attempt of a step does, as a recording or a user does. An *alphabet* lists what any
attempt may do, and the checker explores all of it.
"""

from __future__ import annotations

from typing import NamedTuple

from model.kargo.attempts import UNKNOWN_OUTPUT, Attempt
from model.kargo.phases import StepStatus
from model.kargo.step_engine import Turn
from model.system import Action, Outcomes, Variable, action, only, outcome, variable


class Choice(NamedTuple):
    """One thing an attempt may do, and what to call it."""

    label: str
    attempt: Attempt


Script = tuple[Attempt, ...]
Alphabet = tuple[Choice, ...]


def play(tries: int, now: int, cancelled: bool, *, script: Script, alias: str) -> Outcomes:
    """The next attempt of a script; the last one again once it is over."""
    attempt = script[min(tries, len(script) - 1)]
    return only(
        f"{alias}: {summary(attempt)}",
        turn=Turn.RAN,
        attempt=attempt,
        tries=tries + 1,
        now=now + attempt.takes_ms,
        cancelled=cancelled or attempt.cancels,
    )


def choose(now: int, cancelled: bool, *, alphabet: Alphabet, alias: str) -> Outcomes:
    """Any attempt of an alphabet."""
    return tuple(
        outcome(
            f"{alias}: {label}",
            turn=Turn.RAN,
            attempt=attempt,
            now=now + attempt.takes_ms,
            cancelled=cancelled or attempt.cancels,
        )
        for label, attempt in alphabet
    )


def tries(alias: str) -> Variable:
    """How often a step with this alias has been tried, restarts included."""
    return variable(f"tries[{alias}]", 0)


def scripted(alias: str, script: Script) -> Action:
    """The step follows a script."""
    return action(
        play,
        f"run {alias}",
        constants={"script": script, "alias": alias},
        tries=tries(alias).name,
        writes=("turn", "attempt"),
    )


def free(alias: str, alphabet: Alphabet) -> Action:
    """The step does anything its alphabet allows, each time anew."""
    return action(
        choose,
        f"run {alias}",
        constants={"alphabet": alphabet, "alias": alias},
        writes=("turn", "attempt"),
    )


def summary(attempt: Attempt) -> str:
    """An attempt in a few words."""
    if attempt.panic is not None:
        return "panics"
    words = attempt.status or "no status"
    if attempt.error is not None:
        words += " with a terminal error" if attempt.terminal else " with an error"
    return words


def _choice(attempt: Attempt) -> Choice:
    return Choice(summary(attempt), attempt)


def alphabet(
    *,
    running: bool = False,
    skipped: bool = False,
    failed_without_error: bool = False,
    failed_for_good: bool = True,
    overruns_ms: int = 0,
) -> Alphabet:
    """What an attempt may do: succeed, err, and what the kind of its step can do besides.

    With `overruns_ms`, an attempt may also take that long before it says that it is not done, or errs.
    """
    wrong = "something went wrong"
    choices = [
        _choice(Attempt(StepStatus.SUCCEEDED.value, output=UNKNOWN_OUTPUT)),
        _choice(Attempt(StepStatus.ERRORED.value, error=wrong)),
    ]
    if failed_for_good:
        choices.append(_choice(Attempt(StepStatus.FAILED.value, error=wrong, terminal=True)))
    if running:
        choices.append(_choice(Attempt(StepStatus.RUNNING.value)))
    if skipped:
        choices.append(_choice(Attempt(StepStatus.SKIPPED.value)))
    if failed_without_error:
        choices.append(_choice(Attempt(StepStatus.FAILED.value, "not as it should be")))
    if overruns_ms:
        late = [c for c in choices if c.attempt.status in ("Errored", "Running")]
        choices += [
            Choice(f"{c.label}, after too long a time", c.attempt._replace(takes_ms=overruns_ms)) for c in late
        ]
    return tuple(choices)
