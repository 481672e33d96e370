"""Templates that differ in nothing that matters have the same answers, by other names.

Aliases are only names, as a rule; a timeout may be as long as it likes, because time passes as it is needed; and of
a kind only that matters what it can come back with.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import lru_cache

from model.kargo.conditions import WRITERS
from model.kargo.expression_references import ALL
from model.kargo.manifest_types import Retry
from model.kargo.plan import namespace
from model.kargo.planning import step_rules
from model.kargo.runner_results import leaves_output
from model.kargo.step_kinds import Result, step_kind
from model.kargo.templates import StepSpec
from simulations.kargo.lint.wanted import Essence, Wanted, references

OWN = "alias_{}_of_lint"
"""What the alias of a step is called where aliases make no difference; no alias, of anybody's, looks like that."""

_NAMED = re.compile(r"(?<![\w.$])(?P<before>outputs\.)(?P<alias>[A-Za-z_]\w*)")
_QUOTED = re.compile(r"""(?<![\w.$])(?P<before>outputs\[['"]|status\(['"])(?P<alias>[\w-]+)(?=['"][\])])""")
_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_MENTIONS = re.compile(r"outputs|status\(|alias_")


@dataclass(frozen=True)
class Shape:
    """An essence whose aliases are those of `OWN`, and the aliases themselves; none where they may matter.

    It tells essences apart; it is not to be explored, because its kinds of steps are none that there are.
    """

    essence: Essence
    aliases: tuple[str, ...] = ()

    def hide(self, wanted: Wanted) -> Wanted:
        """A question with no alias of its own."""
        rule, index, about = wanted
        return (rule, index, OWN.format(self.aliases.index(about))) if about in self.aliases else wanted


@lru_cache(maxsize=256)
def shape_of(essence: Essence, release: str) -> Shape:
    """The shape of an essence; the essence itself where somebody could tell its aliases from others.

    Aliases are told apart by whom they are equal to only: as keys of `outputs`, and as what `status` is asked for.
    Those of tasks have two parts that count; and metadata has messages, in which aliases are. Of every text the
    expressions themselves say whether all that they refer to was found.
    """
    template = essence.template
    aliases = tuple(step.alias for step in template.steps)
    values = [value for _, value in (*template.vars, *(pair for step in template.steps for pair in step.vars))]
    if len(set(aliases)) < len(aliases) or any(map(namespace, aliases)) or any(map(_MENTIONS.search, values)):
        return Shape(essence)
    own = {alias: OWN.format(number) for number, alias in enumerate(aliases)}
    read = any("outputs" in text for step in template.steps for text in (step.condition, step.config or ""))
    steps = [_step(step, own, release, read) for step in template.steps]
    if None in steps:
        return Shape(essence)
    found = replace(template, steps=tuple(step for step in steps if step))
    return Shape(replace(essence, template=found, results=tuple((own[a], r) for a, r in essence.results)), aliases)


def _step(step: StepSpec, own: dict[str, str], release: str, read: bool) -> StepSpec | None:
    condition = _text(step.condition, own, release)
    tree: dict[str, str] = json.loads(step.config) if step.config else {}
    config = {key: _text(text, own, release) for key, text in tree.items()}
    if condition is None or None in config.values():
        return None
    kind, retry = kind_of(step, release, read=read)
    return replace(
        step,
        alias=own[step.alias],
        kind=kind,
        condition=condition,
        retry=retry,
        config=json.dumps(config) if step.config else step.config,
    )


def kind_of(step: StepSpec, release: str, *, read: bool = True) -> tuple[str, Retry]:
    """What matters of the kind of a step, as a text, and of its retries, the defaults of its kind considered.

    Whether it leaves an output matters if any is `read`. Those that write what an `if` can ask stay what they are.
    """
    kind = step_kind(step.kind, release)
    rules = step_rules(step, kind)
    retry = Retry(1 if rules.timeout_ms > 0 else 0, rules.error_threshold)
    if kind is None:
        return "", retry
    left = (read and leaves_output(step, result) for result in (Result.SUCCEEDED, Result.SKIPPED))
    results = (*kind.results, *left, kind.propagates_outputs, *({step.kind} & WRITERS))
    return ", ".join(map(str, results)), retry


def _text(text: str, own: dict[str, str], release: str) -> str | None:
    """A text with other aliases, None if it may be about aliases in another way."""
    if not _MENTIONS.search(text):
        found = references(text, release)
        return None if found.step_metas or found.task_outputs or found.outputs or found.statuses else text

    def renamed(match: re.Match[str]) -> str:
        return match["before"] + own.get(match["alias"], match["alias"])

    quoted = (match.group()[1:-1] for match in _TEXTS.finditer(text))
    if "alias_" in text or any(map(_MENTIONS.search, quoted)):
        return None
    after = _QUOTED.sub(renamed, _NAMED.sub(renamed, text))
    before, then = references(text, release), references(after, release)
    if before.step_metas or before.task_outputs or then.functions != before.functions:
        return None
    for was, now in ((before.outputs, then.outputs), (before.statuses, then.statuses)):
        if was == ALL or now == ALL or {own.get(alias, alias) for alias in was} != now:
            return None
    return after
