"""The built-in kinds of steps, by release.

No built-in kind sets an error threshold of its own, and registration makes that 1. Only the Argo CD kinds set a
timeout. Kinds of the commercial edition are not here.

Source: `pkg/promotion/runner/builtin`, `pkg/promotion/registry.go`
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

RELEASES = ("1.8.3", "1.8.5", "1.9.9", "1.10.10", "1.11.2", "main")
"""The releases that the table tells apart, oldest first."""


class Result(Enum):
    """What a runner can come back with: a status, and an error that is absent, retryable or terminal."""

    __hash__ = object.__hash__

    SUCCEEDED = "Succeeded"
    RUNNING = "Running"
    SKIPPED = "Skipped"
    FAILED = "Failed without an error"
    FAILED_WITH_ERROR = "Failed with an error that may be retried"
    FAILED_TERMINALLY = "Failed with a terminal error"
    ERRORED = "Errored with an error that may be retried"
    ERRORED_TERMINALLY = "Errored with a terminal error"


@dataclass(frozen=True, slots=True)
class StepKind:
    """A kind of step as one release has it.

    `default_timeout_ms` 0 is none. `propagates_outputs` says that a step inside a task gives its outputs to the
    task. `results` are in the order of `Result`.
    """

    name: str
    default_timeout_ms: int
    default_error_threshold: int
    propagates_outputs: bool
    results: tuple[Result, ...]


_FIVE_MINUTES = 5 * 60 * 1000
_USUAL = frozenset({Result.SUCCEEDED, Result.ERRORED, Result.FAILED_TERMINALLY})
_NEVER_ERRORS = frozenset({Result.SUCCEEDED, Result.FAILED_TERMINALLY})
_WAITS = _USUAL | {Result.RUNNING}
_ALSO_TERMINAL = _USUAL | {Result.ERRORED_TERMINALLY}

_RESULTS: dict[str, frozenset[Result]] = {
    "argocd-update": _WAITS,
    "argocd-wait": _WAITS | {Result.ERRORED_TERMINALLY},
    "compose-output": _NEVER_ERRORS,
    "fail": frozenset({Result.FAILED_TERMINALLY}),
    "git-commit": _USUAL | {Result.SKIPPED},
    "git-merge-pr": _WAITS,
    "git-wait-for-pr": _WAITS,
    "github-push": _ALSO_TERMINAL,
    "http": _WAITS | {Result.FAILED, Result.ERRORED_TERMINALLY},
    "http-download": _ALSO_TERMINAL | {Result.FAILED_WITH_ERROR},
    "oci-download": _ALSO_TERMINAL,
    "oci-push": _ALSO_TERMINAL,
    "set-freight-alias": _NEVER_ERRORS,
}

_SINCE: dict[str, tuple[str, ...]] = {
    "1.8.3": (
        "argocd-update",
        "compose-output",
        "copy",
        "delete",
        "git-clear",
        "git-clone",
        "git-commit",
        "git-merge-pr",
        "git-open-pr",
        "git-push",
        "git-wait-for-pr",
        "helm-template",
        "helm-update-chart",
        "http",
        "http-download",
        "json-parse",
        "json-update",
        "kustomize-build",
        "kustomize-set-image",
        "oci-download",
        "set-metadata",
        "untar",
        "yaml-parse",
        "yaml-update",
    ),
    "1.9.9": ("yaml-merge",),
    "1.10.10": (
        "argocd-wait",
        "fail",
        "git-tag",
        "github-push",
        "oci-push",
        "set-freight-alias",
        "toml-parse",
        "toml-update",
    ),
    "1.11.2": ("file-write",),
    "main": ("tar",),
}

_GAINED: dict[tuple[str, str], frozenset[Result]] = {
    ("git-open-pr", "1.10.10"): frozenset({Result.SKIPPED}),  # nothing to propose
    ("delete", "1.11.2"): frozenset({Result.ERRORED_TERMINALLY}),  # a pattern that cannot match
}


def _since(release: str, first: str) -> bool:
    return RELEASES.index(release) >= RELEASES.index(first)


def _kind(name: str, release: str) -> StepKind:
    results = _RESULTS.get(name, _USUAL)
    for (of, first), gained in _GAINED.items():
        if of == name and _since(release, first):
            results |= gained
    return StepKind(
        name,
        _FIVE_MINUTES if name.startswith("argocd-") else 0,
        1,
        name == "compose-output",
        tuple(result for result in Result if result in results),
    )


def _kinds(release: str) -> dict[str, StepKind]:
    names = (name for first, new in _SINCE.items() if _since(release, first) for name in new)
    return {name: _kind(name, release) for name in sorted(names)}


STEP_KINDS: dict[str, dict[str, StepKind]] = {release: _kinds(release) for release in RELEASES}
"""The kinds of each release, by name."""


def step_kind(name: str, release: str) -> StepKind | None:
    """The kind `name` in `release`; None if that release has none.

    Raises KeyError if `release` is not one of `RELEASES`.
    """
    return STEP_KINDS[release].get(name)
