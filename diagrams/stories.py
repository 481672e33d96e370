"""Reported bugs of the control loop as they were told: the answer, the story, the releases, and the ways out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from diagrams.tables import table
from diagrams.values import plain, show
from model.inputs import printable
from model.kargo.durations import format_duration
from model.kargo.step_engine import Entry
from model.system import Value
from simulations.kargo.loop.reported import InRelease, Mended, Reproduced, Tried
from simulations.kargo.loop.symptoms import Violation
from simulations.kargo.loop.told import Beat, Moment

State = Mapping[str, Any]

# What changed


def _phase(o: str, _was: Any, now: Any) -> str:
    return f"{o} is gone" if now is None else f"{o} is {now.value}" if now.value else ""


def _step(o: str, was: Any, now: Any) -> str:
    promotion, _, alias = o.partition("/")
    if now is None:
        return f"nothing is known of {alias} of {promotion} any more"
    again = " again" if was is not None and was.status is now.status else ""
    return f"{alias} of {promotion} is {now}{again}"


def _in_use(o: str, _was: Any, now: Any) -> str:
    stage, _, warehouse = o.partition("/")
    return f"{stage} has {now}" if now else f"{stage} has nothing of {warehouse}"


def _carried(o: str, _was: Any, now: Any) -> str:
    return f"{o.partition('/')[0]} takes along {now}" if now else ""


def _verification(o: str, _was: Any, now: Any) -> str:
    return f"verification {now.id} in {o} is {now.phase.value or 'new'}" if now else f"nothing is verified in {o}"


def _ready(o: str, was: Any, now: Any) -> str:
    changed = now is not None and (was is None or was.status != now.status)
    return f"{o} has Ready {now.status} ({now.reason})" if changed else ""


def _verified(o: str, was: Any, now: Any) -> str:
    freight, _, stage = o.partition("/")
    if was is not None and now is not None:
        return ""
    return f"{freight} is verified in {stage}" if now else f"{freight} is no longer verified in {stage}"


_WORDS: dict[str, Callable[[str, Any, Any], str]] = {
    "phase": _phase,
    "entry": _step,
    "carried": _carried,
    "current": lambda o, was, now: f"{now} is current in {o}" if now else f"none is current in {o}",
    "last": lambda o, was, now: f"{now} is the last on record in {o}" if now else f"none is on record in {o}",
    "in_use": _in_use,
    "health": lambda o, was, now: f"the health of {o} is {now.value or 'not known'}",
    "verification": _verification,
    "verified": _verified,
    "ready_condition": _ready,
}
"""How to say that a variable has changed, by its field: an object, what it was, what it is."""

_VARIABLE = re.compile(r"(\w+)\[(.+)\]")
_NAMES = ("current", "last")


def changes(moment: Moment) -> tuple[str, ...]:
    """What is different after something happened, in words, as far as a person would ask."""
    return tuple(words for _, words in changed(moment))


def changed(moment: Moment) -> tuple[tuple[str, str], ...]:
    """The same, each with the variable that it is about."""
    found = []
    labels = {v: n[5:-1] for n, v in moment.after.items() if n.startswith("name[") and v}
    for label in labels.values():
        if not moment.before.get(f"used[{label}]"):
            freight, name = moment.after[f"freight[{label}]"], moment.after[f"name[{label}]"]
            found.append((f"used[{label}]", f"{label} is made, of {freight}, named {name}"))
    for variable, now in moment.after.items():
        was = moment.before.get(variable)
        named = _VARIABLE.fullmatch(variable)
        if was == now or named is None or named[1] not in _WORDS:
            continue
        value = labels.get(now, now) if named[1] in _NAMES else now
        found.append((variable, _WORDS[named[1]](named[2], was, value)))
    return tuple((variable, words) for variable, words in found if words)


# Text


def lines(found: Reproduced) -> Iterator[str]:
    """The answer, the story, what breaks by which values, the releases, and the ways out."""
    yield headline(found)
    yield ""
    yield f"The story, as Kargo {found.release} tells it:"
    for beat in found.told.beats:
        yield from _beat(beat)
    if found.told.at_rest:
        last = format_duration(found.told.cluster.now - found.told.beats[-1].at_ms)
        yield f"  In the last {last} nothing changed: so it stays, unless somebody acts."
    if found.here.violations:
        yield ""
        yield from _verdict(found.here)
        yield ""
        yield "The claims, by release:"
        yield from (f"  {line}" for line in _releases(found.releases))
    if found.fixes:
        yield ""
        yield f"Fixes, each put into {found.release}:"
        yield from (f"  {line}" for mended in found.fixes for line in _fix(mended))
    if found.recoveries:
        yield ""
        yield f"Ways out in {found.release}, each tried:"
        yield from (f"  {line}" for tried in found.recoveries for line in _recovery(tried))


def headline(found: Reproduced) -> str:
    """The answer in one line."""
    scenario = found.scenario
    reports = f" ({', '.join(scenario.reports)})" if scenario.reports else ""
    told = f"{scenario.name}: {scenario.about}{reports}"
    if not found.here.violations:
        return f"told, and it claims nothing: {told}"
    broken = [r.release for r in found.releases if r.breaks]
    sound = [r.release for r in found.releases if not r.breaks]
    answer = f"breaks in {', '.join(broken)}" if broken else "breaks in no release that is modelled"
    answer += f"; not in {', '.join(sound)}" if sound and broken else ""
    return f"{answer}: {told}"


MOST_LINES = 20
"""How many lines of what happened are shown of one event; of more, the first and the last."""


def _beat(beat: Beat) -> Iterator[str]:
    yield f"  {format_duration(beat.at_ms):>10}  {beat.event.actor}: {printable(beat.event.text, 120)}"
    happened = list(_happened(beat))
    if len(happened) > MOST_LINES:
        left_out = len(happened) - MOST_LINES
        happened[MOST_LINES // 2 : -MOST_LINES // 2] = [f"{'':14}... and {left_out} lines like these"]
    yield from happened


def _happened(beat: Beat) -> Iterator[str]:
    told = [(_who(m, beat), m.at_ms, changes(m), m.error) for m in beat.moments]
    for (who, changed, error), group in groupby(told, key=lambda t: (t[0] if t[2] or t[3] else "", t[2], t[3])):
        passes = list(group)
        if changed or error:
            times = f" ({len(passes)} times)" if len(passes) > 1 else ""
            yield from _change(format_duration(passes[0][1]), who, changed, error, times)
    idle = sum(1 for m in beat.moments if not changes(m) and not m.error)
    if idle and beat.event.actor == "clock":
        yield f"{'':14}({idle} pass{'es' if idle > 1 else ''} without a change)"


def _who(moment: Moment, beat: Beat) -> str:
    """Who acted, where it is not said already."""
    return "" if moment.who == beat.event.actor else moment.who.replace("/", " ")


def _change(at: str, who: str, changed: tuple[str, ...], error: str, times: str) -> Iterator[str]:
    text = "; ".join((*changed, *([f"error: {printable(error, 100)}"] if error else [])))
    yield f"{'':14}{at}  {who}: {text}{times}" if who else f"{'':14}{text}{times}"


def _verdict(found: InRelease) -> Iterator[str]:
    for claim, violation in found.violations.items():
        if violation is None:
            yield f"Holds: {claim}."
            continue
        yield f"Violated: {claim}: {violation.about}, at {format_duration(violation.at_ms)}{_lasting(violation)}"
        yield from (f"  {name} = {_value(name, value)}" for name, value in violation.values)


def _lasting(violation: Violation) -> str:
    return "" if violation.lasted_ms is None else f", for {format_duration(violation.lasted_ms)}"


def _value(name: str, value: Value) -> str:
    if name.endswith("started") and isinstance(value, int):
        return format_duration(value)
    if isinstance(value, Entry):
        return (
            str(value) if value.started_at is None else f"{value}, started at {format_duration(value.started_at)}"
        )
    fields = getattr(value, "_fields", None)
    if not fields:
        return show(value)
    return ", ".join(f"{f} {show(v)}" for f in fields if (v := getattr(value, f)) not in (None, "", False))


def _releases(releases: tuple[InRelease, ...]) -> Iterator[str]:
    head = ["claim", *(r.release if r.recorded else f"{r.release}*" for r in releases)]
    rows = [
        [claim, *("violated" if r.violations[claim] else "holds" for r in releases)] for claim in _claims(releases)
    ]
    yield from table(head, rows)
    if not all(r.recorded for r in releases):
        yield "* never recorded: 1.8.3 with the gate of the queue and the auto-promotion of that release"


def _claims(releases: tuple[InRelease, ...]) -> tuple[str, ...]:
    return tuple(releases[0].violations)


def _fix(mended: Mended) -> Iterator[str]:
    left = [claim for claim, violation in mended.found.violations.items() if violation is not None]
    changed = ", ".join(f"{name} = {show(_named(value))}" for name, value in mended.fix.change.items())
    yield f"{mended.fix.name}: {'removes it' if not left else 'does not remove it: ' + '; '.join(left)}"
    yield f"    {changed}"


def _named(value: Any) -> Any:
    return getattr(value, "name", value)


def _recovery(tried: Tried) -> Iterator[str]:
    verdict = "works" if tried.works else f"does not: {'; '.join(tried.missing)}"
    yield f"{tried.recovery.name}: {verdict}"
    if tried.instead:
        yield f"    instead of: {tried.instead}"
    yield f"    {'; '.join(event.text for event in tried.recovery.events) or 'nothing'}"
    yield f"    then: {', '.join(expected.text for expected in tried.recovery.then)}"


# JSON


def as_json(found: Reproduced) -> dict[str, object]:
    """A reproduction for programs; see docs/json.md."""
    return {
        "scenario": found.scenario.name,
        "about": found.scenario.about,
        "reports": list(found.scenario.reports),
        "kargo": found.release,
        "reproduced": found.here.breaks,
        "for_ever": found.told.at_rest,
        "story": [_beat_as_json(beat) for beat in found.told.beats],
        "releases": [_release_as_json(r) for r in found.releases],
        "fixes": [
            {"name": m.fix.name, "removes": not m.found.breaks, "claims": _claims_as_json(m.found)}
            for m in found.fixes
        ],
        "recoveries": [
            {
                "name": t.recovery.name,
                "instead_of": t.instead or None,
                "events": [event.text for event in t.recovery.events],
                "then": [expected.text for expected in t.recovery.then],
                "works": t.works,
                "missing": list(t.missing),
            }
            for t in found.recoveries
        ],
    }


def _beat_as_json(beat: Beat) -> dict[str, object]:
    happened = [
        {"at": m.at_ms / 1000, "who": m.who, "changes": list(changed), "error": m.error or None}
        for m in beat.moments
        if (changed := changes(m)) or m.error
    ]
    return {"at": beat.at_ms / 1000, "actor": beat.event.actor, "event": beat.event.text, "happened": happened}


def _release_as_json(found: InRelease) -> dict[str, object]:
    return {
        "kargo": found.release,
        "recorded": found.recorded,
        "breaks": found.breaks,
        "claims": _claims_as_json(found),
    }


def _claims_as_json(found: InRelease) -> list[dict[str, object]]:
    return [{"claim": claim, "violation": _violation_as_json(v)} for claim, v in found.violations.items()]


def _violation_as_json(violation: Violation | None) -> dict[str, object] | None:
    if violation is None:
        return None
    return {
        "about": violation.about,
        "at": violation.at_ms / 1000,
        "lasted": None if violation.lasted_ms is None else violation.lasted_ms / 1000,
        "values": {name: plain(value) for name, value in violation.values},
    }
