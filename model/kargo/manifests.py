"""Kargo's manifests and live objects, as values.

What is read is what the custom resource definitions declare, for the fields that the model uses, and refused is
what the API server refuses of them. A field that is not declared is dropped by the API server, and so it is here,
with a warning. A field that is null is absent.

Source: `api/v1alpha1`, `charts/kargo/resources/crds`
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import BinaryIO

from model.documents import DEFAULT_LIMITS, Document, InputError, Limits, printable, read
from model.fields import Field, InputWarning, similar
from model.kargo.durations import parse_duration
from model.kargo.manifest_types import (
    Manifests,
    Promotion,
    RequestedFreight,
    Retry,
    Stage,
    Step,
    Task,
    TaskRef,
    Vars,
)

API_GROUP = "kargo.akuity.io"
API_VERSION = "kargo.akuity.io/v1alpha1"
AN_OBJECT = "a Kubernetes object with apiVersion and kind"

TASK_KINDS = ("PromotionTask", "ClusterPromotionTask")
USED_KINDS = ("Stage", "Promotion", *TASK_KINDS)
OTHER_KINDS = (
    "ClusterConfig",
    "Freight",
    "Project",
    "ProjectConfig",
    "PromotionRequest",
    "Target",
    "Warehouse",
)


def load(
    paths: Iterable[str | Path], *, stdin: BinaryIO | None = None, limits: Limits = DEFAULT_LIMITS
) -> Manifests:
    """The manifests in the files at `paths`; `-` is standard input.

    Raises InputError if something cannot be read or used.
    """
    return read_manifests(read(paths, stdin=stdin, limits=limits, skip=("managedFields",)))


def read_manifests(documents: Iterable[Document]) -> Manifests:
    """The Stages, Promotions and tasks in `documents`, also those in lists. Other objects are left alone.

    Raises InputError if one of them is not as Kargo's API declares it, or if there is none at all.
    """
    reader = Reader()
    for document in documents:
        reader.read(Field(document, document.root))
    if not (reader.stages or reader.promotions or reader.tasks):
        raise _nothing_usable(reader)
    return Manifests(tuple(reader.stages), tuple(reader.promotions), tuple(reader.tasks), tuple(reader.warnings))


def read_steps(template: Field) -> tuple[tuple[Step, ...], tuple[InputWarning, ...]]:
    """The steps of a promotion template on its own, and what is passed over in them.

    Raises InputError if they are not as Kargo's API declares them.
    """
    reader = Reader()
    return reader.steps(template), tuple(reader.warnings)


def _nothing_usable(reader: Reader) -> InputError:
    wanted = "expected a Stage, Promotion, PromotionTask or ClusterPromotionTask"
    if not reader.others:
        return InputError(f"{wanted}, found no object at all")
    first, name = reader.others[0]
    more = f" and {len(reader.others) - 1} more that cannot be used" if len(reader.others) > 1 else ""
    return first.wrong(f"{wanted} ({API_VERSION}), found {name}{more}")


def kind_of(obj: Field, item_of: tuple[str, str] = ("", "")) -> tuple[str, str]:
    """The version and the kind of an object; `item_of` are those that items of a typed list may leave out.

    Raises InputError if it has none.
    """
    version, kind = (
        found.text() if (found := obj.get(name, AN_OBJECT)) else default
        for name, default in zip(("apiVersion", "kind"), item_of, strict=True)
    )
    if not version or not kind:
        missing = "apiVersion" if not version else "kind"
        raise obj.wrong(f"the field {missing!r} is missing; expected {AN_OBJECT}")
    return version, kind


class Reader:
    """Sorts objects by kind and collects what it meets."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self.promotions: list[Promotion] = []
        self.tasks: list[Task] = []
        self.warnings: list[InputWarning] = []
        self.others: list[tuple[Field, str]] = []

    def read(self, obj: Field, item_of: tuple[str, str] = ("", "")) -> None:
        """Take in an object; `item_of` are the version and kind that items of a typed list may leave out."""
        version, kind = kind_of(obj, item_of)
        ours = version == API_VERSION
        if kind.endswith("List") and (ours or version == "v1") and "items" in obj.mapping(AN_OBJECT):
            inner = (version, kind.removesuffix("List")) if ours else ("", "")
            for item in obj.need("items", "a list of objects").items("a list of objects"):
                self.read(item, inner)
        elif ours and kind in USED_KINDS:
            self.take(kind, obj)
        else:
            self.leave(version, kind, obj)

    def take(self, kind: str, obj: Field) -> None:
        """Take in an object that the model uses."""
        self.known(obj, ("apiVersion", "kind", "metadata", "spec", "status"), only_similar=True)
        if kind == "Stage":
            self.stages.append(self.stage(obj))
        elif kind == "Promotion":
            self.promotions.append(self.promotion(obj))
        else:
            self.tasks.append(self.task(kind, obj))

    def leave(self, version: str, kind: str, obj: Field) -> None:
        """Leave an object alone, with a warning if it looks like one that was meant to be used."""
        self.others.append((obj, f"{printable(kind)} ({printable(version)})"))
        if version.split("/")[0] != API_GROUP or kind in OTHER_KINDS:
            return
        meant = similar(kind, USED_KINDS)
        hint = f'; is "{meant}" of {API_VERSION} meant?' if meant else ""
        text = f"{printable(kind)} ({printable(version)}) is no known kind and is ignored{hint}"
        self.warnings.append(InputWarning(obj.place, text))

    def known(self, fields: Field, names: Collection[str], *, only_similar: bool = False) -> None:
        """Warn of fields that are none of `names`."""
        self.warnings.extend(fields.unknown(names, only_similar=only_similar))

    def stage(self, obj: Field) -> Stage:
        """A Stage. Source: `StageSpec`, `PromotionTemplateSpec`."""
        name, namespace = _identity(obj)
        spec = obj.need("spec", "the Stage's specification")
        self.known(
            spec,
            ("promotionTemplate", "requestedFreight", "shard", "targets", "vars", "verification"),
            only_similar=True,
        )
        what = "a list of at least one request for Freight"
        requested = tuple(self.requested(r) for r in spec.need("requestedFreight", what).items(what))
        if not requested:
            raise spec.need("requestedFreight", what).expected(what)
        template_vars: Vars = ()
        steps: tuple[Step, ...] = ()
        if template := spec.get("promotionTemplate"):
            self.known(template, ("metadata", "spec"), only_similar=True)
            inner = template.need("spec", "the specification of the promotion template")
            self.known(inner, ("steps", "vars"))
            template_vars = self.vars(inner)
            steps = self.steps(inner) if inner.get("steps") else ()
            for step in steps:
                _check_template_step(step)
        return Stage(name, namespace, self.vars(spec), template_vars, steps, requested, obj.place)

    def requested(self, request: Field) -> RequestedFreight:
        """A request for Freight."""
        what = "a request for Freight (a mapping with origin and sources)"
        request.mapping(what)
        self.known(request, ("origin", "sources"), only_similar=True)
        origin = request.need("origin", "the Warehouse the Freight comes from")
        _one_of(origin.need("kind", "Warehouse"), ("Warehouse",))
        sources = request.need("sources", "where the Freight is taken from (direct, or stages)")
        self.known(
            sources,
            ("autoPromotionOptions", "availabilityStrategy", "direct", "requiredSoakTime", "stages"),
            only_similar=True,
        )
        stages = sources.get("stages")
        direct = sources.get("direct")
        soak = sources.get("requiredSoakTime")
        strategy = sources.get("availabilityStrategy")
        options = sources.get("autoPromotionOptions")
        policy = options.get("selectionPolicy") if options else None
        return RequestedFreight(
            warehouse=origin.need("name", "the name of a Warehouse").text("the name of a Warehouse"),
            direct=direct.flag() if direct else False,
            stages=tuple(s.text("the name of a Stage") for s in stages.items("a list of names of Stages"))
            if stages
            else (),
            required_soak_ms=_duration(soak, _SOAK_TIME) if soak else 0,
            availability_strategy=_one_of(strategy, ("All", "OneOf", "")) if strategy else "",
            selection_policy=_one_of(policy, ("NewestFreight", "MatchUpstream")) if policy else "",
        )

    def promotion(self, obj: Field) -> Promotion:
        """A Promotion. Source: `PromotionSpec`."""
        name, namespace = _identity(obj)
        spec = obj.need("spec", "the Promotion's specification")
        self.known(spec, ("freight", "origin", "stage", "steps", "target", "vars"), only_similar=True)
        freight = spec.get("freight")
        status = obj.get("status")
        stored = bool(status and status.mapping("the Promotion's status")) or bool(_metadata(obj).get("uid"))
        return Promotion(
            name=name,
            namespace=namespace,
            stage=spec.need("stage", "the name of a Stage").text("the name of a Stage"),
            freight=freight.text("the name of a piece of Freight") if freight else "",
            vars=self.vars(spec),
            steps=self.steps(spec) if spec.get("steps") else (),
            stored=stored,
            place=obj.place,
        )

    def task(self, kind: str, obj: Field) -> Task:
        """A PromotionTask or ClusterPromotionTask. Source: `PromotionTaskSpec`."""
        name, namespace = _identity(obj)
        spec = obj.need("spec", f"the {kind}'s specification")
        self.known(spec, ("steps", "vars"))
        steps = self.steps(spec)
        for step in steps:
            if step.task is not None or not step.uses:
                raise InputError(
                    "a step of a task must say what it uses, and must not refer to another task", step.place
                )
        namespace = "" if kind == "ClusterPromotionTask" else namespace
        return Task(kind, name, namespace, self.vars(spec), steps, obj.place)

    def vars(self, of: Field) -> Vars:
        """The variables of a step, a Stage, ... Source: `ExpressionVariable`."""
        found = of.get("vars")
        return tuple(self.var(v) for v in found.items("a list of variables")) if found else ()

    def var(self, var: Field) -> tuple[str, str]:
        """One variable."""
        var.mapping("a variable (a mapping with name and value)")
        self.known(var, ("name", "value"))
        name = var.need("name", "the name of a variable")
        if not _VARIABLE.fullmatch(name.text("the name of a variable")):
            raise name.expected("the name of a variable (letters, digits and _, not beginning with a digit)")
        value = var.get("value")
        return name.text(), value.text("a text, as all values of variables are") if value else ""

    def steps(self, of: Field) -> tuple[Step, ...]:
        """The steps of a template, task or Promotion: at least one."""
        what = "a list of at least one step"
        found = of.need("steps", what)
        steps = tuple(self.step(step) for step in found.items(what))
        if not steps:
            raise found.expected(what)
        return steps

    def step(self, step: Field) -> Step:
        """One step."""
        step.mapping("a step (a mapping with uses or task)")
        known = ("as", "config", "continueOnError", "if", "retry", "task", "uses", "vars")
        self.known(step, known)
        given = {name: found for name in known if (found := step.get(name))}
        if "uses" not in given and "task" not in given:
            raise step.wrong("the step says neither what it uses nor which task it stands for")
        uses = given["uses"].text("the kind of a step") if "uses" in given else ""
        if "uses" in given and not uses:
            raise given["uses"].expected("the kind of a step")
        condition = 'an expression in quotes, such as "${{ failure() }}"'
        return Step(
            uses=uses,
            task=self.task_ref(given["task"]) if "task" in given else None,
            alias=given["as"].text("an alias") if "as" in given else "",
            condition=given["if"].text(condition) if "if" in given else "",
            continue_on_error=given["continueOnError"].flag() if "continueOnError" in given else False,
            retry=self.retry(given["retry"]) if "retry" in given else None,
            vars=self.vars(step),
            config=given["config"].json() if "config" in given else None,
            given=frozenset(given),
            place=step.place,
        )

    def task_ref(self, ref: Field) -> TaskRef:
        """A reference to a task."""
        ref.mapping("a reference to a task (a mapping with name and kind)")
        self.known(ref, ("kind", "name"))
        name = ref.need("name", "the name of a task")
        if not (len(name.text("the name of a task")) <= 253 and _RESOURCE.fullmatch(name.text())):
            raise name.expected("the name of a task (lower case letters, digits, - and .)")
        kind = ref.get("kind")
        return TaskRef(name.text(), _one_of(kind, TASK_KINDS) if kind else "PromotionTask")

    def retry(self, retry: Field) -> Retry:
        """A retry policy."""
        retry.mapping("a retry policy (a mapping with timeout and errorThreshold)")
        self.known(retry, ("errorThreshold", "timeout"))
        timeout, threshold = retry.get("timeout"), retry.get("errorThreshold")
        return Retry(
            _duration(timeout) if timeout else None, threshold.whole(0, _LARGEST_INT32) if threshold else None
        )


_LARGEST_INT32 = 2**31 - 1
_VARIABLE = re.compile(r"[a-zA-Z_][0-9A-Za-z_]*")
_RESOURCE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SOAK_TIME = re.compile(r"([0-9]+(\.[0-9]+)?(s|m|h))+")


def _metadata(obj: Field) -> Field:
    return obj.need("metadata", "the object's metadata")


def _identity(obj: Field) -> tuple[str, str]:
    metadata = _metadata(obj)
    name = metadata.get("name") or metadata.get("generateName")
    if name is None or not name.text("a name"):
        raise (name or metadata).wrong("the object has no name; expected metadata.name")
    namespace = metadata.get("namespace")
    return name.text(), namespace.text("the name of a namespace") if namespace else ""


def _check_template_step(step: Step) -> None:
    """Refuse what the definition and the webhook of Stages refuse of a step that stands for a task.

    Source: `PromotionTemplateSpec`, `webhook.validatePromotionStepTaskRefs`
    """
    if step.task is None:
        return
    if step.uses:
        raise InputError("a step either uses something or stands for a task, not both", step.place)
    for name in ("continueOnError", "retry", "if", "config"):
        if name in step.given and (name != "if" or step.condition):
            raise InputError(f"a step that stands for a task cannot have {name!r}", step.place)


def _one_of(value: Field, choices: Collection[str]) -> str:
    text = value.node.value
    if text not in choices:
        raise value.expected(" or ".join(c or "an empty text" for c in choices))
    return str(text)


def _duration(value: Field, pattern: re.Pattern[str] | None = None) -> int:
    what = 'a duration such as "90s", "5m" or "1h30m"'
    text = value.text(what)
    if pattern and not pattern.fullmatch(text):
        raise value.expected(what)
    try:
        return parse_duration(text)
    except ValueError as error:
        raise value.wrong(f'"{printable(text)}" is {error}') from None
