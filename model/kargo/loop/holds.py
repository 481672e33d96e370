"""Which origins auto-promotion is held for, right now: computed just before it. Since 1.11.

Source: `pkg/controller/stages/regular_stages.go: computeEffectiveAutoPromotionHolds`
"""

from __future__ import annotations

from collections.abc import Iterator

from model.kargo.loop.scope import Scope
from model.kargo.loop.values import Hold, Intent, of
from model.kargo.phases import PromotionPhase
from model.system import Action, Outcomes, Part, Sequence, only, sequence


def begin(enabled: bool, hold: Hold | None) -> Outcomes:
    """Begin with what is on record; while auto-promotion is off there are no holds."""
    return only(effective_hold=hold if enabled else None, newest_intent=None)


def overlay(
    phase: PromotionPhase | None,
    name: str,
    intent: Intent | None,
    freight: str | None,
    last: str | None,
    enabled: bool,
    newest_intent: str | None,
    *,
    origin: str,
) -> Outcomes:
    """The newest Promotion with an intent that is not on record yet, and was not Aborted, decides."""
    if not enabled or phase is None or phase is PromotionPhase.ABORTED or intent is None or freight is None:
        return ()
    if intent.origin != origin or (last is not None and name <= last):
        return ()
    if newest_intent is not None and name <= newest_intent:
        return ()
    return only(effective_hold=Hold(name, freight) if intent.hold else None, newest_intent=name)


def compute_effective_holds(scope: Scope) -> Sequence:
    """The holds in effect for every origin."""
    return sequence("computing effective auto-promotion holds", *_parts(scope))


def _parts(scope: Scope) -> Iterator[Action | Part]:
    for warehouse in scope.pipeline.warehouses:
        effective = scope.of("effective_hold", warehouse)
        yield scope.bind(
            begin,
            writes=("effective_hold", "newest_intent"),
            hold=scope.of("hold", warehouse),
            effective_hold=effective,
        )
        if warehouse not in scope.stage.origins:
            continue
        for promotion in scope.promotions:
            yield scope.bind(
                overlay,
                {field: of(field, promotion) for field in ("phase", "name", "intent", "freight")},
                constants={"origin": warehouse},
                writes=("effective_hold",),
                effective_hold=effective,
            )
