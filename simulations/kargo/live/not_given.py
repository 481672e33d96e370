"""What was not given, or could not be read, as far as other objects mention it: nothing more is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from model.kargo.availability import Verified
from model.kargo.live.objects import LiveFreight, LiveProject, LivePromotion, LiveRun, LiveStage, StepMetadata
from model.kargo.phases import PromotionPhase, StepStatus, VerificationPhase

MENTIONED = ("Freight", "Promotion", "AnalysisRun")
"""The kinds of objects that Stages mention."""


def with_mentioned(project: LiveProject) -> tuple[LiveProject, list[str]]:
    """The project with the objects that Stages mention and that were not given; what is guessed, in sentences.

    Where a kind was given, what of it is missing does not exist, unless it was there and could not be read.
    """
    freight = tuple(f for f in _freight(project) if _is_missing(project, "Freight", f.name))
    promotions = tuple(p for p in _promotions(project) if _is_missing(project, "Promotion", p.name))
    runs = tuple(r for r in _runs(project) if _is_missing(project, "AnalysisRun", r.name))
    filled = replace(
        project,
        freight=project.freight + freight,
        promotions=project.promotions + promotions,
        runs=project.runs + runs,
    )
    told = [
        f"{kind} {name}, which could not be read; what Stages say of it is believed"
        for kind, name in sorted(project.left_out)
        if kind in MENTIONED
    ]
    return filled, told


def _is_missing(project: LiveProject, kind: str, name: str) -> bool:
    return kind not in project.kinds or (kind, name) in project.left_out


def _freight(project: LiveProject) -> Iterator[LiveFreight]:
    """The Freight that Stages have: as much of it as the Stages say."""
    found: dict[tuple[str, str], list[LiveStage]] = {}
    for stage in project.stages:
        for pair in stage.history[0].freight if stage.history else ():
            found.setdefault(pair, []).append(stage)
    for (warehouse, name), stages in found.items():
        verified = ((s.name, Verified(0)) for s in stages if _says_verified(s))
        since = tuple((s.name, 0) for s in stages)
        yield LiveFreight(name, project.name, warehouse, 0, since=since, verified=tuple(verified))


def _says_verified(stage: LiveStage) -> bool:
    return VerificationPhase.SUCCESSFUL in [v.phase for v in stage.history[0].verifications]


def _promotions(project: LiveProject) -> Iterator[LivePromotion]:
    """The Promotions that are current, each in its first step."""
    for stage in project.stages:
        if stage.current is None or not stage.steps:
            continue
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
