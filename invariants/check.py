"""Check a system: explore what can be reached, judge the properties, give traces that replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from invariants.explicit_search import explicit_search
from invariants.findings import Findings, Question, StutterMatters, Traced, each_property
from invariants.fusing import fused
from invariants.limits import Limits
from invariants.ordering import ordered
from invariants.properties import Property
from invariants.saving import Checkpoint
from invariants.search import search
from invariants.slicing import Slice, stutter_claims
from invariants.slicing import sliced as slice_of
from invariants.trace import Path, Trace, retrace
from invariants.verdicts import Bounds, Cost, Judgement, Progress, Report, Verdict, Watch
from model.system import ModelError, System, Table

__all__ = ["ENGINES", "STRATEGIES", "Bounds", "Cost", "Judgement", "Progress", "Report", "Verdict", "check"]

ENGINES: dict[str, Callable[[Question], Findings]] = {
    "symbolic": search,
    "explicit": explicit_search,
}
"""The engines by name."""

Order = Sequence[str]

STRATEGIES = ("layers", "saturation")
"""How the symbolic engine explores; the explicit one knows layers only."""


def check(
    system: System,
    properties: Iterable[Property] = (),
    *,
    engine: str = "symbolic",
    strategy: str = "layers",
    bounds: Bounds | None = None,
    sliced: bool = True,
    order: str | Order = "auto",
    transitions: bool = True,
    stop_when_decided: bool = False,
    traced: Traced = each_property,
    checkpoint: Checkpoint | None = None,
    progress: Watch | None = None,
) -> Report:
    """Explore `system` and judge `properties`.

    `strategy` is "layers" (exact depths, shortest traces) or "saturation" (verdicts where layers are slow;
    symbolic engine only). With `sliced`, variables that no property depends on are dropped first; without
    properties nothing is. `order` is that of the variables, for decision diagrams: one of `ordering.ORDERS`, or
    their names. `transitions` says whether to count them. `stop_when_decided` ends the exploration as soon as
    every property has a verdict; the sizes are then those seen so far. `traced` says for which properties the way
    to what decided them is wanted, and which of them can share one: finding it can take longer than the verdict.
    `progress` is called now and then. The symbolic engine saves what it has seen at `checkpoint`. A bound that is
    hit, a lack of memory, and Ctrl-C end the exploration, never the report.

    Raises ModelError if the call or the model is wrong: an unknown engine, a property of an unknown variable,
    two properties of one name, a value outside its domain.
    """
    claims = tuple(properties)
    _validate(system, claims, engine, strategy)
    limits = Limits(bounds or Bounds(), progress)
    part = slice_of(system, claims) if sliced else Slice(system, (), ())
    stutter = stutter_claims(claims) if part.vanished else ()

    def ask(what: System, watched: tuple[Property, ...]) -> Findings:
        seen = {name for claim in claims for name in claim.variables}
        return ENGINES[engine](
            Question(
                ordered(fused(what, seen), order),
                claims,
                strategy,
                limits,
                transitions,
                stop_when_decided,
                watched,
                traced,
                checkpoint,
            )
        )

    try:
        found = ask(part.system, stutter)
    except StutterMatters:
        part = Slice(system, (), ())
        found = ask(system, ())
    except ModelError:
        if not part.dropped:
            raise
        # A function may write under a name that its code does not show; then only the whole system is exact.
        part = Slice(system, (), ())
        found = ask(system, ())
    return _report(system, claims, engine, strategy, limits, part, found)


def _report(
    system: System,
    claims: tuple[Property, ...],
    engine: str,
    strategy: str,
    limits: Limits,
    part: Slice,
    found: Findings,
) -> Report:
    judgements = []
    for claim in claims:
        verdict, way = found.verdicts[claim]
        trace = _trace(system, way, claim, found) if way else None
        judgements.append(Judgement(claim, verdict, trace, claim in found.vacuous))
    bound = "; ".join(filter(None, (*dict.fromkeys(found.why), found.unseen))) or None
    return Report(
        system=system.name,
        engine=engine,
        strategy=strategy,
        states=found.states,
        transitions=found.transitions,
        levels=found.levels if strategy == "layers" else None,
        seconds=limits.seconds,
        complete=found.complete,
        bound=bound,
        judgements=tuple(judgements),
        profile=_profile(found),
        sliced=part.dropped,
    )


def _trace(system: System, way: Path, claim: Property, found: Findings) -> Trace | None:
    """The way taken again; None if it cannot be because memory ran out while rows were being learned."""
    try:
        return retrace(system, way, claim)
    except ModelError:
        if found.complete:
            raise
        return None


def _profile(found: Findings) -> tuple[Cost, ...]:
    by_table: dict[int, tuple[Table, list[tuple[str, float]]]] = {}
    for table, name, seconds in found.images:
        by_table.setdefault(id(table), (table, []))[1].append((name, seconds))
    costs = [
        Cost(t.function.__name__, len(t.rows), t.calls, t.seconds, tuple(sorted(images, key=lambda i: -i[1])))
        for t, images in by_table.values()
    ]
    return tuple(sorted(costs, key=lambda c: -(c.seconds + sum(s for _, s in c.images))))


def _validate(system: System, claims: tuple[Property, ...], engine: str, strategy: str) -> None:
    if engine not in ENGINES:
        raise ModelError(f"no engine {engine!r}; the engines are: {', '.join(ENGINES)}")
    if strategy not in STRATEGIES or (engine == "explicit" and strategy != "layers"):
        raise ModelError(f"no strategy {strategy!r} of the {engine} engine; there are: {', '.join(STRATEGIES)}")
    names = [c.name for c in claims]
    if doubled := [n for n in names if names.count(n) > 1]:
        raise ModelError(f"property {doubled[0]!r} exists twice")
    variables = {v.name: v for v in system.variables}
    actions = {a.name for a in system.actions}
    for c in claims:
        for _, (name, after) in (*c.reads, *(c.premise.reads if c.premise else ())):
            if name not in variables:
                raise ModelError(f"{c.name} reads the variable {name!r}, which does not exist in {system.name}")
            if variables[name].local and not after:
                raise ModelError(f"{c.name} reads the local variable {name!r}, which only a next_ parameter can")
        if unknown := [n for n in (*c.by, *sorted(c.named)) if n not in actions]:
            raise ModelError(f"{c.name} is about the action {unknown[0]!r}, which does not exist in {system.name}")
