"""Drives the library's own runtime over a lifecycle, to compare it with the table read off the class."""

from __future__ import annotations

import ast
import itertools
from types import SimpleNamespace

import pytest
from statemachine.exceptions import TransitionNotAllowed


def cases(machine):
    """Every phase and event, taken from the class and not from the table."""
    return [
        pytest.param(state.value, str(e), id=f"{state.id}-{e}") for state in machine.states for e in machine.events
    ]


def class_guards(machine, phase=None, name=None):
    """The names that guards of the class ask about; of one phase and event where given."""
    texts = [
        spec.func
        for state in machine.states
        if phase is None or state.value is phase
        for t in state.transitions
        if name is None or name in map(str, t.events)
        for spec in t.cond
    ]
    nodes = (node for text in texts for node in ast.walk(ast.parse(text, mode="eval")))
    return sorted({node.id for node in nodes if isinstance(node, ast.Name)})


def check_agreement(machine, table, phase, name):
    """Assert that table and runtime agree on an event in a phase, whatever the guards say."""
    arrow = table.leaving(phase).get(name)
    relevant = class_guards(machine, phase, name)
    for values in itertools.product((False, True), repeat=len(relevant)):
        guards = dict.fromkeys(class_guards(machine), False) | dict(zip(relevant, values, strict=True))
        run = machine(model=SimpleNamespace(state=phase, **guards))
        if arrow and (not arrow.guard or eval(arrow.guard, {}, guards)):
            run.send(name)
            assert run.current_state_value is arrow.target is table.after(phase, name)
        else:
            with pytest.raises(TransitionNotAllowed):
                run.send(name)
