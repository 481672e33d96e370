"""Traces in the Informal Trace Format of the model checker Apalache, as other tools read them.

The format is described in Apalache's ADR-015 (https://apalache-mc.org/docs/adr/015adr-trace.html): a JSON object
with the names of the variables and a list of states. What JSON cannot say has an object with one `#` key:
`#bigint`, `#tup`, `#set`, `#map`.

Variables that stand for one field of several objects, `phase[dev.1]` and `phase[dev.2]`, become one variable
`phase` that maps objects to values, so that every name is an identifier of TLA+.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from invariants.trace import Taken, Trace
from model.system import ModelError, State, Value

DESCRIPTION = "https://apalache-mc.org/docs/adr/015adr-trace.html"
LARGEST = (1 << 53) - 1
"""The largest integer that every reader of JSON takes for what it is."""

NOTHING = "None"
"""What stands for no value: the format has no null."""

Expression = Any
"""An expression of the format: what `json` can write."""

Document = dict[str, Any]


def document(trace: Trace, about: Mapping[str, str]) -> Document:
    """A trace as a document; `about` goes into its `#meta`, beside the name of the format.

    The `#meta` of a state says which step led to it. A trace that goes on for ever has a `loop`: after the last
    state comes the one of that index, by the step of which the document's `#meta` has `back-action`. If nothing
    more happens, it is the index of the last state, and there is no such step.

    Raises ModelError if two variables would get one name.
    """
    names = _Names(tuple(trace.start))
    back = trace.loop is not None and trace.loop < len(trace.steps)
    # The last step of a loop leads to a state that is there already.
    steps = trace.steps[:-1] if back else trace.steps
    states = [_state(0, {}, names.grouped(trace.start))]
    states += [_state(n, _step(taken), names.grouped(taken.after)) for n, taken in enumerate(steps, start=1)]
    meta = {"format": "ITF", "format-description": DESCRIPTION, **about}
    if back:
        meta |= {f"back-{key}": said for key, said in _step(trace.steps[-1]).items()}
    found: Document = {"#meta": meta, "vars": names.of_variables, "states": states}
    return found if trace.loop is None else found | {"loop": trace.loop}


def _state(index: int, step: Mapping[str, str], values: Mapping[str, Expression]) -> Document:
    return {"#meta": {"index": index, **step}, **values}


def _step(taken: Taken) -> dict[str, str]:
    said = {"action": taken.action, "actor": taken.actor, "label": taken.label}
    return {key: text for key, text in said.items() if text}


class _Names:
    """How the variables of a system are called in a document."""

    def __init__(self, variables: tuple[str, ...]) -> None:
        fields_of = {v: re.fullmatch(r"([^\[]+)\[(.+)\]", v) for v in variables}
        plain = {_identifier(v) for v, found in fields_of.items() if not found}
        self.places: dict[str, tuple[str, Hashable]] = {}
        """For each variable its name, and the object whose field it is (None: it is no field)."""
        for v, found in fields_of.items():
            field = _identifier(found[1]) if found else ""
            owned = found is not None and field not in plain
            self.places[v] = (field, found[2]) if found and owned else (_identifier(v), None)
        if len(set(self.places.values())) < len(variables):
            raise ModelError(f"there are variables that have one name in TLA+; they are: {', '.join(variables)}")
        self.of_variables = list(dict.fromkeys(name for name, _ in self.places.values()))

    def grouped(self, state: State) -> dict[str, Expression]:
        """The values of a state, those of one field as one map."""
        found: dict[str, Expression] = dict.fromkeys(self.of_variables)
        for variable, (name, owner) in self.places.items():
            value = expression(state[variable])
            if owner is None:
                found[name] = value
            else:
                found[name] = found[name] or {"#map": []}
                found[name]["#map"].append([owner, value])
        return found


def _identifier(name: str) -> str:
    """A name such as TLA+ allows."""
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
    return plain if re.search("[A-Za-z]", plain) else f"x{plain}"


def expression(value: Value) -> Expression:
    """A value as the format has it: enums and what is nothing as strings, records as objects.

    What it cannot say at all, such as a fraction, is `#unserializable`, with a text for people.
    """
    for kind, said in _KINDS:
        if isinstance(value, kind):
            return said(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: expression(getattr(value, f.name)) for f in fields(value)}
    return {"#unserializable": str(value)}


def _integer(value: int) -> Expression:
    return value if abs(value) <= LARGEST else {"#bigint": str(value)}


def _enum(value: Enum) -> Expression:
    return value.value if isinstance(value.value, str) and value.value else value.name


def _tuple(value: tuple[Value, ...]) -> Expression:
    names: tuple[str, ...] = getattr(value, "_fields", ())
    if names:
        return {name: expression(v) for name, v in zip(names, value, strict=True)}
    return {"#tup": [expression(v) for v in value]}


def _set(value: frozenset[Value]) -> Expression:
    return {"#set": sorted(map(expression, value), key=repr)}


_KINDS: tuple[tuple[type, Callable[[Any], Expression]], ...] = (
    (type(None), lambda _: NOTHING),
    (Enum, _enum),
    (bool, bool),
    (int, _integer),
    (str, str),
    (tuple, _tuple),
    (frozenset, _set),
)
"""What is said of values, by their type; an enum may also be a number or a text, and a truth value is a number."""
