"""Whom a change of an Argo CD Application wakes, and where releases differ in it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from model.kargo.application_watches import (
    ApplicationTriggers,
    Selection,
    Targets,
    application_wakes_promotion,
    application_wakes_promotions,
    application_wakes_stages,
    operation_completed,
    reconciled_after_operation,
    targets_so_far,
)
from model.kargo.argocd.applications import Key
from model.kargo.argocd.authorization import Malformed, StageName, authorized_stages
from model.kargo.argocd_targets import step_targets
from model.kargo.label_selectors import Expression, Operator, Selector
from model.kargo.phases import PromotionPhase
from model.kargo.promotion_context import PromotionContext, StepContext, Variable
from model.kargo.releases import MAIN, RELEASES, V1_8_3, V1_8_5, V1_9_9, V1_10_10, V1_11_2

APP = Key("argocd", "app")
SYNCED = ApplicationTriggers("Healthy", "Synced", "r1", (), "Succeeded", 100, 100)
STATES = {
    "health": SYNCED._replace(health="Degraded"),
    "sync": SYNCED._replace(sync="OutOfSync"),
    "revision": SYNCED._replace(revision="r2"),
    "revisions": SYNCED._replace(revisions=("a", "b")),
    "operation": SYNCED._replace(operation="Running"),
    "finished": SYNCED._replace(finished_at=200),
    "reconciled": SYNCED._replace(reconciled_at=200),
    "labels": SYNCED._replace(labels=frozenset({("team", "a")})),
}


def woken(rule, behaviours):
    return {what for what, now in STATES.items() if rule(SYNCED, now, behaviours)}


def test_what_wakes_promotions_grew_with_the_releases():
    assert woken(application_wakes_promotions, V1_9_9) == set()
    assert woken(application_wakes_promotions, V1_10_10) == {"health", "sync"}
    assert woken(application_wakes_promotions, V1_11_2) == {"health", "sync", "labels"}


def test_the_end_of_an_operation_wakes_promotions_in_every_release():
    running = SYNCED._replace(operation="Running")

    assert all(application_wakes_promotions(running, SYNCED, behaviours) for behaviours in RELEASES.values())


def test_what_wakes_stages_changed_with_1_10():
    assert woken(application_wakes_stages, V1_9_9) == {"health", "sync", "revision"}
    assert woken(application_wakes_stages, V1_10_10) == {"health", "revision", "revisions", "operation"}


def test_releases_that_were_not_told_apart_do_not_differ():
    fields = ("applications_watched_closely", "selected_applications_wake", "several_authorized_stages")
    changed = [
        newer.release
        for older, newer in pairwise((V1_8_3, V1_8_5, V1_9_9, V1_10_10, V1_11_2, MAIN))
        if any(getattr(older, name) != getattr(newer, name) for name in fields)
    ]

    assert changed == ["1.10.10", "1.11.2"]


@pytest.mark.parametrize("over", ["Succeeded", "Failed", "Error"])
@pytest.mark.parametrize("before", ["", "Running", "Terminating"])
def test_an_operation_completes_when_it_was_not_over_before(before, over):
    assert operation_completed(before, over)
    assert not operation_completed(over, over)
    assert not operation_completed(over, before)


def test_one_end_of_an_operation_after_another_is_none():
    assert not operation_completed("Failed", "Succeeded")


@pytest.mark.parametrize(
    ("was", "now", "finished", "wakes"),
    [
        (99, 100, 100, True),
        (None, 100, 100, True),
        (99, 98, 100, True),
        (99, None, 100, True),
        (None, 50, 100, True),
        (100, 101, 100, False),
        (100, 99, 100, False),
        (99, 99, 100, False),
        (None, None, 100, False),
        (99, 100, None, False),
    ],
)
def test_any_change_of_a_stale_time_counts_as_looked_at_after_the_operation(was, now, finished, wakes):
    assert reconciled_after_operation(was, now, finished) is wakes
    before, after = (SYNCED._replace(reconciled_at=at, finished_at=finished) for at in (was, now))
    for rule in (application_wakes_promotions, application_wakes_stages):
        assert rule(before, after, V1_10_10) is wakes
        assert not rule(before, after, V1_9_9)


# Promotions


NAMED = Targets(named=frozenset({APP}))
TEAM_A = Targets(selected=frozenset({Selection("argocd", Selector((("team", "a"),)))}))


def wakes(was, now, targets, behaviours=V1_11_2, phase=PromotionPhase.RUNNING, application=APP):
    return application_wakes_promotion(was, now, application, phase, targets, behaviours)


def test_only_running_promotions_are_woken():
    woke = {phase for phase in PromotionPhase if wakes(SYNCED, STATES["health"], NAMED, phase=phase)}

    assert woke == {PromotionPhase.RUNNING}


def test_an_application_is_named_with_its_namespace():
    assert not wakes(SYNCED, STATES["health"], NAMED, application=Key("team-ns", "app"))


def test_labels_wake_those_who_name_the_application_too():
    assert wakes(SYNCED, STATES["labels"], NAMED)


def test_creation_and_deletion_wake_only_those_who_select():
    mine = STATES["labels"]

    assert not wakes(None, mine, NAMED)
    assert not wakes(mine, None, NAMED)
    assert wakes(None, mine, TEAM_A)
    assert wakes(mine, None, TEAM_A)
    assert not wakes(None, SYNCED, TEAM_A)
    assert not wakes(None, mine, TEAM_A, V1_10_10)


def test_an_application_that_enters_or_leaves_a_selection_wakes():
    mine = STATES["labels"]

    assert wakes(SYNCED, mine, TEAM_A)
    assert wakes(mine, SYNCED, TEAM_A)
    assert not wakes(SYNCED, STATES["health"], TEAM_A)
    assert not wakes(mine, SYNCED, TEAM_A, application=Key("team-ns", "app"))


def test_the_steps_up_to_the_current_one_count():
    steps = (Targets(), NAMED, TEAM_A)

    assert targets_so_far(steps, 0) == Targets()
    assert targets_so_far(steps, 1) == NAMED
    assert targets_so_far(steps, 2) == Targets(NAMED.named, TEAM_A.selected)


CONTEXT = PromotionContext("proj", "dev", "p1", variables=(Variable("app", "app"),))


def targets(apps, kind="argocd-update", release="1.11.2"):
    return step_targets(kind, {"apps": apps}, CONTEXT, StepContext("u", outputs={"o": {"app": "x"}}), release)


def test_names_are_evaluated():
    assert targets([{"name": "${{ vars.app }}"}]) == NAMED
    assert targets([{"name": "${{ outputs.o.app }}", "namespace": "n-${{ ctx.stage }}"}]).named == {
        Key("n-dev", "x")
    }


def test_a_name_that_cannot_be_evaluated_is_passed_over_alone():
    apps = [
        {"name": "${{ vars.nosuch.field.of }}"},
        {"name": "${{ 1 + 1 }}"},
        {},
        {"name": 7},
        {"name": "app"},
        "app",
    ]

    assert targets(apps) == NAMED


def test_names_know_none_of_kargos_functions():
    assert targets([{"name": "${{ success() ? 'app' : 'app' }}"}]) == Targets()
    assert targets([{"name": "${{ quote('app') }}"}]) == NAMED


@pytest.mark.parametrize("release", RELEASES)
def test_argocd_wait_exists_since_1_10(release):
    found = targets([{"name": "app"}], "argocd-wait", release)

    assert found == (Targets() if release in ("1.8.3", "1.8.5", "1.9.9") else NAMED)
    assert targets([{"name": "app"}], "http", release) == Targets()


def test_selectors_are_evaluated_with_the_whole_config():
    selector = {"matchLabels": {"team": "${{ 'a' }}"}}
    fails = {"name": "${{ vars.nosuch.field.of }}"}

    assert targets([{"selector": selector}]) == TEAM_A
    assert targets([{"selector": selector}, fails]) == Targets()


def test_a_selector_that_selects_nothing_in_particular_is_passed_over():
    expression = {"key": "team", "operator": "In", "values": ["a"]}
    bad = [{}, {"matchLabels": {}}, {"matchExpressions": [expression | {"operator": "Like"}]}, "x",
           {"matchExpressions": [expression | {"values": []}]}]  # fmt: skip

    assert targets([{"selector": one} for one in bad]) == Targets()
    (found,) = targets([{"selector": {"matchExpressions": [expression]}}]).selected
    assert found.selector == Selector((), (Expression("team", Operator.IN, ("a",)),))


# Stages


@pytest.mark.parametrize(
    ("annotation", "one", "several"),
    [
        ("proj:dev", ["proj:dev"], ["proj:dev"]),
        ("proj:dev,proj:qa", ["proj:dev,proj:qa"], ["proj:dev", "proj:qa"]),
        (" proj : dev ", [" proj : dev "], ["proj:dev"]),
        ("proj:dev,", ["proj:dev,"], ["proj:dev"]),
        ("proj:dev:x", ["proj:dev:x"], ["proj:dev:x"]),
        ("proj:dev,junk", ["proj:dev,junk"], []),
        ("proj:*", ["proj:*"], []),
        ("proj:", ["proj:"], []),
        ("dev", [], []),
        ("", [], []),
        (" , ", [], []),
    ],
)
def test_the_stages_an_application_is_authorised_for(annotation, one, several):
    def names(behaviours):
        found = authorized_stages(annotation, behaviours)
        return None if isinstance(found, Malformed) else found

    def expected(texts):
        return tuple(StageName(*text.split(":", 1)) for text in texts) or None

    assert names(V1_10_10) == expected(one)
    assert names(V1_11_2) == expected(several)


def test_an_application_wakes_no_stage_by_being_created_or_deleted():
    assert not application_wakes_stages(None, SYNCED, V1_11_2)
    assert not application_wakes_stages(SYNCED, None, V1_11_2)
