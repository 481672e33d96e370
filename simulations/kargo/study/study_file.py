"""The file of a study: read, and refused in one sentence where something in it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, TypeVar

from model import documents
from model.fields import Field, similar
from model.inputs import InputError, printable
from model.kargo import manifests, planning, templates
from model.kargo.durations import parse_duration
from model.kargo.failure_policies import NO_POLICY, FailurePolicy, Hint, UnknownPolicyError, policy_named
from model.kargo.manifest_types import Manifests, Stage
from model.kargo.releases import LATEST, Behaviours, UnknownReleaseError, release
from model.kargo.step_kinds import Result, StepKind, step_kind
from model.kargo.templates import StepSpec, Template
from simulations.kargo.study.study import (
    AT_ONCE,
    HINTS,
    HOUR_MS,
    WATCHING,
    Settling,
    StepWorld,
    Study,
    poll_of,
)
from simulations.stochastic.distributions import (
    Continuous,
    Distribution,
    DistributionError,
    Sometimes,
    Values,
    always,
    continuous,
)

EXAMPLE = Path(__file__).with_name("example.yaml")
"""A study that explains itself."""

LARGEST_NUMBER = 1e6
"""Of the shape of a distribution."""

LONGEST_UNTIL_MS = 30 * 24 * HOUR_MS

MOST_RUNS, MOST_PROMOTIONS, LARGEST_SEED = 10**9, 1000, 2**63 - 1

RESULTS = {
    "Succeeded": Result.SUCCEEDED,
    "Errored": Result.ERRORED,
    "Skipped": Result.SKIPPED,
    "Failed": Result.FAILED_TERMINALLY,
    "FailedWithError": Result.FAILED_WITH_ERROR,
    "FailedWithoutError": Result.FAILED,
    "ErroredTerminally": Result.ERRORED_TERMINALLY,
}
"""What an attempt can come back with, as a study calls it."""

T = TypeVar("T")


def load(path: str, *, stdin: BinaryIO | None = None) -> Study:
    """The study in a file; `-` is standard input. Manifests it names are found beside it.

    Raises InputError.
    """
    found = documents.read([path], stdin=stdin)
    if len(found) != 1:
        raise InputError(f"expected one document, found {len(found)}", documents.Place(path))
    root = Field(found[0], found[0].root)
    _only(
        root, "kargo", "runs", "seed", "policy", "confidence", "until", "promotions", "stage", "manifests", "world"
    )
    behaviours = _behaviours(root)
    name = "study" if path == documents.STANDARD_INPUT else Path(path).stem
    return _study(root, _template(root, name, Path(path).parent, behaviours), behaviours, name)


def _study(root: Field, template: Template, behaviours: Behaviours, name: str) -> Study:
    given = Study(template, ())
    world = root.get("world", "how the world behaves")
    promotions, every = _promotions(root.get("promotions"))
    if world:
        _only(world, "latency", "steps", "health", "verification", "hints")
    return Study(
        template=template,
        steps=_steps(world.get("steps") if world else None, template, behaviours),
        behaviours=behaviours,
        policy=_policy(root),
        latency=_or(world and world.get("latency"), distribution, AT_ONCE),
        settling=_settling(world),
        promotions=promotions,
        every=every,
        hints=_or(world and world.get("hints"), _hints, given.hints),
        runs=_or(root.get("runs"), lambda f: f.whole(1, MOST_RUNS), given.runs),
        seed=_or(root.get("seed"), lambda f: f.whole(0, LARGEST_SEED), given.seed),
        until_ms=_or(root.get("until"), _until, given.until_ms),
        confidence=_or(root.get("confidence"), _confidence, given.confidence),
        name=name,
    )


def _or(found: Field | None, read: Callable[[Field], T], otherwise: T) -> T:
    return otherwise if found is None else read(found)


def _only(found: Field, *known: str) -> None:
    """Raise InputError if there is a field that is not known."""
    for name, node in found.mapping(f"a mapping with some of: {', '.join(known)}").items():
        if name not in known:
            meant = similar(name, known)
            more = f'is "{meant}" meant?' if meant else f"known are: {', '.join(known)}"
            raise Field(found.document, node, found.path).wrong(f'"{printable(name)}" is no known field; {more}')


# What is promoted


def _behaviours(root: Field) -> Behaviours:
    named = root.get("kargo")
    if named is None:
        return LATEST
    try:
        return release(named.text("a release in quotes"))
    except UnknownReleaseError as error:
        raise named.wrong(str(error)) from None


def _template(root: Field, name: str, folder: Path, behaviours: Behaviours) -> Template:
    stage, files = root.get("stage"), root.get("manifests")
    if (stage is None) == (files is None):
        raise root.wrong("expected either `stage`, with steps, or `manifests`, a list of files")
    if files is not None:
        paths = [folder / file.text("the name of a file") for file in files.items("a list of files")]
        template = templates.template(manifests.load(paths), release=behaviours.release)
    else:
        assert stage is not None
        _only(stage, "steps")
        steps, warnings = manifests.read_steps(stage)
        for warning in warnings:
            raise InputError(warning.text.replace(" and is ignored", ""), warning.place)
        of = Stage(name, "", (), (), steps, (), stage.place)
        template = templates.template(Manifests(stages=(of,)), release=behaviours.release)
    for broken in planning.broken_expressions(template, behaviours):
        raise InputError(f"the expression {printable(broken.text)} cannot work: {broken.problem}", broken.where)
    for step in template.steps:
        if planning.unknown_kind(step, behaviours):
            raise InputError(f"Kargo {behaviours.release} has no step {printable(step.kind)!r}", step.where)
    return template


def _policy(root: Field) -> FailurePolicy:
    named = root.get("policy")
    if named is None:
        return NO_POLICY
    try:
        return policy_named(named.text("the name of a failure policy"))
    except UnknownPolicyError as error:
        raise named.wrong(str(error)) from None


def _promotions(found: Field | None) -> tuple[int, Distribution]:
    if found is None:
        return 1, AT_ONCE
    _only(found, "count", "every")
    number = _or(found.get("count"), lambda f: f.whole(1, MOST_PROMOTIONS), 1)
    return number, _or(found.get("every"), distribution, AT_ONCE)


# How the world behaves


def _steps(found: Field | None, template: Template, behaviours: Behaviours) -> tuple[StepWorld, ...]:
    aliases = [step.alias for step in template.steps]
    given: Mapping[str, object] = found.mapping("a mapping from the aliases of steps") if found else {}
    for alias in given:
        if alias not in aliases:
            assert found is not None
            of = Field(found.document, found.mapping("")[alias], f"{found.path}.{alias}")
            raise of.wrong(f'there is no step "{printable(alias)}"; the steps are: {", ".join(aliases)}')
    return tuple(_step(found.get(s.alias) if found else None, s, behaviours) for s in template.steps)


def _step(found: Field | None, step: StepSpec, behaviours: Behaviours) -> StepWorld:
    kind = step_kind(step.kind, behaviours.release)
    assert kind is not None, "steps of unknown kinds have been refused"
    poll = poll_of(step.kind, behaviours)
    if found is None:
        return StepWorld(possible=(Result.SUCCEEDED,), poll_ms=poll)
    _only(found, "takes", "results", "ready", "outage", "poll", "holds")
    ready, results, outage = found.get("ready"), found.get("results"), found.get("outage")
    if ready and Result.RUNNING not in kind.results:
        raise ready.wrong(f"{step.kind} does not wait: no attempt of it comes back Running")
    chances, open_to = _results(results, kind)
    possible = [Result.SUCCEEDED, *([Result.ERRORED] if outage else []), *([Result.RUNNING] if ready else [])]
    possible += [r for r in (*chances, *open_to) if r not in possible]
    return StepWorld(
        takes=_or(found.get("takes"), distribution, AT_ONCE),
        results=Values("results", {possible.index(r): p for r, p in chances.items()}),
        possible=tuple(possible),
        open_to=tuple(possible.index(r) for r in open_to),
        ready=_or(ready, distribution, None),
        outage=_or(outage, _outage, None),
        poll_ms=_or(found.get("poll"), _lasting, poll),
        watched=step.kind in WATCHING,
        holds=_or(found.get("holds"), _yes_or_no, None),
    )


def _results(found: Field | None, kind: StepKind) -> tuple[dict[Result, float], tuple[Result, ...]]:
    """How likely the results are, or which there can be where nobody knows."""
    certain = {Result.SUCCEEDED: 1.0}
    if found is None:
        return certain, ()
    if found.node.value == "unknown":
        return certain, tuple(r for r in kind.results if r is not Result.RUNNING)
    if isinstance(found.node.value, list):
        return certain, tuple(_result(f, f.text("a result"), kind) for f in found.items("a list of results"))
    chances: dict[Result, float] = {}
    for name, node in found.mapping("results with their probabilities, a list of results, or unknown").items():
        of = Field(found.document, node, f"{found.path}.{name}")
        result = _result(of, name, kind)
        chances[result] = _probability(of)
    total = sum(chances.values())
    if total > 1 + 1e-9:
        raise found.wrong(f"the probabilities sum to {total:g}, which is above 1")
    if Result.SUCCEEDED not in chances:
        chances = {Result.SUCCEEDED: max(0.0, 1 - total), **chances}
    elif total < 1 - 1e-9:
        raise found.wrong(f"the probabilities sum to {total:g}; leave out Succeeded to have it take the rest")
    return chances, ()


def _result(at: Field, name: str, kind: StepKind) -> Result:
    can = [known for known, result in RESULTS.items() if result in kind.results]
    if RESULTS.get(name) not in kind.results:
        raise at.wrong(f'{kind.name} never comes back "{printable(name)}"; it can: {", ".join(can)}')
    return RESULTS[name]


def _outage(found: Field) -> Distribution:
    _only(found, "chance", "lasts")
    lasts = distribution(found.need("lasts", "how long it lasts"))
    return Sometimes(_probability(found.need("chance", "how likely there is one")), lasts)


def _settling(world: Field | None) -> Settling:
    health = world.get("health") if world else None
    verification = world.get("verification") if world else None
    if health:
        _only(health, "after", "healthy")
    if verification:
        _only(verification, "takes", "successful")
    return Settling(
        delay=_or(health and health.get("after"), distribution, AT_ONCE),
        healthy=_or(health and health.get("healthy"), _yes_or_no, always(1)),
        verifies=verification is not None,
        takes=_or(verification and verification.get("takes"), distribution, AT_ONCE),
        successful=_or(verification and verification.get("successful"), _yes_or_no, always(1)),
    )


def _hints(found: Field) -> Values:
    known = {hint.value: HINTS.index(hint) for hint in Hint}
    chances: dict[int, float] = {}
    for name, node in found.mapping("hints with their probabilities").items():
        of = Field(found.document, node, f"{found.path}.{name}")
        if name not in known:
            raise of.wrong(f'there is no hint "{printable(name)}"; there are: {", ".join(known)}')
        chances[known[name]] = _probability(of)
    if abs(sum(chances.values()) - 1) > 1e-9:
        raise found.wrong(f"the probabilities sum to {sum(chances.values()):g}, not to 1")
    return Values("hints", chances)


# Numbers and times


def _number(found: Field, what: str) -> float:
    value = found.node.value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < LARGEST_NUMBER:
        raise found.expected(what)
    return float(value)


def _probability(found: Field) -> float:
    what = "a probability from 0 to 1"
    value = _number(found, what)
    if not 0 <= value <= 1:
        raise found.expected(what)
    return value


def _yes_or_no(found: Field) -> Values:
    chance = _probability(found)
    return Values("yes or no", {1: chance, 0: 1 - chance})


def _confidence(found: Field) -> float:
    value = _number(found, what := "a confidence above 0.5 and below 1")
    if not 0.5 < value < 1:
        raise found.expected(what)
    return value


def _duration(found: Field, what: str, least: int | None = 0) -> int:
    value = found.node.value
    try:
        milliseconds = parse_duration(value) if isinstance(value, str) else None
    except ValueError:
        milliseconds = None
    if milliseconds is None or (least is not None and milliseconds < least):
        raise found.expected(what)
    return milliseconds


def _lasting(found: Field) -> int:
    return _duration(found, "a duration above zero, such as 30s", 1)


def _until(found: Field) -> int:
    what = "a duration above zero and up to 720h"
    if (given := _duration(found, what, 1)) > LONGEST_UNTIL_MS:
        raise found.expected(what)
    return given


def distribution(found: Field) -> Distribution:
    """A time, or how times are distributed.

    Raises InputError.
    """
    value = found.node.value
    if isinstance(value, dict):
        return _named(found)
    if isinstance(value, list):
        return _measured(found)
    return always(_duration(found, "a duration that is not negative, such as 4s, or a distribution"), str(value))


def _measured(found: Field) -> Values:
    """Times that were measured, each as likely as it comes in the list."""
    times = [_duration(each, "a duration that is not negative") for each in found.items("")]
    if not times:
        raise found.expected("at least one duration")
    return Values("times that were measured", {t: float(times.count(t)) for t in dict.fromkeys(times)})


def _named(found: Field) -> Distribution:
    what = "the name of a distribution with its parameters, such as {expon: {scale: 30s}}"
    fields = found.mapping(what)
    if len(fields) != 1:
        raise found.expected(what)
    [(name, node)] = fields.items()
    of = Field(found.document, node, f"{found.path}.{name}")
    if name == "values":
        return _values(of)
    try:
        return continuous(name, dict(_parameters(of)))
    except DistributionError as error:
        raise of.wrong(printable(str(error), 400)) from None


def _parameters(found: Field) -> Iterator[tuple[str, float]]:
    if found.node.value is None:
        return
    for name, node in found.mapping("parameters, such as {scale: 30s}").items():
        of = Field(found.document, node, f"{found.path}.{name}")
        if name in ("loc", "scale"):
            least = None if name == "loc" else 1
            yield name, float(_duration(of, f"a duration{' above zero' if least else ''}, such as 4s", least))
        else:
            yield name, _number(of, "a number")


def _values(found: Field) -> Values:
    chances: dict[int, float] = {}
    for name, node in found.mapping("durations with their probabilities").items():
        of = Field(found.document, node, f"{found.path}.{name}")
        try:
            time = parse_duration(name)
        except ValueError:
            time = -1
        if time < 0:
            raise of.wrong(f'expected a duration that is not negative, found "{printable(name)}"')
        chances[time] = chances.get(time, 0.0) + _probability(of)
    if abs(sum(chances.values()) - 1) > 1e-9:
        raise found.wrong(f"the probabilities sum to {sum(chances.values()):g}, not to 1")
    return Values("a few values", chances)


__all__ = ["EXAMPLE", "Continuous", "distribution", "load"]
