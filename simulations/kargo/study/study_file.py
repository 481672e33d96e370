"""The file of a study: read, and refused in one sentence where something in it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, TypeVar

from model import documents
from model.fields import Field
from model.inputs import InputError, printable
from model.kargo import manifests, planning, templates
from model.kargo.failure_policies import NO_POLICY, Hint, UnknownPolicyError, policy_named
from model.kargo.manifest_types import Manifests, Stage
from model.kargo.releases import LATEST, Behaviours, release
from model.kargo.step_kinds import Result, StepKind, step_kind
from model.kargo.templates import StepSpec, Template
from model.releases import UnknownReleaseError
from simulations.kargo.study import branch_file
from simulations.kargo.study.study import (
    AT_ONCE,
    HINTS,
    WATCHING,
    Disturbances,
    Settling,
    StepWorld,
    Study,
    poll_of,
)
from simulations.kargo.study.study_fields import (
    confidence,
    distribution,
    lasting,
    only,
    otherwise,
    probability,
    until,
    yes_or_no,
)
from simulations.stochastic.distributions import Distribution, Sometimes, Values, always

EXAMPLE = Path(__file__).with_name("example.yaml")
"""A study that explains itself."""

T = TypeVar("T")

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


def load(path: str, *, stdin: BinaryIO | None = None) -> Study:
    """The study in a file; `-` is standard input. Manifests it names are found beside it.

    Raises InputError.
    """
    found = documents.read([path], stdin=stdin)
    if len(found) != 1:
        raise InputError(f"expected one document, found {len(found)}", documents.Place(path))
    root = Field(found[0], found[0].root)
    only(
        root,
        *("kargo", "runs", "seed", "policy", "confidence", "until", "promotions", "branch", "stage", "manifests"),
        "world",
    )
    behaviours = _named(root.get("kargo"), "a release in quotes", release, LATEST)
    name = "study" if path == documents.STANDARD_INPUT else Path(path).stem
    return _study(root, _template(root, name, Path(path).parent, behaviours), behaviours, name)


def _study(root: Field, template: Template, behaviours: Behaviours, name: str) -> Study:
    given = Study(template, ())
    world = root.get("world", "how the world behaves")
    promotions, every = _promotions(root.get("promotions"))
    if world:
        only(world, "latency", "steps", "health", "verification", "hints", "abort", "restarts")
    read = Study(
        template=template,
        steps=_steps(world.get("steps") if world else None, template, behaviours),
        behaviours=behaviours,
        policy=_named(root.get("policy"), "the name of a failure policy", policy_named, NO_POLICY),
        latency=otherwise(world and world.get("latency"), distribution, AT_ONCE),
        settling=_settling(world),
        promotions=promotions,
        every=every,
        hints=otherwise(world and world.get("hints"), _hints, given.hints),
        runs=otherwise(root.get("runs"), lambda f: f.whole(1, MOST_RUNS), given.runs),
        seed=otherwise(root.get("seed"), lambda f: f.whole(0, LARGEST_SEED), given.seed),
        until_ms=otherwise(root.get("until"), until, given.until_ms),
        confidence=otherwise(root.get("confidence"), confidence, given.confidence),
        name=name,
        disturbances=_disturbances(world),
    )
    return branch_file.read(root.get("branch"), read)


# What is promoted


def _named(found: Field | None, what: str, find: Callable[[str], T], given: T) -> T:
    """What goes by the name that a field holds, or what is given where there is none."""
    if found is None:
        return given
    try:
        return find(found.text(what))
    except (UnknownReleaseError, UnknownPolicyError) as error:
        raise found.wrong(str(error)) from None


def _template(root: Field, name: str, folder: Path, behaviours: Behaviours) -> Template:
    stage, files = root.get("stage"), root.get("manifests")
    if (stage is None) == (files is None):
        raise root.wrong("expected either `stage`, with steps, or `manifests`, a list of files")
    if files is not None:
        paths = [folder / file.text("the name of a file") for file in files.items("a list of files")]
        if not paths:
            raise files.expected("a list of at least one file")
        template = templates.template(manifests.load(paths), release=behaviours.release)
    else:
        assert stage is not None
        only(stage, "steps")
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


def _promotions(found: Field | None) -> tuple[int, Distribution]:
    if found is None:
        return 1, AT_ONCE
    only(found, "count", "every")
    number = otherwise(found.get("count"), lambda f: f.whole(1, MOST_PROMOTIONS), 1)
    return number, otherwise(found.get("every"), distribution, AT_ONCE)


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
    only(found, "takes", "results", "ready", "outage", "poll", "holds")
    ready, results, outage = found.get("ready"), found.get("results"), found.get("outage")
    if ready and Result.RUNNING not in kind.results:
        raise ready.wrong(f"{step.kind} does not wait: no attempt of it comes back Running")
    chances, open_to = _results(results, kind)
    possible = [Result.SUCCEEDED, *([Result.ERRORED] if outage else []), *([Result.RUNNING] if ready else [])]
    possible += [r for r in (*chances, *open_to) if r not in possible]
    return StepWorld(
        takes=otherwise(found.get("takes"), distribution, AT_ONCE),
        results=Values("results", {possible.index(r): p for r, p in chances.items()}),
        possible=tuple(possible),
        open_to=tuple(possible.index(r) for r in open_to),
        ready=otherwise(ready, distribution, None),
        outage=otherwise(outage, _outage, None),
        poll_ms=otherwise(found.get("poll"), lasting, poll),
        watched=step.kind in WATCHING,
        holds=otherwise(found.get("holds"), yes_or_no, None),
    )


def _results(found: Field | None, kind: StepKind) -> tuple[dict[Result, float], tuple[Result, ...]]:
    """How likely the results are, or which there can be where nobody knows."""
    certain = {Result.SUCCEEDED: 1.0}
    if found is None:
        return certain, ()
    if found.node.value == "unknown":
        return certain, tuple(r for r in kind.results if r is not Result.RUNNING)
    if isinstance(found.node.value, list):
        open_to = tuple(_result(f, f.text("a result"), kind) for f in found.items("a list of results"))
        if not open_to:
            raise found.expected("a list of at least one result")
        return certain, open_to
    chances: dict[Result, float] = {}
    for name, node in found.mapping("results with their probabilities, a list of results, or unknown").items():
        of = Field(found.document, node, f"{found.path}.{name}")
        result = _result(of, name, kind)
        chances[result] = probability(of)
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
    only(found, "chance", "lasts")
    lasts = distribution(found.need("lasts", "how long it lasts"))
    return Sometimes(probability(found.need("chance", "how likely there is one")), lasts)


def _settling(world: Field | None) -> Settling:
    health = world.get("health") if world else None
    verification = world.get("verification") if world else None
    if health:
        only(health, "after", "healthy")
    if verification:
        only(verification, "takes", "successful")
    return Settling(
        delay=otherwise(health and health.get("after"), distribution, AT_ONCE),
        healthy=otherwise(health and health.get("healthy"), yes_or_no, always(1)),
        verifies=verification is not None,
        takes=otherwise(verification and verification.get("takes"), distribution, AT_ONCE),
        successful=otherwise(verification and verification.get("successful"), yes_or_no, always(1)),
    )


def _disturbances(world: Field | None) -> Disturbances:
    abort = world.get("abort") if world else None
    restarts = world.get("restarts") if world else None
    if abort:
        only(abort, "chance", "after")
    if restarts:
        only(restarts, "every", "down")
    return Disturbances(
        aborts=yes_or_no(abort.need("chance", "how likely somebody aborts")) if abort else None,
        abort_after=otherwise(abort and abort.get("after"), distribution, AT_ONCE),
        restarts=_every(restarts.need("every", "how often it is restarted")) if restarts else None,
        down=otherwise(restarts and restarts.get("down"), distribution, AT_ONCE),
    )


def _every(found: Field) -> Distribution:
    every = distribution(found)
    if every.only == 0:
        raise found.expected("a duration above zero, such as 6h, or a distribution")
    return every


def _hints(found: Field) -> Values:
    known = {hint.value: HINTS.index(hint) for hint in Hint}
    chances: dict[int, float] = {}
    for name, node in found.mapping("hints with their probabilities").items():
        of = Field(found.document, node, f"{found.path}.{name}")
        if name not in known:
            raise of.wrong(f'there is no hint "{printable(name)}"; there are: {", ".join(known)}')
        chances[known[name]] = probability(of)
    if abs(sum(chances.values()) - 1) > 1e-9:
        raise found.wrong(f"the probabilities sum to {sum(chances.values()):g}, not to 1")
    return Values("hints", chances)
