"""What variables of a session hold: small values, each with what it stands for."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Value(Enum):
    """An enum whose members are told apart by identity."""

    __hash__ = object.__hash__


class Observed(Value):
    """How `status.observedGeneration` compares with `metadata.generation`."""

    UNSET = "unset"  # 0 in Go: never written
    BEHIND = "behind"  # an earlier generation
    CURRENT = "current"


class Condition(Value):
    """The condition WorkflowReconciled. False always has the reason UpdateFailed: no other is ever written."""

    ABSENT = "absent"
    TRUE = "True"
    FALSE = "False"


class Desired(Value):
    """The annotation `ambient-code.io/desired-phase`, by which people start and stop a session."""

    NOTHING = "nothing"
    RUNNING = "Running"
    STOPPED = "Stopped"


class Timer(Value):
    """When a session is looked at again by itself, the soonest last."""

    NONE = "none"
    HALF_A_MINUTE = "30s"
    FIVE_SECONDS = "5s"
    TWO_SECONDS = "2s"
    BACKOFF = "back-off"  # 5 ms, doubled each time, up to 1000 s


class Push(Value):
    """What came of telling the runner its workflow."""

    NOT_TRIED = "not tried"
    NOT_CONFIGURED = "no workflow"
    UNCHANGED = "already recorded"
    DUE = "due"
    DELIVERED = "delivered"
    FAILED = "failed"


class Place(Value):
    """How far a pass has got."""

    BEGUN = "begun"
    SPEC = "spec"  # the generation differs from the observed one: everything in the spec is looked at
    WORKFLOW = "workflow"  # only the workflow is looked at
    DONE = "done"


class Writing(Value):
    """What the handler of a Pending session has still to write, once it has created the pod."""

    NOTHING = "nothing"
    STATUS = "status"
    DESIRED = "desired"
    SERVICE = "service"


class Patch(NamedTuple):
    """The status that the handler of a Pending session has collected.

    `condition` is WorkflowReconciled, None if it is not touched; `repos` becomes reconciledRepos; `stamps` says
    whether observedGeneration is written, `stale` whether the spec was edited since the handler read it.
    """

    condition: Condition | None
    repos: str | None
    stamps: bool
    stale: bool = False


W1, W2 = "w1", "w2"
"""Workflows: a repository, a branch and a path."""

ONE_REPO = "r1"
"""The list of repositories of a session, where it is not empty."""
