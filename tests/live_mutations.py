"""Live objects that are not as they should be: one or several random changes to those of a walk."""

from __future__ import annotations

import copy
import random
from typing import Any

Json = Any

VALUES: tuple[Json, ...] = (
    *(None, "", "x", 0, -1, 3, 10**30, 1.5, True, False, [], {}, [None], [1], {"a": 1}, "2000-01-01T00:00:00Z"),
    *("Running", "Succeeded", "Healthy", "dev", "fa1", "Warehouse/w1", "\x1b[31mred", "9" * 300),
    "0001-01-01T00:00:00Z",
    *("2999-01-01T00:00:00+14:00", "${{ failure() }}", "not-a-time", '{"id":', "00", "..", "a/b", "#", "x#1"),
)


def places(found: Json, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value within."""
    inner = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [way, *(place for key, value in inner for place in places(value, (*way, key)))]


def _inside(found: Json, way: tuple[Any, ...]) -> Json:
    """The value at the end of a way, or as far along it as there is one."""
    for step in way:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            break
    return found


def _change(found: Json, chance: random.Random, ways: list[tuple[Any, ...]]) -> None:
    """Change one value."""
    *to, key = chance.choice(ways)
    holder = _inside(found, tuple(to))
    change = chance.choice(("remove", "replace", "replace", "double", "rename", "swap"))
    if change == "remove":
        del holder[key]
    elif change == "replace":
        holder[key] = copy.deepcopy(chance.choice(VALUES))
    elif change == "swap":
        holder[key] = copy.deepcopy(_inside(found, chance.choice(ways)))
    elif change == "double" and isinstance(holder, list):
        holder.insert(0, copy.deepcopy(holder[key]))
    elif change == "rename" and isinstance(holder, dict):
        holder[f"{key}x"] = holder.pop(key)


def mutated(written: Json, seed: int) -> Json:
    """The objects with some of their values removed, replaced, doubled or moved."""
    chance = random.Random(seed)
    found = copy.deepcopy(written)
    for _ in range(chance.randint(1, 4)):
        if ways := [way for way in places(found) if way]:
            _change(found, chance, ways)
    return found
