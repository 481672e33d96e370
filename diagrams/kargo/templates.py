"""Pictures of templates: the steps of a Promotion, and where each outcome of each of them leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from diagrams.kargo.lifecycles import PROMOTION_KINDS
from diagrams.pictures import Edge, Mark, Node, Picture, Shape, shortened, slug
from diagrams.theme import Kind
from model.kargo.durations import format_duration
from model.kargo.phases import PromotionPhase
from model.kargo.planning import Planner, step_rules
from model.kargo.templates import StepSpec, Template
from simulations.kargo.ways import Came, Way, Ways, steps_after, ways

ALIAS, CONDITION = 40, 80
"""Texts of manifests are cut after so many characters."""

START = "start"

FEW = 2
"""Edges of one kind to one place, from more steps than these, meet in a joint and are labelled once."""

FAILS = (PromotionPhase.FAILED, PromotionPhase.ERRORED)

_LABELS = {
    Came.DONE: "",
    Came.NOTHING: "nothing to do",
    Came.PASSED_OVER: "skipped",
    Came.FAILED: "fails",
    Came.GIVEN_UP: "given up",
    Came.WAITS: "waits",
    Came.RETRIED: "retries",
}
_KINDS = {
    Came.DONE: Kind.GOOD,
    Came.NOTHING: Kind.MOOT,
    Came.PASSED_OVER: Kind.MOOT,
    Came.FAILED: Kind.BAD,
    Came.GIVEN_UP: Kind.BAD,
    Came.WAITS: Kind.BUSY,
    Came.RETRIED: Kind.BROKEN,
}


def picture(template: Template, planner: Planner, name: str = "template") -> Picture:
    """The picture of a template, as a release runs it."""
    found = ways(planner)
    release = planner.behaviours.release
    joined = _joined(found.ways)
    single = [_edge(way, planner) for way in sorted(joined, key=_order) if way.target is not None]
    joints, edges = _met(_again(joined) + single)
    nodes = (
        Node(START, shape=Shape.START, tooltip="Here it begins.", classes=("start",)),
        *(_step(planner, number, found.ways) for number in range(len(planner.steps))),
        *(_end(phase) for phase in _ends(found.ways)),
        *joints,
    )
    title = shortened(template.subject, ALIAS * 2) or "Template"
    count = len(planner.steps)
    about = (
        f"{count} steps, as Kargo {release} runs them" if count != 1 else f"One step, as Kargo {release} runs it"
    )
    return Picture(name, title, about, nodes, (), edges, tuple(_remarks(edges, found)), down=True)


def _remarks(edges: Iterable[Edge], found: Ways) -> Iterator[str]:
    if any(edge.mark is Mark.FINDING for edge in edges):
        yield "Red and dashed: look twice. A failure is swallowed, or something runs although a step has failed."
    if not found.complete:
        yield "There are too many ways to follow them all; some may be missing."


def _joined(found: Iterable[Way]) -> set[Way]:
    """Failed and Errored are one end here; of a way that is gone anyway it is not said that failures go it, too."""
    joined = {w._replace(target=PromotionPhase.FAILED if w.target in FAILS else w.target) for w in found}
    return {w for w in joined if not (w.late and w._replace(late=False) in joined)}


def _ends(found: Iterable[Way]) -> list[PromotionPhase]:
    reached = {way.target for way in found}
    ends = [PromotionPhase.SUCCEEDED] if PromotionPhase.SUCCEEDED in reached else []
    return [*ends, *([PromotionPhase.FAILED] if reached & set(FAILS) else [])]


def _end(phase: PromotionPhase) -> Node:
    label = "Failed or Errored" if phase in FAILS else phase.value
    lines = ("the Promotion",)
    classes = (f"end-{phase.value}", "end")
    return Node(_end_key(phase), label, lines, PROMOTION_KINDS[phase], tooltip=phase.doc, classes=classes)


def _end_key(phase: PromotionPhase) -> str:
    return f"end_{phase.name}"


def _step(planner: Planner, number: int, found: Iterable[Way]) -> Node:
    step = planner.steps[number]
    late = number in steps_after(found)
    lines = [step.kind, *_settings(planner, step), *(["runs after a failure"] if late else [])]
    reached = any(way.target == number for way in found)
    lines += [] if reached else ["is never reached"]
    shape = Shape.BOX if reached else Shape.ANY
    kind = Kind.BROKEN if late else Kind.PLAIN
    classes = (f"step-{slug(step.alias)}", "step")
    label = shortened(step.alias, ALIAS)
    return Node(f"s{number}", label, tuple(lines), kind, shape, tooltip=str(step.where), classes=classes)


def _settings(planner: Planner, step: StepSpec) -> Iterator[str]:
    rules = step_rules(step, planner.kinds(step.kind))
    if step.condition:
        yield f"if {shortened(step.condition, CONDITION)}"
    if step.continue_on_error:
        yield "continueOnError"
    if rules.error_threshold > 1:
        yield f"up to {rules.error_threshold} errors"
    if rules.timeout_ms > 0:
        yield f"timeout {format_duration(rules.timeout_ms)}"


def _order(way: Way) -> tuple[int, int, int, str]:
    """Edges by where they begin, straight ones first: so the steps come to stand below each other."""
    source = -1 if way.source is None else way.source
    target = way.target if isinstance(way.target, int) else 10_000
    return source, abs(target - source - 1), list(Came).index(way.came or Came.DONE), str(way)


def _again(found: Iterable[Way]) -> list[Edge]:
    """An edge from each step that may be tried again, or looked at again, to itself."""
    reasons: dict[int, list[Came]] = {}
    for way in sorted(found, key=_order):
        if way.target is None and way.source is not None and way.came is not None:
            reasons.setdefault(way.source, []).append(way.came)
    return [
        Edge(
            f"s{step}", f"s{step}", " or ".join(_LABELS[c] for c in came), kind=_KINDS[came[-1]], classes=("again",)
        )
        for step, came in reasons.items()
    ]


def _edge(way: Way, planner: Planner) -> Edge:
    """The edge of a way that leads somewhere else."""
    source = START if way.source is None else f"s{way.source}"
    came = way.came or Came.DONE
    assert way.target is not None
    target = f"s{way.target}" if isinstance(way.target, int) else _end_key(way.target)
    mark, note = _danger(way)
    kind = Kind.BAD if way.late and came is Came.DONE else _KINDS[came]
    guard = ""
    if came is Came.PASSED_OVER and way.source is not None:
        guard = "its `if` is false"
    classes = (f"came-{slug(came.value)}", "way")
    straight = came is Came.DONE and not (way.late and isinstance(way.target, PromotionPhase))
    told = _told(way, planner)
    return Edge(source, target, _LABELS[came], guard, note, kind, mark, told, classes, straight=straight)


def _met(edges: Iterable[Edge]) -> tuple[list[Node], tuple[Edge, ...]]:
    """The edges, those that lead on after failures to one place from many steps with one label for all of them."""
    alike: dict[tuple[str, str, str, Kind, Mark], list[Edge]] = {}
    for edge in edges:
        own = edge.source if edge.straight or edge.source == edge.target or not edge.label else ""
        alike.setdefault((edge.target, edge.label, f"{edge.note}{own}", edge.kind, edge.mark), []).append(edge)
    joints, met = [], []
    for number, some in enumerate(alike.values()):
        if len(some) <= FEW:
            met += some
            continue
        first = some[0]
        joint = Node(f"joint{number}", kind=first.kind, shape=Shape.JOINT)
        joints.append(joint)
        met += [replace(e, target=joint.key, label="", guard="", note="", headless=True) for e in some]
        met.append(replace(first, source=joint.key, tooltip=f"{len(some)} steps: {first.label}"))
    return joints, tuple(met)


def _danger(way: Way) -> tuple[Mark, str]:
    """What is dangerous about a way, and how it is marked."""
    if way.swallowed:
        return Mark.FINDING, "the failure is swallowed"
    if way.came is Came.GIVEN_UP:
        return Mark.FINDING, "it was begun, and is not tried again"
    if way.came is Came.FAILED and way.target is PromotionPhase.SUCCEEDED:
        return Mark.FINDING, "and the Promotion turns green"
    if way.came is Came.FAILED and isinstance(way.target, int):
        return Mark.FINDING, "goes on after the failure"
    return Mark.NONE, "after a failure" if way.late and way.came is not Came.FAILED else ""


def _told(way: Way, planner: Planner) -> str:
    alias = planner.steps[way.source].alias if way.source is not None else "the beginning"
    return f"{alias}: {(way.came or Came.DONE).value}"
