"""What an upgrade changes for some manifests: behaviours that they reach, kinds of steps, and findings of lint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache

from invariants.kargo.step_engine import a_promotion_never_succeeds_over_a_step_it_gave_up
from invariants.trace import Trace
from model.inputs import printable
from model.kargo.bundle import Bundle
from model.kargo.releases import RELEASES, Behaviours
from model.system import Tables
from simulations.kargo import scenarios, skip_vs_retry
from simulations.kargo.lint.linter import Linter
from simulations.kargo.lint.pushes import pushes
from simulations.kargo.lint.rules import Finding
from simulations.kargo.lint.units import Unit, of_stage, units
from simulations.kargo.loop import reported
from simulations.kargo.loop.told import tell
from simulations.kargo.upgrade import elsewhere
from simulations.kargo.upgrade.kinds import KindChange, changed_kinds, changed_steps
from simulations.kargo.upgrade.of_loops import LoopComparer, LoopRun, shapes_of
from simulations.kargo.upgrade.of_steps import Comparer, StepRun
from simulations.kargo.upgrade.topics import Topic, Where, differing, documented, topic

Watch = Callable[[int, int], None]
"""Who is told how much is done, of how much."""


@dataclass(frozen=True)
class Change:
    """A behaviour that differs and is reached: by what, with the shortest run that shows it, and what it mends.

    `here` and `there` are its values. A run that is a `Trace` is possible only in the release `possible_in`.
    `mended` are reported bugs that happen before and not after: the scenario, and the numbers of the reports.
    """

    topic: Topic
    says: str
    here: str
    there: str
    subjects: tuple[str, ...] = ()
    run: StepRun | LoopRun | Trace | None = None
    possible_in: str = ""
    mended: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Upgrade:
    """Everything that is to be told of an upgrade of some manifests.

    `gone` and `new` are findings of lint that are true before, or after it, alone. `unseen` are behaviours that
    differ, of which manifests do not tell whether they are reached. `incomplete` was not explored whole.
    """

    one: str
    other: str
    changes: tuple[Change, ...]
    kinds: tuple[KindChange, ...] = ()
    gone: tuple[Finding, ...] = ()
    new: tuple[Finding, ...] = ()
    unseen: tuple[Change, ...] = ()
    incomplete: tuple[str, ...] = ()
    subjects: int = 0


def compare(bundle: Bundle, one: Behaviours, other: Behaviours, watch: Watch) -> Upgrade:
    """What changes for the manifests of a bundle."""
    found = tuple(u for u in units(bundle.manifests) if isinstance(u, Unit))
    shapes = {s: shapes_of(s, bundle) for s in bundle.manifests.stages}
    every = tuple(dict.fromkeys(shape for of in shapes.values() for shape in of))
    total = len(found) + len(every) + 2
    steps, loops = Comparer(one, other), LoopComparer(one, other)
    reached: dict[str, tuple[list[str], StepRun | LoopRun]] = {}
    for done, unit in enumerate(found):
        watch(done, total)
        for name, run in steps.reached(unit).items():
            reached.setdefault(name, ([], run))[0].append(unit.subject)
    for done, shape in enumerate(every, start=len(found)):
        watch(done, total)
        for name, of_loop in loops.reached(shape).items():
            mine = [of_stage(stage) for stage, of in shapes.items() if shape in of]
            subjects, known = reached.get(name, ([], of_loop))
            reached[name] = [*subjects, *mine], of_loop if known.made_up and not of_loop.made_up else known
    watch(total - 2, total)
    changes, unseen = _changes(bundle, found, reached, one, other)
    watch(total - 1, total)
    before, after = (Linter(b, (one, other)).judge(bundle) for b in (one, other))
    watch(total, total)
    return Upgrade(
        one.release,
        other.release,
        changes,
        tuple(changed_steps(found, one.release, other.release)),
        tuple(f for f in before if other.release not in f.releases and one.release in f.releases),
        tuple(f for f in after if one.release not in f.releases and other.release in f.releases),
        unseen,
        tuple(dict.fromkeys((*steps.incomplete, *loops.incomplete))),
        len(bundle.manifests.stages) + len(bundle.manifests.tasks),
    )


def _changes(
    bundle: Bundle,
    found: tuple[Unit, ...],
    reached: dict[str, tuple[list[str], StepRun | LoopRun]],
    one: Behaviours,
    other: Behaviours,
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """The behaviours that are reached, and those of which manifests do not tell."""
    targets = {
        (u.template.project, u.template.stage): tuple(pushes(u.template, other)) for u in found if u.template.stage
    }
    changes: list[Change] = []
    unseen: list[Change] = []
    for name in differing(one, other):
        what = change(name, one, other)
        where = what.topic.where
        if name in reached:
            subjects, run = reached[name]
            changes.append(replace(what, subjects=_each_once(subjects), run=run, mended=mended(name, one, other)))
            continue
        others: Iterator[str] = iter(())
        if where is Where.APPLICATIONS:
            others = elsewhere.of_applications(name, found)
        elif where is Where.PUSHES:
            others = elsewhere.of_pushes(name, targets)
        elif where is Where.NAMES:
            others = elsewhere.of_names(bundle)
        by = _each_once(map(printable, others))
        if by:
            trace, possible = elsewhere.run_for(name, one, other)
            bugs = mended(name, one, other)
            changes.append(replace(what, subjects=by, run=trace, possible_in=possible, mended=bugs))
        elif _may_matter(where, name, bundle, found):
            unseen.append(what)
    return tuple(changes), tuple(unseen)


def _may_matter(where: Where, name: str, bundle: Bundle, found: tuple[Unit, ...]) -> bool:
    """Whether a behaviour that was not seen may matter all the same: manifests do not tell."""
    if where is Where.APPLICATIONS:
        return elsewhere.may_matter(name, found)
    return where is Where.FAULTS or (where is Where.LOOP and elsewhere.loops_may_differ(name, bundle))


def _each_once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def change(name: str, one: Behaviours, other: Behaviours) -> Change:
    """A behaviour that differs, without what reaches it."""
    here, there = (_shown(getattr(b, name)) for b in (one, other))
    order = list(RELEASES)
    what = topic(name)
    if order.index(one.release) > order.index(other.release):
        what = replace(what, before=f"the other way round than for an upgrade ({what.before})")
    return Change(what, documented().get(name, ""), here, there)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    return "none" if value is None else str(value)


# What is mended

BUGS = (skip_vs_retry.NAME, *scenarios.STORIES)
"""Every reported bug, and every finding."""


def reports_of(name: str) -> tuple[str, ...]:
    """The numbers that a bug is known by."""
    return skip_vs_retry.REPORTS if name == skip_vs_retry.NAME else scenarios.story(name).reports


def mended(name: str, one: Behaviours, other: Behaviours) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The reported bugs that a behaviour mends: they happen in the old release and not in the new one."""
    fix = {name: getattr(other, name)}
    known = (bug for bug in BUGS if any(dict(change) == fix for change in _fixes(bug)))
    return tuple((bug, reports_of(bug)) for bug in known if breaks(bug, one) and not breaks(bug, other))


@cache
def _fixes(name: str) -> tuple[Mapping[str, object], ...]:
    """The changes of behaviour that are said to remove a bug."""
    if name == skip_vs_retry.NAME:
        before, after = RELEASES[skip_vs_retry.REPORTED_FOR], skip_vs_retry.UPSTREAM
        return ({field: getattr(after, field) for field in differing(before, after)},)
    return tuple(fix.change for fix in scenarios.story(name).fixes)


@cache
def breaks(name: str, behaviours: Behaviours) -> bool:
    """Whether a reported bug happens in a release."""
    if name == skip_vs_retry.NAME:
        green = a_promotion_never_succeeds_over_a_step_it_gave_up.__name__.replace("_", " ")
        return green in skip_vs_retry.in_release(skip_vs_retry.load(), behaviours).violated
    story = scenarios.story(name)
    told = tell(story.program, story.story, behaviours, Tables())
    return reported.judged(story, behaviours.release, told).breaks


# Everything


@dataclass(frozen=True)
class Whole:
    """The whole difference of two releases: behaviours, kinds of steps, and reported bugs and findings.

    `bugs` are (scenario, reports, whether it happens before, whether after).
    """

    one: str
    other: str
    changes: tuple[Change, ...]
    kinds: tuple[str, ...]
    bugs: tuple[tuple[str, tuple[str, ...], bool, bool], ...]


def whole(one: Behaviours, other: Behaviours, watch: Watch) -> Whole:
    """Everything that two releases differ in."""
    found = []
    for done, name in enumerate(BUGS):
        watch(done, len(BUGS))
        before, after = (breaks(name, b) for b in (one, other))
        if before is not after:
            found.append((name, reports_of(name), before, after))
    watch(len(BUGS), len(BUGS))
    changes = tuple(change(name, one, other) for name in differing(one, other) if name != "release")
    return Whole(
        one.release, other.release, changes, tuple(changed_kinds(one.release, other.release)), tuple(found)
    )
