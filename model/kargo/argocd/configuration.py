"""The configurations of the Argo CD steps, read as their JSON schemas demand.

Source: `pkg/promotion/runner/builtin/schemas`, `validation.go: validateAndConvert`
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from model.kargo.argocd.applications import DEFAULT_NAMESPACE
from model.kargo.label_selectors import Expression, Operator, Selector

T = TypeVar("T")


class InvalidConfigError(ValueError):
    """A configuration that its schema forbids; the message has the place, and words of our own."""


class Target(NamedTuple):
    """Which Applications are meant: the one called `name`, or those that the selector chooses, in a namespace."""

    namespace: str = DEFAULT_NAMESPACE
    name: str = ""
    selector: Selector | None = None


class ImageUpdate(NamedTuple):
    """An image that Kustomize is to use. Source: `ArgoCDKustomizeImageUpdate`."""

    repo_url: str
    tag: str = ""
    digest: str = ""
    new_name: str = ""


class SourceUpdate(NamedTuple):
    """What is to become of the source of that `repo_url` and `chart`.

    `helm` are the parameters to set, by name. Source: `ArgoCDAppSourceUpdate`
    """

    repo_url: str
    chart: str = ""
    desired_revision: str = ""
    update_target_revision: bool = False
    helm: tuple[tuple[str, str], ...] = ()
    kustomize: tuple[ImageUpdate, ...] = ()


class AppUpdate(NamedTuple):
    """Applications, and what is to become of their sources. Source: `ArgoCDAppUpdate`."""

    target: Target
    sources: tuple[SourceUpdate, ...] = ()


class WaitFor(StrEnum):
    """What argocd-wait can wait for."""

    HEALTH = "health"
    SYNC = "sync"
    OPERATION = "operation"
    SUSPENDED = "suspended"
    DEGRADED = "degraded"


DEFAULT_WAIT_FOR: Final = frozenset({WaitFor.HEALTH, WaitFor.SYNC, WaitFor.OPERATION})
"""What argocd-wait waits for if it is not told. Source: `defaultWaitFor`."""


class AppWait(NamedTuple):
    """Applications, and what to wait for. Source: `ArgoCDAppWait`."""

    target: Target
    wait_for: frozenset[WaitFor] = DEFAULT_WAIT_FOR


def update_config(text: str, selectors: bool) -> tuple[AppUpdate, ...]:
    """The configuration of an argocd-update, JSON text; `selectors` says whether a target may have one.

    Raises InvalidConfigError.
    """
    return _apps(text, lambda fields, place: _app_update(fields, place, selectors), ("sources",), selectors)


def wait_config(text: str) -> tuple[AppWait, ...]:
    """The configuration of an argocd-wait, JSON text.

    Raises InvalidConfigError.
    """
    return _apps(text, _app_wait, ("waitFor",), selectors=True)


_TARGET = ("name", "namespace")


def _apps(
    text: str, app: Callable[[dict[str, object], str], T], more: tuple[str, ...], selectors: bool
) -> tuple[T, ...]:
    known = (*_TARGET, *more, *(("selector",) if selectors else ()))
    config = _object(json.loads(text), "(root)", ("apps",), ("apps",))
    return _list(config["apps"], "apps", lambda value, place: app(_object(value, place, known), place), least=1)


def _app_update(fields: dict[str, object], place: str, selectors: bool) -> AppUpdate:
    target = _target(fields, place, selectors)
    if "sources" not in fields:
        return AppUpdate(target)
    return AppUpdate(target, _list(fields["sources"], f"{place}.sources", _source_update, least=1))


def _app_wait(fields: dict[str, object], place: str) -> AppWait:
    target = _target(fields, place, selectors=True)
    if "waitFor" not in fields:
        return AppWait(target)
    wanted = _list(fields["waitFor"], f"{place}.waitFor", _wait_for, least=1)
    if len(set(wanted)) < len(wanted):
        raise InvalidConfigError(f"{place}.waitFor: the items must be unique")
    return AppWait(target, frozenset(wanted))


def _wait_for(value: object, place: str) -> WaitFor:
    return WaitFor(_one_of(value, place, list(WaitFor)))


def _target(fields: dict[str, object], place: str, selectors: bool) -> Target:
    if not selectors and "name" not in fields:
        raise InvalidConfigError(f"{place}: name is required")
    if ("name" in fields) == ("selector" in fields):
        raise InvalidConfigError(f"{place}: expected a name or a selector, and not both")
    return Target(
        _optional(fields, "namespace", place) or DEFAULT_NAMESPACE,
        _optional(fields, "name", place),
        _selector(fields["selector"], f"{place}.selector") if "selector" in fields else None,
    )


def _selector(value: object, place: str) -> Selector:
    fields = _object(value, place, ("matchLabels", "matchExpressions"))
    labels = _object(fields.get("matchLabels", {}), f"{place}.matchLabels")
    found = Selector(
        tuple(sorted((key, _text(label, f"{place}.matchLabels.{key}")) for key, label in labels.items())),
        _list(fields.get("matchExpressions", []), f"{place}.matchExpressions", _expression),
    )
    if not any(found):
        raise InvalidConfigError(f"{place}: expected a label or an expression to match")
    return found


def _expression(value: object, place: str) -> Expression:
    fields = _object(value, place, ("key", "operator", "values"), ("key", "operator"))
    return Expression(
        _text(fields["key"], f"{place}.key", least=1),
        Operator(_one_of(fields["operator"], f"{place}.operator", list(Operator))),
        _list(fields.get("values", []), f"{place}.values", _text),
    )


_SOURCE_UPDATE = ("chart", "desiredRevision", "helm", "kustomize", "repoURL", "updateTargetRevision")


def _source_update(value: object, place: str) -> SourceUpdate:
    fields = _object(value, place, _SOURCE_UPDATE, ("repoURL",))
    updates = fields.get("updateTargetRevision", False)
    if not isinstance(updates, bool):
        raise InvalidConfigError(f"{place}.updateTargetRevision: expected true or false")
    if updates and "desiredRevision" not in fields:
        raise InvalidConfigError(f"{place}: updateTargetRevision needs a desiredRevision")
    helm = _object(fields.get("helm", {"images": []}), f"{place}.helm", ("images",), ("images",))
    kustomize = _object(fields.get("kustomize", {}), f"{place}.kustomize", ("images",))
    return SourceUpdate(
        _text(fields["repoURL"], f"{place}.repoURL", least=1),
        _optional(fields, "chart", place),
        _optional(fields, "desiredRevision", place),
        updates,
        _list(helm["images"], f"{place}.helm.images", _helm_image, least="helm" in fields),
        _list(
            kustomize.get("images", []), f"{place}.kustomize.images", _kustomize_image, least="images" in kustomize
        ),
    )


def _helm_image(value: object, place: str) -> tuple[str, str]:
    fields = _object(value, place, ("key", "value"), ("key", "value"))
    return _text(fields["key"], f"{place}.key", least=1), _text(fields["value"], f"{place}.value")


def _kustomize_image(value: object, place: str) -> ImageUpdate:
    fields = _object(value, place, ("digest", "newName", "repoURL", "tag"), ("repoURL",))
    tag, digest = (_text(fields.get(field, ""), f"{place}.{field}") for field in ("tag", "digest"))
    if tag and digest:
        raise InvalidConfigError(f"{place}: expected a tag or a digest, and not both")
    return ImageUpdate(
        _text(fields["repoURL"], f"{place}.repoURL", least=1), tag, digest, _optional(fields, "newName", place)
    )


def _object(
    value: object, place: str, known: Collection[str] | None = None, required: Collection[str] = ()
) -> dict[str, object]:
    """The fields of an object; any are allowed if none are `known`."""
    if not isinstance(value, dict):
        raise InvalidConfigError(f"{place}: expected an object")
    for name in required:
        if name not in value:
            raise InvalidConfigError(f"{place}: {name} is required")
    for name in value:
        if known is not None and name not in known:
            raise InvalidConfigError(f"{place}: additional property {name} is not allowed")
    return value


def _list(value: object, place: str, item: Callable[[object, str], T], least: int = 0) -> tuple[T, ...]:
    if not isinstance(value, list) or len(value) < least:
        raise InvalidConfigError(f"{place}: expected an array of at least {int(least)} items")
    return tuple(item(one, f"{place}.{index}") for index, one in enumerate(value))


def _text(value: object, place: str, least: int = 0) -> str:
    if not isinstance(value, str) or len(value) < least:
        raise InvalidConfigError(f"{place}: expected a text of at least {least} characters")
    return value


def _optional(fields: dict[str, object], name: str, place: str) -> str:
    """The text of a field that may be absent, but not empty."""
    return _text(fields[name], f"{place}.{name}", least=1) if name in fields else ""


def _one_of(value: object, place: str, allowed: list[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise InvalidConfigError(f"{place}: expected one of {', '.join(allowed)}")
    return value
