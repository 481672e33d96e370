"""Who is woken by what changed, in the order in which the changes were written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from model.kargo import watches
from model.kargo.loop.pipeline import Pipeline
from model.kargo.loop.values import of
from model.kargo.watches import FreightInStage, PromotionTriggers, StageTriggers
from simulations.kargo.loop.cluster import Cluster, Object, State


def item_of_stage(pipeline: Pipeline, stage: str) -> str:
    """A Stage in the queue of the controller for its kind."""
    return f"{'Gate' if pipeline.stage(stage).control_flow else 'Stage'}/{stage}"


@dataclass(frozen=True)
class Changes:
    """What changed since the state `before`, when the pipeline was `old`: `changed` are the objects concerned."""

    cluster: Cluster
    before: State
    old: Pipeline
    changed: tuple[Object, ...]

    @property
    def after(self) -> State:
        """The state now."""
        return self.cluster.state

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline now."""
        return self.cluster.pipeline

    def woken(self) -> list[str]:
        """What the watches put in the queue: each once, in order.

        The controllers write the status of a Stage first, then Freight, then AnalysisRuns, last what they create.
        """
        stages, freight = self._names("Stage"), self._names("Freight")
        found = [
            *(item for stage in stages for item in self.of_stage(stage)),
            *(item for stage in stages for item in self.of_current(stage)),
            *(item for name in freight for item in self.of_freight(name)),
            *(item for stage in self._names("AnalysisRuns") for item in self.of_runs(stage)),
            *(item for promotion in self._names("Promotion") for item in self.of_promotion(promotion)),
        ]
        return list(dict.fromkeys(found))

    def _names(self, kind: str) -> list[str]:
        return [name for of_kind, name in self.changed if of_kind == kind]

    def _exists(self, stage: str) -> bool:
        return bool(self.after[of("stage_exists", stage)])

    def of_stage(self, stage: str) -> Iterator[str]:
        """By a change of its spec or a request, a Stage wakes itself."""
        was = _stage_triggers(self.before, stage, self.old)
        now = _stage_triggers(self.after, stage, self.pipeline)
        for control_flow in (False, True):
            if watches.stage_wakes_itself(was, now, control_flow=control_flow):
                yield item_of_stage(self.pipeline, stage)

    def of_current(self, stage: str) -> Iterator[str]:
        """A Stage wakes the Promotion that it makes current."""
        field = of("current", stage)
        current = watches.stage_acknowledges(self.before.get(field), self.after[field])
        if current is not None and self._exists(stage):
            for promotion in self.cluster.existing(stage):
                if self.after[of("name", promotion)] == current:
                    yield f"Promotion/{promotion}"

    def of_freight(self, freight: str) -> list[str]:
        """Freight wakes those downstream of where it is new, those it is approved for, those that ask for it.

        The controller for regular Stages is told first.
        """
        return sorted(self._woken_by(freight), key=lambda item: item.startswith("Gate/"))

    def _woken_by(self, freight: str) -> Iterator[str]:
        field = of("freight_exists", freight)
        was, now = self.before.get(field) or None, self.after[field] or None
        if watches.freight_wakes_requesters(was, now):
            yield from self._requesters(self.cluster.freight[freight])
        if was is None or now is None:
            return
        for stage in self.pipeline.names:
            found = (_in_stage(state, freight, stage) for state in (self.before, self.after))
            if watches.freight_wakes_downstream(*found):
                yield from self._downstream_of(stage)
        for stage in self.pipeline.names:
            field = of("approved", freight, stage)
            if watches.freight_wakes_approved(self.before[field] is not None, self.after[field] is not None):
                yield f"Stage/{stage}"

    def _requesters(self, warehouse: str) -> Iterator[str]:
        for stage in self.pipeline.stages:
            direct = any(r.direct and r.warehouse == warehouse for r in stage.requests)
            if direct and self._exists(stage.name):
                yield item_of_stage(self.pipeline, stage.name)

    def _downstream_of(self, upstream: str) -> Iterator[str]:
        for stage in self.pipeline.stages:
            if upstream in stage.upstream and self._exists(stage.name):
                yield item_of_stage(self.pipeline, stage.name)

    def of_runs(self, stage: str) -> Iterator[str]:
        """An AnalysisRun wakes the Stage whose newest verification waits for it."""
        verification = self.after[of("verification", stage)]
        if verification is None or not self._exists(stage) or self.pipeline.stage(stage).control_flow:
            return
        was, now = (_run_phase(s, stage, verification.run) for s in (self.before, self.after))
        if watches.analysis_run_wakes_stage(was, now):
            yield f"Stage/{stage}"

    def of_promotion(self, promotion: str) -> Iterator[str]:
        """A Promotion wakes itself when it is new or asked something, and its Stage by its phase."""
        was, now = (_promotion_triggers(s, promotion) for s in (self.before, self.after))
        if watches.promotion_wakes_itself(was, now):
            yield f"Promotion/{promotion}"
        phase = of("phase", promotion)
        if watches.promotion_wakes_its_stage(self.before.get(phase), self.after[phase]):
            yield f"Stage/{self.cluster.stage_of(promotion)}"


def _stage_triggers(state: State, stage: str, pipeline: Pipeline) -> StageTriggers | None:
    if not state[of("stage_exists", stage)]:
        return None
    reverify, abort = state[of("reverify", stage)], state[of("abort_verification", stage)]
    return StageTriggers(
        pipeline.stage(stage).control_flow,
        state[of("generation", stage)],
        state[of("refresh", stage)] or None,
        None if reverify is None else reverify.id,
        None if abort is None else abort.id,
    )


def _promotion_triggers(state: State, promotion: str) -> PromotionTriggers | None:
    if state.get(of("phase", promotion)) is None:
        return None
    return PromotionTriggers(
        refresh=state.get(of("promotion_refresh", promotion)) or None,
        abort="terminate" if state.get(of("abort_requested", promotion)) else None,
    )


def _in_stage(state: State, freight: str, stage: str) -> FreightInStage:
    verified, since = state[of("verified", freight, stage)], state[of("since", freight, stage)]
    return FreightInStage(verified is not None, since is not None)


def _run_phase(state: State, stage: str, number: int | None) -> str | None:
    return next((r.phase.value for r in state[of("runs", stage)] if r.number == number), None)
