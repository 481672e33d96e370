"""What the pages of the explorer show of a walk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from commands.web.addresses import LONGEST, Address
from commands.web.catalogue import Catalogue, Group
from commands.web.goals import Goal, Seen, goals
from diagrams import walks
from diagrams.kargo.lanes import lane
from diagrams.pages import playbacks
from diagrams.pages.playbacks import Frame, Playback
from diagrams.reports import called
from diagrams.theme import Kind
from diagrams.values import show
from invariants.kargo.loops import LOOPS
from invariants.properties import ABOUT_RUNS, Property
from invariants.properties import Kind as Claimed
from invariants.subjects import Subject
from model.inputs import InputError
from model.kargo.releases import release
from simulations import exploring
from simulations.exploring import Option, Standing, Walk
from simulations.kargo.loop.retelling import NoSentenceError, retold

PLAYBACK = "walk"
"""The name of the walk in its page."""


@dataclass(frozen=True)
class Step:
    """A step that can be taken: where it leads, what it does, what changes, and which claims it would break."""

    address: str
    frame: Frame
    changes: str
    breaks: tuple[str, ...]


@dataclass(frozen=True)
class Said:
    """What claims say here: the same standing, in words and of which kind, and which claims."""

    words: str
    kind: Kind
    claims: tuple[str, ...]


@dataclass(frozen=True)
class Story:
    """The walk as a scenario: what there is to know about it, and its text (empty if there is none)."""

    about: str
    text: str = ""


@dataclass(frozen=True)
class View:
    """Everything that the page of a walk shows."""

    address: Address
    subject: Subject
    group: Group
    playback: Playback
    data: dict[str, Any]
    steps: tuple[tuple[str, tuple[Step, ...]], ...]
    """The steps that can be taken, by who acts."""
    said: tuple[Said, ...]
    about_runs: bool
    goals: tuple[tuple[str, tuple[Goal, ...]], ...]
    """What can be looked for, by heading."""
    starts: int
    test: str
    story: Story | None
    full: bool

    @property
    def back(self) -> str:
        """The address one step back."""
        return str(self.address.until(len(self.address.choices) - 1))

    @property
    def anew(self) -> str:
        """The address of the start."""
        return str(self.address.until(0))


def view(catalogue: Catalogue, address: Address, walk: Walk, glimpsed: Seen) -> View:
    """What there is to see where a walk has come to."""
    subject, group = catalogue.subject(address.system, address.release), catalogue.group(address.system)
    options = list(exploring.options(walk))
    playback = playbacks.of_trace(subject, walk.trace, key=PLAYBACK, lane=lane)
    by_type = {type(known.table.initial): known for known in group.lifecycles}
    full = len(walk.choices) >= LONGEST
    imports, expression = catalogue.in_a_test(address.system, address.release)
    test = walks.test_of(subject, walk, imports=imports, expression=expression, told=playback.told)
    found = goals(subject, walk, options, glimpsed, playback.told)
    return View(
        address=address,
        subject=subject,
        group=group,
        playback=playback,
        data=playbacks.document([playback], by_type),
        steps=() if full else tuple(_steps(subject, address, walk, options, playback)),
        said=tuple(_said(subject, walk)),
        about_runs=any(p.kind in ABOUT_RUNS for p in subject.properties),
        goals=tuple((heading, tuple(some)) for heading, some in groupby(found, key=lambda g: g.heading)),
        starts=len(exploring.starts(subject.system)),
        test=test,
        story=_story(address, walk),
        full=full,
    )


def _story(address: Address, walk: Walk) -> Story | None:
    """The walk as a scenario; None where there are none, or nothing has happened yet."""
    if address.system not in LOOPS or not walk.choices:
        return None
    try:
        found = retold(LOOPS[address.system].pipeline, walk.trace, release(address.release))
    except (NoSentenceError, InputError) as error:
        return Story(f"It cannot be told as a scenario: {error}.")
    if found.differences:
        return Story(f"Told as a scenario, it ends otherwise: {'; '.join(found.differences)}.", found.text)
    return Story("Told as a scenario, it ends the same.", found.text)


def _steps(
    subject: Subject, address: Address, walk: Walk, options: Iterable[Option], playback: Playback
) -> Iterator[tuple[str, tuple[Step, ...]]]:
    by_lane: dict[str, list[Step]] = {}
    for option in options:
        frame = playbacks.frame(option.taken, lane)
        after = exploring.take(walk, option.choice)
        breaks = tuple(p.claim for p in subject.properties if exploring.standing(after, p) is Standing.BROKEN)
        changes = playback.said(frame) or ("details only" if frame.changes else "nothing changes")
        step = Step(str(address.then(option.choice)), frame, changes, tuple(dict.fromkeys(breaks)))
        by_lane.setdefault(frame.lane, []).append(step)
    yield from ((who, tuple(steps)) for who, steps in by_lane.items())


_WORDS = {
    Standing.BROKEN: ("broken", Kind.BAD),
    Standing.REACHED: ("situations that have arisen here", Kind.MOOT),
    Standing.AWAITED: ("awaited: this has to come, or to stay possible", Kind.UNCLEAR),
    Standing.HOLDS: ("hold here", Kind.GOOD),
    Standing.MET: ("met: what had to come is here", Kind.GOOD),
    Standing.SILENT: ("say nothing here: they are about other steps, or their premise is not met", Kind.WAITING),
    Standing.NOT_HERE: ("situations that are not this one", Kind.WAITING),
}


def _said(subject: Subject, walk: Walk) -> Iterator[Said]:
    found: dict[Standing, list[str]] = {}
    for claim in subject.properties:
        found.setdefault(exploring.standing(walk, claim), []).append(_claim(claim, walk))
    for standing, (words, kind) in _WORDS.items():
        if standing in found:
            yield Said(words, kind, tuple(dict.fromkeys(found[standing])))


def _claim(claim: Property, walk: Walk) -> str:
    """A claim in words; one that is broken with the values that break it."""
    words = called(claim)
    if exploring.standing(walk, claim) is not Standing.BROKEN:
        return words
    last = walk.last
    seen = {**walk.state, **(last.record if last and claim.kind is Claimed.EVERY_STEP else {})}
    values = ", ".join(f"{name} = {show(seen[name])}" for name in claim.variables if name in seen)
    return f"{words}: {values}"
