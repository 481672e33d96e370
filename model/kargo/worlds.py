"""The world around a Promotion: what the runs of its steps come back with.

A *script* says what the n-th attempt of a step does, as a recording or a user does. An *alphabet* lists what any
attempt may do, and the checker explores all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from model.kargo.attempts import UNKNOWN_OUTPUT, Attempt
from model.kargo.phases import StepStatus
from model.kargo.step_engine import Turn
from model.kargo.step_kinds import Result
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
        f"{alias}: {attempt}",
        turn=Turn.RAN,
        attempt=attempt,
        tries=tries + 1,
        now=now + attempt.takes_ms,
        cancelled=cancelled or attempt.cancels,
    )


def tell(tries: int, now: int, cancelled: bool, answer: Attempt, *, alias: str) -> Outcomes:
    """What the world has got ready for the next attempt."""
    return only(
        f"{alias}: {answer}",
        turn=Turn.RAN,
        attempt=answer,
        tries=tries + 1,
        now=now + answer.takes_ms,
        cancelled=cancelled or answer.cancels,
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


def answer(alias: str) -> Variable:
    """What the next attempt of a step with this alias comes back with, where the world is asked each time."""
    return variable(f"answer[{alias}]", Attempt("Succeeded"))


def told(alias: str) -> Action:
    """The step does what the world has got ready for it."""
    return action(
        tell,
        f"run {alias}",
        constants={"alias": alias},
        tries=tries(alias).name,
        answer=answer(alias).name,
        writes=("turn", "attempt"),
    )


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


_WRONG = "something went wrong"
_ATTEMPTS = {
    Result.SUCCEEDED: Attempt(StepStatus.SUCCEEDED.value, output=UNKNOWN_OUTPUT),
    Result.RUNNING: Attempt(StepStatus.RUNNING.value, "not done yet"),
    Result.SKIPPED: Attempt(StepStatus.SKIPPED.value, "nothing to do"),
    Result.FAILED: Attempt(StepStatus.FAILED.value, "not as it should be", output=UNKNOWN_OUTPUT),
    Result.FAILED_WITH_ERROR: Attempt(StepStatus.FAILED.value, error=_WRONG),
    Result.FAILED_TERMINALLY: Attempt(StepStatus.FAILED.value, error=_WRONG, terminal=True),
    Result.ERRORED: Attempt(StepStatus.ERRORED.value, error=_WRONG),
    Result.ERRORED_TERMINALLY: Attempt(StepStatus.ERRORED.value, error=_WRONG, terminal=True),
}
_NOT_DONE = frozenset({Result.RUNNING, Result.FAILED, Result.FAILED_WITH_ERROR, Result.ERRORED})


def alphabet(results: Iterable[Result], *, overruns_ms: int = 0) -> Alphabet:
    """Everything an attempt may do that comes back with one of `results`.

    With `overruns_ms`, an attempt after which the step may not be done can also take that long, so that the
    step's time is over when it comes back.
    """
    choices = [Choice(str(_ATTEMPTS[r]), _ATTEMPTS[r]) for r in results]
    if overruns_ms:
        late = [_ATTEMPTS[r] for r in results if r in _NOT_DONE]
        choices += [Choice(f"{a}, too late", a._replace(takes_ms=overruns_ms)) for a in late]
    return tuple(choices)
