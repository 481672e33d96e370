"""Run a manifest with every outcome of every attempt, and judge the properties.

Steps may do whatever a step of their kind can do, time may pass beyond every timeout, the work directory may be
lost, and a person may abort. Prints every end that can be reached with the shortest way to it, and every property
of the step engine with its verdict. What cannot be decided without a cluster, such as an `if` that reads a
ConfigMap, is explored both ways.
"""

from __future__ import annotations

import argparse

from commands import inputs
from commands.check import add_bounds, bounds, exit_code
from commands.output import ProgressLine, add_format, print_json
from diagrams import explorations, reports
from invariants.check import check
from invariants.kargo import systems
from invariants.kargo.step_engine import ends
from model.kargo import planning
from model.system import ModelError

REFUSED = (*inputs.REFUSED, ModelError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `explore`."""
    inputs.add_manifests(parser)
    parser.add_argument(
        "--shutdown", action="store_true", help="the controller may also be shut down during a pass"
    )
    add_bounds(parser)
    add_format(parser)


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
            engine=options.engine,
            strategy=options.strategy,
            bounds=bounds(options),
            sliced=not options.no_slice,
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
