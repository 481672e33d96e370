"""Which known bug it is that closes a gate, if it is one that the release has: told by how the objects look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from model.kargo.loop.values import of
from model.kargo.phases import HealthState, PromotionPhase
from simulations.kargo.live.candidates import GENERATED
from simulations.kargo.live.changes import newest
from simulations.kargo.live.known_bugs import known_bug
from simulations.kargo.live.restoring import Restored


class Seen(NamedTuple):
    """What of a Promotion tells bugs apart."""

    name: str
    phase: PromotionPhase | None
    freight: str
    started: int | None


@dataclass(frozen=True)
class WhichBug:
    """The bugs of a Stage, each by the name of its scenario; empty if it is none that is known."""

    restored: Restored
    stage: str

    def of_release(self, *names: str) -> str:
        """The first of these that this release has."""
        release = self.restored.cluster.behaviours.release
        return next((name for name in names if release in known_bug(name).releases), "")

    def keeps_off_the_record(self, last: str) -> str:
        """Where a Promotion is not put on record after the last one."""
        aborted = self.restored.cluster.state[of("last_phase", self.stage)] is PromotionPhase.ABORTED
        if aborted and GENERATED.fullmatch(last):
            return self.of_release("aborting-a-later-promotion-hides-an-earlier-success")
        return self.of_release("frozen-stage", "odd-name-survives-an-upgrade")

    def brings_in_use(self, freight: str) -> str:
        """Where Freight is in use that does not exist: one that no Promotion of it has put there came along."""
        several = len(self.restored.cluster.pipeline.stage(self.stage).requests) > 1
        phases = [p.phase for p in self._promotions() if p.freight == freight]
        failed = several and phases and PromotionPhase.SUCCEEDED not in phases
        return self.of_release("deleted-freight-comes-along") if failed else ""

    def loses_an_origin(self) -> str:
        """Where the Freight of a Warehouse was lost: by a refusal, if one is there to see, else by an abort."""
        refused = any(
            p.phase is PromotionPhase.ERRORED and not self.restored.cluster.exists_freight(p.freight)
            for p in self._promotions()
        )
        names = ("lost-origin", "deleted-freight-takes-other-origins-along")
        return self.of_release(*(reversed(names) if refused else names))

    def waits_for_health(self) -> str:
        """Where applications are not healthy, or not any more."""
        health = self.restored.cluster.state[of("app", self.stage)]
        if not self.is_verified():
            late = ("late-verification",) if health is HealthState.UNKNOWN else ()
            return self.of_release(*late, "no-end-to-waiting-for-health")
        return self.of_release("scaling-looks-unready") if health is HealthState.PROGRESSING else ""

    def leaves_unverified(self, last: str) -> str:
        """Where what was aborted in the queue keeps the Freight in use from being verified."""
        state = self.restored.cluster.state
        if state[of("verification", self.stage)] is not None or self.is_verified():
            return ""
        aborted = state[of("last_phase", self.stage)] is PromotionPhase.ABORTED
        queued = aborted and all(p.started is None for p in self._promotions() if p.name == last)
        return self.of_release("aborting-a-waiting-promotion-ends-verification") if queued else ""

    def is_verified(self) -> bool:
        """Whether the Freight that the Stage has is verified."""
        cluster = self.restored.cluster
        has = newest(cluster, cluster.state, self.stage).values()
        return all(cluster.state[of("verified", freight, self.stage)] is not None for freight in has)

    def _promotions(self) -> Iterator[Seen]:
        state = self.restored.cluster.state
        for slot in self.restored.cluster.existing(self.stage):
            yield Seen(*(state[of(field, slot)] for field in Seen._fields))
