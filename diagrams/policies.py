"""What failure policies promise and break, as a table for people, for programs, and to paste."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from diagrams import traces
from diagrams.tables import markdown_table, table
from invariants.kargo.policies import PROMISES, STAGES, Found, Promise, Restriction, Standing
from invariants.subjects import Subject
from invariants.verdicts import Judgement
from model.kargo.failure_policies import FailurePolicy, Response
from model.kargo.repetition import REPEATED


class Table(NamedTuple):
    """Policies, and the verdict on every promise under each.

    `stages` push to one branch; `limits` says for responses from which limit on all of them are promoted if
    git-push does not try again, None if never.
    """

    release: str
    policies: Sequence[FailurePolicy]
    found: Mapping[tuple[FailurePolicy, str], Found]
    stages: int = STAGES
    limits: Mapping[Response, int | None] = MappingProxyType({})

    @property
    def restrictions(self) -> dict[Restriction, str]:
        """The restrictions that restore something, each with the letter it is called by."""
        used = dict.fromkeys(
            verdict.restriction
            for promise in PROMISES
            for policy in self.policies
            if (verdict := self.found[policy, promise.id]).restriction is not None
        )
        return {restriction: chr(ord("a") + k) for k, restriction in enumerate(used) if restriction is not None}


_MARKS = {Standing.HOLDS: "yes", Standing.VIOLATED: "NO", Standing.IDLE: "-"}
_MEANS = {
    "yes": "it holds in every reachable state",
    "NO": "it is violated, and none of the restrictions tried restores it",
    "-": "the policy never does what it speaks of",
}


def lines(found: Table) -> Iterator[str]:
    """The answer in a line, the table, what its marks mean, and what repeating work means."""
    yield summary(found)
    yield ""
    yield from (f"  {line}" for line in table(*_cells(found)))
    yield ""
    yield from _legend(found)
    repeating = [p for p in found.policies if found.found[p, "work"].standing is Standing.VIOLATED]
    if repeating:
        yield ""
        yield f"work is done again under {', '.join(map(str, repeating))}; of the built-in steps that matters for"
        yield from (f"  {kind}: {what}" for kind, what in REPEATED.items())


def markdown(found: Table) -> Iterator[str]:
    """The table to paste, with what its marks mean."""
    yield from markdown_table(*_cells(found))
    yield ""
    yield from (f"* {line}" for line in _legend(found))


def summary(found: Table) -> str:
    """Which promises the policies break whatever is restricted."""
    broken: dict[str, list[str]] = {}
    for promise in PROMISES:
        by = [str(p) for p in found.policies if found.found[p, promise.id].standing is Standing.VIOLATED]
        if by:
            broken.setdefault(", ".join(by), []).append(promise.says)
    if not broken:
        return f"In Kargo {found.release} every promise is kept, some only under a restriction."
    told = (f"not kept by {by}: {'; '.join(says)}" for by, says in broken.items())
    return f"In Kargo {found.release}, of {len(PROMISES)} promises {'; '.join(told)}."


def _cells(found: Table) -> tuple[list[str], list[list[str]]]:
    letters = found.restrictions
    rows = [
        [promise.id, *(_mark(found.found[p, promise.id], letters) for p in found.policies), promise.says]
        for promise in PROMISES
    ]
    return ["", *map(str, found.policies), "promise"], rows


def _mark(verdict: Found, letters: Mapping[Restriction, str]) -> str:
    if verdict.restriction is not None:
        return f"if {letters[verdict.restriction]}"
    return _MARKS[verdict.standing]


def _legend(found: Table) -> Iterator[str]:
    used = {_mark(verdict, found.restrictions) for verdict in found.found.values()}
    yield from (f"{mark:4}  {means}" for mark, means in _MEANS.items() if mark in used)
    for restriction, letter in found.restrictions.items():
        yield f"if {letter}  it holds if {restriction.says}"
    pushing = ", ".join(promise.id for promise in PROMISES if promise.pushes)
    yield f"{pushing}: {found.stages} Stages that push at the same time, each of another controller"
    yield from (f"plain: {line}" for line in _limits(found))
    if any(policy.response is not Response.NONE for policy in found.policies):
        yield "No release has failure policies: they are put on the model of this one."


def _limits(found: Table) -> Iterator[str]:
    enough = [f"{response.value}:{limit}" for response, limit in found.limits.items() if limit]
    never = [response.value for response, limit in found.limits.items() if limit is None]
    if enough:
        yield f"all {found.stages} are promoted from {', '.join(enough)} on"
    if never:
        yield f"no limit is enough for {', '.join(never)}"


def shown(
    promise: Promise, policy: FailurePolicy, release: str, example: tuple[Subject, Judgement] | None
) -> Iterator[str]:
    """How a promise is broken, step by step; or that it is not."""
    if example is None or example[1].trace is None:
        yield f"{policy} in Kargo {release}: {promise.says}: no way to break it was found"
        return
    subject, judgement = example
    trace = example[1].trace
    yield f"{policy} in Kargo {release} breaks: {promise.says}"
    asked = {*judgement.property.variables}
    yield from traces.story(trace, shown=lambda v: v in asked or not v.startswith((*subject.quiet, *QUIET)))
    yield f"    so  {traces.verdict_of(judgement.property, trace)}"


QUIET = ("answered", "done", "starts", "attempt", "work_dir")
"""What a story about policies need not tell."""


def as_json(found: Table) -> dict[str, object]:
    """The verdicts for programs; see docs/json.md."""
    return {
        "kargo": found.release,
        "stages": found.stages,
        "pushLimits": {response.value: limit for response, limit in found.limits.items()},
        "policies": [
            {
                "policy": str(policy),
                "promises": [
                    {
                        "id": promise.id,
                        "says": promise.says,
                        "standing": (verdict := found.found[policy, promise.id]).standing.value,
                        "restriction": verdict.restriction.says if verdict.restriction else None,
                    }
                    for promise in PROMISES
                ],
            }
            for policy in found.policies
        ],
        "repeated": REPEATED,
    }


def example_as_json(
    promise: Promise, policy: FailurePolicy, release: str, example: tuple[Subject, Judgement] | None
) -> dict[str, object]:
    """How a promise is broken, for programs."""
    trace = example[1].trace if example else None
    about: dict[str, object] = {"kargo": release, "policy": str(policy), "id": promise.id, "says": promise.says}
    return about | {"trace": traces.as_json(trace) if trace else None}
