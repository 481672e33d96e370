"""The inputs of a workflow: what is given, checked against what is declared.

Source: `specify_cli/workflows/engine.py: WorkflowEngine._resolve_inputs`, `_coerce_input`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BOOLEANS = {**dict.fromkeys(("true", "1", "yes"), True), **dict.fromkeys(("false", "0", "no"), False)}


def resolved(declared: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every declared input that has one: as given, or its default. What is not declared is left out.

    Raises ValueError, with the engine's message, for one that is missing or does not fit.
    """
    found: dict[str, Any] = {}
    for name, rule in declared.items():
        if not isinstance(rule, Mapping):
            continue
        if name not in given and "default" not in rule:
            if rule.get("required", False):
                raise ValueError(f"Required input {name!r} not provided.")
            continue
        found[name] = coerced(name, given[name] if name in given else rule["default"], rule)
    return found


def coerced(name: str, value: Any, rule: Mapping[str, Any]) -> Any:
    """`value` as the type that `rule` declares.

    Raises ValueError, with the engine's message, if it cannot be had, or is none of the values allowed.
    """
    allowed = rule.get("enum")
    if allowed is not None and not isinstance(allowed, list):
        raise ValueError(f"Input {name!r} has invalid 'enum': must be a list, got {type(allowed).__name__}.")
    convert = {"number": _number, "boolean": _boolean, "string": _string}.get(rule.get("type", "string"))
    found = convert(name, value) if convert else value
    if allowed is not None and found not in allowed:
        raise ValueError(f"Input {name!r} value {found!r} not in allowed values: {allowed}.")
    return found


def _number(name: str, value: Any) -> int | float:
    try:
        if isinstance(value, bool):
            raise TypeError
        found = float(value)
        return int(found) if found == int(found) else found
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"Input {name!r} expected a number, got {value!r}.") from None


def _boolean(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else ""
    if word not in _BOOLEANS:
        raise ValueError(f"Input {name!r} expected a boolean, got {value!r}.")
    return _BOOLEANS[word]


def _string(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"Input {name!r} expected a string, got {value!r}.")
    return value
