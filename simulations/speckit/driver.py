"""Drives the real engine: reads cases as lines of JSON, writes for each a line with what the engine did.

Runs as a program of its own, with the Python of an environment in which `specify-cli` is installed; it imports
nothing of ours. What the engine would ask the world is answered by scripts: a command or prompt by a step of
the same type in its place, a shell command where the process would be started, a gate at the terminal. The rest
is the engine's own.

A case is an object with `workflow`, `callable` (workflows that may be called, by id), `inputs`, `scripts`
(answers, by the `script` of a step), and `resumes` (the inputs given with each resumption).
"""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from specify_cli.workflows import STEP_REGISTRY
from specify_cli.workflows.base import StepBase, StepResult, StepStatus
from specify_cli.workflows.engine import RunState, WorkflowDefinition, WorkflowEngine, validate_workflow
from specify_cli.workflows.expressions import evaluate_expression

RUN_ID = "run"
for name in ("SafeLoader", "SafeDumper"):
    setattr(yaml, name, getattr(yaml, f"C{name}"))  # the same, five times as fast


def dump(value: Any, file: Any, **options: Any) -> None:
    """Stands in for `json.dump`: the same but for white space, and several times as fast."""
    file.write(json.dumps(value, **{**options, "indent": None}))


vars(json)["dump"] = dump


class World:
    """What the steps are answered, one answer for each call; the last answer repeats."""

    def __init__(self, scripts: dict[str, list[dict[str, Any]]]) -> None:
        self.scripts = scripts
        self.calls: dict[str, int] = {}
        self.ran: list[list[str]] = []
        self.answer: dict[str, Any] = {}

    def ask(self, config: dict[str, Any]) -> dict[str, Any]:
        """The next answer for a step."""
        name = config["script"]
        script = self.scripts[name]
        count = self.calls.get(name, 0)
        self.calls[name] = count + 1
        self.answer = script[min(count, len(script) - 1)]
        return self.answer

    def end(self) -> None:
        """Raise what the answer says has to be raised."""
        ending = self.answer["ending"]
        if ending == "INTERRUPTED":
            raise KeyboardInterrupt
        if ending == "RAISES":
            raise RuntimeError(self.answer["error"])
        if ending == "INPUT_ENDS":
            raise EOFError

    def start_process(self, command: str, **options: Any) -> Any:
        """Stands in for `subprocess.run` in shell steps."""
        self.ran.append(["shell", str(command)])
        ending = self.answer["ending"]
        if ending == "TIMES_OUT":
            raise subprocess.TimeoutExpired(command, options["timeout"])
        if ending == "CANNOT_START":
            raise OSError(self.answer["error"])
        self.end()
        output = self.answer["output"]
        return subprocess.CompletedProcess(command, output["exit_code"], output["stdout"], output["stderr"])

    def read_line(self, prompt: str = "") -> str:
        """Stands in for `input` at gates."""
        self.end()
        self.answer = {**self.answer, "ending": "INPUT_ENDS"}  # who is asked again has nothing more to say
        return str(self.answer["choice"])


def scripted(kind: str, world: World) -> StepBase:
    """A step of that type whose code is a script."""
    kept = STEP_REGISTRY[kind]

    class Scripted(StepBase):  # type: ignore[misc]  # the engine is not typed
        type_key = kind

        def execute(self, config: dict[str, Any], context: Any) -> StepResult:
            answer = world.ask(config)
            text = evaluate_expression(config.get("prompt", config.get("command", "")), context)
            world.ran.append([kind, str(text)])
            world.end()
            output = json.loads(json.dumps(answer["output"]))
            return StepResult(status=StepStatus(answer["status"]), output=output, error=answer["error"])

        def validate(self, config: dict[str, Any]) -> list[str]:
            return list(kept.validate(config))

    return Scripted()


def listening(step: StepBase, world: World) -> StepBase:
    """The engine's own step, for which the world has its answer ready."""
    kind = type(step)

    class Listening(kind):  # type: ignore[misc, valid-type]  # a base that only the engine knows
        def execute(self, config: dict[str, Any], context: Any) -> StepResult:
            world.ask(config)
            return super().execute(config, context)

    return Listening()


class Terminal(io.StringIO):
    """A standard input that is a terminal, unless the answer says that there is none."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def isatty(self) -> bool:
        """Whether a gate can ask."""
        return bool(self.world.answer["ending"] != "NO_TERMINAL")


@contextlib.contextmanager
def replaced(world: World) -> Iterator[None]:
    """The engine with the world in place of what it would ask."""
    steps = {kind: scripted(kind, world) for kind in ("command", "prompt")}
    steps |= {kind: listening(STEP_REGISTRY[kind], world) for kind in ("shell", "gate")}
    shell = sys.modules[type(STEP_REGISTRY["shell"]).__module__]
    processes = types.SimpleNamespace(run=world.start_process, TimeoutExpired=subprocess.TimeoutExpired)
    with (
        mock.patch.dict(STEP_REGISTRY, steps),
        mock.patch.object(shell, "subprocess", processes),
        mock.patch.object(sys, "stdin", Terminal(world)),
        mock.patch.object(builtins, "input", world.read_line),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        yield


def install(root: Path, workflows: dict[str, Any]) -> None:
    """Put workflows where a project keeps those that can be called."""
    folder = root / ".specify" / "workflows"
    entries = {}
    for name, data in workflows.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "workflow.yml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        entries[name] = {"version": "1.0.0", "enabled": True, "source": "local"}
    if entries:
        registry = {"schema_version": "1.0", "workflows": entries}
        (folder / "workflow-registry.json").write_text(json.dumps(registry), encoding="utf-8")


def look(root: Path, world: World, raised: str | None) -> dict[str, Any]:
    """What can be seen after the engine has returned."""
    folder = root / ".specify" / "workflows" / "runs" / RUN_ID
    found: dict[str, Any] = {"raised": raised, "ran": world.ran}
    world.ran = []
    if (folder / "state.json").exists():
        state = RunState.load(RUN_ID, root)
        found["state"] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        found["inputs"] = state.inputs
    log = folder / "log.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    found["log"] = [json.loads(line) for line in lines]
    return found


def drive(case: dict[str, Any], root: Path) -> dict[str, Any]:
    """Run a case, with its resumptions."""
    install(root, case["callable"])
    definition = WorkflowDefinition(case["workflow"])
    world = World(case["scripts"])
    looks = []
    with replaced(world):
        engine = WorkflowEngine(root)
        for given in (None, *case["resumes"]):
            raised = None
            try:
                if given is None:
                    engine.execute(definition, case["inputs"], run_id=RUN_ID)
                else:
                    engine.resume(RUN_ID, given)
            except Exception as problem:  # whatever comes out of the engine is part of what it does
                raised = str(problem)
            looks.append(look(root, world, raised))
    return {"looks": looks}


def validate(case: dict[str, Any]) -> list[str]:
    """The messages that the engine has for a workflow."""
    return list(validate_workflow(WorkflowDefinition(case["workflow"])))


def main() -> None:
    """Answer cases until there are no more."""
    out = sys.stdout
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    for line in sys.stdin:
        case = json.loads(line)
        try:
            with tempfile.TemporaryDirectory(dir=place) as folder:
                answer = {"messages": validate(case), **drive(case, Path(folder))}
        except Exception as problem:  # a case that the engine cannot even begin must not end the others
            answer = {"broken": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(answer, default=str), file=out, flush=True)


if __name__ == "__main__":
    main()
