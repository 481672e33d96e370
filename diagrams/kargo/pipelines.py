"""Pictures of pipelines: who requests Freight from whom, what has to happen before, and where each Freight is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from diagrams.kargo.lifecycles import HEALTH_KINDS
from diagrams.pictures import Box, Edge, Mark, Node, Picture, Shape, shortened, slug
from diagrams.theme import Kind
from model.kargo.durations import format_duration
from model.kargo.live.objects import Live, LiveFreight, LiveProject, LivePromotion, LiveStage
from model.kargo.live.policies import policy_of
from model.kargo.phases import HealthState
from model.kargo.requests import ALL, FreightRequest

MOST_FREIGHT = 4
"""Of the Freight of a Warehouse that is in no Stage so many are named, the newest."""

NAME = 30
"""Names are cut after so many characters."""

DIGEST = 7
"""A digest is told by so many of its characters."""

_DIGEST = re.compile(r"[0-9a-f]{32,}")


def picture(live: Live, name: str = "pipeline") -> Picture:
    """The picture of every project, each in a box of its own where there are several."""
    drawings = [
        _Drawing(project, str(n) if len(live.projects) > 1 else "") for n, project in enumerate(live.projects)
    ]
    nodes = tuple(node for drawing in drawings for node in drawing.nodes())
    edges = tuple(edge for drawing in drawings for edge in drawing.edges())
    boxes = tuple(
        Box(d.box, f"project {shortened(d.project.name, NAME) or 'without a name'}") for d in drawings if d.box
    )
    counted = [_count(sum(len(p.stages) for p in live.projects), "Stage")]
    counted += [_count(sum(len(d.warehouses) for d in drawings), "Warehouse")]
    freight = sum(len(p.freight) for p in live.projects)
    counted += [f"{freight} Freight"] if freight else []
    only = live.projects[0].name if len(live.projects) == 1 else ""
    title = f"Pipeline of {shortened(only, NAME)}" if only else "Pipeline"
    return Picture(name, title, ", ".join(counted), nodes, boxes, edges, tuple(_remarks(edges, nodes)))


def _remarks(edges: tuple[Edge, ...], nodes: tuple[Node, ...]) -> Iterator[str]:
    if any(edge.kind is Kind.BUSY for edge in edges):
        yield "Blue: promoted by itself. Grey: promoted when somebody asks for it."
    elif edges:
        yield "Grey: promoted when somebody asks for it. In these files nothing is promoted by itself."
    if any(node.shape is Shape.ANY for node in nodes):
        yield "A dashed Stage has nothing to promote with: Freight passes through it."
    if any(edge.mark is Mark.FINDING for edge in edges):
        yield "Red: what it asks for is not in these files."


class _Drawing:
    """One project."""

    def __init__(self, project: LiveProject, number: str) -> None:
        self.project = project
        self.prefix = f"{number}_" if number else ""
        self.box = f"project{number}" if number else ""
        self.freight = {f.name: f for f in project.freight}
        self.stages = {stage.name: stage for stage in project.stages}
        asked = (r.warehouse for stage in project.stages for r in stage.requests)
        self.warehouses = tuple(dict.fromkeys((*project.warehouses, *asked)))
        upstream = (s for stage in project.stages for r in stage.requests for s in r.stages)
        self.missing = tuple(dict.fromkeys(s for s in upstream if s not in self.stages))

    def key(self, kind: str, name: str) -> str:
        """The key of the node of an object: names are those of manifests, keys are ours."""
        known = {"w": self.warehouses, "s": tuple(self.stages), "m": self.missing}[kind]
        return f"{self.prefix}{kind}{known.index(name)}"

    # Nodes

    def nodes(self) -> Iterator[Node]:
        """Warehouses first, then Stages as they are given."""
        yield from map(self._warehouse, self.warehouses)
        yield from map(self._stage, self.stages.values())
        for name in self.missing:
            lines = ("a Stage that is not in these files",)
            label = shortened(name, NAME)
            yield Node(
                self.key("m", name), label, lines, Kind.BAD, Shape.ANY, self.box, classes=_classes("stage", name)
            )

    def _warehouse(self, name: str) -> Node:
        placed = {f for stage in self.stages.values() for _, f in _current(stage)}
        waiting = [f for f in self.project.freight if f.warehouse == name and not f.since and f.name not in placed]
        waiting.sort(key=lambda f: (f.discovered or f.created, f.name), reverse=True)
        lines = ["Warehouse"]
        if waiting:
            more = f" and {len(waiting) - MOST_FREIGHT} more" if len(waiting) > MOST_FREIGHT else ""
            lines.append(f"in no Stage: {', '.join(map(_called, waiting[:MOST_FREIGHT]))}{more}")
        if self.project.warehouses and name not in self.project.warehouses:
            lines.append("not in these files")
        classes = _classes("warehouse", name)
        return Node(
            self.key("w", name), shortened(name, NAME), tuple(lines), Kind.MOOT, box=self.box, classes=classes
        )

    def _stage(self, stage: LiveStage) -> Node:
        shape = Shape.BOX if stage.steps else Shape.ANY
        known = stage.health is not HealthState.NOT_ASSESSED
        kind = HEALTH_KINDS[stage.health] if known else Kind.PLAIN
        lines = tuple(filter(None, self._about(stage)))
        tooltip = f"{stage.name}: {stage.place}"
        label, classes = shortened(stage.name, NAME), _classes("stage", stage.name)
        return Node(self.key("s", stage.name), label, lines, kind, shape, self.box, tooltip, classes)

    def _about(self, stage: LiveStage) -> Iterator[str]:
        """What is to be said of a Stage: what it does, how it is, and what it has."""
        yield "" if stage.steps else "control flow"
        yield f"health: {stage.health.value}" if stage.health.value else ""
        verified = stage.history[0].verifications[:1] if stage.history else ()
        done = f": {verified[0].phase.value or 'new'}" if verified else ""
        yield f"verification{done}" if stage.verification or verified else ""
        several = len(stage.requests) > 1
        for warehouse, freight in _current(stage):
            since = "verified here" if self._verified(freight, stage.name) else "not verified here"
            origin = f" of {shortened(warehouse, NAME)}" if several else ""
            yield (
                f"has {self._called(freight)}{origin}, {since}"
                if freight in self.freight
                else (f"has {self._called(freight)}{origin}")
            )
        yield from self._promotions(stage)
        yield from (f"holds {self._called(hold.freight)}" for hold in stage.effective_holds or stage.holds)

    def _promotions(self, stage: LiveStage) -> Iterator[str]:
        mine = [p for p in self.project.promotions if p.stage == stage.name and not p.phase.terminal]
        for promotion in sorted(mine, key=lambda p: p.name)[:MOST_FREIGHT]:
            current = "current, " if promotion.name == stage.current else ""
            yield f"promotes {self._called(promotion.freight)}: {current}{_phase(promotion)}"
        if len(mine) > MOST_FREIGHT:
            yield f"and {len(mine) - MOST_FREIGHT} more Promotions wait"

    def _verified(self, freight: str, stage: str) -> bool:
        return freight in self.freight and any(name == stage for name, _ in self.freight[freight].verified)

    def _called(self, name: str) -> str:
        found = self.freight.get(name)
        return _called(found) if found else _brief(name)

    # Edges

    def edges(self) -> Iterator[Edge]:
        """From where the Freight of each Stage comes, and what has to be so before: alike requests are one edge."""
        for stage in self.stages.values():
            kind = Kind.BUSY if self._promotes_itself(stage) else Kind.WAITING
            alike: dict[tuple[str, str], list[Edge]] = {}
            for request in stage.requests:
                for edge in self._request(stage, request, kind):
                    alike.setdefault((edge.source, edge.guard), []).append(edge)
            yield from map(_together, alike.values())

    def _request(self, stage: LiveStage, request: FreightRequest, kind: Kind) -> Iterator[Edge]:
        target = self.key("s", stage.name)
        classes = (f"origin-{slug(request.warehouse)}", "request")
        several = len(self.warehouses) > 1
        if request.direct:
            yield Edge(self.key("w", request.warehouse), target, kind=kind, classes=classes)
        for upstream in request.stages:
            here = upstream in self.stages
            source = self.key("s" if here else "m", upstream)
            label = shortened(request.warehouse, NAME) if several else ""
            guard = "; ".join(self._conditions(request, upstream))
            mark = Mark.NONE if here else Mark.FINDING
            tooltip = f"{stage.name} takes Freight of {request.warehouse} that was in {upstream}."
            yield Edge(source, target, label, guard, "", kind, mark, tooltip, classes)

    def _conditions(self, request: FreightRequest, upstream: str) -> Iterator[str]:
        found = self.stages.get(upstream)
        if found is not None and not found.steps:
            yield "has passed it"
        else:
            yield "verified" if found is None or found.verification else "promoted and well"
        if request.soak_ms:
            yield f"after {_short(format_duration(request.soak_ms))} in it"
        if request.strategy == ALL and len(request.stages) > 1:
            yield f"and in the other{'s' if len(request.stages) > 2 else ''}"
        if request.matches_upstream:
            yield "whatever it has at present"

    def _promotes_itself(self, stage: LiveStage) -> bool:
        return policy_of(stage, self.project) is True


def _together(edges: list[Edge]) -> Edge:
    """One edge for requests that differ in nothing but their Warehouses."""
    return replace(
        edges[0],
        label=", ".join(edge.label for edge in edges),
        tooltip=" ".join(filter(None, (edge.tooltip for edge in edges))),
        classes=tuple(dict.fromkeys(name for edge in edges for name in edge.classes)),
    )


def _current(stage: LiveStage) -> tuple[tuple[str, str], ...]:
    return stage.history[0].freight if stage.history else ()


def _called(freight: LiveFreight) -> str:
    return shortened(freight.alias, NAME) if freight.alias else _brief(freight.name)


def _brief(name: str) -> str:
    """The name of Freight as people say it: the beginning, if it is a digest."""
    return name[:DIGEST] if _DIGEST.fullmatch(name) else shortened(name, NAME)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _short(duration: str) -> str:
    """A duration without what is zero: `10m0s` is `10m`."""
    minutes = duration.removesuffix("0s") if duration.endswith("m0s") else duration
    return minutes.removesuffix("0m") if minutes.endswith("h0m") else minutes


def _phase(promotion: LivePromotion) -> str:
    return promotion.phase.value or "new"


def _classes(kind: str, name: str) -> tuple[str, ...]:
    return (f"{kind}-{slug(name)}", kind)
