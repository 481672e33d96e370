"""The variables of the control loop: of Stages, of Promotions, of Freight, and of a pass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from model.kargo import promotion
from model.kargo.auto_promotion import Choice, Guard
from model.kargo.loop.candidates import NOTHING_SHOWN
from model.kargo.loop.fields import OF_FREIGHT_IN_STAGES, OF_ORIGINS, OF_PROMOTIONS, OF_STAGES
from model.kargo.loop.pipeline import Pipeline
from model.kargo.loop.promotion_pass import its
from model.kargo.loop.stage_pass import Mode
from model.kargo.loop.sync_promotions import Branch
from model.kargo.loop.values import of
from model.kargo.loop.verify import Doing
from model.kargo.phases import HealthState
from model.kargo.plan import Plan
from model.system import Value, Variable, local, variable

BOTH = (False, True)

OF_PASSES: dict[str, Value] = {
    "mode": Mode.NOTHING,
    "enabled": False,
    "failed": False,
    "error": "",
    "silenced": False,
    "soon": False,
    "running": None,
    "waiting": None,
    "branch": Branch.NONE,
    "recorded": None,
    "inherits": False,
    "kept": (),
    "has_freight": False,
    "included": False,
    "observed": HealthState.HEALTHY,
    "observed_issues": (),
    "doing": Doing.NOTHING,
    "previous": None,
    "adopted": False,
    "collection": (),
    "marking": False,
    "freights": (),
    "newest_intent": None,
    "standing": NOTHING_SHOWN,
    "choice": Choice(),
    "admissible": False,
    "listed": 0,
    "verdict": None,
    "matches": False,
    "unseen": False,
    "guard": Guard(),
    "wanted": None,
    "wish": None,
    "asking": "",
    "filled": False,
    "forgotten": False,
    "rewritten": False,
}
"""What lives only inside a pass over a Stage, or inside what a person does."""


def stage_variables(pipeline: Pipeline, stage: str) -> Iterator[Variable]:
    """The variables of one Stage."""
    for field, initial in OF_STAGES.items():
        yield variable(of(field, stage), initial)
    for warehouse in pipeline.warehouses:
        for field, initial in OF_ORIGINS.items():
            yield variable(of(field, stage, warehouse), initial)


def promotion_variables(pipeline: Pipeline, slot: str, plan: Plan) -> Iterator[Variable]:
    """The variables of one slot for a Promotion, which is empty at first."""
    for v in _kept(plan):
        yield Variable(its(v.name, slot), v.initial, v.domain)
    for field, initial in OF_PROMOTIONS.items():
        yield variable(of(field, slot), initial)
    for warehouse in pipeline.warehouses:
        yield variable(of("carried", slot, warehouse), None)


@cache
def _kept(plan: Plan) -> tuple[Variable, ...]:
    """The variables of a Promotion that outlive its passes."""
    return tuple(v for v in promotion.variables(plan, running_clock=False, start=None) if not v.local)


def freight_variables(pipeline: Pipeline, freight: str) -> Iterator[Variable]:
    """The variables of one Freight, which does not exist at first."""
    yield variable(of("freight_exists", freight), False, domain=BOTH)
    for stage in pipeline.names:
        for field, initial in OF_FREIGHT_IN_STAGES.items():
            yield variable(of(field, freight, stage), initial)


def pass_variables(plan: Plan) -> Iterator[Variable]:
    """The local variables of all passes; `plan` is that of the Promotions, where they have one in common."""
    for name, initial in OF_PASSES.items():
        yield local(name, initial)
    for v in promotion.variables(plan, running_clock=False, start=None):
        if v.local:
            yield v
