"""The recordings of the step engine: the model does what the controller did, and a change in either shows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kargo_model
from model.kargo.releases import RELEASES
from simulations.kargo.recorded import recorded_releases
from simulations.kargo.replay_steps import replay
from simulations.replay import RecordingError, Replayed
from tests.every_release import EVERY

ROOT = Path(__file__).parents[1]
CARRIED = ROOT / "tests" / "recordings" / "steps"
WHOLE = ROOT.parent / "shared" / "traces" / "steps"

RELEASE = "1.11.2"
Json = dict[str, Any]


def read(file: Path) -> list[Json]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write(file: Path, documents: list[Json]) -> None:
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(document) + "\n" for document in documents)


def only(folder: Path, release: str = RELEASE, limit: int | None = None) -> Replayed:
    (result,) = replay(folder, [release], limit)
    return result


# Agreement


def test_the_carried_recordings_are_of_every_release() -> None:
    assert recorded_releases(CARRIED) == list(RELEASES)


@pytest.mark.parametrize("release", EVERY)
def test_the_model_does_what_the_controller_did(release: str) -> None:
    result = only(CARRIED, release)

    assert [str(one) for one in result.divergences] == []
    assert result.agrees
    assert result.programs == len(read(CARRIED / "programs.jsonl.gz"))
    assert result.passes > result.programs
    assert result.compared > 10 * result.passes


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
def test_the_model_does_what_the_controller_did_in_all_recordings(release: str) -> None:
    if not (WHOLE / "programs.jsonl.gz").exists():
        pytest.skip("the whole recordings are not here")

    result = only(WHOLE, release)

    assert [str(one) for one in result.divergences[:5]] == []
    assert (result.agrees, result.programs) == (True, 4000)


@pytest.mark.slow
def test_the_releases_are_told_apart(tmp_path: Path) -> None:
    for name, stands_for in (("programs", "programs"), (RELEASE, "1.8.3")):
        (tmp_path / f"{name}.jsonl.gz").write_bytes((CARRIED / f"{stands_for}.jsonl.gz").read_bytes())

    assert len(only(tmp_path).divergences) > 100


def test_a_limit_ends_the_replay_early() -> None:
    assert only(CARRIED, limit=3).programs == 3
    assert not only(CARRIED, limit=0).agrees


# Tampering


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Programs whose second pass can be tampered with."""
    pairs = list(zip(read(CARRIED / "programs.jsonl.gz"), read(CARRIED / f"{RELEASE}.jsonl.gz"), strict=True))
    chosen = [(p, r) for p, r in pairs if len(r["passes"]) > 2 and r["passes"][1].get("result")][:3]
    write(tmp_path / "programs.jsonl.gz", [p for p, _ in chosen])
    write(tmp_path / f"{RELEASE}.jsonl.gz", [r for _, r in chosen])
    assert only(tmp_path).agrees
    return tmp_path


def tamper(folder: Path, change: Callable[[Json], object], name: str = RELEASE) -> str:
    """Change the second document of a file; its program's id."""
    documents = read(folder / f"{name}.jsonl.gz")
    change(documents[1])
    write(folder / f"{name}.jsonl.gz", documents)
    return str(read(folder / "programs.jsonl.gz")[1]["id"])


FIELDS: tuple[tuple[str, object], ...] = (
    ("at", -1.5),
    ("ran", ["nobody"]),
    ("result.phase", "Pending"),
    ("result.message", "tampered with"),
    ("result.currentStep", 77),
    ("result.steps", []),
    ("result.state", {"nobody": None}),
    ("result.healthChecks", ["nothing"]),
    ("result.retryAfter", 12345),
    ("error", "no such error"),
    ("panic", "no such panic"),
    ("saved", 1),
    ("status.phase", "Pending"),
    ("status.message", "tampered with"),
    ("status.currentStep", True),
    ("status.healthChecks", ["nothing"]),
    ("requeue", 0.001),
    ("configs", {"nobody": {}}),
    ("unheard of", True),
)


@pytest.mark.parametrize(("field", "value"), FIELDS, ids=[name for name, _ in FIELDS])
def test_a_field_that_was_changed_is_reported_and_nothing_else(folder: Path, field: str, value: object) -> None:
    outer, _, inner = field.partition(".")
    found: list[object] = []

    def change(recording: Json) -> None:
        place = recording["passes"][1][outer] if inner else recording["passes"][1]
        found.append(place.get(inner or outer))
        place[inner or outer] = value

    program = tamper(folder, change)

    (divergence,) = only(folder).divergences
    assert (divergence.program, divergence.release, divergence.where) == (program, RELEASE, "pass 2")
    assert (divergence.field, json.loads(divergence.expected)) == (field, value)
    if field not in ("panic", "configs", "unheard of"):
        assert json.loads(divergence.got) == found[0]
    assert str(divergence).startswith(f"{RELEASE} {program} (pass 2) {field}: expected ")


def test_a_field_inside_a_steps_metadata_counts(folder: Path) -> None:
    program = tamper(folder, lambda r: r["passes"][1]["result"]["steps"][0].update(startedAt=99999))

    (divergence,) = only(folder).divergences
    assert (divergence.program, divergence.field) == (program, "result.steps")
    assert "99999" in divergence.expected
    assert "99999" not in divergence.got


def test_a_key_too_many_in_a_steps_metadata_counts(folder: Path) -> None:
    tamper(folder, lambda r: r["passes"][1]["result"]["steps"][0].update(unheard=None))

    assert [d.field for d in only(folder).divergences] == ["result.steps"]


def test_passes_after_a_divergence_are_not_compared(folder: Path) -> None:
    def change(recording: Json) -> None:
        for recorded in recording["passes"][1:]:
            recorded["status"]["message"] = "tampered with"

    tamper(folder, change)

    assert [(d.where, d.field) for d in only(folder).divergences] == [("pass 2", "status.message")]


@pytest.mark.parametrize("change", [-1, 1])
def test_a_pass_too_few_or_too_many_is_reported(folder: Path, change: int) -> None:
    def cut_or_repeat(recording: Json) -> None:
        passes = recording["passes"]
        recording["passes"] = passes[:-1] if change < 0 else [*passes, passes[-1]]

    program = tamper(folder, cut_or_repeat)

    (divergence,) = only(folder).divergences
    assert (divergence.program, divergence.field) == (program, "passes")
    assert int(divergence.expected) == int(divergence.got) + change


def test_a_program_that_was_changed_diverges(folder: Path) -> None:
    program = tamper(folder, lambda p: p["passes"][0].update(after="11h"), "programs")

    assert {d.program for d in only(folder).divergences} == {program}


def test_the_command_says_what_diverges(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tamper(folder, lambda r: r["passes"][1]["status"].update(phase="Pending"))

    assert kargo_model.main(["replay", str(folder)]) == 1
    told = capsys.readouterr().out
    assert told.startswith("diverges: 1 divergence")
    assert f"Kargo {RELEASE}, program {program}, pass 2: status.phase" in told
    assert 'recorded  "Pending"' in told


# Recordings that cannot be read


def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The sentence with which a folder is refused, by the replay and by the command alike."""
    with pytest.raises(RecordingError) as caught:
        only(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert kargo_model.main(["replay", str(folder), "--kargo", RELEASE]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"kargo-model: {message}\n"
    return message


@pytest.mark.parametrize("name", [RELEASE, "programs"])
def test_a_truncated_file_is_refused(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / f"{name}.jsonl.gz"
    file.write_bytes(file.read_bytes()[:-30])

    assert f"{file} cannot be read" in refused(folder, capsys)


def test_a_file_with_a_broken_byte_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / f"{RELEASE}.jsonl.gz"
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 0xFF
    file.write_bytes(data)

    assert f"{file}" in refused(folder, capsys)


def test_a_file_that_is_not_compressed_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / f"{RELEASE}.jsonl.gz"
    file.write_text("{}\n")

    assert f"{file} cannot be read" in refused(folder, capsys)


def test_a_missing_recording_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / f"{RELEASE}.jsonl.gz").unlink()

    assert f"{RELEASE}.jsonl.gz cannot be read: No such file" in refused(folder, capsys)


def test_missing_programs_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "programs.jsonl.gz").unlink()

    with pytest.raises(RecordingError, match=r"programs\.jsonl\.gz cannot be read: No such file"):
        only(folder)
    assert kargo_model.main(["replay", str(folder)]) == 2
    assert "there is no programs.jsonl.gz beside it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "problem"), [("no\n", "is not JSON"), ("[1]\n", "is not a JSON object"), ("\n", "is not JSON")]
)
def test_a_line_that_is_not_a_document_is_refused(
    folder: Path, line: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / f"{RELEASE}.jsonl.gz"
    with gzip.open(file, "rt") as lines:
        text = lines.readlines()
    with gzip.open(file, "wt") as lines:
        lines.writelines([*text[:1], line, *text[1:]])

    assert f"{file} line 2 {problem}" in refused(folder, capsys)


def test_text_that_is_not_utf_8_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / f"{RELEASE}.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"id": "\xff"}\n'))

    assert f"{file} cannot be read" in refused(folder, capsys)


def test_recordings_in_another_order_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / f"{RELEASE}.jsonl.gz"
    write(file, read(file)[::-1])

    assert f"{RELEASE}.jsonl.gz does not hold one recording per program" in refused(folder, capsys)


@pytest.mark.parametrize("name", [RELEASE, "programs"])
def test_files_of_different_lengths_are_refused(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / f"{name}.jsonl.gz"
    write(file, read(file)[:-1])

    assert f"{RELEASE}.jsonl.gz does not hold one recording per program" in refused(folder, capsys)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(steps=None),
        lambda p: p.update(steps=[{}]),
        lambda p: p.update(steps=["clone"]),
        lambda p: p.update(passes=["now"]),
        lambda p: p.update(passes=[{"after": "soon"}]),
        lambda p: p.update(kinds={k: [] for k in p["kinds"]}),
    ],
)
def test_a_program_that_makes_no_sense_is_refused(
    folder: Path, change: Callable[[Json], object], capsys: pytest.CaptureFixture[str]
) -> None:
    program = tamper(folder, change, "programs")

    assert f"program {program!r} cannot be replayed" in refused(folder, capsys)
