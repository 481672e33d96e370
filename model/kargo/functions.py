"""Kargo's own expression functions.

Each comes with the overloads that the checker sees and with what it does, given the surroundings. Source:
``pkg/expressions/function/functions.go``, ``pkg/expressions/json_templates.go``,
``pkg/controller/freight/finder.go``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Final

from model.expressions import Function
from model.expressions.operators import plain_string
from model.expressions.results import ExpressionError
from model.expressions.text import quoted, to_json
from model.expressions.types import ANY, BOOL, OBJECT, STRING, STRING_MAP, Signature
from model.expressions.values import UNKNOWN, Nil, Struct, TypedMap, type_name
from model.kargo import semver
from model.kargo.artifacts import Artifacts
from model.kargo.function_types import (
    ARTIFACT,
    FREIGHT_ORIGIN,
    VERSION_POINTER,
    ArtifactTypes,
    origin,
    version,
)
from model.kargo.promotion_context import Manifest, PromotionContext, StepContext, namespace_of, short_alias
from model.kargo.yaml_text import to_yaml

Arguments = tuple[object, ...]
Call = Callable[[Arguments], object]


def _function(name: str, *overloads: Signature) -> Function:
    return Function(name, overloads)


_TO_STRING_MAP: Final = Signature((STRING,), STRING_MAP)
_TO_OBJECT: Final = Signature((STRING,), OBJECT)
_TEXT: Final = Signature((ANY,), STRING)
_CONDITION: Final = Signature((), BOOL)

TEXTS: Final = (_function("quote", _TEXT), _function("unsafeQuote", _TEXT))
TEXTS_SINCE_1_11: Final = (_function("asYAML", _TEXT), _function("asJSON", _TEXT))
STATUS: Final = (
    _function("always", _CONDITION),
    _function("failure", _CONDITION),
    _function("success", _CONDITION),
    _function("status", Signature((STRING,), STRING)),
)
STATUS_NAMES: Final = frozenset(function.name for function in STATUS)
DATA: Final = (
    _function("configMap", _TO_STRING_MAP),
    _function("secret", _TO_STRING_MAP),
    _function("stageMetadata", _TO_OBJECT),
    _function("semverDiff", Signature((STRING, STRING), STRING)),
)
DATA_SINCE_1_9: Final = (
    _function("sharedConfigMap", _TO_STRING_MAP),
    _function("sharedSecret", _TO_STRING_MAP),
    _function("semverParse", Signature((STRING,), VERSION_POINTER)),
    _function("artifactFrom", Signature((STRING, FREIGHT_ORIGIN), ARTIFACT), Signature((STRING,), ARTIFACT)),
)
FREIGHT_METADATA: Final = _function("freightMetadata", _TO_OBJECT)
FREIGHT_METADATA_WITH_KEY: Final = _function("freightMetadata", _TO_OBJECT, Signature((STRING, STRING), ANY))
FREIGHT_STATUS: Final = _function("freightStatus", _TO_OBJECT)
METADATA_NAMES: Final = frozenset(("freightMetadata", "freightStatus", "stageMetadata"))
"""The functions that read what the step `set-metadata` writes."""


def artifact_functions(types: ArtifactTypes) -> tuple[Function, ...]:
    """`warehouse`, `commitFrom`, `imageFrom` and `chartFrom`, with what they return in some release."""
    return (
        _function("warehouse", Signature((STRING,), FREIGHT_ORIGIN)),
        _function(
            "commitFrom",
            Signature((STRING, FREIGHT_ORIGIN), types.commit),
            Signature((STRING,), types.commit),
        ),
        _function(
            "imageFrom",
            Signature((STRING, FREIGHT_ORIGIN), types.image),
            Signature((STRING,), types.image),
        ),
        _function(
            "chartFrom",
            Signature((STRING, STRING, FREIGHT_ORIGIN), types.chart),
            Signature((STRING, STRING), types.chart),
            Signature((STRING, FREIGHT_ORIGIN), types.chart),
            Signature((STRING,), types.chart),
        ),
    )


# What they do.


def text_calls() -> dict[str, Call]:
    """The functions that turn values to text and are always there."""
    return {
        "quote": _quote,
        "unsafeQuote": lambda arguments: f'"{_marshalled("quote", arguments[0])}"',
        "asYAML": lambda arguments: f'"{to_yaml(arguments[0])}"',
        "asJSON": lambda arguments: f'"{_marshalled("asJSON", arguments[0], indent=True)}\n"',
        "semverDiff": lambda arguments: semver.difference(*_texts(arguments)),
        "semverParse": _semver_parse,
        "warehouse": _warehouse,
    }


def _texts(arguments: Arguments) -> tuple[str, ...]:
    """Arguments that must be plain strings; a string of a named type is not one."""
    for argument in arguments:
        if type(argument) is not str:
            raise ExpressionError(f"argument must be string, got {type_name(argument)}")
    return tuple(map(str, arguments))


def _text(arguments: Arguments, what: str = "") -> str:
    found = _texts(arguments[:1])[0]
    if what and not found:
        raise ExpressionError(f"{what} must not be empty")
    return found


def _marshalled(name: str, value: object, indent: bool = False) -> str:
    try:
        return to_json(value, indent)
    except ExpressionError as error:
        raise ExpressionError(f"error applying {name}() function: {error.message}") from error


def _quote(arguments: Arguments) -> str:
    value = arguments[0]
    return quoted(value) if type(value) is str else f'"{_marshalled("quote", value)}"'


def _semver_parse(arguments: Arguments) -> Struct:
    found = semver.parse(_text(arguments))
    if isinstance(found, str):
        raise ExpressionError(f"invalid semantic version: {found}")
    return version(found, pointer=True)


def _warehouse(arguments: Arguments) -> Struct:
    return origin(_text(arguments, "name"))


def status_calls(step: StepContext) -> dict[str, Call]:
    """The functions that ask how the steps so far ended."""
    failed = any(entry.failed for entry in step.metadata)

    def status(arguments: Arguments) -> str:
        return status_of(step, _text(arguments, "argument"))

    return {
        "always": lambda arguments: True,
        "failure": lambda arguments: failed,
        "success": lambda arguments: not failed,
        "status": status,
    }


def status_of(step: StepContext, alias: str) -> str:
    """The status of the first step with that short alias and the namespace of ``step``; empty if there is none.

    Source: ``pkg/expressions/function/functions.go: getStatus``.
    """
    namespace = namespace_of(step.alias)
    for entry in step.metadata:
        if namespace_of(entry.alias) == namespace and short_alias(entry.alias) == alias:
            return entry.status
    return ""


def context_calls(context: PromotionContext, types: ArtifactTypes, sanitizes_urls: bool) -> dict[str, Call]:
    """The functions that look things up in the cluster or in the Freight."""
    cluster = context.cluster
    artifacts = Artifacts(context, types, sanitizes_urls)

    def looked_up(kind: str, namespace: str, read: Callable[[Manifest | None], object]) -> Call:
        def call(arguments: Arguments) -> object:
            name = _text(arguments)
            if cluster is None:
                return UNKNOWN
            return read(_named(getattr(cluster, kind), namespace, name))

        return call

    def metadata(kind: str, what: str, read: Callable[[Manifest], object]) -> Call:
        def call(arguments: Arguments) -> object:
            name = _text(arguments, what)
            if cluster is None:
                return UNKNOWN
            found = _named(getattr(cluster, kind), context.project, name)
            data = None if found is None else read(found)
            if len(arguments) == 2:
                return _keyed(data, arguments[1])
            return data

        return call

    shared = "" if cluster is None else cluster.shared_namespace
    return {
        "configMap": looked_up("config_maps", context.project, _config_map),
        "sharedConfigMap": looked_up("config_maps", shared, _config_map),
        "secret": looked_up("secrets", context.project, _secret),
        "sharedSecret": looked_up("secrets", shared, _shared_secret),
        "freightMetadata": metadata("freight", "freight ref name", _status_metadata),
        "freightStatus": metadata("freight", "freight ref name", _freight_status),
        "stageMetadata": metadata("stages", "stage name", _status_metadata),
        "commitFrom": artifacts.commit,
        "imageFrom": artifacts.image,
        "chartFrom": artifacts.chart,
        "artifactFrom": artifacts.artifact,
    }


def _named(manifests: tuple[Manifest, ...], namespace: str, name: str) -> Manifest | None:
    for manifest in manifests:
        meta = manifest.get("metadata")
        if isinstance(meta, Mapping) and meta.get("name") == name and meta.get("namespace") == namespace:
            return manifest
    return None


def _part(manifest: Manifest, name: str) -> Mapping[str, object]:
    found = manifest.get(name)
    return found if isinstance(found, Mapping) else {}


def _config_map(manifest: Manifest | None) -> object:
    if manifest is None:
        return TypedMap({}, STRING_MAP)
    data = manifest.get("data")
    return TypedMap(dict(data), STRING_MAP) if isinstance(data, Mapping) and data else Nil(STRING_MAP)


def _secret(manifest: Manifest | None) -> object:
    found: dict[str, object] = {}
    if manifest is not None:
        for key, value in _part(manifest, "data").items():
            found[key] = base64.b64decode(plain_string(value)).decode("utf-8", "surrogateescape")
        found.update(_part(manifest, "stringData"))
    return TypedMap(found, STRING_MAP)


def _shared_secret(manifest: Manifest | None) -> object:
    labels = _part(_part(manifest or {}, "metadata"), "labels")
    generic = labels.get("kargo.akuity.io/cred-type") == "generic"
    return _secret(manifest if generic else None)


def _status_metadata(manifest: Manifest) -> object:
    found = _part(manifest, "status").get("metadata")
    return as_json(found) if isinstance(found, Mapping) and found else None


_STATUS_FIELDS: Final = ("approvedFor", "currentlyIn", "metadata", "verifiedIn")


def _freight_status(manifest: Manifest) -> object:
    status = _part(manifest, "status")
    return as_json({name: status[name] for name in _STATUS_FIELDS if status.get(name)})


def _keyed(data: object, key: object) -> object:
    if _texts((key,)) == ("",):
        raise ExpressionError("metadata key must not be empty")
    return data.get(str(key)) if isinstance(data, dict) else None


def as_json(value: object) -> object:
    """A value as it comes back from JSON: every number a float."""
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
