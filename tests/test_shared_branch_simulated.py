"""Stages that push to one branch, simulated: against exact values, the checker, and Promotions that are alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kargo_model
from benchmarks import shared_branch as pages
from invariants.check import Verdict, check
from invariants.kargo import shared_branch as claimed
from model.kargo.failure_policies import Response, policy_named
from model.kargo.shared_branch import branching
from simulations.kargo.study import comparing, exact, measures, study_file
from simulations.kargo.study.life import PASSED, Life, fresh
from simulations.kargo.study.measures import ALL, PUSHED, REJECTED, TO_THE_LAST, Tally, Variant
from simulations.kargo.study.race import PUSHES, REJECTIONS, Race, setting_of
from simulations.kargo.study.study import OUTCOMES, Outcome, Study, StudyError, TooManyError
from simulations.stochastic.batches import Sampled
from simulations.stochastic.distributions import Values, always

STUDIES = Path(__file__).parents[1] / "examples" / "studies"
SMALL, LARGE = str(STUDIES / "shared-branch-small.yaml"), str(STUDIES / "shared-branch.yaml")
CONFIDENT = 0.999

Main = Callable[..., tuple[int, str, str]]


@pytest.fixture
def main(capsys: pytest.CaptureFixture[str]) -> Main:
    def call(*words: str) -> tuple[int, str, str]:
        code = kargo_model.main(["simulate", *words])
        return (code, *capsys.readouterr())

    return call


def small(policy: str = "none", **branch: Any) -> Study:
    """The study that can be solved exactly."""
    found = study_file.load(SMALL)
    assert found.branch is not None
    return replace(found, policy=policy_named(policy), branch=replace(found.branch, **branch))


def tally(study: Study) -> Tally:
    [found] = measures.together(map(measures.count, measures.portions((Variant("", study),))))
    return found


def columns(study: Study, name: str) -> np.ndarray:
    """What came of a column: a row for each run, a column for each Stage."""
    return np.stack([of[name] for of in measures.simulate(study, 0, study.runs)], axis=1)


# Against exact values


@pytest.mark.parametrize(
    ("policy", "branch"),
    [
        ("none", {}),
        ("restart:1", {}),
        ("recreate:2", {}),
        ("rollback:1", {}),
        ("restart:1", {"workers": 2}),
        ("none", {"retries": None, "integrates": always(400)}),
        ("restart:1", {"retries": None, "conflicts": Values("", {1: 0.3, 0: 0.7})}),
    ],
)
def test_simulated_and_exact_values_agree(policy: str, branch: dict[str, Any]) -> None:
    study = replace(small(policy, **branch), runs=6000)
    values, found = exact.exact_of_branch(study), tally(study)
    every = found.all_of_a_run(CONFIDENT)

    assert every is not None
    assert values.all_promoted is not None
    assert every.low - 1e-9 <= values.all_promoted <= every.high + 1e-9
    for outcome in OUTCOMES:
        estimate = found.share_of(outcome, CONFIDENT)
        assert estimate is not None
        chance = values.outcomes[outcome].least if outcome in values.outcomes else 0.0
        assert estimate.low - 1e-9 <= chance <= estimate.high + 1e-9, outcome
    for name, bounds in values.gathered.items():
        mean = found.mean(name, CONFIDENT)
        assert mean is not None
        assert mean.low - 1e-6 <= bounds.least <= mean.high + 1e-6, name


@pytest.mark.parametrize(
    ("stages", "moments", "chance"), [(2, 2, 1 / 2), (2, 3, 2 / 3), (3, 3, 2 / 9), (4, 4, 3 / 32)]
)
def test_who_comes_at_another_moment_gets_through(stages: int, moments: int, chance: float) -> None:
    """Pushes that are far apart do not race: all succeed if no two are created at the same of a few moments."""
    apart = Values("", dict.fromkeys((60_000 * k for k in range(moments)), 1.0))
    found = exact.exact_of_branch(small(stages=stages, apart=apart))

    assert found.all_promoted == pytest.approx(chance)


def test_too_many_ways_are_refused() -> None:
    with pytest.raises(TooManyError):
        exact.exact_of_branch(small("restart:2"), most=100)
    with pytest.raises(StudyError, match="git-push waits a random time"):
        exact.exact_of_branch(small(retries=None, controllers=3))


# Against the checker


@pytest.mark.parametrize("stages", [2, 3])
@pytest.mark.parametrize("response", [Response.RESTART, Response.RECREATE])
def test_the_limit_that_the_checker_finds_is_enough_and_less_is_not(stages: int, response: Response) -> None:
    setting = setting_of(small(stages=stages))
    least = claimed.least_limit(response, setting)

    assert least == stages - 1
    for limit in range(least + 1):
        policy = f"{response.value}:{limit}" if limit else "none"
        promoted = exact.exact_of_branch(small(policy, stages=stages)).all_promoted
        assert promoted is not None
        assert (promoted == pytest.approx(1.0)) is (limit == least)


def test_a_push_is_rejected_only_where_the_checker_says_so() -> None:
    for branch in ({"shared": False}, {"retries": None}, {"retries": None, "controllers": 2}, {}):
        study = replace(small(stages=3, **branch), runs=500)
        setting = setting_of(study)
        subject = claimed.explored("as simulated", "", setting)
        [claim] = [p for p in subject.properties if p.name == "no_push_is_rejected [s1]"]
        [judged] = check(subject.system, [claim]).judgements
        rejected = columns(study, REJECTIONS).sum() > 0
        assert rejected == (judged.verdict is Verdict.VIOLATED), branch


def test_a_setting_is_that_of_the_release() -> None:
    study = small(retries=None)
    assert study.branch is not None
    for release in ("1.8.3", "1.11.2"):
        [found] = comparing.variants(study, f"kargo={release}")
        expected = branching(found.study.behaviours, study.branch.stages)
        assert setting_of(found.study) == expected


# Against Promotions that are alone


@pytest.mark.parametrize("policy", ["none", "restart:2", "recreate:1"])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_stage_with_a_branch_of_its_own_goes_as_if_it_were_alone(policy: str, workers: int) -> None:
    """The same to the millisecond, unless workers are short."""
    base = small(policy, shared=False, stages=3, workers=workers, apart=always(0))
    clone = replace(base.steps[0], results=Values("r", {0: 0.7, 1: 0.3}), possible=base.steps[2].possible)
    study = replace(base, steps=(clone, *base.steps[1:]), runs=300)
    alone = replace(study, branch=None)
    life = Life(alone, Sampled(alone.seed))
    done = life.run(fresh(life, np.arange(900)))
    done = done.take(np.argsort(done["run"]))

    assert (columns(study, "run").ravel() == done["run"]).all()
    for name in ("outcome", "attempts", "starts", "promotions"):
        assert (columns(study, name).ravel() == done[name]).all(), name
    times = columns(study, "now").ravel()
    assert (times == done["now"]).all() == (workers == 4)
    assert (times >= done["now"]).all()


# In time


def test_one_worker_takes_one_promotion_after_the_other() -> None:
    study = replace(small(stages=4, workers=1, apart=always(0)), runs=50)
    found = tally(study)
    passed = np.sort(columns(study, PASSED), axis=1)

    assert found.outcomes[OUTCOMES.index(Outcome.VERIFIED)] == 200
    assert columns(study, REJECTIONS).sum() == 0
    assert (np.diff(passed, axis=1) >= 2200).all()  # clone, commit and push, one after the other


def test_under_the_lock_one_push_follows_another() -> None:
    study = replace(small(stages=3, retries=None, integrates=always(500), apart=always(0), workers=10), runs=20)
    clone = replace(study.steps[0], takes=always(1000))
    passed = np.sort(columns(replace(study, steps=(clone, *study.steps[1:])), PASSED), axis=1)

    # Two watches of 20 ms, the clone, the commit; then the pull and the push, each in turn.
    assert (passed == [[40 + 1200 + 1500 * k for k in (1, 2, 3)]]).all()


def test_git_push_waits_longer_each_time() -> None:
    """Two controllers that push at the same moment: who comes second waits 1 to 1.5 s, and gets through."""
    study = replace(small(stages=2, retries=None, controllers=2, apart=always(0)), runs=400)
    clone = replace(study.steps[0], takes=always(1000))
    passed = columns(replace(study, steps=(clone, *study.steps[1:])), PASSED)
    first, second = passed.min(axis=1), passed.max(axis=1)

    assert (first == 40 + 1200 + 1000).all()
    assert ((second - first >= 2000) & (second - first <= 2500)).all()
    assert len(np.unique(second)) > 100


def test_the_last_wait_is_in_vain() -> None:
    """With `maxAttempts: 10` a push that is rejected nine times waits a ninth time, and fails."""
    setting = setting_of(small(stages=25, retries=None, controllers=25))

    assert (setting.tries, len(setting.waits_ms)) == (9, 9)
    study = replace(small(stages=25, retries=None, controllers=25, workers=1, apart=always(0)), runs=4)
    clone = replace(study.steps[0], takes=always(1000))
    study = replace(study, steps=(clone, *study.steps[1:]))
    failed = columns(study, "outcome") == OUTCOMES.index(Outcome.FAILED)
    work = columns(study, "work")[failed]

    assert failed.any()
    assert (columns(study, REJECTIONS)[failed] == 9).all()
    assert (work >= 1200 + 9 * 1000 + sum(setting.waits_ms)).all()


# Whoever does the work


def test_the_same_study_gives_the_same_counts_however_it_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    study = replace(study_file.load(LARGE), runs=100, policy=policy_named("restart:1"))
    whole = tally(study)
    monkeypatch.setattr(measures, "BLOCK", 64)
    divided = tally(study)

    assert len([*measures.portions((Variant("", study),))]) > 3
    assert (whole.outcomes, whole.means) == (divided.outcomes, divided.means)


def test_a_policy_changes_nothing_for_those_who_get_through_at_once() -> None:
    """Nobody is slowed down by what a policy does for others later, but for the workers and the pushes it takes."""
    study = replace(small(shared=False, workers=4), runs=200)
    having = replace(study, policy=policy_named("recreate:3"))

    for name in ("outcome", "now", "attempts", PUSHES):
        assert (columns(study, name) == columns(having, name)).all(), name


# The command


def test_all_policies_are_compared(main: Main) -> None:
    code, out, _ = main(LARGE, "--runs", "100", "--compare", "policy=none,restart:3,recreate:3,rollback")

    assert code == 0
    assert ": all Promotions of a run succeed in " in out.splitlines()[0]
    for row in ("all of a run promoted", "wasted attempts", "pushes rejected", "time to the end of the last, mean"):
        assert f"\n{row}  " in out


def test_a_sweep_over_the_number_of_stages(main: Main, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    words = (LARGE, "--runs", "40", "--compare", "policy=none,restart:3", "--sweep", "branch.stages=2,6")
    code, out, err = main(*words, "--plots", str(tmp_path))
    _, document, _ = main(*words, "--format", "json")
    _, text, _ = main(*words, "--format", "csv")
    points = json.loads(document)["points"]
    rows = [*csv.reader(text.splitlines())]

    assert code == 0
    assert out.startswith("at branch.stages 6, all Promotions of a run succeed in ")
    assert [p["value"] for p in points] == ["2", "6"]
    assert [p["promotions"] for p in points] == [2, 6]
    assert points[0]["variants"][1]["all"]["value"] == 1.0
    assert rows[0] == ["branch.stages", "variant", "measure", "statistic", "value", "low", "high"]
    told = {tuple(row[:4]): row[4] for row in rows}
    for point in points:
        for variant in point["variants"]:
            for name in (ALL, PUSHED, REJECTED, TO_THE_LAST):
                value = told[point["value"], variant["name"], name, "mean"]
                assert float(value) == variant["means"][name]["value"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["shared-branch-sweep.png", "shared-branch-sweep.svg"]
    assert err.count("wrote ") == 2


@pytest.mark.parametrize(
    "what",
    ["branch.retries=true,false", "branch.shared=true,false", "branch.controllers=1,2", "branch.gitlab=true"],
)
def test_the_branch_is_compared_too(what: str, main: Main) -> None:
    code, out, _ = main(LARGE, "--runs", "50", "--compare", what, "--format", "json")

    assert code == 0
    assert [v["name"] for v in json.loads(out)["variants"]] == [
        f"{what.partition('=')[0]} {value}" for value in what.partition("=")[2].split(",")
    ]


def test_exact_values_are_printed(main: Main) -> None:
    code, out, _ = main(SMALL, "--exact", "--compare", "policy=restart:2,restart:1")
    _, document, _ = main(SMALL, "--exact", "--format", "json")

    assert code == 0
    assert out.startswith("all Promotions of a run succeed in exactly 100 % of the runs; exactly 100 % of the Prom")
    assert json.loads(document)["variants"][0]["all_promoted"] == 0.0


# Bad studies

STEPS = """
stage:
  steps:
  - {uses: git-clone, as: clone}
  - {uses: git-push, as: push%s}
branch: {stages: 2%s}
"""
BAD = {
    "no number of Stages": (
        STEPS.replace("stages: 2%s", "%s") % ("", ""),
        "'stages' is missing; expected how many",
    ),
    "too few Stages": (
        STEPS.replace("2%s", "0%s") % ("", ""),
        "branch.stages: expected a whole number from 1 to 1000",
    ),
    "an unknown field": (STEPS % ("", ", shard: 1"), 'branch: "shard" is no known field; is "shared" meant?'),
    "no step that pushes": (
        "stage: {steps: [{uses: git-clone, as: clone}]}\nbranch: {stages: 2}",
        "there are 0 steps of the kind git-push; say which is meant with `push`",
    ),
    "a step that does not push": (
        STEPS % ("", ", push: clone"),
        'branch.push: "clone" is no step of the kind git-push; these are: push',
    ),
    "a forced push": (
        STEPS % (", config: {path: ., force: true}", ""),
        "branch: a git-push with `force` does not look at what others have pushed",
    ),
    "no attempt": (
        STEPS % (", config: {path: ., maxAttempts: 0}", ""),
        "expected `maxAttempts` of push to be a whole number from 1 on",
    ),
    "several Promotions": (STEPS % ("", "") + "promotions: {count: 2}", "there is one Promotion of each Stage"),
    "restarts": (
        STEPS % ("", "") + "world: {restarts: {every: 1h}}",
        "a controller that is restarted is not simulated together with a branch",
    ),
    "an outage of the push": (
        STEPS % ("", "") + "world: {steps: {push: {outage: {chance: 0.1, lasts: 3s}}}}",
        "branch: the results of push are up to the branch, and to chance",
    ),
    "a conflict that is too likely": (STEPS % ("", ", conflicts: 2"), "branch.conflicts: expected a probability"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_study_gets_one_sentence(what: str, main: Main, tmp_path: Path) -> None:
    text, said = BAD[what]
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    code, out, err = main(str(file))

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((LARGE, "--compare", "branch.weather=fair"), "of a branch can be compared: branch.stages,"),
        ((LARGE, "--compare", "branch.stages=many"), "--compare branch.stages: expected a whole number"),
        ((LARGE, "--compare", "branch.shared=perhaps"), "--compare branch.shared: expected true or false"),
        ((str(STUDIES / "small.yaml"), "--compare", "branch.stages=2"), "the study has no branch"),
        ((LARGE, "--sweep", "branch.stages"), "expected WHAT=A,B,..."),
        ((SMALL, "--sweep", "branch.stages=2", "--exact"), "--sweep is of runs; leave out --exact"),
        ((SMALL, "--exact", "--export", "x.drn"), "no chain to write"),
        ((LARGE, "--exact"), "there are no exact values: "),
    ],
)
def test_a_bad_call_gets_one_sentence(words: tuple[str, ...], said: str, main: Main) -> None:
    code, out, err = main(*words)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_max_attempts_of_the_step_is_heeded(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(STEPS % (", config: {path: ., maxAttempts: 3}", ""))
    study = study_file.load(str(file))

    assert study.branch is not None
    assert setting_of(study).tries == 3
    assert Race(study, Sampled(1)).setting.waits_ms == (1000, 1500)


# The page

PAGE = Path(__file__).parents[1] / "docs" / "shared-branch.md"


def shown(stages: Iterable[int]) -> list[list[str]]:
    """The rows of the page that are about so many Stages, by table."""
    found: list[list[str]] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| Stages |"):
            found.append([])
        elif found and line.startswith(tuple(f"| {n} |" for n in stages)):
            found[-1].append(line)
    return found


def simulated(stages: Iterable[int]) -> list[list[str]]:
    return [table[2:] for table in pages.tables(stages)]


def test_the_page_shows_what_is_simulated() -> None:
    few = pages.STAGES[:1]

    assert shown(few) == simulated(few)
    assert [len(rows) for rows in shown(pages.STAGES)] == [
        len(pages.STAGES) * n for n in (len(pages.POLICIES), len(pages.PUSHES), len(pages.PUSHES))
    ]


@pytest.mark.slow
def test_more_of_the_page_shows_what_is_simulated() -> None:
    """Not what takes minutes: the rows of 20 Stages and more."""
    more = [n for n in pages.STAGES if n < 20]

    assert shown(more) == simulated(more)
