"""The fields of a JSON object in a recording, each refused with one sentence unless it is what it should be."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any, TypeVar

from simulations.replay import RecordingError

Kind = TypeVar("Kind", dict[str, Any], list[Any])

MOST = 10**10
"""No number in a recording is as large as this."""


class Fields:
    """A JSON object and, for messages, `where` it is. A field that is null is one that is absent.

    Every method raises RecordingError for a field that is not what it asks for.
    """

    def __init__(self, found: object, where: str) -> None:
        self.where = where
        if not isinstance(found, dict):
            raise self.wrong(f"an object is needed, not {_shown(found)}")
        self._found: dict[str, Any] = found

    def wrong(self, problem: str) -> RecordingError:
        """The error that there is a `problem` here."""
        return RecordingError(f"{self.where}: {problem}")

    def has(self, name: str) -> bool:
        """Whether the field is there."""
        return self._found.get(name) is not None

    def names(self) -> tuple[str, ...]:
        """The names of the fields that are there."""
        return tuple(name for name in self._found if self.has(name))

    def no_others(self, *known: str) -> None:
        """Refuse fields that have another name."""
        for name in self._found:
            if name not in known:
                raise self.wrong(f"there is no field {name!r}; known are: {', '.join(known) or 'none'}")

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it must be there, and not be empty."""
        found = self._found.get(name)
        if found is None and default is not None:
            return default
        if not isinstance(found, str) or not (found or default is not None):
            raise self._not("a text", name)
        return found

    def one_of(self, name: str, known: Collection[str], default: str | None = None) -> str:
        """One of some texts."""
        found = self.text(name, default)
        if found not in known:
            raise self._not(f"one of {', '.join(filter(None, sorted(known)))}", name)
        return found

    def flag(self, name: str) -> bool | None:
        """True or false, None if it is absent."""
        found = self._found.get(name)
        if found is not None and not isinstance(found, bool):
            raise self._not("true or false", name)
        return found

    def number(self, name: str) -> float | None:
        """A number that is not negative, None if it is absent."""
        found = self._found.get(name)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found < MOST:
            raise self._not("a number from 0 on", name)
        return found

    def whole(self, name: str) -> int:
        """A whole number that is not negative; it must be there."""
        found = self._found.get(name)
        if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < MOST:
            raise self._not("a whole number from 0 on", name)
        return found

    def items(self, name: str, kind: type[Kind], default: Iterable[Kind] | None = None) -> list[Kind]:
        """A list of objects, or of lists."""
        found = self._found.get(name)
        if found is None and default is not None:
            return list(default)
        if not isinstance(found, list) or not all(isinstance(one, kind) for one in found):
            raise self._not(f"a list of {'objects' if kind is dict else 'lists'}", name)
        return found

    def texts(self, name: str, default: Iterable[str] | None = None) -> list[str]:
        """A list of texts."""
        found = self._found.get(name)
        if found is None and default is not None:
            return list(default)
        if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
            raise self._not("a list of texts", name)
        return found

    def fields(self, name: str, default: dict[str, Any] | None = None) -> Fields:
        """An object."""
        found = self._found.get(name)
        if found is None and default is None:
            raise self._not("an object", name)
        return Fields(default if found is None else found, f"{self.where}, {name}")

    def list_of_fields(self, name: str, default: Iterable[dict[str, Any]] | None = None) -> list[Fields]:
        """The objects of a list."""
        found = self.items(name, dict, default)
        return [Fields(one, f"{self.where}, {name} {n}") for n, one in enumerate(found, start=1)]

    def _not(self, what: str, name: str) -> RecordingError:
        if not self.has(name):
            return self.wrong(f"the field {name!r} is missing, which should be {what}")
        return self.wrong(f"{name!r} should be {what}, not {_shown(self._found[name])}")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
