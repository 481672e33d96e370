"""A pass of the Promotion reconciler, with the Stage and the Freight it meets.

The pass itself, and what the step engine does in it, is in `model.kargo.promotion`.

Source: `pkg/controller/promotions/promotions.go: Reconcile, promote, buildTargetFreightCollection,
terminatePromotion`
"""

from __future__ import annotations

from collections.abc import Iterator

from model.kargo import promotion
from model.kargo.failure_policies import FailurePolicy
from model.kargo.loop import responses
from model.kargo.loop.candidates import may_promote
from model.kargo.loop.scope import Scope
from model.kargo.loop.values import Asked, Verification, of
from model.kargo.phases import PromotionPhase
from model.kargo.plan import Plan, did
from model.kargo.promotion import Surroundings
from model.kargo.promotion_rules import Acknowledged, Place
from model.kargo.saving_rules import BACKOFF
from model.kargo.worlds import answer, tries
from model.system import Action, Outcomes, Part, Sequence, only, part, rename, sequence

LOADING = {"at": Place.LOADING}
WITH_RESULT = (*range(100), Place.WAITING, Place.CANCELLED)
"""Where a pass is after it has asked the engine."""


def look_at_stage(stage_exists: bool, current: str | None, name: str) -> Outcomes:
    """Whether the Stage waits for this Promotion."""
    if not stage_exists:
        return only(acknowledged=Acknowledged.NO_STAGE)
    return only(acknowledged=Acknowledged.YES if current == name else Acknowledged.NO)


def miss_stage(phase: PromotionPhase | None, acknowledged: Acknowledged, *, stage: str, project: str) -> Outcomes:
    """Without its Stage the pass ends in an error."""
    if acknowledged is not Acknowledged.NO_STAGE:
        return only(requeue=None)
    error = f'could not find Stage "{stage}" in namespace "{project}"'
    return only(requeue=BACKOFF, engine_error=error)


def note_start(was: PromotionPhase | None, now: int) -> Outcomes:
    """The pass in which it becomes Running is when it started."""
    return () if was is PromotionPhase.RUNNING else only(started=now // 1000 * 1000)


def refuse(freight_exists: bool, admissible: bool, *, freight: str, stage: str, project: str) -> Outcomes:
    """Enabled where the Freight is gone or not available to the Stage: that is asked in every pass."""
    if not freight_exists:
        return only(at=Place.REFUSED, refusal=f'Freight "{freight}" not found in namespace "{project}"')
    if not admissible:
        text = f'Freight "{freight}" is not available to Stage "{stage}" in namespace "{project}"'
        return only(at=Place.REFUSED, refusal=text)
    return ()


def carry(last_carried: str | None, *, target: str | None, requested: bool, several: bool) -> Outcomes:
    """The collection: the target, and of every other origin still requested what the last Promotion carried.

    The last Promotion of any outcome, that is, not the Freight in use. A Stage with a single request carries only
    the target.
    """
    if target is not None:
        return only(carried=target)
    return only(carried=last_carried if several and requested else None)


def name_freight(*, freight: str) -> Outcomes:
    """The Promotion says which Freight it is about."""
    return only(status_freight=freight)


def finish(phase: PromotionPhase | None, was: PromotionPhase | None, now: int) -> Outcomes:
    """Enabled where the Promotion ended in this pass."""
    if phase is None or not phase.terminal or phase is was:
        return ()
    return only(finished=now // 1000 * 1000)


def say_aborted(was: PromotionPhase | None, abort_actor: str) -> Outcomes:
    """Who asked for it to be terminated."""
    return only(message=f"Promotion terminated by {abort_actor}")


def ask_for_verification_again(
    phase: PromotionPhase | None,
    at: object,
    in_use: str | None,
    freight: str | None,
    verification: Verification | None,
) -> Outcomes:
    """Promoting what is already in use asks for a new verification of it.

    Source: `promote`, `pkg/api/stage.go: ReverifyStageFreight`
    """
    if phase is not PromotionPhase.SUCCEEDED or verification is None or in_use is None or in_use != freight:
        return ()
    return only("asks for re-verification", reverify=Asked(verification.id))


def reconcile_promotion(
    scope: Scope,
    plan: Plan,
    slot: str,
    freight: tuple[tuple[str, str], ...],
    *,
    running_clock: bool = False,
    scripted: bool = False,
    policy: FailurePolicy | None = None,
) -> Sequence:
    """One pass over the Promotion in `slot`.

    `freight` are the Freight that it may be about, each with its Warehouse. With `scripted`, its steps follow
    scripts, or do what the world has got ready. A failure `policy` may have it start again.
    """
    surroundings = Surroundings(
        look=(scope.bind(look_at_stage, writes=("acknowledged",), name=of("name", slot)),),
        check=tuple(_check(scope, slot, freight)),
        conclude=tuple(responses.concluding(policy, slot) if policy else ()),
        end=(*_end(scope, slot), *_responding(scope, plan, slot, policy)),
    )
    body = promotion.reconcile(plan, f"reconcile {slot}", running_clock=running_clock, surroundings=surroundings)
    of_world = {v(alias).name for v in (tries, answer) for alias in plan.aliases if scripted}
    names = own(plan) | of_world
    return rename(body, {name: its(name, slot) for name in names})


def _responding(scope: Scope, plan: Plan, slot: str, policy: FailurePolicy | None) -> Iterator[Action | Part]:
    if policy:
        yield from responses.ending(scope, policy, slot, did(0, plan.aliases[0]), plan.aliases)


def own(plan: Plan) -> frozenset[str]:
    """The variables of `plan` that every Promotion has for itself, by the names they have in a single one."""
    found = promotion.variables(plan, running_clock=False, start=PromotionPhase.NEW)
    return frozenset(v.name for v in found if not v.local)


def its(name: str, slot: str) -> str:
    """The variable of a slot that is called `name` where there is a single Promotion."""
    field, bracket, rest = name.partition("[")
    return of(field, slot, rest[:-1]) if bracket else of(name, slot)


def _check(scope: Scope, slot: str, freight: tuple[tuple[str, str], ...]) -> Iterator[Action | Part]:
    where = {"stage": scope.stage.name, "project": scope.pipeline.project}
    yield part(scope.bind(miss_stage, constants=where, writes=("requeue", "engine_error")), at=Place.OUTSIDE)
    aborted = {"at": Place.TERMINATING}
    yield part(scope.bind(say_aborted, writes=("message",), abort_actor=of("abort_actor", slot)), **aborted)
    yield part(scope.bind(forget_requeue, writes=("requeue",)), **aborted)
    yield part(scope.bind(note_start, writes=("started",), started=of("started", slot)), **LOADING)
    several = len(scope.stage.requests) > 1
    for name, warehouse in freight:
        target = {of("freight", slot): name}
        asking = sequence(f"may {name} be promoted", *may_promote(scope, name, warehouse))
        yield part(asking, **LOADING, **target)
        refusing = scope.bind(
            refuse,
            constants={"freight": name, **where},
            writes=("at", "refusal"),
            freight_exists=of("freight_exists", name),
        )
        yield part(refusing, **LOADING, **target)
        carrying: list[Action] = [
            scope.bind(
                name_freight,
                constants={"freight": name},
                writes=("status_freight",),
                status_freight=of("status_freight", slot),
            )
        ]
        for origin in scope.pipeline.warehouses:
            fixed = {
                "target": name if origin == warehouse else None,
                "requested": origin in scope.stage.origins,
                "several": several,
            }
            carrying.append(
                scope.bind(
                    carry,
                    constants=fixed,
                    writes=("carried",),
                    last_carried=scope.of("last_carried", origin),
                    carried=of("carried", slot, origin),
                )
            )
        yield part(sequence(f"carry {name}", *carrying), **LOADING, **target)


def _end(scope: Scope, slot: str) -> Iterator[Action | Part]:
    yield scope.bind(finish, writes=("finished",), finished=of("finished", slot))
    for warehouse in scope.pipeline.warehouses:
        yield scope.bind(
            ask_for_verification_again,
            writes=("reverify",),
            in_use=scope.of("in_use", warehouse),
            freight=of("freight", slot),
        )


def forget_requeue() -> Outcomes:
    """An end needs no other pass."""
    return only(requeue=None)
