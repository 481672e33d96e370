"""The plans of Promotions whose steps follow a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from model.kargo import planning, promotion, worlds
from model.kargo.loop.pipeline import StageSpec
from model.kargo.loop.promotion_pass import its
from model.kargo.plan import Plan
from model.kargo.planning import Planner
from model.kargo.promotion_context import PromotionContext
from model.kargo.releases import Behaviours
from model.kargo.step_kinds import StepKind
from model.kargo.worlds import Script
from model.system import Value, Variable

_KINDS = {"scripted": StepKind("scripted", 0, 0, False, ())}


def scripted_plan(project: str, stage: StageSpec, scripts: tuple[Script, ...], behaviours: Behaviours) -> Plan:
    """The plan of a Promotion for a Stage: one script for each step of its template."""
    by_alias = dict(zip((step.alias for step in stage.steps), scripts, strict=True))
    planner = Planner(stage.steps, _context(project, stage.name), behaviours, _KINDS.get)
    return planning.scripted(planner, by_alias, writes_can_fail=False)


def scripted_plans(
    project: str, scripts: Callable[[str, int, int], tuple[Script, ...]], behaviours: Behaviours
) -> Callable[[StageSpec, int], Plan]:
    """The plans of Promotions: `scripts` has what the steps of the n-th Promotion of a Stage do, and how many."""
    return lambda stage, number: scripted_plan(
        project, stage, scripts(stage.name, number, len(stage.steps)), behaviours
    )


def scripted_variables(slot: str, plan: Plan) -> Iterator[Variable]:
    """How often each step of a Promotion has been tried, and what it would answer now."""
    for alias in plan.aliases:
        for of_world in (worlds.tries(alias), worlds.answer(alias)):
            yield Variable(its(of_world.name, slot), of_world.initial, of_world.domain)


@cache
def inside_passes(plan: Plan) -> dict[str, Value]:
    """What lives only inside a pass over a Promotion with that plan."""
    return {v.name: v.initial[0] for v in promotion.variables(plan, running_clock=True, start=None) if v.local}


def _context(project: str, stage: str) -> PromotionContext:
    return PromotionContext(
        project=project,
        stage=stage,
        promotion="",
        actor="",
        ui_base_url="",
        target_freight={"name": "", "alias": "", "origin": {"name": ""}},
        requested=(),
        variables=(),
    )
