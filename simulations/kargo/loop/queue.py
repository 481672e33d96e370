"""Who is woken by what changed, in the order in which the changes were written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from model.kargo import watches
from model.kargo.loop.pipeline import Pipeline
from model.kargo.loop.values import of
from model.kargo.phases import PromotionPhase
from model.kargo.watches import FreightInStage, PromotionTriggers, StageTriggers
from simulations.kargo.loop.cluster import Cluster

State = dict[str, Any]


def woken(cluster: Cluster, before: State, old: Pipeline) -> list[str]:
    """What the watches put in the queue after a step that began in the state `before`: each once, in order.

    The controllers write the status of a Stage first, then Freight, then AnalysisRuns, and last what they create.
    """
    changes = Changes(cluster, before, old)
    found: list[str] = []
    for stage in cluster.pipeline.names:
        found += changes.of_stage(stage)
    for stage in cluster.pipeline.names:
        found += changes.of_current(stage)
    for freight in cluster.freight:
        found += changes.of_freight(freight)
    for stage in cluster.pipeline.names:
        found += changes.of_runs(stage)
    for stage in cluster.pipeline.names:
        for promotion in cluster.promotions[stage]:
            found += changes.of_promotion(stage, promotion)
    return list(dict.fromkeys(found))


class Changes:
    """What is different from before, in the words of the watches."""

    def __init__(self, cluster: Cluster, before: State, old: Pipeline) -> None:
        self.cluster, self.before, self.after = cluster, before, cluster.state
        self.old, self.pipeline = old, cluster.pipeline

    def queue_of(self, stage: str) -> str:
        """The Stage in the queue of the controller for its kind."""
        gate = self.pipeline.stage(stage).control_flow
        return f"{'Gate' if gate else 'Stage'}/{stage}"

    def exists(self, stage: str) -> bool:
        """Whether the Stage is there."""
        return bool(self.after[of("stage_exists", stage)])

    def of_stage(self, stage: str) -> Iterator[str]:
        """By a change of its spec or a request, a Stage wakes itself."""
        was = self._triggers(self.before, stage, self.old)
        now = self._triggers(self.after, stage, self.pipeline)
        for control_flow in (False, True):
            if watches.stage_wakes_itself(was, now, control_flow=control_flow):
                yield self.queue_of(stage)

    def _triggers(self, state: State, stage: str, pipeline: Pipeline) -> StageTriggers | None:
        if not state.get(of("stage_exists", stage)):
            return None
        reverify, abort = state[of("reverify", stage)], state[of("abort_verification", stage)]
        return StageTriggers(
            pipeline.stage(stage).control_flow,
            state[of("generation", stage)],
            state[of("refresh", stage)] or None,
            None if reverify is None else reverify.id,
            None if abort is None else abort.id,
        )

    def of_current(self, stage: str) -> Iterator[str]:
        """A Stage wakes the Promotion that it makes current."""
        field = of("current", stage)
        current = watches.stage_acknowledges(self.before.get(field), self.after[field])
        if current is not None and self.exists(stage):
            for promotion in self.cluster.promotions[stage]:
                if self.after[of("name", promotion)] == current:
                    yield f"Promotion/{promotion}"

    def of_freight(self, freight: str) -> Iterator[str]:
        """Freight wakes those downstream of where it is new, those it is approved for, those that ask for it."""
        field = of("freight_exists", freight)
        was, now = bool(self.before.get(field)), bool(self.after[field])
        if now and not was:
            warehouse = self.cluster.freight[freight]
            for stage in self.pipeline.stages:
                direct = any(r.direct and r.warehouse == warehouse for r in stage.requests)
                if direct and self.exists(stage.name):
                    yield self.queue_of(stage.name)
            return
        for upstream in self.pipeline.names:
            found = [
                FreightInStage(
                    state[of("verified", freight, upstream)] is not None,
                    state[of("since", freight, upstream)] is not None,
                )
                for state in (self.before, self.after)
            ]
            if now and watches.freight_wakes_downstream(*found):
                for stage in self.pipeline.stages:
                    if upstream in stage.upstream and self.exists(stage.name):
                        yield self.queue_of(stage.name)
        for stage_name in self.pipeline.names:
            field = of("approved", freight, stage_name)
            approved = [state[field] is not None for state in (self.before, self.after)]
            if now and watches.freight_wakes_approved(*approved):
                yield f"Stage/{stage_name}"

    def of_runs(self, stage: str) -> Iterator[str]:
        """An AnalysisRun wakes the Stage whose newest verification waits for it."""
        verification = self.after[of("verification", stage)]
        before = {r.number: r.phase for r in self.before[of("runs", stage)]}
        for run in self.after[of("runs", stage)]:
            waits = verification is not None and verification.run == run.number and self.exists(stage)
            if waits and watches.analysis_run_wakes_stage(before.get(run.number), run.phase):
                yield self.queue_of(stage)

    def of_promotion(self, stage: str, promotion: str) -> Iterator[str]:
        """A Promotion wakes itself when it is new or asked something, and its Stage by its phase."""
        was: PromotionPhase | None = self.before.get(of("phase", promotion))
        now: PromotionPhase | None = self.after[of("phase", promotion)]
        triggers = [
            None
            if state.get(of("phase", promotion)) is None
            else PromotionTriggers(
                refresh=state.get(of("promotion_refresh", promotion)) or None,
                abort="terminate" if state.get(of("abort_requested", promotion)) else None,
            )
            for state in (self.before, self.after)
        ]
        if watches.promotion_wakes_itself(*triggers):
            yield f"Promotion/{promotion}"
        if watches.promotion_wakes_its_stage(was, now):
            yield f"Stage/{stage}"
