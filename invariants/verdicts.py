"""What a check answers: verdicts, bounds, and the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from invariants.properties import Property
from invariants.trace import Trace


class Verdict(Enum):
    """What is known of a property."""

    HOLDS = "holds"  # every reachable state was seen; of a Sometimes: a witness was
    VIOLATED = "violated"  # there is a trace; of a Sometimes: every reachable state was seen, none is a witness
    BOUNDED = "no violation within the bound"  # of a Sometimes: no witness within the bound
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where to stop: so many states, breadth-first levels (the initial one counts), seconds, bytes of memory.

    None means no bound; `memory` always has one, because the tables of the decision diagrams are made for it.
    `threads` is how many work on one operation on diagrams; what comes of it is the same.
    """

    states: int | None = None
    depth: int | None = None
    seconds: float | None = None
    memory: int = 2 << 30
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one property, with the way to the violation, or to the witness of a Sometimes.

    It is `vacuous` if it holds only because its premise is never met.
    """

    property: Property
    verdict: Verdict
    trace: Trace | None = None
    vacuous: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """What a function took: rows of its table, calls and seconds in Python, and seconds of images by action."""

    function: str
    rows: int
    calls: int
    seconds: float
    images: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What was explored and what it says.

    `transitions` counts distinct (state, action, next state) and the initial states, as TLC does; `levels`
    the breadth-first levels including the initial one (None with saturation). If not `complete`, `bound` says
    what stopped the exploration and what was not seen. `sliced` names the variables that nothing of interest
    reads; the sizes are those without them.
    """

    system: str
    engine: str
    strategy: str
    states: int
    transitions: int | None
    levels: int | None
    seconds: float
    complete: bool
    bound: str | None
    judgements: tuple[Judgement, ...]
    profile: tuple[Cost, ...]
    sliced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an exploration is; `level` counts iterations with saturation, `nodes` is None without diagrams.

    `memory` are the bytes that the whole program takes.
    """

    level: int
    states: int
    nodes: int | None
    seconds: float
    memory: int = 0


Watch = Callable[[Progress], None]
