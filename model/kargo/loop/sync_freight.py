"""Freight learns in which Stages it is: the second sub-reconciler of a Stage pass.

Source: `pkg/controller/stages/regular_stages.go: syncFreight`
"""

from __future__ import annotations

from collections.abc import Iterator

from model.kargo import availability
from model.kargo.availability import Verified
from model.kargo.loop.scope import Scope
from model.kargo.loop.values import of
from model.system import Action, Outcomes, Part, Sequence, only, part, sequence


def note_included(in_use: str | None, *, freight: str) -> Outcomes:
    """Enabled where the Freight is in the current collection."""
    return only(included=True) if in_use == freight else ()


def leave(included: bool, since: int | None, verified: Verified | None, now: int) -> Outcomes:
    """Freight that is no longer in the current collection is no longer in the Stage; how long it was is kept."""
    if since is None or included:
        return ()
    return only(since=None, verified=availability.leave(verified, since, now))


def forget_included() -> Outcomes:
    """On to the next Freight."""
    return only(included=False)


def enter(freight_exists: bool, since: int | None, now: int, *, freight: str, project: str) -> Outcomes:
    """Freight of the current collection is in the Stage from now on, if it was not yet."""
    if not freight_exists:
        return only(
            failed=True, error=f'failed to sync Freight: Freight "{freight}" not found in namespace "{project}"'
        )
    return only(since=now // 1000 * 1000) if since is None else ()


def sync_freight(scope: Scope) -> Sequence:
    """Let the Freight of the Stage know."""
    return sequence("syncing Freight", *_parts(scope))


def _parts(scope: Scope) -> Iterator[Action | Part]:
    stage = scope.stage.name
    for freight in scope.all_freight:
        of_it = {"since": of("since", freight, stage), "verified": of("verified", freight, stage)}
        for warehouse in scope.pipeline.warehouses:
            fixed = {"freight": freight}
            in_use = scope.of("in_use", warehouse)
            yield scope.bind(note_included, constants=fixed, writes=("included",), in_use=in_use)
        yield scope.bind(leave, of_it)
        yield part(scope.bind(forget_included, writes=("included",)), included=True)
    for warehouse in sorted(scope.pipeline.warehouses):
        for freight in scope.all_freight:
            entering = scope.bind(
                enter,
                constants={"freight": freight, "project": scope.pipeline.project},
                writes=("failed", "error"),
                since=of("since", freight, stage),
                freight_exists=of("freight_exists", freight),
            )
            yield part(entering, **{scope.of("in_use", warehouse): freight, "failed": False})
