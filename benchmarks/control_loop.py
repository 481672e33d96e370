"""The control loop of pipelines of several Stages, explored in full by saturation.

    python -m benchmarks.control_loop

Every measurement is a process of its own; the least of two is shown, in seconds of the processor, with starting
Python and learning every row. Sizes are asserted, times are printed.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from invariants.check import check
from invariants.findings import no_property
from invariants.kargo.loop_claims import claims_about
from invariants.properties import Property, always
from model.kargo.loop.exploration import STEP, Bounds, exploration, pipeline_of
from model.kargo.loop.pipeline import StageSpec
from model.kargo.phases import PromotionPhase
from model.kargo.releases import LATEST
from model.kargo.requests import FreightRequest

HERE = Path(__file__).resolve()
REPEATS = 2


class Run(NamedTuple):
    """Stages in a row, with verification, and what each gets; all claims about them are judged, or one for each."""

    stages: int
    promotions: int
    freight: int
    every_claim: bool = False


SIZES = {
    Run(1, 3, 2): 432_942,
    Run(2, 2, 2): 30_902_292,
    Run(2, 3, 2): 12_760_834_716,
    Run(2, 3, 2, every_claim=True): 21_729_608_100,
    Run(5, 2, 1): 6_524_298_690_469_200,
    Run(5, 3, 2): 100_583_008_322_455_149_828_768,
}


def last_is_over(last: str | None, last_phase: PromotionPhase) -> bool:
    """The last Promotion that a Stage shows is over."""
    return last is None or last_phase.terminal


def run_here(run: Run) -> tuple[int, int]:
    """How many states and claims there are; every claim must hold or be shown false, none is left open."""
    names = [f"s{number}" for number in range(run.stages)]
    stages = [
        StageSpec(name, (FreightRequest("w", not before, before),), (STEP,), True)
        for name, before in zip(names, [(), *((n,) for n in names)], strict=False)
    ]
    pipeline = pipeline_of(*stages)
    bounds = Bounds(promotions=run.promotions, freight=run.freight)
    claims: tuple[Property, ...] = tuple(
        always(last_is_over, f"over {n}", last=f"last[{n}]", last_phase=f"last_phase[{n}]") for n in names
    )
    if run.every_claim:
        claims = tuple(claims_about(pipeline, LATEST, bounds))
    report = check(
        exploration("pipeline", pipeline, LATEST, bounds),
        claims,
        strategy="saturation",
        transitions=False,
        traced=no_property,
    )
    assert report.complete
    return report.states, len(claims)


def run_apart(run: Run) -> tuple[float, int, int]:
    """The least seconds of several runs, each in a fresh process; the megabytes at the peak; how many claims."""
    results = []
    for _ in range(REPEATS):
        said = subprocess.run(
            [sys.executable, str(HERE), json.dumps(run)], check=True, capture_output=True, text=True
        ).stdout
        states, claims, seconds, megabytes = json.loads(said)
        assert states == SIZES[run], (run, states)
        results.append((seconds, megabytes, claims))
    return min(results)


def main() -> None:
    print(f"{'Stages':>6} {'Promotions':>10} {'Freight':>7} {'claims':>6} {'seconds':>7} {'MB':>5}  states")
    for run, states in SIZES.items():
        seconds, megabytes, claims = run_apart(run)
        print(
            f"{run.stages:>6} {run.promotions:>10} {run.freight:>7} {claims:>6} {seconds:>7.1f} {megabytes:>5}"
            f"  {states:,}",
            flush=True,
        )


if __name__ == "__main__":
    if len(sys.argv) == 2:
        found = run_here(Run(*json.loads(sys.argv[1])))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps([*found, time.process_time(), peak]))
    else:
        main()
