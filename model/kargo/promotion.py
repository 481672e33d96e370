"""A Promotion as a system: its variables, and its pass as a sequence of rules.

The same system is replayed against recordings, run for a user and explored by the checker. What differs is
only the world around it: what a step's attempts come back with, and whether the clock runs on (`now` grows, for
ever) or is reckoned from the present (`now` is zero between steps, and times move into the past).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from model.kargo import promotion_rules as rules
from model.kargo import saving_rules as saving
from model.kargo import step_engine as engine
from model.kargo.durations import format_duration
from model.kargo.phases import PromotionPhase, StepStatus
from model.kargo.plan import Plan, after_failure, config, did, namespace, said, stored
from model.kargo.promotion_rules import Acknowledged, Place
from model.kargo.step_engine import Condition, Turn
from model.system import (
    Action,
    Part,
    Rule,
    Sequence,
    System,
    Tables,
    Value,
    Variable,
    action,
    local,
    part,
    required,
    sequence,
    variable,
)

PHASES = tuple(PromotionPhase)
STATUSES = tuple(StepStatus)


@dataclass(frozen=True)
class Surroundings:
    """What the pass of a Promotion meets outside it, where that is modelled, too: its Stage and its Freight.

    `look` comes before the pass opens and may change `acknowledged`, `check` before the steps and may go to
    `Place.REFUSED` with a `refusal`, `conclude` comes between the outcome of the pass and its being saved and may
    change it, `end` comes last.
    """

    look: tuple[Action | Part, ...] = ()
    check: tuple[Action | Part, ...] = ()
    conclude: tuple[Action | Part, ...] = ()
    end: tuple[Action | Part, ...] = ()


ALONE = Surroundings()
"""A Promotion whose Stage waits for it, and whose Freight can be promoted."""


def variables(plan: Plan, *, running_clock: bool, start: PromotionPhase | None) -> tuple[Variable, ...]:
    """The variables of a Promotion, those of one step together; `start` None is for one that is still to come."""
    n = len(plan.steps)
    clock = variable("now", 0) if running_clock else local("now", 0)
    phases = PHASES if start is not None else (None, *PHASES)
    pass_wide = (
        variable("phase", start, domain=phases),
        variable("message", ""),
        variable("current_step", 0, domain=range(max(n, 1))) if n else variable("current_step", 0, -1),
        variable("work_dir", False, domain=(False, True)),
        variable("abort_requested", False, domain=(False, True)),
        variable("health_checks", ()),
        variable("requeue", None),
        clock,
        local("was", start, domain=phases),
        local("acknowledged", Acknowledged.YES, domain=tuple(Acknowledged)),
        local("refusal", ""),
        local("at", Place.OUTSIDE, domain=(*Place, *range(n + 1))),
        local("fresh", False, domain=(False, True)),
        local("cancelled", False, domain=(False, True)),
        local("changed", False, domain=(False, True)),
        local("saved", True, domain=(False, True)),
        local("turn", Turn.NOT_REACHED),
        local("failing", 0),
        local("condition", Condition(None)),
        local("context_error", None),
        local("attempt", None),
        local("stopped_at", 0, domain=range(max(n, 1))),
        local("retry_after", None),
        local("backs_off", False, domain=(False, True)),
        local("engine_error", None),
        local("worst", StepStatus.SUCCEEDED, domain=STATUSES),
        local("worst_text", ""),
        local("new_phase", PromotionPhase.NEW, domain=PHASES),
        local("new_step", 0),
        local("new_message", ""),
        local("new_checks", ()),
    )
    of_steps: list[Variable] = []
    for alias in plan.aliases:
        of_steps += _field(plan, "entry", alias, None) + _field(plan, "text", alias, "")
        for i in (i for i, s in enumerate(plan.steps) if s.rules.alias == alias):
            of_steps += [
                local(did(i, alias), Turn.NOT_REACHED),
                local(said(i, alias), None),
                local(config(i, alias), None),
                local(after_failure(i, alias), False, domain=(False, True)),
            ]
    for key in plan.output_keys:
        of_steps += _field(plan, "output", key, None)
    return (*pass_wide, *of_steps)


def _field(plan: Plan, field: str, alias: str, initial: Value) -> list[Variable]:
    copies = [local(plan.working(field, alias), initial)] if plan.writes_can_fail else []
    return [variable(stored(field, alias), initial), *copies]


def reconcile(
    plan: Plan,
    name: str = "reconcile",
    *,
    cancelled: bool = False,
    running_clock: bool = False,
    surroundings: Surroundings = ALONE,
) -> Sequence:
    """One pass of the Promotion reconciler; with `cancelled`, one during which the controller shuts down."""
    n = len(plan.steps)
    ends = (n, Place.WAITING, Place.CANCELLED, Place.PANICKED, Place.REFUSED)
    parts = [
        Part(action(rules.remember, writes=("was",))),
        *map(_part, surroundings.look),
        required(action(rules.open_pass, writes=("at",))),
        *(part(a, at=Place.TERMINATING) for a in _terminate(plan)),
        *map(_part, surroundings.check),
        part(sequence("load", *_load(plan, cancelled)), at=Place.LOADING),
        *(part(sequence(f"step {i}", *_turns(plan, i)), at=i) for i in range(n)),
        part(sequence("weigh", *_weigh(plan)), at=n),
        part(sequence("conclude", *_conclude(plan, running_clock, surroundings.conclude)), at=ends),
    ]
    parts += map(_part, surroundings.end)
    if not running_clock:
        parts += [Part(_rebase(plan, alias)) for alias in plan.aliases]
    return Sequence(name, tuple(parts), "controller")


def _part(body: Action | Part) -> Part:
    return body if isinstance(body, Part) else Part(body)


def exploration(
    name: str,
    plan: Plan,
    *,
    restart: bool = True,
    abort: bool = True,
    start: PromotionPhase = PromotionPhase.NEW,
    tables: Tables | None = None,
) -> System:
    """A Promotion with everything that can happen to it, for the checker.

    Time may pass until a step has none left, but never just up to its timeout: no real clock is read at that very
    instant. The work directory may be lost (`restart`), a person may abort (`abort`), and where
    `plan.writes_can_fail` the controller may be shut down during a pass. `tables` are those of another system, if
    it should share what its rules answered.
    """
    controller = [reconcile(plan)]
    if plan.writes_can_fail:
        controller.append(reconcile(plan, "reconcile while shutting down", cancelled=True))
    clock = [run_out_of_time(plan, alias) for alias in plan.aliases if plan.horizon_ms(alias)]
    faults = ([lose_work_dir()] if restart else []) + ([request_abort()] if abort else [])
    of_all = variables(plan, running_clock=False, start=start)
    return System(name, of_all, (*controller, *clock, *faults), tables or Tables())


def run_out_of_time(plan: Plan, alias: str) -> Action:
    """Time passes while nobody works, until the step has used up its timeout."""
    horizon = plan.horizon_ms(alias)
    name = f"wait {format_duration(horizon)}" + (f" for {alias}" if len(plan.aliases) > 1 else "")
    fixed = {"horizon_ms": horizon}
    return action(rules.run_out_of_time, name, actor="clock", constants=fixed, entry=stored("entry", alias))


def lose_work_dir() -> Action:
    """The controller's pod is replaced."""
    return action(rules.lose_work_dir, "lose the work directory", actor="fault")


def request_abort() -> Action:
    """A person asks for the Promotion to be aborted."""
    return action(rules.request_abort, "request abort", actor="person")


def _terminate(plan: Plan) -> Iterator[Action]:
    for k, alias in enumerate(plan.aliases):
        after = plan.aliases[k + 1 : k + 2]
        binding = {"entry": stored("entry", alias)} | ({"following": stored("entry", after[0])} if after else {})
        fixed: dict[str, Value] = {"index": k} if after else {"index": k, "following": None}
        yield action(rules.abort_current_step, constants=fixed, reads=binding)


def _load(plan: Plan, cancelled: bool) -> Iterator[Action | Part]:
    if cancelled:
        yield action(rules.cancel, writes=("cancelled",))
    yield action(rules.open_work_dir, writes=("fresh",))
    for alias in plan.aliases:
        yield from _copy(plan, rules.load_entry, "entry", alias)
        yield from _copy(plan, rules.load_text, "text", alias)
        yield action(
            rules.count_failure,
            constants={"continue_on_error": plan.continue_on_error[alias]},
            entry=plan.working("entry", alias),
        )
    for key in plan.output_keys:
        if plan.writes_can_fail:
            yield from _copy(plan, rules.load_output, "output", key)
    yield action(rules.go_to_step, writes=("at",))


def _copy(plan: Plan, rule: Rule, field: str, alias: str) -> Iterator[Action | Part]:
    load = action(rule, reads={field: stored(field, alias)}, writes={"working": plan.working(field, alias)})
    yield load if plan.writes_can_fail else part(load, fresh=True)


def _turns(plan: Plan, index: int) -> Iterator[Action | Part]:
    step = plan.steps[index]
    behaviours, fixed, alias = plan.behaviours, step.rules, step.rules.alias
    entry, text = plan.working("entry", alias), plan.working("text", alias)
    coe = plan.continue_on_error[alias]
    yield action(engine.set_current_step, constants={"continue_on_error": coe}, writes=("turn",), entry=entry)
    yield action(engine.stop_if_cancelled, constants={"behaviours": behaviours}, entry=entry)
    yield action(
        engine.ask_whether_to_skip,
        constants={"rules": fixed, "continue_on_error": coe, "behaviours": behaviours},
        writes={"after_failure": after_failure(index, alias)},
        entry=entry,
    )
    if step.condition:
        yield part(step.condition.bind(plan, "the if", condition="condition"), turn=Turn.TO_EVALUATE)
        yield action(engine.obey_condition, constants={"alias": alias, "behaviours": behaviours}, entry=entry)
    yield action(engine.start, constants={"rules": fixed}, entry=entry)
    if step.config:
        yield part(
            step.config.bind(plan, "the config", context_error="context_error", config=config(index, alias)),
            turn=Turn.TO_CONFIGURE,
        )
    yield action(engine.configure, constants={"alias": alias, "behaviours": behaviours}, entry=entry)
    yield part(step.attempt, turn=Turn.TO_RUN)
    yield action(rules.keep_output, writes={"output": plan.working("output", alias)})
    if behaviours.context_failure_is_a_result:
        yield action(rules.forget_output, writes={"output": plan.working("output", alias)})
    if fixed.propagates_output and namespace(alias):
        shared = plan.working("output", namespace(alias))
        yield action(rules.propagate_output, shared=shared)
        if behaviours.context_failure_is_a_result:
            yield action(rules.forget_shared_output, shared=shared)
    yield action(engine.judge, constants={"rules": fixed, "behaviours": behaviours}, entry=entry)
    yield action(
        engine.say,
        constants={"rules": fixed, "behaviours": behaviours},
        writes={"text": text},
    )
    yield action(rules.note_health_check, checks="new_checks")
    yield action(rules.note_retry_after, writes=("retry_after",))
    yield action(rules.back_off, constants={"behaviours": behaviours}, writes=("backs_off",))
    yield action(
        rules.note_error,
        constants={"rules": fixed, "behaviours": behaviours},
        writes=("engine_error",),
    )
    yield action(
        rules.move_on,
        constants={
            "index": index,
            "steps": len(plan.steps),
            "continue_on_error": coe,
            "behaviours": behaviours,
        },
        writes={
            **{n: n for n in ("at", "stopped_at", "condition", "context_error")},
            "did": did(index, alias),
            "said": said(index, alias),
        },
        entry=entry,
    )


def _weigh(plan: Plan) -> Iterator[Action]:
    # The k-th entry is passed over if the k-th step continues on error: not the same where aliases repeat.
    for alias, step in zip(plan.aliases, plan.steps, strict=False):
        if not step.continue_on_error:
            entry, text = plan.working("entry", alias), plan.working("text", alias)
            yield action(saving.weigh_text, writes=("worst_text",), entry=entry, text=text)
            yield action(saving.weigh, entry=entry)


def _conclude(plan: Plan, running_clock: bool, more: Iterable[Action | Part]) -> Iterator[Action | Part]:
    behaviours, n = plan.behaviours, len(plan.steps)
    yield action(saving.conclude, constants={"steps": n}, writes=("new_phase", "new_step"))
    yield action(saving.conclude_message, constants={"steps": n}, writes=("new_message",))
    yield action(saving.conclude_error, constants={"behaviours": behaviours}, writes=("engine_error",))
    yield from more
    if running_clock:
        # Exploration leaves this out: it would have to tell messages apart, for the sake of a wake-up.
        compare = sequence("compare", *_compare(plan))
        yield part(compare, cancelled=True, at=Place.WAITING)
    else:
        yield part(action(saving.assume_new_status, writes=("changed",)), cancelled=True)
    yield action(saving.can_save, writes=("saved",))
    yield part(sequence("save", *_save(plan)), saved=True, at=(n, Place.WAITING, Place.CANCELLED))
    yield part(action(saving.save_end, writes=("phase",)), saved=True, at=saving.WITHOUT_RESULT)
    yield part(action(saving.save_message, writes=("message",)), saved=True)
    yield action(saving.remove_work_dir, constants={"behaviours": behaviours}, writes=("work_dir",))
    yield action(saving.ask_for_requeue, constants={"behaviours": behaviours}, writes=("requeue",))
    for k, alias in enumerate(plan.aliases):
        timeout = plan.steps[k].rules.timeout_ms
        if plan.steps[k].rules.registered:
            yield action(
                saving.requeue_at_timeout,
                constants={"index": k, "timeout_ms": timeout},
                entry=stored("entry", alias),
            )


def _compare(plan: Plan) -> Iterator[Action]:
    yield action(saving.note_new_status, checks="new_checks", writes=("changed",))
    for alias in plan.aliases:
        for rule, field in ((saving.note_new_entry, "entry"), (saving.note_new_text, "text")):
            copies = {field: stored(field, alias), "working": plan.working(field, alias)}
            yield action(rule, reads=copies, writes=("changed",))
    for key in plan.output_keys:
        copies = {"output": stored("output", key), "working": plan.working("output", key)}
        yield action(saving.note_new_output, reads=copies, writes=("changed",))


def _save(plan: Plan) -> Iterator[Action]:
    yield action(saving.save_status, writes=("phase", "current_step"))
    yield action(saving.save_health_checks, checks="new_checks")
    for alias in plan.aliases:
        yield action(
            saving.save_entry, working=plan.working("entry", alias), writes={"entry": stored("entry", alias)}
        )
        yield action(saving.save_text, working=plan.working("text", alias), writes={"text": stored("text", alias)})
    for key in plan.output_keys:
        source, target = plan.working("output", key), stored("output", key)
        yield action(saving.save_output, working=source, writes={"output": target})


def _rebase(plan: Plan, alias: str) -> Action:
    fixed = {"horizon_ms": plan.horizon_ms(alias), "read_again": plan.shared_later(alias)}
    return action(rules.rebase, constants=fixed, entry=stored("entry", alias))
