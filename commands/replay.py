"""Replay recordings of the real controller against the model.

FOLDER holds `programs.jsonl.gz` and one `<release>.jsonl.gz` per release, or folders that do. Every program is run
through the model, and every field that was recorded is compared.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from commands.arguments import positive
from commands.output import DONE, VIOLATED, add_format, print_json
from model.kargo.releases import release
from model.releases import UnknownReleaseError
from simulations.kargo.families import Family, folders, recorded_releases
from simulations.kargo.live import replay_snapshots
from simulations.kargo.live.replay_manifests import Agreement, agreement
from simulations.replay import Divergence, RecordingError, Replayed

REFUSED = (RecordingError, UnknownReleaseError)

SHOWN = 5


@dataclass(frozen=True)
class Timed:
    """The replay of one release, and how long it took."""

    result: Replayed
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `replay`."""
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--kargo", metavar="VERSION", help="only this release (default: all that were recorded)")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N programs")
    parser.add_argument(
        "--show", type=positive, default=SHOWN, metavar="N", help="how many divergences (default: %(default)s)"
    )
    parser.add_argument(
        "--manifests-only",
        action="store_true",
        help="of moments: how often the verdict is the recorded one if only the manifests are known",
    )
    add_format(parser)


def run(options: argparse.Namespace) -> int:
    """Replay and print."""
    if options.manifests_only:
        return _from_manifests(options)
    wanted = release(options.kargo).release if options.kargo else None
    recordings, strange = folders(options.folder)
    for folder in strange:
        print(f"warning: {folder} is passed over: no family of recordings that can be replayed", file=sys.stderr)
    found = [(f, family, list(_replayed(f, family, wanted, options.limit))) for f, family in recordings]
    results = [timed.result for _, _, timings in found for timed in timings]
    divergences = [d for result in results for d in result.divergences]
    if options.format == "json":
        print_json("replay", 1, _as_json(found, results, options.show))
    else:
        print(_headline(results, divergences))
        for folder, family, timings in found:
            print(f"\n{folder} ({family.name})")
            for timed in timings:
                print(f"  {_line(timed)}")
        print("".join(f"\n{line}" for d in divergences[: options.show] for line in _told(d)), end="")
        if len(divergences) > options.show:
            print(f"\n... and {len(divergences) - options.show:,} more", end="")
        print()
    return VIOLATED if divergences else DONE


WELL_ENOUGH = 0.97
"""The share of verdicts that has to be the recorded one where the hidden part is not known."""


def _from_manifests(options: argparse.Namespace) -> int:
    """What the manifests of recorded moments tell; the others have no such thing."""
    recordings, _ = folders(options.folder)
    moments = [folder for folder, family in recordings if family.replay is replay_snapshots.replay]
    if not moments:
        raise RecordingError(f"{options.folder} holds no recordings of moments")
    wanted = [release(options.kargo).release] if options.kargo else None
    found = [a for folder in moments for a in agreement(folder, wanted, options.limit)]
    if options.format == "json":
        print_json("replay-manifests", 1, {"releases": [_agreement(one, options.show) for one in found]})
    else:
        for one in found:
            share = one.same / max(1, one.stages)
            bad = f"{len(one.worse)} recommendations that make it worse"
            print(f"Kargo {one.release:8} {one.same} of {one.stages} verdicts as recorded ({share:.1%}), {bad}")
        for one in found:
            for moment, stage, expected, got in one.differing[: options.show]:
                print(f"  Kargo {one.release}, {moment}, Stage {stage}: {expected} was recorded, not {got}")
    well = all(one.same >= WELL_ENOUGH * one.stages and not one.worse for one in found)
    return DONE if well else VIOLATED


def _agreement(one: Agreement, shown: int) -> dict[str, object]:
    return {
        "kargo": one.release,
        "stages": one.stages,
        "same": one.same,
        "worse": len(one.worse),
        "first": [
            {"moment": moment, "stage": stage, "expected": expected, "got": got}
            for moment, stage, expected, got in one.differing[:shown]
        ],
    }


def _replayed(folder: Path, family: Family, wanted: str | None, limit: int | None) -> Iterator[Timed]:
    for name in [wanted] if wanted else recorded_releases(folder):
        if sys.stderr.isatty():
            print(f"\r\033[K{folder.name}: replaying Kargo {name} ...", end="", file=sys.stderr, flush=True)
        began = time.perf_counter()
        for result in family.replay(folder, [name], limit):
            yield Timed(result, time.perf_counter() - began)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _headline(results: list[Replayed], divergences: list[Divergence]) -> str:
    programs, compared = sum(r.programs for r in results), sum(r.compared for r in results)
    over = f"{programs:,} programs, {compared:,} fields compared"
    if divergences:
        return f"diverges: {len(divergences):,} divergences; {over}"
    return f"agrees: no divergence; {over}" if compared else "nothing was compared"


def _line(timed: Timed) -> str:
    result = timed.result
    passes = f"{result.passes:,} passes, " if result.passes else ""
    return (
        f"Kargo {result.release:8} {result.programs:,} programs, {passes}{result.compared:,} fields, "
        f"{len(result.divergences):,} divergences, {timed.seconds:.1f} s"
    )


def _told(divergence: Divergence) -> list[str]:
    where = f", {divergence.where}" if divergence.where else ""
    return [
        f"Kargo {divergence.release}, program {divergence.program}{where}: {divergence.field}",
        f"  recorded  {divergence.expected}",
        f"  model     {divergence.got}",
    ]


def _as_json(
    found: list[tuple[Path, Family, list[Timed]]], results: list[Replayed], shown: int
) -> dict[str, object]:
    return {
        "programs": sum(r.programs for r in results),
        "passes": sum(r.passes for r in results),
        "compared": sum(r.compared for r in results),
        "divergences": sum(len(r.divergences) for r in results),
        "families": [
            {
                "folder": str(folder),
                "family": family.name,
                "releases": [_release(timed, shown) for timed in timings],
            }
            for folder, family, timings in found
        ],
    }


def _release(timed: Timed, shown: int) -> dict[str, object]:
    result = timed.result
    return {
        "kargo": result.release,
        "programs": result.programs,
        "passes": result.passes,
        "compared": result.compared,
        "divergences": len(result.divergences),
        "seconds": round(timed.seconds, 3),
        "first": [
            {"program": d.program, "where": d.where, "field": d.field, "expected": d.expected, "got": d.got}
            for d in result.divergences[:shown]
        ],
    }
