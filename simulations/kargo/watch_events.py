"""Reading watch events: Kubernetes objects become the small values that the rules about watches compare.

What is absent is unset. Times are instants in milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar, final

from model.kargo import annotations as requests
from model.kargo.application_watches import ApplicationTriggers
from model.kargo.argocd.applications import Key
from model.kargo.phases import PromotionPhase
from model.kargo.promotion_context import Cluster, PromotionContext, StepContext, Variable
from model.kargo.watches import (
    FreightInStage,
    OwnerReference,
    PromotionTriggers,
    Shard,
    StageTriggers,
    owning_stage,
)

Raw = Mapping[str, Any]
Kind = TypeVar("Kind", str, bool, int, list[Any], dict[str, Any])

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Stage(NamedTuple):
    """A Stage: the Warehouses it requests Freight from directly, and the Stages it does.

    `current` is its current Promotion, `run` the AnalysisRun of the newest verification of its current Freight.
    """

    key: Key
    shard: str
    triggers: StageTriggers
    current: str | None
    direct_from: frozenset[str]
    upstream: frozenset[str]
    run: Key | None


class Step(NamedTuple):
    """A step of a Promotion: its kind, what its config can see, and the config, if it has one."""

    kind: str
    context: StepContext
    config: Raw | None


@final
@dataclass(frozen=True, eq=False)
class Promotion:
    """A Promotion: `stage` is the one it is for, `owner` the Stage that controls it, if one does."""

    key: Key
    shard: str
    triggers: PromotionTriggers
    phase: PromotionPhase | str
    owner: str | None
    stage: str
    variables: tuple[Variable, ...]
    current_step: int
    steps: tuple[Step, ...]


class Freight(NamedTuple):
    """A Freight, and how it stands to Stages."""

    key: Key
    warehouse: str
    verified_in: frozenset[str]
    currently_in: frozenset[str]
    approved_for: frozenset[str]

    def at(self, stage: str) -> FreightInStage:
        """How it stands to a Stage."""
        return FreightInStage(stage in self.verified_in, stage in self.currently_in)


class AnalysisRun(NamedTuple):
    """An AnalysisRun; its phase is empty where it has none yet."""

    key: Key
    phase: str


class Application(NamedTuple):
    """An Argo CD Application, and what its annotation says of the Stages that it is authorised for."""

    key: Key
    triggers: ApplicationTriggers
    authorized: str | None


Object = Stage | Promotion | Freight | AnalysisRun | Application


@dataclass(frozen=True, eq=False)
class World:
    """The Stages and Promotions in the controller's cache, after the event."""

    stages: Mapping[Key, Stage]
    promotions: tuple[Promotion, ...]
    cluster: Cluster

    def context(self, promotion: Promotion) -> PromotionContext:
        """What the steps of a Promotion can see beside their own."""
        return PromotionContext(
            project=promotion.key.namespace,
            stage=promotion.stage,
            promotion=promotion.key.name,
            variables=promotion.variables,
            cluster=self.cluster,
        )


class Event(NamedTuple):
    """A change of an object. One that is created has no `was`, one that is deleted no `now`.

    A `generic` event has the object as `now`.
    """

    was: Object | None
    now: Object | None
    generic: bool = False


class Program(NamedTuple):
    """An event, the controller that gets to know of it, and what else that knows."""

    id: str
    shard: Shard
    world: World
    event: Event


class Reader:
    """Reads programs. A world that many share is read once."""

    def __init__(self) -> None:
        self._worlds: dict[str, World] = {}

    def program(self, raw: Raw) -> Program:
        """A recorded program.

        Raises KeyError, TypeError or ValueError if it is not one.
        """
        controller = raw["controller"]
        return Program(
            id=_get(raw, str, "id"),
            shard=Shard(_get(controller, str, "shard"), _get(controller, bool, "default")),
            world=self._world(raw["world"]),
            event=_event(raw["event"]),
        )

    def _world(self, raw: Raw) -> World:
        text = json.dumps(raw)
        if text not in self._worlds:
            stages = _get(raw, list, "stages")
            self._worlds[text] = World(
                stages={stage.key: stage for stage in map(read_stage, stages)},
                promotions=tuple(map(read_promotion, _get(raw, list, "promotions"))),
                cluster=Cluster(stages=tuple(stages)),
            )
        return self._worlds[text]


def _event(raw: Raw) -> Event:
    read = READERS[_get(raw, str, "object")]
    new = read(raw["new"])
    match raw["type"]:
        case "create":
            return Event(None, new)
        case "update":
            return Event(read(raw["old"]), new)
        case "delete":
            return Event(new, None)
        case "generic":
            return Event(None, new, generic=True)
    raise ValueError(f"there is no event of type {raw['type']!r}")


# Objects


def read_stage(raw: Raw) -> Stage:
    """A Stage."""
    noted = _annotations(raw)
    wanted = _get(raw, list, "spec", "requestedFreight")
    reverify, abort = requests.reverify_request(noted), requests.abort_verification_request(noted)
    return Stage(
        key=_key(raw),
        shard=_shard(raw),
        triggers=StageTriggers(
            control_flow=not _get(raw, list, "spec", "promotionTemplate", "spec", "steps"),
            generation=_get(raw, int, "metadata", "generation"),
            refresh=requests.refresh_request(noted),
            reverify=reverify and reverify.id,
            abort=abort and abort.id,
        ),
        current=_current(raw),
        direct_from=frozenset(
            _get(request, str, "origin", "name")
            for request in wanted
            if _get(request, str, "origin", "kind") == "Warehouse" and _get(request, bool, "sources", "direct")
        ),
        upstream=frozenset(name for request in wanted for name in _get(request, list, "sources", "stages")),
        run=_newest_run(raw),
    )


def _current(raw: Raw) -> str | None:
    status = _get(raw, dict, "status")
    return None if status.get("currentPromotion") is None else _get(status, str, "currentPromotion", "name")


def _newest_run(raw: Raw) -> Key | None:
    for collection in _get(raw, list, "status", "freightHistory")[:1]:
        for verification in _get(collection, list, "verificationHistory")[:1]:
            run = _get(verification, dict, "analysisRun")
            return Key(_get(run, str, "namespace"), _get(run, str, "name")) if run else None
    return None


def read_promotion(raw: Raw) -> Promotion:
    """A Promotion."""
    noted = _annotations(raw)
    abort = requests.abort_promotion_request(noted)
    outputs = _get(raw, dict, "status", "state")
    return Promotion(
        key=_key(raw),
        shard=_shard(raw),
        triggers=PromotionTriggers(
            generation=_get(raw, int, "metadata", "generation"),
            refresh=requests.refresh_request(noted),
            abort=abort and abort.action,
        ),
        phase=_phase(_get(raw, str, "status", "phase")),
        owner=owning_stage(map(_owner, _get(raw, list, "metadata", "ownerReferences"))),
        stage=_get(raw, str, "spec", "stage"),
        variables=_variables(_get(raw, list, "spec", "vars")),
        current_step=_get(raw, int, "status", "currentStep"),
        steps=tuple(_step(step, outputs) for step in _get(raw, list, "spec", "steps")),
    )


def _phase(text: str) -> PromotionPhase | str:
    try:
        return PromotionPhase(text)
    except ValueError:
        return text


def _owner(raw: Raw) -> OwnerReference:
    return OwnerReference(
        _get(raw, str, "apiVersion"), _get(raw, str, "kind"), _get(raw, str, "name"), _get(raw, bool, "controller")
    )


def _step(raw: Raw, outputs: Raw) -> Step:
    context = StepContext(_get(raw, str, "as"), _variables(_get(raw, list, "vars")), outputs)
    return Step(_get(raw, str, "uses"), context, _get(raw, dict, "config") if "config" in raw else None)


def _variables(raw: list[Any]) -> tuple[Variable, ...]:
    return tuple(Variable(_get(one, str, "name"), _get(one, str, "value")) for one in raw)


def read_freight(raw: Raw) -> Freight:
    """A Freight."""
    return Freight(
        key=_key(raw),
        warehouse=_get(raw, str, "origin", "name"),
        verified_in=frozenset(_get(raw, dict, "status", "verifiedIn")),
        currently_in=frozenset(_get(raw, dict, "status", "currentlyIn")),
        approved_for=frozenset(_get(raw, dict, "status", "approvedFor")),
    )


def read_analysis_run(raw: Raw) -> AnalysisRun:
    """An AnalysisRun."""
    return AnalysisRun(_key(raw), _get(raw, str, "status", "phase"))


def read_application(raw: Raw) -> Application:
    """An Argo CD Application."""
    status = _get(raw, dict, "status")
    return Application(
        key=_key(raw),
        triggers=ApplicationTriggers(
            health=_get(status, str, "health", "status"),
            sync=_get(status, str, "sync", "status"),
            revision=_get(status, str, "sync", "revision"),
            revisions=tuple(_get(status, list, "sync", "revisions")),
            operation=_get(status, str, "operationState", "phase"),
            finished_at=_instant(_get(status, str, "operationState", "finishedAt")),
            reconciled_at=_instant(_get(status, str, "reconciledAt")),
            labels=frozenset(_get(raw, dict, "metadata", "labels").items()),
        ),
        authorized=_annotations(raw).get(requests.AUTHORIZED_STAGE),
    )


READERS: dict[str, Callable[[Raw], Object]] = {
    "Stage": read_stage,
    "Promotion": read_promotion,
    "Freight": read_freight,
    "AnalysisRun": read_analysis_run,
    "Application": read_application,
}
"""How each kind of object is read."""


# Values


def _get(raw: object, kind: type[Kind], *path: str) -> Kind:
    """What is at a place in an object; the empty value of its kind where nothing is."""
    found = raw
    for name in path:
        if not isinstance(found, Mapping):
            raise TypeError(f"{'.'.join(path)}: expected a mapping, found {type(found).__name__}")
        found = found.get(name)
        if found is None:
            return kind()
    if not isinstance(found, kind):
        raise TypeError(f"{'.'.join(path)}: expected {kind.__name__}, found {type(found).__name__}")
    return found


def _key(raw: Raw) -> Key:
    return Key(_get(raw, str, "metadata", "namespace"), _get(raw, str, "metadata", "name"))


def _shard(raw: Raw) -> str:
    return str(_get(raw, dict, "metadata", "labels").get("kargo.akuity.io/shard", ""))


def _annotations(raw: Raw) -> dict[str, str]:
    return {str(key): str(value) for key, value in _get(raw, dict, "metadata", "annotations").items()}


def _instant(text: str) -> int | None:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1) if text else None
