"""Studies: the simulator against the model's own runs, against exact values, and against Storm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import retry_settings
from model.kargo import planning
from model.kargo.attempts import Attempt
from model.kargo.failure_policies import policy_named
from model.kargo.manifest_types import Retry
from model.kargo.phases import PromotionPhase
from model.kargo.plan import Plan
from model.kargo.releases import RELEASES, Behaviours
from model.kargo.step_engine import RAN, Turn
from model.kargo.step_kinds import Result
from model.kargo.templates import StepSpec, Template
from model.system import Outcomes, State, action, only
from simulations.kargo import passes as run_passes
from simulations.kargo import runs
from simulations.kargo.study import measures, study_file, world
from simulations.kargo.study.attempts import NOW
from simulations.kargo.study.life import Life, fresh
from simulations.kargo.study.measures import BLOCKED, Variant
from simulations.kargo.study.study import OUTCOMES, Disturbances, Outcome, Settling, StepWorld, Study, poll_of
from simulations.stochastic import chains
from simulations.stochastic.batches import Batch, Column, Sampled, constant
from simulations.stochastic.distributions import Distribution, Values, always
from tests.studies import CONFIDENT, agree, solved, storm_agrees, tally

POLICIES = ("none", "restart:2", "recreate:2", "rollback:1")

SMALL = (Path(__file__).parents[1] / "examples" / "studies" / "small.yaml").read_text()


def study_of(text: str, folder: Path, **changed: Any) -> Study:
    file = folder / "study.yaml"
    file.write_text(text)
    return replace(study_file.load(str(file)), **changed)


@pytest.fixture
def small(tmp_path: Path) -> Study:
    return study_of(SMALL, tmp_path)


# Against the model's own runs


def answer(now: int, cancelled: bool, *, down_until: int, ready_at: int, takes: int, poll: int | None) -> Outcomes:
    """What the world of a study does, written down for numbers that are known."""
    attempt = Attempt("Succeeded")
    if now < down_until:
        attempt = Attempt("Errored", error="down")
    elif now < ready_at:
        attempt = Attempt("Running", retry_after_ms=poll)
    return only("", turn=Turn.RAN, attempt=attempt, now=now + takes, cancelled=cancelled)


def concrete(template: Template, behaviours: Behaviours, **world: int | None) -> tuple[PromotionPhase, int, int]:
    """How `kargo-model run` goes: the phase it ends with, when that is, and how many attempts there were."""
    planner = planning.planner_of(template, behaviours)
    acts = action(answer, "answer", constants=world, writes=("turn", "attempt"))
    scripted: Plan = planning.plan(planner, lambda *_: acts, writes_can_fail=True)
    run = runs.run(scripted, limit=2000)
    attempts = [s for p in run.passes for s in p.steps if s.turn in RAN]
    takes = world["takes"]
    assert takes is not None
    last = sum(s.turn in RAN for s in run.passes[-1].steps)
    return run.phase, run.passes[-1].at_ms + last * takes, len(attempts)


PHASES = {Outcome.VERIFIED: PromotionPhase.SUCCEEDED, Outcome.FAILED: PromotionPhase.ERRORED}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    release=st.sampled_from([r for r in RELEASES if r != "1.8.3"]),
    kind=st.sampled_from(["argocd-update", "git-wait-for-pr", "http"]),
    threshold=st.integers(1, 12),
    timeout=st.sampled_from([0, 1500, 30_000, 61_234, 600_000]),
    down=st.sampled_from([0, 1, 40, 700, 5_000, 90_000, 700_000]),
    ready=st.sampled_from([0, 10, 29_000, 31_000, 299_999, 400_000]),
    takes=st.sampled_from([0, 1, 250, 1000, 7_321]),
)
def test_a_simulated_promotion_goes_as_one_that_is_run(
    release: str, kind: str, threshold: int, timeout: int, down: int, ready: int, takes: int
) -> None:
    ready = 0 if down else ready  # the clock of what it waits for starts with the first attempt that gets through
    behaviours = RELEASES[release]
    steps = (StepSpec("wait", kind, retry=Retry(timeout, threshold)), StepSpec("end", "git-clone"))
    template = Template(steps, ())
    poll = poll_of(kind, behaviours)
    possible = (Result.SUCCEEDED, Result.ERRORED, Result.RUNNING)
    waits = StepWorld(always(takes), possible=possible, ready=always(ready), outage=always(down), poll_ms=poll)
    study = Study(template, (waits, StepWorld(always(takes))), behaviours)
    done = Life(study, Sampled(1)).run(fresh(Life(study, Sampled(1)), np.zeros(1, np.int64)))
    phase, end, attempts = concrete(template, behaviours, down_until=down, ready_at=ready, takes=takes, poll=poll)
    outcome = OUTCOMES[int(done["outcome"][0])]

    if outcome is Outcome.STUCK:
        assert phase is PromotionPhase.RUNNING
    else:
        assert (PHASES[outcome], int(done["attempts"][0])) == (phase, attempts)
        assert int(done["over"][0]) == end


def test_the_step_that_skips_itself_is_simulated_too() -> None:
    """In 1.8.3 a step that failed once is skipped, and the Promotion succeeds: the simulator knows no better."""
    template = Template((StepSpec("clone", "git-clone", retry=Retry(None, 3)),), ())
    world = StepWorld(always(100), Values("r", {1: 1.0}))
    ends = {}
    for release in ("1.8.3", "1.11.2"):
        study = Study(template, (world,), RELEASES[release], runs=10)
        ends[release] = tally(study).outcomes

    assert ends["1.8.3"][OUTCOMES.index(Outcome.VERIFIED)] == 10
    assert ends["1.11.2"][OUTCOMES.index(Outcome.FAILED)] == 10


# Against exact values


@pytest.mark.parametrize("policy", POLICIES)
def test_simulated_and_exact_values_agree(policy: str, small: Study) -> None:
    study = replace(small, policy=policy_named(policy))
    assert agree(study).verified_after is not None


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("policy", [*POLICIES, "hints:1"])
def test_simulated_and_exact_values_agree_in_every_release(release: str, policy: str, tmp_path: Path) -> None:
    text = SMALL.replace("runs: 30000", f"kargo: '{release}'\nruns: 30000")
    test_simulated_and_exact_values_agree(policy, study_of(text, tmp_path))


@pytest.mark.parametrize("policy", ["none", "recreate:1"])
def test_storm_agrees_about_a_study(policy: str, small: Study, tmp_path: Path) -> None:
    storm_agrees(replace(small, policy=policy_named(policy)), tmp_path)


def test_what_nobody_knows_gives_bounds_that_hold_whatever_it_is(tmp_path: Path) -> None:
    text = SMALL.replace("results: {Errored: 0.1}", "results: [Succeeded, Errored]")
    open_ = solved(study_of(text, tmp_path))
    verified = open_.outcomes[Outcome.VERIFIED]
    inside = []
    for chance in (0.0, 0.2, 0.9, 1.0):
        known = study_of(SMALL.replace("results: {Errored: 0.1}", f"results: {{Errored: {chance}}}"), tmp_path)
        one = solved(known).outcomes.get(Outcome.VERIFIED, chains.Bounds(0.0, 0.0)).least
        inside.append(one)

    assert verified.least < verified.greatest
    assert all(verified.least - 1e-9 <= one <= verified.greatest + 1e-9 for one in inside)
    assert verified.greatest == pytest.approx(inside[0])
    assert verified.least == pytest.approx(inside[-1])


def test_a_promotion_that_may_never_end_has_no_expected_time(tmp_path: Path) -> None:
    text = """
stage: {steps: [{uses: http, as: ask}]}
world: {steps: {ask: {takes: 1s, results: {FailedWithoutError: 1}}}}
"""
    found = solved(study_of(text, tmp_path))

    assert found.never_ends
    assert not found.outcomes
    assert tally(study_of(text, tmp_path, runs=5)).outcomes[OUTCOMES.index(Outcome.UNFINISHED)] == 5


# Whoever does the work


def test_the_same_study_gives_the_same_counts_however_it_is_divided(
    small: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = replace(small, runs=3000, promotions=2, every=always(40_000))
    whole = tally(study)
    monkeypatch.setattr(measures, "BLOCK", 256)
    divided = tally(study)

    assert whole.outcomes == divided.outcomes
    assert whole.means == divided.means
    assert all((whole.times[n].counts == divided.times[n].counts).all() for n in measures.TIMES)
    assert tally(replace(study, seed=2)).means != whole.means


def test_the_order_in_which_portions_come_makes_no_difference(small: Study) -> None:
    variants = tuple(Variant(p, replace(small, runs=40_000, policy=policy_named(p))) for p in ("none", "restart:1"))
    work = [*measures.portions(variants)]
    forth = measures.together(map(measures.count, work))
    back = measures.together(map(measures.count, reversed(work)))

    assert len(work) > 2
    assert [t.means for t in forth] == [t.means for t in back]
    assert [t.against for t in forth] == [t.against for t in back]


# With the same luck


def lived(study: Study) -> dict[str, np.ndarray]:
    [batch] = measures.simulate(study, 0, study.runs)
    return batch.columns


@pytest.mark.parametrize("policy", ["restart:2", "recreate:2", "rollback:2", "hints:2"])
def test_a_run_that_does_not_fail_is_the_same_under_every_policy(policy: str, small: Study) -> None:
    study = replace(small, runs=4000)
    without, having = lived(study), lived(replace(study, policy=policy_named(policy)))
    same = without["outcome"] != OUTCOMES.index(Outcome.FAILED)

    assert 1000 < same.sum() < 4000
    for name in ("outcome", NOW, "attempts", "work", "promotions"):
        assert (without[name][same] == having[name][same]).all(), name


def test_a_policy_repairs_failures_and_says_what_that_costs(small: Study) -> None:
    policies = ("none", "restart:2", "recreate:2")
    variants = tuple(Variant(p, replace(small, runs=4000, policy=policy_named(p))) for p in policies)
    none, restart, recreate = measures.together(map(measures.count, measures.portions(variants)))

    for better in (restart, recreate):
        more = better.difference(measures.SUCCESS, 0.99)
        wasted = better.difference(measures.WASTED_WORK, 0.99)
        assert more is not None
        assert wasted is not None
        assert more.low > 0.2
        assert wasted.low > 0
    assert none.difference(measures.SUCCESS, 0.99) is None
    assert restart.means[measures.PROMOTIONS].sums[0] == 4000 < recreate.means[measures.PROMOTIONS].sums[0]
    assert restart.means[measures.STARTS].sums[0] > 0 == recreate.means[measures.STARTS].sums[0]


# What is promoted


def test_manifests_are_found_beside_the_study(tmp_path: Path) -> None:
    scenario = Path(study_file.__file__).parents[1] / "scenarios" / "skip-vs-retry"
    for name in ("stage.yaml", "task.yaml"):
        (tmp_path / name).write_bytes((scenario / name).read_bytes())
    world = "world: {steps: {'task-1::gitClone': {results: {Errored: 1}}}}"
    text = f"kargo: 1.8.3\nmanifests: [stage.yaml, task.yaml]\n{world}"
    study = study_of(text, tmp_path, runs=50)

    assert tally(study).outcomes[OUTCOMES.index(Outcome.VERIFIED)] == 50  # the bug of that scenario
    fixed = replace(study, behaviours=RELEASES["1.8.5"])
    assert tally(fixed).outcomes[OUTCOMES.index(Outcome.FAILED)] == 50


def test_an_if_that_cannot_be_decided_holds_as_often_as_the_study_says(tmp_path: Path) -> None:
    text = """
stage:
  steps:
  - {uses: http, as: ask}
  - {uses: git-clone, as: clone, if: "${{ outputs.ask.ok }}"}
world: {steps: {clone: {takes: 3s, holds: 0.25, results: {Errored: 1}}}}
"""
    values = solved(study_of(text, tmp_path))

    assert values.outcomes[Outcome.FAILED].least == pytest.approx(0.25)
    found = tally(study_of(text, tmp_path, runs=4000)).share_of(Outcome.FAILED, CONFIDENT)
    assert found is not None
    assert found.low <= 0.25 <= found.high


def test_a_long_template_is_tabulated_in_time() -> None:
    steps = tuple(StepSpec(f"s{k}", "git-clone", continue_on_error=True) for k in range(40))
    certain = StepWorld(always(10), possible=(Result.SUCCEEDED,))
    found = lived(Study(Template(steps, ()), (certain,) * 40, runs=3))

    assert found["over"].tolist() == [400] * 3


# Time


def waits_for_pr(release: str, watched: bool = False) -> Study:
    steps = (StepSpec("sync" if watched else "pr", "argocd-update" if watched else "git-wait-for-pr"),)
    behaviours = RELEASES[release]
    possible = (Result.SUCCEEDED, Result.ERRORED, Result.RUNNING)
    poll = poll_of(steps[0].kind, behaviours)
    world = StepWorld(always(0), possible=possible, ready=always(100_000), poll_ms=poll, watched=watched)
    return Study(Template(steps, ()), (world,), behaviours, latency=always(50), runs=1)


@pytest.mark.parametrize(
    ("study", "after"),
    [
        (waits_for_pr("1.10.10"), 300_000 + 1),  # nobody tells, and the controller looks every five minutes
        (waits_for_pr("1.11.2"), 4 * 30_001),  # the step asks to be polled every 30 seconds
        (waits_for_pr("1.11.2", watched=True), 100_000 + 50),  # a watch tells
        (waits_for_pr("1.9.9", watched=True), 100_000 + 50),
    ],
)
def test_a_step_that_waits_is_looked_at_when_its_release_does(study: Study, after: int) -> None:
    found = lived(study)

    assert int(found["over"][0] - found["begun"][0]) == after


def test_up_to_1_9_health_is_not_believed_for_ten_seconds() -> None:
    known = {}
    for release in ("1.9.9", "1.10.10"):
        study = replace(waits_for_pr(release, watched=True), settling=Settling(delay=always(2000)))
        found = lived(study)
        known[release] = int(found["known"][0] - found["over"][0])

    assert known["1.10.10"] == 2000
    # The queue backs off meanwhile: 5 ms, 10 ms, ... and each timer fires a millisecond late.
    assert known["1.9.9"] == 50 + sum((5 << n) + 1 for n in range(11))


def test_promotions_wait_for_those_before_them() -> None:
    world = StepWorld(always(60_000))
    template = Template((StepSpec("clone", "git-clone"),), ())
    study = Study(template, (world,), promotions=4, every=always(10_000), runs=3)
    found = tally(study)
    blocked = found.mean(BLOCKED, 0.95)

    assert blocked is not None
    assert blocked.value == (0 + 50_000 + 100_000 + 150_000) / 4
    assert found.times[BLOCKED].total == 12


def test_a_promotion_may_be_overtaken_while_its_stage_is_not_healthy() -> None:
    template = Template((StepSpec("clone", "git-clone"),), ())
    settling = Settling(delay=always(60_000), verifies=True, takes=always(10_000))
    study = Study(template, (StepWorld(),), promotions=2, every=always(30_000), settling=settling, runs=4)
    found = tally(study)

    assert found.outcomes[OUTCOMES.index(Outcome.OVERTAKEN)] == 4
    assert found.outcomes[OUTCOMES.index(Outcome.VERIFIED)] == 4
    patient = tally(replace(study, every=always(65_000)))  # by then verification is under way, and comes first
    assert patient.outcomes[OUTCOMES.index(Outcome.VERIFIED)] == 8
    waited = patient.mean(BLOCKED, 0.95)
    assert waited is not None
    assert waited.value == 5_000 / 2


def test_a_promotion_that_takes_too_long_is_given_up() -> None:
    study = replace(waits_for_pr("1.11.2"), until_ms=50_000)

    assert tally(study).outcomes[OUTCOMES.index(Outcome.UNFINISHED)] == 1


@pytest.mark.slow
def test_the_page_about_retry_settings_shows_what_is_simulated() -> None:
    page = (Path(__file__).parents[1] / "docs" / "retry-settings.md").read_text(encoding="utf-8")
    shown = [line for line in page.splitlines() if line.startswith("|")]

    assert shown == [*retry_settings.table_of_settings(), *retry_settings.table_of_outages()]


# Disturbed

PERSON = Disturbances(aborts=Values("", {1: 0.3, 0: 0.7}), abort_after=Values("", {2000: 0.5, 20_000: 0.5}))
RESTARTS_MS = Values("", {7000: 0.5, 45_000: 0.5})
RESTARTED = Disturbances(restarts=RESTARTS_MS, down=always(3000))
BOTH = replace(RESTARTED, aborts=PERSON.aborts, abort_after=always(9000))


@pytest.mark.parametrize(
    ("policy", "disturbances"),
    [("none", PERSON), ("none", RESTARTED), ("recreate:2", PERSON), ("restart:1", BOTH)],
    ids=["person", "restarts", "person and recreate", "both and restart"],
)
def test_simulated_and_exact_values_agree_about_what_is_disturbed(
    policy: str, disturbances: Disturbances, small: Study
) -> None:
    test_simulated_and_exact_values_agree(policy, replace(small, disturbances=disturbances, runs=10_000))


class Given:
    """What is drawn from these streams is written down; all else is what it always is."""

    def __init__(self, **given: tuple[int, ...]) -> None:
        self.given = {getattr(world, name): values for name, values in given.items()}

    def draw(
        self, batch: Batch, distribution: Distribution, number_of: int, number: Column
    ) -> tuple[Batch, Column]:
        """A value for the only row, if there is one."""
        values = self.given.get(number_of)
        if values is None:
            assert distribution.only is not None
            return batch, constant(distribution.only, len(batch))
        return batch, constant(values[int(number[0])] if len(number) else 0, len(batch))


LONG = 10_000_000


def disturbed(release: str, **given: tuple[int, ...]) -> dict[str, int]:
    """A clone of 10 seconds, and a request whose answer is there after 100; the controller is down for 3."""
    template = Template((StepSpec("clone", "git-clone"), StepSpec("ask", "http")), ())
    possible = (Result.SUCCEEDED, Result.RUNNING)
    asks = StepWorld(always(1000), possible=possible, ready=always(100_000), poll_ms=10_000)
    clones = StepWorld(always(10_000), possible=(Result.SUCCEEDED,))
    about = Disturbances(
        aborts=Values("", {1: 0.5, 0: 0.5}) if "ABORT" in given else None,
        restarts=RESTARTS_MS if "RESTART" in given else None,
        down=always(3000),
    )
    study = Study(template, (clones, asks), RELEASES[release], disturbances=about)
    life = Life(study, Given(**given))
    done = life.run(fresh(life, np.zeros(1, np.int64)))
    return {name: int(of[0]) for name, of in done.columns.items()}


def restarted(
    release: str, *passes: tuple[int, bool], clones: tuple[Attempt, ...], asks: tuple[Attempt, ...]
) -> State:
    """What the model makes of passes at these times, some of which a restart comes before."""
    template = Template((StepSpec("clone", "git-clone"), StepSpec("ask", "http")), ())
    planner = planning.planner_of(template, RELEASES[release])
    system = run_passes.run_system(planning.scripted(planner, {"clone": clones, "ask": asks}))
    state = run_passes.begin(system)
    for at, restart in passes:
        state = run_passes.pass_over(system, state, at - state["now"], restart=restart).state
    return state


@pytest.mark.parametrize("release", ["1.8.5", "1.11.2"])
def test_a_restart_while_a_step_waits_begins_anew(release: str) -> None:
    """The work directory is lost: the clone is made again, and the request is sent again."""
    found = disturbed(release, RESTART=(40_000, LONG))
    polls = 4  # at 10, 21, 32 seconds and, if it were not for the restart, at 43
    again = 43_000 + 10_000
    state = restarted(
        release,
        (0, False),
        (43_000, True),
        clones=(Attempt("Succeeded", takes_ms=10_000),),
        asks=(Attempt("Running", takes_ms=1000), Attempt("Succeeded", takes_ms=1000)),
    )

    assert state["phase"] is PromotionPhase.SUCCEEDED
    assert state["tries[clone]"] == 2
    assert found["tries[0]"] == 2
    assert OUTCOMES[found["outcome"]] is Outcome.VERIFIED
    assert found["over"] >= again + 100_000
    assert found["over"] < again + 100_000 + 12_000
    assert found["tries[1]"] > polls


@pytest.mark.parametrize("release", ["1.8.5", "1.9.9", "1.11.2"])
def test_a_restart_during_a_step_undoes_the_pass(release: str) -> None:
    """The status of that pass cannot be written: all is done again when the controller is back."""
    found = disturbed(release, RESTART=(4000, LONG))
    cut = Attempt("Errored", error="context canceled", takes_ms=4000, cancels=True)
    state = restarted(
        release,
        (0, False),
        (7000, True),
        clones=(cut, Attempt("Succeeded", takes_ms=10_000)),
        asks=(Attempt("Succeeded", takes_ms=1000),),
    )

    assert state["phase"] is PromotionPhase.SUCCEEDED
    assert found["tries[0]"] == state["tries[clone]"] == 2
    assert OUTCOMES[found["outcome"]] is Outcome.VERIFIED
    assert found["over"] >= 7000 + 10_000 + 100_000


@pytest.mark.parametrize("lives", [60_000, 5000], ids=["the step that waits", "the clone"])
def test_what_takes_longer_than_the_controller_lives_never_ends(lives: int) -> None:
    found = disturbed("1.11.2", RESTART=(lives,) * 20_000)

    assert OUTCOMES[found["outcome"]] is Outcome.UNFINISHED
    assert found["tries[0]"] > 1000


@pytest.mark.parametrize("policy", ["restart:1", "recreate:1"])
def test_a_restart_of_the_controller_is_no_response_of_the_policy(policy: str, small: Study) -> None:
    """Nothing fails, but the controller is restarted again and again: no policy does anything."""
    steps = tuple(replace(step, results=always(0), outage=None) for step in small.steps)
    restarted = replace(small, steps=steps, disturbances=RESTARTED, runs=500)
    without, having = lived(restarted), lived(replace(restarted, policy=policy_named(policy)))

    assert (without["attempts"] > len(steps)).any()
    assert having["starts"].sum() == 0
    for name in ("outcome", NOW, "attempts", "promotions"):
        assert (without[name] == having[name]).all(), name


def test_a_controller_that_is_restarted_before_it_knows_of_a_promotion_loses_no_time() -> None:
    study = replace(waits_for_pr("1.11.2"), disturbances=replace(RESTARTED, restarts=always(70), down=always(5)))
    early = lived(replace(study, steps=(StepWorld(),)))

    assert early["over"].tolist() == [2 * 50]


@pytest.mark.parametrize("policy", ["none", "restart:2", "recreate:2", "rollback:2"])
def test_no_policy_undoes_an_abort(policy: str, small: Study) -> None:
    everybody = Disturbances(aborts=always(1), abort_after=always(500))
    found = lived(replace(small, policy=policy_named(policy), disturbances=everybody, runs=500))
    aborted = found["outcome"] == OUTCOMES.index(Outcome.ABORTED)

    assert aborted.sum() > 400
    assert (found["promotions"][aborted] == 1).all()


def test_an_abort_that_comes_too_late_is_not_heard(small: Study) -> None:
    """A Promotion that fails in the pass that is under way has failed: a policy may create another one."""
    everybody = Disturbances(aborts=always(1), abort_after=always(500))
    none, having = (
        lived(replace(small, policy=policy_named(policy), disturbances=everybody, runs=500))
        for policy in ("none", "recreate:2")
    )
    failed = none["outcome"] == OUTCOMES.index(Outcome.FAILED)

    assert 0 < failed.sum() < 50
    assert (having["promotions"][failed] > 1).all()
    assert (having["outcome"][failed] == OUTCOMES.index(Outcome.VERIFIED)).any()


def test_an_abort_is_heard_while_a_step_waits_and_after_an_attempt() -> None:
    waiting = disturbed("1.11.2", ABORT=(1, 1), ABORTED=(50_500, 50_500))
    busy = disturbed("1.11.2", ABORT=(1, 1), ABORTED=(4000, 4000))
    late = disturbed("1.11.2", ABORT=(1, 1), ABORTED=(LONG, LONG))

    assert [OUTCOMES[of["outcome"]] for of in (waiting, busy, late)] == [
        Outcome.ABORTED,
        Outcome.ABORTED,
        Outcome.VERIFIED,
    ]
    assert waiting["over"] == 50_500
    assert busy["over"] == 11_000  # the pass that is under way goes on to its end


def test_disturbances_are_read(tmp_path: Path) -> None:
    study = study_of(SMALL + "  abort: {chance: 0.25, after: 5s}\n  restarts: {every: 1h, down: 20s}\n", tmp_path)

    assert study.disturbances == Disturbances(
        aborts=Values("yes or no", {1: 0.25, 0: 0.75}),
        abort_after=always(5000, "5s"),
        restarts=always(3_600_000, "1h"),
        down=always(20_000, "20s"),
    )
