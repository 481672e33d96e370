"""Check every property of the systems that exist, or of one of them.

Without SYSTEM, checks them all, which takes a minute or so. Kargo's systems are checked as the release given by
--kargo behaves: Promotions with a few steps; control loops, which are small pipelines with all that people,
applications and the controller do in them; and Stages that push to one branch. Sessions of the Ambient operator are
checked as the version given by --ambient treats them. The toys are classic systems whose sizes are known, to try
the checker.

With several releases, or several numbers of Promotions or Freight, prints a table for each system: what holds
where. Control loops are checked side by side, in processes of this machine or in a Dask cluster (--on).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import NamedTuple

from commands import counterexamples, saving
from commands.arguments import few, memory, positive, seconds, size
from commands.counterexamples import CounterexampleError
from commands.fan_out import HERE, Place, PlaceError, add_on, place
from commands.output import BOUNDED, DONE, VIOLATED, ProgressLine, TallyLine, add_format, print_json
from commands.saving import OptionError, add_long
from diagrams import families, reports
from invariants import toys
from invariants.alike import alike
from invariants.ambient import systems as sessions
from invariants.check import ENGINES, STRATEGIES, Bounds, check
from invariants.findings import no_property
from invariants.kargo import consumed_triggers, loops, shared_branch
from invariants.kargo import systems as kargo_systems
from invariants.properties import Kind, Property
from invariants.saving import CheckpointError
from invariants.speckit import systems as workflows
from invariants.subjects import Subject
from invariants.verdicts import Report, Verdict, Watch
from model.ambient import behaviours as ambient
from model.kargo.releases import LATEST, RELEASES, release
from model.releases import UnknownReleaseError
from model.speckit import releases as speckit
from model.system import ModelError
from model.toys import TOYS


class UsageError(Exception):
    """The call asks for something that does not exist."""


REFUSED = (
    UsageError,
    UnknownReleaseError,
    ModelError,
    PlaceError,
    CounterexampleError,
    OptionError,
    CheckpointError,
)

LAYERS, SATURATION = STRATEGIES
SYMBOLIC = "symbolic"

WIDE = 200
"""A system of more variables is explored by saturation, unless said otherwise."""

SESSIONS = tuple(sessions.SITUATIONS)
KNOWN = (
    *kargo_systems.NAMES,
    *loops.LOOPS,
    *consumed_triggers.NAMES,
    *shared_branch.NAMES,
    *SESSIONS,
    *workflows.NAMES,
    *TOYS,
)
TODAY = "head"
"""The version of the Ambient operator, unless somebody asks for another one."""


def add_bounds(
    parser: argparse.ArgumentParser, engine: str | None = SYMBOLIC, strategy: str | None = LAYERS
) -> None:
    """The options that choose an engine and a strategy (None: whichever suits), and bound their work."""
    default = engine or "the one that suits the number of states"
    parser.add_argument("--engine", choices=sorted(ENGINES), default=engine, help=f"default: {default}")
    default = strategy or f"{SATURATION} for control loops and more than {WIDE} variables, {LAYERS} for the rest"
    default = f"of the symbolic engine (default: {default})"
    parser.add_argument("--strategy", choices=STRATEGIES, default=strategy, help=default)
    parser.add_argument("--states", type=positive, metavar="N", help="stop after about this many states")
    parser.add_argument("--depth", type=positive, metavar="N", help="stop after this many levels")
    parser.add_argument("--seconds", type=seconds, metavar="N", help="stop each system after this long")
    parser.add_argument("--memory", type=memory, default=2 << 30, metavar="SIZE", help="such as 512M (default 2G)")
    parser.add_argument("--no-slice", action="store_true", help="keep variables that no property depends on")
    parser.add_argument("--profile", action="store_true", help="show what each function of the model cost")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `check`."""
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", help=f"of: {', '.join(KNOWN)}")
    add_variants(parser, "; may be given again")
    parser.add_argument("--all-releases", action="store_true", help="every release that is modelled")
    parser.add_argument("--property", metavar="NAME", help="only properties with this in their name")
    add_bounds(parser, strategy=None)
    add_long(parser)
    add_on(parser)
    add_format(parser, *counterexamples.WRITERS)
    counterexamples.add_output(parser)


def add_variants(parser: argparse.ArgumentParser, again: str = "") -> None:
    """The options that choose releases and sizes; `again` says in their help that they may be given again."""
    parser.add_argument("--kargo", action="append", metavar="VERSION", help=f"default: {LATEST.release}{again}")
    listed = ", ".join(ambient.VERSIONS)
    help_ = f"of sessions: {listed} (default: {TODAY}){again}"
    parser.add_argument("--ambient", action="append", metavar="VERSION", help=help_)
    help_ = f"of workflows: the release of spec-kit (default: {speckit.LATEST.release}){again}"
    parser.add_argument("--spec-kit", action="append", metavar="VERSION", help=help_)
    parser.add_argument("--size", type=size, metavar="N", help="of a toy: how many processes it has")
    for bound, what in (("promotions", "for each Stage"), ("freight", "from each Warehouse")):
        text = f"of a control loop: so many {what}{again}"
        parser.add_argument(f"--{bound}", type=few, action="append", metavar="N", help=text)


class Case(NamedTuple):
    """What to check: a system by its name, as a release behaves (None: a toy), and the bounds of a control loop.

    The release of a session is a version of the Ambient operator, that of a workflow one of spec-kit.
    """

    system: str
    release: str | None
    promotions: int | None
    freight: int | None

    @property
    def variant(self) -> families.Variant:
        """What is special about it beside its system."""
        return families.Variant(self.release, self.promotions, self.freight)

    def says(self, size: int | None) -> str:
        """The same in words."""
        several = ((self.promotions, "Promotions"), (self.freight, "Freight"), (size, "processes"))
        counted = [f"{number} {what}" for number, what in several if number]
        return ", ".join([self.system, *([f"as {self.release}"] if self.release else []), *counted])

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        if self.system in SESSIONS:
            return self._replace(release=None).variant.as_json() | {"ambient": self.release}
        if self.system in workflows.NAMES:
            return self._replace(release=None).variant.as_json() | {"spec-kit": self.release}
        return self.variant.as_json()


Checked = tuple[Case, Subject, Report]


def run(options: argparse.Namespace) -> int:
    """Check, print, and say by the exit code how it went."""
    began = time.perf_counter()
    checked = judged(options)
    _show(checked, options, time.perf_counter() - began)
    return exit_code([report for _, _, report in checked])


def judged(options: argparse.Namespace) -> list[Checked]:
    """Everything that the options ask for, checked."""
    cases = cases_of(options)
    counterexamples.refuse(options, len(cases) == 1, "one system and one release")
    saving.refuse(options, len(cases) == 1)
    if (options.save or options.resume) and options.on != HERE:
        raise UsageError("--save and --resume write on this machine; leave out --on")
    subjects = _subjects(cases, options)
    with place(options.on) as there:
        reported = _judge_all(list(subjects), options, there)
    return [(case, subject, reported[case]) for case, subject in subjects.items()]


def _show(checked: Sequence[Checked], options: argparse.Namespace, seconds: float) -> None:
    if options.format == "json":
        told = [case.as_json() | reports.as_json(s, r) for case, s, r in checked]
        print_json("check", 1, {"systems": told})
    elif options.format in counterexamples.WRITERS:
        found = (counterexamples.of_claims(s.name, case.release, r.judgements) for case, s, r in checked)
        counterexamples.hand_over([c for some in found for c in some], options)
    else:
        plain = [(s, r) for _, s, r in checked]
        print(reports.summary(plain, seconds))
        if _is_family(options):
            print("\n".join(families.lines((s, case.variant, r) for case, s, r in checked)))
        else:
            print("\n".join(line for pair in plain for line in _told(*pair, options)))


def _told(subject: Subject, report: Report, options: argparse.Namespace) -> Iterator[str]:
    yield ""
    yield from reports.lines(subject, report, witnesses=bool(options.property))
    if options.profile:
        yield from reports.profile(report)


def exit_code(checked: list[Report]) -> int:
    """1 if a property is violated, 3 if a bound was hit, 0 if everything holds."""
    if any(j.verdict is Verdict.VIOLATED for report in checked for j in report.judgements):
        return VIOLATED
    return DONE if all(report.complete for report in checked) else BOUNDED


def bounds(options: argparse.Namespace) -> Bounds:
    """The bounds that the options name."""
    threads = getattr(options, "threads", 1)
    return Bounds(options.states, options.depth, options.seconds, options.memory, threads)


def _judge_all(cases: Sequence[Case], options: argparse.Namespace, there: Place) -> dict[Case, Report]:
    """The report on each case, from there if that is worth it: only control loops take longer than to begin."""
    if sum(case.system in loops.LOOPS for case in cases) <= there.few:
        return {case: _judge_here(case, options) for case in cases}
    line = TallyLine("check")
    found: dict[Case, Report] = {}
    line(0, len(cases))
    for portion in there.each(partial(_judge, options=options), _portions(cases)):
        found |= portion
        line(len(found), len(cases))
    return found


PORTION = 2
"""So many releases of a system are one portion: neighbours are often alike, and small portions even out."""


def _portions(cases: Iterable[Case]) -> Iterator[tuple[Case, ...]]:
    by_system: dict[object, list[Case]] = {}
    for case in cases:
        by_system.setdefault(case._replace(release=None), []).append(case)
    for some in by_system.values():
        yield from (tuple(some[at : at + PORTION]) for at in range(0, len(some), PORTION))


def _judge(cases: Iterable[Case], *, options: argparse.Namespace) -> dict[Case, Report]:
    """The report on each of a few cases, explored once where another release would go the same way."""
    explored: list[tuple[Subject, Report]] = []
    found = {}
    for case in cases:
        subject = _subject(case, options)
        same = (r for s, r in explored if s.properties == subject.properties and alike(s.system, subject.system))
        report = next(same, None)
        if report is None:
            report = _check(case, subject, options, None)
            if report.complete:
                explored.append((subject, report))
        found[case] = report
    return found


def _judge_here(case: Case, options: argparse.Namespace) -> Report:
    line = ProgressLine(case.system)
    try:
        return _check(case, _subject(case, options), options, line)
    finally:
        line.clear()


def _check(case: Case, subject: Subject, options: argparse.Namespace, watch: Watch | None) -> Report:
    strategy = options.strategy or _suiting(subject, options)
    told = partial(_traced, all_of_them=options.format == "json", witnesses=bool(options.property))
    return check(
        subject.system,
        subject.properties,
        engine=options.engine,
        strategy=strategy,
        bounds=bounds(options),
        sliced=not options.no_slice,
        order=saving.order_of(options),
        checkpoint=saving.checkpoint(options, case.says(options.size), strategy),
        transitions=strategy == LAYERS or subject.name not in loops.LOOPS,
        traced=no_property if options.format == "text" and _is_family(options) else told,
        progress=watch,
    )


def _traced(claim: Property, *, all_of_them: bool, witnesses: bool) -> Hashable:
    """People are told one story for each claim, and of what is possible only if they ask for it."""
    if all_of_them:
        return claim
    return claim.function if claim.kind is not Kind.SOMETIMES or witnesses else None


def _suiting(subject: Subject, options: argparse.Namespace) -> str:
    """What the engine and a bound on depth allow."""
    return LAYERS if options.engine != SYMBOLIC or options.depth is not None else suiting(subject)


def suiting(subject: Subject) -> str:
    """The strategy for a system: control loops are too deep for layers, and so is what has very many variables."""
    return SATURATION if subject.name in loops.LOOPS or len(subject.system.variables) > WIDE else LAYERS


def _is_family(options: argparse.Namespace) -> bool:
    """Whether systems are to be compared, in several releases or with several bounds."""
    several = (options.kargo, options.ambient, options.spec_kit, options.promotions, options.freight)
    return options.all_releases or any(len(values or ()) > 1 for values in several)


def cases_of(options: argparse.Namespace) -> list[Case]:
    """What the options ask for, each once, the releases of a system together."""
    _refuse(options)
    bounded = (options.promotions or [None], options.freight or [None])
    names = options.systems or KNOWN
    return list(dict.fromkeys(Case(n, *each) for n in names for each in product(_releases(n, options), *bounded)))


def _releases(system: str, options: argparse.Namespace) -> list[str | None]:
    """The releases that a system is to be checked in."""
    if system in TOYS:
        return [None]
    if system in SESSIONS:
        asked = [*ambient.VERSIONS] if options.all_releases else options.ambient or [TODAY]
        return [ambient.named(ambient.version(v)) for v in asked]
    if system in workflows.NAMES:
        chosen = options.spec_kit or [speckit.LATEST.release]
        return [*speckit.RELEASES] if options.all_releases else [speckit.release(v).release for v in chosen]
    return [*RELEASES] if options.all_releases else [release(v).release for v in options.kargo or [LATEST.release]]


def _refuse(options: argparse.Namespace) -> None:
    """Raise UsageError if a system does not exist, or has no such bounds."""
    named = options.systems
    for name in named:
        if name not in KNOWN:
            raise UsageError(f"no system {name!r}; the systems are: {', '.join(KNOWN)}")
    if options.size and not (named and all(name in TOYS for name in named)):
        raise UsageError("--size goes with the name of a toy")
    if (options.promotions or options.freight) and not (named and all(name in loops.LOOPS for name in named)):
        known = ", ".join(loops.LOOPS)
        raise UsageError(f"--promotions and --freight go with the name of a control loop: {known}")
    if options.ambient and named and not any(name in SESSIONS for name in named):
        raise UsageError(f"--ambient goes with the name of a session: {', '.join(SESSIONS)}")
    if options.spec_kit and named and not any(name in workflows.NAMES for name in named):
        raise UsageError(f"--spec-kit goes with the name of a workflow: {', '.join(workflows.NAMES)}")
    if options.all_releases and (options.kargo or options.ambient or options.spec_kit):
        raise UsageError("--all-releases leaves nothing to choose with --kargo, --ambient or --spec-kit")


def _subjects(cases: Iterable[Case], options: argparse.Namespace) -> dict[Case, Subject]:
    """The subject of each case, without those that have none of the properties asked for."""
    whole = {case: named(case, options.size) for case in cases}
    wanted = options.property
    if not wanted:
        return whole
    chosen = {case: subject for case, s in whole.items() if (subject := only(s, wanted)).properties}
    if not chosen:
        listed = ", ".join(dict.fromkeys(p.claim for s in whole.values() for p in s.properties))
        raise UsageError(f"no property has {wanted!r} in its name; the properties are: {listed}")
    return chosen


def _subject(case: Case, options: argparse.Namespace) -> Subject:
    whole = named(case, options.size)
    return only(whole, options.property) if options.property else whole


def named(case: Case, size: int | None) -> Subject:
    """What a case is about. Raises UsageError for a size where there is none to choose."""
    if case.system in TOYS:
        try:
            return toys.subject(case.system, size)
        except TypeError:
            raise UsageError(f"{case.system} has no size to choose") from None
    if case.system in SESSIONS:
        return sessions.subject(case.system, ambient.version(case.release or TODAY))
    if case.system in workflows.NAMES:
        return workflows.subject(case.system, speckit.release(case.release or speckit.LATEST.release))
    behaviours = release(case.release or LATEST.release)
    if case.system in consumed_triggers.NAMES:
        return consumed_triggers.subject(case.system, behaviours)
    if case.system in shared_branch.NAMES:
        return shared_branch.subject(case.system, behaviours)
    if case.system in loops.LOOPS:
        return loops.subject(case.system, behaviours, promotions=case.promotions, freight=case.freight)
    return kargo_systems.subject(case.system, behaviours)


def only(subject: Subject, wanted: str) -> Subject:
    """A system with its properties of that name, or claim."""
    words = _plain(wanted)
    chosen = (p for p in subject.properties if words in _plain(p.name) or words in _plain(p.claim))
    return replace(subject, properties=tuple(chosen))


def _plain(name: str) -> str:
    return name.replace("-", " ").replace("_", " ").lower()
