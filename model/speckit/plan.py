"""A workflow before it is run: the release, the world, and which variables its steps have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from model.speckit import places, run_rules
from model.speckit.releases import Behaviours
from model.speckit.seeing import Sight, mentioned, of_step
from model.speckit.statuses import StepStatus
from model.speckit.values import EMPTY, Answer, Ending, to_text
from model.speckit.workflow import LEAVES, LOOPS, TEMPLATE, Step, Workflow
from model.system import Action, Variable, action, variable

World = Callable[[Step], Action]
"""What answers a step that asks the world: an action that writes `answer`."""

_WITHIN = frozenset({"then", "else", "steps", "cases", "default", TEMPLATE})


@dataclass(frozen=True)
class Plan:
    """A workflow in a release, with the world around it. `inputs` are the values of its inputs, as JSON text.

    `calls` are variables of the world, where it counts how often it was asked.
    """

    workflow: Workflow
    behaviours: Behaviours
    world: World
    inputs: str = EMPTY
    calls: tuple[Variable, ...] = ()

    def is_private(self, step: Step) -> bool:
        """Whether the step's records never are the run's own: those of workflows that are called, and of items."""
        return step.workflow != self.workflow.name or (self.behaviours.keeps_a_tree and step.inside_template)

    @cached_property
    def public(self) -> tuple[Step, ...]:
        """The steps whose records can be the run's own."""
        return tuple(s for s in self.workflow.steps if not self.is_private(s))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The ids of steps with records of the run's own, each once."""
        return tuple(dict.fromkeys(s.name for s in self.public))

    @cached_property
    def repeated(self) -> tuple[str, ...]:
        """The ids that also come up as one pass of a loop, or one item of a fan-out."""
        return tuple(dict.fromkeys(s.name for s in self.workflow.steps if self._is_repeated(s)))

    def _is_repeated(self, step: Step) -> bool:
        if not step.ancestors:
            return False
        parent = self.workflow.by_key[step.ancestors[-1]]
        if parent.kind == places.FAN_OUT:
            return not self.is_private(parent)
        return parent.kind in LOOPS and not self.is_private(step)

    @cached_property
    def all_steps(self) -> tuple[Step, ...]:
        """Every step that can be reached, those of the workflows that can be called in this release, too."""
        calls = self.behaviours.keeps_a_tree and any(s.kind == places.CALL for s in self.workflow.all_steps)
        return self.workflow.all_steps if calls else self.workflow.steps

    @cached_property
    def titles(self) -> dict[str, str]:
        """What to call each step, by its place: its id, and its place where several have that id."""
        count = Counter(s.name for s in self.all_steps)
        return {s.key: s.name if count[s.name] == 1 else f"{s.name} ({s.key})" for s in self.all_steps}

    def title(self, step: Step) -> str:
        """What to call a step."""
        return self.titles[step.key]

    def sight(self, step: Step, of: Any = None) -> Sight:
        """What the expressions of a step can see, or only those in `of`."""
        config = self._expressions(step) if of is None else of
        if self.is_private(step):
            return Sight(step, self.workflow, self.behaviours, (), ())
        seen = mentioned(config, self.names)
        text = to_text(config) if isinstance(config, (str, list)) else repr(config)
        passes = tuple(n for n in mentioned(config, self.repeated) if f":{n}:" in text)
        return Sight(step, self.workflow, self.behaviours, seen, passes)

    def _expressions(self, step: Step) -> Mapping[str, Any]:
        whole = step.kind == places.FAN_OUT and self.behaviours.keeps_a_tree
        return {k: v for k, v in step.config.items() if k not in _WITHIN or (whole and k == TEMPLATE)}

    def is_known(self, step: Step) -> bool:
        """Whether the release knows the type of the step."""
        return run_rules.is_known(step.kind, self.behaviours)


# Worlds


def scripted(scripts: Mapping[str, tuple[Answer, ...]]) -> World:
    """Every step does what its script says, by id; one without a script succeeds, a gate approves."""

    def world(step: Step) -> Action:
        script = scripts.get(step.name) or (usual(step),)
        return action(
            run_rules.play, constants={"script": script}, calls=of_step("calls", step.name), writes=("answer",)
        )

    return world


def call_counts(workflow: Workflow) -> tuple[Variable, ...]:
    """How often each step has asked the world, by id, as scripts need to know."""
    names = dict.fromkeys(s.name for s in workflow.all_steps if s.kind in run_rules.OUTSIDE)
    return tuple(variable(of_step("calls", name), 0) for name in names)


def free(*, aborts: bool = False, breaks: bool = False) -> World:
    """Every step may do whatever it can, each time anew.

    With `aborts`, what does the work may mark its output as aborted; with `breaks`, its code may raise an
    error, and a person may press Ctrl+C.
    """

    def world(step: Step) -> Action:
        answers = _gate_answers(step) if step.kind == "gate" else _leaf_answers(step, aborts)
        if breaks:
            answers += (Answer(Ending.INTERRUPTED),)
            answers += (Answer(Ending.RAISES, error="something went wrong"),) if step.kind in LEAVES else ()
        return action(run_rules.choose, constants={"answers": answers}, writes=("answer",))

    return world


def usual(step: Step) -> Answer:
    """What a step answers if nobody says otherwise: it succeeds; a gate is approved."""
    return _gate_answers(step)[0] if step.kind == "gate" else _leaf_answers(step, aborts=False)[0]


def exit_with(code: int, **more: Any) -> Answer:
    """What a command comes back with that ends with an exit code; anything but 0 is a failure."""
    output = {"exit_code": code, "stdout": "", "stderr": "", **more}
    status = StepStatus.FAILED if code else StepStatus.COMPLETED
    return Answer(status=status, output=to_text(output), error=f"exit code {code}" if code else None)


def _leaf_answers(step: Step, aborts: bool) -> tuple[Answer, ...]:
    if step.kind == "shell":
        promises_json = step.config.get("output_format") == "json"
        return (
            (exit_with(0, stdout="{}"), exit_with(0), exit_with(1))
            if promises_json
            else (exit_with(0), exit_with(1))
        )
    found = (exit_with(0), exit_with(1), Answer(status=StepStatus.FAILED, error="it could not even be begun"))
    marked = to_text({"aborted": True})
    more = (Answer(output=marked), Answer(status=StepStatus.FAILED, output=marked, error="aborted"))
    return found + more if aborts else found


def _gate_answers(step: Step) -> tuple[Answer, ...]:
    options = step.config.get("options", ["approve", "reject"])
    chosen = [o for o in options if isinstance(o, str)] if isinstance(options, list) else []
    return (*(Answer(choice=o) for o in chosen), Answer(Ending.NO_TERMINAL))
