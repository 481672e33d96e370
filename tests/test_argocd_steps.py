"""One attempt of argocd-update and of argocd-wait."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import pytest

from model.kargo.argocd.applications import (
    Application,
    ApplicationStatus,
    Condition,
    HelmParameter,
    Key,
    Operation,
    OperationState,
    Source,
    SyncResult,
    SyncStatus,
)
from model.kargo.argocd.authorization import StageName, refusal
from model.kargo.argocd.configuration import InvalidConfigError, WaitFor, update_config, wait_config
from model.kargo.argocd.control_plane import ControlPlane, Fault, FaultKind, Stored
from model.kargo.argocd.sources import desired_sources, incompatible
from model.kargo.argocd.update import (
    Applied,
    Decision,
    Initiator,
    Promoter,
    applied,
    by_importance,
    decide,
    initiator,
    step_status,
    update,
)
from model.kargo.argocd.wait import Readiness, Seen, readiness, wait
from model.kargo.label_selectors import Expression, Operator, Selector, matches, problem
from model.kargo.phases import StepStatus
from model.kargo.releases import LATEST, MAIN, RELEASES, V1_8_5, V1_9_9, V1_10_10, V1_11_2

KEY = Key("argocd", "app-a")
STAGE = StageName("proj", "stage")
PROMOTER = Promoter("promo", STAGE)
GIT = "https://git.example/r.git"
NO_KIND = Fault("no matches", FaultKind.NO_KIND)


MAIN_BRANCH = Source(GIT, target_revision="main")


def app(state=None, *, name="app-a", sources=(MAIN_BRANCH,), **fields):
    return Application(
        Key("argocd", name),
        sources=sources,
        status=ApplicationStatus("Healthy", SyncStatus("Synced"), 0, operation_state=state),
        **{"authorized_stage": "proj:stage", **fields},
    )


def plane(*applications, **faults):
    return ControlPlane(tuple(Stored(one, **faults) for one in applications))


def updated(applications, behaviours=LATEST, promoter=PROMOTER, **wanted):
    config = json.dumps({"apps": [{"name": "app-a", **wanted} if "selector" not in wanted else wanted]})
    cluster = applications if isinstance(applications, ControlPlane) else plane(applications)
    return update(config, promoter, cluster, behaviours)


def ours(phase="Succeeded", *revisions, **fields):
    return OperationState(phase, promotions=("promo",), sync_result=SyncResult("", revisions), **fields)


# argocd-update: the decision


def test_the_decision_about_one_application():
    table = {
        None: Decision.SYNC,
        (Initiator.SOMEBODY_ELSE, True): Decision.SYNC,
        (Initiator.SOMEBODY_ELSE, False): Decision.WAIT_FOR_ANOTHER,
        (Initiator.ANOTHER_PROMOTION, True): Decision.SYNC,
        (Initiator.ANOTHER_PROMOTION, False): Decision.WAIT_FOR_ANOTHER,
        (Initiator.THIS_PROMOTION, False): Decision.WAIT,
    }

    for (operation, decision), done in product(table.items(), Applied):
        assert decide(operation, done) is decision
    assert {done: decide((Initiator.THIS_PROMOTION, True), done) for done in Applied} == {
        Applied.UNKNOWN: Decision.SYNC,
        Applied.ANOTHER_REVISION: Decision.SYNC,
        Applied.AS_DESIRED: Decision.DONE,
        Applied.TOO_MANY: Decision.PANIC,
    }


@pytest.mark.parametrize(
    ("promotions", "who"),
    [
        ((), Initiator.SOMEBODY_ELSE),
        (("promo",), Initiator.THIS_PROMOTION),
        (("other", "promo"), Initiator.ANOTHER_PROMOTION),
        (("",), Initiator.ANOTHER_PROMOTION),
    ],
)
def test_the_first_promotion_an_operation_names_counts(promotions, who):
    assert initiator(OperationState(promotions=promotions), "promo") is who


@pytest.mark.parametrize(
    ("result", "desired", "found"),
    [
        (None, ("a",), Applied.UNKNOWN),
        (SyncResult(), (), Applied.AS_DESIRED),
        (SyncResult("a"), ("a",), Applied.AS_DESIRED),
        (SyncResult("b"), ("a",), Applied.ANOTHER_REVISION),
        (SyncResult("b"), ("",), Applied.AS_DESIRED),
        (SyncResult("a"), ("a", "b"), Applied.AS_DESIRED),  # a single revision is compared with the first only
        (SyncResult("b", ("a",)), ("a",), Applied.AS_DESIRED),
        (SyncResult("", ("a", "b", "c")), ("a", "b"), Applied.TOO_MANY),
        (SyncResult("", ("a", "x", "c")), ("a", "b"), Applied.ANOTHER_REVISION),
    ],
)
def test_what_an_operation_has_applied(result, desired, found):
    assert applied(result, desired) is found


# argocd-update: the attempt


def test_a_sync_is_started():
    was = app(OperationState("Failed"), retry='{"limit": 3}', sync_options=("Prune=true",))

    attempt, after = updated(was, promoter=Promoter("promo", STAGE, "user:alice"))

    now = after.stored[0].application
    assert (attempt.status, attempt.error) == ("Running", None)
    assert now.operation == Operation(
        "user:alice",
        info=(
            ("Reason", "Promotion triggered a sync of this Application resource."),
            ("kargo.akuity.io/promotion", "promo"),
        ),
        sync_options=("Prune=true",),
        retry='{"limit": 3}',
    )
    assert (now.refresh, now.status.operation_state) == ("hard", None)
    assert [event.message for event in after.events] == ["kargo-controller initiated sync to main"]


def test_an_operation_of_a_promotion_nobody_asked_for_is_automated():
    _, after = updated(app())

    assert after.stored[0].application.operation[:2] == ("kargo-controller", True)


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ((), "initiated sync"),
        ((Source(GIT),), "initiated sync to "),
        ((Source(GIT), Source(GIT)), "initiated sync to 2 sources"),
    ],
)
def test_what_an_event_says_of_a_sync(sources, said):
    assert updated(app(sources=sources))[1].events[0].message == f"kargo-controller {said}"


@pytest.mark.parametrize(
    ("phase", "status", "error"),
    [
        ("Succeeded", "Succeeded", None),
        ("Running", "Running", None),
        ("Terminating", "Running", None),
        ("Failed", "Errored", 'Argo CD Application "app-a" in namespace "argocd" failed with: oh'),
        ("", "Errored", "could not determine promotion step status from operation phases: []"),
        ("Strange", "Errored", "could not determine promotion step status from operation phases: [Strange]"),
    ],
)
def test_the_phase_of_its_own_operation_is_the_result(phase, status, error):
    attempt, after = updated(app(ours(phase, message="oh")))

    assert (attempt.status, attempt.error, after.patches) == (status, error, ())


def test_an_operation_of_another_without_a_phase_is_an_error():
    assert updated(app(OperationState(initiated_by="admin")))[0].error == (
        'current operation was initiated by "admin": waiting for operation to complete'
    )
    assert updated(app(OperationState(promotions=("old",))))[0].error == (
        "current operation was not initiated for Promotion promo: waiting for operation to complete"
    )


def test_more_revisions_than_sources_are_a_panic():
    attempt, _ = updated(app(ours("Succeeded", "", "extra")))

    assert attempt.panic == "runtime error: index out of range [1] with length 1"
    assert attempt.status == ""


def test_the_most_important_phase_counts():
    phases = ("Zed", "Succeeded", "Strange", "Terminating", "Running", "Error", "Failed")

    assert by_importance(phases) == ("Failed", "Error", "Running", "Terminating", "Succeeded", "Strange", "Zed")
    assert step_status(("Succeeded", "Running")) is StepStatus.RUNNING
    assert step_status(("Zed", "Succeeded")) is StepStatus.SUCCEEDED
    assert step_status(("Zed",)) is step_status(()) is None


def test_a_second_update_of_an_application_sees_what_the_first_has_done():
    config = json.dumps({"apps": [{"name": "app-a"}, {"name": "app-a"}]})

    attempt, after = update(config, PROMOTER, plane(app(ours())), LATEST)
    again, twice = update(config, PROMOTER, plane(app()), LATEST)

    assert (attempt.status, after.patches) == ("Succeeded", ())
    assert (again.status, twice.patches) == ("Running", (KEY, KEY))


@pytest.mark.parametrize(
    ("fault", "patches", "status"),
    [
        (Fault("no"), 1, "Errored"),
        (Fault("changed", FaultKind.CONFLICT), 5, "Errored"),
        (Fault("changed", FaultKind.CONFLICT, once=True), 2, "Running"),
    ],
)
def test_only_a_conflict_is_patched_again(fault, patches, status):
    attempt, after = updated(plane(app(), patching=fault))

    assert (attempt.status, len(after.patches), len(after.events)) == (status, patches, status == "Running")
    assert (after.stored[0].application == app()) is (status == "Errored")


def test_a_disabled_integration_and_an_invalid_config():
    disabled, none = update('{"apps": [{"name": "app-a"}]}', PROMOTER, None, LATEST)
    invalid, _ = update("{}", PROMOTER, None, LATEST)

    assert (disabled.status, disabled.terminal, none) == ("Errored", False, None)
    assert (invalid.status, invalid.terminal) == ("Failed", True)
    assert invalid.error == "invalid argocd-update config: (root): apps is required"


# argocd-update: releases


def test_up_to_1_9_a_running_step_asks_to_be_polled():
    assert [updated(app(), behaviours)[0].retry_after_ms for behaviours in RELEASES.values()] == [
        *(30_000, 30_000, 30_000, None, None, None),
    ]
    assert updated(app(ours()), V1_9_9)[0].retry_after_ms is None


def test_only_main_outputs_the_applications():
    outputs = {name: updated(app(), behaviours)[0].output for name, behaviours in RELEASES.items()}

    assert json.loads(outputs.pop("main")) == {"apps": [{"name": "app-a", "namespace": "argocd"}]}
    assert set(outputs.values()) == {"null"}


@pytest.mark.parametrize(("behaviours", "reads", "waited_s"), [(V1_10_10, 1, 0), (V1_11_2, 6, 31)])
def test_from_1_11_a_missing_kind_is_waited_for(behaviours, reads, waited_s):
    attempt, after = updated(plane(app(), reading=NO_KIND), behaviours)

    assert (attempt.status, after.reads) == ("Errored", reads)
    assert attempt.takes_ms >= waited_s * 1000


def test_a_kind_that_is_found_in_time_does_no_harm():
    attempt, after = updated(plane(app(), reading=NO_KIND._replace(once=True)), V1_11_2)

    assert (attempt.status, after.reads, attempt.takes_ms) == ("Running", 2, 1000)


def test_since_1_9_a_refusal_is_not_explained():
    refused = app(authorized_stage="proj:other")

    assert updated(refused, V1_8_5)[0].error == (
        'error getting Argo CD Application "app-a" in namespace "argocd": Argo CD Application "app-a" in namespace '
        '"argocd" does not permit mutation by Kargo Stage stage in namespace proj'
    )
    assert updated(refused, V1_9_9)[0].error == (
        'Argo CD Application "app-a" in namespace "argocd" is not authorized'
    )
    assert updated(plane(), V1_8_5)[0].error == (
        'error getting Argo CD Application "app-a" in namespace "argocd": '
        'unable to find Argo CD Application "app-a" in namespace "argocd"'
    )


@pytest.mark.parametrize(
    ("annotation", "before", "since"),
    [
        ("proj:stage", True, True),
        (" proj : stage ", False, True),
        ("proj:other,proj:stage", False, True),
        ("proj:stage,", False, True),
        ("proj:stage,nonsense", False, False),
        ("proj:stage,*:x", False, False),
        ("proj:*", False, False),
        ("proj:stage:x", False, False),
        ("stage", False, False),
        ("", False, False),
        (",", False, False),
        (None, False, False),
    ],
)
def test_from_1_11_several_stages_may_be_authorized(annotation, before, since):
    assert (refusal(KEY, annotation, STAGE, V1_10_10) is None) is before
    assert (refusal(KEY, annotation, STAGE, V1_11_2) is None) is since


def test_selectors_came_with_1_9():
    wanted = {"selector": {"matchLabels": {"team": "a"}}}
    cluster = plane(app(labels=(("team", "a"),)), app(name="app-b"))

    assert updated(cluster, V1_8_5, **wanted)[0].status == "Failed"
    assert updated(cluster, V1_9_9, **wanted)[1].patches == (KEY,)


# Which Applications


def test_of_selected_applications_those_that_refuse_are_passed_over():
    wanted = {"selector": {"matchExpressions": [{"key": "no", "operator": "DoesNotExist"}]}}
    refused = app(name="app-b", authorized_stage=None)

    assert updated(plane(app(), refused), **wanted)[1].patches == (KEY,)
    assert updated(plane(refused), **wanted)[0].error == (
        'found 1 Application(s) matching selector in namespace "argocd", '
        "but none are authorized for Stage proj:stage"
    )
    assert updated(plane(), **wanted)[0].error == (
        'no Argo CD Applications found matching selector in namespace "argocd"'
    )
    assert updated(plane(app(), reading=Fault("no")), **wanted)[0].error == (
        "error listing Argo CD Applications matching selector: no"
    )


@pytest.mark.parametrize(
    ("operator", "values", "labels", "matched"),
    [
        (Operator.IN, ("a", "b"), {"k": "b"}, True),
        (Operator.IN, ("a",), {}, False),
        (Operator.NOT_IN, ("a",), {"k": "a"}, False),
        (Operator.NOT_IN, ("a",), {}, True),
        (Operator.EXISTS, (), {"k": ""}, True),
        (Operator.EXISTS, (), {}, False),
        (Operator.DOES_NOT_EXIST, (), {}, True),
        (Operator.DOES_NOT_EXIST, (), {"k": ""}, False),
    ],
)
def test_what_an_expression_matches(operator, values, labels, matched):
    assert matches(Selector((), (Expression("k", operator, values),)), labels) is matched


def test_an_expression_with_too_many_or_too_few_values_makes_no_selector():
    for operator in Operator:
        needs = operator in (Operator.IN, Operator.NOT_IN)
        for values in ((), ("a",)):
            selector = Selector((), (Expression("k", operator, values),))
            assert (problem(selector) is None) is (bool(values) is needs)
    wanted = {"selector": {"matchExpressions": [{"key": "k", "operator": "In"}]}}
    assert updated(app(), **wanted)[0].error.startswith("error building label selector: invalid matchExpression: ")


# Sources


def sources_after(*updates, of):
    (one,) = update_config(json.dumps({"apps": [{"name": "a", "sources": updates}]}), True)
    return desired_sources(one.sources, app(sources=of), True)


def test_git_repositories_are_the_same_however_they_are_spelled_but_only_to_be_updated():
    spelled = {"repoURL": "https://git.example/r", "desiredRevision": "new", "updateTargetRevision": True}

    assert sources_after(spelled, of=(MAIN_BRANCH,)) == (Source(GIT, target_revision="main"),)
    exact = {**spelled, "repoURL": GIT}
    assert sources_after(exact, of=(MAIN_BRANCH,)) == (Source(GIT, target_revision="new"),)


def test_a_chart_is_only_the_same_if_it_is_spelled_the_same():
    chart = Source("https://charts.example", "web", "1.0.0")
    wanted = {"repoURL": chart.repo_url, "chart": "web", "helm": {"images": [{"key": "tag", "value": "v2"}]}}

    assert sources_after(wanted, of=(chart,)) == (chart._replace(helm_parameters=(HelmParameter("tag", "v2"),)),)
    assert sources_after({**wanted, "chart": "other"}, of=(chart,)) == (
        'no source of Argo CD Application "app-a" in namespace "argocd" matched update '
        'for source with repoURL https://charts.example and chart "other"'
    )


def test_a_helm_parameter_is_replaced_where_it_is_and_never_by_nothing():
    of = (Source(GIT, helm_parameters=(HelmParameter("a", "1"), HelmParameter("b", "2"))),)

    def set_to(value):
        found = sources_after({"repoURL": GIT, "helm": {"images": [{"key": "a", "value": value}]}}, of=of)
        return found[0].helm_parameters[0].value

    assert (set_to("3"), set_to("")) == ("3", "1")


@pytest.mark.parametrize(
    ("update", "image"),
    [
        ({"repoURL": "a", "tag": "v1"}, "a:v1"),
        ({"repoURL": "a", "digest": "sha256:x", "newName": "b"}, "a=b@sha256:x"),
        ({"repoURL": "a"}, "a:"),
    ],
)
def test_how_kustomize_is_given_an_image(update, image):
    assert sources_after({"repoURL": GIT, "kustomize": {"images": [update]}}, of=(Source(GIT),)) == (
        Source(GIT, kustomize_images=(image,)),
    )


def test_a_single_source_stays_single():
    single = app(sources=(), source=Source(GIT))
    sources = [{"repoURL": GIT, "desiredRevision": "new", "updateTargetRevision": True}]

    now = updated(single, sources=sources)[1].stored[0].application

    assert (now.source, now.sources) == (Source(GIT, target_revision="new"), ())


def test_several_applications_are_updated_only_if_all_can_be():
    (one,) = update_config(json.dumps({"apps": [{"name": "a", "sources": [{"repoURL": "other"}]}]}), True)
    apps = tuple(app(name=f"app-{letter}") for letter in "abcd")

    assert incompatible(one.sources, apps[:1], True) is None
    found = incompatible(one.sources, apps, True)
    assert found is not None
    assert found.startswith(
        "selected Applications must have compatible sources; 4 incompatible (showing first 3). "
        'No Applications were updated:\nApplication "app-a" in namespace "argocd": no source of '
    )
    assert len(found.splitlines()) == 4
    assert "(showing" not in (incompatible(one.sources, apps[:3], True) or "")


# Configurations


@pytest.mark.parametrize(
    "config",
    [
        [],
        {},
        {"apps": []},
        {"apps": "x"},
        {"apps": [{}]},
        {"apps": [{"name": ""}]},
        {"apps": [{"name": "a"}], "more": 1},
        {"apps": [{"name": "a", "more": 1}]},
        {"apps": [{"name": "a", "namespace": ""}]},
        {"apps": [{"name": "a", "selector": {"matchLabels": {"a": "b"}}}]},
        {"apps": [{"selector": None}]},
        {"apps": [{"selector": {}}]},
        {"apps": [{"selector": {"matchLabels": {}}}]},
        {"apps": [{"selector": {"matchLabels": {"a": 1}}}]},
        {"apps": [{"selector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}]},
    ],
)
def test_configurations_that_are_invalid_for_both_steps(config):
    for read in (lambda text: update_config(text, True), wait_config):
        with pytest.raises(InvalidConfigError):
            read(json.dumps(config))


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"repoURL": ""},
        {"repoURL": "a", "chart": ""},
        {"repoURL": "a", "updateTargetRevision": True},
        {"repoURL": "a", "updateTargetRevision": "yes", "desiredRevision": "b"},
        {"repoURL": "a", "helm": {}},
        {"repoURL": "a", "helm": {"images": []}},
        {"repoURL": "a", "helm": {"images": [{"key": "b"}]}},
        {"repoURL": "a", "kustomize": {"images": []}},
        {"repoURL": "a", "kustomize": {"images": [{"repoURL": "b", "tag": "c", "digest": "d"}]}},
    ],
)
def test_sources_that_are_invalid(source):
    with pytest.raises(InvalidConfigError, match=r"apps\.0\.sources\.0"):
        update_config(json.dumps({"apps": [{"name": "a", "sources": [source]}]}), True)


@pytest.mark.parametrize("wait_for", [[], ["nonsense"], ["sync", "sync"], "sync"])
def test_what_cannot_be_waited_for(wait_for):
    with pytest.raises(InvalidConfigError, match="waitFor"):
        wait_config(json.dumps({"apps": [{"name": "a", "waitFor": wait_for}]}))


# argocd-wait

FINE = Seen(False, False, True, "Healthy", "", True)
USUAL = frozenset({WaitFor.HEALTH, WaitFor.SYNC, WaitFor.OPERATION})


@pytest.mark.parametrize(
    ("wait_for", "changes", "found"),
    [
        (USUAL, {}, Readiness.READY),
        (USUAL, {"error_condition": True, "operating": True}, Readiness.ERROR_CONDITION),
        (USUAL, {"operating": True, "reconciled": False}, Readiness.NOT_READY),
        ({WaitFor.SYNC}, {"operating": True, "reconciled": False, "health": "Degraded"}, Readiness.READY),
        (USUAL, {"reconciled": False, "health": "Degraded", "health_before": "Healthy"}, Readiness.NOT_RECONCILED),
        (USUAL, {"health": "Degraded", "health_before": "Healthy"}, Readiness.REGRESSED),
        (USUAL, {"health": "Degraded", "health_before": "Unknown"}, Readiness.NOT_READY),
        (USUAL, {"health": "Degraded", "health_before": "Degraded"}, Readiness.NOT_READY),
        (USUAL, {"health": "Degraded"}, Readiness.NOT_READY),
        ({WaitFor.DEGRADED}, {"health": "Degraded", "health_before": "Healthy"}, Readiness.READY),
        (
            {WaitFor.DEGRADED, WaitFor.HEALTH},
            {"health": "Degraded", "health_before": "Healthy"},
            Readiness.REGRESSED,
        ),
        ({WaitFor.DEGRADED, WaitFor.SUSPENDED}, {"health": "Suspended"}, Readiness.READY),
        ({WaitFor.SUSPENDED}, {}, Readiness.NOT_READY),
        (USUAL, {"synced": False}, Readiness.NOT_READY),
        ({WaitFor.HEALTH}, {"synced": False}, Readiness.READY),
    ],
)
def test_the_readiness_of_one_application(wait_for, changes, found):
    assert readiness(frozenset(wait_for), FINE._replace(**changes)) is found


def waited(cluster, before="null", behaviours=LATEST, **wanted):
    return wait(json.dumps({"apps": [{"name": "app-a", **wanted}]}), before, cluster, behaviours)


def with_health(health, **status):
    return app()._replace(status=app().status._replace(health=health, **status))


def test_the_health_of_every_application_is_noted():
    before = json.dumps({"healthStatus": {"argocd/gone": "Healthy", "bad": 1}, "other": 2})

    attempt, _ = waited(plane(with_health("Progressing")), before)
    unset, _ = waited(plane(with_health("")), before)

    assert attempt.status == "Running"
    assert json.loads(attempt.output) == {"healthStatus": {"argocd/app-a": "Progressing", "argocd/gone": "Healthy"}}
    assert json.loads(unset.output) == {"healthStatus": {"argocd/gone": "Healthy"}}


@pytest.mark.parametrize("before", ["null", "[]", "{}", '{"healthStatus": []}'])
def test_an_output_without_health_says_nothing_of_it(before):
    assert waited(plane(with_health("Degraded")), before)[0].status == "Running"


def test_a_regression_is_terminal_and_noted():
    attempt, _ = waited(plane(with_health("Degraded")), '{"healthStatus": {"argocd/app-a": "Healthy"}}')

    assert (attempt.status, attempt.terminal) == ("Errored", True)
    assert attempt.error == (
        'Argo CD Application "app-a" in namespace "argocd" health has regressed from Healthy to Degraded'
    )
    assert json.loads(attempt.output) == {"healthStatus": {"argocd/app-a": "Degraded"}}


def test_error_conditions_are_terminal():
    broken = with_health("Healthy", conditions=(Condition("InvalidSpecError", "bad"), Condition("Other", "fine")))

    attempt, _ = waited(plane(broken))

    assert (attempt.terminal, attempt.error) == (
        True,
        'Argo CD Application "app-a" in namespace "argocd" has "InvalidSpecError" condition: bad',
    )


def test_an_application_not_reconciled_is_asked_to_be_refreshed_and_one_failure_is_enough():
    stale = app(OperationState("Succeeded", finished_at_ms=1))

    attempt, after = waited(plane(stale, patching=Fault("changed", FaultKind.CONFLICT)))

    assert (attempt.status, after.patches) == ("Running", (KEY,))


def test_waiting_needs_no_authorization_and_does_not_wait_for_the_kind():
    assert waited(plane(app(authorized_stage=None)))[0].status == "Succeeded"
    assert waited(plane(app(), reading=NO_KIND))[1].reads == 1


def test_what_main_outputs_of_waiting():
    attempt, _ = waited(plane(app()), behaviours=MAIN)
    proposed, _ = waited(plane(app()), behaviours=replace(MAIN, resolved_apps_in_output=False))

    assert json.loads(attempt.output)["apps"] == [{"name": "app-a", "namespace": "argocd"}]
    assert "apps" not in json.loads(proposed.output)


def test_waiting_with_a_disabled_integration_or_an_invalid_config():
    assert waited(None)[0].error.startswith("Argo CD integration is disabled on this controller; cannot wait")
    assert waited(None, waitFor=[])[0].error.startswith("invalid argocd-wait config: apps.0.waitFor: ")
