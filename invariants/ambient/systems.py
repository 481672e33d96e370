"""Sessions that can be checked by name: each with a situation that matters."""

from __future__ import annotations

from dataclasses import dataclass

from invariants.ambient import claims, consumed_triggers, liveness
from invariants.properties import Property, always, every_step, sometimes
from invariants.subjects import Subject
from model.ambient.behaviours import Behaviours
from model.ambient.phases import SessionPhase
from model.ambient.session import CREATING, RUNNING, Bounds, session
from model.ambient.surroundings import Act, Fault

NETWORK = frozenset({Fault.PUSH})


@dataclass(frozen=True)
class Situation:
    """A session, and how far it is explored: `about` says in a sentence what is special about it."""

    about: str
    bounds: Bounds


SITUATIONS: dict[str, Situation] = {
    "session": Situation("a session that is created with a workflow", Bounds(faults=1, may_fail=NETWORK)),
    "session-renamed": Situation(
        "a session of which people edit something that has nothing to do with its workflow",
        Bounds(acts=1, may_do=frozenset({Act.RENAME}), faults=1, may_fail=NETWORK),
    ),
    "session-edits": Situation(
        "a session whose spec people edit, twice",
        Bounds(
            acts=2,
            may_do=frozenset({Act.SELECT, Act.EDIT, Act.DESELECT, Act.RENAME}),
            faults=1,
            may_fail=NETWORK,
        ),
    ),
    "session-repositories": Situation(
        "a session whose repositories people edit, twice",
        Bounds(acts=2, may_do=frozenset({Act.REPOS}), faults=1, may_fail=NETWORK),
    ),
    "session-requests": Situation(
        "a session that people start and stop", Bounds(acts=3, may_do=frozenset({Act.START_AND_STOP}))
    ),
    "session-token": Situation(
        "a session whose runner asks for a token", Bounds(faults=1, may_fail=NETWORK, asks_for_token=True)
    ),
    "session-clones": Situation(
        "a session whose workflow may fail to be cloned", Bounds(faults=1, may_fail=frozenset({Fault.CLONE}))
    ),
    "session-restarts": Situation(
        "a session, and an operator that is restarted", Bounds(faults=2, may_fail=frozenset({Fault.CRASH}))
    ),
    "session-faults": Situation(
        "a session that people edit once, and two things that go wrong",
        Bounds(acts=1, may_do=frozenset({Act.EDIT, Act.DESELECT}), faults=2, may_fail=frozenset(Fault)),
    ),
}


def subject(name: str, behaviours: Behaviours) -> Subject:
    """The session called `name` as one version of the operator treats it, with every claim about it.

    Raises KeyError for a name that is not in `SITUATIONS`.
    """
    situation = SITUATIONS[name]
    return explored(name, situation.about, behaviours, situation.bounds)


def explored(name: str, about: str, behaviours: Behaviours, bounds: Bounds) -> Subject:
    """A session with everything that can happen to it, the claims about it, and their witnesses."""
    properties = (*every_claim(), *consumed_triggers.claims(), *liveness.claims(), *witnesses(bounds))
    return Subject(name, about, session(name, behaviours, bounds), properties, QUIET)


def every_claim() -> tuple[Property, ...]:
    """The claims about a session, except those about triggers."""
    pushing = (CREATING, RUNNING)
    return (
        always(claims.a_workflow_whose_push_failed_is_pushed_again),
        always(claims.a_session_at_rest_has_told_its_runner),
        always(claims.a_session_at_rest_has_its_workflow),
        always(claims.a_session_at_rest_has_the_files_of_its_workflow),
        always(claims.what_is_reported_as_reconciled_was_told_to_this_pod),
        every_step(claims.no_workflow_is_pushed_without_a_pod),
        every_step(claims.an_acknowledged_workflow_is_not_pushed_again),
        every_step(claims.a_failed_push_waits_before_the_next, by=pushing),
        every_step(claims.a_push_fails_only_for_a_reason_that_goes_away, by=pushing),
        always(claims.a_session_at_rest_has_its_repositories),
        always(claims.a_session_at_rest_has_observed_its_generation),
        always(claims.a_running_session_will_be_looked_at),
        always(claims.a_running_session_can_be_reached),
        always(claims.a_session_whose_runner_has_ended_does_not_stay_running),
    )


def witnesses(bounds: Bounds) -> tuple[Property, ...]:
    """The situations without which the claims would say little."""
    # Who is refused for want of a token tries for ever.
    rests = () if bounds.asks_for_token else (sometimes(claims.a_session_rests_while_its_runner_serves),)
    running = sometimes(claims.a_session_is, "a_session_is_running", constants={"wanted": SessionPhase.RUNNING})
    edited = (sometimes(claims.a_spec_is_behind),) if bounds.acts and bounds.may_do - {Act.START_AND_STOP} else ()
    return (running, *rests, *edited)


QUIET = ("woken", "timer", "settled", "faults", "acts", "patch", "acknowledged", "writing", "was_")
"""What the labels of a story say already, or what follows from the rest."""
