"""The claims about the control loop, bound to everything in an explored pipeline that they are about."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from invariants.kargo import control_loop as claims
from invariants.kargo.progress import Progress
from invariants.kargo.spreads import Claim, Spread
from invariants.properties import Property, always, every_step, sometimes
from model.kargo.loop.exploration import Bounds, edited, scope_of, steps_of
from model.kargo.loop.pipeline import Pipeline, StageSpec
from model.kargo.loop.scope import Scope
from model.kargo.loop.stage_pass import sub_reconcilers
from model.kargo.loop.values import of
from model.kargo.loop.world import observe
from model.kargo.phases import PromotionPhase, VerificationPhase
from model.kargo.plan import did
from model.kargo.releases import Behaviours
from model.kargo.requests import FreightRequest

SYNCING, ASSESSING = "syncing Promotions", "assessing health"

ABOUT = {
    claims.health_is_assessed_only_after_a_success.__name__: ASSESSING,
    claims.health_is_unknown_after_a_failure.__name__: ASSESSING,
    claims.a_current_promotion_is_not_over_for_long.__name__: SYNCING,
}
"""Claims about the end of a pass, and the sub-reconciler after which they can be judged where each is a step."""


def claims_about(
    pipeline: Pipeline, behaviours: Behaviours, bounds: Bounds, *, progress: bool = True
) -> tuple[Property, ...]:
    """Every claim, for every Stage of a pipeline with something to promote; with `progress`, also about runs."""
    found: list[Property] = []
    for stage in pipeline.stages:
        binding = _Binding(stage, scope_of(pipeline, stage.name, behaviours, bounds), bounds)
        found += () if stage.control_flow else binding.everything()
        found += binding.wakeups() if bounds.wakeups else ()
        found += Progress(stage, binding.scope, bounds).everything() if progress else ()
    return tuple(found)


def witnesses_of(pipeline: Pipeline, behaviours: Behaviours, bounds: Bounds) -> tuple[Property, ...]:
    """The situations without which the claims would say little."""
    return tuple(
        found
        for stage in pipeline.stages
        if not stage.control_flow
        for found in _Binding(stage, scope_of(pipeline, stage.name, behaviours, bounds), bounds).witnesses()
    )


@dataclass(frozen=True)
class _Binding:
    """One Stage, and what its claims are about."""

    stage: StageSpec
    scope: Scope
    bounds: Bounds

    def everything(self) -> Iterator[Property]:
        """Every claim about the Stage, its Promotions and its Freight."""
        yield from self._of_stage()
        for origin in self.stage.origins:
            yield from self._of_origin(origin)
            yield from self._of_freight(origin)
        for slot in self.scope.promotions:
            yield from self._of_promotion(slot)
        if self.scope.auto_promotes:
            for slot in self.scope.promotions:
                yield from self._of_auto_promotion(slot)
        if not (self.bounds.interleaved or self.bounds.unwritten or self.bounds.edits):
            yield from self._of_whole_passes()

    def _pass(self, claim: Claim, *about: str, reads: dict[str, str], **constants: Hashable) -> Property:
        """A claim about passes over the Stage."""
        name = f"{claim.__name__} [{'/'.join((self.stage.name, *about))}]"
        bound = {p.removeprefix("next_") for p in inspect.signature(claim).parameters} - constants.keys()
        variables = {p: reads.get(p, of(p, self.stage.name)) for p in bound}
        by = self._passes(claim.__name__)
        return every_step(claim, name, by=by, constants=constants, reads=variables)

    def _passes(self, claim: str) -> tuple[str, ...]:
        """The steps that a claim about passes over the Stage is about: its pass, or its sub-reconcilers."""
        stage = self.stage.name
        if not self.bounds.interleaved:
            specs = 1 + sum(e.name == stage for e in self.bounds.edits)
            return tuple(f"reconcile {stage}{edited(k)}" for k in range(specs))
        subs = sub_reconcilers(self.scope, observe(stage))
        return tuple(f"{stage}: {sub.name}" for sub in subs if ABOUT.get(claim, sub.name) == sub.name)

    def _of_stage(self) -> Iterator[Property]:
        for claim in (
            claims.the_last_promotion_changes_only_while_one_is_current,
            claims.only_the_current_promotion_is_recorded,
            claims.what_is_recorded_is_over_and_comes_after,
            claims.verification_starts_only_without_a_current_promotion,
            claims.verification_starts_only_when_healthy,
            claims.analysis_runs_are_made_only_when_healthy,
            claims.a_verification_goes_on_only_while_healthy,
            claims.no_promotion_overtakes_a_verification,
            claims.health_is_assessed_only_after_a_success,
            claims.health_is_unknown_after_a_failure,
            claims.a_promotion_under_way_is_no_error_of_its_stage,
        ):
            yield self._pass(claim, reads={})
        stage = self.stage.name
        older = claims.no_older_verification_is_under_way
        reads = {"older_verifications": of("older_verifications", stage)}
        yield always(older, f"{older.__name__} [{stage}]", reads=reads)
        slots = {f"phase_{k}": of("phase", p) for k, p in enumerate(self.scope.promotions)}
        alone = claims.one_promotion_runs_at_a_time
        yield always(Spread(alone, tuple(slots)), f"{alone.__name__} [{stage}]", reads=slots)

    def _of_origin(self, origin: str) -> Iterator[Property]:
        of_it = {"in_use": self.scope.of("in_use", origin)}
        for claim in (
            claims.freight_comes_into_use_only_by_a_record,
            claims.no_promotion_starts_before_the_freight_is_verified,
            claims.no_promotion_starts_before_a_healthy_stage_was_verified,
        ):
            yield self._pass(claim, origin, reads=of_it)
        slots: dict[str, str] = {}
        for k, slot in enumerate(self.scope.created):
            slots |= {f"phase_{k}": of("phase", slot), f"freight_{k}": of("freight", slot)}
        promoted = Spread(claims.freight_in_use_was_promoted_with_success, tuple(slots))
        yield self._pass(promoted, origin, reads=of_it | slots)

    def _of_freight(self, origin: str) -> Iterator[Property]:
        for freight in self.scope.of_origin(origin):
            verified = {"verified": of("verified", freight, self.stage.name)}
            yield self._pass(claims.freight_is_marked_only_when_verified_and_healthy, freight, reads=verified)

    def _of_whole_passes(self) -> Iterator[Property]:
        """Claims about passes that are one step, write what they find, and find the Stage as it was made."""
        hidden = claims.a_promotion_that_never_started_does_not_hide_health
        for slot in self.scope.promotions:
            reads = {"phase": of("phase", slot), "started": of("started", slot)}
            yield self._pass(hidden, slot, reads=reads, name=slot)
        for origin in self.stage.origins:
            for freight in self.scope.of_origin(origin):
                reads = {"in_use": self.scope.of("in_use", origin), "since": of("since", freight, self.stage.name)}
                reads["freight_exists"] = of("freight_exists", freight)
                yield self._pass(claims.freight_in_use_is_marked_as_in_use, freight, reads=reads, freight=freight)
        if self.scope.auto_promotes and not self.bounds.switches:
            yield from self._of_holds()

    def _of_holds(self) -> Iterator[Property]:
        """While nobody switches auto-promotion off, which ends every hold."""
        held = claims.nothing_is_auto_promoted_while_a_promotion_holds
        origins = tuple((f, w) for w, names in self.scope.freight for f in names)
        for at, slot in enumerate(self.scope.created):
            reads = {"used": of("used", slot), "freight": of("freight", slot)}
            others: dict[str, str] = {}
            for k, earlier in enumerate(self.scope.created[:at]):
                others |= {f"phase_{k}": of("phase", earlier), f"intent_{k}": of("intent", earlier)}
            yield self._pass(Spread(held, tuple(others)), slot, reads=reads | others, origins=origins)

    def _of_promotion(self, slot: str) -> Iterator[Property]:
        phase = {"phase": of("phase", slot)}
        for claim in (
            claims.a_promotion_that_was_current_is_recorded,
            claims.the_record_never_passes_by_one_that_is_not_over,
            claims.a_current_promotion_is_not_over_for_long,
        ):
            yield self._pass(claim, slot, reads=phase, name=slot)
        final = claims.terminal_phases_never_change
        yield every_step(final, f"{final.__name__} [{slot}]", reads=phase)
        yield from self._of_start(slot)
        yield from self._of_steps(slot)
        generated = [p for p in self.scope.promotions if p != slot and p > slot]
        if generated:
            order = claims.the_later_promotion_has_the_larger_name
            reads = {"earlier": of("phase", generated[0]), "used": of("used", slot)}
            yield every_step(order, f"{order.__name__} [{slot}/{generated[0]}]", reads=reads)

    def wakeups(self) -> Iterator[Property]:
        """Claims about what makes a pass happen."""
        stage = self.stage.name
        if self.bounds.refreshes:
            yield self._pass(claims.a_refresh_is_answered, reads={})
        for slot in self.scope.promotions if not self.stage.control_flow else ():
            own = {"current": of("current", stage), "phase": of("phase", slot)}
            looked = claims.a_promotion_that_its_stage_waits_for_will_be_looked_at
            timer = {"woken": of("woken", slot), "requeue": of("requeue", slot)}
            yield always(looked, f"{looked.__name__} [{slot}]", constants={"name": slot}, reads=own | timer)
            over = claims.a_stage_whose_promotion_is_over_is_woken
            woken = {"woken": of("woken", stage)}
            yield always(over, f"{over.__name__} [{slot}]", constants={"name": slot}, reads=own | woken)
        for request in self.stage.requests if self.stage.control_flow else ():
            yield from self._of_gate(request)

    def _of_gate(self, request: FreightRequest) -> Iterator[Property]:
        stage, noticed = self.stage.name, claims.freight_that_could_pass_is_noticed
        for freight in self.scope.of_origin(request.warehouse):
            for upstream in request.stages:
                reads = {f: of(f, stage) for f in ("woken", "stage_requeue")}
                reads |= {"upstream": of("verified", freight, upstream), "since": of("since", freight, upstream)}
                reads |= {"verified": of("verified", freight, stage)}
                soak = {"soak_ms": request.soak_ms or 0}
                yield always(noticed, f"{noticed.__name__} [{stage}/{freight}]", constants=soak, reads=reads)

    def _of_steps(self, slot: str) -> Iterator[Property]:
        """No step that is over is run again, whatever the controller sees."""
        again = claims.a_finished_step_is_never_run_again
        for k, step in enumerate(steps_of(self.bounds)):
            did_ = of(did(k, step.alias), self.stage.name)
            reads = {"phase": of("phase", slot), "entry": of("entry", slot, step.alias)}
            reads |= {"work_dir": of("work_dir", slot), "did": did_}
            by = [f"reconcile {slot}"]
            if self.bounds.lags and not self.scope.behaviours.reads_past_the_cache:
                by.append(f"reconcile {slot}, seen late")
            yield every_step(again, f"{again.__name__} [{slot}/{step.alias}]", by=tuple(by), reads=reads)

    def _of_start(self, slot: str) -> Iterator[Property]:
        by = (f"reconcile {slot}",)
        start = {"status_freight": of("status_freight", slot)}
        carried = claims.every_origin_in_use_is_carried_on
        for origin in self.stage.origins:
            reads = start | {"in_use": self.scope.of("in_use", origin), "carried": of("carried", slot, origin)}
            yield every_step(carried, f"{carried.__name__} [{slot}/{origin}]", by=by, reads=reads)
        upstream = claims.only_verified_or_approved_freight_is_promoted
        for request in self.stage.requests:
            for freight in self.scope.of_origin(request.warehouse) if not request.direct else ():
                seen = {f"verified_{k}": of("verified", freight, s) for k, s in enumerate(request.stages)}
                reads = start | seen | {"approved": of("approved", freight, self.stage.name)}
                name = f"{upstream.__name__} [{slot}/{freight}]"
                yield every_step(
                    Spread(upstream, tuple(seen)), name, by=by, constants={"freight": freight}, reads=reads
                )

    def _of_auto_promotion(self, slot: str) -> Iterator[Property]:
        own = {"used": of("used", slot), "freight": of("freight", slot)}
        others: dict[str, str] = {}
        for k, other in enumerate(p for p in self.scope.created if p != slot):
            others |= {f"phase_{k}": of("phase", other), f"freight_{k}": of("freight", other)}
        for claim in (
            claims.freight_is_auto_promoted_once,
            claims.what_failed_is_not_auto_promoted_again,
            claims.what_is_under_way_is_not_auto_promoted_again,
        ):
            yield self._pass(Spread(claim, tuple(others)), slot, reads=own | others)
        in_use = {"in_use": self.scope.of("in_use", self.stage.origins[0])}
        verified = claims.a_stage_auto_promotes_only_when_its_freight_is_verified
        yield self._pass(verified, slot, reads=own | in_use)

    def witnesses(self) -> Iterator[Property]:
        """What has to be possible."""
        stage = self.stage.name
        first, *later = self.scope.promotions
        for phase in (PromotionPhase.RUNNING, PromotionPhase.SUCCEEDED):
            yield self._sometimes(claims.a_promotion_is, {"phase": of("phase", first)}, wanted=phase)
        yield self._sometimes(claims.a_promotion_does_not_succeed, {"phase": of("phase", first)})
        for slot in later[:1]:
            reads = {"phase": of("phase", slot), "current": of("current", stage)}
            yield self._sometimes(claims.a_promotion_waits_behind_another, reads, name=slot)
        for health in self.bounds.healths:
            yield self._sometimes(claims.the_stage_is, {"health": of("health", stage)}, wanted=health)
        for origin in self.stage.origins:
            for freight in self.scope.of_origin(origin):
                in_use = {"in_use": self.scope.of("in_use", origin)}
                yield self._sometimes(claims.freight_is_in_use, in_use, freight=freight)
                verified = {"verified": of("verified", freight, stage)}
                yield self._sometimes(claims.freight_is_verified, verified, about=freight)
        if self.stage.verification:
            for end in (VerificationPhase.PENDING, *self.bounds.runs):
                reads = {"verification": of("verification", stage)}
                yield self._sometimes(claims.a_verification_is, reads, wanted=end)

    def _sometimes(self, claim: Claim, reads: dict[str, str], about: object = "", **constants: Any) -> Property:
        said = about or next(iter(constants.values()), "")
        name = f"{claim.__name__} [{self.stage.name}{f': {said}' if said else ''}]"
        return sometimes(claim, name, constants=constants, reads=reads)
