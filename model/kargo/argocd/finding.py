"""Finding the Applications that an Argo CD step is about.

Source: `argocdUpdater.getAuthorizedApplications`, `pkg/promotion/runner/builtin/argocd_waiter.go:
getArgoCDApplications`
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from model.kargo.argocd.applications import Application, Key
from model.kargo.argocd.authorization import StageName, refusal
from model.kargo.argocd.configuration import Target
from model.kargo.argocd.control_plane import ControlPlane, Fault, FaultKind, get, select, wait_for_kind
from model.kargo.label_selectors import Selector, problem
from model.kargo.releases import Behaviours

T = TypeVar("T")


class NotFound(NamedTuple):
    """Why there is no Application to go on with, in the controller's words."""

    text: str


Found = tuple[Application, ...] | NotFound


def resolved_apps(keys: Iterable[Key]) -> list[dict[str, str]]:
    """Applications as a step's output names them, from main on. Source: `ArgoCDAppRefsToOutput`."""
    return [{"name": key.name, "namespace": key.namespace} for key in keys]


def find(plane: ControlPlane, target: Target, attempts: int = 1) -> tuple[Found, ControlPlane]:
    """The Applications that are meant, at least one; `attempts` is how often each read is tried without a kind."""
    if target.selector is not None:
        return _select(plane, target.namespace, target.selector, attempts)
    key = Key(target.namespace, target.name)
    found, plane = _with_discovery_retry(lambda now: get(now, key), plane, attempts)
    if isinstance(found, Fault):
        return NotFound(f"error finding {key.called}: error getting {key.called}: {found.text}"), plane
    return (found,) if found else NotFound(f"unable to find {key.called}"), plane


def find_authorized(
    plane: ControlPlane, target: Target, stage: StageName, behaviours: Behaviours
) -> tuple[Found, ControlPlane]:
    """Those of the Applications meant that the Stage may touch, at least one."""
    found, plane = find(plane, target, behaviours.discovery_attempts)
    if isinstance(found, NotFound):
        text = found.text
    else:
        refusals = {app: refusal(app.key, app.authorized_stage, stage, behaviours) for app in found}
        permitted = tuple(app for app, why in refusals.items() if why is None)
        if permitted:
            return permitted, plane
        explained = "; ".join(filter(None, refusals.values()))
        text = _none_authorized(target, len(found), stage) if behaviours.refused_apps_passed_over else explained
    if not behaviours.refused_apps_passed_over:
        text = f"error getting {Key(target.namespace, target.name).called}: {text}"
    return NotFound(text), plane


def _none_authorized(target: Target, found: int, stage: StageName) -> str:
    if target.selector is None:
        return f"{Key(target.namespace, target.name).called} is not authorized"
    return (
        f'found {found} Application(s) matching selector in namespace "{target.namespace}", '
        f"but none are authorized for Stage {stage.project}:{stage.name}"
    )


def _select(plane: ControlPlane, namespace: str, selector: Selector, attempts: int) -> tuple[Found, ControlPlane]:
    wrong = problem(selector)
    if wrong:
        return NotFound(f"error building label selector: {wrong}"), plane
    found, plane = _with_discovery_retry(lambda now: select(now, namespace, selector), plane, attempts)
    if isinstance(found, Fault):
        return NotFound(f"error listing Argo CD Applications matching selector: {found.text}"), plane
    return found or NotFound(f'no Argo CD Applications found matching selector in namespace "{namespace}"'), plane


def _with_discovery_retry(
    read: Callable[[ControlPlane], tuple[T | Fault, ControlPlane]], plane: ControlPlane, attempts: int
) -> tuple[T | Fault, ControlPlane]:
    """The answer to a read that is tried again while the kind of Applications is not known.

    There is a pause after the last attempt, too, if there is more than one. Source: `withDiscoveryRetry`
    """
    found, plane = read(plane)
    for attempt in range(1, attempts):
        if not (isinstance(found, Fault) and found.kind is FaultKind.NO_KIND):
            break
        found, plane = read(wait_for_kind(plane, attempt))
    return found, plane
