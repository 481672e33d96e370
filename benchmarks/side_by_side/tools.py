"""The tools: what each needs, how one exploration by it is run, and what it answers, in the words of this project.

A transition is a state, an action and a next state, and each initial state is one more: that is what TLC and
Stateright say they generated. SPIN stores or matches each of them, and begins in one state with everything at zero:
where a model does not, the step from there is one state and one transition more. It prints eight digits of numbers.
Storm counts no initial states, and has one transition more for each state in which nothing can happen.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from benchmarks.side_by_side.classics import Model
from benchmarks.side_by_side.models import MODELS
from benchmarks.side_by_side.prism import MODELS as PRISM
from benchmarks.side_by_side.processes import Ran, run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILDING = 900.0
"""Seconds that a build may take."""
OUT_OF_MEMORY = re.compile(r"MEMLIM|[Oo]ut ?[Oo]f ?[Mm]emory|memory allocation|MemoryError|bad_alloc|table full")


@dataclass(frozen=True)
class Setup:
    """What a whole run agrees on.

    `seconds` is the limit of time of each exploration, `memory` that of its memory in megabytes, `threads` how many
    the tools use that can use several. `jar` is TLC's, `storm` a Python in which stormpy is installed, `place` a
    folder for what is built on the way, and `target` the one that Cargo builds in.
    """

    seconds: float
    memory: int
    threads: int
    jar: Path | None
    storm: Path
    place: Path
    target: Path


class Size(NamedTuple):
    """What a tool counted, in the words of this project; `seconds` is what it says that the exploration took.

    `digits` is how many it prints of a number, None for all.
    """

    states: int
    transitions: int | None
    seconds: float | None = None
    digits: int | None = None


class StoppedError(Exception):
    """The exploration ended without having seen everything; the message says why."""


class MissingToolError(Exception):
    """The tool is not installed; the message says how to get it."""


class Tool(NamedTuple):
    """A tool: `version` raises MissingToolError; `command` makes what is needed; `size` reads what was said.

    `only` says whether it explores models that only this project has, `limited` whether the limit of memory is one
    of addresses. Where many are reserved that is no use: Java has an option, the others a bound of their own.
    """

    name: str
    version: Callable[[Setup], str]
    command: Callable[[Setup, str, int], list[str]]
    size: Callable[[str, Model, int], Size]
    only: bool = False
    limited: bool = True


def explore(tool: Tool, setup: Setup, model: str, n: int) -> tuple[Size, Ran]:
    """One exploration, which is all that is measured. Raises StoppedError if it did not see everything."""
    ran = run(
        tool.command(setup, model, n),
        seconds=setup.seconds,
        memory=setup.memory if tool.limited else None,
        place=ROOT,
    )
    if ran.code is None:
        raise StoppedError(f"over {setup.seconds:g} s")
    try:
        size = tool.size(ran.said, MODELS[model], n)
    except (ValueError, KeyError, TypeError):
        if OUT_OF_MEMORY.search(ran.said):
            raise StoppedError(f"out of memory ({setup.memory} MB)") from None
        last = (ran.said.strip().splitlines() or ["nothing was said"])[-1]
        raise StoppedError(f"failed with code {ran.code}: {last[:100]}") from None
    return size, ran


def _figure(pattern: str, said: str) -> int:
    """The one number that `pattern` finds. Raises ValueError if there is none."""
    found = re.search(pattern, said)
    if found is None:
        raise ValueError(f"nothing like {pattern}")
    text = found[1].replace(",", "")
    return int(float(text)) if "e" in text else int(text)


def _line(said: str) -> dict[str, float]:
    """The line of JSON that one of our own programs says."""
    lines = [text for text in said.splitlines() if text.startswith("{")]
    if not lines:
        raise ValueError("no line of JSON")
    answer: dict[str, float] = json.loads(lines[-1])
    return answer


def _output(*command: str | Path, place: Path | None = None, memory: int | None = None) -> str:
    """What a program says that is no measurement. Raises StoppedError if it fails."""
    ran = run(command, seconds=BUILDING, place=place, memory=memory)
    if ran.code != 0:
        raise StoppedError(f"{Path(str(command[0])).name} failed: {ran.said.strip()[-300:]}")
    return ran.said


def _file(model: str) -> str:
    return model.replace("-", "_")


def _compiler() -> str | None:
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


def spin_version(_: Setup) -> str:
    compiler = _compiler()
    if shutil.which("spin") is None or compiler is None:
        raise MissingToolError("there is no `spin` or no C compiler; `apt-get install spin gcc`")
    return f"{_output('spin', '-V').strip()}; {_output(compiler, '--version').splitlines()[0]}"


VERIFIER = ("-w", "-O2", "-DSAFETY", "-DNOREDUCE")
"""Safety only; partial-order reduction off, because the point is the same states."""


FEW = 5
"""Parts of a model that need less memory, which takes SPIN longer to set up than to fill."""


def spin_command(setup: Setup, model: str, n: int) -> list[str]:
    """The compiled verifier; making and compiling it is not measured."""
    place = setup.place / f"spin-{model}-{n}"
    verifier = place / "pan"
    if not verifier.exists():
        place.mkdir()
        for file in ("each", _file(model)):
            shutil.copy(HERE / "spin" / f"{file}.pml", place)
        compiler = _compiler()
        assert compiler is not None
        _output("spin", f"-DN={n}", "-a", f"{_file(model)}.pml", place=place)
        _output(compiler, *VERIFIER, f"-DMEMLIM={setup.memory}", "-o", "pan", "pan.c", place=place)
    depth, hash_bits = ("-m1000000", "-w24") if n > FEW else ("-m100000", "-w18")
    return [str(verifier), depth, hash_bits, "-n"]


def spin_size(said: str, model: Model, _: int) -> Size:
    if "errors: 0" not in said or "Search not completed" in said or "max search depth too small" in said:
        raise ValueError("the search was not completed")
    return Size(
        _figure(r"([\d.e+]+) states, stored", said) - model.set_up,
        _figure(r"([\d.e+]+) transitions", said) - model.set_up,
        digits=8,
    )


def tlc_version(setup: Setup) -> str:
    if shutil.which("java") is None or setup.jar is None:
        raise MissingToolError(
            "there is no `java` or no tla2tools.jar; `apt-get install default-jre-headless`, and the jar of a"
            " release of github.com/tlaplus/tlaplus, named by --jar or in $TLA2TOOLS_JAR"
        )
    said = run(["java", "-jar", setup.jar], seconds=BUILDING).said
    found = re.search(r"TLC2 Version .*", said)
    java = run(["java", "-version"], seconds=BUILDING).said
    name = next((line for line in java.splitlines() if " version " in line), "java")
    if found is None:
        raise MissingToolError(f"{setup.jar} does not start as TLC")
    return f"{found[0].strip()}; {name}"


def tlc_command(setup: Setup, model: str, n: int) -> list[str]:
    """TLC with as many workers as threads; deadlocks are none of our business."""
    module = MODELS[model].module
    place = Path(tempfile.mkdtemp(prefix="tlc-", dir=setup.place))
    shutil.copy(HERE / "tla" / f"{module}.tla", place)
    (place / f"{module}.cfg").write_text(f"CONSTANT N = {n}\nSPECIFICATION Spec\n", encoding="utf-8")
    java = [
        "java",
        "-XX:+UseParallelGC",
        f"-Xmx{setup.memory}m",
        f"-Djava.io.tmpdir={place}",
        "-jar",
        str(setup.jar),
    ]
    quiet = ["-deadlock", "-nowarning", "-noGenerateSpecTE", "-metadir", str(place / "states")]
    return [*java, "-workers", str(setup.threads), *quiet, str(place / f"{module}.tla")]


def tlc_size(said: str, _: Model, __: int) -> Size:
    if "Model checking completed. No error has been found." not in said:
        raise ValueError("the search was not completed")
    end = r"(?=.*states found, 0 states left on queue)"
    return Size(
        _figure(r"([\d,]+) distinct states found, 0 states left on queue", said),
        _figure(rf"(?m)^([\d,]+) states generated{end}", said),
    )


CRATE = HERE / "stateright"


def _cargo(setup: Setup, *arguments: str) -> Ran:
    manifest = ("--manifest-path", str(CRATE / "Cargo.toml"), "--locked", "--quiet")
    environment = {"CARGO_TARGET_DIR": str(setup.target)}
    return run(["cargo", *arguments, *manifest], seconds=BUILDING, environment=environment)


def stateright_version(setup: Setup) -> str:
    if shutil.which("cargo") is None:
        raise MissingToolError("there is no `cargo`; `apt-get install cargo`, or rustup")
    if _cargo(setup, "fetch").code != 0:
        raise MissingToolError("Cargo cannot fetch the crates that Cargo.lock names; it needs a network once")
    built = _cargo(setup, "build", "--release")
    if built.code != 0:
        raise StoppedError(f"cargo build failed: {built.said.strip()[-500:]}")
    pinned = re.search(r'stateright = "=([\d.]+)"', (CRATE / "Cargo.toml").read_text(encoding="utf-8"))
    assert pinned is not None
    return f"Stateright {pinned[1]}; {_output('cargo', '--version').strip()}"


def stateright_command(setup: Setup, model: str, n: int) -> list[str]:
    return [str(setup.target / "release" / "side-by-side"), model, str(n), str(setup.threads)]


def stateright_size(said: str, _: Model, __: int) -> Size:
    seconds = re.search(r"seconds=([\d.]+)", said)
    return Size(
        _figure(r"states=(\d+)", said),
        _figure(r"generated=(\d+)", said),
        float(seconds[1]) if seconds else None,
    )


def storm_version(setup: Setup) -> str:
    ask = "import stormpy; print(stormpy.__version__)"
    ran = run([setup.storm, "-c", ask], seconds=BUILDING) if shutil.which(setup.storm) else None
    if ran is None or ran.code != 0:
        raise MissingToolError(
            f"{setup.storm} has no stormpy; `pip install stormpy`, best in an environment of its own whose Python"
            " is named by --storm-python or in $STORM_PYTHON"
        )
    return f"stormpy {ran.said.strip().splitlines()[-1]}, symbolic, Sylvan"


def storm_command(setup: Setup, model: str, n: int) -> list[str]:
    file = setup.place / f"{model}-{n}.prism"
    file.write_text(PRISM[model](n), encoding="utf-8")
    return [str(setup.storm), str(HERE / "storm.py"), str(file)]


def storm_size(said: str, model: Model, n: int) -> Size:
    line = _line(said)
    return Size(
        int(line["states"]),
        int(line["transitions"]) - int(line["dead"]) + model.initial(n),
        line["seconds"],
    )


@cache
def _of_ours() -> str:
    ask = (
        "import importlib.metadata as m; print(*(f'{p} {m.version(p)}' for p in ('kargo-model', 'oxidd', 'numpy')))"
    )
    return f"{_output(sys.executable, '-c', ask).strip()}, Python {sys.version.split()[0]}"


def ours_version(_: Setup) -> str:
    return _of_ours()


def ours_command(engine: str, strategy: str) -> Callable[[Setup, str, int], list[str]]:
    """What runs one of our engines."""

    def command(_: Setup, model: str, n: int) -> list[str]:
        return [sys.executable, "-m", "benchmarks.side_by_side.ours", engine, strategy, model, str(n)]

    return command


def ours_size(said: str, _: Model, __: int) -> Size:
    line = _line(said)
    if line["stopped"] is not None:
        raise StoppedError(str(line["stopped"]))
    transitions = line["transitions"]
    return Size(int(line["states"]), None if transitions is None else int(transitions), line["seconds"])


SATURATION, LAYERS, EXPLICIT = "ours, saturation", "ours, layers", "ours, explicit"

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(LAYERS, ours_version, ours_command("symbolic", "layers"), ours_size, only=True, limited=False),
        Tool(SATURATION, ours_version, ours_command("symbolic", "saturation"), ours_size, only=True, limited=False),
        Tool(EXPLICIT, ours_version, ours_command("explicit", "layers"), ours_size, only=True, limited=False),
        Tool("SPIN", spin_version, spin_command, spin_size),
        Tool("TLC", tlc_version, tlc_command, tlc_size, limited=False),
        Tool("Stateright", stateright_version, stateright_command, stateright_size),
        Tool("Storm", storm_version, storm_command, storm_size, limited=False),
    )
}
"""By name, in the order in which they are run: ours come first, and say what the sizes are."""


def found_jar(named: str | None) -> Path | None:
    """TLC's jar: the one that is named, that $TLA2TOOLS_JAR names, or that is where Debian puts jars."""
    places = (named, os.environ.get("TLA2TOOLS_JAR"), "/usr/share/java/tla2tools.jar", "tla2tools.jar")
    return next((Path(p).resolve() for p in places if p and Path(p).is_file()), None)


def found_storm(named: str | None) -> Path:
    """The Python that has stormpy: the one that is named, that $STORM_PYTHON names, or this one."""
    return Path(named or os.environ.get("STORM_PYTHON") or sys.executable)
