"""Where Kargo takes away what asks for something before that is done.

The shape is that of `invariants.triggers`. Three things ask in Kargo: a step that failed for now asks for another
attempt, a current Promotion that is over asks to be put on record, and a wake-up or a timer of a control flow Stage
asks it to let Freight pass that has soaked. The same claims are made in other words by `step_engine` and
`control_loop`; here they are instances of one pattern.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from invariants.kargo import loops, systems
from invariants.kargo.loops import LOOPS, bounded
from invariants.kargo.step_engine import STARTED, TRIED_AGAIN
from invariants.properties import Property, sometimes
from invariants.subjects import Subject
from invariants.triggers import consumed_only_when_done
from model.kargo.availability import Verified
from model.kargo.loop.exploration import scope_of, slots
from model.kargo.loop.values import of
from model.kargo.phases import PromotionPhase
from model.kargo.plan import did, stored
from model.kargo.releases import Behaviours
from model.kargo.step_engine import Entry, Turn

ATTEMPT = "a_step_that_will_be_tried_again_is"
RECORD = "a_current_promotion_that_is_over_is_put_on_record"
PASSAGE = "a_gate_is_woken_until_freight_has_passed"

# Another attempt


def will_be_tried_again(phase: PromotionPhase, entry: Entry | None) -> bool:
    """A step asks for another attempt."""
    return not phase.terminal and entry is not None and entry.phase in TRIED_AGAIN


def is_tried(work_dir: bool, abort_requested: bool, next_did: Turn) -> bool:
    """It is run, or nothing can be expected of it any more."""
    return next_did in STARTED or abort_requested or not work_dir


# A record


def current_is_over(current: str | None, phase: PromotionPhase | None, name: str) -> bool:
    """A Promotion that its Stage waits for asks to be put on record."""
    return current == name and phase is not None and phase.terminal


def is_recorded(last: str | None, next_last: str | None, next_phase: PromotionPhase | None, name: str) -> bool:
    """It was put on record just now, or is gone."""
    recorded = next_last is not None and next_last >= name and (last is None or last < name)
    return next_phase is None or recorded


# A passage


def gate_will_be_looked_at(woken: bool, stage_requeue: object) -> bool:
    """A control flow Stage is in the queue, or has a timer."""
    return woken or stage_requeue is not None


def nothing_is_left_to_pass(upstream: Verified | None, next_verified: Verified | None) -> bool:
    """Freight has passed, or cannot yet, because it is not verified upstream."""
    return upstream is None or next_verified is not None


NAMES = ("triggers-steps", "triggers-records", "triggers-gates")
"""What to call the systems."""


def subject(name: str, behaviours: Behaviours) -> Subject:
    """The system called `name` as one release behaves, with the claim that no trigger is consumed in vain.

    Raises KeyError for a name that is not one of `NAMES`.
    """
    makers = dict(zip(NAMES, (_steps, _records, _gates), strict=True))
    return makers[name](name, behaviours)


def _steps(name: str, behaviours: Behaviours) -> Subject:
    found = systems.subject("retry", behaviours)
    alias = "clone"
    reads = {"entry": stored("entry", alias), "did": did(0, alias)}
    claim = consumed_only_when_done(ATTEMPT, asks=will_be_tried_again, done=is_tried, reads=reads)
    asking = sometimes(will_be_tried_again, reads={"entry": reads["entry"]})
    return Subject(name, found.about, found.system, (claim, asking), found.quiet)


def _records(name: str, behaviours: Behaviours) -> Subject:
    loop = bounded(LOOPS["by-hand"], 2, 1)
    found = loops.explored(name, loop, behaviours)
    return Subject(name, loop.about, found.system, tuple(_of_records(loop, behaviours)), found.quiet)


def _of_records(loop: loops.Loop, behaviours: Behaviours) -> Iterator[Property]:
    [stage] = loop.pipeline.stages
    scope = scope_of(loop.pipeline, stage.name, behaviours, loop.bounds)
    for slot in scope.promotions:
        reads = {"current": scope.of("current"), "phase": of("phase", slot)}
        over = partial(current_is_over, name=slot)
        done = partial(is_recorded, name=slot)
        last = {"last": scope.of("last")}
        yield consumed_only_when_done(RECORD, f"{RECORD} [{slot}]", asks=over, done=done, reads=reads | last)
    first = slots(stage.name, loop.bounds)[0]
    reads = {"current": scope.of("current"), "phase": of("phase", first)}
    yield sometimes(current_is_over, constants={"name": first}, reads=reads)


def _gates(name: str, behaviours: Behaviours) -> Subject:
    loop = LOOPS["soaking-gate"]
    found = loops.explored(name, loop, behaviours)
    return Subject(name, loop.about, found.system, tuple(_of_gates(loop, behaviours)), found.quiet)


def _of_gates(loop: loops.Loop, behaviours: Behaviours) -> Iterator[Property]:
    for stage in loop.pipeline.stages:
        if not stage.control_flow:
            continue
        scope = scope_of(loop.pipeline, stage.name, behaviours, loop.bounds)
        asks = {f: scope.of(f) for f in ("woken", "stage_requeue")}
        for request in stage.requests:
            for freight in scope.of_origin(request.warehouse):
                for upstream in request.stages:
                    reads = asks | {"upstream": of("verified", freight, upstream)}
                    reads |= {"verified": of("verified", freight, stage.name)}
                    yield consumed_only_when_done(
                        PASSAGE,
                        f"{PASSAGE} [{stage.name}/{freight}]",
                        asks=gate_will_be_looked_at,
                        done=nothing_is_left_to_pass,
                        reads=reads,
                    )
        yield sometimes(gate_will_be_looked_at, reads=asks)
