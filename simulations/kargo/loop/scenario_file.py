"""The file of a scenario of the control loop: a report, a story that shows it, and ways out of it.

What the report claims is not written there: whether it breaks in a release, whether a fix removes it and whether a
recovery works is found by telling the story.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from model import documents
from model.fields import Field
from model.kargo.durations import parse_duration
from model.kargo.older_releases import OLDER
from model.kargo.releases import Behaviours
from simulations.kargo.loop.phrases import Event, Expectation, PhraseError, event_of, expectation_of
from simulations.kargo.loop.programs import read_program
from simulations.kargo.loop.symptoms import CLAIMS, Claim
from simulations.replay import RecordingError

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Fix:
    """A change of behaviour that is said to remove the bug."""

    name: str
    change: Mapping[str, Any]

    def applied(self, behaviours: Behaviours) -> Behaviours:
        """A release with the fix."""
        return replace(behaviours, **self.change)


@dataclass(frozen=True)
class Recovery:
    """What a person might do about it, and what is then to be true.

    It is done after the story, or in place of the event number `instead_of` and all that come after it.
    """

    name: str
    instead_of: int | None
    events: tuple[Event, ...]
    then: tuple[Expectation, ...]


@dataclass(frozen=True)
class Scenario:
    """A bug: its reports, what is seen of it, a program whose events are a story, and what is asked of it.

    A bug that was found by checking has the number of the finding, such as F1, in place of a report.

    `older` are the releases from before those recorded of which it makes sense to ask.
    """

    name: str
    reports: tuple[str, ...]
    about: str
    program: Json
    story: tuple[Event, ...]
    claims: tuple[Claim, ...]
    fixes: tuple[Fix, ...]
    recoveries: tuple[Recovery, ...]
    older: tuple[str, ...]


_KNOWN = ("reports", "about", "warehouses", "stages", "attempts", "story", "claims", "fixes", "recoveries", "older")


def load(path: Path) -> Scenario:
    """The scenario in a file, called after the file, or after the folder that it is in if it is a `scenario.yaml`.

    Raises InputError.
    """
    [document] = documents.read([path])
    root = Field(document, document.root)
    _only(root, _KNOWN)
    name = path.resolve().parent.name if path.stem == "scenario" else path.stem
    program = _program(root, name)
    story = tuple(_events(root.need("story", "what happens"), program))
    claims = root.need("claims", "the claims that catch it").items("a list of claims")
    return Scenario(
        name,
        tuple(_texts(root.need("reports", "the numbers of the reports"))),
        root.need("about", "what is seen of the bug").text(),
        program,
        story,
        tuple(_known(claim, CLAIMS, "claim") for claim in claims),
        tuple(map(_fix, _list(root.get("fixes")))),
        tuple(_recovery(recovery, story, program) for recovery in _list(root.get("recoveries"))),
        tuple(name.text() for name in _list(root.get("older")) if _known(name, OLDER, "older release")),
    )


def _program(root: Field, name: str) -> Json:
    """The program of the scenario, without its events."""
    stages = root.need("stages", "the Stages")
    topology: Json = {
        "warehouses": list(_texts(root.need("warehouses", "the names of the Warehouses"))),
        "stages": [_stage(stage) for stage in stages.items("a list of Stages")],
    }
    aliases = {stage["name"]: [step["as"] for step in stage["template"]] for stage in topology["stages"]}
    program: Json = {"id": name, "topology": topology, "events": []}
    _check(stages, program)
    return program | {"script": _scripts(root.get("attempts"), aliases)}


def _check(found: Field, program: Json) -> None:
    """Raises InputError if the program is not as it should be, by what is found here."""
    try:
        read_program(program)
    except RecordingError as error:
        raise found.wrong(str(error).removeprefix(f"program {program['id']!r} event 1: ")) from None


# Values


def _list(found: Field | None) -> Iterator[Field]:
    return iter(()) if found is None else found.items("a list")


def _texts(found: Field) -> Iterator[str]:
    return (item.text() for item in found.items("a list of texts"))


def _only(found: Field, known: tuple[str, ...]) -> None:
    for warning in found.unknown(known):
        raise found.wrong(f"{warning.text}; known are: {', '.join(known)}")


def _known(found: Field, known: Mapping[str, T], what: str) -> T:
    if found.text() not in known:
        raise found.wrong(f"there is no {what} {found.text()!r}; there are: {'; '.join(known)}")
    return known[found.text()]


def _phrase(found: Field, understand: Callable[[str], T]) -> T:
    try:
        return understand(found.text("a sentence"))
    except PhraseError as error:
        raise found.wrong(str(error)) from None


# Stages


def _stage(found: Field) -> Json:
    _only(found, ("name", "takes", "steps", "verification", "auto-promotion", "policy"))
    policy = found.get("policy")
    auto = found.get("auto-promotion")
    verification = found.get("verification")
    requests = [_request(taken) for taken in found.need("takes", "where its Freight comes from").items("a list")]
    if policy is not None:
        requests = [request | {"policy": policy.text()} for request in requests]
    stage: Json = {"name": found.need("name", "the name of the Stage").text(), "requests": requests}
    stage |= {"template": _steps(found), "verification": verification is not None and verification.flag()}
    return stage if auto is None else stage | {"auto": auto.flag()}


_TAKEN = re.compile(r"([a-z0-9-]+)(?: from ([a-z0-9-]+(?:, [a-z0-9-]+)*))?")


def _request(found: Field) -> Json:
    taken = _TAKEN.fullmatch(found.text("a Warehouse"))
    if taken is None:
        raise found.expected("WAREHOUSE, or WAREHOUSE from STAGE, STAGE ...")
    if taken[2] is None:
        return {"warehouse": taken[1], "direct": True}
    return {"warehouse": taken[1], "stages": taken[2].split(", ")}


def _steps(found: Field) -> list[Json]:
    return [_step(step) for step in found.need("steps", "the steps of its template").items("a list of steps")]


def _step(found: Field) -> Json:
    if isinstance(found.node.value, str):
        return {"as": found.text()}
    _only(found, ("as", "if", "continueOnError", "retry"))
    step: Json = {"as": found.need("as", "the alias of the step").text()}
    if condition := found.get("if"):
        step["if"] = condition.text()
    if may_fail := found.get("continueOnError"):
        step["coe"] = may_fail.flag()
    if retry := found.get("retry"):
        step["retry"] = _retry(retry)
    return step


def _retry(found: Field) -> Json:
    _only(found, ("errorThreshold", "timeout"))
    retry: Json = {}
    if threshold := found.get("errorThreshold"):
        retry["errors"] = threshold.whole(1, 1000)
    if timeout := found.get("timeout"):
        retry["timeout"] = _seconds(timeout, timeout.text("a duration"))
    return retry


def _seconds(found: Field, text: str) -> int:
    try:
        return parse_duration(text) // 1000
    except ValueError as error:
        raise found.wrong(f"{text!r} is {error}") from None


# Attempts

_OUTCOMES = {
    "Succeeded": "ok",
    "Running": "run",
    "Skipped": "skip",
    "Failed": "fail",
    "Failed with an error": "ferr",
    "Failed for good": "fail!",
    "Errored": "err",
    "Errored for good": "err!",
    "panics": "panic",
}
_ATTEMPT = re.compile(
    rf"(?:(\d+) x )?({'|'.join(sorted(_OUTCOMES, key=len, reverse=True))})"
    r"(?: after ([\dhms]+))?(?:, again in ([\dhms]+))?"
)


def _scripts(found: Field | None, aliases: Mapping[str, list[str]]) -> Json:
    """What the attempts of each step come back with, by Promotion; the last one is for all that follow."""
    if found is None:
        return {}
    _only(found, tuple(aliases))
    of_stages = ((stage, found.get(stage)) for stage in aliases)
    return {
        stage: [
            _script(promotion, aliases[stage]) for promotion in promotions.items("a list, one item per Promotion")
        ]
        for stage, promotions in of_stages
        if promotions is not None
    }


def _script(found: Field, aliases: list[str]) -> list[list[str]]:
    _only(found, tuple(aliases))
    return [[a for attempt in _list(found.get(alias)) for a in _attempts(attempt)] for alias in aliases]


def _attempts(found: Field) -> list[str]:
    said = _ATTEMPT.fullmatch(found.text("what an attempt comes back with"))
    if said is None:
        raise found.expected(
            f"one of {', '.join(_OUTCOMES)}, with `3 x ` before, ` after 2s` or `, again in 20s` behind"
        )
    times, outcome, after, again = said.groups()
    text = _OUTCOMES[outcome]
    text += f"@{_seconds(found, after)}" if after else ""
    text += f"~{_seconds(found, again)}" if again else ""
    return [text] * int(times or 1)


# Stories

_EDIT = re.compile(r"edit ([a-z0-9-]+)")


def _events(found: Field, program: Json) -> Iterator[Event]:
    for item in found.items("a list of events"):
        event = _edit(item) if isinstance(item.node.value, dict) else _phrase(item, event_of)
        _check(item, program | {"events": [event.does]})
        yield event


def _edit(found: Field) -> Event:
    for key in found.mapping("an event"):
        edited = _EDIT.fullmatch(key)
        change = found.get(key)
        if edited is None or change is None or len(found.mapping("an event")) != 1:
            break
        _only(change, ("steps",))
        steps = _steps(change)
        text = f"{key}: {', '.join(map(_shown, steps))}"
        return Event(text, "person", {"do": "edit_stage", "stage": edited[1], "set": {"template": steps}})
    raise found.expected("an event, or `edit STAGE` with its new steps")


def _shown(step: Json) -> str:
    condition = f" if {step['if']}" if "if" in step else ""
    return f"{step['as']}{condition}{' with continueOnError' if step.get('coe') else ''}"


def _fix(found: Field) -> Fix:
    _only(found, ("name", "change"))
    change = found.need("change", "behaviours and their new values")
    kinds = get_type_hints(Behaviours)
    _only(change, tuple(kinds))
    return Fix(
        found.need("name", "what the fix is called").text(),
        {
            name: _behaviour(value, kinds[name])
            for name in change.mapping("a mapping")
            if (value := change.get(name))
        },
    )


def _behaviour(found: Field, kind: object) -> object:
    if kind is bool:
        return found.flag()
    for choice in get_args(kind) or (kind,):
        if isinstance(choice, type) and issubclass(choice, Enum):
            return _known(found, choice.__members__, choice.__name__)
    raise found.wrong("only behaviours that are true or false, or one of a list, can be changed by a fix")


def _recovery(found: Field, story: tuple[Event, ...], program: Json) -> Recovery:
    _only(found, ("name", "instead of", "events", "then"))
    instead = found.get("instead of")
    written = [event.text for event in story]
    if instead is not None and instead.text() not in written:
        raise instead.wrong(f"{instead.text()!r} is no event of the story")
    return Recovery(
        found.need("name", "what is done").text(),
        None if instead is None else written.index(instead.text()),
        tuple(_events(found.need("events", "what is done"), program)),
        tuple(_expectations(found.need("then", "what is then to be true"), program)),
    )


def _expectations(found: Field, program: Json) -> Iterator[Expectation]:
    stages = [stage["name"] for stage in program["topology"]["stages"]]
    for item in found.items("a list of expectations"):
        expected = _phrase(item, expectation_of)
        if expected.stage not in stages:
            raise item.wrong(f"there is no Stage {expected.stage!r}; there are: {', '.join(stages)}")
        yield expected
