"""Replaying recordings whose every program is run once: the fields that come of it are compared, one by one.

A recording is a folder with `programs.jsonl.gz` and one `<release>.jsonl.gz` per release, which holds, in the same
order, an object of the fields that came of each program.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from model.kargo.releases import Behaviours
from simulations.kargo.recorded import chosen, pairs, recording
from simulations.replay import Divergence, RecordingError, Replayed

Json = dict[str, Any]

Run = Callable[[Json, Behaviours], Mapping[str, object]]
"""What runs one program of a recording in the model, and tells its fields as they are recorded."""

Comparable = Callable[[str, object], object]
"""What makes of a field, by its name, and of its value what is compared, without what the model does not know."""


def replay(
    run: Run,
    comparable: Comparable,
    folder: Path,
    releases: Iterable[str] | None = None,
    limit: int | None = None,
) -> Iterator[Replayed]:
    """The result for every release, in order; all that were recorded and are known, if none are named.

    Raises RecordingError if a file is missing or cannot be read, and UnknownReleaseError for a release that is not
    modelled.
    """
    for behaviours in chosen(folder, releases):
        programs, compared, divergences = 0, 0, list[Divergence]()
        for program, recorded in islice(pairs(folder, behaviours.release), limit):
            try:
                fields = list(_fields(run(program, behaviours), recorded, comparable))
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                path = recording(folder, behaviours.release)
                raise RecordingError(
                    f"program {program['id']!r} of {path} cannot be replayed: {error!r}"
                ) from error
            programs, compared = programs + 1, compared + len(fields)
            divergences += [
                Divergence(program["id"], behaviours.release, "", field, expected, got)
                for field, expected, got in fields
                if expected != got
            ]
        yield Replayed(behaviours.release, programs, compared, tuple(divergences))


def _fields(got: Mapping[str, object], recorded: Json, comparable: Comparable) -> Iterator[tuple[str, str, str]]:
    """Every field, with what was recorded of it and what the model says, both as text."""
    for field in sorted((recorded.keys() | got.keys()) - {"id"}):
        yield field, _shown(comparable, field, recorded), _shown(comparable, field, got)


def _shown(comparable: Comparable, field: str, fields: Mapping[str, object]) -> str:
    if field not in fields:
        return "nothing"
    return json.dumps(comparable(field, fields[field]), ensure_ascii=False, sort_keys=True)
