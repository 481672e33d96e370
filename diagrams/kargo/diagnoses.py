"""Diagnoses of the Stages of a cluster, as text and as JSON. Whatever comes from objects is made safe to print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from model.inputs import printable
from model.kargo.live.values import instant_text
from simulations.kargo.live.actions import Action
from simulations.kargo.live.commands_text import DESCRIBED
from simulations.kargo.live.findings import Diagnosis, Finding, Way, Wish
from simulations.kargo.live.gates import Gate
from simulations.kargo.live.known_bugs import KnownBug, known_bug
from simulations.kargo.live.telling import told, told_action, truth_of
from simulations.kargo.live.values_text import ago
from simulations.kargo.live.verdicts import Now, Verdict

Json = dict[str, Any]

SHOWN = 500
"""How many characters of a text from an object are shown."""

LONGEST = 4000
"""How many of a command."""

HASH = re.compile(r"\b[0-9a-f]{40}\b")
SHORT = 7
"""What Kargo calls Freight, and how much of that people go by."""

STEPS = 12
"""How many of the things that happen are told."""

WAKES = {
    "timer": "time to pass",
    "app": "its applications being Healthy",
    "analysis": "the end of its AnalysisRun",
    "step": "the step under way to end",
    "outside": "something outside, such as a Stage upstream",
}
"""What a Stage may wait for, in words."""

GOALS = {
    "open": "its Promotions over",
    "recorded": "the last success on record",
    "complete": "Freight of every Warehouse",
    "verified": "its Freight verified",
    "auto": "the newest Freight promoted",
    "deleted": "the Stage gone",
}
"""What should be so in a Stage."""


def safe(text: object) -> str:
    """A text that is safe to print, and not too long."""
    return printable(str(text), SHOWN)


def headline(found: Diagnosis) -> str:
    """The first line: every Stage with its verdict, if they are few; else how many there are of each."""
    if not found.findings:
        return "no Stage to diagnose"
    if len(found.findings) <= STEPS:
        several = len({f.project for f in found.findings}) > 1
        names = (safe(f"{f.project}/{f.stage}" if several else f.stage) for f in found.findings)
        return "; ".join(
            f"{n}: {_verdict_of(f)}{_first_way(f)}" for n, f in zip(names, found.findings, strict=True)
        )
    counts = {now: sum(f.verdict.now is now for f in found.findings) for now in Now}
    told_counts = ", ".join(f"{count} {_word(now).partition(':')[0]}" for now, count in counts.items() if count)
    return f"{len(found.findings)} Stages: {told_counts}"


def _verdict_of(found: Finding) -> str:
    """The verdict about a Stage; that it is for ever is only said if it is proven, and what is odd about others."""
    if found.proof is not None:
        return "stuck for ever"
    if found.verdict.now is Now.IDLE and found.gates:
        return "idle: nothing happens by itself"
    if found.verdict.now is Now.MOVING and any(gate.name == "queue" for gate in found.gates):
        return f"{verdict(found.verdict)}, if its controller runs"
    return verdict(found.verdict)


def _first_way(found: Finding) -> str:
    """What somebody has to do, where the verdict is that somebody has to."""
    if found.wish is not None:
        return f"; if you {_what(found.wish.way, found.stage)}: {_outcome(found.wish)}"
    needed = found.verdict.now is Now.NEEDS_SOMEONE or found.verdict.later
    return f" to {_what(found.ways[0], found.stage)}" if needed and found.ways else ""


def verdict(found: Verdict) -> str:
    """A verdict in a few words."""
    if found.now is Now.WAITING:
        until = "" if found.at is None else f", about {ago(found.at)}" if "timer" in found.waits_for else ""
        return f"waiting for {' or '.join(WAKES[w] for w in found.waits_for)}{until}{_then(found)}"
    return f"{_word(found.now)}{_then(found) if found.now is Now.MOVING else ''}"


def _then(found: Verdict) -> str:
    """What becomes of a Stage that goes on by itself, and does not come to the end."""
    if not found.later:
        return ""
    return "; then needs someone" if found.somebody_can else "; then stuck"


def _word(now: Now) -> str:
    if now is Now.STUCK:
        return "stuck: nothing that was tried helps"
    return {Now.IDLE: "idle: nothing to do", Now.NEEDS_SOMEONE: "needs someone"}.get(now) or str(now.value)


def lines(found: Diagnosis, *, explain: bool = False, everything: bool = False) -> Iterator[str]:
    """What there is to say of each Stage that does not just run; of all, with `everything`."""
    yield f"Kargo {found.release}, at {instant_text(found.now)}"
    everything |= len(found.findings) == 1
    few = len(found.findings) <= STEPS
    for finding in found.findings:
        told_of = finding.gates and (few or finding.verdict.now is not Now.IDLE)
        if everything or told_of or finding.ways:
            yield ""
            yield from _finding(finding, explain=explain)
    if found.unseen:
        yield ""
        yield "What could not be seen:"
        yield from (f"  {safe(text)}" for text in dict.fromkeys(found.unseen))


def _finding(found: Finding, *, explain: bool) -> Iterator[str]:
    yield f"Stage {safe(found.stage)} of {safe(found.project) or 'no namespace'}: {_verdict_of(found)}"
    missing = [GOALS[goal] for goal in found.verdict.unmet]
    if missing:
        yield f"  is missing: {', '.join(missing)}"
    for gate in found.gates:
        yield from _gate(gate)
    for number, way in enumerate(found.ways, start=1):
        yield from _way(way, number, found, explain=explain)
    if found.wish is not None:
        yield f"  if you {_what(found.wish.way, found.stage)}: {_outcome(found.wish)}"
        yield from (f"      {printable(line, LONGEST)}" for line in found.wish.way.commands)
        if explain:
            yield from _changes(found.wish.way.changes)
    if found.proof is not None:
        states = f"all {found.proof} states" if found.proof > 1 else "the one state"
        yield f"  proven: in {states} that controllers, clock and applications can come to, something is missing"
    if found.worse:
        avoid = sorted({f"{DESCRIBED[a.do]}{_about(a, found.stage)}" for a in found.worse})
        yield f"  makes it worse: {'; '.join(avoid[:3])}"
    if explain and found.expected and not found.ways:
        yield "  what happens next:"
        yield from _changes(found.expected)


def _gate(gate: Gate) -> Iterator[str]:
    yield f"  {gate.name}: {safe(_brief(gate.why))}"
    yield from (f"      {safe(path)}: {safe(value) or 'empty'}" for path, value in gate.fields)
    if gate.bug:
        yield f"      {_known(known_bug(gate.bug))}"


def _known(bug: KnownBug) -> str:
    fix = f"; {bug.fixes[0]}" if bug.fixes else "; no fix is known"
    where = f"in {bug.releases[0]} to {bug.releases[-1]}" if bug.releases else "in older releases"
    return f"known as {', '.join(bug.reports)}, {where}{fix}: kargo-model reproduce {bug.name}"


def _brief(text: str) -> str:
    """A text in which Freight is called as people do."""
    return HASH.sub(lambda found: found[0][:SHORT], text)


def _about(action: Action, stage: str) -> str:
    """What an action is about, and which Stage if it is another."""
    elsewhere = f"Stage {action.stage}" if action.stage not in ("", stage) else ""
    names = [name for name in (action.promotion, _brief(action.freight), elsewhere) if name]
    return f" ({safe(', '.join(names))})" if names else ""


def _described(action: Action, *, whole: bool) -> str:
    """What an action is; where there are several, without what comes of it."""
    return DESCRIBED[action.do] if whole else DESCRIBED[action.do].partition(";")[0]


def _what(way: Way, stage: str) -> str:
    """What to do about a Stage, to which other Stage if it is not that one, and when if not now."""
    what = ", then ".join(f"{_described(a, whole=len(way.actions) == 1)}{_about(a, stage)}" for a in way.actions)
    at = f", {ago(round(way.actions[0].at * 1000))} from now" if way.actions and way.actions[0].at else ""
    return (what or f"upgrade to Kargo {way.upgrade}") + at


def _outcome(wish: Wish) -> str:
    """What comes of an action that somebody asks about."""
    way = wish.way
    if wish.refused is not None:
        return f"it is refused: {safe(wish.refused)}"
    others = "; that gives up what was being promoted" if way.gives_up else ""
    others += f"; {safe(', '.join(wish.harmed))} is worse off" if wish.harmed else ""
    if wish.endless:
        return f"what then happens does not come to an end{others}"
    met, missing = (", ".join(GOALS[goal] for goal in goals) for goals in (way.meets, way.leaves))
    if wish.worse:
        return f"that makes it worse; missing then: {missing}{others}"
    if met:
        return f"then {met}{'; still missing: ' if missing else ''}{missing}{others}"
    return f"{'that does not help; still missing: ' if missing else 'nothing is missing then'}{missing}{others}"


def _way(way: Way, number: int, found: Finding, *, explain: bool) -> Iterator[str]:
    note = " (gives up what was being promoted)" if way.gives_up else ""
    left = f"; still missing: {', '.join(GOALS[g] for g in way.leaves)}" if way.leaves else ""
    yield f"  way out {number}: {_what(way, found.stage)}{note}{left}"
    yield from (f"      {printable(line, LONGEST)}" for line in way.commands)
    meets = ", ".join(GOALS[goal] for goal in way.meets)
    yield f"      then: {meets or 'something changes'}"
    if explain:
        yield from _changes(way.changes)


def _changes(changes: tuple[Any, ...]) -> Iterator[str]:
    for change in changes[:STEPS]:
        at, stage, what, value = told(change)
        yield f"      after {ago(round(at * 1000))}: {what} of {safe(stage)} is {safe(_value(value))}"
    if len(changes) > STEPS:
        yield f"      ... and {len(changes) - STEPS} more"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return " ".join("gone" if one is None else str(one) or "new" for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{origin} {freight}" for origin, freight in value.items())
    return "none" if value is None else str(value)


def as_json(found: Diagnosis) -> Json:
    """The whole diagnosis for programs."""
    return {
        "kargo": found.release,
        "now": instant_text(found.now),
        "stages": [_finding_as_json(finding) for finding in found.findings],
        "unseen": list(dict.fromkeys(found.unseen)),
    }


def _finding_as_json(found: Finding) -> Json:
    gates = [
        {"gate": g.name, "why": g.why, "fields": dict(g.fields), "known": _known_as_json(g.bug)}
        for g in found.gates
    ]
    return {
        "project": found.project,
        "stage": found.stage,
        "verdict": truth_of(found.verdict),
        "text": _verdict_of(found),
        "gates": gates,
        "ways": [_way_as_json(way) for way in found.ways],
        "proof": found.proof,
        "whatIf": None if found.wish is None else _wish_as_json(found.wish),
        "worse": [told_action(action) for action in found.worse],
        "expected": [told(change) for change in found.expected],
    }


def _wish_as_json(wish: Wish) -> Json:
    of_wish = {"refused": wish.refused, "worse": list(wish.worse), "harmed": list(wish.harmed)}
    return _way_as_json(wish.way) | of_wish | {"endless": wish.endless, "text": _outcome(wish)}


def _known_as_json(name: str) -> Json | None:
    if not name:
        return None
    bug = known_bug(name)
    told_fixes = list(bug.fixes)
    return {"scenario": name, "reports": list(bug.reports), "releases": list(bug.releases), "fixes": told_fixes}


def _way_as_json(way: Way) -> Json:
    return {
        "actions": [told_action(action) for action in way.actions],
        "commands": list(way.commands),
        "upgrade": way.upgrade or None,
        "meets": list(way.meets),
        "leaves": list(way.leaves),
        "givesUp": way.gives_up,
        "changes": [told(change) for change in way.changes],
    }
