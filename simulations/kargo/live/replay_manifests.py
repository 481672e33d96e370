"""Replaying recordings of moments from their manifests alone: how often the verdict is the recorded one.

Nothing of the hidden part is read. A verdict may differ where two hidden parts fit the same manifests; what may not
be is an action that is recommended and was recorded to make things worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from model.documents import parse
from model.inputs import InputError
from model.kargo.live.objects import Live
from model.kargo.live.reading import SKIPPED, read_live
from model.kargo.live.values import instant_of
from model.kargo.releases import Behaviours
from simulations.kargo.live.actions import Action
from simulations.kargo.live.diagnosing import diagnose
from simulations.kargo.live.findings import Finding
from simulations.kargo.live.replay_snapshots import read_action
from simulations.kargo.recorded import chosen, recording
from simulations.replay import RecordingError, read_lines

Json = dict[str, Any]

RECORDED = frozenset(("ProjectConfig", "Warehouse", "Stage", "Promotion", "Freight", "AnalysisRun"))
"""The kinds of objects that moments are recorded with. Source: the README of the recordings"""


@dataclass(frozen=True)
class Agreement:
    """What came of the moments of a release: Stages, those with the recorded verdict, and bad recommendations.

    `differing` has the moment, the Stage, the recorded verdict and that from the manifests; `worse` the moment, the
    Stage and the action.
    """

    release: str
    stages: int
    differing: tuple[tuple[str, str, str, str], ...]
    worse: tuple[tuple[str, str, Action], ...]

    @property
    def same(self) -> int:
        """How many Stages have the recorded verdict."""
        return self.stages - len(self.differing)


def agreement(folder: Path, releases: Iterable[str] | None = None, limit: int | None = None) -> Iterator[Agreement]:
    """The agreement for every release, in order; all that were recorded and are known, if none are named.

    Raises RecordingError if a file is missing or cannot be read, and UnknownReleaseError.
    """
    for behaviours in chosen(folder, releases):
        yield _of_release(behaviours, islice(read_lines(recording(folder, behaviours.release)), limit))


def _of_release(behaviours: Behaviours, moments: Iterable[Json]) -> Agreement:
    count, differing, worse = 0, list[tuple[str, str, str, str]](), list[tuple[str, str, Action]]()
    for moment in moments:
        judged = moment["stages"] or ()  # none, where there are no Stages
        found = findings(moment, behaviours) if judged else {}
        for stage in judged:
            count += 1
            expected, got = moment["truth"][stage]["now"], found.get(stage)
            verdict = "nothing" if got is None else got.verdict.now.value
            if verdict != expected:
                differing.append((moment["id"], stage, expected, verdict))
            recommended = [] if got is None else [way.actions[0] for way in got.ways if len(way.actions) == 1]
            worse += ((moment["id"], stage, a) for a in recommended if _made_worse(moment, stage, a))
    return Agreement(behaviours.release, count, tuple(differing), tuple(worse))


def findings(moment: Json, behaviours: Behaviours) -> dict[str, Finding]:
    """What is said of each Stage from the manifests of a moment.

    Raises RecordingError if they are not as they should be.
    """
    try:
        live = _complete(read_live(parse(moment["manifests"].encode(), str(moment["id"]), skip=SKIPPED)))
        now = instant_of(moment["now"])
    except (KeyError, TypeError, AttributeError, InputError) as error:
        raise RecordingError(f"moment {moment.get('id')!r} is not as it should be: {error}") from error
    if now is None:
        raise RecordingError(f"moment {moment['id']!r} has no instant")
    return {finding.stage: finding for finding in diagnose(live, behaviours, now, edits=False).findings}


def _complete(live: Live) -> Live:
    """A moment has all objects of these kinds: of a kind that is absent there are none."""
    kinds = live.kinds | RECORDED
    return replace(live, kinds=kinds, projects=tuple(replace(project, kinds=kinds) for project in live.projects))


def _made_worse(moment: Json, stage: str, action: Action) -> bool:
    """Whether more was missing after that action, as it was recorded, than with mere kindness."""
    recorded = next((a for a in moment["actions"] if read_action(a["action"]) == action), None)
    if recorded is None:
        return False
    kind = moment["branches"]["cooperative"].get("unmet") or {}
    after = recorded.get("unmet") or {}
    return set(after.get(stage, ())) > set(kind.get(stage, ()))
