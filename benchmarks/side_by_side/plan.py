"""Which tool explores which model in which sizes, and the sizes that others have published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from benchmarks.side_by_side.models import MODELS
from benchmarks.side_by_side.tools import EXPLICIT, LAYERS, SATURATION, TOOLS


class Sizes(NamedTuple):
    """Every N that all tools get to, as far as their limits let them, and those that only ours do after that."""

    everybody: tuple[int, ...]
    explicit: tuple[int, ...] = ()
    layers: tuple[int, ...] = ()
    saturation: tuple[int, ...] = ()


SIZES: dict[str, Sizes] = {
    "two-phase-commit": Sizes(tuple(range(3, 11)), layers=(20,), saturation=(20, 50, 100)),
    "dining-philosophers": Sizes((3, 5, 8, 10, 12, 15, 18), layers=(30,), saturation=(30, 50, 100, 200, 400, 1000)),
    "ewd840": Sizes(tuple(range(3, 9)), layers=(10,), saturation=(10, 15, 20)),
    "pipeline": Sizes((), explicit=(1,), layers=(1, 2), saturation=tuple(range(1, 11))),
}

PUBLISHED: dict[tuple[str, int], tuple[int, int]] = {
    ("two-phase-commit", 3): (288, 1_146),
    ("two-phase-commit", 8): (1_745_408, 18_507_778),
    ("two-phase-commit", 10): (61_515_776, 817_760_258),
    ("ewd840", 3): (302, 2_001),
}
"""States and transitions, with the initial states."""


class Step(NamedTuple):
    """One thing to be measured."""

    model: str
    n: int
    tool: str


def steps(models: Iterable[str], tools: Iterable[str], only: Iterable[int] | None) -> list[Step]:
    """What is measured, the tools for one size one after the other; `only` replaces the sizes of the plan."""
    wanted, ns = set(tools), None if only is None else set(only)
    found = [
        Step(model, n, tool.name)
        for model in models
        for tool in TOOLS.values()
        if tool.name in wanted and (tool.only or MODELS[model].module)
        for n in (_planned(model, tool.name) if ns is None else ns)
    ]
    order = {name: at for at, name in enumerate(TOOLS)}
    places = {name: at for at, name in enumerate(MODELS)}
    return sorted(found, key=lambda step: (places[step.model], step.n, order[step.tool]))


def _planned(model: str, tool: str) -> tuple[int, ...]:
    sizes = SIZES[model]
    more = {LAYERS: sizes.layers, SATURATION: sizes.saturation, EXPLICIT: sizes.explicit}.get(tool, ())
    return (*sizes.everybody, *more)
