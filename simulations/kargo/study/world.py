"""How the world of a study answers: attempts of steps, hints and conditions; and what disturbs a Promotion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from model.kargo.failure_policies import Hint
from model.kargo.plan import Plan
from model.kargo.step_kinds import Result
from simulations.kargo.study.attempts import ATTEMPT, HEED, NOW, takes
from simulations.kargo.study.study import HINTS, Study, StudyError
from simulations.stochastic.batches import Batch, Column, Source, constant, joined
from simulations.stochastic.distributions import Distribution, Values
from simulations.stochastic.forking import Choice

# Streams of chance: some for the Stage, then a few for each step.
HEALTH_DELAY, HEALTHY, VERIFICATION, SUCCESSFUL, LATENCY, EVERY, HINTED, ABORT, ABORTED, RESTART, DOWN, APART = (
    range(12)
)
_OF_STEPS, _EACH = 16, 8
TAKES, RESULT, READY, OUTAGE, HOLDS, INTEGRATES, CONFLICT, JITTERED = range(8)

NOT_DRAWN = -1
NEVER = 1 << 62

INSTANT = "instant"
"""The column with the time at which the attempt that is looked at begins."""

ABORTS, RESTARTS = "aborts", "restarts"
"""The columns with the time at which a person aborts, and at which the controller is restarted next."""

RESTARTED = "restarted"
"""The column that counts the times for which it was said when the controller is restarted."""

BACK = "back"
"""The column with the time at which the controller was last started."""


class World:
    """What a study says of the world, with values from `source`."""

    def __init__(self, study: Study, plan: Plan, source: Source) -> None:
        self.study = study
        self.plan = plan
        self.source = source

    def draw(self, batch: Batch, distribution: Distribution, stream: int, number: Column) -> tuple[Batch, Column]:
        """Values from the source."""
        return self.source.draw(batch, distribution, stream, number)

    def later(self, batch: Batch) -> Batch:
        """The same rows when a watch has told."""
        batch, waited = self.draw(batch, self.study.latency, LATENCY, batch["asked"])
        return batch.put(now=batch[NOW] + waited, asked=batch["asked"] + 1)

    def disturb(self, batch: Batch) -> Batch:
        """When a person will abort what has just been created, and when the controller will be restarted."""
        of = self.study.disturbances
        if of.aborts is not None:
            new, old = batch.split(batch[ABORTS] == NOT_DRAWN)
            batch = joined([rows for rows in (*self._abort(new, of.aborts), old) if len(rows)])
        if of.restarts is not None:
            new, old = batch.split(batch[RESTARTS] == NOT_DRAWN)
            batch = joined([rows for rows in (self.next_restart(new), old) if len(rows)])
        return batch

    def _abort(self, batch: Batch, aborts: Values) -> tuple[Batch, Batch]:
        """Those that a person will abort, and those that nobody will."""
        batch, whether = self.draw(batch, aborts, ABORT, batch["promotions"])
        wanted, unwanted = batch.split(whether == 0)
        unwanted, after = self.draw(unwanted, self.study.disturbances.abort_after, ABORTED, unwanted["promotions"])
        return unwanted.set({ABORTS: unwanted[NOW] + after}), wanted.set({ABORTS: constant(NEVER, len(wanted))})

    def restart(self, batch: Batch) -> Batch:
        """The controller is restarted, and looks at everything when it is back."""
        batch = self.next_restart(batch)
        return batch.set({NOW: np.maximum(batch[NOW], batch[BACK])})

    def next_restart(self, batch: Batch) -> Batch:
        """When the controller is back from the restart that was due, if one was, and when the next one is due."""
        every = self.study.disturbances.restarts
        assert every is not None, "only where there are restarts"
        new, old = batch.split(batch[RESTARTS] == NOT_DRAWN)
        old, down = self.draw(old, self.study.disturbances.down, DOWN, old[RESTARTED])
        # It is away for a moment at least, and the next restart comes after this one is over.
        old = old.set({BACK: old[RESTARTS] + np.maximum(down, 1)})
        batch = joined([new.set({BACK: self.started(new)}), old])
        batch, after = self.draw(batch, every, RESTART, batch[RESTARTED])
        return batch.set({RESTARTS: batch[BACK] + np.maximum(after, 1), RESTARTED: batch[RESTARTED] + 1})

    def started(self, batch: Batch) -> Column:
        """When the controller was first started, as far as it matters."""
        return batch[NOW]

    def choose(self, choice: Choice, batch: Batch, begins: frozenset[int]) -> Iterable[tuple[int, Batch]]:
        """Which way the rows go where the world decides."""
        step = step_of(choice)
        if step is not None:
            now = dict(choice.numbers)[NOW].at(batch.columns, len(batch))
            return self.attempt(step, step in begins, now, batch)
        if choice.action == HEED:
            return self._hint(choice, batch)
        return self._condition(choice, batch)

    def _try(self, step: int, first: bool, now: Column, batch: Batch, took: Column | None) -> Batch:
        """An attempt of a step begins; at the first one of a Promotion, what it waits for is not under way."""
        batch = batch.set({INSTANT: now})
        if took is None:
            batch, took = self.draw(batch, self.study.steps[step].takes, stream(step, TAKES), batch[tries(step)])
        batch = batch.set({takes(step): took, tries(step): batch[tries(step)] + 1})
        return batch.set({ready_at(step): constant(NOT_DRAWN, len(batch))}) if first else batch

    def attempt(
        self,
        step: int,
        first: bool,
        now: Column,
        batch: Batch,
        results: Values | None = None,
        took: Column | None = None,
    ) -> Iterator[tuple[int, Batch]]:
        """What comes of an attempt that begins at `now`; `results` and how long it `took` where that is decided."""
        world = self.study.steps[step]
        rest = self._try(step, first, now, batch, took)
        if self.study.disturbances.restarts is not None:
            cut, rest = rest.split(rest[RESTARTS] < rest[INSTANT] + rest[takes(step)])
            yield len(world.possible), cut.set({takes(step): cut[RESTARTS] - cut[INSTANT]})
        if world.outage is not None:
            rest = self._meet_outage(step, world.outage, rest)
            broken, rest = rest.split(rest[INSTANT] < rest[outage_until(step)])
            yield world.possible.index(Result.ERRORED), broken
        if world.ready is not None:
            rest = self._get_ready(step, world.ready, rest)
            waiting, rest = rest.split(rest[INSTANT] < rest[ready_at(step)])
            yield world.possible.index(Result.RUNNING), waiting
        if len(rest):
            rest, came = self.draw(rest, results or world.results, stream(step, RESULT), rest[tries(step)])
            yield from rest.by(came)

    def _get_ready(self, step: int, takes_until: Distribution, batch: Batch) -> Batch:
        """The first attempt that gets through sets going what the step waits for."""
        new, old = batch.split(batch[ready_at(step)] == NOT_DRAWN)
        if len(new):
            new, until = self.draw(new, takes_until, stream(step, READY), new[tries(step)])
            new = new.set({ready_at(step): new[INSTANT] + until})
        return joined([new, old]) if len(old) and len(new) else new if len(new) else old

    def _meet_outage(self, step: int, outage: Distribution, batch: Batch) -> Batch:
        """Whether there is an outage is found when a run first comes to the step."""
        new, old = batch.split(batch[outage_until(step)] == NOT_DRAWN)
        if len(new):
            new, lasts = self.draw(new, outage, stream(step, OUTAGE), constant(0, len(new)))
            new = new.set({outage_until(step): new[INSTANT] + lasts})
        return joined([new, old]) if len(old) and len(new) else new if len(new) else old

    def _hint(self, choice: Choice, batch: Batch) -> Iterator[tuple[int, Batch]]:
        batch, hints = self.draw(batch, self.study.hints, HINTED, batch["attempts"])
        for hint, rows in batch.by(hints):
            label = f"hint: {HINTS[hint].value}"
            # What is not heeded any more is a hint to give up.
            heeded = label if label in choice.ways else f"hint: {Hint.GIVE_UP.value}"
            yield choice.ways.index(heeded), rows

    def _condition(self, choice: Choice, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """An `if` that cannot be decided; its first outcome is that it holds."""
        step = next(
            k for k, s in enumerate(self.plan.steps) if choice.action == f"evaluate the if of {s.rules.alias}"
        )
        holds = self.study.steps[step].holds
        if holds is None:
            alias = self.plan.steps[step].rules.alias
            raise StudyError(f"the `if` of step {alias!r} cannot be decided; say how often it `holds`")
        batch, found = self.draw(batch, holds, stream(step, HOLDS), batch[tries(step)])
        for value, rows in batch.by(found):
            yield (0 if value else 1), rows


def step_of(choice: Choice) -> int | None:
    """The step whose attempt it is, if it is one."""
    return int(choice.action.removeprefix(ATTEMPT)) if choice.action.startswith(ATTEMPT) else None


def stream(step: int, what: int) -> int:
    """Which random numbers are for that of a step."""
    return _OF_STEPS + _EACH * step + what


def tries(step: int) -> str:
    """The column that counts the attempts of a step, over all Promotions of a run."""
    return f"tries[{step}]"


def ready_at(step: int) -> str:
    """The column with the time from which what a step waits for is there."""
    return f"ready[{step}]"


def outage_until(step: int) -> str:
    """The column with the end of the outage that a run met at a step."""
    return f"outage[{step}]"
