"""Failure policies: what a Stage might do by itself when a Promotion has failed.

No release has them: they are what report #2986 proposes, put on the same control loop as values. Each is named as
on the command line: `none`, `restart:3`, `recreate:3`, `rollback:2`, `hints:3`.

Source: akuity/kargo#2986
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple


class Response(Enum):
    """What is done about a Promotion that would end, or has ended, Failed or Errored."""

    __hash__ = object.__hash__

    NONE = "none"  # do nothing: let it fail
    RESTART = "restart"  # start it again from step 0
    RECREATE = "recreate"  # let it fail, and create a new one just like it
    ROLL_BACK = "rollback"  # let it fail, and create one that returns the Stage to its previous state
    HINTS = "hints"  # do what the step that failed hints at: one of `Hint`


class Hint(Enum):
    """How a step that failed says best to proceed."""

    __hash__ = object.__hash__

    RETRY = "retry me"
    RESTART = "restart"
    GIVE_UP = "give up"
    ROLL_BACK = "roll back"


class FailurePolicy(NamedTuple):
    """A response, and how often at most: for one Promotion, or in a row for one failure."""

    response: Response
    limit: int = 0

    def __str__(self) -> str:
        return self.response.value if self.response is Response.NONE else f"{self.response.value}:{self.limit}"


NO_POLICY = FailurePolicy(Response.NONE)

MOST = 100


class UnknownPolicyError(ValueError):
    """There is no such policy; the message says what there is."""


def policy_named(text: str) -> FailurePolicy:
    """The policy of a name such as `restart:3`; without a number, once.

    Raises UnknownPolicyError if there is none.
    """
    names = {r.value: r for r in Response}
    found = re.fullmatch(r"([a-z]+)(?::(\d{1,3}))?", text)
    if not found or found[1] not in names:
        raise UnknownPolicyError(
            f"no failure policy {text!r}; there are: none, restart:N, recreate:N, rollback:N, hints:N"
        )
    response, limit = names[found[1]], int(found[2] or 1)
    if response is Response.NONE:
        if found[2]:
            raise UnknownPolicyError("the policy `none` has no number")
        return NO_POLICY
    if not 1 <= limit <= MOST:
        raise UnknownPolicyError(f"expected a number from 1 to {MOST} in the policy {text!r}")
    return FailurePolicy(response, limit)
