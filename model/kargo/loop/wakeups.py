"""What makes a pass happen: watches that put an object in the queue, and timers that its last pass asked for.

An object is `woken` when a watch has put it in the queue; a pass takes it out. Its timer is what its last pass
asked for. Without either nobody looks at it, whatever there may be to do. The watches are those of
`model.kargo.watches`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from model.kargo import watches
from model.kargo.availability import Verified
from model.kargo.loop.scope import Scope
from model.kargo.loop.values import Asked, Run, Verification, of
from model.kargo.phases import HealthState, PromotionPhase
from model.kargo.watches import FreightInStage, PromotionTriggers, StageTriggers
from model.system import (
    Action,
    Outcomes,
    Part,
    Sequence,
    Value,
    Variable,
    action,
    local,
    only,
    parts_of,
    required,
    variable,
)


def before(name: str) -> str:
    """The variable that keeps the value of another from before a step."""
    return f"before {name}"


def take(woken: bool, timer: object) -> Outcomes:
    """Enabled for an object that is in the queue, or whose timer may fire: it is looked at."""
    return only("" if woken else "its timer fires", woken=False, timer=None) if woken or timer is not None else ()


def keep(now: Value) -> Outcomes:
    """The value before the step."""
    return only(before=now)


def _woken(wakes: bool) -> Outcomes:
    return only(woken=True) if wakes else ()


def watch_promotion(before: PromotionPhase | None, now: PromotionPhase | None) -> Outcomes:
    """A Promotion wakes itself when it is created."""
    was, is_ = (None if phase is None else PromotionTriggers() for phase in (before, now))
    return _woken(watches.promotion_wakes_itself(was, is_))


def watch_abort(before: bool, now: bool) -> Outcomes:
    """A Promotion wakes itself when it is to be aborted."""
    was, is_ = (PromotionTriggers(abort="terminate" if asked else None) for asked in (before, now))
    return _woken(watches.promotion_wakes_itself(was, is_))


def watch_phase(before: PromotionPhase | None, now: PromotionPhase | None) -> Outcomes:
    """A Promotion wakes its Stage by its phase."""
    return _woken(watches.promotion_wakes_its_stage(before, now))


def watch_current(before: str | None, now: str | None, *, name: str) -> Outcomes:
    """A Stage wakes the Promotion that it makes current."""
    return _woken(watches.stage_acknowledges(before, now) == name)


def watch_request(before: Asked | None, now: Asked | None) -> Outcomes:
    """A Stage wakes itself when a verification is to be repeated or aborted."""
    was, is_ = (StageTriggers(reverify=None if asked is None else asked.id) for asked in (before, now))
    return _woken(watches.stage_wakes_itself(was, is_))


def watch_refresh(before: str, now: str) -> Outcomes:
    """A Stage wakes itself when it is to be looked at."""
    was, is_ = (StageTriggers(refresh=token or None) for token in (before, now))
    return _woken(watches.stage_wakes_itself(was, is_))


def watch_freight(before: bool, now: bool) -> Outcomes:
    """Freight wakes the Stages that take it from its Warehouse, when it is found."""
    return _woken(watches.freight_wakes_requesters(None if not before else True, True if now else None))


def watch_verified(before: Verified | None, now: Verified | None, since: int | None) -> Outcomes:
    """Freight wakes the Stages downstream of one where it is newly verified."""
    was, is_ = (FreightInStage(v is not None, since is not None) for v in (before, now))
    return _woken(watches.freight_wakes_downstream(was, is_))


def watch_approved(before: int | None, now: int | None) -> Outcomes:
    """Freight wakes a Stage that it is newly approved for."""
    return _woken(watches.freight_wakes_approved(before is not None, now is not None))


def watch_runs(before: tuple[Run, ...], now: tuple[Run, ...], verification: Verification | None) -> Outcomes:
    """An AnalysisRun wakes the Stage whose newest verification waits for it."""
    awaited = None if verification is None else verification.run
    phases = [next((r.phase for r in runs if r.number == awaited), None) for runs in (before, now)]
    return _woken(watches.analysis_run_wakes_stage(*phases))


def watch_applications(before: HealthState, now: HealthState) -> Outcomes:
    """An Application wakes its Stage when its health changes.

    Source: `argoCDAppHealthOrSyncStatusChanged`; see `model.kargo.application_watches`
    """
    return _woken(before is not now)


def wakeup_variables(scopes: Iterable[Scope]) -> Iterator[Variable]:
    """Who is woken; every Stage is at first, because its controller has just started."""
    for scope in scopes:
        yield variable(scope.of("woken"), True, domain=(False, True))
        for slot in scope.promotions:
            yield variable(of("woken", slot), False, domain=(False, True))
        for name, initial in _watched(scope):
            yield local(before(name), initial)
    seen: dict[str, Value] = {}
    for scope in scopes:
        seen |= {of("freight_exists", f): False for f in scope.all_freight}
    for name, initial in seen.items():
        yield local(before(name), initial)


def _watched(scope: Scope) -> Iterator[tuple[str, Value]]:
    """The variables of a Stage that somebody watches."""
    for slot in scope.promotions:
        yield of("phase", slot), None
        yield of("abort_requested", slot), False
    yield scope.of("current"), None
    yield scope.of("reverify"), None
    yield scope.of("abort_verification"), None
    yield scope.of("refresh"), ""
    yield scope.of("runs"), ()
    yield scope.of("app"), HealthState.HEALTHY
    for freight in scope.all_freight:
        yield of("verified", freight, scope.stage.name), None
        yield of("approved", freight, scope.stage.name), None


def watched(step: Action | Sequence, scopes: Iterable[Scope]) -> Sequence:
    """A step, and whom it wakes; a pass comes only if it was asked for."""
    written = {v for a in parts_of(step) for _, v in a.writes}
    watching = [(name, body) for scope in scopes for name, body in _watches(scope) if name in written]
    watching += [(name, body) for scope in scopes for name, body in _discovery(scope) if name in written]
    body = step.parts if isinstance(step, Sequence) else (required(step),)
    keeping = (
        Part(action(keep, now=name, writes={"before": before(name)}))
        for name in dict.fromkeys(n for n, _ in watching)
    )
    taken = _taken(step, scopes)
    if taken:
        body = tuple(replace(p, required=False) for p in body)
    parts = (*taken, *keeping, *body, *(Part(body) for _, body in watching))
    return Sequence(step.name, parts, step.actor)


def _taken(step: Action | Sequence, scopes: Iterable[Scope]) -> tuple[Part, ...]:
    """What a pass begins with: the object is in the queue, or its timer fires."""
    for scope in scopes:
        if step.name == f"reconcile {scope.stage.name}":
            binding = {"woken": scope.of("woken"), "timer": scope.of("stage_requeue")}
            return (required(action(take, reads=binding)),)
        for slot in scope.promotions:
            if step.name == f"reconcile {slot}":
                return (required(action(take, woken=of("woken", slot), timer=of("requeue", slot))),)
    return ()


def _watches(scope: Scope) -> Iterator[tuple[str, Action]]:
    """Who is woken by a change of which variable of a Stage."""
    stage = scope.stage.name

    def watch(rule: object, name: str, wakes: str, **more: str) -> tuple[str, Action]:
        reads = {"before": before(name), "now": name} | more
        assert callable(rule)
        return name, action(rule, reads=reads, writes={"woken": of("woken", wakes)})

    for slot in scope.promotions:
        phase = of("phase", slot)
        yield watch(watch_promotion, phase, slot)
        yield watch(watch_phase, phase, stage)
        yield watch(watch_abort, of("abort_requested", slot), slot)
        current = scope.of("current")
        reads = {"before": before(current), "now": current}
        yield (
            current,
            action(watch_current, constants={"name": slot}, reads=reads, writes={"woken": of("woken", slot)}),
        )
    for field in ("reverify", "abort_verification"):
        yield watch(watch_request, scope.of(field), stage)
    yield watch(watch_refresh, scope.of("refresh"), stage)
    yield watch(watch_runs, scope.of("runs"), stage, verification=scope.of("verification"))
    yield watch(watch_applications, scope.of("app"), stage)
    for freight in scope.all_freight:
        yield watch(watch_approved, of("approved", freight, stage), stage)
        since = {"since": of("since", freight, stage)}
        for downstream in scope.pipeline.stages:
            if stage in downstream.upstream:
                yield watch(watch_verified, of("verified", freight, stage), downstream.name, **since)


def _discovery(scope: Scope) -> Iterator[tuple[str, Action]]:
    """Who is woken by new Freight."""
    direct = {r.warehouse for r in scope.stage.requests if r.direct}
    for warehouse, names in scope.freight:
        for freight in names if warehouse in direct else ():
            name = of("freight_exists", freight)
            reads = {"before": before(name), "now": name}
            yield name, action(watch_freight, reads=reads, writes={"woken": scope.of("woken")})
