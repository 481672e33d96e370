"""Recorded walks: programs of events, done to a cluster one after the other.

Source: the format of the recordings, as their README describes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from model.kargo.attempts import Attempt
from model.kargo.loop import people, world
from model.kargo.loop.fields import OF_STAGES
from model.kargo.loop.pipeline import Pipeline, StageSpec
from model.kargo.loop.values import of
from model.kargo.manifest_types import Retry
from model.kargo.phases import HealthState, PromotionPhase, StepStatus, VerificationPhase
from model.kargo.releases import Behaviours
from model.kargo.requests import FreightRequest
from model.kargo.templates import StepSpec
from model.kargo.worlds import Script
from model.system import Action, Tables, action
from simulations.kargo.loop.cluster import Cluster, Passed, Scripts
from simulations.kargo.loop.queue import woken
from simulations.kargo.loop.view import View

Json = dict[str, Any]

OK: Script = (Attempt(StepStatus.SUCCEEDED.value),)
FIRST_BACKOFF_MS = 5
LONGEST_BACKOFF_MS = 1_000_000
MOST_ROUNDS = 30
MOST_PASSES = 150


# From a program to a pipeline


def pipeline_of(topology: Json) -> Pipeline:
    """The pipeline that a program speaks of."""
    return Pipeline(tuple(topology["warehouses"]), tuple(map(stage_of, topology["stages"])), "demo")


def stage_of(found: Json) -> StageSpec:
    """A Stage."""
    return StageSpec(
        found["name"],
        tuple(map(request_of, found["requests"])),
        steps_of(found.get("template")),
        bool(found.get("verification")),
    )


def request_of(found: Json) -> FreightRequest:
    """What a Stage asks for of one Warehouse."""
    soak = found.get("soak")
    return FreightRequest(
        found["warehouse"],
        bool(found.get("direct")),
        tuple(found.get("stages") or ()),
        found.get("strategy", ""),
        None if soak is None else round(soak * 1000),
        found.get("policy", ""),
    )


def steps_of(template: list[Json] | None) -> tuple[StepSpec, ...]:
    """The steps of a template."""
    return tuple(_step(number, step) for number, step in enumerate(template or (), start=1))


def _step(number: int, found: Json) -> StepSpec:
    retry = found.get("retry") or {}
    timeout = retry.get("timeout")
    return StepSpec(
        alias=found.get("as") or f"step-{number}",
        kind="scripted",
        condition=found.get("if", ""),
        continue_on_error=bool(found.get("coe")),
        retry=Retry(None if timeout is None else timeout * 1000, retry.get("errors")),
    )


_ATTEMPTS = {
    "ok": Attempt("Succeeded"),
    "run": Attempt("Running"),
    "skip": Attempt("Skipped"),
    "fail": Attempt("Failed", "not good"),
    "fail!": Attempt("Failed", error="fatal", terminal=True),
    "ferr": Attempt("Failed", error="boom"),
    "err": Attempt("Errored", error="boom"),
    "rerr": Attempt("Running", error="boom"),
    "err!": Attempt("Errored", error="fatal", terminal=True),
    "panic": Attempt("", panic="oops"),
}
_SCRIPTED = re.compile(r"([a-z]+!?)(?:~(\d+))?(?:@(\d+))?(?:~(\d+))?")


def attempt_of(text: str) -> Attempt:
    """What an attempt comes back with: `run~20` suggests another after 20 seconds, `ok@3` takes 3."""
    found = _SCRIPTED.fullmatch(text)
    if found is None or found[1] not in _ATTEMPTS:
        raise ValueError(f"the script has an attempt {text!r}; known are: {', '.join(_ATTEMPTS)}")
    after = found[2] or found[4]
    return _ATTEMPTS[found[1]]._replace(
        retry_after_ms=int(after) * 1000 if after else None, takes_ms=int(found[3] or 0) * 1000
    )


class Walk:
    """A program under way: its cluster, its queue, and what has been told of it."""

    def __init__(self, program: Json, behaviours: Behaviours, tables: Tables) -> None:
        self.scripts = program.get("script") or {}
        self.topology = {s["name"]: dict(s) for s in program["topology"]["stages"]}
        pipeline = pipeline_of(program["topology"])
        self.cluster = Cluster(pipeline, behaviours, self._scripts, tables)
        self.view = View(self.cluster)
        self.shown: dict[str, Json | None] = {}
        self.queue: dict[str, None] = {}
        self.timers: dict[str, tuple[int, int]] = {}
        self.failures: dict[str, int] = {}
        self.timers_set = 0
        self.told = 0
        self.stale = (0, 0)
        for name, found in self.topology.items():
            if found.get("auto") is not None:
                self.cluster.state[of("policy", name)] = bool(found["auto"])

    def _scripts(self, stage: str, number: int, steps: int) -> Scripts:
        entries = self.scripts.get(stage) or [[]]
        entry = entries[min(number, len(entries)) - 1]
        attempts = [tuple(map(attempt_of, step)) or OK for step in entry]
        return tuple((attempts[k] if k < len(attempts) else OK) for k in range(steps))

    # Telling

    def begin(self) -> Json:
        """What there is before the first event, and who is woken by it."""
        found = {"init": self._difference(self.view.everything())}
        order = [f"{self._kind(s)}/{s}" for s in self.cluster.pipeline.names]
        self.queue |= dict.fromkeys(order)
        return found | {"q": order}

    def _kind(self, stage: str) -> str:
        return "Gate" if self.cluster.pipeline.stage(stage).control_flow else "Stage"

    def _difference(self, objects: Iterable[tuple[str, Json | None]]) -> Json:
        found: Json = {}
        for key, now in objects:
            was = self.shown.get(key)
            if now == was:
                continue
            self.shown[key] = now
            if now is None:
                found[key] = None
            elif was is None:
                found[key] = now
            else:
                gone = dict.fromkeys(was.keys() - now.keys())
                found[key] = gone | {k: v for k, v in now.items() if was.get(k) != v}
        return found

    # Events

    def do(self, event: Json) -> Json:
        """One event, as a recording tells it."""
        told: Json = getattr(self, f"_do_{event['do']}")(event)
        told |= self._time_as("t")
        return {k: v for k, v in told.items() if v not in ({}, []) or k == "steps"}

    def _time_as(self, name: str) -> Json:
        """The time under that name, if it has moved since it was last told."""
        if self.cluster.now == self.told:
            return {}
        self.told = self.cluster.now
        return {name: _seconds(self.told)}

    def _changed(self, change: Any, result: Json | None = None) -> Json:
        """What a change by somebody comes to, beside `result`."""
        before, old = dict(self.cluster.state), self.cluster.pipeline
        found = change()
        told = dict(found if isinstance(found, dict) else result or {})
        self._label_new()
        order = woken(self.cluster, before, old)
        self.queue |= dict.fromkeys(order)
        return {"r": told, "d": self._difference(self.view.everything()), "q": order}

    def _label_new(self) -> None:
        for stage in self.cluster.pipeline.names:
            for slot in self.cluster.promotions[stage]:
                if slot in self.cluster.plans and slot not in self.cluster.makers:
                    state = self.cluster.state
                    self.view.labels[state[of("name", slot)]] = slot
                    self.cluster.makers[slot] = (state[of("actor", slot)], state[of("created", slot)])

    def _act(self, rule: Any, stage: str = "", **constants: Any) -> Json:
        """A rule about a Stage."""
        return self._changed(lambda: self.cluster.act(about_stage(rule, stage, constants)))

    def _do_sleep(self, event: Json) -> Json:
        self.cluster.state["now"] += event["seconds"] * 1000
        return {}

    def _do_freight(self, event: Json) -> Json:
        return self._changed(lambda: self.cluster.create_freight(event["freight"], event["warehouse"]))

    def _do_delete_freight(self, event: Json) -> Json:
        if not self.cluster.state.get(of("freight_exists", event["freight"])):
            return {"r": {"none": True}}
        return self._changed(lambda: self.cluster.delete_freight(event["freight"]))

    def _do_approve(self, event: Json) -> Json:
        freight, stage = event["freight"], event["stage"]
        if not self.cluster.state.get(of("freight_exists", freight)):
            return {"r": {"none": True}}
        rule = action(
            people.approve,
            freight_exists=of("freight_exists", freight),
            approved=of("approved", freight, stage),
        )
        return self._changed(lambda: self.cluster.act(rule))

    def _do_promote(self, event: Json) -> Json:
        stage, freight, name = event["stage"], event["freight"], event.get("name", "")
        cluster = self.cluster
        if not cluster.state[of("stage_exists", stage)]:
            return {"r": {"none": True}}
        spec = cluster.pipeline.stage(stage)
        kept = name and not cluster.behaviours.names_overwritten
        shown = name if kept else f"{stage}.<ulid>.{freight}"
        if spec.control_flow:
            return {"r": {"err": self._without_steps(stage, shown)}}
        if kept and any(cluster.state[of("name", p)] == name for p in cluster.existing(stage)):
            return {"r": {"err": f'promotions.kargo.akuity.io "{name}" already exists'}}
        refusal = (
            f'Promotion.kargo.akuity.io "{shown}" is invalid: spec.freight: '
            f'Invalid value: "{freight}": Freight is not available to this Stage'
        )

        def create() -> Json:
            made = cluster.promote(stage, freight, name)
            return {"err": refusal} if made is None else {"made": made}

        return self._changed(create)

    def _without_steps(self, stage: str, shown: str) -> str:
        if not self.cluster.behaviours.names_overwritten:
            return f'stage "{stage}" has no promotion template'
        where = f'Stage "{stage}" in namespace "{self.cluster.pipeline.project}" defines no promotion steps'
        return f'Promotion.kargo.akuity.io "{shown}" is invalid: spec.stage: Invalid value: "{stage}": {where}'

    def _do_health(self, event: Json) -> Json:
        return self._act(world.set_health, event["stage"], found=HealthState(event["value"]))

    def _do_analysis(self, event: Json) -> Json:
        if not self.cluster.state[of("runs", event["stage"])]:
            return {"r": {"none": True}}
        phase = VerificationPhase(event["phase"])
        return self._act(world.set_run, event["stage"], phase=phase, message=f"scripted {phase}")

    def _do_delete_analysis(self, event: Json) -> Json:
        if not self.cluster.state[of("runs", event["stage"])]:
            return {"r": {"none": True}}
        return self._act(world.delete_run, event["stage"])

    def _do_reverify(self, event: Json) -> Json:
        return self._verification(event["stage"], people.ask_to_verify_again)

    def _do_abort_verification(self, event: Json) -> Json:
        return self._verification(event["stage"], people.ask_to_abort_verification)

    def _verification(self, stage: str, rule: Any) -> Json:
        state = self.cluster.state
        if not state[of("stage_exists", stage)]:
            where = f'Stage "{stage}" in namespace "{self.cluster.pipeline.project}" not found'
            return {"r": {"err": where}}
        if all(state[of("in_use", stage, w)] is None for w in self.cluster.pipeline.warehouses):
            return {"r": {"err": "stage has no current freight"}}
        if state[of("verification", stage)] is None:
            return {"r": {"err": "stage has no current verification info"}}
        return self._act(rule, stage, actor="admin")

    def _do_refresh(self, event: Json) -> Json:
        stage = event["stage"]
        if not self.cluster.state[of("stage_exists", stage)]:
            return {"r": {"none": True}}

        def refresh() -> None:
            self.cluster.state[of("refresh", stage)] = str(self.cluster.now // 1000)

        return self._changed(refresh)

    def _do_refresh_promotion(self, event: Json) -> Json:
        promotion = self._resolve(event["promo"])
        if promotion is None:
            return {"r": {"none": True}}

        def refresh() -> None:
            self.cluster.state[of("promotion_refresh", promotion)] = str(self.cluster.now // 1000)
            self.cluster.note_version(promotion)

        return self._changed(refresh, self._named(event, promotion))

    def _do_clear_last(self, event: Json) -> Json:
        return self._changed(lambda: self._set_last(event["stage"], None))

    def _do_set_last(self, event: Json) -> Json:
        return self._changed(lambda: self._set_last(event["stage"], event["name"]))

    def _set_last(self, stage: str, name: str | None) -> None:
        """A person edits the status of a Stage."""
        state = self.cluster.state
        if name is None:
            state |= {of(f, stage): OF_STAGES[f] for f in OF_STAGES if f.startswith("last")}
            state |= {of("last_carried", stage, w): None for w in self.cluster.pipeline.warehouses}
        state[of("last", stage)] = name

    def _do_stale(self, event: Json) -> Json:
        self.stale = (event["back"], event.get("times", 1))
        return {}

    def _do_set_auto(self, event: Json) -> Json:
        return self._act(people.set_policy, event["stage"], enabled=event["value"] == "on")

    def _do_edit_stage(self, event: Json) -> Json:
        stage = event["stage"]
        if not self.cluster.state[of("stage_exists", stage)]:
            return {"r": {"none": True}}
        self.topology[stage] |= event.get("set") or {}
        spec = stage_of(self.topology[stage])

        def edit() -> None:
            self.cluster.act(about_stage(people.edit_stage, stage, {}))
            self.cluster.edit(spec)

        return self._changed(edit)

    def _do_delete_stage(self, event: Json) -> Json:
        if not self.cluster.state[of("stage_exists", event["stage"])]:
            return {"r": {"none": True}}
        return self._act(people.delete_stage, event["stage"])

    # Promotions by reference

    def _resolve(self, reference: str) -> str | None:
        stage, _, which = reference.rpartition("#")
        existing = self.cluster.existing(stage)
        if which.isdigit():
            return reference if reference in existing else None
        if which == "current":
            current = self.cluster.state[of("current", stage)]
            return next((p for p in existing if self.cluster.state[of("name", p)] == current), None)
        candidates = existing if which == "last" else [p for p in existing if not self._over(p)]
        if not candidates:
            return None
        return candidates[0 if which == "oldest-open" else -1]

    def _over(self, promotion: str) -> bool:
        phase = self.cluster.phase(promotion)
        return phase is None or phase.terminal

    def _named(self, event: Json, promotion: str) -> Json:
        return {} if event["promo"] == promotion else {"promo": promotion}

    def _do_abort(self, event: Json) -> Json:
        promotion = self._resolve(event["promo"])
        if promotion is None:
            return {"r": {"none": True}}
        rule = action(
            people.abort_promotion,
            constants={"actor": "admin"},
            reads={f: of(f, promotion) for f in ("phase", "abort_requested")},
            writes={"abort_actor": of("abort_actor", promotion)},
        )

        def abort() -> None:
            self.cluster.act(rule)
            self.cluster.note_version(promotion)

        return self._changed(abort, self._named(event, promotion))

    def _do_delete_promotion(self, event: Json) -> Json:
        promotion = self._resolve(event["promo"])
        if promotion is None:
            return {"r": {"none": True}}
        rule = action(people.delete_promotion, phase=of("phase", promotion))

        def delete() -> None:
            self.cluster.act(rule)
            self.cluster.forget_passes()

        return self._changed(delete, self._named(event, promotion))

    # Passes

    def _pass(self, item: str) -> Json:
        """One pass, and what came of it."""
        kind, _, name = item.partition("/")
        before, old = dict(self.cluster.state), self.cluster.pipeline
        if kind == "Promotion":
            done = self._promotion_pass(name)
            objects = self.view.after_promotion_pass(name)
        elif self._kind(name) == kind and self.cluster.state[of("stage_exists", name)]:
            done = self.cluster.reconcile_stage(name)
            objects = self.view.after_stage_pass(name)
        else:
            return {}
        self._label_new()
        told: Json = {"r": self._result(done), "d": self._difference(objects)}
        order = woken(self.cluster, before, old) if self.cluster.state != before else []
        self.queue |= dict.fromkeys(order)
        told["q"] = order
        return {k: v for k, v in told.items() if v}

    def _promotion_pass(self, promotion: str) -> Passed:
        """A pass over a Promotion, which may see it as it was some writes ago."""
        back, times = self.stale
        if not times:
            return self.cluster.reconcile_promotion(promotion)
        self.stale = (back, times - 1)
        return self.cluster.reconcile_promotion(promotion, back)

    def _result(self, done: Passed) -> Json:
        if done.error is not None:
            return {"err": self.view.text(done.error)}
        return {} if done.after_ms is None else {"after": _seconds(done.after_ms)}

    def _do_reconcile_stage(self, event: Json) -> Json:
        stage = event["stage"]
        if not self.cluster.state[of("stage_exists", stage)]:
            return {"r": {"none": True}}
        return self._pass(f"{self._kind(stage)}/{stage}")

    def _do_reconcile_promotion(self, event: Json) -> Json:
        promotion = self._resolve(event["promo"])
        if promotion is None:
            return {"r": {"none": True}}
        told = self._pass(f"Promotion/{promotion}")
        named = self._named(event, promotion)
        return told | ({"r": told.get("r", {}) | named} if named else {})

    def _do_settle(self, event: Json) -> Json:
        steps: list[Json] = []
        for number in range(1, MOST_ROUNDS + 1):
            changed = False
            for item in self._round():
                told = self._pass(item)
                changed = changed or bool(told.get("d"))
                if told.keys() & {"d", "q"} or "err" in told.get("r", {}):
                    who = item.replace("Gate/", "Stage/")
                    steps.append({"round": number, "who": who} | told | self._time_as("t"))
            self.cluster.state["now"] += 1000
            if not changed:
                return {"rounds": number, "settled": True, "steps": steps or None}
        return {"rounds": MOST_ROUNDS, "steps": steps or None}

    def _round(self) -> Iterable[str]:
        stages = self.cluster.pipeline.names
        for stage in stages:
            if self.cluster.state[of("stage_exists", stage)]:
                yield f"{self._kind(stage)}/{stage}"
        for stage in stages:
            for promotion in [p for p in self.cluster.existing(stage) if not self._over(p)]:
                yield f"Promotion/{promotion}"

    def _do_restart(self, event: Json) -> Json:
        state = self.cluster.state
        for stage in self.cluster.pipeline.names:
            for promotion in self.cluster.existing(stage):
                state[of("work_dir", promotion)] = False
        self.timers.clear()
        self.failures.clear()
        existing = [s for s in self.cluster.pipeline.names if state[of("stage_exists", s)]]
        order = [f"{self._kind(s)}/{s}" for s in existing]
        made = [p for s in self.cluster.pipeline.names for p in self.cluster.existing(s)]
        order += [f"Promotion/{p}" for p in sorted(made, key=list(self.cluster.makers).index)]
        self.queue = dict.fromkeys(order)
        return {"q": order}

    def _do_run(self, event: Json) -> Json:
        end = self.cluster.now + event["seconds"] * 1000
        steps: list[Json] = []
        while True:
            self._due()
            if not self.queue:
                due = min((t for t, _ in self.timers.values()), default=None)
                if due is None or due > end:
                    self.cluster.state["now"] = max(end, self.cluster.now)
                    break
                self.cluster.state["now"] = due + 1
                continue
            if len(steps) >= MOST_PASSES or self.cluster.now > end:
                break
            item = next(iter(self.queue))
            del self.queue[item]
            step = {"who": item} | self._time_as("at") | self._pass(item) | self._time_as("t")
            self._time(item, step.get("r", {}))
            steps.append(step)
        told = {"steps": steps or None}
        return told | ({"left": list(self.queue)} if self.queue else {})

    def _due(self) -> None:
        due = sorted((t, age, item) for item, (t, age) in self.timers.items() if t <= self.cluster.now)
        for _, _, item in due:
            del self.timers[item]
            self.queue.setdefault(item)

    def _time(self, item: str, result: Json) -> None:
        wait: float | None = None
        if "err" in result:
            failures = self.failures.get(item, 0)
            self.failures[item] = failures + 1
            wait = min(FIRST_BACKOFF_MS << min(failures, 30), LONGEST_BACKOFF_MS)
        else:
            self.failures.pop(item, None)
            after = result.get("after", 0)
            wait = round(after * 1000) if after > 0 else None
        if wait is None:
            return
        due = self.cluster.now + wait
        if item not in self.timers or due < self.timers[item][0]:
            self.timers_set += 1
            self.timers[item] = (due, self.timers_set)


def about_stage(rule: Any, stage: str, constants: Json) -> Action:
    """A rule bound to the fields of a Stage."""
    import inspect

    names = [n for n in inspect.signature(rule).parameters if n not in constants]
    reads = {n: n if n == "now" else of(n, stage) for n in names}
    writes = {n: of(n, stage) for n in ("reverify", "abort_verification", "deleting", "generation", "stage_exists")}
    return action(
        rule, constants=constants, reads=reads, writes={n: v for n, v in writes.items() if n not in reads}
    )


def _seconds(milliseconds: int) -> float:
    whole, rest = divmod(milliseconds, 1000)
    return whole if rest == 0 else milliseconds / 1000
