"""A pipeline of Kargo, which only this project has.

There is none for the other tools: a copy of its rules in another language would be held against no recording, so
nobody could say that it is the same.
"""

from __future__ import annotations

from benchmarks.side_by_side.classics import Claims, Model
from invariants.kargo.loops import LOOPS
from invariants.properties import always
from model.kargo.loop.exploration import STEP, exploration, pipeline_of
from model.kargo.loop.pipeline import StageSpec
from model.kargo.phases import PromotionPhase
from model.kargo.releases import LATEST
from model.kargo.requests import FreightRequest
from model.system import System


def last_is_over(last: str | None, last_phase: PromotionPhase) -> bool:
    """The last Promotion that a Stage shows is over."""
    return last is None or last_phase.terminal


def every_last_is_over(n: int) -> Claims:
    """In each of the Stages."""
    return tuple(
        always(last_is_over, f"over {s}", last=f"last[{s}]", last_phase=f"last_phase[{s}]") for s in stages(n)
    )


def stages(n: int) -> list[str]:
    """The names of the Stages of a pipeline."""
    return [f"s{number}" for number in range(1, n + 1)]


def pipeline(n: int) -> System:
    """So many Stages in a row; as in the control loop `chain`, two Promotions for each, and two Freight."""
    names = stages(n)
    specs = [
        StageSpec(name, (FreightRequest("w", not before, before),), (STEP,))
        for name, before in zip(names, [(), *((s,) for s in names)], strict=False)
    ]
    return exploration(f"{n} Stages", pipeline_of(*specs), LATEST, LOOPS["chain"].bounds)


PIPELINE = Model("a Kargo pipeline of N Stages in a row", pipeline, every_last_is_over)
