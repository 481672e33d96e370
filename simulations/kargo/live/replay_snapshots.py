"""Replaying recordings of moments: what a user sees, and what happens next in each of several worlds.

A recording is a folder with one `<release>.jsonl.gz` per release. Each line has the live objects at a moment, what
they do not show, and how it went on: alone, restarted, with a kind outside world, and after each of some actions.
The model begins at that moment and has to go on in the same way, and what follows from that for each Stage has to
be the same.

Source: the format of the recordings, as their README describes it
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from model.documents import parse
from model.inputs import InputError
from model.kargo.live.reading import SKIPPED, read_live
from model.kargo.live.values import instant_of
from model.kargo.phases import HealthState
from model.kargo.releases import Behaviours
from model.system import ModelError, Tables
from simulations.kargo.live.actions import Action
from simulations.kargo.live.branches import WORLDS, Branch, finish, goals_of
from simulations.kargo.live.course import Answers, Course, begin
from simulations.kargo.live.hidden import Hidden
from simulations.kargo.live.restoring import Restored, restore
from simulations.kargo.live.scripts import Script, Scripted, find, unnumbered
from simulations.kargo.live.telling import Told, seconds, told, truth_of
from simulations.kargo.live.verdicts import judge
from simulations.kargo.recorded import chosen, recording
from simulations.replay import Comparison, RecordingError, Replayed, read_lines, replayed

Json = dict[str, Any]


def replay(folder: Path, releases: Iterable[str] | None = None, limit: int | None = None) -> Iterator[Replayed]:
    """The result for every release, in order; all that were recorded and are known, if none are named.

    Raises RecordingError if a file is missing or cannot be read, and UnknownReleaseError for a release that is not
    modelled.
    """
    for behaviours in chosen(folder, releases):
        tables, moments = Tables(), read_lines(recording(folder, behaviours.release))
        found = [compare(moment, behaviours, tables) for moment in islice(moments, limit)]
        yield replayed(behaviours.release, found)


@dataclass(frozen=True)
class Moment:
    """A recorded moment, and the cluster of the model at it."""

    recorded: Json
    restored: Restored

    @property
    def stages(self) -> list[str]:
        """The Stages that are judged."""
        return list(self.recorded["stages"])

    @property
    def names(self) -> frozenset[str]:
        """The names of the Promotions that exist."""
        return frozenset(self.restored.slots)


def read_moment(found: Json, behaviours: Behaviours, tables: Tables | None = None) -> Moment:
    """The cluster at a recorded moment.

    Raises RecordingError if the moment is not as it should be.
    """
    name = str(found.get("id"))
    try:
        live = read_live(parse(found["manifests"].encode(), name, skip=SKIPPED))
        now = instant_of(found["now"])
        if live.problems:
            raise live.problems[0]
        if now is None:
            raise RecordingError(f"moment {name!r} has no instant")
        hidden = read_hidden(found.get("hidden") or {})
        restored = restore(live.projects[0], behaviours, now, hidden, stages=found["stages"], tables=tables)
        return Moment(found, restored)
    except (KeyError, TypeError, ValueError, AttributeError, InputError, ModelError) as error:
        raise RecordingError(f"moment {name!r} is not as it should be: {error}") from error


def read_hidden(found: Json) -> Hidden:
    """What a moment has that its objects do not show."""
    return Hidden(
        tuple(found.get("queue") or ()),
        {item: round(after * 1000) for item, after in (found.get("timers") or {}).items()},
        dict(found.get("failures") or {}),
        {stage: HealthState(health) for stage, health in (found.get("apps") or {}).items()},
    )


def compare(found: Json, behaviours: Behaviours, tables: Tables | None = None) -> Comparison:
    """Go on from a moment in every way that was recorded, and compare.

    Where no Stage is judged, there is neither one nor a Promotion that is not over: nothing is left to go on.

    Raises RecordingError for a moment that is not as it should be.
    """
    comparison = Comparison(str(found.get("id")), behaviours.release)
    if "stages" in found and not found["stages"]:
        return comparison
    moment = read_moment(found, behaviours, tables)
    goals = goals_of(moment.restored, moment.stages)
    _note(comparison, "moment", "unmet", found.get("unmet") or {}, {s: list(g) for s, g in goals.items()})
    script, branches = Script(), dict[str, Branch]()
    for name in (n for n in WORLDS if n in found["branches"]):
        recorded = found["branches"][name]
        branches[name] = branch = _go_on(moment, name, recorded, script)
        _compare_branch(comparison, name, moment, recorded, branch)
    tried: list[tuple[Action, Branch]] = []
    for recorded in found["actions"] or ():
        action = read_action(recorded["action"])
        course = begin(moment.restored, WORLDS["cooperative"], thorough=False)
        branch = finish(moment.restored, moment.stages, course, action=action)
        tried.append((action, branch))
        _compare_branch(comparison, _shown(recorded["action"]), moment, recorded, branch)
    for stage in moment.stages:
        verdict = judge(stage, moment.restored, goals, branches, tried)
        expected, got = found["truth"].get(stage, {}), truth_of(verdict)
        for field_ in sorted(expected.keys() | got.keys()):
            _note(comparison, f"Stage {stage}", field_, expected.get(field_), got.get(field_))
    return comparison


def read_action(found: Json) -> Action:
    """An action as it was recorded."""
    return Action(
        found["do"],
        found.get("stage", ""),
        found.get("promotion", ""),
        found.get("freight", ""),
        found.get("at", 0),
    )


def _go_on(moment: Moment, name: str, recorded: Json, script: Script) -> Branch:
    """How it goes on in a world; what its steps do is found from the recording, where that does not say it."""
    world, restart = WORLDS[name], name == "restart"

    def start(answers: Answers | None = None) -> Course:
        course = begin(moment.restored, world, answers, thorough=False)
        if restart:
            course.controllers.restart()
        course.be_kind()
        return course

    if world.steps:
        return finish(moment.restored, moment.stages, begin(moment.restored, world, thorough=False))

    def agrees(course: Course) -> bool:
        return seconds(course.quiet) == recorded.get("quiet") and course.passes == recorded["passes"]

    expected: Sequence[Told] = recorded["changes"] or []
    if find(start, expected, agrees, script, moment.names) is None:
        script = script.not_for_ever()
        find(start, expected, agrees, script, moment.names)
    answers = Scripted(script, expected, moment.restored.began, moment.names)
    course = begin(moment.restored, world, answers, thorough=False)
    answers.course = course
    return finish(moment.restored, moment.stages, course, restart=restart)


def _note(comparison: Comparison, where: str, name: str, expected: object, got: object) -> None:
    """Compare one field."""
    comparison.compared += 1
    if expected != got:
        shown = (json.dumps(value, ensure_ascii=False) for value in (expected, got))
        comparison.differs(where, name, *shown)


def _compare_branch(comparison: Comparison, where: str, moment: Moment, recorded: Json, branch: Branch) -> None:
    comparison.passes += branch.passes
    changes = [unnumbered(told(change), moment.names) for change in branch.changes]
    expected = [unnumbered(change, moment.names) for change in recorded["changes"] or []]
    comparison.compared += len(expected)
    if changes != expected:
        at = next((n for n, pair in enumerate(zip(expected, changes, strict=False)) if pair[0] != pair[1]), None)
        at = min(len(expected), len(changes)) if at is None else at
        _note(comparison, where, f"change {at + 1}", expected[at : at + 1], changes[at : at + 1])
    for name, got in _told_branch(branch).items():
        _note(comparison, where, name, unnumbered_keys(recorded.get(name), moment), unnumbered_keys(got, moment))


def _told_branch(branch: Branch) -> Json:
    reached = {s: {goal: seconds(at) for goal, at in goals.items() if at} for s, goals in branch.reached.items()}
    reached = {stage: goals for stage, goals in reached.items() if goals}
    return {
        "unmet": {stage: list(goals) for stage, goals in branch.unmet.items()} or None,
        "reached": reached or None,
        "quiet": seconds(branch.quiet),
        "timers": {item: seconds(after) for item, after in branch.timers.items()} or None,
        "left": branch.left or None,
        "passes": branch.passes,
    }


def unnumbered_keys(value: Any, moment: Moment) -> Any:
    """A value whose keys may be items of the queue, without the random part of generated names."""
    if not isinstance(value, Mapping):
        return value
    return {_unnumbered_item(key, moment): one for key, one in value.items()}


def _unnumbered_item(item: str, moment: Moment) -> str:
    kind, _, name = item.partition("/")
    return f"{kind}/{unnumbered(name, moment.names)}"


def _shown(action: Json) -> str:
    return " ".join(str(value) for value in action.values())
