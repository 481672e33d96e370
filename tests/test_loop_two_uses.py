"""One model, two uses: what the checker explores, played again on a cluster, comes to the same, step by step."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

import pytest

from invariants.kargo.loops import LOOPS, Loop, bounded
from model.kargo.attempts import Attempt
from model.kargo.loop import exploration
from model.kargo.loop.values import of
from model.kargo.plan import said
from model.kargo.releases import LATEST, RELEASES, AutoPromotionGuard, Behaviours, PromotionGate
from model.kargo.templates import StepSpec
from model.kargo.worlds import Script
from model.system import State, Successor, System, Tables
from simulations.kargo.loop import events
from simulations.kargo.loop.cluster import Cluster
from simulations.kargo.loop.plans import scripted_plans
from tests.every_release import EVERY

Scripts = dict[str, list[Attempt]]

WALKS = {
    "single": (3, 2),
    "by-hand": (2, 2),
    "verification": (2, 2),
    "auto": (3, 2),
    "two-origins": (3, 1),
    "dev-prod": (2, 2),
    "control-flow": (2, 1),
    "match-upstream": (2, 2),
    "approvals": (2, 1),
}
"""The loops, with so many Promotions for each Stage and Freight from each Warehouse."""

STEPS = 60
"""How long a walk is, unless nothing is left to do."""


@pytest.fixture(autouse=True)
def whole_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checker, too, lists all Promotions: which ones a limited list has is not for a cluster to choose."""
    scope_of = exploration.scope_of
    monkeypatch.setattr(
        exploration, "scope_of", lambda *about: replace(scope_of(*about), cache_honours_limits=False)
    )


# What the checker does


def wandering(system: System, random: Random) -> Iterator[Successor]:
    """Steps at random; passes more often than anything else, so that there is something to meet."""
    state = next(iter(system.initial_states()))
    passes = [a for a in system.actions if a.name.startswith("reconcile ")]
    others = [a for a in system.actions if a not in passes]
    for _ in range(STEPS):
        kinds = (passes, others) if random.random() < 0.7 else (others, passes)
        steps = (step for kind in kinds for step in random.sample(kind, len(kind)))
        ways = next((found for step in steps if (found := system.perform(step, state))), None)
        if ways is None:
            return
        taken = random.choice(ways)
        yield taken
        state = taken.state


def attempts_in(taken: Successor) -> Iterator[tuple[str, Attempt]]:
    """What the step of a Promotion came back with in a pass over it."""
    promotion = taken.action.name.removeprefix("reconcile ")
    stage = promotion.partition(".")[0]
    attempt = taken.record.get(of(said(0, exploration.STEP.alias), stage))
    if attempt is not None:
        yield promotion, attempt


# The same on a cluster


class Played:
    """A cluster where the same is done: `slots` has the Promotions of the cluster by the names the checker has."""

    def __init__(self, loop: Loop, behaviours: Behaviours, scripts: dict[str, Script], tables: Tables) -> None:
        step = StepSpec(exploration.STEP.alias, "scripted")
        stages = (replace(s, steps=(step,) if s.steps else ()) for s in loop.pipeline.stages)
        pipeline = replace(loop.pipeline, stages=tuple(stages))
        self.loop, self.slots, self.order = loop, dict[str, str](), dict[str, list[str]]()
        self.of = {f: w for w, names in exploration.freight_of(pipeline, loop.bounds) for f in names}
        ok = (Attempt("Succeeded"),)

        def script(stage: str, number: int, steps: int) -> tuple[Script, ...]:
            made = self.order.get(stage, [])
            return (scripts.get(made[number - 1], ok) if number <= len(made) else ok,)

        plans = scripted_plans(pipeline.project, script, behaviours)
        self.cluster = Cluster(pipeline, behaviours, plans, tables, self.of.items())
        for stage in pipeline.names:
            self.cluster.state |= {of("finalizer", stage): True, of("policy", stage): loop.bounds.auto}

    def follow(self, taken: Successor, created: list[str], *, full: bool) -> bool:
        """Do the same, in which these Promotions are created; whether it was.

        Where the checker has `full` slots, a Stage that promotes by itself goes further here.
        """
        for promotion in created:
            self.order.setdefault(promotion.partition(".")[0], []).append(promotion)
        before = set(self.cluster.made)
        self.do(taken.action.name)
        new = [p for p in self.cluster.made if p not in before]
        if full and len(new) > len(created):
            return False
        assert len(created) == len(new), f"{taken.action.name} creates {len(created)}, here {len(new)}"
        self.slots |= dict(zip(created, new, strict=True))
        return True

    def do(self, step: str) -> None:
        """What the checker calls by that name."""
        words = step.split()
        match words:
            case ["reconcile", name] if name in self.cluster.pipeline.names:
                self.cluster.reconcile_stage(name)
            case ["reconcile", name]:
                self.cluster.reconcile_promotion(self.slots[name])
            case [freight, "is", "found"]:
                self.cluster.state["now"] += 1000  # so that it is newer than what was found before
                self.cluster.create_freight(freight, self.of[freight])
            case ["promote", freight, "to", stage, *more]:
                self.cluster.promote(stage, freight, more[1] if more else "")
            case _:
                events.CHANGES[(event := self.event(words))["do"]](self.cluster, event)

    def event(self, words: list[str]) -> dict[str, Any]:
        match words:
            case ["AnalysisRun", "of", stage, "is", phase]:
                return {"do": "analysis", "stage": stage, "phase": phase}
            case [stage, "is", health]:
                return {"do": "health", "stage": stage, "value": health}
            case ["approve", freight, "for", stage]:
                return {"do": "approve", "freight": freight, "stage": stage}
            case ["verify", stage, "again"]:
                return {"do": "reverify", "stage": stage}
            case ["abort", "the", "verification", "of", stage]:
                return {"do": "abort_verification", "stage": stage}
            case ["turn", "auto-promotion", "of", stage, value]:
                return {"do": "set_auto", "stage": stage, "value": value}
            case ["abort", promotion]:
                return {"do": "abort", "promo": self.slots[promotion]}
            case ["delete", promotion]:
                return {"do": "delete_promotion", "promo": self.slots[promotion]}
        raise AssertionError(f"nobody knows how to {' '.join(words)}")


# What both have


def told(state: State, loop: Loop, slots: dict[str, str], names: dict[str, str]) -> dict[str, object]:
    """What there is to say of a state: `slots` has the Promotions, `names` renames what they are called."""
    found: dict[str, object] = {}
    for stage in loop.pipeline.names:
        found |= {f"{f} of {stage}": state[of(f, stage)] for f in OF_STAGES}
        for f in ("current", "last"):
            found[f"{f} of {stage}"] = names.get(state[of(f, stage)], state[of(f, stage)])
        found |= {f"{k} of {stage}": v for k, v in verifications(state, stage)}
        for w in loop.pipeline.warehouses:
            found |= {f"{f} of {stage} from {w}": state[of(f, stage, w)] for f in ("in_use", "last_carried")}
            hold = state[of("hold", stage, w)]
            found[f"hold of {stage} from {w}"] = hold and (names.get(hold.promotion, hold.promotion), hold.freight)
    for promotion, slot in slots.items():
        found |= {f"{k} of {promotion}": v for k, v in of_promotion(state, slot, loop, names)}
    for _, freight in exploration.freight_of(loop.pipeline, loop.bounds):
        for name in freight:
            found[f"{name} exists"] = state[of("freight_exists", name)]
            for stage in loop.pipeline.names:
                marks = {f: state[of(f, name, stage)] is not None for f in ("verified", "since", "approved")}
                found |= {f"{name} {f} in {stage}": v for f, v in marks.items()}
    return found


OF_STAGES = (
    "stage_requeue",
    "current_freight",
    "last_phase",
    "last_freight",
    "health",
    "policy",
    "app",
    "auto_promotion",
)


def verifications(state: State, stage: str) -> Iterator[tuple[str, object]]:
    """The newest verification, what matters of older ones, and the AnalysisRuns that still matter."""
    newest, runs = state[of("verification", stage)], state[of("runs", stage)]
    yield "verification", newest and newest.phase
    older = {v.phase for v, _ in state[of("older_verifications", stage)]}
    yield "older verifications", {p for p in older if not p.terminal or p.value == "Successful"}
    yield "AnalysisRuns", {r.collection: r.phase for r in runs}
    if newest is not None:
        yield "its AnalysisRun", [r.phase for r in runs if r.number == newest.run]
        for request in ("reverify", "abort_verification"):
            asked = state[of(request, stage)]
            yield request, asked is not None and asked.id == newest.id


def of_promotion(state: State, slot: str, loop: Loop, names: dict[str, str]) -> Iterator[tuple[str, object]]:
    """A Promotion, as far as it matters: of one that is on record nobody reads what it carried."""
    phase = state[of("phase", slot)]
    yield "phase", phase
    if phase is None:
        return
    yield "freight", state[of("freight", slot)]
    yield "intent", state[of("intent", slot)]
    if not phase.terminal:
        yield "abort", state[of("abort_requested", slot)]
        entry = state[of("entry", slot, exploration.STEP.alias)]
        yield "step", entry and (entry.phase, entry.error_count)
        yield "status_freight", state[of("status_freight", slot)]
        yield "carried", [state[of("carried", slot, w)] for w in loop.pipeline.warehouses]
        yield "requeue", state[of("requeue", slot)]
        yield "started", state[of("started", slot)] is not None


# Both together


def both(loop: Loop, behaviours: Behaviours, seed: int, system: System, tables: Tables) -> Counter[str]:
    """Wander in a system, play it in a cluster that behaves so, compare; what was done, by its first word."""
    walk = list(wandering(system, Random(seed)))
    scripts: Scripts = defaultdict(list)
    for taken in walk:
        for promotion, attempt in attempts_in(taken):
            scripts[promotion].append(attempt)
    played = Played(loop, behaviours, {p: tuple(s) for p, s in scripts.items()}, tables)
    known = [v.removeprefix("used[").removesuffix("]") for v in walk[0].state if v.startswith("used[")]
    for number, taken in enumerate(walk):
        created = [p for p in known if taken.state[of("used", p)] and p not in played.slots]
        acting = f"{taken.action.name.split()[1]}."
        full = sum(p.startswith(acting) for p in {*played.slots, *created}) >= loop.bounds.promotions
        if not played.follow(taken, created, full=full):
            return Counter(t.action.name.split()[0] for t in walk[:number])
        names = {played.cluster.state[of("name", slot)]: p for p, slot in played.slots.items()}
        explored = told(taken.state, loop, {p: p for p in played.slots}, {})
        replayed = told(played.cluster.state, loop, played.slots, names)
        story = [f"{t.action.name}: {t.label}" for t in walk[: number + 1]]
        assert replayed == explored, "\n".join(story)
    return Counter(t.action.name.split()[0] for t in walk)


@cache
def loop_of(name: str) -> Loop:
    promotions, freight = WALKS[name]
    return bounded(LOOPS[name], promotions, freight)


def several(release: str, walks: int, first: int = 0) -> Counter[str]:
    """So many walks on every loop in a release."""
    done: Counter[str] = Counter()
    behaviours, tables = RELEASES[release], Tables()
    for name in WALKS:
        loop = loop_of(name)
        system = exploration.exploration(name, loop.pipeline, behaviours, loop.bounds)
        for seed in range(first, first + walks):
            done += both(loop, behaviours, seed, system, tables)
    return done


@pytest.mark.parametrize("release", EVERY)
def test_a_cluster_does_what_the_checker_explores(release: str) -> None:
    done = several(release, 2)

    assert done.total() > 500
    assert done.keys() >= {"reconcile", "promote", "abort", "delete", "approve", "turn", "verify", "AnalysisRun"}


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
def test_a_cluster_does_what_the_checker_explores_for_long(release: str) -> None:
    assert several(release, 15, first=100).total() > 4_000


@pytest.mark.parametrize(
    ("name", "behaviour", "value"),
    [
        ("single", "records_in_every_pass", True),
        ("single", "unknown_health_is_an_error", True),
        ("verification", "promotion_gate", PromotionGate.NONE),
        ("two-origins", "unstarted_inherits_collection", False),
        ("auto", "auto_promotion_guard", AutoPromotionGuard.BY_UNFINISHED),
        ("auto", "holds", False),
    ],
)
def test_a_cluster_that_behaves_otherwise_is_noticed(name: str, behaviour: str, value: Any) -> None:
    loop, other, tables = loop_of(name), replace(LATEST, **{behaviour: value}), Tables()
    system = exploration.exploration(name, loop.pipeline, LATEST, loop.bounds)

    with pytest.raises(AssertionError, match="reconcile"):
        sum((both(loop, other, seed, system, tables) for seed in range(40)), Counter())
