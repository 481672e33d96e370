"""What the steps of recorded Promotions come back with, where a recording only shows what comes of it.

In a world that is not kind to them, steps follow a script. A recording of a moment does not have it. So it is
looked for: attempts are tried, the likely ones first, until what the model makes of them is what was recorded.
The same script then holds in all the worlds of that moment.

Source: the format of the recordings of moments, as their README describes it
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from model.kargo.attempts import Attempt
from model.kargo.loop.stage_pass import POLL_MS
from model.kargo.loop.values import of
from simulations.kargo.live.course import SUCCEEDS, Course, as_before
from simulations.kargo.live.telling import Told, told
from simulations.kargo.loop.cluster import Cluster
from simulations.kargo.loop.programs import attempt_of
from simulations.kargo.loop.queue import FIRST_BACKOFF_MS

GOES_ON = ("run", "err", "fail", "ferr", "rerr", "run~20", "run~5", "run@1")
"""Attempts after which there may be another, in the order in which they are tried."""

SOON = ("run~20", "run~5", "err", "ferr", "rerr", "run@1", "run", "fail")
"""The same, where there is another within less than the usual time."""

ENDS = ("ok", "skip", "fail!", "err!", "err", "ferr", "panic", "fail", "ok@40", "ok@1", "ok@3")
"""Attempts after which there may be no other."""

FAILS = ("err!", "fail!", "ok", "err", "ferr", "panic", "fail", "rerr", "run", "skip")
"""The same, where the Promotion does not succeed."""

MOST_TRIALS = 150
"""How many ways are tried before the search is given up."""

GENERATED = re.compile(r"(.+\.[0-9a-z]{10})[0-9a-z]{16}(\.[0-9a-f]{1,7})")


def unnumbered(value: Any, known: Collection[str]) -> Any:
    """A value without the random part of generated names, but for those that are `known` from the beginning."""
    if isinstance(value, str):
        found = None if value in known else GENERATED.fullmatch(value)
        return f"{found[1]}{found[2]}" if found else value
    return [unnumbered(one, known) for one in value] if isinstance(value, (list, tuple)) else value


class MismatchError(Exception):
    """What the model does is not what was recorded; `names` are those of the Promotions that it is about."""

    def __init__(self, *changes: Told) -> None:
        super().__init__()
        self.names = {change[3][0] for change in changes if change[2] in ("promotion", "step")}
        if len(self.names) < len(changes):
            self.names.clear()


class Choice(NamedTuple):
    """What an attempt comes back with, and whether all later ones of that step do the same."""

    attempt: Attempt
    for_ever: bool = False


Key = tuple[str, str, int]
"""A slot, a step, and the number of the attempt since the moment."""


@dataclass
class Script:
    """What attempts come back with, as far as it is known.

    `chosen` has the choices in the order in which they were made, each with those that are left to try.
    """

    known: dict[Key, Choice] = field(default_factory=dict)
    chosen: list[tuple[Key, list[Choice]]] = field(default_factory=list)
    soon: Sequence[str] = SOON
    """The attempts after which there is another soon, in the order in which they are tried."""

    def at(self, slot: str, alias: str, number: int) -> Choice | None:
        """What is known of an attempt, None if nothing is."""
        if (slot, alias, number) in self.known:
            return self.known[slot, alias, number]
        earlier = (self.known.get((slot, alias, n)) for n in range(number))
        return next((choice for choice in earlier if choice is not None and choice.for_ever), None)

    def not_for_ever(self) -> Script:
        """What is known of attempts that were made, without what that was taken to mean for those after them."""
        return Script({key: choice._replace(for_ever=False) for key, choice in self.known.items()})

    def choose(self, key: Key, choices: list[Choice]) -> Choice:
        """Take the first of these choices; the others are left to try."""
        self.known[key] = choices[0]
        self.chosen.append((key, choices[1:]))
        return choices[0]

    def retry(self, slots: Collection[str] = ()) -> bool:
        """Try the next choice, the last one that was made first; False if there is none.

        Where it is known which slots it is about, choices about others are given up.
        """
        about = any(key[0] in slots for key, _ in self.chosen)
        while self.chosen:
            key, left = self.chosen.pop()
            del self.known[key]
            if left and (key[0] in slots or not about):
                self.choose(key, left)
                return True
        return False


@dataclass
class Scripted:
    """Steps that follow a script, which is made up as it goes."""

    script: Script
    expected: Sequence[Told]
    began: int
    names: Collection[str]
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    previous: dict[tuple[str, str], Attempt] = field(default_factory=dict)
    ready: dict[tuple[str, str], list[Choice]] = field(default_factory=dict)
    course: Course | None = None

    def next(self, cluster: Cluster, slot: str, alias: str) -> Attempt:
        """What is known of it, or else the most likely."""
        found = self.script.at(slot, alias, self.counts.get((slot, alias), 0))
        if found is None:
            self.ready[slot, alias] = choices = self._choices(cluster, slot, alias)
            found = choices[0]
        return found.attempt

    def _choices(self, cluster: Cluster, slot: str, alias: str) -> list[Choice]:
        """The likely ones first, by what was recorded of that Promotion later."""
        before = self.previous.get((slot, alias), as_before(cluster, slot, alias))
        known = [before] if before != SUCCEEDS else []
        later, at = self._later(cluster, slot), (cluster.now - self.began) / 1000
        if not later:
            return [*_choose(GOES_ON, known, for_ever=True), *_choose(ENDS)]
        going = self._going(later, at, known)
        if later[0][0] > at:
            for_ever = _choose(GOES_ON, known, for_ever=True)
            first = for_ever[:1] if (slot, alias) not in self.previous else []
            return [*first, *going, *_choose(ENDS), *for_ever[len(first) :]]
        stops, ends = _stops_at(later, cluster, slot)
        if stops == cluster.plans[slot].aliases.index(alias):
            return [*going, *_choose(ENDS)]
        timed = _choose(GOES_ON, known, for_ever=True)[:1] if known else []
        return [*timed, *_choose(FAILS if ends in ("Failed", "Errored") else ENDS), *going]

    def _going(self, later: Sequence[Told], at: float, known: list[Attempt]) -> list[Choice]:
        """Attempts after which there is another, by the time until something else happens.

        That is made of polls, of which each is a millisecond late, and of pauses after errors, if there were any.
        """
        after_ms = next((round((change[0] - at) * 1000) for change in later if change[0] > at), 0)
        if 0 < after_ms < POLL_MS:
            return _choose(self.script.soon, known)
        failed = bool(known) and (known[0].error is not None)
        if not failed and FIRST_BACKOFF_MS < after_ms % (POLL_MS + 1) < 1000:
            return _choose(("err", *GOES_ON))
        return _choose(GOES_ON, () if failed else known)

    def _later(self, cluster: Cluster, slot: str) -> list[Told]:
        """What was recorded of that Promotion that has not happened yet."""
        name = unnumbered(cluster.state[of("name", slot)], self.names)
        assert self.course is not None
        happened = sum(self._is_of(c.what, c.value, name) for c in self.course.changes)
        return [c for c in self.expected if self._is_of(c[2], c[3], name)][happened:]

    def _is_of(self, what: str, value: Any, name: str) -> bool:
        return what in ("promotion", "step") and unnumbered(value[0], self.names) == name

    def ran(self, cluster: Cluster, slot: str, aliases: Sequence[str]) -> None:
        """Note the choices that were made."""
        for alias in aliases:
            number = self.counts.get((slot, alias), 0)
            if self.script.at(slot, alias, number) is None:
                self.script.choose((slot, alias, number), self.ready[slot, alias])
            self.counts[slot, alias] = number + 1
            self.previous[slot, alias] = cluster.state[of("answer", slot, alias)]

    def repeats(self, cluster: Cluster, slot: str) -> bool:
        """Whether the step under way comes back with the same for ever."""
        current = cluster.state[of("current_step", slot)]
        alias = cluster.plans[slot].steps[current].rules.alias
        found = self.script.at(slot, alias, self.counts.get((slot, alias), 1) - 1)
        return found is not None and found.for_ever


def _choose(texts: Iterable[str], known: Iterable[Attempt] = (), *, for_ever: bool = False) -> list[Choice]:
    return [Choice(a, for_ever) for a in dict.fromkeys([*known, *map(attempt_of, texts)])]


def _stops_at(later: Sequence[Told], cluster: Cluster, slot: str) -> tuple[int | None, str]:
    """Which step a pass stops at, None where it ends the Promotion; and the phase that it ends in."""
    at, stops = later[0][0], cluster.state[of("current_step", slot)]
    for told_at, _, what, (_, value) in later[:2]:
        if told_at == at and what == "promotion" and value != "Running":
            return None, value
        if told_at == at and what == "step":
            stops = value
    return stops, ""


def follow(course: Course, expected: Iterable[Told], names: Collection[str]) -> None:
    """Have a course stop, with a MismatchError, as soon as it is not what was recorded."""
    wanted = [unnumbered(change, names) for change in expected]
    seen = 0

    def compare(now: Course) -> None:
        nonlocal seen
        for change in now.changes[seen:]:
            got = unnumbered(told(change), names)
            if seen >= len(wanted) or got != wanted[seen]:
                raise MismatchError(got, *wanted[seen : seen + 1])
            seen += 1

    def overdue(now: Course) -> None:
        if seen < len(wanted) and now.at / 1000 > wanted[seen][0]:
            raise MismatchError(wanted[seen])

    course.watchers.append(compare)
    course.each_pass.append(overdue)


def find(
    begin: Callable[[Scripted], Course],
    expected: Sequence[Told],
    agrees: Callable[[Course], bool],
    script: Script,
    names: Collection[str],
) -> Course | None:
    """The course that is as it was recorded, with the script that leads to it; None if none is found.

    `begin` makes a new course with a script, `agrees` compares what the changes do not show. What the script knows
    already stays as it is. `names` are those of the Promotions that exist.
    """
    known = dict(script.known)
    for soon in (SOON, GOES_ON):
        script.known, script.chosen, script.soon = dict(known), [], soon
        for course in _trials(begin, expected, script, names):
            if course is not None and agrees(course):
                return course
    script.known, script.chosen = known, []
    return None


def _trials(
    begin: Callable[[Scripted], Course], expected: Sequence[Told], script: Script, names: Collection[str]
) -> Iterator[Course | None]:
    for _ in range(MOST_TRIALS):
        course = begin(Scripted(script, expected, 0, names))
        assert isinstance(course.answers, Scripted)
        course.answers.began, course.answers.course = course.began, course
        follow(course, expected, names)
        try:
            course.run()
            slots: set[str] = set()
            yield course if len(course.changes) == len(expected) else None
        except MismatchError as mismatch:
            made = {unnumbered(course.cluster.state[of("name", s)], names): s for s in course.cluster.made}
            slots = {made[name] for name in mismatch.names if name in made}
            yield None
        if not script.retry(slots):
            return
