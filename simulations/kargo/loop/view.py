"""A cluster as a recording tells of it: one object after the other, empty values left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from model.kargo.loop.values import CONDITIONS, Note, Verification, of
from model.kargo.step_engine import Entry
from simulations.kargo.loop.cluster import Cluster

Json = dict[str, Any]

NAMED = re.compile(r'(?<=")[^"]+(?=")')


def seconds(instant: int | None) -> int | None:
    """Whole seconds since the start."""
    return None if instant is None else instant // 1000


def filled(found: Json) -> Json:
    """Without what is empty; the times of an object count even if they are 0."""
    return {k: v for k, v in found.items() if v or (k in TIMES and v is not None)}


TIMES = frozenset(("created", "started", "finished"))


class View:
    """Tells of the objects of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.labels: dict[str, str] = {}

    def label(self, name: str | None) -> str | None:
        """What a Promotion is called in a recording."""
        return None if name is None else self.labels.get(name, name)

    def text(self, text: str) -> str:
        """A text with labels in the place of names."""
        return NAMED.sub(lambda m: self.labels.get(m[0], m[0]), text) if '"' in text else text

    def everything(self) -> Iterator[tuple[str, Json | None]]:
        """Every object there is or was, None for one that is gone."""
        for stage in self.cluster.pipeline.names:
            yield from self.stage(stage)
            for promotion in self.cluster.promotions[stage]:
                yield from self.promotion(promotion)
        yield from self.all_freight()

    def all_freight(self) -> Iterator[tuple[str, Json | None]]:
        """Every Freight."""
        for freight in self.cluster.freight:
            yield f"Freight/{freight}", self._freight(freight)

    def after_stage_pass(self, stage: str) -> Iterator[tuple[str, Json | None]]:
        """Every object that a pass over a Stage can change."""
        yield from self.stage(stage)
        yield from self.all_freight()
        for promotion in self.cluster.promotions[stage][-4:]:
            yield from self.promotion(promotion)

    def after_promotion_pass(self, promotion: str) -> Iterator[tuple[str, Json | None]]:
        """Every object that a pass over a Promotion can change."""
        yield from self.promotion(promotion)
        yield from self.stage(self.cluster.stage_of(promotion))

    # Stages

    def stage(self, stage: str) -> Iterator[tuple[str, Json | None]]:
        """A Stage and its AnalysisRuns."""
        state = self.cluster.state
        yield f"Stage/{stage}", self._stage(stage) if state[of("stage_exists", stage)] else None
        notes = {n.number: n for n in state[of("run_notes", stage)]}
        there = {r.number: r for r in state[of("runs", stage)]}
        for number in range(1, state[of("run_ids", stage)] + 1):
            run = there.get(number)
            if run is None:
                yield f"AnalysisRun/{stage}~{number}", None
                continue
            note = notes[number]
            yield (
                f"AnalysisRun/{stage}~{number}",
                filled(
                    {
                        "freight": list(run.collection),
                        "phase": run.phase.value,
                        "created": seconds(note.created),
                        "terminate": run.terminate,
                        "promo": self.label(note.promotion),
                    }
                ),
            )

    def _stage(self, stage: str) -> Json:
        state, warehouses = self.cluster.state, self.cluster.pipeline.warehouses

        def its(field: str) -> Any:
            return state[of(field, stage)]

        def by_origin(field: str) -> Json:
            return {w: v for w in warehouses if (v := state[of(field, stage, w)]) is not None}

        reverify, abort = its("reverify"), its("abort_verification")
        last = its("last") and filled(
            {
                "promo": self.label(its("last")),
                "phase": its("last_phase") and its("last_phase").value,
                "freight": its("last_freight"),
                "collection": by_origin("last_carried"),
                "finished": seconds(its("last_finished")),
            }
        )
        conditions = []
        for kind in CONDITIONS:
            found = its(f"{kind.lower()}_condition")
            if found is not None:
                conditions.append([kind, found.status, found.reason, found.generation, self.text(found.message)])
        return filled(
            {
                "generation": its("generation"),
                "observedGeneration": its("observed_generation"),
                "finalizer": its("finalizer"),
                "deleting": its("deleting"),
                "current": self.label(its("current")),
                "currentFreight": its("current_freight"),
                "last": last,
                "history": list(self._history(stage)),
                "health": its("health").value,
                "issues": list(its("issues")),
                "conditions": sorted(conditions, key=lambda c: str(c[0])),
                "auto": its("auto_promotion"),
                "summary": its("summary"),
                "handledRefresh": int(its("handled_refresh") or 0),
                "reverify": reverify and f"{stage}!{reverify.id}",
                "abort": abort and f"{stage}!{abort.id}",
                "holds": self._holds(by_origin("hold")),
                "effectiveHolds": self._holds(by_origin("effective_hold")),
            }
        )

    def _holds(self, holds: Json) -> Json:
        return {w: self._hold(hold.promotion, hold.freight) for w, hold in holds.items()}

    def _hold(self, name: str, freight: str) -> Json:
        label = self.labels[name]
        actor, created = self.cluster.makers[label]
        return filled({"freight": freight, "promo": label, "actor": actor, "created": seconds(created)})

    def _history(self, stage: str) -> Iterator[Json]:
        state, warehouses = self.cluster.state, self.cluster.pipeline.warehouses
        current = {w: f for w in warehouses if (f := state[of("in_use", stage, w)]) is not None}
        verification = state[of("verification", stage)]
        newest = () if verification is None else ((verification, state[of("verification_note", stage)]),)
        if current:
            yield self._collection(stage, current, (*newest, *state[of("older_verifications", stage)]))
        for kept, verifications in state[of("older_history", stage)]:
            yield self._collection(stage, dict(kept), verifications)

    def _collection(self, stage: str, freight: Json, verifications: tuple[tuple[Verification, Note], ...]) -> Json:
        found = [
            filled(
                {
                    "id": f"{stage}!{v.id}",
                    "phase": v.phase.value,
                    "message": self.text(note.message),
                    "started": seconds(note.started),
                    "finished": seconds(note.finished),
                    "actor": note.actor,
                    "run": v.run and f"{stage}~{v.run}",
                }
            )
            for v, note in verifications
        ]
        return filled({"freight": freight, "verifications": found})

    # Promotions

    def promotion(self, promotion: str) -> Iterator[tuple[str, Json | None]]:
        """A Promotion, if it was ever made."""
        if promotion in self.cluster.plans:
            exists = self.cluster.phase(promotion) is not None
            yield f"Promotion/{promotion}", self._promotion(promotion) if exists else None

    def _promotion(self, promotion: str) -> Json:
        state = self.cluster.state

        def its(field: str) -> Any:
            return state[of(field, promotion)]

        intent = its("intent")
        carried = {
            w: f for w in self.cluster.pipeline.warehouses if (f := state[of("carried", promotion, w)]) is not None
        }
        return filled(
            {
                "name": its("name"),
                "freight": its("freight"),
                "created": seconds(its("created")),
                "actor": its("actor"),
                "phase": its("phase").value,
                "message": self.text(its("message")),
                "step": its("current_step"),
                "steps": list(self._steps(promotion)),
                "statusFreight": its("status_freight"),
                "collection": carried,
                "started": seconds(its("started")),
                "finished": seconds(its("finished")),
                "abort": its("abort_requested"),
                "hold": intent.origin if intent is not None and intent.hold else None,
                "resume": intent.origin if intent is not None and not intent.hold else None,
            }
        )

    def _steps(self, promotion: str) -> Iterator[Json]:
        plan, state = self.cluster.plans[promotion], self.cluster.state
        for alias in plan.aliases:
            entry = state[of("entry", promotion, alias)]
            if entry is None:
                continue
            assert isinstance(entry, Entry)
            yield filled(
                {
                    "alias": alias,
                    "status": entry.status.value,
                    "errors": entry.error_count,
                    "message": self.text(state[of("text", promotion, alias)]),
                    "started": seconds(entry.started_at),
                    "finished": seconds(entry.finished_at),
                    "coe": plan.continue_on_error[alias],
                }
            )

    # Freight

    def _freight(self, freight: str) -> Json | None:
        state, stages = self.cluster.state, self.cluster.pipeline.names
        if not state[of("freight_exists", freight)]:
            return None

        def by_stage(field: str) -> Iterator[tuple[str, Any]]:
            for stage in stages:
                if (value := state[of(field, freight, stage)]) is not None:
                    yield stage, value

        verified = {
            s: {"at": seconds(v.at_ms)} | ({} if v.longest_soak_ms is None else {"soak": v.longest_soak_ms // 1000})
            for s, v in by_stage("verified")
        }
        return filled(
            {
                "warehouse": self.cluster.freight[freight],
                "created": seconds(self.cluster.created[freight]),
                "in": {s: seconds(v) for s, v in by_stage("since")},
                "verified": verified,
                "approved": {s: seconds(v) for s, v in by_stage("approved")},
            }
        )
