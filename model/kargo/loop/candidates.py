"""What is available to a Stage: folds over its Freight, and over the Stages where that has been.

The rules are those of `model.kargo.availability` and `model.kargo.auto_promotion`; here they get their variables.
"""

from __future__ import annotations

from collections.abc import Iterator

from model.kargo import auto_promotion, availability
from model.kargo.auto_promotion import Choice
from model.kargo.availability import Standing, Verified
from model.kargo.loop.scope import Scope
from model.kargo.loop.values import of
from model.kargo.releases import Behaviours
from model.kargo.requests import FreightRequest
from model.system import Action, Outcomes, Part, Sequence, only, part, sequence

NOTHING_SHOWN = Standing(verified=False, soaked=False)


def begin_standing(freight_exists: bool, *, request: FreightRequest) -> Outcomes:
    """Enabled for Freight that exists: nothing has been looked at yet."""
    return only(standing=availability.standing(request)) if freight_exists else ()


def note_standing(
    standing: Standing,
    verified: Verified | None,
    since: int | None,
    now: int,
    *,
    stage: str,
    request: FreightRequest,
) -> Outcomes:
    """One more Stage where the Freight may have been."""
    found = availability.note(standing, stage, verified, since, now, request)
    return only(standing=found) if found != standing else ()


def consider(
    freight_exists: bool,
    approved: int | None,
    standing: Standing,
    choice: Choice,
    *,
    freight: str,
    request: FreightRequest,
    behaviours: Behaviours,
) -> Outcomes:
    """The Freight is newer than those before: if it is listed, it is the choice."""
    if not freight_exists or not availability.is_listed(request, approved is not None, standing):
        return ()
    admissible = availability.is_available(request, approved is not None, standing, behaviours)
    return only(choice=auto_promotion.choose(choice, freight, True), admissible=admissible)


def count_listed(
    freight_exists: bool, approved: int | None, standing: Standing, listed: int, *, request: FreightRequest
) -> Outcomes:
    """How many are listed, for the sake of a message."""
    is_listed = freight_exists and availability.is_listed(request, approved is not None, standing)
    return only(listed=listed + 1) if is_listed else ()


def admit(
    freight_exists: bool,
    approved: int | None,
    standing: Standing,
    *,
    request: FreightRequest | None,
    behaviours: Behaviours,
) -> Outcomes:
    """Enabled for Freight that may be promoted to the Stage."""
    if not freight_exists:
        return ()
    admissible = availability.is_available(request, approved is not None, standing, behaviours)
    return only(admissible=True) if admissible else ()


def looked_at(scope: Scope, request: FreightRequest, *, listing: bool) -> tuple[str, ...]:
    """The Stages that matter for what Freight has to show.

    The listing is content with soaking in any Stage; so it has to look at all of them.
    """
    if request.direct:
        return ()
    if not listing or request.soak_ms is None or not request.stages:
        return tuple(dict.fromkeys(request.stages))
    return tuple(dict.fromkeys((*request.stages, *scope.pipeline.names)))


def stand(scope: Scope, freight: str, request: FreightRequest, *, listing: bool) -> Iterator[Action | Part]:
    """Gather what a Freight has to show for a request into `standing`."""
    exists = of("freight_exists", freight)
    fixed = {"request": request}
    yield scope.bind(begin_standing, constants=fixed, writes=("standing",), freight_exists=exists)
    for stage in looked_at(scope, request, listing=listing):
        yield part(
            scope.bind(
                note_standing,
                constants={"stage": stage, **fixed},
                verified=of("verified", freight, stage),
                since=of("since", freight, stage),
            ),
            **{exists: True},
        )


def choose(scope: Scope, request: FreightRequest) -> Iterator[Sequence]:
    """Make the choice among the Freight of an origin."""
    fixed = {"request": request}
    for freight in scope.of_origin(request.warehouse):
        of_it = {
            "freight_exists": of("freight_exists", freight),
            "approved": of("approved", freight, scope.stage.name),
        }
        considering = scope.bind(
            consider,
            of_it,
            constants={"freight": freight, "behaviours": scope.behaviours, **fixed},
            writes=("admissible",),
        )
        counting = [scope.bind(count_listed, of_it, constants=fixed)] if request.matches_upstream else []
        yield sequence(f"consider {freight}", *stand(scope, freight, request, listing=True), considering, *counting)


def may_promote(scope: Scope, freight: str, warehouse: str) -> Iterator[Action | Part]:
    """Set `admissible` where one Freight may be promoted to the Stage: the predicate."""
    request = next((r for r in scope.stage.requests if r.warehouse == warehouse), None)
    if request is not None:
        yield from stand(scope, freight, request, listing=False)
    yield scope.bind(
        admit,
        constants={"request": request, "behaviours": scope.behaviours},
        writes=("admissible",),
        freight_exists=of("freight_exists", freight),
        approved=of("approved", freight, scope.stage.name),
    )
