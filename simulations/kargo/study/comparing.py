"""What one study is compared with: the same runs with another policy, another release or other retry settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from model.inputs import printable
from model.kargo.durations import parse_duration
from model.kargo.failure_policies import UnknownPolicyError, policy_named
from model.kargo.manifest_types import Retry
from model.kargo.releases import release
from model.kargo.step_kinds import step_kind
from model.releases import UnknownReleaseError
from simulations.kargo.study.branch_file import MOST_STAGES
from simulations.kargo.study.measures import Variant
from simulations.kargo.study.study import StepWorld, Study, poll_of

MOST_VARIANTS = 16


class ComparisonError(Exception):
    """What is to be compared cannot be; the message says what can."""


def variants(study: Study, asked: str | None) -> tuple[Variant, ...]:
    """The variants of a study that `asked` names, such as `policy=none,restart:3`; the study itself without it.

    Raises ComparisonError.
    """
    if asked is None:
        return (Variant(f"policy {study.policy}", study),)
    what, equals, listed = asked.partition("=")
    values = listed.split(",")
    if not equals or not all(values):
        raise ComparisonError(f"--compare {printable(asked)}: expected WHAT=A,B,... such as policy=none,recreate:3")
    if len(values) > MOST_VARIANTS or len({*values}) < len(values):
        raise ComparisonError(
            f"--compare {printable(what)}: expected up to {MOST_VARIANTS} values, none of them twice"
        )
    change = _change(what, study)
    found = []
    for value in values:
        try:
            found.append(Variant(value if what == "policy" else f"{what} {value}", change(study, value)))
        except (UnknownPolicyError, UnknownReleaseError, ValueError) as error:
            raise ComparisonError(f"--compare {printable(what)}: {printable(str(error), 200)}") from None
    return tuple(found)


def points(study: Study, asked: str) -> Iterator[tuple[str, Study]]:
    """The study at each of the values that `asked` names, such as `branch.stages=2,5,10`, with the value.

    Raises ComparisonError.
    """
    for value, variant in zip(asked.partition("=")[2].split(","), variants(study, asked), strict=False):
        yield value, variant.study


def _change(what: str, study: Study) -> Callable[[Study, str], Study]:
    """How the study changes by a value of what is compared."""
    if what in _OF_STUDIES:
        return _OF_STUDIES[what]
    if what.startswith(BRANCH):
        return _of_branch(what.removeprefix(BRANCH), study)
    alias, dot, setting = what.rpartition(".")
    aliases = [step.alias for step in study.template.steps]
    if not dot or setting not in _OF_STEPS:
        known = [*_OF_STUDIES, *(f"STEP.{name}" for name in _OF_STEPS), *(f"{BRANCH}{n}" for n in _OF_BRANCHES)]
        raise ComparisonError(f"--compare {printable(what)}: what can be compared is: {', '.join(known)}")
    if alias not in aliases:
        raise ComparisonError(f"--compare: no step {printable(alias)!r}; the steps are: {', '.join(aliases)}")
    return lambda of, value: _with_retry(of, alias, _OF_STEPS[setting], value)


def _with_policy(study: Study, value: str) -> Study:
    return replace(study, policy=policy_named(value))


def _with_release(study: Study, value: str) -> Study:
    """The study in another release. A poll interval that is the release's own changes with it."""
    behaviours = release(value)
    steps: list[StepWorld] = []
    for spec, world in zip(study.template.steps, study.steps, strict=True):
        if step_kind(spec.kind, behaviours.release) is None:
            raise ValueError(f"Kargo {behaviours.release} has no step {spec.kind!r}")
        own = world.poll_ms == poll_of(spec.kind, study.behaviours)
        steps.append(replace(world, poll_ms=poll_of(spec.kind, behaviours)) if own else world)
    return replace(study, behaviours=behaviours, steps=tuple(steps))


def _threshold(retry: Retry, value: str) -> Retry:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 1000:
        raise ValueError(f"expected a whole number from 1 to 1000, found {value!r}")
    return replace(retry, error_threshold=int(value))


def _timeout(retry: Retry, value: str) -> Retry:
    try:
        milliseconds = parse_duration(value)
    except ValueError:
        milliseconds = -1
    if milliseconds < 0:
        raise ValueError(f"expected a duration such as 5m, found {value!r}")
    return replace(retry, timeout_ms=milliseconds)


def _with_retry(study: Study, alias: str, setting: Callable[[Retry, str], Retry], value: str) -> Study:
    steps = tuple(
        replace(step, retry=setting(step.retry, value)) if step.alias == alias else step
        for step in study.template.steps
    )
    return replace(study, template=replace(study.template, steps=steps))


BRANCH = "branch."


def _of_branch(name: str, study: Study) -> Callable[[Study, str], Study]:
    if name not in _OF_BRANCHES:
        listed = ", ".join(f"{BRANCH}{known}" for known in _OF_BRANCHES)
        raise ComparisonError(f"--compare {BRANCH}{printable(name)}: of a branch can be compared: {listed}")
    if study.branch is None:
        raise ComparisonError(f"--compare {BRANCH}{name}: the study has no branch")
    field, read = _OF_BRANCHES[name]

    def change(of: Study, value: str) -> Study:
        assert of.branch is not None, "the study has one"
        changed: dict[str, Any] = {field: read(value)}
        return replace(of, branch=replace(of.branch, **changed))

    return change


def _several(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= MOST_STAGES:
        raise ValueError(f"expected a whole number from 1 to {MOST_STAGES}, found {value!r}")
    return int(value)


def _flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError(f"expected true or false, found {value!r}")
    return value == "true"


_OF_BRANCHES: Mapping[str, tuple[str, Callable[[str], int | bool]]] = {
    "stages": ("stages", _several),
    "shared": ("shared", _flag),
    "retries": ("retries", _flag),
    "controllers": ("controllers", _several),
    "workers": ("workers", _several),
    "maxAttempts": ("attempts", _several),
    "gitlab": ("gitlab", _flag),
}
_OF_STUDIES: Mapping[str, Callable[[Study, str], Study]] = {"policy": _with_policy, "kargo": _with_release}
_OF_STEPS: Mapping[str, Callable[[Retry, str], Retry]] = {"errorThreshold": _threshold, "timeout": _timeout}
