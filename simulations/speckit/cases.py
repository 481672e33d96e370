"""Cases: a workflow with everything outside it, made so that the model and the real engine can both run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model.speckit.releases import Behaviours
from model.speckit.statuses import StepStatus
from model.speckit.values import Answer, Ending, to_text
from model.speckit.workflow import Workflow, compiled
from simulations.speckit import runs
from simulations.speckit.runs import Look

Script = list[dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """A workflow as read from its file, and how its world answers. All of it is JSON, as the driver reads it.

    `callable` are workflows that can be called, `scripts` the answers to each step, by id, and `resumes` the inputs
    given with each resumption.
    """

    workflow: dict[str, Any]
    callable: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    scripts: dict[str, Script] = field(default_factory=dict)
    resumes: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The case as the driver reads it."""
        return {
            "workflow": self.workflow,
            "callable": self.callable,
            "inputs": self.inputs,
            "scripts": self.scripts,
            "resumes": self.resumes,
        }


def answer(
    *,
    ending: str = "RETURNS",
    status: str = "completed",
    output: Any = None,
    error: str | None = None,
    choice: str = "",
) -> dict[str, Any]:
    """An answer of the world as the driver reads it."""
    return {"ending": ending, "status": status, "output": output or {}, "error": error, "choice": choice}


def read_answer(found: Mapping[str, Any]) -> Answer:
    """An answer as the model knows it."""
    ending = Ending[found["ending"]]
    return Answer(ending, StepStatus(found["status"]), to_text(found["output"]), found["error"], found["choice"])


def workflow_of(case: Case) -> Workflow:
    """The workflow of a case, with those that it can call.

    Raises ModelError if the engine could not even go through its steps.
    """
    others = {name: compiled(data) for name, data in case.callable.items()}
    return compiled(case.workflow, others)


def modelled(case: Case, behaviours: Behaviours) -> list[Look]:
    """What the model does with a case: a look after the execution, and one after each resumption."""
    scripts = {name: tuple(map(read_answer, script)) for name, script in case.scripts.items()}
    plan = runs.plan_of(workflow_of(case), behaviours, scripts, case.inputs)
    system, last = runs.begin(plan)
    looks = [last]
    for given in case.resumes:
        last = runs.follow(plan, system, last, given)
        looks.append(last)
    return looks
