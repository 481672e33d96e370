"""What the commands share that run workflows of spec-kit: their arguments, and the way from files to a run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any

import yaml

from commands.inputs import is_folder
from commands.output import DONE, print_json
from diagrams.speckit import runs as shown
from model.documents import STANDARD_INPUT, read
from model.inputs import InputError, printable
from model.releases import UnknownReleaseError
from model.speckit.advice import advice
from model.speckit.inputs import resolved
from model.speckit.plan import Plan, World, call_counts, free, scripted
from model.speckit.releases import LATEST, Behaviours, release
from model.speckit.values import to_text
from model.speckit.workflow import Workflow
from model.system import Variable
from simulations.speckit import files, outcomes, runs
from simulations.speckit.outcomes import OutcomeError

ENGINE = "spec-kit"


class InputsError(ValueError):
    """Inputs that do not fit; the message is one sentence."""


REFUSED = (InputError, OutcomeError, InputsError, UnknownReleaseError)


def add_release(parser: argparse.ArgumentParser) -> None:
    """The option that names a release of spec-kit, and so says that the files are its workflows."""
    text = f"the files are workflows of spec-kit; run them as this release does (default: {LATEST.release})"
    parser.add_argument("--spec-kit", metavar="VERSION", help=text)


def add_input(parser: argparse.ArgumentParser) -> None:
    """The option that gives an input its value."""
    text = "of a workflow: the value of an input; may be given again"
    parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE", help=text)


def are_meant(options: argparse.Namespace) -> bool:
    """Whether the files are workflows of spec-kit: somebody says so, or the first one looks like one."""
    if getattr(options, "engine", None) == ENGINE or options.spec_kit is not None:
        return True
    first = options.files[0]
    if first == STANDARD_INPUT or is_folder(first):
        return False
    return any(map(files.is_workflow, read([first])))


def load(options: argparse.Namespace) -> tuple[Workflow, Behaviours]:
    """The workflow that the options name, and the release to run it as.

    Raises InputError or UnknownReleaseError.
    """
    behaviours = release(options.spec_kit or LATEST.release)
    workflow = files.load(options.files, behaviours, anyway=options.anyway, stdin=sys.stdin.buffer)
    return workflow, behaviours


def run(options: argparse.Namespace) -> int:
    """Run a workflow and its resumptions, and print."""
    told = taken(options)
    if options.format == "json":
        print_json("workflow-run", 1, shown.as_json(told))
    else:
        print(shown.headline(told))
        print("\n".join(shown.lines(told)))
    return DONE


def taken(options: argparse.Namespace) -> shown.Told:
    """The run of the workflow that the options name, with its resumptions."""
    workflow, behaviours = load(options)
    scripts = outcomes.parse(options.outcome, workflow)
    plan = plan_of(workflow, behaviours, scripted(scripts), options.input, call_counts(workflow))
    system, last = runs.begin(plan)
    looks = [last]
    for given in options.resume:
        last = runs.follow(plan, system, last, _inputs([given] if given else [], "--resume"))
        looks.append(last)
    return shown.Told(workflow.name, behaviours.release, looks, advice(workflow, behaviours))


def free_plan(workflow: Workflow, behaviours: Behaviours, given: list[str], *, breaks: bool) -> Plan:
    """The plan of a run in which every step may do whatever it can; with `breaks`, also raise an error.

    Raises InputsError.
    """
    return plan_of(workflow, behaviours, free(aborts=True, breaks=breaks), given)


def plan_of(
    workflow: Workflow, behaviours: Behaviours, world: World, given: list[str], calls: tuple[Variable, ...] = ()
) -> Plan:
    """The plan of a run with the inputs that are given.

    Raises InputsError if they do not fit.
    """
    try:
        values = to_text(resolved(workflow.inputs, _inputs(given, "--input")))
    except InputsError:
        raise
    except ValueError as problem:
        raise InputsError(f"--input: {printable(str(problem), 200)}") from None
    return Plan(workflow, behaviours, world, values, calls)


def _inputs(given: list[str], option: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputsError(f"{option} {printable(text)}: expected NAME=VALUE")
        found[name.strip()] = _value(value, option)
    return found


def _value(text: str, option: str) -> Any:
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text
    if found is None:
        return text
    if not isinstance(found, (str, int, float, bool)):
        raise InputsError(f"{option} {printable(text)}: expected a text, a number, or true or false")
    return found
