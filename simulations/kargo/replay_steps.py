"""Replaying recorded runs of the step engine: every pass has to do what the controller's did.

A recording is a folder with `programs.jsonl.gz` and one `<release>.jsonl.gz` per release. A program gives the steps
of a Promotion, the script of their attempts, and when passes happen; the recording says, pass by pass, what the
engine returned and what the API server then held.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from model.kargo import planning, worlds
from model.kargo.attempts import Attempt
from model.kargo.durations import parse_duration
from model.kargo.manifest_types import Retry
from model.kargo.phases import PromotionPhase
from model.kargo.plan import Plan, config
from model.kargo.planning import Planner
from model.kargo.promotion_context import Cluster, PromotionContext, Variable
from model.kargo.promotion_rules import Place
from model.kargo.releases import Behaviours
from model.kargo.saving_rules import BACKOFF
from model.kargo.step_kinds import StepKind
from model.kargo.templates import StepSpec
from model.kargo.worlds import Script
from model.system import ModelError, State
from simulations.kargo import passes
from simulations.kargo.passes import Passed
from simulations.kargo.recorded import chosen, pairs
from simulations.replay import Divergence, RecordingError, Replayed

Json = dict[str, Any]

SUCCEEDS: Script = (Attempt("Succeeded"),)

FREIGHT = {
    "name": "f1e2d3c4",
    "metadata": {"namespace": "kargo-demo", "name": "f1e2d3c4"},
    "alias": "happy-fox",
    "origin": {"kind": "Warehouse", "name": "main"},
    "images": [{"repoURL": "ghcr.io/acme/web", "tag": "v1.2.3"}],
    "commits": [{"repoURL": "https://github.com/acme/config.git", "id": "9f8e7d6c"}],
}
WAREHOUSE = {
    "metadata": {"namespace": "kargo-demo", "name": "main"},
    "spec": {
        "subscriptions": [
            {"image": {"repoURL": "ghcr.io/acme/web"}},
            {"git": {"repoURL": "https://github.com/acme/config.git"}},
        ]
    },
}
"""The surroundings, which are the same in every recording."""


def replay(folder: Path, releases: Iterable[str] | None = None, limit: int | None = None) -> Iterator[Replayed]:
    """The result for every release, in order; all that were recorded and are known, if none are named.

    Raises RecordingError if a file is missing or cannot be read, and UnknownReleaseError for a release that is not
    modelled.
    """
    for behaviours in chosen(folder, releases):
        yield _replayed(behaviours, islice(pairs(folder, behaviours.release), limit))


def _replayed(behaviours: Behaviours, recorded: Iterable[tuple[Json, Json]]) -> Replayed:
    programs, compared, passed, divergences = 0, 0, 0, list[Divergence]()
    for program, recording in recorded:
        try:
            fields, differing = _compare(program, recording, behaviours)
        except (AttributeError, KeyError, ModelError, TypeError, ValueError) as error:
            raise RecordingError(f"program {program['id']!r} cannot be replayed: {error!r}") from error
        programs, compared, passed = programs + 1, compared + fields, passed + len(recording["passes"])
        divergences += differing
    return Replayed(behaviours.release, programs, compared, tuple(divergences), passed)


def _compare(program: Json, recording: Json, behaviours: Behaviours) -> tuple[int, list[Divergence]]:
    """The fields compared, and those that differ; the passes after one that differs are not compared."""
    compared = 0
    name, release = str(program["id"]), behaviours.release
    plan = program_plan(program, behaviours)
    passed = list(run(plan, program))
    for index, (expected, got) in enumerate(zip(recording["passes"], passed, strict=False)):
        found = []
        for field, value in _fields(expected):
            compared += 1
            model = _field(got, field)
            if not _same(value, model):
                found.append(Divergence(name, release, f"pass {index + 1}", field, _shown(value), _shown(model)))
        if found:
            return compared, found
    count, wanted = len(passed), len(recording["passes"])
    found = [] if count == wanted else [Divergence(name, release, "", "passes", str(wanted), str(count))]
    return compared + 1, found


def _fields(recorded: Json) -> Iterator[tuple[str, object]]:
    for key in sorted(recorded):
        value = recorded[key]
        if key in ("result", "status") and isinstance(value, dict):
            yield from ((f"{key}.{inner}", value[inner]) for inner in sorted(value))
        else:
            yield key, value


def _field(got: Json, name: str) -> object:
    outer, _, inner = name.partition(".")
    value = got.get(outer)
    return value.get(inner) if inner and isinstance(value, dict) else value


def _same(expected: object, got: object) -> bool:
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(_same(expected[k], got[k]) for k in expected)
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(_same, expected, got))
    if isinstance(expected, str) and isinstance(got, str):
        return expected == got.split("\n")[0] or expected == got
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    return expected == got


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# From a program to a plan


def program_plan(program: Json, behaviours: Behaviours) -> Plan:
    """The plan of a recorded program."""
    kinds = {name: _kind(name, kind) for name, kind in program["kinds"].items()}
    scripts = {alias: tuple(map(attempt, entries)) for alias, entries in program["script"].items()}
    variables = tuple(Variable(v["name"], v["value"]) for v in program.get("vars") or ())
    planner = Planner(
        steps=tuple(_step(step) for step in program["steps"]),
        context=_context(variables),
        behaviours=behaviours,
        kinds=kinds.get,
    )
    return planning.plan(
        planner,
        lambda step, _rules, _kind: worlds.scripted(step.alias, scripts.get(step.alias) or SUCCEEDS),
        writes_can_fail=True,
    )


def _context(variables: tuple[Variable, ...]) -> PromotionContext:
    return PromotionContext(
        project="kargo-demo",
        stage="test",
        promotion="test.0001",
        actor="dev@acme.io",
        ui_base_url="https://kargo.acme.io",
        target_freight=FREIGHT,
        freight=(FREIGHT,),
        requested=("main",),
        variables=variables,
        cluster=Cluster(warehouses=(WAREHOUSE,), freight=(FREIGHT,)),
    )


def _kind(name: str, recorded: Json) -> StepKind:
    return StepKind(
        name=name,
        default_timeout_ms=parse_duration(recorded.get("defaultTimeout", "0s")),
        default_error_threshold=recorded.get("defaultErrorThreshold", 0),
        propagates_outputs=recorded.get("propagatesOutput", False),
        results=(),
    )


def _step(recorded: Json) -> StepSpec:
    retry = recorded.get("retry") or {}
    config = recorded.get("config")
    return StepSpec(
        alias=recorded["alias"],
        kind=recorded["kind"],
        condition=recorded.get("if", ""),
        continue_on_error=recorded.get("continueOnError", False),
        retry=Retry(parse_duration(retry["timeout"]) if "timeout" in retry else None, retry.get("errorThreshold")),
        config=None if config is None else json.dumps(config),
        vars=tuple((v["name"], v["value"]) for v in recorded.get("vars") or ()),
    )


def attempt(recorded: Json) -> Attempt:
    """An attempt as a recording's script has it."""
    error, terminal = recorded.get("error"), recorded.get("terminal")
    retry_after = recorded.get("retryAfter")
    return Attempt(
        status=recorded.get("status", ""),
        message=recorded.get("message", ""),
        output=json.dumps(recorded.get("output")),
        error=f"wrapped: {error}" if error is not None and terminal == "wrapped" else error,
        terminal=terminal is not None,
        panic=recorded.get("panic"),
        retry_after_ms=None if retry_after is None else parse_duration(retry_after),
        health_check=recorded.get("healthCheck"),
        takes_ms=parse_duration(recorded.get("takes", "0s")),
        cancels=recorded.get("cancels", False),
    )


# Running it, and what the recording would say of that


@dataclass
class _Clock:
    """What has to be remembered between passes: the last one, and the errors in a row."""

    state: State
    errors: int = 0


def run(plan: Plan, program: Json) -> Iterator[Json]:
    """Every pass of a program, as a recording would tell it."""
    given = [step.get("config") for step in program["steps"]]
    cancels = any(wanted.get("cancelled") for wanted in program["passes"])
    system = passes.run_system(plan, PromotionPhase.RUNNING, cancels=cancels)
    clock = _Clock(passes.begin(system))
    for wanted in program["passes"]:
        wait = _wait(wanted["after"], clock)
        if wait is None:
            return
        passed = passes.pass_over(
            system,
            clock.state,
            wait,
            restart=wanted.get("restart", False),
            cancelled=wanted.get("cancelled", False),
        )
        clock.errors = clock.errors + 1 if passed.state["requeue"] == BACKOFF else 0
        clock.state = passed.state
        yield project(plan, passed, given)
        phase = passed.state["phase"]
        assert isinstance(phase, PromotionPhase)
        if phase.terminal:
            return


def _wait(after: str, clock: _Clock) -> int | None:
    if after != "requeue":
        return parse_duration(after)
    wake = passes.wake_after(clock.state, clock.errors)
    return None if wake is None else wake + 1


def project(plan: Plan, passed: Passed, given: list[object]) -> Json:
    """A pass as a recording tells it; `given` are the configs of the steps as they are written."""
    record, state = passed.record, passed.state
    panicked = record["at"] is Place.PANICKED
    return {
        "at": _seconds(passed.at_ms),
        "ran": passes.ran(plan, passed),
        "configs": _configs(plan, passed, given),
        "result": None if panicked else _result(plan, record),
        "error": record["engine_error"],
        "panic": record["new_message"] if panicked else None,
        "saved": record["saved"],
        "status": {
            "phase": state["phase"].value,
            "message": state["message"],
            "currentStep": state["current_step"],
            "healthChecks": list(state["health_checks"]),
        },
        "requeue": _requeue(state["requeue"]),
    }


def _requeue(requeue: object) -> object:
    return _seconds(requeue) or None if isinstance(requeue, int) else requeue


def _seconds(milliseconds: int) -> float:
    return milliseconds / 1000


def _configs(plan: Plan, passed: Passed, given: list[object]) -> Json:
    """What the runners were given, by alias: the last one counts. Aliases without any template are left out."""
    absent: Json | None = {} if plan.behaviours.absent_config_is_empty else None
    wanted = {step.rules.alias for step in plan.steps if step.config_has_templates}
    found: Json = {}
    for index, alias, turn, _ in passes.turns(plan, passed):
        if alias in wanted and passes.called(turn):
            evaluated = passed.record[config(index, alias)]
            plain = absent if given[index] is None else given[index]
            found[alias] = plain if evaluated is None else json.loads(evaluated)
    return found


def _result(plan: Plan, record: State) -> Json:
    outputs = {key: record[plan.working("output", key)] for key in plan.output_keys}
    retry_after = record["retry_after"]
    return {
        "phase": record["new_phase"].value,
        "message": record["new_message"],
        "currentStep": record["new_step"],
        "steps": list(_metadata(plan, record)),
        "state": passes.shared_state(outputs),
        "healthChecks": list(record["new_checks"]),
        "retryAfter": _seconds(retry_after) if isinstance(retry_after, int) else None,
    }


def _metadata(plan: Plan, record: State) -> Iterator[Json]:
    for alias in plan.aliases:
        entry = passes.entry_of(record, plan.working("entry", alias))
        if entry is None:
            continue
        yield {"alias": alias, "status": entry.status.value} | _filled(
            errorCount=entry.error_count or None,
            message=record[plan.working("text", alias)] or None,
            startedAt=None if entry.started_at is None else entry.started_at // 1000,
            finishedAt=None if entry.finished_at is None else entry.finished_at // 1000,
            continueOnError=plan.continue_on_error[alias] or None,
        )


def _filled(**fields: object) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
