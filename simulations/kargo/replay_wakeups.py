"""Replaying recorded watch events: the model has to wake whom the controllers wake.

Every program is one change of one object; what is compared is the queue of each of the three controllers: which
objects each watch puts there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from model.kargo import watches
from model.kargo.application_watches import (
    Targets,
    application_wakes_promotion,
    application_wakes_stages,
    targets_so_far,
)
from model.kargo.argocd.applications import Key
from model.kargo.argocd.authorization import Malformed, authorized_stages
from model.kargo.argocd_targets import step_targets
from model.kargo.releases import Behaviours
from simulations.kargo import single_runs
from simulations.kargo.watch_events import (
    AnalysisRun,
    Application,
    Freight,
    Program,
    Promotion,
    Reader,
    Stage,
    World,
)
from simulations.replay import Replayed

KINDS = {"stages": False, "controlflow": True}
"""The controllers of Stages, and whether theirs are the control flow Stages."""

Woken = Iterator[tuple[str, str, Key]]
"""Controllers, their watches, and what these put in the queue."""


def replay(folder: Path, releases: Iterable[str] | None = None, limit: int | None = None) -> Iterator[Replayed]:
    """The result for every release, in order; all that were recorded and are known, if none are named.

    Raises RecordingError if a file is missing or cannot be read.
    """
    reader = Reader()

    def run(program: dict[str, Any], behaviours: Behaviours) -> Mapping[str, object]:
        return queues(reader.program(program), behaviours)

    return single_runs.replay(run, lambda _, queue: queue, folder, releases, limit)


def queues(program: Program, behaviours: Behaviours) -> dict[str, dict[str, list[str]]]:
    """What an event puts in the queue of each controller, by watch; names are `namespace/name`, in order."""
    found: dict[str, dict[str, set[str]]] = {controller: {} for controller in ("promotions", *KINDS)}
    for controller, watch, key in _woken(program, behaviours):
        found[controller].setdefault(watch, set()).add(str(key))
    return {
        controller: {watch: sorted(keys) for watch, keys in queue.items()} for controller, queue in found.items()
    }


# Who is woken by what


def _woken(program: Program, behaviours: Behaviours) -> Woken:
    event = program.event
    changed = type(event.was if event.now is None else event.now)
    if not event.generic or changed is Promotion:
        yield from WAKERS[changed](program, event.was, event.now, behaviours)


def _promotion(program: Program, was: Promotion | None, now: Promotion | None, _: Behaviours) -> Woken:
    mine = now is not None and program.shard.is_responsible(now.shard)
    if now is not None and mine and watches.promotion_wakes_itself(was and was.triggers, now.triggers):
        yield "promotions", "self", now.key
    if watches.promotion_wakes_its_stage(was and was.phase, now and now.phase):
        for promotion in (was, now):
            if promotion is not None and promotion.owner is not None:
                yield "stages", "promotions", Key(promotion.key.namespace, promotion.owner)


def _stage(program: Program, was: Stage | None, now: Stage | None, _: Behaviours) -> Woken:
    if now is None or not program.shard.is_responsible(now.shard):
        return
    for controller, control_flow in KINDS.items():
        if watches.stage_wakes_itself(was and was.triggers, now.triggers, control_flow=control_flow):
            yield controller, "self", now.key
    acknowledged = None if was is None else watches.stage_acknowledges(was.current, now.current)
    if acknowledged is not None:
        yield "promotions", "stages", Key(now.key.namespace, acknowledged)


def _freight(program: Program, was: Freight | None, now: Freight | None, _: Behaviours) -> Woken:
    if now is None:
        return
    for stage in program.world.stages.values():
        if stage.key.namespace != now.key.namespace:
            continue
        controller = "controlflow" if stage.triggers.control_flow else "stages"
        if any(watches.freight_wakes_downstream(was and was.at(name), now.at(name)) for name in stage.upstream):
            yield controller, "freight-downstream", stage.key
        if now.warehouse in stage.direct_from and watches.freight_wakes_requesters(was, now):
            yield controller, "freight-created", stage.key
    for name in now.approved_for:
        if watches.freight_wakes_approved(was and name in was.approved_for, True):
            yield "stages", "freight-approved", Key(now.key.namespace, name)


def _analysis_run(program: Program, was: AnalysisRun | None, now: AnalysisRun | None, _: Behaviours) -> Woken:
    if now is None or not watches.analysis_run_wakes_stage(was and was.phase, now.phase):
        return
    for stage in program.world.stages.values():
        waits = stage.run == now.key and not stage.triggers.control_flow
        if waits and program.shard.is_responsible(stage.shard):
            yield "stages", "analysisruns", stage.key


def _application(
    program: Program, was: Application | None, now: Application | None, behaviours: Behaviours
) -> Woken:
    either = was if now is None else now
    if either is None:
        return
    before, after = was and was.triggers, now and now.triggers
    for promotion in program.world.promotions:
        targets = _targets(promotion, program.world, behaviours.release)
        wakes = application_wakes_promotion(before, after, either.key, promotion.phase, targets, behaviours)
        if wakes and program.shard.is_responsible(promotion.shard):
            yield "promotions", "applications", promotion.key
    if now is None or now.authorized is None or not application_wakes_stages(before, after, behaviours):
        return
    authorized = authorized_stages(now.authorized, behaviours)
    for project, name in () if isinstance(authorized, Malformed) else authorized:
        stage = program.world.stages.get(Key(project, name))
        if stage is not None and not stage.triggers.control_flow:
            yield "stages", "applications", stage.key


@lru_cache(maxsize=1024)
def _targets(promotion: Promotion, world: World, release: str) -> Targets:
    """The Applications that the steps so far are about: none without the Stage, which their expressions can see."""
    if Key(promotion.key.namespace, promotion.stage) not in world.stages:
        return Targets()
    context = world.context(promotion)
    steps = tuple(
        step_targets(step.kind, step.config or {}, context, step.context, release) for step in promotion.steps
    )
    return targets_so_far(steps, promotion.current_step)


WAKERS: dict[type, Callable[[Program, Any, Any, Behaviours], Woken]] = {
    Promotion: _promotion,
    Stage: _stage,
    Freight: _freight,
    AnalysisRun: _analysis_run,
    Application: _application,
}
"""For each kind of object, what its changes wake."""
