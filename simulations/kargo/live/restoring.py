"""A cluster of the model as live objects and what is behind them say it is.

Nothing is judged here: every variable gets what the objects say, in the words of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from model.kargo import worlds
from model.kargo.annotations import VerificationRequest
from model.kargo.live.objects import (
    HistoryEntry,
    LiveFreight,
    LiveProject,
    LivePromotion,
    LiveRun,
    LiveStage,
    LiveVerification,
    StepMetadata,
)
from model.kargo.live.policies import policy_of
from model.kargo.loop.fields import OF_FREIGHT_IN_STAGES, OF_ORIGINS
from model.kargo.loop.pipeline import Pipeline, StageSpec
from model.kargo.loop.values import CONDITIONS, Asked, Hold, Intent, Note, Run, RunNote, Verification, of
from model.kargo.manifest_types import NO_RETRY, Step
from model.kargo.phases import HealthState, PromotionPhase, StepPhase, StepStatus, step_phase
from model.kargo.plan import Plan
from model.kargo.planning import Planner, plan
from model.kargo.promotion_context import PromotionContext, Variable
from model.kargo.releases import Behaviours
from model.kargo.step_engine import Entry
from model.kargo.step_kinds import StepKind, step_kind
from model.kargo.templates import StepSpec
from model.system import Tables
from simulations.kargo.live.hidden import Hidden
from simulations.kargo.loop.cluster import Cluster, State

NOBODY = -1
"""The number of a verification that is not among those of the current Freight."""


@dataclass
class Restored:
    """A cluster at a moment, the slots of its Promotions by name, and the hidden part in their terms."""

    cluster: Cluster
    slots: dict[str, str]
    hidden: Hidden
    began: int


def restore(
    project: LiveProject,
    behaviours: Behaviours,
    now: int,
    hidden: Hidden,
    *,
    stages: Sequence[str] = (),
    tables: Tables | None = None,
) -> Restored:
    """The cluster at the instant `now`; `stages` is the order in which a person would tell of its Stages."""
    pipeline = pipeline_of(project, stages)
    plans = Plans(project, behaviours)
    freight = mentioned(project, pipeline) | {f.name: f.warehouse for f in project.freight}
    cluster = Cluster(pipeline, behaviours, plans.of_stage, tables or Tables(), freight.items())
    cluster.state["now"] = now
    by_name = {stage.name: stage for stage in project.stages}
    elsewhere = _furnish_missing(cluster)
    for one in project.freight:
        _restore_freight(cluster, one, elsewhere)
    cluster.order_freight()
    for name in pipeline.names:
        found = by_name.get(name)
        runs = [run for run in project.runs if run.stage == name]
        fields = {"stage_exists": False} if found is None else dict(_stage(found, runs, project, pipeline))
        cluster.state |= {of(f, name): v for f, v in fields.items()}
        cluster.state[of("app", name)] = hidden.apps.get(name, HealthState.HEALTHY)
        if found is not None:
            cluster.state |= _of_origins(found, pipeline)
    slots: dict[str, str] = {}
    for name in pipeline.names:
        theirs = sorted((p for p in project.promotions if p.stage == name), key=_age)
        taken = cluster.take_over(name, [_promotion(p, plans, pipeline, hidden) for p in theirs])
        slots |= dict(zip((p.name for p in theirs), taken, strict=True))
    cluster.made = {slots[p.name]: cluster.made[slots[p.name]] for p in sorted(project.promotions, key=_age)}
    cluster.names_made = highest_number(project)
    return Restored(cluster, slots, hidden, now)


def _age(promotion: LivePromotion) -> tuple[int, str, str]:
    """The order of creation; of those made in the same second, recordings number the uids."""
    return (promotion.created, promotion.uid, promotion.name)


def pipeline_of(project: LiveProject, order: Sequence[str] = ()) -> Pipeline:
    """The Warehouses and Stages of a project; Stages that are gone but have Promotions are among them.

    Where no Warehouses were given, those that Stages ask for are taken to exist.
    """
    known = {stage.name: _spec(stage) for stage in project.stages}
    gone = {p.stage: StageSpec(p.stage, ()) for p in project.promotions if p.stage not in known}
    known |= dict(sorted(gone.items()))
    first = [name for name in order if name in known]
    names = [*first, *(name for name in in_order(known) if name not in first)]
    requested = {r.warehouse: None for name in names for r in known[name].requests}
    had = {w: None for s in project.stages for entry in s.history for w, _ in entry.freight if w not in requested}
    if "Warehouse" in project.kinds:
        requested = dict.fromkeys(project.warehouses)
    return Pipeline(tuple(requested | had), tuple(known[name] for name in names), project.name)


def mentioned(project: LiveProject, pipeline: Pipeline) -> dict[str, str]:
    """The Freight that Stages and Promotions mention, whether it exists or not, each with its Warehouse.

    Of one that only a Promotion names, and that does not exist, the Warehouse is a guess, and of no account.
    """
    pairs = [pair for stage in project.stages for entry in stage.history for pair in entry.freight]
    pairs += [pair for stage in project.stages if stage.last for pair in stage.last.collection]
    pairs += [pair for promotion in project.promotions for pair in promotion.collection]
    any_other = pipeline.warehouses[0] if pipeline.warehouses else ""
    return {p.freight: any_other for p in project.promotions} | {f: w for w, f in pairs}


def in_order(stages: dict[str, StageSpec]) -> list[str]:
    """The names of Stages, upstream ones first, else by name."""
    found: dict[str, None] = {}

    def visit(name: str, above: frozenset[str]) -> None:
        if name in found or name in above or name not in stages:
            return
        for upstream in stages[name].upstream:
            visit(upstream, above | {name})
        found[name] = None

    for name in sorted(stages):
        visit(name, frozenset())
    return list(found)


def _spec(stage: LiveStage) -> StageSpec:
    return StageSpec(stage.name, stage.requests, tuple(specs(stage.steps)), stage.verification)


def specs(steps: Iterable[Step]) -> Iterator[StepSpec]:
    """The steps as the engine gets them, without their configs, which nobody reads here."""
    for number, step in enumerate(steps, start=1):
        alias = step.alias or f"step-{number}"
        yield StepSpec(
            alias, step.uses, step.condition, step.continue_on_error, step.retry or NO_RETRY, None, step.vars
        )


class Plans:
    """The plans of Promotions, one for all that have the same steps."""

    def __init__(self, project: LiveProject, behaviours: Behaviours) -> None:
        self.project = project
        self.behaviours = behaviours
        self.variables = {s.name: s.vars for s in project.stages}
        self.known: dict[object, Plan] = {}

    def of_stage(self, stage: StageSpec, number: int) -> Plan:
        """The plan of a new Promotion for a Stage."""
        return self.of_steps(stage.name, stage.steps, self.variables.get(stage.name, ()))

    def of_promotion(self, promotion: LivePromotion) -> Plan:
        """The plan of a Promotion that exists."""
        return self.of_steps(promotion.stage, tuple(specs(promotion.steps)), promotion.vars)

    def of_steps(self, stage: str, steps: tuple[StepSpec, ...], variables: tuple[tuple[str, str], ...]) -> Plan:
        """The plan of a Promotion for a Stage with these steps and variables."""
        key = (stage, steps, variables)
        if key not in self.known:
            context = PromotionContext(
                project=self.project.name,
                stage=stage,
                promotion="",
                variables=tuple(Variable(name, value) for name, value in variables),
            )
            planner = Planner(steps, context, self.behaviours, self._kind)
            found = plan(planner, lambda step, _rules, _kind: worlds.told(step.alias))
            self.known[key] = _decided(found)
        return self.known[key]

    def _kind(self, kind: str) -> StepKind:
        """What is registered for a kind of step; one that no release has built in is taken for somebody's own."""
        return step_kind(kind, self.behaviours.release) or StepKind(kind, 0, 0, False, ())


def _decided(found: Plan) -> Plan:
    """The plan whose conditions, where they cannot be decided, hold."""

    def decided(evaluate: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
        return lambda seen: evaluate(seen)[:1]

    steps = tuple(
        replace(s, condition=s.condition and replace(s.condition, evaluate=decided(s.condition.evaluate)))
        for s in found.steps
    )
    return replace(found, steps=steps)


# Freight


def _furnish_missing(cluster: Cluster) -> frozenset[str]:
    """Have what there is to say of Warehouses and Stages that are asked for, and were not given: these Stages."""
    pipeline = cluster.pipeline
    for stage in pipeline.stages:
        for warehouse in (w for w in stage.origins if w not in pipeline.warehouses):
            cluster.state |= {of(f, stage.name, warehouse): initial for f, initial in OF_ORIGINS.items()}
    missing = frozenset(s for stage in pipeline.stages for s in stage.upstream) - frozenset(pipeline.names)
    for freight in cluster.freight:
        for name in missing:
            cluster.state |= {of(f, freight, name): initial for f, initial in OF_FREIGHT_IN_STAGES.items()}
    return missing


def _restore_freight(cluster: Cluster, freight: LiveFreight, elsewhere: frozenset[str]) -> None:
    known = {*cluster.pipeline.names, *elsewhere}
    name = freight.name
    cluster.state[of("freight_exists", name)] = True
    by_discovery = cluster.behaviours.newest_by_discovery and freight.discovered is not None
    cluster.freight_created[name] = freight.discovered if by_discovery else freight.created
    for field, values in (("since", freight.since), ("verified", freight.verified), ("approved", freight.approved)):
        cluster.state |= {of(field, name, stage): value for stage, value in values if stage in known}


# Stages


def _stage(
    stage: LiveStage, runs: list[LiveRun], project: LiveProject, pipeline: Pipeline
) -> Iterator[tuple[str, Any]]:
    """The fields of a Stage, by the names that the model has for them."""
    for field in ("generation", "deleting", "finalizer", "current", "current_freight", "health", "issues"):
        yield field, getattr(stage, field)
    for field in ("summary", "auto_promotion", "refresh", "handled_refresh", "observed_generation"):
        yield field, getattr(stage, field)
    if stage.last is not None:
        yield "last", stage.last.name
        yield "last_phase", stage.last.phase
        yield "last_freight", stage.last.freight
        yield "last_finished", stage.last.finished
        yield "last_message", stage.last.message
        yield "last_checks", stage.last.checks
    conditions = dict(stage.conditions)
    for kind in CONDITIONS:
        yield f"{kind.lower()}_condition", conditions.get(kind)
    yield "policy", policy_of(stage, project)
    yield from _verifications(stage, runs)


def _verifications(stage: LiveStage, runs: list[LiveRun]) -> Iterator[tuple[str, Any]]:
    """Verifications are numbered from the oldest on, and so are AnalysisRuns."""
    every = [v for entry in reversed(stage.history) for v in reversed(entry.verifications)]
    ids = {v.id: n for n, v in enumerate(every, start=1)}
    there = sorted(runs, key=lambda run: (run.created, run.name))
    names = dict.fromkeys([v.run for v in every if v.run is not None] + [r.name for r in there])
    existing = {run.name for run in there}
    gone = [name for name in names if name not in existing]
    numbers = {name: n for n, name in enumerate([*gone, *(r.name for r in there)], start=1)}

    def pair(v: LiveVerification) -> tuple[Verification, Note]:
        run = numbers[v.run] if v.run is not None else None
        return Verification(ids[v.id], v.phase, run, v.finished), Note(v.message, v.actor, v.started)

    def stack(entry: HistoryEntry) -> tuple[tuple[Verification, Note], ...]:
        return tuple(pair(v) for v in entry.verifications)

    newest = stack(stage.history[0]) if stage.history else ()
    if newest:
        yield "verification", newest[0][0]
        yield "verification_note", newest[0][1]
        yield "older_verifications", newest[1:]
    yield "older_history", tuple((tuple(sorted(e.freight)), stack(e)) for e in stage.history[1:])
    yield "verification_ids", len(every)
    yield "runs", tuple(Run(numbers[r.name], r.freight, r.phase, r.completed) for r in there)
    yield (
        "run_notes",
        tuple(RunNote(numbers[r.name], r.created, r.promotion, r.message, r.terminate) for r in there),
    )
    yield "run_ids", len(numbers)
    yield "reverify", _asked(stage.reverify, ids)
    yield "abort_verification", _asked(stage.abort_verification, ids)


def _asked(request: VerificationRequest | None, ids: dict[str, int]) -> Asked | None:
    if request is None:
        return None
    return Asked(ids.get(request.id, NOBODY), request.actor, request.control_plane)


def _of_origins(stage: LiveStage, pipeline: Pipeline) -> State:
    found: State = {}
    collections = {"in_use": stage.history[0].freight if stage.history else ()}
    collections["last_carried"] = stage.last.collection if stage.last else ()
    for field, pairs in collections.items():
        found |= {of(field, stage.name, w): f for w, f in pairs if w in pipeline.warehouses}
    for field, holds in (("hold", stage.holds), ("effective_hold", stage.effective_holds)):
        found |= {
            of(field, stage.name, h.warehouse): Hold(h.promotion, h.freight)
            for h in holds
            if h.warehouse in pipeline.warehouses
        }
    return found


# Promotions


Fields = dict[tuple[str, ...], Any]


def _promotion(
    promotion: LivePromotion, plans: Plans, pipeline: Pipeline, hidden: Hidden
) -> tuple[str, Plan, Fields]:
    intent = None
    if promotion.hold or promotion.resume:
        intent = Intent(promotion.hold or promotion.resume, hold=bool(promotion.hold))
    running = promotion.phase is PromotionPhase.RUNNING
    fields: Fields = {
        ("phase",): promotion.phase,
        ("freight",): promotion.freight,
        ("status_freight",): promotion.status_freight,
        ("started",): promotion.started,
        ("finished",): promotion.finished,
        ("created",): promotion.created,
        ("actor",): promotion.actor,
        ("abort_requested",): promotion.abort is not None and promotion.abort.action == "terminate",
        ("abort_actor",): promotion.abort.actor if promotion.abort else "",
        ("intent",): intent,
        ("message",): promotion.message,
        ("current_step",): promotion.current_step,
        ("work_dir",): running and bool(promotion.metadata) and promotion.name not in hidden.lost_work_dirs,
        ("health_checks",): ("",) * promotion.checks,
        ("promotion_refresh",): promotion.refresh,
    }
    found = plans.of_promotion(promotion)
    return promotion.name, found, fields | _steps(promotion, found) | _carried(promotion, pipeline)


def _carried(promotion: LivePromotion, pipeline: Pipeline) -> Fields:
    return {("carried", w): f for w, f in promotion.collection if w in pipeline.warehouses}


def _steps(promotion: LivePromotion, found: Plan) -> Fields:
    fields: Fields = {}
    outputs = dict(promotion.outputs)
    over = promotion.phase.terminal
    for number, entry in enumerate(promotion.metadata):
        if entry.alias in found.aliases:
            passed = over or number < len(promotion.metadata) - 1
            phase = phase_of(entry, passed)
            fields["entry", entry.alias] = Entry(phase, entry.started, entry.finished, entry.error_count)
            fields["text", entry.alias] = entry.message
    return fields | {("output", key): outputs[key] for key in found.output_keys if key in outputs}


def phase_of(entry: StepMetadata, passed: bool) -> StepPhase:
    """The phase of a step whose metadata is this; `passed` says that the engine has gone on, or has ended."""
    finished = entry.finished is not None
    if entry.status in (StepStatus.NEW, StepStatus.RUNNING):
        return step_phase(entry.status, over=False, finished=False)
    if entry.status is StepStatus.SUCCEEDED:
        return StepPhase.SUCCEEDED
    over = finished or passed or entry.status is StepStatus.SKIPPED
    return step_phase(entry.status, over=over, finished=finished)


def highest_number(project: LiveProject) -> int:
    """The highest number in a generated name of a recording, where the random part of names is one."""
    digits = (p.name.split(".")[-2][10:] for p in project.promotions if p.name.count(".") >= 2)
    return max((int(d) for d in digits if len(d) == 16 and d.isdigit()), default=0)
