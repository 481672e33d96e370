"""Verifying the Freight of a Stage: the fourth and fifth sub-reconcilers of a Stage pass.

Source: `pkg/controller/stages/regular_stages.go: verifyStageFreight, startVerification, getVerificationResult,
abortVerification, markFreightVerifiedForStage`
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from model.kargo.availability import Verified
from model.kargo.loop.scope import Scope
from model.kargo.loop.sync_promotions import note_freight
from model.kargo.loop.values import PANIC, Asked, Condition, Note, Run, RunNote, Verification, of
from model.kargo.phases import HealthState, VerificationPhase
from model.kargo.stage_lifecycles import proceeded
from model.system import Action, Outcomes, Part, Sequence, only, part, sequence

Runs = tuple[Run, ...]
Older = tuple[tuple[Verification, Note], ...]

LONGEST_STACK = 10
"""How many verifications of a collection a Stage remembers. Source: `VerificationInfoStack.UpdateOrPush`"""

WAIT_FOR_LOST_RUN_MS = (1 + 2 + 4 + 8 + 16 + 32 + 64) * 1000
"""How long a pass waits for an AnalysisRun that is not there before it gives up on it, without jitter.

Source: `NewRegularStageReconciler` (backoff of `getVerificationResult`)
"""


class Doing(Enum):
    """What a pass does about verification."""

    __hash__ = object.__hash__

    NOTHING = "nothing"
    ABORT = "abort the verification under way"
    POLL = "look at how the verification is getting on"
    PASS = "take the Freight for verified, as nothing is asked for"
    START = "start a verification"


def look(
    verification: Verification | None,
    current: str | None,
    has_freight: bool,
    health: HealthState,
    reverify: Asked | None,
    abort_verification: Asked | None,
    *,
    verifies: bool,
) -> Outcomes:
    """Decide what to do. Health is not asked while a verification is under way."""
    if not has_freight or current is not None:
        return ()
    if verification is not None:
        if not verification.phase.terminal:
            aborts = abort_verification is not None and abort_verification.id == verification.id
            return only(doing=Doing.ABORT if aborts else Doing.POLL)
        if reverify is None or reverify.id != verification.id:
            return ()
    if health is not HealthState.HEALTHY:
        return ()
    return only(doing=Doing.START if verifies else Doing.PASS)


def say_no_freight(has_freight: bool, generation: int) -> Outcomes:
    """The condition of a Stage without Freight."""
    message = "Stage has no current Freight to verify"
    return () if has_freight else only(verified_condition=Condition("Unknown", "NoFreight", generation, message))


# One that is under way


def end_of(run: Run, *, end_needs_phase: bool) -> int | None:
    """When an AnalysisRun was completed, as a Stage pass reads it.

    Source: `AnalysisRunStatus.CompletedAt`, a method up to 1.10 that asks for the phase, a field since
    """
    return None if end_needs_phase and not run.phase.terminal else run.completed


def poll(verification: Verification, runs: Runs, now: int, *, end_needs_phase: bool) -> Outcomes:
    """Its phase is that of its AnalysisRun; without one it ends in an error, and so does the pass."""
    run = next((r for r in runs if r.number == verification.run), None)
    if run is None:
        gone = _end(verification, VerificationPhase.ERROR)
        return only("its AnalysisRun is gone", verification=gone, failed=True, now=now + WAIT_FOR_LOST_RUN_MS)
    label = "" if run.phase is verification.phase else f"verification is {run.phase.value or 'new'}"
    ended = _end(verification, run.phase)
    return only(label, verification=ended._replace(finished=end_of(run, end_needs_phase=end_needs_phase)))


def note_poll(
    verification: Verification,
    verification_note: Note,
    run_notes: tuple[RunNote, ...],
    failed: bool,
    *,
    stage: str,
    project: str,
) -> Outcomes:
    """What it says is what its AnalysisRun says, or that there is none."""
    if failed:
        text = f'analysisruns.argoproj.io "{stage}~{verification.run}" not found'
        message = f'error getting AnalysisRun "{stage}~{verification.run}" in namespace "{project}": {text}'
        error = f"failed to verify Stage Freight: {text}"
        return only(verification_note=verification_note._replace(message=message), error=error)
    message = next((n.message for n in run_notes if n.number == verification.run), "")
    return only(verification_note=verification_note._replace(message=message))


def _end(verification: Verification, phase: VerificationPhase) -> Verification:
    return verification._replace(phase=proceeded(verification.phase, phase))


def abort(verification: Verification, runs: Runs, now: int) -> Outcomes:
    """The AnalysisRun is told to terminate; the verification is Failed at once."""
    known = any(r.number == verification.run for r in runs)
    ended = _end(verification, VerificationPhase.FAILED if known else VerificationPhase.ERROR)
    return only("verification aborted", verification=ended._replace(finished=now))


def note_abort(
    verification: Verification,
    verification_note: Note,
    abort_verification: Asked,
    run_notes: tuple[RunNote, ...],
    *,
    stage: str,
    project: str,
) -> Outcomes:
    """Who aborted it, or why that cannot be passed on."""
    text = f'analysisruns.argoproj.io "{stage}~{verification.run}" not found'
    gone = f'error terminating AnalysisRun "{stage}~{verification.run}" in namespace "{project}": {text}'
    aborted = verification.phase is VerificationPhase.FAILED
    message = "Verification aborted by user" if aborted else gone
    return only(
        verification_note=verification_note._replace(message=message, actor=abort_verification.actor),
        run_notes=tuple(n._replace(terminate=True) if n.number == verification.run else n for n in run_notes),
    )


# A new one


def push(verification: Verification | None, verification_note: Note, older_verifications: Older) -> Outcomes:
    """What was the newest verification is an older one now."""
    if verification is None:
        return ()
    older = ((verification, verification_note), *older_verifications)
    return only(older_verifications=older[: LONGEST_STACK - 1])


def pass_without(verification_ids: int, now: int) -> Outcomes:
    """A Stage that asks for no verification takes its Freight for verified."""
    phase = VerificationPhase.SUCCESSFUL
    return only(
        "verified, as nothing is asked for",
        verification=Verification(verification_ids + 1, phase, finished=now),
        verification_note=Note(started=now),
        verification_ids=verification_ids + 1,
    )


def note_collection(in_use: str | None, collection: tuple[str, ...]) -> Outcomes:
    """One Freight of the collection that is to be verified."""
    return () if in_use is None else only(collection=tuple(sorted((*collection, in_use))))


def start(
    verification: Verification | None,
    reverify: Asked | None,
    runs: Runs,
    collection: tuple[str, ...],
    verification_ids: int,
    run_ids: int,
    now: int,
    *,
    adopting_takes_now: bool,
    end_needs_phase: bool,
) -> Outcomes:
    """A verification starts with a new AnalysisRun.

    Without any request for re-verification, old or new, an AnalysisRun that was once made for the same Freight is
    taken over, whatever has become of it.
    """
    number = verification_ids + 1
    existing = [r for r in runs if r.collection == collection] if reverify is None else []
    if existing:
        adopted = existing[-1]
        label = f"an earlier AnalysisRun is taken over, {adopted.phase.value or 'new'}"
        finished = now if adopting_takes_now else end_of(adopted, end_needs_phase=end_needs_phase)
        phase = proceeded(VerificationPhase.NEW, adopted.phase)
        taken = Verification(number, phase, adopted.number, finished)
        return only(label, verification=taken, verification_ids=number, adopted=True)
    run = Run(run_ids + 1, collection)
    pending = proceeded(VerificationPhase.NEW, VerificationPhase.PENDING)
    return only(
        "verification starts",
        verification=Verification(number, pending, run.number, now // 1000 * 1000),
        verification_ids=number,
        runs=(*runs, run),
        run_ids=run.number,
    )


def note_start(
    verification: Verification,
    previous: Verification | None,
    reverify: Asked | None,
    run_notes: tuple[RunNote, ...],
    adopted: bool,
    last: str | None,
    now: int,
) -> Outcomes:
    """What a verification says when it starts.

    A run that follows a re-promotion, or is the first for its collection, names the Promotion that led to it.
    """
    asked = previous is not None and reverify is not None and reverify.id == previous.id
    actor = reverify.actor if asked and reverify is not None else ""
    if adopted:
        return only(verification_note=Note(actor=actor, started=now))
    on_behalf = asked and reverify is not None and reverify.control_plane and reverify.actor != ""
    promotion = last if last is not None and (previous is None or on_behalf) else ""
    assert verification.run is not None
    return only(
        verification_note=Note(actor=actor, started=now),
        run_notes=(*run_notes, RunNote(verification.run, now, promotion)),
    )


def remember_previous(verification: Verification | None) -> Outcomes:
    """The newest verification before this pass adds one."""
    return only(previous=verification)


def forget_previous() -> Outcomes:
    """What was noted on the way is not needed any more."""
    return only(previous=None, adopted=False, collection=())


# What the condition says


_REASONS = {
    VerificationPhase.PENDING: ("Unknown", "VerificationPending", "Freight is pending verification"),
    VerificationPhase.RUNNING: ("Unknown", "VerificationRunning", "Freight is currently being verified"),
    VerificationPhase.FAILED: ("False", "VerificationFailed", None),
    VerificationPhase.ERROR: ("False", "VerificationError", None),
    VerificationPhase.ABORTED: ("False", "VerificationAborted", None),
    VerificationPhase.INCONCLUSIVE: ("Unknown", "VerificationInconclusive", None),
}


def say_verified(
    verification: Verification | None,
    verification_note: Note,
    older_verifications: Older,
    current: str | None,
    generation: int,
) -> Outcomes:
    """One success among the verifications of the current Freight is enough, also if a newer one failed."""
    if verification is None or current is not None:
        return ()
    phases = (verification.phase, *(v.phase for v, _ in older_verifications))
    if VerificationPhase.SUCCESSFUL in phases:
        found = Condition("True", "Verified", generation, "Freight has been verified")
    elif verification.phase in _REASONS:
        status, reason, text = _REASONS[verification.phase]
        found = Condition(status, reason, generation, verification_note.message if text is None else text)
    else:
        text = f"Freight verification is in an unknown phase: {verification.phase.value}"
        found = Condition("Unknown", "UnknownVerificationPhase", 0, text)
    return only(verified_condition=found)


# Telling the Freight


def mark(
    verified: Verified | None,
    freight_exists: bool,
    verification: Verification,
    *,
    freight: str,
    project: str,
) -> Outcomes:
    """The Freight is verified in this Stage, for good, since the verification finished."""
    if not freight_exists:
        text = f'freights.kargo.akuity.io "{freight}" not found'
        where = f'error getting Freight "{freight}" in namespace "{project}": {text}'
        return only(failed=True, error=f"failed to verify Freight for Stage: {where}")
    if verified is not None:
        return ()
    if verification.finished is None:
        return only(failed=True, error=PANIC)
    return only(f"{freight} is verified", verified=Verified(verification.finished // 1000 * 1000, None))


def may_mark(verification: Verification | None, health: HealthState) -> Outcomes:
    """Enabled while the Stage is healthy and the newest verification was a success."""
    if health is not HealthState.HEALTHY or verification is None:
        return ()
    return only(marking=True) if verification.phase is VerificationPhase.SUCCESSFUL else ()


def verify_stage_freight(scope: Scope) -> Sequence:
    """Abort, poll or start a verification of the current Freight."""
    return sequence("verifying Stage Freight", *_parts(scope))


def _parts(scope: Scope) -> Iterator[Action | Part]:
    stage, project = scope.stage.name, scope.pipeline.project
    where = {"stage": stage, "project": project}
    for warehouse in scope.pipeline.warehouses:
        yield scope.bind(note_freight, in_use=scope.of("in_use", warehouse))
    yield scope.bind(say_no_freight, writes=("verified_condition",))
    yield scope.bind(look, constants={"verifies": scope.stage.verification}, writes=("doing",))
    ends = {"end_needs_phase": scope.behaviours.end_of_run_needs_its_phase}
    yield part(scope.bind(poll, constants=ends, writes=("failed",)), doing=Doing.POLL)
    yield part(scope.bind(note_poll, constants=where, writes=("error",)), doing=Doing.POLL)
    yield part(scope.bind(abort), doing=Doing.ABORT)
    yield part(scope.bind(note_abort, constants=where), doing=Doing.ABORT)
    new = (Doing.PASS, Doing.START)
    yield part(scope.bind(push), doing=new)
    yield part(scope.bind(remember_previous, writes=("previous",)), doing=new)
    passing = scope.bind(pass_without, writes=("verification", "verification_note"))
    yield part(passing, doing=Doing.PASS)
    for warehouse in scope.pipeline.warehouses:
        noting = scope.bind(note_collection, in_use=scope.of("in_use", warehouse))
        yield part(noting, doing=Doing.START)
    adopting = {"adopting_takes_now": scope.behaviours.adopted_run_finishes_now, **ends}
    yield part(scope.bind(start, constants=adopting, writes=("adopted",)), doing=Doing.START)
    yield part(scope.bind(note_start, writes=("verification_note",)), doing=Doing.START)
    yield part(scope.bind(forget_previous, writes=("previous", "adopted", "collection")), doing=new)
    yield scope.bind(say_verified, writes=("verified_condition",))


def mark_freight_verified(scope: Scope) -> Sequence:
    """Mark the current Freight as verified in the Stage."""
    return sequence("verifying Freight for Stage", *_marking(scope))


def _marking(scope: Scope) -> Iterator[Action | Part]:
    yield scope.bind(may_mark, writes=("marking",))
    for warehouse in sorted(scope.pipeline.warehouses):
        for freight in scope.all_freight:
            marking = scope.bind(
                mark,
                constants={"freight": freight, "project": scope.pipeline.project},
                writes=("failed", "error"),
                verified=of("verified", freight, scope.stage.name),
                freight_exists=of("freight_exists", freight),
            )
            yield part(marking, **{scope.of("in_use", warehouse): freight, "failed": False, "marking": True})
    yield part(scope.bind(forget_marking, writes=("marking",)), marking=True)


def forget_marking() -> Outcomes:
    """The Freight has been told."""
    return only(marking=False)
