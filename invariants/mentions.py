"""Which variables parts of a sequence have to do with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from model.system import Action, Part


def looked_at(parts: Iterable[Part]) -> Iterator[str]:
    """Every variable that a part reads, or is conditional on."""
    for part in parts:
        yield from (name for name, _ in part.when)
        if isinstance(part.body, Action):
            yield from (v for _, v in part.body.reads)
        else:
            yield from looked_at(part.body.parts)


def mentioned(parts: Iterable[Part]) -> Iterator[str]:
    """Every variable that a part reads, may write or is conditional on."""
    for part in parts:
        yield from (name for name, _ in part.when)
        if isinstance(part.body, Action):
            yield from (v for _, v in part.body.reads)
            yield from (v for _, v in part.body.writes)
        else:
            yield from mentioned(part.body.parts)
