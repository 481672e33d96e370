"""The recordings of availability and auto-promotion: the model says what the controller said."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import kargo_model
from model.kargo import auto_promotion, availability
from model.kargo.auto_promotion import Choice, Guard, Verdict
from model.kargo.releases import RELEASES, AutoPromotionGuard
from simulations.kargo.families import family_of
from simulations.kargo.recorded import recorded_releases
from simulations.kargo.replay_availability import replay
from simulations.replay import RecordingError, Replayed

ROOT = Path(__file__).parents[1]
CARRIED = ROOT / "tests" / "recordings" / "availability"
WHOLE = ROOT.parent / "shared" / "traces" / "availability"

Json = dict[str, Any]


def read(file: Path) -> list[Json]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write(file: Path, *documents: object) -> None:
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(document) + "\n" for document in documents)


def only(folder: Path, release: str, limit: int | None = None) -> Replayed:
    (result,) = replay(folder, [release], limit)
    return result


def agrees(folder: Path, release: str) -> None:
    result = only(folder, release)
    assert [str(one) for one in result.divergences] == []
    assert result.agrees
    assert result.programs == len(read(folder / "programs.jsonl.gz"))
    assert result.compared > 9 * result.programs


# Agreement


def test_the_carried_recordings_are_of_every_release_and_known_by_their_fields() -> None:
    assert recorded_releases(CARRIED) == list(RELEASES)
    assert family_of(CARRIED).name == "availability"


@pytest.mark.parametrize("release", RELEASES)
def test_the_model_says_what_the_controller_said(release: str) -> None:
    agrees(CARRIED, release)


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
def test_the_model_says_what_the_controller_said_in_all_recordings(release: str) -> None:
    if not (WHOLE / "programs.jsonl.gz").exists():
        pytest.skip("the whole recordings are not here")
    agrees(WHOLE, release)


def test_the_command_replays_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert kargo_model.main(["replay", str(CARRIED), "--kargo", "1.11.2"]) == 0
    assert "agrees" in capsys.readouterr().out


def test_the_carried_recordings_show_every_verdict() -> None:
    shown: set[str] = set()
    several_ways = False
    for release in RELEASES:
        for recording in read(CARRIED / f"{release}.jsonl.gz"):
            for stage in recording["stages"]:
                several_ways |= len(stage["auto"]) > 1
                shown |= {event["outcome"] for one in stage["auto"] for event in one.get("events", ())}

    assert shown == {verdict.value for verdict in Verdict}
    assert several_ways


# A wrong rule shows


def unless(rule: Callable[..., Any], **changes: Any) -> Callable[..., Any]:
    """The rule, with arguments forced to some value."""

    def mutant(*arguments: Any, **more: Any) -> Any:
        names = rule.__code__.co_varnames
        given = dict(zip(names, arguments, strict=False)) | more
        return rule(**{**given, **changes})

    return mutant


def longer(verified: Any, since: Any, now: int, soak_ms: int | None) -> bool:
    return soak_ms is None or availability.soak(verified, since, now) > soak_ms


def only_before(verified: Any, since: Any, now: int) -> int:
    return 0 if verified is None else verified.longest_soak_ms or 0


def only_now(verified: Any, since: Any, now: int) -> int:
    return 0 if verified is None or since is None else max(0, now - since)


def since_verified(verified: Any, since: Any, now: int) -> int:
    if verified is None or since is None:
        return only_before(verified, since, now)
    return max(verified.longest_soak_ms or 0, now - max(since, verified.at_ms))


def also_unverified(verified: Any, since: Any, now: int) -> int:
    return SOAK(verified or availability.Verified(0), since, now)


def listed_like_available(request: Any, approved: bool, shown: Any) -> bool:
    return approved or bool(request.direct or shown.soaked)


def nothing_elsewhere(*arguments: Any) -> Any:
    return NOTE_STAGE(*arguments)._replace(elsewhere=False)


def the_oldest(choice: Choice, freight: str, listed: bool) -> Choice:
    chosen = CHOOSE(choice, freight, listed)
    return chosen if choice.newest is None else chosen._replace(newest=choice.newest)


def the_last_policy(policies: tuple[Any, ...], *more: Any) -> bool:
    return IS_ENABLED(tuple(reversed(policies)), *more)


def the_first_that_is_over(guard: Guard, phase: Any, after_last: bool) -> Guard:
    noted = NOTE(guard, phase, after_last)
    return noted if guard.last_succeeded is None else noted._replace(last_succeeded=guard.last_succeeded)


def one_decision(*arguments: Any) -> tuple[Verdict, ...]:
    return DECISION(*arguments)[:1]


def always_created(*arguments: Any) -> tuple[Verdict, ...]:
    return (Verdict.CREATED,)


SOAK, NOTE_STAGE = availability.soak, availability.note
CHOOSE, NOTE, DECISION = auto_promotion.choose, auto_promotion.note, auto_promotion.decision
IS_ENABLED, BEFORE = auto_promotion.is_enabled, auto_promotion.before_promotions

MUTANTS: list[tuple[Any, str, Callable[..., Any]]] = [
    (availability, "has_soaked", longer),
    (availability, "soak", only_before),
    (availability, "soak", only_now),
    (availability, "soak", since_verified),
    (availability, "note", nothing_elsewhere),
    (availability, "is_available", unless(availability.is_available, approved=False)),
    (availability, "is_listed", listed_like_available),
    (availability, "is_listed", unless(availability.is_listed, approved=False)),
    (availability, "listing_error", unless(availability.listing_error, requests=())),
    (auto_promotion, "is_enabled", the_last_policy),
    (auto_promotion, "is_enabled", unless(IS_ENABLED, labels={})),
    (auto_promotion, "choose", the_oldest),
    (auto_promotion, "before_promotions", unless(BEFORE, current=None)),
    (auto_promotion, "before_promotions", unless(BEFORE, awaited=None)),
    (auto_promotion, "before_promotions", unless(BEFORE, held=False)),
    (auto_promotion, "note", the_first_that_is_over),
    (auto_promotion, "note", unless(NOTE, after_last=True)),
    (auto_promotion, "note", unless(NOTE, after_last=False)),
    (auto_promotion, "decision", one_decision),
    (auto_promotion, "decision", always_created),
]


@pytest.mark.parametrize(("module", "rule", "mutant"), MUTANTS)
def test_a_wrong_rule_is_found(
    module: Any, rule: str, mutant: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, rule, mutant)

    assert any(only(CARRIED, release).divergences for release in ("1.10.10", "1.11.2"))


def test_soaking_where_it_was_not_verified_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both notions ask for the verification, too."""
    monkeypatch.setattr(availability, "soak", also_unverified)

    assert all(only(CARRIED, release).agrees for release in ("1.10.10", "1.11.2"))


@pytest.mark.parametrize(
    "changes",
    [
        {"approval_needs_request": True},
        {"newest_by_discovery": True},
        {"several_upstream_is_an_error": False},
        {"auto_promotion_guard": AutoPromotionGuard.BY_OUTCOME},
        {"holds": True},
    ],
    ids=str,
)
def test_every_difference_between_releases_shows(changes: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = RELEASES["1.10.10"], RELEASES["1.11.2"]
    back = {name: getattr(old, name) for name in changes}
    assert all(getattr(new, name) == value for name, value in changes.items())
    monkeypatch.setitem(RELEASES, "1.10.10", replace(old, **changes))
    monkeypatch.setitem(RELEASES, "1.11.2", replace(new, **back))

    assert only(CARRIED, "1.10.10").divergences
    assert only(CARRIED, "1.11.2").divergences


# One program


PROGRAM: Json = {
    "id": "v1",
    "now_ms": 500,
    "warehouses": ["w1"],
    "policies": [{"stage": "prod", "enabled": True}],
    "freight": [{"name": "aaaa0001", "warehouse": "w1", "created": -10}],
    "promotions": [],
    "stages": [{"name": "prod", "requests": [{"warehouse": "w1", "direct": True}]}],
}
CREATED = {"outcome": "created", "origin": "w1", "freight": "aaaa0001"}
STAGE: Json = {
    "stage": "prod",
    "available": {"aaaa0001": True},
    "list": ["aaaa0001"],
    "listError": None,
    "listPanic": None,
    "auto": [{"enabled": True, "error": None, "events": [CREATED], "panic": None}],
}


def folder(tmp_path: Path, program: object = PROGRAM, stage: object = STAGE, name: str = "v1") -> Path:
    write(tmp_path / "programs.jsonl.gz", program)
    write(tmp_path / "1.11.2.jsonl.gz", {"id": name, "stages": [stage]})
    return tmp_path


def test_every_freight_the_listing_and_the_pass_are_compared(tmp_path: Path) -> None:
    result = only(folder(tmp_path), "1.11.2")

    assert (result.programs, result.compared, result.divergences) == (1, 6, ())


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"available": {"aaaa0001": False}}, "aaaa0001", "false"),
        ({"available": {}}, "aaaa0001", "null"),
        ({"available": {"aaaa0001": True, "bbbb0002": True}}, "bbbb0002", "true"),
        ({"list": []}, "list", "[]"),
        ({"listError": "no"}, "listError", '"no"'),
        ({"listPanic": "no"}, "listPanic", '"no"'),
        ({"stage": "dev"}, "stage", '"dev"'),
        ({"more": 1}, "more", "1"),
        ({"auto": []}, "auto", "[]"),
    ],
)
def test_every_difference_is_reported(tmp_path: Path, changes: Json, field: str, expected: str) -> None:
    (one,) = only(folder(tmp_path, stage=STAGE | changes), "1.11.2").divergences

    assert (one.program, one.where, one.field, one.expected) == ("v1", "prod", field, expected)


def test_freight_of_another_namespace_is_not_there(tmp_path: Path) -> None:
    freight = PROGRAM["freight"][0] | {"namespace": "other", "approvedFor": ["prod"]}
    (first, *_) = only(folder(tmp_path, PROGRAM | {"freight": [freight]}), "1.11.2").divergences

    assert (first.field, first.got) == ("aaaa0001", "false")


@pytest.mark.parametrize(
    "program",
    [
        {"id": "v1"},
        PROGRAM | {"stages": []},
        PROGRAM | {"stages": ["prod"]},
        PROGRAM | {"policies": [{"enabled": True, "selector": {"name": "regex:("}}]},
        PROGRAM | {"freight": [{"name": "a", "warehouse": "w1", "created": "yesterday"}]},
        PROGRAM | {"promotions": [{"created": 1, "name": "p", "stage": "s", "freight": "f", "phase": "?"}]},
        PROGRAM | {"warehouses": None},
    ],
)
def test_a_broken_program_is_named(tmp_path: Path, program: object) -> None:
    with pytest.raises(RecordingError, match="program 'v1' cannot be replayed"):
        only(folder(tmp_path, program), "1.11.2")


@pytest.mark.parametrize("stage", [None, {}, STAGE | {"available": 1}, STAGE | {"auto": None}])
def test_a_broken_recording_is_named(tmp_path: Path, stage: object) -> None:
    with pytest.raises(RecordingError, match="program 'v1' cannot be replayed"):
        only(folder(tmp_path, stage=stage), "1.11.2")


def test_a_recording_has_to_follow_its_programs(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="expected v1, found v2"):
        only(folder(tmp_path, name="v2"), "1.11.2")
    write(tmp_path / "programs.jsonl.gz", PROGRAM, PROGRAM)
    with pytest.raises(RecordingError, match="expected v1, found"):
        only(tmp_path, "1.11.2")
    with pytest.raises(RecordingError, match="cannot be read"):
        only(tmp_path, "main")
