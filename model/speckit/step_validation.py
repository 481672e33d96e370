"""What the engine has to say about a step of a certain type before it runs it.

Source: `validate` of each step in `specify_cli/workflows/step/*/__init__.py` (`steps/` up to 1.0.1)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from model.speckit.expression_text import block_end
from model.speckit.expressions import is_one_expression
from model.speckit.leaf_steps import timeout_problem
from model.speckit.releases import Behaviours

Config = Mapping[str, Any]


def messages_of_kind(kind: str, step: Config, name: str, behaviours: Behaviours) -> Iterator[str]:
    """The messages about a step of a type that exists."""
    found = _MESSAGES.get(kind)
    if found is not None:
        yield from found(step, name, behaviours)


def _if(step: Config, name: str, behaviours: Behaviours) -> Iterator[str]:
    yield from _condition("If", step, name, behaviours)
    if "then" not in step:
        yield f"If step {name!r} is missing 'then' field."
    if not isinstance(step.get("then", []), list):
        yield f"If step {name!r}: 'then' must be a list of steps."
    other = step.get("else")
    wrong = other is not None if behaviours.checks_shapes else bool(other)
    if wrong and not isinstance(other, list):
        yield f"If step {name!r}: 'else' must be a list of steps."


def _switch(step: Config, name: str, behaviours: Behaviours) -> Iterator[str]:
    if "expression" not in step:
        yield f"Switch step {name!r} is missing 'expression' field."
    if "cases" not in step and behaviours.checks_shapes:
        yield f"Switch step {name!r} is missing 'cases' field."
    cases = step.get("cases", {})
    if not isinstance(cases, Mapping):
        yield f"Switch step {name!r}: 'cases' must be a mapping."
    else:
        for case, steps in cases.items():
            if not isinstance(steps, list):
                yield f"Switch step {name!r}: case {case!r} must be a list of steps."
    default = step.get("default")
    if default is not None and not isinstance(default, list):
        yield f"Switch step {name!r}: 'default' must be a list of steps."


def _loop(title: str) -> Callable[[Config, str, Behaviours], Iterator[str]]:
    def found(step: Config, name: str, behaviours: Behaviours) -> Iterator[str]:
        yield from _condition(title, step, name, behaviours)
        most = step.get("max_iterations")
        boolean = isinstance(most, bool) and not behaviours.boolean_is_a_cap
        if most is not None and (boolean or not isinstance(most, int) or most < 1):
            yield f"{title} step {name!r}: 'max_iterations' must be an integer >= 1."
        if "steps" not in step and behaviours.lists_are_needed:
            yield f"{title} step {name!r} is missing 'steps' field."
        if not isinstance(step.get("steps", []), list):
            yield f"{title} step {name!r}: 'steps' must be a list…"

    return found


def _condition(title: str, step: Config, name: str, behaviours: Behaviours) -> Iterator[str]:
    about = f"{title} step {name!r}"
    if "condition" not in step:
        yield f"{about} is missing 'condition' field."
    elif behaviours.quotes_and_brackets:
        condition = step["condition"]
        if not isinstance(condition, (str, bool)):
            yield f"{about}: 'condition' must be a string or boolean, got {type(condition).__name__}."
        elif problem := _condition_problem(condition, behaviours):
            yield f"{about}: 'condition' {condition!r} {problem}…"


def _condition_problem(condition: Any, behaviours: Behaviours) -> str:
    if not isinstance(condition, str) or not condition or condition.strip().lower() in ("true", "false"):
        return ""
    text = condition.strip()
    open_block = _open_block(text)
    if not text or "{{" not in text or open_block == "never":
        return "is not a single complete '{{ }}' block, so it is never evaluated"
    if open_block == "truncated":
        return "opens a '{{' the interpolator cannot close"
    if behaviours.parentheses and not is_one_expression(text):
        return "holds more than one '{{ }}' block, or text around one"
    return ""


def _open_block(text: str) -> str:
    """What becomes of the first block that nothing closes, never or truncated; empty if there is none."""
    at = 0
    while (begin := text.find("{{", at)) >= 0:
        end = block_end(text, begin)
        if end < 0:
            return "truncated" if text.find("}}", begin + 2) >= 0 else "never"
        at = end + 2
    return ""


def _fan_out(step: Config, name: str, behaviours: Behaviours) -> Iterator[str]:
    if "items" not in step:
        yield f"Fan-out step {name!r} is missing 'items' field."
    if "step" not in step:
        yield f"Fan-out step {name!r} is missing 'step' field (nested step template)."
    elif not isinstance(step["step"], Mapping) and (behaviours.checks_shapes or step["step"] is not None):
        yield f"Fan-out step {name!r}: 'step' must be a mapping."


def _fan_in(step: Config, name: str, behaviours: Behaviours) -> Iterator[str]:
    wanted = step.get("wait_for", [])
    if not isinstance(wanted, list) or not wanted:
        yield f"Fan-in step {name!r}: 'wait_for' must be a non-empty list of step IDs."
    output = step.get("output")
    if output is not None and not isinstance(output, Mapping) and behaviours.checks_shapes:
        yield f"Fan-in step {name!r}: 'output' must be a mapping of key -> expression, got {type(output).__name__}."


def _gate(step: Config, name: str, behaviours: Behaviours) -> Iterator[str]:
    options, on_reject = step.get("options", ["approve", "reject"]), step.get("on_reject", "abort")
    if "message" not in step:
        yield f"Gate step {name!r} is missing 'message' field."
    texts = isinstance(options, list) and all(isinstance(o, str) for o in options)
    if not isinstance(options, list) or not options:
        yield f"Gate step {name!r}: 'options' must be a non-empty list."
    elif not texts:
        yield f"Gate step {name!r}: all options must be strings."
    if on_reject not in ("abort", "skip", "retry"):
        yield f"Gate step {name!r}: 'on_reject' must be 'abort', 'skip', or 'retry'."
    verdict = step.get("verdict_input", "x")
    if behaviours.verdict_input and (not isinstance(verdict, str) or not verdict):
        yield f"Gate step {name!r}: 'verdict_input' must be a non-empty string."
    if on_reject in ("abort", "retry") and texts and not any(o.lower() in ("reject", "abort") for o in options):
        yield f"Gate step {name!r}: on_reject={on_reject!r} but options has no 'reject' or 'abort' choice."


def _shell(step: Config, name: str, behaviours: Behaviours) -> Iterator[str]:
    if "run" not in step:
        yield f"Shell step {name!r} is missing 'run' field."
    elif not isinstance(step["run"], str) and behaviours.checks_shapes:
        yield f"Shell step {name!r}: 'run' must be a string, got {type(step['run']).__name__}."
    if not behaviours.json_output:
        return
    form = step.get("output_format")
    if form is not None and form != "json":
        yield f"Shell step {name!r}: 'output_format' must be 'json' when present, got {form!r}."
    if problem := timeout_problem(step, name):
        yield problem


def _slot(step: Config, name: str, behaviours: Behaviours) -> Iterator[str]:
    label = step.get("name")
    if label is None:
        yield f"Slot step {name!r} requires a 'name' field (the slot label)."
    elif not isinstance(label, str) or not label.strip():
        yield f"Slot step {name!r}: 'name' must be a non-blank string."


def _dispatched(title: str, text: str) -> Callable[[Config, str, Behaviours], Iterator[str]]:
    def found(step: Config, name: str, behaviours: Behaviours) -> Iterator[str]:
        if text not in step:
            yield f"{title} step {name!r} is missing {text!r} field."
        for key in (text, "integration", "model") if behaviours.checks_shapes else ():
            value = step.get(key)
            if not isinstance(value, str) and (value is not None or (key == text and key in step)):
                yield f"{title} step {name!r}: {key!r} must be a string, got {type(value).__name__}."

    return found


_MESSAGES: dict[str, Callable[[Config, str, Behaviours], Iterator[str]]] = {
    "command": _dispatched("Command", "command"),
    "prompt": _dispatched("Prompt", "prompt"),
    "shell": _shell,
    "gate": _gate,
    "if": _if,
    "switch": _switch,
    "while": _loop("While"),
    "do-while": _loop("Do-while"),
    "fan-out": _fan_out,
    "fan-in": _fan_in,
    "slot": _slot,
}
