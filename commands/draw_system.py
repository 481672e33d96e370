"""`draw counterexample` and `draw states`: what the checker finds in a system."""

from __future__ import annotations

import argparse
import sys

from commands import check as checking
from commands.arguments import positive, seconds
from commands.check import UsageError
from commands.draw_lifecycle import KINDS
from commands.draw_told import add_table
from commands.graph import narrower
from commands.output import ProgressLine
from diagrams import states as shown
from diagrams import traces
from diagrams.drawing import Drawable
from diagrams.kargo.stages import KARGO
from diagrams.pictures import Picture, slug
from diagrams.tracing import Stage, Told, plainly, state_table, timeline
from invariants.check import Bounds, check
from invariants.graphs import TooLargeError, state_graph
from invariants.kargo import consumed_triggers, loops, shared_branch
from invariants.kargo import systems as kargo_systems
from invariants.properties import Kind
from invariants.speckit import systems as workflows
from invariants.subjects import Subject
from invariants.trace import Trace
from invariants.verdicts import Judgement, Verdict

REFUSED = checking.REFUSED

OF_KARGO = {*kargo_systems.NAMES, *loops.LOOPS, *consumed_triggers.NAMES, *shared_branch.NAMES}

PATIENCE_S = 120.0
"""How long a counterexample is looked for, if not said otherwise."""


class NothingToDrawError(Exception):
    """There is no counterexample; `complete` says that everything was seen."""

    def __init__(self, text: str, *, complete: bool) -> None:
        super().__init__(text)
        self.complete = complete


def add_counterexample(parser: argparse.ArgumentParser) -> None:
    """The arguments of `draw counterexample`."""
    parser.add_argument("systems", nargs=1, metavar="SYSTEM", help=f"one of: {', '.join(checking.KNOWN)}")
    help_ = "what the claim has in its name (default: whichever is broken in the fewest steps)"
    parser.add_argument("--property", metavar="NAME", help=help_)
    checking.add_variants(parser)
    parser.set_defaults(all_releases=False)
    help_ = "how long to look (default: %(default)g)"
    parser.add_argument("--seconds", type=seconds, default=PATIENCE_S, metavar="N", help=help_)
    add_table(parser)


def counterexample(options: argparse.Namespace) -> Drawable:
    """The shortest way to break a claim; of a situation, how it arises.

    Raises NothingToDrawError if no claim is broken, or none was found in time.
    """
    case, subject = _one(options, "a counterexample")
    if options.property:
        subject = checking.only(subject, options.property)
    if not subject.properties:
        raise UsageError(f"{case.system} has no property with {options.property!r} in its name")
    judgement = _found(subject, options)
    claim, trace = judgement.property, judgement.trace
    assert trace is not None
    broken = judgement.verdict is Verdict.VIOLATED
    told = Told(
        slug(f"{subject.name}-{claim.name}"),
        f"{'Violated' if broken else 'How it arises'}: {claim.claim}",
        f"{subject.name}: {subject.about}{_as_of(case)}",
        f"So {traces.verdict_of(claim, trace)}" if broken else "",
    )
    return draw_trace(trace, subject, told, table=options.table, speaks_of=claim.variables)


def _as_of(case: checking.Case) -> str:
    """Which release it is of which engine."""
    if case.release is None:
        return ""
    workflow = "spec-kit" if case.system in workflows.NAMES else "Kargo"
    return f", as {'Ambient' if case.system in checking.SESSIONS else workflow} {case.release}"


def draw_trace(
    trace: Trace, subject: Subject, told: Told, *, table: bool, speaks_of: tuple[str, ...] = ()
) -> Drawable:
    """The picture of a trace of a system, without what its stories need not tell of."""

    def spoken_of(variable: str) -> bool:
        return variable in speaks_of or not variable.startswith(subject.quiet)

    if table:
        return state_table(trace, told, shown=spoken_of)
    return timeline(trace, stage_of(subject, trace), told, shown=spoken_of)


def stage_of(subject: Subject, trace: Trace) -> Stage:
    """Who acts in which lane."""
    return KARGO if subject.name in OF_KARGO else plainly(trace, KINDS)


def _found(subject: Subject, options: argparse.Namespace) -> Judgement:
    line = ProgressLine(subject.name)
    try:
        report = check(
            subject.system,
            subject.properties,
            strategy=checking.suiting(subject),
            transitions=False,
            stop_when_decided=True,
            traced=lambda claim: claim.function,
            bounds=Bounds(seconds=options.seconds),
            progress=line,
        )
    finally:
        line.clear()
    traced = [j for j in report.judgements if j.trace is not None]
    broken = [j for j in traced if j.verdict is Verdict.VIOLATED]
    arising = [j for j in traced if j.property.kind is Kind.SOMETIMES] if options.property else []
    found = sorted(broken or arising, key=lambda j: len(j.trace.steps) if j.trace else 0)
    if not found:
        if report.complete:
            raise NothingToDrawError("there is no counterexample: every claim asked for holds", complete=True)
        raise NothingToDrawError(f"no counterexample was found: {report.bound}", complete=False)
    if others := list(dict.fromkeys(j.property.claim for j in found[1:])):
        print(f"drawn: {found[0].property.claim}; broken as well: {'; '.join(others)}", file=sys.stderr)
    return found[0]


def _one(options: argparse.Namespace, what: str) -> tuple[checking.Case, Subject]:
    case, *more = checking.cases_of(options)
    if more:
        raise UsageError(f"{what} is of one system, as one release behaves, with one size")
    return case, checking.named(case, options.size)


# States


def add_states(parser: argparse.ArgumentParser) -> None:
    """The arguments of `draw states`."""
    parser.add_argument("systems", nargs=1, metavar="SYSTEM", help=f"one of: {', '.join(checking.KNOWN)}")
    checking.add_variants(parser)
    parser.set_defaults(all_releases=False)
    help_ = "a node for each combination of values of these variables, such as dev.health,dev.1.phase"
    parser.add_argument("--by", metavar="VAR,VAR", help=help_)
    help_ = "how many nodes it may have (default: %(default)s)"
    parser.add_argument("--states", type=positive, default=shown.MOST, metavar="N", help=help_)


def states(options: argparse.Namespace) -> Picture:
    """What can be reached."""
    case, subject = _one(options, "a graph")
    known = [v.name for v in subject.system.variables if not v.local]
    meant = [_meant(text, known) for text in (options.by or "").split(",") if text.strip()]
    first = [names[:1] for names in meant]
    remarks: tuple[str, ...] = ()
    try:
        try:
            graph = state_graph(subject.system, by=_flat(meant), most=options.states)
        except TooLargeError:
            if first == meant:
                raise
            graph = state_graph(subject.system, by=_flat(first), most=options.states)
            left_out = _flat([names[1:] for names in meant])
            remarks = (f"With {', '.join(left_out)} as well there would be more than {options.states} nodes.",)
    except TooLargeError as error:
        raise UsageError(f"{error}: {narrower(case)}") from error
    return shown.picture(subject, graph, KINDS, remarks)


def _flat(names: list[list[str]]) -> tuple[str, ...]:
    return tuple(name for some in names for name in some)


def _meant(text: str, known: list[str]) -> list[str]:
    """The variables that people mean: one by its name, or as `dev.health`; `stage.health` or `health` means all."""
    name = text.strip()
    owner, _, field = name.rpartition(".")
    if name in known or f"{field}[{owner}]" in known:
        return [name if name in known else f"{field}[{owner}]"]
    kind = owner in ("", "stage", "promotion", "freight", "application")
    return [n for n in known if kind and n.startswith(f"{field}[")] or [name]
