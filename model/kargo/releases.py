"""What differs between Kargo releases, as values.

A release is a value of `Behaviours`; a bug report is a pair of values; a proposed fix is one more. Each
behaviour names the symbol in the controller's source that it stands for and the change that brought it. Add
one only where the recordings or the source of some release differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from model.kargo.phases import HealthState
from model.releases import named


class Cancellation(Enum):
    """What the engine does when the controller's context is cancelled as it comes to a step."""

    __hash__ = object.__hash__

    ENDS_THE_STEP = "the step, started or not, is Errored, and the final phase is computed as usual"
    ENDS_THE_PROMOTION = "a started step is Errored, and the Promotion with it"


class ErrorPrefix(Enum):
    """Which of a runner's errors are introduced as errors."""

    __hash__ = object.__hash__

    ALWAYS = 'always `error running step "x": `'
    ONLY_WITH_ERRORED = 'that only with the status Errored, else `step "x": `'


class AutoPromotionGuard(Enum):
    """Which Promotions of a candidate keep the controller from promoting it by itself."""

    __hash__ = object.__hash__

    BY_UNFINISHED = "one that is not over"
    BY_POLICY = "NewestFreight: any. MatchUpstream: one that is not over, or some one that did not succeed"
    BY_OUTCOME = (
        "one that is not over, a success that is not on record, or the newest that is over, unless a success"
    )


class PromotionGate(Enum):
    """What the next Promotion has to wait for while the Stage has Freight.

    "Recorded" speaks of the newest verification of that Freight, "healthy" of the health the Stage was last found
    to have. Except with NONE, a verification under way always comes first.
    """

    __hash__ = object.__hash__

    NONE = "nothing (up to 0.9)"
    RECORDED_AFTER_SUCCESS = (
        "after a success, unless unhealthy: any verification recorded, which a Stage that asks for none never has "
        "(1.0.0, #2762, #2782, #2783)"
    )
    RECORDED_OR_HEALTHY_AFTER_SUCCESS = (
        "after a success, unless unhealthy: any verification recorded; where none is asked for, to be healthy "
        "(1.0.1 to 1.0.4, #2797; health is then read inside the gate, here it is that of the pass before)"
    )
    SUCCESSFUL = "unless unhealthy: a verification recorded that was Successful (1.1.0, #2905)"
    OVER = "unless unhealthy: a verification recorded that is over (1.1.1 to 1.4.3, #3098)"
    OVER_IF_IT_CAN_BEGIN = (
        "only if healthy, or nobody has looked yet: a verification recorded that is over (from 1.4.4 on, #3903)"
    )


class HealthTrust(Enum):
    """When the health that an Argo CD Application shows is believed."""

    __hash__ = object.__hash__

    COOLED_DOWN = "once its last operation has succeeded, and ten seconds have passed since"
    RECONCILED = "once Argo CD has looked at it after its last operation ended, whatever came of that"


@dataclass(frozen=True, slots=True)
class Behaviours:
    """How one release of the controller behaves, as far as releases differ."""

    release: str
    """The release whose expression functions, messages and step kinds apply."""

    if_reevaluated_on_retry: bool
    """The `if` of a step, or the rule that stands in for it, is asked again at every attempt.
    True up to 1.8.4. `simpleEngine.executeSteps`; fixed by #5490 and #5510."""

    error_count_resets_while_running: bool
    """A Running result sets the error count back to zero. 1.8 only. `determineStepCompletion`"""

    retryable_error_backs_off: bool
    """A step that will be retried makes the reconciler return its error, and so the queue's exponential backoff.
    From 1.8.5 and 1.9.0 on; before, the Promotion is merely polled. #5491, #5513."""

    failed_status_kept: bool
    """A step that ends Failed stays Failed, be the error terminal or the last one allowed.
    From 1.10.0 on; before, it ends Errored. `determineStepCompletion`, #5941."""

    cancellation: Cancellation
    """`simpleEngine.isContextCanceled` up to 1.8, `LocalOrchestrator.ExecuteSteps` since 1.9."""

    context_failure_is_a_result: bool
    """A step whose context cannot be built ends like one that returned a terminal error, with a finish time and
    an empty output. 1.8 only; since 1.9 it is Errored without either. `prepareStepContext`, `BuildStepContext`"""

    first_finish_time_kept: bool
    """A step that shares the entry of one that is over leaves its finish time as it is. Since 1.9; in 1.8 every
    end writes its own. `StepMetadata.Finished`, `simpleEngine.determineStepCompletion`"""

    panic_text: str
    """The error a panicking runner leaves, of `{alias}` and `{value}`."""

    every_end_removes_work_dir: bool
    """A pass that ends the Promotion without a result of the engine, because it panicked or was not even asked,
    removes the work directory as any other does. From 1.10.0 on; before, it stays, and is found again if the end
    could not be written. `promote`, #5805."""

    unknown_kind_text: str
    """The message of a step for whose `{kind}` no runner is registered."""

    final_error_returned: bool
    """The engine returns an Errored end as an error, too. 1.8.3 only. `simpleEngine.Promote`"""

    shortest_poll_ms: int | None
    """The shortest interval a step may ask for, in milliseconds; None where it gets what it asks for, even a
    negative one, which means never. 10 s from 1.11.0 on.
    `minSuggestedRequeueInterval`"""

    error_prefix: ErrorPrefix
    """`LocalStepExecutor.ExecuteStep`"""

    absent_config_is_empty: bool
    """A runner of a step without config gets an empty one instead of none. main only. `StepEvaluator.Config`"""

    applications_watched_closely: bool
    """An Argo CD Application wakes Promotions also by its health, its sync status and by being looked at after an
    operation; Stages by the phase of its operation, its revisions and by being looked at after an operation, but no
    longer by its sync status. From 1.10.0 on. `ArgoCDAppHealthChanged`, `ArgoCDAppSyncChanged`,
    `ArgoCDAppReconciledAfterOperation`, `appHealthOrSyncStatusChanged`, #5995."""

    selected_applications_wake: bool
    """An Application wakes Promotions that select it by its labels, also when it is created or deleted; and a
    change of its labels wakes, too. From 1.11.0 on. `enqueueSelectorMatches`, `ArgoCDAppLabelsChanged`, #6401."""

    several_authorized_stages: bool
    """An Application may be authorised for a list of Stages, with spaces around the names. From 1.11.0 on; before,
    for one, written exactly. `AuthorizedStages`, #6398."""

    approval_needs_request: bool
    """Approval makes a Freight available only to a Stage that requests Freight of its origin.
    From 1.11.0 on; before, to any. `Stage.IsFreightAvailable`, #6572"""

    newest_by_discovery: bool
    """The newest Freight is the one discovered last, of several the one with the largest name. From 1.11.0 on;
    before, the one created last, of several an unspecified one (the smallest name, if they are few).
    `SelectAutoPromotionCandidates`, #6494"""

    several_upstream_is_an_error: bool
    """Several Freight where the policy MatchUpstream expects one are an error that ends the pass. Up to 1.10; since
    1.11.0 that origin is merely left out. `autoPromoteFreight`, `SelectAutoPromotionCandidates`"""

    auto_promotion_guard: AutoPromotionGuard
    """By policy from 1.8.0 up to 1.10, by outcome from 1.11.0 on; then a candidate is also left alone while the
    current Promotion is of it. `autoPromoteFreight`, #6591"""

    holds: bool
    """Promoting an older Freight holds auto-promotion from its origin. From 1.11.0 on.
    `AutoPromotionHold`, #6591"""

    unknown_health_is_an_error: bool
    """A Stage whose health is Unknown, and not because its last Promotion did not succeed, fails its pass: nothing
    is verified, marked or promoted, and the queue backs off. Up to 1.9.
    `RegularStageReconciler.reconcile`, #5995."""

    unstarted_inherits_collection: bool
    """A Promotion that never started takes over the collection of the one recorded before it, so that the next one
    still finds the Freight of other origins there. From 1.11.2 on. `syncPromotions`, #6821."""

    adopted_run_finishes_now: bool
    """A verification that takes over an AnalysisRun is finished now, not when that was. Since 1.11.
    `startVerification`"""

    end_of_run_needs_its_phase: bool
    """When an AnalysisRun was completed counts only while its phase says that it is over. Up to 1.10; since, it
    counts in every phase. `AnalysisRunStatus.CompletedAt`"""

    names_overwritten: bool
    """Admission gives every Promotion a generated name, and the steps of its Stage. Since 1.11; before, it keeps
    both as they are given. `webhook.Default`, #6215."""

    policy_read_first: bool
    """A Stage pass reads once, as it begins, whether auto-promotion is enabled. Since 1.11; before, it does so
    when it comes to promote. `RegularStageReconciler.reconcile`"""

    freight_error_is_shown_once: bool
    """An error in syncing Freight is not shown where the error of an earlier pass still is: the conditions change
    in the very object that they are then compared with, so that nothing is found to write. Up to 1.10.
    `RegularStageReconciler.reconcile`, #6559."""

    reads_past_the_cache: bool
    """A Promotion pass reads the Promotion from the API server itself. From 1.9.6 and 1.10.0 on; before, it may see
    one that is older than its own last write. `reconciler.Reconcile`, #6029."""

    promotion_gate: PromotionGate
    """The same in every release that was recorded. `syncPromotions`"""

    records_in_every_pass: bool
    """Promotions that are over are put on record by every pass over their Stage, not only by one that finds its
    current one to be over. Up to 1.0. `syncPromotions`, #2905"""

    health_without_success: HealthState | None
    """The health of a Stage whose last Promotion did not succeed; None where it stays as it was. Unhealthy from
    1.1.0 on (#3053), Unknown from 1.3.0 on. `assessHealth`"""

    health_trust: HealthTrust
    """Up to 1.9 a matter of ten seconds, from 1.10.0 on of `reconciledAt`, which was not read before.
    `getApplicationHealth`, #5995"""

    revisions_before_health: bool
    """Whether an Application is at the desired revisions is looked at before its health, and not only if it is
    healthy. From 1.10.0 on. `getApplicationHealth`, #5995"""

    reported_status_sanitized: bool
    """The health of a Stage keeps of its Applications' status nothing that changes all the time. From 1.10.10 and
    1.11.2 on. `sanitizeAppStatus`, #6832"""

    argocd_selectors: bool
    """The Argo CD steps may choose Applications by their labels. From 1.9.0 on. `ArgoCDAppSelector`, #5416"""

    refused_apps_passed_over: bool
    """Of Applications that do not authorise the Stage argocd-update only says that there is no other. From 1.9.0
    on; before, it says why, and introduces that as an error of getting the Application.
    `getAuthorizedApplications`, #5416"""

    update_poll_ms: int | None
    """How long after its last attempt an argocd-update that is Running asks for the next; None if it does not.
    30 s up to 1.9. `argocdUpdater.run`, #6033"""

    discovery_attempts: int
    """How often argocd-update reads Applications while the API server does not know their kind.
    6 from 1.11.0 on, once before. `withDiscoveryRetry`, #6583, #6606"""

    resolved_apps_in_output: bool
    """The Argo CD steps output the names of the Applications they found. main only.
    `ArgoCDAppRefsToOutput`, #6766"""

    push_integrates: bool
    """A git-push pulls and rebases before it pushes, and does both again if the push is rejected because the branch
    has moved. From 1.1.2 on; before, the commit is pushed as it is, once. `gitPushPusher.run`, #3071, #3119"""

    push_locks_branch: bool
    """Of one controller, one git-push at a time integrates and pushes to a branch. Up to 1.7 and from 1.9.6 on; in
    between every push had a lock of its own. `gitPushPusher.push`, #5079, #5888"""

    gitlab_rejections_known: bool
    """The words in which GitLab rejects a push to a branch that has just moved are understood, so that it is tried
    again. From 1.8.7 and 1.9.0 on. `nonFastForwardRegex`, #5286, #5315"""

    shows_running_until_retried: bool = False
    """A step that will be retried has the status Running meanwhile. In no release: it was proposed in #5379."""


V1_8_3 = Behaviours(
    release="1.8.3",
    if_reevaluated_on_retry=True,
    error_count_resets_while_running=True,
    retryable_error_backs_off=False,
    failed_status_kept=False,
    cancellation=Cancellation.ENDS_THE_STEP,
    context_failure_is_a_result=True,
    first_finish_time_kept=False,
    panic_text='step "{alias}" panicked: {value}',
    every_end_removes_work_dir=False,
    unknown_kind_text='no promotion step runner found for kind "{kind}"',
    final_error_returned=True,
    shortest_poll_ms=None,
    error_prefix=ErrorPrefix.ALWAYS,
    absent_config_is_empty=False,
    applications_watched_closely=False,
    selected_applications_wake=False,
    several_authorized_stages=False,
    unknown_health_is_an_error=True,
    unstarted_inherits_collection=False,
    adopted_run_finishes_now=False,
    end_of_run_needs_its_phase=True,
    names_overwritten=False,
    policy_read_first=False,
    freight_error_is_shown_once=True,
    reads_past_the_cache=False,
    approval_needs_request=False,
    newest_by_discovery=False,
    several_upstream_is_an_error=True,
    auto_promotion_guard=AutoPromotionGuard.BY_POLICY,
    holds=False,
    promotion_gate=PromotionGate.OVER_IF_IT_CAN_BEGIN,
    records_in_every_pass=False,
    health_without_success=HealthState.UNKNOWN,
    health_trust=HealthTrust.COOLED_DOWN,
    revisions_before_health=False,
    reported_status_sanitized=False,
    argocd_selectors=False,
    refused_apps_passed_over=False,
    update_poll_ms=30_000,
    discovery_attempts=1,
    resolved_apps_in_output=False,
    push_integrates=True,
    push_locks_branch=False,
    gitlab_rejections_known=False,
)
V1_8_5 = replace(
    V1_8_3,
    release="1.8.5",
    if_reevaluated_on_retry=False,
    retryable_error_backs_off=True,
    final_error_returned=False,
)
V1_9_9 = replace(
    V1_8_5,
    release="1.9.9",
    error_count_resets_while_running=False,
    cancellation=Cancellation.ENDS_THE_PROMOTION,
    context_failure_is_a_result=False,
    first_finish_time_kept=True,
    panic_text='error running step "{alias}": step panicked: {value}',
    unknown_kind_text='error getting runner for step kind "{kind}"',
    reads_past_the_cache=True,
    argocd_selectors=True,
    refused_apps_passed_over=True,
    push_locks_branch=True,
    gitlab_rejections_known=True,
)
V1_10_10 = replace(
    V1_9_9,
    release="1.10.10",
    every_end_removes_work_dir=True,
    failed_status_kept=True,
    error_prefix=ErrorPrefix.ONLY_WITH_ERRORED,
    unknown_health_is_an_error=False,
    applications_watched_closely=True,
    health_trust=HealthTrust.RECONCILED,
    revisions_before_health=True,
    reported_status_sanitized=True,
    update_poll_ms=None,
)
V1_11_2 = replace(
    V1_10_10,
    release="1.11.2",
    shortest_poll_ms=10_000,
    unknown_kind_text=(
        'step kind "{kind}" is not registered; verify the kind is correct; if you are a Kargo Enterprise user, '
        "you may need to enable the promotion controller"
    ),
    unstarted_inherits_collection=True,
    adopted_run_finishes_now=True,
    end_of_run_needs_its_phase=False,
    names_overwritten=True,
    policy_read_first=True,
    freight_error_is_shown_once=False,
    approval_needs_request=True,
    newest_by_discovery=True,
    several_upstream_is_an_error=False,
    auto_promotion_guard=AutoPromotionGuard.BY_OUTCOME,
    holds=True,
    selected_applications_wake=True,
    several_authorized_stages=True,
    discovery_attempts=6,
)
MAIN = replace(V1_11_2, release="main", absent_config_is_empty=True, resolved_apps_in_output=True)

RELEASES: dict[str, Behaviours] = {b.release: b for b in (V1_8_3, V1_8_5, V1_9_9, V1_10_10, V1_11_2, MAIN)}
"""The releases that were recorded, oldest first."""

LATEST = V1_11_2
"""The newest release proper: what is meant where none is named."""


def release(name: str) -> Behaviours:
    """The behaviours of the release called `name`, with or without a leading `v`.

    Raises UnknownReleaseError.
    """
    return named("Kargo", name, RELEASES)
