"""A study as a value: what is promoted, how the world behaves, and how much of it is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from model.kargo.failure_policies import NO_POLICY, FailurePolicy, Hint
from model.kargo.push_retries import DEFAULT_ATTEMPTS
from model.kargo.releases import LATEST, Behaviours
from model.kargo.step_kinds import Result
from model.kargo.templates import Template
from simulations.stochastic.distributions import Distribution, Values, always

HOUR_MS = 3_600_000
AT_ONCE: Distribution = always(0, "0s")
HINTS = tuple(Hint)

WORKERS = 4
"""How many Promotions a controller passes over at a time, unless told otherwise.

Source: `charts/kargo/values.yaml: controller.reconcilers.maxConcurrentReconciles`
"""


class StudyError(Exception):
    """A study cannot be carried out as it stands; the message is one sentence."""


class Outcome(Enum):
    """What becomes of a Promotion that somebody asks for, and of those that a policy makes after it."""

    __hash__ = object.__hash__

    VERIFIED = "verified"
    NOT_VERIFIED = "verification failed"
    UNHEALTHY = "promoted, but not healthy"
    OVERTAKEN = "promoted, but the next one began before verification did"
    ROLLED_BACK = "rolled back"
    FAILED = "failed"
    ABORTED = "aborted by a person"
    STUCK = "stuck: nothing wakes it again"
    UNFINISHED = "not over in time"


OUTCOMES = tuple(Outcome)


@dataclass(frozen=True)
class StepWorld:
    """How the world answers one step.

    An attempt `takes` some time. While there is an `outage`, which a run may be in when it first comes to the step
    and which lasts so many milliseconds from then, it ends Errored; until what it waits for is `ready`, so long
    after the first attempt of a Promotion that gets through, Running; else it comes back with one of `possible` by
    `results`, or with any of `open_to` where nobody knows. `holds` is whether its `if` does, where it cannot be
    decided: 1 or 0.
    """

    takes: Distribution = AT_ONCE
    results: Values = field(default_factory=lambda: always(0))
    possible: tuple[Result, ...] = (Result.SUCCEEDED, Result.ERRORED)
    open_to: tuple[int, ...] = ()
    ready: Distribution | None = None
    outage: Distribution | None = None
    poll_ms: int | None = None
    watched: bool = False
    holds: Values | None = None


@dataclass(frozen=True)
class Settling:
    """What follows a success: when the Stage is healthy, if ever (1 or 0), and what verification says (1 or 0)."""

    delay: Distribution = AT_ONCE
    healthy: Values = field(default_factory=lambda: always(1))
    verifies: bool = False
    takes: Distribution = AT_ONCE
    successful: Values = field(default_factory=lambda: always(1))


@dataclass(frozen=True)
class Disturbances:
    """What comes from outside.

    Whether a person aborts (1 or 0), and how long after the Promotion was created; how long after it was last
    started the controller is restarted, and how long it is `down` then. None: never.
    """

    aborts: Values | None = None
    abort_after: Distribution = AT_ONCE
    restarts: Distribution | None = None
    down: Distribution = AT_ONCE


@dataclass(frozen=True)
class Branch:
    """Stages that are promoted at the same time and push to one branch, or, if not `shared`, each to its own.

    The Promotions are created `apart` from the first moment. The Stages are divided among `controllers`, each of
    which passes over as many Promotions at a time as it has `workers`. `clone` and `push` are the numbers of the
    steps that do that. A push `integrates` for so long, and then takes as long as its step; what was pushed
    meanwhile `conflicts` with it or not (1 or 0). `retries` says whether git-push pulls and tries again, None that
    it does what the release does, and `gitlab` that it is GitLab that rejects pushes.
    """

    stages: int
    clone: int
    push: int
    shared: bool = True
    apart: Distribution = AT_ONCE
    controllers: int = 1
    workers: int = WORKERS
    retries: bool | None = None
    attempts: int = DEFAULT_ATTEMPTS
    gitlab: bool = False
    integrates: Distribution = AT_ONCE
    conflicts: Values = field(default_factory=lambda: always(0))


@dataclass(frozen=True)
class Study:
    """What is promoted, how the world behaves, how many runs are looked at, and which random numbers decide.

    A run is `promotions` Promotions of one Stage, created `every` so often, or one of each Stage of a `branch`; one
    is given up where it is not over after `until_ms`. `latency` is how long a watch takes to tell a controller,
    `hints` what a failing step hints at by the order of `Hint`.
    """

    template: Template
    steps: tuple[StepWorld, ...]
    behaviours: Behaviours = LATEST
    policy: FailurePolicy = NO_POLICY
    latency: Distribution = AT_ONCE
    settling: Settling = Settling()
    disturbances: Disturbances = Disturbances()
    branch: Branch | None = None
    promotions: int = 1
    every: Distribution = AT_ONCE
    hints: Values = field(default_factory=lambda: always(HINTS.index(Hint.RESTART)))
    runs: int = 10_000
    seed: int = 1
    until_ms: int = 24 * HOUR_MS
    confidence: float = 0.95
    name: str = "study"

    @property
    def each(self) -> int:
        """How many Promotions somebody asks for in a run."""
        return self.branch.stages if self.branch else self.promotions

    @property
    def sampled(self) -> bool:
        """Whether chance decides everything, so that runs can be drawn."""
        return not any(step.open_to for step in self.steps)


POLLS_SINCE_1_11: Mapping[str, int] = {"http": 30_000, "git-wait-for-pr": 30_000, "git-merge-pr": 10_000}
"""How soon a step that is Running asks to be polled, by kind, since 1.11; before, none of them asks.

Source: `pkg/promotion/runner/builtin: http_requester.go, git_pr_waiter.go, git_pr_merger.go`
"""

UPDATE, WAIT = "argocd-update", "argocd-wait"
WATCHING = (UPDATE, WAIT)
"""The kinds that wait for Argo CD Applications, which the controller watches."""


def poll_of(kind: str, behaviours: Behaviours) -> int | None:
    """How soon a Running step of this kind asks to be polled, in milliseconds, unless told otherwise."""
    if kind == UPDATE:
        return behaviours.update_poll_ms
    return POLLS_SINCE_1_11.get(kind) if behaviours.shortest_poll_ms is not None else None
