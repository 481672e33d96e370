"""The Argo CD control plane as the controller's client meets it: Applications are read, listed and patched.

Every call comes back with what the control plane is afterwards, so that a run can be told from what is left of it.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from model.kargo.argocd.applications import Application, Key
from model.kargo.label_selectors import Selector, matches

PATCH_ATTEMPTS: Final = 5
"""How often a patch is tried that meets a conflict.

Source: `kubeclient.PatchUnstructured`, `retry.DefaultRetry`
"""

HARD: Final = "hard"
"""The value of the annotation that asks Argo CD to look again without its cache. Source: `RefreshTypeHard`."""

FIRST_DELAY_MS: Final = 1000
"""How long the first wait for the kind of Applications is; each next is twice as long. The controller adds up to a
tenth at random, which the model does not. Source: `discoveryRetryBackoff`"""


class FaultKind(Enum):
    """What a client tells apart among the errors of the API server."""

    __hash__ = object.__hash__

    OTHER = "any other error"
    NO_KIND = "the API server does not know the kind Application, or not at the moment"
    CONFLICT = "the object has changed since it was read"


class Fault(NamedTuple):
    """An error that the API server answers with, always or `once`."""

    text: str
    kind: FaultKind = FaultKind.OTHER
    once: bool = False


class Stored(NamedTuple):
    """An Application that is there, and what keeps the controller from reading or patching it."""

    application: Application
    reading: Fault | None = None
    patching: Fault | None = None


class Event(NamedTuple):
    """A Kubernetes event about an Application. Source: `argocdUpdater.logAppEvent`."""

    key: Key
    reason: str
    message: str
    user: str


class ControlPlane(NamedTuple):
    """The Applications, ordered by name, and what the controller has done to them.

    That is how many reads, which patches, tried ones included, and which events. `waited_ms` is the time that it
    spent between reads.
    """

    stored: tuple[Stored, ...]
    reads: int = 0
    patches: tuple[Key, ...] = ()
    events: tuple[Event, ...] = ()
    waited_ms: int = 0


def get(plane: ControlPlane, key: Key) -> tuple[Application | Fault | None, ControlPlane]:
    """The Application, the error of reading it, or None if it is not there."""
    plane = plane._replace(reads=plane.reads + 1)
    for place, stored in enumerate(plane.stored):
        if stored.application.key == key:
            if stored.reading:
                return stored.reading, _after_reading(plane, place, stored.reading)
            return stored.application, plane
    return None, plane


def select(
    plane: ControlPlane, namespace: str, selector: Selector
) -> tuple[tuple[Application, ...] | Fault, ControlPlane]:
    """The Applications in a namespace that the selector matches; one that cannot be read spoils any list."""
    plane = plane._replace(reads=plane.reads + 1)
    for place, stored in enumerate(plane.stored):
        if stored.reading:
            return stored.reading, _after_reading(plane, place, stored.reading)
    there = (stored.application for stored in plane.stored)
    return tuple(a for a in there if a.key.namespace == namespace and matches(selector, dict(a.labels))), plane


def wait_for_kind(plane: ControlPlane, attempt: int) -> ControlPlane:
    """What it is after the pause that follows the `attempt`, counted from 1, to read what has no kind."""
    return plane._replace(waited_ms=plane.waited_ms + FIRST_DELAY_MS * 2 ** (attempt - 1))


def patch(plane: ControlPlane, application: Application, attempts: int = 1) -> tuple[Fault | None, ControlPlane]:
    """Store the Application as it now is; the error if none of the attempts at it succeeds.

    Only a conflict is tried again.
    """
    key = application.key
    place, stored = next((i, s) for i, s in enumerate(plane.stored) if s.application.key == key)
    plane = plane._replace(patches=(*plane.patches, key))
    fault = stored.patching
    if fault is None:
        return None, _store(plane, place, stored._replace(application=application))
    if fault.once:
        plane = _store(plane, place, stored._replace(patching=None))
    if fault.kind is FaultKind.CONFLICT and attempts > 1:
        return patch(plane, application, attempts - 1)
    return fault, plane


def request_refresh(plane: ControlPlane, application: Application) -> ControlPlane:
    """Ask Argo CD to look at the Application again; nobody minds if that fails.

    Source: `pkg/argocd/refresh.go: RequestAppRefresh`
    """
    return patch(plane, application._replace(refresh=HARD))[1]


def _after_reading(plane: ControlPlane, place: int, fault: Fault) -> ControlPlane:
    return _store(plane, place, plane.stored[place]._replace(reading=None)) if fault.once else plane


def _store(plane: ControlPlane, place: int, stored: Stored) -> ControlPlane:
    return plane._replace(stored=(*plane.stored[:place], stored, *plane.stored[place + 1 :]))
