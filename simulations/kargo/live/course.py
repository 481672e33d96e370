"""What happens next: time runs on from a moment, in one world or another, after one thing or another was done.

Passes that cannot change anything are left out: once everything that has a timer was looked at and nothing changed,
time moves on by whole periods to just before the next instant at which something may be over.

Source: the format of the recordings of moments, as their README describes it
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol, TypeVar

from model.kargo.attempts import Attempt
from model.kargo.loop import world as around
from model.kargo.loop.values import of
from model.kargo.phases import HealthState, PromotionPhase, StepStatus, VerificationPhase
from model.kargo.step_engine import Entry
from model.system import Value
from simulations.kargo.live.changes import Change, observed
from simulations.kargo.live.restoring import Restored
from simulations.kargo.loop.cluster import UNKNOWN_NAME, Cluster
from simulations.kargo.loop.controllers import Controllers, Happened
from simulations.kargo.loop.queue import LONGEST_BACKOFF_MS, WorkQueue
from simulations.kargo.loop.results import Passed
from simulations.kargo.loop.view import View
from simulations.kargo.loop.waking import item_of_stage

LASTS_MS = 48 * 3600 * 1000
"""How long one looks."""

MOST_PASSES = 2500
"""After how many passes one gives up."""

RUN_TAKES_MS = 60_000
"""How long an AnalysisRun takes in a kind world."""

SECOND_MS = 1000
"""What instants have lost at most, because they are kept as whole seconds."""

PERIOD_MS = 300_001
"""The period of what is looked at again and again: timers are a little late."""


T = TypeVar("T")


class World(NamedTuple):
    """What is kind: applications are Healthy, AnalysisRuns end well after a minute, attempts of steps succeed."""

    apps: bool = False
    analysis: bool = False
    steps: bool = False


ALONE = World()
KIND = World(apps=True, analysis=True, steps=True)


class Answers(Protocol):
    """What the attempts of steps come back with."""

    def next(self, cluster: Cluster, slot: str, alias: str) -> Attempt:
        """What the next attempt of a step comes back with."""

    def ran(self, cluster: Cluster, slot: str, aliases: Sequence[str]) -> None:
        """These steps of a Promotion were run, in that order, and came back with that."""

    def repeats(self, cluster: Cluster, slot: str) -> bool:
        """Whether the step under way will come back with the same for ever."""


class Steps:
    """Steps that always do the same: those that are not done yet what they did before, the others `succeed`."""

    def __init__(self, *, kind: bool) -> None:
        self.kind = kind

    def next(self, cluster: Cluster, slot: str, alias: str) -> Attempt:
        """In a kind world a success, else what the last attempt came back with."""
        return SUCCEEDS if self.kind else as_before(cluster, slot, alias)

    def ran(self, cluster: Cluster, slot: str, aliases: Sequence[str]) -> None:
        """Nothing comes of it."""

    def repeats(self, cluster: Cluster, slot: str) -> bool:
        """They always do."""
        return True


SUCCEEDS = Attempt("Succeeded")
AS_BEFORE = {
    StepStatus.RUNNING: Attempt("Running"),
    StepStatus.FAILED: Attempt("Failed", "not good"),
    StepStatus.ERRORED: Attempt("Errored", error="boom"),
    StepStatus.ABORTED: Attempt("Aborted"),
}


def as_before(cluster: Cluster, slot: str, alias: str) -> Attempt:
    """A step that is not done comes back with what it came back with before; one that has not begun succeeds."""
    entry = cluster.state[of("entry", slot, alias)]
    if isinstance(entry, Entry) and not entry.phase.over:
        # One that failed without an error is polled, and its metadata has no errors.
        if entry.status is StepStatus.FAILED and entry.error_count:
            return Attempt("Failed", error="boom")
        return AS_BEFORE.get(entry.status, SUCCEEDS)
    return SUCCEEDS


@dataclass
class Course:
    """How it goes on from a moment: what changes, how many passes there are, and when nothing can change any more.

    Instants are milliseconds since the moment. `quiet` is None while something may still change, `errors` has those
    of the last pass over each item.
    """

    cluster: Cluster
    controllers: Controllers
    world: World
    answers: Answers
    began: int
    lasts_ms: int = LASTS_MS
    thorough: bool = True
    most_passes: int = MOST_PASSES
    changes: list[Change] = field(default_factory=list)
    passes: int = 0
    quiet: int | None = None
    capped: bool = False
    errors: dict[str, str] = field(default_factory=dict)
    ending: dict[tuple[str, int], int] = field(default_factory=dict)
    later: list[tuple[int, Callable[[Course], object]]] = field(default_factory=list)
    unchanging: dict[str, int] = field(default_factory=dict)
    awaited: int = -1
    watchers: list[Callable[[Course], None]] = field(default_factory=list)
    each_pass: list[Callable[[Course], None]] = field(default_factory=list)

    @property
    def at(self) -> int:
        """The instant now."""
        return self.cluster.now - self.began

    # Doing things

    def do(self, act: Callable[[], T]) -> Happened[T]:
        """Do something to the cluster."""
        happened = self.controllers.do(act)
        self._note(happened)
        return happened

    def _note(self, happened: Happened[T]) -> None:
        if happened.changed:
            self.unchanging.clear()
            self.awaited = -1
            self.changes += observed(self.cluster, happened.before, happened.changed, self.at)
            self._await_runs()
            for watcher in self.watchers:
                watcher(self)

    def be_kind(self) -> None:
        """The applications are Healthy from now on, where this world wants them to be."""
        if not self.world.apps:
            return
        cluster = self.cluster
        for stage in cluster.pipeline.names:
            if cluster.state[of("app", stage)] is not HealthState.HEALTHY:
                cluster.state[of("app", stage)] = HealthState.HEALTHY
                self.controllers.queue.add([item_of_stage(cluster.pipeline, stage)])

    def _await_runs(self) -> None:
        """Note when AnalysisRuns that are not over will be."""
        if not self.world.analysis:
            return
        state = self.cluster.state
        for stage in self.cluster.pipeline.names:
            created = {n.number: n.created for n in state[of("run_notes", stage)]}
            for run in state[of("runs", stage)]:
                key = (stage, run.number)
                if not run.phase.terminal and key not in self.ending:
                    since = max(self.began, created[run.number] // 1000 * 1000)
                    self.ending[key] = since + RUN_TAKES_MS

    # Running on

    def run(self) -> None:
        """Let time run on until nothing can change, or it is over."""
        self._await_runs()
        end = self.began + self.lasts_ms
        while self._next_work(end):
            if self.passes >= self.most_passes:
                self.capped = True
                return
            item = self.controllers.queue.take()
            for watcher in self.each_pass:
                watcher(self)
            if item.startswith("Promotion/"):
                self._get_ready(item.removeprefix("Promotion/"))
            happened = self.controllers.work_on(item)
            self.passes += 1
            repeats = self._note_answers(item)
            self._note_pass(item, happened, repeats)

    def _note_pass(self, item: str, happened: Happened[Passed] | None, repeats: bool) -> None:
        self.errors.pop(item, None)
        if happened is not None and happened.result.error is not None:
            self.errors[item] = happened.result.error
        if happened is not None and happened.changed:
            self._note(happened)
        elif UNKNOWN_NAME in self.errors.get(item, ""):
            # Such an error names a Promotion that was refused, and is a new one every time.
            self.unchanging.clear()
        elif repeats:
            self.unchanging[item] = self.cluster.now

    def _next_work(self, end: int) -> bool:
        queue = self.controllers.queue
        queue.add_due(self.cluster.now)
        while not queue.items:
            if self._is_unchanging() and self._is_settled(end):
                return False
            if not self._wait(end):
                return False
        return self.cluster.now <= end

    def _wait(self, end: int) -> bool:
        """Wait for the next timer, or for what happens by itself next; whether there is any before the end."""
        planned = [*(at for at in self.ending.values() if at >= 0), *(at for at, _ in self.later)]
        due = min((at for at in (self.controllers.queue.next_due(), *planned) if at is not None), default=None)
        if due is None or due > end:
            return False
        self.controllers.pass_time(max(0, due + 1 - self.cluster.now))
        self.controllers.queue.add_due(self.cluster.now)
        self._happen()
        return True

    def _happen(self) -> None:
        """What is due happens."""
        now = self.cluster.now
        for key, at in sorted(self.ending.items()):
            if 0 <= at <= now:
                self.ending[key] = -1
                stage, number = key
                ended: dict[str, Value] = {"number": number, "phase": VerificationPhase.SUCCESSFUL}
                rule = self.cluster.scope(stage).bind(around.end_run, constants=ended)
                self.do(partial(self.cluster.act, rule))
        due = [act for at, act in self.later if at <= now]
        self.later = [(at, act) for at, act in self.later if at > now]
        for act in due:
            act(self)

    def _is_unchanging(self) -> bool:
        """Whether everything that has a timer was looked at since the last change, and nothing else will happen."""
        if self.later or any(at >= 0 for at in self.ending.values()):
            return False
        timers = self.controllers.queue.timers
        return all(self.unchanging.get(item, self.awaited) > self.awaited for item in timers)

    def _is_settled(self, end: int) -> bool:
        """Whether nothing can change any more; if only nothing will before something is over, that is awaited.

        Who is `thorough` looks again at what was looked at before something was over that nobody awaited.
        """
        now, ends = self.cluster.now, sorted(deadlines(self.cluster))
        passed = [d for d in ends if d <= now]
        if self.thorough and passed and passed[-1] > self.awaited:
            self.awaited = passed[-1]
            return False
        deadline = next((d for d in ends if now < d <= end), None)
        if deadline is None:
            self.quiet = self.at
            return True
        self._skip(deadline)
        self.awaited = deadline
        return False

    def _skip(self, deadline: int) -> None:
        """Leave out, for each timer, the whole periods in which nothing changes, to just before the deadline.

        What fails is looked at less and less often, and has no period until that is as rare as it gets.
        """
        queue = self.controllers.queue
        for item, (due, number) in queue.timers.items():
            if queue.backs_off_further(item):
                continue
            period = LONGEST_BACKOFF_MS + 1 if item in queue.failures else PERIOD_MS
            periods = (deadline - 2 * SECOND_MS - due) // period
            queue.timers[item] = (due + max(0, periods) * period, number)

    def _get_ready(self, slot: str) -> None:
        """Have the answers ready for the attempts of the next pass."""
        state = self.cluster.state
        for alias in self._aliases(slot):
            state[of("answer", slot, alias)] = self.answers.next(self.cluster, slot, alias)

    def _note_answers(self, item: str) -> bool:
        """Say which answers were needed; whether nothing else is to be expected of the step under way."""
        if not item.startswith("Promotion/"):
            return True
        slot = item.removeprefix("Promotion/")
        aliases = self.cluster.plans[slot].aliases if slot in self.cluster.plans else ()
        state = self.cluster.state
        ran = [alias for alias in aliases if state[of("tries", slot, alias)]]
        state |= {of("tries", slot, alias): 0 for alias in ran}
        self.answers.ran(self.cluster, slot, ran)
        return not ran or self.answers.repeats(self.cluster, slot)

    def _aliases(self, slot: str) -> tuple[str, ...]:
        if slot not in self.cluster.plans or self.cluster.is_over(slot):
            return ()
        return self.cluster.plans[slot].aliases


def deadlines(cluster: Cluster) -> Iterator[int]:
    """The instants at which a soak time is over, or the time of a step, told as late as it can be."""
    state, stages = cluster.state, cluster.existing_stages()
    requests = [r for stage in stages for r in cluster.pipeline.stage(stage).requests]
    soaks = {r.soak_ms for r in requests if r.soak_ms}
    entered = {state[of("since", f, stage)] for f in cluster.freight for stage in stages} if soaks else ()
    yield from (since + soak + SECOND_MS for since in entered if since is not None for soak in soaks)
    for slot in cluster.made:
        if cluster.phase(slot) is PromotionPhase.RUNNING:
            yield from timeouts(cluster, slot)


def timeouts(cluster: Cluster, slot: str) -> Iterator[int]:
    """The instants at which the time of a step of a Promotion is over, told as late as it can be."""
    for step in cluster.plans[slot].steps:
        entry, limit = cluster.state[of("entry", slot, step.rules.alias)], step.rules.timeout_ms
        if limit and entry is not None and not entry.phase.over and entry.started_at is not None:
            yield entry.started_at + limit + SECOND_MS


def begin(
    restored: Restored, world: World = ALONE, answers: Answers | None = None, *, thorough: bool = True
) -> Course:
    """A course that begins at the moment that was restored; that itself stays as it is."""
    cluster = restored.cluster.copy()
    view = View(cluster)
    view.changed()
    hidden, queue = restored.hidden, WorkQueue()
    queue.add(_items(restored, hidden.queue))
    order = [*(f"Stage/{stage}" for stage in cluster.pipeline.names), *hidden.timers]
    for item, after in sorted(hidden.timers.items(), key=lambda timer: (timer[1], order.index(timer[0]))):
        queue.timers[_item(restored, item)] = (cluster.now + after, len(queue.timers))
    queue.timers_set = len(queue.timers)
    queue.failures |= {_item(restored, item): times for item, times in hidden.failures.items()}
    answers = answers or Steps(kind=world.steps)
    return Course(cluster, Controllers(cluster, view, queue), world, answers, restored.began, thorough=thorough)


def _items(restored: Restored, items: Sequence[str]) -> Iterator[str]:
    """What waits to be looked at: a Stage that is told of twice waits for the other controller, too."""
    told: set[str] = set()
    for item in items:
        found = _item(restored, item)
        yield _OTHER_CONTROLLER[found.partition("/")[0]] + found.partition("/")[2] if found in told else found
        told.add(found)


_OTHER_CONTROLLER = {"Stage": "Gate/", "Gate": "Stage/", "Promotion": "Promotion/"}


def _item(restored: Restored, item: str) -> str:
    kind, _, name = item.partition("/")
    if kind == "Promotion":
        return f"Promotion/{restored.slots.get(name, name)}"
    pipeline = restored.cluster.pipeline
    return item_of_stage(pipeline, name) if name in pipeline.names else item
