"""A family of checks in one process, in several, and in a Dask cluster here: `python -m benchmarks.fan_out`.

Every measurement is a call of the command line in a process of its own; that all of them print the same verdicts is
asserted. `--on tcp://HOST:PORT` measures a cluster that runs already, instead of one with two workers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
FAMILY = ["single", "by-hand", "verification", "unwritten", "--promotions", "2", "--all-releases"]
ALONE = "import commands.fan_out as f, kargo_model as k, sys; f.Processes.few = 999; sys.exit(k.main(sys.argv[1:]))"
"""A program that does everything itself."""

WORKERS = 2


def timed(*more: str, alone: bool = False) -> tuple[float, list[object]]:
    """The seconds that a call takes, and the verdicts that it prints."""
    program = ["-c", ALONE] if alone else ["kargo_model.py"]
    command = [sys.executable, *program, "check", *FAMILY, "--format", "json", *more]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)["systems"]
    return seconds, [[s["system"], s["states"], [p["verdict"] for p in s["properties"]]] for s in found]


@contextmanager
def cluster() -> Iterator[str]:
    """A scheduler on this machine with a few workers; its address."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scheduler.json"
        common = ["--scheduler-file", str(file), "--no-dashboard"]
        running = [begin(folder, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-show", *common)]
        try:
            while not file.exists():
                time.sleep(0.1)
            running += [begin(folder, "worker", "--nthreads", "1", "--no-nanny", *common) for _ in range(WORKERS)]
            time.sleep(5)  # until all of them are known
            yield json.loads(file.read_text())["address"]
        finally:
            for process in running:
                process.terminate()
                process.wait()


def begin(folder: str, what: str, *words: str) -> subprocess.Popen[bytes]:
    """A part of a cluster."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--on", metavar="ADDRESS")
    address = parser.parse_args().on
    alone, expected = timed(alone=True)
    print(f"{len(expected)} systems, one after the other  {alone:6.1f} s", flush=True)
    seconds, found = timed()
    assert found == expected
    print(f"processes of this machine         {seconds:6.1f} s", flush=True)
    if address:
        seconds, found = timed("--on", address)
    else:
        with cluster() as address:
            timed("--on", address)  # the workers load the model
            seconds, found = timed("--on", address)
    assert found == expected
    print(f"a Dask cluster                    {seconds:6.1f} s", flush=True)


if __name__ == "__main__":
    main()
