"""Cutting a project into parts that have nothing to do with each other, so that each can be looked at alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from model.kargo.live.objects import LiveProject, LiveStage


def components(project: LiveProject) -> Iterator[LiveProject]:
    """The parts of a project: Stages that take Freight from one another, or from the same Warehouse, stay together.

    Promotions whose Stage was not given stay with the others of that Stage.
    """
    origin = {freight.name: freight.warehouse for freight in project.freight}
    links = _Links()
    for stage in project.stages:
        for request in stage.requests:
            links.join(f"Stage/{stage.name}", f"Warehouse/{request.warehouse}")
            for upstream in request.stages:
                links.join(f"Stage/{stage.name}", f"Stage/{upstream}")
        for warehouse in _had(stage):
            links.join(f"Stage/{stage.name}", f"Warehouse/{warehouse}")
    for promotion in project.promotions:
        if promotion.freight in origin:
            links.join(f"Stage/{promotion.stage}", f"Warehouse/{origin[promotion.freight]}")
    groups: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys([*(s.name for s in project.stages), *(p.stage for p in project.promotions)]):
        groups[links.root(f"Stage/{name}")].append(name)
    warehouses = {*origin.values(), *project.warehouses}
    parts = _Parts(project, {f"Warehouse/{w}": links.root(f"Warehouse/{w}") for w in warehouses})
    for root, names in groups.items():
        yield parts.of(root, frozenset(names))


def _had(stage: LiveStage) -> Iterator[str]:
    """The Warehouses whose Freight a Stage has, or is to have next, whether it still asks for it or not."""
    yield from (warehouse for entry in stage.history[:1] for warehouse, _ in entry.freight)
    yield from (warehouse for warehouse, _ in (stage.last.collection if stage.last else ()))


class _Links:
    """Which objects belong together: a forest in which every tree is a group."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def root(self, one: str) -> str:
        """The object that stands for the group of this one."""
        found = one
        while self.parent.setdefault(found, found) != found:
            found = self.parent[found]
        while self.parent[one] != found:
            self.parent[one], one = found, self.parent[one]
        return found

    def join(self, one: str, other: str) -> None:
        """Have two objects be in one group."""
        self.parent[self.root(other)] = self.root(one)


class _Parts:
    """The objects of a project by what they belong to."""

    def __init__(self, project: LiveProject, roots: dict[str, str]) -> None:
        self.project = project
        self.stages = {stage.name: stage for stage in project.stages}
        self.promotions, self.runs, self.freight = (defaultdict(list) for _ in range(3))
        for promotion in project.promotions:
            self.promotions[promotion.stage].append(promotion)
        for run in project.runs:
            self.runs[run.stage].append(run)
        for freight in project.freight:
            self.freight[roots[f"Warehouse/{freight.warehouse}"]].append(freight)
        self.warehouses: dict[str, list[str]] = defaultdict(list)
        for warehouse in project.warehouses:
            self.warehouses[roots[f"Warehouse/{warehouse}"]].append(warehouse)

    def of(self, root: str, names: frozenset[str]) -> LiveProject:
        """One part."""
        order = sorted(names)
        return replace(
            self.project,
            stages=tuple(self.stages[name] for name in order if name in self.stages),
            promotions=tuple(p for name in order for p in self.promotions[name]),
            runs=tuple(r for name in order for r in self.runs[name]),
            freight=tuple(self.freight[root]),
            warehouses=tuple(self.warehouses[root]),
        )
