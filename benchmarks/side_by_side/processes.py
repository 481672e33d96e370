"""Running other programs: with limits of time and memory, what they took, and nothing left behind."""

from __future__ import annotations

import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Ran(NamedTuple):
    """What a process said and took.

    `code` is its exit code (negative: the signal that ended it), None if it was ended because `seconds` were over;
    `processor` is the seconds of the processor, of all its threads; `megabytes` what it had in memory at the peak.
    """

    said: str
    code: int | None
    seconds: float
    processor: float
    megabytes: int


def run(
    command: Sequence[str | Path],
    *,
    seconds: float,
    memory: int | None = None,
    place: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ran:
    """Run `command` in the folder `place`, for so many seconds and in so many megabytes of addresses at most.

    What it says on both its outputs comes back. It has a process group of its own, which is ended in any case: when
    the time is over, at an interrupt, and when it is done itself.

    Raises OSError if the command cannot be started.
    """

    def limited() -> None:
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory << 20, memory << 20))

    began = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=place,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=limited,
    )
    assert process.stdout is not None
    with process.stdout as output:
        try:
            said, ended = _listened(output.fileno(), began + seconds)
            took = time.perf_counter() - began
        finally:
            # Not yet waited for, so the number is still its own.
            _end_group(process.pid)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    # macOS counts bytes, Linux kilobytes.
    peak = usage.ru_maxrss >> (20 if os.uname().sysname == "Darwin" else 10)
    code = process.returncode if ended else None
    return Ran(said, code, took, usage.ru_utime + usage.ru_stime, peak)


def _listened(output: int, until: float) -> tuple[str, bool]:
    """What is said until the output is closed or the time is over, and whether it was closed."""
    said = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while (left := until - time.perf_counter()) > 0:
            if selector.select(left):
                chunk = os.read(output, 1 << 16)
                if not chunk:
                    return said.decode(errors="replace"), True
                said += chunk
    return said.decode(errors="replace"), False


def _end_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
