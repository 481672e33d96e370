"""What differs between versions of the operator, and between proposed fixes, as values.

A version is a value of `Behaviours`, named by the commit it was read at; a proposed fix is one more.
Source: github.com/ambient-code/platform, `components/operator/internal`
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from model.ambient.values import Value
from model.releases import unknown


class Started(Value):
    """Whether the workflow is pushed when the runner's container is first seen running."""

    NOT_PUSHED = "not pushed"
    PUSHED_ONCE = "pushed once"
    PUSHED_UNTIL_DONE = "pushed until that succeeds; the session stays Creating meanwhile"


class Retry(Value):
    """When a Running session whose generation was observed pushes its workflow again."""

    NEVER = "never"
    AFTER_FAILURE = "while WorkflowReconciled is False with the reason UpdateFailed"
    UNLESS_TRUE = "while a workflow is configured and WorkflowReconciled is not True"


class Repair(Value):
    """What no version does, and what would be needed for a session to get what its spec says in all cases."""

    STATUS_OF_THIS_POD = "what is recorded of the workflow is forgotten when a pod is created or adopted"
    RECORD_IS_NOT_BELIEVED = "a pass that looks at the workflow pushes it, whatever is recorded"
    NONE_IS_TOLD = "a runner is told when the spec has no workflow any more"
    SERVICE_IS_KEPT = "a Running session without a Service gets one"
    UNMANAGED_IS_LOOKED_AT = "a session in a namespace that looks unmanaged is looked at again"
    CLONES_COUNT = "a runner clones again what it has no files of, and answers with an error if it cannot"
    END_IS_SEEN = "a Running session whose runner has ended becomes Completed or Failed"
    REPOSITORIES_COUNT = "repositories that could not be pushed are not recorded, nor is the generation observed"
    ADOPTION_OBSERVES_NOTHING = "a pod that is found to exist does not make the generation an observed one"
    WISHES_ARE_KEPT = "only the wish that a pass has seen is cleared by it"


@dataclass(frozen=True, slots=True)
class Behaviours:
    """How one version of the operator behaves, as far as versions and proposals differ."""

    version: str
    """What to call it."""

    pushes_while_pending: bool
    """The workflow is pushed before the pod is created, and an error is dropped. Up to #1487.
    `handleAgenticSessionEvent`"""

    stamps_failures: bool
    """observedGeneration is written after the pod was created, whatever came of the workflow. All versions.
    `handleAgenticSessionEvent`"""

    unset_is_drift: bool
    """A Running session without observedGeneration counts as edited. No version: all of them ask for
    `observedGen != 0`. `reconcileRunning`"""

    started: Started
    """`reconcileCreating`"""

    retry: Retry
    """`reconcileRunning`, `NeedsWorkflowReconciliation`, since #1487."""

    returns_early: bool
    """A Running session whose push failed is looked at after 5 s, not after 30 s. Since #1487.
    `reconcileRunning`"""

    sends_token: bool
    """The operator sends the token that the runner asks for since #1378. Since #1556. `runnerSessionToken`"""

    repairs: frozenset[Repair] = frozenset()
    """What it does beyond every version."""


PRE = Behaviours(
    version="d1645a957",
    pushes_while_pending=True,
    stamps_failures=True,
    unset_is_drift=False,
    started=Started.NOT_PUSHED,
    retry=Retry.NEVER,
    returns_early=False,
    sends_token=False,
)
"""As reported (#1486), 2026-04-30."""

FIX = replace(PRE, version="6347f3207", pushes_while_pending=False, retry=Retry.UNLESS_TRUE, returns_early=True)
"""With the fix of the report (#1487), 2026-04-30."""

HEAD = replace(FIX, version="0b59fe7de", sends_token=True)
"""Main of 2026-08-17: a runner that asks for a token gets it (#1556)."""

VERSIONS = {"pre": PRE, "fix": FIX, "head": HEAD}
"""By the names that the command line knows."""


def named(behaviours: Behaviours) -> str:
    """The name by which the command line knows a version."""
    return next(name for name, known in VERSIONS.items() if known == behaviours)


def version(name: str) -> Behaviours:
    """The version called `name`, or by its commit.

    Raises UnknownReleaseError.
    """
    known = VERSIONS | {b.version: b for b in VERSIONS.values()}
    if name not in known:
        raise unknown("Ambient", name, (f"{n} ({b.version})" for n, b in VERSIONS.items()), kind="versions")
    return known[name]
