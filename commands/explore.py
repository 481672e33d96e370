"""Run a manifest with every outcome of every attempt, or a workflow of spec-kit, and judge the properties.

Steps may do whatever a step of their kind can do, time may pass beyond every timeout, the work directory may be
lost, and a person may abort. Prints every end that can be reached with the shortest way to it, and every property
of the step engine with its verdict. What cannot be decided without a cluster, such as an `if` that reads a
ConfigMap, is explored both ways.

A workflow of spec-kit is run with every answer to every step and every decision at every gate, and resumed wherever
it can be. What a command prints is taken to be empty, and inputs have their defaults unless --input says otherwise.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace

from commands import inputs, workflows
from commands.check import add_bounds, bounds, exit_code
from commands.output import ProgressLine, add_format, print_json
from diagrams import explorations, reports
from diagrams.explorations import Exploration
from diagrams.speckit import runs as shown
from invariants.check import check
from invariants.findings import no_property
from invariants.kargo import step_engine, systems
from invariants.properties import Kind, Property
from invariants.speckit import claims as speckit_claims
from invariants.speckit import systems as speckit_systems
from invariants.subjects import Subject
from model.kargo import planning
from model.kargo.releases import Behaviours
from model.kargo.templates import Template
from model.speckit import releases as speckit
from model.speckit.advice import advice
from model.speckit.workflow import Workflow
from model.system import ModelError

REFUSED = (*inputs.REFUSED, *workflows.REFUSED, ModelError)

SYMBOLIC, EXPLICIT, LAYERS = "symbolic", "explicit", "layers"
FEW_STATES = 200_000
"""Up to so many states the explicit engine judges claims about steps several times faster than diagrams do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `explore`."""
    inputs.add_manifests(parser)
    parser.add_argument(
        "--shutdown", action="store_true", help="the controller may also be shut down during a pass"
    )
    workflows.add_release(parser)
    workflows.add_input(parser)
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
    return _workflow(options) if workflows.are_meant(options) else _manifests(options)


def subject_of(template: Template, behaviours: Behaviours, *, shutdown: bool = False) -> Subject:
    """A template with every outcome of every attempt; with `shutdown`, a controller that may be shut down, too."""
    plan = planning.free(inputs.planner(template, behaviours), writes_can_fail=shutdown)
    return systems.explored(template.subject, "every outcome of every attempt", plan)


def from_files(files: Sequence[str], kargo: str, *, name: str = "", anyway: bool = False) -> Subject:
    """The subject that manifests hold, as one release behaves.

    Raises InputError or UnknownReleaseError.
    """
    named = argparse.Namespace(files=list(files), kargo=kargo, name=name, anyway=anyway)
    return subject_of(*inputs.load(named))


def from_workflow(files: Sequence[str], release: str, *, anyway: bool = False) -> Subject:
    """The subject that a workflow of spec-kit holds, as one release behaves.

    Raises InputError or UnknownReleaseError.
    """
    named = argparse.Namespace(files=list(files), spec_kit=release, anyway=anyway, input=[], shutdown=False)
    return _subject_of_workflow(named)[0]


def of_manifests(options: argparse.Namespace) -> tuple[Exploration, Template, Behaviours]:
    """What comes of the template that the options name, and as which release."""
    template, behaviours = inputs.load(options)
    subject = subject_of(template, behaviours, shutdown=options.shutdown)
    return _explored(subject, step_engine.ends(), options), template, behaviours


def _manifests(options: argparse.Namespace) -> int:
    found, template, behaviours = of_manifests(options)
    if options.format == "json":
        warnings = {"warnings": [str(w) for w in template.warnings]}
        print_json("explore", 1, explorations.as_json(found, behaviours.release) | warnings)
    else:
        _print(explorations.lines(found, behaviours.release), found, options)
    return exit_code([found.report])


def of_workflow(options: argparse.Namespace) -> tuple[Exploration, Workflow, speckit.Behaviours]:
    """What comes of the workflow that the options name, and as which release."""
    subject, workflow, behaviours = _subject_of_workflow(options)
    return _explored(subject, speckit_claims.ends(), options), workflow, behaviours


def _subject_of_workflow(options: argparse.Namespace) -> tuple[Subject, Workflow, speckit.Behaviours]:
    workflow, behaviours = workflows.load(options)
    plan = workflows.free_plan(workflow, behaviours, options.input, breaks=options.shutdown)
    about = "every answer to every step"
    subject = speckit_systems.explored(workflow.name, about, plan, killed=options.shutdown)
    return subject, workflow, behaviours


def _workflow(options: argparse.Namespace) -> int:
    found, workflow, behaviours = of_workflow(options)
    known = advice(workflow, behaviours)
    if options.format == "json":
        told = {"advice": [{"step": a.step, "text": a.text, "swallowed": a.swallowed} for a in known]}
        print_json("explore", 1, explorations.as_json(found, behaviours.release, engine=workflows.ENGINE) | told)
    else:
        lines = explorations.lines(found, behaviours.release, engine=workflows.ENGINE, told="status")
        _print([*lines, *(["", *shown.advised(known)] if known else [])], found, options)
    return exit_code([found.report])


def _explored(subject: Subject, ways: tuple[Property, ...], options: argparse.Namespace) -> Exploration:
    """The subject explored, with the ways to its ends."""
    line = ProgressLine(subject.name)
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
    return explorations.exploration(subject, report, ways)


def _print(lines: Iterable[str], found: Exploration, options: argparse.Namespace) -> None:
    print("\n".join(lines))
    if options.profile:
        print("\n".join(reports.profile(found.report)))
