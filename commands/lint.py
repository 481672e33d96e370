"""Judge Stages, PromotionTasks, ClusterPromotionTasks and Warehouses before they are applied.

Explores the steps of every Stage, and of tasks that no Stage given uses, with every outcome of every attempt,
and reads the pipeline. Each finding has its rule, its place, the shortest run that shows it, what to do about it,
and the releases it is true of. A folder stands for the files in it that mention kargo.akuity.io. The rules are in
docs/lint.md; a comment in a manifest takes a finding away:

  # kargo-model: ignore[waits-forever] people merge these within a day

Exits with 1 if a finding is at least as bad as --fail-on, else with 2 if something could not be read.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from commands.fan_out import HERE, place
from commands.output import DONE, VIOLATED, TallyLine, add_format, print_json
from commands.output import REFUSED as BAD_INPUT
from diagrams.kargo import ci_reports, findings, sarif
from diagrams.kargo.findings import Linted
from model import gathering
from model.gathering import Gathered
from model.inputs import InputError
from model.json_text import json_text
from model.kargo.bundle import Bundle, read_bundle
from model.kargo.manifests import API_GROUP
from model.kargo.releases import LATEST, release
from model.releases import UnknownReleaseError
from simulations.kargo.lint import ignores
from simulations.kargo.lint.linter import Linter
from simulations.kargo.lint.rules import RULES, Level

REFUSED = (InputError, UnknownReleaseError)

SKIPPED = ("managedFields",)

OF_OTHER_FILES = frozenset({"task-not-given", "unknown-stage"})
"""What is no mistake if only some files are given, such as those that a hook is given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `lint`."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="manifests, YAML or JSON, or folders of them; - is stdin"
    )
    parser.add_argument("--kargo", default=LATEST.release, metavar="VERSION", help="default: %(default)s")
    parser.add_argument(
        "--fail-on",
        choices=[str(level) for level in reversed(Level)],
        default=str(Level.WARNING),
        help="exit with 1 from this level on (default: %(default)s)",
    )
    parser.add_argument(
        "--only-kargo",
        action="store_true",
        help="pass over named files, too, that do not mention kargo.akuity.io, be it all of them, and only note "
        "what is not among the files; for hooks",
    )
    parser.add_argument("--short", action="store_true", help="text without the runs that show the findings")
    parser.add_argument("--rules", action=_Rules, nargs=0, help="print every rule, with its level, and exit")
    add_format(parser, "sarif", "junit", "github")


class _Rules(argparse.Action):
    """Prints the rules, as `--help` prints the help: no files are needed."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        for rule in RULES:
            print(f"{rule.id} ({rule.level}, {rule.judged.name.lower()})\n  {rule.says}\n  fix: {rule.fix}")
        parser.exit()


def run(options: argparse.Namespace) -> int:
    """Judge and print."""
    linted, least = lint(options), Level[options.fail_on.upper()]
    if options.format == "json":
        print_json("lint", 1, findings.as_json(linted))
    elif options.format == "sarif":
        print(json_text(sarif.document(linted)))
    elif options.format == "junit":
        print(ci_reports.junit(linted, least))
    elif options.format == "github":
        print("\n".join((*ci_reports.github(linted), findings.summary(linted))))
    else:
        print("\n".join(findings.lines(linted, runs_shown=not options.short)))
    if findings.counted(linted.findings, least):
        return VIOLATED
    return BAD_INPUT if linted.problems else DONE


def lint(options: argparse.Namespace) -> Linted:
    """Everything that the files come to.

    Raises InputError if nothing in them can be used.
    """
    behaviours = release(options.kargo)
    gathered = gathering.gather(
        options.files, about=API_GROUP, stdin=sys.stdin.buffer, skip=SKIPPED, lenient=options.only_kargo
    )
    bundle = read_bundle(gathered.documents)
    problems = (*gathered.problems, *bundle.problems)
    content = options.only_kargo or not (gathered.named or gathered.templates)
    if not _something(bundle) and (problems or not content):
        raise problems[0] if problems else _nothing(gathered)
    linter = Linter(behaviours)
    with place(HERE) as there:
        found = linter.judge(bundle, TallyLine("lint"), there.each)
    if options.only_kargo:
        found = tuple(replace(f, level=Level.NOTE) if f.rule.id in OF_OTHER_FILES else f for f in found)
    kept, ignored = ignores.applied(found, gathered.texts)
    return Linted(
        behaviours.release,
        kept,
        problems,
        files=len(set(gathered.texts) - set(gathered.left_out)),
        subjects=len(bundle.manifests.stages) + len(bundle.manifests.tasks),
        nothing=not _something(bundle),
        others=bundle.others,
        passed_over=gathered.passed_over,
        ignored=ignored,
        templates=tuple(gathered.templates),
        patches=tuple(gathered.patches),
        no_objects=tuple(gathered.no_objects),
        incomplete=tuple(dict.fromkeys(linter.incomplete)),
    )


def _something(bundle: Bundle) -> bool:
    found = bundle.manifests
    return bool(found.stages or found.tasks or found.promotions or bundle.warehouses)


def _nothing(gathered: Gathered) -> InputError:
    wanted = "expected a Stage, PromotionTask, ClusterPromotionTask or Warehouse"
    if gathered.templates:
        return InputError(f"{wanted}, found only templates that are no YAML yet; give what comes of them")
    return InputError(f"{wanted}, found none")
