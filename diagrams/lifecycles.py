"""Pictures of lifecycles: their phases, the events that lead from one to another, and what should not happen.

A phase is a node with the class `phase` and one of its own (`phase_class`), an event an edge with `event` and
`event-NAME`: a page can light up where something is.

Which moves a release makes is not written down anywhere: it is heard while small systems are explored (`Moves`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from diagrams.pictures import Box, Edge, Mark, Node, Picture, Shape, slug
from diagrams.theme import Kind
from diagrams.values import show
from model.lifecycle import Arrow, Heard, Lifecycle
from model.phase import Phase

P = TypeVar("P", bound=Phase)

LIVE, OVER, ANY, START = "live", "over", "any", "start"

FEW = 2
"""Edges of one event to one phase, from more phases than these, meet in a joint and are labelled once.

Those that lead forward do so even if there are just as many.
"""

_COMMON = (Mark.NONE, Mark.SOME)
"""What edges from all phases but a few may be marked with."""

Cases = tuple[str, ...]


def _nothing(release: str) -> Heard:
    """No release is known."""
    return set()


@dataclass(frozen=True)
class Known(Generic[P]):
    """A lifecycle that can be drawn: what it is called by, and of which kind its phases are.

    `heard` finds the moves that one of `releases` makes, the oldest first.
    """

    name: str
    table: Lifecycle[P]
    kinds: Mapping[P, Kind] = field(default_factory=dict)
    title: str = ""
    heard: Callable[[str], Heard] = _nothing
    releases: Cases = ()

    def kind(self, phase: P) -> Kind:
        """The kind of a phase."""
        return self.kinds.get(phase, Kind.PLAIN)


@dataclass(frozen=True)
class Moves:
    """Which moves are made in which releases, and what of that is to be shown.

    With `only` it is one release, with `diff` what the second release has changed of the first.
    """

    releases: Cases
    made: Mapping[tuple[Phase, str, Phase], Cases]
    only: str = ""
    diff: tuple[str, str] | None = None

    def of(self, arrow: Arrow[P]) -> Cases:
        """The releases in which a move is made; none if it was not seen at all."""
        return self.made.get((arrow.source, arrow.event, arrow.target), ())

    @property
    def shown(self) -> Cases:
        """The releases that the picture is about."""
        return self.diff or ((self.only,) if self.only else self.releases)


def moves_of(known: Known[P], *, only: str = "", diff: tuple[str, str] | None = None) -> Moves:
    """Explore every release of a lifecycle; `only` and `diff` as in `Moves`."""
    heard = {release: known.heard(release) for release in known.releases}
    every = {move for moves in heard.values() for move in moves}
    made = {move: tuple(r for r in known.releases if move in heard[r]) for move in every}
    return Moves(known.releases, made, only, diff)


def phase_class(phase: Phase) -> str:
    """The class of a phase in an SVG, such as `phase-Running`."""
    return f"phase-{slug(show(phase))}"


def event_class(event: str) -> str:
    """The class of an event in an SVG, such as `event-abort`."""
    return f"event-{slug(event)}"


def picture(known: Known[P], moves: Moves | None = None) -> Picture:
    """The picture of a lifecycle as it is meant; with `moves`, of what its releases make of it."""
    return _Drawing(known, moves).picture()


@dataclass(frozen=True)
class _Bundle(Generic[P]):
    """Arrows that say the same from several phases.

    `from_all` says that they, or more like them, leave all phases; `forward`, that they lead to a later one.
    """

    sources: tuple[P, ...]
    arrow: Arrow[P]
    doc: str
    note: str
    mark: Mark
    from_all: bool
    forward: bool

    @property
    def others(self) -> tuple[P, ...]:
        """The phases that they leave for another one."""
        return tuple(source for source in self.sources if source is not self.arrow.target)

    @property
    def joins(self) -> bool:
        """Whether they meet before they are labelled."""
        return len(self.others) > FEW - self.forward and not self.from_all


Said = tuple[str, Mark]


class _Drawing(Generic[P]):
    def __init__(self, known: Known[P], moves: Moves | None) -> None:
        self.known, self.table, self.moves = known, known.table, moves
        self.live = tuple(p for p in self.table.phases if p not in self.table.final)
        self.order = {phase: number for number, phase in enumerate((*self.live, *self.table.final))}

    def picture(self) -> Picture:
        bundles = [bundle for group in self._groups() for bundle in self._bundles(group)]
        edges = [edge for bundle in bundles for edge in self._edges(bundle)]
        joints = [self._joint(bundle) for bundle in bundles if bundle.joins]
        nodes = [Node(START, shape=Shape.START, tooltip="Here it begins.", classes=("start",))]
        if any(edge.source == ANY for edge in edges):
            nodes.append(self._any())
        nodes += [self._node(phase) for phase in (*self.live, *self.table.final)]
        boxes = (Box(LIVE, "in progress"), Box(OVER, "final", right=True)) if self.table.final else ()
        begin = Edge(START, _key(self.table.initial), classes=("begin",))
        return Picture(
            self.known.name,
            f"{self.known.title or self.table.name}{self._which()}",
            self.table.doc,
            (*nodes, *joints),
            boxes,
            (begin, *edges),
            tuple(self._remarks(bundles)),
        )

    def _which(self) -> str:
        if self.moves is None or self.moves.shown == self.moves.releases:
            return ""
        return f", {' and '.join(self.moves.shown)}"

    def _node(self, phase: P) -> Node:
        box = (OVER if phase in self.table.final else LIVE) if self.table.final else ""
        reached = any(a.target is phase and a.source is not phase for a in self._arrows())
        lonely = not reached and phase is not self.table.initial
        shape = Shape.ANY if lonely else Shape.BOX
        classes = (phase_class(phase), "phase")
        return Node(_key(phase), show(phase), (), self.known.kind(phase), shape, box, phase.doc, classes)

    def _any(self) -> Node:
        label = "any phase in progress" if self.table.final else "any phase"
        return Node(ANY, label, (), Kind.PLAIN, Shape.ANY, LIVE if self.table.final else "", classes=("any",))

    # Which arrows there are

    def _arrows(self) -> Iterator[Arrow[P]]:
        """Those that the releases shown may make."""
        return (arrow for group in self._groups() for arrow in group)

    def _groups(self) -> list[list[Arrow[P]]]:
        """The arrows of one event to one phase under one guard, by where they lead."""
        groups: dict[tuple[P, bool, str, str], list[Arrow[P]]] = {}
        for arrow in (*self.table.arrows, *self.table.findings):
            groups.setdefault((arrow.target, bool(arrow.releases), arrow.event, arrow.guard), []).append(arrow)
        shown = {key: self._shown(group) for key, group in groups.items()}
        return [shown[key] for key in sorted(shown, key=lambda key: self.order[key[0]]) if shown[key]]

    def _shown(self, group: list[Arrow[P]]) -> list[Arrow[P]]:
        """Those of a group that the releases shown make.

        One that was never seen counts as made where others of its group are; if none was seen, all are as meant.
        """
        if self.moves is None:
            return group
        seen = [arrow for arrow in group if self.moves.of(arrow)]
        made = [arrow for arrow in seen if set(self.moves.of(arrow)) & set(self.moves.shown)]
        if group[0].releases or (seen and not made):
            return made
        return [arrow for arrow in group if arrow in made or arrow not in seen]

    def _bundles(self, group: list[Arrow[P]]) -> Iterator[_Bundle[P]]:
        """The arrows of a group, together where the same can be said of them.

        Of one that was never seen the same is said as of most others.
        """
        said: dict[Said, list[Arrow[P]]] = {}
        unseen = [a for a in group if self.moves is not None and not self.moves.of(a)]
        for arrow in group:
            if arrow not in unseen:
                said.setdefault(self._said(arrow), []).append(arrow)
        most = max(said, key=lambda each: (len(said[each]), each[1] is Mark.NONE), default=("", Mark.NONE))
        said.setdefault(most, []).extend(unseen)
        if self.moves is not None and self.moves.diff is None and len(said) > 1:
            yield self._bundle(group, group, self._in_one(said), Mark.FINDING if group[0].releases else Mark.NONE)
            return
        for (note, mark), arrows in said.items():
            yield self._bundle(arrows, group, note, mark)

    def _in_one(self, said: Mapping[Said, list[Arrow[P]]]) -> str:
        """What is said of some of the phases only."""
        parts = []
        for (note, _), arrows in said.items():
            if note:
                parts.append(f"from {', '.join(show(a.source) for a in arrows)}: {note}")
        return "; ".join(parts)

    def _bundle(self, arrows: list[Arrow[P]], group: list[Arrow[P]], note: str, mark: Mark) -> _Bundle[P]:
        arrow = arrows[0]
        sources = tuple(sorted((a.source for a in arrows), key=self.order.__getitem__))
        usual = mark not in (Mark.ADDED, Mark.REMOVED) or len(arrows) == len(group)
        exceptions = self._exceptions(group)
        elsewhere = [p for p in self.live if p is not arrow.target]
        others = len(set(exceptions) & set(elsewhere))
        few = mark in _COMMON and others <= FEW and others + 1 < len(sources)
        from_all = usual and len(elsewhere) > 1 and (few or not others)
        if from_all and exceptions:
            note = "; ".join(filter(None, (note, f"not from {', '.join(map(show, exceptions))}")))
        forward = all(self.order[source] < self.order[arrow.target] for source in sources)
        doc = " ".join(dict.fromkeys(a.doc for a in arrows))
        return _Bundle(sources, arrow, doc, note, mark, from_all, forward)

    def _exceptions(self, group: list[Arrow[P]]) -> list[P]:
        """The phases in progress that no arrow of a group leaves, though one from there may be meant."""
        sources, target = {arrow.source for arrow in group}, group[0].target
        stays = {a.source for a in self.table.arrows if a.event == group[0].event and a.target is target}
        return [p for p in self.live if p not in sources and (p is not target or p in stays)]

    def _said(self, arrow: Arrow[P]) -> Said:
        """In which releases an arrow exists, and how it is marked."""
        usual = Mark.FINDING if arrow.releases else Mark.NONE
        if self.moves is None:
            return f"only in {_listed(arrow.releases)}" if arrow.releases else "", usual
        cases = self.moves.of(arrow)
        if self.moves.diff:
            old, new = (release in cases for release in self.moves.diff)
            if old and not new:
                return f"only in {self.moves.diff[0]}", Mark.REMOVED
            return (f"new in {self.moves.diff[1]}", Mark.ADDED) if new and not old else ("", usual)
        if self.moves.only or len(cases) == len(self.moves.releases):
            return "", usual
        return f"only in {_listed(cases)}", usual if arrow.releases else Mark.SOME

    # Edges

    def _edges(self, bundle: _Bundle[P]) -> list[Edge]:
        target = _key(bundle.arrow.target)
        if bundle.from_all:
            inside = bundle.arrow.target not in self.table.final
            return [self._edge(ANY if inside else LIVE, target, bundle)]
        if not bundle.joins:
            return [self._edge(_key(source), target, bundle) for source in bundle.sources]
        joint = self._joint(bundle)
        feet = [
            Edge(_key(s), joint.key, kind=joint.kind, mark=bundle.mark, classes=("event",), headless=True)
            for s in bundle.others
        ]
        stays = [self._edge(target, target, bundle)] if len(bundle.others) < len(bundle.sources) else []
        return [*feet, self._edge(joint.key, target, bundle), *stays]

    def _joint(self, bundle: _Bundle[P]) -> Node:
        kind = self.known.kind(bundle.arrow.target)
        marked = {Mark.FINDING: Kind.BAD, Mark.REMOVED: Kind.BAD, Mark.ADDED: Kind.GOOD}.get(bundle.mark, kind)
        key = slug(f"joint-{bundle.arrow.event}-{bundle.arrow.target.name}-{bundle.mark.value}-{bundle.note}")
        return Node(key, kind=marked, shape=Shape.JOINT, tooltip=bundle.doc)

    def _edge(self, source: str, target: str, bundle: _Bundle[P]) -> Edge:
        arrow = bundle.arrow
        return Edge(
            source,
            target,
            arrow.event.replace("_", " "),
            arrow.guard.replace("_", " "),
            bundle.note,
            self.known.kind(arrow.target),
            bundle.mark,
            bundle.doc,
            (event_class(arrow.event), "event"),
        )

    def _remarks(self, bundles: Iterable[_Bundle[P]]) -> Iterator[str]:
        marks = {bundle.mark for bundle in bundles}
        if Mark.FINDING in marks:
            yield "Red and dashed: what should not happen, and does."
        if self.moves is None:
            return
        seen = f"{self.moves.releases[0]} to {self.moves.releases[-1]}"
        whose = f"What {self.moves.only} does" if self.moves.only else f"What the releases {seen} do"
        yield f"{whose} was seen by exploring small systems."
        if Mark.SOME in marks:
            yield "Dotted: only some releases do it."
        if self.moves.diff:
            old, new = self.moves.diff
            changed = marks & {Mark.ADDED, Mark.REMOVED}
            yield (
                f"Red: only {old} does it. Green: {new} does it, and {old} does not."
                if changed
                else (f"What {old} and {new} do is the same, as far as it was seen.")
            )


def _key(phase: Phase) -> str:
    return f"p_{phase.name}"


def _listed(cases: Cases) -> str:
    """Releases in a row; of many, the first and the last."""
    return ", ".join(cases) if len(cases) <= 3 else f"{cases[0]} to {cases[-1]}"
