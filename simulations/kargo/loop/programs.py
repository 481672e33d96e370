"""Recorded programs of the control loop: a pipeline, what the steps of its Promotions do, and events.

A program is checked as a whole before anything is done, so that whatever is wrong with it is said in one sentence.

Source: the format of the recordings, as their README describes it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from model.kargo.attempts import Attempt
from model.kargo.loop.pipeline import Pipeline, StageSpec
from model.kargo.manifest_types import Retry
from model.kargo.phases import HealthState, VerificationPhase
from model.kargo.requests import MATCH_UPSTREAM, NEWEST_FREIGHT, STRATEGIES, FreightRequest
from model.kargo.templates import StepSpec
from model.kargo.worlds import Script
from simulations.kargo.loop.fields import Fields
from simulations.replay import RecordingError

Json = dict[str, Any]

PROJECT = "demo"
"""The project that every recorded pipeline is in."""

OK: Script = (Attempt("Succeeded"),)
"""What a step does of which the script says nothing."""


@dataclass(frozen=True)
class Program:
    """A program: `policies` says for which Stages there is an auto-promotion policy, and which.

    `scripts` has for each Stage what its Promotions do, one after the other: a script for each step.
    """

    id: str
    pipeline: Pipeline
    policies: tuple[tuple[str, bool], ...]
    scripts: dict[str, tuple[tuple[Script, ...], ...]]
    events: tuple[Json, ...]

    @property
    def freight(self) -> tuple[tuple[str, str], ...]:
        """The Freight that comes, each with its Warehouse, in order."""
        return tuple((e["freight"], e["warehouse"]) for e in self.events if e["do"] == "freight")

    def script(self, stage: str, number: int, steps: int) -> tuple[Script, ...]:
        """What each of the steps does of the Promotion that is the n-th created for a Stage, counted from 1.

        Later ones do what the last one does of which something is said.
        """
        told = self.scripts.get(stage) or ((),)
        found = told[min(number, len(told)) - 1][:steps]
        return (*found, *[OK] * (steps - len(found)))


def read_program(found: Json) -> Program:
    """The program in a line of a recording.

    Raises RecordingError if anything about it is not as it should be.
    """
    program = Fields(found, "the program")
    name = program.text("id")
    program = Fields(found, f"program {name!r}")
    topology = program.fields("topology")
    warehouses = tuple(topology.texts("warehouses"))
    told = topology.list_of_fields("stages")
    names = tuple(stage.text("name") for stage in told)
    for what, several in (("Warehouse", warehouses), ("Stage", names)):
        if doubled := [n for n, count in Counter(several).items() if count > 1]:
            raise topology.wrong(f"{what} {doubled[0]!r} is there twice")
    known = Known(warehouses, names)
    pipeline = Pipeline(warehouses, tuple(read_stage(stage, known) for stage in told), PROJECT)
    autos = ((stage.text("name"), stage.flag("auto")) for stage in told)
    return Program(
        name,
        pipeline,
        tuple((stage, auto) for stage, auto in autos if auto is not None),
        dict(_read_scripts(program, known)),
        tuple(_read_events(program, known)),
    )


# Stages


class Known(NamedTuple):
    """What may be referred to: Warehouses and Stages."""

    warehouses: tuple[str, ...]
    stages: tuple[str, ...]


def read_stage(found: Fields, known: Known) -> StageSpec:
    """The Stage that a topology has."""
    spec = StageSpec(
        found.text("name"), read_requests(found, known), read_steps(found), bool(found.flag("verification"))
    )
    found.no_others("name", "requests", "template", "verification", "auto")
    return spec


def edited(spec: StageSpec, found: Fields, known: Known) -> StageSpec:
    """The Stage after an edit, which has new values for some fields."""
    found.no_others("requests", "template", "verification")
    return StageSpec(
        spec.name,
        read_requests(found, known) if found.has("requests") else spec.requests,
        read_steps(found) if found.has("template") else spec.steps,
        bool(found.flag("verification")) if found.has("verification") else spec.verification,
    )


def read_requests(found: Fields, known: Known) -> tuple[FreightRequest, ...]:
    """What a Stage asks for, Warehouse by Warehouse."""
    requests = tuple(_request(request, known) for request in found.list_of_fields("requests"))
    if len({r.warehouse for r in requests}) < len(requests):
        raise found.wrong("two requests are for one Warehouse")
    return requests


def _request(found: Fields, known: Known) -> FreightRequest:
    soak = found.number("soak")
    request = FreightRequest(
        found.one_of("warehouse", known.warehouses),
        bool(found.flag("direct")),
        tuple(found.texts("stages", ())),
        found.one_of("strategy", STRATEGIES, ""),
        None if soak is None else round(soak * 1000),
        found.one_of("policy", (NEWEST_FREIGHT, MATCH_UPSTREAM, ""), ""),
    )
    if unknown := [s for s in request.stages if s not in known.stages]:
        raise found.wrong(f"there is no Stage {unknown[0]!r}")
    found.no_others("warehouse", "direct", "stages", "strategy", "soak", "policy")
    return request


def read_steps(found: Fields) -> tuple[StepSpec, ...]:
    """The steps of a Stage's template; a control flow Stage has none."""
    steps = tuple(_step(step, n) for n, step in enumerate(found.list_of_fields("template", ()), start=1))
    if len({step.alias for step in steps}) < len(steps):
        raise found.wrong("two steps have the same alias, of which a script cannot say who does what")
    return steps


def _step(found: Fields, number: int) -> StepSpec:
    retry = found.fields("retry", {})
    timeout = retry.number("timeout")
    step = StepSpec(
        alias=found.text("as", "") or f"step-{number}",
        kind="scripted",
        condition=found.text("if", ""),
        continue_on_error=bool(found.flag("coe")),
        retry=Retry(
            None if timeout is None else round(timeout * 1000),
            retry.whole("errors") if retry.has("errors") else None,
        ),
    )
    retry.no_others("timeout", "errors")
    found.no_others("as", "if", "coe", "retry")
    return step


# Scripts

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
_SCRIPTED = re.compile(r"([a-z]+!?)(?:~([0-9]+))?(?:@([0-9]+))?(?:~([0-9]+))?")


@cache
def attempt_of(text: str) -> Attempt:
    """What an attempt comes back with: `run~20` suggests another after 20 seconds, `ok@3` takes 3.

    Raises RecordingError.
    """
    found = _SCRIPTED.fullmatch(text)
    if found is None or found[1] not in _ATTEMPTS:
        raise RecordingError(f"there is no attempt {text!r}; known are: {', '.join(_ATTEMPTS)}")
    after = found[2] or found[4]
    return _ATTEMPTS[found[1]]._replace(
        retry_after_ms=int(after) * 1000 if after else None, takes_ms=int(found[3] or 0) * 1000
    )


def _read_scripts(program: Fields, known: Known) -> Iterator[tuple[str, tuple[tuple[Script, ...], ...]]]:
    scripts = program.fields("script", {})
    scripts.no_others(*known.stages)
    for stage in scripts.names():
        promotions = scripts.items(stage, list)
        yield stage, tuple(tuple(_script(scripts, stage, step) for step in steps) for steps in promotions)


def _script(scripts: Fields, stage: str, step: object) -> Script:
    if not isinstance(step, list) or not all(isinstance(attempt, str) for attempt in step):
        raise scripts.wrong(f"{stage!r} should have a list of attempts for each step")
    try:
        return tuple(map(attempt_of, step)) or OK
    except RecordingError as error:
        raise scripts.wrong(f"{stage!r}: {error}") from error


# Events

Check = Callable[[Fields, str, Known], object]
"""What refuses a field of an event that is not what it should be."""

_REFERENCE = re.compile(r"(.+)#([0-9]+|current|last|open|oldest-open)")


def _text(event: Fields, name: str, known: Known) -> None:
    event.text(name)


def _stage(event: Fields, name: str, known: Known) -> None:
    event.one_of(name, known.stages)


def _seconds(event: Fields, name: str, known: Known) -> None:
    event.whole(name)


def _promotion(event: Fields, name: str, known: Known) -> None:
    found = _REFERENCE.fullmatch(event.text(name))
    if found is None or found[1] not in known.stages:
        raise event.wrong(f"{name} should be a Promotion of a known Stage, such as {known.stages[0]}#1")


def _choice(*values: str) -> Check:
    return lambda event, name, _known: event.one_of(name, values)


def _optional(check: Check) -> Check:
    return lambda event, name, known: check(event, name, known) if event.has(name) else None


def _warehouse(event: Fields, name: str, known: Known) -> None:
    event.one_of(name, known.warehouses)


def _edit(event: Fields, name: str, known: Known) -> None:
    edited(StageSpec("", ()), event.fields(name), known)


OF_EVENTS: dict[str, dict[str, Check]] = {
    "freight": {"freight": _text, "warehouse": _warehouse},
    "delete_freight": {"freight": _text},
    "approve": {"freight": _text, "stage": _stage},
    "promote": {"stage": _stage, "freight": _text, "name": _optional(_text)},
    "abort": {"promo": _promotion},
    "delete_promotion": {"promo": _promotion},
    "refresh_promotion": {"promo": _promotion},
    "health": {"stage": _stage, "value": _choice(*(h.value for h in HealthState if h.value))},
    "analysis": {"stage": _stage, "phase": _choice(*(v.value for v in VerificationPhase if v.value))},
    "delete_analysis": {"stage": _stage},
    "reverify": {"stage": _stage},
    "abort_verification": {"stage": _stage},
    "refresh": {"stage": _stage},
    "set_auto": {"stage": _stage, "value": _choice("on", "off")},
    "edit_stage": {"stage": _stage, "set": _optional(_edit)},
    "delete_stage": {"stage": _stage},
    "clear_last": {"stage": _stage},
    "set_last": {"stage": _stage, "name": _text},
    "stale": {"kind": _choice("Promotion"), "back": _seconds, "times": _optional(_seconds)},
    "sleep": {"seconds": _seconds},
    "restart": {},
    "reconcile_stage": {"stage": _stage},
    "reconcile_promotion": {"promo": _promotion},
    "settle": {},
    "run": {"seconds": _seconds},
}
"""The events there are, and what each has. Stale reads of Stages and Freight are not modelled."""


def _read_events(program: Fields, known: Known) -> Iterator[Json]:
    for number, found in enumerate(program.items("events", dict), start=1):
        event = Fields(found, f"{program.where} event {number}")
        fields = OF_EVENTS[event.one_of("do", OF_EVENTS)]
        for name, check in fields.items():
            check(event, name, known)
        event.no_others("do", *fields)
        yield found
