"""Replaying recorded watch events: the model has to wake whom the controllers wake.

A recording is a folder with `programs.jsonl.gz` and one `<release>.jsonl.gz` per release. Every program is one
change of one object; what is compared is, for each watch of the three controllers, which objects it puts in the
queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from model.kargo import watches
from model.kargo.application_watches import (
    Targets,
    application_wakes_promotion,
    application_wakes_stages,
    authorized_stages,
    targets_so_far,
)
from model.kargo.argocd.applications import Key
from model.kargo.argocd_targets import step_targets
from model.kargo.releases import RELEASES, Behaviours
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
from simulations.replay import Divergence, RecordingError, Replayed, read_lines

WATCHES = {
    "promotions": ("self", "stages", "applications"),
    "stages": (
        "self",
        "promotions",
        "freight-downstream",
        "freight-approved",
        "freight-created",
        "applications",
        "analysisruns",
    ),
    "controlflow": ("self", "freight-downstream", "freight-created"),
}
"""The watches of each controller, as recordings call them."""

KINDS = {"stages": False, "controlflow": True}
"""The controllers of Stages, and whether theirs are the control flow Stages."""

Woken = Iterator[tuple[str, str, Key]]
"""Controllers, their watches, and what these put in the queue."""


def replay(folder: Path, releases: Iterable[str] | None = None, limit: int | None = None) -> Iterator[Replayed]:
    """The result for every release, in order; all that were recorded and are known, if none are named.

    Raises RecordingError if a file is missing or cannot be read.
    """
    programs = list(_programs(folder / "programs.jsonl.gz", limit))
    known = [name for name in RELEASES if (folder / f"{name}.jsonl.gz").exists()]
    for release in known if releases is None else releases:
        recordings = list(islice(read_lines(folder / f"{release}.jsonl.gz"), limit))
        if [one.get("id") for one in recordings] != [one.id for one in programs]:
            raise RecordingError(f"{folder / release}.jsonl.gz does not hold one recording per program, in order")
        yield _replayed(programs, recordings, RELEASES[release])


def _programs(path: Path, limit: int | None) -> Iterator[Program]:
    reader = Reader()
    for number, raw in enumerate(islice(read_lines(path), limit), start=1):
        try:
            yield reader.program(raw)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RecordingError(f"{path} line {number} is not a watch event: {error!r}") from error


def _replayed(programs: list[Program], recordings: list[dict[str, Any]], behaviours: Behaviours) -> Replayed:
    divergences: list[Divergence] = []
    compared = 0
    for program, recording in zip(programs, recordings, strict=True):
        got = queues(program, behaviours)
        for controller, names in WATCHES.items():
            expected = recording.get(controller, {})
            for watch in sorted({*names, *expected}):
                compared += 1
                wanted, found = expected.get(watch, []), got.get((controller, watch), [])
                if wanted != found:
                    divergences.append(
                        Divergence(program.id, behaviours.release, controller, watch, str(wanted), str(found))
                    )
    return Replayed(behaviours.release, len(programs), compared, tuple(divergences))


def queues(program: Program, behaviours: Behaviours) -> dict[tuple[str, str], list[str]]:
    """What an event puts in the queues, by controller and watch; names are `namespace/name`, in order."""
    found: dict[tuple[str, str], set[str]] = {}
    for controller, watch, key in _woken(program, behaviours):
        found.setdefault((controller, watch), set()).add(str(key))
    return {place: sorted(keys) for place, keys in found.items()}


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
    for project, name in authorized_stages(now.authorized, behaviours):
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
