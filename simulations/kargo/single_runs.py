"""Replaying recordings whose every program is run once: the fields that come of it are compared, one by one.

A recording is a folder with `programs.jsonl.gz` and one `<release>.jsonl.gz` per release, which holds, in the same
order, an object of the fields that came of each program.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from model.kargo.releases import RELEASES, Behaviours
from simulations.replay import Divergence, RecordingError, Replayed, read_lines

Json = dict[str, Any]

Run = Callable[[Json, Behaviours], Mapping[str, object]]
"""What runs one program of a recording in the model, and tells its fields as they are recorded."""


def replay(
    run: Run,
    comparable: Callable[[str, object], object],
    folder: Path,
    releases: Iterable[str] | None = None,
    limit: int | None = None,
) -> Iterator[Replayed]:
    """The result for every release, in order; all that were recorded and are known, if none are named.

    `comparable` makes of a field, by its name, and of its value what is compared: it leaves out what the model does
    not claim to know.

    Raises RecordingError if a file is missing or cannot be read.
    """
    wanted = (
        list(releases) if releases is not None else [r for r in RELEASES if (folder / f"{r}.jsonl.gz").exists()]
    )
    for release in wanted:
        path = folder / f"{release}.jsonl.gz"
        nothing: Json = {}
        pairs = zip_longest(read_lines(folder / "programs.jsonl.gz"), read_lines(path), fillvalue=nothing)
        programs, compared, divergences = 0, 0, list[Divergence]()
        for program, recording in islice(pairs, limit):
            name = program.get("id")
            if not isinstance(name, str) or recording.get("id") != name:
                raise RecordingError(f"{path} does not hold one recording per program, in order")
            found = _fields(run, program, RELEASES[release], folder)
            expected = {field: value for field, value in recording.items() if field != "id"}
            names = sorted(expected.keys() | found.keys())
            programs, compared = programs + 1, compared + len(names)
            for field in names:
                wants, gets = (_shown(comparable, field, fields) for fields in (expected, found))
                if wants != gets:
                    divergences.append(Divergence(name, release, "", field, wants, gets))
        yield Replayed(release, programs, compared, tuple(divergences))


def _fields(run: Run, program: Json, behaviours: Behaviours, folder: Path) -> Mapping[str, object]:
    try:
        return run(program, behaviours)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise RecordingError(f"program {program['id']!r} in {folder} cannot be replayed: {error!r}") from error


def _shown(comparable: Callable[[str, object], object], field: str, fields: Mapping[str, object]) -> str:
    if field not in fields:
        return "nothing"
    return json.dumps(comparable(field, fields[field]), sort_keys=True)
