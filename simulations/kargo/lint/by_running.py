"""Rules that are judged by running a step with the outcomes that matter: how long its attempts take altogether."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache

from model.kargo import planning
from model.kargo.attempts import Attempt
from model.kargo.durations import format_duration
from model.kargo.releases import Behaviours
from model.kargo.runner_results import poll_ms
from model.kargo.step_engine import Turn
from model.kargo.step_kinds import Result
from model.kargo.templates import StepSpec, Template
from simulations.kargo import runs
from simulations.kargo.lint.wanted import ALONE, RETRYABLE, StepView
from simulations.kargo.runs import Run

SOON_MS = 10_000
"""What fails for a while usually does so for longer than this: networks, credentials, other controllers."""

MOST_ATTEMPTS = 40
"""So many attempts take days, whatever the queue's backoff is."""


@dataclass(frozen=True)
class Spent:
    """A rule that a step breaks, the run that shows it, and what it comes to in words."""

    rule: str
    run: Run = field(compare=False)
    text: str


def judge(step: StepView, behaviours: Behaviours) -> tuple[Spent, ...]:
    """What running the step on its own shows."""
    found = []
    retry = step.spec.retry
    if (retry.error_threshold or 0) > 1 and step.results & RETRYABLE:
        endless = replace(step.spec, retry=replace(retry, timeout_ms=0))
        found.append(_by_its_name(endless, lambda spec: _retries(spec, behaviours)))
    if (retry.timeout_ms or 0) > 0 and step.results & {Result.RUNNING, Result.FAILED}:
        poll = poll_ms(step.spec, behaviours)
        found.append(_by_its_name(step.spec, lambda spec: _looks(spec, poll, behaviours)))
    return tuple(spent for spent in found if spent)


def _by_its_name(step: StepSpec, judged: Callable[[StepSpec], Spent | None]) -> Spent | None:
    """What is found of the step, with all that decides how long it takes, and nothing else.

    Its alias decides nothing, so that it is run by that only where there is something to show.
    """
    only = StepSpec(ALONE, step.kind, retry=step.retry)
    return judged(replace(only, alias=step.alias)) if judged(only) else None


@cache
def _retries(step: StepSpec, behaviours: Behaviours) -> Spent | None:
    """Whether the attempts of a step that has all the time in the world are used up at once."""
    threshold = step.retry.error_threshold or 1
    if threshold > MOST_ATTEMPTS:
        return None
    run = _run(step, Attempt("Errored", error="it is away"), behaviours, limit=MOST_ATTEMPTS)
    last = run.passes[-1]
    if last.steps[0].turn is not Turn.THRESHOLD_MET or last.at_ms > SOON_MS:
        return None
    after = format_duration(last.at_ms)
    text = f"all {threshold} attempts are used up after {after}, but for the time that they take themselves"
    return Spent("retries-spent-at-once", run, text)


@cache
def _looks(step: StepSpec, poll: int | None, behaviours: Behaviours) -> Spent | None:
    run = _run(step, Attempt("Running", retry_after_ms=poll), behaviours, limit=2)
    last = run.passes[-1]
    if last.steps[0].turn is not Turn.TIMED_OUT:
        return None
    limit = format_duration(step.retry.timeout_ms or 0)
    text = f"it is looked at when it begins, and then when its {limit} are over"
    return Spent("timeout-before-next-look", run, text)


def _run(step: StepSpec, attempt: Attempt, behaviours: Behaviours, *, limit: int) -> Run:
    planner = planning.planner_of(Template((step,), ()), behaviours)
    return runs.run(planning.scripted(planner, {step.alias: (attempt,)}), limit=limit)
