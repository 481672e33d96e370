"""Letting go, in exploration, of what no rule can read any more: it would only tell states apart that are alike.

Nothing here is Kargo's. No rule reads the steps of a Promotion that is over, nor what one that is on record
carried; and which number a verification or an AnalysisRun has makes no difference, only whether two are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from model.kargo.loop.scope import Scope
from model.kargo.loop.values import Asked, Note, Run, Verification, of
from model.kargo.phases import PromotionPhase, VerificationPhase
from model.system import Action, Outcomes, Part, action, only, part

MOST_RUNS = 9
"""A number larger than that of any AnalysisRun kept."""

OVER = tuple(p for p in PromotionPhase if p.terminal)


def forget_steps() -> Outcomes:
    """The work directory of a Promotion that is over, and a request to abort it."""
    return only(work_dir=False, abort_requested=False)


def forget_step() -> Outcomes:
    """A step of a Promotion that is over."""
    return only(entry=None)


def forget_promotion(phase: PromotionPhase | None, name: str, last: str | None) -> Outcomes:
    """Enabled for a Promotion that is over and cannot be recorded any more."""
    if phase is None or not phase.terminal or last is None or name > last:
        return ()
    return only(started=None, status_freight=None, forgotten=True)


def forget_carried() -> Outcomes:
    """What it carried from one origin."""
    return only(carried=None)


def on_to_the_next() -> Outcomes:
    """On to the next slot."""
    return only(forgotten=False)


def renumber(
    verification: Verification | None,
    reverify: Asked | None,
    abort_verification: Asked | None,
    runs: tuple[Run, ...],
) -> Outcomes:
    """The newest verification is number 1, an AnalysisRun is numbered by its place.

    Of AnalysisRuns for the same Freight only the newest can be taken over, and only that of the newest verification
    is looked at. Requests for an older verification are all alike.
    """
    latest = {run.collection: run.number for run in runs}
    referred = verification.run if verification is not None else None
    kept = [r for r in runs if r.number == referred or latest[r.collection] == r.number]
    numbers = {r.number: place for place, r in enumerate(kept, start=1)}

    def about(asked: Asked | None) -> Asked | None:
        if asked is None:
            return None
        newest = verification is not None and asked.id == verification.id
        return asked._replace(id=1 if newest else 0)

    run = None if referred is None else numbers.get(referred, 0)
    return only(
        verification=None if verification is None else verification._replace(id=1, run=run),
        verification_ids=1,
        reverify=about(reverify),
        abort_verification=about(abort_verification),
        runs=tuple(r._replace(number=numbers[r.number]) for r in kept),
        run_ids=MOST_RUNS,
    )


def forget_older(older_verifications: tuple[tuple[Verification, Note], ...]) -> Outcomes:
    """Of older verifications it only matters whether one was Successful, and whether one is not over."""
    phases = {v.phase for v, _ in older_verifications}
    kept = [p for p in VerificationPhase if p in phases and (p is VerificationPhase.SUCCESSFUL or not p.terminal)]
    return only(older_verifications=tuple((Verification(0, p), Note()) for p in kept))


def tidy_promotion(slot: str, aliases: Iterable[str]) -> Iterator[Part]:
    """What the pass of a Promotion ends with."""
    over = {of("phase", slot): OVER}
    fields = {f: of(f, slot) for f in ("work_dir", "abort_requested")}
    yield part(action(forget_steps, writes=fields), **over)
    for alias in aliases:
        yield part(action(forget_step, writes={"entry": of("entry", slot, alias)}), **over)


def tidy_stage(scope: Scope) -> Iterator[Action | Part]:
    """What the pass over a Stage ends with."""
    for slot in scope.promotions:
        of_it = {f: of(f, slot) for f in ("phase", "name", "started", "status_freight")}
        yield scope.bind(forget_promotion, of_it, writes=("started", "status_freight", "forgotten"))
        for warehouse in scope.pipeline.warehouses:
            carried = {"carried": of("carried", slot, warehouse)}
            yield part(scope.bind(forget_carried, carried, writes=("carried",)), forgotten=True)
        yield part(scope.bind(on_to_the_next, writes=("forgotten",)), forgotten=True)
    yield scope.bind(renumber, writes=("verification_ids", "run_ids"))
    yield scope.bind(forget_older)
