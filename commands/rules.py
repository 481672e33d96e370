"""Judge the eight rules of Kargo's control loop, release by release.

Each rule is cut into claims, and each claim is judged by the checker on small pipelines that are explored whole.
What was seen is remembered, so that a second call answers at once. Without --kargo, judges all releases. Exits with
1 if a claim that is shown is violated as it is stated, even if a condition restores it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from commands import counterexamples
from commands.counterexamples import CounterexampleError
from commands.fan_out import PlaceError, add_on, place
from commands.looking import Looker, cache_folder
from commands.output import BOUNDED, DONE, VIOLATED, ProgressLine, TallyLine, add_format, print_json
from diagrams import rulings
from invariants.kargo import judging
from invariants.kargo.judging import Ruling, Standing
from invariants.kargo.rules import RULES, RulePart, parts
from model.kargo.releases import LATEST, RELEASES, Behaviours, release
from model.releases import UnknownReleaseError


class UnknownRuleError(Exception):
    """There is no such rule, nor a part of one."""


REFUSED = (UnknownReleaseError, UnknownRuleError, PlaceError, CounterexampleError)

PATIENCE_S = 60.0
"""How long the shortest story is looked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `rules`."""
    parser.add_argument(
        "--kargo", metavar="VERSION", action="append", help="judge this release; may be given again (default: all)"
    )
    parser.add_argument(
        "--show", metavar="PART", help="tell how a part such as 2b is violated (default: --kargo newest)"
    )
    parser.add_argument("--no-cache", action="store_true", help="look again, and remember nothing")
    add_on(parser)
    add_format(parser, "markdown", *counterexamples.WRITERS)
    counterexamples.add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Judge and print, or show one part."""
    chosen = {b.release: b for b in map(release, options.kargo or ())}
    part = _part(options.show) if options.show else None
    counterexamples.refuse(options, bool(part) and len(chosen) < 2, "a part with --show, and one release")
    with place(options.on) as there:
        looker = Looker(None if options.no_cache else cache_folder(), TallyLine("rules"), there)
        if part:
            return _show(part, list(chosen.values()) or [LATEST], options, looker)
        return _judge([b for b in RELEASES.values() if not chosen or b.release in chosen], options.format, looker)


def judged(releases: Sequence[Behaviours], looker: Looker) -> rulings.Table:
    """Every part of every rule, judged in these releases."""
    return rulings.Table(RULES, [b.release for b in releases], judging.judge(releases, parts(), looker))


def _judge(releases: list[Behaviours], form: str, looker: Looker) -> int:
    found = judged(releases, looker)
    answer_for = LATEST.release if LATEST in releases else releases[-1].release
    if form == "json":
        print_json("rules", 1, rulings.as_json(found))
    else:
        shown = rulings.markdown if form == "markdown" else rulings.lines
        print("\n".join(shown(found, answer_for)))
    return _exit_code(found.rulings.values())


def _show(part: RulePart, releases: list[Behaviours], options: argparse.Namespace, looker: Looker) -> int:
    judged = judging.judge(releases, (part,), looker)
    told = []
    for behaviours in releases:
        ruling = judged[part.id, behaviours.release]
        progress = ProgressLine(f"{part.id} in {behaviours.release}")
        try:
            example = judging.example(ruling, behaviours, seconds=PATIENCE_S, progress=progress)
        finally:
            progress.clear()
        told.append((behaviours.release, ruling, example))
    if options.format == "json":
        print_json("rules", 1, {"shown": [rulings.example_as_json(part, *each) for each in told]})
    elif options.format in counterexamples.WRITERS:
        found = [counterexamples.of_claims(e.subject.name, r, [e.judgement]) for r, _, e in told if e]
        counterexamples.hand_over([c for some in found for c in some], options)
    else:
        print("\n\n".join("\n".join(rulings.shown(part, *each)) for each in told))
    return _exit_code(judged.values())


def _part(name: str) -> RulePart:
    known = {part.id: part for part in parts()}
    if name.lower() not in known:
        raise UnknownRuleError(f"no part {name!r} of a rule; the parts are: {', '.join(known)}")
    return known[name.lower()]


def _exit_code(judged: Iterable[Ruling]) -> int:
    """1 if something is violated as it is stated, 3 if a bound was hit, else 0."""
    standings = {ruling.standing for ruling in judged}
    if standings & {Standing.VIOLATED, Standing.CONDITIONAL}:
        return VIOLATED
    return BOUNDED if Standing.BOUNDED in standings else DONE
