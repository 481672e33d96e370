"""What an upgrade of Kargo changes for some Stages and tasks, or, without files, at all.

With files: the behaviours that differ and that these manifests can reach, each with a shortest run that comes out
differently, what to look at before, and which known bugs it mends. Templates are run in both releases side by side,
with every outcome of every attempt; so are small control loops like those of the Stages. What is equal in every
state that can be reached is not told.

Without files: every behaviour that differs, the known bugs and findings that happen in one of the two releases, and
the claims of `kargo-model rules` that are ruled otherwise (which takes minutes the first time; --quick leaves them
out).

Exits with 1 if lint finds something new after the upgrade, else with 2 if something could not be read.
"""

from __future__ import annotations

import argparse
import sys

from commands.fan_out import PlaceError, add_on, place
from commands.looking import Looker, cache_folder
from commands.output import DONE, VIOLATED, TallyLine, add_format, print_json
from commands.output import REFUSED as BAD_INPUT
from diagrams.kargo import upgrades
from invariants.kargo import judging
from invariants.kargo.rules import parts
from model import gathering
from model.inputs import InputError
from model.kargo.bundle import read_bundle
from model.kargo.manifests import API_GROUP
from model.kargo.releases import LATEST, RELEASES, Behaviours, release
from model.releases import UnknownReleaseError
from simulations.kargo.lint.rules import Level
from simulations.kargo.upgrade import upgrade


class SameReleaseError(Exception):
    """There is nothing between a release and itself."""


REFUSED = (InputError, UnknownReleaseError, PlaceError, SameReleaseError)

SKIPPED = ("managedFields",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `upgrade`."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="manifests, YAML or JSON, or folders of them; - is stdin"
    )
    parser.add_argument("--from", dest="one", required=True, metavar="VERSION", help="the release that you have")
    parser.add_argument(
        "--to", dest="other", default=LATEST.release, metavar="VERSION", help="default: %(default)s"
    )
    parser.add_argument("--quick", action="store_true", help="without files: leave the claims of `rules` out")
    parser.add_argument("--no-cache", action="store_true", help="rule on those claims again")
    add_on(parser)
    add_format(parser, "markdown")


def run(options: argparse.Namespace) -> int:
    """Compare and print."""
    one, other = release(options.one), release(options.other)
    if one is other:
        raise SameReleaseError(f"--from and --to are the same release, {one.release}; nothing changes")
    return _for_manifests(one, other, options) if options.files else _at_all(one, other, options)


def _for_manifests(one: Behaviours, other: Behaviours, options: argparse.Namespace) -> int:
    gathered = gathering.gather(options.files, about=API_GROUP, stdin=sys.stdin.buffer, skip=SKIPPED)
    bundle = read_bundle(gathered.documents)
    problems = (*gathered.problems, *bundle.problems)
    if not (bundle.manifests.stages or bundle.manifests.tasks or bundle.manifests.promotions):
        raise problems[0] if problems else InputError("expected a Stage or a PromotionTask, found none")
    line = TallyLine("upgrade")
    found = upgrade.compare(bundle, one, other, line)
    if options.format == "json":
        print_json("upgrade", 1, upgrades.as_json(found, problems))
    else:
        form = upgrades.markdown if options.format == "markdown" else upgrades.lines
        print("\n".join(form(upgrades.headline(found), upgrades.sections(found), problems)))
    if any(finding.severity >= Level.WARNING for finding in found.new):
        return VIOLATED
    return BAD_INPUT if problems else DONE


def _at_all(one: Behaviours, other: Behaviours, options: argparse.Namespace) -> int:
    found = upgrade.whole(one, other, TallyLine("known bugs"))
    ruled = () if options.quick else _ruled(one, other, options)
    if options.format == "json":
        print_json("upgrade", 1, upgrades.whole_as_json(found, ruled))
    else:
        form = upgrades.markdown if options.format == "markdown" else upgrades.lines
        print("\n".join(form(upgrades.whole_headline(found, ruled), upgrades.whole_sections(found, ruled))))
    return DONE


def _ruled(one: Behaviours, other: Behaviours, options: argparse.Namespace) -> upgrades.RuledApart:
    both = [b for b in RELEASES.values() if b in (one, other)]
    with place(options.on) as there:
        looker = Looker(None if options.no_cache else cache_folder(), TallyLine("rules"), there)
        rulings = judging.judge(both, parts(), looker)
    return upgrades.ruled_apart(parts(), rulings, one.release, other.release)
