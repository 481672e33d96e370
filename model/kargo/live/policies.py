"""Which Stages promote by themselves, as far as live objects tell."""

from __future__ import annotations

from model.kargo.auto_promotion import deciding_policy
from model.kargo.live.objects import LiveProject, LiveStage


def policy_of(stage: LiveStage, project: LiveProject) -> bool | None:
    """Whether the Stage promotes by itself, None where no policy is for it, or one of them has no usable pattern.

    Where no policies were given, the Stage's own status is believed.
    """
    if project.policies is None and "ProjectConfig" not in project.kinds:
        return stage.auto_promotion or None
    policy = deciding_policy(project.policies or (), stage.name, dict(stage.labels))
    return policy.enabled if policy else None
