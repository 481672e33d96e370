"""The part of a study that says who else pushes to the branch, and how git-push goes about it."""

from __future__ import annotations

import json
from dataclasses import replace

from model.fields import Field
from model.inputs import printable
from model.kargo.push_retries import DEFAULT_ATTEMPTS
from model.kargo.step_kinds import Result
from model.kargo.templates import StepSpec
from simulations.kargo.study.study import AT_ONCE, WORKERS, Branch, Study
from simulations.kargo.study.study_fields import distribution, only, otherwise, yes_or_no
from simulations.stochastic.distributions import always

MOST_STAGES = 1000
MOST_ATTEMPTS = 2**31 - 1

CLONE, PUSH = "git-clone", "git-push"

FIELDS = (
    *("stages", "shared", "apart", "controllers", "workers", "clone", "push", "retries", "gitlab", "pull"),
    "conflicts",
)

ANYWHERE = ("force", "generateTargetBranch", "tag")
"""What in the config of a git-push makes it push past, or beside, what others have pushed."""


def read(found: Field | None, study: Study) -> Study:
    """The study with its branch, if it has one. Raises InputError."""
    if found is None:
        return study
    only(found, *FIELDS)
    if study.promotions > 1:
        raise found.wrong("there is one Promotion of each Stage that pushes to the branch; leave out `promotions`")
    push = _step(found, "push", PUSH, study)
    branch = Branch(
        stages=found.need("stages", "how many Stages push").whole(1, MOST_STAGES),
        clone=_step(found, "clone", CLONE, study),
        push=push,
        shared=otherwise(found.get("shared"), _flag, True),
        apart=otherwise(found.get("apart"), distribution, AT_ONCE),
        controllers=otherwise(found.get("controllers"), _several, 1),
        workers=otherwise(found.get("workers"), _several, WORKERS),
        retries=_flag(retries) if (retries := found.get("retries")) else None,
        attempts=_attempts(found, study.template.steps[push]),
        gitlab=otherwise(found.get("gitlab"), _flag, False),
        integrates=otherwise(found.get("pull"), distribution, AT_ONCE),
        conflicts=otherwise(found.get("conflicts"), yes_or_no, always(0)),
    )
    world = study.steps[push]
    if world.outage is not None or world.open_to:
        raise found.wrong(f"the results of {study.template.steps[push].alias} are up to the branch, and to chance")
    more = [r for r in (Result.ERRORED, Result.FAILED_TERMINALLY) if r not in world.possible]
    steps = [*study.steps]
    steps[push] = replace(world, possible=(*world.possible, *more))
    return replace(study, branch=branch, steps=tuple(steps))


def _step(found: Field, name: str, kind: str, study: Study) -> int:
    """The number of the step that is named, or of the only one of the kind."""
    steps = study.template.steps
    of_kind = [step.alias for step in steps if step.kind == kind]
    named = found.get(name)
    if named is None:
        if len(of_kind) != 1:
            raise found.wrong(
                f"there are {len(of_kind)} steps of the kind {kind}; say which is meant with `{name}`"
            )
        alias = of_kind[0]
    else:
        alias = named.text("the alias of a step")
        if alias not in of_kind:
            listed = ", ".join(of_kind) or "none"
            raise named.wrong(f'"{printable(alias)}" is no step of the kind {kind}; these are: {listed}')
    return next(k for k, step in enumerate(steps) if step.alias == alias)


def _attempts(found: Field, push: StepSpec) -> int:
    """`maxAttempts` of the step."""
    config = json.loads(push.config) if push.config else {}
    for name in ANYWHERE:
        if isinstance(config, dict) and config.get(name):
            raise found.wrong(f"a git-push with `{name}` does not look at what others have pushed")
    given = config.get("maxAttempts") if isinstance(config, dict) else None
    if given is None:
        return DEFAULT_ATTEMPTS
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MOST_ATTEMPTS:
        raise found.wrong(f"expected `maxAttempts` of {printable(push.alias)} to be a whole number from 1 on")
    return given


def _several(found: Field) -> int:
    return found.whole(1, MOST_STAGES)


def _flag(found: Field) -> bool:
    return found.flag("true or false")
