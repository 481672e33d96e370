"""What people do to a pipeline, and what they are told if they may not.

Source: `pkg/webhook/kubernetes/promotion/webhook.go: Default, ValidateCreate, syncHoldAnnotations`,
`pkg/api/stage.go: ReverifyStageFreight, AbortStageFreightVerification, RefreshStage`,
`pkg/api/promotion.go: AbortPromotion`
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from model.kargo import availability
from model.kargo.auto_promotion import Choice
from model.kargo.loop.auto_promote import create, forget_choice, read_policy
from model.kargo.loop.candidates import choose, may_promote
from model.kargo.loop.pipeline import Pipeline
from model.kargo.loop.scope import Scope
from model.kargo.loop.values import Asked, Intent, Verification, of
from model.kargo.loop.variables import freight_variables
from model.kargo.phases import PromotionPhase
from model.kargo.requests import FreightRequest
from model.system import Action, Outcomes, Part, Sequence, Value, action, only, part, required, sequence

# Promoting


def may_ask(stage_exists: bool) -> Outcomes:
    """Enabled while the Stage exists."""
    return only() if stage_exists else ()


def infer_intent(choice: Choice, enabled: bool, *, freight: str, request: FreightRequest) -> Outcomes:
    """A person who promotes anything but the candidate wants to hold auto-promotion; the candidate resumes it.

    Source: `syncHoldAnnotations`
    """
    if not enabled:
        return ()
    candidate = None if choice.is_ambiguous(request) else choice.newest
    return only(wish=Intent(request.warehouse, hold=candidate != freight))


def forget_admissible() -> Outcomes:
    """What was found of the candidate says nothing of the Freight that is asked for."""
    return only(admissible=False)


def ask(admissible: bool, *, freight: str, actor: str) -> Outcomes:
    """Enabled where the Freight may be promoted: a Promotion is wanted."""
    return only(wanted=freight, asking=actor) if admissible else ()


def got_it(wanted: str | None) -> Outcomes:
    """Enabled where there was room for the Promotion."""
    return only(wish=None, asking="") if wanted is None else ()


def promote(scope: Scope, slot: str, freight: str, warehouse: str, *, actor: str, name: str = "") -> Sequence:
    """A person promotes a Freight to the Stage; the Promotion gets the slot.

    Not enabled if the Freight is not available to the Stage, or the Stage has nothing to promote with.
    """
    about = name or f"promote {freight} to {scope.stage.name}"
    return sequence(about, *_promote(replace(scope, created=(slot,)), freight, warehouse, actor), actor="person")


def promote_next(scope: Scope, freight: str, warehouse: str, *, actor: str) -> Sequence:
    """A person promotes a Freight to the Stage; the Promotion gets the next free slot."""
    about = f"promote {freight} to {scope.stage.name}"
    return sequence(about, *_promote(scope, freight, warehouse, actor), actor="person")


def _promote(scope: Scope, freight: str, warehouse: str, actor: str) -> Iterator[Action | Part | Sequence]:
    yield required(scope.bind(may_ask))
    request = next((r for r in scope.stage.requests if r.warehouse == warehouse), None)
    pipeline = scope.pipeline
    problem = availability.listing_error(scope.stage.requests, pipeline.warehouses, pipeline.project)
    if scope.auto_promotes and scope.behaviours.holds and request is not None and problem is None:
        yield scope.bind(read_policy, writes=("enabled",))
        choosing = sequence("find the candidate", *choose(scope, request))
        yield part(choosing, enabled=True)
        fixed = {"freight": freight, "request": request}
        yield scope.bind(infer_intent, constants=fixed, writes=("wish",))
        cleared = ("choice", "standing", "admissible", "listed", "verdict", "guard", "wanted")
        yield scope.bind(forget_choice, writes=cleared)
    yield from may_promote(scope, freight, warehouse)
    if scope.stage.control_flow:
        yield scope.bind(forget_admissible, writes=("admissible",))
    fixed = {"freight": freight, "actor": actor}
    yield required(scope.bind(ask, constants=fixed, writes=("wanted", "asking")))
    yield from create(scope)
    yield required(scope.bind(got_it, writes=("wish", "asking")))


def abort_promotion(phase: PromotionPhase | None, abort_requested: bool, *, actor: str) -> Outcomes:
    """Enabled while the Promotion has not ended: it is to be terminated."""
    if phase is None or phase.terminal:
        return ()
    return only("abort requested", abort_requested=True, abort_actor=actor)


def ask_meanwhile(phase: PromotionPhase | None, abort_requested: bool, *, actor: str) -> Outcomes:
    """At the end of a pass, during which somebody asked for the Promotion to be terminated: the next one sees it.

    If the pass has ended the Promotion there is no next one, and the request is missed.
    """
    if phase is None or abort_requested:
        return ()
    if phase.terminal:
        return only("abort requested meanwhile", missed_abort=True, abort_actor=actor)
    return only("abort requested meanwhile", abort_requested=True, abort_actor=actor)


def aborting_meanwhile(body: Sequence, slot: str, *, actor: str) -> Sequence:
    """A pass over a Promotion that somebody wants to abort while it is under way."""
    reads = {field: of(field, slot) for field in ("phase", "abort_requested")}
    writes = {field: of(field, slot) for field in ("missed_abort", "abort_actor")}
    asking = action(ask_meanwhile, constants={"actor": actor}, reads=reads, writes=writes)
    return replace(body, name=f"{body.name}, aborted meanwhile", parts=(*body.parts, Part(asking)))


def delete_promotion(phase: PromotionPhase | None) -> Outcomes:
    """Enabled while the Promotion exists: it is gone, and so is everything it said."""
    return () if phase is None else only("deleted", phase=None)


# Verification


def ask_to_verify_again(verification: Verification | None, *, actor: str) -> Outcomes:
    """Enabled where there has been a verification: it is to be repeated."""
    if verification is None:
        return ()
    return only("re-verification requested", reverify=Asked(verification.id, actor))


def ask_to_abort_verification(verification: Verification | None, *, actor: str) -> Outcomes:
    """Enabled while a verification is under way: it is to be aborted."""
    if verification is None or verification.phase.terminal:
        return ()
    return only("abort of the verification requested", abort_verification=Asked(verification.id, actor))


# Freight, policies and Stages


def may_delete_freight(in_use: str | None, *, freight: str) -> Outcomes:
    """Enabled while a Stage does not have the Freight: admission refuses to delete what is in use.

    Source: `pkg/webhook/kubernetes/freight/webhook.go: ValidateDelete`
    """
    return only() if in_use != freight else ()


def lose_freight(freight_exists: bool) -> Outcomes:
    """Enabled while the Freight exists: it is gone, and so is everything it said."""
    return only("deleted", freight_exists=False) if freight_exists else ()


def delete_freight(pipeline: Pipeline, freight: str, warehouse: str) -> Sequence:
    """A person deletes Freight that no Stage has."""
    initial = {v.name: v.initial[0] for v in freight_variables(pipeline, freight)}
    exists = of("freight_exists", freight)
    allowed = (
        required(action(may_delete_freight, constants={"freight": freight}, in_use=of("in_use", s, warehouse)))
        for s in pipeline.names
    )
    losing = required(action(lose_freight, freight_exists=exists))
    gone = (
        action(forget_field, constants={"initial": v}, writes={"field": n})
        for n, v in initial.items()
        if n != exists
    )
    return sequence(f"delete Freight {freight}", *allowed, losing, *gone, actor="person")


def approve(freight_exists: bool, approved: int | None, now: int) -> Outcomes:
    """Enabled for Freight that is not yet approved for the Stage: now it is."""
    return only(approved=now // 1000 * 1000) if freight_exists and approved is None else ()


def set_policy(policy: bool | None, *, enabled: bool) -> Outcomes:
    """The project lets the Stage promote by itself, or no longer."""
    return only(policy=enabled) if policy is not enabled else ()


def edit_stage(stage_exists: bool, generation: int) -> Outcomes:
    """The spec of the Stage is edited."""
    return only(generation=generation + 1) if stage_exists else ()


def delete_stage(stage_exists: bool, deleting: bool, finalizer: bool, generation: int) -> Outcomes:
    """The Stage is to be deleted: at once, if no controller has put its finalizer on it."""
    if not stage_exists or deleting:
        return ()
    if not finalizer:
        return only(stage_exists=False)
    return only(deleting=True, generation=generation + 1)


def may_ask_again(verification: Verification | None, asked_again: int, *, most: int) -> Outcomes:
    """Enabled for the newest verification, if it is over, while nobody has asked for too many."""
    if verification is None or not verification.phase.terminal or asked_again >= most:
        return ()
    return only(asked_again=asked_again + 1)


def forget_field(*, initial: Value) -> Outcomes:
    """What a Promotion said is gone with it."""
    return only(field=initial)


def delete(slot: str, fields: dict[str, Value]) -> Sequence:
    """A person deletes a Promotion, and with it what its fields said: `fields` are their initial values."""
    gone = (action(forget_field, constants={"initial": v}, writes={"field": n}) for n, v in fields.items())
    deleting = required(action(delete_promotion, phase=of("phase", slot)))
    return sequence(f"delete {slot}", deleting, *gone, actor="person")


def has_spec(spec: int, *, wanted: int) -> Outcomes:
    """Enabled while the Stage has this spec."""
    return only() if spec == wanted else ()


def edit_to(spec: int, stage_exists: bool, *, to: int) -> Outcomes:
    """Enabled while the Stage has another spec: it is edited to have this one."""
    return only(spec=to) if stage_exists and spec != to else ()


def ask_to_refresh(stage_exists: bool, refresh: str, *, token: str) -> Outcomes:
    """Enabled while nobody has asked in that very way: the Stage is to be looked at."""
    return only("refresh requested", refresh=token) if stage_exists and refresh != token else ()
