"""Sentences about what happens to a pipeline, and what is then to be true of it.

An event such as `promote f1 to dev` becomes an event of a recorded program. An expectation such as `dev has f1` is
judged on the state of a cluster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from model.kargo.durations import parse_duration
from model.kargo.loop.values import of
from model.kargo.phases import HealthState, PromotionPhase, StepStatus, VerificationPhase
from simulations.kargo.loop.cluster import Cluster

Words = Mapping[str, str]
Json = dict[str, Any]


def _one_of(phases: type[HealthState | PromotionPhase | StepStatus | VerificationPhase]) -> str:
    return "|".join(p.value for p in phases if p.value)


_NAME = r"[a-z0-9][a-z0-9-]*"
_KINDS = {
    "promotion": rf"{_NAME}#\d+",
    "name": r"[a-z0-9][a-z0-9.-]*",
    "duration": r"[\dhms.]+",
    "number": r"\d+",
    "health": _one_of(HealthState),
    "verification": _one_of(VerificationPhase),
    "phase": _one_of(PromotionPhase),
    "status": _one_of(StepStatus),
    "switch": "on|off",
    "freights": rf"{_NAME}(?: and {_NAME})*",
}
"""What stands for each placeholder; for any other, a plain name."""


def _pattern(text: str) -> re.Pattern[str]:
    def placed(found: re.Match[str]) -> str:
        return f"(?P<{found[1]}>{_KINDS.get(found[1], _NAME)})"

    return re.compile(re.sub(r"\{(\w+)\}", placed, text))


# Events


class Event(NamedTuple):
    """Something that happens: as it was written, who does it, and the event of a program that it stands for."""

    text: str
    actor: str
    does: Json


@dataclass(frozen=True)
class Phrase:
    """How an event is written, with placeholders; who does it; and the event it becomes."""

    text: str
    actor: str
    make: Callable[[Words], Json]


def _plainly(do: str) -> Callable[[Words], Json]:
    return lambda words: {"do": do, **words}


def _for(do: str) -> Callable[[Words], Json]:
    return lambda words: {"do": do, "seconds": parse_duration(words["duration"]) // 1000}


def _about(do: str, **renamed: str) -> Callable[[Words], Json]:
    """The words under the names that programs have for them."""
    return lambda words: {"do": do} | {renamed.get(k, k): v for k, v in words.items()}


def _stale(words: Words) -> Json:
    return {"do": "stale", "kind": "Promotion", "back": int(words["number"]), "times": 1}


PHRASES = (
    Phrase("{warehouse} finds {freight}", "Warehouse", _plainly("freight")),
    Phrase("promote {freight} to {stage}", "person", _plainly("promote")),
    Phrase("promote {freight} to {stage} as {name}", "person", _plainly("promote")),
    Phrase("approve {freight} for {stage}", "person", _plainly("approve")),
    Phrase("abort {promotion}", "person", _about("abort", promotion="promo")),
    Phrase("delete {promotion}", "person", _about("delete_promotion", promotion="promo")),
    Phrase("delete Freight {freight}", "person", _plainly("delete_freight")),
    Phrase("refresh {promotion}", "person", _about("refresh_promotion", promotion="promo")),
    Phrase("refresh {stage}", "person", _plainly("refresh")),
    Phrase("verify {stage} again", "person", _plainly("reverify")),
    Phrase("abort the verification of {stage}", "person", _plainly("abort_verification")),
    Phrase("turn auto-promotion of {stage} {switch}", "person", _about("set_auto", switch="value")),
    Phrase("clear the last Promotion of {stage}", "person", _plainly("clear_last")),
    Phrase("the status of {stage} names {name} as its last Promotion", "past", _plainly("set_last")),
    Phrase("the applications of {stage} become {health}", "application", _about("health", health="value")),
    Phrase(
        "the AnalysisRun of {stage} becomes {verification}", "AnalysisRun", _about("analysis", verification="phase")
    ),
    Phrase("the cache is {number} writes behind, once", "cache", _stale),
    Phrase("the controller restarts", "controller", _plainly("restart")),
    Phrase("look at {promotion} once", "controller", _about("reconcile_promotion", promotion="promo")),
    Phrase("look at {stage} once", "controller", _plainly("reconcile_stage")),
    Phrase("wait {duration}", "clock", _for("sleep")),
    Phrase("let the controllers work for {duration}", "clock", _for("run")),
)
"""Every way to write an event, besides `edit STAGE: {...}`."""


class PhraseError(ValueError):
    """A sentence that is none of those that are understood; the message lists these."""


_EVENTS = tuple((_pattern(phrase.text), phrase) for phrase in PHRASES)


def event_of(text: str) -> Event:
    """The event that a sentence speaks of.

    Raises PhraseError.
    """
    for pattern, phrase in _EVENTS:
        if found := pattern.fullmatch(text):
            try:
                return Event(text, phrase.actor, phrase.make(found.groupdict()))
            except ValueError as error:
                raise PhraseError(f"{text!r}: {error}") from None
    raise PhraseError(
        f"{text!r} is no event; events are: {'; '.join(p.text for p in PHRASES)}; edit {{stage}}: ..."
    )


# Expectations


class Found(NamedTuple):
    """Whether it is as expected, and how it is instead."""

    met: bool
    instead: str


@dataclass(frozen=True)
class Expectation:
    """What is to be true: as it was written, the Stage it is about, and how to look."""

    text: str
    stage: str
    look: Callable[[Cluster], Found]


def _has(cluster: Cluster, words: Words) -> Found:
    there = dict(_in_use(cluster, words["stage"]))
    wanted = set(words["freights"].split(" and "))
    return Found(
        wanted == set(there.values()), f"{words['stage']} has {' and '.join(there.values()) or 'no Freight'}"
    )


def _in_use(cluster: Cluster, stage: str) -> Iterator[tuple[str, str]]:
    for warehouse in cluster.pipeline.warehouses:
        freight = cluster.state[of("in_use", stage, warehouse)]
        if freight is not None:
            yield warehouse, freight


def _is_in_phase(cluster: Cluster, words: Words) -> Found:
    promotion = words["promotion"]
    phase = cluster.state.get(of("phase", promotion))
    shown = "does not exist" if phase is None else f"is {phase.value or 'new'}"
    return Found(phase is not None and phase.value == words["phase"], f"{promotion} {shown}")


def _step_is(cluster: Cluster, words: Words) -> Found:
    promotion, step = words["promotion"], words["step"]
    entry = cluster.state.get(of("entry", promotion, step))
    shown = "was not reached" if entry is None else f"is {entry.status.value}"
    return Found(entry is not None and entry.status.value == words["status"], f"{step} of {promotion} {shown}")


def _is_verified(cluster: Cluster, words: Words) -> Found:
    verified = cluster.state.get(of("verified", words["freight"], words["stage"])) is not None
    return Found(verified, f"{words['freight']} is not verified in {words['stage']}")


def _verifies(cluster: Cluster, words: Words) -> Found:
    verification = cluster.state[of("verification", words["stage"])]
    return Found(verification is not None, f"no verification in {words['stage']} has begun")


def _is_ready(cluster: Cluster, words: Words) -> Found:
    condition = cluster.state[of("ready_condition", words["stage"])]
    shown = "none" if condition is None else f"{condition.status} ({condition.reason})"
    return Found(condition is not None and condition.status == "True", f"{words['stage']} has Ready {shown}")


def _is_idle(cluster: Cluster, words: Words) -> Found:
    stage = words["stage"]
    phases = {p: cluster.state[of("phase", p)] for p in cluster.existing(stage)}
    under_way = [p for p, phase in phases.items() if not phase.terminal]
    return Found(not under_way, f"{', '.join(under_way)} is under way")


EXPECTATIONS: tuple[tuple[str, Callable[[Cluster, Words], Found]], ...] = (
    ("{stage} has {freights}", _has),
    ("{promotion} is {phase}", _is_in_phase),
    ("{step} of {promotion} is {status}", _step_is),
    ("{freight} is verified in {stage}", _is_verified),
    ("a verification in {stage} has begun", _verifies),
    ("{stage} is ready", _is_ready),
    ("no Promotion to {stage} is under way", _is_idle),
)
"""Every way to write an expectation."""

_LOOKS = tuple((_pattern(text), look) for text, look in EXPECTATIONS)


def expectation_of(text: str) -> Expectation:
    """The expectation that a sentence speaks of.

    Raises PhraseError.
    """
    for pattern, look in _LOOKS:
        if found := pattern.fullmatch(text):
            words = found.groupdict()
            stage = words.get("stage") or words["promotion"].partition("#")[0]
            return Expectation(text, stage, _looking(look, words))
    raise PhraseError(f"{text!r} is no expectation; expectations are: {'; '.join(t for t, _ in EXPECTATIONS)}")


def _looking(look: Callable[[Cluster, Words], Found], words: Words) -> Callable[[Cluster], Found]:
    return lambda cluster: look(cluster, words)
