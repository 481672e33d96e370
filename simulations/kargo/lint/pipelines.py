"""Rules about Stages among each other: what Freight can reach them, in circles or never, and what they push to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import networkx as nx

from model.inputs import Place, printable
from model.kargo import availability
from model.kargo.availability import Standing, Verified
from model.kargo.bundle import Bundle, Warehouse
from model.kargo.manifest_types import Stage
from model.kargo.releases import Behaviours
from model.kargo.requests import ALL, FreightRequest
from simulations.kargo.lint.pushes import Push, repository
from simulations.kargo.lint.rules import BY_ID, Finding
from simulations.kargo.lint.units import of_stage

LONG_MS = 10 * 365 * 24 * 3_600_000
"""Longer than anything soaks."""

Named = tuple[str, str]
"""A Stage, by its namespace and name."""

MAIN = frozenset({"", "main", "master"})
"""A branch without a name is the one that a repository calls its own: most likely one of these."""


@dataclass(frozen=True)
class Project:
    """The Stages of a namespace, and what each of them pushes to."""

    bundle: Bundle
    namespace: str
    behaviours: Behaviours
    pushes: Mapping[str, tuple[Push, ...]]

    @cached_property
    def stages(self) -> dict[str, Stage]:
        """The Stages by name."""
        return {s.name: s for s in self.bundle.manifests.stages if s.namespace == self.namespace}

    def requests(self, stage: str) -> tuple[FreightRequest, ...]:
        """What a Stage asks for."""
        known = self.bundle.around.get((self.namespace, stage))
        return known.requests if known else ()

    def place(self, stage: str, number: int) -> Place:
        """Where a request of a Stage stands."""
        places = self.bundle.requests.get((self.namespace, stage), ())
        return places[number] if number < len(places) else self.stages[stage].place

    @cached_property
    def automatic(self) -> frozenset[str]:
        """The Stages that promote by themselves."""
        return frozenset(n for n, s in self.stages.items() if self.bundle.auto_promotes(s))

    def reached(self, *, among: frozenset[str] | None = None) -> dict[tuple[str, str], int]:
        """The Stages that the Freight of each Warehouse can get to, with the number of Stages it takes.

        With `among`, only through these. A Stage that is not given is taken to have everything.
        """
        found: dict[tuple[str, str], int] = {}
        while True:
            more = {
                (name, request.warehouse): 1 + self._before(request, found)
                for name in self.stages
                if among is None or name in among
                for request in self.requests(name)
                if (name, request.warehouse) not in found and self._available(request, found, among)
            }
            if not more:
                return found
            found |= more

    def _before(self, request: FreightRequest, found: Mapping[tuple[str, str], int]) -> int:
        return max((found.get((s, request.warehouse), 0) for s in request.stages), default=0)

    def _available(
        self, request: FreightRequest, found: Mapping[tuple[str, str], int], among: frozenset[str] | None
    ) -> bool:
        """Whether Freight that has been wherever it can be, for as long as anybody asks, may be promoted."""
        shown = availability.standing(request)
        for stage in request.stages:
            has = (stage, request.warehouse) in found or (stage not in self.stages and among is None)
            shown = _noted(shown, stage, has, LONG_MS, request)
        return availability.is_available(request, False, shown, self.behaviours)


def _noted(shown: Standing, stage: str, has: bool, for_ms: int, request: FreightRequest) -> Standing:
    verified, since = (Verified(0), -for_ms) if has else (None, None)
    return availability.note(shown, stage, verified, since, 0, request)


def projects(
    bundle: Bundle, behaviours: Behaviours, pushes: Mapping[tuple[str, str], tuple[Push, ...]]
) -> Iterator[Project]:
    """The projects, one per namespace."""
    for namespace in dict.fromkeys(stage.namespace for stage in bundle.manifests.stages):
        mine = {name: found for (where, name), found in pushes.items() if where == namespace}
        yield Project(bundle, namespace, behaviours, mine)


def judge(project: Project) -> Iterator[Finding]:
    """Every finding about the requests of the Stages of a project."""
    reached = project.reached()
    for name, stage in project.stages.items():
        for number, request in enumerate(project.requests(name)):
            place = project.place(name, number)
            yield from _unknown(project, stage, request, place)
            if (name, request.warehouse) not in reached:
                text = f"no Freight of Warehouse {printable(request.warehouse)} can ever be available to "
                text += f"{of_stage(stage)}: "
                yield _finding("unavailable-freight", place, stage, text + _why(project, request, reached))
            elif name in project.automatic:
                yield from _elsewhere(project, stage, request, reached, place)
    yield from _cycles(project)


def _unknown(project: Project, stage: Stage, request: FreightRequest, place: Place) -> Iterator[Finding]:
    for upstream in request.stages:
        if upstream not in project.stages:
            text = (
                f"{of_stage(stage)} takes Freight from Stage {printable(upstream)}, which is not among these files"
            )
            yield _finding("unknown-stage", place, stage, text)


def _why(project: Project, request: FreightRequest, reached: Mapping[tuple[str, str], int]) -> str:
    without = [s for s in request.stages if s in project.stages and (s, request.warehouse) not in reached]
    if not request.stages:
        return "it is taken neither from the Warehouse itself (direct) nor from a Stage"
    asks = [s for s in without if any(r.warehouse == request.warehouse for r in project.requests(s))]
    never = [s for s in without if s not in asks]
    if never:
        return f"Stage {printable(never[0])} does not request it"
    return f"Stage {printable(asks[0])} can never have it either" if asks else "the Stages listed never have it"


def _elsewhere(
    project: Project,
    stage: Stage,
    request: FreightRequest,
    reached: Mapping[tuple[str, str], int],
    place: Place,
) -> Iterator[Finding]:
    """A Stage that wants Freight to soak in all listed Stages does not promote by itself what soaked elsewhere.

    The Freight comes to each Stage a moment after it came to those before, and stays.
    """
    if request.strategy != ALL or request.soak_ms is None or request.direct:
        return
    deepest = max(reached.values())
    shown = availability.standing(request)
    had = [s for s, w in reached if w == request.warehouse and s not in request.stages]
    others = [s for s in had if _leads(project, s, request)]
    for upstream in (*request.stages, *others):
        depth = reached.get((upstream, request.warehouse), 0)
        shown = _noted(shown, upstream, True, request.soak_ms + deepest - depth, request)
    if availability.is_available(request, False, shown, project.behaviours) and not availability.is_listed(
        request, False, shown
    ):
        text = f"{of_stage(stage)} does not promote by itself Freight that has soaked in {printable(others[0])} as "
        text += "well: with the strategy All, it has to have soaked in just the Stages listed"
        yield _finding("soaked-elsewhere", place, stage, text)


def _leads(project: Project, stage: str, request: FreightRequest) -> bool:
    """Whether Freight passes through the Stage on its way to those that are listed."""
    graph = _graph(project, request.warehouse)
    return stage in graph and any(nx.has_path(graph, stage, s) for s in request.stages if s in graph and s != stage)


def _graph(project: Project, warehouse: str) -> nx.DiGraph[str]:
    """Which Stage hands the Freight of a Warehouse to which."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for name in project.stages:
        for request in project.requests(name):
            if request.warehouse == warehouse:
                graph.add_node(name)
                graph.add_edges_from((upstream, name) for upstream in request.stages)
    return graph


def _cycles(project: Project) -> Iterator[Finding]:
    warehouses = dict.fromkeys(r.warehouse for name in project.stages for r in project.requests(name))
    for warehouse in warehouses:
        graph = _graph(project, warehouse)
        for members in nx.strongly_connected_components(graph):
            first = next(n for n in project.stages if n in members) if members & project.stages.keys() else None
            if first is None or (len(members) == 1 and not graph.has_edge(first, first)):
                continue
            circle = nx.shortest_path(graph, next(iter(set(graph.successors(first)) & members)), first)
            way = " -> ".join(printable(s) for s in (first, *circle))
            number = next(k for k, r in enumerate(project.requests(first)) if r.warehouse == warehouse)
            text = f"Freight of Warehouse {printable(warehouse)} goes in a circle: {way}"
            yield _finding("pipeline-cycle", project.place(first, number), project.stages[first], text)


# What is pushed to


def loops(project: Project) -> Iterator[tuple[Stage, Push, Warehouse]]:
    """Stages that push to a branch that a Warehouse watches whose Freight gets to them without anybody's doing."""
    by_itself = project.reached(among=project.automatic)
    for warehouse in project.bundle.warehouses:
        if warehouse.namespace != project.namespace:
            continue
        for name, stage in project.stages.items():
            if (name, warehouse.name) not in by_itself:
                continue
            for push in project.pushes.get(name, ()):
                if _watched(push, warehouse):
                    yield stage, push, warehouse


def _watched(push: Push, warehouse: Warehouse) -> bool:
    """Whether what is pushed becomes Freight, as far as can be told: filters are taken to leave it out."""
    return warehouse.by_itself and any(
        repository(git.url) == push.url
        and (git.branch == push.branch or {git.branch, push.branch} <= MAIN)
        and not git.tags
        and not git.filtered
        for git in warehouse.git
    )


def shared(pushes: Mapping[Named, tuple[Push, ...]]) -> Iterator[tuple[Named, Push, Named, Push]]:
    """A Stage, a push of it, and the Stage before it that pushes there, too, with its push."""
    first: dict[tuple[str, str], tuple[Named, Push]] = {}
    for stage, found in pushes.items():
        for push in found:
            target = (push.url, "" if push.branch in MAIN else push.branch)
            known = first.setdefault(target, (stage, push))
            if known[0] != stage and not push.merges:
                yield stage, push, *known


def _finding(rule: str, place: Place, stage: Stage, text: str) -> Finding:
    return Finding(BY_ID[rule], place, of_stage(stage), text)
