"""A cluster as a recording tells of it: one object after the other, empty values left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from model.kargo.loop.values import CONDITIONS, Note, Verification, of
from model.kargo.step_engine import Entry
from simulations.kargo.loop.cluster import Cluster, Object

Json = dict[str, Any]
Told = tuple[str, Json | None]
"""An object with its fields, None for one that is not there."""

NAMED = re.compile(r'(?<=")[^"]+(?=")')
TIMES = frozenset(("created", "started", "finished"))


def seconds(instant: int | None) -> int | None:
    """Whole seconds since the start."""
    return None if instant is None else instant // 1000


def filled(found: Json) -> Json:
    """Without what is empty; the times of an object count even if they are 0."""
    return {k: v for k, v in found.items() if v or (k in TIMES and v is not None)}


def differences(was: Json | None, now: Json | None) -> Json | None:
    """What is different about an object: its fields, None for those it has no longer; None if it is gone."""
    if was is None or now is None:
        return now
    return dict.fromkeys(was.keys() - now.keys()) | {k: v for k, v in now.items() if was.get(k) != v}


class View:
    """Tells of the objects of a cluster, and remembers what it has told."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.labels: dict[str, str] = {}
        self._labelled: list[str] = []
        self._seen: dict[Object, Any] = {}
        self._told: dict[str, Json | None] = {}

    def changed(self) -> tuple[Object, ...]:
        """The objects that are not as they were when this was asked last."""
        state, found = self.cluster.state, list[Object]()
        for promotion in islice(self.cluster.made, len(self._labelled), None):
            self._labelled.append(promotion)
            self.labels[state[of("name", promotion)]] = promotion
        for thing, read in self.cluster.objects.items():
            now = read(state)
            if self._seen.get(thing) != now:
                self._seen[thing] = now
                found.append(thing)
        return tuple(found)

    def tell(self, changed: Iterable[Object]) -> Json:
        """What is different about objects that have changed, as against what was told before."""
        told: Json = {}
        for thing in changed:
            for key, now in self.objects(thing):
                was = self._told.get(key)
                if now != was:
                    self._told[key] = now
                    told[key] = differences(was, now)
        return told

    def objects(self, thing: Object) -> Iterator[Told]:
        """An object, or the AnalysisRuns of a Stage."""
        kind, name = thing
        if kind == "Stage":
            yield f"Stage/{name}", self._stage(name)
        elif kind == "AnalysisRuns":
            yield from self._runs(name)
        elif kind == "Promotion":
            yield f"Promotion/{name}", self._promotion(name)
        else:
            yield f"Freight/{name}", self._freight(name)

    def label(self, name: str | None) -> str | None:
        """What a Promotion is called in a recording."""
        return None if name is None else self.labels.get(name, name)

    def text(self, text: str) -> str:
        """A text with labels in the place of names."""
        return NAMED.sub(lambda m: self.labels.get(m[0], m[0]), text) if '"' in text else text

    # Stages

    def _runs(self, stage: str) -> Iterator[Told]:
        state = self.cluster.state
        notes = {n.number: n for n in state[of("run_notes", stage)]}
        there = {r.number: r for r in state[of("runs", stage)]}
        for number in range(1, state[of("run_ids", stage)] + 1):
            run, label = there.get(number), f"AnalysisRun/{stage}~{number}"
            if run is None:
                yield label, None
                continue
            found = {
                "freight": list(run.collection),
                "phase": run.phase.value,
                "created": seconds(notes[number].created),
                "terminate": notes[number].terminate,
                "promo": self.label(notes[number].promotion),
            }
            yield label, filled(found)

    def _stage(self, stage: str) -> Json | None:
        state = self.cluster.state
        if not state[of("stage_exists", stage)]:
            return None

        def its(field: str) -> Any:
            return state[of(field, stage)]

        reverify, abort = its("reverify"), its("abort_verification")
        return filled(
            {
                "generation": its("generation"),
                "observedGeneration": its("observed_generation"),
                "finalizer": its("finalizer"),
                "deleting": its("deleting"),
                "current": self.label(its("current")),
                "currentFreight": its("current_freight"),
                "last": self._last(stage),
                "history": list(self._history(stage)),
                "health": its("health").value,
                "issues": list(its("issues")),
                "conditions": list(self._conditions(stage)),
                "auto": its("auto_promotion"),
                "summary": its("summary"),
                "handledRefresh": int(its("handled_refresh") or 0),
                "reverify": reverify and f"{stage}!{reverify.id}",
                "abort": abort and f"{stage}!{abort.id}",
                "holds": self._holds(stage, "hold"),
                "effectiveHolds": self._holds(stage, "effective_hold"),
            }
        )

    def _by_origin(self, field: str, *objects: str) -> Json:
        state, warehouses = self.cluster.state, self.cluster.pipeline.warehouses
        return {w: v for w in warehouses if (v := state[of(field, *objects, w)]) is not None}

    def _last(self, stage: str) -> Json | None:
        state = self.cluster.state
        name, phase = state[of("last", stage)], state[of("last_phase", stage)]
        if name is None:
            return None
        return filled(
            {
                "promo": self.label(name),
                "phase": phase and phase.value,
                "freight": state[of("last_freight", stage)],
                "collection": self._by_origin("last_carried", stage),
                "finished": seconds(state[of("last_finished", stage)]),
            }
        )

    def _conditions(self, stage: str) -> Iterator[list[Any]]:
        for kind in CONDITIONS:
            found = self.cluster.state[of(f"{kind.lower()}_condition", stage)]
            if found is not None:
                yield [kind, found.status, found.reason, found.generation, self.text(found.message)]

    def _holds(self, stage: str, field: str) -> Json:
        return {w: self._hold(h.promotion, h.freight) for w, h in self._by_origin(field, stage).items()}

    def _hold(self, name: str, freight: str) -> Json:
        made = self.cluster.made[self.labels[name]]
        found = {"freight": freight, "promo": self.labels[name], "actor": made.actor}
        return filled(found | {"created": seconds(made.created)})

    def _history(self, stage: str) -> Iterator[Json]:
        state = self.cluster.state
        current, verification = self._by_origin("in_use", stage), state[of("verification", stage)]
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
                    "finished": seconds(v.finished),
                    "actor": note.actor,
                    "run": v.run and f"{stage}~{v.run}",
                }
            )
            for v, note in verifications
        ]
        return filled({"freight": freight, "verifications": found})

    # Promotions

    def _promotion(self, promotion: str) -> Json | None:
        state = self.cluster.state
        if self.cluster.phase(promotion) is None:
            return None

        def its(field: str) -> Any:
            return state[of(field, promotion)]

        intent = its("intent")
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
                "collection": self._by_origin("carried", promotion),
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
                "created": seconds(self.cluster.freight_created[freight]),
                "in": {s: seconds(v) for s, v in by_stage("since")},
                "verified": verified,
                "approved": {s: seconds(v) for s, v in by_stage("approved")},
            }
        )
