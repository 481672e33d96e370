"""The first sub-reconciler of a Stage pass: which Promotion is current, which are over and on record.

A loop over all Promotions is a fold here: one narrow part for each slot, and accumulators that live only inside the
pass.

Source: `pkg/controller/stages/regular_stages.go: syncPromotions`,
`pkg/api/promotion.go: ComparePromotionByPhaseAndCreationTime`
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from model.kargo.loop.scope import Scope
from model.kargo.loop.values import Condition, Hold, Intent, Note, Verification, of
from model.kargo.phases import HealthState, PromotionPhase, VerificationPhase
from model.kargo.releases import PromotionGate
from model.kargo.stage_lifecycles import assessed
from model.system import Action, Outcomes, Part, Sequence, only, part, sequence


class Branch(Enum):
    """What syncing Promotions comes to."""

    __hash__ = object.__hash__

    NONE = "not known yet"
    FINISHED = "the current Promotion is over"
    STUCK = "the current Promotion is over, and nothing can be recorded before one that is not"
    GATE = "a Promotion may become, or stay, the current one"
    HELD = "the current Freight has to be verified first"


# Who is first in the queue


def note_running(phase: PromotionPhase | None, name: str, running: str | None) -> Outcomes:
    """The Running Promotion with the smallest name."""
    if phase is not PromotionPhase.RUNNING:
        return ()
    return only(running=name if running is None else min(name, running))


def note_waiting(phase: PromotionPhase | None, name: str, waiting: str | None) -> Outcomes:
    """The Promotion with the smallest name among those that are neither Running nor over."""
    if phase is None or phase.terminal or phase is PromotionPhase.RUNNING:
        return ()
    return only(waiting=name if waiting is None else min(name, waiting))


def take_stock(current: str | None, last: str | None, running: str | None, waiting: str | None) -> Outcomes:
    """The current Promotion is over as soon as it is no longer the first in the queue of those that are not.

    Promotions are recorded in order of name from the last recorded one on, down the list in which those that are
    not over come first: one of these with a smaller name than the last recorded one ends the list before it begins.
    """
    first = waiting if running is None else running
    if current is None or current == first:
        return only(branch=Branch.GATE)
    stuck = last is not None and any(n is not None and n <= last for n in (running, waiting))
    return only(
        branch=Branch.STUCK if stuck else Branch.FINISHED,
        current=None,
        current_freight=None,
        promoting_condition=None,
    )


# Recording those that are over


def record(
    phase: PromotionPhase | None, name: str, started: int | None, last: str | None, *, inherits_collection: bool
) -> Outcomes:
    """Enabled for a Promotion that is over and comes after the last recorded one: it is the last one now."""
    if phase is None or not phase.terminal or (last is not None and name <= last):
        return ()
    inherits = inherits_collection and started is None
    return only(f"{name} recorded as {phase}", last=name, last_phase=phase, recorded=phase, inherits=inherits)


def record_collection(carried: str | None, inherits: bool) -> Outcomes:
    """Its collection is on record, too: one that never started takes over that of the Promotion before it."""
    return () if inherits else only(last_carried=carried)


def record_freight(status_freight: str | None) -> Outcomes:
    """The Freight it was about, if it got so far as to say."""
    return only(last_freight=status_freight)


def record_details(message: str, finished: int | None, health_checks: tuple[str, ...]) -> Outcomes:
    """What only reports show, and how many health checks it registered."""
    return only(last_message=message, last_finished=finished, last_checks=len(health_checks))


def record_intent(
    recorded: PromotionPhase | None,
    intent: Intent | None,
    hold: Hold | None,
    name: str,
    freight: str,
    enabled: bool,
    *,
    origin: str,
) -> Outcomes:
    """Its intent establishes or releases a hold, unless it was Aborted or auto-promotion is off."""
    if not enabled or recorded is PromotionPhase.ABORTED or intent is None or intent.origin != origin:
        return ()
    return only(hold=Hold(name, freight) if intent.hold else None)


def put_away(
    older_history: tuple[object, ...],
    verification: Verification | None,
    verification_note: Note,
    older_verifications: tuple[object, ...],
    kept: tuple[tuple[str, str], ...],
) -> Outcomes:
    """A success puts the collection that was current, with its verifications, on record."""
    if not kept:
        return ()
    newest = () if verification is None else ((verification, verification_note),)
    entry = (kept, (*newest, *older_verifications))
    return only(older_history=(entry, *older_history)[: LONGEST_HISTORY - 1], kept=())


LONGEST_HISTORY = 10
"""How many collections a Stage remembers. Source: `FreightHistory.truncate`"""


def keep_origin(in_use: str | None, kept: tuple[tuple[str, str], ...], *, origin: str) -> Outcomes:
    """One Freight of the collection that is put away."""
    return () if in_use is None else only(kept=(*kept, (origin, in_use)))


def put_in_use(last_carried: str | None) -> Outcomes:
    """The collection of a success is the current one from now on."""
    return only(in_use=last_carried)


def await_health(generation: int, health: HealthState) -> Outcomes:
    """After a success health and verification begin anew."""
    healthy = "Waiting for health check to be performed after successful promotion"
    verified = "Waiting for verification to be performed after successful promotion"
    return only(
        verification=None,
        verification_note=Note(),
        older_verifications=(),
        health=assessed(health, HealthState.NOT_ASSESSED),
        issues=(),
        healthy_condition=Condition("Unknown", "WaitingForHealthCheck", generation, healthy),
        verified_condition=Condition("Unknown", "WaitingForVerification", generation, verified),
    )


# Whether the next one may start


def note_freight(in_use: str | None, has_freight: bool) -> Outcomes:
    """Whether the Stage has any Freight."""
    return only(has_freight=True) if in_use is not None and not has_freight else ()


def hold_back(
    has_freight: bool, verification: Verification | None, health: HealthState, *, gate: PromotionGate
) -> Outcomes:
    """Enabled where the current Freight has to be verified before the next Promotion may start.

    A verification that is not over always comes first. One that has not begun does only if it can begin: if the
    Stage is healthy, or nobody has looked yet. Older gates asked for more.
    """
    if not has_freight or gate is PromotionGate.NONE:
        return ()
    return _held() if _is_under_way(verification) or _waits(gate, verification, health) else ()


def _waits(gate: PromotionGate, verification: Verification | None, health: HealthState) -> bool:
    if gate is PromotionGate.SUCCESSFUL:
        waits = verification is None or verification.phase is not VerificationPhase.SUCCESSFUL
    else:
        waits = verification is None
    if gate is PromotionGate.OVER_IF_IT_CAN_BEGIN:
        return waits and health in (HealthState.NOT_ASSESSED, HealthState.HEALTHY)
    return waits and health is not HealthState.UNHEALTHY


def hold_back_after_success(
    has_freight: bool,
    verification: Verification | None,
    health: HealthState,
    last_phase: PromotionPhase | None,
    *,
    gate: PromotionGate,
    verifies: bool,
) -> Outcomes:
    """The gate of 1.0, which is open after a Promotion that did not succeed.

    Then a Stage that asks for no verification had no record of one.
    """
    if not has_freight or last_phase is not PromotionPhase.SUCCEEDED:
        return ()
    if verifies:
        waits = verification is None
    else:
        waits = gate is PromotionGate.RECORDED_AFTER_SUCCESS or health is not HealthState.HEALTHY
    waits = waits and health is not HealthState.UNHEALTHY
    return _held() if _is_under_way(verification) or waits else ()


def _is_under_way(verification: Verification | None) -> bool:
    return verification is not None and not verification.phase.terminal


def _held() -> Outcomes:
    return only(branch=Branch.HELD, promoting_condition=None)


def let_go(running: str | None, waiting: str | None) -> Outcomes:
    """Nobody is in the queue."""
    return only(promoting_condition=None) if running is None and waiting is None else ()


def make_current(
    phase: PromotionPhase | None,
    name: str,
    status_freight: str | None,
    running: str | None,
    waiting: str | None,
    current: str | None,
) -> Outcomes:
    """Enabled for the first in the queue: it becomes, or stays, the current Promotion of the Stage."""
    if phase is None or name != (waiting if running is None else running):
        return ()
    label = "" if current == name else f"{name} becomes current"
    return only(label, current=name, current_freight=status_freight)


def say_promoting(
    phase: PromotionPhase | None, name: str, running: str | None, waiting: str | None, generation: int
) -> Outcomes:
    """The condition that goes with it."""
    if phase is None or name != (waiting if running is None else running):
        return ()
    message = f'Promotion "{name}" is currently {phase}'
    return only(promoting_condition=Condition("True", "ActivePromotion", generation, message))


def come_back_soon(current: str | None, running: str | None, waiting: str | None) -> Outcomes:
    """Enabled where nothing is current and somebody is in the queue: the Stage wants another pass at once."""
    return only(soon=True) if current is None and (running, waiting) != (None, None) else ()


# Holds


def clear_hold(enabled: bool, hold: Hold | None, *, requested: bool) -> Outcomes:
    """Holds end where auto-promotion is off, or their origin is no longer requested."""
    return only(hold=None) if hold is not None and not (enabled and requested) else ()


# The sub-reconciler


def sync_promotions(scope: Scope) -> Sequence:
    """What a Stage pass begins with."""
    return sequence("syncing Promotions", *_parts(scope))


def _parts(scope: Scope) -> Iterator[Action | Part]:
    always = scope.behaviours.records_in_every_pass
    recording = (Branch.FINISHED, Branch.GATE) if always else (Branch.FINISHED,)
    if scope.auto_promotes and scope.behaviours.holds:
        for warehouse in scope.pipeline.warehouses:
            yield scope.bind(
                clear_hold,
                constants={"requested": warehouse in scope.stage.origins},
                hold=scope.of("hold", warehouse),
            )
    for promotion in scope.promotions:
        of_it = {"phase": of("phase", promotion), "name": of("name", promotion)}
        yield scope.bind(note_running, of_it)
        yield scope.bind(note_waiting, of_it)
    yield scope.bind(take_stock, writes=("branch", "current_freight", "promoting_condition"))
    success = sequence("success", *_succeed(scope))
    for promotion in scope.promotions:
        yield part(sequence(f"record {promotion}", *_record(scope, promotion, success)), branch=recording)
    yield from (
        part(scope.bind(note_freight, in_use=scope.of("in_use", w)), branch=Branch.GATE)
        for w in scope.pipeline.warehouses
    )
    yield part(_gate(scope), branch=Branch.GATE)
    yield part(scope.bind(let_go, writes=("promoting_condition",)), branch=Branch.GATE)
    for promotion in scope.promotions:
        of_it = {"phase": of("phase", promotion), "name": of("name", promotion)}
        said = of("status_freight", promotion)
        yield part(
            scope.bind(make_current, of_it, writes=("current_freight",), status_freight=said),
            branch=Branch.GATE,
        )
        yield part(scope.bind(say_promoting, of_it, writes=("promoting_condition",)), branch=Branch.GATE)
    yield scope.bind(come_back_soon, writes=("soon",))


def _gate(scope: Scope) -> Action:
    gate = scope.behaviours.promotion_gate
    writes = ("branch", "promoting_condition")
    if gate in (PromotionGate.RECORDED_AFTER_SUCCESS, PromotionGate.RECORDED_OR_HEALTHY_AFTER_SUCCESS):
        constants = {"gate": gate, "verifies": scope.stage.verification}
        return scope.bind(hold_back_after_success, constants=constants, writes=writes)
    return scope.bind(hold_back, constants={"gate": gate}, writes=writes)


def _record(scope: Scope, promotion: str, success: Sequence) -> Iterator[Action | Part]:
    def its(*fields: str) -> dict[str, str]:
        return {field: of(field, promotion) for field in fields}

    warehouses = scope.pipeline.warehouses
    terminal = tuple(p for p in PromotionPhase if p.terminal)
    yield scope.bind(
        record,
        its("phase", "name", "started"),
        constants={"inherits_collection": scope.behaviours.unstarted_inherits_collection},
        writes=("last_phase", "recorded", "inherits"),
    )
    details = [
        scope.bind(record_freight, its("status_freight"), writes=("last_freight",)),
        scope.bind(
            record_details,
            its("message", "finished", "health_checks"),
            writes=("last_message", "last_finished", "last_checks"),
        ),
    ]
    for warehouse in warehouses:
        details.append(
            scope.bind(
                record_collection,
                writes=("last_carried",),
                carried=of("carried", promotion, warehouse),
                last_carried=scope.of("last_carried", warehouse),
            )
        )
        if scope.auto_promotes and scope.behaviours.holds and warehouse in scope.stage.origins:
            details.append(
                scope.bind(
                    record_intent,
                    its("intent", "name", "freight"),
                    constants={"origin": warehouse},
                    hold=scope.of("hold", warehouse),
                )
            )
    yield part(sequence("details", *details), recorded=terminal)
    yield part(success, recorded=PromotionPhase.SUCCEEDED)
    yield part(scope.bind(forget_recorded, writes=("recorded", "inherits")), recorded=terminal)


def _succeed(scope: Scope) -> Iterator[Action]:
    warehouses = scope.pipeline.warehouses
    for warehouse in sorted(warehouses):
        yield scope.bind(keep_origin, constants={"origin": warehouse}, in_use=scope.of("in_use", warehouse))
    yield scope.bind(put_away)
    for warehouse in warehouses:
        yield scope.bind(
            put_in_use,
            writes=("in_use",),
            last_carried=scope.of("last_carried", warehouse),
            in_use=scope.of("in_use", warehouse),
        )
    yield scope.bind(
        await_health,
        writes=(
            "verification",
            "verification_note",
            "older_verifications",
            "issues",
            "healthy_condition",
            "verified_condition",
        ),
    )


def forget_recorded() -> Outcomes:
    """On to the next slot."""
    return only(recorded=None, inherits=False)
