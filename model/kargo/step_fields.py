"""What the configs of built-in steps may say in which release, and what the same config means in another.

A config is held against the JSON schema of its step just before the step runs, and the schemas allow nothing that
they do not name: a field that a release does not know yet makes the step fail, and it is not tried again.

Source: `pkg/promotion/runner/builtin/schemas` of every release, `validation.go: validateAndConvert`
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from model.kargo.runner_results import config_of
from model.kargo.step_kinds import RELEASES
from model.kargo.templates import StepSpec

FIRST: Mapping[str, Mapping[str, str]] = {
    "argocd-update": {"apps[].selector": "1.9.9"},
    "delete": {"paths": "1.11.2", "pathsAreGlobs": "1.11.2"},
    "git-clone": {"recurseSubmodules": "1.9.9", "checkout[].sparse": "1.9.9", "blobless": "1.11.2"},
    "git-merge-pr": {"mergeMethod": "1.10.10", "pollInterval": "1.11.2"},
    "git-push": {"force": "1.9.9", "tag": "1.10.10"},
    "git-wait-for-pr": {"pollInterval": "1.11.2"},
    "helm-template": {"ignoreMissingValueFiles": "1.9.9", "setValues[].literal": "1.9.9"},
    "http": {
        "responseContentType": "1.9.9",
        "errorExpression": "1.11.2",
        "pollInterval": "1.11.2",
        "proxy": "1.11.2",
        "bodyFromFile": "main",
    },
    "kustomize-build": {"outputFormat": "1.9.9"},
}
"""The fields that came later than the kinds of steps they are of, each with the first release that has it.

`[]` stands for every item of a list. The schema of `git-tag` allows what it does not name, and is not here.
"""


def refused(step: StepSpec, release: str) -> tuple[str, ...]:
    """The fields in the config of a step that its schema allows in later releases only."""
    later = FIRST.get(step.kind, {})
    given = set(_paths(config_of(step), ""))
    return tuple(name for name, first in later.items() if name in given and not _has(release, first))


def _has(release: str, first: str) -> bool:
    return RELEASES.index(release) >= RELEASES.index(first)


def _paths(config: object, path: str) -> Iterator[str]:
    """The fields of a config, at any depth."""
    if isinstance(config, Mapping):
        for key, value in config.items():
            here = f"{path}.{key}" if path else str(key)
            yield here
            yield from _paths(value, here)
    elif isinstance(config, list):
        for item in config:
            yield from _paths(item, f"{path}[]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a step with a config like that does up to a release (`before`), and from `since` on (`after`)."""

    kind: str
    since: str
    concerns: Callable[[Mapping[str, object]], bool]
    before: str
    after: str

    def said(self, release: str) -> str:
        """What the step does in a release."""
        return self.after if _has(release, self.since) else self.before


def _wanted(value: object) -> bool:
    """Whether something is switched on, or may be: an expression is not known before there is a Promotion."""
    return value is True or isinstance(value, str)


def _creates_branch(config: Mapping[str, object]) -> bool:
    return _wanted(config.get("createTargetBranch"))


def _does_not_wait(config: Mapping[str, object]) -> bool:
    return config.get("wait") is not True


_BODY = re.compile(r"\bbody\b")


def _reads_body(config: Mapping[str, object]) -> bool:
    if "responseContentType" in config:
        return False
    outputs = config.get("outputs")
    asked = (
        [o.get("fromExpression") for o in outputs if isinstance(o, Mapping)] if isinstance(outputs, list) else []
    )
    asked += [config.get(name) for name in ("successExpression", "failureExpression")]
    return any(isinstance(text, str) and _BODY.search(text) for text in asked)


_PORT = re.compile(r"(oci://)?[a-zA-Z0-9._-]+:\d+/")


def _names_port(config: Mapping[str, object]) -> bool:
    image = config.get("imageRef")
    return isinstance(image, str) and _PORT.match(image) is not None


_READINGS = (
    # `git_pr_opener.go: gitPROpener.run`
    Reading(
        "git-open-pr",
        "1.10.10",
        _creates_branch,
        "makes the target branch if there is none",
        "is Errored if there is no target branch: `createTargetBranch` does nothing",
    ),
    # `git_pr_merger.go: gitPRMerger.run`
    Reading(
        "git-merge-pr",
        "1.11.2",
        _does_not_wait,
        "tries three times, five seconds apart, if the pull request cannot be merged yet, and then fails",
        "fails at once if the pull request cannot be merged yet, unless it says `wait: true`",
    ),
    # `http_requester.go: httpRequester.buildExprEnv`
    Reading(
        "http",
        "1.9.9",
        _reads_body,
        "reads a response that is JSON as such, whatever its Content-Type",
        "reads a response as its Content-Type says: JSON that comes as text/plain is a text, unless there is a "
        "`responseContentType`",
    ),
    # `schemas/oci-download-config.json`
    Reading(
        "oci-download",
        "1.10.10",
        _names_port,
        "fails if `imageRef` has the port of a registry",
        "takes an `imageRef` with the port of a registry",
    ),
)


def read_otherwise(step: StepSpec, one: str, other: str) -> Iterator[tuple[str, str]]:
    """What a step does in each of two releases, where its config is the same and what it does is not."""
    config = config_of(step)
    for reading in _READINGS:
        if reading.kind == step.kind and reading.concerns(config) and reading.said(one) != reading.said(other):
            yield reading.said(one), reading.said(other)


def all_read_otherwise(one: str, other: str) -> Iterator[tuple[str, str, str]]:
    """The kinds of steps of which some configs mean something else in another release, and what."""
    for reading in _READINGS:
        if reading.said(one) != reading.said(other):
            yield reading.kind, reading.said(one), reading.said(other)


def new_fields(kind: str, one: str, other: str) -> tuple[str, ...]:
    """The fields that a kind of step has in one of two releases alone."""
    return tuple(name for name, first in FIRST.get(kind, {}).items() if _has(one, first) is not _has(other, first))
