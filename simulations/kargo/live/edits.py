"""What a person may change in the spec of a Stage to get it moving: each less is asked of Freight from then on.

Source: `api/v1alpha1/stage_types.go: StageSpec, FreightSources`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from model.kargo.loop.pipeline import StageSpec
from model.kargo.requests import ALL, ONE_OF, FreightRequest

Json = dict[str, Any]


class Edit(NamedTuple):
    """An edit: which requests it concerns, what they are afterwards, and the same as a JSON patch of `sources`."""

    concerns: Callable[[FreightRequest], bool]
    change: Callable[[FreightRequest], FreightRequest]
    patch: Callable[[str], Json]


EDITS = {
    "no_soak": Edit(
        lambda request: request.soak_ms is not None,
        lambda request: request._replace(soak_ms=None),
        lambda sources: {"op": "remove", "path": f"{sources}/requiredSoakTime"},
    ),
    "one_of": Edit(
        lambda request: request.strategy == ALL and len(request.stages) > 1,
        lambda request: request._replace(strategy=ONE_OF),
        lambda sources: {"op": "replace", "path": f"{sources}/availabilityStrategy", "value": ONE_OF},
    ),
    "direct": Edit(
        lambda request: not request.direct and not request.matches_upstream,
        lambda request: request._replace(direct=True),
        lambda sources: {"op": "add", "path": f"{sources}/direct", "value": True},
    ),
}
"""The edits of requests for Freight, by the names of the actions."""

NO_VERIFICATION = "no_verification"
"""That of the Stage itself."""


def possible(spec: StageSpec) -> Iterator[str]:
    """The edits that change something about a Stage."""
    yield from (name for name, edit in EDITS.items() if any(map(edit.concerns, spec.requests)))
    if spec.verification:
        yield NO_VERIFICATION


def edited(spec: StageSpec, name: str) -> StageSpec:
    """The Stage after an edit."""
    if name == NO_VERIFICATION:
        return replace(spec, verification=False)
    edit = EDITS[name]
    return replace(spec, requests=tuple(edit.change(r) if edit.concerns(r) else r for r in spec.requests))


def patches(requests: tuple[FreightRequest, ...], name: str) -> list[Json]:
    """The same as JSON patches of the manifest."""
    if name == NO_VERIFICATION:
        return [{"op": "remove", "path": "/spec/verification"}]
    edit = EDITS[name]
    places = (place for place, request in enumerate(requests) if edit.concerns(request))
    return [edit.patch(f"/spec/requestedFreight/{place}/sources") for place in places]
