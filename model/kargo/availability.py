"""Which Freight is available to a Stage, by both of Kargo's notions of it.

The *predicate* is asked about a Freight that somebody wants to promote: by the Promotion's own passes, by admission
and by the API. The *listing* is what auto-promotion chooses from. They differ: the listing is content with soaking
in any Stage at all, and narrower under the policy MatchUpstream.

Both are asked about one Freight and one request. What the Freight has to show in one Stage after the other is
gathered in a small `Standing`: begin with `standing`, call `note` for each Stage, then ask `is_available` or
`is_listed`. Instants and times are in milliseconds.

Source: `api/v1alpha1/stage_types.go: Stage.IsFreightAvailable`, `pkg/api/stage.go: ListFreightAvailableToStage`,
`pkg/api/warehouse.go: ListFreightFromWarehouse`, `api/v1alpha1/freight_types.go: FreightStatus`
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple

from model.kargo.releases import Behaviours
from model.kargo.requests import ALL, STRATEGIES, FreightRequest


class Verified(NamedTuple):
    """That a Freight was verified in a Stage: when, and how long it stayed there at most, if it ever left.

    Source: `VerifiedStage`
    """

    at_ms: int
    longest_soak_ms: int | None = None


# What happens to a Freight in one Stage


def enter(since: int | None, now: int) -> int:
    """Since when the Freight is in the Stage that it enters: the first time counts.

    Source: `FreightStatus.AddCurrentStage`
    """
    return now if since is None else since


def leave(verified: Verified | None, since: int | None, now: int) -> Verified | None:
    """What is kept of the verification as the Freight leaves: its longest stay, if it was verified at all.

    Source: `FreightStatus.RemoveCurrentStage`
    """
    if verified is None or since is None:
        return verified
    longest, stay = verified.longest_soak_ms, now - since
    return verified._replace(longest_soak_ms=stay) if longest is None or stay > longest else verified


def verify(verified: Verified | None, at: int) -> Verified:
    """What is kept of a verification that ended well `at` some time: the first one counts.

    Source: `FreightStatus.AddVerifiedStage`
    """
    return Verified(at) if verified is None else verified


def soak(verified: Verified | None, since: int | None, now: int) -> int:
    """How long the Freight soaked in the Stage: its longest stay, time before it was verified included.

    Source: `Freight.GetLongestSoak`
    """
    if verified is None:
        return 0
    return max(verified.longest_soak_ms or 0, 0 if since is None else now - since)


def has_soaked(verified: Verified | None, since: int | None, now: int, soak_ms: int | None) -> bool:
    """Whether the Freight soaked for `soak_ms` or longer; None asks for nothing.

    Source: `Freight.HasSoakedIn`
    """
    return soak_ms is None or soak(verified, since, now) >= soak_ms


# What a Freight has to show for a request


class Standing(NamedTuple):
    """What one Freight has to show for one request, in the Stages looked at so far.

    `verified` and `soaked` (after being verified) speak of the listed Stages: all of them, or one, as the strategy
    wants it. `elsewhere` says that it soaked in a Stage that is not listed, where that makes a difference, and
    `inside` that the Stage to be matched has it at present.
    """

    verified: bool
    soaked: bool
    elsewhere: bool = False
    inside: bool = False


def standing(request: FreightRequest) -> Standing:
    """What a Freight has to show before any Stage was looked at."""
    wants_all = request.strategy == ALL
    return Standing(verified=wants_all, soaked=wants_all)


def note(
    so_far: Standing, stage: str, verified: Verified | None, since: int | None, now: int, request: FreightRequest
) -> Standing:
    """What the Freight has to show after one more Stage.

    Call it for every Stage that the request lists, whether the Freight was ever there or not, and for every other
    one in which it was verified.
    """
    is_verified = verified is not None
    has = is_verified and has_soaked(verified, since, now, request.soak_ms)
    if stage not in request.stages:
        matters = request.soak_ms is not None and bool(request.stages)
        return so_far._replace(elsewhere=so_far.elsewhere or (has and matters))
    inside = so_far.inside or (request.matches_upstream and since is not None and stage == request.stages[0])
    if request.strategy == ALL:
        return so_far._replace(
            verified=so_far.verified and is_verified, soaked=so_far.soaked and has, inside=inside
        )
    return so_far._replace(verified=so_far.verified or is_verified, soaked=so_far.soaked or has, inside=inside)


def is_available(
    request: FreightRequest | None, approved: bool, shown: Standing | None, behaviours: Behaviours
) -> bool:
    """Whether a Freight may be promoted to a Stage: the predicate.

    `request` is the Stage's request for the Freight's Warehouse, None where it makes none; `approved` says whether
    the Freight is approved for the Stage, `shown` what it has to show (None where that makes no difference).

    Source: `Stage.IsFreightAvailable`
    """
    if approved and (request is not None or not behaviours.approval_needs_request):
        return True
    if request is None:
        return False
    return request.direct or (shown is not None and shown.soaked)


def is_listed(request: FreightRequest, approved: bool, shown: Standing) -> bool:
    """Whether the listing for `request` has a Freight of its Warehouse.

    Source: `ListFreightFromWarehouse`
    """
    if request.direct:
        return True
    if request.matches_upstream and not shown.inside:
        return False
    if request.strategy == ALL:
        return approved or (shown.soaked and not shown.elsewhere)
    return approved or (shown.verified and (shown.soaked or shown.elsewhere))


def listing_error(requests: Iterable[FreightRequest], warehouses: Container[str], project: str) -> str | None:
    """Why nothing can be listed for these requests, None if it can. The first request with a problem decides.

    Source: `ListFreightAvailableToStage`, `ListFreightFromWarehouse`
    """
    for request in requests:
        if request.warehouse not in warehouses:
            return f'Warehouse "{request.warehouse}" not found in namespace "{project}"'
        if not request.direct and request.strategy not in STRATEGIES:
            return f"unsupported AvailabilityStrategy: {request.strategy}"
    return None
