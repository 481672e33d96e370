"""What a runner can come back with, its config considered, and how soon it wants to be run again while it waits.

Source: `pkg/promotion/runner/builtin/http_requester.go: httpRequester.request`, `git_pr_merger.go: gitPRMerger.run`
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from model.kargo import worlds
from model.kargo.attempts import UNKNOWN_OUTPUT
from model.kargo.durations import parse_duration
from model.kargo.releases import Behaviours
from model.kargo.step_engine import StepRules
from model.kargo.step_kinds import RELEASES, Result, StepKind
from model.kargo.templates import StepSpec
from model.kargo.worlds import Alphabet

WITHOUT_CRITERIA = frozenset({Result.RUNNING})
"""What an http step never comes back with if neither success nor failure is defined: then the code decides."""

WITH_CRITERIA = frozenset({Result.FAILED})
"""What it never comes back with if one of them is."""

WITHOUT_WAITING = frozenset({Result.RUNNING})
"""What git-merge-pr never comes back with if it is not to wait."""


def config_of(step: StepSpec) -> Mapping[str, object]:
    """The config of a step as it is written; empty where it is no mapping."""
    found = json.loads(step.config) if step.config else {}
    return found if isinstance(found, dict) else {}


def results(step: StepSpec, kind: StepKind) -> tuple[Result, ...]:
    """What the runner of a step can come back with.

    An http step that only knows what failure is waits until that is met: it cannot succeed. A pull request that
    cannot be merged yet is waited for if `wait` says so, else the step fails. Where that is said by expressions of
    Kargo's own, of which nothing is known, a step can do everything; and so can one without any config, which
    stands for all of its kind.
    """
    config = config_of(step)
    if step.config is None:
        return kind.results
    if step.kind == "git-merge-pr":
        waits = config.get("wait")
        never = frozenset[Result]() if waits is True or isinstance(waits, str) else WITHOUT_WAITING
    elif step.kind == "http":
        never = _never_of_http(config)
    else:
        return kind.results
    return tuple(r for r in kind.results if r not in never)


def _never_of_http(config: Mapping[str, object]) -> frozenset[Result]:
    success, failure = config.get("successExpression"), config.get("failureExpression")
    if any(isinstance(e, str) and "${" in e for e in (success, failure)):
        return frozenset()
    never = WITH_CRITERIA if success or failure else WITHOUT_CRITERIA
    return never | {Result.SUCCEEDED} if failure and not success else never


SKIPS_WITH_OUTPUT = frozenset({"git-commit"})
"""Kinds that leave an output even if they find nothing to do. Source: `git_commiter.go: gitCommitter.run`"""


WITHOUT_OUTPUT = frozenset(
    (
        *("copy", "delete", "fail", "file-write", "git-clear", "helm-template", "http-download", "kustomize-build"),
        *("oci-download", "set-freight-alias", "set-metadata", "tar", "untar"),
    )
)
"""Kinds that leave none even if they succeed. Source: their runners in `pkg/promotion/runner/builtin`"""


def leaves_output(step: StepSpec, result: Result) -> bool:
    """Whether an attempt that comes back like that leaves an output for the steps after it."""
    if result is Result.SUCCEEDED:
        return step.kind not in WITHOUT_OUTPUT
    return result is Result.SKIPPED and step.kind in SKIPS_WITH_OUTPUT


def alphabet(step: StepSpec, every: Iterable[Result], rules: StepRules) -> Alphabet:
    """Everything an attempt of the step may do that comes back with one of these results."""
    left = {result.value: leaves_output(step, result) for result in (Result.SUCCEEDED, Result.SKIPPED)}
    return tuple(
        choice._replace(attempt=attempt._replace(output=UNKNOWN_OUTPUT if left[attempt.status] else "null"))
        if attempt.status in left
        else choice
        for choice in worlds.alphabet(every, overruns_ms=rules.timeout_ms + 1000 if rules.timeout_ms > 0 else 0)
        for attempt in (choice.attempt,)
    )


def everything(step: StepSpec, rules: StepRules, kind: StepKind | None) -> Alphabet:
    """Everything that an attempt of the step may do; nothing if the release has no such kind."""
    return alphabet(step, results(step, kind) if kind else (), rules)


POLLED_MS = {"git-merge-pr": 10_000, "git-wait-for-pr": 30_000, "http": 30_000}
"""How soon a step of these kinds asks to be looked at again while it waits, unless its config says otherwise.

From 1.11.0 on; before, it says nothing. Source: `pkg/promotion/runner/builtin: resolvePollInterval`, #6401, #6493
"""

_POLLED_SINCE = "1.11.2"


def poll_ms(step: StepSpec, behaviours: Behaviours) -> int | None:
    """The interval, in milliseconds, that a step that waits asks for; None if it asks for none."""
    if step.kind == "argocd-update":
        return behaviours.update_poll_ms
    if step.kind not in POLLED_MS or RELEASES.index(behaviours.release) < RELEASES.index(_POLLED_SINCE):
        return None
    given = config_of(step).get("pollInterval")
    try:
        return parse_duration(given) if isinstance(given, str) and given else POLLED_MS[step.kind]
    except ValueError:  # an expression, or a text that the step refuses when it runs
        return POLLED_MS[step.kind]
