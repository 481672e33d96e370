"""What can go wrong around the controllers: a cache that lags behind, and status that cannot be written.

Each fault is a pass like any other, run on other values. The names of variables are those of a slot or a Stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from model.kargo.phases import PromotionPhase
from model.kargo.promotion_rules import Place
from model.kargo.saving_rules import BACKOFF
from model.system import (
    Outcomes,
    Part,
    Sequence,
    Value,
    Variable,
    action,
    local,
    only,
    part,
    required,
    variable,
)


def seen(name: str) -> str:
    """The variable that holds what a lagging cache shows in the place of another."""
    return f"seen {name}"


def latest(name: str) -> str:
    """The variable that keeps what is really stored while a pass works on something else."""
    return f"latest {name}"


# A cache that lags behind


def remember(stored: Value) -> Outcomes:
    """What the cache goes on showing once the pass has written something newer."""
    return only(seen=stored)


def is_behind(seen_phase: PromotionPhase | None, phase: PromotionPhase | None) -> Outcomes:
    """Enabled while the cache shows a Promotion that exists."""
    return only("seen as it was a write ago") if seen_phase is not None and phase is not None else ()


def recall(stored: Value, seen: Value) -> Outcomes:
    """The pass works on what the cache shows."""
    return only(stored=seen, latest=stored)


def note_rewritten(stored: Value, seen: Value) -> Outcomes:
    """Enabled where the pass changes an element of a list: a list is written whole."""
    return only(rewritten=True) if stored != seen else ()


def merge(stored: Value, seen: Value, latest: Value) -> Outcomes:
    """What the pass has not changed is not written: what is really stored stays.

    Source: `pkg/kubeclient/patch.go: PatchStatus`, a merge patch
    """
    return only(stored=latest) if stored == seen else ()


def restore(latest: Value) -> Outcomes:
    """What is really stored stays."""
    return only(stored=latest)


def lag_variables(fields: Iterable[str]) -> Iterator[Variable]:
    """The variables that a lagging cache needs for these fields of a Promotion."""
    for field in fields:
        yield variable(seen(field), None)
        yield local(latest(field), None)


def remembering(body: Sequence, fields: Iterable[str]) -> Sequence:
    """The pass of a Promotion, which also remembers the version that it is going to overwrite."""
    noting = tuple(
        part(action(remember, reads={"stored": f}, writes={"seen": seen(f)}), at=Place.LOADING) for f in fields
    )
    opened = 1 + max(k for k, p in enumerate(body.parts) if p.required)
    return replace(body, parts=(*body.parts[:opened], *noting, *body.parts[opened:]))


def lagging(body: Sequence, phase: str, fields: Iterable[str], steps: Iterable[str]) -> Sequence:
    """The pass of a Promotion that its controller sees as it was before the last write.

    `fields` are its variables, `steps` those of them that make up one list.
    """
    listed, plain = tuple(steps), tuple(fields)
    both = {"seen_phase": seen(phase), "phase": phase}
    before: list[Part] = [required(action(is_behind, reads=both))]
    before += [
        Part(action(recall, reads={"stored": f, "seen": seen(f)}, writes={"latest": latest(f)})) for f in plain
    ]
    after: list[Part] = [
        Part(action(note_rewritten, reads={"stored": f, "seen": seen(f)}, writes=("rewritten",))) for f in listed
    ]
    after += [
        part(action(restore, reads={"latest": latest(f)}, writes={"stored": f}), rewritten=False) for f in listed
    ]
    after += [
        Part(action(merge, reads={"stored": f, "seen": seen(f), "latest": latest(f)}))
        for f in plain
        if f not in listed
    ]
    return replace(body, name=f"{body.name}, seen late", parts=(*before, *body.parts, *after), actor="controller")


# Status that cannot be written


def keep(stored: Value) -> Outcomes:
    """What is stored, before the pass."""
    return only(latest=stored)


def fail_to_write() -> Outcomes:
    """The pass ends in an error."""
    return only("status not written", requeue=BACKOFF)


def unwritten(body: Sequence, fields: Iterable[str], requeue: str) -> Sequence:
    """A pass whose status cannot be written: nothing is left of it but what it did to other objects."""
    names = tuple(fields)
    before = [Part(action(keep, reads={"stored": f}, writes={"latest": latest(f)})) for f in names]
    after = [Part(action(restore, reads={"latest": latest(f)}, writes={"stored": f})) for f in names]
    failing = Part(action(fail_to_write, writes={"requeue": requeue}))
    parts = (*before, *body.parts, *after, failing)
    return replace(body, name=f"{body.name}, status not written", parts=parts, actor="fault")


def kept_variables(fields: Iterable[str]) -> Iterator[Variable]:
    """The variables that a pass needs that may not be written."""
    for field in fields:
        yield local(latest(field), None)
