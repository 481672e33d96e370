"""What must hold of Stages that push to one branch, the systems that are checked, and what limits it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from invariants.check import check
from invariants.findings import no_property
from invariants.kargo.spreads import Spread
from invariants.properties import Fairness, Property, always, eventually, every_step, sometimes, weak
from invariants.subjects import Subject
from invariants.verdicts import Verdict
from model.kargo import shared_branch
from model.kargo.failure_policies import NO_POLICY, FailurePolicy, Response
from model.kargo.loop.values import of
from model.kargo.phases import PromotionPhase
from model.kargo.releases import Behaviours
from model.kargo.shared_branch import WANTED, Branching, Step, branching, plain

FAILED = (PromotionPhase.FAILED, PromotionPhase.ERRORED)


# Claims


def no_push_is_rejected(rejected: int) -> bool:
    """The branch is where it was when the commit was made, or pulled to."""
    return rejected == 0


def it_is_promoted(phase: PromotionPhase, freight: str) -> bool:
    """The Freight that was wanted is promoted."""
    return phase is PromotionPhase.SUCCEEDED and freight == WANTED


def no_stage_is_left_behind(phase: PromotionPhase, freight: str, answered: str | None, *, responds: bool) -> bool:
    """A Promotion that is over, and that nobody will respond to, has promoted the Freight that was wanted."""
    if phase in FAILED:
        return responds and answered is None
    return phase is PromotionPhase.RUNNING or freight == WANTED


def no_promotion_fails(phase: PromotionPhase) -> bool:
    """Whatever the others push meanwhile."""
    return phase not in FAILED


def a_push_that_is_rejected_stays_so(step: Step, rejected: int, base: int, head: int) -> bool:
    """To push the same commit once more is of no use: the branch does not go back."""
    return rejected == 0 or step is not Step.PUSH or base < head


def a_pushed_commit_stays(commit: int | None, next_commit: int | None) -> bool:
    """Nobody overwrites on the branch what another Stage has pushed."""
    return commit is None or next_commit == commit


def one_push_has_the_lock(**steps: Step) -> bool:
    """Of those that share a lock at most one is between the pull and the push."""
    return sum(step is Step.PUSHING for step in steps.values()) <= 1


# Situations


def a_push_is_rejected(rejected: int) -> bool:
    """The branch has moved."""
    return rejected > 0


def a_promotion_fails(phase: PromotionPhase) -> bool:
    """A push was rejected too often, or conflicts."""
    return phase in FAILED


def a_push_has_integrated(step: Step) -> bool:
    """A push is between the pull and the push."""
    return step is Step.PUSHING


def a_commit_is_on_the_branch(commit: int | None) -> bool:
    """A Stage has pushed."""
    return commit is not None


# Systems


def claims(setting: Branching) -> Iterator[Property]:
    """Every claim, for each Stage, and the situations they speak of."""
    yield from _situations(setting)
    for stage in setting.names:
        yield from _of_stage(setting, stage)
    if setting.integrates:
        for lock in dict.fromkeys(map(setting.lock, setting.names)):
            under = {f"of_{s}": of("step", s) for s in setting.names if setting.lock(s) == lock}
            one = Spread(one_push_has_the_lock, tuple(under))
            yield always(one, f"{one_push_has_the_lock.__name__} [{lock}]", reads=under)


def _of_stage(setting: Branching, stage: str) -> Iterator[Property]:
    def name(claim: Callable[..., bool]) -> str:
        return f"{claim.__name__} [{stage}]"

    phase, rejected, commit = (of(field, stage) for field in ("phase", "rejected", "commit"))
    yield always(no_push_is_rejected, name(no_push_is_rejected), rejected=rejected)
    yield always(no_promotion_fails, name(no_promotion_fails), phase=phase)
    yield every_step(a_pushed_commit_stays, name(a_pushed_commit_stays), commit=commit)
    reads = {"phase": phase, "freight": of("freight", stage)}
    yield eventually(it_is_promoted, name(it_is_promoted), fair=_everybody(setting), reads=reads)
    yield always(
        no_stage_is_left_behind,
        name(no_stage_is_left_behind),
        constants={"responds": setting.policy.response is not Response.NONE},
        reads=reads | {"answered": of("answered", stage)},
    )
    if not setting.integrates and not setting.force:
        again = a_push_that_is_rejected_stays_so
        reads = {"step": of("step", stage), "rejected": rejected, "base": of("base", stage)}
        yield always(again, name(again), reads=reads | {"head": of("head", setting.branch(stage))})


def _everybody(setting: Branching) -> tuple[Fairness, ...]:
    """Every pass comes some time."""
    kinds = ["clone", "push"]
    kinds += ["integrate"] if setting.integrates else []
    kinds += ["respond"] if setting.policy.response is not Response.NONE else []
    return tuple(weak(f"{kind} {stage}") for stage in setting.names for kind in kinds)


def _situations(setting: Branching) -> Iterator[Property]:
    first = setting.names[0]
    yield sometimes(a_commit_is_on_the_branch, commit=of("commit", first))
    if setting.integrates:
        yield sometimes(a_push_has_integrated, step=of("step", first))
    alone = setting.locks and setting.controllers == 1
    if setting.shared and not setting.force and not alone:
        yield sometimes(a_push_is_rejected, rejected=of("rejected", first))
    if setting.conflicts or (setting.shared and not setting.force and setting.tries < setting.stages):
        yield sometimes(a_promotion_fails, phase=of("phase", first))


def explored(name: str, about: str, setting: Branching) -> Subject:
    """A system with the claims about it."""
    return Subject(name, about, shared_branch.system(name, setting), tuple(claims(setting)), QUIET)


QUIET = ("answered", "attempt", "starts", "begun", "response", "lock")
"""What a story need not tell of."""

STAGES = 3

_SYSTEMS: dict[str, tuple[str, Callable[[Branching], Branching]]] = {
    "shared-branch": (
        f"{STAGES} Stages of two controllers that push to one branch",
        lambda release: release._replace(controllers=2),
    ),
    "plain-push": (
        f"{STAGES} Stages that push to one branch as it was done up to 1.1.1: without a pull, and once",
        plain,
    ),
    "conflicting-pushes": (
        f"{STAGES} Stages that push to one branch, and may change the same lines",
        lambda release: release._replace(conflicts=True),
    ),
    "dedicated-branches": (
        f"{STAGES} Stages with a branch for each, to which they push as it was done up to 1.1.1",
        lambda release: plain(release)._replace(shared=False),
    ),
    "forced-pushes": (
        f"{STAGES} Stages that push to one branch with `force`",
        lambda release: plain(release)._replace(force=True),
    ),
}

NAMES = tuple(_SYSTEMS)
"""What to call them."""


def subject(name: str, behaviours: Behaviours) -> Subject:
    """The system called `name` as one release behaves.

    Raises KeyError for a name that is not one of `NAMES`.
    """
    about, change = _SYSTEMS[name]
    return explored(name, about, change(branching(behaviours, STAGES)))


def under_policy(
    policy: FailurePolicy, behaviours: Behaviours, stages: int, changes: Iterable[tuple[str, Any]] = ()
) -> Subject:
    """Stages that push to one branch under a failure policy, each of another controller; `changes` are to that."""
    setting = branching(behaviours, stages)._replace(policy=policy, controllers=stages)
    return explored(f"pushes under {policy}", "Stages that push to one branch", setting._replace(**dict(changes)))


# Limits


def _holds(claim: Callable[..., bool], setting: Branching) -> bool:
    """Whether a claim holds of every Stage."""
    asked = [p for p in claims(setting) if p.function is claim]
    system = shared_branch.system("limits", setting)
    found = check(system, asked, strategy="saturation", transitions=False, traced=no_property)
    return all(j.verdict is Verdict.HOLDS for j in found.judgements)


def least_limit(response: Response, setting: Branching) -> int | None:
    """The smallest limit within which that response gets all Stages promoted, whoever comes first.

    0 if it takes no policy, None if a limit of as many as there are Stages is not enough.
    """
    if _holds(no_stage_is_left_behind, setting._replace(policy=NO_POLICY)):
        return 0
    if response is Response.NONE:
        return None
    policies = (FailurePolicy(response, limit) for limit in range(1, setting.stages + 1))
    enough = (p.limit for p in policies if _holds(no_stage_is_left_behind, setting._replace(policy=p)))
    return next(enough, None)


def push_limits(
    policies: Iterable[FailurePolicy], behaviours: Behaviours, stages: int
) -> Mapping[Response, int | None]:
    """For each response the smallest limit where every Stage is of another controller and a push is tried once."""
    setting = plain(branching(behaviours, stages))._replace(controllers=stages)
    return {r: least_limit(r, setting) for r in dict.fromkeys(p.response for p in policies)}


def least_tries(setting: Branching) -> int | None:
    """The smallest number of tries of one push with which no Promotion fails; None if one per Stage is too few."""
    tries = range(1, setting.stages + 1)
    return next((n for n in tries if _holds(no_promotion_fails, setting._replace(tries=n))), None)
