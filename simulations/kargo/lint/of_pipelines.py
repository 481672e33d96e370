"""What is found of Stages among each other, each with the run that shows it and the releases it is true of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from model.inputs import printable
from model.kargo.bundle import Bundle
from model.kargo.manifest_types import Promotion
from model.kargo.names import ALPHABET
from model.kargo.releases import Behaviours
from model.kargo.templates import Template
from simulations.kargo.lint import loops_explored, pipelines
from simulations.kargo.lint.loops_explored import ABOVE, BELOW
from simulations.kargo.lint.pipelines import Project, projects
from simulations.kargo.lint.pushes import Push, pushes
from simulations.kargo.lint.rules import BY_ID, Finding
from simulations.kargo.lint.units import of_stage

Templates = Mapping[tuple[str, str], Template]
"""The templates of Stages, by namespace and name."""

_GENERATED = re.compile(rf"[{ALPHABET}]{{26}}\.[0-9a-f]{{1,7}}")
_LAST = "7" + "z" * 25
"""The largest ULID."""


def judge(
    bundle: Bundle, templates: Templates, behaviours: Behaviours, releases: Iterable[Behaviours]
) -> Iterator[Finding]:
    """Every finding about the pipelines of a bundle."""
    every = tuple(releases)
    targets = {stage: tuple(pushes(template, behaviours)) for stage, template in templates.items()}
    each = {b.release: set(_read(bundle, targets, b)) for b in every}
    for finding in _read(bundle, targets, behaviours):
        yield replace(finding, releases=tuple(r for r, found in each.items() if finding in found))
    for project in projects(bundle, behaviours, targets):
        yield from _loops(project, behaviours, every)
    yield from _shared(targets, behaviours, every)
    for promotion in bundle.manifests.promotions:
        yield from _name(promotion, behaviours, every)


def _read(bundle: Bundle, targets: Mapping[tuple[str, str], tuple[Push, ...]], b: Behaviours) -> Iterator[Finding]:
    for project in projects(bundle, b, targets):
        yield from pipelines.judge(project)


def _loops(project: Project, behaviours: Behaviours, releases: tuple[Behaviours, ...]) -> Iterator[Finding]:
    for stage, push, warehouse in pipelines.loops(project):
        shown = loops_explored.promoted_again(behaviours)
        if shown is None:
            continue
        affected = tuple(b.release for b in releases if loops_explored.promoted_again(b))
        what = "merges a pull request into" if push.merges else "pushes to"
        text = f"{of_stage(stage)} promotes by itself what Warehouse {printable(warehouse.name)} finds, and {what} "
        text += f"{_target(push)}, which that Warehouse watches"
        rule, like = BY_ID["auto-promotion-loop"], "of a Stage dev that promotes by itself"
        yield Finding(rule, push.place, of_stage(stage), text, push.step, shown, affected, shown_as=like)


def _shared(
    targets: Mapping[tuple[str, str], tuple[Push, ...]], behaviours: Behaviours, releases: tuple[Behaviours, ...]
) -> Iterator[Finding]:
    for stage, push, other, first in pipelines.shared(targets):
        forced = push.forced or first.forced
        shown = loops_explored.collided(forced, behaviours)
        if shown is None:
            continue
        affected = tuple(b.release for b in releases if loops_explored.collided(forced, b))
        subject = f"Stage {printable(stage[1])}"
        text = f"{subject} pushes to {_target(push)}, and so does Stage {printable(other[1])}"
        text += f" of {printable(other[0]) or 'no namespace'}" if other[0] != stage[0] else ""
        text += ": with `force`, one overwrites what the other has pushed" if forced else ""
        rule, like = BY_ID["shared-branch"], "of two Stages, s1 and s2, that push to one branch"
        yield Finding(rule, push.place, subject, text, push.step, shown, affected, shown_as=like)


def _target(push: Push) -> str:
    branch = f"the branch {printable(push.branch)}" if push.branch else "the main branch"
    return f"{branch} of {printable(push.url)}"


def _name(promotion: Promotion, behaviours: Behaviours, releases: tuple[Behaviours, ...]) -> Iterator[Finding]:
    """A Promotion whose name is not a generated one: what happens with one that sorts as it does."""
    begin, name = f"{promotion.stage}.", promotion.name
    if promotion.stored or (name.startswith(begin) and _GENERATED.fullmatch(name.removeprefix(begin))):
        return
    place = ABOVE if name > begin + _LAST else BELOW if name < begin + "0" else None
    if place is None:
        return
    shown = loops_explored.recorded(place, behaviours)
    if shown is None:
        return
    affected = tuple(b.release for b in releases if loops_explored.recorded(place, b))
    where = "after" if place == ABOVE else "before"
    text = (
        f"the name {printable(name)} sorts {where} all that Kargo generates for Stage {printable(promotion.stage)}"
    )
    rest = "those that come later are never recorded" if place == ABOVE else "it may never be recorded"
    subject = f"Promotion {printable(name)}"
    rule, like = (
        BY_ID["name-breaks-order"],
        f"of a Stage dev, with a Promotion dev.{place} in the place of this one",
    )
    yield Finding(rule, promotion.place, subject, f"{text}: {rest}", "", shown, affected, shown_as=like)
