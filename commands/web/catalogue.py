"""What can be explored: systems by name, and what somebody's own files hold, each as releases behave."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from commands import check
from commands.check import Case, named
from diagrams.ambient.lifecycles import LIFECYCLES as OF_SESSIONS
from diagrams.kargo.lifecycles import LIFECYCLES as OF_KARGO
from diagrams.lifecycles import Known
from diagrams.speckit.lifecycles import LIFECYCLES as OF_WORKFLOWS
from invariants.speckit import systems as workflows
from invariants.subjects import Subject
from model.ambient import behaviours as ambient
from model.kargo import releases as kargo
from model.speckit import releases as speckit
from model.toys import TOYS


class NothingLikeItError(Exception):
    """There is no such system, or no such release; the message is for people."""


@dataclass(frozen=True)
class Group:
    """Systems that belong together: the engine whose releases they have (oldest first), and their lifecycles."""

    title: str
    engine: str
    systems: tuple[str, ...]
    releases: tuple[str, ...]
    usual: str
    lifecycles: tuple[Known[Any], ...]


_OTHERS = (*check.SESSIONS, *workflows.NAMES, *TOYS)

GROUPS = (
    Group(
        "Kargo",
        "Kargo",
        tuple(name for name in check.KNOWN if name not in _OTHERS),
        tuple(kargo.RELEASES),
        kargo.LATEST.release,
        OF_KARGO,
    ),
    Group("Sessions of Ambient", "Ambient", check.SESSIONS, tuple(ambient.VERSIONS), check.TODAY, OF_SESSIONS),
    Group(
        "Workflows of spec-kit",
        "spec-kit",
        workflows.NAMES,
        tuple(speckit.RELEASES),
        speckit.LATEST.release,
        OF_WORKFLOWS,
    ),
    Group("Classic systems", "", tuple(TOYS), (), "", ()),
)


@dataclass(frozen=True)
class Own:
    """Somebody's own files: what to call them, how to make a subject of them, and how a test does the same.

    `imports` and `expression` are Python; the expression may use `RELEASE`, the name of a release.
    """

    group: Group
    make: Callable[[str], Subject]
    imports: tuple[str, ...]
    expression: str


@dataclass
class Catalogue:
    """What can be explored; what is somebody's own is of one group. Subjects are made once, and kept."""

    own: Mapping[str, Own] = field(default_factory=dict)
    _made: dict[tuple[str, str], Subject] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def groups(self) -> Sequence[Group]:
        """Everything, one's own files first."""
        first = next(iter(self.own.values()), None)
        return (*((first.group,) if first else ()), *GROUPS)

    def group(self, system: str) -> Group:
        """The group that a system belongs to. Raises NothingLikeItError."""
        found = next((group for group in self.groups if system in group.systems), None)
        if found is None:
            raise NothingLikeItError(f"There is no system {system!r}.")
        return found

    def subject(self, system: str, release: str) -> Subject:
        """A system as one release behaves (empty: it has none). Raises NothingLikeItError."""
        group = self.group(system)
        if release not in (group.releases or ("",)):
            known = ", ".join(group.releases) or "none"
            raise NothingLikeItError(f"There is no release {release!r} of {system}; the releases are: {known}.")
        with self._lock:
            if (system, release) not in self._made:
                self._made[system, release] = self._make(system, release)
            return self._made[system, release]

    def _make(self, system: str, release: str) -> Subject:
        if system in self.own:
            return self.own[system].make(release)
        return named(Case(system, release or None, None, None), None)

    def in_a_test(self, system: str, release: str) -> tuple[tuple[str, ...], str]:
        """The imports and the expression by which a test has the same subject."""
        if system in self.own:
            own = self.own[system]
            return own.imports, own.expression.replace("RELEASE", repr(release).replace("'", '"'))
        subject = ", ".join(repr(text).replace("'", '"') for text in (system, release or None))
        return ("from commands.check import Case, named",), f"named(Case({subject}, None, None), None)"
