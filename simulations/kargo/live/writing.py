"""A cluster of the model as live objects: what `kubectl get -o yaml` would print of it.

What only reports show, and what the model does not have, is left out: resource versions, images. The uids of
Promotions are numbers, in order of creation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from model.kargo.durations import format_duration
from model.kargo.live.reading import ARGO_VERSION, FINALIZER, STAGE_LABEL
from model.kargo.live.values import instant_text
from model.kargo.loop.pipeline import StageSpec
from model.kargo.loop.values import CONDITIONS, Asked, Hold, Note, Verification, of
from model.kargo.manifests import API_VERSION
from model.kargo.requests import FreightRequest
from model.kargo.templates import StepSpec
from simulations.kargo.loop.cluster import Cluster

Json = dict[str, Any]


def manifests(cluster: Cluster) -> Json:
    """All objects of a cluster, as a List."""
    return {"apiVersion": "v1", "kind": "List", "items": list(Writer(cluster).objects())}


def filled(found: Json) -> Json:
    """Without what is empty, as Kubernetes leaves it out."""
    return {key: value for key, value in found.items() if value not in (None, "", 0, False, [], {}, ())}


class Writer:
    """Writes the objects of a cluster, one after the other."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.state = cluster.state
        self.project = cluster.pipeline.project

    def objects(self) -> Iterator[Json]:
        """Every object that exists."""
        pipeline = self.cluster.pipeline
        yield self._object("ProjectConfig", self.project, {"spec": self._policies()})
        for warehouse in pipeline.warehouses:
            yield self._object("Warehouse", warehouse, {})
        for stage in pipeline.stages:
            if self.state[of("stage_exists", stage.name)]:
                yield self._stage(stage)
            yield from self._runs(stage.name)
            yield from (self._promotion(slot, stage.name) for slot in self.cluster.existing(stage.name))
        yield from (
            self._freight(name) for name in sorted(self.cluster.freight) if self.cluster.exists_freight(name)
        )

    def _object(self, kind: str, name: str, rest: Json, **meta: Any) -> Json:
        metadata = filled({"name": name, "namespace": self.project, **meta})
        version = ARGO_VERSION if kind == "AnalysisRun" else API_VERSION
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}

    def _policies(self) -> Json:
        stages = [(s, self.state[of("policy", s)]) for s in self.cluster.pipeline.names]
        found = [
            {"stageSelector": {"name": s}, "autoPromotionEnabled": enabled}
            for s, enabled in stages
            if enabled is not None
        ]
        return {"promotionPolicies": found}

    # Stages

    def _stage(self, spec: StageSpec) -> Json:
        def its(field: str) -> Any:
            return self.state[of(field, spec.name)]

        notes = {
            "kargo.akuity.io/refresh": its("refresh"),
            "kargo.akuity.io/reverify": self._asked(its("reverify"), spec.name),
            "kargo.akuity.io/abort": self._asked(its("abort_verification"), spec.name),
        }
        return self._object(
            "Stage",
            spec.name,
            {"spec": self._spec(spec), "status": filled(dict(self._status(spec.name)))},
            annotations=filled(notes),
            generation=its("generation"),
            finalizers=[FINALIZER] if its("finalizer") else [],
            deletionTimestamp=instant_text(self.cluster.now) if its("deleting") else None,
        )

    def _asked(self, asked: Asked | None, stage: str) -> str:
        if asked is None:
            return ""
        control_plane = str(asked.control_plane).lower()
        return f'{{"id":"{stage}-v{asked.id}","actor":"{asked.actor}","controlPlane":{control_plane}}}'

    def _spec(self, spec: StageSpec) -> Json:
        template = {"spec": {"steps": [_step(step) for step in spec.steps]}}
        return filled(
            {
                "requestedFreight": [_request(request) for request in spec.requests],
                "promotionTemplate": template if spec.steps else None,
                "verification": {"analysisTemplates": [{"name": "check"}]} if spec.verification else None,
            }
        )

    def _status(self, stage: str) -> Iterator[tuple[str, Any]]:
        def its(field: str) -> Any:
            return self.state[of(field, stage)]

        if its("current") is not None:
            reference = {"name": its("current_freight")} if its("current_freight") else None
            yield "currentPromotion", filled({"name": its("current"), "freight": reference})
        if its("last") is not None:
            yield "lastPromotion", self._last(stage)
        yield "freightHistory", list(self._history(stage))
        yield "health", filled({"status": its("health").value, "issues": list(its("issues"))})
        yield "conditions", list(self._conditions(stage))
        yield "freightSummary", its("summary")
        yield "autoPromotionEnabled", its("auto_promotion")
        yield "lastHandledRefresh", its("handled_refresh")
        yield "observedGeneration", its("observed_generation")
        yield "autoPromotionHolds", self._holds(stage, "hold")
        yield "effectiveAutoPromotionHolds", self._holds(stage, "effective_hold")

    def _by_origin(self, field: str, of_what: str) -> dict[str, Any]:
        warehouses = self.cluster.pipeline.warehouses
        return {w: v for w in warehouses if (v := self.state[of(field, of_what, w)]) is not None}

    def _last(self, stage: str) -> Json:
        state = self.state
        phase, freight = state[of("last_phase", stage)], state[of("last_freight", stage)]
        status = {
            "phase": phase and phase.value,
            "message": state[of("last_message", stage)],
            "freightCollection": _collection(self._by_origin("last_carried", stage)),
            "healthChecks": [{"uses": "check"}] * state[of("last_checks", stage)],
        }
        finished = state[of("last_finished", stage)]
        return filled(
            {
                "name": state[of("last", stage)],
                "freight": {"name": freight} if freight else None,
                "finishedAt": None if finished is None else instant_text(finished),
                "status": filled(status),
            }
        )

    def _history(self, stage: str) -> Iterator[Json]:
        state = self.state
        current, newest = self._by_origin("in_use", stage), state[of("verification", stage)]
        verifications = [] if newest is None else [(newest, state[of("verification_note", stage)])]
        if current:
            yield self._entry(stage, current, [*verifications, *state[of("older_verifications", stage)]])
        for kept, older in state[of("older_history", stage)]:
            yield self._entry(stage, dict(kept), list(older))

    def _entry(self, stage: str, freight: Json, verifications: list[tuple[Verification, Note]]) -> Json:
        return filled(
            _collection(freight) | {"verificationHistory": [self._verified(stage, *v) for v in verifications]}
        )

    def _verified(self, stage: str, found: Verification, note: Note) -> Json:
        times = {"startTime": note.started, "finishTime": found.finished}
        told = {name: None if at is None else instant_text(at) for name, at in times.items()}
        run = {"name": f"{stage}.run{found.run}", "namespace": self.project} if found.run is not None else None
        said = {
            "id": f"{stage}-v{found.id}",
            "phase": found.phase.value,
            "message": note.message,
            "actor": note.actor,
        }
        return filled({**said, **told, "analysisRun": run})

    def _conditions(self, stage: str) -> Iterator[Json]:
        for kind in CONDITIONS:
            found = self.state[of(f"{kind.lower()}_condition", stage)]
            if found is not None:
                said = {"status": found.status, "reason": found.reason, "message": found.message}
                yield filled({"type": kind, **said, "observedGeneration": found.generation})

    def _holds(self, stage: str, field: str) -> Json:
        def told(warehouse: str, hold: Hold) -> Json:
            origin = {"kind": "Warehouse", "name": warehouse}
            return {"promotionName": hold.promotion, "freightName": hold.freight, "origin": origin}

        return {f"Warehouse/{w}": told(w, hold) for w, hold in self._by_origin(field, stage).items()}

    def _runs(self, stage: str) -> Iterator[Json]:
        runs = {run.number: run for run in self.state[of("runs", stage)]}
        for note in self.state[of("run_notes", stage)]:
            run = runs[note.number]
            owners = [{"apiVersion": API_VERSION, "kind": "Freight", "name": f} for f in run.collection]
            ended = None if run.completed is None else instant_text(run.completed)
            yield self._object(
                "AnalysisRun",
                f"{stage}.run{run.number}",
                {
                    "spec": filled({"terminate": note.terminate}),
                    "status": filled({"phase": run.phase.value, "message": note.message, "completedAt": ended}),
                },
                labels={STAGE_LABEL: stage},
                annotations=filled({"kargo.akuity.io/promotion": note.promotion}),
                ownerReferences=owners,
                creationTimestamp=instant_text(note.created),
            )

    # Promotions and Freight

    def _promotion(self, slot: str, stage: str) -> Json:
        def its(field: str) -> Any:
            return self.state[of(field, slot)]

        intent = its("intent")
        abort = f'{{"action":"terminate","actor":"{its("abort_actor")}"}}' if its("abort_requested") else ""
        notes = {
            "kargo.akuity.io/create-actor": its("actor"),
            "kargo.akuity.io/abort": abort,
            "kargo.akuity.io/refresh": its("promotion_refresh"),
        }
        if intent is not None:
            kind = "hold" if intent.hold else "resume"
            notes[f"kargo.akuity.io/auto-promotion-{kind}"] = f"Warehouse/{intent.origin}"
        steps = self._own(slot, stage)
        return self._object(
            "Promotion",
            its("name"),
            {
                "spec": {"stage": stage, "freight": its("freight"), "steps": steps},
                "status": filled(dict(self._promotion_status(slot))),
            },
            annotations=filled(notes),
            creationTimestamp=instant_text(its("created")),
            uid=f"{self.cluster.existing(stage).index(slot) + 1:012}",
        )

    def _own(self, slot: str, stage: str) -> list[Json]:
        """The steps of a Promotion: those of its Stage, as they were when it was made."""
        found: list[Json] = []
        for step in self.cluster.plans[slot].steps:
            known = next((s for s in self.cluster.pipeline.stage(stage).steps if s.alias == step.rules.alias), None)
            retry = {
                "errorThreshold": step.rules.error_threshold,
                "timeout": format_duration(step.rules.timeout_ms) if step.rules.timeout_ms else None,
            }
            condition = known.condition if known is not None and step.condition else ""
            told = {"as": step.rules.alias, "uses": step.rules.kind, "if": condition, "retry": filled(retry)}
            found.append(filled({**told, "continueOnError": step.continue_on_error}))
        return found

    def _promotion_status(self, slot: str) -> Iterator[tuple[str, Any]]:
        def its(field: str) -> Any:
            return self.state[of(field, slot)]

        yield "phase", its("phase").value
        yield "message", its("message")
        yield "currentStep", its("current_step")
        yield "stepExecutionMetadata", list(self._metadata(slot))
        if its("status_freight"):
            yield "freight", {"name": its("status_freight")}
        yield "freightCollection", _collection(self._by_origin("carried", slot))
        for name, field in (("startedAt", "started"), ("finishedAt", "finished")):
            if its(field) is not None:
                yield name, instant_text(its(field))
        yield "healthChecks", [{"uses": "check"}] * len(its("health_checks"))
        # Whether another look that was asked for was had is known to the queue alone; mostly it was.
        yield "lastHandledRefresh", its("promotion_refresh")

    def _metadata(self, slot: str) -> Iterator[Json]:
        for alias in self.cluster.plans[slot].aliases:
            entry = self.state[of("entry", slot, alias)]
            if entry is None:
                continue
            times = {"startedAt": entry.started_at, "finishedAt": entry.finished_at}
            told = {name: None if at is None else instant_text(at) for name, at in times.items()}
            said = {"alias": alias, "status": entry.status.value, "errorCount": entry.error_count}
            yield filled({**said, **told, "message": self.state[of("text", slot, alias)]})

    def _freight(self, name: str) -> Json:
        def by_stage(field: str) -> Iterator[tuple[str, Any]]:
            for stage in self.cluster.pipeline.names:
                if (value := self.state[of(field, name, stage)]) is not None:
                    yield stage, value

        def verified(value: Any) -> Json:
            soak = None if value.longest_soak_ms is None else format_duration(value.longest_soak_ms)
            return filled({"verifiedAt": instant_text(value.at_ms)}) | (
                {} if soak is None else {"longestSoak": soak}
            )

        status = {
            "currentlyIn": {s: {"since": instant_text(at)} for s, at in by_stage("since")},
            "verifiedIn": {s: verified(value) for s, value in by_stage("verified")},
            "approvedFor": {s: {"approvedAt": instant_text(at)} for s, at in by_stage("approved")},
        }
        rest = {"origin": {"kind": "Warehouse", "name": self.cluster.freight[name]}, "status": filled(status)}
        return self._object(
            "Freight", name, rest, creationTimestamp=instant_text(self.cluster.freight_created[name] or 0)
        )


def _collection(freight: Json) -> Json:
    items = {f"Warehouse/{w}": {"name": f, "origin": {"kind": "Warehouse", "name": w}} for w, f in freight.items()}
    return {"items": items} if items else {}


def _request(request: FreightRequest) -> Json:
    options = {"selectionPolicy": request.policy} if request.policy else None
    sources = {
        "direct": request.direct,
        "stages": list(request.stages),
        "availabilityStrategy": request.strategy,
        "autoPromotionOptions": options,
    }
    soak = {} if request.soak_ms is None else {"requiredSoakTime": f"{request.soak_ms // 1000}s"}
    return {"origin": {"kind": "Warehouse", "name": request.warehouse}, "sources": filled(sources) | soak}


def _step(step: StepSpec) -> Json:
    timeout = None if step.retry.timeout_ms is None else format_duration(step.retry.timeout_ms)
    retry = filled({"errorThreshold": step.retry.error_threshold, "timeout": timeout})
    told = {"as": step.alias, "uses": step.kind, "if": step.condition, "retry": retry}
    return filled({**told, "continueOnError": step.continue_on_error})
