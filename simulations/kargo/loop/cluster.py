"""A cluster with Kargo in it: one state, and everything that can be done to it, with a clock that runs on.

The passes are those the checker explores. Here there are as many Promotions and Freight as somebody makes, and each
attempt of a step follows a script, so that whatever is done goes one way.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from collections.abc import Sequence as Several
from copy import copy
from dataclasses import InitVar, dataclass, field, replace
from operator import itemgetter
from typing import Any, NamedTuple

from model.kargo.auto_promotion import Dated, oldest_first
from model.kargo.loop import people
from model.kargo.loop.candidates import may_promote
from model.kargo.loop.fields import OF_FREIGHT_IN_STAGES, OF_ORIGINS, OF_PROMOTIONS, OF_STAGES
from model.kargo.loop.pipeline import Pipeline, StageSpec
from model.kargo.loop.promotion_pass import reconcile_promotion
from model.kargo.loop.scope import Scope
from model.kargo.loop.stage_pass import reconcile_stage
from model.kargo.loop.values import of
from model.kargo.loop.variables import OF_PASSES, freight_variables, promotion_variables, stage_variables
from model.kargo.loop.world import observe
from model.kargo.names import generated_name
from model.kargo.phases import PromotionPhase
from model.kargo.plan import Plan
from model.kargo.releases import Behaviours
from model.system import Action, ModelError, Sequence, Tables, Variable, run, sequence
from model.system import Scope as Values
from simulations.kargo.loop.known_passes import KnownPasses
from simulations.kargo.loop.plans import inside_passes, scripted_variables
from simulations.kargo.loop.results import NOTHING, Passed, Refused, passed

USER = "admin"
"""The person who acts through Kargo's API."""

KUBECTL_USER = "kubernetes:alice"
"""The person who acts past it."""

UNKNOWN_NAME = "<ulid>"
"""What a text has in the place of what was generated for the name of a Promotion that was refused."""

State = dict[str, Any]

SPARE = 3
"""How many slots for Promotions of a Stage are made at once: a pass has to be built anew when there are others."""


NO_OBJECT = ("stage_requeue", "app", "policy", "requeue", "work_dir")
"""What is no part of a Stage or a Promotion: what the controllers know, and what is around them."""

NO_STATUS = ("used", "name", "created", "work_dir", "requeue")
"""What a Promotion has that no pass over it can see in an older version."""


class Object(NamedTuple):
    """An object in the cluster, or the AnalysisRuns of a Stage."""

    kind: str
    name: str


@dataclass(frozen=True)
class Made:
    """A Promotion that was made: who made it, and when.

    `status` are the variables that its status and annotations are made of, `of_pass` those that live inside its
    passes; `versions` has what `status` was after each of its writes.
    """

    actor: str
    created: int
    status: tuple[str, ...]
    of_pass: State
    versions: tuple[State, ...]


@dataclass
class Cluster:
    """Stages, Promotions and Freight, and the passes over them.

    `plan_of` has the plan of the n-th Promotion of a Stage, `tables` may be shared by clusters of one release.
    `expected` is Freight that is likely to come, each with its Warehouse: passes are built for it at once.

    `promotions` has the slots of each Stage, in order of creation; `made` and `plans` have all Promotions that ever
    were, in that order; `freight` has the Warehouse of each Freight that ever was, or is expected, and
    `freight_created` the instant of its creation.
    """

    pipeline: Pipeline
    behaviours: Behaviours
    plan_of: Callable[[StageSpec, int], Plan]
    tables: Tables = field(default_factory=Tables)
    expected: InitVar[Iterable[tuple[str, str]]] = ()
    state: State = field(init=False, default_factory=dict)
    objects: dict[Object, Callable[[State], Any]] = field(init=False, default_factory=dict)
    promotions: dict[str, list[str]] = field(init=False, default_factory=dict)
    made: dict[str, Made] = field(init=False, default_factory=dict)
    plans: dict[str, Plan] = field(init=False, default_factory=dict)
    freight: dict[str, str] = field(init=False, default_factory=dict)
    freight_created: dict[str, int | None] = field(init=False, default_factory=dict)
    names_made: int = field(init=False, default=0)
    _slots: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(init=False, default_factory=dict)
    _ages: tuple[tuple[str, tuple[str, ...]], ...] = field(init=False, default=())
    _passes: dict[str, tuple[Hashable, Sequence]] = field(init=False, default_factory=dict)
    _known: KnownPasses | None = field(init=False, default=None)

    def __post_init__(self, expected: Iterable[tuple[str, str]]) -> None:
        self.state["now"] = 0
        for freight, warehouse in expected:
            self._furnish_freight(freight, warehouse)
        self.order_freight()
        for stage in self.pipeline.names:
            self.promotions[stage] = []
            self._declare(stage_variables(self.pipeline, stage))
            self._add_slots(stage)
            fields = [of(f, stage) for f in OF_STAGES if f not in NO_OBJECT]
            fields += [of(f, stage, w) for f in OF_ORIGINS for w in self.pipeline.warehouses]
            self.objects[Object("Stage", stage)] = itemgetter(*fields)
            runs = (of(f, stage) for f in ("runs", "run_notes", "run_ids"))
            self.objects[Object("AnalysisRuns", stage)] = itemgetter(*runs)

    # Reading

    @property
    def now(self) -> int:
        """Milliseconds since the start."""
        return int(self.state["now"])

    def existing_stages(self) -> list[str]:
        """The Stages that exist, in order."""
        return [stage for stage in self.pipeline.names if self.state[of("stage_exists", stage)]]

    def existing(self, stage: str) -> list[str]:
        """The Promotions of a Stage that exist, in order of creation."""
        return [p for p in self.promotions[stage] if self.state[of("phase", p)] is not None]

    def exists_freight(self, freight: str) -> bool:
        """Whether there is a Freight of that name."""
        return freight in self.freight and bool(self.state[of("freight_exists", freight)])

    def phase(self, promotion: str) -> PromotionPhase | None:
        """The phase of a Promotion, None if it does not exist."""
        found = self.state[of("phase", promotion)]
        assert found is None or isinstance(found, PromotionPhase)
        return found

    def is_over(self, promotion: str) -> bool:
        """Whether a Promotion has ended, or is gone."""
        phase = self.phase(promotion)
        return phase is None or phase.terminal

    def stage_of(self, promotion: str) -> str:
        """The Stage of a Promotion."""
        return promotion.rpartition("#")[0]

    def scope(self, stage: str) -> Scope:
        """What a pass over a Stage can meet."""
        by_name, by_age = self._slots[stage]
        return Scope(
            self.pipeline.stage(stage),
            self.pipeline,
            self.behaviours,
            by_name,
            by_age,
            self._ages,
            cache_honours_limits=False,
        )

    # Passes

    def reconcile_stage(self, stage: str) -> Passed:
        """One pass over a Stage."""
        scope = self.scope(stage)
        step = self._built(f"Stage/{stage}", scope, lambda: reconcile_stage(scope, observe(stage)))
        runs = self.state[of("run_ids", stage)]
        record = self._run(step) if self._known is None else self._known.make(step, self, self._run)
        if record is None:
            return NOTHING
        self.names_made += self.state[of("run_ids", stage)] - runs + record["error"].count(UNKNOWN_NAME)
        self._furnish_new(stage)
        return passed(self.state[of("stage_requeue", stage)], record["error"])

    def reconcile_promotion(self, promotion: str, back: int = 0) -> Passed:
        """One pass over a Promotion, which its controller's cache has as it was `back` writes ago."""
        if self.is_over(promotion):
            return NOTHING  # what `open_pass` says of it, without a pass being built for it
        versions = self.made[promotion].versions
        if back and not self.behaviours.reads_past_the_cache:
            return self._stale_pass(promotion, versions[max(0, len(versions) - 1 - back)])
        began = self.phase(promotion)
        passed = self._fresh_pass(promotion)
        self._remember(promotion, began)
        return passed

    def _stale_pass(self, promotion: str, seen: State) -> Passed:
        """What changes in the eyes of the pass is written; what it does not change stays as it really is.

        Lists are written as a whole, and so are all steps where one changes. A pass that takes the Promotion for
        one that has not started writes that it has, and learns from what comes back how it really is.

        Source: `pkg/kubeclient/patch.go: PatchStatus`
        """
        stored = self._version(promotion)
        phase, aborted = of("phase", promotion), of("abort_requested", promotion)
        if seen[phase] is not PromotionPhase.RUNNING and not seen[aborted]:
            seen = {**stored, phase: seen[phase], aborted: False}
        self.state |= seen
        began = self.phase(promotion)
        passed = self._fresh_pass(promotion)
        found = self._version(promotion)
        aliases = self.plans[promotion].aliases
        steps = {of(f, promotion, alias) for f in ("entry", "text") for alias in aliases}
        changed = {n for n in found if found[n] != seen[n]}
        if changed & steps:
            changed |= steps
        self.state |= {n: stored[n] for n in found.keys() - changed}
        self._remember(promotion, began)
        return passed

    def _version(self, promotion: str) -> State:
        return {n: self.state[n] for n in self.made[promotion].status}

    def _remember(self, promotion: str, began: PromotionPhase | None) -> None:
        """Keep every version of a Promotion that a pass has written: Pending, Running, and what it ends with."""
        versions, latest = list(self.made[promotion].versions), self._version(promotion)
        phase, started = of("phase", promotion), of("started", promotion)
        if began is PromotionPhase.NEW and latest[phase] is not PromotionPhase.ABORTED:
            versions.append(versions[-1] | {phase: PromotionPhase.PENDING})
        if latest[started] != versions[-1][started]:
            versions.append(versions[-1] | {phase: PromotionPhase.RUNNING, started: latest[started]})
        if latest != versions[-1]:
            versions.append(latest)
        self.made[promotion] = replace(self.made[promotion], versions=tuple(versions))

    def _remember_version(self, promotion: str) -> None:
        made = self.made[promotion]
        self.made[promotion] = replace(made, versions=(*made.versions, self._version(promotion)))

    def _fresh_pass(self, promotion: str) -> Passed:
        plan, scope = self.plans[promotion], self.scope(self.stage_of(promotion))
        freight = self.state[of("freight", promotion)]
        about = ((freight, self.freight[freight]),)

        def build() -> Sequence:
            return reconcile_promotion(scope, plan, promotion, about, running_clock=True, scripted=True)

        step = self._built(f"Promotion/{promotion}", (scope.stage, about, plan), build)
        record = self._run(step, self.made[promotion].of_pass)
        return NOTHING if record is None else passed(self.state[of("requeue", promotion)], record["engine_error"])

    # What people do

    def act(self, rule: Action | Sequence) -> bool:
        """Do something; whether it was possible."""
        return self._run(rule) is not None

    def write_promotion(self, promotion: str, rule: Action) -> None:
        """Somebody does something to a Promotion."""
        if self.act(rule):
            self._remember_version(promotion)

    def refresh_promotion(self, promotion: str) -> None:
        """A person asks for another look at a Promotion; the token of the request is the time, in seconds."""
        self.state[of("promotion_refresh", promotion)] = str(self.now // 1000)
        self._remember_version(promotion)

    def create_freight(self, freight: str, warehouse: str) -> None:
        """A Warehouse finds new Freight."""
        self._furnish_freight(freight, warehouse)
        self.state[of("freight_exists", freight)] = True
        self.freight_created[freight] = self.now // 1000 * 1000
        self.order_freight()

    def _furnish_freight(self, freight: str, warehouse: str) -> None:
        """Have what there is to say about a Freight, which does not exist."""
        self._declare(freight_variables(self.pipeline, freight))
        self.freight[freight] = warehouse
        self.freight_created[freight] = None
        fields = (of(f, freight, stage) for f in OF_FREIGHT_IN_STAGES for stage in self.pipeline.names)
        self.objects[Object("Freight", freight)] = itemgetter(of("freight_exists", freight), *fields)

    def delete_freight(self, freight: str) -> None:
        """A person deletes Freight."""
        self._declare(freight_variables(self.pipeline, freight))

    def promote(self, stage: str, freight: str, name: str = "") -> str | Refused:
        """A person promotes Freight to a Stage that has a template; the label of the Promotion, if it is created.

        A name that is taken is noticed last, by the API server.
        """
        before, slot = self.state, next(p for p in self.promotions[stage] if not self.state[of("used", p)])
        warehouse, actor = self.freight.get(freight), KUBECTL_USER if name else USER
        if warehouse is None or not self.act(
            people.promote(self.scope(stage), slot, freight, warehouse, actor=actor)
        ):
            self.names_made += not self.keeps(name)
            return Refused.NOT_AVAILABLE
        if self.keeps(name) and self._is_taken(name):
            self.state = before
            return Refused.NAME_TAKEN
        self._furnish_new(stage, name)
        return slot

    def may_promote(self, stage: str, freight: str) -> bool:
        """Whether Freight that exists may be promoted to a Stage."""
        asking = sequence("may it be promoted", *may_promote(self.scope(stage), freight, self.freight[freight]))
        return bool(self.ask(asking)["admissible"])

    def ask(self, step: Action | Sequence) -> Values:
        """What lives only inside something that is done and, this time, has no effect."""
        before = self.state
        record = self._run(step)
        self.state = before
        return record or dict(OF_PASSES)

    def _is_taken(self, name: str) -> bool:
        return any(self.state[of("name", p)] == name and self.phase(p) is not None for p in self.made)

    def keeps(self, name: str) -> bool:
        """Whether a name given by a person is kept."""
        return bool(name) and not self.behaviours.names_overwritten

    # What was there before

    def take_over(self, stage: str, promotions: Several[tuple[str, Plan, dict[tuple[str, ...], Any]]]) -> list[str]:
        """Have Promotions that exist already, in order of creation: of each its name, its plan, and its fields.

        Returns the slots they are in.
        """
        slots = self._add_slots(stage, len(promotions))[: len(promotions)]
        for slot, (name, plan, fields) in zip(slots, promotions, strict=True):
            self.state |= {of(f, slot, *more): v for (f, *more), v in fields.items()} | {of("used", slot): True}
            self._furnish(slot, plan, name)
        self._add_slots(stage)
        return slots

    def copy(self) -> Cluster:
        """Another cluster that is just like this one, with the same tables and passes."""
        other = copy(self)
        for name in ("state", "objects", "made", "plans", "freight", "freight_created", "_slots"):
            setattr(other, name, dict(getattr(self, name)))
        other.promotions = {stage: list(slots) for stage, slots in self.promotions.items()}
        return other

    def edit(self, spec: StageSpec) -> None:
        """A person edits a Stage."""
        self.act(self.scope(spec.name).bind(people.edit_stage))
        stages = tuple(spec if s.name == spec.name else s for s in self.pipeline.stages)
        self.pipeline = replace(self.pipeline, stages=stages)

    def remember_passes(self) -> None:
        """Know what comes of passes over Stages, which is worth it where things go on in several ways."""
        self._known = KnownPasses()

    # Machinery

    def _built(self, item: str, about: Hashable, build: Callable[[], Sequence]) -> Sequence:
        """The pass over an item, built anew if what it is built for is not what it was."""
        known = self._passes.get(item)
        if known is None or known[0] != about:
            known = self._passes[item] = (about, build())
        return known[1]

    def _declare(self, variables: Iterable[Variable]) -> None:
        self.state |= {v.name: v.initial[0] for v in variables}

    def order_freight(self) -> None:
        """Put the Freight of each Warehouse in order of age; what is still to come is the newest."""
        created = {f: at for f, at in self.freight_created.items() if at is not None}
        to_come = [f for f in self.freight if f not in created]
        ages: list[tuple[str, tuple[str, ...]]] = []
        for warehouse in self.pipeline.warehouses:
            dated = (Dated(f, at) for f, at in created.items() if self.freight[f] == warehouse)
            later = (f for f in to_come if self.freight[f] == warehouse)
            ages.append((warehouse, (*oldest_first(dated, self.behaviours), *later)))
        self._ages = tuple(ages)

    def _add_slots(self, stage: str, most: int = 1) -> list[str]:
        """Keep at least as many free slots as one pass can fill, and put all slots in order, the free ones last."""
        slots, needed = self.promotions[stage], max(most, len(self.pipeline.warehouses))
        free = [p for p in slots if not self.state[of("used", p)]]
        if len(free) < needed:
            new = [f"{stage}#{n}" for n in range(len(slots) + 1, len(slots) + needed - len(free) + SPARE)]
            for slot in new:
                self.state |= {of(f, slot): v for f, v in OF_PROMOTIONS.items()}
                self.state |= {of("phase", slot): None, of("promotion_refresh", slot): ""}
                self.state |= {of("carried", slot, w): None for w in self.pipeline.warehouses}
            slots += new
            free += new
        used = slots[: len(slots) - len(free)]
        by_name = sorted(used, key=lambda p: str(self.state[of("name", p)]))
        by_age = sorted(used, key=lambda p: (self.state[of("created", p)], self.state[of("name", p)]))
        self._slots[stage] = ((*by_name, *free), (*by_age, *free))
        return free

    def _furnish_new(self, stage: str, name: str = "") -> None:
        """Name and furnish the Promotions that were just created."""
        spec = self.pipeline.stage(stage)
        new = [p for p in self.promotions[stage] if p not in self.made and self.state[of("used", p)]]
        for slot in new:
            given = name if self.keeps(name) else self._generate(stage, slot)
            self._furnish(slot, self.plan_of(spec, int(slot.rpartition("#")[2])), given)
        if new:
            self._add_slots(stage)

    def _furnish(self, slot: str, plan: Plan, name: str) -> None:
        """Have what there is to say about a Promotion that exists."""
        variables = tuple(promotion_variables(self.pipeline, slot, plan))
        for v in (*variables, *scripted_variables(slot, plan)):
            self.state.setdefault(v.name, v.initial[0])
        self.state[of("name", slot)] = name
        names = [v.name for v in variables]
        no_object, no_status = ({of(f, slot) for f in fields} for fields in (NO_OBJECT, NO_STATUS))
        stored = (n for n in names if n not in no_object)
        self.objects[Object("Promotion", slot)] = itemgetter(*stored, of("promotion_refresh", slot))
        self.plans[slot] = plan
        self.made[slot] = Made(
            actor=self.state[of("actor", slot)],
            created=self.state[of("created", slot)],
            status=tuple(n for n in names if n not in no_status),
            of_pass=inside_passes(plan),
            versions=(),
        )
        self._remember_version(slot)

    def _generate(self, stage: str, slot: str) -> str:
        self.names_made += 1
        return generated_name(stage, self.now, self.names_made, self.state[of("freight", slot)])

    def _run(self, step: Action | Sequence, more: State | None = None) -> Values | None:
        """Do something; what lived only inside it, None if it was not possible."""
        inside = {**OF_PASSES, **(more or {})}
        ways = run(step, {**self.state, **inside}, self.tables)
        if len(ways) > 1:
            raise ModelError(f"{step.name} should go one way and goes {len(ways)} ways")
        if not ways:
            return None
        _, scope = ways[0]
        record = {name: scope.pop(name) for name in inside}
        self.state = scope
        return record
