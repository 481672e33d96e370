"""A Promotion before it begins: what is fixed about its steps, and what its variables are called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from model.kargo.releases import Behaviours
from model.kargo.step_engine import Entry, StepRules, has_failed
from model.system import Action, Outcome, Outcomes, Value, action


@dataclass(frozen=True)
class Seen:
    """What an expression sees of the Promotion: by alias, and whether any entry counts as a failure."""

    entries: dict[str, Entry | None]
    texts: dict[str, str]
    outputs: dict[str, str | None]
    has_failures: bool


Evaluate = Callable[[Seen], tuple[dict[str, Value], ...]]


@dataclass(frozen=True, eq=False)
class Expression:
    """The templates of a step, as a rule: what they can read, and what they come to.

    `entries`, `texts` and `outputs` are the aliases whose metadata, messages and outputs they can read, besides
    the step's own metadata. `evaluate` answers with new values for the variables in `writes`, once for every
    result there can be: several where it cannot be decided.
    """

    alias: str
    entries: tuple[str, ...]
    texts: tuple[str, ...]
    outputs: tuple[str, ...]
    evaluate: Evaluate
    continue_on_error: bool = False

    @property
    def __name__(self) -> str:
        return "evaluate"

    @cached_property
    def __signature__(self) -> inspect.Signature:
        names = ["entry", "failing"]
        names += [f"entry_{i}" for i in range(len(self.entries))]
        names += [f"text_{i}" for i in range(len(self.texts))]
        names += [f"output_{i}" for i in range(len(self.outputs))]
        keyword = inspect.Parameter.KEYWORD_ONLY
        return inspect.Signature([inspect.Parameter(n, keyword) for n in names])

    def __call__(self, *, entry: Entry, failing: int, **values: Any) -> Outcomes:
        """Every result."""
        seen = Seen(
            entries={self.alias: entry} | {a: values[f"entry_{i}"] for i, a in enumerate(self.entries)},
            texts={a: values[f"text_{i}"] for i, a in enumerate(self.texts)},
            outputs={a: values[f"output_{i}"] for i, a in enumerate(self.outputs)},
            has_failures=failing > 0 or has_failed(entry, self.continue_on_error),
        )
        return tuple(Outcome("", found) for found in self.evaluate(seen))

    def bind(self, plan: Plan, name: str, **writes: str) -> Action:
        """The action that evaluates it in the pass of `plan`, into the variables that `writes` names."""
        binding = {"entry": plan.working("entry", self.alias)}
        binding |= {f"entry_{i}": plan.working("entry", a) for i, a in enumerate(self.entries)}
        binding |= {f"text_{i}": plan.working("text", a) for i, a in enumerate(self.texts)}
        binding |= {f"output_{i}": plan.working("output", a) for i, a in enumerate(self.outputs)}
        return action(self, f"evaluate {name} of {self.alias}", writes=writes, reads=binding)


@dataclass(frozen=True)
class PlannedStep:
    """A step of a Promotion with everything that is fixed about it.

    `condition` is its `if`, writing `condition`; `config` its vars and config, writing `context_error` and
    `config`; either is None where there is nothing to evaluate. `attempt` is the world's
    answer to a run of its runner: see `model.kargo.worlds`. `asks_about_failures` says whether the `if` calls
    one of the functions that look at the steps before, `config_has_templates` whether the config itself needs
    evaluating (its vars may need it, too).
    """

    rules: StepRules
    continue_on_error: bool
    condition: Expression | None
    config: Expression | None
    attempt: Action
    asks_about_failures: bool = False
    config_has_templates: bool = False


@dataclass(frozen=True)
class Plan:
    """The steps of a Promotion, and what follows from their aliases.

    Steps that share an alias share its metadata, which remembers the `continueOnError` of the first of them.

    `writes_can_fail` says whether a pass can be kept from writing its status. If so it works on a copy, as the
    controller does. If not it works on the stored variables: nobody can see the difference, because a pass is
    one step, and the checker has half as many variables.
    """

    steps: tuple[PlannedStep, ...]
    behaviours: Behaviours
    writes_can_fail: bool = False

    @cached_property
    def aliases(self) -> tuple[str, ...]:
        """Every alias once, in the order in which the metadata comes to list them."""
        return tuple(dict.fromkeys(s.rules.alias for s in self.steps))

    @cached_property
    def continue_on_error(self) -> dict[str, bool]:
        """What the metadata of each alias remembers."""
        return {s.rules.alias: s.continue_on_error for s in reversed(self.steps)}

    @cached_property
    def output_keys(self) -> tuple[str, ...]:
        """The keys that can come up in the shared state: aliases, and tasks that take the outputs of theirs."""
        shared = (namespace(s.rules.alias) for s in self.steps if s.rules.propagates_output)
        return tuple(dict.fromkeys((*self.aliases, *filter(None, shared))))

    def working(self, field: str, alias: str) -> str:
        """The variable that holds `field` of `alias` as the pass under way has it."""
        return f"working {field}[{alias}]" if self.writes_can_fail else stored(field, alias)

    def horizon_ms(self, alias: str) -> int:
        """How far back, in milliseconds, an instant of `alias` can matter."""
        timeouts = [s.rules.timeout_ms for s in self.steps if s.rules.alias == alias and s.rules.timeout_ms > 0]
        return max(timeouts) + 1000 if timeouts else 0

    def shared_later(self, alias: str) -> bool:
        """Whether more than one step has this alias."""
        return sum(s.rules.alias == alias for s in self.steps) > 1


def namespace(alias: str) -> str:
    """The task that a step belongs to, by its alias; empty if none.

    Source: `getAliasNamespace`
    """
    parts = alias.split("::")
    return parts[0] if len(parts) == 2 else ""


def stored(field: str, alias: str) -> str:
    """The variable that holds `field` of `alias` as the API server has it."""
    return f"{field}[{alias}]"


def said(index: int, alias: str) -> str:
    """The variable that holds what a step's runner came back with in a pass."""
    return f"said[{index} {alias}]"


def config(index: int, alias: str) -> str:
    """The variable that holds the config, as JSON text, that a step's runner was given in a pass."""
    return f"config[{index} {alias}]"


def after_failure(index: int, alias: str) -> str:
    """The variable that says whether another step had failed when a pass came to this one."""
    return f"after failure[{index} {alias}]"


def did(index: int, alias: str) -> str:
    """The variable that says what a pass did with a step."""
    return f"did[{index} {alias}]"
