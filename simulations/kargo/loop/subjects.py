"""What the claims about a story are about: every Stage, Promotion or step that the story has.

A subject may offer more variables than a claim asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

from model.kargo.loop.values import of
from model.system import Value
from simulations.kargo.loop.cluster import Cluster


class Subject(NamedTuple):
    """What a claim is about: variables and constants for its parameters."""

    about: str
    reads: Mapping[str, str]
    constants: Mapping[str, Value]


NO_CONSTANTS: Mapping[str, Value] = {}


def of_stages(*fields: str, **named: str) -> Callable[[Cluster], Iterator[Subject]]:
    """Every Stage, with these fields; one in `named` goes under another name."""

    def subjects(cluster: Cluster) -> Iterator[Subject]:
        for stage in cluster.pipeline.names:
            reads = {f: of(f, stage) for f in fields} | {p: of(f, stage) for p, f in named.items()}
            yield Subject(stage, reads, NO_CONSTANTS)

    return subjects


def _made(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Every Promotion that was ever made, with its Stage, in order of creation."""
    for stage in cluster.pipeline.names:
        yield from ((stage, p) for p in cluster.promotions[stage] if p in cluster.plans)


def of_successes(cluster: Cluster) -> Iterator[Subject]:
    """Every Promotion, with the Freight that its Stage has, and had, of its origin."""
    for stage, promotion in _made(cluster):
        origin = cluster.freight[cluster.state[of("freight", promotion)]]
        reads = {f: of(f, promotion) for f in ("phase", "freight")}
        reads |= {"in_use": of("in_use", stage, origin), "older": of("older_history", stage)}
        yield Subject(promotion, reads, NO_CONSTANTS)


def _pairs(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Any two Promotions of one Stage, the earlier one first."""
    for stage in cluster.pipeline.names:
        yield from combinations((p for of_stage, p in _made(cluster) if of_stage == stage), 2)


def of_names(cluster: Cluster) -> Iterator[Subject]:
    """The names of any two Promotions of a Stage."""
    for earlier, later in _pairs(cluster):
        reads = {"earlier": of("name", earlier), "later": of("name", later)}
        yield Subject(f"{earlier} and {later}", reads, NO_CONSTANTS)


def of_pairs(cluster: Cluster) -> Iterator[Subject]:
    """Any two Promotions of a Stage: what became of the earlier one, and who made the later one of what."""
    for earlier, later in _pairs(cluster):
        reads = {"phase": of("phase", earlier), "freight": of("freight", earlier)}
        reads |= {"later": of("freight", later), "actor": of("actor", later), "intent": of("intent", earlier)}
        yield Subject(f"{earlier} and {later}", reads, NO_CONSTANTS)


def of_other_origins(cluster: Cluster) -> Iterator[Subject]:
    """Every Promotion, with every origin that it is not about."""
    for stage, promotion in _made(cluster):
        about = cluster.freight[cluster.state[of("freight", promotion)]]
        for origin in cluster.pipeline.stage(stage).origins:
            if origin != about:
                reads = {"name": of("name", promotion), "last": of("last", stage)}
                reads["in_use"] = of("in_use", stage, origin)
                yield Subject(f"{promotion}, {origin}", reads, NO_CONSTANTS)


def of_origins(cluster: Cluster) -> Iterator[Subject]:
    """Every Promotion, with every origin that its Stage requests."""
    for stage, promotion in _made(cluster):
        for origin in cluster.pipeline.stage(stage).origins:
            reads = {f: of(f, promotion) for f in ("name", "phase", "started", "status_freight")}
            reads |= {f: of(f, stage) for f in ("app", "last", "verification")}
            reads |= {"carried": of("carried", promotion, origin), "in_use": of("in_use", stage, origin)}
            yield Subject(f"{promotion}, {origin}", reads, NO_CONSTANTS)


def of_steps(*of_promotion: str, tries: bool = True) -> Callable[[Cluster], Iterator[Subject]]:
    """Every step of every Promotion, with these fields of the Promotion."""

    def subjects(cluster: Cluster) -> Iterator[Subject]:
        for _, promotion in _made(cluster):
            for alias in cluster.plans[promotion].aliases:
                reads = {f: of(f, promotion) for f in of_promotion} | {"entry": of("entry", promotion, alias)}
                reads |= {"tries": of("tries", promotion, alias)} if tries else {}
                yield Subject(f"{alias} of {promotion}", reads, NO_CONSTANTS)

    return subjects


def of_scripted_steps(cluster: Cluster) -> Iterator[Subject]:
    """Every step of every Promotion, with what its runner says at each attempt."""
    for _, promotion in _made(cluster):
        for step in cluster.plans[promotion].steps:
            alias, script = step.rules.alias, dict(step.attempt.constants)["script"]
            reads = {"entry": of("entry", promotion, alias), "tries": of("tries", promotion, alias)}
            yield Subject(f"{alias} of {promotion}", reads, {"script": script})


def of_later_steps(cluster: Cluster) -> Iterator[Subject]:
    """Any two steps of a Promotion: whether the later one runs, and what became of the earlier one."""
    for _, promotion in _made(cluster):
        plan = cluster.plans[promotion]
        for earlier, later in combinations(plan.steps, 2):
            alias = later.rules.alias
            reads = {
                "tries": of("tries", promotion, alias),
                "earlier": of("entry", promotion, earlier.rules.alias),
            }
            fixed = {"asks": later.asks_about_failures, "may_fail": plan.continue_on_error[earlier.rules.alias]}
            yield Subject(f"{alias} of {promotion}", reads, fixed)


def of_promotions(cluster: Cluster) -> Iterator[Subject]:
    """Every Promotion, with what its Stage is doing."""
    for stage, promotion in _made(cluster):
        reads = {"phase": of("phase", promotion), "current": of("current", stage)}
        yield Subject(promotion, reads | {"verification": of("verification", stage)}, NO_CONSTANTS)
