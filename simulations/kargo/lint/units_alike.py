"""What is told of a task only if it is so for all that use it: its variables are there to make a difference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from model.inputs import Place
from simulations.kargo.lint.rules import Finding
from simulations.kargo.lint.units import Unit

FOR_ALL = frozenset({"never-runs"})
"""The rules that say that something never happens because of what variables, or names, come to."""


def everywhere(found: Iterable[Finding], units: Iterable[Unit]) -> Iterator[Finding]:
    """The findings, without those of rules in `FOR_ALL` that are not true of every use of their step."""
    uses: defaultdict[Place, set[tuple[str, str]]] = defaultdict(set)
    for unit in units:
        for step in unit.template.steps:
            uses[step.where].add((unit.subject, step.alias))
    every = list(found)
    told: defaultdict[Place, set[tuple[str, str]]] = defaultdict(set)
    for finding in every:
        if finding.rule.id in FOR_ALL:
            told[finding.place].add((finding.subject, finding.step))
    for finding in every:
        if finding.rule.id not in FOR_ALL or uses[finding.place] <= told[finding.place]:
            yield finding
