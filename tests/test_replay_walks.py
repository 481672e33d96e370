"""The recordings of the control loop: the model does what the controllers did, and a change in either shows."""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import kargo_model
from model.kargo import watches
from model.kargo.loop import (
    assess_health,
    auto_promote,
    candidates,
    control_flow,
    deletion,
    holds,
    people,
    promotion_pass,
    stage_pass,
    sync_freight,
    sync_promotions,
    verify,
)
from model.kargo.phases import HealthState
from model.kargo.releases import RELEASES, AutoPromotionGuard
from model.system import Outcomes, Rule, only
from simulations.kargo.families import family_of
from simulations.kargo.loop import queue, walks
from simulations.kargo.loop.replay_walks import compare, replay
from simulations.replay import Divergence, RecordingError, Replayed
from tests.every_release import EVERY

ROOT = Path(__file__).parents[1]
CARRIED = ROOT / "tests" / "recordings"
WHOLE = ROOT.parent / "shared" / "traces"

RELEASE = "1.11.2"
FEW = 20
Json = dict[str, Any]


@functools.cache
def read(file: Path) -> list[Json]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write(file: Path, documents: list[Json]) -> None:
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(document) + "\n" for document in documents)


def pairs(family: str, release: str) -> Iterator[tuple[Json, Json]]:
    folder = CARRIED / family
    return zip(read(folder / "programs.jsonl.gz"), read(folder / f"{release}.jsonl.gz"), strict=True)


def only_of(folder: Path, release: str = RELEASE, limit: int | None = None) -> Replayed:
    (result,) = replay(folder, [release], limit)
    return result


# Agreement


@pytest.mark.parametrize("family", ["reports", "walks"])
def test_the_families_are_known_by_their_programs(family: str) -> None:
    assert family_of(CARRIED / family).name == family


@pytest.mark.parametrize("release", EVERY)
@pytest.mark.parametrize(("family", "limit"), [("reports", None), ("walks", FEW)])
def test_the_model_does_what_the_controllers_did(family: str, limit: int | None, release: str) -> None:
    result = only_of(CARRIED / family, release, limit)

    assert [str(one) for one in result.divergences] == []
    assert result.agrees
    assert result.programs == (limit or len(read(CARRIED / family / "programs.jsonl.gz")))
    assert result.passes > 20 * result.programs
    assert result.compared > 3 * result.passes


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
def test_the_model_does_what_the_controllers_did_in_all_carried_walks(release: str) -> None:
    if (WHOLE / "walks" / "programs.jsonl.gz").exists():
        pytest.skip("they are among the whole recordings, which are here")

    result = only_of(CARRIED / "walks", release)

    assert [str(one) for one in result.divergences[:5]] == []
    assert result.agrees


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("family", "programs"), [("reports", 94), ("walks", 600)])
def test_the_model_does_what_the_controllers_did_in_all_recordings(
    family: str, programs: int, release: str
) -> None:
    if not (WHOLE / family / "programs.jsonl.gz").exists():
        pytest.skip("the whole recordings are not here")

    result = only_of(WHOLE / family, release)

    assert [str(one) for one in result.divergences[:5]] == []
    assert (result.agrees, result.programs) == (True, programs)


def test_the_releases_are_told_apart(tmp_path: Path) -> None:
    for name, stands_for in (("programs", "programs"), (RELEASE, "1.8.3")):
        (tmp_path / f"{name}.jsonl.gz").write_bytes((CARRIED / "reports" / f"{stands_for}.jsonl.gz").read_bytes())

    assert len({d.program for d in only_of(tmp_path).divergences}) > 20


def test_a_program_that_the_release_cannot_express_is_passed_over(tmp_path: Path) -> None:
    (first, recorded), (second, _), *_ = pairs("reports", RELEASE)
    write(tmp_path / "programs.jsonl.gz", [first, second])
    write(tmp_path / f"{RELEASE}.jsonl.gz", [recorded, {"id": second["id"], "unsupported": "no such thing"}])

    result = only_of(tmp_path)

    assert (result.programs, result.agrees) == (1, True)


# Tampering


def program_with(wanted: Callable[[Json], bool]) -> tuple[Json, Json, int]:
    """A program, a copy of its recording, and the number of the first event whose recording is as wanted."""
    for family in ("reports", "walks"):
        for program, recording in pairs(family, RELEASE):
            for number, told in enumerate(recording["events"], start=1):
                if wanted(told):
                    return program, json.loads(json.dumps(recording)), number
    raise AssertionError("no such event")


def ran(told: Json) -> bool:
    return len(told.get("steps") or ()) > 1 and "t" in told


def stage_fields(told: Json) -> Json:
    """What changed of a Stage in the first pass that changed one."""
    return next(
        (v for step in told.get("steps") or () for k, v in step.get("d", {}).items() if k == "Stage/dev" and v), {}
    )


def tamper(
    wanted: Callable[[Json], bool], change: Callable[[Json], object]
) -> tuple[Divergence, tuple[Divergence, ...], int]:
    program, recording, number = program_with(wanted)
    change(recording["events"][number - 1])
    found = compare(program, recording, RELEASES[RELEASE]).divergences
    assert found
    return found[0], tuple(found), number


def has_step_with(field: str) -> Callable[[Json], bool]:
    return lambda told: any(field in step for step in told.get("steps") or ())


FIELDS: tuple[tuple[str, str, object], ...] = (
    ("who", "who", "Stage/nobody"),
    ("at", "at", 0.5),
    ("t", "t", -1),
    ("q", "q", ["Stage/nobody"]),
    ("r", "r.after", 0.001),
    ("r", "r.err", "no such error"),
    ("d", "d.Stage/nobody", None),
    ("round", "round", 77),
)


@pytest.mark.parametrize(("field", "name", "value"), FIELDS, ids=[f"{name}" for _, name, _ in FIELDS])
def test_a_field_of_a_pass_that_was_changed_is_reported(field: str, name: str, value: object) -> None:
    def change(told: Json) -> None:
        step = next(step for step in told["steps"] if field in step)
        outer, _, inner = name.partition(".")
        if inner:
            step[outer][inner] = value
        else:
            step[outer] = value

    first, found, number = tamper(has_step_with(field), change)

    assert (first.field, first.expected) == (name, json.dumps(value))
    assert first.where.startswith(f"event {number} pass ")
    assert len(found) == 1


EVENT_FIELDS: tuple[tuple[str, Callable[[Json], bool], object], ...] = (
    ("t", ran, 12345.5),
    ("left", lambda told: "left" in told, ["Stage/nobody"]),
    ("rounds", lambda told: "rounds" in told, 77),
    ("settled", lambda told: "settled" in told, False),
    ("q", lambda told: "q" in told and "steps" not in told, []),
    ("steps", lambda told: "steps" in told and told["steps"] is None, "something"),
    ("unheard of", ran, True),
)


@pytest.mark.parametrize(("name", "wanted", "value"), EVENT_FIELDS, ids=[name for name, _, _ in EVENT_FIELDS])
def test_a_field_of_an_event_that_was_changed_is_reported(
    name: str, wanted: Callable[[Json], bool], value: object
) -> None:
    first, found, number = tamper(wanted, lambda told: told.update({name: value}))

    assert (first.where, first.field, first.expected) == (f"event {number}", name, json.dumps(value))
    assert len(found) == 1


def test_a_field_of_an_object_counts_alone() -> None:
    first, found, _ = tamper(
        lambda told: "generation" in stage_fields(told) or "conditions" in stage_fields(told),
        lambda told: stage_fields(told).update(conditions="tampered with"),
    )

    assert (first.field, first.expected) == ("d.Stage/dev.conditions", '"tampered with"')
    assert len(found) == 1


def test_what_is_missing_and_what_is_too_much_is_reported() -> None:
    def change(told: Json) -> None:
        del stage_fields(told)["conditions"]
        stage_fields(told)["conditoins"] = 1

    _, found, _ = tamper(lambda told: "conditions" in stage_fields(told), change)

    assert {(d.field.rpartition(".")[2], d.expected == "nothing", d.got == "nothing") for d in found} == {
        ("conditions", True, False),
        ("conditoins", False, True),
    }


def test_a_pass_that_is_missing_is_reported() -> None:
    first, found, number = tamper(ran, lambda told: told["steps"].pop())

    assert (first.where, first.field) == (f"event {number}", "steps")
    assert int(first.got) == int(first.expected) + 1
    assert len(found) == 1


def test_what_there_is_at_the_beginning_counts() -> None:
    program, recording, _ = program_with(ran)
    recording["q"].append("Stage/nobody")
    recording["init"]["Stage/nobody"] = {}

    found = compare(program, recording, RELEASES[RELEASE])

    assert [(d.where, d.field) for d in found.divergences] == [("beginning", "q")]
    assert found.passes == 0


# Rules that are wrong


def silent(rule: Rule) -> Rule:
    """The rule, never enabled."""

    @functools.wraps(rule)
    def mutant(**values: Any) -> Outcomes:
        return ()

    return mutant


def seeing(rule: Rule, **fixed: Any) -> Rule:
    """The rule, blind to what its arguments really are."""

    @functools.wraps(rule)
    def mutant(**values: Any) -> Outcomes:
        return rule(**(values | {name: v for name, v in fixed.items() if name in values}))

    return mutant


def answering(rule: Rule, **changes: Any) -> Rule:
    """The rule, with another answer."""

    @functools.wraps(rule)
    def mutant(**values: Any) -> Outcomes:
        return only(**(dict(found[0].changes) | changes)) if (found := rule(**values)) else ()

    return mutant


def healthy(rule: Rule) -> Rule:
    """The rule, to which everything is well."""
    return seeing(rule, health=HealthState.HEALTHY, observed=HealthState.HEALTHY)


MUTANTS: tuple[tuple[str, str, ModuleType, str, Callable[[Rule], Rule]], ...] = (
    (
        "record every Promotion that is over again",
        "K9-b",
        sync_promotions,
        "record",
        lambda r: seeing(r, last=None),
    ),
    ("record none", "K46-f", sync_promotions, "record", silent),
    ("the Running one is not the first", "K25-e", sync_promotions, "note_running", silent),
    ("a success is not put in use", "K19-e", sync_promotions, "put_in_use", silent),
    ("health does not begin anew after a success", "K19-e", sync_promotions, "await_health", silent),
    ("nobody waits for verification", "walk-0484", sync_promotions, "hold_back", silent),
    ("everybody waits for verification, unhealthy or not", "K18-b", sync_promotions, "hold_back", healthy),
    ("a Stage does not come back soon", "walk-0384", sync_promotions, "come_back_soon", silent),
    ("no hold is in effect before it is on record", "walk-0832", holds, "overlay", silent),
    ("Freight does not leave", "K9-b", sync_freight, "leave", silent),
    ("Freight enters again and again", "K19-e", sync_freight, "enter", lambda r: seeing(r, since=None)),
    ("the applications are always well", "K19-e", assess_health, "assess_health", healthy),
    ("an AnalysisRun is never taken over", "K10-b", verify, "start", lambda r: seeing(r, runs=())),
    ("verification does not wait for health", "K19-e", verify, "look", healthy),
    ("Freight is marked whatever the health", "K17-b", verify, "may_mark", healthy),
    ("Freight is never marked", "K37-d", verify, "mark", silent),
    ("nobody asks for the Promotions of a candidate", "K7-d", auto_promote, "match", silent),
    ("auto-promotion is always on", "K46-f", stage_pass, "read_policy", lambda r: seeing(r, policy=True)),
    ("what is approved is not available", "walk-0832", candidates, "admit", lambda r: seeing(r, approved=None)),
    (
        "a Promotion carries its own Freight alone",
        "walk-0390",
        promotion_pass,
        "carry",
        lambda r: seeing(r, last_carried=None),
    ),
    ("promoting the same Freight asks for nothing", "K3-e", promotion_pass, "ask_for_verification_again", silent),
    ("nobody looks at the Freight again", "walk-0678", promotion_pass, "refuse", silent),
    ("no requeue after five minutes", "K46-f", stage_pass, "ask_for_requeue", lambda r: seeing(r, soon=True)),
    ("a Stage with a verification comes back soon", "walk-0490", stage_pass, "trust_the_watch", silent),
    ("no finalizer", "K46-f", stage_pass, "adopt", lambda r: answering(r, finalizer=False)),
    ("control flow keeps what it has", "walk-0384", control_flow, "pass_on", silent),
    ("Freight remembers Stages that are gone", "walk-0626", deletion, "forget_stage", silent),
    ("people mean nothing", "walk-0626", people, "infer_intent", silent),
    ("nothing is aborted", "walk-0384", people, "abort_promotion", silent),
)
"""What is wrong, a carried program that shows it, and the rule."""


def is_caught(name: str, release: str) -> bool:
    """Whether the program goes another way."""
    program, recording = next((p, r) for f in ("reports", "walks") for p, r in pairs(f, release) if p["id"] == name)
    return bool(compare(program, recording, RELEASES[release]).divergences)


@pytest.mark.parametrize(
    ("program", "module", "rule", "mutate"), [m[1:] for m in MUTANTS], ids=[m[0] for m in MUTANTS]
)
def test_a_rule_that_is_wrong_shows(
    program: str, module: ModuleType, rule: str, mutate: Callable[[Rule], Rule], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_caught(program, RELEASE)

    monkeypatch.setattr(module, rule, mutate(getattr(module, rule)))

    assert is_caught(program, RELEASE)


FLIPPED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("1.8.3", "K19-e", {"unknown_health_is_an_error": False}),
    ("1.8.3", "K3-a", {"if_reevaluated_on_retry": False}),
    ("1.8.3", "K4-a", {"reads_past_the_cache": True}),
    ("1.8.5", "K3-a", {"retryable_error_backs_off": False}),
    ("1.9.9", "walk-0864", {"freight_error_is_shown_once": False}),
    ("1.9.9", "K46-f", {"failed_status_kept": True}),
    ("1.10.10", "K46-f", {"unknown_health_is_an_error": True}),
    (RELEASE, "walk-0390", {"unstarted_inherits_collection": False}),
    (RELEASE, "walk-0626", {"names_overwritten": False}),
    (RELEASE, "walk-0626", {"holds": False}),
    (RELEASE, "walk-0200", {"auto_promotion_guard": AutoPromotionGuard.BY_POLICY}),
    (RELEASE, "walk-0474", {"shortest_poll_ms": None}),
    (RELEASE, "walk-0832", {"policy_read_first": False}),
)


@pytest.mark.parametrize(("release", "program", "changes"), FLIPPED, ids=[f"{r} {min(c)}" for r, _, c in FLIPPED])
def test_a_behaviour_of_another_release_shows(
    release: str, program: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_caught(program, release)

    monkeypatch.setitem(RELEASES, release, replace(RELEASES[release], **changes))

    assert is_caught(program, release)


AROUND: tuple[tuple[str, str, ModuleType, str, object], ...] = (
    ("a phase wakes nobody", "K19-e", watches, "promotion_wakes_its_stage", lambda was, now: False),
    ("a Promotion that is new wakes nobody", "K19-e", watches, "promotion_wakes_itself", lambda was, now: False),
    ("nobody is woken to begin", "K19-e", watches, "stage_acknowledges", lambda was, now: None),
    ("verified Freight wakes nobody", "walk-0384", watches, "freight_wakes_downstream", lambda was, now: False),
    ("back-off begins late", "K18-c", queue, "FIRST_BACKOFF_MS", 10),
    ("back-off knows no end", "K19-c", queue, "LONGEST_BACKOFF_MS", 10**9),
    ("settling ends early", "walk-1036", walks, "MOST_ROUNDS", 5),
)


@pytest.mark.parametrize(
    ("program", "module", "name", "value"), [a[1:] for a in AROUND], ids=[a[0] for a in AROUND]
)
def test_what_is_wrong_about_the_queue_shows(
    program: str, module: ModuleType, name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_caught(program, "1.8.3")

    monkeypatch.setattr(module, name, value)

    assert is_caught(program, "1.8.3")


# Bad input


def test_the_command_says_in_one_sentence_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program, recording = next(pairs("reports", RELEASE))
    broken = program | {"events": [{"do": "dance"}]}
    write(tmp_path / "programs.jsonl.gz", [broken])
    write(tmp_path / f"{RELEASE}.jsonl.gz", [recording | {"events": [{}]}])

    assert kargo_model.main(["replay", str(tmp_path)]) == 2
    assert f"program '{program['id']}' event 1: 'do' should be one of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"events": None}, "'events' is missing"),
        ({"events": [1]}, "'events' should be a list of objects"),
        ({"events": []}, "there are 0 events, and the program has"),
    ],
)
def test_a_recording_that_is_broken_is_refused(change: Json, message: str) -> None:
    program, recording = next(pairs("reports", RELEASE))

    with pytest.raises(RecordingError, match=message) as refused:
        compare(program, recording | change, RELEASES[RELEASE])

    assert str(refused.value).startswith(f"the recording of '{program['id']}' in {RELEASE}: ")


def test_a_recording_of_strange_values_differs_and_is_no_error() -> None:
    program, recording, number = program_with(ran)
    for strange in ({"steps": 5}, {"steps": [1]}, {"d": [], "r": 3}, {"steps": [{"d": 7, "r": None}]}):
        changed = recording | {"events": [*recording["events"]]}
        changed["events"][number - 1] = strange

        assert compare(program, changed, RELEASES[RELEASE]).divergences


def test_recordings_that_are_not_of_the_programs_are_refused(tmp_path: Path) -> None:
    (first, recorded), (second, _), *_ = pairs("reports", RELEASE)
    for documents in ([second], [first, second], [{"id": 5}]):
        write(tmp_path / "programs.jsonl.gz", documents)
        write(tmp_path / f"{RELEASE}.jsonl.gz", [recorded])

        with pytest.raises(RecordingError, match="one recording per program, in order"):
            only_of(tmp_path)
