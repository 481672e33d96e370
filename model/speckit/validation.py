"""What the engine has to say about a workflow before it runs it.

`execute` itself does not look; the command line does, and so does a call of another workflow. A message that
ends in an ellipsis gives the beginning of the engine's.

Source: `specify_cli/workflows/engine.py: validate_workflow`, `_validate_steps`, and `validate` of each step
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from model.speckit.inputs import coerced
from model.speckit.releases import Behaviours
from model.speckit.step_validation import messages_of_kind

_ID = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_INPUT_TYPES = ("string", "number", "boolean")
_REQUIRES = ("integrations", "speckit_version")
_RESERVED = frozenset({"workflow", "status", "error", "aborted", "integration", "model", "options", "input"})


def messages(data: Mapping[str, Any], behaviours: Behaviours) -> list[str]:
    """Everything that is wrong with a workflow as read from its file, in the engine's order."""
    return list(_messages(data, behaviours))


def _messages(data: Mapping[str, Any], behaviours: Behaviours) -> Iterator[str]:
    if behaviours.keeps_a_tree:
        yield from _outputs(data.get("outputs", {}))
    yield from _head(data, behaviours)
    inputs = data.get("inputs", {})
    if not isinstance(inputs, Mapping):
        yield "'inputs' must be a mapping (or omitted)."
    else:
        for name, rule in inputs.items():
            yield from _input(name, rule, behaviours)
    if behaviours.checks_shapes:
        yield from _requires(data.get("requires", {}))
    steps = data.get("steps", [])
    if not isinstance(steps, list):
        yield "'steps' must be a list."
        return
    if not steps:
        yield "Workflow has no steps defined."
    yield from _steps(steps, _Known(behaviours, inputs if isinstance(inputs, Mapping) else None))


def _outputs(outputs: Any) -> Iterator[str]:
    if not isinstance(outputs, Mapping):
        yield "'outputs' must be a mapping"
        return
    for name, entry in outputs.items():
        if not isinstance(name, str) or not _ID.fullmatch(name):
            yield f"Output {name!r} must be a safe identifier"
        elif name in _RESERVED:
            yield f"Output {name!r} is reserved"
        if not isinstance(entry, Mapping) or set(entry) != {"value"}:
            yield f"Output {name!r} must contain exactly 'value'"


def _head(data: Mapping[str, Any], behaviours: Behaviours) -> Iterator[str]:
    version = data.get("schema_version", "1.0")
    if str(version) != "1.0" and (behaviours.checks_shapes or version not in ("1.0", "1")):
        yield f"Unsupported schema_version {version!r}. Expected '1.0'."
    head = data.get("workflow", {})
    head = head if isinstance(head, Mapping) else {}
    for name in ("id", "name", "version"):
        value = head.get(name)
        if not value and value not in (0, False):
            yield f"Workflow is missing 'workflow.{name}'."
        elif not isinstance(value, str):
            yield f"'workflow.{name}' must be a string, got {type(value).__name__} …"
        elif name == "id" and not _ID.fullmatch(value):
            yield f"Workflow ID {value!r} must be lowercase alphanumeric with hyphens."
        elif name == "version" and not _VERSION.fullmatch(value):
            yield f"Workflow version {value!r} is not valid semantic versioning …"


def _input(name: str, rule: Any, behaviours: Behaviours) -> Iterator[str]:
    if not isinstance(rule, Mapping):
        yield f"Input {name!r} must be a mapping."
        return
    kind, allowed = rule.get("type"), rule.get("enum")
    if kind and kind not in _INPUT_TYPES:
        yield f"Input {name!r} has invalid type {kind!r}. …"
    unusable = allowed is not None and not isinstance(allowed, list)
    if unusable and behaviours.checks_shapes:
        yield f"Input {name!r} has invalid 'enum': …"
    if "default" in rule:
        try:
            coerced(name, rule["default"], {k: v for k, v in rule.items() if not (unusable and k == "enum")})
        except ValueError as problem:
            yield f"Input {name!r} has invalid default: {problem}"


def _requires(requires: Any) -> Iterator[str]:
    if not isinstance(requires, Mapping):
        yield "'requires' must be a mapping (or omitted)."
        return
    for key in requires:
        if key == "permissions":
            yield "'requires.permissions' is not a recognized or enforced capability gate …"
        elif key not in _REQUIRES:
            yield f"Unknown 'requires' key {key!r}. …"


@dataclass
class _Known:
    """What is known when a step is looked at: the ids before it, the inputs, and whether items are around."""

    behaviours: Behaviours
    inputs: Mapping[str, Any] | None
    ids: set[str] = field(default_factory=set)
    inside_fan_out: bool = False


def _steps(steps: list[Any], known: _Known) -> Iterator[str]:
    for step in steps:
        if not isinstance(step, Mapping):
            yield f"Step must be a mapping, got {type(step).__name__}."
            continue
        name = step.get("id")
        if name is None or name == "":
            yield "Step is missing 'id' field."
            continue
        if not isinstance(name, str):
            yield f"Step ID must be a string, got {type(name).__name__} ({name!r})."
            continue
        yield from _named(step, name, known)


def _named(step: Mapping[str, Any], name: str, known: _Known) -> Iterator[str]:
    if ":" in name:
        yield f"Step ID {name!r} contains ':' which is reserved …"
    if name in known.ids:
        yield f"Duplicate step ID {name!r}."
    known.ids.add(name)
    kind = step.get("type", "command")
    if not isinstance(kind, str):
        yield f"Step {name!r}: 'type' must be a string, got {type(kind).__name__} ({kind!r})."
        return
    if kind not in kinds(known.behaviours):
        yield f"Step {name!r} has invalid type {kind!r}."
        return
    yield from messages_of_kind(kind, step, name, known.behaviours)
    if kind == "slot" and known.inside_fan_out:
        yield f"Slot step {name!r} is not supported inside fan-out templates …"
    yield from flag_message(step, name, known.behaviours)
    if known.behaviours.checks_shapes:
        yield from _references(kind, step, name, known)
    yield from _within(step, known)


def kinds(behaviours: Behaviours) -> frozenset[str]:
    """The types of steps that validation accepts."""
    found = {"command", "shell", "prompt", "gate", "if", "switch", "while", "do-while", "fan-out", "fan-in"}
    found |= {"init"} if behaviours.checks_shapes else set()
    found |= {"slot"} if behaviours.slots else set()
    return frozenset(found | ({"workflow"} if behaviours.keeps_a_tree else set()))


def flag_message(step: Mapping[str, Any], name: str, behaviours: Behaviours) -> Iterator[str]:
    """The message about a `continue_on_error` that is anything but a boolean."""
    if not behaviours.continue_on_error or "continue_on_error" not in step:
        return
    flag = step["continue_on_error"]
    if not isinstance(flag, bool):
        yield f"Step {name!r}: 'continue_on_error' must be a boolean, got {type(flag).__name__}."


def _references(kind: str, step: Mapping[str, Any], name: str, known: _Known) -> Iterator[str]:
    if kind == "fan-in" and isinstance(step.get("wait_for"), list):
        for wanted in step["wait_for"]:
            yield from _waits_for(wanted, name, known)
    verdict = step.get("verdict_input")
    if kind == "gate" and isinstance(verdict, str) and verdict:
        yield from _verdict(verdict, step, name, known)


def _waits_for(wanted: Any, name: str, known: _Known) -> Iterator[str]:
    about = f"Fan-in step {name!r}: 'wait_for'"
    if not isinstance(wanted, str):
        yield f"{about} entries must be step-id strings, got {type(wanted).__name__} ({wanted!r})."
    elif wanted == name:
        yield f"{about} references itself; …"
    elif wanted not in known.ids:
        yield f"{about} references unknown or not-yet-declared step id {wanted!r}."


def _verdict(verdict: str, step: Mapping[str, Any], name: str, known: _Known) -> Iterator[str]:
    if known.inside_fan_out:
        yield f"Gate step {name!r}: 'verdict_input' is not supported inside fan-out templates."
    elif known.inputs is not None and verdict not in known.inputs:
        yield f"Gate step {name!r}: 'verdict_input' references undeclared input {verdict!r}."
    elif known.inputs is not None:
        rule = known.inputs[verdict]
        allowed = rule.get("enum") if isinstance(rule, Mapping) else None
        if step.get("on_reject") == "retry" and isinstance(allowed, list) and "" not in allowed:
            yield f"Gate step {name!r}: on_reject='retry' resets verdict input {verdict!r} to '' …"


def _within(step: Mapping[str, Any], known: _Known) -> Iterator[str]:
    lists = [step.get(key) for key in ("then", "else", "steps")]
    cases = step.get("cases")
    lists += list(cases.values()) if isinstance(cases, Mapping) else []
    lists.append(step.get("default"))
    for steps in lists:
        if isinstance(steps, list):
            yield from _steps(steps, known)
    template = step.get("step")
    if isinstance(template, Mapping):
        yield from _steps([template], _Known(known.behaviours, known.inputs, inside_fan_out=True))
