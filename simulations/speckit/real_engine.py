"""The real engine, in a process of its own: where to find it, and how to ask it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from simulations.speckit.cases import Case

DRIVER = Path(__file__).with_name("driver.py")
PACKAGE = "specify-cli"

_VERSION = "import importlib.metadata as m; print(m.version('specify-cli'))"


class EngineUnavailableError(Exception):
    """The real engine cannot be had; the message says why, and what to do."""


class RealEngine:
    """The real engine of one environment, given by its Python. To be closed, as a context manager."""

    def __init__(self, python: Path) -> None:
        self.python = python
        self.version = installed(python)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> RealEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def run(self, case: Case) -> dict[str, Any]:
        """What the engine does with a case.

        Raises EngineUnavailableError if the process has ended.
        """
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(case.as_json()) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise EngineUnavailableError(f"spec-kit {self.version} was begun and ended by itself")
        found: dict[str, Any] = json.loads(answer)
        return found

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            # Its runs must not take their name, or anything else, from this process's surroundings.
            surroundings = {
                k: v for k, v in os.environ.items() if not k.startswith(("SPECKIT_", "SPECIFY_", "PYTHON"))
            }
            self._process = subprocess.Popen(
                [str(self.python), "-I", str(DRIVER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                env=surroundings,
            )
        return self._process


def installed(python: Path) -> str:
    """The version of the engine that a Python has.

    Raises EngineUnavailableError if it has none.
    """
    try:
        found = subprocess.run(
            [str(python), "-I", "-c", _VERSION], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        extra = "it comes with the extra `test` of this project, or name a version"
        raise EngineUnavailableError(f"{PACKAGE} is not installed for {python}; {extra}") from None
    return found.stdout.strip()


def environment(version: str, folder: Path) -> Path:
    """The Python of an environment with that version of the engine; it is made in `folder` if it is not there.

    Raises EngineUnavailableError if it cannot be made.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise EngineUnavailableError(f"expected a version of {PACKAGE} such as 1.2.3, found {version!r}")
    home = folder / PACKAGE / version
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        for command in _commands(home, python, f"{PACKAGE}=={version}"):
            _call(command, version)
        (home / "complete").touch()
    return python


def _commands(home: Path, python: Path, wanted: str) -> list[list[str]]:
    if uv := shutil.which("uv"):
        return [
            [uv, "venv", "--quiet", "--python", sys.executable, str(home)],
            [uv, "pip", "install", "--quiet", "--python", str(python), wanted],
        ]
    return [[sys.executable, "-m", "venv", str(home)], [str(python), "-m", "pip", "install", "--quiet", wanted]]


def _call(command: list[str], version: str) -> None:
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    except subprocess.CalledProcessError as failed:
        why = (failed.stderr.strip().splitlines() or ["no reason given"])[-1].strip()
        raise EngineUnavailableError(f"{PACKAGE} {version} cannot be installed: {why}") from None
    except (OSError, subprocess.SubprocessError) as problem:
        raise EngineUnavailableError(f"{PACKAGE} {version} cannot be installed: {problem}") from None
