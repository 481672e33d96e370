"""The exact commands for everything that a person can do, and what doing it changes, in a sentence.

Source: `pkg/cli/cmd` of Kargo; `api/v1alpha1/annotations.go` for what the command line does not offer
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from model.kargo.auto_promotion import deciding_policy
from model.kargo.live.objects import LiveProject
from model.kargo.manifests import API_VERSION
from simulations.kargo.live import edits
from simulations.kargo.live.actions import Action

DESCRIBED = {
    "refresh_stage": "look at the Stage again",
    "refresh_promotion": "look at the Promotion again",
    "restart": "restart the controller; running Promotions begin anew",
    "reverify": "repeat the verification of the current Freight",
    "abort_verification": "abort the verification under way; it ends Failed",
    "promote_current": "promote again what the Stage has",
    "promote_newest": "promote the newest Freight that is available",
    "promote_each": "promote the newest available Freight of each Warehouse, one after the other",
    "promote": "promote the Freight",
    "abort": "abort the Promotion",
    "abort_all": "abort every Promotion of the Stage that is not over",
    "approve": "approve the Freight for the Stage, wherever it was verified",
    "approve_promote": "approve the Freight for the Stage and promote it",
    "auto_on": "let the Stage promote by itself",
    "auto_off": "no longer let the Stage promote by itself",
    "no_soak": "ask for no soak time any more (an edit of the Stage, for good)",
    "one_of": "be content with Freight that was verified in one of the Stages (an edit of the Stage, for good)",
    "direct": "take Freight from the Warehouse itself, too (an edit of the Stage, for good)",
    "no_verification": "verify no more in the Stage (an edit of it, for good)",
    "delete_promotion": "delete the Promotion; its record is gone for good",
    "clear_last": "remove the last Promotion from the status of the Stage; every later one is put on record anew",
}
"""What each action is, in a few words."""

CONTROLLER = "kubectl rollout restart deployment/kargo-controller --namespace kargo"
CHART = "oci://ghcr.io/akuity/kargo-charts/kargo"


@dataclass(frozen=True)
class Told:
    """An action, the project it is about, and `each` of what it is about, where that is more than one: by name."""

    action: Action
    project: LiveProject
    each: tuple[str, ...] = ()


def commands(action: Action, project: LiveProject, each: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What to type, line by line; names that a shell would not leave alone are in quotes."""
    return tuple(_COMMANDS[action.do](Told(action, project, each)))


def upgrade(version: str) -> str:
    """What to type for another release of Kargo, where it was installed as its documents say."""
    return f"helm upgrade kargo {CHART} --namespace kargo --version {shlex.quote(version)} --reuse-values"


Lines = list[str]


def _refresh_stage(t: Told) -> Lines:
    return [f"kargo refresh stage {_of_project(t)} {shlex.quote(t.action.stage)}"]


def _refresh_promotion(t: Told) -> Lines:
    what = f"promotion {shlex.quote(t.action.promotion)} {_in_namespace(t)}"
    return [f'kubectl annotate {what} --overwrite kargo.akuity.io/refresh="$(date +%s)"']


def _restart(t: Told) -> Lines:
    return [CONTROLLER]


def _reverify(t: Told) -> Lines:
    return [f"kargo verify stage {_of_project(t)} {shlex.quote(t.action.stage)}"]


def _abort_verification(t: Told) -> Lines:
    return [f"kargo verify stage {_of_project(t)} {shlex.quote(t.action.stage)} --abort"]


def _promote(t: Told) -> Lines:
    return [_with_freight("promote", t, t.action.freight)]


def _promote_each(t: Told) -> Lines:
    return [_with_freight("promote", t, freight) for freight in t.each]


def _abort(t: Told) -> Lines:
    return [_aborted(t, t.action.promotion)]


def _abort_all(t: Told) -> Lines:
    return [_aborted(t, promotion) for promotion in t.each]


def _approve(t: Told) -> Lines:
    return [_with_freight("approve", t, t.action.freight)]


def _approve_promote(t: Told) -> Lines:
    return [*_approve(t), *_promote(t)]


def _delete_promotion(t: Told) -> Lines:
    return [f"kubectl delete promotion {shlex.quote(t.action.promotion)} {_in_namespace(t)}"]


def _clear_last(t: Told) -> Lines:
    patch = _json({"status": {"lastPromotion": None}})
    what = f"stage {shlex.quote(t.action.stage)} {_in_namespace(t)}"
    return [f"kubectl patch {what} --subresource=status --type=merge --patch {patch}"]


def _auto(t: Told, enabled: bool) -> Lines:
    """A policy comes before the others, for the first one that is for a Stage counts."""
    name, stage = t.project.name, t.action.stage
    policy = {"stageSelector": {"name": stage}, "autoPromotionEnabled": enabled}
    spec = {"promotionPolicies": [policy]}
    if t.project.policies is None and "ProjectConfig" in t.project.kinds:
        meta = {"name": name, "namespace": name}
        new = {"apiVersion": API_VERSION, "kind": "ProjectConfig", "metadata": meta, "spec": spec}
        return [f"echo {_json(new)} | kubectl create --filename -"]
    what = f"kubectl patch projectconfig {shlex.quote(name)} {_in_namespace(t)}"
    if t.project.policies == ():
        return [f"{what} --type=merge --patch {_json({'spec': spec})}"]
    place = _own_policy(t.project, stage)
    change = (
        {"op": "add", "path": "/spec/promotionPolicies/0", "value": policy}
        if place is None
        else {"op": "add", "path": f"/spec/promotionPolicies/{place}/autoPromotionEnabled", "value": enabled}
    )
    return [f"{what} --type=json --patch {_json([change])}"]


def _edit(t: Told) -> Lines:
    requests = next((s.requests for s in t.project.stages if s.name == t.action.stage), ())
    what = f"stage {shlex.quote(t.action.stage)} {_in_namespace(t)}"
    return [f"kubectl patch {what} --type=json --patch {_json(edits.patches(requests, t.action.do))}"]


def _own_policy(project: LiveProject, stage: str) -> int | None:
    """The place of the policy that decides for a Stage, if it is for that Stage alone."""
    policies = project.policies or ()
    labels = next((dict(s.labels) for s in project.stages if s.name == stage), {})
    found = deciding_policy(policies, stage, labels)
    return policies.index(found) if found is not None and found.name == stage else None


_COMMANDS: dict[str, Callable[[Told], Lines]] = {
    "refresh_stage": _refresh_stage,
    "refresh_promotion": _refresh_promotion,
    "restart": _restart,
    "reverify": _reverify,
    "abort_verification": _abort_verification,
    "promote_current": _promote,
    "promote_newest": _promote,
    "promote_each": _promote_each,
    "promote": _promote,
    "abort": _abort,
    "abort_all": _abort_all,
    "approve": _approve,
    "approve_promote": _approve_promote,
    "auto_on": partial(_auto, enabled=True),
    "auto_off": partial(_auto, enabled=False),
    **dict.fromkeys((*edits.EDITS, edits.NO_VERIFICATION), _edit),
    "clear_last": _clear_last,
    "delete_promotion": _delete_promotion,
}


def _of_project(t: Told) -> str:
    return f"--project={shlex.quote(t.project.name)}"


def _in_namespace(t: Told) -> str:
    return f"--namespace {shlex.quote(t.project.name)}"


def _json(value: object) -> str:
    return shlex.quote(json.dumps(value, separators=(",", ":")))


def _aborted(t: Told, promotion: str) -> str:
    return f"kargo promote {_of_project(t)} --name={shlex.quote(promotion)} --abort"


def _with_freight(verb: str, t: Told, freight: str) -> str:
    return f"kargo {verb} {_of_project(t)} --freight={shlex.quote(freight)} --stage={shlex.quote(t.action.stage)}"
