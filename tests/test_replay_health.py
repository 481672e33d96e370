"""Replaying the recordings of health and of the Argo CD steps."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from model.kargo import releases
from model.kargo.argocd import control_plane, health, health_checks, update, wait
from model.kargo.argocd.applications import OperationPhase
from model.kargo.argocd.health import Finding
from model.kargo.argocd.update import Decision
from model.kargo.argocd.wait import Readiness
from model.kargo.releases import RELEASES, HealthTrust
from model.releases import UnknownReleaseError
from simulations.kargo import replay_argocd, replay_health
from simulations.replay import RecordingError

ROOT = Path(__file__).parents[1]
WHOLE = ROOT.parent / "shared" / "traces"
CARRIED = ROOT / "tests" / "recordings"
REPLAYS = {"health": replay_health.replay, "argocd": replay_argocd.replay}


@pytest.fixture(
    params=[pytest.param(WHOLE, marks=pytest.mark.slow), CARRIED],
    ids=["whole", "carried"],
)
def recordings(request: pytest.FixtureRequest) -> Path:
    """A folder of recordings; a missing one is skipped by name, so that `-ra` shows it."""
    if not all((request.param / family).exists() for family in REPLAYS):
        pytest.skip(f"the {request.node.callspec.id} recordings are not here")
    return request.param


@pytest.mark.parametrize("family", REPLAYS)
def test_everything_recorded_is_as_the_model_says(family, recordings):
    results = list(REPLAYS[family](recordings / family))

    assert [result.release for result in results] == list(RELEASES)
    assert [str(one) for result in results for one in result.divergences] == []
    assert all(result.agrees for result in results)


def divergences(family, release):
    (result,) = REPLAYS[family](CARRIED / family, [release])
    return {(one.field) for one in result.divergences}


# Each of these says something else than one release does, and the recordings of that release have to show it.

OTHERWISE = [
    ("health", "1.9.9", {"health_trust": HealthTrust.RECONCILED}),
    ("health", "1.11.2", {"health_trust": HealthTrust.COOLED_DOWN}),
    ("health", "1.9.9", {"revisions_before_health": True}),
    ("health", "1.11.2", {"revisions_before_health": False}),
    ("health", "1.9.9", {"reported_status_sanitized": True}),
    ("health", "1.11.2", {"reported_status_sanitized": False}),
    ("argocd", "1.9.9", {"argocd_selectors": False}),
    ("argocd", "1.9.9", {"refused_apps_passed_over": False}),
    ("argocd", "1.9.9", {"update_poll_ms": None}),
    ("argocd", "1.10.10", {"update_poll_ms": 30_000}),
    ("argocd", "1.10.10", {"several_authorized_stages": True}),
    ("argocd", "1.11.2", {"several_authorized_stages": False}),
    ("argocd", "1.10.10", {"discovery_attempts": 6}),
    ("argocd", "1.11.2", {"discovery_attempts": 5}),
    ("argocd", "1.11.2", {"resolved_apps_in_output": True}),
    ("argocd", "main", {"resolved_apps_in_output": False}),
]


@pytest.mark.parametrize(("family", "release", "other"), OTHERWISE)
def test_a_release_that_behaved_otherwise_would_be_noticed(family, release, other, monkeypatch):
    monkeypatch.setitem(releases.RELEASES, release, replace(RELEASES[release], **other))

    assert divergences(family, release)


def swapped(mapping, key, value):
    return {**mapping, key: value}


BROKEN = [
    ("health", "1.9.9", health, "COOLDOWN_MS", 9_999),
    ("health", "1.9.9", health, "COOLDOWN_MS", 10_001),
    ("health", "1.11.2", health, "is_reconciled", lambda status: True),
    ("health", "1.11.2", health, "_OF_HEALTH", swapped(health._OF_HEALTH, "Suspended", Finding.NOT_HEALTHY)),
    ("health", "1.11.2", health_checks, "merge", lambda one, other: other),
    ("argocd", "1.11.2", update, "COMPLETED", frozenset({OperationPhase.SUCCEEDED})),
    ("argocd", "1.11.2", update, "FAILED", frozenset()),
    ("argocd", "1.11.2", update, "decide", lambda operation, applied: Decision.SYNC),
    ("argocd", "1.11.2", update, "_STATUS", dict(reversed(update._STATUS.items()))),
    ("argocd", "1.11.2", control_plane, "HARD", "normal"),
    ("argocd", "1.11.2", wait, "_regressed", lambda before, now: False),
    ("argocd", "1.11.2", wait, "is_reconciled", lambda status: True),
    ("argocd", "1.11.2", wait, "readiness", lambda wait_for, seen: Readiness.READY),
]


@pytest.mark.parametrize(("family", "release", "module", "name", "broken"), BROKEN)
def test_a_broken_rule_is_noticed(family, release, module, name, broken, monkeypatch):
    monkeypatch.setattr(module, name, broken)

    assert divergences(family, release)


# Broken recordings


def write(folder, program, recording):
    for name, line in (("programs", program), ("1.11.2", recording)):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as file:
            file.write("".join(json.dumps(one) + "\n" for one in line))


PROGRAM = {"id": "h1", "now_ms": 0, "argocd": True, "apps": [], "checks": []}
RECORDED = {"id": "h1", "status": "Healthy", "issues": [], "output": None, "patched": [], "refresh": []}


def test_a_difference_is_reported(tmp_path):
    write(tmp_path, [PROGRAM], [{**RECORDED, "status": "Unknown", "new": 1}])

    (result,) = replay_health.replay(tmp_path)
    assert [(one.field, one.expected, one.got) for one in result.divergences] == [
        ("new", "1", "nothing"),
        ("status", '"Unknown"', '"Healthy"'),
    ]
    assert (result.programs, result.compared) == (1, 6)


@pytest.mark.parametrize(
    ("programs", "recorded", "told"),
    [
        ([PROGRAM], [], "does not hold one recording per program"),
        ([PROGRAM], [{**RECORDED, "id": "h2"}], "does not hold one recording per program"),
        ([{}], [{}], "does not hold one recording per program"),
        ([{**PROGRAM, "apps": 1}], [RECORDED], "program 'h1' of .* cannot be replayed"),
        ([{**PROGRAM, "checks": [{}]}], [RECORDED], "program 'h1' of .* cannot be replayed"),
        ([PROGRAM], [{**RECORDED, "output": [1]}], "program 'h1' of .* cannot be replayed"),
    ],
)
def test_broken_recordings_are_refused_with_a_sentence(programs, recorded, told, tmp_path):
    write(tmp_path, programs, recorded)

    with pytest.raises(RecordingError, match=told):
        list(replay_health.replay(tmp_path))


def test_missing_recordings_and_unknown_releases_are_refused(tmp_path):
    with pytest.raises(RecordingError, match=r"programs\.jsonl\.gz cannot be read"):
        list(replay_argocd.replay(tmp_path, ["main"]))
    with pytest.raises(UnknownReleaseError, match="not modelled"):
        list(replay_argocd.replay(tmp_path, ["2.0.0"]))


def test_a_limit_of_nothing_compares_nothing():
    (result,) = replay_argocd.replay(CARRIED / "argocd", ["main"], limit=0)

    assert not result.agrees
