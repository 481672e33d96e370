"""How walks of Hypothesis go in tests: the same ones every time, and the first that is wrong is enough."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings


def walks(examples: int, steps: int, *, shrunk: bool = False) -> settings:
    """So many walks of so many steps; `shrunk` says whether Hypothesis makes what it finds as short as it can."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink] if shrunk else [Phase.generate],
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
        print_blob=False,
    )
