"""Objects that nobody looks at any more, as far as it can be told: what a live controller would have done long ago.

No object says that. What tells of it is that a pass would change something, and would have done so for longer than
any controller leaves things alone; nobody knows why: a wake-up was lost, or the controller does not run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from model.kargo.live.objects import LiveProject, LiveStage
from model.kargo.live.reading import instants_of
from model.kargo.live.values import instant_of
from model.kargo.loop.stage_pass import POLL_MS
from model.kargo.loop.values import of
from model.kargo.names import EPOCH_MS
from model.kargo.phases import PromotionPhase
from simulations.kargo.live.changes import newest
from simulations.kargo.live.course import SECOND_MS, timeouts
from simulations.kargo.live.restoring import Restored
from simulations.kargo.loop.queue import LONGEST_BACKOFF_MS

LONG_MS = POLL_MS + LONGEST_BACKOFF_MS
"""After how long a live controller has looked at an object again for sure, though its last passes failed."""


def idle_since(restored: Restored, project: LiveProject, items: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Those of the items that have been left alone for long, each with the instant of the last thing about it.

    What may have happened just now, without an object saying when, is no such thing: a deletion, an edit of a spec.
    """
    for item in items:
        kind, _, name = item.partition("/")
        at = _of_promotion(restored, project, name) if kind == "Promotion" else _of_stage(restored, project, name)
        if at is not None and at < restored.began - LONG_MS:
            yield item, at


def overdue(restored: Restored, project: LiveProject) -> Iterator[tuple[str, int]]:
    """The Promotions whose step should have been ended, or that somebody asked to look at, long ago; since when."""
    promotions = {p.name: p for p in project.promotions}
    for name, slot in restored.slots.items():
        if restored.cluster.phase(slot) is not PromotionPhase.RUNNING:
            continue
        asked = _unanswered(promotions[name].refresh, promotions[name].handled_refresh)
        ends = [at - SECOND_MS for at in timeouts(restored.cluster, slot)]
        at = min((at for at in (asked, *ends) if at is not None), default=None)
        if at is not None and at < restored.began - LONG_MS:
            yield f"Promotion/{name}", at


def doubtful(restored: Restored) -> Iterator[tuple[str, str, int]]:
    """Promotions that may be overlooked: a step that has no timeout has been under way for long; since when."""
    cluster = restored.cluster
    for name, slot in restored.slots.items():
        if cluster.phase(slot) is not PromotionPhase.RUNNING or any(timeouts(cluster, slot)):
            continue
        for alias in cluster.plans[slot].aliases:
            entry = cluster.state[of("entry", slot, alias)]
            if entry is None or entry.phase.over or entry.started_at is None:
                continue
            if entry.started_at < restored.began - LONG_MS:
                yield name, alias, entry.started_at


def _of_stage(restored: Restored, project: LiveProject, name: str) -> int | None:
    """The last instant of anything that a pass over a Stage looks at, None if something has none."""
    stage = next((s for s in project.stages if s.name == name), None)
    if stage is None or _is_edited(stage) or _is_disturbed(restored, project, stage):
        return None
    asked = _unanswered(stage.refresh, stage.handled_refresh)
    if asked is None and stage.refresh not in ("", stage.handled_refresh):
        return None
    return max((at for at in (*_about(project, stage), asked) if at is not None), default=None)


def _of_promotion(restored: Restored, project: LiveProject, name: str) -> int | None:
    """The last instant of anything that a pass over a Promotion that has not begun looks at, None as above."""
    found = next(p for p in project.promotions if p.name == name)
    return None if found.abort is not None else _of_stage(restored, project, found.stage)


def _is_edited(stage: LiveStage) -> bool:
    """Whether something was asked of a Stage of which it is not known when."""
    asked = stage.reverify is not None or stage.abort_verification is not None
    known = 0 if stage.created is None else 1  # the generation that it was created with
    observed = max(stage.observed_generation, known, *(condition.generation for _, condition in stage.conditions))
    return asked or (stage.generation > observed and not stage.deleting)


def _is_disturbed(restored: Restored, project: LiveProject, stage: LiveStage) -> bool:
    """Whether something around a Stage may have changed just now: deletions, applications, its AnalysisRun."""
    cluster, hidden = restored.cluster, restored.hidden
    if stage.current is not None and stage.current not in restored.slots:
        return True
    if not all(cluster.exists_freight(f) for f in newest(cluster, cluster.state, stage.name).values()):
        return True
    if stage.name in hidden.issues and hidden.apps[stage.name] is not stage.health:
        return True
    phases = {v.run: v.phase for e in stage.history[:1] for v in e.verifications[:1]}
    return any(
        r.completed is None and phases.get(r.name, r.phase) is not r.phase
        for r in project.runs
        if r.stage == stage.name
    )


def _about(project: LiveProject, stage: LiveStage) -> Iterator[int]:
    """The instants that objects of a Stage, and the Freight that it asks for, tell of."""
    asked_for = {request.warehouse for request in stage.requests}
    own = replace(
        project,
        stages=(stage,),
        promotions=tuple(p for p in project.promotions if p.stage == stage.name),
        runs=tuple(r for r in project.runs if r.stage == stage.name),
        freight=tuple(f for f in project.freight if f.warehouse in asked_for),
    )
    return instants_of(own)


def _unanswered(asked: str, answered: str) -> int | None:
    """When another look was asked for that nobody has had; None if it was had, or it is not known.

    Source: `pkg/api/stage.go: RefreshStage`; a token that is a number is taken for seconds since 1970
    """
    if not asked or asked == answered:
        return None
    return int(asked) * 1000 - EPOCH_MS if asked.isdecimal() and len(asked) < 12 else instant_of(asked)
