"""Walks retold as scenarios: the same walk through the checker's system and through a cluster ends alike."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from invariants.kargo import loops
from model.kargo.phases import HealthState, PromotionPhase
from model.kargo.releases import release
from simulations import exploring
from simulations.exploring import Walk
from simulations.kargo.loop import reported, retelling, scenario_file
from simulations.kargo.loop.retelling import NoSentenceError, retold

TOLD = (
    *(
        "single",
        "by-hand",
        "verification",
        "auto",
        "auto-verification",
        "two-origins",
        "holds",
        "dev-prod",
        "chain",
    ),
    *("control-flow", "match-upstream", "wakeups", "restarts", "approvals"),
)
UNTOLD = ("deleted-freight", "fan-out", "soak", "interleaved")


def wandered(name: str, version: str, seed: int, steps: int = 14) -> Walk:
    """A walk at random, of steps that change something."""
    choose = random.Random(seed)
    walk = exploring.begin(loops.subject(name, release(version)).system)
    for _ in range(steps):
        enabled = [o.choice for o in exploring.options(walk) if o.taken.changes]
        walk = exploring.take(walk, choose.choice(enabled)) if enabled else walk
    return walk


@pytest.mark.parametrize("version", ["1.8.3", "1.11.2"])
@pytest.mark.parametrize("name", TOLD)
def test_a_walk_told_as_a_scenario_ends_alike(name: str, version: str) -> None:
    for seed in range(2):
        walk = wandered(name, version, seed)

        assert retold(loops.LOOPS[name].pipeline, walk.trace, release(version)).differences == ()


def can_be_told(name: str, walk: Walk) -> str:
    """Why a walk cannot be told; empty if it can."""
    try:
        retold(loops.LOOPS[name].pipeline, walk.trace, release("1.11.2"))
    except NoSentenceError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", UNTOLD)
def test_what_a_scenario_cannot_say_is_named(name: str) -> None:
    found = [why for seed in range(9) if (why := can_be_told(name, wandered(name, "1.11.2", seed)))]

    assert found
    assert all(why.startswith(("a scenario has no", "nothing is known")) for why in found)


def test_the_file_tells_the_story_again_and_has_what_it_breaks(tmp_path: Path) -> None:
    start = exploring.begin(loops.subject("by-hand", release("1.8.3")).system)
    walk = exploring.way_to(start, exploring.in_phase("phase[dev.2]", PromotionPhase.ERRORED)).walk
    assert walk is not None
    found = retold(loops.LOOPS["by-hand"].pipeline, walk.trace, release("1.8.3"))
    file = tmp_path / "mine" / "scenario.yaml"
    file.parent.mkdir()
    file.write_text(found.text)

    scenario = scenario_file.load(file)
    again = reported.reproduce(scenario, "1.8.3")

    assert all(v is not None for v in again.here.violations.values())
    phases = [v for n, v in again.told.cluster.state.items() if n.startswith("phase[")]
    assert PromotionPhase.ERRORED in phases


def test_an_end_that_is_another_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    start = exploring.begin(loops.subject("single", release("1.11.2")).system)
    walk = exploring.way_to(start, exploring.in_phase("health[dev]", HealthState.UNHEALTHY)).walk
    assert walk is not None
    pipeline = loops.LOOPS["single"].pipeline
    assert retold(pipeline, walk.trace, release("1.11.2")).differences == ()

    monkeypatch.setattr(retelling, "_SAYINGS", ((r"dev is Unhealthy", lambda *_: "wait 1s"), *retelling._SAYINGS))

    assert retold(pipeline, walk.trace, release("1.11.2")).differences == ("the health of dev",)
