"""A pass of the Stage reconcilers, as a sequence of sub-reconcilers.

Source: `pkg/controller/stages/regular_stages.go: Reconcile, reconcile`,
`pkg/controller/stages/control_flow_stages.go: Reconcile`
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from model.kargo.failure_policies import FailurePolicy
from model.kargo.loop import conditions
from model.kargo.loop.assess_health import assess
from model.kargo.loop.auto_promote import auto_promote, read_policy
from model.kargo.loop.control_flow import pass_freight_on
from model.kargo.loop.deletion import handle_delete
from model.kargo.loop.holds import compute_effective_holds
from model.kargo.loop.responses import respond_to_failures
from model.kargo.loop.scope import Scope
from model.kargo.loop.sync_freight import sync_freight
from model.kargo.loop.sync_promotions import sync_promotions
from model.kargo.loop.values import PANIC, Verification
from model.kargo.loop.verify import mark_freight_verified, verify_stage_freight
from model.kargo.saving_rules import BACKOFF
from model.system import Action, Outcomes, Part, Sequence, only, part, required, sequence

SOON_MS = 100
"""How soon a Stage that has just got its finalizer, or has Promotions waiting, is looked at again."""

POLL_MS = 300_000
"""How often a Stage is looked at if nothing else asks for it."""


SYNCING_FREIGHT = "syncing Freight"
VERIFYING = "verifying Stage Freight"


class Mode(Enum):
    """What a Stage pass is about."""

    __hash__ = object.__hash__

    NOTHING = "there is no such Stage"
    DELETING = "the Stage is being deleted"
    ADOPTING = "the Stage has to get its finalizer first"
    RECONCILING = "the Stage is reconciled"


def begin_pass(stage_exists: bool, deleting: bool, finalizer: bool) -> Outcomes:
    """Enabled while there is something to do for the Stage."""
    if not stage_exists or (deleting and not finalizer):
        return ()
    if deleting:
        return only(mode=Mode.DELETING)
    return only(mode=Mode.RECONCILING if finalizer else Mode.ADOPTING)


def adopt() -> Outcomes:
    """The Stage gets a finalizer, so that it cannot go before the controller has cleaned up."""
    return only(finalizer=True, stage_requeue=SOON_MS)


def trust_the_watch(verification: Verification | None) -> Outcomes:
    """Enabled while a verification is under way: its end will wake the Stage, which needs no other pass at once."""
    return only(soon=False) if verification is not None and not verification.phase.terminal else ()


def handle_refresh(refresh: str, error: str) -> Outcomes:
    """A request to refresh has been handled, unless the pass broke down."""
    return only(handled_refresh=refresh) if refresh and error != PANIC else ()


def ask_for_requeue(failed: bool, soon: bool, *, polls: bool) -> Outcomes:
    """When the reconciler wants to be called again, in milliseconds; BACKOFF after an error, None for never."""
    if failed:
        return only(stage_requeue=BACKOFF)
    if not polls:
        return only(stage_requeue=None)
    return only(stage_requeue=SOON_MS if soon else POLL_MS)


def reconcile_stage(
    scope: Scope, observe: Action, name: str = "", *, policy: FailurePolicy | None = None
) -> Sequence:
    """One pass over a Stage, by the reconciler in charge of it.

    `observe` is the world's answer to the question how the applications are.
    """
    about = name or f"reconcile {scope.stage.name}"
    opening = (
        required(scope.bind(begin_pass, writes=("mode",))),
        part(scope.bind(adopt, writes=("finalizer", "stage_requeue")), mode=Mode.ADOPTING),
        part(handle_delete(scope), mode=Mode.DELETING),
    )
    body = _control_flow(scope) if scope.stage.control_flow else _regular(scope, observe, policy)
    return sequence(about, *opening, part(sequence("reconcile", *body), mode=Mode.RECONCILING), actor="controller")


def _control_flow(scope: Scope) -> Iterator[Action | Part | Sequence]:
    yield pass_freight_on(scope)
    yield scope.bind(handle_refresh, writes=("handled_refresh",))
    yield scope.bind(ask_for_requeue, constants={"polls": False}, writes=("stage_requeue",))


def sub_reconcilers(scope: Scope, observe: Action, policy: FailurePolicy | None = None) -> Iterator[Sequence]:
    """The sub-reconcilers of a regular Stage, in their order; one more where there is a failure policy."""
    yield sync_promotions(scope)
    yield sync_freight(scope)
    yield assess(scope, observe)
    yield verify_stage_freight(scope)
    yield mark_freight_verified(scope)
    if policy:
        yield respond_to_failures(scope, policy)
    if not scope.auto_promotes:
        return
    if scope.behaviours.holds:
        yield compute_effective_holds(scope)
    yield auto_promote(scope)


def _regular(scope: Scope, observe: Action, policy: FailurePolicy | None) -> Iterator[Action | Part | Sequence]:
    if scope.behaviours.policy_read_first:
        yield scope.bind(read_policy, writes=("enabled",))
    for each in sub_reconcilers(scope, observe, policy):
        yield part(each, failed=False)
        if each.name == SYNCING_FREIGHT and scope.behaviours.freight_error_is_shown_once:
            yield part(scope.bind(conditions.silence, writes=("silenced",)), failed=True)
        if each.name == VERIFYING:
            yield part(scope.bind(trust_the_watch, writes=("soon",)), failed=False)
        yield part(conditions.summarize_conditions(scope), failed=False)
    writes = ("ready_condition", "reconciling_condition")
    yield part(scope.bind(conditions.say_error, writes=writes), failed=True)
    yield part(scope.bind(conditions.end_reconciling, writes=("reconciling_condition",)), failed=False)
    yield scope.bind(handle_refresh, writes=("handled_refresh",))
    yield scope.bind(ask_for_requeue, constants={"polls": True}, writes=("stage_requeue",))
