"""Promoting Freight without being asked: the last sub-reconciler of a Stage pass.

The rules are those of `model.kargo.auto_promotion`; here they get their variables.

Source: `pkg/controller/stages/regular_stages.go: autoPromoteFreight`
"""

from __future__ import annotations

from collections.abc import Iterator

from model.kargo import auto_promotion, availability
from model.kargo.auto_promotion import Choice, Guard, Verdict
from model.kargo.loop.candidates import choose
from model.kargo.loop.scope import Scope
from model.kargo.loop.values import Hold, Intent, of
from model.kargo.phases import PromotionPhase
from model.kargo.releases import Behaviours
from model.kargo.requests import FreightRequest
from model.system import Action, Outcomes, Part, Sequence, only, outcome, part, sequence


def read_policy(policy: bool | None) -> Outcomes:
    """Whether the project lets the Stage promote by itself."""
    return only(enabled=policy is True)


def say_enabled(enabled: bool) -> Outcomes:
    """The Stage says so."""
    return only(auto_promotion=enabled)


def fail_to_list(*, text: str) -> Outcomes:
    """Nothing can be listed."""
    return only(failed=True, error=f"failed to auto-promote Freight: {text}")


def consider_alone(
    choice: Choice,
    in_use: str | None,
    current_freight: str | None,
    effective_hold: Hold | None,
    *,
    request: FreightRequest,
    behaviours: Behaviours,
) -> Outcomes:
    """What can be said whatever Promotions there are."""
    held = effective_hold is not None
    verdict = auto_promotion.before_promotions(choice, request, in_use, current_freight, held, behaviours)
    if verdict is Verdict.SEVERAL and behaviours.several_upstream_is_an_error:
        return only(verdict=verdict, failed=True)
    return only(verdict=verdict)


def say_several(verdict: Verdict | None, listed: int, *, stage: str, project: str) -> Outcomes:
    """The error where one Freight was expected upstream."""
    if verdict is not Verdict.SEVERAL:
        return ()
    where = f'Stage "{stage}" in namespace "{project}"; this should not be possible'
    text = f"unexpectedly found {listed} available Freight running immediately upstream from {where}"
    return only(error=f"failed to auto-promote Freight: {text}")


def match(phase: PromotionPhase | None, freight: str | None, choice: Choice) -> Outcomes:
    """Enabled for a Promotion of the candidate."""
    return only(matches=True) if phase is not None and freight == choice.newest else ()


def after_last(name: str, last: str | None) -> Outcomes:
    """Enabled for a Promotion that is not on record yet."""
    return only(unseen=True) if last is None or name > last else ()


def note_guard(phase: PromotionPhase, unseen: bool, guard: Guard) -> Outcomes:
    """One more Promotion of the candidate."""
    return only(guard=auto_promotion.note(guard, phase, unseen), matches=False, unseen=False)


def decide(guard: Guard, *, request: FreightRequest, behaviours: Behaviours, arbitrary: bool) -> Outcomes:
    """The verdict, all Promotions considered; several where the controller looks at an arbitrary one."""
    verdicts = auto_promotion.decision(guard, request, behaviours)
    if len(verdicts) > 1 and not arbitrary:
        verdicts = (Verdict.CREATED if guard.last_succeeded else Verdict.LAST_NOT_SUCCEEDED,)
    return tuple(outcome(verdict=verdict) for verdict in verdicts)


def ask_for_promotion(verdict: Verdict | None, choice: Choice, admissible: bool, *, project: str) -> Outcomes:
    """Enabled where the candidate is to be promoted. Admission uses the predicate, and may refuse."""
    if verdict is not Verdict.CREATED:
        return ()
    if admissible:
        return only(wanted=choice.newest)
    return only(failed=True)


def say_refused(verdict: Verdict | None, choice: Choice, failed: bool, *, stage: str, project: str) -> Outcomes:
    """The error where admission refused."""
    if verdict is not Verdict.CREATED or not failed:
        return ()
    refused = f'Promotion.kargo.akuity.io "{stage}.<ulid>.{choice.newest}" is invalid'
    refusal = f'{refused}: spec.freight: Invalid value: "{choice.newest}": Freight is not available to this Stage'
    text = f'error creating Promotion for Freight "{choice.newest}" in namespace "{project}": {refusal}'
    return only(error=f"failed to auto-promote Freight: {text}")


def forget_choice() -> Outcomes:
    """On to the next origin."""
    return only(
        choice=Choice(),
        standing=NOTHING_SHOWN,
        admissible=False,
        listed=0,
        verdict=None,
        guard=Guard(),
        wanted=None,
    )


NOTHING_SHOWN = availability.Standing(verified=False, soaked=False)


def fill_slot(
    phase: PromotionPhase | None, used: bool, wanted: str | None, wish: Intent | None, *, promotion: str
) -> Outcomes:
    """A new Promotion, in the first slot that is free."""
    if wanted is None or used or phase is not None:
        return ()
    return only(
        f"{promotion} is created for {wanted}",
        phase=PromotionPhase.NEW,
        used=True,
        freight=wanted,
        intent=wish,
        wanted=None,
        filled=True,
    )


def sign(asking: str, now: int) -> Outcomes:
    """When it was created, and by whom; a Stage that promotes by itself leaves no name."""
    return only(created=now // 1000 * 1000, actor=asking, filled=False)


def create(scope: Scope) -> Iterator[Part]:
    """Create the Promotion that is `wanted`."""
    for promotion in scope.created:
        fields = {f: of(f, promotion) for f in ("phase", "used", "freight", "intent")}
        yield part(
            scope.bind(
                fill_slot,
                fields,
                constants={"promotion": promotion},
                writes=("freight", "intent", "filled"),
            )
        )
        signed = {f: of(f, promotion) for f in ("created", "actor")}
        yield part(scope.bind(sign, signed, writes=(*signed, "filled")), filled=True)


def auto_promote(scope: Scope) -> Sequence:
    """Promote the candidate of every origin, where nothing keeps the Stage from it."""
    return sequence("auto-promoting Freight", *_parts(scope))


def _parts(scope: Scope) -> Iterator[Action | Part]:
    if not scope.behaviours.policy_read_first:
        yield scope.bind(read_policy, writes=("enabled",))
    yield scope.bind(say_enabled, writes=("auto_promotion",))
    pipeline = scope.pipeline
    problem = availability.listing_error(scope.stage.requests, pipeline.warehouses, pipeline.project)
    if problem is not None:
        prefix = f'error listing available Freight for Stage "{scope.stage.name}": '
        text = f"{prefix}{problem}" if scope.behaviours.policy_read_first else problem
        failing = scope.bind(fail_to_list, constants={"text": text}, writes=("failed", "error"))
        yield part(failing, enabled=True)
        return
    for request in scope.stage.requests:
        promoting = sequence(f"promote from {request.warehouse}", *_from_origin(scope, request))
        yield part(promoting, enabled=True, failed=False)


def decide_from_origin(scope: Scope, request: FreightRequest) -> Iterator[Action | Part | Sequence]:
    """What becomes of auto-promotion from an origin: the `verdict`, and the `choice` it is about."""
    fixed = {"request": request, "behaviours": scope.behaviours}
    undecided = {"verdict": None}
    yield from choose(scope, request)
    yield scope.bind(
        consider_alone,
        constants=fixed,
        writes=("verdict", "failed"),
        in_use=scope.of("in_use", request.warehouse),
        effective_hold=scope.of("effective_hold", request.warehouse),
    )
    where = {"stage": scope.stage.name, "project": scope.pipeline.project}
    yield part(scope.bind(say_several, constants=where, writes=("error",)), failed=True)
    for promotion in scope.created:
        of_it = {f: of(f, promotion) for f in ("phase", "name", "freight")}
        noting: list[Action | Part] = [
            scope.bind(match, writes=("matches",), phase=of_it["phase"], freight=of_it["freight"]),
            part(scope.bind(after_last, writes=("unseen",), name=of_it["name"]), matches=True),
            part(scope.bind(note_guard, writes=("matches",), phase=of_it["phase"]), matches=True),
        ]
        yield part(sequence(f"note {promotion}", *noting), **undecided)
    arbitrary = {"arbitrary": scope.cache_honours_limits}
    yield part(scope.bind(decide, constants=fixed | arbitrary, writes=("verdict",)), **undecided)


def _from_origin(scope: Scope, request: FreightRequest) -> Iterator[Action | Part | Sequence]:
    where = {"project": scope.pipeline.project}
    yield from decide_from_origin(scope, request)
    yield scope.bind(ask_for_promotion, constants=where, writes=("wanted", "failed"))
    yield scope.bind(say_refused, constants={"stage": scope.stage.name, **where}, writes=("error",))
    yield from create(scope)
    cleared = ("choice", "standing", "admissible", "listed", "verdict", "guard", "wanted")
    yield scope.bind(forget_choice, writes=cleared)
