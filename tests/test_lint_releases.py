"""Releases that a template cannot tell apart are not explored by lint; many templates are judged side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from model.kargo import saving_rules, step_engine
from model.kargo.expression_references import means_the_same
from model.kargo.releases import LATEST, release
from simulations.kargo.lint import linter as linting
from simulations.kargo.lint.linter import Judged, Linter, Portion
from simulations.kargo.lint.same_releases import mentioned
from tests.test_lint_shapes import STAGES, Json, judged, stage, ways_of

MIXED: tuple[Json, ...] = (
    *STAGES,
    ways_of("a", "git-push", "5m"),
    ways_of("b", "git-open-pr", "0s"),
    stage({"uses": "http", "if": "${{ ctx.meta.promotion.actor == 'me' && failure() }}"}, name="context"),
    stage({"uses": "argocd-wait", "as": "wait"}, {"uses": "http", "if": "${{ asYAML(1) == '1' }}"}, name="new"),
)


def told(folder: Path, linter: Linter) -> list[tuple[object, ...]]:
    found = judged(folder, linter, *MIXED)
    return [(f.subject, f.rule.id, f.text, f.releases, f.shown) for each in found.values() for f in each]


@pytest.mark.parametrize("kargo", [LATEST.release, "1.8.3"])
def test_the_releases_of_a_finding_are_those_in_which_exploring_shows_it(
    kargo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick, slow = Linter(release(kargo)), Linter(release(kargo))
    found = told(tmp_path, quick)

    monkeypatch.setattr(linting, "same", lambda *_: False)

    assert told(tmp_path, slow) == found
    assert len(quick.explorer.proved) < len(slow.explorer.proved) or kargo == "1.8.3"
    assert len({releases for _, _, _, releases, _ in found}) > 1


def test_what_is_judged_side_by_side_is_found_as_it_is_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = told(tmp_path, Linter(LATEST))
    asked: list[int] = []

    def backwards(judge: Callable[[Portion], Judged], work: Iterable[Portion]) -> Iterator[Judged]:
        portions = list(work)
        asked.extend(len(portion.units) for portion in portions)
        return (judge(portion) for portion in reversed(portions))

    monkeypatch.setattr(linting, "MANY", 2)
    monkeypatch.setattr(linting, "PORTION", 3)
    whole = Linter.judge
    monkeypatch.setattr(Linter, "judge", lambda self, bundle: whole(self, bundle, None, backwards))

    assert told(tmp_path, Linter(LATEST)) == found
    assert asked == [3, 3, 1]


def test_behaviours_that_a_rule_mentions_are_found_in_what_it_calls() -> None:
    assert mentioned(step_engine.ask_whether_to_skip) == {"if_reevaluated_on_retry"}
    assert {"failed_status_kept", "first_finish_time_kept", "panic_text"} <= mentioned(step_engine.judge)
    assert mentioned(saving_rules.ask_for_requeue) == {"shortest_poll_ms"}
    assert mentioned(step_engine.set_current_step) == frozenset()


@pytest.mark.parametrize(
    ("text", "one", "other", "same"),
    [
        ("plain", "1.8.3", "main", True),
        ("${{ outputs.a.b }}", "1.10.10", "1.11.2", True),
        ("${{ outputs.a.b }}", "1.11.2", "main", True),
        ("${{ status('a') == 'Failed' && vars.x > 1 }}", "1.10.10", "main", True),
        ("${{ outputs.a.b }}", "1.9.9", "1.10.10", False),
        ("${{ ctx.stage }}", "1.10.10", "1.11.2", False),
        ("${{ asYAML(1) }}", "1.10.10", "1.11.2", False),
        ("${{ target.name }}", "1.11.2", "main", False),
        ("${{ $env }}", "1.11.2", "main", False),
    ],
)
def test_texts_that_come_to_the_same_in_two_releases(text: str, one: str, other: str, same: bool) -> None:
    assert means_the_same(text, one, other) is same


def test_what_a_step_never_does_is_not_told_of_one_that_never_begins(tmp_path: Path) -> None:
    never = {"uses": "git-push", "as": "push", "retry": {"errorThreshold": 3, "timeout": "1h"}}
    idle = {"uses": "git-clone", "as": "clone", "retry": {"timeout": "5m"}}
    broken = {"uses": "git-commit", "as": "commit", "config": {"message": "${{ outputs.cloned.commits }}"}}

    [found] = judged(tmp_path, Linter(LATEST), stage(idle, broken, never)).values()

    assert {(f.rule.id, f.step) for f in found} >= {("timeout-never-fires", "clone"), ("unknown-alias", "commit")}
    assert not {f.rule.id for f in found if f.step == "push"} & {"timeout-never-fires", "retry-never-happens"}
