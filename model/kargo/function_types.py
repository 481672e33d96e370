"""The Go types that Kargo's expression functions return, and the values of those types.

Source: ``api/v1alpha1`` (``GitCommit``, ``Image``, ``Chart``, ``FreightOrigin``, ``StepExecutionMetadata``),
``pkg/expressions/function/functions.go: expressionFriendlyArtifactReference``, Masterminds/semver ``Version``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from model.expressions import types
from model.expressions.results import ExpressionError
from model.expressions.text import json_string, shown
from model.expressions.types import GoField, GoType, Signature
from model.expressions.values import Named, Nil, Number, Struct, TypedMap
from model.kargo import semver

_API: Final = "github.com/akuity/kargo/api/v1alpha1"
_SEMVER: Final = "github.com/Masterminds/semver/v3"

ORIGIN_KIND: Final = GoType("v1alpha1.FreightOriginKind", "string", _API)
STEP_STATUS: Final = GoType("v1alpha1.PromotionStepStatus", "string", _API)
STATE: Final = GoType(
    "promotion.State",
    "map",
    "github.com/akuity/kargo/pkg/promotion",
    element=types.ANY,
    key=types.STRING,
)
"""The type of `outputs`, which makes it unequal to any map an expression can write."""


def _struct(name: str, *fields: GoField) -> GoType:
    return GoType(f"v1alpha1.{name}", "struct", _API, fields=fields)


def _texts(*names: tuple[str, str]) -> tuple[GoField, ...]:
    return tuple(GoField(name, types.STRING, json, omit_empty=True) for name, json in names)


FREIGHT_ORIGIN: Final = _struct(
    "FreightOrigin", GoField("Kind", ORIGIN_KIND, "kind"), GoField("Name", types.STRING, "name")
)
_TIME: Final = GoType("v1.Time", "struct", "k8s.io/apimachinery/pkg/apis/meta/v1")
TIME_POINTER: Final = types.pointer_to(_TIME)
STEP_METADATA: Final = _struct(
    "StepExecutionMetadata",
    GoField("Alias", types.STRING, "alias", True),
    GoField("StartedAt", TIME_POINTER, "startedAt", True),
    GoField("FinishedAt", TIME_POINTER, "finishedAt", True),
    GoField("ErrorCount", types.UINT32, "errorCount", True),
    GoField("Status", STEP_STATUS, "status", True),
    GoField("Message", types.STRING, "message", True),
    GoField("ContinueOnError", types.BOOL, "continueOnError", True),
)
ARTIFACT: Final = GoType(
    "function.expressionFriendlyArtifactReference",
    "struct",
    "github.com/akuity/kargo/pkg/expressions/function",
    fields=(
        GoField("ArtifactType", types.STRING, "ArtifactType"),
        GoField("SubscriptionName", types.STRING, "SubscriptionName"),
        GoField("Version", types.STRING, "Version"),
        GoField("Metadata", types.OBJECT, "Metadata"),
    ),
)


@dataclass(frozen=True, slots=True)
class ArtifactTypes:
    """The types of what `commitFrom`, `imageFrom` and `chartFrom` return in some releases.

    ``printed``: pointers to them have a `String` method of their own, generated from their protocol buffers.
    """

    commit: GoType
    image: GoType
    chart: GoType
    printed: bool


def _artifact_types(extra: tuple[tuple[str, str], ...], printed: bool) -> ArtifactTypes:
    commit = _texts(
        ("RepoURL", "repoURL"), ("ID", "id"), ("Branch", "branch"), ("Tag", "tag"), ("Message", "message"),
        ("Author", "author"), ("Committer", "committer"), *extra,
    )  # fmt: skip
    image = (
        *_texts(("RepoURL", "repoURL"), ("Tag", "tag"), ("Digest", "digest")),
        GoField("Annotations", types.STRING_MAP, "annotations", True),
        *_texts(*extra),
    )
    chart = _texts(("RepoURL", "repoURL"), ("Name", "name"), ("Version", "version"), *extra)
    return ArtifactTypes(_struct("GitCommit", *commit), _struct("Image", *image), _struct("Chart", *chart), printed)


UNNAMED_ARTIFACTS: Final = _artifact_types((), printed=True)
NAMED_ARTIFACTS: Final = _artifact_types((("SubscriptionName", "subscriptionName"),), printed=False)
"""Since main: artifacts name the subscription they came by."""


def artifact(type_: GoType, manifest: Mapping[str, object], printed: bool) -> Struct:
    """A pointer to an artifact, from its manifest."""
    values = tuple(_artifact_field(declared, manifest) for declared in type_.fields)
    text = None
    if printed:
        shown_fields = ",".join(
            f"{declared.name}:{_printed(value)}" for declared, value in zip(type_.fields, values, strict=True)
        )
        text = f"&{type_.name.rpartition('.')[2]}{{{shown_fields},}}"
    return Struct(type_, values, pointer=True, pointer_text=text)


def _artifact_field(declared: GoField, manifest: Mapping[str, object]) -> object:
    found = manifest.get(declared.json)
    if declared.type is types.STRING_MAP:
        return TypedMap(dict(found), types.STRING_MAP) if isinstance(found, dict) else Nil(types.STRING_MAP)
    return "" if found is None else str(found)


def _printed(value: object) -> str:
    if isinstance(value, (TypedMap, Nil)):
        pairs = sorted(value.items()) if isinstance(value, TypedMap) else []
        return "map[string]string{" + "".join(f"{key}: {item}," for key, item in pairs) + "}"
    return shown(value)


def origin(name: str) -> Struct:
    """The origin that a Warehouse is."""
    return Struct(FREIGHT_ORIGIN, (Named("Warehouse", ORIGIN_KIND), name))


def time(text: str | None) -> object:
    """A pointer to a time, given as RFC 3339 text; nil if there is none."""
    if text is None:
        return Nil(TIME_POINTER)
    return Struct(_TIME, (), pointer=True, pointer_type=TIME_POINTER, json_text=json_string(text))


def uint32(number: int) -> Number:
    """A `uint32`, which is what error counts are."""
    return Number(number, types.UINT32)


# Versions.

_VERSION_METHODS: dict[str, Signature] = {
    "Major": Signature((), types.UINT64),
    "Minor": Signature((), types.UINT64),
    "Patch": Signature((), types.UINT64),
    "Prerelease": Signature((), types.STRING),
    "Metadata": Signature((), types.STRING),
    "String": Signature((), types.STRING),
}
VERSION: Final = GoType("semver.Version", "struct", _SEMVER, methods=_VERSION_METHODS)
_VERSION_METHODS.update({name: Signature((), VERSION) for name in ("IncMajor", "IncMinor", "IncPatch")})
_POINTER_METHODS: dict[str, Signature] = {**_VERSION_METHODS, "Original": Signature((), types.STRING)}
VERSION_POINTER: Final = types.pointer_to(VERSION, _POINTER_METHODS)
_COMPARISONS: Final[dict[str, Callable[[int], bool]]] = {
    "LessThan": lambda order: order < 0,
    "LessThanEqual": lambda order: order <= 0,
    "GreaterThan": lambda order: order > 0,
    "GreaterThanEqual": lambda order: order >= 0,
    "Equal": lambda order: order == 0,
}
_POINTER_METHODS.update({name: Signature((VERSION_POINTER,), types.BOOL) for name in _COMPARISONS})
_POINTER_METHODS["Compare"] = Signature((VERSION_POINTER,), types.INT)


def version(found: semver.Version, pointer: bool) -> Struct:
    """A version, or a pointer to one, with its methods."""

    def call(name: str, arguments: tuple[object, ...]) -> object:
        if name in _PARTS:
            value = _PARTS[name](found)
            return Number(value, types.UINT64) if isinstance(value, int) else value
        if name in _NEXT:
            return version(_NEXT[name](found), pointer=False)
        order = semver.compare(found, _other(arguments[0]))
        return order if name == "Compare" else _COMPARISONS[name](order)

    text = str(found)
    return Struct(
        VERSION,
        (),
        pointer=pointer,
        pointer_type=VERSION_POINTER if pointer else None,
        text=text,
        json_text=json_string(text),
        call=call,
    )


_PARTS: Final[dict[str, Callable[[semver.Version], int | str]]] = {
    "Major": lambda found: found.major,
    "Minor": lambda found: found.minor,
    "Patch": lambda found: found.patch,
    "Prerelease": lambda found: found.prerelease,
    "Metadata": lambda found: found.metadata,
    "String": str,
    "Original": lambda found: found.original,
}
_NEXT: Final = {
    "IncMajor": semver.Version.next_major,
    "IncMinor": semver.Version.next_minor,
    "IncPatch": semver.Version.next_patch,
}


def _other(value: object) -> semver.Version:
    found = semver.parse(value.text or "") if isinstance(value, Struct) and value.type is VERSION else ""
    if isinstance(found, str):
        raise ExpressionError("runtime error: invalid memory address or nil pointer dereference")
    return found
