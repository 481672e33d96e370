"""The exact command for everything that a person can do, and what doing it changes, in a sentence.

Source: `pkg/cli/cmd` of Kargo; `api/v1alpha1/annotations.go` for what the command line does not offer
"""

from __future__ import annotations

import shlex
from collections.abc import Callable

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
    "abort": "abort the Promotion",
    "abort_all": "abort every Promotion of the Stage that is not over",
    "approve": "approve the Freight for the Stage, wherever it was verified",
    "approve_promote": "approve the Freight for the Stage and promote it",
    "auto_on": "let the Stage promote by itself",
    "delete_promotion": "delete the Promotion; its record is gone for good",
    "clear_last": "remove the last Promotion from the status of the Stage; every later one is put on record anew",
}
"""What each action is, in a few words."""

CONTROLLER = "kubectl rollout restart deployment/kargo-controller --namespace kargo"


def command(action: Action, project: str) -> str:
    """What to type; names that a shell would not leave alone are in quotes."""
    return _COMMANDS[action.do](_Quoted(action, project))


class _Quoted:
    """An action with its names as a shell takes them."""

    def __init__(self, action: Action, project: str) -> None:
        self.project = shlex.quote(project)
        self.stage = shlex.quote(action.stage)
        self.promotion = shlex.quote(action.promotion)
        self.freight = shlex.quote(action.freight)

    def annotate(self, what: str, key: str, value: str) -> str:
        """Annotating an object."""
        return f"kubectl annotate {what} --namespace {self.project} --overwrite kargo.akuity.io/{key}={value}"

    def promote(self) -> str:
        """Promoting Freight."""
        return f"kargo promote --project={self.project} --freight={self.freight} --stage={self.stage}"

    def approve(self) -> str:
        """Approving Freight."""
        return f"kargo approve --project={self.project} --freight={self.freight} --stage={self.stage}"


_TERMINATE = """'{"action":"terminate"}'"""

_COMMANDS: dict[str, Callable[[_Quoted], str]] = {
    "refresh_stage": lambda q: f"kargo refresh stage --project={q.project} {q.stage}",
    "refresh_promotion": lambda q: q.annotate(f"promotion {q.promotion}", "refresh", '"$(date +%s)"'),
    "restart": lambda q: CONTROLLER,
    "reverify": lambda q: f"kargo verify stage --project={q.project} {q.stage}",
    "abort_verification": lambda q: f"kargo verify stage --project={q.project} {q.stage} --abort",
    "promote_current": _Quoted.promote,
    "promote_newest": _Quoted.promote,
    "promote_each": lambda q: f"kargo promote --project={q.project} --warehouse=EACH --stage={q.stage}",
    "abort": lambda q: q.annotate(f"promotion {q.promotion}", "abort", _TERMINATE),
    "abort_all": lambda q: q.annotate(f"promotion --selector kargo.akuity.io/stage={q.stage}", "abort", _TERMINATE),
    "approve": _Quoted.approve,
    "approve_promote": lambda q: f"{q.approve()} && {q.promote()}",
    "auto_on": lambda q: (
        f"kubectl edit projectconfig {q.project} --namespace {q.project}"
        f"  # spec.promotionPolicies: - {{stageSelector: {{name: {q.stage}}}, autoPromotionEnabled: true}}"
    ),
    "clear_last": lambda q: (
        f"kubectl patch stage {q.stage} --namespace {q.project} --subresource=status --type=merge "
        """--patch '{"status":{"lastPromotion":null}}'"""
    ),
    "delete_promotion": lambda q: f"kubectl delete promotion {q.promotion} --namespace {q.project}",
}
