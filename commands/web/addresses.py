"""Addresses of walks: everything about a walk is in its address, and nothing of it is kept by the server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from simulations.exploring import Choice

LONGEST = 400
"""So many steps a walk can have."""

_CHOICES = re.compile(r"\d{1,5}\.\d{1,5}(?:_\d{1,5}\.\d{1,5})*", re.ASCII)


class AddressError(ValueError):
    """An address is not one of a walk; the message is for people."""


@dataclass(frozen=True)
class Address:
    """Where a walk is: the system, the release (empty: it has none), the initial state, and the choices since."""

    system: str
    release: str
    start: int = 0
    choices: tuple[Choice, ...] = ()

    @property
    def path(self) -> str:
        """The choices, as an address has them."""
        return "_".join(f"{c.step}.{c.way}" for c in self.choices)

    def __str__(self) -> str:
        start = str(self.start) if self.start else ""
        fields = {"system": self.system, "release": self.release, "start": start, "path": self.path}
        return f"/walk?{urlencode({name: text for name, text in fields.items() if text})}"

    def then(self, *choices: Choice) -> Address:
        """The address some steps further."""
        return replace(self, choices=(*self.choices, *choices))

    def until(self, steps: int) -> Address:
        """The address after only so many steps."""
        return replace(self, choices=self.choices[:steps])


def read(fields: Mapping[str, str]) -> Address:
    """The address that the fields of a request are. Raises AddressError."""
    start, path = fields.get("start", "0"), fields.get("path", "")
    if not re.fullmatch(r"\d{1,4}", start, re.ASCII):
        raise AddressError("The initial state is a number, counted from 0.")
    return Address(fields.get("system", ""), fields.get("release", ""), int(start), tuple(_choices(path)))


def _choices(path: str) -> Iterable[Choice]:
    if not path:
        return ()
    if not _CHOICES.fullmatch(path):
        raise AddressError("The path is not one: expected pairs of numbers such as 3.0_2.1.")
    pairs = path.split("_")
    if len(pairs) > LONGEST:
        raise AddressError(f"A walk has {LONGEST} steps at most.")
    return (Choice(*map(int, pair.split("."))) for pair in pairs)
