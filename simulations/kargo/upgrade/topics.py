"""The behaviours that releases differ in, for those who upgrade: where each shows, what to do before.

What a behaviour is, is said where it is declared (`model.kargo.releases.Behaviours`); here is only what follows
from it for manifests.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache

from model.kargo.releases import Behaviours


class Where(Enum):
    """Where a behaviour shows, and so how it is found whether some manifests can reach it."""

    __hash__ = object.__hash__

    STEPS = "in what becomes of the steps of a Promotion"
    LOOP = "in how Stages, Promotions and Freight move each other"
    APPLICATIONS = "in how Argo CD Applications are chosen, synced, watched and believed"
    PUSHES = "in what happens when two Stages push to one branch"
    NAMES = "in the names and steps of Promotions that are made by hand"
    LANGUAGE = "in expressions, and in how soon steps that wait are run again"
    WORDS = "in messages and other things that decide nothing"
    FAULTS = "when the controller is restarted, or sees what is out of date"


@dataclass(frozen=True, slots=True)
class Topic:
    """A behaviour: where it shows, and what to look at before an upgrade that changes it."""

    field: str
    where: Where
    before: str


_S, _L, _A, _W, _F = Where.STEPS, Where.LOOP, Where.APPLICATIONS, Where.WORDS, Where.FAULTS

_TOPICS = (
    Topic(
        "release",
        Where.LANGUAGE,
        "run `kargo-model lint` with the new release: it finds expressions that fail; since 1.11 steps that wait "
        "(git-merge-pr, git-wait-for-pr, http) are run again after 10 or 30 seconds, or their `pollInterval`",
    ),
    Topic("if_reevaluated_on_retry", _S, "take `if: ${{ always() }}` away where it was there only for retries"),
    Topic(
        "error_count_resets_while_running",
        _S,
        "raise the errorThreshold of steps that wait long and err now and then: their errors add up",
    ),
    Topic(
        "retryable_error_backs_off",
        _S,
        "an errorThreshold of a few is used up within milliseconds: let a step wait for what may be away",
    ),
    Topic(
        "failed_status_kept", _S, "what looks for Errored, such as alerts and `status(...)`, has to look for Failed"
    ),
    Topic("cancellation", _F, "nothing; after a restart of the controller, look at Promotions that were running"),
    Topic("context_failure_is_a_result", _S, "do not rely on the finish time, or on the output, of such a step"),
    Topic("first_finish_time_kept", _W, "nothing"),
    Topic("panic_text", _W, "alerts that look for the message"),
    Topic("every_end_removes_work_dir", _F, "nothing"),
    Topic("unknown_kind_text", _W, "alerts that look for the message"),
    Topic("final_error_returned", _W, "nothing; the log of the controller has one error less"),
    Topic("shortest_poll_ms", _S, "nothing; a `pollInterval` below ten seconds counts as ten"),
    Topic("error_prefix", _W, "alerts that look for the message"),
    Topic("absent_config_is_empty", _W, "nothing"),
    Topic("applications_watched_closely", _A, "nothing; waiting steps go on sooner"),
    Topic("selected_applications_wake", _A, "nothing; waiting steps go on sooner"),
    Topic("several_authorized_stages", _A, "nothing; Applications may be shared from then on"),
    Topic(
        "approval_needs_request",
        _L,
        "approvals of Freight from Warehouses that the Stage does not request are void",
    ),
    Topic(
        "newest_by_discovery",
        _L,
        "Freight that was discovered late may come first: look at what is not promoted",
    ),
    Topic(
        "several_upstream_is_an_error", _L, "nothing; a Stage that matches its upstream no longer fails its passes"
    ),
    Topic(
        "auto_promotion_guard",
        _L,
        "Freight that was promoted before, and is the newest again, is promoted again; Freight whose last "
        "Promotion did not succeed is left alone until somebody promotes it",
    ),
    Topic("holds", _L, "who promotes older Freight by hand holds auto-promotion; somebody has to end that hold"),
    Topic("unknown_health_is_an_error", _L, "nothing; verification begins sooner"),
    Topic(
        "unstarted_inherits_collection", _L, "nothing; where an origin is lost already, promote its Freight again"
    ),
    Topic("adopted_run_finishes_now", _W, "nothing"),
    Topic("end_of_run_needs_its_phase", _W, "nothing"),
    Topic(
        "names_overwritten",
        Where.NAMES,
        "delete Promotions with names of their own, and do not rely on names, or on steps other than those of the "
        "Stage, in manifests of Promotions",
    ),
    Topic("policy_read_first", _L, "nothing"),
    Topic("freight_error_is_shown_once", _W, "nothing"),
    Topic("reads_past_the_cache", _F, "nothing; finished steps are not run again"),
    Topic("promotion_gate", _L, "look at Stages whose queue stands still"),
    Topic("records_in_every_pass", _L, "nothing"),
    Topic("health_without_success", _L, "alerts on the health of Stages whose last Promotion failed"),
    Topic(
        "health_trust",
        _A,
        "Argo CD has to look at Applications after every operation (it does, unless told not to)",
    ),
    Topic(
        "revisions_before_health", _A, "a Stage with `desiredRevision` is Unhealthy sooner if its branch moves on"
    ),
    Topic("reported_status_sanitized", _A, "dashboards that read `status.health.output`"),
    Topic("argocd_selectors", _A, "nothing; steps may choose Applications by labels from then on"),
    Topic("refused_apps_passed_over", _A, "alerts that look for the message"),
    Topic("update_poll_ms", _S, "nothing; argocd-update waits for a watch, or five minutes, instead of 30 seconds"),
    Topic("discovery_attempts", _A, "nothing"),
    Topic("resolved_apps_in_output", _A, "nothing; expressions may use the names from then on"),
    Topic("push_integrates", Where.PUSHES, "nothing; pushes that lost a race are tried again"),
    Topic("push_locks_branch", Where.PUSHES, "nothing; fewer pushes of one controller are rejected"),
    Topic("gitlab_rejections_known", Where.PUSHES, "nothing; pushes to GitLab that lost a race are tried again"),
    Topic("shows_running_until_retried", _S, "nothing: no release has it"),
)

BY_FIELD = {topic.field: topic for topic in _TOPICS}


def topic(field: str) -> Topic:
    """What is known of a behaviour; one that is new here shows in the loop, and is looked for there."""
    return BY_FIELD.get(field) or Topic(field, Where.LOOP, "nothing that is known of")


@cache
def documented() -> dict[str, str]:
    """What each behaviour is, in the words in which it is declared."""
    [declared] = [n for n in ast.parse(inspect.getsource(Behaviours)).body if isinstance(n, ast.ClassDef)]
    found: dict[str, str] = {}
    for statement, text in zip(declared.body, declared.body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            value = text.value if isinstance(text, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[statement.target.id] = " ".join(value.value.split())
    return found


def differing(one: Behaviours, other: Behaviours) -> tuple[str, ...]:
    """The behaviours that two releases differ in, in the order in which they are declared."""
    return tuple(f.name for f in fields(one) if getattr(one, f.name) != getattr(other, f.name))
