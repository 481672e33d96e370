"""What was not given, or could not be read, as far as other objects mention it: nothing more is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from model.kargo.availability import Verified
from model.kargo.live.objects import (
    Collection,
    LiveFreight,
    LiveProject,
    LivePromotion,
    LiveRun,
    LiveStage,
    StepMetadata,
)
from model.kargo.phases import PromotionPhase, StepStatus, VerificationPhase

Object = TypeVar("Object", LiveFreight, LivePromotion, LiveRun)

MENTIONED = ("Freight", "Promotion", "AnalysisRun")
"""The kinds of objects that Stages mention."""


def with_mentioned(project: LiveProject) -> tuple[LiveProject, list[str]]:
    """The project with the objects that Stages mention and that were not given; what is guessed, in sentences.

    Where a kind was given, what of it is missing does not exist, unless it was there and could not be read.
    """
    filled = replace(
        project,
        freight=project.freight + _missing(project, "Freight", project.freight, _freight(project)),
        promotions=project.promotions + _missing(project, "Promotion", project.promotions, _promotions(project)),
        runs=project.runs + _missing(project, "AnalysisRun", project.runs, _runs(project)),
    )
    told = [
        f"{kind} {name}, which could not be read; what Stages say of it is believed"
        for kind, name in sorted(project.left_out)
        if kind in MENTIONED
    ]
    return filled, told


def _missing(
    project: LiveProject, kind: str, there: Sequence[Object], mentioned: Iterator[Object]
) -> tuple[Object, ...]:
    """Those objects that are mentioned, are not there, and may exist."""
    names = {each.name for each in there}
    may_exist = (each for each in mentioned if kind not in project.kinds or (kind, each.name) in project.left_out)
    return tuple(each for each in may_exist if each.name not in names)


def _freight(project: LiveProject) -> Iterator[LiveFreight]:
    """The Freight that Stages have, or that is promoted to them: as much of it as the Stages say."""
    found: dict[tuple[str, str], list[LiveStage]] = {}
    for stage in project.stages:
        for pair in stage.history[0].freight if stage.history else ():
            found.setdefault(pair, []).append(stage)
    for (warehouse, name), stages in found.items():
        verified = ((s.name, Verified(0)) for s in stages if _says_verified(s))
        since = tuple((s.name, 0) for s in stages)
        yield LiveFreight(name, project.name, warehouse, 0, since=since, verified=tuple(verified))
    had = {name for _, name in found}
    promoted: dict[str, tuple[str, list[LiveStage]]] = {}
    for stage in project.stages:
        for warehouse, name in _promoted(project, stage):
            if name not in had:
                promoted.setdefault(name, (warehouse, []))[1].append(stage)
    for name, (warehouse, stages) in promoted.items():
        # It was available when its Promotion was made.
        approved = tuple((s.name, 0) for s in stages)
        yield LiveFreight(name, project.name, warehouse, 0, approved=approved)


def _promoted(project: LiveProject, stage: LiveStage) -> Collection:
    """What is being promoted to a Stage, with its Warehouse: the first that is asked for, if nothing says which."""
    name = stage.current_freight
    if not name or not stage.requests:
        return ()
    given = (f.warehouse for f in project.freight if f.name == name)
    had = (w for s in project.stages for entry in s.history for w, its_name in entry.freight if its_name == name)
    return ((next(given, None) or next(had, stage.requests[0].warehouse), name),)


def _says_verified(stage: LiveStage) -> bool:
    return VerificationPhase.SUCCESSFUL in [v.phase for v in stage.history[0].verifications]


def _promotions(project: LiveProject) -> Iterator[LivePromotion]:
    """The Promotions that are current, each in its first step."""
    for stage in project.stages:
        if stage.current is None or not stage.steps:
            continue
        promoted = _promoted(project, stage)
        kept = dict(stage.history[0].freight if stage.history else ())
        first = StepMetadata(stage.steps[0].alias or "step-1", StepStatus.RUNNING)
        yield LivePromotion(
            stage.current,
            project.name,
            stage.name,
            stage.current_freight or "",
            created=0,
            steps=stage.steps,
            phase=PromotionPhase.RUNNING,
            metadata=(first,),
            status_freight=stage.current_freight,
            collection=tuple(sorted({**kept, **dict(promoted)}.items())),
            started=0,
        )


def _runs(project: LiveProject) -> Iterator[LiveRun]:
    """The AnalysisRuns of verifications under way, each as its Stage last saw it."""
    for stage in project.stages:
        for entry in stage.history[:1]:
            freight = tuple(sorted(name for _, name in entry.freight))
            for verification in entry.verifications[:1]:
                if verification.run is not None and not verification.phase.terminal:
                    since = verification.started or 0
                    yield LiveRun(
                        verification.run, project.name, stage.name, freight, verification.phase, created=since
                    )
