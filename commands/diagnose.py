"""Diagnose the Stages of a cluster from its live objects.

  kubectl get stages,promotions,freight,warehouses,projectconfigs -n P -o yaml | kargo-model diagnose -

Add analysisruns, and applications of Argo CD, where there are such.

Says of each Stage whether it is moving, waiting (for what), idle, in need of someone, or stuck; which gates of the
control loop are closed, by which fields; and the least that helps, tried in the model. Nothing is written
anywhere.

Exit codes: 0 every object could be read; 2 nothing could, or the call is wrong; 3 some objects could not be read
and were left out (they are named on standard error).
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

from commands.output import BOUNDED, DONE, TallyLine, add_format, print_json
from diagrams.kargo import diagnoses
from model import gathering
from model.documents import STANDARD_INPUT
from model.inputs import DEFAULT_LIMITS, MEBIBYTE, InputError, printable
from model.kargo.live.objects import Live
from model.kargo.live.reading import SKIPPED, read_live
from model.kargo.live.values import INSTANT, instant_of
from model.kargo.manifests import API_GROUP
from model.kargo.names import EPOCH_MS
from model.kargo.releases import LATEST, Behaviours, release
from model.releases import UnknownReleaseError
from simulations.kargo.live.diagnosing import diagnose
from simulations.kargo.live.what_if import WhatIfError, wished

REFUSED = (InputError, UnknownReleaseError, WhatIfError)

LIMITS = replace(DEFAULT_LIMITS, bytes=256 * MEBIBYTE)
"""Of what is taken in: large clusters fill files that are larger than those that people write."""

BEFORE_TRAITS = "1.10.10"
"""The release that is meant where objects have nothing that only newer ones write."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `diagnose`."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="live objects, YAML or JSON, or folders of them; - is standard input",
    )
    parser.add_argument(
        "--stage", action="append", default=[], metavar="NAME", help="only this Stage, or PROJECT/NAME; may repeat"
    )
    parser.add_argument("--kargo", metavar="VERSION", help="the release (default: told from the objects)")
    parser.add_argument(
        "--now",
        metavar="TIME",
        help="when the objects were read (default: now for standard input, else the newest time in the objects)",
    )
    parser.add_argument(
        "--what-if",
        metavar="ACTION",
        help='try something: "abort PROMOTION", "delete PROMOTION", "promote FREIGHT STAGE", "refresh STAGE", ...',
    )
    parser.add_argument("--explain", action="store_true", help="tell the runs that lead from here")
    parser.add_argument("--all", action="store_true", help="tell of Stages that are idle or moving, too")
    add_format(parser)


def run(options: argparse.Namespace) -> int:
    """Diagnose and print."""
    gathered = gathering.gather(options.files, about=API_GROUP, stdin=sys.stdin.buffer, limits=LIMITS, skip=SKIPPED)
    live = read_live(gathered.documents, gathered.problems)
    if "Stage" not in live.kinds:
        wanted = "`kubectl get stages,promotions,freight,warehouses,... -o yaml`"
        raise InputError(f"expected the Stages of a live cluster, found none: give all that {wanted} prints")
    behaviours, guessed = _release(options.kargo, live)
    now = _now(options, live)
    pairs = {(project.name, stage.name) for project in live.projects for stage in project.stages}
    pairs |= {(project.name, promotion.stage) for project in live.projects for promotion in project.promotions}
    known = {stage for _, stage in pairs}
    for name in options.stage:
        if name not in known and tuple(name.split("/", 1)) not in pairs:
            shown = ", ".join(sorted(map(printable, known))[:10])
            raise InputError(f'there is no Stage "{printable(name)}"; given are: {shown}')
    action = None if options.what_if is None else wished(options.what_if, live)
    line = TallyLine("diagnose", "parts of projects")
    found = diagnose(live, behaviours, now, stages=options.stage, what_if=action, progress=line)
    found.unseen[:0] = [guessed] if guessed else []
    if options.format == "json":
        problems = {"problems": [str(p) for p in live.problems], "warnings": [str(w) for w in live.warnings]}
        print_json("diagnose", 1, diagnoses.as_json(found) | problems)
    else:
        print(diagnoses.headline(found))
        print("\n".join(diagnoses.lines(found, explain=options.explain, everything=options.all)))
        for warning in live.warnings:
            print(f"note: {warning}", file=sys.stderr)
    for problem in live.problems:
        print(f"left out: {problem}", file=sys.stderr)
    return BOUNDED if live.problems else DONE


def _release(name: str | None, live: Live) -> tuple[Behaviours, str]:
    if name:
        return release(name), ""
    if live.traits or "Promotion" not in live.kinds:
        why = f"because of {min(live.traits)}" if live.traits else "the newest"
        return LATEST, f"the release; it is taken to be {LATEST.release}, {why} (--kargo says another)"
    why = "because its Promotions have nothing that newer ones write"
    return release(BEFORE_TRAITS), f"the release; it is taken to be {BEFORE_TRAITS}, {why} (--kargo says another)"


def _now(options: argparse.Namespace, live: Live) -> int:
    if options.now:
        found = instant_of(options.now)
        if found is None:
            raise InputError(f'--now: expected {INSTANT}, found "{printable(options.now)}"')
        return found
    if STANDARD_INPUT in options.files or live.newest is None:
        return round(time.time() * 1000) - EPOCH_MS
    return live.newest
