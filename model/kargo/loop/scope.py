"""What a Stage pass is built for: one Stage, the objects it can meet, and a release."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from model.kargo.loop.fields import OF_STAGES
from model.kargo.loop.pipeline import Pipeline, StageSpec
from model.kargo.loop.values import of
from model.kargo.releases import Behaviours
from model.system import Action, Rule, Value, action


@dataclass(frozen=True)
class Scope:
    """One Stage and what a pass over it can meet.

    `promotions` are the slots for its Promotions in order of their names, `created` the same in order of creation
    (slots not used yet last); `freight` lists the Freight of each Warehouse, oldest first.
    """

    stage: StageSpec
    pipeline: Pipeline
    behaviours: Behaviours
    promotions: tuple[str, ...]
    created: tuple[str, ...]
    freight: tuple[tuple[str, tuple[str, ...]], ...]
    auto_promotes: bool = True
    """Whether auto-promotion can be enabled at all; where it cannot, what only concerns it is left out."""

    cache_honours_limits: bool = True
    """Whether a list with a limit stops after so many objects, in arbitrary order, as a controller's cache does."""

    @property
    def all_freight(self) -> tuple[str, ...]:
        """Every Freight, by name."""
        return tuple(sorted(f for _, names in self.freight for f in names))

    def of_origin(self, warehouse: str) -> tuple[str, ...]:
        """The Freight of one Warehouse, oldest first."""
        return dict(self.freight).get(warehouse, ())

    def of(self, field: str, *more: str) -> str:
        """The variable that holds a field of the Stage, or of the Stage and another object."""
        return of(field, self.stage.name, *more)

    def bind(
        self,
        rule: Rule,
        to: Mapping[str, str] | None = None,
        *,
        constants: Mapping[str, Value] | None = None,
        writes: Iterable[str] = (),
        **binding: str,
    ) -> Action:
        """Bind a rule to this Stage.

        A parameter, or a name in `writes`, that is in `to` or `binding` is the variable given there; one that is in
        `OF_STAGES` is that field of the Stage; one in `constants` is fixed; any other is the variable of its name.
        """
        bound = {**(to or {}), **binding}
        return _bound(rule, self.stage.name, tuple(bound.items()), tuple((constants or {}).items()), tuple(writes))


Pairs = tuple[tuple[str, Value], ...]


@cache
def _bound(
    rule: Rule, stage: str, to: tuple[tuple[str, str], ...], constants: Pairs, writes: tuple[str, ...]
) -> Action:
    """The action, one object for one binding: passes are built often, and most of what they consist of recurs."""
    binding, fixed = dict(to), dict(constants)

    def variable(name: str) -> str:
        return binding.pop(name, of(name, stage) if name in OF_STAGES else name)

    reads = {n: variable(n) for n in _parameters(rule) if n not in fixed}
    written = {n: variable(n) for n in writes}
    if binding:
        raise TypeError(f"{rule.__name__} neither reads nor writes {min(binding)!r}")
    return action(rule, constants=fixed, reads=reads, writes=written)


@cache
def _parameters(rule: Rule) -> tuple[str, ...]:
    return tuple(inspect.signature(rule).parameters)
