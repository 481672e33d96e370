"""Which gates of the control loop are closed for a Stage, in the order in which its controller meets them.

A gate is a place in a pass where the controller does not go on: each is asked of the model's own rules, at the
state that was read. With it come the fields that close it, and the known bug if it is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from model.kargo.auto_promotion import Verdict
from model.kargo.live.values import instant_text
from model.kargo.loop.auto_promote import decide_from_origin
from model.kargo.loop.sync_promotions import hold_back
from model.kargo.loop.values import Hold, of
from model.kargo.phases import HealthState, PromotionPhase, VerificationPhase
from model.kargo.requests import ALL, FreightRequest
from model.system import sequence
from simulations.kargo.live.changes import newest
from simulations.kargo.live.goals import wanted
from simulations.kargo.live.restoring import Restored
from simulations.kargo.live.values_text import ago
from simulations.kargo.live.which_bug import WhichBug

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Gate:
    """A gate that is closed: which it is, why in a sentence, the fields that close it, and the bug it is, if any.

    `bug` is the name of a scenario that reproduces it.
    """

    name: str
    why: str
    fields: Fields = ()
    bug: str = ""


def closed_gates(restored: Restored, stage: str) -> list[Gate]:
    """The gates that are closed for a Stage: first that nobody looks at it, or at a Promotion of it."""
    return [*_overlooked(restored, stage), *_closed(restored, stage)]


def oddities(restored: Restored, stage: str) -> Iterator[Gate]:
    """What is worth telling of a Stage that moves: that nobody looks at it, or that its Promotion is gone."""
    yield from _overlooked(restored, stage)
    if restored.cluster.state[of("stage_exists", stage)]:
        yield from Look(restored, stage).missing()


def _overlooked(restored: Restored, stage: str) -> Iterator[Gate]:
    for item, since in restored.hidden.overlooked.items():
        kind, _, name = item.partition("/")
        if stage == (name if kind == "Stage" else restored.cluster.stage_of(restored.slots[name])):
            late = ago(restored.began - since)
            why = f"nobody has looked at {kind} {name} for {late}, though a pass over it would change something"
            yield Gate("queue", f"{why}: does its controller run?")


def _closed(restored: Restored, stage: str) -> list[Gate]:
    state = restored.cluster.state
    if not state[of("stage_exists", stage)]:
        return [Gate("stage", "the Stage does not exist, or was not given: nobody makes its Promotions current")]
    if state[of("deleting", stage)]:
        return [Gate("stage", "the Stage is being deleted", (("metadata.deletionTimestamp", "set"),))]
    if restored.cluster.pipeline.stage(stage).control_flow:
        return [*_sources(restored, stage), *_control_flow(restored, stage)]
    look = Look(restored, stage)
    found = [
        *_sources(restored, stage),
        *look.promotion(),
        *look.record(),
        *look.freight(),
        *look.health(),
        *look.verification(),
    ]
    found += look.verified()
    # That nothing is promoted by itself is worth telling where it is meant to be, or nothing else is the matter.
    meant = state[of("policy", stage)] is True
    return [*found, *(look.auto_promotion() if meant or not found else ())]


def endless(restored: Restored, stage: str, why: str) -> Gate:
    """What happens to a Stage goes on without end: maybe because nothing comes after the last name on record."""
    cluster, state = restored.cluster, restored.cluster.state
    last, names = state[of("last", stage)], [str(state[of("name", slot)]) for slot in cluster.existing(stage)]
    if state[of("policy", stage)] is True and last is not None and all(name < last for name in names):
        bug = WhichBug(restored, stage).of_release("promoted-for-ever-after-an-odd-name")
        return Gate("endless", why, (("status.lastPromotion.name", last),), bug)
    return Gate("endless", why)


def _sources(restored: Restored, stage: str) -> Iterator[Gate]:
    """Where a Stage takes its Freight from, if there is no such thing."""
    pipeline, exists = restored.cluster.pipeline, restored.cluster.existing_stages()
    for number, request in enumerate(pipeline.stage(stage).requests):
        place = f"spec.requestedFreight[{number}]"
        if request.warehouse not in pipeline.warehouses:
            why = f"Warehouse {request.warehouse}, whose Freight the Stage asks for, does not exist"
            yield Gate("sources", why, ((f"{place}.origin.name", request.warehouse),))
        for upstream in (s for s in request.stages if s not in exists):
            why = f"Stage {upstream}, from which the Stage takes Freight, does not exist, or was not given"
            yield Gate("sources", why, ((f"{place}.sources.stages", upstream),))


def _control_flow(restored: Restored, stage: str) -> Iterator[Gate]:
    cluster, state = restored.cluster, restored.cluster.state
    for request in cluster.pipeline.stage(stage).requests:
        missing = [f for f in wanted(cluster, stage, request) if state[of("verified", f, stage)] is None]
        if not missing:
            continue
        why, fields = unavailable(restored, missing[-1], request)
        if request.soak_ms:
            late = "; a control flow Stage is not looked at again when that is over"
            yield Gate("soak", f"Freight {missing[-1]} {why}{late}", fields)
        else:
            yield Gate("availability", f"Freight {missing[-1]} {why}", fields)


def unavailable(restored: Restored, freight: str, request: FreightRequest) -> tuple[str, Fields]:
    """Why Freight is not available that was verified in a Stage upstream, and the fields that say so."""
    state, sources = restored.cluster.state, "spec.requestedFreight.sources"
    lacking = [s for s in request.stages if state.get(of("verified", freight, s)) is None]
    if request.strategy == ALL and lacking:
        absent = tuple((f"Freight {freight} status.verifiedIn.{s}", "absent") for s in lacking)
        fields = ((f"{sources}.availabilityStrategy", ALL), *absent)
        return (
            f"has to be verified in all of {', '.join(request.stages)}, and is not in {', '.join(lacking)}",
            fields,
        )
    if request.soak_ms:
        fields = ((f"{sources}.requiredSoakTime", ago(request.soak_ms)),)
        for s in request.stages:
            if (since := state.get(of("since", freight, s))) is not None:
                fields += ((f"Freight {freight} status.currentlyIn.{s}.since", instant_text(since)),)
        return f"is verified upstream, and has to soak there for {ago(request.soak_ms)}", fields
    return "is not available: not verified where it has to be, or no longer there", ()


@dataclass(frozen=True)
class Look:
    """A Stage, looked at gate by gate."""

    restored: Restored
    stage: str

    @property
    def bug(self) -> WhichBug:
        """Which bug it may be that closes a gate."""
        return WhichBug(self.restored, self.stage)

    def its(self, field: str, *more: str) -> object:
        """A field of the Stage."""
        return self.restored.cluster.state[of(field, self.stage, *more)]

    def open(self) -> list[tuple[str, PromotionPhase]]:
        """The Promotions that are not over, by name, with their phases."""
        cluster = self.restored.cluster
        slots = [slot for slot in cluster.existing(self.stage) if not cluster.is_over(slot)]
        found = [(str(cluster.state[of("name", slot)]), cluster.phase(slot)) for slot in slots]
        return sorted((name, phase) for name, phase in found if phase is not None)

    def missing(self) -> Iterator[Gate]:
        """That the current Promotion does not exist."""
        current = self.its("current")
        slot = self.restored.slots.get(str(current))
        if current is not None and (slot is None or self.restored.cluster.phase(slot) is None):
            why = f"the current Promotion {current} does not exist; the next pass over the Stage finds that"
            yield Gate("promotion", f"{why}, within five minutes if its controller runs", (_current(current),))

    def promotion(self) -> Iterator[Gate]:
        """Who is first in the queue, and what the others wait for."""
        waiting, current = self.open(), self.its("current")
        running = [name for name, phase in waiting if phase is PromotionPhase.RUNNING]
        for name in running:
            yield self._running(name)
        if current is not None and str(current) not in [name for name, _ in waiting]:
            over = f"the current Promotion {current} is over; the next pass over the Stage finds that"
            yield from list(self.missing()) or [Gate("promotion", over, (_current(current),))]
            return
        behind = [name for name, _ in waiting if name not in running and name != current]
        if not behind or (current is None and self._held() is None):
            return
        if current is not None:
            why = f"Promotion {', '.join(behind[:3])} waits behind {current}, which is current"
            yield Gate("promotion", why, (_current(current),))
            return
        held = self._held()
        if held is not None:
            yield held

    def _running(self, name: str) -> Gate:
        """Which step of a running Promotion is not done."""
        cluster, slot = self.restored.cluster, self.restored.slots[name]
        for step in cluster.plans[slot].steps:
            entry = cluster.state[of("entry", slot, step.rules.alias)]
            if entry is None or entry.phase.over:
                continue
            limit = step.rules.timeout_ms
            since = "" if entry.started_at is None else f" for {ago(self.restored.began - entry.started_at)}"
            until = f"its timeout is {ago(limit)}" if limit else "it has no timeout"
            errors = f" after {entry.error_count} errors" if entry.error_count else ""
            why = f"step {step.rules.alias} of Promotion {name} is {entry.status}{since}{errors}; {until}"
            fields: Fields = (
                ("status.phase", "Running"),
                ("status.stepExecutionMetadata.status", str(entry.status)),
            )
            said = cluster.state[of("text", slot, step.rules.alias)]
            fields += (("status.stepExecutionMetadata.message", said),) if said else ()
            return Gate("promotion", why, fields)
        return Gate("promotion", f"Promotion {name} is Running", (("status.phase", "Running"),))

    def _held(self) -> Gate | None:
        """Whether the current Freight has to be verified before the next Promotion may start."""
        cluster, state = self.restored.cluster, self.restored.cluster.state
        health, verification = state[of("health", self.stage)], state[of("verification", self.stage)]
        has = bool(newest(cluster, state, self.stage))
        held = hold_back(has, verification, health, gate=cluster.behaviours.promotion_gate)
        if not held:
            return None
        phase = "has not begun" if verification is None else f"is {verification.phase.value or 'new'}"
        fields = (
            ("status.freightHistory[0].verificationHistory[0].phase", "" if verification is None else phase[3:]),
            ("status.health.status", health.value),
        )
        why = f"no Promotion may start while the verification of the current Freight {phase}"
        bug = "" if verification is not None else self.bug.of_release("late-verification")
        return Gate("promotion", why, fields, bug)

    def record(self) -> Iterator[Gate]:
        """Promotions that are over are put on record in order of their names."""
        cluster, state, last = self.restored.cluster, self.restored.cluster.state, self.its("last")
        if last is None:
            return
        finished, has = self.its("last_finished"), newest(cluster, state, self.stage).values()
        for slot in cluster.existing(self.stage):
            name, phase = str(state[of("name", slot)]), cluster.phase(slot)
            late = (state[of("finished", slot)] or 0) >= (finished if isinstance(finished, int) else 0)
            fields = (("status.lastPromotion.name", str(last)), ("metadata.name", name))
            if (
                phase is PromotionPhase.SUCCEEDED
                and late
                and name < str(last)
                and state[of("freight", slot)] not in has
            ):
                why = f"Promotion {name} succeeded and is not put on record: its name sorts before that of the last"
                yield Gate("record", why, fields, self.bug.keeps_off_the_record(str(last)))
            elif phase is not None and not phase.terminal and name <= str(last):
                why = f"Promotion {name} will not be put on record: its name sorts before that of the last one"
                yield Gate("record", why, fields, self.bug.keeps_off_the_record(str(last)))

    def freight(self) -> Iterator[Gate]:
        """Whether the Freight that the Stage has exists, and none is missing."""
        cluster, state = self.restored.cluster, self.restored.cluster.state
        has = newest(cluster, state, self.stage)
        for warehouse, name in has.items():
            if not cluster.exists_freight(name):
                why = f"Freight {name} of Warehouse {warehouse} does not exist, and every pass fails until it does"
                field = f"status.freightHistory[0].items.Warehouse/{warehouse}.name"
                yield Gate("freight", why, ((field, name),), self.bug.brings_in_use(name))
        older = [dict(kept) for kept, _ in state[of("older_history", self.stage)]]
        for warehouse in cluster.pipeline.stage(self.stage).origins:
            if warehouse not in has and any(warehouse in entry for entry in older):
                why = f"the Stage has lost its Freight of Warehouse {warehouse}, which it had before"
                field = f"status.freightHistory[0].items.Warehouse/{warehouse}"
                yield Gate("freight", why, ((field, "absent"),), self.bug.loses_an_origin())

    def health(self) -> Iterator[Gate]:
        """Only if the last Promotion succeeded, and none is current, does anybody look at the applications."""
        last, phase, app = self.its("last"), self.its("last_phase"), self.its("app")
        if self.its("current") is not None:
            return
        if last is not None and phase is not PromotionPhase.SUCCEEDED:
            fields: Fields = (("status.lastPromotion.status.phase", str(phase)),)
            said = str(self.its("last_message"))
            fields += (("status.lastPromotion.status.message", said),) if said else ()
            fields += (("status.health.status", self._health()),)
            why = f"health is not looked at, because the last Promotion on record, {last}, is {phase}"
            yield Gate("health", why, fields, self.bug.leaves_unverified(str(last)))
        elif last is not None and app is not HealthState.HEALTHY:
            issues = self.restored.hidden.issues.get(self.stage) or self.its("issues")
            shown = "; ".join(map(str, issues)) if isinstance(issues, tuple) else ""
            fields = (("status.health.status", self._health()), ("status.health.issues", shown or "none"))
            yield Gate("health", f"the applications are {app}", fields, self.bug.waits_for_health())

    def _health(self) -> str:
        health = self.its("health")
        return health.value if isinstance(health, HealthState) else ""

    def verification(self) -> Iterator[Gate]:
        """The verification of the current Freight."""
        cluster, state = self.restored.cluster, self.restored.cluster.state
        has, verification = newest(cluster, state, self.stage), state[of("verification", self.stage)]
        if not has or self.bug.is_verified():
            return
        field = "status.freightHistory[0].verificationHistory"
        if verification is None:
            why = "verification has not begun"
            if self.its("health") is not HealthState.HEALTHY:
                why += f": first the Stage has to be Healthy; it is {self._health() or 'new'}"
            yield Gate("verification", why, ((field, "absent"), ("status.health.status", self._health())))
        elif not verification.phase.terminal:
            run = next((r for r in state[of("runs", self.stage)] if r.number == verification.run), None)
            there = "its AnalysisRun does not exist" if run is None else "its AnalysisRun is not over"
            why = f"verification is {verification.phase.value or 'Pending'}: {there}"
            yield Gate("verification", why, ((f"{field}[0].phase", verification.phase.value),))
        elif verification.phase is not VerificationPhase.SUCCESSFUL:
            why = f"the verification ended {verification.phase}; nobody repeats it unless asked"
            fields: Fields = ((f"{field}[0].phase", str(verification.phase)),)
            said = state[of("verification_note", self.stage)].message
            fields += ((f"{field}[0].message", said),) if said else ()
            yield Gate("verification", why, fields)

    def verified(self) -> Iterator[Gate]:
        """Freight is marked while the Stage is healthy, after a verification that was a success."""
        cluster, state = self.restored.cluster, self.restored.cluster.state
        verification = state[of("verification", self.stage)]
        if verification is None or verification.phase is not VerificationPhase.SUCCESSFUL:
            return
        for name in newest(cluster, state, self.stage).values():
            if cluster.exists_freight(name) and state[of("verified", name, self.stage)] is None:
                why = f"Freight {name} is not marked as verified, though its verification was a success"
                yield Gate("verified", why, ((f"Freight {name} status.verifiedIn.{self.stage}", "absent"),))

    def auto_promotion(self) -> Iterator[Gate]:
        """Why newer Freight is not promoted by itself."""
        cluster, state = self.restored.cluster, self.restored.cluster.state
        scope = cluster.scope(self.stage)
        for request in scope.stage.requests:
            newer = wanted(cluster, self.stage, request)[-1:]
            if not newer or newer[0] in newest(cluster, state, self.stage).values():
                continue
            if self.its("policy") is not True:
                said = "no policy is for it" if self.its("policy") is None else "its policy says so"
                why = f"Freight {newer[0]} is there, and the Stage does not promote by itself: {said}"
                yield Gate("auto-promotion", why, (("ProjectConfig spec.promotionPolicies", said),))
                continue
            record = cluster.ask(sequence("decide", *decide_from_origin(scope, request)))
            verdict, choice = record["verdict"], record["choice"]
            if verdict is Verdict.NONE:
                why, fields = unavailable(self.restored, newer[0], request)
                yield Gate("auto-promotion", f"Freight {newer[0]} {why}", fields)
            elif isinstance(verdict, Verdict) and verdict is not Verdict.CREATED:
                yield self._not_created(verdict, choice.newest or newer[0], request.warehouse)

    def _not_created(self, verdict: Verdict, candidate: str, warehouse: str) -> Gate:
        because = verdict.doc[:1].lower() + verdict.doc[1:].rstrip(".")
        fields: Fields = (
            ("status.lastPromotion.name", str(self.its("last") or "absent")),
            ("status.autoPromotionEnabled", "true" if self.its("auto_promotion") else "false"),
        )
        hold = self.its("effective_hold", warehouse)
        if isinstance(hold, Hold):
            fields += ((f"status.effectiveAutoPromotionHolds.Warehouse/{warehouse}.promotionName", hold.promotion),)
        return Gate("auto-promotion", f"Freight {candidate} is not promoted by itself: {because}", fields)


def _current(name: object) -> tuple[str, str]:
    return ("status.currentPromotion.name", str(name))
