"""Which Freight a Stage promotes by itself: whether it does at all, the candidate, and what keeps it from that.

Whether it does is decided by the project's promotion policies. The candidate of a Warehouse is chosen from the
Freight that the listing has (`model.kargo.availability`), one after the other, oldest first: begin with `Choice()`,
call `choose` for each. Then `before_promotions` may say no whatever Promotions there are. If it does not, the
candidate's Promotions for the Stage are looked at, in order of creation: begin with `Guard()`, call `note` for
each, and ask for the `decision`.

Source: `pkg/controller/stages/regular_stages.go: autoPromoteFreight`, `pkg/api/auto_promotion.go` (since 1.11)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from model.kargo.label_selectors import Selector, matches
from model.kargo.name_patterns import PatternError, name_matches
from model.kargo.phases import PromotionPhase
from model.kargo.releases import AutoPromotionGuard, Behaviours
from model.kargo.requests import FreightRequest
from model.phase import Phase

# Whether the Stage promotes by itself


class PromotionPolicy(NamedTuple):
    """A policy of a project: the Stages that it is for, and whether these promote by themselves.

    `name` is a pattern for the Stage's name, or empty for any; the older field `stage` is such a pattern, too.

    Source: `api/v1alpha1/project_config_types.go: PromotionPolicy`, `PromotionPolicySelector`
    """

    enabled: bool
    name: str = ""
    labels: Selector = Selector()


def is_enabled(policies: Iterable[PromotionPolicy], stage: str, labels: Mapping[str, str]) -> bool:
    """Whether the Stage promotes by itself: the first policy that is for it decides; without any, it does not.

    Raises PatternError for a policy whose name is no pattern.

    Source: `IsAutoPromotionEnabled`; `autoPromotionAllowed` up to 1.10
    """
    policy = policy_for(policies, stage, labels)
    return policy is not None and policy.enabled


def policy_for(
    policies: Iterable[PromotionPolicy], stage: str, labels: Mapping[str, str]
) -> PromotionPolicy | None:
    """The policy that decides for the Stage: the first that is for it; None if none is.

    Raises PatternError for a policy whose name is no pattern.
    """
    for policy in policies:
        named = not policy.name or name_matches(policy.name, stage)
        if named and matches(policy.labels, labels):
            return policy
    return None


def deciding_policy(
    policies: Iterable[PromotionPolicy], stage: str, labels: Mapping[str, str]
) -> PromotionPolicy | None:
    """The same; None, too, if one of the policies has a name that is no pattern: then nothing is promoted."""
    try:
        return policy_for(policies, stage, labels)
    except PatternError:
        return None


# The candidate


class Dated(NamedTuple):
    """What the age of a Freight is told by: instants in milliseconds, and its name.

    Source: `Freight.EffectiveDiscoveredAt`
    """

    name: str
    created_ms: int
    discovered_ms: int | None = None


def oldest_first(freight: Iterable[Dated], behaviours: Behaviours) -> tuple[str, ...]:
    """The names of some Freight, in order of age: of those in the listing, the last is the newest."""
    if behaviours.newest_by_discovery:
        ordered = sorted(freight, key=lambda f: (_discovered(f), f.name))
    else:
        ordered = sorted(sorted(freight, reverse=True), key=lambda f: f.created_ms)
    return tuple(f.name for f in ordered)


def _discovered(freight: Dated) -> int:
    return freight.created_ms if freight.discovered_ms is None else freight.discovered_ms


class Choice(NamedTuple):
    """The newest Freight in the listing so far, if any, and whether there are several."""

    newest: str | None = None
    several: bool = False

    def is_ambiguous(self, request: FreightRequest) -> bool:
        """Whether the request wants what its upstream Stage has, and that seems to be several Freight.

        It does for a moment while one Freight takes the place of another there.
        """
        return self.several and request.matches_upstream


def choose(choice: Choice, freight: str, listed: bool) -> Choice:
    """The choice after one more Freight, which is newer than those before."""
    return Choice(freight, several=choice.newest is not None) if listed else choice


# What keeps it from being promoted


class Verdict(Phase):
    """What becomes of auto-promotion from one Warehouse in one pass."""

    NONE = "none", "No Freight of that origin is available."
    SEVERAL = "several", "Several Freight are upstream, where one is to be matched."
    HELD = "held", "Auto-promotion from that origin is on hold."
    CURRENT = "current", "The Stage has the candidate already."
    AWAITING = "awaiting", "The current Promotion is of the candidate."
    EXISTS = "exists", "The candidate was promoted to the Stage before."
    IN_FLIGHT = "in-flight", "A Promotion of the candidate is not over."
    UNPROCESSED = "unprocessed", "A Promotion of the candidate is not over, or its success not on record."
    LAST_NOT_SUCCEEDED = "last-not-succeeded", "A Promotion of the candidate is over and did not succeed."
    CREATED = "created", "The candidate is promoted."


def before_promotions(
    choice: Choice,
    request: FreightRequest,
    current: str | None,
    awaited: str | None,
    held: bool,
    behaviours: Behaviours,
) -> Verdict | None:
    """The verdict, where it does not depend on Promotions; None where it does.

    `current` is the Stage's current Freight from that Warehouse, `awaited` the Freight of its current Promotion
    (None while that is not known), `held` says whether a hold is effective. SEVERAL ends the pass with an error in
    a release that has `several_upstream_is_an_error`; in the others only this origin is left out.
    """
    if held:
        return Verdict.HELD
    if choice.newest is None:
        return Verdict.NONE
    if choice.is_ambiguous(request):
        return Verdict.SEVERAL
    if choice.newest == current:
        return Verdict.CURRENT
    if choice.newest == awaited and behaviours.auto_promotion_guard is AutoPromotionGuard.BY_OUTCOME:
        return Verdict.AWAITING
    return None


class Guard(NamedTuple):
    """What is known of the Promotions of one Freight for one Stage, as far as they were looked at.

    `unfinished`: one is not over. `unrecorded`: one succeeded and comes after the Stage's last recorded one.
    `succeeded`, `unsuccessful`: one that is over did, or did not, succeed; `last_succeeded` is which of these the
    latest one was, None as long as none is over.
    """

    unfinished: bool = False
    unrecorded: bool = False
    succeeded: bool = False
    unsuccessful: bool = False
    last_succeeded: bool | None = None


def note(guard: Guard, phase: PromotionPhase, after_last: bool) -> Guard:
    """The guard after one more Promotion, created after those before (of several at once: with a larger name).

    `after_last` says whether its name is larger than that of the Stage's last recorded Promotion, or there is none.

    Source: `unprocessedPromotionExistsForStageFreight`, `newestTerminalPromotionForStageFreight`
    """
    if not phase.terminal:
        return guard._replace(unfinished=True)
    if phase is PromotionPhase.SUCCEEDED:
        return guard._replace(succeeded=True, last_succeeded=True, unrecorded=guard.unrecorded or after_last)
    return guard._replace(unsuccessful=True, last_succeeded=False)


def decision(guard: Guard, request: FreightRequest, behaviours: Behaviours) -> tuple[Verdict, ...]:
    """The possible verdicts, all Promotions considered.

    There are two where the controller looks at an arbitrary Promotion of those that are over: it asks its cache for
    just one, before sorting them.
    """
    if behaviours.auto_promotion_guard is AutoPromotionGuard.BY_OUTCOME:
        return (_by_outcome(guard),)
    if behaviours.auto_promotion_guard is AutoPromotionGuard.BY_UNFINISHED:
        return (Verdict.IN_FLIGHT if guard.unfinished else Verdict.CREATED,)
    if request.matches_upstream:
        return _by_arbitrary_outcome(guard)
    exists = guard.unfinished or guard.last_succeeded is not None
    return (Verdict.EXISTS if exists else Verdict.CREATED,)


def _by_outcome(guard: Guard) -> Verdict:
    if guard.unfinished or guard.unrecorded:
        return Verdict.UNPROCESSED
    return Verdict.LAST_NOT_SUCCEEDED if guard.last_succeeded is False else Verdict.CREATED


def _by_arbitrary_outcome(guard: Guard) -> tuple[Verdict, ...]:
    if guard.unfinished:
        return (Verdict.IN_FLIGHT,)
    may_be_created = (Verdict.CREATED,) if guard.succeeded or not guard.unsuccessful else ()
    may_be_refused = (Verdict.LAST_NOT_SUCCEEDED,) if guard.unsuccessful else ()
    return may_be_created + may_be_refused
