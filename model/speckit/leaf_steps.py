"""What the code of steps that do something outside makes of what the world answers: commands, prompts, gates.

Source: `specify_cli/workflows/step/{shell,gate}/__init__.py` (`steps/` up to 1.0.1)
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from model.speckit.expressions import evaluate
from model.speckit.releases import Behaviours
from model.speckit.results import Seen, failed
from model.speckit.statuses import StepStatus
from model.speckit.values import Answer, Ending, Result, from_text, to_text
from model.speckit.workflow import Step

REJECTING = ("reject", "abort")
DEFAULT_TIMEOUT = 300  # seconds


def dispatched(step: Step, seen: Seen, answer: Answer, behaviours: Behaviours) -> Result:
    """A command or a prompt: what the integration comes back with is the result."""
    text = evaluate(step.config.get("prompt", step.config.get("command", "")), seen.names, behaviours)
    if answer.ending is not Ending.RETURNS:
        return Result(ending=answer.ending, error=answer.error, ran=str(text))
    return Result(answer.status, answer.output, answer.error, ran=str(text))


def shell_step(step: Step, seen: Seen, answer: Answer, behaviours: Behaviours) -> Result:
    """`ShellStep.execute`: failed unless the command ends with 0, in time, and with the JSON that was promised."""
    command = step.config.get("run", "")
    if isinstance(command, str) and "{{" in command:
        command = evaluate(command, seen.names, behaviours)
    if behaviours.checks_shapes and (problem := timeout_problem(step.config, seen.called)):
        return failed(problem, exit_code=-1, stdout="", stderr="invalid timeout")
    return _shell_result(step, seen, answer, behaviours)._replace(ran=str(command))


def _shell_result(step: Step, seen: Seen, answer: Answer, behaviours: Behaviours) -> Result:
    if answer.ending is Ending.TIMES_OUT:
        timeout = step.config.get("timeout", DEFAULT_TIMEOUT) if behaviours.checks_shapes else DEFAULT_TIMEOUT
        error = f"Shell command timed out after {timeout} seconds."
        return failed(error, exit_code=-1, stdout="", stderr="timeout")
    if answer.ending is Ending.CANNOT_START:
        return failed(f"Shell command failed: {answer.error}", exit_code=-1, stdout="", stderr=str(answer.error))
    if answer.ending is not Ending.RETURNS:
        return Result(ending=answer.ending, error=answer.error)
    output = from_text(answer.output)
    code = output["exit_code"]
    if code != 0:
        return Result(StepStatus.FAILED, answer.output, f"Shell command exited with code {code}.")
    if step.config.get("output_format") == "json" and behaviours.json_output:
        try:
            return Result(output=to_text({**output, "data": json.loads(output["stdout"])}))
        except json.JSONDecodeError as problem:
            error = (
                f"Shell step {seen.called!r} declared output_format: json but stdout is not valid JSON: {problem}"
            )
            return Result(StepStatus.FAILED, answer.output, error)
    return Result(output=answer.output)


def timeout_problem(config: Mapping[str, Any], called: str) -> str:
    """What is wrong with the `timeout` of a shell step; empty if nothing is."""
    if "timeout" not in config:
        return ""
    timeout = config["timeout"]
    number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
    if number and math.isfinite(timeout) and timeout > 0:
        return ""
    return f"Shell step {called!r}: 'timeout' must be a positive number of seconds, got {timeout!r}."


def gate_step(step: Step, seen: Seen, answer: Answer, behaviours: Behaviours) -> Result:
    """`GateStep.execute`: asks a person, or takes the answer from an input, and says what follows from it."""
    config = step.config
    message = _shown(config.get("message", "Review required."), seen, behaviours)
    options = config.get("options", ["approve", "reject"])
    on_reject = config.get("on_reject", "abort")
    output = {"message": message, "options": options, "on_reject": on_reject, "choice": None}
    if behaviours.checks_shapes and (problem := gate_problem(options, on_reject)):
        return failed(f"Gate step {seen.called!r}: {problem}", **output)
    if behaviours.verdict_input and (problem := _verdict_problem(config, seen)):
        return failed(f"Gate step {seen.called!r}: {problem}")
    output |= {"show_file": _shown(config.get("show_file"), seen, behaviours)}
    verdict = _verdict(config, seen, behaviours)
    if verdict is not None:
        choice = next((o for o in options if isinstance(verdict, str) and o.lower() == verdict.lower()), None)
        if choice is None:
            return failed(f"Gate step {seen.called!r}: {_no_verdict(config, verdict)}", **output)
    elif answer.ending is Ending.NO_TERMINAL:
        return Result(StepStatus.PAUSED, to_text(output))
    elif answer.ending is Ending.INTERRUPTED and behaviours.interrupt_pauses_at_gate:
        return Result(ending=Ending.INTERRUPTED)
    else:
        choice = _choice(options, answer, behaviours)
    decided = _decided(choice, on_reject, seen, output, behaviours)
    reset = verdict is not None and decided.status is StepStatus.PAUSED
    return decided._replace(reset_input=config["verdict_input"]) if reset else decided


def _shown(text: Any, seen: Seen, behaviours: Behaviours) -> Any:
    return evaluate(text, seen.names, behaviours) if isinstance(text, str) and "{{" in text else text


def gate_problem(options: Any, on_reject: Any) -> str:
    """What keeps a gate from asking; empty if nothing does."""
    if not isinstance(options, list) or not options or not all(isinstance(o, str) for o in options):
        return f"'options' must be a non-empty list of strings, got {type(options).__name__}."
    if on_reject not in ("abort", "skip", "retry"):
        return f"'on_reject' must be 'abort', 'skip', or 'retry', got {on_reject!r}."
    return ""


def _verdict_problem(config: Mapping[str, Any], seen: Seen) -> str:
    if "verdict_input" not in config:
        return ""
    name = config["verdict_input"]
    if not isinstance(name, str) or not name:
        return "'verdict_input' must be a non-empty string."
    return "'verdict_input' is not supported inside fan-out templates." if seen.inside_fan_out else ""


def _verdict(config: Mapping[str, Any], seen: Seen, behaviours: Behaviours) -> Any:
    """The answer that an input gives; None where a person has to be asked."""
    if not behaviours.verdict_input or "verdict_input" not in config:
        return None
    value = seen.names["inputs"].get(config["verdict_input"])
    return None if value == "" else value


def _no_verdict(config: Mapping[str, Any], verdict: Any) -> str:
    name = config["verdict_input"]
    if not isinstance(verdict, str):
        return f"verdict input {name!r} must be a string, got {type(verdict).__name__}."
    return f"verdict input {name!r} value {verdict!r} does not match any configured option."


def _choice(options: list[str], answer: Answer, behaviours: Behaviours) -> str:
    if answer.ending is Ending.RETURNS:
        chosen = [o for o in options if o.lower() == answer.choice.lower()]
        if chosen:
            return chosen[0]
    if not behaviours.interrupt_pauses_at_gate:
        return options[-1]
    return next((o for o in options if o.lower() in REJECTING), options[-1])


def _decided(choice: str, on_reject: str, seen: Seen, output: dict[str, Any], behaviours: Behaviours) -> Result:
    output = {**output, "choice": choice}
    rejects = (choice.lower() if behaviours.reject_in_any_case else choice) in REJECTING
    if not rejects or on_reject not in ("abort", "retry"):
        return Result(output=to_text(output))
    if on_reject == "retry":
        return Result(StepStatus.PAUSED, to_text(output))
    error = f"Gate rejected by user at step {seen.called!r}"
    return Result(StepStatus.FAILED, to_text({**output, "aborted": True}), error)
