"""How long the commands take, cold, and the replay of a release: `python -m benchmarks.commands`.

Every measurement is a process of its own. Sizes are asserted, times are printed, the least of three.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
SCENARIO = ROOT / "simulations" / "kargo" / "scenarios" / "skip-vs-retry"
TEMPLATE = [str(SCENARIO / "stage.yaml"), str(SCENARIO / "task.yaml")]
RECORDINGS = ROOT.parent / "shared" / "traces" / "steps"

COMMANDS = {
    "--help": ["--help"],
    "run": ["run", *TEMPLATE],
    "explore": ["explore", *TEMPLATE],
    "reproduce": ["reproduce", "skip-vs-retry"],
    "check, everything": ["check"],
}
STATES = {"retry": 22, "two-phase-commit": 288}


def seconds(arguments: list[str]) -> float:
    """The least of three cold runs, in seconds."""
    return min(_once(arguments) for _ in range(3))


def _once(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, str(ROOT / "kargo_model.py"), *arguments], stdout=subprocess.DEVNULL, check=False
    )
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    command = [sys.executable, str(ROOT / "kargo_model.py"), "check", "--format", "json"]
    found = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    sizes = {system["system"]: system["states"] for system in found["systems"]}
    assert STATES.items() <= sizes.items(), sizes
    for name, arguments in COMMANDS.items():
        print(f"{name:20} {seconds(arguments):6.2f} s")
    if RECORDINGS.is_dir():
        print(f"{'replay of 1.11.2':20} {_once(['replay', str(RECORDINGS), '--kargo', '1.11.2']):6.2f} s")


if __name__ == "__main__":
    main()
