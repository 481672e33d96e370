"""Scripts of attempts, as a user writes them: `clone=Errored,{status: Succeeded, output: {commit: abc}}`.

After the alias comes a list in YAML's flow style: one attempt after the other, the last one again for as long as
the step is run. An attempt is a status, or a mapping with any of the keys of `KEYS`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from model.inputs import printable
from model.kargo.attempts import VALID, Attempt
from model.kargo.durations import parse_duration
from model.kargo.worlds import Script
from simulations import flow_lists

KEYS = {
    "status": "one of " + ", ".join(VALID),
    "message": "text",
    "error": "text: the runner also returns this error",
    "terminal": "true if that error is terminal",
    "output": "a mapping",
    "panic": "text: the runner panics with it",
    "duration": "how long the attempt takes, such as 90s",
    "retryAfter": "the poll interval it asks for, such as 30s",
    "healthCheck": "the kind of the health check it registers",
}
"""What an attempt may say, and what is expected there."""

SUCCEEDS: Script = (Attempt("Succeeded"),)
"""What a step does that nobody wrote a script for."""


class OutcomeError(ValueError):
    """An outcome that cannot be understood; the message is one sentence."""


def parse(outcomes: Iterable[str], aliases: Iterable[str]) -> dict[str, Script]:
    """The scripts that `outcomes` give, by alias; a step of a task may be named without the task.

    Raises OutcomeError for an alias that no step or more than one has, and for what is not an attempt.
    """
    known = tuple(aliases)
    scripts: dict[str, Script] = {}
    for text in outcomes:
        name, equals, attempts = text.partition("=")
        if not equals:
            raise OutcomeError(f"--outcome {printable(text)}: expected ALIAS=ATTEMPT[,ATTEMPT...]")
        alias = _alias(name.strip(), known)
        if alias in scripts:
            raise OutcomeError(f"--outcome: {printable(alias)} is given twice")
        scripts[alias] = tuple(_attempt(a, alias) for a in _listed(attempts, name))
    return scripts


def _alias(name: str, known: tuple[str, ...]) -> str:
    if name in known:
        return name
    found = [alias for alias in known if alias.rpartition("::")[2] == name]
    if len(found) == 1:
        return found[0]
    problem = "is ambiguous" if found else "is not the alias of a step"
    listed = ", ".join(map(printable, found or known))
    raise OutcomeError(f"--outcome: {printable(name)} {problem}; expected one of: {listed}")


def _listed(text: str, name: str) -> list[object]:
    found = flow_lists.values(text)
    if not found:
        raise OutcomeError(
            f"--outcome {printable(name)}: expected attempts separated by commas, each a status or a mapping"
        )
    return found


def _attempt(value: object, alias: str) -> Attempt:
    fields: Mapping[object, object] = value if isinstance(value, Mapping) else {"status": value}
    where = f"--outcome {printable(alias)}"
    if unknown := [key for key in fields if key not in KEYS]:
        raise OutcomeError(
            f"{where}: {printable(str(unknown[0]))} is not a key of an attempt; expected {', '.join(KEYS)}"
        )
    status = fields.get("status", "Errored" if "error" in fields else "Succeeded")
    if not isinstance(status, str) or status not in VALID:
        raise OutcomeError(f"{where}: status {printable(str(status))} is not one of {', '.join(VALID)}")
    # A bare Errored means an error; a real runner that says Errored returns one.
    error = fields.get("error", "scripted error" if fields == {"status": "Errored"} else None)
    return Attempt(
        status=str(status),
        message=_text(fields.get("message", ""), "message", where),
        output=_output(fields.get("output"), where),
        error=None if error is None else _text(error, "error", where),
        terminal=_flag(fields.get("terminal", False), where),
        panic=None if "panic" not in fields else _text(fields["panic"], "panic", where),
        retry_after_ms=None if "retryAfter" not in fields else _duration(fields["retryAfter"], "retryAfter", where),
        health_check=None if "healthCheck" not in fields else _text(fields["healthCheck"], "healthCheck", where),
        takes_ms=_duration(fields.get("duration", "0s"), "duration", where),
    )


def _text(value: object, key: str, where: str) -> str:
    if not isinstance(value, (str, int, float)):
        raise OutcomeError(f"{where}: {key}: expected text")
    return str(value)


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise OutcomeError(f"{where}: terminal: expected true or false")
    return value


def _output(value: object, where: str) -> str:
    if value is not None and not isinstance(value, dict):
        raise OutcomeError(f"{where}: output: expected a mapping")
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        raise OutcomeError(f"{where}: output: expected what JSON can say") from None


def _duration(value: object, key: str, where: str) -> int:
    try:
        duration = parse_duration(str(value))
    except ValueError:
        duration = -1
    if duration < 0:
        raise OutcomeError(f"{where}: {key}: expected a duration such as 30s, found {printable(str(value))}")
    return duration
