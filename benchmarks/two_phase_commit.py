"""Two-phase commit, by every engine, and by SPIN's compiled verifier on the same machine in the same run.

    python -m benchmarks.two_phase_commit

Every measurement is a process of its own, so that nothing is learned or loaded before; the least of three is
shown. Sizes are asserted against the published ones. Where `spin` and a C compiler are found, SPIN explores
the same states (`two_phase_commit.pml`), which is asserted too.
"""

from __future__ import annotations

import json
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from invariants.check import check
from model.toys.two_phase_commit import two_phase_commit

HERE = Path(__file__).resolve()

SIZES: dict[int, tuple[int, int | None, int | None]] = {
    8: (1_745_408, 18_507_778, 26),
    9: (10_340_352, 123_558_402, 29),
    10: (61_515_776, 817_760_258, 32),
    20: (3_657_257_952_739_328, None, None),
    50: (808_281_278_732_414_660_871_370_127_853_146_341_376, None, None),
}
"""States, transitions with the initial states, levels; None where nobody else has counted them."""

RUNS = (
    ("symbolic", "layers", 8),
    ("symbolic", "layers", 9),
    ("symbolic", "layers", 10),
    ("symbolic", "layers", 20),
    ("symbolic", "saturation", 20),
    ("symbolic", "saturation", 50),
    ("explicit", "layers", 8),
)
REPEATS = 3
COMPILE = ("-O2", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=4096")
"""Safety only; partial-order reduction off, because the point is the same states."""
VERIFY = ("-m1000000", "-w24")


class Result(NamedTuple):
    """What a run came to; `seconds` from the builder of the system to the report, `megabytes` at the peak."""

    states: int
    transitions: int
    levels: int | None
    seconds: float
    megabytes: int


def run_here(engine: str, strategy: str, n: int) -> Result:
    began = time.perf_counter()
    report = check(two_phase_commit(n), engine=engine, strategy=strategy)
    seconds = time.perf_counter() - began
    assert report.transitions is not None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Result(report.states, report.transitions, report.levels, seconds, peak)


def run_apart(engine: str, strategy: str, n: int) -> Result:
    """The fastest of several runs, each in a fresh process."""
    command = [sys.executable, str(HERE), engine, strategy, str(n)]
    results = [
        Result(*json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        for _ in range(REPEATS)
    ]
    states, transitions, levels = SIZES[n]
    for r in results:
        assert r.states == states, (r, states)
        assert transitions in (None, r.transitions), (r, transitions)
        assert None in (levels, r.levels) or levels == r.levels, (r, levels)
    return min(results, key=lambda r: r.seconds)


def spin(n: int) -> Result | None:
    """The same by SPIN, None where it, or a C compiler, is not installed; compiling is not counted."""
    compiler = next(filter(None, map(shutil.which, ("gcc", "clang", "cc"))), None)
    if shutil.which("spin") is None or compiler is None:
        return None
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["spin", f"-DN={n}", "-a", str(HERE.with_suffix(".pml"))], cwd=place, check=True)
        subprocess.run([compiler, *COMPILE, "-o", "pan", "pan.c"], cwd=place, check=True, capture_output=True)
        results = [_verify(place) for _ in range(REPEATS)]
    states, transitions, _ = SIZES[n]
    assert all((r.states, r.transitions) == (states, transitions) for r in results), results
    return min(results, key=lambda r: r.seconds)


def _verify(place: str) -> Result:
    began = time.perf_counter()
    said = subprocess.run(["./pan", *VERIFY], cwd=place, check=True, capture_output=True, text=True).stdout
    seconds = time.perf_counter() - began

    def figure(pattern: str) -> float:
        found = re.search(pattern, said)
        assert found is not None, said
        return float(found[1])

    return Result(
        int(figure(r"(\d+) states, stored")),
        int(figure(r"(\d+) transitions")),
        None,
        seconds,
        int(figure(r"([\d.]+)\s+total actual memory usage")),
    )


def main() -> None:
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    print(f"{'':>22} {'N':>3} {'seconds':>9} {'MB':>5}  states")
    results = {}
    for run in RUNS:
        results[run] = r = run_apart(*run)
        print(f"{run[0]:>11} {run[1]:>10} {run[2]:>3} {r.seconds:>9.3f} {r.megabytes:>5}  {r.states:,}", flush=True)
    other = spin(8)
    if other is None:
        print("SPIN or a C compiler is not installed")
        return
    print(f"{'SPIN':>22} {8:>3} {other.seconds:>9.3f} {other.megabytes:>5}  {other.states:,}")
    for engine in ("symbolic", "explicit"):
        ratio = other.seconds / results[engine, "layers", 8].seconds
        print(f"N=8: the {engine} engine is {ratio:.1f} times as fast as SPIN")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps(run_here(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
    else:
        main()
