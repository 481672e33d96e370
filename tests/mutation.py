"""Documents that are nearly right: something in them is taken away, doubled, or something else."""

from __future__ import annotations

import copy
import random
from typing import Any

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 3, 2**70, 1.5, "", " ", "x", "\x1b[31m", "\u202e", "${{", "${{ }}", "${{ 1 / 0 }}"),
    *(
        "${{ outputs.clone.commit }}",
        "${{ status('push') }}",
        "${{ vars.v }}",
        "${{ always() }}",
        "${{ success() }}",
    ),
    *(
        "${{ failure() && outputs.d }}",
        "5m",
        "-3s",
        "http",
        "git-commit",
        "step-1",
        "a::b",
        "clone",
        "%&/()",
        "a" * 300,
    ),
    *([], {}, [[]], [{}], {"name": "x"}, {"uses": "git-push"}, {"errorThreshold": 2}, ["dev", "prod"]),
)


def mutated(document: Any, dice: random.Random, times: int = 0) -> Any:
    """The document with some changes, mostly one or two."""
    found = copy.deepcopy(document)
    for _ in range(times or dice.choice((1, 1, 1, 2, 2, 3, 5))):
        _mutate(found, dice)
    return found


def _mutate(document: Any, dice: random.Random) -> None:
    places = [*_places(document)]
    if not places:
        return
    holder, key = dice.choice(places)
    what = dice.randrange(5)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif what == 2 and isinstance(holder, dict):
        other = dice.choice(["as", "if", "uses", "task", "vars", "retry", "config", "continueOnError", key + "s"])
        holder[other] = copy.deepcopy(dice.choice(VALUES))
    elif what == 3:
        other_holder, other_key = dice.choice(places)
        holder[key] = copy.deepcopy(other_holder[other_key])
    else:
        holder[key] = copy.deepcopy(dice.choice(VALUES))


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Every place in a document: what holds it, and its key there."""
    found: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        holder = waiting.pop()
        items = (
            holder.items() if isinstance(holder, dict) else enumerate(holder) if isinstance(holder, list) else ()
        )
        for key, value in items:
            found.append((holder, key))
            waiting.append(value)
    return found
