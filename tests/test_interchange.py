"""Traces for other tools: the Informal Trace Format, read back by another program, and TLA+ as text."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import shlex
from collections.abc import Iterator
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import itf_py
import pytest

import kargo_model
from diagrams import itf, tla
from invariants import toys
from invariants.check import check
from invariants.kargo import systems
from invariants.properties import always, leads_to
from invariants.trace import Taken, Trace
from model.kargo.releases import RELEASES
from model.system import ModelError, System, Value, action, only, variable

ABOUT = {"description": "violated: a claim", "source": "a test"}


class Phase(Enum):
    """Two phases, one of them without a name of its own."""

    NEW = ""
    OVER = "Over"


class Entry(NamedTuple):
    """A record."""

    phase: Phase
    errors: int


VALUES: list[tuple[Value, Any, str]] = [
    (None, "None", '"None"'),
    (True, True, "TRUE"),
    (-3, -3, "-3"),
    ((1 << 53) - 1, 9007199254740991, "9007199254740991"),
    (1 << 53, {"#bigint": "9007199254740992"}, "9007199254740992"),
    (-(1 << 53), {"#bigint": "-9007199254740992"}, "-9007199254740992"),
    ('say "no"\n', 'say "no"\n', r'"say \"no\"\n"'),
    (Phase.NEW, "NEW", '"NEW"'),
    (Phase.OVER, "Over", '"Over"'),
    ((), {"#tup": []}, "<<>>"),
    ((1, "a"), {"#tup": [1, "a"]}, '<<1, "a">>'),
    (frozenset({"b", "a"}), {"#set": ["a", "b"]}, '{"a", "b"}'),
    (Entry(Phase.OVER, 2), {"phase": "Over", "errors": 2}, '[phase |-> "Over", errors |-> 2]'),
    (1.5, {"#unserializable": "1.5"}, '"1.5"'),
]


@pytest.mark.parametrize(("value", "said", "text"), VALUES, ids=[text for _, _, text in VALUES])
def test_a_value_in_both_formats(value: Value, said: Any, text: str) -> None:
    assert itf.expression(value) == said
    assert tla.text(said) == text
    assert json.loads(json.dumps(said)) == said


# Documents


def assert_expression(said: Any) -> None:
    """What ADR-015 allows, and nothing else."""
    if isinstance(said, dict):
        marks = [key for key in said if key.startswith("#")]
        if not marks:
            assert said
            return [assert_expression(value) for value in said.values()][-1]
        (mark,) = said
        if mark == "#bigint":
            assert re.fullmatch(r"-?\d+", said[mark])
        elif mark == "#map":
            assert all(len(pair) == 2 for pair in said[mark])
            assert len({json.dumps(key) for key, _ in said[mark]}) == len(said[mark])
            [assert_expression(each) for pair in said[mark] for each in pair]
        else:
            assert mark in ("#tup", "#set")
            [assert_expression(each) for each in said[mark]]
    elif isinstance(said, int) and not isinstance(said, bool):
        assert abs(said) < 1 << 53
    else:
        assert isinstance(said, (str, bool))
    return None


def assert_document(found: dict[str, Any]) -> None:
    assert found.keys() - {"loop"} == {"#meta", "vars", "states"}
    assert all(isinstance(text, str) for text in found["#meta"].values())
    assert len(set(found["vars"])) == len(found["vars"])
    assert all(re.fullmatch(r"\w*[A-Za-z]\w*", name, re.ASCII) for name in found["vars"])
    for index, state in enumerate(found["states"]):
        assert list(state) == ["#meta", *found["vars"]]
        assert state["#meta"]["index"] == index
        [assert_expression(state[name]) for name in found["vars"]]
    assert 0 <= found.get("loop", 0) < len(found["states"])


def traces() -> Iterator[tuple[str, Trace]]:
    """Every trace of some systems, lassos among them."""
    subjects = [toys.subject(name, None) for name in ("die-hard", "dining-philosophers", "peterson")]
    for subject in [*subjects, *(systems.subject(name, RELEASES["1.8.3"]) for name in systems.NAMES)]:
        for judged in check(subject.system, subject.properties).judgements:
            if judged.trace:
                yield f"{subject.name}: {judged.property.name}", judged.trace


TRACES = dict(traces())


@pytest.mark.parametrize("name", TRACES)
def test_a_document_says_the_same_to_a_reader_that_is_not_ours(name: str) -> None:
    trace = TRACES[name]
    found = json.loads(json.dumps(itf.document(trace, ABOUT)))
    assert_document(found)

    read = itf_py.trace_from_json(found)

    assert (read.vars, read.loop) == (found["vars"], trace.loop)
    for state, mine in zip(read.states, trace.states, strict=False):
        flat = {}
        for field, value in state.values.items():
            owned = isinstance(value, dict)
            flat |= {f"{field}[{owner}]": v for owner, v in value.items()} if owned else {field: value}
        assert flat == {v: itf_py.value_from_json(itf.expression(mine[v])) for v in mine}


def clock(hours: int) -> System:
    return System("clock", (variable("hour", 0),), (action(lambda hour: only(hour=(hour + 1) % hours), "tick"),))


def lasso(*hours: int, loop: int | None) -> Trace:
    steps = (Taken("tick", "clock", "", {"hour": a}, {"hour": b}, {}) for a, b in pairwise(hours))
    return Trace({"hour": hours[0]}, tuple(steps), loop)


def test_a_loop_leads_back_to_a_state_that_is_there_already() -> None:
    found = itf.document(lasso(0, 1, 2, 1, loop=1), ABOUT)

    assert_document(found)
    assert [state["hour"] for state in found["states"]] == [0, 1, 2]
    assert (found["loop"], found["#meta"]["back-action"]) == (1, "tick")
    assert "\\* after State3 comes State2 again, and so on for ever: clock: tick" in list(tla.lines(found))


def test_where_nothing_more_happens_the_last_state_repeats() -> None:
    found = itf.document(lasso(0, 1, loop=1), ABOUT)

    assert_document(found)
    assert (len(found["states"]), found["loop"]) == (2, 1)
    assert "back-action" not in found["#meta"]
    assert "\\* after State2 nothing more happens: it stutters" in list(tla.lines(found))


def test_the_checker_finds_a_loop_and_the_document_has_it() -> None:
    claim = leads_to(always(lambda hour: hour == 1, "one"), lambda hour: hour == 7, "seven")
    (judged,) = check(clock(3), [claim]).judgements
    assert judged.trace

    found = itf.document(judged.trace, ABOUT)

    assert_document(found)
    assert found["loop"] == judged.trace.loop
    assert itf.document(lasso(0, 1, loop=None), ABOUT).keys() == {"#meta", "vars", "states"}


def test_fields_of_several_objects_are_one_map() -> None:
    start = {"phase[dev.1]": Phase.NEW, "phase[dev.2]": Phase.OVER, "used[dev.1]": True, "the clock": 3}
    found = itf.document(Trace(start), ABOUT)

    assert found["vars"] == ["phase", "used", "the_clock"]
    assert found["states"][0]["phase"] == {"#map": [["dev.1", "NEW"], ["dev.2", "Over"]]}
    assert '  /\\ phase = ("dev.1" :> "NEW" @@ "dev.2" :> "Over")' in list(tla.lines(found))


def test_a_field_whose_name_is_taken_keeps_to_itself() -> None:
    found = itf.document(Trace({"phase": 1, "phase[dev]": 2}), ABOUT)

    assert found["vars"] == ["phase", "phase_dev"]


def test_two_names_that_become_one_are_refused() -> None:
    with pytest.raises(ModelError, match="there are variables that have one name in TLA"):
        itf.document(Trace({"a b": 1, "a_b": 2}), ABOUT)


# The command line

RETRY = ("check", "retry", "--kargo", "1.8.3")


def test_the_claim_asked_for_is_printed_the_same_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    call = (*RETRY, "--property", "never-skipped", "--format", "itf")
    assert kargo_model.main(call) == 1
    printed = capsys.readouterr().out
    kargo_model.main(call)

    assert capsys.readouterr().out == printed
    document = json.loads(printed)
    assert_document(document)
    assert document["#meta"]["source"] == "kargo-model: retry, as 1.8.3"
    assert document["#meta"]["property"] == "a_started_step_is_never_skipped_by_the_engine [clone]"
    assert document["states"][-1]["entry"]["#map"][0][1]["phase"] == "Skipped"


def test_a_situation_has_a_witness(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "die-hard", "--property", "small jug", "--format", "tla"]
    assert kargo_model.main(words) == 0

    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("---- MODULE ")
    assert printed[1] == "\\* reached: the small jug has two gallons"
    assert printed[-3:] == ["  /\\ small = 2", "", "===="]


def test_a_run_that_never_ends_has_a_loop(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ("--property", "whenever the current promotion is over, it is put on record in the end")
    assert kargo_model.main(["check", "single", "--kargo", "1.8.3", *wanted, "--format", "itf"]) == 1

    document = json.loads(capsys.readouterr().out)
    assert_document(document)
    assert document["loop"] <= len(document["states"]) - 1


def test_a_folder_takes_a_file_for_each_violated_claim(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "folder"
    assert kargo_model.main([*RETRY, "--format", "itf", "-o", str(folder)]) == 1

    listed = capsys.readouterr().out.split()
    assert sorted(listed) == sorted(map(str, folder.iterdir()))
    assert str(folder / "retry-1-8-3-a-started-step-is-never-skipped-by-the-engine.itf.json") in listed
    for file in folder.iterdir():
        assert_document(json.loads(file.read_text()))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            [*RETRY, "--format", "itf"],
            2,
            "there are 4 counterexamples: choose one with --property, or write all with",
        ),
        (
            ["check", "--format", "tla"],
            2,
            "--format tla is one trace: choose one system and one release, or write all",
        ),
        (["check", "retry", "--all-releases", "--format", "tla"], 2, "--format tla is one trace: "),
        ([*RETRY, "-o", "somewhere"], 2, "-o goes with --format itf or tla"),
        (["check", "retry", "--format", "itf"], 0, "there is no counterexample to write"),
        (["rules", "--format", "itf"], 2, "--format itf is one trace: choose a part with --show, and one release"),
    ],
)
def test_what_is_not_one_trace_gets_one_sentence(
    words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kargo_model.main(words) == code

    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"kargo-model: {said}")


def test_a_folder_that_cannot_be_made_gets_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")

    assert kargo_model.main([*RETRY, "--format", "itf", "-o", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err == f"kargo-model: {tmp_path / 'file'} cannot be written: File exists\n"


def test_the_story_of_a_rule_is_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert kargo_model.main(["rules", "--show", "8b", "--no-cache", "--format", "itf"]) == 1

    document = json.loads(capsys.readouterr().out)
    assert_document(document)
    assert document["#meta"]["source"] == "kargo-model: fresh-health, as 1.11.2"


# The page about it

PAGE = (Path(__file__).parents[1] / "docs" / "interchange.md").read_text(encoding="utf-8")


CALLS = re.findall(
    r"^kargo-model [^#\n>]*", "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)), re.MULTILINE
)


@pytest.mark.parametrize("line", CALLS)
def test_a_call_on_the_page_is_understood(line: str) -> None:
    _, name, *words = shlex.split(line)
    command = importlib.import_module(f"commands.{name}")
    parser = argparse.ArgumentParser(exit_on_error=False)
    command.add_arguments(parser)

    assert name in kargo_model.COMMANDS
    assert parser.parse_args(words)


def test_the_program_on_the_page_runs() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(program, scope)

    assert len(scope["graph"]) == 22
