"""What is fixed about a pipeline: its Warehouses, its Stages, and what each of them asks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from model.kargo.requests import FreightRequest
from model.kargo.templates import StepSpec


@dataclass(frozen=True)
class StageSpec:
    """The spec of a Stage. Without `steps` it is a control flow Stage.

    Source: `api/v1alpha1/stage_types.go: StageSpec`
    """

    name: str
    requests: tuple[FreightRequest, ...]
    steps: tuple[StepSpec, ...] = ()
    verification: bool = False

    @property
    def control_flow(self) -> bool:
        """Whether there is nothing to promote with. Source: `Stage.IsControlFlow`."""
        return not self.steps

    @cached_property
    def upstream(self) -> tuple[str, ...]:
        """The Stages that Freight is taken from, in order of name."""
        return tuple(sorted({s for r in self.requests for s in r.stages}))

    @cached_property
    def origins(self) -> tuple[str, ...]:
        """The Warehouses whose Freight is requested, in the order of the requests."""
        return tuple(r.warehouse for r in self.requests)


@dataclass(frozen=True)
class Pipeline:
    """Warehouses and Stages, in the order in which a person would tell of them."""

    warehouses: tuple[str, ...]
    stages: tuple[StageSpec, ...]
    project: str = "proj"

    def stage(self, name: str) -> StageSpec:
        """The Stage called `name`. Raises KeyError."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, StageSpec]:
        return {stage.name: stage for stage in self.stages}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the Stages, in order."""
        return tuple(stage.name for stage in self.stages)
