"""A cluster with Kargo in it: one state, and everything that can be done to it, with a clock that runs on.

The passes are those the checker explores; here there are as many Promotions and Freight as somebody makes, and every
attempt of a step follows a script, so that whatever is done goes one way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from model.kargo import planning, promotion, worlds
from model.kargo.auto_promotion import Dated, oldest_first
from model.kargo.loop import people
from model.kargo.loop.fields import OF_PROMOTIONS
from model.kargo.loop.pipeline import Pipeline, StageSpec
from model.kargo.loop.promotion_pass import its, own, reconcile_promotion
from model.kargo.loop.scope import Scope
from model.kargo.loop.stage_pass import reconcile_stage
from model.kargo.loop.values import Run, RunNote, of
from model.kargo.loop.variables import OF_PASSES, freight_variables, promotion_variables, stage_variables
from model.kargo.loop.world import observe
from model.kargo.names import generated_name
from model.kargo.phases import HealthState, PromotionPhase, VerificationPhase
from model.kargo.plan import Plan
from model.kargo.planning import Planner
from model.kargo.promotion_context import PromotionContext
from model.kargo.releases import Behaviours
from model.kargo.saving_rules import BACKOFF
from model.kargo.step_kinds import StepKind
from model.kargo.worlds import Script
from model.system import Action, ModelError, Scope as Values, Sequence, Tables, action, run

USER = "admin"
"""The person who acts through Kargo's API."""

KUBECTL_USER = "kubernetes:alice"
"""The person who acts past it."""

ABORTED_BY = "admin"

Scripts = tuple[Script, ...]
"""What the attempts of each step of a Promotion come back with."""


@dataclass(frozen=True)
class Passed:
    """What came of a pass: how long the controller wants to wait (None: for ever), or its error or panic."""

    after_ms: int | None = None
    error: str | None = None
    label: str = ""


NOTHING = Passed()

PASS_LOCALS = dict(OF_PASSES)
NO_LOCALS: dict[str, Any] = {}
SCRIPTED = StepKind("scripted", 0, 0, False, ())


@dataclass
class Cluster:
    """Stages, Promotions and Freight, and the passes over them.

    `scripts` says what the steps of the n-th Promotion of a Stage do. `tables` may be shared by clusters of one
    release.
    """

    pipeline: Pipeline
    behaviours: Behaviours
    scripts: Callable[[str, int, int], Scripts]
    tables: Tables = field(default_factory=Tables)
    state: dict[str, Any] = field(default_factory=dict)
    promotions: dict[str, list[str]] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    freight: dict[str, str] = field(default_factory=dict)
    created: dict[str, int] = field(default_factory=dict)
    names_made: int = 0

    def __post_init__(self) -> None:
        self.state = {"now": 0}
        self._made = dict.fromkeys(self.pipeline.names, 0)
        self._passes: dict[str, Sequence] = {}
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.makers: dict[str, tuple[str, int]] = {}
        self._stored: dict[str, tuple[str, ...]] = {}
        self._plan_locals: dict[str, dict[str, Any]] = {}
        for stage in self.pipeline.names:
            self.promotions[stage] = []
            self._declare(stage_variables(self.pipeline, stage))
            self._spare(stage)

    # Reading

    @property
    def now(self) -> int:
        """Milliseconds since the start."""
        return int(self.state["now"])

    @property
    def specs(self) -> dict[str, StageSpec]:
        """The Stages as they are specified now."""
        return {stage.name: stage for stage in self.pipeline.stages}

    def existing(self, stage: str) -> list[str]:
        """The Promotions of a Stage that exist, in order of creation."""
        return [p for p in self.promotions[stage] if self.state[of("phase", p)] is not None]

    def phase(self, promotion: str) -> PromotionPhase | None:
        """The phase of a Promotion, None if it does not exist."""
        found = self.state[of("phase", promotion)]
        assert found is None or isinstance(found, PromotionPhase)
        return found

    def stage_of(self, promotion: str) -> str:
        """The Stage of a Promotion."""
        return promotion.rpartition("#")[0]

    # Passes

    def reconcile_stage(self, stage: str) -> Passed:
        """One pass over a Stage."""
        known = self._passes.get(stage)
        if known is None:
            known = self._passes[stage] = reconcile_stage(self._scope(stage), observe(stage))
        runs = self.state[of("run_ids", stage)]
        done = self._run(known)
        if done is None:
            return NOTHING
        label, record = done
        self.names_made += self.state[of("run_ids", stage)] - runs
        self._name_new(stage)
        return self._passed(self.state[of("stage_requeue", stage)], record["error"], label)

    def reconcile_promotion(self, promotion: str, back: int = 0) -> Passed:
        """One pass over a Promotion, which its controller's cache has as it was `back` writes ago."""
        versions = self.versions.get(promotion, [])
        if back and versions and not self.behaviours.reads_past_the_cache:
            return self._stale_pass(promotion, versions[max(0, len(versions) - 1 - back)])
        began = self.phase(promotion)
        passed = self._fresh_pass(promotion)
        self._remember(promotion, began)
        return passed

    def _stale_pass(self, promotion: str, seen: dict[str, Any]) -> Passed:
        """What changes in the eyes of the pass is written; what it does not change stays as it really is."""
        stored = self._version(promotion)
        self.state |= seen
        began = self.phase(promotion)
        passed = self._fresh_pass(promotion)
        found = self._version(promotion)
        steps = [n for n in found if n.startswith(("entry[", "text["))]
        if any(found[n] != seen[n] for n in steps):
            seen = seen | dict.fromkeys(steps, object())
        self.state |= {n: stored[n] for n in found if found[n] == seen[n]}
        self._remember(promotion, began)
        return passed

    def _version(self, promotion: str) -> dict[str, Any]:
        return {n: self.state[n] for n in self._stored[promotion]}

    def _remember(self, promotion: str, began: PromotionPhase | None) -> None:
        """Keep every version of a Promotion that a pass has written."""
        versions, latest = self.versions[promotion], self._version(promotion)
        phase = of("phase", promotion)
        if began is PromotionPhase.NEW and latest[phase] is not PromotionPhase.ABORTED:
            versions.append(versions[-1] | {phase: PromotionPhase.PENDING})
        started = of("started", promotion)
        if latest[started] != versions[-1][started]:
            versions.append(versions[-1] | {phase: PromotionPhase.RUNNING, started: latest[started]})
        if latest != versions[-1]:
            versions.append(latest)

    def note_version(self, promotion: str) -> None:
        """Somebody else wrote a Promotion."""
        self.versions[promotion].append(self._version(promotion))

    def _fresh_pass(self, promotion: str) -> Passed:
        known = self._passes.get(promotion)
        if known is None:
            known = self._passes[promotion] = self._promotion_pass(promotion)
        done = self._run(known, self._plan_locals[promotion])
        if done is None:
            return NOTHING
        label, record = done
        return self._passed(self.state[of("requeue", promotion)], record["engine_error"], label)

    def _passed(self, requeue: object, error: str | None, label: str) -> Passed:
        if requeue == BACKOFF:
            return Passed(error=error or "", label=label)
        return Passed(after_ms=requeue if isinstance(requeue, int) else None, label=label)

    def _promotion_pass(self, promotion: str) -> Sequence:
        freight = self.state[of("freight", promotion)]
        about = ((freight, self.freight[freight]),)
        plan = self.plans[promotion]
        return reconcile_promotion(
            self._scope(self.stage_of(promotion)), plan, promotion, about, running_clock=True, scripted=True
        )

    # What people do

    def create_freight(self, freight: str, warehouse: str) -> None:
        """A Warehouse finds new Freight."""
        self._declare(freight_variables(self.pipeline, freight))
        self.state[of("freight_exists", freight)] = True
        self.freight[freight] = warehouse
        self.created[freight] = self.now // 1000 * 1000
        self._passes.clear()

    def delete_freight(self, freight: str) -> None:
        """A person deletes Freight."""
        self._declare(freight_variables(self.pipeline, freight))
        self._passes.clear()

    def promote(self, stage: str, freight: str, name: str = "") -> str | None:
        """A person promotes Freight to a Stage; the label of the Promotion, None if it is refused."""
        slot = next(p for p in self.promotions[stage] if not self.state[of("used", p)])
        actor = KUBECTL_USER if name else USER
        warehouse = self.freight.get(freight, "")
        if warehouse:
            step = people.promote(self._scope(stage), slot, freight, warehouse, actor=actor)
            done = self._run(step)
        if not warehouse or done is None:
            self.names_made += not self._keeps(name)
            return None
        self._name_new(stage, name)
        return slot

    def act(self, rule: Action) -> bool:
        """Do something; whether it was possible."""
        return self._run(rule) is not None

    def edit(self, spec: StageSpec) -> None:
        """A person edits a Stage."""
        stages = tuple(spec if s.name == spec.name else s for s in self.pipeline.stages)
        self.pipeline = replace(self.pipeline, stages=stages)
        self._passes.clear()

    def forget_passes(self) -> None:
        """What passes were built for has changed."""
        self._passes.clear()

    # Machinery

    def _scope(self, stage: str) -> Scope:
        slots = self.promotions[stage]
        by_name = sorted(self.existing(stage), key=lambda p: str(self.state[of("name", p)]))
        by_age = sorted(
            self.existing(stage), key=lambda p: (self.state[of("created", p)], self.state[of("name", p)])
        )
        spare = [p for p in slots if self.state[of("phase", p)] is None and not self.state[of("used", p)]]
        freight = []
        for warehouse in self.pipeline.warehouses:
            dated = [Dated(f, self.created[f]) for f, origin in self.freight.items() if origin == warehouse]
            freight.append((warehouse, oldest_first(dated, self.behaviours)))
        return Scope(
            self.specs[stage],
            self.pipeline,
            self.behaviours,
            (*by_name, *spare),
            (*by_age, *spare),
            tuple(freight),
            cache_honours_limits=False,
        )

    def _declare(self, variables: Iterable[Any]) -> None:
        self.state |= {v.name: v.initial[0] for v in variables}

    def _spare(self, stage: str) -> None:
        """Keep as many free slots as one pass can fill."""
        slots = self.promotions[stage]
        free = sum(1 for p in slots if not self.state[of("used", p)])
        for _ in range(free, max(1, len(self.pipeline.warehouses))):
            self._made[stage] += 1
            slot = f"{stage}#{self._made[stage]}"
            slots.append(slot)
            self.state |= {of(f, slot): v for f, v in OF_PROMOTIONS.items()}
            self.state[of("phase", slot)] = None
            self.state |= {of("carried", slot, w): None for w in self.pipeline.warehouses}

    def _name_new(self, stage: str, name: str = "") -> None:
        """Name and furnish the Promotions that were just created."""
        new = [p for p in self.promotions[stage] if p not in self.plans and self.state[of("used", p)]]
        for slot in new:
            number = int(slot.rpartition("#")[2])
            plan = self._plan(stage, number)
            self.plans[slot] = plan
            of_pass = promotion.variables(plan, running_clock=True, start=None)
            self._plan_locals[slot] = {v.name: v.initial[0] for v in of_pass if v.local}
            before = {n: self.state[n] for n in self.state if n.endswith(f"[{slot}]") or f"[{slot}/" in n}
            self._declare(promotion_variables(self.pipeline, slot, plan))
            self._declare(scripted_variables(slot, plan))
            self.state |= before
            kept = ("used[", "name[", "created[", "work_dir[", "requeue[", "tries[")
            mine = (n for n in self.state if n.endswith(f"[{slot}]") or f"[{slot}/" in n)
            self._stored[slot] = tuple(n for n in mine if not n.startswith(kept))
            self.versions[slot] = [self._version(slot)]
            self.state[of("name", slot)] = name if self._keeps(name) else self._generate(stage, slot)
        if new:
            self._spare(stage)
            self._passes.pop(stage, None)

    def _keeps(self, name: str) -> bool:
        """Whether a name given by a person is kept."""
        return bool(name) and not self.behaviours.names_overwritten

    def _generate(self, stage: str, slot: str) -> str:
        self.names_made += 1
        return generated_name(stage, self.now, self.names_made, self.state[of("freight", slot)])

    def _plan(self, stage: str, number: int) -> Plan:
        steps = self.specs[stage].steps
        scripts = self.scripts(stage, number, len(steps))
        by_alias = dict(zip((s.alias for s in steps), scripts, strict=True))
        planner = Planner(
            steps, _context(self.pipeline.project, stage), self.behaviours, {"scripted": SCRIPTED}.get
        )
        return planning.plan(planner, lambda step, _rules, _kind: worlds.scripted(step.alias, by_alias[step.alias]))

    def _run(self, step: Action | Sequence, more: dict[str, Any] = NO_LOCALS) -> tuple[str, Values] | None:
        ways = run(step, {**self.state, **PASS_LOCALS, **more}, self.tables)
        if len(ways) > 1:
            raise ModelError(f"{step.name} should go one way and goes {len(ways)} ways")
        if not ways:
            return None
        label, scope = ways[0]
        record = {n: scope.pop(n) for n in (*PASS_LOCALS, *more)}
        self.state = scope
        return label, record


def scripted_variables(slot: str, plan: Plan) -> Iterable[Any]:
    """How often each step has been tried."""
    for alias in plan.aliases:
        tries = worlds.tries(alias)
        yield replace(tries, name=its(tries.name, slot))


def _context(project: str, stage: str) -> PromotionContext:
    return PromotionContext(
        project=project,
        stage=stage,
        promotion="",
        actor="",
        ui_base_url="",
        target_freight={"name": "", "alias": "", "origin": {"name": ""}},
        requested=(),
        variables=(),
    )
