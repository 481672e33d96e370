"""Replaying recordings of the control loop: every event has to do what it did to the controllers.

A recording is a folder with `programs.jsonl.gz` and one `<release>.jsonl.gz` per release. A program has a pipeline,
a script and events. The recording says of every event, and of every pass that the controllers made because of it,
what changed in the store, what the pass returned, and whom the watches woke.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from model.kargo.releases import Behaviours
from model.system import ModelError
from simulations.kargo.loop.fields import Fields
from simulations.kargo.loop.walks import Walk
from simulations.kargo.recorded import chosen, pairs
from simulations.replay import Comparison, RecordingError, Replayed, replayed

Json = dict[str, Any]


def replay(folder: Path, releases: Iterable[str] | None = None, limit: int | None = None) -> Iterator[Replayed]:
    """The result for every release, in order; all that were recorded and are known, if none are named.

    Programs that a release cannot express are left out.

    Raises RecordingError if a file is missing or cannot be read, and UnknownReleaseError for a release that is not
    modelled.
    """
    for behaviours in chosen(folder, releases):
        able = ((p, r) for p, r in pairs(folder, behaviours.release) if "unsupported" not in r)
        found = [compare(program, recording, behaviours) for program, recording in islice(able, limit)]
        yield replayed(behaviours.release, found)


def compare(program: Json, recording: Json, behaviours: Behaviours) -> Comparison:
    """Run a program and compare it with its recording, as far as they are the same.

    Raises RecordingError for a program or a recording that is not as it should be.
    """
    comparison = Comparison(str(program["id"]), behaviours.release)
    where = f"the recording of {comparison.program!r} in {comparison.release}"
    told = Fields(recording, where)
    events = told.items("events", dict)
    walk = Walk(program, behaviours)
    if len(events) != len(walk.program.events):
        raise told.wrong(f"there are {len(events)} events, and the program has {len(walk.program.events)}")
    if _same_there(comparison, "beginning", {n: recording.get(n) for n in ("init", "q")}, walk.begin()):
        _compare_events(comparison, walk, events)
    return comparison


def _same_there(comparison: Comparison, where: str, expected: Json, got: Json) -> bool:
    """Compare one place field by field; whether it is the same."""
    fields = told_fields(expected)
    comparison.compared += len(fields)
    if expected == got:
        return True
    model = told_fields(got)
    differing = [name for name in sorted(fields.keys() | model.keys()) if not _same(name, fields, model)]
    comparison.compared += len(model.keys() - fields.keys())
    for name in differing:
        comparison.differs(where, name, _shown(name, fields), _shown(name, model))
    return not differing


def _compare_events(comparison: Comparison, walk: Walk, recorded: list[Json]) -> None:
    for number, (event, expected) in enumerate(zip(walk.program.events, recorded, strict=True), start=1):
        got = _do(comparison.program, walk, number)
        steps, passes = _steps(expected), _steps(got)
        comparison.passes += len(passes) + event["do"].startswith("reconcile_")
        where = f"event {number}"
        for count, (step, made) in enumerate(zip(steps, passes, strict=False), start=1):
            if not _same_there(comparison, f"{where} pass {count}", step, made):
                return
        if not _same_there(comparison, where, _without_steps(expected), _without_steps(got)):
            return


def _do(program: str, walk: Walk, number: int) -> Json:
    try:
        return walk.do(walk.program.events[number - 1])
    except (ModelError, RecordingError) as error:
        raise RecordingError(f"program {program!r} event {number} cannot be replayed: {error}") from error


def _steps(told: Json) -> list[Json]:
    """The passes of an event; what is no list of objects is compared as it is."""
    found = told.get("steps")
    return found if isinstance(found, list) and all(isinstance(step, dict) for step in found) else []


def _without_steps(told: Json) -> Json:
    """An event with the number of its passes in their place."""
    return told | {"steps": len(steps)} if (steps := _steps(told)) else told


def told_fields(told: Json) -> Json:
    """Every field by its name: those of results and of the objects in a difference one by one."""
    found: Json = {}
    for key, value in told.items():
        if key in ("r", "d", "init") and isinstance(value, dict):
            for name, inner in value.items():
                if key != "r" and isinstance(inner, dict):
                    found |= {f"{key}.{name}.{part}": one for part, one in inner.items()}
                else:
                    found[f"{key}.{name}"] = inner
        else:
            found[key] = value
    return found


def _same(name: str, expected: Json, got: Json) -> bool:
    return name in expected and name in got and expected[name] == got[name]


def _shown(name: str, fields: Json) -> str:
    return json.dumps(fields[name], ensure_ascii=False) if name in fields else "nothing"
