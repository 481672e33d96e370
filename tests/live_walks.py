"""Moments cut out of random walks of the model: the cluster with its queue, and its live objects."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.documents import parse
from model.kargo.live.objects import Live
from model.kargo.live.reading import SKIPPED, read_live
from model.kargo.loop.values import of
from model.kargo.phases import HealthState
from model.kargo.releases import Behaviours
from model.system import Tables
from simulations.kargo.live.hidden import Hidden
from simulations.kargo.live.writing import manifests
from simulations.kargo.loop.walks import Walk
from simulations.replay import read_lines

PROGRAMS = Path(__file__).parent / "recordings" / "walks" / "programs.jsonl.gz"


@dataclass(frozen=True)
class Cut:
    """A walk that was stopped after some events."""

    walk: Walk
    written: dict[str, Any]
    live: Live
    hidden: Hidden


def read_back(written: dict[str, Any]) -> Live:
    """Live objects, as JSON, read at the door."""
    return read_live(parse(json.dumps(written).encode(), "moment", skip=SKIPPED))


def cuts(behaviours: Behaviours, count: int, seed: int = 0) -> Iterator[Cut]:
    """So many moments, each of another walk that has Stages left."""
    chance = random.Random(seed)
    programs = list(read_lines(PROGRAMS))
    chance.shuffle(programs)
    tables = Tables()
    for program in programs:
        events = [e for e in program["events"] if e["do"] not in ("stale", "set_last", "clear_last")]
        walk = Walk({**program, "events": events}, behaviours, tables)
        walk.begin()
        for event in events[: chance.randint(len(events) // 3, len(events))]:
            walk.do(event)
        if not walk.cluster.existing_stages():
            continue
        written = manifests(walk.cluster)
        yield Cut(walk, written, read_back(written), hidden_of(walk))
        count -= 1
        if not count:
            return


def hidden_of(walk: Walk) -> Hidden:
    """What is behind the objects of a walk."""
    cluster, queue = walk.cluster, walk.queue

    def named(item: str) -> str:
        kind, _, name = item.partition("/")
        if kind == "Promotion":
            return f"Promotion/{cluster.state.get(of('name', name), name)}"
        return f"Stage/{name}"

    apps: dict[str, HealthState] = {s: cluster.state[of("app", s)] for s in cluster.pipeline.names}
    lost = {str(cluster.state[of("name", s)]) for s in cluster.made if not cluster.state[of("work_dir", s)]}
    return Hidden(
        tuple(map(named, queue.items)),
        {named(item): due - cluster.now for item, (due, _) in queue.timers.items()},
        {named(item): count for item, count in queue.failures.items()},
        apps,
        frozenset(lost),
    )
