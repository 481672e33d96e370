"""What one would like to be true of a template: claims about its steps, each bound to the step that it is about.

A claim here is a question that `kargo-model lint` asks. Some are answered by a violation, which comes with the
shortest run that shows it. Others are: something never happens to the step. Then it is that claim holding which is
worth telling, and `shows` asks for the shortest run of what happens instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from invariants.kargo import step_engine
from invariants.kargo.spreads import Spread
from invariants.kargo.step_engine import RECONCILE, STARTED
from invariants.properties import Property, always, every_step, sometimes
from model.kargo.phases import PromotionPhase, StepPhase, StepStatus
from model.kargo.plan import Plan, after_failure, did, said, stored
from model.kargo.step_engine import Entry, Turn

# Claims


def a_step_never_ends_a_pass_as(next_did: Turn, *, turns: frozenset[Turn]) -> bool:
    """No pass makes one of these of the step."""
    return next_did not in turns


def a_step_never_runs(next_did: Turn) -> bool:
    """The runner of the step is never called."""
    return next_did not in STARTED


def an_error_is_never_followed_by_another_attempt(entry: Entry | None, work_dir: bool, next_did: Turn) -> bool:
    """Once an attempt of the step ended in an error, there is no other."""
    return not (entry is not None and entry.error_count > 0 and work_dir and next_did in STARTED)


def a_success_hides_no_failure(phase: PromotionPhase, entry: Entry | None) -> bool:
    """A Promotion that Succeeded has no failed step, whatever that step was allowed."""
    failed = entry is not None and entry.status in (StepStatus.FAILED, StepStatus.ERRORED)
    return not (phase is PromotionPhase.SUCCEEDED and failed)


def a_success_did_something(phase: PromotionPhase, **entries: Any) -> bool:
    """A Promotion that Succeeded has a step that did."""
    done = any(e is not None and e.status is StepStatus.SUCCEEDED for e in entries.values())
    return phase is not PromotionPhase.SUCCEEDED or done


def what_was_done_is_not_done_again(entry: Entry | None, work_dir: bool, next_did: Turn) -> bool:
    """A step that was done is not run again after the work directory was lost."""
    done = entry is not None and entry.phase is StepPhase.SUCCEEDED
    return not (done and not work_dir and next_did in STARTED)


def a_step_meets_only_outputs_that_are_there(
    next_did: Turn, next_output: str | None, *, turns: frozenset[Turn]
) -> bool:
    """When one of these comes of the step, the step whose output it reads has left one."""
    return not (next_did in turns and next_output in (None, "null"))


# Situations, for the shortest run that shows what happens instead


def a_step_is_over(entry: Entry | None, *, phases: frozenset[StepPhase]) -> bool:
    """The step was begun, and has come to one of these ends."""
    return entry is not None and entry.started_at is not None and entry.phase in phases


def the_promotion_is_over(phase: PromotionPhase) -> bool:
    """The Promotion has ended."""
    return phase.terminal


DECIDED = STARTED | {Turn.SKIPPED_BY_IF}
GAVE_UP = frozenset({StepPhase.FAILED, StepPhase.ERRORED, StepPhase.SKIPPED})
NOT_WELL = frozenset({StepPhase.FAILED, StepPhase.ERRORED})


@dataclass(frozen=True)
class Question:
    """A question about a step of a template: `rule` names it, `index` the step (-1: the Promotion as a whole).

    `about` is another step, by its alias, where the question is about two. The answer is worth telling if `asked`
    is violated or, with `shows`, if it holds.
    """

    rule: str
    index: int
    asked: Property
    shows: Property | None = None
    about: str = ""


Ask = Callable[[Plan, int], Question]


def _name(rule: str, index: int) -> str:
    return f"{rule} [{index}]"


def _did(plan: Plan, index: int) -> dict[str, str]:
    return {"did": did(index, plan.steps[index].rules.alias)}


def _entry(plan: Plan, index: int) -> dict[str, str]:
    return {"entry": stored("entry", plan.steps[index].rules.alias)}


def _turns(rule: str, *turns: Turn) -> Ask:
    def ask(plan: Plan, index: int) -> Question:
        claim = a_step_never_ends_a_pass_as
        fixed = {"turns": frozenset(turns)}
        asked = every_step(claim, _name(rule, index), by=RECONCILE, constants=fixed, reads=_did(plan, index))
        return Question(rule, index, asked)

    return ask


def _never(rule: str, phases: frozenset[StepPhase], *turns: Turn) -> Ask:
    """The step never does that; shown by how it ends."""

    def ask(plan: Plan, index: int) -> Question:
        found = _turns(rule, *turns)(plan, index)
        shows = sometimes(
            a_step_is_over, f"{found.asked.name} shown", constants={"phases": phases}, reads=_entry(plan, index)
        )
        return Question(rule, index, found.asked, shows)

    return ask


def runs_after_failure(plan: Plan, index: int) -> Question:
    """A step starts after a failure although its `if` does not ask for it."""
    claim = step_engine.after_a_failure_only_steps_whose_if_asks_for_it_start
    alias = plan.steps[index].rules.alias
    reads = _entry(plan, index) | _did(plan, index) | {"after_failure": after_failure(index, alias)}
    rule = "runs-after-failure"
    asked = every_step(claim, _name(rule, index), by=RECONCILE, constants={"asks": False}, reads=reads)
    return Question(rule, index, asked)


def failure_unseen(plan: Plan, index: int) -> Question:
    """The step fails, and the Promotion succeeds."""
    rule = "failure-unseen"
    return Question(rule, index, always(a_success_hides_no_failure, _name(rule, index), reads=_entry(plan, index)))


def green_without_work(plan: Plan, index: int) -> Question:
    """The Promotion succeeds although the step was begun and not done."""
    rule, claim = "green-without-work", step_engine.a_promotion_never_succeeds_over_a_step_it_gave_up
    fixed = {"continue_on_error": plan.continue_on_error[plan.steps[index].rules.alias]}
    reads = _entry(plan, index) | _did(plan, index)
    return Question(rule, index, every_step(claim, _name(rule, index), by=RECONCILE, constants=fixed, reads=reads))


def nothing_done(plan: Plan, index: int) -> Question:
    """The Promotion succeeds and no step did."""
    rule = "nothing-done"
    reads = {f"entry_{k}": stored("entry", alias) for k, alias in enumerate(plan.aliases)}
    claim = Spread(a_success_did_something, tuple(reads))
    return Question(rule, index, always(claim, _name(rule, index), reads=reads))


def retry_never_happens(plan: Plan, index: int) -> Question:
    """The step is never tried again, although it may be."""
    rule, claim = "retry-never-happens", an_error_is_never_followed_by_another_attempt
    reads = _entry(plan, index) | _did(plan, index)
    asked = every_step(claim, _name(rule, index), by=RECONCILE, reads=reads)
    shows = sometimes(
        a_step_is_over, f"{asked.name} shown", constants={"phases": GAVE_UP}, reads=_entry(plan, index)
    )
    return Question(rule, index, asked, shows)


def never_runs(plan: Plan, index: int) -> Question:
    """The step is never run."""
    rule = "never-runs"
    asked = every_step(a_step_never_runs, _name(rule, index), by=RECONCILE, reads=_did(plan, index))
    return Question(rule, index, asked, sometimes(the_promotion_is_over, f"{asked.name} shown"))


def http_polls_forever(plan: Plan, index: int) -> Question:
    """An answer that is no success leaves the step polling."""
    rule, claim = "http-polls-forever", step_engine.a_failed_attempt_is_never_polled_like_a_running_one
    reads = _did(plan, index) | {"said": said(index, plan.steps[index].rules.alias)}
    return Question(rule, index, every_step(claim, _name(rule, index), by=RECONCILE, reads=reads))


def repeated_by_restart(plan: Plan, index: int) -> Question:
    """The step was done, and is run again after a restart."""
    rule, claim = "repeated-by-restart", what_was_done_is_not_done_again
    reads = _entry(plan, index) | _did(plan, index)
    return Question(rule, index, every_step(claim, _name(rule, index), by=RECONCILE, reads=reads))


def reads_nothing(plan: Plan, index: int, about: str) -> Question:
    """The step comes to be run, or to be decided on by its `if`, and reads the output of `about`, which left none.

    Of an `if` that also asks how other steps went, it is not known whether it came to look at that output.
    """
    rule, claim = "output-unset", a_step_meets_only_outputs_that_are_there
    step = plan.steps[index]
    by_if = step.condition is not None and about in step.condition.outputs and not step.asks_about_failures
    fixed = {"turns": DECIDED if by_if else STARTED}
    reads = _did(plan, index) | {"output": stored("output", about)}
    name = f"{_name(rule, index)} {about}"
    return Question(rule, index, every_step(claim, name, by=RECONCILE, constants=fixed, reads=reads), about=about)


QUESTIONS: dict[str, Ask] = {
    "runs-after-failure": runs_after_failure,
    "failure-unseen": failure_unseen,
    "green-without-work": green_without_work,
    "nothing-done": nothing_done,
    "retry-never-happens": retry_never_happens,
    "never-runs": never_runs,
    "if-fails": _turns("if-fails", Turn.IF_FAILED),
    "config-fails": _turns("config-fails", Turn.CONTEXT_FAILED),
    "unknown-kind": _turns("unknown-kind", Turn.UNKNOWN_KIND),
    "waits-forever": _turns("waits-forever", Turn.WAITS),
    "timeout-never-fires": _never("timeout-never-fires", NOT_WELL, Turn.TIMED_OUT),
    "http-never-succeeds": _never("http-never-succeeds", NOT_WELL, Turn.SUCCEEDED),
    "http-polls-forever": http_polls_forever,
    "repeated-by-restart": repeated_by_restart,
    "unknown-alias": _turns("unknown-alias", *(t for t in Turn if t is not Turn.NOT_REACHED)),
    "alias-comes-later": _turns("alias-comes-later", *(t for t in Turn if t is not Turn.NOT_REACHED)),
}
"""How each rule that exploration judges is asked, by its name."""


def questions(plan: Plan, wanted: Iterable[tuple[str, int, str]]) -> tuple[Question, ...]:
    """The questions that are `wanted` of the steps of a plan: a rule, the number of a step, and another's alias."""
    return tuple(
        reads_nothing(plan, index, about) if about else QUESTIONS[rule](plan, index)
        for rule, index, about in wanted
    )
