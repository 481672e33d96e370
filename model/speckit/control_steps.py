"""What the code of steps that control others does: which list of steps is gone into, and what is put out.

Source: `specify_cli/workflows/step/*/__init__.py` (`steps/` up to 1.0.1), `composition.py`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from model.speckit.expressions import evaluate, holds
from model.speckit.inputs import resolved
from model.speckit.releases import Behaviours
from model.speckit.results import Seen, completed, failed
from model.speckit.statuses import StepStatus
from model.speckit.validation import messages
from model.speckit.values import Result, Scope, to_text
from model.speckit.workflow import TEMPLATE, Step, Workflow, root_of

DEFAULT_PASSES = 10
DEEPEST = 16
"""So many workflows may call each other."""

_SAFE = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def if_step(step: Step, seen: Seen, behaviours: Behaviours) -> Result:
    """`IfThenStep.execute`: the condition is evaluated once; without `else` there is nothing to do."""
    met = holds(step.config.get("condition", False), seen.names, behaviours)
    branch = "then" if met else "else"
    found = step.config.get(branch, [])
    if not isinstance(found, list) and not (found is None and branch == "else") and behaviours.checks_shapes:
        return failed(f"If step {seen.called!r}: {branch!r} {_no_list(found)}", condition_result=met)
    return completed(step.body.get(branch, ""), condition_result=met)


def switch_step(step: Step, seen: Seen, behaviours: Behaviours) -> Result:
    """`SwitchStep.execute`: the first case whose key reads as the value does, else the default."""
    value = evaluate(step.config.get("expression", ""), seen.names, behaviours)
    text = "" if value is None else str(value)
    text = text.strip() if behaviours.switch_strips else text
    cases = step.config.get("cases", {})
    if not isinstance(cases, Mapping):
        return _no_branch(
            f"Switch step {seen.called!r}: 'cases' must be a mapping, got {type(cases).__name__}.", value
        )
    for case, steps in cases.items():
        if str(case) == text:
            if not isinstance(steps, list):
                return _no_branch(f"Switch step {seen.called!r}: case {str(case)!r} {_no_list(steps)}", value)
            return completed(step.body[f"cases.{case}"], matched_case=str(case), expression_value=value)
    default = step.config.get("default")
    if default is not None and not isinstance(default, list):
        return _no_branch(f"Switch step {seen.called!r}: 'default' {_no_list(default)}", value)
    return completed(step.body.get("default", ""), matched_case="__default__", expression_value=value)


def _no_branch(error: str, value: Any) -> Result:
    return failed(error, matched_case=None, expression_value=value)


def _no_list(found: Any) -> str:
    return f"must be a list of steps, got {type(found).__name__}."


def while_step(step: Step, seen: Seen, behaviours: Behaviours) -> Result:
    """`WhileStep.execute`: the condition is tested before the first pass."""
    most = step.config.get("max_iterations")
    limit = {"max_iterations": DEFAULT_PASSES if most is None else most, "loop_type": "while"}
    met = holds(step.config.get("condition", False), seen.names, behaviours)
    found = step.config.get("steps", [])
    if met and not isinstance(found, list) and behaviours.checks_shapes:
        error = f"While step {seen.called!r}: 'steps' {_no_list(found)}"
        return failed(error, condition_result=True, **limit)
    return completed(step.body.get("steps", "") if met else "", condition_result=met, **limit)


def do_while_step(step: Step, seen: Seen, behaviours: Behaviours) -> Result:
    """`DoWhileStep.execute`: the first pass comes in any case."""
    most = step.config.get("max_iterations")
    output = {
        "condition": step.config.get("condition", "false"),
        "max_iterations": DEFAULT_PASSES if most is None else most,
        "loop_type": "do-while",
    }
    found = step.config.get("steps", [])
    if not isinstance(found, list) and behaviours.checks_shapes:
        return failed(f"Do-while step {seen.called!r}: 'steps' {_no_list(found)}", **output)
    return completed(step.body.get("steps", ""), **output)


def most_passes(step: Step, behaviours: Behaviours) -> int:
    """How many passes a loop makes at most."""
    most = step.config.get("max_iterations")
    if not isinstance(most, int) or most < 1 or (isinstance(most, bool) and not behaviours.boolean_is_a_cap):
        return DEFAULT_PASSES
    return int(most)


def goes_on(step: Step, seen: Seen, behaviours: Behaviours) -> bool:
    """Whether the engine makes another pass of a loop, if the limit allows it."""
    return holds(step.config.get("condition", False), seen.names, behaviours)


def fan_out_step(step: Step, seen: Seen, behaviours: Behaviours) -> Result:
    """`FanOutStep.execute`: the items, and the template that is run for each of them."""
    source = step.config.get("items", "[]")
    items = evaluate(source, seen.names, behaviours)
    template = step.config.get(TEMPLATE, {})
    output: dict[str, Any] = {"items": [], "max_concurrency": step.config.get("max_concurrency", 1)}
    kept: dict[str, Any] = {} if behaviours.keeps_a_tree else {"step_template": template}
    if not isinstance(template, Mapping) and behaviours.checks_shapes:
        error = f"Fan-out step {seen.called!r}: 'step' must be a mapping (nested step template), got "
        kept = {name: {} for name in kept}
        return failed(f"{error}{type(template).__name__}.", **output, **kept, item_count=0)
    if not isinstance(items, list):
        if behaviours.checks_shapes:
            error = (
                f"Fan-out step {seen.called!r}: 'items' must resolve to a list, got {type(items).__name__} from "
            )
            return failed(f"{error}{source!r}.", **output, **kept, item_count=0)
        items = []
    output = fan_out_output(step, items, behaviours)
    if not items or TEMPLATE not in step.body:
        return completed(**output, results=[])
    return completed(step.body[TEMPLATE], **output)._replace(items=to_text(items))


def fan_out_output(step: Step, items: list[Any], behaviours: Behaviours) -> dict[str, Any]:
    """What a fan-out puts out before its items have run."""
    kept = {} if behaviours.keeps_a_tree else {"step_template": step.config.get(TEMPLATE, {})}
    most = step.config.get("max_concurrency", 1)
    return {"items": items, "max_concurrency": most, **kept, "item_count": len(items)}


def fan_in_step(step: Step, seen: Seen, behaviours: Behaviours) -> Result:
    """`FanInStep.execute`: waits for nothing; an output that is not there counts as an empty one."""
    wanted = step.config.get("wait_for", [])
    described = step.config.get("output")
    described = {} if described is None else described
    if (problem := _fan_in_problem(wanted, described, behaviours)) and behaviours.checks_shapes:
        return failed(f"Fan-in step {seen.called!r}: {problem}", results=[])
    steps = seen.names["steps"]
    results = [steps.get(name, {}).get("output", {}) for name in wanted]
    names = {**seen.names, "fan_in": {"results": results}}
    output: dict[str, Any] = {"results": results}
    if isinstance(described, Mapping):
        for key, value in described.items():
            is_expression = isinstance(value, str) and "{{" in value
            output[key] = evaluate(value, names, behaviours) if is_expression else value
    return completed(**output)


def _fan_in_problem(wanted: Any, described: Any, behaviours: Behaviours) -> str:
    if not isinstance(described, Mapping):
        return f"'output' must be a mapping of key -> expression, got {type(described).__name__}."
    if not isinstance(wanted, list):
        return f"'wait_for' must be a list of step IDs, got {type(wanted).__name__}."
    for name in wanted:
        if not isinstance(name, str):
            return f"'wait_for' entries must be step-id strings, got {type(name).__name__} ({name!r})."
    alias = next((name for name in wanted if ":" in name), None)
    if alias is not None and behaviours.aliases_are_refused:
        return f"'wait_for' entry {alias!r} looks like a fan-out item alias; …"
    return ""


def slot_step(step: Step, seen: Seen, behaviours: Behaviours) -> Result:
    """`SlotStep.execute`: a place where overlays put steps; by itself it does nothing."""
    if seen.inside_fan_out:
        return failed(f"Slot step {seen.called!r} is not supported inside fan-out templates …")
    return Result(StepStatus.SKIPPED, to_text({"slot": step.config.get("name")}))


def call_step(step: Step, seen: Seen, behaviours: Behaviours, workflow: Workflow) -> Result:
    """The engine's own way with a step that calls another workflow: find it, and give it its inputs.

    Source: `_execution.py: Execution.workflow`, `composition.py: resolve_target`, `bind_inputs`
    """
    target = step.config.get("workflow")
    try:
        given = _call_inputs(step.config)
        target = evaluate(_target(target), seen.names, behaviours)
        called = _resolved(target, seen.callers, workflow, behaviours)
        provided = {key: evaluate(value, seen.names, behaviours) for key, value in given.items()}
        if unknown := sorted(provided.keys() - called.inputs.keys()):
            raise CallError(f"Undeclared inputs for workflow {called.name!r}: {unknown}")
        inputs = _bound(called, provided)
    except CallError as problem:
        shown = target if isinstance(target, str) else repr(target)
        output = {"workflow": shown, "status": "failed", "error": str(problem)}
        return Result(StepStatus.FAILED, to_text(output), str(problem))
    scope = Scope(called.name, inputs=to_text(inputs), called_by=(*seen.callers, called.name))
    return Result(body=root_of(called.name), scope=scope)


class CallError(Exception):
    """A call that cannot be made; the text is the engine's."""


def _call_inputs(config: Mapping[str, Any]) -> Mapping[str, Any]:
    given = config.get("input", {})
    if not isinstance(given, Mapping):
        raise CallError("'input' must be a mapping with string keys")
    return given


def _target(target: Any) -> str:
    if not isinstance(target, str):
        raise CallError("'workflow' must be a string")
    if "{{" not in target and not _SAFE.fullmatch(target):
        raise CallError("'workflow' must be an exact, safe, non-reserved workflow ID")
    return target


def _resolved(target: Any, callers: tuple[str, ...], workflow: Workflow, behaviours: Behaviours) -> Workflow:
    if not isinstance(target, str) or not _SAFE.fullmatch(target):
        raise CallError("Workflow target must be an exact safe workflow ID")
    if target in callers:
        raise CallError(f"Workflow composition cycle: {' -> '.join((*callers, target))}")
    if len(callers) > DEEPEST:
        raise CallError(f"Workflow composition exceeds maximum depth {DEEPEST}")
    called = workflow.called(target)
    if called is None:
        raise CallError(f"Workflow {target!r} is not installed")
    if messages(called.data, behaviours):
        raise CallError(f"Invalid workflow {target!r}: …")
    return called


def _bound(called: Workflow, provided: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return resolved(called.inputs, provided)
    except ValueError as problem:
        raise CallError(str(problem)) from None


def call_outputs(workflow: Workflow, seen: Seen, behaviours: Behaviours) -> dict[str, Any]:
    """What a workflow that was called puts out, by its own records.

    Source: `composition.py: evaluate_outputs`
    """
    return {
        name: evaluate(rule["value"], seen.names, behaviours)
        for name, rule in workflow.outputs.items()
        if isinstance(rule, Mapping) and "value" in rule
    }
