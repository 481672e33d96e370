"""Run a manifest with every outcome of every attempt, and judge the properties.

Steps may do whatever a step of their kind can do, time may pass beyond every timeout, the work directory may be
lost, and a person may abort. Prints every end that can be reached with the shortest way to it, and every property
of the step engine with its verdict. What cannot be decided without a cluster, such as an `if` that reads a
ConfigMap, is explored both ways.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from commands import inputs
from commands.check import add_bounds, bounds, exit_code
from commands.output import ProgressLine, add_format, print_json
from diagrams import explorations, reports
from invariants.check import check
from invariants.findings import no_property
from invariants.kargo import systems
from invariants.kargo.step_engine import ends
from invariants.properties import Kind
from invariants.subjects import Subject
from model.kargo import planning
from model.system import ModelError

REFUSED = (*inputs.REFUSED, ModelError)

SYMBOLIC, EXPLICIT, LAYERS = "symbolic", "explicit", "layers"
FEW_STATES = 200_000
"""Up to so many states the explicit engine judges claims about steps several times faster than diagrams do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `explore`."""
    inputs.add_manifests(parser)
    parser.add_argument(
        "--shutdown", action="store_true", help="the controller may also be shut down during a pass"
    )
    add_bounds(parser, engine=None)
    add_format(parser)


def _engine(subject: Subject, options: argparse.Namespace) -> str:
    """The engine asked for, or the explicit one where few states can be reached, which diagrams soon tell."""
    if options.engine or options.strategy != LAYERS:
        return options.engine or SYMBOLIC
    of_states = [p for p in subject.properties if p.kind is Kind.ALWAYS]
    few = replace(bounds(options), states=FEW_STATES)
    counted = check(subject.system, of_states, transitions=False, traced=no_property, bounds=few)
    return EXPLICIT if counted.complete else SYMBOLIC


def run(options: argparse.Namespace) -> int:
    """Explore and print."""
    template, behaviours = inputs.load(options)
    planner = inputs.planner(template, behaviours)
    plan = planning.free(planner, writes_can_fail=options.shutdown)
    subject = systems.explored(template.subject, "every outcome of every attempt", plan)
    ways = ends()
    line = ProgressLine(template.subject)
    try:
        report = check(
            subject.system,
            (*ways, *subject.properties),
            engine=_engine(subject, options),
            strategy=options.strategy,
            bounds=bounds(options),
            sliced=not options.no_slice,
            traced=lambda p: p if p.kind is not Kind.SOMETIMES or p in ways else None,
            progress=line,
        )
    finally:
        line.clear()
    found = explorations.exploration(subject, report, ways)
    if options.format == "json":
        warnings = {"warnings": [str(w) for w in template.warnings]}
        print_json("explore", 1, explorations.as_json(found, behaviours.release) | warnings)
    else:
        print("\n".join(explorations.lines(found, behaviours.release)))
        if options.profile:
            print("\n".join(reports.profile(report)))
    return exit_code([found.report])
