"""What a failure policy adds to the control loop: starting again, and responding to what has failed.

Nothing here is in any release (`model.kargo.failure_policies`). Starting again is a part of a Promotion's pass:
instead of ending Failed or Errored, it stays Running and loses its work directory, from which the next pass makes
a new beginning. The other responses are a sub-reconciler of the Stage, after those that look after what was
promoted. It looks at what is on record, not at an event: `answered` is the last Promotion that was responded to,
so that a pass that breaks off responds in the next one, and none responds twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from model.kargo.failure_policies import FailurePolicy, Hint, Response
from model.kargo.loop.auto_promote import fill_slot, sign
from model.kargo.loop.candidates import may_promote
from model.kargo.loop.scope import Scope
from model.kargo.loop.values import of
from model.kargo.phases import PromotionPhase, StepPhase
from model.kargo.step_engine import RAN, Entry, Turn, has_failed
from model.system import (
    Action,
    Outcomes,
    Part,
    Sequence,
    Value,
    Variable,
    action,
    local,
    only,
    outcome,
    part,
    sequence,
    variable,
)

FAILED = (PromotionPhase.FAILED, PromotionPhase.ERRORED)

CREATING = (Response.RECREATE, Response.ROLL_BACK, Response.HINTS)
"""The responses that create Promotions; the others have nothing to do once a Promotion is over."""

AT_ONCE_MS = 1
"""The shortest wait that brings a pass: who asks for none at all is not called again.

Source: `Reconciler.reconcileHandler` of sigs.k8s.io/controller-runtime, where a RequeueAfter of zero means none
"""

OF_SLOTS: dict[str, Value] = {"starts": 0, "attempt": 0, "response": None, "hint": None, "begun": 0}
"""What a Promotion has besides: how often it was started again, the how many-th response in a row it is, what kind
of response, what its failed step hinted at, and (`begun`, which only claims read) how often it really was started
again."""

OF_PASSES: dict[str, Value] = {
    "anew": False,
    "kept_on": False,
    "tried": None,
    "next_attempt": 0,
    "next_response": None,
    "busy": False,
}
"""What lives only inside a pass."""


# In a Promotion's pass


def start_again(new_phase: PromotionPhase, starts: int, begun: int, *, limit: int) -> Outcomes:
    """Enabled for a Promotion that would fail: it begins anew, unless it has done so too often."""
    if new_phase not in FAILED or starts >= limit:
        return ()
    again: dict[str, Value] = {"starts": starts + 1, "begun": min(begun + 1, limit + 1)}
    return only("starts again", new_phase=PromotionPhase.RUNNING, new_step=0, anew=True, **again)


def heed_hint(new_phase: PromotionPhase, starts: int, begun: int, stopped_at: int, *, limit: int) -> Outcomes:
    """Enabled for a Promotion that would fail: its step may hint at anything, and is heeded within the limit."""
    if new_phase not in FAILED:
        return ()
    ends = tuple(outcome(f"hint: {hint.value}", hint=hint) for hint in (Hint.GIVE_UP, Hint.ROLL_BACK))
    if starts >= limit:
        return ends
    again: dict[str, Value] = {"starts": starts + 1, "begun": min(begun + 1, limit + 1)}
    running: dict[str, Value] = {"new_phase": PromotionPhase.RUNNING, **again}
    return (
        outcome(f"hint: {Hint.RETRY.value}", new_step=stopped_at, kept_on=True, **running),
        outcome(f"hint: {Hint.RESTART.value}", new_step=0, anew=True, **running),
        *ends,
    )


def begin_anew(anew: bool) -> Outcomes:
    """Enabled where it starts again: without a work directory the next pass, at once, begins at step 0."""
    return only(work_dir=False, anew=False, requeue=AT_ONCE_MS) if anew else ()


def forget_failure(entry: Entry | None, *, continue_on_error: bool) -> Outcomes:
    """Enabled for the step that failed, where it is to be tried once more: as if it had not been begun."""
    return only(entry=None) if has_failed(entry, continue_on_error) else ()


def note_done(did: Turn, entry: Entry | None, done: int) -> Outcomes:
    """Enabled where the first step has done its work: how often that was so for this Freight, up to two."""
    succeeded = did in RAN and entry is not None and entry.phase is StepPhase.SUCCEEDED
    return only(done=min(done + 1, 2)) if succeeded else ()


# In a Stage's pass


def note_busy(phase: PromotionPhase | None) -> Outcomes:
    """Enabled for a Promotion that is not over."""
    return only(busy=True) if phase is not None and not phase.terminal else ()


def note_tried(
    name: str, last: str | None, attempt: int, freight: str | None, hint: Hint | None, response: Response | None
) -> Outcomes:
    """Enabled for the last Promotion on record: which Freight it tried, and the how many-th attempt it was."""
    return only(tried=(freight, attempt, hint, response)) if name == last and freight is not None else ()


def respond(
    last: str | None,
    last_phase: PromotionPhase | None,
    answered: str | None,
    tried: tuple[str, int, Hint | None, Response | None] | None,
    in_use: str | None,
    busy: bool,
    *,
    policy: FailurePolicy,
) -> Outcomes:
    """Enabled once for every failure on record: a Promotion is wanted, unless another one is under way already."""
    if last is None or last == answered or last_phase is None:
        return ()
    if last_phase not in FAILED or tried is None or busy:
        return only(answered=last)
    freight, attempt, hint, before = tried
    wanted = _wanted(policy, freight, in_use, hint, before)
    if wanted is None or attempt >= policy.limit:
        return only(answered=last)
    target, response = wanted
    return only(answered=last, wanted=target, asking="policy", next_attempt=attempt + 1, next_response=response)


def _wanted(
    policy: FailurePolicy, freight: str, in_use: str | None, hint: Hint | None, before: Response | None
) -> tuple[str, Response] | None:
    """Which Freight is wanted after that of `freight` failed, and as what."""
    rolls_back = policy.response is Response.ROLL_BACK or hint is Hint.ROLL_BACK or before is Response.ROLL_BACK
    if policy.response is Response.RECREATE:
        return freight, Response.RECREATE
    return (in_use, Response.ROLL_BACK) if rolls_back and in_use is not None else None


def withdraw(wanted: str | None, admissible: bool, *, freight: str) -> Outcomes:
    """Enabled where the Freight that is wanted may not be promoted: admission would refuse."""
    return only("it is not available any more", wanted=None) if wanted == freight and not admissible else ()


def forget_admission() -> Outcomes:
    """What was found says nothing of other Freight."""
    return only(admissible=False)


def mark_response(filled: bool, next_attempt: int, next_response: Response | None) -> Outcomes:
    """Enabled for the Promotion that was just created: what it is a response to."""
    return only(attempt=next_attempt, response=next_response) if filled else ()


def forget_response() -> Outcomes:
    """The end of the response."""
    return only(tried=None, next_attempt=0, next_response=None, busy=False, wanted=None, asking="")


# Binding


def concluding(policy: FailurePolicy, slot: str) -> Iterator[Action]:
    """What comes between the conclusion of a Promotion's pass and its being saved."""
    own = {field: of(field, slot) for field in ("starts", "begun")}
    fixed: dict[str, Value] = {"limit": policy.limit}
    if policy.response is Response.RESTART:
        yield action(start_again, constants=fixed, writes={"new_step": "new_step", "anew": "anew"}, reads=own)
    if policy.response is Response.HINTS:
        writes = {"new_step": "new_step", "anew": "anew", "kept_on": "kept_on", "hint": of("hint", slot)}
        yield action(heed_hint, constants=fixed, writes=writes, reads=own)


def ending(
    scope: Scope, policy: FailurePolicy, slot: str, did: str, aliases: Iterable[str]
) -> Iterator[Action | Part]:
    """What a Promotion's pass ends with: `did` is the variable that says what the first step did."""
    first, *_ = aliases
    for freight in scope.all_freight:
        reads = {"did": did, "entry": f"entry[{first}]", "done": of("done", freight, scope.stage.name)}
        yield part(action(note_done, reads=reads), **{of("freight", slot): freight})
    if policy.response in (Response.RESTART, Response.HINTS):
        yield action(begin_anew, writes=("work_dir", "requeue"))
    if policy.response is Response.HINTS:
        for alias in aliases:
            forgetting = action(forget_failure, constants={"continue_on_error": False}, entry=f"entry[{alias}]")
            yield part(forgetting, kept_on=True)


def respond_to_failures(scope: Scope, policy: FailurePolicy) -> Sequence:
    """The sub-reconciler that creates what the policy wants."""
    return sequence("responding to failures", *_parts(scope, policy))


def _parts(scope: Scope, policy: FailurePolicy) -> Iterator[Action | Part | Sequence]:
    warehouse = scope.stage.origins[0]
    for slot in scope.created:
        yield scope.bind(note_busy, {"phase": of("phase", slot)}, writes=("busy",))
        fields = {f: of(f, slot) for f in ("name", "attempt", "freight", "hint", "response")}
        yield scope.bind(note_tried, fields, writes=("tried",))
    reads = {"in_use": scope.of("in_use", warehouse), "answered": scope.of("answered")}
    writes = ("wanted", "asking", "next_attempt", "next_response")
    yield scope.bind(respond, reads, constants={"policy": policy}, writes=writes)
    if policy.response in CREATING:
        yield from _creating(scope, warehouse)
    yield scope.bind(forget_response, writes=("tried", "next_attempt", "next_response", "busy", "wanted", "asking"))


def _creating(scope: Scope, warehouse: str) -> Iterator[Action | Part | Sequence]:
    """The Promotion that is wanted is created, if it may be."""
    for freight in scope.of_origin(warehouse):
        asking = [*may_promote(scope, freight, warehouse)]
        asking += [
            scope.bind(withdraw, constants={"freight": freight}),
            scope.bind(forget_admission, writes=("admissible",)),
        ]
        yield part(sequence(f"may {freight} be promoted", *asking), wanted=freight)
    for slot in scope.created:
        fields = {f: of(f, slot) for f in ("phase", "used", "freight", "intent")}
        filling = scope.bind(
            fill_slot, fields, constants={"promotion": slot}, writes=("freight", "intent", "filled")
        )
        yield filling
        marked = {f: of(f, slot) for f in ("attempt", "response")}
        yield scope.bind(mark_response, marked, writes=("attempt", "response"))
        signed = {f: of(f, slot) for f in ("created", "actor")}
        yield part(scope.bind(sign, signed, writes=(*signed, "filled")), filled=True)


def slot_variables(policy: FailurePolicy, slot: str) -> Iterator[Variable]:
    """The variables that a Promotion has besides."""
    numbers = range(policy.limit + 1)
    for field, initial in OF_SLOTS.items():
        domain: tuple[Value, ...] = tuple(numbers) if field in ("starts", "attempt") else ()
        domain = (*numbers, policy.limit + 1) if field == "begun" else domain
        yield variable(of(field, slot), initial, domain=domain)


def stage_variables(scope: Scope) -> Iterator[Variable]:
    """The variables of a Stage besides, and of its Freight: how often its first step was done for it, up to two."""
    yield variable(scope.of("answered"), None)
    for freight in scope.all_freight:
        yield variable(of("done", freight, scope.stage.name), 0, domain=range(3))


def pass_variables() -> Iterator[Variable]:
    """The variables of a pass."""
    for name, initial in OF_PASSES.items():
        yield local(name, initial)


def forget_counts(scope: Scope) -> Sequence:
    """The controller is restarted, and had counted in its memory only."""
    counts = [
        action(_forget_count, f"forget {slot}", starts=of("starts", slot), attempt=of("attempt", slot))
        for slot in scope.promotions
    ]
    return sequence(f"the counts of {scope.stage.name} are lost", *counts, actor="fault")


def _forget_count(starts: int, attempt: int) -> Outcomes:
    return only(starts=0, attempt=0)
