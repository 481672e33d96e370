"""Replaying what was recorded about availability: which Freight a Stage may have, and which it promotes by itself.

A recording is a folder with `programs.jsonl.gz` and one `<release>.jsonl.gz` per release. A program gives a project
at an instant; the recording says, for each Stage asked, what the predicate says of every Freight, what the listing
has, and every way in which one pass of auto-promotion can go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice, product
from math import floor
from pathlib import Path
from typing import Any

from model.kargo import auto_promotion, availability
from model.kargo.auto_promotion import Choice, Dated, Guard, PromotionPolicy, Verdict
from model.kargo.availability import Standing, Verified
from model.kargo.label_selectors import Selector
from model.kargo.phases import PromotionPhase
from model.kargo.releases import Behaviours
from model.kargo.requests import FreightRequest
from simulations.kargo.recorded import chosen, pairs
from simulations.replay import Divergence, RecordingError, Replayed

Json = dict[str, Any]

PROJECT = "proj"
"""The name of the project in every recording."""

WITHOUT_CANDIDATE = frozenset((Verdict.NONE, Verdict.SEVERAL, Verdict.HELD))
"""Verdicts on an origin, not on a Freight."""


@dataclass(frozen=True)
class Freight:
    """A Freight of a program, and how it stands with the Stages; instants in milliseconds."""

    dated: Dated
    warehouse: str
    in_project: bool
    verified: Mapping[str, Verified]
    since: Mapping[str, int]
    approved: frozenset[str]


@dataclass(frozen=True)
class Promotion:
    """A Promotion of a program."""

    created_ms: int
    name: str
    stage: str
    freight: str
    phase: PromotionPhase


@dataclass(frozen=True)
class Project:
    """A program: a project at the instant `now`, in milliseconds. Promotions are in order of creation."""

    now: int
    warehouses: frozenset[str]
    policies: tuple[PromotionPolicy, ...]
    freight: tuple[Freight, ...]
    promotions: tuple[Promotion, ...]


@dataclass(frozen=True)
class Stage:
    """A Stage of a program: what it asks for, and its status."""

    name: str
    labels: Mapping[str, str]
    requests: tuple[FreightRequest, ...]
    current: Mapping[str, str]
    awaited: str | None
    last: str | None
    holds: frozenset[str]


def replay(folder: Path, releases: Iterable[str] | None = None, limit: int | None = None) -> Iterator[Replayed]:
    """The result for every release, in order; all that were recorded and are known, if none are named.

    Raises RecordingError if a file is missing or cannot be read, and UnknownReleaseError for a release that is not
    modelled.
    """
    for behaviours in chosen(folder, releases):
        yield _replayed(behaviours, islice(pairs(folder, behaviours.release), limit))


def _replayed(behaviours: Behaviours, recorded: Iterable[tuple[Json, Json]]) -> Replayed:
    programs, compared, divergences = 0, 0, list[Divergence]()
    for program, recording in recorded:
        name = program["id"]
        try:
            fields = list(_fields(program, recording, behaviours))
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise RecordingError(f"program {name!r} cannot be replayed: {error!r}") from error
        programs, compared = programs + 1, compared + len(fields)
        divergences += [
            Divergence(name, behaviours.release, stage, field, _shown(expected), _shown(got))
            for stage, field, expected, got in fields
            if _shown(expected) != _shown(got)
        ]
    return Replayed(behaviours.release, programs, compared, tuple(divergences))


def _fields(program: Json, recording: Json, behaviours: Behaviours) -> Iterator[tuple[str, str, object, object]]:
    """Every field that is compared: the Stage, the field, what was recorded and what the model says."""
    project = read_project(program)
    for given, expected in zip(program["stages"], recording["stages"], strict=True):
        stage = read_stage(given)
        got = answer(project, stage, behaviours)
        for freight in sorted(expected["available"].keys() | got["available"].keys()):
            yield stage.name, freight, expected["available"].get(freight), got["available"].get(freight)
        for field in sorted((expected.keys() | got.keys()) - {"available", "auto"}):
            yield stage.name, field, expected.get(field), got.get(field)
        yield stage.name, "auto", sorted(expected["auto"], key=_shown), sorted(got["auto"], key=_shown)


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


# What a recording would say


def answer(project: Project, stage: Stage, behaviours: Behaviours) -> Json:
    """What there is to say about one Stage, as a recording has it."""
    requests = {request.warehouse: request for request in stage.requests}
    available: dict[str, bool] = {}
    listed: list[Freight] = []
    for freight in project.freight:
        request = requests.get(freight.warehouse)
        approved = stage.name in freight.approved
        shown = None if request is None else _standing(freight, request, project.now)
        available[freight.dated.name] = freight.in_project and availability.is_available(
            request, approved, shown, behaviours
        )
        if freight.in_project and request and shown and availability.is_listed(request, approved, shown):
            listed.append(freight)
    error = availability.listing_error(stage.requests, project.warehouses, PROJECT)
    return {
        "stage": stage.name,
        "available": available,
        "list": None if error else sorted(freight.dated.name for freight in listed),
        "listError": error,
        "listPanic": None,
        "auto": _auto(project, stage, listed, error, behaviours),
    }


def _standing(freight: Freight, request: FreightRequest, now: int) -> Standing:
    shown = availability.standing(request)
    for stage in sorted({*request.stages, *freight.verified}):
        shown = availability.note(shown, stage, freight.verified.get(stage), freight.since.get(stage), now, request)
    return shown


def _auto(
    project: Project, stage: Stage, listed: list[Freight], error: str | None, behaviours: Behaviours
) -> list[Json]:
    """Every way in which a pass of auto-promotion can go."""
    if stage.holds and not behaviours.holds:
        return [{"unsupported": "holds"}]
    if not auto_promotion.is_enabled(project.policies, stage.name, stage.labels):
        return [_outcome(enabled=False)]
    if error is not None:
        return [_outcome(error=f'error listing available Freight for Stage "{stage.name}": {error}')]
    choices = {request: _choice(request, listed, behaviours) for request in stage.requests}
    ambiguous = [request for request, choice in choices.items() if choice.is_ambiguous(request)]
    if behaviours.several_upstream_is_an_error and ambiguous:
        before = stage.requests[: stage.requests.index(ambiguous[0])]
        count = sum(freight.warehouse == ambiguous[0].warehouse for freight in listed)
        failure = (
            f"unexpectedly found {count} available Freight running immediately upstream from Stage "
            f'"{stage.name}" in namespace "{PROJECT}"; this should not be possible'
        )
        return [_outcome(events, failure) for events in _events(project, stage, before, choices, behaviours)]
    first = [{"outcome": Verdict.SEVERAL.value, "origin": request.warehouse} for request in ambiguous]
    return [_outcome(first + events) for events in _events(project, stage, stage.requests, choices, behaviours)]


def _outcome(events: list[Json] | None = None, error: str | None = None, *, enabled: bool = True) -> Json:
    return {"enabled": enabled, "error": error, "events": events or [], "panic": None}


def _choice(request: FreightRequest, listed: list[Freight], behaviours: Behaviours) -> Choice:
    choice = Choice()
    dated = (freight.dated for freight in listed if freight.warehouse == request.warehouse)
    for name in auto_promotion.oldest_first(dated, behaviours):
        choice = auto_promotion.choose(choice, name, listed=True)
    return choice


def _events(
    project: Project,
    stage: Stage,
    requests: tuple[FreightRequest, ...],
    choices: Mapping[FreightRequest, Choice],
    behaviours: Behaviours,
) -> Iterator[list[Json]]:
    """Every combination of what can become of these requests."""
    verdicts = [_verdicts(project, stage, request, choices[request], behaviours) for request in requests]
    for combination in product(*verdicts):
        yield [
            _event(request, choices[request], verdict)
            for request, verdict in zip(requests, combination, strict=True)
        ]


def _verdicts(
    project: Project, stage: Stage, request: FreightRequest, choice: Choice, behaviours: Behaviours
) -> tuple[Verdict, ...]:
    settled = auto_promotion.before_promotions(
        choice,
        request,
        stage.current.get(request.warehouse),
        stage.awaited,
        request.warehouse in stage.holds,
        behaviours,
    )
    if settled is not None:
        return (settled,)
    guard = Guard()
    for promotion in project.promotions:
        if (promotion.stage, promotion.freight) == (stage.name, choice.newest):
            after_last = stage.last is None or promotion.name > stage.last
            guard = auto_promotion.note(guard, promotion.phase, after_last)
    return auto_promotion.decision(guard, request, behaviours)


def _event(request: FreightRequest, choice: Choice, verdict: Verdict) -> Json:
    told = Verdict.NONE if verdict is Verdict.SEVERAL else verdict
    freight = {} if verdict in WITHOUT_CANDIDATE else {"freight": choice.newest}
    return {"outcome": told.value, "origin": request.warehouse, **freight}


# Reading


def read_project(program: Json) -> Project:
    """The project that a program describes."""
    return Project(
        now=program["now_ms"],
        warehouses=frozenset(program["warehouses"]),
        policies=tuple(map(_policy, program["policies"] or ())),
        freight=tuple(map(_freight, program["freight"])),
        promotions=tuple(
            sorted(map(_promotion, program["promotions"]), key=lambda one: (one.created_ms, one.name))
        ),
    )


def _ms(seconds: float | int) -> int:
    return floor(Decimal(str(seconds)) * 1000)


def _if_given(seconds: float | int | None) -> int | None:
    return None if seconds is None else _ms(seconds)


def _policy(given: Json) -> PromotionPolicy:
    selector = given.get("selector")
    if selector is None:
        return PromotionPolicy(given["enabled"], given["stage"])
    wanted = Selector(tuple((selector.get("labels") or {}).items()))
    return PromotionPolicy(given["enabled"], selector.get("name", ""), wanted)


def _freight(given: Json) -> Freight:
    return Freight(
        dated=Dated(given["name"], _ms(given["created"]), _if_given(given.get("discovered"))),
        warehouse=given["warehouse"],
        in_project=given.get("namespace", PROJECT) == PROJECT,
        verified={
            stage: Verified(_ms(record["at"]), _if_given(record.get("longestSoak")))
            for stage, record in given.get("verifiedIn", {}).items()
        },
        since={stage: _ms(since) for stage, since in given.get("currentlyIn", {}).items()},
        approved=frozenset(given.get("approvedFor", ())),
    )


def _promotion(given: Json) -> Promotion:
    phase = PromotionPhase(given["phase"])
    return Promotion(_ms(given["created"]), given["name"], given["stage"], given["freight"], phase)


def read_stage(given: Json) -> Stage:
    """A Stage as a program describes it."""
    awaited = given.get("currentPromotion", {}).get("freight")
    return Stage(
        name=given["name"],
        labels=given.get("labels", {}),
        requests=tuple(map(_request, given["requests"])),
        current=given.get("current", {}),
        awaited=awaited or None,
        last=given.get("lastPromotion"),
        holds=frozenset(given.get("holds", ())),
    )


def _request(given: Json) -> FreightRequest:
    return FreightRequest(
        warehouse=given["warehouse"],
        direct=given["direct"],
        stages=tuple(given.get("stages", ())),
        strategy=given.get("strategy", ""),
        soak_ms=_if_given(given.get("soak")),
        policy=given.get("policy", ""),
    )
