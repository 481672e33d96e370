"""What a Stage asks for: one request per Warehouse of origin, and the spellings of its options.

Source: `api/v1alpha1/stage_types.go: FreightRequest`, `FreightSources`, `AutoPromotionOptions`
"""

from __future__ import annotations

from typing import Final, NamedTuple

ALL: Final = "All"
"""The strategy that wants Freight verified in every listed Stage. Source: `FreightAvailabilityStrategyAll`"""

ONE_OF: Final = "OneOf"
"""The strategy that is content with one listed Stage; no strategy means the same.
Source: `FreightAvailabilityStrategyOneOf`"""

STRATEGIES: Final = frozenset((ALL, ONE_OF, ""))
"""The strategies there are. Admission refuses others."""

NEWEST_FREIGHT: Final = "NewestFreight"
"""The policy that promotes the newest available Freight; no policy means the same.
Source: `AutoPromotionSelectionPolicyNewestFreight`"""

MATCH_UPSTREAM: Final = "MatchUpstream"
"""The policy that promotes what the one listed Stage has at present.
Source: `AutoPromotionSelectionPolicyMatchUpstream`"""


class FreightRequest(NamedTuple):
    """The Freight of one Warehouse that a Stage asks for, and when that is available to it.

    Freight is taken from the Warehouse itself if `direct`, else from the listed `stages`, after a time of soaking
    in them (in milliseconds; None asks for none, which is not quite the same as 0). No two requests of a Stage name
    the same Warehouse, and one with the policy MatchUpstream is not direct and lists one Stage: admission sees to
    that.
    """

    warehouse: str
    direct: bool = False
    stages: tuple[str, ...] = ()
    strategy: str = ""
    soak_ms: int | None = None
    policy: str = ""

    @property
    def matches_upstream(self) -> bool:
        """Whether only that Freight counts which the listed Stage has at present."""
        return self.policy == MATCH_UPSTREAM
