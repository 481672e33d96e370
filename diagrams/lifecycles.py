"""Pictures of lifecycles: their phases, the events that lead from one to another, and what should not happen.

A phase is a node with the class `phase` and one of its own (`phase_class`), an event an edge with `event` and
`event-NAME`: a page can light up where something is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Generic, TypeVar

from diagrams.pictures import Box, Edge, Mark, Node, Picture, Shape, slug
from diagrams.theme import Kind
from diagrams.values import show
from model.lifecycle import Arrow, Lifecycle
from model.phase import Phase

P = TypeVar("P", bound=Phase)

LIVE, OVER, ANY, START = "live", "over", "any", "start"

FEW = 2
"""Edges of one event to one phase, from more phases than these, meet in a joint and are labelled once."""

Cases = tuple[str, ...]


@dataclass(frozen=True)
class Moves(Generic[P]):
    """Which moves from phase to phase are made, by the case in which they are looked for (a release, say).

    `cases` are all that were looked at, in their order; `made` has for each move those in which it is made.
    """

    cases: Cases
    made: Mapping[tuple[P, P], Cases]

    def of(self, before: P, now: P) -> Cases:
        """The cases in which that move is made."""
        return self.made.get((before, now), ())


@dataclass(frozen=True)
class Known(Generic[P]):
    """A lifecycle that can be drawn: what it is called by, and of which kind its phases are."""

    name: str
    table: Lifecycle[P]
    kinds: Mapping[P, Kind] = field(default_factory=dict)
    title: str = ""

    def kind(self, phase: P) -> Kind:
        """The kind of a phase."""
        return self.kinds.get(phase, Kind.PLAIN)


def phase_class(phase: Phase) -> str:
    """The class of a phase in an SVG, such as `phase-Running`."""
    return f"phase-{slug(show(phase))}"


def event_class(event: str) -> str:
    """The class of an event in an SVG, such as `event-abort`."""
    return f"event-{slug(event)}"


def picture(known: Known[P], moves: Moves[P] | None = None) -> Picture:
    """The picture of a lifecycle; with `moves`, what is made in some cases only is marked, and named."""
    drawing = _Drawing(known, moves)
    return drawing.picture()


@dataclass(frozen=True)
class _Bundle(Generic[P]):
    """Arrows that say the same from several phases."""

    sources: tuple[P, ...]
    event: str
    target: P
    guard: str
    doc: str
    note: str
    mark: Mark


class _Drawing(Generic[P]):
    def __init__(self, known: Known[P], moves: Moves[P] | None) -> None:
        self.known, self.table, self.moves = known, known.table, moves
        self.live = tuple(p for p in self.table.phases if p not in self.table.final)

    def picture(self) -> Picture:
        bundles = self._bundles()
        edges = [edge for bundle in bundles for edge in self._edges(bundle)]
        joints = [n for b in bundles if self._joins(b) for n in [self._joint(b)]]
        nodes = [Node(START, shape=Shape.START, tooltip="Here it begins.", classes=("start",))]
        if any(edge.source == ANY for edge in edges):
            nodes.append(self._any())
        nodes += [self._node(phase) for phase in (*self.live, *self.table.final)]
        boxes = (Box(LIVE, "in progress"), Box(OVER, "final")) if self.table.final else ()
        begin = Edge(START, _key(self.table.initial), classes=("begin",))
        return Picture(
            self.known.name,
            self.known.title or self.table.name,
            self.table.doc,
            (*nodes, *joints),
            boxes,
            (begin, *edges),
            tuple(self._remarks(bundles)),
        )

    def _node(self, phase: P) -> Node:
        box = (OVER if phase in self.table.final else LIVE) if self.table.final else ""
        reached = any(a.target is phase and a.source is not phase for a in self._arrows())
        lonely = not reached and phase is not self.table.initial
        return Node(
            _key(phase),
            show(phase),
            (),
            self.known.kind(phase),
            Shape.ANY if lonely else Shape.BOX,
            box,
            phase.doc,
            (phase_class(phase), "phase"),
        )

    def _any(self) -> Node:
        label = "any phase in progress" if self.table.final else "any phase"
        return Node(ANY, label, (), Kind.PLAIN, Shape.ANY, LIVE if self.table.final else "", classes=("any",))

    def _arrows(self) -> tuple[Arrow[P], ...]:
        return (*self.table.arrows, *self.table.findings)

    # Arrows that belong together

    def _bundles(self) -> list[_Bundle[P]]:
        """The arrows of one event to one phase under one guard, those together of which the same is known."""
        order = {phase: number for number, phase in enumerate((*self.live, *self.table.final))}
        arrows = [a for a in self._arrows() if self._known(a)]

        def alike(arrow: Arrow[P]) -> tuple[object, ...]:
            return (order[arrow.target], bool(arrow.releases), arrow.event, arrow.guard, *self._said(arrow)[::-1])

        def of(group: Iterable[Arrow[P]]) -> _Bundle[P]:
            found = list(group)
            first, docs = found[0], dict.fromkeys(a.doc for a in found)
            note, mark = self._said(first)
            sources = tuple(sorted((a.source for a in found), key=order.__getitem__))
            return _Bundle(sources, first.event, first.target, first.guard, " ".join(docs), note, mark)

        def key(arrow: Arrow[P]) -> tuple[str, ...]:
            return tuple(map(str, alike(arrow)))

        ordered = sorted(arrows, key=lambda a: (order[a.target], key(a)))
        return [of(group) for _, group in groupby(ordered, key=key)]

    def _known(self, arrow: Arrow[P]) -> bool:
        """Whether an arrow is to be shown: a finding only where some case makes it."""
        return not arrow.releases or self.moves is None or bool(self.moves.of(arrow.source, arrow.target))

    def _said(self, arrow: Arrow[P]) -> tuple[str, Mark]:
        """In which cases it exists, and how it is marked."""
        cases = self.moves.of(arrow.source, arrow.target) if self.moves else arrow.releases
        if arrow.releases:
            return (f"only in {_listed(cases)}" if self._some(cases) else ""), Mark.FINDING
        if self.moves is None or arrow.source is arrow.target:
            return "", Mark.NONE
        if not cases:
            return "not seen", Mark.NEVER
        return (f"only in {_listed(cases)}", Mark.SOME) if self._some(cases) else ("", Mark.NONE)

    def _some(self, cases: Cases) -> bool:
        return self.moves is None or len(cases) < len(self.moves.cases)

    # Edges

    def _edges(self, bundle: _Bundle[P]) -> list[Edge]:
        if self._from_all(bundle):
            inside = bundle.target not in self.table.final
            return [self._edge(ANY if inside else LIVE, _key(bundle.target), bundle)]
        if not self._joins(bundle):
            return [self._edge(_key(source), _key(bundle.target), bundle) for source in bundle.sources]
        joint = self._joint(bundle)
        feet = [
            Edge(_key(s), joint.key, kind=joint.kind, mark=bundle.mark, classes=("event",), headless=True)
            for s in bundle.sources
        ]
        return [*feet, self._edge(joint.key, _key(bundle.target), bundle)]

    def _from_all(self, bundle: _Bundle[P]) -> bool:
        """Whether it leads there from wherever it is, or from wherever else it is."""
        elsewhere = {p for p in self.live if p is not bundle.target}
        return len(self.live) > 1 and elsewhere <= set(bundle.sources) and len(elsewhere) > 1

    def _joins(self, bundle: _Bundle[P]) -> bool:
        return len(bundle.sources) > FEW and not self._from_all(bundle)

    def _joint(self, bundle: _Bundle[P]) -> Node:
        marked = Kind.BAD if bundle.mark is Mark.FINDING else self.known.kind(bundle.target)
        key = slug(f"joint-{bundle.event}-{bundle.target.name}-{bundle.note}")
        return Node(key, kind=marked, shape=Shape.JOINT, tooltip=bundle.doc)

    def _edge(self, source: str, target: str, bundle: _Bundle[P]) -> Edge:
        return Edge(
            source,
            target,
            bundle.event.replace("_", " "),
            bundle.guard.replace("_", " "),
            bundle.note,
            self.known.kind(bundle.target),
            bundle.mark,
            bundle.doc,
            (event_class(bundle.event), "event"),
        )

    def _remarks(self, bundles: Iterable[_Bundle[P]]) -> Iterable[str]:
        marks = {bundle.mark for bundle in bundles}
        if Mark.FINDING in marks:
            yield "Red and dashed: what should not happen, and does."
        if Mark.SOME in marks:
            yield "Dashed: only in some releases."
        if Mark.NEVER in marks:
            yield "Dotted: may happen, but was not seen in what was explored."


def _key(phase: Phase) -> str:
    return f"p_{phase.name}"


def _listed(cases: Cases) -> str:
    """Cases in a row; of many that follow each other, the first and the last."""
    return ", ".join(cases) if len(cases) <= 3 else f"{cases[0]} to {cases[-1]}"
