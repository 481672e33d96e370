"""`draw run` and `draw scenario`: timelines and state tables of what happens."""

from __future__ import annotations

import argparse

from commands import run as running
from commands import workflows
from commands.arguments import positive
from commands.check import UsageError
from commands.draw_lifecycle import KINDS
from commands.reproduce import REFUSED as NOT_REPRODUCED
from diagrams import sessions
from diagrams.drawing import Drawable
from diagrams.kargo import runs as of_kargo
from diagrams.kargo import stories
from diagrams.pictures import shortened, slug
from diagrams.speckit import timelines as of_workflows
from diagrams.speckit.runs import headline as run_line
from diagrams.speckit.scenarios import headline, is_good
from diagrams.tracing import Told, plainly, state_table, timeline
from invariants.trace import Trace
from model.kargo.releases import release
from model.speckit import releases as speckit
from simulations.ambient import lost_retry
from simulations.kargo import scenarios, skip_vs_retry
from simulations.kargo.loop import reported
from simulations.speckit import scenarios as workflow_scenarios

REFUSED = (*running.REFUSED, *NOT_REPRODUCED, UsageError)

ABOUT = 90
"""Names of manifests are cut after so many characters in a title."""


def add_table(parser: argparse.ArgumentParser) -> None:
    """The option that asks for a table instead of lanes."""
    help_ = "a table of what there is step by step, where only what changed is said, instead of lanes"
    parser.add_argument("--table", action="store_true", help=help_)


# Runs


def add_run(parser: argparse.ArgumentParser) -> None:
    """The arguments of `draw run`: those of `run`."""
    running.add_what(parser)
    add_table(parser)


def run(options: argparse.Namespace) -> Drawable:
    """The run that the options name."""
    if running.of_a_workflow(options):
        told = workflows.taken(options)
        title = shortened(told.workflow, ABOUT)
        draw = of_workflows.state_table if options.table else of_workflows.timeline
        return draw("run", title, f"as spec-kit {told.release} runs it", told.looks, run_line(told))
    template, behaviours, result = running.taken(options)
    drawn = of_kargo.state_table if options.table else of_kargo.timeline
    return drawn(shortened(template.subject, ABOUT), behaviours.release, result)


# Scenarios


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """The arguments of `draw scenario`."""
    parser.add_argument("scenario", metavar="NAME", help="a scenario, its file, or a report's number")
    parser.add_argument("--kargo", metavar="VERSION", help="the release (default: the newest that shows the bug)")
    parser.add_argument("--spec-kit", metavar="VERSION", help="the same for a scenario of spec-kit")
    number = f"of {lost_retry.NAME}: which of its stories (default: the first)"
    parser.add_argument("--story", type=positive, metavar="N", help=number)
    add_table(parser)


def scenario(options: argparse.Namespace) -> Drawable:
    """The scenario that the options name."""
    word = options.scenario
    if lost_retry.goes_by(word):
        _refuse(options, "kargo", "spec_kit")
        return _of_a_session(options)
    if (workflow := workflow_scenarios.find(word)) is not None:
        _refuse(options, "kargo", "story")
        return of_a_workflow(workflow, options.spec_kit, table=options.table)
    name = scenarios.find(word, lost_retry.NAME, *workflow_scenarios.NAMES)
    if name == skip_vs_retry.NAME:
        _refuse(options, "spec_kit", "story")
        return from_manifests(options.kargo, table=options.table)
    _refuse(options, "spec_kit", "story")
    return of_the_loop(name, options.kargo, table=options.table)


_GOES_WITH = {
    "kargo": "a scenario of Kargo",
    "spec_kit": "a scenario of spec-kit",
    "story": lost_retry.NAME,
}


def _refuse(options: argparse.Namespace, *names: str) -> None:
    """Raise UsageError if an option is given that does not go with the scenario."""
    for name in names:
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')} goes with {_GOES_WITH[name]}")


def of_the_loop(name: str, version: str | None = None, *, table: bool = False) -> Drawable:
    """A story of the control loop."""
    draw = stories.state_table if table else stories.timeline
    return draw(reported.reproduce(scenarios.story(name), version), f"scenario-{slug(name)}")


def from_manifests(version: str | None = None, *, table: bool = False) -> Drawable:
    """The one that is run from its own manifests."""
    behaviours = release(version or skip_vs_retry.REPORTED_FOR)
    result = skip_vs_retry.run_of(skip_vs_retry.load(), behaviours)
    drawn = of_kargo.state_table if table else of_kargo.timeline
    name, about = skip_vs_retry.NAME, f"{skip_vs_retry.ABOUT} ({', '.join(skip_vs_retry.REPORTS)})"
    return drawn(name, behaviours.release, result, f"scenario-{slug(name)}", about)


def of_a_workflow(name: str, version: str | None = None, *, table: bool = False) -> Drawable:
    """A scenario of spec-kit."""
    told = speckit.release(version) if version else None
    found = workflow_scenarios.reproduce(workflow_scenarios.load(name), told)
    about = f"{found.scenario.about} ({', '.join(found.scenario.reports)})"
    title = f"{name}, as spec-kit {found.here.release} runs it"
    draw = of_workflows.state_table if table else of_workflows.timeline
    return draw(f"scenario-{slug(name)}", title, about, found.here.looks, headline(found), is_good(found))


def _of_a_session(options: argparse.Namespace) -> Drawable:
    tellings = list(lost_retry.tellings())
    number = options.story or 1
    if number > len(tellings):
        raise UsageError(f"{lost_retry.NAME} has {len(tellings)} stories")
    return of_a_session(tellings[number - 1], table=options.table)


def of_a_session(telling: lost_retry.Telling, *, table: bool = False) -> Drawable:
    """A story of a session."""
    run_ = telling.run
    [start] = run_.beats[:1]
    trace = Trace(start.taken.before, tuple(beat.taken for beat in run_.beats))
    told = Told(
        f"scenario-{slug(lost_retry.NAME)}",
        f"{lost_retry.NAME}, Ambient {telling.behaviours.version}: {telling.about}",
        f"{lost_retry.ABOUT} ({', '.join(lost_retry.REPORTS)})",
        f"After {run_.until:g} s: {sessions.ending(run_)}.",
        run_.told,
    )
    if table:
        return state_table(trace, told, shown=sessions.told)
    times = [f"{beat.at:g}s" for beat in run_.beats]
    return timeline(trace, plainly(trace, KINDS), told, shown=sessions.told, times=times)
