"""Ways in which the operator of today still loses a retry, and what each would need.

Each is a small session in which a claim is violated, in the fewest steps, and repairs under which the claim holds
in that session. All repairs together are what it takes for a session to get what its spec says in all cases.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from invariants.ambient.systems import explored
from invariants.check import check
from invariants.verdicts import Judgement, Verdict
from model.ambient.behaviours import HEAD, Behaviours, Repair
from model.ambient.session import Bounds
from model.ambient.surroundings import Act, Fault

SUCCEEDS = "a_failed_push_leads_to_one_that_succeeds"
HAS_WORKFLOW = "a_session_that_is_to_run_gets_there: its_runner_has_the_workflow"
HAS_REPOSITORIES = "a_session_that_is_to_run_gets_there: its_runner_has_the_repositories"
TOLD = "a_session_at_rest_has_told_its_runner"
STOPS = "a_request_to_stop_is_cleared_only_by_stopping"
STARTS = "a_request_to_start_is_cleared_only_by_starting"


class Loss(NamedTuple):
    """A way to lose a retry: `about` in a sentence, the claim that it violates, where, and what would be needed."""

    name: str
    about: str
    claim: str
    bounds: Bounds
    needs: frozenset[Repair]


def _bounds(*fault: Fault, do: Act | None = None, acts: int = 0) -> Bounds:
    may_do = frozenset() if do is None else frozenset({do})
    return Bounds(acts=acts, may_do=may_do, faults=len(fault), may_fail=frozenset(fault))


def _needs(*repairs: Repair) -> frozenset[Repair]:
    return frozenset(repairs)


LOSSES = (
    Loss(
        "second-push",
        "an edit makes one pass push twice; the first push is recorded, the second fails, and is never repeated",
        SUCCEEDS,
        _bounds(Fault.PUSH, do=Act.RENAME, acts=1),
        _needs(Repair.RECORD_IS_NOT_BELIEVED),
    ),
    Loss(
        "edited-back",
        "a push arrives, the status patch is lost, the edit is taken back: the record says there is nothing to do",
        HAS_WORKFLOW,
        _bounds(Fault.STATUS, do=Act.EDIT, acts=2),
        _needs(Repair.RECORD_IS_NOT_BELIEVED),
    ),
    Loss(
        "edited-back-after-a-new-pod",
        "a new pod is created with another workflow than is recorded; the edit back to that is not pushed",
        HAS_WORKFLOW,
        _bounds(Fault.POD_LOSS, do=Act.EDIT, acts=2),
        _needs(Repair.RECORD_IS_NOT_BELIEVED),
    ),
    Loss(
        "selected-back",
        "the backend pushes a selection before the operator sees it; selecting the former one again is not pushed",
        HAS_WORKFLOW,
        _bounds(Fault.PUSH, do=Act.SELECT, acts=2),
        _needs(Repair.RECORD_IS_NOT_BELIEVED),
    ),
    Loss(
        "removed-workflow",
        "nobody tells the runner that the spec has no workflow any more",
        HAS_WORKFLOW,
        _bounds(do=Act.DESELECT, acts=1),
        _needs(Repair.NONE_IS_TOLD, Repair.RECORD_IS_NOT_BELIEVED),
    ),
    Loss(
        "no-service",
        "the Service could not be created, and nobody tries that again: every push fails, for ever",
        SUCCEEDS,
        _bounds(Fault.SERVICE_CREATION),
        _needs(Repair.SERVICE_IS_KEPT),
    ),
    Loss(
        "no-service-after-a-restart",
        "the operator is restarted after it created the pod: it finds the pod, and creates no Service",
        SUCCEEDS,
        _bounds(Fault.CRASH),
        _needs(Repair.SERVICE_IS_KEPT),
    ),
    Loss(
        "unmanaged-namespace",
        "a pass that cannot read the namespace, or finds no label on it, ends without a timer",
        SUCCEEDS,
        _bounds(Fault.NAMESPACE),
        _needs(Repair.UNMANAGED_IS_LOOKED_AT),
    ),
    Loss(
        "failed-clone",
        "the workflow could not be cloned; the runner goes by its name already, and answers 200 without cloning it",
        HAS_WORKFLOW,
        _bounds(Fault.CLONE),
        _needs(Repair.CLONES_COUNT),
    ),
    Loss(
        "ended-runner",
        "the runner of a Running session has ended; the session stays Running, and its workflow is pushed for ever",
        SUCCEEDS,
        _bounds(Fault.RUNNER_END),
        _needs(Repair.END_IS_SEEN),
    ),
    Loss(
        "status-of-a-former-pod",
        "a new pod is not told its workflow, because the status says so of the former one",
        TOLD,
        _bounds(Fault.POD_LOSS),
        _needs(Repair.STATUS_OF_THIS_POD),
    ),
    Loss(
        "repositories",
        "a repository that could not be pushed, say before the runner listens, is recorded as reconciled",
        HAS_REPOSITORIES,
        _bounds(do=Act.REPOS, acts=1),
        _needs(Repair.REPOSITORIES_COUNT),
    ),
    Loss(
        "repositories-after-a-restart",
        "the operator is restarted after it created the pod; an edit meanwhile counts as observed then",
        HAS_REPOSITORIES,
        _bounds(Fault.CRASH, do=Act.REPOS, acts=1),
        _needs(Repair.ADOPTION_OBSERVES_NOTHING, Repair.REPOSITORIES_COUNT, Repair.SERVICE_IS_KEPT),
    ),
    Loss(
        "request-to-stop",
        "a request to stop that comes while the pod is being created is cleared with the request to start",
        STOPS,
        _bounds(do=Act.START_AND_STOP, acts=1),
        _needs(Repair.WISHES_ARE_KEPT),
    ),
    Loss(
        "request-to-start",
        "a request to start that comes while the session is Stopping is cleared when it has stopped",
        STARTS,
        _bounds(do=Act.START_AND_STOP, acts=2),
        _needs(Repair.WISHES_ARE_KEPT),
    ),
)


@dataclass(frozen=True)
class Lost:
    """A loss, the verdict on its claim with the shortest way to the violation, and that with what it needs."""

    loss: Loss
    judgement: Judgement
    repaired: Verdict

    @property
    def steps(self) -> int | None:
        """The length of the shortest way, None where nothing is lost."""
        return len(self.judgement.trace.steps) if self.judgement.trace else None


def look(loss: Loss, behaviours: Behaviours = HEAD) -> Lost:
    """Whether a version loses a retry in this way, and whether it would not with what that needs."""
    return Lost(loss, judged(loss, behaviours), judged(loss, with_repairs(behaviours, loss.needs)).verdict)


def with_repairs(behaviours: Behaviours, repairs: frozenset[Repair]) -> Behaviours:
    """A version that does these things, too."""
    return replace(behaviours, repairs=behaviours.repairs | repairs)


def judged(loss: Loss, behaviours: Behaviours) -> Judgement:
    """The verdict on the claim of a loss in the session where it arises."""
    subject = explored(loss.name, loss.about, behaviours, loss.bounds)
    asked = [p for p in subject.properties if p.name == loss.claim]
    [found] = check(subject.system, asked, transitions=False).judgements
    return found
