"""One session as a system: its variables, the passes over it, and everything that happens around them.

The handler of a Pending session writes four times, one after the other. Each write is a step of its own: others may
come between them, and the operator may be restarted there. Every other pass is one step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from model.ambient import passes, pushing, surroundings, watches
from model.ambient.behaviours import Behaviours, Repair, Started
from model.ambient.phases import PodPhase, SessionPhase
from model.ambient.surroundings import Act, Fault
from model.ambient.values import (
    ONE_REPO,
    W1,
    W2,
    Condition,
    Desired,
    Observed,
    Place,
    Push,
    Timer,
    Writing,
)
from model.system import (
    Action,
    Outcomes,
    Part,
    Rule,
    Sequence,
    System,
    Value,
    Variable,
    action,
    local,
    only,
    part,
    required,
    sequence,
    variable,
)

Step = Action | Sequence

OPERATOR, BACKEND, PERSON, CLUSTER, FAULT = "operator", "backend", "person", "cluster", "fault"
"""Who acts."""


@dataclass(frozen=True)
class Bounds:
    """How far a session is explored.

    It is created with the workflow `workflow`. `acts` is how often people do one of the things in `may_do`,
    `faults` how often one of those in `may_fail` goes wrong. `asks_for_token`: the runner refuses who sends no
    token, as it does since #1378.
    """

    workflow: str | None = W1
    acts: int = 0
    may_do: frozenset[Act] = frozenset()
    faults: int = 0
    may_fail: frozenset[Fault] = frozenset()
    asks_for_token: bool = False


WATCHED = ("phase", "desired", "pod")
"""The variables that somebody watches."""

NOTICED = ("observed", "condition", "recorded", "recorded_repos", "service")
"""The other variables that a pass may write."""


def variables(bounds: Bounds) -> tuple[Variable, ...]:
    """The variables of a session that has just been created."""
    flags = (False, True)
    lasting = {
        "phase": variable("phase", SessionPhase.NEW, domain=SessionPhase),
        "desired": variable("desired", Desired.NOTHING, domain=Desired),
        "pod": variable("pod", PodPhase.NONE, domain=PodPhase),
        "observed": variable("observed", Observed.UNSET, domain=Observed),
        "condition": variable("condition", Condition.ABSENT, domain=Condition),
        "recorded": variable("recorded", None, domain=(None, W1, W2)),
        "recorded_repos": variable("recorded_repos", None, domain=(None, ONE_REPO)),
        "service": variable("service", False, domain=flags),
    }
    return (
        *lasting.values(),
        variable("workflow", bounds.workflow, domain=(None, W1, W2)),
        variable("repos", None, domain=(None, ONE_REPO)),
        variable("runner_workflow", None, domain=(None, W1, W2)),
        variable("files", False, domain=flags),
        variable("runner_repos", None, domain=(None, ONE_REPO)),
        variable("acknowledged", None, domain=(None, W1, W2)),
        variable("writing", Writing.NOTHING, domain=Writing),
        variable("patch", None),
        variable("woken", True, domain=flags),
        variable("timer", Timer.NONE, domain=Timer),
        variable("settled", False, domain=flags),
        variable("acts", bounds.acts, domain=range(bounds.acts + 1)),
        variable("faults", bounds.faults, domain=range(bounds.faults + 1)),
        *(local(was(name), lasting[name].initial[0], domain=lasting[name].domain) for name in (*WATCHED, *NOTICED)),
        local("at", Place.BEGUN, domain=Place),
        local("seen_condition", Condition.ABSENT, domain=Condition),
        local("seen_recorded", None, domain=(None, W1, W2)),
        local("push", Push.NOT_TRIED, domain=Push),
        local("repos_push", Push.NOT_TRIED, domain=Push),
        local("again", False, domain=flags),
        local("lost", False, domain=flags),
        local("asked", Timer.NONE, domain=Timer),
        local("acted", False, domain=flags),
        local("edited", False, domain=flags),
    )


def was(name: str) -> str:
    """The local variable that keeps the value of another from before a step."""
    return f"was_{name}"


def keep(now: Value) -> Outcomes:
    """The value before the step."""
    return only(was=now)


def session(name: str, behaviours: Behaviours, bounds: Bounds) -> System:
    """A session of one version of the operator, with everything that can happen to it within the bounds."""
    rules = Rules(behaviours, bounds)
    return System(name, variables(bounds), (*rules.controller(), *rules.environment(), *rules.what_goes_wrong()))


PASSES = {
    "reconcile Pending": (SessionPhase.NEW, SessionPhase.PENDING),
    "reconcile Creating": (SessionPhase.CREATING,),
    "reconcile Running": (SessionPhase.RUNNING,),
    "reconcile Stopping": (SessionPhase.STOPPING,),
    "reconcile what is over": tuple(p for p in SessionPhase if p.over),
}
"""The passes over a session, and the phases that each is for."""

PENDING, CREATING, RUNNING, STOPPING, OVER = PASSES
WRITES = ("write status", "clear desired-phase", "create Service")
"""What the handler of a Pending session does after it has created the pod."""

STARTS, SERVES, STOPS = "the runner's container starts", "the runner begins to listen", "the pod has stopped"
BY_ITSELF = (*PASSES, *WRITES, STARTS, SERVES, STOPS)
"""What happens even if nobody does anything and nothing more goes wrong."""


@dataclass(frozen=True)
class Rules:
    """The steps of a session of one version within bounds."""

    behaviours: Behaviours
    bounds: Bounds

    def controller(self) -> Iterator[Sequence]:
        """What the operator does."""
        yield self._pass(PENDING, *self._pending())
        yield from self._writes()
        yield self._pass(CREATING, *self._creating())
        yield self._pass(RUNNING, *self._running())
        keeps = {"keeps_wishes": self._does(Repair.WISHES_ARE_KEPT)}
        end = action(passes.wait_for_end, writes=("service", "at", "asked"), constants=keeps)
        yield self._pass(STOPPING, end)
        yield self._pass(OVER, action(passes.heed_restart, writes=("at", "asked")))

    def environment(self) -> Iterator[Sequence]:
        """What pods and people do."""
        clone = {"may_fail": self._may(Fault.CLONE)}
        start = action(surroundings.start_container, writes=("files",), constants=clone)
        yield happens(STARTS, CLUSTER, start)
        yield happens(SERVES, CLUSTER, action(surroundings.begin_to_serve))
        yield happens(STOPS, CLUSTER, action(surroundings.finish_deletion))
        for act, steps in self._acts().items():
            if act in self.bounds.may_do:
                yield from steps

    def what_goes_wrong(self) -> Iterator[Sequence]:
        """What goes wrong by itself, and not as a part of a pass."""
        spend = action(surroundings.spend)
        if self._may(Fault.POD_LOSS):
            yield happens("the pod is lost", FAULT, action(surroundings.lose_pod), spend)
        if self._may(Fault.RUNNER_END):
            yield happens("the runner ends", FAULT, action(surroundings.end_runner), spend)
        if self._may(Fault.CRASH):
            restart = action(surroundings.restart, writes=("writing", "patch", "timer", "woken"))
            yield happens("the operator is restarted", FAULT, spend, restart)
        if self._may(Fault.NAMESPACE):
            guard = required(_begin(tuple(SessionPhase)))
            again = (action(passes.look_again, writes=("asked",)), action(passes.ask))
            rest = (required(spend), *(again if self._does(Repair.UNMANAGED_IS_LOOKED_AT) else ()))
            yield sequence("reconcile in a namespace that looks unmanaged", guard, *rest, actor=FAULT)

    def _may(self, fault: Fault) -> bool:
        return fault in self.bounds.may_fail

    def _does(self, repair: Repair) -> bool:
        return repair in self.behaviours.repairs

    def _forget(self, **when: Value) -> Iterator[Part]:
        """What is recorded of the workflow is about a former pod."""
        if self._does(Repair.STATUS_OF_THIS_POD):
            forget = action(passes.forget_former_pod, writes=("condition", "recorded"))
            yield part(forget, lost=False, **when)

    # Passes

    def _pass(self, name: str, *body: Part | Step) -> Sequence:
        """A pass: it is asked for, it reads the session, does what its phase needs, and says when to look again."""
        parts = (
            *_keeping((*WATCHED, *NOTICED)),
            required(_begin(PASSES[name])),
            action(passes.see, writes=("seen_condition", "seen_recorded")),
            *body,
            action(passes.ask),
            *_watching(),
            *(action(passes.notice, was=was(v), now=v, writes=("acted",)) for v in (*WATCHED, *NOTICED)),
            action(passes.notice_push, writes=("acted",)),
            action(passes.settle, writes=("settled",)),
        )
        return sequence(name, *parts, actor=OPERATOR)

    def _pending(self) -> Iterator[Part]:
        may_fail = self._may(Fault.POD_CREATION)
        stamps = {"stamps_failures": self.behaviours.stamps_failures, "may_fail": may_fail}
        yield part(action(passes.heed_wish, writes=("at",)))
        yield part(action(passes.initialize), at=Place.BEGUN)
        found = tuple(p for p in PodPhase if p is not PodPhase.NONE)
        yield part(self._try_to_write(), at=Place.BEGUN, pod=found)
        yield from self._forget(at=Place.BEGUN, pod=found)
        observes = {"observes": not self._does(Repair.ADOPTION_OBSERVES_NOTHING)}
        adopts = action(passes.adopt_pod, writes=("observed", "desired", "at", "asked"), constants=observes)
        yield part(adopts, at=Place.BEGUN, pod=found)
        yield part(self._push_repos(), at=Place.BEGUN)
        if self.behaviours.pushes_while_pending:
            yield part(sequence("push", *self._push()), at=Place.BEGUN)
        made = ("runner_workflow", "runner_repos", "files", "acknowledged", "writing", "patch", "at", "asked")
        yield part(action(passes.create_pod, writes=made, constants=stamps), at=Place.BEGUN)
        if may_fail:
            yield part(sequence("note", *self._notes(), self._note_repos()), asked=Timer.BACKOFF)

    def _writes(self) -> Iterator[Sequence]:
        status, desired, service = WRITES
        yield writes(
            status,
            self._try_to_write(),
            action(passes.write_status, writes=("writing",)),
            *self._forget(),
            *(
                part(action(rule, writes=written), lost=False)
                for rule, written in (
                    (passes.write_observed, ("observed",)),
                    (passes.write_workflow, ("condition", "recorded")),
                    (passes.write_repos, ("recorded_repos",)),
                )
            ),
            only_while=Writing.STATUS,
        )
        keeps = {"keeps_wishes": self._does(Repair.WISHES_ARE_KEPT)}
        yield writes(desired, action(passes.clear_desired, constants=keeps), only_while=Writing.DESIRED)
        fails = {"may_fail": self._may(Fault.SERVICE_CREATION)}
        create = action(passes.create_service, writes=("service", "patch"), constants=fails)
        yield writes(service, create, only_while=Writing.SERVICE)

    def _creating(self) -> Iterator[Part]:
        started = {"started": self.behaviours.started}
        look = action(passes.look_at_new_pod, writes=("service", "at", "asked"), constants=started)
        yield part(look)
        if self.behaviours.started is not Started.NOT_PUSHED:
            yield part(self._push_and_note(), at=Place.WORKFLOW)
            run = action(passes.run_after_push, writes=("at", "asked"), constants=started)
            yield part(run, at=Place.WORKFLOW)

    def _running(self) -> Iterator[Part]:
        drift = {"unset_is_drift": self.behaviours.unset_is_drift}
        early = {"returns_early": self.behaviours.returns_early}
        count = {"repositories_count": self._does(Repair.REPOSITORIES_COUNT)}
        if self._does(Repair.END_IS_SEEN):
            yield part(action(passes.see_end, writes=("service", "at")))
        yield part(action(passes.look_at_pod, writes=("service", "at", "asked")), at=Place.BEGUN)
        if self._does(Repair.SERVICE_IS_KEPT):
            fails = {"may_fail": self._may(Fault.SERVICE_CREATION)}
            yield part(action(passes.keep_service, constants=fails), at=Place.BEGUN)
        yield part(action(passes.look_for_drift, writes=("at",), constants=drift), at=Place.BEGUN)
        spec = (
            self._push_repos(),
            self._push_and_note(
                part(action(passes.stamp, writes=("observed",), constants=count), lost=False),
                part(self._note_repos(), lost=False),
            ),
            action(passes.end_spec, writes=("at", "asked"), constants=early | count),
        )
        yield part(sequence("spec", *spec), at=Place.SPEC)
        retry = {"retry": self.behaviours.retry, "tells_none": self._does(Repair.NONE_IS_TOLD)}
        yield part(action(passes.look_for_failure, writes=("at", "asked"), constants=retry), at=Place.WORKFLOW)
        again = (self._push_and_note(), action(passes.end_retry, writes=("at", "asked"), constants=early))
        yield part(sequence("workflow", *again), at=Place.WORKFLOW)

    # Pushing

    def _push_and_note(self, *more: Part) -> Sequence:
        """Push the workflow, and write what came of it, with `more` that is written by the same patch."""
        notes = (part(sequence("note", *self._notes()), lost=False), *more)
        return sequence("push and note", *self._push(), self._try_to_write(), *notes)

    def _push(self, *, by_backend: bool = False) -> Iterator[Part]:
        """What there is to push, whether it arrives, and what the runner makes of it; the backend has a token."""
        refused = self.bounds.asks_for_token and not (by_backend or self.behaviours.sends_token)
        sent = {"refused": refused, "may_fail": self._may(Fault.PUSH)}
        count = self._does(Repair.CLONES_COUNT)
        clone = {"may_fail": self._may(Fault.CLONE) and not by_backend, "clones_count": count}
        anyway = self._does(Repair.RECORD_IS_NOT_BELIEVED)
        compares = {"pushes_anyway": anyway, "tells_none": self._does(Repair.NONE_IS_TOLD)}
        if not by_backend:
            yield part(action(pushing.compare, writes=("push",), constants=compares))
        yield part(action(pushing.deliver, constants=sent))
        yield part(action(pushing.receive, constants=clone))
        if not by_backend:
            yield part(action(pushing.acknowledge, writes=("again",)))

    def _push_repos(self) -> Action:
        refused = self.bounds.asks_for_token and not self.behaviours.sends_token
        sent = {"refused": refused, "may_fail": self._may(Fault.PUSH)}
        return action(pushing.push_repos, writes=("repos_push", "runner_repos"), constants=sent)

    def _notes(self) -> tuple[Action, ...]:
        return (action(pushing.note_workflow, writes=("condition", "recorded")),)

    def _note_repos(self) -> Action:
        count = {"repositories_count": self._does(Repair.REPOSITORIES_COUNT)}
        return action(pushing.note_repos, writes=("recorded_repos",), constants=count)

    def _try_to_write(self) -> Action:
        lost = {"may_be_lost": self._may(Fault.STATUS)}
        return action(pushing.try_to_write, writes=("lost",), constants=lost)

    # People

    def _acts(self) -> dict[Act, tuple[Sequence, ...]]:
        running = action(surroundings.has_phase, constants={"phases": (SessionPhase.RUNNING,)})

        def workflow(to: str | None) -> Action:
            return action(surroundings.set_workflow, writes=("edited",), constants={"to": to})

        def repos(to: str | None) -> Action:
            return action(surroundings.set_repos, writes=("edited",), constants={"to": to})

        def desired(to: Desired) -> Action:
            return action(surroundings.set_desired, constants={"to": to})

        send: tuple[Part | Step, ...] = (
            action(surroundings.send_too, writes=("push",)),
            *self._push(by_backend=True),
        )
        return {
            Act.SELECT: tuple(happens(f"select {w}", BACKEND, running, workflow(w), then=send) for w in (W1, W2)),
            Act.EDIT: tuple(happens(f"edit the workflow to {w}", PERSON, workflow(w)) for w in (W1, W2)),
            Act.DESELECT: (happens("remove the workflow", PERSON, workflow(None)),),
            Act.RENAME: (
                happens("edit the display name", PERSON, action(surroundings.rename, writes=("edited",))),
            ),
            Act.REPOS: (
                happens("add a repository", PERSON, repos(ONE_REPO)),
                happens("remove the repository", PERSON, repos(None)),
            ),
            Act.START_AND_STOP: (
                happens("ask to start", PERSON, desired(Desired.RUNNING)),
                happens("ask to stop", PERSON, desired(Desired.STOPPED)),
            ),
        }


def _begin(phases: tuple[SessionPhase, ...]) -> Action:
    return action(passes.begin, constants={"phases": phases})


def _keeping(names: Iterable[str]) -> tuple[Action, ...]:
    return tuple(action(keep, f"keep {name}", now=name, writes={"was": was(name)}) for name in names)


def _watching() -> tuple[Action, ...]:
    rules: tuple[Rule, ...] = (watches.watch_phase, watches.watch_desired, watches.watch_pod)
    return tuple(action(rule, writes=("woken",)) for rule in rules)


def writes(name: str, *body: Part | Step, only_while: Writing) -> Sequence:
    """One of the writes of the handler of a Pending session."""
    guard = required(action(surroundings.is_writing, constants={"wanted": only_while}))
    rest = (*_watching(), action(surroundings.disturb, writes=("settled",)))
    return sequence(name, guard, *_keeping(WATCHED), *body, *rest, actor=OPERATOR)


def happens(name: str, actor: str, *guards: Action, then: Iterable[Part | Step] = ()) -> Sequence:
    """Something that happens around the operator, and what follows from it: `guards` have to be possible."""
    follows = (
        action(surroundings.fall_behind),
        action(surroundings.outdate),
        *then,
        action(surroundings.lose_service, writes=("service",)),
        *_watching(),
        action(watches.watch_generation, writes=("woken",)),
        action(surroundings.disturb, writes=("settled",)),
    )
    return sequence(name, *_keeping(WATCHED), *(required(g) for g in guards), *follows, actor=actor)
