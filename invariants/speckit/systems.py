"""spec-kit's systems that can be checked by name: small workflows, each with a situation that matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from invariants.speckit import claims
from invariants.subjects import Subject
from model.speckit import run
from model.speckit.inputs import resolved
from model.speckit.plan import Plan, free
from model.speckit.releases import Behaviours
from model.speckit.values import to_text
from model.speckit.workflow import Workflow, compiled

Steps = list[dict[str, Any]]


@dataclass(frozen=True)
class Situation:
    """A small workflow, and what may happen to it: `aborts`, `breaks` and `killed` as in `explored`.

    `gates` names, for a step that may fail, the gate that is there to show it.
    """

    about: str
    steps: Steps
    aborts: bool = False
    breaks: bool = False
    killed: bool = False
    gates: Mapping[str, str] = field(default_factory=dict)
    callable: Mapping[str, Steps] = field(default_factory=dict)


def shell(name: str, **more: Any) -> dict[str, Any]:
    """A shell step."""
    return {"id": name, "type": "shell", "run": f"./{name}", **more}


def prompt(name: str, **more: Any) -> dict[str, Any]:
    """A prompt to a coding agent."""
    return {"id": name, "type": "prompt", "prompt": name, **more}


def gate(name: str, **more: Any) -> dict[str, Any]:
    """A gate at which a person decides."""
    return {"id": name, "type": "gate", "message": "Go on?", **more}


MAY_FAIL = {"continue_on_error": True}

SITUATIONS: dict[str, Situation] = {
    "speckit-flag": Situation(
        "three commands, of which the second may fail",
        [shell("build"), shell("lint", **MAY_FAIL), shell("deploy")],
    ),
    "speckit-recovery": Situation(
        "the pattern of the proposal: a command that may fail, and a gate for the case that it did",
        [
            shell("flaky", **MAY_FAIL),
            {
                "id": "route",
                "type": "if",
                "condition": "{{ steps.flaky.output.exit_code != 0 }}",
                "then": [gate("review")],
                "else": [shell("deploy")],
            },
        ],
        gates={"flaky": "review"},
    ),
    "speckit-aborts": Situation(
        "prompts whose output may be marked as aborted, with the flag and without, and gates that reject",
        [
            prompt("draft", **MAY_FAIL),
            gate("sign", **MAY_FAIL),
            gate("pass", on_reject="skip", **MAY_FAIL),
            gate("again", on_reject="retry", **MAY_FAIL),
            prompt("publish"),
        ],
        aborts=True,
    ),
    "speckit-nested": Situation(
        "a branch that may fail, with a step in it that may, and one that may not",
        [
            {
                "id": "branch",
                "type": "if",
                "condition": True,
                "then": [shell("inner", **MAY_FAIL), shell("strict")],
                **MAY_FAIL,
            },
            shell("after"),
        ],
    ),
    "speckit-unseen": Situation(
        "a command that promises JSON and may fail, and a gate behind a condition that reads its exit code",
        [
            shell("report", output_format="json", **MAY_FAIL),
            {
                "id": "route",
                "type": "if",
                "condition": "{{ steps.report.output.exit_code != 0 }}",
                "then": [gate("look")],
            },
            shell("merge"),
        ],
        gates={"report": "look"},
    ),
    "speckit-loop": Situation(
        "a loop that tries a command again, at most twice, and a command after it",
        [
            {
                "id": "retry",
                "type": "do-while",
                "condition": "{{ steps.attempt.output.exit_code != 0 }}",
                "max_iterations": 2,
                "steps": [shell("attempt", **MAY_FAIL), shell("note")],
            },
            shell("deploy"),
        ],
    ),
    "speckit-items": Situation(
        "a command for each of two items, which may fail, and one after them that takes the results",
        [
            {
                "id": "each",
                "type": "fan-out",
                "items": ["api", "web"],
                "step": shell("test", **MAY_FAIL),
                **MAY_FAIL,
            },
            {"id": "results", "type": "fan-in", "wait_for": ["each"]},
            {
                "id": "strictly",
                "type": "fan-out",
                "items": ["api", "web"],
                "step": shell("deploy"),
                **MAY_FAIL,
            },
        ],
    ),
    "speckit-resume": Situation(
        "a branch with work in it that is done, work that may fail, and a gate that asks whether to go on",
        [
            {
                "id": "first",
                "type": "if",
                "condition": "{{ steps.work.status != 'completed' }}",
                "then": [shell("work"), shell("check", **MAY_FAIL), gate("confirm")],
            },
            shell("last"),
        ],
    ),
    "speckit-call": Situation(
        "a workflow that is called, may fail, and has a gate of its own",
        [{"id": "call", "type": "workflow", "workflow": "inner", **MAY_FAIL}, shell("after")],
        callable={"inner": [shell("task"), gate("ask")]},
    ),
    "speckit-breaks": Situation(
        "a command that may raise an error, a step of a type that nobody knows, and a process that may be killed",
        [
            shell("build", **MAY_FAIL),
            {
                "id": "route",
                "type": "switch",
                "expression": "{{ steps.build.status }}",
                "cases": {"completed": [{"id": "odd", "type": "nonsense", **MAY_FAIL}]},
            },
            shell("deploy"),
        ],
        breaks=True,
        killed=True,
    ),
}

NAMES = tuple(SITUATIONS)
"""What to call them."""


def subject(name: str, behaviours: Behaviours) -> Subject:
    """The system called `name` as one release behaves, with every claim about the engine.

    Raises KeyError for a name that is not one of `NAMES`.
    """
    situation = SITUATIONS[name]
    plan = plan_of(workflow(situation), behaviours, aborts=situation.aborts, breaks=situation.breaks)
    return explored(name, situation.about, plan, killed=situation.killed, gates=situation.gates)


def workflow(situation: Situation, name: str = "outer") -> Workflow:
    """The workflow of a situation."""
    others = {called: compiled(_document(called, steps)) for called, steps in situation.callable.items()}
    return compiled(_document(name, situation.steps), others)


def _document(name: str, steps: Steps) -> dict[str, Any]:
    head = {"id": name, "name": name, "version": "1.0.0"}
    return {"schema_version": "1.0", "workflow": head, "steps": steps}


def plan_of(of: Workflow, behaviours: Behaviours, *, aborts: bool = False, breaks: bool = False) -> Plan:
    """The plan of a workflow in which every step may do whatever it can; inputs have their defaults.

    Raises ValueError if an input that is required has none.
    """
    inputs = to_text(resolved(of.inputs, {}))
    return Plan(of, behaviours, free(aborts=aborts, breaks=breaks), inputs)


def explored(
    name: str, about: str, plan: Plan, *, killed: bool = False, gates: Mapping[str, str] | None = None
) -> Subject:
    """A run with everything that can happen to it, the claims about the engine, and their witnesses."""
    properties = claims.claims(plan, killed=killed, gates=dict(gates or {})) + claims.witnesses(plan)
    return Subject(name, about, run.system(plan, name, killed=killed), properties, QUIET)


QUIET = ("place", "current", "index", "inputs", "alive", "resumed", "error", "passes", "halting")
"""What the labels of a story say already, or what follows from the rest."""
