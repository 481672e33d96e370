"""How long a diagnosis takes, from the command line, reading included.

    python -m benchmarks.diagnose [--stages N]

Makes projects of five Stages in a line, each Stage with ten Promotions that are over and one Stage in ten in need
of someone, and has them diagnosed cold, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model.kargo.releases import LATEST
from simulations.kargo.live.writing import manifests
from simulations.kargo.loop.walks import Walk

Json = dict[str, Any]

IN_PROJECT = 5
PROMOTIONS = 10


def program(troubled: bool) -> Json:
    """Five Stages in a line through which ten Freight go; the last Promotion of a troubled one was aborted."""
    names = [f"stage-{n}" for n in range(1, IN_PROJECT + 1)]
    stages = [
        {
            "name": name,
            "requests": [{"warehouse": "w", "stages": [before]} if before else {"warehouse": "w", "direct": True}],
            "template": [{"as": "deploy"}],
            "auto": True,
        }
        for before, name in zip(["", *names], names, strict=False)
    ]
    events: list[Json] = []
    for n in range(1, PROMOTIONS + 1):
        events += [{"do": "freight", "freight": f"f{n:02}", "warehouse": "w"}, {"do": "settle"}]
    if troubled:
        events += [
            {"do": "freight", "freight": "g01", "warehouse": "w"},
            {"do": "reconcile_stage", "stage": names[0]},
            {"do": "abort", "promo": f"{names[0]}#{PROMOTIONS + 1}"},
            {"do": "settle"},
        ]
    return {"id": "line", "topology": {"warehouses": ["w"], "stages": stages}, "events": events}


def projects(count: int) -> Iterator[Json]:
    """The objects of so many projects; one in two has a Stage that needs someone."""
    lines = []
    for troubled in (True, False):
        walk = Walk(program(troubled), LATEST)
        walk.begin()
        for event in walk.program.events:
            walk.do(event)
        lines.append((json.dumps(manifests(walk.cluster)), walk.cluster.now))
    for n in range(count):
        text, _ = lines[n % 2]
        yield from json.loads(text.replace('"demo"', f'"project-{n:04}"'))["items"]


def main() -> None:
    """Make the projects, have them diagnosed, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stages", type=int, default=50)
    parser.add_argument("--keep", type=Path, help="write the objects there, and keep them")
    options = parser.parse_args()
    items = list(projects(options.stages // IN_PROJECT))
    with tempfile.TemporaryDirectory() as folder:
        parts: list[Path] = []
        for start in range(0, len(items), 5000):  # files of some megabytes, as people have them
            parts.append((options.keep or Path(folder)) / f"objects-{start:06}.json")
            listed = {"apiVersion": "v1", "kind": "List", "items": items[start : start + 5000]}
            parts[-1].write_text(json.dumps(listed))
        size = sum(part.stat().st_size for part in parts)
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "kargo_model", "diagnose", "--kargo", LATEST.release, *map(str, parts)],
            capture_output=True,
            text=True,
            check=True,
        )
        seconds = time.perf_counter() - began
    promotions = sum(item["kind"] == "Promotion" for item in items)
    print(f"{options.stages} Stages, {promotions} Promotions, {size / 1e6:.1f} MB: {seconds:.2f} s")
    print(f"  {done.stdout.splitlines()[0]}")


if __name__ == "__main__":
    main()
