"""Who is woken by a change: the watches of the controllers of Promotions, Stages and control flow Stages.

A rule answers for one change and one queue. It sees of an object only what it compares: `was` before the change and
`now` after it. An object that is created has no `was`, one that is deleted no `now`: None. What changes beside that
wakes nobody, and neither do the objects that are not mentioned here, Warehouses and ProjectConfigs among them.

The rules about Argo CD Applications are in `application_watches.py`.

Source: `SetupReconcilerWithManager` of `pkg/controller/promotions/promotions.go`,
`pkg/controller/stages/regular_stages.go` and `control_flow_stages.go`; `pkg/kargo/kargo.go`,
`pkg/controller/promotions/watches.go`, `pkg/controller/stages/event_handlers.go`, `pkg/indexer/indexer.go`
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple, TypeVar

from model.kargo.phases import PromotionPhase

Name = TypeVar("Name", bound=Hashable)


class Shard(NamedTuple):
    """Which objects a controller is responsible for: those with its label, and by default those without any.

    Asked for every watch of the Promotion controller, of the object it would wake or that wakes it; by the
    controllers of Stages only where a Stage wakes itself or an AnalysisRun wakes it. Of an object that changes, the
    label after the change counts. Source: `pkg/controller/predicates.go: ResponsibleFor`
    """

    name: str = ""
    default: bool = True

    def is_responsible(self, label: str) -> bool:
        """Whether an object with that shard label, empty if it has none, is this controller's."""
        return label == self.name or (not label and self.default)


# An object wakes itself


def is_new(was: Hashable | None, now: Hashable | None) -> bool:
    """Whether a request, made by an annotation, is there and is not the one that was there before.

    A refresh is told by its token, an abort of a Promotion by its action, the requests about a verification by its
    id: who asks makes no difference. None is no request. Source: `RefreshRequested`, `PromotionAbortRequested`,
    `ReverifyRequested`, `VerificationAbortRequested`
    """
    return now is not None and now != was


class PromotionTriggers(NamedTuple):
    """What the Promotion controller watches of a Promotion.

    The generation changes with the spec and by deletion; `refresh` is the token of that request, `abort` the action
    of that one.
    """

    generation: int = 1
    refresh: Hashable | None = None
    abort: Hashable | None = None


def promotion_wakes_itself(was: PromotionTriggers | None, now: PromotionTriggers | None) -> bool:
    """Whether a Promotion that its controller is responsible for is put in the queue by its own change.

    Generic events, which nothing sends, count as creations: they have no `was`.
    """
    if now is None:
        return False
    return (
        was is None
        or was.generation != now.generation
        or is_new(was.refresh, now.refresh)
        or is_new(was.abort, now.abort)
    )


class StageTriggers(NamedTuple):
    """What the controllers of Stages watch of a Stage.

    The generation changes with the spec and by deletion; `refresh` is the token of that request, `reverify` and
    `abort` are the ids of the verifications to repeat and to abort.
    """

    control_flow: bool = False
    generation: int = 1
    refresh: Hashable | None = None
    reverify: Hashable | None = None
    abort: Hashable | None = None


def stage_wakes_itself(was: StageTriggers | None, now: StageTriggers | None, *, control_flow: bool = False) -> bool:
    """Whether a Stage is put by its own change in the queue of the controller for its kind.

    `control_flow` says which controller is asked, of control flow Stages or of the others. It must be responsible
    for the Stage, and is then asked of its kind after the change. Generic events, which nothing sends, never pass.
    Source: `IsControlFlowStage`
    """
    if now is None or now.control_flow is not control_flow:
        return False
    if was is None or was.generation != now.generation or is_new(was.refresh, now.refresh):
        return True
    return not control_flow and (is_new(was.reverify, now.reverify) or is_new(was.abort, now.abort))


# Promotions and Stages wake one another


def promotion_wakes_its_stage(was: PromotionPhase | str | None, now: PromotionPhase | str | None) -> bool:
    """Whether a Promotion wakes the Stage that is its controlling owner.

    It does when its phase changes, and when it is deleted before it is over. If it changes its owner at the same
    time, both are woken. A phase that is none of Kargo's is a text, and never terminal. Source: `PromoPhaseChanged`
    """
    if was is None:
        return False
    if now is None:
        return not (isinstance(was, PromotionPhase) and was.terminal)
    return was != now


class OwnerReference(NamedTuple):
    """A reference from an object to one that owns it; at most one owner controls it."""

    api_version: str
    kind: str
    name: str
    controller: bool = False


def owning_stage(references: Iterable[OwnerReference]) -> str | None:
    """The Stage that a change of the Promotion's phase can wake, if its controlling owner is one.

    An API version that is not served is that of no Stage. Source: `handler.TypedEnqueueRequestForOwner`
    """
    owner = next((one for one in references if one.controller), None)
    if owner is None or (owner.api_version, owner.kind) != ("kargo.akuity.io/v1alpha1", "Stage"):
        return None
    return owner.name


def stage_acknowledges(was: Name | None, now: Name | None) -> Name | None:
    """The Promotion that is woken because a Stage that existed before has made it the current one; None if none.

    `was` and `now` are the Stage's current Promotion. The kind of the Stage does not matter.
    Source: `PromotionAcknowledgedByStageHandler`
    """
    return now if now != was else None


# Freight and AnalysisRuns wake Stages


class FreightInStage(NamedTuple):
    """How a Freight stands to a Stage: verified in it, and in use in it."""

    verified: bool = False
    currently_in: bool = False


def freight_wakes_downstream(was: FreightInStage | None, now: FreightInStage | None) -> bool:
    """Whether Freight wakes the Stages downstream of one to which it stands like this.

    It does when it is newly verified there, or newly in use there and verified. Both controllers of Stages ask,
    each for the Stages of its kind in the Freight's Project that name the upstream Stage in whatever request, be it
    for Freight of that Warehouse or of another. Source: `downstreamStageEnqueuer`, `StagesByUpstreamStages`
    """
    if was is None or now is None or not now.verified:
        return False
    return not was.verified or (now.currently_in and not was.currently_in)


def freight_wakes_approved(was: bool | None, now: bool | None) -> bool:
    """Whether Freight wakes a Stage it was or is approved for: when it newly is.

    It is put in the queue of the regular Stages whatever it is, a control flow Stage or no Stage at all.
    Source: `stageEnqueuerForApprovedFreight`
    """
    return was is False and now is True


def freight_wakes_requesters(was: object, now: object) -> bool:
    """Whether Freight wakes the Stages that request it directly from its Warehouse: when it is created.

    Both controllers of Stages ask, each for the Stages of its kind. Source: `warehouseStageEnqueuer`,
    `StagesByWarehouse`
    """
    return was is None and now is not None


def analysis_run_wakes_stage(was: Hashable | None, now: Hashable | None) -> bool:
    """Whether an AnalysisRun wakes the Stages that wait for it: when its phase changes.

    Those are regular Stages whose newest verification of their current Freight refers to it. The phase of one that
    has none yet is not None but empty. Source: `stageEnqueuerForAnalysisRuns`, `StagesByAnalysisRun`
    """
    return was is not None and now is not None and was != now
