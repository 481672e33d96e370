"""Stages that push to one branch, simulated: against exact values, the checker, and Promotions that are alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import shared_branch as pages
from invariants.check import Verdict, check
from invariants.kargo import shared_branch as claimed
from model.kargo.failure_policies import Response, policy_named
from model.kargo.shared_branch import branching
from simulations.kargo.study import comparing, exact, measures, study_file
from simulations.kargo.study.attempts import NOW
from simulations.kargo.study.life import PASSED, Life, fresh
from simulations.kargo.study.measures import Variant
from simulations.kargo.study.race import PUSHES, REJECTIONS, Race, setting_of
from simulations.kargo.study.study import OUTCOMES, Disturbances, Outcome, Study, StudyError
from simulations.kargo.study.world import RESTARTED as RESTARTED_TIMES
from simulations.kargo.study.world import RESTARTS
from simulations.stochastic.batches import Sampled
from simulations.stochastic.chains import TooManyError
from simulations.stochastic.distributions import Values, always, continuous
from tests.studies import agree, solved, storm_agrees, tally

STUDIES = Path(__file__).parents[1] / "examples" / "studies"
SMALL = str(STUDIES / "shared-branch-small.yaml")


def small(policy: str = "none", **branch: Any) -> Study:
    """The study that can be solved exactly."""
    found = study_file.load(SMALL)
    assert found.branch is not None
    return replace(found, policy=policy_named(policy), branch=replace(found.branch, **branch))


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
    agree(replace(small(policy, **branch), runs=6000))


# Disturbed

PERSON = Disturbances(aborts=Values("", {1: 0.3, 0: 0.7}), abort_after=Values("", {2000: 0.5, 6000: 0.5}))
RESTARTED = Disturbances(restarts=Values("", {4000: 0.5, 9000: 0.5}), down=always(1500))
BOTH = replace(PERSON, abort_after=always(2500), restarts=always(5000), down=always(2500))


@pytest.mark.parametrize(
    ("policy", "disturbances", "branch"),
    [
        ("none", PERSON, {"stages": 3}),
        ("none", RESTARTED, {"stages": 3}),
        ("restart:1", RESTARTED, {"controllers": 2}),
        ("recreate:1", RESTARTED, {"workers": 1}),
        ("rollback:1", BOTH, {}),
        ("none", RESTARTED, {"retries": None, "integrates": always(400)}),
        (
            "restart:1",
            RESTARTED,
            {"retries": None, "integrates": always(400), "conflicts": Values("", {1: 0.3, 0: 0.7})},
        ),
        ("none", RESTARTED, {"apart": Values("", {0: 0.3, 7000: 0.3, 12_000: 0.4})}),
    ],
)
def test_they_agree_about_what_is_disturbed(
    policy: str, disturbances: Disturbances, branch: dict[str, Any]
) -> None:
    study = small(policy, **{"stages": 2, **branch})
    agree(replace(study, disturbances=disturbances, runs=6000))


@pytest.mark.parametrize("policy", ["none", "restart:2", "recreate:1"])
@pytest.mark.parametrize("disturbances", [RESTARTED, BOTH], ids=["restarts", "both"])
def test_a_stage_with_a_branch_and_a_controller_of_its_own_is_restarted_as_if_it_were_alone(
    policy: str, disturbances: Disturbances
) -> None:
    study = small(policy, shared=False, stages=3, controllers=3, workers=1, apart=always(0))
    found, alone = side_by_side(replace(study, disturbances=disturbances, runs=300))

    for name in (*SAME, NOW):
        assert (found[name] == alone[name]).all(), name
    assert (alone[RESTARTED_TIMES] > 1).any()


def test_stages_of_a_controller_are_restarted_together() -> None:
    rare = Disturbances(restarts=continuous("expon", {"scale": 6000.0}), down=continuous("expon", {"scale": 900.0}))
    study = replace(small(stages=4, controllers=2, workers=1), disturbances=rare, runs=500)
    times, restarts = columns(study, RESTARTED_TIMES), columns(study, RESTARTS)

    for first, second, same in ((0, 2, True), (1, 3, True), (0, 1, False)):
        known = times[:, first] == times[:, second]
        assert known.sum() > 50
        assert (restarts[known, first] == restarts[known, second]).all() is np.bool_(same)


def restarted_after(lives_ms: int, down_ms: int, **branch: Any) -> Study:
    """Two Stages of a controller: watches of 40 ms, a clone of 1 s, a commit of 200 ms, a push of 1 s."""
    study = small(stages=2, apart=always(0), **branch)
    clone = replace(study.steps[0], takes=always(1000))
    disturbances = Disturbances(restarts=always(lives_ms), down=always(down_ms))
    return replace(study, steps=(clone, *study.steps[1:]), disturbances=disturbances, runs=1, until_ms=20_000)


def test_a_push_that_is_under_way_when_the_controller_is_restarted_never_arrives() -> None:
    cut, through = (restarted_after(lives, 18_000, workers=1) for lives in (2239, 2240))

    assert columns(cut, "attempts").tolist() == [[3, 0]]  # the push was begun; the other waited for the worker
    assert columns(cut, PUSHES).sum() == 0
    assert columns(through, PUSHES).tolist() == [[1, 0]]  # it arrived in the very moment


def test_a_lock_is_lost_with_the_controller_that_had_it() -> None:
    """Both push when it is restarted, one with the lock: afterwards nobody waits for what nobody has."""
    lock: dict[str, Any] = {"retries": None, "integrates": always(500)}

    assert columns(restarted_after(2699, 100, **lock), PUSHES).sum() == 0  # a pass takes 2700 ms
    # Pulled and pushed after 2740 ms; the other has just begun to pull, and begins anew when it is back.
    assert columns(restarted_after(2740, 100, **lock), PASSED).tolist() == [[2740, 2840 + 1200 + 1500]]


# In numbers that are known


@pytest.mark.parametrize(
    ("stages", "moments", "chance"), [(2, 2, 1 / 2), (2, 3, 2 / 3), (3, 3, 2 / 9), (4, 4, 3 / 32)]
)
def test_who_comes_at_another_moment_gets_through(stages: int, moments: int, chance: float) -> None:
    """Pushes that are far apart do not race: all succeed if no two are created at the same of a few moments."""
    apart = Values("", dict.fromkeys((60_000 * k for k in range(moments)), 1.0))
    found = solved(small(stages=stages, apart=apart))

    assert found.all_promoted == pytest.approx(chance)


def test_what_cannot_be_solved_is_refused() -> None:
    with pytest.raises(TooManyError):
        exact.chain_of(small("restart:2"), most=100)
    with pytest.raises(StudyError, match="git-push waits a random time"):
        solved(small(retries=None, controllers=3))


@pytest.mark.parametrize("stages", [2, 3])
@pytest.mark.parametrize("policy", ["none", "restart:1", "rollback:1"])
def test_storm_agrees(policy: str, stages: int, tmp_path: Path) -> None:
    storm_agrees(small(policy, stages=stages), tmp_path)


def test_storm_agrees_about_what_is_disturbed(tmp_path: Path) -> None:
    storm_agrees(replace(small("recreate:1", stages=2), disturbances=RESTARTED), tmp_path)


# Against the checker


@pytest.mark.parametrize("stages", [2, 3])
@pytest.mark.parametrize("response", [Response.RESTART, Response.RECREATE])
def test_the_limit_that_the_checker_finds_is_enough_and_less_is_not(stages: int, response: Response) -> None:
    setting = setting_of(small(stages=stages))
    least = claimed.least_limit(response, setting)

    assert least == stages - 1
    for limit in range(least + 1):
        policy = f"{response.value}:{limit}" if limit else "none"
        promoted = solved(small(policy, stages=stages)).all_promoted
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
    found, alone = side_by_side(replace(base, steps=(clone, *base.steps[1:]), runs=300))

    for name in SAME:
        assert (found[name] == alone[name]).all(), name
    assert (found[NOW] == alone[NOW]).all() == (workers == 4)
    assert (found[NOW] >= alone[NOW]).all()


SAME = ("run", "outcome", "attempts", "starts", "promotions")


def side_by_side(study: Study) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What came of Promotions of all runs: of Stages with a branch each, and of the same Promotions alone."""
    alone = replace(study, branch=None)
    life = Life(alone, Sampled(alone.seed))
    done = life.run(fresh(life, np.arange(study.runs * study.each)))
    done = done.take(np.argsort(done["run"]))
    stages = measures.simulate(study, 0, study.runs)
    return {name: np.stack([of[name] for of in stages], axis=1).ravel() for name in done.columns}, done.columns


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
    large = study_file.load(str(STUDIES / "shared-branch.yaml"))
    study = replace(large, runs=100, policy=policy_named("restart:1"))
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


# The study


def test_max_attempts_of_the_step_is_heeded(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    push = "{uses: git-push, as: push, config: {path: ., maxAttempts: 3}}"
    file.write_text(f"stage: {{steps: [{{uses: git-clone, as: clone}}, {push}]}}\nbranch: {{stages: 2}}")
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
    assert "\n".join(pages.restarted()) in PAGE.read_text(encoding="utf-8")
