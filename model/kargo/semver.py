"""Semantic versions as the expressions see them.

Source: Masterminds/semver v3 ``version.go`` (3.4.0 in every release covered), which reads versions loosely: `v1.2`
is 1.2.0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cmp_to_key
from typing import Final

_LOOSE: Final = re.compile(
    r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?"
    r"(?:-([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?"
    r"(?:\+([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?\Z"
)
_LARGEST: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Version:
    """A version; ``original`` is the text it was read from."""

    major: int
    minor: int
    patch: int
    prerelease: str
    metadata: str
    original: str

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        text += f"-{self.prerelease}" if self.prerelease else ""
        return text + (f"+{self.metadata}" if self.metadata else "")

    def _next(self, major: int, minor: int, patch: int) -> Version:
        made = Version(major, minor, patch, "", "", "")
        return replace(made, original=("v" if self.original[:1] == "v" else "") + str(made))

    def next_major(self) -> Version:
        """The next major version."""
        return self._next(self.major + 1, 0, 0)

    def next_minor(self) -> Version:
        """The next minor version."""
        return self._next(self.major, self.minor + 1, 0)

    def next_patch(self) -> Version:
        """The next patch version; that of a prerelease is the release itself."""
        return self._next(self.major, self.minor, self.patch + (0 if self.prerelease else 1))


def parse(text: str) -> Version | str:
    """The version in a text; if there is none, the message that says so. Source: ``coerceNewVersion``."""
    found = _LOOSE.match(text)
    if found is None:
        return "invalid semantic version"
    numbers = [int(part or 0) for part in found.groups()[:3]]
    if max(numbers) > _LARGEST:
        large = next(part for part in found.groups()[:3] if part and int(part) > _LARGEST)
        return f'error parsing version segment: strconv.ParseUint: parsing "{large}": value out of range'
    prerelease, metadata = found.group(4) or "", found.group(5) or ""
    if any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in prerelease.split(".")):
        return "version segment starts with 0"
    return Version(numbers[0], numbers[1], numbers[2], prerelease, metadata, text)


def difference(left: str, right: str) -> str:
    """The most significant part in which two versions differ.

    Source: ``pkg/expressions/function/functions.go: semverDiff``, which does not look at prereleases.
    """
    one, other = parse(left), parse(right)
    if isinstance(one, str) or isinstance(other, str):
        return "Incomparable"
    parts = (("Major", "major"), ("Minor", "minor"), ("Patch", "patch"), ("Metadata", "metadata"))
    return next((word for word, part in parts if getattr(one, part) != getattr(other, part)), "None")


def compare(left: Version, right: Version) -> int:
    """-1, 0 or 1: the order of two versions, which leaves metadata out."""
    one, other = ((version.major, version.minor, version.patch) for version in (left, right))
    if one != other:
        return -1 if one < other else 1
    if left.prerelease == right.prerelease:
        return 0
    if not left.prerelease or not right.prerelease:
        return 1 if not left.prerelease else -1
    keys = [[_part_key(part) for part in version.prerelease.split(".")] for version in (left, right)]
    return -1 if keys[0] < keys[1] else 1


_part_key = cmp_to_key(lambda one, other: _compare_parts(str(one), str(other)))


def _compare_parts(left: str, right: str) -> int:
    if left == right:
        return 0
    if left.isdigit() and right.isdigit():
        return -1 if int(left) < int(right) else 1
    if left.isdigit() is not right.isdigit():
        # Numbers come before words.
        return -1 if left.isdigit() else 1
    return -1 if left < right else 1
