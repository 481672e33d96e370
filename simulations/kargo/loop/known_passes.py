"""Passes that were made before: where everything that a pass reads is the same, the same comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from model.kargo.loop.variables import OF_PASSES
from model.system import Sequence, Value

State = dict[str, Any]


class HasState(Protocol):
    """A cluster."""

    state: State


@dataclass
class KnownPass:
    """A pass, built for what it can meet, and what came of it.

    `known` has what it changed, and what lived only inside it, by the values of what it `touches`: what it only
    writes is among that, for whether it did is not told by a value that was there already.
    """

    step: Sequence
    touches: tuple[str, ...]
    writes: tuple[str, ...]
    known: dict[tuple[Value, ...], tuple[State, State | None]] = field(default_factory=dict)


class KnownPasses:
    """What came of passes over Stages."""

    def __init__(self) -> None:
        self._by_step: dict[int, KnownPass] = {}  # with its step, so that no other can come to have its id

    def make(self, step: Sequence, of: HasState, run: Callable[[Sequence], State | None]) -> State | None:
        """The same as `run`, which is called only if it is not known what comes of it: what lived only inside."""
        one = self._by_step.get(id(step)) or self._by_step.setdefault(id(step), known_pass(step))
        before = of.state
        key = tuple([before.get(name) for name in one.touches])
        if (found := one.known.get(key)) is not None:
            of.state = before | found[0]
            return found[1]
        record = run(step)
        after = of.state
        one.known[key] = ({n: after[n] for n in one.writes if n in after and after[n] is not before.get(n)}, record)
        return record


def known_pass(step: Sequence) -> KnownPass:
    """A pass that nothing is known of yet."""
    reads, writes = dict[str, None](), dict[str, None]()
    waiting, seen = [step], set[int]()
    while waiting:
        sequence = waiting.pop()
        if id(sequence) in seen:  # what to do for one Promotion is in part the same for another
            continue
        seen.add(id(sequence))
        for p in sequence.parts:
            for name, _ in p.when:
                reads[name] = None
            if isinstance(p.body, Sequence):
                waiting.append(p.body)
                continue
            for _, name in p.body.reads:
                reads[name] = None
            for _, name in p.body.writes:
                writes[name] = None
    touches, written = (
        tuple(name for name in names if name not in OF_PASSES) for names in (reads | writes, writes)
    )
    return KnownPass(step, touches, written)
