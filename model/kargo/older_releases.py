"""Releases from before those that were recorded, as far as the gate of the queue, auto-promotion and git-push go.

Nothing here was held against a recording. Each differs from 1.8.3 in the fields named and in nothing else, although
the real one differs in more: ask of them only about what these fields decide. The rows of the gate were read in the
source of the releases.
"""

from __future__ import annotations

from dataclasses import replace

from model.kargo.phases import HealthState
from model.kargo.releases import V1_8_3, AutoPromotionGuard, Behaviours, PromotionGate

_WITHOUT_ERRORS = replace(V1_8_3, unknown_health_is_an_error=False, push_locks_branch=True)
"""Unknown health is an error since 1.7.0 (#4674); the locks of git-push worked until 1.8 (#5079)."""

V1_8_0_RC_2 = replace(V1_8_3, auto_promotion_guard=AutoPromotionGuard.BY_UNFINISHED)
"""Release candidate of 1.8.0, with the guard that #5143 weakened and #5148 and #5151 mended."""

V1_4_3 = replace(_WITHOUT_ERRORS, promotion_gate=PromotionGate.OVER)
"""1.3.0 to 1.4.3."""

V1_1_1 = replace(V1_4_3, health_without_success=HealthState.UNHEALTHY, push_integrates=False)
"""1.1.1 to 1.2, but for git-push, which is that of 1.1.1."""

V1_1_0 = replace(V1_1_1, promotion_gate=PromotionGate.SUCCESSFUL)

V1_1_0_RC_3 = replace(V1_1_0, health_without_success=None)
"""Release candidate of 1.1.0, without #3053."""

V1_0_1 = replace(
    _WITHOUT_ERRORS,
    promotion_gate=PromotionGate.RECORDED_OR_HEALTHY_AFTER_SUCCESS,
    health_without_success=None,
    records_in_every_pass=True,
    push_integrates=False,
)
"""1.0.1 to 1.0.4."""

V1_0_0 = replace(V1_0_1, promotion_gate=PromotionGate.RECORDED_AFTER_SUCCESS)

V0_9 = replace(V1_0_1, promotion_gate=PromotionGate.NONE)

OLDER: dict[str, Behaviours] = {
    "0.9": V0_9,
    "1.0.0": V1_0_0,
    "1.0.1": V1_0_1,
    "1.1.0-rc.3": V1_1_0_RC_3,
    "1.1.0": V1_1_0,
    "1.1.1": V1_1_1,
    "1.4.3": V1_4_3,
    "1.8.0-rc.2": V1_8_0_RC_2,
}
"""The older releases by name, oldest first. Their expressions and step kinds are taken to be those of 1.8.3."""
