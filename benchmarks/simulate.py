"""How fast studies are simulated, and in how much memory: `python -m benchmarks.simulate`.

The example that `kargo-model simulate --example` prints, a template of five steps. Every measurement is a process
of its own, with starting Python. That the same bytes come out of one process and of several is asserted.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
STUDY = ROOT / "simulations" / "kargo" / "study" / "example.yaml"

PROGRAM = """
import resource, sys
import kargo_model
from commands import simulate
simulate.FEW = int(sys.argv[1])
code = kargo_model.main(sys.argv[2:])
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(sum(u.ru_utime + u.ru_stime for u in used), max(u.ru_maxrss for u in used) >> 10, file=sys.stderr)
sys.exit(code)
"""

ALONE, TOGETHER = 1_000_000, 0
"""Up to how many portions are done in this process."""


class Measured(NamedTuple):
    """What a call printed, its time on the clock and on the processors, and the most memory of a process."""

    printed: str
    seconds: float
    processor: float
    megabytes: int


def measure(few: int, *words: str) -> Measured:
    """One call of `kargo-model simulate`."""
    began = time.perf_counter()
    command = [sys.executable, "-c", PROGRAM, str(few), "simulate", str(STUDY), "--format", "json", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    processor, megabytes = done.stderr.split()[-2:]
    return Measured(done.stdout, time.perf_counter() - began, float(processor), int(megabytes))


def main() -> None:
    """Measure and print."""
    print("| runs | variants | processes | seconds | of processors | runs/s | peak MB |")
    print("|---|---|---|---|---|---|---|")
    compared = ("--compare", "policy=none,restart:3,recreate:3,rollback:1")
    for runs, more in ((100_000, ()), (100_000, compared), (1_000_000, ())):
        alone, together = (measure(few, "--runs", str(runs), *more) for few in (ALONE, TOGETHER))
        assert alone.printed == together.printed, "what is printed depends on who did the work"
        for name, found in (("1", alone), ("one for each core", together)):
            lives = runs * (4 if more else 1)
            cells = (f"{runs:,}", 4 if more else 1, name, f"{found.seconds:.1f}", f"{found.processor:.1f}")
            print("|", " | ".join(map(str, cells)), f"| {lives / found.seconds:,.0f} | {found.megabytes} |")


if __name__ == "__main__":
    main()
