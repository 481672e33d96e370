"""What a diagnosis finds: the verdict of each Stage, why, what helps, and what could not be seen."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulations.kargo.live.actions import Action
from simulations.kargo.live.changes import Change
from simulations.kargo.live.gates import Gate
from simulations.kargo.live.verdicts import Verdict


@dataclass(frozen=True)
class Way:
    """A way out: what to do, what it meets, what it leaves, what changes after it, and what to type."""

    actions: tuple[Action, ...]
    meets: tuple[str, ...]
    leaves: tuple[str, ...]
    gives_up: bool
    changes: tuple[Change, ...]
    upgrade: str = ""
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wish:
    """What comes of an action that was asked about, told as a way; `worse` are goals that it keeps from being met.

    `refused` is why it is not done, if it is not; `harmed` are other Stages that are worse off for it.
    """

    way: Way
    refused: str | None
    worse: tuple[str, ...]
    harmed: tuple[str, ...]
    endless: bool


@dataclass(frozen=True)
class Finding:
    """What there is to say of a Stage; `expected` is what happens next if nobody does anything.

    `proof` is the number of states that can be reached without anybody's help, if something is missing in all of
    them; None where that was not asked, is not so, or could not be decided.
    """

    project: str
    stage: str
    verdict: Verdict
    gates: tuple[Gate, ...] = ()
    ways: tuple[Way, ...] = ()
    expected: tuple[Change, ...] = ()
    worse: tuple[Action, ...] = ()
    proof: int | None = None
    wish: Wish | None = None


@dataclass
class Diagnosis:
    """All findings, and what could not be seen."""

    release: str
    now: int
    findings: list[Finding] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
