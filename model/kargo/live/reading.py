"""The door for live objects: documents become values, and what cannot be used of them is said.

Objects come in any order, one by one or in lists, with whatever other fields they have. One that is not as it
should be is left out, and is a problem of its own: it does not hide the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, TypeVar

from model.fields import Field, InputWarning
from model.inputs import Document, InputError
from model.kargo.annotations import abort_promotion_request, abort_verification_request, reverify_request
from model.kargo.argocd.applications import Key
from model.kargo.auto_promotion import PromotionPolicy
from model.kargo.availability import Verified
from model.kargo.durations import parse_duration
from model.kargo.label_selectors import Expression, Operator, Selector
from model.kargo.live.applications import checked_applications, read_application
from model.kargo.live.objects import (
    Live,
    LiveApplication,
    LiveFreight,
    LiveProject,
    LivePromotion,
    LiveRun,
    LiveStage,
)
from model.kargo.live.statuses import VERIFICATION_PHASE, promotion_status, stage_status
from model.kargo.live.values import flag, instant, items, phase, text, texts, warehouse, whole
from model.kargo.manifest_types import Task
from model.kargo.manifests import AN_OBJECT, API_VERSION, TASK_KINDS, Reader, kind_of
from model.kargo.phases import VerificationPhase
from model.kargo.requests import FreightRequest

ARGO_VERSION = "argoproj.io/v1alpha1"
FINALIZER = "kargo.akuity.io/finalizer"
STAGE_LABEL = "kargo.akuity.io/stage"
SKIPPED = ("managedFields", "output")
"""Keys whose values nobody reads here: bookkeeping, and what health checks found."""

T = TypeVar("T")


def read_live(documents: Iterable[Document], problems: Iterable[InputError] = ()) -> Live:
    """The live objects in `documents`; `problems` are those that somebody had who gathered them.

    Raises InputError if there is no Stage and no Promotion among them that can be used.
    """
    reader = LiveReader()
    reader.problems += problems
    for document in documents:
        reader.read(Field(document, document.root))
    return reader.result()


class LiveReader:
    """Sorts objects by kind and namespace, and collects what it meets."""

    def __init__(self) -> None:
        self.specs = Reader()
        self.problems: list[InputError] = []
        self.kinds: set[str] = set()
        self.stages: dict[tuple[str, str], LiveStage] = {}
        self.promotions: dict[tuple[str, str], LivePromotion] = {}
        self.freight: dict[tuple[str, str], LiveFreight] = {}
        self.warehouses: dict[tuple[str, str], str] = {}
        self.runs: dict[tuple[str, str], LiveRun] = {}
        self.applications: dict[tuple[str, str], LiveApplication] = {}
        self.tasks: dict[tuple[str, str], Task] = {}
        self.policies: dict[str, tuple[PromotionPolicy, ...]] = {}
        self.warnings: list[InputWarning] = []
        self.traits: set[str] = set()
        self.left_out: dict[str, set[tuple[str, str]]] = defaultdict(set)

    def read(self, obj: Field, item_of: tuple[str, str] = ("", "")) -> None:
        """Take in an object; `item_of` are the version and kind that items of a typed list may leave out."""
        try:
            self._read(obj, item_of)
        except InputError as error:
            self.problems.append(error)
            self._leave_out(obj, item_of)

    def _leave_out(self, obj: Field, item_of: tuple[str, str]) -> None:
        """Note which object it is that cannot be used, if that can be read."""
        try:
            kind = kind_of(obj, item_of)[1]
            _, name, namespace = _identity(obj)
        except InputError:
            return
        self.left_out[namespace].add((kind, name))

    def _read(self, obj: Field, item_of: tuple[str, str]) -> None:
        version, kind = kind_of(obj, item_of)
        if kind.endswith("List") and "items" in obj.mapping(AN_OBJECT):
            inner = ("", "") if version == "v1" else (version, kind.removesuffix("List"))
            for item in items(obj, "items", "a list of objects"):
                self.read(item, inner)
            return
        take = _TAKEN.get((version, kind))
        if take is not None:
            self.kinds.add(kind)
            take(self, obj)

    def _keep(self, found: dict[tuple[str, str], T], key: tuple[str, str], value: T, obj: Field) -> None:
        """Keep an object; of two with one name the later counts."""
        if key in found:
            self.warnings.append(InputWarning(obj.place, "this object was given before; this one counts"))
        found[key] = value

    # Kargo's kinds

    def stage(self, obj: Field) -> None:
        """A Stage."""
        spec = obj.need("spec", "the Stage's specification")
        found = self.specs.stage(obj)
        meta = obj.need("metadata", "the object's metadata")
        notes = dict(texts(meta, "annotations", "an annotation"))
        finalizers = [f.text() for f in items(meta, "finalizers", "a list of finalizers")]
        status = obj.get("status")
        stage = LiveStage(
            name=found.name,
            namespace=found.namespace,
            requests=tuple(_requests(spec, self.specs)),
            steps=found.steps,
            vars=found.vars + found.template_vars,
            verification=spec.get("verification") is not None,
            labels=texts(meta, "labels", "a label"),
            generation=whole(meta, "generation", 1),
            created=instant(meta, "creationTimestamp"),
            deleted=instant(meta, "deletionTimestamp"),
            finalizer=FINALIZER in finalizers,
            refresh=notes.get("kargo.akuity.io/refresh", ""),
            reverify=reverify_request(notes),
            abort_verification=abort_verification_request(notes),
            **(stage_status(status) if status else {}),
            place=obj.place,
        )
        if stage.holds or stage.effective_holds:
            self.traits.add("status.autoPromotionHolds of a Stage")
        self._keep(self.stages, (stage.namespace, stage.name), stage, obj)

    def promotion(self, obj: Field) -> None:
        """A Promotion."""
        found = self.specs.promotion(obj)
        meta = obj.need("metadata", "the object's metadata")
        notes = dict(texts(meta, "annotations", "an annotation"))
        status = obj.get("status")
        promotion = LivePromotion(
            name=found.name,
            namespace=found.namespace,
            stage=found.stage,
            freight=found.freight,
            created=instant(meta, "creationTimestamp") or 0,
            steps=found.steps,
            vars=found.vars,
            actor=notes.get("kargo.akuity.io/create-actor", ""),
            abort=abort_promotion_request(notes),
            refresh=notes.get("kargo.akuity.io/refresh", ""),
            hold=warehouse(notes.get("kargo.akuity.io/auto-promotion-hold", "")),
            resume=warehouse(notes.get("kargo.akuity.io/auto-promotion-resume", "")),
            **(promotion_status(status) if status else {}),
            uid=text(meta, "uid"),
            place=obj.place,
        )
        if STAGE_LABEL in notes:
            self.traits.add(f"the annotation {STAGE_LABEL} of a Promotion")
        self._keep(self.promotions, (promotion.namespace, promotion.name), promotion, obj)

    def a_freight(self, obj: Field) -> None:
        """A Freight."""
        meta, name, namespace = _identity(obj)
        origin = obj.need("origin", "the Warehouse the Freight comes from")
        status = obj.get("status")
        freight = LiveFreight(
            name=name,
            namespace=namespace,
            warehouse=origin.need("name", "the name of a Warehouse").text("the name of a Warehouse"),
            created=instant(meta, "creationTimestamp") or 0,
            alias=text(obj, "alias"),
            discovered=instant(obj, "discoveredAt"),
            since=_instants(status, "currentlyIn", "since"),
            verified=tuple(_verified(status)) if status else (),
            approved=_instants(status, "approvedFor", "approvedAt"),
            place=obj.place,
        )
        if freight.discovered is not None:
            self.traits.add("discoveredAt of a Freight")
        self._keep(self.freight, (namespace, name), freight, obj)

    def warehouse(self, obj: Field) -> None:
        """A Warehouse: that there is one."""
        _, name, namespace = _identity(obj)
        self._keep(self.warehouses, (namespace, name), name, obj)

    def project(self, obj: Field) -> None:
        """A Project: what it says about auto-promotion only releases read that are older than those modelled."""
        _identity(obj)
        spec = obj.get("spec")
        if spec is not None and (found := spec.get("promotionPolicies")) is not None:
            text = "promotion policies of a Project count for nothing; those of the ProjectConfig do"
            self.warnings.append(InputWarning(found.place, text))

    def project_config(self, obj: Field) -> None:
        """A ProjectConfig: the policies of auto-promotion."""
        _, name, namespace = _identity(obj)
        spec = obj.get("spec")
        self.policies[namespace or name] = _policies(spec) if spec else ()

    def task(self, obj: Field) -> None:
        """A PromotionTask or ClusterPromotionTask."""
        task = self.specs.task(obj.need("kind", "a kind").text(), obj)
        self._keep(self.tasks, (task.namespace, f"{task.kind}/{task.name}"), task, obj)

    # Argo's kinds

    def run(self, obj: Field) -> None:
        """An AnalysisRun, if it is one of a Stage."""
        meta, name, namespace = _identity(obj)
        stage = dict(texts(meta, "labels", "a label")).get(STAGE_LABEL, "")
        if not stage:
            return
        owners = items(meta, "ownerReferences", "a list of owners")
        status, spec = obj.get("status"), obj.get("spec")
        run = LiveRun(
            name=name,
            namespace=namespace,
            stage=stage,
            freight=tuple(sorted(text(o, "name") for o in owners if text(o, "kind") == "Freight")),
            phase=phase(status, "phase", VerificationPhase, VERIFICATION_PHASE)
            if status
            else VerificationPhase(""),
            created=instant(meta, "creationTimestamp") or 0,
            completed=_completed(status) if status else None,
            message=text(status, "message") if status else "",
            terminate=flag(spec, "terminate") if spec else False,
            promotion=dict(texts(meta, "annotations", "an annotation")).get("kargo.akuity.io/promotion", ""),
            place=obj.place,
        )
        self._keep(self.runs, (namespace, name), run, obj)

    def application(self, obj: Field) -> None:
        """An Argo CD Application."""
        meta, name, namespace = _identity(obj)
        stage = dict(texts(meta, "annotations", "an annotation")).get("kargo.akuity.io/authorized-stage", "")
        application = LiveApplication(read_application(obj, Key(namespace, name), stage), stage, obj.place)
        self._keep(self.applications, (namespace, name), application, obj)

    # All together

    def result(self) -> Live:
        """Everything, project by project.

        Raises InputError if no Stage and no Promotion can be used: the first problem, if there is one.
        """
        if not self.stages and not self.promotions:
            if self.problems:
                raise self.problems[0]
            raise InputError("expected a Stage or a Promotion of a live cluster, found neither")
        names = sorted({namespace for namespace, _ in (*self.stages, *self.promotions)})
        projects = self._projects(names)
        newest = max((i for p in projects for i in instants_of(p)), default=None)
        warnings = (*self.specs.warnings, *self.warnings)
        kinds, traits = frozenset(self.kinds), frozenset(self.traits)
        return Live(projects, tuple(self.problems), warnings, kinds, newest, traits)

    def _projects(self, names: list[str]) -> tuple[LiveProject, ...]:
        by_kind = [
            _by_namespace(found)
            for found in (self.stages, self.promotions, self.freight, self.warehouses, self.runs)
        ]
        kinds, tasks = frozenset(self.kinds), _by_namespace(self.tasks)
        applications: tuple[LiveApplication, ...] = tuple(self.applications.values())
        found: list[LiveProject] = []
        for name in names:
            stages, promotions, freight, warehouses, runs = (tuple(kind.get(name, ())) for kind in by_kind)
            policies = self.policies.get(name)
            checked = {key for stage in stages for key in checked_applications(stage)}
            mine = tuple(
                a for a in applications if a.stage.partition(":")[0] == name or a.application.key in checked
            )
            project = LiveProject(
                name,
                stages,
                promotions,
                freight,
                warehouses,
                runs,
                policies,
                (*tasks.get(name, ()), *(tasks.get("", ()) if name else ())),
                mine,
                kinds,
                frozenset(self.left_out[name]),
            )
            found.append(project)
        return tuple(found)


def _by_namespace(found: dict[tuple[str, str], T]) -> dict[str, list[T]]:
    by_namespace: dict[str, list[T]] = defaultdict(list)
    for (namespace, _), value in found.items():
        by_namespace[namespace].append(value)
    return by_namespace


def _identity(obj: Field) -> tuple[Field, str, str]:
    meta = obj.need("metadata", "the object's metadata")
    name = meta.need("name", "the name of the object").text("a name")
    return meta, name, text(meta, "namespace")


def _requests(spec: Field, reader: Reader) -> Iterable[FreightRequest]:
    seen: set[str] = set()
    for request in items(spec, "requestedFreight", "a list of requests for Freight"):
        found = reader.requested(request)
        if found.warehouse in seen:
            raise request.wrong("two requests are for one Warehouse")
        seen.add(found.warehouse)
        soak = request.need("sources", "where the Freight is taken from").get("requiredSoakTime")
        yield FreightRequest(
            found.warehouse,
            found.direct,
            found.stages,
            found.availability_strategy,
            None if soak is None else found.required_soak_ms,
            found.selection_policy,
        )


def _instants(status: Field | None, name: str, field: str) -> tuple[tuple[str, int], ...]:
    found = status.get(name) if status else None
    if found is None:
        return ()
    stages = ((s, found.get(s)) for s in found.mapping("a mapping from Stages"))
    # One that says nothing, as releases before 1.2 left it, counts as having been there for ever.
    return tuple((s, (instant(at, field) or 0) if at else 0) for s, at in stages)


def _verified(status: Field) -> Iterable[tuple[str, Verified]]:
    found = status.get("verifiedIn")
    for stage in found.mapping("a mapping from Stages") if found else ():
        entry = found.get(stage) if found else None
        soak = entry.get("longestSoak") if entry else None
        longest = None
        if soak is not None:
            try:
                longest = parse_duration(soak.text("a duration"))
            except ValueError:
                raise soak.expected('a duration such as "5m"') from None
        yield stage, Verified((instant(entry, "verifiedAt") or 0) if entry else 0, longest)


def _completed(status: Field) -> int | None:
    """When an AnalysisRun was over; older ones only say so of their measurements.

    Source: `rollouts: AnalysisRunStatus.CompletedAt`
    """
    if (at := instant(status, "completedAt")) is not None:
        return at
    measured = (
        instant(m, "finishedAt")
        for result in items(status, "metricResults", "a list of results")
        for m in items(result, "measurements", "a list of measurements")
    )
    return max((at for at in measured if at is not None), default=None)


def _policies(spec: Field) -> tuple[PromotionPolicy, ...]:
    return tuple(_policy(p) for p in items(spec, "promotionPolicies", "a list of promotion policies"))


def _policy(policy: Field) -> PromotionPolicy:
    enabled, selector = flag(policy, "autoPromotionEnabled"), policy.get("stageSelector")
    if selector is None:
        return PromotionPolicy(enabled, text(policy, "stage", "the name of a Stage"))
    expressions = (_expression(e) for e in items(selector, "matchExpressions", "a list of expressions"))
    labels = Selector(texts(selector, "matchLabels", "a label"), tuple(expressions))
    return PromotionPolicy(enabled, text(selector, "name", "a pattern for the name of a Stage"), labels)


def _expression(found: Field) -> Expression:
    operator = found.need("operator", "an operator such as In")
    try:
        kind = Operator(operator.text("an operator"))
    except ValueError:
        raise operator.expected(" or ".join(Operator)) from None
    values = tuple(v.text() for v in items(found, "values", "a list of values"))
    return Expression(found.need("key", "a label").text("a label"), kind, values)


def instants_of(project: LiveProject) -> Iterator[int]:
    """Every instant at which something happened, as the objects of a project tell it."""
    found = chain(
        (i for p in project.promotions for i in _of_promotion(p)),
        (i for s in project.stages for i in _of_stage(s)),
        (i for f in project.freight for i in (f.created, f.discovered)),
        (at for f in project.freight for _, at in (*f.since, *f.approved)),
        (v.at_ms for f in project.freight for _, v in f.verified),
        (i for r in project.runs for i in (r.created, r.completed)),
    )
    return (i for i in found if i is not None)


def _of_promotion(promotion: LivePromotion) -> Iterator[int | None]:
    yield from (promotion.created, promotion.started, promotion.finished)
    yield from (i for step in promotion.metadata for i in (step.started, step.finished))


def _of_stage(stage: LiveStage) -> Iterator[int | None]:
    yield from (stage.created, stage.deleted, stage.last.finished if stage.last else None)
    yield from (i for e in stage.history for v in e.verifications for i in (v.started, v.finished))


Take = Callable[[LiveReader, Field], Any]

_TAKEN: dict[tuple[str, str], Take] = {
    (API_VERSION, "Stage"): LiveReader.stage,
    (API_VERSION, "Promotion"): LiveReader.promotion,
    (API_VERSION, "Freight"): LiveReader.a_freight,
    (API_VERSION, "Warehouse"): LiveReader.warehouse,
    (API_VERSION, "Project"): LiveReader.project,
    (API_VERSION, "ProjectConfig"): LiveReader.project_config,
    **{(API_VERSION, kind): LiveReader.task for kind in TASK_KINDS},
    (ARGO_VERSION, "AnalysisRun"): LiveReader.run,
    (ARGO_VERSION, "Application"): LiveReader.application,
}
