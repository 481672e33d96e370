"""Rules that evaluate expressions: what they see is read off the text of their step.

Such a rule is a callable with a signature of its own, so that it reads the records of those steps that its
expressions can name, and no others.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from model.speckit import places
from model.speckit.releases import Behaviours
from model.speckit.results import Seen
from model.speckit.values import EMPTY, Named, Place, Record, from_text
from model.speckit.workflow import Step, Workflow
from model.system import Action, Outcomes, action

RUN_ID = "run"
"""The name of every run; expressions can see it."""


def of_step(field: str, name: str) -> str:
    """The variable that holds `field` of the steps called `name`."""
    return f"{field}[{name}]"


def mentioned(config: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `names` that occur in some text of `config`, or in a list or mapping within."""
    found = list(texts(config))
    return tuple(n for n in names if any(re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", t) for t in found))


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


@dataclass(frozen=True, eq=False)
class Sight:
    """What the expressions of a step may see: `steps` are the ids whose records they can name.

    `passes` are those of them that can also be named as one pass of a loop or one item of a fan-out.
    """

    step: Step
    workflow: Workflow
    behaviours: Behaviours
    steps: tuple[str, ...]
    passes: tuple[str, ...]

    def seen(self, place: Place, inputs: str, records: Mapping[str, Any]) -> Seen:
        """What the step sees at `place`, with the run's own records as given: those of a scope come first."""
        scope = places.scope_of(place)
        found = dict(scope.records) if scope else self.named(records)
        found = self._as_before(place, found)
        names = {
            "inputs": from_text(places.inputs_of(place, inputs)),
            "steps": {name: self.view(record) for name, record in found.items()},
            "item": places.item(place, self.workflow),
            "fan_in": {},
            "context": {"run_id": RUN_ID, "workflow_dir": ""},
        }
        shown = places.shown(place, self.step, self.workflow, self.behaviours) if place else ""
        around = places.inside_fan_out(place, self.workflow)
        return Seen(names, shown, around, places.callers(place, self.workflow))

    def _as_before(self, place: Place, found: dict[str, Record]) -> dict[str, Record]:
        """From 1.1.3 on a step that halted a run does not see the record of that when it is run again."""
        if not place or place[-1].hidden is None or not places.is_at(place, self.step, self.workflow):
            return found
        mine = (self.step.name, places.called(place, self.step, self.workflow))
        kept = {name: record for name, record in found.items() if name not in mine}
        return kept | dict.fromkeys((self.step.name,), place[-1].hidden[0]) if place[-1].hidden else kept

    def named(self, records: Mapping[str, Any]) -> dict[str, Record]:
        """The run's own records that can be seen, by name."""
        found: dict[str, Record] = {}
        for i, name in enumerate(self.steps):
            record = records[f"record_{i}"]
            if record is not None:
                found[name] = record
        for i in range(len(self.passes)):
            others: Named = records[f"passes_{i}"]
            found.update(others)
        return found

    def view(self, record: Record) -> dict[str, Any]:
        """A record as expressions see it."""
        return view(record, self.workflow, self.behaviours)

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters that stand for records, with the variables they read."""
        found = {f"record_{i}": of_step("record", name) for i, name in enumerate(self.steps)}
        return found | {f"passes_{i}": of_step("passes", name) for i, name in enumerate(self.passes)}


def view(record: Record, workflow: Workflow, behaviours: Behaviours) -> dict[str, Any]:
    """A record as expressions see it, and as `state.json` has it.

    Source: `_execute_steps`, `Execution.record`
    """
    step = workflow.by_key[record.step]
    output = from_text(record.output)
    config = step.config
    found: dict[str, Any] = {
        "integration": output.get("integration") or config.get("integration"),
        "model": output.get("model") or config.get("model"),
        "options": output.get("options") or config.get("options", {}),
        "input": output.get("input") or config.get("input", {}),
        "output": output,
        "status": record.status.value,
    }
    if step.kind == places.CALL and behaviours.keeps_a_tree:
        found |= {"integration": None, "model": None, "options": {}, "input": {}}
    if behaviours.records_type_and_error:
        found |= {"type": step.kind, "error": record.error}
    return found


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule that reads what its `sight` names, besides the place, the run's inputs, and the values of `others`.

    `work` gets what is seen, and the values of `others` by name.
    """

    name: str
    sight: Sight
    work: Any
    others: tuple[str, ...] = ()

    @property
    def __name__(self) -> str:
        return self.name

    @cached_property
    def __signature__(self) -> inspect.Signature:
        names = ("place", "inputs", *self.others, *self.sight.parameters)
        return inspect.Signature([inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY) for n in names])

    def __call__(self, *, place: Place, inputs: str = EMPTY, **values: Any) -> Outcomes:
        """The outcomes that `work` answers."""
        others = {name: values[name] for name in self.others}
        seen = self.sight.seen(place, inputs, values)
        found: Outcomes = self.work(self.sight, place, seen, values, **others)
        return found

    def bind(self, writes: Mapping[str, str] | tuple[str, ...]) -> Action:
        """The action: every variable by its own name, except records."""
        return action(self, f"{self.name} {self.sight.step.name}", reads=self.sight.parameters, writes=writes)
