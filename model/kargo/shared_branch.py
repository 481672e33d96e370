"""Stages that push to a branch: each clones it, commits, and pushes; whoever comes late is rejected.

A Promotion clones the branch at its head and commits, which touches nothing but the clone. A push goes through
only if the head is still where the commit began. Up to 1.1.1 that is all. Since then git-push first pulls and
rebases, which may conflict, and does both again when it is rejected; and in some releases the pushes of one
controller to a branch wait for each other, from the pull to the push.

Everybody works at the same time, so anything may come between any two of these. What becomes of a Promotion whose
push fails is up to the failure policy, by the rules of `model.kargo.loop.responses`.

Left out: steps before the clone and after the push, tags, pushes to generated branches (those are branches of their
own), and people who push.

Source: `pkg/promotion/runner/builtin/git_pusher.go`, `pkg/controller/git/work_tree.go: Push`,
`remote_commit_integration.go`
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from model.kargo.failure_policies import NO_POLICY, FailurePolicy, Hint, Response
from model.kargo.loop import responses
from model.kargo.loop.values import of
from model.kargo.phases import PromotionPhase
from model.kargo.push_retries import DEFAULT_ATTEMPTS, push_retries
from model.kargo.releases import Behaviours
from model.system import (
    Action,
    Outcomes,
    Part,
    Sequence,
    System,
    Value,
    Variable,
    action,
    local,
    only,
    outcome,
    required,
    sequence,
    variable,
)

WANTED, PREVIOUS = "wanted", "previous"
"""The Freight that is promoted, and the one that the Stage has."""

BRANCH = "main"
"""The branch that is shared."""


class Step(Enum):
    """What a Promotion does next."""

    __hash__ = object.__hash__

    CLONE = "git-clone, git-commit"
    PUSH = "git-push"
    PUSHING = "git-push, after it has integrated what was there"


class Branching(NamedTuple):
    """Who pushes where, and how: `tries` is how often one git-push pushes at most, `waits_ms` how long it waits.

    `shared` says whether all Stages push to one branch, or each to its own; the Stages are divided among
    `controllers`. `conflicts` says whether two commits may touch the same lines.
    """

    stages: int
    policy: FailurePolicy = NO_POLICY
    shared: bool = True
    controllers: int = 1
    integrates: bool = True
    locks: bool = True
    tries: int = push_retries().tries
    waits_ms: tuple[int, ...] = push_retries().waits_ms
    conflicts: bool = False
    force: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The Stages."""
        return tuple(f"s{k}" for k in range(1, self.stages + 1))

    def branch(self, stage: str) -> str:
        """Where a Stage pushes to."""
        return BRANCH if self.shared else stage

    def lock(self, stage: str) -> str:
        """The variable with the Stage that has the lock; without `locks` every push has one of its own."""
        controller = f"c{self.names.index(stage) % self.controllers + 1}"
        return of("lock", controller, self.branch(stage)) if self.locks else of("lock", stage)


def branching(
    behaviours: Behaviours,
    stages: int,
    *,
    max_attempts: int = DEFAULT_ATTEMPTS,
    gitlab: bool = False,
) -> Branching:
    """How the pushes of a release go; `gitlab` says that it is GitLab that rejects them."""
    found = Branching(stages, locks=behaviours.push_locks_branch)
    if not behaviours.push_integrates:
        return plain(found)
    understood = behaviours.gitlab_rejections_known or not gitlab
    return found._replace(**push_retries(max_attempts if understood else 1)._asdict())


def plain(setting: Branching) -> Branching:
    """The same without what git-push does about a branch that moves: as up to 1.1.1, and with `force`."""
    return setting._replace(integrates=False, locks=False, tries=1, waits_ms=())


# Rules


def clone(phase: PromotionPhase, step: Step, head: int) -> Outcomes:
    """Enabled for a Promotion that has no clone: the branch as it is now, and a commit on it."""
    if phase is not PromotionPhase.RUNNING or step is not Step.CLONE:
        return ()
    return only("clones and commits", base=head, step=Step.PUSH, rejected=0)


def integrate(
    phase: PromotionPhase, step: Step, base: int, head: int, lock: str | None, *, stage: str, conflicts: bool
) -> Outcomes:
    """Enabled where nobody else integrates and pushes under the same lock: what was pushed meanwhile is pulled."""
    if phase is not PromotionPhase.RUNNING or step is not Step.PUSH or lock is not None:
        return ()
    if base == head:
        return only("pulls nothing new", step=Step.PUSHING, lock=stage)
    rebased = outcome("pulls and rebases", step=Step.PUSHING, lock=stage, base=head)
    return (rebased, outcome("merge conflict", new_phase=PromotionPhase.FAILED)) if conflicts else (rebased,)


def push(
    phase: PromotionPhase, step: Step, base: int, head: int, rejected: int, *, when: Step, tries: int, force: bool
) -> Outcomes:
    """Enabled where a commit is ready: it is taken if it begins at the head, or if it is forced."""
    if phase is not PromotionPhase.RUNNING or step is not when:
        return ()
    if base == head or force:
        pushed = base + 1
        return only(
            "pushes", head=pushed, commit=pushed, pushed=pushed, lock=None, new_phase=PromotionPhase.SUCCEEDED
        )
    count = rejected + 1
    if count < tries:
        return only("is rejected, and tries again", rejected=count, lock=None, step=Step.PUSH)
    return only("is rejected", rejected=count, lock=None, new_phase=PromotionPhase.ERRORED)


def overwrite(commit: int | None, pushed: int | None) -> Outcomes:
    """Enabled where the commit of another Stage stood where one is pushed now: the branch has lost it."""
    return only(commit=None) if pushed is not None and commit is not None and commit >= pushed else ()


def settle(new_phase: PromotionPhase | None, anew: bool) -> Outcomes:
    """Enabled at the end of a push: the Promotion ends, begins anew, or does the step that failed once more."""
    if new_phase is None:
        return ()
    if new_phase is not PromotionPhase.RUNNING:
        return only(phase=new_phase, step=Step.PUSH)
    return only(step=Step.CLONE) if anew else only(step=Step.PUSH, rejected=0)


def create(wanted: str | None, next_attempt: int, next_response: Response | None) -> Outcomes:
    """Enabled where the policy wants a Promotion: it begins."""
    if wanted is None:
        return ()
    again: dict[str, Value] = {"attempt": next_attempt, "response": next_response, "hint": None, "answered": None}
    return only(f"creates a Promotion of the {wanted} Freight", freight=wanted, step=Step.CLONE, **RUNS, **again)


RUNS: dict[str, Value] = {"phase": PromotionPhase.RUNNING, "starts": 0}


# The system


def system(name: str, setting: Branching) -> System:
    """Promotions of all Stages that run at the same time."""
    return System(name, tuple(_variables(setting)), tuple(_actions(setting)))


def _variables(setting: Branching) -> Iterator[Variable]:
    stages = setting.names
    heads = range(len(stages) + 1)
    for branch in dict.fromkeys(map(setting.branch, stages)):
        yield variable(of("head", branch), 0, domain=heads)
    for lock in dict.fromkeys(map(setting.lock, stages)):
        yield variable(lock, None, domain=(None, *stages))
    for stage in stages:
        yield variable(of("phase", stage), PromotionPhase.RUNNING, domain=(PromotionPhase.RUNNING, *ENDS))
        yield variable(of("step", stage), Step.CLONE, domain=Step)
        yield variable(of("base", stage), 0, domain=heads)
        yield variable(of("rejected", stage), 0, domain=range(setting.tries + 1))
        yield variable(of("commit", stage), None, domain=(None, *heads))
        yield variable(of("freight", stage), WANTED, domain=(WANTED, PREVIOUS))
        yield variable(of("answered", stage), None, domain=(None, stage))
        yield from responses.slot_variables(setting.policy, stage)
    yield local("new_phase", None)
    yield local("new_step", None)
    yield local("stopped_at", None)
    yield local("pushed", None)
    yield local("wanted", None)
    yield local("asking", "")
    yield from responses.pass_variables()


ENDS = (PromotionPhase.SUCCEEDED, *responses.FAILED)


def _actions(setting: Branching) -> Iterator[Sequence | Action]:
    for stage in setting.names:
        head = of("head", setting.branch(stage))
        mine = {field: of(field, stage) for field in ("phase", "step", "base", "rejected")}
        cloning = {"base": mine["base"], "rejected": mine["rejected"]}
        binding = {"phase": mine["phase"], "step": mine["step"], "head": head}
        yield action(clone, f"clone {stage}", actor=ACTOR, reads=binding, writes=cloning)
        if setting.integrates:
            yield _ending(f"integrate {stage}", _integrate(setting, stage), setting, stage)
        yield _ending(f"push {stage}", _push(setting, stage), setting, stage, *_overwriting(setting, stage))
        if setting.policy.response is not Response.NONE:
            yield _respond(setting.policy, stage)


ACTOR = "controller"


def _integrate(setting: Branching, stage: str) -> Action:
    reads = {field: of(field, stage) for field in ("phase", "step", "base")}
    reads |= {"head": of("head", setting.branch(stage)), "lock": setting.lock(stage)}
    fixed: dict[str, Value] = {"stage": stage, "conflicts": setting.conflicts}
    return action(integrate, constants=fixed, reads=reads, writes=("new_phase",))


def _push(setting: Branching, stage: str) -> Action:
    reads = {field: of(field, stage) for field in ("phase", "step", "base", "rejected")}
    reads |= {"head": of("head", setting.branch(stage))}
    writes = {"lock": setting.lock(stage), "commit": of("commit", stage)}
    when = Step.PUSHING if setting.integrates else Step.PUSH
    fixed: dict[str, Value] = {"when": when, "tries": setting.tries, "force": setting.force}
    same = {name: name for name in ("pushed", "new_phase")}
    return action(push, constants=fixed, reads=reads, writes=writes | same)


def _overwriting(setting: Branching, stage: str) -> Iterator[Action]:
    """What stood on the branch after the place where this Stage pushes."""
    for other in setting.names:
        if other != stage and setting.branch(other) == setting.branch(stage):
            yield action(overwrite, commit=of("commit", other))


def _ending(name: str, body: Action, setting: Branching, stage: str, *more: Action) -> Sequence:
    """A step of git-push, and what becomes of the Promotion if that was its end."""
    settling = action(settle, writes={field: of(field, stage) for field in ("phase", "step", "rejected")})
    concluding = responses.concluding(setting.policy, stage)
    return sequence(name, required(body), *more, *concluding, settling, actor=ACTOR)


def _respond(policy: FailurePolicy, stage: str) -> Sequence:
    """The pass of a Stage whose Promotion has failed."""
    tried = {field: of(field, stage) for field in ("attempt", "freight", "hint", "response")}
    noting = action(_note, reads=tried, writes=("tried",))
    answering = {"last_phase": of("phase", stage), "answered": of("answered", stage)}
    fixed: dict[str, Value] = {"last": stage, "in_use": PREVIOUS, "busy": False, "policy": policy}
    writes = ("wanted", "asking", "next_attempt", "next_response")
    responding = action(responses.respond, constants=fixed, reads=answering, writes=writes)
    fields = ("phase", "step", "freight", "attempt", "response", "hint", "starts", "answered")
    creating = action(create, writes={field: of(field, stage) for field in fields})
    failed = ((of("phase", stage), responses.FAILED),)
    unanswered = ((of("answered", stage), (None,)),)
    parts = (Part(noting), Part(responding, (*failed, *unanswered), required=True), Part(creating))
    return Sequence(f"respond {stage}", parts, ACTOR)


def _note(attempt: int, freight: str, hint: Hint | None, response: Response | None) -> Outcomes:
    """What was tried, as the policy wants to know it."""
    return only(tried=(freight, attempt, hint, response))
