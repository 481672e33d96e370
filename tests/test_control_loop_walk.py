"""Random walks over the whole control loop: Hypothesis is the user, and the checker's claims judge what happens."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import product
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from invariants.kargo import control_loop
from model.kargo.attempts import Attempt
from model.kargo.loop.fields import OF_ORIGINS, OF_STAGES
from model.kargo.loop.pipeline import StageSpec
from model.kargo.loop.values import of
from model.kargo.phases import HealthState, VerificationPhase
from model.kargo.plan import Plan
from model.kargo.releases import RELEASES
from model.kargo.worlds import Script
from model.system import Tables
from simulations.kargo.loop import symptoms
from simulations.kargo.loop.cluster import Cluster
from simulations.kargo.loop.phrases import event_of
from simulations.kargo.loop.plans import scripted_plan
from simulations.kargo.loop.told import Moment, Telling
from tests.walking import walks

WAREHOUSES = ("apps", "base")
STAGE = "dev"
PROGRAM: dict[str, Any] = {
    "id": "walk",
    "topology": {
        "warehouses": list(WAREHOUSES),
        "stages": [
            {
                "name": STAGE,
                "requests": [{"warehouse": w, "direct": True} for w in WAREHOUSES],
                "template": [{"as": "test"}, {"as": "publish", "if": "${{ 1 == 1 }}"}],
                "verification": True,
            }
        ],
    },
    "events": [],
}
"""A Stage that takes Freight from two Warehouses; its second step has an `if` that does not ask about failures."""

FREIGHT = [(f"{warehouse[0]}{n}", warehouse) for warehouse in WAREHOUSES for n in (1,)]

OUTCOMES: dict[str, Script] = {
    "succeeds": (Attempt("Succeeded"),),
    "fails": (Attempt("Failed", error="fatal", terminal=True),),
    "takes a while": (Attempt("Running", retry_after_ms=30_000), Attempt("Succeeded")),
}
"""What the first step of a Promotion comes to."""

REMARKS = {"succeeds": "", "fails": " (its test fails)", "takes a while": " (its test takes a while)"}
"""What a story says of it."""

MOST_PROMOTIONS = 5

# Judging


class WrongError(AssertionError):
    """A claim is violated; the message is the whole story, a sentence for each thing that was done."""

    def __init__(self, claim: str, about: str, story: Iterable[tuple[str, str]]) -> None:
        self.claim, self.story = claim, tuple(story)
        told = (sentence + REMARKS[outcome] for sentence, outcome in self.story)
        super().__init__("\n".join((*told, f"so it is not true of {about} that {claim.replace('_', ' ')}")))


Judge = Callable[[Cluster, tuple[Moment, ...]], str | None]
"""Says of what a claim is violated in what has just happened; None if it is not."""


def of_a_state_or_step(claim: Callable[..., bool], cluster: Cluster, moments: Iterable[Moment]) -> str | None:
    """A claim of the checker, of the Stage and every Promotion and Warehouse it may be about."""
    about = list(subjects(claim, tuple(cluster.made)))
    of_passes = claim.__name__ not in OF_ANY_STEP
    for moment in moments:
        if of_passes and moment.who != f"Stage/{STAGE}":
            continue
        for promotion, warehouse in about:
            values = arguments(claim, moment, promotion, warehouse)
            if values is not None and not claim(**values):
                return " and ".join(filter(None, (promotion, warehouse))) or STAGE
    return None


@cache
def parameters(claim: Callable[..., bool]) -> tuple[tuple[str, str, bool], ...]:
    """The parameters of a claim, each with the field that it is about, and whether it is the value after a step."""
    found = inspect.signature(claim).parameters
    return tuple((p, p.removeprefix("next_"), p.startswith("next_")) for p in found)


def subjects(claim: Callable[..., bool], promotions: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    fields = {field for _, field, _ in parameters(claim)}
    of_promotion = bool(fields - OF_STAGES.keys() - OF_ORIGINS.keys())
    of_warehouse = bool(fields & {*OF_ORIGINS, "carried"})
    return product(promotions if of_promotion else ("",), WAREHOUSES if of_warehouse else ("",))


def arguments(
    claim: Callable[..., bool], moment: Moment, promotion: str, warehouse: str
) -> Mapping[str, object] | None:
    """What the claim is to judge, None while there is no such Promotion."""
    after = {field for _, field, late in parameters(claim) if late}
    found = {}
    for parameter, field, late in parameters(claim):
        state = moment.before if after and not late else moment.after
        name = variable(field, promotion, warehouse)
        if name not in state:
            return None
        found[parameter] = state[name]
    return found


def variable(field: str, promotion: str, warehouse: str) -> str:
    if field in OF_STAGES:
        return of(field, STAGE)
    if field in OF_ORIGINS:
        return of(field, STAGE, warehouse)
    return of(field, promotion, warehouse) if field == "carried" else of(field, promotion)


def of_a_run(claim: symptoms.Claim, cluster: Cluster, moments: tuple[Moment, ...]) -> str | None:
    """A claim about what happened, or did not for too long."""
    found = symptoms.violation(claim, cluster, moments)
    return None if found is None else found.about


RECORDED = "a_promotion_that_was_current_is_recorded"
CARRIED = "every_origin_in_use_is_carried_on"
GUARDED = "after a failure only steps whose if asks for it start"
GIVEN_UP = "a success is verified or given up within an hour"

ALWAYS_KEPT = (
    "the_last_promotion_changes_only_while_one_is_current",
    "what_is_recorded_is_over_and_comes_after",
    "freight_comes_into_use_only_by_a_record",
    "verification_starts_only_without_a_current_promotion",
    "verification_starts_only_when_healthy",
    "analysis_runs_are_made_only_when_healthy",
    "no_promotion_overtakes_a_verification",
    "no_promotion_starts_before_a_healthy_stage_was_verified",
    "no_older_verification_is_under_way",
    "health_is_assessed_only_after_a_success",
    "health_is_unknown_after_a_failure",
    "terminal_phases_never_change",
    "a_current_promotion_is_not_over_for_long",
)
"""Claims that every release keeps."""

OF_ANY_STEP = (CARRIED, "no_older_verification_is_under_way", "terminal_phases_never_change")
"""Claims that are not about passes over the Stage."""

JUDGES: dict[str, Judge] = {
    **{n: partial(of_a_state_or_step, getattr(control_loop, n)) for n in (RECORDED, CARRIED, *ALWAYS_KEPT)},
    **{n: partial(of_a_run, symptoms.CLAIMS[n]) for n in (GUARDED, GIVEN_UP)},
}

# Walking

Done = tuple[str, str]
"""Something that happens, and what a Promotion that it makes comes to."""


@cache
def tables(release: str) -> Tables:
    return Tables()


class Session:
    """A cluster of one release, what was done to it, and what is judged."""

    def __init__(self, release: str, claims: Iterable[str]) -> None:
        self.telling = Telling(PROGRAM, RELEASES[release], tables(release))
        self.judges = {claim: JUDGES[claim] for claim in claims}
        self.done: list[Done] = []
        self.telling.cluster.plan_of = self.plan_of

    def plan_of(self, stage: StageSpec, number: int) -> Plan:
        """What the steps of the Promotion do that is being made."""
        cluster = self.telling.cluster
        scripts = (OUTCOMES[self.done[-1][1]], OUTCOMES["succeeds"])
        return scripted_plan(cluster.pipeline.project, stage, scripts, cluster.behaviours)

    @property
    def cluster(self) -> Cluster:
        return self.telling.cluster

    def happen(self, sentence: str, outcome: str = "succeeds") -> None:
        """Let something happen, and judge it."""
        self.done.append((sentence, outcome))
        beat = self.telling.tell(event_of(sentence))
        end = Moment(self.cluster.now, "clock", state := dict(self.cluster.state), state)
        for claim, judge in self.judges.items():
            if (about := judge(self.cluster, (*beat.moments, end))) is not None:
                raise WrongError(claim, about, self.done)

    def to_come(self) -> list[tuple[str, str]]:
        """The Freight that is not there yet, with its Warehouse."""
        return [(f, w) for f, w in FREIGHT if not self.cluster.exists_freight(f)]

    def found(self) -> list[str]:
        """The Freight that is there."""
        return [f for f, _ in FREIGHT if self.cluster.exists_freight(f)]

    def existing(self) -> list[str]:
        """The Promotions that exist."""
        return self.cluster.existing(STAGE)

    def open(self) -> list[str]:
        """The Promotions that are not over."""
        return [p for p in self.existing() if not self.cluster.is_over(p)]

    def may_promote(self) -> bool:
        """Whether there is Freight, and not yet too many Promotions."""
        return bool(self.found()) and len(self.cluster.made) < MOST_PROMOTIONS


class Walk(RuleBasedStateMachine):
    """A user of one release, and what is judged."""

    release: str
    claims: tuple[str, ...]

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(self.release, self.claims)

    @precondition(lambda self: self.session.to_come())
    @rule(data=st.data())
    def find(self, data: st.DataObject) -> None:
        freight, warehouse = data.draw(st.sampled_from(self.session.to_come()))
        self.session.happen(f"{warehouse} finds {freight}")

    @precondition(lambda self: self.session.may_promote())
    @rule(data=st.data(), outcome=st.sampled_from(list(OUTCOMES)), name=st.sampled_from(["", "", "release"]))
    def promote(self, data: st.DataObject, outcome: str, name: str) -> None:
        freight = data.draw(st.sampled_from(self.session.found()))
        named = f" as {STAGE}.{name}-{len(self.session.cluster.made)}" if name else ""
        self.session.happen(f"promote {freight} to {STAGE}{named}", outcome)

    @precondition(lambda self: self.session.may_promote())
    @rule(data=st.data())
    def promote_and_wait(self, data: st.DataObject) -> None:
        freight = data.draw(st.sampled_from(self.session.found()))
        self.session.happen(f"promote {freight} to {STAGE}")
        self.session.happen("let the controllers work for 1m")

    @precondition(lambda self: self.session.open())
    @rule(data=st.data())
    def abort(self, data: st.DataObject) -> None:
        self.session.happen(f"abort {data.draw(st.sampled_from(self.session.open()))}")

    @precondition(lambda self: self.session.existing())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.session.happen(f"delete {data.draw(st.sampled_from(self.session.existing()))}")

    @precondition(lambda self: self.session.existing())
    @rule(data=st.data())
    def approve(self, data: st.DataObject) -> None:
        self.session.happen(f"approve {data.draw(st.sampled_from(self.session.found()))} for {STAGE}")

    @precondition(lambda self: self.session.existing())
    @rule(health=st.sampled_from([HealthState.HEALTHY, HealthState.PROGRESSING, HealthState.UNHEALTHY]))
    def change(self, health: HealthState) -> None:
        self.session.happen(f"the applications of {STAGE} become {health}")

    @precondition(lambda self: self.session.cluster.state[of("runs", STAGE)])
    @rule(phase=st.sampled_from([VerificationPhase.SUCCESSFUL, VerificationPhase.FAILED]))
    def measure(self, phase: VerificationPhase) -> None:
        self.session.happen(f"the AnalysisRun of {STAGE} becomes {phase}")

    @precondition(lambda self: self.session.open())
    @rule()
    def work(self) -> None:
        self.session.happen("let the controllers work for 1m")

    @precondition(lambda self: self.session.existing() and not self.session.open())
    @rule()
    def work_for_hours(self) -> None:
        self.session.happen("let the controllers work for 2h")

    @precondition(lambda self: not self.session.existing() and not self.session.may_promote())
    @rule()
    def rest(self) -> None:
        """Nothing can be done any more; without a rule for that, Hypothesis takes it for a mistake."""


def walker(release: str, claims: tuple[str, ...]) -> type[Walk]:
    """A user of that release, and these claims."""
    return type("Walk", (Walk,), {"release": release, "claims": claims})


def wrong(release: str, claim: str, story: Iterable[Done]) -> WrongError | None:
    """How the claim is violated if all this happens, if it is."""
    session = Session(release, (claim,))
    try:
        for sentence, outcome in story:
            session.happen(sentence, outcome)
    except WrongError as found:
        return found
    return None


def simpler(story: tuple[Done, ...]) -> Iterator[tuple[Done, ...]]:
    """The story without one of its sentences, or with a plainer one in its place."""
    for k, (sentence, outcome) in reversed(list(enumerate(story))):
        unnamed = sentence.partition(" as ")[0]
        plainer = {(unnamed, outcome), (sentence, "succeeds")} - {(sentence, outcome)}
        yield from (story[:k] + put + story[k + 1 :] for put in ((), *((p,) for p in sorted(plainer))))


def shortened(release: str, found: WrongError) -> WrongError:
    """The story without everything that can be left out, or said more plainly."""
    for story in simpler(found.story):
        without = wrong(release, found.claim, story)
        if without is not None:
            return shortened(release, without)
    return found


def story_of(release: str, claim: str) -> list[str]:
    """The story that Hypothesis finds in which the claim is violated, without what can be left out."""
    with pytest.raises(WrongError) as caught:
        run_state_machine_as_test(walker(release, (claim,)), settings=walks(600, 16))
    return str(shortened(release, caught.value)).splitlines()


BUGS = {
    RECORDED: ("1.8.3", "1.8.5", "1.9.9", "1.10.10"),
    CARRIED: ("1.8.3", "1.8.5", "1.9.9", "1.10.10"),
    GUARDED: tuple(RELEASES),
    GIVEN_UP: tuple(RELEASES),
}
"""The releases that have each of the bugs."""

AT_ONCE = (RECORDED, GUARDED)
"""Those that are looked for in the newest release that has them; the rest with the slow tests."""

FOUND = [
    pytest.param(claim, release, marks=[] if claim in AT_ONCE and release == releases[-1] else [pytest.mark.slow])
    for claim, releases in BUGS.items()
    for release in dict.fromkeys((releases[0], releases[-1]))
]
"""In the first and the last release that has each; what the checker finds is pinned for all of them."""


@pytest.mark.parametrize(("claim", "release"), FOUND)
def test_walks_find_the_reported_bug_and_tell_a_short_story(claim: str, release: str) -> None:
    story = story_of(release, claim)

    assert story[0] in ("apps finds a1", "base finds b1")
    assert len(story) <= 11
    assert max(len(sentence) for sentence in story) < 116
    assert story[-1].endswith(claim.replace("_", " "))


def test_the_story_of_a_step_that_runs_after_a_failure_is_as_short_as_can_be() -> None:
    found, promoted, *rest = story_of("1.11.2", GUARDED)

    freight = found.rpartition(" ")[2]
    assert promoted == f"promote {freight} to dev (its test fails)"
    assert rest == [
        "let the controllers work for 1m",
        f"so it is not true of publish of dev#1 that {GUARDED}",
    ]


@pytest.mark.parametrize(
    ("release", "examples"),
    [("1.11.2", 60), *(pytest.param(release, 200, marks=pytest.mark.slow) for release in RELEASES)],
)
def test_walks_find_nothing_where_the_bug_is_not(release: str, examples: int) -> None:
    absent = tuple(claim for claim, releases in BUGS.items() if release not in releases)

    run_state_machine_as_test(walker(release, (*ALWAYS_KEPT, *absent)), settings=walks(examples, 16))


def test_a_walk_judges_what_it_says() -> None:
    """A user who can only do what leads to a bug finds it: the judges are awake."""
    story = [
        ("apps finds a1", ""),
        ("promote a1 to dev as dev.release-7", "succeeds"),
        ("let the controllers work for 1m", ""),
        ("the AnalysisRun of dev becomes Successful", ""),
        ("promote a1 to dev", "succeeds"),
        ("let the controllers work for 1m", ""),
    ]
    told = [(sentence, outcome or "succeeds") for sentence, outcome in story]

    assert wrong("1.10.10", RECORDED, told) is not None
    assert wrong("1.11.2", RECORDED, told) is None
