"""A run of a workflow as a system: its variables, and the engine's moves as sequences of rules.

The same system is compared with the real engine, run for a user, and explored by the checker. What differs is only
the world that answers the steps.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

from model.speckit import body_rules, places, run_rules
from model.speckit import engine_rules as rules
from model.speckit.engine_rules import Verdict
from model.speckit.plan import Plan
from model.speckit.seeing import Rule, of_step
from model.speckit.statuses import RunStatus
from model.speckit.values import EMPTY, Answer, Result
from model.speckit.workflow import LOOPS, Step
from model.system import (
    Action,
    Outcomes,
    Part,
    Sequence,
    System,
    Value,
    Variable,
    action,
    local,
    required,
    sequence,
    variable,
)

ENGINE, PERSON, FAULT = "engine", "person", "fault"


def variables(plan: Plan) -> tuple[Variable, ...]:
    """The variables of a run, those of one step together."""
    of_run = (
        variable("status", RunStatus.CREATED, domain=tuple(RunStatus)),
        variable("alive", False, domain=(False, True)),
        variable("resumed", False, domain=(False, True)),
        variable("halting", None),
        variable("place", ()),
        variable("index", 0),
        variable("inputs", plan.inputs),
        variable("current", ""),
        variable("error", None),
        local("answer", Answer()),
        local("result", Result()),
        local("verdict", Verdict.NONE),
        local("finished", ""),
        local("within", ()),
        local("replaced", ()),
        local("refusal", ""),
        local("events", ()),
    )
    of_steps = []
    for name in dict.fromkeys((*plan.names, *plan.repeated)):
        of_steps += [variable(of_step("record", name), None)] if name in plan.names else []
        of_steps += [variable(of_step("passes", name), ())] if name in plan.repeated else []
    return (*of_run, *of_steps, *plan.calls)


def system(plan: Plan, name: str = "", *, given: str = EMPTY, killed: bool = False) -> System:
    """A run with everything that can happen to it: the engine's moves, and being resumed or `killed`.

    `given` are the inputs that a person gives with every resumption.
    """
    moves: list[Action | Sequence] = [begin(plan)]
    for step in plan.all_steps:
        moves.append(run_step(plan, step))
        moves += inner_moves(plan, step)
    moves.append(resume(plan, given))
    moves += [action(run_rules.kill, "kill the process", actor=FAULT)] if killed else []
    return System(name or plan.workflow.name, variables(plan), tuple(moves))


def begin(plan: Plan) -> Sequence:
    """The run sets out."""
    first = action(run_rules.begin, constants={"workflow": plan.workflow}, writes=("alive", "place"))
    return sequence("execute", required(first), _finish(plan), actor=PERSON)


def resume(plan: Plan, given: str = EMPTY) -> Sequence:
    """A person resumes the run, with new values of inputs."""
    fixed = {"given": given, "workflow": plan.workflow, "behaviours": plan.behaviours}
    first = action(run_rules.resume, constants=fixed, writes=("alive", "resumed", "error", "refusal", "events"))
    return sequence("resume", required(first), actor=PERSON)


def run_step(plan: Plan, step: Step) -> Sequence:
    """The engine comes to a step, calls it, and does what follows from its result."""
    known = plan.is_known(step)
    parts: list[Part | Action | Sequence] = [
        required(_bound(rules.reach, plan, step, writes=("current", "index", "events")))
    ]
    if plan.behaviours.keeps_a_tree and not plan.is_private(step):
        parts.append(action(rules.recall, writes={"record": of_step("record", step.name)}))
    if not known:
        parts.append(_bound(rules.refuse_unknown_type, plan, step, writes=("result",)))
    elif step.kind in run_rules.OUTSIDE:
        parts += [plan.world(step), _rule("execute_step", plan, step, run_rules.execute_step, ("answer",))]
    else:
        parts.append(_rule("execute_step", plan, step, run_rules.execute_step))
    if step.kind == "gate":
        parts.append(action(run_rules.take_verdict_back, writes=("inputs",)))
    parts += [*_judged(plan, step), *_onwards(plan, step)]
    return sequence(f"run {plan.title(step)}", *parts, actor=ENGINE)


def inner_moves(plan: Plan, step: Step) -> Iterator[Sequence]:
    """What the engine does when a list within a step is at its end, or a halt comes out of it."""
    title = plan.title(step)
    end = required(_bound(body_rules.come_to_end, plan, step))
    out = required(action(body_rules.is_left, constants={"step": step}))
    if step.kind in LOOPS:
        again = _rule("ask_again", plan, step, body_rules.ask_again, of=step.config.get("condition"))
        yield sequence(f"after {title}", end, again, *_onwards(plan, step), actor=ENGINE)
    elif step.kind == places.FAN_OUT and step.body:
        [template] = plan.workflow.all_lists[next(iter(step.body.values()))]
        collect = _items(body_rules.collect, plan, step, template)
        yield sequence(f"after an item of {title}", end, collect, *_onwards(plan, step), actor=ENGINE)
        leave = _items(body_rules.leave_items, plan, step, template)
        yield sequence(f"leave {title}", out, leave, _finish(plan), actor=ENGINE)
    elif step.kind == places.CALL and plan.is_known(step):
        back = _rule("come_back", plan, step, body_rules.come_back)
        yield sequence(f"after {title}", end, back, *_judged(plan, step), *_onwards(plan, step), actor=ENGINE)
        out_of = action(body_rules.come_out, writes=("within", "result"))
        kept = action(body_rules.keep_within)
        yield sequence(
            f"leave {title}", out, out_of, *_judged(plan, step), kept, *_onwards(plan, step), actor=ENGINE
        )


def _rule(
    name: str, plan: Plan, step: Step, work: object, others: tuple[str, ...] = (), of: object = None
) -> Action:
    rule = Rule(name, plan.sight(step, of), work, others)
    return rule.bind(("result", "verdict", "halting", "finished", "current"))


def _judged(plan: Plan, step: Step) -> Iterator[Action]:
    yield _recorded(rules.record_result, plan, step, writes=("events", "replaced"))
    yield _bound(rules.settle, plan, step, writes=("verdict",))
    yield _bound(rules.proceed, plan, step, writes=("halting", "finished"))


def _onwards(plan: Plan, step: Step) -> Iterator[Action]:
    """What is done with it is done with the branches around it that end with it; and the run may be over."""
    around = [plan.workflow.by_key[key] for key in reversed(step.ancestors)]
    yield _recorded(rules.pass_on, plan, step)
    for outer in around:
        if outer.kind not in places.PASSED_THROUGH:
            break
        yield _recorded(rules.pass_on, plan, outer)
    yield _finish(plan)


def _finish(plan: Plan) -> Action:
    fixed = {"workflow": plan.workflow, "behaviours": plan.behaviours}
    return action(rules.finish, constants=fixed, writes=("alive", "error"))


def _bound(rule: Callable[..., Outcomes], plan: Plan, step: Step, writes: tuple[str, ...] = ()) -> Action:
    return action(rule, constants=_fixed(rule, plan, step), writes=writes)


def _recorded(rule: Callable[..., Outcomes], plan: Plan, step: Step, writes: tuple[str, ...] = ()) -> Action:
    """A rule that keeps records of the step: the run's own, unless the step never has any there."""
    reads, nothing = _records(plan, step)
    return action(rule, constants={**_fixed(rule, plan, step), **nothing}, writes=writes, reads=reads)


def _items(rule: Callable[..., Outcomes], plan: Plan, step: Step, template: Step) -> Action:
    reads, nothing = _records(plan, step)
    if plan.is_private(step):
        nothing["items"] = ()
    else:
        reads["items"] = of_step("passes", template.name)
    fixed: dict[str, Value] = {**_fixed(rule, plan, step), **nothing, "template": template}
    return action(rule, constants=fixed, writes=("finished",), reads=reads)


def _records(plan: Plan, step: Step) -> tuple[dict[str, str], dict[str, Value]]:
    """Variables for the records of a step, and constants where it has none."""
    if plan.is_private(step):
        return {}, {"record": None, "passes": ()}
    if step.name in plan.repeated:
        return {n: of_step(n, step.name) for n in ("record", "passes")}, {}
    return {"record": of_step("record", step.name)}, {"passes": ()}


def _fixed(rule: Callable[..., Outcomes], plan: Plan, step: Step) -> dict[str, Value]:
    known: dict[str, Value] = {"step": step, "workflow": plan.workflow, "behaviours": plan.behaviours}
    return {name: value for name, value in known.items() if name in inspect.signature(rule).parameters}
