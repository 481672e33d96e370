"""Run the steps of a Stage, task or Promotion manifest, pass by pass, or a workflow of spec-kit.

Prints after each reconcile what was done with each step and why, and the Promotion's status as Kargo writes it.
Steps succeed unless --outcome says otherwise:

  --outcome clone=Errored,Succeeded
  --outcome 'ask={status: Failed, error: not found, terminal: true}'
  --outcome 'build=Running,{status: Succeeded, output: {image: web}, duration: 90s}'

An attempt is a status (Errored comes with an error; Failed comes without one, which Kargo polls like Running), or
a mapping with any of: status, error, terminal, message, output, duration, retryAfter, healthCheck, panic. The last
attempt repeats.

With --engine spec-kit, or a file that looks like it, the first file is a workflow of spec-kit, which may call those
in the others. Prints what each step came back with, what the engine made of it, and where failures are swallowed:

  --outcome lint=failed,completed --outcome review=approve --resume --resume verdict=approve

An answer is completed, failed, interrupted or raises; at a gate one of its options, no-terminal, interrupted or
input-ends; or a mapping with exit_code, stdout, stderr (shell), or with status, output, error (command, prompt).
"""

from __future__ import annotations

import argparse

from commands import inputs, workflows
from commands.arguments import duration, positive
from commands.output import DONE, add_format, print_json
from diagrams import runs as shown
from model.kargo import planning
from model.kargo.releases import Behaviours
from model.kargo.templates import Template
from simulations.kargo import outcomes, runs
from simulations.kargo.runs import Run

REFUSED = (*inputs.REFUSED, outcomes.OutcomeError, *workflows.REFUSED)

DEFAULT_PASSES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `run`."""
    add_what(parser)
    add_format(parser)


def add_what(parser: argparse.ArgumentParser) -> None:
    """The arguments that say what is run, and how."""
    inputs.add_manifests(parser)
    parser.add_argument(
        "--outcome", action="append", default=[], metavar="ALIAS=ATTEMPTS", help="what the attempts of a step do"
    )
    parser.add_argument("--passes", type=positive, default=DEFAULT_PASSES, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--after",
        type=duration,
        metavar="DURATION",
        help="the time between passes, such as 30s (default: whenever the controller asks for the next)",
    )
    parser.add_argument(
        "--engine", choices=("kargo", workflows.ENGINE), help="default: what the first file looks like"
    )
    workflows.add_release(parser)
    workflows.add_input(parser)
    parser.add_argument(
        "--resume",
        nargs="?",
        const="",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of a workflow: resume it once it has halted, with a new value of an input; may be given again",
    )


def run(options: argparse.Namespace) -> int:
    """Run and print."""
    if of_a_workflow(options):
        return workflows.run(options)
    template, behaviours, result = taken(options)
    if options.format == "json":
        warnings = {"warnings": [str(w) for w in template.warnings]}
        print_json("run", 1, shown.as_json(template.subject, behaviours.release, result) | warnings)
    else:
        print(shown.headline(template.subject, behaviours.release, result))
        print("\n".join(shown.lines(result)))
    return DONE


def of_a_workflow(options: argparse.Namespace) -> bool:
    """Whether it is a workflow of spec-kit that is to be run."""
    return options.engine != "kargo" and workflows.are_meant(options)


def taken(options: argparse.Namespace) -> tuple[Template, Behaviours, Run]:
    """The template that the options name, the release, and its run."""
    template, behaviours = inputs.load(options)
    planner = inputs.planner(template, behaviours)
    scripts = outcomes.parse(options.outcome, planner.aliases)
    result = runs.run(planning.scripted(planner, scripts), limit=options.passes, after_ms=options.after)
    return template, behaviours, result
