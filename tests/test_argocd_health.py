"""The health of a Stage, as one of its Argo CD Applications and several checks make it."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import pytest

from model.kargo.argocd.applications import (
    AppHealth,
    Application,
    ApplicationStatus,
    Condition,
    Key,
    Operation,
    OperationState,
    Source,
    SyncStatus,
)
from model.kargo.argocd.control_plane import ControlPlane, Fault, Stored
from model.kargo.argocd.health import (
    Finding,
    LastOperation,
    app_finding,
    distrust,
    finding,
    issues,
    of_health,
    of_revisions,
)
from model.kargo.argocd.health_checks import CANNOT_CONVERT, SEVERITY, Criteria, check, merge
from model.kargo.phases import HealthState
from model.kargo.releases import LATEST, RELEASES, V1_9_9, V1_10_10, HealthTrust

KEY = Key("argocd", "app-a")
SECOND = 1000


def operation(phase="Succeeded", ended_s_ago: float | None = 60, reconciled_since=True):
    ended = None if ended_s_ago is None else int(ended_s_ago * SECOND)
    return LastOperation(phase, ended, reconciled_since)


def app(
    *,
    phase="Succeeded",
    finished=-60,
    reconciled=-59,
    health="Healthy",
    revision="rev",
    conditions=(),
    requested=None,
):
    return Application(
        KEY,
        source=Source("https://git.example/r.git"),
        status=ApplicationStatus(
            health,
            SyncStatus("Synced", revision),
            None if reconciled is None else reconciled * SECOND,
            conditions,
            OperationState(phase, finished_at_ms=None if finished is None else finished * SECOND),
        ),
        operation=requested,
    )


# When health is believed


@pytest.mark.parametrize(
    ("ended_s_ago", "found"),
    [
        (9.999, Finding.JUST_FINISHED),
        (10, None),
        (10.001, None),
        (0, Finding.JUST_FINISHED),
        (-5, Finding.JUST_FINISHED),  # the clocks differ
        (None, None),
    ],
)
def test_health_is_believed_from_exactly_ten_seconds_on(ended_s_ago, found):
    assert distrust(operation(ended_s_ago=ended_s_ago), HealthTrust.COOLED_DOWN) is found


@pytest.mark.parametrize("phase", ["", "Running", "Terminating", "Failed", "Error", "Strange"])
def test_up_to_1_9_only_a_succeeded_operation_lets_health_be_believed(phase):
    assert distrust(operation(phase), HealthTrust.COOLED_DOWN) is Finding.NOT_SUCCEEDED
    assert distrust(operation(phase), HealthTrust.RECONCILED) is None


@pytest.mark.parametrize("trust", HealthTrust)
def test_health_is_believed_where_there_never_was_an_operation(trust):
    assert distrust(None, trust) is None


def test_from_1_10_no_clock_is_looked_at():
    for ended_s_ago in (-5, 0, 9, 10, 3600):
        assert distrust(operation(ended_s_ago=ended_s_ago), HealthTrust.RECONCILED) is None
        assert (
            distrust(operation(ended_s_ago=ended_s_ago, reconciled_since=False), HealthTrust.RECONCILED)
            is Finding.NOT_RECONCILED
        )


@pytest.mark.parametrize(
    ("reconciled", "found"),
    [(-61, Finding.NOT_RECONCILED), (-60, Finding.HEALTHY), (-59, Finding.HEALTHY), (None, Finding.NOT_RECONCILED)],
)
def test_an_application_reconciled_in_the_second_its_operation_finished_is_believed(reconciled, found):
    assert app_finding(app(finished=-60, reconciled=reconciled), (), 0, V1_10_10) is found


def test_an_operation_that_does_not_end_needs_no_reconciliation():
    running = app(phase="Running", finished=None, reconciled=None)

    assert app_finding(running, (), 0, V1_10_10) is Finding.HEALTHY
    assert app_finding(running, ("rev",), 0, V1_10_10) is Finding.BEING_SYNCED
    assert app_finding(running, (), 0, V1_9_9) is Finding.NOT_SUCCEEDED


def test_the_age_of_an_operation_is_taken_from_the_moment_of_the_check():
    finished = app(finished=0)

    assert app_finding(finished, (), 9_999, V1_9_9) is Finding.JUST_FINISHED
    assert app_finding(finished, (), 10_000, V1_9_9) is Finding.HEALTHY


# Health and revisions


@pytest.mark.parametrize(
    ("health", "state"),
    [
        ("Healthy", HealthState.HEALTHY),
        ("", HealthState.PROGRESSING),
        ("Progressing", HealthState.PROGRESSING),
        ("Suspended", HealthState.PROGRESSING),
        ("Degraded", HealthState.UNHEALTHY),
        ("Missing", HealthState.UNHEALTHY),
        ("Unknown", HealthState.UNHEALTHY),
    ],
)
def test_what_the_health_of_an_application_makes_of_the_stage(health, state):
    assert of_health(health).state is state


@pytest.mark.parametrize(
    ("desired", "observed", "sources", "syncing", "found"),
    [
        ((), ("x",), 0, True, Finding.HEALTHY),
        (("", ""), ("x",), 1, True, Finding.HEALTHY),
        (("a",), ("a",), 1, False, Finding.HEALTHY),
        (("a",), ("a",), 1, True, Finding.BEING_SYNCED),
        (("a",), ("b",), 1, False, Finding.WRONG_REVISION),
        (("a",), ("",), 1, False, Finding.WRONG_REVISION),
        (("", "a"), ("x", "a"), 2, False, Finding.HEALTHY),
        (("a",), ("a",), 0, False, Finding.SOURCES_DIFFER_IN_NUMBER),
        (("a", "b"), ("a",), 2, False, Finding.REVISIONS_DIFFER_IN_NUMBER),
        (("a",), ("a", "b"), 1, False, Finding.REVISIONS_DIFFER_IN_NUMBER),
    ],
)
def test_what_the_revisions_say(desired, observed, sources, syncing, found):
    assert of_revisions(desired, observed, sources, syncing) is found


def test_the_first_that_is_wrong_counts_and_releases_differ_in_what_comes_first():
    degraded, wrong = Finding.NOT_HEALTHY, Finding.WRONG_REVISION

    assert finding(operation(), False, degraded, wrong, V1_9_9) is degraded
    assert finding(operation(), False, degraded, wrong, V1_10_10) is wrong
    for behaviours in (V1_9_9, V1_10_10):
        assert finding(operation(), True, degraded, wrong, behaviours) is Finding.ERROR_CONDITION
        assert finding(operation(), False, Finding.HEALTHY, wrong, behaviours) is wrong
        assert finding(operation(), False, degraded, Finding.HEALTHY, behaviours) is degraded
        assert finding(operation(), False, Finding.HEALTHY, Finding.HEALTHY, behaviours) is Finding.HEALTHY


def test_the_order_decides_between_unknown_and_unhealthy():
    """An Application that is being synced and degraded."""
    syncing = app(health="Degraded", requested=Operation())

    assert app_finding(syncing, ("rev",), 0, V1_9_9).state is HealthState.UNHEALTHY
    assert app_finding(syncing, ("rev",), 0, V1_10_10).state is HealthState.UNKNOWN


def test_a_requested_operation_that_does_not_sync_is_no_sync():
    assert app_finding(app(requested=Operation(syncs=False)), ("rev",), 0, LATEST) is Finding.HEALTHY


def test_a_single_revision_counts_only_without_a_list():
    listed = app()._replace(status=app().status._replace(sync=SyncStatus("Synced", "rev", ("other",))))

    assert app_finding(listed, ("rev",), 0, LATEST) is Finding.WRONG_REVISION


@pytest.mark.parametrize("behaviours", RELEASES.values(), ids=lambda b: b.release)
def test_fresh_health_is_never_taken_for_healthy(behaviours):
    """Over all small values: a healthy finding needs an operation that is trusted, by the release's own measure."""
    operations = [
        None,
        *(LastOperation(*o) for o in product(("Running", "Succeeded"), (None, 0, 10_000), (False, True))),
    ]
    findings = (Finding.HEALTHY, Finding.PROGRESSING, Finding.WRONG_REVISION)
    healthy = {
        last
        for last, error, health, revisions in product(operations, (False, True), findings, findings)
        if finding(last, error, health, revisions, behaviours) is Finding.HEALTHY
    }

    assert None in healthy
    for last in healthy - {None}:
        if behaviours.health_trust is HealthTrust.COOLED_DOWN:
            assert last.phase == "Succeeded"
            assert last.ended_ms_ago != 0
        else:
            assert last.ended_ms_ago is None or last.reconciled_since


def test_every_finding_is_said_in_words():
    wrong = app(revision="other", conditions=(Condition("ComparisonError", "cannot compare"),))
    unread = {Finding.MISSING, Finding.UNREADABLE}

    assert issues(Finding.HEALTHY, wrong, ("rev",)) == ()
    assert all(issues(found, wrong, ("rev",)) for found in set(Finding) - unread - {Finding.HEALTHY})
    assert issues(Finding.JUST_FINISHED, wrong, ()) == (
        'last operation of Argo CD Application "app-a" in namespace "argocd" completed less than 10s ago; '
        "Application health status not trusted",
    )
    assert issues(Finding.WRONG_REVISION, wrong, ("rev",)) == (
        'Not all sources of Application "app-a" in namespace "argocd" are synced to the desired revisions. Issues: '
        'Source 0 with RepoURL https://git.example/r.git of Application "app-a" in namespace "argocd" '
        'does not match the desired revision "rev".',
    )


# Aggregation


def test_the_worse_of_two_states_is_kept():
    order = list(SEVERITY)

    assert [state.value for state in order] == ["Healthy", "NotApplicable", "Progressing", "Unknown", "Unhealthy"]
    for one, other in product(order, order):
        assert merge(one, other) is max(one, other, key=order.index)


def plane(*applications, reading=None, patching=None):
    return ControlPlane(tuple(Stored(one, reading, patching) for one in applications))


def update_check(*apps):
    return Criteria("argocd-update", json.dumps({"apps": apps}))


A = {"name": "app-a"}


def test_no_checks_are_healthy():
    assert check((), None, 0, LATEST, cancelled=True)[0].status is HealthState.HEALTHY


def test_checks_are_merged_and_their_issues_and_outputs_listed():
    degraded = app(health="Degraded")._replace(key=Key("argocd", "app-b"))
    checks = (update_check(A, {"name": "app-b"}), Criteria("other"), update_check({"name": "app-c"}))

    health, after = check(checks, plane(app(), degraded), 0, LATEST)

    assert health.status is HealthState.UNHEALTHY
    assert health.issues == (
        'Argo CD Application "app-b" in namespace "argocd" has health state "Degraded"',
        'no health checker registered for health check kind "other"',
        'unable to find Argo CD Application "app-c" in namespace "argocd"',
    )
    assert [[one.key.name for one in output] for output in health.output] == [["app-a", "app-b"], ["app-c"]]
    assert after.reads == 3


def test_a_cancelled_context_ends_it():
    health, _ = check((update_check(A),), plane(app()), 0, LATEST, cancelled=True)

    assert (health.status, health.issues, health.output) == (HealthState.UNKNOWN, ("context canceled",), ())


def test_an_unreadable_application_is_unknown():
    health, _ = check((update_check(A),), plane(app(), reading=Fault("no")), 0, LATEST)

    assert health.status is HealthState.UNKNOWN
    assert health.issues == ('error finding Argo CD Application "app-a" in namespace "argocd": no',)


def test_without_a_client_only_the_input_is_read():
    disabled, malformed = (
        check((criteria,), None, 0, LATEST)[0]
        for criteria in (update_check(A), Criteria("argocd-update", '{"apps": "nonsense"}'))
    )

    assert disabled.issues[0].startswith("Argo CD integration is disabled")
    assert malformed.issues[0].startswith(CANNOT_CONVERT)
    assert disabled.status is malformed.status is HealthState.UNKNOWN


def test_a_null_in_the_input_is_as_good_as_nothing():
    text = '{"apps": [{"name": "app-a", "namespace": null, "desiredRevisions": [null]}]}'

    assert check((Criteria("argocd-update", text),), plane(app()), 0, LATEST)[0].status is HealthState.HEALTHY
    assert check((Criteria("argocd-update", '{"apps": null}'),), plane(), 0, LATEST)[0].output == ((),)


@pytest.mark.parametrize("patching", [None, Fault("no")])
def test_from_1_10_a_refresh_is_requested_of_an_application_not_reconciled(patching):
    stale = plane(app(reconciled=-61), patching=patching)

    health, after = check((update_check(A),), stale, 0, V1_10_10)
    _, before = check((update_check(A),), stale, 0, V1_9_9)

    assert health.status is HealthState.UNKNOWN
    assert after.patches == (KEY,)
    assert after.stored[0].application.refresh == (None if patching else "hard")
    assert before.patches == ()


def test_what_is_reported_of_a_status():
    """Up to 1.9 the transition times; only 1.10 and 1.11 before their last patches tell when it was reconciled."""
    shown = app(conditions=(Condition("SyncError", "", -5_000),))
    unsanitized = replace(V1_10_10, reported_status_sanitized=False)

    def reported(behaviours):
        status = check((update_check(A),), plane(shown), 0, behaviours)[0].output[0][0].status
        return status.reconciled_at_ms, status.conditions[0].last_transition_ms

    assert reported(V1_9_9) == (None, -5_000)
    assert reported(V1_10_10) == (None, None)
    assert reported(unsanitized) == (-59_000, -5_000)


def test_health_is_spelled_as_argo_cd_spells_it():
    assert {*AppHealth} == {"Unknown", "Progressing", "Healthy", "Suspended", "Degraded", "Missing"}
