"""The values that a run of a workflow is made of.

What steps put out, and inputs, are JSON; in the state they are texts, as the engine saves them.
"""

from __future__ import annotations

import json
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

from model.speckit.statuses import RunStatus, StepStatus

EMPTY = "{}"
"""An output, or inputs, without anything in them."""


def to_text(value: Any) -> str:
    """A JSON value as a text that keeps the order of its keys."""
    return json.dumps(value, ensure_ascii=False)


@lru_cache(maxsize=100_000)
def from_text(text: str) -> Any:
    """The JSON value of a text. It is shared: nobody may change it."""
    return json.loads(text)


def in_short(status: StepStatus, output: str) -> str:
    """A status, and what is to be said of the output: its exit code, and all that is not empty."""
    found = {key: value for key, value in from_text(output).items() if value not in ("", None)}
    code = found.pop("exit_code", None)
    said = [] if code is None else [f"exit code {code}"]
    said += [f"{key}: {value if isinstance(value, str) else to_text(value)}" for key, value in found.items()]
    return f"{status} ({', '.join(said)})" if said else str(status)


class Record(NamedTuple):
    """What is kept of a step: how its code came back, with what output and error. `step` is its place."""

    status: StepStatus
    output: str
    error: str | None
    step: str

    def __str__(self) -> str:
        return in_short(self.status, self.output)

    @property
    def phase(self) -> StepStatus:
        """Where the step is in its lifecycle."""
        return self.status


Named = tuple[tuple[str, Record], ...]
"""Records by name, in the order in which the names first came up."""


def named(records: Named, name: str, record: Record) -> Named:
    """`records` with that of `name` put in its place, or behind the others."""
    found = dict(records)
    found[name] = record
    return tuple(found.items())


class Ending(Enum):
    """How a call of a step's code ends, where it does not come back with a result of its own choice."""

    __hash__ = object.__hash__

    RETURNS = "comes back"
    RAISES = "raises an error"
    INTERRUPTED = "is interrupted by Ctrl+C"
    TIMES_OUT = "takes too long"
    CANNOT_START = "cannot be started"
    NO_TERMINAL = "has no terminal to ask at"
    INPUT_ENDS = "finds the end of the input"


class Answer(NamedTuple):
    """What the world outside answers a step: a command's end, or a person's choice at a gate.

    `status` is what a command or prompt comes back with; a shell command has an `exit_code` in its output instead.
    """

    ending: Ending = Ending.RETURNS
    status: StepStatus = StepStatus.COMPLETED
    output: str = EMPTY
    error: str | None = None
    choice: str = ""

    def __str__(self) -> str:
        if self.choice:
            return self.choice
        if self.ending is not Ending.RETURNS:
            return str(self.ending.value)
        return in_short(self.status, self.output)


class Result(NamedTuple):
    """What a step's code hands back to the engine: `body` is the list of steps to go into, "" for none.

    With an `ending` other than RETURNS there is no result: the call ended in an error or an interruption.
    `known` is false for a step whose type nobody has heard of. `ran` is the text that was really run.
    """

    status: StepStatus = StepStatus.COMPLETED
    output: str = EMPTY
    error: str | None = None
    body: str = ""
    items: str = ""
    ending: Ending = Ending.RETURNS
    known: bool = True
    ran: str | None = None
    scope: Scope | None = None
    reset_input: str = ""

    @property
    def aborted(self) -> bool:
        """Whether the output is marked as aborted."""
        return bool(from_text(self.output).get("aborted"))


class Scope(NamedTuple):
    """Records and inputs of its own: those of a called workflow, or of an item of a fan-out (from 1.1.3 on).

    `inputs` are None for an item, which sees those around it.
    """

    workflow: str
    records: Named = ()
    inputs: str | None = None
    called_by: tuple[str, ...] = ()


class Frame(NamedTuple):
    """A list of steps that is being gone through, and where in it.

    `owner` is the place of the step it belongs to, `name` what that step is called there. `turn` counts the
    passes of a loop, or the items of a fan-out, from 0. `path` is the way to the list in the engine's tree.
    `fresh` is the scope that every item begins with, `recorded` what the template itself has come to
    for this item, `item_forgotten` whether the engine has lost the item by going through a fan-out within.
    `hidden` is set while the step that is next has halted the run: what its id named before, if anything.
    """

    steps: str
    at: int = 0
    owner: str = ""
    name: str = ""
    turn: int = 0
    items: str = ""
    results: tuple[str, ...] = ()
    scope: Scope | None = None
    path: tuple[int | str, ...] = ()
    fresh: Scope | None = None
    item_forgotten: bool = False
    recorded: Record | None = None
    hidden: tuple[Record, ...] | None = None


Place = tuple[Frame, ...]
"""Where the engine is, outermost list first; empty before it begins, and where a release forgets it."""


class Halt(NamedTuple):
    """A halt on its way out: how the run will end, why, and how many lists are still to be left."""

    outcome: RunStatus
    error: str | None
    depth: int


class Happening(NamedTuple):
    """A line of the run's log."""

    event: str
    step: str = ""
    kind: str = ""
    status: str = ""
    error: str | None = None
    path: tuple[int | str, ...] = ()
    workflow: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.event, self.step, self.status)))


Happenings = tuple[Happening, ...]
