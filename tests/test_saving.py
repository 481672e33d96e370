"""What is saved of an exploration, and going on with it: the same answer, and suspicion of what is read."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kargo_model
from invariants import symbolic
from invariants.check import Bounds, Report, check
from invariants.kargo import loops
from invariants.saving import Checkpoint, CheckpointError
from invariants.toys import subject as toy
from invariants.value_text import UnreadableValueError, from_json, to_json
from model.kargo.availability import Verified
from model.kargo.phases import PromotionPhase
from model.kargo.releases import LATEST, V1_10_10
from model.system import System
from tests.random_systems import Maker

STRATEGIES = ("layers", "saturation")


def at(folder: Path, strategy: str, *, resume: bool = False, about: str = "it", version: str = "1") -> Checkpoint:
    return Checkpoint(folder, about, version, strategy, resume)


def answers(report: Report) -> object:
    """Everything that an exploration says, but how long it took."""
    said = [(j.property.name, j.verdict, j.vacuous, j.trace) for j in report.judgements]
    return report.states, report.transitions, report.levels, report.complete, said


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(seed=st.integers(0, 2**32 - 1), levels=st.integers(1, 4), reserved=st.sampled_from((1, 8)))
@settings(max_examples=25, deadline=None)
def test_an_exploration_that_was_stopped_goes_on_to_the_same_answer(
    tmp_path_factory: pytest.TempPathFactory, strategy: str, seed: int, levels: int, reserved: int
) -> None:
    """Wherever it was stopped, also where values outgrew their places."""
    maker = Maker(Random(seed))
    system = maker.system()
    claims = (*maker.properties(system), *maker.claims_about_runs(system))
    folder = tmp_path_factory.mktemp("saved") / "here"

    def fresh() -> System:
        return System(system.name, system.variables, system.actions)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(symbolic, "RESERVED", reserved)
        whole = check(fresh(), claims, strategy=strategy)
        bounds = Bounds(depth=levels, states=levels * 2)
        check(fresh(), claims, strategy=strategy, bounds=bounds, checkpoint=at(folder, strategy))
        rest = check(fresh(), claims, strategy=strategy, checkpoint=at(folder, strategy, resume=True))
        again = check(fresh(), claims, strategy=strategy, checkpoint=at(folder, strategy, resume=True))

    assert answers(rest) == answers(whole)
    assert answers(again) == answers(whole)


@pytest.mark.parametrize("strategy", [pytest.param("layers", marks=pytest.mark.slow), "saturation"])
def test_a_control_loop_goes_on_to_the_same_stories(tmp_path: Path, strategy: str) -> None:
    """With the values that Kargo's loops have, and more than one thread."""
    found = loops.subject("by-hand", V1_10_10, promotions=1, freight=1)
    whole = check(found.system, found.properties, strategy=strategy, transitions=False)
    folder, few = tmp_path / "here", Bounds(states=300, depth=8)
    fresh = System(found.system.name, found.system.variables, found.system.actions)
    check(fresh, found.properties, strategy=strategy, bounds=few, checkpoint=at(folder, strategy))
    rest = check(
        fresh,
        found.properties,
        strategy=strategy,
        transitions=False,
        bounds=Bounds(threads=2),
        checkpoint=at(folder, strategy, resume=True),
    )
    assert answers(rest) == answers(whole)


@pytest.mark.slow
def test_what_was_killed_goes_on(tmp_path: Path) -> None:
    """Nothing but the level that was under way is lost."""
    folder = tmp_path / "here"
    call = [sys.executable, "-m", "kargo_model", "check", "dining-philosophers", "--size", "7"]
    running = subprocess.Popen([*call, "--save", str(folder)], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (folder / "level-5.dddmp").exists() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    levels = len(json.loads((folder / "manifest.json").read_text())["files"])
    assert levels >= 4

    rest = subprocess.run([*call, "--resume", str(folder)], capture_output=True, text=True, check=True)
    whole = subprocess.run(call, capture_output=True, text=True, check=True)
    assert _without_times(rest.stdout) == _without_times(whole.stdout)


def _without_times(text: str) -> list[str]:
    return [line.rsplit(",", 1)[0] if " levels, " in line else line for line in text.splitlines()[1:]]


# Suspicion


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with a saved exploration."""
    found = toy("two-phase-commit", 3)
    check(found.system, found.properties, bounds=Bounds(depth=4), checkpoint=at(tmp_path / "here", "layers"))
    return tmp_path / "here"


def resume(folder: Path, **asked: str) -> Report:
    found = toy("two-phase-commit", 3)
    return check(found.system, found.properties, checkpoint=at(folder, "layers", resume=True, **asked))


def change(name: str, into: Callable[[str], str]) -> Callable[[Path], None]:
    """What happens to a file."""

    def happens(folder: Path) -> None:
        path = folder / name
        path.write_text(into(path.read_text()))

    return happens


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        (change("level-2.dddmp", lambda text: text.replace("1", "2", 1)), "level-2.dddmp is not what was written"),
        (change("level-2.dddmp", lambda text: ""), "level-2.dddmp is not what was written"),
        (change("manifest.json", lambda text: text[:-9]), "manifest.json is not what was written"),
        (change("manifest.json", lambda text: text.replace("tm", "mt")), "its digest differs"),
        (change("manifest.json", lambda text: "[]"), "no saved exploration of this version"),
        (lambda folder: (folder / "level-3.dddmp").unlink(), "level-3.dddmp cannot be read"),
        (lambda folder: (folder / "manifest.json").unlink(), "there is no saved exploration"),
    ],
)
def test_what_is_not_what_was_written_is_refused(saved: Path, happens: Callable[[Path], None], says: str) -> None:
    happens(saved)
    with pytest.raises(CheckpointError, match=says):
        resume(saved)


def test_another_question_is_refused(saved: Path) -> None:
    with pytest.raises(CheckpointError, match=r"was saved for: it \(by layers\); not for: that"):
        resume(saved, about="that")
    with pytest.raises(CheckpointError, match="another version of the model"):
        resume(saved, version="2")
    found = toy("two-phase-commit", 4)
    with pytest.raises(CheckpointError, match="does not fit the system"):
        check(found.system, found.properties, checkpoint=at(saved, "layers", resume=True))


def test_levels_of_another_system_are_refused(saved: Path) -> None:
    """The digests are right, and yet these are not the states that can be reached."""
    found = toy("two-phase-commit", 3)
    slower = System(found.system.name, found.system.variables, found.system.actions[:1])
    check(slower, (), bounds=Bounds(depth=4), checkpoint=at(saved.parent / "other", "layers"))
    manifest = json.loads((saved / "manifest.json").read_text())
    assert len(manifest["files"]) == 4
    with pytest.raises(CheckpointError, match="not what this system can reach"):
        check(found.system, (), checkpoint=at(_shortened(saved), "layers", resume=True))


def _shortened(folder: Path) -> Path:
    """The same folder, with the second level left out and everything signed again."""
    from invariants.saving import _digest

    path = folder / "manifest.json"
    body = json.loads(path.read_text())
    del body["sha256"], body["files"][1]
    body["sha256"] = _digest(body)
    path.write_text(json.dumps(body))
    return folder


def test_nothing_is_saved_over_something_else(saved: Path, tmp_path: Path) -> None:
    found = toy("two-phase-commit", 3)
    with pytest.raises(CheckpointError, match="has a saved exploration; resume it"):
        check(found.system, checkpoint=at(saved, "layers"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(CheckpointError, match="is not empty"):
        check(found.system, checkpoint=at(tmp_path / "mine", "layers"))
    with pytest.raises(CheckpointError, match="nothing can be saved"):
        check(found.system, checkpoint=at(tmp_path / "mine" / "letter.txt", "layers"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["tcommit", "--resume", "nowhere"], "there is no saved exploration in nowhere"),
        (["tcommit", "die-hard", "--save", "x"], "go with one system and one release"),
        (["tcommit", "--save", "x", "--resume", "x"], "leave out --save"),
        (["tcommit", "--engine", "explicit", "--save", "x"], "go with the symbolic engine"),
        (["tcommit", "--order", "best"], "'best' is no order, and no file that can be read"),
    ],
)
def test_a_call_that_makes_no_sense_gets_a_sentence(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert kargo_model.main(["check", *words]) == 2
    assert says in capsys.readouterr().err


# Values


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        -1.5,
        float("inf"),
        "a",
        (1, ("b", None)),
        frozenset({1, 2}),
        PromotionPhase.RUNNING,
        Verified(3, None),
    ],
)
def test_a_value_is_read_back(value: object) -> None:
    found = from_json(json.loads(json.dumps(to_json(value))))
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    [
        {"enum": "os:PathLike", "member": "x"},
        {"enum": "model.kargo.phases:PromotionPhase", "member": "GONE"},
        {"tuple": "subprocess:Popen", "items": ["ls"]},
        {"tuple": "model.system:System", "items": []},
        {"data": "model.nothing:X", "items": []},
        {"data": "model.system:nothing", "items": []},
        {"what": 1},
    ],
)
def test_nothing_else_is_made_of_a_text(text: object) -> None:
    with pytest.raises(UnreadableValueError):
        from_json(text)


def test_a_value_of_another_class_is_not_written() -> None:
    with pytest.raises(UnreadableValueError, match="cannot be written"):
        to_json(LATEST.__class__)
    with pytest.raises(UnreadableValueError):
        to_json(Path("x"))
