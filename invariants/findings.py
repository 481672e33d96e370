"""What is asked of an engine, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from invariants.limits import Limits
from invariants.properties import Kind, Property
from invariants.saving import Checkpoint
from invariants.trace import Path
from invariants.verdicts import Verdict
from model.system import System, Table


class StutterMatters(Exception):  # noqa: N818  (asks for another exploration, not an error)
    """A claim about steps calls a step false that changes nothing: steps that were sliced away could break it."""


Traced = Callable[[Property], Hashable]
"""What a way is wanted for: one is found for each answer but None, to the first property that is met."""


def each_property(claim: Property) -> Hashable:
    """A way to what decided each property is wanted."""
    return claim


def no_property(_: Property) -> None:
    """No way is wanted."""


@dataclass
class Findings:
    """What an engine found: sizes, why it stopped early, and per property a verdict and a way.

    `vacuous` are claims that hold because no state that was reached meets their premise.
    """

    states: int = 0
    transitions: int | None = None
    levels: int | None = None
    complete: bool = False
    why: list[str] = field(default_factory=list)
    unseen: str = ""
    verdicts: dict[Property, tuple[Verdict, Path | None]] = field(default_factory=dict)
    vacuous: set[Property] = field(default_factory=set)
    images: list[tuple[Table, str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Question:
    """What is asked of an engine.

    `stutter` are claims for which a step that changes nothing has to be looked at as well. With
    `stop_when_decided` the exploration ends as soon as every property has a verdict. `traced` says what ways are
    wanted for, `checkpoint` where the exploration is saved.
    """

    system: System
    properties: tuple[Property, ...]
    strategy: str
    limits: Limits
    transitions: bool = True
    stop_when_decided: bool = False
    stutter: tuple[Property, ...] = ()
    traced: Traced = each_property
    checkpoint: Checkpoint | None = None


def verdict(claim: Property, met: bool, complete: bool) -> Verdict:
    """What is known of `claim` when a violation (of a Sometimes: a witness) was met or not."""
    sometimes = claim.kind is Kind.SOMETIMES
    if met:
        return Verdict.HOLDS if sometimes else Verdict.VIOLATED
    if not complete:
        return Verdict.BOUNDED
    return Verdict.VIOLATED if sometimes else Verdict.HOLDS
