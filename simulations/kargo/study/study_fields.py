"""Fields of a study: numbers, times, and how they are distributed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from model.fields import Field, similar
from model.inputs import printable
from model.kargo.durations import parse_duration
from simulations.kargo.study.study import HOUR_MS
from simulations.stochastic.distributions import Distribution, DistributionError, Values, always, continuous

LARGEST_NUMBER = 1e6
"""Of the shape of a distribution."""

LONGEST_UNTIL_MS = 30 * 24 * HOUR_MS

T = TypeVar("T")


def otherwise(found: Field | None, read: Callable[[Field], T], given: T) -> T:
    """What is read of a field, or what is given where there is none."""
    return given if found is None else read(found)


def only(found: Field, *known: str) -> None:
    """Raise InputError if there is a field that is not known."""
    for name, node in found.mapping(f"a mapping with some of: {', '.join(known)}").items():
        if name not in known:
            meant = similar(name, known)
            more = f'is "{meant}" meant?' if meant else f"known are: {', '.join(known)}"
            raise Field(found.document, node, found.path).wrong(f'"{printable(name)}" is no known field; {more}')


def number(found: Field, what: str) -> float:
    """A number that is not beyond measure. Raises InputError."""
    value = found.node.value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < LARGEST_NUMBER:
        raise found.expected(what)
    return float(value)


def probability(found: Field) -> float:
    """From 0 to 1. Raises InputError."""
    what = "a probability from 0 to 1"
    value = number(found, what)
    if not 0 <= value <= 1:
        raise found.expected(what)
    return value


def yes_or_no(found: Field) -> Values:
    """1 with the probability that is given, else 0. Raises InputError."""
    chance = probability(found)
    return Values("yes or no", {1: chance, 0: 1 - chance})


def confidence(found: Field) -> float:
    """Above one half, below 1. Raises InputError."""
    value = number(found, what := "a confidence above 0.5 and below 1")
    if not 0.5 < value < 1:
        raise found.expected(what)
    return value


def duration(found: Field, what: str, least: int | None = 0) -> int:
    """A duration in milliseconds, `least` the shortest there can be. Raises InputError."""
    value = found.node.value
    try:
        milliseconds = parse_duration(value) if isinstance(value, str) else None
    except ValueError:
        milliseconds = None
    if milliseconds is None or (least is not None and milliseconds < least):
        raise found.expected(what)
    return milliseconds


def lasting(found: Field) -> int:
    """A duration above zero, in milliseconds. Raises InputError."""
    return duration(found, "a duration above zero, such as 30s", 1)


def until(found: Field) -> int:
    """When a run is given up, in milliseconds. Raises InputError."""
    what = "a duration above zero and up to 720h"
    if (given := duration(found, what, 1)) > LONGEST_UNTIL_MS:
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
    return always(duration(found, "a duration that is not negative, such as 4s, or a distribution"), str(value))


def _measured(found: Field) -> Values:
    """Times that were measured, each as likely as it comes in the list."""
    times = [duration(each, "a duration that is not negative") for each in found.items("")]
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
            yield name, float(duration(of, f"a duration{' above zero' if least else ''}, such as 4s", least))
        else:
            yield name, number(of, "a number")


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
        chances[time] = chances.get(time, 0.0) + probability(of)
    if abs(sum(chances.values()) - 1) > 1e-9:
        raise found.wrong(f"the probabilities sum to {sum(chances.values()):g}, not to 1")
    return Values("a few values", chances)
