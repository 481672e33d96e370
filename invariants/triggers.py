"""Triggers: what asks for something to be done, and what becomes of it.

A controller often notes that something was tried and failed, and forgets in the same breath what made it try. Then
the failure is on record for ever, and nobody tries again. The pattern has two forms. As a claim about steps: a
trigger goes away only in a step that does what it asks for. As a claim about states: where a failure is on record,
something still asks for it.

What asks, what counts as done and what as failed are predicates over variables; the two forms put them together. A
parameter of a predicate that has a default is a constant.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from invariants.properties import AFTER, Property, always, every_step

Predicate = Callable[..., bool]


def consumed_only_when_done(
    claim: str,
    name: str = "",
    *,
    asks: Predicate,
    done: Predicate,
    by: tuple[str, ...] = (),
    reads: Mapping[str, str] | None = None,
) -> Property:
    """The claim that in every step which leaves nothing that `asks`, what was asked for is `done`.

    `asks` is a predicate of states, `done` one of steps: its `next_` parameters see the values after the step.
    `claim` is the sentence, in words joined by underscores; the rest is as for `every_step`.
    """
    return every_step(_Consumed(claim, asks, done), name or claim, by=by, reads=reads)


def asked_for_while_failed(
    claim: str,
    name: str = "",
    *,
    failed: Predicate,
    asks: Predicate,
    reads: Mapping[str, str] | None = None,
) -> Property:
    """The claim that in every state where something has `failed`, something `asks` for it.

    Both are predicates of states; the rest is as for `always`.
    """
    return always(_Asked(claim, failed, asks), name or claim, reads=reads)


@dataclass(frozen=True)
class _Consumed:
    claim: str
    asks: Predicate
    done: Predicate

    @property
    def __name__(self) -> str:
        return self.claim

    @cached_property
    def __signature__(self) -> inspect.Signature:
        asking = _parameters(self.asks)
        return _keywords(*asking, *(AFTER + p for p in asking), *_parameters(self.done))

    def __call__(self, **values: Any) -> bool:
        before = {p: values[p] for p in _parameters(self.asks)}
        after = {p: values[AFTER + p] for p in before}
        if not self.asks(**before) or self.asks(**after):
            return True
        return self.done(**{p: values[p] for p in _parameters(self.done)})


@dataclass(frozen=True)
class _Asked:
    claim: str
    failed: Predicate
    asks: Predicate

    @property
    def __name__(self) -> str:
        return self.claim

    @cached_property
    def __signature__(self) -> inspect.Signature:
        return _keywords(*_parameters(self.failed), *_parameters(self.asks))

    def __call__(self, **values: Any) -> bool:
        failed = self.failed(**{p: values[p] for p in _parameters(self.failed)})
        return not failed or self.asks(**{p: values[p] for p in _parameters(self.asks)})


def _parameters(predicate: Predicate) -> tuple[str, ...]:
    found = inspect.signature(predicate).parameters.values()
    return tuple(p.name for p in found if p.default is inspect.Parameter.empty)


def _keywords(*names: str) -> inspect.Signature:
    return inspect.Signature([inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY) for n in dict.fromkeys(names)])
