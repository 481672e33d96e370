"""How it goes on from a moment, told as a recording tells it: what changed, which goals are met, what is left.

Source: the format of the recordings of moments, as their README describes it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from model.kargo.loop.values import of
from simulations.kargo.live.actions import Action, perform
from simulations.kargo.live.changes import Change, newest
from simulations.kargo.live.course import ALONE, KIND, LASTS_MS, MOST_PASSES, Answers, Course, World, begin
from simulations.kargo.live.goals import GOALS, Success, successes, unmet
from simulations.kargo.live.restoring import Restored

WORLDS = {
    "alone": ALONE,
    "restart": ALONE,
    "cooperative": KIND,
    "app_only": World(apps=True),
    "analysis_only": World(analysis=True),
    "steps_only": World(steps=True),
}
"""The worlds in which nobody does anything, but that the controllers may be restarted."""

LITTLE_MS = 10_000
"""How much later the second of several actions is done, and the third, and so on."""

Goals = dict[str, tuple[str, ...]]
"""The goals that are not met, by Stage; Stages that meet all of theirs are left out."""


@dataclass
class Branch:
    """How it went: `reached` says since when goals hold that did not from the beginning, in milliseconds.

    `left` are the items that were still to be looked at, `timers` the milliseconds until others will be; `has` is
    the Freight of each Stage in the end, by Warehouse.
    """

    changes: list[Change]
    unmet: Goals
    reached: dict[str, dict[str, int]]
    quiet: int | None
    capped: bool
    left: list[str]
    timers: dict[str, int]
    errors: dict[str, str]
    passes: int
    refused: str | None
    has: dict[str, dict[str, str]]

    def first(self, stage: str) -> Change | None:
        """The first thing that changes about a Stage."""
        return next((change for change in self.changes if change.stage == stage), None)


@dataclass
class Watch:
    """Looks at the goals of Stages as a course goes on."""

    course: Course
    stages: Sequence[str]
    succeeded: dict[str, Success] = field(default_factory=dict)
    unmet: Goals = field(default_factory=dict)
    since: dict[str, dict[str, int]] = field(default_factory=dict)

    def look(self, course: Course) -> None:
        """Note which goals are met, and since when."""
        self.succeeded |= successes(course.cluster)
        for stage in self.stages:
            now, was = unmet(course.cluster, stage, self.succeeded), self.unmet.get(stage, ())
            for goal in GOALS:
                if goal in now:
                    self.since.get(stage, {}).pop(goal, None)
                elif goal in was:
                    self.since.setdefault(stage, {})[goal] = course.at
            self.unmet[stage] = now


def goals_of(restored: Restored, stages: Sequence[str]) -> Goals:
    """The goals that are not met at the moment."""
    found = successes(restored.cluster)
    every = {stage: unmet(restored.cluster, stage, found) for stage in stages}
    return {stage: goals for stage, goals in every.items() if goals}


def run(
    restored: Restored,
    stages: Sequence[str],
    world: World = ALONE,
    *,
    action: Action | None = None,
    restart: bool = False,
    answers: Answers | None = None,
    most_passes: int = MOST_PASSES,
    then: Sequence[Action] = (),
    lasts_ms: int = LASTS_MS,
) -> Branch:
    """Let it go on, after an action or a restart of the controllers or neither; `then` come a little later each."""
    course = begin(restored, world, answers)
    course.most_passes, course.lasts_ms = most_passes, lasts_ms
    for number, more in enumerate(then, start=1):
        course.later.append((course.began + number * LITTLE_MS, partial(_act, restored, action=more)))
    return finish(restored, stages, course, action=action, restart=restart, closely=False)


def finish(
    restored: Restored,
    stages: Sequence[str],
    course: Course,
    *,
    action: Action | None = None,
    restart: bool = False,
    closely: bool = True,
) -> Branch:
    """Let a course go on to its end, after an action or a restart of the controllers or neither.

    Only if it is watched `closely` is anything known of when goals were reached.
    """
    goals = Watch(course, stages)
    goals.look(course)
    if closely:
        course.watchers.append(goals.look)
    refused: str | None = None
    if restart or (action is not None and action.do == "restart"):
        course.controllers.restart()
    elif action is not None and action.at:
        course.later.append((course.began + round(action.at * 1000), partial(_act, restored, action=action)))
    elif action is not None:
        refused = _act(restored, course, action)
    course.be_kind()
    goals.look(course)
    course.run()
    if not closely:
        goals.look(course)
    queue, cluster = course.controllers.queue, course.cluster
    return Branch(
        course.changes,
        {stage: goals for stage, goals in goals.unmet.items() if goals},
        {stage: reached for stage, reached in goals.since.items() if reached} if closely else {},
        course.quiet,
        course.capped,
        [item_name(course, item) for item in queue.items],
        {item_name(course, item): due - cluster.now for item, (due, _) in queue.timers.items()},
        {item_name(course, item): text for item, text in course.errors.items()},
        course.passes,
        refused,
        {stage: newest(cluster, cluster.state, stage) for stage in stages},
    )


def _act(restored: Restored, course: Course, action: Action) -> str | None:
    return course.do(lambda: perform(restored, course.cluster, action)).result


def item_name(course: Course, item: str) -> str:
    """An item of the queue by the name of its object."""
    kind, _, name = item.partition("/")
    if kind == "Promotion":
        return f"Promotion/{course.cluster.state.get(of('name', name), name)}"
    return f"Stage/{name}"
