"""Scripts of answers, as a user writes them: `lint=failed,completed` or `build={exit_code: 2, stdout: oops}`.

After the id comes a list in YAML's flow style: one answer after the other, the last one again for as long as
the step is called. An answer is a word, or a mapping with any of the keys of `KEYS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from model.inputs import printable
from model.speckit.plan import exit_with
from model.speckit.run_rules import OUTSIDE
from model.speckit.statuses import StepStatus
from model.speckit.values import Answer, Ending, to_text
from model.speckit.workflow import Step, Workflow
from simulations import flow_lists

WORDS = {
    "completed": exit_with(0),
    "failed": exit_with(1),
    "interrupted": Answer(Ending.INTERRUPTED),
    "raises": Answer(Ending.RAISES, error="something went wrong"),
}
SHELL_WORDS = {
    "timed-out": Answer(Ending.TIMES_OUT),
    "cannot-start": Answer(Ending.CANNOT_START, error="No such file or directory"),
}
PROMPT_WORDS = {
    "skipped": Answer(status=StepStatus.SKIPPED),
    "paused": Answer(status=StepStatus.PAUSED),
    "aborted": Answer(status=StepStatus.FAILED, output=to_text({"aborted": True}), error="aborted"),
}
GATE_WORDS = {
    "no-terminal": Answer(Ending.NO_TERMINAL),
    "interrupted": Answer(Ending.INTERRUPTED),
    "input-ends": Answer(Ending.INPUT_ENDS),
}

KEYS = {
    "shell": ("exit_code", "stdout", "stderr"),
    "command": ("status", "output", "error"),
    "prompt": ("status", "output", "error"),
}
"""What an answer may say, by the type of the step."""


class OutcomeError(ValueError):
    """An outcome that cannot be understood; the message is one sentence."""


def parse(outcomes: Iterable[str], workflow: Workflow) -> dict[str, tuple[Answer, ...]]:
    """The scripts that `outcomes` give, by the id of the step.

    Raises OutcomeError for an id that no step has that asks the world, and for what is no answer.
    """
    scripts: dict[str, tuple[Answer, ...]] = {}
    for text in outcomes:
        name, equals, answers = text.partition("=")
        if not equals:
            raise OutcomeError(f"--outcome {printable(text)}: expected ID=ANSWER[,ANSWER...]")
        if name.strip() in scripts:
            raise OutcomeError(f"--outcome: {printable(name)} is given twice")
        scripts[name.strip()] = answers_of(name.strip(), _listed(name, answers), workflow)
    return scripts


def answers_of(name: str, listed: Iterable[Any], workflow: Workflow) -> tuple[Answer, ...]:
    """The answers to the step with an id.

    Raises OutcomeError.
    """
    step = next((s for s in workflow.all_steps if s.name == name and s.kind in OUTSIDE), None)
    if step is None:
        known = dict.fromkeys(printable(s.name) for s in workflow.all_steps if s.kind in OUTSIDE)
        listed_names = ", ".join(known) or "none, because nothing in it asks the world"
        raise OutcomeError(
            f"--outcome: {printable(name)} is not the id of a step that runs; expected: {listed_names}"
        )
    return tuple(_answer(step, found) for found in listed)


def _listed(name: str, text: str) -> list[Any]:
    found = flow_lists.values(text)
    if not found:
        raise OutcomeError(f"--outcome {printable(name)}: expected answers separated by commas")
    return found


def _answer(step: Step, found: Any) -> Answer:
    if step.kind == "gate":
        return _decision(step, found)
    words = WORDS | (SHELL_WORDS if step.kind == "shell" else PROMPT_WORDS)
    keys = KEYS[step.kind]
    if isinstance(found, str) and found in words:
        return words[found]
    if isinstance(found, Mapping) and set(found) <= set(keys):
        return _exit(step, found) if step.kind == "shell" else _result(step, found)
    expected = f"one of {', '.join(words)}, or a mapping with {', '.join(keys)}"
    raise OutcomeError(f"--outcome {printable(step.name)}: expected {expected}; found {printable(str(found))}")


def _exit(step: Step, found: Mapping[str, Any]) -> Answer:
    code = found.get("exit_code", 0)
    if not isinstance(code, int) or isinstance(code, bool):
        raise OutcomeError(f"--outcome {printable(step.name)}: expected an exit_code that is a whole number")
    return exit_with(code, **{k: str(v) for k, v in found.items() if k != "exit_code"})


def _result(step: Step, found: Mapping[str, Any]) -> Answer:
    allowed = [s.value for s in (StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.PAUSED)]
    status, output, error = found.get("status", "completed"), found.get("output", {}), found.get("error")
    if status not in allowed:
        raise OutcomeError(f"--outcome {printable(step.name)}: expected a status of {', '.join(allowed)}")
    if not isinstance(output, Mapping):
        raise OutcomeError(f"--outcome {printable(step.name)}: expected an output that is a mapping")
    return Answer(
        status=StepStatus(status), output=_json(step, output), error=None if error is None else str(error)
    )


def _json(step: Step, output: Mapping[str, Any]) -> str:
    try:
        return to_text(output)
    except (TypeError, ValueError):
        raise OutcomeError(f"--outcome {printable(step.name)}: output: expected what JSON can say") from None


def _decision(step: Step, found: Any) -> Answer:
    options = step.config.get("options", ["approve", "reject"])
    known = [str(o) for o in options] if isinstance(options, list) else []
    word = str(found)
    if word in GATE_WORDS:
        return GATE_WORDS[word]
    if word not in known:
        expected = ", ".join([*map(printable, known), *GATE_WORDS])
        raise OutcomeError(f"--outcome {printable(step.name)}: expected one of {expected}; found {printable(word)}")
    return Answer(choice=word)
