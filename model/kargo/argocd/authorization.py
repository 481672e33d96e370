"""Which Stages an Argo CD Application lets touch it: those that its annotation names.

Source: `argocdUpdater.authorizeArgoCDAppUpdate`, `pkg/api/stage.go: AuthorizedStages`
"""

from __future__ import annotations

from typing import NamedTuple

from model.kargo.annotations import AUTHORIZED_STAGE
from model.kargo.argocd.applications import Key
from model.kargo.releases import Behaviours


class StageName(NamedTuple):
    """A Stage, by its Project and its name."""

    project: str
    name: str


class Malformed(NamedTuple):
    """An annotation that names no Stages: what is wrong with it, empty where the controller does not say."""

    problem: str


def authorized_stages(annotation: str, behaviours: Behaviours) -> tuple[StageName, ...] | Malformed:
    """The Stages that the annotation names, in order; several from 1.11.0 on, and then one mistake spoils all."""
    if not behaviours.several_authorized_stages:
        project, colon, name = annotation.partition(":")
        return (StageName(project, name),) if colon else Malformed("")
    stages = list[StageName]()
    for entry in filter(None, map(str.strip, annotation.split(","))):
        project, _, name = entry.partition(":")
        stage = StageName(project.strip(), name.strip())
        if not all(stage):
            return Malformed(f'invalid authorized Stage "{entry}": expected format "<project>:<stage>"')
        if "*" in entry:
            return Malformed(
                f'invalid authorized Stage "{entry}": deprecated glob expressions are no longer supported'
            )
        stages.append(stage)
    return tuple(stages) or Malformed(f'no authorized Stages found in "{annotation}"')


def refusal(key: Key, annotation: str | None, stage: StageName, behaviours: Behaviours) -> str | None:
    """Why the Stage may not touch the Application `key` with that `annotation`; None if it may."""
    denied = f"{key.called} does not permit mutation by Kargo Stage {stage.name} in namespace {stage.project}"
    if annotation is None:
        return denied
    told = f'annotation "{AUTHORIZED_STAGE}" ("{annotation}")'
    stages = authorized_stages(annotation, behaviours)
    if isinstance(stages, Malformed):
        problem = f": {stages.problem}" if stages.problem else ""
        return f"unable to parse value of {told} on {key.called}{problem}"
    if "*" in annotation:
        return f"{key.called} has deprecated glob expression in {told}"
    return None if stage in stages else denied
