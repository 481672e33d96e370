"""Instants, collections and the like in live objects, each refused with one sentence unless it can be used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from model.fields import Field
from model.inputs import plain
from model.kargo.live.objects import Collection
from model.kargo.names import EPOCH_MS

P = TypeVar("P")

INSTANT = 'an instant such as "2025-01-31T12:00:00Z"'
LARGEST = 2**63 - 1
_1970 = datetime(1970, 1, 1)


@lru_cache(maxsize=100_000)
def instant_of(text: str) -> int | None:
    """The milliseconds since 2000 that an RFC 3339 time stands for, None if it is none."""
    try:
        found = datetime.fromisoformat(text)
        if "T" not in text or found.tzinfo is None:
            return None
        since = found.astimezone(UTC).replace(tzinfo=None) - _1970
        return since // timedelta(milliseconds=1) - EPOCH_MS
    except (ValueError, OverflowError):
        return None


def instant_text(instant: int) -> str:
    """An instant as Kubernetes writes it, with milliseconds where it has some."""
    found = _1970 + timedelta(milliseconds=instant + EPOCH_MS)
    return found.isoformat(timespec="milliseconds" if instant % 1000 else "seconds") + "Z"


def text(of: Field, name: str, what: str = "a text") -> str:
    """A text, empty where it is absent."""
    found = of.get(name)
    return found.text(what) if found else ""


def flag(of: Field, name: str) -> bool:
    """True or false, false where it is absent."""
    found = of.get(name)
    return found.flag() if found else False


def whole(of: Field, name: str, default: int = 0) -> int:
    """A whole number that is not negative."""
    found = of.get(name)
    return found.whole(0, LARGEST) if found else default


def instant(of: Field, name: str) -> int | None:
    """An instant, None where it is absent."""
    found = of.get(name)
    if found is None:
        return None
    at = instant_of(found.text(INSTANT))
    if at is None:
        raise found.expected(INSTANT)
    return at


def phase(of: Field, name: str, phases: Callable[[str], P], what: str, default: str = "") -> P:
    """One of some phases."""
    found = of.get(name)
    if found is None:
        return phases(default)
    try:
        return phases(found.text(what))
    except ValueError:
        raise found.expected(what) from None


def items(of: Field, name: str, what: str) -> Iterator[Field]:
    """The values of a list, none where it is absent."""
    found = of.get(name)
    return found.items(what) if found else iter(())


def entries(of: Field, name: str, what: str) -> Iterator[tuple[str, Field]]:
    """The fields of a mapping, none where it is absent."""
    found = of.get(name)
    if found is None:
        return
    for key in found.mapping(what):
        value = found.get(key)
        if value is not None:
            yield key, value


def texts(of: Field, name: str, what: str) -> tuple[tuple[str, str], ...]:
    """Labels, or annotations."""
    return tuple((key, value.text(what)) for key, value in entries(of, name, what))


def warehouse(origin: str) -> str:
    """The Warehouse of an origin such as `Warehouse/w1`."""
    return origin.removeprefix("Warehouse/")


def collection(of: Field, name: str) -> Collection:
    """The Freight of a collection, by Warehouse. Source: `FreightCollection`."""
    found = of.get(name)
    if found is None:
        return ()
    what = "a collection of Freight (a mapping from origins to Freight)"
    return tuple(
        (warehouse(origin), reference.need("name", "the name of a Freight").text("the name of a Freight"))
        for origin, reference in entries(found, "items", what)
    )


def freight_name(of: Field, name: str) -> str | None:
    """The name of the Freight that is referred to, None where there is none."""
    found = of.get(name)
    return (text(found, "name", "the name of a Freight") or None) if found else None


def json_texts(of: Field, name: str) -> tuple[tuple[str, str], ...]:
    """The fields of a mapping, each as JSON text."""
    return tuple((k, json.dumps(plain(v.node), sort_keys=True)) for k, v in entries(of, name, "a mapping"))
