"""The control loop as a system for the checker: a few Promotions and Freight, and everything that can happen.

The passes are those that recordings are replayed with. Here every one of them may come at any time, a step's
attempt may come back with anything, and people, applications and AnalysisRuns do what they like, within the bounds
given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from model.kargo import planning, worlds
from model.kargo import promotion_rules as promoting
from model.kargo.failure_policies import FailurePolicy
from model.kargo.loop import people, responses, world
from model.kargo.loop.faults import kept_variables, lag_variables, lagging, remembering, unwritten
from model.kargo.loop.fields import OF_ORIGINS, OF_STAGES
from model.kargo.loop.interleaving import CARRIED_ON, interleaved
from model.kargo.loop.pipeline import Pipeline, StageSpec
from model.kargo.loop.promotion_pass import reconcile_promotion
from model.kargo.loop.scope import Scope
from model.kargo.loop.stage_pass import reconcile_stage
from model.kargo.loop.tidying import tidy_promotion, tidy_stage
from model.kargo.loop.values import of
from model.kargo.loop.variables import freight_variables, pass_variables, promotion_variables, stage_variables
from model.kargo.loop.wakeups import wakeup_variables, watched
from model.kargo.phases import HealthState, VerificationPhase
from model.kargo.plan import Plan
from model.kargo.planning import Planner
from model.kargo.releases import Behaviours
from model.kargo.step_kinds import Result, StepKind
from model.kargo.templates import StepSpec, Template
from model.system import (
    Action,
    Part,
    Sequence,
    System,
    Value,
    Variable,
    action,
    rename,
    required,
    sequence,
    variable,
)

HEALTHS = (HealthState.HEALTHY, HealthState.PROGRESSING, HealthState.UNHEALTHY)
RUN_PHASES = (VerificationPhase.SUCCESSFUL, VerificationPhase.FAILED)
RESULTS = (Result.SUCCEEDED, Result.RUNNING, Result.FAILED_TERMINALLY)


@dataclass(frozen=True)
class Bounds:
    """How far a control loop is explored, and what may happen in it.

    `promotions` is how many are made for each Stage, `freight` how many come from each Warehouse, `steps` how
    many steps each Promotion has. People: `promotes`, `aborts`, `deletions` (of Promotions),
    `freight_deletions` and `approvals` say whether they do such things, `reverifies` how often they ask for a
    verification to be repeated, `switches` whether they switch auto-promotion (`auto`: whether it is on at
    first), `by_hand` which names they give to Promotions of their own, `edits` what else they make of the spec
    of a Stage, `stage_deletions` whether they delete Stages, `refreshes` whether they ask for a Stage to be
    looked at.
    Applications: `healths` are what they can be found to be, `results` what a step's attempt can come to, `runs`
    what AnalysisRuns can come to. Faults: `restarts` of the controller; `lags`: a cache may show a Promotion as it
    was before the last write; `unwritten`: the API server may refuse to write status. With `late_aborts` people
    abort Promotions also while a pass is under way, which does not see it. With `interleaved` a pass over a Stage
    is not one step, but each of its sub-reconcilers is. With `wakeups` a pass comes only if a watch or a timer
    asks for it. A failure `policy` responds to failures; with `forgets`, what it counts is lost when the
    controller is restarted.
    """

    promotions: int = 3
    freight: int = 2
    promotes: bool = True
    aborts: bool = True
    deletions: bool = True
    freight_deletions: bool = False
    approvals: bool = False
    reverifies: int = 0
    switches: bool = False
    auto: bool = False
    restarts: bool = False
    steps: int = 1
    interleaved: bool = False
    lags: bool = False
    unwritten: bool = False
    late_aborts: bool = False
    wakeups: bool = False
    edits: tuple[StageSpec, ...] = ()
    stage_deletions: bool = False
    refreshes: bool = False
    by_hand: tuple[str, ...] = ()
    healths: tuple[HealthState, ...] = HEALTHS
    results: tuple[Result, ...] = RESULTS
    runs: tuple[VerificationPhase, ...] = RUN_PHASES
    policy: FailurePolicy | None = None
    forgets: bool = False


STEP = StepSpec("step", "step")
"""The first step of every explored Promotion."""


NOT_STATUS = frozenset(
    (
        *("stage_exists", "deleting", "finalizer", "generation", "refresh", "reverify", "abort_verification"),
        *("policy", "app", "runs", "run_notes", "run_ids", "verification_ids", "stage_requeue"),
    )
)
"""What is not in the status of a Stage, but elsewhere in it or around it."""


def steps_of(bounds: Bounds) -> tuple[StepSpec, ...]:
    """The steps of every explored Promotion."""
    return (STEP, *(StepSpec(f"step-{k}", STEP.kind) for k in range(2, bounds.steps + 1)))


def slots(stage: str, bounds: Bounds) -> tuple[str, ...]:
    """The generated names of the Promotions of a Stage, in their order, which is that of their creation."""
    return tuple(f"{stage}.{number}" for number in range(1, bounds.promotions + 1))


def named_by_hand(stage: str, bounds: Bounds, behaviours: Behaviours) -> tuple[str, ...]:
    """The names that people give, in a release that keeps them."""
    return () if behaviours.names_overwritten else tuple(f"{stage}.{name}" for name in bounds.by_hand)


def freight_of(pipeline: Pipeline, bounds: Bounds) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The Freight of each Warehouse, oldest first; those of the n-th Warehouse begin with the n-th letter."""
    return tuple(
        (warehouse, tuple(f"{chr(ord('a') + k)}{n}" for n in range(1, bounds.freight + 1)))
        for k, warehouse in enumerate(pipeline.warehouses)
    )


def plan_of(behaviours: Behaviours, bounds: Bounds) -> Plan:
    """The plan of every explored Promotion."""
    kind = StepKind(STEP.kind, 0, 0, False, bounds.results)
    steps = steps_of(bounds)
    planner = Planner(steps, planning.context_of(Template(steps, ())), behaviours, {STEP.kind: kind}.get)
    return planning.plan(
        planner, lambda step, _rules, _kind: worlds.free(step.alias, worlds.alphabet(bounds.results))
    )


def scope_of(pipeline: Pipeline, stage: str, behaviours: Behaviours, bounds: Bounds) -> Scope:
    """What a pass over a Stage can meet."""
    generated, by_hand = slots(stage, bounds), named_by_hand(stage, bounds, behaviours)
    return Scope(
        pipeline.stage(stage),
        pipeline,
        behaviours,
        promotions=tuple(sorted((*generated, *by_hand))),
        created=(*generated, *by_hand),
        freight=freight_of(pipeline, bounds),
        auto_promotes=bounds.auto or bounds.switches,
    )


def exploration(name: str, pipeline: Pipeline, behaviours: Behaviours, bounds: Bounds) -> System:
    """The control loop of a pipeline in one release, with everything that can happen within the bounds."""
    plan = plan_of(behaviours, bounds)
    of_passes = (*pass_variables(plan), *(responses.pass_variables() if bounds.policy else ()))
    variables: list[Variable] = []
    steps: list[Action | Sequence] = []
    for warehouse, names in freight_of(pipeline, bounds):
        variables += [v for f in names for v in freight_variables(pipeline, f) if v.name == of("freight_exists", f)]
        steps += _discoveries(names)
        if bounds.freight_deletions:
            steps += (people.delete_freight(pipeline, name, warehouse) for name in names)
    scopes = [scope_of(pipeline, name, behaviours, bounds) for name in pipeline.names]
    if bounds.wakeups:
        variables += wakeup_variables(scopes)
    for stage, scope in zip(pipeline.stages, scopes, strict=True):
        mine = {v.name: of(v.name, stage.name) for v in of_passes}
        lasting = CARRIED_ON if bounds.interleaved else ()
        variables += (replace(v, name=mine[v.name], local=v.name not in lasting) for v in of_passes)
        variables += _variables(scope, plan, bounds)
        steps += (rename(step, mine) for step in _steps(scope, plan, bounds))
    if bounds.wakeups:
        steps = [watched(step, scopes) for step in steps]
    return System(name, tuple(variables), tuple(steps))


def _variables(scope: Scope, plan: Plan, bounds: Bounds) -> Iterator[Variable]:
    """The variables of one Stage, its Promotions, and the Freight in it."""
    stage, pipeline = scope.stage.name, scope.pipeline
    given: dict[str, Value] = {scope.of("finalizer"): True, scope.of("policy"): bounds.auto}
    for slot in scope.promotions:
        for v in promotion_variables(pipeline, slot, plan):
            yield replace(v, initial=(slot,)) if v.name == of("name", slot) else v
    for v in stage_variables(pipeline, stage):
        yield replace(v, initial=(given.get(v.name, v.initial[0]),))
    yield from _more_variables(scope, plan, bounds)
    for freight in scope.all_freight:
        for v in freight_variables(pipeline, freight):
            if v.name.endswith(f"/{stage}]"):
                yield v


def _more_variables(scope: Scope, plan: Plan, bounds: Bounds) -> Iterator[Variable]:
    """The variables that some bounds need."""
    if bounds.policy:
        yield from responses.stage_variables(scope)
        for slot in scope.promotions:
            yield from responses.slot_variables(bounds.policy, slot)
    if bounds.reverifies:
        yield variable(scope.of("asked_again"), 0)
    if bounds.edits:
        yield variable(scope.of("spec"), 0)
    if bounds.interleaved:
        yield variable(scope.of("at_sub"), 0)
    if bounds.unwritten:
        yield from kept_variables(_status(scope))
    if bounds.late_aborts:
        yield from (variable(of("missed_abort", slot), False, domain=(False, True)) for slot in scope.promotions)
    for slot in scope.promotions:
        yield from _faulty_variables(scope, slot, plan, bounds)


def _faulty_variables(scope: Scope, slot: str, plan: Plan, bounds: Bounds) -> Iterator[Variable]:
    """What a cache that lags behind, or status that cannot be written, needs of a Promotion."""
    if _lags(scope, bounds):
        yield from lag_variables(_object(scope, slot, plan))
    elif bounds.unwritten:
        yield from kept_variables(_object(scope, slot, plan))


def _discoveries(freight: Iterable[str]) -> Iterator[Action]:
    """Freight is found, one after the other."""
    before = ""
    for name in freight:
        reads = {"freight_exists": of("freight_exists", name)}
        if before:
            reads["earlier_exists"] = of("freight_exists", before)
        fixed: dict[str, Value] = {} if before else {"earlier_exists": True}
        yield action(world.discover, f"{name} is found", actor="world", constants=fixed, reads=reads)
        before = name


def _steps(scope: Scope, plan: Plan, bounds: Bounds) -> Iterator[Action | Sequence]:
    specs = [scope.stage, *(e for e in bounds.edits if e.name == scope.stage.name)]
    for k, spec in enumerate(specs):
        of_spec = _of_spec(replace(scope, stage=spec), plan, bounds)
        yield from (_as_edited(scope, step, k) for step in of_spec) if len(specs) > 1 else of_spec
        if len(specs) > 1:
            editing = scope.bind(people.edit_to, constants={"to": k}, spec=scope.of("spec"))
            yield _step(editing, f"edit {scope.stage.name}: {k or 'as before'}", "person")
    if not scope.stage.control_flow:
        yield from _applications(scope, bounds)
        yield from _of_people(scope, bounds)
    for slot in scope.promotions:
        yield from _about_promotion(scope, slot, plan, bounds)
    if bounds.forgets:
        yield responses.forget_counts(scope)
    if soaks := sorted({r.soak_ms for s in scope.pipeline.stages for r in s.requests if r.soak_ms}):
        yield _soaking(scope, soaks[-1])


def _of_spec(scope: Scope, plan: Plan, bounds: Bounds) -> Iterator[Sequence]:
    """What depends on the spec of the Stage: its passes, those of its Promotions, and promoting."""
    about = [(f, w) for w, names in scope.freight for f in names]
    requested = tuple((f, w) for f, w in about if w in scope.stage.origins)
    yield from _stage_passes(scope, bounds)
    for slot in scope.promotions:
        yield from _promotion_passes(scope, plan, slot, requested, bounds)
    if not scope.stage.control_flow:
        yield from _promoting(scope, bounds, requested)


def _as_edited(scope: Scope, step: Sequence, spec: int) -> Sequence:
    """A step that is only taken while the Stage has this spec: 0 is the first one."""
    guard = required(scope.bind(people.has_spec, constants={"wanted": spec}, spec=scope.of("spec")))
    return replace(step, name=f"{step.name}{edited(spec)}", parts=(guard, *step.parts))


def edited(spec: int) -> str:
    """What the names of steps end with where the Stage has its `spec`-th spec; 0 is the first one."""
    return f", as edited ({spec})" if spec else ""


def _stage_passes(scope: Scope, bounds: Bounds) -> Iterator[Sequence]:
    observe = world.observe(scope.stage.name)
    if bounds.interleaved and not scope.stage.control_flow:
        yield from interleaved(scope, observe, *tidy_stage(scope))
        return
    body = reconcile_stage(scope, observe, policy=bounds.policy)
    yield _and_then(body, *tidy_stage(scope))
    if bounds.unwritten:
        broken = unwritten(body, _status(scope), scope.of("stage_requeue"))
        yield _and_then(broken, *tidy_stage(scope))


def _status(scope: Scope) -> list[str]:
    """The variables that make up the status of a Stage."""
    found = [scope.of(f) for f in OF_STAGES if f not in NOT_STATUS]
    return found + [scope.of(f, w) for w in scope.pipeline.warehouses for f in OF_ORIGINS]


def _promotion_passes(
    scope: Scope, plan: Plan, slot: str, freight: tuple[tuple[str, str], ...], bounds: Bounds
) -> Iterator[Sequence]:
    body = reconcile_promotion(scope, plan, slot, freight, policy=bounds.policy)
    tidying = tuple(tidy_promotion(slot, plan.aliases))
    if _lags(scope, bounds):
        fields, steps = _object(scope, slot, plan), _list(slot, plan)
        yield _and_then(lagging(body, of("phase", slot), fields, steps))
        body = remembering(body, fields)
        tidying = ()
    yield _and_then(body, *tidying)
    if bounds.unwritten:
        yield _and_then(unwritten(body, _object(scope, slot, plan), of("requeue", slot)), *tidying)
    if bounds.late_aborts and bounds.aborts:
        yield _and_then(people.aborting_meanwhile(body, slot, actor="admin"), *tidying)


def _lags(scope: Scope, bounds: Bounds) -> bool:
    return bounds.lags and not scope.behaviours.reads_past_the_cache


def _object(scope: Scope, slot: str, plan: Plan) -> list[str]:
    """The variables that the API server has of a Promotion, and a pass may write."""
    fields = [of(f, slot) for f in ("phase", "current_step", "started", "finished", "status_freight", "message")]
    fields += [of("carried", slot, w) for w in scope.pipeline.warehouses]
    return fields + _list(slot, plan)


def _list(slot: str, plan: Plan) -> list[str]:
    """The variables of its steps."""
    return [of(f, slot, alias) for alias in plan.aliases for f in ("entry", "text")]


def _soaking(scope: Scope, soak_ms: int) -> Sequence:
    """Time passes, until the Freight in the Stage has soaked as long as anybody asks for."""
    ages = [
        action(world.age, constants={"most_ms": soak_ms}, since=of("since", f, scope.stage.name))
        for f in scope.all_freight
    ]
    return sequence(f"{soak_ms // 1000} s pass in {scope.stage.name}", *ages, actor="clock")


def _applications(scope: Scope, bounds: Bounds) -> Iterator[Action]:
    stage = scope.stage.name
    for found in bounds.healths if len(bounds.healths) > 1 else ():
        yield _step(scope.bind(world.set_health, constants={"found": found}), f"{stage} is {found}", "application")
    if scope.stage.verification:
        for phase in bounds.runs:
            fixed = {"phase": phase}
            yield _step(
                scope.bind(world.set_run, constants=fixed), f"AnalysisRun of {stage} is {phase}", "application"
            )


def _promoting(scope: Scope, bounds: Bounds, freight: Iterable[tuple[str, str]]) -> Iterator[Sequence]:
    stage = scope.stage.name
    generated = replace(scope, created=slots(stage, bounds))
    for name, warehouse in freight:
        if bounds.promotes:
            yield people.promote_next(generated, name, warehouse, actor="admin")
        for slot in named_by_hand(stage, bounds, scope.behaviours):
            about = f"promote {name} to {stage} as {slot}"
            yield people.promote(scope, slot, name, warehouse, actor="alice", name=about)


def _of_people(scope: Scope, bounds: Bounds) -> Iterator[Action | Sequence]:
    stage = scope.stage.name
    if bounds.approvals:
        for name in scope.all_freight:
            fields = {"freight_exists": of("freight_exists", name), "approved": of("approved", name, stage)}
            yield _step(scope.bind(people.approve, fields), f"approve {name} for {stage}", "person")
    if bounds.reverifies:
        fixed: dict[str, Value] = {"actor": "admin"}
        most = bounds.reverifies
        asked = scope.of("asked_again")
        again = scope.bind(people.ask_to_verify_again, constants=fixed, writes=("reverify",))
        yield sequence(
            f"verify {stage} again",
            required(scope.bind(people.may_ask_again, constants={"most": most}, asked_again=asked)),
            again,
            actor="person",
        )
        stop = scope.bind(people.ask_to_abort_verification, constants=fixed, writes=("abort_verification",))
        yield _step(stop, f"abort the verification of {stage}", "person")
    if bounds.refreshes:
        asking = scope.bind(people.ask_to_refresh, constants={"token": "asked"})
        yield _step(asking, f"refresh {stage}", "person")
    if bounds.stage_deletions:
        yield _step(scope.bind(people.delete_stage), f"delete {stage}", "person")
    if bounds.switches:
        for enabled in (True, False):
            switch = scope.bind(people.set_policy, constants={"enabled": enabled})
            yield _step(switch, f"turn auto-promotion of {stage} {'on' if enabled else 'off'}", "person")


def _about_promotion(scope: Scope, slot: str, plan: Plan, bounds: Bounds) -> Iterator[Action | Sequence]:
    if bounds.aborts:
        fields = {f: of(f, slot) for f in ("phase", "abort_requested")}
        writes = {"abort_actor": of("abort_actor", slot)}
        fixed: dict[str, Value] = {"actor": "admin"}
        yield action(
            people.abort_promotion, f"abort {slot}", actor="person", constants=fixed, reads=fields, writes=writes
        )
    if bounds.deletions:
        kept = (of("phase", slot), of("used", slot), of("name", slot))
        initial = {
            v.name: v.initial[0] for v in promotion_variables(scope.pipeline, slot, plan) if v.name not in kept
        }
        yield people.delete(slot, initial)
    if bounds.restarts:
        yield action(
            promoting.lose_work_dir,
            f"lose the work directory of {slot}",
            actor="fault",
            work_dir=of("work_dir", slot),
        )


def _and_then(body: Sequence, *more: Action | Part) -> Sequence:
    return replace(body, parts=(*body.parts, *(p if isinstance(p, Part) else Part(p) for p in more)))


def _step(body: Action, name: str, actor: str) -> Action:
    return replace(body, name=name, actor=actor)


def pipeline_of(*stages: StageSpec, warehouses: tuple[str, ...] = ("w",)) -> Pipeline:
    """A pipeline of these Stages."""
    return Pipeline(warehouses, stages)
