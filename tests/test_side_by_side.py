"""The benchmark beside other tools: their models are the same, and what is read off their words is right."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

import pytest

from benchmarks.side_by_side import processes
from benchmarks.side_by_side.__main__ import main
from benchmarks.side_by_side.classics import CLASSICS
from benchmarks.side_by_side.models import MODELS
from benchmarks.side_by_side.plan import PUBLISHED, SIZES, Step, steps
from benchmarks.side_by_side.prism import MODELS as PRISM
from benchmarks.side_by_side.processes import Ran, run
from benchmarks.side_by_side.results import HEADER, DisagreementError, Result, agree, brief, line, ratios, row, rule
from benchmarks.side_by_side.tools import (
    CRATE,
    EXPLICIT,
    LAYERS,
    SATURATION,
    TOOLS,
    MissingToolError,
    Setup,
    Size,
    StoppedError,
    explore,
    found_jar,
    found_storm,
)
from invariants.check import check

README = Path(__file__).parents[1] / "benchmarks" / "README.md"
SMALL = 3


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    return Setup(
        seconds=60,
        memory=4096,
        threads=1,
        jar=found_jar(None),
        storm=found_storm(None),
        place=tmp_path_factory.mktemp("side-by-side"),
        target=CRATE / "target",
    )


def explored(setup: Setup, tool: str, model: str) -> Size:
    try:
        TOOLS[tool].version(setup)
    except MissingToolError as why:
        pytest.skip(str(why))
    return explore(TOOLS[tool], setup, model, SMALL)[0]


def ours(model: str) -> tuple[int, int | None]:
    report = check(CLASSICS[model].system(SMALL))
    return report.states, report.transitions


SLOWLY = pytest.mark.slow
"""One model for each tool shows that it is driven rightly; the others show that their models are the same."""


@pytest.mark.parametrize(
    "model", [pytest.param(name, marks=() if name == "ewd840" else SLOWLY) for name in CLASSICS]
)
@pytest.mark.parametrize("tool", ["SPIN", "TLC", "Storm"])
def test_another_tool_sees_the_same_states_and_transitions(setup: Setup, tool: str, model: str) -> None:
    size = explored(setup, tool, model)

    assert (size.states, size.transitions) == ours(model)


@pytest.mark.slow  # Cargo builds it first
@pytest.mark.parametrize("model", CLASSICS)
def test_stateright_sees_the_same_states_and_transitions(setup: Setup, model: str) -> None:
    size = explored(setup, "Stateright", model)

    assert (size.states, size.transitions) == ours(model)


@pytest.mark.parametrize(
    ("tool", "model"),
    [
        (SATURATION, "dining-philosophers"),
        pytest.param(LAYERS, "ewd840", marks=SLOWLY),
        pytest.param(EXPLICIT, "two-phase-commit", marks=SLOWLY),
    ],
)
def test_our_own_processes_say_what_the_engines_found(setup: Setup, tool: str, model: str) -> None:
    size = explored(setup, tool, model)

    states, transitions = ours(model)
    assert (size.states, size.transitions) == (states, None if tool == SATURATION else transitions)
    assert size.seconds is not None


def test_an_initial_state_is_one_that_the_model_has() -> None:
    for name, model in CLASSICS.items():
        counted = 1
        for variable in model.system(SMALL).variables:
            counted *= len(variable.initial)

        assert (name, counted) == (name, model.initial(SMALL))


SAID = {
    "SPIN": (
        "State-vector 20 byte, depth reached 69, errors: 0\n      303 states, stored\n     1699 states, matched\n"
        "     2002 transitions (= stored+matched)\n      189 atomic steps\n",
        Size(302, 2001, digits=8),
    ),
    "TLC": (
        "Finished computing initial states: 192 distinct states generated at 2026-11-21 16:10:47.\n"
        "Model checking completed. No error has been found.\n"
        "2001 states generated, 302 distinct states found, 0 states left on queue.\n",
        Size(302, 2001),
    ),
    "Stateright": ("states=302 generated=2001 depth=9 seconds=0.002149\n", Size(302, 2001, 0.002149)),
    "Storm": (
        'WARN  something is "unsatisfiable".\n'
        '{"states": 302, "transitions": 1810, "dead": 1, "seconds": 1.5421701589984878}\n',
        Size(302, 2001, 1.5421701589984878),
    ),
}
"""What the tools said of EWD 840 with three nodes, and what it means."""


@pytest.mark.parametrize("tool", SAID)
def test_what_a_tool_says_is_read(tool: str) -> None:
    said, size = SAID[tool]

    assert TOOLS[tool].size(said, MODELS["ewd840"], SMALL) == size


def test_spin_prints_eight_digits_and_agrees_as_far_as_they_go() -> None:
    said = "errors: 0\n 10340352 states, stored\n1.2355840e+08 transitions (= stored+matched)\n"
    size = TOOLS["SPIN"].size(said, MODELS["two-phase-commit"], 9)
    step = Step("two-phase-commit", 9, "SPIN")
    ran = Ran("", 0, 1.0, 1.0, 70)
    exact = Result(step._replace(tool=LAYERS), Size(10_340_352, 123_558_402), ran)

    assert size == Size(10_340_352, 123_558_400, digits=8)
    agree([exact, Result(step, size, ran)])
    with pytest.raises(DisagreementError):
        agree([exact, Result(step, size._replace(transitions=123_558_300), ran)])
    with pytest.raises(DisagreementError):
        agree([exact, Result(step, size._replace(digits=None), ran)])


@pytest.mark.parametrize(
    ("tool", "said", "why"),
    [
        ("SPIN", "pan: reached -DMEMLIM bound\n 5 states, stored\n 9 transitions\n", "out of memory (4096 MB)"),
        ("SPIN", "errors: 0\nerror: max search depth too small\n", "failed with code 0: error: max search depth"),
        ("TLC", "9 states generated, 5 distinct states found, 2 states left on queue.\n", "failed with code 0"),
        ("Stateright", "memory allocation of 96 bytes failed\n", "out of memory"),
        ("Storm", "", "failed with code 0: nothing was said"),
        (LAYERS, '{"states": 5, "stopped": "out of memory for diagrams"}\n', "out of memory for diagrams"),
    ],
)
def test_a_search_that_did_not_end_is_no_size(
    setup: Setup, tool: str, said: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = TOOLS[tool]._replace(command=lambda *_: [sys.executable, "-c", f"print({said!r}, end='')"])

    with pytest.raises(StoppedError, match=re.escape(why)):
        explore(says, setup, "two-phase-commit", SMALL)


def test_a_run_that_takes_too_long_is_ended_with_its_children(setup: Setup) -> None:
    ran = run(["sh", "-c", "sleep 60 & echo $!; sleep 60"], seconds=0.5)

    assert ran.code is None
    assert ran.seconds < 30
    assert not is_running(int(ran.said))


def test_an_interrupt_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    pids: list[int] = []

    def interrupted(output: int, _: float) -> tuple[str, bool]:
        pids.append(int(os.read(output, 100)))
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "_listened", interrupted)

    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", "echo $$; sleep 60"], seconds=60)

    assert len(pids) == 1
    assert not is_running(pids[0])


def is_running(pid: int) -> bool:
    """Whether such a process goes on running; to end takes a moment."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return False
        if state in "ZX":
            return False
        time.sleep(0.05)
    return True


def test_what_a_run_took_is_known() -> None:
    ran = run([sys.executable, "-c", "print(sum(range(10**6)), len(bytearray(60 << 20)))"], seconds=60, memory=1024)

    assert ran.said == "499999500000 62914560\n"
    assert ran.code == 0
    assert ran.megabytes >= 60
    assert ran.processor > 0


def test_a_run_gets_no_more_memory_than_it_may() -> None:
    ran = run([sys.executable, "-c", "bytearray(900 << 20)"], seconds=60, memory=512)

    assert ran.code == 1
    assert "MemoryError" in ran.said


def result(tool: str, states: int, transitions: int | None, seconds: float = 1.0, n: int = 4) -> Result:
    return Result(
        Step("ewd840", n, tool), Size(states, transitions, seconds), Ran("", 0, seconds + 0.5, seconds, 70)
    )


def test_tools_that_see_the_same_agree() -> None:
    agree([result(LAYERS, 1566, 15986), result(SATURATION, 1566, None), result("TLC", 1566, 15986)])


@pytest.mark.parametrize(
    ("results", "why"),
    [
        ([result(LAYERS, 1566, 15986), result("SPIN", 1567, 15986)], "ewd840, N=4: 1,567 states by SPIN, 1,566 by"),
        ([result(LAYERS, 1566, 15986), result("TLC", 1566, 9)], "ewd840, N=4: 9 transitions by TLC, 15,986 by"),
        ([result(LAYERS, 303, 2001, n=3)], "303 states by ours, layers, 302 by it is published"),
    ],
)
def test_tools_that_see_something_else_are_found_out(results: list[Result], why: str) -> None:
    with pytest.raises(DisagreementError, match=re.escape(why)):
        agree(results)


def test_every_row_says_what_a_run_took_or_why_it_was_stopped() -> None:
    assert row(result("TLC", 1566, 15986)) == "| ewd840 | 4 | TLC | 1,566 | 15,986 | 1.000 | 1.500 | 1.000 | 70 |"
    stopped = Result(Step("ewd840", 9, "TLC"), stopped="over 120 s")
    assert row(stopped) == "| ewd840 | 9 | TLC | over 120 s | - | - | - | - | - |"
    assert list(ratios([result(LAYERS, 1566, 15986, 0.5), result("TLC", 1566, 15986, 50.0), stopped])) == [
        "| times as long as ours by layers | N | TLC |",
        "|---|---|---|",
        "| ewd840 | 4 | 100 |",
    ]


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "-"), (999_999_999_999, "999,999,999,999"), (10**12, "1.0e12"), (1_250 * 10**30, "1.3e33"),
     (9_949 * 10**40, "9.9e43"), (9_960 * 10**40, "1.0e44"), (2**1001 + 3, "2.1e301")],
)  # fmt: skip
def test_large_numbers_are_shown_with_two_digits(number: int | None, text: str) -> None:
    assert brief(number) == text


def test_the_plan_has_every_tool_for_every_classic_model_and_ours_alone_for_pipelines() -> None:
    everything = steps(MODELS, TOOLS, None)

    assert {s.tool for s in everything if s.model == "pipeline"} == {LAYERS, SATURATION, EXPLICIT}
    for model in CLASSICS:
        assert {s.tool for s in everything if s.model == model and s.n == SMALL} == set(TOOLS)
    assert Step("two-phase-commit", 100, SATURATION) in everything
    assert {s.n for s in everything if s.model == "pipeline" and s.tool == SATURATION} == set(range(1, 11))
    assert set(SIZES) == set(MODELS)
    assert set(PRISM) == set(CLASSICS)


def test_a_tool_that_is_not_there_is_skipped_with_a_word_on_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("STORM_PYTHON", "/no/such/python")

    assert main(["--tools", "SPIN", "TLC", "Stateright", "Storm", "--sizes", "3"]) == 0

    printed = capsys.readouterr().out
    for words in ("apt-get install spin", "tla2tools.jar", "apt-get install cargo", "pip install stormpy"):
        assert words in printed
    assert printed.count(": skipped; ") == 4
    assert line(HEADER) in printed


def test_the_command_measures_and_plots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    plot = tmp_path / "times.svg"

    words = ["--models", "ewd840", "--tools", LAYERS, "--sizes", "3", "--repeats", "1", "--plot", str(plot)]
    assert main(words) == 0

    printed = capsys.readouterr().out
    assert "| ewd840 | 3 | ours, layers | 302 | 2,001 |" in printed
    assert plot.read_text(encoding="utf-8").startswith("<?xml")
    assert main([*words[:-1], str(tmp_path / "times.nothing")]) == 2
    assert "no plot" in capsys.readouterr().err


def tables(columns: str) -> list[list[list[str]]]:
    """The tables of the README with this header, as rows of cells."""
    found, lines = [], iter(README.read_text(encoding="utf-8").splitlines())
    for text in lines:
        if text == columns:
            assert next(lines) == rule(columns.strip("| ").split(" | "))
            rows = []
            for below in lines:
                if not below.startswith("|"):
                    break
                rows.append(below.strip("| ").split(" | "))
            found.append(rows)
    return found


def test_the_table_of_the_readme_is_in_the_form_that_the_command_prints() -> None:
    found = [cells for table in tables(line(HEADER)) for cells in table]

    assert {cells[2] for cells in found} <= set(TOOLS)
    assert {cells[0] for cells in found} == set(MODELS)
    planned = set(steps(MODELS, TOOLS, None))
    for cells in found:
        assert len(cells) == len(HEADER)
        model, n, tool, states, transitions, *took = cells
        assert Step(model, int(n), tool) in planned
        if took == ["-"] * 4:
            assert states.startswith(("over ", "out of memory", "failed"))
            continue
        assert all(re.fullmatch(r"\d+\.\d{3}|\d+\.\d|\d+", cell) for cell in took), cells
        if (model, int(n)) in PUBLISHED:
            sizes = PUBLISHED[model, int(n)]
            assert (states, transitions) in {(brief(sizes[0]), brief(sizes[1])), (brief(sizes[0]), "-")}


def test_the_readme_has_every_tool_or_says_that_it_was_not_measured() -> None:
    measured = {cells[2] for table in tables(line(HEADER)) for cells in table}
    text = README.read_text(encoding="utf-8")

    assert all(f"{name} was not measured" in text for name in set(TOOLS) - measured)
