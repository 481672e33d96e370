"""Replaying recorded expressions: the model has to decide every `if` and config value as the controller did.

A recording is a folder with `environment.json`, `programs.jsonl.gz` and one `<release>.jsonl.gz` per release. Every
program, a template, is evaluated in two places: as the `if` of a step and as a value in its config. The kind of
outcome and the value must be equal; the text of an error only where it is one of Kargo's own fixed sentences.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from model.expressions import Evaluation, Failure, Undecided, Value
from model.expressions.text import json_string, to_json
from model.kargo.expressions import config, should_skip
from model.kargo.functions import as_json
from model.kargo.promotion_context import Cluster, PromotionContext, StepContext, StepMetadata, Variable
from simulations.kargo.recorded import Json, chosen, pairs
from simulations.replay import Divergence, RecordingError, Replayed

OWN_MESSAGES: Final = (
    "expression must evaluate to a boolean",
    "unclosed expression:",
    "error parsing template:",
    "error pre-processing promotion variable",
    "freight ref name must not be empty",
    "stage name must not be empty",
    "name must not be empty",
    "argument must not be empty",
    "chart ",
    "multiple requested Freight",
    "invalid semantic version:",
    "json: unsupported value:",
)
"""How the errors begin whose text is the controller's own and is compared, up to the place in the expression."""


@dataclass(frozen=True, slots=True)
class World:
    """The surroundings of a recording: the Promotion, and the step for every list of metadata and alias."""

    promotion: PromotionContext
    outputs: Mapping[str, object]
    variables: tuple[Variable, ...]
    metadata: Mapping[str, tuple[StepMetadata, ...]]

    def step(self, environment: str, alias: str) -> StepContext:
        """The step with that alias after the steps of ``environment``; the engine has added its empty entry."""
        entries = (*self.metadata[environment], StepMetadata(alias))
        return StepContext(alias, self.variables, self.outputs, entries)


def replay(folder: Path, releases: Iterable[str] | None = None, limit: int | None = None) -> Iterator[Replayed]:
    """The result for every release, in order; all that were recorded and are known, if none are named.

    Raises RecordingError if a file is missing or cannot be read, and UnknownReleaseError for a release that is not
    modelled.
    """
    world = read_world(folder / "environment.json")
    for behaviours in chosen(folder, releases):
        yield _replayed(behaviours.release, world, islice(pairs(folder, behaviours.release), limit))


def _replayed(release: str, world: World, recorded: Iterable[tuple[Json, Json]]) -> Replayed:
    steps: dict[tuple[str, str], StepContext] = {}
    programs, divergences = 0, list[Divergence]()
    for program, recording in recorded:
        programs += 1
        name, place = str(program["id"]), (str(program["env"]), str(program["alias"]))
        step = steps.setdefault(place, world.step(*place))
        template = str(program["template"])
        outcomes = {
            "if": _as_if(should_skip(template, world.promotion, step, release)),
            "config": _as_config(config({"value": template}, world.promotion, step, release)),
        }
        for field, got in outcomes.items():
            expected = recording[field]
            if not _agree(expected, got):
                divergences.append(
                    Divergence(name, release, "", field, _shown(expected), f"{_shown(got)} for {template!r}")
                )
    return Replayed(release, programs, 2 * programs, tuple(divergences))


def _as_if(result: Evaluation) -> object:
    return {"skip": result.value} if isinstance(result, Value) else _as_error(result)


def _as_config(result: Evaluation) -> object:
    if not isinstance(result, Value):
        return _as_error(result)
    return {"lost": True} if result.value is None else result.value


def _as_error(result: Failure | Undecided) -> object:
    return {"error": result.message} if isinstance(result, Failure) else {"undecided": result.reason}


def _agree(expected: object, got: object) -> bool:
    if isinstance(expected, dict) and "error" in expected:
        if not (isinstance(got, dict) and "error" in got):
            return False
        wanted = str(expected["error"])
        return not wanted.startswith(OWN_MESSAGES) or wanted.startswith(str(got["error"]).split("\n")[0])
    return to_json(as_json(expected)) == to_json(as_json(got))


def _shown(outcome: object) -> str:
    if isinstance(outcome, dict) and "error" in outcome:
        return f"error {json_string(str(outcome['error']))}"
    return to_json(outcome)


# Reading.


def read_world(path: Path) -> World:
    """The surroundings in an `environment.json`. Raises RecordingError."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _world(data)
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordingError(f"{path} does not describe the surroundings of a recording: {error!r}") from error


def _world(data: dict[str, object]) -> World:
    freight, stage = _mapping(data["freight"]), _mapping(data["stage"])
    requested = _mapping(stage["spec"])["requestedFreight"]
    metas = _mapping(data["stepMetas"])
    promotion = PromotionContext(
        project=str(data["project"]),
        stage=str(_mapping(stage["metadata"])["name"]),
        promotion=str(data["promotion"]),
        actor=str(data["actor"]),
        ui_base_url=str(data["uiBaseUrl"]),
        target_freight=freight,
        freight=(freight,),
        requested=tuple(str(_mapping(_mapping(one)["origin"])["name"]) for one in _items(requested)),
        variables=_variables(data["vars"]),
        cluster=Cluster(
            warehouses=_manifests(data["warehouses"]),
            config_maps=_manifests(data["configMaps"]),
            secrets=_manifests(data["secrets"]),
            freight=(freight,),
            stages=(stage,),
        ),
    )
    return World(
        promotion=promotion,
        outputs=_mapping(as_json(data["outputs"])),
        variables=_variables(data["stepVars"]),
        metadata={name: tuple(map(_step_metadata, _items(entries))) for name, entries in metas.items()},
    )


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"expected a mapping, found {type(value).__name__}")
    return value


def _items(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, found {type(value).__name__}")
    return value


def _manifests(value: object) -> tuple[dict[str, object], ...]:
    return tuple(map(_mapping, _items(value)))


def _variables(value: object) -> tuple[Variable, ...]:
    return tuple(Variable(str(one["name"]), str(one["value"])) for one in _manifests(value))


def _step_metadata(value: object) -> StepMetadata:
    entry = _mapping(value)
    count = entry.get("errorCount", 0)
    return StepMetadata(
        alias=str(entry["alias"]),
        status=str(entry.get("status", "")),
        error_count=count if isinstance(count, int) else 0,
        continue_on_error=bool(entry.get("continueOnError", False)),
        message=str(entry.get("message", "")),
    )
