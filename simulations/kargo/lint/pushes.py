"""Where the steps of a template push to, as far as the manifests say."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from model.expressions import UNKNOWN, Value
from model.inputs import Place
from model.kargo import expressions, planning
from model.kargo.planning import Planner
from model.kargo.promotion_context import StepContext, Variable
from model.kargo.releases import Behaviours
from model.kargo.runner_results import config_of
from model.kargo.templates import StepSpec, Template


class Push(NamedTuple):
    """A step that pushes: to which repository and branch, empty for the one that a repository calls its own.

    `forced` says that it overwrites what it finds; `merges` that it opens a pull request that a later step merges.
    """

    url: str
    branch: str
    step: str
    place: Place
    forced: bool = False
    merges: bool = False


_CLONES = ("git-clone",)


def pushes(template: Template, behaviours: Behaviours) -> Iterator[Push]:
    """The pushes of a template whose target can be told, in order."""
    planner = planning.planner_of(template, behaviours)
    checkouts: dict[str, tuple[str, str]] = {}
    merged = any(step.kind == "git-merge-pr" for step in template.steps)
    for step in template.steps:
        config = config_of(step)
        if step.kind in _CLONES:
            checkouts |= dict(_checkouts(config, step, planner))
        elif step.kind == "git-push":
            found = _pushed(config, step, planner, checkouts)
            if found:
                yield Push(*found, step.alias, step.where, forced=config.get("force") is True)
        elif step.kind == "git-open-pr" and merged:
            url, branch = (_text(config.get(name), step, planner) for name in ("repoURL", "targetBranch"))
            if url and branch:
                yield Push(repository(url), branch, step.alias, step.where, merges=True)


def _checkouts(
    config: Mapping[str, object], step: StepSpec, planner: Planner
) -> Iterator[tuple[str, tuple[str, str]]]:
    """The work trees of a clone: by path, the repository and the branch."""
    url = _text(config.get("repoURL"), step, planner)
    listed = config.get("checkout")
    for checkout in listed if isinstance(listed, list) and url else ():
        if not isinstance(checkout, dict) or checkout.get("commit") or checkout.get("tag"):
            continue
        path = _text(checkout.get("path", "."), step, planner)
        branch = _text(checkout.get("branch", ""), step, planner)
        if path is not None and branch is not None:
            yield posixpath.normpath(path), (repository(url or ""), branch)


def _pushed(
    config: Mapping[str, object], step: StepSpec, planner: Planner, checkouts: Mapping[str, tuple[str, str]]
) -> tuple[str, str] | None:
    path = _text(config.get("path"), step, planner)
    known = checkouts.get(posixpath.normpath(path)) if path else None
    if known is None or config.get("tag") or config.get("generateTargetBranch"):
        return None
    if "targetBranch" not in config:
        return known
    branch = _text(config["targetBranch"], step, planner)
    return None if branch is None else (known[0], branch or known[1])


def _text(value: object, step: StepSpec, planner: Planner) -> str | None:
    """What a text in a config comes to; None where that is not known before there is a Promotion."""
    if not isinstance(value, str):
        return None
    if "${" not in value:
        return value
    variables = tuple(Variable(name, text) for name, text in step.vars)
    seen = StepContext(step.alias, variables, dict.fromkeys(planner.output_keys, UNKNOWN))
    found = expressions.template(value, planner.context, seen, planner.behaviours.release)
    return found.value if isinstance(found, Value) and isinstance(found.value, str) else None


def repository(url: str) -> str:
    """A repository by a name that does not depend on how it is reached."""
    plain = re.sub(r"^(?:[a-z+]+://)?(?:[^@/]+@)?", "", url.strip().lower())
    return re.sub(r"(?:\.git)?/*$", "", plain.replace(":", "/", 1) if "/" not in plain.split(":")[0] else plain)
