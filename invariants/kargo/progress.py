"""Claims about what the controller gets done in the end, alone: liveness, under the fairness that each pass comes.

`people` and the world outside do nothing while a goal is awaited, unless it is said: the claims are that nobody is
needed. Every pass that stays enabled comes: where passes need a wake-up, that is only one that was asked for.
"""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypedDict

from invariants.kargo.spreads import Claim, Spread
from invariants.properties import Property, always, leads_to, weak
from model.kargo.loop.exploration import Bounds
from model.kargo.loop.pipeline import StageSpec
from model.kargo.loop.scope import Scope
from model.kargo.loop.values import Hold, Verification, of
from model.kargo.phases import HealthState, PromotionPhase

Phase = PromotionPhase | None


class _Bound(TypedDict):
    constants: Mapping[str, Hashable]
    reads: Mapping[str, str]


def a_promotion_is_first_in_the_queue(phase: Phase, current: str | None, **before: Any) -> bool:
    """A Promotion waits, none is current, and all that come before it are over."""
    waits = phase in (PromotionPhase.NEW, PromotionPhase.PENDING) and current is None
    return waits and all(other is None or other.terminal for other in before.values())


def it_gets_its_turn(phase: Phase, current: str | None, *, name: str) -> bool:
    """It becomes current, or is over or gone."""
    return current == name or phase is None or phase.terminal


def the_current_promotion_is_over(phase: Phase, current: str | None, *, name: str) -> bool:
    """A Promotion is current, and over."""
    return current == name and phase is not None and phase.terminal


def it_is_put_on_record(phase: Phase, last: str | None, *, name: str) -> bool:
    """It is the last Promotion on record, or gone."""
    return last == name or phase is None


def freight_waits_to_be_verified(
    in_use: str | None, current: str | None, app: HealthState, verification: Verification | None
) -> bool:
    """A healthy Stage uses Freight, no Promotion is current, and no verification of it is over."""
    over = verification is not None and verification.phase.terminal
    return in_use is not None and current is None and app is HealthState.HEALTHY and not over


def its_verification_is_over(current: str | None, verification: Verification | None) -> bool:
    """A verification is over, or another Promotion is current."""
    return current is not None or (verification is not None and verification.phase.terminal)


def a_refresh_is_asked_for(stage_exists: bool, refresh: str, handled_refresh: str) -> bool:
    """A person has asked for a Stage to be looked at, and it was not yet."""
    return stage_exists and refresh not in ("", handled_refresh)


def the_refresh_is_answered(stage_exists: bool, refresh: str, handled_refresh: str) -> bool:
    """The Stage says that it was looked at, or is gone."""
    return not stage_exists or refresh == handled_refresh


def new_freight_waits_to_be_promoted(
    policy: bool | None, freight_exists: bool, hold: Hold | None, *, wanted: str, **others: Any
) -> bool:
    """The newest Freight has no Promotion in a Stage that promotes by itself, is idle, not held, and has room."""
    values = {what: [v for name, v in others.items() if name.startswith(what)] for what in _OF_SLOTS}
    idle = all(phase is None or phase.terminal for phase in values["phase_"])
    held = hold is not None or any(intent is not None and intent.hold for intent in values["intent_"])
    candidate = freight_exists and not any(values["later_"]) and wanted not in values["mine_"]
    return bool(policy) and candidate and idle and not held and not all(values["used_"])


_OF_SLOTS = ("phase_", "mine_", "intent_", "used_", "later_")


def it_is_promoted(*, wanted: str, **freight: Any) -> bool:
    """There is a Promotion of it."""
    return wanted in freight.values()


@dataclass(frozen=True)
class Progress:
    """The claims about one Stage, bound to its variables and to the passes that have to come."""

    stage: StageSpec
    scope: Scope
    bounds: Bounds

    def everything(self) -> Iterator[Property]:
        """Every claim that can be made where passes are whole, and over Stages as they were made."""
        bounds = self.bounds
        if bounds.interleaved or bounds.lags or bounds.edits:
            return
        if bounds.refreshes:
            yield self._leads_to(a_refresh_is_asked_for, the_refresh_is_answered)
        if self.stage.control_flow:
            return
        for slot in self.scope.promotions:
            yield self._of_queue(slot)
            phase = {"phase": of("phase", slot)}
            over, recorded = the_current_promotion_is_over, it_is_put_on_record
            yield self._leads_to(over, recorded, slot, premise=phase, goal=phase, name=slot)
        if self.stage.verification:
            for origin in self.stage.origins:
                reads = {"in_use": self.scope.of("in_use", origin)}
                yield self._leads_to(freight_waits_to_be_verified, its_verification_is_over, origin, premise=reads)
        if self.scope.auto_promotes:
            for request in self.stage.requests:
                yield from self._of_candidates(request.warehouse) if request.direct else ()

    def _of_queue(self, slot: str) -> Property:
        """Those that come before a Promotion are those of smaller names."""
        earlier = [other for other in self.scope.promotions if other < slot]
        before = {f"before_{k}": of("phase", other) for k, other in enumerate(earlier)}
        return self._leads_to(
            Spread(a_promotion_is_first_in_the_queue, tuple(before)),
            it_gets_its_turn,
            slot,
            premise={"phase": of("phase", slot), **before},
            goal={"phase": of("phase", slot)},
            name=slot,
        )

    def _of_candidates(self, warehouse: str) -> Iterator[Property]:
        freight = self.scope.of_origin(warehouse)
        slots: dict[str, str] = {}
        for k, slot in enumerate(self.scope.created):
            fields = {"phase": "phase", "mine": "freight", "intent": "intent", "used": "used"}
            slots |= {f"{name}_{k}": of(field, slot) for name, field in fields.items()}
        promoted = {name: variable for name, variable in slots.items() if name.startswith("mine_")}
        for at, wanted in enumerate(freight):
            later = {f"later_{k}": of("freight_exists", other) for k, other in enumerate(freight[at + 1 :])}
            reads = {"freight_exists": of("freight_exists", wanted), "hold": self.scope.of("hold", warehouse)}
            yield self._leads_to(
                Spread(new_freight_waits_to_be_promoted, (*later, *slots)),
                Spread(it_is_promoted, tuple(promoted)),
                wanted,
                premise=reads | later | slots,
                goal=promoted,
                wanted=wanted,
            )

    def _leads_to(
        self,
        premise_: Claim,
        goal_: Claim,
        *about: str,
        premise: Mapping[str, str] = MappingProxyType({}),
        goal: Mapping[str, str] = MappingProxyType({}),
        **constants: Hashable,
    ) -> Property:
        """That the passes over the Stage, those over its Promotions and its AnalysisRuns are enough."""
        passes = [f"reconcile {name}" for name in (self.stage.name, *self.scope.promotions)]
        runs = [f"AnalysisRun of {self.stage.name} is {end.value}" for end in self.bounds.runs]
        ending = runs if self.stage.verification else []
        place = "/".join((self.stage.name, *about))
        return leads_to(
            always(premise_, premise_.__name__, **self._bound(premise_, premise, constants)),
            goal_,
            f"{goal_.__name__} [{place}]",
            fair=[*map(weak, passes), *([weak(*ending)] if ending else [])],
            by=(*passes, *ending),
            **self._bound(goal_, goal, constants),
        )

    def _bound(self, claim: Claim, reads: Mapping[str, str], constants: Mapping[str, Hashable]) -> _Bound:
        names = inspect.signature(claim).parameters
        fixed = {name: value for name, value in constants.items() if name in names}
        own = {name: reads.get(name, self.scope.of(name)) for name in names if name not in fixed}
        return {"constants": fixed, "reads": own}
