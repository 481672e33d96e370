"""What live objects do not say: what the controllers have in their queues, and how the applications are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from model.kargo.phases import HealthState


@dataclass(frozen=True)
class Hidden:
    """What is behind the objects at a moment.

    Items are `Stage/<name>` and `Promotion/<name>`. `queue` has those that wait to be looked at, `timers` those
    that will be, with the milliseconds until then, `failures` how often in a row looking at one has failed. `apps`
    has the health of the applications of Stages: the others are Healthy.
    """

    queue: tuple[str, ...] = ()
    timers: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    apps: Mapping[str, HealthState] = field(default_factory=dict)
    issues: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What is wrong with the applications of Stages, in the words of Kargo, where it was seen."""

    lost_work_dirs: frozenset[str] = frozenset()
    """Promotions under way that will begin anew, because the controller has lost their work directories."""

    overlooked: Mapping[str, int] = field(default_factory=dict)
    """Items with something to do that nobody has looked at for long, each with the instant since when."""
